package groupsync_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// An undoCase is what happens and what an undo of the request "r" makes of it.
type undoCase struct {
	name   string
	change func(*groupsync.Config)
	happen func(w *world, do func(request string, f func(ctx context.Context) error))
	query  groupsync.UndoQuery
	steps  []string // planned, and taken
	left   []string // what is told, as far as it is given
	check  func(t *testing.T, w *world)
}

func patches(w *world, id string, changes ...groupsync.MemberChange) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := w.engine.ChangeGroup(ctx, id, groupsync.GroupChange{Members: changes})
		return err
	}
}

func undoCases() []undoCase {
	r := groupsync.UndoQuery{Request: "r"}
	exclusive := func(c *groupsync.Config) {
		off := false
		c.Groups = compiled(mapping.Groups{OnTheFly: mapping.OnTheFly{Exclusive: true, KeepExistingGroups: &off}})
	}
	return []undoCase{
		{
			name: "a grant that was there before stays", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("devs", w.member("ann"))
				do("r", patches(w, g.ID, add(w.member("ann"), w.member("bob"))))
			},
			steps: []string{"revoke bob"},
			check: func(_ *testing.T, w *world) { w.wantMembers("devs", "ann") },
		},
		{
			name: "one who was in no group before is not put into it", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("devs", w.member("ann"))
				do("r", patches(w, g.ID, remove(w.member("ann"), w.member("bob"))))
			},
			steps: []string{"grant ann"},
			check: func(_ *testing.T, w *world) { w.wantMembers("devs", "ann") },
		},
		{
			name: "what the identity provider has said since stands", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("devs", w.member("ann"), w.member("bob"))
				do("r", patches(w, g.ID, replace()))
				do("s", patches(w, g.ID, add(w.member("ann"))))
				do("t", patches(w, g.ID, remove(w.member("ann"))))
			},
			steps: []string{"grant bob"},
			left:  []string{`grant "ann" in "devs": it has changed since, at 2000-01-01T`},
			check: func(_ *testing.T, w *world) { w.wantMembers("devs", "bob") },
		},
		{
			name: "a time", query: groupsync.UndoQuery{From: time.Date(2000, 1, 1, 0, 0, 30, 0, time.UTC), Until: time.Date(2000, 1, 1, 0, 2, 30, 0, time.UTC)},
			happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("devs")
				do("1", patches(w, g.ID, add(w.member("ann"))))
				do("2", patches(w, g.ID, add(w.member("bob"))))
				do("3", patches(w, g.ID, add(w.member("cat"))))
			},
			steps: []string{"revoke ann", "revoke bob"},
			check: func(_ *testing.T, w *world) { w.wantMembers("devs", "cat") },
		},
		{
			name: "a created group goes", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				do("r", func(ctx context.Context) error {
					_, err := w.engine.CreateGroup(ctx, groupsync.NewGroup{Name: "new", Members: []string{w.idOf("ann")}})
					return err
				})
			},
			steps: []string{"revoke ann", "delete group new"},
			check: func(t *testing.T, w *world) {
				if slices.Contains(w.srv.GroupNames(), "new") {
					t.Error("the Crowd group is still there")
				}
			},
		},
		{
			name: "a deleted group comes back under another id", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("old", w.member("ann"))
				do("r", func(ctx context.Context) error { return w.engine.DeleteGroup(ctx, g.ID) })
			},
			steps: []string{"create group old", "grant ann"},
			check: func(_ *testing.T, w *world) { w.wantMembers("old", "ann") },
		},
		{
			name: "a deleted group comes back under the name it had before it was renamed", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("old", w.member("ann"))
				do("r", func(ctx context.Context) error {
					_, err := w.engine.ChangeGroup(ctx, g.ID, groupsync.GroupChange{Name: new("mistaken")})
					return errors.Join(err, w.engine.DeleteGroup(ctx, g.ID))
				})
			},
			steps: []string{"create group old", "grant ann"},
			check: func(_ *testing.T, w *world) { w.wantMembers("old", "ann") },
		},
		{
			name: "a created group goes, renamed or not", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				do("r", func(ctx context.Context) error {
					g, err := w.engine.CreateGroup(ctx, groupsync.NewGroup{Name: "new"})
					if err != nil {
						return err
					}
					_, err = w.engine.ChangeGroup(ctx, g.ID, groupsync.GroupChange{Name: new("newer")})
					return err
				})
			},
			steps: []string{"delete group newer"},
			check: func(t *testing.T, w *world) {
				if names := w.srv.GroupNames(); slices.Contains(names, "new") || slices.Contains(names, "newer") {
					t.Errorf("Crowd has the groups %v", names)
				}
			},
		},
		{
			name: "what was said again and then taken back is as before", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("devs", w.member("ann"))
				do("r", func(ctx context.Context) error {
					for _, c := range []groupsync.MemberChange{add(w.member("ann")), remove(w.member("bob")), remove(w.member("ann")), add(w.member("bob"))} {
						if err := patches(w, g.ID, c)(ctx); err != nil {
							return err
						}
					}
					return nil
				})
			},
			steps: []string{"revoke bob", "grant ann"},
			check: func(_ *testing.T, w *world) { w.wantMembers("devs", "ann") },
		},
		{
			name: "a renamed group gets back the Crowd group that somebody is in by hand", query: r, change: func(c *groupsync.Config) { c.Groups = compiled(mapping.Groups{}) },
			happen: func(w *world, do func(string, func(context.Context) error)) {
				w.byHand("devs", "dan")
				g := w.group("devs", w.member("ann"))
				do("r", func(ctx context.Context) error {
					_, err := w.engine.ChangeGroup(ctx, g.ID, groupsync.GroupChange{Name: new("mistaken")})
					return err
				})
			},
			steps: []string{"rename group mistaken"},
			check: func(_ *testing.T, w *world) { w.wantMembers("devs", "ann", "dan") },
		},
		{
			name: "a name that has a new owner stays", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("old", w.member("ann"))
				do("r", func(ctx context.Context) error { return w.engine.DeleteGroup(ctx, g.ID) })
				do("s", func(ctx context.Context) error {
					_, err := w.engine.CreateGroup(ctx, groupsync.NewGroup{Name: "old"})
					return err
				})
			},
			left:  []string{`create group "old": the identity provider has made a group of that name since`, `grant "ann" in "old": the SCIM group is gone`},
			check: func(_ *testing.T, w *world) { w.wantMembers("old") },
		},
		{
			name: "fields of a user come back, one that was changed since does not", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				say := func(display, last string) func(ctx context.Context) error {
					return func(ctx context.Context) error {
						_, err := w.engine.UpdateUser(ctx, w.idOf("ann"), func(*groupsync.User) (groupsync.Profile, error) {
							return groupsync.Profile{Fields: mapping.Fields{DisplayName: &display, LastName: &last}}, nil
						})
						return err
					}
				}
				do("r", say("Wrong", "Mistaken"))
				do("s", say("Wrong", "Right"))
			},
			steps: []string{"update user ann"},
			left:  []string{`update user "ann": lastName "Mistaken" -> "ann": it has changed since`},
			check: func(t *testing.T, w *world) {
				time.Sleep(time.Hour)
				w.reconcile()
				if u, _ := w.srv.User("ann"); u.DisplayName != "ann" || u.LastName != "Right" {
					t.Errorf("ann is %q, %q", u.DisplayName, u.LastName)
				}
			},
		},
		{
			name: "nobody is let in unasked", query: r, happen: deactivatesAnn,
			left:  []string{`reactivate user "ann": active "false" -> "true": an undo lets nobody in unasked`},
			check: wantActive(false),
		},
		{
			name: "whoever is asked for is let in", query: groupsync.UndoQuery{Request: "r", Reactivate: true}, happen: deactivatesAnn,
			steps: []string{"reactivate user ann"},
			check: wantActive(true),
		},
		{
			name: "created and deleted users are told of", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				do("r", func(ctx context.Context) error {
					_, err := w.engine.CreateUser(ctx, profile("new"), groupsync.Conflict)
					return errors.Join(err, w.engine.DeleteUser(ctx, w.idOf("ann"), groupsync.Deactivate))
				})
			},
			left: []string{`delete user "new"`, `revive user "ann"`},
			check: func(t *testing.T, w *world) {
				if _, found := w.srv.User("new"); !found {
					t.Error("the new user is gone")
				}
			},
		},
		{
			name: "groups within groups", query: r,
			happen: func(w *world, do func(string, func(context.Context) error)) {
				outer, in, out := w.group("outer"), w.group("in"), w.group("out")
				w.change(outer.ID, groupsync.MemberChange{IDs: []string{in.ID}})
				do("r", patches(w, outer.ID, groupsync.MemberChange{Op: groupsync.ReplaceMembers, IDs: []string{out.ID}}))
			},
			steps: []string{"remove group out in outer", "add group in in outer"},
			check: func(t *testing.T, w *world) {
				if got := w.srv.ChildGroups("outer"); !slices.Equal(got, []string{"in"}) {
					t.Errorf("within outer is %v", got)
				}
			},
		},
		{
			name: "exclusive groups", query: r, change: exclusive, happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("devs", w.member("ann"))
				do("r", patches(w, g.ID, replace(w.member("bob"))))
				w.srv.AddMember("devs", "cat")
			},
			steps: []string{"revoke bob", "grant ann"},
			check: func(_ *testing.T, w *world) { w.wantMembers("devs", "ann", "cat") },
		},
		{
			name: "another ledger", query: r, happen: func(w *world, do func(string, func(context.Context) error)) {
				g := w.group("devs", w.member("ann"))
				do("r", patches(w, g.ID, replace(w.member("bob"))))
			},
			change: func(c *groupsync.Config) { c.Ledger = groupsync.NewMemoryLedger(c.Crowd) },
			steps:  []string{"revoke bob", "grant ann"},
			check:  func(_ *testing.T, w *world) { w.wantMembers("devs", "ann") },
		},
	}
}

