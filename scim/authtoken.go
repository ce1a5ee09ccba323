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

// A Token is what is kept of a bearer token: never the token itself.
type Token struct {
	// ID names the token in logs and to administrators. Required, unique.
	ID string `json:"id"`
	// SHA256 is the hexadecimal SHA-256 of the token's text. Required. A text
	// that was not made by [NewToken] should be as long and as random as those.
	SHA256 string `json:"sha256"`
	// NotAfter is the last instant at which the token is accepted; zero: no end.
	NotAfter time.Time `json:"notAfter,omitzero"`
	// User is the userName that /Me stands for under this token. Default none.
	User string `json:"user,omitempty"`
	// ReadOnly refuses requests with this token that would change anything, for
	// monitoring and reports. Default false.
	ReadOnly bool `json:"readOnly,omitempty"`
}

// newTokenSet checks the tokens.
func newTokenSet(cfg AuthConfig) (*tokenSet, error) {
	set := tokenSet{access: cfg.Access, now: cfg.Now}
	seen := map[string]bool{}
	for i, t := range cfg.Tokens {
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

// A tokenSet knows the tokens of a connection. It compares hashes, all of them
// for each request and in constant time.
type tokenSet struct {
	tokens []hashedToken
	access Access
	now    func() time.Time
}

// Authenticate implements [Authenticator].
func (s *tokenSet) Authenticate(r *http.Request) (Principal, error) {
	text, err := s.access.presented(r)
	found := s.find(text)
	switch e, _ := errors.AsType[*CredentialError](err); {
	case e != nil && found != nil:
		return Principal{}, &CredentialError{Problem: e.Problem, Err: errBareToken}
	case err != nil:
		return Principal{}, err
	case found == nil && strings.HasPrefix(text, tokenPrefix) && !wholeToken(text):
		return Principal{}, &CredentialError{Problem: "the token is cut off or mistyped: its checksum does not fit; copy it once more"}
	case found == nil:
		return Principal{}, &CredentialError{
			Problem: "the token is not one of this connection's; give the identity provider a current one", Err: ErrOtherCredential,
		}
	case !found.NotAfter.IsZero() && s.now().After(found.NotAfter):
		return Principal{}, &CredentialError{
			Problem: "the token has expired; give the identity provider a new one", Err: &expiredToken{found.ID, found.NotAfter},
		}
	}
	return Principal{Token: found.ID, User: found.User, ReadOnly: found.ReadOnly, NotAfter: found.NotAfter}, nil
}

// find returns the token of a text, nil if there is none.
func (s *tokenSet) find(text string) *hashedToken {
	sum := sha256.Sum256([]byte(text))
	var found *hashedToken
	for i := range s.tokens {
		if subtle.ConstantTimeCompare(sum[:], s.tokens[i].sum[:]) == 1 {
			found = &s.tokens[i]
		}
	}
	return found
}

// An expiredToken says which token it was that is accepted no more.
type expiredToken struct {
	id    string
	since time.Time
}

func (e *expiredToken) Error() string {
	return fmt.Sprintf("token %s ended %s", e.id, e.since.UTC().Format(time.RFC3339))
}

// errBareToken says that a token is one of the connection's, but stands without
// a scheme, which the settings do not allow.
var errBareToken = errors.New("no scheme in front of the token")

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
