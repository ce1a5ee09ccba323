package crowdtest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

const administratorPassword = "administrator"

// newOffice returns a site with the administrator root.
func newOffice(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.srv.AddAdministrator("root", administratorPassword)
	return s
}

// office calls a resource below /rest/ as the administrator, and fails the test
// where the status is another.
func (s *site) office(status int, method, resource, body string) answer {
	s.t.Helper()
	return s.as("root", administratorPassword, status, method, resource, body)
}

func (s *site) as(name, password string, status int, method, resource, body string) answer {
	s.t.Helper()
	r := s.request(method, "", body)
	r.URL = mustParse(s.t, s.srv.URL+"/rest/"+resource)
	r.SetBasicAuth(name, password)
	a := s.send(r)
	if a.status != status {
		s.t.Fatalf("%s %s as %s: status %d, want %d: %s", method, resource, name, a.status, status, a.body)
	}
	return a
}

// shows fails the test where the body is another JSON document.
func (a answer) shows(want string) {
	a.t.Helper()
	var got, wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		a.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		a.t.Fatalf("%v: %s", err, a.body)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		a.t.Errorf("body mismatch (-want +got):\n%s", diff)
	}
}

func TestContract60Credentials(t *testing.T) {
	s := newOffice(t)
	for _, resource := range []string{"admin/1.0/server-info", "admin/latest/server-info", "appmanagement/1/application"} {
		s.office(200, "GET", resource, "")
		a := s.as(s.srv.Application, s.srv.Password.Reveal(), 401, "GET", resource, "")
		if a.header.Get("Www-Authenticate") == "" || strings.Contains(a.body, "Application failed") {
			t.Errorf("as an application: %v %s", a.header, a.body)
		}
		s.as("root", "wrong", 401, "GET", resource, "")
		if a := s.as("ann", "ann", 403, "GET", resource, ""); a.header.Get("Content-Type") != "application/json" {
			t.Errorf("as ann: %s", a.body)
		}
	}
	s.as("root", administratorPassword, 401, "GET", "usermanagement/1/config/cookie", "")
	s.set(func(o *crowdtest.Options) { o.AdminRefusesInHTML = true })
	if a := s.as("ann", "ann", 403, "GET", "admin/1.0/server-info", ""); !strings.Contains(a.body, "<html") {
		t.Errorf("as ann: %s", a.body)
	}
	s.srv.In(crowdtest.AdministratorsDirectory).SetPassword("root", "other")
	s.office(401, "GET", "admin/1.0/server-info", "")
}

func TestContract60Versions(t *testing.T) {
	s := newOffice(t)
	s.office(200, "GET", "admin/1.0/server-info", "").shows(`{"version": "6.3.0", "deploymentTitle": "CROWD",
		"buildNumber": 1700, "buildDate": "2024-12-02", "baseUrl": "` + s.srv.URL + `", "deploymentType": "Server",
		"serverTime": "2023-11-14T22:13:20.000+0000"}`)
	s.office(404, "GET", "admin/1.0/nothing", "")
	s.office(405, "PUT", "admin/1.0/server-info", "{}")
	s.header.Set("Content-Type", "application/xml")
	s.office(415, "POST", "admin/1.0/users/search", "<search/>")
	s.set(func(o *crowdtest.Options) { o.Version = "2.12.0" })
	if a := s.office(404, "GET", "admin/1.0/server-info", ""); !strings.Contains(a.body, "<html") {
		t.Errorf("before 3.0: %s", a.body)
	}
	s.set(func(o *crowdtest.Options) { o.MissingInJSON = true })
	s.office(404, "GET", "admin/1.0/server-info", "").
		shows(`{"message": "null for uri: ` + s.srv.URL + `/rest/admin/server-info", "status-code": 404}`)
}

func TestContract60Pages(t *testing.T) {
	s := newOffice(t)
	for i := range 5 {
		s.srv.AddDirectory(crowdtest.Directory{Name: fmt.Sprintf("Team %d", i), Inactive: i == 4})
	}
	page := s.office(200, "GET", "admin/1.0/directory/managed?start=2&limit=2", "")
	page.shows(`{"values": [
		{"id": 32771, "displayName": "Team 0", "directoryType": "INTERNAL"},
		{"id": 32772, "displayName": "Team 1", "directoryType": "INTERNAL"}
	], "size": 2, "start": 2, "limit": 2, "isLastPage": false}`)
	s.office(200, "GET", "admin/1.0/directory/managed?start=9", "").
		shows(`{"values": [], "size": 0, "start": 9, "limit": 50, "isLastPage": true}`)
	last := s.office(200, "GET", "admin/1.0/directory/detailed?search=TEAM&active=false", "")
	last.shows(`{"values": [{"id": 32775, "displayName": "Team 4", "directoryType": "INTERNAL",
		"descriptiveName": "INTERNAL directory", "active": false, "synchronizable": false, "synchronizationData": null
	}], "size": 1, "start": 0, "limit": 50, "isLastPage": true}`)
	s.office(400, "GET", "admin/1.0/directory/managed?limit=-1", "")
	s.office(400, "GET", "admin/1.0/directory/managed?start=x", "")
	s.set(func(o *crowdtest.Options) { o.AdminPageLimit = 3 })
	if a := s.office(200, "GET", "admin/1.0/directory/managed?limit=99999", ""); !strings.Contains(a.body, `"size":3`) {
		t.Errorf("bounded page: %s", a.body)
	}
}

