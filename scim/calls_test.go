package scim_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
)

const (
	patchSchemas = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`
	userSchemas  = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	groupSchemas = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]`
)

func patch(operations string) string {
	return `{` + patchSchemas + `,"Operations":[` + operations + `]}`
}

func filtered(path, filter string) string { return path + "?filter=" + url.QueryEscape(filter) }

// TestCalls holds the number of calls to Crowd per operation.
func TestCalls(t *testing.T) {
	b := newBridge(t)
	ann, bob, cid := b.user("ann"), b.user("bob"), b.user("cid")
	devs := b.group("devs", ann)
	whole := `{` + userSchemas + `,"userName":"ann","name":{"givenName":"Given","familyName":"Family"},"displayName":"Display",
		"externalId":"x-ann","emails":[{"value":"ann@example.com","type":"work","primary":true}],"active":true`
	tests := []struct {
		name, method, path, body string
		calls                    int
	}{
		{"provider config", "GET", "/ServiceProviderConfig", "", 0},
		{"schemas", "GET", "/Schemas", "", 0},
		{"resource types", "GET", "/ResourceTypes/User", "", 0},
		{"unknown endpoint", "GET", "/Nothing", "", 0},
		{"malformed id", "GET", "/Users/a b", "", 0},
		{"user", "GET", "/Users/" + ann, "", 1},
		{"user by name", "GET", filtered("/Users", `userName eq "ann"`), "", 1},
		{"user by name, none", "GET", filtered("/Users", `userName eq "nobody"`), "", 1},
		{"user by id", "GET", filtered("/Users", `id eq "`+ann+`"`), "", 1},
		{"user by externalId", "GET", filtered("/Users", `externalId eq "x-ann"`), "", 1},
		{"user by e-mail", "GET", filtered("/Users", `emails.value eq "ann@example.com"`), "", 1},
		{"user by work e-mail", "GET", filtered("/Users", `emails[type eq "work"].value eq "ann@example.com"`), "", 1},
		{"user by name and more", "GET", filtered("/Users", `userName eq "ann" and active eq true`), "", 1},
		{"group without members", "GET", "/Groups/" + devs + "?excludedAttributes=members", "", 1},
		{"group by name", "GET", filtered("/Groups", `displayName eq "devs"`) + "&excludedAttributes=members", "", 1},
		{"group by name, none", "GET", filtered("/Groups", `displayName eq "nothing"`), "", 1},
		{"group with members", "GET", "/Groups/" + devs, "", 2},
		{"page of users", "GET", "/Users?count=2", "", 3},
		{"next page of users", "GET", "/Users?count=2&startIndex=3", "", 1},
		{"user unchanged", "PUT", "/Users/" + ann, whole + `}`, 1},
		{"patch unchanged", "PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"displayName","value":"Display"}`), 1},
		{"kept data only", "PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"title","value":"Dr"}`), 3},
		{"Crowd's field and kept data", "PATCH", "/Users/" + ann, patch(`{"op":"replace","path":"displayName","value":"Other"}`), 4},
		{"deactivate", "PATCH", "/Users/" + cid, patch(`{"op":"replace","path":"active","value":false}`), 5},
		{"reactivate", "PATCH", "/Users/" + cid, patch(`{"op":"replace","path":"active","value":true}`), 4},
		{"add a member", "PATCH", "/Groups/" + devs, patch(`{"op":"add","path":"members","value":[{"value":"` + bob + `"}]}`), 6},
		{"remove a member", "PATCH", "/Groups/" + devs, patch(`{"op":"remove","path":"members[value eq \"` + bob + `\"]"}`), 5},
		{"create a user", "POST", "/Users", `{` + userSchemas + `,"userName":"dot"}`, 1},
		{"name taken", "POST", "/Users", `{` + userSchemas + `,"userName":"dot"}`, 2},
		{"create a group", "POST", "/Groups", `{` + groupSchemas + `,"displayName":"ops"}`, 4},
		{"delete a user", "DELETE", "/Users/" + cid, "", 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var a answer
			calls := b.calls(func() { a = b.do(test.method, strings.ReplaceAll(test.path, " ", "%20"), test.body) })
			if a.status >= 500 {
				t.Fatalf("%d %s", a.status, a.text)
			}
			if len(calls) != test.calls {
				t.Errorf("%d calls, want %d:%s", len(calls), test.calls, listed(calls))
			}
		})
	}
}

func listed(calls []crowdtest.Call) string {
	var text strings.Builder
	for _, c := range calls {
		fmt.Fprintf(&text, "\n\t%s %s %v -> %d", c.Method, c.Resource, c.Params, c.Status)
	}
	return text.String()
}

// TestCallsOfOkta counts a whole assignment as Okta makes it.
func TestCallsOfOkta(t *testing.T) {
	b := newBridge(t, provider(scim.Okta))
	calls := b.calls(func() {
		b.want(200, "GET", filtered("/Users", `userName eq "ann"`)+"&startIndex=1&count=100", "")
		b.user("ann")
	})
	if len(calls) != 2 {
		t.Errorf("look-up and create cost %d calls, want 2:%s", len(calls), listed(calls))
	}
}
