package crowdtest

import (
	"net/url"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// A userView is what of a user an answer shows.
type userView struct {
	*store.UserProfile
	attrs store.Attributes
	// nameOnly leaves all but name and link out.
	nameOnly bool
}

// A groupView is what of a group an answer shows.
type groupView struct {
	*store.GroupProfile
	attrs    store.Attributes
	nameOnly bool
}

// viewUser returns the view of u, with its attributes where they are asked for.
func viewUser(u *store.User, withAttributes bool) userView {
	v := userView{UserProfile: u.UserProfile}
	if withAttributes {
		v.attrs = slices.Clone(u.Attributes())
	}
	return v
}

func viewGroup(g *store.Group, withAttributes bool) groupView {
	v := groupView{GroupProfile: g.GroupProfile}
	if withAttributes {
		v.attrs = slices.Clone(g.Attributes())
	}
	return v
}

// name returns a name as the application is shown it.
func (x *exchange) name(name string) string {
	if x.app.LowerCaseOutput {
		return crowd.Fold(name)
	}
	return name
}

func (x *exchange) selfLink(resource, parameter, name string) *wire.Link {
	return &wire.Link{Href: x.base + "/" + resource + "?" + parameter + "=" + url.QueryEscape(name), Rel: "self"}
}

func (x *exchange) text(value string) *string {
	if value == "" && x.opts.OmitEmptyText {
		return nil
	}
	return &value
}

func (x *exchange) showUser(v userView) *wire.User {
	name := x.name(v.Name)
	u := &wire.User{Link: x.selfLink("user", "username", name), Name: name}
	if v.nameOnly {
		return u
	}
	u.Expand = "attributes"
	u.FirstName, u.LastName = x.text(v.FirstName), x.text(v.LastName)
	u.DisplayName, u.Email = x.text(v.DisplayName), x.text(v.Email)
	edit := x.selfLink("user/password", "username", name)
	edit.Rel = "edit"
	u.Password = &wire.Password{Link: edit}
	if !x.opts.OmitKeys {
		u.Key = v.Key
	}
	if !x.opts.OmitDates {
		u.Created = &wire.Time{Time: v.Created, InMillis: x.opts.MillisInXML}
		u.Updated = &wire.Time{Time: v.Updated, InMillis: x.opts.MillisInXML}
	}
	active := wire.Flag(v.Active)
	u.Active = &active
	u.Attributes = x.showAttributes("user", name, v.attrs)
	return u
}

func (x *exchange) showGroup(v groupView) *wire.Group {
	name := x.name(v.Name)
	g := &wire.Group{Link: x.selfLink("group", "groupname", name), Name: name}
	if v.nameOnly {
		return g
	}
	active := wire.Flag(v.Active)
	g.Expand, g.Description, g.Type, g.Active = "attributes", x.text(v.Description), "GROUP", &active
	g.Attributes = x.showAttributes("group", name, v.attrs)
	return g
}

// showAttributes shows the attributes of the user or group of that name.
func (x *exchange) showAttributes(kind, name string, attrs store.Attributes) *wire.Attributes {
	link := x.selfLink(kind+"/attribute", kind+"name", name)
	list := &wire.Attributes{Attributes: make([]wire.Attribute, len(attrs)), Link: link, XMLLink: link}
	for i, a := range attrs {
		one := &wire.Link{Href: link.Href + "&attributename=" + url.QueryEscape(a.Name), Rel: "self"}
		list.Attributes[i] = wire.Attribute{Name: a.Name, Values: a.Values, Link: one, XMLLink: one}
		if x.opts.AttributesReversed {
			list.Attributes[i].Values = slices.Clone(a.Values)
			slices.Reverse(list.Attributes[i].Values)
		}
	}
	if x.opts.AttributesReversed {
		slices.Reverse(list.Attributes)
	}
	return list
}

// userList answers with users, whole if expand=user was asked for.
func (x *exchange) userList(views []userView) (*reply, error) {
	whole := x.expands("user")
	return &reply{status: 200, list: x.listOf("user", len(views), func(i int) any {
		views[i].nameOnly = !whole
		return x.showUser(views[i])
	})}, nil
}

// groupList answers with groups, whole if expand=group was asked for.
func (x *exchange) groupList(views []groupView) (*reply, error) {
	whole := x.expands("group")
	return &reply{status: 200, list: x.listOf("group", len(views), func(i int) any {
		views[i].nameOnly = !whole
		return x.showGroup(views[i])
	})}, nil
}
