package jiraleads

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/scimcrowd/scimcrowd/scim/internal/outgoing"
)

// An Error is a call to Jira that failed.
type Error struct {
	// Op is what was tried, such as "read project", and Name on what.
	Op, Name string
	// Status is the HTTP status, 0 where there was no answer.
	Status int
	// Message is what Jira says, shortened to one line.
	Message string
	// RetryAfter is how long Jira asked to be left alone, 0 if it did not.
	RetryAfter time.Duration
	// Err is the cause where no answer, or an unreadable one, came.
	Err error

	own bool // Jira itself answers, not a proxy
}

// Error returns a text such as `jiraleads: change lead of project ABC: not allowed
// (403): ...`. It holds neither address nor token.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("jiraleads: " + e.Op)
	if e.Name != "" {
		b.WriteString(" " + e.Name)
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": %s (%d)", kindOf(e.Status), e.Status)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return oneLine(b.String())
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// kindOf says what a status means.
func kindOf(status int) string {
	switch {
	case status == 401:
		return "Jira does not accept the account or its token"
	case status == 403:
		return "not allowed"
	case status == 404:
		return "not found, or not shown to the account"
	case status == 429:
		return "Jira limits the rate of requests"
	case status >= 500:
		return "Jira is not available"
	case status >= 300 && status < 400:
		return "Jira answers from another address"
	case status < 300:
		return "answered"
	}
	return "refused"
}

// transient reports whether the failure may pass.
func (e *Error) transient() bool {
	switch e.Status {
	case 0, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.Status < 300
}

// uncertain reports whether a write that failed so may have taken effect.
func uncertain(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.transient() && e.Status != http.StatusTooManyRequests
}

// refusal makes an error of an answer that is not a success. Only Jira's own error
// entity is looked into: {"errorMessages": [...], "errors": {"field": "..."}}.
func (c *client) refusal(k call, r *http.Response) error {
	e := &Error{Op: k.op, Name: k.name, Status: r.StatusCode, RetryAfter: outgoing.RetryAfter(r.Header)}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	text, _ := io.ReadAll(io.LimitReader(r.Body, mostErrorText)) // a cut text is one that says less
	if media == "application/json" {
		e.own, e.Message = true, c.withhold(errorMessage(text))
	}
	return e
}

// errorMessage returns what an error entity says, "" if it is none.
func errorMessage(text []byte) string {
	var entity struct {
		Messages []string          `json:"errorMessages"`
		Errors   map[string]string `json:"errors"`
		Message  string            `json:"message"`
	}
	if json.Unmarshal(text, &entity) != nil {
		return ""
	}
	all := entity.Messages
	for field, m := range entity.Errors {
		all = append(all, field+": "+m)
	}
	slices.Sort(all)
	if len(all) == 0 && entity.Message != "" {
		all = []string{entity.Message}
	}
	return strings.Join(all, "; ")
}

// withhold shortens a text of the server and takes the token out of it.
func (c *client) withhold(text string) string {
	text = strings.ReplaceAll(text, c.secret(), "[secret]")
	if runes := []rune(text); len(runes) > mostMessage {
		text = string(runes[:mostMessage]) + "..."
	}
	return text
}

// oneLine returns a text that moves no cursor and begins no line of a log.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= 0x202a && r <= 0x202e {
			return ' '
		}
		return r
	}, text)
}
