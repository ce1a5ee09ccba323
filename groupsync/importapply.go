package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// ImportApply steers [Engine.ApplyImport]. The zero value is good.
type ImportApply struct {
	// Approve lets the plan of that fingerprint, which a [GuardError] names, pass
	// this time.
	Approve string
	// Progress is told how far the work is. Nil means nobody.
	Progress func(Progress)
	// Pace is called before each user and group and may wait, so that Crowd is not
	// worked harder than wanted. Nil waits for nothing.
	Pace func(context.Context) error
}

// ApplyImport does what an [Import] of [Engine.PlanImport] says, by the calls that a
// request of the identity provider would be, and notes in its Outcomes what came of
// each. The plan is held against the guard first, as a whole. Each user and group
// is read again before it is changed: what is done already costs no write, and what
// would not be the steps of the plan any more is left out; the error then matches
// [ErrStalePlan]. One that fails does not keep the others from being imported.
//
// An import that was cut short is planned and applied again; it ends as one that
// was not.
func (e *Engine) ApplyImport(ctx context.Context, i *Import, o ImportApply) (Result, error) {
	result := Result{Plan: i.Plan}
	if o.Approve != "" && o.Approve == i.Plan.Fingerprint() {
		e.Approve(o.Approve)
	}
	if err := e.check(ctx, i.Plan); err != nil {
		return result, err
	}
	a := &importApplying{e: e, Import: i, options: o, result: &result, meter: newMeter("apply", len(i.items), o.Progress, e.now)}
	users := slices.IndexFunc(i.items, func(it *importItem) bool { return it.group != nil || it.nest != nil })
	if users < 0 {
		users = len(i.items)
	}
	ctx = withChecked(ctx, i.Plan)
	for batch := range slices.Chunk(i.items[:users], batchSize) {
		a.users(ctx, batch)
	}
	for _, it := range i.items[users:] {
		a.take(ctx, it, a.one(ctx, it))
	}
	if err := ctx.Err(); err != nil {
		a.errs = append(a.errs, fmt.Errorf("groupsync: %s: interrupted; begin anew for the rest: %w", i.Plan.Title, err))
	}
	return allOf(result, errors.Join(a.errs...))
}

type checkedKey struct{}

// A taking is a step that takes something away, as far as it tells it from others.
type taking struct {
	op         Op
	user, from string
}

func (s Step) taking() taking { return taking{s.Op, cmp.Or(s.UserID, crowd.Fold(s.User)), s.from()} }

// withChecked returns a context for changes that are part of a plan which the guard
// has let pass.
func withChecked(ctx context.Context, p *Plan) context.Context {
	passed := map[taking]bool{}
	for _, s := range p.Steps {
		if s.takes() {
			passed[s.taking()] = true
		}
	}
	return context.WithValue(ctx, checkedKey{}, passed)
}

// unchecked returns the plan without the steps that the guard has let pass as part of
// a larger one.
func unchecked(ctx context.Context, p *Plan) *Plan {
	passed, _ := ctx.Value(checkedKey{}).(map[taking]bool)
	if passed == nil {
		return p
	}
	rest := *p
	rest.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return passed[s.taking()] })
	return &rest
}

type importApplying struct {
	*Import
	e       *Engine
	options ImportApply
	result  *Result
	meter   *meter
	errs    []error
}

// users takes a batch of users at the same time.
func (a *importApplying) users(ctx context.Context, batch []*importItem) {
	outcomes := make([]error, len(batch))
	_ = a.e.each(ctx, len(batch), func(ctx context.Context, i int) error {
		outcomes[i] = a.one(ctx, batch[i])
		return nil
	})
	for i, it := range batch {
		if it.key != "" && it.action != ImportDeactivate {
			p := a.people[it.user.ExternalID]
			p.id = userID(it.key)
			a.people[it.user.ExternalID] = p
		}
		a.take(ctx, it, outcomes[i])
	}
}

// take notes what came of an item.
func (a *importApplying) take(ctx context.Context, it *importItem, err error) {
	a.meter.count(1)
	o := &a.Outcomes[it.outcome]
	switch {
	case err == nil && len(it.stale) > 0:
		o.Error = errStale.Error()
		a.e.report(ctx, EventStale, it.stale[0], o.Error)
		a.result.Applied += len(it.steps) - len(it.stale)
		a.result.Stale = append(a.result.Stale, it.stale...)
	case err == nil:
		o.Done = !a.e.cfg.DryRun
		a.result.Applied += len(it.steps)
	case errors.Is(err, errStale):
		o.Error = err.Error()
		a.e.report(ctx, EventStale, it.steps[0], err.Error())
		a.result.Stale = append(a.result.Stale, it.steps...)
	default:
		o.Error = err.Error()
		if len(a.errs) < mostErrors && ctx.Err() == nil {
			a.errs = append(a.errs, fmt.Errorf("groupsync: import %s %q: %w", o.Kind, o.Name, err))
		}
	}
}

