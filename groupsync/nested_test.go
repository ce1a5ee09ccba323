package groupsync_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

func within(op groupsync.MemberOp, ids ...string) groupsync.MemberChange {
	return groupsync.MemberChange{Op: op, IDs: ids}
}

// children returns the names of the groups within a Crowd group.
func (w *world) children(group string) []string {
	w.tb.Helper()
	var names []string
	for g, err := range w.srv.Client(w.tb).ChildGroups(w.tb.Context(), group, crowd.List{}) {
		if err != nil {
			w.tb.Fatal(err)
		}
		names = append(names, g.Name)
	}
	return names
}

func nesting(srv *crowdtest.Server) *crowdtest.Server {
	srv.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
	return srv
}

// TestGroupsWithinGroupsAreRefused holds that a group as a member is refused with
// words where the directory does not support it, where rules map the groups, and
// where it would be within itself; and that nothing else of the request is done.
func TestGroupsWithinGroupsAreRefused(t *testing.T) {
	rules := func(c *groupsync.Config) {
		c.Groups = compiled(mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{
			Rules: []mapping.Rule{{From: "Inner", To: []string{"x"}}, {From: "Outer", To: []string{"y"}}},
		}})
	}
	for _, tt := range []struct {
		name   string
		change func(*groupsync.Config)
		nested bool
		member string
	}{
		{"switched off", func(*groupsync.Config) {}, false, "Inner"},
		{"mapped by rules", rules, true, "Inner"},
		{"within itself", func(*groupsync.Config) {}, true, "Outer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.change)
			w.srv.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = tt.nested })
			w.srv.AddGroup(crowd.Group{Name: "x", Active: true}, crowd.Group{Name: "y", Active: true})
			ann := w.user("ann")
			w.group("Inner")
			outer := w.group("Outer")
			for name, op := range map[string]groupsync.MemberOp{"add": groupsync.AddMembers, "replace": groupsync.ReplaceMembers} {
				_, err := w.engine.ChangeGroup(t.Context(), outer.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{
					within(op, ann.ID, w.idOfGroup(tt.member)),
				}})
				refused, ok := errors.AsType[*groupsync.RefusedError](err)
				if !ok || refused.Attribute != "members" {
					t.Errorf("%s: %v, want a refusal", name, err)
				}
				if shown := w.scimMembers(outer.ID); len(shown) > 0 {
					t.Errorf("%s: SCIM shows %v", name, shown)
				}
			}
			if steps := w.reconcile(); len(steps) > 0 {
				t.Errorf("a reconcile finds %v", steps)
			}
		})
	}
}

// TestGroupsWithinGroups holds the life of a group within a group: Crowd's groups
// follow what is said, through renames, deletions and changes by hand.
func TestGroupsWithinGroups(t *testing.T) {
	w := worldOver(t, nesting(new(crowdtest.Server)))
	ann := w.user("ann")
	inner, outer := w.group("Inner", ann), w.group("Outer")
	w.change(outer.ID, within(groupsync.AddMembers, inner.ID, ann.ID))
	want := func(group string, names ...string) {
		t.Helper()
		if diff := cmp.Diff(names, w.children(group)); diff != "" {
			t.Errorf("groups within %s mismatch (-want +got):\n%s", group, diff)
		}
	}
	want("Outer", "Inner")
	if diff := cmp.Diff([]string{"Inner", "ann"}, w.scimMembers(outer.ID)); diff != "" {
		t.Errorf("members mismatch (-want +got):\n%s", diff)
	}
	_, err := w.engine.ChangeGroup(t.Context(), inner.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{within(groupsync.AddMembers, outer.ID)}})
	if _, refused := errors.AsType[*groupsync.RefusedError](err); !refused {
		t.Errorf("a circle: %v, want a refusal", err)
	}
	w.rename(inner.ID, "Core")
	want("Outer", "Core")
	w.rename(outer.ID, "Shell")
	want("Shell", "Core")
	if _, err := w.srv.Client(t).RemoveChildGroup(t.Context(), "Shell", "Core"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`add group "Core" in "Shell"`}, w.reconcile()); diff != "" {
		t.Errorf("reconcile mismatch (-want +got):\n%s", diff)
	}
	want("Shell", "Core")
	w.change(outer.ID, replace(ann))
	want("Shell")
	w.change(outer.ID, within(groupsync.ReplaceMembers, inner.ID))
	want("Shell", "Core")
	w.wantMembers("Shell")
	if err := w.engine.DeleteGroup(t.Context(), inner.ID); err != nil {
		t.Fatal(err)
	}
	want("Shell")
	if shown := w.scimMembers(outer.ID); len(shown) > 0 {
		t.Errorf("SCIM shows %v", shown)
	}
	if steps := w.reconcile(); len(steps) > 0 {
		t.Errorf("a reconcile finds %v", steps)
	}
}

