package groupsync_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A world is a Crowd with engines over it.
type world struct {
	tb     testing.TB
	srv    *crowdtest.Server
	cfg    groupsync.Config
	engine *groupsync.Engine

	mu     sync.Mutex
	events []groupsync.Event
}

func newWorld(tb testing.TB, change ...func(*groupsync.Config)) *world {
	tb.Helper()
	return worldOver(tb, crowdtest.NewServer(tb), change...)
}

// worldOver is newWorld over a server; a bare one needs no network, so that it
// works where the time is a test's own.
func worldOver(tb testing.TB, srv *crowdtest.Server, change ...func(*groupsync.Config)) *world {
	tb.Helper()
	w := &world{tb: tb, srv: srv}
	w.srv.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	w.cfg = groupsync.Config{Connection: "okta", Observer: func(_ context.Context, e groupsync.Event) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.events = append(w.events, e)
	}}
	for _, f := range change {
		f(&w.cfg)
	}
	w.restart()
	return w
}

// restart replaces the engine by a fresh one, as another process would have.
func (w *world) restart() {
	w.tb.Helper()
	w.engine = w.replica()
}

func (w *world) replica() *groupsync.Engine {
	w.tb.Helper()
	cfg := w.cfg
	if cfg.Crowd == nil {
		cfg.Crowd = w.srv.Client(w.tb)
	}
	e, err := groupsync.New(cfg)
	if err != nil {
		w.tb.Fatal(err)
	}
	return e
}

// saw reports whether an event of that kind was reported.
func (w *world) saw(kind groupsync.EventKind) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.events, func(e groupsync.Event) bool { return e.Kind == kind })
}

func profile(name string) groupsync.Profile {
	email, active := name+"@example.com", true
	return groupsync.Profile{
		Fields: mapping.Fields{Username: &name, Email: &email, DisplayName: &name, FirstName: &name, LastName: &name, Active: &active},
		Data:   []byte(`{"userName":"` + name + `"}`), ExternalID: "ext-" + name, Emails: []string{email},
	}
}

func (w *world) user(name string) *groupsync.User {
	w.tb.Helper()
	u, err := w.engine.CreateUser(w.tb.Context(), profile(name), groupsync.Conflict)
	if err != nil {
		w.tb.Fatalf("create %s: %v", name, err)
	}
	return u
}

func (w *world) group(name string, members ...*groupsync.User) *groupsync.Group {
	w.tb.Helper()
	g := groupsync.NewGroup{Name: name}
	for _, u := range members {
		g.Members = append(g.Members, u.ID)
	}
	made, err := w.engine.CreateGroup(w.tb.Context(), g)
	if err != nil {
		w.tb.Fatalf("create group %s: %v", name, err)
	}
	return made
}

func (w *world) change(id string, changes ...groupsync.MemberChange) {
	w.tb.Helper()
	if _, err := w.engine.ChangeGroup(w.tb.Context(), id, groupsync.GroupChange{Members: changes}); err != nil {
		w.tb.Fatalf("change group: %v", err)
	}
}

func (w *world) rename(id, name string) {
	w.tb.Helper()
	if _, err := w.engine.ChangeGroup(w.tb.Context(), id, groupsync.GroupChange{Name: &name}); err != nil {
		w.tb.Fatalf("rename: %v", err)
	}
}

func add(users ...*groupsync.User) groupsync.MemberChange {
	return members(groupsync.AddMembers, users)
}

func remove(users ...*groupsync.User) groupsync.MemberChange {
	return members(groupsync.RemoveMembers, users)
}

func replace(users ...*groupsync.User) groupsync.MemberChange {
	return members(groupsync.ReplaceMembers, users)
}

func members(op groupsync.MemberOp, users []*groupsync.User) groupsync.MemberChange {
	c := groupsync.MemberChange{Op: op}
	for _, u := range users {
		c.IDs = append(c.IDs, u.ID)
	}
	return c
}

