package mapping

import (
	"reflect"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// UserFilter chooses the users that a connection provisions at all. It is made by [CompileUserFilter], immutable,
// and may be used by several goroutines; nil chooses everybody. The filter of groups is [Groups.Filter].
type UserFilter struct {
	text      string
	condition *expression // nil for everybody
}

// CompileUserFilter checks an expression over the attributes of a user, such as `userType == "Employee"`, and makes
// it ready for use. Without text it chooses everybody. A nil schema means [DefaultSchema]. The error is of type
// [Faults], with empty pointers.
func CompileUserFilter(text string, schema filter.Schema) (*UserFilter, error) {
	if schema == nil {
		schema = DefaultSchema()
	}
	var faults Faults
	f := &UserFilter{text, condition(&faults, "", text, schema, `userType == "Employee"`)}
	if err := faults.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// Includes reports whether the connection provisions the user. Its error is a *[ValueError]: the expression cannot
// be evaluated for this resource.
func (f *UserFilter) Includes(resource map[string]any) (bool, error) {
	if f.all() {
		return true, nil
	}
	v, err := f.condition.evaluate(resource)
	if err != nil {
		return false, &ValueError{
			Attribute: "filter", Problem: "the expression that chooses users fails: " + err.Error(),
			Remedy: "Correct the expression, or the value in the identity provider",
		}
	}
	return v == true, nil
}

// all reports whether everybody is chosen.
func (f *UserFilter) all() bool { return f == nil || f.condition == nil }

// source returns the text of the filter.
func (f *UserFilter) source() string {
	if f == nil {
		return ""
	}
	return f.text
}

// condition compiles an expression that gives a boolean; no text gives nil.
func condition(faults *Faults, pointer, text string, schema filter.Schema, example string) *expression {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	e, err := compileExpression(text, schema)
	if err != nil {
		faults.addExpression(pointer, err)
		return nil
	}
	if e.result.Kind() != reflect.Bool {
		faults.add(pointer, "the expression is no condition", "Write one that is true or false, such as "+example)
	}
	return e
}
