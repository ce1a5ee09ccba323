package groupsync

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A groupItem is what is to be done with one group.
type groupItem struct {
	id               string // of the SCIM group, "" for one to be created
	name, externalID string
	add, remove      []string            // members: externalIds to add, SCIM ids to remove
	repairs          []Step              // memberships that a fault left half made
	since            map[string]UserFact // the grants of those to remove
}

// group plans for one group.
func (r *importing) group(ctx context.Context, g *ImportGroup) error {
	o := ImportOutcome{Kind: "group", Name: g.Name, ExternalID: g.ExternalID}
	if err := r.e.checkGroupName(g.Name); err != nil {
		r.skip(o, err.Error())
		return nil
	}
	if r.grouped[crowd.Fold(g.Name)] {
		r.skip(o, "the identity provider told of another group of this name before")
		return nil
	}
	r.grouped[crowd.Fold(g.Name)] = true
	b, err := r.e.book(ctx, "", r.e.crowdNames(NewGroup{Name: g.Name, ExternalID: g.ExternalID})...)
	if err != nil {
		return err
	}
	now, why := r.groupOf(b, g)
	if why != "" {
		r.skip(o, why)
		return nil
	}
	it := &importItem{group: &groupItem{name: g.Name, externalID: g.ExternalID}}
	if now == nil {
		it.steps = r.e.planCreateGroup(b, b.next(g.Name), NewGroup{Name: g.Name, ExternalID: g.ExternalID}, r.e.now().UTC()).Steps
		o.Action, o.Why = ImportCreate, "the connection has no such group"
		if it.steps[0].Op == OpLinkGroup {
			o.Action, o.Why = ImportLink, "Crowd has a group of that name"
		}
	} else {
		it.group.id = now.ID
		if b, err = r.e.book(ctx, now.ID, r.e.crowdNames(NewGroup{Name: now.Name, ExternalID: now.ExternalID})...); err != nil {
			return err
		}
		it.steps = r.e.stepsOfGroup(b, now, g)
		o.Crowd, o.Action, o.Why = now.Name, ImportUpdate, "the connection has the group"
	}
	r.groupIDs[g.ExternalID] = person{name: g.Name, id: it.group.id}
	if err := r.members(ctx, it, b, now, g); err != nil {
		return err
	}
	for i := range it.steps {
		it.steps[i].run = nil
	}
	r.add(it, o)
	return nil
}

// groupOf finds the SCIM group of a record, by id and else by name.
func (r *importing) groupOf(b *Book, g *ImportGroup) (now *Group, why string) {
	byName := b.owner(g.Name)
	for _, n := range b.all() {
		if n.externalID != g.ExternalID {
			continue
		}
		if byName != "" && byName != n.id {
			return nil, fmt.Sprintf("the group is %q in Crowd, and another one has the name %q. Rename or delete that", n.name, g.Name)
		}
		return r.e.show(b, n), ""
	}
	if byName == "" {
		return nil, ""
	}
	n := b.live(byName)
	if n.externalID != "" {
		return nil, fmt.Sprintf("the group %q in Crowd is on record as %q of the identity provider", n.name, n.externalID)
	}
	return r.e.show(b, n), ""
}

// stepsOfGroup are those of [Engine.ChangeGroup] without the members.
func (e *Engine) stepsOfGroup(b *Book, now *Group, g *ImportGroup) []Step {
	var steps []Step
	if e.unfinished(b, now.ID) {
		steps = append(steps, Step{Op: OpUpdateGroup, Group: now.Name, GroupID: now.ID, Why: "a change of the group did not end"})
	}
	if now.Name != g.Name {
		steps = append(steps, Step{
			Op: OpRenameGroup, Group: now.Name, GroupID: now.ID,
			Changes: []Change{{"displayName", now.Name, g.Name}}, Why: "the identity provider calls it so",
		})
	}
	if now.ExternalID != g.ExternalID {
		steps = append(steps, Step{
			Op: OpUpdateGroup, Group: now.Name, GroupID: now.ID,
			Changes: []Change{{"externalId", now.ExternalID, g.ExternalID}}, Why: "the identity provider's id",
		})
	}
	return steps
}

// members plans who is put into a group, and who is taken out where that was asked
// for.
func (r *importing) members(ctx context.Context, it *importItem, b *Book, now *Group, g *ImportGroup) error {
	if g.Members == nil {
		return nil
	}
	held, half, err := r.holders(ctx, b, now)
	if err != nil {
		return err
	}
	whole, met := true, map[string]bool{}
	var passed []string // members of whom nothing is known but that they are members
	for m, err := range g.Members {
		if err != nil {
			r.endEarly(err)
			whole = false
			break
		}
		if !met[m.ExternalID] {
			met[m.ExternalID] = true
			if !r.member(it, held, g, m) {
				passed = append(passed, m.ExternalID)
			}
		}
	}
	if whole && r.options.RemoveMembers {
		if err := r.keep(ctx, held, passed); err != nil {
			return err
		}
		r.removals(it, held)
		r.wholeGroups = append(r.wholeGroups, g.ExternalID)
	}
	r.repairs(it, half)
	return nil
}

