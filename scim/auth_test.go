package scim_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

func TestTokens(t *testing.T) {
	secret, good := scim.NewToken()
	otherSecret, other := scim.NewToken()
	expiredSecret, expired := scim.NewToken()
	expired.NotAfter = time.Now().Add(-time.Second)
	other.NotAfter = time.Now().Add(time.Hour)
	other.User = "ann"
	readerSecret, reader := scim.NewToken()
	reader.ReadOnly = true
	auth, err := scim.Tokens(good, other, expired, reader)
	if err != nil {
		t.Fatal(err)
	}
	text := secret.Reveal()
	tests := map[string]struct {
		header  string
		want    scim.Principal
		problem string
	}{
		"bearer":         {"Bearer " + text, scim.Principal{Token: good.ID}, ""},
		"scheme in caps": {"BEARER " + text, scim.Principal{Token: good.ID}, ""},
		"more blanks":    {"Bearer   " + text, scim.Principal{Token: good.ID}, ""},
		"basic":          {"Basic " + base64.StdEncoding.EncodeToString([]byte("any:"+text)), scim.Principal{Token: good.ID}, ""},
		"second":         {"Bearer " + otherSecret.Reveal(), scim.Principal{Token: other.ID, User: "ann", NotAfter: other.NotAfter}, ""},
		"read-only":      {"Bearer " + readerSecret.Reveal(), scim.Principal{Token: reader.ID, ReadOnly: true}, ""},
		"alone":          {text, scim.Principal{}, "access.raw"},
		"expired":        {"Bearer " + expiredSecret.Reveal(), scim.Principal{}, "expired"},
		"none":           {"", scim.Principal{}, "no Authorization"},
		"scheme only":    {"Bearer", scim.Principal{}, "malformed"},
		"empty":          {"Bearer ", scim.Principal{}, "malformed"},
		"bad basic":      {"Basic !!!", scim.Principal{}, "malformed"},
		"other scheme":   {"Digest " + text, scim.Principal{}, "malformed"},
		"wrong":          {"Bearer nonsense", scim.Principal{}, "not one of"},
		"cut off":        {"Bearer " + text[:len(text)-1], scim.Principal{}, "checksum"},
		"mistyped":       {"Bearer " + text[:20] + "-" + text[21:], scim.Principal{}, "checksum"},
		"the hash":       {"Bearer " + good.SHA256, scim.Principal{}, "not one of"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/Users", nil)
			if test.header != "" {
				r.Header.Set("Authorization", test.header)
			}
			got, err := auth.Authenticate(r)
			if got != test.want {
				t.Errorf("principal = %+v, want %+v", got, test.want)
			}
			if test.problem == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*scim.CredentialError](err)
			if !ok || !strings.Contains(e.Problem, test.problem) {
				t.Errorf("error = %v, want a CredentialError with %q", err, test.problem)
			}
			if strings.Contains(err.Error(), text[10:]) {
				t.Error("the error shows the token")
			}
		})
	}
}

