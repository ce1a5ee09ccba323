package admin_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestNewRefuses(t *testing.T) {
	whole := admin.Config{BaseURL: "https://crowd.example.com/crowd", Administrator: "root", Password: "x"}
	for _, c := range []struct {
		change func(*admin.Config)
		want   string
	}{
		{func(c *admin.Config) { c.BaseURL = "" }, "crowd: BaseURL: it is missing"},
		{func(c *admin.Config) { c.Administrator = "" }, "admin: Administrator is missing"},
		{func(c *admin.Config) { c.Administrator = "a:b" }, "admin: Administrator holds a colon, which basic authentication cannot carry"},
		{func(c *admin.Config) { c.Password = "" }, "crowd: Password is missing"},
		{func(c *admin.Config) { c.Tries = -1 }, "crowd: MaxInFlight, Tries and Timeout must not be negative"},
	} {
		cfg := whole
		c.change(&cfg)
		if _, err := admin.New(cfg); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// TestCredentials takes an administrator's credentials and no others.
func TestCredentials(t *testing.T) {
	s := newSite(t)
	s.AddUser(crowd.User{Name: "ann", Active: true})
	s.SetPassword("ann", "ann's password")
	for _, c := range []struct {
		name     string
		password crowd.Secret
		kind     error
		want     string
	}{
		{"root", "wrong", crowd.ErrUnauthenticated, "administrator not authenticated (401): Client must be authenticated to access this resource."},
		{s.Application, s.Password, crowd.ErrUnauthenticated, "administrator not authenticated (401): Client must be authenticated to access this resource."},
		{"ann", "ann's password", crowd.ErrPermission, "not allowed to this administrator (403): Client must be authenticated as a system administrator to access this resource."},
	} {
		client := clientOf(t, admin.Config{BaseURL: s.URL, Administrator: c.name, Password: c.password})
		_, err := client.Server(t.Context())
		if !errors.Is(err, c.kind) || err.Error() != "crowd: read server information: "+c.want {
			t.Errorf("as %s: %v", c.name, err)
		}
	}
	s.SetOptions(func(o *crowdtest.Options) { o.AdminRefusesInHTML = true })
	client := clientOf(t, admin.Config{BaseURL: s.URL, Administrator: "ann", Password: "ann's password"})
	if _, err := client.Server(t.Context()); !errors.Is(err, crowd.ErrPermission) {
		t.Errorf("refused in HTML: %v", err)
	}
}

// TestSecretsStayHidden prints a client and its log.
func TestSecretsStayHidden(t *testing.T) {
	s := newSite(t)
	var log strings.Builder
	cfg := admin.Config{
		BaseURL: s.URL, Administrator: "root", Password: password,
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	client := clientOf(t, cfg)
	if _, err := client.Server(t.Context()); err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %+v %#v %s", client, client, client, cfg, cfg, &log)
	if strings.Contains(shown, password) || !strings.Contains(log.String(), "server-info") {
		t.Errorf("shown: %s", shown)
	}
}

func TestServer(t *testing.T) {
	s := newSite(t)
	got, err := s.client.Server(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &admin.Server{Version: crowdtest.DefaultVersion, BuildNumber: 1700, BuildDate: "2024-12-02", BaseURL: s.URL, Time: got.Time}
	if diff := cmp.Diff(want, got); diff != "" || got.Time == "" {
		t.Errorf("server mismatch (-want +got):\n%s", diff)
	}
	s.SetOptions(func(o *crowdtest.Options) { o.Version = "2.11.0" })
	if _, err := s.client.Server(t.Context()); !errors.Is(err, crowd.ErrUnsupported) {
		t.Errorf("before 3.0: %v", err)
	}
}

// TestRepetition repeats reads and writes that come to the same.
func TestRepetition(t *testing.T) {
	s := newSite(t)
	patient := clientOf(t, admin.Config{BaseURL: s.URL, Administrator: "root", Password: password})
	s.AddDirectory(crowdtest.Directory{Name: "Staff"})
	s.Fail(
		crowdtest.Fault{Method: "GET", Kind: crowdtest.AnswerHTML, Status: 503},
		crowdtest.Fault{Method: "POST", Resource: "admin/application/*", Kind: crowdtest.LoseResponse},
	)
	if _, err := patient.DirectoryNamed(t.Context(), "staff"); err != nil {
		t.Errorf("read: %v", err)
	}
	s.Fail(crowdtest.Fault{Resource: "admin/server-info", Kind: crowdtest.Answer, Status: 429, RetryAfter: crowdtest.Duration(time.Hour)})
	_, err := patient.Server(t.Context())
	if busy, ok := errors.AsType[*crowd.Error](err); !errors.Is(err, crowd.ErrBusy) || !ok || busy.RetryAfter != time.Hour {
		t.Errorf("limited: %v", err)
	}
	if _, err := patient.Map(t.Context(), 1, 32771); err != nil {
		t.Errorf("write: %v", err)
	}
}
