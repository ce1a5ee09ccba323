package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// Two replicas serve one Crowd, and one is killed under load. Clients repeat what got no
// answer, at the other; after one reconcile all that was acknowledged holds, and nothing
// that was taken away is there.
func TestReplicaIsKilledUnderLoad(t *testing.T) {
	s := newStage(t)
	s.crowd.SetOptions(func(o *crowdtest.Options) { o.Latency = 2 * time.Millisecond })
	first, second := s.serve("--reconcile", "0"), s.serve("--reconcile", "0")
	var mu sync.Mutex // guards the next two
	targets := []string{first.listen, second.listen}
	turn := 0
	next := func() string {
		mu.Lock()
		defer mu.Unlock()
		turn++
		return targets[turn%len(targets)] + "/scim/okta/v2"
	}
	// send sends a request until it is answered by other than trouble, as identity
	// providers do.
	send := func(method, path, body string) (status int, id string) {
		for range 200 {
			status, text := request(t, method, next()+path, s.okta.Token, body)
			if status != 0 && status < 500 && status != http.StatusTooManyRequests {
				var resource struct{ ID string }
				_ = json.Unmarshal([]byte(text), &resource)
				return status, resource.ID
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Errorf("%s %s is never answered", method, path)
		return 0, ""
	}
	_, group := send(http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Engineering"}`)
	member := func(op, id string) string {
		if op == "add" {
			return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"` + id + `"}]}]}`
		}
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"` + id + `\"]"}]}`
	}
	const clients, each = 8, 12
	var done sync.WaitGroup
	for i := range clients {
		done.Go(func() {
			for n := range each {
				if i == 0 && n == 3 {
					mu.Lock()
					targets = targets[1:]
					mu.Unlock()
					_ = first.cmd.Process.Kill() // SIGKILL
				}
				name := fmt.Sprintf("load-%d-%02d", i, n)
				_, id := send(http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+`","active":true}`)
				if id == "" { // a repeated POST, whose first answer was lost
					_, text := request(t, http.MethodGet, next()+"/Users?filter=userName%20eq%20%22"+name+"%22", s.okta.Token, "")
					var list struct{ Resources []struct{ ID string } }
					if _ = json.Unmarshal([]byte(text), &list); len(list.Resources) != 1 {
						t.Errorf("%s was not created: %s", name, text)
						return
					}
					id = list.Resources[0].ID
				}
				send(http.MethodPatch, "/Groups/"+group, member("add", id))
				if n%3 == 0 {
					send(http.MethodPatch, "/Groups/"+group, member("remove", id))
				}
			}
		})
	}
	done.Wait()
	s.ok("reconcile", "--connection", "okta")
	in := map[string]bool{}
	for _, name := range s.crowd.In("okta").Members("Engineering") {
		in[name] = true
	}
	for i := range clients {
		for n := range each {
			name := fmt.Sprintf("load-%d-%02d", i, n)
			if _, found := s.crowd.In("okta").User(name); !found {
				t.Errorf("%s is lost", name)
			}
			if want := n%3 != 0; in[name] != want {
				t.Errorf("%s in Engineering: %v, want %v", name, in[name], want)
			}
		}
	}
	if out := s.ok("plan", "--connection", "okta"); !strings.Contains(out, "0 steps") {
		t.Errorf("a second reconcile would find: %s", out)
	}
	second.end()
}

// request sends a request. One that gets no answer has status 0.
func request(t *testing.T, method, url, token, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/scim+json")
	return answerTo(r)
}

