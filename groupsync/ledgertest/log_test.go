package ledgertest_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/groupsync/ledgertest"
)

// A store is the plainest ledger there can be: lists of all that was ever said,
// read from the beginning each time. Its faults make it break a promise.
type store struct {
	crowd  groupsync.Directory
	faults faults

	mu         sync.Mutex // guards the fields below
	groups     []groupLine
	users      []userLine
	reconciled map[string]time.Time
}

type groupLine struct {
	connection string
	groupsync.GroupFact
}

type userLine struct {
	connection, user string
	groupsync.UserFact
}

// faults are the ways in which a store is wrong. Nil and zero mean none.
type faults struct {
	group     func([]groupLine) []groupLine // what a book is read from
	user      func([]userLine) []userLine   // what holdings are read from
	writeUser func([]groupsync.UserFact) []groupsync.UserFact
	book      func(*groupsync.Book)
	key       func(*crowd.User) string
	also      func([]crowd.Restriction) []crowd.Restriction

	sharedBook   *groupsync.Book
	factsFirst   bool // before the extra attributes
	noExtra      bool
	hidesErrors  bool
	bareErrors   bool
	revokedToo   bool // among the holders
	grantedOnly  bool // among the edges
	activeOnly   bool
	most         int // holders
	bareUsers    bool
	goesOn       bool // after an error
	sharedGrants bool // by all connections
	ownOrigins   bool // of each connection
	sharedGroups bool
	forgetsEnd   bool // of a reconcile
	sharedEnd    bool
}

func newStore(f faults) func(d groupsync.Directory) ledgertest.Opener {
	return func(d groupsync.Directory) ledgertest.Opener {
		s := &store{crowd: d, faults: f, reconciled: map[string]time.Time{}}
		if f.sharedBook != nil {
			s.faults.sharedBook = groupsync.NewBook()
		}
		return func(connection string) groupsync.Ledger { return &logLedger{s, connection} }
	}
}

type logLedger struct {
	*store
	connection string
}

func (l *logLedger) Book(ctx context.Context, also ...crowd.Restriction) (*groupsync.Book, error) {
	b := l.faults.sharedBook
	if b == nil {
		b = groupsync.NewBook()
	}
	if l.faults.also != nil {
		also = l.faults.also(also)
	}
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
	lines := slices.Clone(l.groups)
	if l.faults.group != nil {
		lines = l.faults.group(lines)
	}
	for _, f := range lines {
		if f.connection == l.connection || l.faults.sharedGroups {
			b.Add(f.GroupFact)
		}
	}
	b.Reconciled = l.reconciled[l.connection]
	if l.faults.book != nil {
		l.faults.book(b)
	}
	return b, nil
}

func (l *logLedger) RecordGroup(_ context.Context, f groupsync.GroupFact) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups = append(l.groups, groupLine{l.connection, f})
	return nil
}

func (l *logLedger) key(u *crowd.User) string {
	if l.faults.key != nil {
		return l.faults.key(u)
	}
	return u.Key
}

func (l *logLedger) Holdings(_ context.Context, u *crowd.User) (groupsync.Holdings, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var h groupsync.Holdings
	for _, f := range l.said() {
		own := f.connection == l.connection
		if f.GroupID == "" && !l.faults.ownOrigins || f.GroupID != "" && l.faults.sharedGrants {
			own = true
		}
		if own && f.user == l.key(u) {
			h.Add(f.UserFact)
		}
	}
	return h, nil
}

func (l *logLedger) said() []userLine {
	lines := slices.Clone(l.users)
	if l.faults.user != nil {
		lines = l.faults.user(lines)
	}
	return lines
}

func (l *logLedger) RecordUser(ctx context.Context, u *crowd.User, facts []groupsync.UserFact, extra crowd.Attributes) error {
	if l.faults.factsFirst {
		l.write(u, facts)
	}
	if len(extra) > 0 && !l.faults.noExtra {
		err := l.crowd.SetUserAttributes(ctx, u.Name, extra)
		switch {
		case err != nil && l.faults.hidesErrors:
			return nil
		case err != nil && l.faults.bareErrors:
			return errors.New("it did not work")
		case err != nil:
			return err
		}
	}
	if !l.faults.factsFirst {
		l.write(u, facts)
	}
	return nil
}

func (l *logLedger) write(u *crowd.User, facts []groupsync.UserFact) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.faults.writeUser != nil {
		facts = l.faults.writeUser(facts)
	}
	for _, f := range facts {
		l.users = append(l.users, userLine{l.connection, l.key(u), f})
	}
}

func (l *logLedger) Holders(ctx context.Context, groupID string, _ int) iter.Seq2[*crowd.User, error] {
	return l.list(ctx, groupID, l.faults.revokedToo)
}

func (l *logLedger) Edges(ctx context.Context, groupID string, _ int) iter.Seq2[*crowd.User, error] {
	return l.list(ctx, groupID, !l.faults.grantedOnly)
}

func (l *logLedger) list(ctx context.Context, groupID string, all bool) iter.Seq2[*crowd.User, error] {
	return func(yield func(*crowd.User, error) bool) {
		n := 0
		for _, key := range l.keys(groupID, all) {
			u, err := l.crowd.UserByKey(ctx, key)
			if errors.Is(err, crowd.ErrUserNotFound) || err == nil && l.faults.activeOnly && !u.Active {
				continue
			}
			if err == nil && l.faults.bareUsers {
				u.Attributes = nil
			}
			if err != nil && l.faults.hidesErrors {
				return
			}
			if n++; l.faults.most > 0 && n > l.faults.most {
				return
			}
			if !yield(u, err) || err != nil && !l.faults.goesOn {
				return
			}
		}
	}
}

func (l *logLedger) keys(groupID string, all bool) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	granted := map[string]bool{}
	for _, f := range l.said() {
		if f.GroupID == groupID && f.connection == l.connection {
			granted[f.user] = f.Granted
		}
	}
	var keys []string
	for key, is := range granted {
		if is || all {
			keys = append(keys, key)
		}
	}
	return keys
}

func (l *logLedger) RecordReconciled(_ context.Context, began time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.faults.forgetsEnd {
		return nil
	}
	l.reconciled[l.connection] = began
	if l.faults.sharedEnd {
		for _, f := range l.groups {
			l.reconciled[f.connection] = began
		}
	}
	return nil
}
