package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// asProgram has the test binary be the program, for tests that need a process.
const asProgram = "SCIMCROWD_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A stage is a Crowd with two applications, each with a directory of its own, and a
// configuration with a connection to each.
type stage struct {
	t       *testing.T
	crowd   *crowdtest.Server
	folder  string
	config  string
	okta    setUp
	entra   setUp
	secrets map[string]string // what must never show, by what it is
}

// newStage sets the stage up as an administrator would: by init, twice.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, crowd: crowdtest.NewServer(t), folder: t.TempDir(), secrets: map[string]string{}}
	s.crowd.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	s.config = filepath.Join(s.folder, "config.json")
	s.okta, s.entra = s.add("okta"), s.add("entra")
	return s
}

// add gives Crowd a directory and an application, and the configuration a connection.
func (s *stage) add(provider string, more ...string) (made setUp) {
	s.t.Helper()
	password := "Planted-" + provider + "-application-password"
	s.crowd.AddDirectory(crowdtest.Directory{Name: provider})
	s.crowd.SetApplication(crowdtest.Application{
		Name: "scim-" + provider, Password: crowd.Secret(password), Directories: []crowdtest.Mapping{{Directory: provider}},
	})
	file := filepath.Join(s.folder, provider+".password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	args := append([]string{
		"init", "--provider", provider, "--crowd-url", s.crowd.URL, "--application", "scim-" + provider,
		"--password-file", file, "--base-url", "https://bridge.example.com",
	}, more...)
	s.decode(&made, args...)
	s.secrets["the password of "+provider], s.secrets["the token of "+provider] = password, made.Token
	return made
}

// A ran is what became of a command.
type ran struct {
	status   int
	out, err string
}

// run runs a command on the configuration.
func (s *stage) run(args ...string) ran {
	s.t.Helper()
	var out, errs bytes.Buffer
	status := run(s.t.Context(), append(args, "--config", s.config), streams{strings.NewReader(""), &out, &errs})
	return ran{status, out.String(), errs.String()}
}

// ok runs a command that must succeed, and returns its output.
func (s *stage) ok(args ...string) string {
	s.t.Helper()
	r := s.run(args...)
	if r.status != 0 {
		s.t.Fatalf("%v ended with status %d\n%s%s", args, r.status, r.out, r.err)
	}
	return r.out
}

// decode runs a command with --json and decodes its output.
func (s *stage) decode(into any, args ...string) {
	s.t.Helper()
	out := s.ok(append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		s.t.Fatalf("%v wrote %q: %v", args, out, err)
	}
}

// A process is a server that runs as a process of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	listen string
	admin  string
	log    *lockedBuffer
	exited chan error
}

// serve starts a server; it is ended with the test.
func (s *stage) serve(args ...string) *process {
	s.t.Helper()
	p := &process{t: s.t, log: &lockedBuffer{}, exited: make(chan error, 1)}
	args = append([]string{"serve", "--config", s.config, "--listen", "127.0.0.1:0", "--drain", "0s", "--json"}, args...)
	p.cmd = exec.CommandContext(s.t.Context(), os.Args[0], args...)
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	var at listening
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &at)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	s.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	if err != nil {
		s.t.Fatalf("the server does not start: %v\n%s", err, p.log)
	}
	p.listen, p.admin = "http://"+at.Listen, "http://"+at.Admin
	return p
}

// end has the server end in an orderly way.
func (p *process) end() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.exited:
		if err != nil {
			p.t.Errorf("the server ended with %v\n%s", err, p.log)
		}
	case <-time.After(time.Minute):
		p.t.Fatalf("the server does not end\n%s", p.log)
	}
}

// A lockedBuffer may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex // guards the buffer
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns what was written so far.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// get fetches a page.
func get(t *testing.T, url string, header ...string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 600 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("after half a minute still not so: %s", what)
}

// sync runs a cycle of an identity provider, which must leave nothing undone.
func sync1(t *testing.T, idp *scimtest.IdP, want scimtest.Directory) {
	t.Helper()
	report, err := idp.Sync(t.Context(), want)
	if err == nil {
		err = report.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// idp returns an identity provider for a connection at a server.
func (s *stage) idp(app scimtest.App, p *process, made setUp) *scimtest.IdP {
	return scimtest.New(app, scimtest.Config{
		BaseURL: p.listen + strings.TrimPrefix(made.BaseURL, "https://bridge.example.com"), Token: made.Token, Wait: soonWait,
	})
}

// soonWait waits a hundredth of what an identity provider would.
func soonWait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d / 100):
		return nil
	}
}

// people returns users with numbered names, and a group with all of them.
func people(prefix string, n int, group string) scimtest.Directory {
	var d scimtest.Directory
	g := scimtest.Group{ID: "g-" + group, Name: group}
	for i := range n {
		id := fmt.Sprintf("%s%02d", prefix, i)
		d.Users = append(d.Users, scimtest.User{
			ID: id, UserName: id, GivenName: "Given" + id, FamilyName: "Family" + id, DisplayName: "Name " + id, Email: id + "@example.com",
		})
		g.Members = append(g.Members, id)
	}
	d.Groups = []scimtest.Group{g}
	return d
}
