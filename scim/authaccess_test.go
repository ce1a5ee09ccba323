package scim_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/scim"
)

func TestAccessPresented(t *testing.T) {
	secret, token := scim.NewToken()
	text := secret.Reveal()
	tests := map[string]struct {
		access  scim.Access
		headers []string // name, value
		problem string   // "" for accepted
	}{
		"raw":                  {scim.Access{Raw: true}, []string{"Authorization", text}, ""},
		"raw with scheme":      {scim.Access{Raw: true}, []string{"Authorization", "Bearer " + text}, ""},
		"raw and wrong":        {scim.Access{Raw: true}, []string{"Authorization", "nonsense"}, "not one of"},
		"raw, the word alone":  {scim.Access{Raw: true}, []string{"Authorization", "bearer"}, "malformed"},
		"raw, basic alone":     {scim.Access{Raw: true}, []string{"Authorization", "Basic"}, "malformed"},
		"scheme":               {scim.Access{Scheme: "OAuth"}, []string{"Authorization", "oauth " + text}, ""},
		"scheme beside bearer": {scim.Access{Scheme: "OAuth"}, []string{"Authorization", "Bearer " + text}, ""},
		"scheme not set":       {scim.Access{}, []string{"Authorization", "OAuth " + text}, "malformed"},
		"scheme alone":         {scim.Access{Scheme: "OAuth", Raw: true}, []string{"Authorization", "OAuth"}, "malformed"},
		"header":               {scim.Access{Header: "x-api-key"}, []string{"X-Api-Key", text}, ""},
		"header with scheme":   {scim.Access{Header: "x-api-key"}, []string{"X-Api-Key", "Bearer " + text}, ""},
		"header missing":       {scim.Access{Header: "x-api-key"}, []string{"Authorization", "Bearer " + text}, "no X-Api-Key header"},
		"header with basic":    {scim.Access{Header: "x-api-key"}, []string{"X-Api-Key", "Basic " + base64.StdEncoding.EncodeToString([]byte("a:"+text))}, "malformed"},
		"two":                  {scim.Access{}, []string{"Authorization", "Bearer " + text, "Authorization", "Bearer " + text}, "more than one"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			auth, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: []scim.Token{token}, Access: test.access})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/Users", nil)
			for i := 0; i < len(test.headers); i += 2 {
				r.Header.Add(test.headers[i], test.headers[i+1])
			}
			p, err := auth.Authenticate(r)
			if test.problem == "" {
				if err != nil || p.Token != token.ID {
					t.Errorf("principal = %+v, error = %v", p, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("error = %v, want one with %q", err, test.problem)
			}
		})
	}
}

func TestAccessAddresses(t *testing.T) {
	secret, token := scim.NewToken()
	auth, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: []scim.Token{token}, Access: scim.Access{
		Addresses: []string{"192.0.2.17", "198.51.100.7/24", "2001:db8::/32", "::ffff:203.0.113.0/120"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{
		"192.0.2.17:443": true, "192.0.2.18:443": false, "198.51.100.200:1": true, "198.51.101.1:1": false,
		"[2001:db8:1::5]:80": true, "[2001:db9::5]:80": false, "203.0.113.9:1": true, "203.0.114.9:1": false,
		"[::ffff:192.0.2.17]:1": true, "[2001:db8::1%eth0]:1": true, "192.0.2.17": true, "@": false, "": false,
	}
	for address, want := range tests {
		r := httptest.NewRequest("GET", "/Users", nil)
		r.RemoteAddr = address
		r.Header.Set("Authorization", "Bearer "+secret.Reveal())
		r.Header.Set("X-Forwarded-For", "192.0.2.17")
		_, err := auth.Authenticate(r)
		if (err == nil) != want || (err != nil && !errors.Is(err, scim.ErrForbidden)) {
			t.Errorf("%s: error = %v, want accepted %t", address, err, want)
		}
	}
	for _, wrong := range []string{"", "192.0.2", "192.0.2.0/33", "example.com", "fe80::1%eth0", "10.0.0.0/8,10.1.0.0/16"} {
		if _, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: []scim.Token{token}, Access: scim.Access{Addresses: []string{wrong}}}); err == nil {
			t.Errorf("%q: no error", wrong)
		}
	}
}

func TestAccessRefused(t *testing.T) {
	_, token := scim.NewToken()
	for name, access := range map[string]scim.Access{
		"header of two words": {Header: "X Api Key"}, "header with colon": {Header: "X-Api-Key:"},
		"scheme of two words": {Scheme: "My OAuth"}, "basic": {Scheme: "BASIC"},
	} {
		if _, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: []scim.Token{token}, Access: access}); err == nil || !strings.Contains(err.Error(), "scim: access.") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

