package filter

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of what is parsed. Longer or deeper text is refused before any work is done on it.
const (
	MaxLength = 8192 // bytes of a filter or path
	MaxDepth  = 32   // parentheses and brackets inside one another
)

// Lenience lets filters pass that the RFC does not allow. Its zero value is strict.
type Lenience struct {
	// BareValues accepts values without quotes, as in `userName eq jsmith`. Such a value ends at a blank.
	BareValues bool
}

// Parse reads a filter strictly. Its error is a *[SyntaxError].
func Parse(s string) (Expr, error) { return ParseLenient(s, Lenience{}) }

// ParseLenient reads a filter as [Parse] does, with what l allows besides.
func ParseLenient(s string, l Lenience) (Expr, error) {
	p := parser{text: s, bare: l.BareValues}
	if err := p.admit("filter"); err != nil {
		return nil, err
	}
	e, err := p.disjunction()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.pos < len(s) {
		return nil, p.errorf("%q is left over: \"and\", \"or\" or the end of the filter is expected", p.excerpt())
	}
	return e, nil
}

// A parser reads one filter or path from left to right, without looking back.
type parser struct {
	text  string
	pos   int
	depth int  // open parentheses and brackets
	inner bool // inside a value filter
	bare  bool
}

func (p *parser) errorf(format string, args ...any) error {
	return &SyntaxError{Offset: p.pos, Problem: fmt.Sprintf(format, args...)}
}

// admit refuses text by its size and encoding alone.
func (p *parser) admit(what string) error {
	if len(p.text) > MaxLength {
		return p.errorf("the %s has %d bytes, at most %d are allowed", what, len(p.text), MaxLength)
	}
	if !utf8.ValidString(p.text) {
		return p.errorf("the %s is not valid UTF-8", what)
	}
	return nil
}

func (p *parser) blanks() {
	for p.pos < len(p.text) && p.text[p.pos] == ' ' {
		p.pos++
	}
}

// excerpt returns a little of what is ahead, for messages.
func (p *parser) excerpt() string {
	s := p.text[p.pos:]
	for i := range s {
		if i >= 20 {
			return s[:i]
		}
	}
	return s
}

// next returns the byte ahead, 0 at the end.
func (p *parser) next() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// token reads up to a blank, bracket, parenthesis or quote.
func (p *parser) token() string {
	n := strings.IndexAny(p.text[p.pos:], " ()[]\"")
	if n < 0 {
		n = len(p.text) - p.pos
	}
	t := p.text[p.pos : p.pos+n]
	p.pos += n
	return t
}

// keyword steps over word and the blanks before it, if it comes next.
func (p *parser) keyword(word string) bool {
	at := p.pos
	p.blanks()
	if !strings.EqualFold(p.token(), word) || p.pos == len(p.text) {
		p.pos = at
		return false
	}
	return true
}

func (p *parser) disjunction() (Expr, error) {
	return p.chain("or", p.conjunction, or)
}

func (p *parser) conjunction() (Expr, error) {
	return p.chain("and", p.term, and)
}

// chain reads terms joined by word.
func (p *parser) chain(word string, term func() (Expr, error), join func(...Expr) Expr) (Expr, error) {
	var terms []Expr
	for {
		t, err := term()
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
		if !p.keyword(word) {
			return join(terms...), nil
		}
	}
}

func (p *parser) term() (Expr, error) {
	p.blanks()
	if p.next() == '(' {
		return p.group('(', ')', p.disjunction)
	}
	at := p.pos
	if p.keyword("not") {
		if p.blanks(); p.next() == '(' {
			e, err := p.group('(', ')', p.disjunction)
			if err != nil {
				return nil, err
			}
			return &Not{Term: e}, nil
		}
	}
	p.pos = at
	return p.attribute()
}

// group reads what stands between an opening and a closing mark, minding the depth.
func (p *parser) group(opening, closing byte, read func() (Expr, error)) (Expr, error) {
	if p.depth == MaxDepth {
		return nil, p.errorf("more than %d parentheses and brackets stand inside one another", MaxDepth)
	}
	start := p.pos
	p.pos++
	p.depth++
	e, err := read()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.next() != closing {
		if p.pos == len(p.text) {
			p.pos = start
			return nil, p.errorf("the %q is never closed", opening)
		}
		return nil, p.errorf("%q where %q is expected", p.excerpt(), closing)
	}
	p.pos++
	p.depth--
	return e, nil
}

