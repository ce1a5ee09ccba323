package scim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// A query is what a client wants to read: which resources, which part of them
// and in which order (RFC 7644 section 3.4.2).
type query struct {
	over                 kinds
	filter               filter.Expr // nil: everything
	attributes, excluded []filter.Path
	shown                map[*resource.Type]*resource.Projection
	sortBy               *filter.Path
	descending           bool
	start                int // from 1
	count                int // 0: totals only
	cursor               string
	byCursor             bool
	after                *position // the cursor's, nil for the beginning
	byIndex              bool      // it names a startIndex
}

// whole reports whether the query neither filters nor sorts.
func (q *query) whole() bool { return q.filter == nil && q.sortBy == nil }

// The parameters of a query, as they are named in a URL and in a SearchRequest.
const (
	paramAttributes = "attributes"
	paramExcluded   = "excludedAttributes"
	paramFilter     = "filter"
	paramSortBy     = "sortBy"
	paramSortOrder  = "sortOrder"
	paramStart      = "startIndex"
	paramCount      = "count"
	paramCursor     = "cursor"
)

func paramNames() []string {
	return []string{
		paramAttributes, paramExcluded, paramFilter, paramSortBy,
		paramSortOrder, paramStart, paramCount, paramCursor,
	}
}

// parameters gathers the known parameters of a URL. Others are ignored, as
// identity providers add some. A repeated one is refused: which is meant cannot
// be known.
func parameters(params []param) (map[string]string, error) {
	found := map[string]string{}
	for _, p := range params {
		i := slices.IndexFunc(paramNames(), func(name string) bool { return strings.EqualFold(name, p.name) })
		if i < 0 {
			continue
		}
		name := paramNames()[i]
		if earlier, repeated := found[name]; repeated {
			if name != paramAttributes && name != paramExcluded {
				return nil, refuse(invalidValue, name+": the parameter is given more than once")
			}
			p.value = earlier + "," + p.value
		}
		found[name] = p.value
	}
	return found, nil
}

// query reads the query of a list request.
func (h *Handler) query(x *exchange, reads ...*resource.Type) (*query, error) {
	given, err := parameters(x.query)
	if err != nil {
		return nil, err
	}
	return h.parseQuery(given, reads...)
}

// projection reads attributes and excludedAttributes, which every request may
// have (RFC 7644 section 3.9).
func (h *Handler) projection(x *exchange) (*query, error) {
	given, err := parameters(x.query)
	if err != nil {
		return nil, err
	}
	q := &query{}
	return q, h.project(q, given)
}

func (h *Handler) parseQuery(given map[string]string, reads ...*resource.Type) (*query, error) {
	q := &query{start: 1, count: h.limits.Page, over: reads}
	if err := h.project(q, given); err != nil {
		return nil, err
	}
	if err := q.page(given, h.limits.Page); err != nil {
		return nil, err
	}
	if text, ok := given[paramFilter]; ok && (text != "" || !h.traits.leniency.Blanks) {
		e, err := filter.ParseLenient(text, filter.Lenience{BareValues: h.traits.bareValues})
		if err != nil {
			return nil, err
		}
		q.filter = e
		if err := filter.Check(e, q.over); err != nil {
			return nil, err
		}
	}
	if text := given[paramSortBy]; text != "" {
		if err := q.sort(text, given[paramSortOrder], reads); err != nil {
			return nil, err
		}
	}
	var err error
	q.after, err = q.position()
	return q, err
}

// kinds are the resource types that a query goes over. As a schema they have
// what any of them has: to the others it is an attribute without value
// (RFC 7644 section 3.4.2.1).
type kinds []*resource.Type

// Lookup implements [filter.Schema].
func (k kinds) Lookup(urn, name string) (filter.AttrInfo, bool) {
	for _, t := range k {
		if info, ok := t.Lookup(urn, name); ok {
			return info, true
		}
	}
	return filter.AttrInfo{}, false
}

// satisfiable reports whether a filter can hold of a resource of the type, to
// which attributes that its schema has not are without value.
func satisfiable(e filter.Expr, t *resource.Type) bool {
	can := func(term filter.Expr) bool { return satisfiable(term, t) }
	switch e := e.(type) {
	case *filter.And:
		return !slices.ContainsFunc(e.Terms, func(term filter.Expr) bool { return !can(term) })
	case *filter.Or:
		return slices.ContainsFunc(e.Terms, can)
	case *filter.ValuePath:
		_, _, err := e.Attr.Resolve(t)
		return err == nil
	case *filter.Compare:
		_, _, err := e.Attr.Resolve(t)
		return err == nil || e.Op == filter.NotEqual && e.Value != nil || e.Op == filter.Equal && e.Value == nil
	}
	return true
}

