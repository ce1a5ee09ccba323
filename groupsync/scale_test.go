package groupsync_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// TestCallsOfAHugeGroup holds that a member who comes or goes costs two writes,
// and that all else is read by pages: the group and who is in it, then the
// holders, those to join, those who changed, and the holders again.
func TestCallsOfAHugeGroup(t *testing.T) {
	const n, page = 3000, 1000
	const pages = n/page + 1 // the last is short and ends the list
	w, g := scaled(t)
	ids := g.users(n+n/2, nil)
	group := w.group("everyone")
	most := func(what string, differences int, members []string) {
		t.Helper()
		g.calls, g.writes = 0, 0
		w.push(group.ID, members)
		if want := 2 * differences; g.writes != want {
			t.Errorf("%s took %d writes, want %d", what, g.writes, want)
		}
		if reads, want := g.calls-g.writes, 4*(pages+1)+3; reads > want {
			t.Errorf("%s took %d reads, want %d at most", what, reads, want)
		}
		if got := len(g.srv.Members("everyone")); got != len(members) {
			t.Errorf("%s left %d members, want %d", what, got, len(members))
		}
	}
	most("a first push", n, ids[:n])
	most("the same push", 0, ids[:n])
	most("a push of which half is new", n, ids[n/2:])
}

// TestTimeOfScale holds that work in large groups keeps as many calls in flight as
// the client allows: it takes 1.3 times at most what its calls take, one after the
// other, divided by those at once. Time is the test's own, so that a busy machine
// counts for nothing; BenchmarkScale… measure the real one.
func TestTimeOfScale(t *testing.T) {
	const members, differ = 10000, 100
	for name, measure := range map[string]func(w *world, g *gauge) (prepare, work func()){
		"replace 1 %": func(w *world, g *gauge) (func(), func()) {
			ids := append(g.fill(w, members, 1, 1), g.users(differ/2, nil)...)
			group, err := w.engine.GroupByName(w.tb.Context(), scaleGroup(0))
			if err != nil {
				t.Fatal(err)
			}
			return func() {}, func() { w.push(group.ID, ids[differ/2:]) } // and without the sample
		},
		"first push": func(w *world, g *gauge) (func(), func()) {
			ids := g.users(members/5, nil)
			group := w.group("everyone")
			return func() {}, func() { w.push(group.ID, ids) }
		},
		"reconcile": func(w *world, g *gauge) (func(), func()) {
			g.fill(w, members/2, 100, 3)
			return func() {
					for i := range differ {
						g.srv.In("").RemoveMember(scaleGroup(groupOf(i, 0, 100)), fmt.Sprintf("user-%06d", i))
					}
				}, func() {
					if result, err := w.engine.Reconcile(w.tb.Context(), groupsync.ReconcileOptions{}); err != nil || result.Applied != differ {
						t.Fatalf("reconcile: %d steps, %v", result.Applied, err)
					}
				}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, g := scaled(t)
				prepare, work := measure(w, g)
				prepare()
				g.srv.SetOptions(func(o *crowdtest.Options) { o.Latency = scaleLatency })
				g.calls = 0
				began := time.Now()
				work()
				best := time.Duration(g.calls) * scaleLatency / scaleInFlight
				ratio := float64(time.Since(began)) / float64(best)
				t.Logf("%d calls in %v: %.2f of %v", g.calls, time.Since(began), ratio, best)
				if ratio > 1.3 {
					t.Errorf("%d calls took %v, %.2f times what they take at best, %v", g.calls, time.Since(began), ratio, best)
				}
			})
		})
	}
}

// TestHugeChangeLetsOthersThrough holds that a change of one user, made while a
// huge group is pushed, waits for few of the calls that this takes: for each of
// its own no more than are in flight and in line before it.
func TestHugeChangeLetsOthersThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, atOnce = 2000, 8
		w, g := scaled(t)
		ids := g.users(n, nil)
		ann := w.user("ann")
		group := w.group("everyone")
		small := w.group("few")
		g.srv.SetOptions(func(o *crowdtest.Options) { o.Latency = 5 * time.Millisecond })

		var mu sync.Mutex
		huge := 0 // calls of the huge push
		type single struct{}
		own := 0
		g.srv.SetGate(func(ctx context.Context, _ crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case at == crowdtest.BeforeAnswer:
			case ctx.Value(single{}) != nil:
				own++
			default:
				huge++
			}
			return crowdtest.NoFault
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.push(group.ID, ids)
		}()
		time.Sleep(time.Second) // the push is in the middle of its writes
		ctx := context.WithValue(t.Context(), single{}, true)
		for what, change := range map[string]func() error{
			"deactivate": func() error {
				off := false
				_, err := w.engine.UpdateUser(ctx, ann.ID, func(*groupsync.User) (groupsync.Profile, error) {
					return groupsync.Profile{Fields: mapping.Fields{Active: &off}, ActiveSaid: true}, nil
				})
				return err
			},
			"add to a group": func() error {
				_, err := w.engine.ChangeGroup(ctx, small.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{add(ann)}})
				return err
			},
		} {
			mu.Lock()
			before, ownBefore := huge, own
			mu.Unlock()
			if err := change(); err != nil {
				t.Error(err)
			}
			mu.Lock()
			waited, calls := huge-before, own-ownBefore
			mu.Unlock()
			if waited > 2*atOnce*calls {
				t.Errorf("%s: %d calls waited for %d of the huge push, want %d at most", what, calls, waited, 2*atOnce*calls)
			}
			if waited == 0 {
				t.Errorf("%s: the huge push was not under way", what)
			}
		}
		<-done
	})
}
