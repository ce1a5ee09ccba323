package ledgertest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

func wholeChecks() []check {
	return []check{
		{"many write at once", func(s *subject) { writesAtOnce(s, func(int) groupsync.Ledger { return s.ledger }) }},
		{"many write the same at once", func(s *subject) { writesTheSame(s, func(int) groupsync.Ledger { return s.ledger }) }},
		{"an engine works with it", func(s *subject) { worksForEngines(s, func() groupsync.Ledger { return s.ledger }) }},
	}
}

const writers = 8

// writesAtOnce lets many writers record different things and read them, of the
// same user and registry.
func writesAtOnce(s *subject, ledger func(int) groupsync.Ledger) {
	shared := s.users("shared")[0]
	var names []string
	for i := range writers {
		names = append(names, fmt.Sprint("user ", i))
	}
	own := s.users(names...)
	atOnce(s, func(i int) error {
		l, id := ledger(i), fmt.Sprint("g", i)
		for _, step := range []func() error{
			func() error { return l.RecordGroup(s.Context(), issued(id, "Name of "+id, i)) },
			func() error { return l.RecordUser(s.Context(), shared, []groupsync.UserFact{granted(id, i)}, nil) },
			func() error {
				return l.RecordUser(s.Context(), own[i], []groupsync.UserFact{granted("all", i), origin(id, groupsync.Made, i)}, nil)
			},
			func() error { return readAll(s, l, own[i]) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
	var groups []groupsync.Group
	var facts []groupsync.UserFact
	for i := range writers {
		id := fmt.Sprint("g", i)
		groups = append(groups, groupsync.Group{ID: id, Name: "Name of " + id, ExternalID: "of " + id, Created: at(i), Modified: at(i)})
		facts = append(facts, granted(id, i))
		s.wantGrants(own[i], granted("all", i))
		s.wantOrigins(own[i], origin(id, groupsync.Made, i))
	}
	s.wantGroups(groups...)
	s.wantGrants(shared, facts...)
	s.wantHolders("all", names, names)
}

// readAll reads what there is to read, for the race detector's sake, and holds
// that a writer sees what it has written.
func readAll(s *subject, l groupsync.Ledger, u *crowd.User) error {
	b, err := l.Book(s.Context())
	if err != nil {
		return err
	}
	_ = b.Groups()
	now, err := s.crowd.UserByKey(s.Context(), u.Key)
	if err != nil {
		return err
	}
	h, err := l.Holdings(s.Context(), now)
	if err != nil {
		return err
	}
	if !h.Granted("all") {
		return fmt.Errorf("a grant just recorded is not there: %+v", h)
	}
	found := false
	for holder, err := range l.Holders(s.Context(), "all", 0) {
		if err != nil {
			return err
		}
		found = found || holder.Key == u.Key
	}
	if !found {
		return fmt.Errorf("the holder just recorded is not there: %s", u.Name)
	}
	return nil
}

// writesTheSame lets many writers record the same facts in words of their own: at
// the end stands what one of them said, whole.
func writesTheSame(s *subject, ledger func(int) groupsync.Ledger) {
	ann := s.users("ann")[0]
	s.say(issued("a", "Devs", 0))
	atOnce(s, func(i int) error {
		l := ledger(i)
		f := groupsync.GroupFact{Kind: groupsync.Renamed, ID: "a", Name: fmt.Sprint("name ", i), Made: i%2 == 0, At: at(i)}
		if err := l.RecordGroup(s.Context(), f); err != nil {
			return err
		}
		return l.RecordUser(s.Context(), ann, []groupsync.UserFact{granted("a", i)}, nil)
	})
	b := s.book()
	g, said := b.Group("a"), false
	for i := range writers {
		said = said || g != nil && g.Name == fmt.Sprint("name ", i) && b.Made("a") == (i%2 == 0)
	}
	if !said {
		s.Errorf("the group is %+v, made %v, which nobody said", g, b.Made("a"))
	}
	f, ok := s.holdings(ann).Grant("a")
	if !ok || !slices.ContainsFunc(grantsOfAll(), func(w groupsync.UserFact) bool { return sameFact(f, w) }) {
		s.Errorf("the grant is %+v, %v, which nobody said", f, ok)
	}
}

func grantsOfAll() []groupsync.UserFact {
	var all []groupsync.UserFact
	for i := range writers {
		all = append(all, granted("a", i))
	}
	return all
}

// atOnce calls f for every writer at the same time.
func atOnce(s *subject, f func(i int) error) {
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			if err := f(i); err != nil {
				s.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// worksForEngines lets two engines, each with a ledger of its own, lead a user and
// a few groups through their life.
func worksForEngines(s *subject, ledger func() groupsync.Ledger) {
	first, second := s.engine(ledger()), s.engine(ledger())
	s.srv.AddGroup(crowd.Group{Name: "By hand", Active: true})
	ann, bob := s.person(first, "ann"), s.person(first, "bob")
	s.srv.AddMember("By hand", "bob")

	devs, err := first.CreateGroup(s.Context(), groupsync.NewGroup{Name: "Devs", ExternalID: "x", Members: []string{ann.ID}})
	s.must("create a group", err)
	linked, err := first.CreateGroup(s.Context(), groupsync.NewGroup{Name: "By hand", Members: []string{ann.ID, bob.ID}})
	s.must("link a group", err)
	s.wantMembers("devs", "ann")
	s.wantMembers("by hand", "ann", "bob")

	name := "Ops"
	_, err = second.ChangeGroup(s.Context(), devs.ID, groupsync.GroupChange{Name: &name})
	s.must("rename the group", err)
	s.wantMembers("ops", "ann")

	everybody := groupsync.GroupChange{Members: []groupsync.MemberChange{{Op: groupsync.ReplaceMembers}}}
	_, err = second.ChangeGroup(s.Context(), linked.ID, everybody)
	s.must("empty the linked group", err)
	s.wantMembers("by hand", "bob") // who was there before

	s.must("delete the group", first.DeleteGroup(s.Context(), devs.ID))
	if _, err := second.Group(s.Context(), devs.ID); err == nil {
		s.Errorf("a deleted group is there still")
	}
	again, err := second.CreateGroup(s.Context(), groupsync.NewGroup{Name: "Devs"})
	s.must("create a group of the first name again", err)
	if again.ID == devs.ID {
		s.Errorf("the id %s of a deleted group came back", again.ID)
	}
	result, err := first.Reconcile(s.Context(), groupsync.ReconcileOptions{})
	s.must("reconcile", err)
	if n := len(result.Plan.Steps); n > 0 {
		s.Errorf("a reconcile found %d differences: %s", n, result.Plan)
	}
	if s.book().Reconciled.IsZero() {
		s.Errorf("the end of the reconcile was not recorded")
	}
}

func (s *subject) engine(l groupsync.Ledger) *groupsync.Engine {
	s.Helper()
	e, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: s.crowd, Ledger: l})
	s.must("new engine", err)
	return e
}

func (s *subject) person(e *groupsync.Engine, name string) *groupsync.User {
	s.Helper()
	u, err := e.CreateUser(s.Context(), groupsync.Profile{Fields: mapping.Fields{Username: &name}}, groupsync.Conflict)
	s.must("create a user", err)
	return u
}

func (s *subject) wantMembers(group string, want ...string) {
	s.Helper()
	if got := s.srv.Members(group); !slices.Equal(got, want) {
		s.Errorf("the members of %q in Crowd are %q, want %q", group, got, want)
	}
}
