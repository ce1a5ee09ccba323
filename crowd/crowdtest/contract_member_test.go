package crowdtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestContract33AddMember(t *testing.T) {
	s := newSite(t)
	routes := []struct{ resource, body string }{
		{"user/group/direct?username=ANN", named("Devs")},
		{"group/user/direct?groupname=Devs", named("ANN")},
	}
	for i, r := range routes {
		s.want(201, "POST", r.resource, r.body)
		if diff := cmp.Diff([]string{"ann"}, s.srv.Members("devs")); diff != "" {
			t.Errorf("members mismatch (-want +got):\n%s", diff)
		}
		s.unchanged(func() {
			s.refused(409, "MEMBERSHIP_ALREADY_EXISTS", "POST", r.resource, r.body)
			other := routes[1-i]
			s.refused(409, "MEMBERSHIP_ALREADY_EXISTS", "POST", other.resource, other.body)
		})
		s.want(204, "DELETE", "group/user/direct?groupname=devs&username=ann", "")
	}
	s.header.Set("Content-Type", "application/xml")
	s.want(201, "POST", "group/user/direct?groupname=devs", `<user name="ann"/>`)
}

func TestContract34AddUnknown(t *testing.T) {
	s := newSite(t)
	s.unchanged(func() {
		s.refused(400, "GROUP_NOT_FOUND", "POST", "user/group/direct?username=ann", named("nothing"))
		s.refused(400, "USER_NOT_FOUND", "POST", "group/user/direct?groupname=devs", named("nobody"))
		s.refused(404, "USER_NOT_FOUND", "POST", "user/group/direct?username=nobody", named("devs"))
		s.refused(404, "GROUP_NOT_FOUND", "POST", "group/user/direct?groupname=nothing", named("ann"))
		s.refused(400, "GROUP_NOT_FOUND", "POST", "group/child-group/direct?groupname=devs", named("nothing"))
		s.refused(404, "GROUP_NOT_FOUND", "POST", "group/parent-group/direct?groupname=nothing", named("devs"))
		s.refused(400, "ILLEGAL_ARGUMENT", "POST", "group/user/direct?groupname=devs", `{}`)
		s.set(func(o *crowdtest.Options) { o.BodyNotFoundStatus = 404 })
		s.refused(404, "USER_NOT_FOUND", "POST", "group/user/direct?groupname=devs", named("nobody"))
	})
}

func TestContract35ContentTypeOfEmptyBody(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	for _, c := range []struct{ resource, body, undo string }{
		{"group/user/direct?groupname=devs", named("ann"), "group/user/direct?groupname=devs&username=ann"},
		{"user/group/direct?username=ann", named("devs"), "user/group/direct?groupname=devs&username=ann"},
		{"group/child-group/direct?groupname=devs", named("ops"), "group/child-group/direct?groupname=devs&child-groupname=ops"},
		{"group/parent-group/direct?groupname=ops", named("devs"), "group/child-group/direct?groupname=devs&child-groupname=ops"},
	} {
		for _, media := range []string{"application/json", "application/xml"} {
			s.accept(media)
			a := s.want(201, "POST", c.resource, c.body)
			if a.body != "" || a.header.Get("Content-Type") != media {
				t.Errorf("%s: body %q of type %q, want none of %s", c.resource, a.body, a.header.Get("Content-Type"), media)
			}
			s.want(204, "DELETE", c.undo, "")
		}
	}
}

func TestContract36RemoveMember(t *testing.T) {
	s := newSite(t)
	for _, resource := range []string{"user/group/direct", "group/user/direct"} {
		s.srv.AddMember("devs", "ann")
		s.want(204, "DELETE", resource+"?username=Ann&groupname=Devs", "")
		s.refused(404, "MEMBERSHIP_NOT_FOUND", "DELETE", resource+"?username=ann&groupname=devs", "")
		s.refused(404, "USER_NOT_FOUND", "DELETE", resource+"?username=nobody&groupname=devs", "")
		s.refused(404, "GROUP_NOT_FOUND", "DELETE", resource+"?username=ann&groupname=nothing", "")
	}
}

