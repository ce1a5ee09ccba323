package backup_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
)

func TestPausedConnectionCallsNoCrowd(t *testing.T) {
	t.Parallel()
	fake := &crowdtest.Server{}
	secret, token := scim.NewToken()
	connection := backup.Connection{
		Name: "okta", Path: "/scim/v2", Tokens: []scim.Token{token},
		Crowd: backup.Crowd{URL: "http://crowd.example.com/crowd", Application: "scim", Password: backup.Password{Value: crowdtest.DefaultPassword}},
	}
	for _, paused := range []bool{true, false} {
		connection.Paused = paused
		running, err := backup.Build(t.Context(), connection, backup.BuildOptions{
			BaseURL: "https://bridge.example.com", HTTPClient: &http.Client{Transport: fake},
		})
		if err != nil {
			t.Fatal(err)
		}
		fake.ResetCalls()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/scim/v2/Users?count=1", nil)
		r.Header.Set("Authorization", "Bearer "+secret.Reveal())
		w := httptest.NewRecorder()
		running.Handler.ServeHTTP(w, r)
		if running.Paused != paused || (w.Code == http.StatusServiceUnavailable) != paused || (len(fake.Calls()) == 0) != paused {
			t.Errorf("paused %v: told %v, answered %d, called Crowd %d times", paused, running.Paused, w.Code, len(fake.Calls()))
		}
		var answer struct{ Status string }
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Errorf("paused %v: %v", paused, err)
		}
		if paused && (answer.Status != "503" || w.Header().Get("Retry-After") == "") {
			t.Errorf("answered %+v with Retry-After %q", answer, w.Header().Get("Retry-After"))
		}
	}
}
