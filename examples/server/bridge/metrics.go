package bridge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// The metrics of a server. Labels have few values each: none is a name, an address
// or anything else that a client sends.
type metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	requestTime *prometheus.HistogramVec
	inFlight    *prometheus.GaugeVec
	crowdCalls  *prometheus.CounterVec
	crowdTime   *prometheus.HistogramVec
	retries     *prometheus.CounterVec
	planSteps   *prometheus.HistogramVec
	events      *prometheus.CounterVec
	refusals    *prometheus.CounterVec
	drift       *prometheus.GaugeVec
	reconciles  *prometheus.CounterVec
	reconciled  *prometheus.GaugeVec
	findings    *prometheus.CounterVec
	reloads     *prometheus.CounterVec
	reloadedAt  prometheus.Gauge
}

func newMetrics(registry *prometheus.Registry) *metrics {
	if registry == nil {
		registry = prometheus.NewRegistry()
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	m := &metrics{registry: registry}
	m.requests = m.counter("requests_total", "SCIM requests.", "connection", "operation", "status")
	m.requestTime = m.histogram("request_duration_seconds", "Time from a SCIM request to the end of its answer.", prometheus.DefBuckets, "connection", "operation")
	m.inFlight = m.gauge("requests_in_flight", "SCIM requests under way.", "connection")
	m.crowdCalls = m.counter("crowd_calls_total", "HTTP requests to Crowd, repetitions included; the status is \"error\" where no answer came.", "connection", "method", "resource", "status")
	m.crowdTime = m.histogram("crowd_call_duration_seconds", "Time from an HTTP request to Crowd to the beginning of its answer.", prometheus.DefBuckets, "connection", "resource")
	m.retries = m.counter("crowd_retries_total", "Calls to Crowd that were repeated after a fault.", "connection")
	m.planSteps = m.histogram("plan_steps", "Steps of the plans of requests that changed anything, and of reconciles.", prometheus.ExponentialBuckets(1, 4, 8), "connection", "kind")
	m.events = m.counter("events_total", "What the engine did, and what an administrator should know.", "connection", "kind", "op")
	m.refusals = m.counter("guard_refusals_total", "Plans that the guard refused, since they would take away too much.", "connection")
	m.drift = m.gauge("drift_steps", "Steps that the last reconcile found to be needed.", "connection")
	m.reconciles = m.counter("reconciles_total", "Reconciles by outcome: ok, failed or refused.", "connection", "outcome")
	m.reconciled = m.gauge("last_reconcile_timestamp_seconds", "When the last reconcile ended in which nothing failed.", "connection")
	m.findings = m.counter("findings_total", "Settings found not to fit the requests that come.", "connection", "code")
	m.reloads = m.counter("config_reloads_total", "Readings of the configuration by outcome: ok or refused.", "outcome")
	m.reloadedAt = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "scimcrowd_config_last_reload_successful", Help: "Whether the configuration was right when it was last read.",
	})
	registry.MustRegister(m.reloadedAt)
	return m
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "scimcrowd_" + name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *metrics) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "scimcrowd_" + name, Help: help}, labels)
	m.registry.MustRegister(g)
	return g
}

func (m *metrics) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "scimcrowd_" + name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

// A stepCount counts the steps of one request.
type stepCount = atomic.Int64

// event counts what the engine tells.
func (m *metrics) event(ctx context.Context, e groupsync.Event) {
	m.events.WithLabelValues(e.Connection, string(e.Kind), string(e.Step.Op)).Inc()
	switch e.Kind {
	case groupsync.EventApplied:
		if x, ok := ctx.Value(exchangeKey).(*exchange); ok {
			x.steps.Add(1)
		}
	case groupsync.EventRefused:
		m.refusals.WithLabelValues(e.Connection).Inc()
	}
}

func (m *metrics) finding(ctx context.Context, f scim.Finding) {
	m.findings.WithLabelValues(connectionOf(ctx), f.Code).Inc()
}

func (m *metrics) reloaded(err error) {
	outcome := "ok"
	m.reloadedAt.Set(1)
	if err != nil {
		outcome = "refused"
		m.reloadedAt.Set(0)
	}
	m.reloads.WithLabelValues(outcome).Inc()
}

