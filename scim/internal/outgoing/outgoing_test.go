package outgoing_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/scim/internal/outgoing"
)

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
		for text, want := range map[string]time.Duration{
			"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-1": 0, "soon": 0, "1.5": 0,
			"86401": 24 * time.Hour, "9223372036854775807": 24 * time.Hour,
			in(time.Minute): time.Minute, in(-time.Minute): 0, in(48 * time.Hour): 24 * time.Hour,
		} {
			if got := outgoing.RetryAfter(http.Header{"Retry-After": {text}}); got != want {
				t.Errorf("%q: %v, want %v", text, got, want)
			}
		}
	})
}
