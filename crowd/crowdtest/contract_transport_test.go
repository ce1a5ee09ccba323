package crowdtest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestContract01Versions(t *testing.T) {
	s := newSite(t)
	root := strings.TrimSuffix(s.srv.URL, "/crowd")
	for _, base := range []string{"/crowd/rest/usermanagement/1", "/rest/usermanagement/1", "/crowd/rest/usermanagement/latest", "/a/b/rest/usermanagement/latest"} {
		r := s.request("GET", "", "")
		r.URL = mustParse(t, root+base+"/user?username=ann")
		a := s.send(r)
		if a.status != 200 {
			t.Errorf("%s: status %d", base, a.status)
			continue
		}
		if got, want := a.at("link", "href"), root+base+"/user?username=ann"; got != want {
			t.Errorf("%s: link %v, want %s", base, got, want)
		}
	}
}

func TestContract02Unauthenticated(t *testing.T) {
	s := newSite(t)
	spoil := map[string]func(*http.Request){
		"missing":           func(r *http.Request) { r.Header.Del("Authorization") },
		"malformed":         func(r *http.Request) { r.Header.Set("Authorization", "Basic !") },
		"other scheme":      func(r *http.Request) { r.Header.Set("Authorization", "Bearer abc") },
		"wrong password":    func(r *http.Request) { r.SetBasicAuth(s.srv.Application, "x") },
		"wrong application": func(r *http.Request) { r.SetBasicAuth("x", s.srv.Password.Reveal()) },
		"user's":            func(r *http.Request) { r.SetBasicAuth("ann", "ann") },
	}
	for name, f := range spoil {
		for _, resource := range []string{"user?username=ann", "nothing/here", "group/membership"} {
			for _, accept := range []string{"application/json", "application/xml", "text/html", ""} {
				s.accept(accept)
				r := s.request("GET", resource, "")
				f(r)
				a := s.send(r)
				if a.status != 401 || a.body != "Application failed to authenticate" || a.header.Get("Content-Type") != "text/plain" {
					t.Errorf("%s, %s: %d %s %q", name, resource, a.status, a.header.Get("Content-Type"), a.body)
				}
				if got, want := a.header.Get("WWW-Authenticate"), `Basic realm="Crowd REST Service"`; got != want {
					t.Errorf("challenge %q, want %q", got, want)
				}
			}
		}
	}
}

// TestContract02BeforeAllElse makes requests that would be refused for something
// else as well.
func TestContract02BeforeAllElse(t *testing.T) {
	s := newSite(t)
	for _, challenge := range []bool{true, false} {
		s.set(func(o *crowdtest.Options) { o.NoChallenge = !challenge })
		for _, c := range []struct{ method, resource, body string }{
			{"POST", "user", "{"}, {"PATCH", "user", "x"}, {"GET", "user?username=%zz", ""}, {"GET", "group/membership", ""}, {"DELETE", "user?username=ann", ""},
		} {
			r := s.request(c.method, c.resource, c.body)
			r.SetBasicAuth(s.srv.Application, "wrong")
			a := s.send(r)
			if a.status != 401 || a.body != "Application failed to authenticate" || (a.header.Get("WWW-Authenticate") != "") != challenge {
				t.Errorf("%s %s: %d %q, challenge %q", c.method, c.resource, a.status, a.body, a.header.Get("WWW-Authenticate"))
			}
		}
	}
	s.want(200, "GET", "user?username=ann", "")
}

func TestContract02InactiveApplication(t *testing.T) {
	s := newSite(t)
	s.srv.SetApplication(crowdtest.Application{Name: s.srv.Application, Password: s.srv.Password, Inactive: true})
	s.want(401, "GET", "user?username=ann", "")
	s.set(func(o *crowdtest.Options) { o.InactiveApplicationForbidden = true })
	s.want(403, "GET", "user?username=ann", "")
}

func TestContract03UnknownPath(t *testing.T) {
	s := newSite(t)
	for _, resource := range []string{"", "users", "user/", "session", "session/a/b", "user/group", "../2/user"} {
		want := 404
		if resource == "user/" || resource == "session" {
			want = 405 // the resource itself, which has no PATCH
		}
		s.want(want, "PATCH", resource, "")
		if want == 404 {
			s.want(want, "GET", resource, "")
			s.want(want, "POST", resource, "{}")
		}
	}
	r := s.request("GET", "", "")
	r.URL = mustParse(t, s.srv.URL+"/rest/otheradmin/1.0/server-info")
	if a := s.send(r); a.status != 404 {
		t.Errorf("admin: status %d", a.status)
	}
}

