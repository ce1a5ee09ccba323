package crowdtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// Attributes that Crowd itself keeps on users.
const (
	attrRequiresChange    = "requiresPasswordChange"
	attrAttempts          = "invalidPasswordAttempts"
	attrLastChanged       = "passwordLastChanged"
	attrLastActive        = "lastActive"
	attrLastAuthenticated = "lastAuthenticated"
)

func textFalse() []string { return []string{"false"} }

func textZero() []string { return []string{"0"} }

func millis(t time.Time) []string { return []string{strconv.FormatInt(t.UnixMilli(), 10)} }

// attributeBody is the representation of an attribute list that names what it
// belongs to.
type attributeBody struct {
	kind, name string
	attrs      store.Attributes
}

// A holder is the user or the group that a request about attributes names; of
// a group, that of every directory which allows the change.
type holder struct {
	kind, name string
	// key tells the holder from all others.
	key string
	// attrs are the attributes that count, and set replaces the values of one.
	attrs store.Attributes
	set   func(attribute string, values []string)
	// changed is called after a change.
	changed func()
}

// holder returns what the request names, for reading.
func (x *exchange) holder() (*holder, error) {
	if strings.HasPrefix(x.resource, "group") {
		g, _, err := x.namedGroup()
		if err != nil {
			return nil, err
		}
		return &holder{kind: "group", name: g.Name, attrs: g.Attributes()}, nil
	}
	u, _, err := x.namedUser()
	if err != nil {
		return nil, err
	}
	return &holder{kind: "user", name: u.Name, attrs: u.Attributes()}, nil
}

// changeableHolder returns what the request names, if it may be changed.
func (x *exchange) changeableHolder() (*holder, error) {
	if strings.HasPrefix(x.resource, "group") {
		return x.changeableGroupHolder()
	}
	u, m, err := x.changeableUser(x.attributeOperations(ModifyUserAttributes, ModifyUser)...)
	if err != nil {
		return nil, err
	}
	return &holder{
		kind: "user", name: u.Name, key: "user:" + u.Key, attrs: u.Attributes(),
		set: func(attribute string, values []string) { m.contents.SetUserAttribute(u, attribute, values) },
		changed: func() {
			x.touch(x.opts.AttributesMoveUpdated, u, m)
			x.s.events.user(x.opts, eventUpdated, u.Name)
		},
	}, nil
}

func (x *exchange) changeableGroupHolder() (*holder, error) {
	name, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	found, err := x.changeable(name, x.attributeOperations(ModifyGroupAttributes, ModifyGroup)...)
	if err != nil {
		return nil, err
	}
	g := found[0]
	return &holder{
		kind: "group", name: g.Name, key: "group:" + g.Folded, attrs: g.Attributes(),
		set: func(attribute string, values []string) {
			for _, g := range found {
				g.dir.contents.SetGroupAttribute(g.Group, attribute, values)
			}
		},
		changed: func() { x.s.events.group(x.opts, eventUpdated, g.Name) },
	}, nil
}

// attributeOperations are what must be allowed where an attribute is written.
func (x *exchange) attributeOperations(own, entity Operation) []Operation {
	if x.opts.AttributesNeedModify {
		return []Operation{own, entity}
	}
	return []Operation{own}
}

// setAll replaces the values of attributes.
func (x *exchange) setAll(set func(string, []string), attrs []store.Attribute) {
	for _, a := range attrs {
		if len(a.Values) > 0 || !x.opts.KeepOnEmptyValues {
			set(a.Name, a.Values)
		}
	}
}

// touch moves the updated date of a user where moves says so.
func (x *exchange) touch(moves bool, u *store.User, m mapped) {
	if moves {
		p := *u.UserProfile
		p.Updated = x.now
		m.contents.UpdateUser(u, p)
	}
}

