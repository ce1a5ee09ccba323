package scim_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim"
)

// TestOutOfOrder sends, under each provider, requests before those that they
// build upon, and once more after they have had their effect. Nobody else loses
// anything by it, and once all is said in order everything is as it should be.
func TestOutOfOrder(t *testing.T) {
	for _, p := range scim.Providers() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			b := newBridge(t, provider(p))
			ann, ben := b.user("ann"), b.user("ben")
			crew := b.group("crew", ben)
			patch := func(want []int, id, operations string) {
				t.Helper()
				if a := b.do("PATCH", "/Groups/"+id, patchOf(operations)); !slices.Contains(want, a.status) {
					t.Errorf("%s = %d %s, want %v", operations, a.status, a.text, want)
				}
			}
			members := func(want ...string) {
				t.Helper()
				if diff := cmp.Diff(want, b.crowd.Members("crew")); diff != "" {
					t.Errorf("members (-want +got):\n%s", diff)
				}
			}
			add := `{"op":"add","path":"members","value":[{"value":"` + ann + `"}]}`
			remove := `{"op":"remove","path":"members[value eq \"` + ann + `\"]"}`
			ok, gone := []int{200, 204}, []int{404}

			patch(ok, crew, remove) // before it was added
			members("ben")
			patch(ok, crew, add)
			b.want(204, "DELETE", "/Users/"+ann, "")
			members("ben")
			patch(ok, crew, add) // of a user who is gone, as of one who is not there yet
			members("ben")
			patch(ok, crew, `{"op":"add","path":"members","value":[{"value":"nobody"},{"value":"`+ben+`"}]}`)
			members("ben")
			ann = b.user("ann") // comes back, without what was said in between
			members("ben")
			patch(ok, crew, `{"op":"add","path":"members","value":[{"value":"`+ann+`"}]}`)
			members("ann", "ben")

			b.want(204, "DELETE", "/Groups/"+crew, "")
			patch(gone, crew, add)
			b.want(404, "DELETE", "/Groups/"+crew, "")
			if again := b.group("crew"); again == crew {
				t.Error("the id of a group that is gone came back")
			} else {
				patch(gone, crew, `{"op":"replace","path":"displayName","value":"late"}`)
				patch(ok, again, `{"op":"replace","path":"members","value":[{"value":"`+ann+`"}]}`)
			}
			members("ann")
			b.want(404, "PATCH", "/Users/no-such-user", patchOf(`{"op":"replace","path":"displayName","value":"late"}`))
		})
	}
}
