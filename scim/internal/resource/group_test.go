package resource_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
	"pgregory.net/rapid"
)

// TestFoldGroup removes, adds and replaces members in every shape that clients use. Nobody may ever go who was not
// named, and what cannot be recognised is an error.
func TestFoldGroup(t *testing.T) {
	tests := []struct {
		name     string
		ops      string
		want     string // the members, and the rest
		scimType string
	}{
		{"remove by filter", `{"op":"remove","path":"members[value eq \"a\"]"}`, "remove a", ""},
		{"remove by filter, several", `{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]"}`, "remove a b", ""},
		{"remove by filter and a list", `{"op":"remove","path":"members[value eq \"a\"]","value":[{"value":"b"}]}`, "remove a", ""},
		{"remove by filter in capitals", `{"op":"Remove","path":"Members[Value Eq \"a\"]"}`, "remove a", ""},
		{"remove by filter, core URN", `{"op":"remove","path":"` + groupURN + `:members[value eq \"a\"]"}`, "remove a", ""},
		{"remove a list", `{"op":"remove","path":"members","value":[{"value":"a"},{"value":"b","$ref":null}]}`, "remove a b", ""},
		{"remove a list of strings", `{"op":"remove","path":"members","value":["a","b"]}`, "remove a b", ""},
		{"remove one object", `{"op":"remove","path":"members","value":{"value":"a"}}`, "remove a", ""},
		{"remove one string", `{"op":"remove","path":"members","value":"a"}`, "remove a", ""},
		{"remove one number", `{"op":"remove","path":"members","value":17}`, "remove 17", ""},
		{"remove a nested list", `{"op":"remove","path":"members","value":{"members":[{"value":"a"}]}}`, "remove a", ""},
		{"remove nobody", `{"op":"remove","path":"members","value":[]}`, "", ""},
		{"remove nobody, nested", `{"op":"remove","path":"members","value":{"members":[]}}`, "", ""},
		{"remove all", `{"op":"remove","path":"members"}`, "removeAll", ""},
		{"remove all with null", `{"op":"remove","path":"members","value":null}`, "removeAll", ""},
		{"remove by another filter", `{"op":"remove","path":"members[display eq \"kim\"]"}`, `remove[display eq "kim"]`, ""},
		{"remove by value and type", `{"op":"remove","path":"members[value eq \"a\" and type eq \"User\"]"}`, `remove[value eq "a" and type eq "User"]`, ""},
		{"remove by an empty value", `{"op":"remove","path":"members[value eq \"\"]"}`, `remove[value eq ""]`, ""},

		{"remove an empty string", `{"op":"remove","path":"members","value":""}`, "", "invalidValue"},
		{"remove an empty object", `{"op":"remove","path":"members","value":{}}`, "", "invalidValue"},
		{"remove an object without value", `{"op":"remove","path":"members","value":[{"display":"kim"}]}`, "", "invalidValue"},
		{"remove an object with null", `{"op":"remove","path":"members","value":[{"value":null}]}`, "", "invalidValue"},
		{"remove an object with an empty value", `{"op":"remove","path":"members","value":[{"value":"a"},{"value":""}]}`, "", "invalidValue"},
		{"remove null in a list", `{"op":"remove","path":"members","value":[null]}`, "", "invalidValue"},
		{"remove an empty string in a list", `{"op":"remove","path":"members","value":["a",""]}`, "", "invalidValue"},
		{"remove a list in a list", `{"op":"remove","path":"members","value":[["a"]]}`, "", "invalidValue"},
		{"remove false", `{"op":"remove","path":"members","value":false}`, "", "invalidValue"},
		{"remove nested null", `{"op":"remove","path":"members","value":{"members":null}}`, "", "invalidValue"},
		{"remove an unknown key", `{"op":"remove","path":"members","value":{"users":["a"]}}`, "", "invalidValue"},
		{"remove without path", `{"op":"remove","value":{"members":[{"value":"a"}]}}`, "", "noTarget"},
		{"remove a sub-attribute", `{"op":"remove","path":"members.value"}`, "", "mutability"},
		{"remove a sub-attribute with a value", `{"op":"remove","path":"members.value","value":"a"}`, "", "invalidPath"},
		{"remove a sub-attribute by filter", `{"op":"remove","path":"members[value eq \"a\"].value"}`, "", "mutability"},
		{"remove by a number", `{"op":"remove","path":"members[value eq 1]"}`, "", "invalidFilter"},
		{"remove by half a filter", `{"op":"remove","path":"members[value eq"}`, "", "invalidPath"},

		{"add", `{"op":"add","path":"members","value":[{"value":"a","display":"A"}]}`, "add a", ""},
		{"add one object", `{"op":"add","path":"members","value":{"value":"a"}}`, "add a", ""},
		{"add a nested list", `{"op":"add","path":"members","value":{"members":[{"value":"a"}]}}`, "add a", ""},
		{"add without path", `{"op":"add","value":{"members":[{"display":"A","value":"a"}]}}`, "add a", ""},
		{"add with another spelling of display", `{"op":"add","path":"members","value":[{"displayName":"A","value":"a"}]}`, "add a", ""},
		{"add twice", `{"op":"add","path":"members","value":[{"value":"a"},{"value":"a"}]}`, "add a", ""},
		{"ids differ by case", `{"op":"add","path":"members","value":[{"value":"a"},{"value":"A"}]}`, "add a A", ""},
		{"add null", `{"op":"add","path":"members","value":null}`, "", "invalidValue"},
		{"add without value", `{"op":"add","path":"members"}`, "", "invalidValue"},
		{"add an object without value", `{"op":"add","path":"members","value":[{"display":"kim"}]}`, "", "invalidValue"},
		{"add by filter", `{"op":"add","path":"members[value eq \"a\"]","value":{"value":"a"}}`, "", "invalidPath"},
		{"add in the form of SCIM 1.1", `{"op":"add","path":"members","value":[{"value":"a","operation":"delete"}]}`, "", "invalidValue"},

		{"replace", `{"op":"replace","path":"members","value":[{"value":"a"}]}`, "replace a", ""},
		{"replace by nobody", `{"op":"replace","path":"members","value":[]}`, "removeAll", ""},
		{"replace by nobody without path", `{"op":"replace","value":{"members":[],"id":"x","displayName":"N"}}`, "removeAll; displayName N", ""},
		{"replace by null", `{"op":"replace","path":"members","value":null}`, "", "invalidValue"},
		{"replace by null without path", `{"op":"replace","value":{"members":null,"displayName":"N"}}`, "; displayName N", ""},
		{"replace by an empty string", `{"op":"replace","path":"members","value":""}`, "", "invalidValue"},
		{"replace by an empty object", `{"op":"replace","path":"members","value":{}}`, "", "invalidValue"},
		{"replace by what cannot be recognised", `{"op":"replace","path":"members","value":[{"id":"a"}]}`, "", "invalidValue"},
		{"replace by filter", `{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}}`, `replace b[value eq "a"]`, ""},
		{"replace display", `{"op":"replace","path":"members[value eq \"a\"].display","value":"b"}`, "", "mutability"},

		{"the last operation on a member counts", `{"op":"add","path":"members","value":[{"value":"a"},{"value":"b"}]},{"op":"remove","path":"members","value":[{"value":"a"}]},{"op":"add","path":"members","value":[{"value":"c"}]}`, "remove a, add b c", ""},
		{"after a replace", `{"op":"add","path":"members","value":["x"]},{"op":"replace","path":"members","value":["a"]},{"op":"add","path":"members","value":["b"]},{"op":"remove","path":"members","value":["a"]}`, "replace b", ""},
		{"after a remove of all", `{"op":"remove","path":"members"},{"op":"add","path":"members","value":["b"]}`, "replace b", ""},
		{"around a filter", `{"op":"add","path":"members","value":["a"]},{"op":"remove","path":"members[display sw \"x\"]"},{"op":"add","path":"members","value":["b"]}`, `add a, remove[display sw "x"], add b`, ""},
		{"before a remove of all only what may fail counts", `{"op":"add","path":"members","value":["a"]},{"op":"replace","path":"members[value eq \"a\"]","value":{"value":"b"}},{"op":"add","path":"members","value":["c"]},{"op":"remove","path":"members"}`, `add a, replace b[value eq "a"], removeAll`, ""},
		{"nothing before a remove of all counts", `{"op":"remove","path":"members[display sw \"x\"]"},{"op":"remove","path":"members"}`, "removeAll", ""},

		{"rename", `{"op":"Replace","path":"displayName","value":"N"}`, "; displayName N", ""},
		{"rename twice", `{"op":"replace","path":"displayName","value":"N"},{"op":"add","path":"displayName","value":"M"}`, "; displayName M", ""},
		{"rename to nothing", `{"op":"replace","path":"displayName","value":""}`, "", "invalidValue"},
		{"remove the name", `{"op":"remove","path":"displayName"}`, "", "mutability"},
		{"external id", `{"op":"add","path":"externalId","value":"E"}`, "; externalId E", ""},
		{"external id goes", `{"op":"remove","path":"externalId"}`, "; externalId ", ""},
		{"id", `{"op":"replace","path":"id","value":"E"}`, "", "mutability"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := fold(t, tt.ops)
			if s := scimType(t, err); s != tt.scimType {
				t.Fatalf("scimType = %q (%v), want %q", s, err, tt.scimType)
			}
			if err == nil && patchText(got) != tt.want {
				t.Errorf("got %q, want %q", patchText(got), tt.want)
			}
		})
	}
}

