package groupsync

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	for r.first = true; ; r.first = false {
		p, err := r.read(ctx)
		if err != nil || len(p.Steps) == 0 {
			return err
		}
		if err := e.applyMany(ctx, p, r.bulk); err != nil || e.cfg.DryRun {
			return err
		}
		if p.count(OpGrant, OpRevoke) == 0 {
			return nil // memberships were repaired, each with its second look
		}
		if r.bulk.looked && r.asWanted() {
			return nil
		}
		r.bulk.looked = false
	}
}

type replacement struct {
	e       *Engine
	book    *Book
	group   *Group
	want    map[string]bool // user ids
	unknown map[string]bool // wanted ids that Crowd does not have
	first   bool            // the first round, which holds the Crowd groups against the grants too

	bulk    *bulk // with who is in the targets, as read in the first round
	plan    *Plan
	seen    crowdOf // folded names whose membership the grants decide
	holders int

	lacking map[string]bool // wanted ids that the look of all together has not met
	stray   bool            // and whether it has met one that is not wanted
}

// asWanted reports whether the look of all together, after the changes, has found
// the group's members to be those wanted: that is then the look which ends a
// replacement.
func (r *replacement) asWanted() bool { return len(r.lacking) == 0 && !r.stray }

// met takes note of one who holds the group after the changes, or held it once.
func (r *replacement) met(u *User) {
	if u.gone || !u.holdings.Granted(r.group.ID) {
		return
	}
	delete(r.lacking, u.ID)
	r.stray = r.stray || !r.want[u.ID]
}

// read reads the members in Crowd, then the holders, and returns the plan. Of a
// holder who is to stay no more than the name is kept.
func (r *replacement) read(ctx context.Context) (*Plan, error) {
	about := r.holders
	r.seen, r.holders = crowdOf{}, 0
	r.plan = &Plan{
		Title:   fmt.Sprintf("replace the members of %q", r.group.Name),
		members: func(context.Context) (int, error) { return r.holders, nil },
	}
	if r.first {
		k, err := r.e.newBulk(ctx, r.book, r.group.ID)
		if err != nil {
			return nil, err
		}
		r.bulk, about = k, min(len(r.want), k.most())
	}
	held, leaving, err := r.readHolders(ctx, about)
	if err != nil {
		return nil, err
	}
	joining, err := r.readJoining(ctx, held)
	if err != nil {
		return nil, err
	}
	r.planChanges(joining, leaving)
	if err := r.e.planSweeps(ctx, r.plan, r.book, slices.Concat(joining, leaving), func(u *User) []grantChange {
		return []grantChange{{r.group.ID, r.want[u.ID]}}
	}); err != nil {
		return nil, err
	}
	if !r.first {
		return r.plan, nil
	}
	for _, t := range r.e.targets(r.book, r.group.ID) {
		if err := r.planGhosts(ctx, t); err != nil {
			return nil, err
		}
	}
	return r.plan, nil
}

// planChanges plans to grant and to revoke. The second looks are taken together
// where that is fewer calls.
func (r *replacement) planChanges(joining, leaving []*User) {
	const page = 1000
	step := func(u *User, granted bool) Step { return r.e.grantStep(r.book, r.group, u, granted) }
	if r.first {
		changes := len(joining) + len(leaving)
		r.bulk.together = changes > (r.holders+changes)/page+1
		r.bulk.about, r.bulk.met = r.holders+changes, r.met
		r.lacking = maps.Clone(r.want)
		maps.DeleteFunc(r.lacking, func(id string, _ bool) bool { return r.unknown[id] })
		step = func(u *User, granted bool) Step { return r.bulk.step(r.group, u, granted) }
	}
	for _, u := range joining {
		r.plan.add(step(u, true))
	}
	for _, u := range leaving {
		r.plan.add(step(u, false))
	}
}

