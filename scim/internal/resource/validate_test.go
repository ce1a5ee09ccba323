package resource_test

import (
	"testing"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

func TestValidate(t *testing.T) {
	tests := []struct{ name, typ, doc, detail string }{
		{"good", "User", `{"schemas":["` + userURN + `"],"userName":"ann","id":"1","meta":{"version":"x"},"groups":[{"value":"g"}]}`, ""},
		{"no userName", "User", `{"schemas":["` + userURN + `"]}`, "userName is required and must not be empty"},
		{"empty userName", "User", `{"schemas":["` + userURN + `"],"userName":""}`, "userName is required and must not be empty"},
		{"no displayName", "Group", `{"schemas":["` + groupURN + `"],"members":[{"value":"a"}]}`, "displayName is required and must not be empty"},
		{"two primaries", "User", `{"schemas":["` + userURN + `"],"userName":"ann","emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, "emails has 2 primary values: mark one only"},
		{"two primaries in an extension", "User", `{"schemas":["` + userURN + `","` + badgeURN + `"],"userName":"ann","` + badgeURN + `":{"doors":[{"value":"a","primary":true},{"value":"b","primary":true}]}}`, badgeURN + ":doors has 2 primary values: mark one only"},
		{"wrong type", "User", `{"schemas":["` + userURN + `"],"userName":"ann","title":1}`, "title is not what the schema says, or lacks a required sub-attribute"},
		{"wrong type in an extension", "User", `{"schemas":["` + userURN + `","` + badgeURN + `"],"userName":"ann","` + badgeURN + `":{"number":"x"}}`, badgeURN + ":number is not what the schema says, or lacks a required sub-attribute"},
		{"required sub-attribute", "User", `{"schemas":["` + userURN + `","` + badgeURN + `"],"userName":"ann","` + badgeURN + `":{"doors":[{"level":1}]}}`, badgeURN + ":doors is not what the schema says, or lacks a required sub-attribute"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := typeNamed(t, tt.typ).Validate(decode(t, tt.doc))
			want := "invalidValue"
			if tt.detail == "" {
				want = ""
			}
			if s := scimType(t, err); s != want {
				t.Fatalf("scimType = %q (%v), want %q", s, err, want)
			}
			if err != nil && err.(*resource.Error).Detail != tt.detail {
				t.Errorf("detail = %q, want %q", err.(*resource.Error).Detail, tt.detail)
			}
		})
	}
}

func TestCheckReplace(t *testing.T) {
	tests := []struct {
		name, before, after, scimType string
	}{
		{"nothing immutable", `{"title":"a"}`, `{"title":"b"}`, ""},
		{"set", `{}`, `{"` + badgeURN + `":{"number":7}}`, ""},
		{"same", `{"` + badgeURN + `":{"number":7,"origin":{"site":"a"}}}`, `{"` + badgeURN + `":{"number":7.0,"origin":{"site":"a"}}}`, ""},
		{"changed", `{"` + badgeURN + `":{"number":7}}`, `{"` + badgeURN + `":{"number":8}}`, "mutability"},
		{"gone", `{"` + badgeURN + `":{"number":7}}`, `{}`, "mutability"},
		{"changed inside", `{"` + badgeURN + `":{"origin":{"site":"a"}}}`, `{"` + badgeURN + `":{"origin":{"site":"b"}}}`, "mutability"},
		{"values replaced whole", `{"` + badgeURN + `":{"doors":[{"value":"a"}]}}`, `{"` + badgeURN + `":{"doors":[{"value":"b"}]}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := typeNamed(t, "User").CheckReplace(user(t, tt.before), user(t, tt.after))
			if s := scimType(t, err); s != tt.scimType {
				t.Errorf("scimType = %q (%v), want %q", s, err, tt.scimType)
			}
		})
	}
}
