package filter_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

func compare(attr filter.Attr, op filter.Op, value any) *filter.Compare {
	return &filter.Compare{Attr: attr, Op: op, Value: value}
}

func name(s string) filter.Attr { return filter.Attr{Name: s} }

func TestParse(t *testing.T) {
	t.Parallel()
	typeWork := compare(name("type"), filter.Equal, "work")
	a, b, c := compare(name("a"), filter.Present, nil), compare(name("b"), filter.Present, nil), compare(name("c"), filter.Present, nil)
	tests := []struct {
		in   string
		want filter.Expr
	}{
		{`userName eq "ann"`, compare(name("userName"), filter.Equal, "ann")},
		{`  userName   EQ   "ann"  `, compare(name("userName"), filter.Equal, "ann")},
		{`title Pr`, compare(name("title"), filter.Present, nil)},
		{`active eq true`, compare(name("active"), filter.Equal, true)},
		{`active ne False`, compare(name("active"), filter.NotEqual, false)},
		{`title eq null`, compare(name("title"), filter.Equal, nil)},
		{`age ge -1.5e3`, compare(name("age"), filter.GreaterOrEqual, json.Number("-1.5e3"))},
		{`displayName eq "a \"b\" \\ \u00EB \u00eb \ud83d\ude00 Zoë)]"`, compare(name("displayName"), filter.Equal, "a \"b\" \\ ë ë 😀 Zoë)]")},
		{
			`urn:ietf:params:scim:schemas:core:2.0:User:USERNAME EQ "x"`,
			compare(filter.Attr{URN: core, Name: "USERNAME"}, filter.Equal, "x"),
		},
		{
			enterprise + `:manager.value eq "x"`,
			compare(filter.Attr{URN: enterprise, Name: "manager", Sub: "value"}, filter.Equal, "x"),
		},
		{odd + `:badge_no pr`, compare(filter.Attr{URN: odd, Name: "badge_no"}, filter.Present, nil)},
		{enterprise + ` pr`, compare(filter.Attr{URN: enterprise}, filter.Present, nil)},
		{`a pr or b pr and c pr`, &filter.Or{Terms: []filter.Expr{a, &filter.And{Terms: []filter.Expr{b, c}}}}},
		{`(a pr or b pr) and c pr`, &filter.And{Terms: []filter.Expr{&filter.Or{Terms: []filter.Expr{a, b}}, c}}},
		{`a pr and (b pr AND c pr)`, &filter.And{Terms: []filter.Expr{a, b, c}}},
		{`((a pr))or(b pr)`, &filter.Or{Terms: []filter.Expr{a, b}}},
		{`not (a pr) and not(b pr)`, &filter.And{Terms: []filter.Expr{&filter.Not{Term: a}, &filter.Not{Term: b}}}},
		{`not pr`, compare(name("not"), filter.Present, nil)},
		{`and pr and or pr`, &filter.And{Terms: []filter.Expr{compare(name("and"), filter.Present, nil), compare(name("or"), filter.Present, nil)}}},
		{`emails[type eq "work"]`, &filter.ValuePath{Attr: name("emails"), Filter: typeWork}},
		{`emails[ type eq "work" ].value eq "x"`, &filter.ValuePath{
			Attr:   name("emails"),
			Filter: &filter.And{Terms: []filter.Expr{typeWork, compare(name("value"), filter.Equal, "x")}},
		}},
		{`emails[type eq "work" and (value co "@x" or primary eq true) and display pr]`, &filter.ValuePath{
			Attr: name("emails"),
			Filter: &filter.And{Terms: []filter.Expr{
				typeWork,
				&filter.Or{Terms: []filter.Expr{compare(name("value"), filter.Contains, "@x"), compare(name("primary"), filter.Equal, true)}},
				compare(name("display"), filter.Present, nil),
			}},
		}},
		{`emails[not (type eq "work")]`, &filter.ValuePath{Attr: name("emails"), Filter: &filter.Not{Term: typeWork}}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			got, err := filter.Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse mismatch (-want +got):\n%s", diff)
			}
			again, err := filter.Parse(got.String())
			if err != nil {
				t.Fatalf("canonical text %q: %v", got, err)
			}
			if diff := cmp.Diff(got, again); diff != "" {
				t.Errorf("Parse of %q mismatch (-want +got):\n%s", got, diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in     string
		offset int
		want   string
	}{
		{``, 0, "the text ends where an attribute is expected"},
		{`userName`, 8, "an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr) is missing behind userName"},
		{`userName eq`, 11, `a blank and a value are missing behind "eq"`},
		{`userName eq `, 12, "the value to compare with is missing"},
		{`userName eq"x"`, 11, `a blank and a value are missing behind "eq"`},
		{`userName is "x"`, 9, `"is" is no operator: use eq, ne, co, sw, ew, gt, ge, lt, le or pr`},
		{`userName eq jsmith`, 12, `"jsmith" is no value: write text in double quotes`},
		{`age eq 01`, 7, `"01" is no value: write text in double quotes`},
		{"age ge 1\t", 7, "\"1\\t\" is no value: write text in double quotes"},
		{"age ge 1\n", 7, "\"1\\n\" is no value: write text in double quotes"},
		{`userName eq "ann`, 12, "the closing quote is missing"},
		{`userName eq "a\q"`, 12, "the text in quotes is no JSON string: check its escapes"},
		{"userName eq \"a\tb\"", 12, "the text in quotes is no JSON string: check its escapes"},
		{`userName eq "ann" title pr`, 18, `"title pr" is left over: "and", "or" or the end of the filter is expected`},
		{`userName eq "ann")`, 17, `")" is left over: "and", "or" or the end of the filter is expected`},
		{`(userName eq "ann"`, 0, "the '(' is never closed"},
		{`(userName pr]`, 12, `"]" where ')' is expected`},
		{`emails[type eq`, 14, `a blank and a value are missing behind "eq"`},
		{`emails[type pr`, 6, "the '[' is never closed"},
		{`emails[]`, 7, `"]" where an attribute is expected`},
		{`emails[a[b pr]]`, 8, "a value filter cannot stand inside another"},
		{`emails[a.b pr]`, 7, `inside brackets only a sub-attribute's own name can stand: "a.b"`},
		{`name.x[a pr]`, 6, `a value filter must follow an attribute, not "name.x"`},
		{`emails[a pr].`, 13, `"" where the name of a sub-attribute is expected`},
		{`a.b.c pr`, 0, `at most one sub-attribute can follow an attribute: "a.b.c"`},
		{`9a pr`, 0, `an attribute name begins with a letter and has letters, digits, '-' and '_' only: "9a"`},
		{`a. pr`, 0, `a sub-attribute name begins with a letter and has letters, digits, '-' and '_' only: "a."`},
		{`x:y pr`, 0, `a schema prefix must be a URN beginning with "urn:": "x:y"`},
		{`urn: pr`, 0, `the URN is not complete: "urn:"`},
		{`urn:x:é pr`, 0, `the URN has a character that is not allowed: "urn:x:é"`},
		{`a pr and`, 5, `"and" is left over: "and", "or" or the end of the filter is expected`},
		{`a pr and not title pr`, 13, `"title" is no operator: use eq, ne, co, sw, ew, gt, ge, lt, le or pr`},
		{"a eq \"\xff\"", 0, "the filter is not valid UTF-8"},
		{strings.Repeat("(", 33) + "a pr", 32, "more than 32 parentheses and brackets stand inside one another"},
		{strings.Repeat("(", 32) + "a[b pr]", 33, "more than 32 parentheses and brackets stand inside one another"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			_, err := filter.Parse(tt.in)
			got, ok := errors.AsType[*filter.SyntaxError](err)
			if !ok {
				t.Fatalf("Parse = %v, want a SyntaxError", err)
			}
			if diff := cmp.Diff(&filter.SyntaxError{Offset: tt.offset, Problem: tt.want}, got); diff != "" {
				t.Errorf("SyntaxError mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseDepth(t *testing.T) {
	t.Parallel()
	deepest := strings.Repeat("(", filter.MaxDepth) + "a pr" + strings.Repeat(")", filter.MaxDepth)
	if _, err := filter.Parse(deepest); err != nil {
		t.Errorf("%d parentheses: %v", filter.MaxDepth, err)
	}
}

// Refusing hostile text must not cost what reading it would.
func TestParseRefusesAtOnce(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{
		strings.Repeat("(", 100_000),
		strings.Repeat("not (", 100_000),
		strings.Repeat("a[", 100_000),
		strings.Repeat("(", filter.MaxLength),
		strings.Repeat("x", 10_000_000),
	} {
		start := time.Now()
		_, err := filter.Parse(hostile)
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("%.10s... (%d bytes) took %v", hostile, len(hostile), took)
		}
		if err == nil {
			t.Errorf("%.10s... was accepted", hostile)
		}
		if _, err := filter.ParsePath(hostile); err == nil {
			t.Errorf("%.10s... was accepted as a path", hostile)
		}
	}
}

func TestParseLenient(t *testing.T) {
	t.Parallel()
	bare := func(attr string, value any) *filter.Compare {
		return &filter.Compare{Attr: name(attr), Op: filter.Equal, Value: value, Bare: true}
	}
	tests := []struct {
		in   string
		want filter.Expr
	}{
		{`userName eq rstolt`, bare("userName", "rstolt")},
		{`externalId eq 4711`, bare("externalId", json.Number("4711"))},
		{`userName eq a.b@x.example and active eq true`, &filter.And{Terms: []filter.Expr{bare("userName", "a.b@x.example"), bare("active", true)}}},
		{`(userName eq 0815x)`, bare("userName", "0815x")},
		{`emails[type eq work]`, &filter.ValuePath{Attr: name("emails"), Filter: bare("type", "work")}},
		{`userName eq "quoted"`, compare(name("userName"), filter.Equal, "quoted")},
	}
	for _, tt := range tests {
		got, err := filter.ParseLenient(tt.in, filter.Lenience{BareValues: true})
		if err != nil {
			t.Errorf("ParseLenient(%q): %v", tt.in, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("ParseLenient(%q) mismatch (-want +got):\n%s", tt.in, diff)
		}
	}
	for _, in := range []string{`userName eq`, `userName eq `, `userName eq a"b`, `userName eq two words`, `userName eq a(b)`} {
		if e, err := filter.ParseLenient(in, filter.Lenience{BareValues: true}); err == nil {
			t.Errorf("ParseLenient(%q) = %v, want an error", in, e)
		}
	}
}
