package source

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/scimcrowd/scimcrowd/scim/internal/outgoing"
)

const (
	largestPage = 64 << 20
	mostTries   = 6
	firstWait   = 500 * time.Millisecond
	longestWait = 30 * time.Second
	// longestPause is how long a source waits for a server that limits requests.
	// Okta's windows are a minute long.
	longestPause = 2 * time.Minute
	callTime     = 2 * time.Minute
)

// A caller gets pages from a server. What fails in a way that may pass is tried
// again; a server that limits requests is waited for.
type caller struct {
	source    string // for errors
	base      *url.URL
	accept    string
	authorize func(context.Context) (string, error)
	explain   func(body []byte) (code, message string) // of an error's body, as it has them
	http      *http.Client
	logger    *slog.Logger

	mu    sync.Mutex // guards pause
	pause time.Time  // no request before
}

// A page is the answer to a request.
type page struct {
	body   []byte
	header http.Header
}

// newCaller returns a caller of a server at an address that requests may be sent to.
func newCaller(source, address string, client *http.Client, logger *slog.Logger) (*caller, error) {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("source: %s: URL must be an http or https address without user, query and fragment", source)
	}
	if client == nil {
		client = &http.Client{Timeout: callTime}
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the token stays here
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &caller{source: source, base: u, http: &own, logger: logger}, nil
}

// at returns an address below the base.
func (c *caller) at(path string, query url.Values) *url.URL {
	u := *c.base
	u.Path, u.RawPath = c.base.Path+path, ""
	u.RawQuery = query.Encode()
	return &u
}

// get asks for a page.
func (c *caller) get(ctx context.Context, op string, u *url.URL) (*page, error) {
	token, err := c.authorize(ctx)
	if err != nil {
		return nil, &Error{Source: c.source, Op: op, Err: fmt.Errorf("fetch the access token: %w", err)}
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &Error{Source: c.source, Op: op, Err: errors.New("the address of the request is not valid")}
	}
	request.Header.Set("Authorization", token)
	request.Header.Set("Accept", c.accept)
	request.Header.Set("User-Agent", "scimcrowd")
	var body []byte
	request.SetResponseHandler(func(r *http.Response) (err error) { // a body that is cut off is asked for again
		body, err = readPage(r)
		return err
	})
	retrying := &retryablehttp.Client{
		HTTPClient: c.http, RetryMax: mostTries - 1, Backoff: c.backoff, CheckRetry: again,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		PrepareRetry: func(*http.Request) error { return c.wait(ctx) },
	}
	if err := c.wait(ctx); err != nil {
		return nil, &Error{Source: c.source, Op: op, Err: err}
	}
	response, err := retrying.Do(request)
	if err != nil {
		return nil, &Error{Source: c.source, Op: op, Err: withoutToken(withoutURL(err), token)}
	}
	c.note(response)
	c.logger.DebugContext(ctx, "source call", "source", c.source, "op", op, "status", response.StatusCode, "bytes", len(body))
	if response.StatusCode != http.StatusOK {
		return nil, c.refused(op, response, body, token)
	}
	return &page{body, response.Header}, nil
}

// refused returns the error of an answer with another status than 200. The body of
// one that was tried again in vain is still to be read; one that cannot be does not
// hide the status. What the server says is shown without the token, which it may
// repeat.
func (c *caller) refused(op string, r *http.Response, body []byte, token string) error {
	if body == nil {
		body, _ = readPage(r)
	}
	e := &Error{Source: c.source, Op: op, Status: r.StatusCode}
	code, message := c.explain(body)
	e.Code, e.Message = brief(withhold(code, token)), brief(withhold(message, token)) // cut afterwards: half a token is one too
	return e
}

// readPage reads the body of an answer, within its limit.
func readPage(r *http.Response) ([]byte, error) {
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, largestPage+1))
	if err == nil && len(body) > largestPage {
		err = errLarge
	}
	return body, err
}

var errLarge = fmt.Errorf("the answer is larger than %d MiB; ask for smaller pages", largestPage>>20)

// again decides whether a request is tried again.
func again(ctx context.Context, r *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		return !errors.Is(err, errLarge) && !untrusted(err), nil
	}
	switch r.StatusCode {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true, nil
	}
	return false, nil
}

// untrusted reports whether the server's certificate is at fault, which will not
// pass.
func untrusted(err error) bool {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid)
}

// backoff returns how long to wait before a request is tried again. What a server
// says of its limits is noted, and waited for by wait.
func (c *caller) backoff(_, _ time.Duration, attempt int, r *http.Response) time.Duration {
	if r != nil && c.note(r) {
		return 0
	}
	return min(firstWait<<attempt, longestWait)
}

// note remembers until when the server wants to be left alone, and reports whether
// it does: Retry-After (RFC 9110 section 10.2.3), or X-Rate-Limit-Reset, seconds
// since 1970 by the server's own clock, where nothing remains of the limit.
func (c *caller) note(r *http.Response) bool {
	d := pauseOf(r)
	if d <= 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := time.Now().Add(d); until.After(c.pause) {
		c.pause = until
	}
	return true
}

func pauseOf(r *http.Response) time.Duration {
	limited := r.StatusCode == http.StatusTooManyRequests
	if limited || r.StatusCode == http.StatusServiceUnavailable {
		if d := outgoing.RetryAfter(r.Header); d > 0 {
			return min(d, longestPause)
		}
	}
	if !limited && r.Header.Get("X-Rate-Limit-Remaining") != "0" {
		return 0
	}
	reset, err := strconv.ParseInt(r.Header.Get("X-Rate-Limit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	now := time.Now()
	if date, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		now = date
	}
	return min(max(time.Unix(reset, 0).Sub(now), 0)+time.Second, longestPause)
}

// wait waits as long as the server wants to be left alone.
func (c *caller) wait(ctx context.Context) error {
	c.mu.Lock()
	d := time.Until(c.pause)
	c.mu.Unlock()
	return sleep(ctx, d)
}

// withoutURL takes the address out of an error of net/http: it may hold what was
// searched for.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// withhold takes the token of a request, given as its Authorization header, out of a
// text that the server may have written.
func withhold(text, authorization string) string {
	_, token, _ := strings.Cut(authorization, " ")
	if token == "" {
		return text
	}
	return strings.ReplaceAll(text, token, "[secret]")
}

// withoutToken returns an error that shows no token. Errors of net/http quote what
// came in place of an answer.
func withoutToken(err error, authorization string) error {
	if text := withhold(err.Error(), authorization); text != err.Error() {
		return &shownError{text, err}
	}
	return err
}

// A shownError shows another text than the error in it.
type shownError struct {
	text string
	err  error
}

func (e *shownError) Error() string { return e.text }

func (e *shownError) Unwrap() error { return e.err }
