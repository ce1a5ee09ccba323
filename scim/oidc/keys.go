package oidc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// A keySet is the issuer's keys. It reads them anew once they are old, though
// every token be signed by one that is known: so the issuer can withdraw one. An
// issuer that is down at that time stops nobody.
type keySet struct {
	read func() *oidc.RemoteKeySet
	now  func() time.Time

	mu      sync.Mutex // guards what follows
	current *oidc.RemoteKeySet
	due     time.Time // when to read them anew
}

const (
	keepKeys   = time.Hour
	keepOnFail = time.Minute
)

func newKeySet(read func() *oidc.RemoteKeySet, now func() time.Time) *keySet {
	return &keySet{read: read, now: now, current: read(), due: now().Add(keepKeys)}
}

// fetchError is where the keySet leaves the error of a fetch, which the
// verifier's error does not tell from a wrong signature, and fetchKey where it
// finds that.
type (
	fetchError struct{ err error }
	fetchKey   struct{}
)

// VerifySignature implements [oidc.KeySet].
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	current, next := k.sets()
	if next != nil {
		payload, err := next.VerifySignature(ctx, token)
		if !fetchFailed(err) {
			k.use(next)
			return payload, err
		}
	}
	payload, err := current.VerifySignature(ctx, token)
	if fetch, ok := ctx.Value(fetchKey{}).(*fetchError); ok && fetchFailed(err) {
		fetch.err = err
	}
	return payload, err
}

// sets returns the keys in use and, if these are old, what reads them anew. Only
// one caller is given that.
func (k *keySet) sets() (current, next *oidc.RemoteKeySet) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now().Before(k.due) {
		return k.current, nil
	}
	k.due = k.now().Add(keepOnFail)
	return k.current, k.read()
}

func (k *keySet) use(next *oidc.RemoteKeySet) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current, k.due = next, k.now().Add(keepKeys)
}

// fetchFailed reports whether keys could not be fetched. With a wrong signature
// the error wraps none, with a failed fetch it does.
func fetchFailed(err error) bool { return errors.Unwrap(err) != nil }

const (
	keepAnswer  = 10 * time.Second
	keepFailure = time.Second
	longestBody = 1 << 20
)

// A keeper repeats the last answer to a GET for a short while. Keys are fetched
// for each token whose key is not known, so without it whoever sends forged
// tokens could have the issuer asked as often. A key that is used within that
// while of being published is not found yet; issuers publish theirs hours
// before. There are two addresses at most: that of the discovery document, and
// that of the keys.
type keeper struct {
	next http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex // guards kept
	kept map[string]kept
}

type kept struct {
	until    time.Time
	response *http.Response // without its body
	body     []byte
	err      error
}

func newKeeper(next http.RoundTripper, now func() time.Time) *keeper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &keeper{next: next, now: now, kept: map[string]kept{}}
}

// RoundTrip implements [http.RoundTripper].
func (k *keeper) RoundTrip(r *http.Request) (*http.Response, error) {
	address := r.URL.String()
	k.mu.Lock()
	last, ok := k.kept[address]
	k.mu.Unlock()
	if !ok || !k.now().Before(last.until) {
		last = k.fetch(r)
		k.mu.Lock()
		k.kept[address] = last
		k.mu.Unlock()
	}
	if last.err != nil {
		return nil, last.err
	}
	response := *last.response
	response.Request = r
	response.Header = last.response.Header.Clone()
	response.Body = io.NopCloser(bytes.NewReader(last.body))
	return &response, nil
}

func (k *keeper) fetch(r *http.Request) kept {
	response, err := k.next.RoundTrip(r)
	if errors.Is(err, context.Canceled) {
		return kept{err: err} // who asked is gone, which is no failure of the issuer
	}
	if err != nil {
		return kept{until: k.now().Add(keepFailure), err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, longestBody+1))
	if err == nil && len(body) > longestBody {
		err = fmt.Errorf("%s: the answer is longer than %d bytes", r.URL.Redacted(), longestBody)
	}
	keep := keepAnswer
	if err != nil || response.StatusCode != http.StatusOK {
		keep = keepFailure
	}
	return kept{until: k.now().Add(keep), response: response, body: body, err: err}
}