// one does what is to be done with one user or group.
func (a *importApplying) one(ctx context.Context, it *importItem) error {
	if a.options.Pace != nil {
		if err := a.options.Pace(ctx); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if a.e.cfg.DryRun {
		for _, s := range it.steps {
			a.e.report(ctx, EventPlanned, s, "")
		}
		return nil
	}
	switch {
	case it.nest != nil:
		return a.nest(ctx, it)
	case it.group != nil:
		return a.group(ctx, it)
	}
	return a.user(ctx, it)
}

// user does what is to be done with one user, if that is still what the plan says.
func (a *importApplying) user(ctx context.Context, it *importItem) error {
	if it.key == "" {
		return a.create(ctx, it)
	}
	v, err := a.e.byKey(ctx, it.key)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return errStale
	}
	if err != nil {
		return err
	}
	if done, err := a.done(ctx, it, v); done || err != nil {
		return err
	}
	if !a.fits(it, v) {
		return errStale
	}
	steps, err := a.e.importSteps(leavingHooksOut(ctx), it, v)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(steps, withoutHooks(it.steps), sameStep) {
		return errStale
	}
	return a.change(ctx, it, v)
}

func (a *importApplying) create(ctx context.Context, it *importItem) error {
	v, err := a.e.CreateUser(ctx, it.user.Profile, Conflict)
	if _, taken := errors.AsType[*ConflictError](err); taken {
		if v, err = a.e.UserByName(ctx, fieldsName(it.user.Profile)); err != nil {
			return staleUser(err)
		}
		done, err := a.done(ctx, it, v)
		if err == nil && !done {
			err = errStale
		}
		it.key = v.Crowd.Key
		return err
	}
	if err == nil {
		it.key = v.Crowd.Key
	}
	return err
}

// fits reports whether a user may still be taken for the one of an item.
func (a *importApplying) fits(it *importItem, v *User) bool {
	mine := v.Owner == a.e.connection
	switch it.action {
	case ImportLink:
		return v.Owner == "" || !mine && v.goneForOwner()
	case ImportRevive:
		return mine && v.gone
	}
	return mine && !v.gone && (v.externalID == "" || v.externalID == it.user.ExternalID)
}

// done reports whether a user is as the import wants it already.
func (a *importApplying) done(ctx context.Context, it *importItem, v *User) (bool, error) {
	if v.Owner != a.e.connection || v.gone || v.pending || v.externalID != it.user.ExternalID {
		return false, nil
	}
	p, err := it.wanted(v)
	if err != nil {
		return false, err
	}
	steps, err := a.e.stepsOfUpdate(leavingHooksOut(ctx), v, p)
	return len(steps) == 0 && !a.handsOver(it, v), err
}

// handsOver reports whether hooks are to be run for an item that have not ended yet.
func (a *importApplying) handsOver(it *importItem, v *User) bool {
	return len(it.steps) > len(withoutHooks(it.steps)) && len(a.e.dueHooks(v)) > 0
}

func staleUser(err error) error {
	if errors.Is(err, ErrNoUser) {
		return errStale
	}
	return err
}

func (a *importApplying) change(ctx context.Context, it *importItem, v *User) error {
	p, err := it.wanted(v)
	if err != nil {
		return err
	}
	switch {
	case it.action == ImportLink:
		_, err = a.e.revive(ctx, v, p, OpLinkUser)
	case it.action == ImportRevive:
		_, err = a.e.revive(ctx, v, p, OpReviveUser)
	case v.pending:
		_, err = a.e.completeAgain(ctx, v, p)
	default:
		_, err = a.e.UpdateUser(ctx, v.ID, it.wanted)
	}
	return staleUser(err)
}

// wanted returns what is wanted of the user of an item as it is now.
func (it *importItem) wanted(v *User) (Profile, error) {
	if it.action == ImportDeactivate {
		return Profile{Fields: mapping.Fields{Active: new(false)}, ActiveSaid: true}, nil
	}
	return it.user.Update(v)
}

func sameStep(x, y Step) bool {
	return x.Op == y.Op && x.User == y.User && x.Group == y.Group && slices.Equal(x.Changes, y.Changes)
}

