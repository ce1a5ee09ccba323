package backup_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// configured returns a document of one connection, of these settings, to the fake.
func configured(t *testing.T, settings string) *backup.Config {
	t.Helper()
	c := mustRead(t, document(connection("okta", settings)))
	c.Connections[0].Crowd.Application = crowdtest.DefaultApplication
	return c
}

func (s *site) options() backup.BuildOptions {
	return backup.BuildOptions{
		BaseURL:    "https://bridge.example.com/",
		Resolve:    resolver(map[string]crowd.Secret{"CROWD_PASSWORD": crowdtest.DefaultPassword}),
		HTTPClient: &http.Client{Transport: s.crowd},
	}
}

// all returns what a review says, in lines.
func all(r *backup.Review) []string {
	var lines []string
	for _, p := range r.Problems {
		lines = append(lines, fmt.Sprintf("%v %s", p.Stops, p))
	}
	for _, g := range r.Effects {
		lines = append(lines, g.String())
	}
	for _, a := range r.Attributes {
		lines = append(lines, a.String())
	}
	return lines
}

const byRules = `, "groups": {"mapping": "manual", "manual": {"rules": [{"from": "crew", "to": ["%s"]}]}}`

func TestReviewTellsWhoGainsAndLoses(t *testing.T) {
	s, _ := crew(t)
	for _, name := range []string{"sailors", "everybody"} {
		s.crowd.AddGroup(crowd.Group{Name: name, Active: true})
	}
	before := configured(t, `, "users": {"password": "set"}`)
	after := configured(t, `, "users": {"password": "set", "attributes": [{"to": "displayName", "from": ["title"]}]}`+fmt.Sprintf(byRules, "sailors"))
	calls := len(s.crowd.Calls())
	r, err := backup.ReviewChange(t.Context(), before, after, backup.ReviewOptions{Build: s.options()})
	if err != nil {
		t.Fatal(err)
	}
	if r.Stops() || len(r.Changes) == 0 {
		t.Errorf("stops: %v, changes: %v", r.Problems, r.Changes)
	}
	got := all(r)
	for _, name := range []string{"ann", "bob", "cat"} {
		for _, want := range []string{
			`connection okta: ` + name + ` loses "crew": made by the identity provider, which grants it no longer`,
			`connection okta: ` + name + ` gains "sailors": granted by crew, manual.rules[0] (from "crew")`,
		} {
			if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, want) }) {
				t.Errorf("nothing of %q in\n%s", want, strings.Join(got, "\n"))
			}
		}
	}
	if slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, "hal") }) {
		t.Errorf("hal, who is there by hand, loses something:\n%s", strings.Join(got, "\n"))
	}
	if i := slices.IndexFunc(r.Attributes, func(a backup.AttributeChange) bool { return a.Field == "displayName" }); i < 0 || r.Attributes[i].Users != 3 ||
		!strings.HasPrefix(r.Attributes[i].String(), `connection okta: "displayName" of 3 users will change, such as `) {
		t.Errorf("attributes: %v", r.Attributes)
	}
	for _, c := range s.crowd.Calls()[calls:] {
		if c.Method != http.MethodGet && c.Resource != "search" {
			t.Errorf("a review made the call %s", c)
		}
	}
	same, err := backup.ReviewChange(t.Context(), before, before, backup.ReviewOptions{Build: s.options()})
	if err != nil || len(all(same))+len(same.Changes) > 0 {
		t.Errorf("the same reviewed: %v, %v, %v", same.Changes, all(same), err)
	}
}

// notTried is said where nobody knows what the application may do.
const notTried = "false /connections/0/crowd/application: what the application may do in Crowd was not tried out. Review with a probe"

