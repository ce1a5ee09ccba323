package mapping_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/mapping"
)

func compileGroups(tb testing.TB, g mapping.Groups) *mapping.GroupMap {
	tb.Helper()
	m, err := mapping.CompileGroups(g)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func manual(rules ...mapping.Rule) mapping.Groups {
	return mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: rules}}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	hybrid := manual(mapping.Rule{From: "Engineering", To: []string{"devs"}})
	hybrid.Manual.ImportGroups = true
	renamed := mapping.Groups{OnTheFly: mapping.OnTheFly{
		Rename: mapping.Rename{Replace: []mapping.Replacement{{Pattern: "^okta[ -]", With: ""}, {Pattern: `(\w+) team`, With: "$1_group"}}, Prefix: "idp-", Suffix: "-x"},
	}}
	chosen := mapping.Groups{OnTheFly: mapping.OnTheFly{Only: []string{"dev-*", "ops", "*-all*"}, Never: []string{"DEV-secret*"}}}
	filtered := mapping.Groups{Filter: `displayName startsWith "crowd-" || externalId == "e1"`}
	fly := func(name string) []mapping.Target {
		return []mapping.Target{{Group: name, KeepExisting: true, Create: true, Rule: "on the fly"}}
	}
	tests := []struct {
		name     string
		settings mapping.Groups
		group    mapping.SCIMGroup
		want     []mapping.Target
	}{
		{"on the fly by default", mapping.Groups{}, mapping.SCIMGroup{Name: "Engineering"}, fly("Engineering")},
		{
			"on the fly, others not kept, nothing made",
			mapping.Groups{OnTheFly: mapping.OnTheFly{Create: new(false), KeepExistingGroups: new(false)}},
			mapping.SCIMGroup{Name: "E"},
			[]mapping.Target{{Group: "E", Rule: "on the fly"}},
		},
		{"on the fly, rules do not matter", mapping.Groups{Manual: hybrid.Manual}, mapping.SCIMGroup{Name: "Engineering"}, fly("Engineering")},
		{"protected, in any case", mapping.Groups{}, mapping.SCIMGroup{Name: "Crowd-Administrators"}, nil},
		{"protected by settings", mapping.Groups{Protected: []string{"Board"}}, mapping.SCIMGroup{Name: "board"}, nil},
		{"nothing protected by settings", mapping.Groups{Protected: []string{}}, mapping.SCIMGroup{Name: "crowd-administrators"}, fly("crowd-administrators")},
		{"a connection's registry", mapping.Groups{Protected: []string{}}, mapping.SCIMGroup{Name: "SCIM-registry-okta"}, nil},
		{"a name Crowd refuses", mapping.Groups{}, mapping.SCIMGroup{Name: " x"}, nil},
		{"renamed", renamed, mapping.SCIMGroup{Name: "Okta Blue team"}, fly("idp-Blue_group-x")},
		{"renamed to nothing", mapping.Groups{OnTheFly: mapping.OnTheFly{Rename: mapping.Rename{Replace: []mapping.Replacement{{Pattern: ".*"}}}}}, mapping.SCIMGroup{Name: "x"}, nil},
		{"only", chosen, mapping.SCIMGroup{Name: "Dev-web"}, fly("Dev-web")},
		{"only, whole name", chosen, mapping.SCIMGroup{Name: "OPS"}, fly("OPS")},
		{"only, star in front", chosen, mapping.SCIMGroup{Name: "x-all"}, fly("x-all")},
		{"not among only", chosen, mapping.SCIMGroup{Name: "ops2"}, nil},
		{"never", chosen, mapping.SCIMGroup{Name: "dev-Secrets"}, nil},
		{
			"manual: every rule counts", manual(
				mapping.Rule{From: "engineering", To: []string{"devs", "wiki"}},
				mapping.Rule{FromPattern: "Eng.*", To: []string{"DEVS", "jira"}, KeepExistingUsers: new(true)},
				mapping.Rule{FromExternalID: "e1", To: []string{"ops"}, KeepExistingUsers: new(false)},
			),
			mapping.SCIMGroup{Name: "ENGINEERING", ExternalID: "e1"},
			[]mapping.Target{
				{Group: "devs", KeepExisting: true, Rule: `manual.rules[0] (from "engineering") and manual.rules[1] (fromPattern "Eng.*")`},
				{Group: "wiki", KeepExisting: true, Rule: `manual.rules[0] (from "engineering")`},
				{Group: "jira", KeepExisting: true, Rule: `manual.rules[1] (fromPattern "Eng.*")`},
				{Group: "ops", Rule: `manual.rules[2] (fromExternalId "e1")`},
			},
		},
		{
			"manual: a rule that names a group twice counts once", manual(
				mapping.Rule{From: "a", To: []string{"x", "X", "y"}}, mapping.Rule{FromPattern: "a", To: []string{"z", "x", "X"}},
			),
			mapping.SCIMGroup{Name: "a"},
			[]mapping.Target{
				{Group: "x", KeepExisting: true, Rule: `manual.rules[0] (from "a") and manual.rules[1] (fromPattern "a")`},
				{Group: "y", KeepExisting: true, Rule: `manual.rules[0] (from "a")`},
				{Group: "z", KeepExisting: true, Rule: `manual.rules[1] (fromPattern "a")`},
			},
		},
		{"manual: externalId is compared exactly", manual(mapping.Rule{FromExternalID: "e1", To: []string{"a"}}), mapping.SCIMGroup{ExternalID: "E1"}, nil},
		{"manual: unmapped", manual(mapping.Rule{From: "a", To: []string{"b"}}), mapping.SCIMGroup{Name: "c"}, nil},
		{"manual: pattern is anchored", manual(mapping.Rule{FromPattern: "dev|ops", To: []string{"b"}}), mapping.SCIMGroup{Name: "devs"}, nil},
		{
			"manual: captures", manual(mapping.Rule{FromPattern: "okta-(.*)-(?P<kind>.*)", To: []string{"${kind}-$1", "$1x", "cost$$"}}),
			mapping.SCIMGroup{Name: "OKTA-Blue-Users"},
			[]mapping.Target{
				{Group: "Users-Blue", KeepExisting: true, Rule: `manual.rules[0] (fromPattern "okta-(.*)-(?P<kind>.*)")`},
				{Group: "Bluex", KeepExisting: true, Rule: `manual.rules[0] (fromPattern "okta-(.*)-(?P<kind>.*)")`},
				{Group: "cost$", KeepExisting: true, Rule: `manual.rules[0] (fromPattern "okta-(.*)-(?P<kind>.*)")`},
			},
		},
		{"manual: a capture never reaches a protected group", manual(mapping.Rule{FromPattern: "okta-(.*)", To: []string{"$1"}}), mapping.SCIMGroup{Name: "okta-crowd-administrators"}, nil},
		{
			"manual: added to a protected group with leave", manual(mapping.Rule{From: "Admins", To: []string{"jira-administrators"}, Protected: "add"}),
			mapping.SCIMGroup{Name: "admins"},
			[]mapping.Target{{Group: "jira-administrators", KeepExisting: true, Rule: `manual.rules[0] (from "Admins")`, ProtectedAdd: true}},
		},
		{"manual: a registry is not filled", manual(mapping.Rule{FromPattern: "(.*)", To: []string{"$1"}}), mapping.SCIMGroup{Name: "scim-registry-okta"}, nil},
		{
			"manual: leave to add to protected groups does not reach a registry",
			manual(mapping.Rule{FromPattern: "x-(.*)", To: []string{"$1"}, Protected: "add"}),
			mapping.SCIMGroup{Name: "x-SCIM-Registry-okta"},
			nil,
		},
		{
			"manual: the rule that names a Crowd group decides who stays there",
			manual(mapping.Rule{FromPattern: "dev-(.*)", To: []string{"$1"}}, mapping.Rule{From: "x", To: []string{"Web"}, KeepExistingUsers: new(false)}),
			mapping.SCIMGroup{Name: "dev-web"},
			[]mapping.Target{{Group: "web", Rule: `manual.rules[0] (fromPattern "dev-(.*)")`}},
		},
		{
			"on the fly: a default group of new users is kept",
			mapping.Groups{DefaultForNewUsers: []string{"Welcome"}, OnTheFly: mapping.OnTheFly{KeepExistingGroups: new(false)}},
			mapping.SCIMGroup{Name: "welcome"},
			fly("welcome"),
		},
		{"filter: chosen", filtered, mapping.SCIMGroup{Name: "crowd-devs"}, fly("crowd-devs")},
		{"filter: chosen by externalId", filtered, mapping.SCIMGroup{Name: "x", ExternalID: "e1"}, fly("x")},
		{"filter: not chosen", filtered, mapping.SCIMGroup{Name: "x", ExternalID: "E1"}, nil},
		{"filter: too long to say", filtered, mapping.SCIMGroup{Name: "crowd-x", ExternalID: strings.Repeat("x", 1<<20)}, nil},
		{"hybrid: mapped", hybrid, mapping.SCIMGroup{Name: "engineering"}, []mapping.Target{{Group: "devs", KeepExisting: true, Rule: `manual.rules[0] (from "Engineering")`}}},
		{"hybrid: imported", hybrid, mapping.SCIMGroup{Name: "Sales"}, fly("Sales")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, compileGroups(t, tt.settings).Targets(tt.group)); diff != "" {
				t.Errorf("Targets mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// No Crowd group has a name so long, and no pattern is tried on it.
func TestNamesTooLong(t *testing.T) {
	t.Parallel()
	s := manual(mapping.Rule{FromPattern: strings.Repeat(`(.|\b|$|^)*`, 40), To: []string{"x"}})
	s.Manual.ImportGroups = true
	s.OnTheFly.Rename.Replace = []mapping.Replacement{{Pattern: "a+", With: "a"}}
	m := compileGroups(t, s)
	for n, want := range map[int]int{1024: 1, 1025: 0, 8 << 20: 0} {
		if got := m.Targets(mapping.SCIMGroup{Name: strings.Repeat("a", n)}); len(got) != want {
			t.Errorf("%d bytes fill %v, want %d targets", n, got, want)
		}
	}
}

// Thousands of long names are not tried on as many slow patterns to find rules that add nothing.
func TestManyPatterns(t *testing.T) {
	t.Parallel()
	var rules []mapping.Rule
	for i := range 200 {
		rules = append(rules, mapping.Rule{FromPattern: fmt.Sprintf("%d(%s)", i, strings.Repeat("(.?){9}", 30)), To: []string{fmt.Sprint(i)}})
	}
	for i := range 2000 {
		rules = append(rules, mapping.Rule{From: fmt.Sprintf("%d%s", i, strings.Repeat("z", 250)), To: []string{"devs"}})
	}
	start := time.Now()
	compileGroups(t, manual(rules...))
	if took := time.Since(start); took > tooLong {
		t.Errorf("took %v", took)
	}
}

func TestGroupMapSettings(t *testing.T) {
	t.Parallel()
	m := compileGroups(t, mapping.Groups{
		DefaultForNewUsers: []string{"welcome"}, DefaultForAllUsers: []string{"employees"}, Protected: []string{"Board"},
		OnTheFly: mapping.OnTheFly{Exclusive: true, KeepExistingGroups: new(false), Create: new(false)},
	})
	if m.Mode() != mapping.OnTheFlyMapping || !m.Exclusive() || m.KeepExistingGroups() {
		t.Error("settings were not kept")
	}
	if diff := cmp.Diff([]string{"welcome"}, m.DefaultForNewUsers()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"employees"}, m.DefaultForAllUsers()); diff != "" {
		t.Error(diff)
	}
	for group, want := range map[string]bool{"board": true, "welcome": true, "employees": false, "other": false} {
		if got := m.Keeps(group); got != want {
			t.Errorf("Keeps(%q) = %v, want %v", group, got, want)
		}
	}
	d := compileGroups(t, mapping.Groups{})
	if d.Exclusive() || !d.KeepExistingGroups() || !d.Protected("CROWD-administrators") || d.Protected("x") {
		t.Error("defaults are wrong")
	}
}

func TestKeepsUnderManualMapping(t *testing.T) {
	t.Parallel()
	s := manual(mapping.Rule{From: "a", To: []string{"strict"}, KeepExistingUsers: new(false)}, mapping.Rule{From: "a", To: []string{"kept"}})
	s.OnTheFly.KeepExistingGroups = new(false)
	for _, tt := range []struct {
		imported bool
		want     map[string]bool
	}{
		{false, map[string]bool{"STRICT": false, "kept": true, "other": true}},
		{true, map[string]bool{"STRICT": false, "kept": true, "other": false}},
	} {
		s.Manual.ImportGroups = tt.imported
		m := compileGroups(t, s)
		for group, want := range tt.want {
			if got := m.Keeps(group); got != want {
				t.Errorf("importGroups %v: Keeps(%q) = %v, want %v", tt.imported, group, got, want)
			}
		}
	}
}

// What is swept from a user who is in all kinds of groups, for each way to keep them.
func TestSwept(t *testing.T) {
	t.Parallel()
	memberships := []string{"Other", "welcome", "crowd-administrators", "scim-registry-okta", "kept", "strict"}
	for _, tt := range []struct {
		mode           mapping.Mode
		imported, keep bool
		want           []string
	}{
		{mode: mapping.OnTheFlyMapping, keep: true},
		{mode: mapping.OnTheFlyMapping, want: []string{"Other", "kept", "strict"}},
		{mode: mapping.ManualMapping},
		{mode: mapping.ManualMapping, imported: true, keep: true},
		{mode: mapping.ManualMapping, imported: true, want: []string{"Other"}},
	} {
		s := manual(mapping.Rule{From: "a", To: []string{"Kept"}}, mapping.Rule{From: "b", To: []string{"strict"}, KeepExistingUsers: new(false)})
		s.Mapping, s.Manual.ImportGroups, s.DefaultForNewUsers = tt.mode, tt.imported, []string{"Welcome"}
		s.OnTheFly.KeepExistingGroups = &tt.keep
		m := compileGroups(t, s)
		var got []string
		for _, target := range m.Swept(memberships) {
			if got = append(got, target.Group); target.KeepExisting || target.Create || target.ProtectedAdd {
				t.Errorf("swept %+v", target)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || m.SweepsMemberships() != (tt.want != nil) {
			t.Errorf("%s, import %v, keep %v: SweepsMemberships = %v, Swept mismatch (-want +got):\n%s", tt.mode, tt.imported, tt.keep, m.SweepsMemberships(), diff)
		}
	}
}

func TestCollision(t *testing.T) {
	t.Parallel()
	settings := mapping.Groups{OnTheFly: mapping.OnTheFly{Rename: mapping.Rename{Replace: []mapping.Replacement{{Pattern: "^okta-"}}}}}
	dev, okta, ops := mapping.SCIMGroup{ID: "1", Name: "Dev"}, mapping.SCIMGroup{ID: "2", Name: "okta-DEV"}, mapping.SCIMGroup{ID: "3", Name: "ops"}
	for _, collisions := range []mapping.Collisions{"", mapping.Union, mapping.Refuse} {
		settings.OnTheFly.Collisions = collisions
		m := compileGroups(t, settings)
		got, refused, found := m.Collision(okta, []mapping.SCIMGroup{ops, okta, dev})
		if diff := cmp.Diff(mapping.Collision{Group: "DEV", First: dev, Then: okta}, got); !found || diff != "" {
			t.Errorf("%q: Collision mismatch (-want +got):\n%s", collisions, diff)
		}
		if refused != (collisions == mapping.Refuse) {
			t.Errorf("%q: refused = %v", collisions, refused)
		}
		if _, _, found := m.Collision(ops, []mapping.SCIMGroup{dev, okta, ops}); found {
			t.Errorf("%q: ops collides with nothing", collisions)
		}
	}
}

// Groups that rules lead to one Crowd group do not collide: that is what the rules say. Nor does one that is imported
// with those.
func TestRulesDoNotCollide(t *testing.T) {
	t.Parallel()
	s := manual(mapping.Rule{FromPattern: "dev-.*", To: []string{"Devs"}})
	s.Manual.ImportGroups, s.OnTheFly.Collisions = true, mapping.Refuse
	m := compileGroups(t, s)
	web, app, devs, other := mapping.SCIMGroup{ID: "1", Name: "dev-web"}, mapping.SCIMGroup{ID: "2", Name: "dev-app"}, mapping.SCIMGroup{ID: "3", Name: "devs"}, mapping.SCIMGroup{ID: "4", Name: "DEVS"}
	for _, pair := range [][2]mapping.SCIMGroup{{web, app}, {web, devs}, {devs, web}} {
		if c, refused, found := m.Collision(pair[0], pair[1:]); found || refused {
			t.Errorf("%s collides: %+v", pair[0].Name, c)
		}
	}
	if _, refused, found := m.Collision(other, []mapping.SCIMGroup{web, devs}); !refused || !found {
		t.Error("two that are imported under one name do not collide")
	}
}

func TestGroupExplain(t *testing.T) {
	t.Parallel()
	s := manual(
		mapping.Rule{From: "Eng", To: []string{"devs"}},
		mapping.Rule{FromPattern: "(.*)", To: []string{"$1"}, KeepExistingUsers: new(false)},
		mapping.Rule{From: "Eng", To: []string{"jira-administrators"}, Protected: "add"},
	)
	want := `group bamboo-admin
  bamboo-admin: not filled by manual.rules[1] (fromPattern "(.*)"): the group would fill "bamboo-admin", which is protected
group eng
  devs: filled by manual.rules[0] (from "Eng"); other members are kept
  eng: filled by manual.rules[1] (fromPattern "(.*)"); other members are taken out
  jira-administrators: filled by manual.rules[2] (from "Eng"); protected: nobody is taken out
`
	got := ""
	for _, trace := range compileGroups(t, s).List([]mapping.SCIMGroup{{ID: "2", Name: "eng"}, {ID: "1", Name: "bamboo-admin"}}) {
		got += trace.String()
	}
	got += compileGroups(t, mapping.Groups{OnTheFly: mapping.OnTheFly{Never: []string{"x"}, Only: []string{"x*"}}}).Explain(mapping.SCIMGroup{Name: "X"}).String()
	got += compileGroups(t, mapping.Groups{OnTheFly: mapping.OnTheFly{Only: []string{"x"}}}).Explain(mapping.SCIMGroup{Name: "y"}).String()
	got += compileGroups(t, mapping.Groups{}).Explain(mapping.SCIMGroup{Name: "y"}).String()
	got += compileGroups(t, manual()).Explain(mapping.SCIMGroup{Name: "y"}).String()
	got += compileGroups(t, mapping.Groups{Filter: `displayName != "y"`}).Explain(mapping.SCIMGroup{Name: "y"}).String()
	want += `group X
  X: not filled by on the fly: the group is among those that onTheFly.never names
group y
  y: not filled by on the fly: the group is not among those that onTheFly.only names
group y
  y: filled by on the fly; other members are kept; made if missing
group y
  (none): no rule is about this group, and importGroups is off
group y
  (none): not filled by filter: the group is not among those that the filter chooses: displayName != "y"
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List mismatch (-want +got):\n%s", diff)
	}
	long := mapping.SCIMGroup{Name: "x", ExternalID: strings.Repeat("x", 1<<20)}
	text := compileGroups(t, mapping.Groups{Filter: `externalId != "y"`}).Explain(long).String()
	if !strings.Contains(text, "the group cannot be held against the filter: externalId has more than the 32768 bytes") {
		t.Errorf("of a group too large for the filter it says %s", text)
	}
}
