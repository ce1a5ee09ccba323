package source_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// told returns the records of a source in short: "user ID NAME", "group ID NAME
// [MEMBERS]".
func told(ctx context.Context, s source.Source) (all []string, err error) {
	for r, err := range s.Records(ctx) {
		if err != nil {
			return all, err
		}
		if r.Group == nil {
			all = append(all, fmt.Sprintf("user %s %v", short(r.ID), r.User["userName"]))
			continue
		}
		members, err := membersOf(r.Group)
		all = append(all, fmt.Sprintf("group %s %s %v", short(r.ID), r.Group.Name, members))
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func membersOf(g *source.Group) (all []string, err error) {
	if g.Members == nil {
		return []string{"not told"}, nil
	}
	for m, err := range g.Members {
		if err != nil {
			return all, err
		}
		name := short(m.ID)
		if m.Group {
			name = "group:" + name
		}
		all = append(all, name)
	}
	return all, nil
}

// short leaves the zeros out of an id of Okta's.
func short(id string) string {
	if len(id) == 20 {
		return id[:3] + strings.TrimLeft(id[3:], "0")
	}
	return id
}

// A transport answers requests without a network.
type transport func(*http.Request) (status int, header http.Header, body string)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	status, header, body := t(r)
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r, ContentLength: -1,
	}, nil
}

// pages answers one request after the other with the bodies.
func pages(bodies ...string) (*http.Client, *[]string) {
	asked := &[]string{}
	return &http.Client{Transport: transport(func(r *http.Request) (int, http.Header, string) {
		*asked = append(*asked, r.URL.RequestURI())
		if len(*asked) > len(bodies) {
			return http.StatusNotFound, nil, ""
		}
		return http.StatusOK, nil, bodies[len(*asked)-1]
	})}, asked
}

func must[T any](tb testing.TB) func(T, error) T {
	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

// handlerTransport asks a handler without a network.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

func secret(s string) crowd.Secret { return crowd.Secret(s) }

// post sends a request to a handler, past its authentication, and expects 201.
func post(tb testing.TB, h http.Handler, path, body string) {
	tb.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	if w.Code != http.StatusCreated {
		tb.Fatalf("POST %s: %d %s", path, w.Code, w.Body)
	}
}

func clientOver(t http.RoundTripper) *http.Client { return &http.Client{Transport: t} }
