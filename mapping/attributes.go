package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// AttributeOptions are what [CompileAttributes] holds rows against. The zero value is RFC 7643 and Crowd.
type AttributeOptions struct {
	// Schema tells the attributes that paths and expressions may name. Nil means [DefaultSchema], to which
	// [Schema.With] adds extensions. If it also has a method Names() []string, faults suggest the nearest of those.
	Schema filter.Schema

	// Reserved are further custom attributes that no row may have as its target. Names beginning with "scim." and
	// the attributes Crowd itself keeps are reserved in any case.
	Reserved []string

	// Filter chooses the users that are provisioned at all. Nil means everybody.
	Filter *UserFilter
}

// AttributeMap decides what Crowd should hold of a user. It is made by [CompileAttributes], immutable, and may be
// used by several goroutines.
type AttributeMap struct {
	rows   []*row
	schema filter.Schema
	filter *UserFilter
}

// A row is a Row ready for use.
type row struct {
	Row
	paths    []filter.Path
	sources  []string // the texts of paths, and of expr
	expr     *expression
	constant []any
	custom   bool
}

// CompileAttributes checks the rows, completes them with the defaults and makes them ready for use. Its error is
// of type [Faults], all of them, with pointers into a.
func CompileAttributes(a Attributes, o AttributeOptions) (*AttributeMap, error) {
	if o.Schema == nil {
		o.Schema = DefaultSchema()
	}
	c := attributeCompiler{options: o}
	c.duplicates(a)
	m := &AttributeMap{schema: o.Schema, filter: o.Filter}
	rows, positions := a.withDefaults()
	for i, r := range rows {
		m.rows = append(m.rows, c.compile(r, "/"+strconv.Itoa(positions[i])))
	}
	for i, r := range a {
		if !slices.Contains(positions, i) { // the second of a target: only what is wrong with it counts
			c.compile(r, "/"+strconv.Itoa(i))
		}
	}
	slices.SortStableFunc(c.faults, comparePointers)
	if err := c.faults.err(); err != nil {
		return nil, err
	}
	return m, nil
}

// comparePointers orders faults by the row they are in.
func comparePointers(a, b Fault) int {
	index := func(f Fault) int {
		text, _, _ := strings.Cut(strings.TrimPrefix(f.Pointer, "/"), "/")
		n, _ := strconv.Atoi(text)
		return n
	}
	return index(a) - index(b)
}

type attributeCompiler struct {
	options AttributeOptions
	faults  Faults
}

// duplicates refuses a second row for one target.
func (c *attributeCompiler) duplicates(a Attributes) {
	seen := make(map[string]int)
	for i, r := range a {
		if first, ok := seen[r.To]; ok {
			c.faults.add(fmt.Sprintf("/%d/to", i), fmt.Sprintf("%s is the target of row %d already", quote(r.To), first),
				"Put all sources of one target into one row, in order of preference, as in \"from\": [\"nickName\", \"userName\"]")
			continue
		}
		seen[r.To] = i
	}
}

func (c *attributeCompiler) compile(r Row, pointer string) *row {
	compiled := &row{Row: r, custom: !slices.Contains(crowdFields(), r.To)}
	if compiled.custom {
		c.target(r.To, pointer+"/to")
	}
	c.missing(compiled, pointer)
	for i, from := range r.From {
		p, fault := parseSource(from, c.options.Schema)
		if fault.Problem != "" {
			c.faults.add(fmt.Sprintf("%s/from/%d", pointer, i), fault.Problem, fault.Remedy)
		}
		compiled.paths = append(compiled.paths, p)
	}
	compiled.sources = slices.Clip(slices.Clone(r.From))
	if r.Expr != "" {
		compiled.sources = append(compiled.sources, r.Expr)
		compiled.expr = c.expression(r, pointer+"/expr")
	}
	if r.Const != nil {
		compiled.constant = c.constant(r, pointer+"/const")
	}
	return compiled
}

