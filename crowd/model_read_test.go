package crowd_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// compareEdges holds the dump of all memberships against the model.
func (r *run) compareEdges() {
	edges, children := map[[2]string]bool{}, map[[2]string]bool{}
	for m, err := range r.client.Memberships(r.ctx) {
		r.expect("memberships", err, nil)
		switch {
		case m.User != "":
			edges[[2]string{crowd.Fold(m.Group), crowd.Fold(m.User)}] = true
		case m.ChildGroup != "":
			children[[2]string{crowd.Fold(m.Group), crowd.Fold(m.ChildGroup)}] = true
		}
	}
	if diff := cmp.Diff(r.model.members, edges) + cmp.Diff(r.model.parents, children); diff != "" {
		r.t.Fatalf("memberships mismatch (-want +got):\n%s", diff)
	}
}

// reach returns the groups, or users, at the far end of edges from any of the
// starts.
func reach(edges map[[2]string]bool, starts map[string]bool, from, to int) map[string]bool {
	found := map[string]bool{}
	for e := range edges {
		if starts[e[from]] {
			found[e[to]] = true
		}
	}
	return found
}

// above returns the group and all groups that it is within.
func (m *model) above(group string) map[string]bool {
	found := map[string]bool{}
	for other := range m.groups {
		if m.below(other)[group] {
			found[other] = true
		}
	}
	return found
}

// compareGroup holds the lists about a group against the model.
func (r *run) compareGroup(group string) {
	m := r.model
	self := map[string]bool{group: true}
	below, above := m.below(group), m.above(group)
	direct, nested := crowd.List{PageSize: 2}, crowd.List{Nested: true, PageSize: 2}
	for name, list := range map[string]struct{ got, want map[string]bool }{
		"direct members":  {r.users(r.client.Members(r.ctx, group, direct)), reach(m.members, self, 0, 1)},
		"nested members":  {r.users(r.client.Members(r.ctx, group, nested)), reach(m.members, below, 0, 1)},
		"direct children": {r.groups(r.client.ChildGroups(r.ctx, group, direct)), reach(m.parents, self, 0, 1)},
		"nested children": {r.groups(r.client.ChildGroups(r.ctx, group, nested)), without(below, group)},
		"direct parents":  {r.groups(r.client.ParentGroups(r.ctx, group, direct)), reach(m.parents, self, 1, 0)},
		"nested parents":  {r.groups(r.client.ParentGroups(r.ctx, group, nested)), without(above, group)},
	} {
		if diff := cmp.Diff(list.want, list.got); diff != "" {
			r.t.Fatalf("%s of %s mismatch (-want +got):\n%s", name, group, diff)
		}
	}
	other := r.name()
	for deep, want := range map[bool]bool{
		false: m.members[[2]string{group, crowd.Fold(other)}],
		true:  reach(m.members, below, 0, 1)[crowd.Fold(other)],
	} {
		if in, err := r.client.IsMember(r.ctx, group, other, deep); err != nil || in != want {
			r.t.Fatalf("%s in %s, nested %t: got %t, %v, want %t", other, group, deep, in, err, want)
		}
	}
	if in, err := r.client.IsChildGroup(r.ctx, group, other, false); err != nil || in != m.parents[[2]string{group, crowd.Fold(other)}] {
		r.t.Fatalf("group %s in %s: got %t, %v", other, group, in, err)
	}
}

// compareGroupsOf holds the groups that a user is in against the model.
func (r *run) compareGroupsOf(user string) {
	direct := reach(r.model.members, map[string]bool{user: true}, 1, 0)
	nested := map[string]bool{}
	for group := range direct {
		maps.Copy(nested, r.model.above(group))
	}
	for deep, want := range map[bool]map[string]bool{false: direct, true: nested} {
		got := r.groups(r.client.GroupsOf(r.ctx, user, crowd.List{Nested: deep, PageSize: 2}))
		if diff := cmp.Diff(want, got); diff != "" {
			r.t.Fatalf("groups of %s, nested %t, mismatch (-want +got):\n%s", user, deep, diff)
		}
	}
}

func without(names map[string]bool, name string) map[string]bool {
	rest := maps.Clone(names)
	delete(rest, name)
	return rest
}

// users reads a list, of which each entry is to come once.
func (r *run) users(seq func(func(*crowd.User, error) bool)) map[string]bool {
	names := map[string]bool{}
	for u, err := range seq {
		r.expect("list", err, nil)
		if names[crowd.Fold(u.Name)] {
			r.t.Fatalf("%s is listed twice", u.Name)
		}
		names[crowd.Fold(u.Name)] = true
	}
	return names
}

