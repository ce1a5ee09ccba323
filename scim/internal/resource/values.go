package resource

import (
	"maps"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// values changes a multi-valued attribute.
func (e *editor) values(owner map[string]any, to target, op Op) error {
	a := to.attribute
	list, _ := owner[a.name].([]any)
	if a.immutable && len(list) > 0 && !(op.Kind == Replace && to.sub == nil && op.Path.Filter == nil && sameList(list, op.Value)) {
		return immutable(a)
	}
	if to.sub == nil && op.Path.Filter == nil {
		e.whole(owner, a, list, op)
		return nil
	}
	delete(e.indexes, a)
	list, changed, err := elements(list, to, op)
	if err != nil {
		return err
	}
	if err := onePrimary(a, list, changed, to.sub); err != nil {
		return err
	}
	put(owner, a, list)
	return nil
}

func sameList(list []any, v any) bool {
	other, ok := v.([]any)
	return ok && same(list, other)
}

// put stores a list; an empty one unassigns the attribute.
func put(owner map[string]any, a *attribute, list []any) {
	if len(list) == 0 {
		delete(owner, a.name)
		return
	}
	owner[a.name] = list
}

// whole changes all values, adds some or removes those listed.
func (e *editor) whole(owner map[string]any, a *attribute, list []any, op Op) {
	given, ok := op.Value.([]any)
	if !ok && op.HasValue {
		given = []any{op.Value}
	}
	switch {
	case op.Kind == Add:
		ix, ok := e.indexes[a]
		if !ok {
			ix = newIndex(a, list)
			if e.indexes == nil {
				e.indexes = map[*attribute]index{}
			}
			e.indexes[a] = ix
		}
		put(owner, a, ix.add(list, cloneList(given)))
		return
	case op.Kind == Replace:
		put(owner, a, cloneList(given))
	case op.HasValue:
		put(owner, a, without(a, list, given))
	default:
		delete(owner, a.name)
	}
	delete(e.indexes, a)
}

// elements changes the values that the path's filter selects, all of them where it has none, and makes one where
// nothing is selected and the operation says so. It returns the new list and which of its values were changed.
func elements(list []any, to target, op Op) (result []any, changed []int, err error) {
	a, f := to.attribute, op.Path.Filter
	result = list[:0:0]
	hit := false
	for _, value := range list {
		if f != nil && !matchElement(a, f, value) {
			result = append(result, value)
			continue
		}
		hit = true
		value, err := element(value, to, op)
		if err != nil {
			return nil, nil, err
		}
		if value != nil {
			changed = append(changed, len(result))
			result = append(result, value)
		}
	}
	if hit || op.Kind == Remove {
		return result, changed, nil
	}
	made, err := makeElement(to, op)
	if err != nil {
		return nil, nil, err
	}
	return append(result, made), []int{len(result)}, nil
}

// element returns what an operation makes of one selected value, nil if it goes.
func element(value any, to target, op Op) (any, error) {
	a := to.attribute
	old, complex := value.(map[string]any)
	switch {
	case to.sub == nil && op.Kind == Remove:
		return nil, nil
	case !complex:
		if op.Kind == Remove {
			return nil, nil // its only sub-attribute, the value itself
		}
		return clone(op.Value), nil
	case to.sub != nil:
		if err := subValue(old, to.sub, op); err != nil {
			return nil, err
		}
		if op.Kind == Remove && hollow(old) {
			return nil, nil
		}
		return old, nil
	}
	given, ok := clone(op.Value).(map[string]any)
	if !ok {
		return nil, refuse(invalidValue, "the value for %q must be an object with %s", op.Path.String(), a.members())
	}
	if op.Kind == Add {
		return old, merge(old, a, given)
	}
	kept := map[string]any{}
	if err := implied(kept, a, op.Path.Filter); err != nil {
		return given, nil // the filter says nothing that could be kept
	}
	maps.Copy(kept, given)
	return kept, checkImmutable(a, old, kept)
}

// checkImmutable refuses a new value that differs from the old one in what can be set once only.
func checkImmutable(a *attribute, old, replaced map[string]any) error {
	for _, sub := range a.subs {
		if sub.immutable && !empty(old[sub.name]) && !same(old[sub.name], replaced[sub.name]) {
			return immutable(sub)
		}
	}
	return nil
}

// hollow reports whether a value has lost everything it was about.
func hollow(m map[string]any) bool {
	for name := range m {
		if name != "type" && name != "primary" && name != "display" {
			return false
		}
	}
	return true
}

// makeElement makes the value that a path describes and an operation fills.
func makeElement(to target, op Op) (any, error) {
	if !op.create {
		return nil, refuse(noTarget, "no value of %s matches the path %q: add one first", to.attribute.path, op.Path.String())
	}
	made := map[string]any{}
	if op.Path.Filter != nil {
		if err := implied(made, to.attribute, op.Path.Filter); err != nil {
			return nil, refuse(noTarget, "no value of %s matches the path %q, and %s: add one without a filter", to.attribute.path, op.Path.String(), err)
		}
	}
	if to.attribute.typ != filter.Complex {
		return clone(op.Value), nil
	}
	if to.sub != nil {
		return made, subValue(made, to.sub, op)
	}
	given, ok := clone(op.Value).(map[string]any)
	if !ok {
		return nil, refuse(invalidValue, "the value for %q must be an object with %s", op.Path.String(), to.attribute.members())
	}
	maps.Copy(made, given)
	return made, nil
}
