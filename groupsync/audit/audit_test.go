package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/groupsync/audit"
	"github.com/scimcrowd/scimcrowd/mapping"
)

func event(n int) groupsync.Event {
	return groupsync.Event{
		Time: time.Date(2026, 11, 25, 9, 0, n, 0, time.UTC), Connection: "okta", Request: fmt.Sprint("r", n),
		Kind: groupsync.EventApplied,
		Step: groupsync.Step{
			Op: groupsync.OpUpdateUser, User: "ann", UserID: "1.a",
			Changes: []groupsync.Change{{Field: "email", Before: "a@example.com", After: "b\n\"@example.com"}},
			Reasons: []mapping.Reason{{Kind: mapping.ReasonGrant, Group: "Développeurs"}},
		},
		Text: "☃ \u2028 </script>",
	}
}

// auditLog returns a log of n records, and the head after each.
func auditLog(tb testing.TB, after audit.Head, n int) (string, []audit.Head) {
	tb.Helper()
	var log bytes.Buffer
	var heads []audit.Head
	a := audit.NewWriter(&log, after)
	for i := range n {
		a.Observe(tb.Context(), event(int(after.Seq)+i))
		heads = append(heads, a.Head())
	}
	if err := a.Err(); err != nil {
		tb.Fatal(err)
	}
	return log.String(), heads
}

func verify(log string, c audit.Check) (audit.Head, error) {
	return audit.Verify(strings.NewReader(log), c)
}

func TestKeepsEveryEvent(t *testing.T) {
	log, heads := auditLog(t, audit.Head{}, 3)
	n := 0
	for r, err := range audit.Read(strings.NewReader(log), audit.Check{Kept: heads}) {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(event(n), r.Event, cmpopts.IgnoreUnexported(groupsync.Step{})); diff != "" {
			t.Errorf("event mismatch (-want +got):\n%s", diff)
		}
		if r.Head != heads[n] || n > 0 && r.Prev != heads[n-1].Hash {
			t.Errorf("record %d has head %v after %v", n+1, r.Head, r.Prev)
		}
		n++
	}
	if n != 3 || strings.Count(log, "\n") != 3 {
		t.Errorf("%d records in\n%s", n, log)
	}
}

func TestContinues(t *testing.T) {
	first, heads := auditLog(t, audit.Head{}, 3)
	middle, last := heads[1], heads[2]
	second, more := auditLog(t, last, 2)
	if head, err := verify(first+second, audit.Check{Kept: heads}); err != nil || head != more[1] {
		t.Errorf("one file: %v, %v, want %v", head, err, more[1])
	}
	if head, err := verify(second, audit.Check{After: last, Kept: []audit.Head{middle, last, more[0]}}); err != nil || head != more[1] {
		t.Errorf("the second of two files: %v, %v, want %v", head, err, more[1])
	}
	if head, err := verify("", audit.Check{After: last}); err != nil || head != last {
		t.Errorf("an empty file: %v, %v", head, err)
	}
	if _, err := verify(second, audit.Check{After: middle}); err == nil {
		t.Error("a log after another head was accepted")
	}
}

