package scim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim"
)

// whole is a user with everything that a resource can have.
const whole = `{
	"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
	"externalId": "00u1", "userName": "bjensen@example.com",
	"name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara", "middleName": "Jane", "honorificPrefix": "Ms.", "honorificSuffix": "III"},
	"displayName": "Babs Jensen", "nickName": "Babs", "profileUrl": "https://login.example.com/bjensen",
	"emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}, {"value": "babs@jensen.example", "type": "home", "display": "Ünïcode 🎉"}],
	"addresses": [{"streetAddress": "100 Universal City Plaza", "locality": "Hollywood", "region": "CA", "postalCode": "91608", "country": "US", "formatted": "100 Universal City Plaza\nHollywood, CA 91608 USA", "type": "work", "primary": true}],
	"phoneNumbers": [{"value": "555-555-5555", "type": "work"}, {"value": "555-555-4444", "type": "mobile"}],
	"ims": [{"value": "someaimhandle", "type": "aim"}],
	"photos": [{"value": "https://photos.example.com/profilephoto/F", "type": "photo"}],
	"userType": "Employee", "title": "Tour Guide", "preferredLanguage": "en-US", "locale": "en-US", "timezone": "America/Los_Angeles", "active": true,
	"entitlements": [{"value": "a"}], "roles": [{"value": "{\"id\":1}", "primary": true}], "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVM="}],
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "701984", "costCenter": "4130", "organization": "Universal Studios", "division": "Theme Park", "department": "Tour Operations", "manager": {"value": "26118915"}}
}`

// sent returns a document without what the server makes of its own.
func sent(t *testing.T, text string) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	delete(doc, "id")
	delete(doc, "meta")
	delete(doc, "groups")
	return doc
}

// TestRoundTrip checks that all a user can have comes back as it was sent, from
// a server that knows nothing but what Crowd holds.
func TestRoundTrip(t *testing.T) {
	long := strings.Repeat("ünï ", 2000)
	var doc map[string]any
	if err := json.Unmarshal([]byte(whole), &doc); err != nil {
		t.Fatal(err)
	}
	doc["title"] = long
	numbers := []any{}
	for i := range 200 {
		numbers = append(numbers, map[string]any{"value": fmt.Sprintf("%d", i), "type": "work"})
	}
	doc["phoneNumbers"] = numbers
	large, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"RFC 7643 section 8.3": whole, "large": string(large)} {
		t.Run(name, func(t *testing.T) {
			b := newBridge(t)
			id := b.want(201, "POST", "/Users", text).string("id")
			b.restart()
			a := b.want(200, "GET", "/Users/"+id, "")
			if diff := cmp.Diff(sent(t, text), sent(t, a.text)); diff != "" {
				t.Errorf("GET mismatch (-sent +got):\n%s", diff)
			}
			a = b.want(200, "PUT", "/Users/"+id, a.text)
			if diff := cmp.Diff(sent(t, text), sent(t, a.text)); diff != "" {
				t.Errorf("PUT mismatch (-sent +got):\n%s", diff)
			}
		})
	}
}

// TestAnyText: any text, and any number of values, comes back as it was sent.
func TestAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newTarget(t)
		text := rapid.OneOf(rapid.StringN(1, -1, 3000), rapid.SampledFrom([]string{"\x00", "\ufeff", "\uffff", "e\u0301", "\u202e", "a\r\nb\t", " ", "  x  ", `\`, `"`, "{}", "𝄞"}))
		doc := map[string]any{"userName": "bob", "title": text.Draw(t, "title"), "nickName": text.Draw(t, "nickName"), "externalId": text.Draw(t, "externalId")}
		doc["name"] = map[string]any{"middleName": text.Draw(t, "middleName")}
		doc[enterprise] = map[string]any{"department": text.Draw(t, "department")}
		var roles []any
		for _, value := range rapid.SliceOfNDistinct(text, 1, 40, strings.ToLower).Draw(t, "roles") {
			roles = append(roles, map[string]any{"value": value, "display": text.Draw(t, "display")})
		}
		doc["roles"] = roles
		doc["schemas"] = []any{"urn:ietf:params:scim:schemas:core:2.0:User", enterprise}
		body, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		id, _ := g.decode(g.send("POST", "/Users", string(body)), "POST")["id"].(string)
		got := g.read("/Users/" + id)
		for name := range got {
			if _, ok := doc[name]; !ok {
				delete(got, name)
			}
		}
		if diff := cmp.Diff(copied(doc), any(got)); diff != "" {
			t.Fatalf("mismatch (-sent +got):\n%s", diff)
		}
	})
}

