package crowdtest

import (
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/ordered"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// User returns the user of a name, in any letter case, with all attributes,
// those that Crowd itself keeps included.
func (s *Server) User(name string) (crowd.User, bool) { return s.In("").User(name) }

// Group returns the group of a name, in any letter case, with its attributes.
func (s *Server) Group(name string) (crowd.Group, bool) { return s.In("").Group(name) }

// Members returns the names of the direct members of a group, in order; nil if
// there is no such group.
func (s *Server) Members(group string) []string { return s.In("").Members(group) }

// GroupsOf returns the names of the groups that a user is a direct member of,
// in order; nil if there is no such user.
func (s *Server) GroupsOf(user string) []string { return s.In("").GroupsOf(user) }

// ChildGroups returns the names of the direct child groups of a group, in
// order; nil if there is no such group.
func (s *Server) ChildGroups(group string) []string { return s.In("").ChildGroups(group) }

// UserNames returns the names of all users in order.
func (s *Server) UserNames() []string { return s.In("").UserNames() }

// GroupNames returns the names of all groups in order.
func (s *Server) GroupNames() []string { return s.In("").GroupNames() }

// Sessions returns the number of live sessions of a user.
func (s *Server) Sessions(user string) int {
	c := s.In("")
	s.mu.RLock()
	defer s.mu.RUnlock()
	live := 0
	for _, one := range s.sessions.byUser[c.d.contents.User(user)] {
		if one.expires.After(s.options.Load().Clock()) {
			live++
		}
	}
	return live
}

// read runs f with the state locked for reading.
func (c Contents) read(f func(d *store.Directory)) {
	c.s.mu.RLock()
	defer c.s.mu.RUnlock()
	f(c.d.contents)
}

// User is [Server.User] for this directory.
func (c Contents) User(name string) (user crowd.User, found bool) {
	c.read(func(d *store.Directory) {
		if u := d.User(name); u != nil {
			user, found = exportUser(u), true
		}
	})
	return user, found
}

func exportUser(u *store.User) crowd.User {
	return crowd.User{
		Name: u.Name, FirstName: u.FirstName, LastName: u.LastName, DisplayName: u.DisplayName, Email: u.Email,
		Active: u.Active, Key: u.Key, Created: u.Created, Updated: u.Updated, Attributes: exportAttributes(u.Attributes()),
	}
}

func exportAttributes(attrs store.Attributes) crowd.Attributes {
	exported := make(crowd.Attributes, len(attrs))
	for _, a := range attrs {
		exported[a.Name] = slices.Clone(a.Values)
	}
	return exported
}

// Group is [Server.Group] for this directory.
func (c Contents) Group(name string) (group crowd.Group, found bool) {
	c.read(func(d *store.Directory) {
		if g := d.Group(name); g != nil {
			group = crowd.Group{Name: g.Name, Description: g.Description, Active: g.Active, Attributes: exportAttributes(g.Attributes())}
			found = true
		}
	})
	return group, found
}

// Members is [Server.Members] for this directory.
func (c Contents) Members(group string) (members []string) {
	c.read(func(d *store.Directory) {
		if g := d.Group(group); g != nil {
			members = userNames(g.Members())
		}
	})
	return members
}

// GroupsOf is [Server.GroupsOf] for this directory.
func (c Contents) GroupsOf(user string) (groups []string) {
	c.read(func(d *store.Directory) {
		if u := d.User(user); u != nil {
			groups = groupNames(u.Groups())
		}
	})
	return groups
}

// ChildGroups is [Server.ChildGroups] for this directory.
func (c Contents) ChildGroups(group string) (children []string) {
	c.read(func(d *store.Directory) {
		if g := d.Group(group); g != nil {
			children = groupNames(g.Children())
		}
	})
	return children
}

// UserNames is [Server.UserNames] for this directory.
func (c Contents) UserNames() (names []string) {
	c.read(func(d *store.Directory) { names = userNames(d.Users()) })
	return names
}

// GroupNames is [Server.GroupNames] for this directory.
func (c Contents) GroupNames() (names []string) {
	c.read(func(d *store.Directory) { names = groupNames(d.Groups()) })
	return names
}

func userNames(l *ordered.List[*store.User]) []string {
	names := make([]string, 0, l.Len())
	for u := range l.All() {
		names = append(names, u.Name)
	}
	return names
}

func groupNames(l *ordered.List[*store.Group]) []string {
	names := make([]string, 0, l.Len())
	for g := range l.All() {
		names = append(names, g.Name)
	}
	return names
}
