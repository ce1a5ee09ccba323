package groupsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// exactTargets are the Crowd groups that hold nobody but whom the identity
// provider and the settings put there, by folded name.
type exactTargets struct {
	derived map[string]mapping.Target // from grants
	direct  map[string]*entry         // exclusive ones, whose members are the grants
}

func (e *Engine) exactTargets(b *Book) exactTargets {
	exact := exactTargets{map[string]mapping.Target{}, e.directGroups(b)}
	for _, n := range b.all() {
		for _, t := range e.targets(b, n.id) {
			if f := crowd.Fold(t.Group); !t.KeepExisting && exact.direct[f] == nil {
				exact.derived[f] = t
			}
		}
	}
	return exact
}

// candidates returns the targets that a user may have to be in or out of: those
// granted, the defaults, those recorded, and of the groups it is in those that
// keep nobody by hand.
func (e *Engine) candidates(b *Book, u *User, in []string, exact exactTargets) []mapping.Target {
	var all []mapping.Target
	for _, id := range u.Grants {
		all = append(all, e.targets(b, id)...)
	}
	if u.Owner == e.connection {
		for _, g := range e.groups.DefaultForAllUsers() {
			all = append(all, e.bare(g))
		}
	}
	all = append(all, e.recorded(u, Made, Found, Left)...)
	for _, g := range in {
		if t, ok := exact.derived[crowd.Fold(g)]; ok {
			all = append(all, t)
		} else if u.gone && u.Owner == e.connection && exact.direct[crowd.Fold(g)] != nil {
			all = append(all, mapping.Target{Group: g})
		}
	}
	all = onceEach(append(all, e.swept(u, in, nil)...))
	return slices.DeleteFunc(all, func(t mapping.Target) bool {
		return !u.gone && exact.direct[crowd.Fold(t.Group)] != nil
	})
}

// users looks at every user of the directory.
func (r *comparison) users(ctx context.Context) error {
	total := 0
	if r.options.Progress != nil {
		n, err := r.e.countUsers(ctx, crowd.Restriction{})
		if err != nil {
			return fmt.Errorf("groupsync: count users: %w", err)
		}
		total = n
	}
	meter := newMeter("users", total, r.options.Progress, r.e.now)
	var suspects []*User
	if err := r.e.walkAbout(ctx, len(r.roster.users), func(u *User) error {
		meter.count(1)
		r.tally(ctx, u)
		if r.suspect(u) {
			suspects = append(suspects, u)
		}
		if len(suspects) < suspectsAtOnce {
			return nil
		}
		err := r.examine(ctx, suspects)
		suspects = suspects[:0]
		return err
	}); err != nil {
		return err
	}
	return r.examine(ctx, suspects)
}

// suspectsAtOnce is how many users are kept to be looked at together.
const suspectsAtOnce = 256

// tally counts what is known of a user, and reports an e-mail that Crowd refused.
func (r *comparison) tally(ctx context.Context, u *User) {
	r.recorded = r.recorded || u.Owner == r.e.connection || len(u.Grants) > 0
	for _, id := range u.Grants {
		r.holders[id]++
	}
	if u.refused != "" && u.refused != u.Crowd.Email && !u.gone {
		r.e.report(ctx, EventEmailRefused, Step{
			Op: OpUpdateUser, User: u.Crowd.Name, UserID: u.ID, Changes: []Change{{"email", u.Crowd.Email, u.refused}},
		}, "Crowd has refused the e-mail address that the identity provider sent. Change it in Crowd")
	}
}

// suspect reports whether a user differs from what it should be, going by what
// was read on the way.
func (r *comparison) suspect(u *User) bool {
	if len(r.drift(u)) > 0 || len(r.leftHooks(u)) > 0 || r.e.isDoomed(u) {
		return true
	}
	in := r.roster.of(u.Crowd.Name)
	for _, t := range r.e.candidates(r.book, u, in, r.exact) {
		if op, _ := r.e.memberDrift(r.book, u, t, containsFolded(in, t.Group)); op != "" {
			return true
		}
	}
	return false
}

// memberDrift returns the step that a membership needs, "" for none.
func (e *Engine) memberDrift(b *Book, u *User, t mapping.Target, member bool) (Op, []mapping.Reason) {
	action, reasons := e.derive(b, u, u.holdings, t)
	switch {
	case action == mapping.Add && !member:
		return OpAddMember, reasons
	case action == mapping.Remove && member:
		return OpRemoveMember, reasons
	}
	return "", nil
}

// examine looks at suspects again, each by itself, and plans what they need.
func (r *comparison) examine(ctx context.Context, suspects []*User) error {
	steps := make([][]Step, len(suspects))
	if err := r.e.each(ctx, len(suspects), func(ctx context.Context, i int) (err error) {
		steps[i], err = r.diagnose(ctx, suspects[i])
		return err
	}); err != nil {
		return err
	}
	for _, s := range slices.Concat(steps...) {
		if s.Op == OpAddMember && r.absent(ctx, s) {
			continue
		}
		s.run = nil // what is to be done is found out when it is done
		r.plan.add(s)
	}
	return nil
}

