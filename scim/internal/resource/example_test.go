package resource_test

import (
	"fmt"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// A PATCH in an identity provider's dialect is read, applied and shown.
func Example() {
	users, err := resource.UserType()
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"Operations": [
		{"op": "Replace", "path": "active", "value": "False"},
		{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "ann@example.com"}]}`)
	doc, err := resource.Decode(body, resource.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ops, err := resource.ParsePatch(doc, users, resource.Lenient(), resource.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	patched, err := users.Apply(map[string]any{"id": "1", "userName": "ann", "active": true}, ops)
	if err != nil {
		fmt.Println(err)
		return
	}
	shown := users.Project(patched, []filter.Path{{Attr: filter.Attr{Name: "active"}}, {Attr: filter.Attr{Name: "emails"}}}, nil)
	fmt.Println(shown["id"], shown["active"], shown["emails"])
	// Output: 1 false [map[type:work value:ann@example.com]]
}

// A remove of members with a list removes those members, never all.
func ExampleFoldGroup() {
	groups, err := resource.GroupType()
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, err := resource.Decode([]byte(`{"Operations": [
		{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "u1"}]},
		{"op": "add", "path": "members", "value": [{"value": "u2"}]}]}`), resource.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ops, err := resource.ParsePatch(doc, groups, resource.Lenient(), resource.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	patch, err := resource.FoldGroup(ops)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range patch.Members {
		fmt.Println(m.Kind, m.Values)
	}
	// Output:
	// remove [u1]
	// add [u2]
}

// A body that no sensible reading exists for is refused with what the administrator needs to know.
func ExampleType_Normalise() {
	groups, err := resource.GroupType()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = groups.Normalise(map[string]any{"displayName": "Crew", "members": []any{map[string]any{"display": "kim"}}}, resource.Lenient())
	fmt.Println(err)
	// Output: resource: a value of members does not say what it means: send {"value": "ID"} for each
}
