package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"

	secretPrefix     = "whsec_"
	defaultTolerance = 5 * time.Minute
	mostBody         = 1 << 20
	mostSignatures   = 64
)

// NewSecret returns a fresh secret: "whsec_" and the base64 form of 32 random bytes.
func NewSecret() crowd.Secret {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return crowd.Secret(secretPrefix + base64.StdEncoding.EncodeToString(key))
}

// keyOf returns the key that a secret stands for.
func keyOf(s crowd.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(s.Reveal(), secretPrefix)
	if !ok {
		return nil, errors.New(`a secret must begin with "whsec_". NewSecret makes one`)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil { // whose text would show a part of the secret
		return nil, errors.New(`a secret must be "whsec_" and a text in base64. NewSecret makes one`)
	}
	if len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("a secret must stand for 24 to 64 bytes, this one is for %d. NewSecret makes one", len(key))
	}
	return key, nil
}

func keysOf(secrets []crowd.Secret) ([][]byte, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no secret is given")
	}
	var keys [][]byte
	for _, s := range secrets {
		key, err := keyOf(s)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// sum returns the HMAC-SHA256 of what is signed.
func sum(key []byte, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(h, "%s.%s.", id, timestamp)
	_, _ = h.Write(body)
	return h.Sum(nil)
}

// sign adds the headers.
func sign(header http.Header, keys [][]byte, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, key := range keys {
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(sum(key, id, timestamp, body)))
	}
	header.Set(headerID, id)
	header.Set(headerTimestamp, timestamp)
	header.Set(headerSignature, strings.Join(signatures, " "))
}

// A Receiver verifies requests. It is safe for concurrent use.
type Receiver struct {
	// Secrets are those that are accepted; several while one replaces another.
	// Required.
	Secrets []crowd.Secret
	// Tolerance is how old a request may be, or how far in the future; default 5
	// minutes. Whoever has caught a request cannot send it again after that.
	Tolerance time.Duration
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// Errors of [Receiver.Event], which match them. Answer such a request with 401 or 400.
var (
	// ErrSignature: the request is not signed with any of the secrets.
	ErrSignature = errors.New("webhook: the signature is not valid")
	// ErrTimestamp: the request is too old, or from the future.
	ErrTimestamp = errors.New("webhook: the request is not of this time")
	// ErrMalformed: a header is missing, or the body is not an event.
	ErrMalformed = errors.New("webhook: the request is malformed")
)

// Event verifies a request and returns its event. It reads the body, at most 1 MiB.
// Two requests may bear the same event; pass over ids that you have seen.
func (v Receiver) Event(r *http.Request) (Event, error) {
	keys, err := keysOf(v.Secrets)
	if err != nil {
		return Event{}, fmt.Errorf("webhook: Receiver: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, mostBody+1))
	if err != nil {
		return Event{}, fmt.Errorf("webhook: read the request: %w", err)
	}
	if len(body) > mostBody {
		return Event{}, fmt.Errorf("%w: its body is too long", ErrMalformed)
	}
	id, timestamp := r.Header.Get(headerID), r.Header.Get(headerTimestamp)
	if id == "" || timestamp == "" || strings.Contains(id, ".") {
		return Event{}, fmt.Errorf("%w: it has no id or no timestamp", ErrMalformed)
	}
	if !signed(r.Header.Get(headerSignature), keys, id, timestamp, body) {
		return Event{}, ErrSignature
	}
	if err := v.inTime(timestamp); err != nil {
		return Event{}, err
	}
	e := Event{}
	if err := json.Unmarshal(body, &e); err != nil || e.Type == "" {
		return Event{}, fmt.Errorf("%w: its body is no event", ErrMalformed)
	}
	e.ID = id
	return e, nil
}

// signed reports whether one of the signatures is by one of the keys.
func signed(header string, keys [][]byte, id, timestamp string, body []byte) bool {
	texts := strings.Fields(header)
	for _, text := range texts[:min(len(texts), mostSignatures)] {
		encoded, ok := strings.CutPrefix(text, "v1,")
		if !ok {
			continue
		}
		signature, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		for _, key := range keys {
			if hmac.Equal(signature, sum(key, id, timestamp, body)) {
				return true
			}
		}
	}
	return false
}

func (v Receiver) inTime(timestamp string) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: its timestamp is no number", ErrMalformed)
	}
	now, tolerance := time.Now, v.Tolerance
	if v.Now != nil {
		now = v.Now
	}
	if tolerance == 0 {
		tolerance = defaultTolerance
	}
	if age := now().Sub(time.Unix(seconds, 0)).Abs(); age > tolerance {
		return ErrTimestamp
	}
	return nil
}
