package scimtest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// reply answers requests of a method below a path.
func reply(method, path string, status int, body string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if r.Method != method || !strings.HasPrefix(r.URL.Path, "/scim/v2"+path) {
			return nil
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	}
}

// torn is a body that breaks off.
type torn struct{}

func (torn) Read([]byte) (int, error) { return 0, errors.New("torn") }
func (torn) Close() error             { return nil }

// What servers do wrong is found out: in the answers, or by what they show
// afterwards. The wrong answers come when ann is renamed, leaves and the group is
// dropped.
func TestWrongServers(t *testing.T) {
	ann, bob := person("ann", "Ann", "Ash"), person("bob", "Bob", "Birch")
	crew := scimtest.Group{ID: "crew", Name: "Crew", Members: []string{"ann", "bob"}}
	before := scimtest.Directory{Users: []scimtest.User{ann, bob}, Groups: []scimtest.Group{crew}}
	changed := ann
	changed.DisplayName = "Ann of Ash"
	with := func(users []scimtest.User, groups ...scimtest.Group) scimtest.Directory {
		return scimtest.Directory{Users: users, Groups: groups}
	}
	all := []scimtest.User{ann, bob}
	cid := person("cid", "Cid", "Cedar")
	short := crew
	short.Members = []string{"bob"}
	for name, test := range map[string]struct {
		app    scimtest.App
		after  scimtest.Directory
		answer func(*http.Request) *http.Response
		want   string
	}{
		"create without an answer": {scimtest.Okta, with(append(all, cid), crew), reply("POST", "/Users", 201, ""), "create user cid@example.com: status 201: the answer to a create is no resource with an id"},
		"two hits": {
			scimtest.Okta, with(append(all, cid), crew), reply("GET", "/Users", 200, `{"totalResults":2,"Resources":[{"id":"1"},{"id":"2"}]}`),
			"the look-up found more than one",
		},
		"no list":          {scimtest.Entra, with(append(all, cid), crew), reply("GET", "/Users", 200, `[]`), "totalResults is no number"},
		"late activation":  {scimtest.Okta, with([]scimtest.User{changed, bob}, crew), reply("PUT", "/Users", 200, `{"id":"1","active":false}`), "another value of active"},
		"no JSON":          {scimtest.Okta, with([]scimtest.User{changed, bob}, crew), reply("PUT", "/Users", 400, `bad request`), "no JSON object: bad request"},
		"no detail":        {scimtest.Okta, with([]scimtest.User{changed, bob}, crew), reply("PUT", "/Users", 400, `{}`), "status 400: Bad Request"},
		"change forgotten": {scimtest.Google, with([]scimtest.User{changed, bob}), reply("PUT", "/Users", 200, `{}`), `user ann@example.com: displayName is "Ann Ash", want "Ann of Ash"`},
		"leaver active":    {scimtest.Entra, with(all[1:], crew), reply("PATCH", "/Users", 204, ""), `user ann@example.com: active is "true", want "false"`},
		"member stays":     {scimtest.EntraFlag, with(all, short), reply("PATCH", "/Groups", 204, ""), `group Crew: members is "ann@example.com", want ""`},
		"everybody leaves": {scimtest.JumpCloudPut, with(all, short), reply("PUT", "/Groups", 200, `{}`), `group Crew: members is "ann@example.com", want ""`},
		"group stays":      {scimtest.Ping, with(all), reply("DELETE", "/Groups", 204, ""), `group Crew: exists is "yes", want "no"`},
		"group lost":       {scimtest.Ping, with(all, crew), reply("GET", "/Groups", 404, ""), `group Crew: exists is "no", want "yes"`},
		"user unreadable":  {scimtest.Ping, with(all, crew), reply("GET", "/Users", 500, ""), `user ann@example.com: exists is "status 500: Internal Server Error", want "an answer"`},
		"answer torn": {scimtest.Ping, with(all, short), func(r *http.Request) *http.Response {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: torn{}}
		}, "change members of group Crew: the answer broke off: torn"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBridge(t, newCrowd(), "test", scim.Generic)
			idp := b.idp(test.app)
			b.sync(idp, before)
			b.answer = test.answer
			report, err := idp.Sync(t.Context(), test.after)
			if err != nil {
				t.Fatal(err)
			}
			if text := fmt.Sprint(report.Err()); !strings.Contains(text, test.want) || !strings.Contains(report.String(), test.want) {
				t.Errorf("it says\n%v\nwant %q", text, test.want)
			}
		})
	}
}

// A server that cannot be reached is a failure, which holds no token.
func TestUnreachable(t *testing.T) {
	idp := scimtest.New(scimtest.Ping, scimtest.Config{BaseURL: "http://server.test/", Token: "s3cret", HTTPClient: &http.Client{Transport: transport(
		func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") },
	)}})
	report, err := idp.TestConnection(t.Context())
	if err != nil || len(report.Failures) != 1 || report.Failures[0].Error() != "scimtest: test connection: no route" {
		t.Errorf("%v\n%v", err, report)
	}
	if strings.Contains(fmt.Sprintf("%+v %v", report.Steps, report), "s3cret") {
		t.Error("the token is in the report")
	}
}

// A user 0 must not be found.
func TestUserZero(t *testing.T) {
	report, err := answering(scimtest.Ping, 200, `{"id":"0"}`).TestConnection(t.Context())
	if err != nil || report.Err() == nil {
		t.Errorf("%v\n%v", err, report)
	}
}

