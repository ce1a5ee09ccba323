package scim_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// A bridge is the whole chain, from a SCIM client's HTTP request to the fake
// Crowd, over sockets.
type bridge struct {
	t       testing.TB
	crowd   *crowdtest.Server
	cfg     scim.Config
	engine  groupsync.Config
	url     string // the SCIM base URL
	token   string
	handler atomic.Pointer[scim.Handler]
	wrap    func(groupsync.Directory) groupsync.Directory // around the Crowd client, nil for nothing
}

// newBridge starts a bridge on a Crowd of its own, whose settings change
// adjusts.
func newBridge(t testing.TB, change ...func(*bridge)) *bridge {
	t.Helper()
	secret, token := scim.NewToken()
	auth, err := scim.Tokens(token)
	if err != nil {
		t.Fatal(err)
	}
	b := &bridge{t: t, crowd: crowdtest.NewServer(t), token: secret.Reveal()}
	b.crowd.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	mux := http.NewServeMux()
	mux.Handle("/scim/v2/", http.StripPrefix("/scim/v2", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.handler.Load().ServeHTTP(w, r)
	})))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b.url = server.URL + "/scim/v2"
	b.cfg = scim.Config{Auth: auth, BaseURL: b.url}
	b.engine = groupsync.Config{Connection: "test"}
	for _, f := range change {
		f(b)
	}
	b.restart()
	return b
}

// restart replaces client, engine and handler by new ones, as a process that
// starts anew would have.
func (b *bridge) restart() {
	b.t.Helper()
	engine := b.engine
	engine.Crowd = b.crowd.Client(b.t)
	if b.wrap != nil {
		engine.Crowd = b.wrap(engine.Crowd)
	}
	var err error
	cfg := b.cfg
	engine.Attributes = cfg.Attributes
	if cfg.Engine, err = groupsync.New(engine); err != nil {
		b.t.Fatal(err)
	}
	h, err := scim.New(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.handler.Store(h)
}

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	text   string
	body   any // decoded, nil if there is none
}

// object returns the body as an object.
func (a answer) object() map[string]any {
	object, _ := a.body.(map[string]any)
	return object
}

// text returns a member of the body.
func (a answer) string(name string) string {
	text, _ := a.object()[name].(string)
	return text
}

// do sends a request with the bridge's token. Headers are "Name: value"; an
// empty value leaves the header out.
func (b *bridge) do(method, path, body string, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", "application/scim+json")
	}
	r.Header.Set("Authorization", "Bearer "+b.token)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Set(name, value)
	}
	return b.send(r)
}

func (b *bridge) send(r *http.Request) answer {
	b.t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header, text: string(data)}
	if len(data) > 0 {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&a.body); err != nil {
			b.t.Fatalf("%s %s: answer is no JSON: %v\n%s", r.Method, r.URL, err, data)
		}
	}
	return a
}

// want sends a request and checks the status.
func (b *bridge) want(status int, method, path, body string, headers ...string) answer {
	b.t.Helper()
	a := b.do(method, path, body, headers...)
	if a.status != status {
		b.t.Fatalf("%s %s = %d, want %d\n%s", method, path, a.status, status, a.text)
	}
	return a
}

// user creates a user and returns its id.
func (b *bridge) user(name string) string {
	b.t.Helper()
	return b.want(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`",
		"name":{"givenName":"Given","familyName":"Family"},"displayName":"Display","externalId":"x-`+name+`",
		"emails":[{"value":"`+name+`@example.com","type":"work","primary":true}]}`).string("id")
}

// group creates a group and returns its id.
func (b *bridge) group(name string, members ...string) string {
	b.t.Helper()
	list := []map[string]string{}
	for _, id := range members {
		list = append(list, map[string]string{"value": id})
	}
	text, err := json.Marshal(map[string]any{
		"schemas":     []string{"urn:ietf:params:scim:schemas:core:2.0:Group"},
		"displayName": name, "members": list,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return b.want(201, "POST", "/Groups", string(text)).string("id")
}

// calls runs f and returns the calls to Crowd that it caused.
func (b *bridge) calls(f func()) []crowdtest.Call {
	b.t.Helper()
	b.crowd.ResetCalls()
	f()
	return b.crowd.Calls()
}

// crowdUser returns a user as Crowd has it.
func (b *bridge) crowdUser(name string) crowd.User {
	b.t.Helper()
	u, ok := b.crowd.User(name)
	if !ok {
		b.t.Fatalf("Crowd has no user %s", name)
	}
	return u
}
