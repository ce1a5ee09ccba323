package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// SnapshotFormat is the version of the snapshots that this package writes.
const SnapshotFormat = "scimcrowd/snapshot/v1"

// A snapshot is JSON Lines: a head, SCIM groups, users, and an end with the number of
// both and the SHA-256 sum of all bytes before its line.
type snapshotLine struct {
	Head  *snapshotHead         `json:"head,omitempty"`
	Group *groupsync.GroupState `json:"group,omitempty"`
	User  *groupsync.UserState  `json:"user,omitempty"`
	End   *snapshotEnd          `json:"end,omitempty"`
}

type snapshotHead struct {
	Format     string    `json:"format"`
	Connection string    `json:"connection"`
	Taken      time.Time `json:"taken"`
}

type snapshotEnd struct {
	Groups int    `json:"groups"`
	Users  int    `json:"users"`
	SHA256 string `json:"sha256"`
}

// WriteSnapshot writes the state of an engine's connection, as
// [groupsync.Engine.State] tells it, to be opened by [OpenSnapshot]: SCIM groups,
// grants, memberships and how they came to be, and what is kept of users. There is no
// password in it and no token. It holds personal data.
//
// Users are written as they are read, so that memory does not grow with them. If it
// fails, what it has written is no snapshot, and is refused as one.
func WriteSnapshot(ctx context.Context, w io.Writer, e *groupsync.Engine, taken time.Time) error {
	sum := sha256.New()
	buffer := bufio.NewWriterSize(w, 1<<16)
	lines := json.NewEncoder(io.MultiWriter(buffer, sum))
	lines.SetEscapeHTML(false)
	fail := func(err error) error { return fmt.Errorf("backup: write snapshot: %w", err) }
	err := lines.Encode(snapshotLine{Head: &snapshotHead{SnapshotFormat, e.Connection(), taken.UTC()}})
	if err != nil {
		return fail(err)
	}
	var end snapshotEnd
	for record, err := range e.State(ctx) {
		if err != nil {
			return fail(err)
		}
		if record.Group != nil {
			end.Groups++
		} else {
			end.Users++
		}
		if err := lines.Encode(snapshotLine{Group: record.Group, User: record.User}); err != nil {
			return fail(err)
		}
	}
	end.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if err := lines.Encode(snapshotLine{End: &end}); err != nil {
		return fail(err)
	}
	if err := buffer.Flush(); err != nil {
		return fail(err)
	}
	return nil
}

// What a snapshot may hold. A line holds a user with all that is kept of it.
const (
	maxSnapshotLine   = 32 << 20
	maxSnapshotGroups = 200_000
	maxSnapshotUsers  = 4_000_000
)

// A SnapshotError says what is wrong with a snapshot.
type SnapshotError struct {
	// Line is the number of the line, from 1.
	Line int
	// Problem says what is wrong, without what stands there.
	Problem string
}

func (e *SnapshotError) Error() string {
	return fmt.Sprintf("backup: snapshot: line %d: %s", e.Line, e.Problem)
}

// A snapshotReader reads lines and sums them up.
type snapshotReader struct {
	lines  *bufio.Reader
	sum    [sha256.Size]byte // of all lines before the last one read
	hash   io.Writer
	sums   func() []byte
	line   int
	offset int64 // of the line last read
	next   int64
}

func newSnapshotReader(r io.Reader) *snapshotReader {
	h := sha256.New()
	return &snapshotReader{lines: bufio.NewReaderSize(r, 1<<16), hash: h, sums: func() []byte { return h.Sum(nil) }}
}

func (r *snapshotReader) wrong(format string, args ...any) error {
	return &SnapshotError{r.line, fmt.Sprintf(format, args...)}
}

// read returns the next line with its line feed, or io.EOF.
func (r *snapshotReader) read() ([]byte, error) {
	r.line++
	r.offset = r.next
	copy(r.sum[:], r.sums())
	var line []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		if len(line)+len(part) > maxSnapshotLine {
			return nil, r.wrong("it is longer than %d bytes", maxSnapshotLine)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			_, _ = r.hash.Write(line) // a hash takes all
			r.next += int64(len(line))
			return line, nil
		case err == io.EOF && len(line) == 0:
			return nil, io.EOF
		case err == io.EOF:
			return nil, r.wrong("the snapshot ends within it")
		case err != bufio.ErrBufferFull:
			return nil, fmt.Errorf("backup: read snapshot: %w", err)
		}
	}
}

// parse returns what a line holds: one thing, and nothing that is not known.
func (r *snapshotReader) parse(line []byte) (*snapshotLine, error) {
	var l snapshotLine
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil || d.InputOffset() != int64(len(line)-1) {
		return nil, r.wrong("it is no line of a snapshot")
	}
	things := 0
	for _, is := range []bool{l.Head != nil, l.Group != nil, l.User != nil, l.End != nil} {
		if is {
			things++
		}
	}
	if things != 1 {
		return nil, r.wrong("it holds %d things, not one", things)
	}
	if l.Group != nil && (l.Group.ID == "" || l.Group.Name == "") || l.User != nil && (l.User.ID == "" || l.User.Name == "") {
		return nil, r.wrong("it has no id or no name")
	}
	return &l, nil
}
