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

// A nest is what is recorded of a SCIM group within another. As with users, the
// record is written first, the Crowd groups follow, and then both are looked at
// again.
type nest struct {
	parent, child string // ids
	granted       bool
	found         bool // it was so in Crowd, by hand, before it was granted
}

func (b *Book) addNest(f GroupFact) {
	b.forget()
	n := nest{f.ID, f.Child, f.Granted, f.Origin == Found}
	for i, old := range b.nests {
		if old.parent == n.parent && old.child == n.child {
			b.nests[i] = n
			return
		}
	}
	b.nests = append(b.nests, n)
}

// nest returns what is recorded of a group within another.
func (b *Book) nest(parent, child string) nest {
	for _, n := range b.nests {
		if n.parent == parent && n.child == child {
			return n
		}
	}
	return nest{parent: parent, child: child}
}

// recorded reports whether anything was ever said of a group within another.
func (b *Book) recorded(parent, child string) bool {
	return slices.ContainsFunc(b.nests, func(n nest) bool { return n.parent == parent && n.child == child })
}

// nested reports whether a live group is within another live one.
func (b *Book) nested(n nest) bool {
	return n.granted && b.live(n.parent) != nil && b.live(n.child) != nil
}

// members returns the groups within a group, by folded name.
func (b *Book) members(parent string) []Member {
	var all []Member
	for _, n := range b.nests {
		if n.parent == parent && b.nested(n) {
			all = append(all, Member{ID: n.child, Name: b.live(n.child).name, Group: true})
		}
	}
	slices.SortFunc(all, func(x, y Member) int { return strings.Compare(crowd.Fold(x.Name), crowd.Fold(y.Name)) })
	return all
}

// ancestors returns the ids of the groups that a group is within, at any depth.
func (b *Book) ancestors(id string) []string {
	return b.reach(id, func(n nest) (from, to string) { return n.child, n.parent })
}

// descendants returns the ids of the groups within a group, at any depth.
func (b *Book) descendants(id string) []string {
	return b.reach(id, func(n nest) (from, to string) { return n.parent, n.child })
}

func (b *Book) reach(id string, way func(nest) (from, to string)) []string {
	var found []string
	for next := []string{id}; len(next) > 0; next = next[1:] {
		for _, n := range b.nests {
			from, to := way(n)
			if from == next[0] && b.nested(n) && to != id && !slices.Contains(found, to) {
				found, next = append(found, to), append(next, to)
			}
		}
	}
	slices.Sort(found)
	return found
}

// nests reports whether a Crowd group is to be within another for a nest's sake.
func (e *Engine) nests(b *Book, n nest) bool { return !e.cfg.FlattenGroups && b.nested(n) }

// changeNests makes groups members of a group or takes them out, as want says;
// with replace those that want does not name are taken out.
func (e *Engine) changeNests(ctx context.Context, b *Book, g *Group, want map[string]bool, replace bool) (*Book, error) {
	inner := map[string]bool{}
	for id, in := range want {
		if _, _, group := nameInID(id); group {
			inner[id] = in
		}
	}
	if replace {
		for _, m := range b.members(g.ID) {
			if !inner[m.ID] {
				inner[m.ID] = false
			}
		}
	}
	p := &Plan{Title: fmt.Sprintf("change the groups within %q", g.Name)}
	for _, id := range slices.Sorted(maps.Keys(inner)) {
		s, err := e.nestStep(ctx, &b, g, id, inner[id])
		if err != nil {
			return nil, err
		}
		if s.run != nil {
			p.add(s)
		}
	}
	return b, unwrapStep(e.apply(ctx, p))
}

// nestStep returns the step that brings one group into another or out; none where
// there is nothing to do. What cannot be is refused.
func (e *Engine) nestStep(ctx context.Context, b **Book, g *Group, id string, in bool) (Step, error) {
	if !in {
		if !(*b).recorded(g.ID, id) {
			return Step{}, nil
		}
	} else if err := e.admitNest(ctx, b, g, id); err != nil {
		if errors.Is(err, ErrNoGroup) {
			return Step{}, e.unknownMember(ctx, g, id)
		}
		return Step{}, err
	}
	child := (*b).entry(id)
	if child == nil {
		return Step{}, nil
	}
	s := Step{
		Op: OpRemoveGroup, Group: g.Name, GroupID: g.ID, Child: child.name, ChildID: id,
		Why: "the identity provider took the group out of the other",
	}
	if in {
		s.Op, s.Why = OpAddGroup, "the identity provider put the group into the other"
	}
	book := *b
	s.run = func(ctx context.Context) error { return e.bringNest(ctx, book, g.ID, id, in) }
	return s, nil
}

