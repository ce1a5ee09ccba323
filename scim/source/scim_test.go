package source_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

func scimOf(tb testing.TB, client *http.Client, change ...func(*source.SCIMConfig)) *source.SCIM {
	tb.Helper()
	cfg := source.SCIMConfig{URL: "https://idp.example.com/scim/v2/", Token: "token-of-tests", Paging: source.IndexPaging, HTTPClient: client, PageSize: 2, NoGroups: true}
	for _, f := range change {
		f(&cfg)
	}
	return must[*source.SCIM](tb)(source.NewSCIM(cfg))
}

// A whole server that this repository has: users and groups are pushed to it, and read
// from it by index and by cursor.
func TestSCIMReadsAServer(t *testing.T) {
	fake := new(crowdtest.Server)
	handler, token := serving(t, fake)
	server := handlerTransport{handler}
	push := func(path, body string) string {
		t.Helper()
		r := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodPost, "https://idp.example.com"+path, strings.NewReader(body)))
		r.Header.Set("Authorization", "Bearer "+token)
		response := must[*http.Response](t)(server.RoundTrip(r))
		defer response.Body.Close()
		var made struct{ ID string }
		if err := json.NewDecoder(response.Body).Decode(&made); err != nil || made.ID == "" {
			t.Fatalf("%s: status %d, %v", path, response.StatusCode, err)
		}
		return made.ID
	}
	var want, ids []string
	for _, name := range []string{"ann", "bob", "cem", "dan", "eve"} {
		id := push("/Users", `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "`+name+`", "externalId": "x-`+name+`"}`)
		ids = append(ids, id)
		want = append(want, "user "+id+" "+name)
	}
	group := push("/Groups", `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "devs", "members": [{"value": "`+ids[0]+`"}, {"value": "`+ids[3]+`"}]}`)
	want = append(want, fmt.Sprintf("group %s devs [%s %s]", group, ids[0], ids[3]))
	for _, paging := range []source.Paging{source.IndexPaging, source.CursorPaging, source.AnyPaging} {
		s := scimOf(t, &http.Client{Transport: server}, func(c *source.SCIMConfig) {
			c.URL, c.NoGroups, c.Paging, c.AccessToken, c.Token = "https://idp.example.com", false, paging, nil, "t"
			c.Token = secret(token)
		})
		got := must[[]string](t)(told(t.Context(), s))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: records mismatch (-want +got):\n%s", paging, diff)
		}
	}
	s := scimOf(t, &http.Client{Transport: server}, func(c *source.SCIMConfig) {
		c.URL, c.Token, c.Filter = "https://idp.example.com", secret(token), `userName eq "cem"`
	})
	if got := must[[]string](t)(told(t.Context(), s)); !cmp.Equal(got, want[2:3]) {
		t.Errorf("filtered records are %q", got)
	}
}

// serving returns a SCIM server on a Crowd, and the token that it takes.
func serving(tb testing.TB, fake *crowdtest.Server) (*scim.Handler, string) {
	tb.Helper()
	secret, token := scim.NewToken()
	auth := must[scim.Authenticator](tb)(scim.Tokens(token))
	cfg := bridge(fake, scim.Users{})
	return must[*scim.Handler](tb)(scim.New(scim.Config{Engine: cfg.Engine, Auth: auth, BaseURL: "https://idp.example.com"})), secret.Reveal()
}

func TestSCIMResource(t *testing.T) {
	client, _ := pages(`{"totalResults": 1, "Resources": [{"id": "1", "externalId": "of another client", "userName": "ann",
		"meta": {"location": "x"}, "groups": [{"value": "g"}], "x": 12345678901234567890}]}`)
	for r, err := range scimOf(t, client).Records(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		want := source.Record{ID: "1", User: map[string]any{"externalId": "1", "userName": "ann", "x": json.Number("12345678901234567890")}}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("record mismatch (-want +got):\n%s", diff)
		}
	}
}

