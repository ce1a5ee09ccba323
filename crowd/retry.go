package crowd

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	retryBudget = 2 * time.Second
	firstWait   = 100 * time.Millisecond

	maxRetryAfter = 24 * 3600 // seconds; beyond that a server is joking
)

// A budget is what is left of the time for waits. All exchanges made on behalf
// of one call of the package's user share one, one after the other.
type budget struct {
	left  time.Duration
	waits int // so far
}

func newBudget() *budget { return &budget{left: retryBudget} }

// tries decides, for one call, whether it is tried again. Its methods are the
// hooks of retryablehttp, which by itself would repeat any call after any 5xx.
type tries struct {
	call   *call
	logger *slog.Logger
	budget *budget

	next time.Duration // the wait that again has decided on
	last *Error        // of the latest failed try
	lost bool          // a try may have taken effect
	conn atomic.Int32  // how far a connection got, see trace
}

// States of a connection; a transport that tells nothing stays in the first.
const (
	connUntold int32 = iota
	connWanted
	connReady
)

// trace watches whether a connection was had: without one, nothing was sent.
func (t *tries) trace(ctx context.Context) context.Context {
	if t.call.repeat {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.conn.Store(connWanted) },
		GotConn: func(httptrace.GotConnInfo) { t.conn.Store(connReady) },
	})
}

// again is told of each answer and each failure, and decides.
func (t *tries) again(ctx context.Context, _ *http.Response, err error) (bool, error) {
	*t.call.sent++
	if err == nil {
		return false, nil
	}
	e := t.failure(err)
	t.last = e
	unsent := e.Status == 0 && t.unsent(err)
	if e.uncertain() && !unsent {
		t.lost = true
	}
	if ctx.Err() != nil || !e.transient() || t.call.heavy && silent(err) {
		return false, nil
	}
	if !t.call.repeat && e.Status != http.StatusTooManyRequests && !unsent {
		return false, nil
	}
	return t.afford(ctx, e), nil
}

// failure makes an *Error of what retryablehttp passes on, without the URL,
// which may hold a session token.
func (t *tries) failure(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	e := t.call.failure()
	e.Err, e.kind = err, ErrUnavailable
	return e
}

// unsent reports whether the request certainly never left.
func (t *tries) unsent(err error) bool {
	if _, ok := errors.AsType[*unsentError](err); ok {
		return true
	}
	return t.conn.Load() == connWanted
}

// silent reports whether the server took too long.
func silent(err error) bool {
	_, ok := errors.AsType[*silenceError](err)
	return ok
}

// transient reports whether the failure may pass.
func (e *Error) transient() bool {
	switch e.Status {
	case 0, http.StatusTooManyRequests, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusInternalServerError:
		return e.Reason != "UNSUPPORTED_OPERATION"
	}
	return e.Status < 300 || e.cut
}

// afford decides on the next wait and reports whether it fits into what is
// left, of the budget as of the context's time.
func (t *tries) afford(ctx context.Context, e *Error) bool {
	wait, ok := t.budget.next(ctx, e.RetryAfter)
	t.next = wait
	return ok
}

// next returns a wait with jitter, twice as long as the last, or as long as
// asked, and whether there is time for it.
func (b *budget) next(ctx context.Context, asked time.Duration) (time.Duration, bool) {
	wait := firstWait << b.waits
	wait = max(wait/2+rand.N(wait/2+1), asked)
	if wait > b.left {
		return 0, false
	}
	deadline, ok := ctx.Deadline()
	return wait, !ok || time.Until(deadline) > wait
}

func (b *budget) spend(wait time.Duration) {
	b.waits++
	b.left -= wait
}

// wait is asked after again has said yes, and before the wait.
func (t *tries) wait(_, _ time.Duration, _ int, _ *http.Response) time.Duration {
	t.budget.spend(t.next)
	t.logger.Warn("crowd call is repeated", "op", t.call.op, "name", t.call.name,
		"status", t.last.Status, "reason", t.last.Reason, "wait", t.next)
	return t.next
}

// conclude makes of the end of all tries the error of the call, or nil.
func (t *tries) conclude(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var e Error
	if t.last != nil {
		e = *t.last
	} else {
		e = *t.failure(err)
	}
	if ended := ctx.Err(); ended != nil {
		if !errors.Is(e.Err, ended) {
			e.Err = ended
		}
		if ended == context.Canceled && e.kind == ErrUnavailable {
			e.kind = nil // the caller went away, not Crowd
		}
	}
	definite := e.Status >= 300 && e.Status < 500 && e.Status != http.StatusTooManyRequests
	e.lost = t.lost
	e.ambiguous = t.call.writes() && t.lost && !definite
	return &e
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), maxRetryAfter)) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(date), 0), maxRetryAfter*time.Second)
	}
	return 0
}
