package filter

import "strings"

// Match reports whether the resource satisfies the filter. Of a multi-valued attribute any value will do. An
// attribute without value satisfies `ne` and `eq null` and no other comparison; `pr` asks for a value that is not
// empty. The schema may be nil: types are then those of the values, and case is ignored.
func Match(e Expr, resource map[string]any, s Schema) bool {
	return match(e, scope{resource: resource, schema: s})
}

// A scope is where a filter's attributes are looked for: a resource, or one value of a multi-valued attribute.
type scope struct {
	resource map[string]any
	schema   Schema

	element any // the value, when resource is nil
	parent  AttrInfo
	typed   bool // parent is known
}

// find returns the values of a and what is known of their type.
func (sc scope) find(a Attr) (values []any, info AttrInfo, typed bool) {
	if sc.resource != nil {
		a, info, typed = resolve(a, sc.schema)
		if !typed && sc.schema != nil && a.URN != "" {
			return nil, info, typed // it is another kind of resource's
		}
		return valuesAt(sc.resource, a), info, typed
	}
	if sc.typed {
		info, typed = sc.parent.sub(a.Name)
	}
	if _, complex := sc.element.(map[string]any); !complex && strings.EqualFold(a.Name, "value") {
		return []any{sc.element}, info, typed
	}
	return subValues([]any{sc.element}, a.Name), info, typed
}

func match(e Expr, sc scope) bool {
	switch e := e.(type) {
	case *And:
		for _, t := range e.Terms {
			if !match(t, sc) {
				return false
			}
		}
		return true
	case *Or:
		for _, t := range e.Terms {
			if match(t, sc) {
				return true
			}
		}
		return false
	case *Not:
		return !match(e.Term, sc)
	case *ValuePath:
		values, info, typed := sc.find(e.Attr)
		return len(matching(values, e.Filter, scope{parent: info, typed: typed})) > 0
	case *Compare:
		return matchCompare(e, sc)
	}
	return false
}

// matching returns those of values that satisfy a value filter.
func matching(values []any, f Expr, sc scope) []any {
	var found []any
	for _, v := range values {
		sc.element = v
		if match(f, sc) {
			found = append(found, v)
		}
	}
	return found
}

func matchCompare(c *Compare, sc scope) bool {
	values, info, typed := sc.find(c.Attr)
	if c.Op == Present || c.Value == nil {
		return anyPresent(values) == (c.Op != Equal)
	}
	missing := true
	for _, v := range values {
		if m, ok := v.(map[string]any); ok {
			v = member(m, "value")
		}
		if v == nil || v == "" {
			continue
		}
		missing = false
		if c.holds(v, valueInfo(info), typed) {
			return true
		}
	}
	return missing && c.Op == NotEqual
}

// valueInfo returns what is known of the values that a complex attribute stands for.
func valueInfo(info AttrInfo) AttrInfo {
	if info.Type == Complex {
		value, _ := info.sub("value")
		return value
	}
	return info
}

// anyPresent reports whether any of values is not empty.
func anyPresent(values []any) bool {
	for _, v := range values {
		if present(v) {
			return true
		}
	}
	return false
}

// present reports whether v counts as a value (RFC 7644 table 3, "pr").
func present(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return anyPresent(v)
	case map[string]any:
		for _, m := range v {
			if present(m) {
				return true
			}
		}
		return false
	}
	return true
}
