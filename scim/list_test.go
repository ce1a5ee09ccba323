package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// read sends a GET and returns the decoded answer.
func (g *target) read(path string) map[string]any {
	g.t.Helper()
	w := g.send("GET", path, "")
	return g.decode(w, path)
}

func (g *target) decode(w *httptest.ResponseRecorder, what string) map[string]any {
	g.t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code >= 300 {
		g.t.Fatalf("%s: %d %s", what, w.Code, w.Body)
	}
	return doc
}

// userNames returns the names of the users in a list.
func userNames(list map[string]any) []string {
	names := []string{}
	resources, _ := list["Resources"].([]any)
	for _, r := range resources {
		name, _ := r.(map[string]any)["userName"].(string)
		names = append(names, name)
	}
	return names
}

// TestFilterPushdown compares filters that Crowd helps to answer with the same
// filters in a form that it cannot: "F or F" is not narrowed, and means F.
func TestFilterPushdown(t *testing.T) {
	g := newTarget(t)
	words := []string{"ann", "ANN", "Bob", "b*b", "anna", "ünï", "x y", `q"q`, "a"}
	for i, word := range words[1:] {
		active := i%3 != 0
		body, err := json.Marshal(map[string]any{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": fmt.Sprintf("%s%d", word, i), "active": active,
			"externalId": word, "title": word,
			"emails": []any{
				map[string]any{"value": word + "@example.com", "type": "work", "primary": true},
				map[string]any{"value": fmt.Sprintf("ann%d@home.example", i%2), "type": "home"},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		g.decode(g.send("POST", "/Users", string(body)), word)
	}
	compare := func(t failer, pushed string) {
		g.t = t
		got := userNames(g.read(filtered("/Users", pushed)))
		want := userNames(g.read(filtered("/Users", "("+pushed+") or ("+pushed+")")))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: mismatch (-evaluated +pushed down):\n%s", pushed, diff)
		}
	}
	terms := []string{"active eq true", "active eq false", "not (active eq true)", "title pr"}
	for _, word := range append(words, "ANN@example.com", "ann0@home.example", "anna3", "ANN0", "*") {
		quoted, err := json.Marshal(word)
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range []string{"eq", "ne", "co", "sw", "ew", "gt", "le"} {
			end := " " + op + " " + string(quoted)
			terms = append(terms, "userName"+end, "externalId"+end, "emails.value"+end, "emails"+end, `emails[type eq "home" and value`+end+"]", "title"+end)
		}
	}
	for _, term := range terms {
		compare(t, term)
	}
	rapid.Check(t, func(t *rapid.T) {
		compare(t, "("+strings.Join(rapid.SliceOfN(rapid.SampledFrom(terms), 2, 3).Draw(t, "terms"), ") and (")+")")
	})
}

// TestCursor walks through users by cursor while others come and go. What is
// there all the while is seen once, in order.
func TestCursor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newTarget(t)
		name := rapid.Map(rapid.IntRange(0, 60), func(n int) string { return fmt.Sprintf("u%02d", n) })
		stay := rapid.SliceOfNDistinct(name, 0, 12, rapid.ID[string]).Draw(t, "stay")
		other := map[string]string{} // id by name
		create := func(name string) {
			if _, ok := other[name]; ok || slices.Contains(stay, name) {
				return
			}
			other[name], _ = g.decode(g.send("POST", "/Users", `{`+userSchemas+`,"userName":"`+name+`"}`), name)["id"].(string)
		}
		for _, name := range stay {
			g.decode(g.send("POST", "/Users", `{`+userSchemas+`,"userName":"`+name+`"}`), name)
		}
		for _, name := range rapid.SliceOfN(name, 0, 6).Draw(t, "others") {
			create(name)
		}
		sort := rapid.SampledFrom([]string{"", "&sortBy=userName", "&sortBy=userName&sortOrder=descending", "&filter=userName+sw+%22u%22"}).Draw(t, "sort")
		count := rapid.IntRange(1, 4).Draw(t, "count")
		var seen []string
		for cursor, pages := "", 0; ; pages++ {
			page := g.read(fmt.Sprintf("/Users?cursor=%s&count=%d%s", url.QueryEscape(cursor), count, sort))
			seen = append(seen, userNames(page)...)
			next, ok := page["nextCursor"].(string)
			if !ok {
				break
			}
			if pages > 200 {
				t.Fatal("the walk does not end")
			}
			cursor = next
			if rapid.Bool().Draw(t, "create") {
				create(name.Draw(t, "name"))
			}
			if len(other) > 0 && rapid.Bool().Draw(t, "delete") {
				gone := slices.Min(slices.Collect(maps.Keys(other)))
				g.send("DELETE", "/Users/"+other[gone], "")
				delete(other, gone)
			}
		}
		var steady []string
		for _, name := range seen {
			if slices.Contains(stay, name) {
				steady = append(steady, name)
			}
		}
		want := slices.Sorted(slices.Values(stay))
		if strings.Contains(sort, "descending") {
			slices.Reverse(want)
		}
		if diff := cmp.Diff(want, steady); diff != "" {
			t.Fatalf("of those who stayed, the walk showed (-want +got):\n%s", diff)
		}
	})
}

// TestTotals checks that a walk by index has one total, and that a change made
// through the handler shows at once.
func TestTotals(t *testing.T) {
	b := newBridge(t)
	for i := range 5 {
		b.user(fmt.Sprintf("user%d", i))
	}
	for start := 1; start <= 5; start += 2 {
		page := b.want(200, "GET", fmt.Sprintf("/Users?startIndex=%d&count=2", start), "").object()
		if page["totalResults"] != json.Number("5") {
			t.Errorf("startIndex %d: total %v, want 5", start, page["totalResults"])
		}
	}
	b.user("user5")
	if page := b.want(200, "GET", "/Users?startIndex=5&count=2", "").object(); page["totalResults"] != json.Number("6") || page["itemsPerPage"] != json.Number("2") {
		t.Errorf("after a creation: %v of %v, want 2 of 6", page["itemsPerPage"], page["totalResults"])
	}
}

// TestRenameDuringWalk checks that a page goes by where users stand now, after
// one of them took another name.
func TestRenameDuringWalk(t *testing.T) {
	b := newBridge(t)
	b.user("a")
	gone := b.user("b")
	b.user("c")
	d := b.user("d")
	b.want(204, "DELETE", "/Users/"+gone, "")
	b.want(200, "GET", "/Users?startIndex=1&count=1", "")
	b.want(200, "PATCH", "/Users/"+d, patch(`{"op":"replace","path":"userName","value":"aa"}`))
	page := b.want(200, "GET", "/Users?startIndex=2&count=1", "").object()
	if got := userNames(page); !slices.Equal(got, []string{"aa"}) || page["totalResults"] != json.Number("3") {
		t.Errorf("the second of a, aa and c is %q, of %v", got, page["totalResults"])
	}
}
