package crowdtest

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// A delivery is what becomes of an answer.
type delivery struct {
	answer *reply
	// lost closes the connection without an answer; reset does so with a TCP
	// reset; cut sends the first half of the answer.
	lost, reset, cut bool
}

// ServeHTTP answers as Crowd does at any path that holds /rest/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, d := s.serve(r)
	switch {
	case d.reset:
		resetConnection(w)
	case d.lost:
		panic(http.ErrAbortHandler)
	default:
		x.write(w, d)
	}
}

// resetConnection makes the peer see a TCP reset where that is possible.
func resetConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (x *exchange) write(w http.ResponseWriter, d delivery) {
	body := x.bodyOf(d.answer)
	x.headers(w.Header(), d.answer)
	first, more := body.next()
	if d.cut {
		first = x.cut(w.Header(), first, more)
		more = false
	} else if !more {
		w.Header().Set("Content-Length", strconv.Itoa(len(first)))
	}
	if d.answer.status == http.StatusNoContent {
		w.Header().Del("Content-Length")
	}
	w.WriteHeader(d.answer.status)
	for {
		if _, err := w.Write(first); err != nil || !more {
			break
		}
		first, more = body.next()
	}
	if d.cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// cut returns half of a body and promises the whole.
func (x *exchange) cut(h http.Header, body []byte, more bool) []byte {
	if !more {
		h.Set("Content-Length", strconv.Itoa(max(len(body), 1)))
	}
	return body[:len(body)/2]
}

// headers writes the headers of an answer.
func (x *exchange) headers(h http.Header, a *reply) {
	for name, values := range a.header {
		h[name] = values
	}
	if a.contentType != "" {
		h["Content-Type"] = []string{a.contentType}
	} else if a.status != http.StatusNoContent {
		h["Content-Type"] = []string{x.answer.ContentType()}
	}
	if !a.foreign && !x.opts.HideVersion && !(a.refused && x.opts.HideVersionOnErrors) {
		h["X-Embedded-Crowd-Version"] = []string{"Crowd/" + x.opts.Version}
	}
	if a.cookie != "" {
		h["Set-Cookie"] = []string{a.cookie}
	}
	if a.location != "" {
		h["Location"] = []string{a.location}
	}
}

// A bodyWriter makes the body of an answer part by part.
type bodyWriter struct {
	b    bytes.Buffer
	part chunks
}

// next returns the next part, valid until the next call, and tells whether
// there are more.
func (w *bodyWriter) next() (part []byte, more bool) {
	w.b.Reset()
	more = w.part(&w.b)
	return w.b.Bytes(), more
}

// bodyOf returns the body of an answer.
func (x *exchange) bodyOf(a *reply) *bodyWriter {
	return &bodyWriter{part: func(b *bytes.Buffer) bool {
		switch {
		case a.list != nil:
			return a.list(b)
		case a.text != "":
			b.WriteString(a.text)
		case a.empty || a.entity == nil:
		default:
			x.document(b, a.entity)
		}
		return false
	}}
}

// document writes one entity. Entities are plain data and always encode; what
// XML cannot hold is replaced.
func (x *exchange) document(b *bytes.Buffer, entity any) {
	if err := x.answer.Document(b, x.shown(entity)); err != nil {
		panic("crowdtest: encode an answer: " + err.Error())
	}
}

// shown turns what a handler returns into its representation.
func (x *exchange) shown(entity any) any {
	switch e := entity.(type) {
	case userView:
		return x.showUser(e)
	case groupView:
		return x.showGroup(e)
	case attributeBody:
		return x.showAttributes(e.kind, x.name(e.name), e.attrs)
	case *session:
		return x.showSession(e)
	}
	return entity
}

// RoundTrip answers r without a network. It returns when r's context ends,
// where something keeps it waiting.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.RemoteAddr == "" {
		r = withRemoteAddr(r)
	}
	x, d := s.serve(r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if d.lost || d.reset {
		return nil, errReset
	}
	return x.response(r, d), nil
}

// withRemoteAddr gives a request the address that a local client has.
func withRemoteAddr(r *http.Request) *http.Request {
	local := *r
	local.RemoteAddr = "127.0.0.1:49152"
	return &local
}

func (x *exchange) response(r *http.Request, d delivery) *http.Response {
	h := http.Header{}
	x.headers(h, d.answer)
	body := x.bodyOf(d.answer)
	first, more := body.next()
	length := int64(len(first))
	reader := &responseBody{rest: first, more: more, w: body}
	switch {
	case d.cut:
		reader.rest = x.cut(h, first, more)
		reader.more, reader.err = false, io.ErrUnexpectedEOF
	case more:
		length = -1
	default:
		h["Content-Length"] = []string{strconv.Itoa(len(first))}
	}
	if r.Method == http.MethodHead {
		reader = &responseBody{}
	}
	return &http.Response{
		Status:     strconv.Itoa(d.answer.status) + " " + http.StatusText(d.answer.status),
		StatusCode: d.answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: reader, ContentLength: length, Request: r,
	}
}

// A responseBody reads the parts of a body as they are asked for.
type responseBody struct {
	rest []byte
	more bool
	err  error
	w    *bodyWriter
}

// Read reads the next bytes.
func (b *responseBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		switch {
		case b.more:
			b.rest, b.more = b.w.next()
		case b.err != nil:
			return 0, b.err
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close forgets the rest.
func (b *responseBody) Close() error {
	b.rest, b.more, b.err = nil, false, http.ErrBodyReadAfterClose
	return nil
}

var errReset error = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// listChunk is about how many bytes of a list are made at a time.
const listChunk = 32 << 10

// listOf writes n entities, one after the other, as the representation of a
// list of the given kind, "user" or "group".
func (x *exchange) listOf(kind string, n int, at func(int) any) chunks {
	i := 0
	started := false
	return func(b *bytes.Buffer) bool {
		if !started {
			started = true
			x.listStart(b, kind)
		}
		for ; i < n && b.Len() < listChunk; i++ {
			if i > 0 && x.answer == wire.JSON {
				b.WriteByte(',')
			}
			if err := x.answer.Append(b, at(i)); err != nil {
				panic("crowdtest: encode a list: " + err.Error())
			}
		}
		if i < n {
			return true
		}
		x.listEnd(b, kind)
		return false
	}
}

func (x *exchange) listStart(b *bytes.Buffer, kind string) {
	if x.answer == wire.XML {
		b.WriteString(wire.XMLHeader + "<" + kind + `s expand="` + kind + `">`)
		return
	}
	b.WriteString(`{"expand":"` + kind + `","` + kind + `s":[`)
}

func (x *exchange) listEnd(b *bytes.Buffer, kind string) {
	if x.answer == wire.XML {
		b.WriteString("</" + kind + "s>")
		return
	}
	b.WriteString("]}")
}
