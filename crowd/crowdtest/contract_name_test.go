package crowdtest_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestContract55Names(t *testing.T) {
	s := newSite(t)
	for _, name := range []string{
		"a/b", "a+b@example.com", "100%", "50%25", "r&d", "#1", "why?", "star*", "o'neil", `say "hi"`, "two  words", "josé", "日本", "a;b=c", `back\slash`,
		"<tag>", "👩‍💻", "[x]", "a:b", "e\u0301", strings.Repeat("长", 255),
	} {
		s.want(201, "POST", "user", newUser(name))
		s.want(201, "POST", "group", named(name))
		if got := s.want(200, "GET", with("user", "username", name), "").at("name"); got != name {
			t.Errorf("user %q shows as %q", name, got)
		}
		s.want(201, "POST", with("group/user/direct", "groupname", name), named(name))
		if got := s.list(with("group/user/direct", "groupname", name)); got != name {
			t.Errorf("members of %q: %q", name, got)
		}
		if got := s.list(with("search", "entity-type", "group", "expand", "group")); !strings.Contains(got, name) {
			t.Errorf("a search shows %q, want %q among it", got, name)
		}
		if got := s.want(200, "GET", with("user/group/direct", "username", name, "groupname", name), "").at("name"); got != name {
			t.Errorf("membership of %q shows as %q", name, got)
		}
		link := s.want(200, "GET", with("user", "username", name), "").at("link", "href").(string)
		r := s.request("GET", "", "")
		r.URL = mustParse(t, link)
		if got := s.send(r).at("name"); got != name {
			t.Errorf("link %s leads to %v, want %q", link, got, name)
		}
		if !dumpHas(t, s, name, name) {
			t.Errorf("%q is not in the dump", name)
		}
		s.want(204, "DELETE", with("user/group/direct", "username", name, "groupname", name), "")
		s.want(204, "DELETE", with("user", "username", name), "")
		s.want(204, "DELETE", with("group", "groupname", name), "")
	}
}

func dumpHas(t *testing.T, s *site, group, user string) bool {
	t.Helper()
	r := s.request("GET", "group/membership", "")
	r.Header.Set("Accept", "application/xml")
	var dump struct {
		Memberships []struct {
			Group string `xml:"group,attr"`
			Users []struct {
				Name string `xml:"name,attr"`
			} `xml:"users>user"`
		} `xml:"membership"`
	}
	if err := xml.Unmarshal([]byte(s.send(r).body), &dump); err != nil {
		t.Fatal(err)
	}
	for _, m := range dump.Memberships {
		for _, u := range m.Users {
			if m.Group == group && u.Name == user {
				return true
			}
		}
	}
	return false
}

func TestContract56Plus(t *testing.T) {
	s := newSite(t)
	s.srv.AddUser(crowd.User{Name: "a b"}, crowd.User{Name: "a+b"})
	for query, want := range map[string]string{"a+b": "a b", "a%20b": "a b", "a%2Bb": "a+b"} {
		if got := s.want(200, "GET", "user?username="+query, "").at("name"); got != want {
			t.Errorf("username=%s: %v, want %s", query, got, want)
		}
	}
	s.want(400, "GET", "user?username=%zz", "")
}

func TestContract57OuterSpace(t *testing.T) {
	s := newSite(t)
	s.unchanged(func() {
		for _, name := range []string{"", " ", " x", "x ", "\tx", "x\u00a0", "a\u0001b", "a\nb", "a\uffffb"} {
			s.refused(400, "INVALID_USER", "POST", "user", newUser(name))
			s.refused(400, "INVALID_GROUP", "POST", "group", named(name))
			text, _ := json.Marshal(map[string]string{"new-name": name})
			s.refused(400, "INVALID_USER", "POST", "user/rename?username=ann", string(text))
		}
	})
	s.set(func(o *crowdtest.Options) { o.AllowOuterSpace = true })
	s.want(201, "POST", "user", newUser(" x "))
	s.refused(400, "INVALID_USER", "POST", "user", newUser("  "))
	s.refused(400, "INVALID_USER", "POST", "user", newUser(" "+strings.Repeat("x", 255)))
}

