package crowdtest

import (
	"net/http"
	"slices"
	"strconv"
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

func getUserAttributes(x *exchange) (*reply, error) {
	name, err := x.require("username")
	if err != nil {
		return nil, err
	}
	u, _, err := x.user(name)
	if err != nil {
		return nil, err
	}
	return ok(attributeBody{"user", u.Name, slices.Clone(u.Attributes())})
}

func getGroupAttributes(x *exchange) (*reply, error) {
	name, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	g, _, err := x.group(name)
	if err != nil {
		return nil, err
	}
	return ok(attributeBody{"group", g.Name, slices.Clone(g.Attributes())})
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
		attrs[i] = store.Attribute{Name: a.Name, Values: distinct(a.Values)}
	}
	return attrs, nil
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

func postUserAttributes(x *exchange) (*reply, error) {
	attrs, err := x.decodeAttributes()
	if err != nil {
		return nil, err
	}
	u, m, err := x.changeableUser(ModifyUserAttributes)
	if err != nil {
		return nil, err
	}
	attrs, more := x.thisStep(attrs)
	if err := x.race("user:"+u.Key, u.Attributes(), attrs); err != nil {
		return nil, err
	}
	x.setUserAttributes(u, m, attrs)
	x.s.events.user(x.opts, eventUpdated, u.Name)
	return &reply{status: http.StatusNoContent, more: more}, nil
}

func (x *exchange) setUserAttributes(u *store.User, m mapped, attrs []store.Attribute) {
	for _, a := range attrs {
		if len(a.Values) > 0 || !x.opts.KeepOnEmptyValues {
			m.contents.SetUserAttribute(u, a.Name, a.Values)
		}
	}
	x.touch(u, m)
}

// touch moves the updated date of a user whose attributes have changed, where
// the options say so.
func (x *exchange) touch(u *store.User, m mapped) {
	if x.opts.AttributesMoveUpdated {
		p := *u.UserProfile
		p.Updated = x.now
		m.contents.UpdateUser(u, p)
	}
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
func (x *exchange) race(entity string, has store.Attributes, attrs []store.Attribute) error {
	if !x.opts.RacingAttributeFails {
		return nil
	}
	for _, a := range attrs {
		if x.s.firstWrites[firstWrite{entity, a.Name}] > x.arrived {
			return x.refuse(reasonOperationFailed, "Attribute %s was written by another request", a.Name)
		}
	}
	for _, a := range attrs {
		if has.Values(a.Name) == nil {
			x.s.firstWrites[firstWrite{entity, a.Name}] = x.s.effects.Load()
		}
	}
	return nil
}

func postGroupAttributes(x *exchange) (*reply, error) {
	attrs, err := x.decodeAttributes()
	if err != nil {
		return nil, err
	}
	name, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	found, err := x.changeable(name, ModifyGroupAttributes)
	if err != nil {
		return nil, err
	}
	attrs, more := x.thisStep(attrs)
	if err := x.race("group:"+found[0].Folded, found[0].Attributes(), attrs); err != nil {
		return nil, err
	}
	for _, g := range found {
		for _, a := range attrs {
			if len(a.Values) > 0 || !x.opts.KeepOnEmptyValues {
				g.dir.contents.SetGroupAttribute(g.Group, a.Name, a.Values)
			}
		}
	}
	x.s.events.group(x.opts, eventUpdated, found[0].Name)
	return &reply{status: http.StatusNoContent, more: more}, nil
}

func deleteUserAttribute(x *exchange) (*reply, error) {
	attribute, err := x.require("attributename")
	if err != nil {
		return nil, err
	}
	u, m, err := x.changeableUser(ModifyUserAttributes)
	if err != nil {
		return nil, err
	}
	if u.Attribute(attribute) == nil {
		return x.missingAttribute(attribute)
	}
	m.contents.SetUserAttribute(u, attribute, nil)
	x.touch(u, m)
	x.s.events.user(x.opts, eventUpdated, u.Name)
	return noContent()
}

func deleteGroupAttribute(x *exchange) (*reply, error) {
	attribute, err := x.require("attributename")
	if err != nil {
		return nil, err
	}
	name, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	found, err := x.changeable(name, ModifyGroupAttributes)
	if err != nil {
		return nil, err
	}
	if found[0].Attribute(attribute) == nil {
		return x.missingAttribute(attribute)
	}
	for _, g := range found {
		g.dir.contents.SetGroupAttribute(g.Group, attribute, nil)
	}
	x.s.events.group(x.opts, eventUpdated, found[0].Name)
	return noContent()
}

func (x *exchange) missingAttribute(attribute string) (*reply, error) {
	if x.opts.MissingAttribute404 {
		return nil, &refusal{http.StatusNotFound, reasonIllegalArgument, "There is no attribute " + printable(attribute)}
	}
	return noContent()
}