// TestContinuesAfterCrash ends a writer in the middle of a record, at every
// byte, and goes on as the documents say.
func TestContinuesAfterCrash(t *testing.T) {
	whole, heads := auditLog(t, audit.Head{}, 2)
	begin := strings.Index(whole, "\n") + 1
	name := filepath.Join(t.TempDir(), "audit.jsonl")
	for end := begin + 1; end < len(whole); end++ {
		if err := os.WriteFile(name, []byte(whole[:end]), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		head, err := audit.Verify(file, audit.Check{})
		torn, ok := errors.AsType[*audit.Error](err)
		if !ok || !torn.Torn || torn.Line != 2 || torn.Offset != int64(begin) || head != heads[0] {
			t.Fatalf("cut at %d: %v, %+v", end, head, err)
		}
		last, err := audit.Last(file)
		if again, ok := errors.AsType[*audit.Error](err); !ok || !again.Torn || again.Offset != torn.Offset || last != head {
			t.Fatalf("Last, cut at %d: %v, %+v", end, err, last)
		}
		if err := file.Truncate(torn.Offset); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Seek(0, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		a := audit.NewWriter(file, head)
		a.Observe(t.Context(), event(1))
		if err := errors.Join(a.Err(), file.Close()); err != nil {
			t.Fatal(err)
		}
		again, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole, string(again)); diff != "" {
			t.Fatalf("log mismatch (-want +got):\n%s", diff)
		}
	}
}

func TestNamesTheFirstBadLine(t *testing.T) {
	log, heads := auditLog(t, audit.Head{}, 5)
	other := strings.ReplaceAll(log, "okta", "entr")
	lines := strings.SplitAfter(log, "\n")[:5]
	forged, _ := auditLog(t, audit.Head{Seq: 2}, 1)
	anew, _ := auditLog(t, audit.Head{Seq: 1}, 4)
	for _, tt := range []struct {
		name    string
		log     string
		kept    []audit.Head
		line    int64
		problem string
	}{
		{"altered", lines[0] + lines[1] + strings.SplitAfter(other, "\n")[2] + lines[3], nil, 3, "it was altered: its hash does not fit"},
		{"not a record", lines[0] + "\n" + lines[1], nil, 2, "it is no record, or its end was altered"},
		{"missing", lines[0] + lines[2] + lines[3], nil, 2, "record 2 is missing here: it holds record 3"},
		{"several missing", lines[0] + lines[3], nil, 2, "records 2 to 3 are missing here: it holds record 4"},
		{"the first missing", lines[1] + lines[2], nil, 1, "record 1 is missing here: it holds record 2"},
		{"exchanged", lines[0] + lines[2] + lines[1] + lines[3], nil, 2, "record 2 is missing here: it holds record 3"},
		{"twice", lines[0] + lines[1] + lines[1] + lines[2], nil, 3, "it holds record 2, which belongs before record 2"},
		{"replaced with its hash", lines[0] + lines[1] + forged + lines[3], nil, 3, "record 3 follows another record 2 than the one before it: one of the two was replaced"},
		{"cut within a line", log[:len(log)-1], nil, 5, "the log ends within it"},
		{"cut after a line", lines[0] + lines[1], heads, 3, "the log ends after record 2, but record 5 was written"},
		{"empty", "", heads[:1], 1, "the log ends after record 0, but record 1 was written"},
		{"written anew from a kept head on", lines[0] + anew, heads, 2, "record 2 follows another record 1 than the one before it: one of the two was replaced"},
		{"too long", lines[0] + strings.Repeat(" ", audit.MaxLine) + "\n", nil, 2, "it is longer than 1048576 bytes, which no record is"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verify(tt.log, audit.Check{Kept: tt.kept})
			wrong, ok := errors.AsType[*audit.Error](err)
			if !ok || wrong.Line != tt.line || wrong.Problem != tt.problem {
				t.Fatalf("Verify: %v, want line %d: %s", err, tt.line, tt.problem)
			}
			before := strings.Join(strings.SplitAfter(tt.log, "\n")[:tt.line-1], "")
			if wrong.Offset != int64(len(before)) {
				t.Errorf("offset %d, want %d", wrong.Offset, len(before))
			}
		})
	}
}

// TestWrittenAnewMeetsKeptHead writes a whole log again, with other events
// and right hashes: only a head kept elsewhere tells.
func TestWrittenAnewMeetsKeptHead(t *testing.T) {
	_, heads := auditLog(t, audit.Head{}, 5)
	var log bytes.Buffer
	a := audit.NewWriter(&log, audit.Head{})
	for range 5 {
		a.Observe(t.Context(), groupsync.Event{Text: "nothing happened"})
	}
	if _, err := verify(log.String(), audit.Check{}); err != nil {
		t.Fatalf("the chain alone: %v", err)
	}
	_, err := verify(log.String(), audit.Check{Kept: heads[2:3]})
	wrong, ok := errors.AsType[*audit.Error](err)
	if !ok || wrong.Line != 3 {
		t.Errorf("with a kept head: %v, want line 3", err)
	}
	if _, err := verify(log.String(), audit.Check{Kept: []audit.Head{heads[2], a.Head(), {Seq: 5}}}); err == nil {
		t.Error("two different heads of one record were accepted")
	}
}

