package mapping

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// ToCrowd returns what Crowd should hold of the user whose resource this is. The resource holds plain JSON values
// and is not changed. Its error is a *[ValueError]: a value is missing where the mapping rejects that, or Crowd
// would refuse it.
//
// Of a user whom the filter does not choose it says one thing, that the user is not active: somebody who moves out
// of the filter has left as far as Crowd is concerned. Ask [AttributeMap.Includes] before a user is created.
func (m *AttributeMap) ToCrowd(resource map[string]any) (Fields, error) {
	var f Fields
	switch in, err := m.filter.Includes(resource); {
	case err != nil:
		return f, err
	case !in:
		return Fields{Active: new(false)}, nil
	}
	for _, r := range m.rows {
		o := m.outcome(r, resource)
		if o.err != nil {
			return Fields{}, o.err
		}
		o.apply(&f)
	}
	return f, nil
}

// Includes reports whether the filter chooses the user whose resource this is. Its error is a *[ValueError].
func (m *AttributeMap) Includes(resource map[string]any) (bool, error) {
	return m.filter.Includes(resource)
}

// excludes reports whether the filter does not choose the user, or cannot say.
func (m *AttributeMap) excludes(resource map[string]any) bool {
	in, err := m.filter.Includes(resource)
	return err != nil || !in
}

// An outcome is what one row makes of one resource.
type outcome struct {
	row     *row
	source  string   // the path, expression or constant that had a value
	skipped []string // the sources before it, which had none
	values  []string // of a text field or custom attribute
	active  bool
	found   bool
	err     *ValueError
}

// outcome evaluates a row.
func (m *AttributeMap) outcome(r *row, resource map[string]any) outcome {
	o := outcome{row: r}
	values := o.search(resource, m.schema)
	if o.err != nil {
		return o
	}
	if r.To == toActive {
		o.setActive(values)
	} else {
		o.setText(values)
	}
	if !o.found && o.err == nil && r.IfMissing == Reject {
		o.err = r.valueError("it is missing, and "+r.To+" in Crowd needs it", "Assign a value in the identity provider, or give the row another source")
	}
	return o
}

// search returns the values of the first source that has any, without empty ones.
func (o *outcome) search(resource map[string]any, s filter.Schema) []any {
	r := o.row
	for i, p := range r.paths {
		o.skipped = r.sources[:i]
		if values := filled(p.Values(resource, s)); len(values) > 0 {
			o.source = r.From[i]
			return values
		}
	}
	o.skipped = r.sources[:len(r.paths)]
	if r.expr != nil {
		if values := o.searchExpression(resource); len(values) > 0 || o.err != nil {
			o.source = r.Expr
			return values
		}
		o.skipped = r.sources
	}
	if len(r.constant) > 0 {
		o.source = "constant"
	}
	return filled(r.constant)
}

// searchExpression evaluates the row's expression. One that says whether the user is active says nothing where it
// reads `active` and the resource has none: no omission may disable or enable anybody.
func (o *outcome) searchExpression(resource map[string]any) []any {
	r := o.row
	if r.To == toActive && r.expr.reads("active") {
		if len(filter.Path{Attr: filter.Attr{Name: "active"}}.Values(resource, nil)) == 0 {
			return nil
		}
	}
	v, err := r.expr.evaluate(resource)
	if err != nil {
		o.err = r.valueError("its expression fails: "+err.Error(), "Correct the expression, or the value in the identity provider")
		return nil
	}
	if list, ok := v.([]any); ok {
		return filled(list)
	}
	return filled([]any{v})
}

// filled returns the values that are not empty. They are those given, where none is.
func filled(values []any) []any {
	if !slices.ContainsFunc(values, empty) {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), empty)
}

func empty(v any) bool { return asText(v) == "" }

func (o *outcome) setActive(values []any) {
	if len(values) == 0 {
		return
	}
	active, ok := asBool(values[0])
	if !ok {
		o.err = o.row.valueError(quote(asText(values[0]))+" is neither true nor false", "Send a boolean")
		return
	}
	o.active, o.found = active, true
}

func (o *outcome) setText(values []any) {
	r := o.row
	if len(values) > 1 && !r.custom {
		values = values[:1]
	}
	o.values = make([]string, 0, len(values))
	var seen map[string]bool // of many values only
	if len(values) > 1 {
		seen = make(map[string]bool, len(values))
	}
	for _, v := range values {
		text, problem, remedy := fit(r.To, asText(v))
		if problem != "" {
			o.err = r.valueError(problem, remedy)
			return
		}
		if seen[text] {
			continue
		}
		if o.values = append(o.values, text); seen != nil {
			seen[text] = true
		}
	}
	o.found = len(o.values) > 0
}

// valueError makes an error that names the row's first path.
func (r *row) valueError(problem, remedy string) *ValueError {
	attribute := r.To
	if len(r.From) > 0 {
		attribute = r.From[0]
	}
	return &ValueError{Attribute: attribute, Problem: problem, Remedy: remedy}
}

// apply writes the outcome into f, as what is missing is to be treated.
func (o *outcome) apply(f *Fields) {
	r := o.row
	if !o.found && r.IfMissing != Clear {
		return
	}
	if r.To == toActive {
		f.Active = &o.active
		return
	}
	if r.custom {
		if f.Custom == nil {
			f.Custom = make(map[string][]string)
		}
		f.Custom[r.To] = append([]string{}, o.values...)
		return
	}
	value := ""
	if o.found {
		value = o.values[0]
	}
	*f.field(r.To) = &value
}

// Row returns the row for a target, with its defaults filled in. What makes a user active is computed where there is
// a filter: it is the Expr of that row, unless that has one of its own.
func (m *AttributeMap) Row(to string) (Row, bool) {
	i := slices.IndexFunc(m.rows, func(r *row) bool { return r.To == to })
	if i < 0 {
		return Row{}, false
	}
	r := m.rows[i].Row
	if to == toActive && !m.filter.all() {
		r.Expr = cmp.Or(r.Expr, m.filter.text)
	}
	return r, true
}

// Paths returns the source paths of all rows, each once, those that expressions and the filter read among them.
func (m *AttributeMap) Paths() []filter.Path {
	var paths []filter.Path
	seen := make(map[string]bool)
	add := func(p filter.Path) {
		if text := Fold(p.String()); !seen[text] {
			seen[text] = true
			paths = append(paths, p)
		}
	}
	for _, r := range m.rows {
		for _, p := range slices.Concat(r.paths, r.expr.paths()) {
			add(p)
		}
	}
	if !m.filter.all() {
		for _, p := range m.filter.condition.paths() {
			add(p)
		}
	}
	return paths
}

// String describes the outcome in words.
func (o *outcome) String() string {
	switch {
	case o.err != nil:
		return "refused: " + o.err.Problem + ". " + o.err.Remedy
	case o.found && o.row.To == toActive:
		return fmt.Sprintf("%t, from %s", o.active, o.source)
	case o.found:
		return fmt.Sprintf("%q, from %s", o.values, o.source)
	case o.row.IfMissing == Clear:
		return "emptied: no source has a value"
	}
	return "left alone: no source has a value"
}
