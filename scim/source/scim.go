package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A Paging is how a SCIM server's lists are gone through.
type Paging string

// The ways of paging.
const (
	// AnyPaging asks ServiceProviderConfig, and uses cursors where the server has
	// them: they do not slip when somebody comes or goes meanwhile.
	AnyPaging Paging = ""
	// IndexPaging uses startIndex and count (RFC 7644 section 3.4.2.4).
	IndexPaging Paging = "index"
	// CursorPaging uses cursor and count (RFC 9865).
	CursorPaging Paging = "cursor"
)

// SCIMConfig says what a [SCIM] source reads.
type SCIMConfig struct {
	// URL is the base URL of the server, such as "https://idp.example.com/scim/v2". The
	// token goes there, so let it begin with https. Required.
	URL string
	// Token is the bearer token. Required, unless AccessToken is given.
	Token crowd.Secret
	// AccessToken returns a token for each request, so it should cache.
	AccessToken func(context.Context) (crowd.Secret, error)

	// Filter chooses users by a SCIM filter, such as `active eq true`. Default: all.
	Filter string
	// GroupFilter chooses groups. Default: all.
	GroupFilter string
	// NoGroups reads users only.
	NoGroups bool

	// Paging says how lists are gone through. Default [AnyPaging].
	Paging Paging
	// PageSize is how many resources are asked for at once; the server may give
	// fewer. Default 100.
	PageSize int
	// HTTPClient carries proxy, certificates and transport. Default: a client of its
	// own. Redirects are not followed.
	HTTPClient *http.Client
	// Logger gets a line per request at level debug. Nil discards.
	Logger *slog.Logger
}

// SCIM is a [Source] that reads any SCIM 2.0 server (RFC 7644 section 3.4.2). It is
// safe for concurrent use.
//
// The totals that the server gives are held against what comes: a list that ends
// before its total, whose total changes on the way, or that has a resource twice,
// since somebody came or went while it was read, ends with [ErrIncomplete].
//
// A group that comes without members does not tell who is in it, and its members are
// left alone; one with an empty list has none. RFC 7643 lets a server leave out what
// is empty: from one that does, an import does not learn that a group was emptied.
type SCIM struct {
	cfg  SCIMConfig
	call *caller
}

// NewSCIM returns a source, or an error that says what is wrong with cfg. It calls
// nothing.
func NewSCIM(cfg SCIMConfig) (*SCIM, error) {
	c, err := newCaller("scim", cfg.URL, cfg.HTTPClient, cfg.Logger)
	if err != nil {
		return nil, err
	}
	if (cfg.Token == "") == (cfg.AccessToken == nil) {
		return nil, errors.New("source: scim: one of SCIMConfig.Token and AccessToken is required")
	}
	if cfg.Paging != AnyPaging && cfg.Paging != IndexPaging && cfg.Paging != CursorPaging {
		return nil, fmt.Errorf(`source: scim: SCIMConfig.Paging is "index", "cursor" or empty, not %q`, cfg.Paging)
	}
	if cfg.PageSize == 0 {
		cfg.PageSize = 100
	}
	if cfg.PageSize < 0 {
		return nil, errors.New("source: scim: SCIMConfig.PageSize is negative")
	}
	c.accept, c.explain = "application/scim+json, application/json", scimError
	c.authorize = func(ctx context.Context) (string, error) {
		token := cfg.Token
		if cfg.AccessToken != nil {
			var err error
			if token, err = cfg.AccessToken(ctx); err != nil {
				return "", err
			}
		}
		return "Bearer " + token.Reveal(), nil
	}
	return &SCIM{cfg, c}, nil
}

