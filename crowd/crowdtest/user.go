package crowdtest

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

func getUser(x *exchange) (*reply, error) {
	if x.params.has("username") {
		u, _, err := x.user(x.params.get("username"))
		if err != nil {
			return nil, err
		}
		return ok(viewUser(u, x.expands("attributes")))
	}
	key, err := x.require("key")
	if err != nil {
		return nil, x.illegal("One of the parameters username and key is needed")
	}
	u, err := x.userByKey(key)
	if err != nil {
		return nil, err
	}
	return ok(viewUser(u, x.expands("attributes")))
}

func postUser(x *exchange) (*reply, error) {
	var in wire.User
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	in.Name = x.cutName(in.Name)
	if err := x.checkNewUser(&in); err != nil {
		return nil, err
	}
	attrs, err := x.newAttributes(&in)
	if err != nil {
		return nil, err
	}
	m, err := x.directoryFor(AddUser)
	if err != nil {
		return nil, err
	}
	if err := x.checkPassword(m, in.Password.Value); err != nil {
		return nil, err
	}
	p := x.profileOf(&in)
	p.Key = x.s.estates[legacyOf(p.Name, m)].key
	u := x.s.createUser(m.directory, p, in.Password.Value, attrs, x.now)
	x.inherit(u, m)
	x.s.events.user(x.opts, eventCreated, u.Name)
	if x.opts.LegacyCreate {
		return created()
	}
	answer := &reply{status: http.StatusCreated, entity: x.written(u)}
	x.locate(answer, "user?username="+url.QueryEscape(x.name(u.Name)))
	return answer, nil
}

// locate tells where a new entity is.
func (x *exchange) locate(answer *reply, resource string) {
	if !x.opts.NoLocation {
		answer.location = x.base + "/" + resource
	}
}

// checkNewUser refuses a user that cannot be created.
func (x *exchange) checkNewUser(in *wire.User) error {
	if err := x.checkName(reasonInvalidUser, in.Name); err != nil {
		return err
	}
	if _, _, err := x.user(in.Name); err == nil {
		return x.refuse(reasonInvalidUser, "User <%s> already exists", in.Name)
	}
	if in.Password == nil || in.Password.Value == "" {
		return x.refuse(reasonInvalidUser, "A password is needed")
	}
	first, last := deref(in.FirstName), deref(in.LastName)
	if x.opts.StrictNames && (first == "" || last == "") {
		return x.refuse(reasonInvalidUser, "A first and a last name are needed")
	}
	if err := x.checkEmail(deref(in.Email)); err != nil {
		return err
	}
	return x.checkTexts(reasonInvalidUser, first, last, deref(in.DisplayName), deref(in.Email))
}

