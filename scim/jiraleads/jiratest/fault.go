package jiratest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
)

// A FaultKind is a way in which a request goes wrong.
type FaultKind int

const (
	Answer       FaultKind = iota // Status is answered, with Jira's error entity
	AnswerHTML                    // Status is answered, with a page of a proxy
	LoseRequest                   // the request does not arrive
	LoseResponse                  // the request takes effect, its answer does not arrive
	Garbage                       // the answer is cut in its middle
)

// A Fault makes requests go wrong.
type Fault struct {
	Kind FaultKind
	// Nth is the first request that goes wrong, counted from when the fault is set;
	// 0 and 1 mean the next one. Times is how many in a row, by default one.
	Nth, Times int
	// Status is answered, and RetryAfter, in seconds, said if it is not 0.
	Status, RetryAfter int

	seen int
}

// Fail makes requests go wrong.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Nth, f.Times = max(f.Nth, 1), max(f.Times, 1)
	s.faults = append(s.faults, &f)
}

// ClearFaults makes requests go well again.
func (s *Server) ClearFaults() { s.mu.Lock(); defer s.mu.Unlock(); s.faults, s.limit = nil, 0 }

// fault counts a request and returns the fault that it meets, nil for none.
func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	if s.limit > 0 && len(s.calls)%s.limit != 0 {
		return &Fault{Status: http.StatusTooManyRequests, RetryAfter: 1}
	}
	for _, f := range s.faults {
		if f.seen++; f.seen >= f.Nth && f.seen < f.Nth+f.Times {
			return f
		}
	}
	return nil
}

var errLost = errors.New("jiratest: connection reset by peer")

// RoundTrip answers without a network.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	f := s.fault(r)
	if f != nil && f.Kind == LoseRequest {
		return nil, errLost
	}
	w := httptest.NewRecorder()
	s.answer(w, r, f)
	if f != nil && f.Kind == LoseResponse {
		return nil, errLost
	}
	response := w.Result()
	response.Request = r
	return response, nil
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := s.fault(r)
	if f != nil && f.Kind == LoseRequest {
		panic(http.ErrAbortHandler)
	}
	if f != nil && f.Kind == LoseResponse {
		s.answer(httptest.NewRecorder(), r, nil)
		panic(http.ErrAbortHandler)
	}
	s.answer(w, r, f)
}

// answer answers a request, or what a fault says.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, f *Fault) {
	switch {
	case f == nil || f.Kind == LoseResponse:
		s.route(w, r)
	case f.Kind == Garbage:
		whole := httptest.NewRecorder()
		s.route(whole, r)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(whole.Code)
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	default:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(f.RetryAfter))
		}
		if f.Kind == AnswerHTML {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(f.Status)
			_, _ = fmt.Fprintf(w, "<html><body>%s</body></html>", http.StatusText(f.Status))
			return
		}
		refuse(w, f.Status, http.StatusText(f.Status), nil)
	}
}
