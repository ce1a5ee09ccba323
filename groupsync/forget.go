package groupsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// ForgetOptions say what becomes of what a connection has made in Crowd.
type ForgetOptions struct {
	// Revoke takes away the memberships that the connection made, and deletes the
	// Crowd groups it made once nobody else is in them. By default both stay, as if
	// they had been made by hand.
	Revoke bool
}

// PlanForget returns what takes everything that is kept for the connection out of
// Crowd: its records of users and SCIM groups, its marks on Crowd groups, its
// registry. It changes nothing. Users stay in Crowd as they are.
//
// Nothing may serve the connection from before the plan is made until it was
// applied: forgetting deletes records, which is safe only where nobody writes any.
// Grants of the neighbours count as ever, and a removal that a fault has left
// unfinished is finished.
func (e *Engine) PlanForget(ctx context.Context, o ForgetOptions) (*Plan, error) {
	v, err := e.survey(ctx, true, nil)
	if err != nil {
		return nil, err
	}
	f := &forgetting{survey: v, revoke: o.Revoke, plan: &Plan{Title: fmt.Sprintf("forget the connection %q", e.connection)}}
	f.groups()
	if err := e.walk(ctx, func(u *User) error { f.user(u); return nil }); err != nil {
		return nil, err
	}
	if v.book.crowdGroup(e.names.registry) != nil {
		f.plan.add(Step{Op: OpForgetConnection, Group: e.names.registry, Why: f.why()})
	}
	f.plan.sort(forgetOrder)
	f.plan.members = e.membersOfBoth(f.plan)
	return f.plan, nil
}

// ApplyForget applies a plan of [Engine.PlanForget], also one that was kept as JSON in
// between. A step that fails does not keep the others from being applied, but then the
// registry stays; planned and applied again, it arrives at the same end. The error is a
// *[GuardError] if too much would be taken away, and matches [ErrStalePlan] where
// something was granted meanwhile.
func (e *Engine) ApplyForget(ctx context.Context, p *Plan, o ReconcileOptions) (Result, error) {
	if p.members == nil {
		p.members = e.membersOfBoth(p)
	}
	return allOf(e.applyPlan(ctx, p, o, e.batcher(e.performForget)))
}

// forgetOrder is the order of the steps: memberships before the records that tell
// whose they are, and the registry, by which everything is found, last.
var forgetOrder = map[Op]int{
	OpRevoke: 1, OpRemoveMember: 2, OpDeleteGroup: 3, OpForgetUser: 4, OpReleaseUser: 4, OpReleaseGroup: 5, OpForgetConnection: 6,
}

// membersOfBoth counts the members of the SCIM groups, and of the Crowd groups, that a
// plan takes from.
func (e *Engine) membersOfBoth(p *Plan) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		held, err := e.membersOfHeld(p)(ctx)
		if err != nil {
			return 0, err
		}
		n, err := e.membersOfGroups(p)(ctx)
		return held + n, err
	}
}

// batcher returns what applies steps one by one with a book for all of them.
func (e *Engine) batcher(perform func(ctx context.Context, b *Book, s Step) error) batcher {
	return func(ctx context.Context, batch []Step) ([]error, error) {
		b, err := e.books(ctx)
		if err != nil {
			return nil, err
		}
		outcomes := make([]error, len(batch))
		each := e.each
		if batch[0].User == "" {
			each = inOrder
		}
		_ = each(ctx, len(batch), func(ctx context.Context, i int) error {
			s := batch[i]
			s.run = func(ctx context.Context) error { return perform(ctx, b, s) }
			outcomes[i] = e.step(ctx, s)
			return ctx.Err()
		})
		return outcomes, nil
	}
}

type forgetting struct {
	*survey
	plan   *Plan
	revoke bool
}

func (f *forgetting) why() string {
	if f.revoke {
		return "the connection is forgotten, its memberships revoked"
	}
	return "the connection is forgotten, its memberships kept"
}

func (f *forgetting) groups() {
	for _, n := range f.book.all() {
		if f.revoke {
			f.plan.add(Step{Op: OpDeleteGroup, Group: n.name, GroupID: n.id, Why: f.why()})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.book.Crowd)) {
		g := f.book.Crowd[name]
		if !f.e.bears(g) {
			continue
		}
		s := Step{Op: OpReleaseGroup, Group: g.Name, Why: f.why()}
		if f.revoke {
			s.GroupID = f.e.idOf(f.book, g)
		}
		f.plan.add(s)
	}
}

