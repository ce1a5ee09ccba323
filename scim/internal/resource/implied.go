package resource

import (
	"errors"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// errVague says that a filter does not tell what a value looks like that satisfies it.
var errVague = errors.New("the filter does not describe one")

// implied puts into m what a value must have to satisfy a value filter of comparisons by eq, joined by and.
func implied(m map[string]any, a *attribute, f filter.Expr) error {
	switch f := f.(type) {
	case *filter.And:
		for _, term := range f.Terms {
			if err := implied(m, a, term); err != nil {
				return err
			}
		}
		return nil
	case *filter.Compare:
		if f.Op != filter.Equal || f.Value == nil {
			return errVague
		}
		sub := a.byName.find(f.Attr.Name)
		if sub == nil {
			return nil // the value itself, of a simple type
		}
		value, err := coercer{Leniency: Leniency{StringBooleans: true, AnyReference: true}}.leaf(sub, f.Value)
		if err != nil {
			return err
		}
		if old := m[sub.name]; old != nil && !same(old, value) {
			return errVague
		}
		m[sub.name] = value
		return nil
	}
	return errVague
}

// onePrimary makes the values at changed the only ones that can be primary, if one of them now is: "setting a
// value's primary to true causes the others' to be false" (RFC 7644 section 3.5.2).
func onePrimary(a *attribute, list []any, changed []int, sub *attribute) error {
	if !a.primary || (sub != nil && sub.name != "primary" && len(changed) != 1) {
		return nil
	}
	chosen := -1
	for _, i := range changed {
		if !isPrimary(list[i]) {
			continue
		}
		if chosen >= 0 {
			return refuse(invalidValue, "%s can have one primary value only", a.path)
		}
		chosen = i
	}
	for i, v := range list {
		if chosen >= 0 && i != chosen && isPrimary(v) {
			v.(map[string]any)["primary"] = false
		}
	}
	return nil
}

func isPrimary(v any) bool {
	m, ok := v.(map[string]any)
	return ok && m["primary"] == true
}
