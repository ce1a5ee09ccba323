package ledgertest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/groupsync/ledgertest"
)

func TestLogLedger(t *testing.T) {
	ledgertest.Test(t, func(_ *testing.T, d groupsync.Directory) groupsync.Ledger {
		return newStore(faults{})(d)("okta")
	})
	ledgertest.TestShared(t, func(_ *testing.T, d groupsync.Directory) ledgertest.Opener {
		return newStore(faults{})(d)
	})
}

// TestBrokenLedgersAreCaught breaks a ledger in one way after the other: the check
// of the promise that is broken must notice, and no check may notice anything in
// the ledger that is whole.
func TestBrokenLedgersAreCaught(t *testing.T) {
	if failures := ledgertest.Failures(t, nil, newStore(faults{})); len(failures) > 0 {
		t.Fatalf("the ledger that keeps every promise: %v", failures)
	}
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			failures := ledgertest.Failures(t, nil, newStore(m.faults), m.check)
			if len(failures[m.check]) == 0 {
				t.Errorf("%q did not notice", m.check)
			}
		})
	}
}

type mutant struct {
	name   string
	faults faults
	check  string // the one that must notice
}

func mutants() []mutant {
	all := groupMutants()
	all = append(all, userMutants()...)
	return append(all, listMutants()...)
}

func eachGroup(change func(*groupLine)) faults {
	return faults{group: func(lines []groupLine) []groupLine {
		for i := range lines {
			change(&lines[i])
		}
		return lines
	}}
}

func eachUser(change func(*userLine)) faults {
	return faults{user: func(lines []userLine) []userLine {
		for i := range lines {
			change(&lines[i])
		}
		return lines
	}}
}

func eachWritten(change func(*groupsync.UserFact)) faults {
	return faults{writeUser: func(facts []groupsync.UserFact) []groupsync.UserFact {
		facts = slices.Clone(facts)
		for i := range facts {
			change(&facts[i])
		}
		return facts
	}}
}

// byTime is what orders facts by the time in them, and not by when they came.
func byTime(lines []userLine) []userLine {
	slices.SortStableFunc(lines, func(x, y userLine) int { return x.At.Compare(y.At) })
	return lines
}

