package resource_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// paths parses a list of paths separated by blanks.
func paths(t testing.TB, text string) []filter.Path {
	t.Helper()
	var list []filter.Path
	for _, s := range strings.Fields(text) {
		list = append(list, path(t, s))
	}
	return list
}

func path(t testing.TB, text string) filter.Path {
	t.Helper()
	p, err := filter.ParsePath(text)
	if err != nil {
		t.Fatalf("path %q: %v", text, err)
	}
	return p
}

func TestProject(t *testing.T) {
	const (
		id      = `"id":"1"`
		core    = `"schemas":["` + userURN + `"]`
		ent     = `"schemas":["` + userURN + `","` + enterpriseURN + `"]`
		bdg     = `"schemas":["` + userURN + `","` + badgeURN + `"]`
		all     = `"schemas":["` + userURN + `","` + enterpriseURN + `","` + badgeURN + `"]`
		name    = `"name":{"givenName":"A","familyName":"B"}`
		emails  = `"emails":[{"value":"v","type":"work"},{"type":"home"}]`
		entData = `"` + enterpriseURN + `":{"department":"D","division":"V"}`
		valid   = `"` + badgeURN + `":{"valid":true}`
	)
	doc := decode(t, `{`+all+`,`+id+`,"userName":"ann","password":"secret",`+name+`,`+emails+`,`+entData+
		`,"`+badgeURN+`":{"valid":true,"pin":"17","origin":{"site":"s","secret":"x"}}}`)
	tests := []struct{ name, attributes, excluded, want string }{
		{"default", "", "", `{` + all + `,` + id + `,"userName":"ann",` + name + `,` + emails + `,` + entData + `,"` + badgeURN + `":{"valid":true,"origin":{"site":"s"}}}`},
		{"one attribute", "userName", "", `{` + bdg + `,` + id + `,"userName":"ann",` + valid + `}`},
		{"any case", "USERNAME " + strings.ToUpper(userURN) + ":Name.GivenName", "", `{` + bdg + `,` + id + `,"userName":"ann","name":{"givenName":"A"},` + valid + `}`},
		{"sub-attributes", "name.givenName emails.value", "", `{` + bdg + `,` + id + `,"name":{"givenName":"A"},"emails":[{"value":"v"}],` + valid + `}`},
		{"whole and part", "name name.givenName", "", `{` + bdg + `,` + id + `,` + name + `,` + valid + `}`},
		{"extension", enterpriseURN, "", `{` + all + `,` + id + `,` + entData + `,` + valid + `}`},
		{"extension attribute", enterpriseURN + ":department", "", `{` + all + `,` + id + `,"` + enterpriseURN + `":{"department":"D"},` + valid + `}`},
		{"extension attribute by its short name", "department", "", `{` + all + `,` + id + `,"` + enterpriseURN + `":{"department":"D"},` + valid + `}`},
		{"returned on request", badgeURN + ":pin", "", `{` + bdg + `,` + id + `,"` + badgeURN + `":{"valid":true,"pin":"17"}}`},
		{"never returned", "password " + badgeURN + ":origin " + badgeURN + ":origin.secret", "", `{` + bdg + `,` + id + `,"` + badgeURN + `":{"valid":true,"origin":{"site":"s"}}}`},
		{"unknown", "shoeSize", "", `{` + bdg + `,` + id + `,` + valid + `}`},
		{"excluded", "", "emails name.familyName " + enterpriseURN + " " + badgeURN + ":origin", `{` + bdg + `,` + id + `,"userName":"ann","name":{"givenName":"A"},` + valid + `}`},
		{"excluded part of several values", "", "emails.type name " + enterpriseURN + ":division " + badgeURN + ":origin", `{` + all + `,` + id + `,"userName":"ann","emails":[{"value":"v"}],"` + enterpriseURN + `":{"department":"D"},` + valid + `}`},
		{"excluded but always returned", "", "id schemas userName name emails " + enterpriseURN + " " + badgeURN, `{` + bdg + `,` + id + `,` + valid + `}`},
		{"both", "userName name", "name", `{` + bdg + `,` + id + `,"userName":"ann",` + valid + `}`},
	}
	typ := typeNamed(t, "User")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kept := marshal(t, doc)
			got := typ.Project(doc, paths(t, tt.attributes), paths(t, tt.excluded))
			if diff := cmp.Diff(decode(t, tt.want), got); diff != "" {
				t.Errorf("mismatch (-want +got):\n%s", diff)
			}
			if string(marshal(t, doc)) != string(kept) {
				t.Error("the resource given was changed")
			}
		})
	}
	group := decode(t, `{"schemas":["`+groupURN+`"],"id":"1","displayName":"G","members":[{"value":"a"}]}`)
	got := typeNamed(t, "Group").Project(group, nil, paths(t, "members"))
	if got["members"] != nil || got["displayName"] != "G" {
		t.Errorf("group without members: %v", got)
	}
	bare := typ.Project(decode(t, `{`+core+`,`+id+`}`), nil, nil)
	if diff := cmp.Diff(decode(t, `{`+core+`,`+id+`}`), bare); diff != "" {
		t.Errorf("bare user mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(decode(t, `{`+ent+`,`+entData+`}`), typ.Project(decode(t, `{`+entData+`}`), nil, nil)); diff != "" {
		t.Errorf("schemas mismatch (-want +got):\n%s", diff)
	}
}

