package groupsync

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// reconcileHookTime is how long a hook may take for one leaver in a reconcile that takes
// nothing away from anybody, so that nobody stays in while it works.
const reconcileHookTime = 2 * time.Minute

// mostHookFailures is how often in a row a hook may fail in one reconcile. Then it is
// left for the next one: most likely what it works on is down.
const mostHookFailures = 3

// A hookTally counts what becomes of hooks over a plan.
type hookTally struct {
	mu       sync.Mutex // guards the fields below
	row      map[string]int
	open     map[[2]string]bool // hooks that failed, by name and id of the leaver
	failures int
	first    error
	leavers  []*User                  // whose hooks are to be planned
	hurry    bool                     // the plan takes something away, which hooks put off
	left     map[string]time.Duration // in a hurry, by hook, for all leavers
	late     []*handover              // that may run on after their time
}

// timeFor returns how long a hook may take to plan for the next leaver.
func (t *hookTally) timeFor(hook string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hurry {
		return t.left[hook]
	}
	return reconcileHookTime
}

// spent takes from a hook's time what it took to plan.
func (t *hookTally) spent(hook string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hurry {
		t.left[hook] -= took
	}
}

// keep keeps a hand-over that may run on after its time.
func (t *hookTally) keep(h *handover) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.late = append(t.late, h)
}

// wait waits for hooks that disregarded the end of their time while they planned.
func (t *hookTally) wait() {
	for _, h := range t.late {
		h.wait()
	}
}

// givenUp reports whether a hook has failed too often in a row.
func (t *hookTally) givenUp(hook string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.row[hook] >= mostHookFailures
}

// count counts what became of a hook's work for a leaver.
func (t *hookTally) count(hook, id string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.row == nil {
		t.row, t.open = map[string]int{}, map[[2]string]bool{}
	}
	if err == nil {
		t.row[hook] = 0
		return
	}
	t.row[hook]++
	t.open[[2]string{hook, id}] = true
	t.failures++
	if t.first == nil {
		t.first = err
	}
}

// failed reports whether a step of a hook failed for a leaver.
func (t *hookTally) failed(hook, id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[[2]string{hook, id}]
}

// required returns the first failure, where the settings ask for it.
func (t *hookTally) required(e *Engine) error {
	if !e.cfg.RequireHooks {
		return nil
	}
	return t.first
}

func isHookError(err error) bool {
	_, is := errors.AsType[*HookError](err)
	return is
}

// hookFailed counts a step of a hook that failed.
func (r *Result) hookFailed(e *Engine, err error) {
	r.HandOvers++
	if r.hooks == nil && e.cfg.RequireHooks {
		r.hooks = err
	}
}

// leftHooks returns the hooks that a reconcile has to run for a user: all of them for
// one whom it has to lock out, else those that have not ended although the request
// has.
func (r *comparison) leftHooks(u *User) []Hook {
	switch {
	case u.said == nil || *u.said || u.Owner != r.e.connection || r.e.protected[crowd.Fold(u.Crowd.Name)]:
		return nil
	case u.Crowd.Active:
		return r.e.cfg.Hooks
	case r.e.now().Sub(u.saidAt) < longestRequest:
		return nil
	}
	return r.e.dueHooks(u)
}

// leaves keeps a user whose hooks have something left to do, for [comparison.planHooks].
func (r *comparison) leaves(u *User) {
	if len(r.leftHooks(u)) == 0 && !r.e.isDoomed(u) {
		return
	}
	r.hooks.mu.Lock()
	defer r.hooks.mu.Unlock()
	r.hooks.leavers = append(r.hooks.leavers, u)
}

// planHooks plans what hooks have left to do. It comes last, when it is known whether
// somebody is to lose something: then hooks may put that off no longer than in a
// request.
func (r *comparison) planHooks(ctx context.Context) error {
	t := &r.hooks
	t.hurry, t.left = slices.ContainsFunc(r.plan.Steps, takesAway), map[string]time.Duration{}
	for _, hook := range r.e.cfg.Hooks {
		t.left[hook.Name()] = r.e.cfg.HookTimeout / time.Duration(len(r.e.cfg.Hooks))
	}
	steps := make([][]Step, len(t.leavers))
	err := r.e.each(ctx, len(t.leavers), func(ctx context.Context, i int) error {
		steps[i] = r.handOvers(ctx, t.leavers[i])
		return nil
	})
	for _, s := range slices.Concat(steps...) {
		s.run = nil // what is to be done is found out when it is done
		r.plan.add(s)
	}
	return err
}

// takesAway reports whether a step locks somebody out or takes a membership.
func takesAway(s Step) bool { return order[s.Op] <= order[OpRemoveGroup] }

