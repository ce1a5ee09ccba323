package groupsync_test

import (
	"context"
	"errors"
	"fmt"
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

// An operation is a request, with what precedes it. The act may be repeated.
type operation struct {
	name  string
	setup func(w *world) string // returns the id that act is about
	act   func(ctx context.Context, e *groupsync.Engine, w *world, id string) error
}

func operations() []operation {
	changeUser := func(p func() groupsync.Profile) func(context.Context, *groupsync.Engine, *world, string) error {
		return func(ctx context.Context, e *groupsync.Engine, _ *world, id string) error {
			_, err := e.UpdateUser(ctx, id, func(*groupsync.User) (groupsync.Profile, error) { return p(), nil })
			return err
		}
	}
	active := func(v bool) func() groupsync.Profile {
		return func() groupsync.Profile {
			return groupsync.Profile{Fields: mapping.Fields{Active: &v}, ActiveSaid: true}
		}
	}
	changeGroup := func(c func(w *world) groupsync.GroupChange) func(context.Context, *groupsync.Engine, *world, string) error {
		return func(ctx context.Context, e *groupsync.Engine, w *world, id string) error {
			_, err := e.ChangeGroup(ctx, id, c(w))
			return err
		}
	}
	rename := func(name string) func(*world) groupsync.GroupChange {
		return func(*world) groupsync.GroupChange { return groupsync.GroupChange{Name: &name} }
	}
	membersOf := func(op groupsync.MemberOp, names ...string) func(*world) groupsync.GroupChange {
		return func(w *world) groupsync.GroupChange {
			c := groupsync.MemberChange{Op: op}
			for _, n := range names {
				c.IDs = append(c.IDs, w.idOf(n))
			}
			return groupsync.GroupChange{Members: []groupsync.MemberChange{c}}
		}
	}
	ann := func(w *world) string { return w.user("ann").ID }
	devs := func(w *world) string {
		return w.group("Devs", w.user("ann"), w.user("ben")).ID
	}
	linked := func(w *world) string {
		w.srv.AddUser(crowd.User{Name: "cid", Active: true, Email: "cid@example.com"})
		w.srv.AddGroup(crowd.Group{Name: "devs", Active: true})
		w.srv.AddMember("devs", "cid")
		return devs(w)
	}
	handMade := func(w *world) string { // a group of ours into which somebody was put by hand
		id := devs(w)
		w.srv.AddUser(crowd.User{Name: "cid", Active: true, Email: "cid@example.com"})
		w.srv.AddMember("devs", "cid")
		return id
	}
	create := func(ctx context.Context, e *groupsync.Engine, _ *world, _ string) error {
		_, err := e.CreateUser(ctx, profile("ann"), groupsync.Conflict)
		return err
	}
	createGroup := func(ctx context.Context, e *groupsync.Engine, _ *world, _ string) error {
		_, err := e.CreateGroup(ctx, groupsync.NewGroup{Name: "Devs", ExternalID: "x1"})
		return err
	}
	deleteGroup := func(ctx context.Context, e *groupsync.Engine, _ *world, id string) error {
		return e.DeleteGroup(ctx, id)
	}
	deleteUser := func(how groupsync.Deletion) func(context.Context, *groupsync.Engine, *world, string) error {
		return func(ctx context.Context, e *groupsync.Engine, _ *world, id string) error {
			return e.DeleteUser(ctx, id, how)
		}
	}
	member := func(w *world) string {
		u := w.user("ann")
		w.group("Devs", u)
		w.group("Ops", u)
		return u.ID
	}
	changed := func() groupsync.Profile {
		p := profile("ann")
		name, email := "Ann Other", "other@example.com"
		p.Fields.DisplayName, p.Fields.Email, p.Data = &name, &email, []byte(`{"n":2}`)
		return p
	}
	renamed := func() groupsync.Profile {
		p := profile("anna")
		p.ExternalID = "ext-ann"
		return p
	}
	leave := func() groupsync.Profile {
		p := changed()
		off := false
		p.Fields.Active = &off
		return p
	}
	nothing := func(*world) string { return "" }
	return []operation{
		{"create user", nothing, create},
		{"update user", ann, changeUser(changed)},
		{"rename user", ann, changeUser(renamed)},
		{"deactivate user", ann, changeUser(active(false))},
		{"deactivate and change user", ann, changeUser(leave)},
		{"reactivate user", func(w *world) string {
			id := ann(w)
			if err := changeUser(active(false))(w.tb.Context(), w.engine, w, id); err != nil {
				w.tb.Fatal(err)
			}
			return id
		}, changeUser(active(true))},
		{"delete user", member, deleteUser(groupsync.Deactivate)},
		{"delete user for good", member, deleteUser(groupsync.Delete)},
		{"revive user", func(w *world) string {
			id := member(w)
			if err := w.engine.DeleteUser(w.tb.Context(), id, groupsync.Deactivate); err != nil {
				w.tb.Fatal(err)
			}
			return id
		}, create},
		{"create group", nothing, createGroup},
		{"link group", func(w *world) string {
			w.srv.AddGroup(crowd.Group{Name: "devs", Active: true})
			return ""
		}, createGroup},
		{"rename group", devs, changeGroup(rename("Ops"))},
		{"rename group with others in it", handMade, changeGroup(rename("Ops"))},
		{"delete group", devs, deleteGroup},
		{"delete group with others in it", handMade, deleteGroup},
		{"delete linked group", linked, deleteGroup},
		{"add member", func(w *world) string { id := devs(w); w.user("eve"); return id }, changeGroup(membersOf(groupsync.AddMembers, "eve"))},
		{"remove member", devs, changeGroup(membersOf(groupsync.RemoveMembers, "ann"))},
		{"remove member of linked group", linked, changeGroup(membersOf(groupsync.RemoveMembers, "ann"))},
		{"replace members", func(w *world) string { id := linked(w); w.user("eve"); return id }, changeGroup(membersOf(groupsync.ReplaceMembers, "ben", "eve"))},
		{"empty group", devs, changeGroup(membersOf(groupsync.ReplaceMembers))},
	}
}

func (w *world) idOf(name string) string {
	w.tb.Helper()
	u, found := w.srv.User(name)
	if !found {
		w.tb.Fatalf("Crowd has no user %s", name)
	}
	return strings.Replace(u.Key, ":", ".", 1)
}

// state is all that matters of a Crowd and of what SCIM shows, as text.
func (w *world) state() string {
	w.tb.Helper()
	var b strings.Builder
	for _, name := range w.srv.UserNames() {
		u, _ := w.srv.User(name)
		fmt.Fprintf(&b, "user %s active=%v email=%s display=%s sessions=%d\n", u.Name, u.Active, u.Email, u.DisplayName, w.srv.Sessions(name))
		v, err := w.engine.UserByName(context.Background(), name)
		if errors.Is(err, groupsync.ErrNoUser) {
			fmt.Fprintf(&b, "  not shown\n")
		} else if err != nil {
			w.tb.Fatal(err)
		} else {
			fmt.Fprintf(&b, "  data=%s grants=%v\n", v.Data, w.live(v.Grants))
		}
	}
	for _, name := range w.srv.GroupNames() {
		if strings.HasPrefix(name, groupsync.RegistryPrefix) {
			continue
		}
		members := w.srv.Members(name)
		slices.Sort(members)
		fmt.Fprintf(&b, "group %s %v\n", crowd.Fold(name), members)
	}
	groups, err := w.engine.Groups(context.Background())
	if err != nil {
		w.tb.Fatal(err)
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "scim group %s %s %s %v\n", g.ID, g.Name, g.ExternalID, w.scimMembers(g.ID))
	}
	return b.String()
}

