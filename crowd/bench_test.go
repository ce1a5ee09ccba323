package crowd_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"runtime/metrics"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// A counter counts the requests of a benchmark, which runs one at a time.
type counter struct {
	http.RoundTripper
	n int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n++
	return c.RoundTripper.RoundTrip(r)
}

// benched returns a client of a Crowd with 1,000 users in group all, ann among
// them, and the counter of its requests. The Crowd is in the same process, and
// its work in the figures.
func benched(b *testing.B) (*crowd.Client, *counter) {
	b.Helper()
	s := new(crowdtest.Server)
	s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups, o.AllowEmailChange, o.NoCalls = true, true, true })
	s.AddGroup(crowd.Group{Name: "all", Active: true}, crowd.Group{Name: "devs", Active: true}, crowd.Group{Name: "child", Active: true})
	s.AddUser(ann())
	s.SetPassword("ann", "p")
	s.AddMember("all", "ann")
	for i := range 999 {
		name := fmt.Sprintf("user%03d", i)
		s.AddUser(crowd.User{Name: name, Email: name + "@example.com", Active: true})
		s.AddMember("all", name)
	}
	c := &counter{RoundTripper: s}
	client, err := crowd.New(crowd.Config{
		BaseURL: testBase, Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: c},
	})
	if err != nil {
		b.Fatal(err)
	}
	return client, c
}

// BenchmarkCalls measures the calls of the client. A write is followed by the
// one that takes it back, so that each round begins alike.
func BenchmarkCalls(b *testing.B) {
	anna := ann()
	for _, bench := range []struct {
		name string
		call func(context.Context, *crowd.Client) error
	}{
		{"User", func(ctx context.Context, c *crowd.Client) error {
			_, err := c.User(ctx, "ann")
			return err
		}},
		{"CreateDeleteUser", func(ctx context.Context, c *crowd.Client) error {
			_, err := c.CreateUser(ctx, crowd.User{Name: "new", Active: true, Attributes: crowd.Attributes{"team": {"red"}}}, "p")
			return join(err, c.DeleteUser(ctx, "new"))
		}},
		{"UpdateUser", func(ctx context.Context, c *crowd.Client) error { return c.UpdateUser(ctx, anna) }},
		{"RenameUserTwice", func(ctx context.Context, c *crowd.Client) error {
			_, there := c.RenameUser(ctx, "ann", "anna")
			_, back := c.RenameUser(ctx, "anna", "ann")
			return join(there, back)
		}},
		{"SetUserAttributes", func(ctx context.Context, c *crowd.Client) error {
			return c.SetUserAttributes(ctx, "ann", crowd.Attributes{"team": {"red", "blue"}, "floor": {"3"}})
		}},
		{"Group", func(ctx context.Context, c *crowd.Client) error {
			_, err := c.Group(ctx, "devs")
			return err
		}},
		{"AddRemoveMember", func(ctx context.Context, c *crowd.Client) error {
			_, err := c.AddMember(ctx, "devs", "ann")
			_, back := c.RemoveMember(ctx, "devs", "ann")
			return join(err, back)
		}},
		{"AddRemoveChildGroup", func(ctx context.Context, c *crowd.Client) error {
			_, err := c.AddChildGroup(ctx, "devs", "child")
			_, back := c.RemoveChildGroup(ctx, "devs", "child")
			return join(err, back)
		}},
		{"IsMember", func(ctx context.Context, c *crowd.Client) error {
			_, err := c.IsMember(ctx, "all", "ann", false)
			return err
		}},
		{"SearchByName", func(ctx context.Context, c *crowd.Client) error {
			return last(c.Users(ctx, crowd.Query{Where: crowd.Equals(crowd.PropertyName, "ann")}))
		}},
		{"SearchByAttribute", func(ctx context.Context, c *crowd.Client) error {
			return last(c.Users(ctx, crowd.Query{Where: crowd.Equals("team", "red")}))
		}},
		{"Members1000Names", func(ctx context.Context, c *crowd.Client) error {
			return last(c.Members(ctx, "all", crowd.List{}))
		}},
		{"Members1000Entities", func(ctx context.Context, c *crowd.Client) error {
			return last(c.Members(ctx, "all", crowd.List{Detail: crowd.Entities}))
		}},
		{"Authenticate", func(ctx context.Context, c *crowd.Client) error {
			_, err := c.Authenticate(ctx, "ann", "p")
			return err
		}},
		{"CreateEndSession", func(ctx context.Context, c *crowd.Client) error {
			session, err := c.CreateSession(ctx, crowd.SessionRequest{User: "ann", Password: "p"})
			if err != nil {
				return err
			}
			return c.EndSession(ctx, session.Token)
		}},
		{"EventToken", func(ctx context.Context, c *crowd.Client) error {
			_, err := c.EventToken(ctx)
			return err
		}},
		{"Check", func(ctx context.Context, c *crowd.Client) error {
			if r := c.Check(ctx); !r.OK() {
				return fmt.Errorf("not well:\n%s", r)
			}
			return nil
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c, n := benched(b)
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.call(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n.n)/float64(b.N), "crowd-calls/op")
		})
	}
}

func join(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkStreams measures lists that are long, from a server that costs next
// to nothing. The peak is what the heap grew by, garbage included: it stays
// alike from 10,000 to 1,000,000.
func BenchmarkStreams(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		for _, stream := range []struct {
			name  string
			whole bool
			list  func(*testing.B, *crowd.Client) uint64
		}{
			{"Members", false, func(b *testing.B, c *crowd.Client) uint64 {
				return read(b, c.Members(b.Context(), "all", crowd.List{}), n)
			}},
			{"MembersInOneAnswer", true, func(b *testing.B, c *crowd.Client) uint64 {
				return read(b, c.Members(b.Context(), "all", crowd.List{}), n)
			}},
			{"Memberships", true, func(b *testing.B, c *crowd.Client) uint64 {
				return read(b, c.Memberships(b.Context()), n)
			}},
		} {
			b.Run(fmt.Sprintf("%s/%d", stream.name, n), func(b *testing.B) {
				d := &directory{n: n, whole: stream.whole}
				c := clientOf(b, d, crowd.Config{})
				var most uint64
				b.ReportAllocs()
				for b.Loop() {
					most = max(most, stream.list(b, c))
				}
				b.ReportMetric(float64(most), "peak-heap-B")
				b.ReportMetric(float64(d.calls)/float64(b.N), "crowd-calls/op")
			})
		}
	}
}

// read reads a sequence of n entries and returns by how much the heap grew at
// most.
func read[T any](b *testing.B, seq iter.Seq2[T, error], n int) (most uint64) {
	b.Helper()
	before, got := heap(), 0
	for _, err := range seq {
		if err != nil {
			b.Fatal(err)
		}
		if got++; got%1000 == 0 {
			if now := heap(); now > before {
				most = max(most, now-before)
			}
		}
	}
	if got != n {
		b.Fatalf("%d entries, want %d", got, n)
	}
	return most
}

// heap returns the bytes that objects take, used or not collected yet.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
