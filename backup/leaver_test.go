package backup_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads/jiratest"
	"github.com/scimcrowd/scimcrowd/scim/webhook"
)

const hookSecret = crowd.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

// A personnel office takes webhooks, and is on the way to Jira.
type personnel struct {
	jira   *jiratest.Server
	events []string
}

func (p *personnel) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "hr.example.com" {
		return p.jira.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	event, err := webhook.Receiver{Secrets: []crowd.Secret{hookSecret}}.Event(r)
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
	}
	p.events = append(p.events, event.Type+" "+event.Data.UserName)
	return w.Result(), nil
}

func people(product jiraleads.Product) *personnel {
	p := &personnel{jira: jiratest.New(product)}
	for _, name := range []string{"ann", "bob", "cat"} {
		p.jira.AddUser(jiratest.User{Name: name, Email: name + "@example.com"})
	}
	p.jira.AddProject("WEB", "ann")
	p.jira.AddComponent("WEB", "Search", "ann")
	return p
}

// leavingSite builds a connection whose leavers are handed over to those of settings.
func leavingSite(t *testing.T, p *personnel, settings string, hooks ...groupsync.Hook) *site {
	t.Helper()
	secret, token := scim.NewToken()
	c := mustRead(t, document(connection("okta", settings))).Connections[0]
	c.Tokens, c.Crowd.Application = []scim.Token{token}, crowdtest.DefaultApplication
	s := &site{crowd: &crowdtest.Server{}, token: secret.Reveal()}
	o := s.options()
	o.HookClient, o.Hooks = &http.Client{Transport: p}, hooks
	o.Resolve = resolver(map[string]crowd.Secret{
		"CROWD_PASSWORD": crowdtest.DefaultPassword, "JIRA_TOKEN": jiratest.AdminToken, "/run/secrets/hook": hookSecret,
	})
	var err error
	if s.running, err = backup.Build(t.Context(), c, o); err != nil {
		t.Fatal(err)
	}
	return s
}

const leaveSettings = `"webhook": {"url": "https://hr.example.com/leavers", "secret": {"file": "/run/secrets/hook"}}`

var jiraSettings = map[jiraleads.Product]string{
	jiraleads.DataCenter: `, "jira": {"url": "https://jira.example.com", "token": {"env": "JIRA_TOKEN"}}, "users": {"leads": {"project": "bob", "component": "cat"}%s}, `,
	jiraleads.Cloud: `, "jira": {"url": "https://example.atlassian.net", "type": "cloud", "user": "admin@example.com", "token": {"env": "JIRA_TOKEN"}},
		"users": {"leads": {"project": "bob@example.com", "component": "5b10-cat"}%s}, `,
}

// pushed creates ann and returns the path of her resource.
func (s *site) pushed(t *testing.T) string {
	t.Helper()
	w := s.post("/scim/okta/Users", ann)
	var u struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &u); err != nil || w.Code != http.StatusCreated {
		t.Fatalf("POST = %d %s", w.Code, w.Body)
	}
	return "/scim/okta/Users/" + u.ID
}

const deactivation = `{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "replace", "path": "active", "value": false}]}`

// TestDocumentSeesLeaversOff holds that what the document says of leavers is done: in
// either Jira, by webhook and by the embedder's own hooks.
func TestDocumentSeesLeaversOff(t *testing.T) {
	for product, settings := range jiraSettings {
		for _, method := range []string{http.MethodPatch, http.MethodDelete} {
			t.Run(string(product)+"/"+method, func(t *testing.T) {
				p, own := people(product), &ownHook{}
				s := leavingSite(t, p, fmt.Sprintf(settings, "")+leaveSettings, own)
				path, body, want := s.pushed(t), deactivation, "user.deactivated ann"
				if method == http.MethodDelete {
					body, want = "", "user.deleted ann"
				}
				if w := s.send(method, path, body); w.Code != http.StatusOK && w.Code != http.StatusNoContent {
					t.Fatalf("%s = %d %s", method, w.Code, w.Body)
				}
				if diff := cmp.Diff([]string{"WEB bob", "WEB/Search cat"}, p.jira.Leads()); diff != "" {
					t.Errorf("leads mismatch (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{want}, p.events); diff != "" {
					t.Errorf("webhooks mismatch (-want +got):\n%s", diff)
				}
				if own.left != "okta ann" {
					t.Errorf("the embedder's hook saw %q leave", own.left)
				}
				if u, _ := s.crowd.User("ann"); u.Active {
					t.Error("the leaver is in")
				}
			})
		}
	}
}

// An ownHook is a hook of the embedder.
type ownHook struct{ left string }

func (*ownHook) Name() string { return "own" }

func (*ownHook) Plan(context.Context, groupsync.Leaver) ([]groupsync.HookStep, error) {
	return []groupsync.HookStep{{Object: "desk"}}, nil
}

func (h *ownHook) Do(_ context.Context, l groupsync.Leaver, _ groupsync.HookStep) error {
	h.left = l.Connection + " " + l.Name
	return nil
}

// TestHandOverSettings holds that a hand-over that fails keeps nobody in, and that the
// identity provider is asked to repeat the request only where the settings say so.
func TestHandOverSettings(t *testing.T) {
	for required, want := range map[string]int{"": http.StatusOK, `, "handOver": {"required": true, "seconds": 5}`: http.StatusServiceUnavailable} {
		p := people(jiraleads.DataCenter)
		s := leavingSite(t, p, fmt.Sprintf(jiraSettings[jiraleads.DataCenter], required)+leaveSettings)
		path := s.pushed(t)
		p.jira.Fail(jiratest.Fault{Status: http.StatusUnauthorized, Times: 99})
		w := s.send(http.MethodPatch, path, deactivation)
		if w.Code != want || want == http.StatusServiceUnavailable && (w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `the user is locked out, but the hook \"jira-leads\" failed`)) {
			t.Errorf("with %q: PATCH = %d %v %s, want %d", required, w.Code, w.Header(), w.Body, want)
		}
		if u, _ := s.crowd.User("ann"); u.Active {
			t.Errorf("with %q: the leaver is in", required)
		}
		p.jira.ClearFaults()
		if w := s.send(http.MethodPatch, path, deactivation); w.Code != http.StatusOK {
			t.Errorf("with %q: PATCH again = %d %s", required, w.Code, w.Body)
		}
		if diff := cmp.Diff([]string{"WEB bob", "WEB/Search cat"}, p.jira.Leads()); diff != "" {
			t.Errorf("with %q: leads mismatch (-want +got):\n%s", required, diff)
		}
		if len(p.events) != 1 {
			t.Errorf("with %q: webhooks %v, want one", required, p.events)
		}
	}
}

