package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A Record is one line of an audit log.
type Record struct {
	Head
	// Prev is the hash of the record before; zeros in the first.
	Prev  Hash
	Event groupsync.Event
}

// A Check says more of a log than the log itself can. The zero value holds
// for every log that is read from its beginning.
type Check struct {
	// After is the head that the log continues, where it is not the beginning of
	// the chain but a later file.
	After Head
	// Kept are heads that were kept elsewhere. Each later than After must be that
	// of a record of the log, or the log was cut or written anew since.
	Kept []Head
}

// An Error says where an audit log is not what was written. Records before
// that line are as they were when the next record was written.
type Error struct {
	// Line is the number of the first line that is wrong, from 1, or 0 where lines
	// were not counted; Offset is where in the log it begins, in bytes.
	Line, Offset int64
	// Problem says what is wrong.
	Problem string
	// Torn tells that the log ends within the line, as it does when its writer
	// ended in the middle of a write: the event of that record is lost. Nothing is
	// wrong with the lines before.
	Torn bool
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("audit: the line at byte %d: %s", e.Offset, e.Problem)
	}
	return fmt.Sprintf("audit: line %d: %s", e.Line, e.Problem)
}

// Verify reads an audit log to its end and returns the head of the last
// record that is right. The error is an *[Error] that names the first line
// which was altered, is missing, was added or is at another place, or the
// reader's own error. See [Writer] for what that proves. It keeps no more
// than one line in memory.
func Verify(r io.Reader, c Check) (Head, error) {
	head := c.After
	for record, err := range Read(r, c) {
		if err != nil {
			return head, err
		}
		head = record.Head
	}
	return head, nil
}

// Read returns the records of an audit log in order, each verified as by
// [Verify]. The sequence ends after the first error.
func Read(r io.Reader, c Check) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		v := verifier{lines: bufio.NewReader(r), head: c.After, kept: map[uint64]Hash{}}
		for _, k := range c.Kept {
			if err := v.keep(k); err != nil {
				yield(Record{}, err)
				return
			}
		}
		for {
			record, err := v.next()
			if err == io.EOF {
				return
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// Events returns the events of an audit log in order, verified as by [Read], for
// [groupsync.Engine.PlanUndo].
func Events(r io.Reader, c Check) iter.Seq2[groupsync.Event, error] {
	return func(yield func(groupsync.Event, error) bool) {
		for record, err := range Read(r, c) {
			if !yield(record.Event, err) {
				return
			}
		}
	}
}

type verifier struct {
	lines  *bufio.Reader
	line   int64 // number of the line last read
	offset int64 // where it begins
	length int64 // its length
	head   Head
	kept   map[uint64]Hash // heads still to be met
}

// keep notes a head that the log must hold. One at the point where the log begins
// is held against that at once; one before is no matter of this log.
func (v *verifier) keep(k Head) error {
	other, known := v.kept[k.Seq]
	switch {
	case k.Seq < v.head.Seq:
		return nil
	case k.Seq == v.head.Seq && k.Hash == v.head.Hash:
		return nil
	case k.Seq == v.head.Seq || known && other != k.Hash:
		return fmt.Errorf("audit: two heads that were kept of record %d differ", k.Seq)
	}
	v.kept[k.Seq] = k.Hash
	return nil
}

// next returns the next record, or [io.EOF] after the last.
func (v *verifier) next() (Record, error) {
	line, err := v.read()
	if err != nil {
		return Record{}, err
	}
	record, problem := parse(line)
	if problem == "" {
		problem = v.place(record)
	}
	if problem != "" {
		return Record{}, v.wrong(problem)
	}
	v.head = record.Head
	return record, nil
}

func (v *verifier) wrong(problem string) *Error {
	return &Error{Line: v.line, Offset: v.offset, Problem: problem}
}

// read returns the next line with its line feed.
func (v *verifier) read() ([]byte, error) {
	v.offset += v.length
	v.line++
	var line []byte
	for {
		part, err := v.lines.ReadSlice('\n')
		v.length = int64(len(line) + len(part))
		switch {
		case v.length > MaxLine:
			return nil, v.wrong(fmt.Sprintf("it is longer than %d bytes, which no record is", MaxLine))
		case err == nil && line == nil:
			return part, nil
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case err == io.EOF:
			return nil, v.end(line)
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, fmt.Errorf("audit: read line %d: %w", v.line, err)
		}
	}
}

// end returns what is to be said at the end of the log: [io.EOF] if nothing.
func (v *verifier) end(rest []byte) error {
	if len(rest) > 0 {
		torn := v.wrong("the log ends within it")
		torn.Torn = true
		return torn
	}
	if len(v.kept) > 0 {
		last := slices.Max(slices.Collect(maps.Keys(v.kept)))
		return v.wrong(fmt.Sprintf("the log ends after record %d, but record %d was written", v.head.Seq, last))
	}
	return io.EOF
}

// parse returns the record of a line, or what is wrong with it by itself.
func parse(line []byte) (Record, string) {
	at := len(line) - hashLength
	if at < 0 || !bytes.HasPrefix(line[at:], []byte(hashOpens)) || !bytes.HasSuffix(line, []byte(hashCloses)) {
		return Record{}, "it is no record, or its end was altered"
	}
	sum := Hash(sha256.Sum256(line[:at]))
	if !bytes.Equal(appendHash(nil, sum), line[at:]) {
		return Record{}, "it was altered: its hash does not fit"
	}
	var wire struct {
		Seq   *uint64          `json:"seq"`
		Prev  *Hash            `json:"prev"`
		Event *groupsync.Event `json:"event"`
	}
	if err := json.Unmarshal(line, &wire); err != nil || wire.Seq == nil || wire.Prev == nil || wire.Event == nil {
		return Record{}, "it is no record, though its hash is right"
	}
	return Record{Head: Head{*wire.Seq, sum}, Prev: *wire.Prev, Event: *wire.Event}, ""
}

// place says what is wrong with a record for where it stands.
func (v *verifier) place(r Record) string {
	want := v.head.Seq + 1
	switch {
	case r.Seq == want+1:
		return fmt.Sprintf("record %d is missing here: it holds record %d", want, r.Seq)
	case r.Seq > want:
		return fmt.Sprintf("records %d to %d are missing here: it holds record %d", want, r.Seq-1, r.Seq)
	case r.Seq < want:
		return fmt.Sprintf("it holds record %d, which belongs before record %d", r.Seq, v.head.Seq)
	case r.Prev != v.head.Hash:
		return fmt.Sprintf("record %d follows another record %d than the one before it: one of the two was replaced", r.Seq, v.head.Seq)
	}
	if hash, kept := v.kept[r.Seq]; kept && hash != r.Hash {
		return fmt.Sprintf("record %d is another than the one of the hash that was kept: the log was written anew", r.Seq)
	}
	delete(v.kept, r.Seq)
	return ""
}
