package crowdtest

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// An exchange is one request on its way to its answer.
type exchange struct {
	s    *Server
	opts *Options
	app  *application
	// dirs are the active directories that the application sees, in order.
	dirs []mapped

	method, resource string
	// token is the last segment of the paths that end in one.
	token string
	// office marks the APIs for administrators, whose paths hold ids.
	office bool
	ids    []string
	params params
	header http.Header
	// address is the caller's, without port.
	address string
	// urlLength is that of path and query.
	urlLength int
	body      []byte
	answer    wire.Format
	// base is the URL of the API, and root that of the host with the path of
	// the context.
	base, root string
	now        time.Time
	// arrived is the number of effects that had taken place when the request
	// came in.
	arrived uint64
	// step counts the effects of a request that has several.
	step  int
	route *route
	call  *Call
}

// A reply is an answer before it is written.
type reply struct {
	status int
	// empty sends no body, but a content type where a status allows one.
	empty bool
	// entity is written as the whole body, unless list is set.
	entity any
	list   chunks
	// text is written as it is, as contentType.
	text, contentType string
	location          string
	// foreign marks answers of the servlet container or of a proxy.
	foreign bool
	// refused marks refusals by Crowd itself.
	refused bool
	header  http.Header
	cookie  string
	// more says that the exchange has another effect to come.
	more bool
}

// chunks appends the next part of a body to b and tells whether more follows.
type chunks func(b *bytes.Buffer) (more bool)

func noContent() (*reply, error) { return &reply{status: http.StatusNoContent}, nil }

func ok(entity any) (*reply, error) { return &reply{status: http.StatusOK, entity: entity}, nil }

// created is a 201 without a body; its content type is sent nevertheless, for
// clients read it.
func created() (*reply, error) { return &reply{status: http.StatusCreated, empty: true}, nil }

// decode reads the request's body.
func (x *exchange) decode(v any) error {
	format, known := bodyFormat(x.header.Get("Content-Type"))
	if len(x.body) == 0 {
		return x.illegal("A body is needed")
	}
	if !known || x.office && format != wire.JSON {
		return &refusal{http.StatusUnsupportedMediaType, reasonIllegalArgument, "The body is neither JSON nor XML"}
	}
	if err := format.Decode(x.body, v, x.opts.Strict); err != nil {
		return x.illegal("The body cannot be read: %v", err)
	}
	return nil
}

// bodyFormat tells the format of a media type, whatever its parameters.
func bodyFormat(contentType string) (wire.Format, bool) {
	media, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "application/json":
		return wire.JSON, true
	case "application/xml", "text/xml":
		return wire.XML, true
	}
	return 0, false
}

// acceptedFormat returns the format of an answer: of the two formats the one
// that Accept prefers, the first if it prefers neither.
func acceptedFormat(accept string, fallback wire.Format) wire.Format {
	if accept == "application/json" {
		return wire.JSON
	}
	best, bestQuality := fallback, 0.0
	for item := range strings.SplitSeq(accept, ",") {
		media, quality := parseAccept(item)
		format, known := bodyFormat(media)
		if !known {
			format = fallback
			quality = min(quality, 0.001)
		}
		if quality > bestQuality {
			best, bestQuality = format, quality
		}
	}
	return best
}

func parseAccept(item string) (media string, quality float64) {
	media, rest, _ := strings.Cut(item, ";")
	for p := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if name == "q" {
			if q, err := strconv.ParseFloat(value, 64); err == nil {
				return media, q
			}
		}
	}
	return media, 1
}

// jsonOnly tells whether Accept names JSON and nothing that XML satisfies.
func jsonOnly(accept string) bool {
	return strings.Contains(accept, "json") && !strings.Contains(accept, "xml") && !strings.Contains(accept, "*/*")
}

func (x *exchange) defaultFormat() wire.Format {
	if x.opts.DefaultJSON {
		return wire.JSON
	}
	return wire.XML
}
