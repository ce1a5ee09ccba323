package groupsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// ApplyRestore applies a [Restoration] of [Engine.PlanRestore] or [Engine.PlanUndo].
// Each step is held against what is recorded first: one that is done already is
// looked after, should a fault have left it half done, and one whose subject has
// changed since it was planned is left out; the error then matches [ErrStalePlan]. A
// step that fails does not keep the others from being applied. Applied again, or
// planned and applied again, it arrives at the same end.
//
// The error is a *[GuardError] if too much would be taken away.
func (e *Engine) ApplyRestore(ctx context.Context, r *Restoration, o ReconcileOptions) (Result, error) {
	if r.Plan.members == nil {
		r.Plan.members = e.membersOfHeld(r.Plan)
	}
	a := &applying{e: e, users: r.users}
	return allOf(e.applyPlan(ctx, r.Plan, o, a.batch))
}

type applying struct {
	e     *Engine
	users map[string]*UserState
}

// batch applies steps that do the same: groups one by one, since one may be within
// another, users at the same time.
func (a *applying) batch(ctx context.Context, batch []Step) ([]error, error) {
	b, err := a.e.books(ctx)
	if err != nil {
		return nil, err
	}
	outcomes := make([]error, len(batch))
	each := a.e.each
	if batch[0].User == "" {
		each = inOrder
	}
	_ = each(ctx, len(batch), func(ctx context.Context, i int) error {
		outcomes[i] = a.step(ctx, b, batch[i])
		return ctx.Err()
	})
	return outcomes, nil
}

// step applies one step. A user's own fields are changed, and that is reported, by
// steps of an update.
func (a *applying) step(ctx context.Context, b *Book, s Step) error {
	s.run = func(ctx context.Context) error { return a.perform(ctx, b, s) }
	own := s.Op == OpUpdateUser || s.Op == OpReactivateUser
	if !own || a.e.cfg.DryRun || ctx.Err() != nil {
		return a.e.step(ctx, s)
	}
	err := s.run(ctx)
	if errors.Is(err, errStale) {
		a.e.report(ctx, EventStale, s, err.Error())
	}
	if err != nil {
		return &StepError{s, err}
	}
	return nil
}

