package groupsync

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A grantChange is what a request says of one user and one SCIM group.
type grantChange struct {
	groupID string
	granted bool
}

// with returns the holdings after changes.
func (h Holdings) with(changes []grantChange) Holdings {
	grants := slices.Clone(h.Grants)
	for _, c := range changes {
		grants = slices.DeleteFunc(grants, func(id string) bool { return id == c.groupID })
		if c.granted {
			grants = append(grants, c.groupID)
		}
	}
	slices.Sort(grants)
	return Holdings{Grants: grants, origins: h.origins}
}

// An edges is the work on one user's memberships: write what is said, change
// the memberships, look again, and repeat while the two differ.
type edges struct {
	e       *Engine
	user    *User
	book    *Book
	changes []grantChange
	targets []mapping.Target
	last    map[string]mapping.Action // by folded target: what Crowd was brought to
	at      time.Time
	request string
	changed map[string]mapping.Target // by folded name: what was changed in Crowd, as last says
	wrote   bool                      // anything at all
	lookup  bool                      // look at the book again, too
	asked   bool                      // the memberships differ from what is wanted: no need to ask
	unsure  bool                      // something was met that only a look clears up
	epoch   int64

	collecting bool     // changes of memberships are left to a queue
	collected  []queued // those

	extra    crowd.Attributes            // to write with the first record
	recorded func(context.Context) error // called after that, before memberships change

	fresh   map[string]bool    // folded targets that were just created, and are empty
	members map[string]crowdOf // of folded targets, as read before the user
	leave   map[string]bool    // folded targets that are about to be deleted: no removals
}

// newEdges returns the work on the memberships of a user in targets. The user and
// the book were read just before.
func (e *Engine) newEdges(ctx context.Context, b *Book, u *User, targets []mapping.Target) *edges {
	w := &edges{
		e: e, user: u, book: b, targets: onceEach(targets),
		at: e.now().UTC(), request: requestID(ctx), epoch: e.locks.epoch.Load(),
	}
	if e.cfg.Replicas == OneReplica {
		w.epoch = b.epoch
	}
	return w
}

// run does the work. Where nothing was written there is nothing to look at again.
func (w *edges) run(ctx context.Context) error {
	if w.e.alone(ctx) {
		return w.runAlone(ctx)
	}
	if err := w.begin(ctx); err != nil || !w.wrote {
		return err
	}
	return w.settle(ctx)
}

// changeGrants records what is said of a user's grants and makes the memberships
// follow.
func (e *Engine) changeGrants(ctx context.Context, b *Book, u *User, changes []grantChange) error {
	return e.edgesOfChange(ctx, b, u, changes).run(ctx)
}

// edgesOfChange returns the work that changes of a user's grants ask for.
func (e *Engine) edgesOfChange(ctx context.Context, b *Book, u *User, changes []grantChange) *edges {
	w := e.newEdges(ctx, b, u, e.touched(b, u, changes))
	w.changes = changes
	w.lookup = e.mustLookAtBook(b, changes)
	return w
}

// rederiveNow is rederive for a user who is to be read again first; one whom Crowd
// has no more has no memberships.
func (e *Engine) rederiveNow(ctx context.Context, b *Book, key string, targets ...mapping.Target) error {
	u, err := e.byKey(ctx, key)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return e.rederive(ctx, b, u, targets...)
}

// rederive brings a user's memberships in targets to what is recorded.
func (e *Engine) rederive(ctx context.Context, b *Book, u *User, targets ...mapping.Target) error {
	return e.newEdges(ctx, b, u, targets).run(ctx)
}

// begin writes what is said and makes the first change.
func (w *edges) begin(ctx context.Context) error {
	var facts []UserFact
	w.last = map[string]mapping.Action{}
	if len(w.changes) > 0 && !w.grants() {
		// A rename of the group may be at work that has not yet moved the user, who
		// is then found among the holders no more.
		w.targets = onceEach(append(w.targets, w.e.made(w.user)...))
	}
	for _, t := range w.targets {
		action, _ := w.e.derive(w.book, w.user, w.user.holdings.with(w.changes), t)
		origin, err := w.origin(ctx, t, action)
		if err != nil {
			return err
		}
		if origin != Unknown {
			facts = append(facts, w.fact(UserFact{Target: t.Group, Origin: origin}))
		}
	}
	for _, c := range w.changes {
		if w.user.holdings.Granted(c.groupID) != c.granted {
			facts = append(facts, w.fact(UserFact{GroupID: c.groupID, Granted: c.granted}))
		}
	}
	if err := w.record(ctx, facts); err != nil {
		return err
	}
	if w.recorded != nil {
		if err := w.recorded(ctx); err != nil {
			return err
		}
	}
	after := w.user.holdings.with(w.changes)
	said := !slices.Equal(after.Grants, w.user.Grants)
	for _, t := range w.targets {
		before, _ := w.e.derive(w.book, w.user, w.user.holdings, t)
		action, _ := w.e.derive(w.book, w.user, after, t)
		if before == mapping.Add && action == mapping.Add && said && !w.grants() {
			// Another grant holds the membership, unless its SCIM group is just being
			// renamed or deleted by somebody who still saw this one.
			w.lookup = w.lookup || hasTarget(w.e.targetsOfAll(w.book, w.changes), t.Group)
			w.last[crowd.Fold(t.Group)] = action
			continue
		}
		if err := w.bring(ctx, t, action, !said && !w.asked); err != nil {
			return err
		}
	}
	return nil
}

