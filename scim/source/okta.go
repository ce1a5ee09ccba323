package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// OktaConfig says what an [Okta] source reads. Okta's "Users" and "Groups" API
// references explain the terms.
type OktaConfig struct {
	// URL is the address of the organisation, such as "https://example.okta.com". The
	// token goes there, so let it begin with https. Required.
	URL string
	// Token is an API token, which Okta calls SSWS. It has the permissions of the
	// administrator who made it; one who may read is enough.
	Token crowd.Secret
	// AccessToken returns an OAuth 2.0 access token with the scopes okta.users.read
	// and okta.groups.read. It is asked for each request, so it should cache. Token
	// or AccessToken is required.
	AccessToken func(context.Context) (crowd.Secret, error)

	// Status are the statuses of the users that are read. Default, also where it is
	// empty: of those who may work, see [OktaActive]. Users of other statuses are read as not active.
	Status []string
	// Search chooses users by an expression of Okta's search language, such as
	// `profile.department eq "Engineering"`.
	Search string
	// Group chooses the members of one group, by its name or its id. It does not go
	// together with Search.
	Group string

	// GroupSearch chooses groups by an expression, such as
	// `type eq "OKTA_GROUP" and profile.name sw "jira-"`. Default: all groups.
	GroupSearch string
	// NoGroups reads users only.
	NoGroups bool

	// Adjust is called with each user's Okta profile and the SCIM resource made of
	// it, and may change the resource, for properties of one's own. Nil changes
	// nothing.
	Adjust func(profile, user map[string]any)

	// PageSize is how many users are asked for at once. Default 200, the most that
	// Okta gives.
	PageSize int
	// HTTPClient carries proxy, certificates and transport. Default: a client of its
	// own. Redirects are not followed.
	HTTPClient *http.Client
	// Logger gets a line per request at level debug. Nil discards.
	Logger *slog.Logger
}

// OktaActive returns the statuses of users who may work: ACTIVE, and those who can
// come back to it by themselves, PASSWORD_EXPIRED, LOCKED_OUT and RECOVERY.
func OktaActive() []string {
	return []string{"ACTIVE", "PASSWORD_EXPIRED", "LOCKED_OUT", "RECOVERY"}
}

// Okta is a [Source] that reads Okta's management API (/api/v1). It is safe for
// concurrent use.
//
// Lists are followed by the Link header (rel="next"), on the server of OktaConfig.URL
// only. One that ends on a page that no such header names (rel="self"), as Okta names
// all, ends with [ErrIncomplete]. Where nothing remains of a rate limit it waits until that is reset, and where
// Okta answers 429 as well.
type Okta struct {
	cfg  OktaConfig
	call *caller
}

// NewOkta returns a source, or an error that says what is wrong with cfg. It calls
// nothing.
func NewOkta(cfg OktaConfig) (*Okta, error) {
	c, err := newCaller("okta", cfg.URL, cfg.HTTPClient, cfg.Logger)
	if err != nil {
		return nil, err
	}
	if (cfg.Token == "") == (cfg.AccessToken == nil) {
		return nil, errors.New("source: okta: one of OktaConfig.Token and AccessToken is required")
	}
	if cfg.Search != "" && cfg.Group != "" {
		return nil, errors.New("source: okta: OktaConfig.Search and Group do not go together")
	}
	if len(cfg.Status) == 0 {
		cfg.Status = OktaActive()
	}
	if cfg.PageSize == 0 {
		cfg.PageSize = 200
	}
	if cfg.PageSize < 1 || cfg.PageSize > 200 {
		return nil, errors.New("source: okta: OktaConfig.PageSize is from 1 to 200")
	}
	for _, s := range cfg.Status {
		if !oktaStatus.MatchString(s) {
			return nil, fmt.Errorf("source: okta: OktaConfig.Status: %q is not a status such as ACTIVE", s)
		}
	}
	c.accept, c.explain = "application/json", oktaError
	c.authorize = func(ctx context.Context) (string, error) {
		if cfg.AccessToken == nil {
			return "SSWS " + cfg.Token.Reveal(), nil
		}
		token, err := cfg.AccessToken(ctx)
		return "Bearer " + token.Reveal(), err
	}
	return &Okta{cfg, c}, nil
}

var (
	oktaStatus  = regexp.MustCompile(`^[A-Z_]+$`)
	oktaGroupID = regexp.MustCompile(`^00g[0-9A-Za-z]{17}$`)
)

