package scim_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A memory is a directory of Crowd's in this process, with neither HTTP nor JSON
// between, so that a benchmark sees what the bridge itself costs. Only what
// the bridge asks of a directory is there.
type memory struct {
	mu      sync.RWMutex
	users   map[string]*crowd.User // by folded name
	keys    map[string]*crowd.User
	groups  map[string]*crowd.Group
	members map[string]map[string]bool // folded group to folded users
	holders map[attribute]map[string]bool
	sorted  []string // folded names of users; nil after one came or went
}

// An attribute is one value of a user's, folded.
type attribute struct{ name, value string }

var _ groupsync.Directory = (*memory)(nil)

// errUnmeasured answers what no measured operation asks for.
var errUnmeasured = errors.New("not there in memory")

func newMemory() *memory {
	return &memory{
		users: map[string]*crowd.User{}, keys: map[string]*crowd.User{}, groups: map[string]*crowd.Group{},
		members: map[string]map[string]bool{}, holders: map[attribute]map[string]bool{},
	}
}

func copyUser(u *crowd.User) *crowd.User {
	c := *u
	c.Attributes = maps.Clone(u.Attributes)
	return &c
}

func copyGroup(g *crowd.Group) *crowd.Group {
	c := *g
	c.Attributes = maps.Clone(g.Attributes)
	return &c
}

func (m *memory) User(_ context.Context, name string) (*crowd.User, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	u, ok := m.users[crowd.Fold(name)]
	if !ok {
		return nil, crowd.ErrUserNotFound
	}
	return copyUser(u), nil
}

func (m *memory) UserByKey(_ context.Context, key string) (*crowd.User, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	u, ok := m.keys[key]
	if !ok {
		return nil, crowd.ErrUserNotFound
	}
	return copyUser(u), nil
}

func (m *memory) CreateUser(_ context.Context, u crowd.User, _ crowd.Secret) (*crowd.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	folded := crowd.Fold(u.Name)
	if m.users[folded] != nil {
		return nil, crowd.ErrInvalidUser
	}
	c := copyUser(&u)
	c.Key = fmt.Sprintf("32769:%08x-0000-4000-8000-000000000000", len(m.keys))
	c.Created, c.Updated = time.Now(), time.Now()
	m.users[folded], m.keys[c.Key], m.sorted = c, c, nil
	m.index(folded, u.Attributes)
	return copyUser(c), nil
}

func (m *memory) index(folded string, a crowd.Attributes) {
	for name, values := range a {
		for _, value := range values {
			key := attribute{name, crowd.Fold(value)}
			if m.holders[key] == nil {
				m.holders[key] = map[string]bool{}
			}
			m.holders[key][folded] = true
		}
	}
}

func (m *memory) UpdateUser(_ context.Context, u crowd.User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	have, ok := m.users[crowd.Fold(u.Name)]
	if !ok {
		return crowd.ErrUserNotFound
	}
	have.FirstName, have.LastName, have.DisplayName, have.Email = u.FirstName, u.LastName, u.DisplayName, u.Email
	have.Active, have.Updated = u.Active, time.Now()
	return nil
}

func (m *memory) SetUserAttributes(_ context.Context, name string, a crowd.Attributes) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	folded := crowd.Fold(name)
	u, ok := m.users[folded]
	if !ok {
		return crowd.ErrUserNotFound
	}
	if u.Attributes == nil {
		u.Attributes = crowd.Attributes{}
	}
	for name, values := range a {
		for _, value := range u.Attributes[name] {
			delete(m.holders[attribute{name, crowd.Fold(value)}], folded)
		}
		u.Attributes[name] = values
	}
	m.index(folded, a)
	return nil
}

func (m *memory) DeleteUserAttribute(_ context.Context, name, attr string) error {
	return m.SetUserAttributes(context.Background(), name, crowd.Attributes{attr: nil})
}

func (m *memory) RenameUser(context.Context, string, string) (*crowd.User, error) {
	return nil, errUnmeasured
}

func (m *memory) DeleteUser(context.Context, string) error                       { return errUnmeasured }
func (m *memory) SetPassword(context.Context, string, crowd.Secret) error        { return nil }
func (m *memory) EndUserSessions(context.Context, string, ...crowd.Secret) error { return nil }
func (m *memory) DeleteGroup(context.Context, string) error                      { return errUnmeasured }
func (m *memory) UpdateGroup(context.Context, crowd.Group) error                 { return nil }
func (m *memory) DeleteGroupAttribute(context.Context, string, string) error     { return errUnmeasured }

func (m *memory) AddChildGroup(context.Context, string, string) (bool, error) {
	return false, errUnmeasured
}

func (m *memory) RemoveChildGroup(context.Context, string, string) (bool, error) {
	return false, errUnmeasured
}

func (m *memory) IsChildGroup(context.Context, string, string, bool) (bool, error) { return false, nil }

func (m *memory) Group(_ context.Context, name string) (*crowd.Group, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	g, ok := m.groups[crowd.Fold(name)]
	if !ok {
		return nil, crowd.ErrGroupNotFound
	}
	return copyGroup(g), nil
}

