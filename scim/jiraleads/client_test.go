package jiraleads_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads/jiratest"
)

func TestConfigIsChecked(t *testing.T) {
	good := jiraleads.Config{URL: "https://jira.example.com/jira/", Token: "x", ProjectLead: "bob"}
	for name, tt := range map[string]struct {
		change func(*jiraleads.Config)
		want   string
	}{
		"good":                 {func(*jiraleads.Config) {}, ""},
		"good, cloud":          {func(c *jiraleads.Config) { c.Product, c.User = jiraleads.Cloud, "a@example.com" }, ""},
		"no address":           {func(c *jiraleads.Config) { c.URL = "" }, "jiraleads: Config.URL: it is missing"},
		"odd address":          {func(c *jiraleads.Config) { c.URL = "jira" }, "jiraleads: Config.URL: it must look like"},
		"credentials":          {func(c *jiraleads.Config) { c.URL = "https://u:PLANTED@jira" }, "jiraleads: Config.URL: it holds credentials"},
		"query":                {func(c *jiraleads.Config) { c.URL = "https://jira?x=1" }, "jiraleads: Config.URL: it has a query"},
		"no URL":               {func(c *jiraleads.Config) { c.URL = "http://[PLANTED" }, "jiraleads: Config.URL: it is not a URL"},
		"product":              {func(c *jiraleads.Config) { c.Product = "server" }, `jiraleads: Config.Product must be "dataCenter" or "cloud"`},
		"no token":             {func(c *jiraleads.Config) { c.Token = "" }, "jiraleads: Config.Token is missing"},
		"token with a break":   {func(c *jiraleads.Config) { c.Token = "PLANTED\n" }, "jiraleads: Config.Token holds a control character"},
		"colon":                {func(c *jiraleads.Config) { c.User = "a:b" }, "jiraleads: Config.User holds a colon"},
		"cloud without user":   {func(c *jiraleads.Config) { c.Product = jiraleads.Cloud }, "jiraleads: Config.User is missing"},
		"cloud, no address":    {func(c *jiraleads.Config) { c.Product, c.User = jiraleads.Cloud, "admin" }, "jiraleads: Config.User must be the e-mail address"},
		"nobody":               {func(c *jiraleads.Config) { c.ProjectLead = "" }, "jiraleads: Config.ProjectLead and Config.ComponentLead are both empty"},
		"negative number":      {func(c *jiraleads.Config) { c.Tries = -1 }, "jiraleads: Config.MaxInFlight, Tries and Timeout must not be negative"},
		"nobody but for parts": {func(c *jiraleads.Config) { c.ProjectLead, c.ComponentLead = "", "cat" }, ""},
	} {
		cfg := good
		tt.change(&cfg)
		hook, err := jiraleads.New(cfg)
		switch {
		case tt.want == "" && (err != nil || hook.Name() != "jira-leads"):
			t.Errorf("%s: %v", name, err)
		case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "PLANTED")):
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// A gauge counts requests in flight.
type gauge struct {
	http.RoundTripper
	mu        sync.Mutex
	now, most int
}

func (g *gauge) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	g.now++
	g.most = max(g.most, g.now)
	g.mu.Unlock()
	time.Sleep(time.Second)
	g.mu.Lock()
	g.now--
	g.mu.Unlock()
	return g.RoundTripper.RoundTrip(r)
}

// TestRequestsInFlight holds that no more requests are made at the same time than the
// settings say, also by several hand-overs.
func TestRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jira := stage(jiratest.New(jiraleads.DataCenter))
		for i := range 40 {
			jira.AddProject(fmt.Sprintf("P%d", i), "dan")
		}
		g := &gauge{RoundTripper: jira}
		hook := hookOf(t, jira, func(c *jiraleads.Config) { c.HTTPClient, c.MaxInFlight = &http.Client{Transport: g}, 3 })
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := hook.Plan(t.Context(), ann); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if g.most != 3 {
			t.Errorf("%d requests in flight, want 3", g.most)
		}
	})
}

// TestWritesAreNotRepeatedBlindly holds that a change whose answer was lost is made
// again only after a look, so that what somebody changed in between stays.
func TestWritesAreNotRepeatedBlindly(t *testing.T) {
	for _, product := range products {
		synctest.Test(t, func(t *testing.T) {
			jira := stage(jiratest.New(product))
			hook := hookOf(t, jira, func(c *jiraleads.Config) {
				c.HTTPClient = &http.Client{Transport: meddler{jira}}
			})
			_ = handOver(t, hook, ann)
			for _, lead := range jira.Leads() {
				if lead == "LAB bob" || lead == "WEB bob" {
					t.Errorf("%s: what dan was given meanwhile was taken: %v", product, jira.Leads())
				}
			}
		})
	}
}

// A meddler loses each change of a project, and gives the project to dan.
type meddler struct{ *jiratest.Server }