func groupMutants() []mutant {
	return []mutant{
		{"issues only", faults{group: func(lines []groupLine) []groupLine {
			return slices.DeleteFunc(lines, func(f groupLine) bool { return f.Kind != groupsync.Issued })
		}}, "the last name counts"},
		{"whom a group was created with is lost", eachGroup(func(f *groupLine) { f.Members = "" }), "what was issued is kept"},
		{"one register for name and issue", eachGroup(func(f *groupLine) {
			if f.Kind == groupsync.Issued {
				f.Kind = groupsync.Renamed
			}
		}), "what was issued is kept"},
		{"a late issue renames", faults{group: func(lines []groupLine) []groupLine {
			for _, f := range lines {
				if f.Kind == groupsync.Issued {
					f.Kind = groupsync.Renamed
					lines = append(lines, f)
				}
			}
			return lines
		}}, "a late issue undoes neither a new name nor a new externalId"},
		{"a late issue sets the externalId", faults{group: func(lines []groupLine) []groupLine {
			for _, f := range lines {
				if f.Kind == groupsync.Issued {
					f.Kind = groupsync.Externalised
					lines = append(lines, f)
				}
			}
			return lines
		}}, "a late issue undoes neither a new name nor a new externalId"},
		{"a late issue revives", faults{group: func(lines []groupLine) []groupLine {
			return slices.DeleteFunc(slices.Clone(lines), func(f groupLine) bool {
				return f.Kind == groupsync.Dead && slices.ContainsFunc(lines, func(g groupLine) bool {
					return g.ID == f.ID && g.Kind == groupsync.Issued && g.At.After(f.At)
				})
			})
		}}, "a dead id stays dead"},
		{"names by their time", faults{group: func(lines []groupLine) []groupLine {
			slices.SortStableFunc(lines, func(x, y groupLine) int { return x.At.Compare(y.At) })
			return lines
		}}, "the last write counts, not the latest time"},
		{"no externalId is none said", faults{group: func(lines []groupLine) []groupLine {
			return slices.DeleteFunc(lines, func(f groupLine) bool { return f.Kind == groupsync.Externalised && f.ExternalID == "" })
		}}, "the last externalId counts, none as well"},
		{"forgets what it made", eachGroup(func(f *groupLine) { f.Made = false }), "what was issued is kept"},
		{"ids in lower case", eachGroup(func(f *groupLine) { f.ID = strings.ToLower(f.ID) }), "ids are kept apart"},
		{"ids cut", eachGroup(func(f *groupLine) { f.ID = f.ID[:min(len(f.ID), 239)] }), "ids are kept apart"},
		{"names cut", eachGroup(func(f *groupLine) { f.Name = f.Name[:min(len(f.Name), 255)] }), "ids and texts are kept byte for byte"},
		{"names trimmed", eachGroup(func(f *groupLine) { f.ExternalID = strings.TrimSpace(f.ExternalID) }), "ids and texts are kept byte for byte"},
		{"names without emoji", eachGroup(func(f *groupLine) {
			f.Name = strings.Map(func(r rune) rune {
				if r > 0xFFFF {
					return '?'
				}
				return r
			}, f.Name)
		}), "ids and texts are kept byte for byte"},
		{"times in seconds", eachGroup(func(f *groupLine) { f.At = f.At.Truncate(time.Second) }), "what was issued is kept"},
		{"nests stay", faults{group: func(lines []groupLine) []groupLine {
			return slices.DeleteFunc(lines, func(f groupLine) bool { return f.Kind == groupsync.Nested && !f.Granted })
		}}, "groups within groups are kept"},
		{"nests by their time", faults{group: func(lines []groupLine) []groupLine {
			slices.SortStableFunc(lines, func(x, y groupLine) int { return x.At.Compare(y.At) })
			return lines
		}}, "groups within groups are kept"},
		{"nests forget what they found", eachGroup(func(f *groupLine) { f.Origin = groupsync.Unknown }), "groups within groups are kept"},
		{"one nest to a group", eachGroup(func(f *groupLine) {
			if f.Kind == groupsync.Nested {
				f.Child = "b"
			}
		}), "groups within groups are kept apart"},
		{"nests in lower case", eachGroup(func(f *groupLine) { f.Child = strings.ToLower(f.Child) }), "groups within groups are kept apart"},
		{"forgets reconciles", faults{forgetsEnd: true}, "the end of a reconcile is kept"},
		{"one book for all", faults{sharedBook: groupsync.NewBook()}, "a book stays as it was read"},
		{"no Crowd groups", faults{also: func([]crowd.Restriction) []crowd.Restriction { return nil }}, "a book holds the Crowd groups that were asked for"},
		{"the first restriction only", faults{also: func(all []crowd.Restriction) []crowd.Restriction {
			return all[:min(len(all), 1)]
		}}, "a book holds the Crowd groups that were asked for"},
		{"all Crowd groups", faults{also: func([]crowd.Restriction) []crowd.Restriction {
			return []crowd.Restriction{crowd.StartsWith(crowd.PropertyName, "")}
		}}, "a book holds the Crowd groups that were asked for"},
		{"Crowd groups as spelled", faults{book: func(b *groupsync.Book) {
			for f, g := range b.Crowd {
				delete(b.Crowd, f)
				b.Crowd[g.Name] = g
			}
		}}, "a book holds the Crowd groups that were asked for"},
		{"connections share groups", faults{sharedGroups: true}, "a connection's groups and grants are its own"},
		{"connections share reconciles", faults{sharedEnd: true}, "a connection's groups and grants are its own"},
	}
}

