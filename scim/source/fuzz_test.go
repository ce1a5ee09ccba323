package source_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim/source"
)

// whole checks what holds of every source: a record has an id, a user has it as
// externalId and none of the source's own attributes, and nothing comes after an
// error. It returns what was told.
func whole(t *testing.T, s source.Source) (all []string, failed error) {
	t.Helper()
	groups := false
	for r, err := range s.Records(t.Context()) {
		if failed != nil {
			t.Fatalf("a record comes after %v", failed)
		}
		if failed = err; err != nil {
			continue
		}
		if r.ID == "" || (r.User == nil) == (r.Group == nil) {
			t.Fatalf("record %+v", r)
		}
		if r.Group != nil {
			groups = true
			members, err := membersOf(r.Group)
			if err == nil && r.Group.Name == "" {
				t.Fatalf("a group %q without name", r.ID)
			}
			all = append(all, r.ID, r.Group.Name, strings.Join(members, ","))
			continue
		}
		if groups || r.User["externalId"] != r.ID || r.User["id"] != nil || r.User["meta"] != nil {
			t.Fatalf("user %+v", r)
		}
		all = append(all, r.ID)
	}
	return all, failed
}

// What is read from a file, written and read again is the same.
func FuzzJSONLines(f *testing.F) {
	f.Add(wholeFile)
	f.Add(`{"id": "1", "userName": "ann", "x": 1e999}` + "\n" + `{"end": {"users": 1, "groups": 0}}`)
	f.Add(`{"end": {"users": 0, "groups": 0}}`)
	f.Add(`{"id": "7", "displayName": "devs", "members": [{"value": "1", "$ref": "../Groups/1"}]}`)
	f.Add(`{"ID": "7", "DisplayName": "devs"}` + "\n" + `{"id": "8", "displayName": "ops", "MEMBERS": []}` + "\n" + `{"end": {"users": 0, "groups": 2}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := whole(t, source.NewJSONLines(strings.NewReader(text)))
		var file strings.Builder
		written := source.WriteJSONLines(t.Context(), &file, source.NewJSONLines(strings.NewReader(text)))
		if (err == nil) != (written == nil) {
			t.Fatalf("reading gives %v, writing %v", err, written)
		}
		again, err := whole(t, source.NewJSONLines(strings.NewReader(file.String())))
		if (err == nil) != (written == nil) || !cmp.Equal(got, again) {
			t.Errorf("read again: %q, %v, want %q", again, err, got)
		}
	})
}

// Whatever pages a server sends, it gets the token only itself, and the walk ends.
func FuzzOkta(f *testing.F) {
	f.Add(`[{"id": "00u1", "status": "ACTIVE", "profile": {"login": "ann"}}]`, `<https://example.okta.com/api/v1/users?after=1>; rel="next"`)
	f.Add(`[{"id": "00g1", "profile": {"name": "devs"}}]`, `<https://elsewhere.example.com/>; rel=next, <x>; rel="self"`)
	f.Add(`[]`, `<?a=b>;title="a, \"b\"; rel=x";REL=NEXT`)
	f.Add(`{"errorCode": "E0000011"}`, `<`)
	f.Fuzz(func(t *testing.T, body, link string) {
		asked := 0
		client := transport(func(r *http.Request) (int, http.Header, string) {
			if asked++; r.URL.Scheme != "https" || r.URL.Host != "example.okta.com" {
				t.Fatalf("asked %s", r.URL)
			}
			if asked > 3 {
				return http.StatusOK, http.Header{"Link": {self}}, "[]"
			}
			return http.StatusOK, http.Header{"Link": {link}}, body
		})
		_, _ = whole(t, oktaOf(t, client)) // what there is to say, it says by itself
	})
}

// The next page is the one that the header names, however the header is written.
func FuzzLink(f *testing.F) {
	for _, link := range []string{
		`<https://example.okta.com/api/v1/users?after=1>; rel="next"`, `<a>; rel="self", <b>; rel="next"`,
		`<a>;rel=prev,<b,c;d>;x="y\",;";rel=next`, `<b>; rel="next"; rel="self"`, `<b>; REL = next`, `<b>;rel="next`, `,,<b>;;rel=next`, `rel="next"`,
	} {
		f.Add(link, "b")
	}
	f.Fuzz(func(t *testing.T, header, target string) {
		second := func(headers ...string) (asked string, err error) {
			client := transport(func(r *http.Request) (int, http.Header, string) {
				if asked == "" {
					asked = "none"
					return http.StatusOK, http.Header{"Link": headers}, "[]"
				}
				if asked == "none" {
					asked = r.URL.String()
				}
				return http.StatusOK, http.Header{"Link": {self}}, "[]"
			})
			_, err = told(context.Background(), oktaOf(t, client, func(c *source.OktaConfig) { c.NoGroups = true }))
			return asked, err
		}
		asked, err := second(header)
		plain := strings.ToLower(strings.ToUpper(strings.ReplaceAll(header, `\`, "")))
		if err == nil && (asked == "" || asked == "none" && !strings.Contains(plain, "self")) {
			t.Errorf("%q is the end of a list", header)
		}
		if strings.ContainsAny(target, "<>\r\n") {
			return
		}
		alone, errAlone := second("<" + target + `>; rel="next"`)
		behind, errBehind := second(`<https://example.okta.com/self>; rel="self"; title="a, <b>; rel=next"`, "<x>;rel=prev , <"+target+`>; title=t; rel=next`)
		if alone != behind || (errAlone == nil) != (errBehind == nil) {
			t.Errorf("%q leads to %s, %v, and behind others to %s, %v", target, alone, errAlone, behind, errBehind)
		}
	})
}

// Whatever list a server sends, the walk ends, and one that ends well has had what
// its total says.
func FuzzSCIMList(f *testing.F) {
	f.Add(page(2, "", "1", "2"), page(0, ""), false)
	f.Add(page(2, "a", "1"), page(2, "", "2"), true)
	f.Add(`{"TOTALRESULTS": 1, "resources": [{"id": "1", "ID": "2"}]}`, `null`, false)
	f.Add(`{"totalResults": 1.0, "Resources": [{"id": "1", "displayName": "devs", "members": [{"value": "1"}]}]}`, ``, true)
	f.Fuzz(func(t *testing.T, first, second string, cursor bool) {
		client, asked := pages(first, second, page(0, ""))
		paging := source.IndexPaging
		if cursor {
			paging = source.CursorPaging
		}
		got, err := whole(t, scimOf(t, client, func(c *source.SCIMConfig) { c.Paging = paging }))
		if err == nil && len(*asked) == 0 {
			t.Errorf("nothing was asked, and %q told", got)
		}
		if len(*asked) > 4 {
			t.Errorf("asked %d times", len(*asked))
		}
	})
}
