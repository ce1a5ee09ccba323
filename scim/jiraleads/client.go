package jiraleads

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/scimcrowd/scimcrowd/crowd"
)

const (
	firstWait     = 200 * time.Millisecond
	longestWait   = time.Minute // asked for by Jira, where no deadline is nearer
	mostBytes     = 1 << 20     // of one answer
	mostOfList    = 32 << 20    // of one that is a whole list
	mostErrorText = 64 << 10    // read of an answer that is an error
	mostMessage   = 300         // of it shown
)

// A client calls Jira's REST API.
type client struct {
	base   string
	tries  int
	limit  time.Duration // of one HTTP request
	slots  chan struct{} // one element for each request in flight
	http   *http.Client
	logger *slog.Logger
	// sign adds the credentials, and secret returns the one that no text may show.
	// They lie in functions because package fmt looks into none.
	sign   func(*http.Request)
	secret func() string
}

func newClient(cfg Config) *client {
	base, _ := parseBase(cfg.URL) // was checked
	var h http.Client
	if cfg.HTTPClient != nil {
		h = *cfg.HTTPClient
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{
		base: base, tries: cfg.Tries, limit: cfg.Timeout, slots: make(chan struct{}, cfg.MaxInFlight), http: &h, logger: cfg.Logger,
		sign: signer(cfg.User, cfg.Token), secret: cfg.Token.Reveal,
	}
}

// signer returns what adds the credentials: basic authentication for an account with
// its token or password, else a personal access token as bearer.
func signer(user string, token crowd.Secret) func(*http.Request) {
	return func(r *http.Request) {
		if user != "" {
			r.SetBasicAuth(user, token.Reveal())
			return
		}
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
}

// parseBase checks the address of Jira and returns it without trailing slashes.
func parseBase(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return "", errors.New("it is missing")
	case err != nil:
		return "", errors.New("it is not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", errors.New(`it must look like "https://jira.example.com"`)
	case u.User != nil:
		return "", errors.New("it holds credentials; give them as User and Token")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("it has a query or a fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// A call is one request to Jira.
type call struct {
	op, name string // for the error
	method   string // default GET
	path     string // below the address, each segment escaped
	query    url.Values
	body     any                   // JSON
	whole    bool                  // the answer is a whole list
	read     func(io.Reader) error // the answer
}

func (k *call) writes() bool { return k.method != "" && k.method != http.MethodGet }

// do makes a call. It repeats a read after any failure that may pass, a write only
// where Jira has refused to look at it (429).
func (c *client) do(ctx context.Context, k call) error {
	t := &tries{call: &k, client: c}
	request, err := c.request(ctx, k)
	if err != nil {
		return &Error{Op: k.op, Name: k.name, Err: err}
	}
	request.SetResponseHandler(func(r *http.Response) error { return c.handle(k, r) })
	retrying := &retryablehttp.Client{
		HTTPClient: &http.Client{Transport: &limited{c}, CheckRedirect: c.http.CheckRedirect, Jar: c.http.Jar, Timeout: c.http.Timeout},
		RetryMax:   c.tries - 1, CheckRetry: t.again, Backoff: t.wait, ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	began := time.Now()
	response, err := retrying.Do(request)
	if response != nil {
		_ = response.Body.Close()
	}
	c.logger.DebugContext(ctx, "jira call", "op", k.op, "name", k.name, "took", time.Since(began), "failed", err != nil)
	if err == nil {
		return nil
	}
	e := t.failure(err)
	if ended := ctx.Err(); ended != nil && !errors.Is(e.Err, ended) {
		e.Err = ended
	}
	return e
}

func (c *client) request(ctx context.Context, k call) (*retryablehttp.Request, error) {
	var body any
	if k.body != nil {
		encoded, err := json.Marshal(k.body)
		if err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
		body = bytes.NewReader(encoded)
	}
	address := c.base + k.path
	if len(k.query) > 0 {
		address += "?" + k.query.Encode()
	}
	method := k.method
	if method == "" {
		method = http.MethodGet
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, errors.New("the address is not a URL")
	}
	c.sign(request.Request)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "scimcrowd")
	if k.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// A limited transport waits for a slot, and bounds the time of one request.
type limited struct{ c *client }

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case l.c.slots <- struct{}{}:
	case <-r.Context().Done():
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, r.Context().Err()
	}
	next := l.c.http.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), l.c.limit, fmt.Errorf("no answer within %v", l.c.limit))
	response, err := next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if r.Context().Err() == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		cancel()
		<-l.c.slots
		return nil, err
	}
	response.Body = &slotBody{ReadCloser: response.Body, end: func() { cancel(); <-l.c.slots }}
	return response, nil
}

// A slotBody gives its slot back when it is closed.
type slotBody struct {
	io.ReadCloser
	end func()
}

func (b *slotBody) Close() error {
	err := b.ReadCloser.Close()
	if b.end != nil {
		b.end()
		b.end = nil
	}
	return err
}

// handle reads one answer.
func (c *client) handle(k call, r *http.Response) error {
	defer func() { _ = r.Body.Close() }()
	if r.StatusCode < 200 || r.StatusCode > 299 {
		return c.refusal(k, r)
	}
	if k.read == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, mostErrorText))
		return nil
	}
	most := int64(mostBytes)
	if k.whole {
		most = mostOfList
	}
	if err := k.read(&capped{r.Body, most}); err != nil {
		return &Error{Op: k.op, Name: k.name, Status: r.StatusCode, Err: fmt.Errorf("unreadable answer: %w", err)}
	}
	return nil
}

// A capped reader refuses more than so many bytes.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("it is too long")
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// tries decides, for one call, whether it is tried again.
type tries struct {
	call   *call
	client *client
	count  int
	next   time.Duration
}

// again is told of each answer and each failure, and decides.
func (t *tries) again(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err == nil {
		return false, nil
	}
	e := t.failure(err)
	t.count++
	if ctx.Err() != nil || !e.transient() || t.call.writes() && e.Status != http.StatusTooManyRequests {
		return false, nil
	}
	wait := firstWait << (t.count - 1)
	wait = max(wait/2+rand.N(wait/2+1), e.RetryAfter)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait || wait > longestWait {
		return false, nil
	}
	t.next = wait
	return true, nil
}

// wait is asked after again has said yes.
func (t *tries) wait(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	t.client.logger.Warn("jira call is repeated", "op", t.call.op, "name", t.call.name, "wait", t.next)
	return t.next
}

// failure makes an *Error of what retryablehttp passes on, without the URL.
func (t *tries) failure(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return &Error{Op: t.call.op, Name: t.call.name, Err: err}
}