func (x *exchange) checkEmail(email string) error {
	if x.opts.RefuseBadEmail && email != "" && !strings.Contains(email, "@") {
		return x.refuse(reasonInvalidEmail, "%s is no e-mail address", email)
	}
	return nil
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func (x *exchange) newAttributes(in *wire.User) ([]store.Attribute, error) {
	if in.Attributes == nil || x.opts.LegacyCreate {
		return nil, nil
	}
	return x.checkAttributes(in.Attributes)
}

// directoryFor returns the first directory that allows op.
func (x *exchange) directoryFor(op Operation) (mapped, error) {
	for _, m := range x.dirs {
		if m.allows(op) {
			return m, nil
		}
	}
	return mapped{}, x.denied(op)
}

// profileOf returns the profile of a new user.
func (x *exchange) profileOf(in *wire.User) store.UserProfile {
	p := store.UserProfile{
		Name: in.Name, FirstName: deref(in.FirstName), LastName: deref(in.LastName),
		DisplayName: deref(in.DisplayName), Email: deref(in.Email), Active: x.opts.AbsentActiveUser.value(true),
	}
	if in.Active != nil {
		p.Active = bool(*in.Active)
	}
	if in.DisplayName == nil && !x.opts.NoDisplayName {
		p.DisplayName = displayName(p)
	}
	return p
}

func displayName(p store.UserProfile) string {
	switch {
	case p.FirstName == "" && p.LastName == "":
		return p.Name
	case p.FirstName == "":
		return p.LastName
	case p.LastName == "":
		return p.FirstName
	}
	return p.FirstName + " " + p.LastName
}

// createUser adds a user with what Crowd itself keeps on it. A key and dates
// that the profile holds are kept. It returns nil if the name is taken.
func (s *Server) createUser(d *directory, p store.UserProfile, password string, attrs []store.Attribute, now time.Time) *store.User {
	p.FirstName, p.LastName, p.DisplayName = cut(p.FirstName), cut(p.LastName), cut(p.DisplayName)
	p.Email = cut(p.Email)
	for p.Key == "" || d.contents.UserByKey(p.Key) != nil {
		p.Key = strconv.FormatInt(d.ID, 10) + ":" + s.newID()
	}
	if p.Created.IsZero() {
		p.Created = now
	}
	if p.Updated.IsZero() {
		p.Updated = p.Created
	}
	u := d.contents.AddUser(p)
	if u == nil {
		return nil
	}
	d.contents.SetUserAttribute(u, attrRequiresChange, textFalse())
	d.contents.SetUserAttribute(u, attrAttempts, textZero())
	d.contents.SetUserAttribute(u, attrLastChanged, millis(now))
	if password != "" {
		u.Credential = store.NewCredential(u.Key, password)
	}
	for _, a := range attrs {
		d.contents.SetUserAttribute(u, a.Name, a.Values)
	}
	return u
}

func putUser(x *exchange) (*reply, error) {
	var in wire.User
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	u, m, err := x.changeableUser(ModifyUser)
	if err != nil {
		return nil, err
	}
	if crowd.Fold(in.Name) != u.Folded || x.opts.UpdateByCase && in.Name != x.params.get("username") {
		return nil, x.refuse(reasonInvalidUser, "The name in the body is not that of the user")
	}
	p := x.updated(u, &in)
	if err := x.checkEmail(p.Email); err != nil {
		return nil, err
	}
	if err := x.checkTexts(reasonInvalidUser, p.FirstName, p.LastName, p.DisplayName, p.Email); err != nil {
		return nil, err
	}
	p.FirstName, p.LastName, p.DisplayName, p.Email = cut(p.FirstName), cut(p.LastName), cut(p.DisplayName), cut(p.Email)
	if !x.opts.AllowEmailChange && !x.sameEmail(p.Email, u.Email) {
		return nil, x.refuse(reasonPermissionDenied, "External applications are not allowed to change user emails")
	}
	if x.opts.AttributesInUpdate && in.Attributes != nil {
		attrs, err := x.checkAttributes(in.Attributes)
		if err != nil {
			return nil, err
		}
		x.setAll(func(name string, values []string) { m.contents.SetUserAttribute(u, name, values) }, attrs)
	}
	m.contents.UpdateUser(u, p)
	x.s.events.user(x.opts, eventUpdated, u.Name)
	return noContent()
}

func (x *exchange) sameEmail(a, b string) bool {
	if x.opts.EmailIgnoringCase {
		return crowd.Fold(a) == crowd.Fold(b)
	}
	return a == b
}

// updated returns the profile of u after an update, which replaces all fields.
func (x *exchange) updated(u *store.User, in *wire.User) store.UserProfile {
	p := *u.UserProfile
	p.Updated = x.now
	fields := []struct {
		field *string
		sent  *string
	}{
		{&p.FirstName, in.FirstName},
		{&p.LastName, in.LastName},
		{&p.DisplayName, in.DisplayName},
		{&p.Email, in.Email},
	}
	for _, f := range fields {
		if f.sent != nil || !x.opts.PartialUpdate {
			*f.field = deref(f.sent)
		}
	}
	switch {
	case in.Active != nil:
		p.Active = bool(*in.Active)
	case !x.opts.PartialUpdate:
		p.Active = x.opts.AbsentActiveUser.value(false)
	}
	return p
}

func deleteUser(x *exchange) (*reply, error) {
	u, m, err := x.changeableUser(RemoveUser)
	if err != nil {
		return nil, err
	}
	x.bequeath(u, m)
	m.contents.DeleteUser(u)
	x.s.sessions.endUser(u, nil)
	x.s.events.user(x.opts, eventDeleted, u.Name)
	return noContent()
}

func renameUser(x *exchange) (*reply, error) {
	var in wire.Rename
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	u, m, err := x.changeableUser(ModifyUser)
	if err != nil {
		return nil, err
	}
	if x.opts.NoRename {
		return nil, x.refuse(reasonUnsupported, "The directory cannot rename users")
	}
	if in.NewName == "" && !x.opts.DashedRename {
		in.NewName = in.CamelCase
	}
	in.NewName = x.cutName(in.NewName)
	if err := x.checkName(reasonInvalidUser, in.NewName); err != nil {
		return nil, err
	}
	if other, _, err := x.user(in.NewName); err == nil && (other != u || x.opts.RefuseCaseRename && in.NewName != u.Name) {
		return nil, x.refuse(reasonInvalidUser, "User <%s> already exists", in.NewName)
	}
	p, old := *u.UserProfile, u.Name
	p.Name, p.Updated = in.NewName, x.now
	m.contents.RenameUser(u, p)
	if !x.opts.KeepSessions {
		x.s.sessions.endUser(u, nil)
	}
	if x.opts.RenameRecreates {
		x.s.events.user(x.opts, eventDeleted, old)
		x.s.events.user(x.opts, eventCreated, u.Name)
	} else {
		x.s.events.user(x.opts, eventUpdated, u.Name)
	}
	return ok(x.written(u))
}

// written is a user as the answer to a write shows it.
func (x *exchange) written(u *store.User) userView { return viewUser(u, !x.opts.WritesOmitAttributes) }
