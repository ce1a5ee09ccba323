package filter

import (
	"fmt"
	"strings"
)

// Type is the type of an attribute, RFC 7643 section 2.3.
type Type int

// The types. Decimal and integer are both Number.
const (
	String Type = iota
	Boolean
	Number
	DateTime
	Binary
	Reference
	Complex
)

// String returns the type's name in words.
func (t Type) String() string {
	names := [...]string{"string", "boolean", "number", "dateTime", "binary", "reference", "complex"}
	if t < 0 || int(t) >= len(names) {
		return fmt.Sprintf("Type(%d)", int(t))
	}
	return names[t]
}

// AttrInfo is what a schema says of one attribute.
type AttrInfo struct {
	Name      string // canonical spelling
	Type      Type
	CaseExact bool
	Multi     bool
	Sub       map[string]AttrInfo // by lower-cased name; of complex attributes only
}

// Schema tells types and case rules. Lookup ignores case. An empty urn means the core attributes, with id,
// externalId, schemas and meta among them; the URN of the core schema means the same. An empty name asks for the
// extension as a whole: its Name is the URN in canonical spelling, its Type Complex.
type Schema interface {
	Lookup(urn, name string) (AttrInfo, bool)
}

// Resolve finds the attribute in the schema and returns it in canonical spelling, without the URN of a core
// schema, and what the schema says of what it names: of its sub-attribute where it has one. Its error is an
// *[AttributeError]. Without a schema the attribute is returned as it is.
func (a Attr) Resolve(s Schema) (Attr, AttrInfo, error) {
	if s == nil {
		return a, AttrInfo{}, nil
	}
	r, info, known := resolve(Attr{URN: a.URN, Name: a.Name}, s)
	if whole, i, ok := resolve(a, s); ok {
		r, info, known = whole, i, true
		if r.Sub != "" {
			r.Sub = info.Name
		}
		if r.Name != "" {
			top, _ := s.Lookup(r.URN, r.Name)
			r.Name = top.Name
		}
	} else if known {
		return a, AttrInfo{}, &AttributeError{
			Attribute: a.String(), Unknown: true,
			Problem: fmt.Sprintf("%s has no sub-attribute %q", info.Name, a.Sub),
		}
	}
	if !known {
		return a, AttrInfo{}, &AttributeError{Attribute: a.String(), Unknown: true, Problem: "the schema has no such attribute"}
	}
	if r.Core() {
		r.URN = ""
	} else if ext, ok := s.Lookup(r.URN, ""); ok && ext.Name != "" {
		r.URN = ext.Name
	}
	return r, info, nil
}

// resolve finds what a names, trying both readings of a URN. The attribute keeps its spelling.
func resolve(a Attr, s Schema) (Attr, AttrInfo, bool) {
	if s == nil {
		return a, AttrInfo{}, false
	}
	if info, ok := lookup(a, s); ok || a.URN == "" {
		return a, info, ok
	}
	if b, ok := a.otherReading(); ok {
		if info, ok := lookup(b, s); ok {
			return b, info, true
		}
	}
	return a, AttrInfo{}, false
}

func lookup(a Attr, s Schema) (AttrInfo, bool) {
	info, ok := s.Lookup(a.URN, a.Name)
	if ok && a.Sub != "" {
		return info.sub(a.Sub)
	}
	return info, ok
}

// sub finds a sub-attribute. The values of a multi-valued simple attribute are each its "value" (RFC 7643
// section 2.4).
func (i AttrInfo) sub(name string) (AttrInfo, bool) {
	if i.Type != Complex && i.Multi && strings.EqualFold(name, "value") {
		i.Multi, i.Name = false, "value"
		return i, true
	}
	info, ok := i.Sub[strings.ToLower(name)]
	return info, ok
}
