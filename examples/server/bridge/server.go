package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// Config says what a [Server] serves, and where.
type Config struct {
	// File is the path of the configuration document. Required.
	File string
	// Listen is the address to listen on, such as ":8080"; port 0 takes a free one.
	// Required.
	Listen string
	// AdminListen is the address of /healthz, /readyz and /metrics, and of /findings,
	// see [Finding]. Default: all but the last are at Listen.
	AdminListen string
	// BaseURL is where identity providers reach the server, such as
	// "https://bridge.example.com". Default: the address it listens on.
	BaseURL string
	// Certificate and Key are the paths of PEM files. Without them the server speaks
	// plain HTTP, for a proxy that encrypts.
	Certificate, Key string
	// TrustedProxies are the addresses of proxies whose X-Forwarded-For header tells
	// the client's address. Nobody else's is read.
	TrustedProxies []netip.Prefix
	// Reconcile is how often Crowd is compared with what was said and mended, at the
	// start too. Zero: never.
	Reconcile time.Duration
	// Drain is how long the server goes on serving after it was told to end, with
	// /readyz answering 503, so that a load balancer stops sending first.
	Drain time.Duration
	// Grace is how long requests under way may take after that. Default one minute,
	// longer than any request may last.
	Grace time.Duration
	// ReadTimeout is how long a request may take to come that no connection reads,
	// such as one to an unknown path; connections have limits of their own. Default
	// one minute.
	ReadTimeout time.Duration

	// Resolve and Opener fetch passwords; see [backup.BuildOptions].
	Resolve backup.Resolver
	Opener  backup.Opener
	// Observer is told every event, as by groupsync.Config. Nil means nobody.
	Observer func(context.Context, groupsync.Event)
	// Transport wraps the way to Crowd; the context of a call is that of the request
	// it is made for. Nil means nothing more.
	Transport func(http.RoundTripper) http.RoundTripper
	// Middleware wraps all that is served at Listen. Nil means nothing more.
	Middleware func(http.Handler) http.Handler
	// Registry takes the metrics. Default: one of the server's own, with those of Go
	// and of the process.
	Registry *prometheus.Registry
	// Logger hears of everything. Nil discards.
	Logger *slog.Logger
}

// A Server serves the connections of a document.
type Server struct {
	cfg       Config
	logger    *slog.Logger
	metrics   *metrics
	listeners []net.Listener // the admin listener second, where there is one
	base      string
	crowd     *http.Transport
	certs     *certificate     // nil without TLS
	client    *http.Client     // over crowd
	locks     *groupsync.Locks // of each document in turn
	now       atomic.Pointer[document]
	reloading sync.Mutex    // held while a document is read and put into use
	changed   chan struct{} // told when another document is in use
	pass      pass
	draining  atomic.Bool
}

// New reads the document, builds its connections and begins to listen. An error of
// type mapping.Faults tells what is wrong with the document. Crowd need not be there
// yet: until it is, requests are answered 503.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Grace <= 0 {
		cfg.Grace = time.Minute
	}
	if cfg.ReadTimeout <= 0 {
		cfg.ReadTimeout = time.Minute
	}
	s := &Server{cfg: cfg, metrics: newMetrics(cfg.Registry), locks: groupsync.NewLocks(), changed: make(chan struct{}, 1)}
	s.logger = slog.New(countRetries(cfg.Logger.Handler(), s.metrics))
	if cfg.Certificate != "" || cfg.Key != "" {
		var err error
		if s.certs, err = loadCertificate(cfg.Certificate, cfg.Key); err != nil {
			return nil, err
		}
	}
	s.crowd = crowdTransport()
	s.client = &http.Client{Transport: s.metrics.meter(s.crowd)}
	if cfg.Transport != nil {
		s.client.Transport = cfg.Transport(s.client.Transport)
	}
	if err := s.listen(ctx); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		s.closeListeners()
		return nil, err
	}
	return s, nil
}

