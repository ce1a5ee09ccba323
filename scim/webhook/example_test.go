package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/webhook"
)

// The receiver's side: a handler that takes only what was signed, and each event once.
func Example() {
	secret := webhook.NewSecret() // both sides have it
	receiver := webhook.Receiver{Secrets: []crowd.Secret{secret}}
	seen := map[string]bool{}
	hr := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event, err := receiver.Event(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		if !seen[event.ID] {
			seen[event.ID] = true
			fmt.Println(event.Type, event.Data.UserName)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer hr.Close()

	hook, err := webhook.New(webhook.Config{URL: hr.URL, Secrets: []crowd.Secret{secret}})
	if err != nil {
		fmt.Println(err)
		return
	}
	// An engine that has the hook among its groupsync.Config.Hooks does this:
	ann := groupsync.Leaver{Connection: "okta", ID: "1.ann", Name: "ann", At: time.Unix(1e9, 0)}
	for range 2 {
		steps, err := hook.Plan(context.Background(), ann)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("sent:", hook.Do(context.Background(), ann, steps[0]))
	}
	// Output:
	// user.deactivated ann
	// sent: <nil>
	// sent: <nil>
}
