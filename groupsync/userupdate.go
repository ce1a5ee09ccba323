package groupsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// longestRequest is how long a request may live. A word on the active flag that
// is younger may still be on its way to Crowd.
const longestRequest = 2 * time.Minute

// UpdateUser changes a user to the profile that change returns. Change gets the
// user as just read; an error of its own is returned as it is. The error matches [ErrNoUser] if there
// is no such user.
//
// Active false is applied before anything else and stands even where Crowd
// refuses the rest; the user's sessions are ended after it.
func (e *Engine) UpdateUser(ctx context.Context, id string, change func(*User) (Profile, error)) (*User, error) {
	v, err := e.User(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := change(v)
	if err != nil {
		return nil, err
	}
	w := &update{e: e, profile: p, before: v}
	if err := w.admit(); err != nil {
		return nil, err
	}
	return w.run(ctx, v)
}

// An update is the work on one user's own fields: record what is said, change
// Crowd's fields, look again, and repeat while the two differ.
type update struct {
	e       *Engine
	profile Profile
	before  *User
	record  crowd.Attributes // what was recorded
	round   int
	doubts  int    // writes whose answer was lost
	doubted int    // of them, those before this round
	tried   string // what the last round tried to change
	word    note   // when this update says what it says
	leave   *handover
	handed  int  // the round that hooks were planned in
	noted   bool // what became of them
}

// admit refuses what must not be changed.
func (w *update) admit() error {
	f := w.profile.Fields
	if f.Username != nil {
		if _, err := profileName(w.profile); err != nil {
			return err
		}
	}
	u := &w.before.Crowd
	if !w.e.protected[crowd.Fold(u.Name)] {
		return nil
	}
	if f.Username != nil && *f.Username != u.Name || f.Email != nil && *f.Email != u.Email ||
		f.Active != nil && *f.Active != u.Active || w.profile.Password != "" {
		return &ProtectedError{Kind: "user", Name: u.Name, Setting: "users.protected"}
	}
	return nil
}

func (w *update) run(ctx context.Context, v *User) (*User, error) {
	defer func() { w.leave.wait() }()
	u, err := w.rounds(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := w.leave.failure(); err != nil {
		return nil, err
	}
	return u, nil
}

func (w *update) rounds(ctx context.Context, v *User) (*User, error) {
	for {
		p := w.plan(ctx, v)
		if len(p.Steps) == 0 {
			return v, nil
		}
		if w.stuck(p) {
			w.e.report(ctx, EventFailed, p.Steps[0], "Crowd keeps another value than the one written")
			return v, nil
		}
		err := w.e.apply(ctx, p)
		if err != nil {
			if noted := w.noteLeave(ctx, v, err); noted != nil {
				err = errors.Join(err, noted)
			}
			return nil, w.refuse(ctx, err)
		}
		if w.e.cfg.DryRun {
			return v, nil
		}
		w.round++
		if v, err = w.look(ctx, v); err != nil {
			return nil, err
		}
		if err := w.noteLeave(ctx, v, nil); err != nil {
			return nil, err
		}
	}
}

// look reads the user again. Of one who was deleted meanwhile it undoes what this
// update wrote over the deletion.
func (w *update) look(ctx context.Context, v *User) (*User, error) {
	fresh, err := w.e.byKey(ctx, v.Crowd.Key)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil, ErrNoUser
	}
	if err != nil || !fresh.gone {
		return fresh, err
	}
	d := &deletion{e: w.e, user: fresh, how: Keep, doomed: w.e.isDoomed(fresh)}
	if fresh.said != nil && !*fresh.said {
		d.how = Deactivate
	}
	marks := d.marks(ctx)
	delete(marks, w.e.names.active)
	if err := w.e.crowd.SetUserAttributes(ctx, fresh.Crowd.Name, marks); err != nil {
		return nil, err
	}
	if err := d.lockOut(ctx); err != nil {
		return nil, err
	}
	return nil, ErrNoUser
}

// stuck reports whether a round would only try again what the last one did, and
// no more than words are at stake: Crowd changes some values as it stores them. A
// round whose answer was lost proves nothing.
func (w *update) stuck(p *Plan) bool {
	trying := p.String()
	again := w.round > 1 && trying == w.tried && w.doubts == w.doubted &&
		p.count(OpDeactivateUser, OpReactivateUser, OpRenameUser) == 0
	w.tried, w.doubted = trying, w.doubts
	return again
}

// refuse takes back what was recorded of a profile that Crowd refuses. Otherwise
// it would be shown as done, and each reconcile would try it again.
func (w *update) refuse(ctx context.Context, err error) error {
	err = w.refused(err)
	_, conflict := errors.AsType[*ConflictError](err)
	_, refused := errors.AsType[*RefusedError](err)
	if !conflict && !refused {
		return err
	}
	if back := w.undo(ctx, w.before.Crowd.Name); back != nil {
		return errors.Join(err, back)
	}
	return err
}

// refused translates what Crowd says of a value.
func (w *update) refused(err error) error {
	if errors.Is(err, crowd.ErrInvalidUser) && w.profile.Fields.Username != nil &&
		crowd.Fold(*w.profile.Fields.Username) != crowd.Fold(w.before.Crowd.Name) {
		return &ConflictError{
			Kind: "user", Name: *w.profile.Fields.Username, Problem: "Crowd refuses to rename the user so; most likely another user has the name",
			Remedy: "Choose another userName, or delete the user who has it",
		}
	}
	return refusedProfile(w.profile, err)
}

// plan returns the steps that still lead from v to the profile.
func (w *update) plan(ctx context.Context, v *User) *Plan {
	p := &Plan{Title: fmt.Sprintf("update the user %q", v.Crowd.Name)}
	if v.Owner != "" && v.Owner != w.e.connection {
		w.planForeign(ctx, p, v)
		return p
	}
	if w.round == 0 {
		w.word = w.e.word(ctx)
	}
	current := w.current(v)
	target := w.target(v, current)
	leaving := v.Crowd.Active && !target.Active
	repeats := w.repeats(v)
	handing := w.planHandOver(ctx, v, leaving, repeats)
	rec := w.records(ctx, v, current)
	if leaving && w.round == w.handed {
		w.leave.pending(rec)
	}
	if len(rec) > 0 {
		p.add(w.recordStep(v, rec))
	}
	p.Steps = append(p.Steps, handing...)
	if repeats && w.e.now().Sub(v.saidAt) < time.Hour {
		p.add(w.e.sessionsStep(v))
	}
	if leaving {
		w.planLeave(p, v)
		now := v.Crowd
		now.Active = false
		v = &User{Crowd: now, ID: v.ID, Owner: v.Owner, refused: v.refused, holdings: v.holdings}
	}
	if w.profile.Password != "" && w.round == 0 {
		p.add(w.passwordStep(v))
	}
	w.planFields(p, v, target)
	w.planDefaults(p, v, target.Name)
	return p
}

// repeats reports whether the request deactivates a user whom an earlier one has
// deactivated. If that was so shortly before that a fault may have left sessions
// standing, they are ended; and so are hooks run that did not end.
func (w *update) repeats(v *User) bool {
	a := w.profile.Fields.Active
	return w.round == 0 && a != nil && !*a && !v.Crowd.Active && v.said != nil && !*v.said
}

// current reports whether what is recorded with v is what this update recorded,
// or has yet to record. Otherwise a later one has the say, and only the active
// flag is looked after.
func (w *update) current(v *User) bool {
	return w.round == 0 || w.profile.Data == nil || bytes.Equal(v.Data, unpack(pack(w.profile.Data)))
}

// target returns Crowd's user as it should be.
func (w *update) target(v *User, current bool) crowd.User {
	want := v.Crowd
	wanted, at := readFields(v.wanted)
	if w.profile.Data == nil && w.e.now().Sub(at) < longestRequest || !current {
		setFields(&want, wanted) // of an update that this one may overtake
	}
	if current {
		setFields(&want, w.profile.Fields)
	}
	if v.refused != "" && v.refused == want.Email {
		want.Email = v.Crowd.Email // Crowd has refused it before
	}
	want.FirstName, want.LastName, want.DisplayName = crowd.CutText(want.FirstName), crowd.CutText(want.LastName), crowd.CutText(want.DisplayName)
	want.Active = w.active(v)
	return want
}

// active decides Crowd's active flag: what the identity provider said last. A
// flag that an administrator has taken away by hand comes back only by a word of
// the identity provider that is new.
func (w *update) active(v *User) bool {
	if w.says(v) {
		return *w.profile.Fields.Active
	}
	switch {
	case v.said == nil:
		return v.Crowd.Active
	case !*v.said:
		return false
	case v.Crowd.Active:
		return true
	}
	// Said active, and is not: by hand, unless the word is so young that it may
	// be on its way, or belongs to a creation that did not end, or this update's own
	// write has undone it.
	young := w.e.now().Sub(v.saidAt) < longestRequest
	undone := w.round > 0 && w.before.Crowd.Active
	return young || v.pending || undone
}

// says reports whether the request has a word on the active flag that is new, and
// that no later request has replaced.
func (w *update) says(v *User) bool {
	a := w.profile.Fields.Active
	if a == nil {
		return false
	}
	if w.round > 0 && w.record[w.e.names.active] != nil {
		_, mine := readRegister(w.record[w.e.names.active])
		return v.saidAt.Equal(mine.At) && v.saidBy == mine.Request
	}
	if w.round > 0 {
		return false
	}
	return w.profile.ActiveSaid || v.said == nil || *v.said != *a
}

// records returns what is still to be recorded.
func (w *update) records(ctx context.Context, v *User, current bool) crowd.Attributes {
	rec := crowd.Attributes{}
	if w.round == 0 && w.says(v) && (v.said == nil || *v.said != *w.profile.Fields.Active || v.Crowd.Active != *w.profile.Fields.Active) {
		rec[w.e.names.active] = register(strconv.FormatBool(*w.profile.Fields.Active), w.word)
	}
	if w.round == 0 && v.Owner == "" {
		rec[attrOwner] = []string{w.e.connection}
	}
	if current {
		for name, values := range w.e.records(w.profile) {
			if !sameValues(v.Crowd.Attributes[name], values) {
				rec[name] = values
			}
		}
		if rec[w.e.names.data] == nil {
			delete(rec, w.e.names.fields) // goes with the data only
		}
		if fields := w.wordsSince(v); fields != nil {
			rec[w.e.names.fields] = fields
		}
		custom := crowd.Attributes{}
		customFields(custom, w.profile.Fields.Custom, v.Crowd.Attributes)
		for name, values := range custom {
			if !sameValues(v.Crowd.Attributes[name], values) {
				rec[name] = values
			}
		}
	}
	return rec
}

// wordsSince returns the register of what is wanted of Crowd's fields where a
// request without data changes it, so that no reconcile brings the old words back.
func (w *update) wordsSince(v *User) []string {
	if w.profile.Data != nil || v.wanted == "" || w.round > 0 {
		return nil
	}
	wanted, _ := readFields(v.wanted)
	merged := wanted
	for _, f := range []struct{ to, from **string }{
		{&merged.Username, &w.profile.Fields.Username},
		{&merged.FirstName, &w.profile.Fields.FirstName},
		{&merged.LastName, &w.profile.Fields.LastName},
		{&merged.DisplayName, &w.profile.Fields.DisplayName},
		{&merged.Email, &w.profile.Fields.Email},
	} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
	if slices.Equal(fieldsRegister(merged, time.Time{}), fieldsRegister(wanted, time.Time{})) {
		return nil
	}
	return fieldsRegister(merged, w.e.now().UTC())
}

// sameValues compares values as sets.
func sameValues(x, y []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y)))
}

