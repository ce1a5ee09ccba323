package ordered_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/ordered"
	"pgregory.net/rapid"
)

type name string

func (n name) Fold() string { return string(n) }

// TestListAgainstMap holds the list against a map that is sorted when asked.
func TestListAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l ordered.List[name]
		model := map[name]bool{}
		for range rapid.IntRange(0, 3000).Draw(t, "operations") {
			n := name(fmt.Sprintf("%04d", rapid.IntRange(0, 2000).Draw(t, "name")))
			if rapid.IntRange(0, 3).Draw(t, "kind") > 0 {
				if got, want := l.Insert(n), !model[n]; got != want {
					t.Fatalf("Insert(%s) = %v, want %v", n, got, want)
				}
				model[n] = true
				continue
			}
			if got, want := l.Delete(string(n)), model[n]; got != want {
				t.Fatalf("Delete(%s) = %v, want %v", n, got, want)
			}
			delete(model, n)
		}
		want := slices.Sorted(maps.Keys(model))
		compare(t, &l, want)
	})
}

func compare(t *rapid.T, l *ordered.List[name], want []name) {
	t.Helper()
	if l.Len() != len(want) {
		t.Fatalf("Len() = %d, want %d", l.Len(), len(want))
	}
	if diff := cmp.Diff(orNil(want), slices.Collect(l.All())); diff != "" {
		t.Fatalf("All() mismatch (-want +got):\n%s", diff)
	}
	from := rapid.IntRange(0, len(want)+1).Draw(t, "from")
	rest := slices.Clone(want[min(from, len(want)):])
	if diff := cmp.Diff(orNil(rest), slices.Collect(l.From(from))); diff != "" {
		t.Fatalf("From(%d) mismatch (-want +got):\n%s", from, diff)
	}
	seek := name(fmt.Sprintf("%04d", rapid.IntRange(0, 2000).Draw(t, "seek")))
	at, found := slices.BinarySearch(want, seek)
	if l.Has(string(seek)) != found {
		t.Fatalf("Has(%s) = %v, want %v", seek, !found, found)
	}
	if diff := cmp.Diff(orNil(want[at:]), slices.Collect(l.Seek(string(seek)))); diff != "" {
		t.Fatalf("Seek(%s) mismatch (-want +got):\n%s", seek, diff)
	}
}

// orNil returns what [slices.Collect] would for the same values.
func orNil(names []name) []name {
	if len(names) == 0 {
		return nil
	}
	return names
}
