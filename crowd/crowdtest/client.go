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
		cfg.BaseURL = "http://crowd.test/crowd"
		cfg.HTTPClient = &http.Client{Transport: s}
	}
	c, err := crowd.New(cfg)
	if err != nil {
		tb.Fatalf("crowdtest: %v", err)
	}
	return c
}
