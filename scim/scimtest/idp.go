package scimtest

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config says which server an identity provider drives, and how.
type Config struct {
	// BaseURL is the SCIM base URL, as an administrator would paste it. Required.
	BaseURL string
	// Token is sent as bearer token; without it no request is authenticated.
	Token string
	// HTTPClient sends the requests. Nil means [http.DefaultClient].
	HTTPClient *http.Client
	// Leavers says what becomes of leavers. Default [Deactivate].
	Leavers Leavers
	// KeepGroups leaves groups on the server as they are that are no longer in
	// the Directory. By default they are deleted, where the app knows how to:
	// OneLogin empties them.
	KeepGroups bool
	// Ignore names attributes, by the paths that [Difference] has, that the
	// server is not expected to keep.
	Ignore []string
	// Wait waits where the app does: for Retry-After, or with Okta for minutes.
	// Nil waits really; within [testing/synctest] that takes no time.
	Wait func(context.Context, time.Duration) error
}

// Leavers says what an identity provider does with the users that are no longer
// in the Directory.
type Leavers int

const (
	// Deactivate sets active to false. Whoever comes back is activated again.
	Deactivate Leavers = iota
	// Delete deletes them; Entra deactivates them before. Okta never does and
	// deactivates.
	Delete
)

// ErrDisabled is the error of [IdP.Sync] where the job has been switched off,
// as Entra does after four weeks of quarantine.
var ErrDisabled = errors.New("scimtest: the job has been disabled after four weeks of quarantine")

// The times of an Entra job.
const (
	betweenCycles  = 40 * time.Minute
	betweenRetries = 24 * time.Hour // in quarantine
	disabledAfter  = 28             // cycles in quarantine, one a day
	longestBackOff = 5              // cycles that a failing object waits at most, as a power of two
)

// An IdP plays the identity provider of one app. It remembers, as the real one
// does, which of its users and groups are which on the server and what was last
// sent. It is safe for concurrent use: cycles wait for one another.
type IdP struct {
	app traits
	cfg Config

	mu         sync.Mutex // guards what follows
	tested     bool
	trial      trial
	quarantine int // cycles in it
	users      index[userLink]
	groups     index[groupLink]
}

// New returns an identity provider that has never run. It panics if app is none
// of [Apps], or the base URL is missing.
func New(app App, cfg Config) *IdP {
	t, ok := apps()[app]
	if !ok {
		panic("scimtest: there is no app " + string(app))
	}
	if cfg.BaseURL == "" {
		panic("scimtest: Config.BaseURL is required")
	}
	cfg.BaseURL, _, _ = strings.Cut(cfg.BaseURL, "?") // Entra takes its flags out, too
	cfg.BaseURL = strings.TrimRight(cfg.BaseURL, "/")
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = http.DefaultClient
	}
	if cfg.Wait == nil {
		cfg.Wait = sleep
	}
	if t.neverDeletes {
		cfg.Leavers = Deactivate
	}
	return &IdP{app: t, cfg: cfg, trial: trial{name: "scimtest-" + strings.ToLower(rand.Text())}}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// Sync runs one provisioning cycle: it brings the server to want, and then
// reads back what the server shows. The first one begins with the connection
// test and ends where that fails.
//
// The error is that of ctx, [ErrDisabled], or says what is wrong with want; all
// that goes wrong between identity provider and server stands in the Report.
func (i *IdP) Sync(ctx context.Context, want Directory) (Report, error) {
	if err := want.check(); err != nil {
		return Report{}, errors.Join(errors.New("scimtest: the directory contradicts itself"), err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.quarantine >= disabledAfter {
		return Report{}, ErrDisabled
	}
	c := &cycle{IdP: i}
	if !i.tested {
		if err := c.test(ctx); err != nil || !i.tested {
			return c.report, err
		}
	}
	if err := c.run(ctx, want); err != nil {
		return c.report, err
	}
	return c.report, c.compare(ctx, want)
}

// TestConnection does what the button of that name does.
func (i *IdP) TestConnection(ctx context.Context) (Report, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := &cycle{IdP: i}
	err := c.test(ctx)
	return c.report, err
}

// Import reads all users and groups of the server, page by page. The IDs in the
// Directory are the server's. The error is a *[Failure], or that of ctx.
func (i *IdP) Import(ctx context.Context) (Directory, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := &cycle{IdP: i}
	var d Directory
	users, err := c.pages(ctx, "import users", "/Users")
	if err != nil {
		return d, err
	}
	for _, r := range users {
		d.Users = append(d.Users, readUser(r))
	}
	if i.app.groups == nil {
		return d, nil
	}
	groups, err := c.pages(ctx, "import groups", "/Groups")
	for _, r := range groups {
		d.Groups = append(d.Groups, Group{ID: text("id")(r), Name: text("displayName")(r), Members: memberIDs(r)})
	}
	return d, err
}

// run does the work of a cycle: users, then groups, then deletions.
func (c *cycle) run(ctx context.Context, want Directory) error {
	for _, work := range []func(context.Context, Directory) error{c.syncUsers, c.syncGroups, c.deleteLeavers} {
		if err := work(ctx, want); err != nil {
			return err
		}
	}
	if c.app.quarantine {
		c.judge()
	}
	return nil
}

// judge puts the job into quarantine where most of what was tried failed, or
// takes it out.
func (c *cycle) judge() {
	tried, failed := c.users.tried+c.groups.tried, len(c.report.Failures)
	switch {
	case 2*failed > tried:
		c.quarantine++
	case tried > 0:
		c.quarantine = 0
	case c.quarantine > 0:
		c.quarantine++ // nothing was due, and the days pass
	}
	c.report.Next = betweenCycles
	if c.report.Quarantined = c.quarantine > 0; c.report.Quarantined {
		c.report.Next = betweenRetries
	}
}

// fail puts a failure into the report, and returns any other error.
func (c *cycle) fail(err error) error {
	f, ok := errors.AsType[*Failure](err)
	if !ok {
		return err
	}
	c.report.Failures = append(c.report.Failures, f)
	return nil
}

// test tests the connection.
func (c *cycle) test(ctx context.Context) error {
	c.tested = false
	const task = "test connection"
	for _, p := range c.app.probes {
		_, err := c.send(ctx, task, "GET", strings.ReplaceAll(p.path, "{random}", "scimtest-"+rand.Text()), nil)
		switch f, failed := errors.AsType[*Failure](err); {
		case failed && f.Status == p.want:
		case err != nil:
			return c.fail(err)
		case p.want != http.StatusOK:
			return c.fail(&Failure{Task: task, Status: http.StatusOK, Detail: "a user that cannot be there was found"})
		}
	}
	if c.app.selfTest {
		if err := c.selfTest(ctx, task); err != nil {
			return c.fail(err)
		}
	}
	c.tested = true
	return nil
}

// make sends a POST and returns the resource, which must have an id.
func (c *cycle) make(ctx context.Context, task, path string, body resource) (resource, error) {
	a, err := c.send(ctx, task, "POST", path, body)
	if err != nil {
		return nil, err
	}
	if text("id")(a.content) == "" {
		return nil, &Failure{Task: task, Status: a.status, Detail: "the answer to a create is no resource with an id"}
	}
	return a.content, nil
}
