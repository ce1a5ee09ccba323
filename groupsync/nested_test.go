package groupsync_test

import (
	"errors"
	"testing"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// TestGroupsWithinGroupsAreRefused holds that a group as a member is refused with
// words that name it, and that nothing else of the request is done.
func TestGroupsWithinGroupsAreRefused(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	inner, outer := w.group("Inner"), w.group("Outer")
	for name, op := range map[string]groupsync.MemberOp{"add": groupsync.AddMembers, "replace": groupsync.ReplaceMembers} {
		_, err := w.engine.ChangeGroup(t.Context(), outer.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{
			{Op: op, IDs: []string{ann.ID, inner.ID}},
		}})
		refused, ok := errors.AsType[*groupsync.RefusedError](err)
		if !ok || refused.Attribute != "members" {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
		w.wantMembers("Outer")
	}
	w.change(outer.ID, groupsync.MemberChange{Op: groupsync.RemoveMembers, IDs: []string{inner.ID}})
}
