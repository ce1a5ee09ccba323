package scimtest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// A shape is what a request looks like, without what it is about: method and
// URL, and for a PATCH one operation of it.
type shape string

// shapes collects requests: of each shape the paths and types of its values.
type shapes map[shape]map[string]bool

var (
	anID     = regexp.MustCompile(`/(Users|Groups)/[^/?0][^/?]*`)
	quoted   = regexp.MustCompile(`%22.*?%22`)
	number   = regexp.MustCompile(`(startIndex|count)=\d+`)
	inFilter = regexp.MustCompile(`members\[value eq ".*"\]`)
)

// add adds a request.
func (s shapes) add(t *testing.T, method, url string, body []byte) {
	t.Helper()
	url = anID.ReplaceAllString(url, "/$1/*")
	url = number.ReplaceAllString(quoted.ReplaceAllString(url, "%22*%22"), "$1=*")
	name := shape(method + " " + url)
	if len(body) == 0 || string(body) == "null" {
		s.value(name, "", nil, true)
		return
	}
	var content map[string]any
	if err := json.Unmarshal(body, &content); err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	if method != "PATCH" {
		s.value(name, "", content, false)
		return
	}
	for _, entry := range content["Operations"].([]any) {
		operation := entry.(map[string]any)
		path, _ := operation["path"].(string)
		path = inFilter.ReplaceAllString(path, `members[value eq "*"]`)
		value, there := operation["value"]
		s.value(shape(fmt.Sprintf("%s %v %s", name, operation["op"], path)), "", value, !there)
	}
}

// value notes the path and type of a value and of all in it.
func (s shapes) value(name shape, path string, value any, absent bool) {
	if s[name] == nil {
		s[name] = map[string]bool{}
	}
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			s.value(name, path+"/"+key, inner, false)
		}
	case []any:
		s[name][path+" array"] = true
		for _, inner := range v {
			s.value(name, path+"/*", inner, false)
		}
	default:
		if !absent {
			s[name][fmt.Sprintf("%s %T", path, v)] = true
		}
	}
}

// A scenario is a file of requests as an identity provider sends them.
type scenario struct {
	Steps []struct {
		Method, Path string
		Headers      map[string]*string
		Body         json.RawMessage
	}
}

// scenarios reads those of an identity provider, all or some.
func scenarios(t *testing.T, idp string, prefixes ...string) map[string]scenario {
	t.Helper()
	files, err := filepath.Glob("../testdata/idp/" + idp + "/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios of", idp, err)
	}
	all := map[string]scenario{}
	for _, file := range files {
		name := filepath.Base(file)
		if len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p+"-") }) {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s scenario
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[name] = s
	}
	return all
}

func shapesOf(t *testing.T, all map[string]scenario) shapes {
	t.Helper()
	s := shapes{}
	for _, sc := range all {
		for _, st := range sc.Steps {
			s.add(t, st.Method, st.Path, st.Body)
		}
	}
	// Whatever is created may be sent with any PUT.
	for _, kind := range []shape{"Users", "Groups"} {
		if put := s["PUT /"+kind+"/*"]; put != nil {
			maps.Copy(put, s["POST /"+kind])
		}
	}
	return s
}