func TestContract04Address(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		list []string
		want int
	}{
		{nil, 200},
		{[]string{"127.0.0.1"}, 200},
		{[]string{"127.0.0.0/8"}, 200},
		{[]string{"localhost"}, 200},
		{[]string{"192.0.2.1", "10.0.0.0/8"}, 403},
	} {
		s.srv.SetApplication(crowdtest.Application{Name: s.srv.Application, Password: s.srv.Password, Addresses: c.list})
		a := s.want(c.want, "GET", "user?username=ann", "")
		if a.status != 403 {
			continue
		}
		if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(a.body, "<html") {
			t.Errorf("refusal is no page: %s", a.body)
		}
		if a.header.Get("X-Embedded-Crowd-Version") != "" {
			t.Error("the container's page names Crowd's version")
		}
	}
}

func TestContract04TrustedProxy(t *testing.T) {
	s := newSite(t)
	s.srv.SetApplication(crowdtest.Application{Name: s.srv.Application, Password: s.srv.Password, Addresses: []string{"192.0.2.7"}})
	s.header.Set("X-Forwarded-For", "203.0.113.9, 192.0.2.7")
	s.want(403, "GET", "user?username=ann", "")
	s.set(func(o *crowdtest.Options) { o.TrustedProxies = []string{"127.0.0.1"} })
	s.want(200, "GET", "user?username=ann", "")
	s.header.Set("X-Forwarded-For", "192.0.2.7, 203.0.113.9")
	s.want(403, "GET", "user?username=ann", "")
}

func TestContract05VersionHeader(t *testing.T) {
	s := newSite(t)
	header := func(a answer) string { return a.header.Get("X-Embedded-Crowd-Version") }
	check := func(good, bad string) {
		t.Helper()
		if got := header(s.call("GET", "user?username=ann", "")); got != good {
			t.Errorf("on success %q, want %q", got, good)
		}
		r := s.request("GET", "user?username=ann", "")
		r.Header.Del("Authorization")
		for _, a := range []answer{s.call("GET", "user?username=nobody", ""), s.send(r)} {
			if got := header(a); got != bad {
				t.Errorf("on %d %q, want %q", a.status, got, bad)
			}
		}
	}
	check("Crowd/6.3.0", "Crowd/6.3.0")
	for _, c := range []struct {
		status                 int
		method, resource, body string
	}{
		{404, "GET", "nothing/here", ""},
		{405, "PATCH", "user", "{}"},
		{400, "POST", "user", "{"},
		{406, "GET", "group/membership", ""},
		{204, "DELETE", "session/x", ""},
		{201, "POST", "group/user/direct?groupname=devs", named("ann")},
		{409, "POST", "group/user/direct?groupname=devs", named("ann")},
	} {
		if got := header(s.want(c.status, c.method, c.resource, c.body)); got != "Crowd/6.3.0" {
			t.Errorf("on %d %q", c.status, got)
		}
	}
	s.set(func(o *crowdtest.Options) { o.Version = "5.1.0" })
	check("Crowd/5.1.0", "Crowd/5.1.0")
	s.set(func(o *crowdtest.Options) { o.HideVersionOnErrors = true })
	check("Crowd/5.1.0", "")
	s.set(func(o *crowdtest.Options) { o.HideVersion = true })
	check("", "")
	s.set(func(o *crowdtest.Options) { o.HideVersion, o.HideVersionOnErrors = false, false })
	s.srv.Fail(crowdtest.Fault{Kind: crowdtest.AnswerHTML, Status: 502})
	if got := header(s.want(502, "GET", "user?username=ann", "")); got != "" {
		t.Errorf("on a proxy's page %q", got)
	}
}

