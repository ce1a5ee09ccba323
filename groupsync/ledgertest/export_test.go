package ledgertest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// Failures returns what checks of [Test] and [TestShared] find wrong with the
// ledgers of a store, over a Crowd of those options, by the names of the checks:
// those named, or all.
func Failures(
	t *testing.T, options func(*crowdtest.Options), newStore func(d groupsync.Directory) Opener, names ...string,
) map[string][]string {
	failures := map[string][]string{}
	for _, c := range append(checks(), sharedChecks()...) {
		many := options != nil && c.name == "many holders" // slow, and the same everywhere
		if many || len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		r := &recorder{ctx: t.Context()}
		s := newSubject(t, r)
		if options != nil {
			s.srv.SetOptions(options)
		}
		s.open = newStore(s.crowd)
		s.ledger = s.open("okta")
		r.run(func() { c.run(s) })
		if len(r.failures) > 0 {
			failures[c.name] = r.failures
		}
	}
	return failures
}

// A recorder reports to nobody.
type recorder struct {
	ctx context.Context

	mu       sync.Mutex // guards failures
	failures []string
}

// run calls f and returns when it has ended, by itself or by Fatalf.
func (r *recorder) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}
