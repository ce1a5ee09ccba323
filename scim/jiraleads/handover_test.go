package jiraleads_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads/jiratest"
)

// stage returns a Jira in which ann leads two projects and two components, and others
// lead the rest.
func stage(jira *jiratest.Server) *jiratest.Server {
	for _, name := range []string{"ann", "bob", "cat", "dan"} {
		jira.AddUser(jiratest.User{Name: name, Email: name + "@example.com", DisplayName: strings.ToUpper(name)})
	}
	for _, p := range [][2]string{{"WEB", "ann"}, {"OPS", "dan"}, {"LAB", "ann"}} {
		jira.AddProject(p[0], p[1])
	}
	for _, c := range [][3]string{{"WEB", "Search", "ann"}, {"WEB", "Login", "dan"}, {"OPS", "Disk", "ann"}, {"OPS", "Net", ""}} {
		jira.AddComponent(c[0], c[1], c[2])
	}
	return jira
}

// handedOver is who leads what once ann has left.
var handedOver = []string{"LAB bob", "OPS dan", "OPS/Disk cat", "OPS/Net -", "WEB bob", "WEB/Login dan", "WEB/Search cat"}

var products = []jiraleads.Product{jiraleads.DataCenter, jiraleads.Cloud}

// hookOf returns a hook under which projects go to bob and components to cat.
func hookOf(tb testing.TB, jira *jiratest.Server, change ...func(*jiraleads.Config)) *jiraleads.Hook {
	tb.Helper()
	cfg := jira.Config()
	cfg.ProjectLead, cfg.ComponentLead = "bob", "cat"
	if cfg.Product == jiraleads.Cloud {
		cfg.ProjectLead, cfg.ComponentLead = "bob@example.com", "5b10-cat"
	}
	for _, f := range change {
		f(&cfg)
	}
	hook, err := jiraleads.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return hook
}

var ann = groupsync.Leaver{Connection: "okta", Name: "ann", Email: "ann@example.com", DisplayName: "ANN"}

// handOver does all that a hook plans.
func handOver(tb testing.TB, hook *jiraleads.Hook, l groupsync.Leaver) error {
	tb.Helper()
	steps, err := hook.Plan(tb.Context(), l)
	if err != nil {
		return err
	}
	for _, s := range steps {
		err = errors.Join(err, hook.Do(tb.Context(), l, s))
	}
	return err
}

func wantLeads(tb testing.TB, jira *jiratest.Server, want []string) {
	tb.Helper()
	if diff := cmp.Diff(want, jira.Leads()); diff != "" {
		tb.Errorf("leads mismatch (-want +got):\n%s", diff)
	}
}

