package crowd_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// A model is a Crowd as one would write it down on paper. Keys are folded
// names.
type model struct {
	users   map[string]*crowd.User
	groups  map[string]*crowd.Group
	members map[[2]string]bool // group and user
	parents map[[2]string]bool // parent and child

	accounts map[string]account
	sessions map[crowd.Secret]string // whose they are
}

func newModel() *model {
	return &model{
		users: map[string]*crowd.User{}, groups: map[string]*crowd.Group{},
		members: map[[2]string]bool{}, parents: map[[2]string]bool{},
		accounts: map[string]account{}, sessions: map[crowd.Secret]string{},
	}
}

// forget removes the edges of which the end at that index is key.
func forget(edges map[[2]string]bool, index int, key string) {
	maps.DeleteFunc(edges, func(e [2]string, _ bool) bool { return e[index] == key })
}

// below returns the group and all groups within it.
func (m *model) below(group string) map[string]bool {
	seen := map[string]bool{group: true}
	for again := true; again; {
		again = false
		for e := range m.parents {
			if seen[e[0]] && !seen[e[1]] {
				seen[e[1]], again = true, true
			}
		}
	}
	return seen
}

// A run is one sequence of operations on the client and on the model.
type run struct {
	client *crowd.Client
	server *crowdtest.Server
	model  *model
	faulty bool // requests and answers get lost
	emails bool // may be changed
	t      *rapid.T
	ctx    context.Context

	tokens map[crowd.Secret]bool // of all sessions there ever were
	gone   []string              // keys of users who were deleted
}

func (r *run) name() string {
	return rapid.SampledFrom([]string{"ann", "Ann", "BOB", "bob", "r&d/eu+x", "R&D/EU+X", "Ä ö%", "ä Ö%"}).Draw(r.t, "name")
}

func (r *run) text() string {
	return rapid.SampledFrom([]string{"", "x", "Ümlaut <&>"}).Draw(r.t, "text")
}

// step spoils one of the next requests, now and then.
func (r *run) step() {
	if !r.faulty || rapid.IntRange(0, 2).Draw(r.t, "spoil") > 0 {
		return
	}
	r.server.ClearFaults()
	r.server.Fail(crowdtest.Fault{
		Nth: rapid.IntRange(1, 2).Draw(r.t, "nth"),
		Kind: rapid.SampledFrom([]crowdtest.FaultKind{
			crowdtest.LoseRequest, crowdtest.LoseResponse, crowdtest.Answer, crowdtest.AnswerHTML, crowdtest.CutBody,
		}).Draw(r.t, "kind"),
	})
}

// settle makes a call that may be made again until it is known what became of
// it. gone is what it may say then, if the first one did it.
func (r *run) settle(call func() error, gone error) error {
	err := call()
	for n := 0; errors.Is(err, crowd.ErrAmbiguous) || errors.Is(err, crowd.ErrUnavailable); n++ {
		if n == 3 {
			r.t.Fatalf("still not known: %v", err)
		}
		if err = call(); gone != nil && errors.Is(err, gone) {
			return nil
		}
	}
	return err
}

// expect holds an error against the kind that the model wants.
func (r *run) expect(op string, got, want error) {
	if !errors.Is(got, want) || want == nil && got != nil {
		r.t.Fatalf("%s: got %v, want %v", op, got, want)
	}
}

// expectGone allows that a deletion whose answer was lost takes the credit for
// what was not there.
func (r *run) expectGone(op string, got, want error) {
	if got != nil || !r.faulty {
		r.expect(op, got, want)
	}
}

