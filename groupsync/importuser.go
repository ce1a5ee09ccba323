package groupsync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// found are the Crowd users that a chunk of records may lead to.
type found struct {
	byExternalID map[string][]*User
	byName       map[string]*User // by folded name
	byEmail      map[string][]*User
}

// lookUp searches for the users of a chunk: one call for all of them.
func (r *importing) lookUp(ctx context.Context, chunk []*ImportUser) (found, error) {
	f := found{map[string][]*User{}, map[string]*User{}, map[string][]*User{}}
	var any []crowd.Restriction
	for _, u := range chunk {
		any = append(any, r.searches(u)...)
	}
	return f, r.search(ctx, any, func(v *User) { f.add(r.e, v) })
}

// search looks for the users whom any of the restrictions matches.
func (r *importing) search(ctx context.Context, any []crowd.Restriction, f func(*User)) error {
	for c, err := range r.e.crowd.Users(ctx, crowd.Query{Where: crowd.Or(any...), Detail: crowd.WithAttributes}) {
		if err != nil {
			return fmt.Errorf("groupsync: import: look users up: %w", err)
		}
		v, err := r.e.view(ctx, c)
		if err != nil {
			return err
		}
		f(v)
	}
	return nil
}

// searches returns what finds the Crowd users that a record may lead to.
func (r *importing) searches(u *ImportUser) []crowd.Restriction {
	all := []crowd.Restriction{crowd.Equals(r.e.names.externalID, lookupValue(u.ExternalID))}
	if name := fieldsName(u.Profile); crowd.ValidateName(name) == nil {
		all = append(all, crowd.Equals(crowd.PropertyName, name))
	}
	if email := deref(u.Profile.Fields.Email); r.options.LinkByEmail && email != "" {
		all = append(all, crowd.Equals(crowd.PropertyEmail, email))
	}
	return all
}

func (f *found) add(e *Engine, v *User) {
	f.byName[crowd.Fold(v.Crowd.Name)] = v
	if v.gone {
		return
	}
	if v.Owner == e.connection && v.externalID != "" {
		f.byExternalID[v.externalID] = append(f.byExternalID[v.externalID], v)
	}
	if v.Crowd.Email != "" {
		f.byEmail[crowd.Fold(v.Crowd.Email)] = append(f.byEmail[crowd.Fold(v.Crowd.Email)], v)
	}
}

// user sees whom a record leads to.
func (r *importing) user(ctx context.Context, u *ImportUser, f found) error {
	r.spareNames(u)
	if _, twice := r.people[u.ExternalID]; twice {
		return r.handlePassed(u, "the identity provider told of this id before")
	}
	r.people[u.ExternalID] = person{name: u.Name, out: true}
	if u.Skip != nil {
		return r.handlePassed(u, u.Skip.Error())
	}
	m := r.match(u, f)
	if m.late() {
		r.late = append(r.late, u)
		return nil
	}
	return r.handleMatch(ctx, u, m)
}

// passed notes that nothing is done with a user.
func (r *importing) passed(u *ImportUser, why string) error {
	r.skip(ImportOutcome{Kind: "user", Name: u.Name, ExternalID: u.ExternalID}, why)
	return nil
}

// matched plans for one user by the Crowd user that the record leads to.
func (r *importing) matched(ctx context.Context, u *ImportUser, m match) error {
	m = r.claim(u, m)
	o := ImportOutcome{Kind: "user", Name: u.Name, ExternalID: u.ExternalID, Action: m.action, Why: m.why}
	it := &importItem{user: u, action: m.action}
	if m.user != nil {
		o.Crowd, it.key = m.user.Crowd.Name, m.user.Crowd.Key
	}
	if m.action == ImportSkip {
		r.skip(o, m.why)
		return nil
	}
	if why := r.inactive(u, m.user); why != "" {
		r.people[u.ExternalID] = r.person(u, m, ErrNoUser)
		r.skip(o, why)
		return nil
	}
	var err error
	it.steps, err = r.e.importSteps(ctx, it, m.user)
	refused := refusal(err)
	if err != nil && refused == nil {
		return err
	}
	if m.user != nil {
		m.user = named(m.user, it.steps)
	}
	r.people[u.ExternalID] = r.person(u, m, refused)
	if refused != nil {
		r.skip(o, refused.Error())
		return nil
	}
	r.add(it, o)
	return nil
}

