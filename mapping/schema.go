package mapping

import (
	"maps"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// URNs of the schemas of RFC 7643 that [DefaultSchema] knows.
const (
	coreUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterpriseUser = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// Schema is the [filter.Schema] of RFC 7643: the core User and Group with the enterprise extension.
type Schema struct {
	attributes map[string]map[string]filter.AttrInfo // by lower-cased URN and name; "" is core
	urns       map[string]string                     // canonical spelling of extensions, by lower-cased URN
}

// DefaultSchema returns the schema against which mappings are checked unless told otherwise. [Schema.With] adds
// extensions to it.
func DefaultSchema() *Schema {
	common := fields("string! id externalId; string!* schemas; complex meta", sub{
		"meta": fields("string resourceType version; dateTime created lastModified; reference location", nil),
	})
	user, group := userFields(), fields("string displayName; complex* members", sub{"members": pluralFields()})
	maps.Copy(user, common)
	maps.Copy(group, common)
	core := maps.Clone(group)
	maps.Copy(core, user)
	return &Schema{
		attributes: map[string]map[string]filter.AttrInfo{
			"":                              core,
			strings.ToLower(coreUser):       user,
			strings.ToLower(coreGroup):      group,
			strings.ToLower(enterpriseUser): enterpriseFields(),
		},
		urns: map[string]string{strings.ToLower(enterpriseUser): enterpriseUser},
	}
}

// With returns the schema with an extension of User besides: its URN, such as "urn:example:params:scim:1.0:User", and
// its attributes. The sub-attributes of complex ones are by lower-cased name.
func (s *Schema) With(urn string, attributes ...filter.AttrInfo) *Schema {
	w := &Schema{attributes: maps.Clone(s.attributes), urns: maps.Clone(s.urns)}
	extension := make(map[string]filter.AttrInfo, len(attributes))
	for _, a := range attributes {
		extension[strings.ToLower(a.Name)] = a
	}
	w.attributes[strings.ToLower(urn)], w.urns[strings.ToLower(urn)] = extension, urn
	return w
}

// Lookup implements [filter.Schema].
func (s *Schema) Lookup(urn, name string) (filter.AttrInfo, bool) {
	urn = strings.ToLower(urn)
	if name == "" {
		canonical, ok := s.urns[urn]
		return filter.AttrInfo{Name: canonical, Type: filter.Complex}, ok
	}
	info, ok := s.attributes[urn][strings.ToLower(name)]
	return info, ok
}

// Names returns the paths of all attributes and sub-attributes, sorted.
func (s *Schema) Names() []string {
	var names []string
	for urn, attributes := range s.attributes {
		prefix, extension := s.urns[urn]
		if urn != "" && !extension {
			continue
		}
		for _, info := range attributes {
			a := filter.Attr{URN: prefix, Name: info.Name}
			names = append(names, a.String())
			for _, i := range info.Sub {
				a.Sub = i.Name
				names = append(names, a.String())
			}
		}
	}
	slices.Sort(names)
	return names
}

// sub holds sub-attributes by the name of their attribute.
type sub map[string]map[string]filter.AttrInfo

func userFields() map[string]filter.AttrInfo {
	return fields("string userName displayName nickName title userType preferredLanguage locale timezone password; "+
		"boolean active; reference profileUrl; complex name; "+
		"complex* emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates", sub{
		"name":             fields("string formatted familyName givenName middleName honorificPrefix honorificSuffix", nil),
		"emails":           pluralFields(),
		"phoneNumbers":     pluralFields(),
		"ims":              pluralFields(),
		"photos":           pluralFields(),
		"addresses":        fields("string formatted streetAddress locality region postalCode country type; boolean primary", nil),
		"groups":           pluralFields(),
		"entitlements":     pluralFields(),
		"roles":            pluralFields(),
		"x509Certificates": fields("binary value; string display type; boolean primary", nil),
	})
}

func enterpriseFields() map[string]filter.AttrInfo {
	return fields("string employeeNumber costCenter organization division department; complex manager", sub{
		"manager": fields("string value displayName; reference $ref", nil),
	})
}

// pluralFields returns the sub-attributes that multi-valued attributes have by default (RFC 7643 section 2.4).
func pluralFields() map[string]filter.AttrInfo {
	return fields("string value display type; boolean primary; reference $ref", nil)
}

// fields builds attributes from "type name name; type name": "!" marks a type as case-exact, "*" as multi-valued.
func fields(table string, subs sub) map[string]filter.AttrInfo {
	types := map[string]filter.Type{
		"string": filter.String, "boolean": filter.Boolean, "dateTime": filter.DateTime,
		"binary": filter.Binary, "reference": filter.Reference, "complex": filter.Complex,
	}
	attributes := make(map[string]filter.AttrInfo)
	for line := range strings.SplitSeq(table, ";") {
		words := strings.Fields(line)
		for _, name := range words[1:] {
			attributes[strings.ToLower(name)] = filter.AttrInfo{
				Name:      name,
				Type:      types[strings.TrimRight(words[0], "!*")],
				CaseExact: strings.Contains(words[0], "!"),
				Multi:     strings.Contains(words[0], "*"),
				Sub:       subs[name],
			}
		}
	}
	return attributes
}
