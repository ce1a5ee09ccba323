package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
)

// FuzzSnapshot opens any bytes, and the same with an end that fits: it is refused with
// the number of a line, or all that is in it is found again.
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(snapshotHead + "\n"))
	f.Add([]byte(snapshotHead + "\n" + `{"group":{"id":"n-a","name":"a","groups":["n-b"]}}` + "\n" + `{"user":{"id":"1.a","name":"A","data":{"r":[]},"grants":[{"group":"n-a"}]}}` + "\n"))
	f.Add(sealed(1, 0, snapshotHead, `{"group":{"id":"n-a","name":"a"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		groups, users := bytes.Count(data, []byte(`{"group"`)), bytes.Count(data, []byte(`{"user"`))
		closed := sealed(groups, users, strings.TrimSuffix(string(data), "\n"))
		for _, data := range [][]byte{data, closed} {
			s, err := backup.OpenSnapshot(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				if wrong, ok := errors.AsType[*backup.SnapshotError](err); !ok || wrong.Line < 1 || wrong.Problem == "" {
					t.Fatalf("error %T (%v), want a SnapshotError with a line", err, err)
				}
				continue
			}
			n := 0
			for u, err := range s.Users() {
				if err != nil {
					t.Fatal(err)
				}
				n++
				if again, err := s.User(u.ID); err != nil || again == nil || again.ID != u.ID {
					t.Errorf("user %q is not found again: %v", u.ID, err)
				}
				if again, err := s.UserNamed(u.Name); err != nil || again == nil {
					t.Errorf("user %q is not found by name: %v", u.Name, err)
				}
			}
			if _, users := s.Size(); users != n {
				t.Errorf("%d users, and it tells of %d", n, users)
			}
		}
	})
}

// What a hostile file costs is bounded: it is refused early, or opened in memory that
// is a small part of its size.
func TestSnapshotHostile(t *testing.T) {
	user := func(i int) string { return fmt.Sprintf(`{"user":{"id":"%d","name":"n","active":false}}`, i) }
	many := make([]string, 100_001)
	many[0] = snapshotHead
	for i := range many[1:] {
		many[i+1] = user(i)
	}
	tests := []struct {
		name, problem string
		data          []byte
		most          uint64 // MiB allocated
	}{
		{"a line without end", "line 1: it is longer than 33554432 bytes", bytes.Repeat([]byte("{"), 64<<20), 256},
		{"a deep line", "line 2: it is no line of a snapshot", sealed(0, 1, snapshotHead, `{"user":{"id":"1","name":"n","data":`+strings.Repeat("[", 8<<20)+"}}"), 256},
		{"empty lines", "line 2: it is no line of a snapshot", sealed(0, 0, snapshotHead, strings.Repeat("\n", 16<<20)), 64},
		{"many names alike", "", sealed(0, len(many)-1, many...), 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			s, err := backup.OpenSnapshot(bytes.NewReader(test.data), int64(len(test.data)))
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			if test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) || test.problem == "" && err != nil {
				t.Errorf("error %v, want %q", err, test.problem)
			}
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%d MiB in, %v, %d MiB allocated", len(test.data)>>20, took, allocated)
			if allocated > test.most || took > 30*time.Second {
				t.Errorf("it took %v and %d MiB", took, allocated)
			}
			if s != nil {
				if u, err := s.UserNamed("N"); err != nil || u == nil {
					t.Errorf("one of many names alike: %v, %v", u, err)
				}
			}
		})
	}
}

// Passwords that the identity provider sent, and tokens, are in nothing that a
// snapshot, a comparison, a restore or an undo says.
func TestSnapshotHasNoSecret(t *testing.T) {
	s, team := crew(t)
	data := s.snapshot(t)
	var said speaker
	said.Write(data)
	snapshot := opened(t, data)
	s.patch(t, "/scim/okta/Groups/"+team, `{"op": "remove", "path": "members"}`)
	ann, err := s.running.Engine.UserByName(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	s.patch(t, "/scim/okta/Users/"+ann.ID, `{"op": "replace", "value": {"password": "PLANTED-new", "title": "Cook"}}`)
	for _, line := range s.differences(t, snapshot) {
		said.WriteString(line)
	}
	plan := s.restore(t, snapshot)
	said.say(plan.Plan, plan.Left, plan.Plan.Table())
	said.say(s.log.String())
	if strings.Contains(said.String(), "PLANTED") || strings.Contains(said.String(), s.token) {
		i := max(strings.Index(said.String(), "PLANTED"), strings.Index(said.String(), s.token))
		t.Errorf("a secret was said: ...%.200s", said.String()[max(0, i-100):])
	}
	if !strings.Contains(said.String(), "Captain") || !strings.Contains(said.String(), "level=DEBUG") {
		t.Error("the test heard not all it should")
	}
}
