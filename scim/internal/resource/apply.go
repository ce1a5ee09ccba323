package resource

import (
	"errors"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// Apply returns the resource as it is after the operations (RFC 7644 section 3.5.2), in the order given. It is
// atomic: doc is never changed, and with an error there is no result. The result shares nothing with doc or the
// operations. Doc is in normal form, the operations come from [ParsePatch].
//
// Only what the operations touch is checked, so that a resource that once came to hold something invalid can still
// be changed; [Type.Validate] checks the whole.
func (t *Type) Apply(doc map[string]any, ops []Op) (map[string]any, error) {
	e := editor{t: t, doc: cloneObject(doc)}
	for _, op := range ops {
		if err := e.apply(op); err != nil {
			return nil, err
		}
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	t.complete(e.doc)
	return e.doc, nil
}

// An editor changes a resource of its own in place.
type editor struct {
	t       *Type
	doc     map[string]any
	touched map[*attribute]OpKind // by the last operation on it
	indexes map[*attribute]index
}

func (e *editor) apply(op Op) error {
	to := op.to
	if to.section == nil {
		if op.Path == nil {
			return errors.New("resource: an operation has no path")
		}
		path, found, ok := e.t.locate(*op.Path, Leniency{})
		if !ok {
			return refuse(invalidPath, "the path %q names no attribute of a %s", op.Path.String(), e.t.Name())
		}
		op.Path, to = &path, found
	}
	if to.attribute == nil {
		return e.removeSection(to.section)
	}
	if e.touched == nil {
		e.touched = map[*attribute]OpKind{}
	}
	e.touched[to.attribute] = op.Kind
	owner := to.section.owner(e.doc, op.Kind != Remove)
	if owner == nil {
		return nil // there is nothing to be removed
	}
	if to.attribute.multi {
		return e.values(owner, to, op)
	}
	if to.sub != nil {
		return subAttribute(owner, to, op)
	}
	return attributeValue(owner, to.attribute, op)
}

// removeSection removes the data of an extension as a whole.
func (e *editor) removeSection(sec *section) error {
	if !sec.extension {
		return refuse(noTarget, "a remove needs a path that says what to remove")
	}
	if sec.required {
		return missing(sec.urn, Remove)
	}
	own, ok := e.doc[sec.urn].(map[string]any)
	if !ok {
		return nil
	}
	for _, a := range sec.attributes {
		if a.immutable && !empty(own[a.name]) {
			return immutable(a)
		}
		delete(e.indexes, a)
	}
	delete(e.doc, sec.urn)
	return nil
}

// immutable is the answer to a change of what can be set once only.
func immutable(a *attribute) error {
	return refuse(mutability, "%s has a value and can be set once only: leave it out", a.path)
}

// attributeValue changes the value of a single-valued attribute, or of a sub-attribute, that owner holds.
func attributeValue(owner map[string]any, a *attribute, op Op) error {
	old := owner[a.name]
	if op.Kind == Remove {
		switch {
		case a.immutable && !empty(old):
			return immutable(a)
		case a.required:
			return missing(a.path, Remove)
		}
		delete(owner, a.name)
		return nil
	}
	value := clone(op.Value)
	if into, ok := old.(map[string]any); ok {
		if add, ok := value.(map[string]any); ok {
			return merge(into, a, add)
		}
	}
	if a.immutable && !empty(old) && !same(old, value) {
		return immutable(a)
	}
	owner[a.name] = value
	return nil
}

// merge puts the sub-attributes given over those that are there, as add and replace of a complex attribute do.
func merge(into map[string]any, a *attribute, add map[string]any) error {
	for name, v := range add {
		sub := a.byName.find(name)
		old := into[name]
		if (a.immutable || (sub != nil && sub.immutable)) && !empty(old) && !same(old, v) {
			if sub != nil {
				return immutable(sub)
			}
			return immutable(a)
		}
		into[name] = v
	}
	return nil
}

// subAttribute changes a sub-attribute of a single-valued complex attribute.
func subAttribute(owner map[string]any, to target, op Op) error {
	into, _ := owner[to.attribute.name].(map[string]any)
	if into == nil {
		if op.Kind == Remove {
			return nil
		}
		into = map[string]any{}
	}
	if to.attribute.immutable && len(into) > 0 && (op.Kind == Remove || !same(into[to.sub.name], op.Value)) {
		return immutable(to.attribute)
	}
	if err := subValue(into, to.sub, op); err != nil {
		return err
	}
	if len(into) == 0 {
		delete(owner, to.attribute.name)
		return nil
	}
	owner[to.attribute.name] = into
	return nil
}

// subValue changes one sub-attribute inside of a complex value.
func subValue(into map[string]any, sub *attribute, op Op) error {
	if !sub.multi {
		return attributeValue(into, sub, op)
	}
	list, _ := into[sub.name].([]any)
	given, _ := op.Value.([]any)
	switch {
	case sub.immutable && len(list) > 0 && (op.Kind != Replace || !same(list, given)):
		return immutable(sub)
	case op.Kind == Add:
		list = newIndex(sub, list).add(list, cloneList(given))
	case op.Kind == Replace:
		list = cloneList(given)
	case op.HasValue:
		list = without(sub, list, given)
	default:
		list = nil
	}
	if len(list) == 0 {
		delete(into, sub.name)
		return nil
	}
	into[sub.name] = list
	return nil
}

// check holds what was touched against the schema.
func (e *editor) check() error {
	for a, kind := range e.touched {
		own := e.t.core.owner(e.doc, false)
		if a.urn != "" {
			sec := e.t.section(a.urn)
			own = sec.owner(e.doc, false)
			if err := sec.checkRequired(own, kind); err != nil {
				return err
			}
		}
		if v := own[a.name]; !empty(v) {
			if err := checkSubs(a, v); err != nil {
				return err
			}
			continue
		}
		if a.required {
			return missing(a.path, kind)
		}
	}
	return nil
}

// checkRequired looks for what an extension must have once a resource has it.
func (s *section) checkRequired(own map[string]any, kind OpKind) error {
	if len(own) == 0 {
		if s.required {
			return missing(s.urn, kind)
		}
		return nil
	}
	for _, a := range s.attributes {
		if a.required && !a.readOnly && empty(own[a.name]) {
			return missing(a.path, kind)
		}
	}
	return nil
}

// missing is the answer to an operation that leaves something required without value (RFC 7644 section 3.5.2.2).
func missing(path string, kind OpKind) error {
	if kind == Remove {
		return refuse(mutability, "%s is required and cannot be removed", path)
	}
	return refuse(invalidValue, "%s is required and must not be empty", path)
}

// checkSubs looks for the required sub-attributes of each value.
func checkSubs(a *attribute, v any) error {
	if !a.demanding {
		return nil
	}
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	for _, value := range values {
		m, _ := value.(map[string]any)
		for _, sub := range a.subs {
			if sub.required && !sub.readOnly && empty(m[sub.name]) {
				return refuse(invalidValue, "%s is required in each value", sub.path)
			}
		}
	}
	return nil
}

// matchElement reports whether one value of a multi-valued attribute satisfies a value filter.
func matchElement(a *attribute, f filter.Expr, value any) bool {
	m, ok := value.(map[string]any)
	if !ok {
		m = map[string]any{"value": value}
	}
	return filter.Match(f, m, a)
}
