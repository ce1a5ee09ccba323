package groupsync_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// The benchmarks of scale work on a Crowd that takes 5 ms for each answer. Beside
// the time they report the calls, the ratio of the time to what these calls take
// at best (the sum of their own times, eight at once), and how much memory the
// engine holds at most. One run of each is enough:
//
//	go test ./groupsync -run '^$' -bench Scale -benchtime 1x -timeout 1h

const (
	scaleLatency  = 5 * time.Millisecond
	scaleInFlight = 8 // the defaults of the client and the engine
)

// A gauge carries calls to a Crowd and measures them. It needs no network.
type gauge struct {
	srv    *crowdtest.Server
	seeded int // users

	mu     sync.Mutex // guards what follows
	calls  int
	writes int
	spent  time.Duration

	every  int // with each that many calls memory is looked at; 0 for never
	base   uint64
	levels []level
}

// A level is how much memory was held after some writes.
type level struct {
	writes int
	held   uint64
}

func (g *gauge) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	g.mu.Lock()
	g.calls++
	if r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/search") {
		g.writes++
	}
	if g.every > 0 && g.calls%g.every == 0 {
		g.levels = append(g.levels, level{g.writes, heldNow()})
	}
	g.mu.Unlock()
	response, err := g.srv.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = &timedBody{response.Body, g, began}
	return response, nil
}

// A timedBody counts a call as over when its answer has been read.
type timedBody struct {
	io.ReadCloser
	g     *gauge
	began time.Time
}

func (b *timedBody) Close() error {
	if !b.began.IsZero() {
		b.g.mu.Lock()
		b.g.spent += time.Since(b.began)
		b.g.mu.Unlock()
		b.began = time.Time{}
	}
	return b.ReadCloser.Close()
}

// heldNow returns the bytes that are in use once all garbage is collected.
func heldNow() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// growth returns the most that was held beyond the beginning, without what the
// Crowd itself has grown by, in proportion to the writes.
func (g *gauge) growth() uint64 {
	end := heldNow()
	most := int64(0)
	for _, l := range g.levels {
		own := int64(0)
		if g.writes > 0 {
			own = (int64(end) - int64(g.base)) * int64(l.writes) / int64(g.writes)
		}
		most = max(most, int64(l.held)-int64(g.base)-own)
	}
	return uint64(most)
}

// scaled is a world behind a gauge.
func scaled(tb testing.TB) (*world, *gauge) {
	tb.Helper()
	srv := new(crowdtest.Server)
	srv.SetOptions(func(o *crowdtest.Options) { o.NoCalls = true })
	g := &gauge{srv: srv}
	client, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: g},
	})
	if err != nil {
		tb.Fatal(err)
	}
	hundred := 100
	w := worldOver(tb, srv, func(c *groupsync.Config) {
		c.Crowd, c.Observer = client, nil
		c.Policy.Removals = groupsync.Limit{Percent: &hundred}
	})
	return w, g
}

// run measures f: twice at the latency of a real Crowd for the time, and once
// more, without latency, for the memory. Before each, prepare is called.
func (g *gauge) run(b *testing.B, prepare, f func()) {
	b.Helper()
	latency := func(d time.Duration) {
		g.srv.SetOptions(func(o *crowdtest.Options) { o.Latency = d })
	}
	var wall time.Duration
	for b.Loop() {
		b.StopTimer()
		latency(0)
		prepare()
		latency(scaleLatency)
		g.calls, g.writes, g.spent = 0, 0, 0
		b.StartTimer()
		began := time.Now()
		f()
		wall = time.Since(began)
	}
	calls, best := g.calls, g.spent/scaleInFlight
	b.StopTimer()
	latency(0)
	prepare()
	g.writes, g.levels, g.every, g.base = 0, nil, max(calls/16, 1), heldNow()
	f()
	g.every = 0
	b.ReportMetric(float64(calls), "crowd-calls/op")
	b.ReportMetric(float64(wall)/float64(best), "time/best")
	b.ReportMetric(float64(wall)/(float64(calls)*float64(scaleLatency)/scaleInFlight), "time/5ms-calls")
	b.ReportMetric(float64(g.growth())/(1<<20), "MiB-held")
}

