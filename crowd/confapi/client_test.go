package confapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/confapi"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

const password = "administrator's password"

func now() time.Time { return time.UnixMilli(1700000000000).UTC() }

type site struct {
	*crowdtest.Server
	cfg    admin.Config
	client *confapi.Client
}

// newSite starts a Crowd with a plugin and finds it.
func newSite(t testing.TB, plugin crowdtest.Plugin) site {
	t.Helper()
	srv := crowdtest.NewServer(t)
	srv.SetOptions(func(o *crowdtest.Options) { o.Plugin, o.Clock = plugin, now })
	srv.AddAdministrator("root", password)
	cfg := admin.Config{BaseURL: srv.URL, Administrator: "root", Password: password, Tries: 1}
	client, err := confapi.Find(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv.ResetCalls()
	return site{srv, cfg, client}
}

// everyPlugin runs a test with each plugin, and with one that has no resource for
// a single directory.
func everyPlugin(t *testing.T, test func(*testing.T, site)) {
	for name, c := range map[string]struct {
		plugin  crowdtest.Plugin
		mapOnly bool
	}{
		"confapi":              {crowdtest.ConfAPI, false},
		"bootstrapi":           {crowdtest.BootstrAPI, false},
		"bootstrapi, map only": {crowdtest.BootstrAPI, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, c.plugin)
			s.SetOptions(func(o *crowdtest.Options) { o.MapOnly, o.MissingInJSON = c.mapOnly, true })
			test(t, s)
		})
	}
}

func TestFind(t *testing.T) {
	for _, plugin := range []crowdtest.Plugin{crowdtest.ConfAPI, crowdtest.BootstrAPI} {
		s := newSite(t, plugin)
		if got := s.client.Plugin(); string(got) != string(plugin) {
			t.Errorf("found %s, want %s", got, plugin)
		}
		for _, inJSON := range []bool{false, true} {
			s.SetOptions(func(o *crowdtest.Options) { o.Plugin, o.MissingInJSON = crowdtest.NoPlugin, inJSON })
			if _, err := confapi.Find(t.Context(), s.cfg); !errors.Is(err, crowd.ErrUnsupported) {
				t.Errorf("no plugin: %v", err)
			}
		}
		if _, err := s.client.Create(t.Context(), confapi.Directory{Type: "internal", Name: "x"}); !errors.Is(err, crowd.ErrUnsupported) {
			t.Errorf("the plugin has gone: %v", err)
		}
	}
	s := newSite(t, crowdtest.ConfAPI)
	for _, c := range []struct {
		change func(*admin.Config)
		kind   error
	}{
		{func(c *admin.Config) { c.Administrator, c.Password = s.Application, s.Password }, crowd.ErrUnauthenticated},
		{func(c *admin.Config) { c.BaseURL = "http://127.0.0.1:1" }, crowd.ErrUnavailable},
	} {
		cfg := s.cfg
		c.change(&cfg)
		if _, err := confapi.Find(t.Context(), cfg); !errors.Is(err, c.kind) {
			t.Errorf("got %v, want %v", err, c.kind)
		}
	}
	if _, err := confapi.New(s.cfg, "other"); err == nil || err.Error() != `confapi: there is no plugin "other"` {
		t.Errorf("another plugin: %v", err)
	}
	if _, err := confapi.Find(t.Context(), admin.Config{}); err == nil || err.Error() != "admin: Administrator is missing" {
		t.Errorf("no configuration: %v", err)
	}
}

