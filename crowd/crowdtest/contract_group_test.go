package crowdtest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestContract29CreateGroup(t *testing.T) {
	s := newSite(t)
	s.srv.AddDirectory(crowdtest.Directory{Name: "second"})
	s.srv.AddDirectory(crowdtest.Directory{Name: "third", Denied: []crowdtest.Operation{crowdtest.AddGroup}})
	a := s.want(201, "POST", "group", fixture(t, "group-create-request.json"))
	want := strings.ReplaceAll(fixture(t, "group-get.json"), "https://crowd.example.com/crowd", s.srv.URL)
	if diff := cmp.Diff(answer{t: t, body: want}.object(), a.object()); diff != "" {
		t.Errorf("group mismatch (-want +got):\n%s", diff)
	}
	if got := a.header.Get("Location"); got != s.srv.URL+"/rest/usermanagement/1/group?groupname=platform" {
		t.Errorf("Location %q", got)
	}
	for name, want := range map[string]bool{"Crowd": true, "second": true, "third": false} {
		if _, got := s.srv.In(name).Group("platform"); got != want {
			t.Errorf("in directory %s: %v, want %v", name, got, want)
		}
	}
	s.unchanged(func() {
		s.refused(400, "INVALID_GROUP", "POST", "group", named("Platform"))
		s.refused(400, "INVALID_GROUP", "POST", "group", `{"type":"GROUP"}`)
		s.refused(400, "ILLEGAL_ARGUMENT", "POST", "group", `{"name":"x","type":"LEGACY_ROLE"}`)
	})
	s.set(func(o *crowdtest.Options) { o.LegacyGroupCreate = true })
	if a := s.want(201, "POST", "group", named("old")); a.body != "" {
		t.Errorf("body %q, want none", a.body)
	}
}

func TestContract29GroupDefaults(t *testing.T) {
	s := newSite(t)
	s.want(201, "POST", "group", named("plain"))
	if g, _ := s.srv.Group("plain"); !g.Active {
		t.Error("a group sent without active is inactive")
	}
	s.want(201, "POST", "group", `{"name":"off","active":"false"}`)
	if g, _ := s.srv.Group("off"); g.Active {
		t.Error("an inactive group is active")
	}
	s.set(func(o *crowdtest.Options) { o.AbsentActiveGroup, o.RequireGroupType = crowdtest.AbsentFalse, true })
	s.refused(400, "ILLEGAL_ARGUMENT", "POST", "group", named("typeless"))
	s.want(201, "POST", "group", `{"name":"typed","type":"GROUP"}`)
	if g, _ := s.srv.Group("typed"); g.Active {
		t.Error("a group sent without active is active, against the option")
	}
}

func TestContract30UpdateGroup(t *testing.T) {
	s := newSite(t)
	s.want(201, "POST", "group", fixture(t, "group-create-request.json"))
	s.want(204, "POST", "group/attribute?groupname=platform", `{"attributes":[{"name":"scim:externalId","values":["g-77"]}]}`)
	a := s.want(200, "PUT", "group?groupname=PLATFORM", fixture(t, "group-create-request.json"))
	want := strings.ReplaceAll(fixture(t, "group-get-attributes.json"), "https://crowd.example.com/crowd", s.srv.URL)
	want = strings.ReplaceAll(want, "attributename=scim:", "attributename=scim%3A")
	if diff := cmp.Diff(answer{t: t, body: want}.object(), a.object()); diff != "" {
		t.Errorf("group mismatch (-want +got):\n%s", diff)
	}
	a = s.want(200, "PUT", "group?groupname=platform", `{"name":"Platform","type":"GROUP","active":false}`)
	if a.at("name") != "platform" || a.at("description") != "" || a.at("active") != false {
		t.Errorf("updated group %s", a.body)
	}
	s.unchanged(func() {
		s.refused(400, "INVALID_GROUP", "PUT", "group?groupname=platform", `{"name":"other","type":"GROUP"}`)
		s.refused(404, "GROUP_NOT_FOUND", "PUT", "group?groupname=nothing", `{"name":"nothing","type":"GROUP"}`)
		s.refused(404, "GROUP_NOT_FOUND", "GET", "group?groupname=nothing", "")
		s.refused(400, "ILLEGAL_ARGUMENT", "GET", "group", "")
	})
}

