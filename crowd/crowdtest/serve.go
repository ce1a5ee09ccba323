package crowdtest

import (
	"context"
	"errors"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// maxBody bounds the bodies of requests.
const maxBody = 16 << 20

// serve takes a request through its whole life and returns what becomes of its
// answer.
func (s *Server) serve(r *http.Request) (*exchange, delivery) {
	s.init()
	x, problem := s.receive(r)
	ctx := r.Context()
	fault := s.pickFault(x, r)
	if verdict := s.passGate(ctx, x, BeforeEffect); verdict != NoFault {
		fault = Fault{Kind: verdict}
	}
	if d, over := s.beforeEffect(ctx, x, fault, problem); over {
		return x, d
	}
	answer, cut := s.carryOut(ctx, x, problem)
	if cut {
		return x, delivery{lost: true}
	}
	s.answered(x, answer.status)
	if verdict := s.passGate(ctx, x, BeforeAnswer); verdict != NoFault {
		fault = Fault{Kind: verdict}
	}
	return x, s.beforeAnswer(ctx, x, fault, answer)
}

// receive reads and records a request. A problem is what makes it unreadable.
func (s *Server) receive(r *http.Request) (*exchange, error) {
	opts := s.options.Load()
	p := locate(r.URL)
	x := &exchange{
		s: s, opts: opts, now: opts.Clock(), arrived: s.effects.Load(),
		method: r.Method, resource: p.resource, token: p.token, urlLength: len(r.URL.RequestURI()),
		header: r.Header, address: callerAddress(r, opts), root: hostOf(r) + p.context,
	}
	x.base = x.root + "/rest/" + p.api
	x.answer = acceptedFormat(r.Header.Get("Accept"), x.defaultFormat())
	if x.office = p.office; p.office {
		x.answer = wire.JSON
	}
	query, problem := parseParams(r.URL.RawQuery)
	x.params = query
	if r.Body != nil && r.Body != http.NoBody {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
		x.body = body
		if err == nil && len(body) > maxBody {
			err = &refusal{status: http.StatusRequestEntityTooLarge, message: "The body is too long"}
		}
		problem = errors.Join(problem, err)
	}
	notFound := x.find(p)
	if notFound != nil {
		problem = notFound
	}
	s.record(x, r)
	return x, problem
}

func hostOf(r *http.Request) string {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	if r.TLS != nil || r.URL.Scheme == "https" {
		return "https://" + host
	}
	return "http://" + host
}

// callerAddress is the address a request comes from or, where that is a
// trusted proxy, the last one that the proxy names.
func callerAddress(r *http.Request, opts *Options) string {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	forwarded := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(forwarded) - 1; i >= 0 && addressAllowed(opts.TrustedProxies, address); i-- {
		if next := strings.TrimSpace(forwarded[i]); next != "" {
			address = next
		}
	}
	return address
}

func (s *Server) record(x *exchange, r *http.Request) {
	name, _, _ := r.BasicAuth()
	x.call = &Call{Method: x.method, Resource: x.resource, Params: x.params.withoutSecrets(), Application: name, Time: x.now}
	if len(x.body) > 0 {
		x.call.BodyHash = maphash.Bytes(s.hashSeed, x.body)
	}
	s.callMu.Lock()
	defer s.callMu.Unlock()
	s.seq++
	x.call.Seq = s.seq
	if !x.opts.NoCalls {
		s.calls = append(s.calls, x.call)
	}
}

// callOf returns a copy of the call of x.
func (s *Server) callOf(x *exchange) Call {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	return *x.call
}

func (s *Server) answered(x *exchange, status int) {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	x.call.Status = status
}

// carryOut gives the request its effect. A request of several effects is cut
// short where the gate says so.
func (s *Server) carryOut(ctx context.Context, x *exchange, problem error) (answer *reply, cut bool) {
	for {
		answer := x.effect(problem)
		if !answer.more {
			return answer, false
		}
		x.step++
		if s.passGate(ctx, x, BeforeEffect) != NoFault {
			return nil, true
		}
	}
}

// effect carries out the exchange, or one step of it, at one moment.
func (x *exchange) effect(problem error) *reply {
	if x.route != nil && x.route.writes {
		x.s.mu.Lock()
		defer x.s.mu.Unlock()
		x.s.effects.Add(1)
	} else {
		x.s.mu.RLock()
		defer x.s.mu.RUnlock()
	}
	if x.opts.URLLimit > 0 && x.urlLength > x.opts.URLLimit {
		return containerPage(http.StatusRequestURITooLong, "The URI is too long.")
	}
	if refused := x.admit(); refused != nil {
		return refused
	}
	limited, header := x.takeToken()
	if limited {
		return &reply{status: http.StatusTooManyRequests, refused: true, header: header, text: "Too many requests", contentType: "text/plain"}
	}
	answer, err := x.run(problem)
	if err != nil {
		answer = x.refusalReply(err)
	}
	answer.header = header
	x.setCookie(answer)
	return answer
}

// admit lets the caller in, or returns the refusal.
func (x *exchange) admit() *reply {
	if x.office {
		return x.admitAdministrator()
	}
	return x.authenticate()
}

func (x *exchange) run(problem error) (*reply, error) {
	if problem != nil {
		return nil, problem
	}
	if !x.office {
		x.dirs = x.s.mappedDirectories(x.app)
	}
	return x.route.do(x)
}

// refusalReply turns an error into its answer.
func (x *exchange) refusalReply(err error) *reply {
	var r *refusal
	if !errors.As(err, &r) {
		return &reply{status: http.StatusBadRequest, text: printable(err.Error()), contentType: "text/plain"}
	}
	if x.office {
		return x.officeRefusal(r)
	}
	if r.reason == "" {
		return &reply{status: r.status, text: r.message, contentType: "text/plain"}
	}
	return &reply{status: r.status, entity: r.entity(), refused: true}
}

// wait lasts for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
