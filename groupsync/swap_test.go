package groupsync_test

import (
	"context"
	"slices"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A swap gives a user's name to somebody else in front of one call.
type swap struct {
	groupsync.Directory
	before string // the call
}

func (s *swap) now(ctx context.Context, call string) {
	if s.before != call {
		return
	}
	s.before = ""
	if _, err := s.RenameUser(ctx, "ann", "maria"); err != nil {
		panic(err)
	}
	if _, err := s.CreateUser(ctx, crowd.User{Name: "ann", Active: true}, "x1234567aA-"); err != nil {
		panic(err)
	}
}

func (s *swap) AddMember(ctx context.Context, group, user string) (bool, error) {
	s.now(ctx, "add")
	return s.Directory.AddMember(ctx, group, user)
}

func (s *swap) RemoveMember(ctx context.Context, group, user string) (bool, error) {
	s.now(ctx, "remove")
	return s.Directory.RemoveMember(ctx, group, user)
}

func (s *swap) SetUserAttributes(ctx context.Context, name string, a crowd.Attributes) error {
	s.now(ctx, "record")
	return s.Directory.SetUserAttributes(ctx, name, a)
}

// TestNamesThatChangeHands holds that a change which was meant for one user and hit
// another, who took the name in the midst of it, is undone and made to the first.
func TestNamesThatChangeHands(t *testing.T) {
	for _, before := range []string{"record", "add", "remove"} {
		t.Run(before, func(t *testing.T) {
			w := newWorld(t)
			s := &swap{Directory: w.srv.Client(t)}
			w.cfg.Crowd = s
			w.restart()
			ann := w.user("ann")
			g := w.group("Devs")
			if before == "remove" {
				w.change(g.ID, add(ann))
			}
			s.before = before
			want := []string{"maria"}
			if before == "remove" {
				w.change(g.ID, remove(ann))
				want = nil
			} else {
				w.change(g.ID, add(ann))
			}
			if s.before != "" {
				t.Fatal("the name did not change hands")
			}
			w.wantMembers("Devs", want...)
			if got := w.scimMembers(g.ID); !slices.Equal(got, want) {
				t.Errorf("SCIM shows %v, want %v", got, want)
			}
			if steps := w.reconcile(); len(steps) > 0 {
				t.Errorf("a reconcile finds %v", steps)
			}
		})
	}
}

// TestUsersWhoComeAfterOthers holds that a new user gets nothing of an earlier one
// of its name, also where Crowd keeps the attributes and memberships of those who
// were deleted.
func TestUsersWhoComeAfterOthers(t *testing.T) {
	w := newWorld(t)
	w.srv.SetOptions(func(o *crowdtest.Options) { o.KeepOnDelete = true })
	g := w.group("Devs", w.user("ann"))
	if err := w.srv.Client(t).DeleteUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	u := w.user("ann")
	if len(u.Grants) > 0 {
		t.Errorf("the new user holds %v", u.Grants)
	}
	w.wantMembers("Devs")
	if got := w.scimMembers(g.ID); len(got) > 0 {
		t.Errorf("SCIM shows %v", got)
	}
	w.change(g.ID, add(u))
	w.wantMembers("Devs", "ann")
}
