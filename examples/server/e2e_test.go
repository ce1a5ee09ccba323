package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// An administrator sets Okta and Entra up side by side on one server, and both
// provision.
func TestTwoIdentityProviders(t *testing.T) {
	s := newStage(t)
	if s.okta.BaseURL != "https://bridge.example.com/scim/okta/v2" || !strings.HasPrefix(s.okta.Token, "scimcrowd_") {
		t.Errorf("init printed %q and a token that begins with %.10q", s.okta.BaseURL, s.okta.Token)
	}
	var verdicts []verdict
	s.decode(&verdicts, "check")
	if len(verdicts) != 2 || !verdicts[0].OK || !verdicts[1].OK {
		t.Fatalf("check says %+v", verdicts)
	}
	p := s.serve()
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if status, text := get(t, p.listen+path); status != 200 {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	sync1(t, s.idp(scimtest.Okta, p, s.okta), people("olga", 3, "Engineering"))
	sync1(t, s.idp(scimtest.Entra, p, s.entra), people("emil", 2, "Finance"))
	for provider, want := range map[string][]string{"okta": {"olga00", "olga01", "olga02"}, "entra": {"emil00", "emil01"}} {
		group := map[string]string{"okta": "Engineering", "entra": "Finance"}[provider]
		if got := s.crowd.In(provider).Members(group); !slices.Equal(got, want) {
			t.Errorf("%s: %s has %v, want %v", provider, group, got, want)
		}
	}
	_, metrics := get(t, p.listen+"/metrics")
	for _, want := range []string{
		`scimcrowd_requests_total{connection="okta",operation="users.create",status="201"} 3`,
		`scimcrowd_requests_total{connection="entra",operation="groups.create",status="201"} 1`,
		`scimcrowd_crowd_calls_total{connection="okta",method="POST",resource="user",status="201"} 3`,
		`scimcrowd_token_expiry_timestamp_seconds{connection="entra",token=`, `scimcrowd_paused{connection="okta"} 0`,
		`scimcrowd_plan_steps_count{connection="okta",kind="request"}`, `go_goroutines`, `process_open_fds`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	out := filepath.Join(s.folder, "export.json")
	s.ok("export", "--out", out)
	exported, err := os.ReadFile(out)
	if err != nil || !json.Valid(exported) {
		t.Fatalf("exported %s: %v", exported, err)
	}
	for what, secret := range s.secrets {
		if strings.Contains(string(exported), secret) {
			t.Errorf("the export holds %s", what)
		}
	}
	p.end()
}
