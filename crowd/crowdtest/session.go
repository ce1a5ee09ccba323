package crowdtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// A session is a single sign-on session. It is never changed but replaced.
type session struct {
	token            string
	user             *store.User
	profile          *store.UserProfile
	factors          map[string]string
	created, expires time.Time
	life             time.Duration
	whole            bool
}

// sessions holds the sessions by token and by user.
type sessions struct {
	byToken map[string]*session
	byUser  map[*store.User]map[string]*session
}

func newSessions() sessions {
	return sessions{map[string]*session{}, map[*store.User]map[string]*session{}}
}

func (s *sessions) put(one *session) {
	s.byToken[one.token] = one
	if s.byUser[one.user] == nil {
		s.byUser[one.user] = map[string]*session{}
	}
	s.byUser[one.user][one.token] = one
}

func (s *sessions) end(one *session) {
	delete(s.byToken, one.token)
	delete(s.byUser[one.user], one.token)
	if len(s.byUser[one.user]) == 0 {
		delete(s.byUser, one.user)
	}
}

// endUser ends the sessions of a user but those kept.
func (s *sessions) endUser(u *store.User, keep []string) {
	for token, one := range s.byUser[u] {
		if !slices.Contains(keep, token) {
			s.end(one)
		}
	}
}

// find returns the live session of a user that has those factors.
func (s *sessions) find(u *store.User, factors map[string]string, now time.Time) *session {
	for _, one := range s.byUser[u] {
		if one.expires.After(now) && maps.Equal(one.factors, factors) {
			return one
		}
	}
	return nil
}

func factorMap(factors []wire.Factor) map[string]string {
	m := make(map[string]string, len(factors))
	for _, f := range factors {
		m[f.Name] = f.Value
	}
	return m
}

func createSession(x *exchange) (*reply, error) {
	var in wire.Authentication
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	life, err := x.duration()
	if err != nil {
		return nil, err
	}
	u, err := x.loginFor(&in)
	if err != nil {
		return nil, err
	}
	factors := factorMap(in.Factors.All())
	one := session{token: x.s.newToken(), user: u, profile: u.UserProfile, factors: factors, created: x.now, life: life}
	if old := x.s.sessions.find(u, factors, x.now); old != nil {
		one.token, one.created = old.token, old.created
	}
	one.expires = x.now.Add(life)
	x.s.sessions.put(&one)
	answer := &reply{status: http.StatusCreated, entity: x.sessionView(&one)}
	x.locate(answer, "session/"+url.PathEscape(one.token))
	return answer, nil
}

// duration returns how long a session is to live, at most the server's time.
func (x *exchange) duration() (time.Duration, error) {
	seconds, err := x.number("duration", 0)
	if err != nil {
		return 0, err
	}
	most := x.opts.SessionTimeout
	if seconds <= 0 || seconds > int(most/time.Second) {
		return most, nil
	}
	return time.Duration(seconds) * time.Second, nil
}

// loginFor checks the password, unless the application may do without.
func (x *exchange) loginFor(in *wire.Authentication) (*store.User, error) {
	if x.params.get("validate-password") != "false" {
		return x.login(in.Username, in.Password)
	}
	if !x.app.CreateTokens {
		return nil, x.refuse(reasonPermissionDenied, "Application %s may not create sessions without a password", x.app.Name)
	}
	u, m, err := x.user(in.Username)
	if err != nil {
		return nil, x.inBody(err)
	}
	if err := x.mayEnter(u, m); err != nil {
		return nil, err
	}
	x.markAuthenticated(u, m)
	return u, nil
}

// sessionView returns a copy of a session as it is to be shown.
func (x *exchange) sessionView(one *session) *session {
	view := *one
	view.profile = one.user.UserProfile
	view.whole = x.expands("user")
	return &view
}

func (x *exchange) showSession(one *session) *wire.Session {
	user := x.showUser(userView{UserProfile: one.profile, nameOnly: !one.whole})
	return &wire.Session{
		Expand: "user", Token: one.token, User: *user,
		Link:    wire.Link{Href: x.base + "/session/" + url.PathEscape(one.token), Rel: "self"},
		Created: wire.Time{Time: one.created}, Expires: wire.Time{Time: one.expires},
	}
}

// liveSession returns the session that the path names.
func (x *exchange) liveSession() (*session, error) {
	one := x.s.sessions.byToken[x.token]
	if one == nil || !one.expires.After(x.now) || !x.sees(one.user) {
		return nil, x.refuse(reasonInvalidToken, "The token is not valid")
	}
	return one, nil
}

// sees tells whether the application sees that very user.
func (x *exchange) sees(u *store.User) bool {
	seen, _, err := x.user(u.Name)
	return err == nil && seen == u
}

func getSession(x *exchange) (*reply, error) {
	one, err := x.liveSession()
	if err != nil {
		return nil, err
	}
	return ok(x.sessionView(one))
}

func validateSession(x *exchange) (*reply, error) {
	var in wire.Factors
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	one, err := x.liveSession()
	if err != nil {
		return nil, err
	}
	if !maps.Equal(one.factors, factorMap(in.All())) {
		return nil, x.refuse(reasonInvalidToken, "The validation factors differ")
	}
	longer := *one
	longer.expires = x.now.Add(one.life)
	x.s.sessions.put(&longer)
	return ok(x.sessionView(&longer))
}

func endSession(x *exchange) (*reply, error) {
	one := x.s.sessions.byToken[x.token]
	if one == nil && x.opts.MissingSession404 {
		return nil, x.refuse(reasonInvalidToken, "The token is not valid")
	}
	if one != nil {
		x.s.sessions.end(one)
	}
	return noContent()
}

func endUserSessions(x *exchange) (*reply, error) {
	name, err := x.require("username")
	if err != nil {
		return nil, err
	}
	u, _, err := x.user(name)
	switch {
	case err == nil:
		x.s.sessions.endUser(u, x.params["exclude"])
	case !x.opts.UnknownUserSessions204:
		return nil, err
	}
	return noContent()
}

// getCookieConfig shows the sign-on cookie.
func getCookieConfig(x *exchange) (*reply, error) {
	c := x.opts.Cookie
	return ok(&wire.CookieConfig{Domain: c.Domain, Secure: c.Secure, Name: c.Name})
}

func getAvatar(x *exchange) (*reply, error) {
	name, err := x.require("username")
	if err != nil {
		return nil, err
	}
	if _, _, err := x.user(name); err != nil {
		return nil, err
	}
	return nil, &refusal{status: http.StatusNotFound, message: "User " + strconv.Quote(name) + " has no avatar"}
}
