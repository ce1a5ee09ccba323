package mapping

import (
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/vm/runtime"
)

// perItem is the work of one value of a list, in bytes.
const perItem = 16

// operatorHelpers returns the helpers that stand for operators, so that a loop over a long list with a long text in
// its condition ends as well.
func operatorHelpers() []helper {
	texts := func(*run, string, string) bool { return false }
	any2 := func(*run, any, any) bool { return false }
	return []helper{
		{name: addName, call: add, typ: func(*run, any, any) string { return "" }},
		{name: lenName, call: length, typ: func(*run, any) int { return 0 }},
		{name: "_contains", call: onTexts(strings.Contains), typ: texts},
		{name: "_startsWith", call: onTexts(strings.HasPrefix), typ: texts},
		{name: "_endsWith", call: onTexts(strings.HasSuffix), typ: texts},
		{name: "_<", call: ordered(func(c int) bool { return c < 0 }, runtime.Less), typ: any2},
		{name: "_>", call: ordered(func(c int) bool { return c > 0 }, runtime.More), typ: any2},
		{name: "_<=", call: ordered(func(c int) bool { return c <= 0 }, runtime.LessOrEqual), typ: any2},
		{name: "_>=", call: ordered(func(c int) bool { return c >= 0 }, runtime.MoreOrEqual), typ: any2},
		{name: "_==", call: func(p ...any) (any, error) { return p[0].(*run).same(p[1], p[2]) }, typ: any2},
		{name: "_!=", call: func(p ...any) (any, error) {
			same, err := p[0].(*run).same(p[1], p[2])
			return !same, err
		}, typ: any2},
		{name: inName, call: in, typ: any2},
	}
}

// add joins two texts. Numbers and booleans count as their text.
func add(p ...any) (any, error) {
	a, b := asText(p[1]), asText(p[2])
	if err := p[0].(*run).spend(len(a) + len(b)); err != nil {
		return nil, err
	}
	return a + b, nil
}

// length counts the characters of a text, or the values of a list.
func length(p ...any) (any, error) {
	switch v := p[1].(type) {
	case nil:
		return 0, nil
	case string:
		return utf8.RuneCountInString(v), p[0].(*run).spend(len(v))
	}
	return runtime.Len(p[1]), nil
}

// onTexts makes a helper of a question about two texts.
func onTexts(f func(a, b string) bool) func(...any) (any, error) {
	return func(p ...any) (any, error) {
		a, b := asText(p[1]), asText(p[2])
		if err := p[0].(*run).spend(len(a) + len(b)); err != nil {
			return nil, err
		}
		return f(a, b), nil
	}
}

// ordered makes a helper of a comparison: of texts, or else as the language does it.
func ordered(ofTexts func(c int) bool, other func(a, b any) bool) func(...any) (any, error) {
	return func(p ...any) (any, error) {
		a, isText := p[1].(string)
		b, areTexts := p[2].(string)
		if !isText || !areTexts {
			return other(p[1], p[2]), nil
		}
		return ofTexts(strings.Compare(a, b)), p[0].(*run).spend(min(len(a), len(b)))
	}
}

// same reports whether two values are equal, accounting for each that it looks at.
func (r *run) same(a, b any) (bool, error) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return ok && a == b, r.spend(min(len(a), len(b)))
	case []any:
		b, ok := b.([]any)
		return r.sameLists(a, b, ok)
	case map[string]any:
		b, ok := b.(map[string]any)
		return r.sameMaps(a, b, ok)
	}
	return runtime.Equal(a, b), nil
}

func (r *run) sameLists(a, b []any, ok bool) (bool, error) {
	if !ok || len(a) != len(b) {
		return false, r.spend(0)
	}
	for i := range a {
		if same, err := r.same(a[i], b[i]); err != nil || !same {
			return false, err
		}
		if err := r.spend(0); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *run) sameMaps(a, b map[string]any, ok bool) (bool, error) {
	if !ok || len(a) != len(b) {
		return false, r.spend(0)
	}
	for k, v := range a {
		w, there := b[k]
		if err := r.spend(len(k)); err != nil || !there {
			return false, err
		}
		if same, err := r.same(v, w); err != nil || !same {
			return false, err
		}
	}
	return true, nil
}

// in reports whether a value is one of a list, or the name of an attribute.
func in(p ...any) (any, error) {
	r := p[0].(*run)
	list, ok := p[2].([]any)
	if !ok {
		return runtime.In(p[1], p[2]), r.spend(0)
	}
	for _, v := range list {
		if err := r.spend(0); err != nil {
			return false, err
		}
		if same, err := r.same(p[1], v); err != nil || same {
			return same, err
		}
	}
	return false, nil
}
