package admin

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/internal/console"
	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// Config says how to reach Crowd as an administrator.
type Config struct {
	// BaseURL is the address of Crowd with its context path, such as
	// "https://crowd.example.com/crowd". Required.
	BaseURL string
	// Administrator is the name of a user who may administer Crowd, and Password
	// that user's password. Required.
	Administrator string
	Password      crowd.Secret

	// HTTPClient, MaxInFlight, Tries, Timeout and Logger are those of
	// [crowd.Config], with the same defaults.
	HTTPClient  *http.Client
	MaxInFlight int
	Tries       int
	Timeout     time.Duration
	Logger      *slog.Logger
}

// crowd returns the configuration as package crowd wants it, with the
// administrator in the place of the application, after a check of what differs.
func (cfg Config) crowd() (crowd.Config, error) {
	switch {
	case cfg.Administrator == "":
		return crowd.Config{}, errors.New("admin: Administrator is missing")
	case strings.Contains(cfg.Administrator, ":"):
		return crowd.Config{}, errors.New("admin: Administrator holds a colon, which basic authentication cannot carry")
	}
	return crowd.Config{
		BaseURL: cfg.BaseURL, Application: cfg.Administrator, Password: cfg.Password,
		HTTPClient: cfg.HTTPClient, MaxInFlight: cfg.MaxInFlight, Tries: cfg.Tries,
		Timeout: cfg.Timeout, Logger: cfg.Logger,
	}, nil
}

// Connect is for package confapi, whose plugin takes the same credentials;
// nobody else can call it.
func (cfg Config) Connect(api rest.API) (rest.Caller, error) {
	c, err := cfg.crowd()
	if err != nil {
		return nil, err
	}
	return c.Connect(api)
}

// A Client calls the administration API of one Crowd as one administrator. It is
// immutable and safe for concurrent use.
type Client struct {
	call   rest.Caller // of admin/1.0
	manage rest.Caller // of appmanagement/1
}

// New returns a Client. It checks the configuration, and calls nothing.
func New(cfg Config) (*Client, error) {
	call, err := cfg.Connect(rest.API{Path: "rest/admin/1.0", Refusal: console.Refusal})
	if err != nil {
		return nil, err
	}
	manage, err := cfg.Connect(rest.API{Path: "rest/appmanagement/1", Refusal: console.Refusal})
	if err != nil {
		return nil, err
	}
	return &Client{call: call, manage: manage}, nil
}
