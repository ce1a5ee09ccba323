package crowd_test

import (
	"encoding/json"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
)

func mara() *crowd.User {
	at := time.UnixMilli(1700000000000).UTC()
	return &crowd.User{
		Name: "mara", FirstName: "Mara", LastName: "Lind", DisplayName: "Mara Lind",
		Email: "mara@example.com", Active: true,
		Key:     "32769:6f1c2a94-0f0b-4d53-9f3e-1f0c6c1f7a20",
		Created: at, Updated: at,
		Attributes: crowd.Attributes{},
	}
}

func maraWith(change func(*crowd.User)) *crowd.User {
	u := mara()
	change(u)
	return u
}

func maraAttributes() crowd.Attributes {
	return crowd.Attributes{
		"requiresPasswordChange": {"false"}, "invalidPasswordAttempts": {"0"},
		"passwordLastChanged": {"1700000000005"}, "scim:externalId": {"e-1001"}, "team": {"red", "blue"},
	}
}

func TestReadsUsers(t *testing.T) {
	for name, want := range map[string]*crowd.User{
		"user-get.json":            mara(),
		"user-get-attributes.json": maraWith(func(u *crowd.User) { u.Attributes = maraAttributes() }),
		"user-get-oldest.json": maraWith(func(u *crowd.User) {
			u.Key, u.Created, u.Updated = "", time.Time{}, time.Time{}
		}),
		"user-get-docspelling.json": maraWith(func(u *crowd.User) {
			u.Attributes = crowd.Attributes{"team": {"red"}}
		}),
		"user.xml": maraWith(func(u *crowd.User) { u.Attributes = crowd.Attributes{"team": {"red", "blue"}} }),
	} {
		t.Run(name, func(t *testing.T) {
			c, s := scripted(t, answer{status: 200, media: mediaOf(name), body: fixture(t, name)})
			got, err := c.User(t.Context(), "mara")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("user mismatch (-want +got):\n%s", diff)
			}
			if got, want := s.requests()[0].query, "expand=attributes&username=mara"; got != want {
				t.Errorf("query %s, want %s", got, want)
			}
		})
	}
}

func TestReadsOtherSpellings(t *testing.T) {
	const body = `{"name":"mara","firstName":"Mara","lastName":"Lind","displayName":"Mara Lind",
		"email":"mara@example.com","active":"true","key":"32769:6f1c2a94-0f0b-4d53-9f3e-1f0c6c1f7a20",
		"createdDate":"2023-11-14T22:13:20.000+0000","updatedDate":1700000000000,"attributes":null,"new":{"a":[1]}}`
	c, _ := scripted(t, answer{status: 200, media: "application/json;charset=UTF-8", body: body})
	got, err := c.User(t.Context(), "mara")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mara(), got); diff != "" {
		t.Errorf("user mismatch (-want +got):\n%s", diff)
	}
}

// A date that no calendar has is none.
func TestReadsInsaneDates(t *testing.T) {
	for _, date := range []string{"9223372036854775807", "-9223372036854775808", `"253402300800000"`} {
		c, _ := scripted(t, answer{status: 200, media: typeJSON, body: `{"name":"mara","created-date":` + date + `}`})
		u, err := c.User(t.Context(), "mara")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := json.Marshal(u); err != nil || !u.Created.IsZero() {
			t.Errorf("%s: got %v, %v, want no date", date, u.Created, err)
		}
	}
}