// admitNest refuses a group within a group that cannot be, and adopts a Crowd
// group that is to be within another and was never adopted.
func (e *Engine) admitNest(ctx context.Context, b **Book, g *Group, id string) error {
	refuse := func(problem, remedy string) error {
		return &RefusedError{Attribute: "members", Problem: problem, Remedy: remedy}
	}
	if id == g.ID || slices.Contains((*b).descendants(id), g.ID) {
		return refuse(fmt.Sprintf("the group %q would be within itself", g.Name), "Take one of the groups out of the other in the identity provider")
	}
	if (*b).live(id) == nil {
		found, inner, err := e.find(ctx, id)
		if err != nil {
			return err
		}
		if !inner.Adopted {
			if found, err = e.adopt(ctx, found, inner); err != nil {
				return err
			}
		}
		*b = found
	}
	if e.cfg.FlattenGroups {
		return nil
	}
	_, outer := e.byNameTarget(*b, g.ID)
	_, inner := e.byNameTarget(*b, id)
	if !outer || !inner {
		return refuse(fmt.Sprintf("the group %q cannot be within %q, since rules map them to Crowd groups of other names", (*b).live(id).name, g.Name),
			"Push the members of the inner group themselves, or let the setting groups.nested flatten groups")
	}
	return nil
}

// byNameTarget returns the Crowd group that a SCIM group fills for its name.
func (e *Engine) byNameTarget(b *Book, id string) (string, bool) {
	n := b.entry(id)
	if n == nil {
		return "", false
	}
	for _, t := range e.groups.Targets(n.scimGroup()) {
		if e.byName(t) {
			return t.Group, true
		}
	}
	return "", false
}

// bringNest records that a group is within another, or no longer, makes Crowd
// follow, and looks again until the two agree.
func (e *Engine) bringNest(ctx context.Context, b *Book, parent, child string, in bool) error {
	old := b.nest(parent, child)
	f := GroupFact{Kind: Nested, ID: parent, Child: child, Granted: in, At: e.now().UTC(), Request: requestID(ctx)}
	if old.found {
		f.Origin = Found
	}
	if in && !old.granted && !e.cfg.FlattenGroups {
		by, err := e.nestedByHand(ctx, b, parent, child)
		if err != nil {
			return err
		}
		if f.Origin = Unknown; by {
			f.Origin = Found
		}
	}
	before := e.reachOf(b, child)
	if old.granted != in {
		if err := e.recordGroup(ctx, b, f); err != nil {
			return err
		}
	}
	b.Add(f)
	if e.cfg.FlattenGroups {
		return e.flatten(ctx, b, before)
	}
	err := e.settleNest(ctx, b, parent, child)
	if in && errors.Is(err, crowd.ErrNestedGroups) {
		f.Granted, f.At = false, e.now().UTC()
		if err := e.recordGroup(ctx, b, f); err != nil {
			return err
		}
		return &RefusedError{
			Attribute: "members", Problem: "the Crowd directory has groups within groups switched off",
			Remedy: "Switch nested groups on for the directory, let the setting groups.nested flatten groups, or push the members of the inner group themselves", Err: err,
		}
	}
	return err
}

// nestedByHand reports whether the Crowd groups of two SCIM groups are within each
// other already.
func (e *Engine) nestedByHand(ctx context.Context, b *Book, parent, child string) (bool, error) {
	outer, _ := e.byNameTarget(b, parent)
	inner, _ := e.byNameTarget(b, child)
	in, err := e.crowd.IsChildGroup(ctx, outer, inner, false)
	if errors.Is(err, crowd.ErrGroupNotFound) || errors.Is(err, crowd.ErrNestedGroups) {
		return false, nil
	}
	return in, err
}

// settleNest brings a Crowd group into another or out, as the book says, reads the
// book again, and repeats while it says otherwise.
func (e *Engine) settleNest(ctx context.Context, b *Book, parent, child string) error {
	for {
		outer, _ := e.byNameTarget(b, parent)
		inner, _ := e.byNameTarget(b, child)
		want := e.nests(b, b.nest(parent, child))
		if err := e.nestCrowd(ctx, b, outer, inner, want || e.nestedElse(b, outer, inner)); err != nil {
			return err
		}
		again, err := e.books(ctx)
		if err != nil {
			return err
		}
		outerNow, _ := e.byNameTarget(again, parent)
		innerNow, _ := e.byNameTarget(again, child)
		if e.nests(again, again.nest(parent, child)) == want && outerNow == outer && innerNow == inner {
			return nil
		}
		b = again
	}
}

