package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A template is text in which $1 and ${name} stand for groups of a regular expression, in the form that package
// regexp expands. In settings a number ends where its digits end, so that "$1x" is not a group named "1x".
type template string

// parseTemplate reads a template for matches of re. Its problem is empty when it succeeds.
func parseTemplate(text string, re *regexp.Regexp) (t template, problem string) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return template(b.String()), ""
		}
		group, rest, ok := cutGroup(after)
		switch {
		case !ok:
			return "", "has a \"$\" that stands for nothing: write $$ for the sign itself"
		case group == "$":
			b.WriteString("$$")
		case !hasGroup(re, group):
			return "", fmt.Sprintf("uses $%s, but the pattern has no such group: it has %d", group, re.NumSubexp())
		default:
			b.WriteString("${" + group + "}")
		}
		text = rest
	}
}

// open reports whether the template gives different names for different matches.
func (t template) open() bool { return strings.Contains(strings.ReplaceAll(string(t), "$$", ""), "$") }

// ends are what tells the names apart that open templates give, folded.
type ends struct {
	at            int    // the place of the template in its rule
	before, after string // what stands before the first group and behind the last
}

// ends returns the ends of the template at a place.
func (t template) ends(at int) ends {
	s := Fold(strings.ReplaceAll(string(t), "$$", "\x00")) // the sign itself, as nothing else that a name can hold
	before, _, _ := strings.Cut(s, "${")
	return ends{at, before, s[strings.LastIndex(s, "}")+1:]}
}

// meets reports whether the two templates may give one name.
func (e ends) meets(other ends) bool {
	return (strings.HasPrefix(e.before, other.before) || strings.HasPrefix(other.before, e.before)) &&
		(strings.HasSuffix(e.after, other.after) || strings.HasSuffix(other.after, e.after))
}

// cutGroup reads a group's number, "{name}" or a second "$" from the front of s.
func cutGroup(s string) (group, rest string, ok bool) {
	switch {
	case strings.HasPrefix(s, "$"):
		return "$", s[1:], true
	case strings.HasPrefix(s, "{"):
		return strings.Cut(s[1:], "}")
	}
	n := len(s) - len(strings.TrimLeft(s, "0123456789"))
	return s[:n], s[n:], n > 0
}

// hasGroup reports whether re has a group of that number or name.
func hasGroup(re *regexp.Regexp, group string) bool {
	if n, err := strconv.Atoi(group); err == nil {
		return n >= 0 && n <= re.NumSubexp() && group == strconv.Itoa(n) // "01" would be a name
	}
	return group != "" && slices.Contains(re.SubexpNames(), group)
}

// glob reports whether s matches pattern, both folded, in which "*" stands for any text.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(s, first) || len(s) < len(first)+len(last) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(s, part)
		if !found {
			return false
		}
		s = rest
	}
	return true
}
