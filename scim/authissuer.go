package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
)

// An Issuer signs JSON web tokens (RFC 7519, RFC 9068) that are accepted: Entra
// ID where its secret token is left empty, or the server at which a client
// fetches tokens with OAuth's client credentials. A token must be for the
// audience and within its time, and, where the settings say so, issued to one
// of certain clients with certain scopes.
type Issuer struct {
	// URL is the address of the issuer, as its tokens have it in the claim "iss".
	// It serves /.well-known/openid-configuration below it. Required, unless
	// EntraTenant is set.
	URL string `json:"issuer,omitempty"`
	// Audience must be in the claim "aud" of a token. It must stand for this
	// server alone: else tokens that were issued for others would be accepted.
	// Required, unless EntraTenant is set.
	Audience string `json:"audience,omitempty"`
	// EntraTenant is the ID of a tenant of Microsoft Entra ID, whose provisioning
	// service issues a token where the secret token of an application is left
	// empty. It takes the place of URL, and of Audience where that is empty: then
	// it is the one of applications that are not from the gallery. The audience is
	// shared by all tenants, so the tenant is what tells yours from those of
	// everybody else. All applications of the tenant send like tokens.
	EntraTenant string `json:"entraTenant,omitempty"`
	// Clients lists the clients whose tokens are accepted, by the claim
	// "client_id", "azp", "appid" or "cid". Default: any client to which the
	// issuer gives a token for the audience.
	Clients []string `json:"clients,omitempty"`
	// Scopes lists what must be in the claim "scope" or "scp". Default none.
	Scopes []string `json:"scopes,omitempty"`
	// Keys is the address of the issuer's keys, for issuers without
	// /.well-known/openid-configuration. Default: what is found there.
	Keys string `json:"keys,omitempty"`
	// ReadOnly refuses requests with these tokens that would change anything.
	ReadOnly bool `json:"readOnly,omitempty"`
}

var tenantID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Validate returns an error that says what is wrong with the settings.
func (i Issuer) Validate() error {
	switch {
	case i.EntraTenant == "" && i.Audience == "":
		return errors.New("audience is required: without it, tokens that the issuer made for others would be accepted")
	case i.EntraTenant != "" && i.URL != "":
		return errors.New("issuer and entraTenant exclude each other")
	case i.EntraTenant != "" && !tenantID.MatchString(i.EntraTenant):
		return fmt.Errorf("entraTenant: %q is no tenant ID, which is a GUID in lower case", i.EntraTenant)
	case i.EntraTenant == "" && !trustworthy(i.URL):
		return fmt.Errorf("issuer must be an https address, not %q", i.URL)
	case i.Keys != "" && !trustworthy(i.Keys):
		return fmt.Errorf("keys must be an https address, not %q", i.Keys)
	}
	return nil
}

// trustworthy wants https: whoever can change the keys on their way can make
// tokens. On the same machine there is no way.
func trustworthy(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && u.User == nil && u.Fragment == "" &&
		(u.Scheme == "https" || (u.Scheme == "http" && loopback(u.Hostname())))
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && addr.IsLoopback())
}

// A Verifier checks tokens that somebody else has issued. It must be safe for
// concurrent use. Its errors are those of an [Authenticator]; one that wraps
// [ErrOtherCredential] says that the token is not of the kind it knows.
type Verifier interface {
	Verify(ctx context.Context, token string) (Principal, error)
}

// issued returns what authenticates by the tokens of each issuer.
func (cfg AuthConfig) issued() ([]Authenticator, error) {
	if len(cfg.Access.Issuers) > 0 && cfg.Issuers == nil {
		return nil, errors.New("scim: access.issuers: nothing here checks their tokens; AuthConfig.Issuers is nil, and could be the Accept of package scim/oidc")
	}
	var all []Authenticator
	for i, issuer := range cfg.Access.Issuers {
		v, err := cfg.Issuers(issuer)
		if err != nil {
			return nil, fmt.Errorf("scim: access.issuers[%d]: %w", i, err)
		}
		all = append(all, bearer{cfg.Access, v})
	}
	return all, nil
}

// A bearer authenticates whoever presents a token that the verifier accepts.
type bearer struct {
	access   Access
	verifier Verifier
}

// Authenticate implements [Authenticator].
func (b bearer) Authenticate(r *http.Request) (Principal, error) {
	text, err := b.access.presented(r)
	if err != nil {
		return Principal{}, err
	}
	return b.verifier.Verify(r.Context(), text)
}
