package groupsync

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// deriveNames makes the Crowd groups that a SCIM group fills, or filled under one
// of the names, what the book and the grants ask for: there with its id and its
// holders in them, or given up. It looks again and repeats while the book
// changes.
func (e *Engine) deriveNames(ctx context.Context, id string, names ...string) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := e.book(ctx, id, e.crowdNamesOf(id, names)...)
		if err != nil {
			return err
		}
		if n := b.live(id); n != nil && !slices.Contains(names, n.name) {
			names = append(names, n.name)
			continue
		}
		m := move{e: e, id: id, book: b, now: e.targets(b, id), thorough: true}
		m.left = e.left(b, id, names, m.now)
		for _, t := range m.now {
			if err := e.deriveFilled(ctx, b, id, t); err != nil {
				return err
			}
		}
		holders, err := e.holders(ctx, id)
		if err != nil {
			return err
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
	}
}

// crowdNamesOf returns the names of Crowd groups that a SCIM group fills under
// any of the names.
func (e *Engine) crowdNamesOf(id string, names []string) []string {
	var all []string
	for _, name := range names {
		for _, t := range e.groups.Targets(mapping.SCIMGroup{ID: id, Name: name}) {
			all = append(all, t.Group)
		}
	}
	return all
}

// sameNames reports whether two books agree on who has the names, and on the
// name of the group.
func (e *Engine) sameNames(x, y *Book, id string, names []string) bool {
	for _, name := range names {
		if x.owner(name) != y.owner(name) {
			return false
		}
	}
	n, m := x.live(id), y.live(id)
	return (n == nil) == (m == nil) && (n == nil || crowd.Fold(n.name) == crowd.Fold(m.name))
}

// deriveFilled makes a Crowd group that a SCIM group fills be there, with its id.
func (e *Engine) deriveFilled(ctx context.Context, b *Book, id string, t mapping.Target) error {
	if !t.Create {
		return nil
	}
	g := b.crowdGroup(t.Group)
	if g != nil && e.idOn(g) == id {
		return nil
	}
	return e.ensureCrowdGroup(ctx, b, id, t)
}

// left returns the targets that a SCIM group does not fill and that it filled
// under one of the names, or that carry its id.
func (e *Engine) left(b *Book, id string, names []string, now []mapping.Target) []mapping.Target {
	g := mapping.SCIMGroup{ID: id}
	if n := b.entry(id); n != nil {
		g.ExternalID = n.externalID
	}
	var filled []mapping.Target
	for _, name := range names {
		g.Name = name
		filled = append(filled, e.groups.Targets(g)...)
	}
	for _, name := range e.carriers(b, id) {
		filled = append(filled, mapping.Target{Group: name, Create: true})
	}
	return given(filled, now)
}

// given returns the targets that are given up for others, each once. Whoever was
// put there by hand stays, whatever the settings say of those that are filled.
func given(filled, now []mapping.Target) []mapping.Target {
	left := without(filled, now)
	for i := range left {
		left[i].KeepExisting = true
	}
	return left
}

// carriers returns the names of the Crowd groups in the book that carry an id.
func (e *Engine) carriers(b *Book, id string) []string {
	var names []string
	for _, g := range b.Crowd {
		if e.idOn(g) == id {
			names = append(names, g.Name)
		}
	}
	slices.Sort(names)
	return names
}

// filledBy reports whether any live SCIM group fills a Crowd group, of this
// connection or a neighbour.
func (e *Engine) filledBy(b *Book, group string) bool {
	return e.filledByOthers(b, group) || slices.ContainsFunc(b.all(), func(n *entry) bool {
		return hasTarget(e.targets(b, n.id), group)
	})
}

// A move brings the memberships of a SCIM group's holders from the targets it
// left to those it fills now, and gives the former up.
type move struct {
	e         *Engine
	id        string
	book      *Book
	now, left []mapping.Target
	fresh     map[string]bool // as in edges
	revoke    bool            // the group is dead: its grants go
	thorough  bool            // look for members of whom only the grants are gone
}

