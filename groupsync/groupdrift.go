package groupsync

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// groups looks at every Crowd group that a SCIM group fills by name, or bears the
// connection's marks.
func (r *comparison) groups() {
	for _, n := range r.book.all() {
		for _, t := range r.e.targets(r.book, n.id) {
			if s, wrong := r.e.targetDrift(r.book, n, t); wrong {
				r.plan.add(s)
				r.making[crowd.Fold(t.Group)] = true
			}
		}
	}
	for _, f := range slices.Sorted(maps.Keys(r.book.Crowd)) {
		if s, wrong := r.e.leftoverDrift(r.book, r.book.Crowd[f]); wrong {
			r.plan.add(s)
		}
	}
	r.nests()
}

// nests looks at every group within a group that is recorded.
func (r *comparison) nests() {
	if r.roster.nested == nil {
		return
	}
	for _, n := range r.book.nests {
		parent, child := r.book.entry(n.parent), r.book.entry(n.child)
		outer, _ := r.e.byNameTarget(r.book, n.parent)
		inner, _ := r.e.byNameTarget(r.book, n.child)
		if outer == "" || inner == "" {
			continue
		}
		in := r.roster.nested[[2]string{crowd.Fold(outer), crowd.Fold(inner)}]
		s := Step{Group: parent.name, GroupID: n.parent, Child: child.name, ChildID: n.child}
		switch {
		case r.e.nests(r.book, n) && !in:
			s.Op, s.Why = OpAddGroup, "the identity provider put the group into the other"
		case !r.e.nests(r.book, n) && in && !n.found && !r.e.nestedElse(r.book, outer, inner):
			s.Op, s.Why = OpRemoveGroup, "the identity provider took the group out of the other"
		default:
			continue
		}
		r.plan.add(s)
	}
}

// repairNest brings a Crowd group into another or out, as is recorded.
func (e *Engine) repairNest(ctx context.Context, s Step) error {
	b, err := e.books(ctx)
	if err != nil {
		return err
	}
	if e.nests(b, b.nest(s.GroupID, s.ChildID)) != (s.Op == OpAddGroup) {
		return errStale
	}
	return e.settleNest(ctx, b, s.GroupID, s.ChildID)
}

// targetDrift returns the step that a Crowd group needs which a SCIM group fills
// by name: it is missing, or it lacks the id.
func (e *Engine) targetDrift(b *Book, n *entry, t mapping.Target) (Step, bool) {
	if !t.Create {
		return Step{}, false
	}
	s := Step{Op: OpCreateGroup, Group: t.Group, GroupID: n.id, Why: "a SCIM group fills it, and it is missing"}
	g := b.crowdGroup(t.Group)
	if g == nil {
		return s, !slices.ContainsFunc(b.all(), func(o *entry) bool { // the first of several makes it
			return o.id < n.id && hasTarget(e.targets(b, o.id), t.Group)
		})
	}
	s.Op, s.Why = OpLinkGroup, "a SCIM group fills it, and it does not bear the mark of that"
	return s, e.idOn(g) != n.id && !e.carriedByAnother(b, t.Group)
}

// leftoverDrift returns the step that a Crowd group needs which bears a mark of
// this connection and which no SCIM group fills.
func (e *Engine) leftoverDrift(b *Book, g *crowd.Group) (Step, bool) {
	mark, id := e.markIn(g.Description), e.idOn(g)
	if mark == "" && id == "" {
		return Step{}, false
	}
	s := Step{Op: OpReleaseGroup, Group: g.Name, GroupID: id, Why: "no SCIM group fills it any more"}
	if e.filledBy(b, g.Name) {
		stale := id != "" && b.live(id) == nil || mark != "" && b.live(idOf(b, mark)) == nil
		s.Why = "the SCIM group that made it is gone, and others fill it"
		return s, stale && b.entries[mark] != nil
	}
	if id == "" && b.entries[mark] == nil {
		return e.orphanDrift(g)
	}
	if e.goesWith(b, g) {
		s.Op, s.Why = OpDeleteGroup, "the SCIM group that made it was renamed or deleted"
	}
	return s, true
}

// idOf returns the id that a hash stands for, if the book has it.
func idOf(b *Book, hashed string) string {
	if n := b.entries[hashed]; n != nil {
		return n.id
	}
	return ""
}

// idOf returns the id of the SCIM group whose marks a Crowd group bears.
func (e *Engine) idOf(b *Book, g *crowd.Group) string {
	return cmp.Or(e.idOn(g), idOf(b, e.markIn(g.Description)))
}

// goesWith reports whether a Crowd group that nothing fills is to be deleted once
// nobody is in it: this connection made it, and the SCIM group it was made for has
// another name or none.
func (e *Engine) goesWith(b *Book, g *crowd.Group) bool {
	n := b.entries[e.markIn(g.Description)]
	if n == nil || !e.deletable(g) {
		return false
	}
	return !n.live() || slices.ContainsFunc(e.targets(b, n.id), e.byName)
}

