package source

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A scimList is one page of a ListResponse (RFC 7644 section 3.4.2).
type scimList struct {
	total     int // -1 where the server does not say
	next      string
	resources []map[string]any
}

const mostTotal = 1 << 31

// readList reads a page. Names of its attributes are compared ignoring case.
func readList(body []byte) (scimList, error) {
	doc, err := decode(body)
	if err != nil {
		return scimList{}, fmt.Errorf("%w: the answer cannot be read: %w", ErrIncomplete, err)
	}
	members := map[string]any{}
	for name, v := range doc {
		members[strings.ToLower(name)] = v
	}
	l := scimList{total: -1}
	if v := members["totalresults"]; v != nil {
		n, _ := v.(json.Number)
		total, err := n.Int64()
		if err != nil || total < 0 || total > mostTotal {
			return l, fmt.Errorf("%w: totalResults is not a number of resources", ErrIncomplete)
		}
		l.total = int(total)
	}
	var ok bool
	if l.next, ok = members["nextcursor"].(string); !ok && members["nextcursor"] != nil {
		return l, fmt.Errorf("%w: nextCursor is not a text", ErrIncomplete)
	}
	list, ok := members["resources"].([]any)
	if !ok && members["resources"] != nil || l.total < 0 && members["resources"] == nil {
		return l, fmt.Errorf("%w: the answer is not a list of resources", ErrIncomplete)
	}
	for _, item := range list {
		r, ok := item.(map[string]any)
		if !ok {
			return l, fmt.Errorf("%w: a resource is not an object", ErrIncomplete)
		}
		l.resources = append(l.resources, r)
	}
	return l, nil
}

// scimError reads an error (RFC 7644 section 3.12).
func scimError(body []byte) (code, message string) {
	var e struct{ ScimType, Detail string }
	if err := json.Unmarshal(body, &e); err != nil {
		return "", ""
	}
	return e.ScimType, e.Detail
}
