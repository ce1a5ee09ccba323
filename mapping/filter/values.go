package filter

import "strings"

// valuesAt returns the values of a in a resource.
func valuesAt(resource map[string]any, a Attr) []any {
	object := resource
	if a.URN != "" {
		ext, ok := member(resource, a.URN).(map[string]any)
		switch {
		case ok:
			object = ext
		case !a.Core():
			return nil
		}
	}
	if a.Name == "" {
		return []any{object}
	}
	values := flatten(nil, member(object, a.Name))
	if a.Sub == "" {
		return values
	}
	return subValues(values, a.Sub)
}

// subValues returns the values of one sub-attribute of each of values. Simple values are their own "value".
func subValues(values []any, name string) []any {
	var found []any
	for _, v := range values {
		switch v := v.(type) {
		case map[string]any:
			found = flatten(found, member(v, name))
		default:
			if strings.EqualFold(name, "value") {
				found = append(found, v)
			}
		}
	}
	return found
}

// flatten appends v, or what it holds if it is a list, to values, without nulls.
func flatten(values []any, v any) []any {
	switch v := v.(type) {
	case nil:
		return values
	case []any:
		for _, e := range v {
			values = flatten(values, e)
		}
		return values
	}
	return append(values, v)
}

// member returns the member of object whose key is name, ignoring case. If several are, the exact one counts, else
// the first in the order of keys.
func member(object map[string]any, name string) any {
	if v, ok := object[name]; ok {
		return v
	}
	key, found := "", false
	for k := range object {
		if len(k) == len(name) && strings.EqualFold(k, name) && (!found || k < key) {
			key, found = k, true
		}
	}
	if !found {
		return nil
	}
	return object[key]
}
