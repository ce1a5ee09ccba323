package groupsync_test

import (
	"fmt"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// people seeds users as the engine would have created them.
func (w *world) people(n int) []*groupsync.User {
	w.tb.Helper()
	for i := range n {
		w.srv.AddUser(crowd.User{
			Name: fmt.Sprintf("user-%05d", i), Active: true,
			Attributes: crowd.Attributes{"scim.owner": {"okta"}},
		})
	}
	var all []*groupsync.User
	for u, err := range w.engine.Users(w.tb.Context(), groupsync.UserQuery{}) {
		if err != nil {
			w.tb.Fatal(err)
		}
		all = append(all, u)
	}
	return all
}

// TestManyMembers holds that changes of thousands of members end as those of few
// do, and that they read by pages: two writes a member, and few reads.
func TestManyMembers(t *testing.T) {
	const n = 2500
	hundred := 100
	w := newWorld(t, func(c *groupsync.Config) { c.Policy.Removals = groupsync.Limit{Percent: &hundred} })
	all := w.people(n)
	g := w.group("Devs")
	most := func(what string, changes, reads int, c groupsync.MemberChange) {
		t.Helper()
		if got := w.calls(func() { w.change(g.ID, c) }); got > 2*changes+reads {
			t.Errorf("%s: %d calls for %d changes, want at most %d reads more than two writes for each", what, got, changes, reads)
		}
	}
	most("first push", n, 14, replace(all...))
	if got := len(w.srv.Members("Devs")); got != n {
		t.Fatalf("%d members, want %d", got, n)
	}
	most("the same push again", 0, 8, replace(all...))
	most("a push without 40 and with none new", 40, 14, replace(all[40:]...))
	most("adding all", 40, 12, add(all...))
	most("removing 1,500", 1500, 12, remove(all[:1500]...))
	if got := len(w.srv.Members("Devs")); got != n-1500 {
		t.Fatalf("%d members, want %d", got, n-1500)
	}
	if steps := w.reconcile(); len(steps) > 0 {
		t.Errorf("a reconcile finds %d steps, the first is %s", len(steps), steps[0])
	}
}
