package crowd_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// signedUp returns a server on which ann has the password "p".
func signedUp(t *testing.T) (*crowdtest.Server, *crowd.Client) {
	t.Helper()
	s, c := serving(t)
	if err := c.SetPassword(t.Context(), "ann", "p"); err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestSessions(t *testing.T) {
	s, c := signedUp(t)
	ctx := t.Context()
	here := crowd.Factor{Name: "remote_address", Value: "192.0.2.1"}
	one, err := c.CreateSession(ctx, crowd.SessionRequest{User: "ann", Password: "p", Factors: []crowd.Factor{here}})
	if err != nil {
		t.Fatal(err)
	}
	if one.User == nil || one.User.Email != "ann@example.com" || !one.Expires.After(one.Created) {
		t.Errorf("session is %+v", one)
	}
	two, err := c.CreateSession(ctx, crowd.SessionRequest{User: "ann", Password: "p", Duration: time.Minute})
	if err != nil || two.Token == one.Token {
		t.Fatalf("session %+v, %v", two, err)
	}
	if d := two.Expires.Sub(two.Created); d != time.Minute {
		t.Errorf("session lasts %v, want 1m", d)
	}
	if got, err := c.Session(ctx, one.Token); err != nil || got.User.Name != "ann" {
		t.Errorf("read: got %+v, %v", got, err)
	}
	if _, err := c.ValidateSession(ctx, one.Token, here); err != nil {
		t.Errorf("validate: %v", err)
	}
	if _, err := c.ValidateSession(ctx, one.Token); !errors.Is(err, crowd.ErrSession) {
		t.Errorf("validate elsewhere: got %v, want ErrSession", err)
	}
	if err := c.EndUserSessions(ctx, "ann", two.Token); err != nil {
		t.Fatal(err)
	}
	if n := s.Sessions("ann"); n != 1 {
		t.Errorf("%d sessions left, want 1", n)
	}
	for range 2 {
		if err := c.EndSession(ctx, two.Token); err != nil {
			t.Fatal(err)
		}
		s.SetOptions(func(o *crowdtest.Options) { o.MissingSession404 = true })
	}
	if _, err := c.Session(ctx, two.Token); !errors.Is(err, crowd.ErrSession) {
		t.Errorf("read after the end: got %v, want ErrSession", err)
	}
	_, err = c.CreateSession(ctx, crowd.SessionRequest{User: "ann", WithoutPassword: true})
	if !errors.Is(err, crowd.ErrPermission) && !errors.Is(err, crowd.ErrAccessDenied) {
		t.Errorf("without password: got %v, want a denial", err)
	}
}

func TestPasswords(t *testing.T) {
	s, c := signedUp(t)
	ctx := t.Context()
	authenticate := func(name string, password crowd.Secret) error {
		_, err := c.Authenticate(ctx, name, password)
		return err
	}
	if u, err := c.Authenticate(ctx, "ANN", "p"); err != nil || u.Name != "ann" {
		t.Errorf("got %+v, %v", u, err)
	}
	if err := authenticate("ann", "q"); !errors.Is(err, crowd.ErrUserAuthentication) {
		t.Errorf("wrong password: got %v", err)
	}
	if err := authenticate("nobody", "p"); !errors.Is(err, crowd.ErrUserNotFound) {
		t.Errorf("unknown user: got %v", err)
	}
	u := ann()
	u.Active = false
	if err := errors.Join(
		c.NotifyAuthenticated(ctx, "ann"), c.RequestPasswordReset(ctx, "ann"),
		c.RequestUsernames(ctx, "ann+x@example.com"), c.UpdateUser(ctx, u),
	); err != nil {
		t.Fatal(err)
	}
	if err := authenticate("ann", "p"); !errors.Is(err, crowd.ErrInactiveAccount) {
		t.Errorf("inactive: got %v", err)
	}
	if err := errors.Join(c.UpdateUser(ctx, ann()), c.ExpireAllPasswords(ctx)); err != nil {
		t.Fatal(err)
	}
	if err := authenticate("ann", "p"); !errors.Is(err, crowd.ErrExpiredCredential) {
		t.Errorf("expired: got %v", err)
	}
	if err := errors.Join(c.SetPassword(ctx, "ann", "new"), authenticate("ann", "new"), c.ClearPassword(ctx, "ann")); err != nil {
		t.Fatal(err)
	}
	if err := authenticate("ann", "new"); !errors.Is(err, crowd.ErrUserAuthentication) {
		t.Errorf("cleared: got %v", err)
	}
	s.SetDirectory(crowdtest.DefaultDirectory, func(d *crowdtest.Directory) { d.PasswordPattern = ".{12,}" })
	if err := c.SetPassword(ctx, "ann", "short"); !errors.Is(err, crowd.ErrInvalidCredential) {
		t.Errorf("policy: got %v", err)
	}
}

func TestEvents(t *testing.T) {
	s, c := serving(t)
	ctx := t.Context()
	token, err := c.EventToken(ctx)
	if err != nil || !token.Available {
		t.Fatalf("token %+v, %v", token, err)
	}
	if _, err := c.AddMember(ctx, "devs", "bob"); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteGroup(ctx, "devs"); err != nil {
		t.Fatal(err)
	}
	events, next, err := c.Events(ctx, token.Token)
	if err != nil || next.Token == token.Token {
		t.Fatalf("next token %+v, %v", next, err)
	}
	want := []crowd.Event{
		{Kind: crowd.UserMembershipEvent, Operation: crowd.Created, User: "bob", ParentGroups: []string{"devs"}},
		{Kind: crowd.GroupEvent, Operation: crowd.Deleted, Group: "devs"},
	}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events mismatch (-want +got):\n%s", diff)
	}
	if events, again, err := c.Events(ctx, next.Token); err != nil || len(events) != 0 || again != next {
		t.Errorf("got %v, %v, %v, want nothing new", events, again, err)
	}
	s.Restart()
	for _, stale := range []string{next.Token, "", "a/b"} {
		if _, _, err := c.Events(ctx, stale); !errors.Is(err, crowd.ErrEventToken) {
			t.Errorf("token %q: got %v, want ErrEventToken", stale, err)
		}
	}
	s.SetOptions(func(o *crowdtest.Options) { o.EventsUnavailable = true })
	if token, err := c.EventToken(ctx); err != nil || token.Available {
		t.Errorf("got %+v, %v, want none available", token, err)
	}
}

