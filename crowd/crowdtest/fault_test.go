package crowdtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// A direct site calls a server without a network.
func directSite(t *testing.T) (*crowdtest.Server, func(method, resource, body string) (int, string, error)) {
	t.Helper()
	srv := &crowdtest.Server{}
	srv.AddUser(crowd.User{Name: "ann"}, crowd.User{Name: "bob"})
	srv.AddGroup(crowd.Group{Name: "devs"})
	return srv, func(method, resource, body string) (int, string, error) {
		return roundTrip(t.Context(), srv, method, resource, body)
	}
}

func roundTrip(ctx context.Context, srv http.RoundTripper, method, resource, body string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://crowd.test/crowd/rest/usermanagement/1/"+resource, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(crowdtest.DefaultApplication, crowdtest.DefaultPassword.Reveal())
	resp, err := srv.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

// TestContract54Faults makes one POST that adds a member fail in every way,
// with and without a network.
func TestContract54Faults(t *testing.T) {
	for _, c := range []struct {
		fault   crowdtest.Fault
		effect  bool
		status  int // 0: an error instead of an answer
		header  string
		content string
	}{
		{fault: crowdtest.Fault{Kind: crowdtest.LoseRequest}},
		{fault: crowdtest.Fault{Kind: crowdtest.ResetRequest}},
		{fault: crowdtest.Fault{Kind: crowdtest.LoseResponse}, effect: true},
		{fault: crowdtest.Fault{Kind: crowdtest.ResetResponse}, effect: true},
		{fault: crowdtest.Fault{Kind: crowdtest.LandLate}},
		{fault: crowdtest.Fault{Kind: crowdtest.CutBody}, effect: true},
		{fault: crowdtest.Fault{Kind: crowdtest.Answer}, status: 503, content: "text/plain"},
		{fault: crowdtest.Fault{Kind: crowdtest.Answer, Status: 429, RetryAfter: crowdtest.Duration(1500 * time.Millisecond)}, status: 429, header: "2", content: "text/plain"},
		{fault: crowdtest.Fault{Kind: crowdtest.Answer, Status: 500, Reason: "OPERATION_FAILED"}, status: 500, content: "application/json"},
		{fault: crowdtest.Fault{Kind: crowdtest.AnswerHTML, Status: 500}, status: 500, content: "text/html"},
		{fault: crowdtest.Fault{Kind: crowdtest.AnswerHTML, Status: 502}, status: 502, content: "text/html"},
		{fault: crowdtest.Fault{Kind: crowdtest.NoFault}, effect: true, status: 201, content: "application/json"},
	} {
		for _, network := range []bool{true, false} {
			s := newSite(t)
			var transport http.RoundTripper = s.srv
			if network {
				transport = http.DefaultTransport
			}
			s.srv.Fail(c.fault)
			resp, err := transport.RoundTrip(s.request("POST", "group?groupname=devs", named("platform")))
			got := 0
			if err == nil {
				if _, err = io.ReadAll(resp.Body); err == nil {
					got = resp.StatusCode
				}
				resp.Body.Close()
			}
			if got != c.status {
				t.Errorf("%v, network %v: status %d (%v), want %d", c.fault.Kind, network, got, err, c.status)
				continue
			}
			if c.status > 0 && (resp.Header.Get("Retry-After") != c.header || resp.Header.Get("Content-Type") != c.content) {
				t.Errorf("%v, network %v: headers %v", c.fault.Kind, network, resp.Header)
			}
			if _, effect := s.srv.Group("platform"); effect != c.effect {
				t.Errorf("%v, network %v: effect %v, want %v", c.fault.Kind, network, effect, c.effect)
			}
			s.want(201, "POST", "group", named("after"))
		}
	}
}

func TestResetIsSeen(t *testing.T) {
	s := newSite(t)
	for _, transport := range []http.RoundTripper{http.DefaultTransport, s.srv} {
		s.srv.Fail(crowdtest.Fault{Method: "POST", Kind: crowdtest.ResetRequest})
		if _, err := transport.RoundTrip(s.request("POST", "group", named("x"))); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%T: error %v, want a reset", transport, err)
		}
	}
}

