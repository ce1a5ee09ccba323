package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
)

// A recorder answers 404 and remembers the password that was sent.
type recorder struct{ password *string }

func (r *recorder) client() *http.Client { return &http.Client{Transport: r} }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	_, *r.password, _ = req.BasicAuth()
	return &http.Response{StatusCode: http.StatusNotFound, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: req}, nil
}

// site is a connection that runs on a fake Crowd.
type site struct {
	crowd   *crowdtest.Server
	running *backup.Running
	token   string
	log     *bytes.Buffer
	events  []string
}

// newSite builds a connection of these settings, whose token and Crowd are set.
func newSite(t *testing.T, settings string) *site {
	t.Helper()
	secret, token := scim.NewToken()
	c := mustRead(t, document(connection("okta", settings))).Connections[0]
	c.Tokens = []scim.Token{token}
	s := &site{crowd: &crowdtest.Server{}, token: secret.Reveal(), log: &bytes.Buffer{}}
	c.Crowd.Application = crowdtest.DefaultApplication
	var mu sync.Mutex // guards events
	var err error
	s.running, err = backup.Build(t.Context(), c, backup.BuildOptions{
		BaseURL:    "https://bridge.example.com/",
		Resolve:    resolver(map[string]crowd.Secret{"CROWD_PASSWORD": crowdtest.DefaultPassword}),
		HTTPClient: &http.Client{Transport: s.crowd},
		Logger:     slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Observer: func(_ context.Context, e groupsync.Event) {
			mu.Lock()
			defer mu.Unlock()
			s.events = append(s.events, e.Connection)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) post(path, body string) *httptest.ResponseRecorder {
	return s.send(http.MethodPost, path, body)
}

func (s *site) send(method, path, body string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	s.running.Mount(mux)
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/scim+json")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

const ann = `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann", "displayName": "Ann", "title": "Smith",
	"emails": [{"value": "ann@home.example.com", "type": "home"}, {"value": "ann@example.com", "type": "work"}]}`

func TestBuildServes(t *testing.T) {
	s := newSite(t, "")
	w := s.post("/scim/okta/Users", ann)
	if w.Code != http.StatusCreated {
		t.Fatalf("POST = %d\n%s", w.Code, w.Body)
	}
	if want := "https://bridge.example.com/scim/okta/Users/"; !strings.HasPrefix(w.Header().Get("Location"), want) {
		t.Errorf("Location = %s, want one below %s", w.Header().Get("Location"), want)
	}
	if u, found := s.crowd.User("ann"); !found || u.Email != "ann@example.com" || !u.Active {
		t.Errorf("Crowd has %+v", u)
	}
	if s.running.Name != "okta" || s.running.Path != "/scim/okta" || s.running.BaseURL != "https://bridge.example.com/scim/okta" {
		t.Errorf("running = %+v", s.running)
	}
	if len(s.events) == 0 || s.events[0] != "okta" {
		t.Errorf("events = %v, want some of the connection", s.events)
	}
	if !strings.Contains(s.log.String(), "connection=okta") {
		t.Errorf("the log names no connection:\n%s", s.log)
	}
	if row, ok := s.running.Attributes.Row("username"); !ok || row.To != "username" || s.running.Groups.Mode() != mapping.OnTheFlyMapping {
		t.Errorf("mappings: row %+v (%v), groups %s", row, ok, s.running.Groups.Mode())
	}
	if u, err := s.running.Client.User(t.Context(), "ann"); err != nil || u.Name != "ann" {
		t.Errorf("Client.User = %v, %v", u, err)
	}
	if u, err := s.running.Engine.UserByName(t.Context(), "ANN"); err != nil || u.Owner != "okta" {
		t.Errorf("Engine.UserByName = %v, %v", u, err)
	}
}

// TestBuildPassesSettingsOn has one case for each part of the settings, since
// what is not handed over is missed by no compiler.
func TestBuildPassesSettingsOn(t *testing.T) {
	tests := []struct {
		name, settings string
		prepare        func(*site)
		path, body     string
		status         int
		check          func(*testing.T, *site)
	}{
		{"users.create", `, "users": {"create": false}`, nil, "/scim/okta/Users", ann, 403, nil},
		{"users.attributes", `, "users": {"attributes": [{"to": "lastName", "from": ["title"]}]}`, nil, "/scim/okta/Users", ann, 201, func(t *testing.T, s *site) {
			if u, _ := s.crowd.User("ann"); u.LastName != "Smith" {
				t.Errorf("last name = %q", u.LastName)
			}
		}},
		{"users.keep", `, "users": {"keep": "mapped"}`, nil, "/scim/okta/Users", ann, 201, func(t *testing.T, s *site) {
			u, _ := s.crowd.User("ann")
			for name, values := range u.Attributes {
				if strings.Contains(strings.Join(values, ""), "Smith") {
					t.Errorf("the title is kept in %s", name)
				}
			}
		}},
		{"users.existing and protected", `, "users": {"existing": "link", "protected": ["Ann"]}`, func(s *site) {
			s.crowd.AddUser(crowd.User{Name: "ann", DisplayName: "Ann", Email: "old@example.com", Active: true})
		}, "/scim/okta/Users", ann, 403, func(t *testing.T, s *site) {
			if u, _ := s.crowd.User("ann"); u.Email != "old@example.com" {
				t.Errorf("email of a protected user = %q", u.Email)
			}
		}},
		{"users.emailRefused", `, "users": {"existing": "link", "emailRefused": "reject"}`, func(s *site) {
			s.crowd.AddUser(crowd.User{Name: "ann", DisplayName: "Ann", Email: "old@example.com", Active: true})
			s.crowd.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = false })
		}, "/scim/okta/Users", ann, 400, nil},
		{"groups.mapping", `, "groups": {"mapping": "manual", "manual": {"rules": [{"from": "Engineering", "to": ["devs"]}]}}`, func(s *site) {
			s.crowd.AddGroup(crowd.Group{Name: "devs", Active: true})
		}, "/scim/okta/Groups", group("Engineering"), 201, func(t *testing.T, s *site) {
			if _, found := s.crowd.Group("Engineering"); found {
				t.Error("manual mapping made a group")
			}
		}},
		{
			"groups.unknownMembers", `, "groups": {"unknownMembers": "reject"}`, nil, "/scim/okta/Groups",
			`{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "devs", "members": [{"value": "1.nobody"}]}`, 400, nil,
		},
		{"groups.nested", `, "groups": {"nested": "flatten"}`, func(s *site) {
			s.post("/scim/okta/Groups", group("inner"))
		}, "/scim/okta/Groups", within, 201, nil},
		{"groups.nested refused", "", func(s *site) {
			s.post("/scim/okta/Groups", group("inner"))
		}, "/scim/okta/Groups", within, 400, nil},
		{"groups.protected", `, "groups": {"protected": ["devs"]}`, nil, "/scim/okta/Groups", group("devs"), 403, nil},
		{"limits", `, "limits": {"body": 10}`, nil, "/scim/okta/Users", ann, 413, nil},
		{"strict", `, "provider": "strict"`, nil, "/scim/okta/Users", `{"userName": "ann"}`, 400, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, test.settings)
			if test.prepare != nil {
				test.prepare(s)
			}
			if w := s.post(test.path, test.body); w.Code != test.status {
				t.Fatalf("POST = %d, want %d\n%s", w.Code, test.status, w.Body)
			}
			if test.check != nil {
				test.check(t, s)
			}
		})
	}
}

