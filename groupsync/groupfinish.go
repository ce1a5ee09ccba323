package groupsync

import (
	"context"
	"slices"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// lately is how long after a change a request that says the same is taken for its
// repetition, and looks for what a fault may have left undone.
const lately = time.Hour

// repeatsMove reports whether a change says a name or externalId that the group
// has got lately. Under rules no mark on a Crowd group tells whether its holders
// have moved.
func (e *Engine) repeatsMove(b *Book, g *Group, c GroupChange) bool {
	n := b.live(g.ID)
	if n == nil || !n.renamed && !n.externalised || e.groups.Mode() != mapping.ManualMapping || e.cfg.DryRun {
		return false
	}
	same := c.Name != nil && *c.Name == g.Name || c.ExternalID != nil && *c.ExternalID == g.ExternalID
	return same && e.now().Sub(n.modified) < lately
}

// catchUp moves those holders of a SCIM group who are not where its rules now say:
// to the Crowd groups that it fills, and out of those that are recorded with them.
func (e *Engine) catchUp(ctx context.Context, b *Book, g *Group) error {
	holders, where, err := e.astray(ctx, b, g.ID)
	if err != nil {
		return err
	}
	return e.each(ctx, len(holders), func(ctx context.Context, i int) error {
		return e.rederive(ctx, b, holders[i], where[i]...)
	})
}

// astray returns the holders of a SCIM group who are not where its rules now say, and
// the Crowd groups that this is about. The members are read group by group, so that
// who is in order costs nothing.
func (e *Engine) astray(ctx context.Context, b *Book, id string) (all []*User, where [][]mapping.Target, err error) {
	holders, err := e.holders(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	now := e.targets(b, id)
	in := map[string]crowdOf{} // by folded Crowd group
	for _, u := range holders {
		var wrong []mapping.Target
		for _, t := range slices.Concat(now, given(e.ours(u), now)) {
			f := crowd.Fold(t.Group)
			if in[f] == nil {
				if in[f], err = e.crowdOf(ctx, t.Group); err != nil {
					return nil, nil, err
				}
			}
			if op, _ := e.memberDrift(b, u, t, in[f][crowd.Fold(u.Crowd.Name)]); op != "" {
				wrong = append(wrong, t)
			}
		}
		if len(wrong) > 0 {
			all, where = append(all, u), append(where, wrong)
		}
	}
	return all, where, nil
}

// made returns the Crowd groups that grants put a user into.
func (e *Engine) made(u *User) []mapping.Target { return e.recorded(u, Made) }

// ours returns those, and the ones that the user is to leave or has left.
func (e *Engine) ours(u *User) []mapping.Target { return e.recorded(u, Made, Left) }

func (e *Engine) recorded(u *User, origins ...Origin) []mapping.Target {
	var all []mapping.Target
	for _, g := range u.holdings.Targets() {
		if o, _ := u.holdings.Origin(g); slices.Contains(origins, o) && !e.hidden(g) {
			all = append(all, e.bare(g))
		}
	}
	return all
}
