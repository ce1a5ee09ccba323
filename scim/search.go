package scim

import (
	"context"
	"errors"
	"net/http"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// searchAllByQuery serves GET on the base URL (RFC 7644 section 3.4.2.1).
func (h *Handler) searchAllByQuery(x *exchange) error {
	q, err := h.query(x, h.types()...)
	if err != nil {
		return err
	}
	return h.findAll(x, q)
}

// searchAll serves POST /.search (RFC 7644 section 3.4.3).
func (h *Handler) searchAll(x *exchange) error {
	q, err := h.searchQuery(x, h.types()...)
	if err != nil {
		return err
	}
	return h.findAll(x, q)
}

// findAll lists users, then groups, but none of a type of which the filter can
// hold of no resource.
func (h *Handler) findAll(x *exchange, q *query) error {
	ctx := x.context()
	p, err := h.cut(q, func(yield func(entry, error) bool) {
		users := func(ctx context.Context) source { return h.usersMatching(ctx, q) }
		groups := func(ctx context.Context) source { return h.groupsMatching(ctx, q) }
		for i, part := range []func(context.Context) source{users, groups} {
			if !satisfiable(q.filter, h.types()[i]) {
				continue
			}
			for e, err := range part(ctx) {
				e.key = string(rune('0'+i)) + e.key
				if !yield(e, err) {
					return
				}
			}
		}
	})
	if err != nil {
		return err
	}
	return h.sendList(x, q, p)
}

// me serves /Me as the user a token is bound to (RFC 7644 section 3.11).
func (h *Handler) me(run operation) operation {
	return func(x *exchange) error {
		if x.principal.User == "" || run == nil {
			return &failure{status: http.StatusNotImplemented, detail: "/Me: the token is not bound to a user; use /Users"}
		}
		u, err := h.engine.UserByName(x.context(), x.principal.User)
		if errors.Is(err, groupsync.ErrNoUser) {
			return &failure{status: http.StatusNotFound, detail: "/Me: the user this token is bound to does not exist"}
		}
		if err != nil {
			return err
		}
		x.id, x.alias = u.ID, h.location("Users", u.ID)
		x.w.Header().Set("Location", x.alias)
		return run(x)
	}
}