func TestFaultMatching(t *testing.T) {
	srv, call := directSite(t)
	failed := func(method, resource string) bool {
		t.Helper()
		status, _, err := call(method, resource, named("ann"))
		return err != nil || status == 503
	}
	answer := crowdtest.Answer
	for name, c := range map[string]struct {
		fault crowdtest.Fault
		calls []string
		want  []bool
	}{
		"nth": {
			crowdtest.Fault{Method: "GET", Nth: 2, Kind: answer},
			[]string{"GET user?username=ann", "POST group", "GET group?groupname=devs", "GET group?groupname=devs"},
			[]bool{false, false, true, false},
		},
		"times": {
			crowdtest.Fault{Resource: "user", Nth: 2, Times: 2, Kind: answer},
			[]string{"GET user?username=ann", "GET user?username=ann", "GET user?username=ann", "GET user?username=ann"},
			[]bool{false, true, true, false},
		},
		"always, by prefix and parameter": {
			crowdtest.Fault{Resource: "group/*", Params: map[string]string{"username": "ann"}, Times: -1, Kind: answer},
			[]string{"GET group/user/direct?groupname=devs&username=ann", "GET group/user/direct?groupname=devs&username=bob", "GET group/user/nested?groupname=devs&username=ann"},
			[]bool{true, false, true},
		},
		"so many that the sum overflows": {
			crowdtest.Fault{Nth: 2, Times: math.MaxInt, Kind: answer},
			[]string{"GET user?username=ann", "GET user?username=ann", "GET user?username=ann"},
			[]bool{false, true, true},
		},
		"function": {
			crowdtest.Fault{Match: func(r *http.Request) bool { return strings.Contains(r.URL.RawQuery, "bob") }, Kind: answer},
			[]string{"GET user?username=ann", "GET user?username=bob", "GET user?username=bob"},
			[]bool{false, true, false},
		},
	} {
		srv.ClearFaults()
		srv.Fail(c.fault)
		var got []bool
		for _, line := range c.calls {
			method, resource, _ := strings.Cut(line, " ")
			got = append(got, failed(method, resource))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", name, diff)
		}
	}
}

func TestFaultsAsData(t *testing.T) {
	text := `{"method":"POST","resource":"group/*","params":{"groupname":"devs"},"nth":2,"times":-1,"kind":"answer-html","status":502,"retryAfter":"2s","delay":"1.5s"}`
	var f crowdtest.Fault
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	want := crowdtest.Fault{
		Method: "POST", Resource: "group/*", Params: map[string]string{"groupname": "devs"}, Nth: 2, Times: -1, Kind: crowdtest.AnswerHTML,
		Status: 502, RetryAfter: crowdtest.Duration(2 * time.Second), Delay: crowdtest.Duration(1500 * time.Millisecond),
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("fault mismatch (-want +got):\n%s", diff)
	}
	again, err := json.Marshal(f)
	if err != nil || string(again) != text {
		t.Errorf("written again: %s, %v", again, err)
	}
	if err := json.Unmarshal([]byte(`{"kind":"explode"}`), &f); err == nil || !strings.Contains(err.Error(), "lose-request") {
		t.Errorf("unknown kind: error %v", err)
	}
}

func TestReadFaults(t *testing.T) {
	faults, err := crowdtest.ReadFaults(strings.NewReader(`[{"kind":"lose-request"},{"resource":"user","nth":2,"kind":"answer","status":500}]`))
	want := []crowdtest.Fault{{Kind: crowdtest.LoseRequest}, {Resource: "user", Nth: 2, Kind: crowdtest.Answer, Status: 500}}
	if diff := cmp.Diff(want, faults); diff != "" || err != nil {
		t.Errorf("error %v, faults mismatch (-want +got):\n%s", err, diff)
	}
	for doc, want := range map[string]string{
		"":                                   "EOF",
		"[] []":                              "text after the list",
		`[{"kind":"cut-body","why":1}]`:      `unknown field "why"`,
		`[{"kind":"explode"}]`:               `"explode" is no kind of fault`,
		`[{},{"kind":"answer","status":99}]`: "number 2: 99 is no status",
		`[{"nth":-1}]`:                       "nth is negative",
		`[{"delay":"-1s"}]`:                  "a time is negative",
		`[{"delay":"soon"}]`:                 "invalid duration",
	} {
		if _, err := crowdtest.ReadFaults(strings.NewReader(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", doc, err, want)
		}
	}
}

func TestImpossibleFault(t *testing.T) {
	defer func() {
		if got, want := recover(), "crowdtest: fail: 99 is no status of an answer"; got != want {
			t.Errorf("panics with %v, want %s", got, want)
		}
	}()
	new(crowdtest.Server).Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 99})
}

