package crowdtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// A conformer carries one check out on a target and keeps what it finds.
type conformer struct {
	tb       testing.TB
	target   Target
	prefix   string
	problems []string
	made     []string
}

// problem keeps a difference from the behaviour list.
func (c *conformer) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// same keeps a difference between two values.
func (c *conformer) same(what string, got, want any) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		c.problem("%s is %q, want %q", what, g, w)
	}
}

// A conformAnswer is what came back from the target.
type conformAnswer struct {
	status int
	header http.Header
	body   string
}

// request makes a request that asks in JSON for JSON.
func (c *conformer) request(method, resource, body string) *http.Request {
	r, err := http.NewRequestWithContext(c.tb.Context(), method,
		strings.TrimSuffix(c.target.BaseURL, "/")+"/rest/usermanagement/1/"+resource, strings.NewReader(body))
	if err != nil {
		c.tb.Fatalf("crowdtest: conform: %v", err)
	}
	r.Header.Set("Accept", "application/json")
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.SetBasicAuth(c.target.Application, c.target.Password.Reveal())
	return r
}

// send ends the test where the target cannot be reached at all.
func (c *conformer) send(r *http.Request) conformAnswer {
	client := c.target.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		c.tb.Fatalf("crowdtest: conform: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.tb.Fatalf("crowdtest: conform: %s %s: %v", r.Method, r.URL.Path, err)
	}
	return conformAnswer{resp.StatusCode, resp.Header, string(body)}
}

func (c *conformer) call(method, resource, body string) conformAnswer {
	return c.send(c.request(method, resource, body))
}

// want calls and keeps a status that is another.
func (c *conformer) want(status int, method, resource, body string) conformAnswer {
	a := c.call(method, resource, body)
	c.checkStatus(a, status, method, resource)
	return a
}

func (c *conformer) checkStatus(a conformAnswer, status int, method, resource string) {
	if a.status != status {
		c.problem("%s %s is %d, want %d: %.200s", method, resource, a.status, status, a.body)
	}
}

// refused calls for JSON and for XML, and keeps another status or reason.
func (c *conformer) refused(status int, reason, method, resource, body string) {
	for _, format := range []wire.Format{wire.JSON, wire.XML} {
		r := c.request(method, resource, body)
		r.Header.Set("Accept", format.ContentType())
		a := c.send(r)
		c.checkStatus(a, status, method, resource)
		var e wire.Error
		if err := format.Decode([]byte(a.body), &e, false); err != nil {
			c.problem("%s %s is refused without an error entity in %s: %.200s", method, resource, format.ContentType(), a.body)
			continue
		}
		c.same(fmt.Sprintf("the reason of %s %s", method, resource), e.Reason, reason)
	}
}

// object returns a JSON body; one that is none is empty.
func (a conformAnswer) object() map[string]any {
	var o map[string]any
	_ = json.Unmarshal([]byte(a.body), &o) // shows in what is missing
	return o
}

// at returns what lies at a path of members, or nil.
func (a conformAnswer) at(path ...string) any {
	var v any = a.object()
	for _, name := range path {
		o, _ := v.(map[string]any)
		v = o[name]
	}
	return v
}

// text is at for a text.
func (a conformAnswer) text(path ...string) string {
	text, _ := a.at(path...).(string)
	return text
}

// names returns the names of a list, in order, with a space between them.
func (a conformAnswer) names() string {
	var list struct{ Users, Groups []struct{ Name string } }
	_ = json.Unmarshal([]byte(a.body), &list)
	var names []string
	for _, e := range append(list.Users, list.Groups...) {
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

// values returns the values of one attribute of a list at a path.
func (a conformAnswer) values(name string, path ...string) []string {
	text, _ := json.Marshal(a.at(path...)) // was JSON
	var attrs []wire.Attribute
	_ = json.Unmarshal(text, &attrs)
	for _, one := range attrs {
		if one.Name == name {
			return one.Values
		}
	}
	return nil
}

// name returns a name that only this check uses.
func (c *conformer) name(short string) string { return c.prefix + short }

// list returns the names of a list without the prefix.
func (c *conformer) list(resource string) string {
	return strings.ReplaceAll(c.want(http.StatusOK, "GET", resource, "").names(), c.prefix, "")
}

// user makes a user who is removed at the end, and returns the name.
func (c *conformer) user(short string) string {
	name := c.name(short)
	c.remove(on("user", "username", name))
	c.want(http.StatusCreated, "POST", "user", conformUser(name, ""))
	return name
}

// group makes a group that is removed at the end, and returns the name.
func (c *conformer) group(short string) string {
	name := c.name(short)
	c.remove(on("group", "groupname", name))
	c.want(http.StatusCreated, "POST", "group", conformGroup(name))
	return name
}

// remove has something removed at the end, if it is there.
func (c *conformer) remove(resource string) { c.made = append(c.made, resource) }

// carryOut runs a check and removes what it made.
func (c *conformer) carryOut(check conformCheck) {
	defer c.cleanUp()
	check.run(c)
}

func (c *conformer) cleanUp() {
	for _, resource := range c.made {
		if a := c.call("DELETE", resource, ""); a.status >= 300 && a.status != http.StatusNotFound {
			c.tb.Logf("crowdtest: conform: %s is left behind: %d", resource, a.status)
		}
	}
}

// on returns a resource with parameters, given as names and values.
func on(resource string, params ...string) string {
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	return resource + "?" + q.Encode()
}

const conformSecret = "Zebra-crossing-9"

// conformUser is the body that makes a user; more are further members.
func conformUser(name, more string) string {
	return `{"name":` + quoted(name) + `,"first-name":"Ann","last-name":"Lind","display-name":"Ann Lind",` +
		`"email":"ann@example.com","active":true,"password":{"value":"` + conformSecret + `"}` + more + `}`
}

func conformGroup(name string) string {
	return `{"name":` + quoted(name) + `,"type":"GROUP","description":"one","active":true}`
}

func conformName(name string) string { return `{"name":` + quoted(name) + `}` }

func conformAttribute(name string, values ...string) string {
	text, _ := json.Marshal(values) // texts always encode
	return `{"attributes":[{"name":` + quoted(name) + `,"values":` + string(text) + `}]}`
}

// quoted returns text as JSON.
func quoted(text string) string {
	b, _ := json.Marshal(text) // a text always encodes
	return string(b)
}