func deactivatesAnn(w *world, do func(string, func(context.Context) error)) {
	do("r", func(ctx context.Context) error {
		_, err := w.engine.UpdateUser(ctx, w.idOf("ann"), func(*groupsync.User) (groupsync.Profile, error) { return says(false)(), nil })
		return err
	})
}

func wantActive(want bool) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		if u, _ := w.srv.User("ann"); u.Active != want {
			t.Errorf("ann is active: %v, want %v", u.Active, want)
		}
	}
}

// brief shows a step as its op and names.
func brief(s groupsync.Step) string {
	text := string(s.Op)
	if s.User != "" {
		return text + " " + s.User
	}
	if s.Child != "" {
		text += " " + s.Child + " in"
	}
	return text + " " + s.Group
}

func TestUndo(t *testing.T) {
	for _, c := range undoCases() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(t) })
		})
	}
}

func (c undoCase) run(t *testing.T) {
	srv := new(crowdtest.Server)
	srv.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
	w := worldOver(t, srv, func(cfg *groupsync.Config) {
		cfg.Crowd = srv.Client(t)
		if c.change != nil {
			c.change(cfg)
		}
	})
	log := w.audited()
	for _, name := range []string{"ann", "bob", "cat"} {
		w.user(name)
	}
	c.happen(w, w.requested)
	time.Sleep(10 * time.Minute)
	done, err := undo(t.Context(), w.engine, log.Bytes(), c.query)
	if err != nil {
		t.Fatal(err)
	}
	wantRestoration(t, done, c.steps, c.left)
	c.check(t, w)
	w.reconcile()
	c.check(t, w)
	again, err := planUndo(t.Context(), w.engine, log.Bytes(), c.query)
	if err != nil || len(again.Plan.Steps) > 0 {
		t.Errorf("planned again: %v, %v", again.Plan, err)
	}
}

