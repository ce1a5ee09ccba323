package groupsync_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// cut returns a stage on which an act has lost all calls to a resource: its
// process has ended before them.
func cut(setup func(w *world) string, method, resource string, a act) func(w *world) string {
	return func(w *world) string {
		w.tb.Helper()
		id := setup(w)
		w.srv.Fail(crowdtest.Fault{Method: method, Resource: resource, Kind: crowdtest.LoseRequest, Times: -1})
		if err := a(w.tb.Context(), w.engine, w, id); err == nil {
			w.tb.Fatalf("%s %s: the act made no such call", method, resource)
		}
		w.srv.ClearFaults()
		w.restart()
		return id
	}
}

// besideReconcile are races in each of which a reconcile takes part. Where something
// was cut short before, one more follows, as after every failure.
func besideReconcile() (clean, broken []race) {
	devs := func(w *world) string { w.user("eve"); return w.group("Devs", w.user("ann"), w.user("ben")).ID }
	linked := func(w *world) string { w.byHand("Devs", "cid"); return devs(w) }
	users := func(w *world) string { w.user("ann"); return "" }
	adds, removes := changesGroup(with(groupsync.AddMembers, "eve")), changesGroup(with(groupsync.RemoveMembers, "ann"))
	renames := changesGroup(called("Ops"))
	annLeaves := func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
		return e.DeleteUser(ctx, w.idOf("ann"), groupsync.Deactivate)
	}
	again := changesGroup(with(groupsync.AddMembers, "ann"))
	const member = "group/user/direct"
	clean = []race{
		{"add", nil, devs, []act{adds}},
		{"add in a linked group", nil, linked, []act{adds}},
		{"remove", nil, devs, []act{removes}},
		{"remove in a linked group", nil, linked, []act{removes}},
		{"add against remove", nil, devs, []act{again, removes}},
		{"replace", nil, linked, []act{changesGroup(with(groupsync.ReplaceMembers, "ben", "eve"))}},
		{"rename", nil, devs, []act{renames}},
		{"rename of a linked group", nil, linked, []act{renames}},
		{"rename against add", nil, devs, []act{renames, adds}},
		{"delete", nil, devs, []act{deletesGroup}},
		{"delete of a linked group", nil, linked, []act{deletesGroup}},
		{"delete against add", nil, devs, []act{deletesGroup, adds}},
		{"create", nil, users, []act{createsGroup()}},
		{"create with members", nil, users, []act{createsGroup("ann")}},
		{"delete and create", nil, after(users, createsGroup("ann")), []act{func(ctx context.Context, e *groupsync.Engine, w *world, id string) error {
			if err := e.DeleteGroup(ctx, w.idOfGroup("Devs")); err != nil {
				return err
			}
			return createsGroup("ann")(ctx, e, w, id)
		}}},
		{"deactivate", nil, devs, []act{changesUser(says(false))}},
		{"activate", nil, after(devs, changesUser(says(false))), []act{changesUser(says(true))}},
		{"deactivate against profile", nil, devs, []act{changesUser(says(false)), changesUser(changedOnly)}},
		{"profile", nil, devs, []act{changesUser(changed)}},
		{"rename user", nil, devs, []act{changesUser(renamed)}},
		{"delete user", nil, devs, []act{annLeaves}},
		{"delete user against add", nil, devs, []act{annLeaves, again}},
		{"revive user", nil, after(devs, annLeaves), []act{createsUser(groupsync.Conflict)}},
		{"create user", nil, func(*world) string { return "" }, []act{createsUser(groupsync.Conflict)}},
	}
	broken = []race{
		{"nothing", nil, func(w *world) string { w.drift(w.group("Devs", w.user("ann"), w.user("ben")).ID); return "" }, nil},
		{"add after half a remove", nil, cut(devs, "DELETE", member, removes), []act{again}},
		{"remove after half an add", nil, cut(devs, "POST", member, adds), []act{changesGroup(with(groupsync.RemoveMembers, "eve"))}},
		{"remove after half a remove", nil, cut(devs, "DELETE", member, removes), []act{removes}},
		{"delete after half an add", nil, cut(devs, "POST", member, adds), []act{deletesGroup}},
	}
	return clean, broken
}

// changedOnly is changed without a word on the active flag.
func changedOnly() groupsync.Profile {
	p := changed()
	p.Fields.Active = nil
	return p
}

// TestEveryInterleavingWithReconcile is TestEveryInterleaving with one or two
// reconciles at work at the same time.
func TestEveryInterleavingWithReconcile(t *testing.T) {
	clean, broken := besideReconcile()
	var all []*meeting
	for _, s := range settings() {
		for _, r := range clean {
			all = append(all, &meeting{race: r, setting: s, beside: 1})
		}
		for _, r := range broken {
			all = append(all, &meeting{race: r, setting: s, beside: max(1, 2-len(r.ops)), healed: len(r.ops) > 0})
		}
	}
	explore(t, 2, 2, all)
}

