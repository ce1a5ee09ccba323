package filter

import "fmt"

// A SyntaxError says where a filter or path departs from the grammar.
type SyntaxError struct {
	Offset  int    // in bytes, from 0
	Problem string // what is wrong there
}

// Error returns the problem and the character it stands at, counted from 1.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("filter: at character %d: %s", e.Offset+1, e.Problem)
}

// An AttributeError says that a filter or path that is well formed does not fit the schema.
type AttributeError struct {
	Attribute string // as written
	Unknown   bool   // no such attribute, rather than one used wrongly
	Problem   string
}

// Error names the attribute and the problem.
func (e *AttributeError) Error() string {
	return fmt.Sprintf("filter: attribute %s: %s", e.Attribute, e.Problem)
}
