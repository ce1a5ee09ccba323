package groupsync

import (
	"context"
	"errors"
	"hash/fnv"
	"sync/atomic"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// Replicas says how many processes provision a Crowd directory.
type Replicas string

// The values of [Replicas].
const (
	// ManyReplicas is the default: any number of processes, which know of one
	// another by what stands in Crowd.
	ManyReplicas Replicas = "many"
	// OneReplica is an administrator's promise that there is one process at a time,
	// which spares the call that looks whether another one has come between. Where
	// the promise is broken memberships may differ from what is recorded until the
	// next reconcile.
	OneReplica Replicas = "one"
)

// Locks keep engines of one process from working on the memberships of one user at
// the same time, where [Config.Replicas] is [OneReplica]: what such an engine has read
// of a user still holds when it has written, so it need not look again. Engines of one
// directory must share them, those that replace others too. They take a few kilobytes
// however many users there are: some users share a turn.
//
// Whatever writes in Crowd and does not take part, such as another process, is as if
// it came before or after, and is not noticed.
type Locks struct {
	clock atomic.Uint64 // counts the turns that have ended
	// epoch counts the changes of SCIM groups, those that move members when they begin
	// too: where it has moved, a book read before may be out of date.
	epoch atomic.Int64
	turns [512]turn
}

// A turn is had by one at a time.
type turn struct {
	taken chan struct{} // holds an element meanwhile
	ended uint64        // the clock after the last one; guarded by taken
}

// NewLocks returns locks that nobody holds.
func NewLocks() *Locks {
	l := &Locks{}
	for i := range l.turns {
		l.turns[i].taken = make(chan struct{}, 1)
	}
	return l
}

type holdsTurn struct{}

// with calls f while nobody else works on the user of a key. It tells f whether
// somebody has since the clock stood at asOf. Within f there are no further turns to
// be had: two who wait for each other's would wait for ever.
func (l *Locks) with(ctx context.Context, key string, asOf uint64, f func(ctx context.Context, changed bool) error) error {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	t := &l.turns[h.Sum32()%uint32(len(l.turns))]
	select {
	case t.taken <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() {
		t.ended = l.clock.Add(1)
		<-t.taken
	}()
	return f(context.WithValue(ctx, holdsTurn{}, true), t.ended > asOf)
}

// beginMove counts a rename or a deletion that begins. The book goes with it, unless
// another one has begun since it was read.
func (e *Engine) beginMove(b *Book) {
	if n := e.locks.epoch.Add(1); b.epoch == n-1 {
		b.epoch = n
	}
}

// alone reports whether an engine goes by turns, and has none yet.
func (e *Engine) alone(ctx context.Context) bool {
	return e.cfg.Replicas == OneReplica && ctx.Value(holdsTurn{}) == nil
}

// inTurn calls f, in a turn of the user's where the engine goes by turns.
func (e *Engine) inTurn(ctx context.Context, key string, f func(context.Context) error) error {
	if !e.alone(ctx) {
		return f(ctx)
	}
	return e.locks.with(ctx, key, 0, func(ctx context.Context, _ bool) error { return f(ctx) })
}

// afterOthers waits for those who work on a user by what they have read, so that
// whoever comes after reads what was just written.
func (e *Engine) afterOthers(ctx context.Context, key string) error {
	return e.inTurn(ctx, key, func(context.Context) error { return nil })
}

// runAlone is run for an engine that goes by turns: nobody has changed what is known
// of the user in the meantime, so it looks again only where something else was met.
func (w *edges) runAlone(ctx context.Context) error {
	return w.e.locks.with(ctx, w.user.Crowd.Key, w.user.asOf, func(ctx context.Context, changed bool) error {
		if changed {
			if there, err := w.renew(ctx); err != nil || !there {
				return err
			}
		}
		if err := w.begin(ctx); err != nil || w.certain() {
			return err
		}
		return w.settle(ctx)
	})
}

// renew reads a user who was changed since. It reports whether there is anything to
// be done still.
func (w *edges) renew(ctx context.Context) (there bool, err error) {
	err = w.reread(ctx)
	switch {
	case errors.Is(err, crowd.ErrUserNotFound) && !w.grants():
		return false, nil // and the memberships with it
	case errors.Is(err, crowd.ErrUserNotFound), err == nil && w.user.gone && w.grants():
		return false, ErrNoUser
	case err != nil:
		return false, err
	}
	w.asked = false
	if len(w.changes) > 0 {
		w.targets = onceEach(append(w.targets, w.e.touched(w.book, w.user, w.changes)...))
	}
	return true, nil
}

// certain reports whether the first change has met nothing that a look must clear up.
func (w *edges) certain() bool {
	if !w.wrote {
		return true
	}
	if w.unsure || w.book.epoch != w.e.locks.epoch.Load() {
		return false
	}
	for _, t := range w.targets {
		if _, known := w.last[crowd.Fold(t.Group)]; !known {
			return false
		}
	}
	return true
}

// recordGroup writes a fact about a SCIM group. A book that was read before the fact
// was there is out of date from then on.
func (e *Engine) recordGroup(ctx context.Context, b *Book, f GroupFact) error {
	defer e.beginMove(b)
	return e.ledger.RecordGroup(ctx, f)
}
