package mapping_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/mapping"
)

// drawResource draws a user as identity providers send them: parts missing, addresses in any number.
func drawResource(t *rapid.T) map[string]any {
	text := rapid.StringMatching(`[A-Za-zäöüÀ-Ý .@-]{0,12}`)
	r := map[string]any{"userName": rapid.StringMatching(`[A-Za-z][a-z.]{0,8}[a-z0-9]`).Draw(t, "userName")}
	for _, name := range []string{"displayName", "title", "nickName", "externalId"} {
		if rapid.Bool().Draw(t, "has "+name) {
			r[name] = text.Draw(t, name)
		}
	}
	if rapid.Bool().Draw(t, "has active") {
		r["active"] = rapid.SampledFrom([]any{true, false, "True", "false"}).Draw(t, "active")
	}
	if rapid.Bool().Draw(t, "has name") {
		r["name"] = map[string]any{"givenName": text.Draw(t, "given"), "familyName": text.Draw(t, "family")}
	}
	if rapid.Bool().Draw(t, "has enterprise") {
		r[enterprise] = map[string]any{"department": text.Draw(t, "department")}
	}
	var emails []any
	for range rapid.IntRange(0, 3).Draw(t, "emails") {
		e := map[string]any{"value": text.Draw(t, "address")}
		if rapid.Bool().Draw(t, "typed") {
			e["type"] = rapid.SampledFrom([]string{"work", "home", "Work"}).Draw(t, "type")
		}
		if rapid.Bool().Draw(t, "flagged") {
			e["primary"] = rapid.Bool().Draw(t, "primary")
		}
		emails = append(emails, e)
	}
	if emails != nil {
		r["emails"] = emails
	}
	return r
}

func drawRows(t *rapid.T) mapping.Attributes {
	pool := mapping.Attributes{
		{To: "email", From: []string{`emails[type eq "work"].value`}},
		{To: "displayName", From: []string{"nickName", "displayName"}, IfMissing: mapping.Keep},
		{To: "lastName", From: []string{enterprise + ":department"}},
		{To: "dept", From: []string{enterprise + ":department", "title"}},
		{To: "mails", From: []string{"emails.value"}},
		{To: "active", From: []string{"active"}, Const: true},
		{To: "username", From: []string{"userName"}},
		{To: "shout", Expr: "upper(userName)"},
	}
	var rows mapping.Attributes
	for _, r := range pool {
		if rapid.Bool().Draw(t, r.To) {
			rows = append(rows, r)
		}
	}
	return rows
}

// What went to Crowd and came back is what was sent, and goes to Crowd as before.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, err := mapping.CompileAttributes(drawRows(t), mapping.AttributeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sent := drawResource(t)
		f, err := m.ToCrowd(sent)
		if err != nil {
			t.Fatal(err)
		}
		shown := m.ToSCIM(f, sent)
		if _, said := sent["active"]; !said {
			delete(shown, "active") // shown from Crowd, whatever was sent
		}
		if diff := cmp.Diff(sent, shown); diff != "" {
			t.Errorf("a user lost or gained something on the way back (-sent +shown):\n%s", diff)
		}
		again, err := m.ToCrowd(m.ToSCIM(f, sent))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, again); diff != "" {
			t.Errorf("mapping twice is not mapping once (-once +twice):\n%s", diff)
		}
	})
}

// A resource built from Crowd alone goes back to Crowd as it came from there.
func TestRoundTripFromCrowd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, err := mapping.CompileAttributes(nil, mapping.AttributeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		text := func(label string) *string { return new(rapid.StringMatching(`[A-Za-zé ]{1,8}`).Draw(t, label)) }
		f := mapping.Fields{
			Username: new(rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "name")), Email: text("email"), DisplayName: text("display"),
			FirstName: text("first"), LastName: text("last"), Active: new(rapid.Bool().Draw(t, "active")),
		}
		kept := map[string]any(nil)
		if rapid.Bool().Draw(t, "something kept") {
			kept = drawResource(t)
			delete(kept, "emails")
		}
		got, err := m.ToCrowd(m.ToSCIM(f, kept))
		if err != nil {
			t.Fatal(err)
		}
		if kept != nil && mapping.Fold(*got.Username) == mapping.Fold(*f.Username) {
			got.Username = f.Username
		}
		if diff := cmp.Diff(f, got); diff != "" {
			t.Errorf("Crowd would be changed by what it showed (-held +wanted):\n%s", diff)
		}
	})
}

// Of rows for different targets the order does not matter.
func TestOrderOfRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		sent := drawResource(t)
		var results []mapping.Fields
		for _, order := range []mapping.Attributes{rows, rapid.Permutation(rows).Draw(t, "order")} {
			m, err := mapping.CompileAttributes(order, mapping.AttributeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			f, err := m.ToCrowd(sent)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, f)
		}
		if diff := cmp.Diff(results[0], results[1], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the order of rows matters (-one +other):\n%s", diff)
		}
	})
}

