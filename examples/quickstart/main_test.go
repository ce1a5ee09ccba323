package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/backup"
)

// start runs the program until the test ends and returns what it printed.
func start(t *testing.T, args ...string) listening {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append(args, "--json", "--listen", "127.0.0.1:0"), write, io.Discard)
		write.CloseWithError(err)
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	var at listening
	if err := json.NewDecoder(read).Decode(&at); err != nil {
		t.Fatal(err)
	}
	return at
}

func (l listening) call(t *testing.T, method, path, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, l.SCIM+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+l.Token)
	r.Header.Set("Content-Type", "application/scim+json")
	return send(t, r)
}

func send(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestManualRuleFillsTheSeededGroup(t *testing.T) {
	at := start(t, "--crowd-listen", "127.0.0.1:0", "--groups", "manual")
	status, text := at.call(t, http.MethodPost, "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"lea","active":true}`)
	if status != http.StatusCreated {
		t.Fatalf("create user: %d %s", status, text)
	}
	var lea struct{ ID string }
	if err := json.Unmarshal([]byte(text), &lea); err != nil {
		t.Fatal(err)
	}
	if status, text = at.call(t, http.MethodPost, "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Engineering","members":[{"value":"`+lea.ID+`"}]}`); status != http.StatusCreated {
		t.Fatalf("create group: %d %s", status, text)
	}
	var engineering struct{ ID string }
	if err := json.Unmarshal([]byte(text), &engineering); err != nil {
		t.Fatal(err)
	}
	if text := at.crowd(t, "group/user/direct?groupname=crew-seed"); !strings.Contains(text, `"lea"`) || !strings.Contains(text, `"nora.seed"`) {
		t.Errorf("crew-seed holds %s, want lea beside nora.seed", text)
	}
	if text := at.crowd(t, "user/group/direct?username=lea"); strings.Contains(text, `"Engineering"`) {
		t.Errorf("lea is in %s, want no group Engineering", text)
	}
	status, text = at.call(t, http.MethodPatch, "/Groups/"+engineering.ID, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members[value eq \"`+lea.ID+`\"]"}]}`)
	if status >= http.StatusMultipleChoices {
		t.Fatalf("take lea out: %d %s", status, text)
	}
	if text := at.crowd(t, "group/user/direct?groupname=crew-seed"); strings.Contains(text, `"lea"`) || !strings.Contains(text, `"nora.seed"`) {
		t.Errorf("crew-seed holds %s, want nora.seed without lea", text)
	}
}

// The lines that are printed ask for what the rule does, and only where there is the rule.
func TestManualRuleIsTold(t *testing.T) {
	var with, without bytes.Buffer
	at := listening{SCIM: "http://127.0.0.1:1/scim/v2", Token: "t", Crowd: "http://127.0.0.1:2/crowd", Application: "scim", Password: "p"}
	if err := at.tell(&without); err != nil {
		t.Fatal(err)
	}
	at.rule = true
	if err := at.tell(&with); err != nil {
		t.Fatal(err)
	}
	for text, times := range map[string]int{"Engineering fills the Crowd group crew-seed": 1, "/group/user/direct?groupname=crew-seed\"\n": 2, "$SCIM/Groups/$ENGINEERING": 1} {
		if got := strings.Count(with.String(), text); got != times || strings.Contains(without.String(), text) {
			t.Errorf("%q stands there %d times, want %d, and never without the rule", text, got, times)
		}
	}
}

// crowd returns what the fake Crowd answers.
func (l listening) crowd(t *testing.T, path string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.Crowd+"/rest/usermanagement/1/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(l.Application, l.Password)
	r.Header.Set("Accept", "application/json")
	status, text := send(t, r)
	if status != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, status, text)
	}
	return text
}

func TestExportedDocumentRuns(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--export", "--provider", "okta"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	config, err := backup.Read(bytes.NewReader(out.Bytes()))
	if err != nil || config.Connections[0].Provider != "okta" {
		t.Fatalf("exported %s: %v", out.String(), err)
	}
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	at := start(t, "--config", file, "--crowd-listen", "127.0.0.1:0")
	if status, text := at.call(t, http.MethodGet, "/Users?count=1", ""); status != http.StatusOK {
		t.Errorf("list users: %d %s", status, text)
	}
	t.Setenv("CROWD_PASSWORD", at.Password)
	real := start(t, "--crowd", at.Crowd, "--application", at.Application)
	if real.Crowd != "" || real.Password != "" {
		t.Errorf("with a Crowd of one's own it printed %+v", real)
	}
	if status, text := real.call(t, http.MethodGet, "/Users?count=1", ""); status != http.StatusOK {
		t.Errorf("list users of a Crowd of one's own: %d %s", status, text)
	}
}

func TestMistakesAreTold(t *testing.T) {
	t.Setenv("CROWD_PASSWORD", "wrong")
	at := start(t, "--crowd-listen", "127.0.0.1:0")
	for name, args := range map[string][]string{
		"flag": {"--no-such-flag"}, "argument": {"extra"}, "provider": {"--provider", "nobody"}, "mode": {"--groups", "some"},
		"busy port": {"--listen", strings.TrimSuffix(strings.TrimPrefix(at.SCIM, "http://"), "/scim/v2"), "--crowd-listen", "127.0.0.1:0"},
		"password":  {"--crowd", at.Crowd, "--listen", "127.0.0.1:0"},
		"document":  {"--config", "main.go"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), "wrong\"") || len(err.Error()) < 20 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
