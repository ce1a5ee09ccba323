package crowdtest_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// bothWays runs f on a new site with an option off, and on one with it on.
func bothWays(t *testing.T, set func(o *crowdtest.Options, on bool), f func(s *site, on bool)) {
	t.Helper()
	for _, on := range []bool{false, true} {
		s := newSite(t)
		s.set(func(o *crowdtest.Options) { set(o, on) })
		f(s, on)
	}
}

// pick returns the value for an option that is off or on.
func pick[T any](on bool, whenOff, whenOn T) T {
	if on {
		return whenOn
	}
	return whenOff
}

// TestEveryOptionIsTested looks for every option in the tests.
func TestEveryOptionIsTested(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	options := reflect.TypeFor[crowdtest.Options]()
	for i := range options.NumField() {
		name := options.Field(i).Name
		if !regexp.MustCompile(`\bo\.` + name + `\b`).MatchString(tests.String()) {
			t.Errorf("no test sets the option %s", name)
		}
	}
}

func TestContract12AttributesOfWrites(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.WritesOmitAttributes = on }, func(s *site, on bool) {
		s.want(204, "POST", "group/attribute?groupname=devs", `{"attributes":[{"name":"team","values":["red"]}]}`)
		for _, c := range []struct{ method, resource, body string }{
			{"POST", "user", fixture(t, "user-create-attributes-request.json")},
			{"POST", "user/rename?username=mara", `{"new-name":"maria"}`},
			{"PUT", "group?groupname=devs", `{"name":"devs"}`},
		} {
			list := s.call(c.method, c.resource, c.body).at("attributes", "attributes").([]any)
			if got := len(list) == 0; got != on {
				t.Errorf("omitting %v, %s %s: attributes %v", on, c.method, c.resource, list)
			}
		}
	})
}

func TestContract18UpdateByCase(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.UpdateByCase = on }, func(s *site, on bool) {
		s.want(pick(on, 204, 400), "PUT", "user?username=ann", `{"name":"ANN","email":"ann@example.com"}`)
		s.want(pick(on, 204, 400), "PUT", "user?username=ANN", `{"name":"ann","email":"ann@example.com"}`)
		s.want(204, "PUT", "user?username=ANN", `{"name":"ANN","email":"ann@example.com"}`)
	})
}

func TestContract21KeepOnDelete(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.KeepOnDelete = on }, func(s *site, on bool) {
		s.srv.AddMember("devs", "ann")
		s.srv.AddMember("ops", "ann")
		s.want(204, "POST", "user/attribute?username=ann", `{"attributes":[{"name":"team","values":["red"]}]}`)
		s.want(204, "DELETE", "user?username=ann", "")
		s.want(204, "DELETE", "group?groupname=ops", "")
		if got := s.list("group/user/direct?groupname=devs"); got != "" {
			t.Errorf("the deleted user is listed: %s", got)
		}
		s.want(201, "POST", "user", newUser("Ann"))
		u, _ := s.srv.User("ann")
		if got := u.Attributes.First("team"); got != pick(on, "", "red") {
			t.Errorf("keeping %v: attribute %q", on, got)
		}
		if got := s.list("user/group/direct?username=ann"); got != pick(on, "", "devs") {
			t.Errorf("keeping %v: groups %q", on, got)
		}
		s.want(204, "DELETE", "user?username=ann", "")
		s.srv.Reset()
		s.want(201, "POST", "user", newUser("ann"))
		if u, _ := s.srv.User("ann"); u.Attributes["team"] != nil {
			t.Error("a reset leaves what the deleted user had")
		}
	})
}

func TestContract21UpdatedDate(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.MembersMoveUpdated = on }, func(s *site, on bool) {
		for _, method := range []string{"POST", "DELETE"} {
			s.now = s.now.Add(time.Hour)
			s.call(method, "group/user/direct?groupname=devs&username=ann", named("ann"))
			if u, _ := s.srv.User("ann"); u.Updated.Equal(s.now) != on {
				t.Errorf("moving %v, %s: updated at %v", on, method, u.Updated)
			}
		}
	})
}

func TestContract26CutNames(t *testing.T) {
	long, cut := strings.Repeat("x", 256), strings.Repeat("x", 252)+"..."
	bothWays(t, func(o *crowdtest.Options, on bool) { o.CutLongNames = on }, func(s *site, on bool) {
		s.want(pick(on, 400, 201), "POST", "group", named(long))
		s.want(pick(on, 400, 201), "POST", "user", newUser(long))
		s.want(pick(on, 400, 200), "POST", "user/rename?username=ann", `{"new-name":"Y`+long+`"}`)
		_, user := s.srv.User(cut)
		_, group := s.srv.Group(cut)
		if user != on || group != on {
			t.Errorf("cutting %v: user %v, group %v", on, user, group)
		}
	})
}

