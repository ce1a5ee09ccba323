package backup_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim"
)

// issuer is a document whose connection accepts the tokens of an issuer.
func issuer(settings string) string {
	return document(connection("okta", `, "access": {"issuers": [`+settings+`]}`))
}

// A says accepts one text as token.
type says string

func (s says) Verify(_ context.Context, token string) (scim.Principal, error) {
	if token != string(s) {
		return scim.Principal{}, &scim.CredentialError{Problem: "of somebody else", Err: scim.ErrOtherCredential}
	}
	return scim.Principal{Token: "jwt:" + token}, nil
}

// TestIssuersServe builds a connection that has no token of its own, of a
// document that names an issuer, and presents a token of that issuer.
func TestIssuersServe(t *testing.T) {
	c, err := backup.Read(strings.NewReader(strings.Replace(issuer(`{"issuer": "https://auth.example.com", "audience": "us", "clients": ["c"]}`),
		`"tokens": [{"id": "a", "sha256": "`+sum+`"}],`, "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	options := backup.BuildOptions{
		BaseURL: "https://bridge.example.com",
		Resolve: func(context.Context, backup.Password) (crowd.Secret, error) { return "secret", nil },
	}
	if _, err := backup.BuildAll(t.Context(), c, options); err == nil || !strings.Contains(err.Error(), "access.issuers") {
		t.Errorf("without BuildOptions.Issuers: error = %v", err)
	}
	var made []scim.Issuer
	options.Issuers = func(i scim.Issuer) (scim.Verifier, error) {
		made = append(made, i)
		return says("good"), nil
	}
	running, err := backup.BuildAll(t.Context(), c, options)
	if err != nil {
		t.Fatal(err)
	}
	want := []scim.Issuer{{URL: "https://auth.example.com", Audience: "us", Clients: []string{"c"}}}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("issuers mismatch (-want +got):\n%s", diff)
	}
	for token, status := range map[string]int{"good": http.StatusOK, "bad": http.StatusUnauthorized} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/scim/okta/ServiceProviderConfig", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		running[0].Handler.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s token: %d, want %d", token, w.Code, status)
		}
	}
}

// TestIssuerDiff tells changes of issuers in words.
func TestIssuerDiff(t *testing.T) {
	read := func(settings string) *backup.Config {
		t.Helper()
		c, err := backup.Read(strings.NewReader(issuer(settings)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const tenant = `{"entraTenant": "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1"}`
	before := read(`{"issuer": "https://a.example.com", "audience": "us"}, ` + tenant)
	after := read(`{"issuer": "https://a.example.com", "audience": "them", "readOnly": true}, {"issuer": "https://b.example.com", "audience": "us", "clients": ["c"], "scopes": ["s"]}`)
	var got []string
	for _, c := range backup.Diff(before, after) {
		got = append(got, c.Pointer+" "+c.Text)
	}
	want := []string{
		`/connections/0/access/issuers/0/audience issuer "https://a.example.com" audience: "them" instead of "us"; tokens that do not fit it are refused`,
		`/connections/0/access/issuers/0/readOnly issuer "https://a.example.com" readOnly: true instead of the default false`,
		`/connections/0/access/issuers/1 issuer "https://b.example.com" is new; its tokens for "us" of the clients "c" with the scopes "s" are accepted`,
		`/connections/0/access/issuers/1 issuer tenant "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1" is gone; requests with its tokens are refused`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes mismatch (-want +got):\n%s", diff)
	}
}