var groupNames = []string{"eng", "Eng", "ops", "okta-eng", "dev-web", "dev-app", "crowd-administrators", "sales"}

func drawGroups(t *rapid.T) mapping.Groups {
	rules := []mapping.Rule{
		{From: "eng", To: []string{"devs", "wiki"}},
		{FromPattern: "dev-(.*)", To: []string{"$1-users", "devs"}},
		{From: "ops", To: []string{"servers"}, KeepExistingUsers: new(false)},
		{FromPattern: "(.*)administrators", To: []string{"${1}administrators", "board"}},
		{From: "sales", To: []string{"jira-administrators"}, Protected: "add"},
	}
	g := mapping.Groups{Mapping: rapid.SampledFrom([]mapping.Mode{mapping.OnTheFlyMapping, mapping.ManualMapping}).Draw(t, "mode")}
	for i, r := range rules {
		if rapid.Bool().Draw(t, "rule "+string(rune('0'+i))) {
			g.Manual.Rules = append(g.Manual.Rules, r)
		}
	}
	g.Manual.ImportGroups = rapid.Bool().Draw(t, "importGroups")
	g.OnTheFly.KeepExistingGroups = new(rapid.Bool().Draw(t, "keepExistingGroups"))
	if rapid.Bool().Draw(t, "rename") {
		g.OnTheFly.Rename.Replace = []mapping.Replacement{{Pattern: "^okta-"}}
	}
	if rapid.Bool().Draw(t, "default") {
		g.DefaultForAllUsers = []string{"employees", "wiki"}
	}
	return g
}

func drawUser(t *rapid.T) mapping.UserState {
	u := mapping.UserState{
		Name: "ann", Ours: rapid.Bool().Draw(t, "ours"), Gone: rapid.Bool().Draw(t, "gone"),
		Provenance: make(map[string]mapping.Provenance),
	}
	for i, name := range groupNames {
		if rapid.Bool().Draw(t, "grant of "+name) {
			g := mapping.Grant{Group: mapping.SCIMGroup{ID: string(rune('a' + i)), Name: name}, Live: rapid.Bool().Draw(t, "live")}
			u.Grants = append(u.Grants, g)
		}
	}
	crowd := []string{"devs", "wiki", "web-users", "servers", "eng", "ops", "by-hand", "crowd-administrators", "jira-administrators", "employees"}
	for _, name := range crowd {
		if p := rapid.SampledFrom(provenances).Draw(t, "provenance of "+name); p != mapping.Absent {
			u.Provenance[name] = p
		}
		if rapid.Bool().Draw(t, "member of "+name) {
			u.Memberships = append(u.Memberships, name)
		}
	}
	return u
}

func compileDrawn(t *rapid.T, g mapping.Groups) *mapping.GroupMap {
	m, err := mapping.CompileGroups(g)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// desired returns what the settings and live grants ask for, worked out group by group.
func desired(m *mapping.GroupMap, u mapping.UserState) map[string]bool {
	want := make(map[string]bool)
	if u.Gone {
		return want
	}
	for _, g := range u.Grants {
		for _, target := range m.Targets(g.Group) {
			if g.Live {
				want[mapping.Fold(target.Group)] = true
			}
		}
	}
	for _, name := range m.DefaultForAllUsers() {
		if u.Ours {
			want[mapping.Fold(name)] = true
		}
	}
	return want
}

// The union rule: added is exactly what some live grant or default asks for. A target is left with the last grant
// only. Protected groups are never taken from, and added to by leave alone. Under keep nothing is taken that the
// identity provider did not give.
func TestDeriveUserProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, u := compileDrawn(t, drawGroups(t)), drawUser(t)
		want := desired(m, u)
		added := make(map[string]bool)
		for _, d := range m.DeriveUser(u) {
			name := mapping.Fold(d.Target.Group)
			p := u.Provenance[name]
			switch d.Action {
			case mapping.Add:
				added[name] = true
			case mapping.Remove:
				if want[name] {
					t.Errorf("%s is removed, but asked for", name)
				}
				if m.Keeps(name) && d.Target.KeepExisting && p != mapping.Made && p != mapping.LeftOpen {
					t.Errorf("%s is removed, but kept: %v", name, p)
				}
			}
			if m.Protected(name) && (d.Action == mapping.Remove || !d.Target.ProtectedAdd) {
				t.Errorf("%s is protected, but %v", name, d.Action)
			}
		}
		if diff := cmp.Diff(want, added); diff != "" {
			t.Errorf("added is not what is asked for (-want +got):\n%s", diff)
		}
	})
}

