package mapping_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

func TestToSCIMWithoutKeptData(t *testing.T) {
	t.Parallel()
	got := compile(t).ToSCIM(fieldsOfAnn(), nil)
	want := resource(t, `{
		"userName": "ann@harbour.example", "displayName": "Ann Berg", "active": true,
		"name": {"givenName": "Ann", "familyName": "Berg"},
		"emails": [{"value": "ann@main.example", "type": "work", "primary": true}]
	}`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ToSCIM mismatch (-want +got):\n%s", diff)
	}
}

func TestToSCIM(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		rows   mapping.Attributes
		change func(*mapping.Fields) // what Crowd holds besides what was sent
		want   func(map[string]any)  // what that changes in the resource
	}{
		{"nothing differs", nil, func(*mapping.Fields) {}, func(map[string]any) {}},
		{"renamed in Crowd", nil, func(f *mapping.Fields) { f.Username = new("annie") }, func(r map[string]any) { r["userName"] = "annie" }},
		{"lower case shown by Crowd", nil, func(f *mapping.Fields) { f.Username = new(strings.ToUpper("ann@harbour.example")) }, func(map[string]any) {}},
		{"disabled in Crowd", nil, func(f *mapping.Fields) { f.Active = new(false) }, func(r map[string]any) { r["active"] = false }},
		{"email changed in Crowd", nil, func(f *mapping.Fields) { f.Email = new("other@x") }, func(map[string]any) {}},
		{"display name changed in Crowd", nil, func(f *mapping.Fields) { f.DisplayName = new("A") }, func(r map[string]any) { r["displayName"] = "A" }},
		{"display name emptied in Crowd", nil, func(f *mapping.Fields) { f.DisplayName = new("") }, func(r map[string]any) { delete(r, "displayName") }},
		{"given name changed in Crowd", nil, func(f *mapping.Fields) { f.FirstName = new("A") }, func(r map[string]any) { r["name"].(map[string]any)["givenName"] = "A" }},
		{"nothing known of Crowd", nil, func(f *mapping.Fields) { *f = mapping.Fields{} }, func(map[string]any) {}},
		{
			"computed user name",
			mapping.Attributes{{To: "username", Expr: `localPart(userName)`}},
			func(f *mapping.Fields) { f.Username = new("ann") }, func(map[string]any) {},
		},
		{
			"computed user name, renamed in Crowd",
			mapping.Attributes{{To: "username", Expr: `localPart(userName)`}},
			func(f *mapping.Fields) { f.Username = new("annie") }, func(r map[string]any) { r["userName"] = "annie" },
		},
		{
			"user name from elsewhere",
			mapping.Attributes{{To: "username", From: []string{"externalId"}}},
			func(f *mapping.Fields) { f.Username = new("e2") }, func(r map[string]any) { r["externalId"] = "e2" },
		},
		{
			"extension",
			mapping.Attributes{{To: "dept", From: []string{enterprise + ":department"}}},
			func(f *mapping.Fields) { f.Custom = map[string][]string{"dept": {"Land"}} },
			func(r map[string]any) { r[enterprise].(map[string]any)["department"] = "Land" },
		},
		{
			"custom list made anew",
			mapping.Attributes{{To: "phones", From: []string{`phoneNumbers[type eq "fax" and primary eq "False"].value`}}},
			func(f *mapping.Fields) { f.Custom = map[string][]string{"phones": {"1", "2"}} },
			func(r map[string]any) {
				r["phoneNumbers"] = []any{
					map[string]any{"value": "1", "type": "fax", "primary": false},
					map[string]any{"value": "2", "type": "fax", "primary": false},
				}
			},
		},
		{
			"a filter that names no place",
			mapping.Attributes{{To: "phones", From: []string{`phoneNumbers[value sw "+49"].value`, "nickName"}}},
			func(f *mapping.Fields) { f.Custom = map[string][]string{"phones": {"1"}} },
			func(r map[string]any) { r["nickName"] = "1" },
		},
		{
			"in the order of a set",
			mapping.Attributes{{To: "mails", From: []string{"emails.value"}}},
			func(f *mapping.Fields) {
				f.Custom = map[string][]string{"mails": {"ann@work.example", "ann@main.example", "ann@home.example"}}
			},
			func(map[string]any) {},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kept := resource(t, annText)
			f := fieldsOfAnn()
			tt.change(&f)
			want := resource(t, annText)
			tt.want(want)
			got := compile(t, tt.rows...).ToSCIM(f, kept)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ToSCIM mismatch (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(resource(t, annText), kept); diff != "" {
				t.Errorf("ToSCIM changed what it was given (-want +got):\n%s", diff)
			}
		})
	}
}

// A long name that Crowd has cut is not a difference: the identity provider sees what it sent.
func TestToSCIMKeepsLongNames(t *testing.T) {
	t.Parallel()
	m := compile(t)
	kept := map[string]any{"userName": "a", "displayName": strings.Repeat("x", 400), "active": true}
	f, err := m.ToCrowd(kept)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(kept, m.ToSCIM(f, kept)); diff != "" {
		t.Errorf("ToSCIM mismatch (-want +got):\n%s", diff)
	}
}

// Crowd has texts; what is shown has the types of the schema, and a text that has no such form is left out.
func TestToSCIMHasTheTypesOfTheSchema(t *testing.T) {
	t.Parallel()
	const urn = "urn:example:User"
	schema := mapping.DefaultSchema().With(urn,
		filter.AttrInfo{Name: "number", Type: filter.Number}, filter.AttrInfo{Name: "guest", Type: filter.Boolean},
		filter.AttrInfo{Name: "codes", Type: filter.Number, Multi: true})
	m, err := mapping.CompileAttributes(mapping.Attributes{
		{To: "number", From: []string{urn + ":number"}}, {To: "guest", From: []string{urn + ":guest"}}, {To: "codes", From: []string{urn + ":codes"}},
	}, mapping.AttributeOptions{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		custom map[string][]string
		want   string
	}{
		{map[string][]string{"number": {"7"}, "guest": {"True"}, "codes": {"-1.5e3", "0"}}, `, "urn:example:User": {"number": 7, "guest": true, "codes": [-1.5e3, 0]}`},
		{map[string][]string{"number": {"07"}, "guest": {"yes"}, "codes": {"1", "null"}}, ""},
		{map[string][]string{"number": {}, "guest": {}, "codes": {}}, ""},
	} {
		got := m.ToSCIM(mapping.Fields{Username: new("ann"), Active: new(true), Custom: tt.custom}, nil)
		if diff := cmp.Diff(resource(t, `{"userName": "ann", "active": true`+tt.want+`}`), got); diff != "" {
			t.Errorf("%v mismatch (-want +got):\n%s", tt.custom, diff)
		}
	}
}
