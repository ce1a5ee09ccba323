package groupsync

import (
	"bytes"
	"fmt"
	"io"
)

// LastAudit returns the head of the last whole record of an audit log, for
// [NewAuditWriter] to go on from. It reads the end of the log only, and verifies
// that one record. An empty log has the zero head. Where the log ends within a
// line the error is an *[AuditError] that is Torn, and the head is that of the
// record before; its Line is 0, as in the error of a last line that is none of a
// log, since lines were not counted.
func LastAudit(r io.ReadSeeker) (AuditHead, error) {
	end, begin, err := auditEnd(r)
	if err != nil {
		return AuditHead{}, fmt.Errorf("groupsync: audit log: read its end: %w", err)
	}
	rest := bytes.LastIndexByte(end, '\n') + 1
	last := bytes.LastIndexByte(end[:max(rest-1, 0)], '\n') + 1
	var head AuditHead
	if rest > 0 {
		record, problem := parseAuditLine(end[last:rest])
		if problem != "" {
			return head, &AuditError{Offset: begin + int64(last), Problem: problem}
		}
		head = record.AuditHead
	}
	if len(end)-rest > MaxAuditLine {
		return head, &AuditError{Offset: begin + int64(rest), Problem: fmt.Sprintf("it is longer than %d bytes, which no record is", MaxAuditLine)}
	}
	if rest < len(end) {
		return head, &AuditError{Offset: begin + int64(rest), Problem: "the log ends within it", Torn: true}
	}
	return head, nil
}

// auditEnd returns as much of the end of a log as holds its last record, whole, and
// the beginning of another, and the offset of it.
func auditEnd(r io.ReadSeeker) (end []byte, begin int64, err error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, err
	}
	begin = max(0, size-2*MaxAuditLine)
	if _, err := r.Seek(begin, io.SeekStart); err != nil {
		return nil, 0, err
	}
	end, err = io.ReadAll(io.LimitReader(r, size-begin))
	return end, begin, err
}
