package resource

import "maps"

// clone returns a deep copy of a JSON value.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return cloneObject(v)
	case []any:
		return cloneList(v)
	}
	return v
}

func cloneObject(m map[string]any) map[string]any {
	c := maps.Clone(m)
	for k, v := range c {
		switch v.(type) {
		case map[string]any, []any:
			c[k] = clone(v)
		}
	}
	return c
}

func cloneList(list []any) []any {
	c := make([]any, len(list))
	for i, v := range list {
		c[i] = clone(v)
	}
	return c
}