func (r *run) groups(seq func(func(*crowd.Group, error) bool)) map[string]bool {
	return r.users(func(yield func(*crowd.User, error) bool) {
		for g, err := range seq {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&crowd.User{Name: g.Name}, nil) {
				return
			}
		}
	})
}

// A predicate is what a restriction is to mean, of users and of groups.
type predicate func(u *crowd.User) bool

// restriction draws a restriction, and its meaning.
func (r *run) restriction(depth int) (crowd.Restriction, predicate) {
	if depth == 0 || rapid.IntRange(0, 2).Draw(r.t, "leaf") > 0 {
		return r.leaf()
	}
	var parts []crowd.Restriction
	var meanings []predicate
	for range rapid.IntRange(0, 3).Draw(r.t, "parts") {
		part, meaning := r.restriction(depth - 1)
		parts, meanings = append(parts, part), append(meanings, meaning)
	}
	if rapid.Bool().Draw(r.t, "and") {
		return crowd.And(parts...), func(u *crowd.User) bool {
			return !slices.ContainsFunc(meanings, func(p predicate) bool { return !p(u) })
		}
	}
	return crowd.Or(parts...), func(u *crowd.User) bool {
		return slices.ContainsFunc(meanings, func(p predicate) bool { return p(u) })
	}
}

// leaf draws a restriction of one property.
func (r *run) leaf() (crowd.Restriction, predicate) {
	property := rapid.SampledFrom([]string{
		crowd.PropertyName, crowd.PropertyEmail, crowd.PropertyFirstName, crowd.PropertyLastName,
		crowd.PropertyDisplayName, "team", "TEAM", "active", `name" or "`,
	}).Draw(r.t, "property")
	value := rapid.OneOf(
		rapid.SampledFrom([]string{"", "x", "ümlaut <&>", "a", "ann", "r&d/", "%", "y", "D", `" or name = "`, "*"}), rapid.String(),
	).Draw(r.t, "value")
	if property == "active" {
		active := rapid.Bool().Draw(r.t, "active")
		return crowd.IsActive(active), func(u *crowd.User) bool { return u.Active == active }
	}
	match := rapid.SampledFrom([]struct {
		build func(property, text string) crowd.Restriction
		means func(text, value string) bool
	}{
		{crowd.Equals, func(text, value string) bool { return text == value }},
		{crowd.StartsWith, strings.HasPrefix},
		{crowd.Contains, strings.Contains},
	}).Draw(r.t, "match")
	return match.build(property, value), func(u *crowd.User) bool {
		return slices.ContainsFunc(textsOf(u, property), func(text string) bool {
			return match.means(crowd.Fold(text), crowd.Fold(value))
		})
	}
}

// textsOf returns the values of a property.
func textsOf(u *crowd.User, property string) []string {
	switch property {
	case crowd.PropertyName:
		return []string{u.Name}
	case crowd.PropertyEmail:
		return []string{u.Email}
	case crowd.PropertyFirstName:
		return []string{u.FirstName}
	case crowd.PropertyLastName:
		return []string{u.LastName}
	case crowd.PropertyDisplayName:
		return []string{u.DisplayName}
	}
	return u.Attributes[property]
}

// search holds a search among users against what its restriction means.
func (r *run) search() {
	where, means := r.restriction(2)
	want := map[string]bool{}
	for key, u := range r.model.users {
		if means(u) {
			want[key] = true
		}
	}
	got := r.users(r.client.Users(r.ctx, crowd.Query{Where: where, PageSize: 3}))
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Fatalf("search for %+v mismatch (-want +got):\n%s", where, diff)
	}
}

// searchGroups is search among groups, which have less to look for.
func (r *run) searchGroups() {
	name := rapid.SampledFrom([]string{"a", "r&d/", "ö", ""}).Draw(r.t, "start")
	active := rapid.Bool().Draw(r.t, "active")
	team := r.text()
	where := crowd.Or(
		crowd.And(crowd.StartsWith(crowd.PropertyName, name), crowd.IsActive(active)), crowd.Equals("team", team),
	)
	want := map[string]bool{}
	for key, g := range r.model.groups {
		if strings.HasPrefix(key, name) && g.Active == active || slices.Contains(g.Attributes["team"], team) {
			want[key] = true
		}
	}
	got := r.groups(r.client.Groups(r.ctx, crowd.Query{Where: where, PageSize: 3}))
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Fatalf("search for %+v mismatch (-want +got):\n%s", where, diff)
	}
}
