package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
)

// patched sends operations, and returns the status and scimType of the answer.
func (g *target) patched(path string, ops []map[string]any) (status int, answer map[string]any) {
	g.t.Helper()
	body, err := json.Marshal(map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": ops})
	if err != nil {
		g.t.Fatal(err)
	}
	w := g.send("PATCH", path, string(body))
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			g.t.Fatalf("%s: %v", w.Body, err)
		}
	}
	return w.Code, answer
}

// said returns the part of a user that a client may change, and its version.
func said(doc map[string]any) (map[string]any, string) {
	meta, _ := doc["meta"].(map[string]any)
	version, _ := meta["version"].(string)
	doc = maps.Clone(doc)
	for _, name := range []string{"id", "meta", "schemas", "groups"} {
		delete(doc, name)
	}
	return doc, version
}

// TestPatchEqualsModel sends random sequences of PATCH requests, as strict as
// the standard: the user is, after each, what the standard's text makes of it; a
// request of which one operation is refused changes nothing; the answer is what a
// reader gets; and the version changes if and only if the user did.
func TestPatchEqualsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newTarget(t, scim.Strict)
		g.crowd.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = true })
		path := "/Users/" + g.ann
		model, version := said(g.decode(g.send("PUT", path, `{`+userSchemas+`,"userName":"ann"}`), "PUT"))
		for range rapid.IntRange(1, 6).Draw(t, "requests") {
			edits := rapid.SliceOfN(rapid.Custom(drawEdit), 1, 4).Draw(t, "edits")
			var ops []map[string]any
			wanted := copied(model).(map[string]any)
			failed := ""
			for _, e := range edits {
				ops = append(ops, e.body())
				if failed == "" {
					failed = e.apply(wanted)
				}
			}
			before := model
			status, answer := g.patched(path, ops)
			if scimType, _ := answer["scimType"].(string); (status == 200) != (failed == "") || (failed != "" && !refusedAs(edits, scimType)) {
				t.Fatalf("%v: %d %v, the model says %q", ops, status, answer, failed)
			}
			if failed == "" {
				model = wanted
			}
			doc := g.read(path)
			got, now := said(doc)
			if diff := cmp.Diff(model, got); diff != "" {
				t.Fatalf("%v: the user is (-model +got):\n%s", ops, diff)
			}
			if diff := cmp.Diff(doc, answer); failed == "" && diff != "" {
				t.Fatalf("%v: the answer is not the user (-user +answer):\n%s", ops, diff)
			}
			if (now == version) != cmp.Equal(before, model) {
				t.Fatalf("%v: version %s after %s", ops, now, version)
			}
			version = now
		}
	})
}

// refusedAs reports whether one of the operations is refused so: which of several
// is told is the server's choice.
func refusedAs(edits []edit, scimType string) bool {
	return scimType == "noTarget" || slices.ContainsFunc(edits, func(e edit) bool { return e.fails == scimType })
}

// TestGroupPatchEqualsModel is the same for a group, whose members are a set.
func TestGroupPatchEqualsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := newTarget(t, rapid.SampledFrom([]scim.Provider{scim.Strict, scim.Generic}).Draw(t, "provider"))
		people := []string{g.ann}
		for i := range 3 {
			people = append(people, g.decode(g.send("POST", "/Users", fmt.Sprintf(`{%s,"userName":"user%d"}`, userSchemas, i)), "user")["id"].(string))
		}
		path := "/Groups/" + g.devs
		model := groupModel{name: "devs", members: map[string]bool{g.ann: true}}
		for range rapid.IntRange(1, 5).Draw(t, "requests") {
			var ops []map[string]any
			wanted := model.clone()
			refused := false
			for range rapid.IntRange(1, 4).Draw(t, "operations") {
				op, fails := wanted.draw(t, people)
				ops = append(ops, op)
				refused = refused || fails
			}
			status, answer := g.patched(path, ops)
			if (status == 400) != refused || (status != 200 && status != 204 && !refused) {
				t.Fatalf("%v: %d %v", ops, status, answer)
			}
			if !refused {
				model = wanted
			}
			if diff := cmp.Diff(model.resource(), groupOf(g.read(path))); diff != "" {
				t.Fatalf("%v: the group is (-model +got):\n%s", ops, diff)
			}
		}
	})
}

