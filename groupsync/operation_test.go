package groupsync_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A setting is a way to map groups, under which every operation is tried.
type setting struct {
	name   string
	groups mapping.Groups
	crowd  []string // Crowd groups that exist, with hal in each by hand

	batches bool // memberships are changed by batches
}

func settings() []setting {
	off := false
	rules := func(keep *bool) []mapping.Rule {
		return []mapping.Rule{
			{From: "Devs", To: []string{"developers", "staff"}, KeepExistingUsers: keep},
			{From: "Ops", To: []string{"operators", "staff"}, KeepExistingUsers: keep},
			{FromExternalID: "x1", To: []string{"first"}, KeepExistingUsers: keep},
			{FromExternalID: "x2", To: []string{"second"}, KeepExistingUsers: keep},
		}
	}
	named := []string{"developers", "operators", "staff", "first", "second"}
	return []setting{
		{name: "on the fly"},
		{name: "on the fly, nobody kept", groups: mapping.Groups{OnTheFly: mapping.OnTheFly{KeepExistingGroups: &off}}},
		{name: "by rules", crowd: named, groups: mapping.Groups{
			Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: rules(nil)},
		}},
		{name: "by rules, nobody kept", crowd: named, groups: mapping.Groups{
			Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: rules(&off)},
		}},
		{name: "by rules, the others imported", crowd: []string{"developers", "staff"}, groups: mapping.Groups{
			Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: rules(nil)[:1], ImportGroups: true},
		}},
		{name: "default groups", crowd: []string{"welcome", "everybody"}, groups: mapping.Groups{
			DefaultForNewUsers: []string{"welcome"}, DefaultForAllUsers: []string{"everybody"},
		}},
	}
}

// world returns a Crowd without network, and an engine of the setting.
func (s setting) world(tb testing.TB, change ...func(*groupsync.Config)) *world {
	tb.Helper()
	change = append([]func(*groupsync.Config){func(c *groupsync.Config) { c.Groups = compiled(s.groups) }}, change...)
	w := worldOver(tb, new(crowdtest.Server), change...)
	if len(s.crowd) > 0 {
		w.srv.AddUser(crowd.User{Name: "hal", Active: true, Email: "hal@example.com"})
	}
	for _, name := range s.crowd {
		w.srv.AddGroup(crowd.Group{Name: name, Active: true})
		w.srv.AddMember(name, "hal")
	}
	if s.batches {
		w.batches()
	}
	return w
}

// byHand puts a user, who is made if need be, into the Crowd groups that a SCIM
// group of a name fills, as an administrator would.
func (w *world) byHand(group, user string) {
	w.tb.Helper()
	if _, found := w.srv.User(user); !found {
		w.srv.AddUser(crowd.User{Name: user, Active: true, Email: user + "@example.com"})
	}
	for _, t := range w.cfg.Groups.Targets(mapping.SCIMGroup{Name: group}) {
		if _, found := w.srv.Group(t.Group); !found {
			w.srv.AddGroup(crowd.Group{Name: t.Group, Active: true})
		}
		w.srv.AddMember(t.Group, user)
	}
}

// An operation is a request, with what precedes it. The act may be repeated.
type operation struct {
	name  string
	setup func(w *world) string // returns the id that act is about
	act   act
	half  act                // what act does first, where it does two things
	only  func(setting) bool // nil: tried under every setting
}

type act func(ctx context.Context, e *groupsync.Engine, w *world, id string) error

// begin sets an operation's stage, and lets time pass so that nothing is on its
// way any more. Then ann, if she is on it, logs in.
func (op operation) begin(w *world) (id string) {
	w.tb.Helper()
	id = op.setup(w)
	time.Sleep(time.Hour)
	if u, found := w.srv.User("ann"); found && u.Active {
		w.logIn("ann")
	}
	return id
}

func (w *world) logIn(user string) {
	w.tb.Helper()
	w.srv.SetPassword(user, "secret")
	if _, err := w.srv.Client(w.tb).CreateSession(w.tb.Context(), crowd.SessionRequest{User: user, Password: "secret"}); err != nil {
		w.tb.Fatal(err)
	}
}

func changesUser(p func() groupsync.Profile) act {
	return func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
		_, err := e.UpdateUser(ctx, w.annID(), func(*groupsync.User) (groupsync.Profile, error) { return p(), nil })
		return err
	}
}

// annID returns the id of the user who was ann when the stage was set.
func (w *world) annID() string {
	w.tb.Helper()
	name := "ann"
	if _, found := w.srv.User(name); !found {
		name = "anna"
	}
	return w.idOf(name)
}

func says(active bool) func() groupsync.Profile {
	return func() groupsync.Profile {
		return groupsync.Profile{Fields: mapping.Fields{Active: &active}, ActiveSaid: true}
	}
}

