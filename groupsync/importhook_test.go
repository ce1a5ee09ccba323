package groupsync_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// records yields users, and then groups, as an identity provider would tell of them.
func records(groups []groupsync.ImportGroup, users ...string) iter.Seq2[groupsync.ImportRecord, error] {
	return func(yield func(groupsync.ImportRecord, error) bool) {
		for _, name := range users {
			u := &groupsync.ImportUser{
				ExternalID: "ext-" + name, Name: name, Profile: profile(name),
				Update: func(*groupsync.User) (groupsync.Profile, error) { return profile(name), nil },
			}
			if !yield(groupsync.ImportRecord{User: u}, nil) {
				return
			}
		}
		for _, g := range groups {
			if !yield(groupsync.ImportRecord{Group: &g}, nil) {
				return
			}
		}
	}
}

// told is a group with users in it.
func told(externalID, name string, users ...string) groupsync.ImportGroup {
	return groupsync.ImportGroup{ExternalID: externalID, Name: name, Members: func(yield func(groupsync.ImportMember, error) bool) {
		for _, u := range users {
			if !yield(groupsync.ImportMember{ExternalID: "ext-" + u}, nil) {
				return
			}
		}
	}}
}

func (w *world) planImport(o groupsync.ImportOptions, groups []groupsync.ImportGroup, users ...string) *groupsync.Import {
	w.tb.Helper()
	i, err := w.engine.PlanImport(w.tb.Context(), records(groups, users...), o)
	if err != nil {
		w.tb.Fatal(err)
	}
	return i
}

// TestHooksKeepNoLeaverOfAnImportIn holds that an import locks a leaver out whatever
// hooks plan when it is planned and when it is applied.
func TestHooksKeepNoLeaverOfAnImportIn(t *testing.T) {
	fails := func(context.Context, groupsync.Leaver) error { return errors.New("the office is closed") }
	waits := func(ctx context.Context, _ groupsync.Leaver) error { <-ctx.Done(); return ctx.Err() }
	more := func(c *chores) { c.hand["ann"] = append(c.hand["ann"], "mug") }
	for name, tt := range map[string]struct{ before, between func(c *chores) }{
		"plans the same":             {},
		"plans something else":       {between: more},
		"fails later":                {between: func(c *chores) { c.plan = fails }},
		"failed before":              {func(c *chores) { c.plan = fails }, (*chores).mend},
		"takes too long later":       {between: func(c *chores) { c.plan = waits }},
		"took too long before":       {func(c *chores) { c.plan = waits }, (*chores).mend},
		"fails to act":               {before: func(c *chores) { c.do = fails }},
		"takes too long, both times": {before: func(c *chores) { c.plan = waits }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newChores("chores")
				w := withChores(t, c)
				w.user("ann")
				if tt.before != nil {
					tt.before(c)
				}
				i := w.planImport(groupsync.ImportOptions{DeactivateLeavers: true}, nil)
				if tt.between != nil {
					tt.between(c)
				}
				if _, err := w.engine.ApplyImport(t.Context(), i, groupsync.ImportApply{}); err != nil {
					t.Errorf("apply: %v", err)
				}
				if w.active("ann") {
					t.Error("the leaver is in still")
				}
			})
		})
	}
}

// TestImportPlansHooksOnce holds that applying an import asks a hook for its steps
// once for each leaver, and that they are taken.
func TestImportPlansHooksOnce(t *testing.T) {
	c := newChores("chores")
	w := withChores(t, c)
	w.user("ann")
	i := w.planImport(groupsync.ImportOptions{DeactivateLeavers: true}, nil)
	before := c.asked
	if _, err := w.engine.ApplyImport(t.Context(), i, groupsync.ImportApply{}); err != nil {
		t.Fatal(err)
	}
	if asked := c.asked - before; before != 1 || asked != 1 || len(c.of("ann")) != 0 {
		t.Errorf("the hook was asked %d times for the plan and %d times to apply it, %v is left", before, asked, c.of("ann"))
	}
}

// TestFingerprintLeavesHooksOut holds that what hooks plan does not change what
// a plan is approved by.
func TestFingerprintLeavesHooksOut(t *testing.T) {
	c := newChores("chores")
	w := withChores(t, c)
	w.user("ann")
	o := groupsync.ImportOptions{DeactivateLeavers: true}
	first := w.planImport(o, nil).Plan
	c.hand["ann"] = nil
	second := w.planImport(o, nil).Plan
	if len(first.Steps) != len(second.Steps)+2 || first.Fingerprint() != second.Fingerprint() {
		t.Errorf("the fingerprint %s became %s with\n%v\n%v", first.Fingerprint(), second.Fingerprint(), first, second)
	}
}

// TestPlanImportWaitsForHooks holds that no hook is at work any more when an import
// is planned.
func TestPlanImportWaitsForHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChores("chores")
		ended := false
		c.plan = func(context.Context, groupsync.Leaver) error {
			time.Sleep(30 * time.Second)
			ended = true
			return nil
		}
		w := worldOver(t, new(crowdtest.Server), func(cfg *groupsync.Config) { hooked(cfg, c) })
		w.user("ann")
		w.planImport(groupsync.ImportOptions{DeactivateLeavers: true}, nil)
		if !ended {
			t.Error("the hook is at work still")
		}
	})
}
