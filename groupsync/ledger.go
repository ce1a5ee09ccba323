package groupsync

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A Ledger keeps what a connection's identity provider said of groups: which
// SCIM groups there are, which users were granted them, and which memberships
// in Crowd that caused. [NewCrowdLedger] keeps it in Crowd itself; a
// [MemoryLedger] serves tests.
//
// All records are registers: a later write of the same fact replaces an earlier
// one, and none is ever deleted. A Ledger is safe for concurrent use.
type Ledger interface {
	// Book returns the SCIM groups. The Crowd groups that match one of also, with
	// their attributes, are read at the same time and stand in [Book.Crowd].
	Book(ctx context.Context, also ...crowd.Restriction) (*Book, error)
	// RecordGroup writes one fact about a SCIM group.
	RecordGroup(ctx context.Context, f GroupFact) error
	// Holdings returns what is recorded with a user, who was just read from
	// Crowd with its attributes.
	Holdings(ctx context.Context, u *crowd.User) (Holdings, error)
	// RecordUser writes facts about a user, all of them or none. Extra are
	// attributes of the user to write in the same request if that is possible.
	RecordUser(ctx context.Context, u *crowd.User, facts []UserFact, extra crowd.Attributes) error
	// Holders returns the users who hold a grant of the SCIM group, with their
	// attributes.
	Holders(ctx context.Context, groupID string) iter.Seq2[*crowd.User, error]
	// Edges returns the users who hold a grant of the SCIM group or held one that
	// was revoked, with their attributes.
	Edges(ctx context.Context, groupID string) iter.Seq2[*crowd.User, error]
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
	// Made tells, for the kinds Issued and Renamed, that the connection created
	// the Crowd group of that name.
	Made bool
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

// Holdings is what a [Ledger] has recorded with one user.
type Holdings struct {
	// Grants are the ids of the SCIM groups granted and not revoked, sorted.
	Grants []string
	// origins is by the hash of the Crowd group's folded name.
	origins map[string]origin
}

type origin struct {
	Origin Origin
	At     time.Time
	target string // the Crowd group's name as recorded, if it is known
}

// Granted reports whether the user holds a grant of the SCIM group.
func (h Holdings) Granted(groupID string) bool {
	return slices.Contains(h.Grants, groupID)
}

// Origin returns how the user's membership in a Crowd group came to be, and when
// that was recorded.
func (h Holdings) Origin(target string) (Origin, time.Time) {
	o := h.origins[targetHash(target)]
	return o.Origin, o.At
}

// anyOurs reports whether any membership was ever ours.
func (h Holdings) anyOurs() bool {
	for _, o := range h.origins {
		if o.Origin == Made || o.Origin == Left {
			return true
		}
	}
	return false
}

// SetOrigin records an origin in h, for ledgers that build one.
func (h *Holdings) SetOrigin(target string, o Origin, at time.Time) {
	if h.origins == nil {
		h.origins = map[string]origin{}
	}
	h.origins[targetHash(target)] = origin{o, at, target}
}

// Targets returns the names of the Crowd groups with a recorded origin, sorted.
func (h Holdings) Targets() []string {
	var names []string
	for _, o := range h.origins {
		if o.target != "" {
			names = append(names, o.target)
		}
	}
	slices.Sort(names)
	return names
}

func targetHash(target string) string { return hash(crowd.Fold(target)) }
