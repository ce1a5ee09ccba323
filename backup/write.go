package backup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/scimcrowd/scimcrowd/scim"
)

// Write writes c in the canonical form: fields in the order of the types, two
// spaces of indentation, settings that are not set left out, a line break at the
// end. Equal configurations give equal bytes, and [Read] gives back what was
// written. A configuration that Read would refuse is not written; the error
// tells its faults.
//
// Passwords that stand in c are written as they are. See [Export] for documents
// that others may read.
func Write(w io.Writer, c *Config) error {
	data := c.encode()
	if _, err := read(data); err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("backup: write: %w", err)
	}
	return nil
}

// encode returns c in the canonical form, whatever is wrong with it.
func (c *Config) encode() []byte {
	filled := *c
	if filled.Format == "" {
		filled.Format = Format
	}
	compact := appendValue(nil, configShape(), reflect.ValueOf(filled))
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		panic("backup: wrote no JSON: " + err.Error())
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// appendValue appends the JSON form of v, which has shape s.
func appendValue(b []byte, s *shape, v reflect.Value) []byte {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch s.kind {
	case object:
		return appendObject(b, s, v)
	case list:
		return appendList(b, v.Len(), func(b []byte, i int) []byte { return appendValue(b, s.elem, v.Index(i)) })
	case boolean:
		return strconv.AppendBool(b, v.Bool())
	case number:
		return strconv.AppendInt(b, v.Int(), 10)
	case timestamp:
		return append(b, jsonQuote(v.Interface().(time.Time).Format(time.RFC3339Nano))...)
	case keepPaths:
		return appendKeep(b, v.Interface().(scim.Keep))
	case constant:
		return appendConstant(b, v.Interface())
	}
	return append(b, jsonQuote(v.String())...)
}

func appendObject(b []byte, s *shape, v reflect.Value) []byte {
	b = append(b, '{')
	first := true
	for _, f := range s.fields {
		value := v.FieldByIndex(f.index)
		if !f.rule.required && unset(value) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(append(b, '"'), f.name...), '"', ':')
		b = appendValue(b, f.shape, value)
	}
	return append(b, '}')
}

// unset reports whether a setting says nothing. An empty list says something:
// none.
func unset(v reflect.Value) bool {
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok {
		return z.IsZero()
	}
	return v.IsZero()
}

func appendList(b []byte, n int, item func([]byte, int) []byte) []byte {
	b = append(b, '[')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(b, i)
	}
	return append(b, ']')
}

func appendTexts(b []byte, texts []string) []byte {
	return appendList(b, len(texts), func(b []byte, i int) []byte { return append(b, jsonQuote(texts[i])...) })
}

func appendKeep(b []byte, k scim.Keep) []byte {
	switch {
	case k.Mapped:
		return append(b, `"mapped"`...)
	case k.Paths == nil:
		return append(b, `"all"`...)
	}
	return appendTexts(b, k.Paths)
}

// appendConstant appends a constant of a mapping. What is no constant becomes
// null, which reading refuses.
func appendConstant(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(b, jsonQuote(v)...)
	case bool:
		return strconv.AppendBool(b, v)
	case []string:
		return appendTexts(b, v)
	case []any:
		return appendList(b, len(v), func(b []byte, i int) []byte { return appendConstant(b, v[i]) })
	}
	return append(b, "null"...)
}
