package groupsync_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A restoreCase is a state, what happens to it, and what a restore of it makes of that.
type restoreCase struct {
	name    string
	groups  mapping.Groups
	protect []string
	begin   func(w *world)
	happen  func(w *world)
	steps   []string
	left    []string
	once    bool // it asks to be restored again
	check   func(t *testing.T, w *world)
}

// named returns the id of the SCIM group of a name.
func (w *world) named(name string) string {
	w.tb.Helper()
	g, err := w.engine.GroupByName(context.Background(), name)
	if err != nil {
		w.tb.Fatal(err)
	}
	return g.ID
}

func (w *world) delete(name string) {
	w.tb.Helper()
	if err := w.engine.DeleteGroup(context.Background(), w.named(name)); err != nil {
		w.tb.Fatal(err)
	}
}

func restoreCases() []restoreCase {
	off := false
	inOuter := func(w *world, op groupsync.MemberOp, names ...string) {
		var ids []string
		for _, name := range names {
			ids = append(ids, w.named(name))
		}
		w.change(w.named("outer"), groupsync.MemberChange{Op: op, IDs: ids})
	}
	wantWithin := func(t *testing.T, w *world, want ...string) {
		t.Helper()
		if got := w.srv.ChildGroups("outer"); !slices.Equal(got, want) {
			t.Errorf("within outer is %v, want %v", got, want)
		}
	}
	return []restoreCase{
		{
			name: "groups within groups", begin: func(w *world) {
				w.group("outer")
				w.group("in")
				w.group("out")
				inOuter(w, groupsync.AddMembers, "in")
			},
			happen: func(w *world) { inOuter(w, groupsync.ReplaceMembers, "out") },
			steps:  []string{"remove group out in outer", "add group in in outer"},
			check:  func(t *testing.T, w *world) { wantWithin(t, w, "in") },
		},
		{
			name: "deleted groups, one within the other", begin: func(w *world) {
				w.group("outer", w.member("ann"))
				w.group("in", w.member("bob"))
				inOuter(w, groupsync.AddMembers, "in")
			},
			happen: func(w *world) { w.delete("outer"); w.delete("in") },
			steps:  []string{"create group in", "create group outer", "add group in in outer", "grant bob", "grant ann"},
			check: func(t *testing.T, w *world) {
				wantWithin(t, w, "in")
				w.wantMembers("outer", "ann")
				w.wantMembers("in", "bob")
			},
		},
		{
			name: "a group that was made anew since has its members from then", begin: func(w *world) { w.group("devs", w.member("ann")) },
			happen: func(w *world) { w.delete("devs"); w.group("devs", w.member("bob")) },
			steps:  []string{"revoke bob", "grant ann"},
			check:  func(_ *testing.T, w *world) { w.wantMembers("devs", "ann") },
		},
		{
			name: "a group that came since is left alone", begin: func(w *world) { w.group("devs") },
			happen: func(w *world) { w.group("new", w.member("ann")) },
			check:  func(_ *testing.T, w *world) { w.wantMembers("new", "ann") },
		},
		{
			name: "a name that another group has now", begin: func(w *world) { w.group("devs", w.member("ann")) },
			happen: func(w *world) { w.rename(w.named("devs"), "ops"); w.group("devs", w.member("bob")) },
			left:   []string{`rename group "ops": displayName "ops" -> "devs": another group has that name now`},
			check:  func(_ *testing.T, w *world) { w.wantMembers("ops", "ann"); w.wantMembers("devs", "bob") },
		},
		{
			name: "a deleted group whose name another one took", begin: func(w *world) { w.group("devs", w.member("ann")); w.group("ops", w.member("bob")) },
			happen: func(w *world) { w.delete("devs"); w.rename(w.named("ops"), "devs") },
			steps:  []string{"rename group devs"},
			left:   []string{`create group "devs": another group has that name now. Rename or delete it, then restore again`},
			once:   true,
			check:  func(_ *testing.T, w *world) { w.wantMembers("ops", "bob") },
		},
		{
			name: "exclusive groups", groups: mapping.Groups{OnTheFly: mapping.OnTheFly{Exclusive: true, KeepExistingGroups: &off}},
			begin:  func(w *world) { w.group("devs", w.member("ann"), w.member("bob")) },
			happen: func(w *world) { w.change(w.named("devs"), replace(w.member("cat"))) },
			steps:  []string{"revoke cat", "grant ann", "grant bob"},
			check:  func(_ *testing.T, w *world) { w.wantMembers("devs", "ann", "bob") },
		},
		{
			name: "fields that were changed by hand stay", begin: func(*world) {}, happen: func(w *world) {
				u, _ := w.srv.User("ann")
				u.DisplayName = "Ann, by hand"
				if err := w.srv.Client(w.tb).UpdateUser(context.Background(), u); err != nil {
					w.tb.Fatal(err)
				}
			},
			check: func(t *testing.T, w *world) {
				if u, _ := w.srv.User("ann"); u.DisplayName != "Ann, by hand" {
					t.Errorf("ann is %q", u.DisplayName)
				}
			},
		},
		{
			name: "a protected user", protect: []string{"ann"}, begin: func(*world) {}, happen: func(w *world) {
				_, err := w.engine.UpdateUser(context.Background(), w.idOf("ann"), func(*groupsync.User) (groupsync.Profile, error) {
					p := profile("ann")
					p.Data = []byte(`{"other":1}`)
					return p, nil
				})
				if err != nil {
					w.tb.Fatal(err)
				}
			},
			left:  []string{`update user "ann": data "sha256 `},
			check: func(*testing.T, *world) {},
		},
	}
}

func TestRestore(t *testing.T) {
	for _, c := range restoreCases() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(t) })
		})
	}
}

func (c restoreCase) run(t *testing.T) {
	srv := new(crowdtest.Server)
	srv.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
	w := worldOver(t, srv, func(cfg *groupsync.Config) {
		cfg.Groups, cfg.ProtectedUsers = compiled(c.groups), c.protect
	})
	for _, name := range []string{"ann", "bob", "cat"} {
		w.user(name)
	}
	c.begin(w)
	time.Sleep(time.Hour)
	before := w.remember()
	time.Sleep(time.Hour)
	c.happen(w)
	time.Sleep(time.Hour)
	r, err := restore(t.Context(), w.engine, before, groupsync.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantRestoration(t, r, c.steps, c.left)
	c.check(t, w)
	again, err := w.engine.PlanRestore(t.Context(), before, groupsync.RestoreOptions{})
	if err != nil || len(again.Plan.Steps) > 0 != c.once {
		t.Errorf("planned again: %v, %v", again.Plan, err)
	}
}

// wantRestoration holds what a restoration does, in brief, and what it tells that it
// leaves alone.
func wantRestoration(t *testing.T, r *groupsync.Restoration, wantSteps, wantLeft []string) {
	t.Helper()
	var steps []string
	for _, s := range r.Plan.Steps {
		steps = append(steps, brief(s))
	}
	if diff := cmp.Diff(wantSteps, steps); diff != "" {
		t.Errorf("steps mismatch (-want +got):\n%s", diff)
	}
	told := fmt.Sprint(r.Left)
	for _, want := range wantLeft {
		if !strings.Contains(told, want) {
			t.Errorf("left alone: %s\nwant %q", told, want)
		}
	}
	if len(wantLeft) == 0 && len(r.Left) > 0 {
		t.Errorf("left alone: %s, want nothing", told)
	}
}
