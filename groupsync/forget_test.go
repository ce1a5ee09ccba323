package groupsync_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

func forget(ctx context.Context, e *groupsync.Engine, o groupsync.ForgetOptions) error {
	p, err := e.PlanForget(ctx, o)
	if err != nil {
		return err
	}
	_, err = e.ApplyForget(ctx, p, groupsync.ReconcileOptions{})
	return err
}

// wantForgotten holds that nothing in Crowd has the name of a connection.
func (w *world) wantForgotten(connection string) {
	w.tb.Helper()
	for _, name := range w.srv.UserNames() {
		u, _ := w.srv.User(name)
		for attribute, values := range u.Attributes {
			if strings.HasPrefix(attribute, "scim."+connection+".") || attribute == "scim.owner" && slices.Contains(values, connection) {
				w.tb.Errorf("user %s keeps %s", name, attribute)
			}
		}
	}
	for _, name := range w.srv.GroupNames() {
		g, _ := w.srv.Group(name)
		for attribute := range g.Attributes {
			if strings.HasPrefix(attribute, "scim."+connection+".") {
				w.tb.Errorf("group %s keeps %s", name, attribute)
			}
		}
		if name == groupsync.RegistryPrefix+connection || strings.Contains(g.Description, "by "+connection+" [") {
			w.tb.Errorf("group %s is kept: %q", name, g.Description)
		}
	}
}

// memberships are those in Crowd, of groups that have members.
func (w *world) memberships() map[string][]string {
	all := map[string][]string{}
	for _, name := range w.srv.GroupNames() {
		if members := sorted(w.srv.Members(name)); len(members) > 0 {
			all[crowd.Fold(name)] = members
		}
	}
	return all
}

// forgettable is a stage with everything that a connection can have: members of two
// groups, by hand, deleted, deactivated; groups deleted and renamed.
func (w *world) forgettable() {
	w.tb.Helper()
	ann, ben, eve := w.user("ann"), w.user("ben"), w.user("eve")
	devs := w.group("Devs", ann, ben, eve)
	w.group("Ops", ann)
	w.byHand("Devs", "cid")
	w.change(devs.ID, remove(eve))
	w.rename(w.group("Old", ben).ID, "New")
	if err := w.engine.DeleteGroup(w.tb.Context(), w.group("Dead", ben).ID); err != nil {
		w.tb.Fatal(err)
	}
	w.deactivate("eve")
	if err := w.engine.DeleteUser(w.tb.Context(), w.user("fay").ID, groupsync.Deactivate); err != nil {
		w.tb.Fatal(err)
	}
}

// TestForget holds that of a connection that is forgotten nothing is left in Crowd, and
// that memberships are as before, or those by hand alone.
func TestForget(t *testing.T) {
	for _, s := range settings() {
		for _, revoke := range []bool{false, true} {
			t.Run(s.name+map[bool]string{false: "/kept", true: "/revoked"}[revoke], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := s.world(t)
					byHand := w.memberships()
					w.forgettable()
					before := w.memberships()
					if err := forget(t.Context(), w.engine, groupsync.ForgetOptions{Revoke: revoke}); err != nil {
						t.Fatal(err)
					}
					w.wantForgotten("okta")
					want := before
					if revoke {
						want = byHand
						for _, target := range w.cfg.Groups.Targets(groupNamed("Devs")) {
							f := crowd.Fold(target.Group)
							want[f] = sorted(append(want[f], "cid"))
						}
						for _, g := range w.cfg.Groups.DefaultForNewUsers() { // given once, and not recorded since
							want[g] = before[g]
						}
					}
					if diff := cmp.Diff(want, w.memberships()); diff != "" {
						t.Errorf("memberships mismatch (-want +got):\n%s", diff)
					}
					if p, err := w.engine.PlanForget(t.Context(), groupsync.ForgetOptions{Revoke: revoke}); err != nil || len(p.Steps) > 0 {
						t.Errorf("forgotten again: %v, %v", p, err)
					}
				})
			})
		}
	}
}

// TestEveryFaultOfForgetThenRetry lets every call of it go wrong, one at a time.
// FAULTS=all tries all troubles. Nobody reconciles a connection that is no more: what a
// call writes that lands after all has ended goes when the connection is forgotten
// again.
func TestEveryFaultOfForgetThenRetry(t *testing.T) {
	share := 131
	if os.Getenv("FAULTS") == "all" {
		share = 1
	}
	setup := func(w *world) string { w.forgettable(); return "" }
	for i, s := range settings() {
		for j, revoke := range []bool{false, true} {
			op := operation{name: map[bool]string{false: "kept", true: "revoked"}[revoke], setup: setup, act: func(ctx context.Context, e *groupsync.Engine, _ *world, _ string) error {
				return forget(ctx, e, groupsync.ForgetOptions{Revoke: revoke})
			}}
			t.Run(s.name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				want := op.ends(t, s)
				want[true] = want[false]
				n := mishapsOf(t, s, op, i+j, share, func(t *testing.T, m mishap) {
					m.heal = op.act
					faultThenRetry(t, m, want)
				})
				if n < 2 {
					t.Errorf("only %d faults were tried", n)
				}
			})
		}
	}
}

