package groupsync

import (
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// A panic in a goroutine would end the process, however its caller guards itself.
// It is carried to the goroutine that waits, and goes on there.
type panics struct{ first atomic.Pointer[string] }

// catch calls f, and returns an error where it panics.
func (p *panics) catch(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			text := fmt.Sprintf("%v\n\n%s", v, debug.Stack())
			p.first.CompareAndSwap(nil, &text)
			err = fmt.Errorf("groupsync: panic: %v", v)
		}
	}()
	return f()
}

// raise panics if any f did.
func (p *panics) raise() {
	if text := p.first.Load(); text != nil {
		panic(*text)
	}
}
