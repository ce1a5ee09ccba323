package crowd_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// A slow Crowd answers each call after a time of its own, and lets something happen
// in front of each answer.
type slow struct {
	*crowdtest.Server
	takes  func(call int) time.Duration
	before func(call int)

	mu                    sync.Mutex // guards what follows
	calls, inFlight, most int
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	n := s.calls
	s.calls++
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	select {
	case <-time.After(s.takes(n)):
	case <-r.Context().Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if s.before != nil {
		s.before(n)
	}
	return s.Server.RoundTrip(r)
}

// slowly returns a Crowd with n users that takes about a second for each call.
func slowly(tb testing.TB, n int) (*slow, *crowd.Client) {
	tb.Helper()
	s := &slow{Server: new(crowdtest.Server), takes: func(call int) time.Duration {
		return time.Second + time.Duration(call)*time.Millisecond // no two answers at once
	}}
	s.AddGroup(crowd.Group{Name: "all"})
	for i := range n {
		s.join(fmt.Sprintf("u%03d", i))
	}
	c, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: s},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s, c
}

// goingOn returns how many calls are in flight.
func (s *slow) goingOn() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inFlight
}

// join puts a user into the group of all.
func (s *slow) join(name string) {
	if _, known := s.User(name); !known {
		s.AddUser(crowd.User{Name: name, Active: true})
	}
	s.AddMember("all", name)
}

// TestAhead holds how long a list takes, in calls one after the other, how many
// there are in all, and how many at the same time. One that is not needed any more
// may be given up before it is made.
func TestAhead(t *testing.T) {
	for _, test := range []struct {
		name                   string
		users                  int
		query                  crowd.Query
		calls, seconds, atOnce int
	}{
		{"one page", 5, crowd.Query{PageSize: 11, Ahead: 4}, 1, 1, 1},
		{"one page where more are expected", 5, crowd.Query{PageSize: 11, Ahead: 4, Expect: 100}, 1, 1, 1},
		{"a full page", 11, crowd.Query{PageSize: 11, Ahead: 4}, 2, 2, 1},
		{"nothing expected", 100, crowd.Query{PageSize: 11, Ahead: 4}, 11, 6, 2},
		{"as expected", 95, crowd.Query{PageSize: 11, Ahead: 4, Expect: 95}, 10, 4, 4},
		{"as expected, a full last page", 101, crowd.Query{PageSize: 11, Ahead: 4, Expect: 101}, 11, 5, 4},
		{"fewer than expected", 61, crowd.Query{PageSize: 11, Ahead: 4, Expect: 200}, 10, 3, 4},
		{"more than expected", 95, crowd.Query{PageSize: 11, Ahead: 4, Expect: 41}, 11, 6, 3},
		{"all at once", 95, crowd.Query{PageSize: 11, Ahead: 9, Expect: 95}, 10, 3, 8},
		{"bounded", 95, crowd.Query{PageSize: 11, Ahead: 4, Expect: 95, Start: 7, Max: 31}, 3, 2, 2},
		{"bounded by one", 95, crowd.Query{PageSize: 11, Ahead: 4, Max: 1}, 1, 1, 1},
		{"not ahead", 95, crowd.Query{PageSize: 11}, 9, 9, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := slowly(t, test.users)
				began := time.Now()
				var want []string
				for i := range test.users {
					want = append(want, fmt.Sprintf("u%03d", i))
				}
				want = want[test.query.Start:]
				if test.query.Max > 0 {
					want = want[:test.query.Max]
				}
				if got := userNames(t, c.Users(t.Context(), test.query)); !slices.Equal(got, want) {
					t.Errorf("got %v", got)
				}
				took := int(time.Since(began) / time.Second)
				if s.calls > test.calls || took != test.seconds || s.most != test.atOnce {
					t.Errorf("%d calls in %d s, %d at once, want at most %d in %d, %d", s.calls, took, s.most, test.calls, test.seconds, test.atOnce)
				}
			})
		})
	}
}

