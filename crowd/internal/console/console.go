// Package console is what the clients with an administrator's credentials have
// in common.
package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// A kind is a kind of failure of package crowd in other words.
type kind struct {
	text string
	is   error
}

func (k *kind) Error() string        { return k.text }
func (k *kind) Is(target error) bool { return target == k.is }

// Refusal tells what a refusal says. The administration APIs have several
// shapes of errors, none of them that of usermanagement; a body of no known
// shape leaves the status to speak.
func Refusal(r rest.Refused) rest.Told {
	told := message(r.JSON)
	switch r.Status {
	case http.StatusUnauthorized:
		told.Kind = &kind{"administrator not authenticated", crowd.ErrUnauthenticated}
	case http.StatusForbidden:
		told.Kind = &kind{"not allowed to this administrator", crowd.ErrPermission}
	case http.StatusNotFound:
		told.Kind = notFound(r)
	case http.StatusConflict:
		told.Kind = crowd.ErrExists
	}
	return told
}

// notFound tells a thing that is not there from a resource that is not: the
// latter's 404 comes from the container, in HTML or empty, or from the framework
// below the APIs, whose errors repeat the status.
func notFound(r rest.Refused) error {
	var framework struct {
		StatusCode int `json:"status-code"`
	}
	_ = json.Unmarshal(r.JSON, &framework) // nothing, or no number, is none
	switch {
	case r.Optional && (r.JSON == nil || framework.StatusCode == http.StatusNotFound):
		return crowd.ErrUnsupported
	case r.Missing != nil:
		return r.Missing
	}
	return crowd.ErrNotFound
}

// message reads the shapes of errors: {"errorMessages": ["…"]} of plugins,
// {"error": "…"} and {"reason": "…", "message": "…"}.
func message(body []byte) rest.Told {
	var shape struct {
		Reason        text   `json:"reason"`
		Message       text   `json:"message"`
		Error         text   `json:"error"`
		ErrorMessages []text `json:"errorMessages"`
	}
	if json.Unmarshal(body, &shape) != nil {
		return rest.Told{}
	}
	parts := []string{}
	for _, t := range append([]text{shape.Message, shape.Error}, shape.ErrorMessages...) {
		if t != "" {
			parts = append(parts, string(t))
		}
	}
	return rest.Told{Reason: string(shape.Reason), Message: strings.Join(parts, "; ")}
}

// A text is a JSON string; anything else in its place is no text.
type text string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
	}
	return nil
}

// A List reads a JSON list in the forms that Crowd's APIs give to one: as it is,
// or as the one list of an object; each entry as it is, or as the one member of
// an object that is named after its type.
type List[T any] []T

// UnmarshalJSON implements [json.Unmarshaler].
func (l *List[T]) UnmarshalJSON(b []byte) error {
	entries, err := listEntries(b)
	if err != nil {
		return err
	}
	*l = make(List[T], len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal(unwrapped(entry), &(*l)[i]); err != nil {
			return err
		}
	}
	return nil
}

func listEntries(b []byte) ([]json.RawMessage, error) {
	var entries []json.RawMessage
	if json.Unmarshal(b, &entries) == nil {
		return entries, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return nil, fmt.Errorf("it is no list: %w", err)
	}
	found := 0
	for _, member := range members {
		var list []json.RawMessage
		if json.Unmarshal(member, &list) == nil && isList(member) {
			entries, found = list, found+1
		}
	}
	if found != 1 {
		return nil, errors.New("it has no list, or several")
	}
	return entries, nil
}

func isList(b []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) }

// unwrapped returns the only member of an object whose only member is an object,
// or the whole.
func unwrapped(entry json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(entry, &members) != nil || len(members) != 1 {
		return entry
	}
	for _, member := range members {
		if bytes.HasPrefix(bytes.TrimSpace(member), []byte("{")) {
			return member
		}
	}
	return entry
}
