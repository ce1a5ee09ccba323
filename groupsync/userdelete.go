package groupsync

import (
	"context"
	"errors"
	"fmt"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// Deletion says what becomes of a Crowd user whom the identity provider deletes.
type Deletion string

// The values of [Deletion]. With the first and the last the user is gone for
// SCIM, its grants are revoked and what was kept of it is blanked; posted again,
// it comes back with the same id and no memberships.
const (
	Deactivate Deletion = "deactivate" // the Crowd user stays, inactive; the default
	Delete     Deletion = "delete"     // the Crowd user is deleted
	Keep       Deletion = "keep"       // the Crowd user stays as it is
)

// DeleteUser deletes a user. Of one that another connection owns, only what this
// connection holds goes. The error matches [ErrNoUser] if there is no such user.
func (e *Engine) DeleteUser(ctx context.Context, id string, how Deletion) error {
	key, ok := userKey(id)
	if !ok {
		return ErrNoUser
	}
	v, err := e.byKey(ctx, key)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return ErrNoUser
	}
	if err != nil {
		return err
	}
	if e.protected[crowd.Fold(v.Crowd.Name)] {
		return &ProtectedError{Kind: "user", Name: v.Crowd.Name, Setting: "users.protected"}
	}
	if v.Owner != "" && v.Owner != e.connection {
		how = Keep
	}
	d := &deletion{e: e, user: v, how: how}
	if v.gone {
		return d.finish(ctx)
	}
	return d.run(ctx)
}

type deletion struct {
	e      *Engine
	user   *User
	how    Deletion
	word   note
	leave  *handover
	doomed bool // to be deleted in Crowd as soon as the hooks have ended
}

func (d *deletion) run(ctx context.Context) error {
	d.planHandOver(ctx, d.e.cfg.Hooks)
	defer d.leave.wait()
	if err := d.carryOut(ctx); err != nil {
		return err
	}
	return d.leave.failure()
}

func (d *deletion) carryOut(ctx context.Context) error {
	book := NewBook()
	book.epoch = d.e.locks.epoch.Load()
	var err error
	if len(d.user.Grants) > 0 || len(d.e.groups.DefaultForAllUsers()) > 0 || d.user.heldByOthers() {
		if book, err = d.e.books(ctx); err != nil {
			return err
		}
	}
	return d.e.applyAsOne(ctx, d.plan(book), func(ctx context.Context) error {
		if d.handOverFirst(ctx); d.how == Delete {
			return d.remove(ctx)
		}
		for {
			if err := d.retire(ctx, book); err != nil || len(d.user.Grants) == 0 {
				return errors.Join(err, d.noteLeave(ctx))
			}
			// Granted while this was under way.
			if book, err = d.e.books(ctx); err != nil {
				return err
			}
		}
	})
}

// plan lists what goes; the steps are applied as one.
func (d *deletion) plan(b *Book) *Plan {
	u := d.user
	why := "the identity provider deleted the user"
	p := &Plan{
		Title: fmt.Sprintf("delete the user %q", u.Crowd.Name),
		members: func(ctx context.Context) (int, error) {
			total := 0
			for _, id := range u.Grants {
				n, err := d.e.countHolders(id)(ctx)
				if err != nil {
					return 0, err
				}
				total += n
			}
			return total, nil
		},
	}
	for _, id := range u.Grants {
		if n := b.live(id); n != nil {
			p.add(Step{Op: OpRevoke, User: u.Crowd.Name, UserID: u.ID, Group: n.name, GroupID: id, Why: why})
		}
	}
	p.Steps = append(p.Steps, d.leave.steps()...)
	if u.Crowd.Active && d.how != Keep {
		p.add(Step{Op: OpDeactivateUser, User: u.Crowd.Name, UserID: u.ID, Why: why})
	}
	p.add(Step{Op: OpDeleteUser, User: u.Crowd.Name, UserID: u.ID, Why: why})
	if d.how != Keep {
		p.add(Step{Op: OpEndSessions, User: u.Crowd.Name, UserID: u.ID, Why: why})
	}
	return p
}