func fold(t testing.TB, ops string) (resource.GroupPatch, error) {
	t.Helper()
	list, err := resource.ParsePatch(patchBody(t, ops), typeNamed(t, "Group"), resource.Lenient(), resource.Limits{})
	if err != nil {
		return resource.GroupPatch{}, err
	}
	return resource.FoldGroup(list)
}

// patchText writes a change of a group for a person.
func patchText(p resource.GroupPatch) string {
	var members []string
	for _, m := range p.Members {
		text := strings.TrimSpace(string(m.Kind) + " " + strings.Join(m.Values, " "))
		if m.Filter != nil {
			text += "[" + m.Filter.String() + "]"
		}
		members = append(members, text)
	}
	text := strings.Join(members, ", ")
	if p.DisplayName != nil {
		text += "; displayName " + *p.DisplayName
	}
	if p.ExternalID != nil {
		text += "; externalId " + *p.ExternalID
	}
	return text
}

// TestFoldGroupExtension leaves what is not of the core to Apply.
func TestFoldGroupExtension(t *testing.T) {
	schema := schemaOf(t, `{"id":"urn:example:team:2.0:Group","name":"Team","attributes":[{"name":"lead","type":"string"}]}`)
	typ, err := resource.GroupType(resource.Extension{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	body := patchBody(t, `{"op":"replace","value":{"displayName":"N","urn:example:team:2.0:Group":{"lead":"ann"}}}`)
	ops, err := resource.ParsePatch(body, typ, resource.Lenient(), resource.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := resource.FoldGroup(ops)
	if err != nil {
		t.Fatal(err)
	}
	got, err := typ.Apply(map[string]any{"displayName": "O"}, p.Other)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"schemas":                    []any{groupURN, "urn:example:team:2.0:Group"},
		"displayName":                "O",
		"urn:example:team:2.0:Group": map[string]any{"lead": "ann"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mismatch (-want +got):\n%s", diff)
	}
}

// TestFoldGroupEqualsApply: a PATCH folded into one change ends in the same members as applied one operation after
// the other to a group with all its members.
func TestFoldGroupEqualsApply(t *testing.T) {
	typ := typeNamed(t, "Group")
	ids := []string{"a", "b", "c", "d"}
	list := func(rt *rapid.T) string {
		some := rapid.SliceOfN(rapid.SampledFrom(ids), 0, 3).Draw(rt, "ids")
		values := make([]string, len(some))
		for i, id := range some {
			values[i] = fmt.Sprintf(`{"value":%q,"display":%q}`, id, id)
		}
		return "[" + strings.Join(values, ",") + "]"
	}
	operation := func(rt *rapid.T) string {
		id := rapid.SampledFrom(ids).Draw(rt, "id")
		switch rapid.IntRange(0, 6).Draw(rt, "shape") {
		case 0:
			return `{"op":"add","path":"members","value":` + list(rt) + `}`
		case 1:
			return `{"op":"replace","path":"members","value":` + list(rt) + `}`
		case 2:
			return `{"op":"remove","path":"members","value":` + list(rt) + `}`
		case 3:
			return `{"op":"remove","path":"members[value eq \"` + id + `\"]"}`
		case 4:
			return `{"op":"remove","path":"members[display gt \"` + id + `\"]"}`
		case 5:
			return `{"op":"remove","path":"members"}`
		}
		return `{"op":"add","value":{"members":{"value":"` + id + `","display":"` + id + `"}}}`
	}
	rapid.Check(t, func(rt *rapid.T) {
		group := map[string]any{"displayName": "G"}
		var members []any
		for _, id := range ids {
			if rapid.Bool().Draw(rt, id) {
				members = append(members, map[string]any{"value": id, "display": id})
			}
		}
		if members != nil {
			group["members"] = members
		}
		ops := rapid.SliceOfN(rapid.Custom(operation), 1, 6).Draw(rt, "ops")
		body := patchBody(t, strings.Join(ops, ","))
		parsed, err := resource.ParsePatch(body, typ, resource.Lenient(), resource.Limits{})
		if err != nil {
			rt.Fatal(err)
		}
		applied, err := typ.Apply(group, parsed)
		if err != nil {
			rt.Fatal(err)
		}
		folded, err := resource.FoldGroup(parsed)
		if err != nil {
			rt.Fatal(err)
		}
		want, got := memberSet(applied), memberSet(group)
		for _, m := range folded.Members {
			change(got, m)
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
			rt.Errorf("members mismatch (-applied +folded):\n%s", diff)
		}
	})
}

func memberSet(group map[string]any) map[string]bool {
	set := map[string]bool{}
	list, _ := group["members"].([]any)
	for _, m := range list {
		set[m.(map[string]any)["value"].(string)] = true
	}
	return set
}

// change carries out a change of membership. The display of each member is its id.
func change(set map[string]bool, m resource.MemberOp) {
	switch m.Kind {
	case resource.RemoveAllMembers, resource.ReplaceMembers:
		clear(set)
	}
	for _, id := range m.Values {
		if m.Kind == resource.RemoveMembers {
			delete(set, id)
		} else {
			set[id] = true
		}
	}
	if m.Filter != nil {
		maps.DeleteFunc(set, func(id string, _ bool) bool {
			return filter.Match(m.Filter, map[string]any{"value": id, "display": id}, nil)
		})
	}
}