// bears reports whether a Crowd group bears anything of the connection's.
func (e *Engine) bears(g *crowd.Group) bool {
	return e.markIn(g.Description) != "" || len(g.Attributes[e.names.id]) > 0 || len(g.Attributes[e.names.orphan]) > 0
}

func (f *forgetting) user(u *User) {
	if len(f.e.kept(u)) == 0 && u.Owner != f.e.connection {
		return
	}
	s := Step{Op: OpReleaseUser, User: u.Crowd.Name, UserID: u.ID, Why: f.why()}
	if f.revoke {
		s.Op = OpForgetUser
		f.revocations(u)
	} else {
		for _, t := range f.e.leftBehind(f.book, u) {
			s.Changes = append(s.Changes, Change{Field: "membership " + t.Group, Before: "granted", After: "by hand"})
		}
	}
	f.plan.add(s)
}

// revocations plans to take away a user's grants, and the memberships that it has as
// a user of the connection.
func (f *forgetting) revocations(u *User) {
	in := f.roster.of(u.Crowd.Name)
	var filled []mapping.Target
	for _, g := range f.grants(u, in) {
		n := f.book.live(g.Group)
		filled = append(filled, f.e.targets(f.book, n.id)...)
		f.plan.add(Step{Op: OpRevoke, User: u.Crowd.Name, UserID: u.ID, Group: n.name, GroupID: n.id, Why: f.why()})
	}
	for _, t := range f.e.ours(u) {
		granted := hasTarget(filled, t.Group) && !f.e.isDefault(u, t.Group) // goes with the grants
		if containsFolded(in, t.Group) && !granted && f.e.parted(f.book, u, t) == mapping.Remove {
			f.plan.add(Step{Op: OpRemoveMember, User: u.Crowd.Name, UserID: u.ID, Group: t.Group, Why: f.why()})
		}
	}
}

// leftBehind returns the Crowd groups that the connection put a user into and that
// nobody else asks for.
func (e *Engine) leftBehind(b *Book, u *User) []mapping.Target {
	return slices.DeleteFunc(e.made(u), func(t mapping.Target) bool { return e.parted(b, u, t) == mapping.Add })
}

// parted says what is to be done about a membership once the connection says nothing
// of it any more.
func (e *Engine) parted(b *Book, u *User, t mapping.Target) mapping.Action {
	v := e.unowned(u)
	v.holdings.Grants = nil
	action, _ := e.derive(b, v, v.holdings, t)
	return action
}

// unowned returns a user as it is once the connection does not own it.
func (e *Engine) unowned(u *User) *User {
	v := *u
	if v.Owner == e.connection {
		v.Owner = ""
	}
	return &v
}

// kept returns the names of the attributes that keep anything of a user for the
// connection. Origins of memberships are every connection's of the directory: they
// go only with the last. They come first, so that whoever begins anew finds the user
// by the others.
func (e *Engine) kept(u *User) []string {
	var origins, own []string
	for _, name := range slices.Sorted(maps.Keys(u.Crowd.Attributes)) {
		switch {
		case strings.HasPrefix(name, attrOrigin) && len(e.neighbours) == 0:
			origins = append(origins, name)
		case strings.HasPrefix(name, "scim."+e.connection+"."):
			own = append(own, name)
		}
	}
	return append(origins, own...)
}

func (e *Engine) performForget(ctx context.Context, b *Book, s Step) error {
	switch s.Op {
	case OpRevoke, OpRemoveMember, OpForgetUser, OpReleaseUser:
		u, err := e.stepUser(ctx, s)
		if errors.Is(err, errStale) {
			return nil // the user is gone, and all that was kept of it
		}
		if err != nil {
			return err
		}
		return e.forgetOf(ctx, b, u, s)
	case OpDeleteGroup:
		return e.redoDelete(ctx, s)
	case OpReleaseGroup:
		if err := e.giveUp(ctx, s.GroupID); err != nil {
			return err
		}
		return e.forgetCrowdGroup(ctx, s.Group)
	case OpForgetConnection:
		return e.forgetRegistry(ctx)
	}
	return fmt.Errorf("groupsync: forgetting does not %q. Make a new plan", s.Op)
}

// forgetOf applies a step on a user.
func (e *Engine) forgetOf(ctx context.Context, b *Book, u *User, s Step) error {
	switch s.Op {
	case OpRevoke:
		if e.direct(b, s.GroupID) != nil {
			return e.changeDirect(ctx, b, s.GroupID, u, false)
		}
		return e.changeGrants(ctx, b, u, []grantChange{{s.GroupID, false}})
	case OpRemoveMember:
		return e.disown(ctx, b, u, e.bare(s.Group))
	case OpForgetUser:
		if slices.ContainsFunc(u.Grants, func(id string) bool { return b.live(id) != nil }) {
			return errStale // granted meanwhile: something serves the connection
		}
		if err := e.disown(ctx, b, u, e.ours(u)...); err != nil {
			return err
		}
	case OpReleaseUser:
		v, err := e.letStay(ctx, b, u)
		if err != nil || v == nil {
			return err
		}
		u = v
	}
	return e.blot(ctx, u)
}