func TestLeadsAreHandedOver(t *testing.T) {
	for product, want := range map[jiraleads.Product][]string{
		jiraleads.DataCenter: {
			"lead of project LAB: ann -> bob", "lead of project WEB: ann -> bob",
			"lead of component Disk of project OPS: ann -> cat", "lead of component Search of project WEB: ann -> cat",
		},
		jiraleads.Cloud: {
			"lead of project LAB: ANN (5b10-ann) -> BOB (5b10-bob)", "lead of project WEB: ANN (5b10-ann) -> BOB (5b10-bob)",
			"lead of component Disk of project OPS: ANN (5b10-ann) -> CAT (5b10-cat)", "lead of component Search of project WEB: ANN (5b10-ann) -> CAT (5b10-cat)",
		},
	} {
		t.Run(string(product), func(t *testing.T) {
			jira := stage(jiratest.New(product))
			before := jira.Leads()
			hook := hookOf(t, jira)
			steps, err := hook.Plan(t.Context(), ann)
			if err != nil {
				t.Fatal(err)
			}
			wantLeads(t, jira, before)
			var got []string
			for _, s := range steps {
				for _, c := range s.Changes {
					got = append(got, fmt.Sprintf("%s: %s -> %s", c.Field, c.Before, c.After))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("steps mismatch (-want +got):\n%s", diff)
			}
			for range 2 { // twice equals once
				for _, s := range steps {
					if err := hook.Do(t.Context(), ann, s); err != nil {
						t.Errorf("%s: %v", s.Object, err)
					}
				}
				wantLeads(t, jira, handedOver)
			}
			if again, err := hook.Plan(t.Context(), ann); err != nil || len(again) > 0 {
				t.Errorf("a second plan has %v, %v", again, err)
			}
		})
	}
}

// TestHandOverOverTheNetwork holds that it does below a context path, by each way to
// authenticate, in pages of one, and where Jira lets only every second request pass.
func TestHandOverOverTheNetwork(t *testing.T) {
	for name, tt := range map[string]struct {
		product jiraleads.Product
		user    string
	}{
		"personal access token": {jiraleads.DataCenter, ""},
		"password":              {jiraleads.DataCenter, jiratest.AdminName},
		"API token":             {jiraleads.Cloud, jiratest.AdminEmail},
	} {
		t.Run(name, func(t *testing.T) {
			jira := stage(jiratest.NewServer(t, tt.product))
			jira.Pages(1)
			if err := handOver(t, hookOf(t, jira, func(c *jiraleads.Config) { c.User = tt.user }), ann); err != nil {
				t.Fatal(err)
			}
			wantLeads(t, jira, handedOver)
		})
	}
}

func TestHandOverUnderARateLimit(t *testing.T) {
	for _, product := range products {
		t.Run(string(product), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				jira := stage(jiratest.New(product))
				jira.Limit(2)
				jira.Pages(1)
				if err := handOver(t, hookOf(t, jira, func(c *jiraleads.Config) { c.MaxInFlight = 1 }), ann); err != nil {
					t.Fatal(err)
				}
				wantLeads(t, jira, handedOver)
			})
		})
	}
}

// TestOneOfTwoLeads holds that what nobody is named for stays, and is not asked for.
func TestOneOfTwoLeads(t *testing.T) {
	for _, product := range products {
		jira := stage(jiratest.New(product))
		if err := handOver(t, hookOf(t, jira, func(c *jiraleads.Config) { c.ComponentLead = "" }), ann); err != nil {
			t.Fatal(err)
		}
		wantLeads(t, jira, []string{"LAB bob", "OPS dan", "OPS/Disk ann", "OPS/Net -", "WEB bob", "WEB/Login dan", "WEB/Search ann"})
		for _, call := range jira.Calls() {
			if strings.Contains(call, "component") {
				t.Errorf("%s: components were asked for: %s", product, call)
			}
		}
		jira = stage(jiratest.New(product))
		if err := handOver(t, hookOf(t, jira, func(c *jiraleads.Config) { c.ProjectLead = "" }), ann); err != nil {
			t.Fatal(err)
		}
		wantLeads(t, jira, []string{"LAB ann", "OPS dan", "OPS/Disk cat", "OPS/Net -", "WEB ann", "WEB/Login dan", "WEB/Search cat"})
	}
}

func TestArchivedProjectsStay(t *testing.T) {
	for _, product := range products {
		jira := stage(jiratest.New(product))
		jira.Archive("WEB")
		if err := handOver(t, hookOf(t, jira), ann); err != nil {
			t.Fatal(err)
		}
		wantLeads(t, jira, []string{"LAB bob", "OPS dan", "OPS/Disk cat", "OPS/Net -", "WEB ann", "WEB/Login dan", "WEB/Search ann"})
	}
}

