package crowdtest

import (
	"net/http"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// Client returns a client of the server, as its [Server.Application]. Where
// [NewServer] has not started the server, it calls without a network.
func (s *Server) Client(tb testing.TB) *crowd.Client {
	tb.Helper()
	s.init()
	cfg := crowd.Config{BaseURL: s.URL, Application: s.Application, Password: s.Password}
	if s.URL == "" {
		cfg.BaseURL, cfg.HTTPClient = withoutNetwork(s)
	}
	c, err := crowd.New(cfg)
	if err != nil {
		tb.Fatalf("crowdtest: %v", err)
	}
	return c
}

// withoutNetwork returns an address, and the client that reaches the server
// there.
func withoutNetwork(s *Server) (string, *http.Client) {
	return "http://crowd.test/crowd", &http.Client{Transport: s}
}