// orphanDrift returns the step that a Crowd group needs which was made for a SCIM
// group that never came to be. Its maker may be at work this moment: it is watched
// for a quarantine, then deleted.
func (e *Engine) orphanDrift(g *crowd.Group) (Step, bool) {
	s := Step{Op: OpWatchGroup, Group: g.Name, Why: "it was made for a SCIM group whose creation has not ended"}
	seconds, err := strconv.ParseInt(g.Attributes.First(e.names.orphan), 10, 64)
	if err != nil {
		return s, true
	}
	if e.now().Sub(time.Unix(seconds, 0)) < quarantine || !e.deletable(g) {
		return Step{}, false
	}
	s.Op, s.Why = OpDeleteGroup, "it was made for a SCIM group whose creation did not end"
	return s, true
}

// repairGroup applies one of these steps, if it is still what the Crowd group
// needs.
func (e *Engine) repairGroup(ctx context.Context, s Step) error {
	b, err := e.book(ctx, s.GroupID, s.Group)
	if err != nil {
		return err
	}
	now, wrong := e.groupDrift(b, s)
	if !wrong {
		return nil
	}
	if now.Op != s.Op {
		return errStale
	}
	g := b.crowdGroup(s.Group)
	switch s.Op {
	case OpCreateGroup, OpLinkGroup:
		return e.repairTarget(ctx, b, s)
	case OpWatchGroup:
		seen := strconv.FormatInt(e.now().Unix(), 10)
		return e.crowd.SetGroupAttributes(ctx, g.Name, crowd.Attributes{e.names.orphan: {seen}})
	}
	if done, err := e.repairExclusive(ctx, b, g); done {
		return err
	}
	if s.Op == OpDeleteGroup {
		return e.repairLeftover(ctx, b, g)
	}
	return e.releaseGroup(ctx, b, g)
}

// repairExclusive ends what left an exclusive Crowd group standing: a rename, whose
// members are still to be carried over, or a deletion.
func (e *Engine) repairExclusive(ctx context.Context, b *Book, g *crowd.Group) (done bool, err error) {
	id := e.idOf(b, g)
	n := b.entry(id)
	switch {
	case n == nil || !n.made || !e.groups.Exclusive():
		return false, nil
	case n.live():
		return true, e.deriveNames(ctx, id, n.name)
	}
	return true, e.finishDead(ctx, id, n.name, nil, true)
}

// groupDrift returns the step that the Crowd group of a step needs now.
func (e *Engine) groupDrift(b *Book, s Step) (Step, bool) {
	if s.Op == OpCreateGroup || s.Op == OpLinkGroup {
		n := b.live(s.GroupID)
		if n == nil {
			return Step{}, false
		}
		for _, t := range e.targets(b, s.GroupID) {
			if crowd.Fold(t.Group) == crowd.Fold(s.Group) {
				return e.targetDrift(b, n, t)
			}
		}
		return Step{}, false
	}
	g := b.crowdGroup(s.Group)
	if g == nil {
		return Step{}, false
	}
	return e.leftoverDrift(b, g)
}

// repairTarget makes or marks a Crowd group that a SCIM group fills, and looks
// again: one that was renamed or deleted meanwhile gives it up.
func (e *Engine) repairTarget(ctx context.Context, b *Book, s Step) error {
	for _, t := range e.targets(b, s.GroupID) {
		if crowd.Fold(t.Group) != crowd.Fold(s.Group) {
			continue
		}
		if err := e.ensureCrowdGroup(ctx, b, s.GroupID, t); err != nil {
			return err
		}
	}
	again, err := e.books(ctx)
	if err != nil {
		return err
	}
	n := again.live(s.GroupID)
	switch {
	case n == nil:
		dead := again.entry(s.GroupID)
		return e.finishDead(ctx, s.GroupID, dead.name, nil, true)
	case n.name != b.live(s.GroupID).name:
		return e.deriveNames(ctx, s.GroupID, b.live(s.GroupID).name, n.name)
	}
	return nil
}

// repairLeftover deletes a Crowd group if nobody is in it, else makes it one by
// others. Whoever has taken the name meanwhile gets it back.
func (e *Engine) repairLeftover(ctx context.Context, b *Book, g *crowd.Group) error {
	for _, err := range e.crowd.Members(ctx, g.Name, crowd.List{Max: 1}) {
		if errors.Is(err, crowd.ErrGroupNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return e.releaseGroup(ctx, b, g)
	}
	if err := e.deleteCrowdGroup(ctx, g.Name); err != nil {
		return err
	}
	again, err := e.books(ctx)
	if err != nil {
		return err
	}
	for _, n := range again.all() {
		if hasTarget(e.targets(again, n.id), g.Name) {
			return e.deriveNames(ctx, n.id, n.name)
		}
	}
	return nil
}

// releaseGroup takes this connection's marks off a Crowd group.
func (e *Engine) releaseGroup(ctx context.Context, b *Book, g *crowd.Group) error {
	id := e.idOf(b, g)
	m := move{e: e, id: id, book: b}
	return m.release(ctx, g, mapping.Target{Group: g.Name}, !e.filledBy(b, g.Name))
}
