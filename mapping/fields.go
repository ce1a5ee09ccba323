package mapping

import (
	"fmt"
	"strings"
	"unicode"
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

// maxText is the number of characters that Crowd keeps of a name, field or attribute value.
const maxText = 255

// cut shortens text as Crowd does with names of persons: to 252 characters and "...".
func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxText {
		return s
	}
	n := 0
	for i := range s {
		if n == maxText-3 {
			return s[:i] + "..."
		}
		n++
	}
	return s
}

// fit holds a text against Crowd's rules for the field and returns what Crowd will make of it.
func fit(to, value string) (fitted, problem, remedy string) {
	length := utf8.RuneCountInString(value)
	switch to {
	case toFirstName, toLastName, toDisplayName:
		return cut(value), "", ""
	case toUsername:
		if problem := nameProblem(value); problem != "" {
			return "", "it gives the user name " + quote(value) + ", which " + problem,
				"Correct it in the identity provider, or map another attribute to username"
		}
	default:
		if length > maxText {
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
	case utf8.RuneCountInString(s) > maxText:
		return fmt.Sprintf("has more than %d characters", maxText)
	case strings.TrimSpace(s) != s:
		return "begins or ends with a blank"
	case strings.ContainsFunc(s, unicode.IsControl):
		return "has a control character"
	}
	return ""
}

// quote quotes a value for a message, shortened.
func quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) > most {
		return fmt.Sprintf("%q...", string([]rune(s)[:most]))
	}
	return fmt.Sprintf("%q", s)
}

// Fold returns a name as Crowd compares it: names of users and groups that fold alike are the same.
func Fold(s string) string { return strings.Map(unicode.ToLower, s) }
