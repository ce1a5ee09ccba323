package crowd

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A User is a person of a Crowd directory.
//
// Names are compared ignoring case and keep the spelling they were given; see
// [Fold]. A User read from Crowd belongs to the caller.
type User struct {
	// Name is the login name, at most 255 characters. See [ValidateName].
	Name string
	// FirstName, LastName, DisplayName and Email may be empty. Crowd cuts the
	// first three after 252 characters and adds "..." where they are longer
	// than 255.
	FirstName, LastName, DisplayName, Email string
	// Active tells whether the user may log in. Mind that false is its zero
	// value: a User written without it is disabled.
	Active bool

	// Key identifies the user for ever, through renames: "directoryID:id",
	// opaque. Crowd sets it; servers before 3 do not give one.
	Key string
	// Created and Updated are set by Crowd; zero where the server tells none.
	// Updated moves with the fields above, not with attributes or memberships.
	Created, Updated time.Time

	// Attributes holds the custom attributes. Nil means that they were not
	// asked for or not supplied; no attributes at all is an empty map.
	Attributes Attributes
}

// DirectoryID returns the part of the key that names the user's directory, or
// "" where the user has no key.
func (u *User) DirectoryID() string {
	id, _, found := strings.Cut(u.Key, ":")
	if !found {
		return ""
	}
	return id
}

// userWrite is a user as it is sent. All fields go with each request: Crowd
// would blank what is left out.
type userWrite struct {
	Name       string          `json:"name"`
	First      string          `json:"first-name"`
	Last       string          `json:"last-name"`
	Display    *string         `json:"display-name,omitempty"` // nil: Crowd makes one
	Email      string          `json:"email"`
	Active     bool            `json:"active"`
	Password   *valueWire      `json:"password,omitempty"`
	Attributes *attributesWire `json:"attributes,omitempty"`
}

func (u *User) write() userWrite {
	return userWrite{
		Name: u.Name, First: u.FirstName, Last: u.LastName,
		Display: &u.DisplayName, Email: u.Email, Active: u.Active,
	}
}

// User returns the user of that name, with attributes.
//
// Resource: GET user.
func (c *Client) User(ctx context.Context, name string) (*User, error) {
	return c.userOf(ctx, newBudget(), name)
}

// userOf is User on the budget of a call that needs it.
func (c *Client) userOf(ctx context.Context, b *budget, name string) (*User, error) {
	const op = "read user"
	if err := checkExisting(op, name, name, ErrUserNotFound); err != nil {
		return nil, err
	}
	return c.readUser(ctx, call{op: op, name: name, params: url.Values{"username": {name}}, budget: b})
}

// UserByKey returns the user of that [User.Key], with attributes.
//
// Resource: GET user.
func (c *Client) UserByKey(ctx context.Context, key string) (*User, error) {
	k := call{op: "read user of key", name: key, params: url.Values{"key": {key}}}
	if key == "" {
		return nil, &Error{Op: k.op, kind: ErrUserNotFound, Err: errors.New("the key is empty")}
	}
	return c.readUser(ctx, k)
}

func (c *Client) readUser(ctx context.Context, k call) (*User, error) {
	var w userWire
	k.method, k.resource = http.MethodGet, "user"
	k.params.Set("expand", "attributes")
	k.repeat, k.missing = true, ErrUserNotFound
	k.read = w.read
	if err := c.do(ctx, k); err != nil {
		return nil, err
	}
	u := w.entity()
	u.Attributes = u.Attributes.orEmpty()
	return u, nil
}

// UpdateUser replaces all profile fields of the user of that name: first, last
// and display name, e-mail and Active. An empty field becomes empty, so read
// the user first and change what is to change. Key, dates and attributes of u
// are ignored.
//
// Where Crowd refuses because the e-mail differs from the one it holds, which
// costs one read to know, the error matches [ErrEmailChange] and nothing has
// changed. The call is not repeated once it may have taken effect; its error
// matches [ErrAmbiguous] then.
//
// Resource: PUT user.
func (c *Client) UpdateUser(ctx context.Context, u User) error {
	const op = "update user"
	if err := checkExisting(op, u.Name, u.Name, ErrUserNotFound); err != nil {
		return err
	}
	b := newBudget()
	err := c.do(ctx, call{
		op: op, name: u.Name,
		method: http.MethodPut, resource: "user",
		params: url.Values{"username": {u.Name}},
		body:   u.write(), budget: b,
		missing: ErrUserNotFound, refused: ErrInvalidUser,
	})
	if !errors.Is(err, ErrPermission) {
		return err
	}
	current, readErr := c.userOf(ctx, b, u.Name)
	if readErr == nil && current.Email != u.Email {
		asError(err).kind = ErrEmailChange
	}
	return err
}

// RenameUser gives a user another name and returns the user under it, with
// attributes. Key, attributes, memberships and password stay. A taken name is an
// [ErrInvalidUser], as any other name that Crowd does not like. The call is not
// repeated once it may have taken effect.
//
// An answer that leaves the attributes out costs a read; where that fails they
// are nil. Where the answer shows no user at all and the read fails, the error
// matches [ErrAmbiguous].
//
// Resource: POST user/rename.
func (c *Client) RenameUser(ctx context.Context, name, newName string) (*User, error) {
	const op = "rename user"
	what := name + " to " + newName
	if err := checkExisting(op, what, name, ErrUserNotFound); err != nil {
		return nil, err
	}
	if err := checkNew(op, what, newName); err != nil {
		return nil, err
	}
	var w userWire
	b := newBudget()
	err := c.do(ctx, call{
		op: op, name: what, budget: b,
		method: http.MethodPost, resource: "user/rename",
		params:  url.Values{"username": {name}},
		body:    map[string]string{"new-name": newName},
		missing: ErrUserNotFound, refused: ErrInvalidUser,
		read: w.read,
	})
	if status := asError(err).Status; err != nil && (status < 200 || status > 299) {
		return nil, err
	}
	answered := w.entity()
	if err == nil && answered.Attributes != nil {
		return answered, nil
	}
	there, readErr := c.userOf(ctx, b, newName)
	switch {
	case readErr == nil:
		return there, nil
	case err == nil:
		return answered, nil
	}
	return nil, halfDone(readErr) // it is renamed, though the answer does not show it
}

// DeleteUser deletes a user with attributes and memberships. Where the answer
// is lost, a read tells whether the user is gone; if not, the error matches
// [ErrAmbiguous], for the deletion may be under way yet.
//
// Resource: DELETE user.
func (c *Client) DeleteUser(ctx context.Context, name string) error {
	const op = "delete user"
	if err := checkExisting(op, name, name, ErrUserNotFound); err != nil {
		return err
	}
	b := newBudget()
	err := c.do(ctx, call{
		op: op, name: name, budget: b,
		method: http.MethodDelete, resource: "user",
		params:  url.Values{"username": {name}},
		missing: ErrUserNotFound,
	})
	if !errors.Is(err, ErrAmbiguous) {
		return err
	}
	if _, readErr := c.userOf(ctx, b, name); errors.Is(readErr, ErrUserNotFound) {
		return nil
	}
	return err
}