func TestSCIMMembers(t *testing.T) {
	users := `{"totalResults": 0}`
	groups := `{"totalresults": 3, "resources": [{"id": "g1", "displayName": "a", "members": [
		{"value": "1"}, {"value": "g2", "type": "Group"}, {"value": "g3", "$ref": "https://idp.example.com/scim/v2/Groups/g3"},
		{"value": "2", "$ref": "../Users/2"}]}, {"id": "g2", "displayName": "b"}, {"id": "g3", "displayName": "c", "members": []}]}`
	client, asked := pages(users, groups)
	got := must[[]string](t)(told(t.Context(), scimOf(t, client, func(c *source.SCIMConfig) { c.NoGroups, c.GroupFilter = false, `displayName pr` })))
	want := []string{"group g1 a [1 group:g2 group:g3 2]", "group g2 b [not told]", "group g3 c []"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records mismatch (-want +got):\n%s", diff)
	}
	wantAsked := []string{"/scim/v2/Users?count=2&startIndex=1", "/scim/v2/Groups?count=2&filter=displayName+pr&startIndex=1"}
	if diff := cmp.Diff(wantAsked, *asked); diff != "" {
		t.Errorf("requests mismatch (-want +got):\n%s", diff)
	}
}

// A list is gone through by the server's own pace, and its totals decide whether it
// has ended.
func TestSCIMTotals(t *testing.T) {
	for name, c := range map[string]struct {
		bodies []string
		cursor bool
		want   []string
		text   string // of the error, "" for none
	}{
		"one page":         {bodies: []string{page(2, "", "1", "2")}, want: []string{"1", "2"}},
		"nobody":           {bodies: []string{page(0, "")}},
		"smaller pages":    {bodies: []string{page(3, "", "1"), page(3, "", "2"), page(3, "", "3")}, want: []string{"1", "2", "3"}},
		"all at once":      {bodies: []string{page(3, "", "1", "2", "3")}, want: []string{"1", "2", "3"}},
		"cursors":          {cursor: true, bodies: []string{page(3, "a", "1", "2"), page(3, "", "3")}, want: []string{"1", "2", "3"}},
		"no total":         {cursor: true, bodies: []string{page(-1, "a", "1"), page(-1, "", "2")}, want: []string{"1", "2"}},
		"an empty page":    {cursor: true, bodies: []string{page(1, "a"), page(1, "b", "1"), page(1, "")}, want: []string{"1"}},
		"short":            {bodies: []string{page(3, "", "1", "2"), page(3, "")}, want: []string{"1", "2"}, text: "2 of 3 resources came"},
		"short by cursor":  {cursor: true, bodies: []string{page(3, "a", "1", "2"), page(3, "")}, want: []string{"1", "2"}, text: "2 of 3 resources came"},
		"changed total":    {bodies: []string{page(3, "", "1", "2"), page(2, "")}, want: []string{"1", "2"}, text: "the total changed from 3 to 2"},
		"grown total":      {cursor: true, bodies: []string{page(2, "a", "1"), page(3, "b", "2")}, want: []string{"1"}, text: "the total changed from 2 to 3"},
		"vanished total":   {cursor: true, bodies: []string{page(2, "a", "1"), page(-1, "", "2")}, want: []string{"1"}, text: "the total changed"},
		"too many":         {bodies: []string{page(2, "", "1", "2", "3")}, text: "3 resources came, and the total is 2"},
		"slipped":          {bodies: []string{page(4, "", "1", "2"), page(4, "", "2", "3")}, want: []string{"1", "2"}, text: `the resource "2" came twice`},
		"without total":    {bodies: []string{page(-1, "", "1", "2")}, want: []string{"1", "2"}, text: "the server gives no totalResults"},
		"the same cursor":  {cursor: true, bodies: []string{page(3, "a", "1"), page(3, "a", "2")}, want: []string{"1", "2"}, text: "the list leads back to a page that came before"},
		"not a list":       {bodies: []string{`{"detail": "signed out"}`}, text: "the answer is not a list of resources"},
		"not JSON":         {bodies: []string{`<html>`}, text: "the answer cannot be read"},
		"no object":        {bodies: []string{`{"totalResults": 1, "Resources": ["1"]}`}, text: "a resource is not an object"},
		"no number":        {bodies: []string{`{"totalResults": "1", "Resources": []}`}, text: "totalResults is not a number"},
		"less than none":   {bodies: []string{`{"totalResults": -1, "Resources": []}`}, text: "totalResults is not a number"},
		"no cursor either": {cursor: true, bodies: []string{`{"totalResults": 1, "nextCursor": 7, "Resources": []}`}, text: "nextCursor is not a text"},
		"no id":            {bodies: []string{`{"totalResults": 1, "Resources": [{"userName": "ann"}]}`}, text: "a user has no id"},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := pages(c.bodies...)
			paging := source.IndexPaging
			if c.cursor {
				paging = source.CursorPaging
			}
			var got []string
			var failed error
			for r, err := range scimOf(t, client, func(cfg *source.SCIMConfig) { cfg.Paging = paging }).Records(t.Context()) {
				if failed = err; err == nil {
					got = append(got, r.ID)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("records mismatch (-want +got):\n%s", diff)
			}
			if (failed == nil) != (c.text == "") || failed != nil && (!strings.Contains(failed.Error(), c.text) || !errors.Is(failed, source.ErrIncomplete)) {
				t.Errorf("error is %v, want %q in it", failed, c.text)
			}
		})
	}
}