// TestDetectsAnyChange changes one byte, or one line, of a log in any way.
func TestDetectsAnyChange(t *testing.T) {
	log, heads := auditLog(t, audit.Head{}, 6)
	last := heads[len(heads)-1:]
	rapid.Check(t, func(t *rapid.T) {
		changed := changeLog(t, log)
		if changed == log {
			return
		}
		if _, err := verify(changed, audit.Check{Kept: last}); err == nil {
			t.Fatalf("not noticed:\n%s", changed)
		}
		_, err := verify(changed, audit.Check{})
		cut := strings.HasPrefix(log, changed) && (changed == "" || strings.HasSuffix(changed, "\n"))
		if (err == nil) != cut {
			t.Fatalf("without a head kept elsewhere: %v of\n%s", err, changed)
		}
	})
}

func changeLog(t *rapid.T, log string) string {
	at := rapid.IntRange(0, len(log)-1).Draw(t, "at")
	lines := strings.SplitAfter(log, "\n")
	lines = lines[:len(lines)-1]
	i := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
	j := rapid.IntRange(0, len(lines)-1).Draw(t, "other")
	switch rapid.SampledFrom([]string{"byte", "insert", "delete", "cut", "drop", "double", "exchange"}).Draw(t, "change") {
	case "byte":
		return log[:at] + string([]byte{rapid.Byte().Draw(t, "byte")}) + log[at+1:]
	case "insert":
		return log[:at] + string([]byte{rapid.Byte().Draw(t, "byte")}) + log[at:]
	case "delete":
		return log[:at] + log[at+1:]
	case "cut":
		return log[:at]
	case "drop":
		lines = slices.Delete(lines, i, i+1)
	case "double":
		lines = slices.Insert(lines, j, lines[i])
	case "exchange":
		lines[i], lines[j] = lines[j], lines[i]
	}
	return strings.Join(lines, "")
}

// TestDetectsEveryChangedByte tries every bit of every byte.
func TestDetectsEveryChangedByte(t *testing.T) {
	log, _ := auditLog(t, audit.Head{}, 2)
	for at := range log {
		for bit := range 8 {
			changed := []byte(log)
			changed[at] ^= 1 << bit
			if _, err := verify(string(changed), audit.Check{}); err == nil {
				t.Fatalf("bit %d of byte %d was changed and not noticed", bit, at)
			}
		}
	}
}

func TestByManyAtOnce(t *testing.T) {
	var log bytes.Buffer
	a := audit.NewWriter(&log, audit.Head{})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			for range 20 {
				a.Observe(t.Context(), event(i))
				_, _ = a.Head(), a.Err()
			}
		})
	}
	wg.Wait()
	if head, err := verify(log.String(), audit.Check{Kept: []audit.Head{a.Head()}}); err != nil || head.Seq != 1000 {
		t.Errorf("Verify: %v, %v", head, err)
	}
}

// A brokenWriter takes so many bytes and fails then.
type brokenWriter struct {
	log  bytes.Buffer
	left int
	err  error
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	n := min(w.left, len(p))
	w.log.Write(p[:n])
	w.left -= n
	if n < len(p) {
		return n, w.err
	}
	return n, nil
}

func TestTellsWhatWasNotWritten(t *testing.T) {
	full := errors.New("disk full")
	for _, tt := range []struct{ gives, want error }{{full, full}, {nil, io.ErrShortWrite}} {
		log, heads := auditLog(t, audit.Head{}, 1)
		w := &brokenWriter{left: len(log) + 100, err: tt.gives}
		a := audit.NewWriter(w, audit.Head{})
		a.Observe(t.Context(), event(0))
		if err := a.Err(); err != nil {
			t.Fatal(err)
		}
		a.Observe(t.Context(), event(1))
		w.left = 1 << 20 // too late: half a record is there
		a.Observe(t.Context(), event(2))
		err := a.Err()
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), "2 events were not written after record 1") {
			t.Errorf("Err() = %v", err)
		}
		head, err := verify(w.log.String(), audit.Check{})
		torn, ok := errors.AsType[*audit.Error](err)
		if head != heads[0] || head != a.Head() || !ok || !torn.Torn || torn.Line != 2 {
			t.Errorf("Verify: %v, %v", head, err)
		}
	}
}

