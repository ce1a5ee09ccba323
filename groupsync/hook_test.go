package groupsync_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A chores is a hook over what users have in hand.
type chores struct {
	name string
	// plan and do are called before the hook does either.
	plan, do func(ctx context.Context, l groupsync.Leaver) error

	mu    sync.Mutex          // guards the fields below
	hand  map[string][]string // by user name
	asked int                 // plans
	seen  []groupsync.Leaver  // steps
}

func newChores(name string) *chores {
	return &chores{name: name, hand: map[string][]string{"ann": {"keys", "projector"}, "ben": {"van"}}}
}

func (c *chores) Name() string { return c.name }

func (c *chores) Plan(ctx context.Context, l groupsync.Leaver) ([]groupsync.HookStep, error) {
	if c.plan != nil {
		if err := c.plan(ctx, l); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	var steps []groupsync.HookStep
	name := knownAs(l)
	for _, thing := range c.hand[name] {
		steps = append(steps, groupsync.HookStep{Object: thing, Changes: []groupsync.Change{{Field: thing, Before: name, After: "boss"}}})
	}
	return steps, nil
}

func (c *chores) Do(ctx context.Context, l groupsync.Leaver, s groupsync.HookStep) error {
	if c.do != nil {
		if err := c.do(ctx, l); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, l)
	name := knownAs(l)
	if !slices.Contains(c.hand[name], s.Object) {
		return groupsync.ErrStalePlan
	}
	c.hand[name] = slices.DeleteFunc(c.hand[name], func(thing string) bool { return thing == s.Object })
	c.hand["boss"] = append(c.hand["boss"], s.Object)
	return nil
}

// knownAs is the name by which the hook knows the leaver.
func knownAs(l groupsync.Leaver) string {
	if l.FormerName != "" {
		return l.FormerName
	}
	return l.Name
}

func (c *chores) of(user string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return sorted(c.hand[user])
}

// mend makes the hook work again.
func (c *chores) mend() { c.plan, c.do = nil, nil }

// withChores is a world without network whose engine has the hooks.
func withChores(tb testing.TB, hooks ...*chores) *world {
	tb.Helper()
	return worldOver(tb, new(crowdtest.Server), func(c *groupsync.Config) { hooked(c, hooks...) })
}

func hooked(c *groupsync.Config, hooks ...*chores) {
	for _, h := range hooks {
		c.Hooks = append(c.Hooks, h)
	}
}

// deeds returns the events so far: kind, and step in words.
func (w *world) deeds() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, e := range w.events {
		all = append(all, string(e.Kind)+": "+e.Step.String())
	}
	return all
}

func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = nil
}

func (w *world) active(name string) bool {
	u, found := w.srv.User(name)
	return found && u.Active
}

// leave are the ways in which a user leaves.
func leaves() map[string]func(w *world) error {
	return map[string]func(w *world) error{
		"deactivated": func(w *world) error {
			_, err := w.engine.UpdateUser(w.tb.Context(), w.idOf("ann"), func(*groupsync.User) (groupsync.Profile, error) { return says(false)(), nil })
			return err
		},
		"deleted": func(w *world) error {
			return w.engine.DeleteUser(w.tb.Context(), w.idOf("ann"), groupsync.Deactivate)
		},
		"deleted for good": func(w *world) error {
			return w.engine.DeleteUser(w.tb.Context(), w.idOf("ann"), groupsync.Delete)
		},
	}
}

func TestHooksRunBeforeALeaverIsLockedOut(t *testing.T) {
	c := newChores("chores")
	w := withChores(t, c)
	ann := w.user("ann")
	c.do = func(context.Context, groupsync.Leaver) error {
		if !w.active("ann") {
			t.Error("the leaver was locked out before the hook was run")
		}
		return nil
	}
	w.forget()
	ctx := groupsync.WithRequestID(t.Context(), "r-1")
	if _, err := w.engine.UpdateUser(ctx, ann.ID, func(*groupsync.User) (groupsync.Profile, error) { return says(false)(), nil }); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`applied: record "ann"`,
		`applied: hand over "ann" by "chores": keys "ann" -> "boss"`,
		`applied: hand over "ann" by "chores": projector "ann" -> "boss"`,
		`applied: deactivate user "ann": active "true" -> "false"`,
		`applied: end sessions "ann"`,
	}
	if diff := cmp.Diff(want, w.deeds()); diff != "" {
		t.Errorf("events mismatch (-want +got):\n%s", diff)
	}
	got := c.seen[0]
	got.At, got.Key = time.Time{}, ""
	leaver := groupsync.Leaver{
		Connection: "okta", ID: ann.ID, Name: "ann", Email: "ann@example.com", DisplayName: "ann", ExternalID: "ext-ann", Request: "r-1",
	}
	if diff := cmp.Diff(leaver, got); diff != "" {
		t.Errorf("leaver mismatch (-want +got):\n%s", diff)
	}
}

