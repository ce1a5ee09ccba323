package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// errStale says that what a step was planned for has changed.
var errStale = errors.New("groupsync: changed since it was planned")

// Apply applies a plan made by [Engine.Plan], by this engine or by another one of
// the same connection, also one that was kept as JSON in between. Each step is
// held against Crowd first: one that is done already costs no write, one that is
// no longer called for is left out, and the error then matches [ErrStalePlan]. A
// step that fails does not keep the others from being applied.
func (e *Engine) Apply(ctx context.Context, p *Plan, o ReconcileOptions) (Result, error) {
	if p.members == nil {
		p.members = e.membersOfGroups(p)
	}
	r, err := e.applyPlan(ctx, p, o, e.applier())
	return allOf(r, errors.Join(err, r.hooks))
}

// allOf returns an error that matches [ErrStalePlan] where steps were left out.
func allOf(r Result, err error) (Result, error) {
	if err == nil && len(r.Stale) > 0 {
		err = fmt.Errorf("%w: %d of %d steps were left out", ErrStalePlan, len(r.Stale), len(r.Plan.Steps))
	}
	return r, err
}

// membersOfGroups counts the members of the Crowd groups that a plan takes from
// for no SCIM group's sake.
func (e *Engine) membersOfGroups(p *Plan) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		groups := map[string]bool{}
		for _, s := range p.Steps {
			if s.Op == OpRemoveMember && s.GroupID == "" {
				groups[s.from()] = true
			}
		}
		n := 0
		for g := range groups {
			members, err := e.crowdOf(ctx, g)
			if err != nil {
				return 0, fmt.Errorf("groupsync: count the members of %q: %w", g, err)
			}
			n += len(members)
		}
		return n, nil
	}
}

// mostErrors bounds the errors that a result joins.
const mostErrors = 20

// A batcher applies steps that do the same and returns what became of each.
type batcher func(ctx context.Context, batch []Step) ([]error, error)

// applyPlan holds a plan against the guard and applies it batch by batch.
func (e *Engine) applyPlan(ctx context.Context, p *Plan, o ReconcileOptions, apply batcher) (Result, error) {
	result := Result{Plan: p}
	if o.Approve != "" && o.Approve == p.Fingerprint() {
		e.Approve(o.Approve)
	}
	if err := e.check(ctx, p); err != nil {
		return result, err
	}
	meter := newMeter("apply", len(p.Steps), o.Progress, e.now)
	var errs []error
	for batch := range batches(p.Steps) {
		outcomes, err := apply(ctx, batch)
		if err != nil {
			return result, errors.Join(append(errs, err)...)
		}
		for i, err := range outcomes {
			switch {
			case err == nil:
				result.Applied++
			case errors.Is(err, errStale):
				result.Stale = append(result.Stale, batch[i])
			case isHookError(err):
				result.hookFailed(e, err)
			case len(errs) < mostErrors:
				errs = append(errs, err)
			}
		}
		meter.count(len(batch))
		if ctx.Err() != nil {
			return result, errors.Join(append(errs, fmt.Errorf("groupsync: %s: interrupted after %d of %d steps; begin anew for the rest: %w",
				p.Title, result.Applied, len(p.Steps), ctx.Err()))...)
		}
	}
	return result, errors.Join(errs...)
}

// applier returns what applies the batches of one plan.
func (e *Engine) applier() batcher {
	hooks := &hookTally{}
	return func(ctx context.Context, batch []Step) ([]error, error) { return e.applyBatch(ctx, batch, hooks) }
}

// applyBatch applies steps at the same time and returns what became of each.
func (e *Engine) applyBatch(ctx context.Context, batch []Step, hooks *hookTally) ([]error, error) {
	k, err := e.keeper(ctx, batch[0].Op)
	if err != nil {
		return nil, err
	}
	k.hooks = hooks
	if q := e.queue(); q != nil && k.book != nil {
		return k.applyTogether(ctx, batch, q), nil
	}
	outcomes := make([]error, len(batch))
	_ = e.each(ctx, len(batch), func(ctx context.Context, i int) error {
		s := batch[i]
		s.run = func(ctx context.Context) error { return k.perform(ctx, s) }
		outcomes[i] = e.step(ctx, s)
		return ctx.Err()
	})
	return outcomes, nil
}

