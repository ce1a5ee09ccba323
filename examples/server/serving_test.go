package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// edit changes the configuration by hand.
func (s *stage) edit(change func(*backup.Config)) {
	s.t.Helper()
	c := s.document()
	change(c)
	s.write(s.config, c)
}

// A paused connection answers 503 and calls no Crowd, also not to reconcile; the other
// goes on. A configuration that is not valid changes nothing.
func TestPauseAndReload(t *testing.T) {
	s := newStage(t)
	p := s.serve("--reconcile", "1s")
	okta, entra := p.listen+"/scim/okta/v2/Users?count=1", p.listen+"/scim/entra/v2/Users?count=1"
	status := func(url string, made setUp) int {
		got, _ := get(t, url, "Authorization", "Bearer "+made.Token)
		return got
	}
	s.edit(func(c *backup.Config) { c.Connections[0].Paused = true })
	eventually(t, "okta is paused", func() bool { return status(okta, s.okta) == http.StatusServiceUnavailable })
	if got := status(entra, s.entra); got != http.StatusOK {
		t.Errorf("entra answers %d", got)
	}
	eventually(t, "what was under way has ended", func() bool {
		s.crowd.ResetCalls()
		time.Sleep(2500 * time.Millisecond) // two reconciles
		for _, c := range s.crowd.Calls() {
			if c.Application == "scim-okta" {
				return false
			}
		}
		return len(s.crowd.Calls()) > 0
	})
	if got, text := get(t, p.listen+"/readyz"); got != http.StatusOK {
		t.Errorf("readyz: %d %s", got, text)
	}

	s.edit(func(c *backup.Config) { c.Connections[0].Paused = false })
	eventually(t, "okta goes on", func() bool { return status(okta, s.okta) == http.StatusOK })

	if err := os.WriteFile(s.config, []byte(`{"format": "scimcrowd/v1", "connections": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the fault is told", func() bool { return strings.Contains(p.log.String(), "/connections: ") })
	if got := status(okta, s.okta); got != http.StatusOK {
		t.Errorf("okta answers %d under the configuration of before", got)
	}
	if _, text := get(t, p.admin+"/metrics"); !strings.Contains(text, "scimcrowd_config_last_reload_successful 0") {
		t.Error("the metrics do not tell that the configuration was refused")
	}
	p.end()
}

// The administrator's endpoints are at an address of their own where there is one.
func TestAdminListen(t *testing.T) {
	s := newStage(t)
	p := s.serve("--admin-listen", "127.0.0.1:0")
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if got, _ := get(t, p.admin+path); got != http.StatusOK {
			t.Errorf("%s at --admin-listen: %d", path, got)
		}
		if got, _ := get(t, p.listen+path); got != http.StatusNotFound {
			t.Errorf("%s at --listen: %d, want 404", path, got)
		}
	}
	s.crowd.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 500, Times: -1})
	eventually(t, "a Crowd that fails makes the server not ready", func() bool {
		got, _ := get(t, p.admin+"/readyz")
		return got == http.StatusServiceUnavailable
	})
	if got, _ := get(t, p.admin+"/healthz"); got != http.StatusOK {
		t.Errorf("healthz: %d", got)
	}
	s.crowd.ClearFaults()
	eventually(t, "and one that answers again makes it ready", func() bool {
		got, _ := get(t, p.admin+"/readyz")
		return got == http.StatusOK
	})
	p.end()
}

// A server that starts before its Crowd serves as soon as that is there.
func TestCrowdComesLater(t *testing.T) {
	s := newStage(t)
	s.crowd.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 503, Times: -1})
	p := s.serve()
	url := p.listen + "/scim/okta/v2/Users?count=1"
	if got, _ := get(t, url, "Authorization", "Bearer "+s.okta.Token); got != http.StatusServiceUnavailable {
		t.Errorf("without Crowd: %d, want 503", got)
	}
	s.crowd.ClearFaults()
	eventually(t, "it serves", func() bool {
		got, _ := get(t, url, "Authorization", "Bearer "+s.okta.Token)
		return got == http.StatusOK
	})
	if _, text := get(t, p.admin+"/metrics"); !strings.Contains(text, `scimcrowd_crowd_retries_total{connection="okta"}`) {
		t.Error("the metrics do not tell of repetitions")
	}
	p.end()
}

// lastLine returns what follows the log.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// A sealed password needs its passphrase; each that cannot be opened is a fault of the
// document.
func TestSealedPasswordsNeedTheirPassphrase(t *testing.T) {
	s := newStage(t)
	right, wrong := filepath.Join(s.folder, "right"), filepath.Join(s.folder, "wrong")
	if err := errors.Join(os.WriteFile(right, []byte("a passphrase that is right\n"), 0o600), os.WriteFile(wrong, []byte("a passphrase that is wrong\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	s.edit(func(c *backup.Config) { c.Connections = c.Connections[:1] }) // to open one takes a second
	sealed := filepath.Join(s.folder, "sealed.json")
	s.ok("export", "--out", sealed, "--secrets", "sealed", "--passphrase-file", right)
	s.config = sealed
	for _, command := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"check"}, {"groups"}, {"groups", "--passphrase-file", wrong}} {
		r := s.run(command...)
		if r.status != 1 || !strings.HasPrefix(lastLine(r.err), "/connections/0/crowd/password/sealed: ") {
			t.Errorf("%v: %+v", command, r)
		}
	}
}

// A directory with records of a connection that the configuration lacks is not served.
func TestStrangersKeepTheServerFromServing(t *testing.T) {
	s := newStage(t)
	p := s.serve()
	sync1(t, s.idp(scimtest.Okta, p, s.okta), people("olga", 1, "Engineering"))
	p.end()
	s.edit(func(c *backup.Config) { c.Connections[0].Name = "renamed" })
	for _, command := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"check"}} {
		if r := s.run(command...); r.status != 1 || !strings.Contains(r.err, "okta") {
			t.Errorf("%v: %+v, want it refused for okta's records", command, r)
		}
	}
	if r := s.run("serve", "--listen", "127.0.0.1:0"); !strings.HasPrefix(lastLine(r.err), "/connections/0/crowd/abandoned: ") {
		t.Errorf("serve says %s", r.err)
	}
	people, log := filepath.Join(s.folder, "people.jsonl"), filepath.Join(s.folder, "audit.jsonl")
	lines := `{"id":"1","userName":"bob","active":true}` + "\n" + `{"end":{"users":1,"groups":0}}` + "\n"
	if err := errors.Join(os.WriteFile(people, []byte(lines), 0o600), os.WriteFile(log, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"import", "--file", people},
		{"import", "--file", people, "--dry-run"},
		{"undo", "--log", log, "--request", "7QXW3K"},
	} {
		r := s.run(append(command, "--connection", "renamed")...)
		if r.status != 1 || !strings.HasPrefix(r.err, "/connections/0/crowd/abandoned: ") {
			t.Errorf("%v: %+v, want it refused for okta's records", command, r)
		}
	}
	if _, found := s.crowd.In("okta").User("bob"); found {
		t.Error("bob was imported")
	}
	s.edit(func(c *backup.Config) { c.Connections[0].Crowd.Abandoned = []string{"okta"} })
	s.serve().end()
}

// The certificate is read again when it changes.
func TestCertificateIsReloaded(t *testing.T) {
	s := newStage(t)
	cert, key := filepath.Join(s.folder, "tls.crt"), filepath.Join(s.folder, "tls.key")
	writeCertificate(t, cert, key, 1)
	p := s.serve("--tls-cert", cert, "--tls-key", key)
	serial := func() int64 {
		c, err := tls.Dial("tcp", strings.TrimPrefix(p.listen, "http://"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("serial number %d, want 1", got)
	}
	writeCertificate(t, cert, key, 2)
	eventually(t, "the new certificate is shown", func() bool { return serial() == 2 })
	if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the broken one is told of", func() bool { return strings.Contains(p.log.String(), "the certificate cannot be used") })
	if got := serial(); got != 2 {
		t.Errorf("serial number %d, want 2 still", got)
	}
	p.end()
}

func writeCertificate(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{key: {Type: "PRIVATE KEY", Bytes: der}, cert: {Type: "CERTIFICATE", Bytes: signed}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Behind a trusted proxy the client's address is that which the proxy tells; nobody
// else's word is taken.
func TestTrustedProxies(t *testing.T) {
	s := newStage(t)
	s.edit(func(c *backup.Config) { c.Connections[0].Access.Addresses = []string{"192.0.2.0/24"} })
	trusting, other := s.serve("--trusted-proxy", "127.0.0.0/8"), s.serve()
	for name, row := range map[string]struct {
		p      *process
		header string
		want   int
	}{
		"told by the proxy":              {trusting, "192.0.2.17", 200},
		"behind a second trusted proxy":  {trusting, "198.51.100.1, 192.0.2.17, 127.0.0.9", 200},
		"from elsewhere":                 {trusting, "198.51.100.1", 403},
		"the client's own word in front": {trusting, "192.0.2.17, 198.51.100.1", 403},
		"no proxy is trusted":            {other, "192.0.2.17", 403},
	} {
		got, text := get(t, row.p.listen+"/scim/okta/v2/Users?count=1", "Authorization", "Bearer "+s.okta.Token, "X-Forwarded-For", row.header)
		if got != row.want {
			t.Errorf("%s: %d %s, want %d", name, got, text, row.want)
		}
	}
	trusting.end()
	other.end()
}

// A server that is told to end answers the requests under way, and those that come
// until load balancers have noticed.
func TestEndLosesNoRequest(t *testing.T) {
	s := newStage(t)
	p := s.serve("--drain", "1s", "--reconcile", "0")
	base := p.listen + "/scim/okta/v2"
	s.crowd.SetOptions(func(o *crowdtest.Options) { o.Latency = 400 * time.Millisecond })
	answers := make(chan string, 8)
	for i := range cap(answers) {
		go func() {
			time.Sleep(time.Duration(i) * 150 * time.Millisecond) // before and during the drain
			status, text := post(t, base+"/Users", s.okta.Token, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"late%d","active":true}`, i))
			if status != http.StatusCreated {
				answers <- fmt.Sprintf("request %d: %d %s", i, status, text)
				return
			}
			answers <- ""
		}()
	}
	time.Sleep(200 * time.Millisecond)
	p.end()
	for range cap(answers) {
		if problem := <-answers; problem != "" {
			t.Error(problem)
		}
	}
}