// TestWhoIsTheLeaver holds whose leads are handed over, and that nobody is guessed at.
func TestWhoIsTheLeaver(t *testing.T) {
	kept := []string{"LAB ann", "OPS dan", "OPS/Disk ann", "OPS/Net -", "WEB ann", "WEB/Login dan", "WEB/Search ann"}
	hidden := jiratest.User{Name: "ann", Email: "ann@example.com", DisplayName: "ANN", HidesEmail: true}
	for _, tt := range []struct {
		name    string
		product jiraleads.Product
		setup   func(*jiratest.Server)
		leaver  groupsync.Leaver
		byName  bool
		want    []string
		err     string
	}{
		{"name in another case", jiraleads.DataCenter, nil, groupsync.Leaver{Name: "Ann"}, false, handedOver, ""},
		{"unknown in Jira", jiraleads.DataCenter, nil, groupsync.Leaver{Name: "zoe"}, false, kept, ""},
		{
			"inactive in Jira already", jiraleads.DataCenter,
			func(s *jiratest.Server) { s.AddUser(jiratest.User{Name: "ann", Inactive: true}) }, ann, false, handedOver, "",
		},
		{
			"renamed, and Jira has heard of it", jiraleads.DataCenter,
			func(s *jiratest.Server) { s.RenameUser("ann", "anna") },
			groupsync.Leaver{Name: "anna", FormerName: "ann"},
			false, handedOver, "",
		},
		{
			"renamed, and Jira has not heard of it", jiraleads.DataCenter, nil,
			groupsync.Leaver{Name: "anna", FormerName: "ann", Email: "ANN@example.com"},
			false, handedOver, "",
		},
		{
			"renamed, and somebody else has the name", jiraleads.DataCenter,
			func(s *jiratest.Server) {
				s.AddUser(jiratest.User{Name: "ann", Key: "JIRAUSER-other", Email: "other@example.com"})
			},
			groupsync.Leaver{Name: "anna", FormerName: "ann", Email: "ann@example.com"},
			false, kept, "",
		},
		{
			"a lead of the leaver's name and another key", jiraleads.DataCenter,
			func(s *jiratest.Server) {
				s.RenameUser("ann", "anna")
				s.AddUser(jiratest.User{Name: "ann", Key: "new"})
			}, ann, false,
			[]string{"LAB anna", "OPS dan", "OPS/Disk anna", "OPS/Net -", "WEB anna", "WEB/Login dan", "WEB/Search anna"},
			"",
		},
		{"address in another case", jiraleads.Cloud, nil, groupsync.Leaver{Email: "ANN@Example.com"}, false, handedOver, ""},
		{"no address", jiraleads.Cloud, nil, groupsync.Leaver{Name: "ann", DisplayName: "ANN"}, false, kept, ""},
		{"another address", jiraleads.Cloud, nil, groupsync.Leaver{Email: "ann@example.co", DisplayName: "ANN"}, false, kept, ""},
		{"hidden address, found by it", jiraleads.Cloud, func(s *jiratest.Server) { s.AddUser(hidden) }, ann, false, handedOver, ""},
		{
			"hidden address, another display name", jiraleads.Cloud, func(s *jiratest.Server) { s.AddUser(hidden) },
			groupsync.Leaver{Email: "ann@example.com", DisplayName: "Ann B."},
			false, kept, "",
		},
		{
			"hidden address, by display name", jiraleads.Cloud, func(s *jiratest.Server) { s.AddUser(hidden) },
			groupsync.Leaver{Email: "a.b@example.com", DisplayName: "ann"},
			true, handedOver, "",
		},
		{
			"hidden address, by display name, not allowed", jiraleads.Cloud, func(s *jiratest.Server) { s.AddUser(hidden) },
			groupsync.Leaver{Email: "a.b@example.com", DisplayName: "ann"},
			false, kept, "",
		},
		{
			"two of the display name", jiraleads.Cloud, func(s *jiratest.Server) {
				s.AddUser(hidden)
				s.AddUser(jiratest.User{Name: "ann2", DisplayName: "Ann", HidesEmail: true})
			}, groupsync.Leaver{DisplayName: "ann"}, true, kept, "2 accounts of Jira may be meant",
		},
		{
			"an app of the address", jiraleads.Cloud, func(s *jiratest.Server) {
				s.AddUser(jiratest.User{Name: "ann", Email: "ann@example.com", Type: "app"})
			}, ann, false, kept, "",
		},
		{
			"inactive, and not found any more", jiraleads.Cloud,
			func(s *jiratest.Server) {
				s.AddUser(jiratest.User{Name: "ann", Email: "ann@example.com", Inactive: true})
			}, ann, false, handedOver, "",
		},
		{"nobody may be looked for", jiraleads.Cloud, (*jiratest.Server).Blind, ann, false, kept, "may not look for users"},
	} {
		t.Run(string(tt.product)+"/"+tt.name, func(t *testing.T) {
			jira := stage(jiratest.New(tt.product))
			if tt.setup != nil {
				tt.setup(jira)
			}
			hook := hookOf(t, jira, func(c *jiraleads.Config) {
				c.MatchDisplayName = tt.byName
				if c.Product == jiraleads.Cloud {
					c.ProjectLead = "5b10-bob"
				}
			})
			err := handOver(t, hook, tt.leaver)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
			wantLeads(t, jira, tt.want)
		})
	}
}

