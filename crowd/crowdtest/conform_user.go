package crowdtest

import (
	"net/http"
	"strings"
)

func conformGetUser(c *conformer) {
	name := c.user("Ann")
	a := c.want(http.StatusOK, "GET", on("user", "username", strings.ToUpper(name)), "")
	c.same("the name", a.text("name"), name)
	key := a.text("key")
	c.same("the user by key", c.want(http.StatusOK, "GET", on("user", "key", key), "").text("name"), name)
	other := c.user("bob")
	c.same("the user by key and name", c.want(http.StatusOK, "GET", on("user", "key", key, "username", other), "").text("name"), other)
	c.want(http.StatusBadRequest, "GET", "user", "")
}

func conformExpand(c *conformer) {
	name := c.user("ann")
	c.want(http.StatusNoContent, "POST", on("user/attribute", "username", name), conformAttribute("team", "red", "blue"))
	plain := c.want(http.StatusOK, "GET", on("user", "username", name), "")
	c.same("expand", plain.at("expand"), "attributes")
	c.same("the attributes without expand", plain.at("attributes", "attributes"), []any{})
	filled := c.want(http.StatusOK, "GET", on("user", "username", name, "expand", "attributes"), "")
	c.same("the number of values", len(filled.values("team", "attributes", "attributes")), 2)
}

func conformNoPassword(c *conformer) {
	name := c.user("ann")
	for _, accept := range []string{"application/json", "application/xml"} {
		for _, r := range []*http.Request{
			c.request("GET", on("user", "username", name, "expand", "attributes"), ""),
			c.request("POST", on("authentication", "username", name), `{"value":"`+conformSecret+`"}`),
			c.request("GET", on("search", "entity-type", "user", "restriction", `name="`+name+`"`, "expand", "user"), ""),
		} {
			r.Header.Set("Accept", accept)
			if a := c.send(r); a.status != http.StatusOK || strings.Contains(a.body, conformSecret) {
				c.problem("%s %s is %d or holds the password", r.Method, r.URL.Path, a.status)
			}
		}
	}
}

func conformCreateUser(c *conformer) {
	name := c.name("ann")
	c.remove(on("user", "username", name))
	body := strings.Replace(conformUser(name, ""), `"active":true`, `"active":false`, 1)
	created := c.want(http.StatusCreated, "POST", "user", body)
	if key := created.text("key"); !strings.Contains(key, ":") {
		c.problem("the key is %q, want a directory's id, a colon and an id", key)
	}
	if at, _ := created.at("created-date").(float64); at < 1e12 {
		c.problem("created-date is %v, want milliseconds", created.at("created-date"))
	}
	c.same("active", created.at("active"), false)
	read := c.want(http.StatusOK, "GET", on("user", "username", name), "")
	for _, member := range []string{"name", "first-name", "last-name", "display-name", "email", "active", "key", "created-date"} {
		c.same(member, read.at(member), created.at(member))
	}
}

func conformNameTaken(c *conformer) {
	name := c.user("ann")
	for _, taken := range []string{name, strings.ToUpper(name)} {
		c.refused(http.StatusBadRequest, reasonInvalidUser, "POST", "user", strings.Replace(conformUser(taken, ""), "Ann", "Eve", 1))
	}
	c.same("the first name", c.want(http.StatusOK, "GET", on("user", "username", name), "").text("first-name"), "Ann")
}

func conformPasswordNeeded(c *conformer) {
	name := c.name("ann")
	c.remove(on("user", "username", name))
	c.refused(http.StatusBadRequest, reasonInvalidUser, "POST", "user",
		`{"name":`+quoted(name)+`,"first-name":"A","last-name":"L","display-name":"A L","email":"a@example.com","active":true}`)
	c.want(http.StatusCreated, "POST", "user", conformUser(name, `,"attributes":`+conformAttribute("team", "red")))
	c.same("the attribute", c.want(http.StatusOK, "GET", on("user/attribute", "username", name), "").values("team", "attributes"), []string{"red"})
}

func conformUpdateUser(c *conformer) {
	name := c.user("ann")
	c.want(http.StatusNoContent, "POST", on("user/attribute", "username", name), conformAttribute("team", "red"))
	a := c.want(http.StatusNoContent, "PUT", on("user", "username", name),
		`{"name":`+quoted(name)+`,"last-name":"Berg","display-name":"B","email":"ann@example.com","active":true,"password":{"value":"other"}}`)
	c.same("the body", a.body, "")
	u := c.want(http.StatusOK, "GET", on("user", "username", name, "expand", "attributes"), "")
	c.same("the first name left out", u.text("first-name"), "")
	c.same("the last name", u.text("last-name"), "Berg")
	c.same("the attribute", u.values("team", "attributes", "attributes"), []string{"red"})
	c.want(http.StatusOK, "POST", on("authentication", "username", name), `{"value":"`+conformSecret+`"}`)
}

