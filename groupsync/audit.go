package groupsync

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
)

// MaxAuditLine is the greatest length in bytes of a line of an audit log, its
// line feed included.
const MaxAuditLine = 1 << 20

// An AuditWriter writes events as JSON Lines, one record to a line, each of which
// holds the SHA-256 sum of the one before:
//
//	{"seq":1,"prev":"000…","event":{…},"hash":"5d2…"}
//	{"seq":2,"prev":"5d2…","event":{…},"hash":"c07…"}
//
// hash is the sum of the line's own bytes in front of `,"hash"`. [VerifyAudit]
// and [ReadAudit] hold a log against that.
//
// # What the chain proves
//
// Who knows the last hash of a log knows that no record up to it was altered,
// left out, added or put elsewhere. The chain alone proves less: it shows
// damage, and changes by somebody who does not compute the sums anew. It does not
// show that records are missing at the end, nor that somebody who may write to
// the log has written all of it again. So keep [AuditWriter.Head] from time to
// time where the log's writers cannot change it, and give it to VerifyAudit as
// [AuditCheck.Kept].
//
// # Use
//
// A log has one writer at a time, which may be shared by engines: its
// [AuditWriter.Observe] serves as [Config.Observer], is safe for concurrent use
// and gives each record to the underlying writer in one call. What the
// underlying writer takes counts as written; one that must outlive a power
// failure has to sync by itself.
//
// Once a write has failed nobody can tell how much of it is there, so nothing
// more is written and [AuditWriter.Err] tells. To go on, begin a new writer after
// the last whole record, see [NewAuditWriter].
type AuditWriter struct {
	mu   sync.Mutex // guards the fields below
	w    io.Writer
	head AuditHead
	err  error
	lost int
}

// NewAuditWriter returns a writer of records that follow the one of that head. The
// zero AuditHead begins a new log. To continue a log, let [LastAudit] find its
// head; where a crash has left half a record at its end, cut that off first:
//
//	head, err := groupsync.LastAudit(file)
//	if torn, ok := errors.AsType[*groupsync.AuditError](err); ok && torn.Torn {
//		err = file.Truncate(torn.Offset)
//	}
//	...
//	_, err = file.Seek(0, io.SeekEnd)
//	audit := groupsync.NewAuditWriter(file, head)
//
// With the head of another writer it continues that one's log in a new file.
func NewAuditWriter(w io.Writer, after AuditHead) *AuditWriter {
	return &AuditWriter{w: w, head: after}
}

// An AuditHead names a record of an audit log, and with it all that are before.
// Its zero value stands for the beginning.
type AuditHead struct {
	// Seq is the record's number, from 1.
	Seq uint64 `json:"seq"`
	// Hash is the record's own.
	Hash AuditHash `json:"hash"`
}

// An AuditHash is the SHA-256 sum of a record. As text it is hexadecimal.
type AuditHash [sha256.Size]byte

// String returns the sum in 64 hexadecimal digits.
func (h AuditHash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (h AuditHash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]. It takes what
// [AuditHash.String] gives and nothing else.
func (h *AuditHash) UnmarshalText(text []byte) error {
	var read AuditHash
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("groupsync: an audit hash has %d hexadecimal digits, not %d characters", hex.EncodedLen(len(h)), len(text))
	}
	if _, err := hex.Decode(read[:], text); err != nil || read.String() != string(text) {
		return errors.New("groupsync: an audit hash has lower-case hexadecimal digits only")
	}
	*h = read
	return nil
}

// Observe writes an event. It serves as [Config.Observer].
func (a *AuditWriter) Observe(_ context.Context, e Event) {
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
func (a *AuditWriter) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil {
		return nil
	}
	return fmt.Errorf("groupsync: audit log: %d events were not written after record %d: %w", a.lost, a.head.Seq, a.err)
}

// Head returns the head of the log: that of the last record written.
func (a *AuditWriter) Head() AuditHead {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.head
}

func (a *AuditWriter) write(e Event) error {
	line, head, err := auditLine(a.head, e)
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

// auditLine returns the line of an event that follows the record of a head, and
// its own head.
func auditLine(after AuditHead, e Event) ([]byte, AuditHead, error) {
	document, err := auditEvent(e)
	if err != nil {
		return nil, after, err
	}
	head := AuditHead{Seq: after.Seq + 1}
	line := fmt.Appendf(nil, `{"seq":%d,"prev":"%s","event":%s`, head.Seq, after.Hash, document)
	head.Hash = sha256.Sum256(line)
	return appendHash(line, head.Hash), head, nil
}

const (
	hashOpens  = `,"hash":"`
	hashCloses = "\"}\n"
	hashLength = len(hashOpens) + 2*sha256.Size + len(hashCloses)
)

func appendHash(line []byte, h AuditHash) []byte {
	return fmt.Appendf(line, "%s%s%s", hashOpens, h, hashCloses)
}

// auditEvent returns an event as JSON, without its details where they would make
// a line too long.
func auditEvent(e Event) ([]byte, error) {
	const most = MaxAuditLine - hashLength - 256 // the rest of a record
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
		*field = cutAudit(*field)
	}
	return json.Marshal(brief)
}

// cutAudit cuts a text to the first few thousand characters: no name in Crowd is
// nearly as long.
func cutAudit(s string) string {
	const most = 4096
	if len(s) <= most {
		return s
	}
	return string(bytes.ToValidUTF8([]byte(s[:most]), nil)) + "…"
}
