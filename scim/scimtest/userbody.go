package scimtest

import (
	"crypto/rand"
	"maps"
	"slices"
)

const (
	coreUser   = "urn:ietf:params:scim:schemas:core:2.0:User"
	coreGroup  = "urn:ietf:params:scim:schemas:core:2.0:Group"
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	entraURN   = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
)

// A resource is a SCIM resource as JSON has it.
type resource = map[string]any

func emails(address string) []any {
	return []any{resource{"primary": true, "value": address, "type": "work"}}
}

// plain is what every app sends of a user.
func plain(u User, active bool) resource {
	r := resource{"schemas": []string{coreUser}, "userName": u.UserName, "active": active}
	name := resource{}
	put(name, "givenName", u.GivenName)
	put(name, "familyName", u.FamilyName)
	if len(name) > 0 {
		r["name"] = name
	}
	if u.Email != "" {
		r["emails"] = emails(u.Email)
	}
	put(r, "title", u.Title)
	return r
}

func put(r resource, name, value string) {
	if value != "" {
		r[name] = value
	}
}

// extended adds the enterprise extension and names it in schemas.
func extended(r resource, u User) resource {
	if u.Department != "" {
		r[enterprise] = resource{"department": u.Department}
		r["schemas"] = []string{coreUser, enterprise}
	}
	return r
}

// oktaUser has a random password, as Okta sends even without password sync.
func oktaUser(u User, active bool) resource {
	r := extended(plain(u, active), u)
	put(r, "displayName", u.DisplayName)
	r["locale"], r["externalId"], r["groups"], r["password"] = "en-US", u.ID, []any{}, "Aa1-"+rand.Text()
	return r
}

// merged is Okta's PUT: what the server returned with the mapped attributes set
// in it, and left out where they have no value.
func merged(had resource, u User, active bool) resource {
	r := maps.Clone(had)
	if r == nil {
		r = resource{}
	}
	wanted := oktaUser(u, active)
	delete(wanted, "password")
	delete(wanted, "groups")
	for _, name := range []string{"displayName", "title", "emails", "name", enterprise} {
		delete(r, name)
	}
	maps.Copy(r, wanted)
	if _, ok := r["groups"]; !ok {
		r["groups"] = []any{}
	}
	delete(r, "password")
	return r
}

func entraUser(u User, active bool) resource {
	r := extended(plain(u, active), u)
	r["schemas"] = []string{coreUser, enterprise}
	put(r, "displayName", u.DisplayName)
	if name, ok := r["name"].(resource); ok {
		name["formatted"] = u.formatted()
	}
	r["externalId"], r["meta"], r["roles"] = u.ID, resource{"resourceType": "User"}, []any{}
	return r
}

// formatted is the name as it is displayed where nothing else is said.
func (u User) formatted() string {
	if u.GivenName == "" || u.FamilyName == "" {
		return u.GivenName + u.FamilyName
	}
	return u.GivenName + " " + u.FamilyName
}

// oneLoginUser is the stock template, whose placeholder for active is quoted
// and whose schemas do not name the extension.
func oneLoginUser(u User, active bool) resource {
	r := extended(plain(u, active), u)
	r["schemas"] = []string{coreUser}
	if name, ok := r["name"].(resource); ok {
		name["formatted"] = u.formatted()
	}
	r["active"], r["id"], r["meta"] = spelled(active, "true", "false"), nil, resource{"resourceType": "User"}
	return r
}

func oneLoginPut(had resource, u User, active bool) resource {
	r := extended(plain(u, active), u)
	r["schemas"], r["id"] = []string{coreUser}, had["id"]
	return r
}

func jumpCloudUser(u User, active bool) resource {
	r := extended(plain(u, active), u)
	r["schemas"] = []string{coreUser, enterprise}
	put(r, "displayName", u.DisplayName)
	r["externalId"], r["locale"], r["preferredLanguage"] = u.ID, "en-US", "en-US"
	return r
}

// jumpCloudPut names the schemas the other way round; without an address, emails
// is null.
func jumpCloudPut(had resource, u User, active bool) resource {
	r := jumpCloudUser(u, active)
	r["schemas"], r["id"] = []string{enterprise, coreUser}, had["id"]
	r["addresses"], r["phoneNumbers"] = []any{}, []any{}
	if u.Email == "" {
		r["emails"] = nil
	}
	return r
}

func googleUser(u User, active bool) resource {
	r := extended(plain(u, active), u)
	put(r, "displayName", u.DisplayName)
	r["externalId"] = u.ID
	return r
}

func googlePut(had resource, u User, active bool) resource {
	return identified(googleUser(u, active), had)
}

// pingUser says nothing of attributes without a value: the product cannot clear
// them.
func pingUser(u User, active bool) resource { return extended(plain(u, active), u) }

func pingPut(had resource, u User, active bool) resource { return identified(pingUser(u, active), had) }

func identified(r, had resource) resource {
	r["id"] = had["id"]
	return r
}

func spelled(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

// An attribute is one that an app maps, under the path by which it is patched.
type attribute struct {
	path string
	want func(User) string
	have func(resource) string
}

// attributes lists the attributes that the app maps, active aside.
func (t traits) attributes() []attribute {
	return slices.DeleteFunc([]attribute{
		{"userName", func(u User) string { return u.UserName }, text("userName")},
		{"displayName", func(u User) string { return u.DisplayName }, text("displayName")},
		{"title", func(u User) string { return u.Title }, text("title")},
		{`emails[type eq "work"].value`, func(u User) string { return u.Email }, workEmail},
		{"name.givenName", func(u User) string { return u.GivenName }, text("name", "givenName")},
		{"name.familyName", func(u User) string { return u.FamilyName }, text("name", "familyName")},
		{"name.formatted", User.formatted, text("name", "formatted")},
		{"externalId", func(u User) string { return u.ID }, text("externalId")},
		{enterprise + ":department", func(u User) string { return u.Department }, text(enterprise, "department")},
	}, func(a attribute) bool { return slices.Contains(t.withheld, a.path) })
}

// text reads a text that lies below names.
func text(names ...string) func(resource) string {
	return func(r resource) string {
		for _, name := range names[:len(names)-1] {
			r, _ = r[name].(resource)
		}
		s, _ := r[names[len(names)-1]].(string)
		return s
	}
}

func workEmail(r resource) string {
	list, _ := r["emails"].([]any)
	i := slices.IndexFunc(list, func(e any) bool {
		entry, _ := e.(resource)
		return entry["type"] == "work"
	})
	if i < 0 {
		return ""
	}
	return text("value")(list[i].(resource))
}
