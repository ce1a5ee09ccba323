package scim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim"
)

// TestEntraBuildsUserByPaths plays what Microsoft's SCIM Validator sends: a user
// with nothing but a name, and then one add for each sub-attribute. Those of one
// filter land in the value that the first of them made.
func TestEntraBuildsUserByPaths(t *testing.T) {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	adds := []string{
		`emails[type eq "work"].value=w@example.com`, `emails[type eq "work"].primary=True`,
		`emails[type eq "home"].value=h@example.com`,
		`phoneNumbers[type eq "work"].value=1`, `phoneNumbers[type eq "mobile"].value=2`, `phoneNumbers[type eq "fax"].value=3`,
		`addresses[type eq "work"].formatted=All`, `addresses[type eq "work"].streetAddress=Street`, `addresses[type eq "work"].locality=Town`,
		`addresses[type eq "work"].region=Region`, `addresses[type eq "work"].postalCode=01234`, `addresses[type eq "work"].country=GR`,
		`roles[primary eq "True"].display=Display`, `roles[primary eq "True"].value=Value`, `roles[primary eq "True"].type=Type`,
		`ims[type eq "xmpp"].value=im`, `photos[type eq "photo"].value=https://example.com/p`,
		`name.givenName=Given`, `name.familyName=Family`, `name.formatted=Formatted`, `title=Title`, `preferredLanguage=el`, `externalId=ext`,
		enterprise + `:department=Dept`, enterprise + `:employeeNumber=7`, enterprise + `:manager=ben`,
	}
	want := map[string]any{
		"emails": []any{
			map[string]any{"type": "work", "value": "w@example.com", "primary": true}, map[string]any{"type": "home", "value": "h@example.com"},
		},
		"phoneNumbers": []any{
			map[string]any{"type": "work", "value": "1"}, map[string]any{"type": "mobile", "value": "2"}, map[string]any{"type": "fax", "value": "3"},
		},
		"addresses": []any{map[string]any{
			"type": "work", "formatted": "All", "streetAddress": "Street", "locality": "Town", "region": "Region", "postalCode": "01234", "country": "GR",
		}},
		"roles":  []any{map[string]any{"primary": true, "display": "Display", "value": "Value", "type": "Type"}},
		"ims":    []any{map[string]any{"type": "xmpp", "value": "im"}},
		"photos": []any{map[string]any{"type": "photo", "value": "https://example.com/p"}},
		"name":   map[string]any{"givenName": "Given", "familyName": "Family", "formatted": "Formatted"},
		"title":  "Title", "preferredLanguage": "el", "externalId": "ext",
		enterprise: map[string]any{"department": "Dept", "employeeNumber": "7", "manager": map[string]any{"value": "ben"}},
	}
	for _, p := range []scim.Provider{scim.Entra, scim.Generic} {
		for _, gathered := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, in one request %t", p, gathered), func(t *testing.T) {
				t.Parallel()
				b := newBridge(t, provider(p))
				id := b.want(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann"}`).string("id")
				var operations []string
				for _, add := range adds {
					at := strings.LastIndexByte(add, '=')
					path, value := add[:at], add[at+1:]
					operations = append(operations, fmt.Sprintf(`{"op":"Add","path":%q,"value":%q}`, path, value))
				}
				if gathered {
					operations = []string{strings.Join(operations, ",")}
				}
				for _, operation := range operations {
					if a := b.do("PATCH", "/Users/"+id, patchOf(operation)); a.status != 200 && a.status != 204 {
						t.Fatalf("%s = %d %s", operation, a.status, a.text)
					}
				}
				var got map[string]any
				if err := json.Unmarshal([]byte(b.want(200, "GET", "/Users/"+id, "").text), &got); err != nil {
					t.Fatal(err)
				}
				for name := range want {
					if diff := cmp.Diff(want[name], got[name]); diff != "" {
						t.Errorf("%s mismatch (-want +got):\n%s", name, diff)
					}
				}
				// The manager goes in the way the validator takes it away.
				b.do("PATCH", "/Users/"+id, patchOf(fmt.Sprintf(`{"op":"replace","path":%q,"value":{"value":""}}`, enterprise+":manager")))
				left, _ := b.want(200, "GET", "/Users/"+id, "").object()[enterprise].(map[string]any)
				if left["manager"] != nil || left["department"] != "Dept" {
					t.Errorf("without a manager there is %v", left)
				}
			})
		}
	}
}