func TestInternal(t *testing.T) {
	everyPlugin(t, func(t *testing.T, s site) {
		var d confapi.Directory
		readFixture(t, "confapi-directory-internal.json", &d)
		want := d
		want.ID, want.Created, want.Updated = 32771, now(), now()
		made, err := s.client.Create(t.Context(), d)
		check(t, want, made, err)
		read, err := s.client.Directory(t.Context(), made.ID)
		check(t, want, read, err)

		changed, err := s.client.Change(t.Context(), made.ID, confapi.Directory{
			Description: new(""), Active: new(false), Permissions: &confapi.Permissions{AddUser: new(false)},
		})
		want.Description, want.Active, want.Permissions.AddUser = new(""), new(false), new(false)
		check(t, want, changed, err)
		if diff := cmp.Diff([]string{"addUser"}, changed.Permissions.Denied()); diff != "" {
			t.Errorf("denied mismatch (-want +got):\n%s", diff)
		}

		all, err := s.client.Directories(t.Context())
		if err != nil || len(all) != 3 || all[0].Name != "Crowd" || all[0].Type != "internal" {
			t.Errorf("directories %v, %v", all, err)
		}
		check(t, want, all[2], nil)
	})
}

func check(t *testing.T, want confapi.Directory, got *confapi.Directory, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("directory mismatch (-want +got):\n%s", diff)
	}
}

