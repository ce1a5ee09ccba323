package crowdtest

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// checkName refuses names that Crowd does not take.
func (x *exchange) checkName(reason, name string) error {
	if err := x.opts.validateName(name); err != nil {
		return x.refuse(reason, "%v", err)
	}
	return nil
}

// validateName tells what is wrong with a name of a user or group.
func (o *Options) validateName(name string) error {
	checked := name
	if o.AllowOuterSpace {
		checked = strings.TrimSpace(name)
	}
	if o.AllowControls && strings.TrimSpace(checked) == checked {
		checked = strings.Map(plainly, checked)
	}
	if err := crowd.ValidateName(checked); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "crowd: "))
	}
	if units(name) > crowd.MaxNameLength {
		return errors.New("invalid name: it is longer than 255 characters")
	}
	return nil
}

// plainly puts another character in the place of one that no name may hold.
func plainly(r rune) rune {
	if unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF {
		return '-'
	}
	return r
}

// cutName shortens a name where the options say so.
func (x *exchange) cutName(name string) string {
	if x.opts.CutLongNames {
		return cut(name)
	}
	return name
}

// cutAt is the length to which text over the limit is cut, before dots.
const cutAt = 252

// cut shortens a text as Crowd does.
func cut(text string) string {
	if len(text) <= crowd.MaxNameLength || units(text) <= crowd.MaxNameLength {
		return text
	}
	length := 0
	for i, r := range text {
		if length += max(utf16.RuneLen(r), 1); length > cutAt {
			return text[:i] + "..."
		}
	}
	return text
}

// units is the length of a text in UTF-16 code units, in which Crowd counts.
func units(text string) int {
	if len(text) <= crowd.MaxNameLength {
		return utf8.RuneCountInString(text)
	}
	n := 0
	for _, r := range text {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// checkTexts refuses long texts where the options say so.
func (x *exchange) checkTexts(reason string, texts ...string) error {
	for _, t := range texts {
		if x.opts.RefuseLongText && units(t) > crowd.MaxNameLength {
			return x.refuse(reason, "A text is longer than 255 characters")
		}
	}
	return nil
}
