package crowd

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// pooledTransport returns a transport that keeps up to conns connections to
// Crowd open.
func pooledTransport(conns int) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          conns,
		MaxIdleConnsPerHost:   conns,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,

		MaxResponseHeaderBytes: maxHeader,
	}
}

// limitedClient returns a copy of shared that has at most limit requests in
// flight and gives up on a silent server.
func limitedClient(shared http.Client, limit int, timeout time.Duration) *http.Client {
	shared.Transport = &limited{
		next:    shared.Transport,
		slots:   make(chan struct{}, limit),
		timeout: timeout,
	}
	return &shared
}

// limited is a RoundTripper. It has no CloseIdleConnections on purpose:
// retryablehttp would close the connections of all calls when one has failed.
type limited struct {
	next    http.RoundTripper
	slots   chan struct{} // one element for each request in flight
	timeout time.Duration
}

// RoundTrip waits for a slot and keeps it until the body of the answer is
// closed.
func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case l.slots <- struct{}{}:
	case <-r.Context().Done():
		closeBody(r)
		return nil, &unsentError{r.Context().Err()}
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	silence := &silenceError{l.timeout}
	timer := time.AfterFunc(l.timeout, func() { cancel(silence) })
	end := sync.OnceFunc(func() {
		timer.Stop()
		cancel(nil)
		<-l.slots
	})
	response, err := l.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if context.Cause(ctx) == silence {
			err = silence
		}
		end()
		return nil, err
	}
	timer.Stop()
	response.Body = &timedBody{
		ReadCloser: response.Body, ctx: ctx, timer: timer, silence: silence, end: end,
	}
	return response, nil
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// timedBody bounds each pause in a body, however long the reader takes between
// two reads. It keeps the context of its request because it is part of it.
type timedBody struct {
	io.ReadCloser
	ctx     context.Context
	timer   *time.Timer
	silence *silenceError
	end     func()
}

func (b *timedBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.silence.after)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF && context.Cause(b.ctx) == b.silence {
		err = b.silence
	}
	return n, err
}

func (b *timedBody) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}

// A silenceError is a server that did not answer, or went on answering, in
// time.
type silenceError struct{ after time.Duration }

func (e *silenceError) Error() string { return fmt.Sprintf("no answer within %v", e.after) }

// Timeout makes the error a time-out for those who ask for one.
func (e *silenceError) Timeout() bool { return true }

// An unsentError is a request that never left.
type unsentError struct{ err error }

func (e *unsentError) Error() string { return "not sent: " + e.err.Error() }
func (e *unsentError) Unwrap() error { return e.err }
