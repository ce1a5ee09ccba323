package resource_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

func TestDecode(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":%d`, i, i)
	}
	tests := []struct {
		name, body, scimType string
	}{
		{"object", `{"a":[1,{"b":null}],"c":"d"}`, ""},
		{"byte order mark", "\xef\xbb\xbf{}", ""},
		{"blanks around", " \n{}\r\n\t", ""},
		{"equal keys in two objects", `[{"a":1},{"a":1}]`[1:8], ""},
		{"equal keys at two levels", `{"a":{"a":{"a":1}}}`, ""},
		{"key as value", `{"a":"a","b":["a","a"]}`, ""},
		{"brackets in a string", `{"a":"` + strings.Repeat("[", 100) + `"}`, ""},
		{"quotes in a string", `{"a":"\"{\"a\":","b":"\\"}`, ""},
		{"whole character as escapes", `{"a":"\ud83d\ude00 \u00e9"}`, ""},
		{"many keys", `{` + strings.Join(many, ",") + `}`, ""},
		{"deep as allowed", strings.Repeat(`{"a":`, 31) + `{}` + strings.Repeat(`}`, 31), ""},

		{"empty", ``, "invalidSyntax"},
		{"blanks only", ` `, "invalidSyntax"},
		{"null", `null`, "invalidSyntax"},
		{"array", `[{}]`, "invalidSyntax"},
		{"cut off", `{"a":`, "invalidSyntax"},
		{"cut off in a string", `{"a":"b`, "invalidSyntax"},
		{"comma too many", `{"a":1,}`, "invalidSyntax"},
		{"single quotes", `{'a':1}`, "invalidSyntax"},
		{"something behind", `{} {}`, "invalidSyntax"},
		{"bracket behind", `{}]`, "invalidSyntax"},
		{"equal keys", `{"a":1,"b":{"c":1,"c":2}}`, "invalidSyntax"},
		{"equal keys but for case", `{"userName":"a","USERNAME":"b"}`, "invalidSyntax"},
		{"equal keys but for an escape", `{"userName":"a","user\u004eame":"b"}`, "invalidSyntax"},
		{"equal keys among many", `{` + strings.Join(many, ",") + `,"K7":1}`, "invalidSyntax"},
		{"too deep", strings.Repeat(`{"a":`, 32) + `{}` + strings.Repeat(`}`, 32), "invalidSyntax"},
		{"far too deep and not JSON", strings.Repeat(`[`, 1_000_000), "invalidSyntax"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "invalidSyntax"},
		{"half a character in front", `{"a":"\ud83d"}`, "invalidSyntax"},
		{"half a character behind", `{"a":"\ude00x"}`, "invalidSyntax"},
		{"two halves of two characters", `{"a":"\ud83d\ud83d"}`, "invalidSyntax"},
		{"half a character before another escape", `{"a":"\ud83d\n"}`, "invalidSyntax"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := resource.Decode([]byte(tt.body), resource.Limits{})
			if s := scimType(t, err); s != tt.scimType {
				t.Fatalf("scimType = %q (%v), want %q", s, err, tt.scimType)
			}
			if err == nil && got == nil {
				t.Error("no object")
			}
		})
	}
}

// TestDecodeNumbers keeps numbers as they were written.
func TestDecodeNumbers(t *testing.T) {
	got, err := resource.Decode([]byte(`{"a":12345678901234567890,"b":1.50}`), resource.Limits{Depth: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": json.Number("12345678901234567890"), "b": json.Number("1.50")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Decode mismatch (-want +got):\n%s", diff)
	}
}
