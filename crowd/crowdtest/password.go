package crowdtest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/query"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// checkPassword refuses a password that the directory's policy does not allow.
func (x *exchange) checkPassword(m mapped, password string) error {
	if m.PasswordPattern == "" {
		return nil
	}
	allowed, err := regexp.MatchString(m.PasswordPattern, password)
	if err != nil {
		return x.refuse(reasonOperationFailed, "The directory's password pattern is no regular expression")
	}
	if !allowed {
		return x.refuse(reasonInvalidCredential, "The password does not meet the directory's policy")
	}
	return nil
}

func putPassword(x *exchange) (*reply, error) {
	var in wire.Password
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	u, m, err := x.changeableUser(ModifyUser)
	if err != nil {
		return nil, err
	}
	if in.Value == "" {
		return nil, x.refuse(reasonInvalidCredential, "A password is needed")
	}
	if err := x.checkPassword(m, in.Value); err != nil {
		return nil, err
	}
	x.setPassword(m, u, in.Value)
	return noContent()
}

func deletePassword(x *exchange) (*reply, error) {
	u, m, err := x.changeableUser(ModifyUser)
	if err != nil {
		return nil, err
	}
	x.setPassword(m, u, "")
	return noContent()
}

// setPassword gives a user a password; an empty one is none.
func (x *exchange) setPassword(m mapped, u *store.User, password string) {
	setCredential(u, password)
	m.contents.SetUserAttribute(u, attrRequiresChange, textFalse())
	m.contents.SetUserAttribute(u, attrAttempts, textZero())
	m.contents.SetUserAttribute(u, attrLastChanged, millis(x.now))
	if !x.opts.KeepSessions {
		x.s.sessions.endUser(u, nil)
	}
	x.s.events.user(x.opts, eventUpdated, u.Name)
}

func setCredential(u *store.User, password string) {
	u.Credential = ""
	if password != "" {
		u.Credential = store.NewCredential(u.Key, password)
	}
}

// mailPassword sends nothing; the fake has no post.
func mailPassword(x *exchange) (*reply, error) {
	u, _, err := x.changeableUser(ModifyUser)
	if err != nil {
		return nil, err
	}
	if u.Email == "" {
		return nil, x.refuse(reasonInvalidEmail, "User <%s> has no e-mail address", u.Name)
	}
	return noContent()
}

func mailUsernames(x *exchange) (*reply, error) {
	email := x.params.get("email")
	if email == "" {
		return nil, x.refuse(reasonInvalidEmail, "An e-mail address is needed")
	}
	if x.opts.UnknownEmail404 && !x.hasEmail(email) {
		return nil, x.userNotFound(email)
	}
	return noContent()
}

func (x *exchange) hasEmail(email string) bool {
	for _, m := range x.dirs {
		for range m.contents.SearchUsers(query.Text{Property: "email", Value: email}) {
			return true
		}
	}
	return false
}

func expireAllPasswords(x *exchange) (*reply, error) {
	if x.params.get("confirm") != "true" {
		return nil, x.illegal("The parameter confirm must be true")
	}
	allowed := false
	for _, m := range x.dirs {
		if !m.allows(ModifyUser) {
			continue
		}
		allowed = true
		for u := range m.contents.Users().All() {
			m.contents.SetUserAttribute(u, attrRequiresChange, []string{"true"})
			x.s.events.user(x.opts, eventUpdated, u.Name)
		}
	}
	if !allowed {
		return nil, x.denied(ModifyUser)
	}
	return noContent()
}

func authenticate(x *exchange) (*reply, error) {
	name, err := x.require("username")
	if err != nil {
		return nil, err
	}
	var in wire.Password
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	u, err := x.login(name, in.Value)
	if err != nil {
		return nil, err
	}
	return ok(viewUser(u, x.expands("attributes")))
}

// login checks a user's password and keeps what Crowd keeps about it.
func (x *exchange) login(name, password string) (*store.User, error) {
	u, m, err := x.user(name)
	if err != nil {
		return nil, x.inBody(err)
	}
	attempts, _ := strconv.Atoi(first(u.Attribute(attrAttempts)))
	locked := m.MaxAttempts > 0 && attempts >= m.MaxAttempts
	if locked || !store.CredentialMatches(u.Credential, password) {
		m.contents.SetUserAttribute(u, attrAttempts, []string{strconv.Itoa(attempts + 1)})
		return nil, x.refuse(reasonUserAuthentication, "Failed to authenticate <%s>", name)
	}
	if err := x.mayEnter(u, m); err != nil {
		return nil, err
	}
	m.contents.SetUserAttribute(u, attrAttempts, textZero())
	x.markAuthenticated(u, m)
	return u, nil
}

// mayEnter refuses a user who has given the right password, or needs none, and
// may not log in nevertheless.
func (x *exchange) mayEnter(u *store.User, m mapped) error {
	switch {
	case !u.Active:
		return x.refuse(reasonInactiveAccount, "The account of <%s> is inactive", u.Name)
	case first(u.Attribute(attrRequiresChange)) == "true":
		return x.refuse(reasonExpiredCredential, "The password of <%s> has expired", u.Name)
	case !x.admits(u, m):
		return x.refuse(reasonAccessDenied, "User <%s> may not use the application", u.Name)
	}
	return nil
}

func (x *exchange) admits(u *store.User, m mapped) bool {
	return len(m.mapping.Groups) == 0 || slices.ContainsFunc(m.mapping.Groups, func(name string) bool {
		g := m.contents.Group(name)
		return g != nil && m.contents.HasMember(g, u)
	})
}

func (x *exchange) markAuthenticated(u *store.User, m mapped) {
	m.contents.SetUserAttribute(u, attrLastAuthenticated, millis(x.now))
	m.contents.SetUserAttribute(u, attrLastActive, millis(x.now))
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func notifyAuthenticated(x *exchange) (*reply, error) {
	u, m, err := x.namedUser()
	if err != nil {
		return nil, err
	}
	x.markAuthenticated(u, m)
	if x.opts.Notify200 {
		return &reply{status: http.StatusOK, empty: true}, nil
	}
	return noContent()
}
