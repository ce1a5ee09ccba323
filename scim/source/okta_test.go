package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim/source"
	"github.com/scimcrowd/scimcrowd/scim/source/oktatest"
)

// oktaOf returns a source that reads a fake organisation.
func oktaOf(tb testing.TB, fake http.RoundTripper, change ...func(*source.OktaConfig)) *source.Okta {
	tb.Helper()
	cfg := source.OktaConfig{
		URL: "https://example.okta.com", Token: oktatest.DefaultToken, HTTPClient: &http.Client{Transport: fake},
	}
	for _, f := range change {
		f(&cfg)
	}
	return must[*source.Okta](tb)(source.NewOkta(cfg))
}

// staff is an organisation of five users, one for each of some statuses, and two
// groups.
func staff() *oktatest.Server {
	s := &oktatest.Server{}
	var ids []string
	for _, u := range []struct{ login, status, department string }{
		{"ann", "ACTIVE", "Engineering"},
		{"bob", "LOCKED_OUT", "Sales"},
		{"cem", "SUSPENDED", "Engineering"},
		{"dan", "DEPROVISIONED", "Sales"},
		{"eve", "PASSWORD_EXPIRED", "Engineering"},
	} {
		ids = append(ids, s.AddUser(oktatest.User{Status: u.status, Profile: map[string]any{"login": u.login, "department": u.department}}))
	}
	s.AddGroup("devs", ids[0], ids[2], ids[4])
	s.AddGroup("sales", ids[1])
	return s
}

