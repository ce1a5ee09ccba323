package crowdtest_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// patience is how long a request of a few kilobytes may take; it is generous,
// for what it guards against grows without bound.
const patience = 10 * time.Second

// fuzzed returns a small server, which nests groups.
func fuzzed() *crowdtest.Server {
	srv := &crowdtest.Server{}
	srv.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
	srv.AddUser(crowd.User{Name: "ann", Email: "ann@example.com", Active: true, Attributes: crowd.Attributes{"team": {"red"}}}, crowd.User{Name: "bob"})
	srv.SetPassword("ann", "secret")
	srv.AddGroup(crowd.Group{Name: "devs", Active: true}, crowd.Group{Name: "ops"})
	srv.AddMember("devs", "ann")
	return srv
}

// sound sends a request and fails the test where the answer is not one that
// Crowd could have given.
func sound(t *testing.T, srv *crowdtest.Server, r *http.Request) {
	t.Helper()
	start := time.Now()
	resp, err := srv.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("took %v", took)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 499 {
		t.Errorf("%s %s: status %d: %s", r.Method, r.URL, resp.StatusCode, body)
	}
	if problem := malformed(resp.Header.Get("Content-Type"), string(body)); problem != nil {
		t.Errorf("%s %s: %v: %s", r.Method, r.URL, problem, body)
	}
}

// intact fails the test where requests have left a state that is none.
func intact(t *testing.T, srv *crowdtest.Server) {
	t.Helper()
	var dump strings.Builder
	if err := srv.Dump(&dump); err != nil {
		t.Fatal(err)
	}
	if err := new(crowdtest.Server).Load(strings.NewReader(dump.String())); err != nil {
		t.Errorf("the state cannot be loaded: %v: %s", err, &dump)
	}
}

