package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/oidc"
)

func (i *issuer) authenticator(change ...func(*oidc.Config)) scim.Authenticator {
	i.t.Helper()
	cfg := oidc.Config{Issuer: scim.Issuer{URL: i.url, Audience: audience}, Now: i.now}
	for _, f := range change {
		f(&cfg)
	}
	return accepting(i.t, cfg, scim.Access{})
}

// accepting authenticates by the tokens of an issuer alone.
func accepting(t *testing.T, cfg oidc.Config, access scim.Access) scim.Authenticator {
	t.Helper()
	access.Issuers = []scim.Issuer{cfg.Issuer}
	auth, err := scim.NewAuthenticator(scim.AuthConfig{
		Access: access, Issuers: func(scim.Issuer) (scim.Verifier, error) { return oidc.New(cfg) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

func request(header string) *http.Request {
	r := httptest.NewRequest("GET", "/Users", nil)
	if header != "" {
		r.Header.Set("Authorization", header)
	}
	return r
}

func TestTokens(t *testing.T) {
	key, ec, foreign := newRSA(t, "k1"), newEC(t, "k2"), newRSA(t, "k1")
	i := newIssuer(t, key, ec)
	auth := i.authenticator()
	narrow := i.authenticator(func(c *oidc.Config) {
		c.Issuer.Clients, c.Issuer.Scopes, c.Issuer.ReadOnly = []string{"client-0", "client-1"}, []string{"scim.write"}, true
	})
	hour := time.Hour
	now := i.now()
	tests := map[string]struct {
		auth   scim.Authenticator
		header string
		want   scim.Principal
		// problem is a part of the error, other whether it is left to others.
		problem string
		other   bool
	}{
		"good":                  {auth, "Bearer " + key.token(t, i.claims()), scim.Principal{Token: "jwt:client-1"}, "", false},
		"good, EC":              {auth, "bearer  " + ec.token(t, i.claims()), scim.Principal{Token: "jwt:client-1"}, "", false},
		"several audiences":     {auth, "Bearer " + key.token(t, i.claims("aud", []string{"x", audience})), scim.Principal{Token: "jwt:client-1"}, "", false},
		"no client":             {auth, "Bearer " + key.token(t, i.claims("azp", nil)), scim.Principal{Token: "jwt:service"}, "", false},
		"clock behind a little": {auth, "Bearer " + key.token(t, i.claims("nbf", now.Add(time.Minute).Unix())), scim.Principal{Token: "jwt:client-1"}, "", false},
		"narrow":                {narrow, "Bearer " + key.token(t, i.claims()), scim.Principal{Token: "jwt:client-1", ReadOnly: true}, "", false},
		"scopes in a list":      {narrow, "Bearer " + key.token(t, i.claims("scp", []string{"scim.write"})), scim.Principal{Token: "jwt:client-1", ReadOnly: true}, "", false},
		"scope by its name":     {narrow, "Bearer " + key.token(t, i.claims("scp", nil, "scope", "a scim.write")), scim.Principal{Token: "jwt:client-1", ReadOnly: true}, "", false},
		"other client":          {narrow, "Bearer " + key.token(t, i.claims("azp", "client-2")), scim.Principal{}, `client "client-2"`, false},
		"client by its name":    {narrow, "Bearer " + key.token(t, i.claims("azp", nil, "appid", "client-0")), scim.Principal{Token: "jwt:client-0", ReadOnly: true}, "", false},
		"two clients":           {narrow, "Bearer " + key.token(t, i.claims("client_id", "client-2")), scim.Principal{}, `client "client-2"`, false},
		"without client":        {narrow, "Bearer " + key.token(t, i.claims("azp", nil)), scim.Principal{}, `client ""`, false},
		"without scope":         {narrow, "Bearer " + key.token(t, i.claims("scp", "scim.writer")), scim.Principal{}, `scope "scim.write"`, false},
		"wrong audience":        {auth, "Bearer " + key.token(t, i.claims("aud", "https://other.example.com")), scim.Principal{}, "audience", false},
		"no audience":           {auth, "Bearer " + key.token(t, i.claims("aud", nil)), scim.Principal{}, "audience", false},
		"audience's beginning":  {auth, "Bearer " + key.token(t, i.claims("aud", audience+"/")), scim.Principal{}, "audience", false},
		"wrong tenant":          {auth, "Bearer " + key.token(t, i.claims("iss", i.server+"/other/")), scim.Principal{}, "not from " + i.url, true},
		"issuer without slash":  {auth, "Bearer " + key.token(t, i.claims("iss", strings.TrimSuffix(i.url, "/"))), scim.Principal{}, "not from", true},
		"no issuer":             {auth, "Bearer " + key.token(t, i.claims("iss", nil)), scim.Principal{}, "not from", true},
		"expired":               {auth, "Bearer " + key.token(t, i.claims("exp", now.Add(-time.Second).Unix())), scim.Principal{}, "expired", false},
		"no end":                {auth, "Bearer " + key.token(t, i.claims("exp", nil)), scim.Principal{}, "expired", false},
		"not yet valid":         {auth, "Bearer " + key.token(t, i.claims("nbf", now.Add(hour/2).Unix())), scim.Principal{}, "nbf", false},
		"foreign key":           {auth, "Bearer " + foreign.token(t, i.claims()), scim.Principal{}, "signature", false},
		"other claims":          {auth, "Bearer " + swapped(key.token(t, i.claims()), key.token(t, i.claims("azp", "client-0"))), scim.Principal{}, "signature", false},
		"no signature":          {auth, "Bearer " + unsigned(t, map[string]any{"alg": "RS256", "kid": "k1"}, i.claims()) + ".", scim.Principal{}, "refused", false},
		"alg none":              {auth, "Bearer " + unsigned(t, map[string]any{"alg": "none"}, i.claims()) + ".", scim.Principal{}, "refused", false},
		"alg None":              {auth, "Bearer " + unsigned(t, map[string]any{"alg": "None", "kid": "k1"}, i.claims()) + ".eA", scim.Principal{}, "refused", false},
		"no alg":                {auth, "Bearer " + unsigned(t, map[string]any{"kid": "k1"}, i.claims()) + ".eA", scim.Principal{}, "refused", false},
		"HS256, public DER":     {auth, "Bearer " + key.forged(t, "der", i.claims()), scim.Principal{}, "signature algorithm", false},
		"HS256, public PEM":     {auth, "Bearer " + key.forged(t, "pem", i.claims()), scim.Principal{}, "signature algorithm", false},
		"HS256, modulus":        {auth, "Bearer " + key.forged(t, "modulus", i.claims()), scim.Principal{}, "signature algorithm", false},
		"claims of odd types":   {auth, "Bearer " + key.token(t, i.claims("azp", 7)), scim.Principal{}, "claims", false},
		"none":                  {auth, "", scim.Principal{}, "no Authorization", true},
		"opaque token":          {auth, "Bearer scimcrowd_abc", scim.Principal{}, "is no JSON web token", true},
		"basic":                 {auth, "Basic YTpi", scim.Principal{}, "is no JSON web token", true},
		"bare":                  {auth, key.token(t, i.claims()), scim.Principal{}, "access.raw", false},
		"huge":                  {auth, "Bearer " + key.token(t, i.claims("x", strings.Repeat("x", 20000))), scim.Principal{}, "is no JSON web token", true},
		"dots only":             {auth, "Bearer ..", scim.Principal{}, "not from", true},
		"encrypted":             {auth, "Bearer a.b.c.d.e", scim.Principal{}, "is no JSON web token", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := test.auth.Authenticate(request(test.header))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("principal mismatch (-want +got):\n%s", diff)
			}
			if test.problem == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*scim.CredentialError](err)
			if !ok || !strings.Contains(e.Problem, test.problem) || errors.Is(err, scim.ErrOtherCredential) != test.other || errors.Is(err, scim.ErrUndecided) {
				t.Errorf("error = %v, want one with %q, left to others %t", err, test.problem, test.other)
			}
			if _, signature, _ := strings.Cut(test.header, "."); ok && len(signature) > 20 && strings.Contains(err.Error(), signature) {
				t.Error("the error shows the token")
			}
		})
	}
}

// swapped is the first token with the claims of the second.
func swapped(token, claims string) string {
	a, b := strings.Split(token, "."), strings.Split(claims, ".")
	return a[0] + "." + b[1] + "." + a[2]
}

// TestFetches checks what the issuer is asked: nothing for tokens of others, its
// documents once for many tokens, its keys once a while for forged ones.
func TestFetches(t *testing.T) {
	key, foreign := newRSA(t, "k1"), newRSA(t, "k9")
	i := newIssuer(t, key)
	auth := i.authenticator()
	for _, header := range []string{"", "Bearer x", "Bearer " + key.token(t, i.claims("iss", "https://other.example.com"))} {
		if _, err := auth.Authenticate(request(header)); err == nil {
			t.Fatalf("%q is accepted", header)
		}
	}
	if got := i.requests(); len(got) != 0 {
		t.Errorf("requests for tokens of others: %v", got)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := auth.Authenticate(request("Bearer " + key.token(t, i.claims()))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	want := map[string]int{"/tenant/.well-known/openid-configuration": 1, "/keys": 1}
	if diff := cmp.Diff(want, i.requests()); diff != "" {
		t.Errorf("requests for good tokens (-want +got):\n%s", diff)
	}
	for range 50 {
		if _, err := auth.Authenticate(request("Bearer " + foreign.token(t, i.claims()))); err == nil || errors.Is(err, scim.ErrUndecided) {
			t.Fatalf("forged: error = %v", err)
		}
	}
	if diff := cmp.Diff(want, i.requests()); diff != "" {
		t.Errorf("requests for forged tokens (-want +got):\n%s", diff)
	}
	i.pass(time.Minute)
	for range 50 {
		if _, err := auth.Authenticate(request("Bearer " + foreign.token(t, i.claims()))); err == nil {
			t.Fatal("forged: accepted")
		}
	}
	want["/keys"] = 2
	if diff := cmp.Diff(want, i.requests()); diff != "" {
		t.Errorf("requests for forged tokens later (-want +got):\n%s", diff)
	}
}

// TestRotation checks that a new key is found by itself, and that a withdrawn
// one is accepted no more once the keys were read again.
func TestRotation(t *testing.T) {
	first, second := newRSA(t, "k1"), newRSA(t, "k2")
	i := newIssuer(t, first)
	auth := i.authenticator()
	accepted := func(s signer) bool {
		_, err := auth.Authenticate(request("Bearer " + s.token(t, i.claims())))
		return err == nil
	}
	if !accepted(first) || accepted(second) {
		t.Fatal("before the change")
	}
	i.change(func() { i.keys = []signer{first, second} })
	i.pass(time.Minute)
	if !accepted(second) || !accepted(first) {
		t.Error("with both keys published, one is refused")
	}
	i.change(func() { i.keys = []signer{second} })
	i.pass(time.Minute)
	third := newRSA(t, "k3")
	if accepted(third) || accepted(first) || !accepted(second) {
		t.Error("after the first key was withdrawn")
	}
}

// TestWithdrawal checks that a key that was withdrawn is accepted no more after an
// hour, though nobody sends a token with another one, and that an issuer that is
// down at that time stops nobody.
func TestWithdrawal(t *testing.T) {
	first, second := newRSA(t, "k1"), newRSA(t, "k2")
	i := newIssuer(t, first)
	auth := i.authenticator()
	try := func(s signer) error {
		_, err := auth.Authenticate(request("Bearer " + s.token(t, i.claims())))
		return err
	}
	if err := try(first); err != nil {
		t.Fatal(err)
	}
	i.change(func() { i.fail = true })
	i.pass(2 * time.Hour)
	for range 3 {
		if err := try(first); err != nil {
			t.Errorf("while the issuer is down: %v", err)
		}
	}
	if n := i.requests()["/keys"]; n != 2 {
		t.Errorf("%d requests for keys, want one more", n)
	}
	i.change(func() { i.fail, i.keys = false, []signer{second} })
	i.pass(2 * time.Minute)
	if err := try(first); err == nil || errors.Is(err, scim.ErrUndecided) {
		t.Errorf("a withdrawn key: error = %v", err)
	}
	if err := try(second); err != nil {
		t.Errorf("the new key: %v", err)
	}
	before := i.requests()["/keys"]
	for range 20 {
		if err := try(second); err != nil {
			t.Error(err)
		}
	}
	if n := i.requests()["/keys"]; n != before {
		t.Errorf("%d more requests for keys", n-before)
	}
}

func TestIssuerDown(t *testing.T) {
	key := newRSA(t, "k1")
	i := newIssuer(t, key)
	auth := i.authenticator()
	i.change(func() { i.fail = true })
	good := "Bearer " + key.token(t, i.claims())
	undecided := func() {
		t.Helper()
		_, err := auth.Authenticate(request(good))
		e, ok := errors.AsType[*scim.CredentialError](err)
		if !ok || !errors.Is(err, scim.ErrUndecided) || strings.Contains(e.Problem, "127.0.0.1") {
			t.Errorf("error = %v, want ErrUndecided, with the cause in the log only", err)
		}
	}
	for range 20 {
		undecided()
	}
	if n := i.requests()["/tenant/.well-known/openid-configuration"]; n != 1 {
		t.Errorf("%d requests to an issuer that is down, want 1 a second", n)
	}
	i.pass(2 * time.Second)
	undecided()
	i.change(func() { i.fail = false })
	i.pass(2 * time.Second)
	if _, err := auth.Authenticate(request(good)); err != nil {
		t.Errorf("after the issuer came back: %v", err)
	}
	// Keys that are known go on to be: an issuer that is down stops nobody.
	i.change(func() { i.fail = true })
	i.pass(time.Minute)
	if _, err := auth.Authenticate(request(good)); err != nil {
		t.Errorf("with the keys known: %v", err)
	}
	good = "Bearer " + newRSA(t, "k2").token(t, i.claims())
	undecided()
}

// TestGone checks that a client that hangs up neither waits nor leaves a failure
// for the next.
func TestGone(t *testing.T) {
	key := newRSA(t, "k1")
	i := newIssuer(t, key)
	auth := i.authenticator()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	good := request("Bearer " + key.token(t, i.claims()))
	if _, err := auth.Authenticate(good.WithContext(ctx)); err == nil {
		t.Error("accepted without keys")
	}
	if _, err := auth.Authenticate(good); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestDiscovery(t *testing.T) {
	key := newRSA(t, "k1")
	t.Run("names another", func(t *testing.T) {
		i := newIssuer(t, key)
		i.name = "https://other.example.com"
		if _, err := i.authenticator().Authenticate(request("Bearer " + key.token(t, i.claims()))); err == nil || i.requests()["/keys"] != 0 {
			t.Errorf("error = %v after %v, want one before the keys are read", err, i.requests())
		}
	})
	t.Run("not needed", func(t *testing.T) {
		i := newIssuer(t, key)
		auth := i.authenticator(func(c *oidc.Config) { c.Issuer.Keys = i.server + "/keys" })
		if _, err := auth.Authenticate(request("Bearer " + key.token(t, i.claims()))); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(map[string]int{"/keys": 1}, i.requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

// A redirect sends what is meant for another host to a fake one.
type redirect struct{ host string }

func (d redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Meant-For", r.URL.String())
	r.URL.Scheme, r.URL.Host = "http", d.host
	return http.DefaultTransport.RoundTrip(r)
}

// TestEntra plays the token that Entra ID's provisioning service makes where the
// secret token is empty: keys and audience are those of all tenants.
func TestEntra(t *testing.T) {
	const ours, theirs = "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1", "99999999-0d7e-4c1e-9c51-6a20f0d9e0a1"
	key := newRSA(t, "common")
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("X-Meant-For"))
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/keys") {
			_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{key.jwk(t)}})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": "https://sts.windows.net/" + ours + "/", "jwks_uri": "https://login.microsoftonline.com/common/discovery/keys",
		})
	}))
	t.Cleanup(server.Close)
	auth := accepting(t, oidc.Config{
		Issuer: scim.Issuer{EntraTenant: ours}, HTTPClient: &http.Client{Transport: redirect{strings.TrimPrefix(server.URL, "http://")}},
	}, scim.Access{})
	token := func(tenant, audience string) *http.Request {
		return request("Bearer " + key.token(t, map[string]any{
			"iss": "https://sts.windows.net/" + tenant + "/", "aud": audience, "tid": tenant,
			"appid": "00000014-0000-0000-c000-000000000000", "exp": time.Now().Add(time.Hour).Unix(),
		}))
	}
	const custom = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
	if p, err := auth.Authenticate(token(ours, custom)); err != nil || p.Token != "jwt:00000014-0000-0000-c000-000000000000" {
		t.Errorf("principal = %+v, error = %v", p, err)
	}
	if _, err := auth.Authenticate(token(theirs, custom)); !errors.Is(err, scim.ErrOtherCredential) {
		t.Errorf("another tenant's token: error = %v", err)
	}
	if _, err := auth.Authenticate(token(ours, "00000003-0000-0000-c000-000000000000")); err == nil {
		t.Error("a token for another application is accepted")
	}
	want := []string{
		"https://sts.windows.net/" + ours + "/.well-known/openid-configuration",
		"https://login.microsoftonline.com/common/discovery/keys",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestPresented checks that an issuer's tokens come the way that the settings
// say, as the connection's own do.
func TestPresented(t *testing.T) {
	key := newRSA(t, "k1")
	i := newIssuer(t, key)
	token := key.token(t, i.claims())
	tests := map[string]struct {
		access         scim.Access
		header, value  string
		refusedWithout string // what is refused where access is the default
	}{
		"raw":     {scim.Access{Raw: true}, "Authorization", token, `without "Bearer"`},
		"scheme":  {scim.Access{Scheme: "OAuth"}, "Authorization", "OAuth " + token, "malformed"},
		"header":  {scim.Access{Header: "X-Token"}, "X-Token", token, "no Authorization header"},
		"default": {scim.Access{}, "Authorization", "Bearer " + token, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := oidc.Config{Issuer: scim.Issuer{URL: i.url, Audience: audience}, Now: i.now}
			r := request("")
			r.Header.Set(test.header, test.value)
			if p, err := accepting(t, cfg, test.access).Authenticate(r); err != nil || p.Token != "jwt:client-1" {
				t.Errorf("principal = %+v, error = %v", p, err)
			}
			_, err := accepting(t, cfg, scim.Access{}).Authenticate(r)
			if (err != nil) != (test.refusedWithout != "") || (err != nil && !strings.Contains(err.Error(), test.refusedWithout)) {
				t.Errorf("without the setting: error = %v, want %q", err, test.refusedWithout)
			}
		})
	}
}

func TestConfigRefused(t *testing.T) {
	const tenant = "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1"
	tests := map[string]struct {
		issuer scim.Issuer
		want   string
	}{
		"nothing":           {scim.Issuer{}, "audience"},
		"no issuer":         {scim.Issuer{Audience: "a"}, "issuer"},
		"no audience":       {scim.Issuer{URL: "https://issuer.example.com"}, "audience"},
		"plain http":        {scim.Issuer{URL: "http://issuer.example.com", Audience: "a"}, "https"},
		"no host":           {scim.Issuer{URL: "https:///x", Audience: "a"}, "https"},
		"user in it":        {scim.Issuer{URL: "https://u:p@issuer.example.com", Audience: "a"}, "https"},
		"plain http keys":   {scim.Issuer{URL: "https://issuer.example.com", Audience: "a", Keys: "http://issuer.example.com/keys"}, "keys"},
		"tenant and issuer": {scim.Issuer{URL: "https://issuer.example.com", EntraTenant: tenant}, "exclude"},
		"tenant by name":    {scim.Issuer{EntraTenant: "contoso.onmicrosoft.com"}, "GUID"},
		"all tenants":       {scim.Issuer{EntraTenant: "common"}, "GUID"},
		"two tenants":       {scim.Issuer{EntraTenant: tenant + "/" + tenant}, "GUID"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := oidc.Accept(test.issuer); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
	if _, err := oidc.Accept(scim.Issuer{URL: "https://issuer.example.com/", Audience: "a", Keys: "https://keys.example.com"}); err != nil {
		t.Error(err)
	}
}
