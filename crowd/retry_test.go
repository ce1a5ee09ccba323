package crowd_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// calls are the calls of the client that differ in what may be repeated.
func calls() map[string]func(context.Context, *crowd.Client) error {
	return map[string]func(context.Context, *crowd.Client) error{
		"GET": func(ctx context.Context, c *crowd.Client) error {
			_, err := c.User(ctx, "ann")
			return err
		},
		"search POST": func(ctx context.Context, c *crowd.Client) error {
			for _, err := range c.Users(ctx, crowd.Query{Where: crowd.Equals("team", "red")}) {
				return err
			}
			return nil
		},
		"list": func(ctx context.Context, c *crowd.Client) error {
			for _, err := range c.Members(ctx, "devs", crowd.List{}) {
				return err
			}
			return nil
		},
		"dump": func(ctx context.Context, c *crowd.Client) error {
			for _, err := range c.Memberships(ctx) {
				return err
			}
			return nil
		},
		"set attributes": func(ctx context.Context, c *crowd.Client) error {
			return c.SetUserAttributes(ctx, "ann", crowd.Attributes{"team": {"red"}})
		},
		"delete attribute": func(ctx context.Context, c *crowd.Client) error {
			return c.DeleteGroupAttribute(ctx, "devs", "team")
		},
		"add member": func(ctx context.Context, c *crowd.Client) error {
			_, err := c.AddMember(ctx, "devs", "ann")
			return err
		},
		"remove member": func(ctx context.Context, c *crowd.Client) error {
			_, err := c.RemoveMember(ctx, "devs", "ann")
			return err
		},
		"end sessions": func(ctx context.Context, c *crowd.Client) error { return c.EndUserSessions(ctx, "ann") },
		"update user": func(ctx context.Context, c *crowd.Client) error {
			return c.UpdateUser(ctx, crowd.User{Name: "ann"})
		},
		"rename user": func(ctx context.Context, c *crowd.Client) error {
			_, err := c.RenameUser(ctx, "ann", "anna")
			return err
		},
		"update group": func(ctx context.Context, c *crowd.Client) error {
			return c.UpdateGroup(ctx, crowd.Group{Name: "devs"})
		},
		"set password": func(ctx context.Context, c *crowd.Client) error { return c.SetPassword(ctx, "ann", "p") },
		"authenticate": func(ctx context.Context, c *crowd.Client) error {
			_, err := c.Authenticate(ctx, "ann", "p")
			return err
		},
	}
}

// repeated are those of the calls that are repeated after any passing failure.
func repeated() []string {
	return []string{
		"GET", "search POST", "list", "dump", "set attributes", "delete attribute", "add member",
		"remove member", "end sessions",
	}
}

func onlyReads(name string) bool {
	return name == "GET" || name == "search POST" || name == "list" || name == "dump"
}

func TestRepeats(t *testing.T) {
	safe := map[string]bool{}
	for _, name := range repeated() {
		safe[name] = true
	}
	failures := map[string]struct {
		give     answer
		always   bool // repeated for every call
		never    bool
		definite bool // a write has not taken effect
	}{
		"lost":       {give: answer{err: errors.New("reset")}},
		"500":        {give: answer{status: 500}},
		"502":        {give: answer{status: 502, media: typeHTML, body: "<html>"}},
		"503":        {give: answer{status: 503}},
		"504":        {give: answer{status: 504}},
		"429":        {give: answer{status: 429}, always: true, definite: true},
		"400":        {give: answer{status: 400}, never: true, definite: true},
		"403":        {give: answer{status: 403, media: typeJSON}, never: true, definite: true},
		"unsupport.": {give: answer{status: 501}, never: true, definite: true},
	}
	for failure, f := range failures {
		for name, call := range calls() {
			t.Run(failure+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s := scripted(t, f.give)
					err := call(t.Context(), c)
					want := 1
					if !f.never && (f.always || safe[name]) {
						want = 3
					}
					got := len(s.requests())
					if errors.Is(err, crowd.ErrPermission) && name == "update user" {
						want++ // the read that tells which permission is missing
					}
					if got != want {
						t.Errorf("%d requests (%s), want %d", got, s.methods(), want)
					}
					ambiguous := !f.definite && !onlyReads(name)
					if errors.Is(err, crowd.ErrAmbiguous) != ambiguous || err == nil {
						t.Errorf("error %v: ambiguous is %t, want %t", err, !ambiguous, ambiguous)
					}
				})
			})
		}
	}
}

func TestRepeatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, answer{status: 502}, answer{status: 502}, answer{status: 200, media: typeJSON, body: `{"name":"ann"}`})
		begin := time.Now()
		if _, err := c.User(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 150*time.Millisecond || took > 300*time.Millisecond {
			t.Errorf("three tries took %v, want 100 ms and 200 ms less up to half", took)
		}
		if got := s.methods(); got != "GET GET GET" {
			t.Errorf("got %s", got)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	after := func(value string) answer {
		return answer{status: 429, header: map[string]string{"Retry-After": value}}
	}
	good := answer{status: 200, media: typeJSON, body: `{"name":"ann"}`}
	for _, test := range []struct {
		name     string
		answers  []answer
		deadline time.Duration
		took     time.Duration // exactly, 0: not looked at
		requests int
		left     time.Duration // RetryAfter of the error
	}{
		{"fits", []answer{after("1"), good}, 0, time.Second, 2, 0},
		{"fits twice", []answer{after("1"), after("1"), good}, 0, 2 * time.Second, 3, 0},
		{"exceeds the budget", []answer{after("3"), good}, 0, 0, 1, 3 * time.Second},
		{"exceeds what is left", []answer{after("1"), after("2"), good}, 0, 0, 2, 2 * time.Second},
		{"exceeds the deadline", []answer{after("1"), good}, 900 * time.Millisecond, 0, 1, time.Second},
		{"date", []answer{after("Sat, 01 Jan 2000 00:00:02 GMT"), good}, 0, 2 * time.Second, 2, 0},
		{"no number", []answer{after("soon"), good}, 0, 0, 2, 0},
		{"past", []answer{after("-4"), good}, 0, 0, 2, 0},
		{"for ever", []answer{after("999999999999"), good}, 0, 0, 1, 24 * time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := scripted(t, test.answers...)
				ctx := t.Context()
				if test.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
					defer cancel()
				}
				begin := time.Now()
				_, err := c.User(ctx, "ann")
				if took := time.Since(begin); test.took > 0 && took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
				if n := len(s.requests()); n != test.requests {
					t.Errorf("%d requests, want %d", n, test.requests)
				}
				var left time.Duration
				if e, ok := errors.AsType[*crowd.Error](err); ok {
					left = e.RetryAfter
				}
				if left != test.left {
					t.Errorf("RetryAfter is %v (error %v), want %v", left, err, test.left)
				}
			})
		})
	}
}

func TestContextEndsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, _ := scripted(t, answer{status: 503, header: map[string]string{"Retry-After": "2"}})
		time.AfterFunc(time.Second, cancel)
		begin := time.Now()
		_, err := c.AddMember(ctx, "devs", "ann")
		if took := time.Since(begin); took != time.Second {
			t.Errorf("took %v, want 1s", took)
		}
		if !errors.Is(err, context.Canceled) || !errors.Is(err, crowd.ErrAmbiguous) {
			t.Errorf("got %v, want one that is canceled and ambiguous", err)
		}
	})
}

// A wait that the deadline would cut short is not begun.
func TestDeadlineForbidsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c, _ := scripted(t, answer{status: 503, header: map[string]string{"Retry-After": "2"}})
		begin := time.Now()
		_, err := c.User(ctx, "ann")
		if took := time.Since(begin); took != 0 || !errors.Is(err, crowd.ErrBusy) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v after %v, want ErrBusy at once", err, took)
		}
	})
}

// Clients that failed together do not come back together.
func TestWaitsDiffer(t *testing.T) {
	waits := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			c, _ := scripted(t, answer{status: 502}, answer{status: 200, media: typeJSON, body: `{"name":"ann"}`})
			begin := time.Now()
			if _, err := c.User(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
			waits[time.Since(begin)] = true
		})
	}
	if len(waits) < 2 {
		t.Errorf("all waits are %v", waits)
	}
}

// silentServer answers nothing until the request's context ends.
type silentServer struct{}

func (silentServer) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// It is not the server's fault that the caller went away.
func TestCanceledUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := clientOf(t, silentServer{}, crowd.Config{}).User(ctx, "ann")
		if !errors.Is(err, context.Canceled) || errors.Is(err, crowd.ErrUnavailable) {
			t.Errorf("got %v, want one that is context.Canceled alone", err)
		}
	})
}

// A call that nothing was sent of may be repeated, whatever it is.
func TestRepeatsUnsent(t *testing.T) {
	dials := 0
	transport := &http.Transport{DialContext: refuse(&dials)}
	c := clientOf(t, transport, crowd.Config{})
	err := c.UpdateUser(t.Context(), crowd.User{Name: "ann"})
	if dials != 3 {
		t.Errorf("%d attempts to connect, want 3", dials)
	}
	if !errors.Is(err, crowd.ErrUnavailable) || errors.Is(err, crowd.ErrAmbiguous) {
		t.Errorf("got %v, want one that is unavailable and not ambiguous", err)
	}
}

