package webhook

import (
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
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/internal/outgoing"
)

// Config says where events go.
type Config struct {
	// Name tells the hook apart from others, see [groupsync.Hook]. Default
	// "webhook".
	Name string
	// URL is where events are sent, without user info or fragment. Required. It is
	// no place for secrets: no error, log or plan of this package shows it, but
	// configurations keep it in clear. What proves an event to be genuine is its
	// signature.
	URL string
	// Secrets sign the events, each with a signature of its own, so that receivers
	// may accept any one of them while one replaces another. [NewSecret] makes one.
	// At least one is required.
	Secrets []crowd.Secret

	// HTTPClient carries certificates, proxy and transport. It is copied; the copy
	// follows no redirects. Nil means one with the default transport.
	HTTPClient *http.Client
	// Tries is how often an event is sent at once where nobody takes it. Default 3.
	Tries int
	// Timeout bounds one request. Default 5 s.
	Timeout time.Duration
	// Logger hears of each event (Debug) and each repetition (Warn). Nil discards.
	Logger *slog.Logger
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// A Hook sends events. It is immutable and safe for concurrent use.
type Hook struct {
	name   string
	tries  int
	http   *http.Client
	logger *slog.Logger
	now    func() time.Time
	// target and keys lie in functions because package fmt looks into none.
	target func() string
	keys   func() [][]byte
}

var _ groupsync.Hook = (*Hook)(nil)

// New returns a Hook, or an error that says what is wrong with cfg. It calls nothing.
func New(cfg Config) (*Hook, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, errors.New(`webhook: Config.URL must be an address such as "https://hr.example.com/leavers", without credentials or fragment`)
	}
	keys, err := keysOf(cfg.Secrets)
	if err != nil {
		return nil, fmt.Errorf("webhook: Config: %w", err)
	}
	if cfg.Tries < 0 || cfg.Timeout < 0 {
		return nil, errors.New("webhook: Config.Tries and Timeout must not be negative")
	}
	h := &Hook{
		name: cfg.Name, tries: cfg.Tries, http: cfg.client(), logger: cfg.Logger, now: cfg.Now,
		target: func() string { return cfg.URL }, keys: func() [][]byte { return keys },
	}
	if h.name == "" {
		h.name = "webhook"
	}
	if h.tries == 0 {
		h.tries = 3
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	if h.now == nil {
		h.now = time.Now
	}
	return h, nil
}

func (cfg Config) client() *http.Client {
	var c http.Client
	if cfg.HTTPClient != nil {
		c = *cfg.HTTPClient
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.Timeout = cfg.Timeout; c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	return &c
}

// Name returns [Config.Name].
func (h *Hook) Name() string { return h.name }

// Plan returns the one step of sending an event.
func (h *Hook) Plan(_ context.Context, l groupsync.Leaver) ([]groupsync.HookStep, error) {
	return []groupsync.HookStep{{Object: eventOf(l).Type}}, nil
}

// Do sends the event.
func (h *Hook) Do(ctx context.Context, l groupsync.Leaver, s groupsync.HookStep) error {
	e := eventOf(l)
	if s.Object != e.Type {
		return fmt.Errorf("webhook: the user is %s by now: %w", strings.TrimPrefix(e.Type, "user."), groupsync.ErrStalePlan)
	}
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("webhook: encode: %w", err)
	}
	request, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, h.target(), body)
	if err != nil {
		return errors.New("webhook: the address is not a URL")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "scimcrowd")
	sign(request.Header, h.keys(), e.ID, h.now(), body)
	return h.send(request, e)
}

func (h *Hook) send(request *retryablehttp.Request, e Event) error {
	d := &delivery{hook: h, event: e}
	request.SetResponseHandler(func(r *http.Response) error {
		_, _ = io.Copy(io.Discard, io.LimitReader(r.Body, 64<<10))
		_ = r.Body.Close()
		if r.StatusCode < 200 || r.StatusCode > 299 {
			return &refusal{r.StatusCode, outgoing.RetryAfter(r.Header)}
		}
		return nil
	})
	retrying := &retryablehttp.Client{
		HTTPClient: h.http, RetryMax: h.tries - 1, CheckRetry: d.again, Backoff: d.wait,
		PrepareRetry: d.signAnew, ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	response, err := retrying.Do(request)
	if response != nil {
		_ = response.Body.Close()
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the address
	}
	if err != nil {
		return fmt.Errorf("webhook: send %s of %q: %w", e.Type, e.Data.UserName, err)
	}
	h.logger.Debug("webhook sent", "hook", h.name, "type", e.Type, "id", e.ID)
	return nil
}

// A refusal is an answer that does not take the event.
type refusal struct {
	status int
	after  time.Duration
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the receiver answers %d %s", r.status, http.StatusText(r.status))
}

// A delivery decides whether an event is sent again.
type delivery struct {
	hook  *Hook
	event Event
	count int
	next  time.Duration
}

func (d *delivery) again(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if err == nil || ctx.Err() != nil {
		return false, nil
	}
	d.count++
	var asked time.Duration
	if r, ok := errors.AsType[*refusal](err); ok {
		if r.status < 500 && r.status != http.StatusTooManyRequests && r.status != http.StatusRequestTimeout {
			return false, nil
		}
		asked = r.after
	}
	wait := 200 * time.Millisecond << (d.count - 1)
	d.next = max(wait/2+rand.N(wait/2+1), asked)
	deadline, ok := ctx.Deadline()
	return (!ok || time.Until(deadline) > d.next) && d.next <= time.Minute, nil
}

func (d *delivery) wait(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	d.hook.logger.Warn("webhook is sent again", "hook", d.hook.name, "id", d.event.ID, "wait", d.next)
	return d.next
}

// signAnew gives a repetition the time at which it is sent.
func (d *delivery) signAnew(r *http.Request) error {
	body, err := json.Marshal(d.event)
	if err != nil {
		return err
	}
	sign(r.Header, d.hook.keys(), d.event.ID, d.hook.now(), body)
	return nil
}
