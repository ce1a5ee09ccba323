package crowdtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A FaultKind is what goes wrong with a call.
type FaultKind int

// The kinds of faults.
const (
	// NoFault is none.
	NoFault FaultKind = iota
	// LoseRequest closes the connection before the request takes effect.
	LoseRequest
	// LoseResponse closes the connection after the request took effect.
	LoseResponse
	// LandLate closes the connection, and lets the request take effect later:
	// after the fault's Delay or, where it has none, in [Server.Land].
	LandLate
	// DelayRequest lets the fault's Delay pass before the effect.
	DelayRequest
	// DelayResponse lets the fault's Delay pass after the effect.
	DelayResponse
	// ResetRequest and ResetResponse are LoseRequest and LoseResponse with a
	// TCP reset.
	ResetRequest
	ResetResponse
	// Answer answers with the fault's Status and no effect, in Crowd's manner.
	Answer
	// AnswerHTML answers with the fault's Status and no effect, with the page
	// of a proxy.
	AnswerHTML
	// CutBody lets the request take effect and sends half of the answer.
	CutBody
)

// Fault kinds as they are spelled in files.
func faultNames() []string {
	return []string{
		"none", "lose-request", "lose-response", "land-late", "delay-request", "delay-response",
		"reset-request", "reset-response", "answer", "answer-html", "cut-body",
	}
}

// String returns the kind's name, such as "lose-response".
func (k FaultKind) String() string {
	names := faultNames()
	if k < 0 || int(k) >= len(names) {
		return "fault " + strconv.Itoa(int(k))
	}
	return names[k]
}

