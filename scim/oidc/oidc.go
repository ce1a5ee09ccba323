// Package oidc checks JSON web tokens that an issuer signed (RFC 7519, RFC
// 9068): the tokens that Microsoft Entra ID sends where its secret token is left
// empty, and those that clients fetch with OAuth's client credentials.
//
//	auth, err := scim.NewAuthenticator(scim.AuthConfig{
//		Tokens:  tokens, // may be empty
//		Access:  scim.Access{Issuers: []scim.Issuer{{EntraTenant: "b3f1c1a4-…"}}},
//		Issuers: oidc.Accept,
//	})
//
// Connections of a configuration document take their issuers from it:
//
//	running, err := backup.BuildAll(ctx, config, backup.BuildOptions{Issuers: oidc.Accept, …})
//
// A token is accepted if a key that the issuer publishes, or published within the
// last hour, signed it, by an algorithm with public keys, for the audience, and if it is within
// its time; and, where the settings say so, if it was issued to one of certain
// clients with certain scopes. Nothing is fetched before the first token that
// names the issuer, and no token that does not name it causes a request.
//
// It is a package of its own so that who does not need it does not have its
// dependencies.
package oidc

import (
	"fmt"
	"net/http"
	"time"

	"github.com/scimcrowd/scimcrowd/scim"
)

// Config says whose tokens are accepted, and how its keys are fetched.
type Config struct {
	// Issuer says whose tokens are accepted, and which of them. Required.
	Issuer scim.Issuer
	// HTTPClient fetches the issuer's documents. Default: a client of its own
	// that gives up after 10 seconds.
	HTTPClient *http.Client
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

const (
	entraIssuer = "https://sts.windows.net/"
	// entraAudience is that of all applications that are not from the gallery.
	entraAudience = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
	fetchTimeout  = 10 * time.Second
)

// Accept is [New] for an issuer and else the default settings.
func Accept(issuer scim.Issuer) (scim.Verifier, error) { return New(Config{Issuer: issuer}) }

// New returns what checks the tokens of an issuer, or an error that says what is
// wrong with cfg. It calls nobody: whether the issuer answers shows with the
// first token.
func New(cfg Config) (*Verifier, error) {
	if err := cfg.Issuer.Validate(); err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	return newVerifier(cfg.withDefaults()), nil
}

func (cfg Config) withDefaults() Config {
	if tenant := cfg.Issuer.EntraTenant; tenant != "" {
		cfg.Issuer.URL = entraIssuer + tenant + "/"
		if cfg.Issuer.Audience == "" {
			cfg.Issuer.Audience = entraAudience
		}
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = &http.Client{Timeout: fetchTimeout}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

var _ scim.Verifier = (*Verifier)(nil)
