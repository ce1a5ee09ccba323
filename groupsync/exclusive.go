package groupsync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A Crowd group is exclusive if the settings say so and this connection created
// it: its direct members are the grants, and nothing is recorded of them. While a
// rename moves them there are two, and the old one has the say: changes are made
// to it first, and the mover brings the new one to it until the two agree.

// direct returns the names of the Crowd groups whose direct members are those of
// a SCIM group, the one it fills last; none where its grants are recorded.
func (e *Engine) direct(b *Book, id string) []string {
	n := b.live(id)
	if n == nil || !n.made || !e.groups.Exclusive() {
		return nil
	}
	targets := e.targets(b, id)
	if len(targets) == 0 {
		return nil
	}
	all := slices.DeleteFunc(e.carriers(b, id), func(name string) bool { return hasTarget(targets, name) })
	return append(all, targets[0].Group)
}

// directGroups are the Crowd groups that are exclusive, by folded name.
func (e *Engine) directGroups(b *Book) map[string]*entry {
	groups := map[string]*entry{}
	if !e.groups.Exclusive() {
		return groups
	}
	for _, n := range b.all() {
		for _, name := range e.direct(b, n.id) {
			groups[crowd.Fold(name)] = n
		}
	}
	return groups
}

// directMembers yields the direct members of Crowd groups, each once.
func (e *Engine) directMembers(ctx context.Context, groups []string) iter.Seq2[*crowd.User, error] {
	return func(yield func(*crowd.User, error) bool) {
		seen := crowdOf{}
		for i, group := range groups {
			for u, err := range e.crowd.Members(ctx, group, crowd.List{Detail: crowd.Entities, Ahead: pagesAhead}) {
				if errors.Is(err, crowd.ErrGroupNotFound) {
					break
				}
				if err != nil {
					yield(nil, err)
					return
				}
				f := crowd.Fold(u.Name)
				if seen[f] {
					continue
				}
				if len(groups) > 1 && i < len(groups)-1 {
					seen[f] = true
				}
				if !yield(u, nil) {
					return
				}
			}
		}
	}
}

// changeDirect adds or removes one member, then reads the book again: where the
// SCIM group has been renamed meanwhile the change is made in the new Crowd group
// too.
func (e *Engine) changeDirect(ctx context.Context, b *Book, id string, u *User, granted bool) error {
	groups := e.direct(b, id)
	for {
		if err := e.bringDirect(ctx, b, id, groups, u, granted); err != nil {
			return err
		}
		if e.alone(ctx) && b.epoch == e.locks.epoch.Load() {
			return nil
		}
		again, err := e.book(ctx, id)
		if err != nil {
			return err
		}
		now := e.direct(again, id)
		switch {
		case again.live(id) == nil:
			return ErrNoGroup
		case slices.EqualFunc(groups, now, func(x, y string) bool { return crowd.Fold(x) == crowd.Fold(y) }):
			return nil
		}
		b, groups = again, now
	}
}