// disown makes a user one that the connection does not own, and takes it out of those
// of its Crowd groups that it is in as a user of the connection, or should have left.
func (e *Engine) disown(ctx context.Context, b *Book, u *User, targets ...mapping.Target) error {
	if u.Owner == e.connection {
		if err := e.crowd.DeleteUserAttribute(ctx, u.Crowd.Name, attrOwner); err != nil {
			return err
		}
	}
	return e.rederive(ctx, b, e.unowned(u), targets...)
}

// letStay writes that the memberships which the connection made are there by hand, and
// that it grants nothing, in one request and until that is so. What is ours to remove
// is removed before. It returns the user as it then is, nil if it is gone.
func (e *Engine) letStay(ctx context.Context, b *Book, u *User) (*User, error) {
	for {
		if err := e.rederive(ctx, b, u, e.ours(u)...); err != nil {
			return nil, err
		}
		v, err := e.byKey(ctx, u.Crowd.Key)
		if errors.Is(err, crowd.ErrUserNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		facts := e.partingFacts(ctx, b, v)
		if len(facts) == 0 {
			return v, nil
		}
		if err := e.ledger.RecordUser(ctx, &v.Crowd, facts, nil); err != nil {
			return nil, err
		}
		u = v
	}
}

func (e *Engine) partingFacts(ctx context.Context, b *Book, u *User) []UserFact {
	var facts []UserFact
	for _, t := range e.leftBehind(b, u) {
		facts = append(facts, UserFact{Target: t.Group, Origin: Found})
	}
	for _, id := range u.Grants {
		facts = append(facts, UserFact{GroupID: id})
	}
	for i := range facts {
		facts[i].At, facts[i].Request = e.now().UTC(), requestID(ctx)
	}
	return facts
}

// blot deletes what is kept of a user, last whose it is.
func (e *Engine) blot(ctx context.Context, u *User) error {
	names := e.kept(u)
	if u.Owner == e.connection {
		names = append(names, attrOwner)
	}
	for _, name := range names {
		err := e.crowd.DeleteUserAttribute(ctx, u.Crowd.Name, name)
		if errors.Is(err, crowd.ErrUserNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// giveUp ends the deletion of a SCIM group, should a fault have cut it short: without
// the marks on it nothing tells that a Crowd group goes with it.
func (e *Engine) giveUp(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	b, err := e.book(ctx, id)
	if err != nil {
		return err
	}
	switch n := b.entry(id); {
	case n == nil || !n.issued:
		return nil
	case n.live():
		return errStale // its deletion has failed
	default:
		return e.finishDead(ctx, id, n.name, nil, true)
	}
}

// forgetCrowdGroup takes everything of the connection's off a Crowd group.
func (e *Engine) forgetCrowdGroup(ctx context.Context, name string) error {
	g, err := e.crowd.Group(ctx, name)
	if errors.Is(err, crowd.ErrGroupNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if e.markIn(g.Description) != "" {
		bare := *g
		bare.Description = ""
		if err := e.crowd.UpdateGroup(ctx, bare); err != nil && !errors.Is(err, crowd.ErrGroupNotFound) {
			return err
		}
	}
	for _, attribute := range []string{e.names.id, e.names.orphan} {
		if len(g.Attributes[attribute]) == 0 {
			continue
		}
		if err := e.crowd.DeleteGroupAttribute(ctx, g.Name, attribute); err != nil && !errors.Is(err, crowd.ErrGroupNotFound) {
			return err
		}
	}
	return nil
}

// forgetRegistry deletes the registry, unless anything is left that it would be needed
// to find.
func (e *Engine) forgetRegistry(ctx context.Context) error {
	for g, err := range e.crowd.Groups(ctx, crowd.Query{Detail: crowd.WithAttributes}) {
		if err != nil {
			return err
		}
		if e.bears(g) {
			return errStale
		}
	}
	err := e.walk(ctx, func(u *User) error {
		if len(e.kept(u)) > 0 || u.Owner == e.connection {
			return errStale
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = e.crowd.DeleteGroup(ctx, e.names.registry)
	if errors.Is(err, crowd.ErrGroupNotFound) {
		return nil
	}
	return err
}