// play lets an app do all it does, and returns its requests.
func play(t *testing.T, app scimtest.App, change ...func(*scimtest.Config)) []scimtest.Step {
	t.Helper()
	b := newBridge(t, newCrowd(), "test", providerOf(app))
	idp := b.idp(app, change...)
	mara := scimtest.User{
		ID: "00u1", UserName: "mara@harbor.example", GivenName: "Mara", FamilyName: "Quint", DisplayName: "Mara Quint", Email: "mara@harbor.example",
	}
	teo, iva := mara, mara
	teo.ID, teo.UserName, iva.ID, iva.UserName = "00u2", "teo@harbor.example", "00u3", "iva@harbor.example"
	var steps []scimtest.Step
	cycle := func(users []scimtest.User, groups ...scimtest.Group) {
		t.Helper()
		steps = append(steps, b.sync(idp, scimtest.Directory{Users: users, Groups: groups}).Steps...)
	}
	crew := func(name string, members ...string) scimtest.Group {
		return scimtest.Group{ID: "g1", Name: name, Members: members}
	}
	cycle([]scimtest.User{mara, teo}, crew("Quay Crew", "00u1", "00u2"))
	mara.GivenName, mara.FamilyName, mara.DisplayName, mara.Email = "Elin", "Vos", "Elin Vos", "elin@harbor.example"
	mara.UserName, mara.Title, mara.Department = "elin@harbor.example", "Planner", "Dredging"
	cycle([]scimtest.User{mara, teo, iva}, crew("Quay Crew", "00u2", "00u3"))
	mara.Title = ""
	cycle([]scimtest.User{mara, teo, iva}, crew("Quay North", "00u2", "00u3"))
	cycle([]scimtest.User{mara, teo, iva}, crew("Quay North", "00u2", "00u3"), scimtest.Group{ID: "g2", Name: "Empty"})
	cycle([]scimtest.User{mara, iva}, crew("Quay North"))
	cycle([]scimtest.User{mara, teo, iva}, crew("Quay North", "00u1"))
	cycle([]scimtest.User{mara, teo, iva})
	return steps
}

// permitted are shapes that no scenario has, which the vendors' pages name, or
// for which the form of RFC 7644 stands: it is not known what these apps send.
func permitted() map[scimtest.App][]shape {
	entra := func(replace, remove, add string) []shape {
		var list []shape
		for _, path := range []string{"title", "name.formatted", "displayName", "externalId"} {
			for _, op := range []string{replace, remove, add} {
				list = append(list, shape("PATCH /Users/* "+op+" "+path))
			}
		}
		return append(list, "PATCH /Users/* "+shape(remove)+" title", "PATCH /Users/* "+shape(replace)+" active",
			"PATCH /Groups/* "+shape(replace)+" displayName", "PATCH /Groups/* "+shape(replace)+" ", "PATCH /Users/* "+shape(replace)+" ")
	}
	rename := shape("PATCH /Groups/* replace displayName")
	deleted := shape("DELETE /Groups/*")
	ofGoogle := []shape{"GET /Users?count=*"}
	patched := []shape{
		"PATCH /Users/* remove title", "PATCH /Users/* replace externalId",
		"PATCH /Users/* remove urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
	}
	for _, path := range []string{
		"userName", "displayName", "title", "name.givenName", "name.familyName", `emails[type eq "work"].value`,
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
	} {
		patched = append(patched, "PATCH /Users/* replace "+shape(path))
	}
	jumpCloud := []shape{rename, "GET /Groups?filter=displayName%20eq%20%22*%22"}
	ping := []shape{rename, deleted, "GET /Groups?startIndex=*&count=*"}
	return map[scimtest.App][]shape{
		scimtest.Entra: entra("Replace", "Remove", "Add"), scimtest.EntraFlag: entra("replace", "remove", "add"),
		scimtest.OneLogin: {
			"PATCH /Groups/*? replace displayName", `PATCH /Groups/*? remove members[value eq "*"]`,
		},
		scimtest.JumpCloud: jumpCloud, scimtest.JumpCloudPut: jumpCloud,
		scimtest.Google: ofGoogle, scimtest.GooglePatch: append(patched, ofGoogle...),
		scimtest.Ping: ping, scimtest.PingOne: ping,
	}
}

// folder is where the scenarios of an app are.
func folder(app scimtest.App) string { return string(providerOf(app)) }