// TestForgetBesideNeighbours holds that what another connection granted stays, and is
// still that one's to take away.
func TestForgetBesideNeighbours(t *testing.T) {
	for _, revoke := range []bool{false, true} {
		w := newWorld(t, func(c *groupsync.Config) { c.Neighbours = []groupsync.Neighbour{{Connection: "entra"}} })
		entra := newNeighbour(t, w, "entra")
		ann, ben := w.user("ann"), w.user("ben")
		w.group("Devs", ann, ben)
		other, err := entra.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Devs", Members: []string{ann.ID}})
		if err != nil {
			t.Fatal(err)
		}
		if err := forget(t.Context(), w.engine, groupsync.ForgetOptions{Revoke: revoke}); err != nil {
			t.Fatal(err)
		}
		w.wantForgotten("okta")
		left := []string{"ann"}
		if !revoke {
			left = append(left, "ben")
		}
		w.wantMembers("Devs", left...)
		if _, err := entra.Reconcile(t.Context(), groupsync.ReconcileOptions{}); err != nil {
			t.Fatal(err)
		}
		w.wantMembers("Devs", left...)
		if _, err := entra.ChangeGroup(t.Context(), other.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{remove(ann)}}); err != nil {
			t.Fatal(err)
		}
		w.wantMembers("Devs", left[1:]...)
	}
}

// TestForgetIsGuarded holds that too many revocations are refused, and pass once they
// are approved, also as a plan that was kept.
func TestForgetIsGuarded(t *testing.T) {
	none := 0
	w := newWorld(t, func(c *groupsync.Config) {
		c.Policy.Removals = groupsync.Limit{Count: &none, Percent: &none}
		c.Policy.GroupDeletions = c.Policy.Removals
	})
	w.group("Devs", w.user("ann"), w.user("ben"))
	p, err := w.engine.PlanForget(t.Context(), groupsync.ForgetOptions{Revoke: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.engine.ApplyForget(t.Context(), p, groupsync.ReconcileOptions{})
	refused, ok := errors.AsType[*groupsync.GuardError](err)
	if !ok || refused.Count != 2 || refused.Total != 2 {
		t.Fatalf("forget: %v", err)
	}
	w.wantMembers("Devs", "ann", "ben")
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	kept := new(groupsync.Plan)
	if err := json.Unmarshal(text, kept); err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.ApplyForget(t.Context(), kept, groupsync.ReconcileOptions{Approve: refused.Fingerprint}); err != nil {
		t.Fatal(err)
	}
	w.wantForgotten("okta")
}

// TestForgetRefusesWhoeverIsGrantedMeanwhile holds that the registry stays where
// something still serves the connection.
func TestForgetRefusesWhoeverIsGrantedMeanwhile(t *testing.T) {
	w := newWorld(t)
	devs := w.group("Devs", w.user("ann"))
	ben := w.user("ben")
	p, err := w.engine.PlanForget(t.Context(), groupsync.ForgetOptions{Revoke: true})
	if err != nil {
		t.Fatal(err)
	}
	w.change(devs.ID, add(ben))
	if _, err := w.engine.ApplyForget(t.Context(), p, groupsync.ReconcileOptions{}); !errors.Is(err, groupsync.ErrStalePlan) {
		t.Errorf("forget: %v, want a stale plan", err)
	}
	w.wantMembers("Devs", "ben")
	if err := forget(t.Context(), w.engine, groupsync.ForgetOptions{Revoke: true}); err != nil {
		t.Fatal(err)
	}
	w.wantForgotten("okta")
	w.wantMembers("Devs")
}

// TestForgetExclusiveGroups holds that whom an exclusive group holds stays, or goes, too.
func TestForgetExclusiveGroups(t *testing.T) {
	for _, revoke := range []bool{false, true} {
		w := newWorld(t, func(c *groupsync.Config) {
			c.Groups = compiled(mapping.Groups{OnTheFly: mapping.OnTheFly{Exclusive: true, KeepExistingGroups: new(bool)}})
		})
		w.group("Devs", w.user("ann"), w.user("ben"))
		if err := forget(t.Context(), w.engine, groupsync.ForgetOptions{Revoke: revoke}); err != nil {
			t.Fatal(err)
		}
		w.wantForgotten("okta")
		_, found := w.srv.Group("Devs")
		if found == revoke {
			t.Errorf("revoke %v: Devs found: %v", revoke, found)
		}
		if !revoke {
			w.wantMembers("Devs", "ann", "ben")
		}
	}
}
