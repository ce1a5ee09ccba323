package crowdtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func sessionBody(user, password, address string) string {
	return fmt.Sprintf(`{"username":%q,"password":%q,"validation-factors":{"validationFactors":[{"name":"remote_address","value":%q}]}}`, user, password, address)
}

func factorsBody(address string) string {
	return fmt.Sprintf(`{"validationFactors":[{"name":"remote_address","value":%q}]}`, address)
}

func TestContract48Session(t *testing.T) {
	s := newSite(t)
	s.want(201, "POST", "user", fixture(t, "user-create-request.json"))
	a := s.want(201, "POST", "session", fixture(t, "session-create-request.json"))
	token := a.at("token").(string)
	want := strings.NewReplacer("https://crowd.example.com/crowd", s.srv.URL, "Qw3RtY0000example00", token).Replace(fixture(t, "session.json"))
	if diff := cmp.Diff(answer{t: t, body: want}.object(), a.object()); diff != "" {
		t.Errorf("session mismatch (-want +got):\n%s", diff)
	}
	s.now = s.now.Add(time.Minute)
	if got := s.want(201, "POST", "session", fixture(t, "session-create-request.json")).at("token"); got != token {
		t.Errorf("same user and factors: token %v, want %s", got, token)
	}
	other := s.want(201, "POST", "session", sessionBody("mara", "correct horse", "192.0.2.11")).at("token").(string)
	if other == token {
		t.Error("other factors give the same token")
	}
	if got := s.want(200, "GET", "session/"+token+"?expand=user", "").at("user", "email"); got != "mara@example.com" {
		t.Errorf("expanded user has e-mail %v", got)
	}
	s.want(200, "POST", "session/"+token, fixture(t, "session-validate-request.json"))
	s.refused(404, "INVALID_SSO_TOKEN", "POST", "session/"+token, factorsBody("192.0.2.99"))
	s.refused(404, "INVALID_SSO_TOKEN", "POST", "session/"+token, `{}`)
	s.refused(404, "INVALID_SSO_TOKEN", "GET", "session/unknown", "")
	s.refused(400, "INVALID_USER_AUTHENTICATION", "POST", "session", sessionBody("mara", "x", "192.0.2.10"))
	s.want(204, "DELETE", "session/"+token, "")
	s.refused(404, "INVALID_SSO_TOKEN", "GET", "session/"+token, "")
	s.want(204, "DELETE", "session/"+token, "")
	s.set(func(o *crowdtest.Options) { o.MissingSession404 = true })
	s.refused(404, "INVALID_SSO_TOKEN", "DELETE", "session/"+token, "")
}

func TestContract48Spellings(t *testing.T) {
	s := newSite(t)
	a := s.want(201, "POST", "session", `{"userName":"ann","password":"ann","validation-factors":{"validation-factor":[{"name":"remote_address","value":"1"}]}}`)
	s.want(200, "POST", "session/"+a.at("token").(string), factorsBody("1"))
	s.want(201, "POST", "user", fixture(t, "user-create-request.json"))
	s.header.Set("Content-Type", "application/xml")
	s.accept("application/xml")
	x := parseElement(t, s.want(201, "POST", "session", fixture(t, "session-create-request.xml")).body)
	if x.Name != "session" || x.Attrs["expand"] != "user" || x.Children["created-date"][0].Text != "2023-11-14T22:13:20.000Z" {
		t.Errorf("session in XML: %+v", x)
	}
	s.want(200, "POST", "session/"+x.Children["token"][0].Text,
		`<validation-factors><validation-factor><name>remote_address</name><value>192.0.2.10</value></validation-factor></validation-factors>`)
}

func TestContract48Lifetime(t *testing.T) {
	s := newSite(t)
	life := func(duration string) time.Duration {
		a := s.want(201, "POST", "session"+duration, sessionBody("ann", "ann", "address"+duration))
		return time.UnixMilli(int64(a.at("expiry-date").(float64))).Sub(time.UnixMilli(int64(a.at("created-date").(float64))))
	}
	for duration, want := range map[string]time.Duration{"": 30 * time.Minute, "?duration=60": time.Minute, "?duration=99999999999": 30 * time.Minute} {
		if got := life(duration); got != want {
			t.Errorf("%q: life %v, want %v", duration, got, want)
		}
	}
	token := s.want(201, "POST", "session?duration=60", `{"username":"bob","password":"bob"}`).at("token").(string)
	s.now = s.now.Add(50 * time.Second)
	s.want(200, "POST", "session/"+token, `{}`)
	s.now = s.now.Add(50 * time.Second)
	s.want(200, "GET", "session/"+token, "")
	s.now = s.now.Add(11 * time.Second)
	s.refused(404, "INVALID_SSO_TOKEN", "GET", "session/"+token, "")
	s.set(func(o *crowdtest.Options) { o.SessionTimeout = time.Minute })
	if got := life("?duration=120"); got != time.Minute {
		t.Errorf("shorter timeout: life %v", got)
	}
}

