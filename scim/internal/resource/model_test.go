package resource_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
	"pgregory.net/rapid"
)

// TestPatchEqualsModel: random PATCH bodies end in what a plain reading of RFC 7644 section 3.5.2 ends in, and
// leave the resource they began with alone. A second time the same replace changes nothing.
func TestPatchEqualsModel(t *testing.T) {
	typ := typeNamed(t, "User")
	rapid.Check(t, func(rt *rapid.T) {
		before := map[string]any{"userName": "u"}
		begun, err := typ.Normalise(before, resource.Lenient())
		if err != nil {
			rt.Fatal(err)
		}
		model := modelOf(rt, begun)
		doc := begun
		for range rapid.IntRange(1, 4).Draw(rt, "bodies") {
			steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 5).Draw(rt, "steps")
			var texts []string
			for _, s := range steps {
				s.apply(model)
				texts = append(texts, s.text(rt))
			}
			body := patchBody(t, strings.Join(texts, ","))
			kept := modelOf(rt, doc)
			after, err := patch(t, typ, doc, body, resource.Lenient())
			if err != nil {
				rt.Fatalf("%s: %v", texts, err)
			}
			if diff := cmp.Diff(kept, modelOf(rt, doc)); diff != "" {
				rt.Fatalf("%s changed the resource given (-want +got):\n%s", texts, diff)
			}
			if err := typ.Validate(after); err != nil {
				rt.Fatalf("%s: %v", texts, err)
			}
			if diff := cmp.Diff(model, withoutSchemas(modelOf(rt, after))); diff != "" {
				rt.Fatalf("%s mismatch (-model +got):\n%s", texts, diff)
			}
			doc = after
		}
	})
}

// modelOf returns a deep copy by way of JSON, without schemas.
func modelOf(rt *rapid.T, doc map[string]any) map[string]any {
	text, err := json.Marshal(doc)
	if err != nil {
		rt.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		rt.Fatal(err)
	}
	return withoutSchemas(m)
}

func withoutSchemas(m map[string]any) map[string]any {
	delete(m, "schemas")
	return m
}

// A step is one operation, as the model sees it. Kind is empty for an attribute with one value.
type step struct {
	op, ext, attr, sub, kind string
	value                    any // nil in a remove
}

// drawStep draws an operation on title, name, the enterprise department and manager, emails or addresses.
func drawStep(rt *rapid.T) step {
	s := step{op: rapid.SampledFrom([]string{"add", "replace", "remove"}).Draw(rt, "op")}
	word := rapid.SampledFrom([]string{"x", "y", "z"})
	switch rapid.IntRange(0, 6).Draw(rt, "target") {
	case 0:
		s.attr, s.value = "title", word.Draw(rt, "v")
	case 1:
		s.attr, s.value = "name", map[string]any{rapid.SampledFrom([]string{"givenName", "familyName"}).Draw(rt, "sub"): word.Draw(rt, "v")}
	case 2:
		s.attr, s.sub, s.value = "name", "givenName", word.Draw(rt, "v")
	case 3:
		s.ext, s.attr, s.value = enterpriseURN, "department", word.Draw(rt, "v")
	case 4:
		s.ext, s.attr, s.sub, s.value = enterpriseURN, "manager", "value", word.Draw(rt, "v")
	case 5:
		s.attr = "emails"
		n := rapid.IntRange(0, 2).Draw(rt, "n")
		list := []any{}
		for i := range n {
			e := map[string]any{"value": word.Draw(rt, "v"), "type": []string{"work", "home"}[i]}
			if i == 0 && rapid.Bool().Draw(rt, "primary") {
				e["primary"] = true
			}
			list = append(list, e)
		}
		s.value = list
	case 6:
		s.attr = rapid.SampledFrom([]string{"emails", "addresses"}).Draw(rt, "list")
		s.kind = rapid.SampledFrom([]string{"work", "home"}).Draw(rt, "type")
		s.sub = map[string]string{"emails": "value", "addresses": "locality"}[s.attr]
		s.value = word.Draw(rt, "v")
	}
	if s.op == "remove" && !(s.attr == "emails" && s.kind == "" && rapid.Bool().Draw(rt, "listed")) {
		s.value = nil
	}
	return s
}