func TestOktaChooses(t *testing.T) {
	all := []string{"user 00u1 ann", "user 00u2 bob", "user 00u5 eve"}
	groups := []string{"group 00g6 devs [00u1 00u5]", "group 00g7 sales [00u2]"}
	for name, c := range map[string]struct {
		change func(*source.OktaConfig)
		want   []string
	}{
		"all who may work": {func(*source.OktaConfig) {}, append(all[:3:3], groups...)},
		"small pages":      {func(c *source.OktaConfig) { c.PageSize = 1 }, append(all[:3:3], groups...)},
		"without groups":   {func(c *source.OktaConfig) { c.NoGroups = true }, all},
		"by status":        {func(c *source.OktaConfig) { c.NoGroups, c.Status = true, []string{"SUSPENDED", "DEPROVISIONED"} }, []string{"user 00u3 cem", "user 00u4 dan"}},
		"by expression":    {func(c *source.OktaConfig) { c.NoGroups, c.Search = true, `profile.department eq "Engineering"` }, []string{"user 00u1 ann", "user 00u5 eve"}},
		"an or within": {func(c *source.OktaConfig) {
			c.NoGroups, c.Search = true, `profile.login eq "cem" or profile.login eq "ann"`
		}, []string{"user 00u1 ann"}},
		"by group, named":   {func(c *source.OktaConfig) { c.NoGroups, c.Group = true, "devs" }, []string{"user 00u1 ann", "user 00u5 eve"}},
		"by group, its id":  {func(c *source.OktaConfig) { c.NoGroups, c.Group = true, "00g00000000000000007" }, []string{"user 00u2 bob"}},
		"groups of a name":  {func(c *source.OktaConfig) { c.GroupSearch = `profile.name sw "sa"` }, append(all[:3:3], groups[1])},
		"with OAuth":        {func(c *source.OktaConfig) { c.NoGroups, c.Token, c.AccessToken = true, "", oauth }, all},
		"no group is found": {func(c *source.OktaConfig) { c.GroupSearch = `profile.name eq "none"` }, all},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := told(t.Context(), oktaOf(t, staff(), c.change))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("records mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func oauth(context.Context) (crowd.Secret, error) { return oktatest.DefaultAccessToken, nil }

func TestOktaPages(t *testing.T) {
	fake := &oktatest.Server{MostPerPage: 2}
	for i := range 5 {
		fake.AddUser(oktatest.User{Profile: map[string]any{"login": fmt.Sprint("u", i)}})
	}
	got := must[[]string](t)(told(t.Context(), oktaOf(t, fake, func(c *source.OktaConfig) { c.NoGroups = true })))
	if want := []string{"user 00u1 u0", "user 00u2 u1", "user 00u3 u2", "user 00u4 u3", "user 00u5 u4"}; !cmp.Equal(want, got) {
		t.Errorf("records are %q, want %q", got, want)
	}
	if calls := fake.Calls(); len(calls) != 3 || !strings.Contains(calls[2], "after=00u00000000000000004") {
		t.Errorf("calls are %q", calls)
	}
}

// A source that nobody listens to any more asks for no further page.
func TestOktaStops(t *testing.T) {
	fake := &oktatest.Server{MostPerPage: 1}
	for i := range 3 {
		fake.AddUser(oktatest.User{Profile: map[string]any{"login": fmt.Sprint("u", i)}})
	}
	for range oktaOf(t, fake).Records(t.Context()) {
		break
	}
	if calls := fake.Calls(); len(calls) != 1 {
		t.Errorf("calls are %q", calls)
	}
}

func TestOktaProfile(t *testing.T) {
	profile := map[string]any{}
	for _, property := range []string{
		"login", "email", "secondEmail", "firstName", "lastName", "middleName", "honorificPrefix", "honorificSuffix",
		"title", "displayName", "nickName", "profileUrl", "primaryPhone", "mobilePhone", "streetAddress", "city", "state", "zipCode",
		"countryCode", "postalAddress", "preferredLanguage", "locale", "timezone", "userType", "employeeNumber", "costCenter",
		"organization", "division", "department", "managerId", "manager",
	} {
		profile[property] = "the " + property
	}
	profile["badge"] = 7
	fake := &oktatest.Server{}
	fake.AddUser(oktatest.User{Profile: profile})
	fake.AddUser(oktatest.User{Profile: map[string]any{"login": "bob", "email": nil, "firstName": ""}, Status: "SUSPENDED"})
	okta := oktaOf(t, fake, func(c *source.OktaConfig) {
		c.Status = append(source.OktaActive(), "SUSPENDED")
		c.Adjust = func(profile, user map[string]any) {
			if badge, ok := profile["badge"]; ok {
				user["urn:example:badge"] = badge
			}
		}
	})
	var got []map[string]any
	for r, err := range okta.Records(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.User)
	}
	want := []map[string]any{{
		"externalId": "00u00000000000000001", "active": true, "userName": "the login", "displayName": "the displayName",
		"nickName": "the nickName", "title": "the title", "profileUrl": "the profileUrl", "userType": "the userType",
		"preferredLanguage": "the preferredLanguage", "locale": "the locale", "timezone": "the timezone",
		"name": map[string]any{
			"givenName": "the firstName", "familyName": "the lastName", "middleName": "the middleName",
			"honorificPrefix": "the honorificPrefix", "honorificSuffix": "the honorificSuffix",
		},
		"emails": []any{
			map[string]any{"value": "the email", "type": "work", "primary": true},
			map[string]any{"value": "the secondEmail", "type": "other"},
		},
		"phoneNumbers": []any{
			map[string]any{"value": "the primaryPhone", "type": "work", "primary": true},
			map[string]any{"value": "the mobilePhone", "type": "mobile"},
		},
		"addresses": []any{map[string]any{
			"type": "work", "primary": true, "streetAddress": "the streetAddress", "locality": "the city", "region": "the state",
			"postalCode": "the zipCode", "country": "the countryCode", "formatted": "the postalAddress",
		}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": map[string]any{
			"employeeNumber": "the employeeNumber", "costCenter": "the costCenter", "organization": "the organization",
			"division": "the division", "department": "the department",
			"manager": map[string]any{"value": "the managerId", "displayName": "the manager"},
		},
		"urn:example:badge": json.Number("7"),
	}, {"externalId": "00u00000000000000002", "active": false, "userName": "bob"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resources mismatch (-want +got):\n%s", diff)
	}
}

// What may pass is tried again.
func TestOktaTriesAgain(t *testing.T) {
	for name, f := range map[string]oktatest.Fault{
		"500":              {Kind: oktatest.Answer, Status: 500, Times: 2},
		"503":              {Kind: oktatest.Answer, Status: 503, Times: 2},
		"429":              {Kind: oktatest.Answer, Status: 429, Times: 2},
		"no answer":        {Kind: oktatest.Close, Times: 2},
		"half an answer":   {Kind: oktatest.CutBody, Times: 2},
		"on a later page":  {Kind: oktatest.CutBody, Nth: 2},
		"with the members": {Kind: oktatest.Close, Nth: 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := staff()
				want := must[[]string](t)(told(t.Context(), oktaOf(t, fake, func(c *source.OktaConfig) { c.PageSize = 2 })))
				fake.Fail(f)
				got, err := told(t.Context(), oktaOf(t, fake, func(c *source.OktaConfig) { c.PageSize = 2 }))
				if err != nil || !cmp.Equal(want, got) {
					t.Errorf("records are %q, %v, want %q", got, err, want)
				}
			})
		})
	}
}