// batchSize is how many steps are applied between two reports of progress.
const batchSize = 1024

// batches yields runs of steps that do the same and so do not depend on each
// other.
func batches(steps []Step) func(yield func([]Step) bool) {
	return func(yield func([]Step) bool) {
		for len(steps) > 0 {
			n := 1
			for n < len(steps) && n < batchSize && steps[n].Op == steps[0].Op {
				n++
			}
			if !yield(steps[:n]) {
				return
			}
			steps = steps[n:]
		}
	}
}

// order is the order in which a plan takes its steps: those that lock somebody out
// first, those that make a Crowd group before those that fill it, those that
// delete one and hooks last.
var order = map[Op]int{
	OpDeactivateUser: 1, OpEndSessions: 2, OpRemoveMember: 3, OpRemoveGroup: 4, OpCreateGroup: 5, OpLinkGroup: 6,
	OpAddMember: 7, OpAddGroup: 8, OpRenameUser: 9, OpUpdateUser: 10, OpReactivateUser: 10, OpRecord: 11, OpReleaseGroup: 12,
	OpWatchGroup: 13, OpDeleteGroup: 14, OpHandOver: 15, OpNoteHandOver: 16, OpDeleteUser: 17,
}

// sort puts steps in the order of what they do, then of group and user.
func (p *Plan) sort(order map[Op]int) {
	slices.SortStableFunc(p.Steps, func(x, y Step) int {
		return cmp.Or(
			cmp.Compare(order[x.Op], order[y.Op]),
			cmp.Compare(crowd.Fold(x.Group), crowd.Fold(y.Group)),
			cmp.Compare(crowd.Fold(x.User), crowd.Fold(y.User)))
	})
}

// A keeper applies the steps of a plan that tells what differs, each if it still
// does.
type keeper struct {
	*Engine
	book  *Book
	exact exactTargets
	hooks *hookTally
}

// keeper returns what applies a batch of steps, with a book for all of them: each
// looks at a fresh one once it has changed anything.
func (e *Engine) keeper(ctx context.Context, op Op) (*keeper, error) {
	k := &keeper{Engine: e}
	if op != OpAddMember && op != OpRemoveMember {
		return k, nil
	}
	var err error
	if k.book, err = e.books(ctx); err != nil {
		return nil, err
	}
	k.exact = e.exactTargets(k.book)
	return k, nil
}

func (k *keeper) perform(ctx context.Context, s Step) error {
	switch s.Op {
	case OpAddMember, OpRemoveMember:
		return k.repairMember(ctx, s)
	case OpDeactivateUser, OpEndSessions, OpRenameUser, OpUpdateUser, OpReactivateUser, OpRecord:
		return k.repairFields(ctx, s)
	case OpAddGroup, OpRemoveGroup:
		return k.repairNest(ctx, s)
	case OpCreateGroup, OpLinkGroup, OpReleaseGroup, OpWatchGroup, OpDeleteGroup:
		return k.repairGroup(ctx, s)
	case OpHandOver, OpNoteHandOver:
		return k.repairHandOver(ctx, s)
	case OpDeleteUser:
		return k.repairDoomed(ctx, s)
	}
	return fmt.Errorf("groupsync: a plan that was kept cannot %q. Make a new one", s.Op)
}

// stepUser reads the user of a step.
func (e *Engine) stepUser(ctx context.Context, s Step) (*User, error) {
	key, ok := userKey(s.UserID)
	if !ok {
		return nil, fmt.Errorf("groupsync: the step has no valid user id: %q", s.UserID)
	}
	u, err := e.byKey(ctx, key)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil, errStale
	}
	return u, err
}

