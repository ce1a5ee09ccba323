package backup_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
)

// two returns a document of two connections to one Crowd, and their secrets.
func two(t *testing.T, address string, change func(c *backup.Connection)) (*backup.Config, map[string]crowd.Secret) {
	t.Helper()
	c := &backup.Config{}
	secrets := map[string]crowd.Secret{}
	for _, name := range []string{"okta", "entra"} {
		secret, token := scim.NewToken()
		secrets[name] = secret
		connection := backup.Connection{
			Name: name, Provider: scim.Provider(name), Path: "/scim/" + name, Tokens: []scim.Token{token},
			Crowd: backup.Crowd{URL: address, Application: crowdtest.DefaultApplication, Password: backup.Password{Value: crowdtest.DefaultPassword}},
		}
		if change != nil {
			change(&connection)
		}
		c.Connections = append(c.Connections, connection)
	}
	return c, secrets
}

// TestBuildAll holds that connections to one directory know each other: who was
// granted a Crowd group by both stays in it when one of them takes it away.
func TestBuildAll(t *testing.T) {
	site := &crowdtest.Server{}
	document, secrets := two(t, "https://crowd.example.com/crowd", nil)
	running, err := backup.BuildAll(t.Context(), document, backup.BuildOptions{
		BaseURL: "https://bridge.example.com", HTTPClient: &http.Client{Transport: site},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, r := range running {
		r.Mount(mux)
		if err := r.Engine.CheckStrangers(t.Context()); err != nil {
			t.Error(err)
		}
	}
	call := func(connection, method, path, body string, want int) string {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, "/scim/"+connection+path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+secrets[connection].Reveal())
		r.Header.Set("Content-Type", "application/scim+json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		answer, _ := io.ReadAll(w.Body)
		if w.Code != want {
			t.Fatalf("%s %s %s = %d, want %d\n%s", connection, method, path, w.Code, want, answer)
		}
		return string(answer)
	}
	call("okta", "POST", "/Users", ann, 201)
	u, _ := site.User("ann")
	id := strings.Replace(u.Key, ":", ".", 1)
	devs := fmt.Sprintf(`{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "devs", "members": [{"value": %q}]}`, id)
	empty := `{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "remove", "path": "members"}]}`
	for i, name := range []string{"okta", "entra"} {
		call(name, "POST", "/Groups", devs, 201)
		if got := site.Members("devs"); !slices.Equal(got, []string{"ann"}) {
			t.Fatalf("members after push %d: %v", i, got)
		}
	}
	call("okta", "PATCH", "/Groups/n-ZGV2cw", empty, 204)
	if got := site.Members("devs"); !slices.Equal(got, []string{"ann"}) {
		t.Errorf("members after one has emptied its group: %v", got)
	}
	call("entra", "PATCH", "/Groups/n-ZGV2cw", empty, 204)
	if got := site.Members("devs"); len(got) > 0 {
		t.Errorf("members after both have emptied their groups: %v", got)
	}
}

// TestBuildAllRefuses holds that exclusive groups have no neighbours.
func TestBuildAllRefuses(t *testing.T) {
	off := false
	document, _ := two(t, "https://crowd.example.com/crowd", func(c *backup.Connection) {
		c.Groups.OnTheFly = mapping.OnTheFly{KeepExistingGroups: &off, Exclusive: true}
	})
	_, err := backup.BuildAll(t.Context(), document, backup.BuildOptions{BaseURL: "https://bridge.example.com"})
	faults, ok := errors.AsType[mapping.Faults](err)
	if !ok || len(faults) != 2 || faults[0].Pointer != "/connections/0/groups/onTheFly/exclusive" {
		t.Errorf("BuildAll: %v", err)
	}
}

func TestSharesDirectory(t *testing.T) {
	of := func(address, application, directory string) backup.Connection {
		return backup.Connection{Crowd: backup.Crowd{URL: address, Application: application, Directory: backup.Directory{Name: directory}}}
	}
	first := of("https://crowd.example.com/crowd", "scim", "Employees")
	for _, tt := range []struct {
		other backup.Connection
		want  bool
	}{
		{of("https://Crowd.example.com/crowd/", "scim2", "employees"), true},
		{of("https://crowd.example.com/crowd", "scim", "Partners"), false},
		{of("https://crowd.example.com/crowd", "SCIM", ""), true},
		{of("https://crowd.example.com/crowd", "scim2", ""), false},
		{of("https://other.example.com/crowd", "scim", "Employees"), false},
	} {
		if got := first.SharesDirectory(tt.other); got != tt.want {
			t.Errorf("SharesDirectory(%+v) = %v", tt.other.Crowd, got)
		}
	}
}

// TestReplicasOfOneDirectory holds that connections of one directory say the same of
// who else serves it, and that they are built so, once and again.
func TestReplicasOfOneDirectory(t *testing.T) {
	both := func(okta, entra string) string {
		connection := func(name, replicas string) string {
			return fmt.Sprintf(`{"name": %q, "path": "/%[1]s", "tokens": [{"id": "a", "sha256": %q}], "crowd": {"url": "https://crowd.example.com/crowd", "application": "scim", "password": {"value": "x"}%s}}`,
				name, strings.Repeat("0", 64), replicas)
		}
		return `{"format": "scimcrowd/v1", "connections": [` + connection("okta", okta) + `, ` + connection("entra", entra) + `]}`
	}
	const one, many = `, "replicas": "one"`, `, "replicas": "many"`
	options := backup.BuildOptions{BaseURL: "https://bridge.example.com"}
	for _, text := range []string{both(one, one), both(many, ""), both("", "")} {
		c, err := backup.Read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		live, err := backup.NewLive(t.Context(), c, options)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := live.Replace(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		both(one, ""):   `/connections/0/crowd/replicas: the connection "entra" provisions the same directory, and many processes may serve it. Write "replicas": "one" in both, or in neither`,
		both(many, one): `/connections/1/crowd/replicas: the connection "okta" provisions the same directory, and many processes may serve it. Write "replicas": "one" in both, or in neither`,
	} {
		if _, err := backup.Read(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
