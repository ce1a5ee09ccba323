package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// Normalise brings the body of a POST or PUT into normal form: canonical spelling of names and URNs, no null and no
// empty value, values of the schema's types, read-only attributes left out (RFC 7644 sections 3.3 and 3.5.1), and
// "schemas" complete. What the leniency does not allow is an error that names the attribute. The result shares
// nothing with doc.
//
// It does not look for required attributes; [Type.Validate] does.
func (t *Type) Normalise(doc map[string]any, l Leniency) (map[string]any, error) {
	n := normaliser{t: t, c: coercer{Leniency: l}, out: make(map[string]any, len(doc)+1)}
	for key, v := range doc {
		if err := n.member(key, v); err != nil {
			return nil, err
		}
	}
	for _, late := range n.late {
		if err := n.section(late.section, late.object, true); err != nil {
			return nil, err
		}
	}
	if err := n.paths(doc); err != nil {
		return nil, err
	}
	if err := t.checkSchemas(doc, l); err != nil {
		return nil, err
	}
	t.complete(n.out)
	return n.out, nil
}

type normaliser struct {
	t    *Type
	c    coercer
	out  map[string]any
	late []lateSection
	odd  []string // keys that name something by a path
}

// A lateSection is an object found below the URN of the core schema, or below a misspelt one. It yields to what
// stands in its proper place.
type lateSection struct {
	section *section
	object  map[string]any
}

// member takes over one member of the document.
func (n *normaliser) member(key string, v any) error {
	if strings.EqualFold(key, "schemas") {
		return nil
	}
	if a := n.t.core.byName.find(key); a != nil {
		return n.attribute(n.out, a, v)
	}
	sec, late := n.t.section(key), false
	if sec == nil && n.c.Aliases {
		sec, late = n.t.section(n.t.misspelt[strings.ToLower(key)]), true
	}
	if sec == nil || (!sec.extension && !n.c.FlatURNKeys) {
		n.odd = append(n.odd, key)
		return nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		if v == nil || v == "" {
			return nil
		}
		return refuse(invalidValue, "%s is %s: send an object with the attributes of that schema", sec.urn, kindOf(v))
	}
	if late || !sec.extension {
		n.late = append(n.late, lateSection{sec, object})
		return nil
	}
	return n.section(sec, object, false)
}

// section takes over the object below the URN of a schema. If it yields, what is there already stays.
func (n *normaliser) section(sec *section, object map[string]any, yields bool) error {
	into := sec.owner(n.out, true)
	for key, v := range object {
		if strings.EqualFold(key, "schemas") && lists(v, sec.urn) {
			continue // as in the value of a PATCH
		}
		a := sec.byName.find(key)
		if a != nil && yields && into[a.name] != nil {
			continue
		}
		if a == nil {
			if err := n.unknown(sec.urn + ":" + key); err != nil {
				return err
			}
			continue
		}
		if err := n.attribute(into, a, v); err != nil {
			return err
		}
	}
	return nil
}

// attribute takes over one attribute.
func (n *normaliser) attribute(into map[string]any, a *attribute, v any) error {
	if a.readOnly || a.name == "schemas" {
		return nil
	}
	value, err := n.c.attribute(a, v)
	if err != nil {
		return err
	}
	if !empty(value) {
		into[a.name] = value
	}
	return nil
}

// unknown answers a name that no schema has.
func (n *normaliser) unknown(name string) error {
	if n.c.UnknownAttributes {
		return nil
	}
	return refuse(invalidSyntax, "%s has no attribute %q: leave it out, or declare a schema extension that has it", n.t.Name(), name)
}

// paths takes over what is named by a path: "URN:department", "name.givenName" and the like, in the order of
// their text, after everything that is named plainly.
func (n *normaliser) paths(doc map[string]any) error {
	if len(n.odd) == 0 {
		return nil
	}
	slices.Sort(n.odd)
	e := editor{t: n.t, doc: n.out}
	for _, key := range n.odd {
		path, to, ok := n.t.locateKey(key, n.c.Leniency)
		if !ok || to.attribute == nil {
			if err := n.unknown(key); err != nil {
				return err
			}
			continue
		}
		if to.attribute.readOnly || (to.sub != nil && to.sub.readOnly) {
			continue
		}
		if path.Attr.URN != "" && !strings.Contains(key, ":") && present(e.doc, to) {
			continue // the same with its URN stands in the document
		}
		value, err := n.c.forPath(path, to, doc[key])
		if err != nil {
			return err
		}
		if empty(value) {
			continue
		}
		op := Op{Kind: Replace, Path: &path, Value: value, HasValue: true, to: to, create: true}
		if err := e.apply(op); err != nil {
			return err
		}
	}
	return nil
}

// present reports whether doc has the attribute that to names.
func present(doc map[string]any, to target) bool {
	return !empty(to.section.owner(doc, false)[to.attribute.name])
}

// locateKey finds what the key of an object names, read as a path as far as the leniency allows.
func (t *Type) locateKey(key string, l Leniency) (filter.Path, target, bool) {
	brackets := strings.Contains(key, "[")
	dotted := strings.ContainsAny(key, ".:")
	if (brackets && !l.RawPatchKeys) || (dotted && !l.FlatURNKeys) {
		return filter.Path{}, target{}, false
	}
	path, err := filter.ParsePath(key)
	if err != nil {
		return path, target{}, false
	}
	path, to, ok := t.locate(path, l)
	if !ok || checkFilter(t, path, to) != nil {
		return path, to, false
	}
	return path, to, true
}

// forPath brings the value for a path into normal form.
func (c coercer) forPath(p filter.Path, to target, v any) (any, error) {
	switch {
	case to.sub != nil:
		return c.attribute(to.sub, v)
	case p.Filter != nil:
		if list, ok := v.([]any); ok && len(list) == 1 && c.SingleArrayAsValue {
			v = list[0]
		}
		return c.element(to.attribute, v)
	}
	return c.attribute(to.attribute, v)
}

// checkSchemas holds the "schemas" of a document against the type, unless the leniency waives it.
func (t *Type) checkSchemas(doc map[string]any, l Leniency) error {
	if l.MissingSchemas {
		return nil
	}
	var listed any
	for key, v := range doc {
		if strings.EqualFold(key, "schemas") {
			listed = v
		}
	}
	urns, ok := listed.([]any)
	if !ok {
		return refuse(invalidSyntax, "schemas is missing or not an array: send [%q]", t.core.urn)
	}
	seen := map[*section]bool{}
	for _, v := range urns {
		urn, ok := v.(string)
		sec := t.section(urn)
		switch {
		case !ok || sec == nil:
			return refuse(invalidValue, "schemas has %q, which is no schema of a %s", fmt.Sprint(v), t.Name())
		case seen[sec]:
			return refuse(invalidValue, "schemas has %q twice", urn)
		}
		seen[sec] = true
	}
	if !seen[t.core] {
		return refuse(invalidSyntax, "schemas lacks the schema of a %s: add %q", t.Name(), t.core.urn)
	}
	return nil
}

// complete drops extensions without data from doc and lists in "schemas" those that are left.
func (t *Type) complete(doc map[string]any) {
	schemas := make([]any, 1, 1+len(t.extensions))
	schemas[0] = t.core.urn
	for _, ext := range t.extensions {
		v, ok := doc[ext.urn]
		switch {
		case !ok:
		case empty(v):
			delete(doc, ext.urn)
		default:
			schemas = append(schemas, ext.urn)
		}
	}
	doc["schemas"] = schemas
}
