package scim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim"
)

// A removal is a request that takes members out of a group that ann, ben and cem
// are in, in the form that some identity provider gives it. In its body ANN, BEN,
// CEM, DEE and CREW stand for ids.
type removal struct {
	from scim.Provider
	name string
	body string // the operations of a PATCH, or a whole group behind PUT
	left string
}

// removals lists every form of removal that clients are known to send.
func removals() []removal {
	return []removal{
		{scim.Okta, "one", `{"op":"remove","path":"members[value eq \"ANN\"]"}`, "ben cem"},
		{scim.Okta, "two, and another added", `{"op":"remove","path":"members[value eq \"ANN\"]"},{"op":"remove","path":"members[value eq \"CEM\"]"},
			{"op":"add","path":"members","value":[{"value":"DEE","display":"dee"}]}`, "ben dee"},
		{scim.Okta, "rename first", `{"op":"replace","value":{"id":"CREW","displayName":"crew"}},{"op":"remove","path":"members[value eq \"ANN\"]"}`, "ben cem"},
		{scim.Okta, "push now", `{"op":"replace","path":"members","value":[{"value":"BEN","display":"ben"},{"value":"CEM","display":"cem"}]}`, "ben cem"},
		{scim.Okta, "push now, empty", `{"op":"replace","path":"members","value":[]}`, ""},
		{scim.Okta, "push now, no path", `{"op":"replace","value":{"members":[{"value":"BEN"}],"id":"CREW","displayName":"crew"}}`, "ben"},
		{scim.Okta, "push now, no path, empty", `{"op":"replace","value":{"members":[],"id":"CREW","displayName":"crew"}}`, ""},
		{scim.Okta, "rename only, no path", `{"op":"replace","value":{"id":"CREW","displayName":"crew"}}`, "ann ben cem"},
		{scim.Okta, "wizard", replacing(`{"value":"BEN","display":null},{"value":"CEM","display":"cem"}`), "ben cem"},
		{scim.Okta, "wizard, empty", replacing(""), ""},
		{scim.Entra, "one", `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"ANN"}]}`, "ben cem"},
		{scim.Entra, "two", `{"op":"Remove","path":"members","value":[{"$ref":null,"value":"ANN"},{"$ref":null,"value":"CEM"}]}`, "ben"},
		{scim.Entra, "one, with the flag", `{"op":"remove","path":"members[value eq \"ANN\"]"}`, "ben cem"},
		{scim.Entra, "added and removed", `{"op":"Add","path":"members","value":[{"value":"DEE"}]},{"op":"Remove","path":"members","value":[{"value":"DEE"}]}`, "ann ben cem"},
		{scim.Entra, "replaced by one", `{"op":"Replace","path":"members","value":[{"$ref":null,"value":"BEN"}]}`, "ben"},
		{scim.Entra, "all", `{"op":"Remove","path":"members"}`, ""},
		{scim.OneLogin, "one", `{"op":"remove","path":"members[value eq \"ANN\"]"}`, "ben cem"},
		{scim.JumpCloud, "one", `{"op":"remove","path":"members","value":[{"value":"ANN"}]}`, "ben cem"},
		{scim.JumpCloud, "whole", replacing(`{"value":"BEN"},{"value":"CEM"}`), "ben cem"},
		{scim.Ping, "one", `{"op":"remove","path":"members[value eq \"ANN\"]"}`, "ben cem"},
		{scim.Ping, "whole", replacing(`{"value":"BEN"},{"value":"CEM"}`), "ben cem"},
		{scim.Rippling, "one", `{"op":"remove","path":"members[value eq \"ANN\"]"}`, "ben cem"},
		{scim.Rippling, "whole", replacing(`{"value":"BEN"}`), "ben"},
		{scim.SailPoint, "one", `{"op":"remove","path":"members[value eq \"ANN\"]"}`, "ben cem"},
		{scim.CyberArk, "one", `{"op":"remove","path":"members[value eq \"ANN\"]"}`, "ben cem"},
		{scim.Keycloak, "replaced", `{"op":"replace","path":"members","value":[{"value":"BEN","$ref":"Users/BEN"},{"value":"CEM","$ref":"Users/CEM"}]}`, "ben cem"},
		{scim.Keycloak, "last one", `{"op":"remove","path":"members","value":null}`, ""},
		{scim.Keycloak, "whole", replacing(`{"value":"BEN","$ref":"Users/BEN"}`), "ben"},
		{scim.Authentik, "one", `{"op":"remove","path":"members","value":[{"value":"ANN"}]}`, "ben cem"},
		{scim.Authentik, "each", `{"op":"remove","path":"members","value":[{"value":"ANN"}]},{"op":"remove","path":"members","value":[{"value":"BEN"}]}`, "cem"},
		{scim.Authentik, "attributes, no path", `{"op":"replace","path":null,"value":{"id":"CREW","schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"externalId":"x","displayName":"crew"}}`, "ann ben cem"},
		{scim.Authentik, "attributes, null members", `{"op":"replace","path":null,"value":{"id":"CREW","displayName":"crew","members":null}}`, "ann ben cem"},
		{scim.Generic, "an object", `{"op":"remove","path":"members","value":{"value":"ANN"}}`, "ben cem"},
		{scim.Generic, "a text", `{"op":"remove","path":"members","value":"ANN"}`, "ben cem"},
		{scim.Generic, "texts", `{"op":"remove","path":"members","value":["ANN","CEM"]}`, "ben"},
		{scim.Generic, "nested, as Salesforce nests", `{"op":"remove","path":"members","value":{"members":[{"value":"ANN"}]}}`, "ben cem"},
		{scim.Generic, "by display, as WSO2 does", `{"op":"remove","path":"members[display eq \"ann\"]"}`, "ben cem"},
		{scim.Generic, "capitals", `{"op":"REMOVE","path":"MEMBERS[VALUE EQ \"ANN\"]"}`, "ben cem"},
		{scim.Generic, "capitals in a list", `{"OP":"Remove","Path":"Members","Value":[{"Value":"ANN"}]}`, "ben cem"},
		{scim.Generic, "with the URN", `{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:Group:members[value eq \"ANN\"]"}`, "ben cem"},
		{scim.Generic, "two by one filter", `{"op":"remove","path":"members[value eq \"ANN\" or value eq \"CEM\"]"}`, "ben"},
		{scim.Generic, "by type and value", `{"op":"remove","path":"members[type eq \"User\" and value eq \"ANN\"]"}`, "ben cem"},
		{scim.Generic, "all but one", `{"op":"remove","path":"members[value ne \"BEN\"]"}`, "ben"},
		{scim.Generic, "not a member", `{"op":"remove","path":"members","value":[{"value":"DEE"}]}`, "ann ben cem"},
		{scim.Generic, "not a member, by filter", `{"op":"remove","path":"members[value eq \"DEE\"]"}`, "ann ben cem"},
	}
}