func TestLandLate(t *testing.T) {
	srv, call := directSite(t)
	srv.Fail(crowdtest.Fault{Method: "POST", Kind: crowdtest.LandLate, Times: 2})
	for _, name := range []string{"ann", "bob"} {
		if _, _, err := call("POST", "group/user/direct?groupname=devs", named(name)); err == nil {
			t.Fatal("a request that lands late is answered")
		}
	}
	if got := srv.Members("devs"); len(got) != 0 {
		t.Fatalf("members %v before landing", got)
	}
	if got := srv.Land(); got != 2 {
		t.Errorf("%d requests landed, want 2", got)
	}
	if diff := cmp.Diff([]string{"ann", "bob"}, srv.Members("devs")); diff != "" {
		t.Errorf("members mismatch (-want +got):\n%s", diff)
	}
	if got := srv.Land(); got != 0 {
		t.Errorf("%d requests landed again", got)
	}
}

func TestTimedFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, call := directSite(t)
		second := crowdtest.Duration(time.Second)
		took := func(f func()) time.Duration {
			start := time.Now()
			f()
			return time.Since(start)
		}
		get := func() { _, _, _ = call("GET", "user?username=ann", "") }
		for _, kind := range []crowdtest.FaultKind{crowdtest.DelayRequest, crowdtest.DelayResponse} {
			srv.Fail(crowdtest.Fault{Kind: kind, Delay: second})
			if got := took(get); got != time.Second {
				t.Errorf("%v took %v", kind, got)
			}
		}
		srv.SetOptions(func(o *crowdtest.Options) { o.Latency = time.Minute })
		if got := took(get); got != time.Minute {
			t.Errorf("latency took %v", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := roundTrip(ctx, srv, "GET", "user?username=ann", ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call that takes too long: %v", err)
		}
		srv.SetOptions(func(o *crowdtest.Options) { o.Latency = 0 })
		srv.Fail(crowdtest.Fault{Kind: crowdtest.LandLate, Delay: second})
		_, _, _ = call("POST", "group/user/direct?groupname=devs", named("ann"))
		time.Sleep(time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"ann"}, srv.Members("devs")); diff != "" {
			t.Errorf("landed members mismatch (-want +got):\n%s", diff)
		}
	})
}

// TestGate holds two calls before their effects and lets them go in the order
// opposite to that in which they came.
func TestGate(t *testing.T) {
	srv, call := directSite(t)
	var mu sync.Mutex
	var seen []string
	arrived := make(chan string)
	let := map[string]chan struct{}{"ann": make(chan struct{}), "bob": make(chan struct{})}
	srv.SetGate(func(_ context.Context, c crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
		user := c.Params.Get("username")
		if at == crowdtest.BeforeEffect {
			arrived <- user
			<-let[user]
		}
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, user+" "+at.String()+" "+http.StatusText(c.Status))
		return crowdtest.NoFault
	})
	var wg sync.WaitGroup
	done := map[string]chan struct{}{"ann": make(chan struct{}), "bob": make(chan struct{})}
	for _, user := range []string{"ann", "bob"} {
		wg.Go(func() {
			_, _, _ = call("POST", "user/group/direct?username="+user, named("devs"))
			close(done[user])
		})
		<-arrived
	}
	for _, user := range []string{"bob", "ann"} {
		close(let[user])
		<-done[user]
	}
	wg.Wait()
	want := []string{"bob before effect ", "bob before answer Created", "ann before effect ", "ann before answer Created"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("moments mismatch (-want +got):\n%s", diff)
	}
	srv.SetGate(nil)
	if status, _, _ := call("GET", "user?username=ann", ""); status != 200 {
		t.Errorf("without a gate: %d", status)
	}
}

func TestGateVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		at             crowdtest.Moment
		kind           crowdtest.FaultKind
		effect, landed bool
	}{
		"lose request":         {crowdtest.BeforeEffect, crowdtest.LoseRequest, false, false},
		"lose response, early": {crowdtest.BeforeEffect, crowdtest.LoseResponse, true, true},
		"lose response":        {crowdtest.BeforeAnswer, crowdtest.LoseResponse, true, true},
		"reset response":       {crowdtest.BeforeAnswer, crowdtest.ResetResponse, true, true},
		"land late":            {crowdtest.BeforeEffect, crowdtest.LandLate, false, true},
	} {
		srv, call := directSite(t)
		srv.SetGate(func(_ context.Context, _ crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
			if at == c.at {
				return c.kind
			}
			return crowdtest.NoFault
		})
		if _, _, err := call("POST", "group/user/direct?groupname=devs", named("ann")); err == nil {
			t.Errorf("%s: answered", name)
		}
		if got := len(srv.Members("devs")) == 1; got != c.effect {
			t.Errorf("%s: effect %v, want %v", name, got, c.effect)
		}
		srv.Land()
		if got := len(srv.Members("devs")) == 1; got != c.landed {
			t.Errorf("%s: effect after landing %v, want %v", name, got, c.landed)
		}
		if calls := srv.Calls(); len(calls) != 1 || calls[0].Status != 0 {
			t.Errorf("%s: calls %v", name, calls)
		}
	}
}

