package groupsync_test

import (
	"slices"
	"testing"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// TestUsersByCensus holds that a page with a census is the one without, whoever
// was deleted, at one call.
func TestUsersByCensus(t *testing.T) {
	for _, gone := range [][]string{nil, {"a"}, {"b", "c"}, {"a", "e"}, {"d", "e"}} {
		w := newWorld(t)
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			u := w.user(name)
			if slices.Contains(gone, name) {
				if err := w.engine.DeleteUser(t.Context(), u.ID, groupsync.Deactivate); err != nil {
					t.Fatal(err)
				}
			}
		}
		census, err := w.engine.Census(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if census.Total != 5-len(gone) {
			t.Errorf("gone %v: total %d", gone, census.Total)
		}
		page := func(q groupsync.UserQuery) (names []string) {
			for u, err := range w.engine.Users(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, u.Crowd.Name)
			}
			return names
		}
		for start := range 6 {
			q := groupsync.UserQuery{Start: start, Max: 2}
			want := page(q)
			q.Census = &census
			if got := page(q); !slices.Equal(got, want) {
				t.Errorf("gone %v, from %d: %v, want %v", gone, start, got, want)
			}
		}
		if got := w.calls(func() { page(groupsync.UserQuery{Start: 1, Max: 1, Census: &census}) }); len(gone) == 0 && got != 1 {
			t.Errorf("a page took %d calls, want 1", got)
		}
	}
}