// Records implements [Source].
func (o *Okta) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for record, err := range o.users(ctx) {
			if !yield(record, err) || err != nil {
				return
			}
		}
		if o.cfg.NoGroups {
			return
		}
		for record, err := range o.groups(ctx) {
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// users yields the users that were chosen.
func (o *Okta) users(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		first, err := o.firstOfUsers(ctx)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for u, err := range list[oktaUser](ctx, o, "list users", first) {
			if err == nil {
				err = u.check()
			}
			if err == nil && !slices.Contains(o.cfg.Status, u.Status) {
				continue // the members of a group are not chosen by status
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !yield(Record{ID: u.ID, User: u.resource(o.cfg.Adjust)}, nil) {
				return
			}
		}
	}
}

// firstOfUsers returns the address of the first page of users.
func (o *Okta) firstOfUsers(ctx context.Context) (*url.URL, error) {
	query := url.Values{"limit": {strconv.Itoa(o.cfg.PageSize)}}
	if o.cfg.Group != "" {
		id, err := o.groupID(ctx)
		if err != nil {
			return nil, err
		}
		return o.call.at("/api/v1/groups/"+id+"/users", query), nil
	}
	var any []string
	for _, s := range o.cfg.Status {
		any = append(any, `status eq "`+s+`"`)
	}
	status := strings.Join(any, " or ")
	switch {
	case o.cfg.Search == "":
		query.Set("filter", status)
	case status == "":
		query.Set("search", o.cfg.Search)
	default:
		query.Set("search", "("+status+") and ("+o.cfg.Search+")")
	}
	return o.call.at("/api/v1/users", query), nil
}

// groupID returns the id of the group whose members are read.
func (o *Okta) groupID(ctx context.Context) (string, error) {
	if oktaGroupID.MatchString(o.cfg.Group) {
		return o.cfg.Group, nil
	}
	op := fmt.Sprintf("find the group %q", o.cfg.Group)
	quoted, err := json.Marshal(o.cfg.Group)
	if err != nil {
		return "", err
	}
	var ids []string
	first := o.call.at("/api/v1/groups", url.Values{"search": {"profile.name eq " + string(quoted)}})
	for g, err := range list[oktaGroup](ctx, o, op, first) {
		if err == nil {
			err = g.check(op)
		}
		if err != nil {
			return "", err
		}
		if g.Profile.Name == o.cfg.Group {
			ids = append(ids, g.ID)
		}
	}
	if len(ids) != 1 {
		return "", &Error{Source: "okta", Op: op, Err: fmt.Errorf("%d groups have this name; give the id of one, such as 00gab1cd2eFGhijk3l4m", len(ids))}
	}
	return ids[0], nil
}

type oktaGroup struct {
	ID      string
	Profile struct{ Name string }
}

func (g oktaGroup) check(op string) error {
	if g.ID == "" || g.Profile.Name == "" {
		return incomplete("okta", op, "a group has no id or no profile.name")
	}
	return nil
}

// groups yields the groups that were chosen.
func (o *Okta) groups(ctx context.Context) iter.Seq2[Record, error] {
	query := url.Values{"limit": {"1000"}}
	if o.cfg.GroupSearch != "" {
		query.Set("search", o.cfg.GroupSearch)
	}
	return func(yield func(Record, error) bool) {
		for g, err := range list[oktaGroup](ctx, o, "list groups", o.call.at("/api/v1/groups", query)) {
			if err == nil {
				err = g.check("list groups")
			}
			if err != nil {
				yield(Record{}, err)
				return
			}
			if !yield(Record{ID: g.ID, Group: &Group{Name: g.Profile.Name, Members: o.members(ctx, g)}}, nil) {
				return
			}
		}
	}
}

// members yields the members of a group.
func (o *Okta) members(ctx context.Context, g oktaGroup) iter.Seq2[Member, error] {
	first := o.call.at("/api/v1/groups/"+g.ID+"/users", url.Values{"limit": {strconv.Itoa(o.cfg.PageSize)}})
	return func(yield func(Member, error) bool) {
		op := fmt.Sprintf("list the members of %q", g.Profile.Name)
		for u, err := range list[struct{ ID, Status string }](ctx, o, op, first) {
			if err == nil && (u.ID == "" || u.Status == "") {
				err = incomplete("okta", op, "a member has no id or no status")
			}
			if err == nil && !slices.Contains(o.cfg.Status, u.Status) {
				continue
			}
			if !yield(Member{ID: u.ID}, err) || err != nil {
				return
			}
		}
	}
}

// list yields what a paged list holds, page by page.
func list[T any](ctx context.Context, o *Okta, op string, first *url.URL) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var items []T
		pages := newTrail()
		for u := first; u != nil; {
			p, err := o.page(ctx, op, u, pages, len(items))
			if err == nil {
				items, err = listOf[T](p.body)
			}
			if err != nil {
				yield(none, oktaFault(op, err))
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if u, err = nextLink(u, p.header.Values("Link")); err != nil {
				yield(none, oktaFault(op, err))
				return
			}
		}
	}
}

// page asks for a page, after one that had so many items.
func (o *Okta) page(ctx context.Context, op string, u *url.URL, pages *trail, items int) (*page, error) {
	if err := pages.step(u.String(), items); err != nil {
		return nil, err
	}
	return o.call.get(ctx, op, u)
}

// listOf reads the body of a page.
func listOf[T any](body []byte) (items []T, err error) {
	if err := json.Unmarshal(body, &items); err != nil {
		return nil, fmt.Errorf("%w: the answer is not a list: %w", ErrIncomplete, err)
	}
	if items == nil { // of null
		return nil, fmt.Errorf("%w: the answer is not a list", ErrIncomplete)
	}
	return items, nil
}

func oktaFault(op string, err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Source: "okta", Op: op, Err: err}
}

// oktaError reads an error of Okta's: errorCode and errorSummary.
func oktaError(body []byte) (code, message string) {
	var e struct{ ErrorCode, ErrorSummary string }
	if json.Unmarshal(body, &e) != nil {
		return "", ""
	}
	return e.ErrorCode, e.ErrorSummary
}

// brief bounds what a server says, and keeps it on one line.
func brief(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
