package crowdtest

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

func getGroup(x *exchange) (*reply, error) {
	g, _, err := x.namedGroup()
	if err != nil {
		return nil, err
	}
	return ok(viewGroup(g, x.expands("attributes")))
}

func postGroup(x *exchange) (*reply, error) {
	var in wire.Group
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	in.Name = x.cutName(in.Name)
	if err := x.checkNewGroup(&in); err != nil {
		return nil, err
	}
	p := store.GroupProfile{
		Name: in.Name, Description: deref(in.Description), Active: x.opts.AbsentActiveGroup.value(true),
	}
	if in.Active != nil {
		p.Active = bool(*in.Active)
	}
	var g *store.Group
	for _, m := range x.dirs {
		if m.allows(AddGroup) {
			g = x.s.createGroup(m.directory, p, x.now)
		}
	}
	if g == nil {
		return nil, x.denied(AddGroup)
	}
	x.s.events.group(x.opts, eventCreated, g.Name)
	if x.opts.LegacyGroupCreate {
		return created()
	}
	answer := &reply{status: http.StatusCreated, entity: viewGroup(g, !x.opts.WritesOmitAttributes)}
	x.locate(answer, "group?groupname="+url.QueryEscape(x.name(g.Name)))
	return answer, nil
}

func (x *exchange) checkNewGroup(in *wire.Group) error {
	if err := x.checkName(reasonInvalidGroup, in.Name); err != nil {
		return err
	}
	if err := x.checkGroupType(in); err != nil {
		return err
	}
	if _, _, err := x.group(in.Name); err == nil {
		return x.refuse(reasonInvalidGroup, "Group <%s> already exists", in.Name)
	}
	return x.checkTexts(reasonInvalidGroup, deref(in.Description))
}

func (x *exchange) checkGroupType(in *wire.Group) error {
	if in.Type == "GROUP" || in.Type == "" && !x.opts.RequireGroupType {
		return nil
	}
	return x.illegal("The type of a group is GROUP")
}

// createGroup adds a group; dates that the profile holds are kept. It returns
// nil if the name is taken.
func (s *Server) createGroup(d *directory, p store.GroupProfile, now time.Time) *store.Group {
	p.Description = cut(p.Description)
	if p.Created.IsZero() {
		p.Created = now
	}
	if p.Updated.IsZero() {
		p.Updated = p.Created
	}
	return d.contents.AddGroup(p)
}

func putGroup(x *exchange) (*reply, error) {
	var in wire.Group
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	name, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	found, err := x.changeable(name, ModifyGroup)
	if err != nil {
		return nil, err
	}
	if crowd.Fold(in.Name) != crowd.Fold(name) {
		return nil, x.refuse(reasonInvalidGroup, "The name in the body is not that of the group")
	}
	if err := x.checkGroupType(&in); err != nil {
		return nil, err
	}
	if err := x.checkTexts(reasonInvalidGroup, deref(in.Description)); err != nil {
		return nil, err
	}
	for _, g := range found {
		p := *g.GroupProfile
		p.Description, p.Updated = cut(deref(in.Description)), x.now
		p.Active = x.opts.AbsentActiveGroup.value(true)
		if in.Active != nil {
			p.Active = bool(*in.Active)
		}
		g.dir.contents.UpdateGroup(g.Group, p)
	}
	x.s.events.group(x.opts, eventUpdated, found[0].Name)
	return ok(viewGroup(found[0].Group, !x.opts.WritesOmitAttributes))
}

func deleteGroup(x *exchange) (*reply, error) {
	name, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	found, err := x.changeable(name, RemoveGroup)
	if err != nil {
		return nil, err
	}
	if x.opts.KeepPopulatedGroups && slices.ContainsFunc(found, placedGroup.populated) {
		return nil, x.refuse(reasonInvalidGroup, "Group <%s> has members", name)
	}
	for _, g := range found {
		g.dir.contents.DeleteGroup(g.Group)
	}
	x.s.events.group(x.opts, eventDeleted, found[0].Name)
	return noContent()
}
