package crowdtest_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestContract51Permissions(t *testing.T) {
	for op, c := range map[crowdtest.Operation]struct {
		method, resource, body string
		ok                     int
	}{
		crowdtest.AddUser:               {"POST", "user", newUser("eve"), 201},
		crowdtest.ModifyUser:            {"PUT", "user?username=ann", `{"name":"ann","email":"ann@example.com"}`, 204},
		crowdtest.RemoveUser:            {"DELETE", "user?username=ann", "", 204},
		crowdtest.ModifyUserAttributes:  {"POST", "user/attribute?username=ann", `{"attributes":[{"name":"a","values":["b"]}]}`, 204},
		crowdtest.AddGroup:              {"POST", "group", named("platform"), 201},
		crowdtest.ModifyGroup:           {"POST", "group/user/direct?groupname=devs", named("ann"), 201},
		crowdtest.RemoveGroup:           {"DELETE", "group?groupname=devs", "", 204},
		crowdtest.ModifyGroupAttributes: {"POST", "group/attribute?groupname=devs", `{"attributes":[{"name":"a","values":["b"]}]}`, 204},
	} {
		t.Run(string(op), func(t *testing.T) {
			s := newSite(t)
			denied := []crowdtest.Operation{op}
			mapping := func(denied []crowdtest.Operation) {
				s.srv.SetApplication(crowdtest.Application{
					Name: s.srv.Application, Password: s.srv.Password,
					Directories: []crowdtest.Mapping{{Directory: crowdtest.DefaultDirectory, Denied: denied}},
				})
			}
			refused := func() {
				t.Helper()
				s.unchanged(func() { s.refused(403, "APPLICATION_PERMISSION_DENIED", c.method, c.resource, c.body) })
			}
			mapping(denied)
			refused()
			mapping(nil)
			s.srv.SetDirectory("", func(d *crowdtest.Directory) { d.Denied = denied })
			refused()
			s.srv.SetDirectory("", func(d *crowdtest.Directory) { d.Denied = nil })
			s.want(c.ok, c.method, c.resource, c.body)
		})
	}
}

func TestContract51OtherWrites(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	s.srv.AddMember("devs", "ann")
	s.srv.AddChildGroup("devs", "ops")
	s.srv.SetDirectory("", func(d *crowdtest.Directory) {
		d.Denied = []crowdtest.Operation{crowdtest.ModifyUser, crowdtest.ModifyGroup, crowdtest.ModifyUserAttributes, crowdtest.ModifyGroupAttributes}
	})
	s.unchanged(func() {
		for _, c := range []struct{ method, resource, body string }{
			{"POST", "user/rename?username=ann", `{"new-name":"zoe"}`},
			{"PUT", "user/password?username=ann", `{"value":"x"}`},
			{"DELETE", "user/password?username=ann", ""},
			{"POST", "user/expire-all-passwords?confirm=true", ""},
			{"DELETE", "user/attribute?username=ann&attributename=requiresPasswordChange", ""},
			{"DELETE", "group/attribute?groupname=devs&attributename=a", ""},
			{"PUT", "group?groupname=devs", named("devs")},
			{"DELETE", "group/user/direct?groupname=devs&username=ann", ""},
			{"POST", "user/group/direct?username=bob", named("devs")},
			{"POST", "group/child-group/direct?groupname=ops", named("devs")},
			{"DELETE", "group/child-group/direct?groupname=devs&child-groupname=ops", ""},
		} {
			s.refused(403, "APPLICATION_PERMISSION_DENIED", c.method, c.resource, c.body)
		}
	})
}

// twoDirectories has the user both in two directories, of which the second is
// masked, and the group shared in both.
func twoDirectories(t *testing.T) *site {
	s := newSite(t)
	s.srv.Reset()
	s.srv.AddDirectory(crowdtest.Directory{Name: "second"})
	first, second := s.srv.In(""), s.srv.In("second")
	first.AddUser(crowd.User{Name: "both", Email: "first@example.com"}, crowd.User{Name: "one"})
	second.AddUser(crowd.User{Name: "BOTH", Email: "second@example.com"}, crowd.User{Name: "two"})
	first.AddGroup(crowd.Group{Name: "shared", Description: "first"}, crowd.Group{Name: "only1"})
	second.AddGroup(crowd.Group{Name: "Shared", Description: "second"}, crowd.Group{Name: "only2"})
	first.AddMember("shared", "one")
	second.AddMember("shared", "two", "both")
	second.AddMember("only2", "both")
	return s
}

