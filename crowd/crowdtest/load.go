package crowdtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// Load replaces directories and applications with those of a document such as
// [Server.Dump] writes, or changes nothing and says what is wrong with it.
//
// A document by hand needs little: users and groups have names, are active
// unless said otherwise, and users may have a "password". Where it has no
// directory there is an empty one. The server's own application is added where
// it is not named, and keeps its password.
func (s *Server) Load(r io.Reader) error {
	s.init()
	var doc document
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return fmt.Errorf("crowdtest: load: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("crowdtest: load: there is text after the document")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	directories, applications, next, last := s.directories, s.applications, s.nextID, s.lastApplication
	s.directories, s.applications, s.nextID, s.lastApplication = nil, map[string]*application{}, firstDirectoryID, 0
	if err := s.load(&doc); err != nil {
		s.directories, s.applications, s.nextID, s.lastApplication = directories, applications, next, last
		return fmt.Errorf("crowdtest: load: %w", err)
	}
	s.effects.Add(1)
	s.sessions = newSessions()
	s.estates = map[legacy]estate{}
	s.events = events{stream: s.newID()}
	return nil
}

func (s *Server) load(doc *document) error {
	if len(doc.Directories) == 0 {
		doc.Directories = []directoryDocument{{Name: DefaultDirectory}}
	}
	for i := range doc.Directories {
		if err := s.loadDirectory(&doc.Directories[i]); err != nil {
			return fmt.Errorf("directory %q: %w", doc.Directories[i].Name, err)
		}
	}
	for _, a := range doc.Applications {
		if err := s.loadApplication(a); err != nil {
			return fmt.Errorf("application %q: %w", a.Name, err)
		}
	}
	own := s.applications[s.Application]
	if own == nil {
		s.setApplication(Application{Name: s.Application, Password: s.Password})
		return nil
	}
	own.credential = store.NewCredential(s.Application, s.Password.Reveal())
	return nil
}

func (s *Server) loadDirectory(one *directoryDocument) error {
	if one.Name == "" || s.directoryNamed(one.Name) != nil {
		return errors.New("the name is missing or taken")
	}
	for _, other := range s.directories {
		if one.ID != 0 && other.ID == one.ID {
			return fmt.Errorf("the id %d is taken", one.ID)
		}
	}
	if err := checkOperations(one.Denied); err != nil {
		return err
	}
	if _, err := regexp.Compile(one.PasswordPattern); err != nil {
		return fmt.Errorf("the password pattern: %w", err)
	}
	d := s.addDirectory(Directory{
		Name: one.Name, ID: one.ID, Type: one.Type, Description: one.Description,
		Inactive: one.Inactive, Denied: one.Denied, NestedGroups: one.NestedGroups,
		PasswordPattern: one.PasswordPattern, MaxAttempts: one.MaxAttempts,
		Settings: one.Settings, Created: one.Created, Updated: one.Updated,
	})
	for i := range one.Users {
		if err := s.loadUser(d, &one.Users[i]); err != nil {
			return fmt.Errorf("user %q: %w", one.Users[i].Name, err)
		}
	}
	for i := range one.Groups {
		if err := s.loadGroup(d, &one.Groups[i]); err != nil {
			return fmt.Errorf("group %q: %w", one.Groups[i].Name, err)
		}
	}
	for i := range one.Groups {
		if err := loadMembers(d, &one.Groups[i]); err != nil {
			return fmt.Errorf("group %q: %w", one.Groups[i].Name, err)
		}
	}
	return nil
}

func checkOperations(denied []Operation) error {
	for _, op := range denied {
		switch op {
		case AddUser, ModifyUser, RemoveUser, ModifyUserAttributes, AddGroup, ModifyGroup, RemoveGroup, ModifyGroupAttributes:
		default:
			return fmt.Errorf("%q is no operation", op)
		}
	}
	return nil
}

func (s *Server) loadUser(d *directory, one *userDocument) error {
	if err := s.options.Load().validateName(one.Name); err != nil {
		return err
	}
	if _, found := one.Attributes[""]; found {
		return errors.New("an attribute has no name")
	}
	if one.Key != "" && d.contents.UserByKey(one.Key) != nil {
		return fmt.Errorf("the key %q is taken", one.Key)
	}
	p := store.UserProfile{
		Name: one.Name, FirstName: one.FirstName, LastName: one.LastName, DisplayName: one.DisplayName, Email: one.Email,
		Active: one.Active == nil || *one.Active, Key: one.Key, Created: one.Created, Updated: one.Updated,
	}
	u := s.createUser(d, p, one.Password, attributeList(one.Attributes), s.options.Load().Clock())
	if u == nil {
		return errors.New("the name is taken")
	}
	if one.Credential != "" {
		u.Credential = one.Credential
	}
	return nil
}

func (s *Server) loadGroup(d *directory, one *groupDocument) error {
	if err := s.options.Load().validateName(one.Name); err != nil {
		return err
	}
	if _, found := one.Attributes[""]; found {
		return errors.New("an attribute has no name")
	}
	p := store.GroupProfile{
		Name: one.Name, Description: one.Description, Active: one.Active == nil || *one.Active,
		Created: one.Created, Updated: one.Updated,
	}
	g := s.createGroup(d, p, s.options.Load().Clock())
	if g == nil {
		return errors.New("the name is taken")
	}
	for _, a := range attributeList(one.Attributes) {
		d.contents.SetGroupAttribute(g, a.Name, a.Values)
	}
	return nil
}

func loadMembers(d *directory, one *groupDocument) error {
	g := d.contents.Group(one.Name)
	for _, name := range one.Members {
		u := d.contents.User(name)
		if u == nil {
			return fmt.Errorf("there is no user %q", name)
		}
		d.contents.AddMember(g, u)
	}
	for _, name := range one.Children {
		child := d.contents.Group(name)
		if child == nil {
			return fmt.Errorf("there is no group %q", name)
		}
		if child == g {
			return errors.New("it is a child of itself")
		}
		d.contents.AddChild(g, child)
	}
	return nil
}

func (s *Server) loadApplication(one applicationDocument) error {
	if one.Name == "" || s.applications[one.Name] != nil {
		return errors.New("the name is missing or taken")
	}
	for _, other := range s.applications {
		if one.ID != 0 && other.ID == one.ID {
			return fmt.Errorf("the id %d is taken", one.ID)
		}
	}
	a := Application{
		Name: one.Name, ID: one.ID, Type: one.Type, Description: one.Description, Unmapped: one.Unmapped,
		Password: crowd.Secret(one.Password), Inactive: one.Inactive, Addresses: one.Addresses,
		Aggregate: one.Aggregate, LowerCaseOutput: one.LowerCaseOutput, CreateTokens: one.CreateTokens,
	}
	for _, m := range one.Directories {
		if s.directoryNamed(m.Directory) == nil {
			return fmt.Errorf("there is no directory %q", m.Directory)
		}
		if err := checkOperations(m.Denied); err != nil {
			return err
		}
		a.Directories = append(a.Directories, Mapping(m))
	}
	s.setApplication(a)
	if one.Credential != "" {
		s.applications[a.Name].credential = one.Credential
	}
	return nil
}