// Nothing is sent that no scenario has.
func TestShapes(t *testing.T) {
	for _, app := range scimtest.Apps() {
		t.Run(string(app), func(t *testing.T) {
			t.Parallel()
			known := shapesOf(t, scenarios(t, folder(app)))
			sent := shapes{}
			for _, s := range play(t, app) {
				sent.add(t, s.Method, s.URL, []byte(s.Body))
			}
			for name, values := range sent {
				if slices.Contains(permitted()[app], name) {
					continue
				}
				if known[name] == nil {
					t.Errorf("%s is in no scenario", name)
					continue
				}
				for value := range values {
					if !known[name][value] && !optional(value) {
						t.Errorf("%s with %s is in no scenario", name, value)
					}
				}
			}
		})
	}
}

// optional values are mapped by an administrator, as others in the scenarios
// are; or they are what the server itself has put into a resource that is sent
// back.
func optional(value string) bool {
	return slices.ContainsFunc([]string{"/title ", "/urn:ietf:params:scim:schemas:extension:enterprise", "/meta/", "/groups/", "/schemas/"}, func(prefix string) bool {
		return strings.HasPrefix(value, prefix)
	})
}

// What the scenarios of an app's operations hold is sent.
func TestCoverage(t *testing.T) {
	for app, files := range map[scimtest.App][]string{
		scimtest.Okta: {
			"01", "02", "03", "04", "05", "06", "13", "14", "15", "16", "22", "24",
		},
		scimtest.OktaWizard:   {"07", "20"},
		scimtest.Entra:        {"01", "02", "10", "13", "15", "25", "26", "27", "28", "31", "33"},
		scimtest.EntraFlag:    {"11"},
		scimtest.OneLogin:     {"01", "03", "04", "06", "07"},
		scimtest.JumpCloud:    {"01", "02", "05", "06", "07", "08"},
		scimtest.JumpCloudPut: {"09"},
		scimtest.Google:       {"01", "02", "03"},
		scimtest.GooglePatch:  {"04"},
		scimtest.Ping:         {"01", "05", "07", "09"},
		scimtest.PingOne:      {"04", "08"},
	} {
		t.Run(string(app), func(t *testing.T) {
			t.Parallel()
			sent := shapes{}
			for _, s := range play(t, app) {
				sent.add(t, s.Method, s.URL, []byte(s.Body))
			}
			for file, sc := range scenarios(t, folder(app), files...) {
				s := shapes{}
				for _, st := range sc.Steps {
					s.add(t, st.Method, st.Path, st.Body)
				}
				for name := range s {
					if sent[name] == nil && !onlyLooks(name) {
						t.Errorf("%s: %s is not sent", file, name)
					}
				}
			}
		})
	}
}

// onlyLooks tells whether a scenario has a request only to see what came of the
// others.
func onlyLooks(name shape) bool { return name == "GET /Users/*" || name == "GET /Groups/*" }

// Headers are those of the scenarios.
func TestHeaders(t *testing.T) {
	for _, app := range scimtest.Apps() {
		t.Run(string(app), func(t *testing.T) {
			t.Parallel()
			b := newBridge(t, newCrowd(), "test", scim.Generic)
			b.sync(b.idp(app), scimtest.Directory{Users: []scimtest.User{person("ann", "Ann", "Ash")}})
			known := map[string]map[string]bool{"User-Agent": {}, "Accept": {}, "Accept-Charset": {}, "Content-Type": {}}
			for _, sc := range scenarios(t, folder(app)) {
				for _, st := range sc.Steps {
					for name := range known {
						if v := st.Headers[name]; v != nil {
							known[name][*v] = true
						}
					}
				}
			}
			for _, r := range b.requests {
				if got := r.header.Get("Authorization"); got != "Bearer "+b.secret.Reveal() {
					t.Errorf("Authorization is %q", got)
				}
				for name, values := range known {
					if got := r.header.Get(name); got != "" && !values[got] {
						t.Errorf("%s %s has %s: %s", r.method, r.url, name, got)
					}
				}
			}
		})
	}
}