// handOvers plans what hooks have left to do for a user, and to delete one who was
// kept for that alone.
func (r *comparison) handOvers(ctx context.Context, u *User) []Step {
	var steps []Step
	ended := true
	for _, hook := range r.leftHooks(u) {
		planned, err := r.handOver(ctx, u, hook)
		ended = ended && err == nil
		steps = append(steps, planned...)
	}
	if r.e.isDoomed(u) && ended && (len(steps) > 0 || len(r.e.dueHooks(u)) == 0) {
		steps = append(steps, Step{Op: OpDeleteUser, User: u.Crowd.Name, UserID: u.ID})
	}
	for i := range steps {
		steps[i].Why = restored[steps[i].Op]
	}
	return steps
}

// handOver plans what one hook has left to do, and that it ends with that.
func (r *comparison) handOver(ctx context.Context, u *User, hook Hook) ([]Step, error) {
	if r.hooks.givenUp(hook.Name()) {
		return nil, &HookError{hook.Name(), u.Crowd.Name, errGivenUp}
	}
	limit := r.hooks.timeFor(hook.Name())
	if limit <= 0 {
		err := &HookError{hook.Name(), u.Crowd.Name, errNoTime}
		r.hooks.count(hook.Name(), u.ID, err)
		return nil, err
	}
	h := r.e.aloneWith(u, hook)
	part := h.parts[0]
	part.time = limit
	h.plan(ctx, part)
	r.hooks.spent(hook.Name(), limit-part.time)
	if part.err != nil {
		r.hooks.keep(h)
		err := &HookError{hook.Name(), u.Crowd.Name, part.err}
		r.hooks.count(hook.Name(), u.ID, err)
		return nil, err
	}
	r.hooks.count(hook.Name(), u.ID, nil)
	return append(part.steps, Step{
		Op: OpNoteHandOver, User: u.Crowd.Name, UserID: u.ID, Hook: hook.Name(),
	}), nil
}

var (
	errGivenUp = errors.New("it has failed several times; it is left for the next reconcile")
	errNoTime  = errors.New("what the reconcile takes away could be put off no longer; it is left for the next reconcile")
)

// aloneWith returns the work of one hook, with the time of a reconcile.
func (e *Engine) aloneWith(u *User, hook Hook) *handover {
	return &handover{
		e: e, user: u, leaver: e.leaver(u, e.leaveOf(u, hook), false),
		parts: []*hookPart{{hook: hook, time: reconcileHookTime}},
	}
}

// leaveAgain records, before a reconcile locks a user out, that the hooks are to be
// run for the user.
func (e *Engine) leaveAgain(ctx context.Context, u *User, s Step) error {
	if s.Op != OpDeactivateUser || len(e.cfg.Hooks) == 0 {
		return nil
	}
	a := crowd.Attributes{}
	for _, hook := range e.cfg.Hooks {
		e.aloneWith(u, hook).pending(a)
	}
	err := e.crowd.SetUserAttributes(ctx, u.Crowd.Name, a)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil
	}
	return err
}

// repairHandOver takes a step of a hook for a user who is out still, or records that
// the hook has ended.
func (k *keeper) repairHandOver(ctx context.Context, s Step) error {
	u, err := k.stepUser(ctx, s)
	if err != nil {
		return err
	}
	hook := k.hook(s.Hook)
	if hook == nil || u.said == nil || *u.said || u.Owner != k.connection {
		return errStale
	}
	h := k.aloneWith(u, hook)
	defer h.wait()
	if s.Op == OpNoteHandOver {
		if k.hooks.failed(s.Hook, s.UserID) {
			return &HookError{s.Hook, s.User, errors.New("a step of it has failed")}
		}
		return h.note(ctx, u.Crowd.Name)
	}
	if k.hooks.givenUp(s.Hook) {
		err = errGivenUp
	} else {
		err = h.do(ctx, h.parts[0], HookStep{Object: s.Object, Changes: s.Changes})
	}
	if err == nil || errors.Is(err, errStale) {
		k.hooks.count(s.Hook, s.UserID, nil)
		return err
	}
	err = &HookError{s.Hook, s.User, err}
	k.hooks.count(s.Hook, s.UserID, err)
	return err
}

// repairDoomed deletes a Crowd user who was kept until the hooks have ended.
func (k *keeper) repairDoomed(ctx context.Context, s Step) error {
	u, err := k.stepUser(ctx, s)
	if err != nil {
		return err
	}
	if !k.isDoomed(u) || u.Crowd.Active {
		return errStale
	}
	if due := k.dueHooks(u); len(due) > 0 {
		return &HookError{due[0].Name(), s.User, errors.New("the user is not deleted before it has ended")}
	}
	err = k.inTurn(ctx, u.Crowd.Key, func(ctx context.Context) error { return k.crowd.DeleteUser(ctx, u.Crowd.Name) })
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil
	}
	return err
}
