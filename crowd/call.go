package crowd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// A call is one request to be made, and what is to be known of it.
type call struct {
	op, name string // for the error

	method   string
	resource string     // such as "user/attribute"
	segment  Secret     // one further path segment, which no log shows
	params   url.Values // of the query
	body     any        // JSON; nil for none
	accept   string     // default application/json
	client   *http.Client

	query    bool     // a POST that changes nothing
	repeat   bool     // safe to repeat whatever became of the first try
	heavy    bool     // not to be begun anew on a server that is slow
	optional bool     // a resource that not every version has
	missing  error    // what a 404 without a reason says is not there
	refused  error    // what a 400 without a reason says
	secrets  []Secret // what no message of the server may carry on
	budget   *budget  // for waits; nil means one of its own
	sent     *int     // tries so far, of earlier exchanges too; nil means none
	instead  *call    // what to try where the server does not understand
	read     func(*http.Response) error
	told     func(*http.Response) rest.Told // reads the refusals of another API
}

// failure returns an error that says what was called.
func (k *call) failure() *Error {
	return &Error{Op: k.op, Name: k.name, Method: k.method, Resource: k.resource}
}

// writes reports whether the call changes anything in Crowd.
func (k *call) writes() bool {
	return k.method != http.MethodGet && k.resource != "search" && !k.query
}

// exchange makes the call, repeats it where that is safe, and has k.read read
// the answer. The body of the response is the caller's to close.
func (c *Client) exchange(ctx context.Context, k call) (*http.Response, error) {
	begin := time.Now()
	if err := ctx.Err(); err != nil {
		return nil, ended(k, err)
	}
	if k.budget == nil {
		k.budget = newBudget()
	}
	if k.sent == nil {
		k.sent = new(int)
	}
	t := &tries{call: &k, logger: c.logger, budget: k.budget}
	request, err := c.request(t.trace(ctx), k)
	if err != nil {
		return nil, &Error{Op: k.op, Name: k.name, Err: err, kind: ErrIllegalArgument}
	}
	request.SetResponseHandler(func(r *http.Response) error { return k.handle(r) })
	client := k.client
	if client == nil {
		client = c.http
	}
	retrying := &retryablehttp.Client{
		HTTPClient:   client,
		RetryMax:     c.tries - 1 - *k.sent,
		CheckRetry:   t.again,
		Backoff:      t.wait,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	response, err := retrying.Do(request)
	err = t.conclude(ctx, err)
	if err != nil && response != nil {
		_ = response.Body.Close()
		response = nil
	}
	c.log(ctx, k, err, time.Since(begin))
	return response, err
}

// ended is the error of a call whose context had ended before it began.
func ended(k call, err error) error {
	e := &Error{Op: k.op, Name: k.name, Err: err}
	if err != context.Canceled {
		e.kind = ErrUnavailable
	}
	return e
}

func (c *Client) log(ctx context.Context, k call, err error, took time.Duration) {
	c.logger.DebugContext(ctx, "crowd call", "op", k.op, "name", k.name,
		"method", k.method, "resource", k.resource, "took", took, "failed", err != nil)
}

// request builds the HTTP request. Names travel in the query only, encoded
// once.
func (c *Client) request(ctx context.Context, k call) (*retryablehttp.Request, error) {
	var body any
	if k.body != nil {
		encoded, err := encode(k.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, k.method, c.address(k), body)
	if err != nil {
		return nil, errors.New("the address is not a URL")
	}
	request.SetBasicAuth(c.credentials())
	accept := k.accept
	if accept == "" {
		accept = mediaJSON
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("User-Agent", "scimcrowd")
	if k.method != http.MethodGet {
		request.Header.Set("Content-Type", mediaJSON)
	}
	return request, nil
}

// encode returns the JSON of a body. JSON cannot say text that is not UTF-8; the
// encoder would put another in its place, which for passwords is a hole: it
// writes "\ufffd", and a real U+FFFD unescaped.
func encode(body any) ([]byte, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	for rest := encoded; ; {
		i := bytes.IndexByte(rest, '\\')
		switch {
		case i < 0:
			return encoded, nil
		case bytes.HasPrefix(rest[i:], []byte(`\ufffd`)):
			return nil, errors.New("a text is not valid UTF-8")
		}
		rest = rest[i+2:] // a backslash is never the last
	}
}

func (c *Client) address(k call) string {
	var b strings.Builder
	b.WriteString(c.api)
	b.WriteString(k.resource)
	if k.segment != "" {
		b.WriteString("/" + url.PathEscape(k.segment.Reveal()))
	}
	if len(k.params) > 0 {
		b.WriteString("?" + k.params.Encode())
	}
	return b.String()
}

// handle reads one answer, whatever it is.
func (k *call) handle(r *http.Response) error {
	if r.StatusCode < 200 || r.StatusCode > 299 {
		return k.refusal(r)
	}
	if k.read == nil {
		drain(r.Body)
		return nil
	}
	if err := k.read(r); err != nil {
		return k.unreadable(r.StatusCode, fmt.Errorf("unreadable answer: %w", err))
	}
	return nil
}

// unreadable is the error of an answer that says success and cannot be read.
func (k *call) unreadable(status int, err error) *Error {
	if text := cut(k.withhold(err.Error()), maxMessage); text != err.Error() {
		err = &shownError{text, err}
	}
	e := k.failure()
	e.Status, e.Err, e.kind = status, err, ErrUnavailable
	return e
}

// A shownError shows another text than the error in it, which quotes the server.
type shownError struct {
	text string
	err  error
}

func (e *shownError) Error() string { return e.text }
func (e *shownError) Unwrap() error { return e.err }

// refusal makes an error of an answer that is not a success. Status comes
// first, then the media type, and only an error entity is looked into.
func (k *call) refusal(r *http.Response) error {
	e := k.failure()
	e.Status, e.RetryAfter = r.StatusCode, retryAfter(r.Header)
	if k.told != nil {
		return k.foreignRefusal(e, k.told(r))
	}
	media := mediaType(r.Header)
	told, whole := readErrorEntity(media, r.Body)
	e.Reason, e.Message, e.cut = told.Reason, k.withhold(told.Message), !whole
	if e.Reason != "" {
		return e
	}
	entity := media == mediaJSON || media == mediaXML
	switch {
	case r.StatusCode < 400:
		e.redirected()
	case r.StatusCode == http.StatusForbidden && !entity:
		e.kind = ErrAddress
	case r.StatusCode == http.StatusNotFound && (k.optional || media == mediaHTML):
		e.kind = ErrUnsupported
	case r.StatusCode == http.StatusNotFound:
		e.kind = k.missing
	case r.StatusCode == http.StatusBadRequest:
		e.kind = k.refused
	}
	return e
}

// redirected says what is wrong with an answer that leads elsewhere.
func (e *Error) redirected() {
	e.kind = ErrUnavailable
	e.Err = errors.New("the server answers with a redirect; BaseURL must be where it leads")
}

// foreignRefusal completes the error of another API's refusal.
func (k *call) foreignRefusal(e *Error, told rest.Told) error {
	e.Reason, e.Message, e.kind = cut(told.Reason, maxMessage), k.withhold(cut(told.Message, maxMessage)), told.Kind
	if e.Status < 400 {
		e.redirected()
	}
	return e
}

// withhold takes the call's secrets out of a text that a server made.
func (k *call) withhold(text string) string {
	for _, secret := range k.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret.Reveal(), redacted)
		}
	}
	return text
}
