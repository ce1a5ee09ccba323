package scim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// Config says what a [Handler] serves.
type Config struct {
	// Engine makes the changes in Crowd. Required.
	Engine *groupsync.Engine
	// Attributes maps users; it must be the map the engine has. Nil means the
	// defaults of package mapping.
	Attributes *mapping.AttributeMap
	// Users steers what requests may do to users. Its zero value is the default.
	Users Users
	// Provider is the identity provider on the other side. Default [Generic].
	Provider Provider
	// Auth says who may send requests; see [Tokens]. Required.
	Auth Authenticator
	// BaseURL is where clients reach the handler, for example
	// "https://bridge.example.com/scim/v2". Locations of resources begin with
	// it. Required.
	BaseURL string
	// Extensions declares schema extensions of User beyond the enterprise one.
	Extensions []Extension
	// Limits bounds requests. Its zero value is the default.
	Limits Limits
	// Observer is told each [Finding] once; it must be quick and safe for
	// concurrent use. Nil means nobody.
	Observer func(context.Context, Finding)
	// Logger gets a line per request at level debug, and failures of the server
	// and findings at level warn. Nil discards.
	Logger *slog.Logger
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// A Handler is a SCIM service provider: an [http.Handler] for the whole
// protocol. It takes the path of a request to be what follows the base URL, so
// mount it with [http.StripPrefix]. It is safe for concurrent use and keeps no
// state but counters and what [Handler.Findings] tells.
//
// The server around it should set ReadHeaderTimeout; the handler itself cuts
// clients that are slow to send a body or to take an answer.
type Handler struct {
	engine     *groupsync.Engine
	attributes *mapping.AttributeMap
	users      Users
	traits     traits
	auth       Authenticator
	base       string
	limits     Limits
	logger     *slog.Logger
	now        func() time.Time

	user, group *resource.Type
	whole       map[*resource.Type]*resource.Projection // what is shown unless a request asks for less
	keep        keeper
	throttle    *throttle
	census      census
	doctor      *doctor
	endpoints   map[string]endpoint
}

// New returns a handler, or an error that says what is wrong with cfg.
func New(cfg Config) (*Handler, error) {
	switch {
	case cfg.Engine == nil:
		return nil, errors.New("scim: Config.Engine is required")
	case cfg.Auth == nil:
		return nil, errors.New("scim: Config.Auth is required")
	}
	base, err := baseURL(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	if cfg.Attributes == nil {
		if cfg.Attributes, err = mapping.CompileAttributes(nil, mapping.AttributeOptions{}); err != nil {
			return nil, err
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	h := &Handler{
		engine: cfg.Engine, attributes: cfg.Attributes, auth: cfg.Auth, base: base,
		limits: cfg.Limits.withDefaults(), logger: cfg.Logger, now: cfg.Now,
		throttle: newThrottle(time.Now), doctor: newDoctor(cfg),
	}
	if err := h.settings(cfg); err != nil {
		return nil, err
	}
	h.census.take, h.census.now = cfg.Engine.Census, cfg.Now
	h.mount()
	return h, nil
}

// settings takes over the parts of cfg that have rules of their own.
func (h *Handler) settings(cfg Config) (err error) {
	if h.users, err = cfg.Users.withDefaults(); err != nil {
		return err
	}
	if h.traits, err = cfg.Provider.traits(); err != nil {
		return err
	}
	if cfg.Limits.Page <= 0 && h.traits.page > 0 {
		h.limits.Page = h.traits.page
	}
	if h.user, err = userType(cfg.Extensions); err != nil {
		return err
	}
	if h.group, err = resource.GroupType(); err != nil {
		return err
	}
	h.whole = h.projections(nil, nil)
	h.keep, err = newKeeper(h.users.Keep, h.attributes, h.user)
	return err
}

func baseURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("scim: Config.BaseURL must be an absolute http or https address without user, query and fragment, not %q", text)
	}
	return strings.TrimRight(text, "/"), nil
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := h.now()
	id := requestID(r.Header.Get("X-Request-Id"))
	ctx, cancel := context.WithTimeout(groupsync.WithRequestID(r.Context(), id), h.limits.Time)
	defer cancel()
	defer cutSlow(w, h.limits.Time)()
	w.Header().Set("X-Request-Id", id)
	x := &exchange{w: w, r: r.WithContext(ctx)}
	defer func() {
		h.log(x, id, h.now().Sub(begun))
		at, _ := h.find(r.URL.Path)
		h.doctor.see(x, at != nil)
	}()
	h.answer(x)
}

// answer serves a request. A panic ends that request only.
func (h *Handler) answer(x *exchange) {
	defer func() {
		if p := recover(); p != nil {
			h.panicked(x, p)
		}
	}()
	err := h.authenticate(x)
	if err == nil {
		err = h.dispatch(x)
	}
	if err != nil {
		f := failureOf(err)
		if x.status != 0 {
			x.failure = f
			panic(http.ErrAbortHandler) // the client must not take the half for the whole
		}
		x.fail(f)
		x.drain()
	}
}

func (h *Handler) panicked(x *exchange, p any) {
	err, _ := p.(error)
	if errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	cause := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	if x.status != 0 {
		x.failure = failureOf(cause)
		panic(http.ErrAbortHandler)
	}
	x.fail(failureOf(cause))
}

const longestRequestID = 64

// requestID returns the id a client or proxy gave the request, if it is fit to
// be repeated, else a new one.
func requestID(given string) string {
	fit := given != "" && len(given) <= longestRequestID
	for i := 0; fit && i < len(given); i++ {
		c := given[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		fit = letter || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':'
	}
	if fit {
		return given
	}
	return rand.Text()
}

// log writes the access log: no header, body, query or token is in it.
func (h *Handler) log(x *exchange, id string, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("request", id), slog.String("token", x.principal.Token),
		slog.String("method", x.r.Method), slog.String("path", x.r.URL.Path),
		slog.Int("status", x.status), slog.Int64("bytes", x.written), slog.Duration("took", took),
	}
	level := slog.LevelDebug
	if f := x.failure; f != nil {
		attrs = append(attrs, slog.String("error", resource.Brief(f.Error())))
		if f.status >= http.StatusInternalServerError {
			level = slog.LevelWarn
		}
	}
	h.logger.LogAttrs(x.context(), level, "scim request", attrs...)
}
