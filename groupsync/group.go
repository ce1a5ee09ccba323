package groupsync

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A Group is a SCIM group of the connection.
type Group struct {
	// ID never changes and never comes back.
	ID string
	// Name is the display name, ExternalID the identity provider's own id.
	Name, ExternalID string
	// Created and Modified tell when the group was created, and renamed; changes
	// of members do not count. Zero for groups that no connection has adopted.
	Created, Modified time.Time
	// Adopted is false for a Crowd group that no identity provider has written
	// to yet. Its members are those it has in Crowd.
	Adopted bool

	// Groups are the SCIM groups that are members of it.
	Groups []Member
	// Direct names the Crowd groups whose direct members are its members, where
	// the settings make groups exclusive; nil where grants are recorded.
	Direct []string
}

// A Member is a user or group in a SCIM group.
type Member struct {
	// ID is the SCIM id, Name the name of the user or group.
	ID, Name string
	// Group tells that it is a group.
	Group bool
}

func (n *entry) group() *Group {
	return &Group{
		ID: n.id, Name: n.name, ExternalID: n.externalID,
		Created: n.created, Modified: n.modified, Adopted: true,
	}
}

// show returns a SCIM group of a book.
func (e *Engine) show(b *Book, n *entry) *Group {
	g := n.group()
	g.Direct = e.direct(b, n.id)
	g.Groups = b.members(n.id)
	return g
}

// Group returns the SCIM group of an id. The error matches [ErrNoGroup] if there
// is none.
func (e *Engine) Group(ctx context.Context, id string) (*Group, error) {
	_, g, err := e.find(ctx, id)
	return g, err
}

// find returns a SCIM group and the book it stands in. Where the group is a
// Crowd group that was never adopted, the book does not have it.
func (e *Engine) find(ctx context.Context, id string, more ...string) (*Book, *Group, error) {
	name, _, ok := nameInID(id)
	if !ok {
		return nil, nil, ErrNoGroup
	}
	if name != "" && crowd.ValidateName(name) == nil {
		more = append(more, name)
	}
	b, err := e.book(ctx, id, more...)
	if err != nil {
		return nil, nil, err
	}
	if n := b.live(id); n != nil {
		return b, e.show(b, n), nil
	}
	if name == "" {
		g, err := e.findHashed(ctx, b, id)
		return b, g, err
	}
	if c := b.crowdGroup(name); c != nil && e.adoptable(b, c) && b.next(c.Name) == id {
		return b, &Group{ID: id, Name: c.Name}, nil
	}
	return b, nil, ErrNoGroup
}

// book reads the book together with the Crowd groups of the given names and
// those that carry the id.
func (e *Engine) book(ctx context.Context, id string, names ...string) (*Book, error) {
	var also []crowd.Restriction
	if id != "" {
		also = append(also, crowd.Equals(e.names.id, id))
	}
	for _, name := range names {
		also = append(also, crowd.Equals(crowd.PropertyName, name))
	}
	return e.books(ctx, also...)
}

// unfinished reports whether a fault cut a change of a SCIM group's Crowd groups
// short: one that it does not fill carries its id, or one that it fills does not.
// The book must have been read with the id.
func (e *Engine) unfinished(b *Book, id string) bool {
	if !e.groups.ByName() {
		return false
	}
	targets := e.targets(b, id)
	carried := map[string]bool{}
	for f, g := range b.Crowd {
		if e.idOn(g) != id {
			continue
		}
		if !hasTarget(targets, g.Name) {
			return true
		}
		carried[f] = true
	}
	return slices.ContainsFunc(targets, func(t mapping.Target) bool {
		return t.Create && !carried[crowd.Fold(t.Group)] && !e.carriedByAnother(b, t.Group)
	})
}

// carriedByAnother reports whether a Crowd group carries the id of another live
// SCIM group, which fills it too.
func (e *Engine) carriedByAnother(b *Book, group string) bool {
	g := b.crowdGroup(group)
	return g != nil && b.live(e.idOn(g)) != nil
}

