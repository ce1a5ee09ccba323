package crowd

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

const (
	mediaJSON = "application/json"
	mediaXML  = "application/xml"
	mediaHTML = "text/html"

	maxEntity  = 64 << 20  // bytes of one entity; a user with 100,000 attributes fits
	maxEdge    = 1 << 20   // bytes of one membership of a dump, and what stands before it
	maxHeader  = 256 << 10 // bytes of the header of an answer
	maxRefusal = 64 << 10  // bytes of an error entity
	maxMessage = 1 << 10   // bytes of a message that an error carries on
)

// errNoBody is an answer that says nothing beyond its status, as old servers
// give where newer ones return an entity.
var errNoBody = errors.New("no entity in the answer")

// mediaType returns the media type of a body, in the two spellings this package
// asks for, or whatever else it is.
func mediaType(h http.Header) string {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case err != nil:
		return ""
	case media == "text/xml" || strings.HasSuffix(media, "+xml") && media != "application/xhtml+xml":
		return mediaXML
	case strings.HasSuffix(media, "+json"):
		return mediaJSON
	case media == "application/xhtml+xml":
		return mediaHTML
	}
	return media
}

// into returns a reader of answers that decodes an entity into target.
func into(target any) func(*http.Response) error {
	return func(r *http.Response) error {
		return decodeEntity(mediaType(r.Header), r.Body, target)
	}
}

// decodeEntity decodes one whole entity. An empty body is errNoBody.
func decodeEntity(media string, body io.Reader, target any) error {
	limited := &io.LimitedReader{R: body, N: maxEntity}
	err := decodeAs(media, limited, target)
	if err != nil && limited.N == 0 {
		return fmt.Errorf("it is longer than %d bytes", maxEntity)
	}
	if err == nil {
		drain(body)
	}
	return err
}

func decodeAs(media string, body io.Reader, target any) error {
	var err error
	switch media {
	case mediaJSON:
		err = json.NewDecoder(body).Decode(target)
	case mediaXML:
		err = xml.NewDecoder(body).Decode(target)
	default:
		return undecodable(media, body)
	}
	if err == io.EOF {
		return errNoBody
	}
	return err
}

// A stretchReader bounds each stretch of a body, though not the whole: what is
// decoded piece by piece may be of any length, but no piece.
type stretchReader struct {
	reader io.Reader
	limit  int
	left   int
}

// begin begins a stretch.
func (r *stretchReader) begin() { r.left = r.limit }

func (r *stretchReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, fmt.Errorf("a part of it is longer than %d bytes", r.limit)
	}
	n, err := r.reader.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// undecodable tells an empty body from one of a type that is not the API's.
func undecodable(media string, body io.Reader) error {
	_, err := io.ReadFull(body, make([]byte, 1))
	switch {
	case err == io.EOF:
		return errNoBody
	case err != nil:
		return err
	case media == "":
		return errors.New("it is of no known type")
	}
	return fmt.Errorf("it is %s, not JSON or XML", media)
}

// errorEntity is the body of a refusal.
type errorEntity struct {
	Reason  string `json:"reason" xml:"reason"`
	Message string `json:"message" xml:"message"`
}

// readErrorEntity reads the body of a refusal. One that is no error entity says
// nothing; the status stands for itself. whole is false where a body broke off,
// which had perhaps more to say.
func readErrorEntity(media string, body io.Reader) (entity errorEntity, whole bool) {
	var err error
	if media == mediaJSON || media == mediaXML {
		err = decodeAs(media, io.LimitReader(body, maxRefusal), &entity)
	}
	drain(body)
	entity.Reason, entity.Message = cut(entity.Reason, maxMessage), cut(entity.Message, maxMessage)
	return entity, !brokeOff(err)
}

// brokeOff reports whether a document ended before its end.
func brokeOff(err error) bool {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return syntax.Msg == "unexpected EOF"
	}
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// cut shortens a text that may be of any length.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}

// drain reads a little, so that the connection can be used again.
func drain(body io.Reader) { _, _ = io.CopyN(io.Discard, body, maxRefusal) }
