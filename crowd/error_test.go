package crowd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/scimcrowd/scimcrowd/crowd"
)

func sentinels() []error {
	return []error{
		crowd.ErrNotFound, crowd.ErrUserNotFound, crowd.ErrGroupNotFound, crowd.ErrMembershipNotFound,
		crowd.ErrExists, crowd.ErrInvalidName, crowd.ErrInvalidUser, crowd.ErrInvalidGroup,
		crowd.ErrInvalidCredential, crowd.ErrInvalidEmail, crowd.ErrIllegalArgument,
		crowd.ErrUserAuthentication, crowd.ErrInactiveAccount, crowd.ErrExpiredCredential,
		crowd.ErrSession, crowd.ErrNestedGroups, crowd.ErrPermission, crowd.ErrEmailChange,
		crowd.ErrAccessDenied, crowd.ErrUnauthenticated, crowd.ErrAddress, crowd.ErrUnsupported,
		crowd.ErrEventToken, crowd.ErrBusy, crowd.ErrUnavailable, crowd.ErrAmbiguous,
	}
}

// kinds names the sentinels that err matches.
func kinds(err error) string {
	var list []string
	for _, s := range sentinels() {
		if errors.Is(err, s) {
			list = append(list, strings.TrimPrefix(s.Error(), "crowd: "))
		}
	}
	return strings.Join(list, ", ")
}

func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		kinds  string
	}{
		"error-user-not-found-404.json":                {404, "not found, user not found"},
		"error-user-not-found-400.json":                {400, "not found, user not found"},
		"error.xml":                                    {404, "not found, user not found"},
		"error-group-not-found-404.json":               {404, "not found, group not found"},
		"error-membership-not-found-404.json":          {404, "not found, membership not found"},
		"error-membership-already-exists-409.json":     {409, "it exists already"},
		"error-invalid-user-400.json":                  {400, "invalid user"},
		"error-invalid-group-400.json":                 {400, "invalid group"},
		"error-invalid-user-authentication-400.json":   {400, "user not authenticated"},
		"error-inactive-account-400.json":              {400, "inactive account"},
		"error-expired-credential-400.json":            {400, "expired credential"},
		"error-invalid-sso-token-404.json":             {404, "not found, invalid session"},
		"error-nested-groups-not-supported-400.json":   {400, "nested groups are not supported"},
		"error-illegal-argument-400.json":              {400, "illegal argument"},
		"error-event-token-expired-410.json":           {410, "event token expired"},
		"error-application-permission-denied-403.json": {403, "permission denied to the application"},
		"error-email-change.xml":                       {403, "permission denied to the application"},
		"error-application-access-denied-403.json":     {403, "user may not use the application"},
		"refusal-401.txt":                              {401, "application not authenticated"},
		"refusal-403-address.html":                     {403, "address not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := scripted(t, answer{status: test.status, media: mediaOf(name), body: fixture(t, name)})
			_, err := c.User(t.Context(), "mara")
			if got := kinds(err); got != test.kinds {
				t.Errorf("kinds of %v: got %q, want %q", err, got, test.kinds)
			}
			if e, ok := errors.AsType[*crowd.Error](err); !ok || e.Status != test.status || e.Name != "mara" {
				t.Errorf("error %#v has not status %d and name mara", err, test.status)
			}
		})
	}
}

