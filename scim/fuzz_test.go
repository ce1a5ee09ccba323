package scim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// A target is a handler to be fuzzed, on a fake Crowd without sockets that is
// as it was before every input.
type target struct {
	t     failer
	crowd *crowdtest.Server
	h     *scim.Handler
	token string
	ann   string
	devs  string
}

// A failer is a test, a fuzz target or a rapid check.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func newTarget(t failer, p ...scim.Provider) *target {
	t.Helper()
	g := &target{t: t, crowd: &crowdtest.Server{}}
	client, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: crowdtest.DefaultApplication,
		Password: crowdtest.DefaultPassword, HTTPClient: &http.Client{Transport: g.crowd},
	})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := groupsync.New(groupsync.Config{Connection: "fuzz", Crowd: client})
	if err != nil {
		t.Fatal(err)
	}
	secret, token := scim.NewToken()
	auth, err := scim.Tokens(token)
	if err != nil {
		t.Fatal(err)
	}
	g.token = secret.Reveal()
	cfg := scim.Config{Engine: engine, Auth: auth, BaseURL: "https://bridge.example.com/scim/v2"}
	if len(p) > 0 {
		cfg.Provider = p[0]
	}
	if g.h, err = scim.New(cfg); err != nil {
		t.Fatal(err)
	}
	g.reset()
	return g
}

// reset puts Crowd back to one user and one group.
func (g *target) reset() {
	g.crowd.Reset()
	id := func(path, body string) string {
		w := g.send("POST", path, body)
		var made struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || made.ID == "" {
			g.t.Fatalf("POST %s: %d %s", path, w.Code, w.Body)
		}
		return made.ID
	}
	g.ann = id("/Users", `{`+userSchemas+`,"userName":"ann","emails":[{"value":"ann@example.com","type":"work","primary":true}]}`)
	g.devs = id("/Groups", `{`+groupSchemas+`,"displayName":"devs","members":[{"value":"`+g.ann+`"}]}`)
	g.crowd.ResetCalls()
}

func (g *target) send(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", strings.NewReader(body))
	r.Method = method
	path, r.URL.RawQuery, _ = strings.Cut(path, "?")
	r.URL.Path = path
	r.Header.Set("Authorization", "Bearer "+g.token)
	return g.serve(r)
}

func (g *target) serve(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.h.ServeHTTP(w, r)
	return w
}

// check holds what is true of every answer, whatever was sent: it is never a
// failure of the server, it is JSON, an error has a detail, and what is refused
// changed nothing in Crowd; where the refusal needs no look at the resource,
// Crowd was not even asked.
func (g *target) check(w *httptest.ResponseRecorder) {
	g.t.Helper()
	if w.Code >= 500 && w.Code != http.StatusNotImplemented {
		g.t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
		g.t.Fatalf("status %d: the body is no JSON: %s", w.Code, w.Body)
	}
	if w.Code < 400 {
		return
	}
	var body struct{ Detail, Status, ScimType string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); w.Body.Len() > 0 && (err != nil || body.Detail == "") {
		g.t.Fatalf("status %d without a detail: %s", w.Code, w.Body)
	}
	if n := utf8.RuneCountInString(body.Detail); n > longestDetail {
		g.t.Fatalf("status %d with a detail of %d characters: %s", w.Code, n, w.Body)
	}
	if calls := g.crowd.Calls(); len(calls) > 0 && unread(body.ScimType) {
		g.t.Fatalf("%s after %s %s", body.ScimType, calls[0].Method, calls[0].Resource)
	}
	for _, c := range g.crowd.Calls() {
		switch w.Code {
		case 400, 404, 412:
			if c.Method != "GET" && c.Resource != "search" {
				g.t.Fatalf("status %d after %s %s", w.Code, c.Method, c.Resource)
			}
		case 401, 405, 406, 413, 414, 415, 501:
			g.t.Fatalf("status %d after %s %s", w.Code, c.Method, c.Resource)
		}
	}
}

// longestDetail is more than any detail needs that repeats a request in excerpts.
const longestDetail = 1000

