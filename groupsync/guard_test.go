package groupsync_test

import (
	"errors"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// TestGuardCountsDeletedGroups holds that the deletions of several requests count
// together, and that one more passes once it is approved.
func TestGuardCountsDeletedGroups(t *testing.T) {
	one, twenty := 1, 20
	w := newWorld(t, func(c *groupsync.Config) { c.Policy.GroupDeletions = groupsync.Limit{Count: &one, Percent: &twenty} })
	var ids []string
	for _, name := range []string{"A", "B", "C", "D"} {
		ids = append(ids, w.group(name).ID)
	}
	if err := w.engine.DeleteGroup(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	err := w.engine.DeleteGroup(t.Context(), ids[1])
	refused, ok := errors.AsType[*groupsync.GuardError](err)
	if !ok || refused.Count != 2 || refused.Total != 4 || refused.Setting != "groups.guard.groupDeletions" {
		t.Fatalf("second deletion: %v", err)
	}
	if _, err := w.engine.Group(t.Context(), ids[1]); err != nil {
		t.Errorf("the group of a refused deletion: %v", err)
	}
	w.engine.Approve(refused.Fingerprint)
	if err := w.engine.DeleteGroup(t.Context(), ids[1]); err != nil {
		t.Errorf("an approved deletion: %v", err)
	}
}

// TestCollisionsRefused holds that a second SCIM group which would fill the Crowd
// group of another is a conflict where the settings say so.
func TestCollisionsRefused(t *testing.T) {
	strip := mapping.Rename{Replace: []mapping.Replacement{{Pattern: "^(one|two)-", With: ""}}}
	for _, tt := range []struct {
		collisions mapping.Collisions
		refused    bool
	}{{mapping.Union, false}, {mapping.Refuse, true}} {
		t.Run(string(tt.collisions), func(t *testing.T) {
			w := newWorld(t, func(c *groupsync.Config) {
				c.Groups = compiled(mapping.Groups{OnTheFly: mapping.OnTheFly{Rename: strip, Collisions: tt.collisions}})
			})
			ann, ben := w.user("ann"), w.user("ben")
			first := w.group("one-devs", ann)
			_, err := w.engine.CreateGroup(t.Context(), groupsync.NewGroup{Name: "two-devs", Members: []string{ben.ID}})
			other := w.group("three-devs")
			name := "two-devs"
			_, renamed := w.engine.ChangeGroup(t.Context(), other.ID, groupsync.GroupChange{Name: &name})
			if tt.refused {
				for what, err := range map[string]error{"create": err, "rename": renamed} {
					if _, conflict := errors.AsType[*groupsync.ConflictError](err); !conflict {
						t.Errorf("%s: %v, want a conflict", what, err)
					}
				}
				w.wantMembers("devs", "ann")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			w.wantMembers("devs", "ann", "ben")
			if err := w.engine.DeleteGroup(t.Context(), first.ID); err != nil {
				t.Fatal(err)
			}
			w.wantMembers("devs", "ben")
			second, err := w.engine.GroupByName(t.Context(), "two-devs")
			if err != nil {
				t.Fatal(err)
			}
			if again := w.group("one-devs", ann); again.ID == first.ID {
				t.Errorf("the id %s came back", again.ID)
			}
			w.wantMembers("devs", "ann", "ben")
			w.change(second.ID, replace())
			w.wantMembers("devs", "ann")
		})
	}
}

// TestGroupsThatWouldNotFillAreNotShown holds that Crowd groups which no SCIM
// group of their name would fill are not shown as SCIM groups.
func TestGroupsThatWouldNotFillAreNotShown(t *testing.T) {
	w := newWorld(t, func(c *groupsync.Config) {
		c.Groups = compiled(mapping.Groups{OnTheFly: mapping.OnTheFly{Only: []string{"dev*"}}})
	})
	w.srv.AddGroup(crowd.Group{Name: "devs", Active: true}, crowd.Group{Name: "chess", Active: true})
	all, err := w.engine.Groups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Name != "devs" {
		t.Errorf("groups %v, want devs alone", all)
	}
}
