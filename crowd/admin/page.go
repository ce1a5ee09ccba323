package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// pageSize is how many entries of a list are asked for at a time. Servers may
// give fewer, and say which page is the last.
const pageSize = 500

// pageWire is a page of a list; a server that does not say whether it is the
// last is asked until a page is empty. One that gives the same page again does not
// go by the start, so that its list has no end: that is an error.
type pageWire[W any] struct {
	Values     []W   `json:"values"`
	IsLastPage *bool `json:"isLastPage"`
}

// A wire is what the entries of a list are read into: it refuses what is no such
// entry, and makes an entity of the rest.
type wire[W, T any] interface {
	*W
	check() error
	entity() *T
}

// pages asks for the pages of a list one after the other and yields their
// entries as entities.
func pages[W, T any, P wire[W, T]](ctx context.Context, call rest.Caller, r rest.Request) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		var first *W // of the former page
		for start := 0; ; {
			page, err := onePage(ctx, call, r, start, first, func(w *W) error { return P(w).check() })
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Values {
				if !yield(P(&page.Values[i]).entity(), nil) {
					return
				}
			}
			if len(page.Values) == 0 || page.IsLastPage != nil && *page.IsLastPage {
				return
			}
			first = &page.Values[0]
			start += len(page.Values)
		}
	}
}

// onePage asks for the page from start on. Former is the first entry of the page
// before it, nil if there is none.
func onePage[W any](ctx context.Context, call rest.Caller, r rest.Request, start int, former *W, check func(*W) error) (*pageWire[W], error) {
	page := new(pageWire[W])
	r.Params = maps.Clone(r.Params)
	if r.Params == nil {
		r.Params = url.Values{}
	}
	r.Params.Set("start", strconv.Itoa(start))
	r.Params.Set("limit", strconv.Itoa(pageSize))
	r.Into = page
	r.Check = func() error {
		if page.Values == nil {
			return errors.New("it has no list of values")
		}
		if former != nil && len(page.Values) > 0 && reflect.DeepEqual(*former, page.Values[0]) {
			return fmt.Errorf("the page from %d on begins like the one before it: the server does not go by the start", start)
		}
		for i := range page.Values {
			if err := check(&page.Values[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := call(ctx, r); err != nil {
		return nil, err
	}
	return page, nil
}

// onlyNamed returns the one entry of a list that has a name, in any letter case.
func onlyNamed[T any](list iter.Seq2[*T, error], op, name string, of func(*T) string) (*T, error) {
	var found *T
	for entry, err := range list {
		switch {
		case err != nil:
			return nil, err
		case crowd.Fold(of(entry)) != crowd.Fold(name):
		case found != nil:
			return nil, &crowd.Error{Op: op, Name: name, Err: errors.New("there are several of that name")}
		default:
			found = entry
		}
	}
	if found == nil {
		return nil, &crowd.Error{Op: op, Name: name, Status: http.StatusNotFound}
	}
	return found, nil
}
