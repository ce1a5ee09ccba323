package groupsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// PlanAdopt returns what moves the users and grants of another connection to this one:
// its SCIM groups become groups of this connection too, its users become this one's
// with all that is kept of them, and what it granted this one grants. It changes
// nothing. The other must be one of Config.Neighbours, on the same directory. Whom the
// other has deleted is deleted for this one too, unless this one has said anything of
// that user.
//
// Memberships stay where this connection maps a group as the other does; those that
// would come or go are steps of their own, and count for the guard. What this
// connection itself has said of a user stands. Nothing may serve the other connection
// from before the plan is made; this one may go on. What is left of the other,
// its registry and marks, is for [Engine.PlanForget] of that.
func (e *Engine) PlanAdopt(ctx context.Context, from string) (*Plan, error) {
	i, err := e.neighbourNamed(from)
	if err != nil {
		return nil, err
	}
	v, err := e.survey(ctx, true, nil)
	if err != nil {
		return nil, err
	}
	then, err := e.books(ctx)
	if err != nil {
		return nil, fmt.Errorf("groupsync: read the registry: %w", err)
	}
	a := &adopting{
		survey: v, from: e.neighbours[i], index: i, then: then, ids: map[string]string{},
		plan: &Plan{Title: fmt.Sprintf("adopt the users and grants of the connection %q", from)},
	}
	if err := a.groups(); err != nil {
		return nil, err
	}
	if err := e.walk(ctx, func(u *User) error { a.user(u); return nil }); err != nil {
		return nil, err
	}
	a.plan.sort(adoptOrder)
	a.plan.members = e.membersOfGroups(a.plan)
	return a.plan, nil
}

// ApplyAdopt applies a plan of [Engine.PlanAdopt], also one that was kept as JSON in
// between. Nobody loses a membership in between that stays in the end. A step that
// fails does not keep the others from being applied; planned and applied again, it
// arrives at the same end. The error is a *[GuardError] if too much would be taken
// away, and matches [ErrStalePlan] where the other connection has said something else
// meanwhile.
func (e *Engine) ApplyAdopt(ctx context.Context, p *Plan, o ReconcileOptions) (Result, error) {
	if p.members == nil {
		p.members = e.membersOfGroups(p)
	}
	m := &mover{Engine: e}
	if err := m.find(p); err != nil {
		return Result{}, err
	}
	return allOf(e.applyPlan(ctx, p, o, e.batcher(m.perform)))
}

// A mover applies the steps of an adoption.
type mover struct {
	*Engine
	index int     // of the other among the neighbours
	other *Engine // that one's
}

// find finds the connection that a plan adopts from.
func (m *mover) find(p *Plan) (err error) {
	i := slices.IndexFunc(p.Steps, func(s Step) bool { return s.Op == OpMoveGrant || s.Op == OpAdoptUser })
	if i < 0 {
		return nil
	}
	if m.index, err = m.neighbourNamed(p.Steps[i].change("connection").Before); err != nil {
		return err
	}
	m.other, err = m.asNeighbour(m.index)
	return err
}

// asNeighbour returns the engine of a neighbour, which has this one as a neighbour.
func (e *Engine) asNeighbour(i int) (*Engine, error) {
	cfg := e.cfg
	other := e.neighbours[i].Neighbour
	cfg.Connection, cfg.Groups, cfg.Ledger = other.Connection, other.Groups, other.Ledger
	cfg.Neighbours = []Neighbour{{Connection: e.connection, Groups: e.groups, Ledger: e.ledger}}
	for j, n := range e.neighbours {
		if j != i {
			cfg.Neighbours = append(cfg.Neighbours, n.Neighbour)
		}
	}
	return New(cfg)
}

// adoptOrder is the order of the steps: groups before those who are in them.
var adoptOrder = map[Op]int{
	OpCreateGroup: 1, OpAddGroup: 2, OpAdoptUser: 3, OpMoveGrant: 4, OpRemoveMember: 5, OpAddMember: 6,
}

// neighbourNamed returns the place of a neighbour.
func (e *Engine) neighbourNamed(name string) (int, error) {
	i := slices.IndexFunc(e.neighbours, func(n neighbour) bool { return n.Connection == name })
	if i < 0 {
		return 0, fmt.Errorf("groupsync: %q is no connection of the same directory that the configuration has", name)
	}
	return i, nil
}