// repairMember brings one membership to what is recorded, if that is still what
// the step says. Where it is so already nothing is written.
func (k *keeper) repairMember(ctx context.Context, s Step) error {
	w, err := k.repair(ctx, s)
	if w == nil || err != nil {
		return err
	}
	return w.run(ctx)
}

// repair returns the work that brings one membership to what is recorded, nil where
// it is so already.
func (k *keeper) repair(ctx context.Context, s Step) (*edges, error) {
	member, err := k.crowd.IsMember(ctx, s.Group, s.User, false)
	if err != nil {
		return nil, err
	}
	u, err := k.stepUser(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, t := range k.candidates(k.book, u, []string{s.Group}, k.exact) {
		if crowd.Fold(t.Group) != crowd.Fold(s.Group) {
			continue
		}
		if op, _ := k.memberDrift(k.book, u, t, s.Op == OpRemoveMember); op != s.Op {
			return nil, errStale
		}
		if member == (s.Op == OpAddMember) {
			return nil, nil
		}
		w := k.newEdges(ctx, k.book, u, []mapping.Target{t})
		w.asked, w.lookup = true, true
		return w, nil
	}
	return nil, errStale
}

// applyTogether is applyBatch for memberships that a queue changes together: what is
// to be recorded first, then the memberships, then a look at each.
func (k *keeper) applyTogether(ctx context.Context, steps []Step, q *queue) []error {
	outcomes := make([]error, len(steps))
	works := make([]*edges, len(steps))
	_ = k.each(ctx, len(steps), func(ctx context.Context, i int) error {
		w, err := k.repair(ctx, steps[i])
		if works[i] = w; w != nil && err == nil {
			w.collecting = true
			w.recorded = func(ctx context.Context) error { return k.afterOthers(ctx, w.user.Crowd.Key) }
			err = w.begin(ctx)
		}
		outcomes[i] = err
		return ctx.Err()
	})
	for _, w := range works {
		if w != nil {
			q.take(w)
		}
	}
	failed := q.flush(ctx)
	_ = k.each(ctx, len(steps), func(ctx context.Context, i int) error {
		s, err, w := steps[i], outcomes[i], works[i]
		s.run = func(ctx context.Context) error {
			if w != nil && w.wrote {
				if err == nil {
					err = failed[w]
				}
				if again := w.settle(ctx); err == nil {
					err = again
				}
			}
			return err
		}
		outcomes[i] = k.step(ctx, s)
		return ctx.Err()
	})
	return outcomes
}

// repairFields brings a user's fields to what was said, if that is still what the
// step says.
func (e *Engine) repairFields(ctx context.Context, s Step) error {
	u, err := e.stepUser(ctx, s)
	if err != nil {
		return err
	}
	if s.Op == OpEndSessions { // of one who was just locked out
		if u.Crowd.Active || u.Owner != e.connection {
			return errStale
		}
		return e.sessionsStep(u).run(ctx)
	}
	for _, now := range e.fieldDrift(u) {
		if now.Op == s.Op && slices.Equal(now.Changes, s.Changes) {
			if err := e.leaveAgain(ctx, u, s); err != nil {
				return err
			}
			return e.notTaken(ctx, s, now.run(ctx))
		}
	}
	if s.Op == OpDeactivateUser && !u.Crowd.Active {
		return nil
	}
	return errStale
}

// notTaken reports a rename that Crowd refuses, since another user has the name:
// that is for the identity provider to mend, and keeps nobody else waiting.
func (e *Engine) notTaken(ctx context.Context, s Step, err error) error {
	if s.Op != OpRenameUser || !errors.Is(err, crowd.ErrInvalidUser) {
		return err
	}
	e.report(ctx, EventFailed, s, "Crowd refuses the name; most likely another user has it. Change userName in the identity provider")
	return errStale
}
