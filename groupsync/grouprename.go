package groupsync

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// rename gives a SCIM group a new name. Crowd cannot rename groups: the new name
// is recorded, the new Crowd group made, its members derived from the grants, and
// the old one given up.
func (e *Engine) rename(ctx context.Context, b *Book, g *Group, name string) (*Group, *Book, error) {
	if err := e.checkGroupName(name); err != nil {
		return nil, nil, err
	}
	if owner := b.owner(name); owner != "" && owner != g.ID {
		return nil, nil, &ConflictError{
			Kind: "group", Name: name, Problem: "this connection already has a group of that name, with id " + owner,
			Remedy: "Choose another name, or delete that group in the identity provider first",
		}
	}
	if err := e.collision(b, mapping.SCIMGroup{ID: g.ID, Name: name, ExternalID: g.ExternalID}); err != nil {
		return nil, nil, err
	}
	renamed := *g
	renamed.Name, renamed.Modified = name, e.now().UTC()
	p := &Plan{Title: fmt.Sprintf("rename the group %q to %q", g.Name, name)}
	p.add(Step{
		Op: OpRenameGroup, Group: g.Name, GroupID: g.ID, Changes: []Change{{"displayName", g.Name, name}},
		Why: "the identity provider renamed the group",
		run: func(ctx context.Context) (err error) {
			b, err = e.moveName(ctx, b, g, name, renamed.Modified, false)
			return err
		},
	})
	if err := e.apply(ctx, p); err != nil {
		return nil, nil, unwrapStep(err)
	}
	renamed.Direct = e.direct(b, g.ID)
	return &renamed, b, nil
}

// moveName records the new name and moves the members. Crowd groups that others made
// are taken only where an administrator asks for it.
func (e *Engine) moveName(ctx context.Context, b *Book, g *Group, name string, at time.Time, link bool) (*Book, error) {
	below := e.reachOf(b, g.ID)
	delete(below, g.ID)
	old := e.targets(b, g.ID)
	now := e.targetsAs(b, mapping.SCIMGroup{ID: g.ID, Name: name, ExternalID: g.ExternalID})
	claims, made, err := e.claimNew(ctx, b, g.ID, old, now, link)
	if err != nil {
		return nil, err
	}
	e.beginMove(b)
	fact := GroupFact{Kind: Renamed, ID: g.ID, Name: name, Made: made, At: at, Request: requestID(ctx)}
	if err := e.recordGroup(ctx, b, fact); err != nil {
		return nil, err
	}
	b.Add(fact)
	m := move{e: e, id: g.ID, book: b, now: now, fresh: map[string]bool{}}
	for _, c := range claims {
		m.fresh[crowd.Fold(c.name)] = c.made
		if err := e.writeID(ctx, c.name, g.ID); err != nil {
			return nil, err
		}
	}
	if e.groups.Mode() == mapping.ManualMapping {
		for _, t := range now { // those of imported groups, before anybody is to be put into them
			if err := e.deriveFilled(ctx, b, g.ID, t); err != nil {
				return nil, err
			}
		}
	}
	m.left = given(old, now)
	if len(claims) == 0 && sameTargets(old, now) {
		return b, nil
	}
	if err := e.readLeft(ctx, b, m.left); err != nil {
		return nil, err
	}
	again, err := m.settle(ctx, g.Name, name)
	if err != nil {
		return nil, err
	}
	if err := e.flatten(ctx, again, below); err != nil {
		return nil, err
	}
	return again, e.deriveNests(ctx, again, g.ID, m.left)
}

// rederiveGone looks again at those who held the group when their memberships
// were moved, and hold it no more: whoever took them out knew the old name.
func (e *Engine) rederiveGone(ctx context.Context, b *Book, before, since []*User, targets []mapping.Target) error {
	gone := slices.DeleteFunc(slices.Clone(before), func(u *User) bool {
		return slices.ContainsFunc(since, func(s *User) bool { return s.ID == u.ID })
	})
	return e.each(ctx, len(gone), func(ctx context.Context, i int) error {
		return e.rederiveNow(ctx, b, gone[i].Crowd.Key, targets...)
	})
}

// sameUsers reports whether two lists hold the same users.
func sameUsers(x, y []*User) bool {
	ids := func(users []*User) []string {
		var all []string
		for _, u := range users {
			all = append(all, u.ID)
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(ids(x), ids(y))
}

// claimNew claims the Crowd groups that only the new name fills. One made by
// others is a conflict unless it is to be linked: a rename must not put people into it
// unasked.
func (e *Engine) claimNew(ctx context.Context, b *Book, id string, old, now []mapping.Target, link bool) (claims []claim, made bool, err error) {
	made = b.live(id).made
	for _, t := range now {
		if hasTarget(old, t.Group) || e.groups.Mode() != mapping.OnTheFlyMapping {
			continue
		}
		c, err := e.claim(ctx, b, id, t)
		if err != nil {
			return nil, false, err
		}
		if made = c.made; !made && t.Create && !link {
			return nil, false, &ConflictError{
				Kind: "group", Name: t.Group, Problem: "Crowd has a group of that name that was not made for this one",
				Remedy: "Choose another name, delete that Crowd group, or delete this group and push it anew to link them",
			}
		}
		claims = append(claims, c)
	}
	return claims, made, nil
}

// readLeft reads the left targets that the book does not hold yet.
func (e *Engine) readLeft(ctx context.Context, b *Book, left []mapping.Target) error {
	var names []string
	for _, t := range left {
		if b.crowdGroup(t.Group) == nil {
			names = append(names, t.Group)
		}
	}
	if len(names) == 0 {
		return nil
	}
	again, err := e.book(ctx, "", names...)
	if err != nil {
		return err
	}
	for f, g := range again.Crowd {
		b.Crowd[f] = g
	}
	return nil
}
