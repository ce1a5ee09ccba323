// Package store keeps the users, groups and memberships of one Crowd directory
// in memory, indexed so that neither look-up nor change slows as it grows.
//
// Nothing here locks: the caller lets one writer or several readers in at a
// time.
package store

import "github.com/scimcrowd/scimcrowd/crowd"

// A Directory holds users and groups. Use [New].
type Directory struct {
	users  *table[*User]
	groups *table[*Group]
	keys   map[string]*User
}

// New returns an empty directory.
func New() *Directory {
	return &Directory{
		users:  newTable[*User]("email", "firstName", "lastName", "displayName"),
		groups: newTable[*Group](),
		keys:   map[string]*User{},
	}
}

// AddMember makes u a direct member of g and tells whether it was none.
func (d *Directory) AddMember(g *Group, u *User) bool {
	return g.members.Insert(u) && u.groups.Insert(g)
}

// RemoveMember ends the direct membership and tells whether there was one.
func (d *Directory) RemoveMember(g *Group, u *User) bool {
	return g.members.Delete(u.Folded) && u.groups.Delete(g.Folded)
}

// HasMember tells whether u is a direct member of g. The shorter of the two
// lists is usually the user's.
func (d *Directory) HasMember(g *Group, u *User) bool { return u.groups.Has(g.Folded) }

// AddChild makes child a direct child of parent and tells whether it was none.
func (d *Directory) AddChild(parent, child *Group) bool {
	return parent.children.Insert(child) && child.parents.Insert(parent)
}

// RemoveChild ends the direct membership and tells whether there was one.
func (d *Directory) RemoveChild(parent, child *Group) bool {
	return parent.children.Delete(child.Folded) && child.parents.Delete(parent.Folded)
}

// AttributeName returns the spelling in which somebody holds an attribute of
// that name, in any letter case, or the name as it is where nobody does.
func (d *Directory) AttributeName(name string) (spelling string, found bool) {
	if spelling, found = spelled(d.users.customs, name); !found {
		spelling, found = spelled(d.groups.customs, name)
	}
	return spelling, found
}

func spelled[E entity](customs map[string]*custom[E], name string) (spelling string, found bool) {
	folded := crowd.Fold(name)
	for other := range customs {
		if crowd.Fold(other) == folded {
			return other, true
		}
	}
	return name, false
}
