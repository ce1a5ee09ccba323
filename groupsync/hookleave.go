package groupsync

import (
	"context"
	"errors"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// planHandOver has the hooks planned, once in an update: of a user who is about to be
// locked out, or whom an earlier request locked out without their end. It returns
// their steps.
func (w *update) planHandOver(ctx context.Context, v *User, leaving, repeats bool) []Step {
	if w.leave != nil || !leaving && !repeats || leavesHooksOut(ctx) {
		return nil
	}
	hooks, word := w.e.cfg.Hooks, note{At: v.saidAt, Request: v.saidBy}
	switch {
	case repeats:
		if hooks = w.e.dueHooks(v); len(hooks) > 0 {
			word = w.e.leaveOf(v, hooks[0])
		}
	case w.says(v):
		word = w.word
	}
	w.leave, w.handed = w.e.handOver(ctx, v, hooks, word, false), w.round
	return w.leave.steps()
}

type hooksLeftOutKey struct{}

// leavingHooksOut returns a context for steps that are only to be compared. Hooks
// may plan something else each time, and take long over it.
func leavingHooksOut(ctx context.Context) context.Context {
	return context.WithValue(ctx, hooksLeftOutKey{}, true)
}

func leavesHooksOut(ctx context.Context) bool { return ctx.Value(hooksLeftOutKey{}) != nil }

// noteLeave records which hooks have ended, once, whatever became of the rest of the
// update; but for one that the guard refused.
func (w *update) noteLeave(ctx context.Context, v *User, err error) error {
	if _, refused := errors.AsType[*GuardError](err); refused || w.noted || w.leave == nil {
		return nil
	}
	w.noted = true
	return w.leave.note(ctx, v.Crowd.Name)
}

// said is when the deletion locks the user out.
func (d *deletion) said(ctx context.Context) note {
	if d.word.At.IsZero() {
		d.word = d.e.word(ctx)
	}
	return d.word
}

// planHandOver has the hooks planned for a user whom the deletion locks out.
func (d *deletion) planHandOver(ctx context.Context, hooks []Hook) {
	if !d.locks() {
		return
	}
	var word note
	switch {
	case !d.user.gone:
		word = d.said(ctx)
	case len(hooks) > 0:
		word = d.e.leaveOf(d.user, hooks[0])
	}
	d.leave = d.e.handOver(ctx, d.user, hooks, word, true)
}

// handOverFirst runs the hooks of a user who is to be deleted in Crowd, since nothing
// could tell of them after that. Where one fails the user is locked out now, and
// deleted by the reconcile that sees the hook end.
func (d *deletion) handOverFirst(ctx context.Context) {
	if d.how != Delete || d.leave == nil {
		return
	}
	if d.leave.run(ctx); !d.leave.ended() {
		d.how, d.doomed = Deactivate, true
	}
}

// noteLeave records which hooks have ended.
func (d *deletion) noteLeave(ctx context.Context) error {
	return d.leave.note(ctx, d.user.Crowd.Name)
}

// markDoomed records whether the Crowd user is to be deleted once the hooks have
// ended. It counts only as long as the user is gone for SCIM.
func (d *deletion) markDoomed(a crowd.Attributes) {
	switch name := d.e.names.doomed; {
	case d.doomed:
		a[name] = []string{"yes"}
	case len(d.user.Crowd.Attributes[name]) > 0:
		a[name] = []string{none}
	}
}

// doom records of a user who is gone already that it is to be deleted in Crowd.
func (d *deletion) doom(ctx context.Context) error {
	if d.how != Delete || d.e.isDoomed(d.user) {
		return nil
	}
	return d.e.crowd.SetUserAttributes(ctx, d.user.Crowd.Name, crowd.Attributes{d.e.names.doomed: {"yes"}})
}

// isDoomed reports whether a user is to be deleted in Crowd once the hooks have ended.
func (e *Engine) isDoomed(u *User) bool {
	return u.gone && u.Owner == e.connection && u.Crowd.Attributes.First(e.names.doomed) == "yes"
}
