package source_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// Members of a group whose records were not told, or are passed over, stay in the
// group: the identity provider has them there.
func TestImportKeepsMembersWhoseRecordsAreMissing(t *testing.T) {
	ann, bob, cem := user("1", "ann"), user("2", "bob"), user("3", "cem")
	devs := group("7", "devs", "1", "2")
	exclusive := func(s *site) {
		s.groups = mapping.Groups{OnTheFly: mapping.OnTheFly{Exclusive: true, KeepExistingGroups: new(false)}}
	}
	for name, c := range map[string]struct {
		change []func(*site)
		lines  []string
	}{
		"not told":            {lines: []string{ann, cem, devs}},
		"not valid":           {lines: []string{ann, user("2", "bob", `"active": "perhaps"`), cem, devs}},
		"renamed, not valid":  {lines: []string{ann, user("2", "robert", `"active": "perhaps"`), cem, devs}},
		"name taken":          {lines: []string{ann, user("2", "ANN"), cem, devs}},
		"exclusive":           {change: []func(*site){exclusive}, lines: []string{ann, cem, devs}},
		"exclusive, filtered": {change: []func(*site){exclusive}, lines: []string{ann, user("2", "bob", `"active": "perhaps"`), devs}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, append(c.change, func(s *site) { s.imports.RemoveMembers = true })...)
			s.run(ann, bob, cem, group("7", "devs", "1", "2", "3"))
			plan := s.run(c.lines...)
			if got, want := s.fake.Members("devs"), []string{"ann", "bob"}; !slices.Equal(got, want) {
				t.Errorf("devs are %q, want %q\n%s", got, want, plan.Table())
			}
			got, err := s.differences(file(c.lines...))
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(got, `member extra "bob" in "devs"`) {
				t.Errorf("bob counts as extra: %q", got)
			}
		})
	}
}

// A user made by a push without an id of the identity provider's is known by name.
func TestImportKeepsMembersByName(t *testing.T) {
	s := newSite(t, func(s *site) { s.imports.RemoveMembers = true })
	s.run(user("1", "ann"), group("7", "devs", "1"))
	post(t, s.imports.Handler, "/Users", `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bob"}`)
	bob := must[*groupsync.User](t)(s.imports.Engine.UserByName(t.Context(), "bob"))
	devs := must[*groupsync.Group](t)(s.imports.Engine.GroupByName(t.Context(), "devs"))
	must[*groupsync.Group](t)(s.imports.Engine.ChangeGroup(t.Context(), devs.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{{Op: groupsync.AddMembers, IDs: []string{bob.ID}}}}))
	lines := []string{user("1", "ann"), user("2", "bob", `"active": "perhaps"`), group("7", "devs", "1", "2")}
	if plan := s.plan(lines...); left(plan) > 0 {
		t.Errorf("something is taken out:\n%s", plan.Table())
	}
	got, err := s.differences(file(lines...))
	if err != nil || len(got) != 1 {
		t.Errorf("differences are %q, %v", got, err)
	}
}

// A group within a group stays there where its record was not told or is passed
// over, and where the source ended early.
func TestImportKeepsNestedGroups(t *testing.T) {
	outer := fmt.Sprintf(`{"id": "7", "displayName": "all", "members": [%s, %s]}`, `{"value": "8", "type": "Group"}`, `{"value": "9", "type": "Group"}`)
	devs, ops := group("8", "devs"), group("9", "ops")
	without := group("7", "all")
	for name, c := range map[string]struct {
		lines []string
		half  bool
		want  []string
	}{
		"not told":      {lines: []string{outer, devs}, want: []string{"devs", "ops"}},
		"a clash":       {lines: []string{outer, devs, group("9", "devs")}, want: []string{"devs", "ops"}},
		"not chosen":    {lines: []string{outer, devs, group("9", "crowd-administrators")}, want: []string{"devs", "ops"}},
		"ended early":   {lines: []string{without}, half: true, want: []string{"devs", "ops"}},
		"not within it": {lines: []string{without, devs}, want: nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(s *site) {
				s.fake.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
				s.imports.RemoveMembers = true
			})
			s.run(outer, devs, ops)
			from := file(c.lines...)
			if c.half {
				from = source.NewJSONLines(strings.NewReader(strings.Join(c.lines, "\n")))
			}
			plan := must[*groupsync.Import](t)(s.importer().Plan(t.Context(), from))
			must[groupsync.Result](t)(s.importer().Apply(t.Context(), plan, ""))
			got := s.fake.ChildGroups("all")
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("within all are %q, want %q\n%s", got, c.want, plan.Table())
			}
		})
	}
}
