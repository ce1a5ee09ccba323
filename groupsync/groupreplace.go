package groupsync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// replaceMembers makes the users of the ids the members of a SCIM group, all of
// them and nobody else: it changes what differs and repeats until nothing does.
// Of two that run at once the last to find its own members wins whole.
func (e *Engine) replaceMembers(ctx context.Context, b *Book, g *Group, ids []string) error {
	r := &replacement{e: e, book: b, group: g, want: map[string]bool{}, unknown: map[string]bool{}}
	for _, id := range ids {
		r.want[id] = true
	}
	for first := true; ; first = false {
		p, err := r.plan(ctx, first)
		if err != nil || len(p.Steps) == 0 {
			return err
		}
		if err := e.applyAll(ctx, p); err != nil || e.cfg.DryRun {
			return err
		}
		if p.count(OpGrant, OpRevoke) == 0 {
			return nil // memberships were repaired, each with its second look
		}
	}
}

type replacement struct {
	e       *Engine
	book    *Book
	group   *Group
	want    map[string]bool // user ids
	unknown map[string]bool // wanted ids that Crowd does not have
}

// plan reads the holders, and in the first round the Crowd groups as well, since
// a fault may have parted the two.
func (r *replacement) plan(ctx context.Context, first bool) (*Plan, error) {
	all, err := r.e.holders(ctx, r.group.ID)
	if err != nil {
		return nil, err
	}
	holders := map[string]*User{}
	for _, u := range all {
		holders[u.ID] = u
	}
	p := &Plan{
		Title:   fmt.Sprintf("replace the members of %q", r.group.Name),
		members: func(context.Context) (int, error) { return len(holders), nil },
	}
	if err := r.planGrants(ctx, p, holders); err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(holders)) {
		if !r.want[id] {
			p.add(r.e.grantStep(r.book, r.group, holders[id], false))
		}
	}
	if !first {
		return p, nil
	}
	for _, t := range r.e.targets(r.book, r.group.ID) {
		if err := r.planRepairs(ctx, p, t, holders); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (r *replacement) planGrants(ctx context.Context, p *Plan, holders map[string]*User) error {
	var missing []string
	for _, id := range slices.Sorted(maps.Keys(r.want)) {
		if holders[id] == nil && !r.unknown[id] {
			missing = append(missing, id)
		}
	}
	added, err := r.e.people(ctx, r.group, missing, func(string) bool { return true })
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, u := range added {
		known[u.ID] = true
		p.add(r.e.grantStep(r.book, r.group, u, true))
	}
	for _, id := range missing {
		r.unknown[id] = r.unknown[id] || !known[id]
	}
	return nil
}

// planRepairs compares a target's members in Crowd with the holders: those who
// are granted and not in it are put in, those who are in it and should not be
// are taken out.
func (r *replacement) planRepairs(ctx context.Context, p *Plan, t mapping.Target, holders map[string]*User) error {
	members, err := r.members(ctx, t.Group)
	if err != nil {
		return err
	}
	known := map[string]bool{} // folded names whose membership other steps see to
	for _, s := range p.Steps {
		known[crowd.Fold(s.User)] = true
	}
	for _, id := range slices.Sorted(maps.Keys(holders)) {
		u := holders[id]
		name := crowd.Fold(u.Crowd.Name)
		if r.want[id] && !known[name] && !members[name] {
			p.add(r.e.grantStep(r.book, r.group, u, true))
		}
		known[name] = true
	}
	if err := r.holdersOfOthers(ctx, t, known); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if known[name] {
			continue
		}
		if err := r.planGhost(ctx, p, t, name); err != nil {
			return err
		}
	}
	return nil
}

func (r *replacement) members(ctx context.Context, group string) (map[string]bool, error) {
	members := map[string]bool{}
	for u, err := range r.e.crowd.Members(ctx, group, crowd.List{}) {
		if errors.Is(err, crowd.ErrGroupNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		members[crowd.Fold(u.Name)] = true
	}
	return members, nil
}

// holdersOfOthers adds the folded names of those who hold a grant of another SCIM
// group that fills the target.
func (r *replacement) holdersOfOthers(ctx context.Context, t mapping.Target, known map[string]bool) error {
	for _, n := range r.book.all() {
		if n.id == r.group.ID || !hasTarget(r.e.groups.Targets(n.scimGroup()), t.Group) {
			continue
		}
		for u, err := range r.e.ledger.Holders(ctx, n.id) {
			if err != nil {
				return err
			}
			known[crowd.Fold(u.Name)] = true
		}
	}
	return nil
}

// planGhost plans to take a member out who is there without a grant and not by
// hand, or whom the settings do not keep.
func (r *replacement) planGhost(ctx context.Context, p *Plan, t mapping.Target, name string) error {
	c, err := r.e.crowd.User(ctx, name)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	u, err := r.e.view(ctx, c)
	if err != nil {
		return err
	}
	action, reasons := r.e.derive(r.book, u, u.holdings, t)
	if action != mapping.Remove {
		return nil
	}
	p.add(Step{
		Op: OpRemoveMember, User: u.Crowd.Name, UserID: u.ID, Group: t.Group, GroupID: r.group.ID, Reasons: reasons,
		run: func(ctx context.Context) error { return r.e.rederive(ctx, r.book, u, t) },
	})
	return nil
}