// grants reports whether any of the changes grants.
func (w *edges) grants() bool {
	return slices.ContainsFunc(w.changes, func(c grantChange) bool { return c.granted })
}

func (w *edges) fact(f UserFact) UserFact {
	f.At, f.Request = w.at, w.request
	return f
}

// origin returns what is to be recorded of a membership's origin before it is
// changed, Unknown for nothing. A membership is read before the attributes that
// judge it.
func (w *edges) origin(ctx context.Context, t mapping.Target, action mapping.Action) (Origin, error) {
	known := provenance(w.book, w.user.holdings, t.Group)
	switch action {
	case mapping.Add:
		switch {
		case known == mapping.Made || known == mapping.Found && !w.mayBeGone(t):
			return Unknown, nil
		case known == mapping.LeftOpen || !t.KeepExisting:
			return Made, nil
		}
		return w.judge(ctx, t)
	case mapping.Remove:
		if known == mapping.LeftOpen {
			return Unknown, nil
		}
		return Left, nil
	}
	return Unknown, nil
}

// mayBeGone reports whether a membership that was found there by hand must be
// looked for again before it is made: an administrator may have ended it while
// nobody asked for it, or it is made because it was missed. It is ours then.
func (w *edges) mayBeGone(t mapping.Target) bool {
	if w.last[crowd.Fold(t.Group)] != mapping.Leave || !t.KeepExisting {
		return false // made this moment, or by hand does not count
	}
	before, _ := w.e.derive(w.book, w.user, w.user.holdings, t)
	return before != mapping.Add || slices.Equal(w.user.holdings.with(w.changes).Grants, w.user.Grants)
}

// judge finds out whether the membership is there by hand.
func (w *edges) judge(ctx context.Context, t mapping.Target) (Origin, error) {
	if w.fresh[crowd.Fold(t.Group)] || w.asked {
		return Made, nil
	}
	member, err := w.member(ctx, t)
	if err != nil {
		return Unknown, err
	}
	if !member {
		return Made, nil
	}
	if err := w.reread(ctx); err != nil {
		return Unknown, err
	}
	switch provenance(w.book, w.user.holdings, t.Group) {
	case mapping.Absent, mapping.LeftClosed:
		return Found, nil
	case mapping.LeftOpen:
		return Made, nil
	default:
		return Unknown, nil // someone else has just recorded it
	}
}

// member reports whether the user is in a target.
func (w *edges) member(ctx context.Context, t mapping.Target) (bool, error) {
	if members, known := w.members[crowd.Fold(t.Group)]; known {
		return members[crowd.Fold(w.user.Crowd.Name)], nil
	}
	return w.e.crowd.IsMember(ctx, t.Group, w.user.Crowd.Name, false)
}

// record writes facts, those about origins first.
func (w *edges) record(ctx context.Context, facts []UserFact) error {
	extra := w.extra
	w.extra = nil
	if len(facts)+len(extra) == 0 {
		return nil
	}
	w.wrote = true
	if w.e.cfg.SplitWrites {
		origins := slices.DeleteFunc(slices.Clone(facts), func(f UserFact) bool { return f.GroupID != "" })
		grants := slices.DeleteFunc(facts, func(f UserFact) bool { return f.GroupID == "" })
		if len(origins) > 0 && len(grants) > 0 {
			if err := w.e.ledger.RecordUser(ctx, &w.user.Crowd, origins, nil); err != nil {
				return err
			}
			facts = grants
		} else {
			facts = append(origins, grants...)
		}
	}
	return w.e.ledger.RecordUser(ctx, &w.user.Crowd, facts, extra)
}

