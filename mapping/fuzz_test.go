package mapping_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/mapping"
)

// tooLong is hundreds of times what any bounded work takes, for a machine that does other things as well, and far less
// than work without bounds does.
const tooLong = 30 * time.Second

func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		`lower(userName)`, `trim(name.givenName + " " + name.familyName)`, `emails | filter(.type == "work") | map(lower(.value))`,
		`replaceRegex(userName, "^(.*)@.*$", "$1")`, `path("emails[type eq \"work\"].value") ?? default(nickName, title)`,
		`let a = userName; a + a matches "a" ? substring(a, 0, 3) : join(split(a, "."), "")`, `{"a": [1, 2]}.a[5]`, `1..99999999`,
		`title in ["a"] and not active or len(emails) > 3 ? ascii(title) : localPart(userName)`, `1/0`, `first([])`, `nil?.a`, `-title`,
	} {
		f.Add(s, "ann@harbour.example")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		start := time.Now()
		m, err := mapping.CompileAttributes(mapping.Attributes{{To: "x", Expr: text}}, mapping.AttributeOptions{})
		if err == nil {
			user := map[string]any{
				"userName": "u", "title": value, "nickName": value, "active": true,
				"emails": []any{map[string]any{"value": value, "type": "work"}, map[string]any{"value": value}},
			}
			_, err = m.ToCrowd(user)
			if _, ok := errors.AsType[*mapping.ValueError](err); err != nil && !ok {
				t.Errorf("error = %v, want a ValueError", err)
			}
		} else if _, ok := errors.AsType[mapping.Faults](err); !ok {
			t.Errorf("error = %v, want Faults", err)
		}
		if took := time.Since(start); took > tooLong {
			t.Errorf("took %v", took)
		}
	})
}

func FuzzUserFilter(f *testing.F) {
	for _, s := range []string{
		`userType == "Employee"`, `title in ["a", "b"] and not (nickName == title)`, `count(emails, .value == title) > 0`,
		`let l = split(title, ""); l == map(l, #)`, `emails[3].value != title`, `len(title) > 3 && title[1:2] == "x"`,
		`path("emails[value co \"a\"].value") startsWith "a"`, `{"a": emails} == {"a": emails}`, `active ?? true`, ``,
	} {
		f.Add(s, "ann@harbour.example")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		start := time.Now()
		filter, err := mapping.CompileUserFilter(text, nil)
		if _, ok := errors.AsType[mapping.Faults](err); err != nil && !ok {
			t.Errorf("error = %v, want Faults", err)
		}
		if err == nil {
			user := map[string]any{
				"userName": "u", "title": value, "nickName": value, "active": true,
				"emails": []any{map[string]any{"value": value, "type": "work"}, map[string]any{"value": value}},
			}
			_, err = filter.Includes(user)
			if _, ok := errors.AsType[*mapping.ValueError](err); err != nil && !ok {
				t.Errorf("error = %v, want a ValueError", err)
			}
		}
		if took := time.Since(start); took > tooLong {
			t.Errorf("took %v", took)
		}
	})
}

func FuzzRule(f *testing.F) {
	f.Add("okta-(.*)", "$1-users", "okta-dev", "^a", "$0")
	f.Add("(?P<a>x)|y$", "${a}", "y", `\b`, "x")
	f.Add("(a*)*(b|c)+$", "x$$", strings.Repeat("a", 300), "(.*)(.*)", "$1$2")
	f.Add("((((", "$", "", "a{1000}", "${")
	f.Add("dev", "crowd-administrators", "DEV", "[^a]", "")
	f.Fuzz(func(t *testing.T, pattern, to, name, replace, with string) {
		start := time.Now()
		m, err := mapping.CompileGroups(mapping.Groups{
			Mapping: mapping.ManualMapping, Filter: `not (displayName startsWith "never")`,
			Manual: mapping.Manual{Rules: []mapping.Rule{{FromPattern: pattern, To: []string{to}}}, ImportGroups: true},
			OnTheFly: mapping.OnTheFly{
				Only: []string{"*" + with + "*"}, Rename: mapping.Rename{Replace: []mapping.Replacement{{Pattern: replace, With: with}}},
			},
		})
		if err == nil {
			for _, target := range m.Targets(mapping.SCIMGroup{Name: name}) {
				if m.Protected(target.Group) || target.Group == "" || strings.HasPrefix(name, "never") {
					t.Errorf("%q fills %q", name, target.Group)
				}
			}
		} else if _, ok := errors.AsType[mapping.Faults](err); !ok {
			t.Errorf("error = %v, want Faults", err)
		}
		if took := time.Since(start); took > tooLong {
			t.Errorf("took %v", took)
		}
	})
}

func FuzzSource(f *testing.F) {
	f.Add(`emails[type eq "work"].value`, "ann")
	f.Add(enterprise+":manager", "")
	f.Add("urn:x:y", "é")
	f.Fuzz(func(t *testing.T, path, value string) {
		m, err := mapping.CompileAttributes(mapping.Attributes{{To: "x", From: []string{path}}}, mapping.AttributeOptions{})
		if err != nil {
			return
		}
		held := mapping.Fields{Username: new("u"), Custom: map[string][]string{"x": {value}}}
		shown := m.ToSCIM(held, nil)
		if again, err := m.ToCrowd(shown); err == nil && len(again.Custom["x"]) == 1 && again.Custom["x"][0] != value {
			t.Errorf("%s was shown as %v and came back as %q", value, shown, again.Custom["x"])
		}
		m.Explain(shown)
	})
}