// target refuses names that cannot be custom attributes.
func (c *attributeCompiler) target(to, pointer string) {
	letters := func(s string) string { return strings.NewReplacer("-", "", "_", "", " ", "").Replace(Fold(s)) }
	for _, field := range crowdFields() {
		if letters(to) == letters(field) {
			c.faults.add(pointer, quote(to)+" is not how this Crowd field is spelled", "Write "+quote(field))
			return
		}
	}
	reserved := append([]string{
		"requiresPasswordChange", "invalidPasswordAttempts", "passwordLastChanged", "lastActive", "lastAuthenticated",
	}, c.options.Reserved...)
	isReserved := func(name string) bool { return strings.EqualFold(name, to) }
	switch {
	case strings.HasPrefix(Fold(to), "scim."):
		c.faults.add(pointer, quote(to)+" begins with \"scim.\", which is reserved for what is kept of the identity provider's data", "Choose another name, such as \"department\"")
	case slices.ContainsFunc(reserved, isReserved):
		c.faults.add(pointer, quote(to)+" is an attribute that Crowd keeps itself", "Choose another name, such as \"department\"")
	case nameProblem(to) != "":
		c.faults.add(pointer, "the name of the target "+nameProblem(to), "Write a Crowd field ("+strings.Join(crowdFields(), ", ")+") or the name of a custom attribute, such as \"department\"")
	}
}

// missing fills in the default of IfMissing and refuses what the target cannot have.
func (c *attributeCompiler) missing(r *row, pointer string) {
	sources := len(r.From) > 0 || r.Expr != "" || r.Const != nil
	switch {
	case r.IfMissing != "" && r.IfMissing != Keep && r.IfMissing != Clear && r.IfMissing != Reject:
		c.faults.add(pointer+"/ifMissing", quote(string(r.IfMissing))+" is no way to treat a missing value", "Write \"keep\", \"clear\" or \"reject\"")
	case r.To == toUsername && r.IfMissing != "" && r.IfMissing != Reject:
		c.faults.add(pointer+"/ifMissing", "a user without user name cannot be", "Leave ifMissing out, or write \"reject\"")
	case r.To == toActive && r.IfMissing == Clear:
		c.faults.add(pointer+"/ifMissing", "active is true or false and cannot be cleared", "Write \"keep\" or \"reject\"")
	}
	if !sources && (r.IfMissing != Keep || r.custom) {
		c.faults.add(pointer, "the row says not where "+quote(r.To)+" comes from",
			"Give \"from\", \"expr\" or \"const\", as in {\"to\": \"email\", \"from\": [\"emails.value\"]}; a field that Crowd alone manages is {\"to\": \"email\", \"ifMissing\": \"keep\"}")
	}
	if r.IfMissing != "" {
		return
	}
	switch r.To {
	case toUsername:
		r.IfMissing = Reject
	case toActive:
		r.IfMissing = Keep
	default:
		r.IfMissing = Clear
	}
}

func (c *attributeCompiler) expression(r Row, pointer string) *expression {
	e, err := compileExpression(r.Expr, c.options.Schema)
	if err != nil {
		c.faults.addExpression(pointer, err)
		return nil
	}
	single := slices.Contains(crowdFields(), r.To)
	switch {
	case r.To == toActive && !e.gives(reflect.Bool, reflect.String):
		c.faults.add(pointer, "the expression gives no boolean, as active needs", `Write a condition, such as userType == "Employee"`)
	case r.To != toActive && single && e.gives(reflect.Slice, reflect.Array) && e.result.Kind() != reflect.Interface:
		c.faults.add(pointer, "the expression gives a list, but "+r.To+" has a single value", "Take one value, as in first(paths(\"emails.value\"))")
	case e.gives(reflect.Map, reflect.Func, reflect.Struct) && e.result.Kind() != reflect.Interface:
		c.faults.add(pointer, "the expression gives an attribute with sub-attributes, not a value", "Name one of them, such as name.givenName")
	case r.To != toActive && single && e.result.Kind() == reflect.Bool:
		c.faults.add(pointer, "the expression gives a boolean, but "+r.To+" is text", `Write for example active ? "yes" : "no"`)
	}
	return e
}

