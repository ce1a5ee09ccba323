package groupsync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ReconcileOptions steer [Engine.Plan] and [Engine.Reconcile]. The zero value is
// good.
type ReconcileOptions struct {
	// Approve lets the plan of that fingerprint, which a [GuardError] names, pass
	// this time.
	Approve string
	// Progress is told how far the work is, about once for every page of users and
	// every few steps. Nil means nobody.
	Progress func(Progress)
}

// Progress tells how far a reconcile is.
type Progress struct {
	// Phase is "memberships", "users" or "apply".
	Phase string
	// Done of Total memberships, users or steps have been worked on; Total is 0
	// where it is not known.
	Done, Total int
	// Elapsed is the time since the phase began, Remaining an estimate of the time
	// it takes still, 0 where there is none.
	Elapsed, Remaining time.Duration
}

// A Result tells what became of a plan.
type Result struct {
	// Plan is what was to be done.
	Plan *Plan
	// Applied counts the steps that were applied, or found done already.
	Applied int
	// Stale are the steps that were left out since what they were planned for has
	// changed. Whoever changed it has seen to it.
	Stale []Step
	// Whole tells that everything was looked at and nothing failed. What the
	// identity provider took away a quarantine (10 minutes) before is finished
	// from then on: a membership that comes to be after it was made by hand.
	Whole bool
	// HandOvers counts the steps of hooks that failed, which the next reconcile
	// takes again.
	HandOvers int

	hooks error // one of their errors, where the settings ask for it
}

// ErrStalePlan means that some steps of a plan were not applied, since what they
// were planned for has changed. Make a new plan.
var ErrStalePlan = errors.New("groupsync: the plan is out of date: what it was made for has changed. Make a new one")

// Plan compares all of Crowd with what is recorded and with the settings, and
// returns the steps that would mend the difference; no steps if there is none. It
// changes nothing. What it finds:
//
//   - memberships that are granted, or defaults, and missing; memberships that
//     were granted and are so no longer; where the settings keep none made by hand,
//     those too
//   - users whom the identity provider deactivated or deleted and who are active;
//     of them, and of others who left, what hooks have not ended
//   - users whose fields in Crowd are not what the identity provider said, and
//     users whose creation did not end
//   - Crowd groups that are missing, or lack their mark, or are left over from SCIM
//     groups that were renamed or deleted
//
// It also reports, as events, what it cannot mend: e-mails that Crowd refused,
// SCIM groups that share a name, SCIM groups that fill nothing.
//
// It reads memberships and users once, in pages, and keeps of each user a name
// and a few numbers; the plan itself grows with the difference. The error is a
// *[StrangerError] where other connections have records in the directory that the
// engine does not know.
func (e *Engine) Plan(ctx context.Context, o ReconcileOptions) (*Plan, error) {
	r, err := e.compare(ctx, o)
	if err != nil {
		return nil, err
	}
	r.hooks.wait()
	return r.plan, nil
}

// Reconcile makes a [Engine.Plan] and applies it: it brings Crowd to what is
// recorded, after faults, changes by hand and changes of the settings. It never
// writes a grant. It is safe beside requests, and beside reconciles of other
// replicas; one that was interrupted is begun anew and finds done what was done.
//
// A step that fails does not keep the others from being applied; the errors are
// joined. The error is a *[GuardError] if too much would be taken away.
//
// Hooks put off what it takes away for [Config.HookTimeout] in all, each for an equal
// share, and what they did not plan in that is left for the next reconcile. It waits for
// a hook that disregards the end of its time, though not before all is applied.
func (e *Engine) Reconcile(ctx context.Context, o ReconcileOptions) (Result, error) {
	began := e.now().UTC()
	r, err := e.compare(ctx, o)
	if err != nil {
		return Result{}, err
	}
	defer r.hooks.wait() // only now that nobody is kept in by it
	result, err := e.applyPlan(ctx, r.plan, o, e.applier())
	result.HandOvers += r.hooks.failures
	if err != nil || e.cfg.DryRun {
		return result, err
	}
	if len(r.book.entries) > 0 || r.recorded {
		if err := e.ledger.RecordReconciled(ctx, began); err != nil {
			return result, fmt.Errorf("groupsync: record that the reconcile has ended: %w", err)
		}
	}
	result.Whole = true
	return result, errors.Join(result.hooks, r.hooks.required(e))
}

// ReconcileEvery reconciles at once and then every so often, until ctx is done,
// whose error it returns. What goes wrong is logged.
func (e *Engine) ReconcileEvery(ctx context.Context, every time.Duration, o ReconcileOptions) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if _, err := e.Reconcile(ctx, o); err != nil && ctx.Err() == nil {
			e.logger.WarnContext(ctx, "reconcile failed", "connection", e.connection, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// A comparison holds Crowd against what is recorded.
type comparison struct {
	*survey
	options  ReconcileOptions
	plan     *Plan
	making   map[string]bool // folded names of Crowd groups that the plan makes
	missing  map[string]bool // and of those reported missing
	holders  map[string]int  // of live SCIM groups, by id
	recorded bool            // anything is recorded with any user
	hooks    hookTally
}

// compare reads all there is.
func (e *Engine) compare(ctx context.Context, o ReconcileOptions) (*comparison, error) {
	v, err := e.survey(ctx, true, o.Progress)
	if err != nil {
		return nil, err
	}
	r := &comparison{survey: v, options: o, making: map[string]bool{}, missing: map[string]bool{}, holders: map[string]int{}}
	r.plan = &Plan{Title: fmt.Sprintf("reconcile the connection %q", e.connection), members: r.countMembers}
	r.groups()
	if err := r.users(ctx); err != nil {
		return nil, err
	}
	if err := r.planHooks(ctx); err != nil {
		r.hooks.wait()
		return nil, err
	}
	r.report(ctx)
	r.plan.sort(order)
	return r, nil
}

// countMembers counts the memberships of the Crowd groups that the plan takes
// from.
func (r *comparison) countMembers(context.Context) (int, error) {
	n := 0
	for g := range r.plan.groups() {
		n += r.roster.size(g)
	}
	return n, nil
}

// report tells of what an administrator should know and no step mends.
func (r *comparison) report(ctx context.Context) {
	for _, n := range r.book.all() {
		s := Step{Op: OpUpdateGroup, Group: n.name, GroupID: n.id}
		if owners := r.book.ownersOf(n.name); len(owners) > 1 && owners[0] == n.id {
			r.e.report(ctx, EventSameName, s, fmt.Sprintf(
				"%d groups of the connection have that name. All of them are in force; rename or delete all but one in the identity provider", len(owners)))
		}
		if len(r.e.targets(r.book, n.id)) == 0 && r.holders[n.id] == 0 {
			r.e.report(ctx, EventUnused, s, "the group has no members and fills no Crowd group. Map it, or take it out of the identity provider's pushes")
		}
	}
}
