package scim

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// An Authenticator says who sent a request, or refuses it with an error. It
// looks at the request's headers only, never at its body, and is called before
// anything else happens. The answer to a refused request is 401; the text of
// the error is shown to the client only if it is a [CredentialError].
//
// [Tokens] makes the usual one.
type Authenticator interface {
	Authenticate(r *http.Request) (Principal, error)
}

// A Principal is who sent a request.
type Principal struct {
	// Token names the credential in logs, for example a token's ID. It is not secret.
	Token string
	// User is the userName that /Me stands for, "" for none (RFC 7644 section 3.11).
	User string
}

// A CredentialError refuses a request. Problem is shown to the client.
type CredentialError struct {
	Problem string
}

// Error returns the problem.
func (e *CredentialError) Error() string { return "scim: " + e.Problem }

// A Token is what is kept of a bearer token: never the token itself.
type Token struct {
	// ID names the token in logs and to administrators. Required, unique.
	ID string `json:"id"`
	// SHA256 is the hexadecimal SHA-256 of the token's text. Required.
	SHA256 string `json:"sha256"`
	// NotAfter is the last instant at which the token is accepted; zero: no end.
	NotAfter time.Time `json:"notAfter,omitzero"`
	// User is the userName that /Me stands for under this token. Default none.
	User string `json:"user,omitempty"`
}

// Tokens returns an [Authenticator] that accepts the bearer tokens given, any
// number of them at once, so that a new one can be handed out before the old
// one is withdrawn. It compares hashes in constant time.
//
// The token is read from the Authorization header: after "Bearer", as the
// password of "Basic" with any user name, or standing alone, as identity
// providers send it whose administrators chose "header" authentication.
func Tokens(tokens ...Token) (Authenticator, error) {
	if len(tokens) == 0 {
		return nil, errors.New("scim: tokens: none given, so nobody could authenticate")
	}
	set := tokenSet{now: time.Now}
	seen := map[string]bool{}
	for i, t := range tokens {
		sum, err := hex.DecodeString(t.SHA256)
		switch {
		case t.ID == "":
			return nil, fmt.Errorf("scim: token %d: has no id", i)
		case seen[t.ID]:
			return nil, fmt.Errorf("scim: token %q: two tokens have this id", t.ID)
		case err != nil || len(sum) != sha256.Size:
			return nil, fmt.Errorf("scim: token %q: sha256 must be 64 hexadecimal digits", t.ID)
		}
		seen[t.ID] = true
		set.tokens = append(set.tokens, hashedToken{Token: t, sum: [sha256.Size]byte(sum)})
	}
	return &set, nil
}

type hashedToken struct {
	Token
	sum [sha256.Size]byte
}

type tokenSet struct {
	tokens []hashedToken
	now    func() time.Time
}

// Authenticate implements [Authenticator].
func (s *tokenSet) Authenticate(r *http.Request) (Principal, error) {
	text, err := presented(r)
	if err != nil {
		return Principal{}, err
	}
	sum := sha256.Sum256([]byte(text))
	var found *hashedToken
	for i := range s.tokens {
		if subtle.ConstantTimeCompare(sum[:], s.tokens[i].sum[:]) == 1 {
			found = &s.tokens[i]
		}
	}
	switch {
	case found == nil && strings.HasPrefix(text, tokenPrefix) && !wholeToken(text):
		return Principal{}, &CredentialError{"the token is cut off or mistyped: its checksum does not fit; copy it once more"}
	case found == nil:
		return Principal{}, &CredentialError{"the token is not one of this connection's; give the identity provider a current one"}
	case !found.NotAfter.IsZero() && s.now().After(found.NotAfter):
		return Principal{}, &CredentialError{"the token has expired; give the identity provider a new one"}
	}
	return Principal{Token: found.ID, User: found.User}, nil
}

// presented returns the token of a request's Authorization header.
func presented(r *http.Request) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", &CredentialError{"no Authorization header; send: Authorization: Bearer TOKEN"}
	}
	if len(values) > 1 {
		return "", &CredentialError{"more than one Authorization header"}
	}
	value := strings.TrimSpace(values[0])
	scheme, rest, found := strings.Cut(value, " ")
	switch {
	case !found && value != "" && !strings.EqualFold(value, "bearer") && !strings.EqualFold(value, "basic"):
		return value, nil
	case strings.EqualFold(scheme, "bearer"):
		if token := strings.TrimSpace(rest); token != "" {
			return token, nil
		}
	case strings.EqualFold(scheme, "basic"):
		if _, password, ok := r.BasicAuth(); ok && password != "" {
			return password, nil
		}
	}
	return "", &CredentialError{"the Authorization header is malformed; send: Authorization: Bearer TOKEN"}
}

const (
	tokenPrefix   = "scimcrowd_"
	tokenDigits   = 43 // 32 bytes in base 62
	checksumDigit = 6  // 4 bytes in base 62
)

// NewToken makes a bearer token: 32 random bytes behind the prefix
// "scimcrowd_", which lets secret scanners find it, and a checksum, which
// tells a mistyped token from a wrong one. Hand out the secret once and keep
// the Token, whose ID is taken from the hash; change ID and NotAfter at will.
func NewToken() (crowd.Secret, Token) {
	var random [32]byte
	rand.Read(random[:]) // never fails: it ends the process instead
	body := base62(random[:], tokenDigits)
	text := tokenPrefix + body + checksum(body)
	sum := sha256.Sum256([]byte(text))
	digits := hex.EncodeToString(sum[:])
	return crowd.Secret(text), Token{ID: digits[:8], SHA256: digits}
}

// wholeToken reports whether the checksum of a token made by NewToken fits.
func wholeToken(text string) bool {
	body, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok || len(body) != tokenDigits+checksumDigit {
		return false
	}
	return checksum(body[:tokenDigits]) == body[tokenDigits:]
}

func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	return base62([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}, checksumDigit)
}

func base62(data []byte, width int) string {
	digits := new(big.Int).SetBytes(data).Text(62)
	return strings.Repeat("0", width-len(digits)) + digits
}