func (w *update) recordStep(v *User, rec crowd.Attributes) Step {
	s := Step{
		Op: OpRecord, User: v.Crowd.Name, UserID: v.ID,
		Why: "keeps what the identity provider said",
	}
	s.run = func(ctx context.Context) error {
		if w.record == nil {
			w.record = crowd.Attributes{}
		}
		maps.Copy(w.record, rec)
		return w.e.crowd.SetUserAttributes(ctx, v.Crowd.Name, rec)
	}
	return s
}

// planLeave plans to lock a user out, before anything else that may fail.
func (w *update) planLeave(p *Plan, v *User) {
	p.add(Step{
		Op: OpDeactivateUser, User: v.Crowd.Name, UserID: v.ID, Changes: []Change{{"active", "true", "false"}},
		Why: "the identity provider deactivated the user",
		run: func(ctx context.Context) error {
			u := v.Crowd
			u.Active = false
			return w.sure(w.e.put(ctx, u))
		},
	})
	p.add(w.e.sessionsStep(v))
}

// put writes a user's fields; that the user vanished or was renamed meanwhile is
// left to the next look, and so is a write whose answer was lost.
func (e *Engine) put(ctx context.Context, u crowd.User) error {
	err := e.crowd.UpdateUser(ctx, u)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil
	}
	return err
}

