package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

const (
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	core       = "urn:ietf:params:scim:schemas:core:2.0:User"
	odd        = "urn:acme:people_dir~v1.2"  // no resource type at its end
	plain      = "urn:acme:params:staff:1.0" // ends in a version
)

// testSchema is a User schema small enough to read.
type testSchema map[string]map[string]filter.AttrInfo

func (s testSchema) Lookup(urn, name string) (filter.AttrInfo, bool) {
	urn = strings.ToLower(urn)
	if urn == strings.ToLower(core) {
		urn = ""
	}
	attrs, ok := s[urn]
	if name == "" {
		return filter.AttrInfo{Name: attrs[""].Name, Type: filter.Complex}, ok && urn != ""
	}
	info, ok := attrs[strings.ToLower(name)]
	return info, ok
}

func attrs(list ...filter.AttrInfo) map[string]filter.AttrInfo {
	m := make(map[string]filter.AttrInfo)
	for _, a := range list {
		m[strings.ToLower(a.Name)] = a
	}
	return m
}

func text(name string) filter.AttrInfo { return filter.AttrInfo{Name: name} }

func newSchema() testSchema {
	plural := attrs(text("value"), text("type"), text("display"), filter.AttrInfo{Name: "primary", Type: filter.Boolean},
		filter.AttrInfo{Name: "$ref", Type: filter.Reference})
	extension := func(urn string, list ...filter.AttrInfo) map[string]filter.AttrInfo {
		m := attrs(list...)
		m[""] = text(urn)
		return m
	}
	return testSchema{
		"": attrs(
			filter.AttrInfo{Name: "id", CaseExact: true},
			filter.AttrInfo{Name: "externalId", CaseExact: true},
			filter.AttrInfo{Name: "schemas", CaseExact: true, Multi: true},
			text("userName"), text("displayName"), text("title"),
			filter.AttrInfo{Name: "active", Type: filter.Boolean},
			filter.AttrInfo{Name: "age", Type: filter.Number},
			filter.AttrInfo{Name: "name", Type: filter.Complex, Sub: attrs(text("givenName"), text("familyName"))},
			filter.AttrInfo{Name: "emails", Type: filter.Complex, Multi: true, Sub: plural},
			filter.AttrInfo{
				Name: "x509Certificates", Type: filter.Complex, Multi: true,
				Sub: attrs(filter.AttrInfo{Name: "value", Type: filter.Binary}),
			},
			filter.AttrInfo{Name: "meta", Type: filter.Complex, Sub: attrs(
				filter.AttrInfo{Name: "created", Type: filter.DateTime}, filter.AttrInfo{Name: "lastModified", Type: filter.DateTime})},
		),
		strings.ToLower(enterprise): extension(enterprise, text("department"),
			filter.AttrInfo{Name: "manager", Type: filter.Complex, Sub: attrs(text("value"), text("displayName"))}),
		odd:   extension(odd, text("badge")),
		plain: extension(plain, text("badge")),
	}
}

func TestAttrResolve(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path string
		want filter.Attr
		typ  filter.Type
	}{
		{"USERNAME", filter.Attr{Name: "userName"}, filter.String},
		{"Name.FAMILYname", filter.Attr{Name: "name", Sub: "familyName"}, filter.String},
		{"URN:IETF:params:scim:schemas:CORE:2.0:User:username", filter.Attr{Name: "userName"}, filter.String},
		{strings.ToUpper(enterprise) + ":manager.value", filter.Attr{URN: enterprise, Name: "manager", Sub: "value"}, filter.String},
		{strings.ToLower(enterprise), filter.Attr{URN: enterprise}, filter.Complex},
		{odd, filter.Attr{URN: odd}, filter.Complex},
		{odd + ":Badge", filter.Attr{URN: odd, Name: "badge"}, filter.String},
		{plain, filter.Attr{URN: plain}, filter.Complex},
		{plain + ":badge", filter.Attr{URN: plain, Name: "badge"}, filter.String},
		{"emails.$ref", filter.Attr{Name: "emails", Sub: "$ref"}, filter.Reference},
		{"schemas.value", filter.Attr{Name: "schemas", Sub: "value"}, filter.String},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			p, err := filter.ParsePath(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			got, info, err := p.Attr.Resolve(newSchema())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("attribute mismatch (-want +got):\n%s", diff)
			}
			if info.Type != tt.typ {
				t.Errorf("type = %v, want %v", info.Type, tt.typ)
			}
		})
	}
}

func TestAttrResolveUnknown(t *testing.T) {
	t.Parallel()
	for path, problem := range map[string]string{
		"usrName":                  "the schema has no such attribute",
		"name.nick":                `name has no sub-attribute "nick"`,
		enterprise + ":floor":      "the schema has no such attribute",
		enterprise + ":manager.no": `manager has no sub-attribute "no"`,
		"urn:other:2.0:User":       "the schema has no such attribute",
		core:                       "the schema has no such attribute",
		"userName.value":           `userName has no sub-attribute "value"`,
	} {
		p, err := filter.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = p.Attr.Resolve(newSchema())
		e, ok := errors.AsType[*filter.AttributeError](err)
		if !ok {
			t.Errorf("Resolve(%q) = %v, want an AttributeError", path, err)
			continue
		}
		if diff := cmp.Diff(&filter.AttributeError{Attribute: path, Unknown: true, Problem: problem}, e); diff != "" {
			t.Errorf("Resolve(%q) error mismatch (-want +got):\n%s", path, diff)
		}
	}
}

func TestAttrEqualAndCore(t *testing.T) {
	t.Parallel()
	a := filter.Attr{URN: enterprise, Name: "manager", Sub: "value"}
	b := filter.Attr{URN: strings.ToUpper(enterprise), Name: "MANAGER", Sub: "Value"}
	if !a.Equal(b) || a.Equal(filter.Attr{Name: "manager", Sub: "value"}) {
		t.Error("Equal must ignore case, and nothing but case")
	}
	if a.Core() || !(filter.Attr{URN: strings.ToUpper(core), Name: "x"}).Core() || !(filter.Attr{Name: "x"}).Core() {
		t.Error("Core must know core attributes with and without their URN")
	}
}
