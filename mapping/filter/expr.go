package filter

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Expr is a parsed filter: one of *[And], *[Or], *[Not], *[Compare] and *[ValuePath]. String gives its canonical
// text, which parses to an equal expression.
type Expr interface {
	String() string
	isExpr()
}

// And holds where all its terms hold. No term is itself an *And.
type And struct{ Terms []Expr }

// Or holds where any of its terms holds. No term is itself an *Or.
type Or struct{ Terms []Expr }

// Not holds where its term does not.
type Not struct{ Term Expr }

// Compare compares an attribute with a value: `userName eq "ann"`, or `title pr`.
type Compare struct {
	Attr Attr
	Op   Op
	// Value is a string, a bool, a json.Number, or nil for null. Present has none.
	Value any
	// Bare says that the value stood without quotes under [Lenience].BareValues: 4711 may then mean "4711".
	Bare bool
}

// ValuePath holds where one value of a multi-valued attribute satisfies the whole filter:
// `emails[type eq "work" and value co "@example.com"]`. The attributes of Filter are sub-attributes of Attr.
type ValuePath struct {
	Attr   Attr
	Filter Expr
}

func (*And) isExpr()       {}
func (*Or) isExpr()        {}
func (*Not) isExpr()       {}
func (*Compare) isExpr()   {}
func (*ValuePath) isExpr() {}

// Op is a comparison operator of RFC 7644 table 3, in lower case.
type Op string

// The operators.
const (
	Equal          Op = "eq"
	NotEqual       Op = "ne"
	Contains       Op = "co"
	StartsWith     Op = "sw"
	EndsWith       Op = "ew"
	GreaterThan    Op = "gt"
	GreaterOrEqual Op = "ge"
	LessThan       Op = "lt"
	LessOrEqual    Op = "le"
	Present        Op = "pr"
)

// known reports whether o is an operator of the RFC.
func (o Op) known() bool {
	switch o {
	case Equal, NotEqual, Contains, StartsWith, EndsWith, GreaterThan, GreaterOrEqual, LessThan, LessOrEqual, Present:
		return true
	}
	return false
}

// ordering reports whether o asks which of two values is the greater.
func (o Op) ordering() bool {
	return o == GreaterThan || o == GreaterOrEqual || o == LessThan || o == LessOrEqual
}

// substring reports whether o looks inside a text.
func (o Op) substring() bool {
	return o == Contains || o == StartsWith || o == EndsWith
}

// String returns the terms joined by "and", alternatives in parentheses.
func (e *And) String() string {
	texts := make([]string, len(e.Terms))
	for i, t := range e.Terms {
		texts[i] = t.String()
		if _, ok := t.(*Or); ok {
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, " and ")
}

// String returns the terms joined by "or".
func (e *Or) String() string {
	texts := make([]string, len(e.Terms))
	for i, t := range e.Terms {
		texts[i] = t.String()
	}
	return strings.Join(texts, " or ")
}

// String returns "not (term)".
func (e *Not) String() string { return "not (" + e.Term.String() + ")" }

// String returns "attribute operator value".
func (e *Compare) String() string {
	if e.Op == Present {
		return e.Attr.String() + " pr"
	}
	return e.Attr.String() + " " + string(e.Op) + " " + literal(e.Value)
}

// String returns "attribute[filter]".
func (e *ValuePath) String() string { return e.Attr.String() + "[" + e.Filter.String() + "]" }

// literal writes a value as JSON, without the escapes that only HTML needs.
func literal(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// and joins terms, laying nested conjunctions flat.
func and(terms ...Expr) Expr {
	var flat []Expr
	for _, t := range terms {
		if a, ok := t.(*And); ok {
			flat = append(flat, a.Terms...)
		} else {
			flat = append(flat, t)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &And{Terms: flat}
}

// or joins terms, laying nested disjunctions flat.
func or(terms ...Expr) Expr {
	var flat []Expr
	for _, t := range terms {
		if o, ok := t.(*Or); ok {
			flat = append(flat, o.Terms...)
		} else {
			flat = append(flat, t)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &Or{Terms: flat}
}