// absent reports whether the Crowd group of a step is not there and no step makes
// it, and tells so once.
func (r *comparison) absent(ctx context.Context, s Step) bool {
	f := crowd.Fold(s.Group)
	if r.book.Crowd[f] != nil || r.making[f] {
		return false
	}
	if !r.missing[f] {
		r.missing[f] = true
		r.e.report(ctx, EventMissingTarget, s, "the Crowd group does not exist. Create it, or change the mapping")
	}
	return true
}

// diagnose reads a user's memberships, then the user, and returns the steps it
// needs.
func (r *comparison) diagnose(ctx context.Context, u *User) ([]Step, error) {
	in, err := r.e.groupsOf(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("groupsync: list the groups of %q: %w", u.Crowd.Name, err)
	}
	v, err := r.e.byKey(ctx, u.Crowd.Key)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("groupsync: read %q: %w", u.Crowd.Name, err)
	}
	if crowd.Fold(v.Crowd.Name) != crowd.Fold(u.Crowd.Name) {
		return nil, nil // renamed this moment: by a request, which looks again
	}
	r.leaves(v)
	steps := r.drift(v)
	for _, t := range r.e.candidates(r.book, v, in, r.exact) {
		if op, reasons := r.e.memberDrift(r.book, v, t, containsFolded(in, t.Group)); op != "" {
			steps = append(steps, Step{Op: op, User: v.Crowd.Name, UserID: v.ID, Group: t.Group, Reasons: reasons})
		}
	}
	return steps, nil
}

// fieldDrift returns the steps that a user's own fields need. What was said so
// recently that it may still be on its way is left alone.
func (e *Engine) fieldDrift(u *User) []Step {
	if u.Owner != e.connection || e.protected[crowd.Fold(u.Crowd.Name)] {
		return nil
	}
	p := &Plan{}
	w := &update{e: e, before: u}
	now := u
	if u.said != nil && !*u.said && u.Crowd.Active {
		w.planLeave(p, u)
		out := *u
		out.Crowd.Active = false
		now = &out
	}
	if !u.gone {
		e.planUnfinished(p, u)
		e.planRestored(p, w, now)
	}
	for i := range p.Steps {
		p.Steps[i].Why = restored[p.Steps[i].Op]
	}
	return p.Steps
}

// drift returns the steps that a user needs, memberships aside.
func (r *comparison) drift(u *User) []Step {
	steps := r.e.fieldDrift(u)
	if r.leftLately(u) {
		s := r.e.sessionsStep(u)
		s.Why = restored[s.Op]
		steps = append(steps, s)
	}
	return steps
}

// leftLately reports whether a user was deactivated so long ago that the request has
// ended, and not yet when the last reconcile looked: a fault may have left the
// sessions standing, which Crowd honours until they end by themselves.
func (r *comparison) leftLately(u *User) bool {
	if u.Owner != r.e.connection || u.said == nil || *u.said || u.Crowd.Active || r.e.protected[crowd.Fold(u.Crowd.Name)] {
		return false
	}
	age := r.e.now().Sub(u.saidAt)
	return age >= longestRequest && age < sessionsEnd && u.saidAt.Add(longestRequest).After(r.book.Reconciled)
}

// sessionsEnd is longer than any session of Crowd lives.
const sessionsEnd = 24 * time.Hour

// restored says why a reconcile takes a step on a user's fields.
var restored = map[Op]string{
	OpDeactivateUser: "the identity provider deactivated or deleted the user, who is active in Crowd",
	OpEndSessions:    "the user may not be logged in any more",
	OpReactivateUser: "the identity provider activated or created the user, and that did not end",
	OpUpdateUser:     "the fields in Crowd are not what the identity provider said",
	OpRenameUser:     "the name in Crowd is not what the identity provider said",
	OpRecord:         "the creation of the user did not end",
	OpHandOver:       "the user has left, and the hand-over did not end",
	OpNoteHandOver:   "the hook has nothing else to do for the user",
	OpDeleteUser:     "the identity provider deleted the user, who was kept for the hand-over",
}

// planRestored plans to bring a user's fields to what was last said of them.
func (e *Engine) planRestored(p *Plan, w *update, u *User) {
	fields, at := readFields(u.wanted)
	if e.now().Sub(at) < longestRequest {
		return
	}
	w.profile.Fields = fields
	w.planFields(p, u, w.target(u, true))
}

// planUnfinished plans to end a creation that a fault cut short.
func (e *Engine) planUnfinished(p *Plan, u *User) {
	if u.pending && e.now().Sub(u.saidAt) >= longestRequest {
		p.add(Step{
			Op: OpRecord, User: u.Crowd.Name, UserID: u.ID,
			run: func(ctx context.Context) error {
				_, err := e.complete(ctx, &u.Crowd, Profile{})
				return err
			},
		})
	}
}
