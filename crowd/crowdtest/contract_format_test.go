package crowdtest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// TestContract07SameInBoth asks for every kind of entity in both formats and
// compares all that they say.
func TestContract07SameInBoth(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) {
		o.NestedGroups, o.Cookie = true, crowdtest.CookieConfig{Domain: ".example.com", Secure: true}
	})
	s.srv.AddUser(crowd.User{
		Name: `o'neil <jr> & "co"`, FirstName: "日本", LastName: "é", DisplayName: "👩‍💻", Email: "x@example.com",
		Attributes: crowd.Attributes{"a<b": {"1 & 2", `"3"`}, "c": {""}},
	})
	s.srv.AddGroup(crowd.Group{Name: "r&d", Description: "<all>", Active: true, Attributes: crowd.Attributes{"team": {"red", "blue"}}})
	s.srv.AddMember("r&d", `o'neil <jr> & "co"`, "ann")
	s.srv.AddChildGroup("r&d", "devs")
	token := s.want(201, "POST", "session", `{"username":"ann","password":"ann"}`).at("token").(string)
	hook := s.want(201, "POST", "webhook", `{"endpointUrl":"https://example.com/hook"}`).at("id").(string)
	odd := with("user", "username", `o'neil <jr> & "co"`)
	for _, c := range []struct{ method, resource, body, root string }{
		{"GET", odd, "", "user"},
		{"GET", odd + "&expand=attributes", "", "user"},
		{"GET", with("user/attribute", "username", `o'neil <jr> & "co"`), "", "attributes"},
		{"GET", "group?groupname=r%26d", "", "group"},
		{"GET", "group?groupname=r%26d&expand=attributes", "", "group"},
		{"GET", "group/attribute?groupname=r%26d", "", "attributes"},
		{"GET", "group/user/direct?groupname=r%26d", "", "users"},
		{"GET", "group/user/nested?groupname=r%26d&expand=user", "", "users"},
		{"GET", "user/group/direct?username=ann", "", "groups"},
		{"GET", "user/group/nested?username=ann&expand=group", "", "groups"},
		{"GET", "group/child-group/direct?groupname=r%26d&expand=group", "", "groups"},
		{"GET", "group/parent-group/nested?groupname=devs", "", "groups"},
		{"GET", "search?entity-type=user&expand=user", "", "users"},
		{"GET", "search?entity-type=group&expand=group", "", "groups"},
		{"GET", "search?entity-type=group&restriction=name%3Dnothing", "", "groups"},
		{"GET", "group/user/direct?groupname=r%26d&username=ann", "", "user"},
		{"GET", "user/group/direct?groupname=r%26d&username=ann", "", "group"},
		{"GET", "session/" + token, "", "session"},
		{"GET", "session/" + token + "?expand=user", "", "session"},
		{"POST", "session/" + token, "{}", "session"},
		{"POST", "session", `{"username":"ann","password":"ann"}`, "session"},
		{"POST", "authentication?username=ann", `{"value":"ann"}`, "user"},
		{"POST", "user/rename?username=bob", `{"new-name":"bob"}`, "user"},
		{"PUT", "group?groupname=devs", `{"name":"devs","description":"new"}`, "group"},
		{"GET", "config/cookie", "", "cookie-config"},
		{"GET", "event", "", "events"},
		{"GET", "webhook/" + hook, "", "webhook"},
	} {
		s.accept("application/json")
		inJSON := s.call(c.method, c.resource, c.body)
		s.accept("application/xml")
		inXML := s.want(inJSON.status, c.method, c.resource, c.body)
		root := parseElement(t, inXML.body)
		if root.Name != c.root {
			t.Errorf("%s %s: the root is %s, want %s", c.method, c.resource, root.Name, c.root)
		}
		if diff := cmp.Diff(leavesOfJSON(t, inJSON.body), leavesOfXML(root)); diff != "" {
			t.Errorf("%s %s mismatch (-JSON +XML):\n%s", c.method, c.resource, diff)
		}
	}
}

