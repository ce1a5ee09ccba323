package crowd_test

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// calling returns a client with a transport of its own that calls the handler.
func calling(t *testing.T, h http.HandlerFunc) *crowd.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := crowd.New(crowd.Config{BaseURL: s.URL, Application: "a", Password: "p", Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What a server compresses is bounded by what it becomes, not by what it was.
func TestCompressedWithoutEnd(t *testing.T) {
	for name, status := range map[string]int{"refusal": 400, "page": 503, "success": 200, "dump": 200} {
		t.Run(name, func(t *testing.T) {
			c := calling(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Header().Set("Content-Type", map[bool]string{true: typeXML, false: typeJSON}[name == "dump"])
				w.WriteHeader(status)
				z := gzip.NewWriter(w)
				text := map[bool]string{true: `<memberships><membership group="`, false: `{"reason":"`}[name == "dump"]
				_, _ = io.Copy(z, &endless{start: text, again: strings.Repeat("a", 64<<10)})
			})
			var err error
			switch name {
			case "dump":
				for _, err = range c.Memberships(t.Context()) {
					if err == nil {
						t.Fatal("there is a membership")
					}
				}
			case "success":
				if err := c.DeleteUser(t.Context(), "ann"); err != nil {
					t.Error(err)
				}
				return
			default:
				_, err = c.User(t.Context(), "ann")
			}
			if err == nil || len(err.Error()) > maxErrorText {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLongHeader(t *testing.T) {
	c := calling(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Embedded-Crowd-Version", strings.Repeat("v", 512<<10))
		w.Header().Set("Content-Type", typeJSON)
		_, _ = io.WriteString(w, `{"name":"ann"}`)
	})
	if _, err := c.User(t.Context(), "ann"); !errors.Is(err, crowd.ErrUnavailable) || len(err.Error()) > maxErrorText {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

// No credentials and no request go where a server points to, whatever the
// status and the method.
func TestNobodyElseIsCalled(t *testing.T) {
	var called atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := calling(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path+"?application=p", status)
		})
		_, read := c.User(t.Context(), "ann")
		for _, err := range []error{read, c.SetPassword(t.Context(), "ann", "hunter2"), c.DeleteGroup(t.Context(), "devs")} {
			if !errors.Is(err, crowd.ErrUnavailable) || strings.Contains(err.Error(), other.URL) {
				t.Errorf("%d: got %v", status, err)
			}
		}
	}
	if n := called.Load(); n > 0 {
		t.Errorf("the other server got %d requests", n)
	}
}

// Entities that an XML document defines are not expanded, in no decoder.
func TestXMLEntities(t *testing.T) {
	const bomb = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>`
	for _, entity := range []string{"&b;", "&f;"} {
		hear := func(status int, body string) *crowd.Client {
			s := &script{answers: []answer{{status: status, media: typeXML, body: bomb + body}}}
			return clientOf(t, s, crowd.Config{Tries: 1})
		}
		_, user := hear(200, `<user name="`+entity+`"><email>`+entity+`</email></user>`).User(t.Context(), "ann")
		_, _, events := hear(200, `<events newEventToken="`+entity+`"/>`).Events(t.Context(), "1")
		var dump, list error
		for _, dump = range hear(200, `<memberships><membership group="`+entity+`"/></memberships>`).Memberships(t.Context()) {
		}
		for _, list = range hear(200, `<users><user name="`+entity+`"/></users>`).Users(t.Context(), crowd.Query{}) {
		}
		for what, err := range map[string]error{"user": user, "events": events, "dump": dump, "list": list} {
			if !errors.Is(err, crowd.ErrUnavailable) {
				t.Errorf("%s, %s: got %v", entity, what, err)
			}
		}
		_, refused := hear(404, `<error><reason>`+entity+`</reason></error>`).User(t.Context(), "ann")
		if e, ok := errors.AsType[*crowd.Error](refused); !ok || e.Reason != "" || !errors.Is(e, crowd.ErrUserNotFound) {
			t.Errorf("%s, refusal: got %#v", entity, refused)
		}
	}
}