func userMutants() []mutant {
	return []mutant{
		{"grants by their time", faults{user: byTime}, "the last write of a grant counts, not the latest time"},
		{"origins by their time", faults{user: byTime}, "the last write of an origin counts, not the latest time"},
		{"no revocations", faults{user: func(lines []userLine) []userLine {
			return slices.DeleteFunc(lines, func(f userLine) bool { return f.GroupID != "" && !f.Granted })
		}}, "the last write of a grant counts, not the latest time"},
		{"the first grant stays", faults{user: func(lines []userLine) []userLine {
			slices.Reverse(lines)
			return lines
		}}, "the last write of a grant counts, not the latest time"},
		{"the first fact only", faults{writeUser: func(facts []groupsync.UserFact) []groupsync.UserFact {
			return facts[:min(len(facts), 1)]
		}}, "several facts are written together"},
		{"no times", eachUser(func(f *userLine) { f.At = time.Time{} }), "grants are kept, with time and request"},
		{"times in microseconds", eachUser(func(f *userLine) { f.At = f.At.Truncate(time.Microsecond) }), "origins are kept, with time and request"},
		{"no requests", eachUser(func(f *userLine) { f.Request = "" }), "grants are kept, with time and request"},
		{"ids of grants in lower case", eachWritten(func(f *groupsync.UserFact) { f.GroupID = strings.ToLower(f.GroupID) }), "ids of grants are kept apart"},
		{"found for made", eachUser(func(f *userLine) {
			if f.Origin == groupsync.Found {
				f.Origin = groupsync.Made
			}
		}), "origins are kept, with time and request"},
		{"made stays made", faults{user: func(lines []userLine) []userLine {
			for i, f := range lines {
				if f.Origin == groupsync.Left {
					lines[i].Origin = groupsync.Made
				}
			}
			return lines
		}}, "the last write of an origin counts, not the latest time"},
		{"Crowd groups by another fold", eachUser(func(f *userLine) { f.Target = strings.ReplaceAll(f.Target, "Ä", "A") }), "Crowd groups are the same in any case"},
		{"grants and origins in one table", eachWritten(func(f *groupsync.UserFact) {
			if f.GroupID == "" {
				f.GroupID, f.Granted = f.Target, f.Origin != groupsync.Left
			}
		}), "origins and grants of one name are apart"},
		{"origins end with the grant", faults{user: func(lines []userLine) []userLine {
			for _, f := range lines {
				if f.GroupID != "" && !f.Granted {
					lines = slices.DeleteFunc(lines, func(g userLine) bool { return g.Target == f.GroupID && g.user == f.user })
				}
			}
			return lines
		}}, "origins and grants of one name are apart"},
		{"users by name", faults{key: func(u *crowd.User) string { return crowd.Fold(u.Name) }}, "records follow a user who is renamed"},
		{"all users are one", faults{key: func(*crowd.User) string { return "" }}, "grants are kept, with time and request"},
		{"facts before attributes", faults{factsFirst: true}, "all facts are written or none"},
		{"no attributes", faults{noExtra: true}, "extra attributes are written, others left alone"},
		{"errors hidden", faults{hidesErrors: true}, "all facts are written or none"},
		{"errors without their cause", faults{bareErrors: true}, "extra attributes for a user who is gone"},
		{"connections share grants", faults{sharedGrants: true}, "a connection's groups and grants are its own"},
		{"each connection has origins", faults{ownOrigins: true}, "connections share origins"},
	}
}

func listMutants() []mutant {
	return []mutant{
		{"the revoked hold", faults{revokedToo: true}, "holders are those granted"},
		{"edges are granted only", faults{grantedOnly: true}, "holders are those granted"},
		{"the active hold", faults{activeOnly: true}, "inactive users hold what they were granted"},
		{"a page of holders", faults{most: 1000}, "many holders"},
		{"holders without attributes", faults{bareUsers: true}, "holders are those granted"},
		{"holders end at an error", faults{hidesErrors: true}, "a list that fails says so and ends"},
		{"holders go on after an error", faults{goesOn: true}, "a list that fails says so and ends"},
		{"an engine is not told of the dead", faults{group: func(lines []groupLine) []groupLine {
			return slices.DeleteFunc(lines, func(f groupLine) bool { return f.Kind == groupsync.Dead })
		}}, "an engine works with it"},
	}
}