// scimMembers returns the names of the members that SCIM shows, sorted.
func (w *world) scimMembers(id string) []string {
	w.tb.Helper()
	g, err := w.engine.Group(w.tb.Context(), id)
	if err != nil {
		w.tb.Fatalf("group %s: %v", id, err)
	}
	var names []string
	for m, err := range w.engine.Members(w.tb.Context(), g) {
		if err != nil {
			w.tb.Fatal(err)
		}
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}

func (w *world) wantMembers(group string, want ...string) {
	w.tb.Helper()
	got := w.srv.Members(group)
	slices.Sort(got)
	if diff := cmp.Diff(want, got, cmpEmpty); diff != "" {
		w.tb.Errorf("members of %s mismatch (-want +got):\n%s", group, diff)
	}
}

var cmpEmpty = cmp.Comparer(func(x, y []string) bool { return slices.Equal(x, y) })

// calls runs f and returns how many calls Crowd got.
func (w *world) calls(f func()) int {
	w.tb.Helper()
	w.srv.ResetCalls()
	f()
	return len(w.srv.Calls())
}

func (w *world) wantCalls(what string, want int, f func()) {
	w.tb.Helper()
	if got := w.calls(f); got != want {
		var list []string
		for _, c := range w.srv.Calls() {
			list = append(list, c.String())
		}
		w.tb.Errorf("%s took %d calls, want %d:\n%s", what, got, want, strings.Join(list, "\n"))
	}
}

func TestUserLife(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	if _, err := w.engine.CreateUser(t.Context(), profile("ANN"), groupsync.Conflict); err == nil {
		t.Error("a second user of the name was created")
	} else if _, ok := errors.AsType[*groupsync.ConflictError](err); !ok {
		t.Errorf("second create: %v, want a conflict", err)
	}
	w.restart()
	got, err := w.engine.User(t.Context(), ann.ID)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Data) != `{"userName":"ann"}` || got.Owner != "okta" || !got.Crowd.Active {
		t.Errorf("after a restart: %+v", got)
	}
	off := false
	if _, err := w.engine.UpdateUser(t.Context(), ann.ID, func(*groupsync.User) (groupsync.Profile, error) {
		return groupsync.Profile{Fields: mapping.Fields{Active: &off}, ActiveSaid: true}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if u, _ := w.srv.User("ann"); u.Active {
		t.Error("a leaver is still active")
	}
	if err := w.engine.DeleteUser(t.Context(), ann.ID, groupsync.Deactivate); err != nil {
		t.Fatal(err)
	}
	if _, err := w.engine.User(t.Context(), ann.ID); !errors.Is(err, groupsync.ErrNoUser) {
		t.Errorf("a deleted user is still there: %v", err)
	}
	again := w.user("ann")
	if again.ID != ann.ID {
		t.Errorf("revived with id %s, had %s", again.ID, ann.ID)
	}
	if u, _ := w.srv.User("ann"); !u.Active {
		t.Error("a revived user is not active")
	}
}

func TestUpdateWithEmailRefused(t *testing.T) {
	for _, reject := range []bool{false, true} {
		w := newWorld(t, func(c *groupsync.Config) { c.RejectEmail = reject })
		w.srv.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = false })
		ann := w.user("ann")
		_, err := w.engine.UpdateUser(t.Context(), ann.ID, func(*groupsync.User) (groupsync.Profile, error) {
			p := profile("ann")
			email, name, off := "new@example.com", "Ann New", false
			p.Fields.Email, p.Fields.DisplayName, p.Fields.Active = &email, &name, &off
			p.Data = []byte(`{"new":true}`)
			return p, nil
		})
		u, _ := w.srv.User("ann")
		if u.Active {
			t.Errorf("reject %v: the leaver is still active", reject)
		}
		got, err2 := w.engine.User(t.Context(), ann.ID)
		if err2 != nil {
			t.Fatal(err2)
		}
		if reject {
			if _, ok := errors.AsType[*groupsync.RefusedError](err); !ok {
				t.Errorf("error %v, want it refused", err)
			}
			if u.DisplayName != "ann" || string(got.Data) != `{"userName":"ann"}` {
				t.Errorf("a refused update changed %q, %s", u.DisplayName, got.Data)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if u.DisplayName != "Ann New" || u.Email != "ann@example.com" || string(got.Data) != `{"new":true}` {
			t.Errorf("update without the e-mail left %+v, %s", u, got.Data)
		}
		if !w.saw(groupsync.EventEmailRefused) {
			t.Error("no event tells of the refused e-mail")
		}
	}
}

func TestHandsOffAFlagSetByHand(t *testing.T) {
	w := newWorld(t)
	clock := time.Now()
	w.cfg.Now = func() time.Time { return clock }
	w.restart()
	ann := w.user("ann")
	clock = clock.Add(time.Hour)
	client := w.srv.Client(t)
	if err := client.UpdateUser(t.Context(), crowd.User{Name: "ann", Email: "ann@example.com", DisplayName: "ann", FirstName: "ann", LastName: "ann"}); err != nil {
		t.Fatal(err)
	}
	update := func(p groupsync.Profile) {
		t.Helper()
		if _, err := w.engine.UpdateUser(t.Context(), ann.ID, func(*groupsync.User) (groupsync.Profile, error) { return p, nil }); err != nil {
			t.Fatal(err)
		}
	}
	p := profile("ann")
	title := "Ann the Great"
	p.Fields.DisplayName = &title
	update(p)
	if u, _ := w.srv.User("ann"); u.Active || u.DisplayName != title {
		t.Errorf("an unrelated update left %+v, want it inactive and renamed", u)
	}
	on := true
	update(groupsync.Profile{Fields: mapping.Fields{Active: &on}, ActiveSaid: true})
	if u, _ := w.srv.User("ann"); !u.Active {
		t.Error("the identity provider's own word did not re-activate the user")
	}
}

func TestGroupLife(t *testing.T) {
	w := newWorld(t)
	ann, ben := w.user("ann"), w.user("ben")
	devs := w.group("Devs")
	w.change(devs.ID, add(ann, ben))
	w.wantMembers("devs", "ann", "ben")
	w.restart()
	if diff := cmp.Diff([]string{"ann", "ben"}, w.scimMembers(devs.ID)); diff != "" {
		t.Errorf("members after a restart (-want +got):\n%s", diff)
	}
	w.change(devs.ID, remove(ann))
	w.wantMembers("devs", "ben")
	w.change(devs.ID, replace(ann))
	w.wantMembers("devs", "ann")
	w.rename(devs.ID, "Builders")
	w.wantMembers("builders", "ann")
	if slices.Contains(w.srv.GroupNames(), "Devs") {
		t.Error("the old Crowd group is still there")
	}
	if g, err := w.engine.GroupByName(t.Context(), "builders"); err != nil || g.ID != devs.ID {
		t.Errorf("by the new name: %v, %v", g, err)
	}
	again := w.group("devs")
	if again.ID == devs.ID {
		t.Error("the old name gave out the same id again")
	}
	if err := w.engine.DeleteGroup(t.Context(), devs.ID); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(w.srv.GroupNames(), "Builders") {
		t.Error("the deleted group's Crowd group is still there")
	}
	if err := w.engine.DeleteGroup(t.Context(), devs.ID); !errors.Is(err, groupsync.ErrNoGroup) {
		t.Errorf("second delete: %v", err)
	}
	if got, err := w.engine.User(t.Context(), ann.ID); err != nil || len(got.Grants) != 0 {
		t.Errorf("grants left: %v, %v", got.Grants, err)
	}
}

func TestExternalIDCanBeTakenAway(t *testing.T) {
	w := newWorld(t)
	g, err := w.engine.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Devs", ExternalID: "x1"})
	if err != nil {
		t.Fatal(err)
	}
	none := ""
	if _, err := w.engine.ChangeGroup(t.Context(), g.ID, groupsync.GroupChange{ExternalID: &none}); err != nil {
		t.Fatal(err)
	}
	w.restart()
	for range 20 { // records are met in any order
		if got, err := w.engine.Group(t.Context(), g.ID); err != nil || got.ExternalID != "" {
			t.Fatalf("the group still has externalId %q, %v", got.ExternalID, err)
		}
	}
}

// TestAnswersAreWhatIsRead holds what a change returns against what is read
// afterwards, times included: versions are made of them.
func TestAnswersAreWhatIsRead(t *testing.T) {
	w := newWorld(t)
	ann := w.user("ann")
	got, err := w.engine.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Devs", ExternalID: "x1", Members: []string{ann.ID}})
	same := func(what string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		read, err := w.engine.Group(t.Context(), got.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(read, got); diff != "" {
			t.Errorf("%s: answer mismatch (-read +answered):\n%s", what, diff)
		}
	}
	same("create")
	name, external := "Builders", "x2"
	got, err = w.engine.ChangeGroup(t.Context(), got.ID, groupsync.GroupChange{Name: &name})
	same("rename")
	got, err = w.engine.ChangeGroup(t.Context(), got.ID, groupsync.GroupChange{ExternalID: &external})
	same("externalId")
	name2, external2 := "Makers", "x3"
	got, err = w.engine.ChangeGroup(t.Context(), got.ID, groupsync.GroupChange{Name: &name2, ExternalID: &external2})
	same("both")
}

func TestHandMadeMembersSurvive(t *testing.T) {
	w := newWorld(t)
	ann, ben := w.user("ann"), w.user("ben")
	w.srv.AddUser(crowd.User{Name: "cid", Active: true})
	w.srv.AddGroup(crowd.Group{Name: "devs", Active: true})
	w.srv.AddMember("devs", "ann", "cid")
	devs := w.group("Devs") // links
	w.change(devs.ID, replace(ann, ben))
	w.wantMembers("devs", "ann", "ben", "cid")
	w.change(devs.ID, replace())
	w.wantMembers("devs", "ann", "cid") // ann was there by hand before the identity provider said so
	if len(w.scimMembers(devs.ID)) != 0 {
		t.Errorf("SCIM shows %v", w.scimMembers(devs.ID))
	}
	if err := w.engine.DeleteGroup(t.Context(), devs.ID); err != nil {
		t.Fatal(err)
	}
	w.wantMembers("devs", "ann", "cid")
}

// TestCallsToCrowd holds the number of calls of each operation.
func TestCallsToCrowd(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	var ann *groupsync.User
	w.wantCalls("create user", 1, func() { ann = w.user("ann") })
	ben := w.user("ben")
	update := func(p groupsync.Profile) func() {
		return func() {
			if _, err := w.engine.UpdateUser(ctx, ann.ID, func(*groupsync.User) (groupsync.Profile, error) { return p, nil }); err != nil {
				t.Fatal(err)
			}
		}
	}
	on, off := true, false
	p := profile("ann")
	name := "Ann"
	w.wantCalls("update, nothing changed", 1, update(p))
	p.Fields.DisplayName = &name
	w.wantCalls("update Crowd's fields", 3, update(p))
	name2 := "Ann B"
	p.Fields.DisplayName, p.Data = &name2, []byte(`{"x":1}`)
	w.wantCalls("update fields and data", 4, update(p))
	w.wantCalls("deactivate", 5, update(groupsync.Profile{Fields: mapping.Fields{Active: &off}, ActiveSaid: true}))
	w.wantCalls("reactivate", 4, update(groupsync.Profile{Fields: mapping.Fields{Active: &on}, ActiveSaid: true}))
	w.wantCalls("get user", 1, func() { _, _ = w.engine.User(ctx, ann.ID) })
	w.wantCalls("look up a user", 1, func() { _, _ = w.engine.UserByName(ctx, "nobody") })

	w.group("first") // makes the registry
	var devs *groupsync.Group
	w.wantCalls("create group", 4, func() { devs = w.group("devs") })
	w.wantCalls("create group, name taken", 1, func() { _, _ = w.engine.CreateGroup(ctx, groupsync.NewGroup{Name: "devs"}) })
	w.wantCalls("get group", 1, func() { _, _ = w.engine.Group(ctx, devs.ID) })
	w.wantCalls("look up a group", 1, func() { _, _ = w.engine.GroupByName(ctx, "devs") })
	w.wantCalls("look up no group", 1, func() { _, _ = w.engine.GroupByName(ctx, "nothing") })
	w.wantCalls("add one member", 6, func() { w.change(devs.ID, add(ann)) }) // the first grant on a target reads the membership
	w.wantCalls("get group with members", 2, func() { w.scimMembers(devs.ID) })
	w.wantCalls("remove one member", 5, func() { w.change(devs.ID, remove(ann)) })
	w.wantCalls("add again", 5, func() { w.change(devs.ID, add(ann)) })
	w.wantCalls("add what is there", 3, func() { w.change(devs.ID, add(ann)) })
	w.change(devs.ID, add(ben))
	w.wantCalls("replace, no difference", 3, func() { w.change(devs.ID, replace(ann, ben)) })
	w.wantCalls("replace, one difference", 4+3, func() { w.change(devs.ID, replace(ann)) })
	w.wantCalls("rename, no change", 1, func() { w.rename(devs.ID, "devs") })
	// The ninth is a second search for holders, behind the moves: one who was granted
	// the group by another process, under the old name, after the first search would be
	// left behind in the old Crowd group. The other way, a look at the registry with
	// each grant, costs every single change a call.
	w.wantCalls("rename", 9+3, func() { w.rename(devs.ID, "ops") })
	w.wantCalls("delete group", 7+1, func() {
		if err := w.engine.DeleteGroup(ctx, devs.ID); err != nil {
			t.Fatal(err)
		}
	})
	w.wantCalls("delete user", 5, func() {
		if err := w.engine.DeleteUser(ctx, ben.ID, groupsync.Deactivate); err != nil {
			t.Fatal(err)
		}
	})
	w.wantCalls("delete user for good", 3, func() {
		if err := w.engine.DeleteUser(ctx, ann.ID, groupsync.Delete); err != nil {
			t.Fatal(err)
		}
	})
}