// TestHooksCostOneCall holds that the end of all hooks is recorded by one call, and
// that a user without anything in hand costs no more.
func TestHooksCostOneCall(t *testing.T) {
	c, other := newChores("chores"), newChores("other")
	w := withChores(t, c, other)
	w.user("ann")
	w.user("ida")
	w.user("ben")
	w.wantCalls("deactivate with hooks", 6, func() { w.deactivate("ann") })
	w.wantCalls("deactivate with hooks without work", 6, func() { w.deactivate("ida") })
	w.wantCalls("deactivate again", 3, func() { w.deactivate("ann") })
	w.wantCalls("delete with hooks", 6, func() {
		if err := w.engine.DeleteUser(t.Context(), w.idOf("ben"), groupsync.Deactivate); err != nil {
			t.Fatal(err)
		}
	})
	if c.asked != 3 {
		t.Errorf("the hook planned %d times, want 3: once for each leaver", c.asked)
	}
}

// TestHooksKeepNobodyIn holds that whatever a hook does a leaver is locked out in time,
// and that a reconcile ends what it did not.
func TestHooksKeepNobodyIn(t *testing.T) {
	broken := errors.New("the office is closed")
	fails := func(context.Context, groupsync.Leaver) error { return broken }
	waits := func(ctx context.Context, _ groupsync.Leaver) error { <-ctx.Done(); return ctx.Err() }
	sleeps := func(context.Context, groupsync.Leaver) error {
		time.Sleep(30 * time.Second)
		return errors.New("too late")
	}
	panics := func(context.Context, groupsync.Leaver) error { panic("no keys") }
	for _, tt := range []struct {
		name     string
		plan, do func(context.Context, groupsync.Leaver) error
		within   time.Duration
	}{
		{"fails to plan", fails, nil, 0},
		{"fails to act", nil, fails, 0},
		{"plans too long", waits, nil, 10 * time.Second},
		{"acts too long", nil, waits, 10 * time.Second},
		{"disregards the end of its time to plan", sleeps, nil, 10 * time.Second},
		{"disregards the end of its time to act", nil, sleeps, 10 * time.Second},
		{"panics as it plans", panics, nil, 0},
		{"panics as it acts", nil, panics, 0},
	} {
		for how, leave := range leaves() {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newChores("chores")
					w := withChores(t, c)
					w.user("ann")
					w.logIn("ann")
					c.plan, c.do = tt.plan, tt.do
					began := time.Now()
					var out time.Time
					observer := w.cfg.Observer
					w.cfg.Observer = func(ctx context.Context, e groupsync.Event) {
						observer(ctx, e)
						if out.IsZero() && !w.active("ann") {
							out = time.Now()
						}
					}
					w.restart()
					if err := leave(w); err != nil {
						t.Fatal(err)
					}
					if w.active("ann") || w.srv.Sessions("ann") != 0 {
						t.Error("the leaver is in still")
					}
					if took := out.Sub(began); out.IsZero() || took > tt.within+time.Second {
						t.Errorf("the leaver was locked out after %v, want within %v", took, tt.within)
					}
					if !w.saw(groupsync.EventFailed) {
						t.Error("no event tells that the hook failed")
					}
					if left := c.of("ann"); len(left) != 2 {
						t.Fatalf("the hook ended: %v is left", left)
					}
					c.mend()
					w.endHandOver(t, how)
				})
			})
		}
	}
}

