package source_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim/source"
)

const (
	self   = `<https://example.okta.com/api/v1/users>; rel="self"`
	oneAnn = `[{"id": "00u1", "status": "ACTIVE", "profile": {"login": "ann"}}]`
)

// oktaPage reads one page of users that a server answers with.
func oktaPage(tb testing.TB, body string, links ...string) ([]string, error) {
	tb.Helper()
	client := transport(func(*http.Request) (int, http.Header, string) {
		return http.StatusOK, http.Header{"Link": links}, body
	})
	return told(tb.Context(), oktaOf(tb, client, func(c *source.OktaConfig) { c.NoGroups = true }))
}

// Okta names each page itself. An answer that does not, or that cannot be read, is
// not the end of a list, or else all who are not on it would count as leavers.
func TestOktaEnds(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		links []string
		whole bool
	}{
		"whole":                {oneAnn, []string{self}, true},
		"nobody":               {`[]`, []string{self}, true},
		"several relations":    {oneAnn, []string{`<https://example.okta.com/api/v1/users>; rel="first self"`}, true},
		"another link":         {oneAnn, []string{`<https://example.okta.com/doc>; rel="help", ` + self}, true},
		"no link":              {oneAnn, nil, false},
		"an empty link":        {oneAnn, []string{""}, false},
		"links of others":      {oneAnn, []string{`<https://example.okta.com/style>; rel="preload"`}, false},
		"an open quotation":    {oneAnn, []string{self, `<b>;rel="next`}, false},
		"an open target":       {oneAnn, []string{self + `, <b; rel="next"`}, false},
		"no target":            {oneAnn, []string{self + `, b; rel="next"`}, false},
		"no semicolon":         {oneAnn, []string{self + `, <b> rel="next"`}, false},
		"more behind the rel":  {oneAnn, []string{`<a>; rel="self"x, <b>; rel="next"`}, false},
		"null":                 {`null`, []string{self}, false},
		"a user that is null":  {`[null]`, []string{self}, false},
		"a user of no status":  {`[{"id": "00u1", "profile": {"login": "ann"}}]`, []string{self}, false},
		"a user of another":    {`[{"id": "00u1", "status": "SUSPENDED", "profile": {"login": "ann"}}]`, []string{self}, true},
		"nobody, other status": {`[{"status": "SUSPENDED"}]`, []string{self}, false},
	} {
		if got, err := oktaPage(t, c.body, c.links...); (err == nil) != c.whole || err != nil && !errors.Is(err, source.ErrIncomplete) {
			t.Errorf("%s: records are %q, %v", name, got, err)
		}
	}
}

// The members of a group count as whole by the same rules.
func TestOktaMembersEnd(t *testing.T) {
	for name, c := range map[string]struct{ body, link string }{
		"no link":   {`[{"id": "00u1", "status": "ACTIVE"}]`, ""},
		"no status": {`[{"id": "00u1"}]`, self},
		"null":      {`null`, self},
	} {
		client := transport(func(r *http.Request) (int, http.Header, string) {
			switch r.URL.Path {
			case "/api/v1/users":
				return http.StatusOK, http.Header{"Link": {self}}, oneAnn
			case "/api/v1/groups":
				return http.StatusOK, http.Header{"Link": {self}}, `[{"id": "00g1", "profile": {"name": "devs"}}]`
			}
			return http.StatusOK, http.Header{"Link": {c.link}}, c.body
		})
		if got, err := told(t.Context(), oktaOf(t, client)); !errors.Is(err, source.ErrIncomplete) {
			t.Errorf("%s: records are %q, %v", name, got, err)
		}
	}
}

// To name no status is to take the usual ones, not to read nobody.
func TestOktaNoStatus(t *testing.T) {
	want := must[[]string](t)(told(t.Context(), oktaOf(t, staff())))
	got := must[[]string](t)(told(t.Context(), oktaOf(t, staff(), func(c *source.OktaConfig) { c.Status = []string{} })))
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("records mismatch (-want +got):\n%s", diff)
	}
}

// tooMany is how many requests no list needs in these tests.
const tooMany = 5000

// A list that leads in a circle, or on and on without telling anything, ends early.
func TestOktaLoops(t *testing.T) {
	for name, next := range map[string]func(asked int) string{
		"the same":       func(int) string { return "" },
		"to and fro":     func(asked int) string { return fmt.Sprint("?after=", asked%2) },
		"a wide circle":  func(asked int) string { return fmt.Sprint("?after=", asked%7) },
		"in name only":   func(asked int) string { return fmt.Sprint("?after=1#", asked) },
		"always further": func(asked int) string { return fmt.Sprint("?after=", asked) },
	} {
		asked := 0
		client := transport(func(r *http.Request) (int, http.Header, string) {
			if asked++; asked > tooMany {
				return http.StatusNotFound, nil, ""
			}
			return http.StatusOK, http.Header{"Link": {`<` + next(asked) + `>; rel="next"`}}, `[]`
		})
		_, err := told(t.Context(), oktaOf(t, client, func(c *source.OktaConfig) { c.NoGroups = true }))
		if !errors.Is(err, source.ErrIncomplete) || asked > tooMany {
			t.Errorf("%s: after %d requests: %v", name, asked, err)
		}
	}
}

func TestSCIMLoops(t *testing.T) {
	for name, c := range map[string]struct {
		next func(asked int) string
		text string
	}{
		"the same":       {func(int) string { return "a" }, "leads back"},
		"to and fro":     {func(asked int) string { return fmt.Sprint("c", asked%2) }, "leads back"},
		"a wide circle":  {func(asked int) string { return fmt.Sprint("c", asked%7) }, "leads back"},
		"always further": {func(asked int) string { return fmt.Sprint("c", asked) }, "empty pages"},
	} {
		for _, total := range []int{-1, 0, 5} {
			asked := 0
			client := &http.Client{Transport: transport(func(*http.Request) (int, http.Header, string) {
				if asked++; asked > tooMany {
					return http.StatusNotFound, nil, ""
				}
				return http.StatusOK, nil, page(total, c.next(asked))
			})}
			_, err := told(t.Context(), scimOf(t, client, func(c *source.SCIMConfig) { c.Paging = source.CursorPaging }))
			if !errors.Is(err, source.ErrIncomplete) || !strings.Contains(err.Error(), c.text) || asked > tooMany {
				t.Errorf("%s, total %d: after %d requests: %v", name, total, asked, err)
			}
		}
	}
}

// Empty pages among others are no loop, however many there are in all.
func TestSCIMEmptyPages(t *testing.T) {
	asked := 0
	client := &http.Client{Transport: transport(func(*http.Request) (int, http.Header, string) {
		switch asked++; {
		case asked == 1500:
			return http.StatusOK, nil, page(-1, "")
		case asked%500 == 0:
			return http.StatusOK, nil, page(-1, fmt.Sprint("c", asked), fmt.Sprint(asked))
		}
		return http.StatusOK, nil, page(-1, fmt.Sprint("c", asked))
	})}
	got, err := told(t.Context(), scimOf(t, client, func(c *source.SCIMConfig) { c.Paging = source.CursorPaging }))
	if want := []string{"user 500 u500", "user 1000 u1000"}; err != nil || !cmp.Equal(want, got) {
		t.Errorf("records are %q, %v, want %q", got, err, want)
	}
}
