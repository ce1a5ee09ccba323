package mapping_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/mapping"
)

var provenances = []mapping.Provenance{mapping.Absent, mapping.Made, mapping.Found, mapping.LeftOpen, mapping.LeftClosed}

// The whole truth table: grant (none, dead, live), default, gone, provenance, keep, protected.
func TestDerive(t *testing.T) {
	t.Parallel()
	group := mapping.SCIMGroup{ID: "g", Name: "Group"}
	rows := 0
	for _, grants := range [][]mapping.Grant{nil, {{Group: group}}, {{Group: group, Live: true}}} {
		for bits := range 16 {
			for _, p := range provenances {
				e := mapping.Edge{
					Target: "t", Grants: grants, Provenance: p,
					Default: bits&1 != 0, Gone: bits&2 != 0, Keep: bits&4 != 0, AddOnly: bits&8 != 0,
				}
				rows++
				got, reasons := mapping.Derive(e)
				if want := deriveByTheBook(e); got != want {
					t.Errorf("Derive(%+v) = %v, want %v", e, got, want)
				}
				if len(reasons) == 0 {
					t.Errorf("Derive(%+v) gives no reason", e)
				}
			}
		}
	}
	if rows != 240 {
		t.Errorf("the table has %d rows, want 240", rows)
	}
}

// deriveByTheBook says the rule in plain words, one sentence a line.
func deriveByTheBook(e mapping.Edge) mapping.Action {
	granted := len(e.Grants) > 0 && e.Grants[0].Live
	if (granted || e.Default) && !e.Gone {
		return mapping.Add
	}
	if e.AddOnly {
		return mapping.Leave
	}
	if e.Provenance == mapping.Made || e.Provenance == mapping.LeftOpen || !e.Keep {
		return mapping.Remove
	}
	return mapping.Leave
}

