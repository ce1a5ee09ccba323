package directory_test

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/confapi"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/crowd/directory"
)

const password = "administrator's password"

var (
	_ directory.Administration = (*admin.Client)(nil)
	_ directory.Creator        = (*confapi.Client)(nil)
	_ directory.Client         = (*crowd.Client)(nil)
)

// A site is a Crowd with an administrator and the application scim, which sees
// the directory Crowd.
type site struct {
	*crowdtest.Server
	means  directory.Means
	client *crowd.Client
}

// base is the address of every site, which no network leads to.
const base = "http://crowd.test/crowd"

// newSite makes one; calls that fail are not repeated.
func newSite(t testing.TB, change ...func(*crowdtest.Options)) *site {
	t.Helper()
	return siteOf(t, 1, change...)
}

// siteOf makes one; calls are tried so often where that is safe.
func siteOf(t testing.TB, tries int, change ...func(*crowdtest.Options)) *site {
	t.Helper()
	srv := &crowdtest.Server{}
	network := &http.Client{Transport: srv}
	srv.SetOptions(func(o *crowdtest.Options) {
		o.Plugin, o.Clock = crowdtest.ConfAPI, func() time.Time { return time.UnixMilli(1700000000000) }
	})
	for _, c := range change {
		srv.SetOptions(c)
	}
	srv.AddAdministrator("root", password)
	means, err := directory.Connect(t.Context(), admin.Config{BaseURL: base, Administrator: "root", Password: password, Tries: tries, HTTPClient: network})
	if err != nil {
		t.Fatal(err)
	}
	client, err := crowd.New(crowd.Config{BaseURL: base, Application: srv.Application, Password: srv.Password, Tries: tries, HTTPClient: network})
	if err != nil {
		t.Fatal(err)
	}
	srv.ResetCalls()
	return &site{srv, means, client}
}

// wanted is what most tests ask for.
func (s *site) wanted() directory.Config {
	return directory.Config{Name: "Employees", Create: true, Application: "scim", Client: s.client, InUse: "records-"}
}

func (s *site) ensure(ctx context.Context, change ...func(*directory.Config)) (*directory.Result, error) {
	cfg := s.wanted()
	for _, c := range change {
		c(&cfg)
	}
	return directory.Ensure(ctx, cfg, s.means)
}

func (s *site) dump(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	if err := s.Dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// writes returns the calls that can change something.
func (s *site) writes() (writes []string) {
	for _, c := range s.Calls() {
		if c.Method != "GET" {
			writes = append(writes, c.Method+" "+c.Resource)
		}
	}
	return writes
}

func TestEnsureCreates(t *testing.T) {
	for _, plugin := range []crowdtest.Plugin{crowdtest.ConfAPI, crowdtest.BootstrAPI} {
		s := newSite(t, func(o *crowdtest.Options) { o.Plugin = plugin })
		got, err := s.ensure(t.Context())
		want := &directory.Result{Directory: 32771, Created: true, Mapped: true, Unmapped: []string{"Crowd"}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil || !got.Changed() {
			t.Fatalf("first result mismatch (-want +got):\n%s%v", diff, err)
		}
		once := s.dump(t)
		s.ResetCalls()
		got, err = s.ensure(t.Context())
		if diff := cmp.Diff(&directory.Result{Directory: 32771}, got); diff != "" || err != nil || got.Changed() {
			t.Errorf("second result mismatch (-want +got):\n%s%v", diff, err)
		}
		if diff := cmp.Diff(once, s.dump(t)); diff != "" {
			t.Errorf("the second run changed (-once +twice):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"POST user", "PUT user", "POST user/attribute", "DELETE user"}, s.writes()); diff != "" {
			t.Errorf("writes of the second run mismatch (-want +got):\n%s", diff)
		}
		if _, err := s.client.CreateUser(t.Context(), crowd.User{Name: "ann"}, "p"); err != nil || len(s.In("Employees").UserNames()) != 1 {
			t.Errorf("users %v, %v", s.In("Employees").UserNames(), err)
		}
	}
}

// TestEnsureFinds takes a directory that is there, in any letter case, and the
// permissions that the application lacks.
func TestEnsureFinds(t *testing.T) {
	for name, change := range map[string]func(*crowdtest.Options){
		"as it comes":     func(*crowdtest.Options) {},
		"flat mappings":   func(o *crowdtest.Options) { o.FlatMappings = true },
		"told everything": func(o *crowdtest.Options) { o.DirectoriesShowAll = true },
		"old users":       func(o *crowdtest.Options) { o.OmitKeys = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change, func(o *crowdtest.Options) { o.Plugin = crowdtest.NoPlugin })
			s.AddDirectory(crowdtest.Directory{Name: "EMPLOYEES"})
			s.UpdateApplication("scim", func(a *crowdtest.Application) {
				a.Directories = append(a.Directories, crowdtest.Mapping{Directory: "EMPLOYEES", Denied: []crowdtest.Operation{crowdtest.AddGroup}})
			})
			got, err := s.ensure(t.Context(), func(c *directory.Config) { c.Create = false })
			want := &directory.Result{Directory: 32771, Unmapped: []string{"Crowd"}, Granted: []admin.Permission{admin.CreateGroup}}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("result mismatch (-want +got):\n%s%v", diff, err)
			}
		})
	}
}

