package resource

import (
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// A target is what a path names: a schema as a whole, an attribute, or a sub-attribute.
type target struct {
	section   *section
	attribute *attribute // nil for the whole schema
	sub       *attribute // nil for the whole attribute
}

// locate finds what a path names and returns the path in canonical spelling. It reports false if the type has no
// such attribute.
func (t *Type) locate(p filter.Path, l Leniency) (filter.Path, target, bool) {
	if l.Aliases && p.Attr.URN != "" {
		p.Attr = t.spell(p.Attr)
	}
	a, _, err := p.Attr.Resolve(t)
	if err != nil {
		short, ok := t.shortName(p.Attr, l)
		if !ok {
			return p, target{}, false
		}
		if a, _, err = short.Resolve(t); err != nil {
			return p, target{}, false
		}
	}
	p.Attr = a
	to := target{section: t.core}
	if a.URN != "" {
		to.section = t.section(a.URN)
	}
	if a.Name == "" {
		return p, to, true
	}
	to.attribute = to.section.byName.find(a.Name)
	if a.Sub != "" {
		to.sub = to.attribute.byName.find(a.Sub)
	}
	return p, to, true
}

// spell puts right a URN that clients are known to misspell.
func (t *Type) spell(a filter.Attr) filter.Attr {
	if urn, ok := t.misspelt[strings.ToLower(a.URN)]; ok {
		a.URN = urn
	}
	return a
}

// shortName finds the one extension that has an attribute named without its URN.
func (t *Type) shortName(a filter.Attr, l Leniency) (filter.Attr, bool) {
	if !l.ShortNames || a.URN != "" || a.Name == "" || t.core.byName.find(a.Name) != nil {
		return a, false
	}
	found := 0
	for _, ext := range t.extensions {
		if ext.byName.find(a.Name) != nil {
			a.URN = ext.urn
			found++
		}
	}
	return a, found == 1
}

// owner returns the object of doc that holds the attributes of a schema, nil if there is none; make makes it.
func (s *section) owner(doc map[string]any, make bool) map[string]any {
	if !s.extension {
		return doc
	}
	own, _ := doc[s.urn].(map[string]any)
	if own == nil && make {
		own = map[string]any{}
		doc[s.urn] = own
	}
	return own
}
