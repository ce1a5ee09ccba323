package filter

import (
	"cmp"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// holds applies the comparison to one value that is not nil.
func (c *Compare) holds(v any, info AttrInfo, typed bool) bool {
	t := info.Type
	if !typed {
		t = typeOf(v)
	}
	switch t {
	case Boolean:
		a, ok1 := asBool(v)
		b, ok2 := asBool(c.Value)
		return c.equality(a == b, ok1 && ok2)
	case Number:
		a, ok1 := asNumber(v)
		b, ok2 := asNumber(c.Value)
		if !ok1 || !ok2 {
			return c.equality(false, false)
		}
		return c.ordered(compareNumbers(a, b))
	case DateTime:
		if !c.Op.substring() {
			return c.holdsTime(v)
		}
	}
	a, ok1 := asText(v)
	b, ok2 := c.text()
	if !ok1 || !ok2 {
		return c.equality(false, false)
	}
	if !info.CaseExact && t != Binary && t != Reference {
		a, b = strings.ToLower(a), strings.ToLower(b)
	}
	return c.holdsText(a, b)
}

// equality answers eq and ne; values that cannot be compared are not equal.
func (c *Compare) equality(equal, comparable bool) bool {
	switch c.Op {
	case Equal:
		return comparable && equal
	case NotEqual:
		return !comparable || !equal
	}
	return false
}

// ordered answers an operator from the order of value and operand.
func (c *Compare) ordered(order int) bool {
	switch c.Op {
	case GreaterThan:
		return order > 0
	case GreaterOrEqual:
		return order >= 0
	case LessThan:
		return order < 0
	case LessOrEqual:
		return order <= 0
	}
	return c.equality(order == 0, true)
}

func (c *Compare) holdsText(a, b string) bool {
	switch c.Op {
	case Contains:
		return strings.Contains(a, b)
	case StartsWith:
		return strings.HasPrefix(a, b)
	case EndsWith:
		return strings.HasSuffix(a, b)
	}
	return c.ordered(cmp.Compare(a, b))
}

// holdsTime compares instants.
func (c *Compare) holdsTime(v any) bool {
	text, _ := asText(v)
	a, ok1 := asTime(text)
	operand, _ := c.text()
	b, ok2 := asTime(operand)
	if !ok1 || !ok2 {
		return c.equality(text == operand, true)
	}
	return c.ordered(a.Compare(b))
}

// text returns the operand as text, if it is one.
func (c *Compare) text() (string, bool) {
	if s, ok := c.Value.(string); ok {
		return s, true
	}
	if c.Bare {
		return asText(c.Value)
	}
	return "", false
}

// typeOf returns the type a value has where no schema tells.
func typeOf(v any) Type {
	switch v.(type) {
	case bool:
		return Boolean
	case json.Number, float64, int, int64:
		return Number
	}
	return String
}

// asBool reads a boolean, or text that says one.
func asBool(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		return strings.EqualFold(v, "true"), strings.EqualFold(v, "true") || strings.EqualFold(v, "false")
	}
	return false, false
}

// asNumber reads a number in any of the forms that JSON values and Go programs give it.
func asNumber(v any) (json.Number, bool) {
	switch v := v.(type) {
	case json.Number:
		return v, true
	case float64:
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64)), true
	case int:
		return json.Number(strconv.Itoa(v)), true
	case int64:
		return json.Number(strconv.FormatInt(v, 10)), true
	}
	return "", false
}

// asText reads text, or the text of a simple value of another type.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	}
	n, ok := asNumber(v)
	return string(n), ok
}

// compareNumbers orders integers exactly and everything else as floating-point numbers, integers of thousands of digits
// among them, so that the size of a number or its exponent costs nothing.
func compareNumbers(a, b json.Number) int {
	const exact = 1000
	if len(a)+len(b) <= exact && !strings.ContainsAny(string(a+b), ".eE") {
		x, ok1 := new(big.Int).SetString(string(a), 10)
		y, ok2 := new(big.Int).SetString(string(b), 10)
		if ok1 && ok2 {
			return x.Cmp(y)
		}
	}
	x, _ := strconv.ParseFloat(string(a), 64)
	y, _ := strconv.ParseFloat(string(b), 64)
	return cmp.Compare(x, y)
}

// asTime reads an xsd:dateTime; one without zone is taken as UTC.
func asTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
