package crowd_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// maxErrorText bounds the text of an error, whatever a server said.
const maxErrorText = 4 << 10

// seed adds all fixtures, each as what it is and as what it is not.
func seed(f *testing.F) {
	f.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "fixtures", "*"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, filepath.Ext(name) == ".xml")
		f.Add(data[:len(data)/2], filepath.Ext(name) == ".xml")
	}
	for _, text := range []string{"", "null", "[]", "{}", `{"users":null}`, `{"groups":{}}`, `{"attributes":{"attribute":[{}]}}`} {
		f.Add([]byte(text), false)
	}
	for _, text := range []string{"", "<a/>", "<users/>", "<memberships/>", "<events><x/></events>", "<user name='a'>&#65;", "<" + strings.Repeat("a", 9000) + "></b>"} {
		f.Add([]byte(text), true)
	}
}

// heard returns a client that hears the body once, as JSON or as XML.
func heard(t *testing.T, status int, body []byte, isXML bool) (*crowd.Client, *script) {
	t.Helper()
	a := answer{status: status, media: typeJSON, body: string(body)}
	if isXML {
		a.media = typeXML
	}
	s := &script{answers: []answer{a}}
	return clientOf(t, s, crowd.Config{Tries: 1}), s
}

// checkRead holds what every reading has in common: a failure is an *Error with
// a text of sane length; and a success means that the document was whole.
func checkRead(t *testing.T, err error, body []byte, isXML bool) {
	t.Helper()
	if err != nil {
		if _, ok := errors.AsType[*crowd.Error](err); !ok {
			t.Fatalf("%v is no *Error", err)
		}
		if n := len(err.Error()); n > maxErrorText {
			t.Fatalf("the error has %d bytes", n)
		}
		return
	}
	if isXML {
		err = wholeXML(body)
	} else {
		err = json.NewDecoder(bytes.NewReader(body)).Decode(new(any))
	}
	if err != nil {
		t.Fatalf("read well though %v:\n%s", err, body)
	}
}

// wholeXML reads one element, with all that is in it.
func wholeXML(body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 {
				return nil
			}
		}
	}
}

// FuzzUser: a user that was read can be sent and read again.
func FuzzUser(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte, isXML bool) {
		c, _ := heard(t, 200, body, isXML)
		u, err := c.User(t.Context(), "ann")
		if checkRead(t, err, body, isXML); err != nil {
			return
		}
		if _, err := json.Marshal(u); err != nil || u.Name == "" || u.Attributes == nil {
			t.Fatalf("got %+v, %v", u, err)
		}
		if crowd.ValidateName(u.Name) != nil {
			return
		}
		c = echo(t, func(c *crowd.Client) error { return c.UpdateUser(t.Context(), *u) })
		again, err := c.User(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		again.Key, again.Created, again.Updated, again.Attributes = u.Key, u.Created, u.Updated, u.Attributes
		if diff := cmp.Diff(u, again); diff != "" {
			t.Errorf("user mismatch (-want +got):\n%s", diff)
		}
	})
}

// echo returns a client whose reads are answered with what send has sent.
func echo(t *testing.T, send func(*crowd.Client) error) *crowd.Client {
	t.Helper()
	c, s := heard(t, 204, nil, false)
	if err := send(c); err != nil {
		t.Fatal(err)
	}
	c, _ = heard(t, 200, []byte(s.requests()[0].body), false)
	return c
}

// FuzzGroup: a group that was read can be sent and read again.
func FuzzGroup(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte, isXML bool) {
		c, _ := heard(t, 200, body, isXML)
		g, err := c.Group(t.Context(), "devs")
		if checkRead(t, err, body, isXML); err != nil {
			return
		}
		if g.Name == "" || g.Attributes == nil {
			t.Fatalf("got %+v", g)
		}
		if crowd.ValidateName(g.Name) != nil {
			return
		}
		c = echo(t, func(c *crowd.Client) error { return c.UpdateGroup(t.Context(), *g) })
		again, err := c.Group(t.Context(), "devs")
		if err != nil {
			t.Fatal(err)
		}
		again.Attributes = g.Attributes
		if diff := cmp.Diff(g, again); diff != "" {
			t.Errorf("group mismatch (-want +got):\n%s", diff)
		}
	})
}

// FuzzAttributes: attributes that were read can be sent and read again.
func FuzzAttributes(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte, isXML bool) {
		c, _ := heard(t, 200, body, isXML)
		a, err := c.UserAttributes(t.Context(), "ann")
		if checkRead(t, err, body, isXML); err != nil {
			return
		}
		c, s := heard(t, 204, nil, false)
		if err := c.SetUserAttributes(t.Context(), "ann", a); err != nil || len(a) == 0 {
			return // without a name or without values they cannot be sent
		}
		c, _ = heard(t, 200, []byte(s.requests()[0].body), false)
		again, err := c.UserAttributes(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, again); diff != "" {
			t.Errorf("attributes mismatch (-want +got):\n%s", diff)
		}
	})
}

