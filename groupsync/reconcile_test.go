package groupsync_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// reconcile reconciles and returns the steps in words.
func (w *world) reconcile() []string {
	w.tb.Helper()
	result, err := w.engine.Reconcile(w.tb.Context(), groupsync.ReconcileOptions{})
	if err != nil {
		w.tb.Fatalf("reconcile: %v", err)
	}
	if !result.Whole || result.Applied != len(result.Plan.Steps) {
		w.tb.Fatalf("reconcile was not whole: %+v", result)
	}
	return words(result.Plan)
}

func words(p *groupsync.Plan) []string {
	var all []string
	for _, s := range p.Steps {
		all = append(all, s.String())
	}
	return all
}

// keeping sets groups on the fly that keep nobody by hand.
func keepingNobody(c *groupsync.Config) {
	off := false
	c.Groups = compiled(mapping.Groups{OnTheFly: mapping.OnTheFly{KeepExistingGroups: &off}})
}

func compiled(g mapping.Groups) *mapping.GroupMap {
	m, err := mapping.CompileGroups(g)
	if err != nil {
		panic(err)
	}
	return m
}

// TestReconcileMendsDrift makes one difference between Crowd and what is recorded
// at a time, and holds the steps that mend it; a second reconcile finds none.
func TestReconcileMendsDrift(t *testing.T) {
	directly := func(w *world, f func(c *crowd.Client) error) {
		w.tb.Helper()
		if err := f(w.srv.Client(w.tb)); err != nil {
			w.tb.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*groupsync.Config)
		drift  func(w *world)
		want   []string
		end    func(w *world)
	}{
		{"nothing", nil, func(*world) {}, nil, func(*world) {}},
		{"a grant without membership", nil, func(w *world) {
			directly(w, func(c *crowd.Client) error { _, err := c.RemoveMember(w.tb.Context(), "Devs", "ann"); return err })
		}, []string{`add member "ann" in "Devs"`}, func(w *world) { w.wantMembers("Devs", "ann", "ben") }},
		{"a member by hand stays", nil, func(w *world) {
			w.srv.AddUser(crowd.User{Name: "cid", Active: true})
			w.srv.AddMember("Devs", "cid")
		}, nil, func(w *world) { w.wantMembers("Devs", "ann", "ben", "cid") }},
		{"a member by hand goes where none is kept", keepingNobody, func(w *world) {
			w.srv.AddUser(crowd.User{Name: "cid", Active: true})
			w.srv.AddMember("Devs", "cid")
		}, []string{`remove member "cid" in "Devs"`}, func(w *world) { w.wantMembers("Devs", "ann", "ben") }},
		{"a user's other group goes where none is kept", keepingNobody, func(w *world) {
			w.srv.AddGroup(crowd.Group{Name: "Chess", Active: true})
			w.srv.AddMember("Chess", "ann")
		}, []string{`remove member "ann" in "Chess"`}, func(w *world) { w.wantMembers("Chess") }},
		{
			"a Crowd group deleted by hand", nil, func(w *world) {
				directly(w, func(c *crowd.Client) error { return c.DeleteGroup(w.tb.Context(), "Devs") })
			},
			[]string{`create group "Devs"`, `add member "ann" in "Devs"`, `add member "ben" in "Devs"`},
			func(w *world) { w.wantMembers("Devs", "ann", "ben") },
		},
		{"a mark taken off by hand", nil, func(w *world) {
			directly(w, func(c *crowd.Client) error { return c.DeleteGroupAttribute(w.tb.Context(), "Devs", "scim.okta.id") })
		}, []string{`link group "Devs"`}, func(w *world) { w.wantMembers("Devs", "ann", "ben") }},
		{"a leaver let in again by hand", nil, func(w *world) {
			w.deactivate("ann")
			directly(w, func(c *crowd.Client) error {
				u, err := c.User(w.tb.Context(), "ann")
				if err != nil {
					return err
				}
				u.Active = true
				return c.UpdateUser(w.tb.Context(), *u)
			})
		}, []string{`deactivate user "ann": active "true" -> "false"`, `end sessions "ann"`}, func(w *world) {
			if u, _ := w.srv.User("ann"); u.Active {
				w.tb.Error("ann is active")
			}
		}},
		{"a user locked out by hand stays out", nil, func(w *world) {
			directly(w, func(c *crowd.Client) error {
				u, err := c.User(w.tb.Context(), "ann")
				if err != nil {
					return err
				}
				u.Active = false
				return c.UpdateUser(w.tb.Context(), *u)
			})
		}, nil, func(w *world) {
			if u, _ := w.srv.User("ann"); u.Active {
				w.tb.Error("ann is active")
			}
		}},
		{"fields changed by hand", nil, func(w *world) {
			directly(w, func(c *crowd.Client) error {
				u, err := c.User(w.tb.Context(), "ann")
				if err != nil {
					return err
				}
				u.LastName = "Hand"
				return c.UpdateUser(w.tb.Context(), *u)
			})
		}, []string{`update user "ann": lastName "Hand" -> "ann"`}, func(*world) {}},
		{"a user deleted by hand", nil, func(w *world) {
			directly(w, func(c *crowd.Client) error { return c.DeleteUser(w.tb.Context(), "ann") })
		}, nil, func(w *world) { w.wantMembers("Devs", "ben") }},
		{"rules that changed", nil, func(w *world) {
			w.srv.AddGroup(crowd.Group{Name: "jira-developers", Active: true})
			w.cfg.Groups = compiled(mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{
				Rules: []mapping.Rule{{From: "Devs", To: []string{"jira-developers"}}},
			}})
			w.restart()
		}, []string{
			`remove member "ann" in "Devs"`, `remove member "ben" in "Devs"`,
			`add member "ann" in "jira-developers"`, `add member "ben" in "jira-developers"`, `release group "Devs"`,
		}, func(w *world) { w.wantMembers("jira-developers", "ann", "ben"); w.wantMembers("Devs") }},
		{
			"a default group that is new", nil, func(w *world) {
				w.srv.AddGroup(crowd.Group{Name: "everybody", Active: true})
				w.cfg.Groups = compiled(mapping.Groups{DefaultForAllUsers: []string{"everybody"}})
				w.restart()
			},
			[]string{`add member "ann" in "everybody"`, `add member "ben" in "everybody"`},
			func(w *world) { w.wantMembers("everybody", "ann", "ben") },
		},
		{"a Crowd group left over from a name that was given up", nil, func(w *world) {
			w.srv.AddGroup(crowd.Group{Name: "Old", Active: true, Attributes: crowd.Attributes{"scim.okta.id": {w.idOfGroup("Devs")}}})
		}, []string{`release group "Old"`}, func(w *world) {
			if g, _ := w.srv.Group("Old"); g.Attributes.First("scim.okta.id") != "-" {
				w.tb.Errorf("Old bears the mark still: %v", g.Attributes)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldOver(t, new(crowdtest.Server))
				if tt.change != nil {
					w = worldOver(t, new(crowdtest.Server), tt.change)
				}
				w.group("Devs", w.user("ann"), w.user("ben"))
				time.Sleep(time.Hour) // nothing is on its way any more
				tt.drift(w)
				plan, err := w.engine.Plan(t.Context(), groupsync.ReconcileOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, words(plan)); diff != "" {
					t.Errorf("plan mismatch (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.want, w.reconcile()); diff != "" {
					t.Errorf("steps mismatch (-want +got):\n%s", diff)
				}
				tt.end(w)
				if again := w.reconcile(); len(again) > 0 {
					t.Errorf("a second reconcile finds %v", again)
				}
			})
		})
	}
}

