package crowdtest

import (
	"net/http"
	"strings"
	"time"
)

// members makes users with those names and a group that they are in.
func (c *conformer) members(shorts ...string) (group string) {
	group = c.group("devs")
	for _, short := range shorts {
		c.want(http.StatusCreated, "POST", on("group/user/direct", "groupname", group), conformName(c.user(short)))
	}
	return group
}

func conformListEntries(c *conformer) {
	group := c.members("ann")
	entry := func(resource, list string) map[string]any {
		entries, _ := c.want(http.StatusOK, "GET", resource, "").at(list).([]any)
		if len(entries) != 1 {
			c.problem("GET %s has %d entries, want 1", resource, len(entries))
			return nil
		}
		one, _ := entries[0].(map[string]any)
		return one
	}
	for _, of := range []struct{ resource, list, member string }{
		{on("group/user/direct", "groupname", group), "users", "email"},
		{on("user/group/direct", "username", c.name("ann")), "groups", "description"},
	} {
		for _, expand := range []string{"", "&expand=none"} {
			one := entry(of.resource+expand, of.list)
			if one["name"] == nil || one["link"] == nil || one[of.member] != nil {
				c.problem("GET %s has the entry %v, want name and link", of.resource+expand, one)
			}
		}
		if one := entry(of.resource+"&expand="+strings.TrimSuffix(of.list, "s"), of.list); one[of.member] == nil {
			c.problem("GET %s expanded has no %s", of.resource, of.member)
		}
	}
}

func conformPages(c *conformer) {
	resource := on("group/user/direct", "groupname", c.members("a", "b", "c"))
	for page, want := range map[string]string{
		"":                               "a b c",
		"&max-results=-1":                "a b c",
		"&max-results=99999":             "a b c",
		"&start-index=1&max-results=1":   "b",
		"&start-index=3":                 "",
		"&start-index=5000":              "",
		"&start-index=0&max-results=999": "a b c",
	} {
		c.same("the page "+page, c.list(resource+page), want)
	}
}

func conformOrder(c *conformer) {
	resource := on("group/user/direct", "groupname", c.members("b2", "B1", "a", "b10"))
	var paged []string
	for _, start := range []string{"0", "1", "2", "3"} {
		paged = append(paged, c.list(resource+"&max-results=1&start-index="+start))
	}
	c.same("the pages", strings.Join(paged, " "), "a B1 b10 b2")
}

func conformUnknownList(c *conformer) {
	for resource, reason := range map[string]string{
		on("user/group/direct", "username", c.name("nobody")):          reasonUserNotFound,
		on("user/group/nested", "username", c.name("nobody")):          reasonUserNotFound,
		on("group/user/direct", "groupname", c.name("nothing")):        reasonGroupNotFound,
		on("group/child-group/direct", "groupname", c.name("nothing")): reasonGroupNotFound,
	} {
		c.refused(http.StatusNotFound, reason, "GET", resource, "")
	}
}

// search returns the names that a query finds, without the prefix.
func (c *conformer) search(cql string) string {
	return c.list(on("search", "entity-type", "USER", "restriction", strings.ReplaceAll(cql, "NAME-", c.prefix)))
}

func conformCQL(c *conformer) {
	c.user("ann")
	c.user("bob")
	c.want(http.StatusNoContent, "PUT", on("user", "username", c.name("bob")),
		strings.Replace(conformUser(c.name("bob"), ""), `"active":true`, `"active":false`, 1))
	year := time.Now().UTC().AddDate(0, 0, -2).Format("2006")
	for cql, want := range map[string]string{
		`name = NAME-ann`:                                         "ann",
		`name = "NAME-ann"`:                                       "ann",
		`name = "NAME-*"`:                                         "ann bob",
		`name = "*NAME-b*"`:                                       "bob",
		`name = "NAME-*" and active = true`:                       "ann",
		`name = "NAME-ann" or name = "NAME-bob"`:                  "ann bob",
		`(name = NAME-ann or name = NAME-bob) and active = false`: "bob",
		`name = "NAME-*" and email = ann@example.com`:             "ann bob",
		`name = "NAME-*" and firstName = nobody`:                  "",
		`name = "NAME-*" and createdDate > 2010-12`:               "ann bob",
		`name = "NAME-*" and createdDate < ` + year:               "",
	} {
		c.same("what "+cql+" finds", c.search(cql), want)
	}
	c.refused(http.StatusBadRequest, reasonIllegalArgument, "GET", on("search", "entity-type", "role"), "")
	c.refused(http.StatusBadRequest, reasonIllegalArgument, "GET", on("search", "entity-type", "user", "restriction", "name ="), "")
}

func conformAttributeSearch(c *conformer) {
	name := c.user("ann")
	c.user("bob")
	attribute := c.name("team")
	c.want(http.StatusNoContent, "POST", on("user/attribute", "username", name), conformAttribute(attribute, "red", "blue"))
	for _, value := range []string{"red", "blue"} {
		c.same("who has "+value, c.search(attribute+" = "+value), "ann")
	}
	c.same("who has green", c.search(attribute+" = green"), "")
}

func conformSearchBodies(c *conformer) {
	odd := `o"d*d ☂ ä`
	name := c.user(odd)
	c.user("ann")
	property := `{"restriction-type":"property-search-restriction","property":{"name":"name","type":"STRING"},"match-mode":"EXACTLY_MATCHES","value":` + quoted(name) + `}`
	find := func(body string) string {
		a := c.want(http.StatusOK, "POST", "search?entity-type=user", body)
		return strings.ReplaceAll(a.names(), c.prefix, "")
	}
	c.same("what a property finds", find(property), odd)
	joined := `{"restriction-type":"boolean-search-restriction","boolean-logic":"and","restrictions":[` +
		strings.NewReplacer("EXACTLY_MATCHES", "CONTAINS", quoted(name), quoted(c.prefix)).Replace(property) +
		`,{"restriction-type":"property-search-restriction","property":{"name":"active","type":"BOOLEAN"},"match-mode":"EXACTLY_MATCHES","value":"true"}]}`
	c.same("what joined restrictions find", find(joined), "ann "+odd)
	c.want(http.StatusBadRequest, "POST", "search?entity-type=user", strings.Replace(property, `"restriction-type":"property-search-restriction",`, "", 1))
	r := c.request("POST", "search?entity-type=user", `<property-search-restriction><property><name>name</name><type>STRING</type></property>`+
		`<match-mode>EXACTLY_MATCHES</match-mode><value>`+c.name("ann")+`</value></property-search-restriction>`)
	r.Header.Set("Content-Type", "application/xml")
	c.same("what a property in XML finds", c.send(r).names(), c.name("ann"))
}
