package scimtest_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// With Delete, leavers are deleted, under Entra after a deactivation, under Okta
// never. They may come back.
func TestDeletedLeavers(t *testing.T) {
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		b := newBridge(t, newCrowd(), "test", provider)
		idp := b.idp(app, func(c *scimtest.Config) { c.Leavers = scimtest.Delete })
		ann, bob := person("ann", "Ann", "Ash"), person("bob", "Bob", "Birch")
		crew := scimtest.Group{ID: "crew", Name: "Crew", Members: []string{"ann", "bob"}}
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann, bob}, Groups: []scimtest.Group{crew}})
		report := b.sync(idp, scimtest.Directory{Users: []scimtest.User{bob}, Groups: []scimtest.Group{crew}})
		var sent []string
		for _, s := range report.Steps {
			if strings.HasPrefix(s.URL, "/Users/") && s.Method != "GET" {
				sent = append(sent, s.Method)
			}
		}
		want := []string{"DELETE"}
		switch app {
		case scimtest.Okta:
			want = []string{"PATCH"}
		case scimtest.OktaWizard:
			want = []string{"PUT"}
		case scimtest.Entra, scimtest.EntraFlag:
			want = []string{"PATCH", "DELETE"}
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("requests for the leaver (-want +got):\n%s", diff)
		}
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann, bob}, Groups: []scimtest.Group{crew}})
		if pushesGroups(app) {
			b.wantAccounts(accountOf(ann, true, "Crew"), accountOf(bob, true, "Crew"))
		}
	})
}

// Entra leaves leavers in the groups that name them, so that they are members
// still when they come back; others take them out and put them in again.
func TestLeaversInGroups(t *testing.T) {
	for _, app := range []scimtest.App{scimtest.Okta, scimtest.Entra} {
		b := newBridge(t, newCrowd(), "test", providerOf(app))
		idp := b.idp(app)
		ann := person("ann", "Ann", "Ash")
		crew := []scimtest.Group{{ID: "crew", Name: "Crew", Members: []string{"ann"}}}
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann}, Groups: crew})
		b.sync(idp, scimtest.Directory{Groups: crew})
		left := map[string][]string{"Crew": nil}
		if app == scimtest.Entra {
			left["Crew"] = []string{"ann"}
		}
		b.wantGroups(left)
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann}, Groups: crew})
		b.wantGroups(map[string][]string{"Crew": {"ann"}})
	}
}

// Groups that are no longer pushed stay with KeepGroups.
func TestKeepGroups(t *testing.T) {
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		if !pushesGroups(app) {
			return
		}
		b := newBridge(t, newCrowd(), "test", provider)
		idp := b.idp(app, func(c *scimtest.Config) { c.KeepGroups = true })
		users := []scimtest.User{person("ann", "Ann", "Ash")}
		b.sync(idp, scimtest.Directory{Users: users, Groups: []scimtest.Group{{ID: "crew", Name: "Crew", Members: []string{"ann"}}}})
		if report := b.sync(idp, scimtest.Directory{Users: users}); len(report.Steps) != 0 {
			t.Errorf("it sent\n%v", report)
		}
		b.wantGroups(map[string][]string{"Crew": {"ann"}})
	})
}

// OneLogin cannot delete groups and empties them.
func TestEmptiedGroup(t *testing.T) {
	b := newBridge(t, newCrowd(), "test", scim.OneLogin)
	idp := b.idp(scimtest.OneLogin)
	users := []scimtest.User{person("ann", "Ann", "Ash")}
	b.sync(idp, scimtest.Directory{Users: users, Groups: []scimtest.Group{{ID: "crew", Name: "Crew", Members: []string{"ann"}}}})
	b.sync(idp, scimtest.Directory{Users: users})
	b.wantGroups(map[string][]string{"Crew": nil})
}