func (e *Engine) bringDirect(ctx context.Context, b *Book, id string, groups []string, u *User, granted bool) error {
	change, op := e.crowd.RemoveMember, OpRemoveMember
	if granted {
		change, op = e.crowd.AddMember, OpAddMember
	}
	for _, group := range groups {
		changed, err := change(ctx, group, u.Crowd.Name)
		switch {
		case errors.Is(err, crowd.ErrUserNotFound):
			return ErrNoUser
		case errors.Is(err, crowd.ErrGroupNotFound):
			if err := e.remakeDirect(ctx, b, id, group, u, granted); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		if changed {
			e.report(ctx, EventMembership, Step{Op: op, User: u.Crowd.Name, UserID: u.ID, Group: group, GroupID: id, Reasons: []mapping.Reason{
				{Kind: mapping.ReasonGrant, Group: b.live(id).name, ID: id},
			}}, "")
		}
	}
	return nil
}

// remakeDirect makes a Crowd group anew that vanished under a live SCIM group, if
// somebody is to be put into it.
func (e *Engine) remakeDirect(ctx context.Context, b *Book, id, group string, u *User, granted bool) error {
	again, err := e.book(ctx, id, group)
	if err != nil || !granted || again.live(id) == nil {
		return err
	}
	for _, t := range e.targets(again, id) {
		if crowd.Fold(t.Group) != crowd.Fold(group) || !t.Create {
			continue
		}
		if err := e.ensureCrowdGroup(ctx, again, id, t); err != nil {
			return err
		}
		_, err := e.crowd.AddMember(ctx, group, u.Crowd.Name)
		return err
	}
	return nil
}

// directStep returns the step that puts a member in or takes one out.
func (e *Engine) directStep(b *Book, g *Group, u *User, granted bool) Step {
	return e.memberStep(g, u, granted, func(ctx context.Context) error {
		return e.changeDirect(ctx, b, g.ID, u, granted)
	})
}

// patchDirect adds and removes single members of an exclusive group. What else the
// users are in is looked at by full pushes and reconciles.
func (e *Engine) patchDirect(ctx context.Context, b *Book, g *Group, order []string, want map[string]bool) error {
	users, err := e.people(ctx, g, order, 0, func(id string) bool { return want[id] })
	if err != nil {
		return err
	}
	p := e.directPlan(b, g, fmt.Sprintf("change the members of %q", g.Name))
	for _, u := range users {
		p.add(e.directStep(b, g, u, want[u.ID]))
	}
	return e.applyAll(ctx, p)
}

func (e *Engine) directPlan(b *Book, g *Group, title string) *Plan {
	return &Plan{Title: title, members: func(ctx context.Context) (int, error) {
		n := 0
		for _, err := range e.directMembers(ctx, e.direct(b, g.ID)) {
			if err != nil {
				return 0, err
			}
			n++
		}
		return n, nil
	}}
}

// replaceDirect makes the users of the ids the members of an exclusive group, and
// repeats until nobody differs. Of two at once the last to find its own wins whole.
func (e *Engine) replaceDirect(ctx context.Context, b *Book, g *Group, ids []string) error {
	want := map[string]bool{}
	for _, id := range ids {
		want[id] = true
	}
	for {
		p, err := e.planReplaceDirect(ctx, b, g, want)
		if err != nil || len(p.Steps) == 0 {
			return err
		}
		if err := e.applyAll(ctx, p); err != nil || e.cfg.DryRun {
			return err
		}
		if b, err = e.book(ctx, g.ID); err != nil {
			return err
		}
		if b.live(g.ID) == nil {
			return ErrNoGroup
		}
	}
}

// planReplaceDirect plans what differs. Wanted users whom Crowd does not have are
// taken off want.
func (e *Engine) planReplaceDirect(ctx context.Context, b *Book, g *Group, want map[string]bool) (*Plan, error) {
	p := e.directPlan(b, g, fmt.Sprintf("replace the members of %q", g.Name))
	missing := maps.Clone(want)
	var leaving []*User
	for c, err := range e.directMembers(ctx, e.direct(b, g.ID)) {
		if err != nil {
			return nil, err
		}
		id := userID(c.Key)
		if !want[id] {
			leaving = append(leaving, &User{Crowd: *c, ID: id})
		}
		delete(missing, id)
	}
	ids := slices.Sorted(maps.Keys(missing))
	joining, err := e.people(ctx, g, ids, len(want), func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	for _, u := range joining {
		delete(missing, u.ID)
		p.add(e.directStep(b, g, u, true))
	}
	for id := range missing {
		delete(want, id)
	}
	slices.SortFunc(leaving, func(x, y *User) int { return strings.Compare(x.ID, y.ID) })
	for _, u := range leaving {
		p.add(e.directStep(b, g, u, false))
	}
	return p, e.planSweeps(ctx, p, b, joining, func(*User) []grantChange { return nil })
}

// carry brings the members of a Crowd group that a rename leaves to the one that
// its SCIM group fills now, until the two agree.
func (e *Engine) carry(ctx context.Context, from, to string) error {
	brought := crowdOf{}
	for first := true; ; first = false {
		if err := ctx.Err(); err != nil {
			return err
		}
		members, err := e.crowdOf(ctx, from)
		if err != nil || !first && maps.Equal(members, brought) {
			return err
		}
		if err := e.bringAll(ctx, e.crowd.AddMember, to, members, brought); err != nil {
			return err
		}
		if err := e.bringAll(ctx, e.crowd.RemoveMember, to, brought, members); err != nil {
			return err
		}
		brought = members
	}
}

// bringAll changes the membership of those who are in one set and not in the
// other.
func (e *Engine) bringAll(ctx context.Context, change func(ctx context.Context, group, user string) (bool, error), group string, in, but crowdOf) error {
	var names []string
	for name := range in {
		if !but[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return e.each(ctx, len(names), func(ctx context.Context, i int) error {
		_, err := change(ctx, group, names[i])
		if errors.Is(err, crowd.ErrUserNotFound) {
			return nil
		}
		return err
	})
}

// leaveDirect takes a user who is gone out of all exclusive groups.
func (e *Engine) leaveDirect(ctx context.Context, u *User) error {
	if !e.groups.Exclusive() {
		return nil
	}
	b, err := e.books(ctx)
	if err != nil {
		return err
	}
	in, err := e.groupsOf(ctx, u)
	if err != nil {
		return err
	}
	direct := e.directGroups(b)
	for _, group := range in {
		n := direct[crowd.Fold(group)]
		if n == nil {
			continue
		}
		if err := e.bringDirect(ctx, b, n.id, []string{group}, u, false); err != nil && !errors.Is(err, ErrNoUser) {
			return err
		}
	}
	return nil
}
