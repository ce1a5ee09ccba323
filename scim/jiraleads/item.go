package jiraleads

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// What both products have, below the path of their version of the API.

// notFound reports whether Jira says that it does not have what was asked for. That a
// proxy knows no such page says nothing.
func notFound(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == http.StatusNotFound && e.own
}

func each(items []item, f func(item) error) error {
	for _, it := range items {
		if err := f(it); err != nil {
			return err
		}
	}
	return nil
}

// readItem reads a project or a component by its id, nil where it is gone.
func (c *client) readItem(ctx context.Context, api, kind, id string) (*item, error) {
	k := call{op: "read " + kind, name: id, path: api + kind + "/" + url.PathEscape(id)}
	var it item
	var err error
	if kind == componentKind {
		var b componentBean
		k.read = decode(&b)
		if err = c.do(ctx, k); err == nil {
			it, err = b.item()
		}
	} else {
		var b projectBean
		k.read = decode(&b)
		if err = c.do(ctx, k); err == nil {
			it, err = b.item()
		}
	}
	switch {
	case notFound(err):
		return nil, nil
	case err == nil && it.id != id:
		err = &Error{Op: k.op, Name: id, Err: errors.New("the answer is about another one")}
	}
	return &it, err
}

// amongAssignable looks for an account among those that can be assigned issues of a
// project.
func (c *client) amongAssignable(ctx context.Context, api string, query url.Values, a *account) (bool, error) {
	found := false
	err := c.do(ctx, call{
		op: "find assignable users of project", name: query.Get("project"), path: api + "user/assignable/search", query: query, whole: true,
		read: decodeList(func(b account) error {
			found = found || b.id() == a.id()
			return nil
		}),
	})
	return found, err
}

// has asks whether the caller has a global permission, such as ADMINISTER.
func (c *client) has(ctx context.Context, api, permission string) (bool, error) {
	var answer struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	err := c.do(ctx, call{
		op: "read own permissions", path: api + "mypermissions", query: url.Values{"permissions": {permission}}, read: decode(&answer),
	})
	return answer.Permissions[permission].Have, err
}
