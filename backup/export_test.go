package backup_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A lock seals by a key that is no cryptography; package seal has the real one.
type lock string

func (l lock) Seal(plain []byte) (string, error) {
	return string(l) + base64.StdEncoding.EncodeToString(plain), nil
}

func (l lock) Open(sealed string) ([]byte, error) {
	text, found := strings.CutPrefix(sealed, string(l))
	if !found {
		return nil, errors.New("another key")
	}
	return base64.StdEncoding.DecodeString(text)
}

// fourKinds has a connection for each way to give a password.
func fourKinds(t *testing.T) *backup.Config {
	t.Helper()
	var all []string
	for name, password := range map[string]string{
		"env": `{"env": "CROWD_PASSWORD_VALUE"}`, "file": `{"file": "/run/secrets/crowd"}`,
		"value": `{"value": "hunter2"}`, "sealed": `{"sealed": "` + sealedText(t, `{"value":"hunter3"}`) + `"}`,
	} {
		all = append(all, strings.Replace(connection(name, ""), `{"env": "CROWD_PASSWORD"}`, password, 1))
	}
	c := mustRead(t, document(all...))
	sortConnections(c)
	return c
}

func sealedText(t *testing.T, plain string) string {
	t.Helper()
	text, err := lock("old").Seal([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func sortConnections(c *backup.Config) {
	order := []string{"env", "file", "value", "sealed"}
	sorted := make([]backup.Connection, 0, len(order))
	for _, name := range order {
		for _, connection := range c.Connections {
			if connection.Name == name {
				sorted = append(sorted, connection)
			}
		}
	}
	c.Connections = sorted
}

func passwords(c *backup.Config) []string {
	var all []string
	for _, connection := range c.Connections {
		all = append(all, fmt.Sprint(connection.Crowd.Password))
	}
	return all
}

func export(t *testing.T, c *backup.Config, o backup.ExportOptions) (*backup.Config, []string) {
	t.Helper()
	before := mustWrite(t, c)
	out, needs, err := backup.Export(t.Context(), c, o)
	if err != nil {
		t.Fatalf("Export: %v", err)
	}
	if after := mustWrite(t, c); after != before {
		t.Errorf("Export changed its argument:\n%s", cmp.Diff(before, after))
	}
	mustRead(t, mustWrite(t, out))
	var lines []string
	for _, n := range needs {
		lines = append(lines, n.Pointer+" "+n.String())
	}
	return out, lines
}

func TestExportWithoutSecrets(t *testing.T) {
	out, needs := export(t, fourKinds(t), backup.ExportOptions{})
	want := []string{
		"environment variable CROWD_PASSWORD_VALUE", "environment variable CROWD_PASSWORD_FILE",
		"environment variable CROWD_PASSWORD_VALUE_2", "environment variable CROWD_PASSWORD_SEALED",
	}
	if diff := cmp.Diff(want, passwords(out)); diff != "" {
		t.Errorf("passwords mismatch (-want +got):\n%s", diff)
	}
	const what = `: the password of the application "scim" in Crowd at https://crowd.example.com/crowd`
	wantNeeds := []string{
		"/connections/0/crowd/password connection env: the environment variable CROWD_PASSWORD_VALUE" + what,
		"/connections/1/crowd/password connection file: the environment variable CROWD_PASSWORD_FILE" + what,
		"/connections/2/crowd/password connection value: the environment variable CROWD_PASSWORD_VALUE_2" + what,
		"/connections/3/crowd/password connection sealed: the environment variable CROWD_PASSWORD_SEALED" + what,
	}
	if diff := cmp.Diff(wantNeeds, needs); diff != "" {
		t.Errorf("needs mismatch (-want +got):\n%s", diff)
	}
}

func TestExportKeepReferences(t *testing.T) {
	out, needs := export(t, fourKinds(t), backup.ExportOptions{Secrets: backup.KeepReferences})
	want := []string{
		"environment variable CROWD_PASSWORD_VALUE", "file /run/secrets/crowd",
		"environment variable CROWD_PASSWORD_VALUE_2", "sealed in the document",
	}
	if diff := cmp.Diff(want, passwords(out)); diff != "" {
		t.Errorf("passwords mismatch (-want +got):\n%s", diff)
	}
	if len(needs) != 4 || !strings.Contains(needs[1], `the file "/run/secrets/crowd": the password`) || !strings.Contains(needs[3], "the passphrase that opens the password") {
		t.Errorf("needs = %v", needs)
	}
}

// TestExportOfLeaverSettings holds that the token for Jira and the secret of the webhook
// are treated as the password of Crowd is.
func TestExportOfLeaverSettings(t *testing.T) {
	c := mustRead(t, document(connection("okta-1", leaverSettings(`{"value": "hunter4"}`, `{"file": "/run/secrets/hook"}`))))
	shown := func(c *backup.Config) []string {
		return []string{fmt.Sprint(c.Connections[0].Crowd.Password), fmt.Sprint(c.Connections[0].Jira.Token), fmt.Sprint(c.Connections[0].Webhook.Secret)}
	}
	out, needs := export(t, c, backup.ExportOptions{})
	if diff := cmp.Diff([]string{
		"environment variable CROWD_PASSWORD", "environment variable JIRA_TOKEN_OKTA_1", "environment variable WEBHOOK_SECRET_OKTA_1",
	}, shown(out)); diff != "" {
		t.Errorf("exported passwords mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		`/connections/0/crowd/password connection okta-1: the environment variable CROWD_PASSWORD: the password of the application "scim" in Crowd at https://crowd.example.com/crowd`,
		"/connections/0/jira/token connection okta-1: the environment variable JIRA_TOKEN_OKTA_1: the token for Jira at https://jira.example.com",
		"/connections/0/webhook/secret connection okta-1: the environment variable WEBHOOK_SECRET_OKTA_1: the secret that signs the webhook",
	}, needs); diff != "" {
		t.Errorf("needs mismatch (-want +got):\n%s", diff)
	}
	out, needs = export(t, c, backup.ExportOptions{Secrets: backup.KeepReferences})
	if diff := cmp.Diff([]string{
		"environment variable CROWD_PASSWORD", "environment variable JIRA_TOKEN_OKTA_1", "file /run/secrets/hook",
	}, shown(out)); diff != "" || len(needs) != 3 {
		t.Errorf("%d needs, kept references mismatch (-want +got):\n%s", len(needs), diff)
	}
	resolve := resolver(map[string]crowd.Secret{"CROWD_PASSWORD": "one", "/run/secrets/hook": "two"})
	out, _ = export(t, c, backup.ExportOptions{Secrets: backup.Sealed, Sealer: lock("k"), Resolve: resolve})
	if got := strings.Join(shown(out), ", "); got != "sealed in the document, sealed in the document, sealed in the document" {
		t.Errorf("sealed export has %s", got)
	}
	back, err := backup.Unseal(out, lock("k"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mustWrite(t, c), mustWrite(t, back)); diff != "" {
		t.Errorf("unsealed document mismatch (-want +got):\n%s", diff)
	}
	out.Connections[0].Crowd.Password = backup.Password{Env: "X"}
	if _, err := backup.Unseal(out, lock("other")); err == nil || !strings.HasPrefix(err.Error(), "backup: unseal: connection okta-1: jira.token: ") {
		t.Errorf("unseal with another key: %v", err)
	}
	_, _, err = backup.Export(t.Context(), c, backup.ExportOptions{Secrets: backup.Sealed, Sealer: lock("k"), Resolve: resolver(map[string]crowd.Secret{"CROWD_PASSWORD": "one"})})
	if err == nil || err.Error() != "backup: export: connection okta-1: webhook.secret: file /run/secrets/hook is not there" {
		t.Errorf("export without the secret: %v", err)
	}
}

// leaverSettings are settings of what is done about leavers.
func leaverSettings(token, secret string) string {
	return fmt.Sprintf(`, "jira": {"url": "https://jira.example.com", "token": %s}, "webhook": {"url": "https://hr.example.com/leavers", "secret": %s},
		"users": {"leads": {"project": "bob", "component": "cat"}}`, token, secret)
}

func resolver(secrets map[string]crowd.Secret) backup.Resolver {
	return func(_ context.Context, p backup.Password) (crowd.Secret, error) {
		if s, found := secrets[p.Env+p.File]; found {
			return s, nil
		}
		return "", fmt.Errorf("%s is not there", p)
	}
}

func TestExportSealedIsComplete(t *testing.T) {
	secrets := map[string]crowd.Secret{"CROWD_PASSWORD_VALUE": "one", "/run/secrets/crowd": "two"}
	c := fourKinds(t)
	out, _ := export(t, c, backup.ExportOptions{
		Secrets: backup.Sealed, Sealer: lock("new"), Opener: lock("old"), Resolve: resolver(secrets),
	})
	if diff := cmp.Diff([]string{"sealed in the document", "sealed in the document", "sealed in the document", "sealed in the document"}, passwords(out)); diff != "" {
		t.Fatalf("passwords mismatch (-want +got):\n%s", diff)
	}
	back, err := backup.Unseal(out, lock("new"))
	if err != nil {
		t.Fatal(err)
	}
	want := fourKinds(t)
	want.Connections[3].Crowd.Password = backup.Password{Value: "hunter3"} // what it was before the first sealing
	if diff := cmp.Diff(mustWrite(t, want), mustWrite(t, back)); diff != "" {
		t.Errorf("unsealed document mismatch (-want +got):\n%s", diff)
	}
	for i, secret := range []string{"one", "two", "hunter2", "hunter3"} {
		var got string
		client := &recorder{password: &got}
		running, err := backup.Build(t.Context(), out.Connections[i], backup.BuildOptions{
			BaseURL: "https://bridge.example.com", Opener: lock("new"), HTTPClient: client.client(),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = running.Client.CookieConfig(t.Context()) // the answer is no Crowd's
		if got != secret {
			t.Errorf("a sealed document calls Crowd with the password %q, want %q", got, secret)
		}
	}
}

func TestExportSealedRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := genConfig().Draw(t, "config")
		for i := range c.Connections {
			connection := &c.Connections[i]
			for _, p := range []*backup.Password{&connection.Crowd.Password, &connection.Jira.Token, &connection.Webhook.Secret} {
				if p.Sealed != "" {
					*p = backup.Password{Value: "hunter2"}
				}
			}
		}
		resolve := func(_ context.Context, p backup.Password) (crowd.Secret, error) {
			return crowd.Secret(p.Env + p.File), nil
		}
		if rapid.Bool().Draw(t, "references stay") {
			resolve = nil
		}
		out, _, err := backup.Export(t.Context(), c, backup.ExportOptions{Secrets: backup.Sealed, Sealer: lock("k"), Resolve: resolve})
		if err != nil {
			t.Fatal(err)
		}
		back, err := backup.Unseal(out, lock("k"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(written(t, c), written(t, back)); diff != "" {
			t.Fatalf("unsealed document mismatch (-want +got):\n%s", diff)
		}
	})
}

func TestExportErrors(t *testing.T) {
	c := fourKinds(t)
	invalid := fourKinds(t)
	invalid.Connections[0].Name = ""
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		c    *backup.Config
		o    backup.ExportOptions
		want string
	}{
		{"no sealer", t.Context(), c, backup.ExportOptions{Secrets: backup.Sealed}, "backup: export: ExportOptions.Sealer is required to seal"},
		{
			"no secret", t.Context(), c,
			backup.ExportOptions{Secrets: backup.Sealed, Sealer: lock("k"), Resolve: resolver(nil)},
			"backup: export: connection env: password: environment variable CROWD_PASSWORD_VALUE is not there",
		},
		{
			"another passphrase", t.Context(), c,
			backup.ExportOptions{Secrets: backup.Sealed, Sealer: lock("k"), Opener: lock("k")},
			"backup: export: connection sealed: password: it cannot be opened: another key",
		},
		{
			"sealer fails", t.Context(), c,
			backup.ExportOptions{Secrets: backup.Sealed, Sealer: brokenSealer{}},
			"backup: export: connection value: password: seal: no random numbers",
		},
		{"invalid", t.Context(), invalid, backup.ExportOptions{}, `/connections/0/name: the text is empty. Write for example "okta"`},
		{"cancelled", gone, c, backup.ExportOptions{}, "context canceled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, needs, err := backup.Export(test.ctx, test.c, test.o)
			if err == nil || err.Error() != test.want || out != nil || needs != nil {
				t.Errorf("Export = %v, %v, %v, want error %s", out, needs, err, test.want)
			}
		})
	}
}

type brokenSealer struct{}

func (brokenSealer) Seal([]byte) (string, error) { return "", errors.New("no random numbers") }

func TestUnsealErrors(t *testing.T) {
	for plain, want := range map[string]string{
		`{"value":""}`: "it was opened, but holds no password. Export the document anew",
		`hunter2`:      "it was opened, but holds no password. Export the document anew",
	} {
		c := fourKinds(t)
		c.Connections[3].Crowd.Password.Sealed = sealedText(t, plain)
		if _, err := backup.Unseal(c, lock("old")); err == nil || err.Error() != "backup: unseal: connection sealed: password: "+want {
			t.Errorf("Unseal error = %v, want %s", err, want)
		}
	}
	c := fourKinds(t)
	c.Connections[0].Path = ""
	if _, err := backup.Unseal(c, lock("old")); err == nil {
		t.Error("Unseal took an invalid configuration")
	} else if _, ok := errors.AsType[mapping.Faults](err); !ok {
		t.Errorf("Unseal error is %T, want mapping.Faults", err)
	}
}
