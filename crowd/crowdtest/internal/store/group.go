package store

import (
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/ordered"
)

// A GroupProfile is what a group is apart from attributes and members. Like a
// [UserProfile] it is never changed but replaced.
type GroupProfile struct {
	Name, Folded     string
	Description      string
	Active           bool
	Created, Updated time.Time
}

// Fold returns the folded name.
func (p *GroupProfile) Fold() string { return p.Folded }

// A Group is a group of a [Directory]. All but its profile is guarded by
// whoever guards the directory.
type Group struct {
	*GroupProfile

	attrs             Attributes
	members           ordered.List[*User]
	children, parents ordered.List[*Group]
}

// Attributes returns the group's attributes, which belong to the group.
func (g *Group) Attributes() Attributes { return g.attrs }

func (g *Group) attributes() *Attributes { return &g.attrs }

// Attribute returns the values of an attribute.
func (g *Group) Attribute(name string) []string { return g.attrs.Values(name) }

// IsActive tells whether the group lends access.
func (g *Group) IsActive() bool { return g.Active }

// Members returns the direct members.
func (g *Group) Members() *ordered.List[*User] { return &g.members }

// Children returns the direct child groups.
func (g *Group) Children() *ordered.List[*Group] { return &g.children }

// Parents returns the groups that g is a direct child of.
func (g *Group) Parents() *ordered.List[*Group] { return &g.parents }

// Text returns a text property by its name in searches.
func (g *Group) Text(name string) (string, bool) {
	if name == "name" {
		return g.Name, true
	}
	return "", false
}

// Date returns a date property by its name in searches.
func (g *Group) Date(name string) time.Time {
	if name == "createdDate" {
		return g.Created
	}
	return g.Updated
}

// Group returns the group of that name, in any letter case, or nil.
func (d *Directory) Group(name string) *Group { return d.groups.byName[crowd.Fold(name)] }

// Groups returns all groups in order.
func (d *Directory) Groups() *ordered.List[*Group] { return &d.groups.order }

// AddGroup adds a group with the given profile, or returns nil where the name
// is taken.
func (d *Directory) AddGroup(p GroupProfile) *Group {
	p.Folded = crowd.Fold(p.Name)
	if d.groups.byName[p.Folded] != nil {
		return nil
	}
	g := &Group{GroupProfile: &p}
	d.groups.link(g)
	return g
}

// UpdateGroup replaces the profile of g; the name stays as it is.
func (d *Directory) UpdateGroup(g *Group, p GroupProfile) {
	p.Name, p.Folded = g.Name, g.Folded
	g.GroupProfile = &p
}

// DeleteGroup removes g with its attributes and memberships.
func (d *Directory) DeleteGroup(g *Group) {
	d.groups.unlink(g)
	for u := range g.members.All() {
		u.groups.Delete(g.Folded)
	}
	for c := range g.children.All() {
		c.parents.Delete(g.Folded)
	}
	for p := range g.parents.All() {
		p.children.Delete(g.Folded)
	}
}

// SetGroupAttribute replaces the values of one attribute; none removes it.
func (d *Directory) SetGroupAttribute(g *Group, name string, values []string) {
	d.groups.setAttribute(g, name, values)
}
