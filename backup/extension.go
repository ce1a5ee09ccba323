package backup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim"
)

// An Extension declares a schema extension of User beyond the enterprise one (RFC
// 7643 section 3.3), in the words of section 7, so that its attributes are shown in
// /Schemas, checked in requests, and can be mapped and filtered by. Declared under
// the URN of the enterprise extension, it takes its place.
type Extension struct {
	// ID is the URN of its schema, such as
	// "urn:example:params:scim:schemas:extension:badge:2.0:User". Required, unique.
	ID string `json:"id"`
	// Name and Description are for people.
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	// Required refuses users without it.
	Required bool `json:"required,omitempty"`
	// Attributes are its attributes. At least one is required.
	Attributes []ExtensionAttribute `json:"attributes"`
}

// An ExtensionAttribute is an attribute of an [Extension], or a sub-attribute of one.
// Its fields are those of RFC 7643 section 7, their defaults those of section 2.2.
type ExtensionAttribute struct {
	// Name is its name. Required, unique among its neighbours in any case.
	Name string `json:"name"`
	// Type is string, boolean, decimal, integer, dateTime, binary, reference or
	// complex. Default string. A sub-attribute cannot be complex.
	Type string `json:"type,omitempty"`
	// MultiValued lets it have several values, in a list.
	MultiValued bool `json:"multiValued,omitempty"`
	// Description is for people.
	Description string `json:"description,omitempty"`
	// Required refuses users without it; where it stands in an extension that is
	// not required, those with the extension and without the attribute.
	Required bool `json:"required,omitempty"`
	// CanonicalValues are told to clients as values to choose from. Others are
	// taken too.
	CanonicalValues []string `json:"canonicalValues,omitempty"`
	// CaseExact has case matter when values are compared.
	CaseExact bool `json:"caseExact,omitempty"`
	// Mutability is readWrite, readOnly, immutable or writeOnly. Default readWrite.
	// What is writeOnly is never returned, but kept as [scim.Keep] says.
	Mutability string `json:"mutability,omitempty"`
	// Returned is default, always, never or request. Default default; never where
	// Mutability is writeOnly.
	Returned string `json:"returned,omitempty"`
	// Uniqueness is none, server or global. Default none. It is told to clients;
	// that values are unique is not checked.
	Uniqueness string `json:"uniqueness,omitempty"`
	// ReferenceTypes are told to clients: what values of the type reference point
	// to, such as external or User.
	ReferenceTypes []string `json:"referenceTypes,omitempty"`
	// SubAttributes are those of a complex attribute.
	SubAttributes []ExtensionAttribute `json:"subAttributes,omitempty"`
}

// The words for types and the like that have consequences here.
const (
	typeString, typeComplex, typeReference = "string", "complex", "reference"
	writeOnly, readOnly                    = "writeOnly", "readOnly"
	returnedNever                          = "never"
)

// schema returns the attributes that mappings and filters of a connection may name.
func (u *Users) schema() *mapping.Schema {
	s := mapping.DefaultSchema()
	for _, e := range u.Extensions {
		if _, isCore := s.Lookup(e.ID, "userName"); e.ID == "" || isCore {
			continue // a fault, which has been told
		}
		infos := make([]filter.AttrInfo, len(e.Attributes))
		for i, a := range e.Attributes {
			infos[i] = a.info()
		}
		s = s.With(e.ID, infos...)
	}
	return s
}

// info returns what a path has to know of an attribute.
func (a *ExtensionAttribute) info() filter.AttrInfo {
	types := map[string]filter.Type{
		"boolean": filter.Boolean, "decimal": filter.Number, "integer": filter.Number, "dateTime": filter.DateTime,
		"binary": filter.Binary, typeReference: filter.Reference, typeComplex: filter.Complex,
	}
	info := filter.AttrInfo{Name: a.Name, Type: types[a.Type], CaseExact: a.CaseExact, Multi: a.MultiValued}
	for _, sub := range a.SubAttributes {
		if info.Sub == nil {
			info.Sub = map[string]filter.AttrInfo{}
		}
		info.Sub[strings.ToLower(sub.Name)] = sub.info()
	}
	return info
}

// extensions returns the extensions as the handler knows them.
func (u *Users) extensions() ([]scim.Extension, error) {
	all := make([]scim.Extension, len(u.Extensions))
	for i, e := range u.Extensions {
		e.Attributes = filled(e.Attributes)
		text, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("extension %s: %w", quote(e.ID), err)
		}
		if err := json.Unmarshal(text, &all[i].Schema); err != nil {
			return nil, fmt.Errorf("extension %s: %w", quote(e.ID), err)
		}
		all[i].Required = e.Required
	}
	return all, nil
}

// filled returns attributes with those defaults that only this package knows.
func filled(attributes []ExtensionAttribute) []ExtensionAttribute {
	all := make([]ExtensionAttribute, len(attributes))
	for i, a := range attributes {
		a.Type = cmp.Or(a.Type, typeString)
		if a.Mutability == writeOnly {
			a.Returned = returnedNever
		}
		a.SubAttributes = filled(a.SubAttributes)
		all[i] = a
	}
	return all
}
