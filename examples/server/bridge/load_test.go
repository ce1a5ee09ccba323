package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/examples/server/bridge"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// A rig is a server on a Crowd, both in this process.
type rig struct {
	fake   *crowdtest.Server
	open   atomic.Int64 // connections to Crowd
	server *bridge.Server
	file   string // the document
	url    string // of the connection
	token  string
	client *http.Client
}

// newRig starts a server with one connection, which is ended with the test.
func newRig(t *testing.T, change func(*bridge.Config)) *rig {
	t.Helper()
	r := &rig{fake: &crowdtest.Server{}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	r.fake.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange, o.NoCalls = true, true })
	mux := http.NewServeMux()
	mux.Handle("/crowd/", r.fake)
	host := httptest.NewUnstartedServer(mux)
	host.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			r.open.Add(1)
		case http.StateClosed, http.StateHijacked: // the fake takes over those that it cuts
			r.open.Add(-1)
		}
	}
	host.Start()
	t.Cleanup(host.Close)
	secret, token := scim.NewToken()
	r.token = secret.Reveal()
	file := filepath.Join(t.TempDir(), "config.json")
	all := 100
	unguarded := groupsync.Limit{Percent: &all} // the load takes away what it made, again and again
	var document bytes.Buffer
	if err := backup.Write(&document, &backup.Config{Connections: []backup.Connection{{
		Name: "okta", Path: "/scim/okta/v2", Tokens: []scim.Token{token},
		Crowd:  backup.Crowd{URL: host.URL + "/crowd", Application: crowdtest.DefaultApplication, Password: backup.Password{Value: crowdtest.DefaultPassword}},
		Groups: backup.Groups{Guard: groupsync.Policy{Removals: unguarded, Deactivations: unguarded}},
	}}}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, document.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := bridge.Config{File: file, Listen: "127.0.0.1:0"}
	if change != nil {
		change(&cfg)
	}
	server, err := bridge.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	r.server, r.file, r.url = server, file, "http://"+server.Addr()+"/scim/okta/v2"
	return r
}

// call sends a request and returns status, 0 where no answer came, and resource id.
func (r *rig) call(ctx context.Context, method, path, body string) (status int, id string) {
	q, err := http.NewRequestWithContext(ctx, method, r.url+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	q.Header.Set("Authorization", "Bearer "+r.token)
	q.Header.Set("Content-Type", "application/scim+json")
	a, err := r.client.Do(q)
	if err != nil {
		return 0, ""
	}
	defer a.Body.Close()
	data, err := io.ReadAll(a.Body)
	if err != nil {
		return 0, ""
	}
	var answer struct {
		ID        string
		Resources []struct{ ID string }
	}
	_ = json.Unmarshal(data, &answer)
	if len(answer.Resources) == 1 {
		answer.ID = answer.Resources[0].ID
	}
	return a.StatusCode, answer.ID
}

const (
	userSchema  = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	groupSchema = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]`
	patchSchema = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`
)

// What a process holds on to.
type holding struct {
	goroutines int
	heap       uint64
	files      int
	toCrowd    int64
}

func (r *rig) holding() holding {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd") // none elsewhere
	return holding{runtime.NumGoroutine(), m.HeapAlloc, len(files), r.open.Load()}
}

