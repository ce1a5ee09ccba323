package crowdtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// officeCalls are calls of the administration APIs and of a plugin that read a
// body.
func officeCalls(plugin crowdtest.Plugin) []string {
	calls := []string{
		"POST admin/1.0/users/search", "POST admin/1.0/groups/query",
		"POST admin/1.0/groups/32769-ZGV2cw/users", "DELETE admin/1.0/groups/32769-ZGV2cw/users",
		"POST admin/1.0/users/32769-YW5u/groups", "DELETE admin/1.0/users/32769-YW5u/groups",
		"POST admin/1.0/group/32769-ZGV2cw/groups", "PUT admin/1.0/application/1",
		"POST admin/1.0/application/1/directory-mapping", "PUT admin/1.0/application/1/directory-mapping/32769",
		"POST admin/1.0/application/1/directory-mapping/32769/move", "POST appmanagement/1/application/1/remote_address",
		"PUT " + string(plugin) + "/1/directories",
	}
	if plugin == crowdtest.BootstrAPI {
		return append(calls, "POST bootstrapi/1/directory", "PUT bootstrapi/1/directory/32769")
	}
	return append(calls, "POST confapi/1/directories", "PUT confapi/1/directories/32769")
}

// fuzzOffice makes a request as an administrator.
func fuzzOffice(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	resource, query, _ := strings.Cut(path, "?")
	r := fuzzRequest(t, method, "", query, body)
	r.URL = &url.URL{Scheme: "http", Host: "crowd.test", Path: "/crowd/rest/" + resource, RawQuery: query}
	r.SetBasicAuth("root", administratorPassword)
	return r
}

func fuzzedOffice(plugin crowdtest.Plugin, byID bool) *crowdtest.Server {
	srv := fuzzed()
	srv.SetOptions(func(o *crowdtest.Options) {
		o.Plugin, o.BatchByID, o.DirectoriesShowAll = plugin, byID, true
	})
	srv.AddAdministrator("root", administratorPassword)
	return srv
}

// FuzzOfficeBodies has every call read a body.
func FuzzOfficeBodies(f *testing.F) {
	for _, name := range []string{"confapi-directory-internal.json", "confapi-directory-delegating.json", "bootstrapi-directories.json"} {
		f.Add(fixture(f, name), name == "bootstrapi-directories.json")
		f.Add(`{"directories": [`+fixture(f, name)+`]}`, false)
	}
	for _, body := range []string{
		`{"usernames": ["ann", "bob", ""], "groupNames": ["devs"]}`, `{"userIds": ["32769-YW5u", "x", "1-"], "groupIds": ["32769-ZGV2cw"]}`,
		`{"id": 32770, "directoryId": 32770}`, `{"allowedOperations": ["CREATE_USER"], "position": 1}`, `{"value": "::1"}`,
		`{"search": "a", "directoryIds": [1], "active": null}`, `{"type": "internal", "name": "x", "permissions": {"addUser": null}}`,
		`{"type": "internal", "name": "x", "advanced": [], "credentialPolicy": {"passwordRegex": "(", "passwordMaxAttempts": 1e99}}`,
		`null`, `[]`, `{"x": {"type": "internal", "connector": {"password": "p", "a": {"password": "q"}}}}`,
	} {
		f.Add(body, true)
		f.Add(body, false)
	}
	f.Fuzz(func(t *testing.T, body string, successor bool) {
		plugin := pick(successor, crowdtest.ConfAPI, crowdtest.BootstrAPI)
		srv := fuzzedOffice(plugin, successor)
		for _, call := range officeCalls(plugin) {
			method, path, _ := strings.Cut(call, " ")
			sound(t, srv, fuzzOffice(t, method, path, body))
		}
		for _, path := range []string{"admin/1.0/directory/detailed", "admin/1.0/application/1/directory-mapping", string(plugin) + "/1/directories"} {
			sound(t, srv, fuzzOffice(t, "GET", path, ""))
		}
		intact(t, srv)
	})
}

// FuzzOfficePaths calls whatever path comes, with whatever query.
func FuzzOfficePaths(f *testing.F) {
	for _, path := range []string{
		"admin/1.0/directory/managed?start=1&limit=2", "admin/latest/directory/detailed?search=a&active=x", "admin/1.0/groups/32769-/users",
		"admin/1.0/group/search/32769?term=%FF", "admin/1.0/groups/1-Y3Jvd2Q/users/suggestions?search=", "appmanagement/1/application?name=scim",
		"appmanagement/1/application/1/remote_address?address=%3A%3A1", "confapi/1/ping", "confapi/1/directories/32769",
		"confapi/1/directories?force=true", "admin/1.0/directory/detailed/32769/synchronize", "admin/1.0/", "admin/1.0/application/1/directory-mapping/32769",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		srv := fuzzedOffice(crowdtest.ConfAPI, false)
		for _, method := range []string{"GET", "HEAD", "DELETE", "POST", "OPTIONS"} {
			sound(t, srv, fuzzOffice(t, method, path, "{}"))
		}
	})
}
