package filter_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// seeds reads the filters or paths that provisioning clients send.
func seeds(tb testing.TB, file string) []string {
	tb.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds(f, "filters.txt") {
		f.Add(s)
	}
	var resource map[string]any
	if err := json.Unmarshal([]byte(annJSON), &resource); err != nil {
		f.Fatal(err)
	}
	schema := newSchema()
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := filter.ParseLenient(s, filter.Lenience{BareValues: true}); err == nil {
			filter.Match(e, resource, schema)
		}
		e, err := filter.Parse(s)
		if err != nil {
			return
		}
		if _, err := filter.ParseLenient(s, filter.Lenience{BareValues: true}); err != nil {
			t.Errorf("lenient parsing refuses what strict parsing accepts: %v", err)
		}
		checked := filter.Check(e, schema) == nil
		matched := filter.Match(e, resource, schema)
		filter.Match(e, resource, nil)
		again, err := filter.Parse(e.String())
		if err != nil {
			if len(e.String()) <= filter.MaxLength && !strings.Contains(err.Error(), "inside one another") {
				t.Errorf("canonical text %q: %v", e, err)
			}
			return
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Errorf("canonical text %q mismatch (-want +got):\n%s", e, diff)
		}
		if (filter.Check(again, schema) == nil) != checked || filter.Match(again, resource, schema) != matched {
			t.Errorf("canonical text %q means something else", e)
		}
	})
}

func FuzzParsePath(f *testing.F) {
	for _, s := range seeds(f, "paths.txt") {
		f.Add(s)
	}
	var resource map[string]any
	if err := json.Unmarshal([]byte(annJSON), &resource); err != nil {
		f.Fatal(err)
	}
	schema := newSchema()
	f.Fuzz(func(t *testing.T, s string) {
		p, err := filter.ParsePath(s)
		if err != nil {
			return
		}
		_, checkErr := p.Check(schema)
		values := p.Values(resource, schema)
		p.Values(resource, nil)
		again, err := filter.ParsePath(p.String())
		if err != nil {
			if len(p.String()) <= filter.MaxLength && !strings.Contains(err.Error(), "inside one another") {
				t.Errorf("canonical text %q: %v", p, err)
			}
			return
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Errorf("canonical text %q mismatch (-want +got):\n%s", p, diff)
		}
		if _, err := again.Check(schema); (err == nil) != (checkErr == nil) || !cmp.Equal(values, again.Values(resource, schema)) {
			t.Errorf("canonical text %q means something else", p)
		}
	})
}
