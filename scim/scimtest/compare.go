package scimtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// compare reads back what the server shows and reports where it differs.
func (c *cycle) compare(ctx context.Context, want Directory) error {
	for _, u := range want.Users {
		l := c.users.link(u.ID)
		if l.id == "" && !c.active(u) && c.app.skipsInactive {
			continue
		}
		c.compareUser(ctx, l, u)
	}
	for _, l := range c.leavers(want) {
		if l.id != "" {
			c.compareLeaver(ctx, l)
		}
	}
	if c.app.groups != nil {
		c.compareGroups(ctx, want)
	}
	return ctx.Err()
}

// differ reports a difference, unless the attribute is to be ignored.
func (c *cycle) differ(object, attribute, want, got string) {
	if want != got && !slices.Contains(c.cfg.Ignore, attribute) {
		c.report.Differences = append(c.report.Differences, Difference{object, attribute, want, got})
	}
}

// read returns what the server shows, nil where nothing is there. What cannot
// be read is a difference.
func (c *cycle) read(ctx context.Context, object, path string) (r resource, ok bool) {
	a, err := c.once(ctx, "GET", path, nil)
	switch {
	case err != nil:
		c.differ(object, "exists", "an answer", err.Error())
	case a.status == 404:
		return nil, true
	case a.status != 200 || a.content == nil:
		c.differ(object, "exists", "an answer", fmt.Sprintf("status %d: %s", a.status, a.detail()))
	default:
		return a.content, true
	}
	return nil, false
}

func (c *cycle) compareUser(ctx context.Context, l *userLink, u User) {
	object := "user " + u.UserName
	if l.id == "" {
		c.differ(object, "exists", "yes", "no")
		return
	}
	r, ok := c.read(ctx, object, userPath(l.id))
	if !ok {
		return
	}
	if r == nil {
		c.differ(object, "exists", "yes", "no")
		return
	}
	for _, a := range c.app.attributes() {
		if a.want(u) != "" || !c.app.cannotClear {
			c.differ(object, a.path, a.want(u), a.have(r))
		}
	}
	c.differ(object, "active", fmt.Sprint(c.active(u)), fmt.Sprint(r["active"]))
}

func (c *cycle) compareLeaver(ctx context.Context, l *userLink) {
	object := "user " + l.user.UserName
	r, ok := c.read(ctx, object, userPath(l.id))
	switch {
	case !ok || r == nil:
	case c.cfg.Leavers == Delete:
		c.differ(object, "exists", "no", "yes")
	default:
		c.differ(object, "active", "false", fmt.Sprint(r["active"]))
	}
}

func (c *cycle) compareGroups(ctx context.Context, want Directory) {
	wanted := map[string]bool{}
	for _, g := range want.Groups {
		wanted[g.ID] = true
		c.compareGroup(ctx, want, g)
	}
	for _, l := range c.groups.others(func(id string) bool { return wanted[id] }) {
		if l.id != "" {
			c.compareDropped(ctx, l)
		}
	}
}

func (c *cycle) compareGroup(ctx context.Context, want Directory, g Group) {
	object, l := "group "+g.Name, c.groups.link(g.ID)
	members := c.membersOf(want, g, l)
	if l.id == "" {
		if len(members) > 0 || !c.app.groups.skipsEmpty {
			c.differ(object, "exists", "yes", "no")
		}
		return
	}
	r, ok := c.read(ctx, object, groupPath(l.id))
	if !ok {
		return
	}
	if r == nil {
		c.differ(object, "exists", "yes", "no")
		return
	}
	c.differ(object, "displayName", g.Name, text("displayName")(r))
	var ids []string
	for _, m := range members {
		ids = append(ids, m.id)
	}
	c.compareMembers(object, l, ids, memberIDs(r))
}

// compareMembers reports who is missing, and who should not be there. Members
// that the app knows nothing of do not count in a group it took over, unless it
// told the server all there are.
func (c *cycle) compareMembers(object string, l *groupLink, want, got []string) {
	for _, id := range want {
		if !slices.Contains(got, id) {
			c.differ(object, "members", c.nameOf(id), "")
		}
	}
	for _, id := range got {
		if !slices.Contains(want, id) && (l.whole || c.nameOf(id) != id) {
			c.differ(object, "members", "", c.nameOf(id))
		}
	}
}

// nameOf is the userName of a user by its id on the server.
func (c *cycle) nameOf(id string) string {
	for _, l := range c.users.links {
		if l.id == id {
			return l.user.UserName
		}
	}
	return id
}

// compareDropped expects a group that is not pushed any more to be gone, or
// empty where the app cannot delete it.
func (c *cycle) compareDropped(ctx context.Context, l *groupLink) {
	object := "group " + l.wanted
	r, ok := c.read(ctx, object, groupPath(l.id))
	switch {
	case !ok || r == nil:
	case c.app.groups.keeps:
		c.compareMembers(object, l, nil, memberIDs(r))
	default:
		c.differ(object, "exists", "no", "yes")
	}
}

func memberIDs(r resource) []string {
	var ids []string
	list, _ := r["members"].([]any)
	for _, entry := range list {
		m, _ := entry.(resource)
		ids = append(ids, text("value")(m))
	}
	slices.Sort(ids)
	return ids
}

// readUser is a user as the server shows it, for an import.
func readUser(r resource) User {
	given, family := text("name", "givenName")(r), text("name", "familyName")(r)
	return User{
		ID: text("id")(r), UserName: text("userName")(r), GivenName: given, FamilyName: family,
		DisplayName: text("displayName")(r), Email: workEmail(r), Title: text("title")(r),
		Department: text(enterprise, "department")(r), Suspended: !strings.EqualFold(fmt.Sprint(r["active"]), "true"),
	}
}