// spareNames notes the names that a record has or wants: of one that cannot be read
// whole, that it has.
func (r *importing) spareNames(u *ImportUser) {
	wanted := cmp.Or(fieldsName(u.Profile), u.Name)
	r.spared[crowd.Fold(wanted)] = true
	r.spare(u.Name)
}

// spare notes a name that a record may mean.
func (r *importing) spare(name string) {
	if name = crowd.Fold(name); !r.spared[name] {
		r.spared[name] = false
	}
}

// inactive says why nothing is done for a user who is not active at the identity
// provider, "" if something is.
func (r *importing) inactive(u *ImportUser, v *User) string {
	switch {
	case isActive(u.Profile.Fields.Active):
		return ""
	case v == nil:
		return "is not active at the identity provider"
	case v.Owner != r.e.connection:
		return fmt.Sprintf("is not active at the identity provider, and the connection does not own the user %q in Crowd", v.Crowd.Name)
	case v.Crowd.Active && !r.options.DeactivateLeavers:
		return "is not active at the identity provider, and is in Crowd. Let the import deactivate leavers, or deactivate the user by hand"
	}
	return ""
}

// person returns what groups need to know of a user: one who is not changed may
// still be a member, if the connection has it.
func (r *importing) person(u *ImportUser, m match, refused error) person {
	p := person{name: u.Name}
	if m.user != nil {
		p.name, p.id = m.user.Crowd.Name, m.user.ID
	}
	p.out = refused != nil && (m.user == nil || m.user.Owner != r.e.connection || m.user.gone)
	return p
}

// refusal returns an error that says no more than that one user or group cannot be
// as wanted.
func refusal(err error) error {
	var refused *RefusedError
	var conflict *ConflictError
	var protected *ProtectedError
	var value *mapping.ValueError
	if errors.As(err, &refused) || errors.As(err, &conflict) || errors.As(err, &protected) || errors.As(err, &value) {
		return err
	}
	return nil
}

// A match is the Crowd user that a record leads to, and what that means.
type match struct {
	user    *User
	action  ImportAction
	why     string
	byEmail bool
}

// late reports whether a match has to wait for the names of all users: what e-mail leads
// to may be the user whom a later record names.
func (m match) late() bool { return m.byEmail && m.action != ImportSkip }

// unnamed lets e-mail lead to nobody whose name another record has, or may have.
func (r *importing) unnamed(m match) match {
	switch {
	case !m.late():
		return m
	case r.spared[crowd.Fold(m.user.Crowd.Name)]:
		return passedOver(nil, "the user %q in Crowd has the same e-mail address, and the name of another user of the identity provider", m.user.Crowd.Name)
	case r.early != nil:
		return passedOver(nil, "the user %q in Crowd has the same e-mail address, and may have the name of a user whom the identity provider did not tell of, as it ended early", m.user.Crowd.Name)
	}
	return m
}

// passedOver is a match with which nothing is done.
func passedOver(v *User, why string, args ...any) match {
	return match{user: v, action: ImportSkip, why: fmt.Sprintf(why, args...)}
}

// match finds the Crowd user of a record: by id, else by name, else by e-mail.
func (r *importing) match(u *ImportUser, f found) match {
	switch same := f.byExternalID[u.ExternalID]; len(same) {
	case 0:
	case 1:
		return match{user: same[0], action: ImportUpdate, why: "has the identity provider's id on record"}
	default:
		return passedOver(nil, "%d users in Crowd have this id on record. Take it from all but one", len(same))
	}
	if v := f.byName[crowd.Fold(fieldsName(u.Profile))]; v != nil {
		return r.admit(v, "has the same name", r.options.LinkByName)
	}
	if m, ok := r.byEmail(u, f); ok {
		return m
	}
	if r.options.NoCreate {
		return passedOver(nil, "Crowd has no such user, and the setting users.create does not let one be made")
	}
	return match{action: ImportCreate, why: "Crowd has no such user"}
}

