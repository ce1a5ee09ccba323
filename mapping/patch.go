package mapping

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// A patcher gives each helper the run it works for, puts helpers in place of the operators whose cost depends on
// data, and lets what is not there be nothing instead of a failure.
type patcher struct {
	schema filter.Schema
	paths  []filter.Path                  // met on the way
	calls  map[*ast.CallNode]reflect.Kind // of helpers: the compiler would not check one whose type is set
	err    error
}

// Visit implements ast.Visitor.
func (p *patcher) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		p.operator(node, n)
	case *ast.BuiltinNode:
		switch {
		case !slices.Contains(builtins(), n.Name):
			p.fail("the expression calls "+n.Name+", which is not there", "filter(emails, .primary)")
		case n.Name == "len" && len(n.Arguments) == 1 && p.text(n.Arguments[0]):
			p.patch(node, lenName, n.Arguments...)
		}
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			p.patch(node, callee.Value, n.Arguments...)
		}
	case *ast.MemberNode:
		p.member(node, n)
	case *ast.SliceNode:
		if p.text(n.Node) {
			p.fail("the expression takes a part of a text by bytes", "substring(userName, 0, 20)")
		}
	}
}

// kind returns the kind of value that a node gives, Interface where that shows only when it runs.
func (p *patcher) kind(n ast.Node) reflect.Kind {
	if call, ok := n.(*ast.CallNode); ok && p.calls[call] != reflect.Invalid {
		return p.calls[call]
	}
	if t := n.Type(); t != nil {
		return t.Kind()
	}
	return reflect.Interface
}

// text reports whether a node may give a text.
func (p *patcher) text(n ast.Node) bool {
	return p.kind(n) == reflect.String || p.kind(n) == reflect.Interface
}

// sized reports whether a node may give a value of any size.
func (p *patcher) sized(n ast.Node) bool {
	return p.text(n) || p.kind(n) == reflect.Slice || p.kind(n) == reflect.Array || p.kind(n) == reflect.Map
}

// operator replaces an operator by the helper that does the same within bounds. Where the operands do not fit each
// other it is left to the compiler, which says so.
func (p *patcher) operator(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "??":
		p.patch(node, "default", n.Left, n.Right)
	case "+":
		if p.joins(n.Left) && p.joins(n.Right) && !(p.number(n.Left) && p.number(n.Right)) {
			p.patch(node, addName, n.Left, n.Right)
		}
	case "matches":
		p.patch(node, matchesName, n.Left, n.Right)
	case "contains", "startsWith", "endsWith", "<", ">", "<=", ">=":
		if p.text(n.Left) && p.text(n.Right) {
			p.patch(node, "_"+n.Operator, n.Left, n.Right)
		}
	case "==", "!=", "in":
		p.equality(node, n)
	}
}

// joins reports whether a node may give what "+" joins to a text.
func (p *patcher) joins(n ast.Node) bool {
	return p.text(n) || p.number(n) || p.kind(n) == reflect.Bool
}

func (p *patcher) number(n ast.Node) bool {
	k := p.kind(n)
	return k >= reflect.Int && k <= reflect.Float64
}

// equality replaces the operators that compare values of any kind.
func (p *patcher) equality(node *ast.Node, n *ast.BinaryNode) {
	switch list, isArray := n.Right.(*ast.ArrayNode); {
	case n.Operator != "in":
		if p.sized(n.Left) && p.sized(n.Right) && p.comparable(n.Left, n.Right) {
			p.patch(node, "_"+n.Operator, n.Left, n.Right)
		}
	case isArray && slices.ContainsFunc(list.Nodes, func(e ast.Node) bool { return !p.comparable(n.Left, e) }):
		p.fail("the expression looks for a value in a list of another kind", `title in ["Captain", "Mate"]`)
	case p.kind(n.Right) == reflect.Slice || p.kind(n.Right) == reflect.Array || p.kind(n.Right) == reflect.Interface:
		p.patch(node, inName, n.Left, n.Right)
	}
}

// comparable reports whether two nodes may give values of one kind.
func (p *patcher) comparable(a, b ast.Node) bool {
	return p.kind(a) == p.kind(b) || p.kind(a) == reflect.Interface || p.kind(b) == reflect.Interface || (p.number(a) && p.number(b))
}

// member lets an attribute of nothing, and a place beyond the end of a list, be nothing.
func (p *patcher) member(node *ast.Node, n *ast.MemberNode) {
	if p.number(n.Property) && (p.kind(n.Node) == reflect.Slice || p.kind(n.Node) == reflect.Interface) {
		get := &ast.BuiltinNode{Name: "get", Arguments: []ast.Node{n.Node, n.Property}}
		get.SetNature(*n.Nature())
		ast.Patch(node, get)
		return
	}
	if _, named := n.Property.(*ast.StringNode); named && !n.Optional && !n.Method {
		chain := &ast.ChainNode{Node: &ast.MemberNode{Node: n.Node, Property: n.Property, Optional: true}}
		chain.SetNature(*n.Nature())
		ast.Patch(node, chain)
	}
}

// patch puts a call of the helper of that name, if there is one, with the run in front of its arguments and constants
// among them compiled.
func (p *patcher) patch(node *ast.Node, name string, arguments ...ast.Node) {
	i := slices.IndexFunc(helpers(), func(h helper) bool { return h.name == name })
	if i < 0 {
		return
	}
	h := helpers()[i]
	if h.most > 0 && len(arguments) > h.most {
		p.fail(fmt.Sprintf("%s takes at most %d arguments", h.name, h.most), h.example)
		return
	}
	all := append([]ast.Node{&ast.IdentifierNode{Value: runName}}, arguments...)
	if h.constant > 0 && h.constant < len(all) && !p.prepare(h, all) {
		return
	}
	call := &ast.CallNode{Callee: &ast.IdentifierNode{Value: h.name}, Arguments: all}
	p.calls[call] = reflect.TypeOf(h.typ).Out(0).Kind()
	ast.Patch(node, call)
}

// prepare compiles the argument of a helper that must be a constant.
func (p *patcher) prepare(h helper, arguments []ast.Node) bool {
	text, ok := arguments[h.constant].(*ast.StringNode)
	if !ok {
		p.fail(strings.TrimPrefix(h.name, "_")+" needs a text in quotes there, not something computed", h.example)
		return false
	}
	value, err := h.prepare(text.Value, p.schema)
	if err != nil {
		if p.err == nil {
			p.err = err
		}
		return false
	}
	if s, ok := value.(*source); ok {
		p.paths = append(p.paths, s.path)
	}
	arguments[h.constant] = &ast.ConstantNode{Value: value}
	return true
}

// fail keeps the first problem.
func (p *patcher) fail(problem, example string) {
	if p.err == nil {
		p.err = &expressionError{problem, "Write for example " + example}
	}
}
