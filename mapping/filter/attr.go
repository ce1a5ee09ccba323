package filter

import "strings"

// Attr names an attribute: the URN of its schema where it was given, its name, and a sub-attribute where one was
// named. A path that is the bare URN of a schema extension has an empty Name.
//
// Spelling is kept as written; compare with [Attr.Equal].
type Attr struct{ URN, Name, Sub string }

// String returns the attribute as RFC 7644 section 3.10 writes it: urn:...:User:name.familyName.
func (a Attr) String() string {
	s := a.URN
	if a.Name != "" {
		if s != "" {
			s += ":"
		}
		s += a.Name
	}
	if a.Sub != "" {
		s += "." + a.Sub
	}
	return s
}

// Equal reports whether both name the same attribute, ignoring case. It does not know that an attribute with the
// URN of its core schema is the one without: [Attr.Resolve] takes that URN off.
func (a Attr) Equal(b Attr) bool {
	return strings.EqualFold(a.URN, b.URN) && strings.EqualFold(a.Name, b.Name) && strings.EqualFold(a.Sub, b.Sub)
}

// corePrefix begins the URNs of the core resource schemas, whose attributes stand at the top of a resource.
const corePrefix = "urn:ietf:params:scim:schemas:core:2.0:"

// Core reports whether the attribute belongs to a core schema rather than to an extension.
func (a Attr) Core() bool {
	return a.URN == "" || (len(a.URN) >= len(corePrefix) && strings.EqualFold(a.URN[:len(corePrefix)], corePrefix))
}

// parseAttr reads an attribute path without value filter. Its problem is empty when it succeeds.
func parseAttr(s string) (a Attr, problem string) {
	if len(s) >= 4 && strings.EqualFold(s[:4], "urn:") {
		return parseURN(s)
	}
	if strings.Contains(s, ":") {
		return Attr{}, "a schema prefix must be a URN beginning with \"urn:\""
	}
	return parseNames(s)
}

// parseURN splits "urn:...:name.sub". Whether a URN without anything behind it was meant, its text alone cannot
// tell for certain; what follows the customary version number is taken for the end of the URN ("...:2.0:User"),
// and [Attr.Resolve] asks the schema.
func parseURN(s string) (Attr, string) {
	for i := range len(s) {
		if !urnByte(s[i]) {
			return Attr{}, "the URN has a character that is not allowed"
		}
	}
	i := strings.LastIndexByte(s, ':')
	urn, rest := s[:i], s[i+1:]
	if rest == "" || len(urn) < 4 {
		return Attr{}, "the URN is not complete"
	}
	if version(urn[strings.LastIndexByte(urn, ':')+1:]) && !strings.Contains(rest, ".") {
		return Attr{URN: s}, ""
	}
	a, problem := parseNames(rest)
	if problem != "" {
		return Attr{URN: s}, ""
	}
	a.URN = urn
	return a, ""
}

// parseNames splits "name" or "name.sub".
func parseNames(s string) (Attr, string) {
	name, sub, dotted := strings.Cut(s, ".")
	if !validName(name) {
		return Attr{}, "an attribute name begins with a letter and has letters, digits, '-' and '_' only"
	}
	if strings.Contains(sub, ".") {
		return Attr{}, "at most one sub-attribute can follow an attribute"
	}
	if dotted && !validName(sub) {
		return Attr{}, "a sub-attribute name begins with a letter and has letters, digits, '-' and '_' only"
	}
	return Attr{Name: name, Sub: sub}, ""
}

// validName holds s against ATTRNAME of RFC 7643 section 2.1, and allows "$ref".
func validName(s string) bool {
	s = strings.TrimPrefix(s, "$")
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		other := c == '-' || c == '_' || (c >= '0' && c <= '9')
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return s != ""
}

// urnByte reports whether RFC 8141 lets c stand in a URN. Brackets, quotes and blanks, which end one in a filter,
// are not among them.
func urnByte(c byte) bool {
	letter := c|0x20 >= 'a' && c|0x20 <= 'z'
	return letter || (c >= '0' && c <= '9') || strings.IndexByte("-._~!$&'*+,;=:@%/", c) >= 0
}

// version reports whether s is digits and dots, such as "2.0".
func version(s string) bool {
	return s != "" && s[0] != '.' && strings.Trim(s, "0123456789.") == ""
}

// otherReading returns the other attribute that the text of one with a URN may mean.
func (a Attr) otherReading() (Attr, bool) {
	if a.Name != "" {
		return Attr{URN: a.String()}, true
	}
	i := strings.LastIndexByte(a.URN, ':')
	b, problem := parseNames(a.URN[i+1:])
	b.URN = a.URN[:max(i, 0)]
	return b, problem == "" && i > 0
}