func TestReadsGroups(t *testing.T) {
	for name, attributes := range map[string]crowd.Attributes{
		"group-get.json":            {},
		"group.xml":                 {},
		"group-get-attributes.json": {"scim:externalId": {"g-77"}},
	} {
		c, _ := scripted(t, answer{status: 200, media: mediaOf(name), body: fixture(t, name)})
		got, err := c.Group(t.Context(), "platform")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := &crowd.Group{Name: "platform", Description: "Platform engineers", Active: true, Attributes: attributes}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: group mismatch (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadsAttributes(t *testing.T) {
	for name, want := range map[string]crowd.Attributes{
		"attributes-get.json":     maraAttributes(),
		"attributes-request.json": {"team": {"red", "blue"}, "scim:externalId": {"e-1001"}},
		"attributes-request.xml":  {"team": {"red", "blue"}},
	} {
		c, _ := scripted(t, answer{status: 200, media: mediaOf(name), body: fixture(t, name)})
		got, err := c.UserAttributes(t.Context(), "mara")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: attributes mismatch (-want +got):\n%s", name, diff)
		}
	}
}

// collect reads a sequence to its end.
func collect[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var list []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

func TestReadsLists(t *testing.T) {
	for name, want := range map[string][]*crowd.User{
		"users-empty.json":    nil,
		"users-names.json":    {{Name: "mara"}, {Name: "o'neil jr"}},
		"users-expanded.json": {maraWith(func(u *crowd.User) { u.Attributes = nil })},
		"users.xml":           {{Name: "mara"}},
	} {
		c, _ := scripted(t, answer{status: 200, media: mediaOf(name), body: fixture(t, name)})
		if diff := cmp.Diff(want, collect(t, c.Users(t.Context(), crowd.Query{}))); diff != "" {
			t.Errorf("%s: users mismatch (-want +got):\n%s", name, diff)
		}
	}
	for _, body := range []string{`{"user":[{"name":"mara"}]}`, `{"expand":null,"users":[{"name":"mara","new":[{}]}],"next":{}}`, `{"users":null}`} {
		c, _ := scripted(t, answer{status: 200, media: typeJSON, body: body})
		want := []*crowd.User{{Name: "mara"}}
		if body == `{"users":null}` {
			want = nil
		}
		if diff := cmp.Diff(want, collect(t, c.Users(t.Context(), crowd.Query{}))); diff != "" {
			t.Errorf("%s: users mismatch (-want +got):\n%s", body, diff)
		}
	}
	for name, want := range map[string][]*crowd.Group{
		"groups-empty.json": nil,
		"groups-names.json": {{Name: "platform"}, {Name: "r&d/eu"}},
	} {
		c, _ := scripted(t, answer{status: 200, media: mediaOf(name), body: fixture(t, name)})
		if diff := cmp.Diff(want, collect(t, c.GroupsOf(t.Context(), "mara", crowd.List{}))); diff != "" {
			t.Errorf("%s: groups mismatch (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadsMemberships(t *testing.T) {
	c, s := scripted(t, answer{status: 200, media: typeXML, body: fixture(t, "memberships.xml")})
	want := []crowd.Membership{
		{Group: "platform", User: "mara"},
		{Group: "platform", User: "o'neil jr"},
		{Group: "platform", ChildGroup: "r&d/eu"},
		{Group: "r&d/eu"},
	}
	if diff := cmp.Diff(want, collect(t, c.Memberships(t.Context()))); diff != "" {
		t.Errorf("memberships mismatch (-want +got):\n%s", diff)
	}
	if got := s.requests()[0].header.Get("Accept"); got != typeXML {
		t.Errorf("Accept: %s, want %s", got, typeXML)
	}
}

// What a dump holds besides is passed over; what is no dump is refused.
func TestReadsOddMemberships(t *testing.T) {
	const odd = `<?xml version="1.0"?><!-- c --><memberships><x><membership group="no"/></x>` +
		`<membership group="a"><note><user name="no"/></note><users><group name="no"/><user name="ann"><link/></user></users>` +
		`<groups><user name="no"/><group name="b"/></groups></membership><membership group="c"/></memberships>`
	c, _ := scripted(t, answer{status: 200, media: "text/xml; charset=utf-8", body: odd})
	want := []crowd.Membership{{Group: "a", User: "ann"}, {Group: "a", ChildGroup: "b"}, {Group: "c"}}
	if diff := cmp.Diff(want, collect(t, c.Memberships(t.Context()))); diff != "" {
		t.Errorf("memberships mismatch (-want +got):\n%s", diff)
	}
	for _, a := range []answer{
		{status: 200, media: typeXML, body: `<users/>`},
		{status: 200, media: typeXML, body: `<memberships><membership/></memberships>`},
		{status: 200, media: typeXML, body: `<memberships><membership group="a"><users><user/></users></membership></memberships>`},
		{status: 200, media: typeXML},
		{status: 200, media: typeJSON, body: `{}`},
		{status: 200, media: "application/xhtml+xml", body: `<memberships/>`},
		{status: 200, body: `<memberships/>`},
	} {
		c := clientOf(t, &script{answers: []answer{a}}, crowd.Config{Tries: 1})
		if err := last(c.Memberships(t.Context())); !errors.Is(err, crowd.ErrUnavailable) {
			t.Errorf("%s %q: got %v, want ErrUnavailable", a.media, a.body, err)
		}
	}
}

// Media types come in spellings.
func TestReadsMediaTypes(t *testing.T) {
	for media, readable := range map[string]bool{
		"application/json": true, "Application/JSON ; charset=utf-8": true, "application/problem+json": true,
		"text/xml": false, "text/plain": false, "": false, "json": false, "application/json; =": false,
	} {
		c := clientOf(t, &script{answers: []answer{{status: 200, media: media, body: `{"name":"ann"}`}}}, crowd.Config{Tries: 1})
		if _, err := c.User(t.Context(), "ann"); (err == nil) != readable {
			t.Errorf("%q: got %v, want readable %t", media, err, readable)
		}
		list := clientOf(t, &script{answers: []answer{{status: 200, media: media, body: `{"users":[]}`}}}, crowd.Config{Tries: 1})
		if err := last(list.Users(t.Context(), crowd.Query{})); (err == nil) != readable {
			t.Errorf("%q: list: got %v, want readable %t", media, err, readable)
		}
	}
}

func TestReadsSessionCookieAndEvents(t *testing.T) {
	c, _ := scripted(t,
		answer{status: 200, media: typeJSON, body: fixture(t, "session.json")},
		answer{status: 200, media: typeJSON, body: fixture(t, "cookie-config.json")},
		answer{status: 200, media: typeJSON, body: fixture(t, "event-token.json")},
		answer{status: 200, media: typeXML, body: fixture(t, "events-assumed.xml")},
	)
	session, err := c.Session(t.Context(), "Qw3RtY0000example00")
	if err != nil {
		t.Fatal(err)
	}
	wantSession := &crowd.Session{
		Token: "Qw3RtY0000example00", User: &crowd.User{Name: "mara"},
		Created: time.UnixMilli(1700000000000).UTC(), Expires: time.UnixMilli(1700001800000).UTC(),
	}
	if diff := cmp.Diff(wantSession, session); diff != "" {
		t.Errorf("session mismatch (-want +got):\n%s", diff)
	}
	cookie, err := c.CookieConfig(t.Context())
	if want := (crowd.CookieConfig{Name: "crowd.token_key", Domain: ".example.com", Secure: true}); err != nil || cookie != want {
		t.Errorf("cookie: got %v, %v, want %v", cookie, err, want)
	}
	token, err := c.EventToken(t.Context())
	if want := (crowd.EventToken{Token: "8123456789012345678:42", Available: true}); err != nil || token != want {
		t.Errorf("event token: got %v, %v, want %v", token, err, want)
	}
	events, next, err := c.Events(t.Context(), token.Token)
	if want := (crowd.EventToken{Token: "8123456789012345678:44", Available: true}); err != nil || next != want {
		t.Errorf("next event token: got %v, %v, want %v", next, err, want)
	}
	wantEvents := []crowd.Event{
		{Kind: crowd.UserEvent, Operation: crowd.Created, User: "mara"},
		{Kind: crowd.UserMembershipEvent, Operation: crowd.Created, User: "mara", ParentGroups: []string{"platform"}},
	}
	if diff := cmp.Diff(wantEvents, events); diff != "" {
		t.Errorf("events mismatch (-want +got):\n%s", diff)
	}
}

// TestSendsFixtures holds the bodies that are sent against the ones that
// clients of a real Crowd have sent.
func TestSendsFixtures(t *testing.T) {
	user := crowd.User{
		Name: "mara", FirstName: "Mara", LastName: "Lind", DisplayName: "Mara Lind",
		Email: "mara@example.com", Active: true,
	}
	withAttributes := user
	withAttributes.Attributes = crowd.Attributes{"scim:externalId": {"e-1001"}}
	updated := user
	updated.LastName, updated.DisplayName, updated.Active = "Lind-Berg", "Mara Lind-Berg", false
	group := crowd.Group{Name: "platform", Description: "Platform engineers", Active: true}
	factor := crowd.Factor{Name: "remote_address", Value: "192.0.2.10"}
	attributes := crowd.Attributes{"team": {"red", "blue"}, "scim:externalId": {"e-1001"}}
	where := crowd.And(crowd.Contains(crowd.PropertyName, "plat"), crowd.IsActive(true))

	for _, test := range []struct {
		name, method string
		call         func(*crowd.Client)
	}{
		{"user-create-request.json", "POST", func(c *crowd.Client) { _, _ = c.CreateUser(t.Context(), user, "correct horse") }},
		{"user-create-attributes-request.json", "POST", func(c *crowd.Client) {
			_, _ = c.CreateUser(t.Context(), withAttributes, "correct horse")
		}},
		{"user-update-request.json", "PUT", func(c *crowd.Client) { _ = c.UpdateUser(t.Context(), updated) }},
		{"user-rename-request.json", "POST", func(c *crowd.Client) { _, _ = c.RenameUser(t.Context(), "mara", "mara.lind") }},
		{"password-value-request.json", "PUT", func(c *crowd.Client) { _ = c.SetPassword(t.Context(), "mara", "correct horse") }},
		{"password-value-request.json", "POST", func(c *crowd.Client) {
			_, _ = c.Authenticate(t.Context(), "mara", "correct horse")
		}},
		{"attributes-request.json", "POST", func(c *crowd.Client) { _ = c.SetUserAttributes(t.Context(), "mara", attributes) }},
		{"attributes-request.json", "POST", func(c *crowd.Client) { _ = c.SetGroupAttributes(t.Context(), "devs", attributes) }},
		{"group-create-request.json", "POST", func(c *crowd.Client) { _, _ = c.CreateGroup(t.Context(), group) }},
		{"group-create-request.json", "PUT", func(c *crowd.Client) { _ = c.UpdateGroup(t.Context(), group) }},
		{"member-request.json", "POST", func(c *crowd.Client) { _, _ = c.AddMember(t.Context(), "platform", "mara") }},
		{"session-create-request.json", "POST", func(c *crowd.Client) {
			_, _ = c.CreateSession(t.Context(), crowd.SessionRequest{
				User: "mara", Password: "correct horse", Factors: []crowd.Factor{factor},
			})
		}},
		{"session-validate-request.json", "POST", func(c *crowd.Client) { _, _ = c.ValidateSession(t.Context(), "t", factor) }},
		{"search-combined-request.json", "POST", func(c *crowd.Client) {
			for range c.Groups(t.Context(), crowd.Query{Where: where}) {
				break
			}
		}},
	} {
		c, s := scripted(t, answer{status: 418})
		test.call(c)
		got := s.requests()[0]
		if got.method != test.method {
			t.Errorf("%s: sent by %s, want %s", test.name, got.method, test.method)
		}
		if diff := cmp.Diff(document(t, fixture(t, test.name)), document(t, got.body)); diff != "" {
			t.Errorf("%s: body mismatch (-want +got):\n%s", test.name, diff)
		}
	}
}

// document decodes JSON for comparison; the order of attributes means nothing.
func document(t *testing.T, text string) any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	list, ok := doc["attributes"].([]any)
	if !ok {
		return doc
	}
	byName := map[string]any{}
	for _, one := range list {
		attribute, ok := one.(map[string]any)
		if !ok {
			t.Fatalf("%v is not an attribute", one)
		}
		name, _ := attribute["name"].(string)
		byName[name] = attribute["values"]
	}
	return byName
}
