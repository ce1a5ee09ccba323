package resource_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

const (
	work = `{"type":"work","value":"ann@work.example","primary":true}`
	home = `{"type":"home","value":"ann@home.example"}`
)

// TestPatchRules holds each rule of RFC 7644 section 3.5.2 against its text. Without want the result is an error.
func TestPatchRules(t *testing.T) {
	ent, badge := `"`+enterpriseURN+`"`, `"`+badgeURN+`"`
	tests := []struct {
		name     string
		before   string
		ops      string
		want     string
		scimType string
	}{
		// 3.5.2.1 add
		{"add without path", `{}`, `{"op":"add","value":{"title":"Dr","nickName":"A"}}`, `{"title":"Dr","nickName":"A"}`, ""},
		{"add to nothing", `{}`, `{"op":"add","path":"title","value":"Dr"}`, `{"title":"Dr"}`, ""},
		{"add to a single value replaces it", `{"title":"Mr"}`, `{"op":"add","path":"title","value":"Dr"}`, `{"title":"Dr"}`, ""},
		{"add the same value", `{"title":"Dr"}`, `{"op":"add","path":"title","value":"Dr"}`, `{"title":"Dr"}`, ""},
		{"add to a complex value merges", `{"name":{"givenName":"A","familyName":"B"}}`, `{"op":"add","path":"name","value":{"givenName":"C","middleName":"M"}}`, `{"name":{"givenName":"C","familyName":"B","middleName":"M"}}`, ""},
		{"add a sub-attribute", `{}`, `{"op":"add","path":"name.givenName","value":"C"}`, `{"name":{"givenName":"C"}}`, ""},
		{"add to several values appends", `{"emails":[` + work + `]}`, `{"op":"add","path":"emails","value":[` + home + `]}`, `{"emails":[` + work + `,` + home + `]}`, ""},
		{"add a value that is there", `{"emails":[` + work + `,` + home + `]}`, `{"op":"add","path":"emails","value":[` + home + `]}`, `{"emails":[` + work + `,` + home + `]}`, ""},
		{"add a value that is there without its type", `{"emails":[` + work + `]}`, `{"op":"add","path":"emails","value":[{"value":"ANN@work.example"}]}`, `{"emails":[{"type":"work","value":"ANN@work.example","primary":true}]}`, ""},
		{"add a value of another type", `{"emails":[` + work + `]}`, `{"op":"add","path":"emails","value":[{"value":"ann@work.example","type":"home"}]}`, `{"emails":[` + work + `,{"type":"home","value":"ann@work.example"}]}`, ""},
		{"add an empty array", `{"emails":[` + work + `]}`, `{"op":"add","path":"emails","value":[]}`, `{"emails":[` + work + `]}`, ""},
		{"add null", `{"title":"Dr"}`, `{"op":"add","path":"title","value":null}`, `{"title":"Dr"}`, ""},
		{"add what nothing matches", `{"emails":[` + home + `]}`, `{"op":"add","path":"emails[type eq \"work\"].value","value":"a@b"}`, `{"emails":[` + home + `,{"type":"work","value":"a@b"}]}`, ""},
		{"add to what matches", `{"emails":[` + work + `,` + home + `]}`, `{"op":"add","path":"emails[type eq \"home\"]","value":{"display":"D"}}`, `{"emails":[` + work + `,{"type":"home","value":"ann@home.example","display":"D"}]}`, ""},
		{"add a primary value", `{"emails":[` + work + `]}`, `{"op":"add","path":"emails","value":[{"type":"home","value":"h","primary":true}]}`, `{"emails":[{"type":"work","value":"ann@work.example","primary":false},{"type":"home","value":"h","primary":true}]}`, ""},
		{"add by a vague filter", `{}`, `{"op":"add","path":"emails[value co \"x\"].type","value":"work"}`, "", "noTarget"},
		{"add by a contradiction", `{}`, `{"op":"add","path":"emails[type eq \"a\" and type eq \"b\"].value","value":"x"}`, "", "noTarget"},
		{"add without value", `{}`, `{"op":"add","path":"title"}`, "", "invalidValue"},
		{"add a primary value, and the old one without saying so", `{"emails":[` + work + `]}`, `{"op":"add","path":"emails","value":[{"type":"home","value":"h","primary":true},{"type":"work","value":"ann@work.example"}]}`, `{"emails":[{"type":"work","value":"ann@work.example","primary":false},{"type":"home","value":"h","primary":true}]}`, ""},
		{"add an address that is there as the primary one", `{"addresses":[{"type":"work","locality":"L"}]}`, `{"op":"add","path":"addresses","value":[{"type":"work","locality":"L","primary":true}]}`, `{"addresses":[{"type":"work","locality":"L","primary":true}]}`, ""},
		{"later operations hit what earlier ones made", `{}`, `{"op":"add","path":"roles[primary eq \"True\"].display","value":"D"},{"op":"add","path":"roles[primary eq \"True\"].value","value":"v"}`, `{"roles":[{"primary":true,"display":"D","value":"v"}]}`, ""},
		{"add to an extension", `{}`, `{"op":"add","path":` + ent[:len(ent)-1] + `:department","value":"X"}`, `{` + ent + `:{"department":"X"}}`, ""},
		{"add an extension", `{` + ent + `:{"division":"D"}}`, `{"op":"add","path":` + ent + `,"value":{"department":"X"}}`, `{` + ent + `:{"division":"D","department":"X"}}`, ""},
		{"add simple values", `{` + badge + `:{"tags":["a","b"]}}`, `{"op":"add","path":` + badge[:len(badge)-1] + `:tags","value":["B","c","C"]}`, `{` + badge + `:{"tags":["a","b","c"]}}`, ""},
		{"add to a sub-attribute with several values", `{` + badge + `:{"doors":[{"value":"d","days":["mon"]}]}}`, `{"op":"add","path":` + badge[:len(badge)-1] + `:doors[value eq \"d\"].days","value":["tue","mon"]}`, `{` + badge + `:{"doors":[{"value":"d","days":["mon","tue"]}]}}`, ""},

		// 3.5.2.2 remove
		{"remove", `{"title":"Dr"}`, `{"op":"remove","path":"title"}`, `{}`, ""},
		{"remove what is not there", `{}`, `{"op":"remove","path":"title"}`, `{}`, ""},
		{"remove in an extension that is not there", `{}`, `{"op":"remove","path":` + ent[:len(ent)-1] + `:manager"}`, `{}`, ""},
		{"remove without path", `{"title":"Dr"}`, `{"op":"remove","value":{"title":"Dr"}}`, "", "noTarget"},
		{"remove all values", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails"}`, `{}`, ""},
		{"remove with null", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails","value":null}`, `{}`, ""},
		{"remove by filter", `{"emails":[` + work + `,` + home + `]}`, `{"op":"remove","path":"emails[type eq \"work\"]"}`, `{"emails":[` + home + `]}`, ""},
		{"remove by a long filter", `{"emails":[` + work + `,` + home + `]}`, `{"op":"remove","path":"emails[(type eq \"home\" or type eq \"x\") and not (primary eq true) and value pr]"}`, `{"emails":[` + work + `]}`, ""},
		{"remove by filter, nothing matches", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails[type eq \"x\"]"}`, `{"emails":[` + work + `]}`, ""},
		{"remove the last value", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails[type eq \"work\"]"}`, `{}`, ""},
		{"remove a sub-attribute by filter", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails[type eq \"work\"].primary"}`, `{"emails":[{"type":"work","value":"ann@work.example"}]}`, ""},
		{"remove all a value is about", `{"emails":[` + work + `,` + home + `]}`, `{"op":"remove","path":"emails[type eq \"work\"].value"}`, `{"emails":[` + home + `]}`, ""},
		{"remove a sub-attribute", `{"name":{"givenName":"A","familyName":"B"}}`, `{"op":"remove","path":"name.givenName"}`, `{"name":{"familyName":"B"}}`, ""},
		{"remove the last sub-attribute", `{"name":{"givenName":"A"}}`, `{"op":"remove","path":"name.givenName"}`, `{}`, ""},
		{"remove listed values", `{"emails":[` + work + `,` + home + `]}`, `{"op":"remove","path":"emails","value":[{"value":"ANN@home.example"}]}`, `{"emails":[` + work + `]}`, ""},
		{"remove a listed value of another type", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails","value":[{"value":"ann@work.example","type":"home"}]}`, `{"emails":[` + work + `]}`, ""},
		{"remove no listed values", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails","value":[]}`, `{"emails":[` + work + `]}`, ""},
		{"remove what cannot be recognised", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails","value":[{"foo":"bar"}]}`, "", "invalidValue"},
		{"remove an empty string", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails","value":""}`, "", "invalidValue"},
		{"remove a sub-attribute with a value", `{"emails":[` + work + `]}`, `{"op":"remove","path":"emails.value","value":"x"}`, "", "invalidPath"},
		{"remove simple values", `{` + badge + `:{"tags":["a","b"]}}`, `{"op":"remove","path":` + badge[:len(badge)-1] + `:tags","value":["B"]}`, `{` + badge + `:{"tags":["a"]}}`, ""},
		{"remove a simple value by filter", `{` + badge + `:{"tags":["a","b"]}}`, `{"op":"remove","path":` + badge[:len(badge)-1] + `:tags[value eq \"b\"]"}`, `{` + badge + `:{"tags":["a"]}}`, ""},
		{"remove an extension", `{` + ent + `:{"division":"D"}}`, `{"op":"remove","path":` + ent + `}`, `{}`, ""},
		{"remove something required", `{}`, `{"op":"remove","path":"userName"}`, "", "mutability"},
		{"remove a required sub-attribute", `{` + badge + `:{"doors":[{"value":"d"}]}}`, `{"op":"remove","path":` + badge[:len(badge)-1] + `:doors[level eq 1].value"}`, `{` + badge + `:{"doors":[{"value":"d"}]}}`, ""},
		{"remove something read-only", `{}`, `{"op":"remove","path":"groups"}`, "", "mutability"},
		{"remove something immutable", `{` + badge + `:{"number":7}}`, `{"op":"remove","path":` + badge[:len(badge)-1] + `:number"}`, "", "mutability"},
		{"remove an extension with something immutable", `{` + badge + `:{"number":7}}`, `{"op":"remove","path":` + badge + `}`, "", "mutability"},

		// 3.5.2.3 replace
		{"replace without path", `{"title":"Mr","nickName":"A"}`, `{"op":"replace","value":{"title":"Dr"}}`, `{"title":"Dr","nickName":"A"}`, ""},
		{"replace", `{"title":"Mr"}`, `{"op":"replace","path":"title","value":"Dr"}`, `{"title":"Dr"}`, ""},
		{"replace what is not there adds", `{}`, `{"op":"replace","path":"title","value":"Dr"}`, `{"title":"Dr"}`, ""},
		{"replace all values", `{"emails":[` + work + `]}`, `{"op":"replace","path":"emails","value":[` + home + `]}`, `{"emails":[` + home + `]}`, ""},
		{"replace by no values", `{"emails":[` + work + `]}`, `{"op":"replace","path":"emails","value":[]}`, `{}`, ""},
		{"replace by null", `{"title":"Dr"}`, `{"op":"replace","path":"title","value":null}`, `{}`, ""},
		{"replace by an empty string", `{"title":"Dr"}`, `{"op":"replace","path":"title","value":""}`, `{}`, ""},
		{"replace a complex value merges", `{"name":{"givenName":"A","familyName":"B"}}`, `{"op":"replace","path":"name","value":{"givenName":"C"}}`, `{"name":{"givenName":"C","familyName":"B"}}`, ""},
		{"replace by filter", `{"emails":[` + work + `,` + home + `]}`, `{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"n"}}`, `{"emails":[` + work + `,{"type":"home","value":"n"}]}`, ""},
		{"replace a sub-attribute by filter", `{"addresses":[{"type":"work","locality":"A","region":"R"},{"type":"home","locality":"B"}]}`, `{"op":"replace","path":"addresses[type eq \"work\"].locality","value":"C"}`, `{"addresses":[{"type":"work","locality":"C","region":"R"},{"type":"home","locality":"B"}]}`, ""},
		{"replace a sub-attribute of all values", `{"addresses":[{"locality":"A"},{"locality":"B"}]}`, `{"op":"replace","path":"addresses.country","value":"C"}`, `{"addresses":[{"locality":"A","country":"C"},{"locality":"B","country":"C"}]}`, ""},
		{"replace a sub-attribute of no values", `{}`, `{"op":"replace","path":"emails.value","value":"v"}`, `{"emails":[{"value":"v"}]}`, ""},
		{"replace a sub-attribute of what matches by nothing", `{"phoneNumbers":[{"type":"fax","value":"1"}]}`, `{"op":"replace","path":"phoneNumbers[type eq \"fax\"].value","value":""}`, `{}`, ""},
		{"replace what nothing matches adds", `{}`, `{"op":"replace","path":"emails[type eq \"work\"].value","value":"a"}`, `{"emails":[{"type":"work","value":"a"}]}`, ""},
		{"replace what a vague filter does not match", `{}`, `{"op":"replace","path":"emails[not (type eq \"work\")].value","value":"a"}`, "", "noTarget"},
		{"replace simple values by filter", `{` + badge + `:{"tags":["a","b"]}}`, `{"op":"replace","path":` + badge[:len(badge)-1] + `:tags[value eq \"b\"]","value":"c"}`, `{` + badge + `:{"tags":["a","c"]}}`, ""},
		{"replace primary", `{"emails":[` + work + `,` + home + `]}`, `{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}`, `{"emails":[{"type":"work","value":"ann@work.example","primary":false},{"type":"home","value":"ann@home.example","primary":true}]}`, ""},
		{"replace primary of several", `{"emails":[` + work + `,` + home + `]}`, `{"op":"replace","path":"emails.primary","value":true}`, "", "invalidValue"},
		{"replace something immutable", `{` + badge + `:{"number":7}}`, `{"op":"replace","path":` + badge[:len(badge)-1] + `:number","value":8}`, "", "mutability"},
		{"replace something immutable by itself", `{` + badge + `:{"number":7}}`, `{"op":"replace","path":` + badge[:len(badge)-1] + `:number","value":7}`, `{` + badge + `:{"number":7}}`, ""},
		{"set something immutable", `{}`, `{"op":"replace","path":` + badge[:len(badge)-1] + `:number","value":7}`, `{` + badge + `:{"number":7}}`, ""},
		{"replace something immutable inside", `{` + badge + `:{"origin":{"site":"a"}}}`, `{"op":"replace","path":` + badge[:len(badge)-1] + `:origin.site","value":"b"}`, "", "mutability"},
		{"replace what refers", `{` + badge + `:{"doors":[{"value":"d"}]}}`, `{"op":"replace","path":` + badge[:len(badge)-1] + `:doors[value eq \"d\"].value","value":"e"}`, "", "mutability"},
		{"replace something required by nothing", `{}`, `{"op":"replace","path":"userName","value":""}`, "", "invalidValue"},
		{"replace without value", `{}`, `{"op":"replace","path":"title"}`, "", "invalidValue"},
		{"replace by another type", `{}`, `{"op":"replace","path":"title","value":{"a":1}}`, "", "invalidValue"},
		{"replace id", `{}`, `{"op":"replace","path":"id","value":"x"}`, "", "mutability"},
		{"replace meta", `{}`, `{"op":"replace","path":"meta.location","value":"x"}`, "", "mutability"},
		{"replace a read-only sub-attribute", `{}`, `{"op":"replace","path":` + ent[:len(ent)-1] + `:manager.displayName","value":"x"}`, "", "mutability"},
		{"add a known schema", `{}`, `{"op":"add","path":"schemas","value":[` + ent + `]}`, `{}`, ""},
		{"add an unknown schema", `{}`, `{"op":"add","path":"schemas","value":["urn:x:y"]}`, "", "mutability"},
		{"remove schemas", `{}`, `{"op":"remove","path":"schemas"}`, "", "mutability"},

		// paths and values
		{"core URN in front", `{}`, `{"op":"add","path":"` + userURN + `:title","value":"Dr"}`, `{"title":"Dr"}`, ""},
		{"core URN as path", `{}`, `{"op":"add","path":"` + userURN + `","value":{"title":"Dr"}}`, `{"title":"Dr"}`, ""},
		{"any case", `{}`, `{"OP":"ADD","Path":"NAME.GIVENNAME","Value":"G"}`, `{"name":{"givenName":"G"}}`, ""},
		{"URN in any case", `{}`, `{"op":"add","path":"` + strings.ToLower(enterpriseURN) + `:DEPARTMENT","value":"X"}`, `{` + ent + `:{"department":"X"}}`, ""},
		{"unknown path", `{}`, `{"op":"add","path":"shoeSize","value":"1"}`, "", "invalidPath"},
		{"unknown sub-attribute", `{}`, `{"op":"add","path":"name.shoe","value":"1"}`, "", "invalidPath"},
		{"unknown URN", `{}`, `{"op":"add","path":"urn:example:none:2.0:User:x","value":"1"}`, "", "invalidPath"},
		{"unknown attribute in a filter", `{}`, `{"op":"remove","path":"emails[shoe eq \"x\"]"}`, "", "invalidPath"},
		{"filter on a single value", `{}`, `{"op":"remove","path":"name[givenName eq \"x\"]"}`, "", "invalidPath"},
		{"filter of the wrong type", `{}`, `{"op":"remove","path":"emails[primary eq \"perhaps\"]"}`, "", "invalidFilter"},
		{"filter with an unknown operator", `{}`, `{"op":"remove","path":"emails[type like \"x\"]"}`, "", "invalidFilter"},
		{"filter without a value", `{}`, `{"op":"remove","path":"emails[type eq].value"}`, "", "invalidFilter"},
		{"empty filter", `{}`, `{"op":"remove","path":"emails[]"}`, "", "invalidFilter"},
		{"malformed path", `{}`, `{"op":"remove","path":"emails[type eq"}`, "", "invalidPath"},
		{"path that is no string", `{}`, `{"op":"remove","path":7}`, "", "invalidPath"},
		{"unknown op", `{}`, `{"op":"move","path":"title","value":"x"}`, "", "invalidSyntax"},
		{"no op", `{}`, `{"path":"title","value":"x"}`, "", "invalidSyntax"},
		{"operation that is no object", `{}`, `7`, "", "invalidSyntax"},
		{"value without path that is no object", `{}`, `{"op":"add","value":"x"}`, "", "invalidValue"},
		{"none or all", `{"title":"Mr"}`, `{"op":"replace","path":"title","value":"Dr"},{"op":"replace","path":"id","value":"x"}`, "", "mutability"},
		{"integers", `{}`, `{"op":"add","path":` + badge + `,"value":{"codes":[7.0,1e3,"12"]}}`, `{` + badge + `:{"codes":[7,1000,12]}}`, ""},
		{"not an integer", `{}`, `{"op":"add","path":` + badge + `,"value":{"codes":[7.5]}}`, "", "invalidValue"},
		{"number beyond all bounds", `{}`, `{"op":"add","path":` + badge + `,"value":{"height":1e999999999}}`, "", "invalidValue"},
		{"not a date", `{}`, `{"op":"add","path":` + badge + `,"value":{"issued":"yesterday"}}`, "", "invalidValue"},
		{"not base64", `{}`, `{"op":"add","path":` + badge + `,"value":{"picture":"%%"}}`, "", "invalidValue"},
		{"base64 in lines", `{}`, `{"op":"add","path":` + badge + `,"value":{"picture":"aGVs\r\nbG8="}}`, `{` + badge + `:{"picture":"aGVsbG8="}}`, ""},
		{"extension that is no object", `{}`, `{"op":"add","path":` + badge + `,"value":7}`, "", "invalidValue"},
		{"a required sub-attribute is missing", `{}`, `{"op":"add","path":` + badge[:len(badge)-1] + `:doors","value":[{"level":3}]}`, "", "invalidValue"},
	}
	typ := typeNamed(t, "User")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := user(t, tt.before)
			kept := user(t, tt.before)
			after, err := patch(t, typ, before, patchBody(t, tt.ops), resource.Lenient())
			if diff := cmp.Diff(kept, before); diff != "" {
				t.Errorf("the resource given was changed (-want +got):\n%s", diff)
			}
			if got := scimType(t, err); got != tt.scimType {
				t.Fatalf("scimType = %q (%v), want %q", got, err, tt.scimType)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(user(t, tt.want), after); diff != "" {
				t.Errorf("result mismatch (-want +got):\n%s", diff)
			}
			if err := typ.Validate(after); err != nil {
				t.Errorf("Validate: %v", err)
			}
		})
	}
}

// patch applies the body of a PATCH.
func patch(t testing.TB, typ *resource.Type, doc, body map[string]any, l resource.Leniency) (map[string]any, error) {
	t.Helper()
	ops, err := resource.ParsePatch(body, typ, l, resource.Limits{})
	if err != nil {
		return nil, err
	}
	return typ.Apply(doc, ops)
}

// TestPatchDialects reads what clients send beyond the RFC; under strict rules each is an error.
func TestPatchDialects(t *testing.T) {
	tests := []struct {
		name   string
		before string
		op     string
		want   string
		strict string
	}{
		{"string booleans", `{"active":true}`, `{"op":"Replace","path":"active","value":"False"}`, `{"active":false}`, "invalidValue"},
		{"zero and one", `{"active":true}`, `{"op":"Replace","path":"active","value":0}`, `{"active":false}`, "invalidValue"},
		{"number for a string", `{}`, `{"op":"replace","path":"` + enterpriseURN + `:employeeNumber","value":4711}`, `{"` + enterpriseURN + `":{"employeeNumber":"4711"}}`, "invalidValue"},
		{"manager as a string", `{}`, `{"op":"add","path":"` + enterpriseURN + `:manager","value":"m"}`, `{"` + enterpriseURN + `":{"manager":{"value":"m"}}}`, "invalidValue"},
		{"manager as an array", `{}`, `{"op":"add","path":"` + enterpriseURN + `:manager","value":[{"value":"m","$ref":"r"}]}`, `{"` + enterpriseURN + `":{"manager":{"value":"m","$ref":"r"}}}`, "invalidValue"},
		{"manager without its URN", `{}`, `{"op":"add","path":"manager","value":"m"}`, `{"` + enterpriseURN + `":{"manager":{"value":"m"}}}`, "invalidPath"},
		{"manager by its old name", `{}`, `{"op":"add","path":"` + enterpriseURN + `:manager","value":{"managerId":"m"}}`, `{"` + enterpriseURN + `":{"manager":{"value":"m"}}}`, "invalidSyntax"},
		{"misspelt URN", `{}`, `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0User:department","value":"X"}`, `{"` + enterpriseURN + `":{"department":"X"}}`, "invalidPath"},
		{"manager emptied", `{"` + enterpriseURN + `":{"manager":{"value":"m"}}}`, `{"op":"replace","path":"` + enterpriseURN + `:manager","value":{"value":""}}`, `{}`, "-"},
		{"one value for an array", `{}`, `{"op":"replace","path":"emails","value":{"value":"v"}}`, `{"emails":[{"value":"v"}]}`, "invalidValue"},
		{"bare values", `{}`, `{"op":"add","path":"emails","value":["v"]}`, `{"emails":[{"value":"v"}]}`, "invalidValue"},
		{"nested value", `{}`, `{"op":"add","path":"emails","value":{"emails":[{"value":"v"}]}}`, `{"emails":[{"value":"v"}]}`, "invalidSyntax"},
		{"array of one for a filter", `{"emails":[` + home + `]}`, `{"op":"replace","path":"emails[type eq \"home\"]","value":[{"value":"v"}]}`, `{"emails":[{"type":"home","value":"v"}]}`, "invalidValue"},
		{"dotted keys", `{}`, `{"op":"replace","value":{"name.givenName":"G"}}`, `{"name":{"givenName":"G"}}`, "invalidPath"},
		{"URN keys", `{}`, `{"op":"replace","value":{"` + enterpriseURN + `:department":"X"}}`, `{"` + enterpriseURN + `":{"department":"X"}}`, "invalidPath"},
		{"filters as keys", `{}`, `{"op":"replace","value":{"emails[type eq \"work\"].value":"v"}}`, `{"emails":[{"type":"work","value":"v"}]}`, "invalidPath"},
		{"unknown keys", `{}`, `{"op":"replace","value":{"shoeSize":1,"title":"Dr","urn:x:y:2.0:User":{"z":1},"` + enterpriseURN + `":{"shoe":1}}}`, `{"title":"Dr"}`, "invalidPath"},
		{"read-only keys", `{}`, `{"op":"replace","value":{"title":"Dr","groups":[{"value":"g"}]}}`, `{"title":"Dr"}`, "mutability"},
		{"id, schemas and meta", `{}`, `{"op":"replace","value":{"title":"Dr","id":"x","schemas":["x"],"meta":{"version":"x"}}}`, `{"title":"Dr"}`, "-"},
		{"two primaries", `{}`, `{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, `{"emails":[{"value":"a","primary":true},{"value":"b","primary":false}]}`, "-"},
		{"replace what nothing matches", `{}`, `{"op":"replace","path":"emails[primary eq true].value","value":"v"}`, `{"emails":[{"primary":true,"value":"v"}]}`, "noTarget"},
		{"null for what is required", `{}`, `{"op":"replace","value":{"userName":null,"title":null}}`, `{}`, "-"},
		{"null for an extension", `{"` + enterpriseURN + `":{"division":"D"}}`, `{"op":"replace","value":{"` + enterpriseURN + `":null}}`, `{}`, "-"},
		{"extension as a key with brackets of nobody", `{}`, `{"op":"replace","value":{"emails[":"x"}}`, `{}`, "invalidPath"},
	}
	typ := typeNamed(t, "User")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, err := patch(t, typ, user(t, tt.before), patchBody(t, tt.op), resource.Lenient())
			if err != nil {
				t.Fatalf("lenient: %v", err)
			}
			if diff := cmp.Diff(user(t, tt.want), after); diff != "" {
				t.Errorf("lenient mismatch (-want +got):\n%s", diff)
			}
			if tt.strict == "-" {
				return
			}
			_, err = patch(t, typ, user(t, tt.before), patchBody(t, tt.op), resource.Strict())
			if got := scimType(t, err); got != tt.strict {
				t.Errorf("strict: scimType = %q (%v), want %q", got, err, tt.strict)
			}
		})
	}
}

func TestParsePatchBody(t *testing.T) {
	many := strings.Repeat(`{"op":"remove","path":"title"},`, 3)
	tests := []struct {
		name            string
		body            string
		lenient, strict string
		limit           int
	}{
		{"no schemas", `{"Operations":[{"op":"remove","path":"title"}]}`, "", "invalidSyntax", 0},
		{"other schemas", `{"schemas":["x"],"Operations":[{"op":"remove","path":"title"}]}`, "", "invalidSyntax", 0},
		{"operations in lower case", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:patchop"],"operations":[{"op":"remove","path":"title"}]}`, "", "", 0},
		{"one operation alone", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":{"op":"remove","path":"title"}}`, "", "invalidSyntax", 0},
		{"no operations", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}`, "invalidSyntax", "invalidSyntax", 0},
		{"SCIM 1.1", `{"schemas":["urn:scim:schemas:core:1.0"],"members":[{"value":"x","operation":"delete"}]}`, "invalidSyntax", "invalidSyntax", 0},
		{"empty operations", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[]}`, "invalidSyntax", "invalidSyntax", 0},
		{"operations that are none", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":"x"}`, "invalidSyntax", "invalidSyntax", 0},
		{"as many as allowed", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + many + `{"op":"remove","path":"title"}]}`, "", "", 4},
	}
	typ := typeNamed(t, "User")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			limits := resource.Limits{Operations: tt.limit}
			_, err := resource.ParsePatch(decode(t, tt.body), typ, resource.Lenient(), limits)
			if got := scimType(t, err); got != tt.lenient {
				t.Errorf("lenient: scimType = %q (%v), want %q", got, err, tt.lenient)
			}
			_, err = resource.ParsePatch(decode(t, tt.body), typ, resource.Strict(), limits)
			if got := scimType(t, err); got != tt.strict {
				t.Errorf("strict: scimType = %q (%v), want %q", got, err, tt.strict)
			}
		})
	}
	body := patchBody(t, many+`{"op":"remove","path":"title"}`)
	_, err := resource.ParsePatch(body, typ, resource.Lenient(), resource.Limits{Operations: 3})
	e, ok := err.(*resource.Error)
	if !ok || e.Status != 413 {
		t.Errorf("one operation too many: %v, want a 413", err)
	}
}
