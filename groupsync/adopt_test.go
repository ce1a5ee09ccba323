package groupsync_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// besideOkta makes the engine of a world one of another connection, entra, beside okta
// with the same mapping, and returns okta's.
func (w *world) besideOkta(tb testing.TB) *groupsync.Engine {
	tb.Helper()
	w.cfg.Connection, w.cfg.Neighbours = "entra", []groupsync.Neighbour{{Connection: "okta", Groups: w.cfg.Groups}}
	w.restart()
	return w.asOkta(tb)
}

func adopt(ctx context.Context, e *groupsync.Engine) error {
	p, err := e.PlanAdopt(ctx, "okta")
	if err != nil {
		return err
	}
	_, err = e.ApplyAdopt(ctx, p, groupsync.ReconcileOptions{})
	return err
}

// adoptable is a stage on which okta has people and groups, entra has one of the groups
// as well, and somebody is in it by hand.
func (w *world) adoptable() {
	w.tb.Helper()
	okta := w.besideOkta(w.tb)
	ctx := w.tb.Context()
	var ids []string
	for _, name := range []string{"ann", "ben", "eve"} {
		u, err := okta.CreateUser(ctx, profile(name), groupsync.Conflict)
		if err != nil {
			w.tb.Fatal(err)
		}
		ids = append(ids, u.ID)
	}
	w.byHand("Devs", "cid")
	for name, members := range map[string][]string{"Devs": ids[:2], "Ops": ids[:1]} {
		if _, err := okta.CreateGroup(ctx, groupsync.NewGroup{Name: name, ExternalID: "x-" + name, Members: members}); err != nil {
			w.tb.Fatal(err)
		}
	}
	off := false
	if _, err := okta.UpdateUser(ctx, ids[2], func(*groupsync.User) (groupsync.Profile, error) {
		return groupsync.Profile{Fields: mapping.Fields{Active: &off}, ActiveSaid: true}, nil
	}); err != nil {
		w.tb.Fatal(err)
	}
	w.group("Devs", w.user("gus"))
	if _, err := okta.Reconcile(ctx, groupsync.ReconcileOptions{}); err != nil { // what it keeps nobody in is as it should be
		w.tb.Fatal(err)
	}
}

// TestAdopt holds that memberships stay as they are, that what one connection has said
// is what the other says from then on, and that nothing is left but what is to be
// forgotten.
func TestAdopt(t *testing.T) {
	for _, s := range settings() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := s.world(t)
				w.adoptable()
				before := w.memberships()
				if err := adopt(t.Context(), w.engine); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(before, w.memberships()); diff != "" {
					t.Errorf("memberships mismatch (-before +after):\n%s", diff)
				}
				if got := sorted(w.scimMembers(w.idOfGroup("Devs"))); len(got) != 3 {
					t.Errorf("SCIM shows %v in Devs, want ann, ben and gus", got)
				}
				ann := w.userNamed("ann")
				if ann.Owner != "entra" || string(ann.Data) != string(profile("ann").Data) {
					t.Errorf("ann is owned by %q, with data %s", ann.Owner, ann.Data)
				}
				if steps := w.reconcile(); len(steps) > 0 {
					t.Errorf("a reconcile finds %v", steps)
				}
				if p, err := w.engine.PlanAdopt(t.Context(), "okta"); err != nil || len(p.Steps) > 0 {
					t.Errorf("adopted again: %v, %v", p, err)
				}
				okta := w.asOkta(t)
				if err := forget(t.Context(), okta, groupsync.ForgetOptions{Revoke: true}); err != nil {
					t.Fatal(err)
				}
				w.wantForgotten("okta")
				if diff := cmp.Diff(before, w.memberships()); diff != "" {
					t.Errorf("memberships mismatch once okta is forgotten (-before +after):\n%s", diff)
				}
				w.change(w.idOfGroup("Devs"), remove(w.userNamed("ann")))
				if action := w.memberships(); cmp.Equal(before, action) {
					t.Error("entra cannot take ann out of Devs")
				}
			})
		})
	}
}