// unread reports whether a refusal is about the request alone: no resource needs
// to be read for it.
func unread(scimType string) bool {
	switch scimType {
	case "invalidSyntax", "invalidFilter", "invalidPath", "invalidCursor", "invalidCount":
		return true
	}
	return false
}

// bodies returns the bodies of the scenarios of all identity providers.
func bodies(f *testing.F, method, path string) []string {
	f.Helper()
	files, err := filepath.Glob("testdata/idp/*/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no scenarios: %v", err)
	}
	var found []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var s scenario
		if err := json.Unmarshal(data, &s); err != nil {
			f.Fatal(err)
		}
		for _, st := range s.Steps {
			if st.Method == method && strings.HasPrefix(st.Path, path) && len(st.Body) > 4 {
				found = append(found, string(st.Body))
			}
		}
	}
	if len(found) == 0 {
		f.Fatalf("no scenario has a %s %s", method, path)
	}
	return found
}

func FuzzRequestLine(f *testing.F) {
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", ""} {
		for _, path := range []string{
			"/", "", "//Users/", "/Users?count=1&startIndex=2", "/Users/a/b", "/Users/ANN", "/Groups/DEVS?attributes=members.value", "/Me", "/Bulk",
			"/Users/.search", "/Schemas/urn:x", "/ResourceTypes/User/", "/Users?filter=a;b&sortBy=%zz", "/Users?cursor=e30", "/Groups?excludedAttributes=members",
			"/Users?aadOptscim062020", "/Users/%00", "/ServiceProviderConfig?",
		} {
			f.Add(method, path)
		}
	}
	g := newTarget(f)
	f.Fuzz(func(t *testing.T, method, path string) {
		g.t = t
		g.reset()
		path = strings.NewReplacer("ANN", g.ann, "DEVS", g.devs).Replace(path)
		g.check(g.send(method, path, ""))
	})
}