func TestTokensRefused(t *testing.T) {
	_, good := scim.NewToken()
	tests := map[string][]scim.Token{
		"none":      nil,
		"no id":     {{SHA256: good.SHA256}},
		"twice":     {good, good},
		"no hash":   {{ID: "a"}},
		"bad hash":  {{ID: "a", SHA256: strings.Repeat("x", 64)}},
		"half hash": {{ID: "a", SHA256: good.SHA256[:32]}},
	}
	for name, tokens := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := scim.Tokens(tokens...); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestNewToken(t *testing.T) {
	secret, token := scim.NewToken()
	again, _ := scim.NewToken()
	if secret == again {
		t.Error("two tokens are the same")
	}
	if text := secret.Reveal(); !strings.HasPrefix(text, "scimcrowd_") || len(text) != 59 {
		t.Errorf("token has a form of its own: %d characters", len(text))
	}
	if token.ID != token.SHA256[:8] {
		t.Errorf("ID = %s, want the hash's beginning", token.ID)
	}
}

// TestUnauthenticated checks that without a valid token nothing happens: no
// call to Crowd, no look at the body.
func TestUnauthenticated(t *testing.T) {
	b := newBridge(t)
	for name, header := range map[string]string{
		"missing": "", "wrong": "Bearer wrong", "malformed": "Bearer", "other scheme": "Negotiate abc",
	} {
		b.restart() // else the failures would be answered ever more slowly
		for _, target := range []string{"GET /Users", "POST /Users", "GET /ServiceProviderConfig", "GET /nowhere", "DELETE /Users/1"} {
			method, path, _ := strings.Cut(target, " ")
			body := ""
			if method == "POST" {
				body = "{broken"
			}
			var a answer
			calls := b.calls(func() { a = b.do(method, path, body, "Authorization: "+header) })
			if a.status != 401 || len(calls) != 0 {
				t.Errorf("%s token, %s: %d after %d calls, want 401 after none", name, target, a.status, len(calls))
			}
			if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s token, %s: WWW-Authenticate = %q", name, target, a.header.Get("WWW-Authenticate"))
			}
			if a.string("status") != "401" || a.string("detail") == "" {
				t.Errorf("%s token, %s: body is no SCIM error: %s", name, target, a.text)
			}
		}
	}
}

// asked returns a function that sends a request with a token from an address
// to a handler without a network, within a synctest bubble, and says what the
// answer was and how long it took.
func asked(t *testing.T, auth scim.Authenticator) func(token, from string) (int, time.Duration) {
	t.Helper()
	client, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: crowdtest.DefaultApplication,
		Password: crowdtest.DefaultPassword, HTTPClient: &http.Client{Transport: &crowdtest.Server{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := groupsync.New(groupsync.Config{Connection: "test", Crowd: client})
	if err != nil {
		t.Fatal(err)
	}
	h, err := scim.New(scim.Config{Engine: engine, Auth: auth, BaseURL: "https://bridge.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return func(token, from string) (int, time.Duration) {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/ServiceProviderConfig", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		begun := time.Now()
		h.ServeHTTP(w, r)
		return w.Code, time.Since(begun)
	}
}

// TestThrottle checks, on a clock of its own, that failures are answered ever
// more slowly while a valid token is served at once.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret, token := scim.NewToken()
		auth, err := scim.Tokens(token)
		if err != nil {
			t.Fatal(err)
		}
		request := asked(t, auth)
		var waited time.Duration
		for range 20 {
			status, took := request("wrong", "192.0.2.1:1000")
			if status != 401 || took < waited {
				t.Fatalf("a failure: %d after %v, want 401 after %v at least", status, took, waited)
			}
			waited = took
		}
		if waited == 0 || waited > 5*time.Second {
			t.Errorf("the last failure took %v, want some seconds", waited)
		}
		if status, took := request(secret.Reveal(), "192.0.2.1:1001"); status != 200 || took != 0 {
			t.Errorf("the valid token: %d after %v, want 200 at once", status, took)
		}
		if _, took := request("wrong", "[2001:db8::1]:1000"); took != 0 {
			t.Errorf("another address waited %v", took)
		}
		time.Sleep(2 * time.Minute)
		if _, took := request("wrong", "192.0.2.1:1002"); took != 0 {
			t.Errorf("after a while the address still waited %v", took)
		}
		// More failures at once than are held back: the rest is told to go away.
		statuses := make(chan int, 300)
		for range 300 {
			go func() {
				status, _ := request("wrong", "192.0.2.9:1")
				statuses <- status
			}()
		}
		count := map[int]int{}
		for range 300 {
			count[<-statuses]++
		}
		if count[429] == 0 || count[401] < 10 || count[401]+count[429] != 300 {
			t.Errorf("answers %v, want some 401 and the rest 429", count)
		}
	})
}
