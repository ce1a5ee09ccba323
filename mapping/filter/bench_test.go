package filter_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := filter.Parse(`userName eq "ann.berg@harbour.example"`); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseHostile(b *testing.B) {
	hostile := strings.Repeat("(", 100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := filter.Parse(hostile); err == nil {
			b.Fatal("accepted")
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	var resource map[string]any
	if err := json.Unmarshal([]byte(annJSON), &resource); err != nil {
		b.Fatal(err)
	}
	e, err := filter.Parse(`userName sw "ann" and emails[type eq "home" and value co "@home"] and ` + enterprise + `:department eq "harbour"`)
	if err != nil {
		b.Fatal(err)
	}
	schema := newSchema()
	b.ReportAllocs()
	for b.Loop() {
		if !filter.Match(e, resource, schema) {
			b.Fatal("no match")
		}
	}
}
