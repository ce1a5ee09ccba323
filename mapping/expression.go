package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// Bounds of an expression, so that none can hold up a request or fill the memory, whoever wrote it.
const (
	maxExpression = 2000     // bytes of its text
	maxNodes      = 500      // parts it is made of
	maxData       = 32 << 10 // bytes of the attributes it reads
	maxWork       = 1 << 20  // bytes its helpers read and write in one evaluation
)

// An expression is compiled once and evaluated for any number of resources, by any number of goroutines.
type expression struct {
	program *vm.Program
	schema  filter.Schema
	inputs  map[string]filter.AttrInfo // the attributes it reads, in canonical spelling
	literal []filter.Path              // the paths it gives to helpers
	result  reflect.Type               // what it gives; any where that shows only when it runs
}

// An expressionError says what is wrong with the text of an expression.
type expressionError struct{ problem, remedy string }

func (e *expressionError) Error() string { return e.problem }

// compileExpression compiles text over the attributes of schema. Its error is an *expressionError.
func compileExpression(text string, schema filter.Schema) (*expression, error) {
	if len(text) > maxExpression {
		return nil, &expressionError{
			fmt.Sprintf("the expression has %d bytes, at most %d are allowed", len(text), maxExpression),
			"Split it over several attributes, such as \"team\" and \"site\", or prepare the value in the identity provider",
		}
	}
	e := &expression{schema: schema, inputs: make(map[string]filter.AttrInfo)}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, e.syntaxProblem(err)
	}
	if err := e.survey(tree); err != nil {
		return nil, err
	}
	patch := &patcher{schema: schema, calls: make(map[*ast.CallNode]reflect.Kind)}
	e.program, err = expr.Compile(text, e.options(patch)...)
	if patch.err != nil {
		return nil, patch.err
	}
	if err != nil {
		return nil, e.syntaxProblem(err)
	}
	e.result, e.literal = e.program.Node().Type(), patch.paths
	return e, nil
}

// syntaxProblem turns an error of the expression compiler into one line, with types in the words of JSON.
func (e *expression) syntaxProblem(err error) *expressionError {
	problem, remedy := err.Error(), "Write for example lower(userName), name.givenName + \" \" + name.familyName, or default(nickName, userName)"
	if f, ok := errors.AsType[*file.Error](err); ok {
		message := strings.NewReplacer("[]interface {}", "list", "map[string]interface {}", "object", "interface {}", "value").Replace(f.Message)
		problem = fmt.Sprintf("at character %d: %s", f.Column+1, strings.TrimSpace(message))
		remedy = cmp.Or(e.misspelt(f.Message), remedy)
	}
	return &expressionError{"the expression does not compile: " + problem, remedy}
}

