package mapping_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/expr-lang/expr/builtin"
	"github.com/google/go-cmp/cmp"

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
		{`emails[0].value + (emails[-1].type ?? "none")`, "ann@home.exampleother"},
		{`emails[99].value ?? first(photos).value ?? find(emails, .type == "fax").value ?? "none"`, "none"},
		{`lower(emails[99].value) + (emails[99].value == "x" ? "x" : "none")`, "none"},
		{`title == "Captain" and title != nickName and not (title == userName) ? "yes" : "no"`, "yes"},
		{`emails == emails and emails != [] and emails[0] == emails[0] and name == name ? "yes" : "no"`, "yes"},
		{`emails == filter(emails, true) and map(emails, .type) == ["home", "work", "other"] and [1, 2] == [1, 2] ? "yes" : "no"`, "yes"},
		{`{"a": 1} == {"a": 1} and {"a": 1} != {"a": 2} and {"a": 1} != {"b": 1} and {"a": [1]} != {"a": [2]} ? "yes" : "no"`, "yes"},
		{`title in ["Mate", "Captain"] and not (title in ["Mate"]) and "home" in map(emails, .type) and "givenName" in name ? "yes" : "no"`, "yes"},
		{`title < "D" and title <= title and "b" > "a" and "b" >= "b" and 2 > 1 and len(title) >= 7 ? "yes" : "no"`, "yes"},
		{`len("äöü") == 3 and len(emails) == 3 and len(first(paths("emails.value"))) == 16 and len(first(photos)) == 0 ? "yes" : "no"`, "yes"},
		{`first(paths("emails.type")) < last(paths("emails.type")) ? "yes" : "no"`, "yes"},
		{`join(["a", "b"], "-") + join(["c", title], "-")`, "a-bc-Captain"},
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

// Expressions that compile, and fail for a user, say why in words of the setting.
func TestExpressionsThatFail(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		`substring(title, default(1.5, 2))`:     "substring counts characters in whole numbers",
		`substring(title, 0, first([title]))`:   "substring counts characters in whole numbers",
		`let n = len(emails) - 3; "" + (7 % n)`: "integer divide by zero",
	} {
		_, err := compile(t, mapping.Row{To: "x", Expr: expr}).ToCrowd(resource(t, annText))
		if _, ok := errors.AsType[*mapping.ValueError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a ValueError that says %q", expr, err, want)
		}
	}
}

// Of the functions of the language only those are there that read no clock and cost what their arguments say.
func TestFunctionsOfTheLanguage(t *testing.T) {
	t.Parallel()
	there := []string{"all", "any", "none", "one", "filter", "map", "find", "count", "len", "first", "last", "lower", "upper", "trim", "replace", "split", "join"}
	arguments := []string{"", "title", "emails", "name", "1", "emails, true", "emails, .value", "title, title", "title, 1", "1, 1", `title, "a", "b"`, `emails, 1, 1`, "[title], title"}
	for _, name := range builtin.Names {
		if slices.Contains(there, name) {
			continue
		}
		for _, a := range arguments {
			text := name + "(" + a + ")"
			if _, err := mapping.CompileAttributes(mapping.Attributes{{To: "x", Expr: text}}, mapping.AttributeOptions{}); err == nil {
				t.Errorf("%s is there", text)
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
			if took := time.Since(start); took > tooLong {
				t.Errorf("took %v", took)
			}
		})
	}
}