func TestContract27UnknownEmail(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.UnknownEmail404 = on }, func(s *site, on bool) {
		s.want(pick(on, 204, 404), "POST", "user/mail/usernames?email=nobody@example.com", "")
		s.want(204, "POST", "user/mail/usernames?email=ANN@example.com", "")
	})
}

func TestContract42SelfAndNested(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.NestedGroups, o.AllowSelfMember = true, on }, func(s *site, on bool) {
		s.want(pick(on, 400, 201), "POST", "group/child-group/direct?groupname=devs", named("devs"))
		if got := s.list("group/child-group/nested?groupname=devs"); got != "" {
			t.Errorf("nested children %q", got)
		}
	})
	bothWays(t, func(o *crowdtest.Options, on bool) { o.RefuseNestedLists = on }, func(s *site, on bool) {
		for _, resource := range []string{
			"group/child-group/nested?groupname=devs", "group/parent-group/nested?groupname=devs", "group/user/nested?groupname=devs",
			"user/group/nested?username=ann",
		} {
			s.want(pick(on, 200, 400), "GET", resource, "")
		}
		s.want(200, "GET", "group/user/direct?groupname=devs", "")
		s.srv.SetDirectory("", func(d *crowdtest.Directory) { d.NestedGroups = true })
		s.want(200, "GET", "group/user/nested?groupname=devs", "")
	})
}

func TestContract43CyclesShowStart(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.NestedGroups, o.CyclesShowStart = true, on }, func(s *site, on bool) {
		s.srv.AddChildGroup("devs", "ops")
		if got := s.list("group/child-group/nested?groupname=devs"); got != "ops" {
			t.Errorf("children without a circle: %q", got)
		}
		s.srv.AddChildGroup("ops", "devs")
		for _, resource := range []string{"group/child-group/nested?groupname=devs", "group/parent-group/nested?groupname=devs"} {
			if got := s.list(resource); got != pick(on, "ops", "devs ops") {
				t.Errorf("showing %v, %s: %q", on, resource, got)
			}
		}
	})
}

func TestContract45Narrow(t *testing.T) {
	property := func(mode, kind string) string {
		return `{"restriction-type":"property-search-restriction","property":{"name":"lastName","type":"` + kind + `"},"match-mode":"` + mode + `","value":"Lind"}`
	}
	joined := func(logic string) string {
		return `{"restriction-type":"boolean-search-restriction","boolean-logic":"` + logic + `","restrictions":[` + property("CONTAINS", "STRING") + `]}`
	}
	bothWays(t, func(o *crowdtest.Options, on bool) { o.NarrowSearch = on }, func(s *site, on bool) {
		for cql, vouched := range map[string]bool{
			`lastName = "Lind"`: true, `lastName = Li*`: true, `(name = ann or name = bob) and active = true`: true,
			`name = ann or name = bob or name = eve`: true, `(name = ann or name = bob) and (name = ann or name = bob)`: true,
			`lastName = 'Lind'`: false, `lastName = "*nd"`: false, `lastName = "L\ind"`: false, `name = ann OR name = bob`: false,
			`name = ann or name = bob and active = true`: false, `(name = ann and active = true or name = bob)`: false,
			`updatedDate < 2099`: false,
		} {
			s.want(pick(on && !vouched, 200, 400), "GET", with("search", "entity-type", "user", "restriction", cql), "")
		}
		if got := s.list(with("search", "entity-type", "user", "restriction", `displayName = "ann Lind"`)); got != pick(on, "ann", "") {
			t.Errorf("narrow %v: the display name finds %q", on, got)
		}
		for body, vouched := range map[string]bool{
			property("EXACTLY_MATCHES", "STRING"): true, property("CONTAINS", "STRING"): true, joined("and"): true,
			property("STARTS_WITH", "STRING"): false, property("NULL", "STRING"): false, property("EXACTLY_MATCHES", "DATE"): false, joined("or"): false,
		} {
			s.want(pick(on && !vouched, 200, 400), "POST", "search?entity-type=user", body)
		}
	})
}

func TestContract45NoCQL(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.NoCQL = on }, func(s *site, on bool) {
		s.want(pick(on, 200, 400), "GET", "search?entity-type=user&restriction=name%3Dann", "")
		s.want(200, "GET", "search?entity-type=user", "")
	})
}