func TestContract52TwoDirectories(t *testing.T) {
	s := twoDirectories(t)
	if got := s.want(200, "GET", "user?username=both", "").at("email"); got != "first@example.com" {
		t.Errorf("both is %v, want that of the first directory", got)
	}
	if got := s.want(200, "GET", "group?groupname=SHARED", "").at("description"); got != "first" {
		t.Errorf("shared is %v, want that of the first directory", got)
	}
	lists := func(want map[string]string) {
		t.Helper()
		for resource, names := range want {
			if got := s.list(resource); got != names {
				t.Errorf("%s: %q, want %q", resource, got, names)
			}
		}
	}
	lists(map[string]string{
		"search?entity-type=user":                                                "both one two",
		"search?entity-type=user&start-index=1&max-results=1":                    "one",
		"search?entity-type=group":                                               "only1 only2 shared",
		"search?entity-type=user&restriction=email%3Dsecond%40example.com":       "",
		"user/group/direct?username=both":                                        "",
		"group/user/direct?groupname=shared":                                     "BOTH one two",
		"group/user/direct?groupname=shared&start-index=1":                       "one two",
		"user/group/direct?username=two":                                         "Shared",
		"search?entity-type=user&restriction=name%3Dboth%20or%20name%3D%22t*%22": "both two",
	})
	s.refused(404, "MEMBERSHIP_NOT_FOUND", "GET", "user/group/direct?username=both&groupname=only2", "")
	s.set(func(o *crowdtest.Options) { o.HideMasked = true })
	lists(map[string]string{"group/user/direct?groupname=shared": "one two"})
	s.srv.SetApplication(crowdtest.Application{Name: s.srv.Application, Password: s.srv.Password, Aggregate: true})
	lists(map[string]string{
		"user/group/direct?username=both":    "only2 Shared",
		"user/group/nested?username=both":    "only2 Shared",
		"group/user/direct?groupname=shared": "BOTH one two",
	})
	s.want(200, "GET", "user/group/direct?username=both&groupname=only2", "")
}

func TestContract52Writes(t *testing.T) {
	s := twoDirectories(t)
	s.set(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	s.want(204, "PUT", "user?username=both", `{"name":"both","email":"new@example.com"}`)
	if u, _ := s.srv.In("second").User("both"); u.Email != "second@example.com" {
		t.Errorf("the masked user has e-mail %s", u.Email)
	}
	s.want(200, "PUT", "group?groupname=shared", `{"name":"shared","description":"new"}`)
	for _, d := range []string{"Crowd", "second"} {
		if g, _ := s.srv.In(d).Group("shared"); g.Description != "new" {
			t.Errorf("in %s: description %q", d, g.Description)
		}
	}
	s.srv.SetDirectory("second", func(d *crowdtest.Directory) { d.Denied = []crowdtest.Operation{crowdtest.RemoveGroup} })
	s.want(204, "DELETE", "group?groupname=shared", "")
	if _, found := s.srv.In("second").Group("shared"); !found {
		t.Error("the group is gone where its removal is denied")
	}
	s.refused(403, "APPLICATION_PERMISSION_DENIED", "DELETE", "group?groupname=shared", "")
	s.want(204, "DELETE", "user?username=both", "")
	if got := s.want(200, "GET", "user?username=both", "").at("name"); got != "BOTH" {
		t.Errorf("unmasked user %v", got)
	}
}

func TestContract52GroupElsewhere(t *testing.T) {
	s := twoDirectories(t)
	s.refused(404, "GROUP_NOT_FOUND", "POST", "group/user/direct?groupname=only2", named("one"))
	s.refused(400, "GROUP_NOT_FOUND", "POST", "user/group/direct?username=one", named("only2"))
	s.set(func(o *crowdtest.Options) { o.CreateGroupOnAdd = true })
	s.want(201, "POST", "group/user/direct?groupname=only2", named("one"))
	if diff := cmp.Diff([]string{"one"}, s.srv.Members("only2")); diff != "" {
		t.Errorf("members mismatch (-want +got):\n%s", diff)
	}
}

func TestContract52Mapping(t *testing.T) {
	s := twoDirectories(t)
	s.srv.SetApplication(crowdtest.Application{
		Name: s.srv.Application, Password: s.srv.Password, Directories: []crowdtest.Mapping{{Directory: "second"}, {Directory: "Crowd"}},
	})
	if got := s.want(200, "GET", "user?username=both", "").at("name"); got != "BOTH" {
		t.Errorf("both is %v, want that of the second directory", got)
	}
	s.srv.SetDirectory("second", func(d *crowdtest.Directory) { d.Inactive = true })
	if got := s.list("search?entity-type=user"); got != "both one" {
		t.Errorf("users without the inactive directory: %s", got)
	}
}

func TestContract53RateLimit(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) {
		o.RateLimit = &crowdtest.RateLimit{Limit: 2, FillRate: 1, Interval: 10 * time.Second}
	})
	check := func(status, remaining, wait int) {
		t.Helper()
		a := s.want(status, "GET", "user?username=ann", "")
		want := map[string]string{
			"X-RateLimit-Limit": "2", "X-RateLimit-Remaining": strconv.Itoa(remaining), "X-RateLimit-Interval-Seconds": "10",
			"X-RateLimit-FillRate": "1", "Retry-After": strconv.Itoa(wait),
		}
		got := map[string]string{}
		for name := range want {
			got[name] = a.header.Get(name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers mismatch (-want +got):\n%s", diff)
		}
	}
	check(200, 1, 0)
	check(200, 0, 0)
	check(429, 0, 10)
	s.now = s.now.Add(5 * time.Second)
	check(429, 0, 5)
	s.now = s.now.Add(5 * time.Second)
	check(200, 0, 0)
	s.now = s.now.Add(time.Hour)
	check(200, 1, 0)
}

