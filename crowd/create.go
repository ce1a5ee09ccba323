package crowd

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
	"unicode/utf16"
)

// CreateUser creates a user with password and attributes, in one call where the
// server stores attributes with the user (Crowd from 2.9 on). Where the answer
// leaves the attributes out, the user returned has those that were sent, without
// the ones that Crowd itself keeps, and nil where none were sent.
//
// A name that is taken returns the user who has it, and an error that matches
// [ErrExists]. An answer that is lost is looked for: a user who is as u in all
// that was sent counts as created by this call, one who differs is an
// ErrExists; where there is none the request is repeated. So an attribute with
// a value of its own makes sure that one's own user is not mistaken for one
// that somebody else created alike. On servers that store no attributes with
// the user it cannot be told after a lost answer: ErrExists and [ErrAmbiguous].
//
// Key and dates of u are ignored. Without a display name Crowd makes one of
// the other names. Where the user is created and a later step fails, as only on
// old servers, the error matches [ErrAmbiguous].
//
// Resource: POST user.
func (c *Client) CreateUser(ctx context.Context, u User, password Secret) (*User, error) {
	b := newBudget()
	user, err := c.postUser(ctx, b, u, password)
	switch {
	case errors.Is(err, errNoBody):
		return c.completeUser(ctx, b, u)
	case err == nil && user.Attributes == nil && len(u.Attributes) > 0:
		user.Attributes = u.Attributes.clone()
	}
	return user, err
}

// postUser creates a user as CreateUser does, but does nothing more for a server
// that returns none: errNoBody.
func (c *Client) postUser(ctx context.Context, b *budget, u User, password Secret) (*User, error) {
	const op = "create user"
	if err := checkNew(op, u.Name, u.Name); err != nil {
		return nil, err
	}
	if err := u.Attributes.check(); err != nil {
		return nil, &Error{Op: op, Name: u.Name, Err: err, kind: ErrIllegalArgument}
	}
	body := u.write()
	if u.DisplayName == "" {
		body.Display = nil
	}
	body.Password = &valueWire{password.Reveal()}
	if len(u.Attributes) > 0 {
		body.Attributes = u.Attributes.wire()
	}
	var w userWire
	k := call{
		op: op, name: u.Name,
		method: http.MethodPost, resource: "user", body: body, refused: ErrInvalidUser,
		secrets: []Secret{password}, budget: b, read: w.read,
	}
	user, err := create(ctx, c, k, creation[User]{
		missing: ErrUserNotFound,
		read:    func() (*User, error) { return c.userOf(ctx, b, u.Name) },
		same:    func(there *User) bool { return u.sameAs(there) && u.sameAttributes(there) },
		doubt:   func(there *User) bool { return u.sameAs(there) && u.noAttributes(there) },
	})
	if user == nil && err == nil {
		user = w.entity()
	}
	return user, err
}

// completeUser does what servers before 2.9 do not do with the creation.
func (c *Client) completeUser(ctx context.Context, b *budget, u User) (*User, error) {
	if err := c.setAttributes(ctx, b, ofUser(), u.Name, u.Attributes); err != nil {
		return nil, halfDone(err)
	}
	user, err := c.userOf(ctx, b, u.Name)
	if err != nil {
		return nil, halfDone(err)
	}
	return user, nil
}

// halfDone marks the failure of a step after the creation itself.
func halfDone(err error) error {
	e := *asError(err)
	e.ambiguous = true
	return &e
}

// CreateGroup creates a group with description and Active, but without the
// attributes of g: set them afterwards. A name that is taken and an answer that
// is lost are treated as by [Client.CreateUser]; a group of that description and
// the same Active counts as created by this call.
//
// Crowd creates the group in every directory of the application in which it may
// add groups.
//
// Resource: POST group.
func (c *Client) CreateGroup(ctx context.Context, g Group) (*Group, error) {
	const op = "create group"
	if err := checkNew(op, g.Name, g.Name); err != nil {
		return nil, err
	}
	var w groupWire
	b := newBudget()
	k := call{
		op: op, name: g.Name,
		method: http.MethodPost, resource: "group", body: g.write(), refused: ErrInvalidGroup,
		budget: b, read: w.read,
	}
	group, err := create(ctx, c, k, creation[Group]{
		missing: ErrGroupNotFound,
		read:    func() (*Group, error) { return c.groupOf(ctx, b, g.Name) },
		same: func(there *Group) bool {
			return g.Active == there.Active && sameText(g.Description, there.Description)
		},
		doubt: func(*Group) bool { return false },
	})
	switch {
	case errors.Is(err, errNoBody):
		return c.groupOf(ctx, b, g.Name)
	case err != nil || group != nil:
		return group, err
	}
	group = w.entity()
	group.Attributes = group.Attributes.orEmpty()
	return group, nil
}