// nestedElse reports whether a Crowd group stays within another for the sake of
// other SCIM groups, or because it was so by hand.
func (e *Engine) nestedElse(b *Book, outer, inner string) bool {
	return slices.ContainsFunc(b.nests, func(n nest) bool {
		if !e.nests(b, n) && !n.found {
			return false
		}
		p, _ := e.byNameTarget(b, n.parent)
		c, _ := e.byNameTarget(b, n.child)
		return crowd.Fold(p) == crowd.Fold(outer) && crowd.Fold(c) == crowd.Fold(inner)
	})
}

func (e *Engine) nestCrowd(ctx context.Context, b *Book, outer, inner string, in bool) error {
	if outer == "" || inner == "" {
		return nil
	}
	change := e.crowd.RemoveChildGroup
	if in {
		change = e.crowd.AddChildGroup
	}
	_, err := change(ctx, outer, inner)
	if !errors.Is(err, crowd.ErrGroupNotFound) {
		return err
	}
	if !in {
		return nil
	}
	for _, name := range []string{outer, inner} {
		if id := b.owner(name); id != "" {
			if err := e.deriveNames(ctx, id, name); err != nil {
				return err
			}
		}
	}
	if _, err = change(ctx, outer, inner); errors.Is(err, crowd.ErrGroupNotFound) {
		e.report(ctx, EventMissingTarget, Step{Op: OpAddGroup, Group: outer, Child: inner}, "one of the Crowd groups does not exist. Create it")
		return nil
	}
	return err
}

// reachOf returns the targets of a group and of all within it, by id, where groups
// are flattened.
func (e *Engine) reachOf(b *Book, id string) map[string][]mapping.Target {
	reach := map[string][]mapping.Target{}
	if !e.cfg.FlattenGroups {
		return reach
	}
	for _, d := range append(b.descendants(id), id) {
		reach[d] = e.targets(b, d)
	}
	return reach
}

// flatten moves the holders of groups, that filled other targets before, to what
// they fill now.
func (e *Engine) flatten(ctx context.Context, b *Book, before map[string][]mapping.Target) error {
	if len(before) == 0 {
		return nil
	}
	e.beginMove(b)
	for _, id := range slices.Sorted(maps.Keys(before)) {
		n := b.live(id)
		now := e.targets(b, id)
		if n == nil || sameTargets(before[id], now) {
			continue
		}
		m := move{e: e, id: id, book: b, now: now, left: without(before[id], now)}
		if err := e.readLeft(ctx, b, m.left); err != nil {
			return err
		}
		if _, err := m.settle(ctx, n.name); err != nil {
			return err
		}
	}
	return nil
}

// deriveNests brings the Crowd groups of what is within a SCIM group, and of what
// it is within, to what is recorded, after its own Crowd group has changed. A left
// one that stays lets go of the others.
func (e *Engine) deriveNests(ctx context.Context, b *Book, id string, left []mapping.Target) error {
	own, _ := e.byNameTarget(b, id)
	for _, n := range b.nests {
		if n.parent != id && n.child != id || !n.granted {
			continue
		}
		if e.nests(b, n) {
			if err := e.settleNest(ctx, b, n.parent, n.child); err != nil {
				return err
			}
		}
		for _, t := range left {
			if b.crowdGroup(t.Group) == nil || b.nested(n) && crowd.Fold(t.Group) == crowd.Fold(own) {
				continue
			}
			if err := e.letGo(ctx, b, n, id, t.Group); err != nil {
				return err
			}
		}
	}
	return nil
}

// letGo takes a left Crowd group out of the other of a nest, or the other out of it.
func (e *Engine) letGo(ctx context.Context, b *Book, n nest, id, left string) error {
	outer, inner := left, left
	if n.parent == id {
		inner, _ = e.byNameTarget(b, n.child)
	} else {
		outer, _ = e.byNameTarget(b, n.parent)
	}
	if n.found || e.nestedElse(b, outer, inner) {
		return nil
	}
	return e.nestCrowd(ctx, b, outer, inner, false)
}
