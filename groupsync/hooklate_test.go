package groupsync_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// letIn makes a leaver active in Crowd again, as somebody may by hand.
func (w *world) letIn(name string) {
	w.tb.Helper()
	u, _ := w.srv.User(name)
	u.Active = true
	if err := w.srv.Client(w.tb).UpdateUser(w.tb.Context(), u); err != nil {
		w.tb.Fatal(err)
	}
}

// TestAHookThatHangsKeepsNobodyIn holds that a reconcile locks a leaver out although a
// hook's Plan disregards the end of its time, waits for it after that, and leaves what
// the hook has to do for the next reconcile.
func TestAHookThatHangsKeepsNobodyIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		w := withChores(t, c)
		w.user("ann")
		w.deactivate("ann")
		w.letIn("ann")
		c.hand["ann"] = []string{"badge"}
		time.Sleep(time.Hour)
		release := make(chan struct{})
		c.plan = func(context.Context, groupsync.Leaver) error { <-release; return nil }
		ended := make(chan error, 1)
		go func() {
			_, err := w.engine.Reconcile(t.Context(), groupsync.ReconcileOptions{})
			ended <- err
		}()
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if w.active("ann") {
			t.Error("the leaver is active still after the hook's time")
		}
		select {
		case err := <-ended:
			t.Errorf("the reconcile has left a hook running: %v", err)
		default:
		}
		close(release)
		if err := <-ended; err != nil {
			t.Errorf("reconcile: %v", err)
		}
		c.mend()
		w.reconcile()
		if left := c.of("ann"); len(left) > 0 {
			t.Errorf("after the next reconcile the leaver has %v still", left)
		}
	})
}

// TestSlowHooksPutLockOutsOffOnce holds that hooks together put off what a reconcile
// takes away no longer than they may in one request, however many leave, and that the
// next reconcile gives them the time that they need.
func TestSlowHooksPutLockOutsOffOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		w := withChores(t, c)
		var names []string
		for i := range 12 {
			names = append(names, fmt.Sprintf("user%d", i))
			w.user(names[i])
			w.deactivate(names[i])
		}
		time.Sleep(time.Hour)
		for _, name := range names {
			w.letIn(name)
			c.hand[name] = []string{"badge"}
		}
		w.cfg.Parallel = 1
		w.restart()
		c.plan = func(ctx context.Context, _ groupsync.Leaver) error {
			select {
			case <-time.After(4 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		began := time.Now()
		w.reconcile()
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("the reconcile took %v", took)
		}
		for _, name := range names {
			if w.active(name) {
				t.Errorf("%s is active still", name)
			}
		}
		w.reconcile()
		for _, name := range names {
			if left := c.of(name); len(left) > 0 {
				t.Errorf("after the next reconcile %s has %v still", name, left)
			}
		}
	})
}
