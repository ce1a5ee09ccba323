package bridge

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// reconcileSoon is when a reconcile that failed is tried again.
const reconcileSoon = time.Minute

// reconcileAll reconciles the connections at once, after each change of the document,
// and every so often, until ctx ends.
func (s *Server) reconcileAll(ctx context.Context) {
	for {
		wait := s.cfg.Reconcile
		for _, name := range s.now.Load().names() {
			if err := s.reconcileNow(ctx, name); err != nil {
				wait = min(wait, reconcileSoon)
			}
		}
		// Not all replicas at the same time, which would cost without use.
		wait -= jitter(wait / 10)
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		case <-time.After(wait):
		}
	}
}

func jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return mathrand.N(most)
}

// reconcileNow reconciles a connection as the document in use has it: another may have
// come into use since the pass began.
func (s *Server) reconcileNow(ctx context.Context, name string) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	at := s.pass.begin(&s.now, name, end)
	if at == nil || ctx.Err() != nil {
		return nil
	}
	return s.reconcile(ctx, at)
}

// A pass is the reconcile under way, which ends early when its connection is paused or
// gone.
type pass struct {
	mu   sync.Mutex // guards what follows, and is held while a document is put into use
	name string
	end  context.CancelFunc // nil before the first reconcile
}

// begin returns the connection if it is to be reconciled.
func (p *pass) begin(now *atomic.Pointer[document], name string, end context.CancelFunc) *site {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now.Load().active(name)
	if at != nil {
		p.name, p.end = name, end
	}
	return at
}

// use puts a document into use.
func (p *pass) use(now *atomic.Pointer[document], next *document) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now.Store(next)
	if p.end != nil && next.active(p.name) == nil {
		p.end()
	}
}

// reconcile brings what one connection has in Crowd to what is recorded.
func (s *Server) reconcile(ctx context.Context, r *site) error {
	id := "reconcile-" + rand.Text()[:12]
	ctx = groupsync.WithRequestID(withConnection(ctx, r.Name), id)
	result, err := r.Engine.Reconcile(ctx, groupsync.ReconcileOptions{})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.metrics.reconcile(r.Name, result, err)
	if err != nil {
		s.logger.WarnContext(ctx, "reconcile failed", "connection", r.Name, "request", id, "error", err)
		return err
	}
	s.logger.InfoContext(ctx, "reconciled", "connection", r.Name, "request", id, "steps", len(result.Plan.Steps), "applied", result.Applied)
	return nil
}
