package scim

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
)

// An encoder writes JSON as this package sends it: schemas, id and externalId
// lead each resource, for there are clients that take the first "id" they see.
type encoder struct {
	buf   []byte
	names []string // scratch for the sorted names of the objects being written
}

// encoders keeps those that are done, so that an answer costs no new memory.
var encoders = sync.Pool{New: func() any { return new(encoder) }}

// encoding hands f an encoder, which f must not keep.
func encoding(f func(e *encoder)) {
	e := encoders.Get().(*encoder)
	f(e)
	if cap(e.buf) <= streamBuffer {
		e.buf = e.buf[:0]
		encoders.Put(e)
	}
}

func (e *encoder) raw(s string) { e.buf = append(e.buf, s...) }

// resource appends a resource.
func (e *encoder) resource(doc map[string]any) {
	e.raw("{")
	first := true
	member := func(name string) {
		if !first {
			e.raw(",")
		}
		first = false
		e.string(name)
		e.raw(":")
		e.value(doc[name])
	}
	for _, name := range leading {
		if _, ok := doc[name]; ok {
			member(name)
		}
	}
	from := len(e.names)
	for _, name := range e.sorted(doc) {
		if !slices.Contains(leading, name) && name != "meta" {
			member(name)
		}
	}
	e.names = e.names[:from]
	if _, ok := doc["meta"]; ok {
		member("meta")
	}
	e.raw("}")
}

var leading = []string{"schemas", "id", "externalId"}

// value appends a JSON value of the kinds that resources are made of.
func (e *encoder) value(v any) {
	switch v := v.(type) {
	case nil:
		e.raw("null")
	case bool:
		e.buf = strconv.AppendBool(e.buf, v)
	case string:
		e.string(v)
	case json.Number:
		e.raw(v.String())
	case int:
		e.buf = strconv.AppendInt(e.buf, int64(v), 10)
	case []string:
		e.raw("[")
		for i, item := range v {
			if i > 0 {
				e.raw(",")
			}
			e.string(item)
		}
		e.raw("]")
	case []any:
		e.raw("[")
		for i, item := range v {
			if i > 0 {
				e.raw(",")
			}
			e.value(item)
		}
		e.raw("]")
	case map[string]any:
		e.object(v)
	default:
		e.other(v)
	}
}

func (e *encoder) object(m map[string]any) {
	e.raw("{")
	from := len(e.names)
	for i, name := range e.sorted(m) {
		if i > 0 {
			e.raw(",")
		}
		e.string(name)
		e.raw(":")
		e.value(m[name])
	}
	e.names = e.names[:from]
	e.raw("}")
}

// sorted returns the names of an object's members in order. They stand behind
// those of the objects around it, from where the caller takes them off.
func (e *encoder) sorted(m map[string]any) []string {
	from := len(e.names)
	for name := range m {
		e.names = append(e.names, name)
	}
	slices.Sort(e.names[from:])
	return e.names[from:]
}

// other leaves to encoding/json what no resource of ours holds.
func (e *encoder) other(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		text = []byte("null")
	}
	e.buf = append(e.buf, text...)
}

func (e *encoder) string(s string) { e.buf = appendString(e.buf, s) }

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < 0x7f {
			continue
		}
		if c >= 0x80 {
			return appendQuoted(b, s, from)
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		from = i + 1
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// appendQuoted goes on where a string turns out not to be plain ASCII. What is
// before from has been written.
func appendQuoted(b []byte, s string, from int) []byte {
	text, err := json.Marshal(s[from:])
	if err != nil { // cannot happen: every string has a JSON form
		return append(b, '"')
	}
	return append(b, text[1:]...)
}