// asOkta returns okta's engine beside that of the world.
func (w *world) asOkta(tb testing.TB) *groupsync.Engine {
	tb.Helper()
	e, err := groupsync.New(groupsync.Config{
		Connection: "okta", Crowd: w.srv.Client(tb), Groups: w.cfg.Groups,
		Neighbours: []groupsync.Neighbour{{Connection: "entra", Groups: w.cfg.Groups}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// TestEveryFaultOfAdoptThenRetry lets every call of it go wrong, one at a time.
// FAULTS=all tries all troubles.
func TestEveryFaultOfAdoptThenRetry(t *testing.T) {
	share := 97
	if os.Getenv("FAULTS") == "all" {
		share = 1
	}
	op := operation{name: "adopt", setup: func(w *world) string { w.adoptable(); return "" }, act: func(ctx context.Context, e *groupsync.Engine, _ *world, _ string) error {
		return adopt(ctx, e)
	}}
	for i, s := range settings() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want := op.ends(t, s)
			if n := mishapsOf(t, s, op, i, share, func(t *testing.T, m mishap) { faultThenRetry(t, m, want) }); n < 2 {
				t.Errorf("only %d faults were tried", n)
			}
		})
	}
}

// TestAdoptUnderAnotherMapping holds that memberships which come and go with it are
// told, and that the guard counts those that go.
func TestAdoptUnderAnotherMapping(t *testing.T) {
	none := 0
	w := newWorld(t, func(c *groupsync.Config) { c.Groups = compiled(mapping.Groups{}) })
	w.adoptable()
	w.srv.AddGroup(crowd.Group{Name: "developers", Active: true})
	w.cfg.Groups = compiled(mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: []mapping.Rule{{From: "Devs", To: []string{"developers"}}}}})
	w.cfg.Policy.Removals = groupsync.Limit{Count: &none, Percent: &none}
	w.restart()
	p, err := w.engine.PlanAdopt(t.Context(), "okta")
	if err != nil {
		t.Fatal(err)
	}
	lost, gained := 0, 0
	for _, s := range p.Steps {
		switch s.Op {
		case groupsync.OpRemoveMember:
			lost++
		case groupsync.OpAddMember:
			gained++
		}
	}
	if lost < 3 || gained < 2 { // ann and ben in Devs, ann in Ops; both in developers
		t.Errorf("the plan takes %d memberships and gives %d:\n%s", lost, gained, p)
	}
	_, err = w.engine.ApplyAdopt(t.Context(), p, groupsync.ReconcileOptions{})
	refused, ok := errors.AsType[*groupsync.GuardError](err)
	if !ok {
		t.Fatalf("adopt: %v, want it refused", err)
	}
	if _, err := w.engine.ApplyAdopt(t.Context(), p, groupsync.ReconcileOptions{Approve: refused.Fingerprint}); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("Devs", "cid", "gus") // gus was no user of okta: the next reconcile sees to gus
	for _, name := range []string{"ann", "ben"} {
		if got := w.srv.GroupsOf(name); len(got) != 1 || got[0] != "developers" {
			t.Errorf("%s is in %v, want developers", name, got)
		}
	}
	if _, err := w.engine.PlanAdopt(t.Context(), "nobody"); err == nil {
		t.Error("a connection that there is not was adopted")
	}
}

// deleteAt lets okta delete a user.
func deleteAt(t *testing.T, okta *groupsync.Engine, id string) {
	t.Helper()
	if err := okta.DeleteUser(t.Context(), id, groupsync.Deactivate); err != nil {
		t.Fatal(err)
	}
}

// foreseen returns the memberships as they are once the steps of a plan are taken.
func foreseen(before map[string][]string, p *groupsync.Plan) map[string][]string {
	after := map[string][]string{}
	for group, members := range before {
		after[group] = slices.Clone(members)
	}
	for _, s := range p.Steps {
		group := crowd.Fold(s.Group)
		switch s.Op {
		case groupsync.OpRemoveMember:
			after[group] = slices.DeleteFunc(after[group], func(u string) bool { return u == s.User })
		case groupsync.OpAddMember:
			after[group] = sorted(append(after[group], s.User))
		}
	}
	maps.DeleteFunc(after, func(_ string, members []string) bool { return len(members) == 0 })
	return after
}

// wantForeseen adopts okta, where nothing may be taken away unasked, and holds that
// what comes and goes is what the plan says; it returns how many removals were
// refused.
func (w *world) wantForeseen(t *testing.T) (refused int) {
	t.Helper()
	p, err := w.engine.PlanAdopt(t.Context(), "okta")
	if err != nil {
		t.Fatal(err)
	}
	want := foreseen(w.memberships(), p)
	_, err = w.engine.ApplyAdopt(t.Context(), p, groupsync.ReconcileOptions{})
	if guard, ok := errors.AsType[*groupsync.GuardError](err); ok {
		refused = guard.Count
		_, err = w.engine.ApplyAdopt(t.Context(), p, groupsync.ReconcileOptions{Approve: guard.Fingerprint})
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, w.memberships()); diff != "" {
		t.Errorf("memberships mismatch (-planned +adopted):\n%s\n%s", diff, p)
	}
	return refused
}

