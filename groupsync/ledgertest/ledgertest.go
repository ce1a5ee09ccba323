// Package ledgertest holds implementations of [groupsync.Ledger] against what the
// interface promises.
//
// A ledger that keeps its records in a database of its own is tested by
//
//	func TestLedger(t *testing.T) {
//		ledgertest.Test(t, func(t *testing.T, d groupsync.Directory) groupsync.Ledger {
//			return sqlledger.New(d, openEmptyDatabase(t), "okta")
//		})
//		ledgertest.TestShared(t, func(t *testing.T, d groupsync.Directory) ledgertest.Opener {
//			db := openEmptyDatabase(t)
//			return func(connection string) groupsync.Ledger { return sqlledger.New(d, db, connection) }
//		})
//	}
//
// The directory is a Crowd in memory, see package crowdtest. Each promise is a
// subtest of its own, whose name says what is promised and whose failure says
// what an engine would get wrong. Run them with the race detector.
//
// # What is not tested
//
// That records survive the end of the process, the loss of the store, or a store
// that several machines reach over a network which fails. Nor how many calls or
// how much memory a ledger takes.
package ledgertest

import (
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// Test runs all checks that concern the ledger of one connection. Each calls
// newLedger once for an empty ledger over a directory of its own.
func Test(t *testing.T, newLedger func(t *testing.T, d groupsync.Directory) groupsync.Ledger) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			s := newSubject(t, t)
			s.ledger = newLedger(t, s.crowd)
			c.run(s)
		})
	}
}

// An Opener opens the ledger of a connection, over a store that all ledgers it
// opens share. It is called several times for the same connection, as by several
// processes.
type Opener func(connection string) groupsync.Ledger

// TestShared runs all checks that concern ledgers which share a store: those of
// one connection opened by several processes, and those of several connections
// to one directory. Each calls newStore once for an empty store over a directory
// of its own.
//
// Ledgers that share nothing, such as [groupsync.MemoryLedger], serve one
// connection in one process and need not pass.
func TestShared(t *testing.T, newStore func(t *testing.T, d groupsync.Directory) Opener) {
	for _, c := range sharedChecks() {
		t.Run(c.name, func(t *testing.T) {
			s := newSubject(t, t)
			s.open = newStore(t, s.crowd)
			c.run(s)
		})
	}
}

// A check is one promise.
type check struct {
	name string
	run  func(*subject)
}

func checks() []check {
	var all []check
	all = append(all, groupChecks()...)
	all = append(all, userChecks()...)
	all = append(all, originChecks()...)
	all = append(all, holderChecks()...)
	return append(all, wholeChecks()...)
}

// newSubject returns a subject without a ledger yet.
func newSubject(t *testing.T, r reporter) *subject {
	srv := new(crowdtest.Server)
	return &subject{reporter: r, srv: srv, crowd: &directory{Directory: srv.Client(t)}}
}
