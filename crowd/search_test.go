package crowd_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestRestrictionForms(t *testing.T) {
	at := time.Date(2023, 11, 14, 22, 13, 20, 0, time.FixedZone("", 3600))
	name, email := crowd.PropertyName, crowd.PropertyEmail
	for _, test := range []struct {
		where crowd.Restriction
		cql   string // empty: a body
	}{
		{crowd.Equals(email, "mara@example.com"), `email = "mara@example.com"`},
		{crowd.StartsWith(name, "plat"), `name = "plat*"`},
		{crowd.IsActive(false), `active = false`},
		{crowd.CreatedAfter(at), `createdDate > 2023-11-14T21:13:20Z`},
		{crowd.UpdatedBefore(at), `updatedDate < 2023-11-14T21:13:20Z`},
		{
			crowd.And(crowd.Or(crowd.Equals(crowd.PropertyLastName, "Lind"), crowd.Equals(crowd.PropertyLastName, "Berg")), crowd.IsActive(true)),
			`(lastName = "Lind" or lastName = "Berg") and active = true`,
		},
		{crowd.And(crowd.Restriction{}, crowd.Equals(name, "or (x) = and")), `name = "or (x) = and"`},
		{crowd.Contains(name, "plat"), ""},
		{crowd.Equals("team", "red"), ""},
		{crowd.Equals(name, `say "x`), ""},
		{crowd.Equals(name, `a*`), ""},
		{crowd.Equals(name, `a\`), ""},
		{crowd.Equals(name, "a'"), ""},
		{crowd.Equals(name, "a\nb"), ""},
		{crowd.Equals(name, ""), ""},
		{crowd.Equals(email, strings.Repeat("long ", 2000)), ""},
		{crowd.Or(crowd.Equals(name, "a"), crowd.Equals("team", "red")), ""},
	} {
		c, s := scripted(t, answer{status: 200, media: typeJSON, body: `{"users":[]}`})
		collect(t, c.Users(t.Context(), crowd.Query{Where: test.where}))
		got := s.requests()[0]
		params, err := url.ParseQuery(got.query)
		if err != nil {
			t.Fatal(err)
		}
		if params.Get("restriction") != test.cql || (got.method == "POST") != (test.cql == "") {
			t.Errorf("%+v: sent by %s %q, want %q", test.where, got.method, params.Get("restriction"), test.cql)
		}
	}
}

func TestRestrictionLogic(t *testing.T) {
	everything, nothing := crowd.Restriction{}, crowd.Or()
	x := crowd.Equals("x", "y")
	for name, test := range map[string]struct {
		where  crowd.Restriction
		calls  int
		method string
	}{
		"zero":               {everything, 1, "GET"},
		"and of none":        {crowd.And(), 1, "GET"},
		"and of everything":  {crowd.And(everything, everything), 1, "GET"},
		"and of one":         {crowd.And(everything, x), 1, "POST"},
		"or of none":         {nothing, 0, ""},
		"or with everything": {crowd.Or(x, everything), 1, "GET"},
		"or with nothing":    {crowd.Or(x, nothing), 1, "POST"},
		"and with nothing":   {crowd.And(x, nothing), 0, ""},
		"no text at all":     {crowd.Equals("x", "a\xff"), 0, ""},
		"no name at all":     {crowd.StartsWith("\xff", "a"), 0, ""},
		"or with no text":    {crowd.Or(x, crowd.Contains("x", "\xff")), 1, "POST"},
		"and of nothing":     {crowd.And(crowd.Or(crowd.Or(), nothing), everything), 0, ""},
	} {
		c, s := scripted(t, answer{status: 200, media: typeJSON, body: `{"users":[],"groups":[]}`})
		collect(t, c.Users(t.Context(), crowd.Query{Where: test.where}))
		if got := s.methods(); len(s.requests()) != test.calls || got != test.method {
			t.Errorf("%s: requests %q, want %d by %q", name, got, test.calls, test.method)
		}
		collect(t, c.Groups(t.Context(), crowd.Query{Where: test.where}))
	}
}

func TestSearch(t *testing.T) {
	for _, noCQL := range []bool{false, true} {
		s := new(crowdtest.Server)
		now := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
		s.SetOptions(func(o *crowdtest.Options) {
			o.NoCQL = noCQL
			o.Clock = func() time.Time { return now }
		})
		s.AddUser(ann(), crowd.User{Name: "bob", Email: `"b*"@example.com`, LastName: "Lee"})
		s.AddGroup(
			crowd.Group{Name: "devs", Active: true, Attributes: crowd.Attributes{"team": {"red"}}},
			crowd.Group{Name: "ops"},
		)
		c := clientOf(t, s, crowd.Config{})
		for _, test := range []struct {
			name  string
			where crowd.Restriction
			want  string
		}{
			{"everything", crowd.Restriction{}, "ann bob"},
			{"name", crowd.Equals(crowd.PropertyName, "ANN"), "ann"},
			{"awkward value", crowd.Equals(crowd.PropertyEmail, `"b*"@example.com`), "bob"},
			{"start", crowd.StartsWith(crowd.PropertyName, "a"), "ann"},
			{"start with a star", crowd.StartsWith(crowd.PropertyEmail, `"b*`), "bob"},
			{"part", crowd.Contains(crowd.PropertyEmail, "@example"), "ann bob"},
			{"active", crowd.IsActive(true), "ann"},
			{"inactive", crowd.IsActive(false), "bob"},
			{"attribute", crowd.Equals("team", "blue"), "ann"},
			{"start of an attribute", crowd.StartsWith("team", "r"), "ann"},
			{"other attribute", crowd.Equals("Team", "blue"), ""},
			{"created after", crowd.CreatedAfter(now.Add(-time.Hour)), "ann bob"},
			{"created before", crowd.CreatedBefore(now.Add(-time.Hour)), ""},
			{"updated after", crowd.UpdatedAfter(now.Add(time.Hour)), ""},
			{"updated before", crowd.UpdatedBefore(now.Add(time.Hour)), "ann bob"},
			{"dates in a body", crowd.And(crowd.CreatedAfter(now.Add(-time.Hour)), crowd.Equals("team", "red")), "ann"},
			{"and", crowd.And(crowd.Equals(crowd.PropertyLastName, "lee"), crowd.IsActive(false)), "bob"},
			{"or", crowd.Or(crowd.Equals(crowd.PropertyName, "bob"), crowd.Equals("team", "red")), "ann bob"},
		} {
			got := strings.Join(userNames(t, c.Users(t.Context(), crowd.Query{Where: test.where})), " ")
			if got != test.want {
				t.Errorf("NoCQL %t, %s: got %q, want %q", noCQL, test.name, got, test.want)
			}
		}
		groups := c.Groups(t.Context(), crowd.Query{
			Where: crowd.And(crowd.Equals("team", "red"), crowd.IsActive(true)), Detail: crowd.WithAttributes,
		})
		want := []*crowd.Group{{Name: "devs", Active: true, Attributes: crowd.Attributes{"team": {"red"}}}}
		if diff := cmp.Diff(want, collect(t, groups)); diff != "" {
			t.Errorf("NoCQL %t: groups mismatch (-want +got):\n%s", noCQL, diff)
		}
	}
}

func TestSearchFails(t *testing.T) {
	s, c := serving(t)
	s.Fail(crowdtest.Fault{Times: -1, Kind: crowdtest.Answer, Status: 400, Reason: "ILLEGAL_ARGUMENT"})
	for _, err := range c.Users(t.Context(), crowd.Query{Where: crowd.IsActive(true)}) {
		if !errors.Is(err, crowd.ErrIllegalArgument) {
			t.Errorf("got %v", err)
		}
	}
	if n := len(s.Calls()); n != 2 {
		t.Errorf("%d calls, want one in each form", n)
	}
}