// bring makes a membership what was decided. Where nothing new was said it asks
// first, so that what is already so costs no write.
func (w *edges) bring(ctx context.Context, t mapping.Target, action mapping.Action, ask bool) error {
	w.last[crowd.Fold(t.Group)] = action
	if action == mapping.Leave || action == mapping.Remove && w.leave[crowd.Fold(t.Group)] {
		return nil
	}
	if ask && !w.fresh[crowd.Fold(t.Group)] {
		member, err := w.member(ctx, t)
		if err != nil || member == (action == mapping.Add) {
			return err
		}
	}
	w.wrote = true
	if w.collecting {
		w.collected = append(w.collected, queued{w, t})
		return nil
	}
	return w.change(ctx, t, action)
}

// change adds or removes a membership.
func (w *edges) change(ctx context.Context, t mapping.Target, action mapping.Action) error {
	change := w.e.crowd.RemoveMember
	if action == mapping.Add {
		change = w.e.crowd.AddMember
	}
	changed, err := change(ctx, t.Group, w.user.Crowd.Name)
	if changed && err == nil {
		w.done(ctx, t, action)
	}
	switch {
	case errors.Is(err, crowd.ErrUserNotFound):
		delete(w.last, crowd.Fold(t.Group)) // renamed or deleted since: the next look tells
		return nil
	case errors.Is(err, crowd.ErrGroupNotFound):
		return w.missing(ctx, t, action)
	}
	return err
}

// done notes that a membership was changed.
func (w *edges) done(ctx context.Context, t mapping.Target, action mapping.Action) {
	if w.changed == nil {
		w.changed = map[string]mapping.Target{}
	}
	w.changed[crowd.Fold(t.Group)] = t
	op := OpRemoveMember
	if action == mapping.Add {
		op = OpAddMember
	}
	w.tell(ctx, op, t)
}

// tell reports a membership that has changed, and why.
func (w *edges) tell(ctx context.Context, op Op, t mapping.Target) {
	_, reasons := w.e.derive(w.book, w.user, w.user.holdings.with(w.changes), t)
	w.e.report(ctx, EventMembership, Step{
		Op: op, User: w.user.Crowd.Name, UserID: w.user.ID, Group: t.Group, Reasons: reasons,
	}, "")
}

// missing deals with a target that does not exist.
func (w *edges) missing(ctx context.Context, t mapping.Target, action mapping.Action) error {
	w.lookup, w.unsure = true, true // the SCIM group may have been renamed or deleted
	if action == mapping.Remove {
		return nil
	}
	delete(w.last, crowd.Fold(t.Group))
	book, err := w.e.book(ctx, "", t.Group)
	if err != nil {
		return err
	}
	w.book = book
	for _, id := range w.user.holdings.with(w.changes).Grants {
		for _, own := range w.e.targets(book, id) {
			if own.Create && crowd.Fold(own.Group) == crowd.Fold(t.Group) {
				return w.e.ensureCrowdGroup(ctx, book, id, own)
			}
		}
	}
	if still, _ := w.e.derive(book, w.user, w.user.holdings.with(w.changes), t); still == action || len(w.changes) == 0 {
		w.last[crowd.Fold(t.Group)] = action
		w.e.report(ctx, EventMissingTarget, Step{Op: OpAddMember, User: w.user.Crowd.Name, Group: t.Group},
			"the Crowd group does not exist. Create it, or change the mapping")
	}
	return nil
}

// settle looks again, and changes memberships, until what is recorded and what
// was last done agree.
func (w *edges) settle(ctx context.Context) error {
	w.members, w.asked = nil, false // out of date by now
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.look(ctx); err != nil {
			if errors.Is(err, crowd.ErrUserNotFound) {
				return nil // the user is gone, and its memberships with it
			}
			return err
		}
		if err := w.stillThere(ctx); err != nil {
			return err
		}
		done := true
		for _, t := range w.targets {
			action, _ := w.e.derive(w.book, w.user, w.user.holdings, t)
			if last, known := w.last[crowd.Fold(t.Group)]; known && last == action {
				continue
			}
			done = false
			if err := w.correct(ctx, t, action); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
	}
}

// reread reads the user again.
func (w *edges) reread(ctx context.Context) error {
	u, err := w.e.byKey(ctx, w.user.Crowd.Key)
	if err == nil {
		w.user = u
	}
	return err
}

// look reads the user again, and the book where that matters.
func (w *edges) look(ctx context.Context) error {
	name := w.user.Crowd.Name
	book := w.book
	if !w.lookup && w.epoch == w.e.locks.epoch.Load() {
		if err := w.reread(ctx); err != nil {
			return err
		}
	} else if err := both(ctx, w.reread, func(ctx context.Context) (err error) {
		book, err = w.e.books(ctx)
		return err
	}); err != nil {
		return err
	}
	w.book = book
	w.targets = onceEach(append(w.targets, w.e.targetsOfAll(book, w.changes)...))
	if crowd.Fold(w.user.Crowd.Name) != crowd.Fold(name) {
		return w.renamed(ctx, name)
	}
	return nil
}

