package scim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim"
)

// A stream is a bridge that takes one request after the other, whatever the
// answers are.
type stream struct {
	*bridge
	saved map[string]string
}

func newStream(t *testing.T, p scim.Provider, change ...func(*bridge)) *stream {
	t.Helper()
	return &stream{newBridge(t, append([]func(*bridge){provider(p)}, change...)...), map[string]string{}}
}

// request sends a request straight to the handler, with a User-Agent of nobody
// unless there is one among the headers.
func (s *stream) request(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("User-Agent", "Client/1.0")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.handler.Load().ServeHTTP(w, r)
	return w
}

func (s *stream) play(scenarios ...scenario) {
	s.t.Helper()
	for _, sc := range scenarios {
		for _, st := range sc.Steps {
			s.step(st)
		}
	}
}

func (s *stream) step(st step) {
	s.t.Helper()
	fill := func(text string) string {
		for name, value := range s.saved {
			text = strings.ReplaceAll(text, "{{"+name+"}}", value)
		}
		return text
	}
	body := ""
	if string(st.Body) != "null" {
		body = fill(string(st.Body))
	}
	var headers []string
	for name, value := range st.Headers {
		if value != nil {
			headers = append(headers, name+": "+*value)
		}
	}
	w := s.request(st.Method, fill(st.Path), body, headers...)
	var doc any
	if json.Unmarshal(w.Body.Bytes(), &doc) == nil {
		for name, pointer := range st.Save {
			if value, ok := resolve(doc, pointer); ok {
				s.saved[name] = fmt.Sprint(value)
			}
		}
	}
}

// codes lists what kinds of findings there are.
func (s *stream) codes() []string {
	codes := []string{}
	for _, f := range s.handler.Load().Findings() {
		if f.Problem == "" || f.Remedy == "" || f.Time.IsZero() {
			s.t.Errorf("finding without a part: %+v", f)
		}
		codes = append(codes, f.Code)
	}
	return codes
}

// scenariosOf reads the scenarios of a provider, those that have none of the
// words in their names.
func scenariosOf(t *testing.T, p scim.Provider, without ...string) []scenario {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata/idp", string(p), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no scenarios: %v", p, err)
	}
	var list []scenario
	for _, file := range files {
		if !slices.ContainsFunc(without, func(word string) bool { return strings.Contains(file, word) }) {
			list = append(list, readScenario(t, file))
		}
	}
	return list
}

// known lists the providers that stand for a product.
func known() []scim.Provider {
	return slices.DeleteFunc(scim.Providers(), func(p scim.Provider) bool { return p == scim.Generic || p == scim.Strict })
}

// unlike lists the scenarios that an app set up well would not send.
func unlike(p scim.Provider) []string {
	if p == scim.Okta {
		return []string{"wizard-app"}
	}
	return nil
}

// silent reports whether nothing a provider is known to send gives it away.
// Rippling's requests are those that everybody sends; only its name in the
// User-Agent would tell.
func silent(p scim.Provider) bool { return p == scim.Rippling }

// TestRecognised plays each provider's requests under its own name: it is
// recognised, and there is nothing to find.
func TestRecognised(t *testing.T) {
	for _, p := range known() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			s := newStream(t, p)
			s.play(scenariosOf(t, p, unlike(p)...)...)
			want := p
			if silent(p) {
				want = ""
			}
			if got := s.handler.Load().Recognised(); got != want {
				t.Errorf("recognised %q, want %q", got, want)
			}
			if diff := cmp.Diff([]string{}, s.codes()); diff != "" {
				t.Errorf("findings (-want +got):\n%s\n%+v", diff, s.handler.Load().Findings())
			}
		})
	}
}

// TestEachScenario plays each scenario alone: it is never taken for another
// provider's, and finds what it was made to show.
func TestEachScenario(t *testing.T) {
	for _, p := range known() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			for _, sc := range scenariosOf(t, p) {
				s := newStream(t, p)
				s.play(sc)
				if got := s.handler.Load().Recognised(); got != p && got != "" {
					t.Errorf("%s: taken for %s", sc.Name, got)
				}
				want := []string{}
				if p == scim.Okta && strings.Contains(strings.ToLower(sc.Name), "wizard") {
					want = []string{"put-for-patch"}
				}
				if diff := cmp.Diff(want, s.codes()); diff != "" {
					t.Errorf("%s: findings (-want +got):\n%s", sc.Name, diff)
				}
			}
		})
	}
}

