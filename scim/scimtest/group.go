package scimtest

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// syncGroups brings groups to what is wanted and removes those that are not.
func (c *cycle) syncGroups(ctx context.Context, want Directory) error {
	c.groups.tried = 0
	if c.app.groups == nil {
		return nil
	}
	wanted := map[string]bool{}
	for _, g := range want.Groups {
		wanted[g.ID] = true
		if err := c.syncGroup(ctx, want, g); err != nil {
			return err
		}
	}
	for _, l := range c.groups.others(func(id string) bool { return wanted[id] }) {
		if l.deleted || l.wanted == "" {
			continue
		}
		if err := c.attempt(&l.backOff, &c.groups.tried, func() error { return c.drop(ctx, l) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *cycle) syncGroup(ctx context.Context, want Directory, g Group) error {
	l := c.groups.link(g.ID)
	if l.deleted {
		l.forget()
	}
	l.wanted = g.Name
	members := c.membersOf(want, g, l)
	if l.settled(g.Name, members) || l.id == "" && !l.unsure && len(members) == 0 && c.app.groups.skipsEmpty {
		return nil
	}
	return c.attempt(&l.backOff, &c.groups.tried, func() error { return c.bringGroup(ctx, l, g, members) })
}

// membersOf returns the members that the server is to have: those users of the
// group that it has.
func (c *cycle) membersOf(want Directory, g Group, l *groupLink) []member {
	list := []member{}
	seen := map[string]bool{}
	for _, id := range g.Members {
		u := c.users.links[id]
		if u == nil || u.id == "" || u.deleted || seen[u.id] {
			continue
		}
		if _, assigned := want.user(id); !assigned && !(c.app.keepsLeavers && l.members[u.id]) {
			continue
		}
		seen[u.id] = true
		list = append(list, member{u.id, u.user.UserName})
	}
	return list
}

func (l *groupLink) settled(name string, members []member) bool {
	add, remove := l.differing(members)
	return l.id != "" && !l.dirty && l.name == name && len(add) == 0 && len(remove) == 0
}

// differing returns whom to add and whom to remove. Whoever is not certain is
// either.
func (l *groupLink) differing(members []member) (add, remove []member) {
	wanted := map[string]bool{}
	for _, m := range members {
		wanted[m.id] = true
		if !l.members[m.id] {
			add = append(add, m)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.members)) {
		if !wanted[id] {
			remove = append(remove, member{id: id})
		}
	}
	return add, remove
}

// bringGroup makes the server have a group as it is wanted.
func (c *cycle) bringGroup(ctx context.Context, l *groupLink, g Group, members []member) error {
	known := l.id != ""
	err := c.locate(ctx, l, g)
	switch {
	case err != nil:
	case l.id == "":
		err = c.createGroup(ctx, l, g, members)
	}
	if err == nil {
		err = c.push(ctx, l, g.Name, members)
	}
	if known && gone(err) && c.app.rematch {
		l.forget()
		return c.bringGroup(ctx, l, g, members)
	}
	l.dirty = err != nil
	return err
}

// locate finds a group that is not known yet; one that is known is read where
// the app does so. A group that was there before is taken over.
func (c *cycle) locate(ctx context.Context, l *groupLink, g Group) error {
	if l.id != "" {
		if !c.app.readGroup {
			return nil
		}
		_, err := c.send(ctx, "read group "+g.Name, "GET", groupPath(l.id)+"?excludedAttributes=members", nil)
		return err
	}
	found, err := c.match(ctx, g)
	if err != nil || found == nil {
		return err
	}
	c.takeOver(l, text("id")(found))
	l.name, l.dirty = text("displayName")(found), true
	return nil
}

// takeOver notes the id of a group. If another group had it, that one is known no
// more, and who may be in it may now be in this one.
func (c *cycle) takeOver(l *groupLink, id string) {
	for _, other := range c.groups.links {
		if other == l || other.id != id {
			continue
		}
		for m := range other.members {
			l.doubt([]member{{id: m}})
		}
		other.forget()
	}
	l.id = id
}

func (c *cycle) match(ctx context.Context, g Group) (resource, error) {
	task := "look up group " + g.Name
	link := c.app.groups.links && g.Link != ""
	if c.app.groupQuery != "" && !link {
		return c.look(ctx, task, "/Groups", c.app.groupQuery, g.Name)
	}
	list, err := c.pages(ctx, task, "/Groups")
	if err != nil {
		return nil, err
	}
	name := g.Name
	if link {
		name = g.Link
	}
	i := slices.IndexFunc(list, func(r resource) bool { return strings.EqualFold(text("displayName")(r), name) })
	switch {
	case i >= 0:
		return list[i], nil
	case link:
		return nil, &Failure{Task: task, Status: 200, Detail: "the import has no group " + name + " to link to"}
	}
	return nil, nil
}

func (c *cycle) createGroup(ctx context.Context, l *groupLink, g Group, members []member) error {
	traits := c.app.groups
	if traits.skipsEmpty && len(members) == 0 {
		l.unsure = false
		return nil
	}
	if traits.full {
		l.doubt(members)
	}
	r, err := c.make(ctx, "create group "+g.Name, "/Groups", traits.create(g, members))
	if err != nil {
		l.unsure = l.unsure || unanswered(err)
		return err
	}
	c.takeOver(l, text("id")(r))
	l.name, l.unsure, l.whole, l.dirty = g.Name, false, true, false
	if traits.full {
		l.trust(members)
	}
	return nil
}

// doubt notes that members may be in the group, or not.
func (l *groupLink) doubt(members []member) {
	if l.members == nil {
		l.members = map[string]bool{}
	}
	for _, m := range members {
		l.members[m.id] = false
	}
}

func (l *groupLink) trust(members []member) {
	for _, m := range members {
		l.members[m.id] = true
	}
}

// push sends what differs.
func (c *cycle) push(ctx context.Context, l *groupLink, name string, members []member) error {
	if l.id == "" || l.settled(name, members) {
		return nil
	}
	traits := c.app.groups
	if traits.replace != nil {
		return c.replaceAll(ctx, l, name, members, "PUT", traits.replace(l.id, name, members))
	}
	add, remove := l.differing(members)
	anew := l.dirty && traits.set != nil
	if l.name != name || traits.renameFirst && (anew || len(add)+len(remove) > 0) {
		if err := c.rename(ctx, l, name); err != nil {
			return err
		}
	}
	if anew {
		return c.replaceAll(ctx, l, name, members, "PATCH", patch(traits.set(members)))
	}
	if traits.repeats && len(add) > 0 {
		add = members
	}
	return c.change(ctx, l, add, remove)
}

// replaceAll tells the server all members there are.
func (c *cycle) replaceAll(ctx context.Context, l *groupLink, name string, members []member, method string, body resource) error {
	for id := range l.members {
		l.members[id] = false
	}
	l.doubt(members)
	if method == "PUT" {
		l.name = ""
	}
	if _, err := c.send(ctx, "replace members of group "+name, method, groupPath(l.id), body); err != nil {
		return err
	}
	clear(l.members)
	l.trust(members)
	l.name, l.whole = name, true
	return nil
}

func (c *cycle) rename(ctx context.Context, l *groupLink, name string) error {
	l.name = ""
	err := c.patchGroup(ctx, "rename group "+name, l, c.app.groups.rename(l.id, name))
	if err == nil {
		l.name = name
	}
	return err
}

// change adds and removes members in batches.
func (c *cycle) change(ctx context.Context, l *groupLink, add, remove []member) error {
	adding, removing := batches(add, c.app.groups.batch), batches(remove, c.app.groups.batch)
	if !c.app.groups.mixed {
		for _, m := range adding {
			if err := c.changeOnce(ctx, l, m, nil); err != nil {
				return err
			}
		}
		adding = nil
	}
	for i := range max(len(adding), len(removing)) {
		if err := c.changeOnce(ctx, l, at(adding, i), at(removing, i)); err != nil {
			return err
		}
	}
	return nil
}

func at(batches [][]member, i int) []member {
	if i < len(batches) {
		return batches[i]
	}
	return nil
}

func (c *cycle) changeOnce(ctx context.Context, l *groupLink, add, remove []member) error {
	var operations []operation
	if len(remove) > 0 {
		operations = append(operations, c.app.groups.remove(remove)...)
	}
	if len(add) > 0 {
		operations = append(operations, c.app.groups.add(add)...)
	}
	l.doubt(add)
	l.doubt(remove)
	if err := c.patchGroup(ctx, "change members of group "+l.wanted, l, operations); err != nil {
		return err
	}
	l.trust(add)
	for _, m := range remove {
		delete(l.members, m.id)
	}
	return nil
}

func (c *cycle) patchGroup(ctx context.Context, task string, l *groupLink, operations []operation) error {
	target := groupPath(l.id)
	if c.app.groups.question {
		target += "?"
	}
	_, err := c.send(ctx, task, "PATCH", target, patch(operations))
	return err
}

// drop removes a group that is no longer pushed, or leaves it as it is. A server
// without it is as good.
func (c *cycle) drop(ctx context.Context, l *groupLink) error {
	if c.cfg.KeepGroups {
		l.forget()
		l.wanted = ""
		return nil
	}
	if l.id == "" && l.unsure {
		if err := c.locate(ctx, l, Group{Name: l.wanted}); err != nil {
			return err
		}
	}
	if l.id == "" {
		l.deleted = true
		return nil
	}
	if c.app.groups.keeps {
		return c.empty(ctx, l)
	}
	_, err := c.send(ctx, "delete group "+l.wanted, "DELETE", groupPath(l.id), nil)
	if err == nil || gone(err) {
		l.deleted = true
		return nil
	}
	return err
}

// empty takes all out whom the app has put in.
func (c *cycle) empty(ctx context.Context, l *groupLink) error {
	_, all := l.differing(nil)
	if len(all) == 0 {
		return nil
	}
	return c.change(ctx, l, nil, all)
}