func getAttributes(x *exchange) (*reply, error) {
	h, err := x.holder()
	if err != nil {
		return nil, err
	}
	return ok(attributeBody{h.kind, h.name, slices.Clone(h.attrs)})
}

// decodeAttributes reads the attributes of a request's body.
func (x *exchange) decodeAttributes() ([]store.Attribute, error) {
	var in wire.Attributes
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	return x.checkAttributes(&in)
}

// checkAttributes refuses attributes that cannot be stored, cuts long values
// and leaves each value once.
func (x *exchange) checkAttributes(in *wire.Attributes) ([]store.Attribute, error) {
	attrs := make([]store.Attribute, len(in.Attributes))
	for i, a := range in.Attributes {
		if a.Name == "" || units(a.Name) > crowd.MaxNameLength {
			return nil, x.illegal("An attribute's name has 1 to 255 characters")
		}
		if err := x.checkTexts(reasonIllegalArgument, a.Values...); err != nil {
			return nil, err
		}
		attrs[i] = store.Attribute{Name: x.attributeName(a.Name), Values: distinct(a.Values)}
	}
	return attrs, nil
}

// attributeName returns the name under which an attribute is kept: its own or,
// where the options fold names, the one that is there.
func (x *exchange) attributeName(name string) string {
	if !x.opts.FoldAttributeNames {
		return name
	}
	for _, m := range x.dirs {
		if spelling, found := m.contents.AttributeName(name); found {
			return spelling
		}
	}
	return name
}

func distinct(values []string) []string {
	kept := make([]string, 0, len(values))
	for _, v := range values {
		if v = cut(v); !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return kept
}

func postAttributes(x *exchange) (*reply, error) {
	attrs, err := x.decodeAttributes()
	if err != nil {
		return nil, err
	}
	h, err := x.changeableHolder()
	if err != nil {
		return nil, err
	}
	attrs, more := x.thisStep(attrs)
	if err := x.race(h, attrs); err != nil {
		return nil, err
	}
	x.setAll(h.set, attrs)
	h.changed()
	return &reply{status: http.StatusNoContent, more: more}, nil
}

// thisStep returns the attributes that one effect of the request sets.
func (x *exchange) thisStep(attrs []store.Attribute) (now []store.Attribute, more bool) {
	if !x.opts.AttributesOneByOne || len(attrs) == 0 {
		return attrs, false
	}
	return attrs[x.step : x.step+1], x.step+1 < len(attrs)
}

// A firstWrite names an attribute that an entity did not have before.
type firstWrite struct{ entity, attribute string }

// race refuses the first write of an attribute that another request wrote for
// the first time after this one had arrived, where the options say so.
func (x *exchange) race(h *holder, attrs []store.Attribute) error {
	if !x.opts.RacingAttributeFails {
		return nil
	}
	for _, a := range attrs {
		if x.s.firstWrites[firstWrite{h.key, a.Name}] > x.arrived {
			return x.refuse(reasonOperationFailed, "Attribute %s was written by another request", a.Name)
		}
	}
	for _, a := range attrs {
		if h.attrs.Values(a.Name) == nil {
			x.s.firstWrites[firstWrite{h.key, a.Name}] = x.s.effects.Load()
		}
	}
	return nil
}

func deleteAttribute(x *exchange) (*reply, error) {
	attribute, err := x.require("attributename")
	if err != nil {
		return nil, err
	}
	h, err := x.changeableHolder()
	if err != nil {
		return nil, err
	}
	attribute = x.attributeName(attribute)
	if h.attrs.Values(attribute) == nil {
		return x.missingAttribute(attribute)
	}
	h.set(attribute, nil)
	h.changed()
	return noContent()
}

func (x *exchange) missingAttribute(attribute string) (*reply, error) {
	if x.opts.MissingAttribute404 {
		return nil, &refusal{http.StatusNotFound, reasonIllegalArgument, "There is no attribute " + printable(attribute)}
	}
	return noContent()
}
