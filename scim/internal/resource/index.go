package resource

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// An index finds the values of a multi-valued attribute by what makes them the same value: their "value" and, where
// both say it, their "type" (RFC 7643 section 2.4); members by "value" alone; values without either by all they hold but
// "primary".
type index struct {
	of    *attribute
	at    map[string]int   // the first position by key
	typed map[string][]int // positions by key and type
}

func newIndex(a *attribute, list []any) index {
	ix := index{of: a, at: make(map[string]int, len(list))}
	if a.kinds() {
		ix.typed = make(map[string][]int, len(list))
	}
	for i, v := range list {
		ix.put(a.key(v), v, i)
	}
	return ix
}

// kinds reports whether values of a can differ by "type" alone.
func (a *attribute) kinds() bool {
	return a.typ == filter.Complex && !a.reference && a.value != nil && a.byName.find("type") != nil
}

func (ix index) put(key string, v any, i int) {
	if _, ok := ix.at[key]; !ok {
		ix.at[key] = i
	}
	if ix.typed != nil {
		k := typedKey(key, v)
		ix.typed[k] = append(ix.typed[k], i)
	}
}

// typedKey returns the key with the type of v.
func typedKey(key string, v any) string {
	m, _ := v.(map[string]any)
	kind, _ := m["type"].(string)
	return key + "\x00" + strings.ToLower(kind)
}

// add adds values that are not there, and merges into those that are what they lack or say otherwise. A new primary
// value takes the place of the old. The list is changed in place.
func (ix index) add(list, values []any) []any {
	a := ix.of
	chosen := -1
	for _, v := range values {
		key := a.key(v)
		at, ok := ix.find(key, v)
		if !ok {
			at = len(list)
			list = append(list, v)
			ix.put(key, v, at)
		} else if into, ok := list[at].(map[string]any); ok {
			ix.enrich(key, into, at, v.(map[string]any))
		}
		if isPrimary(v) {
			chosen = at
		}
	}
	if a.primary && chosen >= 0 {
		promote(list, chosen)
	}
	return list
}

// enrich puts the sub-attributes of v over those of into, except for immutable ones that are set.
func (ix index) enrich(key string, into map[string]any, at int, v map[string]any) {
	before := typedKey(key, into)
	for name, value := range v {
		if sub := ix.of.byName.find(name); sub != nil && sub.immutable && !empty(into[name]) {
			continue
		}
		into[name] = value
	}
	if after := typedKey(key, into); ix.typed != nil && after != before {
		ix.typed[before] = slices.DeleteFunc(ix.typed[before], func(i int) bool { return i == at })
		ix.typed[after] = append(ix.typed[after], at)
	}
}

// promote makes the chosen value the only primary one in the list.
func promote(list []any, chosen int) {
	for i, v := range list {
		if i != chosen && isPrimary(v) {
			v.(map[string]any)["primary"] = false
		}
	}
}

// find returns the position of the value that v is the same as: one of the same type if there is one, else one
// where either has none.
func (ix index) find(key string, v any) (int, bool) {
	if ix.typed == nil {
		i, ok := ix.at[key]
		return i, ok
	}
	typed := typedKey(key, v)
	if at := ix.typed[typed]; len(at) > 0 {
		return at[0], true
	}
	if untyped := key + "\x00"; typed != untyped {
		if at := ix.typed[untyped]; len(at) > 0 {
			return at[0], true
		}
		return 0, false
	}
	i, ok := ix.at[key]
	return i, ok
}

// key returns the text by which a value of a is found.
func (a *attribute) key(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return a.fold(scalar(v))
	}
	if value, ok := m["value"]; ok && a.value != nil {
		return a.value.fold(scalar(value))
	}
	rest := maps.Clone(m)
	delete(rest, "primary") // it tells which of the values is preferred, not which one it is
	return "{" + fingerprint(rest)
}

// fold returns text so that equal values have equal text.
func (a *attribute) fold(text string) string {
	if a.caseExact {
		return text
	}
	return strings.ToLower(text)
}

// scalar returns a simple value as text.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	}
	return fingerprint(v)
}

// without returns list without the values given. What says no type is meant with every type.
func without(a *attribute, list, given []any) []any {
	gone := make(map[string]bool, len(given))
	for _, v := range given {
		key := a.key(v)
		if typed := typedKey(key, v); a.kinds() && typed != key+"\x00" {
			key = typed
		}
		gone[key] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(v any) bool {
		key := a.key(v)
		return gone[key] || (a.kinds() && gone[typedKey(key, v)])
	})
}