// reconcile records the end of one.
func (m *metrics) reconcile(connection string, result groupsync.Result, err error) {
	outcome := "ok"
	switch _, refused := errors.AsType[*groupsync.GuardError](err); {
	case refused:
		outcome = "refused"
	case err != nil:
		outcome = "failed"
	default:
		m.reconciled.WithLabelValues(connection).SetToCurrentTime()
	}
	m.reconciles.WithLabelValues(connection, outcome).Inc()
	if result.Plan != nil {
		m.planSteps.WithLabelValues(connection, "reconcile").Observe(float64(len(result.Plan.Steps)))
		m.drift.WithLabelValues(connection).Set(float64(len(result.Plan.Steps)))
	}
}

// meter counts the requests that are sent to Crowd.
func (m *metrics) meter(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		begun := time.Now()
		answer, err := next.RoundTrip(r)
		connection, resource, status := connectionOf(r.Context()), crowdResource(r.URL.Path), "error"
		if err == nil {
			status = strconv.Itoa(answer.StatusCode)
		}
		m.crowdCalls.WithLabelValues(connection, r.Method, resource, status).Inc()
		m.crowdTime.WithLabelValues(connection, resource).Observe(time.Since(begun).Seconds())
		return answer, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// crowdResource names a resource of Crowd without what is particular: what follows
// session and event is a token.
func crowdResource(path string) string {
	_, resource, found := strings.Cut(path, "/rest/usermanagement/1/")
	if !found {
		return "other"
	}
	first, _, _ := strings.Cut(resource, "/")
	switch first {
	case "user", "group", "config":
		return resource
	case "session", "event", "search", "authentication":
		return first
	}
	return "other"
}

// retryMessage is what the client of Crowd logs when it repeats a call.
const retryMessage = "crowd call is repeated"

// A retryCounter is a [slog.Handler] that counts the repetitions it is told of.
type retryCounter struct {
	slog.Handler
	metrics    *metrics
	connection string
}

func countRetries(h slog.Handler, m *metrics) slog.Handler { return &retryCounter{h, m, ""} }

// Enabled implements [slog.Handler]: repetitions are heard whatever is logged.
func (c *retryCounter) Enabled(ctx context.Context, level slog.Level) bool {
	return level == slog.LevelWarn || c.Handler.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (c *retryCounter) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == retryMessage {
		c.metrics.retries.WithLabelValues(c.connection).Inc()
	}
	if !c.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (c *retryCounter) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := &retryCounter{c.Handler.WithAttrs(attrs), c.metrics, c.connection}
	for _, a := range attrs {
		if a.Key == "connection" {
			with.connection = a.Value.String()
		}
	}
	return with
}

// WithGroup implements [slog.Handler].
func (c *retryCounter) WithGroup(name string) slog.Handler {
	return &retryCounter{c.Handler.WithGroup(name), c.metrics, c.connection}
}

// A documentCollector tells of what stands in the document in use, when it is asked.
type documentCollector struct {
	now            *atomic.Pointer[document]
	expiry, paused *prometheus.Desc
}

func (m *metrics) watchDocument(now *atomic.Pointer[document]) {
	m.registry.MustRegister(&documentCollector{
		now: now,
		expiry: prometheus.NewDesc("scimcrowd_token_expiry_timestamp_seconds",
			"Until when a token is accepted; +Inf where it has no end.", []string{"connection", "token"}, nil),
		paused: prometheus.NewDesc("scimcrowd_paused", "Whether a connection is paused.", []string{"connection"}, nil),
	})
}

// Describe implements [prometheus.Collector].
func (c *documentCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.expiry
	to <- c.paused
}

// Collect implements [prometheus.Collector].
func (c *documentCollector) Collect(to chan<- prometheus.Metric) {
	for _, connection := range c.now.Load().config.Connections {
		paused := 0.0
		if connection.Paused {
			paused = 1
		}
		to <- prometheus.MustNewConstMetric(c.paused, prometheus.GaugeValue, paused, connection.Name)
		for _, t := range connection.Tokens {
			to <- prometheus.MustNewConstMetric(c.expiry, prometheus.GaugeValue, expiry(t), connection.Name, t.ID)
		}
	}
}