// readHolders returns the ids of the holders who are to stay, and those who are
// to leave. In the first round it plans to put those back who are in none of the
// Crowd groups that they should be in.
func (r *replacement) readHolders(ctx context.Context, about int) (held map[string]bool, leaving []*User, err error) {
	held = map[string]bool{}
	asOf := r.e.locks.clock.Load()
	for c, err := range r.e.ledger.Holders(ctx, r.group.ID, about) {
		if err != nil {
			return nil, nil, err
		}
		u, err := r.e.view(ctx, c)
		if err != nil {
			return nil, nil, err
		}
		u.asOf = asOf
		if u.gone {
			continue
		}
		r.holders++
		r.seen[crowd.Fold(u.Crowd.Name)] = true
		switch {
		case !r.want[u.ID]:
			leaving = append(leaving, u.slim())
		case r.first && r.outside(u):
			held[u.ID] = true
			r.plan.add(r.e.grantStep(r.book, r.group, u.slim(), true))
		default:
			held[u.ID] = true
		}
	}
	slices.SortFunc(leaving, func(x, y *User) int { return strings.Compare(x.ID, y.ID) })
	return held, leaving, nil
}

// outside reports whether a holder is missing in a target that it should be in.
func (r *replacement) outside(u *User) bool {
	return slices.ContainsFunc(r.e.targets(r.book, r.group.ID), func(t mapping.Target) bool {
		return !r.bulk.members[crowd.Fold(t.Group)][crowd.Fold(u.Crowd.Name)]
	})
}

// readJoining returns the users who do not hold the group yet and are to.
func (r *replacement) readJoining(ctx context.Context, held map[string]bool) ([]*User, error) {
	var missing []string
	for _, id := range slices.Sorted(maps.Keys(r.want)) {
		if !held[id] && !r.unknown[id] {
			missing = append(missing, id)
		}
	}
	joining, err := r.e.people(ctx, r.group, missing, r.holders+len(missing), func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, u := range joining {
		known[u.ID] = true
		r.seen[crowd.Fold(u.Crowd.Name)] = true
	}
	for _, id := range missing {
		r.unknown[id] = r.unknown[id] || !known[id]
	}
	return joining, nil
}

// planGhosts plans to take those out of a target who are there without a grant
// and not by hand, or whom the settings do not keep: a fault may have parted
// grants and members.
func (r *replacement) planGhosts(ctx context.Context, t mapping.Target) error {
	if err := r.holdersOfOthers(ctx, t); err != nil {
		return err
	}
	var ghosts []string
	for name := range r.bulk.members[crowd.Fold(t.Group)] {
		if !r.seen[name] {
			ghosts = append(ghosts, name)
		}
	}
	slices.Sort(ghosts)
	if len(ghosts) > bulkMin {
		suspect := crowdOf{}
		for _, name := range ghosts {
			suspect[name] = true
		}
		return r.e.walkAbout(ctx, r.holders+len(ghosts), func(u *User) error {
			if suspect[crowd.Fold(u.Crowd.Name)] {
				r.planGhost(t, u)
			}
			return nil
		})
	}
	users, err := r.e.named(ctx, ghosts)
	if err != nil {
		return err
	}
	for _, u := range users {
		r.planGhost(t, u)
	}
	return nil
}

// holdersOfOthers marks those who hold a grant of another SCIM group that fills
// the target.
func (r *replacement) holdersOfOthers(ctx context.Context, t mapping.Target) error {
	for _, n := range r.book.all() {
		if n.id == r.group.ID || !hasTarget(r.e.targets(r.book, n.id), t.Group) {
			continue
		}
		for u, err := range r.e.ledger.Holders(ctx, n.id, 0) {
			if err != nil {
				return err
			}
			r.seen[crowd.Fold(u.Name)] = true
		}
	}
	return nil
}

func (r *replacement) planGhost(t mapping.Target, u *User) {
	action, reasons := r.e.derive(r.book, u, u.holdings, t)
	if action != mapping.Remove {
		return
	}
	u = u.slim()
	r.plan.add(Step{
		Op: OpRemoveMember, User: u.Crowd.Name, UserID: u.ID, Group: t.Group, GroupID: r.group.ID, Reasons: reasons,
		run: func(ctx context.Context) error { return r.e.rederive(ctx, r.book, u, t) },
	})
}
