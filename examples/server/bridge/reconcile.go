package bridge

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
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
		for _, r := range s.now.Load().sites {
			if r.Paused || ctx.Err() != nil {
				continue
			}
			if err := s.reconcile(ctx, r); err != nil {
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