func TestContract60Groups(t *testing.T) {
	s := newOffice(t)
	s.srv.AddGroup(crowd.Group{Name: "platform", Description: "Platform engineers", Active: true})
	s.office(200, "GET", "admin/1.0/group/search/32769?term=PLAT&active=true", "").shows(readFixture(t, "admin-groups-page.json"))
	s.office(404, "GET", "admin/1.0/group/search/1?term=PLAT", "")
	s.srv.AddMember("platform", "ann")
	ann := `{"id": "32769-YW5u", "username": "ann", "displayName": "ann Lind", "email": "ann@example.com", "active": true,
		"directory": {"id": 32769, "displayName": "Crowd", "directoryType": "INTERNAL"}}`
	onePage := func(value string) string {
		return `{"values": [` + value + `], "size": 1, "start": 0, "limit": 50, "isLastPage": true}`
	}
	s.office(200, "GET", "admin/1.0/groups/32769-cGxhdGZvcm0/users", "").shows(onePage(ann))
	s.office(200, "GET", "admin/1.0/groups/32769-cGxhdGZvcm0/users/suggestions?search=ann", "").shows(
		`{"values": [], "size": 0, "start": 0, "limit": 50, "isLastPage": true}`)
	s.office(200, "POST", "admin/1.0/users/search", `{"search": "ANN@", "directoryIds": [32769], "active": true}`).shows(onePage(ann))
	group := `{"id": "32769-cGxhdGZvcm0", "name": "platform", "description": "Platform engineers", "active": true,
		"directory": {"id": 32769, "displayName": "Crowd", "directoryType": "INTERNAL"}}`
	s.office(200, "GET", "admin/1.0/groups/32769-cGxhdGZvcm0", "").shows(group)
	s.office(200, "POST", "admin/1.0/groups/query", `{"search": "platform"}`).shows(onePage(group))
	for _, id := range []string{"32769-bm9uZQ", "32769-!", "1-cGxhdGZvcm0", "x", "32769-"} {
		s.office(404, "GET", "admin/1.0/groups/"+id, "")
	}
}

