package groupsync

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestScanNoteReadsWhatIsWritten(t *testing.T) {
	at := time.Date(2026, 11, 5, 7, 8, 9, 123456789, time.UTC)
	for _, n := range []note{
		{},
		{ID: "n-ZGV2cw", At: at, Request: "r-1"},
		{ID: "n-ZGV2cw", Name: "devs", ExternalID: "00g1", Made: true, At: at},
		{Child: "n-b3Bz", Found: true, At: at.In(time.FixedZone("", 3600))},
	} {
		document, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := scanNote(string(document))
		if diff := cmp.Diff(n, got); !ok || diff != "" {
			t.Errorf("%s: read %t (-want +got)\n%s", document, ok, diff)
		}
	}
}

// Whatever scanNote reads, encoding/json reads alike.
func FuzzScanNote(f *testing.F) {
	for _, document := range []string{
		`{}`, `{"id":"a","at":"2026-11-05T07:08:09Z"}`, `{"made":true,"name":"x"}`, `{"made":true,}`, `{"ID":"a"}`,
		`{"at":"2026-11-05T7:08:09,5Z"}`, `{"name":"\u00e4"}`, `{"made":truer}`, `{"id":"a" }`, `{"id":"a","id":"b"}`,
		`{"name":null}`, `{"name":"a"}}`, `{"name":"a"`, `{,}`,
	} {
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document string) {
		got, ok := scanNote(document)
		if !ok {
			return
		}
		var want note
		if err := json.Unmarshal([]byte(document), &want); err != nil {
			t.Fatalf("%q is read, and is no note: %v", document, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", document, diff)
		}
	})
}
