package backup_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

const patch = `{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [%]}`

// resourceOf reads what the server answered.
func resourceOf(t *testing.T, body []byte) (r struct {
	ID     string
	Active bool
	Detail string
},
) {
	t.Helper()
	if err := json.Unmarshal(body, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// A user is outside the filter, joins, leaves and joins again; kept are only mapped attributes, among which what the
// filter reads must be.
func TestUsersFilter(t *testing.T) {
	s := newSite(t, `, "users": {"filter": "title == \"Captain\"", "keep": "mapped"}`)
	const user = `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann", "active": true, "title": "%"}`
	w := s.post("/scim/okta/Users", strings.Replace(user, "%", "Guest", 1))
	if r := resourceOf(t, w.Body.Bytes()); w.Code != http.StatusForbidden || !strings.Contains(r.Detail, "users.filter") {
		t.Errorf("a guest: %d %s", w.Code, w.Body)
	}
	if names := s.crowd.UserNames(); len(names) > 0 {
		t.Errorf("Crowd has %v", names)
	}
	w = s.post("/scim/okta/Users", strings.Replace(user, "%", "Captain", 1))
	if w.Code != http.StatusCreated {
		t.Fatalf("a captain: %d %s", w.Code, w.Body)
	}
	url := "/scim/okta/Users/" + resourceOf(t, w.Body.Bytes()).ID
	for _, step := range []struct {
		about, method, body string
		active              bool
		display             string // in Crowd
	}{
		{"leaves", "PATCH", `{"op": "replace", "value": {"title": "Guest", "displayName": "Ann, guest"}}`, false, "ann"},
		{"says more", "PATCH", `{"op": "replace", "value": {"displayName": "Ann, still a guest"}}`, false, "ann"},
		{"is said to be active", "PATCH", `{"op": "replace", "path": "active", "value": true}`, false, "ann"},
		{"comes back", "PATCH", `{"op": "replace", "value": {"title": "Captain"}}`, true, "Ann, still a guest"},
		{"leaves again", "PUT", strings.Replace(user, "%", "Guest", 1), false, "Ann, still a guest"},
		{"comes back again", "PUT", strings.Replace(user, "%", "Captain", 1), true, ""},
		{"is disabled", "PATCH", `{"op": "replace", "path": "active", "value": false}`, false, ""},
		{"leaves while disabled", "PATCH", `{"op": "replace", "value": {"title": "Guest"}}`, false, ""},
		{"comes back disabled", "PATCH", `{"op": "replace", "value": {"title": "Captain"}}`, false, ""},
	} {
		body := step.body
		if step.method == http.MethodPatch {
			body = strings.Replace(patch, "%", body, 1)
		}
		if w := s.send(step.method, url, body); w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", step.about, w.Code, w.Body)
		}
		if u, _ := s.crowd.User("ann"); u.Active != step.active || u.DisplayName != step.display {
			t.Errorf("%s: Crowd has active %v, display name %q", step.about, u.Active, u.DisplayName)
		}
	}
}

// Nothing of a user outside the filter goes to Crowd but that it is inactive: no password either.
func TestUsersFilterKeepsPasswords(t *testing.T) {
	s := newSite(t, `, "users": {"filter": "title == \"Captain\"", "password": "set"}`)
	const user = `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann", "active": true, "title": "%", "password": "?"}`
	send := func(title, password string) string {
		return strings.NewReplacer("%", title, "?", password).Replace(user)
	}
	w := s.post("/scim/okta/Users", send("Captain", "first"))
	if w.Code != http.StatusCreated {
		t.Fatalf("a captain: %d %s", w.Code, w.Body)
	}
	url := "/scim/okta/Users/" + resourceOf(t, w.Body.Bytes()).ID
	for _, step := range []struct {
		title, password string
		sets            bool
	}{{"Guest", "second", false}, {"Captain", "third", true}} {
		before := len(s.crowd.Calls())
		if w := s.send(http.MethodPut, url, send(step.title, step.password)); w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", step.title, w.Code, w.Body)
		}
		sets := slices.ContainsFunc(s.crowd.Calls()[before:], func(c crowdtest.Call) bool { return c.Resource == "user/password" })
		if sets != step.sets {
			t.Errorf("%s: the password is set: %v", step.title, sets)
		}
	}
}

// A SCIM group outside the filter is taken in and fills nothing; renamed into it, it fills the Crowd group of its name.
func TestGroupsFilter(t *testing.T) {
	s := newSite(t, `, "groups": {"filter": "displayName startsWith \"crowd-\""}`)
	lea := resourceOf(t, s.post("/scim/okta/Users", ann).Body.Bytes()).ID
	w := s.post("/scim/okta/Groups", `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "devs", "members": [{"value": "`+lea+`"}]}`)
	if w.Code != http.StatusCreated {
		t.Fatalf("outside: %d %s", w.Code, w.Body)
	}
	if slices.Contains(s.crowd.GroupNames(), "devs") {
		t.Errorf("Crowd has %v", s.crowd.GroupNames())
	}
	url := "/scim/okta/Groups/" + resourceOf(t, w.Body.Bytes()).ID
	if w := s.send(http.MethodPatch, url, strings.Replace(patch, "%", `{"op": "replace", "path": "displayName", "value": "crowd-devs"}`, 1)); w.Code >= 300 {
		t.Fatalf("into the filter: %d %s", w.Code, w.Body)
	}
	if got := s.crowd.Members("crowd-devs"); !slices.Equal(got, []string{"ann"}) {
		t.Errorf("crowd-devs holds %v, want ann", got)
	}
	if w := s.send(http.MethodPatch, url, strings.Replace(patch, "%", `{"op": "replace", "path": "displayName", "value": "other"}`, 1)); w.Code >= 300 {
		t.Fatalf("out of the filter: %d %s", w.Code, w.Body)
	}
	if got := s.crowd.GroupsOf("ann"); len(got) > 0 {
		t.Errorf("ann is in %v, want none", got)
	}
}