// endHandOver lets reconciles end what hooks have left, and holds what is then.
func (w *world) endHandOver(t *testing.T, how string) {
	t.Helper()
	time.Sleep(time.Hour)
	w.restart()
	w.reconcile()
	c := w.cfg.Hooks[0].(*chores)
	if left := c.of("ann"); len(left) > 0 {
		t.Errorf("after a reconcile the leaver has %v still", left)
	}
	if _, found := w.srv.User("ann"); found == (how == "deleted for good") {
		t.Errorf("the user %s is in Crowd: %v", how, found)
	}
	asked := c.asked
	if again := w.reconcile(); len(again) > 0 || c.asked != asked {
		t.Errorf("a second reconcile finds %v, and asks the hook %d times", again, c.asked-asked)
	}
}

// TestHooksThatAreRequired holds that, where the settings say so, the call fails though
// the leaver is out, and that the same call, made again, ends the hand-over.
func TestHooksThatAreRequired(t *testing.T) {
	for how, leave := range leaves() {
		t.Run(how, func(t *testing.T) {
			c := newChores("chores")
			w := withChores(t, c)
			w.cfg.RequireHooks = true
			w.restart()
			w.user("ann")
			c.do = func(context.Context, groupsync.Leaver) error { return errors.New("the office is closed") }
			err := leave(w)
			if failure, ok := errors.AsType[*groupsync.HookError](err); !ok || failure.Hook != "chores" || failure.User != "ann" {
				t.Fatalf("got %v, want a HookError", err)
			}
			if w.active("ann") {
				t.Error("the leaver is in still")
			}
			c.mend()
			if err := leave(w); err != nil && !errors.Is(err, groupsync.ErrNoUser) {
				t.Errorf("again: %v", err)
			}
			if left := c.of("ann"); len(left) > 0 {
				t.Errorf("the leaver has %v still", left)
			}
			if _, found := w.srv.User("ann"); found == (how == "deleted for good") {
				t.Errorf("the user is in Crowd: %v", found)
			}
		})
	}
}

func TestHooksThatAreRequiredFailAReconcile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		w := withChores(t, c)
		w.cfg.RequireHooks = true
		w.user("ann")
		w.user("ben")
		w.restart()
		c.do = func(context.Context, groupsync.Leaver) error { return errors.New("the office is closed") }
		_ = leaves()["deactivated"](w)
		time.Sleep(time.Hour)
		result, err := w.engine.Reconcile(t.Context(), groupsync.ReconcileOptions{})
		if _, ok := errors.AsType[*groupsync.HookError](err); !ok || result.HandOvers != 3 || !result.Whole {
			t.Errorf("got %v, %d steps failed, whole %v; want a HookError, 3, and all else done", err, result.HandOvers, result.Whole)
		}
		c.mend()
		c.plan = func(context.Context, groupsync.Leaver) error { return errors.New("nobody answers") }
		result, err = w.engine.Reconcile(t.Context(), groupsync.ReconcileOptions{})
		if _, ok := errors.AsType[*groupsync.HookError](err); !ok || result.HandOvers != 1 {
			t.Errorf("got %v, %d steps failed; want a HookError, 1", err, result.HandOvers)
		}
	})
}

// TestDryRunRunsNoHook holds that a dry run shows what hooks would do.
func TestDryRunRunsNoHook(t *testing.T) {
	for how, leave := range leaves() {
		t.Run(how, func(t *testing.T) {
			c := newChores("chores")
			w := withChores(t, c)
			w.user("ann")
			w.cfg.DryRun = true
			w.restart()
			w.forget()
			if err := leave(w); err != nil {
				t.Fatal(err)
			}
			if want := `planned: hand over "ann" by "chores": keys "ann" -> "boss"`; !slices.Contains(w.deeds(), want) {
				t.Errorf("events are %q, want %q among them", w.deeds(), want)
			}
			if left := c.of("ann"); len(left) != 2 || !w.active("ann") {
				t.Errorf("the dry run has changed something: %v is left", left)
			}
		})
	}
}