// sure lets a write whose answer was lost pass, twice, since the next look tells
// whether it took effect.
func (w *update) sure(err error) error {
	if errors.Is(err, crowd.ErrAmbiguous) && w.doubts < 2 {
		w.doubts++
		return nil
	}
	return err
}

// sessionsStep ends a user's sessions. That Crowd refuses it is reported only: a
// user who is not active cannot use them for long.
func (e *Engine) sessionsStep(v *User) Step {
	s := Step{
		Op: OpEndSessions, User: v.Crowd.Name, UserID: v.ID,
		Why: "the user may not be logged in any more",
	}
	s.run = func(ctx context.Context) error {
		err := e.crowd.EndUserSessions(ctx, v.Crowd.Name)
		if errors.Is(err, crowd.ErrPermission) || errors.Is(err, crowd.ErrUnsupported) ||
			errors.Is(err, crowd.ErrAccessDenied) {
			e.report(ctx, EventSessionsNotEnded, Step{Op: OpEndSessions, User: v.Crowd.Name, UserID: v.ID}, err.Error())
			return nil
		}
		if errors.Is(err, crowd.ErrUserNotFound) {
			return nil
		}
		return err
	}
	return s
}

func (w *update) passwordStep(v *User) Step {
	return Step{
		Op: OpSetPassword, User: v.Crowd.Name, UserID: v.ID,
		Why: "the identity provider set a password",
		run: func(ctx context.Context) error {
			return w.e.crowd.SetPassword(ctx, v.Crowd.Name, w.profile.Password)
		},
	}
}

