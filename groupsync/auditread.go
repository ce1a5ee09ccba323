package groupsync

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
)

// An AuditRecord is one line of an audit log.
type AuditRecord struct {
	AuditHead
	// Prev is the hash of the record before; zeros in the first.
	Prev  AuditHash
	Event Event
}

// An AuditCheck says more of a log than the log itself can. The zero value holds
// for every log that is read from its beginning.
type AuditCheck struct {
	// After is the head that the log continues, where it is not the beginning of
	// the chain but a later file.
	After AuditHead
	// Kept are heads that were kept elsewhere. Each later than After must be that
	// of a record of the log, or the log was cut or written anew since.
	Kept []AuditHead
}

// An AuditError says where an audit log is not what was written. Records before
// that line are as they were when the next record was written.
type AuditError struct {
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

func (e *AuditError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("groupsync: audit log: the line at byte %d: %s", e.Offset, e.Problem)
	}
	return fmt.Sprintf("groupsync: audit log: line %d: %s", e.Line, e.Problem)
}

// VerifyAudit reads an audit log to its end and returns the head of the last
// record that is right. The error is an *[AuditError] that names the first line
// which was altered, is missing, was added or is at another place, or the
// reader's own error. See [AuditWriter] for what that proves. It keeps no more
// than one line in memory.
func VerifyAudit(r io.Reader, c AuditCheck) (AuditHead, error) {
	head := c.After
	for record, err := range ReadAudit(r, c) {
		if err != nil {
			return head, err
		}
		head = record.AuditHead
	}
	return head, nil
}

// ReadAudit returns the records of an audit log in order, each verified as by
// [VerifyAudit]. The sequence ends after the first error.
func ReadAudit(r io.Reader, c AuditCheck) iter.Seq2[AuditRecord, error] {
	return func(yield func(AuditRecord, error) bool) {
		v := auditVerifier{lines: bufio.NewReader(r), head: c.After, kept: map[uint64]AuditHash{}}
		for _, k := range c.Kept {
			if err := v.keep(k); err != nil {
				yield(AuditRecord{}, err)
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

type auditVerifier struct {
	lines  *bufio.Reader
	line   int64 // number of the line last read
	offset int64 // where it begins
	length int64 // its length
	head   AuditHead
	kept   map[uint64]AuditHash // heads still to be met
}

// keep notes a head that the log must hold. One at the point where the log begins
// is held against that at once; one before is no matter of this log.
func (v *auditVerifier) keep(k AuditHead) error {
	other, known := v.kept[k.Seq]
	switch {
	case k.Seq < v.head.Seq:
		return nil
	case k.Seq == v.head.Seq && k.Hash == v.head.Hash:
		return nil
	case k.Seq == v.head.Seq || known && other != k.Hash:
		return fmt.Errorf("groupsync: audit log: two heads that were kept of record %d differ", k.Seq)
	}
	v.kept[k.Seq] = k.Hash
	return nil
}

// next returns the next record, or [io.EOF] after the last.
func (v *auditVerifier) next() (AuditRecord, error) {
	line, err := v.read()
	if err != nil {
		return AuditRecord{}, err
	}
	record, problem := parseAuditLine(line)
	if problem == "" {
		problem = v.place(record)
	}
	if problem != "" {
		return AuditRecord{}, v.wrong(problem)
	}
	v.head = record.AuditHead
	return record, nil
}

func (v *auditVerifier) wrong(problem string) *AuditError {
	return &AuditError{Line: v.line, Offset: v.offset, Problem: problem}
}

// read returns the next line with its line feed.
func (v *auditVerifier) read() ([]byte, error) {
	v.offset += v.length
	v.line++
	var line []byte
	for {
		part, err := v.lines.ReadSlice('\n')
		v.length = int64(len(line) + len(part))
		switch {
		case v.length > MaxAuditLine:
			return nil, v.wrong(fmt.Sprintf("it is longer than %d bytes, which no record is", MaxAuditLine))
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
			return nil, fmt.Errorf("groupsync: audit log: read line %d: %w", v.line, err)
		}
	}
}

// end returns what is to be said at the end of the log: [io.EOF] if nothing.
func (v *auditVerifier) end(rest []byte) error {
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

// parseAuditLine returns the record of a line, or what is wrong with it by itself.
func parseAuditLine(line []byte) (AuditRecord, string) {
	at := len(line) - hashLength
	if at < 0 || !bytes.HasPrefix(line[at:], []byte(hashOpens)) || !bytes.HasSuffix(line, []byte(hashCloses)) {
		return AuditRecord{}, "it is no record, or its end was altered"
	}
	sum := AuditHash(sha256.Sum256(line[:at]))
	if !bytes.Equal(appendHash(nil, sum), line[at:]) {
		return AuditRecord{}, "it was altered: its hash does not fit"
	}
	var wire struct {
		Seq   *uint64    `json:"seq"`
		Prev  *AuditHash `json:"prev"`
		Event *Event     `json:"event"`
	}
	if err := json.Unmarshal(line, &wire); err != nil || wire.Seq == nil || wire.Prev == nil || wire.Event == nil {
		return AuditRecord{}, "it is no record, though its hash is right"
	}
	return AuditRecord{AuditHead: AuditHead{*wire.Seq, sum}, Prev: *wire.Prev, Event: *wire.Event}, ""
}

// place says what is wrong with a record for where it stands.
func (v *auditVerifier) place(r AuditRecord) string {
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
