package mapping_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/mapping"
)

func TestExpressions(t *testing.T) {
	t.Parallel()
	tests := []struct{ expr, want string }{
		{`lower("ÀB") + upper("é") + trim("  x ")`, "àbÉx"},
		{`ascii("Zoë Łukasiewicz-Müller, Ærø, naïve Ñandú 日本 ﬁn Việt")`, "Zoe Lukasiewicz-Muller, AEro, naive Nandu  fin Viet"},
		{`localPart(userName)`, "ann"},
		{`localPart("none")`, "none"},
		{`replace(userName, "harbour", "sea")`, "ann@sea.example"},
		{`replaceRegex(userName, "^(.*)@(.*)$", "$2/$1")`, "harbour.example/ann"},
		{`findRegex(userName, "@([a-z]+)")`, "harbour"},
		{`findRegex(userName, "[a-z]+$")`, "example"},
		{`findRegex(userName, "[0-9]") + "none"`, "none"},
		{`userName matches "^ann@" ? "yes" : "no"`, "yes"},
		{`not (userName matches "^bob") ? "yes" : "no"`, "yes"},
		{`title contains "apt" and title startsWith "C" and title endsWith "n" ? "yes" : "no"`, "yes"},
		{`join(split("a,b,,c", ","), "-")`, "a-b-c"},
		{`join(split("", ","), "-") + "empty"`, "empty"},
		{`join(map(emails, .type), "+")`, "home+work+other"},
		{`join(map(filter(emails, .primary), lower(.value)), "+")`, "ann@main.example"},
		{`find(emails, .type == "work").value`, "ann@work.example"},
		{`first(paths("emails.value"))`, "ann@home.example"},
		{`any(emails, .type == "work") && len(emails) == 3 ? "yes" : "no"`, "yes"},
		{`nickName ?? title`, "Captain"},
		{`default(nickName, profileUrl, "last")`, "last"},
		{`default(nickName, "")  + "x"`, "x"},
		{`substring(userName, 0, 3) + substring("äöü", 1) + substring("abc", -5, 99) + substring("abc", 2, 1) + substring("abc", 9)`, "annöüabc"},
		{`path("` + enterprise + `:department") + "/" + path("` + enterprise + `:manager.value")`, "Sea/m1"},
		{`path("emails[type eq \"work\"].value")`, "ann@work.example"},
		{`path("nickName") + "none"`, "none"},
		{`name.givenName + " " + name.familyName`, "Ann Berg"},
		{`name.middleName + nickName + "x"`, "x"},
		{`"n" + (1 + 2) + active`, "n3true"},
		{`let given = name.givenName; lower(given) + "." + lower(name.familyName)`, "ann.berg"},
		{`active ? title : ""`, "Captain"},
		{`{"a": title}.a`, "Captain"},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			t.Parallel()
			m := compile(t, mapping.Row{To: "result", Expr: tt.expr})
			f, err := m.ToCrowd(resource(t, annText))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(f.Custom["result"], "|"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Every attribute can be named in an expression, also where the resource has none of them, or has nulls.
func TestExpressionsOverNothing(t *testing.T) {
	t.Parallel()
	exprs := []string{
		`name.givenName`, `active ? "a" : "b"`, `emails | map(.value)`, `lower(nickName)`, `addresses | map(.locality)`,
		`join(map(photos, .value), ",")`, `meta.resourceType`, `userName + id + externalId`, `find(emails, .primary)?.value`,
	}
	for _, text := range []string{`{"userName": "a"}`, `{"userName": "a", "name": null, "emails": null, "addresses": [], "photos": [null]}`} {
		for _, e := range exprs {
			if _, err := compile(t, mapping.Row{To: "x", Expr: e}).ToCrowd(resource(t, text)); err != nil {
				t.Errorf("%s over %s: %v", e, text, err)
			}
		}
	}
}

// Expressions that would fill the memory or run for minutes fail within a moment, for that user.
func TestHostileExpressions(t *testing.T) {
	t.Parallel()
	doubling := "let a = userName + userName;"
	for v := 'a'; v < 'y'; v++ {
		doubling += fmt.Sprintf(" let %c = %c + %c;", v+1, v, v)
	}
	long := strings.Repeat("a", 30_000)
	emails := make([]any, 500)
	for i := range emails {
		emails[i] = map[string]any{"value": "a@x", "type": "work"}
	}
	big := map[string]any{"userName": long, "emails": emails}
	for name, e := range map[string]string{
		"doubling":      doubling + " y",
		"piped":         `[userName]` + strings.Repeat(` | map(# + #)`, 30),
		"replacing":     `replace(userName, "a", userName)`,
		"replacing RE":  `replaceRegex(userName, "a", userName)`,
		"RE twice over": `replaceRegex(replaceRegex(userName, "a", "$0$0$0$0$0$0$0$0"), "", "$0xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")`,
		"splitting":     `split(userName, "") | map(userName) | join("")`,
		"matching":      `emails | filter(userName matches "(a*)*b") | map(.value)`,
		"searching":     `split(userName, "") | filter(userName contains "b") | join("")`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			m, err := mapping.CompileAttributes(mapping.Attributes{{To: "username", From: []string{"id"}, Expr: `"u"`}, {To: "x", Expr: e}}, mapping.AttributeOptions{})
			if err == nil {
				_, err = m.ToCrowd(big)
			}
			if err == nil {
				t.Error("was evaluated to its end")
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// Calls inside calls must not multiply the work of the compiler.
func TestNestedCallsCompileInBoundedTime(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		"lower(%s)", "default(%s, active)", "substring(%s, 1, 2)", "join(split(%s, \",\"), \"\")", "replace(%s, \"a\", \"b\")",
		"(%s)", "(%s + title)", "not (%s)", "[%s]", "len(%s)", "first([%s])", "(true ? %s : title)", "-%s", "{\"a\": %s}", "(%s ?? title)",
		"replaceRegex(%s, \"(x{30}){30}\", \"\")", "map([1], %s)", "get(%s, 1)", "%s | map(#)", "(%s matches \"a\" ? title : userName)",
	} {
		text, start := "userName", time.Now()
		for len(text)+len(call) < 2000 {
			text = fmt.Sprintf(call, text)
		}
		_, err := mapping.CompileAttributes(mapping.Attributes{{To: "x", Expr: text}}, mapping.AttributeOptions{})
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %v (%v)", call, took, err)
		}
	}
}

func TestExpressionDataIsBounded(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Row{To: "x", Expr: `substring(title, 0, 3)`})
	for n, ok := range map[int]bool{32 << 10: true, 32<<10 + 1: false} {
		_, err := m.ToCrowd(map[string]any{"userName": "a", "title": strings.Repeat("x", n)})
		if (err == nil) != ok {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := m.ToCrowd(map[string]any{"userName": "a", "photos": []any{map[string]any{"value": strings.Repeat("x", 1<<20)}}}); err != nil {
		t.Errorf("what an expression does not read must not matter: %v", err)
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	s, err := mapping.CompileScope(mapping.Scope{
		Users:  `userType == "Employee" && not (path("` + enterprise + `:department") in ["Board", "Audit"])`,
		Groups: `displayName startsWith "crowd-" || externalId == "e1"`,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`{"userType": "Employee"}`: true,
		`{"userType": "Guest"}`:    false,
		`{}`:                       false,
		`{"userType": "Employee", "` + enterprise + `": {"department": "Board"}}`: false,
	} {
		if got, err := s.User(resource(t, text)); got != want || err != nil {
			t.Errorf("User(%s) = %v, %v, want %v", text, got, err, want)
		}
	}
	for g, want := range map[mapping.SCIMGroup]bool{
		{Name: "crowd-devs"}: true, {Name: "x", ExternalID: "e1"}: true, {Name: "x"}: false,
	} {
		if got, err := s.Group(g); got != want || err != nil {
			t.Errorf("Group(%v) = %v, %v, want %v", g, got, err, want)
		}
	}
	if got, err := new(mapping.ScopeFilter).User(nil); !got || err != nil {
		t.Errorf("no condition: %v, %v, want everybody", got, err)
	}
	_, err = mapping.CompileScope(mapping.Scope{Users: "title", Groups: "displayNam == 1"}, nil)
	want := `/users: the expression is no condition. Write one that is true or false, such as userType == "Employee"
/groups: the expression names displayNam, which is no attribute. Did you mean displayName?`
	if err == nil || err.Error() != want {
		t.Errorf("faults = %v, want %s", err, want)
	}
	failing, err := mapping.CompileScope(mapping.Scope{Users: `title == "x"`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := failing.User(map[string]any{"title": strings.Repeat("x", 1<<20)}); got || err == nil {
		t.Errorf("User of a title too long = %v, %v, want an error", got, err)
	}
}

func TestSettingsSurviveJSON(t *testing.T) {
	t.Parallel()
	text := `{"defaultForNewUsers":["a"],"mapping":"manual","manual":{"rules":[{"from":"x","to":["y"],"keepExistingUsers":false}],"importGroups":true},` +
		`"onTheFly":{"create":false,"rename":{"replace":[{"pattern":"a","with":"b"}],"prefix":"p"},"collisions":"refuse"},"protected":[]}`
	var g mapping.Groups
	if err := json.Unmarshal([]byte(text), &g); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(g)
	if err != nil || string(got) != text {
		t.Errorf("settings became %s, %v, want %s", got, err, text)
	}
	if empty, err := json.Marshal(mapping.Groups{}); err != nil || string(empty) != "{}" {
		t.Errorf("the zero value became %s, %v", empty, err)
	}
	rows := `[{"to":"active","const":false},{"to":"x","from":["title"],"expr":"userName","ifMissing":"keep"}]`
	var a mapping.Attributes
	if err := json.Unmarshal([]byte(rows), &a); err != nil {
		t.Fatal(err)
	}
	if got, err := json.Marshal(a); err != nil || string(got) != rows {
		t.Errorf("rows became %s, %v, want %s", got, err, rows)
	}
}
