package backup

import (
	"reflect"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
)

// A shape is what the JSON form of a Go type looks like. The decoder, the
// encoder, the differences and the schema all go by it, so that they agree.
type shape struct {
	kind   kind
	name   string  // of the Go type, with its package
	fields []field // of objects
	elem   *shape  // of lists
	rule   rule    // of the elements of lists
	words  []string
}

type kind int

const (
	object kind = iota
	list
	text
	secret
	boolean
	number
	timestamp
	keepPaths // scim.Keep: "all", "mapped" or a list
	constant  // a text, a boolean or a list of texts
)

// A field is a member of an object.
type field struct {
	name  string
	index []int // as reflect.Value.FieldByIndex takes it
	shape *shape
	rule  rule
}

// configShape returns the shape of the whole document.
func configShape() *shape {
	b := shapeBuilder{rules: rules(), words: vocabulary(), objects: map[reflect.Type]*shape{}}
	return b.shape(reflect.TypeFor[Config]())
}

type shapeBuilder struct {
	rules map[string]rule
	words map[reflect.Type][]string
	// objects are those begun. A type that holds itself has a shape that does.
	objects map[reflect.Type]*shape
}

func (b shapeBuilder) shape(t reflect.Type) *shape {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := &shape{name: t.String(), words: b.words[t]}
	switch t {
	case reflect.TypeFor[scim.Keep]():
		s.kind = keepPaths
		return s
	case reflect.TypeFor[time.Time]():
		s.kind = timestamp
		return s
	case reflect.TypeFor[crowd.Secret]():
		s.kind = secret
		return s
	}
	switch t.Kind() {
	case reflect.Struct:
		if begun := b.objects[t]; begun != nil {
			return begun
		}
		b.objects[t] = s
		s.kind = object
		s.fields = b.fields(t, nil)
	case reflect.Slice:
		s.kind = list
		s.elem = b.shape(t.Elem())
	case reflect.Bool:
		s.kind = boolean
	case reflect.Int, reflect.Int64:
		s.kind = number
	case reflect.String:
		s.kind = text
	case reflect.Interface:
		s.kind = constant
	default:
		panic("backup: a setting has a type without a JSON form: " + t.String())
	}
	return s
}

// fields returns the members of a struct, those of embedded structs among them.
func (b shapeBuilder) fields(t reflect.Type, index []int) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int(nil), index...), i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
			continue
		case f.Anonymous && name == "":
			all = append(all, b.fields(f.Type, at)...)
			continue
		}
		key := t.String() + "." + name
		s := b.shape(f.Type)
		if s.kind == list {
			s.rule = b.rules[key+"[]"]
		}
		if words := b.rules[key].words; words != nil {
			s.words = words
		}
		all = append(all, field{name: name, index: at, shape: s, rule: b.rules[key]})
	}
	return all
}

// field returns the member of that name, nil if there is none.
func (s *shape) field(name string) *field {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
}

// names lists the members.
func (s *shape) names() []string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	return names
}

// vocabulary lists what the texts of each type may be. The default comes first.
func vocabulary() map[reflect.Type][]string {
	providers := []string{string(scim.Generic)}
	for _, p := range scim.Providers() {
		if p != scim.Generic {
			providers = append(providers, string(p))
		}
	}
	return map[reflect.Type][]string{
		reflect.TypeFor[scim.Provider]():      providers,
		reflect.TypeFor[scim.Password]():      texts(scim.IgnorePassword, scim.SetPassword),
		reflect.TypeFor[scim.EmailRefused]():  texts(scim.SkipEmail, scim.RejectEmail),
		reflect.TypeFor[groupsync.Deletion](): texts(groupsync.Deactivate, groupsync.Delete, groupsync.Keep),
		reflect.TypeFor[groupsync.Existing](): texts(groupsync.Conflict, groupsync.Link),
		reflect.TypeFor[mapping.Missing]():    texts(mapping.Clear, mapping.Keep, mapping.Reject),
		reflect.TypeFor[mapping.Mode]():       texts(mapping.OnTheFlyMapping, mapping.ManualMapping),
		reflect.TypeFor[mapping.Collisions](): texts(mapping.Union, mapping.Refuse),
		reflect.TypeFor[DirectoryType]():      texts(Internal, Delegating, LDAP, Remote, Generic),
		reflect.TypeFor[jiraleads.Product]():  texts(jiraleads.DataCenter, jiraleads.Cloud),
		reflect.TypeFor[groupsync.Replicas](): texts(groupsync.ManyReplicas, groupsync.OneReplica),
		reflect.TypeFor[UnknownMembers]():     texts(SkipUnknown, RejectUnknown),
		reflect.TypeFor[NestedGroups]():       texts(NativeNested, FlattenNested),
	}
}

func texts[T ~string](words ...T) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return list
}
