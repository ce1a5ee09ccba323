package scim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A sieve is a filter, and what it means by the text of RFC 7644 section
// 3.4.2.2, written down once more and held against whole resources.
type sieve struct {
	text string
	hold func(resource map[string]any) bool
}

// TestFilterEqualsModel sends random filters over random users and groups, to
// each endpoint that lists them. The answer, which Crowd helps to find where it
// can, is what is left when the filter is held against everything.
func TestFilterEqualsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newTarget(t)
		drawPeople(t, g)
		paths := []string{"/Users", "/Groups", "/"}
		all := map[string]map[string]any{}
		for _, path := range paths {
			all[path] = g.read(path)
		}
		for range rapid.IntRange(1, 4).Draw(t, "filters") {
			s := drawSieve(t, 3)
			for _, path := range paths {
				w := g.send("GET", path+"?filter="+url.QueryEscape(s.text), "")
				if w.Code == 400 && path != "/" {
					continue // it names what only the other type has
				}
				list := g.decode(w, s.text)
				got, want := idsOf(list, nil), idsOf(all[path], s.hold)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s?filter=%s: mismatch (-model +got):\n%s", path, s.text, diff)
				}
				if total := fmt.Sprint(list["totalResults"]); total != fmt.Sprint(len(want)) {
					t.Fatalf("%s?filter=%s: totalResults %s, want %d", path, s.text, total, len(want))
				}
			}
		}
	})
}

var nameWord = rapid.SampledFrom([]string{"ann", "Ann", "anna", "bob", "b*b", "ünï", "ÜNÏ", "x y", `q"q`, "a", "zoë"})

