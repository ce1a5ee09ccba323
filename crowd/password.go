package crowd

import (
	"context"
	"net/http"
	"net/url"
)

// Authenticate checks a user's password and returns the user. The error of a
// wrong one matches [ErrUserAuthentication]; [ErrUserNotFound],
// [ErrInactiveAccount], [ErrExpiredCredential] and [ErrAccessDenied] say what
// else may stand against it. Crowd counts failed attempts, so the call is never
// repeated once it was sent.
//
// Resource: POST authentication.
func (c *Client) Authenticate(ctx context.Context, name string, password Secret) (*User, error) {
	const op = "authenticate user"
	if err := checkExisting(op, name, name, ErrUserNotFound); err != nil {
		return nil, err
	}
	var w userWire
	err := c.do(ctx, call{
		op: op, name: name,
		method: http.MethodPost, resource: "authentication",
		params: url.Values{"username": {name}}, body: valueWire{password.Reveal()},
		secrets: []Secret{password}, missing: ErrUserNotFound,
		read: w.read,
	})
	if err != nil {
		return nil, err
	}
	return w.entity(), nil
}

// NotifyAuthenticated tells Crowd that the application has authenticated a user
// by itself.
//
// Resource: POST authentication/notify.
func (c *Client) NotifyAuthenticated(ctx context.Context, name string) error {
	return c.ofUser(ctx, "notify of authenticated user", name, call{
		method: http.MethodPost, resource: "authentication/notify", optional: true,
	})
}

// SetPassword gives a user a new password. One that the directory's policy
// refuses is an [ErrInvalidCredential]. The call is not repeated once it may
// have taken effect.
//
// Resource: PUT user/password.
func (c *Client) SetPassword(ctx context.Context, name string, password Secret) error {
	return c.ofUser(ctx, "set password of user", name, call{
		method: http.MethodPut, resource: "user/password",
		body: valueWire{password.Reveal()}, secrets: []Secret{password},
	})
}

// ClearPassword takes a user's password away: nothing logs the user in until
// there is a new one.
//
// Resource: DELETE user/password.
func (c *Client) ClearPassword(ctx context.Context, name string) error {
	return c.ofUser(ctx, "clear password of user", name, call{
		method: http.MethodDelete, resource: "user/password",
	})
}

// RequestPasswordReset has Crowd send a user a link to choose a new password. A
// user without an address is an [ErrInvalidEmail].
//
// Resource: POST user/mail/password.
func (c *Client) RequestPasswordReset(ctx context.Context, name string) error {
	return c.ofUser(ctx, "request password reset of user", name, call{
		method: http.MethodPost, resource: "user/mail/password",
	})
}

// RequestUsernames has Crowd send the names of the users of an address to it.
// An address nobody has is no error.
//
// Resource: POST user/mail/usernames.
func (c *Client) RequestUsernames(ctx context.Context, email string) error {
	return c.do(ctx, call{
		op: "request names of", name: email,
		method: http.MethodPost, resource: "user/mail/usernames",
		params: url.Values{"email": {email}},
	})
}

// ExpireAllPasswords makes every user of the application's directories choose a
// new password. Older servers do not have the call: [ErrUnsupported].
//
// Resource: POST user/expire-all-passwords.
func (c *Client) ExpireAllPasswords(ctx context.Context) error {
	return c.do(ctx, call{
		op:     "expire all passwords",
		method: http.MethodPost, resource: "user/expire-all-passwords",
		params: url.Values{"confirm": {"true"}}, optional: true,
	})
}

// ofUser makes a call that concerns one user and returns nothing.
func (c *Client) ofUser(ctx context.Context, op, name string, k call) error {
	if err := checkExisting(op, name, name, ErrUserNotFound); err != nil {
		return err
	}
	k.op, k.name = op, name
	k.params, k.missing = url.Values{"username": {name}}, ErrUserNotFound
	return c.do(ctx, k)
}
