package crowdtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// TestMisuse calls methods in ways that only a mistake in a test can explain.
func TestMisuse(t *testing.T) {
	for want, f := range map[string]func(s *crowdtest.Server){
		`crowdtest: add directory "Crowd": the name is taken`: func(s *crowdtest.Server) { s.AddDirectory(crowdtest.Directory{Name: "Crowd"}) },
		`crowdtest: there is no directory "none"`:             func(s *crowdtest.Server) { s.In("none") },
		`crowdtest: there is no application "none"`:           func(s *crowdtest.Server) { s.UpdateApplication("none", nil) },
		`crowdtest: there is no user "none"`:                  func(s *crowdtest.Server) { s.SetPassword("none", "x") },
		`crowdtest: there is no group "none"`:                 func(s *crowdtest.Server) { s.AddMember("none", "ann") },
		`crowdtest: add user "ANN": the name or key is taken`: func(s *crowdtest.Server) { s.AddUser(crowd.User{Name: "ANN"}) },
		`crowdtest: add group "Devs": the name is taken`:      func(s *crowdtest.Server) { s.AddGroup(crowd.Group{Name: "Devs"}) },
		`crowdtest: add user " ": invalid name: it is blank`:  func(s *crowdtest.Server) { s.AddUser(crowd.User{Name: " "}) },
		`crowdtest: add group " ": invalid name: it is blank`: func(s *crowdtest.Server) { s.AddGroup(crowd.Group{Name: " "}) },
	} {
		srv := fuzzed()
		got := func() (text string) {
			defer func() { text = fmt.Sprint(recover()) }()
			f(srv)
			return ""
		}()
		if !strings.HasPrefix(got, want) {
			t.Errorf("panics with %q, want %q", got, want)
		}
		srv.AddUser(crowd.User{Name: "after"}) // no lock is left
	}
}

func TestUpdateApplication(t *testing.T) {
	s := newSite(t)
	s.srv.AddDirectory(crowdtest.Directory{Name: "second"})
	if diff := cmp.Diff([]string{"Crowd", "second"}, s.srv.Directories()); diff != "" {
		t.Errorf("directories mismatch (-want +got):\n%s", diff)
	}
	s.srv.In("second").AddUser(crowd.User{Name: "two"})
	s.want(200, "GET", "user?username=two", "")
	s.srv.UpdateApplication(s.srv.Application, func(a *crowdtest.Application) {
		a.Directories = append(a.Directories, crowdtest.Mapping{Directory: "Crowd"})
	})
	s.refused(404, "USER_NOT_FOUND", "GET", "user?username=two", "")
	s.srv.UpdateApplication(s.srv.Application, func(a *crowdtest.Application) { a.Password = "other" })
	s.want(401, "GET", "user?username=ann", "")
}

func TestWebhooks(t *testing.T) {
	s := newSite(t)
	register := func(endpoint string) string {
		return s.want(201, "POST", "webhook", `{"endpointUrl":"`+endpoint+`"}`).at("id").(string)
	}
	first, second := register("https://a.example.com"), register("https://b.example.com")
	s.want(204, "DELETE", "webhook/"+first, "")
	third := register("https://c.example.com")
	for id, want := range map[string]string{second: "https://b.example.com", third: "https://c.example.com"} {
		if got := s.want(200, "GET", "webhook/"+id, "").at("endpointUrl"); got != want {
			t.Errorf("webhook %s calls %v, want %s", id, got, want)
		}
	}
	s.refused(404, "WEBHOOK_NOT_FOUND", "GET", "webhook/"+first, "")
	s.refused(404, "WEBHOOK_NOT_FOUND", "DELETE", "webhook/"+first, "")
	s.refused(400, "ILLEGAL_ARGUMENT", "POST", "webhook", `{}`)
}

func TestAvatar(t *testing.T) {
	s := newSite(t)
	s.want(404, "GET", "user/avatar?username=ann&s=48", "")
	s.refused(404, "USER_NOT_FOUND", "GET", "user/avatar?username=nobody", "")
}

// TestHead asks for headers alone, with and without a network.
func TestHead(t *testing.T) {
	s := newSite(t)
	for _, transport := range []http.RoundTripper{http.DefaultTransport, s.srv} {
		resp, err := transport.RoundTrip(s.request("HEAD", "user?username=ann", ""))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || len(body) > 0 || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%T: %d %v %q %v", transport, resp.StatusCode, resp.Header, body, err)
		}
		resp.Body.Close()
	}
}