// TestWrongProvider plays each provider's requests under the names of others.
func TestWrongProvider(t *testing.T) {
	for i, p := range known() {
		scenarios := scenariosOf(t, p)
		for _, setting := range []scim.Provider{known()[(i+1)%len(known())], known()[(i+5)%len(known())], scim.Strict, scim.Generic} {
			t.Run(fmt.Sprintf("%s under %s", p, setting), func(t *testing.T) {
				t.Parallel()
				s := newStream(t, setting)
				s.play(scenarios...)
				want := setting != scim.Generic && !silent(p)
				i := slices.Index(s.codes(), "wrong-provider")
				if (i >= 0) != want {
					t.Fatalf("findings %v, wrong-provider among them wanted: %t", s.codes(), want)
				}
				if i < 0 {
					return
				}
				problem := s.handler.Load().Findings()[i].Problem
				if !strings.Contains(problem, "those of "+string(p)+",") || !strings.Contains(problem, "set to "+string(setting)) {
					t.Errorf("problem = %s", problem)
				}
			})
		}
	}
}

func TestUserAgents(t *testing.T) {
	for agent, want := range map[string]scim.Provider{
		"Okta SCIM Client 1.0.0": scim.Okta, "Rippling/2": scim.Rippling, "PingFederate": scim.Ping, "Idaptive": scim.CyberArk,
		"authentik/2026.1": scim.Authentik, "curl/8": "", "shipping": "",
	} {
		s := newStream(t, scim.Generic)
		s.request("GET", "/Users?count=1", "", "User-Agent: "+agent, "Authorization: Bearer wrong")
		if got := s.handler.Load().Recognised(); got != "" {
			t.Errorf("%s without a valid token: recognised %q", agent, got)
		}
		s.request("GET", "/Users?count=1", "", "User-Agent: "+agent)
		if got := s.handler.Load().Recognised(); got != want {
			t.Errorf("%s: recognised %q, want %q", agent, got, want)
		}
	}
}

