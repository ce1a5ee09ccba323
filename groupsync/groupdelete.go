package groupsync

import (
	"context"
	"errors"
	"fmt"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// DeleteGroup deletes a SCIM group: its grants are revoked, and its Crowd group
// goes if this connection made it and nobody else is in it. The id never comes
// back. The error matches [ErrNoGroup] if there is no such group.
func (e *Engine) DeleteGroup(ctx context.Context, id string) error {
	if _, _, ok := nameInID(id); !ok {
		return ErrNoGroup
	}
	var b *Book
	var g *Group
	var holders []*User
	err := both(ctx, func(ctx context.Context) (err error) {
		b, g, err = e.find(ctx, id)
		return err
	}, func(ctx context.Context) (err error) {
		holders, err = e.holders(ctx, id)
		return err
	})
	if errors.Is(err, ErrNoGroup) {
		return e.finishDelete(ctx, b, id, holders)
	}
	if err != nil {
		return err
	}
	if !g.Adopted {
		if b, err = e.adopt(ctx, b, g); err != nil {
			return err
		}
	}
	return e.deleteGroup(ctx, b, g, holders)
}

// finishDelete ends the deletion of a group that is dead already, should a fault
// have cut it short.
func (e *Engine) finishDelete(ctx context.Context, b *Book, id string, holders []*User) error {
	if b == nil {
		return ErrNoGroup
	}
	n := b.entry(id)
	if n == nil || !n.dead || n.name == "" || e.cfg.DryRun {
		return ErrNoGroup
	}
	if len(holders) > 0 || e.groups.Mode() != mapping.OnTheFlyMapping || len(e.carriers(b, id)) > 0 || e.marked(b, n) {
		if err := e.finishDead(ctx, id, n.name, holders, true); err != nil {
			return err
		}
	}
	return ErrNoGroup
}

// marked reports whether the Crowd group of an entry's name was made for it.
func (e *Engine) marked(b *Book, n *entry) bool {
	g := b.crowdGroup(n.name)
	return g != nil && e.markIn(g.Description) == hash(n.id)
}

func (e *Engine) deleteGroup(ctx context.Context, b *Book, g *Group, holders []*User) error {
	p := &Plan{
		Title:   fmt.Sprintf("delete the group %q", g.Name),
		members: func(context.Context) (int, error) { return len(holders), nil },
	}
	for _, u := range holders {
		s := e.grantStep(b, g, u, false)
		s.Why = "the identity provider deleted the group"
		p.add(s)
	}
	if g.Direct != nil {
		if err := e.planDirectDelete(ctx, p, b, g); err != nil {
			return err
		}
	}
	p.add(Step{
		Op: OpDeleteGroup, Group: g.Name, GroupID: g.ID,
		Why: "the identity provider deleted the group",
	})
	if err := e.applyAsOne(ctx, p, func(ctx context.Context) error { return e.bury(ctx, b, g, holders) }); err != nil {
		return err
	}
	return e.sweepAfter(ctx, g, holders)
}

// sweepAfter takes those who held a group that was deleted out of the Crowd groups
// that nothing asks for any more, where the settings keep none.
func (e *Engine) sweepAfter(ctx context.Context, g *Group, holders []*User) error {
	if !e.groups.SweepsMemberships() || len(holders) == 0 || e.cfg.DryRun {
		return nil
	}
	b, err := e.books(ctx)
	if err != nil {
		return err
	}
	p := &Plan{
		Title:   fmt.Sprintf("keep those who were in %q in no group that nothing asks for", g.Name),
		members: func(context.Context) (int, error) { return 0, nil },
	}
	was := func(u *User) []grantChange { return []grantChange{{g.ID, false}} }
	if err := e.planSweeps(ctx, p, b, holders, was); err != nil {
		return err
	}
	return e.applyAll(ctx, p)
}

// planDirectDelete lists the members of an exclusive group, who go with it.
func (e *Engine) planDirectDelete(ctx context.Context, p *Plan, b *Book, g *Group) error {
	for c, err := range e.directMembers(ctx, g.Direct) {
		if err != nil {
			return err
		}
		s := e.directStep(b, g, &User{Crowd: crowd.User{Name: c.Name}, ID: userID(c.Key)}, false)
		s.Why = "the identity provider deleted the group"
		p.add(s)
	}
	n := len(p.Steps)
	p.members = func(context.Context) (int, error) { return n, nil }
	return nil
}

// bury writes that a group is dead, revokes its grants and gives its Crowd group
// up: the one of the name it has after the mark, since a rename may have come
// between.
func (e *Engine) bury(ctx context.Context, b *Book, g *Group, holders []*User) error {
	below := e.reachOf(b, g.ID)
	delete(below, g.ID)
	e.beginMove(b)
	fact := GroupFact{Kind: Dead, ID: g.ID, At: e.now().UTC(), Request: requestID(ctx)}
	if err := e.recordGroup(ctx, b, fact); err != nil {
		return err
	}
	if err := e.finishDead(ctx, g.ID, g.Name, holders, false); err != nil || len(below) == 0 {
		return err
	}
	again, err := e.books(ctx)
	if err != nil {
		return err
	}
	return e.flatten(ctx, again, below)
}

// finishDead derives what a dead group leaves behind, and looks again.
func (e *Engine) finishDead(ctx context.Context, id, name string, holders []*User, thorough bool) error {
	names := []string{name}
	for {
		b, err := e.book(ctx, id, e.crowdNamesOf(id, names)...)
		if err != nil {
			return err
		}
		if n := b.entry(id); n != nil && n.name != names[len(names)-1] {
			names = append(names, n.name)
			continue
		}
		m := move{e: e, id: id, book: b, revoke: true, thorough: thorough, left: e.left(b, id, names, nil)}
		if !m.allLeave(m.goingAway()) { // a group that stays keeps whoever was added since
			if holders, err = e.holders(ctx, id); err != nil {
				return err
			}
		}
		if err := m.run(ctx, holders); err != nil {
			return err
		}
		if err := e.deriveNests(ctx, b, id, m.left); err != nil {
			return err
		}
		again, err := e.books(ctx)
		if err != nil {
			return err
		}
		if e.sameNames(b, again, id, names) {
			return nil
		}
		// Whoever has taken the name meanwhile gets the Crowd group back.
		for _, name := range names {
			if owner := again.owner(name); owner != "" {
				return e.deriveNames(ctx, owner, name)
			}
		}
	}
}