// TestTellsOfAnEventThatCannotBeWritten gives an event a time that JSON has no
// form for (RFC 3339, section 1: four digits of a year).
func TestTellsOfAnEventThatCannotBeWritten(t *testing.T) {
	var log bytes.Buffer
	a := audit.NewWriter(&log, audit.Head{})
	a.Observe(t.Context(), groupsync.Event{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err := a.Err(); err == nil || !strings.Contains(err.Error(), "1 events were not written after record 0") {
		t.Errorf("Err() = %v", err)
	}
	if log.Len() > 0 {
		t.Errorf("written: %s", &log)
	}
}

// TestRefusesWhatIsNoRecord verifies lines whose hash is right.
func TestRefusesWhatIsNoRecord(t *testing.T) {
	none := strings.Repeat("0", 64)
	for _, begin := range []string{
		``, `{}`, `{"seq":1`, `{"seq":1,"prev":"` + none + `"`, `{"seq":-1,"prev":"` + none + `","event":{}`, `[{"seq":1,"prev":"` + none + `","event":{}`,
		`{"seq":1,"prev":"` + none[1:] + `","event":{}`, `{"prev":"` + none + `","event":{}`, `{"seq":1,"event":{}`, `{"seq":1,"prev":"` + none + `","event":null`,
	} {
		line := fmt.Sprintf("%s,\"hash\":\"%x\"}\n", begin, sha256.Sum256([]byte(begin)))
		_, err := verify(line, audit.Check{})
		wrong, ok := errors.AsType[*audit.Error](err)
		if !ok || wrong.Problem != "it is no record, though its hash is right" {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestReportsTheReadersError(t *testing.T) {
	log, heads := auditLog(t, audit.Head{}, 1)
	failed := errors.New("link lost")
	head, err := audit.Verify(io.MultiReader(strings.NewReader(log), iotest.ErrReader(failed)), audit.Check{})
	if head != heads[0] || !errors.Is(err, failed) {
		t.Errorf("Verify: %v, %v", head, err)
	}
	if _, wrong := errors.AsType[*audit.Error](err); wrong {
		t.Error("a read that failed was taken for a log that is wrong")
	}
}

// TestBoundsALine writes an event that is too long for a line.
func TestBoundsALine(t *testing.T) {
	long := strings.Repeat("é\x01", audit.MaxLine)
	e := event(1)
	e.Step.Why, e.Step.User, e.Text = long, long, long
	e.Step.Changes[0].After = long
	var log bytes.Buffer
	a := audit.NewWriter(&log, audit.Head{})
	a.Observe(t.Context(), e)
	a.Observe(t.Context(), event(2))
	if err := a.Err(); err != nil {
		t.Fatal(err)
	}
	var read []groupsync.Event
	for r, err := range audit.Read(&log, audit.Check{}) {
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, r.Event)
	}
	if len(read) != 2 || read[0].Step.Op != e.Step.Op || read[0].Request != e.Request || !strings.HasPrefix(read[0].Text, "details of ") {
		t.Errorf("read %+v", read)
	}
}

// TestLastAudit finds the last record of logs of any length, also behind lines as
// long as they may be.
func TestLastAudit(t *testing.T) {
	long := event(0)
	long.Text = strings.Repeat("x", audit.MaxLine-2048)
	var log bytes.Buffer
	a := audit.NewWriter(&log, audit.Head{})
	for i := range 5 {
		head, err := audit.Last(bytes.NewReader(log.Bytes()))
		if err != nil || head != a.Head() {
			t.Errorf("after %d records: %v, %v, want %v", i, head, err, a.Head())
		}
		torn := append(bytes.Clone(log.Bytes()), strings.Repeat("x", audit.MaxLine-2048)...)
		head, err = audit.Last(bytes.NewReader(torn))
		wrong, ok := errors.AsType[*audit.Error](err)
		if head != a.Head() || !ok || !wrong.Torn || wrong.Offset != int64(log.Len()) {
			t.Errorf("torn after %d records: %v, %v, want %v", i, head, err, a.Head())
		}
		a.Observe(t.Context(), long)
	}
	for _, bad := range []string{"\n", "x\n", log.String() + "x\n", log.String() + strings.Repeat("x", 3*audit.MaxLine) + "\n", strings.Repeat("x", 3*audit.MaxLine)} {
		_, err := audit.Last(strings.NewReader(bad))
		wrong, ok := errors.AsType[*audit.Error](err)
		if !ok || wrong.Torn || !strings.Contains(err.Error(), "the line at byte ") {
			t.Errorf("Last of a log with a bad end: %v", err)
		}
	}
}

// endless is a log that never ends and never breaks a line.
type endless struct{ read int }

func (r *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	r.read += len(p)
	return len(p), nil
}

func TestReadsInBoundedMemory(t *testing.T) {
	r := new(endless)
	if _, err := audit.Verify(r, audit.Check{}); err == nil {
		t.Fatal("an endless line was accepted")
	}
	if r.read > 2*audit.MaxLine {
		t.Errorf("%d bytes of an endless line were read", r.read)
	}
}

// TestOfAnEngine writes what an engine does, and no secret.
func TestOfAnEngine(t *testing.T) {
	var log bytes.Buffer
	a := audit.NewWriter(&log, audit.Head{})
	e, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: crowdtest.NewServer(t).Client(t), Observer: a.Observe})
	if err != nil {
		t.Fatal(err)
	}
	name, password := "ann", crowd.Secret("s3cret-Passw0rd")
	ann, err := e.CreateUser(groupsync.WithRequestID(t.Context(), "r1"),
		groupsync.Profile{Fields: mapping.Fields{Username: &name}, Password: password}, groupsync.Conflict)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Devs", Members: []string{ann.ID}}); err != nil {
		t.Fatal(err)
	}
	if err := e.DeleteUser(t.Context(), ann.ID, groupsync.Deactivate); err != nil {
		t.Fatal(err)
	}
	seen := map[groupsync.Op]bool{}
	first := ""
	for r, err := range audit.Read(bytes.NewReader(log.Bytes()), audit.Check{Kept: []audit.Head{a.Head()}}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Seq == 1 {
			first = r.Event.Request
		}
		seen[r.Event.Step.Op] = true
	}
	if !seen[groupsync.OpCreateUser] || !seen[groupsync.OpAddMember] || !seen[groupsync.OpDeactivateUser] || first != "r1" {
		t.Errorf("first request %q, steps %v", first, seen)
	}
	if strings.Contains(log.String(), string(password)) {
		t.Error("the log holds a password")
	}
}

func TestHash(t *testing.T) {
	_, heads := auditLog(t, audit.Head{}, 1)
	var back audit.Hash
	text := heads[0].Hash.String()
	if err := back.UnmarshalText([]byte(text)); err != nil || back != heads[0].Hash {
		t.Errorf("UnmarshalText(%s) = %v, %v", text, back, err)
	}
	for _, bad := range []string{"", text[1:], text + "0", strings.Repeat("A", 64), strings.Repeat("g", 64)} {
		if err := back.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("UnmarshalText(%q) succeeded", bad)
		}
	}
	if back != heads[0].Hash {
		t.Error("a hash that is none was kept")
	}
	document, err := json.Marshal(heads[0])
	if want := `{"seq":1,"hash":"` + text + `"}`; err != nil || string(document) != want {
		t.Errorf("a head as JSON: %s, %v, want %s", document, err, want)
	}
	var head audit.Head
	if err := json.Unmarshal(document, &head); err != nil || head != heads[0] {
		t.Errorf("a head from JSON: %v, %v", head, err)
	}
}
