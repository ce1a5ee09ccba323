package crowd_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

const (
	testBase     = "http://crowd.test/crowd"
	testPassword = crowd.Secret("application password")
	typeJSON     = "application/json"
	typeXML      = "application/xml"
	typeHTML     = "text/html;charset=utf-8"
)

// An answer is what a canned server says.
type answer struct {
	status int
	media  string
	body   string
	header map[string]string
	err    error // of the transport, instead of an answer
}

// A sent is a request as a canned server got it.
type sent struct {
	method, path, query string
	header              http.Header
	body                string
}

// A script answers requests one after the other, the last answer for ever.
type script struct {
	answers []answer

	mu   sync.Mutex
	sent []sent // guarded by mu
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	got := sent{method: r.Method, path: r.URL.EscapedPath(), query: r.URL.RawQuery, header: r.Header.Clone()}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		got.body = string(body)
	}
	s.mu.Lock()
	a := s.answers[min(len(s.sent), len(s.answers)-1)]
	s.sent = append(s.sent, got)
	s.mu.Unlock()
	if a.err != nil {
		return nil, a.err
	}
	return a.response(r), nil
}

// streaming answers every request with a body that is read as it comes.
type streaming struct {
	status int
	media  string
	body   io.Reader
}

func (s streaming) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: s.status, Header: http.Header{"Content-Type": {s.media}},
		Body: io.NopCloser(s.body), ContentLength: -1, Request: r,
	}, nil
}

func (a answer) response(r *http.Request) *http.Response {
	h := http.Header{}
	if a.media != "" {
		h.Set("Content-Type", a.media)
	}
	for name, value := range a.header {
		h.Set(name, value)
	}
	return &http.Response{
		StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: -1, Request: r,
	}
}

func (s *script) requests() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]sent(nil), s.sent...)
}

// methods returns the methods of all requests, in a line.
func (s *script) methods() string {
	var list []string
	for _, r := range s.requests() {
		list = append(list, r.method)
	}
	return strings.Join(list, " ")
}

// scripted returns a client that hears the answers, and what it sent.
func scripted(t testing.TB, answers ...answer) (*crowd.Client, *script) {
	t.Helper()
	s := &script{answers: answers}
	return clientOf(t, s, crowd.Config{}), s
}

// clientOf returns a client over a transport. The credentials are those of a
// crowdtest server if it is one.
func clientOf(t testing.TB, transport http.RoundTripper, cfg crowd.Config) *crowd.Client {
	t.Helper()
	cfg.BaseURL, cfg.Application, cfg.Password = testBase, "scim", testPassword
	if _, ok := transport.(*crowdtest.Server); ok {
		cfg.Application, cfg.Password = crowdtest.DefaultApplication, crowdtest.DefaultPassword
	}
	cfg.HTTPClient = &http.Client{Transport: transport}
	c, err := crowd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fixture returns a file of testdata/fixtures.
func fixture(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "fixtures", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(data))
}

// mediaOf is the media type of a fixture, by its name.
func mediaOf(name string) string {
	switch filepath.Ext(name) {
	case ".xml":
		return typeXML
	case ".html":
		return typeHTML
	case ".txt":
		return "text/plain"
	}
	return typeJSON
}
