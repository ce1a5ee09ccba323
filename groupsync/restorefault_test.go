package groupsync_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// kept is what a world has kept from before the mistake: a state, and the log.
type kept struct {
	before *memory
	log    *bytes.Buffer
}

// accidents is a stage after several mistakes of one request: Devs is emptied, Ops
// deleted, Misc has another name and externalId, and bob another name in Crowd.
// Somebody was put into Devs by hand since, and gus by the identity provider.
func (w *world) accidents() (k kept, id string) {
	w.tb.Helper()
	k.log = w.audited()
	w.castUsers()
	ops, misc := w.group("Ops", w.member("ann")).ID, w.group("Misc", w.member("bob")).ID
	var before *memory
	before, id = w.emptied("x1", func(ctx context.Context) error {
		name, external := "Sundry", "x2"
		_, err1 := w.engine.ChangeGroup(ctx, misc, groupsync.GroupChange{Name: &name, ExternalID: &external})
		err2 := w.engine.DeleteGroup(ctx, ops)
		_, err3 := w.engine.UpdateUser(ctx, w.idOf("bob"), func(*groupsync.User) (groupsync.Profile, error) {
			p := profile("bob")
			robert := "Robert"
			p.Fields.DisplayName, p.Data = &robert, []byte(`{"userName":"bob","nickName":"Rob"}`)
			return p, nil
		})
		return errors.Join(err1, err2, err3)
	})
	k.before = before
	return k, id
}

// mendings are a restore and an undo of the same accidents, as operations whose
// every call can be made to fail.
func mendings() []operation {
	var worlds sync.Map // to each world what it has kept
	setup := func(w *world) string {
		k, id := w.accidents()
		worlds.Store(w, k)
		return id
	}
	of := func(w *world) kept {
		k, _ := worlds.Load(w)
		return k.(kept)
	}
	return []operation{
		{name: "restore", setup: setup, act: func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
			_, err := restore(ctx, e, of(w).before, groupsync.RestoreOptions{})
			return err
		}},
		{name: "undo", setup: setup, act: func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
			_, err := undo(ctx, e, of(w).log.Bytes(), groupsync.UndoQuery{Request: "mistake"})
			return err
		}},
	}
}

// TestEveryFaultOfRestoreThenRetry lets every call of a restore and of an undo go
// wrong, one at a time, and then does the same again on a fresh replica: planned anew,
// it must arrive where a run without faults does. FAULTS=all tries all troubles.
func TestEveryFaultOfRestoreThenRetry(t *testing.T) {
	share := 41
	if os.Getenv("FAULTS") == "all" {
		share = 1
	}
	for i, s := range settings() {
		for j, op := range mendings() {
			t.Run(s.name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				want := op.ends(t, s)
				n := mishapsOf(t, s, op, i+j, share, func(t *testing.T, m mishap) { faultThenRetry(t, m, want) })
				if n < 10 {
					t.Errorf("only %d faults were tried", n)
				}
			})
		}
	}
}
