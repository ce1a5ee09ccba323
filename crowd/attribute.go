package crowd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"
)

// Attributes are the custom attributes of a user or group: to each name, which
// is case-sensitive, a set of values without order. Crowd keeps at most 255
// characters of a value.
type Attributes map[string][]string

// First returns a value of the named attribute, or "" if it has none.
func (a Attributes) First(name string) string {
	if values := a[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// orEmpty returns a, or an empty map for nil.
func (a Attributes) orEmpty() Attributes {
	if a == nil {
		return Attributes{}
	}
	return a
}

func (a Attributes) clone() Attributes {
	b := make(Attributes, len(a))
	for name, values := range a {
		b[name] = slices.Clone(values)
	}
	return b
}

// check refuses what Crowd would misunderstand, or JSON change, in transit.
func (a Attributes) check() error {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		switch {
		case name == "":
			return errors.New("an attribute has no name")
		case len(a[name]) == 0:
			return fmt.Errorf("attribute %q has no values; delete it instead", name)
		case !utf8.ValidString(name) || !allValid(a[name]):
			return fmt.Errorf("attribute %q is not valid UTF-8", name)
		}
	}
	return nil
}

func allValid(values []string) bool {
	return !slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) })
}

// owner is a kind of entity as the resources of attributes speak of it.
type owner struct {
	kind      string // "user" or "group"
	parameter string // that names one
	missing   error
}

func ofUser() owner  { return owner{"user", "username", ErrUserNotFound} }
func ofGroup() owner { return owner{"group", "groupname", ErrGroupNotFound} }

// UserAttributes returns all attributes of a user, those that Crowd itself
// keeps among them.
//
// Resource: GET user/attribute.
func (c *Client) UserAttributes(ctx context.Context, name string) (Attributes, error) {
	return c.attributes(ctx, ofUser(), name)
}

// SetUserAttributes replaces the values of the attributes named in a and leaves
// all others alone. An empty list of values is refused with
// [ErrIllegalArgument]: see [Client.DeleteUserAttribute]. Nothing in a: nothing
// is called.
//
// Resource: POST user/attribute.
func (c *Client) SetUserAttributes(ctx context.Context, name string, a Attributes) error {
	return c.setAttributes(ctx, newBudget(), ofUser(), name, a)
}

// DeleteUserAttribute deletes an attribute with all its values. One that is not
// there is no error.
//
// Resource: DELETE user/attribute.
func (c *Client) DeleteUserAttribute(ctx context.Context, name, attribute string) error {
	return c.deleteAttribute(ctx, ofUser(), name, attribute)
}

// GroupAttributes is as [Client.UserAttributes], of a group.
//
// Resource: GET group/attribute.
func (c *Client) GroupAttributes(ctx context.Context, name string) (Attributes, error) {
	return c.attributes(ctx, ofGroup(), name)
}

// SetGroupAttributes is as [Client.SetUserAttributes], of a group.
//
// Resource: POST group/attribute.
func (c *Client) SetGroupAttributes(ctx context.Context, name string, a Attributes) error {
	return c.setAttributes(ctx, newBudget(), ofGroup(), name, a)
}

// DeleteGroupAttribute is as [Client.DeleteUserAttribute], of a group.
//
// Resource: DELETE group/attribute.
func (c *Client) DeleteGroupAttribute(ctx context.Context, name, attribute string) error {
	return c.deleteAttribute(ctx, ofGroup(), name, attribute)
}

func (c *Client) attributes(ctx context.Context, o owner, name string) (Attributes, error) {
	op := "read attributes of " + o.kind
	if err := checkExisting(op, name, name, o.missing); err != nil {
		return nil, err
	}
	var w attributesWire
	err := c.do(ctx, call{
		op: op, name: name,
		method: http.MethodGet, resource: o.kind + "/attribute",
		params: url.Values{o.parameter: {name}},
		repeat: true, missing: o.missing,
		read: func(r *http.Response) error {
			w = attributesWire{}
			return into(&w)(r)
		},
	})
	if err != nil {
		return nil, err
	}
	return w.attributes().orEmpty(), nil
}

func (c *Client) setAttributes(ctx context.Context, b *budget, o owner, name string, a Attributes) error {
	op := "set attributes of " + o.kind
	if err := checkExisting(op, name, name, o.missing); err != nil {
		return err
	}
	if err := a.check(); err != nil {
		return &Error{Op: op, Name: name, Err: err, kind: ErrIllegalArgument}
	}
	if len(a) == 0 {
		return nil
	}
	return c.do(ctx, call{
		op: op, name: name,
		method: http.MethodPost, resource: o.kind + "/attribute",
		params: url.Values{o.parameter: {name}}, body: a.wire(),
		repeat: true, missing: o.missing, budget: b,
	})
}

func (c *Client) deleteAttribute(ctx context.Context, o owner, name, attribute string) error {
	op, what := "delete attribute of "+o.kind, name+": "+attribute
	if err := checkExisting(op, what, name, o.missing); err != nil {
		return err
	}
	if attribute == "" || !utf8.ValidString(attribute) {
		return &Error{Op: op, Name: what, kind: ErrIllegalArgument, Err: errors.New("no attribute has that name")}
	}
	err := c.do(ctx, call{
		op: op, name: what,
		method: http.MethodDelete, resource: o.kind + "/attribute",
		params: url.Values{o.parameter: {name}, "attributename": {attribute}},
		repeat: true, missing: o.missing,
	})
	if errors.Is(err, ErrNotFound) && !errors.Is(err, o.missing) {
		return nil // the attribute is what was not found
	}
	return err
}