// What an earlier try may have done is not forgotten over a later one that was
// certainly in vain.
func TestAmbiguityStays(t *testing.T) {
	for _, test := range []struct {
		name      string
		last      answer
		ambiguous bool
	}{
		{"throttled", answer{status: 429}, true},
		{"denied", answer{status: 403, media: typeJSON}, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, _ := scripted(t, answer{err: errors.New("reset")}, test.last)
			_, err := c.AddMember(t.Context(), "devs", "ann")
			if got := errors.Is(err, crowd.ErrAmbiguous); got != test.ambiguous {
				t.Errorf("%s: ambiguous is %t in %v", test.name, got, err)
			}
		})
	}
}

// An answer cut off within its body is read anew.
func TestRepeatsCutBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := answer{status: 200, media: typeJSON, body: `{"users":[{"name":"ann"},{"na`}
		whole := answer{status: 200, media: typeJSON, body: `{"users":[{"name":"ann"},{"name":"bob"}]}`}
		c, _ := scripted(t, cut, whole)
		var got []string
		for u, err := range c.Members(t.Context(), "devs", crowd.List{}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, u.Name)
		}
		if strings.Join(got, " ") != "ann bob" {
			t.Errorf("got %v", got)
		}
	})
}

// However many requests a call makes of its own, its waits last two seconds.
func TestCallsShareOneBudget(t *testing.T) {
	later := map[string]string{"Retry-After": "1"}
	busy, gone := answer{status: 429, header: later}, answer{status: 503, header: later}
	for name, test := range map[string]struct {
		third answer
		call  func(context.Context, *crowd.Client) error
	}{
		"create user": {answer{err: errors.New("reset")}, func(ctx context.Context, c *crowd.Client) error {
			_, err := c.CreateUser(ctx, ann(), "p")
			return err
		}},
		"create user, no entity": {answer{status: 201}, func(ctx context.Context, c *crowd.Client) error {
			_, err := c.CreateUser(ctx, crowd.User{Name: "ann"}, "p")
			return err
		}},
		"create group": {answer{err: errors.New("reset")}, func(ctx context.Context, c *crowd.Client) error {
			_, err := c.CreateGroup(ctx, crowd.Group{Name: "devs"})
			return err
		}},
		"create group, no entity": {answer{status: 201}, func(ctx context.Context, c *crowd.Client) error {
			_, err := c.CreateGroup(ctx, crowd.Group{Name: "devs"})
			return err
		}},
		"update user": {answer{status: 403, media: typeJSON}, func(ctx context.Context, c *crowd.Client) error {
			return c.UpdateUser(ctx, ann())
		}},
		"rename user": {answer{status: 200}, func(ctx context.Context, c *crowd.Client) error {
			_, err := c.RenameUser(ctx, "ann", "anna")
			return err
		}},
		"delete user":  {answer{err: errors.New("reset")}, func(ctx context.Context, c *crowd.Client) error { return c.DeleteUser(ctx, "ann") }},
		"delete group": {answer{err: errors.New("reset")}, func(ctx context.Context, c *crowd.Client) error { return c.DeleteGroup(ctx, "devs") }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := scripted(t, busy, busy, test.third, gone)
				begin := time.Now()
				if err := test.call(t.Context(), c); err == nil {
					t.Error("no error")
				}
				if took := time.Since(begin); took != 2*time.Second {
					t.Errorf("took %v (%s), want 2s", took, s.methods())
				}
			})
		})
	}
}

// A creation that is looked for in between is still tried three times in all.
func TestCreateTriesInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, answer{err: errors.New("reset")}, answer{status: 404, media: typeJSON}, answer{status: 429})
		if _, err := c.CreateUser(t.Context(), ann(), "p"); !errors.Is(err, crowd.ErrAmbiguous) {
			t.Errorf("got %v, want an ambiguous one", err)
		}
		if n := strings.Count(s.methods(), "POST"); n != 3 {
			t.Errorf("%d requests to create (%s), want 3", n, s.methods())
		}
	})
}

// A server that limits requests is served at the pace it asks for.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := serving(t, func(o *crowdtest.Options) { o.RateLimit = &crowdtest.RateLimit{Limit: 2, FillRate: 1} })
		begin := time.Now()
		for range 5 {
			if _, err := c.User(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("five reads took %v, want 3s: the first two at once", took)
		}
		if n := count(s, "GET", "user"); n != 8 {
			t.Errorf("%d requests, want five and three that were refused", n)
		}
	})
}
