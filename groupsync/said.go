package groupsync

import (
	"context"
	"fmt"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A teller is a [Ledger] that tells the last word on a grant, be it that it is
// revoked. Both ledgers of this package are; without it a revocation is undone only
// where the audit log alone vouches for it.
type teller interface {
	Said(ctx context.Context, u *crowd.User, groupID string) (f UserFact, known bool, err error)
}

// Said returns what was last said of a user's grant of a SCIM group; known is false
// where nothing was. The user was just read with its attributes.
func (l *crowdLedger) Said(_ context.Context, u *crowd.User, groupID string) (f UserFact, known bool, err error) {
	state, n := readRegister(u.Attributes[l.names.grant+hash(groupID)], stateRevoked, stateGranted)
	return UserFact{GroupID: groupID, Granted: state == stateGranted, At: n.At, Request: n.Request}, state != "", nil
}

// Said returns what was last said of a user's grant of a SCIM group; known is false
// where nothing was.
func (l *MemoryLedger) Said(_ context.Context, u *crowd.User, groupID string) (f UserFact, known bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, known = l.users[u.Key][UserFact{GroupID: groupID}.register()]
	return f, known, nil
}

// lastWord returns what was last said of a user's grant; known is false where
// nothing was, or where the ledger tells of grants only and there is none.
func (e *Engine) lastWord(ctx context.Context, u *User, groupID string) (f UserFact, known bool, err error) {
	if t, tells := e.ledger.(teller); tells {
		return t.Said(ctx, &u.Crowd, groupID)
	}
	f, known = u.holdings.Grant(groupID)
	return f, known, nil
}

// word is how a step shows the last word on a grant.
func word(f UserFact, known bool) string {
	if !known {
		return "never said"
	}
	text := stateRevoked
	if f.Granted {
		text = stateGranted
	}
	if !f.At.IsZero() {
		text += " " + f.At.UTC().Format(time.RFC3339Nano)
	}
	if f.Request != "" {
		text += fmt.Sprintf(" by %s", f.Request)
	}
	return text
}
