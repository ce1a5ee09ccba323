package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/crowd/directory"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// A guide is what the screens work on.
type guide struct {
	out     io.Writer
	servers servers
	secrets map[string]crowd.Secret // by the names of environment variables

	crowd atomic.Pointer[crowdtest.Server] // another one after the disaster
	jira  *jira
	live  *backup.Live
	base  string             // where the bridge is served, without paths
	token crowd.Secret       // the bearer token of the connection
	idp   *scimtest.IdP      // Okta's provisioning
	org   scimtest.Directory // what is assigned to the app, and which groups are pushed

	document, snapshot []byte       // the backup
	later              atomic.Int64 // nanoseconds that the connection is ahead of the clock
}

const directoryName = "Employees"

// newGuide starts the stand-ins.
func newGuide(out io.Writer) (*guide, error) {
	g := &guide{out: out, jira: newJira(), secrets: map[string]crowd.Secret{
		"CROWD_PASSWORD": crowd.Secret(rand.Text()), "CROWD_ADMIN_PASSWORD": crowd.Secret(rand.Text()),
		"JIRA_TOKEN": crowd.Secret(rand.Text()), "BACKUP_PASSPHRASE": crowd.Secret(rand.Text()),
	}}
	g.jira.token = g.secrets["JIRA_TOKEN"]
	g.newCrowd()
	return g, nil
}

// newCrowd puts an empty Crowd in the place of the one there is: with an
// administrator, an application, and a plugin that can create directories.
func (g *guide) newCrowd() {
	server := &crowdtest.Server{Application: "scim", Password: g.secrets["CROWD_PASSWORD"]}
	server.SetOptions(func(o *crowdtest.Options) { o.Plugin, o.AllowEmailChange = crowdtest.BootstrAPI, true })
	server.AddAdministrator("admin", g.secrets["CROWD_ADMIN_PASSWORD"])
	server.UpdateApplication("scim", func(a *crowdtest.Application) { a.CreateTokens = true })
	g.crowd.Store(server)
}

// in is the directory that is provisioned, as Crowd's console shows it.
func (g *guide) in() crowdtest.Contents { return g.crowd.Load().In(directoryName) }

// RoundTrip carries calls to the Crowd that is there now.
func (g *guide) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == jiraHost {
		return g.jira.RoundTrip(r)
	}
	return g.crowd.Load().RoundTrip(r)
}

// build is what a connection needs beyond the document.
func (g *guide) build() backup.BuildOptions {
	client := &http.Client{Transport: g}
	return backup.BuildOptions{
		BaseURL: g.base, HTTPClient: client, HookClient: client,
		Now: func() time.Time { return time.Now().Add(time.Duration(g.later.Load())) },
		Resolve: backup.References(func(name string) (string, bool) {
			secret, found := g.secrets[name]
			return secret.Reveal(), found
		}, func(string) ([]byte, error) { return nil, errors.New("this program reads no files") }),
	}
}

// administrator returns the means of the one who administers Crowd.
func (g *guide) administrator() admin.Config {
	return admin.Config{
		BaseURL: crowdURL, Administrator: "admin", Password: g.secrets["CROWD_ADMIN_PASSWORD"], HTTPClient: &http.Client{Transport: g},
	}
}

// ensure has Crowd provide the directories that a document names.
func (g *guide) ensure(ctx context.Context, c *backup.Config) ([]backup.EnsuredDirectory, error) {
	return backup.EnsureDirectories(ctx, c, backup.DirectoryOptions{
		Build: g.build(),
		Means: func(ctx context.Context, _ backup.Connection) (directory.Means, error) {
			return directory.Connect(ctx, g.administrator())
		},
	})
}

// connection is what serves the document that is in use.
func (g *guide) connection() *backup.Running { return g.live.Running()[0] }

// change edits the settings in the way an administrator does: the document is
// changed, held against Crowd, shown in words, and put into use; then Crowd is
// brought to what the new settings say.
func (g *guide) change(ctx context.Context, edit func(*backup.Connection)) error {
	after := g.live.Config()
	edit(&after.Connections[0])
	review, err := backup.ReviewChange(ctx, g.live.Config(), after, backup.ReviewOptions{
		Build:          g.build(),
		Administration: func(backup.Connection) (backup.Administration, error) { return admin.New(g.administrator()) },
	})
	if err != nil {
		return err
	}
	for _, c := range review.Changes {
		g.say("setting: %s", c.Text)
	}
	for _, p := range review.Problems {
		g.say("problem: %s", p)
	}
	for _, e := range review.Effects {
		g.say("effect:  %s", e)
	}
	if _, err := g.live.Apply(ctx, review); err != nil {
		return err
	}
	result, err := g.connection().Engine.Reconcile(ctx, groupsync.ReconcileOptions{})
	if err != nil {
		return err
	}
	g.say("reconciled: %d steps", result.Applied)
	return nil
}

// push runs a cycle of Okta's provisioning.
func (g *guide) push(ctx context.Context) error {
	report, err := g.idp.Sync(ctx, g.org)
	if err != nil {
		return err
	}
	for _, s := range report.Steps {
		if s.Method != http.MethodGet {
			g.say("okta: %s (%s, %d)", s.Task, s.Method, s.Status)
		}
	}
	return report.Err()
}

func (g *guide) say(format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n  ")
	fmt.Fprintln(g.out, "  "+text)
}

// members holds a group of Crowd against who is to be in it.
func (g *guide) members(group string, want ...string) error {
	slices.Sort(want)
	got := g.in().Members(group)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("the Crowd group %q has the members %q, not %q", group, got, want)
	}
	g.say("Crowd: %s has the members %s", group, strings.Join(got, ", "))
	return nil
}

// active holds a user's flag in Crowd against what it is to be.
func (g *guide) active(name string, want bool) error {
	u, found := g.in().User(name)
	if !found || u.Active != want {
		return fmt.Errorf("user %s in Crowd: found %t, active %t, not %t", name, found, u.Active, want)
	}
	g.say("Crowd: %s is active: %t", name, want)
	return nil
}

// servers are what listens.
type servers []*http.Server

// serve serves h on a loopback address and returns its URL.
func (s *servers) serve(h http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	*s = append(*s, server)
	go func() { _ = server.Serve(listener) }() // ends with close
	return "http://" + listener.Addr().String(), nil
}

func (s *servers) close() {
	for _, server := range *s {
		_ = server.Close()
	}
}