// What does not pass ends the records, after those that came before.
func TestOktaEndsEarly(t *testing.T) {
	first := []string{"user 00u1 ann", "user 00u2 bob"}
	for name, c := range map[string]struct {
		fault      oktatest.Fault
		want       []string
		text       string
		incomplete bool
	}{
		"refused": {
			fault: oktatest.Fault{Kind: oktatest.Answer, Status: 403},
			text:  "source: okta: list users: status 403 E0000009: Internal Server Error",
		},
		"never well":      {fault: oktatest.Fault{Nth: 2, Kind: oktatest.Answer, Status: 500, Times: 99}, want: first, text: "list users: status 500"},
		"never reachable": {fault: oktatest.Fault{Nth: 2, Kind: oktatest.Close, Times: 99}, want: first, text: "list users: "},
		"garbage":         {fault: oktatest.Fault{Nth: 2, Kind: oktatest.Garbage}, want: first, text: "the answer is not a list", incomplete: true},
		"another server":  {fault: oktatest.Fault{Kind: oktatest.Elsewhere}, want: first, text: `"elsewhere.example.com", which does not get the token`, incomplete: true},
		"redirected":      {fault: oktatest.Fault{Nth: 2, Kind: oktatest.Answer, Status: 302}, want: first, text: "status 302"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := staff()
				fake.Fail(c.fault)
				got, err := told(t.Context(), oktaOf(t, fake, func(c *source.OktaConfig) { c.PageSize = 2 }))
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("records mismatch (-want +got):\n%s", diff)
				}
				if err == nil || !strings.Contains(err.Error(), c.text) || errors.Is(err, source.ErrIncomplete) != c.incomplete {
					t.Errorf("error is %v, want %q in it", err, c.text)
				}
				if err != nil && (strings.Contains(err.Error(), oktatest.DefaultToken) || strings.Contains(err.Error(), "after=")) {
					t.Errorf("the error tells too much: %v", err)
				}
			})
		})
	}
}

// The token goes nowhere but to the server it is for.
func TestOktaKeepsItsToken(t *testing.T) {
	var hosts []string
	fake := staff()
	spy := spying{fake, &hosts}
	for _, kind := range []oktatest.FaultKind{oktatest.Elsewhere, oktatest.Answer} {
		fake.Fail(oktatest.Fault{Kind: kind, Status: 307})
		if _, err := told(t.Context(), oktaOf(t, spy)); err == nil {
			t.Error("no error")
		}
	}
	if want := []string{"example.okta.com", "example.okta.com"}; !cmp.Equal(want, hosts) {
		t.Errorf("asked %q", hosts)
	}
}

type spying struct {
	http.RoundTripper
	hosts *[]string
}

func (s spying) RoundTrip(r *http.Request) (*http.Response, error) {
	*s.hosts = append(*s.hosts, r.URL.Host)
	return s.RoundTripper.RoundTrip(r)
}