// text writes the step as a client would.
func (s step) text(rt *rapid.T) string {
	path := s.attr
	if s.ext != "" {
		path = s.ext + ":" + s.attr
	}
	if s.kind != "" {
		path += fmt.Sprintf("[type eq %q]", s.kind)
	}
	if s.sub != "" {
		path += "." + s.sub
	}
	op := map[string]any{"op": s.op, "path": path}
	if s.value != nil {
		op["value"] = s.value
	}
	text, err := json.Marshal(op)
	if err != nil {
		rt.Fatal(err)
	}
	return string(text)
}

// apply changes the model, reading the RFC as plainly as can be.
func (s step) apply(doc map[string]any) {
	owner := doc
	if s.ext != "" {
		owner, _ = doc[s.ext].(map[string]any)
		if owner == nil {
			owner = map[string]any{}
		}
	}
	switch {
	case s.kind != "":
		owner[s.attr] = s.filtered(asList(owner[s.attr]))
	case s.sub != "":
		complex, _ := owner[s.attr].(map[string]any)
		if complex == nil {
			complex = map[string]any{}
		}
		setOrDelete(complex, s.sub, s.value)
		owner[s.attr] = complex
	case s.attr == "emails":
		owner[s.attr] = s.list(asList(owner[s.attr]))
	default:
		s.single(owner)
	}
	prune(owner)
	if s.ext != "" {
		doc[s.ext] = owner
		prune(doc)
	}
}

func (s step) single(owner map[string]any) {
	given, complex := s.value.(map[string]any)
	old, _ := owner[s.attr].(map[string]any)
	if !complex || old == nil {
		setOrDelete(owner, s.attr, s.value)
		return
	}
	for k, v := range given {
		old[k] = v
	}
}

// filtered sets or removes a sub-attribute of the values of one type, and makes one where there is none.
func (s step) filtered(list []any) []any {
	hit := false
	for _, v := range list {
		m := v.(map[string]any)
		if m["type"] == s.kind {
			hit = true
			setOrDelete(m, s.sub, s.value)
		}
	}
	if !hit && s.value != nil {
		list = append(list, map[string]any{"type": s.kind, s.sub: s.value})
	}
	return slices.DeleteFunc(list, func(v any) bool {
		m := v.(map[string]any)
		return s.value == nil && m["type"] == s.kind && m["value"] == nil && m["locality"] == nil
	})
}

// list adds, replaces or removes whole values.
func (s step) list(list []any) []any {
	given := asList(s.value)
	switch {
	case s.op == "remove" && s.value == nil:
		return nil
	case s.op == "remove":
		return slices.DeleteFunc(list, func(v any) bool { return slices.ContainsFunc(given, func(g any) bool { return sameEmail(v, g) }) })
	case s.op == "replace":
		return given
	}
	for _, g := range given {
		i := slices.IndexFunc(list, func(v any) bool { return sameEmail(v, g) })
		if i < 0 {
			i = len(list)
			list = append(list, map[string]any{})
		}
		for k, v := range g.(map[string]any) {
			list[i].(map[string]any)[k] = v
		}
		if g.(map[string]any)["primary"] != true {
			continue
		}
		for j, v := range list {
			if m := v.(map[string]any); j != i && m["primary"] == true {
				m["primary"] = false
			}
		}
	}
	return list
}

func sameEmail(a, b any) bool {
	x, y := a.(map[string]any), b.(map[string]any)
	return x["value"] == y["value"] && x["type"] == y["type"]
}

// asList returns a copy of a list, its objects copied too.
func asList(v any) []any {
	list, _ := v.([]any)
	var c []any
	for _, e := range list {
		m := map[string]any{}
		for k, v := range e.(map[string]any) {
			m[k] = v
		}
		c = append(c, m)
	}
	return c
}

func setOrDelete(m map[string]any, key string, v any) {
	if v == nil {
		delete(m, key)
		return
	}
	m[key] = v
}

// prune drops what is empty.
func prune(m map[string]any) {
	for k, v := range m {
		if r := reflect.ValueOf(v); v == nil || (r.Kind() != reflect.Bool && r.Len() == 0) {
			delete(m, k)
		}
	}
}