// A group of the server is linked: it takes the name and the members of the one
// that is pushed.
func TestLink(t *testing.T) {
	for _, app := range []scimtest.App{scimtest.Okta, scimtest.OktaWizard} {
		b := newBridge(t, newCrowd(), "test", scim.Okta)
		b.crowd.AddGroup(crowd.Group{Name: "legacy-harbor", Active: true})
		idp := b.idp(app)
		want := scimtest.Directory{
			Users:  []scimtest.User{person("ann", "Ann", "Ash")},
			Groups: []scimtest.Group{{ID: "crew", Name: "legacy-harbor", Link: "legacy-harbor", Members: []string{"ann"}}},
		}
		b.sync(idp, want)
		b.wantGroups(map[string][]string{"legacy-harbor": {"ann"}})
		other := b.idp(scimtest.JumpCloud) // has made a group over the same connection
		b.sync(other, scimtest.Directory{Users: want.Users, Groups: []scimtest.Group{{ID: "o", Name: "Harbor", Members: []string{"ann"}}}})
		want.Groups = append(want.Groups, scimtest.Group{ID: "office", Name: "Harbor Office", Link: "Harbor"})
		b.sync(idp, want)
		b.wantGroups(map[string][]string{"legacy-harbor": {"ann"}, "Harbor Office": nil})
		want.Groups = append(want.Groups, scimtest.Group{ID: "none", Name: "None", Link: "not there"})
		report, err := idp.Sync(t.Context(), want)
		if err != nil || len(report.Failures) != 1 || !strings.Contains(report.Failures[0].Detail, "not there") {
			t.Errorf("%v\n%v", err, report)
		}
	}
}

// Users and groups that are there already are taken over, by every app.
func TestTakeOver(t *testing.T) {
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		b := newBridge(t, newCrowd(), "test", provider)
		ann := person("ann", "Ann", "Ash")
		b.crowd.AddUser(crowd.User{Name: ann.UserName, FirstName: "Old", LastName: "Name", DisplayName: "Old Name", Active: true})
		b.crowd.AddGroup(crowd.Group{Name: "Crew", Active: true})
		b.sync(b.idp(app), scimtest.Directory{
			Users: []scimtest.User{ann}, Groups: []scimtest.Group{{ID: "crew", Name: "Crew", Members: []string{"ann"}}},
		})
		if pushesGroups(app) {
			b.wantAccounts(accountOf(ann, true, "Crew"))
		} else {
			b.wantAccounts(accountOf(ann, true))
		}
	})
}

// An import reads all pages.
func TestImport(t *testing.T) {
	for _, app := range []scimtest.App{scimtest.Okta, scimtest.Entra, scimtest.OneLogin, scimtest.Google} {
		b := newBridge(t, newCrowd(), "test", providerOf(app))
		for n := range 205 {
			b.crowd.AddUser(crowd.User{Name: fmt.Sprintf("user%03d", n), FirstName: "U", LastName: fmt.Sprint(n), Active: n%2 == 0})
			b.crowd.AddGroup(crowd.Group{Name: fmt.Sprintf("group%03d", n), Active: true})
		}
		b.crowd.AddMember("group007", "user001", "user002")
		d, err := b.idp(app).Import(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Users) != 205 || d.Users[1].UserName != "user001" || !d.Users[1].Suspended || d.Users[2].Suspended {
			t.Errorf("%s: %d users, the second %+v", app, len(d.Users), d.Users[1])
		}
		if !pushesGroups(app) {
			continue
		}
		if len(d.Groups) != 205 || len(d.Groups[7].Members) != 2 {
			t.Errorf("%s: %d groups, number 7 %+v", app, len(d.Groups), d.Groups[7])
		}
	}
}

// answering returns an identity provider whose server answers all in one way.
func answering(app scimtest.App, status int, body string) *scimtest.IdP {
	return scimtest.New(app, scimtest.Config{BaseURL: "http://server.test", HTTPClient: &http.Client{Transport: transport(
		func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
		},
	)}})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What a server gets wrong in an import is said.