// TestGroupsWithinGroupsByHand holds that a Crowd group which an administrator put
// into another stays there when the identity provider takes it out.
func TestGroupsWithinGroupsByHand(t *testing.T) {
	w := worldOver(t, nesting(new(crowdtest.Server)))
	inner, outer := w.group("Inner"), w.group("Outer")
	if _, err := w.srv.Client(t).AddChildGroup(t.Context(), "Outer", "Inner"); err != nil {
		t.Fatal(err)
	}
	w.change(outer.ID, within(groupsync.AddMembers, inner.ID))
	w.change(outer.ID, within(groupsync.RemoveMembers, inner.ID))
	if got := w.children("Outer"); !slices.Equal(got, []string{"Inner"}) {
		t.Errorf("groups within Outer: %v", got)
	}
	if steps := w.reconcile(); len(steps) > 0 {
		t.Errorf("a reconcile finds %v", steps)
	}
}

// TestFlattenedGroups holds that the members of a group within a group are in the
// Crowd groups of both, for as long as it is within.
func TestFlattenedGroups(t *testing.T) {
	w := newWorld(t, func(c *groupsync.Config) { c.FlattenGroups = true })
	ann, ben := w.user("ann"), w.user("ben")
	inner, middle, outer := w.group("Inner", ann), w.group("Middle"), w.group("Outer")
	w.change(outer.ID, within(groupsync.AddMembers, middle.ID))
	w.change(middle.ID, within(groupsync.AddMembers, inner.ID))
	w.wantMembers("Middle", "ann")
	w.wantMembers("Outer", "ann")
	w.change(inner.ID, add(ben))
	w.wantMembers("Outer", "ann", "ben")
	w.change(inner.ID, remove(ann))
	w.wantMembers("Outer", "ben")
	w.change(outer.ID, add(ann))
	w.rename(outer.ID, "Shell")
	w.wantMembers("Shell", "ann", "ben")
	if steps := w.reconcile(); len(steps) > 0 {
		t.Errorf("a reconcile finds %v", steps)
	}
	w.change(middle.ID, within(groupsync.RemoveMembers, inner.ID))
	w.wantMembers("Shell", "ann")
	w.wantMembers("Middle")
	w.wantMembers("Inner", "ben")
	w.change(middle.ID, within(groupsync.AddMembers, inner.ID))
	if err := w.engine.DeleteGroup(t.Context(), middle.ID); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("Shell", "ann")
	if steps := w.reconcile(); len(steps) > 0 {
		t.Errorf("a reconcile finds %v", steps)
	}
}

// TestNestFaults cuts every call short that puts a group into another or takes it
// out, then repeats the request: the end is that of a run without faults.
func TestNestFaults(t *testing.T) {
	kinds := []crowdtest.Fault{
		{Kind: crowdtest.LoseRequest, Times: 3},
		{Kind: crowdtest.LoseResponse, Times: 3},
		{Kind: crowdtest.ResetResponse},
		{Kind: crowdtest.LandLate, Times: 3},
		{Kind: crowdtest.Answer, Status: 500, Times: 3},
	}
	for _, op := range []groupsync.MemberOp{groupsync.AddMembers, groupsync.RemoveMembers} {
		start := func(t *testing.T) (*world, groupsync.GroupChange, string) {
			w := worldOver(t, nesting(new(crowdtest.Server)))
			inner, outer := w.group("Inner"), w.group("Outer")
			if op == groupsync.RemoveMembers {
				w.change(outer.ID, within(groupsync.AddMembers, inner.ID))
			}
			return w, groupsync.GroupChange{Members: []groupsync.MemberChange{within(op, inner.ID)}}, outer.ID
		}
		end := func(w *world, id string) string { return fmt.Sprint(w.children("Outer"), w.scimMembers(id)) }
		w, c, id := start(t)
		n := w.calls(func() {
			if _, err := w.engine.ChangeGroup(t.Context(), id, c); err != nil {
				t.Fatal(err)
			}
		})
		want := end(w, id)
		for k := 1; k <= n; k++ {
			for _, f := range kinds {
				f.Nth = k
				synctest.Test(t, func(t *testing.T) {
					w, c, id := start(t)
					w.srv.Fail(f)
					_, first := w.engine.ChangeGroup(t.Context(), id, c)
					w.srv.ClearFaults()
					w.srv.Land()
					w.restart()
					if first != nil || f.Kind == crowdtest.LandLate {
						if _, err := w.engine.ChangeGroup(t.Context(), id, c); err != nil {
							t.Errorf("op %v, call %d, %v: retry: %v", op, k, f.Kind, err)
						}
					}
					if got := end(w, id); got != want {
						t.Errorf("op %v, call %d, %v: end %s, want %s (first: %v)", op, k, f.Kind, got, want, first)
					}
				})
			}
		}
	}
}