// A groupModel is what a client may say of a group.
type groupModel struct {
	name, externalID string
	members          map[string]bool
}

func (m groupModel) clone() groupModel {
	m.members = maps.Clone(m.members)
	return m
}

// resource returns what a reader should see.
func (m groupModel) resource() map[string]any {
	ids := slices.AppendSeq([]string{}, maps.Keys(m.members))
	slices.Sort(ids)
	r := map[string]any{"displayName": m.name, "members": ids}
	if m.externalID != "" {
		r["externalId"] = m.externalID
	}
	return r
}

func groupOf(doc map[string]any) map[string]any {
	r := map[string]any{"displayName": doc["displayName"]}
	if id, ok := doc["externalId"]; ok {
		r["externalId"] = id
	}
	ids := []string{}
	list, _ := doc["members"].([]any)
	for _, item := range list {
		id, _ := item.(map[string]any)["value"].(string)
		ids = append(ids, id)
	}
	slices.Sort(ids)
	r["members"] = slices.Compact(ids)
	return r
}

// draw draws an operation, applies it, and tells whether it must be refused.
func (m *groupModel) draw(t *rapid.T, people []string) (op map[string]any, refused bool) {
	kind := anyOp.Draw(t, "op")
	ids := rapid.SliceOfN(rapid.SampledFrom(people), 0, 3).Draw(t, "ids")
	one := rapid.SampledFrom(people).Draw(t, "one")
	word := rapid.SampledFrom([]string{"devs", "Devs", "ops", "ünï x"}).Draw(t, "word")
	path := func(path string, value any) map[string]any {
		op := map[string]any{"op": kind, "path": path}
		if value != nil && kind != "remove" {
			op["value"] = value
		}
		return op
	}
	switch rapid.IntRange(0, 6).Draw(t, "what") {
	case 6:
		kind = "replace"
		other := rapid.SampledFrom(people).Draw(t, "other")
		refused := !m.members[one]
		delete(m.members, one)
		m.members[other] = true
		return path(`members[value eq "`+one+`"]`, map[string]any{"value": other}), refused
	case 0:
		if kind == "remove" {
			return path("displayName", nil), true
		}
		m.name = word
		return path("displayName", word), false
	case 1:
		if m.externalID = word; kind == "remove" {
			m.externalID = ""
		}
		return path("externalId", word), false
	case 2:
		m.change(kind, ids)
		return path("members", memberList(ids)), false
	case 3:
		kind = "remove"
		delete(m.members, one)
		return path(`members[value eq "`+one+`"]`, nil), false
	case 4:
		kind = "remove"
		for _, id := range ids {
			delete(m.members, id)
		}
		delete(m.members, one)
		filter := `value eq "` + one + `"`
		for _, id := range ids {
			filter += ` or value eq "` + id + `"`
		}
		return path("members["+filter+"]", nil), false
	}
	if kind == "remove" {
		return map[string]any{"op": kind}, true
	}
	m.change(kind, ids)
	m.externalID = word
	return map[string]any{"op": kind, "value": map[string]any{"members": memberList(ids), "externalId": word}}, false
}

func (m *groupModel) change(kind string, ids []string) {
	if kind != "add" {
		clear(m.members)
	}
	if kind == "remove" {
		return
	}
	for _, id := range ids {
		m.members[id] = true
	}
}

func memberList(ids []string) []any {
	list := []any{}
	for _, id := range ids {
		list = append(list, map[string]any{"value": id})
	}
	return list
}