// Each request has a line with its id, and nothing that was sent.
func TestLogHasRequestIDs(t *testing.T) {
	s := newStage(t)
	p := s.serve("--reconcile", "0")
	get(t, p.listen+"/scim/okta/v2/Users?filter=userName%20eq%20%22nobody.here%22", "Authorization", "Bearer "+s.okta.Token, "X-Request-Id", "req-42")
	s.edit(func(c *backup.Config) { c.Connections[0].Paused = true })
	eventually(t, "okta is paused", func() bool {
		status, _ := get(t, p.listen+"/scim/okta/v2/Users", "Authorization", "Bearer "+s.okta.Token)
		return status == http.StatusServiceUnavailable
	})
	p.end()
	found := false
	for line := range strings.Lines(p.log.String()) {
		var entry struct {
			Msg, Request, Connection, Operation string
			Status                              int
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("the log has %q: %v", line, err)
		}
		if entry.Msg == "request" && entry.Request == "" {
			t.Errorf("a request has no id: %s", line)
		}
		found = found || entry.Msg == "request" && entry.Request == "req-42" && entry.Connection == "okta" && entry.Operation == "users.list" && entry.Status == 200
	}
	if !found || strings.Contains(p.log.String(), "nobody.here") {
		t.Errorf("the log is\n%s", p.log)
	}
}