func (m *memory) CreateGroup(_ context.Context, g crowd.Group) (*crowd.Group, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.groups[crowd.Fold(g.Name)] != nil {
		return nil, crowd.ErrInvalidGroup
	}
	m.groups[crowd.Fold(g.Name)] = copyGroup(&g)
	m.members[crowd.Fold(g.Name)] = map[string]bool{}
	return copyGroup(&g), nil
}

func (m *memory) SetGroupAttributes(_ context.Context, name string, a crowd.Attributes) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	g, ok := m.groups[crowd.Fold(name)]
	if !ok {
		return crowd.ErrGroupNotFound
	}
	if g.Attributes == nil {
		g.Attributes = crowd.Attributes{}
	}
	maps.Copy(g.Attributes, a)
	return nil
}

func (m *memory) AddMember(_ context.Context, group, user string) (bool, error) {
	return m.setMember(group, user, true)
}

func (m *memory) RemoveMember(_ context.Context, group, user string) (bool, error) {
	return m.setMember(group, user, false)
}

func (m *memory) setMember(group, user string, in bool) (changed bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	members, ok := m.members[crowd.Fold(group)]
	if !ok {
		return false, crowd.ErrGroupNotFound
	}
	changed = members[crowd.Fold(user)] != in
	if in {
		members[crowd.Fold(user)] = true
	} else {
		delete(members, crowd.Fold(user))
	}
	return changed, nil
}

func (m *memory) IsMember(_ context.Context, group, user string, _ bool) (bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.members[crowd.Fold(group)][crowd.Fold(user)], nil
}

func (m *memory) Memberships(context.Context) iter.Seq2[crowd.Membership, error] {
	return func(func(crowd.Membership, error) bool) {}
}

func (m *memory) Members(_ context.Context, group string, q crowd.List) iter.Seq2[*crowd.User, error] {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.some(slices.Sorted(maps.Keys(m.members[crowd.Fold(group)])), q.Start, q.Max, q.Detail)
}

func (m *memory) GroupsOf(context.Context, string, crowd.List) iter.Seq2[*crowd.Group, error] {
	return func(func(*crowd.Group, error) bool) {}
}

// Users finds users by one exact value, or lists all of them.
func (m *memory) Users(_ context.Context, q crowd.Query) iter.Seq2[*crowd.User, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sorted == nil {
		m.sorted = slices.Sorted(maps.Keys(m.users))
	}
	names := m.sorted
	if parts := disjunction(q.Where); len(parts) > 0 {
		found := map[string]bool{}
		for _, p := range parts {
			maps.Copy(found, m.holders[p])
		}
		names = slices.Sorted(maps.Keys(found))
	}
	return m.some(names, q.Start, q.Max, q.Detail)
}

// some reads the part of the names that is wanted. It is called with the lock
// held and iterated without.
func (m *memory) some(names []string, start, most int, detail crowd.Detail) iter.Seq2[*crowd.User, error] {
	names = names[min(start, len(names)):]
	if most > 0 {
		names = names[:min(most, len(names))]
	}
	return func(yield func(*crowd.User, error) bool) {
		for _, name := range names {
			m.mu.RLock()
			u := m.users[name]
			m.mu.RUnlock()
			c := &crowd.User{Name: u.Name}
			if detail != crowd.Names {
				c = copyUser(u)
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// Groups finds groups by name or attribute, or lists all of them.
func (m *memory) Groups(_ context.Context, q crowd.Query) iter.Seq2[*crowd.Group, error] {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []*crowd.Group
	parts := disjunction(q.Where)
	for _, p := range parts {
		if p.name == crowd.PropertyName {
			if g := m.groups[p.value]; g != nil {
				found = append(found, copyGroup(g))
			}
		}
	}
	if len(parts) == 0 {
		for _, name := range slices.Sorted(maps.Keys(m.groups)) {
			found = append(found, copyGroup(m.groups[name]))
		}
	}
	return func(yield func(*crowd.Group, error) bool) {
		for _, g := range found {
			if !yield(g, nil) {
				return
			}
		}
	}
}

// disjunction takes a restriction to exact values apart, which is all that the
// measured operations ask for.
func disjunction(r crowd.Restriction) []attribute {
	v := reflect.ValueOf(r)
	if logic := v.FieldByName("logic").String(); logic != "" {
		var all []attribute
		operands := v.FieldByName("operands")
		for i := range operands.Len() {
			all = append(all, leaf(operands.Index(i)))
		}
		return all
	}
	if v.FieldByName("mode").String() == "" && !v.FieldByName("never").Bool() {
		return nil
	}
	return []attribute{leaf(v)}
}

func leaf(v reflect.Value) attribute {
	if v.FieldByName("mode").String() != "EXACTLY_MATCHES" {
		return attribute{} // which nobody has
	}
	return attribute{v.FieldByName("property").String(), crowd.Fold(v.FieldByName("value").String())}
}
