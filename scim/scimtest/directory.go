package scimtest

import (
	"errors"
	"fmt"
	"slices"
)

// A Directory is what the administrator of the identity provider wants the
// server to hold: the users that are assigned to the app, and the groups that
// are pushed.
//
// Who was in the Directory of one cycle and is missing in that of the next is a
// leaver, see [Leavers]; a group that is missing is deleted, see
// [Config.KeepGroups].
type Directory struct {
	Users  []User
	Groups []Group
}

// A User is a user as the identity provider has it. Fields that are empty are
// not sent, or cleared where the server has them.
type User struct {
	// ID is the identity provider's own and does not change when the user is
	// renamed. Required. Most apps send it as externalId.
	ID string
	// UserName is required.
	UserName              string
	GivenName, FamilyName string
	DisplayName           string
	// Email is the address of type work.
	Email string
	Title string
	// Department is an attribute of the enterprise extension.
	Department string
	// Suspended says that the user may not log in for the time being, and keeps
	// its place in groups. Okta tells nobody of it.
	Suspended bool
}

// A Group is a group as the identity provider has it.
type Group struct {
	// ID is the identity provider's own and does not change when the group is
	// renamed. Required.
	ID string
	// Name is required.
	Name string
	// Members are the IDs of users. Those that are not in the Directory are not
	// sent: a leaver is taken out of the group, under Entra left in it.
	Members []string
	// Link names the group of the server that this one takes over at first, as
	// an administrator chooses among those imported. Only Okta's apps know it;
	// others take over the group of the same name.
	Link string
}

// check tells what of a directory contradicts itself.
func (d Directory) check() error {
	var problems []error
	users, groups := map[string]bool{}, map[string]bool{}
	for _, u := range d.Users {
		if u.ID == "" || u.UserName == "" || users[u.ID] {
			problems = append(problems, fmt.Errorf("user %q has no name or no ID of its own (%q)", u.UserName, u.ID))
		}
		users[u.ID] = true
	}
	for _, g := range d.Groups {
		if g.ID == "" || g.Name == "" || groups[g.ID] {
			problems = append(problems, fmt.Errorf("group %q has no name or no ID of its own (%q)", g.Name, g.ID))
		}
		groups[g.ID] = true
	}
	return errors.Join(problems...)
}

// user returns the user of an ID.
func (d Directory) user(id string) (User, bool) {
	i := slices.IndexFunc(d.Users, func(u User) bool { return u.ID == id })
	if i < 0 {
		return User{}, false
	}
	return d.Users[i], true
}
