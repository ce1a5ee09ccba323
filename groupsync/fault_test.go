package groupsync_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// What every run tries is a part, evenly spread, of the faults and of the orders in
// which operations meet. All of it is two commands, each of which takes a while, from
// the folder of the module:
//
//	FAULTS=all go test -timeout 4h -run 'EveryFault' ./groupsync
//	INTERLEAVINGS=60 go test -timeout 2h -run 'Interleaving|Beside' ./groupsync
//
// With -v they tell how many they were.

func (w *world) idOf(name string) string {
	w.tb.Helper()
	u, found := w.srv.User(name)
	if !found {
		w.tb.Fatalf("Crowd has no user %s", name)
	}
	return strings.Replace(u.Key, ":", ".", 1)
}

// state is all that matters of a Crowd and of what SCIM shows, as text.
func (w *world) state() string {
	w.tb.Helper()
	var b strings.Builder
	for _, name := range w.srv.UserNames() {
		u, _ := w.srv.User(name)
		fmt.Fprintf(&b, "user %s active=%v email=%s display=%s sessions=%d\n", u.Name, u.Active, u.Email, u.DisplayName, w.srv.Sessions(name))
		fmt.Fprintf(&b, "  %s\n", w.shown(name))
	}
	for _, name := range w.srv.GroupNames() {
		if !strings.HasPrefix(name, groupsync.RegistryPrefix) {
			fmt.Fprintf(&b, "group %s %v\n", crowd.Fold(name), sorted(w.srv.Members(name)))
		}
	}
	groups, err := w.engine.Groups(context.Background())
	if err != nil {
		w.tb.Fatal(err)
	}
	for _, g := range groups {
		fmt.Fprintf(&b, "scim group %s %s %s %v\n", g.ID, g.Name, g.ExternalID, w.scimMembers(g.ID))
	}
	return b.String()
}

// shown is what SCIM shows of a user.
func (w *world) shown(name string) string {
	w.tb.Helper()
	v, err := w.engine.UserByName(context.Background(), name)
	if errors.Is(err, groupsync.ErrNoUser) {
		return "not shown"
	}
	if err != nil {
		w.tb.Fatal(err)
	}
	return fmt.Sprintf("data=%s grants=%v", v.Data, w.live(v.Grants))
}

// live returns those of the ids that SCIM groups have: a grant of another counts
// for nothing.
func (w *world) live(ids []string) []string {
	w.tb.Helper()
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		_, err := w.engine.Group(context.Background(), id)
		return errors.Is(err, groupsync.ErrNoGroup)
	})
}

// A trouble is something that goes wrong with one call to Crowd.
type trouble struct {
	name  string
	fault crowdtest.Fault
	// killed ends the process at that moment of the call.
	killed bool
	at     crowdtest.Moment
	// late lets the call take effect after the retry.
	late bool
}

func troubles() []trouble {
	return []trouble{
		{name: "request lost", fault: crowdtest.Fault{Kind: crowdtest.LoseRequest, Times: 3}},
		{name: "request lost once", fault: crowdtest.Fault{Kind: crowdtest.LoseRequest}},
		{name: "response lost", fault: crowdtest.Fault{Kind: crowdtest.LoseResponse, Times: 3}},
		{name: "response lost once", fault: crowdtest.Fault{Kind: crowdtest.LoseResponse}},
		{name: "lands late", fault: crowdtest.Fault{Kind: crowdtest.LandLate, Times: 3}},
		{name: "lands after the retry", fault: crowdtest.Fault{Kind: crowdtest.LandLate, Times: 3}, late: true},
		{name: "reset", fault: crowdtest.Fault{Kind: crowdtest.ResetResponse}},
		{name: "body cut", fault: crowdtest.Fault{Kind: crowdtest.CutBody, Times: 3}},
		{name: "500", fault: crowdtest.Fault{Kind: crowdtest.Answer, Status: 500, Times: 3}},
		{name: "503", fault: crowdtest.Fault{Kind: crowdtest.AnswerHTML, Status: 503, Times: 3}},
		{name: "429", fault: crowdtest.Fault{Kind: crowdtest.Answer, Status: 429, Times: 3}},
		{name: "429 once", fault: crowdtest.Fault{Kind: crowdtest.Answer, Status: 429}},
		{name: "killed before the call", killed: true, fault: crowdtest.Fault{Kind: crowdtest.LoseRequest}},
		{name: "killed after the call", killed: true, at: crowdtest.BeforeAnswer, fault: crowdtest.Fault{Kind: crowdtest.LoseResponse}},
		{name: "killed, and the call lands late", killed: true, fault: crowdtest.Fault{Kind: crowdtest.LandLate}},
	}
}

// A mishap is an operation, under a setting, whose k-th call meets trouble.
type mishap struct {
	setting
	operation
	trouble
	call int
	heal act // what heals later on; nil: a reconcile
}

func (m mishap) String() string { return fmt.Sprintf("call %d, %s", m.call, m.trouble.name) }

