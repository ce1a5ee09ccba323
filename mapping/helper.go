package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// Names that no expression can be written with, since expressions may not name what begins with "_".
const (
	runName     = "_run"
	addName     = "_add"
	matchesName = "_matches"
	inName      = "_in"
	lenName     = "_len"
)

// A helper is a function that expressions may call. Its first parameter is the run.
type helper struct {
	name     string
	call     func(...any) (any, error)
	typ      any // one function type: of several the compiler would try each, again for every call inside a call
	most     int // arguments, where the type does not say; 0 for no limit
	constant int // the parameter that must be a constant, prepared while compiling; 0 for none
	prepare  func(text string, s filter.Schema) (any, error)
	example  string
}

// textHelper makes a helper of a function from text to text.
func textHelper(name string, f func(string) string) helper {
	return helper{
		name: name,
		typ:  func(*run, string) string { return "" },
		call: func(p ...any) (any, error) {
			return p[0].(*run).text(f(asText(p[1])), asText(p[1]))
		},
	}
}

// helpers returns all helpers.
func helpers() []helper {
	return append(slices.Concat(patternHelpers(), operatorHelpers()),
		textHelper("lower", strings.ToLower),
		textHelper("upper", strings.ToUpper),
		textHelper("trim", strings.TrimSpace),
		textHelper("ascii", toASCII),
		textHelper("localPart", localPart),
		helper{
			name: "replace", call: replace,
			typ: func(*run, string, string, string) string { return "" },
		},
		helper{
			name: "split", call: split,
			typ: func(*run, string, string) []any { return nil },
		},
		helper{
			name: "join", call: join,
			typ: func(*run, []any, string) string { return "" },
		},
		helper{
			name: "default", call: firstPresent,
			typ: func(*run, any, ...any) any { return nil },
		},
		helper{
			name: "substring", call: substring, most: 3, example: "substring(userName, 0, 20)",
			typ: func(*run, string, int, ...int) string { return "" },
		},
	)
}

// patternHelpers returns the helpers that take a regular expression or a path.
func patternHelpers() []helper {
	return []helper{
		{
			name: matchesName, call: matches, constant: 2, prepare: preparePattern,
			typ:     func(*run, string, *regexp.Regexp) bool { return false },
			example: `userName matches "^a.*z$"`,
		},
		{
			name: "findRegex", call: findRegex, constant: 2, prepare: preparePattern,
			typ:     func(*run, string, *regexp.Regexp) string { return "" },
			example: `findRegex(userName, "^[a-z]+")`,
		},
		{
			name: "replaceRegex", call: replaceRegex, constant: 2, prepare: preparePattern,
			typ:     func(*run, string, *regexp.Regexp, string) string { return "" },
			example: `replaceRegex(userName, "@.*$", "")`,
		},
		{
			name: "path", call: firstAtPath, constant: 1, prepare: preparePath,
			typ:     func(*run, *source) string { return "" },
			example: `path("emails[type eq \"work\"].value")`,
		},
		{
			name: "paths", call: allAtPath, constant: 1, prepare: preparePath,
			typ:     func(*run, *source) []any { return nil },
			example: `paths("emails.value")`,
		},
	}
}

// preparePattern compiles a regular expression that an expression uses.
func preparePattern(text string, _ filter.Schema) (any, error) {
	re, problem := compilePattern(text)
	if problem != "" {
		return nil, &expressionError{"the regular expression " + quote(text) + " " + problem, `Write one such as "^dev-(.*)$"`}
	}
	return re, nil
}

// preparePath parses a path that an expression uses.
func preparePath(text string, s filter.Schema) (any, error) {
	p, fault := parseSource(text, s)
	if fault.Problem != "" {
		return nil, &expressionError{fault.Problem, fault.Remedy}
	}
	return &source{path: p}, nil
}

// A source is a path that an expression gives to a helper.
type source struct{ path filter.Path }

// A run is one evaluation of an expression and keeps account of its work.
type run struct {
	resource map[string]any
	schema   filter.Schema
	work     int
	found    map[*source][]any // the texts at paths, looked for once however often a loop asks
}

var errWork = errors.New("the expression has too much to do for this user: the texts it works on are too long")

// spend accounts for n bytes.
func (r *run) spend(n int) error {
	const call = 16 // what calling a helper costs by itself
	if r.work += n + call; r.work > maxWork {
		return errWork
	}
	return nil
}

// text returns result, accounting for it and for what was read.
func (r *run) text(result string, read ...string) (any, error) {
	n := len(result)
	for _, s := range read {
		n += len(s)
	}
	return result, r.spend(n)
}

// at returns the texts at a path, without empty ones.
func (r *run) at(s *source) []any {
	if texts, ok := r.found[s]; ok {
		return texts
	}
	texts := []any{}
	for _, v := range s.path.Values(r.resource, r.schema) {
		if t := asText(v); t != "" {
			texts = append(texts, t)
		}
	}
	if r.found == nil {
		r.found = make(map[*source][]any)
	}
	r.found[s] = texts
	return texts
}

// input returns the value of an attribute in the shape its type has in expressions.
func (r *run) input(name string, info filter.AttrInfo) (any, error) {
	values := filter.Path{Attr: filter.Attr{Name: name}}.Values(r.resource, r.schema)
	budget := maxData
	v := shape(values, info, &budget)
	if budget < 0 {
		return nil, fmt.Errorf("%s has more than the %d bytes that an expression can read", name, maxData)
	}
	return v, nil
}

// shape makes of values what an expression sees: nothing in it is nil, and every sub-attribute is there.
func shape(values []any, info filter.AttrInfo, budget *int) any {
	if info.Multi {
		list := make([]any, 0, len(values))
		single := info
		single.Multi = false
		for _, v := range values {
			if *budget -= 16; *budget < 0 {
				return list
			}
			list = append(list, shape([]any{v}, single, budget))
		}
		return list
	}
	var v any
	if len(values) > 0 {
		v = values[0]
	}
	switch info.Type {
	case filter.Complex:
		return shapeComplex(v, info, budget)
	case filter.Boolean:
		b, _ := asBool(v)
		return b
	case filter.Number:
		return asFloat(v)
	}
	text := asText(v)
	*budget -= len(text)
	return text
}

func shapeComplex(v any, info filter.AttrInfo, budget *int) map[string]any {
	object, ok := v.(map[string]any)
	if !ok && v != nil {
		object = map[string]any{"value": v}
	}
	shaped := make(map[string]any, len(info.Sub))
	for _, s := range info.Sub {
		values := filter.Path{Attr: filter.Attr{Name: s.Name}}.Values(object, nil)
		shaped[s.Name] = shape(values, s, budget)
	}
	return shaped
}