func TestContract48EndAll(t *testing.T) {
	s := newSite(t)
	var tokens []string
	for _, address := range []string{"1", "2", "3"} {
		tokens = append(tokens, s.want(201, "POST", "session", sessionBody("ann", "ann", address)).at("token").(string))
	}
	s.want(204, "DELETE", with("session", "username", "ANN", "exclude", tokens[1]), "")
	for i, token := range tokens {
		want := 404
		if i == 1 {
			want = 200
		}
		s.want(want, "GET", "session/"+token, "")
	}
	if got := s.srv.Sessions("ann"); got != 1 {
		t.Errorf("%d sessions, want 1", got)
	}
	for _, c := range s.srv.Calls() {
		if strings.Contains(c.String(), tokens[1]) {
			t.Errorf("token in call %v", c)
		}
	}
	s.refused(404, "USER_NOT_FOUND", "DELETE", "session?username=nobody", "")
}

func TestContract48Invalidation(t *testing.T) {
	for name, c := range map[string]struct{ method, resource, body string }{
		"rename":   {"POST", "user/rename?username=ann", `{"new-name":"zoe"}`},
		"password": {"PUT", "user/password?username=ann", `{"value":"x"}`},
	} {
		for _, keeps := range []bool{false, true} {
			s := newSite(t)
			s.set(func(o *crowdtest.Options) { o.KeepSessions = keeps })
			token := s.want(201, "POST", "session", `{"username":"ann","password":"ann"}`).at("token").(string)
			s.call(c.method, c.resource, c.body)
			if got := s.call("GET", "session/"+token, "").status == 200; got != keeps {
				t.Errorf("%s, keeping %v: session lives %v", name, keeps, got)
			}
		}
	}
}

func TestContract48Deleted(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.KeepSessions, o.MissingSession404 = true, true })
	token := s.want(201, "POST", "session", `{"username":"ann","password":"ann"}`).at("token").(string)
	s.want(204, "DELETE", "user?username=ann", "")
	s.refused(404, "INVALID_SSO_TOKEN", "GET", "session/"+token, "")
	s.refused(404, "INVALID_SSO_TOKEN", "DELETE", "session/"+token, "")
}

func TestContract48WithoutPassword(t *testing.T) {
	s := newSite(t)
	body := `{"username":"ann"}`
	s.refused(403, "APPLICATION_PERMISSION_DENIED", "POST", "session?validate-password=false", body)
	s.srv.SetApplication(crowdtest.Application{Name: s.srv.Application, Password: s.srv.Password, CreateTokens: true})
	s.want(201, "POST", "session?validate-password=false", body)
	s.refused(400, "INVALID_USER_AUTHENTICATION", "POST", "session", body)
	s.refused(400, "USER_NOT_FOUND", "POST", "session?validate-password=false", `{"username":"nobody"}`)
}

func TestContract49CookieConfig(t *testing.T) {
	s := newSite(t)
	want := map[string]any{"name": "crowd.token_key", "secure": false}
	if diff := cmp.Diff(want, s.want(200, "GET", "config/cookie", "").object()); diff != "" {
		t.Errorf("default mismatch (-want +got):\n%s", diff)
	}
	s.set(func(o *crowdtest.Options) { o.Cookie = crowdtest.CookieConfig{Domain: ".example.com", Secure: true} })
	if diff := cmp.Diff((answer{t: t, body: fixture(t, "cookie-config.json")}).object(), s.want(200, "GET", "config/cookie", "").object()); diff != "" {
		t.Errorf("set mismatch (-want +got):\n%s", diff)
	}
}

