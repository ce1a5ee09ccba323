package groupsync_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// exclusively sets groups whose members are their own record.
func exclusively(c *groupsync.Config) {
	off := false
	c.Groups = compiled(mapping.Groups{OnTheFly: mapping.OnTheFly{KeepExistingGroups: &off, Exclusive: true}})
}

// TestExclusiveGroups holds the life of a group whose members are its own record:
// nothing is recorded of them, and who was put in by hand leaves with the next
// full push.
func TestExclusiveGroups(t *testing.T) {
	w := newWorld(t, exclusively)
	ann, ben, eve := w.user("ann"), w.user("ben"), w.user("eve")
	g := w.group("Devs")
	w.wantCalls("add", 4, func() { w.change(g.ID, add(ann)) })
	w.change(g.ID, add(ben))
	w.wantCalls("remove", 4, func() { w.change(g.ID, remove(ben)) })
	w.change(g.ID, add(ben))
	w.wantMembers("Devs", "ann", "ben")
	if u, _ := w.srv.User("ann"); strings.Contains(strings.Join(slices.Collect(keys(u.Attributes)), " "), "grant") {
		t.Errorf("a grant is recorded: %v", u.Attributes)
	}
	w.srv.AddUser(crowd.User{Name: "cid", Active: true})
	w.srv.AddMember("Devs", "cid")
	if diff := cmp.Diff([]string{"ann", "ben", "cid"}, w.scimMembers(g.ID)); diff != "" {
		t.Errorf("members mismatch (-want +got):\n%s", diff)
	}
	w.change(g.ID, replace(ben, eve))
	w.wantMembers("Devs", "ben", "eve")
	w.rename(g.ID, "Builders")
	w.wantMembers("Builders", "ben", "eve")
	if slices.Contains(w.srv.GroupNames(), "Devs") {
		t.Error("Devs is still there")
	}
	if err := w.engine.DeleteUser(t.Context(), eve.ID, groupsync.Deactivate); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("Builders", "ben")
	if steps := w.reconcile(); len(steps) > 0 {
		t.Errorf("a reconcile finds %v", steps)
	}
	if got, want := w.why(groupsync.WhyQuery{User: "ben", Group: "Builders"}), "ben is in Builders: granted by Builders, on the fly, by okta"; len(got) != 1 || got[0] != want {
		t.Errorf("why: %v, want %s", got, want)
	}
	if err := w.engine.DeleteGroup(t.Context(), g.ID); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(w.srv.GroupNames(), "Builders") {
		t.Error("Builders is still there")
	}
}

func keys(a crowd.Attributes) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range a {
			if !yield(k) {
				return
			}
		}
	}
}

// TestExclusiveGroupsThatExist holds that a Crowd group made by others is linked
// and keeps a record, whatever the setting.
func TestExclusiveGroupsThatExist(t *testing.T) {
	w := newWorld(t, exclusively)
	ann := w.user("ann")
	w.srv.AddGroup(crowd.Group{Name: "Devs", Active: true})
	g := w.group("Devs", ann)
	if _, err := w.srv.Client(t).RemoveMember(t.Context(), "Devs", "ann"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ann"}, w.scimMembers(g.ID)); diff != "" {
		t.Errorf("members mismatch (-want +got):\n%s", diff)
	}
	w.reconcile()
	w.wantMembers("Devs", "ann")
}

// TestExclusiveFaults cuts every call of every operation on an exclusive group
// short, then repeats the operation, or reconciles: the end is that of a run
// without faults.
func TestExclusiveFaults(t *testing.T) {
	change := func(c func(w *world) groupsync.GroupChange) func(context.Context, *groupsync.Engine, *world, string) error {
		return func(ctx context.Context, e *groupsync.Engine, w *world, id string) error {
			_, err := e.ChangeGroup(ctx, id, c(w))
			return err
		}
	}
	members := func(op groupsync.MemberOp, names ...string) func(context.Context, *groupsync.Engine, *world, string) error {
		return change(func(w *world) groupsync.GroupChange {
			m := groupsync.MemberChange{Op: op}
			for _, n := range names {
				m.IDs = append(m.IDs, w.idOf(n))
			}
			return groupsync.GroupChange{Members: []groupsync.MemberChange{m}}
		})
	}
	devs := func(w *world) string {
		w.user("eve")
		return w.group("Devs", w.user("ann"), w.user("ben")).ID
	}
	name := "Ops"
	kinds := []crowdtest.Fault{
		{Kind: crowdtest.LoseRequest, Times: 3},
		{Kind: crowdtest.LoseResponse, Times: 3},
		{Kind: crowdtest.ResetResponse},
		{Kind: crowdtest.LandLate, Times: 3},
		{Kind: crowdtest.Answer, Status: 500, Times: 3},
	}
	total := 0
	for _, op := range []operation{
		{name: "add member", setup: devs, act: members(groupsync.AddMembers, "eve")},
		{name: "remove member", setup: devs, act: members(groupsync.RemoveMembers, "ann")},
		{name: "replace members", setup: devs, act: members(groupsync.ReplaceMembers, "ben", "eve")},
		{name: "rename group", setup: devs, act: change(func(*world) groupsync.GroupChange { return groupsync.GroupChange{Name: &name} })},
		{name: "delete group", setup: devs, act: func(ctx context.Context, e *groupsync.Engine, _ *world, id string) error {
			return e.DeleteGroup(ctx, id)
		}},
	} {
		t.Run(op.name, func(t *testing.T) {
			w := worldOver(t, new(crowdtest.Server), exclusively)
			id := op.setup(w)
			n := w.calls(func() {
				if err := op.act(t.Context(), w.engine, w, id); err != nil {
					t.Fatal(err)
				}
			})
			want := w.state()
			for k := 1; k <= n; k++ {
				for _, f := range kinds {
					f.Nth = k
					total++
					synctest.Test(t, func(t *testing.T) { exclusiveFault(t, op, f, want) })
				}
			}
		})
	}
	t.Logf("%d faults", total)
}

func exclusiveFault(t *testing.T, op operation, f crowdtest.Fault, want string) {
	t.Helper()
	w := worldOver(t, new(crowdtest.Server), exclusively)
	id := op.setup(w)
	w.srv.Fail(f)
	first := op.act(t.Context(), w.engine, w, id)
	w.srv.ClearFaults()
	w.srv.Land()
	w.restart()
	if first != nil || f.Kind == crowdtest.LandLate {
		if second := op.act(t.Context(), w.engine, w, id); second != nil && !repeated(second) {
			t.Errorf("call %d, %v x%d: retry: %v (first: %v)", f.Nth, f.Kind, f.Times, second, first)
		}
	}
	if diff := cmp.Diff(want, w.state()); diff != "" {
		t.Errorf("call %d, %v x%d: end state mismatch (-want +got), first error %v:\n%s", f.Nth, f.Kind, f.Times, first, diff)
	}
}
