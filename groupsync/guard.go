package groupsync

import (
	"context"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A guard refuses plans that take away too much at once, counted over one plan
// and over the plans of this process within a window of time.
type guard struct {
	mu            sync.Mutex        // guards the fields below
	removals      map[string]*tally // by group, see Step.from
	deactivations tally
	deletions     tally // of groups
	approved      map[string]time.Time
}

// A tally counts what was taken away within the window.
type tally struct {
	times  []time.Time
	counts []int
}

// within returns the count since start, and forgets what is older.
func (t *tally) within(start time.Time) int {
	old := 0
	for old < len(t.times) && t.times[old].Before(start) {
		old++
	}
	t.times, t.counts = t.times[old:], t.counts[old:]
	sum := 0
	for _, c := range t.counts {
		sum += c
	}
	return sum
}

func (t *tally) add(now time.Time, n int) {
	if last := len(t.times) - 1; last >= 0 && now.Sub(t.times[last]) < time.Second {
		t.counts[last] += n
		return
	}
	t.times, t.counts = append(t.times, now), append(t.counts, n)
}

// Approve lets the plan of that fingerprint, which a [GuardError] names, pass
// once within the next hour.
func (e *Engine) Approve(fingerprint string) {
	e.guard.mu.Lock()
	defer e.guard.mu.Unlock()
	now := e.now()
	for f, until := range e.guard.approved {
		if until.Before(now) {
			delete(e.guard.approved, f)
		}
	}
	e.guard.approved[fingerprint] = now.Add(approvalTime)
}

// approvedOnce reports whether the plan was approved, and takes the approval.
func (g *guard) approvedOnce(fingerprint string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.approved[fingerprint]
	delete(g.approved, fingerprint)
	return ok && now.Before(until)
}

// check returns a *GuardError where the plan must not be applied.
func (e *Engine) check(ctx context.Context, p *Plan) error {
	p = unchecked(ctx, p)
	removals := p.count(OpRevoke, OpRemoveMember)
	deactivations := p.count(OpDeactivateUser)
	deletions := p.count(OpDeleteGroup)
	if removals+deactivations+deletions == 0 {
		return nil
	}
	err := e.checkRemovals(ctx, p, removals)
	if err == nil {
		err = e.checkWindow(ctx, p, deactivations, window{
			"active users", "groups.guard.deactivations", e.policy.Deactivations, &e.guard.deactivations, e.countActive,
		})
	}
	if err == nil {
		err = e.checkWindow(ctx, p, deletions, window{
			"groups", "groups.guard.groupDeletions", e.policy.GroupDeletions, &e.guard.deletions, e.countGroups,
		})
	}
	if err == nil {
		return nil
	}
	if refusal, ok := err.(*GuardError); ok && e.guard.approvedOnce(refusal.Fingerprint, e.now()) {
		return nil
	}
	e.report(ctx, EventRefused, p.Steps[0], err.Error())
	return err
}

// checkRemovals counts what was taken from the same groups within the window as
// well. Only where that exceeds the limit's own count are the members counted.
func (e *Engine) checkRemovals(ctx context.Context, p *Plan, n int) error {
	if n == 0 {
		return nil
	}
	limit := e.policy.Removals
	count, percent := limit.numbers()
	recent := n + e.guard.removed(p.groups(), e.now().Add(-guardWindow))
	if recent <= count || percent >= 100 || p.members == nil {
		return nil
	}
	members, err := p.members(ctx)
	if err != nil {
		return err
	}
	total := members + recent - n // those who were members when the window began
	if !limit.exceeded(recent, total) {
		return nil
	}
	return e.refusal(p, "memberships", "groups.guard.removals", limit, recent, total)
}

// removed returns how many memberships were taken from the groups since start,
// and forgets groups that nothing was taken from.
func (g *guard) removed(groups map[string]bool, start time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	sum := 0
	for id, t := range g.removals {
		n := t.within(start)
		if n == 0 {
			delete(g.removals, id)
		} else if groups[id] {
			sum += n
		}
	}
	return sum
}

// A window is what is counted over the requests of an hour.
type window struct {
	what, setting string
	limit         Limit
	tally         *tally
	total         func(context.Context) (int, error) // how many there are now
}

// checkWindow counts what was taken away within the window as well, since
// identity providers send one request for each. Only where that count exceeds the
// limit's own is the total asked for.
func (e *Engine) checkWindow(ctx context.Context, p *Plan, n int, w window) error {
	if n == 0 {
		return nil
	}
	count, percent := w.limit.numbers()
	e.guard.mu.Lock()
	recent := n + w.tally.within(e.now().Add(-guardWindow))
	e.guard.mu.Unlock()
	if recent <= count || percent >= 100 {
		return nil
	}
	there, err := w.total(ctx)
	if err != nil {
		return err
	}
	total := there + recent - n // those there were when the window began
	if !w.limit.exceeded(recent, total) {
		return nil
	}
	return e.refusal(p, w.what, w.setting, w.limit, recent, total)
}

// countGroups counts the connection's SCIM groups.
func (e *Engine) countGroups(ctx context.Context) (int, error) {
	b, err := e.ledger.Book(ctx)
	if err != nil {
		return 0, err
	}
	return len(b.all()), nil
}

func (e *Engine) refusal(p *Plan, what, setting string, l Limit, n, total int) error {
	count, percent := l.numbers()
	return &GuardError{
		What: what, Count: n, Total: total, LimitCount: count, LimitPercent: percent,
		Setting: setting, Fingerprint: p.Fingerprint(), Plan: p,
	}
}

// countActive counts the active users that the connection owns.
func (e *Engine) countActive(ctx context.Context) (int, error) {
	return e.countUsers(ctx, crowd.And(crowd.Equals(attrOwner, e.connection), crowd.IsActive(true)))
}

// note counts what was applied.
func (g *guard) note(s Step, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch s.Op {
	case OpRevoke, OpRemoveMember:
		t := g.removals[s.from()]
		if t == nil {
			t = new(tally)
			g.removals[s.from()] = t
		}
		t.add(now, 1)
	case OpDeactivateUser:
		g.deactivations.add(now, 1)
	case OpDeleteGroup:
		g.deletions.add(now, 1)
	}
}
