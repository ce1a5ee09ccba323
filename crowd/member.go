package crowd

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
)

// membership is one of the two kinds of edge that end in a group.
type membership struct {
	kind      string // as the resource spells it, below "group"
	parameter string // that names the lower end
	missing   error  // of the lower end
}

func userMembership() membership { return membership{"user", "username", ErrUserNotFound} }

func childMembership() membership {
	return membership{"child-group", "child-groupname", ErrGroupNotFound}
}

// AddMember puts a user into a group, directly. A user who is in it already is
// no error, and no change. The call is repeated while its answer is lost;
// whoever made the membership then, it is reported as a change.
//
// Resource: POST group/user/direct.
func (c *Client) AddMember(ctx context.Context, group, user string) (changed bool, err error) {
	return c.join(ctx, userMembership(), "add member", group, user)
}

// RemoveMember takes a user out of a group, if directly in it. A user who is
// not is no error, and no change; an unknown user or group is an error. A lost
// answer is treated as by [Client.AddMember].
//
// Resource: DELETE group/user/direct.
func (c *Client) RemoveMember(ctx context.Context, group, user string) (changed bool, err error) {
	return c.leave(ctx, userMembership(), "remove member", group, user)
}

// IsMember reports whether a user is in a group: directly, or, if nested, also
// through other groups. Nobody is in an unknown group, and an unknown user in
// none.
//
// Resource: GET group/user/direct or nested.
func (c *Client) IsMember(ctx context.Context, group, user string, nested bool) (bool, error) {
	return c.isIn(ctx, userMembership(), "read member", group, user, nested)
}

// AddChildGroup puts a group into another, directly; otherwise it is as
// [Client.AddMember]. Where the directory has nested groups switched off the
// error matches [ErrNestedGroups].
//
// Resource: POST group/child-group/direct.
func (c *Client) AddChildGroup(ctx context.Context, parent, child string) (changed bool, err error) {
	return c.join(ctx, childMembership(), "add child group", parent, child)
}

// RemoveChildGroup takes a group out of another, as [Client.RemoveMember].
//
// Resource: DELETE group/child-group/direct.
func (c *Client) RemoveChildGroup(ctx context.Context, parent, child string) (changed bool, err error) {
	return c.leave(ctx, childMembership(), "remove child group", parent, child)
}

// IsChildGroup reports whether a group is in another, as [Client.IsMember].
//
// Resource: GET group/child-group/direct or nested.
func (c *Client) IsChildGroup(ctx context.Context, parent, child string, nested bool) (bool, error) {
	return c.isIn(ctx, childMembership(), "read child group", parent, child, nested)
}

// checkEnds refuses names that no group and no lower end can have.
func (m membership) checkEnds(op, what, group, lower string) error {
	if err := checkExisting(op, what, group, ErrGroupNotFound); err != nil {
		return err
	}
	return checkExisting(op, what, lower, m.missing)
}

func (c *Client) join(ctx context.Context, m membership, op, group, lower string) (bool, error) {
	what := lower + " to " + group
	if err := m.checkEnds(op, what, group, lower); err != nil {
		return false, err
	}
	err := c.do(ctx, call{
		op: op, name: what,
		method: http.MethodPost, resource: "group/" + m.kind + "/direct",
		params: url.Values{"groupname": {group}},
		body:   nameWire{lower},
		repeat: true, missing: ErrGroupNotFound,
	})
	if e := asError(err); e.Status == http.StatusConflict || e.Reason == "MEMBERSHIP_ALREADY_EXISTS" {
		return e.lost, nil
	}
	return err == nil, err
}

