package crowd_test

import (
	"errors"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// An account is what a model knows of a user besides the entity: the lasting
// key, and the password, "" for none.
type account struct{ key, password string }

// endSessions ends the sessions of a user.
func (m *model) endSessions(user string) {
	maps.DeleteFunc(m.sessions, func(_ crowd.Secret, of string) bool { return of == user })
}

func (r *run) password() string {
	return rapid.SampledFrom([]string{"p", "pass wörd", `"\u0000"`}).Draw(r.t, "password")
}

// login is what a name and a password are to lead to.
func (r *run) login(key, password string) error {
	u := r.model.users[key]
	switch {
	case u == nil:
		return crowd.ErrUserNotFound
	case r.model.accounts[key].password != password:
		return crowd.ErrUserAuthentication
	case !u.Active:
		return crowd.ErrInactiveAccount
	}
	return nil
}

func (r *run) changePassword() {
	name, password := r.name(), r.password()
	key := crowd.Fold(name)
	want := crowd.ErrUserNotFound
	if r.model.users[key] != nil {
		want = nil
	}
	call := func() error { return r.client.SetPassword(r.ctx, name, crowd.Secret(password)) }
	if rapid.Bool().Draw(r.t, "clear") {
		password = ""
		call = func() error { return r.client.ClearPassword(r.ctx, name) }
	}
	r.step()
	r.expect("change password", r.settle(call, nil), want)
	if want == nil {
		r.model.accounts[key] = account{r.model.accounts[key].key, password}
		r.model.endSessions(key)
	}
}

func (r *run) authenticate() {
	name, password := r.name(), r.password()
	want := r.login(crowd.Fold(name), password)
	r.step()
	err := r.settle(func() error {
		_, err := r.client.Authenticate(r.ctx, name, crowd.Secret(password))
		return err
	}, nil)
	r.expect("authenticate", err, want)
}

func (r *run) openSession() {
	name, password := r.name(), r.password()
	want := r.login(crowd.Fold(name), password)
	var session *crowd.Session
	r.step()
	err := r.settle(func() (err error) {
		session, err = r.client.CreateSession(r.ctx, crowd.SessionRequest{User: name, Password: crowd.Secret(password)})
		return err
	}, nil)
	r.expect("create session", err, want)
	if want == nil {
		r.model.sessions[session.Token] = crowd.Fold(name)
		r.tokens[session.Token] = true
	}
}

func (r *run) endSessions() {
	name := r.name()
	want := crowd.ErrUserNotFound
	if r.model.users[crowd.Fold(name)] != nil {
		want = nil
	}
	tokens := slices.Sorted(maps.Keys(r.tokens))
	r.step()
	if len(tokens) == 0 || rapid.Bool().Draw(r.t, "all") {
		r.expect("end sessions", r.client.EndUserSessions(r.ctx, name), want)
		r.model.endSessions(crowd.Fold(name))
		return
	}
	token := rapid.SampledFrom(tokens).Draw(r.t, "token")
	r.expect("end session", r.client.EndSession(r.ctx, token), nil)
	delete(r.model.sessions, token)
}

// compareSessions holds every session that ever was against the model.
func (r *run) compareSessions() {
	for token := range r.tokens {
		of, live := r.model.sessions[token]
		switch session, err := r.client.Session(r.ctx, token); {
		case !live && !errors.Is(err, crowd.ErrSession):
			r.t.Fatalf("session that is over: got %v, want ErrSession", err)
		case live && (err != nil || crowd.Fold(session.User.Name) != of):
			r.t.Fatalf("session of %s: got %+v, %v", of, session, err)
		}
	}
}

// compareKeys: a key leads to its user for ever, and to nobody else.
func (r *run) compareKeys() {
	seen := map[string]string{}
	for name, a := range r.model.accounts {
		if other, taken := seen[a.key]; taken {
			r.t.Fatalf("%s and %s have the key %s", name, other, a.key)
		}
		seen[a.key] = name
		u, err := r.client.UserByKey(r.ctx, a.key)
		if err != nil || crowd.Fold(u.Name) != name {
			r.t.Fatalf("key of %s: got %+v, %v", name, u, err)
		}
	}
	for _, key := range r.gone {
		if u, err := r.client.UserByKey(r.ctx, key); !errors.Is(err, crowd.ErrUserNotFound) {
			r.t.Fatalf("key of a user who was deleted: got %+v, %v", u, err)
		}
	}
}