func (r *run) createUser() {
	u := crowd.User{
		Name: r.name(), FirstName: r.text(), LastName: r.text(), DisplayName: "D", Email: r.text(),
		Active: rapid.Bool().Draw(r.t, "active"), Attributes: crowd.Attributes{"team": {r.text()}},
	}
	key := crowd.Fold(u.Name)
	r.step()
	made, err := r.client.CreateUser(r.ctx, u, "p")
	if there := r.model.users[key]; there != nil {
		if err == nil && r.faulty && cmp.Equal(&u, there, nameAside(), asGiven()) {
			return // after a lost answer, one cannot tell it from one's own
		}
		r.expect("create user", err, crowd.ErrExists)
		return
	}
	r.expect("create user", err, nil)
	r.model.users[key] = &u
	r.model.accounts[key] = account{made.Key, "p"}
}

func nameAside() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Name" }, cmp.Comparer(strings.EqualFold))
}

func (r *run) updateUser() {
	name := r.name()
	there := r.model.users[crowd.Fold(name)]
	u := crowd.User{
		Name: name, LastName: r.text(), DisplayName: r.text(), Email: r.text(),
		Active: rapid.Bool().Draw(r.t, "active"),
	}
	var want error
	switch {
	case there == nil:
		want = crowd.ErrUserNotFound
	case there.Email != u.Email && !r.emails && r.faulty:
		want = crowd.ErrPermission // the read that tells why may fail
	case there.Email != u.Email && !r.emails:
		want = crowd.ErrEmailChange
	}
	r.step()
	r.expect("update user", r.settle(func() error { return r.client.UpdateUser(r.ctx, u) }, nil), want)
	if want == nil {
		u.Name, u.Attributes = there.Name, there.Attributes
		r.model.users[crowd.Fold(name)] = &u
	}
}

func (r *run) renameUser() {
	name, newName := r.name(), r.name()
	key, newKey := crowd.Fold(name), crowd.Fold(newName)
	there := r.model.users[key]
	_, taken := r.model.users[newKey]
	var want error
	switch {
	case there == nil:
		want = crowd.ErrUserNotFound
	case taken && key != newKey:
		want = crowd.ErrInvalidUser
	}
	rename := func() error {
		_, err := r.client.RenameUser(r.ctx, name, newName)
		return err
	}
	r.step()
	var gone error
	if want == nil && key != newKey {
		gone = crowd.ErrUserNotFound
	}
	r.expect("rename user", r.settle(rename, gone), want)
	if want != nil {
		return
	}
	there.Name = newName
	delete(r.model.users, key)
	r.model.users[newKey] = there
	r.model.endSessions(key)
	account := r.model.accounts[key]
	delete(r.model.accounts, key)
	r.model.accounts[newKey] = account
	for e := range maps.Clone(r.model.members) {
		if e[1] == key {
			delete(r.model.members, e)
			r.model.members[[2]string{e[0], newKey}] = true
		}
	}
}

func (r *run) deleteUser() {
	name := r.name()
	key := crowd.Fold(name)
	want := crowd.ErrUserNotFound
	if r.model.users[key] != nil {
		want = nil
	}
	r.step()
	r.expectGone("delete user", r.settle(func() error { return r.client.DeleteUser(r.ctx, name) }, want), want)
	if want == nil {
		r.gone = append(r.gone, r.model.accounts[key].key)
	}
	delete(r.model.users, key)
	delete(r.model.accounts, key)
	r.model.endSessions(key)
	forget(r.model.members, 1, key)
}

func (r *run) attributes() {
	name, values := r.name(), []string{r.text(), "y"}
	there := r.model.users[crowd.Fold(name)]
	want := crowd.ErrUserNotFound
	if there != nil {
		want = nil
	}
	r.step()
	if rapid.Bool().Draw(r.t, "set") {
		r.expect("set attributes", r.client.SetUserAttributes(r.ctx, name, crowd.Attributes{"team": values}), want)
		if there != nil {
			there.Attributes = crowd.Attributes{"team": slices.Compact(values)}
		}
		return
	}
	r.expect("delete attribute", r.client.DeleteUserAttribute(r.ctx, name, "team"), want)
	if there != nil {
		there.Attributes = crowd.Attributes{}
	}
}

