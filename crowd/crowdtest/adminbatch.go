package crowdtest

import (
	"net/http"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// The reason of a feature that the licence does not have.
const reasonFeature = "FEATURE_INACCESSIBLE"

// batchBody names the other ends of memberships, by name or by id.
type batchBody struct {
	Usernames  []string `json:"usernames"`
	UserIDs    []string `json:"userIds"`
	GroupNames []string `json:"groupNames"`
	GroupIDs   []string `json:"groupIds"`
}

// A batch is a change of many memberships that have one end in common. It is
// best effort: each succeeds or fails by itself.
type batch struct {
	x                   *exchange
	d                   *directory
	names               []string
	successes, failures []any
}

func addAdminMembers(x *exchange) (*reply, error) { return x.groupBatch(true) }

func removeAdminMembers(x *exchange) (*reply, error) { return x.groupBatch(false) }

func addToAdminGroups(x *exchange) (*reply, error) { return x.userBatch(true) }

func removeFromAdminGroups(x *exchange) (*reply, error) { return x.userBatch(false) }

// groupBatch changes the memberships of many users in one group.
func (x *exchange) groupBatch(add bool) (*reply, error) {
	d, g, err := x.adminGroup()
	if err != nil {
		return nil, err
	}
	b, err := x.newBatch(d, func(in *batchBody) ([]string, []string) { return in.Usernames, in.UserIDs })
	if err != nil {
		return nil, err
	}
	return b.each(func(name string) error {
		u := d.contents.User(name)
		if u == nil {
			return x.userNotFound(name)
		}
		return b.change(g, u, add)
	})
}

// userBatch changes the memberships of one user in many groups.
func (x *exchange) userBatch(add bool) (*reply, error) {
	d, name, err := x.byID(x.ids[0])
	if err != nil {
		return nil, err
	}
	u := d.contents.User(name)
	if u == nil {
		return nil, x.userNotFound(name)
	}
	b, err := x.newBatch(d, func(in *batchBody) ([]string, []string) { return in.GroupNames, in.GroupIDs })
	if err != nil {
		return nil, err
	}
	return b.each(func(name string) error {
		g := d.contents.Group(name)
		if g == nil {
			return x.groupNotFound(name)
		}
		return b.change(g, u, add)
	})
}

// addAdminChildren makes many groups children of one.
func addAdminChildren(x *exchange) (*reply, error) {
	d, g, err := x.adminGroup()
	if err != nil {
		return nil, err
	}
	b, err := x.newBatch(d, func(in *batchBody) ([]string, []string) { return in.GroupNames, in.GroupIDs })
	if err != nil {
		return nil, err
	}
	return b.each(func(name string) error {
		child := d.contents.Group(name)
		if child == nil {
			return x.groupNotFound(name)
		}
		return b.adopt(kinship{mapped{directory: d}, g, child})
	})
}

// adopt makes a group the child of another.
func (b *batch) adopt(k kinship) error {
	x := b.x
	switch {
	case !x.nests(k.dir):
		return x.refuse(reasonNestedGroups, "The directory does not support nested groups")
	case !k.dir.allows(ModifyGroup):
		return x.refuse(reasonPermissionDenied, "Directory %s does not allow it", k.dir.Name)
	case x.closes(k):
		return x.refuse(reasonInvalidMembership, "%s would be a member of itself", k.parent.Name)
	case !k.dir.contents.AddChild(k.parent, k.child):
		return x.refuse(reasonMembershipExists, "%s is already a member of %s", k.child.Name, k.parent.Name)
	}
	x.s.events.kinship(x.opts, eventCreated, k.parent, k.child)
	return nil
}

// newBatch reads the request, whose names and ids choose returns.
func (x *exchange) newBatch(d *directory, choose func(*batchBody) (names, ids []string)) (*batch, error) {
	if x.opts.NoBatch || versionBefore(x.opts.Version, 4, 0) {
		status, set := x.opts.Statuses[reasonFeature]
		if !set {
			status = http.StatusForbidden
		}
		return nil, &refusal{status: status, message: "The licence does not have this feature"}
	}
	var in batchBody
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	names, ids := choose(&in)
	understood := names
	if x.opts.BatchByID {
		understood = ids
	}
	if understood == nil && !x.opts.BatchIgnores {
		return nil, x.illegal("The body names nobody")
	}
	return &batch{x: x, d: d, names: understood, successes: []any{}, failures: []any{}}, nil
}

// each applies the change to every name, and answers with what became of them.
func (b *batch) each(change func(name string) error) (*reply, error) {
	for _, given := range b.names {
		name, err := given, error(nil)
		if b.x.opts.BatchByID {
			_, name, err = b.x.byID(given)
		}
		if err == nil {
			err = change(name)
		}
		b.note(given, err)
	}
	return ok(map[string]any{"successes": b.successes, "failures": b.failures})
}

// note sorts one name by its outcome: as text among the successes or, where ids
// are the custom, as an object.
func (b *batch) note(given string, err error) {
	entity := map[string]any{"name": given}
	if b.x.opts.BatchByID {
		entity = map[string]any{"id": given}
	}
	r, refused := err.(*refusal)
	exists := refused && r.reason == reasonMembershipExists && b.x.opts.BatchExistingSucceeds
	switch {
	case refused && !exists && b.x.opts.BatchByID:
		entity["cause"] = r.reason
		b.failures = append(b.failures, entity)
	case refused && !exists:
		entity["reason"], entity["message"] = r.reason, r.message
		b.failures = append(b.failures, entity)
	case b.x.opts.BatchByID:
		b.successes = append(b.successes, entity)
	default:
		b.successes = append(b.successes, given)
	}
}

func (b *batch) change(g *store.Group, u *store.User, add bool) error {
	x, d := b.x, b.d
	if !(mapped{directory: d}).allows(ModifyGroup) {
		return x.refuse(reasonPermissionDenied, "Directory %s does not allow it", d.Name)
	}
	switch {
	case add && !d.contents.AddMember(g, u):
		return x.refuse(reasonMembershipExists, "%s is already a member of %s", u.Name, g.Name)
	case !add && !d.contents.RemoveMember(g, u):
		return x.notMember(u.Name, g.Name)
	}
	operation := eventCreated
	if !add {
		operation = eventDeleted
	}
	x.s.events.membership(x.opts, operation, g, u)
	return nil
}
