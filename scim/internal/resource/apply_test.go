package resource_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// TestApplyImmutable holds values and sub-attributes that can be set once only.
func TestApplyImmutable(t *testing.T) {
	at := func(name string) string { return badgeURN + ":" + name }
	doors := `{"` + badgeURN + `":{"doors":[{"value":"d","level":1}],"origin":{"site":"a"}}}`
	tests := []struct{ name, op, want, scimType string }{
		{"add the same value with more to say", `{"op":"add","path":"` + at("doors") + `","value":[{"value":"d","level":2}]}`, `{"` + badgeURN + `":{"doors":[{"value":"d","level":2}],"origin":{"site":"a"}}}`, ""},
		{"add another value", `{"op":"add","path":"` + at("doors") + `","value":[{"value":"e"}]}`, `{"` + badgeURN + `":{"doors":[{"value":"d","level":1},{"value":"e"}],"origin":{"site":"a"}}}`, ""},
		{"merge by filter", `{"op":"add","path":"` + at("doors") + `[value eq \"d\"]","value":{"value":"d","level":3}}`, `{"` + badgeURN + `":{"doors":[{"value":"d","level":3}],"origin":{"site":"a"}}}`, ""},
		{"merge another value by filter", `{"op":"add","path":"` + at("doors") + `[value eq \"d\"]","value":{"value":"e"}}`, "", "mutability"},
		{"replace by filter", `{"op":"replace","path":"` + at("doors") + `[level eq 1]","value":{"value":"e"}}`, "", "mutability"},
		{"replace another sub-attribute", `{"op":"replace","path":"` + at("doors") + `[value eq \"d\"].level","value":5}`, `{"` + badgeURN + `":{"doors":[{"value":"d","level":5}],"origin":{"site":"a"}}}`, ""},
		{"remove what refers", `{"op":"remove","path":"` + at("doors") + `.value"}`, "", "mutability"},
		{"remove values by filter", `{"op":"remove","path":"` + at("doors") + `[value eq \"d\"]"}`, `{"` + badgeURN + `":{"origin":{"site":"a"}}}`, ""},
		{"remove a sub-attribute", `{"op":"remove","path":"` + at("origin") + `.site"}`, "", "mutability"},
		{"merge into a complex value", `{"op":"add","path":"` + at("origin") + `","value":{"site":"b"}}`, "", "mutability"},
		{"merge the same into a complex value", `{"op":"add","path":"` + at("origin") + `","value":{"site":"a"}}`, doors, ""},
		{"days set, more and less", `{"op":"add","path":"` + at("doors") + `.days","value":["mon","tue"]},{"op":"remove","path":"` + at("doors") + `[value eq \"d\"].days","value":["mon"]},{"op":"replace","path":"` + at("doors") + `.days","value":["fri"]},{"op":"remove","path":"` + at("doors") + `[value eq \"d\"].days"}`, doors, ""},
		{"a filter selects a value with a required sub-attribute missing", `{"op":"add","path":"` + at("doors") + `[level eq 9].days","value":["mon"]}`, "", "invalidValue"},
	}
	typ := typeNamed(t, "User")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after, err := patch(t, typ, user(t, doors), patchBody(t, tt.op), resource.Lenient())
			if got := scimType(t, err); got != tt.scimType {
				t.Fatalf("scimType = %q (%v), want %q", got, err, tt.scimType)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(user(t, tt.want), after); diff != "" {
				t.Errorf("mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// TestApplyOps takes operations that were not read from a body.
func TestApplyOps(t *testing.T) {
	typ := typeNamed(t, "User")
	title := filter.Path{Attr: filter.Attr{URN: userURN, Name: "TITLE"}}
	got, err := typ.Apply(user(t, `{}`), []resource.Op{{Kind: resource.Replace, Path: &title, Value: "Dr", HasValue: true}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(user(t, `{"title":"Dr"}`), got); diff != "" {
		t.Errorf("mismatch (-want +got):\n%s", diff)
	}
	shoe := filter.Path{Attr: filter.Attr{Name: "shoeSize"}}
	_, err = typ.Apply(user(t, `{}`), []resource.Op{{Kind: resource.Remove, Path: &shoe}})
	if got := scimType(t, err); got != "invalidPath" {
		t.Errorf("unknown path: scimType = %q", got)
	}
	core := filter.Path{Attr: filter.Attr{URN: userURN}}
	if _, err := typ.Apply(user(t, `{}`), []resource.Op{{Kind: resource.Remove, Path: &core}}); err == nil {
		t.Error("a remove of everything was carried out")
	}
	if _, err := typ.Apply(user(t, `{}`), []resource.Op{{Kind: resource.Remove}}); err == nil {
		t.Error("an operation without path was carried out")
	}
}

// TestApplyLeavesTheRest: what came to be invalid elsewhere does not stand in the way of a deactivation.
func TestApplyLeavesTheRest(t *testing.T) {
	typ := typeNamed(t, "User")
	broken := decode(t, `{"userName":"ann","active":true,"emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`)
	if typ.Validate(broken) == nil {
		t.Fatal("the resource is not invalid")
	}
	got, err := patch(t, typ, broken, patchBody(t, `{"op":"replace","value":{"active":false}}`), resource.Lenient())
	if err != nil || got["active"] != false {
		t.Errorf("active = %v, %v", got["active"], err)
	}
}
