package scim_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/mapping"
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

// A scene is a bridge on whose calls to Crowd a row of the table is counted.
type scene struct {
	*bridge
	ann, bob, cid string // users
	devs          string // a group of ann
	cursor        string
}

// TestCalls holds the number of calls to Crowd per operation: the fewest that
// the guarantees allow. Each row begins with three users and a group of one.
func TestCalls(t *testing.T) {
	member := func(op, id string) string {
		return patch(`{"op":"` + op + `","path":"members","value":[{"value":"` + id + `"}]}`)
	}
	group := func(name string, more string) string {
		return `{` + groupSchemas + `,"displayName":"` + name + `"` + more + `}`
	}
	manual := func(b *bridge) {
		b.engine.Groups = groups(b.t, mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: []mapping.Rule{{From: "mapped", To: []string{"target"}}, {From: "also", To: []string{"target"}}}}})
	}
	twice := func(b *bridge) {
		b.engine.Groups = groups(b.t, mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: []mapping.Rule{{From: "mapped", To: []string{"one", "two"}}}}})
	}
	exclusive := func(b *bridge) {
		b.engine.Groups = groups(b.t, mapping.Groups{OnTheFly: mapping.OnTheFly{KeepExistingGroups: new(false), Exclusive: true}})
	}
	annWhole := `{` + userSchemas + `,"userName":"ann","name":{"givenName":"Given","familyName":"Family"},"displayName":"Display",
		"externalId":"x-ann","emails":[{"value":"ann@example.com","type":"work","primary":true}],"active":true`
	tests := []struct {
		name  string
		with  func(*bridge) // settings
		given func(*scene)
		do    string // method and path, with {ann}, {bob}, {cid} and {devs} for ids
		query string // a filter
		body  string
		calls int
	}{
		{name: "provider config", do: "GET /ServiceProviderConfig"},
		{name: "schemas", do: "GET /Schemas"},
		{name: "resource type", do: "GET /ResourceTypes/User"},
		{name: "unknown endpoint", do: "GET /Nothing"},
		{name: "malformed id", do: "GET /Users/a%20b"},
		{name: "wrong method", do: "DELETE /Users"},
		{name: "filter that cannot be read", do: "GET /Users", query: `userName eq`},
		{name: "body that cannot be read", do: "PATCH /Users/{ann}", body: `{`},
		{name: "operation that cannot be one", do: "PATCH /Groups/{devs}", body: patch(`{"op":"add","path":"shoeSize","value":1}`)},
		{name: "Me without a user", do: "GET /Me"},
		{name: "resource types", do: "GET /ResourceTypes"},
		{name: "schema", do: "GET /Schemas/urn:ietf:params:scim:schemas:core:2.0:User"},
		{name: "what may be asked", do: "OPTIONS /Users/{ann}"},
		{name: "filter in a path that cannot be read", do: "PATCH /Users/{ann}", body: patch(`{"op":"remove","path":"emails[type is \"work\"]"}`)},
		{name: "search that is none", do: "POST /Users/.search", body: `{"schemas":["urn:example:none"]}`},
		{name: "bulk that is none", do: "POST /Bulk", body: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]}`},
		{name: "user without a name", do: "POST /Users", body: `{` + userSchemas + `}`},
		{name: "cursor that is none", do: "GET /Users?cursor=none"},

		{name: "user", do: "GET /Users/{ann}", calls: 1},
		{name: "user, unknown", do: "GET /Users/nobody", calls: 1},
		{name: "user by name", do: "GET /Users", query: `userName eq "ann"`, calls: 1},
		{name: "user by name, none", do: "GET /Users", query: `userName eq "nobody"`, calls: 1},
		{name: "user by name without quotes", do: "GET /Users", query: `userName eq 4711`, calls: 1},
		{name: "user by id", do: "GET /Users", query: `id eq "{ann}"`, calls: 1},
		{name: "user by externalId", do: "GET /Users", query: `externalId eq "x-ann"`, calls: 1},
		{name: "user by e-mail", do: "GET /Users", query: `emails.value eq "ann@example.com"`, calls: 1},
		{name: "user by work e-mail", do: "GET /Users", query: `emails[type eq "work"].value eq "ann@example.com"`, calls: 1},
		{name: "user by name and more", do: "GET /Users", query: `userName eq "ann" and active eq true`, calls: 1},
		{name: "group without members", do: "GET /Groups/{devs}?excludedAttributes=members", calls: 1},
		{name: "group by name", do: "GET /Groups?excludedAttributes=members", query: `displayName eq "devs"`, calls: 1},
		{name: "group by name, none", do: "GET /Groups", query: `displayName eq "nothing"`, calls: 1},
		{name: "group with members", do: "GET /Groups/{devs}", calls: 2},
		{name: "group with two pages of members", given: func(c *scene) { c.crowdGroup("large", 1500) }, do: "GET /Groups/n-bGFyZ2U", calls: 3},

		{name: "all users on one page", do: "GET /Users", calls: 1},
		{name: "page of users", do: "GET /Users?count=2", calls: 3},
		{name: "next page of users", given: func(c *scene) { c.do("GET", "/Users?count=1", "") }, do: "GET /Users?count=1&startIndex=2", calls: 1},
		{name: "last page of users", do: "GET /Users?count=2&startIndex=3", calls: 1},
		{name: "page of users far away", given: func(c *scene) { c.crowdGroup("large", 1500) }, do: "GET /Users?count=2&startIndex=1200", calls: 3},
		{name: "next page of users by cursor", given: func(c *scene) {
			c.cursor = c.want(200, "GET", "/Users?count=1&cursor=", "").string("nextCursor")
		}, do: "GET /Users?count=1&cursor={cursor}", calls: 1},
		{name: "page of users by cursor", do: "GET /Users?count=2&cursor=", calls: 3},
		{name: "number of users", do: "GET /Users?count=0", calls: 2},
		{name: "page of users, some deleted", given: func(c *scene) { c.do("DELETE", "/Users/"+c.bob, "") }, do: "GET /Users?count=1", calls: 3},
		{name: "user by POST", do: "POST /Users/.search", body: `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"filter":"userName eq \"ann\""}`, calls: 1},
		{name: "user by name, at the base URL", do: "GET /", query: `userName eq "ann"`, calls: 1},
		{name: "header of a user", do: "HEAD /Users/{ann}", calls: 1},

		{name: "create user", do: "POST /Users", body: `{` + userSchemas + `,"userName":"dot"}`, calls: 1},
		{name: "create user, answered with nothing and without attributes", with: crowdOption(func(o *crowdtest.Options) { o.LegacyCreate = true }), do: "POST /Users", body: `{` + userSchemas + `,"userName":"dot"}`, calls: 3},
		{name: "create user, answered without attributes", with: crowdOption(func(o *crowdtest.Options) { o.WritesOmitAttributes = true }), do: "POST /Users", body: `{` + userSchemas + `,"userName":"dot"}`, calls: 1},
		{name: "create user with a default group", with: defaults, do: "POST /Users", body: `{` + userSchemas + `,"userName":"dot"}`, calls: 4},
		{name: "create user, name taken", do: "POST /Users", body: `{` + userSchemas + `,"userName":"ann"}`, calls: 2},
		{name: "user unchanged", do: "PUT /Users/{ann}", body: annWhole + `}`, calls: 1},
		{name: "patch unchanged", do: "PATCH /Users/{ann}", body: patch(`{"op":"replace","path":"displayName","value":"Display"}`), calls: 1},
		{name: "patch of what Crowd made up, unchanged", given: func(c *scene) {
			c.ann = c.want(201, "POST", "/Users", `{`+userSchemas+`,"userName":"dot"}`).string("id")
		}, do: "PATCH /Users/{ann}", body: patch(`{"op":"replace","path":"displayName","value":"dot"}`), calls: 1},
		{name: "Crowd's field", with: keep(), do: "PATCH /Users/{ann}", body: patch(`{"op":"replace","path":"displayName","value":"Other"}`), calls: 3},
		{name: "kept data", do: "PATCH /Users/{ann}", body: patch(`{"op":"replace","path":"title","value":"Dr"}`), calls: 3},
		{name: "Crowd's field and kept data", do: "PATCH /Users/{ann}", body: patch(`{"op":"replace","path":"displayName","value":"Other"}`), calls: 4},
		{name: "deactivate", do: "PATCH /Users/{cid}", body: patch(`{"op":"replace","path":"active","value":false}`), calls: 5},
		{name: "reactivate", given: func(c *scene) {
			c.do("PATCH", "/Users/"+c.cid, patch(`{"op":"replace","path":"active","value":false}`))
		}, do: "PATCH /Users/{cid}", body: patch(`{"op":"replace","path":"active","value":true}`), calls: 4},
		{name: "delete user, deactivate", do: "DELETE /Users/{cid}", calls: 5},
		{name: "delete user, deactivate, one grant", do: "DELETE /Users/{ann}", calls: 7},
		{name: "delete user, delete", with: func(b *bridge) { b.cfg.Users.Delete = "delete" }, do: "DELETE /Users/{cid}", calls: 3},

		{name: "create group", do: "POST /Groups", body: group("ops", ""), calls: 4},
		{name: "create group mapped by rule", with: manual, do: "POST /Groups", body: group("mapped", ""), calls: 2},
		{name: "create group, name taken", do: "POST /Groups", body: group("devs", ""), calls: 1},
		{name: "rename group of nobody", given: func(c *scene) { c.group("ops") }, do: "PATCH /Groups/n-b3Bz", body: patch(`{"op":"replace","path":"displayName","value":"new"}`), calls: 9},
		{name: "rename group of one", do: "PATCH /Groups/{devs}", body: patch(`{"op":"replace","path":"displayName","value":"new"}`), calls: 12},
		{name: "delete group of nobody", given: func(c *scene) { c.group("ops") }, do: "DELETE /Groups/n-b3Bz", calls: 7},
		{name: "delete group of one", do: "DELETE /Groups/{devs}", calls: 8},
		{name: "group name unchanged", do: "PATCH /Groups/{devs}", body: patch(`{"op":"replace","path":"displayName","value":"devs"}`), calls: 1},
		{name: "add a member, its first grant", do: "PATCH /Groups/{devs}", body: member("add", "{bob}"), calls: 6},
		{name: "add a member again", do: "PATCH /Groups/{devs}", body: member("add", "{ann}"), calls: 3},
		{name: "add a member that was one", given: func(c *scene) { c.do("PATCH", "/Groups/"+c.devs, member("remove", c.ann)) }, do: "PATCH /Groups/{devs}", body: member("add", "{ann}"), calls: 5},
		{name: "remove a member", do: "PATCH /Groups/{devs}", body: patch(`{"op":"remove","path":"members[value eq \"{ann}\"]"}`), calls: 5},
		{name: "remove one whom another grant holds", with: manual, given: func(c *scene) {
			c.crowd.AddGroup(crowd.Group{Name: "target", Active: true})
			c.group("mapped", c.bob)
			c.group("also", c.bob)
		}, do: "PATCH /Groups/n-YWxzbw", body: member("remove", "{bob}"), calls: 5},
		{name: "remove one from two targets", with: twice, given: func(c *scene) {
			c.crowd.AddGroup(crowd.Group{Name: "one", Active: true})
			c.crowd.AddGroup(crowd.Group{Name: "two", Active: true})
			c.group("mapped", c.bob)
		}, do: "PATCH /Groups/n-bWFwcGVk", body: member("remove", "{bob}"), calls: 7},
		{name: "add a member, exclusive", with: exclusive, do: "PATCH /Groups/{devs}", body: member("add", "{bob}"), calls: 4},
		{name: "remove a member, exclusive", with: exclusive, do: "PATCH /Groups/{devs}", body: member("remove", "{ann}"), calls: 4},
		{name: "replace members by the same", do: "PUT /Groups/{devs}", body: group("devs", `,"members":[{"value":"{ann}"}]`), calls: 4},
		{name: "replace one of the members", do: "PUT /Groups/{devs}", body: group("devs", `,"members":[{"value":"{bob}"}]`), calls: 11},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var settings []func(*bridge)
			if test.with != nil {
				settings = append(settings, test.with)
			}
			c := &scene{bridge: newBridge(t, settings...)}
			c.ann, c.bob, c.cid = c.user("ann"), c.user("bob"), c.user("cid")
			c.devs = c.group("devs", c.ann)
			if test.given != nil {
				test.given(c)
			}
			fill := strings.NewReplacer("{ann}", c.ann, "{bob}", c.bob, "{cid}", c.cid, "{devs}", c.devs, "{cursor}", c.cursor).Replace
			method, path, _ := strings.Cut(fill(test.do), " ")
			if test.query != "" {
				joint := "?"
				if strings.Contains(path, "?") {
					joint = "&"
				}
				path += joint + "filter=" + url.QueryEscape(fill(test.query))
			}
			var a answer
			calls := c.calls(func() { a = c.do(method, path, fill(test.body)) })
			if a.status >= 500 && a.status != 501 {
				t.Fatalf("%d %s", a.status, a.text)
			}
			if len(calls) != test.calls {
				t.Errorf("%d calls, want %d:%s", len(calls), test.calls, listed(calls))
			}
		})
	}
}

// crowdGroup makes a group in Crowd, not over SCIM, with n members.
func (c *scene) crowdGroup(name string, n int) {
	c.crowd.AddGroup(crowd.Group{Name: name, Active: true})
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf("member%d", i)
		c.crowd.AddUser(crowd.User{Name: members[i], Active: true})
	}
	c.crowd.AddMember(name, members...)
}

func crowdOption(change func(*crowdtest.Options)) func(*bridge) {
	return func(b *bridge) { b.crowd.SetOptions(change) }
}

func keep(paths ...string) func(*bridge) {
	return func(b *bridge) { b.cfg.Users.Keep = scim.Keep{Paths: append([]string{}, paths...)} }
}

// defaults makes new users join a Crowd group that is there.
func defaults(b *bridge) {
	b.crowd.AddGroup(crowd.Group{Name: "staff", Active: true})
	b.engine.Groups = groups(b.t, mapping.Groups{DefaultForNewUsers: []string{"staff"}})
}

func groups(t testing.TB, g mapping.Groups) *mapping.GroupMap {
	t.Helper()
	m, err := mapping.CompileGroups(g)
	if err != nil {
		t.Fatal(err)
	}
	return m
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
