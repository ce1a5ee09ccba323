package groupsync_test

import (
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// TestDefaultsForNewUsers holds that the default groups for new users are given
// once, when a user is created; those for all also to who is linked or comes back.
func TestDefaultsForNewUsers(t *testing.T) {
	w := newWorld(t, func(c *groupsync.Config) {
		c.Groups = compiled(mapping.Groups{DefaultForNewUsers: []string{"welcome"}, DefaultForAllUsers: []string{"everybody"}})
	})
	w.srv.AddGroup(crowd.Group{Name: "welcome", Active: true}, crowd.Group{Name: "everybody", Active: true})
	w.srv.AddUser(crowd.User{Name: "eve", Active: true})
	ann := w.user("ann")
	if _, err := w.engine.CreateUser(t.Context(), profile("eve"), groupsync.Link); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("welcome", "ann")
	w.wantMembers("everybody", "ann", "eve")
	if _, err := w.srv.Client(t).RemoveMember(t.Context(), "welcome", "ann"); err != nil {
		t.Fatal(err)
	}
	if err := w.engine.DeleteUser(t.Context(), ann.ID, groupsync.Deactivate); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("everybody", "eve")
	w.user("ann")
	w.wantMembers("welcome")
	w.wantMembers("everybody", "ann", "eve")
}
