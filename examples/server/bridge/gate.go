package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A gate keeps requests from a connection until it is known that its directory holds
// no records of connections that the document does not have: what those granted would
// not count.
type gate struct {
	open  atomic.Bool
	check sync.Mutex // held while Crowd is asked
}

// admitTime bounds the question, so that a start with a Crowd that is down does not
// take long.
const admitTime = 10 * time.Second

var errNotAdmitted = errors.New("it is not known yet whether the directory holds records of other connections")

// admit opens the gate of a site, once.
func (s *Server) admit(ctx context.Context, at *site) error {
	if at.gate.open.Load() {
		return nil
	}
	if !at.gate.check.TryLock() {
		return errNotAdmitted // another request is asking; the client comes back
	}
	defer at.gate.check.Unlock()
	ctx, cancel := context.WithTimeout(withConnection(ctx, at.Name), admitTime)
	defer cancel()
	err := at.Engine.CheckStrangers(ctx)
	if err == nil {
		at.gate.open.Store(true)
	}
	return err
}

// strangers opens the gates where Crowd answers, and refuses where it must stay shut.
// A Crowd that does not answer is asked again by the first request.
func (s *Server) strangers(ctx context.Context, sites []*site) error {
	for _, at := range sites {
		if at.Paused {
			continue
		}
		err := s.admit(ctx, at)
		if stranger(err) {
			return fmt.Errorf("connection %s: %w", at.Name, err)
		}
		if err != nil {
			s.logger.WarnContext(ctx, "Crowd does not answer yet", "connection", at.Name, "error", err)
		}
	}
	return nil
}

// stranger reports whether an error says that the document lacks a connection.
func stranger(err error) bool {
	_, ok := errors.AsType[*groupsync.StrangerError](err)
	return ok
}
