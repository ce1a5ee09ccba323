package scim

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// listUsers serves GET /Users.
func (h *Handler) listUsers(x *exchange) error {
	q, err := h.query(x, h.user)
	if err != nil {
		return err
	}
	return h.findUsers(x, q)
}

// searchUsers serves POST /Users/.search.
func (h *Handler) searchUsers(x *exchange) error {
	q, err := h.searchQuery(x, h.user)
	if err != nil {
		return err
	}
	return h.findUsers(x, q)
}

func (h *Handler) findUsers(x *exchange, q *query) error {
	var p *page
	var err error
	if q.whole() && !q.byCursor {
		p, err = h.userPage(x.context(), q)
	} else {
		p, err = h.cut(q, h.usersMatching(x.context(), q))
	}
	if err != nil {
		return err
	}
	if q.whole() && p.total == unknown {
		if p.total, err = h.totals.count(x.context(), q.cursor == "", h.engine.CountUsers); err != nil {
			return err
		}
	}
	return h.sendList(x, q, p)
}

// userPage returns a page of all users. Crowd gives it and the total at the
// same time.
func (h *Handler) userPage(ctx context.Context, q *query) (*page, error) {
	p := &page{start: q.start}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		p.total, err = h.totals.count(ctx, q.start == 1, h.engine.CountUsers)
		return err
	})
	if q.count > 0 {
		g.Go(func() error {
			for u, err := range h.engine.Users(ctx, groupsync.UserQuery{Start: q.start - 1, Max: q.count}) {
				if err != nil {
					return err
				}
				p.entries = append(p.entries, h.userEntry(u))
			}
			return nil
		})
	}
	err := g.Wait()
	if n := len(p.entries); n > 0 { // one may have come since the count
		p.total = max(p.total, q.start-1+n)
	}
	return p, err
}

func (h *Handler) userEntry(u *groupsync.User) entry {
	return entry{doc: h.userDoc(u), typ: h.user, key: crowd.Fold(u.Crowd.Name)}
}

// usersMatching yields the users that match a query. What Crowd can narrow down
// is asked of Crowd; the filter is held against every user that comes all the
// same, so that the answer never depends on Crowd's notion of equality.
func (h *Handler) usersMatching(ctx context.Context, q *query) source {
	return matching(q, func(yield func(entry, error) bool) {
		for u, err := range h.candidates(ctx, h.narrow(q.filter)) {
			if err != nil {
				yield(entry{}, err)
				return
			}
			if !yield(h.userEntry(u), nil) {
				return
			}
		}
	})
}