// TestWindow holds what is stated as impossible to exclude, and that the next
// reconcile heals it: the last call of a process that dies, or of a request that
// has timed out, lands after another request was answered.
func TestWindow(t *testing.T) {
	member := func(method string) func(crowdtest.Call) bool {
		return func(c crowdtest.Call) bool { return c.Method == method && c.Resource == "group/user/direct" }
	}
	for _, tt := range []struct {
		name        string
		first, then groupsync.MemberOp
		last        string // the method of the call that lands late
		want        []string
	}{
		{"the add of one who is removed", groupsync.AddMembers, groupsync.RemoveMembers, "POST", []string{"ben"}},
		{"the removal of one who is added", groupsync.RemoveMembers, groupsync.AddMembers, "DELETE", []string{"ann", "ben"}},
	} {
		for _, s := range settings() {
			for _, dies := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/dies %v", s.name, tt.name, dies), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						w := s.world(t)
						ann, ben := w.user("ann"), w.user("ben")
						g := w.group("Devs", ben)
						if tt.first == groupsync.RemoveMembers {
							w.change(g.ID, add(ann))
						}
						ctx, kill := context.WithCancel(t.Context())
						defer kill()
						w.srv.SetGate(func(_ context.Context, c crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
							if at != crowdtest.BeforeEffect || !member(tt.last)(c) {
								return crowdtest.NoFault
							}
							if dies {
								kill()
							}
							return crowdtest.LandLate
						})
						if err := changesGroup(with(tt.first, "ann"))(ctx, w.engine, w, g.ID); err == nil {
							t.Fatal("the first request did not fail")
						}
						w.srv.SetGate(nil)
						w.restart()
						if err := changesGroup(with(tt.then, "ann"))(t.Context(), w.engine, w, g.ID); err != nil {
							t.Fatal(err)
						}
						w.wantOthers("Devs", tt.want)
						if w.srv.Land() == 0 {
							t.Fatal("nothing landed late")
						}
						if slices.Equal(w.others("Devs"), tt.want) {
							t.Error("the window is closed: say so where it is stated")
						}
						w.reconcile()
						w.wantOthers("Devs", tt.want)
						if steps := w.reconcile(); len(steps) > 0 {
							t.Errorf("a second reconcile finds %v", steps)
						}
					})
				})
			}
		}
	}
}

// others returns the members of the first Crowd group that a SCIM group fills,
// without hal.
func (w *world) others(group string) []string {
	w.tb.Helper()
	target := w.cfg.Groups.Targets(groupNamed(group))[0].Group
	return slices.DeleteFunc(sorted(w.srv.Members(target)), func(s string) bool { return s == "hal" })
}

func (w *world) wantOthers(group string, want []string) {
	w.tb.Helper()
	if got := w.others(group); !slices.Equal(got, want) {
		w.tb.Errorf("members of what %s fills: %v, want %v", group, got, want)
	}
}

// TestEveryInterleavingOfNeighbours lets two connections meet that share a
// directory, and a Crowd group.
func TestEveryInterleavingOfNeighbours(t *testing.T) {
	okta := func(c *groupsync.Config) {
		c.Neighbours = []groupsync.Neighbour{{Connection: "entra", Groups: c.Groups}}
	}
	entra := func(w *world) *groupsync.Engine {
		w.tb.Helper()
		e, err := groupsync.New(groupsync.Config{
			Connection: "entra", Crowd: w.srv.Client(w.tb), Groups: w.cfg.Groups,
			Neighbours: []groupsync.Neighbour{{Connection: "okta", Groups: w.cfg.Groups}},
		})
		if err != nil {
			w.tb.Fatal(err)
		}
		return e
	}
	across := func(a act) act { // a on the same group of the other connection
		return func(ctx context.Context, _ *groupsync.Engine, w *world, _ string) error {
			e := entra(w)
			g, err := e.GroupByName(context.Background(), "Devs")
			if err != nil {
				return err
			}
			return a(ctx, e, w, g.ID)
		}
	}
	stage := func(here, there bool) func(w *world) string {
		return func(w *world) string {
			w.tb.Helper()
			ann := w.user("ann")
			var mine, theirs []*groupsync.User
			if here {
				mine = append(mine, ann)
			}
			if there {
				theirs = append(theirs, ann)
			}
			id := w.group("Devs", mine...).ID
			if _, err := entra(w).CreateGroup(w.tb.Context(), groupsync.NewGroup{Name: "Devs", Members: members(groupsync.AddMembers, theirs).IDs}); err != nil {
				w.tb.Fatal(err)
			}
			return id
		}
	}
	adds, removes := changesGroup(with(groupsync.AddMembers, "ann")), changesGroup(with(groupsync.RemoveMembers, "ann"))
	renames := changesGroup(called("Ops"))
	deletesAnn := func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
		return e.DeleteUser(ctx, w.idOf("ann"), groupsync.Deactivate)
	}
	picture := func(w *world) string {
		w.tb.Helper()
		mine := w.state()
		w.engine = entra(w)
		return mine + "and for the other\n" + w.state()
	}
	races := []race{
		{"add here, add there", okta, stage(false, false), []act{adds, across(adds)}},
		{"remove here, add there", okta, stage(true, false), []act{removes, across(adds)}},
		{"add here, remove there", okta, stage(false, true), []act{adds, across(removes)}},
		{"remove here, remove there", okta, stage(true, true), []act{removes, across(removes)}},
		{"delete here, add there", okta, stage(true, false), []act{deletesGroup, across(adds)}},
		{"add here, delete there", okta, stage(false, true), []act{adds, across(deletesGroup)}},
		{"delete here, remove there", okta, stage(true, true), []act{deletesGroup, across(removes)}},
		{"delete here, delete there", okta, stage(true, true), []act{deletesGroup, across(deletesGroup)}},
		{"rename here, add there", okta, stage(true, false), []act{renames, across(adds)}},
		{"rename here, remove there", okta, stage(true, true), []act{renames, across(removes)}},
		{"delete user here, add there", okta, stage(true, false), []act{deletesAnn, across(adds)}},
	}
	var all []*meeting
	for _, s := range settings() {
		for _, r := range races {
			all = append(all, &meeting{race: r, setting: s, picture: picture}, &meeting{race: r, setting: s, picture: picture, beside: 1})
		}
	}
	explore(t, 2, 3, all)
}
