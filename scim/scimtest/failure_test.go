package scimtest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// refuse answers all requests of a method, any if it is empty, with a status.
func refuse(method string, status int, retryAfter string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if method != "" && r.Method != method {
			return nil
		}
		body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"` + http.StatusText(status) + `","detail":"not now"}`
		a := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		if retryAfter != "" {
			a.Header.Set("Retry-After", retryAfter)
		}
		return a
	}
}

// Each app waits out a 429 in its own way.
func TestTooManyRequests(t *testing.T) {
	minutes := func(list ...int) []time.Duration {
		var waits []time.Duration
		for _, m := range list {
			waits = append(waits, time.Duration(m)*time.Minute)
		}
		return waits
	}
	for name, test := range map[string]struct {
		app        scimtest.App
		retryAfter string
		want       []time.Duration
	}{
		"Okta obeys whole seconds":          {scimtest.Okta, "7", slices.Repeat([]time.Duration{7 * time.Second}, 9)},
		"Okta overlooks a date":             {scimtest.Okta, "Fri, 31 Dec 1999 23:59:59 GMT", minutes(5, 10, 20, 40, 80, 160, 320, 640, 1280)},
		"Okta overlooks a fraction":         {scimtest.Okta, "1.5", minutes(5, 10, 20, 40, 80, 160, 320, 640, 1280)},
		"Okta doubles five minutes":         {scimtest.Okta, "", minutes(5, 10, 20, 40, 80, 160, 320, 640, 1280)},
		"Entra leaves it to a later cycle":  {scimtest.Entra, "7", nil},
		"OneLogin tries three times":        {scimtest.OneLogin, "3", []time.Duration{3 * time.Second, 3 * time.Second}},
		"JumpCloud waits without a request": {scimtest.JumpCloud, "", []time.Duration{time.Second, 2 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBridge(t, newCrowd(), "test", scim.Generic)
			b.answer = refuse("POST", 429, test.retryAfter)
			var waits []time.Duration
			idp := b.idp(test.app, func(c *scimtest.Config) {
				c.Wait = func(_ context.Context, d time.Duration) error {
					waits = append(waits, d)
					return nil
				}
			})
			report, err := idp.Sync(t.Context(), scimtest.Directory{Users: []scimtest.User{person("ann", "Ann", "Ash")}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, waits); diff != "" {
				t.Errorf("waits mismatch (-want +got):\n%s", diff)
			}
			if len(report.Failures) != 1 || report.Failures[0].Status != 429 || report.Failures[0].Detail != "not now" {
				t.Errorf("failures are %v", report.Failures)
			}
		})
	}
}

// Without Config.Wait the time passes; once the server relents all is well.
func TestWaitReally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBridge(t, newCrowd(), "test", scim.Okta)
		begun := time.Now()
		b.answer = func(r *http.Request) *http.Response {
			if time.Since(begun) < time.Minute {
				return refuse("", 429, "20")(r)
			}
			return nil
		}
		b.sync(b.idp(scimtest.Okta), scimtest.Directory{Users: []scimtest.User{person("ann", "Ann", "Ash")}})
		if passed := time.Since(begun); passed != time.Minute {
			t.Errorf("it waited %v", passed)
		}
		b.answer = refuse("", 429, "20")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.idp(scimtest.Okta).Sync(ctx, scimtest.Directory{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sync past its context = %v", err)
		}
	})
}

// What an app does about a user that the server has lost: most look it up and
// create it again, Okta and OneLogin leave it to the administrator.
func TestLostUser(t *testing.T) {
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		b := newBridge(t, newCrowd(), "test", provider)
		idp := b.idp(app)
		ann := person("ann", "Ann", "Ash")
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann}})
		b.crowd.Reset()
		ann.Title = "Editor"
		report, err := idp.Sync(t.Context(), scimtest.Directory{Users: []scimtest.User{ann}})
		if err != nil {
			t.Fatal(err)
		}
		switch app {
		case scimtest.Okta, scimtest.OktaWizard, scimtest.OneLogin:
			if len(report.Failures) != 1 || report.Failures[0].Status != 404 || len(b.crowd.UserNames()) != 0 {
				t.Errorf("with no user on the server:\n%v", report)
			}
			want := []scimtest.Difference{{Object: "user " + ann.UserName, Attribute: "exists", Want: "yes", Got: "no"}}
			if diff := cmp.Diff(want, report.Differences); diff != "" {
				t.Errorf("differences mismatch (-want +got):\n%s", diff)
			}
		default:
			if err := report.Err(); err != nil {
				t.Error(err)
			}
			b.wantAccounts(accountOf(ann, true))
		}
	})
}

// A conflict is a failure at first; the next cycle looks the user up and takes
// it over. Nobody links on a 409.
func TestConflict(t *testing.T) {
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		b := newBridge(t, newCrowd(), "test", provider)
		idp, ann := b.idp(app), person("ann", "Ann", "Ash")
		b.sync(idp, scimtest.Directory{}) // the connection test is over
		b.answer = refuse("POST", 409, "")
		report, err := idp.Sync(t.Context(), scimtest.Directory{Users: []scimtest.User{ann}})
		if err != nil || len(report.Failures) != 1 || report.Failures[0].Status != 409 {
			t.Fatalf("%v\n%v", err, report)
		}
		b.answer = nil
		b.sync(b.idp(scimtest.EntraFlag), scimtest.Directory{Users: []scimtest.User{ann}}) // somebody else makes it
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann}})
		b.wantAccounts(accountOf(ann, true))
	})
}

// A job of Entra most of which fails is quarantined, slows down, and is disabled
// in the end; each object waits longer from failure to failure. One good cycle
// ends the quarantine.
func TestQuarantine(t *testing.T) {
	b := newBridge(t, newCrowd(), "test", scim.Entra)
	idp := b.idp(scimtest.Entra)
	want := scimtest.Directory{Users: []scimtest.User{person("ann", "Ann", "Ash"), person("bob", "Bob", "Birch")}}
	if report := b.sync(idp, scimtest.Directory{}); report.Quarantined || report.Next != 40*time.Minute {
		t.Fatalf("before all failures: %v %v", report.Quarantined, report.Next)
	}
	b.answer = refuse("POST", 500, "")
	var tries []int
	for cycle := range 9 {
		report, err := idp.Sync(t.Context(), want)
		if err != nil || !report.Quarantined || report.Next != 24*time.Hour {
			t.Fatalf("cycle %d: %v %v %v", cycle, err, report.Quarantined, report.Next)
		}
		if len(report.Failures) > 0 {
			tries = append(tries, cycle)
		} else if report.Waiting != 2 {
			t.Errorf("cycle %d: %d objects wait", cycle, report.Waiting)
		}
	}
	if diff := cmp.Diff([]int{0, 1, 3, 7}, tries); diff != "" {
		t.Errorf("cycles with tries (-want +got):\n%s", diff)
	}
	b.answer = nil
	for range 7 {
		if report, err := idp.Sync(t.Context(), want); err != nil || report.Err() == nil {
			break
		}
	}
	if report := b.sync(idp, want); report.Quarantined || report.Next != 40*time.Minute {
		t.Errorf("after a good cycle: %v %v", report.Quarantined, report.Next)
	}
	b.answer = refuse("PATCH", 500, "")
	want.Users[0].Title, want.Users[1].Title = "Editor", "Editor"
	var err error
	cycles := 0
	for ; err == nil && cycles < 100; cycles++ {
		_, err = idp.Sync(t.Context(), want)
	}
	if !errors.Is(err, scimtest.ErrDisabled) || cycles != 29 {
		t.Errorf("after %d cycles: %v", cycles, err)
	}
}

// A connection test that fails ends the cycle, and the next one tries again.
func TestTestConnection(t *testing.T) {
	for _, app := range scimtest.Apps() {
		t.Run(string(app), func(t *testing.T) {
			b := newBridge(t, newCrowd(), "test", scim.Generic)
			wrong := b.idp(app, func(c *scimtest.Config) { c.Token = "wrong" })
			report, err := wrong.Sync(t.Context(), scimtest.Directory{Users: []scimtest.User{person("ann", "Ann", "Ash")}})
			if err != nil || len(report.Failures) != 1 || report.Failures[0].Status != 401 || len(report.Steps) != 1 {
				t.Errorf("with a wrong token: %v\n%v", err, report)
			}
			report, err = b.idp(app).TestConnection(t.Context())
			if err != nil || report.Err() != nil || len(report.Steps) == 0 {
				t.Errorf("%v\n%v", err, report)
			}
		})
	}
}
