package crowdtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestContract12BadEmail(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.AllowEmailChange, o.RefuseBadEmail = true, on }, func(s *site, on bool) {
		bad := strings.Replace(newUser("eve"), "f@example.com", "nowhere", 1)
		if got := s.call("POST", "user", bad); got.status != pick(on, 201, 400) || on && got.reason() != "INVALID_EMAIL" {
			t.Errorf("refusing %v: %d %s", on, got.status, got.body)
		}
		s.want(pick(on, 204, 400), "PUT", "user?username=ann", `{"name":"ann","email":"nowhere"}`)
		s.want(204, "PUT", "user?username=ann", `{"name":"ann","email":""}`)
		s.want(201, "POST", "user", newUser("zoe"))
	})
}

func TestContract19RefuseEmailChange(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.Version, o.RefuseEmailChange = "2.9", on }, func(s *site, on bool) {
		s.want(pick(on, 204, 403), "PUT", "user?username=ann", `{"name":"ann","email":"new@example.com"}`)
	})
}

func TestContract21ReuseKeys(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.ReuseKeys = on }, func(s *site, on bool) {
		before, _ := s.srv.User("ann")
		s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"team","values":["red"]}]}`)
		s.want(204, "DELETE", "user?username=ann", "")
		s.want(201, "POST", "user", newUser("Ann"))
		after, _ := s.srv.User("ann")
		if same := before.Key == after.Key; same != on || after.Attributes["team"] != nil {
			t.Errorf("reusing %v: key %s and then %s, attributes %v", on, before.Key, after.Key, after.Attributes)
		}
		s.want(200, "GET", with("user", "key", after.Key), "")
		s.want(201, "POST", "user", newUser("zoe"))
	})
}

func TestContract23FoldedAttributes(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.FoldAttributeNames = on }, func(s *site, on bool) {
		s.srv.AddUser(crowd.User{Name: "eve", Attributes: crowd.Attributes{"Team": {"red"}}})
		s.want(204, "POST", "user/attribute?username=eve", `{"attributes":[{"name":"TEAM","values":["blue"]}]}`)
		s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"new","values":["1"]}]}`)
		s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"New","values":["2"]}]}`)
		got := map[string]string{}
		for _, name := range []string{"eve", "ann"} {
			u, _ := s.srv.User(name)
			for attribute, values := range u.Attributes {
				if strings.EqualFold(attribute, "team") || strings.EqualFold(attribute, "new") {
					got[attribute] = values[0]
				}
			}
		}
		want := pick(on, map[string]string{"Team": "red", "TEAM": "blue", "new": "1", "New": "2"}, map[string]string{"Team": "blue", "new": "2"})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("folding %v: attributes mismatch (-want +got):\n%s", on, diff)
		}
		if found := s.list("search?entity-type=user&restriction=team%3Dblue"); found != pick(on, "", "eve") {
			t.Errorf("folding %v: a search finds %q", on, found)
		}
		s.want(204, "DELETE", "user/attribute?username=eve&attributename=tEAM", "")
		if u, _ := s.srv.User("eve"); (u.Attributes["Team"] == nil) != on {
			t.Errorf("folding %v: attributes %v after the removal", on, u.Attributes)
		}
	})
}

func TestContract28Notify(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.Notify200 = on }, func(s *site, on bool) {
		s.want(pick(on, 204, 200), "POST", "authentication/notify?username=ann", "")
		if u, _ := s.srv.User("ann"); u.Attributes["lastAuthenticated"] == nil {
			t.Error("the notice leaves no trace")
		}
	})
}

func TestContract31Populated(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.NestedGroups, o.KeepPopulatedGroups = true, on }, func(s *site, on bool) {
		s.srv.AddMember("devs", "ann")
		s.srv.AddGroup(crowd.Group{Name: "all"}, crowd.Group{Name: "empty"})
		s.srv.AddChildGroup("all", "empty")
		for _, name := range []string{"all", "devs"} {
			if got := s.call("DELETE", "group?groupname="+name, ""); got.status != pick(on, 204, 400) || on && got.reason() != "INVALID_GROUP" {
				t.Errorf("keeping %v: %s: %d %s", on, name, got.status, got.body)
			}
		}
		s.want(204, "DELETE", "group?groupname=empty", "")
		if got := strings.Join(s.srv.GroupNames(), " "); got != pick(on, "ops", "all devs ops") {
			t.Errorf("keeping %v: groups %s", on, got)
		}
	})
}

func TestContract40Reversed(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.NestedGroups, o.ReverseLists = true, on }, func(s *site, on bool) {
		s.srv.AddMember("devs", "ann", "bob")
		s.srv.AddMember("ops", "ann")
		for resource, want := range map[string][2]string{
			"search?entity-type=user":                        {"ann bob", "bob ann"},
			"search?entity-type=user&restriction=name%3D*b*": {"bob", "bob"},
			"search?entity-type=group":                       {"devs ops", "ops devs"},
			"search?entity-type=group&max-results=1":         {"devs", "ops"},
			"group/user/direct?groupname=devs":               {"ann bob", "bob ann"},
			"group/user/nested?groupname=devs&start-index=1": {"bob", "ann"},
			"user/group/direct?username=ann":                 {"devs ops", "ops devs"},
		} {
			if got := s.list(resource); got != pick(on, want[0], want[1]) {
				t.Errorf("reversed %v, %s: %q", on, resource, got)
			}
		}
		s.accept("application/xml")
		dump := s.want(200, "GET", "group/membership", "").body
		if devsFirst := strings.Index(dump, `"devs"`) < strings.Index(dump, `"ops"`); devsFirst == on {
			t.Errorf("reversed %v: the dump is %s", on, dump)
		}
	})
}

func TestContract45OrderedText(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.OrderedText = on }, func(s *site, on bool) {
		for cql, want := range map[string]string{"name > ann": "bob", "name < BOB": "ann", "email > z": ""} {
			resource := with("search", "entity-type", "user", "restriction", cql)
			s.want(pick(on, 400, 200), "GET", resource, "")
			if on {
				if got := s.list(resource); got != want {
					t.Errorf("%s finds %q, want %q", cql, got, want)
				}
			}
		}
	})
}

func TestContract50Spellings(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) {
		if on {
			o.EventSpellings = map[string]string{"userEvent": "user-event", "CREATED": "created"}
		}
	}, func(s *site, on bool) {
		start := s.want(200, "GET", "event", "").at("newEventToken").(string)
		s.want(201, "POST", "user", newUser("eve"))
		s.want(204, "DELETE", "group?groupname=ops", "")
		want := pick(on, []string{"userEvent CREATED user=eve", "groupEvent DELETED group=ops"},
			[]string{"user-event created user=eve", "groupEvent DELETED group=ops"})
		if diff := cmp.Diff(want, s.eventsSince(start)); diff != "" {
			t.Errorf("events mismatch (-want +got):\n%s", diff)
		}
	})
}

func TestContract50OperationAttribute(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.EventOperationAttribute = on }, func(s *site, on bool) {
		client := s.srv.Client(t)
		start, err := client.EventToken(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.want(204, "DELETE", "group?groupname=ops", "")
		s.accept("application/xml")
		text := s.want(200, "GET", "event/"+start.Token, "").body
		if got := strings.Contains(text, `<groupEvent operation="DELETED">`); got != on || strings.Contains(text, "<operation>DELETED") == on {
			t.Errorf("as attribute %v: %s", on, text)
		}
		events, _, err := client.Events(t.Context(), start.Token)
		if err != nil || len(events) != 1 || events[0].Operation != crowd.Deleted {
			t.Errorf("as attribute %v: the client reads %+v, %v", on, events, err)
		}
	})
}

func TestContract57Controls(t *testing.T) {
	const odd = "a\x01b\nc"
	text, _ := json.Marshal(map[string]string{"new-name": odd + "2"})
	bothWays(t, func(o *crowdtest.Options, on bool) { o.AllowControls = on }, func(s *site, on bool) {
		s.want(pick(on, 400, 201), "POST", "user", newUser(odd))
		s.want(pick(on, 400, 201), "POST", "group", named(odd))
		s.want(pick(on, 400, 200), "POST", "user/rename?username=ann", string(text))
		s.want(400, "POST", "group", named("\ta"))
		got := s.want(404, "GET", with("user", "username", "n\x01"), "").at("message").(string)
		if shown := strings.ContainsRune(got, 1); shown != on {
			t.Errorf("allowing %v: message %q", on, got)
		}
		if !on {
			return
		}
		s.want(201, "POST", with("group/user/direct", "groupname", odd), named(odd))
		if diff := cmp.Diff([]string{odd}, s.srv.Members(odd)); diff != "" {
			t.Errorf("members mismatch (-want +got):\n%s", diff)
		}
		s.accept("application/xml")
		if dump := s.want(200, "GET", "group/membership", "").body; !strings.Contains(dump, "<user name=\"a\ufffdb&#xA;c\"/>") {
			t.Errorf("the dump is %q", dump)
		}
	})
}

func TestContract03LongURL(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.URLLimit = pick(on, 0, 500) }, func(s *site, on bool) {
		s.want(200, "GET", "user?username=ann", "")
		got := s.call("GET", "user?username=ann&x="+strings.Repeat("x", 500), "")
		if html := strings.HasPrefix(got.header.Get("Content-Type"), "text/html"); got.status != pick(on, 200, 414) || html != on {
			t.Errorf("limited %v: %d %s", on, got.status, got.body)
		}
	})
}

func TestContract53VersionHidden(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) {
		o.RateLimit, o.HideVersionOnErrors = &crowdtest.RateLimit{Limit: 1}, on
	}, func(s *site, on bool) {
		s.want(200, "GET", "user?username=ann", "")
		limited := s.want(429, "GET", "user?username=ann", "")
		if shown := limited.header.Get("X-Embedded-Crowd-Version") != ""; shown == on {
			t.Errorf("hiding %v: shown %v", on, shown)
		}
	})
}