// replacing is a PUT of the group with these members.
func replacing(members string) string {
	return `PUT {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"CREW","displayName":"crew","members":[` + members + `]}`
}

// TestRemovals sends each form under the provider that it comes from, and under
// generic: those who are named go, and the others stay.
func TestRemovals(t *testing.T) {
	for _, r := range removals() {
		for _, p := range slices.Compact([]scim.Provider{r.from, scim.Generic}) {
			t.Run(fmt.Sprintf("%s/%s/%s", r.from, r.name, p), func(t *testing.T) {
				t.Parallel()
				b := newBridge(t, provider(p))
				ids := []string{"ANN", b.user("ann"), "BEN", b.user("ben"), "CEM", b.user("cem"), "DEE", b.user("dee")}
				crew, rest := b.group("crew", ids[1], ids[3], ids[5]), b.group("rest", ids[1], ids[3], ids[5], ids[7])
				body := strings.NewReplacer(append(ids, "CREW", crew)...).Replace(r.body)
				method, sent, _ := strings.Cut(body, " ")
				if method != "PUT" {
					method, sent = "PATCH", patchOf(body)
				}
				for range 2 {
					if a := b.do(method, "/Groups/"+crew, sent); a.status != 200 && a.status != 204 {
						t.Fatalf("%s = %d %s", method, a.status, a.text)
					}
					if got := strings.Join(b.crowd.Members("crew"), " "); got != r.left {
						t.Errorf("left are %q, want %q", got, r.left)
					}
				}
				if got := b.crowd.Members("rest"); len(got) != 4 {
					t.Errorf("the group %s has %v", rest, got)
				}
			})
		}
	}
}
