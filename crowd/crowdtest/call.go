package crowdtest

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Call is a request that the server received. It never holds a password or
// a session's token.
type Call struct {
	// Seq numbers the calls of a server from 1.
	Seq int
	// Method and Resource are what was called: "POST", "group/user/direct". A
	// token in the path shows as "session/{token}".
	Method, Resource string
	// Params are the decoded parameters of the query.
	Params url.Values
	// Application is the name that the caller gave, right or wrong.
	Application string
	// BodyHash is a keyed hash of the body: equal bodies have equal hashes
	// while the process runs. Zero stands for no body.
	BodyHash uint64
	// Time is when the call came in.
	Time time.Time
	// Status is what was answered; zero while nothing was, and for ever if the
	// answer got lost.
	Status int
}

// String returns the call in one line.
func (c Call) String() string {
	params := c.Params.Encode()
	if params != "" {
		params = "?" + params
	}
	return fmt.Sprintf("%s %s%s %d", c.Method, c.Resource, params, c.Status)
}

// Calls returns the calls since the start or the last [Server.ResetCalls], in
// the order in which they came in.
func (s *Server) Calls() []Call {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	calls := make([]Call, len(s.calls))
	for i, c := range s.calls {
		calls[i] = *c
	}
	return calls
}

// ResetCalls forgets the calls.
func (s *Server) ResetCalls() {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	s.calls = nil
}

// Counts is a number of calls for each method and resource, such as
// "GET user". Its text is one line each, in order.
type Counts map[string]int

// Counts counts the calls that [Server.Calls] returns.
func (s *Server) Counts() Counts {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	counts := Counts{}
	for _, c := range s.calls {
		counts[c.Method+" "+c.Resource]++
	}
	return counts
}

// Total returns the number of all calls.
func (c Counts) Total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// String returns a line for each resource, the most called first.
func (c Counts) String() string {
	names := slices.SortedFunc(maps.Keys(c), func(a, b string) int {
		if c[a] != c[b] {
			return c[b] - c[a]
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%6d %s\n", c[name], name)
	}
	return b.String()
}
