package resource_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// TestNormalise reads documents of every dialect; strict is what the RFC's own rules answer, "-" the same.
func TestNormalise(t *testing.T) {
	core := `"schemas":["` + userURN + `"],"userName":"ann"`
	both := `"schemas":["` + userURN + `","` + enterpriseURN + `"],"userName":"ann"`
	tests := []struct {
		name   string
		doc    string
		want   string
		strict string
	}{
		{"canonical", `{` + core + `,"title":"Dr","active":true}`, `{` + core + `,"title":"Dr","active":true}`, "-"},
		{"any case", `{"SCHEMAS":["` + userURN + `"],"USERNAME":"ann","Name":{"GivenName":"A"},"Emails":[{"VALUE":"v"}]}`, `{` + core + `,"name":{"givenName":"A"},"emails":[{"value":"v"}]}`, "-"},
		{"null and empty", `{` + core + `,"title":null,"nickName":"","emails":[],"name":{},"phoneNumbers":[{"value":""},null],"addresses":null}`, `{` + core + `}`, "-"},
		{"read-only", `{` + core + `,"id":"x","meta":{"version":"y"},"groups":[{"value":"g"}],"` + enterpriseURN + `":{"manager":{"value":"m","displayName":"M"}}}`, `{` + both + `,"` + enterpriseURN + `":{"manager":{"value":"m"}}}`, "-"},
		{"extension not in schemas", `{` + core + `,"` + enterpriseURN + `":{"department":"D"}}`, `{` + both + `,"` + enterpriseURN + `":{"department":"D"}}`, "-"},
		{"extension listed without data", `{` + both + `}`, `{` + core + `}`, "-"},
		{"extension in any case", `{` + core + `,"URN:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:user":{"DEPARTMENT":"D"}}`, `{` + both + `,"` + enterpriseURN + `":{"department":"D"}}`, "-"},
		{"extension null", `{` + core + `,"` + enterpriseURN + `":null}`, `{` + core + `}`, "-"},
		{"password stays", `{` + core + `,"password":"p"}`, `{` + core + `,"password":"p"}`, "-"},
		{"integers", `{` + core + `,"` + badgeURN + `":{"number":7.0,"codes":[1e3]}}`, `{"schemas":["` + userURN + `","` + badgeURN + `"],"userName":"ann","` + badgeURN + `":{"number":7,"codes":[1000]}}`, "invalidValue"},

		{"no schemas", `{"userName":"ann"}`, `{` + core + `}`, "invalidSyntax"},
		{"schemas without the core", `{"schemas":["` + enterpriseURN + `"],"userName":"ann"}`, `{` + core + `}`, "invalidSyntax"},
		{"schemas with an unknown one", `{"schemas":["` + userURN + `","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"userName":"ann"}`, `{` + core + `}`, "invalidValue"},
		{"schemas a string", `{"schemas":"` + userURN + `","userName":"ann"}`, `{` + core + `}`, "invalidSyntax"},
		{"string booleans", `{` + core + `,"active":"True","emails":[{"value":"v","primary":"false"}]}`, `{` + core + `,"active":true,"emails":[{"value":"v","primary":false}]}`, "invalidValue"},
		{"number booleans", `{` + core + `,"active":0}`, `{` + core + `,"active":false}`, "invalidValue"},
		{"empty boolean", `{` + core + `,"active":""}`, `{` + core + `}`, "-"},
		{"number for a string", `{` + core + `,"title":12}`, `{` + core + `,"title":"12"}`, "invalidValue"},
		{"one value for an array", `{` + core + `,"emails":{"value":"v"}}`, `{` + core + `,"emails":[{"value":"v"}]}`, "invalidValue"},
		{"bare values", `{` + core + `,"emails":["v","w"]}`, `{` + core + `,"emails":[{"value":"v"},{"value":"w"}]}`, "invalidValue"},
		{"bare manager", `{` + core + `,"` + enterpriseURN + `":{"manager":"m"}}`, `{` + both + `,"` + enterpriseURN + `":{"manager":{"value":"m"}}}`, "invalidValue"},
		{"manager by its old name", `{` + core + `,"` + enterpriseURN + `":{"manager":{"managerId":"m","displayName":"M"}}}`, `{` + both + `,"` + enterpriseURN + `":{"manager":{"value":"m"}}}`, "invalidSyntax"},
		{"manager by both names", `{` + core + `,"` + enterpriseURN + `":{"manager":{"managerId":"n","value":"m"}}}`, `{` + both + `,"` + enterpriseURN + `":{"manager":{"value":"m"}}}`, "invalidSyntax"},
		{"flat URN keys", `{` + core + `,"` + enterpriseURN + `:department":"D","` + enterpriseURN + `:manager.value":"m"}`, `{` + both + `,"` + enterpriseURN + `":{"department":"D","manager":{"value":"m"}}}`, "invalidSyntax"},
		{"dotted keys", `{` + core + `,"name.givenName":"G","name":{"familyName":"F"}}`, `{` + core + `,"name":{"givenName":"G","familyName":"F"}}`, "invalidSyntax"},
		{"filters as keys", `{` + core + `,"emails[type eq \"work\"].value":"v","emails[type eq \"work\"].primary":"True"}`, `{` + core + `,"emails":[{"type":"work","value":"v","primary":true}]}`, "invalidSyntax"},
		{"short names", `{` + core + `,"department":"D"}`, `{` + both + `,"` + enterpriseURN + `":{"department":"D"}}`, "invalidSyntax"},
		{"short names yield", `{` + core + `,"department":"D","` + enterpriseURN + `":{"department":"E"}}`, `{` + both + `,"` + enterpriseURN + `":{"department":"E"}}`, "invalidSyntax"},
		{"below the core URN", `{"schemas":["` + userURN + `"],"` + userURN + `":{"userName":"ann","title":"Dr"},"title":"Mr"}`, `{` + core + `,"title":"Mr"}`, "invalidSyntax"},
		{"misspelt URN", `{` + core + `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0User":{"department":"D","division":"V"},"` + enterpriseURN + `":{"department":"E"}}`, `{` + both + `,"` + enterpriseURN + `":{"department":"E","division":"V"}}`, "invalidSyntax"},
		{"unknown attributes", `{` + core + `,"shoeSize":1,"name":{"shoe":1},"urn:x:y:2.0:User":{"z":1},"emails[":1,"a.b.c":1}`, `{` + core + `}`, "invalidSyntax"},
		{"read-only by path", `{` + core + `,"meta.version":"x","` + enterpriseURN + `:manager.displayName":"M"}`, `{` + core + `}`, "invalidSyntax"},
		{"two primaries", `{` + core + `,"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, `{` + core + `,"emails":[{"value":"a","primary":true},{"value":"b","primary":false}]}`, "-"},
	}
	typ := typeNamed(t, "User")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc := decode(t, tt.doc)
			got, err := typ.Normalise(doc, resource.Lenient())
			if err != nil {
				t.Fatalf("Normalise: %v", err)
			}
			if diff := cmp.Diff(decode(t, tt.want), got); diff != "" {
				t.Errorf("lenient mismatch (-want +got):\n%s", diff)
			}
			if err := typ.Validate(got); err != nil {
				t.Errorf("Validate: %v", err)
			}
			if diff := cmp.Diff(decode(t, tt.doc), doc); diff != "" {
				t.Errorf("the document given was changed (-want +got):\n%s", diff)
			}
			_, err = typ.Normalise(doc, resource.Strict())
			if s := scimType(t, err); tt.strict != "-" && s != tt.strict {
				t.Errorf("strict: scimType = %q (%v), want %q", s, err, tt.strict)
			}
			if tt.strict == "-" && err != nil {
				t.Errorf("strict: %v", err)
			}
		})
	}
}

// TestNormaliseRefuses: what has no sensible reading is an error under every leniency.
func TestNormaliseRefuses(t *testing.T) {
	tests := []struct{ name, typ, doc, detail string }{
		{"array for a string", "User", `{"userName":["a"]}`, "userName is an array: send a string"},
		{"object for a string", "User", `{"title":{"a":1}}`, "title is an object: send a string"},
		{"boolean for a string", "User", `{"title":true}`, "title is a boolean: send a string"},
		{"text for a boolean", "User", `{"active":"yes"}`, "active is a string: send true or false"},
		{"string for a complex value without value", "User", `{"name":"Ann"}`, "name is a string: send an object with formatted, familyName, givenName, middleName, honorificPrefix, honorificSuffix"},
		{"array of several for one value", "User", `{"name":[{},{}]}`, "name is an array: send an object with formatted, familyName, givenName, middleName, honorificPrefix, honorificSuffix"},
		{"array in an array", "User", `{"emails":[["v"]]}`, "emails is an array: send an object with value, display, type, primary"},
		{"object for a sub-attribute", "User", `{"emails":[{"value":{"a":"b"}}]}`, "emails.value is an object: send a string"},
		{"string for an extension", "User", `{"` + enterpriseURN + `":"x"}`, enterpriseURN + " is a string: send an object with the attributes of that schema"},
		{"text for a number", "User", `{"` + badgeURN + `":{"height":"tall"}}`, badgeURN + ":height is a string: send a number"},
		{"fraction for an integer", "User", `{"` + badgeURN + `":{"number":1.5}}`, badgeURN + ":number is not an integer"},
		{"integer beyond 64 bits", "User", `{"` + badgeURN + `":{"number":99999999999999999999}}`, badgeURN + ":number is not an integer"},
		{"not a date", "User", `{"` + badgeURN + `":{"issued":"2026-13-45"}}`, badgeURN + ":issued is not a date and time such as 2026-05-13T04:42:34Z"},
		{"member without value", "Group", `{"members":[{"display":"kim"}]}`, `a value of members does not say what it means: send {"value": "ID"} for each`},
		{"member null", "Group", `{"members":[null]}`, `a value of members does not say what it means: send {"value": "ID"} for each`},
		{"member of SCIM 1.1", "Group", `{"members":[{"value":"a","operation":"delete"}]}`, "members.operation is of SCIM 1.1: use PATCH with Operations (RFC 7644 section 3.5.2)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := typeNamed(t, tt.typ).Normalise(decode(t, tt.doc), resource.Lenient())
			if s := scimType(t, err); s != "invalidValue" {
				t.Fatalf("scimType = %q (%v), want invalidValue", s, err)
			}
			if got := err.(*resource.Error).Detail; got != tt.detail {
				t.Errorf("detail = %q, want %q", got, tt.detail)
			}
		})
	}
}
