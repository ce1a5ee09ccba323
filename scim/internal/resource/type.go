package resource

import (
	"fmt"
	"strings"
	"sync"

	elimity "github.com/elimity-com/scim/schema"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// An Extension is a schema whose attributes a resource may have below the URN of that schema, RFC 7643 section 3.3.
type Extension struct {
	Schema   elimity.Schema
	Required bool // each resource must have it
}

// A Type is a resource type: its core schema, the common attributes and its extensions. It is immutable.
type Type struct {
	core       *section
	extensions []*section
	byURN      map[string]*section // as spelled and in lower case, the core among them
	misspelt   map[string]string   // URNs in lower case that clients are known to send, and what they mean
}

// A section is what one schema adds to a resource.
type section struct {
	urn        string
	extension  bool
	required   bool
	schema     elimity.Schema
	document   map[string]any // the schema as JSON, RFC 7643 section 7
	attributes []*attribute
	byName     names
	info       filter.AttrInfo
}

// UserType returns the User of RFC 7643 section 4.1 with the enterprise extension of section 4.3 and those given.
// It fails if an extension cannot be addressed: its URN or a name in it is malformed or taken.
func UserType(extensions ...Extension) (*Type, error) {
	if len(extensions) == 0 {
		return standardUser()
	}
	return newUserType(extensions)
}

func newUserType(extensions []Extension) (*Type, error) {
	enterprise := Extension{Schema: elimity.ExtensionEnterpriseUser()}
	for _, e := range extensions {
		if strings.EqualFold(e.Schema.ID, enterprise.Schema.ID) {
			return newType(elimity.CoreUserSchema(), extensions)
		}
	}
	return newType(elimity.CoreUserSchema(), append([]Extension{enterprise}, extensions...))
}

// GroupType returns the Group of RFC 7643 section 4.2 with the extensions given. It fails as [UserType] does.
func GroupType(extensions ...Extension) (*Type, error) {
	if len(extensions) == 0 {
		return standardGroup()
	}
	return newType(elimity.CoreGroupSchema(), extensions)
}

// Types without extensions are made once for all connections: reading the schemas costs more than all else that a
// connection needs to begin.
var (
	standardUser  = sync.OnceValues(func() (*Type, error) { return newUserType(nil) })
	standardGroup = sync.OnceValues(func() (*Type, error) { return newType(elimity.CoreGroupSchema(), nil) })
)

func newType(core elimity.Schema, extensions []Extension) (*Type, error) {
	t := &Type{byURN: map[string]*section{}, misspelt: map[string]string{}}
	if err := t.add(core, false, false); err != nil {
		return nil, err
	}
	for _, d := range elimity.CommonAttributes() {
		a := newAttribute(d, "", "")
		t.core.attributes = append(t.core.attributes, a)
		t.core.byName.add(a)
	}
	for _, e := range extensions {
		if err := t.add(e.Schema, true, e.Required); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// add adds the core schema or an extension.
func (t *Type) add(s elimity.Schema, extension, required bool) error {
	if t.section(s.ID) != nil {
		return fmt.Errorf("resource: schema %s is there twice", s.ID)
	}
	sec, err := newSection(s, extension)
	if err != nil {
		return err
	}
	sec.required = required
	t.byURN[sec.urn] = sec
	t.byURN[strings.ToLower(sec.urn)] = sec
	if !extension {
		t.core = sec
		return nil
	}
	t.extensions = append(t.extensions, sec)
	lower := strings.ToLower(sec.urn)
	if i := strings.LastIndexByte(lower, ':'); i > 0 {
		t.misspelt[lower[:i]+lower[i+1:]] = sec.urn
	}
	return nil
}

func newSection(s elimity.Schema, extension bool) (*section, error) {
	s, document, err := corrected(s)
	if err != nil {
		return nil, fmt.Errorf("resource: schema %q: %w", s.ID, err)
	}
	sec := &section{urn: s.ID, extension: extension, schema: s, document: document, byName: names{}}
	sec.info = filter.AttrInfo{Name: s.ID, Type: filter.Complex, Sub: map[string]filter.AttrInfo{}}
	urn, prefix := "", ""
	if extension {
		urn, prefix = s.ID, s.ID+":"
	}
	for _, d := range s.Attributes {
		a := newAttribute(d, urn, prefix)
		if sec.byName.find(a.name) != nil {
			return nil, fmt.Errorf("resource: schema %s: attribute %s is there twice", s.ID, a.name)
		}
		if _, err := filter.ParsePath(s.ID + ":" + a.name); err != nil {
			return nil, fmt.Errorf("resource: schema %s: attribute %s cannot be named in a path: %w", s.ID, a.name, err)
		}
		sec.attributes = append(sec.attributes, a)
		sec.byName.add(a)
		sec.info.Sub[strings.ToLower(a.name)] = a.info
	}
	return sec, nil
}

// Name returns the name of the resource type, such as User.
func (t *Type) Name() string { return t.core.urn[strings.LastIndexByte(t.core.urn, ':')+1:] }

// URN returns the URN of the core schema.
func (t *Type) URN() string { return t.core.urn }

// section finds a schema by its URN, nil if the type has none of that URN.
func (t *Type) section(urn string) *section {
	if s, ok := t.byURN[urn]; ok {
		return s
	}
	return t.byURN[strings.ToLower(urn)]
}

// Lookup makes a Type a [filter.Schema].
func (t *Type) Lookup(urn, name string) (filter.AttrInfo, bool) {
	sec := t.core
	if urn != "" {
		sec = t.section(urn)
	}
	if sec == nil {
		return filter.AttrInfo{}, false
	}
	if name == "" {
		return sec.info, urn != ""
	}
	a := sec.byName.find(name)
	if a == nil {
		return filter.AttrInfo{}, false
	}
	return a.info, true
}
