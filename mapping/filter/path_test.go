package filter_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want filter.Path
	}{
		{"userName", filter.Path{Attr: name("userName")}},
		{"name.familyName", filter.Path{Attr: filter.Attr{Name: "name", Sub: "familyName"}}},
		{enterprise, filter.Path{Attr: filter.Attr{URN: enterprise}}},
		{enterprise + ":manager.value", filter.Path{Attr: filter.Attr{URN: enterprise, Name: "manager", Sub: "value"}}},
		{`emails[type eq "work"].value`, filter.Path{
			Attr: filter.Attr{Name: "emails", Sub: "value"}, Filter: compare(name("type"), filter.Equal, "work"),
		}},
		{`members[value eq "a b]c"]`, filter.Path{Attr: name("members"), Filter: compare(name("value"), filter.Equal, "a b]c")}},
		{`urn:x:2.0:User:tags[value pr].type`, filter.Path{
			Attr: filter.Attr{URN: "urn:x:2.0:User", Name: "tags", Sub: "type"}, Filter: compare(name("value"), filter.Present, nil),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			got, err := filter.ParsePath(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParsePath mismatch (-want +got):\n%s", diff)
			}
			if got.String() != tt.in {
				t.Errorf("String() = %q, want %q", got, tt.in)
			}
		})
	}
}

func TestParsePathErrors(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", " ", "emails[type eq", "emails[]", "emails[type eq \"work\"].", "emails[type eq \"work\"]value", "a b", "a.b.c",
		"emails[type eq \"work\"].a.b", "name.x[a pr]", "emails]", "(userName)", "-a", enterprise + "[a pr]", "userName ",
	} {
		p, err := filter.ParsePath(in)
		if _, ok := errors.AsType[*filter.SyntaxError](err); !ok {
			t.Errorf("ParsePath(%q) = %v, %v, want a SyntaxError", in, p, err)
		}
	}
}

func TestPathValues(t *testing.T) {
	t.Parallel()
	work := map[string]any{"type": "work", "value": "a@x.example", "primary": true}
	home := map[string]any{"type": "home", "value": "b@y.example"}
	third := map[string]any{"type": "Work", "VALUE": "c@x.example", "primary": "False"}
	manager := map[string]any{"value": "26118915"}
	extension := map[string]any{"department": "Harbour", "manager": manager}
	resource := map[string]any{
		"userName": "ann", "title": nil, "schemas": []any{core, enterprise},
		"name":     map[string]any{"familyName": "Berg"},
		"emails":   []any{work, home, third},
		enterprise: extension,
		odd:        map[string]any{"badge": []any{"1", "2"}},
	}
	tests := []struct {
		path string
		want []any
	}{
		{"USERNAME", []any{"ann"}},
		{"title", nil},
		{"nickName", nil},
		{"name.familyname", []any{"Berg"}},
		{"name", []any{map[string]any{"familyName": "Berg"}}},
		{"emails.value", []any{"a@x.example", "b@y.example", "c@x.example"}},
		{`emails[type eq "work"].value`, []any{"a@x.example", "c@x.example"}},
		{`emails[type eq "work" and (value co "@y" or primary eq true)].value`, []any{"a@x.example"}},
		{`emails[primary eq "True"]`, []any{work}},
		{`emails[primary eq "false"].value`, []any{"c@x.example"}},
		{`emails[not (primary eq true)].value`, []any{"b@y.example", "c@x.example"}},
		{`schemas[value sw "urn:ietf:params:scim:schemas:ext"]`, []any{enterprise}},
		{core + ":emails[type eq \"home\"].value", []any{"b@y.example"}},
		{enterprise, []any{extension}},
		{enterprise + ":department", []any{"Harbour"}},
		{enterprise + ":manager.value", []any{"26118915"}},
		{odd + ":badge", []any{"1", "2"}},
		{"urn:missing:2.0:User:badge", nil},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			p, err := filter.ParsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.Values(resource, newSchema())); diff != "" {
				t.Errorf("Values mismatch (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, p.Values(resource, nil)); diff != "" {
				t.Errorf("Values without schema mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPathCheck(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"userName":                         "",
		`emails[type eq "work"].value`:     "",
		enterprise:                         "",
		"nickname":                         "filter: attribute nickname: the schema has no such attribute",
		"emails.valu":                      `filter: attribute emails.valu: emails has no sub-attribute "valu"`,
		`emails[tpye eq "work"].value`:     `filter: attribute emails.tpye: emails has no sub-attribute "tpye"`,
		`emails[primary eq "maybe"].value`: `filter: attribute primary: it is compared with "maybe", but it is a boolean: true or false is expected`,
		`userName[value eq "x"]`:           "filter: attribute userName: it has a single value, so no filter in brackets can follow",
	} {
		p, err := filter.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if _, err := p.Check(newSchema()); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("Check(%q) = %q, want %q", path, got, want)
		}
	}
}