// TestDeletedLeaver holds that leads of a user whom Jira has no more are told by its
// name, if Jira shows that still.
func TestDeletedLeaver(t *testing.T) {
	jira := stage(jiratest.New(jiraleads.DataCenter))
	jira.AddUser(jiratest.User{Name: "ann", Key: "ann"}) // as users of old have
	jira.DeleteUser("ann")
	if err := handOver(t, hookOf(t, jira), ann); err != nil {
		t.Fatal(err)
	}
	wantLeads(t, jira, handedOver)
}

// TestUnfitHeirs holds that nobody is made a lead who does not exist, is not active, is
// no person, is the leaver, or cannot be assigned issues.
func TestUnfitHeirs(t *testing.T) {
	for _, product := range products {
		for _, tt := range []struct {
			name  string
			setup func(*jiratest.Server, *jiraleads.Config)
			want  string
		}{
			{"missing", func(_ *jiratest.Server, c *jiraleads.Config) { c.ProjectLead = "nobody" }, `the default project lead "nobody" does not exist in Jira`},
			{"inactive", func(s *jiratest.Server, c *jiraleads.Config) {
				s.AddUser(jiratest.User{Name: "cat", Email: "cat@example.com", Inactive: true})
			}, "is not active in Jira"},
			{"the leaver", func(_ *jiratest.Server, c *jiraleads.Config) {
				if c.ProjectLead = "Ann"; c.Product == jiraleads.Cloud {
					c.ProjectLead = "ann@example.com"
				}
			}, "is the leaver"},
			{"cannot be assigned issues", func(s *jiratest.Server, _ *jiraleads.Config) { s.Bar("WEB", "bob") }, "cannot be assigned issues of the project WEB"},
			{"account may not change projects", func(s *jiratest.Server, _ *jiraleads.Config) { s.Demote() }, "change lead of project LAB: not allowed (403): You cannot edit the configuration"},
		} {
			t.Run(string(product)+"/"+tt.name, func(t *testing.T) {
				jira := stage(jiratest.New(product))
				hook := hookOf(t, jira, func(c *jiraleads.Config) { tt.setup(jira, c) })
				err := handOver(t, hook, ann)
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				if slices.Contains(jira.Leads(), "WEB bob") {
					t.Errorf("leads are %v", jira.Leads())
				}
			})
		}
	}
}

// TestAppIsNoLead holds that in Cloud only a person takes over.
func TestAppIsNoLead(t *testing.T) {
	jira := stage(jiratest.New(jiraleads.Cloud))
	jira.AddUser(jiratest.User{Name: "cat", Type: "app"})
	if err := handOver(t, hookOf(t, jira), ann); err == nil || !strings.Contains(err.Error(), "is not a person's account") {
		t.Errorf("got %v", err)
	}
}

