package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// asProgram makes the test binary the program itself.
const asProgram = "FAKECROWD_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A process is a running fakecrowd.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	line   string
	access access
	stdout *bufio.Reader
	stderr *bytes.Buffer
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, stderr: &bytes.Buffer{}}
	p.cmd = exec.CommandContext(t.Context(), os.Args[0], append([]string{"--listen", "127.0.0.1:0", "--json"}, args...)...)
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(out)
	line, err := p.stdout.ReadBytes('\n')
	if err != nil {
		t.Fatalf("no line on standard output: %v: %s", err, p.stderr)
	}
	p.line = string(line)
	if err := json.Unmarshal(line, &p.access); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return p
}

// client returns a client of the process that tries every call once.
func (p *process) client() *crowd.Client {
	p.t.Helper()
	c, err := crowd.New(crowd.Config{
		BaseURL: p.access.Crowd, Application: p.access.Application, Password: crowd.Secret(p.access.Password), Tries: 1,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// stop sends the signal and waits for the end.
func (p *process) stop(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	rest, err := io.ReadAll(p.stdout)
	if err != nil || len(rest) > 0 {
		p.t.Errorf("more on standard output: %q %v", rest, err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%v: %s", err, p.stderr)
	}
}

func TestProgram(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state.json")
	p := start(t, "--nested", "--version", "5.1.0", "--latency", "1ms", "--dump", state)
	want := access{
		Crowd: p.access.Crowd, Application: "scim", Password: "crowdtest-password", Admin: "admin", AdminPassword: "crowdtest-admin",
	}
	if diff := cmp.Diff(want, p.access); diff != "" || !strings.HasSuffix(p.access.Crowd, "/crowd") {
		t.Errorf("%s, access mismatch (-want +got):\n%s", p.access.Crowd, diff)
	}
	fill(t, p.client())
	p.stop(syscall.SIGTERM)

	again := filepath.Join(t.TempDir(), "again.json")
	p = start(t, "--load", state, "--dump", again)
	u, err := p.client().User(t.Context(), "ann")
	if err != nil || u.Email != "new@example.com" {
		t.Errorf("loaded user %+v, %v", u, err)
	}
	p.stop(os.Interrupt)
	if diff := cmp.Diff(readFile(t, state), readFile(t, again)); diff != "" {
		t.Errorf("dump of the loaded state mismatch (-want +got):\n%s", diff)
	}
}

func fill(t *testing.T, c *crowd.Client) {
	t.Helper()
	ctx := t.Context()
	u, err := c.CreateUser(ctx, crowd.User{Name: "ann", Email: "ann@example.com", Active: true}, "pass")
	if err != nil {
		t.Fatal(err)
	}
	u.Email = "new@example.com"
	_, child := c.CreateGroup(ctx, crowd.Group{Name: "child", Active: true})
	_, parent := c.CreateGroup(ctx, crowd.Group{Name: "parent", Active: true})
	_, nested := c.AddChildGroup(ctx, "parent", "child")
	_, member := c.AddMember(ctx, "child", "ann")
	if err := errors.Join(c.UpdateUser(ctx, *u), child, parent, nested, member); err != nil {
		t.Fatal(err)
	}
}

// TestLine reads the line as a program in another language would.
func TestLine(t *testing.T) {
	p := start(t)
	want := `{"crowd":"` + p.access.Crowd + `","application":"scim","password":"crowdtest-password","admin":"admin","admin_password":"crowdtest-admin"}` + "\n"
	if diff := cmp.Diff(want, p.line); diff != "" {
		t.Errorf("line mismatch (-want +got):\n%s", diff)
	}
	if strings.HasPrefix(p.access.Crowd, "http://127.0.0.1:0/") {
		t.Errorf("no port was taken: %s", p.access.Crowd)
	}
	p.stop(syscall.SIGTERM)
}

// TestListensEverywhere prints an address that a client can call.
func TestListensEverywhere(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0"} {
		p := start(t, "--listen", address)
		if !strings.HasPrefix(p.access.Crowd, "http://127.0.0.1:") {
			t.Errorf("listening on %s shows %s", address, p.access.Crowd)
		}
		if _, err := p.client().CookieConfig(t.Context()); err != nil {
			t.Error(err)
		}
		p.stop(syscall.SIGTERM)
	}
}

// TestVersionAndLatency looks at an answer in plain HTTP.
func TestVersionAndLatency(t *testing.T) {
	const latency = 30 * time.Millisecond
	p := start(t, "--version", "5.1.0", "--latency", latency.String())
	r, err := http.NewRequestWithContext(t.Context(), "GET", p.access.Crowd+"/rest/usermanagement/1/config/cookie", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(p.access.Application, p.access.Password)
	asked := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if took := time.Since(asked); took < latency {
		t.Errorf("answered after %v, want at least %v", took, latency)
	}
	if got := resp.Header.Get("X-Embedded-Crowd-Version"); got != "Crowd/5.1.0" {
		t.Errorf("version %q", got)
	}
	p.stop(syscall.SIGTERM)
}

func TestWithoutNested(t *testing.T) {
	p := start(t)
	c := p.client()
	for _, name := range []string{"parent", "child"} {
		if _, err := c.CreateGroup(t.Context(), crowd.Group{Name: name, Active: true}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.AddChildGroup(t.Context(), "parent", "child"); !errors.Is(err, crowd.ErrNestedGroups) {
		t.Errorf("error %v, want that it is not supported", err)
	}
	p.stop(syscall.SIGTERM)
}

// TestDumpAtTheEnd ends the program while a request is under way.
func TestDumpAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	faults, state := filepath.Join(dir, "faults.json"), filepath.Join(dir, "state.json")
	writeFile(t, faults, `[{"method":"POST","resource":"group","kind":"delay-response","delay":"200ms"}]`)
	p := start(t, "--faults", faults, "--dump", state)
	c := p.client()
	created := make(chan error, 1)
	go func() {
		_, err := c.CreateGroup(t.Context(), crowd.Group{Name: "devs", Active: true})
		created <- err
	}()
	for {
		if _, err := c.Group(t.Context(), "devs"); err == nil {
			break // made, and not answered yet
		} else if !errors.Is(err, crowd.ErrGroupNotFound) {
			t.Fatal(err)
		}
	}
	p.stop(syscall.SIGTERM)
	if err := <-created; err != nil {
		t.Errorf("the request under way: %v", err)
	}
	if !strings.Contains(readFile(t, state), `"name": "devs"`) {
		t.Error("the group is not in the dump")
	}
}

func TestConform(t *testing.T) {
	p := start(t, "--nested", "--no-email-change")
	crowdtest.Conform(t, crowdtest.Target{
		BaseURL: p.access.Crowd, Application: p.access.Application, Password: crowd.Secret(p.access.Password),
	})
	p.stop(syscall.SIGTERM)
}

func TestNoEmailChange(t *testing.T) {
	for _, version := range []string{"2.8", "6.3.0"} {
		noEmailChange(t, version)
	}
}

func noEmailChange(t *testing.T, version string) {
	t.Helper()
	p := start(t, "--no-email-change", "--version", version)
	c := p.client()
	if _, err := c.CreateUser(t.Context(), crowd.User{Name: "ann", Email: "a@example.com"}, "pass"); err != nil {
		t.Fatal(err)
	}
	err := c.UpdateUser(t.Context(), crowd.User{Name: "ann", Email: "b@example.com"})
	if !errors.Is(err, crowd.ErrPermission) {
		t.Errorf("error %v, want that the change is not permitted", err)
	}
	p.stop(syscall.SIGTERM)
}

func TestFaults(t *testing.T) {
	faults := filepath.Join(t.TempDir(), "faults.json")
	writeFile(t, faults, `[{"method":"GET","resource":"user","nth":2,"kind":"answer","status":500}]`)
	p := start(t, "--faults", faults)
	c := p.client()
	_, first := c.User(t.Context(), "nobody")
	_, second := c.User(t.Context(), "nobody")
	if !errors.Is(first, crowd.ErrUserNotFound) || !errors.Is(second, crowd.ErrUnavailable) {
		t.Errorf("errors %v and %v, want not found and unavailable", first, second)
	}
	p.stop(syscall.SIGTERM)
}

func TestRefusedFlags(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.json")
	writeFile(t, bad, `{"users":1}`)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"argument":  {[]string{"extra"}, `unexpected argument "extra"`},
		"flag":      {[]string{"--colour"}, "flag provided but not defined"},
		"latency":   {[]string{"--latency", "-1s"}, "must not be negative"},
		"version":   {[]string{"--version", "latest"}, `--version "latest" is not of the form 6.3.0`},
		"no file":   {[]string{"--load", filepath.Join(dir, "none.json")}, "no such file"},
		"bad state": {[]string{"--load", bad}, "bad.json: crowdtest: load:"},
		"bad fault": {[]string{"--faults", bad}, "bad.json: crowdtest: read faults: json:"},
		"address":   {[]string{"--listen", "127.0.0.1:99999"}, "invalid port"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), c.args, &out, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) || out.Len() > 0 {
			t.Errorf("%s: error %v, output %q; want %q and none", name, err, &out, c.want)
		}
	}
	if err := run(t.Context(), []string{"--help"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("help: %v", err)
	}
}

func TestForPeople(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	err := run(ctx, []string{"--listen", "127.0.0.1:0", "--dump", filepath.Join(t.TempDir(), "none", "x.json")}, &out, io.Discard)
	if err == nil {
		t.Error("a dump that cannot be written has no error")
	}
	if got := out.String(); !strings.HasPrefix(got, "Crowd at http://127.0.0.1:") || !strings.Contains(got, "application scim, password ") {
		t.Errorf("output %q", got)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