// administration asks the site's Crowd as an administrator.
func (s *site) administration(t *testing.T, password crowd.Secret) func(backup.Connection) (backup.Administration, error) {
	return func(c backup.Connection) (backup.Administration, error) {
		return admin.New(admin.Config{
			BaseURL: c.Crowd.URL, Administrator: "root", Password: password, HTTPClient: &http.Client{Transport: s.crowd},
		})
	}
}

// noMappings is a Crowd whose applications see no directory.
type noMappings struct{}

func (noMappings) ApplicationNamed(context.Context, string) (*admin.Application, error) {
	return &admin.Application{ID: 1}, nil
}

func (noMappings) Mappings(context.Context, int64) iter.Seq2[*admin.Mapping, error] {
	return func(func(*admin.Mapping, error) bool) {}
}

func TestReviewFindsWhatDoesNotFit(t *testing.T) {
	s, _ := crew(t)
	s.crowd.AddUser(crowd.User{Name: "admin", Active: true})
	settings := `, "users": {"protected": ["admin", "root"], "leads": {"project": "hal", "component": "nemo"}},
		"groups": {"defaultForNewUsers": ["crew", "guests"], "defaultForAllUsers": ["all"], "protected": ["captains"],
			"mapping": "manual", "manual": {"rules": [{"from": "crew", "to": ["sailors"]}, {"fromPattern": "x-(.*)", "to": ["y-$1"]}]}}`
	tests := []struct {
		name   string
		change func(c *backup.Connection, o *backup.ReviewOptions)
		stops  bool
		want   []string
	}{
		{"names", nil, true, []string{
			notTried,
			`true /connections/0/users/leads/component: Crowd has no user "nemo". Create the user, or name another`,
			`false /connections/0/users/protected/1: Crowd has no user "root". Create the user, or name another`,
			`false /connections/0/groups/defaultForNewUsers/1: Crowd has no group "guests". Create the group, or correct the name`,
			`false /connections/0/groups/defaultForAllUsers/0: Crowd has no group "all". Create the group, or correct the name`,
			`false /connections/0/groups/protected/0: Crowd has no group "captains". Create the group, or correct the name`,
			`false /connections/0/groups/manual/rules/0/to/0: Crowd has no group "sailors". Create the group, or correct the name`,
		}},
		{"password", func(_ *backup.Connection, o *backup.ReviewOptions) {
			o.Build.Resolve = resolver(map[string]crowd.Secret{"CROWD_PASSWORD": "PLANTED-wrong"})
		}, true, []string{`true /connections/0/crowd: crowd:`}},
		{"no password", func(_ *backup.Connection, o *backup.ReviewOptions) { o.Build.Resolve = resolver(nil) }, true, []string{
			`true /connections/0/crowd: backup: connection okta: password of the application "scim": `,
		}},
		{"directory, nobody to ask", func(c *backup.Connection, _ *backup.ReviewOptions) {
			c.Crowd.Directory = backup.Directory{Name: "Employees"}
		}, false, []string{
			`false /connections/0/crowd/directory/name: that the application sees the directory "Employees" could not be checked, since only an administrator of Crowd is told. Look in Crowd, or review with an administrator's password`,
			notTried,
		}},
		{"directory, the administrator is another", func(c *backup.Connection, o *backup.ReviewOptions) {
			c.Crowd.Directory = backup.Directory{Name: "Employees"}
			o.Administration = s.administration(t, "PLANTED-wrong")
		}, false, []string{
			`false /connections/0/crowd: the administrator's question was not answered: crowd: list applications: administrator not authenticated (401): Client must be authenticated to access this resource. Check the administrator's name`,
			`false /connections/0/crowd/directory/name: that the application sees the directory "Employees" could not be checked`,
			notTried,
		}},
		{"directory", func(c *backup.Connection, o *backup.ReviewOptions) {
			c.Crowd.Directory = backup.Directory{Name: "Employees"}
			o.Administration = s.administration(t, "secret")
		}, true, []string{
			`true /connections/0/crowd/directory/name: the application sees no directory "Employees". Create it in Crowd and map it to the application, or correct the name`,
			notTried,
		}},
		{"directory to be created", func(c *backup.Connection, o *backup.ReviewOptions) {
			c.Crowd.Directory = backup.Directory{Name: "Employees", Create: true}
			o.Administration = s.administration(t, "secret")
		}, false, []string{
			`false /connections/0/crowd/directory/name: the application sees no directory "Employees". It is to be created, and mapped to the application, before the connection is served`,
			notTried,
		}},
		{"directory that is there", func(c *backup.Connection, o *backup.ReviewOptions) {
			c.Crowd.Directory = backup.Directory{Name: "CROWD"}
			o.Administration = s.administration(t, "secret")
		}, false, nil},
		{"no directory", func(_ *backup.Connection, o *backup.ReviewOptions) {
			o.Administration = func(backup.Connection) (backup.Administration, error) { return noMappings{}, nil }
		}, true, []string{`true /connections/0/crowd/application: the application sees no directory. In Crowd, map one to the application`, notTried}},
		{"permissions, by an administrator", func(c *backup.Connection, o *backup.ReviewOptions) {
			o.Administration = s.administration(t, "secret")
			c.Groups.KeepEmptyGroups = true
			s.crowd.UpdateApplication(crowdtest.DefaultApplication, func(a *crowdtest.Application) {
				a.Directories = []crowdtest.Mapping{{Directory: crowdtest.DefaultDirectory, Denied: []crowdtest.Operation{
					crowdtest.AddUser, crowdtest.ModifyGroup, crowdtest.RemoveUser, crowdtest.RemoveGroup, crowdtest.ModifyUserAttributes,
				}}}
			})
		}, true, []string{
			`true /connections/0/crowd/application: the application lacks permissions in the directory "Crowd": UPDATE_USER_ATTRIBUTE, UPDATE_GROUP, CREATE_USER. In Crowd, give them to the application, in the directory itself too`,
		}},
		{"permissions that are not needed", func(c *backup.Connection, o *backup.ReviewOptions) {
			o.Administration, c.Users.Create = s.administration(t, "secret"), new(false)
			s.crowd.UpdateApplication(crowdtest.DefaultApplication, func(a *crowdtest.Application) {
				a.Directories = []crowdtest.Mapping{{Directory: crowdtest.DefaultDirectory, Denied: []crowdtest.Operation{crowdtest.AddUser, crowdtest.RemoveUser}}}
			})
		}, false, nil},
		{"permissions, tried out", func(c *backup.Connection, o *backup.ReviewOptions) {
			o.Probe, c.Users.Delete = true, groupsync.Delete
			s.crowd.SetDirectory(crowdtest.DefaultDirectory, func(d *crowdtest.Directory) { d.Denied = []crowdtest.Operation{crowdtest.AddUser} })
		}, true, []string{
			"true /connections/0/crowd: permission to add users: denied. In Crowd, give the application this permission in the directory, and the directory itself too: the stricter of the two counts",
			"false /connections/0/crowd: nested groups: missing. Switch",
		}},
		{"permissions, tried out and not needed", func(c *backup.Connection, o *backup.ReviewOptions) {
			o.Probe = true
			s.crowd.SetDirectory(crowdtest.DefaultDirectory, func(d *crowdtest.Directory) { d.Denied = []crowdtest.Operation{crowdtest.RemoveUser} })
		}, false, []string{
			"false /connections/0/crowd: e-mail change: missing. E-mail addresses",
			"false /connections/0/crowd: nested groups: missing. Switch",
			"false /connections/0/crowd: permission to remove users: ",
		}},
	}
	s.crowd.AddAdministrator("root", "secret")
	undisturbed := []crowdtest.Mapping{{Directory: crowdtest.DefaultDirectory}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.crowd.UpdateApplication(crowdtest.DefaultApplication, func(a *crowdtest.Application) { a.Directories = undisturbed })
			s.crowd.SetDirectory(crowdtest.DefaultDirectory, func(d *crowdtest.Directory) { d.Denied = nil })
			c := configured(t, settings)
			o := backup.ReviewOptions{Build: s.options()}
			if test.change != nil {
				c = configured(t, "")
				test.change(&c.Connections[0], &o)
			}
			r, err := backup.ReviewChange(t.Context(), nil, c, o)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range all(r) {
				if !strings.HasPrefix(line, "connection ") {
					got = append(got, line)
				}
			}
			if r.Stops() != test.stops {
				t.Errorf("stops: %v, want %v", r.Stops(), test.stops)
			}
			if len(got) != len(test.want) {
				t.Errorf("problems:\n%s\nwant %d", strings.Join(got, "\n"), len(test.want))
			}
			for i, want := range test.want {
				if len(got) <= i || !strings.HasPrefix(got[i], want) {
					t.Errorf("problems:\n%s\nwant line %d: %s", strings.Join(got, "\n"), i+1, want)
				}
			}
			if strings.Contains(fmt.Sprintf("%+v %v", r, got), "PLANTED") {
				t.Error("a review tells a secret")
			}
		})
	}
	bad := configured(t, "")
	bad.Connections[0].Name = "Okta"
	if _, err := backup.ReviewChange(t.Context(), nil, bad, backup.ReviewOptions{Build: s.options()}); err == nil {
		t.Error("a document that is not valid is reviewed")
	} else if _, ok := errors.AsType[mapping.Faults](err); !ok {
		t.Errorf("error %v, want faults", err)
	}
}

