package backup

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/scimcrowd/scimcrowd/scim"
)

// A decoder fills Go values from nodes and notes what does not fit. The faults
// it finds are those that a JSON Schema can express, and duplicate keys.
type decoder struct {
	faults *faults
	forms  map[string]*regexp.Regexp
}

// value fills v, which has shape s.
func (d *decoder) value(n *node, s *shape, r rule, v reflect.Value, pointer string) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if n.kind == jsonNull && r.required { // else it can be left out
		d.faults.add(pointer, "it is null", "Write for example "+r.example)
		return
	}
	switch s.kind {
	case object:
		d.object(n, s, v, pointer)
	case list:
		d.list(n, s, r, v, pointer)
	case text, secret:
		d.text(n, s, r, v, pointer)
	case boolean:
		if d.is(jsonBool, n, pointer, "true or false, without quotation marks") {
			v.SetBool(n.text == "true")
		}
	case number:
		d.number(n, r, v, pointer)
	case timestamp:
		d.timestamp(n, v, pointer)
	case keepPaths:
		d.keep(n, v, pointer)
	case constant:
		d.constant(n, v, pointer)
	}
}

// is reports whether n is of a kind, and notes a fault if it is not.
func (d *decoder) is(want nodeKind, n *node, pointer, example string) bool {
	if n.kind == want {
		return true
	}
	if n.kind == jsonNull {
		d.faults.add(pointer, "it is null, not "+string(want), "Leave it out, or write "+example)
		return false
	}
	d.faults.add(pointer, "it is "+string(n.kind)+", not "+string(want), "Write "+example)
	return false
}

func (d *decoder) object(n *node, s *shape, v reflect.Value, pointer string) {
	if !d.is(jsonObject, n, pointer, "an object in braces") {
		return
	}
	times := make(map[string]int, len(n.members))
	for _, m := range n.members {
		times[m.name]++
		if times[m.name] > 1 {
			continue
		}
		at := pointer + "/" + escapePointer(m.name)
		f := s.field(m.name)
		if f == nil {
			d.unknown(at, m.name, s)
			continue
		}
		d.value(m.value, f.shape, f.rule, v.FieldByIndex(f.index), at)
	}
	d.duplicates(n, times, pointer)
	for _, f := range s.fields {
		if f.rule.required && times[f.name] == 0 {
			d.faults.add(pointer+"/"+f.name, "it is missing", fmt.Sprintf(`Add "%s": %s`, f.name, f.rule.example))
		}
	}
}

func (d *decoder) unknown(at, name string, s *shape) {
	if d.faults.full() {
		d.faults.add(at, "", "")
		return
	}
	remedy := "The fields known here are " + strings.Join(s.names(), ", ")
	if best := nearest(name, s.names()); best != "" {
		remedy = "Did you mean " + quote(best) + "?"
	}
	d.faults.add(at, "the field is not known", remedy)
}

func (d *decoder) duplicates(n *node, times map[string]int, pointer string) {
	if len(times) == len(n.members) {
		return
	}
	for _, m := range n.members {
		if times[m.name] > 1 {
			d.faults.add(pointer+"/"+escapePointer(m.name), fmt.Sprintf("the field stands there %d times", times[m.name]), "Keep one of them")
			times[m.name] = 1
		}
	}
}

func (d *decoder) list(n *node, s *shape, r rule, v reflect.Value, pointer string) {
	if !d.is(jsonList, n, pointer, "a list in brackets") {
		return
	}
	switch {
	case len(n.items) < r.least:
		d.faults.add(pointer, "the list is empty", "Write at least one, as in "+r.example)
	case r.most > 0 && len(n.items) > r.most:
		d.faults.add(pointer, fmt.Sprintf("the list has %d entries, more than %d", len(n.items), r.most), "Make it shorter")
		return
	}
	items := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		d.value(item, s.elem, s.rule, items.Index(i), pointer+"/"+strconv.Itoa(i))
	}
	v.Set(items)
}

