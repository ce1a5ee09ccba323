package resource_test

import (
	"encoding/json"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
	"pgregory.net/rapid"
)

func TestEqual(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"same", `{"a":"x","b":[1,true,null]}`, `{"b":[1,true,null],"a":"x"}`, true},
		{"meta", `{"a":1,"meta":{"version":"1"}}`, `{"a":1,"meta":{"version":"2"}}`, true},
		{"meta missing", `{"a":1,"meta":{"version":"1"}}`, `{"a":1}`, true},
		{"meta inside", `{"a":{"meta":1}}`, `{"a":{"meta":2}}`, false},
		{"another order", `{"a":[{"x":1,"y":[1,2]},{"x":2}]}`, `{"a":[{"x":2},{"y":[2,1],"x":1}]}`, true},
		{"counts", `{"a":[1,1,2]}`, `{"a":[1,2,2]}`, false},
		{"lengths", `{"a":[1]}`, `{"a":[1,1]}`, false},
		{"empty is none", `{"a":[],"b":{},"c":"","d":null}`, `{}`, true},
		{"empty is none, the other way", `{}`, `{"a":[],"b":{},"c":"","d":null}`, true},
		{"empty and empty", `{"a":[]}`, `{"a":""}`, true},
		{"false is not none", `{"a":false}`, `{}`, false},
		{"numbers", `{"a":1,"b":100,"c":0.5}`, `{"a":1.0,"b":1e2,"c":5e-1}`, true},
		{"numbers in another order", `{"a":[1,2]}`, `{"a":[2.0,1.0]}`, true},
		{"absurd numbers", `{"a":1e999999999}`, `{"a":1e999999998}`, false},
		{"case", `{"a":"x"}`, `{"a":"X"}`, false},
		{"types", `{"a":"1"}`, `{"a":1}`, false},
		{"array and value", `{"a":["x"]}`, `{"a":"x"}`, false},
		{"value and object", `{"a":"x"}`, `{"a":{"x":1}}`, false},
		{"missing", `{"a":1,"b":2}`, `{"a":1}`, false},
		{"one more", `{"a":1}`, `{"a":1,"b":2}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := resource.Equal(decode(t, tt.a), decode(t, tt.b)); got != tt.want {
				t.Errorf("Equal = %v, want %v", got, tt.want)
			}
			if got := resource.Equal(decode(t, tt.b), decode(t, tt.a)); got != tt.want {
				t.Errorf("Equal the other way = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestNormaliseTwice: normal form stays as it is, and passes under strict rules.
func TestNormaliseTwice(t *testing.T) {
	typ := typeNamed(t, "User")
	value := rapid.OneOf(
		rapid.Just[any](nil), rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }), rapid.Just[any](json.Number("7")),
		rapid.Just[any]([]any{map[string]any{"value": "v", "type": "work"}}),
		rapid.Just[any](map[string]any{"value": "v", "givenName": "G", "primary": "True"}),
		rapid.Just[any](map[string]any{"department": "D", "number": json.Number("1"), "tags": []any{"t"}}),
	)
	key := rapid.SampledFrom([]string{
		"userName", "TITLE", "name", "emails", "active", "name.givenName", "department", "roles", "id", "members",
		enterpriseURN, badgeURN, enterpriseURN + ":manager", badgeURN + ":tags", `emails[type eq "x"].value`, "shoe",
	})
	rapid.Check(t, func(rt *rapid.T) {
		doc := rapid.MapOf(key, value).Draw(rt, "doc")
		once, err := typ.Normalise(doc, resource.Lenient())
		if err != nil {
			return
		}
		for _, l := range []resource.Leniency{resource.Lenient(), resource.Strict()} {
			twice, err := typ.Normalise(once, l)
			if err != nil {
				rt.Fatalf("a second time: %v", err)
			}
			if !resource.Equal(once, twice) {
				rt.Fatalf("a second time %v, once %v", twice, once)
			}
		}
	})
}
