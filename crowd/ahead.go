package crowd

import (
	"context"
	"io"
	"sync"
)

// A spread reads pages before they are taken. Pages that are on their way together
// are answered in any order, so an entry that comes or goes meanwhile could move
// others from a page that is still to be read into one that was read: each page
// begins with the last entry of the one before, and where that is another one, the
// list is read again from there.
type spread[T, W any] struct {
	*listing[T, W]
	size   int
	base   int // offset of page 0
	issued []*sheet[T, W]
	next   int      // the page to be taken next
	length int64    // of the longest page so far, in bytes
	before []string // the names on the page before it
	loose  bool     // the server has no order that pages could be held against

	wg sync.WaitGroup
}

// A sheet is a page that was asked for.
type sheet[T, W any] struct {
	*page[T, W]
	ask   int
	err   error
	ready chan struct{}
}

// walkAhead is walk with pages on their way before they are needed. No request
// outlives it.
func (l *listing[T, W]) walkAhead(ctx context.Context, size int, yield func(*T, error) bool) {
	s := &spread[T, W]{listing: l, size: size, base: l.paging.start}
	for s.stretch(ctx, yield) && s.catchUp(ctx, yield) {
	}
}

// stretch yields page after page, to the end or to where entries have moved.
func (s *spread[T, W]) stretch(ctx context.Context, yield func(*T, error) bool) (moved bool) {
	inner, cancel := context.WithCancel(ctx)
	s.issued, s.next = nil, 0
	defer func() {
		cancel()
		s.wg.Wait()
		for _, other := range s.issued[s.next:] {
			other.close()
		}
	}()
	for {
		s.issue(inner)
		taken := s.issued[s.next]
		<-taken.ready
		if taken.err != nil {
			yield(nil, taken.err)
			return false
		}
		if s.next == 0 {
			s.call = taken.call // as the server understands it
		}
		s.length = max(s.length, taken.length.n)
		s.issue(inner)
		s.issued[s.next] = nil
		s.next++
		if !s.joins(taken.page) {
			taken.close()
			return true
		}
		got, more := s.deal(ctx, taken.page, yield)
		if !more || got != taken.ask || s.over(s.next) {
			return false
		}
	}
}

// issue asks for as many pages as may be on their way: the first by itself, since
// most lists have one page; then those that are expected; then one, and where that
// is full two at a time, so that one may turn out to be empty.
func (s *spread[T, W]) issue(ctx context.Context) {
	full := s.next // pages known to be full
	for full < len(s.issued) && s.issued[full].isFull() {
		full++
	}
	entries := s.paging.expect - (s.base - s.paging.start)
	expected := max(1, (entries-1+s.size-2)/(s.size-1))
	for i := len(s.issued); i-s.next < s.room() && !s.over(i); i++ {
		beyond := i > full && (i > full+1 || i <= expected+1)
		if i > 0 && (full == 0 || i >= expected && beyond) {
			return
		}
		s.issued = append(s.issued, s.fetch(ctx, i))
	}
}

// mostAhead bounds the pages that are read ahead, in bytes as they come.
const mostAhead = 24 << 20

// room returns how many pages may be on their way, the one to be taken next among
// them.
func (s *spread[T, W]) room() int {
	return min(s.paging.ahead, max(2, int(mostAhead/max(s.length, 1))))
}

// over reports whether a page begins where no more entries are wanted.
func (s *spread[T, W]) over(i int) bool { return i > 0 && s.wanted(i) <= 1 }

// wanted returns how many entries a page is asked for.
func (s *spread[T, W]) wanted(i int) int {
	if s.paging.max == 0 {
		return s.size
	}
	return min(s.size, s.paging.start+s.paging.max-s.start(i))
}

func (s *spread[T, W]) start(i int) int { return s.base + i*(s.size-1) }

func (s *spread[T, W]) fetch(ctx context.Context, i int) *sheet[T, W] {
	f := &sheet[T, W]{ask: s.wanted(i), ready: make(chan struct{})}
	k, start := s.call, s.start(i)
	s.wg.Go(func() {
		defer close(f.ready)
		f.page, f.err = s.open(ctx, k, start, f.ask)
	})
	return f
}

// A length counts what is read.
type length struct {
	io.Reader
	n int64
}

func (l *length) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	l.n += int64(n)
	return n, err
}

// isFull reports whether the page is known to have all that was asked for.
func (f *sheet[T, W]) isFull() bool {
	select {
	case <-f.ready:
		return f.err == nil && len(f.chunk) == f.ask
	default:
		return false
	}
}

func (f *sheet[T, W]) close() {
	if f != nil && f.page != nil {
		_ = f.body.Close()
	}
}

// joins reports whether a page continues the one before it, and takes the entry
// that both have off it.
func (s *spread[T, W]) joins(p *page[T, W]) bool {
	before, names := s.before, s.names(p.chunk)
	if len(before) > 0 && len(names) > 0 && names[0] == before[len(before)-1] {
		p.chunk, p.skipped = p.chunk[1:], 1
	} else if len(before) > 0 && !s.loose {
		return false
	}
	s.before = names
	return true
}

func (s *spread[T, W]) names(chunk []*T) []string {
	names := make([]string, len(chunk))
	for i, entry := range chunk {
		names[i] = Fold(s.named(entry))
	}
	return names
}

// catchUp reads again from the middle of the page before, and yields what was not
// on it, for a stretch to go on from there. Where nothing of that page is met again
// the server has no order to go by, and pages are taken as they come from then on.
func (s *spread[T, W]) catchUp(ctx context.Context, yield func(*T, error) bool) (again bool) {
	start := max(s.paging.start, s.start(s.next-1)-s.size/2)
	ask := s.size
	if s.paging.max > 0 {
		ask = min(ask, s.paging.start+s.paging.max-start)
	}
	p, err := s.open(ctx, s.call, start, ask)
	if err != nil {
		yield(nil, err)
		return false
	}
	known := map[string]bool{}
	for _, name := range s.before {
		known[name] = true
	}
	names, fresh := s.names(p.chunk), []*T(nil)
	for i, entry := range p.chunk {
		if !known[names[i]] {
			fresh = append(fresh, entry)
		}
	}
	s.loose = len(fresh) == len(p.chunk)
	p.skipped, p.chunk = len(p.chunk)-len(fresh), fresh
	s.before, s.base = names, start+len(names)-1
	got, more := s.deal(ctx, p, yield)
	return more && got == ask && (s.paging.max == 0 || s.wanted(0) > 1)
}
