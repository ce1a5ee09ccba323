package backup_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A spot is a value of a document, and what puts another in its place or, where it is
// a member or an entry, takes it away.
type spot struct {
	value  any
	set    func(any)
	remove func()
}

// spots lists all values of a document.
func spots(value any, set func(any), remove func()) []spot {
	all := []spot{{value, set, remove}}
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, spots(v[name], func(x any) { v[name] = x }, func() { delete(v, name) })...)
		}
	case []any:
		for i := range v {
			all = append(all, spots(v[i], func(x any) { v[i] = x }, func() { set(slices.Delete(slices.Clone(v), i, i+1)) })...)
		}
	}
	return all
}

// mutated returns a document in which something was exchanged, added or taken away.
func mutated(t *rapid.T, document string) string {
	var root any
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		t.Fatal(err)
	}
	for range rapid.IntRange(1, 3).Draw(t, "mutations") {
		all := spots(root, func(x any) { root = x }, func() {})
		mutate(t, all[rapid.IntRange(0, len(all)-1).Draw(t, "spot")])
	}
	text, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func mutate(t *rapid.T, s spot) {
	object, isObject := s.value.(map[string]any)
	list, isList := s.value.([]any)
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		s.remove()
	case 1, 2:
		if isObject {
			name := rapid.SampledFrom([]string{"nope", "Name", "url ", "const", "protected", "required", "env", "to", "from"}).Draw(t, "member")
			object[name] = drawJSON(t)
			return
		}
		if isList {
			s.set(append(slices.Clone(list), drawJSON(t)))
			return
		}
		s.set(drawJSON(t))
	default:
		s.set(drawJSON(t))
	}
}

func drawJSON(t *rapid.T) any {
	return rapid.SampledFrom([]any{
		nil, true, false, "", "x", "keep", "all", "okta", "Ünï", "a:b", " x ", "/x", "/x/", "https://x", "urn:x:y", "urn:x:y:User", "2027-02-30T00:00:00Z", "2027-11-30T00:00:00Z",
		"2027-11-30t00:00:00z", "2016-12-31T23:59:60Z", "2027-11-30T00:00:00+24:00", "2027-11-30T00:00:00,5Z", "a\n", strings.Repeat("é", 300), strings.Repeat("x", 5000),
		json.Number("-1"), json.Number("0"), json.Number("-0"), json.Number("7"), json.Number("7.0"), json.Number("1e2"), json.Number("1.5"), json.Number("101"), json.Number("1e18"),
		[]any{},
		[]any{"x"},
		[]any{nil},
		[]any{"x", json.Number("1")},
		map[string]any{},
		map[string]any{"nope": true},
		[]any{map[string]any{}},
		map[string]any{"env": "A"},
		map[string]any{"name": "a"},
		[]any{map[string]any{"name": "a", "id": "urn:x:y", "to": "a"}},
	}).Draw(t, "value")
}

// above reports whether a pointer is that of another, or of what holds it.
func above(a, b string) bool { return a == b || strings.HasPrefix(b, a+"/") }

// TestSchemaIsWhatReadDecodes holds the schema against the decoder on documents that
// were changed at random. What Read takes, the schema takes; it refuses what has faults
// of form, at the same places; and where it refuses, so does Read.
func TestSchemaIsWhatReadDecodes(t *testing.T) {
	v := newValidator(t, backup.Schema())
	rapid.Check(t, func(rt *rapid.T) {
		document := mutated(rt, written(rt, genConfig().Draw(rt, "config")))
		places := v.validate(document)
		_, err := backup.Read(strings.NewReader(document))
		if err == nil {
			if len(places) > 0 {
				rt.Fatalf("Read takes what the schema refuses at %v:\n%s", places, document)
			}
			return
		}
		for _, p := range backup.FormFaults(document) {
			if !slices.ContainsFunc(places, func(place string) bool { return above(place, p) }) {
				rt.Fatalf("the schema takes what has a fault of form at %s: %v\n%s", p, err, document)
			}
		}
		faults, _ := errors.AsType[mapping.Faults](err)
		for _, p := range places {
			if !slices.ContainsFunc(faults, func(f mapping.Fault) bool { return above(p, f.Pointer) || f.Pointer == "/format" }) {
				rt.Fatalf("the schema refuses at %s, and Read tells of nothing there: %v\n%s", p, err, document)
			}
		}
	})
}

// TestEveryValueMayBeWrong puts what is never right into every place of a document that
// has all settings.
func TestEveryValueMayBeWrong(t *testing.T) {
	v := newValidator(t, backup.Schema())
	n := 0
	for _, wrong := range []any{nil, json.Number("1e18"), map[string]any{"nope": true}} {
		var root any
		if err := json.Unmarshal(golden(t, "full.json"), &root); err != nil {
			t.Fatal(err)
		}
		for i, s := range spots(root, func(x any) { root = x }, func() {}) {
			s.set(wrong)
			text, err := json.Marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := backup.Read(strings.NewReader(string(text))); err == nil {
				t.Errorf("Read takes %.40v in place of value %d, %.40v", wrong, i, s.value)
			}
			if len(v.validate(string(text))) == 0 {
				t.Errorf("the schema takes %.40v in place of value %d, %.40v", wrong, i, s.value)
			}
			s.set(s.value)
			n++
		}
	}
	if n < 600 {
		t.Errorf("%d documents were tried", n)
	}
}

// Half a character, as of UTF-16, is refused wherever in a document it stands.
func TestNoTextHoldsHalfACharacter(t *testing.T) {
	var root any
	if err := json.Unmarshal(golden(t, "full.json"), &root); err != nil {
		t.Fatal(err)
	}
	for i, s := range spots(root, func(x any) { root = x }, func() {}) {
		if _, isText := s.value.(string); !isText {
			continue
		}
		s.set("PLACE")
		text, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		s.set(s.value)
		if _, err := backup.Read(strings.NewReader(strings.Replace(string(text), "PLACE", `\ud800`, 1))); err == nil {
			t.Errorf("Read takes half a character in place of text %d, %q", i, s.value)
		}
	}
}
