package groupsync

import (
	"context"
	"errors"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// Where the settings keep no memberships that others made, a user's Crowd groups
// become what is desired at each change of the user's grants.

// known reports whether a user is the connection's, or held a grant of it before
// or after a change. Of others all memberships are kept.
func (e *Engine) known(u *User, changes []grantChange) bool {
	return u.Owner == e.connection || len(u.Grants) > 0 || len(u.holdings.with(changes).Grants) > 0
}

// swept returns, of the Crowd groups that a user is in, those where the membership
// goes unless something asks for it.
func (e *Engine) swept(u *User, in []string, changes []grantChange) []mapping.Target {
	if !e.known(u, changes) {
		return nil
	}
	return e.groups.Swept(in)
}

// planSweeps plans to take users whose grants change out of the Crowd groups that
// nothing asks for.
func (e *Engine) planSweeps(ctx context.Context, p *Plan, b *Book, users []*User, changesOf func(*User) []grantChange) error {
	if !e.groups.SweepsMemberships() {
		return nil
	}
	steps := make([][]Step, len(users))
	if err := e.each(ctx, len(users), func(ctx context.Context, i int) (err error) {
		steps[i], err = e.sweepsOf(ctx, b, users[i], changesOf(users[i]))
		return err
	}); err != nil {
		return err
	}
	if all := slices.Concat(steps...); len(all) > 0 {
		p.Steps = append(p.Steps, all...)
		p.alsoCount(e.membersOfGroups(p))
	}
	return nil
}

func (e *Engine) sweepsOf(ctx context.Context, b *Book, u *User, changes []grantChange) ([]Step, error) {
	in, err := e.groupsOf(ctx, u)
	if err != nil {
		return nil, err
	}
	var steps []Step
	direct := e.directGroups(b)
	for _, t := range e.swept(u, in, changes) {
		if direct[crowd.Fold(t.Group)] != nil {
			continue
		}
		action, reasons := e.derive(b, u, u.holdings.with(changes), t)
		if action != mapping.Remove || hasTarget(e.targetsOfAll(b, changes), t.Group) {
			continue // the change of the grant sees to it
		}
		steps = append(steps, Step{
			Op: OpRemoveMember, User: u.Crowd.Name, UserID: u.ID, Group: t.Group, Reasons: reasons,
			run: func(ctx context.Context) error { return e.rederiveNow(ctx, b, u.Crowd.Key, t) },
		})
	}
	return steps, nil
}

// groupsOf returns the names of the Crowd groups that a user is a direct member
// of; none for a user who is gone.
func (e *Engine) groupsOf(ctx context.Context, u *User) ([]string, error) {
	var in []string
	for g, err := range e.crowd.GroupsOf(ctx, u.Crowd.Name, crowd.List{PageSize: allAtOnce}) {
		if errors.Is(err, crowd.ErrUserNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		in = append(in, g.Name)
	}
	return in, nil
}

// alsoCount adds the members of Crowd groups to those that the guard counts.
func (p *Plan) alsoCount(more func(context.Context) (int, error)) {
	before := p.members
	p.members = func(ctx context.Context) (int, error) {
		n, err := before(ctx)
		if err != nil {
			return 0, err
		}
		m, err := more(ctx)
		return n + m, err
	}
}
