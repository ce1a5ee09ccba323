package crowdtest_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestContract09GetUser(t *testing.T) {
	s := newSite(t)
	s.srv.AddUser(crowd.User{Name: "Mara"})
	byName := s.want(200, "GET", "user?username=mARA", "")
	if got := byName.at("name"); got != "Mara" {
		t.Errorf("name %v, want the stored spelling", got)
	}
	key := byName.at("key").(string)
	if diff := cmp.Diff(byName.body, s.want(200, "GET", with("user", "key", key), "").body); diff != "" {
		t.Errorf("by key mismatch (-by name +by key):\n%s", diff)
	}
	if got := s.want(200, "GET", with("user", "key", key, "username", "ann"), "").at("name"); got != "ann" {
		t.Errorf("both given: %v, want ann", got)
	}
	s.refused(400, "ILLEGAL_ARGUMENT", "GET", "user", "")
	s.refused(404, "USER_NOT_FOUND", "GET", "user?username=nobody", "")
	s.refused(404, "USER_NOT_FOUND", "GET", "user?key=1:2", "")
}

func TestContract10ExpandAttributes(t *testing.T) {
	s := newSite(t)
	s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"team","values":["red","blue"]}]}`)
	plain := s.want(200, "GET", "user?username=ann", "")
	if diff := cmp.Diff([]any{}, plain.at("attributes", "attributes")); diff != "" || plain.at("expand") != "attributes" {
		t.Errorf("unexpanded: expand %v, attributes (-want +got):\n%s", plain.at("expand"), diff)
	}
	filled := s.want(200, "GET", "user?username=ann&expand=attributes", "")
	got := attributes(t, filled.at("attributes", "attributes"))
	if diff := cmp.Diff([]string{"red", "blue"}, got["team"]); diff != "" {
		t.Errorf("team mismatch (-want +got):\n%s", diff)
	}
	s.set(func(o *crowdtest.Options) { o.AttributesReversed = true })
	got = attributes(t, s.want(200, "GET", "user?username=ann&expand=attributes", "").at("attributes", "attributes"))
	if diff := cmp.Diff([]string{"blue", "red"}, got["team"]); diff != "" {
		t.Errorf("reversed team mismatch (-want +got):\n%s", diff)
	}
}

func TestContract11NoPassword(t *testing.T) {
	s := newSite(t)
	const secret = "zebra-Zebra-9"
	for _, accept := range []string{"application/json", "application/xml"} {
		s.accept(accept)
		name := "eve-" + accept[12:]
		answers := []answer{
			s.want(201, "POST", "user", strings.ReplaceAll(newUser(name), "secret", secret)),
			s.want(200, "GET", with("user", "username", name, "expand", "attributes"), ""),
			s.want(200, "POST", with("authentication", "username", name), `{"value":"`+secret+`"}`),
			s.want(201, "POST", "session?expand=user", `{"username":"`+name+`","password":"`+secret+`"}`),
			s.want(200, "GET", "search?entity-type=user&expand=user", ""),
		}
		for _, a := range answers {
			if strings.Contains(a.body, secret) {
				t.Errorf("password in %s", a.body)
			}
			if !strings.Contains(a.body, "user/password?username=") && strings.Contains(a.body, "first-name") {
				t.Errorf("no link to the password in %s", a.body)
			}
		}
	}
	for _, c := range s.srv.Calls() {
		if text, _ := json.Marshal(c); strings.Contains(string(text), secret) {
			t.Errorf("password in call %s", text)
		}
	}
	if strings.Contains(s.dump(), secret) {
		t.Error("password in the dump")
	}
}

// TestContract12CreateUser creates the user of the fixtures and compares all
// members of what comes back.
func TestContract12CreateUser(t *testing.T) {
	s := newSite(t)
	created := s.want(201, "POST", "user", fixture(t, "user-create-request.json"))
	if !regexp.MustCompile(`^32769:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(created.at("key").(string)) {
		t.Errorf("key %v", created.at("key"))
	}
	if got := created.header.Get("Location"); got != s.srv.URL+"/rest/usermanagement/1/user?username=mara" {
		t.Errorf("Location %q", got)
	}
	read := s.want(200, "GET", "user?username=mara", "")
	want := strings.NewReplacer(
		"https://crowd.example.com/crowd", s.srv.URL,
		"32769:6f1c2a94-0f0b-4d53-9f3e-1f0c6c1f7a20", read.at("key").(string),
	).Replace(fixture(t, "user-get.json"))
	if diff := cmp.Diff(answer{t: t, body: want}.object(), read.object()); diff != "" {
		t.Errorf("user mismatch (-want +got):\n%s", diff)
	}
	sent := created.object()
	sent["attributes"] = read.object()["attributes"]
	if diff := cmp.Diff(sent, read.object()); diff != "" {
		t.Errorf("created and read differ (-created +read):\n%s", diff)
	}
	if got := s.want(201, "POST", "user", `{"name":"off","active":false,"password":{"value":"x"}}`).at("active"); got != false {
		t.Errorf("a user sent as inactive is created with active %v", got)
	}
	if got := s.want(200, "GET", "user?username=off", "").at("active"); got != false {
		t.Errorf("a user sent as inactive shows with active %v", got)
	}
	s.set(func(o *crowdtest.Options) { o.NoLocation = true })
	if got := s.want(201, "POST", "user", newUser("eve")).header.Get("Location"); got != "" {
		t.Errorf("Location %q, want none", got)
	}
}