// settle runs the move for all holders, then looks again: a change that met it may
// have known the targets as they were. It returns the book read last.
func (m *move) settle(ctx context.Context, names ...string) (*Book, error) {
	holders, err := m.e.holders(ctx, m.id)
	if err != nil {
		return nil, err
	}
	if err := m.run(ctx, holders); err != nil {
		return nil, err
	}
	var again *Book
	var since []*User
	if err := both(ctx, func(ctx context.Context) (err error) {
		again, err = m.e.book(ctx, m.id)
		return err
	}, func(ctx context.Context) (err error) {
		since, err = m.e.holders(ctx, m.id)
		return err
	}); err != nil {
		return nil, err
	}
	if err := m.e.rederiveGone(ctx, again, holders, since, slices.Concat(m.now, m.left)); err != nil {
		return nil, err
	}
	if !m.e.sameNames(m.book, again, m.id, names) || !sameUsers(holders, since) || m.e.unfinished(again, m.id) {
		return again, m.e.deriveNames(ctx, m.id, names...)
	}
	return again, nil
}

func (m *move) run(ctx context.Context, holders []*User) error {
	leave := m.goingAway()
	users := map[string]*User{} // as they are afterwards, by folded name
	after := make([]*User, len(holders))
	if err := m.e.each(ctx, len(holders), func(ctx context.Context, i int) (err error) {
		after[i], err = m.holder(ctx, holders[i], leave)
		return err
	}); err != nil {
		return err
	}
	for _, u := range after {
		users[crowd.Fold(u.Crowd.Name)] = u
	}
	return m.giveUp(ctx, users, leave)
}

// goingAway returns the folded names of left targets that are likely to be
// deleted, so that nobody needs to be taken out first.
func (m *move) goingAway() map[string]bool {
	leave := map[string]bool{}
	for _, t := range m.left {
		if m.e.deletable(m.book.crowdGroup(t.Group)) && !m.e.filledBy(m.book, t.Group) {
			leave[crowd.Fold(t.Group)] = true
		}
	}
	return leave
}

// holder moves one holder, and returns the user as read last.
func (m *move) holder(ctx context.Context, u *User, leave map[string]bool) (*User, error) {
	w := m.e.newEdges(ctx, m.book, u, slices.Concat(m.now, m.left))
	w.fresh, w.leave = m.fresh, leave
	if m.revoke {
		w.changes = []grantChange{{m.id, false}}
	}
	if m.e.alone(ctx) {
		return w.user, w.runAlone(ctx)
	}
	if err := w.begin(ctx); err != nil {
		return u, err
	}
	if !w.wrote || len(m.now) == 0 && m.allLeave(leave) {
		return w.user, nil
	}
	return w.user, w.settle(ctx)
}

func (m *move) allLeave(leave map[string]bool) bool {
	return !slices.ContainsFunc(m.left, func(t mapping.Target) bool { return !leave[crowd.Fold(t.Group)] })
}

// giveUp releases the left targets that no SCIM group fills. Where one stays,
// those who were to leave with it are taken out singly. The id, which tells that
// there is something to be done, goes last.
func (m *move) giveUp(ctx context.Context, users map[string]*User, leave map[string]bool) error {
	for _, t := range m.left {
		g := m.book.crowdGroup(t.Group)
		if m.exclusive(g) {
			if err := m.handOver(ctx, g); err != nil {
				return err
			}
			continue
		}
		free := g != nil && m.e.byName(t) && !m.e.filledBy(m.book, t.Group)
		if free && m.e.deletable(g) {
			alone, err := m.alone(ctx, users, t)
			if err != nil {
				return err
			}
			if alone {
				if err := m.e.deleteCrowdGroup(ctx, g.Name); err != nil {
					return err
				}
				continue
			}
		}
		if leave[crowd.Fold(t.Group)] || m.thorough {
			if err := m.takeOut(ctx, users, t); err != nil {
				return err
			}
		}
		if err := m.release(ctx, g, t, free); err != nil {
			return err
		}
	}
	return nil
}

// exclusive reports whether a left Crowd group is the record of who is in the SCIM
// group.
func (m *move) exclusive(g *crowd.Group) bool {
	n := m.book.entry(m.id)
	return g != nil && n != nil && n.made && m.e.groups.Exclusive() &&
		(m.e.idOn(g) == m.id || m.e.markIn(g.Description) == hash(m.id)) && !m.e.filledBy(m.book, g.Name)
}