// TestAddressRefused checks that an address off the list is told nothing of its
// token, at once however often it tries, and that Crowd hears nothing.
func TestAddressRefused(t *testing.T) {
	b := newBridge(t)
	_, token := scim.NewToken()
	auth, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: []scim.Token{token}, Access: scim.Access{Addresses: []string{"192.0.2.17"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.cfg.Auth = auth
	b.restart()
	var first string
	calls := b.calls(func() {
		for range 100 {
			a := b.want(403, "GET", "/Users", "", "Authorization: Bearer wrong")
			if first == "" {
				first = a.text
			}
			if a.text != first {
				t.Errorf("answers differ: %s and %s", first, a.text)
			}
		}
		if a := b.want(403, "GET", "/Users", ""); a.text != first {
			t.Errorf("the valid token is answered otherwise: %s", a.text)
		}
	})
	if len(calls) != 0 {
		t.Errorf("%d calls to Crowd", len(calls))
	}
}

func TestReadOnly(t *testing.T) {
	b := newBridge(t)
	id := b.user("mara")
	secret, token := scim.NewToken()
	token.ReadOnly = true
	auth, err := scim.Tokens(token)
	if err != nil {
		t.Fatal(err)
	}
	b.cfg.Auth, b.token = auth, secret.Reveal()
	b.restart()
	patch := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}`
	search := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}`
	for target, want := range map[string]int{
		"GET /Users": 200, "HEAD /Users": 200, "OPTIONS /Users": 204, "GET /Users/" + id: 200, "POST /Users/.search " + search: 200,
		"POST /.search " + search: 200, "POST /Groups/.search " + search: 200, "GET /ServiceProviderConfig": 200,
		"POST /Users {}": 403, "PUT /Users/" + id + " {}": 403, "PATCH /Users/" + id + " " + patch: 403, "DELETE /Users/" + id: 403,
		"POST /Groups {}": 403, "POST /Bulk {}": 403, "DELETE /Users/" + id + "/.search": 403, "DELETE /Me": 403,
	} {
		method, rest, _ := strings.Cut(target, " ")
		path, body, _ := strings.Cut(rest, " ")
		var a answer
		calls := b.calls(func() { a = b.do(method, path, body) })
		if a.status != want {
			t.Errorf("%s = %d, want %d\n%s", target, a.status, want, a.text)
		}
		if want == 403 && len(calls) != 0 {
			t.Errorf("%s: %d calls to Crowd", target, len(calls))
		}
	}
	if !b.crowdUser("mara").Active {
		t.Error("the user was deactivated")
	}
}

// other is an authenticator that says always the same.
type other struct {
	principal scim.Principal
	err       error
}

func (o other) Authenticate(*http.Request) (scim.Principal, error) { return o.principal, o.err }

func TestOthers(t *testing.T) {
	secret, token := scim.NewToken()
	elsewhere := other{err: &scim.CredentialError{Problem: "not mine", Err: scim.ErrOtherCredential}}
	wrong := other{err: &scim.CredentialError{Problem: "mine but wrong"}}
	down := other{err: &scim.CredentialError{Problem: "issuer down", Err: scim.ErrUndecided}}
	good := other{principal: scim.Principal{Token: "proxy"}}
	tests := map[string]struct {
		others []scim.Authenticator
		tokens []scim.Token
		header string
		want   string // the principal, or a part of the error
		status int
	}{
		"token first":        {[]scim.Authenticator{wrong}, []scim.Token{token}, secret.Reveal(), token.ID, 200},
		"other":              {[]scim.Authenticator{elsewhere, good}, []scim.Token{token}, "x", "proxy", 200},
		"other alone":        {[]scim.Authenticator{good}, nil, "", "proxy", 200},
		"the one concerned":  {[]scim.Authenticator{elsewhere, wrong}, []scim.Token{token}, "x", "mine but wrong", 401},
		"nobody's":           {[]scim.Authenticator{elsewhere}, []scim.Token{token}, "x", "not one of this connection's", 401},
		"undecided":          {[]scim.Authenticator{down}, []scim.Token{token}, "x", "issuer down", 503},
		"expired, not other": {[]scim.Authenticator{wrong}, []scim.Token{expired(token)}, secret.Reveal(), "expired", 401},
		"errors of any kind": {[]scim.Authenticator{other{err: errors.New("inner secret")}}, nil, "x", "not authenticated", 401},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			auth, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: test.tokens, Others: test.others})
			if err != nil {
				t.Fatal(err)
			}
			b := newBridge(t)
			b.cfg.Auth = auth
			b.restart()
			a := b.do("GET", "/ServiceProviderConfig", "", "Authorization: Bearer "+test.header)
			if a.status != test.status || (test.status != 200 && !strings.Contains(a.string("detail"), test.want)) {
				t.Errorf("%d %s, want %d with %q", a.status, a.text, test.status, test.want)
			}
			if test.status == 503 && a.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", "Bearer "+test.header)
			if p, _ := auth.Authenticate(r); test.status == 200 && p.Token != test.want {
				t.Errorf("principal = %+v, want %s", p, test.want)
			}
		})
	}
}

func expired(t scim.Token) scim.Token {
	t.NotAfter = time.Now().Add(-time.Hour)
	return t
}

// TestUndecidedIsNoAttempt checks that an issuer's failure, and requests from
// addresses off the list, do not slow down whoever errs once afterwards.
func TestUndecidedIsNoAttempt(t *testing.T) {
	for name, cause := range map[string]error{"undecided": scim.ErrUndecided, "forbidden": scim.ErrForbidden} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				says := &other{err: &scim.CredentialError{Problem: "issuer down", Err: cause}}
				request := asked(t, says)
				for range 50 {
					if status, took := request("x", "192.0.2.1:1"); status == 401 || took != 0 {
						t.Fatalf("%d after %v", status, took)
					}
				}
				says.err = &scim.CredentialError{Problem: "wrong"}
				if status, took := request("x", "192.0.2.1:1"); status != 401 || took != 0 {
					t.Errorf("the first failure: %d after %v, want 401 at once", status, took)
				}
			})
		})
	}
}
