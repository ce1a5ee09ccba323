package scim

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// A position is what a cursor of RFC 9865 stands for: the last resource that
// the client was given. The next page begins with the first one that comes
// after it, so what exists all the while is neither passed over nor repeated,
// whatever comes and goes; the server remembers nothing, and cursors do not
// expire.
type position struct {
	// Query is a hash of the query, which must stay the same.
	Query string `json:"q"`
	// Key is the resource's place in the list's own order.
	Key string `json:"k"`
	// At is its place in the list when the cursor was made, from 1: where to look
	// first. 0 means that it is not known.
	At int `json:"a,omitempty"`
	// Sort holds what the resource is sorted by.
	Sort map[string]any `json:"s,omitempty"`
}

const longestCursor = 8 << 10

// position reads the query's cursor; nil is the beginning.
func (q *query) position() (*position, error) {
	if !q.byCursor || q.cursor == "" {
		return nil, nil
	}
	bad := refuse(invalidCursor, "cursor: it is none of this server's, or belongs to another query; begin anew with an empty cursor")
	if len(q.cursor) > longestCursor {
		return nil, bad
	}
	data, err := base64.RawURLEncoding.DecodeString(q.cursor)
	if err != nil {
		return nil, bad
	}
	var p position
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&p) != nil || p.Query != q.fingerprint() || p.String() != q.cursor {
		return nil, bad
	}
	if p.At < 0 || p.At > math.MaxInt32 { // more than Crowd can count
		p.At = 0
	}
	return &p, nil
}

// passed reports whether a resource comes no later than the position.
func (p *position) passed(q *query, e entry) bool {
	if p == nil {
		return false
	}
	if q.sortBy != nil {
		if order := e.typ.Compare(e.doc, p.Sort, *q.sortBy, q.descending); order != 0 {
			return order < 0
		}
	}
	return e.key <= p.Key
}

// cursorAfter returns the cursor of what follows a resource, whose place in the
// list may be known.
func (q *query) cursorAfter(e entry, place int) string {
	p := position{Query: q.fingerprint(), Key: e.key, At: place}
	if q.sortBy != nil {
		p.Sort = e.typ.Project(e.doc, []filter.Path{*q.sortBy}, nil)
	}
	return p.String()
}

// String returns the cursor. There is one for each position, so that one that
// was changed is found to be none.
func (p position) String() string {
	data, err := json.Marshal(p)
	if err != nil { // cannot happen: it holds JSON values only
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// fingerprint returns what tells this query from others, its page aside.
func (q *query) fingerprint() string {
	text := ""
	for _, t := range q.over {
		text += t.Name() + "\x00"
	}
	if q.filter != nil {
		text += q.filter.String()
	}
	if q.sortBy != nil {
		text += "\x00" + q.sortBy.Attr.String()
		if q.descending {
			text += "\x00descending"
		}
	}
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}
