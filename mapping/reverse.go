package mapping

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// ToSCIM returns the resource of a user of whom Crowd holds f: what the identity provider last sent, corrected
// where mapping it forward would not give what Crowd holds. Where kept is nil the resource is built from f alone.
//
// A correction goes to the first path of the row that names a single place. Addresses are never corrected while
// kept has any: Crowd knows one, the identity provider several, and a Crowd that refuses a change of email must
// not make the provider send it for ever. A user name that differs in case alone is not corrected either, since
// Crowd may be set to show all names in lower case. Values that a row computes cannot be taken back, but userName
// and active are always there, from Crowd where need be. Of a user whom the filter does not choose, only active is
// corrected: nothing else of what was sent went to Crowd. Neither f nor kept is changed; the result may share values with kept.
func (m *AttributeMap) ToSCIM(f Fields, kept map[string]any) map[string]any {
	resource := maps.Clone(kept)
	if resource == nil {
		resource = make(map[string]any)
	}
	shared := true
	excluded := kept != nil && m.excludes(kept)
	for _, r := range m.rows {
		if !f.knows(r) || excluded && (r.To != toActive || !*f.Active) {
			continue
		}
		if kept != nil && m.agrees(r, &f, resource) {
			continue
		}
		if shared {
			resource, shared = clone(resource).(map[string]any), false
		}
		m.correct(r, f.values(r), resource)
	}
	userName := filter.Path{Attr: filter.Attr{Name: "userName"}}
	if f.Username != nil && len(filled(userName.Values(resource, m.schema))) == 0 {
		put(resource, "userName", *f.Username)
	}
	active := filter.Path{Attr: filter.Attr{Name: "active"}}
	if f.Active != nil && len(active.Values(resource, m.schema)) == 0 {
		put(resource, "active", *f.Active)
	}
	return resource
}

// correct writes what Crowd holds to the first path of the row that has a place for it.
func (m *AttributeMap) correct(r *row, values []any, resource map[string]any) {
	for _, p := range r.paths {
		if (place{path: p, schema: m.schema}).set(resource, values) {
			return
		}
	}
	if r.To == toUsername && len(values) > 0 && r.expr != nil && r.expr.reads("userName") {
		put(resource, "userName", values[0])
	}
}

// knows reports whether f says what Crowd holds for a row.
func (f *Fields) knows(r *row) bool {
	switch {
	case r.To == toActive:
		return f.Active != nil
	case r.custom:
		_, ok := f.Custom[r.To]
		return ok
	}
	return *f.field(r.To) != nil
}

// values returns what Crowd holds for a row, where f knows.
func (f *Fields) values(r *row) (values []any) {
	switch {
	case r.To == toActive:
		return []any{*f.Active}
	case r.custom:
		for _, t := range f.Custom[r.To] {
			values = append(values, t)
		}
		return values
	}
	if text := **f.field(r.To); text != "" {
		return []any{text}
	}
	return nil
}

// agrees reports whether the row makes of the resource the values that Crowd holds, where f knows.
func (m *AttributeMap) agrees(r *row, f *Fields, resource map[string]any) bool {
	o := m.outcome(r, resource)
	switch {
	case r.To == toActive:
		return o.found && o.active == *f.Active
	case r.custom:
		return sameSet(o.values, f.Custom[r.To])
	}
	text := **f.field(r.To)
	switch {
	case r.To == toUsername:
		return o.found && text != "" && Fold(o.values[0]) == Fold(text)
	case text == "":
		return len(o.values) == 0
	}
	return len(o.values) == 1 && o.values[0] == text
}

// sameSet reports whether two lists without repetition hold the same.
func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	in := make(map[string]bool, len(a))
	for _, v := range a {
		in[v] = true
	}
	return !slices.ContainsFunc(b, func(v string) bool { return !in[v] })
}

// A place is where a path puts a value that it would then select.
type place struct {
	path   filter.Path
	schema filter.Schema
}

