package groupsync

import (
	"context"
	"log/slog"
	"time"
)

// An Event tells of one change, or of something an administrator should know.
type Event struct {
	Time       time.Time `json:"time"`
	Connection string    `json:"connection"`
	// Request is the id given by [WithRequestID].
	Request string `json:"request,omitempty"`
	// Kind is [EventApplied] and so on.
	Kind EventKind `json:"kind"`
	// Step is the change concerned.
	Step Step `json:"step"`
	// Text says what happened, where the step alone does not.
	Text string `json:"text,omitempty"`
}

// An EventKind tells events apart.
type EventKind string

// The kinds of events.
const (
	// EventApplied: the step was applied.
	EventApplied EventKind = "applied"
	// EventMembership: a membership in a Crowd group has changed, as part of a step
	// on grants or on a group; the reasons say why.
	EventMembership EventKind = "membership"
	// EventPlanned: the step was planned, and not applied in a dry run.
	EventPlanned EventKind = "planned"
	// EventFailed: the step failed; Text has the error.
	EventFailed EventKind = "failed"
	// EventStale: the step of a plan was left out, since what it was planned for has
	// changed.
	EventStale EventKind = "stale"
	// EventRefused: the guard refused the plan that the step begins.
	EventRefused EventKind = "refused"
	// EventEmailRefused: Crowd refuses applications a change of e-mail; the user
	// keeps the old one.
	EventEmailRefused EventKind = "email refused"
	// EventUnknownMember: a member was passed over, since Crowd has no such user.
	EventUnknownMember EventKind = "unknown member"
	// EventMissingTarget: a Crowd group that a SCIM group fills does not exist,
	// and the settings do not create it.
	EventMissingTarget EventKind = "missing target"
	// EventSessionsNotEnded: Crowd refused to end a leaver's sessions.
	EventSessionsNotEnded EventKind = "sessions not ended"
	// EventSameName: several SCIM groups of the connection share a name.
	EventSameName EventKind = "same name"
	// EventUnused: a SCIM group has no members and fills no Crowd group.
	EventUnused EventKind = "unused"
	// EventNotOwner: a change of a user that another connection owns was recorded
	// only.
	EventNotOwner EventKind = "not owner"
)

type requestIDKey struct{}

// WithRequestID returns a context whose changes are recorded, and reported in
// events, as made by the request of that id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// report tells of an event by log and observer.
func (e *Engine) report(ctx context.Context, kind EventKind, s Step, text string) {
	level := slog.LevelDebug
	if kind != EventApplied && kind != EventPlanned && kind != EventMembership {
		level = slog.LevelWarn
	}
	request := requestID(ctx)
	e.logger.LogAttrs(ctx, level, string(kind),
		slog.String("connection", e.connection), slog.String("request", request),
		slog.String("step", s.String()), slog.String("text", text))
	if e.observer != nil {
		e.observer(ctx, Event{
			Time: e.now().UTC(), Connection: e.connection, Request: request,
			Kind: kind, Step: s, Text: text,
		})
	}
}

const (
	approvalTime = time.Hour
	guardWindow  = time.Hour
)
