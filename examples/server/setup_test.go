package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
	"github.com/scimcrowd/scimcrowd/scim/source/oktatest"
)

// With an administrator's help init creates the directory and gives it to the
// application, and check knows which directories that has; without the plugin it says
// what to click.
func TestInitMakesTheDirectory(t *testing.T) {
	s := newStage(t)
	s.crowd.AddAdministrator("root", "Planted-administrator")
	s.secrets["the administrator's password"] = "Planted-administrator"
	s.crowd.SetApplication(crowdtest.Application{Name: "scim-ping", Password: "ping-password", Unmapped: true})
	t.Setenv(adminPasswordEnv, "Planted-administrator")
	t.Setenv("CROWD_PASSWORD_PING", "ping-password")
	args := []string{
		"init", "--provider", "ping", "--crowd-url", s.crowd.URL, "--application", "scim-ping",
		"--base-url", "https://bridge.example.com", "--directory", "Employees", "--create-directory", "--admin", "root",
	}
	r := s.run(args...)
	if r.status != 1 || !strings.Contains(r.err, "1. ") {
		t.Errorf("without the plugin: %+v, want clicks", r)
	}
	s.search(map[string]string{"what init says": r.out + r.err})
	if len(s.document().Connections) != 2 {
		t.Error("init wrote a connection that is not ready")
	}
	s.crowd.SetOptions(func(o *crowdtest.Options) { o.Plugin = crowdtest.ConfAPI })
	if out := s.ok(args...); !strings.Contains(out, "created: true, mapped: true") || !strings.Contains(out, "what to do there") ||
		!strings.Contains(out, filepath.Base(os.Args[0])+" serve --config "+s.config+" --listen :8080 --admin-listen 127.0.0.1:9090 --base-url https://bridge.example.com\n") {
		t.Errorf("init says %s", out)
	}
	if !slices.Contains(s.crowd.Directories(), "Employees") {
		t.Errorf("Crowd has %v", s.crowd.Directories())
	}
	if out := s.ok("check", "--admin", "root"); !strings.Contains(out, "connection ping: ready") {
		t.Errorf("check says %s", out)
	}
}

// What is asked for is refused where nobody can be asked, and a second connection of one
// name is too.
func TestInitNeedsAnswers(t *testing.T) {
	s := newStage(t)
	for _, args := range [][]string{
		{"init"},
		{"init", "--provider", "okta", "--base-url", "https://b.example.com", "--crowd-url", s.crowd.URL, "--application", "x"},
		{"init", "--provider", "ping", "--base-url", "https://b.example.com", "--crowd-url", s.crowd.URL, "--password-env", "A", "--password-file", "b"},
	} {
		if r := s.run(args...); r.status != 2 || r.err == "" {
			t.Errorf("%v: %+v, want status 2", args, r)
		}
	}
	if r := s.run("init", "--provider", "nobody", "--base-url", "https://b.example.com", "--crowd-url", s.crowd.URL, "--application", "x"); r.status != 1 || !strings.HasPrefix(r.err, "/connections/2/provider: ") {
		t.Errorf("an unknown provider: %+v", r)
	}
}

// check asks the running server as an identity provider would, and each fault of Crowd
// has its remedy.
func TestCheckFindsWhatIsWrong(t *testing.T) {
	s := newStage(t)
	p := s.serve("--admin-listen", "127.0.0.1:0")
	sync1(t, s.idp(scimtest.Entra, p, s.okta), people("emil", 1, "Finance")) // Entra where Okta is expected
	if out := s.ok("check", "--server", p.admin); !strings.Contains(out, "note: /connections/0/provider: ") {
		t.Errorf("with the wrong provider: %s", out)
	}
	if r := s.run("check", "--server", p.listen); r.status != 1 || !strings.Contains(r.err, "not the server's --admin-listen") {
		t.Errorf("with --listen for --server: %+v", r)
	}
	t.Setenv(tokenEnv, s.okta.Token)
	r := s.run("check", "--base-url", p.listen)
	if r.status != 1 || !strings.Contains(r.err, "/connections/1/tokens: ") || !strings.Contains(r.out, "is not https") {
		t.Errorf("with Okta's token: %+v, want it refused by entra alone", r)
	}
	p.end()
	if r := s.run("check", "--base-url", p.listen); r.status != 1 || !strings.Contains(r.err, "does not answer") {
		t.Errorf("without a server: %+v", r)
	}
	s.crowd.UpdateApplication("scim-entra", func(a *crowdtest.Application) {
		a.Directories[0].Denied = []crowdtest.Operation{crowdtest.AddUser}
	})
	r = s.run("check")
	if r.status != 1 || !strings.HasPrefix(r.err, "/connections/1/crowd: permission to add users") || !strings.Contains(r.out, "connection okta: ready") {
		t.Errorf("without a permission: %+v", r)
	}
}

// Users and groups come from Okta's API and from a file, shown before they are made.
func TestImport(t *testing.T) {
	s := newStage(t)
	s.secrets["Okta's API token"] = "Planted-SSWS-token"
	org := &oktatest.Server{Token: s.secrets["Okta's API token"]}
	org.AddUser(oktatest.User{Profile: map[string]any{
		"login": "ada.quill", "email": "ada.quill@example.com", "firstName": "Ada", "lastName": "Quill",
	}})
	host := httptest.NewServer(org)
	defer host.Close()
	t.Setenv(sourceTokenEnv, s.secrets["Okta's API token"])
	from := []string{"import", "--connection", "okta", "--okta", host.URL}
	preview := s.ok(append(from, "--dry-run")...)
	if !strings.Contains(preview, "ada.quill") || len(s.crowd.In("okta").UserNames()) != 0 {
		t.Errorf("import --dry-run: %s", preview)
	}
	out := s.ok(from...)
	s.search(map[string]string{"what import says": preview + out})
	if got := s.crowd.In("okta").UserNames(); !slices.Contains(got, "ada.quill") {
		t.Errorf("after the import Crowd has %v: %s", got, out)
	}
	if out := s.ok(append(from, "--compare")...); !strings.Contains(out, "nothing is different") {
		t.Errorf("import --compare: %s", out)
	}
	file := filepath.Join(s.folder, "people.jsonl")
	lines := `{"id":"1","userName":"bob","active":true}` + "\n" + `{"end":{"users":1,"groups":0}}` + "\n"
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	var done outcome
	if err := json.Unmarshal([]byte(s.ok("import", "--connection", "entra", "--file", file, "--json")), &done); err != nil || done.Applied == 0 {
		t.Errorf("import of a file: %+v, %v", done, err)
	}
	if _, found := s.crowd.In("entra").User("bob"); !found {
		t.Error("bob is not in Crowd")
	}
	if r := s.run("import", "--connection", "okta"); r.status != 2 {
		t.Errorf("import of nothing: %+v", r)
	}
}

// A configuration that root changes stays that of its owner, who serves it.
func TestConfigurationKeepsItsOwner(t *testing.T) {
	s := newStage(t)
	owner := os.Geteuid()
	if owner == 0 { // only root can give a file away
		owner = 12345
		if err := os.Chown(s.config, owner, owner); err != nil {
			t.Fatal(err)
		}
	}
	s.ok("token", "new", "--connection", "okta")
	info, err := os.Stat(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if got := int(info.Sys().(*syscall.Stat_t).Uid); got != owner || info.Mode().Perm() != 0o600 {
		t.Errorf("the configuration belongs to %d with %v, want %d with 0600", got, info.Mode(), owner)
	}
}
