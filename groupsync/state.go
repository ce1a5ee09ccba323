package groupsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A GroupState is all that is recorded of a SCIM group, but for its members.
type GroupState struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	ExternalID string    `json:"externalId,omitempty"`
	Created    time.Time `json:"created,omitzero"`
	Modified   time.Time `json:"modified,omitzero"`
	// Made tells that the connection created the Crowd group of its name.
	Made bool `json:"made,omitempty"`
	// Fills names the Crowd groups that it fills.
	Fills []string `json:"fills,omitempty"`
	// Groups are the ids of the SCIM groups within it.
	Groups []string `json:"groups,omitempty"`
}

// A UserState is all that a connection has recorded of a user, and the fields
// that Crowd holds. There is no password in it, and no hash of one.
type UserState struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Owner       string `json:"owner,omitempty"`
	Active      bool   `json:"active"`
	FirstName   string `json:"firstName,omitempty"`
	LastName    string `json:"lastName,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	Email       string `json:"email,omitempty"`
	// Custom are the custom attributes that the settings map.
	Custom map[string][]string `json:"custom,omitempty"`
	// Said is what the identity provider last said of the active flag, Deleted
	// tells that it deleted the user.
	Said    *bool `json:"said,omitempty"`
	Deleted bool  `json:"deleted,omitempty"`
	// Data, ExternalID and Emails are those of the [Profile] that was kept; of
	// Emails the values that are searched for, see [UserQuery].
	Data       json.RawMessage `json:"data,omitempty"`
	ExternalID string          `json:"externalId,omitempty"`
	Emails     []string        `json:"emails,omitempty"`
	// Grants are by id of the SCIM group, Memberships by folded name of the Crowd
	// group.
	Grants      []GrantState      `json:"grants,omitempty"`
	Memberships []MembershipState `json:"memberships,omitempty"`
}

// A GrantState is the fact that a user is in a SCIM group. Since when and by which
// request is not known of exclusive groups.
type GrantState struct {
	Group   string    `json:"group"` // the id
	Since   time.Time `json:"since,omitzero"`
	Request string    `json:"request,omitempty"`
}

// A MembershipState is a user's membership in a Crowd group.
type MembershipState struct {
	Group string `json:"group"`
	// Member tells whether the user is a direct member now.
	Member bool `json:"member"`
	// Origin says how the membership came to be: made, found, left, or nothing
	// where it was made by hand and never granted.
	Origin  string    `json:"origin,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Request string    `json:"request,omitempty"`
}

// A StateRecord is one of [Engine.State]: a group or a user.
type StateRecord struct {
	Group *GroupState
	User  *UserState
}

// Connection returns the name of the engine's connection.
func (e *Engine) Connection() string { return e.connection }

// String returns the word for an origin, "" for [Unknown].
func (o Origin) String() string {
	return map[Origin]string{Made: "made", Found: "found", Left: "left"}[o]
}

