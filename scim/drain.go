package scim

import (
	"io"
	"net/http"
	"time"
)

// mostDrained is how much is read, after the answer, of a body that is refused
// for its size. There are clients that send all of it before they listen, and
// whose connection would break before they hear why.
const mostDrained = 32 << 20

// oversized returns the answer to a body that is too large, the rest of which
// stays unread.
func (x *exchange) oversized(limit int64) *failure {
	f := tooLarge(limit)
	if x.r.ProtoMajor == 1 {
		f.header = http.Header{"Connection": {"close"}}
	}
	// A client that waits for leave to send its body has not begun to.
	x.unread = x.r.Header.Get("Expect") == "" && http.NewResponseController(x.w).EnableFullDuplex() == nil
	return f
}

// drain reads and drops the rest of a body that is too large, within bounds of
// size and time.
func (x *exchange) drain() {
	if !x.unread {
		return
	}
	// Where the client is gone already there is nobody to be told.
	control := http.NewResponseController(x.w)
	_ = control.Flush()
	_ = control.SetReadDeadline(time.Now().Add(writeGrace))
	_, _ = io.CopyN(io.Discard, x.r.Body, mostDrained)
}
