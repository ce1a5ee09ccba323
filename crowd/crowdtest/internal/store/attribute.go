package store

import (
	"slices"
	"strings"
)

// An Attribute is a named set of values. Its values are never changed but
// replaced.
type Attribute struct {
	Name   string
	Values []string
}

// Attributes are sorted by name, so that an entity with thousands of them is
// changed by one short copy.
type Attributes []Attribute

// Values returns the values of the named attribute.
func (a Attributes) Values(name string) []string {
	if i, found := a.find(name); found {
		return a[i].Values
	}
	return nil
}

func (a Attributes) find(name string) (int, bool) {
	return slices.BinarySearchFunc(a, name, func(x Attribute, name string) int {
		return strings.Compare(x.Name, name)
	})
}

func (a *Attributes) set(name string, values []string) {
	i, found := a.find(name)
	switch {
	case len(values) == 0 && found:
		*a = slices.Delete(*a, i, i+1)
	case len(values) == 0:
	case found:
		(*a)[i].Values = values
	default:
		*a = slices.Insert(*a, i, Attribute{name, values})
	}
}