func FuzzQuery(f *testing.F) {
	for _, filter := range []string{
		`userName eq "ann"`, `emails[type eq "work" and value co "@"] or not (active eq false)`, `meta.created gt "2020-01-01T00:00:00Z"`,
		`members.value eq "x"`, `userName sw "a*"`, `userName eq ann`, `(((`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr`, `externalId eq ""`,
	} {
		f.Add(filter, "userName", "descending", "1", "1", "emails.value")
	}
	f.Add("", "emails", "", "-1", "99999999999999999999", "urn:ietf:params:scim:schemas:core:2.0:User")
	g := newTarget(f)
	f.Fuzz(func(t *testing.T, filter, sortBy, order, start, count, attributes string) {
		g.t = t
		values := url.Values{"filter": {filter}, "sortBy": {sortBy}, "sortOrder": {order}, "startIndex": {start}, "count": {count}, "attributes": {attributes}}
		for _, path := range []string{"/Users", "/Groups", "/"} {
			g.crowd.ResetCalls()
			g.check(g.send("GET", path+"?"+values.Encode(), ""))
		}
		search, err := json.Marshal(map[string]any{
			"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}, "filter": filter, "sortBy": sortBy, "cursor": start, "attributes": []string{attributes},
		})
		if err != nil {
			t.Fatal(err)
		}
		g.crowd.ResetCalls()
		g.check(g.send("POST", "/.search", string(search)))
	})
}

func FuzzUserBody(f *testing.F) {
	for _, body := range append(bodies(f, "POST", "/Users"), bodies(f, "PUT", "/Users")...) {
		f.Add(body)
	}
	g := newTarget(f)
	f.Fuzz(func(t *testing.T, body string) {
		g.t = t
		g.reset()
		g.check(g.send("POST", "/Users", body))
		g.crowd.ResetCalls()
		g.check(g.send("PUT", "/Users/"+g.ann, body))
	})
}

func FuzzGroupBody(f *testing.F) {
	for _, body := range append(bodies(f, "POST", "/Groups"), bodies(f, "PUT", "/Groups")...) {
		f.Add(body)
	}
	g := newTarget(f)
	f.Fuzz(func(t *testing.T, body string) {
		g.t = t
		g.reset()
		g.check(g.send("POST", "/Groups", body))
		g.crowd.ResetCalls()
		g.check(g.send("PUT", "/Groups/"+g.devs, body))
	})
}

func FuzzPatch(f *testing.F) {
	for _, body := range append(bodies(f, "PATCH", "/Users"), bodies(f, "PATCH", "/Groups")...) {
		f.Add(body)
	}
	g := newTarget(f)
	f.Fuzz(func(t *testing.T, body string) {
		g.t = t
		g.reset()
		body = strings.NewReplacer("{{user1.id}}", g.ann, "{{group1.id}}", g.devs).Replace(body)
		g.check(g.send("PATCH", "/Users/"+g.ann, body))
		g.crowd.ResetCalls()
		g.check(g.send("PATCH", "/Groups/"+g.devs, body))
	})
}

func FuzzBulk(f *testing.F) {
	const head = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`
	for _, operations := range []string{
		`{"method":"POST","path":"/Users","bulkId":"a","data":{` + userSchemas + `,"userName":"bob"}},{"method":"POST","path":"/Groups","bulkId":"b","data":{` + groupSchemas + `,"displayName":"x","members":[{"value":"bulkId:a"}]}}`,
		`{"method":"PATCH","path":"/Users/ANN","data":` + patch(`{"op":"replace","path":"title","value":"x"}`) + `},{"method":"DELETE","path":"/Groups/DEVS"}`,
		`{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"bulkId:b"}},{"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"bulkId:a"}}`,
		`{"method":"POST","path":"/Users","bulkId":"a","data":{` + userSchemas + `,"userName":"bob"}},{"method":"PATCH","path":"/Groups/DEVS","data":{` + patchSchemas + `,"Operations":[{"op":"remove","path":"members[value eq \"bulkId:a\" or value eq \"bulkId:\\u0061\"]"}]}}`,
		`{"method":"POST","path":"/Users","bulkId":"a","data":{` + userSchemas + `,"userName":"bob","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"$ref":"../Users/bulkId:a"}}}}`,
		`{"method":"PUT","path":"https://bridge.example.com/scim/v2/Users/bulkId:a","version":"W/\"x\"","data":{}},5`,
	} {
		f.Add(head + operations + `]}`)
	}
	g := newTarget(f)
	f.Fuzz(func(t *testing.T, body string) {
		g.t = t
		g.reset()
		body = strings.NewReplacer("ANN", g.ann, "DEVS", g.devs).Replace(body)
		w := g.send("POST", "/Bulk", body)
		g.check(w)
		var answer struct {
			Operations []struct{ Status string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		for _, op := range answer.Operations {
			if strings.HasPrefix(op.Status, "5") || len(op.Status) != 3 {
				t.Fatalf("an operation's status is %q: %s", op.Status, w.Body)
			}
		}
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("Bearer x", "application/scim+json", "*/*", `W/"x"`, "*", "identity", "abc")
	f.Add("Basic eDp5", "application/json; charset=latin1", "text/html;q=0", "*", `"a", W/"b"`, "gzip", strings.Repeat("a", 100))
	f.Add("TOKEN", "text/plain; =", ",;q=x", `,`, "", "", "\x00")
	g := newTarget(f)
	f.Fuzz(func(t *testing.T, authorization, contentType, accept, ifMatch, ifNoneMatch, encoding, request string) {
		g.t = t
		for _, valid := range []bool{false, true} {
			g.reset()
			if !valid {
				// A handler of its own each time: failures are answered ever more slowly.
				*g = *newTarget(t)
			}
			r := httptest.NewRequest("PATCH", "/Users/"+g.ann, strings.NewReader(patch(`{"op":"replace","path":"title","value":"x"}`)))
			for name, value := range map[string]string{
				"Authorization": authorization, "Content-Type": contentType, "Accept": accept, "If-Match": ifMatch,
				"If-None-Match": ifNoneMatch, "Content-Encoding": encoding, "X-Request-Id": request,
			} {
				r.Header.Set(name, value)
			}
			if valid {
				r.Header.Set("Authorization", "Bearer "+g.token)
			}
			w := g.serve(r)
			g.check(w)
			if !valid && w.Code != http.StatusUnauthorized {
				t.Fatalf("status %d without a valid token", w.Code)
			}
		}
	})
}
