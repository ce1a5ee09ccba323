package scim

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzEncode checks that what is written reads back as it was.
func FuzzEncode(f *testing.F) {
	f.Add("plain", "quote \" and \\ and \n", int64(5))
	f.Add("ünï", "日本 🎉 <&>", int64(-1))
	f.Add("\x00\x7f", "a\u2028b", int64(0))
	f.Fuzz(func(t *testing.T, name, text string, n int64) {
		doc := map[string]any{
			"schemas": []any{"urn:x"}, "id": text, "meta": map[string]any{"a": nil},
			"list": []any{text, json.Number("12.50"), true, map[string]any{name: text}},
		}
		var e encoder
		e.resource(doc)
		plain, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if err := json.Unmarshal(e.buf, &got); err != nil {
			t.Fatalf("%v: %s", err, e.buf)
		}
		if err := json.Unmarshal(plain, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("mismatch (-encoding/json +encoder):\n%s", diff)
		}
	})
}

// TestLeadingMembers checks the order that simple clients rely on.
func TestLeadingMembers(t *testing.T) {
	var e encoder
	e.resource(map[string]any{"active": true, "meta": map[string]any{}, "id": "1", "zzz": "z", "externalId": "x", "schemas": []any{"urn:x"}})
	const want = `{"schemas":["urn:x"],"id":"1","externalId":"x","active":true,"zzz":"z","meta":{}}`
	if got := string(e.buf); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