// FuzzSmall reads the small entities: sessions, the cookie configuration, event
// tokens and tests of membership.
func FuzzSmall(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte, isXML bool) {
		c, _ := heard(t, 200, body, isXML)
		session, err := c.Session(t.Context(), "t")
		if checkRead(t, err, body, isXML); err == nil && session.Token == "" {
			t.Errorf("session %+v has no token", session)
		}
		cookie, err := c.CookieConfig(t.Context())
		if checkRead(t, err, body, isXML); err == nil && cookie.Name == "" {
			t.Error("the cookie has no name")
		}
		_, err = c.EventToken(t.Context())
		checkRead(t, err, body, isXML)
		in, err := c.IsMember(t.Context(), "devs", "ann", false)
		if checkRead(t, err, body, isXML); in != (err == nil) {
			t.Errorf("member %t, %v", in, err)
		}
	})
}

// FuzzLists: what a list yields does not depend on how many entries are held at
// a time.
func FuzzLists(f *testing.F) {
	seed(f)
	f.Add([]byte(`{"expand":{"a":[{},[]]},"users":[{"name":"a"},{"name":"b"},{"name":"c"}],"groups":[{"name":"d"}]}`), false)
	f.Add([]byte(`<users expand="user"><x/><user name="a"/><user name="b"><key>1:2</key></user><user name="c"/></users>`), true)
	f.Fuzz(func(t *testing.T, body []byte, isXML bool) {
		var want []crowd.User
		for size := range 3 {
			c, s := heard(t, 200, body, isXML)
			s.answers = append(s.answers, answer{status: 200, media: typeJSON, body: `{"users":[]}`})
			var got []crowd.User
			var end error
			for u, err := range c.Users(t.Context(), crowd.Query{PageSize: size}) {
				if end = err; err == nil {
					got = append(got, *u)
				}
			}
			if checkRead(t, end, body, isXML); end != nil {
				return
			}
			if size == 0 {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("users by %d mismatch (-want +got):\n%s", size, diff)
			}
		}
		c, _ := heard(t, 200, body, isXML)
		var end error
		for g, err := range c.GroupsOf(t.Context(), "ann", crowd.List{Max: 1000}) {
			if end = err; err == nil && g == nil {
				t.Fatal("neither a group nor an error")
			}
		}
		checkRead(t, end, body, isXML)
	})
}

// FuzzMemberships: an edge has a group and at most one other end.
func FuzzMemberships(f *testing.F) {
	seed(f)
	f.Add([]byte(`<memberships><membership group="a"><users/></membership><x><membership group="b"/></x></memberships>`), true)
	f.Fuzz(func(t *testing.T, body []byte, isXML bool) {
		c, _ := heard(t, 200, body, isXML)
		var end error
		edges := 0
		for m, err := range c.Memberships(t.Context()) {
			if end = err; err != nil {
				continue
			}
			if edges++; m.Group == "" || m.User != "" && m.ChildGroup != "" {
				t.Fatalf("got %+v", m)
			}
		}
		if checkRead(t, end, body, isXML); edges > len(body) {
			t.Errorf("%d edges of %d bytes", edges, len(body))
		}
	})
}

// FuzzEvents reads events, which have no shape that is promised.
func FuzzEvents(f *testing.F) {
	seed(f)
	f.Add([]byte(`<events newEventToken="2"><groupEvent absolute="true"><group name="a"/><childGroups><group name="b"/></childGroups></groupEvent></events>`), true)
	f.Fuzz(func(t *testing.T, body []byte, isXML bool) {
		c, _ := heard(t, 200, body, isXML)
		events, _, err := c.Events(t.Context(), "1")
		if checkRead(t, err, body, isXML); err != nil && events != nil {
			t.Errorf("events %+v and %v", events, err)
		}
		for _, e := range events {
			if e.Kind == "" {
				t.Errorf("got %+v", e)
			}
		}
	})
}

// FuzzRefusal: no body hides the status it came with, and none comes through at
// full length.
func FuzzRefusal(f *testing.F) {
	names, err := filepath.Glob(filepath.Join("testdata", "fixtures", "error*"))
	if err != nil || len(names) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, mediaOf(name), 404, "1")
	}
	f.Add([]byte("<html>"), typeHTML, 403, "Fri, 31 Dec 9999 23:59:59 GMT")
	f.Add([]byte(`{"reason":"`+strings.Repeat("A", 9000)+`"}`), typeJSON, 503, "-1")
	f.Fuzz(func(t *testing.T, body []byte, media string, status int, after string) {
		if status < 300 || status > 599 {
			return
		}
		a := answer{status: status, media: media, body: string(body), header: map[string]string{"Retry-After": after}}
		c := clientOf(t, &script{answers: []answer{a}}, crowd.Config{Tries: 1})
		_, err := c.User(t.Context(), "ann")
		e, ok := errors.AsType[*crowd.Error](err)
		if !ok || e.Status != status {
			t.Fatalf("got %#v, want an *Error of status %d", err, status)
		}
		if e.RetryAfter < 0 || e.RetryAfter > 24*time.Hour || len(e.Error()) > maxErrorText || len(e.Reason) > maxErrorText {
			t.Errorf("got %v, after %v", e, e.RetryAfter)
		}
		if errors.Is(err, crowd.ErrAmbiguous) || errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
	})
}
