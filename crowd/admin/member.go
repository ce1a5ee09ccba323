package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// maxBatch is how many memberships one request changes; longer lists are several
// requests, one after the other.
const maxBatch = 500

// Memberships changes memberships in one directory, many in one call. It belongs
// to the [Client] that returned it, and is as safe for concurrent use.
//
// Each call is best effort. It returns the names that were refused, each with
// its cause, as they were given; with a nil error all others are, or are not,
// members now, as some may have been before. With an error nothing is known of the others: look again, or
// ask for them one by one, as [crowd.Client.AddMember] does, which is also the
// way to learn more of a refusal. Calls may be repeated.
//
// Where the server or its licence has no such call, or the administrator may not
// make it, the error matches [crowd.ErrUnsupported].
type Memberships struct {
	client    *Client
	directory int64
}

// Memberships returns what changes the memberships of the directory of that id.
func (c *Client) Memberships(directory int64) *Memberships { return &Memberships{c, directory} }

// AddMembers puts users into a group, directly.
//
// Resource: POST groups/{groupId}/users.
func (m *Memberships) AddMembers(ctx context.Context, group string, users []string) (failed map[string]error, err error) {
	return m.batch(ctx, "add member", http.MethodPost, inGroup(group), users)
}

// RemoveMembers takes users out of a group, if directly in it.
//
// Resource: DELETE groups/{groupId}/users.
func (m *Memberships) RemoveMembers(ctx context.Context, group string, users []string) (failed map[string]error, err error) {
	return m.batch(ctx, "remove member", http.MethodDelete, inGroup(group), users)
}

// AddToGroups puts a user into groups, directly.
//
// Resource: POST users/{userId}/groups.
func (m *Memberships) AddToGroups(ctx context.Context, user string, groups []string) (failed map[string]error, err error) {
	return m.batch(ctx, "add to group", http.MethodPost, ofUser(user), groups)
}

// RemoveFromGroups takes a user out of groups, as RemoveMembers does.
//
// Resource: DELETE users/{userId}/groups.
func (m *Memberships) RemoveFromGroups(ctx context.Context, user string, groups []string) (failed map[string]error, err error) {
	return m.batch(ctx, "remove from group", http.MethodDelete, ofUser(user), groups)
}

// A side is one end of many memberships, and how the others are spelled.
type side struct {
	name       string
	above      string // the resource above the id
	below      string // and below it
	names, ids string // members of the request that list the other ends
	missing    error  // of this end
	absent     error  // of another end
}

func inGroup(name string) side {
	return side{name, "groups/", "/users", "usernames", "userIds", crowd.ErrGroupNotFound, crowd.ErrUserNotFound}
}

func ofUser(name string) side {
	return side{name, "users/", "/groups", "groupNames", "groupIds", crowd.ErrUserNotFound, crowd.ErrGroupNotFound}
}

// batch changes the memberships of one end in requests of bounded length.
func (m *Memberships) batch(ctx context.Context, op, method string, s side, others []string) (map[string]error, error) {
	if err := crowd.ValidateName(s.name); err != nil {
		return nil, fmt.Errorf("admin: %s: %w", op, err)
	}
	failed := map[string]error{}
	var sound []string
	for _, name := range others {
		if err := crowd.ValidateName(name); err != nil {
			failed[name] = fmt.Errorf("admin: %s: %w", op, err)
			continue
		}
		sound = append(sound, name)
	}
	for chunk := range slices.Chunk(sound, maxBatch) {
		b := &batch{m: m, op: op, method: method, side: s, others: chunk, failed: failed}
		if err := b.run(ctx); err != nil {
			return failed, err
		}
	}
	return failed, nil
}

// A batch is one request, in one of two spellings.
type batch struct {
	m          *Memberships
	op, method string
	side       side
	others     []string
	failed     map[string]error
	byID       bool
}