func TestMeta(t *testing.T) {
	b := newBridge(t)
	a := b.want(201, "POST", "/Users", whole)
	id := a.string("id")
	meta := a.object()["meta"].(map[string]any)
	if want := b.url + "/Users/" + id; meta["location"] != want || a.header.Get("Location") != want {
		t.Errorf("location %v, header %q, want %s", meta["location"], a.header.Get("Location"), want)
	}
	if meta["resourceType"] != "User" || meta["created"] == "" || meta["created"] != meta["lastModified"] {
		t.Errorf("meta = %v", meta)
	}
	if meta["version"] != a.header.Get("ETag") || !strings.HasPrefix(a.header.Get("ETag"), `W/"`) {
		t.Errorf("version %v, ETag %q", meta["version"], a.header.Get("ETag"))
	}
	after := b.want(200, "PATCH", "/Users/"+id, patch(`{"op":"replace","path":"title","value":"Dr"}`)).object()["meta"].(map[string]any)
	if after["created"] != meta["created"] || after["lastModified"] == meta["lastModified"] || after["version"] == meta["version"] {
		t.Errorf("after a change of data that Crowd has no field for: meta %v, before %v", after, meta)
	}
	if again := b.want(200, "GET", "/Users/"+id, "").object()["meta"]; !cmp.Equal(again, any(after)) {
		t.Errorf("GET shows meta %v, the PATCH answered %v", again, after)
	}
}

// TestUserSettings checks what each setting of Users lets through.
func TestUserSettings(t *testing.T) {
	off := new(bool)
	tests := map[string]struct {
		users  scim.Users
		setup  func(b *bridge)
		method string
		path   string // {id} is ann's
		body   string
		status int
		check  func(t *testing.T, b *bridge, a answer)
	}{
		"create off": {
			users: scim.Users{Create: off}, method: "POST", path: "/Users", body: `{` + userSchemas + `,"userName":"bob"}`, status: 403,
			check: func(t *testing.T, b *bridge, a answer) {
				if !strings.Contains(a.string("detail"), "users.create") {
					t.Errorf("detail = %q", a.string("detail"))
				}
			},
		},
		"create off, link": {
			users: scim.Users{Create: off, Existing: "link"}, method: "POST", path: "/Users",
			body: `{` + userSchemas + `,"userName":"SEED","displayName":"Linked"}`, status: 201,
			check: func(t *testing.T, b *bridge, a answer) {
				if got := b.crowdUser("seed").DisplayName; got != "Linked" {
					t.Errorf("displayName = %q", got)
				}
			},
		},
		"create off, link, unknown": {
			users: scim.Users{Create: off, Existing: "link"}, method: "POST", path: "/Users", body: `{` + userSchemas + `,"userName":"bob"}`, status: 403,
		},
		"update off, link": {
			users: scim.Users{Update: off, Existing: "link"}, method: "POST", path: "/Users",
			body: `{` + userSchemas + `,"userName":"seed","displayName":"Linked"}`, status: 201,
			check: func(t *testing.T, b *bridge, a answer) {
				if got := b.crowdUser("seed").DisplayName; got != "Seed" {
					t.Errorf("displayName = %q", got)
				}
			},
		},
		"existing conflict": {
			method: "POST", path: "/Users", body: `{` + userSchemas + `,"userName":"Seed"}`, status: 409,
			check: func(t *testing.T, b *bridge, a answer) {
				if a.string("scimType") != "uniqueness" {
					t.Errorf("scimType = %q", a.string("scimType"))
				}
			},
		},
		"update off": {
			users: scim.Users{Update: off}, method: "PUT", path: "/Users/{id}", body: `{` + userSchemas + `,"userName":"ann","displayName":"New","active":false}`, status: 200,
			check: func(t *testing.T, b *bridge, a answer) {
				if u := b.crowdUser("ann"); u.DisplayName != "Display" || u.Active || a.string("displayName") != "Display" {
					t.Errorf("Crowd has %q, active %v; the answer says %q", u.DisplayName, u.Active, a.string("displayName"))
				}
			},
		},
		"deactivate off": {
			users: scim.Users{Deactivate: off}, method: "PATCH", path: "/Users/{id}", body: patch(`{"op":"replace","value":{"active":false,"displayName":"New"}}`), status: 200,
			check: func(t *testing.T, b *bridge, a answer) {
				if u := b.crowdUser("ann"); !u.Active || u.DisplayName != "New" || a.object()["active"] != true {
					t.Errorf("active %v, displayName %q, answer %s", u.Active, u.DisplayName, a.text)
				}
			},
		},
		"reactivate off": {
			users: scim.Users{Reactivate: off}, method: "PATCH", path: "/Users/{id}", body: patch(`{"op":"replace","path":"active","value":true}`), status: 200,
			setup: func(b *bridge) {
				b.want(200, "PATCH", "/Users/"+b.want(200, "GET", filtered("/Users", `userName eq "ann"`), "").object()["Resources"].([]any)[0].(map[string]any)["id"].(string),
					patch(`{"op":"replace","path":"active","value":false}`))
			},
			check: func(t *testing.T, b *bridge, a answer) {
				if b.crowdUser("ann").Active || a.object()["active"] != false {
					t.Errorf("reactivated: %s", a.text)
				}
			},
		},
		"delete deactivates": {
			method: "DELETE", path: "/Users/{id}", status: 204,
			check: func(t *testing.T, b *bridge, _ answer) {
				if b.crowdUser("ann").Active {
					t.Error("still active")
				}
			},
		},
		"delete deletes": {
			users: scim.Users{Delete: "delete"}, method: "DELETE", path: "/Users/{id}", status: 204,
			check: func(t *testing.T, b *bridge, _ answer) {
				if _, ok := b.crowd.User("ann"); ok {
					t.Error("still there")
				}
			},
		},
		"delete keeps": {
			users: scim.Users{Delete: "keep"}, method: "DELETE", path: "/Users/{id}", status: 204,
			check: func(t *testing.T, b *bridge, _ answer) {
				if !b.crowdUser("ann").Active {
					t.Error("not active any more")
				}
			},
		},
		"password ignored": {
			method: "PATCH", path: "/Users/{id}", body: patch(`{"op":"replace","value":{"password":"t0p-Secret"}}`), status: 200,
			check: func(t *testing.T, b *bridge, a answer) {
				if _, err := b.crowd.Client(t).Authenticate(t.Context(), "ann", "t0p-Secret"); err == nil {
					t.Error("the password was set")
				}
				if strings.Contains(a.text, "t0p-Secret") {
					t.Error("the answer shows the password")
				}
			},
		},
		"password set": {
			users: scim.Users{Password: scim.SetPassword}, method: "PATCH", path: "/Users/{id}", body: patch(`{"op":"replace","value":{"password":"t0p-Secret"}}`), status: 200,
			check: func(t *testing.T, b *bridge, a answer) {
				if _, err := b.crowd.Client(t).Authenticate(t.Context(), "ann", "t0p-Secret"); err != nil {
					t.Errorf("the password was not set: %v", err)
				}
				if strings.Contains(a.text, "t0p-Secret") {
					t.Error("the answer shows the password")
				}
			},
		},
		"keep mapped": {
			users: scim.Users{Keep: scim.Keep{Mapped: true}}, method: "PUT", path: "/Users/{id}",
			body: `{` + userSchemas + `,"userName":"ann","externalId":"x","title":"Dr","name":{"givenName":"A"}}`, status: 200,
			check: func(t *testing.T, b *bridge, a answer) {
				if a.string("externalId") != "x" || a.object()["title"] != nil || b.crowdUser("ann").FirstName != "A" {
					t.Errorf("answer = %s", a.text)
				}
			},
		},
		"keep a list": {
			users: scim.Users{Keep: scim.Keep{Paths: []string{"nickName"}}}, method: "PUT", path: "/Users/{id}",
			body: `{` + userSchemas + `,"userName":"ann","externalId":"x","title":"Dr","nickName":"A"}`, status: 200,
			check: func(t *testing.T, b *bridge, a answer) {
				if a.string("externalId") != "x" || a.string("nickName") != "A" || a.object()["title"] != nil {
					t.Errorf("answer = %s", a.text)
				}
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBridge(t)
			b.crowd.AddUser(crowd.User{Name: "seed", DisplayName: "Seed", Active: true})
			id := b.user("ann")
			if test.setup != nil {
				test.setup(b)
			}
			b.cfg.Users = test.users
			b.restart()
			a := b.want(test.status, test.method, strings.ReplaceAll(test.path, "{id}", id), test.body)
			if test.check != nil {
				test.check(t, b, a)
			}
		})
	}
}

