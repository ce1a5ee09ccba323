package scim

import (
	"iter"
	"net/http"
	"slices"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// An entry is one resource of a list.
type entry struct {
	doc map[string]any
	typ *resource.Type
	// members is the group whose members the answer shows, nil for none. They
	// are not in doc: there may be more of them than memory should hold.
	members *groupsync.Group
	key     string // its place in the list's order
}

// A source yields all resources of a query, in the list's order.
type source = iter.Seq2[entry, error]

// A page is the part of a list that an answer shows.
type page struct {
	entries []entry
	total   int
	start   int
	next    string // cursor of the next page
	cursor  bool   // the client pages by cursor
}

// unknown stands for a total that would take a walk over everything to find.
const unknown = -1

// cut takes the page that a query asks for out of what a source yields, and
// counts the rest. A page by cursor is not counted where that would mean to go
// through all that follows it; RFC 9865 section 2 lets the total be left out.
func (h *Handler) cut(q *query, all source) (*page, error) {
	if q.sortBy != nil {
		var err error
		if all, err = h.sorted(q, all); err != nil {
			return nil, err
		}
	}
	p := &page{start: q.start, cursor: q.byCursor}
	for e, err := range all {
		if err != nil {
			return nil, err
		}
		p.total++
		switch {
		case p.total < q.start || q.after.passed(q, e):
		case len(p.entries) < q.count:
			p.entries = append(p.entries, e)
		case q.count > 0:
			if p.next == "" {
				p.next = q.cursorAfter(p.entries[len(p.entries)-1], 0)
			}
			if q.byCursor && q.sortBy == nil {
				p.total = unknown
				return p, nil
			}
		}
	}
	return p, nil
}

// sorted returns a source in the order the client asks for. Resources without
// the attribute come last, or first in descending order (RFC 7644 section
// 3.4.2.3); equal ones keep the list's own order.
func (h *Handler) sorted(q *query, all source) (source, error) {
	type keyed struct {
		entry
		key resource.Key
	}
	var entries []keyed
	for e, err := range all {
		if err != nil {
			return nil, err
		}
		if len(entries) == h.limits.Sort {
			return nil, refuse(tooMany, "sortBy: too many resources to sort; narrow the filter")
		}
		entries = append(entries, keyed{e, e.typ.Key(e.doc, *q.sortBy)})
	}
	slices.SortStableFunc(entries, func(a, b keyed) int {
		if q.descending {
			return b.key.Compare(a.key)
		}
		return a.key.Compare(b.key)
	})
	return func(yield func(entry, error) bool) {
		for _, e := range entries {
			if !yield(e.entry, nil) {
				return
			}
		}
	}, nil
}

// matching passes on what matches the query's filter.
func matching(q *query, all source) source {
	if q.filter == nil {
		return all
	}
	return func(yield func(entry, error) bool) {
		for e, err := range all {
			if err == nil && !filter.Match(q.filter, e.doc, e.typ) {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

const listSchema = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// sendList answers with a page (RFC 7644 section 3.4.2, RFC 9865 section 2). A
// client that has not said by which method it pages may go on by either.
func (h *Handler) sendList(x *exchange, q *query, p *page) error {
	s := &stream{x: x, status: http.StatusOK}
	s.raw(`{"schemas":["` + listSchema + `"],"itemsPerPage":`)
	s.value(len(p.entries))
	if p.total != unknown {
		s.raw(`,"totalResults":`)
		s.value(p.total)
	}
	if !p.cursor {
		s.raw(`,"startIndex":`)
		s.value(p.start)
	}
	if p.next != "" && !q.byIndex {
		s.raw(`,"nextCursor":`)
		s.value(p.next)
	}
	s.raw(`,"Resources":[`)
	if err := h.sendEntries(s, q, p.entries); err != nil {
		return err
	}
	s.raw(`]}`)
	return s.end()
}

func (h *Handler) sendEntries(s *stream, q *query, entries []entry) error {
	members := h.fetchMembers(s.x.context(), entries)
	defer members.stop()
	for i, e := range entries {
		if i > 0 {
			s.raw(",")
		}
		if err := h.sendEntry(s, q, e, members.at(i)); err != nil {
			return err
		}
		if err := s.spill(); err != nil {
			return err
		}
	}
	return nil
}
