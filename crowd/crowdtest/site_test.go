package crowdtest_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// epoch is what the clock of a site shows at first.
func epoch() time.Time { return time.UnixMilli(1700000000000).UTC() }

// A site is a server that a test talks to in plain HTTP.
type site struct {
	t   testing.TB
	srv *crowdtest.Server
	// now is what the server's clock shows.
	now time.Time
	// header is sent along with every request.
	header http.Header
}

// newSite starts a server with a clock of its own, the users ann and bob, whose
// passwords are their names, and the groups devs and ops.
func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, srv: crowdtest.NewServer(t), now: epoch(), header: http.Header{}}
	s.header.Set("Accept", "application/json")
	s.header.Set("Content-Type", "application/json")
	s.set(func(o *crowdtest.Options) { o.Clock = func() time.Time { return s.now } })
	for _, name := range []string{"ann", "bob"} {
		s.srv.AddUser(crowd.User{
			Name: name, FirstName: name, LastName: "Lind", DisplayName: name + " Lind", Email: name + "@example.com", Active: true,
		})
		s.srv.SetPassword(name, crowd.Secret(name))
	}
	s.srv.AddGroup(crowd.Group{Name: "devs", Active: true}, crowd.Group{Name: "ops", Active: true})
	return s
}

func (s *site) set(change func(*crowdtest.Options)) { s.srv.SetOptions(change) }

// accept makes the site talk JSON or XML from now on.
func (s *site) accept(media string) { s.header.Set("Accept", media) }

type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   string
}

// request makes a request for a resource of the user management API.
func (s *site) request(method, resource, body string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.srv.URL+"/rest/usermanagement/1/"+resource, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header = s.header.Clone()
	r.SetBasicAuth(s.srv.Application, s.srv.Password.Reveal())
	return r
}

func (s *site) send(r *http.Request) answer {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{s.t, resp.StatusCode, resp.Header, string(body)}
}

func (s *site) call(method, resource, body string) answer {
	s.t.Helper()
	return s.send(s.request(method, resource, body))
}

// want calls and fails the test where the status is another.
func (s *site) want(status int, method, resource, body string) answer {
	s.t.Helper()
	a := s.call(method, resource, body)
	if a.status != status {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, resource, a.status, status, a.body)
	}
	return a
}

// refused calls, for JSON and for XML, and fails the test where status, reason
// or form of the refusal are others.
func (s *site) refused(status int, reason, method, resource, body string) {
	s.t.Helper()
	for _, media := range []string{"application/json", "application/xml"} {
		r := s.request(method, resource, body)
		r.Header.Set("Accept", media)
		a := s.send(r)
		if got := a.reason(); a.status != status || got != reason {
			s.t.Fatalf("%s %s: %d %s, want %d %s: %s", method, resource, a.status, got, status, reason, a.body)
		}
		if a.header.Get("Content-Type") != media || a.header.Get("X-Embedded-Crowd-Version") == "" {
			s.t.Fatalf("%s %s: headers %v, want the type %s and a version", method, resource, a.header, media)
		}
	}
}

// list returns the names in a list of users or groups, which must be the same
// in JSON and in XML.
func (s *site) list(resource string) string {
	s.t.Helper()
	r := s.request("GET", resource, "")
	r.Header.Set("Accept", "application/json")
	inJSON := s.send(r)
	r = s.request("GET", resource, "")
	r.Header.Set("Accept", "application/xml")
	inXML := s.send(r)
	if inJSON.status != 200 || inXML.status != 200 {
		s.t.Fatalf("GET %s: %d in JSON and %d in XML, want 200: %s", resource, inJSON.status, inXML.status, inJSON.body)
	}
	var names []string
	for _, n := range childNodes(s.t, inXML.body) {
		names = append(names, n.element().Attrs["name"])
	}
	if got := strings.Join(names, " "); got != inJSON.names() {
		s.t.Fatalf("GET %s: %q in XML, %q in JSON", resource, got, inJSON.names())
	}
	return inJSON.names()
}

// unchanged runs f and fails the test where it changed the state.
func (s *site) unchanged(f func()) {
	s.t.Helper()
	before := s.dump()
	f()
	if after := s.dump(); after != before {
		s.t.Fatalf("state changed from\n%s\nto\n%s", before, after)
	}
}

func (s *site) dump() string {
	var b bytes.Buffer
	if err := s.srv.Dump(&b); err != nil {
		s.t.Fatal(err)
	}
	return b.String()
}

// object returns a JSON body.
func (a answer) object() map[string]any {
	a.t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(a.body), &o); err != nil {
		a.t.Fatalf("body is no JSON object: %v: %s", err, a.body)
	}
	return o
}

// at returns what lies at a path of member names in a JSON body.
func (a answer) at(path ...string) any {
	a.t.Helper()
	var v any = a.object()
	for _, name := range path {
		o, isObject := v.(map[string]any)
		if !isObject {
			a.t.Fatalf("nothing at %v in %s", path, a.body)
		}
		v = o[name]
	}
	return v
}

// reason returns the reason of an error entity of either format; without one,
// or without a message, it is empty.
func (a answer) reason() string {
	var e struct {
		XMLName xml.Name `json:"-" xml:"error"`
		Reason  string   `json:"reason" xml:"reason"`
		Message string   `json:"message" xml:"message"`
	}
	err := json.Unmarshal([]byte(a.body), &e)
	if strings.HasPrefix(a.body, "<") {
		err = xml.Unmarshal([]byte(a.body), &e)
	}
	if err != nil || e.Message == "" {
		return ""
	}
	return e.Reason
}

// names returns the names in a list of users or groups.
func (a answer) names() string {
	a.t.Helper()
	var list struct{ Users, Groups []struct{ Name string } }
	if err := json.Unmarshal([]byte(a.body), &list); err != nil {
		a.t.Fatalf("body is no list: %v: %s", err, a.body)
	}
	var names []string
	for _, e := range append(list.Users, list.Groups...) {
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

// attributes returns an attribute list of a JSON body.
func attributes(t testing.TB, list any) map[string][]string {
	t.Helper()
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var entries []struct {
		Name   string
		Values []string
	}
	if err := json.Unmarshal(text, &entries); err != nil {
		t.Fatalf("no attribute list: %v: %s", err, text)
	}
	m := map[string][]string{}
	for _, e := range entries {
		m[e.Name] = e.Values
	}
	return m
}

// with joins a resource and parameters given as names and values.
func with(resource string, params ...string) string {
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	return resource + "?" + q.Encode()
}

// newUser is the body that creates a user of that name.
func newUser(name string) string {
	text, _ := json.Marshal(map[string]any{
		"name": name, "first-name": "F", "last-name": "L", "display-name": "F L", "email": "f@example.com",
		"active": true, "password": map[string]any{"value": "secret"},
	})
	return string(text)
}

func named(name string) string {
	text, _ := json.Marshal(map[string]any{"name": name})
	return string(text)
}

func mustParse(t testing.TB, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