func TestContract37TestMembership(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	s.srv.AddMember("ops", "ann")
	s.srv.AddChildGroup("devs", "ops")
	for _, c := range []struct {
		resource, query string
		want            string
	}{
		{"user/group/direct", "username=ann&groupname=OPS", "ops"},
		{"user/group/direct", "username=ann&groupname=devs", ""},
		{"user/group/nested", "username=ann&groupname=devs", "devs"},
		{"user/group/nested", "username=bob&groupname=devs", ""},
		{"group/user/direct", "username=ANN&groupname=ops", "ann"},
		{"group/user/direct", "username=ann&groupname=devs", ""},
		{"group/user/nested", "username=ann&groupname=devs", "ann"},
		{"group/child-group/direct", "groupname=devs&child-groupname=ops", "ops"},
		{"group/child-group/direct", "groupname=ops&child-groupname=devs", ""},
		{"group/parent-group/direct", "groupname=ops&parent-groupname=devs", "devs"},
		{"group/parent-group/nested", "groupname=ops&parent-groupname=devs", "devs"},
		{"user/group/direct", "username=nobody&groupname=devs", ""},
		{"group/user/direct", "username=ann&groupname=nothing", ""},
	} {
		if c.want == "" {
			s.refused(404, "MEMBERSHIP_NOT_FOUND", "GET", c.resource+"?"+c.query, "")
			continue
		}
		if got := s.want(200, "GET", c.resource+"?"+c.query, "").at("name"); got != c.want {
			t.Errorf("%s?%s: %v, want %s", c.resource, c.query, got, c.want)
		}
	}
}

func TestContract38Lists(t *testing.T) {
	s := newSite(t)
	s.srv.AddUser(crowd.User{Name: "mara"}, crowd.User{Name: "o'neil jr"})
	s.srv.AddGroup(crowd.Group{Name: "platform"}, crowd.Group{Name: "r&d/eu"})
	s.srv.AddMember("platform", "mara", "o'neil jr")
	s.srv.AddMember("r&d/eu", "mara")
	compare := func(file, resource string) {
		t.Helper()
		want := strings.ReplaceAll(fixture(t, file), "https://crowd.example.com/crowd", s.srv.URL)
		got := s.want(200, "GET", resource, "")
		if diff := cmp.Diff(answer{t: t, body: want}.object(), got.object()); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", resource, diff)
		}
	}
	compare("users-names.json", "group/user/direct?groupname=platform")
	compare("users-names.json", "group/user/direct?groupname=platform&expand=none")
	compare("groups-names.json", "user/group/direct?username=mara")
	compare("users-empty.json", "search?entity-type=user&restriction=name=nobody")
	compare("groups-empty.json", "user/group/direct?username=ann")
	s.want(204, "DELETE", "user?username=mara", "")
	s.want(201, "POST", "user", fixture(t, "user-create-request.json"))
	u, _ := s.srv.User("mara")
	s.srv.AddMember("r&d/eu", "mara")
	a := s.want(200, "GET", with("group/user/direct", "groupname", "r&d/eu", "expand", "user"), "")
	want := strings.NewReplacer("https://crowd.example.com/crowd", s.srv.URL, "32769:6f1c2a94-0f0b-4d53-9f3e-1f0c6c1f7a20", u.Key).
		Replace(fixture(t, "users-expanded.json"))
	if diff := cmp.Diff(answer{t: t, body: want}.object(), a.object()); diff != "" {
		t.Errorf("expanded users mismatch (-want +got):\n%s", diff)
	}
	s.srv.AddGroup(crowd.Group{Name: "wide", Description: "all of us", Active: true})
	s.srv.AddMember("wide", "ann")
	whole := s.want(200, "GET", "user/group/direct?username=ann&expand=group", "").at("groups").([]any)[0].(map[string]any)
	single := s.want(200, "GET", "group?groupname=wide", "").object()
	if diff := cmp.Diff(single, whole); diff != "" {
		t.Errorf("expanded group mismatch (-alone +in a list):\n%s", diff)
	}
	s.accept("application/xml")
	wantXML := parseElement(t, strings.ReplaceAll(fixture(t, "users.xml"), "https://crowd.example.com/crowd", s.srv.URL))
	gotXML := parseElement(t, s.want(200, "GET", with("group/user/direct", "groupname", "r&d/eu"), "").body)
	if diff := cmp.Diff(wantXML, gotXML); diff != "" {
		t.Errorf("users in XML mismatch (-want +got):\n%s", diff)
	}
}