// What would take away too much is refused, a plan that is out of date left out, and an
// undo is undone like anything else.
func TestUndoIsGuardedAndUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, none := 1, 0
		w := worldOver(t, new(crowdtest.Server), func(c *groupsync.Config) {
			c.Policy.Removals = groupsync.Limit{Count: &one, Percent: &none}
		})
		log := w.audited()
		ann, bob, cat := w.user("ann"), w.user("bob"), w.user("cat")
		g := w.group("devs", cat)
		w.requested("r", patches(w, g.ID, add(ann, bob)))
		time.Sleep(2 * time.Hour)
		r, err := planUndo(t.Context(), w.engine, log.Bytes(), groupsync.UndoQuery{Request: "r"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.engine.ApplyRestore(t.Context(), r, groupsync.ReconcileOptions{})
		if refusal, ok := errors.AsType[*groupsync.GuardError](err); !ok || refusal.Count != 2 || refusal.Total != 3 {
			t.Fatalf("error %v, want it refused", err)
		}
		w.wantMembers("devs", "ann", "bob", "cat")

		w.requested("s", patches(w, g.ID, remove(bob)))
		time.Sleep(2 * time.Hour)
		w.requested("t", patches(w, g.ID, add(bob)))
		result, err := w.engine.ApplyRestore(groupsync.WithRequestID(t.Context(), "undo"), r, groupsync.ReconcileOptions{Approve: r.Plan.Fingerprint()})
		if !errors.Is(err, groupsync.ErrStalePlan) || result.Applied != 1 || len(result.Stale) != 1 || result.Stale[0].User != "bob" {
			t.Errorf("applied %d, stale %v, error %v; want the word on bob to stand", result.Applied, result.Stale, err)
		}
		w.wantMembers("devs", "bob", "cat")
		if _, err := undo(t.Context(), w.engine, log.Bytes(), groupsync.UndoQuery{Request: "undo"}); err != nil {
			t.Fatal(err)
		}
		w.wantMembers("devs", "ann", "bob", "cat")
	})
}