func TestContract48UnknownUserSessions(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.UnknownUserSessions204 = on }, func(s *site, on bool) {
		s.want(pick(on, 404, 204), "DELETE", "session?username=nobody", "")
	})
}

func TestContract50AbsoluteEvents(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.NestedGroups, o.AbsoluteEvents = true, on }, func(s *site, on bool) {
		s.srv.AddMember("devs", "ann")
		start := s.want(200, "GET", "event", "").at("newEventToken").(string)
		s.want(201, "POST", "group/user/direct?groupname=ops", named("ann"))
		s.want(204, "DELETE", "group/user/direct?groupname=ops&username=ann", "")
		s.want(201, "POST", "group/child-group/direct?groupname=devs", named("ops"))
		events := s.want(200, "GET", "event/"+start, "").at("events").([]any)
		var got []string
		for _, e := range events {
			event := e.(map[string]any)
			var parents []string
			for _, g := range event["parentGroups"].(map[string]any)["groups"].([]any) {
				parents = append(parents, g.(map[string]any)["name"].(string))
			}
			got = append(got, strings.Join(parents, " "))
			if absolute, _ := event["absolute"].(bool); absolute != on {
				t.Errorf("absolute %v: event %v", on, event)
			}
		}
		if diff := cmp.Diff(pick(on, []string{"ops", "ops", "devs"}, []string{"devs ops", "devs", "devs"}), got); diff != "" {
			t.Errorf("absolute %v: parents mismatch (-want +got):\n%s", on, diff)
		}
	})
}

func TestContract50RenameRecreates(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.RenameRecreates = on }, func(s *site, on bool) {
		start := s.want(200, "GET", "event", "").at("newEventToken").(string)
		s.want(200, "POST", "user/rename?username=ann", `{"new-name":"zoe"}`)
		want := pick(on, []string{"userEvent UPDATED user=zoe"}, []string{"userEvent DELETED user=ann", "userEvent CREATED user=zoe"})
		if diff := cmp.Diff(want, s.eventsSince(start)); diff != "" {
			t.Errorf("events mismatch (-want +got):\n%s", diff)
		}
	})
}

// TestContract50OtherWrites makes writes of many users, writes that fail and
// calls that are no writes.
func TestContract50OtherWrites(t *testing.T) {
	s := newSite(t)
	start := s.want(200, "GET", "event", "").at("newEventToken").(string)
	s.want(400, "POST", "user", newUser("ann"))
	s.want(404, "DELETE", "group?groupname=nothing", "")
	s.want(404, "DELETE", "group/user/direct?groupname=devs&username=ann", "")
	s.want(204, "DELETE", "user/attribute?username=ann&attributename=nothing", "")
	s.want(200, "POST", "authentication?username=ann", `{"value":"ann"}`)
	s.want(201, "POST", "session", `{"username":"ann","password":"ann"}`)
	s.want(204, "POST", "user/mail/password?username=ann", "")
	if got := s.eventsSince(start); len(got) > 0 {
		t.Errorf("events of what changes nothing: %q", got)
	}
	s.want(204, "POST", "user/expire-all-passwords?confirm=true", "")
	if diff := cmp.Diff([]string{"userEvent UPDATED user=ann", "userEvent UPDATED user=bob"}, s.eventsSince(start)); diff != "" {
		t.Errorf("events of expired passwords mismatch (-want +got):\n%s", diff)
	}
}

func TestContract51OtherPermissions(t *testing.T) {
	attribute := `{"attributes":[{"name":"a","values":["b"]}]}`
	deny := func(s *site) {
		s.srv.SetDirectory("", func(d *crowdtest.Directory) {
			d.Denied = []crowdtest.Operation{crowdtest.ModifyUser, crowdtest.ModifyGroup}
		})
	}
	bothWays(t, func(o *crowdtest.Options, on bool) { o.AttributesNeedModify = on }, func(s *site, on bool) {
		deny(s)
		for _, resource := range []string{"user/attribute?username=ann", "group/attribute?groupname=devs"} {
			s.want(pick(on, 204, 403), "POST", resource, attribute)
			s.want(pick(on, 204, 403), "DELETE", resource+"&attributename=a", "")
		}
	})
	bothWays(t, func(o *crowdtest.Options, on bool) { o.MembersNeedModifyUser = on }, func(s *site, on bool) {
		s.srv.SetDirectory("", func(d *crowdtest.Directory) { d.Denied = []crowdtest.Operation{crowdtest.ModifyUser} })
		s.want(pick(on, 201, 403), "POST", "group/user/direct?groupname=devs", named("ann"))
		s.want(pick(on, 204, 403), "DELETE", "group/user/direct?groupname=devs&username=ann", "")
	})
}