func (w *world) deactivate(name string) {
	w.tb.Helper()
	off := false
	_, err := w.engine.UpdateUser(w.tb.Context(), w.idOf(name), func(*groupsync.User) (groupsync.Profile, error) {
		return groupsync.Profile{Fields: mapping.Fields{Active: &off}, ActiveSaid: true}, nil
	})
	if err != nil {
		w.tb.Fatalf("deactivate %s: %v", name, err)
	}
}

func (w *world) idOfGroup(name string) string {
	w.tb.Helper()
	g, err := w.engine.GroupByName(w.tb.Context(), name)
	if err != nil {
		w.tb.Fatal(err)
	}
	return g.ID
}

// TestReconcileClosesWhatWasLeft holds that a membership which an administrator
// makes after the identity provider took it away stays once a reconcile has ended
// that began a quarantine later, and that it goes before.
func TestReconcileClosesWhatWasLeft(t *testing.T) {
	for _, tt := range []struct {
		wait time.Duration
		want []string
	}{{time.Minute, []string{"ben"}}, {11 * time.Minute, []string{"ann", "ben"}}} {
		t.Run(fmt.Sprint(tt.wait), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldOver(t, new(crowdtest.Server))
				ann, ben := w.user("ann"), w.user("ben")
				g := w.group("Devs", ann, ben)
				w.change(g.ID, remove(ann))
				time.Sleep(tt.wait)
				w.reconcile()
				w.srv.AddMember("Devs", "ann")
				w.reconcile()
				w.wantMembers("Devs", tt.want...)
			})
		})
	}
}

// TestReconcileIsGuarded holds that a reconcile which would take away too much
// changes nothing, and passes once it is approved.
func TestReconcileIsGuarded(t *testing.T) {
	two, ten := 2, 10
	w := newWorld(t, keepingNobody, func(c *groupsync.Config) {
		c.Policy.Removals = groupsync.Limit{Count: &two, Percent: &ten}
	})
	w.group("Devs", w.user("ann"))
	for i := range 5 {
		name := fmt.Sprint("hand-", i)
		w.srv.AddUser(crowd.User{Name: name, Active: true})
		w.srv.AddMember("Devs", name)
	}
	_, err := w.engine.Reconcile(t.Context(), groupsync.ReconcileOptions{})
	refused, ok := errors.AsType[*groupsync.GuardError](err)
	if !ok {
		t.Fatalf("reconcile: %v, want a refusal", err)
	}
	if refused.Count != 5 || refused.Total != 6 {
		t.Errorf("refused %d of %d, want 5 of 6", refused.Count, refused.Total)
	}
	if n := len(w.srv.Members("Devs")); n != 6 {
		t.Fatalf("%d members after a refusal, want 6", n)
	}
	if _, err := w.engine.Reconcile(t.Context(), groupsync.ReconcileOptions{Approve: refused.Fingerprint}); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("Devs", "ann")
}