func TestContract58UnknownMembers(t *testing.T) {
	s := newSite(t)
	s.want(201, "POST", "user", `{"name":"eve","password":{"value":"x"},"shoe-size":{"eu":[41]}}`)
	s.want(201, "POST", "group", `{"name":"g1","colour":null}`)
	s.header.Set("Content-Type", "application/xml")
	s.want(201, "POST", "group", `<group name="g2" colour="red"><size><eu>1</eu></size></group>`)
	s.header.Set("Content-Type", "application/json")
	s.set(func(o *crowdtest.Options) { o.Strict = true })
	a := s.want(400, "POST", "user", `{"name":"eva","password":{"value":"x"},"shoe-size":41}`)
	if !strings.Contains(a.body, "shoe-size") {
		t.Errorf("the refusal does not name the member: %s", a.body)
	}
	for _, c := range []struct{ method, resource, body string }{
		{"POST", "group", `{"name":"g","colour":1}`},
		{"PUT", "group?groupname=devs", `{"name":"devs","colour":1}`},
		{"POST", "group/user/direct?groupname=devs", `{"name":"ann","colour":1}`},
		{"POST", "user/attribute?username=ann", `{"attributes":[],"colour":1}`},
		{"PUT", "user/password?username=ann", `{"value":"x","colour":1}`},
		{"POST", "session", `{"username":"ann","colour":1}`},
	} {
		s.unchanged(func() {
			if a := s.want(400, c.method, c.resource, c.body); !strings.Contains(a.body, "colour") {
				t.Errorf("%s %s: the refusal does not name the member: %s", c.method, c.resource, a.body)
			}
		})
	}
	read := s.want(200, "GET", "user?username=ann&expand=attributes", "")
	s.want(204, "PUT", "user?username=ann", read.body) // a fetched user has no unknown members
}

func TestContract59Malformed(t *testing.T) {
	s := newSite(t)
	s.want(201, "POST", "user", `{"name":"eve","active":"true","password":{"value":"x"}}`)
	s.want(201, "POST", "user", `{"name":"eva","active":"false","password":{"value":"x"}}`)
	for name, want := range map[string]bool{"eve": true, "eva": false} {
		if u, _ := s.srv.User(name); u.Active != want {
			t.Errorf("%s: active %v", name, u.Active)
		}
	}
	s.unchanged(func() {
		for _, body := range []string{"", "{", "[]", `"x"`, `{"name":1}`, `{"name":"x"} {}`, `{"name":"x","active":"maybe"}`, "null", "\x00"} {
			s.want(400, "POST", "user", body)
			s.want(400, "POST", "group", body)
			s.want(400, "POST", "group/user/direct?groupname=devs", body)
		}
		s.header.Set("Content-Type", "application/xml")
		for _, body := range []string{"", "<user", "<user>", "<group name='x'/>", "<user name='x'/><user name='y'/>", "text", "<user name='x'/>text"} {
			s.want(400, "POST", "user", body)
		}
		s.want(400, "POST", "user", `<?xml version="1.0" encoding="UTF-16"?><user name="x"><password><value>x</value></password></user>`)
	})
}

func TestContract63Deterministic(t *testing.T) {
	run := func() string {
		s := newSite(t)
		s.want(201, "POST", "user", newUser("mara"))
		token := s.want(201, "POST", "session", `{"username":"mara","password":"secret"}`).at("token").(string)
		return s.dump() + token
	}
	if diff := cmp.Diff(run(), run()); diff != "" {
		t.Errorf("two runs differ (-first +second):\n%s", diff)
	}
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.NewID = func() string { return "7" } })
	if got := s.want(201, "POST", "user", newUser("mara")).at("key"); got != "32769:7" {
		t.Errorf("key %v", got)
	}
}

