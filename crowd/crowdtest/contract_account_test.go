package crowdtest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestContract21DeleteUser(t *testing.T) {
	s := newSite(t)
	s.srv.AddMember("devs", "ann")
	s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"team","values":["red"]}]}`)
	token := s.want(201, "POST", "session", `{"username":"ann","password":"ann"}`).at("token").(string)
	old, _ := s.srv.User("ann")
	s.want(204, "DELETE", "user?username=ANN", "")
	s.refused(404, "USER_NOT_FOUND", "GET", "user?username=ann", "")
	s.refused(404, "USER_NOT_FOUND", "GET", with("user", "key", old.Key), "")
	s.refused(404, "INVALID_SSO_TOKEN", "GET", "session/"+token, "")
	s.want(201, "POST", "user", newUser("ann"))
	again, _ := s.srv.User("ann")
	if again.Key == old.Key || again.Attributes["team"] != nil || len(s.srv.GroupsOf("ann")) > 0 || len(s.srv.Members("devs")) > 0 {
		t.Errorf("the new user has something of the old one: %+v, groups %v", again, s.srv.GroupsOf("ann"))
	}
	if got := s.list("search?entity-type=user&restriction=team=red"); got != "" {
		t.Errorf("search finds %q", got)
	}
}

func TestContract22Rename(t *testing.T) {
	s := newSite(t)
	s.srv.AddMember("devs", "ann", "bob")
	s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"team","values":["red"]}]}`)
	old, _ := s.srv.User("ann")
	s.now = s.now.Add(time.Second)
	a := s.want(200, "POST", "user/rename?username=ann", `{"new-name":"Zoe"}`)
	if a.at("name") != "Zoe" || a.at("key") != old.Key {
		t.Errorf("renamed to %v with key %v, want Zoe with %s", a.at("name"), a.at("key"), old.Key)
	}
	want := old
	want.Name, want.Updated = "Zoe", s.now
	got, _ := s.srv.User("zoe")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("user mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"bob", "Zoe"}, s.srv.Members("devs")); diff != "" {
		t.Errorf("members mismatch (-want +got):\n%s", diff)
	}
	if got := s.list("search?entity-type=user&restriction=team=red"); got != "Zoe" {
		t.Errorf("search finds %q", got)
	}
	s.want(200, "POST", "authentication?username=zoe", `{"value":"ann"}`)
	s.refused(404, "USER_NOT_FOUND", "GET", "user?username=ann", "")
	s.want(200, "POST", "user/rename?username=zoe", `{"newName":"ZOE"}`)
	s.want(200, "POST", "user/rename?username=bob", fixture(t, "user-rename-request.json"))
	s.want(200, "POST", "user/rename?username=mara.lind", `{"new-name":"bob"}`)
	s.unchanged(func() {
		for _, name := range []string{"bob", "BOB", "", " ", strings.Repeat("x", 256)} {
			s.refused(400, "INVALID_USER", "POST", "user/rename?username=zoe", fmt.Sprintf(`{"new-name":%q}`, name))
		}
		s.set(func(o *crowdtest.Options) { o.DashedRename = true })
		s.refused(400, "INVALID_USER", "POST", "user/rename?username=zoe", `{"newName":"zed"}`)
		s.set(func(o *crowdtest.Options) { o.RefuseCaseRename = true })
		s.refused(400, "INVALID_USER", "POST", "user/rename?username=zoe", `{"new-name":"zoe"}`)
		s.set(func(o *crowdtest.Options) { o.NoRename = true })
		s.refused(500, "UNSUPPORTED_OPERATION", "POST", "user/rename?username=zoe", `{"new-name":"zed"}`)
	})
}

func TestContract23Attributes(t *testing.T) {
	s := newSite(t)
	get := func() map[string][]string {
		return attributes(t, s.want(200, "GET", "user/attribute?username=ann", "").at("attributes"))
	}
	s.want(204, "POST", "user/attribute?username=ann", fixture(t, "attributes-request.json"))
	s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"team","values":["green","green"]},{"name":"Team","values":["x"]}]}`)
	got := get()
	for name, want := range map[string][]string{"team": {"green"}, "Team": {"x"}, "scim:externalId": {"e-1001"}} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", name, diff)
		}
	}
	s.want(204, "DELETE", "user/attribute?username=ann&attributename=team", "")
	if got := get()["team"]; got != nil {
		t.Errorf("deleted attribute is there: %v", got)
	}
	s.want(204, "DELETE", "user/attribute?username=ann&attributename=team", "")
	s.set(func(o *crowdtest.Options) { o.MissingAttribute404 = true })
	s.want(404, "DELETE", "user/attribute?username=ann&attributename=team", "")
	s.want(400, "DELETE", "user/attribute?username=ann", "")
	s.want(400, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"","values":["x"]}]}`)
}

