package mapping

import (
	"errors"
	"fmt"
	"strings"
)

// A Fault is one thing that is wrong with settings.
type Fault struct {
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901) into the settings
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"` // what to write instead, with an example where that helps
}

// String returns "POINTER: problem. remedy".
func (f Fault) String() string {
	return fmt.Sprintf("%s: %s. %s", f.Pointer, f.Problem, f.Remedy)
}

// Faults are all the things that are wrong with settings, setting by setting in the order these stand in.
type Faults []Fault

// Error returns one fault a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Below returns the faults as seen from a document in which the settings stand at prefix, a JSON pointer.
func (f Faults) Below(prefix string) Faults {
	below := make(Faults, len(f))
	for i, fault := range f {
		fault.Pointer = prefix + fault.Pointer
		below[i] = fault
	}
	return below
}

// add appends a fault.
func (f *Faults) add(pointer, problem, remedy string) {
	*f = append(*f, Fault{Pointer: pointer, Problem: problem, Remedy: remedy})
}

// addExpression appends what the compiler says of an expression.
func (f *Faults) addExpression(pointer string, err error) {
	if e, ok := errors.AsType[*expressionError](err); ok {
		f.add(pointer, e.problem, e.remedy)
	}
}

// err returns the faults as an error, nil if there are none.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// A ValueError says that what the identity provider sent cannot become what Crowd holds. Nothing was changed.
type ValueError struct {
	Attribute string // the SCIM path the value came from, or should have
	Problem   string
	Remedy    string
}

// Error names the attribute, the problem and the remedy.
func (e *ValueError) Error() string {
	return fmt.Sprintf("mapping: %s: %s. %s", e.Attribute, e.Problem, e.Remedy)
}
