package source

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// A Source tells which users and groups an identity provider has. [*Okta], [*SCIM]
// and [*JSONLines] are sources.
type Source interface {
	// Records yields all users, then all groups. After an error it ends. Without one
	// it has told all there are.
	Records(ctx context.Context) iter.Seq2[Record, error]
}

// A Record is a user or a group: one of User and Group is set.
type Record struct {
	// ID is the source's own id. It becomes the externalId.
	ID string
	// User is a User resource of RFC 7643 section 4.1, as package encoding/json
	// decodes it with numbers as json.Number; its externalId is ID.
	User map[string]any
	// Group is a group.
	Group *Group
}

// A Group is a group of a source.
type Group struct {
	// Name is the display name.
	Name string
	// Members yields the direct members. It may be gone through once, before the next
	// record is asked for. Nil means that the source does not tell, so that nobody is
	// taken out of the group.
	Members iter.Seq2[Member, error]
}

// A Member is a member of a [Group].
type Member struct {
	// ID is the source's id of the user or group.
	ID string
	// Group tells that it is a group.
	Group bool
}

// ErrIncomplete is matched by the error of a source that ended before it had told
// all, though nothing failed: a page fell short, a total changed, a file has no last
// line.
var ErrIncomplete = errors.New("source: ended early")

// An Error is what kept a source from being read.
type Error struct {
	// Source is "okta", "scim" or "json lines".
	Source string
	// Op says what was attempted, such as "list users".
	Op string
	// Status is the HTTP status, 0 where there was no answer.
	Status int
	// Code and Message are what the server said, if it did: Okta's errorCode and
	// errorSummary, SCIM's scimType and detail.
	Code, Message string
	// Err is the cause, if there is another one.
	Err error
}

func (e *Error) Error() string {
	text := "source: " + e.Source + ": " + e.Op
	if e.Status != 0 {
		text += fmt.Sprintf(": status %d", e.Status)
	}
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// incomplete returns an [Error] that matches [ErrIncomplete].
func incomplete(source, op, format string, args ...any) *Error {
	return &Error{Source: source, Op: op, Err: fmt.Errorf("%w: %s", ErrIncomplete, fmt.Sprintf(format, args...))}
}
