package source

import (
	"bytes"
	"encoding/json"
	"slices"
)

// An oktaUser is a user as Okta's Users API represents it.
type oktaUser struct {
	ID      string
	Status  string
	Profile map[string]any
}

// UnmarshalJSON keeps numbers of the profile as they are written.
func (u *oktaUser) UnmarshalJSON(data []byte) error {
	var user struct {
		ID, Status string
		Profile    map[string]any
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&user); err != nil {
		return err
	}
	*u = oktaUser(user)
	return nil
}

// check refuses a user without what makes one. A list that has such is not one of
// users.
func (u *oktaUser) check() error {
	if u.ID == "" || u.Status == "" || u.text("login") == "" {
		return incomplete("okta", "list users", "a user has no id, no status or no profile.login")
	}
	return nil
}

func (u *oktaUser) text(property string) string {
	s, _ := u.Profile[property].(string)
	return s
}

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// resource returns the user as a SCIM resource. Okta's default profile is made after
// SCIM's core schema ("User profile object" in the Users API reference), so that most
// of its properties have one attribute they belong to:
//
//	login                           userName
//	email, secondEmail              emails of type work (primary) and other
//	firstName, lastName, middleName name.givenName, familyName, middleName
//	honorificPrefix and -Suffix     name
//	primaryPhone, mobilePhone       phoneNumbers of type work (primary) and mobile
//	streetAddress, city, state,     the address of type work
//	zipCode, countryCode,
//	postalAddress
//	displayName, nickName, title,   the attributes of those names
//	profileUrl, preferredLanguage,
//	locale, timezone, userType
//	employeeNumber, costCenter,     the enterprise extension
//	organization, division,
//	department
//	managerId, manager              manager.value and displayName, there
func (u *oktaUser) resource(adjust func(profile, user map[string]any)) map[string]any {
	r := map[string]any{"externalId": u.ID, "active": slices.Contains(OktaActive(), u.Status)}
	u.copy(r, "userName", "login", "displayName", "displayName", "nickName", "nickName", "title", "title",
		"profileUrl", "profileUrl", "preferredLanguage", "preferredLanguage", "locale", "locale", "timezone", "timezone",
		"userType", "userType")
	u.object(r, "name", "givenName", "firstName", "familyName", "lastName", "middleName", "middleName",
		"honorificPrefix", "honorificPrefix", "honorificSuffix", "honorificSuffix")
	u.values(r, "emails", "email", "work", "secondEmail", "other")
	u.values(r, "phoneNumbers", "primaryPhone", "work", "mobilePhone", "mobile")
	u.address(r)
	u.enterprise(r)
	if adjust != nil {
		adjust(u.Profile, r)
		r["externalId"] = u.ID
	}
	return r
}

// copy sets attributes of a resource to what properties of the profile have, given
// as pairs of names.
func (u *oktaUser) copy(to map[string]any, pairs ...string) {
	for pair := range slices.Chunk(pairs, 2) {
		if v := u.text(pair[1]); v != "" {
			to[pair[0]] = v
		}
	}
}

func (u *oktaUser) object(to map[string]any, name string, pairs ...string) {
	object := map[string]any{}
	if u.copy(object, pairs...); len(object) > 0 {
		to[name] = object
	}
}

// values makes a multi-valued attribute of properties and their types; the first is
// the primary one.
func (u *oktaUser) values(to map[string]any, name string, pairs ...string) {
	var all []any
	for pair := range slices.Chunk(pairs, 2) {
		v := u.text(pair[0])
		if v == "" {
			continue
		}
		value := map[string]any{"value": v, "type": pair[1]}
		if pair[0] == pairs[0] {
			value["primary"] = true
		}
		all = append(all, value)
	}
	if all != nil {
		to[name] = all
	}
}

func (u *oktaUser) address(to map[string]any) {
	address := map[string]any{}
	u.copy(address, "streetAddress", "streetAddress", "locality", "city", "region", "state",
		"postalCode", "zipCode", "country", "countryCode", "formatted", "postalAddress")
	if len(address) > 0 {
		address["type"], address["primary"] = "work", true
		to["addresses"] = []any{address}
	}
}

func (u *oktaUser) enterprise(to map[string]any) {
	extension := map[string]any{}
	u.copy(extension, "employeeNumber", "employeeNumber", "costCenter", "costCenter",
		"organization", "organization", "division", "division", "department", "department")
	u.object(extension, "manager", "value", "managerId", "displayName", "manager")
	if len(extension) > 0 {
		to[enterprise] = extension
	}
}