// check holds everything that can be read against the model.
func (r *run) check(t *rapid.T) {
	r.t = t
	r.server.ClearFaults()
	r.compareUsers(t)
	var groups, wantGroups []crowd.Group
	for g, err := range r.client.Groups(r.ctx, crowd.Query{Detail: crowd.WithAttributes, PageSize: 2}) {
		r.expect("list groups", err, nil)
		groups = append(groups, *g)
	}
	for _, key := range slices.Sorted(maps.Keys(r.model.groups)) {
		wantGroups = append(wantGroups, *r.model.groups[key])
	}
	if diff := cmp.Diff(wantGroups, groups, asGiven(), byName()); diff != "" {
		t.Fatalf("groups mismatch (-want +got):\n%s", diff)
	}
	r.compareEdges()
	r.compareSessions()
	r.compareKeys()
	for group := range r.model.groups {
		r.compareGroup(group)
	}
	for user := range r.model.users {
		r.compareGroupsOf(user)
	}
}

func (r *run) compareUsers(t *rapid.T) {
	var users, want []crowd.User
	for u, err := range r.client.Users(r.ctx, crowd.Query{Detail: crowd.WithAttributes, PageSize: 2}) {
		r.expect("list users", err, nil)
		users = append(users, *u)
	}
	for _, u := range r.model.users {
		want = append(want, *u)
	}
	if diff := cmp.Diff(want, users, asGiven(), byName()); diff != "" {
		t.Fatalf("users mismatch (-want +got):\n%s", diff)
	}
}

// byName sorts users and groups.
func byName() cmp.Options {
	return cmp.Options{
		cmp.Transformer("users", func(list []crowd.User) map[string]crowd.User {
			byKey := map[string]crowd.User{}
			for _, u := range list {
				byKey[crowd.Fold(u.Name)] = u
			}
			return byKey
		}),
		cmp.Transformer("groups", func(list []crowd.Group) map[string]crowd.Group {
			byKey := map[string]crowd.Group{}
			for _, g := range list {
				byKey[crowd.Fold(g.Name)] = g
			}
			return byKey
		}),
	}
}

func (r *run) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){"check": r.check}
	for name, action := range map[string]func(){
		"createUser": r.createUser, "updateUser": r.updateUser, "renameUser": r.renameUser,
		"deleteUser": r.deleteUser, "attributes": r.attributes, "createGroup": r.createGroup,
		"updateGroup": r.updateGroup, "deleteGroup": r.deleteGroup, "groupAttributes": r.groupAttributes,
		"join": r.join, "joinGroup": r.joinGroup,
		"password": r.changePassword, "authenticate": r.authenticate,
		"openSession": r.openSession, "endSessions": r.endSessions,
		"search": r.search, "searchGroups": r.searchGroups,
	} {
		actions[name] = func(t *rapid.T) {
			r.t = t
			action()
		}
	}
	return actions
}

// A bubble is a test within synctest, which rapid must not ask for its deadline.
type bubble struct{ *testing.T }

// TestModel: whatever is done through the client, Crowd is as the model says;
// also where requests and answers are lost on the way.
func TestModel(t *testing.T) {
	for name, faulty := range map[string]bool{"undisturbed": false, "disturbed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rapid.Check(bubble{t}, func(rt *rapid.T) {
					s := new(crowdtest.Server)
					r := &run{
						client: clientOf(t, s, crowd.Config{}), server: s, model: newModel(),
						faulty: faulty, ctx: t.Context(), tokens: map[crowd.Secret]bool{},
						emails: rapid.Bool().Draw(rt, "emails"),
					}
					omits := rapid.Bool().Draw(rt, "search omits attributes")
					s.SetOptions(func(o *crowdtest.Options) {
						o.NestedGroups, o.NoCalls = true, true
						o.AllowEmailChange, o.SearchOmitsAttributes = r.emails, omits
					})
					rt.Repeat(r.actions())
					r.check(rt)
				})
			})
		})
	}
}