func TestCookieConfig(t *testing.T) {
	s, c := serving(t)
	want := crowd.CookieConfig{Name: "sso", Domain: ".example.com", Secure: true}
	s.SetOptions(func(o *crowdtest.Options) { o.Cookie = crowdtest.CookieConfig(want) })
	if got, err := c.CookieConfig(t.Context()); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestSecretHides(t *testing.T) {
	secret := crowd.Secret("hunter2")
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "password", secret, "in", struct{ P crowd.Secret }{secret})
	doc, err := json.Marshal(map[string]any{"p": secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		b.String(), string(doc), fmt.Sprint(secret), fmt.Sprintf("%v %+v %#v %s %q", secret, secret, secret, secret, secret),
		fmt.Sprintf("%+v %#v", crowd.Config{Password: secret}, crowd.SessionRequest{Password: secret}),
		fmt.Sprintf("%x %X %d %t %o", secret, secret, secret, secret, secret), secret.String(), secret.GoString(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(strings.ToLower(text), hex.EncodeToString([]byte("hunter2"))) {
			t.Errorf("%s shows the secret", text)
		}
	}
	c, err := crowd.New(crowd.Config{BaseURL: testBase, Application: "a", Password: secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if text := fmt.Sprintf(format+format, c, *c); strings.Contains(text, "hunter2") {
			t.Errorf("%s shows the secret in a client: %s", format, text)
		}
	}
	if secret.Reveal() != "hunter2" {
		t.Error("Reveal does not reveal")
	}
}
