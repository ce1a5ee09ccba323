package groupsync_test

import (
	"context"
	"errors"
	"os"
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