// handOver carries the members of an exclusive Crowd group to the one that its
// SCIM group fills now, if it is live, and gives the Crowd group up.
func (m *move) handOver(ctx context.Context, g *crowd.Group) error {
	if len(m.now) > 0 {
		if err := m.e.carry(ctx, g.Name, m.now[0].Group); err != nil {
			return err
		}
	}
	if m.e.deletable(g) {
		return m.e.deleteCrowdGroup(ctx, g.Name)
	}
	members, err := m.e.crowdOf(ctx, g.Name)
	if err != nil {
		return err
	}
	if err := m.e.bringAll(ctx, m.e.crowd.RemoveMember, g.Name, members, nil); err != nil {
		return err
	}
	return m.e.strip(ctx, g)
}

// release takes the SCIM group's marks off a left Crowd group that stays. Where
// another SCIM group of the connection fills it too, that one inherits it.
func (m *move) release(ctx context.Context, g *crowd.Group, t mapping.Target, free bool) error {
	if free {
		return m.e.strip(ctx, g)
	}
	if g == nil || m.e.markIn(g.Description) != hash(m.id) {
		return nil
	}
	for _, n := range m.book.all() {
		if n.id == m.id || !hasTarget(m.e.targets(m.book, n.id), t.Group) {
			continue
		}
		marked := *g
		marked.Description = m.e.description(n.id)
		if err := m.e.crowd.UpdateGroup(ctx, marked); err != nil && !errors.Is(err, crowd.ErrGroupNotFound) {
			return err
		}
		return m.e.writeID(ctx, g.Name, n.id)
	}
	return m.e.strip(ctx, g)
}

// alone reports whether nobody is in a left target but those who are to leave.
func (m *move) alone(ctx context.Context, users map[string]*User, t mapping.Target) (bool, error) {
	for u, err := range m.e.crowd.Members(ctx, t.Group, crowd.List{}) {
		if errors.Is(err, crowd.ErrGroupNotFound) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if ours, err := m.ours(ctx, users, t, u.Name); err != nil || !ours {
			return false, err
		}
	}
	return true, nil
}

// ours reports whether a member of a left target is there by grants only. Users
// met for the first time, whose revocation a fault cut short, are added to users.
func (m *move) ours(ctx context.Context, users map[string]*User, t mapping.Target, name string) (bool, error) {
	u := users[crowd.Fold(name)]
	if u == nil || !m.leaves(u, t) { // as read before, or not at all: look again
		c, err := m.e.crowd.User(ctx, name)
		if errors.Is(err, crowd.ErrUserNotFound) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if u, err = m.e.view(ctx, c); err != nil {
			return false, err
		}
		if u.holdings.Granted(m.id) { // granted since the holders were read
			if u, err = m.holder(ctx, u, m.goingAway()); err != nil {
				return false, err
			}
		}
		users[crowd.Fold(name)] = u
	}
	return m.leaves(u, t), nil
}

// leaves reports whether a user's membership in a left target is to end.
func (m *move) leaves(u *User, t mapping.Target) bool {
	holdings := u.holdings
	if m.revoke {
		holdings = holdings.with([]grantChange{{m.id, false}})
	}
	action, _ := m.e.derive(m.book, u, holdings, t)
	return action == mapping.Remove
}

// takeOut takes those out of a left target who are there by grants only.
func (m *move) takeOut(ctx context.Context, users map[string]*User, t mapping.Target) error {
	if m.thorough {
		for u, err := range m.e.crowd.Members(ctx, t.Group, crowd.List{}) {
			if errors.Is(err, crowd.ErrGroupNotFound) {
				break
			}
			if err != nil {
				return err
			}
			if _, err := m.ours(ctx, users, t, u.Name); err != nil {
				return err
			}
		}
	}
	names := slices.Sorted(maps.Keys(users))
	return m.e.each(ctx, len(names), func(ctx context.Context, i int) error {
		return m.e.rederive(ctx, m.book, users[names[i]], t)
	})
}
