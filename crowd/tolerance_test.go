package crowd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// habits are the ways in which one Crowd differs from another, or may: versions
// and what is not known for certain of any.
func habits() map[string]func(*crowdtest.Options) {
	habits := map[string]func(*crowdtest.Options){
		"as installed":                func(*crowdtest.Options) {},
		"no creation answer":          func(o *crowdtest.Options) { o.LegacyCreate, o.LegacyGroupCreate = true, true },
		"e-mail change":               func(o *crowdtest.Options) { o.AllowEmailChange = true },
		"e-mail ignoring case":        func(o *crowdtest.Options) { o.EmailIgnoringCase = true },
		"nested groups, no circles":   func(o *crowdtest.Options) { o.NestedGroups, o.RefuseCycles = true, true },
		"dump for JSON":               func(o *crowdtest.Options) { o.DumpForJSON = true },
		"no CQL":                      func(o *crowdtest.Options) { o.NoCQL = true },
		"dashed rename":               func(o *crowdtest.Options) { o.DashedRename = true },
		"no Location":                 func(o *crowdtest.Options) { o.NoLocation = true },
		"no keys, no dates":           func(o *crowdtest.Options) { o.OmitKeys, o.OmitDates = true, true },
		"no empty text":               func(o *crowdtest.Options) { o.OmitEmptyText = true },
		"no attributes in searches":   func(o *crowdtest.Options) { o.SearchOmitsAttributes = true },
		"attributes one by one":       func(o *crowdtest.Options) { o.AttributesOneByOne = true },
		"404 for missing":             func(o *crowdtest.Options) { o.MissingAttribute404, o.MissingSession404 = true, true },
		"empty values change nothing": func(o *crowdtest.Options) { o.KeepOnEmptyValues = true },
		"attributes move dates":       func(o *crowdtest.Options) { o.AttributesMoveUpdated = true },
		"attributes reversed":         func(o *crowdtest.Options) { o.AttributesReversed = true },
		"partial update":              func(o *crowdtest.Options) { o.PartialUpdate = true },
		"attributes in updates":       func(o *crowdtest.Options) { o.AttributesInUpdate = true },
		"absent is active": func(o *crowdtest.Options) {
			o.AbsentActiveUser, o.AbsentActiveGroup = crowdtest.AbsentTrue, crowdtest.AbsentTrue
		},
		"absent is inactive": func(o *crowdtest.Options) {
			o.AbsentActiveUser, o.AbsentActiveGroup = crowdtest.AbsentFalse, crowdtest.AbsentFalse
		},
		"no display name of its own":    func(o *crowdtest.Options) { o.NoDisplayName = true },
		"first and last names":          func(o *crowdtest.Options) { o.StrictNames = true },
		"outer space":                   func(o *crowdtest.Options) { o.AllowOuterSpace = true },
		"group type":                    func(o *crowdtest.Options) { o.RequireGroupType = true },
		"nothing unknown":               func(o *crowdtest.Options) { o.Strict = true },
		"sessions stay":                 func(o *crowdtest.Options) { o.KeepSessions = true },
		"cookie counts":                 func(o *crowdtest.Options) { o.CookieName, o.CookieAuthenticates = "crowd.session", true },
		"JSON by default, no challenge": func(o *crowdtest.Options) { o.DefaultJSON, o.NoChallenge = true, true },
		"version hidden":                func(o *crowdtest.Options) { o.HideVersion, o.HideVersionOnErrors = true, true },
		"other statuses": func(o *crowdtest.Options) {
			o.Statuses = map[string]int{
				"INVALID_USER": 409, "INVALID_GROUP": 409, "MEMBERSHIP_ALREADY_EXISTS": 400,
				"MEMBERSHIP_NOT_FOUND": 400, "NESTED_GROUPS_NOT_SUPPORTED": 500, "ILLEGAL_ARGUMENT": 422,
				"INVALID_USER_AUTHENTICATION": 401, "INACTIVE_ACCOUNT": 403, "EVENT_TOKEN_EXPIRED": 400, "INVALID_SSO_TOKEN": 400,
			}
			o.BodyNotFoundStatus = 404
		},
	}
	for option := range reflect.TypeFor[crowdtest.Options]().Fields() {
		if option.Type.Kind() == reflect.Bool && !slices.Contains(losses(), option.Name) {
			habits[option.Name] = func(o *crowdtest.Options) { reflect.ValueOf(o).Elem().FieldByIndex(option.Index).SetBool(true) }
		}
	}
	for _, version := range []string{"2.5", "2.8.2", "2.9", "3.0", "4.3", "4.4", "5.2.1", "6.0.1", "6.3.0"} {
		habits[version] = func(o *crowdtest.Options) { o.Version = version }
	}
	return habits
}