func TestRefusalsWithoutEntity(t *testing.T) {
	for _, test := range []struct {
		name  string
		give  answer
		kinds string
	}{
		{"empty 404", answer{status: 404}, "not found, user not found"},
		{"404 without a reason", answer{status: 404, media: typeJSON, body: `{"errorMessages":["no"]}`}, "not found, user not found"},
		{"404 page", answer{status: 404, media: typeHTML, body: "<html>"}, "not supported by this server"},
		{"405", answer{status: 405}, "not supported by this server"},
		{"501", answer{status: 501}, "not supported by this server"},
		{"400 without a reason", answer{status: 400, media: typeJSON, body: `[]`}, "illegal argument"},
		{"400 cut off", answer{status: 400, media: typeJSON, body: `{"reason":"INVALID_US`}, "illegal argument, unavailable"},
		{"taken application", answer{status: 400, media: typeJSON, body: `{"reason":"APPLICATION_ALREADY_EXISTS"}`}, "it exists already"},
		{"gone directory", answer{status: 400, media: typeJSON, body: `{"reason":"DIRECTORY_NOT_FOUND"}`}, "not found"},
		{"unknown reason", answer{status: 400, media: typeJSON, body: `{"reason":"NEW_REASON"}`}, "illegal argument"},
		{"429", answer{status: 429}, "server is busy"},
		{"503", answer{status: 503}, "server is busy, unavailable"},
		{"500 page", answer{status: 500, media: typeHTML, body: "<html>"}, "unavailable"},
		{"502", answer{status: 502}, "unavailable"},
		{"unsupported operation", answer{status: 500, media: typeJSON, body: `{"reason":"UNSUPPORTED_OPERATION"}`}, "not supported by this server"},
		{"redirect", answer{status: 302, header: map[string]string{"Location": "https://sso.example.com/"}}, "unavailable"},
		{"page instead of an entity", answer{status: 200, media: typeHTML, body: "<html>log in"}, "unavailable"},
		{"cut entity", answer{status: 200, media: typeJSON, body: `{"name":"ma`}, "unavailable"},
		{"another entity", answer{status: 200, media: typeJSON, body: `{"users":[]}`}, "unavailable"},
		{"no entity", answer{status: 200}, "unavailable"},
		{"no connection", answer{err: io.ErrUnexpectedEOF}, "unavailable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := clientOf(t, &script{answers: []answer{test.give}}, crowd.Config{Tries: 1})
			_, err := c.User(t.Context(), "mara")
			if got := kinds(err); got != test.kinds {
				t.Errorf("kinds of %v: got %q, want %q", err, got, test.kinds)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	notFound := answer{status: 404, media: typeJSON, body: fixture(t, "error-user-not-found-404.json")}
	c, _ := scripted(t, notFound)
	_, err := c.AddMember(t.Context(), "devs", "ann")
	const want = "crowd: add member ann to devs: user not found (USER_NOT_FOUND, 404)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if e, ok := errors.AsType[*crowd.Error](err); !ok || e.Method != "POST" || e.Resource != "group/user/direct" {
		t.Errorf("got %+v, want POST of group/user/direct", e)
	}
	if e, ok := errors.AsType[*crowd.Error](c.EndSession(t.Context(), "hunter2")); !ok || e.Resource != "session" {
		t.Errorf("got %+v, want no token", e)
	}
	for _, test := range []struct {
		err  *crowd.Error
		want string
	}{
		{&crowd.Error{Op: "read user", Name: "ann", Status: 503}, "crowd: read user ann: server is busy (503)"},
		{
			&crowd.Error{Op: "update user", Name: "ann", Status: 400, Reason: "INVALID_USER", Message: "No."},
			"crowd: update user ann: invalid user (INVALID_USER, 400): No.",
		},
		{&crowd.Error{Op: "list memberships", Err: io.ErrUnexpectedEOF}, "crowd: list memberships: unexpected EOF"},
		{&crowd.Error{Op: "read user", Status: 418, Reason: "TEA"}, "crowd: read user (TEA, 418)"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// What a user or a server wrote begins no line in a log and moves no cursor.
func TestErrorIsOneLine(t *testing.T) {
	const evil = "a\r\nFAKE \x1b[2J\u2028\u0085b"
	refused := answer{status: 400, media: typeJSON, body: `{"reason":"TEA\r\nx","message":"a\u001b[2J\nb"}`}
	reached := answer{status: 200, media: typeJSON, body: `{"name":"c"}`, header: map[string]string{"X-Embedded-Crowd-Version": "Crowd/6\x1b[2J"}}
	c, _ := scripted(t, refused, reached, refused)
	_, name := c.CreateUser(t.Context(), crowd.User{Name: evil}, "p")
	_, message := c.User(t.Context(), "ann")
	for _, text := range []string{
		name.Error(), message.Error(), c.Check(t.Context()).Version,
		(&crowd.Error{Op: "read user", Name: evil, Err: errors.New(evil)}).Error(),
	} {
		if i := strings.IndexFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' }); i >= 0 || text == "" {
			t.Errorf("got %q", text)
		}
	}
	if e, ok := errors.AsType[*crowd.Error](message); !ok || e.Message != "a\x1b[2J\nb" {
		t.Errorf("got %#v, want the message as it came", e)
	}
}

// Errors that another implementation of an interface makes match as ours do.
func TestErrorLiterals(t *testing.T) {
	err := fmt.Errorf("engine: %w", &crowd.Error{Op: "read user", Status: 404, Reason: "USER_NOT_FOUND"})
	if got, want := kinds(err), "not found, user not found"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if errors.Is(&crowd.Error{}, nil) {
		t.Error("an error matches nil")
	}
}

func TestErrorOfEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, s := scripted(t, answer{status: 200})
	_, err := c.User(ctx, "mara")
	if !errors.Is(err, context.Canceled) || errors.Is(err, crowd.ErrUnavailable) {
		t.Errorf("got %v, want one that is context.Canceled alone", err)
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestNoSecretInErrors(t *testing.T) {
	echo := answer{status: 400, media: typeJSON, body: `{"reason":"INVALID_CREDENTIAL","message":"hunter2 is weak"}`}
	lost := answer{err: errors.New("reset")}
	odd := answer{status: 200, media: typeJSON, body: `{"name":"ann","active":"hunter2"}`}
	for _, give := range []answer{echo, lost, odd} {
		c := clientOf(t, &script{answers: []answer{give}}, crowd.Config{Tries: 1})
		_, created := c.CreateUser(t.Context(), crowd.User{Name: "ann"}, "hunter2")
		_, authenticated := c.Authenticate(t.Context(), "ann", "hunter2")
		_, session := c.Session(t.Context(), "hunter2")
		ended := []error{
			c.SetPassword(t.Context(), "ann", "hunter2"),
			c.EndSession(t.Context(), "hunter2"),
			c.EndUserSessions(t.Context(), "ann", "hunter2"),
		}
		if give.status == 200 {
			ended = nil // for them the status is enough
		}
		for _, err := range append(ended, created, authenticated, session) {
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "hunter2") {
				t.Errorf("error shows the secret, or there is none: %v", err)
			}
		}
	}
}
