package resource

import (
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// A coercer brings values into normal form. What it returns is new; nil means that there is no value.
type coercer struct {
	Leniency
	unwrapped bool // inside of {"members": ...} as the value of members
	removing  bool // the values name what is to be removed: none may be dropped, or too much would go
}

// attribute brings the whole value of an attribute into normal form. A multi-valued one gives a []any, which is
// empty, not nil, for an empty array.
func (c coercer) attribute(a *attribute, v any) (any, error) {
	if !c.unwrapped && c.NestedValues {
		if inner, ok := nested(a, v); ok {
			c.unwrapped = true
			return c.attribute(a, inner)
		}
	}
	if a.multi {
		list, err := c.list(a, v)
		if list == nil || err != nil {
			return nil, err
		}
		return list, nil
	}
	if list, ok := v.([]any); ok && c.SingleArrayAsValue && a.typ == filter.Complex && len(list) < 2 {
		if len(list) == 0 {
			return nil, nil
		}
		v = list[0]
	}
	return c.single(a, v)
}

// nested returns what {"members": ...} holds, given as the value of members itself.
func nested(a *attribute, v any) (any, bool) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 || a.byName.find(a.name) != nil {
		return nil, false
	}
	for key, inner := range m {
		if strings.EqualFold(key, a.name) {
			return inner, true
		}
	}
	return nil, false
}

// list brings the values of a multi-valued attribute into normal form; nil means that there was nothing, not even
// an empty array.
func (c coercer) list(a *attribute, v any) ([]any, error) {
	values, ok := v.([]any)
	switch {
	case ok:
	case v == nil:
		return nil, nil
	case !c.SingleObjectAsArray:
		return nil, refuse(invalidValue, "%s has several values but is %s: send an array", a.path, kindOf(v))
	case v == "" && !c.exacting(a):
		return nil, nil
	default:
		values = []any{v}
	}
	found := make([]any, 0, len(values))
	primary := false
	for _, value := range values {
		e, err := c.element(a, value)
		if err != nil {
			return nil, err
		}
		if e == nil {
			continue
		}
		if c.FirstPrimary && a.primary {
			primary = demote(e, primary) || primary
		}
		found = append(found, e)
	}
	return unrepeated(a, found), nil
}

// demote reports whether e is primary. If there was a primary value before, e ceases to be one.
func demote(e any, before bool) bool {
	m, ok := e.(map[string]any)
	if !ok || m["primary"] != true {
		return false
	}
	if before {
		m["primary"] = false
	}
	return true
}

// exacting reports whether each value of a must say which resource or value it means.
func (c coercer) exacting(a *attribute) bool { return a.reference || c.removing }

// element brings one value of a multi-valued attribute into normal form.
func (c coercer) element(a *attribute, v any) (any, error) {
	e, err := c.single(a, v)
	if err != nil {
		return nil, err
	}
	if m, ok := e.(map[string]any); c.exacting(a) && (e == nil || a.reference && ok && m["value"] == nil) {
		return nil, refuse(invalidValue, "a value of %s does not say what it means: send {\"value\": \"ID\"} for each", a.path)
	}
	return e, nil
}

// single brings one value into normal form, the only one of a single-valued attribute or one of several.
func (c coercer) single(a *attribute, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if a.typ != filter.Complex {
		return c.leaf(a, v)
	}
	if m, ok := v.(map[string]any); ok {
		return c.object(a, m)
	}
	bare := c.ManagerString
	if a.multi {
		bare = c.BareMemberStrings
	}
	if _, isList := v.([]any); !bare || isList || a.value == nil || a.value.readOnly {
		return nil, refuse(invalidValue, "%s is %s: send an object with %s", a.path, kindOf(v), a.members())
	}
	value, err := c.leaf(a.value, v)
	if value == nil || err != nil {
		return nil, err
	}
	return map[string]any{a.value.name: value}, nil
}

// members lists the sub-attributes of a for a message.
func (a *attribute) members() string {
	var list []string
	for _, s := range a.subs {
		if !s.readOnly {
			list = append(list, s.name)
		}
	}
	return strings.Join(list, ", ")
}

// object brings a complex value into normal form.
func (c coercer) object(a *attribute, m map[string]any) (any, error) {
	out := make(map[string]any, len(m))
	for key, v := range m {
		sub, err := c.sub(a, m, key)
		if err != nil {
			return nil, err
		}
		if sub == nil || sub.readOnly {
			continue
		}
		value, err := c.attribute(sub, v)
		if err != nil {
			return nil, err
		}
		if !empty(value) {
			out[sub.name] = value
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// sub finds the sub-attribute that key names; nil if it is to be dropped.
func (c coercer) sub(a *attribute, m map[string]any, key string) (*attribute, error) {
	if sub := a.byName.find(key); sub != nil {
		return sub, nil
	}
	if a.reference && strings.EqualFold(key, "operation") {
		return nil, refuse(invalidValue, "%s.operation is of SCIM 1.1: use PATCH with Operations (RFC 7644 section 3.5.2)", a.path)
	}
	if sub := c.alias(a, key); sub != nil {
		if m[sub.name] != nil {
			sub = nil
		}
		return sub, nil
	}
	if !c.UnknownAttributes {
		return nil, refuse(invalidSyntax, "%s has no sub-attribute %q: it has %s", a.path, key, a.members())
	}
	return nil, nil
}

// alias finds what a client means that spells a sub-attribute as SCIM 1.1 did, or as some samples do.
func (c coercer) alias(a *attribute, key string) *attribute {
	if !c.Aliases {
		return nil
	}
	switch {
	case strings.EqualFold(key, a.name+"Id"):
		return a.value
	case a.multi && strings.EqualFold(key, "displayName"):
		return a.byName.find("display")
	}
	return nil
}

// empty reports whether a value in normal form is as good as none, RFC 7643 section 2.5.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