// planFields plans the rename and the change of Crowd's fields.
func (w *update) planFields(p *Plan, v *User, want crowd.User) {
	if want.Name != v.Crowd.Name {
		p.add(Step{
			Op: OpRenameUser, User: v.Crowd.Name, UserID: v.ID, Changes: []Change{{"username", v.Crowd.Name, want.Name}},
			Why: "the identity provider renamed the user",
			run: func(ctx context.Context) error { return w.rename(ctx, v, want.Name) },
		})
	}
	changes := fieldChanges(&v.Crowd, mapping.Fields{
		FirstName: &want.FirstName, LastName: &want.LastName, DisplayName: &want.DisplayName,
		Email: &want.Email, Active: &want.Active,
	})
	clear := customFields(crowd.Attributes{}, w.profile.Fields.Custom, v.Crowd.Attributes)
	if len(changes) > 0 {
		op := OpUpdateUser
		if len(changes) == 1 && want.Active && !v.Crowd.Active {
			op = OpReactivateUser
		}
		p.add(Step{
			Op: op, User: want.Name, UserID: v.ID, Changes: changes,
			Why: "the identity provider changed the profile",
			run: func(ctx context.Context) error { return w.putFields(ctx, v, want) },
		})
	}
	for _, name := range clear {
		p.add(Step{
			Op: OpUpdateUser, User: want.Name, UserID: v.ID, Changes: []Change{{Field: name, Before: v.Crowd.Attributes.First(name)}},
			Why: "the identity provider cleared the attribute",
			run: func(ctx context.Context) error {
				return w.e.crowd.DeleteUserAttribute(ctx, want.Name, name)
			},
		})
	}
}

// rename renames a user. Where the answer is lost it finds out what became of it:
// what follows writes under the new name, which may be another person's.
func (w *update) rename(ctx context.Context, v *User, name string) error {
	return w.e.inTurn(ctx, v.Crowd.Key, func(ctx context.Context) error {
		_, err := w.e.crowd.RenameUser(ctx, v.Crowd.Name, name)
		if !errors.Is(err, crowd.ErrAmbiguous) {
			return err
		}
		u, lost := w.e.crowd.UserByKey(ctx, v.Crowd.Key)
		if lost != nil || u.Name == name {
			return lost
		}
		_, err = w.e.crowd.RenameUser(ctx, u.Name, name)
		return err
	})
}

