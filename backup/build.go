package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
)

// BuildOptions is what a running connection needs and no document holds.
type BuildOptions struct {
	// BaseURL is where clients reach the server, such as
	// "https://bridge.example.com"; the path of the connection is added to it.
	// Required.
	BaseURL string
	// Resolve fetches passwords and tokens that are references.
	Resolve Resolver
	// Opener opens passwords and tokens that are sealed.
	Opener Opener
	// HTTPClient carries certificates, proxy and transport of the way to Crowd.
	// Default: a client of its own.
	HTTPClient *http.Client
	// HookClient carries certificates, proxy and transport of the way to Jira and to
	// webhooks. Default: a client of its own.
	HookClient *http.Client
	// Hooks are run for leavers, after those that the document names.
	Hooks []groupsync.Hook
	// Ledger returns what keeps the grants and SCIM groups of a connection, the
	// same for all that ask. Default: they are kept in Crowd.
	Ledger func(d groupsync.Directory, connection string) groupsync.Ledger
	// Neighbours are the other connections that share the directory; [BuildAll]
	// finds them.
	Neighbours []Connection
	// Locks are taken by the engines of connections whose "replicas" is "one". Whoever
	// builds several, or one in place of another, gives all the same; [BuildAll] and
	// [NewLive] make them where they are missing.
	Locks *groupsync.Locks
	// Batch returns what changes many memberships of a connection's directory in one
	// call, such as the Memberships of package crowd/admin, nil for none. Default: none.
	Batch func(Connection) groupsync.Batch
	// DryRun has every change planned and reported, and none made.
	DryRun bool
	// Issuers makes what checks the tokens of the issuers that a connection names;
	// the function Accept of package scim/oidc is one. Required where one names
	// any, as package backup does without that package's dependencies.
	Issuers func(scim.Issuer) (scim.Verifier, error)
	// Authenticators are asked where a request has no token that the connection
	// accepts, such as one that knows certificates of clients.
	Authenticators []scim.Authenticator
	// Findings is told what the handler finds out about the identity provider.
	// Nil means nobody; they are logged in any case.
	Findings func(context.Context, scim.Finding)
	// Observer is told every event; it must be quick and safe for concurrent
	// use. Nil means nobody.
	Observer func(context.Context, groupsync.Event)
	// Logger hears of calls and requests (Debug) and of trouble (Warn), each with
	// the name of the connection. Nil discards.
	Logger *slog.Logger
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// A Running is a connection that serves. It is safe for concurrent use, and
// holds nothing that must be closed.
type Running struct {
	// Name is the connection's, and Path the path under which it is served.
	Name, Path string
	// Paused tells that the Handler answers every request 503. Whoever reconciles on
	// a schedule should leave the connection out.
	Paused bool
	// BaseURL is what the identity provider is given.
	BaseURL string
	// Handler serves requests whose URL holds the whole path; see
	// [Running.Mount].
	Handler http.Handler
	// SCIM is the handler without the path; it tells what it has found out about
	// the identity provider, see [scim.Handler.Findings].
	SCIM *scim.Handler
	// Attributes and Groups are the compiled mappings, for explaining what becomes of
	// a user or a group.
	Attributes *mapping.AttributeMap
	Groups     *mapping.GroupMap
	// Engine makes the changes, for reconciling, previews and the like.
	Engine *groupsync.Engine
	// Client calls Crowd, for checks and the like.
	Client *crowd.Client
	// Leads hands leads over in Jira, for checks and previews; nil where the
	// connection has no Jira.
	Leads *jiraleads.Hook
}

// Mount has mux pass the connection's requests to it.
func (r *Running) Mount(mux *http.ServeMux) {
	if r.Path == "/" {
		mux.Handle("/", r.Handler)
		return
	}
	mux.Handle(r.Path, r.Handler)
	mux.Handle(r.Path+"/", r.Handler)
}

// Build makes what serves a connection: the client of its Crowd, the compiled
// mappings, the engine and the handler. It calls no Crowd; what does so is
// [crowd.Client.Check].
//
// Its error says what to change. It is of type [mapping.Faults], with pointers
// into the connection, where the connection is not valid.
func Build(ctx context.Context, c Connection, o BuildOptions) (*Running, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	r, err := build(ctx, c, o)
	if err != nil {
		return nil, fmt.Errorf("backup: connection %s: %w", c.Name, err)
	}
	return r, nil
}

// validate is [Config.Validate] for one connection.
func (c Connection) validate() error {
	err := (&Config{Connections: []Connection{c}}).Validate()
	faults, ok := errors.AsType[mapping.Faults](err)
	if !ok {
		return err
	}
	for i := range faults {
		faults[i].Pointer = strings.TrimPrefix(faults[i].Pointer, "/connections/0")
	}
	return faults
}

func build(ctx context.Context, c Connection, o BuildOptions) (*Running, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if u, err := url.Parse(o.BaseURL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New(`BuildOptions.BaseURL must be an http or https address such as "https://bridge.example.com"`)
	}
	o.Logger = o.Logger.With("connection", c.Name)
	c.warn(ctx, o.Logger)
	r := &Running{Name: c.Name, Path: c.Path, Paused: c.Paused, BaseURL: strings.TrimRight(strings.TrimRight(o.BaseURL, "/")+c.Path, "/")}
	var err error
	if r.Client, err = c.client(ctx, o); err != nil {
		return nil, err
	}
	if r.Attributes, err = c.attributes(); err != nil {
		return nil, err
	}
	if r.Groups, err = mapping.CompileGroups(c.Groups.Groups); err != nil {
		return nil, err
	}
	hooks, err := c.hooks(ctx, r, o)
	if err != nil {
		return nil, err
	}
	if r.Engine, err = c.engine(r, hooks, o); err != nil {
		return nil, err
	}
	auth, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: c.Tokens, Access: c.Access, Issuers: o.Issuers, Others: o.Authenticators, Now: o.Now})
	if err != nil {
		return nil, err
	}
	extensions, err := c.Users.extensions()
	if err != nil {
		return nil, err
	}
	r.SCIM, err = scim.New(scim.Config{
		Observer: o.Findings, Extensions: extensions,
		Engine: r.Engine, Attributes: r.Attributes, Users: c.Users.Users, Provider: c.Provider, Auth: auth,
		BaseURL: r.BaseURL, Limits: c.Limits, Logger: o.Logger, Now: o.Now,
	})
	if err != nil {
		return nil, err
	}
	r.Handler = http.StripPrefix(strings.TrimRight(c.Path, "/"), r.SCIM)
	if c.Paused {
		r.Handler = http.HandlerFunc(paused)
	}
	return r, nil
}

