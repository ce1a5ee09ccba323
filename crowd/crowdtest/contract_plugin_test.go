package crowdtest_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func readFixture(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "fixtures", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// newPlugin returns a site with the administrator root and a plugin.
func newPlugin(t *testing.T, plugin crowdtest.Plugin) *site {
	t.Helper()
	s := newOffice(t)
	s.set(func(o *crowdtest.Options) { o.Plugin = plugin })
	return s
}

// changed returns a JSON object with some members changed; null takes one away.
func changed(t *testing.T, object string, changes string) string {
	t.Helper()
	var whole map[string]json.RawMessage
	for _, text := range []string{object, changes} {
		if err := json.Unmarshal([]byte(text), &whole); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range whole {
		if string(value) == "null" {
			delete(whole, name)
		}
	}
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestContract61WhichPlugin(t *testing.T) {
	s := newOffice(t)
	for _, installed := range []crowdtest.Plugin{crowdtest.NoPlugin, crowdtest.ConfAPI, crowdtest.BootstrAPI} {
		s.set(func(o *crowdtest.Options) { o.Plugin = installed })
		for _, plugin := range []crowdtest.Plugin{crowdtest.ConfAPI, crowdtest.BootstrAPI} {
			status := pick(plugin == installed, 404, 200)
			s.office(status, "GET", string(plugin)+"/1/ping", "")
			s.office(status, "GET", string(plugin)+"/1/directories", "")
		}
	}
	s.as(s.srv.Application, s.srv.Password.Reveal(), 401, "GET", "bootstrapi/1/directories", "")
	s.as("ann", "ann", 403, "GET", "bootstrapi/1/directories", "")
}

func TestContract61Internal(t *testing.T) {
	s := newPlugin(t, crowdtest.ConfAPI)
	request := readFixture(t, "confapi-directory-internal.json")
	dates := `{"id": 32771, "createdDate": "2023-11-14T22:13:20Z", "updatedDate": "2023-11-14T22:13:20Z"}`
	s.office(200, "POST", "confapi/1/directories?test-connection=false", request).shows(changed(t, request, dates))
	s.office(200, "GET", "confapi/1/directories/32771", "").shows(changed(t, request, dates))
	a := s.office(400, "POST", "confapi/1/directories", changed(t, request, `{"name": "STAFF"}`))
	if !strings.HasPrefix(a.body, `{"errorMessages":["`) {
		t.Errorf("error %s", a.body)
	}
	s.now = s.now.Add(time.Second)
	later := `{"id": 32771, "createdDate": "2023-11-14T22:13:20Z", "updatedDate": "2023-11-14T22:13:21Z",
		"description": "", "active": false}`
	want := changed(t, request, later)
	want = strings.Replace(strings.ReplaceAll(want, ": ", ":"), `"removeUser":true`, `"removeUser":false`, 1)
	s.office(200, "PUT", "confapi/1/directories/32771", `{"description": "", "active": false, "permissions": {"removeUser": false}}`).shows(want)
	s.office(400, "PUT", "confapi/1/directories/32771", `{"type": "delegating"}`)
	s.office(400, "PUT", "confapi/1/directories/32771", `{"name": ""}`)
	s.office(400, "PUT", "confapi/1/directories/32771", `{"active": "maybe"}`)
	s.office(400, "PUT", "confapi/1/directories/32771", `{"credentialPolicy": {"passwordRegex": "("}}`)
	s.office(404, "PUT", "confapi/1/directories/7", `{}`)
	s.office(404, "DELETE", "confapi/1/directories/7", "")
	s.office(200, "PUT", "confapi/1/directories/32771", `{"active": true, "permissions": {"removeUser": true}}`)
	s.office(201, "POST", "admin/1.0/application/1/directory-mapping", `{"id": 32771}`)
	s.office(200, "PUT", "confapi/1/directories/32771", `{"name": "people"}`)
	s.office(204, "DELETE", "admin/1.0/application/1/directory-mapping/32769", "")
	s.want(400, "POST", "user", `{"name": "new", "password": {"value": "short"}}`)
	s.want(201, "POST", "user", `{"name": "new", "password": {"value": "long enough it is"}}`)
	s.office(200, "DELETE", "confapi/1/directories/32771", "")
	s.want(404, "GET", "user?username=new", "")
}

func TestContract61Delegating(t *testing.T) {
	s := newPlugin(t, crowdtest.BootstrAPI)
	request := readFixture(t, "confapi-directory-delegating.json")
	a := s.office(200, "POST", "bootstrapi/1/directory", request)
	mustNotHold(t, a.body, "not-returned")
	mustNotHold(t, s.dump(), "not-returned")
	if !strings.Contains(s.dump(), `"baseDn": "DC=example,DC=com"`) {
		t.Errorf("dump %s", s.dump())
	}
	s.office(200, "PUT", "bootstrapi/1/directory/32771", `{"connector": {"password": "also-secret", "url": "ldaps://other"}}`)
	a = s.office(200, "GET", "bootstrapi/1/directory/32771", "")
	mustNotHold(t, a.body, "also-secret")
	if !strings.Contains(a.body, "ldaps://other") || !strings.Contains(a.body, `"pagedResultsSize":1000`) {
		t.Errorf("merged: %s", a.body)
	}
	s.office(200, "GET", "admin/1.0/directory/detailed/32771", "").shows(`{"id": 32771, "displayName": "ad-login",
		"directoryType": "DELEGATING", "descriptiveName": "DELEGATING directory", "active": true, "synchronizable": false,
		"synchronizationData": null}`)
}

// TestContract61Collections writes several directories at once: a list in one
// plugin, a map in the other.
func TestContract61Collections(t *testing.T) {
	s := newPlugin(t, crowdtest.BootstrAPI)
	staff := readFixture(t, "bootstrapi-directories.json")
	if a := s.office(200, "PUT", "bootstrapi/1/directories", staff); !strings.HasPrefix(a.body, `{"staff":{`) {
		t.Errorf("put: %s", a.body)
	}
	s.office(200, "PUT", "bootstrapi/1/directories", `{"Staff": {"type": "internal", "active": false}}`)
	s.office(400, "PUT", "bootstrapi/1/directories", `{"Staff": null}`)
	if a := s.office(200, "GET", "bootstrapi/1/directory/32771", ""); !strings.Contains(a.body, `"active":false`) {
		t.Errorf("put again: %s", a.body)
	}
	s.set(func(o *crowdtest.Options) { o.MapOnly = true })
	s.office(404, "GET", "bootstrapi/1/directory/32771", "")
	s.office(200, "GET", "bootstrapi/1/directories", "")
	s.set(func(o *crowdtest.Options) { o.Plugin = crowdtest.ConfAPI })
	s.office(200, "PUT", "confapi/1/directories", `{"directories": [{"name": "staff", "active": true}, {"name": "more", "type": "internal"}]}`)
	if got := strings.Join(s.srv.Directories(), ","); got != "Crowd,Administrators,staff,more" {
		t.Errorf("directories %s", got)
	}
	s.office(400, "DELETE", "confapi/1/directories", "")
	s.office(200, "DELETE", "confapi/1/directories?force=true", "")
	if got := strings.Join(s.srv.Directories(), ","); got != "Crowd" {
		t.Errorf("directories %s", got)
	}
}

func TestContract61OtherTypes(t *testing.T) {
	s := newPlugin(t, crowdtest.ConfAPI)
	for _, kind := range []string{"generic", "crowd", "ldap", ""} {
		s.office(400, "POST", "confapi/1/directories", `{"name": "x", "type": "`+kind+`"}`)
	}
	for i, kinds := range [][2]string{{"CONNECTOR", "ldap"}, {"CROWD", "crowd"}, {"CUSTOM", "generic"}} {
		native, kind := kinds[0], kinds[1]
		s.srv.AddDirectory(crowdtest.Directory{Name: native, Type: native})
		path := fmt.Sprintf("confapi/1/directories/%d", 32771+i)
		if a := s.office(200, "GET", path, ""); !strings.Contains(a.body, `"type":"`+kind+`"`) {
			t.Errorf("%s is shown as %s", native, a.body)
		}
		s.office(400, "PUT", path, `{"active": false}`)
	}
}

func TestContract61Deletion(t *testing.T) {
	s := newPlugin(t, crowdtest.ConfAPI)
	s.srv.AddDirectory(crowdtest.Directory{Name: "LDAP", Type: "CONNECTOR"})
	s.set(func(o *crowdtest.Options) { o.SynchronisationTime = time.Minute })
	s.office(204, "POST", "admin/1.0/directory/detailed/32771/synchronize", "")
	s.office(503, "DELETE", "confapi/1/directories/32771", "")
	s.now = s.now.Add(time.Minute)
	s.office(200, "DELETE", "confapi/1/directories/32771", "")
	s.office(200, "DELETE", "confapi/1/directories/32769", "")
	s.office(400, "DELETE", "confapi/1/directories/32770", "")
}
