package groupsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A GroupChange says what changes of a SCIM group. Nil and empty fields leave
// things as they are.
type GroupChange struct {
	Name, ExternalID *string
	// Members are applied in order.
	Members []MemberChange
}

// A MemberChange adds, removes or replaces members.
type MemberChange struct {
	Op MemberOp
	// IDs are SCIM ids of users. ReplaceMembers with none empties the group;
	// the other two then do nothing.
	IDs []string
}

// A MemberOp is what a [MemberChange] does.
type MemberOp int

// The changes of members.
const (
	AddMembers MemberOp = iota
	RemoveMembers
	ReplaceMembers
)

// ChangeGroup changes a SCIM group's name, externalId and members, in this
// order. The error matches [ErrNoGroup] if there is no such group, is a
// *[ConflictError] if another has the name, and a *[GuardError] if too many
// members would go.
func (e *Engine) ChangeGroup(ctx context.Context, id string, c GroupChange) (*Group, error) {
	b, g, err := e.findForChange(ctx, id, c)
	if err != nil {
		return nil, err
	}
	if e.repeatsMove(b, g, c) {
		if err := e.catchUp(ctx, b, g); err != nil {
			return nil, err
		}
	}
	if c.Name != nil && *c.Name != g.Name {
		if g, b, err = e.rename(ctx, b, g, *c.Name); err != nil {
			return nil, err
		}
	}
	if c.ExternalID != nil && *c.ExternalID != g.ExternalID {
		if b, err = e.setExternalID(ctx, b, g, *c.ExternalID); err != nil {
			return nil, err
		}
	}
	return g, e.changeMembers(ctx, b, g, c.Members)
}

// findForChange finds the group, and adopts it if it is a bare Crowd group and
// anything is to change.
func (e *Engine) findForChange(ctx context.Context, id string, c GroupChange) (*Book, *Group, error) {
	var more []string
	if c.Name != nil {
		if err := crowd.ValidateName(*c.Name); err != nil {
			return nil, nil, e.checkGroupName(*c.Name)
		}
		more = e.crowdNamesOf(id, []string{*c.Name})
	}
	b, g, err := e.find(ctx, id, more...)
	if err != nil {
		return nil, nil, err
	}
	if g.Adopted {
		return e.finish(ctx, b, g)
	}
	if (c.Name == nil || *c.Name == g.Name) && c.ExternalID == nil && len(c.Members) == 0 {
		return b, g, nil
	}
	if b, err = e.adopt(ctx, b, g); err != nil {
		return nil, nil, err
	}
	n := b.live(id)
	if n == nil {
		return nil, nil, ErrNoGroup
	}
	return b, e.show(b, n), nil
}

// finish ends a change that a fault cut short, such as half of a rename.
func (e *Engine) finish(ctx context.Context, b *Book, g *Group) (*Book, *Group, error) {
	if e.cfg.DryRun || !e.unfinished(b, g.ID) {
		return b, g, nil
	}
	if err := e.deriveNames(ctx, g.ID, g.Name); err != nil {
		return nil, nil, err
	}
	b, err := e.book(ctx, g.ID)
	if err != nil {
		return nil, nil, err
	}
	n := b.live(g.ID)
	if n == nil {
		return nil, nil, ErrNoGroup
	}
	return b, e.show(b, n), nil
}

// setExternalID records a group's externalId. Rules may go by it, so that the group
// fills other Crowd groups from then on.
func (e *Engine) setExternalID(ctx context.Context, b *Book, g *Group, externalID string) (*Book, error) {
	at := e.now().UTC()
	p := &Plan{Title: fmt.Sprintf("change the group %q", g.Name)}
	p.add(Step{
		Op: OpUpdateGroup, Group: g.Name, GroupID: g.ID,
		Changes: []Change{{"externalId", g.ExternalID, externalID}},
		Why:     "the identity provider changed it",
		run: func(ctx context.Context) (err error) {
			b, err = e.moveExternalID(ctx, b, g, externalID, at)
			return err
		},
	})
	if err := e.apply(ctx, p); err != nil {
		return nil, unwrapStep(err)
	}
	g.ExternalID = externalID
	g.Modified = at
	return b, nil
}

func (e *Engine) moveExternalID(ctx context.Context, b *Book, g *Group, externalID string, at time.Time) (*Book, error) {
	old := e.targets(b, g.ID)
	fact := GroupFact{Kind: Externalised, ID: g.ID, ExternalID: externalID, At: at, Request: requestID(ctx)}
	if err := e.recordGroup(ctx, b, fact); err != nil {
		return nil, err
	}
	b.Add(fact)
	m := move{e: e, id: g.ID, book: b, now: e.targets(b, g.ID)}
	if sameTargets(old, m.now) {
		return b, nil
	}
	e.beginMove(b)
	m.left = given(old, m.now)
	if err := e.readLeft(ctx, b, slices.Concat(m.now, m.left)); err != nil {
		return nil, err
	}
	for _, t := range m.now {
		if err := e.deriveFilled(ctx, b, g.ID, t); err != nil {
			return nil, err
		}
	}
	return m.settle(ctx, g.Name)
}

// changeMembers applies member changes: those after the last replacement as one
// change, those before it not at all.
func (e *Engine) changeMembers(ctx context.Context, b *Book, g *Group, changes []MemberChange) error {
	replace := false
	want := map[string]bool{} // by user id: in or out
	var order []string
	for _, c := range changes {
		if c.Op == ReplaceMembers {
			replace, want, order = true, map[string]bool{}, nil
		}
		for _, id := range c.IDs {
			if _, met := want[id]; !met {
				order = append(order, id)
			}
			want[id] = c.Op != RemoveMembers
		}
	}
	b, err := e.changeNests(ctx, b, g, want, replace)
	if err != nil {
		return err
	}
	order = slices.DeleteFunc(order, isGroupID)
	direct := e.direct(b, g.ID) != nil
	if replace {
		order = slices.DeleteFunc(order, func(id string) bool { return !want[id] })
		if direct {
			return e.replaceDirect(ctx, b, g, order)
		}
		return e.replaceMembers(ctx, b, g, order)
	}
	if direct && len(order) > 0 {
		return e.patchDirect(ctx, b, g, order, want)
	}
	return e.patchMembers(ctx, b, g, order, want)
}

