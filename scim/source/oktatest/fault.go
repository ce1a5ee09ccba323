package oktatest

import (
	"errors"
	"io"
	"net/http"
	"strconv"
)

// A FaultKind is what goes wrong with a request.
type FaultKind int

// The kinds of faults.
const (
	Answer    FaultKind = iota // answers with Status, in Okta's form
	Close                      // closes the connection without an answer
	CutBody                    // sends half of the answer
	Elsewhere                  // names another server as that of the next page
	Garbage                    // sends a page of HTML with status 200
)

// A Fault spoils requests.
type Fault struct {
	// Nth is the number of the request, from the next one on, that it spoils first;
	// 0 and 1 mean the next.
	Nth int
	// Times is how many requests it spoils, one after the other; 0 means 1.
	Times int
	Kind  FaultKind
	// Status is that of an [Answer].
	Status int
	// Before is called when it spoils a request. Nil does nothing.
	Before func()
}

// Fail makes requests fail.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Nth, f.Times = max(f.Nth, 1), max(f.Times, 1)
	s.faults = append(s.faults, &f)
}

// ClearFaults takes all faults away.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// due returns the fault that a request meets, nil for none.
func (s *Server) due() (met *Fault) {
	for _, f := range s.faults {
		if f.Nth--; f.Nth <= 0 && f.Times > 0 && met == nil {
			f.Times--
			met = f
		}
	}
	return met
}

var errClosed = errors.New("oktatest: the connection was closed")

// spoil sends an answer as the fault has it.
func (f *Fault) spoil(w http.ResponseWriter, a *answer) {
	if f == nil {
		a.send(w)
		return
	}
	if f.Before != nil {
		f.Before()
	}
	switch f.Kind {
	case Answer:
		e := &failure{f.Status, "E0000009", "Internal Server Error"}
		a.status, a.body = e.status, e.body()
	case Close:
		panic(http.ErrAbortHandler)
	case CutBody:
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:len(a.body)/2]
	case Elsewhere:
		a.header.Set("Link", `<https://elsewhere.example.com/api/v1/users?after=1>; rel="next"`)
	case Garbage:
		a.header.Set("Content-Type", "text/html")
		a.body = []byte("<html><body>Sign in to the network</body></html>")
	}
	a.send(w)
}

// cut is a body that ends before its end.
type cut struct{ io.ReadCloser }

func (c cut) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