// findHashed looks for a Crowd group never adopted whose name is too long to
// stand in an id.
func (e *Engine) findHashed(ctx context.Context, b *Book, id string) (*Group, error) {
	for g, err := range e.crowd.Groups(ctx, crowd.Query{Detail: crowd.Entities}) {
		if err != nil {
			return nil, err
		}
		if len(crowd.Fold(g.Name)) > longName && b.next(g.Name) == id && e.adoptable(b, g) {
			return &Group{ID: id, Name: g.Name}, nil
		}
	}
	return nil, ErrNoGroup
}

// adoptable reports whether a Crowd group that is no SCIM group may be shown as
// one and become one: a SCIM group of its name would fill it. One that this
// connection made for a SCIM group which did not come to be, or is gone, is not: a
// client that was shown it would not create the group again.
func (e *Engine) adoptable(b *Book, g *crowd.Group) bool {
	return e.groups.Mode() == mapping.OnTheFlyMapping && !e.hidden(g.Name) && b.owner(g.Name) == "" &&
		e.markIn(g.Description) == "" && hasTarget(e.groups.Targets(mapping.SCIMGroup{Name: g.Name}), g.Name)
}

// hidden reports whether a Crowd group is kept from SCIM.
func (e *Engine) hidden(name string) bool {
	return strings.HasPrefix(crowd.Fold(name), RegistryPrefix) || e.groups.Protected(name)
}

// GroupByName returns the SCIM group of a name, in any case. The error matches
// [ErrNoGroup] if there is none.
func (e *Engine) GroupByName(ctx context.Context, name string) (*Group, error) {
	if crowd.ValidateName(name) != nil {
		return nil, ErrNoGroup
	}
	b, err := e.book(ctx, "", name)
	if err != nil {
		return nil, err
	}
	if id := b.owner(name); id != "" {
		return e.show(b, b.live(id)), nil
	}
	if c := b.crowdGroup(name); c != nil && e.adoptable(b, c) {
		return &Group{ID: b.next(c.Name), Name: c.Name}, nil
	}
	return nil, ErrNoGroup
}

// Groups returns all SCIM groups by folded name: those of the connection, and on
// the fly the Crowd groups it could adopt. Registries and protected groups are
// not among them.
func (e *Engine) Groups(ctx context.Context) ([]Group, error) {
	var b *Book
	var groups []*crowd.Group
	err := both(ctx, func(ctx context.Context) (err error) {
		b, err = e.books(ctx)
		return err
	}, func(ctx context.Context) error {
		if e.groups.Mode() != mapping.OnTheFlyMapping {
			return nil
		}
		for g, err := range e.crowd.Groups(ctx, crowd.Query{Detail: crowd.Entities}) {
			if err != nil {
				return err
			}
			groups = append(groups, &crowd.Group{Name: g.Name, Description: g.Description})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []Group
	filled := map[string]bool{}
	for _, n := range b.all() {
		all = append(all, *e.show(b, n))
		for _, t := range e.groups.Targets(n.scimGroup()) {
			filled[crowd.Fold(t.Group)] = true
		}
	}
	for _, g := range groups {
		if !filled[crowd.Fold(g.Name)] && e.adoptable(b, g) {
			all = append(all, Group{ID: b.next(g.Name), Name: g.Name})
		}
	}
	slices.SortStableFunc(all, func(x, y Group) int { return strings.Compare(crowd.Fold(x.Name), crowd.Fold(y.Name)) })
	return all, nil
}

// Members returns the members of a SCIM group: the groups within it, then the
// users who were granted it; of a group never adopted, its members in Crowd.
func (e *Engine) Members(ctx context.Context, g *Group) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for _, inner := range g.Groups {
			if !yield(inner, nil) {
				return
			}
		}
		users := e.ledger.Holders(ctx, g.ID, 0)
		switch {
		case g.Direct != nil:
			users = e.directMembers(ctx, g.Direct)
		case !g.Adopted:
			users = e.crowd.Members(ctx, g.Name, crowd.List{Detail: crowd.Entities})
		}
		for u, err := range users {
			if errors.Is(err, crowd.ErrGroupNotFound) {
				return
			}
			if err != nil {
				yield(Member{}, err)
				return
			}
			if u.Attributes.First(e.names.gone) == "yes" {
				continue
			}
			if !yield(Member{ID: userID(u.Key), Name: u.Name}, nil) {
				return
			}
		}
	}
}