// JumpCloud deactivates the user of its test where it may not delete it, and
// deletes in the next test what a failed one has left.
func TestTrial(t *testing.T) {
	b := newBridge(t, newCrowd(), "test", scim.JumpCloud)
	idp := b.idp(scimtest.JumpCloud)
	b.answer = reply("DELETE", "/Users", 403, "")
	report, err := idp.TestConnection(t.Context())
	if last := report.Steps[len(report.Steps)-1]; err != nil || report.Err() != nil || last.Method != "PUT" || !strings.Contains(last.Body, `"active":false`) {
		t.Errorf("%v\n%v", err, report)
	}
	idp = b.idp(scimtest.JumpCloud)
	b.answer = reply("DELETE", "/Groups", 500, "")
	if report, err := idp.TestConnection(t.Context()); err != nil || report.Err() == nil {
		t.Errorf("%v\n%v", err, report)
	}
	b.answer = nil
	b.sync(idp, scimtest.Directory{})
	b.wantAccounts()
	b.wantGroups(nil)
}

// Large groups are filled, and 45 members are taken out again, in batches by apps
// that patch.
func TestBatches(t *testing.T) {
	for app, want := range map[scimtest.App][2]int{
		scimtest.Okta: {2, 1}, scimtest.Entra: {6, 3}, scimtest.Ping: {2, 1}, scimtest.OktaWizard: {1, 1},
	} {
		b := newBridge(t, newCrowd(), "test", providerOf(app))
		idp := b.idp(app)
		d := scimtest.Directory{Groups: []scimtest.Group{{ID: "all", Name: "All"}}}
		var everybody []string
		for n := range 105 {
			u := person(fmt.Sprintf("u%03d", n), "U", fmt.Sprint(n))
			d.Users = append(d.Users, u)
			everybody = append(everybody, u.ID)
		}
		for i, members := range [][]string{everybody, everybody[45:]} {
			d.Groups[0].Members = members
			n := 0
			for _, s := range b.sync(idp, d).Steps {
				if s.Task == "change members of group All" || strings.Contains(s.Body, `"members":[{`) {
					n++
				}
			}
			if n != want[i] {
				t.Errorf("%s sent %d requests for %d members, want %d", app, n, len(members), want[i])
			}
			if got := len(b.crowd.Members("All")); got != len(members) {
				t.Errorf("%s: the group has %d members, want %d", app, got, len(members))
			}
		}
	}
}

// A new person with the userName of a leaver takes the account over, and a new
// group the one whose name it has, as long as no other is renamed before.
func TestNamesTakenOver(t *testing.T) {
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		b := newBridge(t, newCrowd(), "test", provider)
		idp := b.idp(app)
		ann, bob := person("ann", "Ann", "Ash"), person("bob", "Bob", "Birch")
		b.sync(idp, scimtest.Directory{
			Users:  []scimtest.User{ann, bob},
			Groups: []scimtest.Group{{ID: "1", Name: "Crew", Members: []string{"ann", "bob"}}},
		})
		other := person("other", "Ann", "Other")
		other.UserName = ann.UserName
		b.sync(idp, scimtest.Directory{
			Users:  []scimtest.User{other, bob},
			Groups: []scimtest.Group{{ID: "2", Name: "Crew", Members: []string{"other"}}, {ID: "1", Name: "Old Crew", Members: []string{"bob"}}},
		})
		if !pushesGroups(app) {
			b.wantAccounts(accountOf(other, true), accountOf(bob, true))
			return
		}
		b.wantAccounts(accountOf(other, true, "Crew"), accountOf(bob, true, "Old Crew"))
	})
}

// A group that the server has lost is made again by the apps that look before
// they leap; Okta's push stays in error.
func TestLostGroup(t *testing.T) {
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		if !pushesGroups(app) {
			return
		}
		b := newBridge(t, newCrowd(), "test", provider)
		idp := b.idp(app)
		ann := person("ann", "Ann", "Ash")
		crew := scimtest.Group{ID: "crew", Name: "Crew", Members: []string{"ann"}}
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann}, Groups: []scimtest.Group{crew}})
		other := b.idp(scimtest.EntraFlag)
		b.sync(other, scimtest.Directory{Users: []scimtest.User{ann}, Groups: []scimtest.Group{crew}})
		b.sync(other, scimtest.Directory{Users: []scimtest.User{ann}}) // deletes it
		b.wantGroups(nil)
		crew.Name = "Crew North"
		report, err := idp.Sync(t.Context(), scimtest.Directory{Users: []scimtest.User{ann}, Groups: []scimtest.Group{crew}})
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains([]scimtest.App{scimtest.Okta, scimtest.OktaWizard, scimtest.OneLogin}, app) {
			if len(report.Failures) != 1 || report.Failures[0].Status != 404 {
				t.Errorf("failures are %v", report)
			}
			return
		}
		if err := report.Err(); err != nil {
			t.Error(err)
		}
		b.wantGroups(map[string][]string{"Crew North": {"ann"}})
	})
}

// JumpCloud says of a user without an address that it has none.
func TestNoAddress(t *testing.T) {
	b := newBridge(t, newCrowd(), "test", scim.JumpCloud)
	idp, ann := b.idp(scimtest.JumpCloud), person("ann", "Ann", "Ash")
	b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann}})
	ann.Email = ""
	report, err := idp.Sync(t.Context(), scimtest.Directory{Users: []scimtest.User{ann}})
	if err != nil || len(report.Steps) != 1 || !strings.Contains(report.Steps[0].Body, `"emails":null`) {
		t.Errorf("%v\n%v", err, report)
	}
}