// strict lets a world take nothing away unasked.
func strict(c *groupsync.Config) {
	none := 0
	c.Policy.Removals = groupsync.Limit{Count: &none, Percent: &none}
}

// TestAdoptOfDeletedUserWhoIsKnown holds that a user whom the other connection deleted
// stays one of this connection's, with all memberships, where this one has said
// anything of it.
func TestAdoptOfDeletedUserWhoIsKnown(t *testing.T) {
	known := map[string]func(t *testing.T, w *world, ann *groupsync.User){
		"by a grant": func(_ *testing.T, w *world, ann *groupsync.User) { w.group("Ops", ann) },
		"by data": func(t *testing.T, w *world, ann *groupsync.User) {
			w.says(t, ann, groupsync.Profile{Data: profile("ann").Data})
		},
		"by the active flag": func(t *testing.T, w *world, ann *groupsync.User) {
			// Kept from when entra owned her: of another's user it records no flag.
			said := crowd.Attributes{"scim.entra.active": {"true"}}
			if err := w.srv.Client(t).SetUserAttributes(t.Context(), ann.Crowd.Name, said); err != nil {
				t.Fatal(err)
			}
		},
	}
	for _, s := range settings() {
		for how, say := range known {
			t.Run(s.name+", "+how, func(t *testing.T) {
				w := s.world(t, strict)
				okta := w.besideOkta(t)
				ann, err := okta.CreateUser(t.Context(), profile("ann"), groupsync.Conflict)
				if err != nil {
					t.Fatal(err)
				}
				say(t, w, ann)
				deleteAt(t, okta, ann.ID)
				before := w.memberships()
				if refused := w.wantForeseen(t); refused > 0 {
					t.Errorf("%d removals were refused, want none planned", refused)
				}
				for group, members := range before {
					if !isSubset(members, w.memberships()[group]) {
						t.Errorf("%s has %v, want %v still in it", group, w.memberships()[group], members)
					}
				}
				v, err := w.engine.User(t.Context(), ann.ID)
				if err != nil || v.Owner != "entra" {
					t.Errorf("ann is %v, %v, want her owned by entra", v, err)
				}
			})
		}
	}
}

// isSubset reports whether all of some are among others.
func isSubset(some, others []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(others, s) })
}

// says lets the world's connection say something of a user.
func (w *world) says(t *testing.T, u *groupsync.User, p groupsync.Profile) {
	t.Helper()
	if _, err := w.engine.UpdateUser(t.Context(), u.ID, func(*groupsync.User) (groupsync.Profile, error) { return p, nil }); err != nil {
		t.Fatal(err)
	}
}

// TestAdoptOfDeletedUser holds that a user whom the other connection deleted, and of
// whom this one has said nothing, stays deleted: the plan shows what that takes away,
// and the guard counts it.
func TestAdoptOfDeletedUser(t *testing.T) {
	off := false
	all := append(settings(), setting{
		name: "default groups, nobody kept", crowd: []string{"everybody"},
		groups: mapping.Groups{
			DefaultForAllUsers: []string{"everybody"},
			OnTheFly:           mapping.OnTheFly{KeepExistingGroups: &off},
		},
	})
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			w := s.world(t, strict)
			okta := w.besideOkta(t)
			ann, err := okta.CreateUser(t.Context(), profile("ann"), groupsync.Conflict)
			if err != nil {
				t.Fatal(err)
			}
			deleteAt(t, okta, ann.ID)
			want := 0
			if s.name == "default groups, nobody kept" {
				w.byHand("everybody", "ann")
				want = 1
			}
			if refused := w.wantForeseen(t); refused != want {
				t.Errorf("%d removals were refused, want %d", refused, want)
			}
			if _, err := w.engine.User(t.Context(), ann.ID); !errors.Is(err, groupsync.ErrNoUser) {
				t.Errorf("ann: %v, want no user", err)
			}
			if steps := w.reconcile(); len(steps) > 0 {
				t.Errorf("a reconcile finds %v", steps)
			}
		})
	}
}
