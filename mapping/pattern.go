package mapping

import (
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Bounds of a regular expression. Go matches in time linear in the text; these bound the factor.
const (
	maxPattern      = 500
	maxInstructions = 5000

	maxPatternText = 1024 // bytes of a name that a pattern of group settings is tried on; Crowd's are shorter
	patternCost    = 16   // work in an expression of trying a pattern on a byte, in bytes read or written
)

// compilePattern compiles a regular expression. Its problem is empty when it succeeds.
func compilePattern(text string) (re *regexp.Regexp, problem string) {
	if len(text) > maxPattern {
		return nil, fmt.Sprintf("has %d bytes, at most %d are allowed", len(text), maxPattern)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, "does not compile: " + patternProblem(err)
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(prog.Inst) > maxInstructions {
		return nil, "is too large when its repetitions are written out"
	}
	if !canMatch(prog) {
		return nil, "can never match anything"
	}
	re, err = regexp.Compile(text)
	if err != nil {
		return nil, "does not compile: " + patternProblem(err)
	}
	return re, ""
}

func patternProblem(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		return e.Code.String() + " at " + quote(e.Expr)
	}
	return err.Error()
}

// canMatch reports whether any text at all satisfies the program. It walks all states; what stands before and
// after a position is one of four kinds, which is all that "^", "$" and "\b" can ask about.
func canMatch(prog *syntax.Prog) bool {
	takes := make([]kinds, len(prog.Inst))
	for i := range prog.Inst {
		takes[i] = runeKinds(&prog.Inst[i])
	}
	seen := make(map[state]bool)
	var todo []state
	for _, k := range allKinds.each() {
		todo = append(todo, state{pc: prog.Start, before: k.example(), after: allKinds})
	}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		inst := &prog.Inst[s.pc]
		if inst.Op == syntax.InstMatch {
			return true // what comes behind a match is free, but for what has been asked of it, which can be had
		}
		for _, n := range s.step(inst, takes[s.pc]) {
			if n.after != 0 && !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return false
}

// A state is a place in a program, the rune before it, and the kinds of runes that may come after it.
type state struct {
	pc     int
	before rune
	after  kinds
}

// kinds is a set of kinds of runes, or the end of the text.
type kinds uint8

const (
	atEnd kinds = 1 << iota
	word
	newline
	other
	allKinds = atEnd | word | newline | other
)

// example returns a rune of one kind, -1 for the end.
func (k kinds) example() rune {
	switch k {
	case word:
		return 'a'
	case newline:
		return '\n'
	case other:
		return '.'
	}
	return -1
}

// each returns the single kinds of the set.
func (k kinds) each() []kinds {
	var single []kinds
	for _, one := range []kinds{atEnd, word, newline, other} {
		if k&one != 0 {
			single = append(single, one)
		}
	}
	return single
}

// step returns the states that follow s.
func (s state) step(inst *syntax.Inst, takes kinds) []state {
	next := func(pc uint32, after kinds) state { return state{int(pc), s.before, after} }
	switch inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		return []state{next(inst.Out, s.after), next(inst.Arg, s.after)}
	case syntax.InstCapture, syntax.InstNop:
		return []state{next(inst.Out, s.after)}
	case syntax.InstEmptyWidth:
		var after kinds
		for _, k := range s.after.each() {
			if syntax.EmptyOp(inst.Arg)&^syntax.EmptyOpContext(s.before, k.example()) == 0 {
				after |= k
			}
		}
		return []state{next(inst.Out, after)}
	case syntax.InstFail:
		return nil
	}
	var states []state
	for _, k := range (s.after & takes).each() {
		states = append(states, state{int(inst.Out), k.example(), allKinds})
	}
	return states
}

// runeKinds returns the kinds of runes that an instruction takes.
func runeKinds(inst *syntax.Inst) kinds {
	switch inst.Op {
	case syntax.InstRuneAny:
		return word | newline | other
	case syntax.InstRuneAnyNotNL:
		return word | other
	case syntax.InstRune, syntax.InstRune1:
		return listedKinds(inst)
	}
	return 0
}

// listedKinds returns the kinds of runes among those an instruction lists. Beyond ASCII all are of one kind.
func listedKinds(inst *syntax.Inst) kinds {
	var k kinds
	for r := range rune(0x80) {
		if !inst.MatchRune(r) {
			continue
		}
		switch {
		case r == '\n':
			k |= newline
		case syntax.IsWordChar(r):
			k |= word
		default:
			k |= other
		}
	}
	if len(inst.Rune) > 0 && inst.Rune[len(inst.Rune)-1] >= 0x80 {
		k |= other
	}
	return k
}
