package source

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// nextLink returns the address that a page's Link headers (RFC 8288) name as the
// next one, nil if there is none. The token goes there, so it must be on the server
// that the page came from; and it must lead on.
func nextLink(at *url.URL, headers []string) (*url.URL, error) {
	for _, header := range headers {
		for rest := header; ; {
			target, rel, more, ok := parseLink(rest)
			if !ok {
				break
			}
			if strings.EqualFold(rel, "next") {
				return follow(at, target)
			}
			rest = more
		}
	}
	return nil, nil
}

func follow(at *url.URL, target string) (*url.URL, error) {
	next, err := at.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("%w: the address of the next page cannot be read", ErrIncomplete)
	}
	if !strings.EqualFold(next.Scheme, at.Scheme) || !strings.EqualFold(next.Host, at.Host) || next.User != nil {
		return nil, fmt.Errorf("%w: the next page is on another server, %q, which does not get the token", ErrIncomplete, next.Host)
	}
	if next.String() == at.String() {
		return nil, fmt.Errorf("%w: the next page is the same again", ErrIncomplete)
	}
	return next, nil
}

// parseLink reads the first link of a header, and returns what is behind it.
func parseLink(header string) (target, rel, rest string, ok bool) {
	_, header, ok = strings.Cut(header, "<")
	if !ok {
		return "", "", "", false
	}
	target, header, ok = strings.Cut(header, ">")
	if !ok {
		return "", "", "", false
	}
	for {
		header = strings.TrimLeft(header, " \t")
		switch {
		case strings.HasPrefix(header, ";"):
			name, value, more, err := parseParameter(header[1:])
			if err != nil {
				return "", "", "", false
			}
			if strings.EqualFold(name, "rel") && rel == "" {
				rel = value
			}
			header = more
		case strings.HasPrefix(header, ","):
			return target, rel, header[1:], true
		default:
			return target, rel, "", true
		}
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