func TestDeriveReasons(t *testing.T) {
	t.Parallel()
	a := mapping.Grant{Group: mapping.SCIMGroup{ID: "1", Name: "a"}, Live: true, Rule: "on the fly"}
	b := mapping.Grant{Group: mapping.SCIMGroup{ID: "2", Name: "b"}, Live: true}
	tests := []struct {
		name string
		edge mapping.Edge
		want []string
	}{
		{"a grant told twice", mapping.Edge{Grants: []mapping.Grant{a, b, a}}, []string{"granted by a, on the fly", "granted by b"}},
		{"grants in order", mapping.Edge{Grants: []mapping.Grant{b, a}, Default: true}, []string{"granted by a, on the fly", "granted by b", "default group for all users"}},
		{"gone and by hand", mapping.Edge{Grants: []mapping.Grant{a}, Gone: true, Keep: true}, []string{"the user is deleted for the identity provider", "not granted, and not made by the identity provider"}},
		{"revoked", mapping.Edge{Provenance: mapping.Made, Keep: true}, []string{"made by the identity provider, which grants it no longer"}},
		{"not kept", mapping.Edge{Provenance: mapping.Found}, []string{"not granted, and memberships of others are not kept here"}},
		{"protected", mapping.Edge{Provenance: mapping.Made, AddOnly: true}, []string{"the group is protected: nobody is taken out"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, reasons := mapping.Derive(tt.edge)
			var got []string
			for _, r := range reasons {
				got = append(got, r.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reasons mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func live(names ...string) []mapping.Grant {
	var grants []mapping.Grant
	for _, n := range names {
		grants = append(grants, mapping.Grant{Group: mapping.SCIMGroup{ID: n, Name: n}, Live: true})
	}
	return grants
}

// dead returns grants of groups that are no more.
func dead(names ...string) []mapping.Grant {
	grants := live(names...)
	for i := range grants {
		grants[i].Live = false
	}
	return grants
}

// actions makes decisions short enough to compare.
func actions(decisions []mapping.Decision) map[string]string {
	m := make(map[string]string)
	for _, d := range decisions {
		m[d.Target.Group] = d.Action.String()
	}
	return m
}

func TestDeriveUser(t *testing.T) {
	t.Parallel()
	strict := mapping.Groups{OnTheFly: mapping.OnTheFly{KeepExistingGroups: new(false)}, DefaultForNewUsers: []string{"welcome"}}
	shared := manual(mapping.Rule{From: "a", To: []string{"t"}}, mapping.Rule{From: "b", To: []string{"t", "u"}})
	shared.DefaultForAllUsers = []string{"U", "everybody"}
	hybrid := manual(mapping.Rule{FromPattern: "dev-(.*)", To: []string{"x-$1"}, KeepExistingUsers: new(false)})
	hybrid.Manual.ImportGroups = true
	leave := manual(mapping.Rule{From: "a", To: []string{"jira-administrators"}, Protected: "add"})
	tests := []struct {
		name     string
		settings mapping.Groups
		user     mapping.UserState
		want     map[string]string
	}{
		{"nothing", shared, mapping.UserState{}, map[string]string{}},
		{"two grants, one target", shared, mapping.UserState{Grants: live("a", "b")}, map[string]string{"t": "add", "u": "add"}},
		{"defaults of a user of ours", shared, mapping.UserState{Ours: true, Grants: live("b")}, map[string]string{"t": "add", "u": "add", "everybody": "add"}},
		{
			"the last grant has gone", shared,
			mapping.UserState{Provenance: map[string]mapping.Provenance{"t": mapping.Made, "u": mapping.Found}},
			map[string]string{"t": "remove", "u": "leave"},
		},
		{
			"gone", shared,
			mapping.UserState{Ours: true, Gone: true, Grants: live("a"), Provenance: map[string]mapping.Provenance{"t": mapping.Made}},
			map[string]string{"t": "remove", "U": "leave", "everybody": "leave"},
		},
		{
			"groups of others are not kept", strict,
			mapping.UserState{Grants: live("a"), Memberships: []string{"A", "x", "crowd-administrators", "Welcome"}},
			map[string]string{"a": "add", "x": "remove"},
		},
		{"somebody the connection knows nothing of keeps all", strict, mapping.UserState{Memberships: []string{"x"}}, map[string]string{}},
		{"a user of ours without grants", strict, mapping.UserState{Ours: true, Memberships: []string{"x"}}, map[string]string{"x": "remove"}},
		{
			"a rule that does not keep users speaks of everybody", manual(mapping.Rule{From: "a", To: []string{"t"}, KeepExistingUsers: new(false)}),
			mapping.UserState{Memberships: []string{"x", "T"}},
			map[string]string{"T": "remove"},
		},
		{
			"a rule that is not used speaks of nobody",
			mapping.Groups{
				Mapping: mapping.OnTheFlyMapping, OnTheFly: strict.OnTheFly,
				Manual: mapping.Manual{Rules: []mapping.Rule{{From: "a", To: []string{"t"}, KeepExistingUsers: new(false)}}},
			},
			mapping.UserState{Memberships: []string{"t"}},
			map[string]string{},
		},
		{"kept, since one of two ways to the target keeps", hybrid, mapping.UserState{Grants: dead("dev-web", "x-web"), Memberships: []string{"x-web"}}, map[string]string{"x-web": "leave"}},
		{"kept, in the other order", hybrid, mapping.UserState{Grants: dead("x-web", "dev-web"), Memberships: []string{"x-web"}}, map[string]string{"x-web": "leave"}},
		{"not kept, since the only way does not", hybrid, mapping.UserState{Grants: dead("dev-web"), Memberships: []string{"x-web"}}, map[string]string{"x-web": "remove"}},
		{"groups of others are kept", mapping.Groups{}, mapping.UserState{Memberships: []string{"x"}}, map[string]string{}},
		{"protected with leave: added", leave, mapping.UserState{Grants: live("a")}, map[string]string{"jira-administrators": "add"}},
		{"protected with leave: never removed", leave, mapping.UserState{Provenance: map[string]mapping.Provenance{"jira-administrators": mapping.Made}}, map[string]string{}},
		{"a grant of a group that is no more", mapping.Groups{}, mapping.UserState{Grants: []mapping.Grant{{Group: mapping.SCIMGroup{Name: "a"}}}}, map[string]string{"a": "leave"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, actions(compileGroups(t, tt.settings).DeriveUser(tt.user))); diff != "" {
				t.Errorf("DeriveUser mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// All the settings that keep a membership, for somebody of the connection who is in the group by hand and whom nobody
// grants it: mode, importGroups, keepExistingGroups, a rule's keepExistingUsers (or no rule), default for new users,
// protected.
func TestKeepSettings(t *testing.T) {
	t.Parallel()
	for bits := range 1 << 7 {
		is := func(bit int) bool { return bits&(1<<bit) != 0 }
		byHand, imported, keepGroups, named, keepUsers, welcome, protected := is(0), is(1), is(2), is(3), is(4), is(5), is(6)
		s := mapping.Groups{Mapping: mapping.OnTheFlyMapping, Protected: []string{"admins"}}
		if byHand {
			s.Mapping = mapping.ManualMapping
		}
		s.Manual.ImportGroups, s.OnTheFly.KeepExistingGroups = imported, &keepGroups
		name := "g"
		if protected {
			name = "admins"
		}
		if named {
			s.Manual.Rules = []mapping.Rule{{From: "other", To: []string{name}, KeepExistingUsers: &keepUsers, Protected: "add"}}
		}
		if welcome && !protected && !(byHand && named && !keepUsers) { // refused
			s.DefaultForNewUsers = []string{"G"}
		}
		want := keptByTheBook(s, protected, named, keepUsers)
		m := compileGroups(t, s)
		removed := actions(m.DeriveUser(mapping.UserState{Ours: true, Memberships: []string{name}}))[name] == "remove"
		if m.Keeps(name) != want || removed == want {
			t.Errorf("%+v: Keeps = %v, removed = %v, want it kept: %v", s, m.Keeps(name), removed, want)
		}
		given := mapping.UserState{Ours: true, Provenance: map[string]mapping.Provenance{name: mapping.Made}}
		if removed := actions(m.DeriveUser(given))[name] == "remove"; removed == protected {
			t.Errorf("%+v: what the identity provider gave is removed: %v", s, removed)
		}
	}
}

// keptByTheBook says in plain words whether a membership made by hand stays.
func keptByTheBook(s mapping.Groups, protected, named, keepUsers bool) bool {
	if protected {
		return true
	}
	if s.Mapping == mapping.ManualMapping {
		if named {
			return keepUsers
		}
		if !s.Manual.ImportGroups {
			return true
		}
	}
	return *s.OnTheFly.KeepExistingGroups || s.DefaultForNewUsers != nil
}

func TestExplainUser(t *testing.T) {
	t.Parallel()
	s := manual(mapping.Rule{From: "eng", To: []string{"devs"}}, mapping.Rule{FromPattern: "(.)ps", To: []string{"devs", "$1"}})
	s.DefaultForAllUsers = []string{"employees"}
	m := compileGroups(t, s)
	u := mapping.UserState{Name: "ann", Ours: true, Grants: live("ops", "eng"), Provenance: map[string]mapping.Provenance{"old": mapping.Made}}
	got := m.ExplainUser(u)
	want := `user ann
  devs: add: granted by eng, manual.rules[0] (from "eng"); granted by ops, manual.rules[1] (fromPattern "(.)ps")
  employees: add: default group for all users
  o: add: granted by ops, manual.rules[1] (fromPattern "(.)ps")
  old: remove: made by the identity provider, which grants it no longer
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("ExplainUser mismatch (-want +got):\n%s", diff)
	}
	both := compileGroups(t, manual(mapping.Rule{From: "eng", To: []string{"devs", "jira"}}, mapping.Rule{FromPattern: "e.*", To: []string{"DEVS", "wiki"}}))
	want = `user ann
  devs: add: granted by eng, manual.rules[0] (from "eng") and manual.rules[1] (fromPattern "e.*")
  jira: add: granted by eng, manual.rules[0] (from "eng")
  wiki: add: granted by eng, manual.rules[1] (fromPattern "e.*")
`
	if diff := cmp.Diff(want, both.ExplainUser(mapping.UserState{Name: "ann", Grants: live("eng")}).String()); diff != "" {
		t.Errorf("ExplainUser mismatch where two rules ask for one group (-want +got):\n%s", diff)
	}
	text, err := json.Marshal(m.DeriveUser(mapping.UserState{Name: "bob", Provenance: map[string]mapping.Provenance{"old": mapping.Found}}))
	if want := `[{"user":"bob","target":{"group":"old","keepExisting":true,"rule":""},"action":"leave","reasons":[{"kind":"by-hand"}]}]`; err != nil || string(text) != want {
		t.Errorf("as JSON: %s, %v, want %s", text, err, want)
	}
	none := "user cid\n  (none): no grant, default or record says anything of this user's memberships\n"
	if got := m.ExplainUser(mapping.UserState{Name: "cid"}).String(); got != none {
		t.Errorf("of somebody unknown it says %q", got)
	}
	if text, err := json.Marshal(mapping.LeftOpen); err != nil || string(text) != `"left-open"` {
		t.Errorf("a provenance as JSON: %s, %v", text, err)
	}
}

// A stream decides as one user at a time does, and ends with its first error.
func TestDeriveUsers(t *testing.T) {
	t.Parallel()
	m := compileGroups(t, mapping.Groups{DefaultForAllUsers: []string{"all"}})
	users := []mapping.UserState{
		{Name: "ann", Ours: true, Grants: live("a", "b")},
		{Name: "bob", Provenance: map[string]mapping.Provenance{"a": mapping.LeftOpen}},
		{Name: "cid"},
		{Name: "dan", Ours: true, Gone: true, Grants: live("c")},
	}
	broken := errors.New("the directory is gone")
	stream := func(yield func(mapping.UserState, error) bool) {
		for _, u := range users {
			if !yield(u, nil) {
				return
			}
		}
		yield(mapping.UserState{}, broken)
	}
	var got, want []mapping.Decision
	var err error
	for d, e := range m.DeriveUsers(stream) {
		if err = e; err == nil {
			got = append(got, d)
		}
	}
	for _, u := range users {
		want = append(want, m.DeriveUser(u)...)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 6 {
		t.Errorf("DeriveUsers gave %d decisions, mismatch (-want +got):\n%s", len(got), diff)
	}
	if !errors.Is(err, broken) {
		t.Errorf("error = %v, want %v", err, broken)
	}
	for range m.DeriveUsers(stream) {
		break // the stream must stop asking, or yield would panic
	}
	if !slices.IsSortedFunc(m.DeriveUser(users[0]), func(a, b mapping.Decision) int {
		return slices.Compare([]byte(mapping.Fold(a.Target.Group)), []byte(mapping.Fold(b.Target.Group)))
	}) {
		t.Error("decisions are not in order")
	}
}