// byEmail finds the Crowd user of a record by e-mail, if that is allowed and there
// is any.
func (r *importing) byEmail(u *ImportUser, f found) (match, bool) {
	email := deref(u.Profile.Fields.Email)
	if !r.options.LinkByEmail || email == "" {
		return match{}, false
	}
	same := f.byEmail[crowd.Fold(email)]
	for _, v := range same {
		r.spare(v.Crowd.Name)
	}
	switch len(same) {
	case 0:
		return match{}, false
	case 1:
		m := r.admit(same[0], "has the same e-mail address", true)
		m.byEmail = true
		return m, true
	default:
		return passedOver(nil, "%d users in Crowd have this e-mail address, such as %q and %q. Link by name, or change the address of all but one",
			len(same), same[0].Crowd.Name, same[1].Crowd.Name), true
	}
}

// admit says what may be done with a Crowd user that a rule led to.
func (r *importing) admit(v *User, how string, allowed bool) match {
	mine := v.Owner == r.e.connection
	switch {
	case r.e.protected[crowd.Fold(v.Crowd.Name)]:
		return passedOver(v, "the user %q in Crowd %s, and the setting users.protected keeps it as it is", v.Crowd.Name, how)
	case v.Owner != "" && !mine && !v.goneForOwner():
		return passedOver(v, "the user %q in Crowd %s, and belongs to the connection %q", v.Crowd.Name, how, v.Owner)
	case mine && v.gone:
		return match{user: v, action: ImportRevive, why: "was deleted, and is back"}
	case mine && v.externalID != "":
		return passedOver(v, "the user %q in Crowd %s, and is on record as %q of the identity provider", v.Crowd.Name, how, v.externalID)
	case !allowed:
		return passedOver(v, "the user %q in Crowd %s. Let existing users be linked by it, or rename one of the two", v.Crowd.Name, how)
	case mine:
		return match{user: v, action: ImportUpdate, why: how}
	}
	return match{user: v, action: ImportLink, why: how}
}

// claim sees to it that no Crowd user, and no name, is wanted by two records.
func (r *importing) claim(u *ImportUser, m match) match {
	if m.action == ImportSkip {
		return m
	}
	name := crowd.Fold(fieldsName(u.Profile))
	if r.named[name] && name != "" {
		return passedOver(m.user, "the identity provider told of another user of this name before")
	}
	r.named[name] = true
	if m.user == nil {
		return m
	}
	if other := r.claimed[m.user.Crowd.Key]; other != "" {
		return passedOver(m.user, "the user %q in Crowd was taken for %q of the identity provider before", m.user.Crowd.Name, other)
	}
	r.claimed[m.user.Crowd.Key] = u.ExternalID
	return m
}

// importSteps returns what is to be done for a user, as the engine's own calls
// would do it.
func (e *Engine) importSteps(ctx context.Context, it *importItem, v *User) ([]Step, error) {
	if v == nil {
		return e.stepsOfCreate(ctx, created(it.user.Profile))
	}
	p, err := it.wanted(v)
	if err != nil {
		return nil, err
	}
	switch {
	case it.action == ImportLink:
		return e.stepsOfRevive(ctx, v, p, OpLinkUser)
	case it.action == ImportRevive:
		return e.stepsOfRevive(ctx, v, p, OpReviveUser)
	}
	steps, err := e.stepsOfUpdate(ctx, v, p)
	if err == nil && v.pending {
		steps = append(steps, e.completion(named(v, steps)).Steps...)
	}
	return steps, err
}