func changesGroup(changes ...func(w *world, c *groupsync.GroupChange)) act {
	return func(ctx context.Context, e *groupsync.Engine, w *world, id string) error {
		var c groupsync.GroupChange
		for _, change := range changes {
			change(w, &c)
		}
		_, err := e.ChangeGroup(ctx, id, c)
		return err
	}
}

func called(name string) func(*world, *groupsync.GroupChange) {
	return func(_ *world, c *groupsync.GroupChange) { c.Name = &name }
}

func externalID(id string) func(*world, *groupsync.GroupChange) {
	return func(_ *world, c *groupsync.GroupChange) { c.ExternalID = &id }
}

func with(op groupsync.MemberOp, names ...string) func(*world, *groupsync.GroupChange) {
	return func(w *world, c *groupsync.GroupChange) {
		m := groupsync.MemberChange{Op: op}
		for _, n := range names {
			m.IDs = append(m.IDs, w.idOf(n))
		}
		c.Members = append(c.Members, m)
	}
}

func createsUser(existing groupsync.Existing) act {
	return func(ctx context.Context, e *groupsync.Engine, _ *world, _ string) error {
		_, err := e.CreateUser(ctx, profile("ann"), existing)
		return err
	}
}

func deletesUser(how groupsync.Deletion) act {
	return func(ctx context.Context, e *groupsync.Engine, _ *world, id string) error {
		return e.DeleteUser(ctx, id, how)
	}
}

func createsGroup(members ...string) act {
	return func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
		g := groupsync.NewGroup{Name: "Devs", ExternalID: "x1"}
		for _, name := range members {
			g.Members = append(g.Members, w.idOf(name))
		}
		_, err := e.CreateGroup(ctx, g)
		return err
	}
}

func deletesGroup(ctx context.Context, e *groupsync.Engine, _ *world, id string) error {
	return e.DeleteGroup(ctx, id)
}

func reconciles(ctx context.Context, e *groupsync.Engine, _ *world, _ string) error {
	_, err := e.Reconcile(ctx, groupsync.ReconcileOptions{})
	return err
}

// changed, renamed and leaving are profiles of ann.
func changed() groupsync.Profile {
	p := profile("ann")
	name, email := "Ann Other", "other@example.com"
	p.Fields.DisplayName, p.Fields.Email, p.Data = &name, &email, []byte(`{"n":2}`)
	return p
}

func renamed() groupsync.Profile {
	p := profile("anna")
	p.ExternalID = "ext-ann"
	return p
}

func leaving() groupsync.Profile {
	p := changed()
	off := false
	p.Fields.Active = &off
	return p
}

// after returns a stage on which acts have followed one another.
func after(setup func(w *world) string, acts ...act) func(w *world) string {
	return func(w *world) string {
		w.tb.Helper()
		id := setup(w)
		for _, a := range acts {
			if err := a(w.tb.Context(), w.engine, w, id); err != nil {
				w.tb.Fatal(err)
			}
		}
		return id
	}
}

