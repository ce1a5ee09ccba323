// Package oktatest is the part of Okta's management API that tells of users and
// groups, in memory, for tests.
//
//	okta := &oktatest.Server{}
//	ann := okta.AddUser(oktatest.User{Profile: map[string]any{"login": "ann@example.com"}})
//	okta.AddGroup("devs", ann)
//
// A Server is an http.Handler and an http.RoundTripper that needs no network. It has,
// as Okta's API references for users and groups describe them:
//
//   - GET /api/v1/users with limit, after, filter and search; /api/v1/users/{id}
//   - GET /api/v1/groups with limit, after, filter, search and q; /api/v1/groups/{id}
//   - GET /api/v1/groups/{id}/users with limit and after
//   - paging by Link headers, tokens (SSWS and Bearer), errors in Okta's form, and
//     the headers of rate limits
//
// # Known differences
//
// Searches see changes at once; Okta's may take some seconds. Cursors never expire.
// A filter may name any property, Okta's only some. Rate limits count requests of all
// kinds together. The API changes nothing; methods of Server do.
package oktatest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The credentials that a [Server] takes where it names none.
const (
	DefaultToken       = "00testAPItoken"
	DefaultAccessToken = "test.access.token"
)

// A Server is an Okta organisation in memory. Its zero value is an empty one. It is
// safe for concurrent use; set its fields before the first use.
type Server struct {
	// Token is the API token, AccessToken the OAuth access token that it takes. Empty
	// means the defaults.
	Token, AccessToken string
	// MostPerPage bounds the pages of users, as Okta's own bound of 200 does.
	MostPerPage int
	// RateLimit is how many requests it takes in each minute; 0 means 600.
	RateLimit int
	// Now tells the time; nil means [time.Now].
	Now func() time.Time

	mu     sync.Mutex // guards the fields below
	users  []*User
	groups []*group
	last   int // number of the last id
	calls  []string
	faults []*Fault
	window int64 // the minute that used counts in
	used   int
}

// A User is one of the organisation.
type User struct {
	// ID is made by [Server.AddUser] where it is empty.
	ID string
	// Status is one of those in Okta's reference of users. Default ACTIVE.
	Status string
	// Profile has the properties of the user, login among them.
	Profile map[string]any
}

type group struct {
	id, name string
	members  []string
}

// AddUser adds a user and returns the id.
func (s *Server) AddUser(u User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID = cmp.Or(u.ID, s.newID("00u"))
	u.Status = cmp.Or(u.Status, "ACTIVE")
	s.users = append(s.users, &u)
	return u.ID
}

// newID returns an id in Okta's form: a prefix that tells what it is of, and 17
// letters and digits.
func (s *Server) newID(prefix string) string {
	s.last++
	return fmt.Sprintf("%s%017d", prefix, s.last)
}

// SetStatus changes the status of a user. It panics if there is none.
func (s *Server) SetStatus(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user(id).Status = status
}

// SetProfile changes a property of a user; nil takes it away. It panics if there is
// no such user.
func (s *Server) SetProfile(id, property string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(id)
	if value == nil {
		delete(u.Profile, property)
		return
	}
	u.Profile[property] = value
}

// DeleteUser deletes a user, memberships included.
func (s *Server) DeleteUser(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users = slices.DeleteFunc(s.users, func(u *User) bool { return u.ID == id })
	for _, g := range s.groups {
		g.members = slices.DeleteFunc(g.members, func(m string) bool { return m == id })
	}
}

func (s *Server) user(id string) *User {
	i := slices.IndexFunc(s.users, func(u *User) bool { return u.ID == id })
	if i < 0 {
		panic(fmt.Sprintf("oktatest: there is no user %q", id))
	}
	return s.users[i]
}

// AddGroup adds a group with members and returns its id.
func (s *Server) AddGroup(name string, members ...string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := &group{id: s.newID("00g"), name: name, members: slices.Clone(members)}
	s.groups = append(s.groups, g)
	return g.id
}

// SetMembers replaces the members of a group. It panics if there is none.
func (s *Server) SetMembers(id string, members ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.group(id)
	if g == nil {
		panic(fmt.Sprintf("oktatest: there is no group %q", id))
	}
	g.members = slices.Clone(members)
}

func (s *Server) group(id string) *group {
	i := slices.IndexFunc(s.groups, func(g *group) bool { return g.id == id })
	if i < 0 {
		return nil
	}
	return s.groups[i]
}

// Calls returns the requests so far, such as "GET /api/v1/users?limit=2".
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// RoundTrip implements [http.RoundTripper].
func (s *Server) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler {
				panic(p)
			}
			err = errClosed
		}
	}()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	response = w.Result()
	response.Request = r
	if response.ContentLength > int64(w.Body.Len()) {
		response.Body = cut{response.Body}
	}
	return response, nil
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call := r.Method + " " + r.URL.Path
	if r.URL.RawQuery != "" {
		call += "?" + r.URL.RawQuery
	}
	s.calls = append(s.calls, call)
	a := s.answer(r)
	s.due().spoil(w, a)
}

// An answer is what is sent back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) send(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that is gone is told nothing
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// answer serves a request.
func (s *Server) answer(r *http.Request) *answer {
	a := &answer{status: http.StatusOK, header: http.Header{}}
	now := s.now()
	a.header.Set("Date", now.UTC().Format(http.TimeFormat))
	a.header.Set("Content-Type", "application/json")
	a.header.Set("X-Okta-Request-Id", "request-"+strconv.Itoa(len(s.calls)))
	var f *failure
	switch {
	case !s.admits(r.Header.Get("Authorization")):
		f = &failure{http.StatusUnauthorized, "E0000011", "Invalid token provided"}
	case s.limited(a.header, now):
		f = &failure{http.StatusTooManyRequests, "E0000047", "API call exceeded rate limit due to too many requests."}
	case r.Method != http.MethodGet:
		f = &failure{http.StatusMethodNotAllowed, "E0000022", "The endpoint does not support the provided HTTP method"}
	default:
		f = s.route(a, r)
	}
	if f != nil {
		a.status, a.body = f.status, f.body()
	}
	return a
}

func (s *Server) admits(authorization string) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	switch strings.ToUpper(scheme) {
	case "SSWS":
		return token == cmp.Or(s.Token, DefaultToken)
	case "BEARER":
		return token == cmp.Or(s.AccessToken, DefaultAccessToken)
	}
	return false
}

// limited counts a request, and reports whether it is one too many in its minute.
func (s *Server) limited(header http.Header, now time.Time) bool {
	limit := cmp.Or(s.RateLimit, 600)
	if minute := now.Unix() / 60; minute != s.window {
		s.window, s.used = minute, 0
	}
	s.used++
	header.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	header.Set("X-Rate-Limit-Remaining", strconv.Itoa(max(limit-s.used, 0)))
	header.Set("X-Rate-Limit-Reset", strconv.FormatInt((s.window+1)*60, 10))
	return s.used > limit
}

// A failure is an error in Okta's form.
type failure struct {
	status        int
	code, summary string
}

func (f *failure) body() []byte {
	body, err := json.Marshal(map[string]any{
		"errorCode": f.code, "errorSummary": f.summary, "errorLink": f.code, "errorId": "oae" + f.code, "errorCauses": []any{},
	})
	if err != nil {
		panic(err) // strings only
	}
	return body
}