func TestImportOfWrongPages(t *testing.T) {
	for body, want := range map[string]string{
		`{"totalResults":"1","Resources":[]}`:                    "totalResults is no number",
		`{"totalResults":1,"Resources":[{"userName":"a"}]}`:      "a resource without id",
		`{"totalResults":3,"Resources":[{"id":"1"},{"id":"2"}]}`: "totalResults is 3",
		`{"totalResults":2,"Resources":[{"id":"1"},{"id":"1"}]}`: "1 different",
		`<html>`: "totalResults is no number",
	} {
		_, err := answering(scimtest.Okta, 200, body).Import(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("import of %s = %v, want %q", body, err, want)
		}
	}
	if _, err := answering(scimtest.Okta, 400, "plain text").Import(t.Context()); err == nil || !strings.Contains(err.Error(), "no JSON object: plain text") {
		t.Errorf("import = %v", err)
	}
}

// What somebody else has changed is found out, unless it is to be ignored.
func TestDifferences(t *testing.T) {
	b := newBridge(t, newCrowd(), "test", scim.Okta)
	idp := b.idp(scimtest.Okta)
	blind := b.idp(scimtest.Okta, func(c *scimtest.Config) { c.Ignore = []string{"title", "members"} })
	ann, bob := person("ann", "Ann", "Ash"), person("bob", "Bob", "Birch")
	want := scimtest.Directory{
		Users:  []scimtest.User{ann, bob},
		Groups: []scimtest.Group{{ID: "crew", Name: "Crew", Members: []string{"ann"}}},
	}
	b.sync(idp, want)
	b.sync(blind, want)
	ann.Title = "Chief"
	b.sync(b.idp(scimtest.EntraFlag), scimtest.Directory{
		Users:  []scimtest.User{ann, bob},
		Groups: []scimtest.Group{{ID: "crew", Name: "Crew", Members: []string{"ann", "bob"}}},
	})
	b.sync(blind, want)
	report, err := idp.Sync(t.Context(), want)
	if err != nil || len(report.Steps) != 0 {
		t.Fatal(err, report)
	}
	diff := cmp.Diff([]scimtest.Difference{
		{Object: "user ann@example.com", Attribute: "title", Want: "Planner", Got: "Chief"},
		{Object: "group Crew", Attribute: "members", Want: "", Got: "bob@example.com"},
	}, report.Differences)
	if diff != "" {
		t.Errorf("differences mismatch (-want +got):\n%s", diff)
	}
	if text := report.Err().Error(); !strings.Contains(text, `user ann@example.com: title is "Chief", want "Planner"`) {
		t.Errorf("Err = %v", text)
	}
}

// The base URL may end in a slash, and in the flag that Entra knows.
func TestBaseURL(t *testing.T) {
	for _, end := range []string{"", "/", "/?aadOptscim062020"} {
		b := newBridge(t, newCrowd(), "test", scim.Entra)
		idp := b.idp(scimtest.EntraFlag, func(c *scimtest.Config) { c.BaseURL += end })
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{person("ann", "Ann", "Ash")}})
		for _, r := range b.requests {
			if strings.HasPrefix(r.url, "//") || strings.Contains(r.url, "aadOpt") {
				t.Errorf("%s: %s %s", end, r.method, r.url)
			}
		}
	}
}

// Misuse is said at once.
func TestMisuse(t *testing.T) {
	for _, f := range []func(){
		func() { scimtest.New("none", scimtest.Config{BaseURL: "http://server.test"}) },
		func() { scimtest.New(scimtest.Okta, scimtest.Config{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		}()
	}
	idp := answering(scimtest.Okta, 200, "{}")
	for _, d := range []scimtest.Directory{
		{Users: []scimtest.User{{ID: "1"}}},
		{Users: []scimtest.User{{ID: "1", UserName: "a"}, {ID: "1", UserName: "b"}}},
		{Groups: []scimtest.Group{{Name: "a"}}},
		{Groups: []scimtest.Group{{ID: "1", Name: "a"}, {ID: "1", Name: "b"}}},
	} {
		if _, err := idp.Sync(t.Context(), d); err == nil {
			t.Errorf("%+v is taken", d)
		}
	}
}

// The package drives any server: it imports nothing of this library, nor of
// others.
func TestImports(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if strings.Contains(i.Path.Value, ".") {
				t.Errorf("%s imports %s", name, i.Path.Value)
			}
		}
	}
}
