package scim

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// references lists the bulkIds that an operation refers to.
func (b *bulk) references(op *bulkOperation) []string {
	var found []string
	b.substituted(op, func(id string) (string, bool) {
		found = append(found, id)
		return "", false
	})
	return found
}

// resolve puts ids in the place of bulkIds. Values that refer to something not
// made so far are left out, and named.
func (b *bulk) resolve(op *bulkOperation) (path string, data map[string]any, missing []string) {
	path, data = b.substituted(op, func(id string) (string, bool) {
		if other := b.byID[id]; other != nil && other.made != "" {
			return other.made, true
		}
		missing = append(missing, id)
		return "", false
	})
	return path, data, missing
}

// substituted returns path and data of an operation with what resolve makes of
// its bulkIds.
func (b *bulk) substituted(op *bulkOperation, resolve resolver) (string, map[string]any) {
	path, _ := resolve.address(b.relative(op.path))
	data, _ := resolve.value("", op.data).(map[string]any)
	return path, data
}

// A resolver tells the id of the resource that an operation with a bulkId made.
type resolver func(bulkID string) (id string, ok bool)

// value returns a copy of a value with its bulkIds resolved (RFC 7644 section
// 3.7.2); name is that of the attribute. What contains one that cannot be, up to
// the list element or attribute it belongs to, is left out.
func (r resolver) value(name string, v any) any {
	switch v := v.(type) {
	case string:
		if text, ok := r.text(name, v); ok {
			return text
		}
		return nil
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			if item = r.value(name, item); item != nil {
				list = append(list, item)
			}
		}
		return list
	case map[string]any:
		return r.object(v)
	}
	return v
}

func (r resolver) object(v map[string]any) any {
	object := make(map[string]any, len(v))
	for name, item := range v {
		replaced := r.value(name, item)
		if replaced == nil && item != nil && name == "value" {
			return nil
		}
		if replaced != nil || item == nil {
			object[name] = replaced
		}
	}
	return object
}

// text resolves a text that is a bulkId as a whole, is an address with one in
// it, or is the path of a PATCH operation that compares with one.
func (r resolver) text(name, text string) (string, bool) {
	if id, ok := strings.CutPrefix(text, bulkReference); ok {
		return r(id)
	}
	switch {
	case strings.EqualFold(name, "$ref"):
		return r.address(text)
	case strings.EqualFold(name, "path"):
		return r.filter(text)
	}
	return text, true
}

// address resolves the segments of an address.
func (r resolver) address(text string) (string, bool) {
	whole := true
	segments := strings.Split(text, "/")
	for i, segment := range segments {
		if id, ok := strings.CutPrefix(segment, bulkReference); ok {
			segments[i], ok = r(id)
			whole = whole && ok
		}
	}
	return strings.Join(segments, "/"), whole
}

// filterReference finds the bulkIds that a filter compares with.
var filterReference = regexp.MustCompile(`"` + bulkReference + `((?:[^"\\]|\\.)*)"`)

// filter resolves what the filter in a path compares with.
func (r resolver) filter(path string) (string, bool) {
	whole := true
	resolved := filterReference.ReplaceAllStringFunc(path, func(quoted string) string {
		var text string
		if json.Unmarshal([]byte(quoted), &text) != nil {
			return quoted // the filter cannot be read, as will be said
		}
		id, ok := r(strings.TrimPrefix(text, bulkReference))
		whole = whole && ok
		return strconv.Quote(id)
	})
	return resolved, whole
}
