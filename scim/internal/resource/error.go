package resource

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The statuses of answers that this package gives.
const (
	badRequest = 400
	tooLarge   = 413
)

// The scimTypes of RFC 7644 table 9 that this package reports.
const (
	invalidSyntax = "invalidSyntax"
	invalidPath   = "invalidPath"
	invalidFilter = "invalidFilter"
	invalidValue  = "invalidValue"
	noTarget      = "noTarget"
	mutability    = "mutability"
)

// An Error is the answer to a request that cannot be carried out as it is, RFC 7644 section 3.12.
type Error struct {
	Status   int    // of the HTTP answer
	ScimType string // may be empty
	Detail   string // names the attribute and the remedy, and may be shown to the administrator
}

// Error returns the detail.
func (e *Error) Error() string { return "resource: " + e.Detail }

// refuse returns the *Error for a bad request.
func refuse(scimType, format string, args ...any) error {
	return &Error{Status: badRequest, ScimType: scimType, Detail: Brief(fmt.Sprintf(format, args...))}
}

// longestQuote is how many characters of a client's text a detail repeats in one place.
const longestQuote = 100

var quotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?|[^"\s]+`)

// Brief cuts what a detail repeats of a request, which may be megabytes of it: every quotation, and every word
// outside of one, that is longer than a reader needs to recognise it.
func Brief(detail string) string {
	if utf8.RuneCountInString(detail) <= longestQuote {
		return detail
	}
	return quotes.ReplaceAllStringFunc(detail, func(quote string) string {
		end := ""
		if strings.HasSuffix(quote, `"`) {
			end = `"`
		}
		runes := 0
		for at := range quote {
			if runes == longestQuote {
				return quote[:at] + "..." + end
			}
			runes++
		}
		return quote
	})
}

// kindOf names the JSON type of v for a message.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
