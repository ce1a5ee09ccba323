package scim

import (
	"context"
	"hash/maphash"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	throttleSlots   = 4096
	throttleFree    = 10                     // failures answered at once
	throttleForget  = time.Minute            // after this long without a failure
	throttleStep    = 100 * time.Millisecond // doubled with each further failure
	throttleLongest = 2 * time.Second
	throttleWaiting = 64 // answers held back at one time
)

// A throttle slows the answers to failed authentications, per client address.
// Its memory is a fixed table: addresses that fall into one slot are slowed
// together, which a client with a valid token never notices, for only failures
// are.
type throttle struct {
	seed    maphash.Seed
	now     func() time.Time
	waiting chan struct{}

	mu    sync.Mutex // guards slots
	slots [throttleSlots]struct {
		failures int
		last     time.Time
	}
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{seed: maphash.MakeSeed(), now: now, waiting: make(chan struct{}, throttleWaiting)}
}

// failed counts a failure and holds its answer back as long as is due. It
// returns false when too many answers are being held back already: then the
// caller says 429.
func (t *throttle) failed(ctx context.Context, remoteAddr string) bool {
	wait := t.count(remoteAddr)
	if wait == 0 {
		return true
	}
	select {
	case t.waiting <- struct{}{}:
		defer func() { <-t.waiting }()
	default:
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return true
}

func (t *throttle) count(remoteAddr string) time.Duration {
	slot := &t.slots[maphash.String(t.seed, network(remoteAddr))%throttleSlots]
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Sub(slot.last) > throttleForget {
		slot.failures = 0
	}
	slot.failures++
	slot.last = now
	over := slot.failures - throttleFree
	if over <= 0 {
		return 0
	}
	wait := throttleLongest
	if over < 6 {
		wait = min(wait, throttleStep<<(over-1))
	}
	return wait
}

// network returns what counts as one client: an IPv4 address, or the /64 of an
// IPv6 address.
func network(remoteAddr string) string {
	host, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		host = remoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if addr = addr.Unmap(); addr.Is6() {
		prefix, err := addr.WithZone("").Prefix(64)
		if err == nil {
			return prefix.String()
		}
	}
	return addr.String()
}