// TestProjectSaid shows what is returned on request, whole attributes and sub-attributes, where a write says it.
func TestProjectSaid(t *testing.T) {
	const urn = "urn:example:params:scim:schemas:safe:2.0:User"
	var e resource.Extension
	if err := json.Unmarshal([]byte(`{"id":"`+urn+`","name":"Safe","attributes":[
		{"name":"code","type":"string","multiValued":false,"mutability":"readWrite","returned":"request"},
		{"name":"box","type":"complex","multiValued":false,"mutability":"readWrite","returned":"default","subAttributes":[
			{"name":"place","type":"string","multiValued":false,"mutability":"readWrite","returned":"default"},
			{"name":"key","type":"string","multiValued":false,"mutability":"readWrite","returned":"request"}]}]}`), &e.Schema); err != nil {
		t.Fatal(err)
	}
	typ, err := resource.UserType(e)
	if err != nil {
		t.Fatal(err)
	}
	doc := decode(t, `{"userName":"ann","`+urn+`":{"code":"c","box":{"place":"p","key":"k"}}}`)
	tests := []struct{ name, said, attributes, excluded, want string }{
		{"nothing", "", "", "", `{"box":{"place":"p"}}`},
		{"an attribute", urn + ":code", "", "", `{"box":{"place":"p"},"code":"c"}`},
		{"a sub-attribute", urn + ":box.key", "", "", `{"box":{"place":"p","key":"k"}}`},
		{"a complex attribute", urn + ":box", "", "", `{"box":{"place":"p","key":"k"}}`},
		{"others are asked for", urn + ":code", urn + ":box.place", "", `{"box":{"place":"p"}}`},
		{"it is excluded", urn + ":code", "", urn + ":code", `{"box":{"place":"p"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shown := typ.Projection(paths(t, tt.attributes), paths(t, tt.excluded)).Said(paths(t, tt.said)).Apply(doc)
			if diff := cmp.Diff(any(decode(t, tt.want)), shown[urn]); diff != "" {
				t.Errorf("mismatch (-want +got):\n%s", diff)
			}
		})
	}
	all := typ.Projection(nil, nil).Said(typ.Named(doc)).Apply(doc)
	if diff := cmp.Diff(doc[urn], all[urn]); diff != "" {
		t.Errorf("all that was said mismatch (-want +got):\n%s", diff)
	}
}