// MarshalText returns the kind's name.
func (k FaultKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the kind's name.
func (k *FaultKind) UnmarshalText(text []byte) error {
	i := slices.Index(faultNames(), string(text))
	if i < 0 {
		return fmt.Errorf("%q is no kind of fault; the kinds are %s", text, strings.Join(faultNames(), ", "))
	}
	*k = FaultKind(i)
	return nil
}

// A Fault makes calls fail. A call meets the first fault that is due for it.
type Fault struct {
	// Method and Resource say which calls it is about, as in [Call]; empty is
	// any. A Resource that ends in "*" is a prefix.
	Method   string `json:"method,omitempty"`
	Resource string `json:"resource,omitempty"`
	// Params are parameters that the calls must have, with these values.
	Params map[string]string `json:"params,omitempty"`
	// Match, if not nil, must return true as well.
	Match func(*http.Request) bool `json:"-"`
	// Nth is the number of the first call that fails, counted among the
	// matching calls from when the fault was installed; zero is 1.
	Nth int `json:"nth,omitempty"`
	// Times is how many calls fail from then on; zero is 1, negative all.
	Times int `json:"times,omitempty"`

	Kind FaultKind `json:"kind"`
	// Status is what Answer and AnswerHTML answer; zero is 503.
	Status int `json:"status,omitempty"`
	// Reason is the reason of Answer's error entity; empty sends plain text.
	Reason string `json:"reason,omitempty"`
	// RetryAfter, where it is not zero, is sent with the answer.
	RetryAfter Duration `json:"retryAfter,omitempty"`
	// Delay is how long DelayRequest, DelayResponse and LandLate wait.
	Delay Duration `json:"delay,omitempty"`
}

// A Duration is a time span that JSON spells as "1.5s".
type Duration time.Duration

// MarshalText returns the spelling of [time.Duration].
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads the spelling of [time.ParseDuration].
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// activeFault is a fault with the number of matching calls so far.
type activeFault struct {
	Fault
	seen int
}

// ReadFaults reads a list of faults in JSON, such as
//
//	[{"method": "POST", "resource": "group/*", "nth": 2, "kind": "answer", "status": 503, "retryAfter": "1s"}]
func ReadFaults(r io.Reader) ([]Fault, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var faults []Fault
	if err := d.Decode(&faults); err != nil {
		return nil, fmt.Errorf("crowdtest: read faults: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("crowdtest: read faults: there is text after the list")
	}
	for i := range faults {
		if err := faults[i].check(); err != nil {
			return nil, fmt.Errorf("crowdtest: read faults: number %d: %w", i+1, err)
		}
	}
	return faults, nil
}

// check tells what of the fault cannot be.
func (f *Fault) check() error {
	switch {
	case f.Kind < NoFault || f.Kind > CutBody:
		return fmt.Errorf("%v is no kind", f.Kind)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("%d is no status of an answer", f.Status)
	case f.Nth < 0:
		return errors.New("nth is negative")
	case f.Delay < 0 || f.RetryAfter < 0:
		return errors.New("a time is negative")
	}
	return nil
}

// Fail installs faults, after those that are there already. It panics if one
// cannot be, such as an answer of status 99.
func (s *Server) Fail(faults ...Fault) {
	for i := range faults {
		if err := faults[i].check(); err != nil {
			panic("crowdtest: fail: " + err.Error())
		}
	}
	s.init()
	s.callMu.Lock()
	defer s.callMu.Unlock()
	for _, f := range faults {
		s.faults = append(s.faults, &activeFault{Fault: f})
	}
}

// ClearFaults removes all faults. Requests that are to land late still do.
func (s *Server) ClearFaults() {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	s.faults = nil
}

// pickFault counts the call for every fault that matches, and returns the
// first that is due.
func (s *Server) pickFault(x *exchange, r *http.Request) Fault {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	due := Fault{}
	for _, f := range s.faults {
		if !f.matches(x, r) {
			continue
		}
		f.seen++
		if due.Kind == NoFault && f.due() {
			due = f.Fault
		}
	}
	return due
}

func (f *activeFault) due() bool {
	first := max(f.Nth, 1)
	times := f.Times
	if times == 0 {
		times = 1
	}
	return f.seen >= first && (times < 0 || f.seen-first < times)
}

func (f *Fault) matches(x *exchange, r *http.Request) bool {
	if f.Method != "" && f.Method != x.method || !f.matchesResource(x.resource) {
		return false
	}
	for name, value := range f.Params {
		if !slices.Contains(x.params[name], value) {
			return false
		}
	}
	return f.Match == nil || f.Match(r)
}

func (f *Fault) matchesResource(resource string) bool {
	if prefix, found := strings.CutSuffix(f.Resource, "*"); found {
		return strings.HasPrefix(resource, prefix)
	}
	return f.Resource == "" || f.Resource == resource
}

// beforeEffect does what a fault says before the effect, and tells whether
// that ends the exchange.
func (s *Server) beforeEffect(ctx context.Context, x *exchange, f Fault, problem error) (d delivery, over bool) {
	switch f.Kind {
	case LoseRequest:
		return delivery{lost: true}, true
	case ResetRequest:
		return delivery{reset: true}, true
	case LandLate:
		s.park(x, time.Duration(f.Delay), problem)
		return delivery{lost: true}, true
	case Answer, AnswerHTML:
		answer := f.answer()
		s.answered(x, answer.status)
		return delivery{answer: answer}, true
	case DelayRequest:
		wait(ctx, time.Duration(f.Delay))
	}
	return delivery{}, false
}

// beforeAnswer does what a fault says after the effect.
func (s *Server) beforeAnswer(ctx context.Context, x *exchange, f Fault, answer *reply) delivery {
	if f.Kind == DelayResponse {
		wait(ctx, time.Duration(f.Delay))
	}
	wait(ctx, x.opts.Latency)
	d := delivery{answer: answer, lost: f.Kind == LoseResponse, reset: f.Kind == ResetResponse, cut: f.Kind == CutBody}
	if d.lost || d.reset {
		s.answered(x, 0)
	}
	return d
}

// answer is what Answer and AnswerHTML send.
func (f *Fault) answer() *reply {
	status := f.Status
	if status == 0 {
		status = http.StatusServiceUnavailable
	}
	answer := &reply{status: status, refused: true, text: http.StatusText(status), contentType: "text/plain"}
	if f.RetryAfter != 0 {
		seconds := (time.Duration(f.RetryAfter) + time.Second - 1) / time.Second
		answer.header = http.Header{"Retry-After": {strconv.Itoa(int(seconds))}}
	}
	switch {
	case f.Kind == AnswerHTML:
		answer.foreign = true
		answer.text = "<!doctype html><html><head><title>" + http.StatusText(status) + "</title></head><body><h1>" +
			strconv.Itoa(status) + " " + http.StatusText(status) + "</h1><hr>proxy</body></html>"
		answer.contentType = "text/html"
	case f.Reason != "":
		r := refusal{status, f.Reason, http.StatusText(status)}
		answer.text, answer.contentType, answer.entity = "", "", r.entity()
	}
	return answer
}

// lateEffect is a request that has not landed yet.
type lateEffect struct {
	x       *exchange
	problem error
	timer   *time.Timer
}

func (s *Server) park(x *exchange, delay time.Duration, problem error) {
	l := &lateEffect{x: x, problem: problem}
	s.callMu.Lock()
	defer s.callMu.Unlock()
	s.late = append(s.late, l)
	if delay > 0 {
		l.timer = time.AfterFunc(delay, func() { s.land(func(other *lateEffect) bool { return other == l }) })
	}
}

// Land lets the requests of [LandLate] that are still under way take effect,
// in the order in which they came in, and returns how many there were.
func (s *Server) Land() int {
	return s.land(func(*lateEffect) bool { return true })
}

func (s *Server) land(which func(*lateEffect) bool) int {
	s.callMu.Lock()
	var landing []*lateEffect
	s.late = slices.DeleteFunc(s.late, func(l *lateEffect) bool {
		if !which(l) {
			return false
		}
		landing = append(landing, l)
		return true
	})
	s.callMu.Unlock()
	for _, l := range landing {
		if l.timer != nil {
			l.timer.Stop()
		}
		for l.x.effect(l.problem).more {
			l.x.step++
		}
	}
	return len(landing)
}