// TestHookStepsPreviewEqualsAct holds that a plan which was kept as JSON is applied step
// for step, by another replica as well, and that steps which are not called for any
// more are left out.
func TestHookStepsPreviewEqualsAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		w := withChores(t, c)
		w.user("ann")
		c.do = func(context.Context, groupsync.Leaver) error { return errors.New("the office is closed") }
		w.deactivate("ann")
		time.Sleep(48 * time.Hour) // sessions have ended by themselves
		c.mend()
		w.restart()
		p, err := w.engine.Plan(t.Context(), groupsync.ReconcileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			`hand over "ann" by "chores": keys "ann" -> "boss"`,
			`hand over "ann" by "chores": projector "ann" -> "boss"`,
			`note hand over "ann" by "chores"`,
		}
		if diff := cmp.Diff(want, words(p)); diff != "" {
			t.Errorf("plan mismatch (-want +got):\n%s", diff)
		}
		document, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var kept groupsync.Plan
		if err := json.Unmarshal(document, &kept); err != nil {
			t.Fatal(err)
		}
		c.hand["ann"] = []string{"projector"} // somebody has taken the keys
		w.forget()
		result, err := w.replica().Apply(t.Context(), &kept, groupsync.ReconcileOptions{})
		if !errors.Is(err, groupsync.ErrStalePlan) || len(result.Stale) != 1 || result.Stale[0].Object != "keys" || result.Applied != 2 {
			t.Errorf("got %v, %d applied, stale %v", err, result.Applied, result.Stale)
		}
		if again := w.reconcile(); len(again) > 0 {
			t.Errorf("a reconcile finds %v", again)
		}
	})
}

// TestOneHookDoesNotHoldUpAnother holds that of two hooks the one that ended is not run
// again for the other's sake.
func TestOneHookDoesNotHoldUpAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow, good := newChores("slow"), newChores("good")
		w := withChores(t, slow, good)
		w.user("ann")
		slow.plan = func(ctx context.Context, _ groupsync.Leaver) error { <-ctx.Done(); return ctx.Err() }
		began := time.Now()
		w.deactivate("ann")
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("the deactivation took %v, want half of the hooks' time", took)
		}
		if left := good.of("ann"); len(left) > 0 {
			t.Errorf("the good hook left %v", left)
		}
		slow.mend()
		time.Sleep(time.Hour)
		w.reconcile()
		if good.asked != 1 || slow.asked != 1 || len(slow.of("ann")) > 0 {
			t.Errorf("planned %d and %d times, %v is left", good.asked, slow.asked, slow.of("ann"))
		}
	})
}

// TestHooksTakeNoMoreThanHalfOfWhatIsLeft holds that the time of a call goes on for what
// locks the leaver out.
func TestHooksTakeNoMoreThanHalfOfWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		w := withChores(t, c)
		w.user("ann")
		c.plan = func(ctx context.Context, _ groupsync.Leaver) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		began := time.Now()
		if err := w.engine.DeleteUser(ctx, w.idOf("ann"), groupsync.Deactivate); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 2*time.Second || w.active("ann") {
			t.Errorf("locked out %v after %v, want after 2s", !w.active("ann"), took)
		}
	})
}

// TestReconcileLeavesAHookThatFailsOn holds that a hook which fails for one leaver after
// another is asked a few times only, and that this keeps nothing else from being done.
func TestReconcileLeavesAHookThatFailsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		w := withChores(t, c)
		fails := 0
		c.plan = func(context.Context, groupsync.Leaver) error { fails++; return errors.New("nobody answers") }
		for i := range 20 {
			name := fmt.Sprintf("user%d", i)
			w.user(name)
			w.deactivate(name)
		}
		w.user("ann")
		w.group("Devs", w.userNamed("ann"))
		if _, err := w.srv.Client(t).RemoveMember(t.Context(), "Devs", "ann"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		w.cfg.Parallel = 1
		w.restart()
		fails = 0
		w.reconcile()
		if fails != 3 {
			t.Errorf("the hook was asked %d times, want 3", fails)
		}
		w.wantMembers("Devs", "ann")
		c.mend()
		w.reconcile()
		if again := w.reconcile(); len(again) > 0 || c.asked != 20 {
			t.Errorf("asked %d times; a further reconcile finds %v", c.asked, again)
		}
	})
}