// meet lets the operation meet its trouble, and returns a stage on which a fresh
// replica has taken over, the operation's id, and its error.
func (m mishap) meet(t *testing.T) (w *world, id string, first error) {
	t.Helper()
	w = m.world(t)
	id = m.begin(w)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	if m.killed {
		w.srv.SetGate(m.killer(w, kill))
	} else {
		f := m.fault
		f.Nth = m.call
		w.srv.Fail(f)
	}
	first = m.act(ctx, w.engine, w, id)
	w.srv.ClearFaults()
	w.srv.SetGate(nil)
	if !m.late {
		w.srv.Land()
	}
	w.restart()
	return w, id, first
}

// killer returns a gate that kills the process at the call.
func (m mishap) killer(w *world, kill func()) crowdtest.Gate {
	first := 1
	if before := w.srv.Calls(); len(before) > 0 {
		first = before[len(before)-1].Seq + 1
	}
	return func(_ context.Context, c crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
		if c.Seq != first+m.call-1 || at != m.at {
			return crowdtest.NoFault
		}
		kill()
		return m.fault.Kind
	}
}

// everyMishap runs what each returns for every call of every operation, under
// every setting, and every trouble, each in a time of its own, and returns how
// many that were. By default it takes one in so many settings of an operation,
// and of their mishaps one in share, evenly spread over calls and troubles;
// FAULTS=all in the environment asks for all.
func everyMishap(t *testing.T, oneIn, share int, each func(s setting, op operation) func(t *testing.T, m mishap)) int {
	if os.Getenv("FAULTS") == "all" {
		oneIn, share = 1, 1
	}
	var total atomic.Int64
	t.Run("all", func(t *testing.T) {
		for i, s := range settings() {
			for j, op := range operations() {
				if op.only != nil && !op.only(s) || (i+j)%oneIn != 0 {
					continue
				}
				t.Run(s.name+"/"+op.name, func(t *testing.T) {
					t.Parallel()
					total.Add(int64(mishapsOf(t, s, op, i+j, share, each(s, op))))
				})
			}
		}
	})
	return int(total.Load())
}

// mishapsOf runs f for one in share of an operation's mishaps under a setting.
func mishapsOf(t *testing.T, s setting, op operation, n, share int, f func(*testing.T, mishap)) (total int) {
	t.Helper()
	m := mishap{setting: s, operation: op}
	failed := 0
	for k := range calls(t, s, op) {
		for _, m.trouble = range troubles() {
			m.call = k + 1
			if n++; n%share != 0 {
				continue
			}
			total++
			if !t.Run(m.String(), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { f(t, m) }) }) {
				failed++
			}
			if failed == mostFailures {
				return total
			}
		}
	}
	return total
}

// mostFailures bounds what one operation reports.
const mostFailures = 3

// calls returns how many calls an operation makes when nothing fails.
func calls(t *testing.T, s setting, op operation) (n int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := s.world(t)
		id := op.begin(w)
		n = w.calls(func() {
			if err := op.act(t.Context(), w.engine, w, id); err != nil {
				t.Fatal(err)
			}
		})
	})
	return n
}

// ends returns the state after an operation that nothing disturbed, and after a
// reconcile that follows it.
func (op operation) ends(t *testing.T, s setting) map[bool]string {
	ends := map[bool]string{}
	for _, reconciled := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := s.world(t)
			if err := op.act(t.Context(), w.engine, w, op.begin(w)); err != nil {
				t.Fatal(err)
			}
			if reconciled {
				w.reconcile()
			}
			ends[reconciled] = w.state()
		})
	}
	return ends
}

// TestEveryFaultThenRetry lets every call to Crowd of every operation go wrong,
// one at a time, under every way to map groups, and then repeats the operation as
// an identity provider would, on a fresh replica: the end must be that of a run
// without faults. See everyMishap for how many it tries.
func TestEveryFaultThenRetry(t *testing.T) {
	total := everyMishap(t, 1, 67, func(s setting, op operation) func(*testing.T, mishap) {
		want := op.ends(t, s)
		return func(t *testing.T, m mishap) { faultThenRetry(t, m, want) }
	})
	t.Logf("%d faults", total)
	if total < 500 {
		t.Errorf("only %d faults were tried", total)
	}
}

func faultThenRetry(t *testing.T, m mishap, want map[bool]string) {
	t.Helper()
	w, id, first := m.meet(t)
	// A call that lands after its own request was answered takes its place late:
	// the next push of the same heals what it undid.
	if first != nil || m.fault.Kind == crowdtest.LandLate {
		second := m.act(t.Context(), w.engine, w, id)
		if second != nil && !repeated(second) {
			t.Errorf("retry: %v (first: %v)", second, first)
		}
	}
	if m.late { // so does a reconcile
		w.srv.Land()
		time.Sleep(3 * time.Minute) // a younger word on fields may be on its way
		if m.heal == nil {
			w.reconcile()
		} else if err := m.heal(t.Context(), w.engine, w, id); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(want[m.late], w.state()); diff != "" {
		t.Errorf("end state mismatch (-want +got), first error %v:\n%s", first, diff)
	}
}
