package groupsync

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// Existing says what becomes of a user who is created and is in Crowd already.
type Existing string

// The values of [Existing].
const (
	Conflict Existing = "conflict" // refuse with a *[ConflictError]; the default
	Link     Existing = "link"     // adopt and update the user
)

// CreateUser creates a user. One who was deleted over SCIM is revived with the
// same id, one whose creation a fault cut short is completed. The error is a
// *[ConflictError] if the name is taken, a *[RefusedError] if Crowd refuses the
// profile.
func (e *Engine) CreateUser(ctx context.Context, p Profile, existing Existing) (*User, error) {
	name, err := profileName(p)
	if err != nil {
		return nil, err
	}
	p = created(p)
	if e.cfg.DryRun {
		return e.tryCreate(ctx, p, name)
	}
	var u *crowd.User
	create := &Plan{Title: fmt.Sprintf("create the user %q", name)}
	create.add(Step{
		Op: OpCreateUser, User: name, Changes: fieldChanges(&crowd.User{}, p.Fields),
		Why: "the identity provider created the user",
		run: func(ctx context.Context) (err error) {
			u, err = e.crowd.CreateUser(ctx, e.newUser(ctx, p, name), password(p))
			return err
		},
	})
	err = e.apply(ctx, create)
	if errors.Is(err, crowd.ErrExists) && u != nil {
		return e.createExisting(ctx, u, p, existing)
	}
	if err != nil {
		return nil, refusedProfile(p, err)
	}
	if u.Key == "" {
		return nil, errors.New("groupsync: Crowd gave the new user no key. Upgrade Crowd: versions without user keys cannot be provisioned")
	}
	if u, err = e.forgetPredecessor(ctx, u); err != nil {
		return nil, err
	}
	return e.complete(ctx, u, p)
}

// created returns a profile as it is meant where a user is created: without a
// display name Crowd makes one of the other names, and that is to stay.
func created(p Profile) Profile {
	if deref(p.Fields.DisplayName) == "" {
		p.Fields.DisplayName = nil
	}
	return p
}

// forgetPredecessor takes back what a new user holds of an earlier one of its
// name, on servers that keep the attributes of users who were deleted.
func (e *Engine) forgetPredecessor(ctx context.Context, u *crowd.User) (*crowd.User, error) {
	h, err := e.ledger.Holdings(ctx, u)
	if err != nil {
		return nil, err
	}
	var facts []UserFact
	at, request := e.now().UTC(), requestID(ctx)
	for _, id := range h.Grants {
		facts = append(facts, UserFact{GroupID: id, At: at, Request: request})
	}
	for _, g := range h.Targets() {
		facts = append(facts, UserFact{Target: g, Origin: Left, At: at, Request: request})
	}
	extra := crowd.Attributes{}
	if u.Attributes.First(e.names.gone) == "yes" {
		extra[e.names.gone] = []string{"no"}
	}
	if refused := u.Attributes.First(e.names.emailRefused); refused != "" && refused != none {
		extra[e.names.emailRefused] = []string{none}
	}
	if len(facts)+len(extra) == 0 {
		return u, nil
	}
	if err := e.ledger.RecordUser(ctx, u, facts, extra); err != nil {
		return nil, err
	}
	v, err := e.byKey(ctx, u.Key)
	if err != nil {
		return nil, err
	}
	b, err := e.books(ctx)
	if err != nil {
		return nil, err
	}
	var targets []mapping.Target
	for _, g := range h.Targets() {
		targets = append(targets, e.bare(g))
	}
	return &v.Crowd, e.rederive(ctx, b, v, targets...)
}

func profileName(p Profile) (string, error) {
	if p.Fields.Username == nil || *p.Fields.Username == "" {
		return "", &RefusedError{Attribute: "userName", Problem: "no value for Crowd's user name", Remedy: "Send userName"}
	}
	name := *p.Fields.Username
	if err := crowd.ValidateName(name); err != nil {
		return "", &RefusedError{
			Attribute: "userName", Problem: fmt.Sprintf("Crowd does not accept the name %q", name),
			Remedy: "Use 1 to 255 characters without leading or trailing blanks", Err: err,
		}
	}
	return name, nil
}

// password returns the profile's password, or a random one that nobody knows.
func password(p Profile) crowd.Secret {
	if p.Password != "" {
		return p.Password
	}
	return crowd.Secret(rand.Text() + "-a1A")
}