func TestContract64Calls(t *testing.T) {
	s := newSite(t)
	s.srv.ResetCalls()
	s.want(201, "POST", "group/user/direct?groupname=devs", named("ann"))
	s.want(409, "POST", "group/user/direct?groupname=devs", named("ann"))
	s.want(200, "GET", with("user", "username", "ann", "expand", "attributes"), "")
	s.want(404, "GET", "session/secret-token", "")
	s.want(405, "POST", "config/cookie", "x")
	s.want(404, "GET", "session/secret-token/more", "")
	s.want(400, "POST", "user?username=ann&password=secret-password&value=secret-value", `{"name":"ann","password":{"value":"secret-password"}}`)
	var lines []string
	calls := s.srv.Calls()
	for _, c := range calls {
		lines = append(lines, c.String())
		if c.Application != s.srv.Application || !c.Time.Equal(s.now) {
			t.Errorf("call %v by %q at %v", c, c.Application, c.Time)
		}
	}
	want := []string{
		"POST group/user/direct?groupname=devs 201", "POST group/user/direct?groupname=devs 409",
		"GET user?expand=attributes&username=ann 200", "GET session/{token} 404", "POST config/cookie 405",
		"GET session/{token}/more 404", "POST user?password=%5Bsecret%5D&username=ann&value=%5Bsecret%5D 400",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("calls mismatch (-want +got):\n%s", diff)
	}
	if calls[0].BodyHash == 0 || calls[0].BodyHash != calls[1].BodyHash || calls[4].BodyHash == calls[0].BodyHash || calls[2].BodyHash != 0 {
		t.Errorf("hashes of bodies: %v", calls)
	}
	counts := s.srv.Counts()
	if got, want := counts.String(), "     2 POST group/user/direct\n     1 GET session/{token}\n     1 GET session/{token}/more\n"+
		"     1 GET user\n     1 POST config/cookie\n     1 POST user\n"; got != want {
		t.Errorf("counts:\n%swant:\n%s", got, want)
	}
	if counts.Total() != 7 {
		t.Errorf("total %d", counts.Total())
	}
	for _, wrong := range []string{"/rest/usermanagement/2/session/secret-token", "/session/secret-token", "/rest/crowd/latest/session/secret-token?username=ann"} {
		r := s.request("GET", "", "")
		r.URL = mustParse(t, s.srv.URL+wrong)
		if got := s.send(r).status; got != 404 {
			t.Errorf("%s: %d", wrong, got)
		}
	}
	for _, c := range s.srv.Calls() {
		if strings.Contains(c.String(), "secret-") {
			t.Errorf("on record: %v", c)
		}
	}
	s.srv.ResetCalls()
	s.set(func(o *crowdtest.Options) { o.NoCalls = true })
	s.want(200, "GET", "user?username=ann", "")
	if got := len(s.srv.Calls()); got != 0 {
		t.Errorf("%d calls recorded", got)
	}
}

// TestContract66Administration has what only administrators see survive.
func TestContract66Administration(t *testing.T) {
	s := newOffice(t)
	s.srv.AddDirectory(crowdtest.Directory{
		Name: "Login", Type: "DELEGATING", Description: "by LDAP", Created: epoch(), Updated: epoch(),
		Settings: map[string]any{"connector": map[string]any{"url": "ldaps://ldap.example.com", "password": "not kept"}},
	})
	s.srv.SetApplication(crowdtest.Application{Name: "jira", Password: "x", ID: 7, Type: "JIRA", Description: "issues", Unmapped: true})
	before := s.dump()
	for _, text := range []string{`"type": "DELEGATING"`, `"description": "by LDAP"`, `"url": "ldaps://ldap.example.com"`, `"id": 7`, `"unmapped": true`} {
		if !strings.Contains(before, text) {
			t.Errorf("%s is not in %s", text, before)
		}
	}
	mustNotHold(t, before, "not kept")
	s.unchanged(func() {
		if err := s.srv.Load(strings.NewReader(before)); err != nil {
			t.Fatal(err)
		}
	})
	s.office(200, "GET", "admin/1.0/application/7/directory-mapping", "").
		shows(`{"values": [], "size": 0, "start": 0, "limit": 50, "isLastPage": true}`)
	twice := strings.Replace(before, `"id": 7`, `"id": 1`, 1)
	s.unchanged(func() {
		if err := s.srv.Load(strings.NewReader(twice)); err == nil || !strings.Contains(err.Error(), "the id 1 is taken") {
			t.Errorf("two applications of one id: %v", err)
		}
	})
}

func TestContract66DumpAndLoad(t *testing.T) {
	s := twoDirectories(t)
	s.srv.SetDirectory("second", func(d *crowdtest.Directory) {
		d.NestedGroups, d.Denied = true, []crowdtest.Operation{crowdtest.AddUser}
	})
	s.srv.In("second").AddChildGroup("shared", "only2")
	s.srv.SetPassword("one", "x")
	s.want(204, "POST", "user/attribute?username=one", `{"attributes":[{"name":"team","values":["red","blue"]}]}`)
	s.want(204, "POST", "group/attribute?groupname=only1", `{"attributes":[{"name":"team","values":["red"]}]}`)
	s.srv.SetApplication(crowdtest.Application{
		Name: "jira", Password: "p", Addresses: []string{"127.0.0.1"}, LowerCaseOutput: true,
		Directories: []crowdtest.Mapping{{Directory: "second", Denied: []crowdtest.Operation{crowdtest.AddGroup}, Groups: []string{"shared"}}},
	})
	dump := s.dump()
	other := newSite(t)
	if err := other.srv.Load(strings.NewReader(dump)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dump, other.dump()); diff != "" {
		t.Errorf("dump of the loaded state mismatch (-want +got):\n%s", diff)
	}
	one, _ := other.srv.User("one")
	other.want(204, "PUT", "user?username=one", `{"name":"one","active":true}`)
	other.want(200, "POST", "authentication?username=one", `{"value":"x"}`)
	other.want(201, "POST", "user", newUser("fresh"))
	if fresh, _ := other.srv.User("fresh"); fresh.Key == one.Key {
		t.Error("a key is used twice")
	}
	s.srv.Reset()
	if got := s.srv.UserNames(); len(got) != 0 {
		t.Errorf("after a reset: %v", got)
	}
}

