package scim

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// An exchange is one request and its answer on their way through the handler.
type exchange struct {
	w         http.ResponseWriter
	r         *http.Request
	head      bool           // the request was HEAD, served as GET
	id        string         // of the resource named in the path, "" for none
	alias     string         // address of the resource that /Me stands for, "" elsewhere
	principal Principal      // who asks
	query     []param        // of the URL, decoded, in order
	status    int            // of the answer, 0 before it begins
	written   int64          // bytes of its body
	failure   *failure       // the answer, where it is an error
	doc       map[string]any // the body, where it came within a Bulk request
	unread    bool           // the rest of the body, which is too large, is still coming

	authenticated bool
	seen          sighting // in the body as it came
}

// reads reports whether the request changes nothing.
func (x *exchange) reads() bool { return x.r.Method == http.MethodGet || x.head }

// A param is one parameter of a URL's query.
type param struct{ name, value string }

const mediaType = "application/scim+json"

// send writes a whole answer.
func (x *exchange) send(status int, body []byte) error {
	header := x.w.Header()
	if status != http.StatusNoContent && status != http.StatusNotModified {
		header.Set("Content-Type", mediaType)
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.begin(status)
	return x.write(body)
}

// sendChanged answers a PATCH without the resource: with its version and address
// alone (RFC 7644 section 3.5.2).
func (x *exchange) sendChanged(version, address string) error {
	x.w.Header().Set("ETag", version)
	x.w.Header().Set("Location", address)
	return x.send(http.StatusNoContent, nil)
}

func (x *exchange) begin(status int) {
	x.status = status
	x.w.WriteHeader(status)
}

func (x *exchange) write(body []byte) error {
	if x.head || len(body) == 0 {
		return nil
	}
	n, err := x.w.Write(body)
	x.written += int64(n)
	return err
}

// locate tells the address of the resource that the answer is about: Location,
// as in the examples of RFC 7644, and Content-Location, which is the same as
// meta.location (RFC 7643 section 3.1).
func (x *exchange) locate(address string) {
	x.w.Header().Set("Location", address)
	x.w.Header().Set("Content-Location", address)
}

// fail writes the answer to an error. It must not be called once an answer has
// begun.
func (x *exchange) fail(f *failure) {
	x.failure = f
	header := x.w.Header()
	for name, values := range f.header {
		header[name] = values
	}
	if f.retryAfter > 0 {
		header.Set("Retry-After", seconds(f.retryAfter))
	}
	for _, name := range []string{"ETag", "Location", "Content-Location"} {
		header.Del(name) // of the answer that it comes instead of
	}
	if x.alias != "" {
		header.Set("Location", x.alias)
	}
	// A client that is gone is told nothing; its absence shows in the log.
	_ = x.send(f.status, f.body())
}

// document reads the request's body as one JSON object.
func (x *exchange) document(l Limits) (map[string]any, error) {
	if x.doc != nil {
		return x.doc, nil
	}
	body, err := x.body(l)
	if err != nil {
		return nil, err
	}
	doc, err := resource.Decode(body, resource.Limits{Depth: l.Depth})
	if err == nil {
		x.seen = sight(x.r.Method, doc)
	}
	return doc, err
}

// body reads the request's body, within its limit.
func (x *exchange) body(l Limits) ([]byte, error) {
	if f := checkMediaType(x.r.Header); f != nil {
		return nil, f
	}
	if x.r.ContentLength > l.Body {
		return nil, x.oversized(l.Body)
	}
	data, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, l.Body))
	if err == nil {
		return data, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, x.oversized(l.Body)
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return nil, &failure{status: http.StatusRequestTimeout, detail: "the request body did not arrive in time", cause: err}
	}
	return nil, &failure{status: http.StatusBadRequest, scimType: invalidSyntax, detail: "the request body ended early", cause: err}
}

// checkMediaType refuses bodies that are not JSON (RFC 7644 section 3.1).
func checkMediaType(header http.Header) *failure {
	unsupported := func(detail string) *failure {
		return &failure{status: http.StatusUnsupportedMediaType, detail: detail}
	}
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		f := unsupported("Content-Encoding: send the body as it is, not compressed")
		f.header = http.Header{"Accept-Encoding": {"identity"}}
		return f
	}
	value := header.Get("Content-Type")
	if value == "" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(value)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return unsupported("Content-Type: cannot be read; send " + mediaType)
	}
	if kind != mediaType && kind != "application/json" {
		return unsupported("Content-Type: send " + mediaType + " or application/json")
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return unsupported("Content-Type: send the body in UTF-8")
	}
	return nil
}

// checkAccept refuses a client that takes no JSON at all. A header that is
// missing or cannot be read means that anything will do.
func checkAccept(header http.Header) *failure {
	values := header.Values("Accept")
	if len(values) == 0 {
		return nil
	}
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		kind, params, err := mime.ParseMediaType(item)
		if err != nil {
			return nil
		}
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil && q == 0 {
			continue
		}
		switch kind {
		case mediaType, "application/json", "application/*", "*/*", "application/*+json":
			return nil
		}
	}
	return &failure{status: http.StatusNotAcceptable, detail: "Accept: this server answers with " + mediaType + " only"}
}

// cutSlow gives a client until the end of the request's time to send its body
// and to take the answer. The function it returns lifts that from a connection
// that will be used again.
func cutSlow(w http.ResponseWriter, within time.Duration) func() {
	// Writers that know no deadlines, such as recorders in tests, say so by an
	// error; there is nothing to cut then.
	control := http.NewResponseController(w)
	deadline := time.Now().Add(within)
	_ = control.SetReadDeadline(deadline)
	if control.SetWriteDeadline(deadline.Add(writeGrace)) != nil {
		return func() {}
	}
	return func() {
		_ = control.Flush()
		_ = control.SetReadDeadline(time.Time{})
		_ = control.SetWriteDeadline(time.Time{})
	}
}

// writeGrace lets the answer to a request that ran out of time still go out.
const writeGrace = 5 * time.Second

// A stream is an answer of unknown length. Nothing is sent before so much has
// been written that it would not be held in memory: until then an error still
// becomes an answer of its own.
type stream struct {
	encoder
	x      *exchange
	status int // of the answer, once it begins
}

const streamBuffer = 128 << 10

// spill sends what has gathered, if it is much.
func (s *stream) spill() error {
	if len(s.buf) < streamBuffer {
		return nil
	}
	if s.x.status == 0 {
		s.x.w.Header().Set("Content-Type", mediaType)
		s.x.begin(s.status)
	}
	err := s.x.write(s.buf)
	s.buf = s.buf[:0]
	return err
}

// end sends the rest.
func (s *stream) end() error {
	if s.x.status == 0 {
		return s.x.send(s.status, s.buf)
	}
	return s.x.write(s.buf)
}

func (x *exchange) context() context.Context { return x.r.Context() }