func TestContract23EmptyValues(t *testing.T) {
	s := newSite(t)
	empty := `{"attributes":[{"name":"team","values":[]}]}`
	has := func() bool { u, _ := s.srv.User("ann"); return u.Attributes["team"] != nil }
	s.want(204, "POST", "user/attribute?username=ann", fixture(t, "attributes-request.json"))
	s.set(func(o *crowdtest.Options) { o.KeepOnEmptyValues = true })
	s.want(204, "POST", "user/attribute?username=ann", empty)
	if !has() {
		t.Error("an empty list has removed the attribute, against the option")
	}
	s.set(func(o *crowdtest.Options) { o.KeepOnEmptyValues = false })
	s.want(204, "POST", "user/attribute?username=ann", empty)
	if has() {
		t.Error("an empty list has not removed the attribute")
	}
}

func TestContract23UpdatedDate(t *testing.T) {
	s := newSite(t)
	s.now = s.now.Add(time.Hour)
	for _, moves := range []bool{false, true} {
		s.set(func(o *crowdtest.Options) { o.AttributesMoveUpdated = moves })
		s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"a","values":["1"]}]}`)
		if u, _ := s.srv.User("ann"); u.Updated.Equal(s.now) != moves {
			t.Errorf("option %v: updated at %v", moves, u.Updated)
		}
	}
}

func TestContract24SystemAttributes(t *testing.T) {
	s := newSite(t)
	s.want(201, "POST", "user", newUser("eve"))
	system := func() map[string]string {
		u, _ := s.srv.User("eve")
		m := map[string]string{}
		for name := range u.Attributes {
			m[name] = u.Attributes.First(name)
		}
		return m
	}
	want := map[string]string{
		"requiresPasswordChange": "false", "invalidPasswordAttempts": "0", "passwordLastChanged": "1700000000000",
	}
	check := func(when string) {
		t.Helper()
		if diff := cmp.Diff(want, system()); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", when, diff)
		}
	}
	check("new user")
	s.want(400, "POST", "authentication?username=eve", `{"value":"wrong"}`)
	want["invalidPasswordAttempts"] = "1"
	check("failed login")
	s.now = s.now.Add(time.Second)
	s.want(200, "POST", "authentication?username=eve", `{"value":"secret"}`)
	want["invalidPasswordAttempts"] = "0"
	want["lastAuthenticated"] = strconv.FormatInt(s.now.UnixMilli(), 10)
	want["lastActive"] = want["lastAuthenticated"]
	check("login")
	s.now = s.now.Add(time.Second)
	s.want(204, "POST", "authentication/notify?username=eve", "")
	want["lastAuthenticated"] = strconv.FormatInt(s.now.UnixMilli(), 10)
	want["lastActive"] = want["lastAuthenticated"]
	check("notified login")
}

func TestContract25LongValues(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ sent, want string }{
		{strings.Repeat("x", 255), strings.Repeat("x", 255)},
		{strings.Repeat("x", 256), strings.Repeat("x", 252) + "..."},
		{strings.Repeat("ä", 255), strings.Repeat("ä", 255)},
		{strings.Repeat("ä", 256), strings.Repeat("ä", 252) + "..."},
	} {
		s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"long","values":["`+c.sent+`"]}]}`)
		u, _ := s.srv.User("ann")
		if got := u.Attributes.First("long"); got != c.want {
			t.Errorf("%d bytes sent: got %q", len(c.sent), got)
		}
		s.want(204, "PUT", "user?username=ann", `{"name":"ann","email":"ann@example.com","first-name":"`+c.sent+`"}`)
		if u, _ := s.srv.User("ann"); u.FirstName != c.want {
			t.Errorf("first name of %d bytes: got %q", len(c.sent), u.FirstName)
		}
	}
	s.set(func(o *crowdtest.Options) { o.RefuseLongText = true })
	long := strings.Repeat("x", 256)
	s.unchanged(func() {
		s.refused(400, "ILLEGAL_ARGUMENT", "POST", "user/attribute?username=ann", `{"attributes":[{"name":"long","values":["`+long+`"]}]}`)
		s.refused(400, "INVALID_USER", "PUT", "user?username=ann", `{"name":"ann","email":"ann@example.com","first-name":"`+long+`"}`)
		s.refused(400, "INVALID_GROUP", "POST", "group", `{"name":"g","description":"`+long+`"}`)
	})
}

func TestContract26LongNames(t *testing.T) {
	s := newSite(t)
	fits, long := strings.Repeat("ß", 255), strings.Repeat("ß", 256)
	s.want(201, "POST", "user", newUser(fits))
	s.want(201, "POST", "group", named(fits))
	s.unchanged(func() {
		s.refused(400, "INVALID_USER", "POST", "user", newUser(long))
		s.refused(400, "INVALID_GROUP", "POST", "group", named(long))
	})
}

