package crowd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// refuse is a dialer that counts, and reaches nobody.
func refuse(dials *int) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		*dials++
		return nil, errors.New("refused")
	}
}

func TestNewRefuses(t *testing.T) {
	good := crowd.Config{BaseURL: testBase, Application: "scim", Password: "p"}
	for name, change := range map[string]func(*crowd.Config){
		"no address":      func(c *crowd.Config) { c.BaseURL = "" },
		"no scheme":       func(c *crowd.Config) { c.BaseURL = "crowd.example.com" },
		"other scheme":    func(c *crowd.Config) { c.BaseURL = "ftp://crowd.example.com" },
		"no URL":          func(c *crowd.Config) { c.BaseURL = "http://crowd\x7f" },
		"credentials":     func(c *crowd.Config) { c.BaseURL = "http://u:hunter2@crowd.example.com" },
		"query":           func(c *crowd.Config) { c.BaseURL = "http://crowd.example.com/?x" },
		"no application":  func(c *crowd.Config) { c.Application = "" },
		"colon":           func(c *crowd.Config) { c.Application = "a:b" },
		"no password":     func(c *crowd.Config) { c.Password = "" },
		"negative number": func(c *crowd.Config) { c.Tries = -1 },
	} {
		cfg := good
		change(&cfg)
		_, err := crowd.New(cfg)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	if _, err := crowd.New(good); err != nil {
		t.Error(err)
	}
}

func TestRequestForm(t *testing.T) {
	c, s := scripted(t, answer{status: 204})
	if err := c.SetUserAttributes(t.Context(), "a/b+c &%#?;ü", crowd.Attributes{"x": {"y"}}); err != nil {
		t.Fatal(err)
	}
	got := s.requests()[0]
	if got.path != "/crowd/rest/usermanagement/1/user/attribute" {
		t.Errorf("path %s", got.path)
	}
	if want := "username=a%2Fb%2Bc+%26%25%23%3F%3B%C3%BC"; got.query != want {
		t.Errorf("query %s, want %s", got.query, want)
	}
	for name, want := range map[string]string{
		"Accept": "application/json", "Content-Type": "application/json",
		"Authorization": "Basic c2NpbTphcHBsaWNhdGlvbiBwYXNzd29yZA==", "User-Agent": "scimcrowd",
	} {
		if got := got.header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestTokenIsOneSegment(t *testing.T) {
	c, s := scripted(t, answer{status: 204})
	if err := c.EndSession(t.Context(), "a/b?c#d e%2F"); err != nil {
		t.Fatal(err)
	}
	if got, want := s.requests()[0].path, "/crowd/rest/usermanagement/1/session/a%2Fb%3Fc%23d%20e%252F"; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
	for _, token := range []crowd.Secret{"", ".", ".."} {
		if _, err := c.Session(t.Context(), token); !errors.Is(err, crowd.ErrSession) {
			t.Errorf("token %q: got %v", token.Reveal(), err)
		}
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestFollowsNoRedirect(t *testing.T) {
	c, s := scripted(t, answer{status: 307, header: map[string]string{"Location": "http://elsewhere.test/"}})
	if _, err := c.User(t.Context(), "ann"); err == nil || !strings.Contains(err.Error(), "redirect") {
		t.Errorf("got %v", err)
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// The caller's client serves others too, and stays as it is.
func TestCallersClientIsCopied(t *testing.T) {
	mine := &http.Client{Transport: &script{answers: []answer{{status: 204}}}}
	c, err := crowd.New(crowd.Config{BaseURL: testBase + "/", Application: "a", Password: "p", HTTPClient: mine})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.EndSession(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if mine.Jar != nil || mine.CheckRedirect != nil {
		t.Error("the caller's client was changed")
	}
}

func TestReusesSessionAndConnection(t *testing.T) {
	var conns, withCookie atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("JSESSIONID"); err == nil {
			withCookie.Add(1)
		}
		http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: "1", Path: "/crowd"})
		w.Header().Set("Content-Type", typeJSON)
		if r.URL.Query().Get("username") == "nobody" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, `{"name":"ann"}`)
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c, err := crowd.New(crowd.Config{BaseURL: srv.URL + "/crowd", Application: "a", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ann", "nobody", "ann", "nobody", "ann"} {
		if _, err := c.User(t.Context(), name); err != nil && !errors.Is(err, crowd.ErrUserNotFound) {
			t.Fatal(err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	if n := withCookie.Load(); n != 4 {
		t.Errorf("%d of 5 requests carried the session cookie, want 4", n)
	}
}

// gauge counts the requests in flight.
type gauge struct {
	http.RoundTripper
	mu        sync.Mutex
	now, most int // guarded by mu
}

func (g *gauge) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	g.now++
	g.most = max(g.most, g.now)
	g.mu.Unlock()
	defer func() {
		g.mu.Lock()
		g.now--
		g.mu.Unlock()
	}()
	<-time.After(time.Second) // of the bubble: until all others wait too
	return g.RoundTripper.RoundTrip(r)
}

func TestLimitsRequestsInFlight(t *testing.T) {
	for limit, want := range map[int]int{0: 8, 3: 3} {
		synctest.Test(t, func(t *testing.T) {
			g := &gauge{RoundTripper: &script{answers: []answer{{status: 204}}}}
			c := clientOf(t, g, crowd.Config{MaxInFlight: limit})
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if err := c.EndSession(t.Context(), "t"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if g.most != want {
				t.Errorf("MaxInFlight %d: %d requests in flight, want %d", limit, g.most, want)
			}
		})
	}
}

// Calls within the loop over a list must not wait for the list, however few
// requests may be in flight.
func TestCallsWithinLoops(t *testing.T) {
	c := clientOf(t, &script{answers: []answer{
		{status: 200, media: typeJSON, body: `{"users":[{"name":"ann"},{"name":"bob"}]}`},
		{status: 204},
		{status: 204},
		{status: 200, media: typeXML, body: fixture(t, "memberships.xml")},
		{status: 204},
	}}, crowd.Config{MaxInFlight: 1})
	for _, err := range c.Members(t.Context(), "devs", crowd.List{}) {
		if err := errors.Join(err, c.EndSession(t.Context(), "t")); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range c.Memberships(t.Context()) {
		if err := errors.Join(err, c.EndSession(t.Context(), "t")); err != nil {
			t.Fatal(err)
		}
	}
}

// silent never answers, or stops in the middle of the body.
type silent struct{ body io.Reader }

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.body == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	rest := &waiting{r.Context()}
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {typeJSON}},
		Body: io.NopCloser(io.MultiReader(s.body, rest)), Request: r,
	}, nil
}

type waiting struct{ ctx context.Context }

func (w *waiting) Read([]byte) (int, error) {
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}

func TestTimeout(t *testing.T) {
	for name, transport := range map[string]silent{
		"no answer": {}, "half an answer": {strings.NewReader(`{"name":`)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := clientOf(t, transport, crowd.Config{Timeout: time.Minute, Tries: 1})
				begin := time.Now()
				_, err := c.User(t.Context(), "ann")
				if took := time.Since(begin); took != time.Minute {
					t.Errorf("took %v, want 1m", took)
				}
				if !errors.Is(err, crowd.ErrUnavailable) || !strings.Contains(fmt.Sprint(err), "no answer within 1m0s") {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// The time that the caller takes over a page does not count.
func TestTimeoutSparesTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := scripted(t, answer{status: 200, media: typeXML, body: fixture(t, "memberships.xml")})
		n := 0
		for _, err := range c.Memberships(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			<-time.After(time.Hour) // of the bubble
		}
		if n != 4 {
			t.Errorf("%d memberships, want 4", n)
		}
	})
}

func TestLogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c := clientOf(t, &script{answers: []answer{{status: 503}, {status: 204}}}, crowd.Config{Logger: logger})
		if err := c.EndSession(t.Context(), "hunter2"); err != nil {
			t.Fatal(err)
		}
		got := log.String()
		for _, want := range []string{"level=WARN msg=\"crowd call is repeated\" op=\"end session\"", "level=DEBUG msg=\"crowd call\""} {
			if !strings.Contains(got, want) {
				t.Errorf("log has no %s:\n%s", want, got)
			}
		}
		if strings.Contains(got, "hunter2") || strings.Contains(got, testPassword.Reveal()) {
			t.Errorf("log shows a secret:\n%s", got)
		}
	})
}

// A server may think for minutes before it writes a dump; asking again would
// have it begin anew.
func TestDumpHasPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientOf(t, silent{}, crowd.Config{Timeout: time.Minute})
		begin := time.Now()
		for _, err := range c.Memberships(t.Context()) {
			if !errors.Is(err, crowd.ErrUnavailable) || !strings.Contains(fmt.Sprint(err), "no answer within 10m0s") {
				t.Errorf("got %v", err)
			}
		}
		if took := time.Since(begin); took != 10*time.Minute {
			t.Errorf("took %v, want one wait of 10m", took)
		}
	})
}

// A write that waited for its turn in vain has certainly not taken effect.
func TestUnsentIsNotAmbiguous(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientOf(t, silent{}, crowd.Config{MaxInFlight: 1})
		first, cancelFirst := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = c.User(first, "ann")
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.AddMember(ctx, "devs", "ann")
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, crowd.ErrUnavailable) || errors.Is(err, crowd.ErrAmbiguous) {
			t.Errorf("got %v, want one that is out of time and not ambiguous", err)
		}
		if _, err := c.Group(ctx, "devs"); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, crowd.ErrUnavailable) {
			t.Errorf("after the deadline: got %v", err)
		}
		cancelFirst()
		<-done
	})
}

// Certificates and proxies are those of the caller's client.
func TestCallersTransport(t *testing.T) {
	fake := new(crowdtest.Server)
	fake.AddUser(ann())
	secured := httptest.NewUnstartedServer(fake)
	secured.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secured.StartTLS()
	defer secured.Close()
	proxy := httptest.NewServer(fake) // it answers for every host, as a proxy does
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		base   string
		client *http.Client
		want   error
	}{
		"trusted":   {secured.URL, secured.Client(), nil},
		"untrusted": {secured.URL, nil, crowd.ErrUnavailable},
		"proxy":     {"http://crowd.invalid/crowd", &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(address)}}, nil},
	} {
		c, err := crowd.New(crowd.Config{
			BaseURL: test.base, Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
			HTTPClient: test.client, Tries: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.User(t.Context(), "ann"); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}
