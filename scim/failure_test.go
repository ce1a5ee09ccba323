package scim_test

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// TestCrowdFailures checks what the identity provider hears when Crowd fails:
// a status it acts upon, a detail an administrator can act upon, no secret.
func TestCrowdFailures(t *testing.T) {
	requests := map[string]struct{ method, path, body string }{
		"read":   {"GET", "/Users/{id}", ""},
		"list":   {"GET", "/Users", ""},
		"search": {"GET", "/Users?filter=userName+eq+%22ann%22", ""},
		"create": {"POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bob"}`},
		"update": {"PATCH", "/Users/{id}", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"New"}]}`},
		"delete": {"DELETE", "/Users/{id}", ""},
		"groups": {"GET", "/Groups", ""},
		"group":  {"POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"devs"}`},
	}
	faults := map[string]struct {
		fault  crowdtest.Fault
		status int
		detail string
	}{
		"no connection":     {crowdtest.Fault{Kind: crowdtest.LoseRequest}, 503, "later"},
		"server error":      {crowdtest.Fault{Kind: crowdtest.Answer, Status: 500}, 503, "later"},
		"maintenance":       {crowdtest.Fault{Kind: crowdtest.Answer, Status: 503}, 503, "later"},
		"too many requests": {crowdtest.Fault{Kind: crowdtest.Answer, Status: 429}, 503, "later"},
		"wrong password":    {crowdtest.Fault{Kind: crowdtest.Answer, Status: 401}, 500, "application name or password"},
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBridge(t)
			id := b.user("ann")
			for what, r := range requests {
				f.fault.Times = -1
				b.crowd.Fail(f.fault)
				a := b.do(r.method, strings.ReplaceAll(r.path, "{id}", id), r.body)
				b.crowd.ClearFaults()
				if a.status != f.status || !strings.Contains(a.string("detail"), f.detail) {
					t.Errorf("%s: %d %q, want %d with %q", what, a.status, a.string("detail"), f.status, f.detail)
				}
				seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
				if (f.status == 503) != (err == nil && seconds > 0) {
					t.Errorf("%s: Retry-After = %q", what, a.header.Get("Retry-After"))
				}
				if strings.Contains(a.text, crowdtest.DefaultPassword.Reveal()) {
					t.Errorf("%s: the answer holds the application's password", what)
				}
			}
			if got := b.want(200, "GET", "/Users/"+id, "").string("displayName"); got != "Display" {
				t.Errorf("something was written: displayName is %q", got)
			}
			if _, ok := b.crowd.User("bob"); ok {
				t.Error("a user was made")
			}
		})
	}
}

// TestFailureHasNoAddress checks that an error does not carry the headers of the
// answer it came instead of.
func TestFailureHasNoAddress(t *testing.T) {
	b := newBridge(t)
	devs := b.group("devs", b.user("ann"))
	b.crowd.Fail(crowdtest.Fault{Nth: 2, Times: -1, Kind: crowdtest.Answer, Status: 500})
	a := b.want(503, "GET", "/Groups/"+devs, "")
	for _, name := range []string{"Location", "Content-Location", "ETag"} {
		if value := a.header.Get(name); value != "" {
			t.Errorf("%s = %q", name, value)
		}
	}
}

// TestPermission checks the detail for the administrator where the application
// lacks a permission.
func TestPermission(t *testing.T) {
	b := newBridge(t)
	b.crowd.SetApplication(crowdtest.Application{
		Name: b.crowd.Application, Password: b.crowd.Password,
		Directories: []crowdtest.Mapping{{Directory: crowdtest.DefaultDirectory, Denied: []crowdtest.Operation{crowdtest.AddUser}}},
	})
	a := b.do("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bob"}`)
	if a.status != 500 || !strings.Contains(a.string("detail"), "permission") {
		t.Errorf("answer = %d %s, want 500 with the permission", a.status, a.text)
	}
}

type panicking struct{}

func (panicking) Authenticate(*http.Request) (scim.Principal, error) { panic("boom") }

// TestPanic checks that a panic is an answer to the one request that caused it.
func TestPanic(t *testing.T) {
	b := newBridge(t, func(b *bridge) { b.cfg.Auth = panicking{} })
	a := b.do("GET", "/Users", "")
	if a.status != 500 || a.string("status") != "500" || strings.Contains(a.text, "boom") {
		t.Errorf("answer = %d %s, want a SCIM error without the panic's text", a.status, a.text)
	}
}

// A brokenDirectory is a Crowd client with a fault in the program.
type brokenDirectory struct{ groupsync.Directory }

func (brokenDirectory) Members(context.Context, string, crowd.List) iter.Seq2[*crowd.User, error] {
	return func(func(*crowd.User, error) bool) { panic("boom") }
}

// TestPanicInBackground checks the same of what is read ahead of being written,
// and of one operation among others.
func TestPanicInBackground(t *testing.T) {
	b := newBridge(t)
	b.crowd.AddUser(crowd.User{Name: "ann", Active: true})
	b.crowd.AddGroup(crowd.Group{Name: "devs", Active: true}, crowd.Group{Name: "ops", Active: true})
	b.crowd.AddMember("devs", "ann")
	b.wrap = func(d groupsync.Directory) groupsync.Directory { return brokenDirectory{d} }
	b.restart()
	for _, path := range []string{"/Groups", "/Groups?excludedAttributes=id", "/Groups/n-ZGV2cw"} {
		if a := b.do("GET", path, ""); a.status != 500 || a.string("status") != "500" || strings.Contains(a.text, "boom") {
			t.Errorf("%s = %d %s, want a SCIM error without the panic's text", path, a.status, a.text)
		}
	}
	b.want(200, "GET", "/Groups?excludedAttributes=members", "")
}
