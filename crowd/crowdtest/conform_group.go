package crowdtest

import (
	"encoding/xml"
	"net/http"
	"strings"
)

func conformCreateGroup(c *conformer) {
	name := c.group("devs")
	c.refused(http.StatusBadRequest, reasonInvalidGroup, "POST", "group", conformGroup(strings.ToUpper(name)))
	g := c.want(http.StatusOK, "GET", on("group", "groupname", strings.ToUpper(name)), "")
	c.same("the name", g.text("name"), name)
	c.same("the type", g.text("type"), "GROUP")
}

func conformUpdateGroup(c *conformer) {
	name := c.group("devs")
	resource := on("group", "groupname", name)
	a := c.want(http.StatusOK, "PUT", resource, `{"name":`+quoted(name)+`,"type":"GROUP","description":"two","active":false}`)
	c.same("the name", a.text("name"), name)
	g := c.want(http.StatusOK, "GET", resource, "")
	c.same("the description", g.text("description"), "two")
	c.same("active", g.at("active"), false)
	c.want(http.StatusBadRequest, "PUT", resource, conformGroup(c.name("other")))
	c.refused(http.StatusNotFound, reasonGroupNotFound, "PUT", on("group", "groupname", c.name("nothing")), conformGroup(c.name("nothing")))
}

func conformDeleteGroup(c *conformer) {
	name, user := c.group("devs"), c.user("ann")
	c.want(http.StatusCreated, "POST", on("group/user/direct", "groupname", name), conformName(user))
	c.want(http.StatusNoContent, "DELETE", on("group", "groupname", name), "")
	c.refused(http.StatusNotFound, reasonGroupNotFound, "GET", on("group", "groupname", name), "")
	c.same("the user's groups", c.list(on("user/group/direct", "username", user)), "")
}

// memberRoutes are the two ways to add one membership.
func memberRoutes(user, group string) [2][2]string {
	return [2][2]string{
		{on("user/group/direct", "username", user), conformName(group)},
		{on("group/user/direct", "groupname", group), conformName(user)},
	}
}

func conformAddMember(c *conformer) {
	user, group := c.user("ann"), c.group("devs")
	for _, route := range memberRoutes(user, group) {
		c.want(http.StatusCreated, "POST", route[0], route[1])
		c.same("the members", c.list(on("group/user/direct", "groupname", group)), "ann")
		for _, again := range memberRoutes(user, group) {
			c.refused(http.StatusConflict, reasonMembershipExists, "POST", again[0], again[1])
		}
		c.want(http.StatusNoContent, "DELETE", on("group/user/direct", "groupname", group, "username", user), "")
	}
}

func conformAddUnknown(c *conformer) {
	user, group := c.user("ann"), c.group("devs")
	unknown := memberRoutes(user, c.name("nothing"))
	c.refused(http.StatusBadRequest, reasonGroupNotFound, "POST", unknown[0][0], unknown[0][1])
	c.refused(http.StatusNotFound, reasonGroupNotFound, "POST", unknown[1][0], unknown[1][1])
	unknown = memberRoutes(c.name("nobody"), group)
	c.refused(http.StatusNotFound, reasonUserNotFound, "POST", unknown[0][0], unknown[0][1])
	c.refused(http.StatusBadRequest, reasonUserNotFound, "POST", unknown[1][0], unknown[1][1])
}

func conformEmptyBodyType(c *conformer) {
	user := c.user("ann")
	for i, media := range []string{"application/json", "application/xml"} {
		route := memberRoutes(user, c.group("devs"+media[12:]))[i]
		r := c.request("POST", route[0], route[1])
		r.Header.Set("Accept", media)
		if got := c.send(r).header.Get("Content-Type"); !strings.HasPrefix(got, media) {
			c.problem("the content type is %q, want %s", got, media)
		}
	}
}

func conformRemoveMember(c *conformer) {
	user, group := c.user("ann"), c.group("devs")
	for _, resource := range []string{"user/group/direct", "group/user/direct"} {
		both := on(resource, "username", user, "groupname", group)
		c.want(http.StatusCreated, "POST", on("group/user/direct", "groupname", group), conformName(user))
		c.want(http.StatusNoContent, "DELETE", both, "")
		c.refused(http.StatusNotFound, reasonMembershipNotFound, "DELETE", both, "")
		c.refused(http.StatusNotFound, reasonUserNotFound, "DELETE", on(resource, "username", c.name("nobody"), "groupname", group), "")
		c.refused(http.StatusNotFound, reasonGroupNotFound, "DELETE", on(resource, "username", user, "groupname", c.name("nothing")), "")
	}
}

