package source

import "strings"

// attribute returns the value of an attribute, and whether there is one of that name.
// Names are compared ignoring case (RFC 7643 section 2.1); an object that was decoded
// has none twice.
func attribute(object map[string]any, name string) (v any, ok bool) {
	if v, ok := object[name]; ok {
		return v, true
	}
	for key, v := range object {
		if strings.EqualFold(key, name) {
			return v, true
		}
	}
	return nil, false
}

// text returns the value of an attribute, "" if it is no text.
func text(object map[string]any, name string) string {
	v, _ := attribute(object, name)
	s, _ := v.(string)
	return s
}
