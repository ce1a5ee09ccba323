//go:build crowd

package crowdtest_test

import (
	"os"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// TestConformCrowd holds the Crowd at CROWD_URL against the behaviour list.
func TestConformCrowd(t *testing.T) {
	setting := func(name string) string {
		value := os.Getenv(name)
		if value == "" {
			t.Fatalf("%s is not set", name)
		}
		return value
	}
	crowdtest.Conform(t, crowdtest.Target{
		BaseURL:     setting("CROWD_URL"),
		Application: setting("CROWD_APPLICATION"),
		Password:    crowd.Secret(setting("CROWD_PASSWORD")),
	})
}
