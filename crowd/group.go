package crowd

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// A Group is a group of a Crowd directory. Groups have no key: their name,
// compared ignoring case, is what they are, and it cannot be changed.
type Group struct {
	// Name is at most 255 characters. See [ValidateName].
	Name string
	// Description is free text; Crowd cuts it as it cuts a user's names.
	Description string
	// Active tells whether the group lends access. Mind that false is its zero
	// value.
	Active bool

	// Attributes holds the custom attributes. Nil means that they were not
	// asked for or not supplied; no attributes at all is an empty map.
	Attributes Attributes
}

// groupWrite is a group as it is sent. Crowd wants the type with each.
type groupWrite struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
	Active      bool   `json:"active"`
}

func (g *Group) write() groupWrite {
	return groupWrite{Name: g.Name, Description: g.Description, Type: "GROUP", Active: g.Active}
}

// Group returns the group of that name, with attributes.
//
// Resource: GET group.
func (c *Client) Group(ctx context.Context, name string) (*Group, error) {
	return c.groupOf(ctx, newBudget(), name)
}

// groupOf is Group on the budget of a call that needs it.
func (c *Client) groupOf(ctx context.Context, b *budget, name string) (*Group, error) {
	const op = "read group"
	if err := checkExisting(op, name, name, ErrGroupNotFound); err != nil {
		return nil, err
	}
	var w groupWire
	err := c.do(ctx, call{
		op: op, name: name,
		method: http.MethodGet, resource: "group",
		params: url.Values{"groupname": {name}, "expand": {"attributes"}},
		repeat: true, missing: ErrGroupNotFound,
		budget: b, read: w.read,
	})
	if err != nil {
		return nil, err
	}
	g := w.entity()
	g.Attributes = g.Attributes.orEmpty()
	return g, nil
}

// UpdateGroup replaces description and Active of the group of that name. The
// attributes of g are ignored. The call is not repeated once it may have taken
// effect; its error matches [ErrAmbiguous] then.
//
// Resource: PUT group.
func (c *Client) UpdateGroup(ctx context.Context, g Group) error {
	const op = "update group"
	if err := checkExisting(op, g.Name, g.Name, ErrGroupNotFound); err != nil {
		return err
	}
	return c.do(ctx, call{
		op: op, name: g.Name,
		method: http.MethodPut, resource: "group",
		params:  url.Values{"groupname": {g.Name}},
		body:    g.write(),
		missing: ErrGroupNotFound, refused: ErrInvalidGroup,
	})
}

// DeleteGroup deletes a group, with its memberships and attributes, whoever its
// members are. A lost answer is treated as by [Client.DeleteUser].
//
// Resource: DELETE group.
func (c *Client) DeleteGroup(ctx context.Context, name string) error {
	const op = "delete group"
	if err := checkExisting(op, name, name, ErrGroupNotFound); err != nil {
		return err
	}
	b := newBudget()
	err := c.do(ctx, call{
		op: op, name: name, budget: b,
		method: http.MethodDelete, resource: "group",
		params:  url.Values{"groupname": {name}},
		missing: ErrGroupNotFound,
	})
	if !errors.Is(err, ErrAmbiguous) {
		return err
	}
	if _, readErr := c.groupOf(ctx, b, name); errors.Is(readErr, ErrGroupNotFound) {
		return nil
	}
	return err
}
