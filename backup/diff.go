package backup

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A Change is one difference between two configurations.
type Change struct {
	// Connection is the name of the connection it is about, "" for none.
	Connection string `json:"connection,omitempty"`
	// Pointer is where it is: in the new document, or in the old one for what the
	// new one has no more.
	Pointer string `json:"pointer"`
	// Text says in words what is different.
	Text string `json:"text"`
}

// String returns a line for people.
func (c Change) String() string {
	if c.Connection == "" {
		return c.Text
	}
	return "connection " + c.Connection + ": " + c.Text
}

// Diff tells in words how b differs from a, first what b has and then, at each
// place, what it has no more. Connections are told apart by name, tokens by id,
// rows of the attribute mapping by target, rules by what they map from, extensions by
// URN and their attributes by name. There is no difference exactly where [Write] writes
// the same. Secrets and hashes are said to change, and never shown.
func Diff(a, b *Config) []Change {
	d := differ{}
	d.value(configShape(), rule{}, place{}, reflect.ValueOf(*a), reflect.ValueOf(*b))
	return d.changes
}

// A place is where the comparison is.
type place struct {
	connection   string
	pointer, old string // in the new document, and in the old one
	label        string // such as users.delete
}

func (p place) member(name string) place {
	p.pointer += "/" + name
	p.old += "/" + name
	switch {
	case strings.HasSuffix(p.label, `"`):
		p.label += " "
	case p.label != "":
		p.label += "."
	}
	p.label += name
	return p
}

type differ struct {
	changes []Change
}

func (d *differ) say(p place, text string) {
	d.changes = append(d.changes, Change{Connection: p.connection, Pointer: p.pointer, Text: text})
}

// value compares two values of one shape.
func (d *differ) value(s *shape, r rule, p place, a, b reflect.Value) {
	switch {
	case s.name == "backup.Password":
		d.password(p, a.Interface().(Password), b.Interface().(Password))
	case s.name == "backup.Config":
		f := s.field("connections") // the format is one
		d.entries(f.shape, p.member(f.name), a.FieldByIndex(f.index), b.FieldByIndex(f.index))
	case s.kind == object:
		absent := a.IsZero() || b.IsZero()
		for _, f := range s.fields {
			f.rule.required = f.rule.required && !absent // what is not there has no empty texts
			d.value(f.shape, f.rule, p.member(f.name), a.FieldByIndex(f.index), b.FieldByIndex(f.index))
		}
	case s.kind != list || r.ordered:
		d.whole(s, r, p, a, b)
	case s.elem.kind == object:
		d.entries(s, p, a, b)
	case a.IsNil() || b.IsNil():
		d.whole(s, r, p, a, b)
	default:
		d.set(p, a.Interface().([]string), b.Interface().([]string))
	}
}

// whole compares two values as such.
func (d *differ) whole(s *shape, r rule, p place, a, b reflect.Value) {
	noA, noB := !r.required && unset(a), !r.required && unset(b)
	if noA && noB || !noA && !noB && bytes.Equal(appendValue(nil, s, a), appendValue(nil, s, b)) {
		return
	}
	before, after := r.fallback, r.fallback
	if !noA {
		before = words(s, a)
	}
	if !noB {
		after = words(s, b)
	}
	text := p.label + ": " + difference(before, after, noA, noB)
	if r.private {
		text = p.label + " changes"
	}
	if r.effect != "" && before != after {
		text += "; " + r.effect
	}
	d.say(p, text)
}

// difference says in words how two values differ. What is not set has the text
// of its default, "" if there is none.
func difference(before, after string, noBefore, noAfter bool) string {
	switch {
	case before == "":
		return after + ", not set before"
	case after == "":
		return "not set any more, was " + before
	case noBefore && before == after:
		return after + ", the default so far, is now said"
	case noAfter && before == after:
		return before + " is said no more, and is the default"
	case noBefore:
		return after + " instead of the default " + before
	case noAfter:
		return "the default " + after + " instead of " + before
	}
	return after + " instead of " + before
}

// set compares two lists whose order has no meaning.
func (d *differ) set(p place, a, b []string) {
	added, removed := minus(b, a), minus(a, b)
	var parts []string
	if len(added) > 0 {
		parts = append(parts, quoteAll(added)+" added")
	}
	if len(removed) > 0 {
		parts = append(parts, quoteAll(removed)+" removed")
	}
	if len(parts) == 0 && !slices.Equal(a, b) {
		parts = []string{"in another order"}
	}
	if len(parts) > 0 {
		d.say(p, p.label+": "+strings.Join(parts, ", "))
	}
}

// minus returns what is in a beyond what is in b.
func minus(a, b []string) []string {
	count := map[string]int{}
	for _, s := range b {
		count[s]++
	}
	var rest []string
	for _, s := range a {
		if count[s]--; count[s] < 0 {
			rest = append(rest, s)
		}
	}
	return rest
}

// entries compares two lists of objects that bear names.
func (d *differ) entries(s *shape, p place, a, b reflect.Value) {
	before, after := entryNames(a), entryNames(b)
	at := make(map[string]int, len(before))
	for i, name := range before {
		at[name] = i
	}
	for i, name := range after {
		below := p.entry(b.Index(i), i)
		old, found := at[name]
		if !found {
			d.say(below, describeEntry(below, b.Index(i), true))
			continue
		}
		below.old = fmt.Sprintf("%s/%d", p.old, old)
		d.value(s.elem, rule{}, below, a.Index(old), b.Index(i))
	}
	for _, name := range minus(before, after) {
		below := p.entry(a.Index(at[name]), at[name])
		below.pointer = fmt.Sprintf("%s/%d", p.old, at[name])
		d.say(below, describeEntry(below, a.Index(at[name]), false))
	}
	if !slices.Equal(minus(before, minus(before, after)), minus(after, minus(after, before))) {
		d.say(p, p.label+": in another order")
	} else if !a.IsNil() && b.IsNil() || a.IsNil() && !b.IsNil() {
		d.emptied(p, a, b)
	}
}

// emptied tells an empty list from one that is not there.
func (d *differ) emptied(p place, a, b reflect.Value) {
	switch {
	case a.Len()+b.Len() > 0: // the entries were told
	case b.IsNil():
		d.say(p, p.label+": not set any more, was an empty list")
	default:
		d.say(p, p.label+": an empty list, not set before")
	}
}

func (d *differ) password(p place, a, b Password) {
	if a == b {
		return
	}
	text := fmt.Sprintf("%s: %s, %s before", p.label, b, a)
	if a.String() == b.String() {
		text = fmt.Sprintf("%s: another one, %s as before", p.label, b)
	}
	d.say(p, text)
}
