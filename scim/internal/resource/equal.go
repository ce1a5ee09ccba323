package resource

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// Equal reports whether two resources in normal form are the same, whatever their meta and the order of their
// multi-valued attributes.
func Equal(a, b map[string]any) bool {
	return sameObject(a, b, "meta")
}

// same compares two JSON values, arrays in any order. No value equals an empty one.
func same(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && sameObject(x, y, "") || len(x) == 0 && empty(b)
	case []any:
		y, ok := b.([]any)
		return ok && sameSet(x, y) || len(x) == 0 && empty(b)
	case json.Number:
		y, ok := b.(json.Number)
		return ok && sameNumber(x, y)
	}
	switch b.(type) {
	case map[string]any, []any:
		return empty(a) && empty(b)
	}
	return a == b || empty(a) && empty(b)
}

func sameNumber(x, y json.Number) bool {
	return x == y || number(x) == number(y)
}

// number writes a number so that equal ones have equal text.
func number(n json.Number) string {
	if r := rational(n); r != nil {
		return r.RatString()
	}
	return n.String()
}

// rational returns the exact value of a number, nil for one of absurd size.
func rational(n json.Number) *big.Rat {
	text := n.String()
	if i := strings.IndexAny(text, "eE"); len(text) > 64 || (i >= 0 && len(text)-i > 4) {
		return nil
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil
	}
	return r
}

func sameObject(a, b map[string]any, except string) bool {
	for k, v := range a {
		if k != except && !same(v, b[k]) {
			return false
		}
	}
	for k, v := range b {
		if _, ok := a[k]; !ok && k != except && !empty(v) {
			return false
		}
	}
	return true
}

// sameSet compares arrays as sets in which each value counts as often as it stands there.
func sameSet(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	i := 0
	for i < len(a) && same(a[i], b[i]) {
		i++
	}
	a, b = a[i:], b[i:]
	if len(a) == 0 {
		return true
	}
	counts := make(map[string]int, len(a))
	for _, v := range a {
		counts[fingerprint(v)]++
	}
	for _, v := range b {
		f := fingerprint(v)
		if counts[f] == 0 {
			return false
		}
		counts[f]--
	}
	return true
}

// fingerprint returns text that is equal for values that are the same.
func fingerprint(v any) string { return string(appendFingerprint(nil, v)) }

func appendFingerprint(b []byte, v any) []byte {
	switch v := v.(type) {
	case map[string]any:
		b = append(b, '{')
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if !empty(v[k]) {
				b = strconv.AppendQuote(b, k)
				b = appendFingerprint(append(b, ':'), v[k])
			}
		}
		return append(b, '}')
	case []any:
		texts := make([]string, len(v))
		for i, e := range v {
			texts[i] = fingerprint(e)
		}
		slices.Sort(texts)
		return append(append(append(b, '['), strings.Join(texts, ",")...), ']')
	case string:
		return strconv.AppendQuote(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case json.Number:
		return append(b, number(v)...)
	case float64:
		return append(b, number(json.Number(strconv.FormatFloat(v, 'g', -1, 64)))...)
	}
	return append(b, "null"...)
}
