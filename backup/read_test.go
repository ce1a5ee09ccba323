package backup_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/mapping"
)

const (
	sum      = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	otherSum = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
)

func golden(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustRead(t testing.TB, document string) *backup.Config {
	t.Helper()
	c, err := backup.Read(strings.NewReader(document))
	if err != nil {
		t.Fatalf("Read: %v\n%s", err, document)
	}
	return c
}

func mustWrite(t testing.TB, c *backup.Config) string {
	t.Helper()
	var b bytes.Buffer
	if err := backup.Write(&b, c); err != nil {
		t.Fatalf("Write: %v", err)
	}
	return b.String()
}

// connection returns a connection's JSON with more members.
func connection(name, more string) string {
	return `{"name": "` + name + `", "path": "/scim/` + name + `", "tokens": [{"id": "a", "sha256": "` + sum + `"}],
		"crowd": {"url": "https://crowd.example.com/crowd", "application": "scim", "password": {"env": "CROWD_PASSWORD"}}` + more + `}`
}

// document returns a document of connections.
func document(connections ...string) string {
	return `{"format": "scimcrowd/v1", "connections": [` + strings.Join(connections, ",") + `]}`
}

// users and groups return a document with these settings.
func users(settings string) string {
	return document(connection("okta", `, "users": {`+settings+`}`))
}

func groups(settings string) string {
	return document(connection("okta", `, "groups": {`+settings+`}`))
}

// replaced returns a good document in which something is exchanged.
func replaced(old, with string) string {
	good := document(connection("okta", ""))
	if !strings.Contains(good, old) {
		panic("the document holds no " + old)
	}
	return strings.Replace(good, old, with, 1)
}

func TestReadWriteGolden(t *testing.T) {
	for _, name := range []string{"minimal.json", "full.json"} {
		t.Run(name, func(t *testing.T) {
			want := string(golden(t, name))
			got := mustWrite(t, mustRead(t, want))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Write(Read(x)) mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// Every format that was ever published is read for ever. The file before is as somebody
// has it, and never rewritten; the file after is what it is in the present format.
func TestReadEveryFormat(t *testing.T) {
	formats, err := filepath.Glob("testdata/format/*.json")
	if err != nil || len(formats) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range formats {
		before, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		after := strings.TrimSuffix(name, ".json") + ".now"
		got := mustWrite(t, mustRead(t, string(before)))
		if *update {
			if err := os.WriteFile(after, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(after)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadFills(t *testing.T) {
	c := mustRead(t, string(golden(t, "full.json")))
	okta := c.Connections[0]
	if got := okta.Users.Reactivate; got == nil || *got {
		t.Errorf("Users.Reactivate = %v, want false", got)
	}
	if !okta.Users.Keep.Mapped || okta.Groups.Mapping != mapping.ManualMapping || *okta.Groups.Guard.Deactivations.Count != 0 {
		t.Errorf("settings are not as written: %+v", okta)
	}
	if protected := c.Connections[1].Groups.Protected; protected == nil || len(protected) != 0 {
		t.Errorf("Groups.Protected = %#v, want an empty list that is there", protected)
	}
	if okta.Users.Update == nil || c.Connections[1].Users.Update != nil {
		t.Error("what is said and what is not are not told apart")
	}
}

func TestReadFaults(t *testing.T) {
	for _, tests := range [][]faultTest{textFaults(), formFaults(), extensionFaults(), contradictions(), extensionContradictions(), mappingFaults()} {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				c, err := backup.Read(strings.NewReader(test.document))
				if c != nil {
					t.Error("Read returned a configuration beside the faults")
				}
				got, ok := errors.AsType[mapping.Faults](err)
				if !ok {
					t.Fatalf("Read error is %T (%v), want mapping.Faults", err, err)
				}
				if diff := cmp.Diff(test.want, strings.Split(got.Error(), "\n")); diff != "" {
					t.Errorf("faults mismatch (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestReadPassesOnReadErrors(t *testing.T) {
	broken := errors.New("broken pipe")
	_, err := backup.Read(iotest.ErrReader(broken))
	if !errors.Is(err, broken) || err.Error() != "backup: read: broken pipe" {
		t.Errorf("Read error = %v", err)
	}
}

func TestWriteRefusesWhatReadWould(t *testing.T) {
	c := mustRead(t, document(connection("okta", "")))
	c.Connections[0].Path = "no slash"
	var b bytes.Buffer
	err := backup.Write(&b, c)
	want := mapping.Faults{{
		Pointer: "/connections/0/path",
		Problem: "it is not a path of letters, digits, dots, hyphens, underscores and tildes, with a slash in front and none at the end",
		Remedy:  `Write for example "/scim/okta/v2"`,
	}}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Errorf("Write error mismatch (-want +got):\n%s", diff)
	}
	if b.Len() != 0 {
		t.Errorf("Write wrote %d bytes beside the error", b.Len())
	}
	if diff := cmp.Diff(error(want), c.Validate()); diff != "" {
		t.Errorf("Validate error mismatch (-want +got):\n%s", diff)
	}
}

func TestWriteFillsFormat(t *testing.T) {
	c := mustRead(t, document(connection("okta", "")))
	c.Format = ""
	if got := mustWrite(t, c); !strings.HasPrefix(got, "{\n  \"format\": \"scimcrowd/v1\",\n") {
		t.Errorf("Write wrote no format:\n%s", got)
	}
	if c.Format != "" {
		t.Error("Write changed its argument")
	}
}

func TestWritePassesOnWriteErrors(t *testing.T) {
	broken := errors.New("disk full")
	err := backup.Write(failingWriter{broken}, mustRead(t, document(connection("okta", ""))))
	if !errors.Is(err, broken) {
		t.Errorf("Write error = %v, want %v", err, broken)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