func TestContract50EventToken(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NestedGroups, o.AllowEmailChange = true, true })
	token := func() string { return s.want(200, "GET", "event", "").at("newEventToken").(string) }
	if got := s.want(200, "GET", "event", "").at("incrementalSynchronisationAvailable"); got != true {
		t.Errorf("available %v", got)
	}
	for _, read := range []string{"user?username=ann", "search?entity-type=user", "group/user/direct?groupname=devs", "user?username=nobody", "event"} {
		before := token()
		s.call("GET", read, "")
		if token() != before {
			t.Errorf("GET %s moves the token", read)
		}
	}
	for _, c := range []struct{ method, resource, body, event string }{
		{"POST", "user", newUser("mara"), "userEvent CREATED user=mara"},
		{"POST", "group", named("platform"), "groupEvent CREATED group=platform"},
		{"POST", "group/user/direct?groupname=platform", named("mara"), "userMembershipEvent CREATED childUser=mara parentGroups=platform"},
		{"DELETE", "group/user/direct?groupname=platform&username=mara", "", "userMembershipEvent DELETED childUser=mara parentGroups=platform"},
		{"POST", "group/child-group/direct?groupname=devs", named("platform"), "groupMembershipEvent CREATED group=platform parentGroups=devs"},
		{"DELETE", "group/child-group/direct?groupname=devs&child-groupname=platform", "", "groupMembershipEvent DELETED group=platform parentGroups=devs"},
		{"PUT", "user?username=mara", `{"name":"mara","active":true}`, "userEvent UPDATED user=mara"},
		{"POST", "user/attribute?username=mara", `{"attributes":[{"name":"a","values":["b"]}]}`, "userEvent UPDATED user=mara"},
		{"DELETE", "user/attribute?username=mara&attributename=a", "", "userEvent UPDATED user=mara"},
		{"PUT", "user/password?username=mara", `{"value":"x"}`, "userEvent UPDATED user=mara"},
		{"POST", "user/rename?username=mara", `{"new-name":"maria"}`, "userEvent UPDATED user=maria"},
		{"PUT", "group?groupname=platform", named("platform"), "groupEvent UPDATED group=platform"},
		{"POST", "group/attribute?groupname=platform", `{"attributes":[{"name":"a","values":["b"]}]}`, "groupEvent UPDATED group=platform"},
		{"DELETE", "user?username=maria", "", "userEvent DELETED user=maria"},
		{"DELETE", "group?groupname=platform", "", "groupEvent DELETED group=platform"},
	} {
		before := token()
		if a := s.call(c.method, c.resource, c.body); a.status >= 300 {
			t.Fatalf("%s %s: %d %s", c.method, c.resource, a.status, a.body)
		}
		if token() == before {
			t.Errorf("%s %s does not move the token", c.method, c.resource)
		}
		if got := s.eventsSince(before); len(got) != 1 || got[0] != c.event {
			t.Errorf("%s %s: events %q, want %q", c.method, c.resource, got, c.event)
		}
	}
}

// eventsSince returns the events after a token, each in one line.
func (s *site) eventsSince(token string) []string {
	s.t.Helper()
	r := s.request("GET", "event/"+token, "")
	r.Header.Set("Accept", "application/xml")
	a := s.send(r)
	if a.status != 200 {
		s.t.Fatalf("events: %d %s", a.status, a.body)
	}
	return eventLines(s.t, a.body)
}

func eventLines(t testing.TB, doc string) []string {
	t.Helper()
	var lines []string
	for _, kind := range childNodes(t, doc) {
		e := kind.element()
		line := e.Name + " " + e.Children["operation"][0].Text
		for _, part := range []string{"user", "childUser", "group", "parentGroups"} {
			for _, c := range e.Children[part] {
				if groups := c.Children["group"]; len(groups) > 0 {
					c = groups[0]
				}
				line += " " + part + "=" + c.Attrs["name"]
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func TestContract50Events(t *testing.T) {
	s := newSite(t)
	start := s.want(200, "GET", "event", "").at("newEventToken").(string)
	s.want(201, "POST", "user", newUser("mara"))
	s.srv.AddGroup(crowd.Group{Name: "platform"})
	s.srv.AddMember("platform", "mara")
	want := []string{"userEvent CREATED user=mara", "groupEvent CREATED group=platform", "userMembershipEvent CREATED childUser=mara parentGroups=platform"}
	if diff := cmp.Diff(want, s.eventsSince(start)); diff != "" {
		t.Errorf("events mismatch (-want +got):\n%s", diff)
	}
	fixtureLines := eventLines(t, fixture(t, "events-assumed.xml"))
	if diff := cmp.Diff([]string{want[0], want[2]}, fixtureLines); diff != "" {
		t.Errorf("fixture mismatch (-want +got):\n%s", diff)
	}
	s.refused(410, "EVENT_TOKEN_EXPIRED", "GET", "event/other:1", "")
	s.refused(410, "EVENT_TOKEN_EXPIRED", "GET", "event/"+start+"9", "")
	s.set(func(o *crowdtest.Options) { o.EventLimit = 2 })
	s.refused(410, "EVENT_TOKEN_EXPIRED", "GET", "event/"+start, "")
	for i := range 10 {
		s.want(201, "POST", "user", newUser(fmt.Sprint("u", i)))
	}
	latest := s.want(200, "GET", "event", "").at("newEventToken").(string)
	if got := s.eventsSince(latest); len(got) != 0 {
		t.Errorf("events after the latest: %q", got)
	}
	s.set(func(o *crowdtest.Options) { o.EventsUnavailable = true })
	if got := s.want(200, "GET", "event", "").at("incrementalSynchronisationAvailable"); got != false {
		t.Errorf("available %v", got)
	}
	s.refused(400, "INCREMENTAL_SYNC_NOT_AVAILABLE", "GET", "event/"+latest, "")
	s.set(func(o *crowdtest.Options) { o.EventsUnavailable = false })
	s.srv.Restart()
	s.refused(410, "EVENT_TOKEN_EXPIRED", "GET", "event/"+latest, "")
	s.want(200, "GET", "user?username=mara", "")
}
