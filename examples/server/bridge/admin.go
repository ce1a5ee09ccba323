package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/scimcrowd/scimcrowd/scim"
)

// adminHandler serves those who run the server.
func (s *Server) adminHandler() http.Handler {
	mux := http.NewServeMux()
	s.mountAdmin(mux)
	mux.HandleFunc("GET /findings", s.findings)
	return mux
}

// A Finding is what a server found out about the settings of a connection from the
// requests that came, as GET /findings at Config.AdminListen lists it.
type Finding struct {
	Connection string `json:"connection"`
	scim.Finding
}

func (s *Server) findings(w http.ResponseWriter, _ *http.Request) {
	all := []Finding{}
	for _, at := range s.now.Load().sites {
		for _, f := range at.SCIM.Findings() {
			all = append(all, Finding{at.Name, f})
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all)
}

func (s *Server) mountAdmin(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	var ready readiness
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if problem := ready.look(s); problem != "" {
			http.Error(w, problem, http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
}

// A readiness remembers for a moment whether Crowd answers, so that however many ask
// it is asked once.
type readiness struct {
	mu      sync.Mutex // guards what follows, and is held while Crowd is asked
	at      time.Time
	problem string
}

const (
	readyFresh = 2 * time.Second
	readyTime  = 5 * time.Second
)

func (c *readiness) look(s *Server) string {
	if s.draining.Load() {
		return "the server is ending"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) < readyFresh {
		return c.problem
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	c.problem = ""
	for _, r := range s.now.Load().sites {
		if err := s.reach(ctx, r); err != nil {
			s.logger.Warn("not ready", "connection", r.Name, "error", err)
			c.problem = fmt.Sprintf("connection %s: Crowd does not answer as it should; the log says more", r.Name)
			break
		}
	}
	c.at = time.Now()
	return c.problem
}

// reach asks the Crowd of a connection for a sign of life, unless it is paused.
func (s *Server) reach(ctx context.Context, r *site) error {
	if r.Paused {
		return nil
	}
	if err := s.admit(ctx, r); err != nil && stranger(err) {
		return err
	}
	_, err := r.Client.CookieConfig(withConnection(ctx, r.Name))
	return err
}

func expiry(t scim.Token) float64 {
	if t.NotAfter.IsZero() {
		return math.Inf(1)
	}
	return float64(t.NotAfter.Unix())
}
