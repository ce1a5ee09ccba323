package backup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// planted are secrets that nothing but Write may repeat.
const (
	plantedValue = "PLANTED-value-5f2c"
	plantedEnv   = "PLANTED-env-77aa"
	plantedToken = "scimcrowd_PLANTEDtoken"
)

// speaker collects all that the package says.
type speaker struct{ strings.Builder }

func (s *speaker) say(things ...any) {
	for _, x := range things {
		fmt.Fprintf(s, "%v\n%+v\n%#v\n", x, x, x)
		if data, err := json.Marshal(x); err == nil {
			s.Write(data)
		}
	}
}

func TestNoSecretIsRepeated(t *testing.T) {
	var said speaker
	sayFaults(&said)
	a := mustRead(t, replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "`+plantedValue+`"}`))
	b := mustRead(t, replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "`+plantedValue+`-2"}`))
	c := mustRead(t, document(connection("other", "")))
	for _, pair := range [][2]*backup.Config{{a, b}, {a, c}, {c, a}} {
		said.say(backup.Diff(pair[0], pair[1]))
	}
	said.say(*a, a.Connections[0].Crowd, a.Connections[0].Crowd.Password, a.Needs(), c.Needs())
	sayExports(t, &said, a)
	sayRunning(t, &said, a)
	sayErrors(t, &said, a, c)
	if !strings.Contains(said.String(), "Did you mean") || !strings.Contains(said.String(), "another one, written in the document") || !strings.Contains(said.String(), "level=DEBUG") {
		t.Fatal("the test heard not all it should")
	}
	for _, secret := range []string{"PLANTED", "PLANTEDtoken"} {
		if i := strings.Index(said.String(), secret); i >= 0 {
			t.Errorf("a secret was said: ...%.200s", said.String()[max(0, i-100):])
		}
	}
	if !strings.Contains(mustWrite(t, a), plantedValue) {
		t.Error("Write left the password out, and so is no copy")
	}
}

// sayFaults reads documents in which a secret stands where it should not.
func sayFaults(said *speaker) {
	for _, d := range []string{
		replaced(`{"env": "CROWD_PASSWORD"}`, `"`+plantedValue+`"`),
		replaced(`{"env": "CROWD_PASSWORD"}`, `["`+plantedValue+`"]`),
		replaced(`{"env": "CROWD_PASSWORD"}`, `{"env": "`+plantedValue+`"}`),
		replaced(`{"env": "CROWD_PASSWORD"}`, `{"valeu": "`+plantedValue+`"}`),
		replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "`+plantedValue+`", "env": "X"}`),
		replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "`+plantedValue+`", "value": "`+plantedValue+`"}`),
		replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "`+plantedValue+`\ud800"}`),
		replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "`+strings.Repeat(plantedValue, 1000)+`"}`),
		replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "`+plantedValue+`", `),
		replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "`+plantedValue+"\n"+`"}`),
		replaced("https://crowd", "https://scim:"+plantedValue+"@crowd"),
		replaced(sum, plantedToken),
		replaced(`"sha256": "`+sum+`"`, `"token": "`+plantedToken+`"`),
	} {
		_, err := backup.Read(strings.NewReader(d))
		said.say(err)
	}
}

func sayExports(t *testing.T, said *speaker, a *backup.Config) {
	for _, o := range []backup.ExportOptions{
		{},
		{Secrets: backup.KeepReferences},
		{Secrets: backup.Sealed, Sealer: lock("k"), Resolve: resolver(map[string]crowd.Secret{"CROWD_PASSWORD": plantedEnv})},
	} {
		out, needs, err := backup.Export(t.Context(), a, o)
		if err != nil {
			t.Fatal(err)
		}
		said.say(needs)
		said.WriteString(mustWrite(t, out))
	}
}

// sayRunning builds connections and lets one call Crowd, with the log open.
func sayRunning(t *testing.T, said *speaker, a *backup.Config) {
	var log bytes.Buffer
	c := a.Connections[0]
	for _, fake := range []*crowdtest.Server{{}, {Application: "scim", Password: plantedValue}} {
		running, err := backup.Build(t.Context(), c, backup.BuildOptions{
			BaseURL: "https://bridge.example.com", HTTPClient: &http.Client{Transport: fake},
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = running.Client.User(t.Context(), "ann")
		if err == nil {
			t.Error("Crowd has a user it should not have")
		}
		fmt.Fprintf(said, "%v %+v\n", err, *running)
	}
	said.WriteString(log.String())
}

// sayErrors collects errors of what is handed in.
func sayErrors(t *testing.T, said *speaker, a, c *backup.Config) {
	failing := resolver(nil)
	_, _, err := backup.Export(t.Context(), c, backup.ExportOptions{Secrets: backup.Sealed, Sealer: lock("k"), Resolve: failing})
	said.say(err)
	_, _, err = backup.Export(t.Context(), a, backup.ExportOptions{Secrets: backup.Sealed, Sealer: brokenSealer{}})
	said.say(err)
	bad := *a
	bad.Connections = append([]backup.Connection(nil), a.Connections...)
	bad.Connections[0].Crowd.Application = "a:b"
	said.say(bad.Validate(), backup.Write(failingWriter{errors.New("full")}, a))
	_, err = backup.Build(t.Context(), bad.Connections[0], backup.BuildOptions{})
	said.say(err)
	bad.Connections[0].Crowd = a.Connections[0].Crowd
	bad.Connections[0].Crowd.Password = backup.Password{Sealed: "k" + "PLANTEDsealed"}
	_, err = backup.Unseal(&bad, lock("k"))
	said.say(err)
}
