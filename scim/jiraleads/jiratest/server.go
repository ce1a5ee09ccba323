package jiratest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
)

// The account that may call. In Jira Data Center AdminToken is its password as well as
// a personal access token.
const (
	AdminName  = "admin"
	AdminEmail = "admin@example.com"
	AdminToken = crowd.Secret("jiratest-token")
)

// A User is a user of the fake.
type User struct {
	// Name is the user name (Data Center). In Cloud it is a name for tests only.
	Name string
	// Key never changes (Data Center), and AccountID (Cloud); by default they are made
	// from Name.
	Key, AccountID string
	Email          string
	DisplayName    string // default: Name
	// HidesEmail tells that an account does not show its address (Cloud).
	HidesEmail bool
	// Inactive tells that the user may not log in.
	Inactive bool
	// Type is the type of an account (Cloud). Default "atlassian".
	Type string
}

type project struct {
	id       int
	key      string
	lead     *User
	archived bool
	barred   map[string]bool // who cannot be assigned issues, by name
}

type component struct {
	id      int
	name    string
	project *project
	lead    *User
}

// A Server is a Jira. Make one with [New] or [NewServer]. It is an http.Handler and an
// http.RoundTripper, and safe for concurrent use.
type Server struct {
	// URL is where the server is reached, if it was started.
	URL string

	product jiraleads.Product

	mu         sync.Mutex // guards the fields below
	next       int
	users      map[string]*User // by folded name
	projects   []*project
	components []*component
	bystander  bool // the account does not administer Jira
	blind      bool // the account may not browse users
	page       int
	calls      []string
	faults     []*Fault
	limit      int
}

// New returns a Jira with the account that may call.
func New(product jiraleads.Product) *Server {
	s := &Server{product: product, next: 10000, users: map[string]*User{}, page: 50}
	s.AddUser(User{Name: AdminName, Email: AdminEmail})
	return s
}

// NewServer returns a Jira that is served over HTTP, with a context path, until the
// test ends.
func NewServer(tb testing.TB, product jiraleads.Product) *Server {
	tb.Helper()
	s := New(product)
	started := httptest.NewServer(http.StripPrefix("/jira", s))
	tb.Cleanup(started.Close)
	s.URL = started.URL + "/jira"
	return s
}

// Config returns how to reach the server, over the network if it was started. Whoever
// takes over is to be added.
func (s *Server) Config() jiraleads.Config {
	cfg := jiraleads.Config{URL: s.URL, Product: s.product, Token: AdminToken}
	if s.product == jiraleads.Cloud {
		cfg.User = AdminEmail
	}
	if s.URL == "" {
		cfg.URL, cfg.HTTPClient = "https://jira.test", &http.Client{Transport: s}
	}
	return cfg
}

// AddUser adds a user, or replaces the one of that name.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.Key, u.AccountID = cmp.Or(u.Key, "JIRAUSER-"+u.Name), cmp.Or(u.AccountID, "5b10-"+u.Name)
	u.DisplayName, u.Type = cmp.Or(u.DisplayName, u.Name), cmp.Or(u.Type, "atlassian")
	if old := s.users[crowd.Fold(u.Name)]; old != nil {
		*old = u
		return
	}
	s.users[crowd.Fold(u.Name)] = &u
}

// RenameUser gives a user another name.
func (s *Server) RenameUser(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(from)
	delete(s.users, crowd.Fold(from))
	u.Name = to
	s.users[crowd.Fold(to)] = u
}

// DeleteUser deletes a user, who leads on whatever it leads.
func (s *Server) DeleteUser(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.user(name).Inactive = true
	delete(s.users, crowd.Fold(name))
}

// user returns the user of a name; that there is none is a mistake of the test.
func (s *Server) user(name string) *User {
	if name == "" {
		return nil
	}
	u := s.users[crowd.Fold(name)]
	if u == nil {
		panic("jiratest: there is no user " + name)
	}
	return u
}

// AddProject adds a project and its lead, and returns its id.
func (s *Server) AddProject(key, lead string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	s.projects = append(s.projects, &project{id: s.next, key: key, lead: s.user(lead), barred: map[string]bool{}})
	return strconv.Itoa(s.next)
}

// AddComponent adds a component to a project, with its lead or without one, and
// returns its id.
func (s *Server) AddComponent(key, name, lead string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	s.components = append(s.components, &component{id: s.next, name: name, project: s.projectOf(key), lead: s.user(lead)})
	return strconv.Itoa(s.next)
}

func (s *Server) projectOf(key string) *project {
	for _, p := range s.projects {
		if p.key == key {
			return p
		}
	}
	panic("jiratest: there is no project " + key)
}

// Lead gives a project, or where name is given a component of it, to another lead.
func (s *Server) Lead(key, name, lead string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" {
		s.projectOf(key).lead = s.user(lead)
		return
	}
	for _, c := range s.components {
		if c.project.key == key && c.name == name {
			c.lead = s.user(lead)
		}
	}
}

// Archive archives a project.
func (s *Server) Archive(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.projectOf(key).archived = true
}

// Remove removes a project and its components.
func (s *Server) Remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.projects = slices.DeleteFunc(s.projects, func(p *project) bool { return p.key == key })
	s.components = slices.DeleteFunc(s.components, func(c *component) bool { return c.project.key == key })
}

// Bar keeps a user from being assigned issues of a project.
func (s *Server) Bar(key, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.projectOf(key).barred[s.user(name).Name] = true
}

// Demote takes from the account that calls the permission to administer Jira, and Blind
// the one to browse users.
func (s *Server) Demote() { s.mu.Lock(); defer s.mu.Unlock(); s.bystander = true }

// Blind takes from the account that calls the permission to browse users.
func (s *Server) Blind() { s.mu.Lock(); defer s.mu.Unlock(); s.blind = true }

// Pages makes pages so short, whatever is asked for.
func (s *Server) Pages(most int) { s.mu.Lock(); defer s.mu.Unlock(); s.page = most }

// Limit lets no more than every n-th request pass; others are answered 429 with
// Retry-After. 0 means no limit.
func (s *Server) Limit(n int) { s.mu.Lock(); defer s.mu.Unlock(); s.limit = n }

// Calls returns the requests so far, such as "PUT /rest/api/2/project/10001".
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// ResetCalls forgets the requests so far.
func (s *Server) ResetCalls() { s.mu.Lock(); defer s.mu.Unlock(); s.calls = nil }

// Leads returns who leads what, in lines such as "WEB ann" and "WEB/Search bob".
func (s *Server) Leads() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := func(u *User) string {
		if u == nil {
			return "-"
		}
		return u.Name
	}
	var all []string
	for _, p := range s.projects {
		all = append(all, p.key+" "+name(p.lead))
	}
	for _, c := range s.components {
		all = append(all, fmt.Sprintf("%s/%s %s", c.project.key, c.name, name(c.lead)))
	}
	slices.Sort(all)
	return all
}

func folded(s, prefix string) bool { return strings.HasPrefix(crowd.Fold(s), crowd.Fold(prefix)) }

// sortedUsers returns users by name.
func sortedUsers(users map[string]*User) []*User {
	return slices.SortedFunc(maps.Values(users), func(x, y *User) int { return strings.Compare(x.Name, y.Name) })
}