func operations() []operation {
	nothing := func(*world) string { return "" }
	ann := func(w *world) string { return w.user("ann").ID }
	two := func(w *world) string { w.user("ben"); return ann(w) }
	devs := func(w *world) string { return w.group("Devs", w.user("ann"), w.user("ben")).ID }
	eve := func(w *world) string { id := devs(w); w.user("eve"); return id }
	linked := func(w *world) string { w.byHand("Devs", "cid"); return devs(w) }
	handMade := func(w *world) string { id := devs(w); w.byHand("Devs", "cid"); return id }
	overlap := func(w *world) string { // two groups with one member
		id := devs(w)
		w.group("Ops", w.userNamed("ann"))
		return id
	}
	external := func(w *world) string {
		g, err := w.engine.CreateGroup(w.tb.Context(), groupsync.NewGroup{Name: "Devs", ExternalID: "x1", Members: []string{ann(w), w.user("ben").ID}})
		if err != nil {
			w.tb.Fatal(err)
		}
		return g.ID
	}
	member := func(w *world) string { overlap(w); return w.idOf("ann") }
	onTheFly := func(s setting) bool { return s.groups.Mapping != mapping.ManualMapping }
	return []operation{
		{"create user", nothing, createsUser(groupsync.Conflict), nil, nil},
		{"link user", func(w *world) string { w.byHand("Devs", "ann"); return "" }, createsUser(groupsync.Link), nil, nil},
		{"update user", member, changesUser(changed), nil, nil},
		{"rename user", member, changesUser(renamed), nil, nil},
		{"deactivate user", member, changesUser(says(false)), nil, nil},
		{"deactivate and change user", member, changesUser(leaving), nil, nil},
		{"reactivate user", after(member, changesUser(says(false))), changesUser(says(true)), nil, nil},
		{"delete user", member, deletesUser(groupsync.Deactivate), nil, nil},
		{"delete user for good", member, deletesUser(groupsync.Delete), nil, nil},
		{"delete user, who stays in Crowd", member, deletesUser(groupsync.Keep), nil, nil},
		{"revive user", after(member, deletesUser(groupsync.Deactivate)), createsUser(groupsync.Conflict), nil, nil},
		{"create group", nothing, createsGroup(), nil, nil},
		{"create group with members", two, createsGroup("ann", "ben"), createsGroup(), nil},
		{"link group", func(w *world) string { w.byHand("Devs", "cid"); return "" }, createsGroup(), nil, nil},
		{"adopt group", func(w *world) string {
			w.byHand("Devs", "cid")
			w.user("ann")
			return w.idOfGroup("Devs")
		}, changesGroup(with(groupsync.AddMembers, "ann")), changesGroup(with(groupsync.AddMembers)), onTheFly},
		{"create group again", after(devs, deletesGroup), createsGroup("ann"), createsGroup(), nil},
		{"rename group", devs, changesGroup(called("Ops")), nil, nil},
		{"rename group to a name of no rule", devs, changesGroup(called("Makers")), nil, nil},
		{"rename group back", after(devs, changesGroup(called("Makers"))), changesGroup(called("Devs")), nil, nil},
		{"rename group with others in it", handMade, changesGroup(called("Ops")), nil, nil},
		{"rename linked group", linked, changesGroup(called("Ops")), nil, nil},
		{"another externalId", external, changesGroup(externalID("x2")), nil, nil},
		{"rename group and replace its members", eve, changesGroup(called("Ops"), with(groupsync.ReplaceMembers, "ben", "eve")), changesGroup(called("Ops")), nil},
		{"delete group", devs, deletesGroup, nil, nil},
		{"delete group with others in it", handMade, deletesGroup, nil, nil},
		{"delete linked group", linked, deletesGroup, nil, nil},
		{"delete group of members of another", overlap, deletesGroup, nil, nil},
		{"delete group with an externalId", external, deletesGroup, nil, nil},
		{"add member", eve, changesGroup(with(groupsync.AddMembers, "eve")), nil, nil},
		{"add member who is there by hand", func(w *world) string { id := eve(w); w.byHand("Devs", "eve"); return id }, changesGroup(with(groupsync.AddMembers, "eve")), nil, nil},
		{"remove member", devs, changesGroup(with(groupsync.RemoveMembers, "ann")), nil, nil},
		{"remove member of linked group", linked, changesGroup(with(groupsync.RemoveMembers, "ann")), nil, nil},
		{"remove member of two groups from one", overlap, changesGroup(with(groupsync.RemoveMembers, "ann")), nil, nil},
		{"add and remove member", eve, changesGroup(with(groupsync.AddMembers, "eve"), with(groupsync.RemoveMembers, "ann")), nil, nil},
		{
			"replace members", after(linked, func(_ context.Context, _ *groupsync.Engine, w *world, _ string) error { w.user("eve"); return nil }),
			changesGroup(with(groupsync.ReplaceMembers, "ben", "eve")), nil, nil,
		},
		{"empty group", devs, changesGroup(with(groupsync.ReplaceMembers)), nil, nil},
		{"reconcile", func(w *world) string { w.drift(overlap(w)); return "" }, reconciles, nil, nil},
	}
}

// drift makes Crowd differ from what is recorded, as administrators may.
func (w *world) drift(id string) {
	w.tb.Helper()
	ctx, c := w.tb.Context(), w.srv.Client(w.tb)
	w.change(id, remove(w.userNamed("ben")))
	group := w.cfg.Groups.Targets(mapping.SCIMGroup{Name: "Devs"})[0].Group
	for _, err := range []error{
		second(c.AddMember(ctx, group, "ben")),
		second(c.RemoveMember(ctx, group, "ann")),
	} {
		if err != nil {
			w.tb.Fatal(err)
		}
	}
	w.user("eve")
	w.deactivate("eve")
	u, err := c.User(ctx, "eve")
	if err != nil {
		w.tb.Fatal(err)
	}
	u.Active, u.LastName = true, "Hand"
	if err := c.UpdateUser(ctx, *u); err != nil {
		w.tb.Fatal(err)
	}
}

func second(_ bool, err error) error { return err }

func (w *world) userNamed(name string) *groupsync.User {
	w.tb.Helper()
	u, err := w.engine.UserByName(w.tb.Context(), name)
	if err != nil {
		w.tb.Fatal(err)
	}
	return u
}

// repeated reports whether an error only says that the operation took effect the
// first time.
func repeated(err error) bool {
	_, conflict := errors.AsType[*groupsync.ConflictError](err)
	return conflict || errors.Is(err, groupsync.ErrNoUser) || errors.Is(err, groupsync.ErrNoGroup)
}

// mainstay of texts: what is in any order is sorted.
func sorted(all []string) []string {
	all = slices.Clone(all)
	slices.Sort(all)
	return all
}

func groupNamed(name string) mapping.SCIMGroup { return mapping.SCIMGroup{Name: name} }
