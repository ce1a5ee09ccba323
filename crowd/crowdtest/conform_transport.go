package crowdtest

import (
	"net/http"
	"strings"
	"sync"
)

func conformVersions(c *conformer) {
	name := c.user("ann")
	for _, version := range []string{"1", "latest"} {
		r := c.request("GET", on("user", "username", name), "")
		r.URL.Path = strings.Replace(r.URL.Path, "/rest/usermanagement/1/", "/rest/usermanagement/"+version+"/", 1)
		c.checkStatus(c.send(r), http.StatusOK, "GET", r.URL.Path)
	}
}

func conformUnauthenticated(c *conformer) {
	spoil := map[string]func(r *http.Request){
		"missing":   func(r *http.Request) { r.Header.Del("Authorization") },
		"malformed": func(r *http.Request) { r.Header.Set("Authorization", "Basic !") },
		"wrong":     func(r *http.Request) { r.SetBasicAuth(c.target.Application, "not "+c.target.Password.Reveal()) },
	}
	for what, f := range spoil {
		for _, resource := range []string{"config/cookie", "no/such/resource"} {
			for _, accept := range []string{"application/json", "application/xml"} {
				r := c.request("GET", resource, "")
				r.Header.Set("Accept", accept)
				f(r)
				a := c.send(r)
				c.checkStatus(a, http.StatusUnauthorized, "with "+what+" credentials GET", resource)
				c.same("the body", a.body, "Application failed to authenticate")
				if media := a.header.Get("Content-Type"); !strings.HasPrefix(media, "text/plain") {
					c.problem("the content type is %q, want text/plain", media)
				}
			}
		}
	}
}

func conformUnknownPath(c *conformer) { c.want(http.StatusNotFound, "GET", "no/such/resource", "") }

func conformVersionHeader(c *conformer) {
	for resource, status := range map[string]int{"config/cookie": 200, on("user", "username", c.name("nobody")): 404} {
		if a := c.want(status, "GET", resource, ""); a.header.Get("X-Embedded-Crowd-Version") == "" {
			c.problem("GET %s has no X-Embedded-Crowd-Version", resource)
		}
	}
}

func conformCookie(c *conformer) {
	cookie := c.want(http.StatusOK, "GET", "config/cookie", "").header.Get("Set-Cookie")
	if cookie == "" {
		c.problem("a success sets no cookie")
	}
	for _, cookie := range []string{cookie, "JSESSIONID=unknown"} {
		r := c.request("GET", "config/cookie", "")
		r.Header.Set("Cookie", strings.Split(cookie, ";")[0])
		c.checkStatus(c.send(r), http.StatusOK, "with a cookie GET", "config/cookie")
	}
}

func conformFormats(c *conformer) {
	for accept, want := range map[string]string{
		"application/json": "application/json", "application/xml": "application/xml", "": "application/xml",
	} {
		r := c.request("GET", "config/cookie", "")
		r.Header["Accept"] = []string{accept}
		if media := c.send(r).header.Get("Content-Type"); !strings.HasPrefix(media, want) {
			c.problem("Accept %q gets %q, want %s", accept, media, want)
		}
	}
	name := c.name("ann")
	c.remove(on("user", "username", name))
	r := c.request("POST", "user", `<user name="`+name+`"><first-name>A</first-name><last-name>L</last-name><display-name>A L</display-name>`+
		`<email>a@example.com</email><active>true</active><password><value>`+conformSecret+`</value></password></user>`)
	r.Header.Set("Content-Type", "application/xml;charset=UTF-8")
	a := c.send(r)
	c.checkStatus(a, http.StatusCreated, "in XML POST", "user")
	c.same("the name in JSON", a.text("name"), name)
}

func conformTypesAndMethods(c *conformer) {
	name := c.name("ann")
	c.remove(on("user", "username", name))
	r := c.request("POST", "user", conformUser(name, ""))
	r.Header.Set("Content-Type", "text/plain")
	c.checkStatus(c.send(r), http.StatusUnsupportedMediaType, "in text/plain POST", "user")
	c.want(http.StatusMethodNotAllowed, "PUT", on("user/attribute", "username", name), conformAttribute("a", "b"))
	c.want(http.StatusNotFound, "GET", on("user", "username", name), "")
}

func conformNames(c *conformer) {
	for _, short := range []string{
		"a/b", "a+b", "100%", "50%25", "r&d", "#1", "why?", "star*", "o'neil", `say "hi"`, "two words", "ann@example.com", "josé", "日本", "👩‍💻", "<tag>", `back\slash`, "a;b=c",
	} {
		user, group := c.user(short), c.group(short)
		c.same("the user", c.want(http.StatusOK, "GET", on("user", "username", user), "").text("name"), user)
		c.want(http.StatusCreated, "POST", on("group/user/direct", "groupname", group), conformName(user))
		c.same("the member", c.want(http.StatusOK, "GET", on("group/user/direct", "groupname", group, "username", user), "").text("name"), user)
		c.same("the members in the dump", c.dumped()[group].users, []string{user})
		c.want(http.StatusNoContent, "DELETE", on("user", "username", user), "")
		c.want(http.StatusNoContent, "DELETE", on("group", "groupname", group), "")
	}
}

func conformPlus(c *conformer) {
	name := c.user("a b")
	for _, space := range []string{"+", "%20"} {
		c.want(http.StatusOK, "GET", "user?username="+strings.ReplaceAll(name, " ", space), "")
	}
	c.want(http.StatusNotFound, "GET", "user?username="+strings.ReplaceAll(name, " ", "%2B"), "")
}

func conformOuterSpace(c *conformer) {
	existing := c.user("ann")
	for _, name := range []string{"", " ", " " + c.name("x"), c.name("x") + " "} {
		c.refused(http.StatusBadRequest, reasonInvalidUser, "POST", "user", conformUser(name, ""))
		c.refused(http.StatusBadRequest, reasonInvalidGroup, "POST", "group", conformGroup(name))
		c.refused(http.StatusBadRequest, reasonInvalidUser, "POST", on("user/rename", "username", existing), `{"new-name":`+quoted(name)+`}`)
	}
}

func conformUnknownMembers(c *conformer) {
	name := c.name("ann")
	c.remove(on("user", "username", name))
	c.want(http.StatusCreated, "POST", "user", conformUser(name, `,"shoe-size":{"eu":[41]}`))
}

func conformMalformed(c *conformer) {
	on, off := c.name("on"), c.name("off")
	for name, active := range map[string]string{on: "true", off: "false"} {
		c.remove("user?username=" + name)
		body := strings.Replace(conformUser(name, ""), `"active":true`, `"active":"`+active+`"`, 1)
		c.same("active", c.want(http.StatusCreated, "POST", "user", body).at("active"), active)
	}
	for _, body := range []string{"{", "[]", `"x"`, `{"name":`} {
		c.want(http.StatusBadRequest, "POST", "user", body)
	}
}

func conformRaces(c *conformer) {
	user, group := c.user("ann"), c.group("devs")
	racing := c.name("racing")
	c.remove(on("user", "username", racing))
	for resource, body := range map[string]string{
		"user": conformUser(racing, ""),
		on("group/user/direct", "groupname", group): conformName(user),
	} {
		statuses := make([]int, 8)
		var wg sync.WaitGroup
		for i := range statuses {
			r := c.request("POST", resource, body)
			wg.Go(func() { statuses[i] = c.send(r).status })
		}
		wg.Wait()
		created := 0
		for _, status := range statuses {
			if status == http.StatusCreated {
				created++
			}
		}
		c.same("the number of 201 among racing POST "+resource, created, 1)
	}
}
