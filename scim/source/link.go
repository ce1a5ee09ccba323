package source

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// nextLink returns the address that a page's Link headers (RFC 8288) name as the
// next one, nil if the list ends with the page. Okta names each page itself, by
// rel="self": where no header does, or one cannot be read, something on the way has
// changed it, and nobody knows whether there is more.
func nextLink(at *url.URL, headers []string) (*url.URL, error) {
	var links []link
	for _, header := range headers {
		more, err := parseLinks(header)
		if err != nil {
			return nil, fmt.Errorf("%w: the Link header cannot be read: %w", ErrIncomplete, err)
		}
		links = append(links, more...)
	}
	if i := slices.IndexFunc(links, func(l link) bool { return l.is("next") }); i >= 0 {
		return follow(at, links[i].target)
	}
	if !slices.ContainsFunc(links, func(l link) bool { return l.is("self") }) {
		return nil, fmt.Errorf(`%w: no Link header names the page (rel="self"), so that nobody knows whether it is the last`, ErrIncomplete)
	}
	return nil, nil
}

// follow returns the address of the next page. The token goes there, so it must be
// on the server that the page came from.
func follow(at *url.URL, target string) (*url.URL, error) {
	next, err := at.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("%w: the address of the next page cannot be read", ErrIncomplete)
	}
	if !strings.EqualFold(next.Scheme, at.Scheme) || !strings.EqualFold(next.Host, at.Host) || next.User != nil {
		return nil, fmt.Errorf("%w: the next page is on another server, %q, which does not get the token", ErrIncomplete, next.Host)
	}
	next.Fragment, next.RawFragment = "", "" // is not sent
	return next, nil
}

// A link is one of a Link header. It may have several relations, with blanks between.
type link struct{ target, rel string }

func (l link) is(rel string) bool {
	return slices.ContainsFunc(strings.Fields(l.rel), func(r string) bool { return strings.EqualFold(r, rel) })
}

var errLink = errors.New("it is not a list of links")

// parseLinks reads a header. Lists may have empty elements (RFC 9110 section 5.6.1).
func parseLinks(header string) (links []link, err error) {
	for {
		header = strings.TrimLeft(header, ", \t")
		if header == "" {
			return links, nil
		}
		var l link
		if l, header, err = parseLink(header); err != nil {
			return nil, err
		}
		links = append(links, l)
	}
}

// parseLink reads the first link of a header, and returns what is behind it.
func parseLink(header string) (l link, rest string, err error) {
	header, ok := strings.CutPrefix(header, "<")
	if !ok {
		return l, "", errLink
	}
	if l.target, header, ok = strings.Cut(header, ">"); !ok || strings.Contains(l.target, "<") {
		return l, "", errLink
	}
	for {
		header = strings.TrimLeft(header, " \t")
		if header == "" || header[0] == ',' {
			return l, header, nil
		}
		if header[0] != ';' {
			return l, "", errLink
		}
		name, value, more, err := parseParameter(header[1:])
		if err != nil {
			return l, "", err
		}
		if strings.EqualFold(name, "rel") && l.rel == "" { // the first one counts (RFC 8288 section 3.3)
			l.rel = value
		}
		header = more
	}
}

var errQuote = errors.New("a quotation mark is missing")

// parseParameter reads name=value, where the value may be quoted.
func parseParameter(s string) (name, value, rest string, err error) {
	end := strings.IndexAny(s, "=;,")
	if end < 0 || s[end] != '=' {
		if end < 0 {
			end = len(s)
		}
		return strings.TrimSpace(s[:end]), "", s[end:], nil
	}
	name, s = strings.TrimSpace(s[:end]), strings.TrimLeft(s[end+1:], " \t")
	if !strings.HasPrefix(s, `"`) {
		end = strings.IndexAny(s, ";,")
		if end < 0 {
			end = len(s)
		}
		return name, strings.TrimSpace(s[:end]), s[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return name, b.String(), s[i+1:], nil
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", "", errQuote
}
