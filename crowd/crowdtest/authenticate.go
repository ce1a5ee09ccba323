package crowdtest

import (
	"encoding/base64"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// authenticate sets the application of x, or returns the refusal.
func (x *exchange) authenticate() *reply {
	app := x.byCredentials()
	if app == nil && x.opts.CookieAuthenticates {
		app = x.byCookie()
	}
	switch {
	case app == nil || x.opts.RefuseUnknownCookie && x.givenCookie() != "" && x.byCookie() != app:
		return x.unauthenticated()
	case app.Inactive && x.opts.InactiveApplicationForbidden:
		return x.addressRefused()
	case app.Inactive:
		return x.unauthenticated()
	case len(app.Addresses) > 0 && !addressAllowed(app.Addresses, x.address):
		return x.addressRefused()
	}
	x.app = app
	return nil
}

func (x *exchange) byCredentials() *application {
	name, password, given := basicAuth(x.header.Get("Authorization"))
	app := x.s.applications[name]
	if !given || app == nil || !store.CredentialMatches(app.credential, password) {
		return nil
	}
	return app
}

func basicAuth(header string) (name, password string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(plain), ":")
}

func (x *exchange) givenCookie() string {
	r := http.Request{Header: x.header}
	c, err := r.Cookie(x.opts.CookieName)
	if err != nil {
		return ""
	}
	return c.Value
}

func (x *exchange) byCookie() *application {
	given := x.givenCookie()
	for _, app := range x.s.applications {
		if given != "" && given == app.cookie {
			return app
		}
	}
	return nil
}

// setCookie opens a servlet session, unless the request belongs to one.
func (x *exchange) setCookie(answer *reply) {
	if answer.status >= 400 || x.app == nil {
		return
	}
	if !strings.Contains(x.header.Get("Cookie"), x.app.cookie) {
		answer.cookie = x.opts.CookieName + "=" + x.app.cookie + "; Path=/; HttpOnly"
	}
}

func (x *exchange) unauthenticated() *reply {
	answer := &reply{
		status: http.StatusUnauthorized, refused: true,
		text: "Application failed to authenticate", contentType: "text/plain",
	}
	if !x.opts.NoChallenge {
		answer.header = http.Header{"Www-Authenticate": {`Basic realm="Crowd REST Service"`}}
	}
	return answer
}

func (x *exchange) addressRefused() *reply {
	return containerPage(http.StatusForbidden, "The server understood the request but refuses to authorize it.")
}

// containerPage is an error page of the servlet container.
func containerPage(status int, description string) *reply {
	title := "HTTP Status " + strconv.Itoa(status) + " – " + http.StatusText(status)
	return &reply{
		status: status, foreign: true, contentType: "text/html;charset=utf-8",
		text: `<!doctype html><html lang="en"><head><title>` + title + `</title></head><body><h1>` + title +
			`</h1><p><b>Description</b> ` + description + `</p></body></html>`,
	}
}

// A bucket counts the tokens of a [RateLimit].
type bucket struct {
	mu     sync.Mutex
	tokens float64
	filled time.Time
}

// takeToken takes one token for the request, and returns the headers that tell
// how many are left.
func (x *exchange) takeToken() (limited bool, h http.Header) {
	limit := x.opts.RateLimit
	if limit == nil {
		return false, nil
	}
	rate, interval := max(limit.FillRate, 1), limit.Interval
	if interval <= 0 {
		interval = time.Second
	}
	b := &x.s.limit
	if x.app != nil && !limit.Shared {
		b = &x.app.bucket
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.filled.IsZero() {
		b.tokens = float64(limit.Limit)
	} else {
		b.tokens += float64(rate) * float64(x.now.Sub(b.filled)) / float64(interval)
	}
	b.tokens = min(b.tokens, float64(limit.Limit))
	b.filled = x.now
	wait := 0
	if limited = b.tokens < 1; limited {
		missing := (1 - b.tokens) / float64(rate) * interval.Seconds()
		wait = int(math.Ceil(missing))
	} else {
		b.tokens--
	}
	return limited, http.Header{
		"X-Ratelimit-Limit":            {strconv.Itoa(limit.Limit)},
		"X-Ratelimit-Remaining":        {strconv.Itoa(int(b.tokens))},
		"X-Ratelimit-Interval-Seconds": {strconv.Itoa(int(interval.Seconds()))},
		"X-Ratelimit-Fillrate":         {strconv.Itoa(rate)},
		"Retry-After":                  {strconv.Itoa(wait)},
	}
}
