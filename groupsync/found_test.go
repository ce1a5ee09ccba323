package groupsync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// These are the shortest lives of a company that once went wrong, as [TestLives]
// found them.

func TestRefusedRenameIsForgotten(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	w.user("ben")
	before, err := w.engine.User(t.Context(), ann.ID)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := w.engine.UpdateUser(t.Context(), ann.ID, func(*groupsync.User) (groupsync.Profile, error) { return profile("ben"), nil })
		if _, ok := errors.AsType[*groupsync.ConflictError](err); !ok {
			t.Fatalf("rename onto another user: %v, want a conflict", err)
		}
	}
	after, err := w.engine.User(t.Context(), ann.ID)
	if err != nil {
		t.Fatal(err)
	}
	if string(after.Data) != string(before.Data) {
		t.Errorf("a refused rename left the data %s, want %s", after.Data, before.Data)
	}
	w.cfg.Now = func() time.Time { return time.Now().Add(time.Hour) } // nothing is on its way any more
	w.restart()
	if steps := w.reconcile(); len(steps) > 0 {
		t.Errorf("a reconcile after a refused rename: %v", steps)
	}
}

// TestRefusedRenameIsForgottenAfterAFault loses the answer to the record of the
// name, so that the request that is refused is the second.
func TestRefusedRenameIsForgottenAfterAFault(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	w.user("ben")
	w.srv.Fail(crowdtest.Fault{Method: "POST", Resource: "user/attribute", Kind: crowdtest.LoseResponse, Times: 3})
	rename := func() error {
		_, err := w.engine.UpdateUser(t.Context(), ann.ID, func(*groupsync.User) (groupsync.Profile, error) { return profile("ben"), nil })
		return err
	}
	if err := rename(); !errors.Is(err, crowd.ErrUnavailable) {
		t.Fatalf("lost record: %v", err)
	}
	w.srv.ClearFaults()
	if _, ok := errors.AsType[*groupsync.ConflictError](rename()); !ok {
		t.Fatal("a rename onto another user was not refused")
	}
	w.cfg.Now = func() time.Time { return time.Now().Add(time.Hour) } // nothing is on its way any more
	w.restart()
	if steps := w.reconcile(); len(steps) > 0 {
		t.Errorf("a reconcile after a refused rename: %v", steps)
	}
}

// TestLostRefusalTouchesNobody loses the answer that a name is taken: who has it
// keeps all, and above all stays locked out.
func TestLostRefusalTouchesNobody(t *testing.T) {
	for _, kind := range []crowdtest.FaultKind{crowdtest.LoseRequest, crowdtest.LoseResponse} {
		t.Run(kind.String(), func(t *testing.T) {
			w := newWorld(t)
			w.user("ann")
			w.deactivate("ann")
			ben := w.user("ben")
			before, _ := w.srv.User("ann")
			w.srv.Fail(crowdtest.Fault{Resource: "user/rename", Kind: kind})
			_, err := w.engine.UpdateUser(t.Context(), ben.ID, func(*groupsync.User) (groupsync.Profile, error) { return profile("ann"), nil })
			if _, ok := errors.AsType[*groupsync.ConflictError](err); !ok {
				t.Errorf("rename onto another user: %v, want a conflict", err)
			}
			after, _ := w.srv.User("ann")
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the user who has the name has changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestMissingDefaultGroupEnds(t *testing.T) {
	w := newWorld(t, func(c *groupsync.Config) {
		c.Groups = compiled(mapping.Groups{DefaultForAllUsers: []string{"staff"}})
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ann := w.user("ann")
	w.cfg.Groups = compiled(mapping.Groups{DefaultForAllUsers: []string{"staff", "more"}})
	w.restart()
	g := w.group("Devs")
	if _, err := w.engine.ChangeGroup(ctx, g.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{add(ann)}}); err != nil {
		t.Fatalf("add a member where default groups are missing: %v", err)
	}
	w.wantMembers("Devs", "ann")
	if !w.saw(groupsync.EventMissingTarget) {
		t.Error("no event tells of the missing group")
	}
}

// TestWhatWasFoundAndLostIsNotByHand holds that a membership which was there by
// hand, and which the administrator ended, is the identity provider's once it is
// made again: it goes with the last grant.
func TestWhatWasFoundAndLostIsNotByHand(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose func(w *world, g *groupsync.Group, ann *groupsync.User)
	}{
		{"taken out while granted", func(w *world, _ *groupsync.Group, _ *groupsync.User) {
			w.srv.In("").RemoveMember("Devs", "ann")
			w.reconcile()
		}},
		{"pushed again", func(w *world, g *groupsync.Group, ann *groupsync.User) {
			w.srv.In("").RemoveMember("Devs", "ann")
			w.change(g.ID, replace(ann))
		}},
		{"taken out between two grants", func(w *world, g *groupsync.Group, ann *groupsync.User) {
			w.change(g.ID, remove(ann))
			w.srv.In("").RemoveMember("Devs", "ann")
			w.change(g.ID, add(ann))
		}},
		{"Crowd group deleted", func(w *world, _ *groupsync.Group, _ *groupsync.User) {
			if err := w.srv.Client(w.tb).DeleteGroup(w.tb.Context(), "Devs"); err != nil {
				w.tb.Fatal(err)
			}
			w.reconcile()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			ann := w.user("ann")
			w.srv.AddGroup(crowd.Group{Name: "Devs", Active: true})
			w.srv.AddMember("Devs", "ann")
			g := w.group("Devs", ann)
			tt.lose(w, g, ann)
			w.wantMembers("Devs", "ann")
			w.change(g.ID, remove(ann))
			w.wantMembers("Devs")
		})
	}
}
