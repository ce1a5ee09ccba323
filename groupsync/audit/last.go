package audit

import (
	"bytes"
	"fmt"
	"io"
)

// Last returns the head of the last whole record of an audit log, for
// [NewWriter] to go on from. It reads the end of the log only, and verifies
// that one record. An empty log has the zero head. Where the log ends within a
// line the error is an *[Error] that is Torn, and the head is that of the
// record before; its Line is 0, as in the error of a last line that is none of a
// log, since lines were not counted.
func Last(r io.ReadSeeker) (Head, error) {
	end, begin, err := readEnd(r)
	if err != nil {
		return Head{}, fmt.Errorf("audit: read its end: %w", err)
	}
	rest := bytes.LastIndexByte(end, '\n') + 1
	last := bytes.LastIndexByte(end[:max(rest-1, 0)], '\n') + 1
	var head Head
	if rest > 0 {
		record, problem := parse(end[last:rest])
		if problem != "" {
			return head, &Error{Offset: begin + int64(last), Problem: problem}
		}
		head = record.Head
	}
	if len(end)-rest > MaxLine {
		return head, &Error{Offset: begin + int64(rest), Problem: fmt.Sprintf("it is longer than %d bytes, which no record is", MaxLine)}
	}
	if rest < len(end) {
		return head, &Error{Offset: begin + int64(rest), Problem: "the log ends within it", Torn: true}
	}
	return head, nil
}

// readEnd returns as much of the end of a log as holds its last record, whole, and
// the beginning of another, and the offset of it.
func readEnd(r io.ReadSeeker) (end []byte, begin int64, err error) {
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, err
	}
	begin = max(0, size-2*MaxLine)
	if _, err := r.Seek(begin, io.SeekStart); err != nil {
		return nil, 0, err
	}
	end, err = io.ReadAll(io.LimitReader(r, size-begin))
	return end, begin, err
}
