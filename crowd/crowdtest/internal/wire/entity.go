// Package wire holds the representations of Crowd's user management resources,
// each of which reads and writes both JSON and XML.
package wire

import (
	"encoding/xml"
	"strconv"
	"strings"
	"time"
)

// A Link points to a resource.
type Link struct {
	Href string `json:"href" xml:"href,attr"`
	Rel  string `json:"rel" xml:"rel,attr"`
}

// A User is a user as Crowd shows it and as clients send it.
type User struct {
	XMLName     xml.Name    `json:"-" xml:"user"`
	Expand      string      `json:"expand,omitempty" xml:"expand,attr,omitempty"`
	Link        *Link       `json:"link,omitempty" xml:"link"`
	Name        string      `json:"name" xml:"name,attr"`
	FirstName   *string     `json:"first-name,omitempty" xml:"first-name"`
	LastName    *string     `json:"last-name,omitempty" xml:"last-name"`
	DisplayName *string     `json:"display-name,omitempty" xml:"display-name"`
	Email       *string     `json:"email,omitempty" xml:"email"`
	Password    *Password   `json:"password,omitempty" xml:"password"`
	Key         string      `json:"key,omitempty" xml:"key,omitempty"`
	Created     *Time       `json:"created-date,omitempty" xml:"created-date"`
	Updated     *Time       `json:"updated-date,omitempty" xml:"updated-date"`
	Active      *Flag       `json:"active,omitempty" xml:"active"`
	Attributes  *Attributes `json:"attributes,omitempty" xml:"attributes"`
}

// A Password is a link in answers and a value in requests.
type Password struct {
	XMLName xml.Name `json:"-" xml:"password"`
	Link    *Link    `json:"link,omitempty" xml:"link"`
	Value   string   `json:"value,omitempty" xml:"value,omitempty"`
}

// A Group is a group as Crowd shows it and as clients send it.
type Group struct {
	XMLName     xml.Name    `json:"-" xml:"group"`
	Expand      string      `json:"expand,omitempty" xml:"expand,attr,omitempty"`
	Link        *Link       `json:"link,omitempty" xml:"link"`
	Name        string      `json:"name" xml:"name,attr"`
	Description *string     `json:"description,omitempty" xml:"description"`
	Type        string      `json:"type,omitempty" xml:"type,omitempty"`
	Active      *Flag       `json:"active,omitempty" xml:"active"`
	Attributes  *Attributes `json:"attributes,omitempty" xml:"attributes"`
}

// Attributes is the list of an entity's attributes. Its link comes first in XML,
// where order is told to matter, and last in JSON.
type Attributes struct {
	XMLName    xml.Name    `json:"-" xml:"attributes"`
	XMLLink    *Link       `json:"-" xml:"link"`
	Attributes []Attribute `json:"attributes" xml:"attribute"`
	Link       *Link       `json:"link,omitempty" xml:"-"`
}

// An Attribute is a named list of values, with its link as in [Attributes].
type Attribute struct {
	Name    string   `json:"name" xml:"name,attr"`
	XMLLink *Link    `json:"-" xml:"link"`
	Values  []string `json:"values" xml:"values>value"`
	Link    *Link    `json:"link,omitempty" xml:"-"`
}

// A Rename is the body that renames a user.
type Rename struct {
	XMLName xml.Name `json:"-"`
	NewName string   `json:"new-name" xml:"new-name"`
	// CamelCase is the spelling of the generated reference pages.
	CamelCase string `json:"newName" xml:"-"`
}

// An Error is Crowd's refusal of a request.
type Error struct {
	XMLName xml.Name `json:"-" xml:"error"`
	Reason  string   `json:"reason" xml:"reason"`
	Message string   `json:"message" xml:"message"`
}

// CookieConfig describes the single sign-on cookie.
type CookieConfig struct {
	XMLName xml.Name `json:"-" xml:"cookie-config"`
	Domain  string   `json:"domain,omitempty" xml:"domain,omitempty"`
	Secure  bool     `json:"secure" xml:"secure"`
	Name    string   `json:"name" xml:"name"`
}

// A Flag is a boolean that clients may also send as text.
type Flag bool

// UnmarshalJSON reads true, false and the same as text.
func (f *Flag) UnmarshalJSON(data []byte) error {
	return f.UnmarshalText([]byte(strings.Trim(string(data), `"`)))
}

// UnmarshalText reads true or false, in any letter case.
func (f *Flag) UnmarshalText(text []byte) error {
	value, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(string(text))))
	*f = Flag(value)
	return err
}

// A Time is milliseconds since the epoch in JSON and ISO 8601 in XML. Clients
// send it back; what they send is not looked at.
type Time struct {
	time.Time
	// InMillis makes it milliseconds in XML as well.
	InMillis bool
}

// MarshalJSON writes milliseconds since the epoch.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, t.UnixMilli(), 10), nil
}

// UnmarshalJSON ignores its input.
func (t *Time) UnmarshalJSON([]byte) error { return nil }

// MarshalText writes an ISO 8601 time with milliseconds and offset.
func (t Time) MarshalText() ([]byte, error) {
	if t.InMillis {
		return t.MarshalJSON()
	}
	return t.UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z07:00"), nil
}

// UnmarshalText ignores its input.
func (t *Time) UnmarshalText([]byte) error { return nil }
