package scim

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// A lookup finds, with few calls, all users that can match a filter; which of
// them do is decided by the filter.
type lookup struct {
	effort   effort
	id, name string
	query    groupsync.UserQuery
}

// effort says how much a look-up reads.
type effort int

const (
	everything effort = iota
	someUsers         // those that share a property
	fewUsers          // those that share a value nearly unique
	oneUser
)

// candidates yields the users that a look-up finds.
func (h *Handler) candidates(ctx context.Context, l lookup) iter.Seq2[*groupsync.User, error] {
	var u *groupsync.User
	var err error
	switch {
	case l.id != "":
		u, err = h.engine.User(ctx, l.id)
	case l.name != "":
		u, err = h.engine.UserByName(ctx, l.name)
	case l.effort == oneUser: // an empty id or name is nobody's
		err = groupsync.ErrNoUser
	default:
		return h.engine.Users(ctx, l.query)
	}
	return func(yield func(*groupsync.User, error) bool) {
		if !errors.Is(err, groupsync.ErrNoUser) {
			yield(u, err)
		}
	}
}

// narrow finds the look-up of least effort. A conjunction is narrowed by any of
// its terms.
func (h *Handler) narrow(e filter.Expr) lookup {
	switch e := e.(type) {
	case *filter.And:
		best := lookup{}
		for _, term := range e.Terms {
			if l := h.narrow(term); l.effort > best.effort {
				best = l
			}
		}
		return best
	case *filter.Compare:
		return h.narrowCompare(e)
	case *filter.ValuePath:
		if e.Attr.Core() && strings.EqualFold(e.Attr.Name, "emails") && e.Attr.Sub == "" {
			return narrowEmail(e.Filter)
		}
	}
	return lookup{}
}

func (h *Handler) narrowCompare(c *filter.Compare) lookup {
	if !c.Attr.Core() {
		return lookup{}
	}
	text, isText := comparedText(c)
	attr := strings.ToLower(filter.Attr{Name: c.Attr.Name, Sub: c.Attr.Sub}.String())
	switch {
	case attr == "active" && c.Op == filter.Equal && plain(h.attributes, "active", "active"):
		if active, ok := c.Value.(bool); ok {
			return lookup{effort: someUsers, query: groupsync.UserQuery{Where: crowd.IsActive(active)}}
		}
	case !isText || text == "":
	case attr == "username" && plain(h.attributes, "username", "userName"):
		return narrowName(c.Op, text)
	case c.Op != filter.Equal:
	case attr == "id":
		return lookup{effort: oneUser, id: text}
	case attr == "externalid":
		return lookup{effort: fewUsers, query: groupsync.UserQuery{ExternalID: text}}
	case attr == "emails" || attr == "emails.value":
		return lookup{effort: fewUsers, query: groupsync.UserQuery{Email: text}}
	}
	return lookup{}
}

// comparedText returns the text that an attribute is compared with; 4711 without
// quotes may be one.
func comparedText(c *filter.Compare) (string, bool) {
	if n, ok := c.Value.(json.Number); ok && c.Bare {
		return n.String(), true
	}
	text, ok := c.Value.(string)
	return text, ok
}

// plain reports whether a Crowd field is nothing but a SCIM attribute.
func plain(m *mapping.AttributeMap, field, attribute string) bool {
	row, ok := m.Row(field)
	return ok && row.Expr == "" && len(row.From) == 1 && strings.EqualFold(row.From[0], attribute)
}

// narrowName narrows by user name. Crowd takes "*" for a wildcard in searches.
func narrowName(op filter.Op, text string) lookup {
	if op == filter.Equal {
		return lookup{effort: oneUser, name: text}
	}
	if strings.ContainsAny(text, `*\`) {
		return lookup{}
	}
	switch op {
	case filter.StartsWith:
		return lookup{effort: someUsers, query: groupsync.UserQuery{Where: crowd.StartsWith(crowd.PropertyName, text)}}
	case filter.Contains:
		return lookup{effort: someUsers, query: groupsync.UserQuery{Where: crowd.Contains(crowd.PropertyName, text)}}
	}
	return lookup{}
}

// narrowEmail narrows by the filter inside emails[...].
func narrowEmail(e filter.Expr) lookup {
	switch e := e.(type) {
	case *filter.And:
		for _, term := range e.Terms {
			if l := narrowEmail(term); l.effort > everything {
				return l
			}
		}
	case *filter.Compare:
		text, ok := comparedText(e)
		if ok && text != "" && e.Op == filter.Equal && strings.EqualFold(e.Attr.String(), "value") {
			return lookup{effort: fewUsers, query: groupsync.UserQuery{Email: text}}
		}
	}
	return lookup{}
}
