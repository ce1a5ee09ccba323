// Package query holds what a Crowd search asks for: restrictions on properties,
// read from Crowd Query Language or from restriction bodies.
package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// An Entity is a user or group as a restriction sees it.
type Entity interface {
	// Text returns a text property of the entity; false where name is none.
	Text(name string) (string, bool)
	// Active is the property of that name.
	IsActive() bool
	// Date returns a date property of the entity.
	Date(name string) time.Time
	// Attribute returns the values of a custom attribute.
	Attribute(name string) []string
}

// A Node is a restriction or a combination of several.
type Node interface{ Match(Entity) bool }

// All matches everything.
type All struct{}

// Match is always true.
func (All) Match(Entity) bool { return true }

// And matches what every part matches.
type And []Node

// Match tells whether every part matches.
func (a And) Match(e Entity) bool {
	for _, n := range a {
		if !n.Match(e) {
			return false
		}
	}
	return true
}

// Or matches what any part matches.
type Or []Node

// Match tells whether any part matches.
func (o Or) Match(e Entity) bool {
	for _, n := range o {
		if n.Match(e) {
			return true
		}
	}
	return false
}

// A Mode is the way a value is compared.
type Mode int

// The modes of comparison.
const (
	Exactly Mode = iota
	StartsWith
	EndsWith
	Contains
	Greater
	Less
	Null
)

// Text restricts a text property or, where Custom is set, a custom attribute,
// of which any value may match.
type Text struct {
	Property string
	Custom   bool
	Mode     Mode
	Value    string
	// ByCase makes letter case significant.
	ByCase bool
}

// Match compares the property of e.
func (t Text) Match(e Entity) bool {
	if !t.Custom {
		text, _ := e.Text(t.Property)
		return t.matches(text)
	}
	values := e.Attribute(t.Property)
	if t.Mode == Null {
		return len(values) == 0
	}
	for _, v := range values {
		if t.matches(v) {
			return true
		}
	}
	return false
}

func (t Text) matches(text string) bool {
	value := t.Value
	if !t.ByCase {
		text, value = crowd.Fold(text), crowd.Fold(value)
	}
	switch t.Mode {
	case StartsWith:
		return strings.HasPrefix(text, value)
	case EndsWith:
		return strings.HasSuffix(text, value)
	case Contains:
		return strings.Contains(text, value)
	case Greater:
		return text > value
	case Less:
		return text < value
	case Null:
		return text == ""
	}
	return text == value
}

// Active restricts to the active or the inactive.
type Active bool

// Match compares the flag of e.
func (a Active) Match(e Entity) bool { return e.IsActive() == bool(a) }

// Date restricts a date property. A partial date stands for the time from its
// first instant to the one before End.
type Date struct {
	Property   string
	Mode       Mode
	Start, End time.Time
}

// Match compares the date of e.
func (d Date) Match(e Entity) bool {
	at := e.Date(d.Property)
	switch d.Mode {
	case Greater:
		return at.After(d.Start)
	case Less:
		return at.Before(d.Start)
	}
	return !at.Before(d.Start) && at.Before(d.End)
}

// A Schema says which properties an entity has, and how they are compared.
type Schema struct {
	// Texts are the text properties; "active" and the two dates are everyone's.
	Texts []string
	// ByCase makes letter case significant.
	ByCase bool
	// NoCustom makes restrictions on custom attributes match nothing.
	NoCustom bool
	// Ordered lets texts be compared as greater and less.
	Ordered bool
	// Attribute, if not nil, returns the name under which an attribute is stored.
	Attribute func(name string) string
	// Narrow refuses what no document and no known client vouches for.
	Narrow bool
}

// vouchedFor tells whether a property of an entity is documented.
func (s Schema) vouchedFor(property string) bool {
	return !s.Narrow || property != "displayName" && property != "updatedDate"
}

func (s Schema) isText(name string) bool {
	for _, t := range s.Texts {
		if t == name {
			return s.vouchedFor(name)
		}
	}
	return false
}

// restrict makes the node of one comparison.
func (s Schema) restrict(property string, mode Mode, value string) (Node, error) {
	switch {
	case property == "active":
		return activeNode(mode, value)
	case (property == "createdDate" || property == "updatedDate") && s.vouchedFor(property):
		return dateNode(property, mode, value)
	case (mode == Greater || mode == Less) && !s.Ordered:
		return nil, fmt.Errorf("%s is a text and has no order", property)
	}
	custom := !s.isText(property)
	if custom && s.NoCustom {
		return Or{}, nil
	}
	if custom && s.Attribute != nil {
		property = s.Attribute(property)
	}
	return Text{Property: property, Custom: custom, Mode: mode, Value: value, ByCase: s.ByCase}, nil
}

func activeNode(mode Mode, value string) (Node, error) {
	flag := strings.ToLower(value)
	if mode != Exactly || flag != "true" && flag != "false" {
		return nil, fmt.Errorf("active cannot be compared with %q", value)
	}
	return Active(flag == "true"), nil
}

func dateNode(property string, mode Mode, value string) (Node, error) {
	if mode != Exactly && mode != Greater && mode != Less {
		return nil, fmt.Errorf("%s is a date and has no parts", property)
	}
	start, end, err := parseDate(value)
	if err != nil {
		return nil, err
	}
	return Date{Property: property, Mode: mode, Start: start, End: end}, nil
}

// parseDate reads a whole or partial date, or milliseconds since the epoch.
func parseDate(value string) (start, end time.Time, err error) {
	forms := []struct {
		layout              string
		years, months, days int
		span                time.Duration
	}{
		{"2006", 1, 0, 0, 0},
		{"2006-01", 0, 1, 0, 0},
		{"2006-01-02", 0, 0, 1, 0},
		{"2006-01-02T15:04", 0, 0, 0, time.Minute},
		{"2006-01-02T15:04:05", 0, 0, 0, time.Second},
		{"2006-01-02T15:04:05.000", 0, 0, 0, time.Millisecond},
		{"2006-01-02T15:04:05Z07:00", 0, 0, 0, time.Millisecond},
		{"2006-01-02T15:04:05Z0700", 0, 0, 0, time.Millisecond},
	}
	for _, f := range forms {
		if start, err = time.Parse(f.layout, value); err == nil {
			return start, start.AddDate(f.years, f.months, f.days).Add(f.span), nil
		}
	}
	if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
		start = time.UnixMilli(ms)
		return start, start.Add(time.Millisecond), nil
	}
	return start, end, fmt.Errorf("%q is not a date", value)
}