// holders returns who is in a group by the records, names by SCIM id, and the steps
// by which memberships follow the records that a fault kept from following.
func (r *importing) holders(ctx context.Context, b *Book, now *Group) (held map[string]string, half []Step, err error) {
	held, r.grants = map[string]string{}, map[string]UserFact{}
	if now == nil {
		return held, nil, nil
	}
	if now.Direct != nil {
		for m, err := range r.e.Members(ctx, now) {
			if err != nil {
				return nil, nil, err
			}
			if !m.Group {
				held[m.ID] = m.Name
			}
		}
		return held, nil, nil
	}
	k, err := r.e.newBulk(ctx, b, now.ID) // before the users are read
	if err != nil {
		return nil, nil, err
	}
	for u, err := range r.e.ledger.Edges(ctx, now.ID, 0) {
		if err != nil {
			return nil, nil, err
		}
		v, err := r.e.view(ctx, u)
		if err != nil {
			return nil, nil, err
		}
		if grant, ok := v.holdings.Grant(now.ID); ok && !v.gone {
			held[v.ID], r.grants[v.ID] = v.Crowd.Name, grant
		}
		half = append(half, r.half(b, k, v)...)
	}
	return held, half, nil
}

// half returns the steps that the memberships of a user lack, in the Crowd groups that
// a group fills.
func (r *importing) half(b *Book, k *bulk, v *User) (steps []Step) {
	for _, t := range r.e.targets(b, k.groupID) {
		if b.crowdGroup(t.Group) == nil {
			continue
		}
		op, reasons := r.e.memberDrift(b, v, t, k.members[crowd.Fold(t.Group)][crowd.Fold(v.Crowd.Name)])
		if op == "" || op == OpRemoveMember && !r.options.RemoveMembers {
			continue
		}
		steps = append(steps, Step{
			Op: op, User: v.Crowd.Name, UserID: v.ID, Group: t.Group, Reasons: reasons, Why: "a change of the membership did not end",
		})
	}
	return steps
}

// repairs takes those of the steps into the plan whose users are not put into the
// group or taken out of it anyway.
func (r *importing) repairs(it *importItem, half []Step) {
	changed := map[string]bool{}
	for _, s := range it.steps {
		changed[s.UserID] = true
	}
	for _, s := range half {
		if !changed[s.UserID] {
			it.group.repairs = append(it.group.repairs, s)
			it.steps = append(it.steps, s)
		}
	}
}

// member plans for one member, and takes it from those held. It reports false of a
// user who is passed over.
func (r *importing) member(it *importItem, held map[string]string, g *ImportGroup, m ImportMember) bool {
	if m.Group {
		r.nested = append(r.nested, nestItem{parent: g.ExternalID, child: m.ExternalID})
		return true
	}
	p, told := r.people[m.ExternalID]
	o := ImportOutcome{Kind: "member", Name: cmp.Or(p.name, m.ExternalID), ExternalID: m.ExternalID, Group: g.Name}
	switch {
	case !told:
		r.skip(o, "it is not among the users that the identity provider told of")
		return false
	case p.out:
		r.skip(o, "the user was passed over")
		return false
	}
	if _, in := held[p.id]; in {
		delete(held, p.id)
		return true
	}
	it.group.add = append(it.group.add, m.ExternalID)
	it.steps = append(it.steps, Step{
		Op: OpGrant, User: p.name, UserID: p.id, Group: g.Name, GroupID: it.group.id, Why: "the identity provider has the user in the group",
	})
	return true
}

// removals plans to take those out of a group who are left.
func (r *importing) removals(it *importItem, held map[string]string) {
	it.group.since = map[string]UserFact{}
	byName := func(a, b string) int { return strings.Compare(crowd.Fold(held[a]), crowd.Fold(held[b])) }
	for _, id := range slices.SortedFunc(maps.Keys(held), byName) {
		it.group.remove = append(it.group.remove, id)
		it.group.since[id] = r.grants[id]
		it.steps = append(it.steps, Step{
			Op: OpRevoke, User: held[id], UserID: id, Group: it.group.name, GroupID: it.group.id,
			Why: "the identity provider does not have the user in the group",
		})
	}
}
