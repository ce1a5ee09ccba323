package scim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim"
)

const patchSchema = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],`

func patchOf(operations string) string {
	return `{` + patchSchema + `"Operations":[` + operations + `]}`
}

// TestProvidersAreWhole holds the table against its scenarios and pages: whoever
// adds a provider adds all three. The generic ones are held against the
// standards' own requests.
func TestProvidersAreWhole(t *testing.T) {
	names := func(pattern, suffix string, without ...string) []string {
		t.Helper()
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, path := range paths {
			if name := strings.TrimSuffix(filepath.Base(path), suffix); !slices.Contains(without, name) {
				list = append(list, name)
			}
		}
		return list
	}
	var products, all []string
	for _, p := range scim.Providers() {
		all = append(all, string(p))
	}
	for _, p := range known() {
		products = append(products, string(p))
		if len(scenariosOf(t, p)) == 0 {
			t.Errorf("%s has no scenario", p)
		}
	}
	if diff := cmp.Diff(products, names("testdata/idp/*", "", "rfc")); diff != "" {
		t.Errorf("folders in testdata/idp (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all, names("idp/*.md", ".md", "README")); diff != "" {
		t.Errorf("pages in idp (-want +got):\n%s", diff)
	}
	index, err := os.ReadFile("idp/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		text, err := os.ReadFile("idp/" + p + ".md")
		if err != nil {
			t.Fatal(err)
		}
		for _, heading := range []string{"## Here", "## There", "## Known limits"} {
			if !strings.Contains(string(text), "\n"+heading+"\n") {
				t.Errorf("the page of %s has no %q", p, heading)
			}
		}
		if !strings.Contains(string(text), fmt.Sprintf(`"provider": %q`, p)) {
			t.Errorf("the page of %s does not show the setting", p)
		}
		for _, block := range strings.Split(string(text), "```json\n")[1:] {
			if code, _, _ := strings.Cut(block, "```"); !json.Valid([]byte(code)) {
				t.Errorf("the page of %s shows what is no JSON:\n%s", p, code)
			}
		}
		if !strings.Contains(string(index), "("+p+".md)") {
			t.Errorf("idp/README.md does not link the page of %s", p)
		}
	}
}

// TestPatchAnswers checks the shapes of answers that depend on the provider.
func TestPatchAnswers(t *testing.T) {
	for _, p := range scim.Providers() {
		b := newBridge(t, provider(p))
		user, group := b.user("mara"), b.group("crew")
		wantUser, wantGroup := 200, 204
		if p == scim.Entra {
			wantUser = 204
		}
		if p == scim.Generic || p == scim.Okta {
			wantGroup = 200
		}
		a := b.want(wantUser, "PATCH", "/Users/"+user, patchOf(`{"op":"replace","path":"displayName","value":"M"}`))
		if etag := a.header.Get("ETag"); etag == "" || etag != b.want(200, "GET", "/Users/"+user, "").header.Get("ETag") {
			t.Errorf("%s: ETag = %q", p, etag)
		}
		a = b.want(200, "PATCH", "/Users/"+user+"?attributes=displayName", patchOf(`{"op":"replace","path":"displayName","value":"N"}`))
		if a.string("displayName") != "N" {
			t.Errorf("%s: answer %s, want what was asked for", p, a.text)
		}
		a = b.want(wantGroup, "PATCH", "/Groups/"+group, patchOf(`{"op":"replace","path":"displayName","value":"hands"}`))
		if _, members := a.object()["members"]; members || (wantGroup == 200 && a.string("displayName") != "hands") {
			t.Errorf("%s: answer %s, want the group without members", p, a.text)
		}
		b.want(204, "PATCH", "/Groups/"+group, patchOf(`{"op":"add","path":"members","value":[{"value":"`+user+`"}]}`))
	}
}

