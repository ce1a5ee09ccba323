package backup_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/mapping"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestSchemaGolden(t *testing.T) {
	const name = "testdata/schema.json"
	got := backup.Schema()
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(golden(t, "schema.json")), string(got)); diff != "" {
		t.Errorf("Schema mismatch (-want +got); go test -update rewrites it:\n%s", diff)
	}
}

func TestSchemaTakesWhatIsWritten(t *testing.T) {
	v := newValidator(t, backup.Schema())
	for _, name := range []string{"minimal.json", "full.json"} {
		if bad := v.validate(string(golden(t, name))); len(bad) > 0 {
			t.Errorf("the schema refuses %s at %v", name, bad)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		document := written(rt, genConfig().Draw(rt, "config"))
		if bad := v.validate(document); len(bad) > 0 {
			rt.Fatalf("the schema refuses at %v:\n%s", bad, document)
		}
	})
}

// TestSchemaRefusesWhatReadRefuses holds the two against each other on faults of
// form: the places they name are the same, but for what a schema cannot say.
func TestSchemaRefusesWhatReadRefuses(t *testing.T) {
	beyond := []string{"U+FFFD", "the field stands there"}
	v := newValidator(t, backup.Schema())
	for _, test := range append(formFaults(), extensionFaults()...) {
		t.Run(test.name, func(t *testing.T) {
			_, err := backup.Read(strings.NewReader(test.document))
			faults, _ := errors.AsType[mapping.Faults](err)
			var want []string
			for _, f := range faults {
				if strings.Contains(f.Problem, "nobody could authenticate") { // of the connection, as a schema has it
					f.Pointer = strings.TrimSuffix(f.Pointer, "/tokens")
				}
				if !slices.ContainsFunc(beyond, func(s string) bool { return strings.Contains(f.Problem, s) }) {
					want = append(want, f.Pointer)
				}
			}
			slices.Sort(want)
			got := v.validate(test.document)
			for i := range got {
				got[i] = strings.Replace(got[i], "/a/b~c", "/a~1b~0c", 1)
			}
			if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
				t.Errorf("places mismatch (-Read +schema):\n%s", diff)
			}
		})
	}
}

func TestSchemaRefusesOthersThanOne(t *testing.T) {
	v := newValidator(t, backup.Schema())
	for document, want := range map[string]string{
		replaced(`{"env": "CROWD_PASSWORD"}`, `{}`):                                                          "/connections/0/crowd/password",
		replaced(`{"env": "CROWD_PASSWORD"}`, `{"env": "A", "file": "/b"}`):                                  "/connections/0/crowd/password",
		issuer(`{"audience": "a"}`):                                                                          "/connections/0/access/issuers/0",
		issuer(`{"issuer": "https://a.example.com", "entraTenant": "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1"}`): "/connections/0/access/issuers/0",
		groups(`"manual": {"rules": [{"to": ["x"]}]}`):                                                       "/connections/0/groups/manual/rules/0",
		groups(`"manual": {"rules": [{"from": "a", "fromPattern": "b", "to": ["x"]}]}`):                      "/connections/0/groups/manual/rules/0",
		groups(`"manual": {"rules": [{"from": "a", "to": ["x"], "protected": "remove"}]}`):                   "/connections/0/groups/manual/rules/0/protected",
	} {
		if diff := cmp.Diff([]string{want}, v.validate(document)); diff != "" {
			t.Errorf("places mismatch (-want +got):\n%s\n%s", diff, document)
		}
		if _, err := backup.Read(strings.NewReader(document)); err == nil || !strings.HasPrefix(err.Error(), want+": ") {
			t.Errorf("Read error = %v, want one at %s", err, want)
		}
	}
}

// TestSchemaKnowsEachSetting sees to it that no setting stands there without a
// word of what it is.
func TestSchemaKnowsEachSetting(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Description string
				Default     any
				Type        any
				Maximum     *float64
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(backup.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	n := 0
	for object, def := range schema.Defs {
		for name, p := range def.Properties {
			n++
			if !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s.%s has no description that is a sentence: %q", object, name, p.Description)
			}
			if p.Type == "integer" && (p.Maximum == nil || *p.Maximum == 0) {
				t.Errorf("%s.%s is a number without a greatest", object, name)
			}
		}
	}
	if n < 60 {
		t.Errorf("the schema describes %d settings, want all", n)
	}
}