// live returns those of the ids that SCIM groups have: a grant of another counts
// for nothing.
func (w *world) live(ids []string) []string {
	w.tb.Helper()
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		_, err := w.engine.Group(context.Background(), id)
		return errors.Is(err, groupsync.ErrNoGroup)
	})
}

// TestEveryFaultThenRetry loses, cuts, refuses or abandons every call to Crowd of
// every operation, one at a time, and then repeats the operation as an identity
// provider would, on a fresh replica: the end must be that of a run without
// faults.
func TestEveryFaultThenRetry(t *testing.T) {
	kinds := []crowdtest.Fault{
		{Kind: crowdtest.LoseRequest, Times: 3},
		{Kind: crowdtest.LoseRequest},
		{Kind: crowdtest.LoseResponse, Times: 3},
		{Kind: crowdtest.LoseResponse},
		{Kind: crowdtest.LandLate, Times: 3},
		{Kind: crowdtest.ResetResponse},
		{Kind: crowdtest.CutBody, Times: 3},
		{Kind: crowdtest.Answer, Status: 500, Times: 3},
		{Kind: crowdtest.AnswerHTML, Status: 503, Times: 3},
		{Kind: crowdtest.Answer, Status: 429},
	}
	total := 0
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			w := worldOver(t, new(crowdtest.Server))
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
					synctest.Test(t, func(t *testing.T) { faultThenRetry(t, op, f, want) })
				}
			}
		})
	}
	t.Logf("%d faults", total)
	if total < 500 {
		t.Errorf("only %d faults were tried", total)
	}
}

func faultThenRetry(t *testing.T, op operation, f crowdtest.Fault, want string) {
	t.Helper()
	w := worldOver(t, new(crowdtest.Server))
	id := op.setup(w)
	w.srv.Fail(f)
	first := op.act(t.Context(), w.engine, w, id)
	w.srv.ClearFaults()
	w.srv.Land()
	w.restart()
	// A call that lands after its own request was answered takes its place late:
	// the next push of the same heals what it undid.
	if first != nil || f.Kind == crowdtest.LandLate {
		second := op.act(t.Context(), w.engine, w, id)
		if second != nil && !repeated(second) {
			t.Errorf("call %d, %v x%d: retry: %v (first: %v)", f.Nth, f.Kind, f.Times, second, first)
		}
	}
	if diff := cmp.Diff(want, w.state()); diff != "" {
		t.Errorf("call %d, %v x%d: end state mismatch (-want +got), first error %v:\n%s", f.Nth, f.Kind, f.Times, first, diff)
	}
}

// repeated reports whether an error only says that the operation took effect the
// first time.
func repeated(err error) bool {
	_, conflict := errors.AsType[*groupsync.ConflictError](err)
	return conflict || errors.Is(err, groupsync.ErrNoUser) || errors.Is(err, groupsync.ErrNoGroup)
}
