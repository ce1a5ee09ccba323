package groupsync_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// TestChangesThatCrowdNeverTook holds that a change of a field is not said to be
// made while Crowd still has the old one, however often its answer was lost.
func TestChangesThatCrowdNeverTook(t *testing.T) {
	for times := 1; times <= 4; times++ {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			w := newWorld(t)
			ann := w.user("ann")
			w.srv.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 503, Method: "PUT", Resource: "user", Times: times})
			p := profile("ann")
			email := "new@example.com"
			p.Fields.Email, p.Data = &email, []byte(`{"n":2}`)
			_, err := w.engine.UpdateUser(t.Context(), ann.ID, func(*groupsync.User) (groupsync.Profile, error) { return p, nil })
			u, _ := w.srv.User("ann")
			if err == nil && u.Email != email {
				t.Errorf("no error, and Crowd has %s", u.Email)
			}
			if err != nil && !errors.Is(err, crowd.ErrUnavailable) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestRefusalsLeaveNoOwner holds that a request which Crowd refuses makes nobody
// the owner of a user whom an administrator made.
func TestRefusalsLeaveNoOwner(t *testing.T) {
	w := newWorld(t)
	w.user("ann")
	w.srv.AddUser(crowd.User{Name: "eve", Active: true})
	p := profile("ann")
	p.Fields.Active = nil
	_, err := w.engine.UpdateUser(t.Context(), w.idOf("eve"), func(*groupsync.User) (groupsync.Profile, error) { return p, nil })
	if _, conflict := errors.AsType[*groupsync.ConflictError](err); !conflict {
		t.Fatalf("rename of eve to ann: %v", err)
	}
	eve, err := w.engine.UserByName(t.Context(), "eve")
	if err != nil || eve.Owner != "" {
		t.Errorf("eve belongs to %q, %v", eve.Owner, err)
	}
	if _, err := w.engine.CreateUser(t.Context(), profile("eve"), groupsync.Link); err != nil {
		t.Errorf("link: %v", err)
	}
}

// TestDeletedGroupsAreSwept holds that where no other groups are kept, who was in
// a Crowd group by hand and by a grant leaves it with the grant, though the group
// stays.
func TestDeletedGroupsAreSwept(t *testing.T) {
	w := newWorld(t, func(c *groupsync.Config) {
		off := false
		c.Groups = compiled(mapping.Groups{OnTheFly: mapping.OnTheFly{KeepExistingGroups: &off}})
	})
	ann := w.user("ann")
	w.srv.AddGroup(crowd.Group{Name: "Ops", Active: true})
	w.srv.AddUser(crowd.User{Name: "cid", Active: true})
	w.srv.AddMember("Ops", "ann")
	w.srv.AddMember("Ops", "cid")
	g := w.group("Ops", ann)
	if err := w.engine.DeleteGroup(t.Context(), g.ID); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("Ops", "cid")
}

// TestUnfinishedDeactivation holds that a user whose deactivation did not end is
// shown as Crowd has it, so that a client which compares before it writes says it
// again; and that a reconcile ends it if nobody does.
func TestUnfinishedDeactivation(t *testing.T) {
	for _, again := range []bool{true, false} {
		w := newWorld(t)
		ann := w.user("ann")
		say := func(active bool) error {
			_, err := w.engine.UpdateUser(t.Context(), ann.ID, func(*groupsync.User) (groupsync.Profile, error) {
				return groupsync.Profile{Fields: mapping.Fields{Active: &active}, ActiveSaid: true}, nil
			})
			return err
		}
		w.srv.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 503, Method: "PUT", Resource: "user", Times: 9})
		if err := say(false); err == nil {
			t.Fatal("the deactivation did not fail")
		}
		w.srv.ClearFaults()
		if shown, err := w.engine.User(t.Context(), ann.ID); err != nil || !shown.Crowd.Active {
			t.Errorf("shown as active %v, %v", shown.Crowd.Active, err)
		}
		if again {
			if err := say(false); err != nil {
				t.Fatal(err)
			}
		} else {
			w.reconcile()
		}
		if u, _ := w.srv.User("ann"); u.Active {
			t.Errorf("said again %v: ann is active", again)
		}
	}
}
