package crowdtest

import (
	"context"
	"hash/maphash"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// The application of a [Server] that nothing else was said of, and its
// password.
const (
	DefaultApplication              = "scim"
	DefaultPassword    crowd.Secret = "crowdtest-password"
)

// DefaultDirectory is the name of the directory of a [Server] that nothing
// else was said of.
const DefaultDirectory = "Crowd"

const firstDirectoryID = 32769

// A Server is a Crowd in memory. Its zero value is an empty one with one
// directory and one application, [DefaultApplication]; it is an [http.Handler]
// that may be mounted anywhere and an [http.RoundTripper] that needs no
// network. [NewServer] starts one on a loopback address.
//
// All methods may be called concurrently, and requests are linearizable: each
// takes effect whole, at one moment between its arrival and its answer.
type Server struct {
	// URL is the base URL of a server that [NewServer] started, ending in
	// /crowd. Any other answers to every host name.
	URL string
	// Application and Password are the credentials of the application that
	// the methods of Server which name none are about. Empty means the
	// defaults. Set them before the first use.
	Application string
	Password    crowd.Secret

	once         sync.Once
	routes       map[string]methods
	officeRoutes []officePath
	given        Options // as set, guarded by mu
	options      atomic.Pointer[Options]
	hashSeed     maphash.Seed
	effects      atomic.Uint64
	gate         atomic.Pointer[Gate]

	// mu guards everything below down to the next blank line. Readers share.
	mu              sync.RWMutex
	directories     []*directory
	nextID          int64
	applications    map[string]*application
	sessions        sessions
	events          events
	webhooks        map[string]string
	lastWebhook     int
	firstWrites     map[firstWrite]uint64
	estates         map[legacy]estate
	lastApplication int64
	limit           bucket // shared by all applications, and that of administrators
	ids             ids

	// callMu guards calls and their fields, and the faults with their counts.
	callMu sync.Mutex
	calls  []*Call
	seq    int
	faults []*activeFault
	late   []*lateEffect
}

// NewServer starts a server on a loopback address under the path /crowd and
// closes it when the test ends.
func NewServer(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{Application: DefaultApplication, Password: DefaultPassword}
	h := httptest.NewServer(s)
	tb.Cleanup(h.Close)
	s.URL = h.URL + "/crowd"
	return s
}

// init fills a zero server in. Every exported method calls it first.
func (s *Server) init() {
	s.once.Do(func() {
		if s.Application == "" {
			s.Application, s.Password = DefaultApplication, DefaultPassword
		}
		s.routes = routes()
		s.officeRoutes = officeRoutes()
		s.hashSeed = maphash.MakeSeed()
		s.options.Store(s.given.withPresets())
		s.clear()
		s.addDirectory(Directory{Name: DefaultDirectory})
		s.setApplication(Application{Name: s.Application, Password: s.Password})
	})
}

// clear empties the state.
func (s *Server) clear() {
	s.directories = nil
	s.nextID = firstDirectoryID
	s.applications, s.lastApplication = map[string]*application{}, 0
	s.sessions = newSessions()
	s.webhooks, s.lastWebhook = map[string]string{}, 0
	s.firstWrites = map[firstWrite]uint64{}
	s.estates = map[legacy]estate{}
	s.ids = ids{}
	s.events = events{stream: s.newID()}
}

// Reset returns the server to the state of a new one: no users and groups, one
// directory, one application, no calls and no faults. Options stay.
func (s *Server) Reset() {
	s.init()
	s.mu.Lock()
	s.clear()
	s.addDirectory(Directory{Name: DefaultDirectory})
	s.setApplication(Application{Name: s.Application, Password: s.Password})
	s.mu.Unlock()
	s.ResetCalls()
	s.ClearFaults()
}

// Restart does to clients what a restart of Crowd does: event tokens are no
// longer known, and cookies are forgotten.
func (s *Server) Restart() {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = events{stream: s.newID()}
	for _, app := range s.applications {
		app.cookie = s.newToken()
	}
}

// Options returns the options as they were set.
func (s *Server) Options() Options {
	s.init()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.given.clone()
}

// SetOptions changes options. Requests that have arrived keep the old ones.
func (s *Server) SetOptions(change func(*Options)) {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	given := s.given.clone()
	change(&given)
	s.given = given.clone()
	s.options.Store(s.given.withPresets())
}

// A Gate is called for every request twice: before its effect, when nothing
// has been looked at or changed, and before its answer is sent. It may block,
// and what it returns decides what becomes of the request: [NoFault] lets it
// go on; before the effect [LoseRequest], [LoseResponse] and [LandLate], before
// the answer [LoseResponse] make it fail in that way. A gate that blocks should
// end when ctx does, which is the request's context.
//
// Under [Options.AttributesOneByOne] it is called before the effect of each
// attribute.
type Gate func(ctx context.Context, c Call, at Moment) FaultKind

// A Moment is where in its life a call is.
type Moment int

// The moments at which a [Gate] is called.
const (
	BeforeEffect Moment = iota
	BeforeAnswer
)

// String returns the moment's name.
func (m Moment) String() string {
	if m == BeforeEffect {
		return "before effect"
	}
	return "before answer"
}

// SetGate makes every later request pass the gate; nil takes it away.
func (s *Server) SetGate(g Gate) {
	s.init()
	if g == nil {
		s.gate.Store(nil)
		return
	}
	s.gate.Store(&g)
}

func (s *Server) passGate(ctx context.Context, x *exchange, at Moment) FaultKind {
	g := s.gate.Load()
	if g == nil {
		return NoFault
	}
	return (*g)(ctx, s.callOf(x), at)
}