func TestContract31DeleteGroup(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	s.srv.AddGroup(crowd.Group{Name: "all"})
	s.srv.AddMember("devs", "ann")
	s.srv.AddChildGroup("all", "devs")
	s.srv.AddChildGroup("devs", "ops")
	s.want(204, "DELETE", "group?groupname=Devs", "")
	s.refused(404, "GROUP_NOT_FOUND", "DELETE", "group?groupname=devs", "")
	if diff := cmp.Diff([]string{"all", "ops"}, s.srv.GroupNames()); diff != "" {
		t.Errorf("groups mismatch (-want +got):\n%s", diff)
	}
	if got := s.srv.GroupsOf("ann"); len(got) > 0 {
		t.Errorf("ann is in %v", got)
	}
	if got := s.srv.ChildGroups("all"); len(got) > 0 {
		t.Errorf("all has children %v", got)
	}
	if got := s.list("group/parent-group/direct?groupname=ops"); got != "" {
		t.Errorf("ops has parents %s", got)
	}
}

func TestContract32GroupAttributes(t *testing.T) {
	s := newSite(t)
	get := func() map[string][]string {
		return attributes(t, s.want(200, "GET", "group/attribute?groupname=DEVS", "").at("attributes"))
	}
	s.want(204, "POST", "group/attribute?groupname=devs", fixture(t, "attributes-request.json"))
	s.want(204, "POST", "group/attribute?groupname=devs", `{"attributes":[{"name":"team","values":["green"]}]}`)
	want := map[string][]string{"team": {"green"}, "scim:externalId": {"e-1001"}}
	if diff := cmp.Diff(want, get()); diff != "" {
		t.Errorf("attributes mismatch (-want +got):\n%s", diff)
	}
	s.want(204, "DELETE", "group/attribute?groupname=devs&attributename=team", "")
	delete(want, "team")
	if diff := cmp.Diff(want, get()); diff != "" {
		t.Errorf("attributes mismatch (-want +got):\n%s", diff)
	}
	s.want(204, "DELETE", "group/attribute?groupname=devs&attributename=team", "")
	s.set(func(o *crowdtest.Options) { o.MissingAttribute404 = true })
	s.want(404, "DELETE", "group/attribute?groupname=devs&attributename=team", "")
	s.refused(404, "GROUP_NOT_FOUND", "GET", "group/attribute?groupname=nothing", "")
	s.refused(404, "GROUP_NOT_FOUND", "POST", "group/attribute?groupname=nothing", fixture(t, "attributes-request.json"))
}

// TestContract32AsOfUsers makes requests about the attributes of a user and of
// a group, and compares the answers.
func TestContract32AsOfUsers(t *testing.T) {
	s := newSite(t)
	long := strings.Repeat("ä", 256)
	for _, keeps := range []bool{false, true} {
		s.set(func(o *crowdtest.Options) { o.KeepOnEmptyValues = keeps })
		for _, body := range []string{
			`{"attributes":[{"name":"a","values":["` + long + `"]},{"name":"A","values":["1","1","2"]}]}`,
			`{"attributes":[{"name":"a","values":[]}]}`,
			`{"attributes":[{"name":"","values":["x"]}]}`,
			`{"attributes":"x"}`,
			`{"attributes":[]}`,
			`{}`,
		} {
			user := s.call("POST", "user/attribute?username=ann", body)
			group := s.call("POST", "group/attribute?groupname=devs", body)
			if user.status != group.status || user.body != group.body {
				t.Errorf("%s: user %d %s, group %d %s", body, user.status, user.body, group.status, group.body)
			}
			u, _ := s.srv.User("ann")
			g, _ := s.srv.Group("devs")
			for name := range u.Attributes {
				if name != "a" && name != "A" {
					delete(u.Attributes, name) // Crowd's own, which groups do not have
				}
			}
			if diff := cmp.Diff(u.Attributes, g.Attributes); diff != "" {
				t.Errorf("%s mismatch (-user +group):\n%s", body, diff)
			}
		}
	}
}
