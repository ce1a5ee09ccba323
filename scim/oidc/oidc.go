// Package oidc authenticates SCIM requests by JSON web tokens that an issuer
// signed (RFC 7519, RFC 9068): the tokens that Microsoft Entra ID sends where
// its secret token is left empty, and those that clients fetch with OAuth's
// client credentials.
//
//	entra, err := oidc.New(oidc.Config{EntraTenant: "b3f1c1a4-…"})
//	…
//	auth, err := scim.NewAuthenticator(scim.AuthConfig{
//		Tokens: tokens, // may be empty
//		Others: []scim.Authenticator{entra},
//	})
//
// A token is accepted if a key that the issuer publishes at this time signed
// it, by an algorithm with public keys, for the audience, and if it is within
// its time; and, where the settings say so, if it was issued to one of certain
// clients with certain scopes. Nothing is fetched before the first token that
// names the issuer, and no token that does not name it causes a request.
//
// It is a package of its own so that who does not need it does not have its
// dependencies.
package oidc

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"time"

	"github.com/scimcrowd/scimcrowd/scim"
)

// Config says whose tokens are accepted, and which of them.
type Config struct {
	// Issuer is the address of the issuer, as its tokens have it in the claim
	// "iss". It serves /.well-known/openid-configuration below it. Required,
	// unless EntraTenant is set.
	Issuer string `json:"issuer,omitempty"`
	// Audience must be in the claim "aud" of a token. It must stand for this
	// server alone: else tokens that were issued for others would be accepted.
	// Required, unless EntraTenant is set.
	Audience string `json:"audience,omitempty"`
	// EntraTenant is the ID of a tenant of Microsoft Entra ID, whose provisioning
	// service issues a token where the secret token of an application is left
	// empty. It takes the place of Issuer, and of Audience where that is empty:
	// then it is the one of applications that are not from the gallery. The
	// audience is shared by all tenants, so the tenant is what tells yours from
	// those of everybody else. All applications of the tenant send like tokens.
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
	// HTTPClient fetches the issuer's documents. Default: a client of its own
	// that gives up after 10 seconds.
	HTTPClient *http.Client `json:"-"`
	// Now tells the time; nil means [time.Now].
	Now func() time.Time `json:"-"`
}

const (
	entraIssuer = "https://sts.windows.net/"
	// entraAudience is that of all applications that are not from the gallery.
	entraAudience = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
	fetchTimeout  = 10 * time.Second
)

var tenantID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// New returns an authenticator, or an error that says what is wrong with cfg.
// It calls nobody: whether the issuer answers shows with the first token.
func New(cfg Config) (*Authenticator, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	return newAuthenticator(cfg), nil
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.EntraTenant != "" {
		switch {
		case cfg.Issuer != "":
			return cfg, errors.New("issuer and entraTenant exclude each other")
		case !tenantID.MatchString(cfg.EntraTenant):
			return cfg, fmt.Errorf("entraTenant: %q is no tenant ID, which is a GUID in lower case", cfg.EntraTenant)
		}
		cfg.Issuer = entraIssuer + cfg.EntraTenant + "/"
		if cfg.Audience == "" {
			cfg.Audience = entraAudience
		}
	}
	if cfg.Audience == "" {
		return cfg, errors.New("audience is required: without it, tokens that the issuer made for others would be accepted")
	}
	if err := checkAddress("issuer", cfg.Issuer); err != nil {
		return cfg, err
	}
	if cfg.Keys != "" {
		if err := checkAddress("keys", cfg.Keys); err != nil {
			return cfg, err
		}
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = &http.Client{Timeout: fetchTimeout}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg, nil
}

// checkAddress wants https: whoever can change the keys on their way can make
// tokens. On the same machine there is no way.
func checkAddress(setting, text string) error {
	u, err := url.Parse(text)
	if err == nil && u.Host != "" && u.User == nil && u.Fragment == "" && (u.Scheme == "https" || (u.Scheme == "http" && loopback(u.Hostname()))) {
		return nil
	}
	return fmt.Errorf("%s must be an https address, not %q", setting, text)
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && net.IP(addr.AsSlice()).IsLoopback())
}

var _ scim.Authenticator = (*Authenticator)(nil)