func TestContract12OldUser(t *testing.T) {
	s := newSite(t)
	s.want(201, "POST", "user", fixture(t, "user-create-request.json"))
	s.set(func(o *crowdtest.Options) { o.Version = "2.9.1" })
	want := strings.ReplaceAll(fixture(t, "user-get-oldest.json"), "https://crowd.example.com/crowd", s.srv.URL)
	got := s.want(200, "GET", "user?username=mara", "")
	if diff := cmp.Diff(answer{t: t, body: want}.object(), got.object()); diff != "" {
		t.Errorf("user of an old version mismatch (-want +got):\n%s", diff)
	}
	for _, omit := range []bool{false, true} {
		s.set(func(o *crowdtest.Options) { o.Version, o.OmitKeys, o.OmitDates = "", omit, omit })
		shown := s.want(200, "GET", "user?username=mara", "").object()
		for _, member := range []string{"key", "created-date", "updated-date"} {
			if _, there := shown[member]; there == omit {
				t.Errorf("omitting %v: %s is there: %v", omit, member, there)
			}
		}
	}
}

func TestContract12XML(t *testing.T) {
	s := newSite(t)
	s.accept("application/xml")
	s.header.Set("Content-Type", "application/xml")
	s.want(201, "POST", "user", fixture(t, "user-create-request.xml"))
	s.want(204, "POST", "user/attribute?username=mara", fixture(t, "attributes-request.xml"))
	for _, attribute := range []string{"requiresPasswordChange", "invalidPasswordAttempts", "passwordLastChanged"} {
		s.want(204, "DELETE", with("user/attribute", "username", "mara", "attributename", attribute), "")
	}
	a := s.want(200, "GET", "user?username=mara&expand=attributes", "")
	u, _ := s.srv.User("mara")
	want := strings.NewReplacer("https://crowd.example.com/crowd", s.srv.URL, "32769:6f1c2a94-0f0b-4d53-9f3e-1f0c6c1f7a20", u.Key).
		Replace(fixture(t, "user.xml"))
	if diff := cmp.Diff(parseElement(t, want), parseElement(t, withoutAttributeLinks(a.body))); diff != "" {
		t.Errorf("user mismatch (-want +got):\n%s", diff)
	}
	s.set(func(o *crowdtest.Options) { o.MillisInXML = true })
	if a := s.want(200, "GET", "user?username=mara", ""); !strings.Contains(a.body, "<created-date>1700000000000</created-date>") {
		t.Errorf("dates by option: %s", a.body)
	}
}

