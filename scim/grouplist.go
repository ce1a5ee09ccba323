package scim

import (
	"context"
	"errors"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// listGroups serves GET /Groups.
func (h *Handler) listGroups(x *exchange) error {
	q, err := h.query(x, h.group)
	if err != nil {
		return err
	}
	return h.findGroups(x, q)
}

// searchGroups serves POST /Groups/.search.
func (h *Handler) searchGroups(x *exchange) error {
	q, err := h.searchQuery(x, h.group)
	if err != nil {
		return err
	}
	return h.findGroups(x, q)
}

func (h *Handler) findGroups(x *exchange, q *query) error {
	p, err := h.cut(q, h.groupsMatching(x.context(), q))
	if err != nil {
		return err
	}
	return h.sendList(x, q, p)
}

// groupKey is a group's place in a list.
func groupKey(g *groupsync.Group) string { return crowd.Fold(g.Name) + "\x00" + g.ID }

// groupsMatching yields the groups that match a query. Members are loaded only
// where the filter speaks of them.
func (h *Handler) groupsMatching(ctx context.Context, q *query) source {
	shown, asked := q.showsMembers(), mentions(q.filter, "members")
	return func(yield func(entry, error) bool) {
		groups, err := h.candidateGroups(ctx, q.filter)
		if err != nil {
			yield(entry{}, err)
			return
		}
		for i := range groups {
			g := &groups[i]
			ok, err := h.groupMatches(ctx, q.filter, g, asked)
			if err != nil {
				yield(entry{}, err)
				return
			}
			if ok && !yield(h.groupEntry(g, shown), nil) {
				return
			}
		}
	}
}

// candidateGroups returns all groups that can match a filter, by folded name.
func (h *Handler) candidateGroups(ctx context.Context, e filter.Expr) ([]groupsync.Group, error) {
	var one *groupsync.Group
	var err error
	switch attr, value := keyTerm(e); attr {
	case "id":
		one, err = h.engine.Group(ctx, value)
	case "displayname":
		one, err = h.engine.GroupByName(ctx, value)
	default:
		return h.engine.Groups(ctx)
	}
	if errors.Is(err, groupsync.ErrNoGroup) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []groupsync.Group{*one}, nil
}

// keyTerm finds a comparison that one group at most fulfils: of the filter
// itself, or of a conjunction's term.
func keyTerm(e filter.Expr) (attr, value string) {
	switch e := e.(type) {
	case *filter.And:
		for _, term := range e.Terms {
			if attr, value = keyTerm(term); attr != "" {
				return attr, value
			}
		}
	case *filter.Compare:
		text, ok := comparedText(e)
		name := strings.ToLower(e.Attr.Name)
		if ok && e.Op == filter.Equal && e.Attr.Core() && e.Attr.Sub == "" && (name == "id" || name == "displayname") {
			return name, text
		}
	}
	return "", ""
}

// groupMatches holds a filter against a group.
func (h *Handler) groupMatches(ctx context.Context, e filter.Expr, g *groupsync.Group, members bool) (bool, error) {
	if e == nil {
		return true, nil
	}
	doc := h.groupDoc(g)
	if members {
		if matched, ok := h.matchWithout(e, doc); ok {
			return matched, nil
		}
		if err := h.loadMembers(ctx, e, g, doc); err != nil {
			return false, err
		}
	}
	return filter.Match(e, doc, h.group), nil
}

// matchWithout decides a conjunction without the members where another term
// rules the group out already.
func (h *Handler) matchWithout(e filter.Expr, doc map[string]any) (matched, ok bool) {
	and, isAnd := e.(*filter.And)
	if !isAnd {
		return false, false
	}
	for _, term := range and.Terms {
		if !mentions(term, "members") && !filter.Match(term, doc, h.group) {
			return false, true
		}
	}
	return false, false
}

const mostFilterMembers = 20000

// loadMembers puts members into a group for a filter to be held against. Where
// the filter asks for certain values only, no others are kept, but one for "pr".
func (h *Handler) loadMembers(ctx context.Context, e filter.Expr, g *groupsync.Group, doc map[string]any) error {
	wanted, certain := memberValues(e)
	var members []any
	for m, err := range h.engine.Members(ctx, g) {
		if err != nil {
			return err
		}
		if certain && len(members) > 0 && !wanted[m.ID] {
			continue
		}
		if len(members) == mostFilterMembers {
			return refuse(tooMany, "filter: a group has too many members to compare all; ask for members by value and eq")
		}
		members = append(members, h.memberValue(m))
	}
	if members != nil {
		doc["members"] = members
	}
	return nil
}

// memberValues returns the values that a filter compares members with, and
// whether it does nothing else with them.
func memberValues(e filter.Expr) (values map[string]bool, certain bool) {
	values, certain = map[string]bool{}, true
	walk(e, func(c *filter.Compare, outer string) {
		attr := strings.ToLower(filter.Attr{Name: c.Attr.Name, Sub: c.Attr.Sub}.String())
		if outer != "" {
			attr = outer + "." + attr
		}
		if !strings.HasPrefix(attr, "members") || c.Op == filter.Present {
			return
		}
		text, ok := comparedText(c)
		if !ok || c.Op != filter.Equal || (attr != "members" && attr != "members.value") {
			certain = false
		}
		values[text] = true
	})
	return values, certain
}

// mentions reports whether a filter speaks of an attribute.
func mentions(e filter.Expr, attribute string) bool {
	found := false
	walk(e, func(c *filter.Compare, outer string) {
		found = found || (outer == "" && strings.EqualFold(c.Attr.Name, attribute)) || outer == attribute
	})
	return found
}

// walk visits all comparisons of a filter, each with the attribute, in lower
// case, whose values it chooses among, if it stands in brackets.
func walk(e filter.Expr, visit func(c *filter.Compare, outer string)) {
	var step func(e filter.Expr, outer string)
	step = func(e filter.Expr, outer string) {
		switch e := e.(type) {
		case *filter.And:
			for _, term := range e.Terms {
				step(term, outer)
			}
		case *filter.Or:
			for _, term := range e.Terms {
				step(term, outer)
			}
		case *filter.Not:
			step(e.Term, outer)
		case *filter.ValuePath:
			step(e.Filter, strings.ToLower(e.Attr.Name))
		case *filter.Compare:
			visit(e, outer)
		}
	}
	step(e, "")
}
