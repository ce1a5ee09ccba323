package resource

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// OpKind is what a PATCH operation does, in lower case.
type OpKind string

// The operations of RFC 7644 section 3.5.2.
const (
	Add     OpKind = "add"
	Remove  OpKind = "remove"
	Replace OpKind = "replace"
)

// An Op is one PATCH operation in normal form: whatever the client wrote, it has a path in canonical spelling, and
// a value in normal form of the attribute's type.
type Op struct {
	Kind OpKind
	Path *filter.Path // never nil; the bare URN of an extension only in a remove
	// Value is a []any where the path names all values of a multi-valued attribute, even if it is empty. In a
	// remove it lists the values to be removed.
	Value    any
	HasValue bool // a remove without value removes all that the path names

	to     target
	create bool // make the value that the path's filter describes where it matches nothing
}

// ParsePatch reads a PATCH body (RFC 7644 section 3.5.2) into operations in normal form. Operations without path
// become one for each attribute in their value, with id, schemas and meta left out.
//
// An explicit path that nobody knows is invalidPath, one with a filter that cannot be evaluated invalidFilter, a
// read-only one mutability. A remove of values that cannot
// be recognised is invalidValue, never a remove of all; with an empty array it removes nothing.
func ParsePatch(doc map[string]any, t *Type, l Leniency, limits Limits) ([]Op, error) {
	list, err := operations(doc, l)
	if err != nil {
		return nil, err
	}
	if limit := limits.operations(); len(list) > limit {
		return nil, &Error{Status: tooLarge, Detail: fmt.Sprintf("the PATCH has more than %d operations: send it in parts", limit)}
	}
	p := patchParser{t: t, c: coercer{Leniency: l}, ops: make([]Op, 0, len(list))}
	for _, raw := range list {
		if err := p.operation(raw); err != nil {
			return nil, err
		}
	}
	return p.ops, nil
}

// patchURN is the schema of a PATCH body.
const patchURN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// operations returns the list of operations in a PATCH body.
func operations(doc map[string]any, l Leniency) ([]any, error) {
	schemas, _ := member(doc, "schemas")
	if urns, ok := schemas.([]any); !l.MissingSchemas && (!ok || len(urns) != 1 || !isText(urns[0], patchURN)) {
		return nil, refuse(invalidSyntax, "schemas of a PATCH must be [%q]", patchURN)
	}
	v, ok := member(doc, "Operations")
	if !ok {
		return nil, refuse(invalidSyntax, "Operations is missing: a PATCH lists its operations there (RFC 7644 section 3.5.2; the form of SCIM 1.1 is not understood)")
	}
	list, ok := v.([]any)
	if object, isObject := v.(map[string]any); isObject && l.SingleObjectAsArray {
		list, ok = []any{object}, true
	}
	if !ok || len(list) == 0 {
		return nil, refuse(invalidSyntax, "Operations must be an array with at least one operation")
	}
	return list, nil
}

// isText reports whether v is the text, ignoring case.
func isText(v any, text string) bool {
	s, ok := v.(string)
	return ok && strings.EqualFold(s, text)
}

// member finds a member of an object ignoring case.
func member(m map[string]any, name string) (any, bool) {
	if v, ok := m[name]; ok {
		return v, true
	}
	for key, v := range m {
		if strings.EqualFold(key, name) {
			return v, true
		}
	}
	return nil, false
}

// A patchParser collects the operations of one body.
type patchParser struct {
	t     *Type
	c     coercer
	ops   []Op
	paths map[string]located // explicit paths seen before
}

type located struct {
	path *filter.Path
	to   target
}

func (p *patchParser) operation(raw any) error {
	m, ok := raw.(map[string]any)
	if !ok {
		return refuse(invalidSyntax, "an operation is %s: send an object with op, path and value", kindOf(raw))
	}
	kind, err := opKind(m)
	if err != nil {
		return err
	}
	value, hasValue := member(m, "value")
	path, _ := member(m, "path")
	switch path := path.(type) {
	case nil:
		return p.resource(kind, value)
	case string:
		if p.c.Blanks {
			path = strings.TrimSpace(path)
		}
		if path == "" && p.c.Blanks {
			return p.resource(kind, value)
		}
		return p.explicit(kind, path, value, hasValue)
	}
	return refuse(invalidPath, "path is %s: send a string", kindOf(path))
}

// opKind returns what an operation does.
func opKind(operation map[string]any) (OpKind, error) {
	v, ok := member(operation, "op")
	text, isText := v.(string)
	kind := OpKind(strings.ToLower(text))
	switch {
	case kind == Add, kind == Remove, kind == Replace:
		return kind, nil
	case !ok:
		return "", refuse(invalidSyntax, "op is missing: send add, remove or replace")
	case !isText:
		return "", refuse(invalidSyntax, "op is %s: send add, remove or replace", kindOf(v))
	}
	return "", refuse(invalidSyntax, "op is %q: send add, remove or replace", text)
}