// named returns a user under the name that steps give it.
func named(v *User, steps []Step) *User {
	for _, s := range steps {
		if s.Op == OpRenameUser {
			renamed := *v
			renamed.Crowd.Name = s.Changes[0].After
			return &renamed
		}
	}
	return v
}

// stepsOfCreate are those of [Engine.CreateUser] of a user who is not there.
func (e *Engine) stepsOfCreate(ctx context.Context, p Profile) ([]Step, error) {
	name, err := profileName(p)
	if err != nil {
		return nil, err
	}
	u := e.newUser(ctx, p, name)
	v, err := e.view(ctx, &u)
	if err != nil {
		return nil, err
	}
	steps := []Step{{
		Op: OpCreateUser, User: name, Changes: fieldChanges(&crowd.User{}, p.Fields), Why: "the identity provider has the user",
	}}
	if v.pending {
		steps = append(steps, e.completion(v).Steps...)
	}
	return steps, nil
}

// stepsOfUpdate are those of [Engine.UpdateUser].
func (e *Engine) stepsOfUpdate(ctx context.Context, v *User, p Profile) ([]Step, error) {
	w := &update{e: e, profile: p, before: v}
	if err := w.admit(); err != nil {
		return nil, err
	}
	defer func() { w.leave.wait() }()
	return w.plan(ctx, v).Steps, nil
}

// stepsOfRevive are those of a creation that takes over a user who is there: the
// record first, then what still differs.
func (e *Engine) stepsOfRevive(ctx context.Context, v *User, p Profile, op Op) ([]Step, error) {
	active := p.Fields.Active == nil || *p.Fields.Active
	p.Fields.Active, p.ActiveSaid = &active, true
	first := Step{
		Op: op, User: v.Crowd.Name, UserID: v.ID, Changes: fieldChanges(&v.Crowd, p.Fields), Why: "the identity provider has the user",
	}
	after := v.Crowd
	after.Attributes = maps.Clone(v.Crowd.Attributes)
	if after.Attributes == nil {
		after.Attributes = crowd.Attributes{}
	}
	maps.Copy(after.Attributes, e.reviving(ctx, p, active))
	taken, err := e.view(ctx, &after)
	if err != nil {
		return nil, err
	}
	rest, err := e.stepsOfUpdate(ctx, taken, p)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]Step{first}, rest, e.completion(named(taken, rest)).Steps), nil
}

// leavers plans to deactivate those whom the identity provider does not have any
// more, if it was asked for and the records ended whole.
func (r *importing) leavers(ctx context.Context) error {
	if !r.options.DeactivateLeavers || r.early != nil {
		return nil
	}
	return r.e.walk(ctx, func(v *User) error {
		if !r.hasLeft(v) {
			return nil
		}
		u := &ImportUser{ExternalID: v.externalID, Name: v.Crowd.Name}
		o := ImportOutcome{Kind: "user", Name: v.Crowd.Name, ExternalID: v.externalID, Crowd: v.Crowd.Name}
		it := &importItem{user: u, key: v.Crowd.Key, action: ImportDeactivate}
		steps, err := r.e.importSteps(ctx, it, v)
		if refused := refusal(err); refused != nil {
			r.skip(o, refused.Error())
			return nil
		}
		if err != nil {
			return err
		}
		if len(steps) == 0 {
			return nil
		}
		it.steps = steps
		o.Action, o.Why = ImportDeactivate, "the identity provider does not have the user"
		r.add(it, o)
		return nil
	})
}

// hasLeft reports whether a user is the connection's, may log in, and was not
// among the records, neither by id nor by name. One who was deactivated as a leaver
// may have sessions that a fault has left standing.
func (r *importing) hasLeft(v *User) bool {
	leaving := v.Crowd.Active || v.said != nil && !*v.said
	if v.Owner != r.e.connection || v.gone || !leaving {
		return false
	}
	if _, told := r.people[v.externalID]; told && v.externalID != "" {
		return false
	}
	_, spared := r.spared[crowd.Fold(v.Crowd.Name)]
	return r.claimed[v.Crowd.Key] == "" && !spared
}
