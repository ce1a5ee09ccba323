package groupsync

import (
	"strings"
)

// scanNote reads a note in the form that register writes, without garbage: a
// user has one for each SCIM group, and they are read with every look at it.
// Anything that is JSON but not of that form is not ok, and left to
// encoding/json.
func scanNote(document string) (n note, ok bool) {
	rest, found := strings.CutPrefix(document, "{")
	for found && rest != "}" {
		var name, value string
		if name, rest, found = scanString(rest); !found {
			break
		}
		if rest, found = strings.CutPrefix(rest, ":"); !found {
			break
		}
		if after, isTrue := strings.CutPrefix(rest, "true"); isTrue {
			rest, found = after, n.setFlag(name)
		} else if value, rest, found = scanString(rest); found {
			found = n.setText(name, value)
		}
		if after, more := strings.CutPrefix(rest, ","); more && after != "}" {
			rest = after
		} else if rest != "}" {
			found = false
		}
	}
	if !found {
		return note{}, false
	}
	return n, true
}

// scanString reads a JSON string of printable ASCII without escapes.
func scanString(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", false
	}
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[1:i], s[i+1:], true
		case c == '\\' || c < ' ' || c >= 0x7f:
			return "", "", false
		}
	}
	return "", "", false
}

func (n *note) setFlag(name string) bool {
	switch name {
	case "made":
		n.Made = true
	case "found":
		n.Found = true
	default:
		return false
	}
	return true
}

func (n *note) setText(name, value string) bool {
	switch name {
	case "id":
		n.ID = value
	case "name":
		n.Name = value
	case "externalId":
		n.ExternalID = value
	case "child":
		n.Child = value
	case "request":
		n.Request = value
	case "at":
		return n.At.UnmarshalText([]byte(value)) == nil
	default:
		return false
	}
	return true
}