// leavesOfJSON returns the members of a document that are no objects, in order,
// with times spelled as in XML.
func leavesOfJSON(t *testing.T, doc string) []string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	var leaves []string
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for member, value := range v {
				walk(member, value)
			}
		case []any:
			for _, value := range v {
				walk(name, value)
			}
		case float64:
			leaves = append(leaves, name+"="+time.UnixMilli(int64(v)).UTC().Format("2006-01-02T15:04:05.000Z"))
		default:
			leaves = append(leaves, fmt.Sprint(name, "=", v))
		}
	}
	walk("", v)
	slices.Sort(leaves)
	return leaves
}

// leavesOfXML returns the attributes and the elements with neither attributes
// nor children.
func leavesOfXML(root element) []string {
	var leaves []string
	var walk func(e element)
	walk = func(e element) {
		for name, value := range e.Attrs {
			leaves = append(leaves, name+"="+value)
		}
		for _, children := range e.Children {
			for _, c := range children {
				walk(c)
			}
		}
		if len(e.Attrs)+len(e.Children) == 0 {
			leaves = append(leaves, strings.Replace(e.Name, "value", "values", 1)+"="+e.Text)
		}
	}
	walk(root)
	slices.Sort(leaves)
	return leaves
}

// TestContract07WritesInXML makes, changes and reads everything in XML alone.
func TestContract07WritesInXML(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	s.accept("application/xml")
	s.header.Set("Content-Type", "application/xml; charset=\"UTF-8\"")
	created := s.want(201, "POST", "user", fixture(t, "user-create-request.xml"))
	read := s.want(200, "GET", "user?username=mara&expand=attributes", "")
	if diff := cmp.Diff(created.body, read.body); diff != "" {
		t.Errorf("created and read differ (-created +read):\n%s", diff)
	}
	plain := parseElement(t, s.want(200, "GET", "user?username=mara", "").body)
	if list := plain.Children["attributes"][0]; plain.Attrs["expand"] != "attributes" || len(list.Children["attribute"]) > 0 || len(list.Children["link"]) != 1 {
		t.Errorf("unexpanded user %+v", plain)
	}
	s.want(204, "PUT", "user?username=mara", strings.Replace(read.body, "<last-name>Lind", "<last-name>Berg", 1))
	s.want(201, "POST", "group", fixture(t, "group.xml"))
	changed := s.want(200, "PUT", "group?groupname=platform", `<group name="platform"><type>GROUP</type><description>new</description><active>false</active></group>`)
	if g := parseElement(t, changed.body); g.Attrs["name"] != "platform" || g.Children["description"][0].Text != "new" || g.Children["active"][0].Text != "false" {
		t.Errorf("changed group %+v", g)
	}
	s.want(204, "POST", "user/attribute?username=mara", fixture(t, "attributes-request.xml"))
	s.want(204, "POST", "group/attribute?groupname=platform", fixture(t, "attributes-request.xml"))
	s.want(201, "POST", "group/user/direct?groupname=platform", `<user name="mara"/>`)
	s.want(201, "POST", "user/group/direct?username=mara", `<group name="devs"/>`)
	s.want(201, "POST", "group/child-group/direct?groupname=platform", `<group name="devs"/>`)
	s.want(201, "POST", "group/parent-group/direct?groupname=ops", `<group name="devs"/>`)
	s.want(204, "PUT", "user/password?username=mara", fixture(t, "password-value-request.xml"))
	s.want(200, "POST", "authentication?username=mara", fixture(t, "password-value-request.xml"))
	u, _ := s.srv.User("mara")
	g, _ := s.srv.Group("platform")
	if u.LastName != "Berg" || len(u.Attributes["team"]) == 0 || len(g.Attributes["team"]) == 0 {
		t.Errorf("user %+v, group %+v", u, g)
	}
	if diff := cmp.Diff([]string{"devs", "platform"}, s.srv.GroupsOf("mara")); diff != "" {
		t.Errorf("groups mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"devs"}, s.srv.ChildGroups("platform")); diff != "" {
		t.Errorf("children mismatch (-want +got):\n%s", diff)
	}
}

// TestErrorFixtures provokes each refusal of the fixtures, whose names tell the
// status, and compares what they hold; then it does so with another status.
func TestErrorFixtures(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.EventLimit = 1 })
	s.srv.AddUser(crowd.User{Name: "off"})
	s.srv.SetPassword("off", "off")
	s.srv.AddMember("devs", "bob")
	s.srv.AddDirectory(crowdtest.Directory{Name: "closed", Denied: []crowdtest.Operation{crowdtest.RemoveUser, crowdtest.ModifyUser}})
	s.srv.In("closed").AddUser(crowd.User{Name: "locked", Active: true})
	s.srv.SetApplication(crowdtest.Application{Name: s.srv.Application, Password: s.srv.Password, Directories: []crowdtest.Mapping{
		{Directory: crowdtest.DefaultDirectory}, {Directory: "closed", Groups: []string{"nobody"}},
	}})
	s.srv.In("closed").SetPassword("locked", "locked")
	requests := map[string][3]string{
		"application-access-denied":     {"POST", "authentication?username=locked", `{"value":"locked"}`},
		"application-permission-denied": {"DELETE", "user?username=locked", ""},
		"event-token-expired":           {"GET", "event/unknown", ""},
		"expired-credential":            {"POST", "authentication?username=ann", `{"value":"ann"}`},
		"group-not-found":               {"GET", "group?groupname=nothing", ""},
		"illegal-argument":              {"GET", "search?entity-type=role", ""},
		"inactive-account":              {"POST", "authentication?username=off", `{"value":"off"}`},
		"invalid-group":                 {"POST", "group", named("devs")},
		"invalid-sso-token":             {"GET", "session/unknown", ""},
		"invalid-user-authentication":   {"POST", "authentication?username=ann", `{"value":"wrong"}`},
		"invalid-user":                  {"POST", "user", newUser("ann")},
		"membership-already-exists":     {"POST", "group/user/direct?groupname=devs", named("bob")},
		"membership-not-found":          {"DELETE", "group/user/direct?groupname=devs&username=ann", ""},
		"nested-groups-not-supported":   {"POST", "group/child-group/direct?groupname=devs", named("ops")},
		"user-not-found-400":            {"POST", "authentication?username=nobody", `{"value":"x"}`},
		"user-not-found-404":            {"GET", "user?username=nobody", ""},
	}
	s.want(204, "POST", "user/expire-all-passwords?confirm=true", "")
	files, err := filepath.Glob(filepath.Join("testdata", "fixtures", "error-*.json"))
	if err != nil || len(files) < len(requests) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "error-"), ".json")
		status, err := strconv.Atoi(name[strings.LastIndex(name, "-")+1:])
		if err != nil {
			t.Fatal(err)
		}
		r, found := requests[name]
		if !found {
			r = requests[name[:strings.LastIndex(name, "-")]]
		}
		want := answer{t: t, body: fixture(t, filepath.Base(file))}
		s.refused(status, want.reason(), r[0], r[1], r[2])
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want.object())), slices.Sorted(maps.Keys(s.call(r[0], r[1], r[2]).object()))); diff != "" {
			t.Errorf("%s: members mismatch (-want +got):\n%s", name, diff)
		}
		s.set(func(o *crowdtest.Options) {
			o.Statuses, o.BodyNotFoundStatus = map[string]int{want.reason(): 499}, 499
		})
		s.refused(499, want.reason(), r[0], r[1], r[2])
		s.set(func(o *crowdtest.Options) { o.Statuses, o.BodyNotFoundStatus = nil, 0 })
	}
	if a := (answer{t: t, body: fixture(t, "error.xml")}); a.reason() == "" {
		t.Errorf("no error entity: %s", a.body)
	}
}