func TestContract65LowerCase(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	s.srv.AddUser(crowd.User{Name: "MARA", Active: true})
	s.srv.SetPassword("mara", "x")
	s.srv.AddGroup(crowd.Group{Name: "PLATFORM"}, crowd.Group{Name: "CHILD"})
	s.srv.AddMember("platform", "mara")
	s.srv.AddChildGroup("platform", "child")
	start := s.want(200, "GET", "event", "").at("newEventToken").(string)
	s.want(204, "POST", "user/attribute?username=mara", `{"attributes":[{"name":"Team","values":["RED"]}]}`)
	app := crowdtest.Application{Name: "lower", Password: "p", LowerCaseOutput: true}
	s.srv.SetApplication(app)
	bodies := func() string {
		var all strings.Builder
		for _, resource := range []string{
			"user?username=mara", "user/attribute?username=MARA", "group?groupname=Platform", "group/user/direct?groupname=platform",
			"user/group/nested?username=mara", "group/child-group/direct?groupname=platform", "group/parent-group/direct?groupname=child",
			"search?entity-type=user&expand=user", "search?entity-type=group", "group/membership", "event/" + start,
		} {
			for _, media := range []string{"application/xml", "application/json"} {
				r := s.request("GET", resource, "")
				r.Header.Set("Accept", media)
				r.SetBasicAuth("lower", "p")
				all.WriteString(s.send(r).body)
			}
		}
		for _, w := range []struct{ method, resource, body string }{
			{"POST", "authentication?username=mara", `{"value":"x"}`},
			{"POST", "session?expand=user", `{"username":"Mara","password":"x"}`},
			{"POST", "user/rename?username=mara", `{"new-name":"MARA"}`},
			{"PUT", "group?groupname=platform", named("PLATFORM")},
			{"DELETE", "group?groupname=NEWS", ""},
			{"POST", "group", named("NEWS")},
		} {
			r := s.request(w.method, w.resource, w.body)
			r.SetBasicAuth("lower", "p")
			a := s.send(r)
			all.WriteString(a.body + a.header.Get("Location"))
		}
		return all.String()
	}
	s.srv.AddGroup(crowd.Group{Name: "NEWS"})
	got := bodies()
	for _, name := range []string{"MARA", "PLATFORM", "CHILD", "NEWS"} {
		if strings.Contains(got, name) {
			t.Errorf("%s in %s", name, got)
		}
		if !strings.Contains(got, strings.ToLower(name)) {
			t.Errorf("%s is nowhere", strings.ToLower(name))
		}
	}
	if !strings.Contains(got, "RED") || !strings.Contains(got, "Team") {
		t.Error("an attribute is in lower case too")
	}
	if u, _ := s.srv.User("mara"); u.Name != "MARA" {
		t.Errorf("stored name %s", u.Name)
	}
	app.LowerCaseOutput = false
	s.srv.SetApplication(app)
	if got := bodies(); !strings.Contains(got, "MARA") {
		t.Error("the stored spelling is gone")
	}
}