// attribute reads a comparison or a value path.
func (p *parser) attribute() (Expr, error) {
	a, err := p.name()
	if err != nil {
		return nil, err
	}
	if p.next() != '[' {
		return p.comparison(a)
	}
	f, sub, err := p.valueFilter(a)
	if err != nil {
		return nil, err
	}
	if sub != "" {
		c, err := p.comparison(Attr{Name: sub})
		if err != nil {
			return nil, err
		}
		f = and(f, c)
	}
	return &ValuePath{Attr: a, Filter: f}, nil
}

// name reads an attribute path up to a bracket or blank.
func (p *parser) name() (Attr, error) {
	start := p.pos
	t := p.token()
	if t == "" {
		if p.pos == len(p.text) {
			return Attr{}, p.errorf("the text ends where an attribute is expected")
		}
		return Attr{}, p.errorf("%q where an attribute is expected", p.excerpt())
	}
	a, problem := parseAttr(t)
	if problem == "" && p.inner && (a.URN != "" || a.Sub != "") {
		problem = "inside brackets only a sub-attribute's own name can stand"
	}
	if problem != "" {
		p.pos = start
		return Attr{}, p.errorf("%s: %q", problem, t)
	}
	return a, nil
}

// valueFilter reads "[filter]" behind a, and ".sub" where that follows.
func (p *parser) valueFilter(a Attr) (f Expr, sub string, err error) {
	if p.inner {
		return nil, "", p.errorf("a value filter cannot stand inside another")
	}
	if a.Sub != "" || a.Name == "" {
		return nil, "", p.errorf("a value filter must follow an attribute, not %q", a)
	}
	p.inner = true
	f, err = p.group('[', ']', p.disjunction)
	p.inner = false
	if err != nil || p.next() != '.' {
		return f, "", err
	}
	p.pos++
	start := p.pos
	if sub = p.token(); !validName(sub) {
		p.pos = start
		return nil, "", p.errorf("%q where the name of a sub-attribute is expected", sub)
	}
	return f, sub, nil
}

// comparison reads operator and value behind a.
func (p *parser) comparison(a Attr) (Expr, error) {
	p.blanks()
	start := p.pos
	word := p.token()
	op := Op(strings.ToLower(word))
	if !op.known() {
		p.pos = start
		if word == "" {
			return nil, p.errorf("an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr) is missing behind %s", a)
		}
		return nil, p.errorf("%q is no operator: use eq, ne, co, sw, ew, gt, ge, lt, le or pr", word)
	}
	c := &Compare{Attr: a, Op: op}
	if op == Present {
		return c, nil
	}
	if p.next() != ' ' {
		return nil, p.errorf("a blank and a value are missing behind %q", word)
	}
	p.blanks()
	var err error
	c.Value, c.Bare, err = p.value()
	return c, err
}

// number reports whether t is a JSON number, and nothing around it: [json.Valid] takes white space as well.
func number(t string) bool {
	return (t[0] == '-' || (t[0] >= '0' && t[0] <= '9')) && !strings.ContainsAny(t, "\t\n\r") && json.Valid([]byte(t))
}

// value reads a JSON string, number, true, false or null, or a bare value where those are allowed.
func (p *parser) value() (v any, bare bool, err error) {
	if p.next() == '"' {
		s, err := p.quoted()
		return s, false, err
	}
	start := p.pos
	t := p.token()
	switch {
	case t == "" || p.next() == '"' || p.next() == '(' || p.next() == '[':
	case strings.EqualFold(t, "true"):
		return true, p.bare, nil
	case strings.EqualFold(t, "false"):
		return false, p.bare, nil
	case t == "null":
		return nil, false, nil
	case number(t):
		return json.Number(t), p.bare, nil
	case p.bare:
		return t, true, nil
	}
	p.pos = start
	if start == len(p.text) {
		return nil, false, p.errorf("the value to compare with is missing")
	}
	return nil, false, p.errorf("%q is no value: write text in double quotes", p.excerpt())
}

// quoted reads a JSON string with its escapes.
func (p *parser) quoted() (string, error) {
	start := p.pos
	for i := start + 1; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			i++
		case '"':
			var s string
			if err := json.Unmarshal([]byte(p.text[start:i+1]), &s); err != nil {
				return "", p.errorf("the text in quotes is no JSON string: check its escapes")
			}
			p.pos = i + 1
			return s, nil
		}
	}
	return "", p.errorf("the closing quote is missing")
}
