package filter

import (
	"fmt"
	"slices"
	"strings"
)

// Check resolves every attribute of a filter and holds operators and values against its type. Its error is an
// *[AttributeError] for the first that does not fit.
//
// Text that says true or false, in any case, is accepted for a boolean: several clients send it so. A complex
// attribute stands for its "value", as in `emails co "x"`.
func Check(e Expr, s Schema) error {
	return check(e, func(a Attr) (AttrInfo, error) {
		_, info, err := a.Resolve(s)
		return info, err
	})
}

// A finder returns what a schema says of an attribute, at the top of a resource or inside one value.
type finder func(Attr) (AttrInfo, error)

func check(e Expr, find finder) error {
	switch e := e.(type) {
	case *And:
		return checkAll(e.Terms, find)
	case *Or:
		return checkAll(e.Terms, find)
	case *Not:
		return check(e.Term, find)
	case *ValuePath:
		return checkValuePath(e, find)
	case *Compare:
		return checkCompare(e, find)
	}
	return fmt.Errorf("filter: unknown expression %T", e)
}

func checkAll(terms []Expr, find finder) error {
	for _, t := range terms {
		if err := check(t, find); err != nil {
			return err
		}
	}
	return nil
}

func checkValuePath(e *ValuePath, find finder) error {
	info, err := find(e.Attr)
	if err != nil {
		return err
	}
	if info.Type != Complex && !info.Multi {
		return &AttributeError{Attribute: e.Attr.String(), Problem: "it has a single value, so no filter in brackets can follow"}
	}
	return check(e.Filter, func(a Attr) (AttrInfo, error) {
		sub, ok := info.sub(a.Name)
		if !ok {
			whole := e.Attr
			whole.Sub = a.Name
			return AttrInfo{}, &AttributeError{
				Attribute: whole.String(), Unknown: true,
				Problem: fmt.Sprintf("%s has no sub-attribute %q", info.Name, a.Name),
			}
		}
		return sub, nil
	})
}

func checkCompare(c *Compare, find finder) error {
	info, err := find(c.Attr)
	if err != nil || c.Op == Present {
		return err
	}
	if info.Type == Complex {
		value, ok := info.sub("value")
		if !ok && c.Value != nil {
			return &AttributeError{Attribute: c.Attr.String(), Problem: "it is complex: compare one of its sub-attributes, " + subNames(info)}
		}
		info = value
	}
	if problem := mismatch(c, info.Type); problem != "" {
		return &AttributeError{Attribute: c.Attr.String(), Problem: problem}
	}
	return nil
}

// subNames lists the sub-attributes of info for a message.
func subNames(info AttrInfo) string {
	var names []string
	for _, s := range info.Sub {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// mismatch says why c cannot be applied to an attribute of type t, and nothing if it can.
func mismatch(c *Compare, t Type) string {
	if c.Value == nil {
		if c.Op != Equal && c.Op != NotEqual {
			return "null can be compared by eq and ne only"
		}
		return ""
	}
	if (t == Boolean || t == Number) && c.Op.substring() || (t == Boolean || t == Binary) && c.Op.ordering() {
		return fmt.Sprintf("the operator %s does not apply to a %s", c.Op, t)
	}
	ok, want := true, ""
	switch t {
	case Boolean:
		_, ok = asBool(c.Value)
		want = "true or false"
	case Number:
		_, ok = asNumber(c.Value)
		want = "a number"
	case DateTime:
		text, isText := c.text()
		_, isTime := asTime(text)
		ok = isText && (isTime || c.Op.substring())
		want = "a date and time such as \"2026-05-13T04:42:34Z\""
	default:
		_, ok = c.text()
		want = "text in double quotes"
	}
	if ok {
		return ""
	}
	return fmt.Sprintf("it is compared with %s, but it is a %s: %s is expected", literal(c.Value), t, want)
}
