package bridge_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/examples/server/bridge"
	"github.com/scimcrowd/scimcrowd/scim"
)

// edit changes a document by hand.
func edit(t *testing.T, file string, change func(*backup.Config)) {
	t.Helper()
	c, err := bridge.ReadDocument(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	var document bytes.Buffer
	if err := backup.Write(&document, c); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, document.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) reload(t *testing.T, change func(*backup.Config)) {
	t.Helper()
	edit(t, r.file, change)
	if err := r.server.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("after twenty seconds still not so: %s", what)
}

// metric reports whether the server's metrics have a line.
func (r *rig) metric(line string) bool {
	answer, err := http.Get("http://" + r.server.AdminAddr() + "/metrics")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return strings.Contains(string(text), line+"\n")
}

// addEntra adds a connection with a Crowd of its own.
func addEntra(t *testing.T, file string) {
	t.Helper()
	edit(t, file, func(c *backup.Config) {
		_, token := scim.NewToken()
		c.Connections = append(c.Connections, backup.Connection{
			Name: "entra", Path: "/scim/entra/v2", Tokens: []scim.Token{token},
			Crowd: backup.Crowd{
				URL: "https://" + entraHost + "/crowd", Application: crowdtest.DefaultApplication,
				Password: backup.Password{Value: crowdtest.DefaultPassword},
			},
		})
	})
}

const entraHost = "entra.example.com"

// A slowPass holds the first call to the Crowd of okta that its first reconcile makes,
// and leads those of entra to another Crowd.
type slowPass struct {
	next    http.RoundTripper
	entra   crowdtest.Server
	calls   atomic.Int64
	held    chan struct{} // closed when the call is there
	release chan struct{}
	ended   chan error // has the end of the call's context, if that comes first
}

// RoundTrip implements [http.RoundTripper].
func (p *slowPass) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == entraHost {
		return p.entra.RoundTrip(r)
	}
	if p.calls.Add(1) == 2 { // the first is made before there is a server
		close(p.held)
		select {
		case <-p.release:
		case <-r.Context().Done():
			p.ended <- r.Context().Err()
			return nil, r.Context().Err()
		}
	}
	return p.next.RoundTrip(r)
}

// newSlowPass starts a server with two connections whose first pass is held.
func newSlowPass(t *testing.T) (*rig, *slowPass) {
	t.Helper()
	p := &slowPass{held: make(chan struct{}), release: make(chan struct{}), ended: make(chan error, 1)}
	r := newRig(t, func(c *bridge.Config) {
		addEntra(t, c.File)
		c.Reconcile = time.Hour
		c.Transport = func(next http.RoundTripper) http.RoundTripper { p.next = next; return p }
	})
	<-p.held
	return r, p
}

// A connection that is paused while another is reconciled is not reconciled after it.
func TestPauseDuringPass(t *testing.T) {
	r, p := newSlowPass(t)
	r.reload(t, func(c *backup.Config) { c.Connections[1].Paused = true })
	p.entra.ResetCalls()
	close(p.release)
	eventually(t, "okta is reconciled by this pass and by that of the new document", func() bool {
		return r.metric(`scimcrowd_reconciles_total{connection="okta",outcome="ok"} 2`)
	})
	if calls := p.entra.Calls(); len(calls) > 0 {
		t.Errorf("the connection is paused, and its Crowd was called: %v", calls)
	}
}

// A reconcile under way ends when its connection is paused or leaves the document.
func TestReloadEndsReconcile(t *testing.T) {
	for name, change := range map[string]func(*backup.Config){
		"paused": func(c *backup.Config) { c.Connections[0].Paused = true },
		"gone":   func(c *backup.Config) { c.Connections = c.Connections[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			r, p := newSlowPass(t)
			r.reload(t, change)
			select {
			case <-p.ended:
			case <-time.After(10 * time.Second):
				t.Error("the reconcile goes on")
				close(p.release)
			}
			eventually(t, "the other connection is reconciled by this pass and by that of the new document", func() bool {
				return r.metric(`scimcrowd_reconciles_total{connection="entra",outcome="ok"} 2`)
			})
		})
	}
}

// A certificate that is broken stays out, and keeps nothing else from being reloaded:
// a token that is revoked must end.
func TestBrokenCertificateBlocksNoRevocation(t *testing.T) {
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	host := httptest.NewTLSServer(nil)
	defer host.Close()
	pair := host.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(path, kind string, data []byte) {
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(cert, "CERTIFICATE", pair.Certificate[0])
	write(key, "PRIVATE KEY", der)
	r := newRig(t, func(c *bridge.Config) { c.Certificate, c.Key = cert, key })
	r.url, r.client = strings.Replace(r.url, "http:", "https:", 1), host.Client()
	if status, _ := r.call(t.Context(), http.MethodGet, "/Users?count=1", ""); status != http.StatusOK {
		t.Fatalf("the token is answered %d", status)
	}
	write(cert, "CERTIFICATE", []byte("broken"))
	edit(t, r.file, func(c *backup.Config) {
		_, other := scim.NewToken()
		c.Connections[0].Tokens = []scim.Token{other}
	})
	if err := r.server.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Reload: %v, want an error about the certificate", err)
	}
	r.client.CloseIdleConnections() // so that another handshake is made
	if status, _ := r.call(t.Context(), http.MethodGet, "/Users?count=1", ""); status != http.StatusUnauthorized {
		t.Errorf("the revoked token is answered %d, want 401", status)
	}
}

// A body that never comes holds nothing, also where no connection reads it.
func TestHalfSentRequestIsCut(t *testing.T) {
	r := newRig(t, func(c *bridge.Config) {
		c.AdminListen, c.ReadTimeout = "127.0.0.1:0", 200*time.Millisecond
	})
	for _, address := range []string{r.server.Addr(), r.server.AdminAddr()} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST /nowhere HTTP/1.1\r\nHost: bridge\r\nContent-Length: 10\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.ReadAll(c); err != nil {
			t.Errorf("the connection is still open: %v", err)
		}
	}
}