// TestUnknownKeys checks that keys nobody knows are passed over where there is
// no path, and refused where there is.
func TestUnknownKeys(t *testing.T) {
	for _, p := range scim.Providers() {
		b := newBridge(t, provider(p))
		user, group := b.user("mara"), b.group("crew")
		for _, path := range []string{"/Users/" + user, "/Groups/" + group} {
			a := b.do("PATCH", path, patchOf(`{"op":"replace","value":{"displayName":"Known","shoeSize":44,"urn:example:9.9:User:x":"y"}}`))
			if p == scim.Strict {
				if a.status != 400 {
					t.Errorf("strict: %s without path = %d %s, want 400", path, a.status, a.text)
				}
			} else if a.status >= 300 || b.want(200, "GET", path, "").string("displayName") != "Known" {
				t.Errorf("%s: %s without path = %d %s, want the known key set", p, path, a.status, a.text)
			}
			for _, unknown := range []string{"shoeSize", "name.shoeSize", "urn:example:9.9:User:x", `emails[shoeSize eq 4].value`} {
				a := b.do("PATCH", path, patchOf(fmt.Sprintf(`{"op":"replace","path":%q,"value":"x"}`, unknown)))
				if a.status != 400 || a.string("scimType") != "invalidPath" {
					t.Errorf("%s: %s with path %s = %d %s, want 400 invalidPath", p, path, unknown, a.status, a.text)
				}
			}
		}
	}
}

// TestAmbiguousRemoves sends, under each provider, removals that a careless
// reader could take for all members. Either the named one goes or nobody.
func TestAmbiguousRemoves(t *testing.T) {
	for _, p := range scim.Providers() {
		b := newBridge(t, provider(p))
		ann, ben, cem := b.user("ann"), b.user("ben"), b.user("cem")
		for _, shape := range []string{
			`{"op":"remove","path":"members","value":[{"value":"ANN"}]}`,
			`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"ANN"}]}`,
			`{"op":"remove","path":"members","value":{"value":"ANN"}}`,
			`{"op":"remove","path":"members","value":["ANN"]}`,
			`{"op":"remove","path":"members","value":"ANN"}`,
			`{"op":"remove","path":"members","value":{"members":[{"value":"ANN"}]}}`,
			`{"op":"remove","value":{"members":[{"value":"ANN"}]}}`,
			`{"op":"remove","path":"members[value eq \"ANN\"]"}`,
			`{"op":"remove","path":"members[value eq \"ANN\"].value"}`,
			`{"op":"remove","path":"members.value","value":"ANN"}`,
			`{"op":"remove","path":"members","value":[]}`,
			`{"op":"remove","path":"members","value":{}}`,
			`{"op":"remove","path":"members","value":""}`,
			`{"op":"remove","path":"members","value":[{}]}`,
			`{"op":"remove","path":"members","value":[{"value":""}]}`,
			`{"op":"remove","path":"members","value":[{"value":"nobody"}]}`,
			`{"op":"remove","path":"members","value":[{"display":"ann"}]}`,
			`{"op":"remove","path":"members[value eq \"nobody\"]"}`,
			`{"op":"remove","value":{"members":[]}}`,
		} {
			group := b.group("crew", ann, ben, cem)
			a := b.do("PATCH", "/Groups/"+group, patchOf(strings.ReplaceAll(shape, "ANN", ann)))
			left := b.crowd.Members("crew")
			if !slices.Contains(left, "ben") || !slices.Contains(left, "cem") {
				t.Errorf("%s: %s = %d, and %v are left", p, shape, a.status, left)
			}
			if named := strings.Contains(shape, "ANN"); a.status < 300 && named == slices.Contains(left, "ann") {
				t.Errorf("%s: %s = %d, and %v are left", p, shape, a.status, left)
			}
			b.want(204, "DELETE", "/Groups/"+group, "")
		}
	}
}

// TestPageOfProvider checks that clients that take the first page for all there
// is get a large one, unless the settings say otherwise.
func TestPageOfProvider(t *testing.T) {
	page := func(p scim.Provider, limit int) string {
		b := newBridge(t, provider(p), func(b *bridge) { b.cfg.Limits.Page = limit })
		config := b.want(200, "GET", "/ServiceProviderConfig", "").object()
		filter, _ := config["filter"].(map[string]any)
		return fmt.Sprint(filter["maxResults"])
	}
	for _, test := range []struct {
		provider scim.Provider
		limit    int
		want     string
	}{
		{scim.Keycloak, 0, "10000"}, {scim.Keycloak, 500, "500"}, {scim.Okta, 0, "1000"}, {scim.Generic, 0, "1000"},
	} {
		if got := page(test.provider, test.limit); got != test.want {
			t.Errorf("%s with limit %d: %s, want %s", test.provider, test.limit, got, test.want)
		}
	}
}
