package crowdtest

import (
	"bytes"
	"iter"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/query"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

func search(x *exchange) (*reply, error) {
	p, err := x.page()
	if err != nil {
		return nil, err
	}
	switch kind := strings.ToLower(x.params.get("entity-type")); kind {
	case "user":
		n, err := x.restriction("name", "email", "firstName", "lastName", "displayName")
		if err != nil {
			return nil, err
		}
		return x.foundUsers(n, p)
	case "group":
		n, err := x.restriction("name")
		if err != nil {
			return nil, err
		}
		return x.foundGroups(n, p)
	default:
		return nil, x.illegal("The entity-type is user or group")
	}
}

// restriction reads what a search asks for: from the body if there is one, or
// else from the query.
func (x *exchange) restriction(texts ...string) (query.Node, error) {
	schema := query.Schema{
		Texts: texts, ByCase: x.opts.SearchByCase, NoCustom: x.opts.NoAttributeSearch, Ordered: x.opts.OrderedText,
		Attribute: x.attributeName, Narrow: x.opts.NarrowSearch,
	}
	if x.method == "POST" && len(bytes.TrimSpace(x.body)) > 0 {
		return x.bodyRestriction(schema)
	}
	cql := x.params.get("restriction")
	if x.opts.NoCQL && cql != "" {
		return nil, x.illegal("This version knows no query language")
	}
	n, err := query.ParseCQL(cql, schema)
	if err != nil {
		return nil, x.illegal("The restriction cannot be read: %v", err)
	}
	return n, nil
}

func (x *exchange) bodyRestriction(schema query.Schema) (query.Node, error) {
	var in query.Body
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	n, err := in.Node(schema)
	if err != nil {
		return nil, x.illegal("The restriction cannot be read: %v", err)
	}
	return n, nil
}

func isAll(n query.Node) bool {
	_, all := n.(query.All)
	return all
}

func (x *exchange) foundUsers(n query.Node, p page) (*reply, error) {
	if len(x.dirs) == 1 && isAll(n) && !x.opts.HideInactive {
		return x.filledUsers(pageOf(x.opts, x.dirs[0].contents.Users(), p))
	}
	var seqs []iter.Seq[*store.User]
	for i, m := range x.dirs {
		seqs = append(seqs, filter(m.contents.SearchUsers(n), func(u *store.User) bool {
			return !x.masks(i, u.Folded) && (u.Active || !x.opts.HideInactive)
		}))
	}
	return x.filledUsers(take(x.opts, merge(seqs), p))
}

func (x *exchange) foundGroups(n query.Node, p page) (*reply, error) {
	if len(x.dirs) == 1 && isAll(n) {
		return x.filledGroups(pageOf(x.opts, x.dirs[0].contents.Groups(), p))
	}
	var seqs []iter.Seq[*store.Group]
	for i, m := range x.dirs {
		seqs = append(seqs, filter(m.contents.SearchGroups(n), func(g *store.Group) bool {
			return !x.masksGroup(i, g.Folded)
		}))
	}
	return x.filledGroups(take(x.opts, merge(seqs), p))
}

func (x *exchange) masksGroup(i int, name string) bool {
	for _, m := range x.dirs[:i] {
		if m.contents.Group(name) != nil {
			return true
		}
	}
	return false
}

// filledUsers answers with users and, where they are shown whole and the
// options do not forbid it, their attributes.
func (x *exchange) filledUsers(users iter.Seq[*store.User]) (*reply, error) {
	fill := x.expands("user") && !x.opts.SearchOmitsAttributes
	var views []userView
	for u := range users {
		views = append(views, viewUser(u, fill))
	}
	return x.userList(views)
}

func (x *exchange) filledGroups(groups iter.Seq[*store.Group]) (*reply, error) {
	fill := x.expands("group") && !x.opts.SearchOmitsAttributes
	var views []groupView
	for g := range groups {
		views = append(views, viewGroup(g, fill))
	}
	return x.groupList(views)
}
