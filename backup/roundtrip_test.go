package backup_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/backup"
)

func TestReadGivesBackWhatWriteWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := genConfig().Draw(t, "config")
		var b strings.Builder
		if err := backup.Write(&b, c); err != nil {
			t.Fatalf("Write: %v", err)
		}
		back, err := backup.Read(strings.NewReader(b.String()))
		if err != nil {
			t.Fatalf("Read: %v\n%s", err, b.String())
		}
		if diff := cmp.Diff(c, back); diff != "" {
			t.Fatalf("Read(Write(c)) mismatch (-want +got):\n%s", diff)
		}
		var again strings.Builder
		if err := backup.Write(&again, back); err != nil || again.String() != b.String() {
			t.Fatalf("a second round writes something else (error %v):\n%s", err, cmp.Diff(b.String(), again.String()))
		}
	})
}

// TestDiffIsEmptyWhereBytesAreEqual holds Diff to its promise, and walks it over
// configurations of all kinds.
func TestDiffIsEmptyWhereBytesAreEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genConfig().Draw(t, "a"), genConfig().Draw(t, "b")
		if rapid.Bool().Draw(t, "mix") { // differ in parts only
			mixed := *a
			mixed.Connections = append([]backup.Connection(nil), a.Connections...)
			one := &mixed.Connections[0]
			switch rapid.IntRange(0, 4).Draw(t, "part") {
			case 0:
				one.Users = b.Connections[0].Users
			case 1:
				one.Groups = b.Connections[0].Groups
			case 2:
				one.Tokens = b.Connections[0].Tokens
			case 3:
				one.Crowd = b.Connections[0].Crowd
			}
			b = &mixed
		}
		if changes := backup.Diff(a, a); len(changes) != 0 {
			t.Fatalf("Diff(a, a) = %v", changes)
		}
		same := written(t, a) == written(t, b)
		if changes := backup.Diff(a, b); (len(changes) == 0) != same {
			t.Fatalf("documents equal: %t, differences: %v\n%s", same, changes, cmp.Diff(written(t, a), written(t, b)))
		}
		for _, change := range backup.Diff(a, b) {
			if change.Text == "" || change.Pointer == "" || strings.Contains(change.String(), "\n") {
				t.Fatalf("a change without words or place: %#v", change)
			}
		}
	})
}

func written(t *rapid.T, c *backup.Config) string {
	var b strings.Builder
	if err := backup.Write(&b, c); err != nil {
		t.Fatalf("Write: %v", err)
	}
	return b.String()
}
