// Package filter parses SCIM filters and attribute paths and evaluates them over plain JSON values, as RFC 7644
// sections 3.4.2.2 and 3.5.2 define them.
//
//	expr, err := filter.Parse(`userName sw "a" and emails[type eq "work"]`)
//	if err != nil {
//		return err // a *SyntaxError: where, and what is wrong
//	}
//	if err := filter.Check(expr, schema); err != nil {
//		return err // an *AttributeError: an unknown attribute, or a value of the wrong type
//	}
//	found := filter.Match(expr, resource, schema)
//
// A resource is what encoding/json makes of one: map[string]any, []any, string, bool, nil, and json.Number or
// float64. Its keys are matched ignoring case, as are attribute names, URNs and operators of a filter. Text is
// compared by the case rule of the attribute, dates as instants, numbers by value. A [Schema] tells types and
// case rules.
//
// Parsing takes linear time and never recurses deeper than [MaxDepth], so text from a client may be given to it as
// it came. Everything parsed is immutable by convention and may be shared between goroutines.
//
// The package does not change resources, does not page or sort, and knows no schema of its own.
package filter