func (c *Client) leave(ctx context.Context, m membership, op, group, lower string) (bool, error) {
	what := lower + " from " + group
	if err := m.checkEnds(op, what, group, lower); err != nil {
		return false, err
	}
	err := c.do(ctx, call{
		op: op, name: what,
		method: http.MethodDelete, resource: "group/" + m.kind + "/direct",
		params: url.Values{"groupname": {group}, m.parameter: {lower}},
		repeat: true, missing: ErrMembershipNotFound,
	})
	if errors.Is(err, ErrMembershipNotFound) {
		return asError(err).lost, nil
	}
	return err == nil, err
}

func (c *Client) isIn(ctx context.Context, m membership, op, group, lower string, nested bool) (bool, error) {
	what := lower + " in " + group
	if m.checkEnds(op, what, group, lower) != nil {
		return false, nil
	}
	err := c.do(ctx, call{
		op: op, name: what,
		method: http.MethodGet, resource: "group/" + m.kind + "/" + depth(nested),
		params: url.Values{"groupname": {group}, m.parameter: {lower}},
		repeat: true, missing: ErrMembershipNotFound,
		read: func(r *http.Response) error {
			var w struct { // a user or a group; only that it is there matters
				Name string `json:"name" xml:"name,attr"`
			}
			return named(into(&w)(r), &w.Name)
		},
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func depth(nested bool) string {
	if nested {
		return "nested"
	}
	return "direct"
}

// List says which part of a list of members, and how much of each, is wanted.
// The zero value is the names of all direct ones.
type List struct {
	Nested     bool   // those through other groups too
	Detail     Detail // default Names
	Start, Max int    // offset, and how many at most; Max 0 means all
	PageSize   int    // entries of one request; default 1000
	// Ahead and Expect are as in [Query].
	Ahead, Expect int
}

// Members returns the users in a group, in no promised order. Servers of 2.8
// list an unknown group as an empty one.
//
// An iterator fetches pages on demand and ends after an error. The list is no
// snapshot: what changes meanwhile may be missed or come twice. Without
// [Query.Ahead] others may be missed too, one for each entry that goes while pages
// are read; with it that is noticed and mended where the server keeps an order.
//
// Resource: GET group/user/direct or nested.
func (c *Client) Members(ctx context.Context, group string, q List) iter.Seq2[*User, error] {
	k := call{
		op: "list members", name: group, resource: "group/user/" + depth(q.Nested),
		params: url.Values{"groupname": {group}}, missing: ErrGroupNotFound,
	}
	return listUsers(ctx, c, k, q.paging())
}

// GroupsOf returns the groups a user is in, as [Client.Members].
//
// Resource: GET user/group/direct or nested.
func (c *Client) GroupsOf(ctx context.Context, user string, q List) iter.Seq2[*Group, error] {
	k := call{
		op: "list groups of user", name: user, resource: "user/group/" + depth(q.Nested),
		params: url.Values{"username": {user}}, missing: ErrUserNotFound,
	}
	return listGroups(ctx, c, k, q.paging())
}

// ChildGroups returns the groups in a group, as [Client.Members].
//
// Resource: GET group/child-group/direct or nested.
func (c *Client) ChildGroups(ctx context.Context, group string, q List) iter.Seq2[*Group, error] {
	k := call{
		op: "list child groups", name: group, resource: "group/child-group/" + depth(q.Nested),
		params: url.Values{"groupname": {group}}, missing: ErrGroupNotFound,
	}
	return listGroups(ctx, c, k, q.paging())
}

// ParentGroups returns the groups that a group is in, as [Client.Members].
//
// Resource: GET group/parent-group/direct or nested.
func (c *Client) ParentGroups(ctx context.Context, group string, q List) iter.Seq2[*Group, error] {
	k := call{
		op: "list parent groups", name: group, resource: "group/parent-group/" + depth(q.Nested),
		params: url.Values{"groupname": {group}}, missing: ErrGroupNotFound,
	}
	return listGroups(ctx, c, k, q.paging())
}

func (q List) paging() paging {
	return paging{start: q.Start, max: q.Max, size: q.PageSize, ahead: q.Ahead, expect: q.Expect, detail: q.Detail}
}