func TestContract60Batches(t *testing.T) {
	s := newOffice(t)
	devs := "admin/1.0/groups/32769-ZGV2cw/users"
	s.srv.AddMember("devs", "bob")
	s.office(200, "POST", devs, `{"usernames": ["ann", "bob", "eve"]}`).shows(`{"successes": ["ann"], "failures": [
		{"name": "bob", "reason": "MEMBERSHIP_ALREADY_EXISTS", "message": "bob is already a member of devs"},
		{"name": "eve", "reason": "USER_NOT_FOUND", "message": "User <eve> does not exist"}]}`)
	s.office(200, "DELETE", devs, `{"usernames": ["bob", "eve"]}`).shows(`{"successes": ["bob"], "failures": [
		{"name": "eve", "reason": "USER_NOT_FOUND", "message": "User <eve> does not exist"}]}`)
	s.office(200, "POST", "admin/1.0/users/32769-Ym9i/groups", `{"groupNames": ["ops", "none"]}`).shows(`{"successes": ["ops"],
		"failures": [{"name": "none", "reason": "GROUP_NOT_FOUND", "message": "Group <none> does not exist"}]}`)
	s.office(404, "DELETE", "admin/1.0/users/32769-ZXZl/groups", `{"groupNames": ["ops"]}`)
	s.office(400, "POST", devs, `{"userIds": ["32769-YW5u"]}`)

	s.set(func(o *crowdtest.Options) { o.BatchByID, o.BatchExistingSucceeds = true, true })
	s.office(200, "POST", devs, `{"userIds": ["32769-YW5u", "32769-ZXZl"]}`).shows(`{"successes": [{"id": "32769-YW5u"}],
		"failures": [{"id": "32769-ZXZl", "cause": "USER_NOT_FOUND"}]}`)
	s.office(400, "POST", devs, `{"usernames": ["bob"]}`)
	s.set(func(o *crowdtest.Options) { o.BatchIgnores = true })
	s.office(200, "POST", devs, `{"usernames": ["bob"]}`).shows(`{"successes": [], "failures": []}`)
	s.office(200, "POST", "admin/1.0/group/32769-ZGV2cw/groups", `{"groupIds": ["32769-b3Bz"]}`).
		shows(`{"successes": [], "failures": [{"id": "32769-b3Bz", "cause": "NESTED_GROUPS_NOT_SUPPORTED"}]}`)
	s.set(func(o *crowdtest.Options) { o.NestedGroups = true })
	s.office(200, "POST", "admin/1.0/group/32769-ZGV2cw/groups", `{"groupIds": ["32769-b3Bz", "32769-eA"]}`).
		shows(`{"successes": [{"id": "32769-b3Bz"}], "failures": [{"id": "32769-eA", "cause": "GROUP_NOT_FOUND"}]}`)
	s.office(200, "POST", "admin/1.0/group/32769-ZGV2cw/groups", `{"groupIds": ["32769-ZGV2cw"]}`).
		shows(`{"successes": [], "failures": [{"id": "32769-ZGV2cw", "cause": "INVALID_MEMBERSHIP"}]}`)
	if a := s.office(200, "GET", "admin/1.0/group/32769-ZGV2cw/groups", ""); !strings.Contains(a.body, `"name":"ops"`) {
		t.Errorf("children: %s", a.body)
	}
	s.set(func(o *crowdtest.Options) { o.NoBatch = true })
	s.office(403, "POST", devs, `{"userIds": ["32769-Ym9i"]}`)
	if diff := cmp.Diff([]string{"ann"}, s.srv.Members("devs")); diff != "" {
		t.Errorf("members mismatch (-want +got):\n%s", diff)
	}
}

func TestContract60Synchronise(t *testing.T) {
	s := newOffice(t)
	s.set(func(o *crowdtest.Options) { o.SynchronisationTime = time.Minute })
	s.srv.AddDirectory(crowdtest.Directory{Name: "LDAP", Type: "CONNECTOR"})
	detail := func() map[string]any {
		var shown map[string]any
		a := s.office(200, "GET", "admin/1.0/directory/detailed/32771", "")
		if err := json.Unmarshal([]byte(a.body), &shown); err != nil {
			t.Fatal(err)
		}
		synchronisation, _ := shown["synchronizationData"].(map[string]any)
		return synchronisation
	}
	if got := detail(); got != nil {
		t.Errorf("before: %v", got)
	}
	s.office(204, "POST", "admin/1.0/directory/detailed/32771/synchronize", "")
	want := map[string]any{"status": "IN_PROGRESS", "startDate": 1700000000000.0, "synchronizationType": "FULL"}
	if diff := cmp.Diff(want, detail()); diff != "" {
		t.Errorf("meanwhile mismatch (-want +got):\n%s", diff)
	}
	s.now = s.now.Add(time.Minute)
	want["status"], want["endDate"] = "SUCCESS", 1700000060000.0
	if diff := cmp.Diff(want, detail()); diff != "" {
		t.Errorf("afterwards mismatch (-want +got):\n%s", diff)
	}
	s.office(400, "POST", "admin/1.0/directory/detailed/32769/synchronize", "")
	s.office(404, "POST", "admin/1.0/directory/detailed/7/synchronize", "")
	s.set(func(o *crowdtest.Options) { o.DirectoriesShowAll = true })
	if a := s.office(200, "GET", "admin/1.0/directory/detailed/32771", ""); !strings.Contains(a.body, `"CREATE_USER"`) {
		t.Errorf("with everything: %s", a.body)
	}
}

