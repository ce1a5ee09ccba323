package crowdtest

import (
	"fmt"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// AddUser adds users to the first directory, as an administrator would: with
// the attributes, and with the key and dates where they are given. A user
// without a password cannot log in; see [Server.SetPassword]. It panics if
// a name is invalid or taken.
func (s *Server) AddUser(users ...crowd.User) { s.In("").AddUser(users...) }

// AddGroup adds groups with their attributes to the first directory. It
// panics if a name is invalid or taken.
func (s *Server) AddGroup(groups ...crowd.Group) { s.In("").AddGroup(groups...) }

// AddMember makes users direct members of a group, where they are not yet. It
// panics if there is no such user or group.
func (s *Server) AddMember(group string, users ...string) { s.In("").AddMember(group, users...) }

// AddChildGroup makes groups direct children of a group, where they are not
// yet. It panics if there is no such group.
func (s *Server) AddChildGroup(parent string, children ...string) {
	s.In("").AddChildGroup(parent, children...)
}

// SetPassword gives a user a password. It panics if there is no such user.
func (s *Server) SetPassword(user string, password crowd.Secret) {
	s.In("").SetPassword(user, password)
}

// In returns the contents of the directory of that name, or of the first
// directory if the name is empty. It panics if there is none.
func (s *Server) In(name string) Contents {
	s.init()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if name == "" && len(s.directories) > 0 {
		return Contents{s, s.directories[0]}
	}
	d := s.directoryNamed(name)
	if d == nil {
		panic(fmt.Sprintf("crowdtest: there is no directory %q", name))
	}
	return Contents{s, d}
}

// Contents is what a directory of a [Server] holds, for tests to fill and to
// look into. The methods of Server with the same names are about the first
// directory.
type Contents struct {
	s *Server
	d *directory
}

// AddUser is [Server.AddUser] for this directory.
func (c Contents) AddUser(users ...crowd.User) {
	c.change(func() {
		for _, u := range users {
			c.mustAddUser(u)
		}
	})
}

// change runs f with the state locked.
func (c Contents) change(f func()) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.effects.Add(1)
	f()
}

func (c Contents) mustAddUser(u crowd.User) {
	if err := c.s.options.Load().validateName(u.Name); err != nil {
		panic(fmt.Sprintf("crowdtest: add user %q: %v", u.Name, err))
	}
	p := store.UserProfile{
		Name: u.Name, FirstName: u.FirstName, LastName: u.LastName, DisplayName: u.DisplayName,
		Email: u.Email, Active: u.Active, Key: u.Key, Created: u.Created, Updated: u.Updated,
	}
	opts := c.s.options.Load()
	if c.s.createUser(c.d, p, "", attributeList(u.Attributes), opts.Clock()) == nil {
		panic(fmt.Sprintf("crowdtest: add user %q: the name or key is taken", u.Name))
	}
	c.s.events.user(opts, eventCreated, u.Name)
}

func attributeList(attrs crowd.Attributes) []store.Attribute {
	list := make([]store.Attribute, 0, len(attrs))
	for name, values := range attrs {
		list = append(list, store.Attribute{Name: name, Values: distinct(values)})
	}
	return list
}

// AddGroup is [Server.AddGroup] for this directory.
func (c Contents) AddGroup(groups ...crowd.Group) {
	c.change(func() {
		for _, g := range groups {
			c.mustAddGroup(g)
		}
	})
}

func (c Contents) mustAddGroup(g crowd.Group) {
	if err := c.s.options.Load().validateName(g.Name); err != nil {
		panic(fmt.Sprintf("crowdtest: add group %q: %v", g.Name, err))
	}
	opts := c.s.options.Load()
	added := c.s.createGroup(c.d, store.GroupProfile{Name: g.Name, Description: g.Description, Active: g.Active}, opts.Clock())
	if added == nil {
		panic(fmt.Sprintf("crowdtest: add group %q: the name is taken", g.Name))
	}
	for _, a := range attributeList(g.Attributes) {
		c.d.contents.SetGroupAttribute(added, a.Name, a.Values)
	}
	c.s.events.group(opts, eventCreated, g.Name)
}

// AddMember is [Server.AddMember] for this directory.
func (c Contents) AddMember(group string, users ...string) {
	c.eachMember(group, users, eventCreated, c.d.contents.AddMember)
}

// RemoveMember ends direct memberships, where there are any.
func (c Contents) RemoveMember(group string, users ...string) {
	c.eachMember(group, users, eventDeleted, c.d.contents.RemoveMember)
}

// eachMember changes the membership of each user, and records an event where
// that was a change.
func (c Contents) eachMember(group string, users []string, operation string, change func(*store.Group, *store.User) bool) {
	c.change(func() {
		g := c.mustGroup(group)
		for _, name := range users {
			if u := c.mustUser(name); change(g, u) {
				c.s.events.membership(c.s.options.Load(), operation, g, u)
			}
		}
	})
}

// AddChildGroup is [Server.AddChildGroup] for this directory.
func (c Contents) AddChildGroup(parent string, children ...string) {
	c.change(func() {
		p := c.mustGroup(parent)
		for _, name := range children {
			child := c.mustGroup(name)
			if c.d.contents.AddChild(p, child) {
				c.s.events.kinship(c.s.options.Load(), eventCreated, p, child)
			}
		}
	})
}

// SetPassword is [Server.SetPassword] for this directory.
func (c Contents) SetPassword(user string, password crowd.Secret) {
	c.change(func() { setCredential(c.mustUser(user), password.Reveal()) })
}

func (c Contents) mustUser(name string) *store.User {
	u := c.d.contents.User(name)
	if u == nil {
		panic(fmt.Sprintf("crowdtest: there is no user %q", name))
	}
	return u
}

func (c Contents) mustGroup(name string) *store.Group {
	g := c.d.contents.Group(name)
	if g == nil {
		panic(fmt.Sprintf("crowdtest: there is no group %q", name))
	}
	return g
}
