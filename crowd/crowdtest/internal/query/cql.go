package query

import (
	"errors"
	"fmt"
	"strings"
)

// maxDepth bounds the nesting of a restriction.
const maxDepth = 200

var errDepth = errors.New("the restriction is nested too deeply")

// ParseCQL reads a restriction in Crowd Query Language, as in
//
//	(lastName = Lind or lastName = "Berg*") and active = true
//
// A blank text matches everything. "and" binds tighter than "or"; an asterisk
// at the start or end of a value stands for any text, unless a backslash
// precedes it.
func ParseCQL(text string, s Schema) (Node, error) {
	p := cqlParser{text: text, schema: s, keywords: map[int]string{}}
	p.space()
	if p.done() {
		return All{}, nil
	}
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.space(); !p.done() {
		return nil, fmt.Errorf("unexpected %q at %d", p.text[p.at:], p.at)
	}
	return n, nil
}

type cqlParser struct {
	text   string
	at     int
	schema Schema
	// keywords are those that join parts, by the depth of parentheses.
	keywords map[int]string
}

func (p *cqlParser) done() bool { return p.at >= len(p.text) }

func (p *cqlParser) space() {
	for !p.done() && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *cqlParser) or(depth int) (Node, error) {
	return p.joined("or", depth, p.and, func(n []Node) Node { return Or(n) })
}

func (p *cqlParser) and(depth int) (Node, error) {
	return p.joined("and", depth, p.term, func(n []Node) Node { return And(n) })
}

// joined reads parts with a keyword between them.
func (p *cqlParser) joined(keyword string, depth int, part func(int) (Node, error), join func([]Node) Node) (Node, error) {
	var parts []Node
	for {
		n, err := part(depth)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
		if !p.keyword(keyword) {
			break
		}
		if err := p.mix(keyword, depth); err != nil {
			return nil, err
		}
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return join(parts), nil
}

// mix notes the keyword that joins parts at a depth. No document says which of
// two that stand side by side binds tighter.
func (p *cqlParser) mix(keyword string, depth int) error {
	other, found := p.keywords[depth]
	if p.schema.Narrow && found && other != keyword {
		return errors.New(`"and" and "or" side by side need parentheses`)
	}
	p.keywords[depth] = keyword
	return nil
}

// keyword skips word, in any letter case, if it is next.
func (p *cqlParser) keyword(word string) bool {
	p.space()
	end := p.at + len(word)
	if end > len(p.text) || !strings.EqualFold(p.text[p.at:end], word) {
		return false
	}
	if end < len(p.text) && !isBoundary(p.text[end]) || p.schema.Narrow && p.text[p.at:end] != word {
		return false
	}
	p.at = end
	return true
}

func (p *cqlParser) term(depth int) (Node, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	p.space()
	if !p.done() && p.text[p.at] == '(' {
		return p.parenthesis(depth)
	}
	property := p.bare()
	if property == "" {
		return nil, fmt.Errorf("a property name is missing at %d", p.at)
	}
	mode, err := p.operator()
	if err != nil {
		return nil, err
	}
	value, before, after, err := p.value()
	if err != nil {
		return nil, err
	}
	if mode == Exactly {
		mode = wildcardMode(before, after)
	}
	return p.schema.restrict(property, mode, value)
}

func (p *cqlParser) parenthesis(depth int) (Node, error) {
	p.at++
	delete(p.keywords, depth+1)
	n, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.space(); p.done() || p.text[p.at] != ')' {
		return nil, fmt.Errorf("a closing parenthesis is missing at %d", p.at)
	}
	p.at++
	return n, nil
}

func wildcardMode(before, after bool) Mode {
	switch {
	case before && after:
		return Contains
	case before:
		return EndsWith
	case after:
		return StartsWith
	}
	return Exactly
}

func (p *cqlParser) operator() (Mode, error) {
	p.space()
	if p.done() {
		return 0, errors.New("an operator is missing at the end")
	}
	p.at++
	switch p.text[p.at-1] {
	case '=':
		return Exactly, nil
	case '>':
		return Greater, nil
	case '<':
		return Less, nil
	}
	return 0, fmt.Errorf("%q at %d is no operator", p.text[p.at-1], p.at-1)
}

// value reads a quoted or bare value and tells whether asterisks stood before
// and after it.
func (p *cqlParser) value() (value string, before, after bool, err error) {
	p.space()
	if p.done() {
		return "", false, false, errors.New("a value is missing at the end")
	}
	raw, start := "", p.at
	if q := p.text[p.at]; q == '"' || q == '\'' {
		if raw, err = p.quoted(q); err != nil {
			return "", false, false, err
		}
	} else if raw = p.bare(); raw == "" {
		return "", false, false, fmt.Errorf("a value is missing at %d", p.at)
	}
	if p.schema.Narrow && (p.text[start] == '\'' || strings.HasPrefix(raw, "*") || strings.Contains(raw, `\`)) {
		return "", false, false, fmt.Errorf("the value at %d is spelled in a way that is not supported", start)
	}
	value, before, after = unescape(raw)
	return value, before, after, nil
}

// quoted returns what stands between quotes, escapes left in place.
func (p *cqlParser) quoted(quote byte) (string, error) {
	start := p.at + 1
	for i := start; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			i++
		case quote:
			p.at = i + 1
			return p.text[start:i], nil
		}
	}
	return "", fmt.Errorf("the quote at %d is not closed", p.at)
}

func (p *cqlParser) bare() string {
	start := p.at
	for !p.done() && !isBoundary(p.text[p.at]) {
		p.at++
	}
	return p.text[start:p.at]
}

func isBoundary(c byte) bool { return strings.IndexByte(" \t\r\n()=<>\"'", c) >= 0 }

// unescape takes the backslashes and the outer asterisks off a value.
func unescape(raw string) (value string, before, after bool) {
	if strings.HasPrefix(raw, "*") {
		raw, before = raw[1:], true
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\\' && i+1 < len(raw):
			i++
			b.WriteByte(raw[i])
		case c == '*' && i == len(raw)-1:
			after = true
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), before, after || before && raw == ""
}
