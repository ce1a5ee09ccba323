package backup_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/crowd/directory"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// planted are secrets that nothing but Write may repeat.
const (
	plantedValue = "PLANTED-value-5f2c"
	plantedEnv   = "PLANTED-env-77aa"
	plantedToken = "scimcrowd_PLANTEDtoken"
)

// speaker collects all that the package says, and what of the package was heard.
type speaker struct {
	strings.Builder
	heard map[string]bool
}

// hears notes exported functions and methods of which everything they return was said.
func (s *speaker) hears(names ...string) {
	if s.heard == nil {
		s.heard = map[string]bool{}
	}
	for _, name := range names {
		s.heard[name] = true
	}
}

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
	planted := func(value string) *backup.Config {
		document := document(connection("okta", leaverSettings(`{"value": "`+value+`"}`, `{"value": "whsec_UExBTlRFRFBMQU5URURQTEFOVEVEUExBTlRFRA=="}`)))
		return mustRead(t, strings.Replace(document, `{"env": "CROWD_PASSWORD"}`, `{"value": "`+value+`"}`, 1))
	}
	a, b := planted(plantedValue), planted(plantedValue+"-2")
	c := mustRead(t, document(connection("other", "")))
	for _, pair := range [][2]*backup.Config{{a, b}, {a, c}, {c, a}} {
		said.say(backup.Diff(pair[0], pair[1]))
	}
	said.say(*a, a.Connections[0].Jira, a.Connections[0].Webhook, a.Connections[0].Crowd, a.Connections[0].Crowd.Password, a.Needs(), c.Needs(), string(backup.Schema()))
	said.hears("Read", "Diff", "Change.String", "Password.String", "Config.Needs", "Need.String", "Schema")
	sayExports(t, &said, a)
	sayRunning(t, &said, a)
	sayErrors(t, &said, a, c)
	sayServing(t, &said)
	sayReview(t, &said)
	sayLive(t, &said, a, c)
	sayEnsured(t, &said)
	for name := range exported(t) {
		if silent := []string{"Write", "Live.ServeHTTP", "Running.Mount", "Connection.SharesDirectory"}; !said.heard[name] && !slices.Contains(silent, name) {
			t.Errorf("nobody hears what %s says", name)
		}
	}
	if !strings.Contains(said.String(), "Did you mean") || !strings.Contains(said.String(), "another one, written in the document") || !strings.Contains(said.String(), "level=DEBUG") {
		t.Fatal("the test heard not all it should")
	}
	for _, secret := range []string{"PLANTED", "UExBTlRF"} { // the secret of the webhook is in base64
		if i := strings.Index(said.String(), secret); i >= 0 {
			t.Errorf("a secret was said: ...%.200s", said.String()[max(0, i-100):])
		}
	}
	for _, form := range []func(string) string{
		func(s string) string { return base64.StdEncoding.EncodeToString([]byte("scim:" + s)) },
		func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		func(s string) string { return hex.EncodeToString([]byte(s)) },
	} {
		for _, secret := range []string{plantedValue, plantedEnv, plantedToken} {
			if strings.Contains(said.String(), form(secret)) {
				t.Errorf("a secret was said in another form: %s", form(secret))
			}
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
	said.hears("Export", "Unseal", "References", "Config.Validate")
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
	said.hears("Build")
}

// sayServing lets a connection serve, with passwords and tokens in requests, and writes
// and compares its state.
func sayServing(t *testing.T, said *speaker) {
	s, team := crew(t) // whose users are posted with passwords that are planted
	file := s.snapshot(t)
	snapshot := opened(t, file)
	s.token = plantedToken
	said.WriteString(s.post("/scim/okta/Users", `{"userName": "dan", "password": "PLANTED-dan"}`).Body.String())
	s.crowd.AddUser(crowd.User{Name: "eva", Active: true})
	s.crowd.AddMember("crew", "eva")
	if err := s.running.Client.DeleteUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	for c, err := range snapshot.Compare(t.Context(), s.running.Engine) {
		said.say(c, err)
	}
	for u, err := range snapshot.Users() {
		again, err1 := snapshot.User(u.ID)
		named, err2 := snapshot.UserNamed(u.Name)
		said.say(*u, err, *again, err1, *named, err2)
	}
	for g, err := range snapshot.Groups() {
		said.say(*g, err)
	}
	restoration, err := s.running.Engine.PlanRestore(t.Context(), snapshot, groupsync.RestoreOptions{})
	said.say(restoration, err, snapshot, snapshot.Connection(), snapshot.Taken(), team)
	_, err = backup.OpenSnapshot(strings.NewReader(strings.Replace(string(file), "ann", plantedValue, 1)), int64(len(file)))
	said.say(err, backup.WriteSnapshot(t.Context(), failingWriter{errors.New("full")}, s.running.Engine, noon))
	said.WriteString(string(file) + s.log.String())
	said.hears("WriteSnapshot", "OpenSnapshot", "SnapshotError.Error", "StateChange.String", "Snapshot.Compare", "Snapshot.Connection", "Snapshot.Taken",
		"Snapshot.Size", "Snapshot.Groups", "Snapshot.Users", "Snapshot.User", "Snapshot.UserNamed", "Snapshot.String")
}

// sayReview reviews a document whose passwords are wrong, and one that fits.
func sayReview(t *testing.T, said *speaker) {
	s, _ := crew(t)
	before := configured(t, `, "users": {"password": "set"}`)
	after := configured(t, `, "users": {"password": "set", "attributes": [{"to": "displayName", "from": ["title"]}]}`+fmt.Sprintf(byRules, "sailors"))
	s.crowd.AddGroup(crowd.Group{Name: "sailors", Active: true})
	for _, password := range []crowd.Secret{crowdtest.DefaultPassword, plantedEnv} {
		var log bytes.Buffer
		o := backup.ReviewOptions{Build: s.options(), Probe: true, Administration: s.administration(t, plantedValue)}
		o.Build.Resolve = resolver(map[string]crowd.Secret{"CROWD_PASSWORD": password})
		o.Build.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		r, err := backup.ReviewChange(t.Context(), before, after, o)
		if err != nil || len(r.Problems) == 0 {
			t.Fatalf("%v, %v", r, err)
		}
		said.say(r, all(r), r.Stops())
		said.WriteString(log.String())
		if password == crowdtest.DefaultPassword && (len(r.Effects) == 0 || len(r.Attributes) == 0) {
			t.Error("the review tells of no effects")
		}
	}
	said.hears("ReviewChange", "Review.Stops", "Problem.String", "Effect.String", "AttributeChange.String")
}

// sayLive puts documents into use, of which some cannot be.
func sayLive(t *testing.T, said *speaker, a, c *backup.Config) {
	l, err := backup.NewLive(t.Context(), a, backup.BuildOptions{BaseURL: "https://bridge.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := l.Replace(t.Context(), c)
	_, err2 := backup.BuildAll(t.Context(), c, backup.BuildOptions{BaseURL: "https://bridge.example.com"})
	_, err3 := l.Apply(t.Context(), &backup.Review{Problems: []backup.Problem{{Text: "does not fit", Stops: true}}})
	_, err4 := l.Apply(t.Context(), &backup.Review{})
	for _, err := range []error{err1, err2, err3, err4} {
		if err == nil {
			t.Error("a document that cannot be put into use is")
		}
		said.say(err)
	}
	said.say(l.Config(), l.Running()[0].Name)
	said.hears("NewLive", "Live.Replace", "Live.Apply", "Live.Config", "Live.Running", "BuildAll")
}

// sayEnsured asks for directories with passwords that are wrong.
func sayEnsured(t *testing.T, said *speaker) {
	c := configured(t, "")
	c.Connections[0].Crowd.Directory = backup.Directory{Name: "Employees", Create: true}
	c.Connections[0].Crowd.Password = backup.Password{Value: plantedValue}
	var log bytes.Buffer
	client := &http.Client{Transport: &crowdtest.Server{}}
	done, err := backup.EnsureDirectories(t.Context(), c, backup.DirectoryOptions{
		Build: backup.BuildOptions{HTTPClient: client, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))},
		Means: func(ctx context.Context, c backup.Connection) (directory.Means, error) {
			return directory.Connect(ctx, admin.Config{BaseURL: c.Crowd.URL, Administrator: "root", Password: plantedEnv, HTTPClient: client})
		},
	})
	if err == nil {
		t.Error("a directory is there without a password that is right")
	}
	said.say(done, err)
	said.WriteString(log.String())
	said.hears("EnsureDirectories")
}

// exported returns the exported functions and methods of the package, as the source has
// them.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			f, isFunc := d.(*ast.FuncDecl)
			if !isFunc || !f.Name.IsExported() {
				continue
			}
			name := f.Name.Name
			if f.Recv != nil {
				of := f.Recv.List[0].Type
				if pointer, is := of.(*ast.StarExpr); is {
					of = pointer.X
				}
				receiver := of.(*ast.Ident)
				if !receiver.IsExported() {
					continue
				}
				name = receiver.Name + "." + name
			}
			names[name] = true
		}
	}
	if len(names) < 40 {
		t.Fatalf("the package has %d exported functions only", len(names))
	}
	return names
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
