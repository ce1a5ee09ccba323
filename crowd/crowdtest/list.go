package crowdtest

import (
	"iter"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/ordered"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// unknown answers a listing for a name that does not exist.
func (x *exchange) unknown(err error, list func() (*reply, error)) (*reply, error) {
	if x.opts.EmptyListForUnknown {
		return list()
	}
	return nil, err
}

func (x *exchange) noUsers() (*reply, error)  { return x.userList(nil) }
func (x *exchange) noGroups() (*reply, error) { return x.groupList(nil) }

// listed returns the name of what a list is of, which a parameter has, and the
// page that is asked for.
func (x *exchange) listed(parameter string) (name string, p page, err error) {
	if name, err = x.require(parameter); err != nil {
		return "", page{}, err
	}
	if err := x.checkNested(); err != nil {
		return "", page{}, err
	}
	p, err = x.page()
	return name, p, err
}

// listGroupsOfUser lists the groups of a user or, with groupname, tests one
// membership.
func listGroupsOfUser(x *exchange) (*reply, error) {
	name, p, err := x.listed("username")
	if err != nil {
		return nil, err
	}
	if x.params.has("groupname") {
		return x.testMembership(true)
	}
	u, m, err := x.user(name)
	if err != nil {
		return x.unknown(err, x.noGroups)
	}
	if !x.app.Aggregate && !x.nested() {
		return x.groupViews(pageOf(x.opts, u.Groups(), p))
	}
	return x.groupViews(take(x.opts, x.effectiveGroups(u, m), p))
}

// effectiveGroups returns the groups of a user that count: those in the user's
// directory or, where the application aggregates, in all directories.
func (x *exchange) effectiveGroups(u *store.User, m mapped) iter.Seq[*store.Group] {
	if !x.app.Aggregate {
		return x.groupsOf(m, u)
	}
	var seqs []iter.Seq[*store.Group]
	for _, other := range x.dirs {
		if same := other.contents.User(u.Name); same != nil {
			seqs = append(seqs, x.groupsOf(other, same))
		}
	}
	return merge(seqs)
}

// listMembers lists the users of a group or, with username, tests one
// membership.
func listMembers(x *exchange) (*reply, error) {
	name, p, err := x.listed("groupname")
	if err != nil {
		return nil, err
	}
	if x.params.has("username") {
		return x.testMembership(false)
	}
	found, err := x.groupsNamed(name)
	if err != nil {
		return x.unknown(err, x.noUsers)
	}
	if len(x.dirs) == 1 && !x.nested() && !x.opts.HideInactive {
		return x.userViews(pageOf(x.opts, found[0].Members(), p))
	}
	return x.userViews(take(x.opts, x.effectiveMembers(name), p))
}

// effectiveMembers returns the users of a group in all directories.
func (x *exchange) effectiveMembers(name string) iter.Seq[*store.User] {
	var seqs []iter.Seq[*store.User]
	for i, m := range x.dirs {
		g := m.contents.Group(name)
		if g == nil {
			continue
		}
		members := x.membersOf(m, g)
		seqs = append(seqs, filter(members, func(u *store.User) bool {
			masked := x.opts.HideMasked && !x.app.Aggregate && x.masks(i, u.Folded)
			return !masked && (u.Active || !x.opts.HideInactive)
		}))
	}
	return merge(seqs)
}

func filter[E any](seq iter.Seq[E], keep func(E) bool) iter.Seq[E] {
	return func(yield func(E) bool) {
		for e := range seq {
			if keep(e) && !yield(e) {
				return
			}
		}
	}
}

// testMembership answers with the group of a user, or the user of a group, if
// the one is in the other.
func (x *exchange) testMembership(wantGroup bool) (*reply, error) {
	user, group := x.params.get("username"), x.params.get("groupname")
	u, m, err := x.user(user)
	if err != nil {
		return nil, x.notMember(user, group)
	}
	g := x.memberGroup(u, m, group)
	switch {
	case g == nil:
		return nil, x.notMember(user, group)
	case wantGroup:
		return ok(viewGroup(g, x.expands("attributes")))
	}
	return ok(viewUser(u, x.expands("attributes")))
}

// memberGroup returns the group of a name if the user is in it.
func (x *exchange) memberGroup(u *store.User, m mapped, name string) *store.Group {
	if !x.nested() && !x.app.Aggregate {
		g := m.contents.Group(name)
		if g != nil && m.contents.HasMember(g, u) {
			return g
		}
		return nil
	}
	wanted, _, err := x.group(name)
	if err != nil {
		return nil
	}
	for g := range x.effectiveGroups(u, m) {
		if g.Folded == wanted.Folded {
			return g
		}
	}
	return nil
}

func listChildren(x *exchange) (*reply, error) {
	return x.listKin("child-groupname", (*store.Group).Children)
}

func listParents(x *exchange) (*reply, error) {
	return x.listKin("parent-groupname", (*store.Group).Parents)
}

// listKin lists the groups that next leads to from a group or, with the other
// parameter, tests for one.
func (x *exchange) listKin(other string, next func(*store.Group) *ordered.List[*store.Group]) (*reply, error) {
	name, p, err := x.listed("groupname")
	if err != nil {
		return nil, err
	}
	found, err := x.groupsNamed(name)
	if err != nil && !x.params.has(other) {
		return x.unknown(err, x.noGroups)
	}
	var seqs []iter.Seq[*store.Group]
	for _, g := range found {
		seqs = append(seqs, x.groupsAround(g.dir, g.Group, next))
	}
	if x.params.has(other) {
		return x.testKin(merge(seqs), name, x.params.get(other))
	}
	return x.groupViews(take(x.opts, merge(seqs), p))
}

func (x *exchange) testKin(kin iter.Seq[*store.Group], name, other string) (*reply, error) {
	wanted, _, err := x.group(other)
	if err != nil {
		return nil, x.notMember(other, name)
	}
	for g := range kin {
		if g.Folded == wanted.Folded {
			return ok(viewGroup(g, x.expands("attributes")))
		}
	}
	return nil, x.notMember(other, name)
}

// userViews answers with users, without their attributes.
func (x *exchange) userViews(users iter.Seq[*store.User]) (*reply, error) {
	var views []userView
	for u := range users {
		views = append(views, viewUser(u, false))
	}
	return x.userList(views)
}

// groupViews answers with groups, without their attributes.
func (x *exchange) groupViews(groups iter.Seq[*store.Group]) (*reply, error) {
	var views []groupView
	for g := range groups {
		views = append(views, viewGroup(g, false))
	}
	return x.groupList(views)
}
