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

// An undoing turns what a log says into what takes it back.
type undoing struct {
	e *Engine
	*Restoration
	query UndoQuery
	book  *Book
	why   string
	taken map[string]bool   // ids of SCIM groups that others gave the name of a deleted one
	going map[string]bool   // ids of those that the selection created, and that go again
	made  map[string]*Group // those in place of deleted ones, by the old id

	names, external map[string]string // of groups that the selection changed, before that, by id
}

// plan plans groups first, since who was in a deleted one goes into another.
func (u *undoing) plan(ctx context.Context, all []*subject) (err error) {
	if u.book, err = u.e.books(ctx); err != nil {
		return err
	}
	for g, err := range u.e.crowd.Groups(ctx, crowd.Query{Detail: crowd.WithAttributes}) {
		if err != nil {
			return fmt.Errorf("groupsync: undo: list groups: %w", err)
		}
		u.book.Crowd[crowd.Fold(g.Name)] = g
	}
	for _, s := range all {
		u.createdGroup(s)
		switch s.last.Step.Op {
		case OpRenameGroup:
			u.names[s.last.Step.GroupID] = s.first.Step.change("displayName").Before
		case OpUpdateGroup:
			u.external[s.last.Step.GroupID] = s.first.Step.change("externalId").Before
		}
	}
	for _, s := range all {
		if err := u.group(ctx, s); err != nil {
			return err
		}
	}
	for _, s := range all { // names that were taken are free by then
		if n := u.book.entry(s.last.Step.GroupID); n != nil && s.first.Step.Op == OpDeleteGroup && s.last.Step.Op == OpDeleteGroup {
			u.deletedGroup(n) // what the selection created, too, has gone
		}
	}
	for _, s := range all {
		if err := u.rest(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// leaveLater notes that something has changed since.
func (u *undoing) leaveLater(s Step, later *Event) {
	why := "it has changed since, which the log does not tell of"
	if later != nil {
		why = "it has changed since, at " + later.Time.UTC().Format(time.RFC3339)
		if later.Request != "" {
			why += " by request " + later.Request
		}
		why += ": " + later.Step.String()
	}
	u.leave(s, why)
}

// group plans to take back that a group was renamed or got another externalId.
func (u *undoing) group(ctx context.Context, s *subject) error {
	n := u.book.entry(s.last.Step.GroupID)
	if n == nil {
		return nil
	}
	switch s.last.Step.Op {
	case OpRenameGroup:
		return u.field(ctx, s, n, OpRenameGroup, "displayName", n.name)
	case OpUpdateGroup:
		return u.field(ctx, s, n, OpUpdateGroup, "externalId", n.externalID)
	}
	return nil
}

// createdGroup plans to delete a group that the selection created. That nobody is in
// it is seen to when the step is taken, after the grants of the selection have gone.
func (u *undoing) createdGroup(s *subject) {
	n := u.book.entry(s.last.Step.GroupID)
	if n == nil || s.last.Step.Op != OpCreateGroup && s.last.Step.Op != OpLinkGroup {
		return
	}
	del := Step{Op: OpDeleteGroup, Group: n.name, GroupID: n.id, Why: u.why}
	switch {
	case n.dead && len(u.e.carriers(u.book, n.id)) == 0:
	case s.later != nil:
		u.leaveLater(del, s.later)
	default:
		u.going[n.id] = true
		u.Plan.add(del)
	}
}

// deletedGroup plans to create a group anew that the selection deleted, under the name
// and externalId that it had before. One that the identity provider has made since is
// its own; one that the log does not tell of is what an undo before left half done.
func (u *undoing) deletedGroup(n *entry) {
	name, externalID := n.name, n.externalID
	if before, renamed := u.names[n.id]; renamed {
		name = before
	}
	if before, changed := u.external[n.id]; changed {
		externalID = before
	}
	owner := u.book.owner(name)
	_, renamed := u.names[owner]
	back := slices.ContainsFunc(u.Plan.Steps, func(s Step) bool { return s.Op == OpRenameGroup && s.GroupID == owner })
	switch {
	case owner != "" && back: // it gets its own name back first
	case u.going[owner] || renamed:
		u.leave(createStep("", name, externalID, u.why), "another group has that name as yet. Undo this first, then once more")
		return
	case owner != "":
		if !u.taken[owner] {
			u.made[n.id] = u.e.show(u.book, u.book.live(owner))
			if u.e.unfinished(u.book, owner) {
				u.Plan.add(createStep(owner, name, externalID, u.why))
			}
			return
		}
		u.leave(createStep(owner, name, externalID, u.why), "the identity provider has made a group of that name since. Push its members there")
		return
	}
	id := u.book.next(name)
	u.made[n.id] = &Group{ID: id, Name: name}
	u.Plan.add(createStep(id, name, externalID, u.why))
}

// field plans to give a group the name or externalId back that it had.
func (u *undoing) field(ctx context.Context, s *subject, n *entry, op Op, field, now string) error {
	before, after := s.first.Step.change(field).Before, s.last.Step.change(field).After
	back := Step{Op: op, Group: n.name, GroupID: n.id, Changes: []Change{{field, after, before}}, Why: u.why}
	switch {
	case !n.live() || before == after || u.going[n.id]:
	case now == before:
		half, err := u.halfDone(ctx, n.id)
		if err != nil || !half {
			return err
		}
		if s.later != nil {
			u.leaveLater(back, s.later)
		} else {
			u.Plan.add(back)
		}
	case s.later != nil || now != after:
		u.leaveLater(back, s.later)
	case op == OpRenameGroup && u.book.owner(before) != "" && u.book.owner(before) != n.id:
		u.leave(back, "another group has that name now. Rename or delete it first")
	default:
		u.Plan.add(back)
	}
	return nil
}

// halfDone reports whether a fault has cut a change of a group short: its Crowd groups
// are not those it fills, or somebody is not where the rules now say.
func (u *undoing) halfDone(ctx context.Context, id string) (bool, error) {
	if u.e.unfinished(u.book, id) {
		return true, nil
	}
	if u.e.groups.Mode() != mapping.ManualMapping {
		return false, nil
	}
	astray, _, err := u.e.astray(ctx, u.book, id)
	return len(astray) > 0, err
}

// rest plans for everything but the groups themselves.
func (u *undoing) rest(ctx context.Context, s *subject) error {
	step := s.last.Step
	switch step.Op {
	case OpGrant, OpRevoke:
		return u.grant(ctx, s)
	case OpAddMember, OpRemoveMember:
		return u.member(ctx, s)
	case OpAddGroup, OpRemoveGroup:
		return u.nest(ctx, s)
	case OpDeactivateUser, OpReactivateUser:
		return u.active(ctx, s)
	case OpUpdateUser, OpRenameUser:
		return u.userField(ctx, s)
	case OpCreateUser, OpLinkUser, OpReviveUser:
		u.leave(Step{Op: OpDeleteUser, User: step.User, UserID: step.UserID}, "users come and go by the identity provider. Unassign the user there")
	case OpDeleteUser:
		u.leave(Step{Op: OpReviveUser, User: step.User, UserID: step.UserID}, "users come and go by the identity provider. Assign the user there again")
	}
	return nil
}

// target returns the SCIM group in which something is taken back, nil for none.
func (u *undoing) target(id string) *Group {
	if g := u.made[id]; g != nil {
		return g
	}
	if n := u.book.live(id); n != nil {
		return u.e.show(u.book, n)
	}
	return nil
}

// user reads the user of a step; nil, and told, where it is gone.
func (u *undoing) user(ctx context.Context, s Step) (*User, error) {
	v, err := u.e.stepUser(ctx, s)
	if errors.Is(err, errStale) || err == nil && v.gone {
		if s.Op != OpRevoke {
			u.leave(s, "the user is gone. Assign it in the identity provider again")
		}
		return nil, nil
	}
	return v, err
}

// grant plans to take back a grant, or that one was revoked.
func (u *undoing) grant(ctx context.Context, s *subject) error {
	back := Step{Op: OpGrant, User: s.last.Step.User, UserID: s.last.Step.UserID, Group: s.last.Step.Group, GroupID: s.last.Step.GroupID}
	again, err := u.saidAgain(ctx, s)
	if err != nil {
		return err
	}
	if (s.first.Step.Op == OpGrant) != again {
		back.Op = OpRevoke
	}
	n, g := u.book.entry(back.GroupID), u.target(back.GroupID)
	direct := n != nil && n.made && u.e.groups.Exclusive()
	switch {
	case g == nil && back.Op == OpRevoke, direct && u.made[back.GroupID] == nil:
		return nil // it counts for nothing, or the membership itself is the grant
	case g == nil:
		u.leave(back, "the SCIM group is gone. Push it again from the identity provider")
		return nil
	}
	v, err := u.user(ctx, back)
	if v == nil || err != nil {
		return err
	}
	if !direct {
		if ours, err := u.ours(ctx, s, v, g, back); !ours || err != nil {
			return err
		}
	}
	step, err := u.e.wordStep(ctx, v, g, back.Op == OpGrant, u.why)
	if err == nil {
		u.Plan.add(step)
	}
	return err
}

// saidAgain reports whether the first word of the selection was one that had been said
// before it. A word that the selection itself has recorded, by a step that a fault then
// cut short, was not.
func (u *undoing) saidAgain(ctx context.Context, s *subject) (bool, error) {
	c := s.first.Step.change("grant")
	if len(s.first.Step.Changes) == 0 || c.Before != c.After {
		return false, nil
	}
	v, err := u.e.stepUser(ctx, s.first.Step)
	if errors.Is(err, errStale) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	f, known, err := u.e.lastWord(ctx, v, s.first.Step.GroupID)
	cutShort := known && f.Granted == (s.first.Step.Op == OpGrant) && u.query.wrote(f) && !f.At.After(s.first.Time)
	return !cutShort, err
}

// ours reports whether a grant is still what the selection made it. One that is what
// it was before is looked after, should a fault have parted it from its membership.
func (u *undoing) ours(ctx context.Context, s *subject, v *User, g *Group, back Step) (bool, error) {
	granted := back.Op == OpGrant
	now, known, err := u.e.lastWord(ctx, v, g.ID)
	if err != nil {
		return false, err
	}
	if known && now.Granted == granted {
		return u.parted(ctx, v, g, granted)
	}
	was := now
	if g.ID != back.GroupID { // made anew: the old one's register tells
		if known {
			u.leaveLater(back, nil)
		}
		if known || !granted { // nobody is in what is new
			return false, nil
		}
		if was, known, err = u.e.lastWord(ctx, v, back.GroupID); err != nil {
			return false, err
		}
	}
	_, tells := u.e.ledger.(teller)
	switch {
	case s.later != nil:
		u.leaveLater(back, s.later)
	case known && u.query.wrote(was), !known && !tells && granted:
		return true, nil
	case known && was.At.After(s.last.Time):
		u.leaveLater(back, nil)
	}
	return false, nil // it was so before
}

// parted reports whether a membership is not what its grant says.
func (u *undoing) parted(ctx context.Context, v *User, g *Group, granted bool) (bool, error) {
	for _, t := range u.e.targets(u.book, g.ID) {
		member, err := u.e.crowd.IsMember(ctx, t.Group, v.Crowd.Name, false)
		if err != nil {
			return false, err
		}
		op, _ := u.e.memberDrift(u.book, v, t, member)
		p := provenance(u.book, v.holdings, t.Group)
		if granted && op == OpAddMember || !granted && op == OpRemoveMember && (p == mapping.Made || p == mapping.LeftOpen) {
			return true, nil
		}
	}
	return false, nil
}

// member plans to take back a change of the members of an exclusive group.
func (u *undoing) member(ctx context.Context, s *subject) error {
	g := u.target(s.last.Step.GroupID)
	if g == nil || g.Direct == nil {
		return nil // made anew: see grant
	}
	back := Step{Op: OpGrant, User: s.last.Step.User, UserID: s.last.Step.UserID, Group: g.Name, GroupID: g.ID, Why: u.why}
	if s.first.Step.Op == OpAddMember {
		back.Op = OpRevoke
	}
	v, err := u.user(ctx, back)
	if v == nil || err != nil {
		return err
	}
	back.User = v.Crowd.Name
	in, err := u.e.groupsOf(ctx, v)
	if err != nil {
		return err
	}
	member := slices.ContainsFunc(g.Direct, func(name string) bool { return containsFolded(in, name) })
	switch {
	case member == (back.Op == OpGrant):
	case s.later != nil:
		u.leaveLater(back, s.later)
	default:
		u.Plan.add(back)
	}
	return nil
}

// nest plans to take a group out of another again, or bring it back.
func (u *undoing) nest(ctx context.Context, s *subject) error {
	outer, inner := u.target(s.last.Step.GroupID), u.target(s.last.Step.ChildID)
	back := Step{Op: OpAddGroup, Group: s.last.Step.Group, GroupID: s.last.Step.GroupID, Child: s.last.Step.Child, ChildID: s.last.Step.ChildID, Why: u.why}
	if s.first.Step.Op == OpAddGroup {
		back.Op = OpRemoveGroup
	}
	if outer == nil || inner == nil {
		if back.Op == OpAddGroup {
			u.leave(back, "one of the two groups is gone. Push it again from the identity provider")
		}
		return nil
	}
	back.Group, back.GroupID, back.Child, back.ChildID = outer.Name, outer.ID, inner.Name, inner.ID
	n := u.book.nest(outer.ID, inner.ID)
	if n.granted == (back.Op == OpAddGroup) {
		parted, err := u.e.nestParted(ctx, u.book, n)
		if parted {
			u.Plan.add(back)
		}
		return err
	}
	if s.later != nil {
		u.leaveLater(back, s.later)
		return nil
	}
	u.Plan.add(back)
	return nil
}

// nestParted reports whether a Crowd group is not within another as is recorded.
func (e *Engine) nestParted(ctx context.Context, b *Book, n nest) (bool, error) {
	if e.cfg.FlattenGroups {
		return false, nil
	}
	outer, _ := e.byNameTarget(b, n.parent)
	inner, _ := e.byNameTarget(b, n.child)
	if outer == "" || inner == "" {
		return false, nil
	}
	in, err := e.crowd.IsChildGroup(ctx, outer, inner, false)
	if errors.Is(err, crowd.ErrNestedGroups) || errors.Is(err, crowd.ErrGroupNotFound) {
		return false, nil
	}
	return in != (e.nests(b, n) || e.nestedElse(b, outer, inner)), err
}

// active plans to let in again, where that is asked for, whom the selection
// deactivated.
func (u *undoing) active(ctx context.Context, s *subject) error {
	back := Step{Op: OpReactivateUser, User: s.last.Step.User, UserID: s.last.Step.UserID, Changes: []Change{{"active", "false", "true"}}, Why: u.why}
	switch {
	case s.first.Step.Op != s.last.Step.Op:
		return nil
	case s.last.Step.Op == OpReactivateUser:
		back.Op, back.Changes = OpDeactivateUser, []Change{{"active", "true", "false"}}
		u.leave(back, "whether a user is in is for the identity provider to say. Deactivate the user there")
		return nil
	}
	v, err := u.user(ctx, back)
	if v == nil || err != nil {
		return err
	}
	back.User = v.Crowd.Name
	switch {
	case v.Crowd.Active:
	case s.later != nil:
		u.leaveLater(back, s.later)
	case !u.query.Reactivate:
		u.leave(back, "an undo lets nobody in unasked. Activate the user in the identity provider, or ask for it")
	case v.said != nil && !*v.said && u.query.wrote(UserFact{At: v.saidAt, Request: v.saidBy}):
		u.Plan.add(back)
	default:
		u.leaveLater(back, nil)
	}
	return nil
}

// userField plans to give a user one of Crowd's own fields back.
func (u *undoing) userField(ctx context.Context, s *subject) error {
	before, after := s.first.Step.Changes[0].Before, s.last.Step.Changes[0].After
	c := Change{s.last.Step.Changes[0].Field, after, before}
	back := Step{Op: OpUpdateUser, User: s.last.Step.User, UserID: s.last.Step.UserID, Changes: []Change{c}, Why: u.why}
	v, err := u.user(ctx, back)
	if v == nil || err != nil {
		return err
	}
	back.User = v.Crowd.Name
	then := u.users[v.ID]
	if then == nil {
		then = u.e.stateOf(v)
	}
	field := then.field(c.Field)
	switch {
	case field == nil:
		if before != after {
			u.leave(back, "only the identity provider brings that back")
		}
		return nil
	case *field == before || before == after:
	case s.later != nil || *field != after:
		u.leaveLater(back, s.later)
	case u.e.protected[crowd.Fold(v.Crowd.Name)] || v.Owner != u.e.connection:
		u.leave(back, "the user is protected, or another connection's")
	default:
		*field = before
		u.change(v, then, back)
	}
	return nil
}

// change plans a change of one field, in one step with others of the same user.
func (u *undoing) change(v *User, then *UserState, back Step) {
	if u.users[v.ID] == nil {
		u.users[v.ID] = then
		u.Plan.add(back)
		return
	}
	for i, s := range u.Plan.Steps {
		if s.Op == OpUpdateUser && s.UserID == v.ID {
			u.Plan.Steps[i].Changes = append(s.Changes, back.Changes...)
		}
	}
}

// stateOf returns a user's state, memberships aside.
func (e *Engine) stateOf(u *User) *UserState {
	v := &survey{e: e, book: NewBook(), roster: &roster{}}
	return v.state(u, nil)
}

// field returns one of Crowd's own fields by the name that a [Change] gives it.
func (s *UserState) field(name string) *string {
	return map[string]*string{
		"username": &s.Name, "firstName": &s.FirstName, "lastName": &s.LastName, "displayName": &s.DisplayName, "email": &s.Email,
	}[name]
}
