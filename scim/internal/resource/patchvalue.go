package resource

import (
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// resource takes an operation without path: its value holds attributes of the resource.
func (p *patchParser) resource(kind OpKind, v any) error {
	if kind == Remove {
		return refuse(noTarget, "a remove needs a path that says what to remove")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return refuse(invalidValue, "the value of an operation without path is %s: send an object with the attributes, or a path", kindOf(v))
	}
	for _, key := range sortedKeys(object) {
		if err := p.key(kind, key, object[key]); err != nil {
			return err
		}
	}
	return nil
}

// key takes one member of the value of an operation without path.
func (p *patchParser) key(kind OpKind, key string, v any) error {
	if strings.EqualFold(key, "id") || strings.EqualFold(key, "meta") || strings.EqualFold(key, "schemas") {
		return nil
	}
	if a := p.t.core.byName.find(key); a != nil {
		return p.named(kind, p.t.core, a, v)
	}
	if sec := p.t.section(key); sec != nil {
		return p.below(kind, sec, v)
	}
	path, to, ok := p.t.locateKey(key, p.c.Leniency)
	switch {
	case !ok:
		return p.unknown(key)
	case to.attribute == nil:
		return p.below(kind, to.section, v)
	case writable(to) != nil:
		return p.readOnly(to)
	}
	return p.inValue(kind, located{path: &path, to: to}, v)
}

// below takes what a value without path holds below the URN of a schema. Null says that there is nothing.
func (p *patchParser) below(kind OpKind, sec *section, v any) error {
	object, ok := v.(map[string]any)
	switch {
	case ok:
		return p.section(kind, sec, object)
	case v != nil:
		return refuse(invalidValue, "the value for %s is %s: send an object with the attributes of that schema", sec.urn, kindOf(v))
	case kind == Replace && sec.extension:
		path := filter.Path{Attr: filter.Attr{URN: sec.urn}}
		p.ops = append(p.ops, Op{Kind: Remove, Path: &path, to: target{section: sec}})
	}
	return nil
}

// section takes attributes found below the URN of their schema. There are clients for which these are a structure of
// its own, with schemas in it (RFC 7643 section 3).
func (p *patchParser) section(kind OpKind, sec *section, object map[string]any) error {
	for _, key := range sortedKeys(object) {
		if strings.EqualFold(key, "schemas") && lists(object[key], sec.urn) {
			continue
		}
		a := sec.byName.find(key)
		if a == nil {
			if err := p.unknown(sec.urn + ":" + key); err != nil {
				return err
			}
			continue
		}
		if err := p.named(kind, sec, a, object[key]); err != nil {
			return err
		}
	}
	return nil
}

// lists reports whether a JSON value is a list of nothing but a URN.
func lists(v any, urn string) bool {
	list, _ := v.([]any)
	return len(list) == 1 && list[0] == any(urn)
}

// named takes an attribute named plainly in a value without path.
func (p *patchParser) named(kind OpKind, sec *section, a *attribute, v any) error {
	to := target{section: sec, attribute: a}
	if writable(to) != nil {
		return p.readOnly(to)
	}
	path := filter.Path{Attr: filter.Attr{URN: a.urn, Name: a.name}}
	return p.inValue(kind, located{path: &path, to: to}, v)
}

// inValue takes an attribute found in a value without path. Null there unassigns (RFC 7643 section 2.5), but
// clients that send whole resources also write it for what they did not load: of required attributes and of members
// it says nothing.
func (p *patchParser) inValue(kind OpKind, at located, v any) error {
	if v == nil && (kind == Add || at.to.attribute.required || at.to.attribute.reference) {
		return nil
	}
	return p.emit(kind, at, v, true)
}

// readOnly answers a read-only attribute in a value without path.
func (p *patchParser) readOnly(to target) error {
	if p.c.ReadOnlyKeys || to.attribute.name == "id" || to.attribute.name == "meta" || to.attribute.name == "schemas" {
		return nil
	}
	return writable(to)
}

// unknown answers a key in a value without path that nobody knows.
func (p *patchParser) unknown(key string) error {
	if p.c.UnknownAttributes {
		return nil
	}
	return refuse(invalidPath, "%q names no attribute of a %s: leave it out, or declare a schema extension that has it", key, p.t.Name())
}

// emit adds the operation, its value in normal form.
func (p *patchParser) emit(kind OpKind, at located, v any, hasValue bool) error {
	if kind == Remove {
		return p.emitRemove(at, v)
	}
	if !hasValue {
		return refuse(invalidValue, "the %s of %q has no value", kind, at.path.String())
	}
	a := at.to.attribute
	if v == nil && a.reference {
		return refuse(invalidValue, "the %s of %q has null as value: send an array, an empty one for nobody", kind, at.path.String())
	}
	c := p.c
	if kind == Add { // "a new value is added" (RFC 7644 section 3.5.2.1), with or without an array around it
		c.SingleObjectAsArray = true
	}
	value, err := c.forPath(*at.path, at.to, v)
	if err != nil {
		return err
	}
	if value == nil {
		if kind == Add {
			return nil // nothing to add
		}
		return p.clear(at)
	}
	p.ops = append(p.ops, Op{
		Kind: kind, Path: at.path, Value: value, HasValue: true, to: at.to,
		create: kind == Add || at.path.Filter == nil || p.c.CreateOnReplace,
	})
	return nil
}

// clear adds a replace by nothing, which unassigns.
func (p *patchParser) clear(at located) error {
	if at.to.sub == nil && at.to.attribute.required {
		return refuse(invalidValue, "%s is required and cannot be empty", at.to.attribute.path)
	}
	p.ops = append(p.ops, Op{Kind: Remove, Path: at.path, to: at.to})
	return nil
}

// emitRemove adds a remove. Without value, or with null, it removes all that the path names; with a list of values
// only those, and a value that names nothing is refused, so that it is never mistaken for all.
func (p *patchParser) emitRemove(at located, v any) error {
	op := Op{Kind: Remove, Path: at.path, to: at.to}
	listed := at.to.attribute.multi && at.to.sub == nil && at.path.Filter == nil
	switch {
	case v == nil:
	case listed:
		c := p.c
		c.removing = true
		list, err := c.attribute(at.to.attribute, v)
		if err != nil {
			return err
		}
		if list == nil {
			return refuse(invalidValue, "the value of the remove of %q does not say which values are meant: list them, or leave value out to remove all", at.path.String())
		}
		op.Value, op.HasValue = list, true
	case at.to.attribute.multi && at.to.sub != nil && at.path.Filter == nil:
		return refuse(invalidPath, "the remove of %q has a value: select the values to be removed with a filter, as in %s[value eq \"...\"]", at.path.String(), at.to.attribute.path)
	}
	p.ops = append(p.ops, op)
	return nil
}
