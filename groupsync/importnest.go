package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// A nestItem is one group to be put into another, by their externalIds, or taken out.
type nestItem struct {
	parent, child string
	half          *Step  // set where only what is recorded is to be ended
	remove        string // the SCIM id of a group to be taken out
}

// nests plans for the groups within groups, once all groups are known.
func (r *importing) nests(ctx context.Context) error {
	if len(r.nested)+len(r.wholeGroups) == 0 {
		return nil
	}
	b, err := r.e.books(ctx)
	if err != nil {
		return err
	}
	met := map[nestItem]bool{}
	for _, n := range r.nested {
		if met[n] {
			continue
		}
		met[n] = true
		if err := r.nest(ctx, b, n); err != nil {
			return err
		}
	}
	if r.early != nil {
		return nil // what is not told is not gone
	}
	for _, externalID := range r.wholeGroups {
		r.unnest(b, externalID)
	}
	return nil
}

// unnest plans to take those groups out of one whose members came whole that the
// identity provider does not have in it.
func (r *importing) unnest(b *Book, externalID string) {
	parent := r.groupIDs[externalID]
	for _, m := range b.members(parent.id) {
		if slices.ContainsFunc(r.nested, func(n nestItem) bool { return n.parent == externalID && r.mayBe(n.child, b.live(m.ID)) }) {
			continue
		}
		r.add(&importItem{nest: &nestItem{parent: externalID, remove: m.ID}, steps: []Step{{
			Op: OpRemoveGroup, Group: parent.name, GroupID: parent.id, Child: m.Name, ChildID: m.ID,
			Why: "the identity provider does not have the group in the group",
		}}}, ImportOutcome{
			Kind: "member", Name: m.Name, Group: parent.name, Action: ImportUpdate,
			Why: "the identity provider does not have the group in the group",
		})
	}
}

// mayBe reports whether a group is, or may be, that of an id of the identity provider's.
// Where the record of that id did not come, or is passed over, it is the group that
// has the id on record, and one that has none cannot be told from it.
func (r *importing) mayBe(externalID string, n *entry) bool {
	if g, planned := r.groupIDs[externalID]; planned {
		return n != nil && g.id == n.id
	}
	return n == nil || n.externalID == externalID || n.externalID == ""
}

func (r *importing) nest(ctx context.Context, b *Book, n nestItem) error {
	parent, child := r.groupIDs[n.parent], r.groupIDs[n.child]
	o := ImportOutcome{
		Kind: "member", Name: cmp.Or(child.name, n.child), ExternalID: n.child, Group: parent.name,
		Action: ImportUpdate, Why: "the identity provider has the group in the group",
	}
	if child.name == "" {
		r.skip(o, "it is not among the groups that the identity provider told of, or was passed over")
		return nil
	}
	s := Step{
		Op: OpAddGroup, Group: parent.name, GroupID: parent.id, Child: child.name, ChildID: child.id,
		Why: "the identity provider has the group in the group",
	}
	if parent.id != "" && child.id != "" && b.nested(b.nest(parent.id, child.id)) {
		done, err := r.nestDone(ctx, b, parent.id, child.id)
		if done || err != nil {
			return err
		}
		n.half, s.Why = &s, "a change of the group did not end"
	}
	r.add(&importItem{nest: &n, steps: []Step{s}}, o)
	return nil
}

// nestDone reports whether Crowd has a group within another as is recorded.
func (r *importing) nestDone(ctx context.Context, b *Book, parent, child string) (bool, error) {
	outer, ok := r.e.byNameTarget(b, parent)
	inner, also := r.e.byNameTarget(b, child)
	if !ok || !also || r.e.cfg.FlattenGroups {
		return true, nil
	}
	return r.e.crowd.IsChildGroup(ctx, outer, inner, false)
}

// nest puts a group into another, or takes it out.
func (a *importApplying) nest(ctx context.Context, it *importItem) error {
	n := it.nest
	if n.half != nil {
		s := *n.half
		s.run = func(ctx context.Context) error { return a.e.repairNest(ctx, s) }
		return a.e.step(ctx, s)
	}
	change := MemberChange{AddMembers, []string{a.groupIDs[n.child].id}}
	check := []person{a.groupIDs[n.parent], a.groupIDs[n.child]}
	if n.remove != "" {
		change, check = MemberChange{RemoveMembers, []string{n.remove}}, check[:1]
	}
	for _, g := range check {
		if g.id == "" {
			return fmt.Errorf("groupsync: the group %q could not be created", g.name)
		}
	}
	_, err := a.e.ChangeGroup(ctx, check[0].id, GroupChange{Members: []MemberChange{change}})
	if errors.Is(err, ErrNoGroup) {
		return errStale
	}
	return err
}
