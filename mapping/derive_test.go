package mapping_test

import (
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
