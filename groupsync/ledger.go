package groupsync

import (
	"context"
	"iter"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A Ledger keeps what a connection's identity provider said of groups: which
// SCIM groups there are, which users were granted them, and which memberships
// in Crowd that caused. [NewCrowdLedger] keeps it in Crowd itself; a
// [MemoryLedger] serves tests. Package ledgertest holds any other one against
// what is promised here.
//
// All records are registers: a later write of the same fact replaces an earlier
// one, whatever the times in them say, and none is ever deleted. Ids and texts
// come back as they were given, byte for byte, an id of any case and up to 240
// characters, and times to the nanosecond. Names of Crowd's users and groups are
// the same in any case; what is recorded with a user follows its key, through
// renames, and ends with the user.
//
// Errors of Crowd are handed on wrapped, so that [errors.Is] tells what they are. A
// Ledger is safe for concurrent use, in one process and from others that share its
// store.
type Ledger interface {
	// Book returns the SCIM groups, in a Book of its own for each call. The Crowd
	// groups that match one of also, with their attributes, are read at the same
	// time and stand in [Book.Crowd].
	Book(ctx context.Context, also ...crowd.Restriction) (*Book, error)
	// RecordGroup writes one fact about a SCIM group.
	RecordGroup(ctx context.Context, f GroupFact) error
	// Holdings returns what is recorded with a user, who was just read from
	// Crowd with its attributes. Grants are those of the connection, origins those
	// of the directory: all its connections share them.
	Holdings(ctx context.Context, u *crowd.User) (Holdings, error)
	// RecordUser writes facts about a user, all of them or none. Extra are
	// attributes of the user to write in the same request if that is possible;
	// without them the facts are not written either.
	RecordUser(ctx context.Context, u *crowd.User, facts []UserFact, extra crowd.Attributes) error
	// Holders returns the users who hold a grant of the SCIM group, with their
	// attributes, each once. Those who are inactive are among them, those whom
	// Crowd no longer has are not. Of a grant that is recorded or revoked
	// meanwhile it may tell or not. About is how many there may be, as far as the
	// caller knows, 0 where it does not: a ledger may ask for so many at once.
	Holders(ctx context.Context, groupID string, about int) iter.Seq2[*crowd.User, error]
	// Edges returns the users who hold a grant of the SCIM group or held one that
	// was revoked, as Holders does.
	Edges(ctx context.Context, groupID string, about int) iter.Seq2[*crowd.User, error]
	// RecordReconciled records that a whole reconcile has ended which had begun at
	// that time; see [Book.Reconciled].
	RecordReconciled(ctx context.Context, began time.Time) error
}

// A GroupFact is one thing said of a SCIM group.
type GroupFact struct {
	Kind GroupFactKind
	// ID is the group's.
	ID string
	// Name is its name, for the kinds Issued and Renamed.
	Name string
	// ExternalID is the identity provider's own id, for the kinds Issued and
	// Externalised.
	ExternalID string
	// Members tells, for the kind Issued, whom the group was created with: a text
	// that is the same for the same users and no longer than 64 characters.
	Members string
	// Made tells, for the kinds Issued and Renamed, that the connection created
	// the Crowd group of that name.
	Made bool
	// Child is, for the kind Nested, the id of the group within the group, and
	// Granted whether it is a member. Origin is Found where the Crowd group was
	// within the other by hand before. Each pair of groups is a register of its
	// own.
	Child   string
	Granted bool
	Origin  Origin
	// At is when it was said, Request by which request.
	At      time.Time
	Request string
}

// A GroupFactKind tells the facts about a group apart. Each is a register of
// its own, so that a late create neither undoes a rename nor revives an id.
type GroupFactKind int

// The kinds of facts about a group.
const (
	Issued       GroupFactKind = iota // the id was given to a name
	Renamed                           // the group has a new name
	Externalised                      // the group has a new externalId
	Dead                              // the group was deleted
	Nested                            // another group is, or is no longer, a member
)

// A UserFact is one thing said of a user: a grant of a SCIM group, or the
// origin of the membership in a Crowd group.
type UserFact struct {
	// GroupID is the SCIM group granted or revoked; empty in facts about an
	// origin.
	GroupID string
	Granted bool
	// Target is the Crowd group whose membership has that Origin.
	Target string
	Origin Origin
	// At is when it was said, Request by which request.
	At      time.Time
	Request string
}

// An Origin says how a membership came to be.
type Origin int

// The origins of memberships.
const (
	Unknown Origin = iota // nothing is recorded
	Made                  // there was none when it was first granted
	Found                 // it was there by hand when it was first granted
	Left                  // the last grant is gone: the membership is ours to remove
)
