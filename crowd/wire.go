package crowd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The wire types serve JSON and XML alike. Where published pages and running
// servers spell a member differently, both are read: an "…Alt" field holds the
// spelling of the pages.

type userWire struct {
	Name      string `json:"name" xml:"name,attr"`
	First     string `json:"first-name" xml:"first-name"`
	FirstAlt  string `json:"firstName" xml:"firstName"`
	Last      string `json:"last-name" xml:"last-name"`
	LastAlt   string `json:"lastName" xml:"lastName"`
	Display   string `json:"display-name" xml:"display-name"`
	DisplAlt  string `json:"displayName" xml:"displayName"`
	Email     string `json:"email" xml:"email"`
	Active    flag   `json:"active" xml:"active"`
	Key       string `json:"key" xml:"key"`
	Created   stamp  `json:"created-date" xml:"created-date"`
	CreateAlt stamp  `json:"createdDate" xml:"createdDate"`
	Updated   stamp  `json:"updated-date" xml:"updated-date"`
	UpdateAlt stamp  `json:"updatedDate" xml:"updatedDate"`

	Attributes *attributesWire `json:"attributes" xml:"attributes"`
}

// read reads an answer that is one user.
func (w *userWire) read(r *http.Response) error {
	*w = userWire{}
	return named(into(w)(r), &w.Name)
}

func (w *userWire) entity() *User {
	return &User{
		Name:        w.Name,
		FirstName:   first(w.First, w.FirstAlt),
		LastName:    first(w.Last, w.LastAlt),
		DisplayName: first(w.Display, w.DisplAlt),
		Email:       w.Email,
		Active:      bool(w.Active),
		Key:         w.Key,
		Created:     time.Time(first(w.Created, w.CreateAlt)),
		Updated:     time.Time(first(w.Updated, w.UpdateAlt)),
		Attributes:  w.Attributes.attributes(),
	}
}

type groupWire struct {
	Name        string          `json:"name" xml:"name,attr"`
	Description string          `json:"description" xml:"description"`
	Active      flag            `json:"active" xml:"active"`
	Attributes  *attributesWire `json:"attributes" xml:"attributes"`
}

// read reads an answer that is one group.
func (w *groupWire) read(r *http.Response) error {
	*w = groupWire{}
	return named(into(w)(r), &w.Name)
}

// named refuses an entity that was decoded but has no name: the answer was
// something else. name is looked at after the decoding.
func named(err error, name *string) error {
	if err == nil && *name == "" {
		return errors.New("it names no entity")
	}
	return err
}

func (w *groupWire) entity() *Group {
	return &Group{
		Name:        w.Name,
		Description: w.Description,
		Active:      bool(w.Active),
		Attributes:  w.Attributes.attributes(),
	}
}

type attributesWire struct {
	Attributes []attributeWire `json:"attributes" xml:"attribute"`
	Alt        []attributeWire `json:"attribute,omitempty" xml:"-"`
}

type attributeWire struct {
	Name   string   `json:"name" xml:"name,attr"`
	Values []string `json:"values" xml:"values>value"`
}

// attributes returns nil where the server told no attribute, which it does also
// where it was not asked for them.
func (w *attributesWire) attributes() Attributes {
	if w == nil {
		return nil
	}
	list := w.Attributes
	if len(list) == 0 {
		list = w.Alt
	}
	if len(list) == 0 {
		return nil
	}
	a := make(Attributes, len(list))
	for _, one := range list {
		a[one.Name] = append(a[one.Name], one.Values...)
	}
	return a
}

func (a Attributes) wire() *attributesWire {
	w := &attributesWire{Attributes: make([]attributeWire, 0, len(a))}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		w.Attributes = append(w.Attributes, attributeWire{name, a[name]})
	}
	return w
}

func first[T comparable](values ...T) T {
	var zero T
	for _, v := range values {
		if v != zero {
			return v
		}
	}
	return zero
}

// A flag is a boolean that some senders write as text.
type flag bool

// UnmarshalJSON reads true, "true" and their like.
func (f *flag) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	return f.UnmarshalText(bytes.Trim(data, `"`))
}

// UnmarshalText reads the text of an XML element.
func (f *flag) UnmarshalText(text []byte) error {
	switch strings.ToLower(strings.TrimSpace(string(text))) {
	case "true", "1":
		*f = true
	case "false", "0", "":
		*f = false
	default:
		return fmt.Errorf("%.20q is not a boolean", text)
	}
	return nil
}

// A stamp is a date: milliseconds in JSON, ISO 8601 in XML; either is read in
// both. It is UTC.
type stamp time.Time

// UnmarshalJSON reads a number or a text.
func (s *stamp) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	return s.UnmarshalText([]byte(text))
}

// stampLayouts are the ways in which servers write an offset.
func stampLayouts() []string {
	return []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateOnly}
}

// UnmarshalText reads milliseconds or ISO 8601. A date that time.Time cannot
// write as JSON is none.
func (s *stamp) UnmarshalText(data []byte) error {
	text := strings.TrimSpace(string(data))
	if text == "" {
		return nil
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		if t := time.UnixMilli(ms).UTC(); t.Year() >= 0 && t.Year() <= 9999 {
			*s = stamp(t)
		}
		return nil
	}
	for _, layout := range stampLayouts() {
		if t, err := time.Parse(layout, text); err == nil {
			*s = stamp(t.UTC())
			return nil
		}
	}
	return fmt.Errorf("%.40q is not a date", text)
}

// nameWire is the body of small requests that name one entity.
type nameWire struct {
	Name string `json:"name"`
}

// valueWire is the body of requests that carry a password, and its place in a
// new user.
type valueWire struct {
	Value string `json:"value"`
}
