package groupsync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A Plan is the ordered list of single changes that brings Crowd to what the
// identity provider asked for.
type Plan struct {
	// Title says in words what the plan is for, such as `replace the members of
	// "devs"`.
	Title string `json:"title"`
	Steps []Step `json:"steps"`

	// members counts the memberships of the groups that the plan takes from.
	members func(context.Context) (int, error)
}

// An Op is what a [Step] does.
type Op string

// The steps on users and groups.
const (
	OpCreateUser     Op = "create user"
	OpLinkUser       Op = "link user"
	OpReviveUser     Op = "revive user"
	OpUpdateUser     Op = "update user"
	OpRenameUser     Op = "rename user"
	OpSetPassword    Op = "set password"
	OpDeactivateUser Op = "deactivate user"
	OpReactivateUser Op = "reactivate user"
	OpEndSessions    Op = "end sessions"
	OpDeleteUser     Op = "delete user"
	OpHandOver       Op = "hand over"      // a step of a [Hook]
	OpNoteHandOver   Op = "note hand over" // records that a hook has ended
	OpRecord         Op = "record"
	OpCreateGroup    Op = "create group"
	OpLinkGroup      Op = "link group"
	OpRenameGroup    Op = "rename group"
	OpDeleteGroup    Op = "delete group"
	OpUpdateGroup    Op = "update group"
	OpGrant          Op = "grant"
	OpRevoke         Op = "revoke"
	OpAddMember      Op = "add member"
	OpRemoveMember   Op = "remove member"
	OpAddGroup       Op = "add group"
	OpRemoveGroup    Op = "remove group"
	OpReleaseGroup   Op = "release group" // takes the connection's marks off a Crowd group
	OpWatchGroup     Op = "watch group"   // notes when a Crowd group was first seen without its SCIM group

	OpReleaseUser      Op = "release user"      // what a connection keeps of the user goes, memberships stay
	OpForgetUser       Op = "forget user"       // what a connection keeps of the user goes, once nothing is granted
	OpForgetConnection Op = "forget connection" // deletes the registry
	OpAdoptUser        Op = "adopt user"        // the user becomes another connection's
	OpMoveGrant        Op = "move grant"        // another connection grants what one granted
)

// A Step is a single change of a [Plan].
type Step struct {
	Op Op `json:"op"`
	// User is the name of the user concerned, UserID the id; empty for steps on
	// a group as such.
	User   string `json:"user,omitempty"`
	UserID string `json:"userId,omitempty"`
	// Group is the name of the group concerned: the SCIM group's for grants and
	// steps on groups, the Crowd group's for memberships. GroupID is the SCIM
	// group's id.
	Group   string `json:"group,omitempty"`
	GroupID string `json:"groupId,omitempty"`
	// Child is the group that goes into Group or out of it, ChildID its id, for
	// groups within groups.
	Child   string `json:"child,omitempty"`
	ChildID string `json:"childId,omitempty"`
	// Hook is the name of the hook whose step it is, and Object what that changes;
	// see [HookStep].
	Hook   string `json:"hook,omitempty"`
	Object string `json:"object,omitempty"`
	// Changes lists the fields that change, without secrets.
	Changes []Change `json:"changes,omitempty"`
	// Why says what asked for the step; Reasons, for a membership that was
	// derived from what is recorded, what it was derived from.
	Why     string           `json:"why,omitempty"`
	Reasons []mapping.Reason `json:"reasons,omitempty"`

	run func(context.Context) error
}

// A Change is a field before and after a step.
type Change struct {
	Field  string `json:"field"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// String returns the step in words.
func (s Step) String() string {
	var b strings.Builder
	b.WriteString(string(s.Op))
	if s.User != "" {
		fmt.Fprintf(&b, " %q", s.User)
	}
	if s.Child != "" {
		fmt.Fprintf(&b, " %q", s.Child)
	}
	if s.Group != "" {
		if s.User != "" || s.Child != "" {
			b.WriteString(" in")
		}
		fmt.Fprintf(&b, " %q", s.Group)
	}
	if s.Hook != "" {
		fmt.Fprintf(&b, " by %q", s.Hook)
	}
	for i, c := range s.Changes {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s %q -> %q", sep, c.Field, c.Before, c.After)
	}
	return b.String()
}

// String returns the plan as lines of text.
func (p *Plan) String() string {
	var b strings.Builder
	b.WriteString(p.Title)
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "\n%3d. %s", i+1, s)
	}
	return b.String()
}

// Fingerprint names the plan: two plans of the same steps have the same. Those of
// hooks do not count, which depend on more than Crowd, and keep nobody in.
func (p *Plan) Fingerprint() string {
	own := Plan{Title: p.Title, Steps: withoutHooks(p.Steps)}
	sum := sha256.Sum256([]byte(own.String()))
	return hex.EncodeToString(sum[:6])
}

// withoutHooks returns the steps that are not a hook's.
func withoutHooks(steps []Step) []Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Op == OpHandOver || s.Op == OpNoteHandOver })
}

// count returns how many steps do op.
func (p *Plan) count(ops ...Op) int {
	n := 0
	for _, s := range p.Steps {
		for _, op := range ops {
			if s.Op == op {
				n++
			}
		}
	}
	return n
}

// groups returns the groups that the plan takes members from, see [Step.from].
func (p *Plan) groups() map[string]bool {
	ids := map[string]bool{}
	for _, s := range p.Steps {
		if s.Op == OpRevoke || s.Op == OpRemoveMember {
			ids[s.from()] = true
		}
	}
	return ids
}

// takes reports whether the guard counts a step.
func (s Step) takes() bool {
	return s.Op == OpRevoke || s.Op == OpRemoveMember || s.Op == OpDeactivateUser || s.Op == OpDeleteGroup
}

// from names the group that a step takes a member from: by the SCIM group's id,
// or by the Crowd group's folded name where none asks for it.
func (s Step) from() string {
	if s.GroupID != "" {
		return s.GroupID
	}
	return crowd.Fold(s.Group)
}

func (p *Plan) add(s Step) { p.Steps = append(p.Steps, s) }