// set puts values where the path selects them, and reports whether it could. No values means to take away what is
// there.
func (p place) set(resource map[string]any, values []any) bool {
	attr, info, err := p.path.Attr.Resolve(p.schema)
	if err != nil || attr.Name == "" {
		return false
	}
	values, ok := typed(values, info.Type)
	if !ok {
		return false
	}
	if len(values) == 0 && len(p.path.Values(resource, p.schema)) == 0 {
		return true
	}
	object := resource
	if attr.URN != "" {
		object = child(resource, attr.URN)
	}
	whole, _, err := filter.Attr{URN: attr.URN, Name: attr.Name}.Resolve(p.schema)
	top, _ := p.schema.Lookup(whole.URN, whole.Name)
	switch {
	case err != nil:
		return false
	case top.Multi && top.Type == filter.Complex:
		return p.setElement(object, attr, values)
	case p.path.Filter != nil:
		return false
	case top.Type == filter.Complex && attr.Sub == "":
		attr.Sub = "value"
	}
	if attr.Sub != "" {
		object = child(object, attr.Name)
		attr.Name = attr.Sub
	}
	putAll(object, attr.Name, values, info.Multi)
	return true
}

// typed returns values, which Crowd has as texts, in the type of an attribute. It is not ok where one has no such form.
func typed(values []any, t filter.Type) (all []any, ok bool) {
	all = slices.Clone(values)
	for i, v := range all {
		text, isText := v.(string)
		switch {
		case isText && t == filter.Number:
			if !json.Valid([]byte(text)) || strings.Trim(text, "+-.0123456789eE") != "" {
				return nil, false
			}
			all[i] = json.Number(text)
		case isText && t == filter.Boolean:
			if all[i], ok = asBool(text); !ok {
				return nil, false
			}
		}
	}
	return all, true
}

// setElement adds one value to a multi-valued attribute that has none so far.
func (p place) setElement(object map[string]any, attr filter.Attr, values []any) bool {
	if len(values) == 0 || len(filter.Path{Attr: filter.Attr{Name: attr.Name}}.Values(object, nil)) > 0 {
		return true
	}
	var list []any
	for _, v := range values {
		element := map[string]any{"value": v}
		if attr.Sub != "" && attr.Sub != "value" {
			element = map[string]any{attr.Sub: v}
		}
		if p.path.Filter != nil && !satisfy(element, p.path.Filter) {
			return false
		}
		if attr.Name == "emails" {
			putMissing(element, "type", "work")
			putMissing(element, "primary", true)
		}
		list = append(list, element)
	}
	put(object, attr.Name, list)
	return true
}

// satisfy gives an element what a filter of plain equalities asks for.
func satisfy(element map[string]any, e filter.Expr) bool {
	switch e := e.(type) {
	case *filter.And:
		for _, t := range e.Terms {
			if !satisfy(element, t) {
				return false
			}
		}
		return true
	case *filter.Compare:
		if e.Op != filter.Equal || e.Value == nil {
			return false
		}
		value := e.Value
		if b, ok := asBool(value); ok && strings.EqualFold(e.Attr.Name, "primary") {
			value = b
		}
		return putMissing(element, e.Attr.Name, value)
	}
	return false
}

// clone copies JSON values.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			return nil
		}
		c := make(map[string]any, len(v))
		for k, e := range v {
			c[k] = clone(e)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, e := range v {
			c[i] = clone(e)
		}
		return c
	}
	return v
}

// key returns the key of object that is name ignoring case, or name itself.
func key(object map[string]any, name string) string {
	if _, ok := object[name]; ok {
		return name
	}
	for _, k := range slices.Sorted(maps.Keys(object)) {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return name
}

// child returns the object below name, made if need be.
func child(object map[string]any, name string) map[string]any {
	k := key(object, name)
	c, ok := object[k].(map[string]any)
	if !ok {
		c = make(map[string]any)
		object[k] = c
	}
	return c
}

func put(object map[string]any, name string, v any) { object[key(object, name)] = v }

func putMissing(object map[string]any, name string, v any) bool {
	k := key(object, name)
	if _, ok := object[k]; !ok {
		object[k] = v
	}
	return true
}

// putAll writes values as a list or a single value.
func putAll(object map[string]any, name string, values []any, multi bool) {
	switch {
	case len(values) == 0:
		delete(object, key(object, name))
	case multi:
		put(object, name, values)
	default:
		put(object, name, values[0])
	}
}
