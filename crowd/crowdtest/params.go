package crowdtest

import (
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// params are the decoded parameters of a query string.
type params url.Values

// parseParams decodes a query string as a servlet container does: a plus is a
// space, and a semicolon is nothing special.
func parseParams(raw string) (params, error) {
	p := params{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, err
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, err
		}
		p[name] = append(p[name], value)
	}
	return p, nil
}

func (p params) get(name string) string { return url.Values(p).Get(name) }

func (p params) has(name string) bool { return len(p[name]) > 0 }

// withoutSecrets returns the parameters as they may be recorded: without the
// tokens of sessions, and without passwords that a client sends where they do
// not belong.
func (p params) withoutSecrets() url.Values {
	shown := maps.Clone(url.Values(p))
	for _, name := range []string{"exclude", "token", "password", "value"} {
		if _, found := shown[name]; found {
			shown[name] = []string{"[secret]"}
		}
	}
	return shown
}

// require returns a parameter that must not be blank.
func (x *exchange) require(name string) (string, error) {
	value := x.params.get(name)
	if value == "" {
		return "", x.illegal("The parameter %s is missing", name)
	}
	return value, nil
}

// expands tells whether the parameter expand names what.
func (x *exchange) expands(what string) bool {
	for list := range strings.SplitSeq(strings.Join(x.params["expand"], ","), ",") {
		first, _, _ := strings.Cut(strings.TrimSpace(list), ".")
		if first == what {
			return true
		}
	}
	return false
}

// A page is a part of a list; a negative max has no bound.
type page struct{ start, max int }

const defaultMaxResults = 1000

func (x *exchange) page() (page, error) {
	start, err := x.number("start-index", 0)
	if err != nil {
		return page{}, err
	}
	limit, err := x.number("max-results", defaultMaxResults)
	if err != nil {
		return page{}, err
	}
	return page{max(start, 0), limit}, nil
}

func (x *exchange) number(name string, fallback int) (int, error) {
	if !x.params.has(name) {
		return fallback, nil
	}
	n, err := strconv.Atoi(x.params.get(name))
	if err != nil {
		return 0, x.illegal("The parameter %s is no number", name)
	}
	return n, nil
}
