package scim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// BenchmarkHandler measures what the bridge itself costs: requests to a handler
// whose Crowd is a map in memory. Beside time and allocations it reports how
// many times as long a bare handler takes that decodes the same body with
// encoding/json and answers the same one.
//
//	go test ./scim -run '^$' -bench Handler -benchmem
func BenchmarkHandler(b *testing.B) {
	for _, c := range []struct {
		name string
		next func(s *station, i int) *http.Request
	}{
		{"lookup", func(s *station, i int) *http.Request {
			return s.request("GET", "/Users?filter="+queryEscape(`userName eq "user-%06d"`, i%1000), "")
		}},
		{"get-user", func(s *station, i int) *http.Request { return s.request("GET", "/Users/"+s.users[i%1000], "") }},
		{"put-user", func(s *station, i int) *http.Request {
			return s.request("PUT", "/Users/"+s.users[i%1000], userBody(i%1000, fmt.Sprint("Name ", i)))
		}},
		{"put-user-same", func(s *station, i int) *http.Request {
			return s.request("PUT", "/Users/"+s.users[i%1000], userBody(i%1000, "Some"))
		}},
		{"patch-active", func(s *station, i int) *http.Request {
			return s.request("PATCH", "/Users/"+s.users[i%1000], patchBody(fmt.Sprintf(`{"op":"replace","path":"active","value":%t}`, i/1000%2 == 1)))
		}},
		{"patch-add-member", func(s *station, i int) *http.Request {
			op := fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":"%s"}]}`, s.users[i%1000])
			if i/1000%2 == 1 {
				op = fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, s.users[i%1000])
			}
			return s.request("PATCH", "/Groups/"+s.empty, patchBody(op))
		}},
		{"create-user", func(s *station, i int) *http.Request {
			s.created++
			return s.request("POST", "/Users", userBody(1000000+s.created, "New"))
		}},
		{"list-100-users", func(s *station, i int) *http.Request { return s.request("GET", "/Users?count=100&startIndex=101", "") }},
		{"get-group-1000", func(s *station, i int) *http.Request { return s.request("GET", "/Groups/"+s.full, "") }},
		{"discovery", func(s *station, i int) *http.Request { return s.request("GET", "/Schemas", "") }},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := newStation(b)
			answer, status := s.sample(c.next(s, 0))
			bare := perRequest(bareHandler(answer, status), func(i int) *http.Request { return c.next(s, i) })
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				w := httptest.NewRecorder()
				s.handler.ServeHTTP(w, c.next(s, i))
				if w.Code >= 300 {
					b.Fatal(w.Code, w.Body)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(bare.Nanoseconds()), "times-bare")
		})
	}
}

// perRequest returns how long a handler takes for each of many requests.
func perRequest(h http.Handler, next func(i int) *http.Request) time.Duration {
	const n = 500
	began := time.Now()
	for i := range n {
		h.ServeHTTP(httptest.NewRecorder(), next(i))
	}
	return time.Since(began) / n
}

// A station is a handler on a directory of 1,000 users in memory.
type station struct {
	tb          testing.TB
	handler     *scim.Handler
	token       string
	users       []string
	empty, full string // groups without members, and with all users
	created     int
}

func newStation(tb testing.TB) *station {
	tb.Helper()
	secret, token := scim.NewToken()
	auth, err := scim.Tokens(token)
	if err != nil {
		tb.Fatal(err)
	}
	hundred := 100
	engine, err := groupsync.New(groupsync.Config{
		Connection: "test", Crowd: newMemory(),
		Policy: groupsync.Policy{Removals: groupsync.Limit{Percent: &hundred}, Deactivations: groupsync.Limit{Percent: &hundred}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	h, err := scim.New(scim.Config{Engine: engine, Auth: auth, BaseURL: "https://bridge.example.com/scim/v2"})
	if err != nil {
		tb.Fatal(err)
	}
	s := &station{tb: tb, handler: h, token: secret.Reveal()}
	var members []string
	for i := range 1000 {
		s.users = append(s.users, s.made(s.request("POST", "/Users", userBody(i, "Some"))))
		members = append(members, fmt.Sprintf(`{"value":"%s"}`, s.users[i]))
	}
	s.empty = s.made(s.request("POST", "/Groups", groupBody("empty", "")))
	s.full = s.made(s.request("POST", "/Groups", groupBody("full", strings.Join(members, ","))))
	return s
}

// made sends what creates a resource, and returns its id.
func (s *station) made(r *http.Request) string {
	s.tb.Helper()
	answer, status := s.sample(r)
	var resource struct{ ID string }
	if err := json.Unmarshal(answer, &resource); err != nil || status != http.StatusCreated {
		s.tb.Fatalf("%d %s", status, answer)
	}
	return resource.ID
}

func (s *station) sample(r *http.Request) (answer []byte, status int) {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Body.Bytes(), w.Code
}

func (s *station) request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	return r
}

// bareHandler decodes what it is sent, and encodes one answer.
func bareHandler(answer []byte, status int) http.Handler {
	var body any
	if len(answer) > 0 {
		if err := json.Unmarshal(answer, &body); err != nil {
			panic(err)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		data, err := io.ReadAll(r.Body)
		if err == nil && len(data) > 0 {
			err = json.NewDecoder(bytes.NewReader(data)).Decode(&in)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/scim+json")
		w.WriteHeader(status)
		if body != nil {
			_ = json.NewEncoder(w).Encode(body)
		}
	})
}

func userBody(i int, given string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"00u%[1]d",`+
		`"userName":"user-%06[1]d","name":{"givenName":"%[2]s","familyName":"User"},`+
		`"emails":[{"value":"user-%06[1]d@example.com","type":"work","primary":true}],"active":true}`, i, given)
}

func groupBody(name, members string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"%s","members":[%s]}`, name, members)
}

func patchBody(op string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + op + `]}`
}

func queryEscape(format string, args ...any) string {
	return strings.NewReplacer(" ", "+", `"`, "%22").Replace(fmt.Sprintf(format, args...))
}