func TestContract27Password(t *testing.T) {
	s := newSite(t)
	login := func(status int, password string) {
		t.Helper()
		s.want(status, "POST", "authentication?username=ann", `{"value":"`+password+`"}`)
	}
	login(200, "ann")
	s.want(204, "PUT", "user/password?username=ann", fixture(t, "password-value-request.json"))
	login(400, "ann")
	login(200, "correct horse")
	s.want(204, "DELETE", "user/password?username=ann", "")
	login(400, "correct horse")
	login(400, "")
	s.refused(400, "INVALID_CREDENTIAL", "PUT", "user/password?username=ann", `{}`)
	s.header.Set("Content-Type", "text/xml")
	s.want(204, "PUT", "user/password?username=ann", fixture(t, "password-value-request.xml"))
	s.want(200, "POST", "authentication?username=ann", fixture(t, "password-value-request.xml"))
}

func TestContract27Mail(t *testing.T) {
	s := newSite(t)
	s.srv.AddUser(crowd.User{Name: "nomail", Active: true})
	s.want(204, "POST", "user/mail/password?username=ann", "")
	s.refused(400, "INVALID_EMAIL", "POST", "user/mail/password?username=nomail", "")
	s.want(204, "POST", "user/mail/usernames?email=nobody@example.com", "")
	s.refused(400, "INVALID_EMAIL", "POST", "user/mail/usernames", "")
}

func TestContract28Authentication(t *testing.T) {
	s := newSite(t)
	if got := s.want(200, "POST", "authentication?username=ANN", `{"value":"ann"}`).at("name"); got != "ann" {
		t.Errorf("name %v", got)
	}
	refused := func(status int, reason, user, password string) {
		t.Helper()
		s.refused(status, reason, "POST", with("authentication", "username", user), `{"value":"`+password+`"}`)
	}
	refused(400, "INVALID_USER_AUTHENTICATION", "ann", "wrong")
	refused(400, "USER_NOT_FOUND", "nobody", "x")
	s.want(204, "PUT", "user?username=bob", `{"name":"bob","email":"bob@example.com","active":false}`)
	refused(400, "INACTIVE_ACCOUNT", "bob", "bob")
	s.refused(400, "ILLEGAL_ARGUMENT", "POST", "user/expire-all-passwords", "")
	s.want(204, "POST", "user/expire-all-passwords?confirm=true", "")
	refused(400, "EXPIRED_CREDENTIAL", "ann", "ann")
	s.want(204, "PUT", "user/password?username=ann", `{"value":"fresh"}`)
	s.want(200, "POST", "authentication?username=ann", `{"value":"fresh"}`)
	s.set(func(o *crowdtest.Options) { o.BodyNotFoundStatus = 404 })
	refused(404, "USER_NOT_FOUND", "nobody", "x")
}

func TestContract28Lockout(t *testing.T) {
	s := newSite(t)
	s.srv.SetDirectory("", func(d *crowdtest.Directory) { d.MaxAttempts = 2 })
	for range 2 {
		s.want(400, "POST", "authentication?username=ann", `{"value":"wrong"}`)
	}
	s.refused(400, "INVALID_USER_AUTHENTICATION", "POST", "authentication?username=ann", `{"value":"ann"}`)
	s.want(204, "PUT", "user/password?username=ann", `{"value":"fresh"}`)
	s.want(200, "POST", "authentication?username=ann", `{"value":"fresh"}`)
}

func TestContract28Access(t *testing.T) {
	s := newSite(t)
	s.srv.SetApplication(crowdtest.Application{
		Name: s.srv.Application, Password: s.srv.Password,
		Directories: []crowdtest.Mapping{{Directory: crowdtest.DefaultDirectory, Groups: []string{"devs"}}},
	})
	s.refused(403, "APPLICATION_ACCESS_DENIED", "POST", "authentication?username=ann", `{"value":"ann"}`)
	s.srv.AddMember("devs", "ann")
	s.want(200, "POST", "authentication?username=ann", `{"value":"ann"}`)
}

func TestNewUserOptions(t *testing.T) {
	s := newSite(t)
	bare := func(name string) string { return `{"name":"` + name + `","password":{"value":"x"}}` }
	s.want(201, "POST", "user", bare("u1"))
	s.want(201, "POST", "user", `{"name":"u2","first-name":"A","last-name":"B","password":{"value":"x"}}`)
	s.set(func(o *crowdtest.Options) { o.NoDisplayName, o.AbsentActiveUser = true, crowdtest.AbsentFalse })
	s.want(201, "POST", "user", bare("u3"))
	type shown struct {
		DisplayName string
		Active      bool
	}
	for name, want := range map[string]shown{"u1": {"u1", true}, "u2": {"A B", true}, "u3": {"", false}} {
		u, _ := s.srv.User(name)
		if diff := cmp.Diff(want, shown{u.DisplayName, u.Active}); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", name, diff)
		}
	}
	s.set(func(o *crowdtest.Options) { o.StrictNames = true })
	s.refused(400, "INVALID_USER", "POST", "user", bare("u4"))
	s.want(201, "POST", "user", newUser("u4"))
	s.set(func(o *crowdtest.Options) { o.OmitEmptyText = true })
	if _, there := s.want(200, "GET", "user?username=u3", "").object()["first-name"]; there {
		t.Error("an empty text is shown, against the option")
	}
}