func TestLongBody(t *testing.T) {
	s := newSite(t)
	long := strings.Repeat(" ", 16<<20) + named("platform")
	if status, _, err := roundTrip(t.Context(), s.srv, "POST", "group", long); status != 413 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
	if _, found := s.srv.Group("platform"); found {
		t.Error("a body that is too long has an effect")
	}
}

func TestClosedBody(t *testing.T) {
	resp, err := fuzzed().RoundTrip(fuzzRequest(t, "GET", "user", "username=ann", ""))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a closed body gives %d bytes, %v", n, err)
	}
}

func TestEndedContext(t *testing.T) {
	srv := fuzzed()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := roundTrip(ctx, srv, "POST", "group", named("platform")); err == nil {
		t.Error("a call whose context has ended is answered")
	}
	if _, found := srv.Group("platform"); found {
		t.Error("a call whose context has ended has an effect")
	}
}

// TestContract04Addresses asks from addresses that no test has.
func TestContract04Addresses(t *testing.T) {
	for _, c := range []struct {
		list string
		from string
		want int
	}{
		{"192.0.2.1", "192.0.2.1:1234", 200},
		{"192.0.2.1", "192.0.2.2:1234", 403},
		{"192.0.2.0/24", "192.0.2.77:1234", 200},
		{"192.0.2.0/24", "192.0.3.77:1234", 403},
		{"192.0.2.1", "[::ffff:192.0.2.1]:1234", 200},
		{"2001:db8::/32", "[2001:db8::7]:1234", 200},
		{"2001:db8::7", "[2001:0db8:0::7]:1234", 200},
		{"localhost", "[::1]:1234", 200},
		{"localhost", "192.0.2.1:1234", 403},
		{"crowd.example.com", "crowd.example.com", 200},
		{"not an address/99", "192.0.2.1:1234", 403},
	} {
		srv := fuzzed()
		srv.UpdateApplication(srv.Application, func(a *crowdtest.Application) { a.Addresses = []string{c.list} })
		r := fuzzRequest(t, "GET", "user", "username=ann", "")
		r.RemoteAddr = c.from
		resp, err := srv.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.want {
			t.Errorf("list %s, from %s: %d, want %d", c.list, c.from, resp.StatusCode, c.want)
		}
	}
}

// TestContract46ManyUsers searches a directory that is large enough for the
// indexes to be used.
func TestContract46ManyUsers(t *testing.T) {
	s := newSite(t)
	s.srv.Reset()
	for i := range 60 {
		s.srv.AddUser(crowd.User{
			Name: fmt.Sprintf("u%02d", i), Email: fmt.Sprintf("U%d@example.com", i/20), FirstName: fmt.Sprint("F", i), Active: i%2 == 0,
			Attributes: crowd.Attributes{"team": {fmt.Sprint("T", i/3)}},
		})
	}
	search := func(cql string) string { return s.list(with("search", "entity-type", "user", "restriction", cql)) }
	for range 2 {
		for cql, want := range map[string]string{
			"team = t5":                                     "u15 u16 u17",
			"team = t5 or name = u16 or name = u01":         "u01 u15 u16 u17",
			"name = u3* and active = true":                  "u30 u32 u34 u36 u38",
			"firstName = f7 or firstName = f8":              "u07 u08",
			"email = u1@example.com and name = u2*":         "u20 u21 u22 u23 u24 u25 u26 u27 u28 u29",
			"team = t1* and active = false and name = u3*":  "u31 u33 u35 u37 u39",
			"(team = t0 or team = t19) and firstName = f58": "u58",
			"name = nobody or team = nothing":               "",
		} {
			if got := search(cql); got != want {
				t.Errorf("%s: %q, want %q", cql, got, want)
			}
		}
		s.set(func(o *crowdtest.Options) { o.AllowEmailChange = true })
		s.want(204, "PUT", "user?username=u07", `{"name":"u07","first-name":"F7","email":"U1@example.com","active":false}`)
		s.want(200, "POST", "user/rename?username=u16", `{"new-name":"U16"}`)
		s.want(200, "POST", "user/rename?username=u16", `{"new-name":"u16"}`)
	}
	s.want(204, "DELETE", "user?username=u16", "")
	s.want(204, "DELETE", "user/attribute?username=u15&attributename=team", "")
	if got := search("team = t5 or team = t6"); got != "u17 u18 u19 u20" {
		t.Errorf("after writes: %q", got)
	}
	if got := search("firstName = f7 and email = u1@example.com"); got != "u07" {
		t.Errorf("after an update: %q", got)
	}
}
