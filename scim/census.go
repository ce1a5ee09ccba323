package scim

import (
	"context"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A census remembers how many users there are while a client walks through their
// pages, for Crowd counts them only by listing their names. A walk begins with a
// fresh one.
type census struct {
	take func(context.Context) (groupsync.Census, error)
	now  func() time.Time

	mu    sync.Mutex // guards the rest
	last  groupsync.Census
	until time.Time
}

const walkTime = time.Minute

// known returns the last census, if it is not too old for a walk under way.
func (c *census) known() (groupsync.Census, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, c.now().Before(c.until)
}

// get returns the last census, or a new one where a walk begins or there is none.
func (c *census) get(ctx context.Context, begins bool) (groupsync.Census, error) {
	if last, ok := c.known(); ok && !begins {
		return last, nil
	}
	taken, err := c.take(ctx)
	if err != nil {
		return taken, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.until = taken, c.now().Add(walkTime)
	return taken, nil
}

// forget drops the census, after a user came or went.
func (c *census) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = time.Time{}
}