// refusedProfile says which attribute Crowd refused.
func refusedProfile(p Profile, err error) error {
	switch {
	case errors.Is(err, crowd.ErrInvalidCredential):
		return &RefusedError{
			Attribute: "password", Problem: "Crowd's password policy refuses it",
			Remedy: "Send a password that meets the directory's policy, or let the settings ignore passwords", Err: err,
		}
	case errors.Is(err, crowd.ErrInvalidEmail):
		return &RefusedError{Attribute: "emails", Problem: "Crowd refuses the e-mail address", Remedy: "Send a valid address", Err: err}
	case errors.Is(err, crowd.ErrInvalidName), errors.Is(err, crowd.ErrInvalidUser):
		return &RefusedError{
			Attribute: "userName", Problem: fmt.Sprintf("Crowd refuses the user %q", deref(p.Fields.Username)),
			Remedy: "Send another user name, and check that Crowd's required fields have values", Err: err,
		}
	}
	return err
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// newUser returns the Crowd user of a profile, with its registers.
func (e *Engine) newUser(ctx context.Context, p Profile, name string) crowd.User {
	u := crowd.User{Name: name, Active: true}
	setFields(&u, p.Fields)
	u.Attributes = e.records(p)
	u.Attributes[attrOwner] = []string{e.connection}
	u.Attributes[e.names.active] = e.activeRegister(ctx, u.Active)
	customFields(u.Attributes, p.Fields.Custom, nil)
	if e.hasDefaults() {
		u.Attributes[e.names.pending] = []string{"yes"}
	}
	return u
}

func (e *Engine) hasDefaults() bool {
	return len(e.groups.DefaultForNewUsers())+len(e.groups.DefaultForAllUsers()) > 0
}

// setFields sets the fields of u that a profile speaks of.
func setFields(u *crowd.User, f mapping.Fields) {
	for _, field := range []struct {
		to   *string
		from *string
	}{
		{&u.Name, f.Username},
		{&u.FirstName, f.FirstName},
		{&u.LastName, f.LastName},
		{&u.DisplayName, f.DisplayName},
		{&u.Email, f.Email},
	} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if f.Active != nil {
		u.Active = *f.Active
	}
}

// complete does what follows the creation of a user: the default groups.
func (e *Engine) complete(ctx context.Context, u *crowd.User, p Profile) (*User, error) {
	v, err := e.view(ctx, u)
	if err != nil || !v.pending {
		return v, err
	}
	if err := e.apply(ctx, e.completion(v)); err != nil {
		return nil, err
	}
	return e.User(ctx, v.ID)
}

// completion returns the plan of what a user's creation lacks.
func (e *Engine) completion(v *User) *Plan {
	u := &v.Crowd
	plan := &Plan{Title: fmt.Sprintf("put the new user %q into the default groups", u.Name)}
	newcomer := u.Attributes.First(e.names.pending) == "yes" // not linked, nor revived
	for _, g := range e.groups.DefaultForNewUsers() {
		if !newcomer {
			break
		}
		plan.add(Step{
			Op: OpAddMember, User: u.Name, UserID: v.ID, Group: g,
			Why: "the group is a default for new users",
			run: func(ctx context.Context) error { return e.addDefault(ctx, u.Name, g) },
		})
	}
	if len(e.groups.DefaultForAllUsers()) > 0 {
		plan.add(e.defaultsStep(v))
	}
	plan.add(Step{
		Op: OpRecord, User: u.Name, UserID: v.ID, Why: "the user is complete",
		run: func(ctx context.Context) error {
			return e.crowd.SetUserAttributes(ctx, u.Name, crowd.Attributes{e.names.pending: {"no"}})
		},
	})
	return plan
}

// defaultsStep ensures the default groups of all users.
func (e *Engine) defaultsStep(v *User) Step {
	return Step{
		Op: OpAddMember, User: v.Crowd.Name, UserID: v.ID, Group: fmt.Sprint(e.groups.DefaultForAllUsers()),
		Why: "the groups are defaults for all users",
		run: func(ctx context.Context) error {
			b, err := e.books(ctx)
			if err != nil {
				return err
			}
			var defaults []mapping.Target
			for _, g := range e.groups.DefaultForAllUsers() {
				defaults = append(defaults, e.bare(g))
			}
			return e.rederive(ctx, b, v, defaults...)
		},
	}
}

// addDefault adds a new user to a group once, as by hand.
func (e *Engine) addDefault(ctx context.Context, user, group string) error {
	_, err := e.crowd.AddMember(ctx, group, user)
	if errors.Is(err, crowd.ErrGroupNotFound) {
		e.report(ctx, EventMissingTarget, Step{Op: OpAddMember, User: user, Group: group},
			"the default group does not exist in Crowd. Create it, or take it off groups.defaultForNewUsers")
		return nil
	}
	return err
}

// createExisting answers the creation of a user whom Crowd has already.
func (e *Engine) createExisting(ctx context.Context, u *crowd.User, p Profile, existing Existing) (*User, error) {
	v, err := e.view(ctx, u)
	if err != nil {
		return nil, err
	}
	mine := v.Owner == e.connection
	switch {
	case e.protected[crowd.Fold(u.Name)]:
		return nil, &ProtectedError{Kind: "user", Name: u.Name, Setting: "users.protected"}
	case mine && v.gone:
		return e.revive(ctx, v, p, OpReviveUser)
	case mine && v.pending && v.externalID == p.ExternalID:
		return e.completeAgain(ctx, v, p)
	case !mine && existing == Link && (v.Owner == "" || v.goneForOwner()):
		return e.revive(ctx, v, p, OpLinkUser)
	case !mine && v.gone && !v.goneForOwner():
		return e.reappear(ctx, v, p)
	}
	conflict := &ConflictError{
		Kind: "user", Name: u.Name, Problem: "Crowd already has a user of that name",
		Remedy: "Link the user in the identity provider, or let the setting users.existing link existing users",
	}
	if v.Owner != "" && !mine && !v.goneForOwner() {
		conflict.Problem = fmt.Sprintf("the user belongs to the connection %q", v.Owner)
		conflict.Remedy = "Look the user up by userName to grant memberships, or adopt it with an explicit command"
	}
	return nil, conflict
}

// goneForOwner reports whether the connection that owns the user has deleted it.
func (u *User) goneForOwner() bool {
	return u.Owner != "" && u.Crowd.Attributes.First(namesOf(u.Owner).gone) == "yes"
}

// reappear shows a user of another connection again that this one had deleted for
// itself. The other one remains the owner.
func (e *Engine) reappear(ctx context.Context, v *User, p Profile) (*User, error) {
	plan := &Plan{Title: fmt.Sprintf("show the user %q again", v.Crowd.Name)}
	plan.add(Step{
		Op: OpRecord, User: v.Crowd.Name, UserID: v.ID, Why: "the identity provider created the user",
		run: func(ctx context.Context) error {
			a := e.records(p)
			a[e.names.gone] = []string{"no"}
			return e.crowd.SetUserAttributes(ctx, v.Crowd.Name, a)
		},
	})
	if err := e.apply(ctx, plan); err != nil {
		return nil, err
	}
	return e.User(ctx, v.ID)
}

// completeAgain ends a creation that a fault cut short.
func (e *Engine) completeAgain(ctx context.Context, v *User, p Profile) (*User, error) {
	u, err := e.UpdateUser(ctx, v.ID, func(*User) (Profile, error) { return p, nil })
	if err != nil {
		return nil, err
	}
	return e.complete(ctx, &u.Crowd, p)
}

// revive makes a user visible again, or adopts one made by others, and updates
// it. The id is the same; memberships do not come back by themselves.
func (e *Engine) revive(ctx context.Context, v *User, p Profile, op Op) (*User, error) {
	active := p.Fields.Active == nil || *p.Fields.Active
	p.Fields.Active = &active
	p.ActiveSaid = true
	plan := &Plan{Title: fmt.Sprintf("%s %q", op, v.Crowd.Name)}
	plan.add(Step{
		Op: op, User: v.Crowd.Name, UserID: v.ID, Changes: fieldChanges(&v.Crowd, p.Fields),
		Why: "the identity provider created the user",
		run: func(ctx context.Context) error {
			return e.crowd.SetUserAttributes(ctx, v.Crowd.Name, e.reviving(ctx, p, active))
		},
	})
	if err := e.apply(ctx, plan); err != nil {
		return nil, err
	}
	return e.completeAgain(ctx, v, p)
}

// reviving returns the attributes that make a user visible, and the connection's.
func (e *Engine) reviving(ctx context.Context, p Profile, active bool) crowd.Attributes {
	a := e.records(p)
	maps.Copy(a, crowd.Attributes{
		attrOwner: {e.connection}, e.names.gone: {"no"}, e.names.active: e.activeRegister(ctx, active),
		e.names.pending: {"again"},
	})
	return a
}

// tryCreate plans a creation in a dry run.
func (e *Engine) tryCreate(ctx context.Context, p Profile, name string) (*User, error) {
	old, err := e.crowd.User(ctx, name)
	if err == nil {
		return nil, &ConflictError{Kind: "user", Name: old.Name, Problem: "Crowd already has a user of that name", Remedy: "This is a dry run"}
	}
	if !errors.Is(err, crowd.ErrUserNotFound) {
		return nil, err
	}
	u := e.newUser(ctx, p, name)
	e.report(ctx, EventPlanned, Step{Op: OpCreateUser, User: name, Changes: fieldChanges(&crowd.User{}, p.Fields)}, "")
	u.Key = "0:dry-run"
	return e.view(ctx, &u)
}

// fieldChanges lists the fields of now that a profile changes.
func fieldChanges(now *crowd.User, f mapping.Fields) []Change {
	want := *now
	setFields(&want, f)
	return differing(
		Change{"username", now.Name, want.Name},
		Change{"firstName", now.FirstName, want.FirstName},
		Change{"lastName", now.LastName, want.LastName},
		Change{"displayName", now.DisplayName, want.DisplayName},
		Change{"email", now.Email, want.Email},
		Change{"active", fmt.Sprint(now.Active), fmt.Sprint(want.Active)},
	)
}

// differing returns those of the changes that change anything, nil for none.
func differing(all ...Change) []Change {
	var changes []Change
	for _, c := range all {
		if c.Before != c.After {
			changes = append(changes, c)
		}
	}
	return changes
}

func foldedSet(names []string) map[string]bool {
	set := map[string]bool{}
	for _, n := range names {
		set[crowd.Fold(n)] = true
	}
	return set
}
