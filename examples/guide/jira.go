package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/scimcrowd/scimcrowd/crowd"
)

const jiraHost = "jira.test"

// A jira stands in for Jira Data Center: one project with one component, and the
// resources that are read and changed where leads are handed over.
type jira struct {
	token crowd.Secret
	mux   *http.ServeMux

	mu                 sync.Mutex // guards what follows
	project, component string     // who leads them
	down               bool
}

const (
	projectID   = "10000"
	componentID = "10100"
)

func newJira() *jira {
	j := &jira{mux: http.NewServeMux()}
	const api = "/rest/api/2/"
	j.mux.HandleFunc("GET "+api+"mypermissions", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"permissions": map[string]any{"ADMINISTER": map[string]any{"havePermission": true}}})
	})
	j.mux.HandleFunc("GET "+api+"user", func(w http.ResponseWriter, r *http.Request) { answer(w, user(r.URL.Query().Get("username"))) })
	j.mux.HandleFunc("GET "+api+"user/assignable/search", func(w http.ResponseWriter, r *http.Request) {
		answer(w, []any{user(r.URL.Query().Get("username"))})
	})
	j.mux.HandleFunc("GET "+api+"project", func(w http.ResponseWriter, _ *http.Request) { answer(w, []any{j.projectNow()}) })
	j.mux.HandleFunc("GET "+api+"project/"+projectID, func(w http.ResponseWriter, _ *http.Request) { answer(w, j.projectNow()) })
	j.mux.HandleFunc("GET "+api+"project/"+projectID+"/components", func(w http.ResponseWriter, _ *http.Request) { answer(w, []any{j.componentNow()}) })
	j.mux.HandleFunc("GET "+api+"component/"+componentID, func(w http.ResponseWriter, _ *http.Request) { answer(w, j.componentNow()) })
	j.mux.HandleFunc("PUT "+api+"project/"+projectID, j.change(&j.project, "lead"))
	j.mux.HandleFunc("PUT "+api+"component/"+componentID, j.change(&j.component, "leadUserName"))
	return j
}

// RoundTrip answers those who have the token.
func (j *jira) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if j.isDown() {
		return nil, errors.New("no route to host")
	}
	if r.Header.Get("Authorization") != "Bearer "+j.token.Reveal() {
		w.WriteHeader(http.StatusUnauthorized)
	} else {
		j.mux.ServeHTTP(w, r)
	}
	response := w.Result()
	response.Request = r
	return response, nil
}

func (j *jira) isDown() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.down
}

func (j *jira) setDown(down bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.down = down
}

func (j *jira) leads() (project, component string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.project, j.component
}

func (j *jira) setLeads(name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.project, j.component = name, name
}

func (j *jira) projectNow() any {
	lead, _ := j.leads()
	return map[string]any{"id": projectID, "key": "WEB", "name": "Web shop", "lead": user(lead)}
}

func (j *jira) componentNow() any {
	_, lead := j.leads()
	return map[string]any{"id": componentID, "name": "Checkout", "project": "WEB", "lead": user(lead)}
}

func (j *jira) change(lead *string, field string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body[field] == "" {
			http.Error(w, `{"errorMessages": ["no lead"]}`, http.StatusBadRequest)
			return
		}
		j.mu.Lock()
		*lead = body[field]
		j.mu.Unlock()
		answer(w, map[string]any{})
	}
}

func user(name string) any {
	return map[string]any{"key": "JIRAUSER-" + name, "name": name, "displayName": name, "active": true}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // of a recorder, which takes everything
}