// renamed starts again for a user whose name changed meanwhile: what was
// written under the old name may have hit another person, or nobody.
func (w *edges) renamed(ctx context.Context, old string) error {
	other, err := w.e.crowd.User(ctx, old)
	if err == nil && other.Key != w.user.Crowd.Key {
		if err := w.takeBack(ctx, other); err != nil {
			return err
		}
	} else if err != nil && !errors.Is(err, crowd.ErrUserNotFound) {
		return err
	}
	var facts []UserFact
	for _, c := range w.changes {
		if w.user.holdings.Granted(c.groupID) != c.granted {
			facts = append(facts, w.fact(UserFact{GroupID: c.groupID, Granted: c.granted}))
		}
	}
	w.last = map[string]mapping.Action{}
	if len(facts) == 0 {
		return nil
	}
	if err := w.record(ctx, facts); err != nil {
		return err
	}
	return w.reread(ctx)
}

// takeBack undoes what hit another person, who has taken the user's old name:
// grants of this very request, and changes of memberships.
func (w *edges) takeBack(ctx context.Context, other *crowd.User) error {
	v, err := w.e.view(ctx, other)
	if err != nil {
		return err
	}
	var back []grantChange
	for _, c := range w.changes {
		f, held := v.holdings.Grant(c.groupID)
		if c.granted && held && f.At.Equal(w.at) && f.Request == w.request {
			back = append(back, grantChange{c.groupID, false})
		}
	}
	if len(back) > 0 {
		if err := w.e.changeGrants(ctx, w.book, v, back); err != nil {
			return err
		}
		if v, err = w.e.byKey(ctx, other.Key); err != nil {
			return err
		}
	}
	for _, f := range slices.Sorted(maps.Keys(w.changed)) {
		if err := w.giveBack(ctx, v, w.changed[f], w.last[f]); err != nil {
			return err
		}
	}
	w.changed = nil
	return nil
}

// giveBack undoes a change of a membership that hit another person, unless it is
// right for that person too.
func (w *edges) giveBack(ctx context.Context, other *User, t mapping.Target, done mapping.Action) error {
	if action, _ := w.e.derive(w.book, other, other.holdings, t); action == done {
		return nil
	}
	change := w.e.crowd.AddMember
	if done == mapping.Add {
		change = w.e.crowd.RemoveMember
	}
	_, err := change(ctx, t.Group, other.Crowd.Name)
	if errors.Is(err, crowd.ErrUserNotFound) || errors.Is(err, crowd.ErrGroupNotFound) {
		return nil
	}
	return err
}

// stillThere takes a grant back whose SCIM group, or user, was deleted meanwhile.
func (w *edges) stillThere(ctx context.Context) error {
	dead := slices.DeleteFunc(slices.Clone(w.changes), func(c grantChange) bool {
		return !c.granted || w.book.live(c.groupID) != nil && !w.user.gone
	})
	if len(dead) == 0 {
		return nil
	}
	reason := ErrNoGroup
	if w.user.gone {
		reason = ErrNoUser
	}
	var facts []UserFact
	for _, c := range dead {
		facts = append(facts, w.fact(UserFact{GroupID: c.groupID}))
	}
	if err := w.record(ctx, facts); err != nil {
		return err
	}
	w.changes = slices.DeleteFunc(w.changes, func(c grantChange) bool { return slices.Contains(dead, c) })
	if err := w.settle(ctx); err != nil {
		return err
	}
	return reason
}

// correct changes a membership in the second look, its origin recorded before.
func (w *edges) correct(ctx context.Context, t mapping.Target, action mapping.Action) error {
	origin, err := w.origin(ctx, t, action)
	if err != nil {
		return err
	}
	if origin != Unknown {
		if err := w.record(ctx, []UserFact{w.fact(UserFact{Target: t.Group, Origin: origin})}); err != nil {
			return err
		}
	}
	return w.bring(ctx, t, action, false)
}

// both calls f and g at the same time.
func both(ctx context.Context, f, g func(context.Context) error) error {
	var p panics
	done := make(chan error, 1)
	go func() { done <- p.catch(func() error { return g(ctx) }) }()
	err := p.catch(func() error { return f(ctx) })
	if err2 := <-done; err == nil {
		err = err2
	}
	p.raise()
	return err
}
