package crowd

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A Session is a single sign-on session of a user.
type Session struct {
	// Token is what the user's browser carries; whoever has it is the user.
	Token Secret
	// User is the user as the server shows it here: the name, and as a rule the
	// other fields.
	User *User
	// Created and Expires are the server's; judge them by no other clock.
	Created, Expires time.Time
}

// A SessionRequest says for whom a session is wanted.
type SessionRequest struct {
	User     string
	Password Secret
	// WithoutPassword creates the session for whoever the application says has
	// authenticated. The application must be allowed to. Password is not sent.
	WithoutPassword bool
	// Factors bind the session to a place; validation needs the same ones.
	Factors []Factor
	// Duration is how long the session lasts, at most as long as the server's
	// own sessions; 0 leaves it to the server.
	Duration time.Duration
}

// A Factor is a property of the place a session is used from, such as
// "remote_address".
type Factor struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type factorsWire struct {
	Factors []Factor `json:"validationFactors"`
}

type sessionWire struct {
	Token     string    `json:"token" xml:"token"`
	User      *userWire `json:"user" xml:"user"`
	Created   stamp     `json:"created-date" xml:"created-date"`
	CreateAlt stamp     `json:"createdDate" xml:"createdDate"`
	Expiry    stamp     `json:"expiry-date" xml:"expiry-date"`
	ExpiryAlt stamp     `json:"expiryDate" xml:"expiryDate"`
}

func (w *sessionWire) read(r *http.Response) error {
	*w = sessionWire{}
	err := into(w)(r)
	if err == nil && w.Token == "" {
		err = errors.New("it has no token")
	}
	return err
}

func (w *sessionWire) session() *Session {
	s := &Session{
		Token:   Secret(w.Token),
		Created: time.Time(first(w.Created, w.CreateAlt)),
		Expires: time.Time(first(w.Expiry, w.ExpiryAlt)),
	}
	if w.User != nil {
		s.User = w.User.entity()
	}
	return s
}

// CreateSession authenticates a user and opens a session, or returns the one
// that is open with the same factors. Failures are those of
// [Client.Authenticate].
//
// Resource: POST session.
func (c *Client) CreateSession(ctx context.Context, s SessionRequest) (*Session, error) {
	const op = "create session"
	if err := checkExisting(op, s.User, s.User, ErrUserNotFound); err != nil {
		return nil, err
	}
	params := url.Values{"expand": {"user"}}
	body := struct {
		User     string      `json:"username"`
		Password string      `json:"password,omitempty"`
		Factors  factorsWire `json:"validation-factors"`
	}{User: s.User, Factors: factors(s.Factors)}
	if s.WithoutPassword {
		params.Set("validate-password", "false")
	} else {
		body.Password = s.Password.Reveal()
	}
	if s.Duration > 0 {
		params.Set("duration", strconv.FormatInt(int64(s.Duration/time.Second), 10))
	}
	var w sessionWire
	err := c.do(ctx, call{
		op: op, name: s.User,
		method: http.MethodPost, resource: "session", params: params, body: body,
		secrets: []Secret{s.Password}, missing: ErrUserNotFound,
		read: w.read,
	})
	if err != nil {
		return nil, err
	}
	return w.session(), nil
}

func factors(list []Factor) factorsWire {
	return factorsWire{append([]Factor{}, list...)}
}

// Session returns the session of a token, and does not extend its life.
//
// Resource: GET session/{token}.
func (c *Client) Session(ctx context.Context, token Secret) (*Session, error) {
	return c.session(ctx, call{op: "read session", method: http.MethodGet, repeat: true}, token)
}

// ValidateSession checks that a session is good from the place that the factors
// describe, and extends its life. The error of one that is not matches
// [ErrSession].
//
// Resource: POST session/{token}.
func (c *Client) ValidateSession(ctx context.Context, token Secret, list ...Factor) (*Session, error) {
	k := call{op: "validate session", method: http.MethodPost, body: factors(list)}
	return c.session(ctx, k, token)
}

func (c *Client) session(ctx context.Context, k call, token Secret) (*Session, error) {
	if err := checkToken(k.op, token, ErrSession); err != nil {
		return nil, err
	}
	var w sessionWire
	k.resource, k.segment, k.params = "session", token, url.Values{"expand": {"user"}}
	k.secrets, k.missing, k.read = []Secret{token}, ErrSession, w.read
	if err := c.do(ctx, k); err != nil {
		return nil, err
	}
	return w.session(), nil
}

// checkToken refuses what would not stay one segment of a path.
func checkToken(op string, token Secret, kind error) error {
	if token == "" || token == "." || token == ".." {
		return &Error{Op: op, kind: kind, Err: errors.New("there is no such token")}
	}
	return nil
}

// EndSession ends a session. One that is not there is no error.
//
// Resource: DELETE session/{token}.
func (c *Client) EndSession(ctx context.Context, token Secret) error {
	const op = "end session"
	if checkToken(op, token, ErrSession) != nil {
		return nil
	}
	err := c.do(ctx, call{
		op: op, method: http.MethodDelete, resource: "session", segment: token,
		repeat: true, secrets: []Secret{token}, missing: ErrSession,
	})
	if errors.Is(err, ErrSession) {
		return nil
	}
	return err
}

// EndUserSessions ends all sessions of a user but the ones to keep.
//
// Resource: DELETE session.
func (c *Client) EndUserSessions(ctx context.Context, user string, keep ...Secret) error {
	const op = "end sessions of user"
	if err := checkExisting(op, user, user, ErrUserNotFound); err != nil {
		return err
	}
	params := url.Values{"username": {user}}
	for _, token := range keep {
		params.Add("exclude", token.Reveal())
	}
	return c.do(ctx, call{
		op: op, name: user,
		method: http.MethodDelete, resource: "session", params: params,
		repeat: true, secrets: keep, missing: ErrUserNotFound,
	})
}

// A CookieConfig tells how the single sign-on cookie of this Crowd is to be set.
type CookieConfig struct {
	Name   string
	Domain string // empty: the host itself
	Secure bool
}

// CookieConfig returns the settings of the single sign-on cookie. It is the
// cheapest call there is, and serves as a sign of life.
//
// Resource: GET config/cookie.
func (c *Client) CookieConfig(ctx context.Context) (CookieConfig, error) {
	var w struct {
		Name   string `json:"name" xml:"name"`
		Domain string `json:"domain" xml:"domain"`
		Secure flag   `json:"secure" xml:"secure"`
	}
	err := c.do(ctx, call{
		op: "read cookie configuration", method: http.MethodGet, resource: "config/cookie",
		repeat: true, optional: true,
		read: func(r *http.Response) error { return named(into(&w)(r), &w.Name) },
	})
	return CookieConfig{Name: w.Name, Domain: w.Domain, Secure: bool(w.Secure)}, err
}