// drawPeople makes users, and a group of some of them.
func drawPeople(t *rapid.T, g *target) {
	var ids []any
	for i := range rapid.IntRange(0, 4).Draw(t, "users") {
		user := map[string]any{
			"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": fmt.Sprint(nameWord.Draw(t, "name"), i),
			"active": rapid.Bool().Draw(t, "active"),
		}
		if rapid.Bool().Draw(t, "known outside") {
			user["externalId"] = nameWord.Draw(t, "externalId")
		}
		if rapid.Bool().Draw(t, "titled") {
			user["title"] = nameWord.Draw(t, "title")
		}
		var emails []any
		for j := range rapid.IntRange(0, 2).Draw(t, "emails") {
			kind := rapid.SampledFrom([]string{"work", "home"}).Draw(t, "type")
			emails = append(emails, map[string]any{"value": nameWord.Draw(t, "address") + "@example.com", "type": kind, "primary": j == 0})
		}
		user["emails"] = emails
		ids = append(ids, map[string]any{"value": post(g, "/Users", user)})
	}
	members := rapid.SliceOfNDistinct(rapid.IntRange(0, 3), 0, 3, rapid.ID[int]).Draw(t, "members")
	group := map[string]any{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": nameWord.Draw(t, "group") + "-group"}
	var chosen []any
	for _, i := range members {
		if i < len(ids) {
			chosen = append(chosen, ids[i])
		}
	}
	group["members"] = chosen
	post(g, "/Groups", group)
}

func post(g *target, path string, doc map[string]any) string {
	body, err := json.Marshal(doc)
	if err != nil {
		g.t.Fatal(err)
	}
	id, _ := g.decode(g.send("POST", path, string(body)), path)["id"].(string)
	return id
}

// idsOf returns the ids of those in a list for which hold is true, in any order.
func idsOf(list map[string]any, hold func(map[string]any) bool) []string {
	ids := []string{}
	resources, _ := list["Resources"].([]any)
	for _, r := range resources {
		if doc, _ := r.(map[string]any); hold == nil || hold(doc) {
			ids = append(ids, doc["id"].(string))
		}
	}
	slices.Sort(ids)
	return ids
}

// drawSieve draws a filter that is at most so deep.
func drawSieve(t *rapid.T, depth int) sieve {
	kind := rapid.SampledFrom([]string{"term", "term", "and", "or", "not"}).Draw(t, "kind")
	if depth == 0 || kind == "term" {
		return drawTerm(t)
	}
	a := drawSieve(t, depth-1)
	if kind == "not" {
		return sieve{"not (" + a.text + ")", func(r map[string]any) bool { return !a.hold(r) }}
	}
	b := drawSieve(t, depth-1)
	return sieve{"(" + a.text + ") " + kind + " (" + b.text + ")", func(r map[string]any) bool {
		if kind == "and" {
			return a.hold(r) && b.hold(r)
		}
		return a.hold(r) || b.hold(r)
	}}
}

// drawTerm draws a comparison.
func drawTerm(t *rapid.T) sieve {
	attr := rapid.SampledFrom([]string{"userName", "USERNAME", "displayName", "externalId", "title", "emails", "emails.value", "emails.type", "members.type"}).Draw(t, "attribute")
	op := rapid.SampledFrom([]string{"eq", "eq", "ne", "co", "sw", "ew", "pr"}).Draw(t, "operator")
	word := nameWord.Draw(t, "word") + rapid.SampledFrom([]string{"", "0", "1", "@example.com", "-group"}).Draw(t, "end")
	quoted, err := json.Marshal(word)
	if err != nil {
		t.Fatal(err)
	}
	switch rapid.IntRange(0, 8).Draw(t, "form") {
	case 3:
		return sieve{`members[type eq "User"]`, func(r map[string]any) bool { return r["members"] != nil }}
	case 0:
		active := rapid.Bool().Draw(t, "flag")
		return sieve{fmt.Sprintf("active eq %t", active), func(r map[string]any) bool { return r["active"] == active }}
	case 1:
		return sieve{`emails[type eq "work" and value ` + comparison(op, quoted) + `]`, func(r map[string]any) bool {
			emails, _ := r["emails"].([]any)
			return slices.ContainsFunc(emails, func(e any) bool {
				email := e.(map[string]any)
				return email["type"] == "work" && compared(textsAt(email, "value"), op, word, false)
			})
		}}
	case 2:
		kind := rapid.SampledFrom([]string{"User", "Group"}).Draw(t, "resource type")
		return sieve{`meta.resourceType eq "` + kind + `"`, func(r map[string]any) bool {
			return r["meta"].(map[string]any)["resourceType"] == kind
		}}
	}
	return sieve{attr + " " + comparison(op, quoted), func(r map[string]any) bool {
		return compared(textsAt(r, strings.Replace(attr, "USERNAME", "userName", 1)), op, word, attr == "externalId")
	}}
}

func comparison(op string, quoted []byte) string {
	if op == "pr" {
		return op
	}
	return op + " " + string(quoted)
}

// textsAt returns the texts that an attribute has; one with several values
// stands for the value of each.
func textsAt(r map[string]any, attr string) (texts []string) {
	name, sub, dotted := strings.Cut(attr, ".")
	if !dotted {
		sub = "value"
	}
	if text, ok := r[name].(string); ok {
		return []string{text}
	}
	values, _ := r[name].([]any)
	for _, v := range values {
		if text, _ := v.(map[string]any)[sub].(string); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// compared tells whether one of the texts compares so with a word. Nothing is
// unequal to everything.
func compared(texts []string, op, word string, exact bool) bool {
	if len(texts) == 0 {
		return op == "ne"
	}
	if op == "pr" {
		return true
	}
	return slices.ContainsFunc(texts, func(text string) bool {
		if !exact {
			text, word = strings.ToLower(text), strings.ToLower(word)
		}
		switch op {
		case "eq":
			return text == word
		case "ne":
			return text != word
		case "co":
			return strings.Contains(text, word)
		case "sw":
			return strings.HasPrefix(text, word)
		}
		return strings.HasSuffix(text, word)
	})
}
