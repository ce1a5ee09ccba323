package mapping

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Fields is what Crowd should hold of a user, or what it holds. A nil pointer or absent key says nothing of the
// field: leave it alone. An empty value says that the field is empty.
type Fields struct {
	Username    *string             `json:"username,omitempty"`
	Email       *string             `json:"email,omitempty"`
	FirstName   *string             `json:"firstName,omitempty"`
	LastName    *string             `json:"lastName,omitempty"`
	DisplayName *string             `json:"displayName,omitempty"`
	Active      *bool               `json:"active,omitempty"`
	Custom      map[string][]string `json:"custom,omitempty"` // custom attributes by name; values are a set
}

// field returns the place of a text field, nil where to is none.
func (f *Fields) field(to string) **string {
	switch to {
	case toUsername:
		return &f.Username
	case toEmail:
		return &f.Email
	case toFirstName:
		return &f.FirstName
	case toLastName:
		return &f.LastName
	case toDisplayName:
		return &f.DisplayName
	}
	return nil
}

// Crowd counts the characters of a text as Java does, in UTF-16 code units: one beyond the Basic Multilingual Plane,
// such as an emoji, counts twice.
const (
	maxText = 255 // of a name, field or attribute value
	cutText = 252 // what is left of the name of a person that is longer, before "..."
)

// units returns the length of a text as Crowd counts it.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// cut shortens text as Crowd does with names of persons. No character is cut in two.
func cut(s string) string {
	if units(s) <= maxText {
		return s
	}
	n := 0
	for i, r := range s {
		if n += max(utf16.RuneLen(r), 1); n > cutText {
			return s[:i] + "..."
		}
	}
	return s
}

// fit holds a text against Crowd's rules for the field and returns what Crowd will make of it.
func fit(to, value string) (fitted, problem, remedy string) {
	switch to {
	case toFirstName, toLastName, toDisplayName:
		return cut(value), "", ""
	case toUsername:
		if problem := nameProblem(value); problem != "" {
			return "", "it gives the user name " + quote(value) + ", which " + problem,
				"Correct it in the identity provider, or map another attribute to username"
		}
	default:
		if length := units(value); length > maxText {
			return "", fmt.Sprintf("its value has %d characters, Crowd holds %d", length, maxText),
				"Shorten it in the identity provider, or map it with an expression such as substring(..., 0, 255)"
		}
	}
	return value, "", ""
}

// nameProblem says why Crowd would refuse s as the name of a user or group, and nothing if it would not.
func nameProblem(s string) string {
	switch {
	case s == "":
		return "is empty"
	case strings.TrimSpace(s) == "":
		return "is blank"
	case strings.TrimSpace(s) != s:
		return "begins or ends with a blank"
	case units(s) > maxText:
		return fmt.Sprintf("has more than %d characters", maxText)
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	case strings.ContainsFunc(s, unprintable):
		return "has a control character"
	}
	return ""
}

// unprintable reports whether r cannot stand in an XML document, as which Crowd must be able to write any name (XML
// 1.0, production 2), or is a control character all the same.
func unprintable(r rune) bool { return unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF }

// quote quotes a value for a message, shortened.
func quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		return fmt.Sprintf("%q...", string([]rune(s)[:most]))
	}
	return fmt.Sprintf("%q", s)
}

// Fold returns a name as Crowd compares it: names of users and groups that fold alike are the same.
func Fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 'İ' { // no form of i
			return r
		}
		return unicode.ToLower(r)
	}, s)
}
