package scim_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/scim"
)

// Pages are the ones of the identity providers, by file.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("idp/*.md")
	if err != nil || len(files) < len(scim.Providers()) {
		t.Fatalf("pages %v: %v", files, err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(text)
	}
	return all
}

// completed makes a whole document of the settings of a connection.
func completed(settings map[string]any) string {
	connection := map[string]any{
		"name": "idp", "path": "/scim/idp/v2",
		"crowd": map[string]any{
			"url": "https://crowd.example.com/crowd", "application": "scim", "password": map[string]any{"env": "CROWD_PASSWORD"},
		},
	}
	maps.Copy(connection, settings)
	access, _ := connection["access"].(map[string]any)
	if connection["tokens"] == nil && access["issuers"] == nil {
		connection["tokens"] = []any{token(nil)}
	}
	text, err := json.Marshal(map[string]any{"format": backup.Format, "connections": []any{connection}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func token(settings map[string]any) map[string]any {
	_, made := scim.NewToken()
	t := map[string]any{"id": made.ID, "sha256": made.SHA256}
	maps.Copy(t, settings)
	return t
}

// A setting in the pages is a block of JSON, or code within a line that looks like
// members of an object, with or without braces.
var (
	block  = regexp.MustCompile("(?s)```json\n(.*?)```")
	inline = regexp.MustCompile("`(\\{?\"[A-Za-z]+\": [^`]*)`")
	dotted = regexp.MustCompile("`((?:users|groups|access|limits|crowd|tokens)(?:\\.[A-Za-z]+)+|provider|access|tokens)`")
)

// TestPagesShowSettings reads every piece of a configuration that the pages show,
// as a part of a whole document.
func TestPagesShowSettings(t *testing.T) {
	n := 0
	for page, text := range pages(t) {
		for _, found := range block.FindAllStringSubmatch(text, -1) {
			var settings map[string]any
			if err := json.Unmarshal([]byte(found[1]), &settings); err != nil {
				t.Errorf("%s: %v\n%s", page, err, found[1])
			}
			n++
			if _, err := backup.Read(strings.NewReader(completed(settings))); err != nil {
				t.Errorf("%s: %v\n%s", page, err, found[1])
			}
		}
		for _, found := range inline.FindAllStringSubmatch(text, -1) {
			n++
			if err := someplace(t, found[1]); err != nil {
				t.Errorf("%s: %s: %v", page, found[1], err)
			}
		}
	}
	if n < 2*len(scim.Providers()) {
		t.Errorf("only %d pieces of settings found", n)
	}
}

// someplace reads members of a connection, or of one of its parts, and returns the
// error for the connection where they are of none.
func someplace(t *testing.T, code string) error {
	t.Helper()
	if !strings.HasPrefix(code, "{") {
		code = "{" + code + "}"
	}
	var settings map[string]any
	if err := json.Unmarshal([]byte(code), &settings); err != nil {
		return err
	}
	_, refused := backup.Read(strings.NewReader(completed(settings)))
	for _, part := range []map[string]any{
		settings, {"users": settings}, {"groups": settings}, {"access": settings}, {"tokens": []any{token(settings)}},
	} {
		if _, err := backup.Read(strings.NewReader(completed(part))); err == nil {
			return nil
		}
	}
	return refused
}

// TestPagesNameSettings looks up every setting that the pages name.
func TestPagesNameSettings(t *testing.T) {
	type definition struct {
		Properties map[string]struct {
			Ref   string `json:"$ref"`
			Items struct {
				Ref string `json:"$ref"`
			}
		}
	}
	var schema struct {
		Defs map[string]definition `json:"$defs"`
	}
	if err := json.Unmarshal(backup.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	exists := func(path string) bool {
		at := schema.Defs["connection"]
		for _, name := range strings.Split(path, ".") {
			p, ok := at.Properties[name]
			if !ok {
				return false
			}
			at = schema.Defs[strings.TrimPrefix(p.Ref+p.Items.Ref, "#/$defs/")]
		}
		return true
	}
	if !exists("users.password") || exists("users.passwords") || exists("user.password") {
		t.Fatal("the schema is not understood")
	}
	var named []string
	for page, text := range pages(t) {
		for _, found := range dotted.FindAllStringSubmatch(text, -1) {
			named = append(named, found[1])
			if !exists(found[1]) {
				t.Errorf("%s names the setting %s, which is none", page, found[1])
			}
		}
	}
	for _, least := range []string{"access.raw", "access.issuers", "users.attributes", "limits.page", "provider"} {
		if !slices.Contains(named, least) {
			t.Errorf("no page names %s", least)
		}
	}
}

// TestPagesTellFindings holds the list of findings in the pages against those that
// the handler tells.
func TestPagesTellFindings(t *testing.T) {
	files, err := filepath.Glob("doctor*.go")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range code.FindAllStringSubmatch(string(text), -1) {
			told[found[1]] = true
		}
	}
	listed := map[string]bool{}
	_, table, _ := strings.Cut(pages(t)["idp/README.md"], "| Finding | Meaning |")
	for _, row := range strings.Split(table, "\n") {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
		for _, found := range quoted.FindAllStringSubmatch(cell, -1) {
			listed[found[1]] = true
		}
	}
	if diff := cmp.Diff(told, listed); diff != "" || len(told) < 10 {
		t.Errorf("findings (-told +listed):\n%s", diff)
	}
}

var (
	code   = regexp.MustCompile(`Code: "([^"]+)"`)
	quoted = regexp.MustCompile("`([^`]+)`")
)