func (c Connection) client(ctx context.Context, o BuildOptions) (*crowd.Client, error) {
	password, err := c.Crowd.Password.secret(ctx, o.Resolve, o.Opener)
	if err != nil {
		return nil, fmt.Errorf("password of the application %s: %w", quote(c.Crowd.Application), err)
	}
	return crowd.New(crowd.Config{
		BaseURL: c.Crowd.URL, Application: c.Crowd.Application, Password: password,
		HTTPClient: o.HTTPClient, MaxInFlight: c.Crowd.MaxInFlight, Logger: o.Logger,
	})
}

// attributes returns the mapping of users, with the filter in it.
func (c Connection) attributes() (*mapping.AttributeMap, error) {
	schema := c.Users.schema()
	chosen, err := mapping.CompileUserFilter(c.Users.Filter, schema)
	if err != nil {
		return nil, err
	}
	return mapping.CompileAttributes(c.Users.Attributes, mapping.AttributeOptions{Schema: schema, Filter: chosen})
}

func (c Connection) engine(r *Running, hooks []groupsync.Hook, o BuildOptions) (*groupsync.Engine, error) {
	var ledger groupsync.Ledger
	if o.Ledger != nil {
		ledger = o.Ledger(r.Client, c.Name)
	}
	others, err := neighbours(o.Neighbours, r.Client, o)
	if err != nil {
		return nil, err
	}
	return groupsync.New(groupsync.Config{
		Connection:           c.Name,
		Neighbours:           others,
		Abandoned:            c.Crowd.Abandoned,
		FlattenGroups:        c.Groups.Nested == FlattenNested,
		Crowd:                r.Client,
		Ledger:               ledger,
		Attributes:           r.Attributes,
		Groups:               r.Groups,
		Policy:               c.Groups.Guard,
		ProtectedUsers:       c.Users.Protected,
		RejectEmail:          c.Users.EmailRefused == scim.RejectEmail,
		RejectUnknownMembers: c.Groups.UnknownMembers == RejectUnknown,
		KeepEmptyGroups:      c.Groups.KeepEmptyGroups,
		SplitWrites:          c.Crowd.SplitWrites,
		Hooks:                hooks,
		HookTimeout:          c.Users.HandOver.timeout(),
		RequireHooks:         c.Users.HandOver.Required,
		Replicas:             c.Crowd.Replicas,
		Locks:                o.Locks,
		Batch:                o.batch(c),
		DryRun:               o.DryRun,
		Observer:             o.Observer,
		Logger:               o.Logger,
		Now:                  o.Now,
	})
}

func (o BuildOptions) batch(c Connection) groupsync.Batch {
	if o.Batch == nil {
		return nil
	}
	return o.Batch(c)
}