// TestReconcileRunsHooksForWhomItLocksOut holds that whoever was let in again by hand is
// seen off again, and that a request under way is not overtaken.
func TestReconcileRunsHooksForWhomItLocksOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		w := withChores(t, c)
		w.user("ann")
		w.deactivate("ann")
		u, _ := w.srv.User("ann")
		u.Active = true
		if err := w.srv.Client(t).UpdateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		c.hand["ann"] = []string{"badge"}
		time.Sleep(time.Hour)
		want := []string{
			`deactivate user "ann": active "true" -> "false"`, `end sessions "ann"`,
			`hand over "ann" by "chores": badge "ann" -> "boss"`, `note hand over "ann" by "chores"`,
		}
		if diff := cmp.Diff(want, w.reconcile()); diff != "" {
			t.Errorf("steps mismatch (-want +got):\n%s", diff)
		}
		if again := w.reconcile(); len(again) > 0 {
			t.Errorf("a second reconcile finds %v", again)
		}
		c.plan = func(context.Context, groupsync.Leaver) error { return errors.New("nobody answers") }
		w.user("ben")
		w.deactivate("ben")
		c.mend()
		time.Sleep(time.Minute)
		if soon := w.reconcile(); len(soon) > 0 {
			t.Errorf("a reconcile takes %v while the request may be under way", soon)
		}
	})
}

// TestWhoComesBackIsNotDeleted holds that a user who was kept for the hand-over alone,
// and was posted again meanwhile, stays, and stays deactivated when deleted so.
func TestWhoComesBackIsNotDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		w := withChores(t, c)
		id := w.user("ann").ID
		c.do = func(context.Context, groupsync.Leaver) error { return errors.New("the office is closed") }
		if err := leaves()["deleted for good"](w); err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.User(t.Context(), id); !errors.Is(err, groupsync.ErrNoUser) {
			t.Errorf("the deleted user is shown: %v", err)
		}
		c.mend()
		if back := w.user("ann"); back.ID != id {
			t.Errorf("the user came back as %s, want %s", back.ID, id)
		}
		time.Sleep(time.Hour)
		if steps := w.reconcile(); len(steps) > 0 || !w.active("ann") {
			t.Errorf("a reconcile takes %v; active %v", steps, w.active("ann"))
		}
		if err := leaves()["deleted"](w); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		w.reconcile()
		if _, found := w.srv.User("ann"); !found {
			t.Error("the user was deleted in Crowd, though only to be deactivated")
		}
	})
}

// TestAnOldEndHidesNoNewerLeave holds that the record that a hook has ended, landing
// late, does not pass for the end of a leave that came after.
func TestAnOldEndHidesNoNewerLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		w := withChores(t, c)
		w.user("ann")
		w.deactivate("ann")
		const register = "scim.okta.hook.chores"
		first, _ := w.srv.User("ann")
		time.Sleep(time.Hour)
		if err := changesUser(says(true))(t.Context(), w.engine, w, ""); err != nil {
			t.Fatal(err)
		}
		c.hand["ann"] = []string{"badge"}
		c.plan = func(context.Context, groupsync.Leaver) error { return errors.New("nobody answers") }
		w.deactivate("ann")
		if err := w.srv.Client(t).SetUserAttributes(t.Context(), "ann", map[string][]string{register: first.Attributes[register]}); err != nil {
			t.Fatal(err)
		}
		c.mend()
		time.Sleep(time.Hour)
		w.reconcile()
		if left := c.of("ann"); len(left) > 0 {
			t.Errorf("the leaver has %v still", left)
		}
	})
}

// TestHooksAreRunForLeaversOnly holds who is none: whom the guard keeps, who is
// protected, who belongs to others, who stays in Crowd, and who was created inactive.
func TestHooksAreRunForLeaversOnly(t *testing.T) {
	none := 0
	c := newChores("chores")
	w := withChores(t, c)
	ann := w.user("ann")
	w.cfg.Policy.Deactivations = groupsync.Limit{Count: &none, Percent: &none}
	w.cfg.ProtectedUsers = []string{"root"}
	w.user("root")
	w.restart()
	refused := 0
	for _, leave := range []func() error{
		func() error { return leaves()["deactivated"](w) },
		func() error { return leaves()["deleted"](w) },
		func() error { return w.engine.DeleteUser(t.Context(), w.idOf("root"), groupsync.Delete) },
	} {
		if leave() != nil {
			refused++
		}
	}
	if refused != 3 || len(c.seen) > 0 {
		t.Errorf("%d of 3 were refused, the hook took %v", refused, c.seen)
	}
	if err := w.engine.DeleteUser(t.Context(), ann.ID, groupsync.Keep); err != nil {
		t.Fatal(err)
	}
	off := profile("fay")
	active := false
	off.Fields.Active = &active
	if _, err := w.engine.CreateUser(t.Context(), off, groupsync.Conflict); err != nil {
		t.Fatal(err)
	}
	if len(c.seen) > 0 {
		t.Errorf("the hook took %v", c.seen)
	}
}

