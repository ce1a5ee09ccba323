package ledgertest

import (
	"github.com/scimcrowd/scimcrowd/groupsync"
)

func sharedChecks() []check {
	return []check{
		{"what one process records another one sees", func(s *subject) {
			ann := s.users("ann")[0]
			first, second := s.with("okta"), s.with("okta")
			first.say(issued("a", "Devs", 1), issued("b", "Ops", 1))
			second.say(dead("b", 2), nested("a", "c", true, 2))
			first.tell(ann, granted("a", 1), origin("devs", groupsync.Made, 1))
			second.tell(ann, granted("b", 2), origin("devs", groupsync.Found, 2))
			s.must("RecordReconciled", first.ledger.RecordReconciled(s.Context(), at(3)))
			for _, l := range []*subject{first, second, s.with("okta")} {
				l.wantGroups(groupsync.Group{ID: "a", Name: "Devs", ExternalID: "of a", Created: at(1), Modified: at(1)})
				l.wantNested("a", "c", true, false)
				l.wantGrants(ann, granted("a", 1), granted("b", 2))
				l.wantOrigins(ann, origin("devs", groupsync.Found, 2))
				l.wantHolders("a", []string{"ann"}, []string{"ann"})
				if got := l.book().Reconciled; !got.Equal(at(3)) {
					s.Errorf("reconciled at %v, want %v", got, at(3))
				}
			}
		}},
		{"a connection's groups and grants are its own", keepsConnectionsApart},
		{"connections share origins", func(s *subject) {
			ann := s.users("ann")[0]
			first, second := s.with("okta"), s.with("entra")
			first.tell(ann, origin("Devs", groupsync.Found, 1), origin("ops", groupsync.Made, 1))
			second.wantOrigins(ann, origin("devs", groupsync.Found, 1), origin("ops", groupsync.Made, 1))
			second.tell(ann, granted("a", 2), origin("devs", groupsync.Left, 2))
			first.wantOrigins(ann, origin("devs", groupsync.Left, 2), origin("ops", groupsync.Made, 1))
			first.wantGrants(ann)
		}},
		{"many processes write at once", func(s *subject) {
			writesAtOnce(s.with("okta"), func(int) groupsync.Ledger { return s.open("okta") })
		}},
		{"many processes write the same at once", func(s *subject) {
			writesTheSame(s.with("okta"), func(int) groupsync.Ledger { return s.open("okta") })
		}},
		{"engines of many processes work with it", func(s *subject) {
			worksForEngines(s.with("okta"), func() groupsync.Ledger { return s.open("okta") })
		}},
	}
}

// keepsConnectionsApart records the same facts for connections whose names begin
// alike, or are words that a ledger may use itself.
func keepsConnectionsApart(s *subject) {
	ann := s.users("ann")[0]
	names := []string{"okta", "okta-eu", "okt", "a", "made", "owner", "grant", "0", "-", "abcdefghijklmnopqrstuvwxyz-01234"}
	for i, name := range names {
		c := s.with(name)
		c.say(groupsync.GroupFact{Kind: groupsync.Issued, ID: "a", Name: name, At: at(i)})
		c.tell(ann, granted("a", i))
		s.must("RecordReconciled", c.ledger.RecordReconciled(s.Context(), at(i)))
	}
	s.with("okta").tell(ann, revoked("a", 20))
	s.with("okta").say(dead("a", 20), nested("a", "b", true, 20))
	for i, name := range names {
		c := s.with(name)
		c.wantOrigins(ann)
		if got := c.book().Reconciled; !got.Equal(at(i)) {
			s.Errorf("connection %s: reconciled at %v, want %v", name, got, at(i))
		}
		if name == "okta" {
			c.wantGroups()
			c.wantGrants(ann)
			c.wantHolders("a", nil, []string{"ann"})
			continue
		}
		c.wantGroups(groupsync.Group{ID: "a", Name: name, Created: at(i), Modified: at(i)})
		c.wantNested("a", "b", false, false)
		c.wantGrants(ann, granted("a", i))
		c.wantHolders("a", []string{"ann"}, []string{"ann"})
	}
	none := s.with("other")
	none.wantGroups()
	none.wantGrants(ann)
	none.wantHolders("a", nil, nil)
}
