package store

import (
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/ordered"
)

// A UserProfile is what a user is apart from attributes and memberships. It is
// never changed but replaced, so that whoever holds one may read it without a
// lock.
type UserProfile struct {
	Name, Folded                            string
	FirstName, LastName, DisplayName, Email string
	Active                                  bool
	Key                                     string
	Created, Updated                        time.Time
}

// Fold returns the folded name.
func (p *UserProfile) Fold() string { return p.Folded }

// A User is a user of a [Directory]. All but its profile is guarded by whoever
// guards the directory.
type User struct {
	*UserProfile
	// Credential is the digest of the password; see [NewCredential].
	Credential string

	attrs  Attributes
	groups ordered.List[*Group]
}

// Attributes returns the user's attributes, which belong to the user.
func (u *User) Attributes() Attributes { return u.attrs }

func (u *User) attributes() *Attributes { return &u.attrs }

// Attribute returns the values of an attribute.
func (u *User) Attribute(name string) []string { return u.attrs.Values(name) }

// IsActive tells whether the user may log in.
func (u *User) IsActive() bool { return u.Active }

// Groups returns the groups the user is a direct member of.
func (u *User) Groups() *ordered.List[*Group] { return &u.groups }

// Text returns a text property by its name in searches.
func (u *User) Text(name string) (string, bool) {
	switch name {
	case "name":
		return u.Name, true
	case "email":
		return u.Email, true
	case "firstName":
		return u.FirstName, true
	case "lastName":
		return u.LastName, true
	case "displayName":
		return u.DisplayName, true
	}
	return "", false
}

// Date returns a date property by its name in searches.
func (u *User) Date(name string) time.Time {
	if name == "createdDate" {
		return u.Created
	}
	return u.Updated
}

// User returns the user of that name, in any letter case, or nil.
func (d *Directory) User(name string) *User { return d.users.byName[crowd.Fold(name)] }

// UserByKey returns the user of that key, or nil.
func (d *Directory) UserByKey(key string) *User { return d.keys[key] }

// Users returns all users in order.
func (d *Directory) Users() *ordered.List[*User] { return &d.users.order }

// AddUser adds a user with the given profile, or returns nil where the name or
// the key is taken.
func (d *Directory) AddUser(p UserProfile) *User {
	p.Folded = crowd.Fold(p.Name)
	if d.users.byName[p.Folded] != nil || d.keys[p.Key] != nil {
		return nil
	}
	u := &User{UserProfile: &p}
	d.users.link(u)
	d.keys[p.Key] = u
	return u
}

// UpdateUser replaces the profile of u; name and key stay as they are.
func (d *Directory) UpdateUser(u *User, p UserProfile) {
	p.Name, p.Folded, p.Key = u.Name, u.Folded, u.Key
	d.users.unlinkTexts(u)
	u.UserProfile = &p
	d.users.linkTexts(u)
}

// RenameUser gives u a name that no other user has.
func (d *Directory) RenameUser(u *User, p UserProfile) {
	p.Folded, p.Key = crowd.Fold(p.Name), u.Key
	d.users.unlink(u)
	for g := range u.groups.All() {
		g.members.Delete(u.Folded)
	}
	u.UserProfile = &p
	d.users.link(u)
	for g := range u.groups.All() {
		g.members.Insert(u)
	}
}

// DeleteUser removes u with its attributes and memberships.
func (d *Directory) DeleteUser(u *User) {
	d.users.unlink(u)
	delete(d.keys, u.Key)
	for g := range u.groups.All() {
		g.members.Delete(u.Folded)
	}
}

// SetUserAttribute replaces the values of one attribute; none removes it.
func (d *Directory) SetUserAttribute(u *User, name string, values []string) {
	d.users.setAttribute(u, name, values)
}