// malformed tells what is wrong with a body of that type.
func malformed(contentType, body string) error {
	switch {
	case body == "":
	case contentType == "application/json" && !json.Valid([]byte(body)):
		return errors.New("the body is no JSON")
	case contentType == "application/xml":
		d := xml.NewDecoder(strings.NewReader(body))
		for {
			if _, err := d.Token(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// fuzzRequest makes a request for a path below usermanagement/1 that need not
// be well-formed.
func fuzzRequest(t *testing.T, method, resource, query, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://crowd.test/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL = &url.URL{Scheme: "http", Host: "crowd.test", Path: "/crowd/rest/usermanagement/1/" + resource, RawQuery: query}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(crowdtest.DefaultApplication, crowdtest.DefaultPassword.Reveal())
	return r
}

// fuzzBodies fuzzes the body of requests, in JSON and in XML, each read by all
// of the given calls. The seeds are files of the fixtures, and texts.
func fuzzBodies(f *testing.F, calls []struct{ method, resource, query string }, fixtures []string, texts ...string) {
	f.Helper()
	for _, name := range fixtures {
		f.Add(fixture(f, name), strings.HasSuffix(name, ".xml"))
	}
	for _, text := range texts {
		f.Add(text, strings.HasPrefix(text, "<"))
	}
	f.Fuzz(func(t *testing.T, body string, asXML bool) {
		srv := fuzzed()
		for _, c := range calls {
			r := fuzzRequest(t, c.method, c.resource, c.query, body)
			if asXML {
				r.Header.Set("Content-Type", "application/xml")
				r.Header.Set("Accept", "application/xml")
			}
			sound(t, srv, r)
		}
		intact(t, srv)
	})
}

func FuzzUserBody(f *testing.F) {
	fuzzBodies(f, []struct{ method, resource, query string }{
		{"POST", "user", ""}, {"PUT", "user", "username=ann"}, {"GET", "search", "entity-type=user&expand=user"},
	}, []string{"user-create-request.json", "user-create-request.xml", "user-create-attributes-request.json", "user-get.json", "user.xml", "user-update-request.json"},
		`{"name":"eve","active":"false","password":{"value":"\u0001"}}`, `{"name":"\u0000"}`, `<user name="&#x1;"/>`)
}

func FuzzGroupBody(f *testing.F) {
	fuzzBodies(f, []struct{ method, resource, query string }{
		{"POST", "group", ""},
		{"PUT", "group", "groupname=devs"},
		{"POST", "group/child-group/direct", "groupname=devs"},
		{"POST", "group/parent-group/direct", "groupname=devs"},
		{"POST", "group/user/direct", "groupname=devs"},
		{"POST", "user/group/direct", "username=bob"},
		{"GET", "group/user/nested", "groupname=devs"},
		{"GET", "group/membership", ""},
	}, []string{"group-create-request.json", "group-get-attributes.json", "group.xml", "member-request.json"}, `{"name":"ops"}`, `<group name="ops"/>`)
}

func FuzzAttributesBody(f *testing.F) {
	fuzzBodies(f, []struct{ method, resource, query string }{
		{"POST", "user/attribute", "username=ann"},
		{"GET", "user/attribute", "username=ann"},
		{"POST", "group/attribute", "groupname=devs"},
		{"GET", "group/attribute", "groupname=devs"},
	}, []string{"attributes-request.json", "attributes-request.xml", "attributes-get.json"},
		`{"attributes":[{"name":"a","values":["\ud800",""]},{"name":"a","values":[]}]}`)
}

func FuzzPasswordBody(f *testing.F) {
	fuzzBodies(f, []struct{ method, resource, query string }{
		{"POST", "authentication", "username=ann"}, {"PUT", "user/password", "username=ann"}, {"POST", "user/rename", "username=bob"},
	}, []string{"password-value-request.json", "password-value-request.xml", "user-rename-request.json"}, `{"newName":"zoe"}`, `{"value":1}`)
}

func FuzzSessionBody(f *testing.F) {
	fuzzBodies(f, []struct{ method, resource, query string }{
		{"POST", "session", "duration=60"}, {"POST", "session", "validate-password=false"}, {"POST", "session/x", ""}, {"POST", "webhook", ""},
	}, []string{"session-create-request.json", "session-create-request.xml", "session-validate-request.json"},
		`{"username":"ann","password":"secret"}`, `<authentication-context><username>ann</username><password>secret</password></authentication-context>`,
		`{"endpointUrl":"http://x"}`)
}

func FuzzSearchBody(f *testing.F) {
	fuzzBodies(f, []struct{ method, resource, query string }{
		{"POST", "search", "entity-type=user"}, {"POST", "search", "entity-type=group&expand=group"},
	}, []string{"search-combined-request.json", "search-property-request.xml"}, `{"restriction-type":"null-search-restriction"}`,
		strings.Repeat(`{"restriction-type":"boolean-search-restriction","boolean-logic":"or","restrictions":[`, 300))
}

func FuzzCQL(f *testing.F) {
	for line := range strings.Lines(fixture(f, "search-cql.txt")) {
		f.Add(strings.TrimSpace(line))
	}
	for _, cql := range []string{`name = "*" and (team = red or active = FALSE)`, `createdDate > 2010-12`, `a = "\"\\*`, "((((", `'x'='y'`, "name = *"} {
		f.Add(cql)
	}
	f.Fuzz(func(t *testing.T, cql string) {
		srv := fuzzed()
		for _, entity := range []string{"user", "group"} {
			sound(t, srv, fuzzRequest(t, "GET", "search", "expand="+entity+"&entity-type="+entity+"&restriction="+url.QueryEscape(cql), ""))
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("application/json", "application/xml;q=0.9,*/*;q=.8", "Basic YTpi", "JSESSIONID=x", "192.0.2.1")
	f.Add("text/xml; charset=\"utf-8\"", "*/*;q=x", "Basic !", "=;;", ",,")
	f.Add(";", ",;q=;=", "basic ", "", "::1%eth0")
	f.Fuzz(func(t *testing.T, contentType, accept, authorization, cookie, forwarded string) {
		srv := fuzzed()
		srv.SetOptions(func(o *crowdtest.Options) { o.TrustedProxies = []string{"127.0.0.0/8", forwarded} })
		for _, own := range []bool{true, false} {
			r := fuzzRequest(t, "POST", "group", "", `{"name":"platform"}`)
			r.Header["Content-Type"], r.Header["Accept"], r.Header["Cookie"] = []string{contentType}, []string{accept}, []string{cookie}
			r.Header["X-Forwarded-For"] = []string{forwarded}
			if !own {
				r.Header["Authorization"] = []string{authorization}
			}
			sound(t, srv, r)
		}
	})
}

// fuzzResources are all resources that a query may be sent to.
func fuzzResources() []string {
	return []string{
		"user", "user/rename", "user/attribute", "user/password", "user/mail/password", "user/mail/usernames", "user/avatar",
		"user/expire-all-passwords", "user/group/direct", "user/group/nested", "group", "group/attribute", "group/user/direct",
		"group/user/nested", "group/child-group/direct", "group/child-group/nested", "group/parent-group/direct",
		"group/parent-group/nested", "group/membership", "authentication", "authentication/notify", "session", "search",
		"config/cookie", "event",
	}
}

func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"username=ann", "groupname=devs&username=ann", "key=32769:x", "start-index=1&max-results=-1&groupname=devs", "max-results=9999999999999999999",
		"start-index=-9223372036854775808", "entity-type=user&restriction=name%3Dann", "username=%zz", "username=a+b;c", "expand=user.attributes,group&&=",
		"username=ann&attributename=team", "groupname=devs&child-groupname=ops", "duration=-1", "username=%00%ff", "confirm=true",
	} {
		f.Add(query, "GET", `{"name":"ops"}`)
		f.Add(query, "POST", `{"name":"ops","value":"secret","new-name":"zoe"}`)
		f.Add(query, "DELETE", "")
	}
	f.Fuzz(func(t *testing.T, query, method, body string) {
		srv := fuzzed()
		for _, resource := range fuzzResources() {
			if strings.TrimFunc(method, func(r rune) bool { return r >= 'A' && r <= 'Z' }) != "" || method == "" {
				return
			}
			sound(t, srv, fuzzRequest(t, method, resource, query, body))
		}
		intact(t, srv)
	})
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{
		"/crowd/rest/usermanagement/1/session/a%2Fb", "/rest/usermanagement/latest/user/", "/rest/usermanagement/1", "//rest//", "/rest/admin/1.0/x",
		"/crowd/rest/usermanagement/1/event/x:9999999999999999999", "/rest/usermanagement/1/webhook/1", "/%zz/rest/", "/a/rest/b/rest/usermanagement/1/user",
	} {
		f.Add(path, "username=ann")
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		u, err := url.Parse("http://crowd.test/" + strings.TrimPrefix(path, "/"))
		if err != nil {
			return
		}
		srv := fuzzed()
		for _, method := range []string{"GET", "HEAD", "DELETE", "OPTIONS"} {
			r := fuzzRequest(t, method, "", query, "")
			u.RawQuery = query
			r.URL = u
			sound(t, srv, r)
		}
	})
}

func FuzzLoad(f *testing.F) {
	var dump strings.Builder
	if err := fuzzed().Dump(&dump); err != nil {
		f.Fatal(err)
	}
	f.Add(dump.String())
	f.Add(`{"directories":[{"name":"a","id":-1,"passwordPattern":"(","users":[{"name":"x","attributes":{"":null}}]}],"applications":[{"name":"scim","directories":[{"directory":"a"}]}]}`)
	f.Add(`{"directories":[{"name":"a","id":9223372036854775807,"users":[{"name":"x","created":"9999-12-31T00:00:00Z","credential":"$"}]},{"name":"b"}]}`)
	f.Fuzz(func(t *testing.T, doc string) {
		srv := fuzzed()
		if srv.Load(strings.NewReader(doc)) != nil {
			if _, found := srv.User("ann"); !found {
				t.Fatal("a document that was refused changed the state")
			}
			return
		}
		for _, r := range []*http.Request{
			fuzzRequest(t, "GET", "search", "entity-type=user&expand=user", ""),
			fuzzRequest(t, "GET", "group/membership", "", ""),
			fuzzRequest(t, "POST", "user", "", newUser("eve")),
			fuzzRequest(t, "POST", "authentication", "username=x", `{"value":"x"}`),
		} {
			sound(t, srv, r)
		}
		intact(t, srv)
	})
}

func FuzzFaults(f *testing.F) {
	f.Add(`[{"method":"GET","resource":"user*","nth":1,"times":-1,"kind":"answer","status":429,"retryAfter":"1s","params":{"username":"ann"}}]`)
	f.Add(`[{"kind":"delay-request","delay":"1h"},{"kind":"answer-html","status":-5},{"kind":"cut-body","nth":-1,"times":9223372036854775807}]`)
	f.Add(`[{"kind":"land-late","delay":"1ns"},{"kind":"answer","status":99999,"reason":"X"},{"kind":"none"}]`)
	f.Fuzz(func(t *testing.T, doc string) {
		faults, err := crowdtest.ReadFaults(strings.NewReader(doc))
		if err != nil {
			return
		}
		srv := fuzzed()
		for _, fault := range faults {
			fault.Delay = min(fault.Delay, crowdtest.Duration(time.Millisecond))
			srv.Fail(fault)
		}
		for range 3 {
			resp, err := srv.RoundTrip(fuzzRequest(t, "GET", "user", "username=ann", ""))
			if err != nil {
				continue
			}
			if resp.StatusCode < 200 || resp.StatusCode > 599 {
				t.Errorf("status %d", resp.StatusCode)
			}
			_, _ = io.ReadAll(resp.Body) // may be cut
		}
		srv.Land()
	})
}
