package backup_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// drawText draws texts around the limits of Crowd, of characters that count once and twice, among blanks and what no
// name may hold.
func drawText(t *rapid.T) string {
	piece := rapid.SampledFrom([]string{
		strings.Repeat("a", 250), strings.Repeat("é", 126), strings.Repeat("😀", 126), "a", "É", "😀", "ﬁ", "İ", " ", "\u00a0", "\t", "\x00", "\ufffe", "\u200b", "~", "\xff",
	})
	return strings.Join(rapid.SliceOfN(piece, 1, 4).Draw(t, "pieces"), "")
}

// A name that the mapping lets pass is one that Crowd takes, and the other way round; both compare names alike.
func TestMappingAndCrowdAgreeOnNames(t *testing.T) {
	attributes, err := mapping.CompileAttributes(nil, mapping.AttributeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		name := drawText(t)
		want := crowd.ValidateName(name)
		if _, err := attributes.ToCrowd(map[string]any{"userName": name}); (err == nil) != (want == nil) {
			t.Errorf("user name %q: %v, Crowd says %v", name, err, want)
		}
		for setting, g := range map[string]mapping.Groups{
			"defaultForAllUsers": {DefaultForAllUsers: []string{name}},
			"protected":          {Protected: []string{name}},
			"from":               {Manual: mapping.Manual{Rules: []mapping.Rule{{From: name, To: []string{"x"}}}}},
			"to":                 {Manual: mapping.Manual{Rules: []mapping.Rule{{From: "x", To: []string{name}}}}},
		} {
			if _, err := mapping.CompileGroups(g); (err == nil) != (want == nil) {
				t.Errorf("%s %q: %v, Crowd says %v", setting, name, err, want)
			}
		}
		fly, err := mapping.CompileGroups(mapping.Groups{})
		if err != nil {
			t.Fatal(err)
		}
		if fills := len(fly.Targets(mapping.SCIMGroup{Name: name})) > 0; fills != (want == nil) {
			t.Errorf("group %q fills one: %v, Crowd says %v", name, fills, want)
		}
		if got, want := mapping.Fold(name), crowd.Fold(name); got != want {
			t.Errorf("Fold(%q) = %q, Crowd compares %q", name, got, want)
		}
	})
}

// What the mapping makes of a text is what Crowd keeps of it.
func TestMappingAndCrowdAgreeOnTexts(t *testing.T) {
	attributes, err := mapping.CompileAttributes(mapping.Attributes{{To: "note", From: []string{"title"}}}, mapping.AttributeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var server crowdtest.Server
	client := server.Client(t)
	server.AddUser(crowd.User{Name: "ann", Active: true})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ToValidUTF8(drawText(t), "?") // as JSON is
		f, err := attributes.ToCrowd(map[string]any{"userName": "ann", "displayName": text})
		if err != nil {
			t.Fatal(err)
		}
		if err := client.UpdateUser(t.Context(), crowd.User{Name: "ann", DisplayName: text, Active: true}); err != nil {
			t.Fatal(err)
		}
		if u, _ := server.User("ann"); f.DisplayName == nil || *f.DisplayName != u.DisplayName {
			t.Errorf("%q is mapped to %q, Crowd keeps %q", text, *f.DisplayName, u.DisplayName)
		}
		f, err = attributes.ToCrowd(map[string]any{"userName": "ann", "title": text})
		if _, refused := errors.AsType[*mapping.ValueError](err); err != nil && !refused {
			t.Fatal(err)
		}
		if err := client.SetUserAttributes(t.Context(), "ann", crowd.Attributes{"note": {text}}); err != nil {
			t.Fatal(err)
		}
		u, _ := server.User("ann")
		if whole := slices.Equal(u.Attributes["note"], []string{text}); whole != (err == nil) {
			t.Errorf("%q: refused %v, Crowd keeps it whole: %v", text, err, whole)
		}
	})
}
