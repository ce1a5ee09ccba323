package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// Whether a hook has ended for a leaver is a register of the user: "pending" is
// written together with the word that the user leaves, "done" once the hook has
// ended. Both bear the time and request of that word, so that an old "done" which
// lands late hides no newer leave.
const (
	statePending = "pending"
	stateDone    = "done"
)

// dueHooks returns the hooks that have not ended for a user whom the identity
// provider has deactivated or deleted.
func (e *Engine) dueHooks(u *User) []Hook {
	if len(e.cfg.Hooks) == 0 || u.said == nil || *u.said || u.Owner != e.connection || e.protected[crowd.Fold(u.Crowd.Name)] {
		return nil
	}
	var due []Hook
	for _, h := range e.cfg.Hooks {
		state, n := readRegister(u.Crowd.Attributes[e.names.hook+h.Name()], statePending, stateDone)
		if state == statePending || state == stateDone && (!n.At.Equal(u.saidAt) || n.Request != u.saidBy) {
			due = append(due, h)
		}
	}
	return due
}

// A handover is the work of hooks for one leaver. A nil one has no work.
type handover struct {
	e      *Engine
	user   *User
	leaver Leaver
	parts  []*hookPart
	ran    bool
	late   sync.WaitGroup // hooks that disregard the end of their time
}

// A hookPart is the work of one hook for one leaver.
type hookPart struct {
	hook  Hook
	time  time.Duration // that it has left
	steps []Step
	open  int // steps that have not ended; -1 where it could not plan
	err   error
}

// handOver plans what hooks do for a leaver, within their time. Word is what the
// identity provider said, and when.
func (e *Engine) handOver(ctx context.Context, u *User, hooks []Hook, word note, deleted bool) *handover {
	if len(hooks) == 0 {
		return nil
	}
	h := &handover{e: e, user: u, leaver: e.leaver(u, word, deleted)}
	limit := e.cfg.HookTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/2)
	}
	for _, hook := range hooks {
		p := &hookPart{hook: hook, time: limit / time.Duration(len(hooks))}
		h.parts = append(h.parts, p)
		h.plan(ctx, p)
	}
	return h
}

// plan asks a hook for its steps.
func (h *handover) plan(ctx context.Context, p *hookPart) {
	var planned []HookStep
	err := h.within(ctx, p, func(ctx context.Context) (err error) {
		steps, err := p.hook.Plan(ctx, h.leaver)
		planned = steps
		return err
	})
	if err != nil {
		p.open, p.err = -1, err
		h.e.report(ctx, EventFailed, h.step(p, HookStep{}), err.Error())
		return
	}
	for _, s := range planned {
		step := h.step(p, s)
		step.run = func(ctx context.Context) error { return h.do(ctx, p, s) }
		p.steps = append(p.steps, step)
	}
	p.open = len(p.steps)
}

// step shows a step of a hook as one of a plan.
func (h *handover) step(p *hookPart, s HookStep) Step {
	return Step{
		Op: OpHandOver, User: h.leaver.Name, UserID: h.leaver.ID, Hook: p.hook.Name(), Object: s.Object, Changes: s.Changes,
		Why: "the user leaves",
	}
}

// do takes a step within what the hook has left of its time.
func (h *handover) do(ctx context.Context, p *hookPart, s HookStep) error {
	err := h.within(ctx, p, func(ctx context.Context) error { return p.hook.Do(ctx, h.leaver, s) })
	switch {
	case errors.Is(err, ErrStalePlan):
		p.open--
		return errStale
	case err != nil:
		p.err = err
		return err
	}
	p.open--
	return nil
}

// within calls f, waits for it no longer than the hook has time, and takes a panic
// for an error: nothing of it may keep the leaver in.
func (h *handover) within(ctx context.Context, p *hookPart, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, p.time)
	began := time.Now()
	defer func() { p.time = max(p.time-time.Since(began), 0) }()
	ended := make(chan error, 1)
	h.late.Go(func() {
		defer cancel()
		var caught panics
		ended <- caught.catch(func() error { return f(ctx) })
	})
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select { // it may have ended just so
	case err := <-ended:
		return err
	default:
		return fmt.Errorf("it did not end in time: %w", ctx.Err())
	}
}

// steps returns the steps of all hooks.
func (h *handover) steps() []Step {
	var all []Step
	if h != nil {
		for _, p := range h.parts {
			all = append(all, p.steps...)
		}
	}
	return all
}

// run takes all steps, once, where no plan does. That one fails keeps nothing else
// from being done.
func (h *handover) run(ctx context.Context) {
	if h == nil || h.ran {
		return
	}
	h.ran = true
	for _, s := range h.steps() {
		_ = h.e.step(ctx, s) // has been told
	}
}

// ended reports whether all hooks have done what they had to do.
func (h *handover) ended() bool {
	if h != nil {
		for _, p := range h.parts {
			if p.open != 0 {
				return false
			}
		}
	}
	return true
}

// pending adds to a the registers that say that the hooks are to be run.
func (h *handover) pending(a crowd.Attributes) {
	if h != nil {
		for _, p := range h.parts {
			a[h.e.names.hook+p.hook.Name()] = h.register(statePending)
		}
	}
}

// register returns a register of the leave. As long as a hook has not ended it keeps
// the name by which the leaver is known elsewhere.
func (h *handover) register(state string) []string {
	n := note{At: h.leaver.At, Request: h.leaver.Request}
	if state == statePending {
		n.Name = cmp.Or(h.leaver.FormerName, h.leaver.Name)
	}
	return register(state, n)
}

// leaveOf returns the word by which a user left whom a hook is to be run for.
func (e *Engine) leaveOf(u *User, hook Hook) note {
	_, n := readRegister(u.Crowd.Attributes[e.names.hook+hook.Name()], statePending)
	return note{At: u.saidAt, Request: u.saidBy, Name: n.Name}
}

// note records which hooks have ended, with the user, whose name is given.
func (h *handover) note(ctx context.Context, user string) error {
	if h == nil {
		return nil
	}
	a := crowd.Attributes{}
	for _, p := range h.parts {
		if p.open == 0 {
			a[h.e.names.hook+p.hook.Name()] = h.register(stateDone)
		}
	}
	if len(a) == 0 || h.e.cfg.DryRun {
		return nil
	}
	err := h.e.crowd.SetUserAttributes(ctx, user, a)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil
	}
	return err
}

// failure returns the first failure, where the settings ask for it.
func (h *handover) failure() error {
	if h == nil || !h.e.cfg.RequireHooks {
		return nil
	}
	for _, p := range h.parts {
		if p.err != nil {
			return &HookError{p.hook.Name(), h.leaver.Name, p.err}
		}
	}
	return nil
}

// wait waits for hooks that have disregarded the end of their time.
func (h *handover) wait() {
	if h != nil {
		h.late.Wait()
	}
}