// constant checks a constant against the target.
func (c *attributeCompiler) constant(r Row, pointer string) []any {
	values, list := r.Const.([]any)
	if texts, ok := r.Const.([]string); ok {
		list = true
		for _, t := range texts {
			values = append(values, t)
		}
	}
	if !list {
		values = []any{r.Const}
	}
	if list && slices.Contains(crowdFields(), r.To) {
		c.faults.add(pointer, "the constant is a list, but "+r.To+" has a single value", "Write a single text, such as \"Employees\"")
		return nil
	}
	for _, v := range values {
		c.constantValue(r.To, v, pointer)
	}
	return values
}

func (c *attributeCompiler) constantValue(to string, v any, pointer string) {
	_, isText := v.(string)
	_, isBool := v.(bool)
	_, saysBool := asBool(v)
	switch {
	case to == toActive && !saysBool:
		c.faults.add(pointer, "active must be a boolean", "Write true or false, without quotes")
	case to != toActive && !isText && !(isBool && !slices.Contains(crowdFields(), to)):
		c.faults.add(pointer, "the constant is no text", "Write text in quotes, such as \"Employees\"")
	case to == toUsername:
		c.faults.add(pointer, "one constant user name cannot serve all users", "Write a source such as \"from\": [\"userName\"]")
	case isText:
		if _, problem, _ := fit(to, v.(string)); problem != "" {
			c.faults.add(pointer, problem, `Write a shorter text, such as "Employees"`)
		}
	}
}

// parseSource parses and checks a path. The fault has no pointer, and no problem where all is well.
func parseSource(text string, s filter.Schema) (filter.Path, Fault) {
	p, err := filter.ParsePath(text)
	if err != nil {
		problem := err.Error()
		if e, ok := errors.AsType[*filter.SyntaxError](err); ok {
			problem = fmt.Sprintf("at character %d: %s", e.Offset+1, e.Problem)
		}
		return p, Fault{Problem: "the path " + quote(text) + " is not well formed: " + problem, Remedy: `Write for example emails[type eq "work"].value`}
	}
	info, err := p.Check(s)
	if e, ok := errors.AsType[*filter.AttributeError](err); ok {
		fault := Fault{Problem: "the path " + quote(text) + " does not fit the schema: " + e.Attribute + ": " + e.Problem, Remedy: `Write for example emails[type eq "work"].value`}
		if e.Unknown {
			fault.Remedy = unknownRemedy(e.Attribute, s)
		}
		return p, fault
	}
	if a, _, _ := p.Attr.Resolve(s); a.Core() && strings.EqualFold(a.Name, password) {
		return p, Fault{Problem: passwordProblem, Remedy: passwordRemedy}
	}
	if _, ok := info.Sub["value"]; info.Type == filter.Complex && !ok {
		return p, Fault{Problem: "the path " + quote(text) + " selects an attribute with sub-attributes, not a value", Remedy: "Name one of them, as in name.givenName"}
	}
	return p, Fault{}
}

// The attribute that no mapping reads: what it says would stand in Crowd for all to see, or in an explanation.
const (
	password        = "password"
	passwordProblem = "the password is a secret, which is not mapped"
	passwordRemedy  = `Take another attribute, such as userName; whether Crowd gets the password is the setting "password" of users`
)

// unknownRemedy suggests the attribute that is most like the one written.
func unknownRemedy(written string, s filter.Schema) string {
	const few = 5
	n, ok := s.(interface{ Names() []string })
	if ok {
		if best := nearest(written, n.Names()); best != "" {
			return "Did you mean " + best + "?"
		}
		for _, name := range n.Names() {
			if urn, last := name[:strings.LastIndex(name, ":")+1], name[strings.LastIndex(name, ":")+1:]; urn != "" && nearest(written, []string{last}) != "" {
				return "Did you mean " + name + "?"
			}
		}
	}
	if ok && len(n.Names()) <= few {
		return "Name one of " + strings.Join(n.Names(), ", ")
	}
	return "Name an attribute of the schema, such as userName, name.familyName or " + enterpriseUser + ":department"
}
