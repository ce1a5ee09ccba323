package bridge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Handler returns what is served at Config.Listen: the connections, and without an
// AdminListen the administrator's endpoints.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	if s.cfg.AdminListen == "" {
		s.mountAdmin(mux)
	}
	mux.HandleFunc("/", s.connection)
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		mux.ServeHTTP(w, forwarded(r, s.cfg.TrustedProxies))
	})
	if s.cfg.Middleware != nil {
		h = s.cfg.Middleware(h)
	}
	return h
}

// route finds the connection of a path.
func (s *Server) route(path string) *site {
	for _, r := range s.now.Load().sites {
		if path == r.Path || strings.HasPrefix(path, strings.TrimRight(r.Path, "/")+"/") {
			return r
		}
	}
	return nil
}

// connection serves a request of an identity provider, and records it.
func (s *Server) connection(w http.ResponseWriter, r *http.Request) {
	c := s.route(r.URL.Path)
	if c == nil {
		http.Error(w, "no connection is served at this path", http.StatusNotFound)
		return
	}
	x := &exchange{ResponseWriter: w, connection: c.Name, operation: operation(r.Method, strings.TrimPrefix(r.URL.Path, c.Path)), begun: time.Now()}
	x.Header().Set("X-Request-Id", rand.Text()) // unless the handler takes the client's
	s.metrics.inFlight.WithLabelValues(c.Name).Inc()
	defer func() {
		s.metrics.inFlight.WithLabelValues(c.Name).Dec()
		s.record(x, r)
	}()
	if !c.Paused {
		if err := s.admit(r.Context(), c); err != nil {
			s.notYet(x, c, err)
			return
		}
	}
	c.Handler.ServeHTTP(x, r.WithContext(withExchange(r.Context(), x)))
}

// notYet refuses a request of a connection that must not serve, or not yet.
func (s *Server) notYet(w http.ResponseWriter, c *site, err error) {
	detail := "Crowd does not answer; send the request again later"
	if stranger(err) {
		s.logger.Error("the connection does not serve", "connection", c.Name, "error", err)
		detail = "the server's configuration lacks a connection whose records are in the directory; its administrator has to see to it"
	}
	w.Header().Set("Retry-After", "10")
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": "503", "detail": detail,
	})
}

// An exchange is one request under way and its answer.
type exchange struct {
	http.ResponseWriter
	connection, operation string
	begun                 time.Time
	status                int
	bytes                 int64
	steps                 stepCount // applied for its sake
}

// WriteHeader implements [http.ResponseWriter].
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= 200 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] find what is wrapped.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// record counts a request and logs it: neither header nor body, query or token.
func (s *Server) record(x *exchange, r *http.Request) {
	took := time.Since(x.begun)
	status := "aborted"
	if x.status != 0 {
		status = strconv.Itoa(x.status)
	}
	s.metrics.requests.WithLabelValues(x.connection, x.operation, status).Inc()
	s.metrics.requestTime.WithLabelValues(x.connection, x.operation).Observe(took.Seconds())
	if n := x.steps.Load(); n > 0 {
		s.metrics.planSteps.WithLabelValues(x.connection, "request").Observe(float64(n))
	}
	s.logger.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("request", x.Header().Get("X-Request-Id")), slog.String("connection", x.connection),
		slog.String("operation", x.operation), slog.String("client", r.RemoteAddr),
		slog.Int("status", x.status), slog.Int64("bytes", x.bytes), slog.Int64("steps", x.steps.Load()), slog.Duration("took", took))
}

// operation names what a request does, in few words: those of a label must not grow
// with what clients send.
func operation(method, path string) string {
	first, rest, deeper := strings.Cut(strings.Trim(path, "/"), "/")
	switch first {
	case "Users", "Groups":
		if rest == ".search" {
			return strings.ToLower(first) + ".search"
		}
		return strings.ToLower(first) + "." + verb(method, deeper)
	case "Me":
		return "me." + verb(method, true)
	case "Bulk":
		return "bulk"
	case ".search":
		return "search"
	case "ServiceProviderConfig", "Schemas", "ResourceTypes":
		return "discovery"
	}
	return "other"
}

func verb(method string, one bool) string {
	switch method {
	case http.MethodGet, http.MethodHead:
		if one {
			return "read"
		}
		return "list"
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "replace"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	return "other"
}

type contextKey int

const (
	connectionKey contextKey = iota
	exchangeKey
)

// withConnection notes for whose sake Crowd is called.
func withConnection(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, connectionKey, name)
}

func connectionOf(ctx context.Context) string {
	name, _ := ctx.Value(connectionKey).(string)
	return name
}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(withConnection(ctx, x.connection), exchangeKey, x)
}