// page is a page of users; a total of -1 is left out.
func page(total int, next string, ids ...string) string {
	list := map[string]any{}
	if total >= 0 {
		list["totalResults"] = total
	}
	if next != "" {
		list["nextCursor"] = next
	}
	resources := []any{}
	for _, id := range ids {
		resources = append(resources, map[string]any{"id": id, "userName": "u" + id})
	}
	list["Resources"] = resources
	body, err := json.Marshal(list)
	if err != nil {
		panic(err) // no value that cannot be
	}
	return string(body)
}

func TestSCIMPaging(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		status int
		want   string // the first page that is asked for
	}{
		"cursors":         {`{"pagination": {"cursor": true, "index": true}}`, 200, "/scim/v2/Users?count=2&cursor="},
		"index":           {`{"pagination": {"cursor": false}}`, 200, "/scim/v2/Users?count=2&startIndex=1"},
		"an older server": {`{}`, 200, "/scim/v2/Users?count=2&startIndex=1"},
		"none":            {``, 404, "/scim/v2/Users?count=2&startIndex=1"},
		"no JSON":         {`hello`, 200, "/scim/v2/Users?count=2&startIndex=1"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked string
			client := &http.Client{Transport: transport(func(r *http.Request) (int, http.Header, string) {
				if strings.HasSuffix(r.URL.Path, "/ServiceProviderConfig") {
					return c.status, nil, c.config
				}
				asked = r.URL.RequestURI()
				return 200, nil, page(0, "")
			})}
			s := scimOf(t, client, func(c *source.SCIMConfig) { c.Paging = source.AnyPaging })
			if got, err := told(t.Context(), s); len(got) != 0 || err != nil {
				t.Errorf("records are %q, %v", got, err)
			}
			if asked != c.want {
				t.Errorf("asked %s, want %s", asked, c.want)
			}
		})
	}
}

func TestSCIMErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for status, want := range map[int]string{
			401: "source: scim: list Users: status 401 invalidFilter: no such thing",
			503: "source: scim: list Users: status 503 invalidFilter: no such thing",
		} {
			tries := 0
			client := &http.Client{Transport: transport(func(r *http.Request) (int, http.Header, string) {
				tries++
				if got := r.Header.Get("Authorization"); got != "Bearer token-of-tests" {
					t.Errorf("the token is sent as %q", got)
				}
				return status, http.Header{"Retry-After": {"3"}}, `{"scimType": "invalidFilter", "detail": "no\n such thing"}`
			})}
			_, err := told(t.Context(), scimOf(t, client))
			e, ok := errors.AsType[*source.Error](err)
			if !ok || e.Error() != want || e.Status != status {
				t.Errorf("error is %v, want %s", err, want)
			}
			if again := status == 503; again != (tries > 1) {
				t.Errorf("status %d: %d tries", status, tries)
			}
		}
	})
}

func TestSCIMConfig(t *testing.T) {
	for want, change := range map[string]func(*source.SCIMConfig){
		"source: scim: URL must be an http or https address without user, query and fragment": func(c *source.SCIMConfig) { c.URL = "https://u:p@idp.example.com" },
		"source: scim: one of SCIMConfig.Token and AccessToken is required":                   func(c *source.SCIMConfig) { c.Token = "" },
		`source: scim: SCIMConfig.Paging is "index", "cursor" or empty, not "none"`:           func(c *source.SCIMConfig) { c.Paging = "none" },
		"source: scim: SCIMConfig.PageSize is negative":                                       func(c *source.SCIMConfig) { c.PageSize = -1 },
	} {
		cfg := source.SCIMConfig{URL: "https://idp.example.com", Token: "t"}
		change(&cfg)
		if _, err := source.NewSCIM(cfg); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}