func inOrder(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	for i := range n {
		if err := f(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// restoreOrder is the order in which a restoration takes its steps: first those that
// take away, then groups before those who are in them; a group is deleted last.
var restoreOrder = map[Op]int{
	OpRevoke: 1, OpRemoveGroup: 2, OpRenameGroup: 3, OpCreateGroup: 4, OpUpdateGroup: 5, OpAddGroup: 6,
	OpGrant: 7, OpReactivateUser: 8, OpUpdateUser: 9, OpDeleteGroup: 10,
}

// membersOfHeld counts those who are in the SCIM groups that a plan takes from.
func (e *Engine) membersOfHeld(p *Plan) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		b, err := e.books(ctx)
		if err != nil {
			return 0, err
		}
		total := 0
		for id := range p.groups() {
			count := e.countHolders(id)
			if direct := e.direct(b, id); direct != nil {
				count = e.directPlan(b, &Group{ID: id}, "").members
			}
			n, err := count(ctx)
			if err != nil {
				return 0, err
			}
			total += n
		}
		return total, nil
	}
}

func (a *applying) perform(ctx context.Context, b *Book, s Step) error {
	switch s.Op {
	case OpGrant, OpRevoke:
		return a.e.redoGrant(ctx, b, s)
	case OpCreateGroup:
		return a.e.redoCreate(ctx, s)
	case OpRenameGroup, OpUpdateGroup:
		return a.e.redoGroup(ctx, s)
	case OpAddGroup, OpRemoveGroup:
		return a.e.redoNest(ctx, s)
	case OpDeleteGroup:
		return a.e.redoDelete(ctx, s)
	case OpUpdateUser:
		if then := a.users[s.UserID]; then != nil {
			return a.e.redoUser(ctx, s, then)
		}
	case OpReactivateUser:
		return a.e.redoActive(ctx, s)
	}
	return fmt.Errorf("groupsync: a restoration that was kept cannot %q. Make a new one", s.Op)
}

// change returns the change of a field that a step makes.
func (s Step) change(field string) Change {
	for _, c := range s.Changes {
		if c.Field == field {
			return c
		}
	}
	return Change{Field: field}
}

// redoGrant records a grant, or that it is revoked, and makes the memberships
// follow. Where it is so already the memberships are looked after. A word that came
// since the step was planned stands.
func (e *Engine) redoGrant(ctx context.Context, b *Book, s Step) error {
	u, err := e.stepUser(ctx, s)
	if err != nil {
		return err
	}
	granted := s.Op == OpGrant
	if b.live(s.GroupID) == nil || u.gone {
		return errStale
	}
	if e.direct(b, s.GroupID) != nil {
		return e.changeDirect(ctx, b, s.GroupID, u, granted)
	}
	f, known, err := e.lastWord(ctx, u, s.GroupID)
	if err != nil {
		return err
	}
	if u.holdings.Granted(s.GroupID) != granted && word(f, known) != s.change("grant").Before {
		return errStale
	}
	err = e.changeGrants(ctx, b, u, []grantChange{{s.GroupID, granted}})
	if errors.Is(err, ErrNoUser) || errors.Is(err, ErrNoGroup) {
		return errStale
	}
	return err
}

// redoCreate creates a SCIM group under the id that was planned, or ends a creation
// that a fault cut short.
func (e *Engine) redoCreate(ctx context.Context, s Step) error {
	g := NewGroup{Name: s.Group, ExternalID: s.change("externalId").After}
	b, err := e.book(ctx, s.GroupID, e.crowdNames(g)...)
	if err != nil {
		return err
	}
	if n := b.live(s.GroupID); n != nil {
		if n.name != g.Name {
			return errStale
		}
		_, _, err := e.finish(ctx, b, e.show(b, n))
		return err
	}
	if b.owner(g.Name) != "" || b.next(g.Name) != s.GroupID {
		return errStale
	}
	if err := e.checkGroupName(g.Name); err != nil {
		return err
	}
	if err := e.collision(b, mapping.SCIMGroup{ID: s.GroupID, Name: g.Name, ExternalID: g.ExternalID}); err != nil {
		return err
	}
	return e.planCreateGroup(b, s.GroupID, g, e.now().UTC()).Steps[0].run(ctx)
}

// redoGroup gives a SCIM group another name or externalId, or ends a change that a
// fault cut short.
func (e *Engine) redoGroup(ctx context.Context, s Step) error {
	name, external := s.change("displayName"), s.change("externalId")
	b, err := e.book(ctx, s.GroupID, e.crowdNamesOf(s.GroupID, slices.DeleteFunc([]string{s.Group, name.Before, name.After}, blank))...)
	if err != nil {
		return err
	}
	n := b.live(s.GroupID)
	if n == nil {
		return errStale
	}
	is, c := n.externalID, external
	switch {
	case s.Op == OpRenameGroup:
		is, c = n.name, name
	case len(s.Changes) == 0 || s.Changes[0].Field != external.Field:
		is = c.After // to be ended only
	}
	if is != c.Before && is != c.After {
		return errStale
	}
	b, g, err := e.finish(ctx, b, e.show(b, n))
	switch {
	case err != nil:
		return err
	case is == c.After && e.groups.Mode() != mapping.ManualMapping:
		return nil
	case is == c.After:
		return e.catchUp(ctx, b, g)
	case s.Op == OpUpdateGroup:
		_, err = e.moveExternalID(ctx, b, g, c.After, e.now().UTC())
		return err
	}
	if owner := b.owner(c.After); owner != "" && owner != s.GroupID {
		return errStale
	}
	if err := e.checkGroupName(c.After); err != nil {
		return err
	}
	_, err = e.moveName(ctx, b, g, c.After, e.now().UTC(), true) // it filled these Crowd groups before
	return err
}

func blank(s string) bool { return s == "" }

// redoNest brings a group into another, or out.
func (e *Engine) redoNest(ctx context.Context, s Step) error {
	b, err := e.books(ctx)
	if err != nil {
		return err
	}
	outer, in := b.live(s.GroupID), s.Op == OpAddGroup
	if outer == nil || in && b.live(s.ChildID) == nil {
		return errStale
	}
	if in {
		if err := e.admitNest(ctx, &b, e.show(b, outer), s.ChildID); err != nil {
			return err
		}
	}
	return e.bringNest(ctx, b, s.GroupID, s.ChildID, in)
}

// redoDelete deletes a SCIM group, or ends a deletion that a fault cut short.
func (e *Engine) redoDelete(ctx context.Context, s Step) error {
	b, err := e.book(ctx, s.GroupID, s.Group)
	if err != nil {
		return err
	}
	holders, err := e.holders(ctx, s.GroupID)
	if err != nil {
		return err
	}
	n := b.entry(s.GroupID)
	switch {
	case n == nil || !n.issued:
		return errStale
	case n.dead:
		return e.finishDead(ctx, s.GroupID, n.name, holders, true)
	case len(holders) > 0 || n.name != s.Group:
		return errStale
	}
	return e.bury(ctx, b, e.show(b, n), holders)
}

// redoUser brings back a user's own fields and data.
func (e *Engine) redoUser(ctx context.Context, s Step, then *UserState) error {
	u, err := e.stepUser(ctx, s)
	if err != nil {
		return err
	}
	if u.gone || u.Owner != e.connection {
		return errStale
	}
	now := e.stateOf(u)
	left := stateChanges(now, then)
	if len(left) == 0 {
		return nil
	}
	for _, c := range left {
		if was := s.change(c.Field); was != c {
			return errStale
		}
	}
	p := then.profile()
	for name := range now.Custom {
		if _, had := then.Custom[name]; !had {
			p.Fields.Custom[name] = nil
		}
	}
	w := &update{e: e, profile: p, before: u}
	if err := w.admit(); err != nil {
		return err
	}
	if bytes.Equal(now.Data, then.Data) { // else the fields are recorded with the data
		fields := crowd.Attributes{e.names.fields: fieldsRegister(p.Fields, e.now().UTC())}
		if err := e.crowd.SetUserAttributes(ctx, u.Crowd.Name, fields); err != nil {
			return err
		}
		u.wanted = string(unpack(fields[e.names.fields]))
	}
	return w.restore(ctx, u, s.Why)
}

// restore is run for a change that no request asks for: its steps say what does.
func (w *update) restore(ctx context.Context, v *User, why string) error {
	for {
		p := w.plan(ctx, v)
		if len(p.Steps) == 0 || w.stuck(p) {
			return nil
		}
		for i := range p.Steps {
			p.Steps[i].Why = why
		}
		err := w.e.apply(ctx, p)
		if err != nil {
			return w.refuse(ctx, err)
		}
		w.round++
		if v, err = w.look(ctx, v); errors.Is(err, ErrNoUser) {
			return errStale
		} else if err != nil {
			return err
		}
	}
}

// profile returns what brings a state back. An e-mail address so long that only its
// hash was searched for is found again once the identity provider repeats it.
func (s *UserState) profile() Profile {
	p := Profile{Data: s.Data, ExternalID: s.ExternalID, Fields: mapping.Fields{
		Username: &s.Name, FirstName: &s.FirstName, LastName: &s.LastName, DisplayName: &s.DisplayName, Email: &s.Email,
		Custom: maps.Clone(s.Custom),
	}}
	if p.Fields.Custom == nil {
		p.Fields.Custom = map[string][]string{}
	}
	for _, m := range s.Emails {
		if address, plain := strings.CutPrefix(m, "="); plain {
			p.Emails = append(p.Emails, address)
		}
	}
	return p
}

// redoActive lets a user in again.
func (e *Engine) redoActive(ctx context.Context, s Step) error {
	u, err := e.stepUser(ctx, s)
	if err != nil {
		return err
	}
	if u.gone || u.Owner != e.connection {
		return errStale
	}
	active := true
	w := &update{e: e, profile: Profile{Fields: mapping.Fields{Active: &active}, ActiveSaid: true}, before: u}
	if err := w.admit(); err != nil {
		return err
	}
	return w.restore(ctx, u, s.Why)
}