type adopting struct {
	*survey
	from  neighbour
	index int // of from among the neighbours
	then  *Book
	ids   map[string]string // of this connection's SCIM groups, by the other's ids
	plan  *Plan
}

func (a *adopting) why() string {
	return fmt.Sprintf("the connection %q is adopted", a.from.Connection)
}

// groups plans to have a SCIM group for each of the other's, the one of the same name
// where there is one.
func (a *adopting) groups() error {
	theirs := a.book.others[a.index]
	for _, n := range theirs.all() {
		id := a.then.owner(n.name)
		if id == "" {
			if err := a.e.checkGroupName(n.name); err != nil {
				return err
			}
			id = a.then.next(n.name)
			a.then.Add(GroupFact{Kind: Issued, ID: id, Name: n.name, ExternalID: n.externalID})
			a.plan.add(createStep(id, n.name, n.externalID, a.why()))
		}
		a.ids[n.id] = id
	}
	for _, n := range theirs.nests {
		if !theirs.nested(n) {
			continue
		}
		parent, child := a.ids[n.parent], a.ids[n.child]
		if a.book.nested(a.book.nest(parent, child)) {
			continue
		}
		a.plan.add(Step{
			Op: OpAddGroup, Group: theirs.live(n.parent).name, GroupID: parent,
			Child: theirs.live(n.child).name, ChildID: child, Why: a.why(),
		})
	}
	return nil
}

// user plans for one user, if the other connection owns it, keeps anything of it, or
// has granted it anything.
func (a *adopting) user(u *User) {
	theirs, granted := a.book.others[a.index], []grantChange(nil)
	for _, id := range u.foreign[a.index].Grants {
		n := theirs.live(id)
		if n == nil {
			continue
		}
		granted = append(granted, grantChange{a.ids[id], true})
		a.plan.add(Step{
			Op: OpMoveGrant, User: u.Crowd.Name, UserID: u.ID, Group: n.name, GroupID: a.ids[id], Why: a.why(),
			Changes: []Change{{"connection", a.from.Connection, a.e.connection}, {"id", id, a.ids[id]}},
		})
	}
	gone := u.gone
	if u.Owner == a.from.Connection || a.from.keeps(u) {
		gone = gone || a.e.factsFrom(a.from, u).First(a.e.names.gone) == "yes"
		a.plan.add(Step{
			Op: OpAdoptUser, User: u.Crowd.Name, UserID: u.ID, Why: a.why(),
			Changes: []Change{{"connection", a.from.Connection, a.e.connection}},
		})
	} else if len(granted) == 0 {
		return
	}
	a.memberships(u, granted, gone)
}

// memberships plans those that come and go with the mapping of this connection in the
// place of the other's, for a user who is then gone for this connection or is not.
func (a *adopting) memberships(u *User, granted []grantChange, gone bool) {
	v := *u
	v.gone = gone
	v.holdings, v.foreign = u.holdings.with(granted), slices.Clone(u.foreign)
	v.Grants, v.foreign[a.index] = v.holdings.Grants, Holdings{}
	if v.Owner == a.from.Connection {
		v.Owner = a.e.connection
	}
	in := a.roster.of(u.Crowd.Name)
	for _, t := range a.e.candidates(a.then, &v, in, a.exact) {
		op, reasons := a.e.memberDrift(a.then, &v, t, containsFolded(in, t.Group))
		if op != "" {
			a.plan.add(Step{Op: op, User: u.Crowd.Name, UserID: u.ID, Group: t.Group, Why: a.why(), Reasons: reasons})
		}
	}
}

// blanked are the registers of a user that are blanked once another connection has
// them.
func (n names) blanked() []string {
	return []string{n.data, n.fields, n.externalID, n.emails, n.emailRefused}
}

// keeps reports whether a connection keeps anything of a user but grants.
func (n neighbour) keeps(u *User) bool {
	return slices.ContainsFunc(n.names.blanked(), func(name string) bool { return said(u.Crowd.Attributes[name]) })
}

// stages are the registers that say how far a connection is with a user: whether its
// creation has ended, and its deletion begun. They hold for that connection alone.
func (n names) stages() []string { return []string{n.pending, n.gone, n.doomed} }

// knows reports whether the connection has said anything of a user that shows the user
// to be one of its own: who has been deleted elsewhere has not been deleted here.
func (e *Engine) knows(u *User) bool {
	a := u.Crowd.Attributes
	return len(u.Grants) > 0 || said(a[e.names.data]) || said(a[e.names.active])
}