// withoutAttributeLinks drops the links of single attributes.
func withoutAttributeLinks(body string) string {
	return regexp.MustCompile(`<link href="[^"]*attributename=[^"]*" rel="self"></link>`).ReplaceAllString(body, "")
}

// An element is an XML element without regard to the order of attributes and
// children.
type element struct {
	Name     string
	Attrs    map[string]string
	Text     string
	Children map[string][]element
}

func parseElement(t *testing.T, doc string) element {
	t.Helper()
	var n node
	if err := xml.Unmarshal([]byte(doc), &n); err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	return n.element()
}

type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []node     `xml:",any"`
}

func (n node) element() element {
	e := element{Name: n.XMLName.Local, Attrs: map[string]string{}, Text: strings.TrimSpace(n.Text), Children: map[string][]element{}}
	for _, a := range n.Attrs {
		e.Attrs[a.Name.Local] = a.Value
	}
	for _, c := range n.Nodes {
		e.Children[c.XMLName.Local] = append(e.Children[c.XMLName.Local], c.element())
	}
	return e
}

func fixture(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "fixtures", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestContract10XMLOrder holds the order of elements against that of a real
// Crowd: a reader that follows a schema stumbles over another.
func TestContract10XMLOrder(t *testing.T) {
	s := newSite(t)
	s.want(204, "POST", "group/attribute?groupname=devs", `{"attributes":[{"name":"team","values":["red"]}]}`)
	s.accept("application/xml")
	for _, test := range []struct{ fixture, resource string }{
		{"user.xml", "user?username=ann&expand=attributes"},
		{"group.xml", "group?groupname=devs"},
	} {
		got, want := elementOrder(t, s.want(200, "GET", test.resource, "").body), elementOrder(t, fixture(t, test.fixture))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: elements mismatch (-want +got):\n%s", test.resource, diff)
		}
	}
	whole := s.want(200, "GET", "group?groupname=devs&expand=attributes", "").body
	if !regexp.MustCompile(`<attribute name="team"><link [^>]*></link><values><value>red</value></values></attribute>`).MatchString(whole) {
		t.Errorf("got %s", whole)
	}
}

