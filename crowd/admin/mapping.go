package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// A Permission is what an application may do in a directory, as Crowd's
// OperationType names it.
type Permission string

// The permissions. Changing the members of a group is UpdateGroup.
const (
	CreateUser           Permission = "CREATE_USER"
	UpdateUser           Permission = "UPDATE_USER"
	UpdateUserAttribute  Permission = "UPDATE_USER_ATTRIBUTE"
	DeleteUser           Permission = "DELETE_USER"
	CreateGroup          Permission = "CREATE_GROUP"
	UpdateGroup          Permission = "UPDATE_GROUP"
	UpdateGroupAttribute Permission = "UPDATE_GROUP_ATTRIBUTE"
	DeleteGroup          Permission = "DELETE_GROUP"
)

// Permissions returns all permissions.
func Permissions() []Permission {
	return []Permission{
		CreateUser, UpdateUser, UpdateUserAttribute, DeleteUser,
		CreateGroup, UpdateGroup, UpdateGroupAttribute, DeleteGroup,
	}
}

// A Mapping is a directory as an application sees it.
type Mapping struct {
	// Directory is the id of the directory, and Name its name.
	Directory int64
	Name      string
	// AllowAll lets all its users log in to the application.
	AllowAll bool
	// Permissions are what the application may do in it, if the directory itself
	// allows it. Nil means that the server does not tell; none at all is empty.
	Permissions []Permission
}

// Mappings lists the directories that an application sees, in the order in which
// names are looked up.
//
// Resource: GET application/{id}/directory-mapping.
func (c *Client) Mappings(ctx context.Context, application int64) iter.Seq2[*Mapping, error] {
	r := rest.Request{
		Op: "list directories", Name: "of application " + strconv.FormatInt(application, 10),
		Method: http.MethodGet, Resource: mappingPath(application),
	}
	return pages[mappingWire, Mapping](ctx, c.call, r)
}

// Map lets an application see a directory, after those that it sees. One that it
// sees already is no error, and no change.
//
// Resource: POST application/{id}/directory-mapping.
func (c *Client) Map(ctx context.Context, application, directory int64) (changed bool, err error) {
	r := rest.Request{
		Op: "map directory", Name: mappingName(application, directory),
		Method: http.MethodPost, Resource: mappingPath(application),
		Body: map[string]any{"id": directory}, Repeat: true,
	}
	err = c.call(ctx, r)
	if errors.Is(err, crowd.ErrIllegalArgument) {
		r.Body = map[string]any{"directoryId": directory, "authenticateAll": true}
		err = c.call(ctx, r)
	}
	if errors.Is(err, crowd.ErrExists) || errors.Is(err, crowd.ErrIllegalArgument) {
		if seen, readErr := c.sees(ctx, application, directory); readErr == nil && seen {
			return false, nil
		}
	}
	return err == nil, err
}

// Unmap hides a directory from an application, whose users in it are strangers
// to it from then on. One that it does not see is no error, and no change.
//
// Resource: DELETE application/{id}/directory-mapping/{directory}.
func (c *Client) Unmap(ctx context.Context, application, directory int64) (changed bool, err error) {
	err = c.call(ctx, rest.Request{
		Op: "unmap directory", Name: mappingName(application, directory),
		Method: http.MethodDelete, Resource: onePath(application, directory), Repeat: true,
	})
	if errors.Is(err, crowd.ErrNotFound) {
		if seen, readErr := c.sees(ctx, application, directory); readErr == nil && !seen {
			return false, nil
		}
	}
	return err == nil, err
}

// sees reports whether an application sees a directory.
func (c *Client) sees(ctx context.Context, application, directory int64) (bool, error) {
	for m, err := range c.Mappings(ctx, application) {
		if err != nil {
			return false, err
		}
		if m.Directory == directory {
			return true, nil
		}
	}
	return false, nil
}

// SetPermissions replaces what an application may do in a directory that it
// sees; whatever else the mapping says stays. A server that does not tell the
// permissions cannot be told either: the error matches [crowd.ErrUnsupported].
//
// Resource: GET and PUT application/{id}/directory-mapping/{directory}.
func (c *Client) SetPermissions(ctx context.Context, application, directory int64, p []Permission) error {
	whole := map[string]json.RawMessage{}
	r := rest.Request{
		Op: "read permissions", Name: mappingName(application, directory),
		Method: http.MethodGet, Resource: onePath(application, directory), Into: &whole,
	}
	if err := c.call(ctx, r); err != nil {
		return err
	}
	r.Op, r.Method, r.Into, r.Repeat = "set permissions", http.MethodPut, nil, true
	if _, told := whole["allowedOperations"]; !told {
		return &crowd.Error{Op: r.Op, Name: r.Name, Err: fmt.Errorf("%w: it does not tell permissions", crowd.ErrUnsupported)}
	}
	operations, err := json.Marshal(append([]Permission{}, p...))
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	whole["allowedOperations"] = operations
	r.Body = whole
	return c.call(ctx, r)
}

func mappingPath(application int64) string {
	return applicationPath(application) + "/directory-mapping"
}

func onePath(application, directory int64) string {
	return mappingPath(application) + "/" + strconv.FormatInt(directory, 10)
}

func mappingName(application, directory int64) string {
	return fmt.Sprintf("%d of application %d", directory, application)
}

// mappingWire reads a mapping: with the directory as an object, or flat, as class
// DirectoryMappingEntity of Crowd's Java API has it.
type mappingWire struct {
	Directory              *directoryWire `json:"directory"`
	DirectoryID            int64          `json:"directoryId"`
	DirectoryName          string         `json:"directoryName"`
	ID                     int64          `json:"id"`
	DisplayName            string         `json:"displayName"`
	AllowAllToAuthenticate bool           `json:"allowAllToAuthenticate"`
	AuthenticateAll        bool           `json:"authenticateAll"`
	AllowedOperations      []Permission   `json:"allowedOperations"`
}

func (w *mappingWire) check() error {
	if w.entity().Directory == 0 {
		return errors.New("a mapping names no directory")
	}
	return nil
}

func (w *mappingWire) entity() *Mapping {
	m := &Mapping{
		Directory: cmp.Or(w.DirectoryID, w.ID), Name: cmp.Or(w.DirectoryName, w.DisplayName),
		AllowAll: w.AllowAllToAuthenticate || w.AuthenticateAll, Permissions: w.AllowedOperations,
	}
	if d := w.Directory; d != nil {
		m.Directory, m.Name = d.ID, d.name()
	}
	return m
}