// TestEnsureUntold takes nothing out of sight, and writes nothing, where the server does
// not tell what is in the other directories, or what the application is.
func TestEnsureUntold(t *testing.T) {
	for name, c := range map[string]struct {
		change func(directory.Administration) directory.Administration
		want   string
	}{
		"groups": {
			func(a directory.Administration) directory.Administration { return groupless{a} },
			`Crowd does not tell whether the application "scim" provisions the directory "Crowd" already`,
		},
		"type": {
			func(a directory.Administration) directory.Administration { return typeless{a} },
			`Crowd does not tell of what type the application "scim" is, which would lose sight of the directory "Crowd"`,
		},
	} {
		s := newSite(t)
		s.means.Administration = c.change(s.means.Administration)
		before := s.dump(t)
		_, err := s.ensure(t.Context())
		checkReport(t, err, directory.ErrConflict, c.want, `the tab "Directories", and remove "Crowd"`)
		if diff := cmp.Diff(before, s.dump(t)); diff != "" || len(s.writes()) > 0 {
			t.Errorf("%s: it wrote %v (-before +after):\n%s", name, s.writes(), diff)
		}
		s.AddDirectory(crowdtest.Directory{Name: "Employees"})
		s.UpdateApplication("scim", func(a *crowdtest.Application) { a.Directories = []crowdtest.Mapping{{Directory: "Employees"}} })
		if got, err := s.ensure(t.Context()); err != nil || got.Changed() {
			t.Errorf("%s: once nothing else is in sight: %+v, %v", name, got, err)
		}
	}
}

// A groupless administration has no call that searches groups.
type groupless struct{ directory.Administration }

func (groupless) Groups(context.Context, int64, string) iter.Seq2[*admin.Group, error] {
	return func(yield func(*admin.Group, error) bool) { yield(nil, crowd.ErrUnsupported) }
}

// A typeless administration does not tell of what type applications are.
type typeless struct{ directory.Administration }

func (a typeless) Applications(ctx context.Context, name string) iter.Seq2[*admin.Application, error] {
	return func(yield func(*admin.Application, error) bool) {
		for app, err := range a.Administration.Applications(ctx, name) {
			if app != nil {
				app.Type = ""
			}
			if !yield(app, err) {
				return
			}
		}
	}
}

// TestEnsureKnocksFirst finds a wrong password or address before the application loses
// sight of anything.
func TestEnsureKnocksFirst(t *testing.T) {
	for name, change := range map[string]func(*crowdtest.Application){
		"address":  func(a *crowdtest.Application) { a.Addresses = []string{"192.0.2.1"} },
		"password": func(a *crowdtest.Application) { a.Password = "other" },
	} {
		s := newSite(t)
		s.UpdateApplication("scim", change)
		before := s.dump(t)
		if _, err := s.ensure(t.Context()); !errors.Is(err, directory.ErrUnfinished) {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, s.dump(t)); diff != "" || len(s.writes()) > 0 {
			t.Errorf("%s: it wrote %v (-before +after):\n%s", name, s.writes(), diff)
		}
	}
}

