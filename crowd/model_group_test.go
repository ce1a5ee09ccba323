package crowd_test

import (
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
)

func (r *run) groupAttributes() {
	name, values := r.name(), []string{r.text(), "y"}
	there := r.model.groups[crowd.Fold(name)]
	want := crowd.ErrGroupNotFound
	if there != nil {
		want = nil
	}
	r.step()
	if rapid.Bool().Draw(r.t, "set") {
		r.expect("set attributes", r.client.SetGroupAttributes(r.ctx, name, crowd.Attributes{"team": values}), want)
		if there != nil {
			there.Attributes = crowd.Attributes{"team": values}
		}
		return
	}
	r.expect("delete attribute", r.client.DeleteGroupAttribute(r.ctx, name, "team"), want)
	if there != nil {
		there.Attributes = crowd.Attributes{}
	}
}

func (r *run) createGroup() {
	g := crowd.Group{
		Name: r.name(), Description: r.text(), Active: rapid.Bool().Draw(r.t, "active"), Attributes: crowd.Attributes{},
	}
	key := crowd.Fold(g.Name)
	r.step()
	_, err := r.client.CreateGroup(r.ctx, g)
	if there := r.model.groups[key]; there != nil {
		if err != nil || !r.faulty || there.Description != g.Description || there.Active != g.Active {
			r.expect("create group", err, crowd.ErrExists)
		}
		return
	}
	r.expect("create group", err, nil)
	r.model.groups[key] = &g
}

func (r *run) updateGroup() {
	g := crowd.Group{Name: r.name(), Description: r.text(), Active: rapid.Bool().Draw(r.t, "active")}
	there := r.model.groups[crowd.Fold(g.Name)]
	want := crowd.ErrGroupNotFound
	if there != nil {
		want = nil
	}
	r.step()
	r.expect("update group", r.settle(func() error { return r.client.UpdateGroup(r.ctx, g) }, nil), want)
	if there != nil {
		there.Description, there.Active = g.Description, g.Active
	}
}

func (r *run) deleteGroup() {
	name := r.name()
	key := crowd.Fold(name)
	want := crowd.ErrGroupNotFound
	if r.model.groups[key] != nil {
		want = nil
	}
	r.step()
	r.expectGone("delete group", r.settle(func() error { return r.client.DeleteGroup(r.ctx, name) }, want), want)
	delete(r.model.groups, key)
	forget(r.model.members, 0, key)
	forget(r.model.parents, 0, key)
	forget(r.model.parents, 1, key)
}

func (r *run) join() {
	group, user := r.name(), r.name()
	e := [2]string{crowd.Fold(group), crowd.Fold(user)}
	var want error
	switch {
	case r.model.groups[e[0]] == nil:
		want = crowd.ErrNotFound
	case r.model.users[e[1]] == nil:
		want = crowd.ErrUserNotFound
	}
	r.step()
	call, op, in := r.client.AddMember, "add member", true
	if rapid.Bool().Draw(r.t, "leave") {
		call, op, in = r.client.RemoveMember, "remove member", false
	}
	changed, err := call(r.ctx, group, user)
	r.expect(op, err, want)
	if want != nil {
		return
	}
	if does := r.model.members[e] != in; changed != does && !(r.faulty && changed) {
		r.t.Fatalf("%s: changed is %t, want %t", op, changed, does)
	}
	if delete(r.model.members, e); in {
		r.model.members[e] = true
	}
}

func (r *run) joinGroup() {
	parent, child := r.name(), r.name()
	e := [2]string{crowd.Fold(parent), crowd.Fold(child)}
	if e[0] == e[1] {
		return
	}
	var want error
	if r.model.groups[e[0]] == nil || r.model.groups[e[1]] == nil {
		want = crowd.ErrGroupNotFound
	}
	r.step()
	call, op, in := r.client.AddChildGroup, "add child group", true
	if rapid.Bool().Draw(r.t, "leave") {
		call, op, in = r.client.RemoveChildGroup, "remove child group", false
	}
	changed, err := call(r.ctx, parent, child)
	r.expect(op, err, want)
	if want != nil {
		return
	}
	if does := r.model.parents[e] != in; changed != does && !(r.faulty && changed) {
		r.t.Fatalf("%s: changed is %t, want %t", op, changed, does)
	}
	if delete(r.model.parents, e); in {
		r.model.parents[e] = true
	}
}
