package audit_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/scimcrowd/scimcrowd/groupsync/audit"
)

// FuzzVerify holds that any bytes are read without harm, that what is
// accepted is whole lines each of which is a record, and that no line of it may
// go, be doubled or lose its first byte.
func FuzzVerify(f *testing.F) {
	log, _ := auditLog(f, audit.Head{}, 3)
	f.Add([]byte(log))
	f.Add([]byte(log[:len(log)/2]))
	f.Add([]byte(`{"seq":1,"prev":"","event":{},"hash":""}` + "\n"))
	f.Add([]byte("\n\r\n\x00"))
	f.Fuzz(func(t *testing.T, log []byte) {
		head, err := audit.Verify(bytes.NewReader(log), audit.Check{})
		lines := bytes.SplitAfter(log, []byte("\n"))
		if wrong, ok := errors.AsType[*audit.Error](err); ok {
			if uint64(wrong.Line) != head.Seq+1 || wrong.Offset > int64(len(log)) || wrong.Line > int64(len(lines)) {
				t.Fatalf("%+v after record %d of %d lines", wrong, head.Seq, len(lines))
			}
			log = log[:wrong.Offset]
		} else if err != nil {
			t.Fatal(err)
		}
		same, err := audit.Verify(bytes.NewReader(log), audit.Check{Kept: []audit.Head{head}})
		if err != nil || same != head {
			t.Fatalf("the lines before the first that is wrong: %v, %v", same, err)
		}
		if len(log) == 0 {
			return
		}
		first := bytes.IndexByte(log, '\n') + 1
		for _, changed := range [][]byte{log[first:], append(bytes.Clone(log[:first]), log...), log[1:]} {
			c := audit.Check{Kept: []audit.Head{head}}
			if _, err := audit.Verify(bytes.NewReader(changed), c); err == nil {
				t.Fatalf("not noticed:\n%q", changed)
			}
		}
	})
}