// group does what is to be done with one group.
func (a *importApplying) group(ctx context.Context, it *importItem) error {
	g := it.group
	id, err := a.groupID(ctx, g)
	if err != nil {
		return err
	}
	a.groupIDs[g.externalID] = person{name: g.name, id: id}
	change, err := a.groupChange(ctx, it, id)
	if err != nil {
		return err
	}
	var add []string
	var missing error
	for _, externalID := range g.add {
		p := a.people[externalID]
		if p.id == "" {
			missing = fmt.Errorf("groupsync: the user %q could not be created, and is not put into the group", p.name)
			continue
		}
		add = append(add, p.id)
	}
	if len(add) > 0 {
		change.Members = append(change.Members, MemberChange{AddMembers, add})
	}
	_, err = a.e.ChangeGroup(ctx, id, change)
	if errors.Is(err, ErrNoGroup) {
		return errStale
	}
	if err == nil {
		err = a.repair(ctx, g.repairs)
	}
	return errors.Join(err, missing)
}

// groupChange returns what is to change of a group but for new members, as far as
// that is still what the plan says. The rest it notes as stale.
func (a *importApplying) groupChange(ctx context.Context, it *importItem, id string) (GroupChange, error) {
	g := it.group
	c := GroupChange{Name: &g.name, ExternalID: &g.externalID}
	if g.id == "" {
		return c, nil // as it was just made
	}
	b, now, err := a.e.find(ctx, id)
	if errors.Is(err, ErrNoGroup) {
		return c, errStale
	}
	if err != nil {
		return c, err
	}
	if now.Name != g.name && !it.still("displayName", now.Name) {
		c.Name = nil
	}
	if now.ExternalID != g.externalID && !it.still("externalId", now.ExternalID) {
		c.ExternalID = nil
	}
	remove, err := a.stillHeld(ctx, it, a.e.direct(b, id) != nil)
	if len(remove) > 0 {
		c.Members = append(c.Members, MemberChange{RemoveMembers, remove})
	}
	return c, err
}

// still reports whether the plan has a change of the field from what it is now. Where
// it has one from something else, that is stale.
func (it *importItem) still(field, now string) bool {
	for _, s := range it.steps {
		if len(s.Changes) != 1 || s.Changes[0].Field != field {
			continue
		}
		if s.Changes[0].Before == now {
			return true
		}
		it.stale = append(it.stale, s)
	}
	return false
}

// stillHeld returns those of the members to be taken out who have not been put in
// again since. Of a direct group no more is known than who is in it.
func (a *importApplying) stillHeld(ctx context.Context, it *importItem, direct bool) ([]string, error) {
	g := it.group
	if direct || len(g.remove) == 0 {
		return g.remove, nil
	}
	users, err := a.e.lookUp(ctx, g.remove, 0)
	if err != nil {
		return nil, err
	}
	var same []string
	for i, u := range users {
		if u == nil {
			continue
		}
		grant, held := u.holdings.Grant(g.id)
		if was := g.since[u.ID]; !held || grant.At.Equal(was.At) && grant.Request == was.Request {
			same = append(same, g.remove[i])
			continue
		}
		it.stale = append(it.stale, it.revoking(u.ID)...)
	}
	return same, nil
}

// revoking returns the step that takes a user out of the group.
func (it *importItem) revoking(userID string) []Step {
	return slices.DeleteFunc(slices.Clone(it.steps), func(s Step) bool { return s.Op != OpRevoke || s.UserID != userID })
}

// repair ends changes of memberships that faults cut short. What has ended by itself
// meanwhile is well.
func (a *importApplying) repair(ctx context.Context, steps []Step) error {
	if len(steps) == 0 {
		return nil
	}
	k, err := a.e.keeper(ctx, OpAddMember)
	if err != nil {
		return err
	}
	return a.e.each(ctx, len(steps), func(ctx context.Context, i int) error {
		s := steps[i]
		s.run = func(ctx context.Context) error { return k.repairMember(ctx, s) }
		if err := a.e.step(ctx, s); !errors.Is(err, errStale) {
			return err
		}
		return nil
	})
}

// groupID returns the SCIM group of an item, which it creates where the plan says
// so. One that was created meanwhile, for the same group of the identity provider,
// is it.
func (a *importApplying) groupID(ctx context.Context, g *groupItem) (string, error) {
	if g.id != "" {
		return g.id, nil
	}
	made, err := a.e.CreateGroup(ctx, NewGroup{Name: g.name, ExternalID: g.externalID})
	if _, taken := errors.AsType[*ConflictError](err); taken {
		if made, err = a.e.GroupByName(ctx, g.name); err == nil && made.ExternalID != g.externalID {
			err = errStale
		}
	}
	if err != nil {
		return "", err
	}
	return made.ID, nil
}