// creation is what the two kinds of entity differ in when one is created.
type creation[T any] struct {
	missing error
	read    func() (*T, error)
	same    func(there *T) bool // as what was sent
	doubt   func(there *T) bool // as far as an old server would show it
}

// create makes the call. It returns an entity where one was read: with nil, it
// is as sent and was found after a lost answer; with ErrExists, it is another.
// errNoBody: it was created, and the answer does not show it.
func create[T any](ctx context.Context, c *Client, k call, how creation[T]) (*T, error) {
	lost := false
	k.sent = new(int)
	for {
		err := c.do(ctx, k)
		if err == nil || errors.Is(err, errNoBody) {
			return nil, err
		}
		e := asError(err)
		lost = lost || e.lost
		e.ambiguous = lost
		if !lost && !errors.Is(err, k.refused) && e.Status != http.StatusConflict {
			return nil, err
		}
		there, readErr := how.read()
		switch {
		case readErr == nil && lost && how.same(there):
			return there, nil
		case readErr == nil:
			e.kind, e.ambiguous = ErrExists, lost && how.doubt(there)
			return there, e
		case !e.uncertain() || !errors.Is(readErr, how.missing) || *k.sent >= c.tries:
			return nil, err
		case !k.budget.pause(ctx):
			return nil, err
		}
	}
}

// pause waits before the next try and reports whether there was time for it.
func (b *budget) pause(ctx context.Context) bool {
	wait, ok := b.next(ctx, 0)
	if !ok {
		return false
	}
	b.spend(wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// sameAs reports whether there is what Crowd would have made of u, attributes
// aside.
func (u *User) sameAs(there *User) bool {
	if u.DisplayName != "" && !sameText(u.DisplayName, there.DisplayName) {
		return false
	}
	return Fold(u.Name) == Fold(there.Name) && u.Active == there.Active && u.Email == there.Email &&
		sameText(u.FirstName, there.FirstName) && sameText(u.LastName, there.LastName)
}

// sameAttributes reports whether there has all attributes of u.
func (u *User) sameAttributes(there *User) bool {
	for name, values := range u.Attributes {
		if !sameValues(values, there.Attributes[name]) {
			return false
		}
	}
	return true
}

// noAttributes reports whether there has none of the attributes of u.
func (u *User) noAttributes(there *User) bool {
	for name := range u.Attributes {
		if _, has := there.Attributes[name]; has {
			return false
		}
	}
	return true
}

// sameText reports whether stored is sent, or what Crowd cuts it to.
func sameText(sent, stored string) bool { return sent == stored || CutText(sent) == stored }

// sameValues compares two sets.
func sameValues(sent, stored []string) bool {
	cut := make([]string, len(sent))
	for i, value := range sent {
		cut[i] = CutText(value)
	}
	return slices.Equal(set(cut), set(stored))
}

func set(values []string) []string { return slices.Compact(slices.Sorted(slices.Values(values))) }

// CutText returns what Crowd keeps of a text, such as a user's display name or a
// value of an attribute: 252 characters and three dots where it is longer than 255.
// Characters are counted as in [MaxNameLength]; one that is two in UTF-16 is not
// cut in half.
func CutText(text string) string {
	if units(text) <= maxText {
		return text
	}
	length := 0
	for i, r := range text {
		if length += utf16.RuneLen(r); length > cutText {
			return text[:i] + "..."
		}
	}
	return text
}

// Crowd keeps texts of up to maxText characters, and cutText of longer ones.
const (
	maxText = 255
	cutText = 252
)
