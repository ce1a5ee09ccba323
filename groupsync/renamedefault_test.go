package groupsync_test

import (
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// TestRenameWithNewDefaults renames a user who is, since the settings have changed, to
// be put into a group of all users by the same request.
func TestRenameWithNewDefaults(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	w.srv.AddGroup(crowd.Group{Name: "staff", Active: true})
	w.cfg.Groups = compiled(mapping.Groups{DefaultForAllUsers: []string{"staff"}})
	w.restart()
	if _, err := w.engine.UpdateUser(t.Context(), ann.ID, func(*groupsync.User) (groupsync.Profile, error) { return profile("anna"), nil }); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("staff", "anna")
}
