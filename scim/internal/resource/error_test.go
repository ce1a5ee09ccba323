package resource_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// TestDetailsAreShort: what a request says at any length, the answer repeats in a few words, remedy included.
func TestDetailsAreShort(t *testing.T) {
	long := strings.Repeat("é", 2000)
	spaced := strings.Repeat(`é \\\" `, 300)
	tests := map[string]string{
		"path nobody knows":      `{"op":"remove","path":"` + long + `"}`,
		"path that is no path":   `{"op":"remove","path":"` + spaced + `"}`,
		"sub-attribute":          `{"op":"remove","path":"name.` + long + `"}`,
		"value filter":           `{"op":"add","path":"emails[` + long + ` eq 1].value","value":"x"}`,
		"operator":               `{"op":"add","path":"emails[value ` + long + ` 1].value","value":"x"}`,
		"nothing that matches":   `{"op":"replace","path":"emails[value eq \"` + spaced + `\" or type eq \"x\"]","value":{"value":"x"}}`,
		"no object":              `{"op":"add","path":"emails[value eq \"` + long + `\"]","value":true}`,
		"no value":               `{"op":"add","path":"emails[value eq \"` + spaced + `\"]"}`,
		"operation":              `{"op":"` + long + `","path":"title"}`,
		"schema that is unknown": `{"op":"add","path":"schemas","value":["` + long + `"]}`,
	}
	for name, op := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := patch(t, typeNamed(t, "User"), user(t, `{}`), patchBody(t, op), resource.Lenient())
			if scimType(t, err); err == nil || utf8.RuneCountInString(err.Error()) > 400 {
				t.Errorf("%d characters of detail: %v", utf8.RuneCountInString(err.Error()), err)
			}
		})
	}
}

func TestBrief(t *testing.T) {
	a := strings.Repeat("a", 101)
	tests := []struct{ detail, want string }{
		{"", ""},
		{"a short one", "a short one"},
		{"word " + a + ": remedy", "word " + a[:100] + "... remedy"},
		{`path "` + a + `" is wrong`, `path "` + a[:99] + `..." is wrong`},
		{`path "x \"` + a + `" is wrong`, `path "x \"` + a[:95] + `..." is wrong`},
		{`never closed "` + a, `never closed "` + a[:99] + "..."},
		{strings.Repeat("many words ", 20), strings.Repeat("many words ", 20)},
	}
	for _, tt := range tests {
		if got := resource.Brief(tt.detail); got != tt.want {
			t.Errorf("Brief(%q) = %q, want %q", tt.detail, got, tt.want)
		}
	}
}