func TestContract60Applications(t *testing.T) {
	s := newOffice(t)
	s.srv.SetApplication(crowdtest.Application{Name: "jira", Password: "x", Type: "JIRA", Inactive: true})
	s.office(200, "GET", "admin/1.0/application?name=JIRA&active=false", "").shows(`{"values": [
		{"id": 2, "name": "jira", "description": "", "active": false, "type": "JIRA"}
	], "size": 1, "start": 0, "limit": 50, "isLastPage": true}`)
	s.office(200, "PUT", "admin/1.0/application/2", `{"active": true, "description": "issues"}`).
		shows(`{"id": 2, "name": "jira", "description": "issues", "active": true, "type": "JIRA"}`)
	s.office(200, "GET", "admin/1.0/application/2", "")
	s.office(404, "GET", "admin/1.0/application/3", "")
	s.office(200, "GET", "appmanagement/latest/application?name=jira", "").shows(`{"applications": [
		{"ApplicationEntity": {"id": 2, "name": "jira", "description": "issues", "active": true}}]}`)
	s.office(200, "GET", "appmanagement/1/application/2", "")

	s.office(201, "POST", "appmanagement/1/application/1/remote_address", `{"value": "127.0.0.1"}`)
	s.office(201, "POST", "appmanagement/1/application/1/remote_address", `{"value": "127.0.0.1"}`)
	s.office(400, "POST", "appmanagement/1/application/1/remote_address", `{}`)
	s.office(200, "GET", "appmanagement/1/application/1/remote_address", "").shows(`{"remoteAddresses": [{"value": "127.0.0.1"}]}`)
	s.want(200, "GET", "config/cookie", "")
	s.office(201, "POST", "appmanagement/1/application/1/remote_address", `{"value": "192.0.2.1"}`)
	s.office(204, "DELETE", "appmanagement/1/application/1/remote_address?address=127.0.0.1", "")
	s.want(403, "GET", "config/cookie", "")
}

func TestContract60Mappings(t *testing.T) {
	s := newOffice(t)
	s.srv.AddDirectory(crowdtest.Directory{Name: "Staff"})
	mappings := "admin/1.0/application/1/directory-mapping"
	all := `["CREATE_USER", "UPDATE_USER", "DELETE_USER", "UPDATE_USER_ATTRIBUTE",
		"CREATE_GROUP", "UPDATE_GROUP", "DELETE_GROUP", "UPDATE_GROUP_ATTRIBUTE"]`
	staff := `{"directory": {"id": 32771, "displayName": "Staff", "directoryType": "INTERNAL"},
		"allowAllToAuthenticate": true, "allowedOperations": ` + all + `}`
	s.office(201, "POST", mappings, `{"id": 32771}`).shows(staff)
	s.office(409, "POST", mappings, `{"id": 32771}`)
	s.office(404, "POST", mappings, `{"id": 7}`)
	s.office(400, "POST", mappings, `{"directoryId": 32771}`)
	s.office(204, "POST", mappings+"/32771/move", `{"position": 0}`)
	s.office(400, "POST", mappings+"/32771/move", `{"position": 2}`)
	if a := s.office(200, "GET", mappings, ""); !strings.HasPrefix(strings.SplitN(a.body, `"displayName":"`, 2)[1], "Staff") {
		t.Errorf("after the move: %s", a.body)
	}
	s.office(200, "PUT", mappings+"/32771", `{"allowedOperations": ["CREATE_USER"]}`)
	s.office(400, "PUT", mappings+"/32771", `{"allowedOperations": ["FLY"]}`)
	s.office(204, "DELETE", mappings+"/32769", "")
	s.want(403, "POST", "group", `{"name": "new", "type": "GROUP"}`)
	s.office(404, "GET", mappings+"/32769", "")
	s.want(404, "GET", "user?username=ann", "")
	s.office(204, "DELETE", mappings+"/32771", "")
	s.want(403, "POST", "user", `{"name": "new", "password": {"value": "x"}}`)

	s.set(func(o *crowdtest.Options) { o.FlatMappings, o.NewMappingsDenied = true, true })
	s.office(400, "POST", mappings, `{"id": 32769}`)
	s.office(201, "POST", mappings, `{"directoryId": 32769}`).
		shows(`{"directoryId": 32769, "directoryName": "Crowd", "authenticateAll": true, "allowedOperations": []}`)
	s.set(func(o *crowdtest.Options) { o.HideMappingOperations = true })
	s.office(200, "PUT", mappings+"/32769", `{"allowedOperations": ["CREATE_USER"]}`).
		shows(`{"directoryId": 32769, "directoryName": "Crowd", "authenticateAll": true}`)
	s.want(403, "POST", "user", `{"name": "new", "password": {"value": "x"}}`)
	s.want(200, "GET", "user?username=ann", "")
}

func TestContract60RateLimit(t *testing.T) {
	s := newOffice(t)
	s.set(func(o *crowdtest.Options) { o.RateLimit = &crowdtest.RateLimit{Limit: 1} })
	s.office(200, "GET", "admin/1.0/server-info", "")
	if a := s.office(429, "GET", "admin/1.0/server-info", ""); a.header.Get("Retry-After") != "1" {
		t.Errorf("headers %v", a.header)
	}
	s.want(200, "GET", "config/cookie", "")
}

func mustNotHold(t *testing.T, text, secret string) {
	t.Helper()
	if strings.Contains(text, secret) {
		t.Errorf("%q is in %s", secret, text)
	}
}
