package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A signer is a key of an issuer.
type signer struct {
	id  string
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
}

func newRSA(t *testing.T, id string) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id: id, rsa: key}
}

func newEC(t *testing.T, id string) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{id: id, ec: key}
}

// jwk is the public key (RFC 7517).
func (s signer) jwk(t *testing.T) map[string]any {
	t.Helper()
	if s.rsa != nil {
		return map[string]any{
			"kty": "RSA", "kid": s.id, "use": "sig",
			"n": encode(s.rsa.N.Bytes()), "e": encode(big.NewInt(int64(s.rsa.E)).Bytes()),
		}
	}
	point, err := s.ec.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"kty": "EC", "kid": s.id, "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}
}

// token signs claims (RFC 7515).
func (s signer) token(t *testing.T, claims map[string]any) string {
	t.Helper()
	alg := "RS256"
	if s.ec != nil {
		alg = "ES256"
	}
	text := unsigned(t, map[string]any{"alg": alg, "kid": s.id, "typ": "JWT"}, claims)
	sum := sha256.Sum256([]byte(text))
	if s.ec != nil {
		r, v, err := ecdsa.Sign(rand.Reader, s.ec, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return text + "." + encode(append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...))
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.rsa, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(signature)
}

// forged signs claims as HS256 with the public key as if it were a shared one,
// in one of the forms in which libraries have taken it for that.
func (s signer) forged(t *testing.T, form string, claims map[string]any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&s.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key := map[string][]byte{
		"der": der, "modulus": s.rsa.N.Bytes(),
		"pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	}[form]
	text := unsigned(t, map[string]any{"alg": "HS256", "kid": s.id, "typ": "JWT"}, claims)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return text + "." + encode(mac.Sum(nil))
}

func unsigned(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return encode(h) + "." + encode(c)
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// An issuer publishes keys.
type issuer struct {
	t      *testing.T
	url    string // of the issuer
	server string // where it really is

	mu    sync.Mutex // guards all below
	keys  []signer
	name  string // the issuer that the discovery document names, "" for url
	fail  bool
	paths map[string]int // requests by path
	clock time.Time
}

// newIssuer starts an issuer on a path of its own, as tenants have one.
func newIssuer(t *testing.T, keys ...signer) *issuer {
	t.Helper()
	i := &issuer{t: t, keys: keys, paths: map[string]int{}, clock: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.server = server.URL
	i.url = server.URL + "/tenant/"
	return i
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.paths[r.URL.Path]++
	w.Header().Set("Content-Type", "application/json")
	switch {
	case i.fail:
		http.Error(w, "down", http.StatusServiceUnavailable)
	case r.URL.Path == "/keys":
		set := []any{}
		for _, k := range i.keys {
			set = append(set, k.jwk(i.t))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": set})
	default:
		name := i.name
		if name == "" {
			name = i.url
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": name, "jwks_uri": i.server + "/keys"})
	}
}

func (i *issuer) change(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
}

func (i *issuer) now() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.clock
}

func (i *issuer) pass(d time.Duration) {
	i.change(func() { i.clock = i.clock.Add(d) })
}

func (i *issuer) requests() map[string]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return maps.Clone(i.paths)
}

// claims are good ones, with changes; a nil value leaves a claim out.
func (i *issuer) claims(changes ...any) map[string]any {
	now := i.now()
	c := map[string]any{
		"iss": i.url, "aud": audience, "sub": "service", "azp": "client-1", "scp": "scim.read scim.write",
		"iat": now.Add(-time.Minute).Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for n := 0; n < len(changes); n += 2 {
		name, _ := changes[n].(string)
		c[name] = changes[n+1]
		if changes[n+1] == nil {
			delete(c, name)
		}
	}
	return c
}

const audience = "https://bridge.example.com/scim"