// users seeds further users as the engine would have created them, and returns their
// ids.
func (g *gauge) users(n int, attributes func(i int) crowd.Attributes) []string {
	ids := make([]string, n)
	for i := range n {
		number := g.seeded + i
		name := fmt.Sprintf("user-%06d", number)
		u := crowd.User{
			Name: name, FirstName: "Some", LastName: "User", DisplayName: "Some User", Email: name + "@example.com",
			Active: true, Key: fmt.Sprintf("32769:%08x-0000-4000-8000-000000000000", number),
			Attributes: crowd.Attributes{},
		}
		if attributes != nil {
			u.Attributes = attributes(i)
		}
		u.Attributes["scim.owner"] = []string{"okta"}
		g.srv.AddUser(u)
		ids[i] = strings.Replace(u.Key, ":", ".", 1)
	}
	g.seeded += n
	return ids
}

func (w *world) push(id string, members []string) {
	w.tb.Helper()
	_, err := w.engine.ChangeGroup(w.tb.Context(), id, groupsync.GroupChange{
		Members: []groupsync.MemberChange{{Op: groupsync.ReplaceMembers, IDs: members}},
	})
	if err != nil {
		w.tb.Fatal(err)
	}
}

// BenchmarkScaleReplace replaces the members of a group of 10,000 where 100 of
// them differ.
func BenchmarkScaleReplace(b *testing.B) {
	const n, half = 10000, 50
	w, g := scaled(b)
	ids := g.users(n+half, nil)
	group := w.group("everyone")
	w.push(group.ID, ids[:n])
	first := true
	g.run(b, func() {}, func() {
		members := ids[:n]
		if first {
			members = ids[half:]
		}
		first = !first
		w.push(group.ID, members)
	})
}

// BenchmarkScaleFirstPush puts 10,000 users into a new group.
func BenchmarkScaleFirstPush(b *testing.B) {
	const n = 10000
	w, g := scaled(b)
	ids := g.users(n, nil)
	var group *groupsync.Group
	pushed := 0
	g.run(b, func() {
		pushed++
		group = w.group(fmt.Sprint("group-", pushed))
	}, func() { w.push(group.ID, ids) })
}

// BenchmarkScaleReconcile reconciles 100,000 users in 1,000 groups, ten
// memberships each, of which 100 are missing and 100 are left over.
func BenchmarkScaleReconcile(b *testing.B) {
	const users, groups, each, drift = 100000, 1000, 10, 100
	w, g := scaled(b)
	g.fill(w, users, groups, each)
	round := 0
	g.run(b, func() {
		for i := range drift {
			n := round*drift + i
			g.srv.In("").RemoveMember(scaleGroup(groupOf(n, 0, groups)), fmt.Sprintf("user-%06d", n))
		}
		round++
	}, func() {
		result, err := w.engine.Reconcile(b.Context(), groupsync.ReconcileOptions{})
		if err != nil || result.Applied != drift {
			b.Fatalf("reconcile: %d steps, %v", result.Applied, err)
		}
	})
}

func scaleGroup(i int) string { return fmt.Sprintf("group-%04d", i) }

// groupOf is the group of a user's k-th membership.
func groupOf(user, k, groups int) int { return (user + k*37) % groups }

// fill makes users and groups, with the records that the engine leaves of one
// user who is in all of the groups. It returns the ids of the users.
func (g *gauge) fill(w *world, users, groups, each int) []string {
	w.tb.Helper()
	sample := w.user("sample")
	records := make([]crowd.Attributes, groups)
	known := map[string]bool{}
	for i := range groups {
		w.group(scaleGroup(i), sample)
		records[i] = crowd.Attributes{}
		u, _ := g.srv.User("sample")
		for name, values := range u.Attributes {
			if !known[name] {
				known[name] = true
				records[i][name] = values
			}
		}
		if i == 0 { // those of the user itself are no record of a group
			for name := range records[i] {
				if !strings.Contains(name, ".grant.") && !strings.Contains(name, ".made.") {
					delete(records[i], name)
				}
			}
		}
	}
	members := make([][]string, groups)
	ids := g.users(users, func(n int) crowd.Attributes {
		a := crowd.Attributes{}
		for k := range each {
			i := groupOf(n, k, groups)
			members[i] = append(members[i], fmt.Sprintf("user-%06d", n))
			for name, values := range records[i] {
				a[name] = values
			}
		}
		return a
	})
	for i, names := range members {
		g.srv.AddMember(scaleGroup(i), names...)
	}
	return ids
}