// TestAheadEnds holds that nothing goes on once the caller has stopped or a page
// has failed.
func TestAheadEnds(t *testing.T) {
	query := crowd.Query{PageSize: 11, Ahead: 8, Expect: 95}
	synctest.Test(t, func(t *testing.T) {
		s, c := slowly(t, 95)
		for range c.Users(t.Context(), query) {
			if s.goingOn() > 0 {
				break
			}
		}
		if n := s.goingOn(); n > 0 {
			t.Errorf("%d calls go on", n)
		}
		s.Fail(crowdtest.Fault{Nth: 4, Kind: crowdtest.Answer, Status: 403, Reason: "APPLICATION_PERMISSION_DENIED"})
		got, failed := 0, 0
		for _, err := range c.Users(t.Context(), query) {
			if err != nil {
				failed++
				continue
			}
			got++
		}
		if failed != 1 || got > 85 || s.goingOn() > 0 {
			t.Errorf("%d users and %d errors, %d calls go on", got, failed, s.goingOn())
		}
	})
}

// TestAheadMissesNobody has members come and go while pages are read, which are
// answered in any order: who was there all the time is listed.
func TestAheadMissesNobody(t *testing.T) {
	numbers := func(r *rapid.T, what string, least, most int) func(call int) int {
		all := rapid.SliceOfN(rapid.IntRange(least, most), 64, 64).Draw(r, what)
		return func(call int) int { return all[call%64] }
	}
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(r, "users")
		takes, comes, goes := numbers(r, "takes", 1, 9), numbers(r, "come", 0, 3), numbers(r, "go", 0, 3)
		where := numbers(r, "where", 0, 999)
		query := crowd.List{
			PageSize: rapid.IntRange(20, 60).Draw(r, "page size"),
			Ahead:    rapid.IntRange(1, 8).Draw(r, "ahead"), Expect: rapid.IntRange(0, 300).Draw(r, "expect"),
		}
		met := map[string]int{}
		var failed error
		synctest.Test(t, func(t *testing.T) {
			s, c := slowly(t, n)
			s.takes = func(call int) time.Duration { return time.Duration(takes(call)) * time.Second }
			var guests []string
			s.before = func(call int) {
				for i := range comes(call) {
					guests = append(guests, fmt.Sprintf("u%03d-%d-%d", where(call+i), call, i))
					s.join(guests[len(guests)-1])
				}
				for range min(goes(call), len(guests)) {
					i := where(call) % len(guests)
					s.In("").RemoveMember("all", guests[i])
					guests = slices.Delete(guests, i, i+1)
				}
			}
			for u, err := range c.Members(t.Context(), "all", query) {
				if failed = err; err == nil {
					met[u.Name]++
				}
			}
		})
		if failed != nil {
			r.Fatal(failed)
		}
		for i := range n {
			if name := fmt.Sprintf("u%03d", i); met[name] != 1 {
				r.Fatalf("%s came %d times", name, met[name])
			}
		}
	})
}

// An unordered Crowd gives no two pages in the same order: each is turned round.
type unordered struct{ n int }

func (d unordered) RoundTrip(r *http.Request) (*http.Response, error) {
	params := r.URL.Query()
	from := min(d.n, number(params, "start-index"))
	until := min(d.n, from+number(params, "max-results"))
	var names []string
	for i := from; i < until; i++ {
		names = append(names, fmt.Sprintf(`{"name":"u%03d"}`, until-1-i+from))
	}
	return streaming{200, typeJSON, strings.NewReader(`{"users":[` + strings.Join(names, ",") + `]}`)}.RoundTrip(r)
}

// TestAheadWithoutOrder holds that a server whose lists have no order to go by is
// read to the end.
func TestAheadWithoutOrder(t *testing.T) {
	c, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: "a", Password: "b", HTTPClient: &http.Client{Transport: unordered{100}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := userNames(t, c.Users(t.Context(), crowd.Query{PageSize: 10, Ahead: 4, Expect: 100}))
	if n := len(slices.Compact(got)); n != 100 {
		t.Errorf("%d users, want 100", n)
	}
}
