package crowd

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Properties that Crowd keeps itself. Any other name is that of a custom
// attribute, which is case-sensitive. Groups have name, active and dates only.
const (
	PropertyName        = "name"
	PropertyEmail       = "email"
	PropertyFirstName   = "firstName"
	PropertyLastName    = "lastName"
	PropertyDisplayName = "displayName"
	propertyActive      = "active"
	propertyCreated     = "createdDate"
	propertyUpdated     = "updatedDate"
)

// A Restriction tells which users or groups match. The zero value is all of
// them. It is built by functions only, so that any text a user typed is data in
// it and never syntax. Crowd compares text ignoring case; an attribute of
// several values matches if one of them does.
type Restriction struct {
	logic    string // "and", "or"; empty for a single property
	operands []Restriction
	never    bool

	property string
	typ      string // "STRING", "BOOLEAN", "DATE"
	mode     string // of match
	value    string
}

// Modes of match, and types, as restriction bodies spell them.
const (
	matchExactly = "EXACTLY_MATCHES"
	matchStart   = "STARTS_WITH"
	matchPart    = "CONTAINS"
	matchGreater = "GREATER_THAN"
	matchLess    = "LESS_THAN"

	typeString  = "STRING"
	typeBoolean = "BOOLEAN"
	typeDate    = "DATE"
)

// Equals matches where the property is the value.
func Equals(property, value string) Restriction { return text(property, matchExactly, value) }

// StartsWith matches where the property begins with start.
func StartsWith(property, start string) Restriction { return text(property, matchStart, start) }

// Contains matches where part is anywhere in the property.
func Contains(property, part string) Restriction { return text(property, matchPart, part) }

// text restricts a text. Nothing in Crowd is or holds what is not UTF-8, and
// JSON would say something else in its place.
func text(property, mode, value string) Restriction {
	if !utf8.ValidString(property) || !utf8.ValidString(value) {
		return Restriction{never: true}
	}
	return Restriction{property: property, typ: typeString, mode: mode, value: value}
}

// IsActive matches those that are active, or those that are not.
func IsActive(active bool) Restriction {
	return Restriction{
		property: propertyActive, typ: typeBoolean, mode: matchExactly,
		value: strconv.FormatBool(active),
	}
}

// CreatedAfter matches what was created later than t, to the second.
func CreatedAfter(t time.Time) Restriction { return date(propertyCreated, matchGreater, t) }

// CreatedBefore matches what was created earlier than t, to the second.
func CreatedBefore(t time.Time) Restriction { return date(propertyCreated, matchLess, t) }

// UpdatedAfter matches what was last updated later than t, to the second.
func UpdatedAfter(t time.Time) Restriction { return date(propertyUpdated, matchGreater, t) }

// UpdatedBefore matches what was last updated earlier than t, to the second.
func UpdatedBefore(t time.Time) Restriction { return date(propertyUpdated, matchLess, t) }

func date(property, mode string, t time.Time) Restriction {
	return Restriction{
		property: property, typ: typeDate, mode: mode,
		value: t.UTC().Format(time.RFC3339),
	}
}

// And matches what all of the restrictions match; without any, everything.
func And(restrictions ...Restriction) Restriction {
	var operands []Restriction
	for _, r := range restrictions {
		if r.never {
			return r
		}
		if !r.all() {
			operands = append(operands, r)
		}
	}
	if len(operands) == 0 {
		return Restriction{}
	}
	return join("and", operands)
}

// Or matches what one of the restrictions matches; without any, nothing.
func Or(restrictions ...Restriction) Restriction {
	var operands []Restriction
	for _, r := range restrictions {
		if r.all() {
			return r
		}
		if !r.never {
			operands = append(operands, r)
		}
	}
	if len(operands) == 0 {
		return Restriction{never: true}
	}
	return join("or", operands)
}

func join(logic string, operands []Restriction) Restriction {
	if len(operands) == 1 {
		return operands[0]
	}
	return Restriction{logic: logic, operands: operands}
}

// all reports whether r is the zero value.
func (r Restriction) all() bool {
	return r.logic == "" && r.mode == "" && !r.never
}

// plain reports whether CQL can say r by what is documented of it, without any
// escaping.
func (r Restriction) plain() bool {
	if r.logic != "" {
		for _, operand := range r.operands {
			if !operand.plain() {
				return false
			}
		}
		return true
	}
	return builtIn(r.property) && r.mode != matchPart && r.value != "" &&
		!strings.ContainsFunc(r.value, needsEscape)
}

func builtIn(property string) bool {
	switch property {
	case PropertyName, PropertyEmail, PropertyFirstName, PropertyLastName, PropertyDisplayName,
		propertyActive, propertyCreated, propertyUpdated:
		return true
	}
	return false
}

// needsEscape reports whether r might mean something within a quoted value of
// CQL.
func needsEscape(r rune) bool {
	return strings.ContainsRune(`"'*\%`, r) || unicode.IsControl(r)
}

// cql writes a plain restriction.
func (r Restriction) cql() string {
	if r.logic != "" {
		parts := make([]string, len(r.operands))
		for i, operand := range r.operands {
			parts[i] = operand.cql()
			if operand.logic != "" {
				parts[i] = "(" + parts[i] + ")"
			}
		}
		return strings.Join(parts, " "+r.logic+" ")
	}
	switch r.mode {
	case matchGreater:
		return r.property + " > " + r.value
	case matchLess:
		return r.property + " < " + r.value
	case matchStart:
		return r.property + ` = "` + r.value + `*"`
	}
	if r.typ == typeBoolean {
		return r.property + " = " + r.value
	}
	return r.property + ` = "` + r.value + `"`
}

// restrictionWire is the JSON body of a restriction.
type restrictionWire struct {
	Type         string            `json:"restriction-type"`
	Logic        string            `json:"boolean-logic,omitempty"`
	Restrictions []restrictionWire `json:"restrictions,omitempty"`
	Property     *propertyWire     `json:"property,omitempty"`
	Mode         string            `json:"match-mode,omitempty"`
	Value        *string           `json:"value,omitempty"`
}

type propertyWire struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (r Restriction) wire() restrictionWire {
	if r.logic == "" {
		return restrictionWire{
			Type:     "property-search-restriction",
			Property: &propertyWire{r.property, r.typ},
			Mode:     r.mode,
			Value:    &r.value,
		}
	}
	w := restrictionWire{Type: "boolean-search-restriction", Logic: r.logic}
	for _, operand := range r.operands {
		w.Restrictions = append(w.Restrictions, operand.wire())
	}
	return w
}
