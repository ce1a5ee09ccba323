package source_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// differences returns what differs from a source, as text.
func (s *site) differences(from source.Source) (all []string, err error) {
	s.tb.Helper()
	for d, err := range s.importer().Compare(s.tb.Context(), from) {
		if err != nil {
			return all, err
		}
		all = append(all, d.String())
	}
	return all, nil
}

func TestCompare(t *testing.T) {
	ann, bob := user("1", "ann", email("ann@example.com"), `"displayName": "Ann"`), user("2", "bob")
	devs := group("7", "devs", "1", "2")
	byHand := func(change func(*site)) func(*site) { return change }
	for name, c := range map[string]struct {
		change []func(*site)
		first  []string
		then   func(*site) // by hand
		lines  []string
		want   []string
	}{
		"alike":         {first: []string{ann, bob, devs}, lines: []string{ann, bob, devs}},
		"nothing":       {},
		"missing":       {lines: []string{ann, devs}, want: []string{`user missing "ann"`, `group missing in "devs"`}},
		"inactive both": {lines: []string{user("1", "ann", `"active": false`)}},
		"extra": {first: []string{ann, bob, devs}, lines: []string{ann, group("7", "devs", "1")}, want: []string{
			`user extra "bob": the user belongs to the connection "okta"`, `member extra "bob" in "devs"`,
		}},
		"extra by hand": {change: []func(*site){byHand(func(s *site) {
			s.fake.AddUser(crowd.User{Name: "hand", Active: true}, crowd.User{Name: "gone"})
			s.fake.AddGroup(crowd.Group{Name: "others", Active: true})
		})}, first: []string{ann, devs}, lines: []string{ann, group("7", "devs", "1")}, want: []string{
			`user extra "hand": no connection owns the user`, `group extra in "others"`,
		}},
		"groups are not told": {change: []func(*site){byHand(func(s *site) { s.fake.AddGroup(crowd.Group{Name: "others", Active: true}) })}},
		"fields": {first: []string{ann}, lines: []string{user("1", "anna", email("anna@example.com"), `"displayName": "Anna"`)}, want: []string{
			`user differs "ann": username is "ann", wanted "anna"`, `user differs "ann": displayName is "Ann", wanted "Anna"`,
			`user differs "ann": email is "ann@example.com", wanted "anna@example.com"`,
		}},
		"update off": {change: []func(*site){func(s *site) { s.users.Update = new(false) }}, first: []string{ann}, lines: []string{user("1", "ann", email("ann@example.com"), `"displayName": "A"`)}, want: []string{
			`user differs "ann": displayName is "Ann", wanted "A"`,
		}},
		"active": {first: []string{ann}, lines: []string{user("1", "ann", email("ann@example.com"), `"displayName": "Ann"`, `"active": false`)}, want: []string{
			`active differs "ann": active is "true", wanted "false"`,
		}},
		"by hand in Crowd": {
			first: []string{ann, bob, devs}, lines: []string{ann, bob, devs},
			then: func(s *site) {
				s.fake.AddUser(crowd.User{Name: "cem", Active: true})
				s.fake.In(s.fake.Directories()[0]).RemoveMember("devs", "ann")
				s.fake.AddMember("devs", "cem")
			},
			want: []string{`user extra "cem": no connection owns the user`, `member extra "cem" in "devs"`, `member missing "ann" in "devs"`},
		},
		"not linked": {change: []func(*site){byHand(func(s *site) { s.fake.AddUser(crowd.User{Name: "ann", Email: "ann@example.com", Active: true}) })}, lines: []string{ann}, want: []string{
			`user differs "ann": displayName is "", wanted "Ann": the user "ann" in Crowd has the same name. Let existing users be linked by it, or rename one of the two`,
		}},
		"custom attributes": {
			change: []func(*site){func(s *site) { s.users.Attributes = mapping.Attributes{{To: "nick", From: []string{"nickName"}}} }},
			first:  []string{user("1", "ann", `"nickName": "A"`)}, lines: []string{user("1", "ann", `"nickName": "B"`)},
			want: []string{`user differs "ann": nick is "A", wanted "B"`},
		},
		"not valid": {lines: []string{user("1", "ann", `"active": "perhaps"`)}, want: []string{`user not compared "ann": active is a string: send true or false`}},
		"told twice": {first: []string{ann}, lines: []string{ann, user("1", "ann"), user("2", "ANN")}, want: []string{
			`user not compared "ann": the identity provider told of this id before`, `user not compared "ANN": the user "ann" in Crowd has the same name, and is on record as "1" of the identity provider`,
		}},
		"rules": {
			change: []func(*site){func(s *site) {
				s.groups = mapping.Groups{Mapping: mapping.ManualMapping, DefaultForAllUsers: []string{"everybody"}, Manual: mapping.Manual{Rules: []mapping.Rule{
					{From: "devs", To: []string{"jira"}}, {From: "ops", To: []string{"jira", "wiki"}},
				}}}
				s.fake.AddGroup(crowd.Group{Name: "jira", Active: true}, crowd.Group{Name: "everybody", Active: true})
			}},
			first: []string{ann, bob, group("7", "devs", "1"), group("8", "ops", "2")},
			lines: []string{ann, bob, group("7", "devs", "1"), group("8", "ops", "2"), group("9", "hr", "1")},
			want:  []string{`group missing in "wiki"`, `group not compared in "hr": the settings map it to no group of Crowd`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, c.change...)
			if len(c.first) > 0 {
				s.run(c.first...)
			}
			if c.then != nil {
				c.then(s)
			}
			before := s.state()
			got, err := s.differences(file(c.lines...))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("differences mismatch (-want +got):\n%s", diff)
			}
			if after := s.state(); after != before {
				t.Errorf("comparing changed something (-before +after):\n%s", cmp.Diff(before, after))
			}
		})
	}
}

