package backup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A Live serves the connections of a document that can be replaced while it serves. It
// is safe for concurrent use.
type Live struct {
	options BuildOptions
	replace sync.Mutex // held while one document takes the place of another
	now     atomic.Pointer[serving]
}

type serving struct {
	config  *Config
	running []*Running
	mux     *http.ServeMux
}

// ErrChangedSince means that another document was put into use since a review.
var ErrChangedSince = errors.New("backup: another document is in use than the one that was reviewed. Review the change anew")

// NewLive builds the connections of a document and serves them.
func NewLive(ctx context.Context, c *Config, o BuildOptions) (*Live, error) {
	if o.Locks == nil {
		o.Locks = groupsync.NewLocks() // of what replaces this document too
	}
	l := &Live{options: o}
	next, err := l.build(ctx, c)
	if err != nil {
		return nil, err
	}
	l.now.Store(next)
	return l, nil
}

func (l *Live) build(ctx context.Context, c *Config) (*serving, error) {
	own, err := c.clone()
	if err != nil {
		return nil, err
	}
	s := &serving{config: own, mux: http.NewServeMux()}
	if s.running, err = BuildAll(ctx, own, l.options); err != nil {
		return nil, err
	}
	for _, r := range s.running {
		r.Mount(s.mux)
	}
	return s, nil
}

// ServeHTTP serves a request by the document in use when it comes in.
func (l *Live) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.now.Load().mux.ServeHTTP(w, r) }

// Config returns a copy of the document in use.
func (l *Live) Config() *Config {
	own, err := l.now.Load().config.clone()
	if err != nil {
		panic("backup: the document in use is not valid: " + err.Error()) // it was cloned before
	}
	return own
}

// Running returns the connections in use, for reconciling. They are others after a
// document was replaced.
func (l *Live) Running() []*Running { return l.now.Load().running }

// Replace puts a document into use, whole or not at all: if any connection cannot be
// built, all stays as it is. It returns the document that was replaced; to undo,
// replace again by that. Requests under way end as they began. Crowd is changed by the
// next reconcile of the new connections, and that passes the guard.
func (l *Live) Replace(ctx context.Context, c *Config) (replaced *Config, err error) {
	l.replace.Lock()
	defer l.replace.Unlock()
	return l.swap(ctx, c)
}

func (l *Live) swap(ctx context.Context, c *Config) (*Config, error) {
	next, err := l.build(ctx, c)
	if err != nil {
		return nil, err
	}
	return l.now.Swap(next).config, nil
}

// Apply puts a reviewed document into use, as [Live.Replace], unless a problem of the
// review stops it or, with [ErrChangedSince], another document is in use by now.
func (l *Live) Apply(ctx context.Context, r *Review) (replaced *Config, err error) {
	for _, p := range r.Problems {
		if p.Stops {
			return nil, fmt.Errorf("backup: the document does not fit Crowd: connection %s: %s", p.Connection, p)
		}
	}
	l.replace.Lock()
	defer l.replace.Unlock()
	if r.before == nil || len(Diff(r.before, l.now.Load().config)) > 0 {
		return nil, ErrChangedSince
	}
	return l.swap(ctx, r.after)
}
