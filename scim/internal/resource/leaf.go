package resource

import (
	"encoding/json"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// leaf brings a value of a simple type into normal form.
func (c coercer) leaf(a *attribute, v any) (any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	if f, ok := v.(float64); ok {
		v = json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	}
	switch a.typ {
	case filter.Boolean:
		return c.boolean(a, v)
	case filter.Number:
		return c.number(a, v)
	}
	// What a resource is known by is not guessed: a required attribute must be text.
	if n, ok := v.(json.Number); ok && c.NumberStrings && !a.required {
		v = n.String()
	}
	text, ok := v.(string)
	if !ok {
		return nil, refuse(invalidValue, "%s is %s: send a string", a.path, kindOf(v))
	}
	switch a.typ {
	case filter.Binary:
		return c.binary(a, text)
	case filter.Reference:
		if !c.AnyReference && !isURI(text) {
			return nil, refuse(invalidValue, "%s is no URI, absolute or relative", a.path)
		}
	case filter.DateTime:
		if _, err := a.definition.ValidateSingular(text); err != nil {
			return nil, refuse(invalidValue, "%s is not a date and time such as 2026-05-13T04:42:34Z", a.path)
		}
	}
	return text, nil
}

// uri is what a URI is made of, RFC 3986 section 2.
var uri = regexp.MustCompile(`^(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$`)

// isURI reports whether text is a URI, absolute or relative (RFC 7643 section 2.3.7).
func isURI(text string) bool {
	_, err := url.Parse(text)
	return err == nil && uri.MatchString(text)
}

func (c coercer) boolean(a *attribute, v any) (any, error) {
	if b, ok := v.(bool); ok {
		return b, nil
	}
	if c.StringBooleans {
		switch text := scalarText(v); {
		case strings.EqualFold(text, "true") || text == "1":
			return true, nil
		case strings.EqualFold(text, "false") || text == "0":
			return false, nil
		}
	}
	return nil, refuse(invalidValue, "%s is %s: send true or false", a.path, kindOf(v))
}

// scalarText returns the text of a string or number, and nothing for anything else.
func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (c coercer) number(a *attribute, v any) (any, error) {
	n, ok := v.(json.Number)
	if text, isText := v.(string); isText && c.NumberStrings {
		n, ok = json.Number(text), json.Valid([]byte(text))
	}
	if !ok {
		return nil, refuse(invalidValue, "%s is %s: send a number", a.path, kindOf(v))
	}
	f, err := n.Float64()
	if err != nil {
		return nil, refuse(invalidValue, "%s is not a number this server can hold", a.path)
	}
	if !a.integer {
		return n, nil
	}
	if _, err := n.Int64(); err == nil {
		return n, nil
	}
	if !c.NumberStrings || f != math.Trunc(f) || math.Abs(f) > 1<<53 { // 7.0 and 1e3 mean integers, and are none
		return nil, refuse(invalidValue, "%s is not an integer", a.path)
	}
	return json.Number(strconv.FormatInt(int64(f), 10)), nil
}

// binary checks base64, RFC 7643 section 2.3.6, and completes it: padding may be left out, and the alphabet may be the
// one for addresses. Line breaks, which some encoders put in, are taken out.
func (c coercer) binary(a *attribute, text string) (any, error) {
	text = strings.NewReplacer("\r", "", "\n", "", "-", "+", "_", "/").Replace(text)
	if !strings.HasSuffix(text, "=") {
		text += strings.Repeat("=", (4-len(text)%4)%4)
	}
	if _, err := a.definition.ValidateSingular(text); err != nil {
		return nil, refuse(invalidValue, "%s is not base64", a.path)
	}
	return text, nil
}
