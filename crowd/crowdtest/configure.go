package crowdtest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// AddDirectory adds a directory after those that are there. Applications
// without mappings see it. It panics if the name is taken.
func (s *Server) AddDirectory(d Directory) {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.directoryNamed(d.Name) != nil {
		panic(fmt.Sprintf("crowdtest: add directory %q: the name is taken", d.Name))
	}
	s.addDirectory(d)
}

func (s *Server) addDirectory(d Directory) *directory {
	if d.ID == 0 {
		d.ID = s.nextID
	}
	s.nextID = max(s.nextID, d.ID) + 1
	d.Denied = slices.Clone(d.Denied)
	d.Settings = withoutPasswords(d.Settings)
	added := &directory{Directory: d, contents: store.New()}
	s.directories = append(s.directories, added)
	return added
}

// SetDirectory changes the settings of a directory, of the first one if the
// name is empty. It panics if there is none.
func (s *Server) SetDirectory(name string, change func(*Directory)) {
	c := s.In(name)
	c.change(func() {
		change(&c.d.Directory)
		c.d.Denied = slices.Clone(c.d.Denied)
		c.d.Settings = withoutPasswords(c.d.Settings)
	})
}

// Directories returns the names of the directories in their order.
func (s *Server) Directories() []string {
	s.init()
	s.mu.RLock()
	defer s.mu.RUnlock()
	names := make([]string, len(s.directories))
	for i, d := range s.directories {
		names[i] = d.Name
	}
	return names
}

// SetApplication adds an application, or replaces the one of that name.
func (s *Server) SetApplication(a Application) {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setApplication(a)
}

func (s *Server) setApplication(a Application) {
	a.Addresses = slices.Clone(a.Addresses)
	a.Directories = slices.Clone(a.Directories)
	credential := store.NewCredential(a.Name, a.Password.Reveal())
	a.Password = ""
	if old := s.applications[a.Name]; a.ID == 0 && old != nil {
		a.ID = old.ID
	}
	if a.ID == 0 {
		a.ID = s.lastApplication + 1
	}
	s.lastApplication = max(s.lastApplication, a.ID)
	s.applications[a.Name] = &application{Application: a, credential: credential, cookie: s.newToken()}
}

// UpdateApplication changes the settings of an application; where change sets
// no password, that stays as it is. It panics if there is no such application.
func (s *Server) UpdateApplication(name string, change func(*Application)) {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.applications[name]
	if old == nil {
		panic(fmt.Sprintf("crowdtest: there is no application %q", name))
	}
	a := old.Application
	a.Addresses, a.Directories = slices.Clone(a.Addresses), slices.Clone(a.Directories)
	change(&a)
	a.Name = name
	keeps := a.Password == ""
	s.setApplication(a)
	if keeps {
		s.applications[name].credential = old.credential
	}
}

// applicationNames returns the names of the applications in order.
func (s *Server) applicationNames() []string { return slices.Sorted(maps.Keys(s.applications)) }
