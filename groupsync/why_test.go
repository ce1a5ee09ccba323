package groupsync_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

func (w *world) why(q groupsync.WhyQuery) []string {
	w.tb.Helper()
	var all []string
	for x, err := range w.engine.Why(w.tb.Context(), q) {
		if err != nil {
			w.tb.Fatal(err)
		}
		all = append(all, x.String())
	}
	return all
}

// TestWhy holds what is said of memberships: who granted them, since when, and
// which nobody did.
func TestWhy(t *testing.T) {
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	w := newWorld(t, func(c *groupsync.Config) {
		c.Groups = compiled(mapping.Groups{DefaultForAllUsers: []string{"everybody"}})
		c.Now = func() time.Time { return at }
		c.Neighbours = []groupsync.Neighbour{{Connection: "entra"}}
	})
	w.srv.AddGroup(crowd.Group{Name: "everybody", Active: true}, crowd.Group{Name: "chess", Active: true})
	entra := newNeighbour(t, w, "entra")
	ann, ben := w.user("ann"), w.user("ben")
	w.srv.AddMember("chess", "ann")
	g := w.group("Devs")
	ctx := groupsync.WithRequestID(t.Context(), "req-1")
	if _, err := w.engine.ChangeGroup(ctx, g.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{add(ann, ben)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := entra.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Devs", Members: []string{ann.ID}}); err != nil {
		t.Fatal(err)
	}
	w.srv.AddUser(crowd.User{Name: "cid", Active: true})
	w.srv.AddMember("Devs", "cid")
	if _, err := w.srv.Client(t).RemoveMember(t.Context(), "Devs", "ben"); err != nil {
		t.Fatal(err)
	}
	mine := "granted by Devs, on the fly, by okta, since 2026-11-25T09:00:00Z, request req-1"
	for _, tt := range []struct {
		q    groupsync.WhyQuery
		want []string
	}{
		{groupsync.WhyQuery{User: "cid"}, []string{"cid is in Devs: not granted, and not made by the identity provider"}},
		{groupsync.WhyQuery{User: "cid", Group: "chess"}, []string{"cid is not in chess: not granted, and not made by the identity provider"}},
		{groupsync.WhyQuery{User: "Ben", Group: "devs"}, []string{"ben is not in Devs: " + mine}},
		{groupsync.WhyQuery{Group: "chess"}, []string{"ann is in chess: not granted, and not made by the identity provider"}},
	} {
		if diff := cmp.Diff(tt.want, w.why(tt.q)); diff != "" {
			t.Errorf("%+v mismatch (-want +got):\n%s", tt.q, diff)
		}
	}
	var reasons []groupsync.Ground
	for x, err := range w.engine.Why(t.Context(), groupsync.WhyQuery{User: "ann", Group: "Devs"}) {
		if err != nil {
			t.Fatal(err)
		}
		reasons = append(reasons, x.Reasons...)
	}
	if len(reasons) != 2 || reasons[0].Connection != "okta" || reasons[1].Connection != "entra" || reasons[0].Request != "req-1" {
		t.Errorf("ann is in Devs for %v", reasons)
	}
	if all := w.why(groupsync.WhyQuery{User: "ann"}); len(all) != 3 {
		t.Errorf("ann: %v", all)
	}
	if all := w.why(groupsync.WhyQuery{Group: "Devs"}); len(all) != 3 || all[2] != "ben is not in Devs: "+mine {
		t.Errorf("Devs: %v", all)
	}
	for _, err := range w.engine.Why(t.Context(), groupsync.WhyQuery{User: "nobody"}) {
		if !errors.Is(err, groupsync.ErrNoUser) {
			t.Errorf("nobody: %v", err)
		}
	}
}
