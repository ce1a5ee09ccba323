package backup_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// FuzzRead reads any bytes: it is refused with faults that have a place, a
// problem and a remedy, or it is written and read again as the same.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, tests := range [][]faultTest{textFaults(), formFaults(), extensionFaults(), contradictions(), extensionContradictions(), mappingFaults()} {
		for _, test := range tests {
			f.Add([]byte(test.document))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := backup.Read(bytes.NewReader(data))
		if err != nil {
			faults, ok := errors.AsType[mapping.Faults](err)
			if !ok || len(faults) == 0 {
				t.Fatalf("Read error is %T (%v), want mapping.Faults", err, err)
			}
			for _, fault := range faults {
				if fault.Problem == "" || fault.Remedy == "" || fault.Pointer != "" && fault.Pointer[0] != '/' || strings.ContainsAny(fault.Pointer, "\n\r") {
					t.Errorf("incomplete fault: %#v", fault)
				}
			}
			return
		}
		first := mustWrite(t, c)
		back := mustRead(t, first)
		if second := mustWrite(t, back); second != first {
			t.Errorf("written twice:\n%s\n%s", first, second)
		}
		if changes := backup.Diff(c, back); len(changes) != 0 {
			t.Errorf("Diff after a round = %v", changes)
		}
	})
}