// said reports whether a register has a value.
func said(values []string) bool { return len(values) > 0 && !slices.Equal(values, []string{none}) }

func (m *mover) perform(ctx context.Context, b *Book, s Step) error {
	switch s.Op {
	case OpCreateGroup:
		return m.redoCreate(ctx, s)
	case OpAddGroup:
		return m.redoNest(ctx, s)
	case OpAdoptUser, OpMoveGrant, OpRemoveMember, OpAddMember:
		u, err := m.stepUser(ctx, s)
		if errors.Is(err, errStale) {
			return nil // the user is gone
		}
		if err != nil {
			return err
		}
		return m.user(ctx, b, u, s)
	}
	return fmt.Errorf("groupsync: adopting does not %q. Make a new plan", s.Op)
}

// user applies a step on a user.
func (m *mover) user(ctx context.Context, b *Book, u *User, s Step) error {
	switch s.Op {
	case OpAdoptUser:
		return m.takeOver(ctx, b, u)
	case OpMoveGrant:
		return m.moveGrant(ctx, b, u, s.GroupID, s.change("id").Before)
	}
	t := m.bare(s.Group)
	for _, own := range m.targetsOf(b, u) {
		if crowd.Fold(own.Group) == crowd.Fold(s.Group) {
			t = own
		}
	}
	return m.rederive(ctx, b, u, t)
}

// targetsOf returns the Crowd groups that a user's grants fill.
func (e *Engine) targetsOf(b *Book, u *User) []mapping.Target {
	var all []mapping.Target
	for _, id := range u.Grants {
		all = append(all, e.targets(b, id)...)
	}
	return all
}

// takeOver makes a user of another connection one of this, in one request: what is
// kept of it is copied where this connection has said nothing, and blanked there.
func (m *mover) takeOver(ctx context.Context, b *Book, u *User) error {
	for {
		a := m.factsFrom(m.neighbours[m.index], u)
		if len(a) == 0 {
			break
		}
		if err := m.crowd.SetUserAttributes(ctx, u.Crowd.Name, a); err != nil && !errors.Is(err, crowd.ErrUserNotFound) {
			return err
		}
		v, err := m.byKey(ctx, u.Crowd.Key)
		if errors.Is(err, crowd.ErrUserNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		u = v
	}
	targets := m.ours(u)
	for _, g := range m.groups.DefaultForAllUsers() {
		targets = append(targets, m.bare(g))
	}
	return m.rederive(ctx, b, u, targets...)
}

// factsFrom returns what is still to be written for a user to be one of this connection
// with all that another keeps of it, nothing if all is.
func (e *Engine) factsFrom(from neighbour, u *User) crowd.Attributes {
	a, known := crowd.Attributes{}, e.knows(u)
	for name, values := range u.Crowd.Attributes {
		register, theirs := strings.CutPrefix(name, "scim."+from.Connection+".")
		own := "scim." + e.connection + "." + register
		if !theirs || !said(values) || strings.HasPrefix(name, from.names.grant) || said(u.Crowd.Attributes[own]) {
			continue
		}
		if known && slices.Contains(from.names.stages(), name) {
			continue
		}
		a[own] = values
	}
	for _, name := range from.names.blanked() {
		if said(u.Crowd.Attributes[name]) {
			a[name] = []string{none}
		}
	}
	if u.Owner == from.Connection {
		a[attrOwner] = []string{e.connection}
	}
	return a
}

// moveGrant grants what the other connection grants, and then revokes it there: at no
// moment does nobody grant it.
func (m *mover) moveGrant(ctx context.Context, b *Book, u *User, own, theirs string) error {
	if !u.holdings.Granted(own) {
		if !u.foreign[m.index].Granted(theirs) {
			return errStale // revoked meanwhile
		}
		err := m.changeGrants(ctx, b, u, []grantChange{{own, true}})
		if errors.Is(err, ErrNoUser) || errors.Is(err, ErrNoGroup) {
			return errStale
		}
		if err != nil {
			return err
		}
	}
	v, err := m.other.byKey(ctx, u.Crowd.Key)
	if errors.Is(err, crowd.ErrUserNotFound) || err == nil && !v.holdings.Granted(theirs) {
		return nil
	}
	if err != nil {
		return err
	}
	book, err := m.other.books(ctx)
	if err != nil {
		return err
	}
	return m.other.changeGrants(ctx, book, v, []grantChange{{theirs, false}})
}