// Of a source that ends early what it told is compared, nothing counts as extra, and
// its error comes last.
func TestCompareHalf(t *testing.T) {
	s := newSite(t)
	s.run(user("1", "ann"), user("2", "bob"), group("7", "devs", "1", "2"))
	half := source.NewJSONLines(strings.NewReader(user("1", "ann") + "\n" + user("3", "cem") + "\n" + group("7", "devs", "1")))
	got, err := s.differences(half)
	if want := []string{`user missing "cem"`}; !cmp.Equal(want, got) || !errors.Is(err, source.ErrIncomplete) {
		t.Errorf("differences are %q, %v, want %q", got, err, want)
	}
}

// Who wants to hear no more stops the reading.
func TestCompareStops(t *testing.T) {
	s := newSite(t)
	for d, err := range s.importer().Compare(t.Context(), file(user("1", "ann"), user("2", "bob"))) {
		if err != nil || d.Kind != groupsync.UserMissing {
			t.Errorf("%v, %v", d, err)
		}
		break
	}
}

func TestWriteDifferences(t *testing.T) {
	s := newSite(t)
	s.run(user("1", "ann"), group("7", "devs", "1"))
	s.fake.AddUser(crowd.User{Name: "x\u202ey", Active: true})
	from := func() source.Source {
		return file(user("1", "ann", `"displayName": "Ann"`), user("2", "bob"), group("7", "devs"))
	}
	var table strings.Builder
	n, err := source.WriteTable(&table, s.importer().Compare(t.Context(), from()))
	want := `DIFFERENCE    USER         GROUP  FIELD        WANTED  IN CROWD  NOTE
user differs  ann          -      displayName  Ann     ann       -
user missing  bob          -      -            -       -         -
user extra    "x\u202ey"  -      -            -       -         no connection owns the user
member extra  ann          devs   -            -       -         -
`
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(table.String())); diff != "" || n != 4 || err != nil {
		t.Errorf("%d, %v, table mismatch (-want +got):\n%s\n%s", n, err, diff, table.String())
	}
	var lines strings.Builder
	if n, err := source.WriteJSON(&lines, s.importer().Compare(t.Context(), from())); n != 4 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	var first groupsync.Difference
	if err := json.NewDecoder(strings.NewReader(lines.String())).Decode(&first); err != nil {
		t.Fatal(err)
	}
	if want := (groupsync.Difference{Kind: groupsync.UserDiffers, User: "ann", ExternalID: "1", Field: "displayName", Wanted: "Ann", Crowd: "ann"}); first != want {
		t.Errorf("first line is %+v, want %+v", first, want)
	}
	if n, err := source.WriteTable(failing{}, s.importer().Compare(t.Context(), from())); err == nil {
		t.Errorf("%d differences written to what takes nothing", n)
	}
	half := source.NewJSONLines(strings.NewReader(user("9", "eve")))
	if n, err := source.WriteJSON(&lines, s.importer().Compare(t.Context(), half)); n != 1 || !errors.Is(err, source.ErrIncomplete) {
		t.Errorf("%d, %v", n, err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("full") }

// Once imported, with everything that an import may do, the two do not differ.
func TestCompareAfterImport(t *testing.T) {
	few(t)
	rapid.Check(t, func(r *rapid.T) {
		s := newSite(t, links, func(s *site) { s.imports.Leavers, s.imports.RemoveMembers = true, true })
		for range rapid.IntRange(1, 3).Draw(r, "imports") {
			lines := people(r)
			plan := s.plan(lines...)
			if _, err := s.importer().Apply(t.Context(), plan, ""); err != nil {
				r.Fatal(err)
			}
			got, err := s.differences(file(lines...))
			got = slices.DeleteFunc(got, func(d string) bool { return strings.HasPrefix(d, "group extra") }) // no import deletes a group
			if err != nil || len(got) > 0 {
				r.Fatalf("%q, %v, of %q, after\n%s", got, err, lines, plan.Table())
			}
			if again := s.plan(lines...); left(again) > 0 {
				r.Fatalf("something is left:\n%s", again.Table())
			}
		}
	})
}

// people draws the lines of a file.
func people(r *rapid.T) (lines []string) {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"ann", "bob", "cem", "dan", "eve", "fay"}), 0, 6, rapid.ID).Draw(r, "names")
	for i, name := range names {
		var more []string
		if rapid.Bool().Draw(r, "has e-mail") {
			more = append(more, email(name+"@example.com"))
		}
		if rapid.Bool().Draw(r, "has display name") {
			more = append(more, `"displayName": "`+strings.ToUpper(name)+`"`)
		}
		if rapid.Bool().Draw(r, "is inactive") {
			more = append(more, `"active": false`)
		}
		lines = append(lines, user("id-of-"+names[i], name, more...))
	}
	for _, g := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"devs", "ops"}), 0, 2, rapid.ID).Draw(r, "groups") {
		var members []string
		for _, name := range names {
			if rapid.Bool().Draw(r, "member") {
				members = append(members, "id-of-"+name)
			}
		}
		lines = append(lines, group("id-of-"+g, g, members...))
	}
	return lines
}
