package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A DifferenceKind tells [Difference] values apart.
type DifferenceKind string

// The kinds of differences.
const (
	UserMissing      DifferenceKind = "user missing"      // the identity provider has the user, active, and Crowd has not
	UserExtra        DifferenceKind = "user extra"        // Crowd has the user, active, and the identity provider has not
	UserDiffers      DifferenceKind = "user differs"      // a field has different values
	UserActive       DifferenceKind = "active differs"    // one of the two has the user as not active
	UserNotCompared  DifferenceKind = "user not compared" // Note says why
	GroupMissing     DifferenceKind = "group missing"     // a Crowd group that a group fills does not exist
	GroupExtra       DifferenceKind = "group extra"       // no group of the identity provider fills the Crowd group
	GroupNotCompared DifferenceKind = "group not compared"
	MemberMissing    DifferenceKind = "member missing" // the user is in a group that fills the Crowd group, and not in that
	MemberExtra      DifferenceKind = "member extra"   // the user is in the Crowd group, and in no group that fills it
)

// A Difference is one thing on which an identity provider and Crowd do not agree.
type Difference struct {
	Kind DifferenceKind `json:"kind"`
	// User is the name of the user, ExternalID the identity provider's id; Group is
	// the name of the Crowd group, or of the identity provider's where it fills none.
	User       string `json:"user,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
	Group      string `json:"group,omitempty"`
	// Field is the Crowd field that differs, with the value that the identity provider
	// wants there and the one that Crowd has.
	Field  string `json:"field,omitempty"`
	Wanted string `json:"wanted,omitempty"`
	Crowd  string `json:"crowd,omitempty"`
	// Note says what else there is to know.
	Note string `json:"note,omitempty"`
}

// String returns the difference in words.
func (d Difference) String() string {
	text := string(d.Kind)
	if d.User != "" {
		text += fmt.Sprintf(" %q", d.User)
	}
	if d.Group != "" {
		text += fmt.Sprintf(" in %q", d.Group)
	}
	if d.Field != "" {
		text += fmt.Sprintf(": %s is %q, wanted %q", d.Field, d.Crowd, d.Wanted)
	}
	if d.Note != "" {
		text += ": " + d.Note
	}
	return text
}

// Compare holds what an identity provider has against all of Crowd, through the
// mapping of users and groups, and yields what differs: users first, then groups and
// memberships. It changes nothing, and settings that keep an import from changing
// something do not keep the difference from being told. Users are found as by
// [Engine.PlanImport], and where the options do not let one be linked, by name.
//
// Memberships of users are those that Crowd has, whoever made them, of the groups that the
// identity provider's groups fill; groups are not compared where the records have
// none. Protected groups and default groups are not taken for extra, and groups within
// groups are not compared.
//
// Where the records end with an error, that is yielded last, and nothing counts as
// extra. Of each user it keeps an id and a name, and of each group the names of its
// members.
func (e *Engine) Compare(ctx context.Context, records iter.Seq2[ImportRecord, error], o ImportOptions) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		c := &comparing{importing: newImporting(e, o), yield: yield, fills: map[string]*filled{}}
		c.handlePassed, c.handleMatch, c.handleGroup = c.notCompared, c.compareMatched, c.compareGroup
		err := c.run(ctx, records)
		if err != nil && !errors.Is(err, errHeardEnough) {
			yield(Difference{}, err)
		}
	}
}

// errHeardEnough says that nobody wants to hear more.
var errHeardEnough = errors.New("groupsync: enough")

type comparing struct {
	*importing
	yield func(Difference, error) bool
	fills map[string]*filled // by the folded name of the Crowd group
}

// filled is a Crowd group and who should be in it.
type filled struct {
	name    string
	exists  bool
	members map[string]person // by folded name
	partial bool              // not all members are known
	passed  map[string]bool   // externalIds of members of whom nothing else is known
	kept    map[string]bool   // folded names of users whom those may be
}

func (c *comparing) tell(d Difference) error {
	if !c.yield(d, nil) {
		return errHeardEnough
	}
	return nil
}

func (c *comparing) run(ctx context.Context, records iter.Seq2[ImportRecord, error]) error {
	if err := c.read(ctx, records); err != nil {
		return err
	}
	if c.early == nil {
		if err := c.extraUsers(ctx); err != nil {
			return err
		}
	}
	if err := c.memberships(ctx); err != nil {
		return err
	}
	if c.early == nil && c.Groups > 0 {
		if err := c.extraGroups(ctx); err != nil {
			return err
		}
	}
	return c.early
}

// notCompared tells of a user who is passed over.
func (c *comparing) notCompared(u *ImportUser, why string) error {
	return c.tell(Difference{Kind: UserNotCompared, User: u.Name, ExternalID: u.ExternalID, Note: why})
}

// compareMatched compares one user with the Crowd user that the record leads to.
func (c *comparing) compareMatched(_ context.Context, u *ImportUser, m match) error {
	d := Difference{User: u.Name, ExternalID: u.ExternalID}
	m = c.claim(u, m)
	active := isActive(u.Profile.Fields.Active)
	if m.user == nil && m.action == ImportSkip && !c.options.NoCreate {
		return c.notCompared(u, m.why)
	}
	if m.user == nil || m.user.gone {
		if !active {
			return nil
		}
		d.Kind = UserMissing
		if m.user != nil {
			d.Note = "Crowd has the user as one who was deleted"
		}
		return c.tell(d)
	}
	if c.another(u, m.user) {
		return c.notCompared(u, m.why)
	}
	c.claimed[m.user.Crowd.Key] = u.ExternalID
	c.people[u.ExternalID] = person{name: m.user.Crowd.Name, id: m.user.ID}
	if m.action == ImportSkip {
		d.Note = m.why
	}
	return c.fields(d, created(u.Profile).Fields, m.user)
}

// another reports whether a Crowd user is that of another record.
func (c *comparing) another(u *ImportUser, v *User) bool {
	if other := c.claimed[v.Crowd.Key]; other != "" && other != u.ExternalID {
		return true
	}
	return v.Owner == c.e.connection && v.externalID != "" && v.externalID != u.ExternalID
}

// isActive reports whether a profile's active flag says so, or nothing.
func isActive(flag *bool) bool { return flag == nil || *flag }

// fields compares the fields of a user.
func (c *comparing) fields(d Difference, f mapping.Fields, v *User) error {
	for _, text := range []*string{f.FirstName, f.LastName, f.DisplayName} {
		if text != nil {
			*text = crowd.CutText(*text)
		}
	}
	d.User = v.Crowd.Name
	changes := fieldChanges(&v.Crowd, f)
	for _, name := range slices.Sorted(maps.Keys(f.Custom)) {
		if want := f.Custom[name]; !sameValues(want, v.Crowd.Attributes[name]) {
			changes = append(changes, Change{name, strings.Join(v.Crowd.Attributes[name], ", "), strings.Join(want, ", ")})
		}
	}
	for _, change := range changes {
		d.Kind, d.Field, d.Wanted, d.Crowd = UserDiffers, change.Field, change.After, change.Before
		if change.Field == "active" {
			d.Kind = UserActive
		}
		if err := c.tell(d); err != nil {
			return err
		}
	}
	return nil
}

// extraUsers tells of the users whom only Crowd has.
func (c *comparing) extraUsers(ctx context.Context) error {
	return c.e.walk(ctx, func(v *User) error {
		if _, spared := c.spared[crowd.Fold(v.Crowd.Name)]; spared || !v.Crowd.Active || c.claimed[v.Crowd.Key] != "" {
			return nil
		}
		note := "no connection owns the user"
		if v.Owner != "" {
			note = fmt.Sprintf("the user belongs to the connection %q", v.Owner)
		}
		return c.tell(Difference{Kind: UserExtra, User: v.Crowd.Name, ExternalID: v.externalID, Note: note})
	})
}

// compareGroup notes who should be in the Crowd groups that a group fills.
func (c *comparing) compareGroup(ctx context.Context, g *ImportGroup) error {
	c.grouped[crowd.Fold(g.Name)] = true
	targets := c.e.groups.Targets(mapping.SCIMGroup{Name: g.Name, ExternalID: g.ExternalID})
	if len(targets) == 0 {
		return c.tell(Difference{Kind: GroupNotCompared, Group: g.Name, ExternalID: g.ExternalID, Note: "the settings map it to no group of Crowd"})
	}
	var all []*filled
	for _, t := range targets {
		fill, err := c.fill(ctx, t.Group, g)
		if err != nil {
			return err
		}
		all = append(all, fill)
	}
	return c.collect(g, all)
}

// fill returns what is noted of a Crowd group, and tells if there is none.
func (c *comparing) fill(ctx context.Context, name string, g *ImportGroup) (*filled, error) {
	if f := c.fills[crowd.Fold(name)]; f != nil {
		return f, nil
	}
	f := &filled{name: name, members: map[string]person{}, passed: map[string]bool{}, kept: map[string]bool{}}
	c.fills[crowd.Fold(name)] = f
	now, err := c.e.crowd.Group(ctx, name)
	switch {
	case err == nil:
		f.name, f.exists = now.Name, true
		return f, nil
	case errors.Is(err, crowd.ErrGroupNotFound):
		return f, c.tell(Difference{Kind: GroupMissing, Group: name, ExternalID: g.ExternalID})
	}
	return f, err
}

// collect reads the members of a group.
func (c *comparing) collect(g *ImportGroup, all []*filled) error {
	partial := g.Members == nil
	if g.Members != nil {
		for m, err := range g.Members {
			if err != nil {
				c.endEarly(err)
				partial = true
				break
			}
			p, told := c.people[m.ExternalID]
			if m.Group {
				continue
			}
			if !told || p.id == "" {
				for _, f := range all {
					f.passed[m.ExternalID] = true
				}
				continue // told already as missing, if at all
			}
			for _, f := range all {
				f.members[crowd.Fold(p.name)] = p
			}
		}
	}
	for _, f := range all {
		f.partial = f.partial || partial
	}
	return nil
}

// memberships holds those who should be in Crowd groups against those who are.
func (c *comparing) memberships(ctx context.Context) error {
	for _, folded := range slices.Sorted(maps.Keys(c.fills)) {
		f := c.fills[folded]
		if !f.exists {
			continue
		}
		if err := c.keepMembers(ctx, f); err != nil {
			return err
		}
		for u, err := range c.e.crowd.Members(ctx, f.name, crowd.List{PageSize: allAtOnce}) {
			if errors.Is(err, crowd.ErrGroupNotFound) {
				break
			}
			if err != nil {
				return err
			}
			if err := c.holdMember(f, u.Name); err != nil {
				return err
			}
		}
		byName := func(a, b person) int { return cmp.Compare(crowd.Fold(a.name), crowd.Fold(b.name)) }
		for _, p := range slices.SortedFunc(maps.Values(f.members), byName) {
			if err := c.tell(Difference{Kind: MemberMissing, User: p.name, Group: f.name}); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepMembers notes the names of those whom the identity provider has in a group,
// whatever became of their records.
func (c *comparing) keepMembers(ctx context.Context, f *filled) error {
	passed := slices.Collect(maps.Keys(f.passed))
	if err := c.recordedAs(ctx, passed); err != nil {
		return err
	}
	for _, id := range passed {
		if p, told := c.people[id]; told {
			f.kept[crowd.Fold(p.name)] = true
		}
		for _, p := range c.strangers[id] {
			f.kept[crowd.Fold(p.name)] = true
		}
	}
	return nil
}

// holdMember takes a member whom Crowd has from those who should be there.
func (c *comparing) holdMember(f *filled, user string) error {
	if _, wanted := f.members[crowd.Fold(user)]; wanted {
		delete(f.members, crowd.Fold(user))
		return nil
	}
	if f.kept[crowd.Fold(user)] || f.partial || c.early != nil || c.isDefault(f.name) {
		return nil
	}
	return c.tell(Difference{Kind: MemberExtra, User: user, Group: f.name})
}

// isDefault reports whether a Crowd group is a default group of users.
func (c *comparing) isDefault(group string) bool {
	return containsFolded(c.e.groups.DefaultForNewUsers(), group) || containsFolded(c.e.groups.DefaultForAllUsers(), group)
}

// extraGroups tells of the groups that only Crowd has.
func (c *comparing) extraGroups(ctx context.Context) error {
	for g, err := range c.e.crowd.Groups(ctx, crowd.Query{}) {
		if err != nil {
			return err
		}
		if c.fills[crowd.Fold(g.Name)] != nil || c.e.hidden(g.Name) || c.isDefault(g.Name) {
			continue
		}
		if err := c.tell(Difference{Kind: GroupExtra, Group: g.Name}); err != nil {
			return err
		}
	}
	return nil
}