// Whatever a loop does with the longest list and the longest texts that there can be, it ends within a moment.
func TestHostileLoops(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 32<<10)
	photos := make([]any, 8)
	for i := range photos {
		photos[i] = map[string]any{"value": strings.Repeat("a", 1<<20)}
	}
	user := map[string]any{"userName": "u", "title": long, "nickName": strings.Clone(long), "photos": photos}
	const letters, lists = `let l = split(title, ""); `, `let l = split(title, ""); let m = map(l, l); `
	for name, e := range map[string]string{
		"in":             letters + `count(l, "b" in l) > 0`,
		"in a list":      lists + `m in [m, l]`,
		"lists":          letters + `count(l, l == l) > 0`,
		"lists of lists": lists + `m == m`,
		"unequal":        lists + `m != map(l, l)`,
		"objects":        lists + `let o = {"a": m}; let p = {"a": m}; o == p`,
		"texts":          letters + `count(l, title == nickName and title != nickName) > 0`,
		"order":          letters + `count(l, ` + strings.Repeat(`title <= nickName and nickName >= title and `, 20) + `true) > 0`,
		"begin and end":  letters + `count(l, ` + strings.Repeat(`title startsWith nickName and title endsWith nickName and `, 15) + `true) > 0`,
		"length":         letters + `count(l, ` + strings.Repeat(`len(title) > 3 and `, 50) + `true) > 0`,
		"empty texts":    letters + `let e = map(l, ""); count(l, join(e, "") == "x") > 0`,
		"paths":          letters + `count(l, path("photos[value co \"b\"].value") == "x") > 0`,
		"all paths":      letters + `count(l, len(paths("photos[value co \"a\"].value")) == 0) > 0`,
		"power":          `2 ** 1000000 ** 1000000 > 3`,
		"copies":         letters + `len(l` + strings.Repeat(` | map([#, #, #])`, 80) + `) > 0`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := mapping.CompileUserFilter(e, nil)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			_, err = f.Includes(user)
			if took := time.Since(start); took > tooLong {
				t.Errorf("took %v (%v)", took, err)
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
		if took := time.Since(start); took > tooLong {
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

func TestUserFilter(t *testing.T) {
	t.Parallel()
	f, err := mapping.CompileUserFilter(`userType == "Employee" && not (path("`+enterprise+`:department") in ["Board", "Audit"])`, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`{"userType": "Employee"}`: true,
		`{"userType": "Guest"}`:    false,
		`{}`:                       false,
		`{"userType": "Employee", "` + enterprise + `": {"department": "Board"}}`: false,
	} {
		if got, err := f.Includes(resource(t, text)); got != want || err != nil {
			t.Errorf("Includes(%s) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, none := range []string{"", " "} {
		everybody, err := mapping.CompileUserFilter(none, nil)
		if got, err2 := everybody.Includes(nil); !got || err != nil || err2 != nil {
			t.Errorf("filter %q: %v, %v, %v, want everybody", none, got, err, err2)
		}
	}
	if got, err := (*mapping.UserFilter)(nil).Includes(nil); !got || err != nil {
		t.Errorf("no filter: %v, %v, want everybody", got, err)
	}
	failing, err := mapping.CompileUserFilter(`title == "x"`, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := failing.Includes(map[string]any{"title": strings.Repeat("x", 1<<20)})
	if _, ok := errors.AsType[*mapping.ValueError](err); got || !ok {
		t.Errorf("a title too long: %v, %v, want a ValueError", got, err)
	}
}

func filtered(tb testing.TB, filter string, rows ...mapping.Row) *mapping.AttributeMap {
	tb.Helper()
	f, err := mapping.CompileUserFilter(filter, nil)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := mapping.CompileAttributes(rows, mapping.AttributeOptions{Filter: f})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// Who moves out of the filter becomes inactive and is else left alone; the identity provider sees what it sent.
func TestFilteredUser(t *testing.T) {
	t.Parallel()
	m := filtered(t, `title != "Guest"`, mapping.Row{To: "nick", From: []string{"nickName"}, IfMissing: mapping.Reject})
	guest := resource(t, `{"userName": "ann", "active": true, "title": "Guest", "displayName": "New", "name": {"givenName": "A"}}`)
	got, err := m.ToCrowd(guest)
	if diff := cmp.Diff(mapping.Fields{Active: new(false)}, got); err != nil || diff != "" {
		t.Errorf("ToCrowd: %v, mismatch (-want +got):\n%s", err, diff)
	}
	if in, err := m.Includes(guest); in || err != nil {
		t.Errorf("Includes = %v, %v", in, err)
	}
	held := mapping.Fields{Username: new("ann"), DisplayName: new("Old"), Active: new(false)}
	if diff := cmp.Diff(guest, m.ToSCIM(held, guest)); diff != "" {
		t.Errorf("ToSCIM mismatch (-sent +shown):\n%s", diff)
	}
	left := resource(t, `{"userName": "ann", "active": false, "title": "Guest"}`)
	held.Active = new(true) // since the filter is new, or may not deactivate
	if shown := m.ToSCIM(held, left); shown["active"] != true || shown["displayName"] != nil {
		t.Errorf("shown is %v, want it active and else as sent", shown)
	}
	if shown := m.ToSCIM(held, nil); shown["displayName"] != "Old" || shown["active"] != true {
		t.Errorf("of nothing kept, shown is %v", shown)
	}
	back := resource(t, `{"userName": "ann", "active": true, "title": "Captain", "nickName": "x"}`)
	if got, err := m.ToCrowd(back); err != nil || got.Active == nil || !*got.Active || *got.Username != "ann" {
		t.Errorf("back in: %+v, %v", got, err)
	}
	long := map[string]any{"userName": "ann", "title": strings.Repeat("x", 1<<20)}
	if _, err := m.ToCrowd(long); err == nil {
		t.Error("a title too long to say was mapped")
	}
	if !m.Explain(long).Steps[0].Refused {
		t.Error("a title too long to say is not explained as refused")
	}
}

func TestFilteredUserExplained(t *testing.T) {
	t.Parallel()
	guest := resource(t, `{"userName": "ann", "active": true, "title": "Guest"}`)
	m := filtered(t, `title != "Guest"`)
	want := "user ann\n  active: false, since the filter does not choose this user: title != \"Guest\"; nothing else is changed, and nobody new is created\n"
	if got := m.Explain(guest).String(); got != want {
		t.Errorf("Explain = %s, want %s", got, want)
	}
	changes := lines(compile(t).Changes(m, guest))
	if want := `user ann: active: true -> false, since the filter does not choose this user: title != "Guest"; nothing else is changed, and nobody new is created`; !slices.Contains(changes, want) {
		t.Errorf("Changes = %q, want among them %q", changes, want)
	}
	if len(m.Changes(m, guest)) > 0 {
		t.Errorf("Changes to the same settings = %v", m.Changes(m, guest))
	}
	row, _ := m.Row("active")
	if diff := cmp.Diff(mapping.Row{To: "active", From: []string{"active"}, Expr: `title != "Guest"`, IfMissing: mapping.Keep}, row); diff != "" {
		t.Errorf("Row mismatch (-want +got):\n%s", diff)
	}
	paths := m.Paths()
	if got := paths[len(paths)-1].String(); got != "title" {
		t.Errorf("the last path is %s, want what the filter reads", got)
	}
}

func TestUserFilterFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"title":                   `: the expression is no condition. Write one that is true or false, such as userType == "Employee"`,
		"usertype == \"Guest\"":   `: the expression names usertype, but attributes in expressions are spelled exactly. Write userType`,
		"userTyp == \"Guest\"":    `: the expression names userTyp, which is no attribute. Did you mean userType?`,
		"first(paths(\"title\"))": `: the expression is no condition. Write one that is true or false, such as userType == "Employee"`,
	} {
		_, err := mapping.CompileUserFilter(text, nil)
		if diff := cmp.Diff([]string{want}, faults(t, err)); diff != "" {
			t.Errorf("%s: faults mismatch (-want +got):\n%s", text, diff)
		}
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