func TestContract39Paging(t *testing.T) {
	s := newSite(t)
	for i := range 1005 {
		name := fmt.Sprintf("u%04d", i)
		s.srv.AddUser(crowd.User{Name: name})
		s.srv.AddMember("devs", name)
	}
	for _, c := range []struct {
		page        string
		first, size int
	}{
		{"", 0, 1000},
		{"&max-results=-1", 0, 1005},
		{"&max-results=99999", 0, 1005},
		{"&start-index=1000", 1000, 5},
		{"&start-index=3&max-results=2", 3, 2},
		{"&start-index=5000", 0, 0},
		{"&max-results=0", 0, 0},
	} {
		a := s.want(200, "GET", "group/user/direct?groupname=devs"+c.page, "")
		names := strings.Fields(a.names())
		if len(names) != c.size || c.size > 0 && names[0] != fmt.Sprintf("u%04d", c.first) {
			t.Errorf("%q: %d names from %v, want %d from %d", c.page, len(names), names[:min(1, len(names))], c.size, c.first)
		}
		if diff := cmp.Diff(2, len(a.object())); diff != "" {
			t.Errorf("%q: members besides expand and users", c.page)
		}
	}
	for _, resource := range []string{"search?entity-type=user", "user/group/direct?username=ann", "group/child-group/direct?groupname=devs", "group/parent-group/nested?groupname=devs"} {
		if got := s.list(resource + "&start-index=5000"); got != "" {
			t.Errorf("%s beyond the end: %s", resource, got)
		}
		s.refused(400, "ILLEGAL_ARGUMENT", "GET", resource+"&max-results=many", "")
	}
}

func TestContract40Order(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"b2", "B1", "a", "Z", "b10"} {
		s.srv.AddUser(crowd.User{Name: name})
		s.srv.AddMember("devs", name)
	}
	var paged []string
	for i := range 6 {
		paged = append(paged, strings.Fields(s.list(fmt.Sprintf("group/user/direct?groupname=devs&start-index=%d&max-results=1", i)))...)
	}
	if diff := cmp.Diff([]string{"a", "B1", "b10", "b2", "Z"}, paged); diff != "" {
		t.Errorf("order mismatch (-want +got):\n%s", diff)
	}
}

func TestContract41UnknownInList(t *testing.T) {
	s := newSite(t)
	lists := map[string]string{
		"user/group/direct?username=nobody": "USER_NOT_FOUND", "user/group/nested?username=nobody": "USER_NOT_FOUND",
		"group/user/direct?groupname=nothing": "GROUP_NOT_FOUND", "group/user/nested?groupname=nothing": "GROUP_NOT_FOUND",
		"group/child-group/direct?groupname=nothing": "GROUP_NOT_FOUND", "group/parent-group/nested?groupname=nothing": "GROUP_NOT_FOUND",
	}
	for resource, reason := range lists {
		s.refused(404, reason, "GET", resource, "")
	}
	for _, change := range []func(o *crowdtest.Options){
		func(o *crowdtest.Options) { o.EmptyListForUnknown = true },
		func(o *crowdtest.Options) { o.EmptyListForUnknown, o.Version = false, "2.8.2" },
	} {
		s.set(change)
		for resource := range lists {
			if got := s.list(resource); got != "" {
				t.Errorf("%s: %s", resource, got)
			}
		}
	}
}

