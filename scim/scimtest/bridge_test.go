package scimtest_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// A bridge is a SCIM handler on a Crowd in memory, reached without a network.
type bridge struct {
	tb       testing.TB
	crowd    *crowdtest.Server
	name     string
	provider scim.Provider
	others   []groupsync.Neighbour
	secret   crowd.Secret
	token    scim.Token
	handler  http.Handler
	engine   *groupsync.Engine
	requests []request
	// later is how far the engine's clock is ahead.
	later time.Duration
	// answer, if not nil, may answer in the bridge's place.
	answer func(r *http.Request) *http.Response
}

// A request is one that arrived.
type request struct {
	method, url, body string
	header            http.Header
}

func newBridge(tb testing.TB, fake *crowdtest.Server, name string, provider scim.Provider, others ...string) *bridge {
	tb.Helper()
	b := &bridge{tb: tb, crowd: fake, name: name, provider: provider}
	b.secret, b.token = scim.NewToken()
	for _, other := range others {
		b.others = append(b.others, groupsync.Neighbour{Connection: other})
	}
	b.restart()
	return b
}

// newCrowd returns a Crowd that lets applications change e-mail addresses.
func newCrowd() *crowdtest.Server {
	fake := &crowdtest.Server{}
	fake.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	return fake
}

// restart replaces the bridge by one that knows only what Crowd holds.
func (b *bridge) restart() {
	b.tb.Helper()
	engine, err := groupsync.New(groupsync.Config{
		Connection: b.name, Crowd: b.crowd.Client(b.tb), Neighbours: b.others,
		Now: func() time.Time { return time.Now().Add(b.later) },
	})
	if err != nil {
		b.tb.Fatal(err)
	}
	auth, err := scim.Tokens(b.token)
	if err != nil {
		b.tb.Fatal(err)
	}
	h, err := scim.New(scim.Config{Engine: engine, Auth: auth, Provider: b.provider, BaseURL: b.url()})
	if err != nil {
		b.tb.Fatal(err)
	}
	b.engine, b.handler = engine, http.StripPrefix("/scim/v2", h)
}

func (b *bridge) url() string { return "http://bridge.test/scim/v2" }

// RoundTrip answers a request.
func (b *bridge) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	target := strings.TrimPrefix(r.URL.RequestURI(), "/scim/v2")
	b.requests = append(b.requests, request{r.Method, target, string(body), r.Header.Clone()})
	if b.answer != nil {
		if a := b.answer(r); a != nil {
			return a, nil
		}
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return inProcess{b.handler}.RoundTrip(r)
}

// idp returns an identity provider that drives the bridge.
func (b *bridge) idp(app scimtest.App, change ...func(*scimtest.Config)) *scimtest.IdP {
	cfg := scimtest.Config{BaseURL: b.url(), Token: b.secret.Reveal(), HTTPClient: &http.Client{Transport: b}}
	for _, f := range change {
		f(&cfg)
	}
	return scimtest.New(app, cfg)
}

// sync runs a cycle that must end in what is wanted.
func (b *bridge) sync(idp *scimtest.IdP, want scimtest.Directory) scimtest.Report {
	b.tb.Helper()
	report, err := idp.Sync(b.tb.Context(), want)
	if err != nil {
		b.tb.Fatal(err)
	}
	if err := report.Err(); err != nil {
		b.tb.Fatalf("%v\n%v", err, report)
	}
	return report
}

// providerOf is the provider of the bridge that an app belongs to.
func providerOf(app scimtest.App) scim.Provider {
	name, _, _ := strings.Cut(string(app), "-")
	if app == scimtest.PingOne {
		name = "ping"
	}
	return scim.Provider(name)
}

// groups lists Crowd's groups but for registries.
func groups(fake *crowdtest.Server) []string {
	return slices.DeleteFunc(fake.GroupNames(), func(name string) bool { return strings.HasPrefix(name, "scim-registry-") })
}
