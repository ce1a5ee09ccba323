package admin_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
)

// canned answers every request in the same way.
type canned struct {
	status      int
	media, body string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Request: r, Header: http.Header{"Content-Type": {c.media}}, Body: io.NopCloser(strings.NewReader(c.body)),
	}, nil
}

// FuzzAnswers reads answers that no server should give, by every call. Errors are
// of package crowd, on one line and without the password.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"values": [{"id": 1, "displayName": "x", "directoryType": "INTERNAL", "name": "x"}], "isLastPage": true}`,
		`{"values": [], "size": 0}`, `{"remoteAddresses": [{"value": "::1"}]}`, `[{"RemoteAddressEntity": {"value": "::1"}}]`,
		`{"successes": ["ann", {"id": "1-YW5u"}], "failures": [{"name": "bob", "reason": "USER_NOT_FOUND"}]}`,
		`{"directory": {"id": 1}, "allowedOperations": ["CREATE_USER"]}`, `{"error": "no"}`,
		`{"reason": "USER_NOT_FOUND", "message": "a\nb"}`, `null`, `{"values": [null]}`, `[`, ``,
		`{"version": "6.3.0", "synchronizationData": {"startDate": 1}}`, `{"values": {}, "isLastPage": "x"}`,
	} {
		f.Add(200, "application/json", body)
		f.Add(403, "application/json;charset=UTF-8", body)
		f.Add(404, "text/html", body)
	}
	f.Fuzz(func(t *testing.T, status int, media, body string) {
		if status < 200 || status > 599 {
			return
		}
		client := clientOf(t, admin.Config{
			BaseURL: "http://crowd.test", Administrator: "root", Password: password, Tries: 1,
			HTTPClient: &http.Client{Transport: canned{status, media, body}},
		})
		for _, err := range callAll(t, client) {
			if err == nil {
				continue
			}
			if _, known := errors.AsType[*crowd.Error](err); !known || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("error %q", err)
			}
			if strings.Contains(err.Error(), password) && !strings.Contains(body, password) {
				t.Errorf("the password is in %q", err)
			}
		}
	})
}

// few stops a list that never ends, which each of its pages may say.
func few[T any](list func(func(*T, error) bool)) error {
	seen := 0
	for _, err := range list {
		if seen++; err != nil || seen > 2000 {
			return err
		}
	}
	return nil
}

func callAll(t *testing.T, c *admin.Client) []error {
	ctx := t.Context()
	_, serverErr := c.Server(ctx)
	_, directoryErr := c.Directory(ctx, 1)
	_, namedErr := c.Application(ctx, 1)
	_, addressErr := c.Addresses(ctx, 1)
	_, mapErr := c.Map(ctx, 1, 1)
	_, unmapErr := c.Unmap(ctx, 1, 1)
	failed, batchErr := c.Memberships(1).AddMembers(ctx, "devs", []string{"ann", "bob"})
	if len(failed) > 2 {
		t.Errorf("%d of 2 failed", len(failed))
	}
	return []error{
		serverErr, directoryErr, namedErr, addressErr, mapErr, unmapErr, batchErr, failed["ann"], failed["bob"],
		c.Synchronise(ctx, 1), c.SetPermissions(ctx, 1, 1, admin.Permissions()),
		c.AllowAddress(ctx, 1, "::1"), c.ForbidAddress(ctx, 1, "::1"),
		few(c.Directories(ctx, "")), few(c.Applications(ctx, "")), few(c.Groups(ctx, 1, "")),
		few(c.Users(ctx, admin.UserQuery{})), few(c.Members(ctx, 1, "devs")),
	}
}