func TestContract42NestedSwitch(t *testing.T) {
	s := newSite(t)
	s.unchanged(func() {
		s.refused(400, "NESTED_GROUPS_NOT_SUPPORTED", "POST", "group/child-group/direct?groupname=devs", named("ops"))
		s.refused(400, "NESTED_GROUPS_NOT_SUPPORTED", "POST", "group/parent-group/direct?groupname=ops", named("devs"))
	})
	s.srv.SetDirectory("", func(d *crowdtest.Directory) { d.NestedGroups = true })
	for _, c := range []struct{ resource, body string }{
		{"group/child-group/direct?groupname=Devs", named("OPS")},
		{"group/parent-group/direct?groupname=ops", named("devs")},
	} {
		s.want(201, "POST", c.resource, c.body)
		s.refused(409, "MEMBERSHIP_ALREADY_EXISTS", "POST", "group/parent-group/direct?groupname=ops", named("devs"))
		if got := s.list("group/child-group/direct?groupname=devs"); got != "ops" {
			t.Errorf("children %q", got)
		}
		if got := s.list("group/parent-group/direct?groupname=ops"); got != "devs" {
			t.Errorf("parents %q", got)
		}
		s.want(204, "DELETE", "group/child-group/direct?groupname=devs&child-groupname=OPS", "")
		s.refused(404, "MEMBERSHIP_NOT_FOUND", "DELETE", "group/child-group/direct?groupname=devs&child-groupname=ops", "")
	}
	s.refused(400, "INVALID_MEMBERSHIP", "POST", "group/child-group/direct?groupname=devs", named("Devs"))
	s.refused(404, "GROUP_NOT_FOUND", "DELETE", "group/child-group/direct?groupname=devs&child-groupname=nothing", "")
}

func TestContract43NestedLists(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	s.srv.AddGroup(crowd.Group{Name: "g1"}, crowd.Group{Name: "g2"}, crowd.Group{Name: "g3"})
	s.srv.AddMember("g1", "ann")
	s.srv.AddMember("g2", "ann", "bob")
	s.srv.AddMember("g3", "bob")
	for _, pair := range [][2]string{{"g1", "g2"}, {"g2", "g3"}, {"g1", "g3"}, {"g3", "g1"}} {
		s.want(201, "POST", "group/child-group/direct?groupname="+pair[0], named(pair[1]))
	}
	lists := map[string]string{
		"group/child-group/nested?groupname=g1":                            "g2 g3",
		"group/parent-group/nested?groupname=g1":                           "g2 g3",
		"group/user/nested?groupname=g1":                                   "ann bob",
		"user/group/nested?username=bob":                                   "g1 g2 g3",
		"user/group/direct?username=bob":                                   "g2 g3",
		"group/child-group/direct?groupname=g1":                            "g2 g3",
		"group/user/direct?groupname=g3":                                   "bob",
		"group/user/nested?groupname=g1&start-index=1":                     "bob",
		"group/child-group/nested?groupname=g1&start-index=1":              "g3",
		"user/group/nested?username=bob&start-index=1&max-results=1":       "g2",
		"group/parent-group/nested?groupname=g1&start-index=1&expand=none": "g3",
	}
	for resource, want := range lists {
		if got := s.list(resource); got != want {
			t.Errorf("%s: %q, want %q", resource, got, want)
		}
	}
	s.set(func(o *crowdtest.Options) { o.RefuseCycles = true })
	s.refused(400, "INVALID_MEMBERSHIP", "POST", "group/child-group/direct?groupname=g3", named("g2"))
	s.set(func(o *crowdtest.Options) { o.NestedGroups = false })
	for direct, want := range map[string]string{
		"group/child-group/nested?groupname=g1": "g2 g3", "group/user/nested?groupname=g1": "ann", "user/group/nested?username=bob": "g2 g3",
	} {
		if got := s.list(direct); got != want {
			t.Errorf("nesting off, %s: %q, want %q", direct, got, want)
		}
	}
}

