package ledgertest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A reporter is the part of [testing.T] that checks use.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Context() context.Context
}

// A subject is a ledger under test, with the Crowd it works on.
type subject struct {
	reporter
	srv    *crowdtest.Server
	crowd  *directory
	ledger groupsync.Ledger
	open   Opener // for the checks of ledgers that share a store
}

// with returns the subject with the ledger of a connection.
func (s *subject) with(connection string) *subject {
	other := *s
	other.ledger = s.open(connection)
	return &other
}

// at returns the n-th moment of a check, in a form that neither whole seconds nor
// whole microseconds keep.
func at(n int) time.Time {
	return time.Date(2026, 11, 25, 9, 0, 0, 123456789, time.UTC).Add(time.Duration(n) * time.Second)
}

// must ends the check on an error.
func (s *subject) must(what string, err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", what, err)
	}
}

// users creates users of those names and returns them as read from Crowd.
func (s *subject) users(names ...string) []*crowd.User {
	s.Helper()
	var all []*crowd.User
	for _, n := range names {
		s.srv.AddUser(crowd.User{Name: n, Active: true, Attributes: crowd.Attributes{"shoe": {n + "'s"}}})
		u, err := s.crowd.User(s.Context(), n)
		s.must("read the user "+n, err)
		all = append(all, u)
	}
	return all
}

// again returns a user as it is in Crowd now.
func (s *subject) again(u *crowd.User) *crowd.User {
	s.Helper()
	now, err := s.crowd.UserByKey(s.Context(), u.Key)
	s.must("read the user again", err)
	return now
}

// say records facts about groups, one after the other.
func (s *subject) say(facts ...groupsync.GroupFact) {
	s.Helper()
	for _, f := range facts {
		s.must(fmt.Sprintf("RecordGroup(%+v)", f), s.ledger.RecordGroup(s.Context(), f))
	}
}

// tell records facts about a user together.
func (s *subject) tell(u *crowd.User, facts ...groupsync.UserFact) {
	s.Helper()
	s.must(fmt.Sprintf("RecordUser(%s, %+v)", u.Name, facts), s.ledger.RecordUser(s.Context(), u, facts, nil))
}

func (s *subject) book(also ...crowd.Restriction) *groupsync.Book {
	s.Helper()
	b, err := s.ledger.Book(s.Context(), also...)
	s.must("Book", err)
	if b == nil {
		s.Fatalf("Book returned neither a book nor an error")
	}
	return b
}

// holdings returns what is recorded of a user as it is in Crowd now.
func (s *subject) holdings(u *crowd.User) groupsync.Holdings {
	s.Helper()
	h, err := s.ledger.Holdings(s.Context(), s.again(u))
	s.must("Holdings of "+u.Name, err)
	return h
}

// wantGroups holds the book against the groups there should be.
func (s *subject) wantGroups(want ...groupsync.Group) {
	s.Helper()
	b := s.book()
	if n := len(b.Groups()); n != len(want) {
		s.Errorf("the book has %d groups, want %d", n, len(want))
	}
	for _, w := range want {
		got := b.Group(w.ID)
		if got == nil {
			s.Errorf("the book does not have the group %q", w.ID)
			continue
		}
		if !sameGroup(*got, w) {
			s.Errorf("the book has the group\n%+v, want\n%+v", *got, w)
		}
	}
}

func sameGroup(x, y groupsync.Group) bool {
	return x.ID == y.ID && x.Name == y.Name && x.ExternalID == y.ExternalID &&
		x.Created.Equal(y.Created) && x.Modified.Equal(y.Modified)
}

// wantGrants holds a user's grants against those there should be.
func (s *subject) wantGrants(u *crowd.User, want ...groupsync.UserFact) {
	s.Helper()
	h := s.holdings(u)
	var ids []string
	for _, w := range want {
		ids = append(ids, w.GroupID)
		got, ok := h.Grant(w.GroupID)
		if !ok || !h.Granted(w.GroupID) || !sameFact(got, w) {
			s.Errorf("%s holds of %q\n%+v, %v, want\n%+v", u.Name, w.GroupID, got, ok, w)
		}
	}
	slices.Sort(ids)
	if !slices.Equal(ids, h.Grants) {
		s.Errorf("%s holds grants of %q, want %q", u.Name, h.Grants, ids)
	}
}

// wantOrigins holds the origins of a user's memberships against those there
// should be.
func (s *subject) wantOrigins(u *crowd.User, want ...groupsync.UserFact) {
	s.Helper()
	h := s.holdings(u)
	for _, w := range want {
		origin, at := h.Origin(w.Target)
		if origin != w.Origin || !at.Equal(w.At) {
			s.Errorf("the origin of %s in %q is %d at %v, want %d at %v", u.Name, w.Target, origin, at, w.Origin, w.At)
		}
		if got, ok := h.Membership(w.Target); !ok || crowd.Fold(got.Target) != crowd.Fold(w.Target) || got.Request != w.Request {
			s.Errorf("the membership of %s in %q was recorded as %+v, %v, want %+v", u.Name, w.Target, got, ok, w)
		}
	}
	targets := h.Targets()
	if len(targets) != len(want) {
		s.Errorf("origins of %s in %q are known, want %d", u.Name, targets, len(want))
	}
}

func sameFact(x, y groupsync.UserFact) bool {
	same := x.At.Equal(y.At)
	x.At, y.At = time.Time{}, time.Time{}
	return same && x == y
}

// wantHolders holds those who hold a grant, and those who hold or held one,
// against those who should.
func (s *subject) wantHolders(groupID string, holders, edges []string) {
	s.Helper()
	s.wantUsers("Holders", s.ledger.Holders(s.Context(), groupID, len(holders)), holders)
	s.wantUsers("Edges", s.ledger.Edges(s.Context(), groupID, len(edges)), edges)
}

func (s *subject) wantUsers(what string, all iter.Seq2[*crowd.User, error], want []string) {
	s.Helper()
	var got []string
	for u, err := range all {
		s.must(what, err)
		if u.Key == "" || len(u.Attributes["shoe"]) == 0 {
			s.Errorf("%s yielded %s without key or attributes", what, u.Name)
		}
		got = append(got, u.Name)
	}
	slices.Sort(got)
	if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		s.Errorf("%s yielded %q, want %q", what, got, want)
	}
}

func granted(id string, n int) groupsync.UserFact {
	return groupsync.UserFact{GroupID: id, Granted: true, At: at(n), Request: fmt.Sprint("request ", n)}
}

func revoked(id string, n int) groupsync.UserFact {
	f := granted(id, n)
	f.Granted = false
	return f
}

func origin(target string, o groupsync.Origin, n int) groupsync.UserFact {
	return groupsync.UserFact{Target: target, Origin: o, At: at(n), Request: fmt.Sprint("request ", n)}
}

// A directory is a Crowd whose writes of users' attributes can be lost.
type directory struct {
	groupsync.Directory

	mu   sync.Mutex // guards lose
	lose loss
}

type loss int

const (
	nothing  loss = iota
	request       // the write does not reach Crowd
	response      // it does, and nobody knows
)

var errLost = errors.New("the connection was lost")

func (d *directory) losing(l loss) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lose = l
}

func (d *directory) SetUserAttributes(ctx context.Context, name string, a crowd.Attributes) error {
	d.mu.Lock()
	lose := d.lose
	d.mu.Unlock()
	if lose == request {
		return errLost
	}
	err := d.Directory.SetUserAttributes(ctx, name, a)
	if lose == response {
		return errLost
	}
	return err
}