// TestAttributesOneByOne looks at a user between the effects of one POST.
func TestAttributesOneByOne(t *testing.T) {
	for _, oneByOne := range []bool{false, true} {
		srv, call := directSite(t)
		srv.SetOptions(func(o *crowdtest.Options) { o.AttributesOneByOne = oneByOne })
		var seen []string
		srv.SetGate(func(context.Context, crowdtest.Call, crowdtest.Moment) crowdtest.FaultKind {
			u, _ := srv.User("ann")
			seen = append(seen, u.Attributes.First("a")+u.Attributes.First("b")+u.Attributes.First("c"))
			return crowdtest.NoFault
		})
		body := `{"attributes":[{"name":"a","values":["1"]},{"name":"b","values":["2"]},{"name":"c","values":["3"]}]}`
		if status, text, err := call("POST", "user/attribute?username=ann", body); status != 204 {
			t.Fatalf("%d %s %v", status, text, err)
		}
		want := []string{"", "123"}
		if oneByOne {
			want = []string{"", "1", "12", "123"}
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("one by one %v, seen mismatch (-want +got):\n%s", oneByOne, diff)
		}
	}
}

// TestAttributesOneByOneLate lets a POST of several attributes land late.
func TestAttributesOneByOneLate(t *testing.T) {
	srv, call := directSite(t)
	srv.SetOptions(func(o *crowdtest.Options) { o.AttributesOneByOne = true })
	srv.Fail(crowdtest.Fault{Kind: crowdtest.LandLate})
	_, _, _ = call("POST", "group/attribute?groupname=devs", `{"attributes":[{"name":"a","values":["1"]},{"name":"b","values":["2"]}]}`)
	srv.Land()
	g, _ := srv.Group("devs")
	if diff := cmp.Diff(crowd.Attributes{"a": {"1"}, "b": {"2"}}, g.Attributes); diff != "" {
		t.Errorf("attributes mismatch (-want +got):\n%s", diff)
	}
}

// TestAttributesOneByOneCut ends a POST in the middle.
func TestAttributesOneByOneCut(t *testing.T) {
	srv, call := directSite(t)
	srv.SetOptions(func(o *crowdtest.Options) { o.AttributesOneByOne = true })
	passes := 0
	srv.SetGate(func(context.Context, crowdtest.Call, crowdtest.Moment) crowdtest.FaultKind {
		if passes++; passes == 2 {
			return crowdtest.LoseRequest
		}
		return crowdtest.NoFault
	})
	body := `{"attributes":[{"name":"a","values":["1"]},{"name":"b","values":["2"]}]}`
	if _, _, err := call("POST", "group/attribute?groupname=devs", body); err == nil {
		t.Error("a POST that was cut is answered")
	}
	g, _ := srv.Group("devs")
	if diff := cmp.Diff(crowd.Attributes{"a": {"1"}}, g.Attributes); diff != "" {
		t.Errorf("attributes mismatch (-want +got):\n%s", diff)
	}
}

// TestRacingAttribute lets a first write of an attribute take effect while
// another one is on its way.
func TestRacingAttribute(t *testing.T) {
	body := `{"attributes":[{"name":"a","values":["1"]}]}`
	for _, fails := range []bool{false, true} {
		for _, resource := range []string{"user/attribute?username=ann", "group/attribute?groupname=devs"} {
			srv, call := directSite(t)
			srv.SetOptions(func(o *crowdtest.Options) { o.RacingAttributeFails = fails })
			inner := 0
			outer := true
			srv.SetGate(func(_ context.Context, _ crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
				if outer && at == crowdtest.BeforeEffect {
					outer = false
					inner, _, _ = call("POST", resource, body)
				}
				return crowdtest.NoFault
			})
			want := 204
			if fails {
				want = 500
			}
			if status, text, _ := call("POST", resource, body); inner != 204 || status != want {
				t.Errorf("failing %v, %s: inner %d, outer %d %s, want %d", fails, resource, inner, status, text, want)
			}
			if status, _, _ := call("POST", resource, body); status != 204 {
				t.Errorf("a later write: %d", status)
			}
		}
	}
}