// checkAny returns nil if the check passes for one of the types at least: a
// query over all resources may name what only some of them have.
func checkAny(types []*resource.Type, check func(*resource.Type) error) error {
	var first error
	for _, t := range types {
		err := check(t)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// project reads attributes and excludedAttributes. Names that no schema has
// select nothing; see RFC 7644 section 3.10 for their form.
func (h *Handler) project(q *query, given map[string]string) (err error) {
	if q.attributes, err = attributeList(paramAttributes, given[paramAttributes]); err != nil {
		return err
	}
	q.excluded, err = attributeList(paramExcluded, given[paramExcluded])
	if err != nil {
		return err
	}
	if len(q.attributes) > 0 && len(q.excluded) > 0 {
		return refuse(invalidValue, "attributes and excludedAttributes cannot be used together; leave one of them out")
	}
	if q.shown = h.whole; len(q.attributes)+len(q.excluded) > 0 {
		q.shown = h.projections(q.attributes, q.excluded)
	}
	return nil
}

// said notes what a write says, for its answer to show.
func (q *query) said(t *resource.Type, paths []filter.Path) {
	q.shown = maps.Clone(q.shown)
	q.shown[t] = q.shown[t].Said(paths)
}

func (h *Handler) projections(attributes, excluded []filter.Path) map[*resource.Type]*resource.Projection {
	shown := map[*resource.Type]*resource.Projection{}
	for _, t := range h.types() {
		shown[t] = t.Projection(attributes, excluded)
	}
	return shown
}

const longestAttributeList = 16 << 10

func attributeList(name, text string) ([]filter.Path, error) {
	if len(text) > longestAttributeList {
		return nil, refuse(invalidValue, name+": the list is too long")
	}
	var paths []filter.Path
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		path, err := filter.ParsePath(item)
		if err != nil || path.Filter != nil {
			return nil, refuse(invalidValue, fmt.Sprintf("%s: %q is not the name of an attribute", name, item))
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// page reads startIndex and count, or cursor and count.
func (q *query) page(given map[string]string, most int) error {
	start, indexed := given[paramStart]
	q.byIndex = indexed
	if start != "" {
		n, err := integer(start)
		if err != nil {
			return refuse(invalidValue, "startIndex: send a whole number")
		}
		q.start = max(1, n)
	}
	if count := given[paramCount]; count != "" {
		n, err := integer(count)
		if err != nil {
			return refuse(invalidCount, "count: send a whole number")
		}
		q.count = min(max(0, n), most)
	}
	q.cursor, q.byCursor = given[paramCursor]
	if q.byCursor && indexed {
		return refuse(invalidValue, "startIndex and cursor cannot be used together; leave one of them out")
	}
	return nil
}

// integer reads a whole number. One too large for an int is as good as the
// largest.
func integer(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil && strings.Trim(strings.TrimPrefix(text, "-"), "0123456789") == "" && strings.Trim(text, "-") != "" {
		err = nil // out of range: Atoi returns the limit
	}
	return n, err
}

// sort reads sortBy and sortOrder (RFC 7644 section 3.4.2.3).
func (q *query) sort(by, order string, reads []*resource.Type) error {
	path, err := filter.ParsePath(by)
	if err != nil || path.Filter != nil {
		return refuse(invalidValue, "sortBy: name one attribute or sub-attribute")
	}
	if err := checkAny(reads, func(t *resource.Type) error { return sortable(t, path.Attr) }); err != nil {
		return err
	}
	q.sortBy = &path
	switch strings.ToLower(order) {
	case "", "ascending":
	case "descending":
		q.descending = true
	default:
		return refuse(invalidValue, `sortOrder: send "ascending" or "descending"`)
	}
	return nil
}

// sortable refuses what resources cannot be brought into an order by.
func sortable(t *resource.Type, a filter.Attr) error {
	_, info, err := a.Resolve(t)
	if err != nil || a.Name == "" {
		return refuse(invalidValue, fmt.Sprintf("sortBy: %s is not an attribute of this resource", a))
	}
	_, valued := info.Sub["value"]
	switch {
	case info.Type == filter.Complex && !valued:
		return refuse(invalidValue, fmt.Sprintf("sortBy: %s is complex; name one of its sub-attributes", a))
	case t.Name() == "Group" && strings.EqualFold(a.Name, "members"):
		return refuse(invalidValue, "sortBy: groups cannot be sorted by their members; name another attribute")
	}
	return nil
}
