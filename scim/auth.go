package scim

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An Authenticator says who sent a request, or refuses it with an error. It
// looks at the request's headers and address only, never at its body, and is
// called before anything else happens. It must be safe for concurrent use.
//
// [NewAuthenticator] makes the usual one. Whatever else knows its callers, such
// as a proxy in front that checks client certificates, needs no more than this
// method.
type Authenticator interface {
	Authenticate(r *http.Request) (Principal, error)
}

// A Principal is who sent a request.
type Principal struct {
	// Token names the credential in logs, for example a token's ID. It is not secret.
	Token string
	// User is the userName that /Me stands for, "" for none (RFC 7644 section 3.11).
	User string
	// ReadOnly refuses requests that would change anything (403).
	ReadOnly bool
	// NotAfter is when somebody must have handed out another credential; zero
	// where none has to, as for tokens that the client fetches by itself.
	NotAfter time.Time
}

// A CredentialError refuses a request. The answer is 401, after a pause that
// grows with each further one from the same address, unless Err says otherwise.
// Any other error refuses the request in the same way, but without its text.
type CredentialError struct {
	// Problem is shown to the client, so it should say what to do.
	Problem string
	// Err is the cause, for the log; the sentinels below steer the answer.
	Err error
}

// Error returns the problem.
func (e *CredentialError) Error() string {
	if e.Err == nil {
		return "scim: " + e.Problem
	}
	return "scim: " + e.Problem + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *CredentialError) Unwrap() error { return e.Err }

var (
	// ErrOtherCredential says that a request has no credential of the kind that
	// the authenticator knows, so that another may look at it.
	ErrOtherCredential = errors.New("no credential of this kind")
	// ErrForbidden says that no credential would help: the answer is 403, at
	// once.
	ErrForbidden = errors.New("forbidden")
	// ErrUndecided says that the credential could not be checked just now: the
	// answer is 503 with Retry-After, and it counts as no failed attempt.
	ErrUndecided = errors.New("the credential could not be checked")
)

// AuthConfig says who may send requests.
type AuthConfig struct {
	// Tokens are the tokens accepted, any number at once, so that a new one can
	// be handed out before the old one is withdrawn.
	Tokens []Token
	// Access says how tokens are presented, whose else are accepted, and from
	// where requests may come. Its zero value is the default.
	Access Access
	// Issuers makes what checks the tokens of an issuer that Access names; the
	// function Accept of package scim/oidc is one. Required where it names any.
	Issuers func(Issuer) (Verifier, error)
	// Others are asked in their order where a request has no token that is
	// accepted. At least one token, one issuer or one of these is required.
	Others []Authenticator
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// NewAuthenticator returns an authenticator, or an error that says what is
// wrong with cfg.
func NewAuthenticator(cfg AuthConfig) (Authenticator, error) {
	if len(cfg.Tokens) == 0 && len(cfg.Access.Issuers) == 0 && len(cfg.Others) == 0 {
		return nil, errors.New("scim: tokens: none given, so nobody could authenticate")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := cfg.Access.Validate(); err != nil {
		return nil, err
	}
	from, err := cfg.Access.networks()
	if err != nil {
		return nil, err
	}
	tokens, err := newTokenSet(cfg)
	if err != nil {
		return nil, err
	}
	var all []Authenticator
	if len(cfg.Tokens) > 0 {
		all = append(all, tokens)
	}
	issued, err := cfg.issued()
	if err != nil {
		return nil, err
	}
	all = append(append(all, issued...), cfg.Others...)
	return &authenticators{from: from, all: all}, nil
}

// Tokens returns what [NewAuthenticator] does for these tokens and else the
// default settings.
func Tokens(tokens ...Token) (Authenticator, error) {
	return NewAuthenticator(AuthConfig{Tokens: tokens})
}

// authenticators ask one another in turn, the cheapest first.
type authenticators struct {
	from networks
	all  []Authenticator
}

// Authenticate implements [Authenticator]. Of several refusals the first counts
// that took the credential for its own; if none did, all are told.
func (a *authenticators) Authenticate(r *http.Request) (Principal, error) {
	if err := a.from.check(r.RemoteAddr); err != nil {
		return Principal{}, err
	}
	var refusal error
	var problems []string
	for _, auth := range a.all {
		p, err := auth.Authenticate(r)
		if err == nil {
			return p, nil
		}
		if e, ok := errors.AsType[*CredentialError](err); ok && errors.Is(err, ErrOtherCredential) {
			problems = append(problems, e.Problem)
		} else if refusal == nil {
			refusal = err
		}
	}
	if refusal == nil {
		refusal = &CredentialError{Problem: strings.Join(slices.Compact(problems), "; or: "), Err: ErrOtherCredential}
	}
	return Principal{}, refusal
}