// Secrets are planted everywhere, and everything that the program puts out is searched
// for them.
func TestNoSecretShows(t *testing.T) {
	s := newStage(t)
	s.edit(func(c *backup.Config) { c.Connections[0].Users.Password = scim.SetPassword })
	log := filepath.Join(s.folder, "audit.jsonl")
	p := s.serve("--log-level", "debug", "--audit", log, "--reconcile", "1s")
	shown := map[string]string{}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.cmd.Process.Pid))
	if err == nil {
		shown["the arguments"] = string(line)
	}

	sync1(t, s.idp(scimtest.Okta, p, s.okta), people("olga", 2, "Engineering"))
	s.secrets["a user's password"] = "Planted-Users-Passw0rd"
	base := p.listen + "/scim/okta/v2"
	for i, body := range []string{
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"pia","active":true,"password":"Planted-Users-Passw0rd"}`,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"pia","active":true,"password":"Planted-Users-Passw0rd"}`,
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":7,"password":"Planted-Users-Passw0rd"}`,
		`{"password":"Planted-Users-Passw0rd"`,
	} {
		_, text := post(t, base+"/Users", s.okta.Token, body)
		shown[fmt.Sprintf("answer %d", i)] = text
	}
	wrong, _ := scim.NewToken()
	s.secrets["a token that is not accepted"] = wrong.Reveal()
	_, shown["the answer to a wrong token"] = post(t, base+"/Users", wrong.Reveal(), "{}")
	_, shown["the answer to a token in the query"] = get(t, base+"/Users?access_token="+s.okta.Token)
	s.crowd.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 500, Times: 6})
	_, shown["an answer about a fault"] = get(t, base+"/Users?count=1", "Authorization", "Bearer "+s.okta.Token)
	s.crowd.ClearFaults()
	_, shown["the metrics"] = get(t, p.admin+"/metrics")
	rotated := s.ok("token", "rotate", "--connection", "entra", "--json")
	var made issued
	if err := json.Unmarshal([]byte(rotated), &made); err != nil {
		t.Fatal(err)
	}
	s.secrets["the new token of entra"] = made.Token

	export, sealed := filepath.Join(s.folder, "export.json"), filepath.Join(s.folder, "sealed.json")
	passphrase := filepath.Join(s.folder, "passphrase")
	s.secrets["the passphrase"] = "Planted passphrase of some length"
	if err := os.WriteFile(passphrase, []byte(s.secrets["the passphrase"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	snapshot := filepath.Join(s.folder, "snapshot")
	for _, command := range [][]string{
		{"check"},
		{"check", "--json"},
		{"plan"},
		{"token", "list"},
		{"who", "--connection", "okta", "--user", "pia"},
		{"explain", "--connection", "okta", "--user", "pia"},
		{"groups", "--connection", "okta", "--json"},
		{"export", "--out", export},
		{"export", "--out", sealed, "--secrets", "sealed", "--passphrase-file", passphrase},
		{"snapshot", "--connection", "okta", "--out", snapshot},
		{"reconcile"},
	} {
		r := s.run(command...)
		shown["the output of "+strings.Join(command, " ")] = r.out + r.err
	}
	s.crowd.UpdateApplication("scim-okta", func(a *crowdtest.Application) { a.Password = crowd.Secret("another") })
	for _, command := range [][]string{{"check"}, {"reconcile", "--connection", "okta"}} {
		r := s.run(command...)
		if r.status != 1 {
			t.Errorf("%v with a wrong password: %+v", command, r)
		}
		shown["the errors of "+strings.Join(command, " ")] = r.out + r.err
	}
	p.end()
	shown["the log"] = p.log.String()
	for _, file := range []string{log, export, sealed, snapshot, s.config} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shown[filepath.Base(file)] = string(data)
	}
	if !strings.Contains(shown["the log"], "DEBUG") {
		t.Error("the log has no lines at level debug")
	}
	s.search(shown)
}

// search looks for the planted secrets, as they are and as headers have them.
func (s *stage) search(shown map[string]string) {
	s.t.Helper()
	for what, secret := range s.secrets {
		forms := []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))}
		if provider, found := strings.CutPrefix(what, "the password of "); found {
			forms = append(forms, base64.StdEncoding.EncodeToString([]byte("scim-"+provider+":"+secret)))
		}
		for where, text := range shown {
			for _, form := range forms {
				if strings.Contains(text, form) {
					s.t.Errorf("%s holds %s", where, what)
				}
			}
		}
	}
}

// A configuration is exported, and restored for a Crowd that has nothing yet: the same
// document serves there, and what a snapshot holds comes back by name.
func TestExportAndRestoreIntoAFreshCrowd(t *testing.T) {
	s := newStage(t)
	p := s.serve()
	sync1(t, s.idp(scimtest.Okta, p, s.okta), people("olga", 3, "Engineering"))
	export := filepath.Join(s.folder, "export.json")
	s.ok("export", "--out", export)
	before := s.document()
	p.end()

	fresh := newStage(t)
	fresh.config = filepath.Join(fresh.folder, "restored.json")
	moved := fresh.moved(export, s.crowd.URL)
	if r := fresh.run("restore", "--from", moved); r.status != 1 || !strings.Contains(r.err, "CROWD_PASSWORD_OKTA") {
		t.Errorf("restore without the passwords: %+v", r)
	}
	t.Setenv("CROWD_PASSWORD_OKTA", fresh.secrets["the password of okta"])
	t.Setenv("CROWD_PASSWORD_ENTRA", fresh.secrets["the password of entra"])
	if out := fresh.ok("restore", "--from", moved, "--dry-run"); !strings.Contains(out, "change: ") {
		t.Errorf("restore --dry-run: %s", out)
	}
	fresh.ok("restore", "--from", moved)
	after := fresh.document()
	for i := range before.Connections { // passwords are elsewhere now
		before.Connections[i].Crowd.Password, before.Connections[i].Crowd.URL = after.Connections[i].Crowd.Password, fresh.crowd.URL
	}
	if changes := backup.Diff(before, after); len(changes) > 0 {
		t.Errorf("restored with differences: %v", changes)
	}
	p = fresh.serve()
	fresh.okta.Token = s.okta.Token // the same tokens are accepted
	sync1(t, fresh.idp(scimtest.Okta, p, fresh.okta), people("olga", 3, "Engineering"))
	p.end()
}

// moved returns a copy of a document in which the address of Crowd is that of the stage.
func (s *stage) moved(document, from string) (path string) {
	s.t.Helper()
	data, err := os.ReadFile(document)
	if err != nil {
		s.t.Fatal(err)
	}
	path = filepath.Join(s.folder, filepath.Base(document))
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(data), from, s.crowd.URL)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// A sealed export runs as it is, for whoever has the passphrase.
func TestSealedExportRuns(t *testing.T) {
	s := newStage(t)
	s.edit(func(c *backup.Config) { c.Connections = c.Connections[:1] })
	t.Setenv(passphraseEnv, "a passphrase of some length")
	sealed := filepath.Join(s.folder, "sealed.json")
	s.ok("export", "--out", sealed, "--secrets", "sealed")
	if err := os.Remove(filepath.Join(s.folder, "okta.password")); err != nil {
		t.Fatal(err)
	}
	s.config = sealed
	if out := s.ok("plan"); !strings.Contains(out, "connection okta: 0 steps") {
		t.Errorf("plan: %s", out)
	}
	t.Setenv(passphraseEnv, "")
	if r := s.run("plan"); r.status != 1 || !strings.Contains(r.err, "passphrase") {
		t.Errorf("without the passphrase: %+v", r)
	}
}