// Neither the order of rules nor that of grants matters to what is done.
func TestOrderOfRulesAndGrants(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, u := drawGroups(t), drawUser(t)
		want := folded(compileDrawn(t, g).DeriveUser(u))
		if len(g.Manual.Rules) > 0 {
			g.Manual.Rules = rapid.Permutation(g.Manual.Rules).Draw(t, "rules")
		}
		if len(u.Grants) > 0 {
			u.Grants = rapid.Permutation(u.Grants).Draw(t, "grants")
		}
		if diff := cmp.Diff(want, folded(compileDrawn(t, g).DeriveUser(u))); diff != "" {
			t.Errorf("the order matters (-one +other):\n%s", diff)
		}
	})
}

func folded(decisions []mapping.Decision) map[string]mapping.Action {
	m := make(map[string]mapping.Action)
	for _, d := range decisions {
		m[mapping.Fold(d.Target.Group)] = d.Action
	}
	return m
}

// Once what is derived is done, and recorded, deriving again asks for the same memberships and removes nothing.
func TestDeriveIsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, u := compileDrawn(t, drawGroups(t)), drawUser(t)
		want := apply(m.DeriveUser(u), &u)
		got := apply(m.DeriveUser(u), &u)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("doing it twice is not doing it once (-once +twice):\n%s", diff)
		}
	})
}

// apply does what decisions say and records it, and returns the folded memberships.
func apply(decisions []mapping.Decision, u *mapping.UserState) []string {
	members := make(map[string]bool)
	for _, name := range u.Memberships {
		members[mapping.Fold(name)] = true
	}
	for _, d := range decisions {
		name := mapping.Fold(d.Target.Group)
		switch d.Action {
		case mapping.Add:
			if !members[name] && u.Provenance[name] != mapping.Found {
				u.Provenance[name] = mapping.Made
			}
			members[name] = true
		case mapping.Remove:
			delete(members, name)
			u.Provenance[name] = mapping.LeftClosed
		}
	}
	u.Memberships = slices.Sorted(maps.Keys(members))
	return u.Memberships
}

// A new name for a SCIM group changes no membership where the rules give it the same targets.
func TestRenamingUnderUnchangedTargets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, u := compileDrawn(t, drawGroups(t)), drawUser(t)
		before := folded(m.DeriveUser(u))
		for i, g := range u.Grants {
			renamed := g.Group
			renamed.Name = rapid.SampledFrom(groupNames).Draw(t, "new name")
			if cmp.Equal(m.Targets(g.Group), m.Targets(renamed)) {
				u.Grants[i].Group = renamed
			}
		}
		if diff := cmp.Diff(before, folded(m.DeriveUser(u))); diff != "" {
			t.Errorf("renaming changed memberships (-before +after):\n%s", diff)
		}
	})
}

// Where existing groups are not kept, a user of the connection ends in exactly what is desired, protected groups and
// those for new users aside, and the targets to look at besides those of its grants are those that Swept names.
func TestExactlyWhatIsDesired(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, u := drawGroups(t), drawUser(t)
		g.Mapping, g.OnTheFly.KeepExistingGroups, g.DefaultForNewUsers = mapping.OnTheFlyMapping, new(false), []string{"by-hand"}
		m := compileDrawn(t, g)
		u.Ours = true
		want := desired(m, u)
		for _, name := range u.Memberships {
			if m.Protected(name) || name == "by-hand" && u.Provenance[name] != mapping.Made && u.Provenance[name] != mapping.LeftOpen {
				want[name] = true
			}
		}
		looked := make(map[string]bool)
		for _, target := range m.Swept(u.Memberships) {
			looked[mapping.Fold(target.Group)] = true
		}
		for _, d := range m.DeriveUser(u) {
			name := mapping.Fold(d.Target.Group)
			if d.Action == mapping.Remove && slices.Contains(u.Memberships, name) && !looked[name] && u.Provenance[name] == mapping.Absent {
				t.Errorf("%s is removed, but not swept", name)
			}
		}
		got := make(map[string]bool)
		for _, name := range apply(m.DeriveUser(u), &u) {
			got[name] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the memberships are not what is desired (-want +got):\n%s", diff)
		}
	})
}

// Under rules by externalId a SCIM group may have any name: no membership depends on it.
func TestRenamingUnderRulesByExternalID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		u := drawUser(t)
		var rules []mapping.Rule
		for i := range u.Grants {
			u.Grants[i].Group.ExternalID = "e" + u.Grants[i].Group.ID
			to := rapid.SampledFrom([]string{"devs", "wiki", "servers"}).Draw(t, "target")
			rules = append(rules, mapping.Rule{FromExternalID: u.Grants[i].Group.ExternalID, To: []string{to}})
		}
		m := compileDrawn(t, manual(rules...))
		before := folded(m.DeriveUser(u))
		for i := range u.Grants {
			u.Grants[i].Group.Name = rapid.String().Draw(t, "new name")
		}
		if diff := cmp.Diff(before, folded(m.DeriveUser(u))); diff != "" {
			t.Errorf("renaming changed memberships (-before +after):\n%s", diff)
		}
	})
}
