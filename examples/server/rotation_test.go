package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// Clients go on while their token is replaced: none of their requests fails, before,
// during and after the overlap, which a revocation ends, and then the old token is refused.
func TestRotationUnderLoad(t *testing.T) {
	s := newStage(t)
	p := s.serve("--audit", filepath.Join(s.folder, "audit.jsonl")) // changes all the time, beside the configuration
	base := p.listen + "/scim/okta/v2"
	var token atomic.Value
	token.Store(s.okta.Token)
	var clients sync.WaitGroup
	var stop atomic.Bool
	var sent atomic.Int64
	var used [8]atomic.Value // the token of each client's last request
	for i := range used {
		clients.Go(func() {
			for n := 0; !stop.Load(); n++ {
				body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"load-%d-%d","active":true}`, i, n)
				mine := token.Load().(string)
				if status, text := post(t, base+"/Users", mine, body); status != http.StatusCreated {
					t.Errorf("client %d: %d %s", i, status, text)
					return
				}
				used[i].Store(mine)
				sent.Add(1)
			}
		})
	}
	more := func(what string) {
		before := sent.Load()
		eventually(t, what, func() bool { return sent.Load() > before+20 || t.Failed() })
	}
	more("requests before the rotation")
	var made issued
	s.decode(&made, "token", "rotate", "--connection", "okta", "--overlap", "1h")
	if len(made.Ending) != 1 {
		t.Errorf("rotate: %+v", made)
	}
	more("requests with the old token within the overlap")
	eventually(t, "the new token is accepted", func() bool { return s.accepts(base, made.Token) })
	token.Store(made.Token)
	eventually(t, "all clients have the new token", func() bool {
		for i := range used {
			if used[i].Load() != made.Token && !t.Failed() {
				return false
			}
		}
		return true
	})
	for id := range made.Ending {
		s.ok("token", "revoke", "--connection", "okta", "--id", id)
	}
	eventually(t, "the old token has ended", func() bool { return !s.accepts(base, s.okta.Token) })
	more("requests after the old token has ended")
	stop.Store(true)
	clients.Wait()
	p.end()
}

// accepts reports whether a server accepts a token.
func (s *stage) accepts(base, token string) bool {
	status, _ := get(s.t, base+"/Users?count=1", "Authorization", "Bearer "+token)
	return status == http.StatusOK
}

// post sends a SCIM resource. A request that gets no answer has status 0.
func post(t *testing.T, url, token, body string) (status int, text string) {
	t.Helper()
	return request(t, http.MethodPost, url, token, body)
}

// answerTo sends a request.
func answerTo(r *http.Request) (status int, text string) {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	data, _ := io.ReadAll(answer.Body)
	return answer.StatusCode, string(data)
}