func TestContract06Cookie(t *testing.T) {
	s := newSite(t)
	get := func(cookie string, auth bool) answer {
		r := s.request("GET", "user?username=ann", "")
		if !auth {
			r.Header.Del("Authorization")
		}
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		return s.send(r)
	}
	cookie, _, _ := strings.Cut(get("", true).header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(cookie, "JSESSIONID=") {
		t.Fatalf("cookie %q", cookie)
	}
	if a := get(cookie, true); a.status != 200 || a.header.Get("Set-Cookie") != "" {
		t.Errorf("known cookie: %d, sets %q", a.status, a.header.Get("Set-Cookie"))
	}
	if a := get("JSESSIONID=unknown", true); a.status != 200 || a.header.Get("Set-Cookie") == "" {
		t.Errorf("unknown cookie: %d, sets %q", a.status, a.header.Get("Set-Cookie"))
	}
	if a := get(cookie, false); a.status != 401 {
		t.Errorf("cookie alone: %d", a.status)
	}
	s.set(func(o *crowdtest.Options) { o.CookieAuthenticates = true })
	if a := get(cookie, false); a.status != 200 {
		t.Errorf("cookie alone, where it is let in: %d", a.status)
	}
	if a := get("JSESSIONID=unknown", false); a.status != 401 {
		t.Errorf("unknown cookie alone: %d", a.status)
	}
	s.set(func(o *crowdtest.Options) { o.CookieName = "SID" })
	if got := get("", true).header.Get("Set-Cookie"); !strings.HasPrefix(got, "SID=") {
		t.Errorf("cookie %q, want SID", got)
	}
}

func TestContract07Formats(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ accept, want string }{
		{"application/json", "application/json"},
		{"application/xml", "application/xml"},
		{"text/xml", "application/xml"},
		{"", "application/xml"},
		{"*/*", "application/xml"},
		{"application/json, */*", "application/json"},
		{"application/json;charset=utf-8", "application/json"},
		{"application/xml;q=0.5, application/json", "application/json"},
		{"application/xml, application/json;q=0.9", "application/xml"},
		{"text/html, application/json;q=0.5", "application/json"},
		{"text/html, image/*", "application/xml"},
	} {
		s.header["Accept"] = []string{c.accept}
		if got := s.want(200, "GET", "user?username=ann", "").header.Get("Content-Type"); got != c.want {
			t.Errorf("Accept %q: %s, want %s", c.accept, got, c.want)
		}
	}
	s.set(func(o *crowdtest.Options) { o.DefaultJSON = true })
	s.header["Accept"] = []string{""}
	if got := s.want(200, "GET", "user?username=ann", "").header.Get("Content-Type"); got != "application/json" {
		t.Errorf("no Accept, by option: %s", got)
	}
	s.accept("application/json")
	s.header.Set("Content-Type", "application/xml; charset=UTF-8")
	a := s.want(201, "POST", "user", `<?xml version="1.0" encoding="utf-8"?><user name="eve"><active>true</active><password><value>p</value></password></user>`)
	if got := a.at("name"); got != "eve" {
		t.Errorf("name %v", got)
	}
	s.header.Set("Content-Type", "application/json;charset=utf-8")
	s.accept("application/xml")
	if a := s.want(201, "POST", "user", newUser("eva")); !strings.Contains(a.body, `<user expand="attributes" name="eva">`) {
		t.Errorf("answer %s", a.body)
	}
}

func TestContract08TypesAndMethods(t *testing.T) {
	s := newSite(t)
	s.unchanged(func() {
		for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", ""} {
			s.header["Content-Type"] = []string{media}
			s.want(415, "POST", "user", newUser("eve"))
		}
		s.header.Set("Content-Type", "application/json")
		for _, c := range []struct{ method, resource string }{
			{"PATCH", "user"},
			{"PUT", "user/attribute?username=ann"},
			{"POST", "group/user/nested?groupname=devs"},
			{"DELETE", "group/parent-group/direct?groupname=devs"},
			{"POST", "group/membership"},
			{"PUT", "config/cookie"},
			{"DELETE", "event"},
		} {
			s.want(405, c.method, c.resource, `{}`)
		}
	})
	s.want(204, "POST", "user/mail/password?username=ann", "")
	s.header["Content-Type"] = []string{""}
	s.refused(400, "ILLEGAL_ARGUMENT", "POST", "user", "") // no body, of no type
}

func TestZeroServer(t *testing.T) {
	var srv crowdtest.Server
	client := srv.Client(t)
	if _, err := client.Group(t.Context(), "devs"); err == nil {
		t.Error("an empty Crowd has a group")
	}
	h := httptest.NewServer(http.StripPrefix("/mounted", &srv))
	defer h.Close()
	r, err := http.NewRequestWithContext(t.Context(), "GET", h.URL+"/mounted/crowd/rest/usermanagement/1/search?entity-type=user", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.SetBasicAuth(crowdtest.DefaultApplication, crowdtest.DefaultPassword.Reveal())
	s := &site{t: t}
	if diff := cmp.Diff("", s.send(r).names()); diff != "" {
		t.Errorf("users mismatch (-want +got):\n%s", diff)
	}
}
