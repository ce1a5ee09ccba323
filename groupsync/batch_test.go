package groupsync_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

var _ groupsync.Batch = (*admin.Memberships)(nil)

// batches has a world's engines change many memberships in one call.
func (w *world) batches() {
	w.tb.Helper()
	w.srv.AddAdministrator("root", "secret")
	client, err := admin.New(admin.Config{
		BaseURL: "http://crowd.test/crowd", Administrator: "root", Password: "secret", HTTPClient: &http.Client{Transport: w.srv},
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	for d, err := range client.Directories(w.tb.Context(), "") {
		if err != nil {
			w.tb.Fatal(err)
		}
		if d.Name == w.srv.Directories()[0] {
			w.cfg.Batch = client.Memberships(d.ID)
		}
	}
	w.srv.ResetCalls()
	w.restart()
}

// TestCallsOfBatches holds that the memberships of a full push, and those that a
// reconcile repairs, take a call for each 500, behind the records.
func TestCallsOfBatches(t *testing.T) {
	const n = 1200
	w := worldOver(t, new(crowdtest.Server))
	w.batches()
	g := &gauge{srv: w.srv}
	ids := g.users(n, nil)
	group := w.group("everyone")
	single, batched, records := 0, 0, 0
	var mu sync.Mutex // guards them: calls are made at the same time
	w.srv.SetGate(func(_ context.Context, c crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case at != crowdtest.BeforeEffect || c.Method == http.MethodGet:
		case c.Resource == "group/user/direct":
			single++
		case strings.Contains(c.Resource, "groups/"):
			batched++
		case c.Resource == "user/attribute":
			records++
		}
		return crowdtest.NoFault
	})
	count := func(what string, wantBatches, wantRecords, members int) {
		t.Helper()
		if single != 0 || batched != wantBatches || records != wantRecords {
			t.Errorf("%s took %d single changes, %d batches and %d records, want 0, %d and %d", what, single, batched, records, wantBatches, wantRecords)
		}
		if got := len(w.srv.Members("everyone")); got != members {
			t.Errorf("%s left %d members, want %d", what, got, members)
		}
		single, batched, records = 0, 0, 0
	}
	w.push(group.ID, ids)
	count("a first push", 3, n, n)
	w.push(group.ID, ids[5:])
	count("a push without five", 1, 5, n-5)
	for i := range 10 {
		w.srv.In("").RemoveMember("everyone", fmt.Sprintf("user-%06d", 10+i))
	}
	w.reconcile()
	count("a reconcile", 1, 0, n-5)
}

// A fussy Batch refuses some users, or everything, as it is told.
type fussy struct {
	groupsync.Batch
	refuses func(user string) bool
	fails   bool

	mu      sync.Mutex // guards refused
	refused []string
}

func (f *fussy) AddMembers(ctx context.Context, group string, users []string) (map[string]error, error) {
	return f.pass(users, func(users []string) (map[string]error, error) { return f.Batch.AddMembers(ctx, group, users) })
}

func (f *fussy) RemoveMembers(ctx context.Context, group string, users []string) (map[string]error, error) {
	return f.pass(users, func(users []string) (map[string]error, error) { return f.Batch.RemoveMembers(ctx, group, users) })
}

func (f *fussy) pass(users []string, change func([]string) (map[string]error, error)) (map[string]error, error) {
	if f.fails {
		return nil, errors.New("no batches today")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	failed, err := change(slices.DeleteFunc(slices.Clone(users), f.refuses))
	for _, name := range users {
		if f.refuses(name) {
			failed[name] = errors.New("not this one")
			f.refused = append(f.refused, name)
		}
	}
	return failed, err
}

// TestBatchesThatRefuse holds that what a batch refuses is done by single calls, and
// that only what these refuse is an error, with its own cause.
func TestBatchesThatRefuse(t *testing.T) {
	for _, fails := range []bool{false, true} {
		w := worldOver(t, new(crowdtest.Server))
		w.batches()
		f := &fussy{Batch: w.cfg.Batch, fails: fails, refuses: func(user string) bool { return user == "ben" || user == "cid" }}
		w.cfg.Batch = f
		w.restart()
		ann, ben, cid := w.user("ann"), w.user("ben"), w.user("cid")
		devs := w.group("devs")
		w.change(devs.ID, replace(ann, ben, cid))
		w.wantMembers("devs", "ann", "ben", "cid")
		w.srv.Fail(crowdtest.Fault{
			Method: "DELETE", Resource: "group/user/direct", Params: map[string]string{"username": "cid"},
			Kind: crowdtest.Answer, Status: 403, Reason: "APPLICATION_PERMISSION_DENIED",
		})
		_, err := w.engine.ChangeGroup(t.Context(), devs.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{replace()}})
		if !errors.Is(err, crowd.ErrPermission) || !strings.Contains(err.Error(), "cid") {
			t.Errorf("error %v, want the refusal of cid", err)
		}
		w.wantMembers("devs", "cid")
		w.change(devs.ID, replace())
		w.wantMembers("devs")
		if !fails && len(f.refused) == 0 {
			t.Error("nothing was refused")
		}
	}
}

// TestEveryFaultWithBatches is TestEveryFaultThenRetry, and that with a reconcile
// instead, for what uses batches: one of several memberships may have reached Crowd.
// By default it tries one fault in eleven; FAULTS=all tries all.
func TestEveryFaultWithBatches(t *testing.T) {
	share := 11
	if os.Getenv("FAULTS") == "all" {
		share = 1
	}
	var total atomic.Int64
	for i, s := range settings() {
		s.batches = true
		for j, op := range operations() {
			if op.only != nil && !op.only(s) || !strings.Contains(op.name, "replace") && op.name != "empty group" && op.name != "reconcile" {
				continue
			}
			t.Run(s.name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				want := op.ends(t, s)
				total.Add(int64(mishapsOf(t, s, op, i+j, share, func(t *testing.T, m mishap) { faultThenRetry(t, m, want) })))
			})
		}
	}
	t.Cleanup(func() {
		if n := total.Load(); n < 50 {
			t.Errorf("only %d faults were tried", n)
		} else {
			t.Logf("%d faults", n)
		}
	})
}

// TestBatchesBesideOneReplica lets a full push by batches meet single changes that
// take turns and look no second time.
func TestBatchesBesideOneReplica(t *testing.T) {
	devs := func(w *world) string { w.user("eve"); return w.group("Devs", w.user("ann"), w.user("ben")).ID }
	replaces := changesGroup(with(groupsync.ReplaceMembers, "eve"))
	var all []*meeting
	for _, s := range settings() {
		s.batches = true
		for _, single := range []struct {
			name string
			act
		}{
			{"add", changesGroup(with(groupsync.AddMembers, "ann"))},
			{"remove", changesGroup(with(groupsync.RemoveMembers, "ben"))},
			{"delete user", func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
				return e.DeleteUser(ctx, w.idOf("ann"), groupsync.Deactivate)
			}},
		} {
			all = append(all, &meeting{race: race{single.name, alone, devs, []act{replaces, single.act}}, setting: s})
		}
	}
	explore(t, 3, 2, all)
}