// TestPasswordNotKept looks for a password in all that Crowd holds.
func TestPasswordNotKept(t *testing.T) {
	b := newBridge(t)
	id := b.want(201, "POST", "/Users", `{`+userSchemas+`,"userName":"ann","password":"pa55-w0rd"}`).string("id")
	b.want(200, "PATCH", "/Users/"+id, patch(`{"op":"replace","path":"password","value":"pa55-w0rd2"}`))
	b.want(200, "PUT", "/Users/"+id, `{`+userSchemas+`,"userName":"ann","title":"Dr","password":"pa55-w0rd3"}`)
	var state bytes.Buffer
	if err := b.crowd.Dump(&state); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(state.String(), "ann") || strings.Contains(state.String(), "pa55") {
		t.Errorf("Crowd holds the password, or not the user:\n%s", state.String())
	}
}

func TestUsersJSON(t *testing.T) {
	for text, want := range map[string]scim.Keep{
		`"all"`: {}, `"mapped"`: {Mapped: true}, `["title","name.givenName"]`: {Paths: []string{"title", "name.givenName"}}, `[]`: {Paths: []string{}},
	} {
		var u scim.Users
		if err := json.Unmarshal([]byte(`{"keep":`+text+`}`), &u); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, u.Keep); diff != "" {
			t.Errorf("keep %s mismatch (-want +got):\n%s", text, diff)
		}
		back, err := json.Marshal(u.Keep)
		if err != nil || string(back) != text {
			t.Errorf("keep %s is written as %s, %v", text, back, err)
		}
	}
	for _, text := range []string{`"some"`, `5`, `[5]`} {
		if err := json.Unmarshal([]byte(`{"keep":`+text+`}`), &scim.Users{}); err == nil {
			t.Errorf("keep %s: no error", text)
		}
	}
	if text, err := json.Marshal(scim.Users{}); err != nil || string(text) != "{}" {
		t.Errorf("the zero value is written as %s, %v", text, err)
	}
}