func conformTestMembership(c *conformer) {
	user, group := c.user("ann"), c.group("devs")
	for resource, want := range map[string]string{"user/group/direct": group, "group/user/direct": user} {
		both := on(resource, "username", user, "groupname", group)
		c.refused(http.StatusNotFound, reasonMembershipNotFound, "GET", both, "")
		c.want(http.StatusCreated, "POST", on("group/user/direct", "groupname", group), conformName(user))
		c.same("the one entity", c.want(http.StatusOK, "GET", both, "").text("name"), want)
		c.want(http.StatusNoContent, "DELETE", both, "")
	}
}

// nesting makes the first group the parent of the second, and tells whether
// the directory allows it.
func (c *conformer) nesting(parent, child string) bool {
	resource := on("group/child-group/direct", "groupname", parent)
	if c.call("POST", resource, conformName(child)).status == http.StatusCreated {
		return true
	}
	c.refused(http.StatusBadRequest, reasonNestedGroups, "POST", resource, conformName(child))
	c.refused(http.StatusBadRequest, reasonNestedGroups, "POST", on("group/parent-group/direct", "groupname", child), conformName(parent))
	return false
}

func conformNesting(c *conformer) {
	parent, child := c.group("parent"), c.group("child")
	if !c.nesting(parent, child) {
		return
	}
	c.same("the children", c.list(on("group/child-group/direct", "groupname", parent)), "child")
	c.same("the parents", c.list(on("group/parent-group/direct", "groupname", child)), "parent")
	both := on("group/child-group/direct", "groupname", parent, "child-groupname", child)
	c.want(http.StatusNoContent, "DELETE", both, "")
	c.refused(http.StatusNotFound, reasonMembershipNotFound, "DELETE", both, "")
	c.want(http.StatusCreated, "POST", on("group/parent-group/direct", "groupname", child), conformName(parent))
	c.same("the children", c.list(on("group/child-group/direct", "groupname", parent)), "child")
}

// conformNestedLists closes a circle where the directory allows it.
func conformNestedLists(c *conformer) {
	a, b, user := c.group("a"), c.group("b"), c.user("ann")
	if !c.nesting(a, b) {
		return
	}
	c.call("POST", on("group/child-group/direct", "groupname", b), conformName(a))
	for _, group := range []string{a, b} {
		c.want(http.StatusCreated, "POST", on("group/user/direct", "groupname", group), conformName(user))
	}
	c.same("the nested children", c.list(on("group/child-group/nested", "groupname", a)), "b")
	c.same("the nested parents", c.list(on("group/parent-group/nested", "groupname", b)), "a")
	c.same("the nested members", c.list(on("group/user/nested", "groupname", a)), "ann")
	c.same("the nested groups", c.list(on("user/group/nested", "username", user)), "a b")
}

// dumpedGroup is a group in the dump of memberships.
type dumpedGroup struct{ users, groups []string }

// dumped reads the dump of memberships.
func (c *conformer) dumped() map[string]dumpedGroup {
	r := c.request("GET", "group/membership", "")
	r.Header.Set("Accept", "application/xml")
	a := c.send(r)
	c.checkStatus(a, http.StatusOK, "GET", "group/membership")
	type entry struct {
		Name string `xml:"name,attr"`
	}
	var dump struct {
		Memberships []struct {
			Group  string  `xml:"group,attr"`
			Users  []entry `xml:"users>user"`
			Groups []entry `xml:"groups>group"`
		} `xml:"membership"`
	}
	if err := xml.Unmarshal([]byte(a.body), &dump); err != nil {
		c.problem("the dump cannot be read: %v", err)
	}
	groups := map[string]dumpedGroup{}
	for _, m := range dump.Memberships {
		var one dumpedGroup
		for _, u := range m.Users {
			one.users = append(one.users, u.Name)
		}
		for _, g := range m.Groups {
			one.groups = append(one.groups, g.Name)
		}
		groups[m.Group] = one
	}
	return groups
}

func conformDump(c *conformer) {
	user, group, empty := c.user("ann"), c.group("devs"), c.group("empty")
	c.want(http.StatusCreated, "POST", on("group/user/direct", "groupname", group), conformName(user))
	dump := c.dumped()
	c.same("the members", dump[group].users, []string{user})
	if _, found := dump[empty]; !found {
		c.problem("a group without members is not in the dump")
	}
	c.want(http.StatusNotAcceptable, "GET", "group/membership", "")
}
