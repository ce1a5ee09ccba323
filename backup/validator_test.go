package backup_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// A validator knows as much of JSON Schema 2020-12 as the schema uses, and
// fails on keywords that it does not know.
type validator struct {
	t     testing.TB
	root  map[string]any
	forms map[string]*regexp.Regexp
}

func newValidator(t testing.TB, schema []byte) validator {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(schema, &root); err != nil {
		t.Fatalf("the schema is no JSON: %v", err)
	}
	return validator{t, root, map[string]*regexp.Regexp{}}
}

// validate returns the pointers of what does not fit.
func (v validator) validate(document string) []string {
	v.t.Helper()
	d := json.NewDecoder(strings.NewReader(document))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		v.t.Fatalf("no JSON: %v\n%s", err, document)
	}
	return v.check(v.root, value, "")
}

func (v validator) check(schema map[string]any, value any, at string) []string {
	var bad []string
	for keyword, want := range schema {
		bad = append(bad, v.keyword(schema, keyword, want, value, at)...)
	}
	slices.Sort(bad)
	return slices.Compact(bad)
}

func (v validator) form(expression string) *regexp.Regexp {
	if v.forms[expression] == nil {
		v.forms[expression] = regexp.MustCompile(expression)
	}
	return v.forms[expression]
}

func (v validator) keyword(schema map[string]any, keyword string, want, value any, at string) []string {
	fits := true
	text, isText := value.(string)
	list, isList := value.([]any)
	object, isObject := value.(map[string]any)
	number, isNumber := integer(value)
	switch keyword {
	case "$schema", "$defs", "title", "description", "default":
	case "$ref":
		name := strings.TrimPrefix(want.(string), "#/$defs/")
		return v.check(v.root["$defs"].(map[string]any)[name].(map[string]any), value, at)
	case "type":
		fits = typeOf(value) == want
	case "const":
		fits = reflect.DeepEqual(value, want)
	case "enum":
		fits = slices.Contains(want.([]any), value)
	case "pattern":
		fits = !isText || v.form(want.(string)).MatchString(text)
	case "format":
		err := new(time.Time).UnmarshalText([]byte(text))
		fits = want == "date-time" && (!isText || err == nil)
	case "minLength":
		fits = !isText || utf8.RuneCountInString(text) >= int(want.(float64))
	case "maxLength":
		fits = !isText || utf8.RuneCountInString(text) <= int(want.(float64))
	case "minItems":
		fits = !isList || len(list) >= int(want.(float64))
	case "maxItems":
		fits = !isList || len(list) <= int(want.(float64))
	case "minimum":
		fits = !isNumber || number >= int64(want.(float64))
	case "maximum":
		fits = !isNumber || number <= int64(want.(float64))
	case "items":
		var bad []string
		for i, item := range list {
			bad = append(bad, v.check(want.(map[string]any), item, fmt.Sprintf("%s/%d", at, i))...)
		}
		return bad
	case "properties":
		var bad []string
		for name, below := range want.(map[string]any) {
			if member, found := object[name]; found {
				bad = append(bad, v.check(below.(map[string]any), member, at+"/"+name)...)
			}
		}
		return bad
	case "required":
		var bad []string
		for _, name := range want.([]any) {
			if _, found := object[name.(string)]; isObject && !found {
				bad = append(bad, at+"/"+name.(string))
			}
		}
		return bad
	case "additionalProperties":
		var bad []string
		for name := range object {
			if _, known := schema["properties"].(map[string]any)[name]; !known {
				bad = append(bad, at+"/"+name)
			}
		}
		return bad
	case "anyOf", "oneOf":
		n := 0
		for _, choice := range want.([]any) {
			if len(v.check(choice.(map[string]any), value, at)) == 0 {
				n++
			}
		}
		fits = n == 1 || n > 1 && keyword == "anyOf"
	default:
		v.t.Errorf("the schema has the keyword %s, which this validator does not know", keyword)
	}
	if fits {
		return nil
	}
	return []string{at}
}

func integer(value any) (int64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return int64(f), err == nil && f == math.Trunc(f)
}

func typeOf(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case json.Number:
		if _, ok := integer(value); ok {
			return "integer"
		}
		return "number"
	}
	return "null"
}