func conformUpdateName(c *conformer) {
	name := c.user("Ann")
	resource := on("user", "username", name)
	c.want(http.StatusBadRequest, "PUT", resource, conformUser(c.name("eve"), ""))
	c.want(http.StatusNoContent, "PUT", resource, conformUser(strings.ToUpper(name), ""))
	c.same("the name", c.want(http.StatusOK, "GET", resource, "").text("name"), name)
}

// conformEmail takes both a server that forbids other e-mails and one whose
// administrator has lifted the ban.
func conformEmail(c *conformer) {
	resource := on("user", "username", c.user("ann"))
	c.want(http.StatusNoContent, "PUT", resource, conformUser(c.name("ann"), ""))
	changed := strings.NewReplacer("ann@example.com", "eve@example.com", `"Ann"`, `"Eve"`).Replace(conformUser(c.name("ann"), ""))
	if c.call("PUT", resource, changed).status == http.StatusNoContent {
		c.same("the e-mail", c.want(http.StatusOK, "GET", resource, "").text("email"), "eve@example.com")
		return
	}
	c.refused(http.StatusForbidden, reasonPermissionDenied, "PUT", resource, changed)
	c.same("the first name", c.want(http.StatusOK, "GET", resource, "").text("first-name"), "Ann")
}

func conformUnknownUser(c *conformer) {
	name := c.name("nobody")
	for _, call := range []struct{ method, resource, body string }{
		{"PUT", "user", conformUser(name, "")},
		{"DELETE", "user", ""},
		{"POST", "user/rename", `{"new-name":` + quoted(c.name("x")) + `}`},
		{"GET", "user/attribute", ""},
		{"POST", "user/attribute", conformAttribute("a", "b")},
		{"PUT", "user/password", `{"value":"` + conformSecret + `"}`},
	} {
		c.refused(http.StatusNotFound, reasonUserNotFound, call.method, on(call.resource, "username", name), call.body)
	}
}

func conformDeleteUser(c *conformer) {
	name, group := c.user("ann"), c.group("devs")
	key := c.want(http.StatusOK, "GET", on("user", "username", name), "").text("key")
	c.want(http.StatusCreated, "POST", on("group/user/direct", "groupname", group), conformName(name))
	c.want(http.StatusNoContent, "POST", on("user/attribute", "username", name), conformAttribute("team", "red"))
	c.want(http.StatusNoContent, "DELETE", on("user", "username", name), "")
	c.user("ann")
	u := c.want(http.StatusOK, "GET", on("user", "username", name, "expand", "attributes"), "")
	if u.text("key") == key {
		c.problem("the new user has the key of the old one")
	}
	c.same("the attribute of the old user", u.values("team", "attributes", "attributes"), []string(nil))
	c.same("the groups of the new user", c.list(on("user/group/direct", "username", name)), "")
}

func conformRename(c *conformer) {
	name, group, zoe := c.user("ann"), c.group("devs"), c.name("Zoe")
	c.remove(on("user", "username", zoe))
	key := c.want(http.StatusOK, "GET", on("user", "username", name), "").text("key")
	c.want(http.StatusCreated, "POST", on("group/user/direct", "groupname", group), conformName(name))
	c.want(http.StatusNoContent, "POST", on("user/attribute", "username", name), conformAttribute("team", "red"))
	a := c.want(http.StatusOK, "POST", on("user/rename", "username", name), `{"new-name":`+quoted(zoe)+`}`)
	c.same("the new name", a.text("name"), zoe)
	c.same("the key", a.text("key"), key)
	c.want(http.StatusNotFound, "GET", on("user", "username", name), "")
	c.same("the members", c.list(on("group/user/direct", "groupname", group)), "Zoe")
	c.same("the attribute", c.want(http.StatusOK, "GET", on("user/attribute", "username", zoe), "").values("team", "attributes"), []string{"red"})
	c.want(http.StatusOK, "POST", on("authentication", "username", zoe), `{"value":"`+conformSecret+`"}`)
	c.want(http.StatusOK, "POST", on("user/rename", "username", zoe), `{"new-name":`+quoted(strings.ToUpper(zoe))+`}`)
	for _, bad := range []string{c.user("taken"), "", c.name(strings.Repeat("x", 255))} {
		c.refused(http.StatusBadRequest, reasonInvalidUser, "POST", on("user/rename", "username", zoe), `{"new-name":`+quoted(bad)+`}`)
	}
}

