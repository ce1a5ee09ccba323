package groupsync_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// TestHoldingsKeepTheLastFact enters facts at random and holds the outcome
// against two maps.
func TestHoldingsKeepTheLastFact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h groupsync.Holdings
		grants, origins := map[string]groupsync.UserFact{}, map[string]groupsync.UserFact{}
		for i := range rapid.IntRange(0, 40).Draw(t, "facts") {
			f := groupsync.UserFact{At: time.Unix(int64(i), 0), Request: rapid.StringN(0, 3, -1).Draw(t, "request")}
			if rapid.Bool().Draw(t, "about a grant") {
				f.GroupID = rapid.SampledFrom([]string{"a", "A", "b", "c", "d"}).Draw(t, "group")
				f.Granted = rapid.Bool().Draw(t, "granted")
				grants[f.GroupID] = f
			} else {
				f.Target = rapid.SampledFrom([]string{"devs", "Devs", "ops"}).Draw(t, "target")
				f.Origin = rapid.SampledFrom([]groupsync.Origin{groupsync.Made, groupsync.Found, groupsync.Left}).Draw(t, "origin")
				origins[crowd.Fold(f.Target)] = f
			}
			h.Add(f)
		}
		for _, id := range []string{"a", "A", "b", "c", "d"} {
			want := grants[id]
			got, ok := h.Grant(id)
			if ok != want.Granted || ok && got != want || h.Granted(id) != want.Granted || slices.Contains(h.Grants, id) != want.Granted {
				t.Fatalf("Grant(%s) = %+v, %v, want %+v; all: %q", id, got, ok, want, h.Grants)
			}
		}
		if !slices.IsSorted(h.Grants) {
			t.Fatalf("grants are not sorted: %q", h.Grants)
		}
		var names []string
		for _, name := range []string{"devs", "ops"} {
			want, known := origins[name]
			got, ok := h.Membership(name)
			origin, at := h.Origin(name)
			if ok != known || got != want || origin != want.Origin || !at.Equal(want.At) {
				t.Fatalf("Membership(%s) = %+v, %v, want %+v", name, got, ok, want)
			}
			if known {
				names = append(names, want.Target)
			}
		}
		slices.Sort(names)
		if diff := cmp.Diff(names, h.Targets()); diff != "" {
			t.Fatalf("targets mismatch (-want +got):\n%s", diff)
		}
	})
}