// explicit takes an operation with a path.
func (p *patchParser) explicit(kind OpKind, text string, v any, hasValue bool) error {
	if strings.EqualFold(text, p.t.core.urn) {
		return p.resource(kind, v)
	}
	at, err := p.locate(text)
	if err != nil {
		return err
	}
	switch {
	case at.to.attribute == nil:
		return p.whole(kind, at, v, hasValue)
	case at.to.attribute.name == "schemas" && kind != Remove:
		return p.schemas(v)
	}
	if err := writable(at.to); err != nil {
		return err
	}
	return p.emit(kind, at, v, hasValue)
}

// locate finds what an explicit path names. Each path is parsed once for a body.
func (p *patchParser) locate(text string) (located, error) {
	if at, ok := p.paths[text]; ok {
		return at, nil
	}
	path, err := filter.ParsePath(text)
	if err != nil {
		return located{}, refuse(unreadable(text, err), "the path %q cannot be read: %s", text, problem(err))
	}
	path, to, ok := p.t.locate(path, p.c.Leniency)
	if !ok {
		return located{}, refuse(invalidPath, "the path %q names no attribute of a %s: correct it, or declare a schema extension that has it", text, p.t.Name())
	}
	if err := checkFilter(p.t, path, to); err != nil {
		return located{}, err
	}
	if p.paths == nil {
		p.paths = map[string]located{}
	}
	at := located{path: &path, to: to}
	p.paths[text] = at
	return at, nil
}

// checkFilter holds the value filter of a path against the schema.
func checkFilter(t *Type, path filter.Path, to target) error {
	if path.Filter == nil {
		return nil
	}
	if to.attribute == nil || !to.attribute.multi {
		return refuse(invalidPath, "the path %q has a value filter, but the attribute has a single value", path.String())
	}
	if _, err := path.Check(t); err != nil {
		return refuse(unfit(err), "the value filter of the path %q does not fit the attribute: %s", path.String(), problem(err))
	}
	return nil
}

// unreadable returns the scimType for a path that cannot be read. Where the fault is between brackets that are closed
// it is that of filters, which RFC 7644 table 9 names for paths as well.
func unreadable(text string, err error) string {
	e, ok := errors.AsType[*filter.SyntaxError](err)
	if open := strings.Index(text, "["); ok && open >= 0 && e.Offset > open && strings.Contains(text[e.Offset:], "]") {
		return invalidFilter
	}
	return invalidPath
}

// unfit returns the scimType for a value filter that does not fit the attribute.
func unfit(err error) string {
	if e, ok := errors.AsType[*filter.AttributeError](err); ok && e.Unknown {
		return invalidPath
	}
	return invalidFilter
}

// problem returns what a filter error says, without the name of its package.
func problem(err error) string {
	if e, ok := errors.AsType[*filter.SyntaxError](err); ok {
		return e.Problem
	}
	if e, ok := errors.AsType[*filter.AttributeError](err); ok {
		return e.Problem
	}
	return err.Error()
}

// writable refuses a target that is read-only.
func writable(to target) error {
	if to.attribute.readOnly || to.attribute.name == "schemas" {
		return refuse(mutability, "%s is read-only: leave it out", to.attribute.path)
	}
	if to.sub != nil && to.sub.readOnly {
		return refuse(mutability, "%s is read-only: leave it out", to.sub.path)
	}
	return nil
}

// schemas takes an add or replace of schemas. What a resource lists there follows from its data, so that naming
// schemas the type has changes nothing.
func (p *patchParser) schemas(v any) error {
	urns, ok := v.([]any)
	if !ok {
		urns = []any{v}
	}
	known := func(urn any) bool {
		text, ok := urn.(string)
		return ok && p.t.section(text) != nil
	}
	for _, urn := range urns {
		if !known(urn) {
			return refuse(mutability, "schemas cannot be changed to hold what is no schema of a %s: %q", p.t.Name(), fmt.Sprint(urn))
		}
	}
	return nil
}

// whole takes an operation whose path is the URN of an extension.
func (p *patchParser) whole(kind OpKind, at located, v any, hasValue bool) error {
	if kind == Remove || (kind == Replace && v == nil && hasValue) {
		p.ops = append(p.ops, Op{Kind: Remove, Path: at.path, to: at.to})
		return nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		return refuse(invalidValue, "the value for %s is %s: send an object with the attributes of that schema", at.to.section.urn, kindOf(v))
	}
	return p.section(kind, at.to.section, object)
}

// sortedKeys returns the keys of an object in a fixed order, those with value filters behind all others.
func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if fa, fb := strings.Contains(a, "["), strings.Contains(b, "["); fa != fb {
			if fb {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return keys
}
