package crowdtest

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// The document that [Server.Dump] writes and [Server.Load] reads.
type (
	document struct {
		Directories  []directoryDocument   `json:"directories"`
		Applications []applicationDocument `json:"applications"`
	}

	directoryDocument struct {
		Name            string          `json:"name"`
		ID              int64           `json:"id,omitempty"`
		Type            string          `json:"type,omitempty"`
		Description     string          `json:"description,omitempty"`
		Inactive        bool            `json:"inactive,omitempty"`
		Denied          []Operation     `json:"denied,omitempty"`
		NestedGroups    bool            `json:"nestedGroups,omitempty"`
		PasswordPattern string          `json:"passwordPattern,omitempty"`
		MaxAttempts     int             `json:"maxAttempts,omitempty"`
		Settings        map[string]any  `json:"settings,omitempty"`
		Created         time.Time       `json:"created,omitzero"`
		Updated         time.Time       `json:"updated,omitzero"`
		Users           []userDocument  `json:"users,omitempty"`
		Groups          []groupDocument `json:"groups,omitempty"`
	}

	userDocument struct {
		Name        string           `json:"name"`
		FirstName   string           `json:"firstName,omitempty"`
		LastName    string           `json:"lastName,omitempty"`
		DisplayName string           `json:"displayName,omitempty"`
		Email       string           `json:"email,omitempty"`
		Active      *bool            `json:"active,omitempty"`
		Key         string           `json:"key,omitempty"`
		Created     time.Time        `json:"created,omitzero"`
		Updated     time.Time        `json:"updated,omitzero"`
		Password    string           `json:"password,omitempty"`
		Credential  string           `json:"credential,omitempty"`
		Attributes  crowd.Attributes `json:"attributes,omitempty"`
	}

	groupDocument struct {
		Name        string           `json:"name"`
		Description string           `json:"description,omitempty"`
		Active      *bool            `json:"active,omitempty"`
		Created     time.Time        `json:"created,omitzero"`
		Updated     time.Time        `json:"updated,omitzero"`
		Attributes  crowd.Attributes `json:"attributes,omitempty"`
		Members     []string         `json:"members,omitempty"`
		Children    []string         `json:"children,omitempty"`
	}

	applicationDocument struct {
		Name            string            `json:"name"`
		ID              int64             `json:"id,omitempty"`
		Type            string            `json:"type,omitempty"`
		Description     string            `json:"description,omitempty"`
		Password        string            `json:"password,omitempty"`
		Credential      string            `json:"credential,omitempty"`
		Inactive        bool              `json:"inactive,omitempty"`
		Addresses       []string          `json:"addresses,omitempty"`
		Directories     []mappingDocument `json:"directories,omitempty"`
		Unmapped        bool              `json:"unmapped,omitempty"`
		Aggregate       bool              `json:"aggregate,omitempty"`
		LowerCaseOutput bool              `json:"lowerCaseOutput,omitempty"`
		CreateTokens    bool              `json:"createTokens,omitempty"`
	}

	mappingDocument struct {
		Directory string      `json:"directory"`
		Denied    []Operation `json:"denied,omitempty"`
		Groups    []string    `json:"groups,omitempty"`
	}
)

// Dump writes the directories with all they hold, and the applications, as a
// JSON document that [Server.Load] reads. Passwords are digests in it; sessions
// and events are left out. Equal states give equal documents.
func (s *Server) Dump(w io.Writer) error {
	s.init()
	s.mu.RLock()
	doc := s.document()
	s.mu.RUnlock()
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return fmt.Errorf("crowdtest: dump: %w", err)
	}
	return nil
}

func (s *Server) document() document {
	var doc document
	for _, d := range s.directories {
		one := directoryDocument{
			Name: d.Name, ID: d.ID, Type: d.Type, Description: d.Description,
			Inactive: d.Inactive, Denied: d.Denied, NestedGroups: d.NestedGroups,
			PasswordPattern: d.PasswordPattern, MaxAttempts: d.MaxAttempts,
			Settings: d.Settings, Created: d.Created.UTC(), Updated: d.Updated.UTC(),
		}
		for u := range d.contents.Users().All() {
			one.Users = append(one.Users, dumpUser(u))
		}
		for g := range d.contents.Groups().All() {
			one.Groups = append(one.Groups, dumpGroup(g))
		}
		doc.Directories = append(doc.Directories, one)
	}
	for _, name := range s.applicationNames() {
		doc.Applications = append(doc.Applications, dumpApplication(s.applications[name]))
	}
	return doc
}

func dumpUser(u *store.User) userDocument {
	active := u.Active
	return userDocument{
		Name: u.Name, FirstName: u.FirstName, LastName: u.LastName, DisplayName: u.DisplayName, Email: u.Email,
		Active: &active, Key: u.Key, Created: u.Created.UTC(), Updated: u.Updated.UTC(),
		Credential: u.Credential, Attributes: exportAttributes(u.Attributes()),
	}
}

func dumpGroup(g *store.Group) groupDocument {
	active := g.Active
	return groupDocument{
		Name: g.Name, Description: g.Description, Active: &active, Created: g.Created.UTC(), Updated: g.Updated.UTC(),
		Attributes: exportAttributes(g.Attributes()), Members: userNames(g.Members()), Children: groupNames(g.Children()),
	}
}

func dumpApplication(a *application) applicationDocument {
	one := applicationDocument{
		Name: a.Name, ID: a.ID, Type: a.Type, Description: a.Description,
		Credential: a.credential, Inactive: a.Inactive, Addresses: a.Addresses, Unmapped: a.Unmapped,
		Aggregate: a.Aggregate, LowerCaseOutput: a.LowerCaseOutput, CreateTokens: a.CreateTokens,
	}
	for _, m := range a.Directories {
		one.Directories = append(one.Directories, mappingDocument(m))
	}
	return one
}