// TestContract51RefusedGroup adds a member who must not be added to a group
// that would have to be made first.
func TestContract51RefusedGroup(t *testing.T) {
	s := twoDirectories(t)
	s.set(func(o *crowdtest.Options) { o.CreateGroupOnAdd = true })
	s.srv.SetDirectory("", func(d *crowdtest.Directory) { d.Denied = []crowdtest.Operation{crowdtest.ModifyGroup} })
	s.unchanged(func() {
		s.refused(404, "GROUP_NOT_FOUND", "POST", "group/user/direct?groupname=only2", named("one"))
		s.refused(400, "GROUP_NOT_FOUND", "POST", "user/group/direct?username=one", named("only2"))
	})
}

func TestContract53SharedLimit(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) {
		o.RateLimit = &crowdtest.RateLimit{Limit: 1, Shared: on}
	}, func(s *site, on bool) {
		s.srv.SetApplication(crowdtest.Application{Name: "other", Password: "p"})
		s.want(200, "GET", "user?username=ann", "")
		r := s.request("GET", "user?username=ann", "")
		r.SetBasicAuth("other", "p")
		if got := s.send(r).status; got != pick(on, 200, 429) {
			t.Errorf("shared %v: the other application gets %d", on, got)
		}
	})
}

func TestContract06UnknownCookie(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) { o.RefuseUnknownCookie = on }, func(s *site, on bool) {
		known := s.want(200, "GET", "user?username=ann", "").header.Get("Set-Cookie")
		s.header.Set("Cookie", "JSESSIONID=unknown")
		s.want(pick(on, 200, 401), "GET", "user?username=ann", "")
		s.header.Set("Cookie", strings.Split(known, ";")[0])
		s.want(200, "GET", "user?username=ann", "")
		s.header.Set("Cookie", "other=unknown")
		s.want(200, "GET", "user?username=ann", "")
	})
}

// TestContract06Restart looks at the cookie after a restart.
func TestContract06Restart(t *testing.T) {
	s := newSite(t)
	cookie := func() string { return s.want(200, "GET", "user?username=ann", "").header.Get("Set-Cookie") }
	s.header.Set("Cookie", strings.Split(cookie(), ";")[0])
	if got := cookie(); got != "" {
		t.Errorf("a known cookie is answered with %q", got)
	}
	s.srv.Restart()
	if got := cookie(); got == "" {
		t.Error("a cookie survives the restart")
	}
}

// TestVersions compares what the options mean in each version.
func TestVersions(t *testing.T) {
	for version, want := range map[string][]int{
		// POST user in any old version; CQL; dump; unknown list; e-mail.
		"2.1":   {400, 404, 404, 204},
		"2.2":   {200, 404, 404, 204},
		"2.8.2": {200, 200, 200, 204},
		"2.9":   {200, 200, 404, 204},
		"4.3":   {200, 200, 404, 204},
		"4.4.0": {200, 200, 404, 403},
		"6.3.0": {200, 200, 404, 403},
		"next":  {200, 200, 404, 403},
	} {
		s := newSite(t)
		s.set(func(o *crowdtest.Options) { o.Version = version })
		s.accept("application/xml")
		got := []int{
			s.call("GET", "search?entity-type=user&restriction=name%3Dann", "").status,
			s.call("GET", "group/membership", "").status,
			s.call("GET", "user/group/direct?username=nobody", "").status,
			s.call("PUT", "user?username=ann", `{"name":"ann","email":"new@example.com"}`).status,
		}
		if !slices.Equal(got, want) {
			t.Errorf("version %s: %v, want %v", version, got, want)
		}
	}
}

func TestContract30AbsentActive(t *testing.T) {
	bothWays(t, func(o *crowdtest.Options, on bool) {
		o.AbsentActiveGroup = pick(on, crowdtest.AbsentAsCrowd, crowdtest.AbsentFalse)
	}, func(s *site, on bool) {
		for _, body := range []string{`{"name":"devs"}`, `{"name":"devs","active":null}`} {
			if got := s.want(200, "PUT", "group?groupname=devs", body).at("active"); got != !on {
				t.Errorf("option %v, %s: active %v", on, body, got)
			}
		}
	})
	s := newSite(t)
	s.srv.AddGroup(crowd.Group{Name: "off"})
	if got := s.want(200, "PUT", "group?groupname=off", `{"name":"off"}`).at("active"); got != true {
		t.Errorf("an inactive group updated without active: %v", got)
	}
}