// putFields writes Crowd's fields, without the e-mail if Crowd refuses a change
// of that.
func (w *update) putFields(ctx context.Context, v *User, want crowd.User) error {
	err := w.e.put(ctx, want)
	if !errors.Is(err, crowd.ErrEmailChange) {
		return w.sure(err)
	}
	if w.e.cfg.RejectEmail {
		if back := w.undo(ctx, want.Name); back != nil {
			return errors.Join(err, back)
		}
		return &RefusedError{
			Attribute: "emails", Problem: "Crowd does not let applications change a user's e-mail address",
			Remedy: "Change it in Crowd, or let the setting users.emailRefused skip it", Err: err,
		}
	}
	w.e.report(ctx, EventEmailRefused, Step{
		Op: OpUpdateUser, User: want.Name, UserID: v.ID, Changes: []Change{{"email", v.Crowd.Email, want.Email}},
	}, "Crowd does not let applications change a user's e-mail address. Change it in Crowd")
	refused := crowd.Attributes{w.e.names.emailRefused: {want.Email}}
	if err := w.e.crowd.SetUserAttributes(ctx, want.Name, refused); err != nil {
		return err
	}
	want.Email = v.Crowd.Email
	return w.sure(w.e.put(ctx, want))
}

// undo records again what was recorded before this update, but for the word on
// the active flag, which stands.
func (w *update) undo(ctx context.Context, name string) error {
	back := crowd.Attributes{}
	for attribute := range w.record {
		if attribute == w.e.names.active || strings.HasPrefix(attribute, w.e.names.hook) || attribute == attrOwner && w.record[w.e.names.active] != nil {
			continue // a leaver stays out, and ours
		}
		back[attribute] = []string{none}
		if old := w.before.Crowd.Attributes[attribute]; len(old) > 0 {
			back[attribute] = old
		}
	}
	w.forgetName(back)
	if len(back) == 0 {
		return nil
	}
	w.record = nil
	return w.e.crowd.SetUserAttributes(ctx, name, back)
}

// forgetName makes the fields that are recorded those that Crowd has, where they
// ask for the name that was refused: the same request may have come before, and
// failed after it had been recorded.
func (w *update) forgetName(back crowd.Attributes) {
	fields, at := readFields(w.before.wanted)
	asked, u := w.profile.Fields.Username, w.before.Crowd
	if asked == nil || fields.Username == nil || *fields.Username != *asked || *asked == u.Name {
		return
	}
	if w.before.said == nil { // an administrator's user, of whom nothing else was said
		back[w.e.names.fields] = []string{none}
		return
	}
	back[w.e.names.fields] = fieldsRegister(mapping.Fields{
		Username: &u.Name, FirstName: &u.FirstName, LastName: &u.LastName, DisplayName: &u.DisplayName, Email: &u.Email,
	}, at)
}

// planDefaults ensures default groups that the user, of that name by then, was not
// put into yet.
func (w *update) planDefaults(p *Plan, v *User, name string) {
	if w.round > 0 || v.pending {
		return
	}
	for _, g := range w.e.groups.DefaultForAllUsers() {
		if o, _ := v.holdings.Origin(g); o == Unknown && w.e.isDefault(v, g) {
			named := *v
			named.Crowd.Name = name
			p.add(w.e.defaultsStep(&named))
			return
		}
	}
}

// planForeign records what is said of a user whom another connection owns.
func (w *update) planForeign(ctx context.Context, p *Plan, v *User) {
	rec := crowd.Attributes{}
	for name, values := range w.e.records(w.profile) {
		if !sameValues(v.Crowd.Attributes[name], values) {
			rec[name] = values
		}
	}
	if len(rec) == 0 || w.round > 0 {
		return
	}
	p.add(w.recordStep(v, rec))
	w.e.report(ctx, EventNotOwner, p.Steps[0],
		fmt.Sprintf("the user belongs to the connection %q, which alone changes Crowd's fields", v.Owner))
}