// Records implements [Source].
func (s *SCIM) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		cursor, err := s.cursors(ctx)
		if err != nil {
			yield(Record{}, err)
			return
		}
		for doc, err := range s.list(ctx, "Users", s.cfg.Filter, cursor) {
			var record Record
			if err == nil {
				record, err = scimUser(doc)
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
		if s.cfg.NoGroups {
			return
		}
		for doc, err := range s.list(ctx, "Groups", s.cfg.GroupFilter, cursor) {
			var record Record
			if err == nil {
				record, err = scimGroup(doc)
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// cursors reports whether lists are gone through by cursors (RFC 9865 section 3).
func (s *SCIM) cursors(ctx context.Context) (bool, error) {
	if s.cfg.Paging != AnyPaging {
		return s.cfg.Paging == CursorPaging, nil
	}
	p, err := s.call.get(ctx, "read ServiceProviderConfig", s.call.at("/ServiceProviderConfig", nil))
	if e, ok := errors.AsType[*Error](err); ok && (e.Status == http.StatusNotFound || e.Status == http.StatusNotImplemented) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var config struct{ Pagination struct{ Cursor bool } }
	if err := json.Unmarshal(p.body, &config); err != nil {
		return false, nil // it offers nothing then
	}
	return config.Pagination.Cursor, nil
}

func scimUser(doc map[string]any) (Record, error) {
	id := text(doc, "id")
	if id == "" {
		return Record{}, incomplete("scim", "list Users", "a user has no id")
	}
	return Record{ID: id, User: withID(doc, id)}, nil
}

func scimGroup(doc map[string]any) (Record, error) {
	id := text(doc, "id")
	if id == "" {
		return Record{}, incomplete("scim", "list Groups", "a group has no id")
	}
	g, err := groupOf(doc)
	if err != nil {
		return Record{}, incomplete("scim", "list Groups", "the group %q: %v", id, err)
	}
	return Record{ID: id, Group: g}, nil
}

// A walk is a list that is gone through page by page.
type walk struct {
	op     string
	cursor bool
	total  int // as the first page said, -1 where it said nothing
	got    int
	seed   maphash.Seed
	seen   map[uint64]bool // hashes of the ids so far
	pages  *trail          // of cursors
}

// list yields the resources of an endpoint.
func (s *SCIM) list(ctx context.Context, endpoint, filter string, cursor bool) iter.Seq2[map[string]any, error] {
	return func(yield func(map[string]any, error) bool) {
		w := &walk{op: "list " + endpoint, cursor: cursor, total: -1, seed: maphash.MakeSeed(), seen: map[uint64]bool{}, pages: newTrail()}
		query := url.Values{"count": {strconv.Itoa(s.cfg.PageSize)}}
		if filter != "" {
			query.Set("filter", filter)
		}
		w.begin(query)
		for {
			p, err := s.call.get(ctx, w.op, s.call.at("/"+endpoint, query))
			var list scimList
			if err == nil {
				list, err = readList(p.body)
			}
			if err == nil {
				err = w.check(list)
			}
			if err != nil {
				yield(nil, w.fault(err))
				return
			}
			for _, doc := range list.resources {
				if !yield(doc, nil) {
					return
				}
			}
			more, err := w.advance(query, list)
			if err != nil {
				yield(nil, w.fault(err))
				return
			}
			if !more {
				return
			}
		}
	}
}

func (w *walk) fault(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Source: "scim", Op: w.op, Err: err}
}

// begin asks for the first page.
func (w *walk) begin(query url.Values) {
	if w.cursor {
		query.Set("cursor", "")
	} else {
		query.Set("startIndex", "1")
	}
}

// check holds a page against those before it.
func (w *walk) check(l scimList) error {
	switch {
	case w.total < 0 && w.got == 0:
		w.total = l.total
	case l.total != w.total:
		return fmt.Errorf("%w: the total changed from %d to %d on the way", ErrIncomplete, w.total, l.total)
	}
	for _, doc := range l.resources {
		id := text(doc, "id")
		h := maphash.String(w.seed, id)
		if w.seen[h] {
			return fmt.Errorf("%w: the resource %q came twice; somebody came or went while the list was read", ErrIncomplete, id)
		}
		w.seen[h] = true
	}
	if w.got += len(l.resources); w.total >= 0 && w.got > w.total {
		return fmt.Errorf("%w: %d resources came, and the total is %d", ErrIncomplete, w.got, w.total)
	}
	return nil
}

// advance asks for the next page, if there is one.
func (w *walk) advance(query url.Values, l scimList) (more bool, err error) {
	if w.cursor && l.next != "" {
		if err := w.pages.step(l.next, len(l.resources)); err != nil {
			return false, err
		}
		query.Set("cursor", l.next)
		return true, nil
	}
	short := w.total - w.got
	switch {
	case w.total < 0 && !w.cursor:
		return false, fmt.Errorf("%w: the server gives no totalResults, so that nobody knows where the list ends", ErrIncomplete)
	case w.total < 0 || short == 0:
		return false, nil
	case w.cursor || len(l.resources) == 0:
		return false, fmt.Errorf("%w: %d of %d resources came", ErrIncomplete, w.got, w.total)
	}
	query.Set("startIndex", strconv.Itoa(w.got+1))
	return true, nil
}
