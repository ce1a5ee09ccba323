package groupsync_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// TestNameOfAnUnfinishedDeletion holds that the name of a group whose deletion a
// fault cut short is busy for a while, and free after that though nobody deletes
// it again.
func TestNameOfAnUnfinishedDeletion(t *testing.T) {
	for call := 4; call <= 6; call++ {
		synctest.Test(t, func(t *testing.T) {
			w := worldOver(t, new(crowdtest.Server))
			g := w.group("Crew", w.user("ann"))
			w.srv.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 503, Nth: call, Times: 4})
			if err := w.engine.DeleteGroup(t.Context(), g.ID); err == nil {
				t.Fatalf("call %d: the deletion did not fail", call)
			}
			w.srv.ClearFaults()
			if _, err := w.engine.GroupByName(t.Context(), "Crew"); !errors.Is(err, groupsync.ErrNoGroup) {
				t.Errorf("call %d: a look-up says %v", call, err)
			}
			_, err := w.engine.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Crew"})
			if _, busy := errors.AsType[*groupsync.BusyError](err); !busy {
				t.Errorf("call %d: at once: %v, want busy", call, err)
			}
			time.Sleep(3 * time.Minute)
			if again := w.group("Crew"); again.ID == g.ID {
				t.Errorf("call %d: the id %s came back", call, g.ID)
			}
			w.wantMembers("Crew")
		})
	}
}

// TestUnfinishedCreationIsNotShown holds that a Crowd group which a create that
// failed left behind is not shown as a SCIM group, so that clients create it again
// and no reconcile takes it away from them.
func TestUnfinishedCreationIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOver(t, new(crowdtest.Server))
		w.srv.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 503, Method: "POST", Resource: "group/attribute", Times: 9})
		if _, err := w.engine.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Crew"}); err == nil {
			t.Fatal("the creation did not fail")
		}
		w.srv.ClearFaults()
		if !slices.Contains(w.srv.GroupNames(), "Crew") {
			t.Fatal("Crowd has no group: nothing to see")
		}
		if _, err := w.engine.GroupByName(t.Context(), "Crew"); !errors.Is(err, groupsync.ErrNoGroup) {
			t.Errorf("a look-up says %v", err)
		}
		all, err := w.engine.Groups(t.Context())
		if err != nil || len(all) > 0 {
			t.Errorf("groups %v, %v", all, err)
		}
		g := w.group("Crew")
		time.Sleep(time.Hour)
		w.reconcile()
		if _, err := w.engine.Group(t.Context(), g.ID); err != nil {
			t.Error(err)
		}
	})
}

// TestRepeatedDeletionOfAHalfMadeGroup holds that a deletion that was cut short is
// ended by its repetition even where the creation had been cut short before, so
// that the Crowd group does not bear the id yet.
func TestRepeatedDeletionOfAHalfMadeGroup(t *testing.T) {
	w := worldOver(t, new(crowdtest.Server))
	w.srv.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 503, Method: "POST", Resource: "group/attribute", Nth: 3, Times: 9})
	if _, err := w.engine.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Crew"}); err == nil {
		t.Fatal("the creation did not fail")
	}
	w.srv.ClearFaults()
	g, err := w.engine.GroupByName(t.Context(), "Crew")
	if err != nil {
		t.Fatal(err)
	}
	w.srv.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 503, Method: "DELETE", Resource: "group", Times: 9})
	if err := w.engine.DeleteGroup(t.Context(), g.ID); err == nil {
		t.Fatal("the deletion did not fail")
	}
	w.srv.ClearFaults()
	if err := w.engine.DeleteGroup(t.Context(), g.ID); !errors.Is(err, groupsync.ErrNoGroup) {
		t.Errorf("the repeated deletion says %v", err)
	}
	if slices.Contains(w.srv.GroupNames(), "Crew") {
		t.Error("the Crowd group is still there")
	}
	w.group("Crew")
}

// TestUsersBetweenConnections holds that a user whom the owner has deleted may be
// taken over, and that one who is deleted for another connection alone comes back
// to it without changing hands.
func TestUsersBetweenConnections(t *testing.T) {
	w := newWorld(t)
	w.cfg.Neighbours = []groupsync.Neighbour{{Connection: "entra"}}
	w.restart()
	entra := newNeighbour(t, w, "entra")
	ann := w.user("ann")
	if err := entra.DeleteUser(t.Context(), ann.ID, groupsync.Deactivate); err != nil {
		t.Fatal(err)
	}
	if u, _ := w.srv.User("ann"); !u.Active {
		t.Error("another connection's deletion has locked ann out")
	}
	back, err := entra.CreateUser(t.Context(), profile("ann"), groupsync.Link)
	if err != nil || back.ID != ann.ID || back.Owner != "okta" {
		t.Fatalf("ann for entra: %+v, %v", back, err)
	}
	if err := w.engine.DeleteUser(t.Context(), ann.ID, groupsync.Deactivate); err != nil {
		t.Fatal(err)
	}
	_, err = entra.CreateUser(t.Context(), profile("ann"), groupsync.Conflict)
	if _, conflict := errors.AsType[*groupsync.ConflictError](err); !conflict {
		t.Errorf("ann of nobody, not to be linked: %v", err)
	}
	taken, err := entra.CreateUser(t.Context(), profile("ann"), groupsync.Link)
	if err != nil || taken.Owner != "entra" || !taken.Crowd.Active {
		t.Errorf("ann taken over: %+v, %v", taken, err)
	}
}
