package groupsync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// An UndoQuery selects what [Engine.PlanUndo] takes back: the changes of a request,
// or those of a time, or those of a request within a time.
type UndoQuery struct {
	// Request is the id of a request, see [WithRequestID].
	Request string
	// From and Until are the first and the last moment of a time; zero is without
	// end. The moment of a change is when it was recorded.
	From, Until time.Time
	// Reactivate lets those in again who were deactivated. By default they are told
	// of, since a leaver looks the same as a mistake.
	Reactivate bool
}

// String returns the query in words.
func (q UndoQuery) String() string {
	var parts []string
	if q.Request != "" {
		parts = append(parts, fmt.Sprintf("request %q", q.Request))
	}
	if !q.From.IsZero() {
		parts = append(parts, "from "+q.From.UTC().Format(time.RFC3339))
	}
	if !q.Until.IsZero() {
		parts = append(parts, "until "+q.Until.UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, " ")
}

// why is the reason that the steps of an undo bear, in the log too.
func (q UndoQuery) why() string { return "undoes " + q.String() }

// within reports whether a moment is in the time.
func (q UndoQuery) within(at time.Time) bool {
	return !at.Before(q.From) && (q.Until.IsZero() || !at.After(q.Until))
}

// holds reports whether the query selects an event.
func (q UndoQuery) holds(e Event) bool {
	return (q.Request == "" || q.Request == e.Request) && q.within(e.Time)
}

// wrote reports whether what the query selects is what wrote a register: it bears
// the request, and a time that is none of before.
func (q UndoQuery) wrote(f UserFact) bool {
	return (q.Request == "" || q.Request == f.Request) && q.within(f.At)
}

// PlanUndo reads the events of an audit log, such as package audit keeps, and returns
// what would take back the changes that the query selects. It changes nothing but what still is as the
// selection left it, and what it would change must have been written by it: a grant
// that was there before stays, and so does what anybody has said since, of the same
// user and group, the same name, the same field. Memberships by hand are left alone
// as ever. What is not taken back is told.
//
// Grants, groups, their names, externalIds and inner groups are taken back, and the
// fields of Crowd's users. A deleted group is created anew with those whom its
// deletion took out; a created one is deleted unless somebody else is in it. What was
// kept of users beside Crowd's fields is in no log: [Engine.PlanRestore] brings that
// back. Users that were created or deleted are told of.
//
// The whole log must be read, to its end, since it tells what came later; of a
// connection with several replicas, those of all of them, one after the other. Of
// the log no more is kept than the selection needs.
func (e *Engine) PlanUndo(ctx context.Context, log iter.Seq2[Event, error], q UndoQuery) (*Restoration, error) {
	if q.Request == "" && q.From.IsZero() {
		return nil, errors.New("groupsync: UndoQuery needs a request or a time to begin at")
	}
	h := &history{connection: e.connection, query: q, subjects: map[string]*subject{}, deleted: map[string]bool{}, taken: map[string]bool{}}
	for event, err := range log {
		if err != nil {
			return nil, err
		}
		h.enter(event)
	}
	u := &undoing{
		e: e, query: q, why: q.why(), taken: h.taken, going: map[string]bool{}, made: map[string]*Group{},
		names: map[string]string{}, external: map[string]string{},
	}
	u.Restoration = &Restoration{
		Plan:  &Plan{Title: fmt.Sprintf("undo the changes of the connection %q: %s", e.connection, q)},
		users: map[string]*UserState{},
	}
	if err := u.plan(ctx, h.order); err != nil {
		return nil, err
	}
	u.Plan.sort(restoreOrder)
	u.Plan.members = e.membersOfHeld(u.Plan)
	return u.Restoration, nil
}