// crowdTransport is the way to Crowd for all connections. It keeps as many idle
// connections as the default of their requests in flight, for two of them.
func crowdTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	t.IdleConnTimeout = 15 * time.Second
	return t
}

func (s *Server) listen(ctx context.Context) error {
	for _, at := range []struct{ address, flag string }{{s.cfg.Listen, "--listen"}, {s.cfg.AdminListen, "--admin-listen"}} {
		if at.address == "" && at.flag == "--admin-listen" {
			continue
		}
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at.address)
		if err != nil {
			s.closeListeners()
			return fmt.Errorf("%w. Choose another address with %s", err, at.flag)
		}
		s.listeners = append(s.listeners, l)
	}
	s.base = s.cfg.BaseURL
	if s.base == "" {
		scheme := "http://"
		if s.certs != nil {
			scheme = "https://"
		}
		s.base = scheme + s.Addr()
	}
	return nil
}

func (s *Server) closeListeners() {
	for _, l := range s.listeners {
		_ = l.Close()
	}
}

// Addr returns the address that clients on this machine find the server at.
func (s *Server) Addr() string { return reachable(s.listeners[0]) }

// AdminAddr returns that of /healthz, /readyz and /metrics.
func (s *Server) AdminAddr() string { return reachable(s.listeners[len(s.listeners)-1]) }

func reachable(l net.Listener) string {
	address := l.Addr().(*net.TCPAddr)
	if address.IP.IsUnspecified() {
		return net.JoinHostPort("localhost", strconv.Itoa(address.Port))
	}
	return address.String()
}

// Run serves until ctx ends. Requests under way then get their answers.
func (s *Server) Run(ctx context.Context) error {
	var background sync.WaitGroup
	stop, cancel := context.WithCancel(ctx)
	background.Go(func() { s.watch(stop) })
	if s.cfg.Reconcile > 0 {
		background.Go(func() { s.reconcileAll(stop) })
	}
	defer background.Wait()
	defer cancel()
	defer s.crowd.CloseIdleConnections()

	servers := s.servers()
	failed := make(chan error, len(servers))
	for i, server := range servers {
		go func() {
			err := s.serve(server, s.listeners[i], i == 0)
			if !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	select {
	case err := <-failed:
		_ = s.shutdown(ctx, servers)
		return err
	case <-ctx.Done():
	}
	s.drain(failed)
	return s.shutdown(ctx, servers)
}

func (s *Server) serve(server *http.Server, l net.Listener, public bool) error {
	if public && s.certs != nil {
		server.TLSConfig = s.certs.config()
		return server.ServeTLS(l, "", "")
	}
	return server.Serve(l)
}

// servers returns what serves at each listener. The handlers of package scim cut
// clients that are slow to send a body or to take an answer by themselves.
func (s *Server) servers() []*http.Server {
	handlers := []http.Handler{s.Handler()}
	if len(s.listeners) == 2 {
		handlers = append(handlers, s.adminHandler())
	}
	var all []*http.Server
	for _, h := range handlers {
		all = append(all, &http.Server{
			Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: s.cfg.ReadTimeout, IdleTimeout: 2 * time.Minute,
			MaxHeaderBytes: 1 << 20, ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
		})
	}
	return all
}

// drain goes on serving for a while, and asks clients to leave.
func (s *Server) drain(failed <-chan error) {
	s.draining.Store(true)
	s.logger.Info("ending", "drain", s.cfg.Drain)
	select {
	case <-time.After(s.cfg.Drain):
	case <-failed:
	}
}

// shutdown lets requests under way end. The administrator's endpoints go last.
func (s *Server) shutdown(ctx context.Context, servers []*http.Server) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Grace)
	defer cancel()
	var errs []error
	for _, server := range servers {
		if err := server.Shutdown(ending); err != nil {
			errs = append(errs, fmt.Errorf("requests were cut off after %s: %w", s.cfg.Grace, err), server.Close())
		}
	}
	return errors.Join(errs...)
}