func TestBuildNeedsTheSecretsOfHooks(t *testing.T) {
	settings := fmt.Sprintf(jiraSettings[jiraleads.DataCenter], "") + leaveSettings
	for want, secrets := range map[string]map[string]crowd.Secret{
		"backup: connection okta: token of Jira: environment variable JIRA_TOKEN is not there": {},
		"backup: connection okta: secret of the webhook: file /run/secrets/hook is not there":  {"JIRA_TOKEN": "x"},
		`backup: connection okta: webhook: Config: a secret must begin with "whsec_". NewSecret makes one`: {
			"JIRA_TOKEN": "x", "/run/secrets/hook": "PLANTED",
		},
	} {
		secrets["CROWD_PASSWORD"] = "x"
		_, err := backup.Build(t.Context(), mustRead(t, document(connection("okta", settings))).Connections[0], backup.BuildOptions{
			BaseURL: "https://bridge.example.com", Resolve: resolver(secrets), Now: time.Now,
		})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestReviewAsksJira holds that a review tells what will keep leads from being handed
// over, each at its setting.
func TestReviewAsksJira(t *testing.T) {
	for name, tt := range map[string]struct {
		product jiraleads.Product
		setup   func(*personnel)
		want    []string
	}{
		"all is well": {jiraleads.Cloud, func(*personnel) {}, nil},
		"lead":        {jiraleads.Cloud, func(p *personnel) { p.jira.AddUser(jiratest.User{Name: "cat", Inactive: true}) }, []string{"false /connections/0/users/leads/component: "}},
		"permission":  {jiraleads.DataCenter, func(p *personnel) { p.jira.Demote() }, []string{"true /connections/0/users/leads/component: Crowd has no user ", "false /connections/0/jira/token: the account does not administer Jira. "}},
		"down":        {jiraleads.Cloud, func(p *personnel) { p.jira.Fail(jiratest.Fault{Status: 404, Times: 9}) }, []string{"false /connections/0/jira/url: "}},
	} {
		t.Run(name, func(t *testing.T) {
			p := people(tt.product)
			tt.setup(p)
			s := &site{crowd: &crowdtest.Server{}}
			s.crowd.AddUser(crowd.User{Name: "bob", Active: true})
			o := s.options()
			o.HookClient = &http.Client{Transport: p}
			o.Resolve = resolver(map[string]crowd.Secret{
				"CROWD_PASSWORD": crowdtest.DefaultPassword, "JIRA_TOKEN": jiratest.AdminToken, "/run/secrets/hook": hookSecret,
			})
			before := p.jira.Leads()
			r, err := backup.ReviewChange(t.Context(), nil, configured(t, fmt.Sprintf(jiraSettings[tt.product], "")+leaveSettings), backup.ReviewOptions{Build: o})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, line := range all(r) {
				if strings.Contains(line, "/leads/") || strings.Contains(line, "/jira/") {
					got = append(got, line)
				}
			}
			if len(got) != len(tt.want) {
				t.Fatalf("the review says %q, want %q", got, tt.want)
			}
			for i, line := range got {
				if !strings.HasPrefix(line, tt.want[i]) {
					t.Errorf("the review says %q, want %q", line, tt.want[i])
				}
			}
			if diff := cmp.Diff(before, p.jira.Leads()); diff != "" || len(p.events) > 0 {
				t.Errorf("the review has changed something (-before +after):\n%s%v", diff, p.events)
			}
		})
	}
}