// elementOrder returns the paths of elements, each where it comes first, down to
// the links within attributes.
func elementOrder(t *testing.T, text string) (order []string) {
	t.Helper()
	var path []string
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		switch token := token.(type) {
		case nil:
			if err != io.EOF {
				t.Fatal(err)
			}
			return order
		case xml.StartElement:
			path = append(path, token.Name.Local)
			if at := strings.Join(path, "/"); len(path) < 4 && !slices.Contains(order, at) {
				order = append(order, at)
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
}

func TestContract13LegacyCreate(t *testing.T) {
	s := newSite(t)
	for _, change := range []func(*crowdtest.Options){
		func(o *crowdtest.Options) { o.LegacyCreate = true },
		func(o *crowdtest.Options) { o.LegacyCreate, o.Version = false, "2.8.2" },
	} {
		s.srv.Reset()
		s.set(change)
		a := s.want(201, "POST", "user", fixture(t, "user-create-attributes-request.json"))
		if a.body != "" {
			t.Errorf("body %q, want none", a.body)
		}
		u, _ := s.srv.User("mara")
		if got := u.Attributes["scim:externalId"]; got != nil {
			t.Errorf("attribute %v, want none", got)
		}
	}
}

func TestContract14NameTaken(t *testing.T) {
	s := newSite(t)
	s.unchanged(func() {
		for _, name := range []string{"ann", "ANN", "Ann"} {
			s.refused(400, "INVALID_USER", "POST", "user", newUser(name))
		}
	})
	s.set(func(o *crowdtest.Options) { o.Statuses = map[string]int{"INVALID_USER": 409} })
	s.refused(409, "INVALID_USER", "POST", "user", newUser("ann"))
}

func TestContract15PasswordAndAttributes(t *testing.T) {
	s := newSite(t)
	s.unchanged(func() {
		s.refused(400, "INVALID_USER", "POST", "user", `{"name":"eve","active":true}`)
		s.refused(400, "INVALID_USER", "POST", "user", `{"name":"eve","active":true,"password":{"value":""}}`)
	})
	s.want(201, "POST", "user", fixture(t, "user-create-attributes-request.json"))
	u, _ := s.srv.User("mara")
	if diff := cmp.Diff([]string{"e-1001"}, u.Attributes["scim:externalId"]); diff != "" {
		t.Errorf("attribute mismatch (-want +got):\n%s", diff)
	}
	s.srv.SetDirectory("", func(d *crowdtest.Directory) { d.PasswordPattern = "^.{8}" })
	s.refused(400, "INVALID_CREDENTIAL", "POST", "user", newUser("eve"))
	s.refused(400, "INVALID_CREDENTIAL", "PUT", "user/password?username=ann", `{"value":"short"}`)
}

// TestContract17Fixture sends the update of the fixtures.
func TestContract17Fixture(t *testing.T) {
	s := newSite(t)
	s.want(201, "POST", "user", fixture(t, "user-create-request.json"))
	s.set(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	s.want(204, "PUT", "user?username=mara", fixture(t, "user-update-request.json"))
	sent := answer{t: t, body: fixture(t, "user-update-request.json")}.object()
	shown := s.want(200, "GET", "user?username=mara", "").object()
	for _, member := range []string{"name", "first-name", "last-name", "display-name", "email", "active"} {
		if diff := cmp.Diff(sent[member], shown[member]); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", member, diff)
		}
	}
}

func TestContract16FirstDirectory(t *testing.T) {
	s := newSite(t)
	s.srv.AddDirectory(crowdtest.Directory{Name: "second"})
	s.want(201, "POST", "user", newUser("eve"))
	s.srv.SetDirectory("", func(d *crowdtest.Directory) { d.Denied = []crowdtest.Operation{crowdtest.AddUser} })
	s.want(201, "POST", "user", newUser("eva"))
	if diff := cmp.Diff([]string{"eva"}, s.srv.In("second").UserNames()); diff != "" {
		t.Errorf("second directory mismatch (-want +got):\n%s", diff)
	}
	s.srv.SetDirectory("second", func(d *crowdtest.Directory) { d.Denied = []crowdtest.Operation{crowdtest.AddUser} })
	s.unchanged(func() { s.refused(403, "APPLICATION_PERMISSION_DENIED", "POST", "user", newUser("evi")) })
}

func TestContract17UpdateUser(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"team","values":["red"]}]}`)
	before, _ := s.srv.User("ann")
	s.now = s.now.Add(time.Minute)
	body := `{"name":"ann","first-name":"A","last-name":"B","display-name":"C","email":"d@e.f","active":false,` +
		`"password":{"value":"other"},"attributes":{"attributes":[{"name":"team","values":["blue"]}]}}`
	if a := s.want(204, "PUT", "user?username=ANN", body); a.body != "" {
		t.Errorf("body %q, want none", a.body)
	}
	want := before
	want.FirstName, want.LastName, want.DisplayName, want.Email, want.Active = "A", "B", "C", "d@e.f", false
	want.Updated = s.now
	got, _ := s.srv.User("ann")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("user mismatch (-want +got):\n%s", diff)
	}
	s.want(204, "PUT", "user?username=ann", `{"name":"ann","active":true}`)
	s.want(200, "POST", "authentication?username=ann", `{"value":"ann"}`)
	got, _ = s.srv.User("ann")
	if got.FirstName+got.LastName+got.DisplayName+got.Email != "" {
		t.Errorf("absent text is kept: %+v", got)
	}
}

func TestContract17UpdateOptions(t *testing.T) {
	s := newSite(t)
	s.set(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	active := func() bool { u, _ := s.srv.User("ann"); return u.Active }
	s.want(204, "PUT", "user?username=ann", `{"name":"ann"}`)
	if active() {
		t.Error("a user updated without active is active")
	}
	s.set(func(o *crowdtest.Options) { o.AbsentActiveUser = crowdtest.AbsentTrue })
	s.want(204, "PUT", "user?username=ann", `{"name":"ann"}`)
	if !active() {
		t.Error("a user updated without active is inactive, against the option")
	}
	s.set(func(o *crowdtest.Options) { o.PartialUpdate, o.AttributesInUpdate = true, true })
	body := `{"name":"bob","last-name":"Berg","attributes":{"attributes":[{"name":"team","values":["blue"]}]}}`
	s.want(204, "PUT", "user?username=bob", body)
	got, _ := s.srv.User("bob")
	if got.FirstName != "bob" || got.LastName != "Berg" || !got.Active || got.Attributes.First("team") != "blue" {
		t.Errorf("partial update: %+v", got)
	}
}

func TestContract18UpdateName(t *testing.T) {
	s := newSite(t)
	s.srv.AddUser(crowd.User{Name: "Mara"})
	s.unchanged(func() {
		s.refused(400, "INVALID_USER", "PUT", "user?username=mara", `{"name":"maria","active":true}`)
		s.refused(400, "INVALID_USER", "PUT", "user?username=mara", `{"active":true}`)
	})
	s.want(204, "PUT", "user?username=mara", `{"name":"MARA","active":true}`)
	if u, _ := s.srv.User("mara"); u.Name != "Mara" {
		t.Errorf("name %q, want the stored spelling", u.Name)
	}
}

func TestContract19EmailChange(t *testing.T) {
	s := newSite(t)
	changed := `{"name":"ann","first-name":"New","email":"new@example.com","active":true}`
	cased := `{"name":"ann","first-name":"New","email":"ANN@example.com","active":true}`
	s.unchanged(func() {
		s.refused(403, "APPLICATION_PERMISSION_DENIED", "PUT", "user?username=ann", changed)
		s.refused(403, "APPLICATION_PERMISSION_DENIED", "PUT", "user?username=ann", cased)
	})
	s.want(204, "PUT", "user?username=ann", `{"name":"ann","first-name":"New","email":"ann@example.com","active":true}`)
	s.set(func(o *crowdtest.Options) { o.EmailIgnoringCase = true })
	s.want(204, "PUT", "user?username=ann", cased)
	s.set(func(o *crowdtest.Options) { o.Version = "4.3.5" })
	s.want(204, "PUT", "user?username=ann", changed)
	s.set(func(o *crowdtest.Options) { o.Version = "4.4" })
	s.refused(403, "APPLICATION_PERMISSION_DENIED", "PUT", "user?username=ann", cased)
	s.set(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	s.want(204, "PUT", "user?username=ann", `{"name":"ann","email":"third@example.com","active":true}`)
}

func TestContract20UnknownUser(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ method, resource, body string }{
		{"PUT", "user?username=nobody", `{"name":"nobody"}`},
		{"DELETE", "user?username=nobody", ""},
		{"GET", "user/attribute?username=nobody", ""},
		{"POST", "user/attribute?username=nobody", `{"attributes":[]}`},
		{"DELETE", "user/attribute?username=nobody&attributename=x", ""},
		{"PUT", "user/password?username=nobody", `{"value":"x"}`},
		{"DELETE", "user/password?username=nobody", ""},
		{"POST", "user/mail/password?username=nobody", ""},
		{"POST", "user/rename?username=nobody", `{"new-name":"x"}`},
	} {
		s.refused(404, "USER_NOT_FOUND", c.method, c.resource, c.body)
	}
	s.set(func(o *crowdtest.Options) { o.Statuses = map[string]int{"USER_NOT_FOUND": 410} })
	s.refused(410, "USER_NOT_FOUND", "DELETE", "user?username=nobody", "")
}

// childNodes returns the children of a document's root in order.
func childNodes(t testing.TB, doc string) []node {
	t.Helper()
	var n node
	if err := xml.Unmarshal([]byte(doc), &n); err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	return n.Nodes
}