// losses are the options of a Crowd that lacks something for good.
func losses() []string {
	return []string{"NoMembershipDump", "NoAttributeSearch", "NarrowSearch", "EventsUnavailable", "NoRename"}
}

// Every call works with every Crowd, and fails for the same reasons.
func TestTolerates(t *testing.T) {
	for habit, option := range habits() {
		t.Run(habit, func(t *testing.T) {
			s := new(crowdtest.Server)
			s.SetOptions(option)
			c := clientOf(t, s, crowd.Config{})
			if err := everyCall(t.Context(), c, "r&d/a+b 'ä'"); err != nil {
				t.Error(err)
			}
			if err := everyFailure(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
}

// What a Crowd lacks is told as that.
func TestLosses(t *testing.T) {
	s := new(crowdtest.Server)
	s.AddUser(crowd.User{Name: "ann", Active: true})
	s.SetOptions(func(o *crowdtest.Options) {
		o.NoMembershipDump, o.EventsUnavailable, o.NoRename, o.NarrowSearch, o.KeepPopulatedGroups = true, true, true, true, true
		o.URLLimit = 8000
	})
	s.AddGroup(crowd.Group{Name: "devs"})
	s.AddMember("devs", "ann")
	c := clientOf(t, s, crowd.Config{Tries: 1})
	end := func(seq iter.Seq2[*crowd.User, error]) (last error) {
		for _, err := range seq {
			last = err
		}
		return last
	}
	var dump error
	for _, err := range c.Memberships(t.Context()) {
		dump = err
	}
	_, _, events := c.Events(t.Context(), "token")
	_, rename := c.RenameUser(t.Context(), "ann", "anna")
	for name, test := range map[string]struct{ got, want error }{
		"dump": {dump, crowd.ErrUnsupported}, "events": {events, crowd.ErrUnsupported}, "rename": {rename, crowd.ErrUnsupported},
		"search":     {end(c.Users(t.Context(), crowd.Query{Where: crowd.StartsWith("team", "x")})), crowd.ErrIllegalArgument},
		"delete":     {c.DeleteGroup(t.Context(), "devs"), crowd.ErrInvalidGroup},
		"long URL":   {end(c.Users(t.Context(), crowd.Query{Where: crowd.Equals("name", strings.Repeat("x", 9000))})), nil},
		"other name": {end(c.Users(t.Context(), crowd.Query{Where: crowd.Equals("name", "ann")})), nil},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: got %v, want %v", name, test.got, test.want)
		}
	}
}

// everyFailure holds what goes wrong against the kinds of failure.
func everyFailure(ctx context.Context, c *crowd.Client) error {
	_, errUser := c.CreateUser(ctx, ann(), "p")
	_, errGroup := c.CreateGroup(ctx, crowd.Group{Name: "devs", Active: true})
	if err := errors.Join(errUser, errGroup); err != nil {
		return err
	}
	var wrong []error
	expect := func(what string, got, want error) {
		if !errors.Is(got, want) {
			wrong = append(wrong, fmt.Errorf("%s: got %v, want %v", what, got, want))
		}
	}
	_, err := c.CreateUser(ctx, crowd.User{Name: "ANN", FirstName: "A", LastName: "L"}, "p")
	expect("create user who is there", err, crowd.ErrExists)
	_, err = c.CreateGroup(ctx, crowd.Group{Name: "DEVS"})
	expect("create group that is there", err, crowd.ErrExists)
	_, err = c.User(ctx, "nobody")
	expect("unknown user", err, crowd.ErrUserNotFound)
	_, err = c.AddMember(ctx, "devs", "nobody")
	expect("add unknown user", err, crowd.ErrUserNotFound)
	_, err = c.AddMember(ctx, "none", "ann")
	expect("add to unknown group", err, crowd.ErrGroupNotFound)
	for i, want := range []bool{true, false} {
		if changed, err := c.AddMember(ctx, "devs", "ann"); err != nil || changed != want {
			wrong = append(wrong, fmt.Errorf("add member, time %d: got %t, %w", i+1, changed, err))
		}
	}
	for i, want := range []bool{true, false} {
		if changed, err := c.RemoveMember(ctx, "devs", "ann"); err != nil || changed != want {
			wrong = append(wrong, fmt.Errorf("remove member, time %d: got %t, %w", i+1, changed, err))
		}
	}
	_, err = c.Authenticate(ctx, "ann", "wrong")
	expect("wrong password", err, crowd.ErrUserAuthentication)
	expect("deactivate", c.UpdateUser(ctx, crowd.User{Name: "ann", FirstName: "A", LastName: "L", Email: ann().Email}), nil)
	_, err = c.Authenticate(ctx, "ann", "p")
	expect("inactive", err, crowd.ErrInactiveAccount)
	_, err = c.Session(ctx, "no token")
	expect("session", err, crowd.ErrSession)
	_, _, err = c.Events(ctx, "no token")
	expect("events", err, crowd.ErrEventToken)
	expect("unset attribute", c.DeleteUserAttribute(ctx, "ann", "never there"), nil)
	expect("end unknown session", c.EndSession(ctx, "no token"), nil)
	return errors.Join(wrong...)
}

// TestFixturesThroughFake sends the bodies that clients of a real Crowd have
// sent to the fake, and reads with the client what came of them.
func TestFixturesThroughFake(t *testing.T) {
	s := new(crowdtest.Server)
	s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
	c := clientOf(t, s, crowd.Config{})
	ctx := t.Context()
	want := crowd.User{
		Name: "mara", FirstName: "Mara", LastName: "Lind", DisplayName: "Mara Lind",
		Email: "mara@example.com", Active: true, Attributes: crowd.Attributes{},
	}
	send(t, s, "POST", "user", "", "user-create-request.xml", 201)
	same(t, c, want)
	if _, err := c.Authenticate(ctx, "mara", "correct horse"); err != nil {
		t.Error(err)
	}
	send(t, s, "POST", "user/attribute", "username=mara", "attributes-request.xml", 204)
	want.Attributes = crowd.Attributes{"team": {"red", "blue"}}
	same(t, c, want)
	if err := c.SetPassword(ctx, "mara", "other"); err != nil {
		t.Fatal(err)
	}
	send(t, s, "PUT", "user/password", "username=mara", "password-value-request.xml", 204)
	send(t, s, "POST", "authentication", "username=mara", "password-value-request.json", 200)
	send(t, s, "POST", "session", "", "session-create-request.xml", 201)
	one, err := c.CreateSession(ctx, crowd.SessionRequest{
		User: "mara", Password: "correct horse", Factors: []crowd.Factor{{Name: "remote_address", Value: "192.0.2.10"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	send(t, s, "POST", "session", "", "session-create-request.json", 201)
	send(t, s, "POST", "session/"+one.Token.Reveal(), "", "session-validate-request.json", 200)
	if n := s.Sessions("mara"); n != 1 {
		t.Errorf("%d sessions of the same factors, want 1", n)
	}
	if body := send(t, s, "POST", "search", "entity-type=user", "search-property-request.xml", 200); !strings.Contains(body, `"mara"`) {
		t.Errorf("the search finds %s", body)
	}
	for line := range strings.Lines(fixture(t, "search-cql.txt")) {
		query := url.Values{"entity-type": {"user"}, "restriction": {strings.TrimSpace(line)}}
		send(t, s, "GET", "search", query.Encode(), "", 200)
	}
	send(t, s, "POST", "group", "", "group-create-request.json", 201)
	send(t, s, "POST", "group/user/direct", "groupname=platform", "member-request.json", 201)
	if in, err := c.IsMember(ctx, "platform", "mara", false); !in || err != nil {
		t.Errorf("member: got %t, %v", in, err)
	}
	send(t, s, "PUT", "user", "username=mara", "user-update-request.json", 204)
	want.LastName, want.DisplayName, want.Active = "Lind-Berg", "Mara Lind-Berg", false
	same(t, c, want)
	send(t, s, "POST", "user/rename", "username=mara", "user-rename-request.json", 200)
	want.Name = "mara.lind"
	same(t, c, want)
	send(t, s, "POST", "user", "", "user-create-attributes-request.json", 201)
	if u, err := c.User(ctx, "mara"); err != nil || u.Attributes.First("scim:externalId") != "e-1001" {
		t.Errorf("created with attributes: got %+v, %v", u, err)
	}
}

// send sends a fixture, or nothing, and returns the answer's body.
func send(t *testing.T, s *crowdtest.Server, method, resource, query, name string, status int) string {
	t.Helper()
	var body io.Reader
	if name != "" {
		body = bytes.NewBufferString(fixture(t, name))
	}
	r, err := http.NewRequestWithContext(t.Context(), method, testBase+"/rest/usermanagement/1/"+resource+"?"+query, body)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(crowdtest.DefaultApplication, crowdtest.DefaultPassword.Reveal())
	r.Header.Set("Content-Type", mediaOf(name))
	r.Header.Set("Accept", typeJSON)
	response, err := s.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status {
		t.Fatalf("%s %s %s: got %d, %v, want %d\n%s", method, resource, query, response.StatusCode, err, status, text)
	}
	return string(text)
}

// same holds a user of the fake against what is wanted.
func same(t *testing.T, c *crowd.Client, want crowd.User) {
	t.Helper()
	got, err := c.User(t.Context(), want.Name)
	if err != nil {
		t.Fatal(err)
	}
	if got.Key == "" || time.Since(got.Created) > time.Hour {
		t.Errorf("key %q, created %v", got.Key, got.Created)
	}
	if diff := cmp.Diff(&want, got, asGiven()); diff != "" {
		t.Errorf("user mismatch (-want +got):\n%s", diff)
	}
}

// An application may be shown all names in lower case, whatever they are.
func TestLowerCaseOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(crowdtest.Server)
		s.SetApplication(crowdtest.Application{
			Name: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword, LowerCaseOutput: true,
		})
		s.SetOptions(func(o *crowdtest.Options) { o.SearchOmitsAttributes = true })
		s.Fail(
			crowdtest.Fault{Method: "POST", Resource: "user", Kind: crowdtest.LoseResponse},
			crowdtest.Fault{Method: "POST", Resource: "group", Kind: crowdtest.LoseResponse},
		)
		c := clientOf(t, s, crowd.Config{})
		ctx := t.Context()
		u, errUser := c.CreateUser(ctx, crowd.User{Name: "Ann Ü", Active: true, Attributes: crowd.Attributes{"team": {"Red"}}}, "p")
		g, errGroup := c.CreateGroup(ctx, crowd.Group{Name: "Devs", Active: true})
		if err := errors.Join(errUser, errGroup); err != nil || u.Name != "ann ü" || g.Name != "devs" {
			t.Fatalf("got %+v, %+v, %v", u, g, err)
		}
		if changed, err := c.AddMember(ctx, "DEVS", "ANN Ü"); !changed || err != nil {
			t.Errorf("add member: got %t, %v", changed, err)
		}
		u, err := c.RenameUser(ctx, "ANN ü", "Anna")
		if err != nil || u.Name != "anna" {
			t.Errorf("rename: got %+v, %v", u, err)
		}
		members := collect(t, c.Members(ctx, "Devs", crowd.List{Detail: crowd.WithAttributes}))
		if len(members) != 1 || members[0].Name != "anna" || members[0].Attributes.First("team") != "Red" {
			t.Errorf("members are %+v", members)
		}
		if names := append(s.UserNames(), s.GroupNames()...); !slices.Equal(names, []string{"Anna", "Devs"}) {
			t.Errorf("stored names are %v", names)
		}
	})
}
