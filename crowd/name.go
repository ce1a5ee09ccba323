package crowd

import (
	"strings"
	"unicode"
	"unicode/utf16"
)

// MaxNameLength is the greatest length of a user or group name in characters,
// counted as Crowd counts them, in UTF-16: most emoji are two.
const MaxNameLength = 255

// Fold returns the form of a user or group name that Crowd compares: lower
// case, by simple Unicode rules and independent of any locale. The dotted capital
// İ and the dotless ı are no forms of i. No other normalisation takes place; a
// composed and a decomposed accent differ.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == 'İ' { // which Unicode lowers to an i with another dot
			return r
		}
		return unicode.ToLower(r)
	}, name)
}

// ValidateName reports why Crowd would refuse a user or group name: it is
// blank, starts or ends with white space, is longer than [MaxNameLength], holds
// a control character or is not valid UTF-8. The error says which, and
// [errors.Is] ties it to [ErrInvalidName]. The calls of [Client] hold every name
// against it before anything is sent.
func ValidateName(name string) error {
	problem := nameProblem(name)
	if problem == "" {
		return nil
	}
	return &nameError{problem}
}

// checkNew refuses a name that is to be given to something.
func checkNew(op, what, name string) error {
	if err := ValidateName(name); err != nil {
		return &Error{Op: op, Name: what, Err: err, kind: ErrInvalidName}
	}
	return nil
}

// checkExisting refuses the name of something that cannot be there, for Crowd
// would not have taken it: the error matches missing and [ErrInvalidName].
func checkExisting(op, what, name string, missing error) error {
	if err := ValidateName(name); err != nil {
		return &Error{Op: op, Name: what, Err: err, kind: missing}
	}
	return nil
}

type nameError struct{ problem string }

func (e *nameError) Error() string        { return "crowd: invalid name: " + e.problem }
func (e *nameError) Is(target error) bool { return target == ErrInvalidName }

func nameProblem(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "it is blank"
	case strings.TrimSpace(name) != name:
		return "it starts or ends with white space"
	case units(name) > MaxNameLength:
		return "it is longer than 255 characters"
	case strings.ToValidUTF8(name, "") != name:
		return "it is not valid UTF-8"
	case strings.ContainsFunc(name, unprintableInXML):
		return "it holds a control character"
	}
	return ""
}

// unprintableInXML reports whether r cannot stand in an XML 1.0 document, in
// which Crowd may have to write any name (XML 1.0, production 2), or is a line
// break or tab, which no name survives.
func unprintableInXML(r rune) bool {
	return unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF
}

// units returns the length of a text in UTF-16, in which Crowd counts.
func units(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r) // what is not UTF-8 comes as U+FFFD, which is one
	}
	return n
}