// remove deletes the Crowd user.
func (d *deletion) remove(ctx context.Context) error {
	name := d.user.Crowd.Name
	if err := d.e.inTurn(ctx, d.user.Crowd.Key, func(ctx context.Context) error {
		return d.e.crowd.DeleteUser(ctx, name)
	}); err != nil && !errors.Is(err, crowd.ErrUserNotFound) {
		return err
	}
	return d.e.sessionsStep(d.user).run(ctx)
}

// retire marks the user as gone, locks it out and takes its memberships.
func (d *deletion) retire(ctx context.Context, book *Book) error {
	var changes []grantChange
	for _, id := range d.user.Grants {
		changes = append(changes, grantChange{id, false})
	}
	targets := d.e.targetsOfAll(book, changes)
	for _, g := range d.e.groups.DefaultForAllUsers() {
		targets = append(targets, d.e.bare(g))
	}
	gone := *d.user
	gone.gone = true
	w := d.e.newEdges(ctx, book, &gone, targets)
	w.changes = changes
	w.lookup = d.e.mustLookAtBook(book, w.changes)
	w.extra = d.marks(ctx)
	w.recorded = func(ctx context.Context) error {
		if err := d.e.afterOthers(ctx, d.user.Crowd.Key); err != nil {
			return err
		}
		d.leave.run(ctx)
		return d.lockOut(ctx)
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	if err := d.e.leaveDirect(ctx, w.user); err != nil {
		return err
	}
	lockedOut := !d.locks() || !w.user.Crowd.Active
	d.user = w.user
	if lockedOut || !w.user.gone {
		return nil
	}
	return d.lockOut(ctx) // an update that was under way at the same time let the user in again
}

func (d *deletion) locks() bool { return d.how != Keep }

// marks returns the attributes that mark the user as gone, its data blanked.
func (d *deletion) marks(ctx context.Context) crowd.Attributes {
	n := d.e.names
	a := crowd.Attributes{n.gone: {"yes"}}
	if d.locks() {
		a[n.active] = register("false", d.said(ctx))
	}
	d.leave.pending(a)
	d.markDoomed(a)
	for _, name := range []string{n.data, n.fields, n.externalID, n.emails, n.emailRefused} {
		if len(d.user.Crowd.Attributes[name]) > 0 {
			a[name] = []string{none}
		}
	}
	return a
}

func (d *deletion) lockOut(ctx context.Context) error {
	if !d.locks() {
		return nil
	}
	if d.user.Crowd.Active {
		u := d.user.Crowd
		u.Active = false
		if err := d.e.put(ctx, u); err != nil {
			return err
		}
	}
	return d.e.sessionsStep(d.user).run(ctx)
}

// finish ends a deletion that a fault cut short. The user is gone already.
func (d *deletion) finish(ctx context.Context) error {
	if d.user.Owner != d.e.connection || d.e.cfg.DryRun {
		return ErrNoUser
	}
	d.planHandOver(ctx, d.e.dueHooks(d.user))
	defer d.leave.wait()
	d.leave.run(ctx)
	if d.how == Delete && d.leave.ended() {
		if err := d.remove(ctx); err != nil {
			return err
		}
		return ErrNoUser
	}
	if err := d.doom(ctx); err != nil {
		return err
	}
	if err := d.lockOut(ctx); err != nil {
		return err
	}
	if err := d.takeOut(ctx); err != nil {
		return err
	}
	if err := errors.Join(d.noteLeave(ctx), d.leave.failure()); err != nil {
		return err
	}
	return ErrNoUser
}

// takeOut removes the memberships that are ours to remove and still there.
func (d *deletion) takeOut(ctx context.Context) error {
	if err := d.e.leaveDirect(ctx, d.user); err != nil {
		return err
	}
	if !d.user.holdings.anyOurs() {
		return nil
	}
	book, err := d.e.books(ctx)
	if err != nil {
		return err
	}
	var targets []mapping.Target
	for g, err := range d.e.crowd.GroupsOf(ctx, d.user.Crowd.Name, crowd.List{}) {
		if err != nil {
			return err
		}
		if !d.e.hidden(g.Name) {
			targets = append(targets, d.e.bare(g.Name))
		}
	}
	return d.e.rederive(ctx, book, d.user, targets...)
}
