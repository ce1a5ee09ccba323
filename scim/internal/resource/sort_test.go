package resource_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	tests := []struct {
		name       string
		by         string
		docs       []string // in ascending order
		descending string   // the positions in descending order
	}{
		{"text ignoring case", "userName", []string{`{"userName":"a"}`, `{"userName":"B"}`, `{"userName":"c"}`}, "2 1 0"},
		{"text by case", badgeURN + ":pin", []string{`{"` + badgeURN + `":{"pin":"B"}}`, `{"` + badgeURN + `":{"pin":"a"}}`, `{}`}, "2 1 0"},
		{"missing last", "title", []string{`{"title":"a"}`, `{"title":"b"}`, `{}`}, "2 1 0"},
		{"equal stay in order", "title", []string{`{"title":"a"}`, `{"title":"A"}`, `{"title":"a"}`}, "0 1 2"},
		{"sub-attribute", "name.familyName", []string{`{"name":{"familyName":"a"}}`, `{"name":{"familyName":"b"}}`, `{"name":{"givenName":"0"}}`}, "2 1 0"},
		{"primary value", "emails", []string{`{"emails":[{"value":"z"},{"value":"a","primary":true}]}`, `{"emails":[{"value":"b"},{"value":"0"}]}`}, "1 0"},
		{"sub-attribute of the primary value", "emails.type", []string{`{"emails":[{"type":"z"},{"type":"a","primary":true}]}`, `{"emails":[{"type":"b"}]}`}, "1 0"},
		{"by value filter", `emails[type eq "home"].value`, []string{`{"emails":[{"type":"work","value":"z"},{"type":"home","value":"a"}]}`, `{"emails":[{"type":"home","value":"b"}]}`, `{"emails":[{"type":"work","value":"a"}]}`}, "2 1 0"},
		{"booleans", "active", []string{`{"active":false}`, `{"active":true}`, `{}`}, "2 1 0"},
		{"integers", badgeURN + ":number", []string{`{"` + badgeURN + `":{"number":9}}`, `{"` + badgeURN + `":{"number":10}}`}, "1 0"},
		{"decimals", badgeURN + ":height", []string{`{"` + badgeURN + `":{"height":1.5e0}}`, `{"` + badgeURN + `":{"height":1.75}}`, `{"` + badgeURN + `":{"height":2}}`}, "2 1 0"},
		{"instants", badgeURN + ":issued", []string{`{"` + badgeURN + `":{"issued":"2026-01-01T01:00:00+02:00"}}`, `{"` + badgeURN + `":{"issued":"2026-01-01T00:00:00Z"}}`}, "1 0"},
		{"simple values", badgeURN + ":tags", []string{`{"` + badgeURN + `":{"tags":["a","z"]}}`, `{"` + badgeURN + `":{"tags":["b"]}}`}, "1 0"},
		{"complex without value", "name", []string{`{"name":{"givenName":"b"}}`, `{"name":{"givenName":"a"}}`}, "0 1"},
		{"short name", "department", []string{`{"` + enterpriseURN + `":{"department":"a"}}`, `{"` + enterpriseURN + `":{"department":"b"}}`}, "1 0"},
		{"unknown", "shoeSize", []string{`{"title":"b"}`, `{"title":"a"}`}, "0 1"},
	}
	typ := typeNamed(t, "User")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			by := path(t, tt.by)
			var want []map[string]any
			for _, text := range tt.docs {
				want = append(want, user(t, text))
			}
			for i := range want {
				for j := range want {
					if i < j && typ.Compare(want[i], want[j], by, false) > 0 {
						t.Errorf("%s stands behind %s", tt.docs[i], tt.docs[j])
					}
				}
			}
			got := slices.Clone(want)
			slices.SortStableFunc(got, func(a, b map[string]any) int { return typ.Compare(a, b, by, true) })
			var descending []map[string]any
			for _, digit := range strings.Fields(tt.descending) {
				descending = append(descending, want[digit[0]-'0'])
			}
			if diff := cmp.Diff(descending, got); diff != "" {
				t.Errorf("descending mismatch (-want +got):\n%s", diff)
			}
		})
	}
}