func (m meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/project/") {
		return m.Server.RoundTrip(r)
	}
	m.Lead("LAB", "", "dan")
	m.Lead("WEB", "", "dan")
	return nil, errors.New("connection reset by peer")
}

// TestTimeToWait holds that Retry-After is honoured where there is time for it, and that
// the call else ends at once.
func TestTimeToWait(t *testing.T) {
	for _, tt := range []struct {
		name        string
		after       int
		limit, took time.Duration
		fails       bool
	}{
		{"there is time", 7, time.Minute, 7 * time.Second, false},
		{"there is none", 7, 6 * time.Second, 0, true},
		{"nobody would wait so long", 3000, time.Hour, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			jira := stage(jiratest.New(jiraleads.Cloud))
			jira.Fail(jiratest.Fault{Status: 429, RetryAfter: tt.after})
			ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
			defer cancel()
			began := time.Now()
			_, err := hookOf(t, jira).Plan(ctx, ann)
			if took := time.Since(began); took.Round(time.Second) != tt.took || (err != nil) != tt.fails {
				t.Errorf("%s: took %v: %v", tt.name, took, err)
			}
			if e, ok := errors.AsType[*jiraleads.Error](err); tt.fails && (!ok || e.RetryAfter != time.Duration(tt.after)*time.Second) {
				t.Errorf("%s: the error does not tell when to come back: %v", tt.name, err)
			}
		})
	}
}

// TestSecretsStayInside holds that neither token nor address show in errors, logs or
// what package fmt makes of a hook, even where Jira repeats the token, and that the
// token goes to no other address.
func TestSecretsStayInside(t *testing.T) {
	const secret = "PLANTED-token"
	var elsewhere []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		elsewhere = append(elsewhere, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	answers := map[string]http.HandlerFunc{
		"repeats": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"errorMessages": ["no %s\u001b[2J here"], "errors": {"lead": "%s"}}`, secret, strings.Repeat("long ", 1000))
		},
		"redirects": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"garbage":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"key": "`) },
	}
	for name, answer := range answers {
		srv := httptest.NewServer(answer)
		defer srv.Close()
		var log bytes.Buffer
		hook, err := jiraleads.New(jiraleads.Config{
			URL: srv.URL, Token: crowd.Secret(secret), ProjectLead: "bob", Tries: 1,
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = hook.Plan(t.Context(), ann)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		said := fmt.Sprintf("%v %+v %#v %v %s %v", err, err, hook, hook, log.String(), hook.Check(t.Context()))
		for _, secret := range []string{secret, strings.TrimPrefix(srv.URL, "http://"), "\x1b"} {
			if strings.Contains(said, secret) {
				t.Errorf("%s: %q was said: %s", name, secret, said)
			}
		}
		if len(err.Error()) > 600 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
	if len(elsewhere) > 0 {
		t.Errorf("a redirect was followed, with %q", elsewhere)
	}
}

// TestOddAnswers holds that what is not as the API promises is an error, not a leaver
// without leads.
func TestOddAnswers(t *testing.T) {
	for _, product := range products {
		for _, body := range []string{
			"", "null", "{}", "[]", `"x"`, "[1]", "[{}]", `[{"key":"WEB"}]`, `[{"id":"1"`, `{"values":[]}`, `{"startAt":0,"total":3,"values":[]}`,
			`{"startAt":5,"isLast":true,"values":[]}`, `{"startAt":0,"values":[{"id":{}}],"isLast":true}`,
		} {
			jira := stage(jiratest.New(product))
			hook := hookOf(t, jira, func(c *jiraleads.Config) {
				c.Tries, c.HTTPClient = 1, &http.Client{Transport: oddProjects{jira, body}}
			})
			steps, err := hook.Plan(t.Context(), ann)
			empty := product == jiraleads.DataCenter && body == "[]"
			if (err != nil) == empty {
				t.Errorf("%s: %s: planned %v, %v", product, body, steps, err)
			}
		}
	}
}

// An oddProjects transport answers a text where projects are listed.
type oddProjects struct {
	*jiratest.Server
	body string
}

func (o oddProjects) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/project") && !strings.HasSuffix(r.URL.Path, "/project/search") {
		return o.Server.RoundTrip(r)
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(o.body)), Request: r}, nil
}

// TestEndlessAnswers holds that an answer without end is given up, not kept.
func TestEndlessAnswers(t *testing.T) {
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"key": "`)
		for {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
				return
			}
		}
	})
	srv := httptest.NewServer(endless)
	defer srv.Close()
	hook, err := jiraleads.New(jiraleads.Config{URL: srv.URL, Token: "x", ProjectLead: "bob", Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hook.Plan(t.Context(), ann); err == nil || !strings.Contains(err.Error(), "it is too long") {
		t.Errorf("got %.200v", err)
	}
}
