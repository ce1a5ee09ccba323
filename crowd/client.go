package crowd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Config says how to reach Crowd.
type Config struct {
	// BaseURL is the address of Crowd with its context path, such as
	// "https://crowd.example.com/crowd". Required.
	BaseURL string
	// Application is the name of the application as which to call, and Password
	// its password. Required.
	Application string
	Password    Secret

	// HTTPClient carries certificates, proxy and transport. It is copied; the
	// copy follows no redirects, which would hand the password on, and keeps
	// cookies of its own where it has no jar; a jar of several applications would
	// mix up their sessions. A Timeout of its own would bound whole streams; leave
	// it zero. Nil means a pooled transport of the client's own.
	HTTPClient *http.Client
	// MaxInFlight bounds the requests in flight; further ones wait their turn.
	// The stream of [Client.Memberships] does not count. Default 8.
	MaxInFlight int
	// Tries is how often a call is tried where repeating it is safe. The waits
	// between tries, 100 ms and doubling, or what the server asks for, last
	// 2 s together at most. Each page of a list is a call. Default 3.
	Tries int
	// Timeout bounds the wait for the answer of one HTTP request, and then each
	// pause within it; [Client.Memberships] waits ten times as long. The context
	// bounds the call as a whole. Default 30 s.
	Timeout time.Duration
	// Logger hears of each call (Debug) and each repetition (Warn). Nil discards.
	Logger *slog.Logger
}

const (
	defaultMaxInFlight = 8
	defaultTries       = 3
	defaultTimeout     = 30 * time.Second

	// dumpPatience is how many times the timeout a dump may take to begin:
	// large servers think for minutes before its first byte.
	dumpPatience = 10
)

// A Client calls the user management API (usermanagement/1) of one Crowd as one
// application. It is immutable and safe for concurrent use.
type Client struct {
	api string // the address under which the resources lie, ends in a slash
	// credentials returns those of the application. They lie in a function because
	// package fmt, which prints all fields of a Client, looks into none.
	credentials func() (application, password string)
	http        *http.Client // limited to MaxInFlight
	dumps       *http.Client // limited to one
	tries       int
	logger      *slog.Logger
}

// New returns a Client. It checks the configuration, and calls nothing.
func New(cfg Config) (*Client, error) {
	base, err := parseBase(cfg.BaseURL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("crowd: BaseURL: %w", err)
	case cfg.Application == "":
		return nil, errors.New("crowd: Application is missing")
	case strings.Contains(cfg.Application, ":"):
		return nil, errors.New("crowd: Application holds a colon, which basic authentication cannot carry")
	case cfg.Password == "":
		return nil, errors.New("crowd: Password is missing")
	case cfg.MaxInFlight < 0 || cfg.Tries < 0 || cfg.Timeout < 0:
		return nil, errors.New("crowd: MaxInFlight, Tries and Timeout must not be negative")
	}
	cfg = cfg.withDefaults()
	c := &Client{
		api:         base + "/rest/usermanagement/1/",
		credentials: func() (string, string) { return cfg.Application, cfg.Password.Reveal() },
		tries:       cfg.Tries,
		logger:      cfg.Logger,
	}
	shared, err := cfg.sharedClient()
	if err != nil {
		return nil, err
	}
	c.http = limitedClient(shared, cfg.MaxInFlight, cfg.Timeout)
	c.dumps = limitedClient(shared, 1, dumpPatience*cfg.Timeout)
	return c, nil
}

func (cfg Config) withDefaults() Config {
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = defaultMaxInFlight
	}
	if cfg.Tries == 0 {
		cfg.Tries = defaultTries
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// parseBase checks the address of Crowd and returns it without trailing slashes.
func parseBase(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return "", errors.New("it is missing")
	case err != nil:
		return "", errors.New("it is not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", errors.New(`it must look like "https://crowd.example.com/crowd"`)
	case u.User != nil:
		return "", errors.New("it holds credentials; give them as Application and Password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", errors.New("it has a query or a fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// sharedClient returns the caller's HTTP client or one of our own, made safe
// for credentials and with a place for Crowd's session cookie, which spares
// Crowd the check of the password at each request.
func (cfg Config) sharedClient() (http.Client, error) {
	var shared http.Client
	if cfg.HTTPClient != nil {
		shared = *cfg.HTTPClient
	}
	if shared.Transport == nil {
		shared.Transport = pooledTransport(cfg.MaxInFlight + 1)
	}
	if shared.Jar == nil {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return shared, fmt.Errorf("crowd: %w", err)
		}
		shared.Jar = jar
	}
	shared.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return shared, nil
}

// do makes a call and is done with its answer.
func (c *Client) do(ctx context.Context, k call) error {
	response, err := c.exchange(ctx, k)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	return nil
}
