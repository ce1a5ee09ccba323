package scim_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim"
)

// An accepting verifier accepts one token.
type accepting struct {
	token string
	who   scim.Principal
}

func (a accepting) Verify(_ context.Context, token string) (scim.Principal, error) {
	if token == a.token {
		return a.who, nil
	}
	return scim.Principal{}, &scim.CredentialError{Problem: "not from the issuer", Err: scim.ErrOtherCredential}
}

// TestIssuers checks that the tokens of issuers are taken besides the
// connection's own, presented as the settings say, and that the first issuer
// that accepts one decides.
func TestIssuers(t *testing.T) {
	secret, token := scim.NewToken()
	ours, reader := scim.Issuer{URL: "https://a.example.com", Audience: "x"}, scim.Issuer{URL: "https://b.example.com", Audience: "x", ReadOnly: true}
	made := func(i scim.Issuer) (scim.Verifier, error) {
		return accepting{"of the issuer", scim.Principal{Token: i.URL, ReadOnly: i.ReadOnly}}, nil
	}
	tests := map[string]struct {
		tokens  []scim.Token
		access  scim.Access
		header  string
		want    scim.Principal
		problem string
	}{
		"the connection's":   {[]scim.Token{token}, scim.Access{Issuers: []scim.Issuer{ours}}, "Bearer " + secret.Reveal(), scim.Principal{Token: token.ID}, ""},
		"the issuer's":       {[]scim.Token{token}, scim.Access{Issuers: []scim.Issuer{ours}}, "Bearer of the issuer", scim.Principal{Token: ours.URL}, ""},
		"no token at all":    {nil, scim.Access{Issuers: []scim.Issuer{ours}}, "Bearer of the issuer", scim.Principal{Token: ours.URL}, ""},
		"the first decides":  {nil, scim.Access{Issuers: []scim.Issuer{reader, ours}}, "Bearer of the issuer", scim.Principal{Token: reader.URL, ReadOnly: true}, ""},
		"another's":          {[]scim.Token{token}, scim.Access{Issuers: []scim.Issuer{ours}}, "Bearer x", scim.Principal{}, "not one of this connection's"},
		"another's, without": {nil, scim.Access{Issuers: []scim.Issuer{ours}}, "Bearer x", scim.Principal{}, "not from the issuer"},
		"another scheme":     {nil, scim.Access{Scheme: "OAuth", Issuers: []scim.Issuer{ours}}, "OAuth of the issuer", scim.Principal{Token: ours.URL}, ""},
		"scheme not set":     {nil, scim.Access{Issuers: []scim.Issuer{ours}}, "OAuth of the issuer", scim.Principal{}, "malformed"},
		"none":               {nil, scim.Access{Issuers: []scim.Issuer{ours}}, "", scim.Principal{}, "no Authorization header"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			auth, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: test.tokens, Access: test.access, Issuers: made})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/Users", nil)
			if test.header != "" {
				r.Header.Set("Authorization", test.header)
			}
			got, err := auth.Authenticate(r)
			if got != test.want || (err == nil) != (test.problem == "") || (err != nil && !strings.Contains(err.Error(), test.problem)) {
				t.Errorf("principal = %+v, error = %v, want %+v, %q", got, err, test.want, test.problem)
			}
		})
	}
}

func TestIssuersRefused(t *testing.T) {
	good := scim.Issuer{URL: "https://a.example.com", Audience: "x"}
	made := func(scim.Issuer) (scim.Verifier, error) { return accepting{}, nil }
	broken := func(scim.Issuer) (scim.Verifier, error) { return nil, errors.New("no luck") }
	for name, test := range map[string]struct {
		issuers []scim.Issuer
		made    func(scim.Issuer) (scim.Verifier, error)
		want    string
	}{
		"nothing checks them": {[]scim.Issuer{good}, nil, "AuthConfig.Issuers is nil"},
		"not valid":           {[]scim.Issuer{good, {URL: "https://a.example.com"}}, made, "access.issuers[1]: audience"},
		"not made":            {[]scim.Issuer{good}, broken, "access.issuers[0]: no luck"},
	} {
		_, err := scim.NewAuthenticator(scim.AuthConfig{Access: scim.Access{Issuers: test.issuers}, Issuers: test.made})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error = %v, want one with %q", name, err, test.want)
		}
	}
}
