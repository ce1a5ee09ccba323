package filter

// Path is an attribute path of RFC 7644 figure 7: `name.familyName`, `emails[type eq "work"].value`, with or
// without the URN of a schema, or the URN of an extension alone.
type Path struct {
	Attr   Attr // Attr.Sub is the sub-attribute, also when it stands behind a value filter
	Filter Expr // selects among the values of Attr.Name; nil for all
}

// ParsePath reads an attribute path. Its error is a *[SyntaxError].
func ParsePath(s string) (Path, error) {
	p := parser{text: s}
	if err := p.admit("path"); err != nil {
		return Path{}, err
	}
	a, err := p.name()
	if err != nil {
		return Path{}, err
	}
	path := Path{Attr: a}
	if p.next() == '[' {
		path.Filter, path.Attr.Sub, err = p.valueFilter(a)
		if err != nil {
			return Path{}, err
		}
	}
	if p.pos < len(s) {
		return Path{}, p.errorf("%q is left over behind the path", p.excerpt())
	}
	return path, nil
}

// String returns the path in its canonical text.
func (p Path) String() string {
	if p.Filter == nil {
		return p.Attr.String()
	}
	s := Attr{URN: p.Attr.URN, Name: p.Attr.Name}.String() + "[" + p.Filter.String() + "]"
	if p.Attr.Sub != "" {
		s += "." + p.Attr.Sub
	}
	return s
}

// Values returns all values the path selects in a resource, in their order, each list laid flat and nulls left out.
// Complex values are returned whole and belong to the resource. The schema gives the case rules of the value
// filter; it may be nil.
func (p Path) Values(resource map[string]any, s Schema) []any {
	a, _, _ := resolve(p.Attr, s)
	if p.Filter == nil {
		return valuesAt(resource, a)
	}
	whole := Attr{URN: a.URN, Name: a.Name}
	_, info, known := resolve(whole, s)
	values := matching(valuesAt(resource, whole), p.Filter, scope{parent: info, typed: known})
	if a.Sub == "" {
		return values
	}
	return subValues(values, a.Sub)
}

// Check resolves the path's attributes, checks its value filter as [Check] does, and returns what the path selects.
// Its error is an *[AttributeError].
func (p Path) Check(s Schema) (AttrInfo, error) {
	_, info, err := p.Attr.Resolve(s)
	if err != nil || p.Filter == nil {
		return info, err
	}
	whole := Attr{URN: p.Attr.URN, Name: p.Attr.Name}
	return info, Check(&ValuePath{Attr: whole, Filter: p.Filter}, s)
}