func TestHooksHaveNames(t *testing.T) {
	for name, hooks := range map[string][]groupsync.Hook{
		"nil":   {nil},
		"empty": {newChores("")},
		"odd":   {newChores("A b")},
		"twice": {newChores("a"), newChores("b"), newChores("a")},
	} {
		_, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: new(crowdtest.Server).Client(t), Hooks: hooks})
		if err == nil || !strings.Contains(err.Error(), "Hooks") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestHooksSurviveEveryFault lets every call to Crowd go wrong, one at a time, while a
// user with something in hand leaves, with the identity provider's repetition and
// without. In the end, after a reconcile, the leaver is out and has nothing in hand;
// only where the fault kept the request from saying anything at all, and it was not
// repeated, is the user as before. By default it tries one fault in seven; FAULTS=all
// in the environment asks for all.
func TestHooksSurviveEveryFault(t *testing.T) {
	share := 7
	if os.Getenv("FAULTS") == "all" {
		share = 1
	}
	for _, retried := range []bool{true, false} {
		for _, op := range hookOperations() {
			t.Run(fmt.Sprintf("%s/repeated %v", op.name, retried), func(t *testing.T) {
				t.Parallel()
				total := mishapsOf(t, setting{name: "on the fly"}, op, 0, share, func(t *testing.T, m mishap) { seeOff(t, m, retried) })
				if total < 60/share {
					t.Errorf("only %d faults were tried", total)
				}
			})
		}
	}
}

func hookOperations() []operation {
	begin := func(fails bool) func(w *world) string {
		return func(w *world) string {
			c := newChores("chores")
			if fails { // the first time
				c.do = func(context.Context, groupsync.Leaver) error { return errors.New("the office is closed") }
			}
			w.cfg.Hooks = []groupsync.Hook{c}
			w.restart()
			w.group("Devs", w.user("ann"), w.user("eve"))
			return w.idOf("ann")
		}
	}
	var all []operation
	for _, fails := range []bool{false, true} {
		for name, act := range map[string]act{
			"deactivate": changesUser(says(false)), "delete": deletesUser(groupsync.Deactivate), "delete for good": deletesUser(groupsync.Delete),
			"deactivate and rename": changesUser(leavingAsAnna),
		} {
			all = append(all, operation{fmt.Sprintf("%s, hook fails %v", name, fails), begin(fails), act, nil, nil})
		}
	}
	return all
}

func leavingAsAnna() groupsync.Profile {
	p := renamed()
	active := false
	p.Fields.Active, p.ActiveSaid = &active, true
	return p
}

// leaverIn reports whether the user who was ann is active, by whatever name.
func (w *world) leaverIn() bool { return w.active("ann") || w.active("anna") }

func seeOff(t *testing.T, m mishap, retried bool) {
	t.Helper()
	w, id, first := m.meet(t)
	c := w.cfg.Hooks[0].(*chores)
	c.mend()
	if retried {
		if len(w.srv.UserNames()) == 2 { // not deleted yet
			if err := m.act(t.Context(), w.engine, w, id); err != nil && !repeated(err) {
				t.Errorf("again: %v (first: %v)", err, first)
			}
		}
	}
	if m.late {
		w.srv.Land()
	}
	for range 2 {
		time.Sleep(time.Hour)
		w.reconcile()
	}
	switch left := c.of("ann"); {
	case !w.leaverIn() && len(left) > 0:
		t.Errorf("the leaver is out and has %v still (first: %v)", left, first)
	case w.leaverIn() && (retried || first == nil):
		t.Errorf("the leaver is in still (first: %v)", first)
	}
	if again := w.reconcile(); len(again) > 0 {
		t.Errorf("a further reconcile finds %v", again)
	}
}
