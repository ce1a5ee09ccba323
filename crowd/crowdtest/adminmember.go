package crowdtest

import (
	"encoding/base64"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

func adminMemberRoutes() map[string]methods {
	return map[string]methods{
		"admin/group/search/{}": {"GET": reading(searchDirectoryGroups)},
		"admin/group/{}/groups": {"GET": reading(listAdminChildren), "POST": writing(addAdminChildren)},
		"admin/groups/query":    {"POST": reading(queryGroups)},
		"admin/groups/{}":       {"GET": reading(getAdminGroup)},
		"admin/groups/{}/users": {
			"GET": reading(listAdminMembers), "POST": writing(addAdminMembers), "DELETE": writing(removeAdminMembers),
		},
		"admin/groups/{}/users/suggestions": {"GET": reading(suggestMembers)},
		"admin/users/search":                {"POST": reading(searchAdminUsers)},
		"admin/users/{}/groups":             {"POST": writing(addToAdminGroups), "DELETE": writing(removeFromAdminGroups)},
	}
}

// entityID returns the id of a user or group: that of its directory, and its
// name in URL-safe base64 without padding.
func (d *directory) entityID(name string) string {
	return strconv.FormatInt(d.ID, 10) + "-" + base64.RawURLEncoding.EncodeToString([]byte(name))
}

// byID returns the directory and the name of an id.
func (x *exchange) byID(id string) (*directory, string, error) {
	unknown := &refusal{status: http.StatusNotFound, message: "There is nothing of the id <" + printable(id) + ">"}
	number, encoded, _ := strings.Cut(id, "-")
	name, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return nil, "", unknown
	}
	d, err := x.directoryByID(number)
	if err != nil {
		return nil, "", unknown
	}
	return d, string(name), nil
}

// adminGroup returns the group of the id in the path.
func (x *exchange) adminGroup() (*directory, *store.Group, error) {
	d, name, err := x.byID(x.ids[0])
	if err != nil {
		return nil, nil, err
	}
	g := d.contents.Group(name)
	if g == nil {
		return nil, nil, x.groupNotFound(name)
	}
	return d, g, nil
}

func (d *directory) groupEntity(g *store.Group) map[string]any {
	return map[string]any{"id": d.entityID(g.Name), "active": g.Active, "name": g.Name, "description": g.Description}
}

func (d *directory) userEntity(u *store.User) map[string]any {
	return map[string]any{
		"id": d.entityID(u.Name), "username": u.Name, "displayName": u.DisplayName, "email": u.Email,
		"active": u.Active, "directory": d.summary(),
	}
}

func (x *exchange) groupPage(d *directory, groups iter.Seq[*store.Group], keep func(*store.Group) bool) (*reply, error) {
	var all []any
	for g := range groups {
		if keep(g) {
			all = append(all, d.groupEntity(g))
		}
	}
	return x.officePage(all)
}

func searchDirectoryGroups(x *exchange) (*reply, error) {
	d, err := x.directoryByID(x.ids[0])
	if err != nil {
		return nil, err
	}
	return x.groupPage(d, d.contents.Groups().All(), func(g *store.Group) bool {
		return contains(g.Name, x.params.get("term")) && x.wantsActive(g.Active)
	})
}

func listAdminChildren(x *exchange) (*reply, error) {
	d, g, err := x.adminGroup()
	if err != nil {
		return nil, err
	}
	return x.groupPage(d, g.Children().All(), func(*store.Group) bool { return true })
}

// searchBody is what a search in several directories asks for.
type searchBody struct {
	Search       string  `json:"search"`
	DirectoryIDs []int64 `json:"directoryIds"`
	Active       *bool   `json:"active"`
}

func (b *searchBody) wants(d *directory, active bool) bool {
	return (len(b.DirectoryIDs) == 0 || slices.Contains(b.DirectoryIDs, d.ID)) && (b.Active == nil || *b.Active == active)
}

func queryGroups(x *exchange) (*reply, error) {
	var in searchBody
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	var all []any
	for _, d := range x.s.directories {
		for g := range d.contents.Groups().All() {
			if in.wants(d, g.Active) && contains(g.Name, in.Search) {
				shown := d.groupEntity(g)
				shown["directory"] = d.summary()
				all = append(all, shown)
			}
		}
	}
	return x.officePage(all)
}

func searchAdminUsers(x *exchange) (*reply, error) {
	var in searchBody
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	var all []any
	for _, d := range x.s.directories {
		for u := range d.contents.Users().All() {
			if in.wants(d, u.Active) && userContains(u, in.Search) {
				all = append(all, d.userEntity(u))
			}
		}
	}
	return x.officePage(all)
}

func userContains(u *store.User, part string) bool {
	return contains(u.Name, part) || contains(u.DisplayName, part) || contains(u.Email, part)
}

func getAdminGroup(x *exchange) (*reply, error) {
	d, g, err := x.adminGroup()
	if err != nil {
		return nil, err
	}
	shown := d.groupEntity(g)
	shown["directory"] = d.summary()
	return ok(shown)
}

func listAdminMembers(x *exchange) (*reply, error) {
	d, g, err := x.adminGroup()
	if err != nil {
		return nil, err
	}
	var all []any
	for u := range g.Members().All() {
		all = append(all, d.userEntity(u))
	}
	return x.officePage(all)
}

// suggestMembers lists users who are not in the group.
func suggestMembers(x *exchange) (*reply, error) {
	d, g, err := x.adminGroup()
	if err != nil {
		return nil, err
	}
	var all []any
	for u := range d.contents.Users().All() {
		if !d.contents.HasMember(g, u) && userContains(u, x.params.get("search")) {
			all = append(all, d.userEntity(u))
		}
	}
	return x.officePage(all)
}