// TestUndecidedProvider sends the signs of two: neither is recognised.
func TestUndecidedProvider(t *testing.T) {
	for range 5 { // in whatever order the table is gone through
		s := newStream(t, scim.Generic)
		for i, id := range []string{"66aa1f20c0c418f2d05e53aa", "114400990011223344556"} {
			s.request("POST", "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"u%d","externalId":%q}`, i, id))
		}
		if got := s.handler.Load().Recognised(); got != "" || len(s.codes()) > 0 {
			t.Errorf("recognised %q, findings %v", got, s.codes())
		}
	}
}

// TestEntraFlag tells a tenant URL without its flag from one that has it.
func TestEntraFlag(t *testing.T) {
	older := []string{"-flag", "lowercase-op", "remove-all", "replace-members-one", "subattribute"}
	for name, test := range map[string]struct {
		scenarios []scenario
		setting   scim.Provider
		want      []string
	}{
		"without":                {scenariosOf(t, scim.Entra, older...), scim.Entra, []string{"entra-flag"}},
		"without, under generic": {scenariosOf(t, scim.Entra, older...), scim.Generic, []string{"entra-flag"}},
		"with":                   {scenariosOf(t, scim.Entra), scim.Entra, []string{}},
		"in the query":           {append(scenariosOf(t, scim.Entra, "-flag.", "-flag-b")[34:35], scenariosOf(t, scim.Entra, older...)...), scim.Entra, []string{}},
		"on demand only":         {scenariosOf(t, scim.Entra)[40:], scim.Entra, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStream(t, test.setting)
			s.play(test.scenarios...)
			if diff := cmp.Diff(test.want, s.codes()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPutForPatch plays a change by PUT under each provider.
func TestPutForPatch(t *testing.T) {
	group := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Crew"}`
	user := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"mara","active":true}`
	patches := map[scim.Provider]string{
		scim.Okta: "groups", scim.Entra: "users and groups", scim.OneLogin: "groups", scim.CyberArk: "groups",
		scim.Rippling: "groups", scim.Authentik: "groups",
	}
	for _, p := range scim.Providers() {
		s := newStream(t, p)
		s.request("PUT", "/Groups/"+s.group("Crew"), group)
		s.request("PUT", "/Users/"+s.user("mara"), user)
		found := s.handler.Load().Findings()
		what, want := patches[p]
		if !want {
			if len(found) != 0 {
				t.Errorf("%s: %+v", p, found)
			}
			continue
		}
		if len(found) == 0 || found[0].Code != "put-for-patch" || !strings.HasPrefix(found[len(found)-1].Problem, what+" are changed by PUT") {
			t.Errorf("%s: findings %+v, want put-for-patch of %s", p, found, what)
		}
	}
}

func TestTokenFindings(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	clock := func(b *bridge) { b.cfg.Now = func() time.Time { return now } }
	tests := map[string]struct {
		end    time.Time
		header string // in front of the token
		want   []string
	}{
		"no end":             {time.Time{}, "Bearer ", []string{}},
		"far":                {now.Add(31 * 24 * time.Hour), "Bearer ", []string{}},
		"near":               {now.Add(29 * 24 * time.Hour), "Bearer ", []string{"token-expiring"}},
		"over":               {now.Add(-time.Hour), "Bearer ", []string{"token-expired"}},
		"alone":              {time.Time{}, "", []string{"token-alone"}},
		"alone and nonsense": {time.Time{}, "x", []string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			secret, token := scim.NewToken()
			token.ID, token.NotAfter = "spring", test.end
			auth, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: []scim.Token{token}, Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			s := newStream(t, scim.Generic, clock, func(b *bridge) { b.cfg.Auth = auth })
			for range 3 {
				s.request("GET", "/ServiceProviderConfig", "", "Authorization: "+test.header+secret.Reveal())
			}
			if diff := cmp.Diff(test.want, s.codes()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			for _, f := range s.handler.Load().Findings() {
				if strings.Contains(fmt.Sprint(f), secret.Reveal()[10:]) || (test.header != "" && !strings.Contains(f.Problem, `"spring"`)) {
					t.Errorf("finding %+v", f)
				}
			}
		})
	}
}

func TestAddressFindings(t *testing.T) {
	for path, want := range map[string]string{
		"/v2/Users": `below "/v2"`, "/scim/v2/Groups/1": `below "/scim/v2"`, "/Users/Users": "", "/nothing": "", "/Users": "",
		"/" + strings.Repeat("x", 500) + "/Users": `below "/xxx`, "/scim/ServiceProviderConfig": `/ServiceProviderConfig come below`,
	} {
		s := newStream(t, scim.Generic)
		s.request("GET", path, "")
		found := s.handler.Load().Findings()
		switch {
		case want == "" && len(found) == 0:
		case len(found) != 1 || found[0].Code != "base-url" || !strings.Contains(found[0].Problem, want) || len(found[0].Problem) > 200:
			t.Errorf("%s: findings %+v, want %s", path, found, want)
		}
	}
}

func TestOlderProtocol(t *testing.T) {
	s := newStream(t, scim.OneLogin)
	s.request("PATCH", "/Groups/"+s.group("Crew"), `{"schemas":["urn:scim:schemas:core:1.0"],"members":[{"value":"x","operation":"delete"}]}`)
	if diff := cmp.Diff([]string{"scim-1.1"}, s.codes()); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestTwoProviders(t *testing.T) {
	s := newStream(t, scim.Generic)
	s.request("GET", "/Users?count=1", "", "User-Agent: Okta SCIM Client 1.0.0")
	s.request("GET", "/Users?aadOptscim062020&filter=userName+eq+%22x%22", "")
	found := s.handler.Load().Findings()
	if len(found) != 1 || found[0].Code != "two-providers" || !strings.Contains(found[0].Problem, "entra, okta") {
		t.Errorf("findings %+v", found)
	}
}

// TestAssignedAndPushed plays Okta with a group by which the app is assigned: its
// members come and go together with their accounts if it is pushed as well.
func TestAssignedAndPushed(t *testing.T) {
	const active = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":%t}}]}`
	const member = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}`
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	type world struct {
		*stream
		group string
	}
	okta := func(w world, method, path, body string) *httptest.ResponseRecorder {
		return w.request(method, path, body, "User-Agent: Okta SCIM Client 1.0.0")
	}
	join := func(w world, name string, wait time.Duration) string {
		var made struct{ ID string }
		answer := okta(w, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`","active":true}`)
		if err := json.Unmarshal(answer.Body.Bytes(), &made); err != nil {
			w.t.Fatal(err)
		}
		now = now.Add(wait)
		okta(w, "PATCH", "/Groups/"+w.group, fmt.Sprintf(member, `{"op":"add","path":"members","value":[{"value":"`+made.ID+`","display":"x"}]}`))
		return made.ID
	}
	leave := func(w world, id string, pushFirst bool) {
		push := func() {
			okta(w, "PATCH", "/Groups/"+w.group, fmt.Sprintf(member, `{"op":"remove","path":"members[value eq \"`+id+`\"]"}`))
		}
		if pushFirst {
			push()
		}
		now = now.Add(5 * time.Second)
		okta(w, "PATCH", "/Users/"+id, fmt.Sprintf(active, false))
		if !pushFirst {
			push()
		}
	}
	tests := map[string]struct {
		play func(world)
		want []string
	}{
		"same": {func(w world) {
			id := join(w, "ann", time.Second)
			join(w, "ben", time.Second)
			join(w, "cem", time.Second)
			leave(w, id, false)
		}, []string{"assigned-and-pushed"}},
		"push first": {func(w world) {
			id := join(w, "ann", time.Second)
			join(w, "ben", time.Second)
			join(w, "cem", time.Second)
			leave(w, id, true)
		}, []string{"assigned-and-pushed"}},
		"nobody left": {func(w world) {
			for _, name := range []string{"ann", "ben", "cem", "dot"} {
				join(w, name, time.Second)
			}
		}, []string{}},
		"too few": {func(w world) {
			id := join(w, "ann", time.Second)
			join(w, "ben", time.Second)
			leave(w, id, false)
		}, []string{}},
		"one later": {func(w world) {
			id := join(w, "ann", time.Second)
			join(w, "ben", time.Second)
			join(w, "cem", time.Second)
			join(w, "dot", time.Hour)
			leave(w, id, false)
			now = now.Add(time.Hour)
			okta(w, "GET", "/Users?count=1", "")
		}, []string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStream(t, scim.Okta, func(b *bridge) { b.cfg.Now = func() time.Time { return now } })
			w := world{s, s.bridge.group("Crew")}
			test.play(w)
			if diff := cmp.Diff(test.want, s.codes()); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			for _, f := range s.handler.Load().Findings() {
				if !strings.Contains(f.Problem, w.group) {
					t.Errorf("the group is not named: %s", f.Problem)
				}
			}
		})
	}
}

// many has another token for each request, all of them near their end.
type many struct{ n int }

func (m *many) Authenticate(*http.Request) (scim.Principal, error) {
	m.n++
	return scim.Principal{Token: fmt.Sprint("t", m.n), NotAfter: time.Now().Add(time.Hour)}, nil
}

// TestFindingsBounded checks that each finding is told once, and that there are
// not more of them than can be read.
func TestFindingsBounded(t *testing.T) {
	var log bytes.Buffer
	told := map[scim.Finding]int{}
	s := newStream(t, scim.Entra, func(b *bridge) {
		b.cfg.Auth = &many{}
		b.cfg.Observer = func(_ context.Context, f scim.Finding) { told[f]++ }
		b.cfg.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	for range 300 {
		s.request("GET", "/ServiceProviderConfig", "", "User-Agent: Okta SCIM Client 1.0.0")
	}
	found := s.handler.Load().Findings()
	if len(found) != 64 || len(told) != 64 || strings.Count(log.String(), "\n") != 64 {
		t.Errorf("%d findings, %d told, log:\n%s", len(found), len(told), log.String())
	}
	for f, n := range told {
		if n != 1 || !slices.Contains(found, f) {
			t.Errorf("told %d times: %+v", n, f)
		}
	}
	found[0].Code = "mine"
	if s.handler.Load().Findings()[0].Code == "mine" {
		t.Error("the caller's list is the handler's")
	}
}