// TestStaleSteps holds that a step which is not called for any more changes nothing, and
// says so.
func TestStaleSteps(t *testing.T) {
	for _, product := range products {
		for name, change := range map[string]func(*jiratest.Server, *jiraleads.Config){
			"led by another":      func(s *jiratest.Server, _ *jiraleads.Config) { s.Lead("WEB", "", "dan") },
			"project removed":     func(s *jiratest.Server, _ *jiraleads.Config) { s.Remove("WEB") },
			"another lead is set": func(_ *jiratest.Server, c *jiraleads.Config) { c.ProjectLead = c.ComponentLead },
			"no lead is set":      func(_ *jiratest.Server, c *jiraleads.Config) { c.ProjectLead = "" },
		} {
			t.Run(string(product)+"/"+name, func(t *testing.T) {
				jira := stage(jiratest.New(product))
				steps, err := hookOf(t, jira).Plan(t.Context(), ann)
				if err != nil {
					t.Fatal(err)
				}
				hook := hookOf(t, jira, func(c *jiraleads.Config) { change(jira, c) })
				before := jira.Leads()
				for _, s := range steps {
					if s.Object[:7] != "project" || s.Changes[0].Field != "lead of project WEB" {
						continue
					}
					if err := hook.Do(t.Context(), ann, s); !errors.Is(err, groupsync.ErrStalePlan) {
						t.Errorf("got %v, want one that matches ErrStalePlan", err)
					}
				}
				wantLeads(t, jira, before)
			})
		}
	}
	hook := hookOf(t, stage(jiratest.New(jiraleads.Cloud)))
	for _, object := range []string{"", "project", "project ", "board 7"} {
		err := hook.Do(t.Context(), ann, groupsync.HookStep{Object: object, Changes: []groupsync.Change{{}}})
		if err == nil || errors.Is(err, groupsync.ErrStalePlan) {
			t.Errorf("%q: got %v, want an error", object, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, product := range products {
		for _, tt := range []struct {
			name  string
			setup func(*jiratest.Server, *jiraleads.Config)
			want  []string
		}{
			{"all is well", func(*jiratest.Server, *jiraleads.Config) {}, nil},
			{"leads", func(s *jiratest.Server, c *jiraleads.Config) {
				s.AddUser(jiratest.User{Name: "cat", Email: "cat@example.com", Inactive: true})
				c.ProjectLead = "nobody"
			}, []string{`project: the default project lead "nobody" does not exist in Jira. Create the user there, or name another in the settings`, "component: "}},
			{"permissions", func(s *jiratest.Server, _ *jiraleads.Config) { s.Demote() }, []string{"token: the account does not administer Jira. "}},
			{"token", func(_ *jiratest.Server, c *jiraleads.Config) { c.Token = "other" }, []string{"token: jiraleads: read own permissions: Jira does not accept the account or its token (401)"}},
			{"down", func(s *jiratest.Server, _ *jiraleads.Config) {
				s.Fail(jiratest.Fault{Kind: jiratest.LoseRequest, Times: 9})
			}, []string{"url: jiraleads: read own permissions: "}},
			{"another product", func(s *jiratest.Server, c *jiraleads.Config) {
				c.User = jiratest.AdminEmail
				if c.Product = jiraleads.Cloud; product == jiraleads.Cloud {
					c.Product = jiraleads.DataCenter
				}
			}, []string{"url: jiraleads: read own permissions: not found, or not shown to the account (404): there is no such resource"}},
		} {
			t.Run(string(product)+"/"+tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					jira := stage(jiratest.New(product))
					before := jira.Leads()
					problems := hookOf(t, jira, func(c *jiraleads.Config) { tt.setup(jira, c) }).Check(t.Context())
					if len(problems) != len(tt.want) {
						t.Fatalf("problems are %v, want %q", problems, tt.want)
					}
					for i, p := range problems {
						if !strings.HasPrefix(p.String(), tt.want[i]) || p.Remedy == "" {
							t.Errorf("problem %q, want %q", p, tt.want[i])
						}
					}
					wantLeads(t, jira, before)
				})
			})
		}
	}
}
