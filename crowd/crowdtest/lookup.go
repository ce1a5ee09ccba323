package crowdtest

import (
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// mappedDirectories returns the active directories that an application sees.
func (s *Server) mappedDirectories(app *application) []mapped {
	dirs := []mapped{}
	if len(app.Directories) == 0 && !app.Unmapped {
		for _, d := range s.directories {
			if !d.Inactive {
				dirs = append(dirs, mapped{directory: d})
			}
		}
	}
	for _, m := range app.Directories {
		if d := s.directoryNamed(m.Directory); d != nil && !d.Inactive {
			dirs = append(dirs, mapped{d, m})
		}
	}
	return dirs
}

func (s *Server) directoryNamed(name string) *directory {
	for _, d := range s.directories {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// user returns the user of a name and the directory that counts: the first
// that has one.
func (x *exchange) user(name string) (*store.User, mapped, error) {
	for _, m := range x.dirs {
		if u := m.contents.User(name); u != nil {
			return u, m, nil
		}
	}
	return nil, mapped{}, x.userNotFound(name)
}

// namedUser returns the user that the parameter username names.
func (x *exchange) namedUser() (*store.User, mapped, error) {
	name, err := x.require("username")
	if err != nil {
		return nil, mapped{}, err
	}
	return x.user(name)
}

// namedGroup returns the group that the parameter groupname names, in the first
// directory that has it.
func (x *exchange) namedGroup() (*store.Group, mapped, error) {
	name, err := x.require("groupname")
	if err != nil {
		return nil, mapped{}, err
	}
	return x.group(name)
}

func (x *exchange) userByKey(key string) (*store.User, error) {
	for _, m := range x.dirs {
		if u := m.contents.UserByKey(key); u != nil {
			return u, nil
		}
	}
	return nil, x.userNotFound(key)
}

// group returns the group of a name in the first directory that has it.
func (x *exchange) group(name string) (*store.Group, mapped, error) {
	for _, m := range x.dirs {
		if g := m.contents.Group(name); g != nil {
			return g, m, nil
		}
	}
	return nil, mapped{}, x.groupNotFound(name)
}

// A placedGroup is a group with the directory that holds it.
type placedGroup struct {
	*store.Group
	dir mapped
}

func (g placedGroup) populated() bool { return g.Members().Len() > 0 || g.Children().Len() > 0 }

// groupsNamed returns the groups of a name in all directories.
func (x *exchange) groupsNamed(name string) ([]placedGroup, error) {
	var found []placedGroup
	for _, m := range x.dirs {
		if g := m.contents.Group(name); g != nil {
			found = append(found, placedGroup{g, m})
		}
	}
	if len(found) == 0 {
		return nil, x.groupNotFound(name)
	}
	return found, nil
}

// changeable returns those groups whose directories allow all ops.
func (x *exchange) changeable(name string, ops ...Operation) ([]placedGroup, error) {
	found, err := x.groupsNamed(name)
	if err != nil {
		return nil, err
	}
	var allowed []placedGroup
	for _, g := range found {
		if g.dir.allows(ops...) {
			allowed = append(allowed, g)
		}
	}
	if len(allowed) == 0 {
		return nil, x.denied(ops[0])
	}
	return allowed, nil
}

// changeableUser returns the user that the parameter username names, if its
// directory allows all ops.
func (x *exchange) changeableUser(ops ...Operation) (*store.User, mapped, error) {
	u, m, err := x.namedUser()
	if err != nil {
		return nil, mapped{}, err
	}
	if !m.allows(ops...) {
		return nil, mapped{}, x.denied(ops[0])
	}
	return u, m, nil
}

// masks tells whether a directory before the i-th has a user of that folded
// name.
func (x *exchange) masks(i int, name string) bool {
	for _, m := range x.dirs[:i] {
		if m.contents.User(name) != nil {
			return true
		}
	}
	return false
}
