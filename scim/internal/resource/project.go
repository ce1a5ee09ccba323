package resource

import (
	"slices"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// A Projection is what an answer shows of each resource, RFC 7644 section 3.9. It is immutable.
type Projection struct {
	t        *Type
	chosen   map[*attribute]choice // by the attributes parameter; nil if there was none
	excluded map[*attribute]choice
	said     map[*attribute]choice // by the request; see Said
}

// A choice names an attribute as a whole, or some of its sub-attributes.
type choice struct {
	whole bool
	subs  []*attribute
}

// Projection prepares what the parameters attributes and excludedAttributes ask for. Paths that name nothing are
// ignored, and so are value filters in them. What the schema always returns is shown whatever they say, what it
// never returns is not.
func (t *Type) Projection(attributes, excluded []filter.Path) *Projection {
	p := &Projection{t: t, excluded: map[*attribute]choice{}}
	if len(attributes) > 0 {
		p.chosen = map[*attribute]choice{}
	}
	for _, path := range attributes {
		t.choose(p.chosen, path)
	}
	for _, path := range excluded {
		t.choose(p.excluded, path)
	}
	return p
}

// Said returns a projection for the answer to a write: what is returned on request only is shown of what the paths
// name, for the client said it (RFC 7643 section 7, "returned"). The parameters stay above that.
func (p *Projection) Said(paths []filter.Path) *Projection {
	said := &Projection{t: p.t, chosen: p.chosen, excluded: p.excluded, said: map[*attribute]choice{}}
	for _, path := range paths {
		p.t.choose(said.said, path)
	}
	return said
}

// Named returns the paths of the attributes that a resource in normal form has.
func (t *Type) Named(doc map[string]any) []filter.Path {
	var paths []filter.Path
	for key, v := range doc {
		sec := t.byURN[key]
		if sec == nil {
			paths = append(paths, filter.Path{Attr: filter.Attr{Name: key}})
			continue
		}
		own, _ := v.(map[string]any)
		for name := range own {
			paths = append(paths, filter.Path{Attr: filter.Attr{URN: sec.urn, Name: name}})
		}
	}
	return paths
}

// choose adds what a path names to the choices.
func (t *Type) choose(choices map[*attribute]choice, path filter.Path) {
	_, to, ok := t.locate(path, Leniency{ShortNames: true, Aliases: true})
	switch {
	case !ok:
	case to.attribute == nil:
		for _, a := range to.section.attributes {
			choices[a] = choice{whole: true}
		}
	case to.sub == nil:
		choices[to.attribute] = choice{whole: true}
	default:
		c := choices[to.attribute]
		c.subs = append(c.subs, to.sub)
		choices[to.attribute] = c
	}
}

// Project applies a [Projection] made for this one resource.
func (t *Type) Project(doc map[string]any, attributes, excluded []filter.Path) map[string]any {
	return t.Projection(attributes, excluded).Apply(doc)
}

// Apply returns what is shown of a resource in normal form, with "schemas" telling the schemas of what is shown.
// Values that are shown whole are shared with doc.
func (p *Projection) Apply(doc map[string]any) map[string]any {
	out := make(map[string]any, len(doc))
	for key, v := range doc {
		if sec := p.t.byURN[key]; sec != nil && sec.extension {
			if own, ok := v.(map[string]any); ok {
				shown := make(map[string]any, len(own))
				p.object(shown, sec, own)
				out[key] = shown
			}
			continue
		}
		p.member(out, p.t.core, key, v)
	}
	p.t.complete(out)
	return out
}

func (p *Projection) object(out map[string]any, sec *section, own map[string]any) {
	for key, v := range own {
		p.member(out, sec, key, v)
	}
}

// member shows one attribute, or not.
func (p *Projection) member(out map[string]any, sec *section, key string, v any) {
	a := sec.byName.find(key)
	if a == nil {
		return
	}
	show, without, ok := p.decide(a)
	if !ok {
		return
	}
	if a.typ == filter.Complex {
		v = p.shape(a, v, show, without)
	}
	if !empty(v) {
		out[a.name] = v
	}
}

// decide tells whether an attribute is shown, and if it is, which sub-attributes only, or which not.
func (p *Projection) decide(a *attribute) (show, without []*attribute, ok bool) {
	chosen, named := p.chosen[a]
	_, said := p.said[a]
	switch {
	case a.returned == "never":
		return nil, nil, false
	case a.returned == "always":
		return nil, nil, true
	case p.chosen != nil && !named:
		show = always(a) // a sub-attribute may have to be shown all the same
		return show, nil, len(show) > 0
	case p.chosen == nil && a.returned == "request" && !said:
		return nil, nil, false
	case named && !chosen.whole:
		show = append(always(a), chosen.subs...)
	}
	excluded, named := p.excluded[a]
	if !named {
		return show, nil, true
	}
	if excluded.whole {
		show = always(a)
		return show, nil, len(show) > 0
	}
	return show, excluded.subs, true
}

// always returns the sub-attributes of a that the schema always returns.
func always(a *attribute) []*attribute {
	var list []*attribute
	for _, s := range a.subs {
		if s.returned == "always" {
			list = append(list, s)
		}
	}
	return list
}

// shape returns a complex value, or each of several, with only what is shown of it.
func (p *Projection) shape(a *attribute, v any, show, without []*attribute) any {
	said := p.said[a]
	var hidden []string
	for _, s := range a.subs {
		named := slices.Contains(show, s)
		asked := named || said.whole || slices.Contains(said.subs, s)
		if s.returned == "never" || (show != nil && !named) || (s.returned == "request" && !asked) ||
			(s.returned != "always" && slices.Contains(without, s)) {
			hidden = append(hidden, s.name)
		}
	}
	if len(hidden) == 0 {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		return hide(v, hidden)
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				if m = hide(m, hidden); len(m) > 0 {
					list = append(list, m)
				}
			}
		}
		return list
	}
	return v
}

// hide returns m without the names given.
func hide(m map[string]any, names []string) map[string]any {
	shown := make(map[string]any, len(m))
	for key, v := range m {
		if !slices.Contains(names, key) {
			shown[key] = v
		}
	}
	return shown
}
