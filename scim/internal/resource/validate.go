package resource

import (
	"github.com/elimity-com/scim/errors"
	elimity "github.com/elimity-com/scim/schema"
)

// Validate holds a whole resource in normal form against its schemas: the types of all values, required attributes
// (which must not be empty) and extensions, and at most one primary value in each attribute (RFC 7643 section 2.4).
func (t *Type) Validate(doc map[string]any) error {
	if _, err := t.core.schema.Validate(doc); err != nil {
		return t.core.fault(doc, err)
	}
	if err := t.core.check(doc); err != nil {
		return err
	}
	for _, ext := range t.extensions {
		own := ext.owner(doc, false)
		if own == nil {
			if ext.required {
				return refuse(invalidValue, "%s is required: send an object with its attributes", ext.urn)
			}
			continue
		}
		if _, err := ext.schema.ValidateExtension(own); err != nil {
			return ext.fault(own, err)
		}
		if err := ext.check(own); err != nil {
			return err
		}
	}
	return nil
}

// fault finds the attribute that the library found fault with, which it does not name.
func (s *section) fault(own map[string]any, fault *errors.ScimError) error {
	for _, a := range s.attributes {
		v, ok := own[a.name]
		if a.required && !a.readOnly && empty(v) {
			return refuse(invalidValue, "%s is required and must not be empty", a.path)
		}
		alone := elimity.Schema{ID: s.urn, Attributes: elimity.Attributes{a.definition}}
		if _, err := alone.ValidateExtension(map[string]any{a.name: v}); ok && err != nil {
			return refuse(invalidValue, "%s is not what the schema says, or lacks a required sub-attribute", a.path)
		}
	}
	return &Error{Status: fault.Status, ScimType: string(fault.ScimType), Detail: fault.Detail}
}

// check looks for what the library does not.
func (s *section) check(own map[string]any) error {
	for _, a := range s.attributes {
		v := own[a.name]
		if a.required && !a.readOnly && a.name != "schemas" && empty(v) {
			return refuse(invalidValue, "%s is required and must not be empty", a.path)
		}
		if !a.primary {
			continue
		}
		list, _ := v.([]any)
		primaries := 0
		for _, e := range list {
			if isPrimary(e) {
				primaries++
			}
		}
		if primaries > 1 {
			return refuse(invalidValue, "%s has %d primary values: mark one only", a.path, primaries)
		}
	}
	return nil
}

// CheckReplace refuses the replacement of a resource by another if it changes what can be set once only (RFC 7644
// section 3.5.1). Both are in normal form.
func (t *Type) CheckReplace(old, replaced map[string]any) error {
	for _, sec := range append([]*section{t.core}, t.extensions...) {
		before, after := sec.owner(old, false), sec.owner(replaced, false)
		for _, a := range sec.attributes {
			if a.name == "schemas" || a.readOnly || empty(before[a.name]) {
				continue
			}
			if a.immutable && !same(before[a.name], after[a.name]) {
				return immutable(a)
			}
			x, ok1 := before[a.name].(map[string]any)
			y, ok2 := after[a.name].(map[string]any)
			if !ok1 || !ok2 {
				continue
			}
			if err := checkImmutable(a, x, y); err != nil {
				return err
			}
		}
	}
	return nil
}
