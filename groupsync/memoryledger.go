package groupsync

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A MemoryLedger is a [Ledger] that forgets with the process. It is for tests
// and for trying an identity provider out: after a restart nothing tells what
// the identity provider granted from what was made by hand.
type MemoryLedger struct {
	crowd Directory

	mu     sync.Mutex // guards the fields below
	groups []GroupFact
	users  map[string]map[string]UserFact // by user key, then by what is said

	reconciled time.Time
}

// NewMemoryLedger returns an empty ledger over a directory.
func NewMemoryLedger(d Directory) *MemoryLedger {
	return &MemoryLedger{crowd: d, users: map[string]map[string]UserFact{}}
}

// Book implements [Ledger].
func (l *MemoryLedger) Book(ctx context.Context, also ...crowd.Restriction) (*Book, error) {
	b := NewBook()
	if len(also) > 0 {
		for g, err := range l.crowd.Groups(ctx, crowd.Query{Where: crowd.Or(also...), Detail: crowd.WithAttributes}) {
			if err != nil {
				return nil, err
			}
			b.Crowd[crowd.Fold(g.Name)] = g
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.groups {
		b.Add(f)
	}
	b.Reconciled = l.reconciled
	return b, nil
}

// RecordGroup implements [Ledger].
func (l *MemoryLedger) RecordGroup(_ context.Context, f GroupFact) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	same := func(g GroupFact) bool { return g.ID == f.ID && g.Kind == f.Kind && g.Child == f.Child }
	l.groups = append(slices.DeleteFunc(l.groups, same), f)
	return nil
}

// Holdings implements [Ledger].
func (l *MemoryLedger) Holdings(_ context.Context, u *crowd.User) (Holdings, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var h Holdings
	for _, f := range l.users[u.Key] {
		h.Add(f)
	}
	return h, nil
}

// RecordUser implements [Ledger].
func (l *MemoryLedger) RecordUser(ctx context.Context, u *crowd.User, facts []UserFact, extra crowd.Attributes) error {
	if len(extra) > 0 {
		if err := l.crowd.SetUserAttributes(ctx, u.Name, extra); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	said := l.users[u.Key]
	if said == nil {
		said = map[string]UserFact{}
		l.users[u.Key] = said
	}
	for _, f := range facts {
		said[f.register()] = f
	}
	return nil
}

// register tells the facts about a user apart, of which a later one replaces an
// earlier.
func (f UserFact) register() string {
	if f.GroupID != "" {
		return "grant " + f.GroupID
	}
	return "origin " + crowd.Fold(f.Target)
}

// Holders implements [Ledger].
func (l *MemoryLedger) Holders(ctx context.Context, groupID string, _ int) iter.Seq2[*crowd.User, error] {
	return l.read(ctx, func(f UserFact) bool { return f.GroupID == groupID && f.Granted })
}

// Edges implements [Ledger].
func (l *MemoryLedger) Edges(ctx context.Context, groupID string, _ int) iter.Seq2[*crowd.User, error] {
	return l.read(ctx, func(f UserFact) bool { return f.GroupID == groupID })
}

// read reads the users of whom a fact is known.
func (l *MemoryLedger) read(ctx context.Context, known func(UserFact) bool) iter.Seq2[*crowd.User, error] {
	return func(yield func(*crowd.User, error) bool) {
		for _, key := range l.keys(known) {
			u, err := l.crowd.UserByKey(ctx, key)
			if errors.Is(err, crowd.ErrUserNotFound) {
				continue
			}
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

func (l *MemoryLedger) keys(known func(UserFact) bool) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(l.users)) {
		if slices.ContainsFunc(slices.Collect(maps.Values(l.users[key])), known) {
			keys = append(keys, key)
		}
	}
	return keys
}

// RecordReconciled implements [Ledger].
func (l *MemoryLedger) RecordReconciled(_ context.Context, began time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reconciled = began
	return nil
}