// loadTime is how long the load lasts: a minute in CI, by SCIMCROWD_LOAD=1m.
func loadTime(t *testing.T) time.Duration {
	text := os.Getenv("SCIMCROWD_LOAD")
	if text == "" {
		return 3 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// 32 clients work on a Crowd that is slow and fails: in the end memory, goroutines and
// connections are where they were, and each answer was an honest one.
func TestLoadLeavesNothingBehind(t *testing.T) {
	r := newRig(t, nil)
	r.fake.SetOptions(func(o *crowdtest.Options) { o.Latency = 5 * time.Millisecond })
	r.work(t, 300*time.Millisecond, "warm") // whatever is made once is there
	r.client.CloseIdleConnections()
	r.settle(t, holding{goroutines: 1 << 20, heap: 1 << 40, files: 1 << 20})
	before := r.holding()

	often := func(share float64) func(*http.Request) bool {
		return func(*http.Request) bool { return rand.Float64() < share }
	}
	r.fake.Fail(
		crowdtest.Fault{Match: often(0.02), Times: -1, Kind: crowdtest.Answer, Status: 503},
		crowdtest.Fault{Match: often(0.01), Times: -1, Kind: crowdtest.ResetResponse},
		crowdtest.Fault{Match: often(0.01), Times: -1, Kind: crowdtest.LoseResponse},
		crowdtest.Fault{Match: often(0.02), Times: -1, Kind: crowdtest.DelayResponse, Delay: crowdtest.Duration(200 * time.Millisecond)},
		crowdtest.Fault{Match: often(0.01), Times: -1, Kind: crowdtest.CutBody},
	)
	answers := r.work(t, loadTime(t), "load")
	r.fake.ClearFaults()
	r.client.CloseIdleConnections()
	t.Logf("answers by status: %v", answers)
	if answers[http.StatusCreated] == 0 || answers[http.StatusServiceUnavailable]+answers[http.StatusInternalServerError]+answers[http.StatusBadGateway]+answers[http.StatusTooManyRequests]+answers[http.StatusGatewayTimeout] == 0 {
		t.Errorf("answers by status: %v, want some good ones and some that tell of faults", answers)
	}
	for _, status := range []int{0, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden} {
		if answers[status] > 0 {
			t.Errorf("%d requests were answered %d, which no fault of Crowd is", answers[status], status)
		}
	}
	r.settle(t, holding{before.goroutines + 8, before.heap + 24<<20, before.files + 8, 0})
	t.Logf("before %+v, after %+v", before, r.holding())
}

// settle waits until a process holds on to no more than that.
func (r *rig) settle(t *testing.T, most holding) {
	t.Helper()
	var now holding
	for range 120 {
		now = r.holding()
		if now.goroutines <= most.goroutines && now.heap <= most.heap && now.files <= most.files && now.toCrowd <= most.toCrowd {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Fatalf("after a minute: %+v, want no more than %+v", now, most)
}

// work has 32 clients create, change, group and delete users, and returns how often
// each status was answered. Users go again, so that Crowd does not grow.
func (r *rig) work(t *testing.T, lasts time.Duration, prefix string) map[int]int {
	t.Helper()
	until := time.Now().Add(lasts)
	answers := map[int]int{}
	var mu sync.Mutex // guards answers
	var clients sync.WaitGroup
	for i := range 32 {
		clients.Go(func() {
			call := func(method, path, body string) string {
				status, id := r.call(t.Context(), method, path, body)
				mu.Lock()
				defer mu.Unlock()
				answers[status]++
				return id
			}
			group := call(http.MethodPost, "/Groups", fmt.Sprintf(`{%s,"displayName":"%s-%d"}`, groupSchema, prefix, i))
			for n := 0; time.Now().Before(until); n++ {
				name := fmt.Sprintf("%s-%d-%d", prefix, i, n%5)
				id := call(http.MethodPost, "/Users", fmt.Sprintf(`{%s,"userName":"%s","active":true,"emails":[{"value":"%s@example.com","primary":true}]}`, userSchema, name, name))
				if id == "" { // there already, or trouble: it goes in either case
					if id = call(http.MethodGet, "/Users?filter=userName%20eq%20%22"+name+"%22", ""); id != "" {
						call(http.MethodDelete, "/Users/"+id, "")
					}
					continue
				}
				call(http.MethodPatch, "/Users/"+id, fmt.Sprintf(`{%s,"Operations":[{"op":"replace","value":{"displayName":"Name %d"}}]}`, patchSchema, n))
				if group != "" {
					call(http.MethodPatch, "/Groups/"+group, fmt.Sprintf(`{%s,"Operations":[{"op":"add","path":"members","value":[{"value":"%s"}]}]}`, patchSchema, id))
				}
				call(http.MethodGet, "/Users?filter=userName%20eq%20%22"+name+"%22", "")
				call(http.MethodDelete, "/Users/"+id, "")
			}
		})
	}
	clients.Wait()
	return answers
}