func (d *decoder) text(n *node, s *shape, r rule, v reflect.Value, pointer string) {
	example := "a text in quotation marks"
	if r.example != "" {
		example += ", such as " + r.example
	} else if len(s.words) > 0 {
		example = either(s.words)
	}
	if !d.is(jsonText, n, pointer, example) {
		return
	}
	longest := maxText
	if r.most > 0 {
		longest = r.most
	}
	switch {
	case strings.ContainsRune(n.text, utf8.RuneError):
		d.faults.add(pointer, "the text holds the character U+FFFD, which stands for one that was lost", "Write the text anew")
	case len(s.words) > 0 && !slices.Contains(s.words, n.text):
		remedy := "Write " + either(s.words)
		if best := nearest(n.text, s.words); best != "" {
			remedy = "Did you mean " + quote(best) + "?"
		}
		d.faults.add(pointer, quote(n.text)+" is not known", remedy)
	case utf8.RuneCountInString(n.text) > longest:
		d.faults.add(pointer, fmt.Sprintf("the text is longer than %d characters", longest), "Make it shorter")
	case utf8.RuneCountInString(n.text) < r.least || n.text == "" && r.form != "":
		d.faults.add(pointer, "the text is empty", "Write for example "+r.example)
	case r.form != "" && !d.form(r.form).MatchString(n.text):
		d.faults.add(pointer, "it is not "+r.formed, "Write for example "+r.example)
	default:
		v.SetString(n.text)
	}
}

func (d *decoder) form(expression string) *regexp.Regexp {
	re, ok := d.forms[expression]
	if !ok {
		re = regexp.MustCompile(expression)
		d.forms[expression] = re
	}
	return re
}

func (d *decoder) number(n *node, r rule, v reflect.Value, pointer string) {
	example := "a whole number"
	if r.fallback != "" {
		example += ", such as " + r.fallback
	}
	if !d.is(jsonNumber, n, pointer, example+", without quotation marks") {
		return
	}
	f, err := strconv.ParseFloat(n.text, 64) // 1.0 and 1e3 are whole too, as JSON Schema has it
	if err != nil || f != math.Trunc(f) {
		d.faults.add(pointer, "it is not a whole number", "Write "+example)
		return
	}
	if f < float64(r.least) || f > float64(r.most) {
		d.faults.add(pointer, fmt.Sprintf("the number is not between %d and %d", r.least, r.most), "Write one that is")
		return
	}
	v.SetInt(int64(f))
}

func (d *decoder) timestamp(n *node, v reflect.Value, pointer string) {
	const example = `"2027-11-30T00:00:00Z"`
	if !d.is(jsonText, n, pointer, "a date and time in quotation marks, such as "+example) {
		return
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(n.text)); err != nil || t.IsZero() || !d.form(timestampForm).MatchString(n.text) {
		d.faults.add(pointer, "it is not a date and time with time zone", "Write for example "+example)
		return
	}
	v.Set(reflect.ValueOf(t))
}

func (d *decoder) keep(n *node, v reflect.Value, pointer string) {
	const remedy = `Write "all", "mapped" or a list of attribute paths`
	switch n.kind {
	case jsonText:
		if n.text != "all" && n.text != "mapped" {
			d.faults.add(pointer, quote(n.text)+" is not known", remedy)
			return
		}
		v.Set(reflect.ValueOf(scim.Keep{Mapped: n.text == "mapped"}))
	case jsonList:
		var paths []string
		r := rule{most: someItems}
		d.list(n, keptShape(), r, reflect.ValueOf(&paths).Elem(), pointer)
		v.Set(reflect.ValueOf(scim.Keep{Paths: paths}))
	default:
		d.faults.add(pointer, "it is "+string(n.kind)+", not a text or a list", remedy)
	}
}

// constant takes what a mapping may give as a constant.
func (d *decoder) constant(n *node, v reflect.Value, pointer string) {
	switch n.kind {
	case jsonText:
		d.text(n, &shape{kind: text}, rule{}, reflect.ValueOf(&n.text).Elem(), pointer)
		v.Set(reflect.ValueOf(n.text))
	case jsonBool:
		v.Set(reflect.ValueOf(n.text == "true"))
	case jsonList:
		var texts []string
		d.list(n, constantsShape(), rule{most: someItems}, reflect.ValueOf(&texts).Elem(), pointer)
		v.Set(reflect.ValueOf(texts))
	default:
		d.faults.add(pointer, "it is "+string(n.kind)+", not a text, true or false, or a list of texts", `Write for example "Employees"`)
	}
}

// keptShape is the list that users.keep may be.
func keptShape() *shape {
	return &shape{kind: list, elem: &shape{kind: text}, rule: rule{least: 1, example: `"phoneNumbers"`}}
}

// constantsShape is the list that a constant may be.
func constantsShape() *shape { return &shape{kind: list, elem: &shape{kind: text}} }

// either lists words as alternatives.
func either(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	if len(quoted) == 1 {
		return quoted[0]
	}
	last := len(quoted) - 1
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}
