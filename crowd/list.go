package crowd

import (
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

// Detail says how much of each entry of a list is wanted.
type Detail int

const (
	// Names fills Name only, which is the cheapest.
	Names Detail = iota
	// Entities fills all fields; attributes only where the server gives them.
	Entities
	// WithAttributes fills attributes too. Where the server leaves them out of
	// lists each entry is read by itself, a few at a time; entries that vanish
	// meanwhile are left out. An entry whose name [ValidateName] refuses cannot
	// be read by itself, and comes without attributes.
	WithAttributes
)

const (
	defaultPageSize = 1000
	readAhead       = 4 // entries read by themselves at a time
)

type paging struct {
	start, max, size int
	ahead, expect    int
	detail           Detail
}

// listing is a list of users or of groups; W is the wire type of the entries.
type listing[T, W any] struct {
	client *Client
	call   call
	paging paging
	kind   string // "user" or "group"
	entity func(*W) *T
	fill   func(context.Context, *T) (*T, error) // reads an entry whole
	kept   func(*T) *Attributes                  // where an entry keeps its attributes
	named  func(*T) string

	filled bool // the server has been seen to give attributes in lists
}

func listUsers(ctx context.Context, c *Client, k call, p paging) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		l := &listing[User, userWire]{
			client: c, call: k, paging: p, kind: "user",
			entity: (*userWire).entity,
			fill:   func(ctx context.Context, u *User) (*User, error) { return c.User(ctx, u.Name) },
			kept:   func(u *User) *Attributes { return &u.Attributes },
			named:  func(u *User) string { return u.Name },
		}
		l.walk(ctx, yield)
	}
}

func listGroups(ctx context.Context, c *Client, k call, p paging) iter.Seq2[*Group, error] {
	return func(yield func(*Group, error) bool) {
		l := &listing[Group, groupWire]{
			client: c, call: k, paging: p, kind: "group",
			entity: (*groupWire).entity,
			fill:   func(ctx context.Context, g *Group) (*Group, error) { return c.Group(ctx, g.Name) },
			kept:   func(g *Group) *Attributes { return &g.Attributes },
			named:  func(g *Group) string { return g.Name },
		}
		l.walk(ctx, yield)
	}
}

// walk yields page after page until one is short.
func (l *listing[T, W]) walk(ctx context.Context, yield func(*T, error) bool) {
	if err := l.check(); err != nil {
		yield(nil, err)
		return
	}
	size := l.paging.size
	if size == 0 {
		size = defaultPageSize
	}
	if l.paging.ahead > 0 && size > 1 {
		l.walkAhead(ctx, size, yield)
		return
	}
	for start, left := l.paging.start, l.paging.max; ; start += size {
		ask := size
		if l.paging.max > 0 {
			ask = min(size, left)
			left -= ask
		}
		p, err := l.open(ctx, l.call, start, ask)
		if err != nil {
			yield(nil, err)
			return
		}
		l.call = p.call
		got, more := l.deal(ctx, p, yield)
		if !more || got != ask || l.paging.max > 0 && left == 0 {
			return
		}
	}
}

func (l *listing[T, W]) check() error {
	k, p := &l.call, l.paging
	if min(p.start, p.max, p.size, p.ahead, p.expect) < 0 {
		return &Error{
			Op: k.op, Name: k.name, kind: ErrIllegalArgument,
			Err: errors.New("a negative number"),
		}
	}
	if k.name == "" && k.missing == nil {
		return nil // a search, which is of no entity
	}
	return checkExisting(k.op, k.name, k.name, k.missing)
}

// A page is a page of a list whose first entries have been read: all of them,
// unless the server gave more than it was asked for.
type page[T, W any] struct {
	call    call // as the server understood it
	size    int
	chunk   []*T
	skipped int     // entries that were taken off the chunk
	length  *length // of the answer
	entries *entryReader[W]
	body    io.Closer
}