// within is a group with another in it.
const within = `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "outer", "members": [{"value": "n-aW5uZXI"}]}`

func group(name string) string {
	return `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "` + name + `"}`
}

func TestBuildAtTheRoot(t *testing.T) {
	c := mustRead(t, replaced("/scim/okta", "/")).Connections[0]
	running, err := backup.Build(t.Context(), c, backup.BuildOptions{
		BaseURL: "https://bridge.example.com", Resolve: resolver(map[string]crowd.Secret{"CROWD_PASSWORD": "x"}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if running.BaseURL != "https://bridge.example.com" {
		t.Errorf("BaseURL = %s", running.BaseURL)
	}
	mux := http.NewServeMux()
	running.Mount(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ServiceProviderConfig", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("GET without a token = %d, want 401", w.Code)
	}
}

func TestBuildWarnsOfSettingsWithoutEffect(t *testing.T) {
	s := newSite(t, `, "users": {"leads": {"project": "bob"}}`)
	if !strings.Contains(s.log.String(), "level=WARN") || !strings.Contains(s.log.String(), "setting=users.leads") {
		t.Errorf("no warning of leads:\n%s", s.log)
	}
	s = newSite(t, `, "jira": {"url": "https://jira.example.com", "token": {"value": "x"}}`)
	if !strings.Contains(s.log.String(), "level=WARN") || !strings.Contains(s.log.String(), "setting=jira") {
		t.Errorf("no warning of jira:\n%s", s.log)
	}
}

func TestBuildDryRun(t *testing.T) {
	secret, token := scim.NewToken()
	c := mustRead(t, document(connection("okta", ""))).Connections[0]
	c.Tokens, c.Crowd.Application, c.Crowd.Password = []scim.Token{token}, crowdtest.DefaultApplication, backup.Password{Value: crowdtest.DefaultPassword}
	fake := &crowdtest.Server{}
	running, err := backup.Build(t.Context(), c, backup.BuildOptions{
		BaseURL: "https://bridge.example.com", HTTPClient: &http.Client{Transport: fake}, DryRun: true,
		Ledger: func(d groupsync.Directory, _ string) groupsync.Ledger { return groupsync.NewMemoryLedger(d) },
		Now:    func() time.Time { return time.Unix(1e9, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{crowd: fake, running: running, token: secret.Reveal()}
	s.post("/scim/okta/Groups", group("devs"))
	for _, call := range fake.Calls() {
		if call.Method != http.MethodGet && call.Resource != "search" {
			t.Errorf("a dry run calls %s", call)
		}
	}
	if _, found := fake.Group("devs"); found {
		t.Error("a dry run made a group")
	}
}

func TestBuildErrors(t *testing.T) {
	missing := errors.New("no such file")
	references := backup.References(
		func(name string) (string, bool) { return "", name == "EMPTY" },
		func(path string) ([]byte, error) {
			if path == "/empty" {
				return []byte("\n"), nil
			}
			return nil, missing
		})
	tests := []struct {
		name, document string
		change         func(*backup.Connection)
		o              backup.BuildOptions
		want           string
	}{
		{
			"invalid", replaced(`"name": "okta"`, `"name": "okta"`), func(c *backup.Connection) { c.Name, c.Path = "Okta", "/" },
			backup.BuildOptions{},
			`/name: it is not 1 to 32 lower-case letters, digits and hyphens. Write for example "okta"`,
		},
		{
			"nothing to resolve with", document(connection("okta", "")), nil,
			backup.BuildOptions{},
			`backup: connection okta: password of the application "scim": it is a reference (environment variable CROWD_PASSWORD), and nothing was given to resolve references with`,
		},
		{
			"variable not set", document(connection("okta", "")), nil,
			backup.BuildOptions{Resolve: references},
			`backup: connection okta: password of the application "scim": the environment variable CROWD_PASSWORD is not set. Set it to the password`,
		},
		{
			"variable empty", replaced("CROWD_PASSWORD", "EMPTY"), nil,
			backup.BuildOptions{Resolve: references},
			`backup: connection okta: password of the application "scim": the environment variable EMPTY is not set. Set it to the password`,
		},
		{
			"no file", replaced(`{"env": "CROWD_PASSWORD"}`, `{"file": "/missing"}`), nil,
			backup.BuildOptions{Resolve: references},
			`backup: connection okta: password of the application "scim": the file cannot be read. Put the password there, or name another file: no such file`,
		},
		{
			"empty file", replaced(`{"env": "CROWD_PASSWORD"}`, `{"file": "/empty"}`), nil,
			backup.BuildOptions{Resolve: references},
			`backup: connection okta: password of the application "scim": the file /empty is empty. Put the password there`,
		},
		{
			"resolver without answer", document(connection("okta", "")), nil,
			backup.BuildOptions{Resolve: resolver(map[string]crowd.Secret{"CROWD_PASSWORD": ""})},
			`backup: connection okta: password of the application "scim": environment variable CROWD_PASSWORD is empty. Put the password there`,
		},
		{
			"sealed", replaced(`{"env": "CROWD_PASSWORD"}`, `{"sealed": "x"}`), nil,
			backup.BuildOptions{},
			`backup: connection okta: password of the application "scim": it is sealed. Give the passphrase it was sealed with`,
		},
		{
			"sealed otherwise", replaced(`{"env": "CROWD_PASSWORD"}`, `{"sealed": "x"}`), nil,
			backup.BuildOptions{Opener: lock("k")},
			`backup: connection okta: password of the application "scim": it cannot be opened: another key`,
		},
		{
			"no base address", replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "x"}`), nil,
			backup.BuildOptions{},
			`backup: connection okta: BuildOptions.BaseURL must be an http or https address such as "https://bridge.example.com"`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := mustRead(t, test.document).Connections[0]
			if test.change != nil {
				test.change(&c)
			}
			if test.name != "no base address" {
				test.o.BaseURL = "https://bridge.example.com"
			}
			running, err := backup.Build(t.Context(), c, test.o)
			if running != nil || err == nil {
				t.Fatalf("Build = %v, %v, want an error", running, err)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReferences(t *testing.T) {
	resolve := backup.References(os.LookupEnv, func(path string) ([]byte, error) { return []byte(path + " \r\n"), nil })
	t.Setenv("BACKUP_TEST", "from the environment\n")
	for _, test := range []struct {
		p    backup.Password
		want string
	}{
		{backup.Password{Env: "BACKUP_TEST"}, "from the environment\n"},
		{backup.Password{File: "/secret"}, "/secret "},
	} {
		got, err := resolve(t.Context(), test.p)
		if err != nil || got.Reveal() != test.want {
			t.Errorf("%s: %q, %v, want %q", test.p, got.Reveal(), err, test.want)
		}
	}
}

// A counted Batch refuses everything, and counts how often it was asked.
type counted struct{ asked int }

func (c *counted) AddMembers(context.Context, string, []string) (map[string]error, error) {
	c.asked++
	return nil, errors.New("no")
}

func (c *counted) RemoveMembers(ctx context.Context, group string, users []string) (map[string]error, error) {
	return c.AddMembers(ctx, group, users)
}

// TestBuildWithBatches holds that the engine of a connection has its Batch.
func TestBuildWithBatches(t *testing.T) {
	fake := new(crowdtest.Server)
	c, _ := two(t, "http://crowd.test/crowd", nil)
	asked := map[string]*counted{}
	running, err := backup.BuildAll(t.Context(), c, backup.BuildOptions{
		BaseURL: "https://bridge.example.com", HTTPClient: &http.Client{Transport: fake},
		Batch: func(c backup.Connection) groupsync.Batch {
			asked[c.Name] = new(counted)
			return asked[c.Name]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	e := running[0].Engine
	var ids []string
	for _, name := range []string{"ann", "ben", "cid"} {
		u, err := e.CreateUser(t.Context(), groupsync.Profile{Fields: mapping.Fields{Username: &name}}, groupsync.Conflict)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, u.ID)
	}
	g, err := e.CreateGroup(t.Context(), groupsync.NewGroup{Name: "devs"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.ChangeGroup(t.Context(), g.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{{Op: groupsync.ReplaceMembers, IDs: ids}}}); err != nil {
		t.Fatal(err)
	}
	if asked[running[0].Name].asked != 1 || asked[running[1].Name].asked != 0 || len(fake.Members("devs")) != 3 {
		t.Errorf("asked %d and %d times, %v in the group", asked[running[0].Name].asked, asked[running[1].Name].asked, fake.Members("devs"))
	}
}