func TestContract44MembershipDump(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{"devs", "ops"} {
		s.want(204, "DELETE", "group?groupname="+name, "")
	}
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	s.srv.AddUser(crowd.User{Name: "mara"}, crowd.User{Name: "o'neil jr"})
	s.srv.AddGroup(crowd.Group{Name: "platform"}, crowd.Group{Name: "r&d/eu"})
	s.srv.AddMember("platform", "mara", "o'neil jr")
	s.srv.AddChildGroup("platform", "r&d/eu")
	s.accept("application/xml")
	a := s.want(200, "GET", "group/membership", "")
	if diff := cmp.Diff(parseElement(t, fixture(t, "memberships.xml")), parseElement(t, a.body)); diff != "" {
		t.Errorf("dump mismatch (-want +got):\n%s", diff)
	}
	s.accept("application/json")
	s.want(406, "GET", "group/membership", "")
	s.accept("application/json, application/xml;q=0.5")
	s.want(200, "GET", "group/membership", "")
	s.accept("application/json")
	s.set(func(o *crowdtest.Options) { o.DumpForJSON = true })
	if got := s.want(200, "GET", "group/membership", ""); got.body != a.body || got.header.Get("Content-Type") != "application/xml" {
		t.Errorf("dump for JSON: %s %s", got.header.Get("Content-Type"), got.body)
	}
	s.set(func(o *crowdtest.Options) { o.NoMembershipDump = true })
	s.want(404, "GET", "group/membership", "")
	s.set(func(o *crowdtest.Options) { o.NoMembershipDump, o.Version = false, "2.1" })
	s.want(404, "GET", "group/membership", "")
}

// TestContract44DirectOnly dumps a group whose members are in a child group.
func TestContract44DirectOnly(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	s.srv.AddGroup(crowd.Group{Name: "all"})
	s.srv.AddMember("ops", "ann")
	s.srv.AddChildGroup("all", "devs")
	s.srv.AddChildGroup("devs", "ops")
	s.accept("application/xml")
	want := parseElement(t, `<memberships>
		<membership group="all"><users/><groups><group name="devs"/></groups></membership>
		<membership group="devs"><users/><groups><group name="ops"/></groups></membership>
		<membership group="ops"><users><user name="ann"/></users><groups/></membership>
	</memberships>`)
	if diff := cmp.Diff(want, parseElement(t, s.want(200, "GET", "group/membership", "").body)); diff != "" {
		t.Errorf("dump mismatch (-want +got):\n%s", diff)
	}
}

// TestContract44LongDump has groups and members that do not fit into one part
// of the answer.
func TestContract44LongDump(t *testing.T) {
	s := newSite(t)
	want := map[string]int{"devs": 0, "ops": 0}
	for g := range 40 {
		group := fmt.Sprintf("group-%02d-%s", g, strings.Repeat("x", 200))
		s.srv.AddGroup(crowd.Group{Name: group})
		want[group] = 0
	}
	for i := range 2000 {
		name := fmt.Sprintf("user-%04d", i)
		s.srv.AddUser(crowd.User{Name: name})
		s.srv.AddMember("devs", name)
		s.srv.AddMember("ops", name)
	}
	want["devs"], want["ops"] = 2000, 2000
	s.accept("application/xml")
	got := map[string]int{}
	for _, m := range parseElement(t, s.want(200, "GET", "group/membership", "").body).Children["membership"] {
		got[m.Attrs["group"]] = len(m.Children["users"][0].Children["user"])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("members per group mismatch (-want +got):\n%s", diff)
	}
}
