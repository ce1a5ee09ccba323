// Package audit keeps the events of a groupsync engine in a log that shows whether
// it was touched, and reads and verifies it:
//
//	writer := audit.NewWriter(file, audit.Head{})
//	engine, err := groupsync.New(groupsync.Config{..., Observer: writer.Observe})
//	...
//	head, err := audit.Verify(file, audit.Check{})
//
// The log is JSON Lines, so any tool can read it; see [Writer] for the form and
// for what it proves. [Events] reads one for [groupsync.Engine.PlanUndo]. The
// package opens, rotates and syncs no file: it is given readers and writers.
package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// MaxLine is the greatest length in bytes of a line of an audit log, its
// line feed included.
const MaxLine = 1 << 20

// A Writer writes events as JSON Lines, one record to a line, each of which
// holds the SHA-256 sum of the one before:
//
//	{"seq":1,"prev":"000…","event":{…},"hash":"5d2…"}
//	{"seq":2,"prev":"5d2…","event":{…},"hash":"c07…"}
//
// hash is the sum of the line's own bytes in front of `,"hash"`. [Verify]
// and [Read] hold a log against that.
//
// # What the chain proves
//
// Who knows the last hash of a log knows that no record up to it was altered,
// left out, added or put elsewhere. The chain alone proves less: it shows
// damage, and changes by somebody who does not compute the sums anew. It does not
// show that records are missing at the end, nor that somebody who may write to
// the log has written all of it again. So keep [Writer.Head] from time to
// time where the log's writers cannot change it, and give it to Verify as
// [Check.Kept].
//
// # Use
//
// A log has one writer at a time, which may be shared by engines: its
// [Writer.Observe] serves as [groupsync.Config.Observer], is safe for concurrent use
// and gives each record to the underlying writer in one call. What the
// underlying writer takes counts as written; one that must outlive a power
// failure has to sync by itself.
//
// Once a write has failed nobody can tell how much of it is there, so nothing
// more is written and [Writer.Err] tells. To go on, begin a new writer after
// the last whole record, see [NewWriter].
type Writer struct {
	mu   sync.Mutex // guards the fields below
	w    io.Writer
	head Head
	err  error
	lost int
}

// NewWriter returns a writer of records that follow the one of that head. The
// zero Head begins a new log. To continue a log, let [Last] find its
// head; where a crash has left half a record at its end, cut that off first:
//
//	head, err := audit.Last(file)
//	if torn, ok := errors.AsType[*audit.Error](err); ok && torn.Torn {
//		err = file.Truncate(torn.Offset)
//	}
//	...
//	_, err = file.Seek(0, io.SeekEnd)
//	writer := audit.NewWriter(file, head)
//
// With the head of another writer it continues that one's log in a new file.
func NewWriter(w io.Writer, after Head) *Writer {
	return &Writer{w: w, head: after}
}

// A Head names a record of an audit log, and with it all that are before.
// Its zero value stands for the beginning.
type Head struct {
	// Seq is the record's number, from 1.
	Seq uint64 `json:"seq"`
	// Hash is the record's own.
	Hash Hash `json:"hash"`
}

// A Hash is the SHA-256 sum of a record. As text it is hexadecimal.
type Hash [sha256.Size]byte

// String returns the sum in 64 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It takes what
// [Hash.String] gives and nothing else.
func (h *Hash) UnmarshalText(text []byte) error {
	var read Hash
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("audit: a hash has %d hexadecimal digits, not %d characters", hex.EncodedLen(len(h)), len(text))
	}
	if _, err := hex.Decode(read[:], text); err != nil || read.String() != string(text) {
		return errors.New("audit: a hash has lower-case hexadecimal digits only")
	}
	*h = read
	return nil
}

// Observe writes an event. It serves as [groupsync.Config.Observer].
func (a *Writer) Observe(_ context.Context, e groupsync.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		a.err = a.write(e)
	}
	if a.err != nil {
		a.lost++
	}
}

// Err returns why events were not written, or nil if all were.
func (a *Writer) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		return nil
	}
	return fmt.Errorf("audit: %d events were not written after record %d: %w", a.lost, a.head.Seq, a.err)
}

// Head returns the head of the log: that of the last record written.
func (a *Writer) Head() Head {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.head
}

func (a *Writer) write(e groupsync.Event) error {
	line, head, err := encode(a.head, e)
	if err != nil {
		return err
	}
	n, err := a.w.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return err
	}
	a.head = head
	return nil
}

// encode returns the line of an event that follows the record of a head, and
// its own head.
func encode(after Head, e groupsync.Event) ([]byte, Head, error) {
	document, err := encodeEvent(e)
	if err != nil {
		return nil, after, err
	}
	head := Head{Seq: after.Seq + 1}
	line := fmt.Appendf(nil, `{"seq":%d,"prev":"%s","event":%s`, head.Seq, after.Hash, document)
	head.Hash = sha256.Sum256(line)
	return appendHash(line, head.Hash), head, nil
}

const (
	hashOpens  = `,"hash":"`
	hashCloses = "\"}\n"
	hashLength = len(hashOpens) + 2*sha256.Size + len(hashCloses)
)

func appendHash(line []byte, h Hash) []byte {
	return fmt.Appendf(line, "%s%s%s", hashOpens, h, hashCloses)
}

// encodeEvent returns an event as JSON, without its details where they would make
// a line too long.
func encodeEvent(e groupsync.Event) ([]byte, error) {
	const most = MaxLine - hashLength - 256 // the rest of a record
	document, err := json.Marshal(e)
	if err != nil || len(document) <= most {
		return document, err
	}
	brief := e
	brief.Step.Changes, brief.Step.Reasons = nil, nil
	brief.Text = fmt.Sprintf("details of %d bytes were left out", len(document))
	for _, field := range []*string{
		&brief.Connection, &brief.Request, &brief.Step.Why,
		&brief.Step.User, &brief.Step.UserID, &brief.Step.Group, &brief.Step.GroupID,
	} {
		*field = cut(*field)
	}
	return json.Marshal(brief)
}

// cut cuts a text to the first few thousand characters: no name in Crowd is
// nearly as long.
func cut(s string) string {
	const most = 4096
	if len(s) <= most {
		return s
	}
	return string(bytes.ToValidUTF8([]byte(s[:most]), nil)) + "…"
}