// run makes the request with names and, where the server does not understand
// them, with ids: what does not know the names either refuses the request, or
// ignores them and says nothing of anybody. Neither has an effect.
func (b *batch) run(ctx context.Context) error {
	answer, err := b.ask(ctx, map[string]any{b.side.names: b.others})
	if errors.Is(err, crowd.ErrIllegalArgument) || err == nil && answer.empty() {
		ids := make([]string, len(b.others))
		for i, name := range b.others {
			ids[i] = entityID(b.m.directory, name)
		}
		b.byID = true
		answer, err = b.ask(ctx, map[string]any{b.side.ids: ids})
	}
	if err != nil {
		return err
	}
	b.note(answer)
	return nil
}

func (b *batch) ask(ctx context.Context, body any) (*batchWire, error) {
	answer := new(batchWire)
	err := b.m.client.call(ctx, rest.Request{
		Op: b.op, Name: fmt.Sprintf("%d of %s", len(b.others), b.side.name),
		Method: b.method, Resource: b.side.above + entityID(b.m.directory, b.side.name) + b.side.below,
		Body: body, Repeat: true, Optional: true, Missing: b.side.missing, Into: answer,
	})
	if errors.Is(err, crowd.ErrPermission) {
		err = &unsupported{err}
	}
	return answer, err
}

// note sorts the names by what the answer says of them. One of which it says
// nothing counts as refused.
func (b *batch) note(answer *batchWire) {
	done, refused := b.mentioned(answer.Successes), b.mentioned(answer.Failures)
	for _, name := range b.others {
		entry := refused[crowd.Fold(name)]
		switch {
		case entry == nil && done[crowd.Fold(name)] == nil:
			b.failed[name] = b.refusal(name, "", "the answer does not mention it")
		case entry != nil && entry.reason != b.already():
			b.failed[name] = b.refusal(name, entry.reason, entry.message)
		}
	}
}

// already is the reason of what is so already, and no failure.
func (b *batch) already() string {
	if b.method == http.MethodPost {
		return "MEMBERSHIP_ALREADY_EXISTS"
	}
	return "MEMBERSHIP_NOT_FOUND"
}

// mentioned maps names of the batch, folded, to the entries about them. What an
// entry has is the name of one in the batch or, if not, an id.
func (b *batch) mentioned(entries []batchEntry) map[string]*batchEntry {
	asked := map[string]bool{}
	for _, name := range b.others {
		asked[crowd.Fold(name)] = true
	}
	about := map[string]*batchEntry{}
	for i, entry := range entries {
		name := crowd.Fold(entry.name)
		if decoded, ok := nameIn(entry.name); ok && (b.byID || !asked[name]) {
			name = crowd.Fold(decoded)
		}
		about[name] = &entries[i]
	}
	return about
}

func (b *batch) refusal(name, reason, message string) error {
	return &crowd.Error{
		Op: b.op, Name: name + " of " + b.side.name, Method: b.method,
		Resource: b.side.above + "{id}" + b.side.below, Reason: reason, Message: message,
	}
}

// unsupported is a batch that was refused altogether: of Crowd's editions only
// Data Center has it, and which status the others answer is not known.
type unsupported struct{ err error }

func (u *unsupported) Error() string        { return u.err.Error() }
func (u *unsupported) Unwrap() error        { return u.err }
func (u *unsupported) Is(target error) bool { return target == crowd.ErrUnsupported }

// batchWire is the answer to a batch.
type batchWire struct {
	Successes []batchEntry `json:"successes"`
	Failures  []batchEntry `json:"failures"`
}

func (w *batchWire) empty() bool { return len(w.Successes)+len(w.Failures) == 0 }

// A batchEntry names one user or group of a batch: as text, or as an object
// with an id or a name, and a cause where it failed.
type batchEntry struct{ name, reason, message string }

// UnmarshalJSON implements [json.Unmarshaler].
func (e *batchEntry) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &e.name) == nil {
		return nil
	}
	var w struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		Username   string `json:"username"`
		EntityName string `json:"entityName"`
		Reason     string `json:"reason"`
		Cause      string `json:"cause"`
		Message    string `json:"message"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	e.name = cmp.Or(w.ID, w.Name, w.EntityName, w.Username)
	e.reason, e.message = cmp.Or(w.Reason, w.Cause), w.Message
	if e.name == "" {
		return errors.New("an entry of the batch names nobody")
	}
	return nil
}