func conformUserAttributes(c *conformer) {
	c.attributes("user/attribute", "username", c.user("ann"))
}

func conformGroupAttributes(c *conformer) {
	c.attributes("group/attribute", "groupname", c.group("devs"))
}

// attributes checks the attributes of a user or of a group.
func (c *conformer) attributes(resource, parameter, name string) {
	all := on(resource, parameter, name)
	values := func(attribute string) []string {
		return c.want(http.StatusOK, "GET", all, "").values(attribute, "attributes")
	}
	c.want(http.StatusNoContent, "POST", all, conformAttribute("team", "red"))
	c.want(http.StatusNoContent, "POST", all, conformAttribute("size", "1", "2"))
	c.want(http.StatusNoContent, "POST", all, conformAttribute("team", "blue"))
	c.same("the values that were replaced", values("team"), []string{"blue"})
	c.same("the number of values that were kept", len(values("size")), 2)
	c.want(http.StatusNoContent, "DELETE", on(resource, parameter, name, "attributename", "team"), "")
	c.same("the values that were deleted", values("team"), []string(nil))
	c.want(http.StatusNoContent, "DELETE", on(resource, parameter, name, "attributename", "team"), "")
}

func conformSystemAttributes(c *conformer) {
	name := c.user("ann")
	value := func(attribute string) string {
		return first(c.want(http.StatusOK, "GET", on("user/attribute", "username", name), "").values(attribute, "attributes"))
	}
	for _, attribute := range []string{attrRequiresChange, attrAttempts, attrLastChanged} {
		if value(attribute) == "" {
			c.problem("a new user has no %s", attribute)
		}
	}
	c.want(http.StatusBadRequest, "POST", on("authentication", "username", name), `{"value":"wrong"}`)
	c.same("invalidPasswordAttempts", value(attrAttempts), "1")
	c.want(http.StatusOK, "POST", on("authentication", "username", name), `{"value":"`+conformSecret+`"}`)
	c.same("invalidPasswordAttempts", value(attrAttempts), "0")
	if value(attrLastAuthenticated) == "" {
		c.problem("after a login there is no %s", attrLastAuthenticated)
	}
}

func conformLongValues(c *conformer) {
	resource := on("user/attribute", "username", c.user("ann"))
	for sent, want := range map[string]string{
		strings.Repeat("ä", 255): strings.Repeat("ä", 255),
		strings.Repeat("ä", 256): strings.Repeat("ä", 252) + "...",
	} {
		c.want(http.StatusNoContent, "POST", resource, conformAttribute("long", sent))
		c.same("the value", first(c.want(http.StatusOK, "GET", resource, "").values("long", "attributes")), want)
	}
}

func conformLongNames(c *conformer) {
	fits := strings.Repeat("ß", 255-len(c.prefix))
	c.user(fits)
	c.group(fits)
	c.refused(http.StatusBadRequest, reasonInvalidUser, "POST", "user", conformUser(c.name(fits+"ß"), ""))
	c.refused(http.StatusBadRequest, reasonInvalidGroup, "POST", "group", conformGroup(c.name(fits+"ß")))
}

func conformPassword(c *conformer) {
	name := c.user("ann")
	login := on("authentication", "username", name)
	c.want(http.StatusNoContent, "PUT", on("user/password", "username", name), `{"value":"Other-`+conformSecret+`"}`)
	c.refused(http.StatusBadRequest, reasonUserAuthentication, "POST", login, `{"value":"`+conformSecret+`"}`)
	c.want(http.StatusOK, "POST", login, `{"value":"Other-`+conformSecret+`"}`)
	c.want(http.StatusNoContent, "DELETE", on("user/password", "username", name), "")
	c.refused(http.StatusBadRequest, reasonUserAuthentication, "POST", login, `{"value":"Other-`+conformSecret+`"}`)
}

func conformAuthentication(c *conformer) {
	name := c.user("ann")
	login := on("authentication", "username", name)
	secret := `{"value":"` + conformSecret + `"}`
	c.same("the user", c.want(http.StatusOK, "POST", login, secret).text("name"), name)
	c.refused(http.StatusBadRequest, reasonUserAuthentication, "POST", login, `{"value":"wrong"}`)
	c.refused(http.StatusBadRequest, reasonUserNotFound, "POST", on("authentication", "username", c.name("nobody")), secret)
	inactive := strings.Replace(conformUser(name, ""), `"active":true`, `"active":false`, 1)
	c.want(http.StatusNoContent, "PUT", on("user", "username", name), inactive)
	c.refused(http.StatusBadRequest, reasonInactiveAccount, "POST", login, secret)
}
