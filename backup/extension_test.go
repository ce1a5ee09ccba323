package backup_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/backup"
)

const badgeURN = "urn:example:params:scim:schemas:extension:badge:2.0:User"

// badge declares an extension of all kinds of attributes.
const badge = `"extensions": [{"id": "` + badgeURN + `", "name": "Badge", "attributes": [
	{"name": "number", "type": "integer", "required": true},
	{"name": "pin", "mutability": "writeOnly"},
	{"name": "colour", "caseExact": true},
	{"name": "gate", "type": "complex", "multiValued": true, "subAttributes": [{"name": "value"}, {"name": "$ref", "type": "reference", "referenceTypes": ["external"]}]}]}]`

// An extension of the document is shown in /Schemas, checked in requests, kept, mapped
// and filtered by.
func TestExtensionServes(t *testing.T) {
	s := newSite(t, `, "users": {`+badge+`, "keep": ["`+badgeURN+`:gate"], "filter": "path(\"`+badgeURN+`:number\") != \"6\"",
		"attributes": [{"to": "badge", "from": ["`+badgeURN+`:number"]}, {"to": "gate", "from": ["`+badgeURN+`:gate[value eq \"north\"].value"]}]}`)
	user := func(extension string) string {
		return `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "` + badgeURN + `"], "userName": "ann", "active": true, "` + badgeURN + `": ` + extension + `}`
	}
	for extension, detail := range map[string]string{
		`{"number": "seven"}`:               badgeURN + ":number",
		`{"colour": "green"}`:               badgeURN + ":number is required",
		`{"number": 7, "colour": {"a": 1}}`: badgeURN + ":colour",
	} {
		if w := s.post("/scim/okta/Users", user(extension)); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), detail) {
			t.Errorf("POST of %s = %d, want 400 with %q\n%s", extension, w.Code, detail, w.Body)
		}
	}
	if w := s.post("/scim/okta/Users", user(`{"number": 6}`)); w.Code != http.StatusForbidden {
		t.Errorf("POST of somebody outside the filter = %d\n%s", w.Code, w.Body)
	}
	w := s.post("/scim/okta/Users", user(`{"number": 7, "pin": "PLANTED-pin", "gate": [{"value": "south"}, {"value": "north"}]}`))
	if w.Code != http.StatusCreated {
		t.Fatalf("POST = %d\n%s", w.Code, w.Body)
	}
	w = s.send(http.MethodGet, "/scim/okta/Users/"+resourceOf(t, w.Body.Bytes()).ID, "")
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"number": 7.0, "gate": []any{map[string]any{"value": "south"}, map[string]any{"value": "north"}}}
	if diff := cmp.Diff(want, got[badgeURN]); diff != "" {
		t.Errorf("the extension of ann (-want +got):\n%s", diff)
	}
	u, _ := s.crowd.User("ann")
	if diff := cmp.Diff([][]string{{"7"}, {"north"}}, [][]string{u.Attributes["badge"], u.Attributes["gate"]}); diff != "" {
		t.Errorf("Crowd's attributes (-want +got):\n%s", diff)
	}
	if w := s.send(http.MethodGet, "/scim/okta/Schemas/"+badgeURN, ""); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"gate"`) {
		t.Errorf("GET of the schema = %d\n%s", w.Code, w.Body)
	}
}

// What is write-only is in no answer, whatever is asked for.
func TestExtensionWriteOnly(t *testing.T) {
	s := newSite(t, `, "users": {`+badge+`}`)
	w := s.post("/scim/okta/Users", `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "`+badgeURN+`"], "userName": "ann", "`+badgeURN+`": {"number": 7, "pin": "PLANTED-pin"}}`)
	if w.Code != http.StatusCreated {
		t.Fatalf("POST = %d\n%s", w.Code, w.Body)
	}
	id := resourceOf(t, w.Body.Bytes()).ID
	for _, query := range []string{"", "?attributes=" + badgeURN + ":pin", "?attributes=" + badgeURN} {
		if w := s.send(http.MethodGet, "/scim/okta/Users/"+id+query, ""); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "PLANTED") {
			t.Errorf("GET %s = %d\n%s", query, w.Code, w.Body)
		}
	}
}

// What is valid can be built, whatever is declared.
func TestExtensionsThatAreValidCanBeBuilt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := mustRead(t, document(connection("okta", ""))).Connections[0]
		c.Crowd.Password = backup.Password{Value: "x"}
		c.Users.Extensions = drawExtensions(rt)
		for _, e := range c.Users.Extensions {
			path := e.ID + ":" + e.Attributes[0].Name
			c.Users.Keep.Paths = append(c.Users.Keep.Paths, path)
		}
		if _, err := backup.Build(rt.Context(), c, backup.BuildOptions{BaseURL: "https://bridge.example.com"}); err != nil {
			rt.Fatal(err)
		}
	})
}

// The enterprise extension can be declared with attributes of one's own.
func TestExtensionInPlaceOfEnterprise(t *testing.T) {
	const urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	s := newSite(t, `, "users": {"extensions": [{"id": "`+urn+`", "attributes": [{"name": "badge"}]}], "attributes": [{"to": "badge", "from": ["`+urn+`:badge"]}]}`)
	w := s.post("/scim/okta/Users", `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "`+urn+`"], "userName": "ann", "`+urn+`": {"badge": "7"}}`)
	if w.Code != http.StatusCreated {
		t.Fatalf("POST = %d\n%s", w.Code, w.Body)
	}
	if u, _ := s.crowd.User("ann"); !slices.Equal(u.Attributes["badge"], []string{"7"}) {
		t.Errorf("Crowd's attributes: %v", u.Attributes)
	}
}

// extensionFaults are those of declarations.
func extensionFaults() []faultTest {
	attributes := func(list string) string {
		return users(`"extensions": [{"id": "urn:example:User", "attributes": [` + list + `]}]`)
	}
	const at = "/connections/0/users/extensions/0/attributes/"
	return []faultTest{
		{"nothing of an extension", users(`"extensions": [{}, {"id": "badge", "attributes": []}]`), []string{
			`/connections/0/users/extensions/0/id: it is missing. Add "id": "urn:example:params:scim:schemas:extension:badge:2.0:User"`,
			`/connections/0/users/extensions/0/attributes: it is missing. Add "attributes": [{"name": "number"}]`,
			`/connections/0/users/extensions/1/id: it is not a URN of letters, digits, dots, hyphens, underscores and tildes between colons. Write for example "urn:example:params:scim:schemas:extension:badge:2.0:User"`,
			`/connections/0/users/extensions/1/attributes: the list is empty. Write at least one, as in [{"name": "number"}]`,
		}},
		{"words of an attribute", attributes(`{"name": "2a", "type": "text", "mutability": "read", "returned": "often", "uniqueness": "yes", "multiValued": 1, "subAttributes": [{}]}`), []string{
			at + `0/name: it is not a name of letters, digits, hyphens and underscores that begins with a letter. Write for example "number"`,
			at + `0/type: "text" is not known. Write "string", "boolean", "decimal", "integer", "dateTime", "binary", "reference" or "complex"`,
			at + `0/mutability: "read" is not known. Write "readWrite", "readOnly", "immutable" or "writeOnly"`,
			at + `0/returned: "often" is not known. Write "default", "always", "never" or "request"`,
			at + `0/uniqueness: "yes" is not known. Write "none", "server" or "global"`,
			at + `0/multiValued: it is a number, not true or false. Write true or false, without quotation marks`,
			at + `0/subAttributes/0/name: it is missing. Add "name": "number"`,
		}},
	}
}

// extensionContradictions are declarations that are well formed and mean nothing.
func extensionContradictions() []faultTest {
	attributes := func(list string) string {
		return users(`"extensions": [{"id": "urn:example:User", "attributes": [` + list + `]}]`)
	}
	const at = "/connections/0/users/extensions/0/attributes/"
	return []faultTest{
		{"URNs that are taken", users(`"extensions": [{"id": "URN:ietf:params:scim:schemas:core:2.0:User", "attributes": [{"name": "a"}]},
			{"id": "urn:a:b", "attributes": [{"name": "c"}]}, {"id": "urn:A:b", "attributes": [{"name": "a"}]}, {"id": "urn:a:b:c", "attributes": [{"name": "a"}]}]`), []string{
			"/connections/0/users/extensions/0/id: the URN is that of the core schema already. Give each extension a URN of its own",
			"/connections/0/users/extensions/1/attributes/0/name: together with the URN it is the URN of another extension. Give one of them another name",
			"/connections/0/users/extensions/2/id: the URN is that of extension 1 already. Give each extension a URN of its own",
		}},
		{"names that are taken", attributes(`{"name": "a"}, {"name": "A"}, {"name": "b", "type": "complex", "subAttributes": [{"name": "value"}, {"name": "VALUE"}]}`), []string{
			at + `1/name: the name "A" is that of attribute 0 already. Give each a name of its own; case does not matter`,
			at + `2/subAttributes/1/name: the name "VALUE" is that of attribute 0 already. Give each a name of its own; case does not matter`,
		}},
		{"sub-attributes", attributes(`{"name": "a", "type": "complex"}, {"name": "b", "subAttributes": [{"name": "value"}]},
			{"name": "c", "type": "complex", "subAttributes": [{"name": "d", "type": "complex", "subAttributes": [{"name": "e"}]}]}`), []string{
			at + `0/subAttributes: a complex attribute needs some. Add "subAttributes": [{"name": "value"}], or write another type`,
			at + `1/subAttributes: only a complex attribute has some. Write "type": "complex", or leave them out`,
			at + `2/subAttributes/0/type: a sub-attribute cannot be complex. Write a simple type, or declare an attribute of its own`,
			at + `2/subAttributes/0/subAttributes: a sub-attribute has none of its own. Leave them out`,
		}},
		{"characteristics", attributes(`{"name": "a", "required": true, "mutability": "readOnly"}, {"name": "b", "mutability": "writeOnly", "returned": "always"},
			{"name": "c", "referenceTypes": ["User"]}, {"name": "d", "type": "complex", "canonicalValues": ["x"], "caseExact": true, "subAttributes": [{"name": "value", "required": true, "mutability": "readOnly"}]}`), []string{
			at + "0/required: nobody can send what is read-only. Leave required out, or write another mutability",
			at + `1/returned: what is write-only is never returned. Write "never", or leave it out`,
			at + `2/referenceTypes: only an attribute of type reference has some. Write "type": "reference", or leave them out`,
			at + `3/canonicalValues: a complex attribute has none, its sub-attributes have. Move them to the sub-attribute`,
			at + `3/caseExact: a complex attribute has no case, its sub-attributes have. Move it to the sub-attribute`,
			at + `3/subAttributes/0/required: nobody can send what is read-only. Leave required out, or write another mutability`,
		}},
		{"paths of what is not declared", users(`"keep": ["urn:example:User:badge", "urn:example:Other:badge"], "extensions": [{"id": "urn:example:User", "attributes": [{"name": "badge"}]}],
			"attributes": [{"to": "badge", "from": ["urn:example:User:badges"]}]`), []string{
			`/connections/0/users/keep/1: there is no attribute "urn:example:Other:badge". Did you mean "urn:example:User:badge"?`,
			`/connections/0/users/attributes/0/from/0: the path "urn:example:User:badges" does not fit the schema: urn:example:User:badges: the schema has no such attribute. Did you mean urn:example:User:badge?`,
		}},
		{"what follows from a declaration with faults", users(`"extensions": [{"id": "urn:example:User", "attributes": [{"name": "badge", "type": "text"}, {"nam": "pin"}]}, {"attributes": [{"name": "x"}]}],
			"keep": ["urn:example:user:pin", "phoneNumber"], "filter": "path(\"urn:example:User:pin\") == 1 && usrType == \"x\"", "attributes": [{"to": "badge", "from": ["urn:example:User:pin"]}]`), []string{
			at + `0/type: "text" is not known. Write "string", "boolean", "decimal", "integer", "dateTime", "binary", "reference" or "complex"`,
			at + `1/name: it is missing. Add "name": "number"`,
			at + `1/nam: the field is not known. Did you mean "name"?`,
			`/connections/0/users/extensions/1/id: it is missing. Add "id": "urn:example:params:scim:schemas:extension:badge:2.0:User"`,
			`/connections/0/users/keep/1: there is no attribute "phoneNumber". Did you mean "phoneNumbers"?`,
			"/connections/0/users/filter: the expression names usrType, which is no attribute. Did you mean userType?",
		}},
	}
}

func TestDiffOfExtensions(t *testing.T) {
	extension := func(more string) string {
		return `"extensions": [{"id": "urn:example:User", "attributes": [` + more + `]}]`
	}
	tests := []struct {
		name, before, after string
		want                []string
	}{
		{"one more", users(``), users(extension(`{"name": "a"}, {"name": "b"}`)), []string{
			`/connections/0/users/extensions/0 connection okta: extension "urn:example:User" is new, with "a", "b"`,
		}},
		{"one less", users(extension(`{"name": "a"}`)), users(``), []string{
			`/connections/0/users/extensions/0 connection okta: extension "urn:example:User" is gone; what was kept of it is shown no more`,
		}},
		{"attributes", users(extension(`{"name": "a"}, {"name": "b"}`)), users(extension(`{"name": "b", "type": "integer"}, {"name": "c"}`)), []string{
			`/connections/0/users/extensions/0/attributes/0/type connection okta: extension "urn:example:User" attribute "b" type: "integer" instead of the default "string"`,
			`/connections/0/users/extensions/0/attributes/1 connection okta: extension "urn:example:User" attribute "c" is new, of type "string"`,
			`/connections/0/users/extensions/0/attributes/0 connection okta: extension "urn:example:User" attribute "a" is gone`,
		}},
		{
			"sub-attributes", users(extension(`{"name": "a", "type": "complex", "subAttributes": [{"name": "value", "required": true}]}`)),
			users(extension(`{"name": "a", "type": "complex", "subAttributes": [{"name": "value"}, {"name": "type"}]}`)),
			[]string{
				`/connections/0/users/extensions/0/attributes/0/subAttributes/0/required connection okta: extension "urn:example:User" attribute "a" attribute "value" required: the default false instead of true`,
				`/connections/0/users/extensions/0/attributes/0/subAttributes/1 connection okta: extension "urn:example:User" attribute "a" attribute "type" is new, of type "string"`,
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(backup.Diff(mustRead(t, test.before), mustRead(t, test.after)))); diff != "" {
				t.Errorf("Diff mismatch (-want +got):\n%s", diff)
			}
		})
	}
}