func readFixture(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestDelegating(t *testing.T) {
	const secret = "service account's password"
	everyPlugin(t, func(t *testing.T, s site) {
		var d confapi.Directory
		readFixture(t, "confapi-directory-delegating.json", &d)
		want := d
		want.ID, want.Created, want.Updated, want.Description = 32771, now(), now(), new("")
		connector := *d.Connector
		connector.Password = secret
		d.Connector = &connector
		made, err := s.client.Create(t.Context(), d)
		check(t, want, made, err)
		changed, err := s.client.Change(t.Context(), made.ID, confapi.Directory{Connector: &confapi.Connector{URL: "ldaps://other", Password: secret}})
		want.Connector.URL = "ldaps://other"
		check(t, want, changed, err)

		s.Fail(crowdtest.Fault{Method: "PUT", Kind: crowdtest.Answer, Status: 400, Reason: "ILLEGAL_ARGUMENT"})
		_, err = s.client.Change(t.Context(), made.ID, d)
		var log, dump strings.Builder
		if dumpErr := s.Dump(&dump); dumpErr != nil || err == nil {
			t.Fatal(dumpErr, err)
		}
		fmt.Fprintf(&log, "%v %+v %#v %v", err, d.Connector, *d.Connector, s.Calls())
		if strings.Contains(log.String()+dump.String(), secret) {
			t.Errorf("the password is in %s%s", &log, &dump)
		}
	})
}

// TestDefaults creates a directory that can do everything.
func TestDefaults(t *testing.T) {
	everyPlugin(t, func(t *testing.T, s site) {
		made, err := s.client.Create(t.Context(), confapi.Directory{Type: confapi.Internal, Name: "Employees"})
		if err != nil {
			t.Fatal(err)
		}
		if !*made.Active || made.Permissions.Denied() != nil {
			t.Errorf("made %+v", made)
		}
		_, err = s.client.Create(t.Context(), confapi.Directory{Type: confapi.Internal, Name: "EMPLOYEES"})
		if !errors.Is(err, crowd.ErrExists) || err.Error() != "crowd: create directory EMPLOYEES: it exists already" {
			t.Errorf("taken name: %v", err)
		}
	})
}

func TestRefused(t *testing.T) {
	everyPlugin(t, func(t *testing.T, s site) {
		for _, d := range []confapi.Directory{{Type: "ldap", Name: "x"}, {Name: "x"}, {Type: confapi.Internal}} {
			if _, err := s.client.Create(t.Context(), d); !errors.Is(err, crowd.ErrIllegalArgument) {
				t.Errorf("create %+v: %v", d, err)
			}
		}
		if calls := s.Calls(); len(calls) > 0 {
			t.Errorf("calls %v", calls)
		}
		if _, err := s.client.Directory(t.Context(), 1); !errors.Is(err, crowd.ErrNotFound) {
			t.Errorf("read an unknown one: %v", err)
		}
		if _, err := s.client.Change(t.Context(), 1, confapi.Directory{}); !errors.Is(err, crowd.ErrNotFound) {
			t.Errorf("change an unknown one: %v", err)
		}
		s.AddDirectory(crowdtest.Directory{Name: "LDAP", Type: "CONNECTOR"})
		_, err := s.client.Change(t.Context(), 32771, confapi.Directory{Active: new(false)})
		if !errors.Is(err, crowd.ErrIllegalArgument) || !strings.Contains(err.Error(), "cannot be written") {
			t.Errorf("change another type: %v", err)
		}
	})
}

func TestRename(t *testing.T) {
	everyPlugin(t, func(t *testing.T, s site) {
		made, err := s.client.Create(t.Context(), confapi.Directory{Type: confapi.Internal, Name: "Employees"})
		if err != nil {
			t.Fatal(err)
		}
		renamed, err := s.client.Change(t.Context(), made.ID, confapi.Directory{Name: "Staff"})
		if s.Options().MapOnly {
			if !errors.Is(err, crowd.ErrUnsupported) {
				t.Errorf("rename in a map: %v", err)
			}
			return
		}
		if err != nil || renamed.Name != "Staff" || renamed.ID != made.ID {
			t.Errorf("renamed %+v, %v", renamed, err)
		}
	})
}

func TestDelete(t *testing.T) {
	for _, plugin := range []crowdtest.Plugin{crowdtest.ConfAPI, crowdtest.BootstrAPI} {
		s := newSite(t, plugin)
		for range 2 {
			if err := s.client.Delete(t.Context(), 32769); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.client.Delete(t.Context(), 32770); !errors.Is(err, crowd.ErrIllegalArgument) {
			t.Errorf("delete the last: %v", err)
		}
		s.SetOptions(func(o *crowdtest.Options) { o.MapOnly = true })
		if err := s.client.Delete(t.Context(), 32770); plugin == crowdtest.BootstrAPI && !errors.Is(err, crowd.ErrUnsupported) {
			t.Errorf("delete from a map: %v", err)
		}
	}
	s := newSite(t, crowdtest.ConfAPI)
	s.SetOptions(func(o *crowdtest.Options) { o.SynchronisationTime = time.Minute })
	s.AddDirectory(crowdtest.Directory{Name: "LDAP", Type: "CONNECTOR"})
	client, err := admin.New(s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Synchronise(t.Context(), 32771); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Delete(t.Context(), 32771); !errors.Is(err, crowd.ErrBusy) {
		t.Errorf("delete while synchronising: %v", err)
	}
}

// TestCreateRace has somebody else take the name after the look.
func TestCreateRace(t *testing.T) {
	s := newSite(t, crowdtest.ConfAPI)
	raced := false
	s.SetGate(func(_ context.Context, c crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
		if c.Method == "POST" && at == crowdtest.BeforeEffect && !raced {
			raced = true
			s.AddDirectory(crowdtest.Directory{Name: "employees"})
		}
		return crowdtest.NoFault
	})
	_, err := s.client.Create(t.Context(), confapi.Directory{Type: confapi.Internal, Name: "Employees"})
	if !raced || !errors.Is(err, crowd.ErrExists) {
		t.Errorf("create: %v", err)
	}
}

// TestCreateLost does not repeat a creation whose answer is lost.
func TestCreateLost(t *testing.T) {
	s := newSite(t, crowdtest.BootstrAPI)
	s.cfg.Tries = 3
	client, err := confapi.New(s.cfg, confapi.BootstrAPI)
	if err != nil {
		t.Fatal(err)
	}
	s.Fail(crowdtest.Fault{Method: "POST", Kind: crowdtest.LoseResponse})
	_, err = client.Create(t.Context(), confapi.Directory{Type: confapi.Internal, Name: "Employees"})
	if !errors.Is(err, crowd.ErrAmbiguous) {
		t.Errorf("create: %v", err)
	}
	if got := len(s.Directories()); got != 3 {
		t.Errorf("%d directories", got)
	}
}