// TestContract66OddNames dumps names that only an option allows.
func TestContract66OddNames(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.AllowOuterSpace = true })
	s.want(201, "POST", "user", newUser(" x "))
	s.want(201, "POST", "group", named(" g"))
	s.srv.AddUser(crowd.User{Name: "y "})
	dump := s.dump()
	if err := s.srv.Load(strings.NewReader(dump)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dump, s.dump()); diff != "" {
		t.Errorf("dump of the loaded state mismatch (-want +got):\n%s", diff)
	}
}

func TestContract66LoadByHand(t *testing.T) {
	s := newSite(t)
	err := s.srv.Load(strings.NewReader(`{"directories":[{"name":"People","users":[{"name":"ann","password":"x"}],"groups":[{"name":"devs","members":["ANN"]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s.want(200, "POST", "authentication?username=ann", `{"value":"x"}`)
	if diff := cmp.Diff([]string{"devs"}, s.srv.GroupsOf("ann")); diff != "" {
		t.Errorf("groups mismatch (-want +got):\n%s", diff)
	}
	if err := s.srv.Load(strings.NewReader(`{}`)); err != nil {
		t.Fatal(err)
	}
	s.want(201, "POST", "user", newUser("ann"))
}

func TestContract66LoadRefused(t *testing.T) {
	s := newSite(t)
	for doc, want := range map[string]string{
		``:                      "EOF",
		`{}{}`:                  "text after the document",
		`{"users":[]}`:          `unknown field "users"`,
		`{"directories":[{}]}`:  "the name is missing or taken",
		`{"applications":[{}]}`: "the name is missing or taken",
		`{"directories":[{"name":"a"},{"name":"a"}]}`:                                                                     "the name is missing or taken",
		`{"directories":[{"name":"a","id":1},{"name":"b","id":1}]}`:                                                       "the id 1 is taken",
		`{"directories":[{"name":"a","denied":["fly"]}]}`:                                                                 `"fly" is no operation`,
		`{"directories":[{"name":"a","users":[{"name":"x","attributes":{"":["1"]}}]}]}`:                                   "an attribute has no name",
		`{"directories":[{"name":"a","groups":[{"name":"x","attributes":{"":["1"]}}]}]}`:                                  "an attribute has no name",
		`{"directories":[{"name":"a","passwordPattern":"("}]}`:                                                            "the password pattern: error parsing regexp",
		`{"directories":[{"name":"a","users":[{"name":" "}]}]}`:                                                           `user " ": invalid name: it is blank`,
		`{"directories":[{"name":"a","users":[{"name":"x"},{"name":"X"}]}]}`:                                              `user "X": the name is taken`,
		`{"directories":[{"name":"a","users":[{"name":"x","key":"1"},{"name":"y","key":"1"}]}]}`:                          `the key "1" is taken`,
		`{"directories":[{"name":"a","groups":[{"name":" x"}]}]}`:                                                         "white space",
		`{"directories":[{"name":"a","groups":[{"name":"x"},{"name":"X"}]}]}`:                                             "the name is taken",
		`{"directories":[{"name":"a","groups":[{"name":"x","members":["nobody"]}]}]}`:                                     `there is no user "nobody"`,
		`{"directories":[{"name":"a","groups":[{"name":"x","children":["y"]}]}]}`:                                         `there is no group "y"`,
		`{"directories":[{"name":"a","groups":[{"name":"x","children":["x"]}]}]}`:                                         "child of itself",
		`{"applications":[{"name":"a","directories":[{"directory":"nowhere"}]}]}`:                                         `there is no directory "nowhere"`,
		`{"directories":[{"name":"a"}],"applications":[{"name":"a","directories":[{"directory":"a","denied":["fly"]}]}]}`: `"fly" is no operation`,
	} {
		s.unchanged(func() {
			err := s.srv.Load(strings.NewReader(doc))
			if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "crowdtest: load: ") {
				t.Errorf("%s: error %v, want %q", doc, err, want)
			}
		})
	}
	if err := s.srv.Dump(failing{}); err == nil {
		t.Error("a dump that cannot be written has no error")
	}
}

type failing struct{ bytes.Buffer }

func (failing) Write([]byte) (int, error) { return 0, bytes.ErrTooLarge }
