package mapping

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

func replace(p ...any) (any, error) {
	s, from, to := asText(p[1]), asText(p[2]), asText(p[3])
	if err := p[0].(*run).spend(len(s) + strings.Count(s, from)*len(to)); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(s, from, to), nil
}

// split takes a text apart. An empty text has no parts.
func split(p ...any) (any, error) {
	s, separator := asText(p[1]), asText(p[2])
	if err := p[0].(*run).spend(len(s) + perItem*strings.Count(s, separator)); err != nil {
		return nil, err
	}
	list := []any{}
	if s != "" {
		for part := range strings.SplitSeq(s, separator) {
			list = append(list, part)
		}
	}
	return list, nil
}

// join puts the texts of a list together, leaving out empty ones.
func join(p ...any) (any, error) {
	separator := asText(p[2])
	list, _ := p[1].([]any)
	n := perItem * len(list)
	if err := p[0].(*run).spend(n); err != nil {
		return nil, err
	}
	var texts []string
	for _, v := range list {
		if t := asText(v); t != "" {
			texts = append(texts, t)
			n += len(t) + len(separator)
		}
	}
	if err := p[0].(*run).spend(n); err != nil {
		return nil, err
	}
	return strings.Join(texts, separator), nil
}

// firstPresent returns the first of its arguments that is not empty.
func firstPresent(p ...any) (any, error) {
	for _, v := range p[1:] {
		if list, ok := v.([]any); (ok && len(list) > 0) || (!ok && v != nil && v != "") {
			return v, nil
		}
	}
	return p[len(p)-1], nil
}

// substring returns characters from to before to, counted from 0 and clipped to the text.
func substring(p ...any) (any, error) {
	s := asText(p[1])
	r := []rune(s)
	from, whole := p[2].(int)
	to := len(r)
	if len(p) > 3 && whole {
		to, whole = p[3].(int)
	}
	if !whole {
		return nil, errors.New("substring counts characters in whole numbers")
	}
	from = min(max(from, 0), len(r))
	to = min(max(to, from), len(r))
	return p[0].(*run).text(string(r[from:to]), s)
}

func matches(p ...any) (any, error) {
	s := asText(p[1])
	if err := p[0].(*run).spend(patternCost * len(s)); err != nil {
		return nil, err
	}
	return p[2].(*regexp.Regexp).MatchString(s), nil
}

// findRegex returns what the first group matched, or the whole match where the pattern has no group.
func findRegex(p ...any) (any, error) {
	s := asText(p[1])
	if err := p[0].(*run).spend(patternCost * len(s)); err != nil {
		return nil, err
	}
	found := p[2].(*regexp.Regexp).FindStringSubmatch(s)
	if len(found) == 0 {
		return "", nil
	}
	return found[min(1, len(found)-1)], nil
}

func replaceRegex(p ...any) (any, error) {
	r, s, re, to := p[0].(*run), asText(p[1]), p[2].(*regexp.Regexp), asText(p[3])
	if err := r.spend(2 * patternCost * len(s)); err != nil {
		return nil, err
	}
	// A match can be of nothing, and each "$1" can be the whole text: bound the result before it is made.
	count := len(re.FindAllStringIndex(s, -1))
	if err := r.spend(count * (len(to) + strings.Count(to, "$")*len(s))); err != nil {
		return nil, err
	}
	return re.ReplaceAllString(s, to), nil
}

func firstAtPath(p ...any) (any, error) {
	r := p[0].(*run)
	texts := r.at(p[1].(*source))
	if len(texts) == 0 {
		return "", nil
	}
	return r.text(asText(texts[0]))
}

func allAtPath(p ...any) (any, error) {
	r := p[0].(*run)
	texts := r.at(p[1].(*source))
	n := perItem * len(texts)
	for _, t := range texts {
		n += len(t.(string))
	}
	return texts, r.spend(n)
}

// localPart returns what stands before the "@" of an email address, or all of a text that has none.
func localPart(s string) string {
	local, _, _ := strings.Cut(s, "@")
	return local
}

// asText returns the text of a value, that of its "value" for a complex one, and "" for what has none.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return strconv.Itoa(v)
	case map[string]any:
		return asText(v["value"])
	}
	return ""
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

// asFloat reads a number; 0 where there is none.
func asFloat(v any) float64 {
	f, _ := strconv.ParseFloat(asText(v), 64)
	return f
}
