package jiraleads

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A projectBean is a project as both products show it.
type projectBean struct {
	ID   text     `json:"id"`
	Key  string   `json:"key"`
	Lead *account `json:"lead"`
}

func (b projectBean) item() (item, error) {
	if b.ID == "" {
		return item{}, errors.New("a project has no id")
	}
	it := item{kind: projectKind, id: string(b.ID), project: b.Key, name: b.Key, lead: b.Lead}
	if it.project == "" {
		it.project = it.id
	}
	return it, nil
}

// A componentBean is a component as both products show it.
type componentBean struct {
	ID        text     `json:"id"`
	Name      string   `json:"name"`
	Project   string   `json:"project"`
	ProjectID text     `json:"projectId"`
	Lead      *account `json:"lead"`
}

func (b componentBean) item() (item, error) {
	if b.ID == "" {
		return item{}, errors.New("a component has no id")
	}
	it := item{kind: componentKind, id: string(b.ID), project: b.Project, name: b.Name, lead: b.Lead}
	if it.project == "" {
		it.project = string(b.ProjectID)
	}
	return it, nil
}

// within returns what makes items of the components of a project.
func within(project item) func(componentBean) (item, error) {
	return func(b componentBean) (item, error) {
		b.Project = project.project
		return b.item()
	}
}

// A text is a JSON text or number: ids are the one here and the other there.
type text string

// UnmarshalJSON reads either.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*t = text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return errors.New("an id is neither text nor number")
	}
	*t = text(n.String())
	return nil
}

// decode reads one value.
func decode[T any](into *T) func(io.Reader) error {
	return func(r io.Reader) error { return json.NewDecoder(r).Decode(into) }
}

// decodeList reads a list element by element, so that its length costs no memory. A
// list that is cut off is an error.
func decodeList[T any](f func(T) error) func(io.Reader) error {
	return func(r io.Reader) error {
		d := json.NewDecoder(r)
		open, err := d.Token()
		if err != nil {
			return err
		}
		if open != json.Delim('[') {
			return errors.New("it is no list")
		}
		for d.More() {
			var v T
			if err := d.Decode(&v); err != nil {
				return err
			}
			if err := f(v); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
}

// collect reads a list into items, from the beginning where the call is tried again.
func collect[T any](items *[]item, of func(T) (item, error)) func(io.Reader) error {
	return func(r io.Reader) error {
		*items = (*items)[:0]
		return decodeList(func(v T) error {
			it, err := of(v)
			*items = append(*items, it)
			return err
		})(r)
	}
}

// A page is a part of a list, as Jira Cloud gives it.
type page[T any] struct {
	StartAt int   `json:"startAt"`
	Total   *int  `json:"total"`
	IsLast  *bool `json:"isLast"`
	Values  []T   `json:"values"`
}

// after returns where the next page begins, 0 if this was the last.
func (p page[T]) after(start int) (int, error) {
	next := start + len(p.Values)
	switch {
	case p.StartAt != start:
		return 0, fmt.Errorf("asked for a page from %d on, Jira gave one from %d on", start, p.StartAt)
	case p.IsLast != nil && *p.IsLast, p.IsLast == nil && p.Total != nil && next >= *p.Total:
		return 0, nil
	case len(p.Values) == 0:
		return 0, fmt.Errorf("a page from %d on is empty, and not the last", start)
	case p.IsLast == nil && p.Total == nil:
		return 0, errors.New("a page tells neither whether it is the last nor how many there are")
	}
	return next, nil
}
