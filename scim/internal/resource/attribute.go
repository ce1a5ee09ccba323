package resource

import (
	"strings"

	elimity "github.com/elimity-com/scim/schema"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// An attribute is one attribute or sub-attribute of a schema, laid out for quick use.
type attribute struct {
	name string // canonical spelling
	path string // for messages: emails.value, URN:department
	urn  string // of its extension, empty for core and common attributes

	typ       filter.Type
	integer   bool
	multi     bool
	caseExact bool
	required  bool
	readOnly  bool
	immutable bool
	returned  string // always, never, default or request

	subs      []*attribute
	byName    names
	value     *attribute // its sub-attribute "value", if it has one
	primary   bool       // it has a sub-attribute "primary"
	reference bool       // its values name other resources by "value" alone: members
	demanding bool       // it has a required sub-attribute

	definition elimity.CoreAttribute
	info       filter.AttrInfo
}

// names finds attributes ignoring case; canonical spellings cost no conversion.
type names map[string]*attribute

func (n names) add(a *attribute) {
	n[a.name] = a
	n[strings.ToLower(a.name)] = a
}

func (n names) find(name string) *attribute {
	if a, ok := n[name]; ok {
		return a
	}
	return n[strings.ToLower(name)]
}

// newAttribute lays out a definition; prefix is put before its name in messages.
func newAttribute(d elimity.CoreAttribute, urn, prefix string) *attribute {
	a := &attribute{
		name:       d.Name(),
		path:       prefix + d.Name(),
		urn:        urn,
		typ:        typeOf(d.AttributeType()),
		integer:    d.AttributeType() == "integer",
		multi:      d.MultiValued(),
		caseExact:  d.CaseExact(),
		required:   d.Required(),
		readOnly:   d.Mutability() == "readOnly",
		immutable:  d.Mutability() == "immutable",
		returned:   d.Returned(),
		byName:     names{},
		definition: d,
	}
	a.info = filter.AttrInfo{Name: a.name, Type: a.typ, CaseExact: a.caseExact, Multi: a.multi}
	for _, sub := range d.SubAttributes() {
		a.addSub(newAttribute(sub, urn, a.path+"."))
	}
	a.value = a.byName.find("value")
	a.primary = a.multi && a.byName.find("primary") != nil
	a.reference = a.multi && !a.readOnly && a.value != nil && a.value.immutable
	return a
}

func (a *attribute) addSub(sub *attribute) {
	a.subs = append(a.subs, sub)
	a.byName.add(sub)
	a.demanding = a.demanding || sub.required
	if a.info.Sub == nil {
		a.info.Sub = map[string]filter.AttrInfo{}
	}
	a.info.Sub[strings.ToLower(sub.name)] = sub.info
}

// typeOf returns the type that elimity spells so.
func typeOf(name string) filter.Type {
	switch name {
	case "boolean":
		return filter.Boolean
	case "decimal", "integer":
		return filter.Number
	case "dateTime":
		return filter.DateTime
	case "binary":
		return filter.Binary
	case "reference":
		return filter.Reference
	case "complex":
		return filter.Complex
	}
	return filter.String
}

// Lookup finds the sub-attributes of one value, so that a value can be matched as if it were a resource of its own.
// Of a simple value it is "value".
func (a *attribute) Lookup(urn, name string) (filter.AttrInfo, bool) {
	if urn != "" {
		return filter.AttrInfo{}, false
	}
	if a.typ != filter.Complex {
		info := a.info
		info.Multi, info.Name = false, "value"
		return info, strings.EqualFold(name, "value")
	}
	sub := a.byName.find(name)
	if sub == nil {
		return filter.AttrInfo{}, false
	}
	return sub.info, true
}