// A document is put into use whole or not at all, and back.
func TestLiveReplace(t *testing.T) {
	s, _ := crew(t)
	first, second := configured(t, ""), configured(t, "")
	second.Connections[0].Path = "/elsewhere"
	l, err := backup.NewLive(t.Context(), first, s.options())
	if err != nil {
		t.Fatal(err)
	}
	served := func() string {
		var at []string
		for _, path := range []string{"/scim/okta", "/elsewhere"} {
			w := httptest.NewRecorder()
			l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+"/Users", nil))
			if w.Code == http.StatusUnauthorized {
				at = append(at, path)
			}
		}
		return strings.Join(at, " ")
	}
	review := func(c *backup.Config) *backup.Review {
		t.Helper()
		r, err := backup.ReviewChange(t.Context(), l.Config(), c, backup.ReviewOptions{Build: s.options()})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	reviewed := review(second)
	broken := configured(t, "")
	broken.Connections = append(broken.Connections, mustRead(t, document(connection("entra", ""))).Connections...)
	broken.Connections[1].Crowd.Password = backup.Password{Env: "NOT_SET"}
	if _, err := l.Replace(t.Context(), broken); err == nil || served() != "/scim/okta" {
		t.Errorf("half a document is in use: %v, served at %s", err, served())
	}
	if _, err := l.Apply(t.Context(), review(broken)); err == nil || !strings.Contains(err.Error(), "does not fit Crowd: connection entra") {
		t.Errorf("a document that does not fit is in use: %v", err)
	}
	replaced, err := l.Apply(t.Context(), reviewed)
	if err != nil || served() != "/elsewhere" {
		t.Fatalf("applied: %v, served at %s", err, served())
	}
	if _, err := l.Apply(t.Context(), reviewed); !errors.Is(err, backup.ErrChangedSince) {
		t.Errorf("an old review is applied: %v", err)
	}
	if diff := cmp.Diff(mustWrite(t, first), mustWrite(t, replaced)); diff != "" {
		t.Errorf("what was replaced (-want +got):\n%s", diff)
	}
	if _, err := l.Replace(t.Context(), replaced); err != nil || served() != "/scim/okta" || len(l.Running()) != 1 {
		t.Errorf("undone: %v, served at %s", err, served())
	}
}