// TestEnsureTellsWhatItTook names the directories that are out of sight where the proof
// that follows fails.
func TestEnsureTellsWhatItTook(t *testing.T) {
	s := newSite(t, func(o *crowdtest.Options) { o.NewMappingsDenied, o.HideMappingOperations = true, true })
	got, err := s.ensure(t.Context())
	checkReport(t, err, directory.ErrUnfinished, "tick CREATE_USER,")
	want := &directory.Result{Directory: 32771, Created: true, Mapped: true, Unmapped: []string{"Crowd"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("result mismatch (-want +got):\n%s", diff)
	}
}

// TestEnsureInUse takes a directory out of sight in which provisioning has not
// begun, as far as anybody tells, and keeps the one in which it has.
func TestEnsureInUse(t *testing.T) {
	inUse := func(c *directory.Config) { c.InUse = "records-" }
	s := newSite(t)
	s.AddGroup(crowd.Group{Name: "my records-"})
	if got, err := s.ensure(t.Context(), inUse); err != nil || len(got.Unmapped) != 1 {
		t.Errorf("result %+v, %v", got, err)
	}
	s.In("Employees").AddGroup(crowd.Group{Name: "records-okta"})
	if got, err := s.ensure(t.Context(), inUse); err != nil || got.Changed() {
		t.Errorf("again: %+v, %v", got, err)
	}
	if _, err := s.ensure(t.Context(), inUse, func(c *directory.Config) { c.Name = "Staff" }); !errors.Is(err, directory.ErrConflict) {
		t.Errorf("another name: %v", err)
	}
}

func TestEnsureDelegating(t *testing.T) {
	s := newSite(t)
	delegating := func(c *directory.Config) { c.Type = admin.Delegating }
	_, err := s.ensure(t.Context(), delegating)
	if !errors.Is(err, directory.ErrMissing) || !strings.Contains(err.Error(), "connector and configuration are needed") {
		t.Fatalf("without a connector: %v", err)
	}
	got, err := s.ensure(t.Context(), delegating, func(c *directory.Config) {
		c.Template = confapi.Directory{
			Connector:     &confapi.Connector{Type: "OPENLDAP", URL: "ldaps://ldap.example.com"},
			Configuration: &confapi.Configuration{UserNameAttribute: "uid"},
		}
	})
	if err != nil || !got.Created || !strings.Contains(s.dump(t), `"userNameAttribute": "uid"`) {
		t.Errorf("result %+v, %v", got, err)
	}
}

// TestEnsureReports leaves alone what it does not understand, writes nothing, and
// says what to click.
func TestEnsureReports(t *testing.T) {
	employees := func(d crowdtest.Directory) func(*site) {
		d.Name = "Employees"
		return func(s *site) { s.AddDirectory(d) }
	}
	for name, c := range map[string]struct {
		prepare func(*site)
		change  func(*directory.Config)
		kind    error
		want    []string
	}{
		"wanted as a copy": {
			nil, func(c *directory.Config) { c.Type = admin.LDAP }, directory.ErrReadOnly,
			[]string{"a directory of the type ldap", "does not stay"},
		},
		"a copy has the name": {employees(crowdtest.Directory{Type: "CROWD"}), nil, directory.ErrReadOnly, []string{"a directory of the type crowd"}},
		"another type has the name": {
			employees(crowdtest.Directory{Type: "DELEGATING"}), nil, directory.ErrConflict,
			[]string{`the directory "Employees" is of the type delegating, not internal`},
		},
		"two have the name": {
			func(s *site) {
				s.AddDirectory(crowdtest.Directory{Name: "Employees"})
				s.AddDirectory(crowdtest.Directory{Name: "employees"})
			}, nil, directory.ErrConflict,
			[]string{"there are 2 directories of the name", "rename all but one"},
		},
		"switched off": {
			employees(crowdtest.Directory{Inactive: true}), nil, directory.ErrUnfinished,
			[]string{"is not active", `2. On the tab "Details" tick "Active", and save.`},
		},
		"half open": {
			employees(crowdtest.Directory{Denied: []crowdtest.Operation{crowdtest.RemoveGroup}}), nil, directory.ErrUnfinished,
			[]string{`On the tab "Permissions" tick removeGroup, and save.`},
		},
		"half open, as Crowd tells": {
			func(s *site) {
				s.SetOptions(func(o *crowdtest.Options) { o.DirectoriesShowAll = true })
				employees(crowdtest.Directory{Denied: []crowdtest.Operation{crowdtest.RemoveGroup}})(s)
			}, nil, directory.ErrUnfinished,
			[]string{`tick DELETE_GROUP, and save.`},
		},
		"not to be created": {
			nil, func(c *directory.Config) { c.Create = false }, directory.ErrMissing,
			[]string{`there is no directory "Employees", and it is not to be created. In Crowd's console: 1. Log in`, `2. Choose "Internal", then "Next".`},
		},
		"cannot be created": {
			func(s *site) { s.means.Creator = nil }, nil, directory.ErrMissing,
			[]string{"neither Crowd nor a plugin in it can create one", `3. Enter the name "Employees"`},
		},
		"no application": {
			nil, func(c *directory.Config) { c.Application = "other" }, directory.ErrMissing,
			[]string{`there is no application "other"`, `2. Choose the type "Generic application", enter the name "other"`},
		},
		"a product's application": {
			func(s *site) { s.UpdateApplication("scim", func(a *crowdtest.Application) { a.Type = "JIRA" }) }, nil, directory.ErrConflict,
			[]string{"is of the type JIRA, which must not lose sight of its directories"},
		},
		"another is provisioned already": {
			func(s *site) { s.AddGroup(crowd.Group{Name: "Records-okta"}, crowd.Group{Name: "my records-"}) },
			func(c *directory.Config) { c.InUse = "records-" }, directory.ErrConflict,
			[]string{`provisions the directory "Crowd" already, as the group "Records-okta" in it shows`, `1. If "Crowd" is the right one, give that name`},
		},
		"application switched off": {
			func(s *site) { s.UpdateApplication("scim", func(a *crowdtest.Application) { a.Inactive = true }) }, nil, directory.ErrUnfinished,
			[]string{`the application "scim" is not active`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			if c.prepare != nil {
				c.prepare(s)
			}
			before := s.dump(t)
			_, err := s.ensure(t.Context(), func(cfg *directory.Config) {
				if c.change != nil {
					c.change(cfg)
				}
			})
			checkReport(t, err, c.kind, c.want...)
			if diff := cmp.Diff(before, s.dump(t)); diff != "" || len(s.writes()) > 0 {
				t.Errorf("it wrote %v (-before +after):\n%s", s.writes(), diff)
			}
		})
	}
}

func checkReport(t *testing.T, err, kind error, want ...string) {
	t.Helper()
	reported, ok := errors.AsType[*directory.Error](err)
	if !errors.Is(err, kind) || !ok || len(reported.Clicks) == 0 {
		t.Fatalf("got %v, want %v with clicks", err, kind)
	}
	for _, text := range want {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
}

// TestEnsureProbeReports finds out by writing what no look can tell.
func TestEnsureProbeReports(t *testing.T) {
	deny := func(op crowdtest.Operation) func(*site) {
		return func(s *site) {
			s.SetOptions(func(o *crowdtest.Options) { o.Plugin, o.HideMappingOperations = crowdtest.NoPlugin, true })
			s.means.Creator = nil
			s.AddDirectory(crowdtest.Directory{Name: "Employees", Denied: []crowdtest.Operation{op}})
		}
	}
	for name, c := range map[string]struct {
		prepare func(*site)
		kind    error
		want    []string
	}{
		"no users added": {deny(crowdtest.AddUser), crowd.ErrPermission, []string{
			`the application "scim" may not do all that is needed in "Employees"`, `Choose the directory "Employees", tick CREATE_USER, and save.`,
		}},
		"no users changed": {deny(crowdtest.ModifyUser), crowd.ErrPermission, []string{"tick UPDATE_USER,"}},
		"no attributes":    {deny(crowdtest.ModifyUserAttributes), crowd.ErrPermission, []string{"tick UPDATE_USER_ATTRIBUTE,"}},
		"new mappings denied": {func(s *site) {
			s.SetOptions(func(o *crowdtest.Options) { o.NewMappingsDenied, o.HideMappingOperations = true, true })
		}, crowd.ErrPermission, []string{"tick CREATE_USER,"}},
		"address": {func(s *site) {
			s.AddDirectory(crowdtest.Directory{Name: "Employees"})
			s.UpdateApplication("scim", func(a *crowdtest.Application) { a.Addresses = []string{"192.0.2.1"} })
		}, crowd.ErrAddress, []string{`the tab "Remote addresses"`}},
		"password": {func(s *site) {
			s.AddDirectory(crowdtest.Directory{Name: "Employees"})
			s.UpdateApplication("scim", func(a *crowdtest.Application) { a.Password = "other" })
		}, crowd.ErrUnauthenticated, []string{`the password of the application "scim" is wrong`}},
		"somebody has the probe's name": {func(s *site) {
			s.AddDirectory(crowdtest.Directory{Name: "Employees"})
			s.In("Employees").AddUser(crowd.User{Name: directory.ProbeName, DisplayName: "A person", Active: true})
		}, directory.ErrConflict, []string{"and is no probe"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			c.prepare(s)
			_, err := s.ensure(t.Context())
			kind := directory.ErrUnfinished
			if c.kind == directory.ErrConflict {
				kind = c.kind
			}
			checkReport(t, err, kind, c.want...)
			if !errors.Is(err, c.kind) {
				t.Errorf("%v is not %v", err, c.kind)
			}
			if users := s.In("Employees").UserNames(); c.kind != directory.ErrConflict && len(users) > 0 {
				t.Errorf("left behind: %v", users)
			}
		})
	}
}

// TestEnsureDeletionDenied cannot take the probe back, and says so.
func TestEnsureDeletionDenied(t *testing.T) {
	s := newSite(t, func(o *crowdtest.Options) { o.HideMappingOperations = true })
	s.AddDirectory(crowdtest.Directory{Name: "Employees"})
	s.UpdateApplication("scim", func(a *crowdtest.Application) {
		a.Directories = []crowdtest.Mapping{{Directory: "Employees", Denied: []crowdtest.Operation{crowdtest.RemoveUser}}}
	})
	_, err := s.ensure(t.Context())
	checkReport(t, err, directory.ErrUnfinished, "tick DELETE_USER,")
	s.UpdateApplication("scim", func(a *crowdtest.Application) { a.Directories[0].Denied = nil })
	if _, err := s.ensure(t.Context()); err != nil || len(s.In("Employees").UserNames()) > 0 {
		t.Errorf("afterwards: %v, %v", s.In("Employees").UserNames(), err)
	}
}

// TestEnsurePermissionsStay reports a Crowd that takes a change of permissions
// and forgets it.
func TestEnsurePermissionsStay(t *testing.T) {
	s := newSite(t, func(o *crowdtest.Options) { o.NewMappingsDenied = true })
	forgetful := forgetfulAdministration{s.means.Administration.(*admin.Client)}
	_, err := directory.Ensure(t.Context(), s.wanted(), directory.Means{Administration: forgetful, Creator: s.means.Creator})
	checkReport(t, err, directory.ErrUnfinished, "Crowd does not let that be changed from here", `tick CREATE_USER, UPDATE_USER,`)
	if !slices.Contains(s.writes(), "POST admin/application/1/directory-mapping") || slices.Contains(s.writes(), "POST user") {
		t.Errorf("writes %v", s.writes())
	}
}

type forgetfulAdministration struct{ *admin.Client }

func (forgetfulAdministration) SetPermissions(context.Context, int64, int64, []admin.Permission) error {
	return nil
}

// TestEnsureElsewhere has what the application creates land in another directory,
// because a mapping comes back at the wrong moment.
func TestEnsureElsewhere(t *testing.T) {
	s := newSite(t)
	s.SetGate(func(_ context.Context, c crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
		if c.Method == "POST" && c.Resource == "user" && at == crowdtest.BeforeEffect {
			s.UpdateApplication("scim", func(a *crowdtest.Application) { a.Directories = []crowdtest.Mapping{{Directory: "Crowd"}} })
		}
		return crowdtest.NoFault
	})
	_, err := s.ensure(t.Context())
	checkReport(t, err, directory.ErrUnfinished, `lands in the directory 32769 instead of "Employees"`)
	if users := s.UserNames(); len(users) > 0 {
		t.Errorf("left behind: %v", users)
	}
}

func TestEnsureNeedsItsConfig(t *testing.T) {
	s := newSite(t)
	for _, change := range []func(*directory.Config){
		func(c *directory.Config) { c.Name = "" },
		func(c *directory.Config) { c.Application = "" },
		func(c *directory.Config) { c.Client = nil },
	} {
		if _, err := s.ensure(t.Context(), change); err == nil || len(s.Calls()) > 0 {
			t.Errorf("got %v, calls %v", err, s.Calls())
		}
	}
	if _, err := directory.Connect(t.Context(), admin.Config{}); err == nil {
		t.Error("connected without a configuration")
	}
	_, err := directory.Connect(t.Context(), admin.Config{
		BaseURL: base, Administrator: "root", Password: "wrong", HTTPClient: &http.Client{Transport: s.Server},
	})
	if !errors.Is(err, crowd.ErrUnauthenticated) {
		t.Errorf("wrong password: %v", err)
	}
}
