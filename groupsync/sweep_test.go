package groupsync_test

import (
	"errors"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// TestGroupsAreNotKept holds that where the settings keep no other groups, a user's
// Crowd groups become what is desired when its grants change: protected groups,
// default groups and the groups of strangers aside.
func TestGroupsAreNotKept(t *testing.T) {
	off := false
	for name, act := range map[string]func(w *world, id string, ann *groupsync.User){
		"add":     func(w *world, id string, ann *groupsync.User) { w.change(id, add(ann)) },
		"replace": func(w *world, id string, ann *groupsync.User) { w.change(id, replace(ann)) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *groupsync.Config) {
				c.Groups = compiled(mapping.Groups{
					OnTheFly:           mapping.OnTheFly{KeepExistingGroups: &off},
					DefaultForNewUsers: []string{"staff"}, DefaultForAllUsers: []string{"everybody"},
				})
			})
			for _, g := range []string{"staff", "everybody", "chess", "crowd-administrators"} {
				w.srv.AddGroup(crowd.Group{Name: g, Active: true})
			}
			w.srv.AddUser(crowd.User{Name: "cid", Active: true})
			w.srv.AddMember("chess", "cid")
			ann := w.user("ann")
			w.srv.AddMember("chess", "ann")
			w.srv.AddMember("crowd-administrators", "ann")
			act(w, w.group("Devs").ID, ann)
			w.wantMembers("Devs", "ann")
			w.wantMembers("chess", "cid")
			w.wantMembers("staff", "ann")
			w.wantMembers("everybody", "ann")
			w.wantMembers("crowd-administrators", "ann")
			if steps := w.reconcile(); len(steps) > 0 {
				t.Errorf("a reconcile finds %v", steps)
			}
		})
	}
}

// TestSweepsAreGuarded holds that the guard counts memberships which end for want
// of a grant, and that a refusal leaves the grant unsaid.
func TestSweepsAreGuarded(t *testing.T) {
	none := 0
	w := newWorld(t, keepingNobody, func(c *groupsync.Config) { c.Policy.Removals = groupsync.Limit{Count: &none, Percent: &none} })
	ann := w.user("ann")
	w.srv.AddGroup(crowd.Group{Name: "chess", Active: true})
	w.srv.AddMember("chess", "ann")
	g := w.group("Devs")
	_, err := w.engine.ChangeGroup(t.Context(), g.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{add(ann)}})
	if refused, ok := errors.AsType[*groupsync.GuardError](err); !ok || refused.Count != 1 || refused.Total != 1 {
		t.Fatalf("add: %v, want a refusal of 1 of 1", err)
	}
	w.wantMembers("chess", "ann")
	w.wantMembers("Devs")
	if members := w.scimMembers(g.ID); len(members) > 0 {
		t.Errorf("SCIM shows %v", members)
	}
}
