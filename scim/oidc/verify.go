package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/scimcrowd/scimcrowd/scim"
)

// A Verifier accepts the tokens of one issuer. It is safe for concurrent use.
type Verifier struct {
	issuer scim.Issuer
	now    func() time.Time
	client *http.Client
	// turn is held by whoever looks for the keys, and guards ready.
	turn  chan struct{}
	ready *oidc.IDTokenVerifier
}

func newVerifier(cfg Config) *Verifier {
	client := *cfg.HTTPClient
	client.Transport = newKeeper(client.Transport, cfg.Now)
	return &Verifier{issuer: cfg.Issuer, now: cfg.Now, client: &client, turn: make(chan struct{}, 1)}
}

// longestToken is the greatest length of a token in bytes.
const longestToken = 16 << 10

// Verify implements [scim.Verifier].
func (v *Verifier) Verify(ctx context.Context, text string) (scim.Principal, error) {
	if strings.Count(text, ".") != 2 || len(text) > longestToken {
		return scim.Principal{}, otherCredential("what is presented is no JSON web token")
	}
	if issuerOf(text) != v.issuer.URL {
		return scim.Principal{}, otherCredential(fmt.Sprintf("the token is not from %s, whose tokens are accepted here", v.issuer.URL))
	}
	token, err := v.verify(ctx, text)
	if err != nil {
		return scim.Principal{}, err
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return scim.Principal{}, refused("its claims cannot be read", err)
	}
	if err := v.check(c); err != nil {
		return scim.Principal{}, err
	}
	return scim.Principal{Token: "jwt:" + name(c, token.Subject), ReadOnly: v.issuer.ReadOnly}, nil
}

// issuerOf reads who is said to have issued a token. Nothing may rest on it but
// whether to look closer.
func issuerOf(text string) string {
	_, rest, _ := strings.Cut(text, ".")
	payload, _, _ := strings.Cut(rest, ".")
	data, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	var said struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(data, &said) != nil {
		return ""
	}
	return said.Issuer
}

// verify checks signature, issuer, audience and time.
func (v *Verifier) verify(ctx context.Context, text string) (*oidc.IDToken, error) {
	verifier, err := v.verifier(ctx)
	if err != nil {
		return nil, undecided(err)
	}
	var fetch fetchError
	token, err := verifier.Verify(context.WithValue(ctx, fetchKey{}, &fetch), text)
	switch {
	case err == nil:
		return token, nil
	case fetch.err != nil:
		return nil, undecided(fetch.err)
	}
	return nil, refused(strings.TrimPrefix(err.Error(), "oidc: "), nil)
}

// algorithms lists the ones with public keys. Those with shared keys must never
// be among them: the public key would serve as the shared one.
func algorithms() []string {
	return []string{
		oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
	}
}

// verifier returns what knows the issuer's keys. It looks for them when they
// are first needed, so that a server starts though an issuer is down.
func (v *Verifier) verifier(ctx context.Context) (*oidc.IDTokenVerifier, error) {
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if v.ready != nil {
		return v.ready, nil
	}
	address := v.issuer.Keys
	if address == "" {
		var err error
		if address, err = v.discover(ctx); err != nil {
			return nil, err
		}
	}
	read := func() *oidc.RemoteKeySet {
		// Long after this request: not on its context.
		return oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), v.client), address)
	}
	v.ready = oidc.NewVerifier(v.issuer.URL, newKeySet(read, v.now), &oidc.Config{
		ClientID: v.issuer.Audience, SupportedSigningAlgs: algorithms(), Now: v.now,
	})
	return v.ready, nil
}

// discover asks the issuer where its keys are.
func (v *Verifier) discover(ctx context.Context) (string, error) {
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, v.client), v.issuer.URL)
	if err != nil {
		return "", err
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if err := p.Claims(&found); err != nil {
		return "", err
	}
	with := v.issuer
	with.EntraTenant, with.Keys = "", found.Keys
	if found.Keys == "" {
		return "", errors.New("the issuer's configuration has no jwks_uri")
	}
	return found.Keys, with.Validate()
}

// claims are those that say to whom a token was issued, and for what.
type claims struct {
	ClientID string `json:"client_id"` // RFC 9068
	Party    string `json:"azp"`       // OpenID Connect, Entra ID's version 2
	AppID    string `json:"appid"`     // Entra ID's version 1
	CID      string `json:"cid"`       // Okta
	Scope    words  `json:"scope"`     // RFC 8693 section 4.2
	SCP      words  `json:"scp"`       // Entra ID and Okta
}

// words is a list of words, in one text or in many.
type words []string

// UnmarshalJSON reads either form.
func (w *words) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*w = strings.Fields(text)
		return nil
	}
	return json.Unmarshal(data, (*[]string)(w))
}

func (c claims) client() string {
	for _, id := range []string{c.ClientID, c.Party, c.AppID, c.CID} {
		if id != "" {
			return id
		}
	}
	return ""
}

func (v *Verifier) check(c claims) error {
	if client := c.client(); len(v.issuer.Clients) > 0 && !slices.Contains(v.issuer.Clients, client) {
		return refused(fmt.Sprintf("it was issued to the client %q, which is not one of the setting clients", client), nil)
	}
	for _, scope := range v.issuer.Scopes {
		if !slices.Contains(c.Scope, scope) && !slices.Contains(c.SCP, scope) {
			return refused(fmt.Sprintf("it has not the scope %q", scope), nil)
		}
	}
	return nil
}

// name is what a token is called in logs.
func name(c claims, subject string) string {
	const longest = 64
	text := c.client()
	if text == "" {
		text = subject
	}
	return strings.ToValidUTF8(text[:min(len(text), longest)], "")
}

func refused(problem string, err error) error {
	return &scim.CredentialError{Problem: "the JSON web token is refused: " + problem, Err: err}
}

func otherCredential(problem string) error {
	return &scim.CredentialError{Problem: problem, Err: scim.ErrOtherCredential}
}

func undecided(err error) error {
	return &scim.CredentialError{
		Problem: "the token cannot be checked: the keys of its issuer are out of reach; try again later",
		Err:     errors.Join(scim.ErrUndecided, err),
	}
}
