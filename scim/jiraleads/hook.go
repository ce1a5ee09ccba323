package jiraleads

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/mail"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A Product is one of the two kinds of Jira.
type Product string

// The values of [Product].
const (
	DataCenter Product = "dataCenter" // Jira Data Center and Server; the default
	Cloud      Product = "cloud"      // Jira Cloud, at NAME.atlassian.net
)

// Config says how to reach Jira, and who takes over.
type Config struct {
	// Name tells the hook apart from others, such as one for another Jira, see
	// [groupsync.Hook]. Default "jira-leads".
	Name string
	// URL is the address of Jira with its context path, such as
	// "https://jira.example.com/jira" or "https://example.atlassian.net". Required.
	URL string
	// Product says which Jira it is. Default [DataCenter].
	Product Product
	// User is the account as which to call, which must be allowed to administer all
	// projects. Cloud: its e-mail address, required. Data Center: its user name, or
	// nothing where Token is a personal access token.
	User string
	// Token is the API token of the account (Cloud), or its personal access token or
	// password (Data Center). Required.
	Token crowd.Secret

	// ProjectLead takes over projects and ComponentLead components: a user name
	// (Data Center), or an e-mail address or account id (Cloud). One of them may be
	// empty; those leads then stay as they are.
	ProjectLead, ComponentLead string
	// MatchDisplayName takes, in Cloud, an account for the leaver's by display name
	// alone, where no account shows the leaver's e-mail address, and exactly one that
	// hides its own has that display name. By default such an account is no match,
	// since it may be a namesake's.
	MatchDisplayName bool

	// HTTPClient carries certificates, proxy and transport. It is copied; the copy
	// follows no redirects, which would hand the token on. Nil means one with the
	// default transport.
	HTTPClient *http.Client
	// MaxInFlight bounds the requests in flight. Default 4.
	MaxInFlight int
	// Tries is how often a call is tried where repeating it is safe. Default 3.
	Tries int
	// Timeout bounds one HTTP request. Default 10 s.
	Timeout time.Duration
	// Logger hears of each call (Debug) and each repetition (Warn). Nil discards.
	Logger *slog.Logger
}

// A Hook hands leads over. It is immutable and safe for concurrent use.
type Hook struct {
	name               string
	project, component string
	jira               api
	parallel           int
}

// New returns a Hook, or an error that says what is wrong with cfg. It calls nothing.
func New(cfg Config) (*Hook, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("jiraleads: %w", err)
	}
	cfg = cfg.withDefaults()
	c := newClient(cfg)
	h := &Hook{name: cfg.Name, project: cfg.ProjectLead, component: cfg.ComponentLead, parallel: cfg.MaxInFlight}
	if cfg.Product == Cloud {
		h.jira = &cloud{client: c, byName: cfg.MatchDisplayName}
	} else {
		h.jira = &dataCenter{client: c}
	}
	return h, nil
}

func (cfg Config) validate() error {
	if _, err := parseBase(cfg.URL); err != nil {
		return fmt.Errorf("Config.URL: %w", err)
	}
	switch {
	case cfg.Product != "" && cfg.Product != DataCenter && cfg.Product != Cloud:
		return errors.New(`Config.Product must be "dataCenter" or "cloud"`)
	case cfg.Token == "":
		return errors.New("Config.Token is missing")
	case strings.ContainsFunc(cfg.Token.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("Config.Token holds a control character, such as a line break at its end")
	case strings.Contains(cfg.User, ":"):
		return errors.New("Config.User holds a colon, which basic authentication cannot carry")
	case cfg.Product == Cloud && cfg.User == "":
		return errors.New("Config.User is missing: Jira Cloud takes the e-mail address of the account with its API token")
	case cfg.ProjectLead == "" && cfg.ComponentLead == "":
		return errors.New("Config.ProjectLead and Config.ComponentLead are both empty: there is nothing to hand over")
	case cfg.MaxInFlight < 0 || cfg.Tries < 0 || cfg.Timeout < 0:
		return errors.New("Config.MaxInFlight, Tries and Timeout must not be negative")
	}
	if cfg.Product == Cloud {
		if _, err := mail.ParseAddress(cfg.User); err != nil {
			return errors.New("Config.User must be the e-mail address of the account")
		}
	}
	return nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Name == "" {
		cfg.Name = "jira-leads"
	}
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 4
	}
	if cfg.Tries == 0 {
		cfg.Tries = 3
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// Name returns [Config.Name].
func (h *Hook) Name() string { return h.name }

var _ groupsync.Hook = (*Hook)(nil)

// An account is a user of Jira.
type account struct {
	Key         string `json:"key"`       // Data Center: never changes
	Name        string `json:"name"`      // Data Center
	AccountID   string `json:"accountId"` // Cloud
	Email       string `json:"emailAddress"`
	DisplayName string `json:"displayName"`
	Active      bool   `json:"active"`
	Type        string `json:"accountType"` // Cloud: atlassian, app or customer
	Deleted     bool   `json:"deleted"`     // Data Center
}

// id returns what the account is known by for good.
func (a *account) id() string {
	if a.AccountID != "" {
		return a.AccountID
	}
	return a.Key
}

// label shows the account to people.
func (a *account) label() string {
	switch {
	case a.AccountID != "" && a.DisplayName != "":
		return fmt.Sprintf("%s (%s)", a.DisplayName, a.AccountID)
	case a.AccountID != "":
		return a.AccountID
	case a.Name != "":
		return a.Name
	}
	return a.Key
}

// An item is a project or a component with its lead.
type item struct {
	kind    string // "project" or "component"
	id      string
	project string // the key, or the id where the key is not told
	name    string
	lead    *account
}

const (
	projectKind   = "project"
	componentKind = "component"
)

// object names the item in a step.
func (it item) object() string { return it.kind + " " + it.id }

// label shows the item to people.
func (it item) label() string {
	if it.kind == projectKind {
		return fmt.Sprintf("lead of project %s", it.project)
	}
	return fmt.Sprintf("lead of component %s of project %s", it.name, it.project)
}

// api is what the two products do in different ways.
type api interface {
	// find returns the account of a leaver, nil where Jira has none.
	find(ctx context.Context, l groupsync.Leaver) (*account, error)
	// is reports whether a lead is the leaver, whose account may be nil.
	is(lead, leaver *account, l groupsync.Leaver) bool
	// lookUp returns the account that the settings name, nil where there is none.
	lookUp(ctx context.Context, name string) (*account, error)
	// projects calls f for each project, components for each component of one.
	projects(ctx context.Context, f func(item) error) error
	components(ctx context.Context, project item, f func(item) error) error
	// read returns an item as it is, nil where it is gone.
	read(ctx context.Context, kind, id string) (*item, error)
	// setLead changes the lead of an item.
	setLead(ctx context.Context, it *item, lead *account) error
	// assignable reports whether an account can be assigned issues of a project.
	assignable(ctx context.Context, a *account, project string) (bool, error)
	// admin reports whether the caller administers Jira.
	admin(ctx context.Context) (bool, error)
}
