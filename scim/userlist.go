package scim

import (
	"context"

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
	p, err := h.pageOfUsers(x.context(), q)
	if err != nil {
		return err
	}
	return h.sendList(x, q, p)
}

func (h *Handler) pageOfUsers(ctx context.Context, q *query) (*page, error) {
	switch {
	case !q.whole():
		return h.cut(q, h.usersMatching(ctx, q))
	case q.byCursor:
		return h.usersByCursor(ctx, q)
	}
	return h.usersByIndex(ctx, q)
}

// usersByIndex returns a page of all users. Where it ends the list the total is
// plain from it; only else is Crowd made to list all names.
func (h *Handler) usersByIndex(ctx context.Context, q *query) (*page, error) {
	p := &page{start: q.start}
	before := q.start - 1
	places, err := h.places(ctx, before, q.count)
	if err != nil {
		return nil, err
	}
	if q.count > 0 && (places == nil || before < places.Total) {
		if p.entries, err = h.readUsers(ctx, before, q.count, places); err != nil {
			return nil, err
		}
	}
	n := len(p.entries)
	if n < q.count && (n > 0 || before == 0) {
		p.total = before + n
		return p, nil
	}
	c, err := h.census.get(ctx, before == 0)
	p.total = c.Total
	if shown := before + n; n > 0 && shown < c.Total {
		p.next = q.cursorAfter(p.entries[n-1], shown)
	} else if n > 0 {
		p.total = shown // one may have come since the census
	}
	return p, err
}

// readThrough is how many users are rather read than passed over.
const readThrough = 1000

// places returns the census by which Crowd passes over the users in front of a
// page, nil where they are read.
func (h *Handler) places(ctx context.Context, before, count int) (*groupsync.Census, error) {
	c, ok := h.census.known()
	if before == 0 || (!ok && before <= readThrough-count) {
		return nil, nil
	}
	c, err := h.census.get(ctx, false)
	return &c, err
}

// readUsers reads as many users, after as many others.
func (h *Handler) readUsers(ctx context.Context, before, count int, places *groupsync.Census) ([]entry, error) {
	var entries []entry
	for u, err := range h.engine.Users(ctx, groupsync.UserQuery{Start: before, Max: count, Census: places}) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, h.userEntry(u))
	}
	return entries, nil
}

// usersByCursor returns the page that comes after the cursor's position.
func (h *Handler) usersByCursor(ctx context.Context, q *query) (*page, error) {
	p, err := h.usersFrom(ctx, q, q.after)
	if err != nil {
		return nil, err
	}
	if p == nil {
		if p, err = h.cut(q, h.usersMatching(ctx, q)); err != nil {
			return nil, err
		}
	}
	if p.total == unknown {
		c, err := h.census.get(ctx, q.after == nil)
		if err != nil {
			return nil, err
		}
		p.total = c.Total
	}
	return p, nil
}

// usersFrom returns the page after a position if it is where it was when the
// cursor was made, nil if users in front of it have come or gone.
func (h *Handler) usersFrom(ctx context.Context, q *query, at *position) (*page, error) {
	before, given := 0, 0 // users that precede what is read, and that the client was given of that
	if at != nil && at.At > 0 {
		before, given = at.At-1, 1
	} else if at != nil || q.count == 0 {
		return nil, nil
	}
	places, _ := h.census.known()
	entries, err := h.readUsers(ctx, before, given+q.count+1, &places) // one more tells whether a page follows
	if err != nil {
		return nil, err
	}
	if given == 1 && (len(entries) == 0 || entries[0].key != at.Key) {
		return nil, nil
	}
	p := &page{entries: entries[given:], start: 1, cursor: true}
	p.total = before + len(entries)
	if len(p.entries) > q.count {
		p.entries, p.total = p.entries[:q.count], unknown
	}
	if n := len(p.entries); p.total == unknown && n > 0 {
		p.next = q.cursorAfter(p.entries[n-1], before+given+n)
	}
	return p, nil
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
