package crowdtest

import (
	"net/http"
	"net/url"
)

func conformSessions(c *conformer) {
	user := c.user("ann")
	body := func(address string) string {
		return `{"username":` + quoted(user) + `,"password":"` + conformSecret + `","validation-factors":` + factors(address) + `}`
	}
	a := c.want(http.StatusCreated, "POST", "session", body("192.0.2.1"))
	token := a.text("token")
	if from, to := number(a, "created-date"), number(a, "expiry-date"); to <= from {
		c.problem("the session lives from %v to %v", from, to)
	}
	c.same("the token of the same factors", c.want(http.StatusCreated, "POST", "session", body("192.0.2.1")).text("token"), token)
	session := "session/" + url.PathEscape(token)
	c.same("the user", c.want(http.StatusOK, "GET", session, "").text("user", "name"), user)
	c.want(http.StatusOK, "POST", session, factors("192.0.2.1"))
	if status := c.call("POST", session, factors("192.0.2.2")).status; status < 400 {
		c.problem("other factors validate: %d", status)
	}
	other := "session/" + url.PathEscape(c.want(http.StatusCreated, "POST", "session", body("192.0.2.3")).text("token"))
	c.want(http.StatusNoContent, "DELETE", on("session", "username", user, "exclude", token), "")
	c.refused(http.StatusNotFound, reasonInvalidToken, "GET", other, "")
	c.want(http.StatusOK, "GET", session, "")
	c.want(http.StatusNoContent, "DELETE", session, "")
	c.refused(http.StatusNotFound, reasonInvalidToken, "GET", session, "")
	long := c.want(http.StatusCreated, "POST", "session?duration=99999999", body("192.0.2.4"))
	if life := number(long, "expiry-date") - number(long, "created-date"); life >= 99999999*1000 {
		c.problem("a session lives for %v milliseconds, as long as is asked for", life)
	}
}

func factors(address string) string {
	return `{"validationFactors":[{"name":"remote_address","value":"` + address + `"}]}`
}

func number(a conformAnswer, member string) float64 {
	n, _ := a.at(member).(float64)
	return n
}

func conformCookieConfig(c *conformer) {
	a := c.want(http.StatusOK, "GET", "config/cookie", "")
	if a.text("name") == "" {
		c.problem("the cookie has no name: %s", a.body)
	}
	if _, isBool := a.at("secure").(bool); !isBool {
		c.problem("secure is %v", a.at("secure"))
	}
}

// conformEvents takes a server without events for one that conforms; it cannot
// tell whether something else moves the token too.
func conformEvents(c *conformer) {
	current := func() conformAnswer { return c.call("GET", "event", "") }
	before := current()
	if before.status == http.StatusNotFound || before.at("incrementalSynchronisationAvailable") != true {
		return
	}
	c.user("ann")
	if token := before.text("newEventToken"); current().text("newEventToken") == token {
		c.problem("a new user does not change the event token")
	} else {
		r := c.request("GET", "event/"+url.PathEscape(token), "")
		r.Header.Set("Accept", "application/xml")
		c.checkStatus(c.send(r), http.StatusOK, "GET", "event/{token}")
	}
	c.refused(http.StatusGone, reasonEventTokenExpired, "GET", "event/no-such-token", "")
}