// isGroupID reports whether an id is a group's; users' ids never look so.
func isGroupID(id string) bool {
	_, _, group := nameInID(id)
	return group
}

// patchMembers adds and removes single members.
func (e *Engine) patchMembers(ctx context.Context, b *Book, g *Group, order []string, want map[string]bool) error {
	if len(order) == 0 {
		return nil
	}
	var k *bulk
	step := func(u *User) Step { return e.grantStep(b, g, u, want[u.ID]) }
	if len(order) > bulkMin {
		var err error
		if k, err = e.newBulk(ctx, b, g.ID); err != nil {
			return err
		}
		k.together, k.about = true, len(order)
		step = func(u *User) Step { return k.step(g, u, want[u.ID]) }
	}
	users, err := e.people(ctx, g, order, 0, func(id string) bool { return want[id] })
	if err != nil {
		return err
	}
	p := &Plan{Title: fmt.Sprintf("change the members of %q", g.Name), members: e.countHolders(g.ID)}
	for _, u := range users {
		p.add(step(u))
	}
	if err := e.planSweeps(ctx, p, b, users, func(u *User) []grantChange { return []grantChange{{g.ID, want[u.ID]}} }); err != nil {
		return err
	}
	return e.applyMany(ctx, p, k)
}

// people reads the users of the ids. Those that Crowd does not have are passed
// over or refused, by setting, where they are to be added.
func (e *Engine) people(ctx context.Context, g *Group, ids []string, about int, added func(id string) bool) ([]*User, error) {
	users, err := e.lookUp(ctx, ids, about)
	if err != nil {
		return nil, err
	}
	for i, u := range users {
		if u == nil && added(ids[i]) {
			if err := e.unknownMember(ctx, g, ids[i]); err != nil {
				return nil, err
			}
		}
	}
	return slices.DeleteFunc(users, func(u *User) bool { return u == nil }), nil
}

// lookUp reads the users of the ids, nil for those there are not: one by one, or
// by pages of the directory where that is fewer calls. About is how many users there
// may be in all, as far as known.
func (e *Engine) lookUp(ctx context.Context, ids []string, about int) ([]*User, error) {
	pages, err := len(ids) > bulkMin, error(nil)
	if !pages {
		pages, err = e.pagesAreFewer(ctx, len(ids))
	}
	if err != nil {
		return nil, err
	}
	if pages {
		return e.many(ctx, ids, about)
	}
	users := make([]*User, len(ids))
	err = e.each(ctx, len(ids), func(ctx context.Context, i int) error {
		u, err := e.User(ctx, ids[i])
		if errors.Is(err, ErrNoUser) {
			return nil
		}
		users[i] = u
		return err
	})
	return users, err
}

func (e *Engine) unknownMember(ctx context.Context, g *Group, id string) error {
	if e.cfg.RejectUnknownMembers {
		return &RefusedError{
			Attribute: "members", Problem: fmt.Sprintf("there is no user with id %q", id),
			Remedy: "Assign the user to the application before its groups are pushed",
		}
	}
	e.report(ctx, EventUnknownMember, Step{Op: OpGrant, UserID: id, Group: g.Name, GroupID: g.ID},
		"Crowd has no such user. Assign the user to the application, then push the group again")
	return nil
}

// grantStep returns the step that grants or revokes. Where it was so already, it tells
// so, lest that be taken back with what was not.
func (e *Engine) grantStep(b *Book, g *Group, u *User, granted bool) Step {
	s := e.memberStep(g, u, granted, func(ctx context.Context) error {
		return e.changeGrants(ctx, b, u, []grantChange{{g.ID, granted}})
	})
	if u.holdings.Granted(g.ID) == granted {
		again := word(UserFact{Granted: granted}, true)
		s.Changes = []Change{{"grant", again, again}}
	}
	return s
}

func (e *Engine) memberStep(g *Group, u *User, granted bool, run func(context.Context) error) Step {
	op, verb := OpRevoke, "took the user out of"
	if granted {
		op, verb = OpGrant, "put the user into"
	}
	return Step{
		Op: op, User: u.Crowd.Name, UserID: u.ID, Group: g.Name, GroupID: g.ID,
		Why: "the identity provider " + verb + " the group",
		run: func(ctx context.Context) error {
			err := run(ctx)
			if errors.Is(err, ErrNoUser) { // deleted meanwhile
				return e.unknownMember(ctx, g, u.ID)
			}
			return err
		},
	}
}

// holders returns the users who hold a grant of a SCIM group.
func (e *Engine) holders(ctx context.Context, id string) ([]*User, error) {
	var all []*User
	asOf := e.locks.clock.Load()
	for u, err := range e.ledger.Holders(ctx, id, 0) {
		if err != nil {
			return nil, err
		}
		v, err := e.view(ctx, u)
		if err != nil {
			return nil, err
		}
		v.asOf = asOf
		if !v.gone {
			all = append(all, v)
		}
	}
	return all, nil
}

func (e *Engine) countHolders(id string) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		n := 0
		for _, err := range e.ledger.Holders(ctx, id, 0) {
			if err != nil {
				return 0, err
			}
			n++
		}
		return n, nil
	}
}