// Where nothing remains of the limit the source waits for the next minute, and so is
// never refused.
func TestOktaRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := staff()
		fake.RateLimit, fake.MostPerPage = 2, 1
		refused := 0
		counting := counting{fake, &refused}
		began := time.Now()
		got := must[[]string](t)(told(t.Context(), oktaOf(t, counting)))
		if len(got) != 5 || refused != 0 {
			t.Errorf("%d records, %d refused: %q", len(got), refused, got)
		}
		if calls := len(fake.Calls()); calls != 8 {
			t.Errorf("%d calls: %q", calls, fake.Calls())
		}
		if took := time.Since(began); took < 3*time.Minute || took > 4*time.Minute {
			t.Errorf("took %s, want three windows of a minute", took)
		}
	})
}

type counting struct {
	http.RoundTripper
	refused *int
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.RoundTripper.RoundTrip(r)
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		*c.refused++
	}
	return response, err
}

// Where others use the limit up, the refusal says how long to wait, by the server's
// clock.
func TestOktaRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := staff()
		fake.RateLimit = 5
		fake.Now = func() time.Time { return time.Now().Add(-7 * time.Hour) } // its clock is wrong
		other := oktaOf(t, fake, func(c *source.OktaConfig) { c.NoGroups = true })
		for range 5 {
			must[[]string](t)(told(t.Context(), other))
			time.Sleep(time.Second)
			other = oktaOf(t, fake, func(c *source.OktaConfig) { c.NoGroups = true })
		}
		began := time.Now()
		if got, err := told(t.Context(), oktaOf(t, fake)); len(got) != 5 || err != nil {
			t.Errorf("records are %q, %v", got, err)
		}
		if took := time.Since(began); took < 50*time.Second || took > 62*time.Second {
			t.Errorf("took %s, want about the rest of a minute", took)
		}
	})
}

// A context that ends ends the records, also while they wait.
func TestOktaCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := staff()
		fake.RateLimit = 1
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		got, err := told(ctx, oktaOf(t, fake))
		if !errors.Is(err, context.DeadlineExceeded) || len(got) != 3 {
			t.Errorf("records are %q, %v", got, err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestOktaConfig(t *testing.T) {
	for name, change := range map[string]func(*source.OktaConfig){
		"source: okta: URL must be an http or https address without user, query and fragment": func(c *source.OktaConfig) { c.URL = "example.okta.com" },
		"source: okta: one of OktaConfig.Token and AccessToken is required":                   func(c *source.OktaConfig) { c.AccessToken = oauth },
		"source: okta: OktaConfig.Search and Group do not go together":                        func(c *source.OktaConfig) { c.Search, c.Group = "a pr", "devs" },
		"source: okta: OktaConfig.PageSize is from 1 to 200":                                  func(c *source.OktaConfig) { c.PageSize = 201 },
		`source: okta: OktaConfig.Status: "active\"" is not a status such as ACTIVE`:          func(c *source.OktaConfig) { c.Status = []string{`active"`} },
	} {
		cfg := source.OktaConfig{URL: "https://example.okta.com", Token: "t"}
		change(&cfg)
		if _, err := source.NewOkta(cfg); err == nil || err.Error() != name {
			t.Errorf("error is %v, want %s", err, name)
		}
	}
}

func TestOktaGroupByName(t *testing.T) {
	fake := staff()
	fake.AddGroup("sales")
	for name, want := range map[string]string{"sales": "2 groups have this name", "none": "0 groups have this name"} {
		_, err := told(t.Context(), oktaOf(t, fake, func(c *source.OktaConfig) { c.Group = name }))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %s", name, err, want)
		}
	}
}

func TestOktaAccessTokenFails(t *testing.T) {
	okta := oktaOf(t, staff(), func(c *source.OktaConfig) {
		c.Token, c.AccessToken = "", func(context.Context) (crowd.Secret, error) { return "", errors.New("no key") }
	})
	if _, err := told(t.Context(), okta); err == nil || !strings.HasSuffix(err.Error(), "list users: fetch the access token: no key") {
		t.Errorf("error is %v", err)
	}
}