// State returns what stands on record of the connection: its SCIM groups by folded
// name, then, in no promised order, the users it owns, keeps data of or has granted
// anything.
//
// It reads memberships, then groups, then users page by page, and keeps no more of
// them than [Engine.Plan] does. It is no picture of one moment: what changes while
// it reads may stand in it as it was before or as it is after.
func (e *Engine) State(ctx context.Context) iter.Seq2[StateRecord, error] {
	return func(yield func(StateRecord, error) bool) {
		v, err := e.survey(ctx, false, nil)
		if err != nil {
			yield(StateRecord{}, err)
			return
		}
		for _, n := range v.book.all() {
			if !yield(StateRecord{Group: v.group(n)}, nil) {
				return
			}
		}
		err = e.walkAbout(ctx, len(v.roster.users), func(u *User) error {
			s := v.user(u)
			if s != nil && !yield(StateRecord{User: s}, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(StateRecord{}, err)
		}
	}
}

// A survey is what must be known before users are looked at: who is in which Crowd
// group, and what SCIM groups there are.
type survey struct {
	e      *Engine
	book   *Book
	roster *roster
	exact  exactTargets
}

// survey reads it: groups, then memberships, then the registry, so that memberships
// are read before the attributes that judge them. Where a decision will rest on
// what is recorded, known refuses a directory with records of strangers.
func (e *Engine) survey(ctx context.Context, known bool, progress func(Progress)) (*survey, error) {
	groups := map[string]*crowd.Group{}
	for g, err := range e.crowd.Groups(ctx, crowd.Query{Detail: crowd.WithAttributes}) {
		if err != nil {
			return nil, fmt.Errorf("groupsync: list groups: %w", err)
		}
		groups[crowd.Fold(g.Name)] = g
	}
	if known {
		if err := e.strangers(slices.Collect(maps.Keys(groups))); err != nil {
			return nil, err
		}
	}
	r, err := e.readRoster(ctx, groups, progress)
	if err != nil {
		return nil, fmt.Errorf("groupsync: list memberships: %w", err)
	}
	b, err := e.books(ctx)
	if err != nil {
		return nil, fmt.Errorf("groupsync: read the registry: %w", err)
	}
	b.Crowd = groups
	return &survey{e: e, book: b, roster: r, exact: e.exactTargets(b)}, nil
}

func (v *survey) group(n *entry) *GroupState {
	s := &GroupState{ID: n.id, Name: n.name, ExternalID: n.externalID, Created: n.created, Modified: n.modified, Made: n.made}
	for _, t := range v.e.targets(v.book, n.id) {
		s.Fills = append(s.Fills, t.Group)
	}
	for _, m := range v.book.members(n.id) {
		s.Groups = append(s.Groups, m.ID)
	}
	return s
}

// user returns what is known of a user, nil of one whom the connection does not
// know.
func (v *survey) user(u *User) *UserState {
	in := v.roster.of(u.Crowd.Name)
	grants := v.grants(u, in)
	if u.Owner != v.e.connection && len(grants) == 0 && u.Data == nil {
		return nil
	}
	return v.state(u, in)
}

func (v *survey) state(u *User, in []string) *UserState {
	a := u.Crowd.Attributes
	s := &UserState{
		ID: u.ID, Name: u.Crowd.Name, Owner: u.Owner, Active: u.Crowd.Active,
		FirstName: u.Crowd.FirstName, LastName: u.Crowd.LastName, DisplayName: u.Crowd.DisplayName, Email: u.Crowd.Email,
		Custom: v.custom(a), Said: u.said, Deleted: u.gone, ExternalID: u.externalID,
		Emails: slices.DeleteFunc(slices.Sorted(slices.Values(a[v.e.names.emails])), func(s string) bool { return s == none }),
		Grants: v.grants(u, in), Memberships: v.memberships(u, in),
	}
	if json.Valid(u.Data) {
		s.Data = u.Data
	}
	return s
}

// custom returns the custom attributes that the settings map. Others are other
// applications', and none of ours to copy.
func (v *survey) custom(a crowd.Attributes) map[string][]string {
	custom := map[string][]string{}
	for name, values := range a {
		if _, mapped := v.e.attributes.Row(name); mapped && !strings.HasPrefix(name, "scim.") {
			custom[name] = slices.Sorted(slices.Values(values))
		}
	}
	return custom
}

// grants returns what a user holds, and the exclusive groups that it is in.
func (v *survey) grants(u *User, in []string) []GrantState {
	var all []GrantState
	for _, id := range u.Grants {
		if v.book.live(id) == nil || v.e.direct(v.book, id) != nil {
			continue
		}
		f, _ := u.holdings.Grant(id)
		all = append(all, GrantState{id, f.At, f.Request})
	}
	for _, g := range in {
		if n := v.exact.direct[crowd.Fold(g)]; n != nil && !u.gone {
			all = append(all, GrantState{Group: n.id})
		}
	}
	slices.SortFunc(all, func(x, y GrantState) int { return strings.Compare(x.Group, y.Group) })
	return slices.CompactFunc(all, func(x, y GrantState) bool { return x.Group == y.Group })
}

func (v *survey) memberships(u *User, in []string) []MembershipState {
	var all []MembershipState
	for _, g := range in {
		all = append(all, MembershipState{Group: g, Member: true})
	}
	for _, g := range u.holdings.Targets() {
		if !containsFolded(in, g) {
			all = append(all, MembershipState{Group: g})
		}
	}
	for i := range all {
		if f, known := u.holdings.Membership(all[i].Group); known {
			all[i].Origin, all[i].Since, all[i].Request = f.Origin.String(), f.At, f.Request
		}
	}
	slices.SortFunc(all, func(x, y MembershipState) int { return strings.Compare(crowd.Fold(x.Group), crowd.Fold(y.Group)) })
	return all
}