// open fetches a page. The request is over before the first entry is yielded, so
// that the caller may make calls, however few are allowed in flight; only a page
// longer than was asked for is yielded as it arrives.
func (l *listing[T, W]) open(ctx context.Context, k call, start, size int) (*page[T, W], error) {
	p := &page[T, W]{call: k, size: size}
	k.params = l.params(k.params, start, size)
	k.repeat = true
	if k.method == "" {
		k.method = http.MethodGet
	}
	k.read = func(r *http.Response) (err error) {
		p.length = &length{Reader: r.Body}
		p.entries = newEntryReader[W](mediaType(r.Header), p.length, l.kind)
		p.chunk, err = l.chunk(p.entries, size)
		return err
	}
	response, err := l.client.exchange(ctx, k)
	if errors.Is(err, ErrIllegalArgument) && k.instead != nil {
		return l.open(ctx, *k.instead, start, size)
	}
	if err != nil {
		return nil, err
	}
	p.body = response.Body
	if p.entries.done {
		_ = p.body.Close()
	}
	return p, nil
}

// deal yields a page. It returns how many entries the page had, and whether more
// are wanted.
func (l *listing[T, W]) deal(ctx context.Context, p *page[T, W], yield func(*T, error) bool) (got int, more bool) {
	defer func() { _ = p.body.Close() }()
	got = p.skipped
	for {
		got += len(p.chunk)
		if p.entries.done {
			_ = p.body.Close()
		}
		if !l.yield(ctx, p.chunk, yield) {
			return got, false
		}
		if p.entries.done {
			return got, true
		}
		var err error
		if p.chunk, err = l.chunk(p.entries, p.size); err != nil {
			yield(nil, p.call.unreadable(0, err))
			return got, false
		}
	}
}

// params returns the query of one page.
func (l *listing[T, W]) params(fixed url.Values, start, size int) url.Values {
	params := maps.Clone(fixed)
	params.Set("start-index", strconv.Itoa(start))
	params.Set("max-results", strconv.Itoa(size))
	if l.paging.detail != Names {
		params.Set("expand", l.kind)
	}
	return params
}

// chunk reads up to size entries.
func (l *listing[T, W]) chunk(entries *entryReader[W], size int) ([]*T, error) {
	chunk := make([]*T, 0, min(size, defaultPageSize))
	for len(chunk) < size {
		w, err := entries.next()
		if err != nil {
			return nil, err
		}
		if w == nil {
			return chunk, nil
		}
		chunk = append(chunk, l.entity(w))
	}
	return chunk, entries.peekEnd()
}

// yield hands a chunk to the caller and reports whether more is wanted.
func (l *listing[T, W]) yield(ctx context.Context, chunk []*T, yield func(*T, error) bool) bool {
	if l.paging.detail == WithAttributes {
		l.filled = l.filled || slices.ContainsFunc(chunk, func(e *T) bool { return *l.kept(e) != nil })
		if !l.filled {
			return l.yieldFilled(ctx, chunk, yield)
		}
	}
	for _, entry := range chunk {
		if l.filled {
			a := l.kept(entry)
			*a = a.orEmpty() // the server gives attributes, and this one has none
		}
		if !yield(entry, nil) {
			return false
		}
	}
	return true
}

// yieldFilled reads each entry by itself, in small batches, so that little is
// read in vain where the caller stops.
func (l *listing[T, W]) yieldFilled(ctx context.Context, chunk []*T, yield func(*T, error) bool) bool {
	for batch := range slices.Chunk(chunk, readAhead) {
		whole, err := l.fillAll(ctx, batch)
		if err != nil {
			yield(nil, err)
			return false
		}
		for _, entry := range whole {
			if entry != nil && !yield(entry, nil) {
				return false
			}
		}
	}
	return true
}

// fillAll reads the entries of a batch at the same time; one that is gone is
// nil.
func (l *listing[T, W]) fillAll(ctx context.Context, batch []*T) ([]*T, error) {
	whole, errs := make([]*T, len(batch)), make([]error, len(batch))
	var wg sync.WaitGroup
	for i, entry := range batch {
		wg.Go(func() {
			whole[i], errs[i] = l.fill(ctx, entry)
			switch {
			case errors.Is(errs[i], ErrInvalidName):
				whole[i], errs[i] = entry, nil
			case errors.Is(errs[i], ErrNotFound):
				whole[i], errs[i] = nil, nil
			}
		})
	}
	wg.Wait()
	return whole, errors.Join(errs...)
}
