package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Provenance is what is on record of a user's membership in a Crowd group.
type Provenance int

// The records.
const (
	Absent     Provenance = iota // nothing: a membership that is there was made by hand
	Made                         // there was no membership when the identity provider first granted it
	Found                        // it was there by hand before
	LeftOpen                     // the last grant has gone, and its removal may not be finished
	LeftClosed                   // the removal is finished: a membership that is there now was made by hand
)

// MarshalText writes the record in words.
func (p Provenance) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String returns the record in words.
func (p Provenance) String() string {
	names := [...]string{"absent", "made", "found", "left-open", "left-closed"}
	if p < 0 || int(p) >= len(names) {
		return fmt.Sprintf("Provenance(%d)", int(p))
	}
	return names[p]
}

// Grant is the fact that the identity provider says a user is in a SCIM group.
type Grant struct {
	Group SCIMGroup
	Live  bool   // the group still is one: grants of others count for nothing
	Rule  string // by which the group fills the target, for reasons
}

// Edge is all that decides whether a user is a member of a Crowd group.
type Edge struct {
	Target     string  // the Crowd group
	Grants     []Grant // those whose group fills the target
	Default    bool    // the target is a default group for all users, and the user is of this connection
	Gone       bool    // the user is deleted for SCIM
	Provenance Provenance
	Keep       bool // leave alone a membership that the identity provider did not make
	AddOnly    bool // the target is protected, and only added to
}

// Action is what is to be done about a membership.
type Action int

// The actions.
const (
	Leave Action = iota
	Add
	Remove
)

// MarshalText writes the action in words.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// String returns the action in words.
func (a Action) String() string {
	names := [...]string{"leave", "add", "remove"}
	if a < 0 || int(a) >= len(names) {
		return fmt.Sprintf("Action(%d)", int(a))
	}
	return names[a]
}

// The kinds of reasons.
const (
	ReasonGrant     = "grant"     // the identity provider says the user is in a group that fills the target
	ReasonDefault   = "default"   // the target is a default group for all users
	ReasonByHand    = "by-hand"   // no grant, and none made the membership, if there is one
	ReasonRevoked   = "revoked"   // the identity provider made the membership and grants it no longer
	ReasonGone      = "gone"      // the user is deleted for SCIM
	ReasonNotKept   = "not-kept"  // no grant, and memberships of others are not kept here
	ReasonProtected = "protected" // the target is protected: nobody is taken out
)

// Reason is one reason for an action.
type Reason struct {
	Kind  string `json:"kind"`
	Group string `json:"group,omitempty"` // the name of the SCIM group that grants
	ID    string `json:"id,omitempty"`    // its id
	Rule  string `json:"rule,omitempty"`  // by which it fills the target
}

// String returns the reason in words.
func (r Reason) String() string {
	switch r.Kind {
	case ReasonGrant:
		s := "granted by " + r.Group
		if r.Rule != "" {
			s += ", " + r.Rule
		}
		return s
	case ReasonDefault:
		return "default group for all users"
	case ReasonByHand:
		return "not granted, and not made by the identity provider"
	case ReasonRevoked:
		return "made by the identity provider, which grants it no longer"
	case ReasonGone:
		return "the user is deleted for the identity provider"
	case ReasonNotKept:
		return "not granted, and memberships of others are not kept here"
	case ReasonProtected:
		return "the group is protected: nobody is taken out"
	}
	return r.Kind
}

// Derive says what is to be done about one membership, and why. A live grant, or a default, asks for it, unless the
// user is gone. Without either, what the identity provider made is removed; anything else is left alone under Keep
// and else removed. Reasons do not depend on the order of grants.
func Derive(e Edge) (Action, []Reason) {
	if reasons := e.wanted(); len(reasons) > 0 {
		return Add, reasons
	}
	var reasons []Reason
	if e.Gone {
		reasons = append(reasons, Reason{Kind: ReasonGone})
	}
	ours := e.Provenance == Made || e.Provenance == LeftOpen
	switch {
	case e.AddOnly:
		return Leave, append(reasons, Reason{Kind: ReasonProtected})
	case ours:
		return Remove, append(reasons, Reason{Kind: ReasonRevoked})
	case e.Keep:
		return Leave, append(reasons, Reason{Kind: ReasonByHand})
	}
	return Remove, append(reasons, Reason{Kind: ReasonNotKept})
}

// wanted returns what asks for the membership.
func (e Edge) wanted() []Reason {
	if e.Gone {
		return nil
	}
	if len(e.Grants) == 0 && !e.Default {
		return nil
	}
	reasons := make([]Reason, 0, len(e.Grants)+1)
	for _, g := range e.Grants {
		if g.Live {
			reasons = append(reasons, Reason{Kind: ReasonGrant, Group: g.Group.Name, ID: g.Group.ID, Rule: g.Rule})
		}
	}
	if len(reasons) > 1 {
		slices.SortFunc(reasons, compareReasons)
		reasons = slices.Compact(reasons)
	}
	if e.Default {
		reasons = append(reasons, Reason{Kind: ReasonDefault})
	}
	return reasons
}

func compareReasons(a, b Reason) int {
	return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.ID, b.ID), strings.Compare(a.Rule, b.Rule))
}
