package backup_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
)

// Of a document of another format only that is told, however little of it fits this
// one.
func TestReadOtherFormats(t *testing.T) {
	const remedy = ` Write "scimcrowd/v1", or use a program that knows that version`
	tests := []struct{ format, want string }{
		{"scimcrowd/v0", "is no version that is known here."},
		{"scimcrowd/v01", "is no version that is known here."},
		{"scimcrowd/v2", "is a later version than is known here."},
		{"scimcrowd/v10", "is a later version than is known here."},
		{"scimcrowd/v1 ", "is no version that is known here."},
		{"SCIMCROWD/V1", "is no version that is known here."},
		{"scimcrowd/snapshot/v1", "is no version that is known here."},
	}
	for _, test := range tests {
		for _, rest := range []string{`"connections": 1`, `"sites": []`, `"format": 1`} {
			_, err := backup.Read(strings.NewReader(`{"format": "` + test.format + `", ` + rest + `}`))
			if err == nil {
				t.Errorf("%q is read", test.format)
				continue
			}
			if diff := cmp.Diff(`/format: "`+test.format+`" `+test.want+remedy, err.Error()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", rest, diff)
			}
		}
	}
}
