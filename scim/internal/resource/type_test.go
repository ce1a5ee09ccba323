package resource_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"

	elimity "github.com/elimity-com/scim/schema"
	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

func TestLookup(t *testing.T) {
	users, groups := typeNamed(t, "User"), typeNamed(t, "Group")
	tests := []struct {
		typ       *resource.Type
		urn, name string
		want      filter.AttrInfo // without Sub; no Name: unknown
	}{
		{users, "", "USERNAME", filter.AttrInfo{Name: "userName"}},
		{users, userURN, "userName", filter.AttrInfo{Name: "userName"}},
		{users, "", "id", filter.AttrInfo{Name: "id", CaseExact: true}},
		{users, "", "externalid", filter.AttrInfo{Name: "externalId", CaseExact: true}},
		{users, "", "meta", filter.AttrInfo{Name: "meta", Type: filter.Complex}},
		{users, "", "schemas", filter.AttrInfo{Name: "schemas", Multi: true}},
		{users, "", "active", filter.AttrInfo{Name: "active", Type: filter.Boolean}},
		{users, "", "emails", filter.AttrInfo{Name: "emails", Type: filter.Complex, Multi: true}},
		{users, enterpriseURN, "Department", filter.AttrInfo{Name: "department"}},
		{users, "URN:IETF:params:scim:schemas:extension:ENTERPRISE:2.0:User", "", filter.AttrInfo{Name: enterpriseURN, Type: filter.Complex}},
		{users, badgeURN, "codes", filter.AttrInfo{Name: "codes", Type: filter.Number, Multi: true}},
		{users, badgeURN, "issued", filter.AttrInfo{Name: "issued", Type: filter.DateTime}},
		{users, badgeURN, "picture", filter.AttrInfo{Name: "picture", Type: filter.Binary}},
		{users, badgeURN, "page", filter.AttrInfo{Name: "page", Type: filter.Reference}},
		{users, "", "department", filter.AttrInfo{}},
		{users, groupURN, "displayName", filter.AttrInfo{}},
		{users, "", "", filter.AttrInfo{}},
		{groups, "", "members", filter.AttrInfo{Name: "members", Type: filter.Complex, Multi: true}},
		{groups, "", "userName", filter.AttrInfo{}},
	}
	for _, tt := range tests {
		got, ok := tt.typ.Lookup(tt.urn, tt.name)
		if ok != (tt.want.Name != "") {
			t.Errorf("Lookup(%q, %q) found = %v", tt.urn, tt.name, ok)
			continue
		}
		got.Sub = nil
		if diff := cmp.Diff(tt.want, got); ok && diff != "" {
			t.Errorf("Lookup(%q, %q) mismatch (-want +got):\n%s", tt.urn, tt.name, diff)
		}
	}
}

// TestIDsAreExact: two ids may differ by case alone, so what refers to a resource is compared exactly.
func TestIDsAreExact(t *testing.T) {
	for _, tt := range []struct{ typ, urn, name string }{
		{"Group", "", "members"}, {"User", "", "groups"}, {"User", enterpriseURN, "manager"},
	} {
		info, ok := typeNamed(t, tt.typ).Lookup(tt.urn, tt.name)
		if !ok || !info.Sub["value"].CaseExact {
			t.Errorf("%s.value ignores case", tt.name)
		}
	}
	if info, _ := typeNamed(t, "User").Lookup("", "emails"); info.Sub["value"].CaseExact {
		t.Error("emails.value is case exact")
	}
}

// TestSchemasJSON compares what /Schemas shows with a golden file, and looks for nulls.
func TestSchemasJSON(t *testing.T) {
	var docs []map[string]any
	for _, name := range []string{"User", "Group"} {
		docs = append(docs, typeNamed(t, name).SchemasJSON()...)
	}
	const file = "testdata/schemas.json"
	if *update {
		writeJSON(t, file, docs)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := marshal(t, docs)
	if diff := cmp.Diff(canonical(t, want), canonical(t, got)); diff != "" {
		t.Errorf("SchemasJSON mismatch (-want +got):\n%s", diff)
	}
	if bytes.Contains(got, []byte(":null")) || bytes.Contains(got, []byte(`:""`)) {
		t.Error("a schema has a null or an empty text")
	}
	docs[0]["id"] = "changed"
	if typeNamed(t, "User").SchemasJSON()[0]["id"] != userURN {
		t.Error("the caller's change of a schema reached the type")
	}
	for _, d := range typeNamed(t, "User").SchemasJSON() {
		var s elimity.Schema
		if err := json.Unmarshal(marshal(t, d), &s); err != nil {
			t.Errorf("%v: %v", d["id"], err)
		}
	}
}

func TestNewType(t *testing.T) {
	schema := func(id, attributes string) elimity.Schema {
		return schemaOf(t, `{"id":"`+id+`","name":"X","attributes":[`+attributes+`]}`)
	}
	attribute := `{"name":"x","type":"string"}`
	tests := []struct {
		name   string
		schema elimity.Schema
		ok     bool
	}{
		{"good", schema("urn:example:x:2.0:User", attribute), true},
		{"with an underscore in its URN", schema("urn:example:my_x~y:2.0:User", attribute), true},
		{"no id", schema("", attribute), false},
		{"no URN", schema("http://example.com/x", attribute), false},
		{"blank in its URN", schema("urn:example:x y", attribute), false},
		{"core", schema(userURN, attribute), false},
		{"core in capitals", schema("URN:ietf:params:scim:schemas:core:2.0:USER", attribute), false},
		{"one attribute twice", schema("urn:example:x:2.0:User", attribute+`,{"name":"X","type":"boolean"}`), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := resource.UserType(resource.Extension{Schema: tt.schema})
			if (err == nil) != tt.ok {
				t.Errorf("UserType: %v, want ok = %v", err, tt.ok)
			}
		})
	}
	if _, err := resource.GroupType(resource.Extension{Schema: tests[0].schema}, resource.Extension{Schema: tests[0].schema}); err == nil {
		t.Error("a schema twice was accepted")
	}
}

// TestExtensions: the enterprise extension is always there, and an embedder's settings for it count.
func TestExtensions(t *testing.T) {
	typ, err := resource.UserType(resource.Extension{Schema: elimity.ExtensionEnterpriseUser(), Required: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []resource.ExtensionInfo{{URN: enterpriseURN, Required: true}}
	if !slices.Equal(typ.Extensions(), want) {
		t.Errorf("Extensions() = %v, want %v", typ.Extensions(), want)
	}
	if typ.Name() != "User" || typ.URN() != userURN {
		t.Errorf("Name() = %q, URN() = %q", typ.Name(), typ.URN())
	}
	bare := map[string]any{"schemas": []any{userURN}, "userName": "ann"}
	if got := scimType(t, typ.Validate(bare)); got != "invalidValue" {
		t.Errorf("a user without the required extension: scimType = %q", got)
	}
	ops, err := resource.ParsePatch(patchBody(t, `{"op":"remove","path":"`+enterpriseURN+`"}`), typ, resource.Strict(), resource.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = typ.Apply(bare, ops)
	if got := scimType(t, err); got != "mutability" {
		t.Errorf("remove of a required extension: scimType = %q", got)
	}
}
