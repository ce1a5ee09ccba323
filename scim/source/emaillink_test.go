package source_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// A user whose name is that of a record is that record's, in whatever order the
// records come, and no other record is linked to the user by e-mail.
func TestImportLinksNobodyElseByEmail(t *testing.T) {
	const team = "team@example.com"
	ann, bob := user("1", "ann", email(team)), user("2", "bob", email(team))
	const taken = `skip user "ann": the user "bob" in Crowd has the same e-mail address, and the name of another user of the identity provider`
	var many []string // more than are looked up at once
	for i := range 60 {
		many = append(many, user(fmt.Sprint(100+i), fmt.Sprintf("u%d", i), `"active": false`))
	}
	inactive := slices.Repeat([]string{""}, len(many))
	for i := range inactive {
		inactive[i] = fmt.Sprintf(`skip user "u%d": is not active at the identity provider`, i)
	}
	for name, c := range map[string]struct {
		lines, want []string
	}{
		"before":         {[]string{ann, bob}, []string{`link user "bob": has the same name`, taken}},
		"after":          {[]string{bob, ann}, []string{`link user "bob": has the same name`, taken}},
		"a chunk before": {slices.Concat([]string{ann}, many, []string{bob}), slices.Concat(inactive, []string{`link user "bob": has the same name`, taken})},
		"passed over": {[]string{ann, user("2", "bob", `"active": "perhaps"`)}, []string{
			`skip user "bob": active is a string: send true or false`, taken,
		}},
		"two by e-mail": {[]string{ann, user("3", "cem", email(team)), group("7", "devs", "1")}, []string{
			`link user "ann": has the same e-mail address`, `skip user "cem": the user "bob" in Crowd was taken for "1" of the identity provider before`,
			`create group "devs": the connection has no such group`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, links, func(s *site) {
				s.imports.Link = []source.Link{source.LinkUserName, source.LinkEmail}
				s.fake.AddUser(crowd.User{Name: "bob", Email: team, Active: true})
			})
			got, err := s.differences(file(c.lines...))
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(c.want, taken) && slices.Contains(got, `user differs "bob": username is "bob", wanted "ann"`) {
				t.Errorf("bob is held against the record of ann: %q", got)
			}
			if diff := cmp.Diff(c.want, outcomes(s.run(c.lines...))); diff != "" {
				t.Errorf("outcomes mismatch (-want +got):\n%s", diff)
			}
			if again := s.plan(c.lines...); left(again) > 0 {
				t.Errorf("applied, the same import has something to do:\n%s", again.Table())
			}
		})
	}
}

// Where the records end early, the name may be that of one who was not told.
func TestImportLinksNobodyByEmailOfHalfASource(t *testing.T) {
	s := newSite(t, links, func(s *site) {
		s.imports.Link = []source.Link{source.LinkEmail}
		s.fake.AddUser(crowd.User{Name: "bob", Email: "team@example.com", Active: true})
	})
	half := source.NewJSONLines(strings.NewReader(user("1", "ann", email("team@example.com"))))
	plan, err := s.importer().Plan(t.Context(), half)
	if err != nil || !errors.Is(plan.EarlyError(), source.ErrIncomplete) {
		t.Fatal(plan, err)
	}
	want := []string{`skip user "ann": the user "bob" in Crowd has the same e-mail address, and may have the name of a user whom the identity provider did not tell of, as it ended early`}
	if diff := cmp.Diff(want, outcomes(plan)); diff != "" {
		t.Errorf("outcomes mismatch (-want +got):\n%s", diff)
	}
}
