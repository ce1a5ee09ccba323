package crowd_test

import (
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// TestNamesThatFoldAlike holds which names Crowd takes for one, in the client, in
// mapping and in the fake.
func TestNamesThatFoldAlike(t *testing.T) {
	for _, tt := range []struct {
		x, y string
		same bool
	}{
		{"Ann", "aNN", true},
		{"ÄRGER", "ärger", true},
		{"ΣΟΦΟΣ", "σοφοσ", true},
		{"İpek", "ipek", false},
		{"ıpek", "ipek", false},
		{"Ipek", "ipek", true},
		{"straße", "strasse", false},
		{"e\u0301", "\u00e9", false},
	} {
		if got := crowd.Fold(tt.x) == crowd.Fold(tt.y); got != tt.same {
			t.Errorf("crowd: %q and %q fold alike: %v", tt.x, tt.y, got)
		}
		if got := mapping.Fold(tt.x) == mapping.Fold(tt.y); got != tt.same {
			t.Errorf("mapping: %q and %q fold alike: %v", tt.x, tt.y, got)
		}
		srv := crowdtest.NewServer(t)
		srv.AddUser(crowd.User{Name: tt.x, Active: true})
		if _, found := srv.User(tt.y); found != tt.same {
			t.Errorf("the fake: %q is found as %q: %v", tt.x, tt.y, found)
		}
	}
}
