package admin

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// A User is a user with the directory that it is in.
type User struct {
	Name, DisplayName, Email string
	Active                   bool
	// Directory is the id of the directory.
	Directory int64
}

// A Group is a group of one directory.
type Group struct {
	Name, Description string
	Active            bool
}

// UserQuery says which users are wanted; its zero value is all that the
// administrator administers.
type UserQuery struct {
	// Search is a text that the name, display name or e-mail address holds.
	Search string
	// Directories are the ids of the directories to look in; none means all.
	Directories []int64
}

// Users lists users, directory by directory: somebody who is in two is listed
// twice.
//
// Resource: POST users/search.
func (c *Client) Users(ctx context.Context, q UserQuery) iter.Seq2[*User, error] {
	body := map[string]any{"search": q.Search}
	if len(q.Directories) > 0 {
		body["directoryIds"] = q.Directories
	}
	r := rest.Request{
		Op: "search users", Method: http.MethodPost, Resource: "users/search", Body: body, Query: true, Optional: true,
	}
	return pages[userWire, User](ctx, c.call, r)
}

// Groups lists the groups of a directory whose names hold a text, or all.
//
// Resource: GET group/search/{directory}.
func (c *Client) Groups(ctx context.Context, directory int64, search string) iter.Seq2[*Group, error] {
	r := rest.Request{
		Op: "list groups", Name: "of directory " + strconv.FormatInt(directory, 10),
		Method: http.MethodGet, Resource: "group/search/" + strconv.FormatInt(directory, 10), Optional: true,
	}
	if search != "" {
		r.Params = url.Values{"term": {search}}
	}
	return pages[groupWire, Group](ctx, c.call, r)
}

// Members lists the direct members of a group in one directory, whatever other
// directories hold of it.
//
// Resource: GET groups/{groupId}/users.
func (c *Client) Members(ctx context.Context, directory int64, group string) iter.Seq2[*User, error] {
	return pages[userWire, User](ctx, c.call, rest.Request{
		Op: "list members", Name: "of " + group, Method: http.MethodGet,
		Resource: "groups/" + entityID(directory, group) + "/users", Optional: true, Missing: crowd.ErrGroupNotFound,
	})
}

type userWire struct {
	Username    string         `json:"username"`
	Name        string         `json:"name"`
	DisplayName string         `json:"displayName"`
	Email       string         `json:"email"`
	Active      bool           `json:"active"`
	Directory   *directoryWire `json:"directory"`
}

func (w *userWire) check() error { return named(w.entity().Name) }

func (w *userWire) entity() *User {
	u := &User{Name: w.Username, DisplayName: w.DisplayName, Email: w.Email, Active: w.Active}
	if u.Name == "" {
		u.Name = w.Name
	}
	if w.Directory != nil {
		u.Directory = w.Directory.ID
	}
	return u
}

type groupWire struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Active      bool   `json:"active"`
}

func (w *groupWire) check() error { return named(w.Name) }

// named refuses an entry without a name.
func named(name string) error {
	if name == "" {
		return errors.New("an entry has no name")
	}
	return nil
}

func (w *groupWire) entity() *Group { return &Group{w.Name, w.Description, w.Active} }
