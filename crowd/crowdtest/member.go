package crowdtest

import (
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// memberBody is the body of an added membership.
type memberBody struct {
	Name string `json:"name" xml:"name,attr"`
}

func (x *exchange) memberName() (string, error) {
	var in memberBody
	if err := x.decode(&in); err != nil {
		return "", err
	}
	if in.Name == "" {
		return "", x.illegal("The body names nothing")
	}
	return in.Name, nil
}

// addGroupToUser is POST user/group/direct: the query names the user and the
// body the group.
func addGroupToUser(x *exchange) (*reply, error) {
	group, err := x.memberName()
	if err != nil {
		return nil, err
	}
	user, err := x.require("username")
	if err != nil {
		return nil, err
	}
	u, m, err := x.user(user)
	if err != nil {
		return nil, err
	}
	g, err := x.groupFor(m, group)
	if err != nil {
		return nil, x.inBody(err)
	}
	return x.addMember(m, g, u)
}

// addUserToGroup is POST group/user/direct: the query names the group and the
// body the user.
func addUserToGroup(x *exchange) (*reply, error) {
	user, err := x.memberName()
	if err != nil {
		return nil, err
	}
	group, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	if _, _, err := x.group(group); err != nil {
		return nil, err
	}
	u, m, err := x.user(user)
	if err != nil {
		return nil, x.inBody(err)
	}
	g, err := x.groupFor(m, group)
	if err != nil {
		return nil, err
	}
	return x.addMember(m, g, u)
}

// groupFor returns the group of a name in the directory of a user. One that
// only another directory has is created there where the options say so and
// nothing forbids it or the membership.
func (x *exchange) groupFor(m mapped, name string) (*store.Group, error) {
	if g := m.contents.Group(name); g != nil {
		return g, nil
	}
	other, _, err := x.group(name)
	if err != nil {
		return nil, err
	}
	if !x.opts.CreateGroupOnAdd || !m.allows(append(x.memberOperations(), AddGroup)...) {
		return nil, x.groupNotFound(name)
	}
	p := *other.GroupProfile
	x.s.events.group(x.opts, eventCreated, p.Name)
	return m.contents.AddGroup(p), nil
}

// memberOperations are what must be allowed where a user's membership changes.
func (x *exchange) memberOperations() []Operation {
	if x.opts.MembersNeedModifyUser {
		return []Operation{ModifyGroup, ModifyUser}
	}
	return []Operation{ModifyGroup}
}

func (x *exchange) addMember(m mapped, g *store.Group, u *store.User) (*reply, error) {
	if !m.allows(x.memberOperations()...) {
		return nil, x.denied(ModifyGroup)
	}
	if !m.contents.AddMember(g, u) {
		return nil, x.refuse(reasonMembershipExists, "%s is already a member of %s", u.Name, g.Name)
	}
	x.touch(x.opts.MembersMoveUpdated, u, m)
	x.s.events.membership(x.opts, eventCreated, g, u)
	return created()
}

// removeMember is DELETE user/group/direct and group/user/direct, whose
// parameters are the same.
func removeMember(x *exchange) (*reply, error) {
	user, err := x.require("username")
	if err != nil {
		return nil, err
	}
	group, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	u, m, err := x.user(user)
	if err != nil {
		return nil, err
	}
	if _, _, err := x.group(group); err != nil {
		return nil, err
	}
	if !m.allows(x.memberOperations()...) {
		return nil, x.denied(ModifyGroup)
	}
	g := m.contents.Group(group)
	if g == nil || !m.contents.RemoveMember(g, u) {
		return nil, x.notMember(user, group)
	}
	x.touch(x.opts.MembersMoveUpdated, u, m)
	x.s.events.membership(x.opts, eventDeleted, g, u)
	return noContent()
}

func (x *exchange) notMember(member, group string) error {
	return x.refuse(reasonMembershipNotFound, "%s is not a member of %s", member, group)
}

// A kinship is a direct membership of a group in a group, which both names and
// all directories that hold both take part in.
type kinship struct {
	dir           mapped
	parent, child *store.Group
}

// kinships returns where both groups exist; the names must be known.
func (x *exchange) kinships(parent, child string) []kinship {
	var found []kinship
	for _, m := range x.dirs {
		p, c := m.contents.Group(parent), m.contents.Group(child)
		if p != nil && c != nil {
			found = append(found, kinship{m, p, c})
		}
	}
	return found
}

func addChild(x *exchange) (*reply, error)  { return x.addKin(false) }
func addParent(x *exchange) (*reply, error) { return x.addKin(true) }

// addKin makes the group in the body a child of the group in the query, or
// its parent.
func (x *exchange) addKin(bodyIsParent bool) (*reply, error) {
	other, err := x.memberName()
	if err != nil {
		return nil, err
	}
	name, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	if _, _, err := x.group(name); err != nil {
		return nil, err
	}
	if _, _, err := x.group(other); err != nil {
		return nil, x.inBody(err)
	}
	parent, child := name, other
	if bodyIsParent {
		parent, child = other, name
	}
	return x.join(parent, child)
}

func (x *exchange) join(parent, child string) (*reply, error) {
	kin := x.kinships(parent, child)
	if len(kin) == 0 {
		return nil, x.groupNotFound(child)
	}
	added, nested, allowed := false, false, false
	for _, k := range kin {
		if !x.nests(k.dir) {
			continue
		}
		nested = true
		if !k.dir.allows(ModifyGroup) {
			continue
		}
		allowed = true
		if x.closes(k) {
			return nil, x.refuse(reasonInvalidMembership, "%s would be a member of itself", parent)
		}
		added = k.dir.contents.AddChild(k.parent, k.child) || added
	}
	switch {
	case !nested:
		return nil, x.refuse(reasonNestedGroups, "The directory does not support nested groups")
	case !allowed:
		return nil, x.denied(ModifyGroup)
	case !added:
		return nil, x.refuse(reasonMembershipExists, "%s is already a member of %s", child, parent)
	}
	x.s.events.kinship(x.opts, eventCreated, kin[0].parent, kin[0].child)
	return created()
}

// closes tells whether the kinship is refused because a group would be a member of
// itself.
func (x *exchange) closes(k kinship) bool {
	return k.parent == k.child && !x.opts.AllowSelfMember || x.opts.RefuseCycles && k.closesCircle()
}

// closesCircle tells whether the parent is below the child already.
func (k kinship) closesCircle() bool {
	for _, g := range closure([]*store.Group{k.child}, (*store.Group).Children) {
		if g == k.parent {
			return true
		}
	}
	return false
}

func removeChild(x *exchange) (*reply, error) {
	parent, err := x.require("groupname")
	if err != nil {
		return nil, err
	}
	child, err := x.require("child-groupname")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{parent, child} {
		if _, _, err := x.group(name); err != nil {
			return nil, err
		}
	}
	removed, allowed := false, false
	kin := x.kinships(parent, child)
	for _, k := range kin {
		if k.dir.allows(ModifyGroup) {
			allowed = true
			removed = k.dir.contents.RemoveChild(k.parent, k.child) || removed
		}
	}
	switch {
	case !allowed:
		return nil, x.denied(ModifyGroup)
	case !removed:
		return nil, x.notMember(child, parent)
	}
	x.s.events.kinship(x.opts, eventDeleted, kin[0].parent, kin[0].child)
	return noContent()
}