// TestApplyOfAKeptPlan holds that a plan that was kept as JSON is applied by
// another engine, and that what has changed meanwhile is left out.
func TestApplyOfAKeptPlan(t *testing.T) {
	w := newWorld(t, keepingNobody)
	ann := w.user("ann")
	g := w.group("Devs", ann)
	for _, name := range []string{"cid", "dan"} {
		w.srv.AddUser(crowd.User{Name: name, Active: true, Key: "1:" + name})
		w.srv.AddMember("Devs", name)
	}
	plan, err := w.engine.Plan(t.Context(), groupsync.ReconcileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	dan, err := w.engine.UserByName(t.Context(), "dan")
	if err != nil {
		t.Fatal(err)
	}
	w.change(g.ID, add(dan)) // the identity provider says so meanwhile
	var again groupsync.Plan
	if err := json.Unmarshal(kept, &again); err != nil {
		t.Fatal(err)
	}
	w.restart()
	result, err := w.engine.Apply(t.Context(), &again, groupsync.ReconcileOptions{})
	if !errors.Is(err, groupsync.ErrStalePlan) {
		t.Errorf("apply: %v, want %v", err, groupsync.ErrStalePlan)
	}
	if result.Applied != 1 || len(result.Stale) != 1 || result.Stale[0].User != "dan" {
		t.Errorf("applied %d, left out %v", result.Applied, result.Stale)
	}
	w.wantMembers("Devs", "ann", "dan")
}

// TestReconcileKnowsItsNeighbours holds that what another connection granted
// counts, and that a directory with the records of an unknown one is left alone.
func TestReconcileKnowsItsNeighbours(t *testing.T) {
	w := newWorld(t)
	entra := newNeighbour(t, w, "entra")
	ann := w.user("ann")
	g := w.group("Devs", ann)
	other, err := entra.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Devs", Members: []string{ann.ID}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.engine.Reconcile(t.Context(), groupsync.ReconcileOptions{})
	if stranger, ok := errors.AsType[*groupsync.StrangerError](err); !ok || !slices.Equal(stranger.Connections, []string{"entra"}) {
		t.Fatalf("reconcile beside an unknown connection: %v", err)
	}
	w.cfg.Neighbours = []groupsync.Neighbour{{Connection: "entra"}}
	w.restart()
	w.change(g.ID, remove(ann))
	w.wantMembers("Devs", "ann") // entra grants it
	if steps := w.reconcile(); len(steps) > 0 {
		t.Errorf("reconcile: %v", steps)
	}
	if err := w.engine.DeleteGroup(t.Context(), g.ID); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("Devs", "ann")
	if _, err := entra.ChangeGroup(t.Context(), other.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{remove(ann)}}); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("Devs")
}

// newNeighbour returns the engine of another connection on the same directory,
// which knows the first.
func newNeighbour(tb testing.TB, w *world, name string) *groupsync.Engine {
	tb.Helper()
	e, err := groupsync.New(groupsync.Config{
		Connection: name, Crowd: w.srv.Client(tb), Neighbours: []groupsync.Neighbour{{Connection: w.cfg.Connection}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// TestReconcileEvery holds that reconciles follow each other until the context
// ends.
func TestReconcileEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOver(t, new(crowdtest.Server))
		w.group("Devs", w.user("ann"))
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		time.Sleep(time.Hour / 2)
		if _, err := w.srv.Client(t).RemoveMember(t.Context(), "Devs", "ann"); err != nil {
			t.Fatal(err)
		}
		if err := w.engine.ReconcileEvery(ctx, time.Hour, groupsync.ReconcileOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		w.wantMembers("Devs", "ann")
	})
}

// TestReconcileKeepsTheLastWord holds that a change of a user's fields which came
// without data to keep is not taken back by a reconcile.
func TestReconcileKeepsTheLastWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOver(t, new(crowdtest.Server))
		ann := w.user("ann")
		name := "Ann Other"
		if _, err := w.engine.UpdateUser(t.Context(), ann.ID, func(*groupsync.User) (groupsync.Profile, error) {
			return groupsync.Profile{Fields: mapping.Fields{DisplayName: &name}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if steps := w.reconcile(); len(steps) > 0 {
			t.Errorf("a reconcile finds %v", steps)
		}
		if u, _ := w.srv.User("ann"); u.DisplayName != name {
			t.Errorf("display name %q", u.DisplayName)
		}
	})
}
