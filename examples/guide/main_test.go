package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
)

// The guide holds what it promises against Crowd and Jira itself, and fails where
// they differ.
func TestGuide(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, s := range screens {
		if !strings.Contains(out.String(), ". "+s.title+"\n") {
			t.Errorf("the screen %q was not shown", s.title)
		}
	}
	if !strings.HasSuffix(out.String(), "all of it held.\n") {
		t.Errorf("it ends with %q", out.String()[max(0, out.Len()-100):])
	}
}

// A screen that does not come to what it promises is an error.
func TestGuideNoticesWhatIsWrong(t *testing.T) {
	var out bytes.Buffer
	g, err := newGuide(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer g.servers.close()
	for _, s := range screens[:4] {
		if err := s.show(g, t.Context()); err != nil {
			t.Fatalf("%s: %v", s.title, err)
		}
	}
	if err := g.active("ann@example.com", true); err != nil {
		t.Error(err)
	}
	if err := g.active("ann@example.com", false); err == nil {
		t.Error("a user who is active passed for one who is not")
	}
	if err := g.members("nobody-home", "ann@example.com"); err == nil {
		t.Error("a group that is missing passed for one with a member")
	}
}

// The page has a section for each screen, and its document is one.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, s := range screens {
		want = append(want, s.title)
	}
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(page), -1) {
		got = append(got, m[1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sections (-screens +page)\n%s", diff)
	}
	_, rest, _ := strings.Cut(string(page), "```json\n")
	document, _, found := strings.Cut(rest, "```")
	if !found || !json.Valid([]byte(document)) {
		t.Fatal("the page has no document")
	}
	if _, err := backup.Read(strings.NewReader(document)); err != nil {
		t.Error(err)
	}
}
