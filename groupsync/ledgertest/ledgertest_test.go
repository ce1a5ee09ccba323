package ledgertest_test

import (
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/groupsync/ledgertest"
)

func TestCrowdLedger(t *testing.T) {
	ledgertest.Test(t, func(_ *testing.T, d groupsync.Directory) groupsync.Ledger {
		return groupsync.NewCrowdLedger(d, "okta")
	})
}

func TestSharedCrowdLedger(t *testing.T) {
	ledgertest.TestShared(t, func(_ *testing.T, d groupsync.Directory) ledgertest.Opener {
		return func(connection string) groupsync.Ledger { return groupsync.NewCrowdLedger(d, connection) }
	})
}

func TestMemoryLedger(t *testing.T) {
	ledgertest.Test(t, func(_ *testing.T, d groupsync.Directory) groupsync.Ledger {
		return groupsync.NewMemoryLedger(d)
	})
}

// TestCrowdLedgerOnOddServers runs all checks on servers with habits that some
// versions have.
func TestCrowdLedgerOnOddServers(t *testing.T) {
	for name, options := range map[string]func(*crowdtest.Options){
		"writes without attributes": func(o *crowdtest.Options) { o.WritesOmitAttributes = true },
		"search without attributes": func(o *crowdtest.Options) { o.SearchOmitsAttributes = true },
		"attributes reversed":       func(o *crowdtest.Options) { o.AttributesReversed = true },
		"attributes one by one":     func(o *crowdtest.Options) { o.AttributesOneByOne = true },
		"a racing write fails":      func(o *crowdtest.Options) { o.RacingAttributeFails = true },
		"version 3":                 func(o *crowdtest.Options) { o.Version = "3.0.0" },
		"long text is refused":      func(o *crowdtest.Options) { o.RefuseLongText = true },
		"attributes in update":      func(o *crowdtest.Options) { o.AttributesInUpdate = true },
	} {
		t.Run(name, func(t *testing.T) {
			failures := ledgertest.Failures(t, options, func(d groupsync.Directory) ledgertest.Opener {
				return func(connection string) groupsync.Ledger { return groupsync.NewCrowdLedger(d, connection) }
			})
			for check, problems := range failures {
				t.Errorf("%s: %s", check, problems[0])
			}
		})
	}
}
