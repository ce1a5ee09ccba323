package resource_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"testing"

	elimity "github.com/elimity-com/scim/schema"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

const (
	userURN       = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupURN      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	badgeURN      = "urn:example:params:scim:schemas:badge:2.0:User"
)

// badge is an extension with what the core schemas have nothing of: each simple type, multi-valued simple
// attributes, required and immutable attributes, and each kind of returned.
const badge = `{"id": "` + badgeURN + `", "name": "Badge", "attributes": [
	{"name": "number", "type": "integer", "mutability": "immutable"},
	{"name": "height", "type": "decimal"},
	{"name": "issued", "type": "dateTime"},
	{"name": "picture", "type": "binary"},
	{"name": "page", "type": "reference", "referenceTypes": ["external"]},
	{"name": "valid", "type": "boolean", "returned": "always"},
	{"name": "pin", "type": "string", "caseExact": true, "returned": "request"},
	{"name": "tags", "type": "string", "multiValued": true},
	{"name": "codes", "type": "integer", "multiValued": true},
	{"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
		{"name": "value", "type": "string", "required": true, "mutability": "immutable"},
		{"name": "level", "type": "integer"},
		{"name": "days", "type": "string", "multiValued": true},
		{"name": "primary", "type": "boolean"}]},
	{"name": "origin", "type": "complex", "mutability": "immutable", "subAttributes": [
		{"name": "site", "type": "string"},
		{"name": "secret", "type": "string", "returned": "never"}]}]}`

// schemaOf reads a schema.
func schemaOf(t testing.TB, text string) elimity.Schema {
	t.Helper()
	var s elimity.Schema
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("schema: %v", err)
	}
	return s
}

var types sync.Map // by name, since making one is slow

// typeNamed returns User, which has the badge, or Group.
func typeNamed(t testing.TB, name string) *resource.Type {
	t.Helper()
	if typ, ok := types.Load(name); ok {
		return typ.(*resource.Type)
	}
	var typ *resource.Type
	var err error
	if name == "Group" {
		typ, err = resource.GroupType()
	} else {
		typ, err = resource.UserType(resource.Extension{Schema: schemaOf(t, badge)})
	}
	if err != nil {
		t.Fatalf("type %s: %v", name, err)
	}
	types.Store(name, typ)
	return typ
}

// decode reads an object.
func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	doc, err := resource.Decode([]byte(text), resource.Limits{})
	if err != nil {
		t.Fatalf("Decode(%s): %v", text, err)
	}
	return doc
}

// user returns a User in normal form with what text says besides a userName.
func user(t testing.TB, text string) map[string]any {
	t.Helper()
	doc := decode(t, text)
	if doc["userName"] == nil {
		doc["userName"] = "ann"
	}
	out, err := typeNamed(t, "User").Normalise(doc, resource.Lenient())
	if err != nil {
		t.Fatalf("Normalise(%s): %v", text, err)
	}
	return out
}

// patchBody returns the body of a PATCH with the operations, a JSON list without its brackets.
func patchBody(t testing.TB, operations string) map[string]any {
	t.Helper()
	return decode(t, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+operations+`]}`)
}

// scimType returns the scimType of an error, and nothing of none.
func scimType(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*resource.Error](err)
	if !ok {
		t.Fatalf("error %v is a %T, want *resource.Error", err, err)
	}
	if e.Status < 400 || e.Status > 499 || e.Detail == "" {
		t.Errorf("error %+v: want a 4xx with a detail", *e)
	}
	return e.ScimType
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// canonical returns JSON in one form, whatever the order of its keys.
func canonical(t testing.TB, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func writeJSON(t testing.TB, file string, v any) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