// misspelt says what is there instead of the sub-attribute or function that the compiler does not know; nothing where
// its message is about something else.
func (e *expression) misspelt(message string) string {
	var known []string
	written, ok := strings.CutPrefix(message, "unknown field ")
	if ok {
		known = e.subAttributes()
	} else if written, ok = strings.CutPrefix(message, "unknown name "); ok {
		known = functions()
	}
	if len(known) == 0 {
		return ""
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if best := nearest(written, known); best != "" {
		return "Did you mean " + best + "?"
	}
	return "There are " + strings.Join(known, ", ")
}

// subAttributes lists those of the attributes that the expression reads.
func (e *expression) subAttributes() []string {
	var names []string
	for _, info := range e.inputs {
		for _, s := range info.Sub {
			names = append(names, s.Name)
		}
	}
	return names
}

// functions lists what expressions may call.
func functions() []string {
	names := builtins()
	for _, h := range helpers() {
		if !strings.HasPrefix(h.name, "_") {
			names = append(names, h.name)
		}
	}
	return names
}

// options gives the compiler the attributes, the helpers, and nothing else.
func (e *expression) options(patch *patcher) []expr.Option {
	env := types.Map{runName: types.TypeOf(&run{})}
	for name, info := range e.inputs {
		env[name] = typeOf(info)
	}
	options := []expr.Option{expr.Env(env), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins(), expr.Patch(patch)}
	for _, name := range builtins() {
		options = append(options, expr.EnableBuiltin(name))
	}
	for _, h := range helpers() {
		options = append(options, expr.Function(h.name, h.call, h.typ))
	}
	return options
}

// builtins lists the functions of the language that there are: loops, which evaluate a predicate for each value of a
// list, and what costs nothing.
func builtins() []string {
	return []string{"all", "any", "none", "one", "filter", "map", "find", "count", "len", "first", "last"}
}

// typeOf returns the type an attribute has in an expression.
func typeOf(info filter.AttrInfo) types.Type {
	var t types.Type
	switch info.Type {
	case filter.Boolean:
		t = types.Bool
	case filter.Number:
		t = types.Float64
	case filter.Complex:
		m := types.Map{}
		for _, s := range info.Sub {
			m[s.Name] = typeOf(s)
		}
		t = m
	default:
		t = types.String
	}
	if info.Multi {
		return types.Array(t)
	}
	return t
}

// survey finds the attributes that an expression reads, and refuses what is unknown or unbounded.
func (e *expression) survey(tree *parser.Tree) error {
	s := &surveyor{}
	ast.Walk(&tree.Node, s)
	if s.problem != "" {
		return &expressionError{s.problem, s.remedy}
	}
	for _, name := range slices.Concat(s.names, s.variables) {
		if strings.HasPrefix(name, "_") || strings.HasPrefix(name, "$") {
			return &expressionError{"the expression uses the name " + name + ", which begins with " + quote(name[:1]), "Choose a name that begins with a letter, as in let given = name.givenName; lower(given)"}
		}
		if slices.Contains(s.variables, name) || slices.Contains(s.callees, name) {
			continue
		}
		_, info, err := filter.Attr{Name: name}.Resolve(e.schema)
		switch {
		case err != nil:
			return &expressionError{"the expression names " + name + ", which is no attribute", unknownRemedy(name, e.schema)}
		case info.Name == password:
			return &expressionError{passwordProblem, passwordRemedy}
		case info.Name != name:
			return &expressionError{"the expression names " + name + ", but attributes in expressions are spelled exactly", "Write " + info.Name}
		}
		e.inputs[name] = info
	}
	return nil
}

// A surveyor collects names and looks for what no bound could hold.
type surveyor struct {
	names, variables, callees []string
	problem, remedy           string
}

// Visit implements ast.Visitor.
func (s *surveyor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		s.names = append(s.names, n.Value)
	case *ast.VariableDeclaratorNode:
		s.variables = append(s.variables, n.Name)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			s.callees = append(s.callees, callee.Value)
		}
	case *ast.BinaryNode:
		if n.Operator == ".." {
			s.problem, s.remedy = "the expression makes a range of numbers, which is not allowed", `Use substring or split to take a text apart, as in split(userName, ".")`
		}
	case *ast.PredicateNode:
		inner := &nesting{}
		ast.Walk(&n.Node, inner)
		if inner.found {
			s.problem, s.remedy = "the expression has a loop inside a loop, which is not allowed", "Use one after the other, as in filter(emails, .primary) | map(.value)"
		}
	}
}

// nesting looks for a predicate.
type nesting struct{ found bool }

// Visit implements ast.Visitor.
func (n *nesting) Visit(node *ast.Node) {
	if _, ok := (*node).(*ast.PredicateNode); ok {
		n.found = true
	}
}

// gives reports whether the expression may give a value of one of the kinds.
func (e *expression) gives(kinds ...reflect.Kind) bool {
	k := e.result.Kind()
	return k == reflect.Interface || slices.Contains(kinds, k)
}

// evaluate returns the value for a resource: a string, bool, number or list.
func (e *expression) evaluate(resource map[string]any) (any, error) {
	r := &run{resource: resource, schema: e.schema}
	env := map[string]any{runName: r}
	for name, info := range e.inputs {
		value, err := r.input(name, info)
		if err != nil {
			return nil, err
		}
		env[name] = value
	}
	v, err := expr.Run(e.program, env)
	if err == nil {
		return v, nil
	}
	if f, ok := errors.AsType[*file.Error](err); ok {
		return nil, fmt.Errorf("at character %d: %s", f.Column+1, f.Message)
	}
	return nil, err
}

// paths returns what the expression reads: attributes it names, and paths it gives to helpers; nothing if there is
// none.
func (e *expression) paths() []filter.Path {
	if e == nil {
		return nil
	}
	paths := slices.Clone(e.literal)
	for _, name := range slices.Sorted(maps.Keys(e.inputs)) {
		paths = append(paths, filter.Path{Attr: filter.Attr{Name: name}})
	}
	return paths
}

// reads reports whether the expression names the attribute.
func (e *expression) reads(name string) bool {
	_, ok := e.inputs[name]
	return ok
}
