package ledgertest

import (
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

func groupChecks() []check {
	return []check{
		{"a new ledger is empty", func(s *subject) {
			ann := s.users("ann")[0]
			if b := s.book(); len(b.Groups()) > 0 || len(b.Crowd) > 0 || !b.Reconciled.IsZero() {
				s.Errorf("a new ledger has %d groups, %d Crowd groups and was reconciled at %v", len(b.Groups()), len(b.Crowd), b.Reconciled)
			}
			s.wantGrants(ann)
			s.wantOrigins(ann)
			s.wantHolders("a", nil, nil)
		}},
		{"what was issued is kept", func(s *subject) {
			s.say(
				groupsync.GroupFact{Kind: groupsync.Issued, ID: "a", Name: "Devs", ExternalID: "x", Members: "m", Made: true, At: at(1), Request: "r"},
				groupsync.GroupFact{Kind: groupsync.Issued, ID: "b", Name: "Ops", At: at(2)})
			s.wantGroups(
				groupsync.Group{ID: "a", Name: "Devs", ExternalID: "x", Created: at(1), Modified: at(1)},
				groupsync.Group{ID: "b", Name: "Ops", Created: at(2), Modified: at(2)})
			if b := s.book(); !b.Made("a") || b.Made("b") {
				s.Errorf("made: %v, %v, want true, false", b.Made("a"), b.Made("b"))
			}
			if b := s.book(); b.CreatedWith("a") != "m" || b.CreatedWith("b") != "" {
				s.Errorf("created with %q, %q, want \"m\" and nobody", b.CreatedWith("a"), b.CreatedWith("b"))
			}
		}},
		{"the last name counts", func(s *subject) {
			s.say(
				issued("a", "Devs", 1),
				groupsync.GroupFact{Kind: groupsync.Renamed, ID: "a", Name: "Ops", At: at(2)},
				groupsync.GroupFact{Kind: groupsync.Renamed, ID: "a", Name: "Sales", Made: true, At: at(3)})
			s.wantGroups(groupsync.Group{ID: "a", Name: "Sales", ExternalID: "of a", Created: at(1), Modified: at(3)})
			if !s.book().Made("a") {
				s.Errorf("that the Crowd group of the last name was made is not kept")
			}
		}},
		{"the last externalId counts, none as well", func(s *subject) {
			s.say(
				issued("a", "Devs", 1), issued("b", "Ops", 1),
				groupsync.GroupFact{Kind: groupsync.Externalised, ID: "a", ExternalID: "y", At: at(2)},
				groupsync.GroupFact{Kind: groupsync.Externalised, ID: "a", ExternalID: "z", At: at(3)},
				groupsync.GroupFact{Kind: groupsync.Externalised, ID: "b", At: at(4)})
			s.wantGroups(
				groupsync.Group{ID: "a", Name: "Devs", ExternalID: "z", Created: at(1), Modified: at(3)},
				groupsync.Group{ID: "b", Name: "Ops", Created: at(1), Modified: at(4)})
		}},
		{"the last write counts, not the latest time", func(s *subject) {
			s.say(
				issued("a", "Devs", 1),
				groupsync.GroupFact{Kind: groupsync.Renamed, ID: "a", Name: "Ops", At: at(9)},
				groupsync.GroupFact{Kind: groupsync.Renamed, ID: "a", Name: "Sales", At: at(5)})
			if g := s.book().Group("a"); g == nil || g.Name != "Sales" {
				s.Errorf("the book has the group\n%+v, want the name Sales", g)
			}
		}},
		{"a late issue undoes neither a new name nor a new externalId", func(s *subject) {
			s.say(
				issued("a", "Devs", 1),
				groupsync.GroupFact{Kind: groupsync.Renamed, ID: "a", Name: "Ops", At: at(2)},
				groupsync.GroupFact{Kind: groupsync.Externalised, ID: "a", ExternalID: "y", At: at(2)},
				issued("a", "Devs", 1))
			s.wantGroups(groupsync.Group{ID: "a", Name: "Ops", ExternalID: "y", Created: at(1), Modified: at(2)})
		}},
		{"a dead id stays dead", func(s *subject) {
			s.say(
				issued("a", "Devs", 1), dead("a", 2),
				dead("b", 3), // before its issue arrives
				issued("a", "Devs", 4), issued("b", "Ops", 4),
				groupsync.GroupFact{Kind: groupsync.Renamed, ID: "a", Name: "Sales", At: at(5)},
				issued("c", "Devs", 6))
			s.wantGroups(groupsync.Group{ID: "c", Name: "Devs", ExternalID: "of c", Created: at(6), Modified: at(6)})
		}},
		{"a fact is written twice", func(s *subject) {
			s.say(issued("a", "Devs", 1), issued("a", "Devs", 1), issued("b", "Ops", 1), dead("b", 2), dead("b", 2))
			s.wantGroups(groupsync.Group{ID: "a", Name: "Devs", ExternalID: "of a", Created: at(1), Modified: at(1)})
		}},
		{"ids and texts are kept byte for byte", keepsTexts},
		{"ids are kept apart", func(s *subject) {
			long := strings.Repeat("a", 239)
			ids := []string{"n-ZGV2cw", "n-zGV2cw", "N-ZGV2cw", "n2-ZGV2cw", "n-ZGV2c", "n-ZGV2_w", "n-ZGV2%w", long, long + "b", long + "c"}
			var want []groupsync.Group
			for i, id := range ids {
				s.say(issued(id, "Devs", i))
				want = append(want, groupsync.Group{ID: id, Name: "Devs", ExternalID: "of " + id, Created: at(i), Modified: at(i)})
			}
			s.wantGroups(want...)
			s.say(dead(long+"b", 20), dead("n-zGV2cw", 20))
			s.wantGroups(append(append(want[:1:1], want[2:8]...), want[9])...)
		}},
		{"groups within groups are kept", func(s *subject) {
			s.say(issued("a", "Devs", 1), issued("b", "Ops", 1))
			s.say(nested("a", "b", true, 2))
			s.wantNested("a", "b", true, false)
			s.wantNested("b", "a", false, false)
			found := nested("b", "a", true, 3)
			found.Origin = groupsync.Found
			s.say(found)
			s.wantNested("b", "a", true, true)
			s.say(nested("a", "b", false, 1)) // at an earlier time, but later
			s.wantNested("a", "b", false, false)
			s.say(nested("a", "b", true, 0))
			s.wantNested("a", "b", true, false)
			s.wantGroups(
				groupsync.Group{ID: "a", Name: "Devs", ExternalID: "of a", Created: at(1), Modified: at(1)},
				groupsync.Group{ID: "b", Name: "Ops", ExternalID: "of b", Created: at(1), Modified: at(1)})
			s.wantHolders("a", nil, nil)
		}},
		{"groups within groups are kept apart", func(s *subject) {
			long := strings.Repeat("a", 239)
			pairs := [][2]string{
				{"a", "bc"},
				{"ab", "c"},
				{"a", "BC"},
				{"A", "bc"},
				{"bc", "a"},
				{"a", "b"},
				{"a", "a"},
				{long + "b", long + "c"},
				{long + "b", long + "d"},
				{long + "c", long + "b"},
			}
			for i, p := range pairs {
				s.say(nested(p[0], p[1], i%2 == 0, i))
			}
			for i, p := range pairs {
				s.wantNested(p[0], p[1], i%2 == 0, false)
			}
		}},
		{"the end of a reconcile is kept", func(s *subject) {
			for i := range 2 {
				s.must("RecordReconciled", s.ledger.RecordReconciled(s.Context(), at(i)))
				if got := s.book().Reconciled; !got.Equal(at(i)) {
					s.Errorf("reconciled at %v, want %v", got, at(i))
				}
			}
			s.say(issued("a", "Devs", 3))
			if got := s.book().Reconciled; !got.Equal(at(1)) {
				s.Errorf("after another fact reconciled at %v, want %v", got, at(1))
			}
		}},
		{"a book stays as it was read", func(s *subject) {
			s.say(issued("a", "Devs", 1))
			first, second := s.book(), s.book()
			if first == second {
				s.Errorf("two calls of Book share one book")
			}
			first.Add(dead("a", 2))
			s.say(issued("b", "Ops", 3))
			if len(second.Groups()) != 1 || second.Group("a") == nil {
				s.Errorf("a book changed after it was read: it has %d groups", len(second.Groups()))
			}
			s.wantGroups(
				groupsync.Group{ID: "a", Name: "Devs", ExternalID: "of a", Created: at(1), Modified: at(1)},
				groupsync.Group{ID: "b", Name: "Ops", ExternalID: "of b", Created: at(3), Modified: at(3)})
		}},
		{"a book holds the Crowd groups that were asked for", func(s *subject) {
			s.wantCrowd(true) // before anything is recorded
			s.say(issued("a", "Devs", 1))
			s.wantCrowd(false)
		}},
	}
}

func issued(id, name string, n int) groupsync.GroupFact {
	return groupsync.GroupFact{Kind: groupsync.Issued, ID: id, Name: name, ExternalID: "of " + id, At: at(n), Request: "r"}
}

func dead(id string, n int) groupsync.GroupFact {
	return groupsync.GroupFact{Kind: groupsync.Dead, ID: id, At: at(n)}
}

func nested(parent, child string, granted bool, n int) groupsync.GroupFact {
	return groupsync.GroupFact{Kind: groupsync.Nested, ID: parent, Child: child, Granted: granted, At: at(n), Request: "r"}
}

func (s *subject) wantNested(parent, child string, granted, found bool) {
	s.Helper()
	if g, f := s.book().Nested(parent, child); g != granted || f != found {
		s.Errorf("%q within %q: %v, by hand before %v, want %v, %v", child, parent, g, f, granted, found)
	}
}

// texts are names as identity providers and Crowd may have them, up to the 255
// UTF-16 units that Crowd takes.
func texts() []string {
	return []string{
		"Devs", "devs", "a=b&c?d#e/f%20;g+h", `"quoted" \ 'single' <b> $1 {0} %s`, "percent % under_score * star",
		"Ünïcödé", "e\u0301 is not é", "Разработчики", "開発者", "المطوّرون", "מפתחים", "नेपाली", "ไทย", "İstanbul ıi ß ẞ ſ K",
		"\U0001F469\u200D\U0001F469\u200D\U0001F467 \U0001F3F3\uFE0F\u200D\U0001F308", "zero\u200Bwidth\u202Eand\u2066bidi", "two  blanks\u00a0and more",
		strings.Repeat("x", 255), strings.Repeat("ж", 255), strings.Repeat(`"`, 255), strings.Repeat("\U0001F600", 127),
	}
}

func keepsTexts(s *subject) {
	var want []groupsync.Group
	for i, text := range texts() {
		id := "id " + strings.Repeat("i", i) + text
		if len(id) > 240 {
			id = strings.ToValidUTF8(id[:240], "")
		}
		external := " padded " + text + "\n\t "
		s.say(groupsync.GroupFact{Kind: groupsync.Issued, ID: id, Name: text, ExternalID: external, At: at(i)})
		want = append(want, groupsync.Group{ID: id, Name: text, ExternalID: external, Created: at(i), Modified: at(i)})
	}
	s.wantGroups(want...)
	for i, text := range texts() {
		want[i].Name, want[i].ExternalID, want[i].Modified = "was "+text, text, at(i+1)
		s.say(
			groupsync.GroupFact{Kind: groupsync.Renamed, ID: want[i].ID, Name: want[i].Name, At: at(i + 1)},
			groupsync.GroupFact{Kind: groupsync.Externalised, ID: want[i].ID, ExternalID: text, At: at(i + 1)})
	}
	s.wantGroups(want...)
}

// wantCrowd asks for Crowd groups with a book, which are created if they are not
// there yet.
func (s *subject) wantCrowd(create bool) {
	s.Helper()
	if create {
		s.srv.AddGroup(
			crowd.Group{Name: "Alpha Ä", Description: "first", Active: true, Attributes: crowd.Attributes{"colour": {"red"}}},
			crowd.Group{Name: "beta"},
			crowd.Group{Name: "gamma", Active: true, Attributes: crowd.Attributes{"colour": {"red"}}})
	}
	if n := len(s.book().Crowd); n > 0 {
		s.Errorf("%d Crowd groups are in a book for which none was asked", n)
	}
	b := s.book(crowd.Equals(crowd.PropertyName, "ALPHA ä"), crowd.Equals(crowd.PropertyName, "Beta"), crowd.Equals(crowd.PropertyName, "delta"))
	if len(b.Crowd) != 2 {
		s.Errorf("%d Crowd groups, want those two of the names asked for that are there", len(b.Crowd))
	}
	if g := b.Crowd["alpha ä"]; g == nil || g.Name != "Alpha Ä" || g.Description != "first" || g.Attributes.First("colour") != "red" {
		s.Errorf("the Crowd group is %+v", g)
	}
	if g := b.Crowd["beta"]; g == nil || g.Active {
		s.Errorf("the inactive Crowd group is %+v", g)
	}
	if b := s.book(crowd.Equals("colour", "red")); len(b.Crowd) != 2 || b.Crowd["gamma"] == nil {
		s.Errorf("%d Crowd groups by an attribute, want 2", len(b.Crowd))
	}
}
