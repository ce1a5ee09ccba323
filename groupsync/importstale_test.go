package groupsync_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// importedDevs is a group on record with an id of the identity provider's.
func (w *world) importedDevs(members ...*groupsync.User) *groupsync.Group {
	w.tb.Helper()
	g := w.group("Devs", members...)
	id := "g1"
	if _, err := w.engine.ChangeGroup(w.tb.Context(), g.ID, groupsync.GroupChange{ExternalID: &id}); err != nil {
		w.tb.Fatal(err)
	}
	return g
}

func (w *world) wantName(id, want string) {
	w.tb.Helper()
	g, err := w.engine.Group(w.tb.Context(), id)
	if err != nil || g.Name != want {
		w.tb.Errorf("the group is %+v, %v; want the name %q", g, err, want)
	}
}

// TestImportUndoesNoRename holds that a group which was renamed after an import was
// planned keeps its name, and that the rest of the import is done.
func TestImportUndoesNoRename(t *testing.T) {
	for name, tt := range map[string]struct {
		told  string
		stale int
	}{"by one that it plans": {"Crew", 1}, "by none": {"Devs", 0}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.user("ann")
			g := w.importedDevs()
			i := w.planImport(groupsync.ImportOptions{}, []groupsync.ImportGroup{told("g1", tt.told, "ann")}, "ann")
			w.rename(g.ID, "Team")
			r, err := w.engine.ApplyImport(t.Context(), i, groupsync.ImportApply{})
			if stale := errors.Is(err, groupsync.ErrStalePlan); stale != (tt.stale > 0) || len(r.Stale) != tt.stale || r.Applied != 1 {
				t.Errorf("applied %d, stale %v: %v", r.Applied, r.Stale, err)
			}
			w.wantName(g.ID, "Team")
			w.wantMembers("Team", "ann")
		})
	}
}

// TestImportUndoesNoExternalID holds the same of a group's externalId.
func TestImportUndoesNoExternalID(t *testing.T) {
	w := newWorld(t)
	g := w.group("Devs")
	i := w.planImport(groupsync.ImportOptions{}, []groupsync.ImportGroup{told("g1", "Devs")})
	id := "other"
	if _, err := w.engine.ChangeGroup(t.Context(), g.ID, groupsync.GroupChange{ExternalID: &id}); err != nil {
		t.Fatal(err)
	}
	r, err := w.engine.ApplyImport(t.Context(), i, groupsync.ImportApply{})
	if !errors.Is(err, groupsync.ErrStalePlan) || len(r.Stale) != 1 {
		t.Errorf("stale %v: %v", r.Stale, err)
	}
	if now, err := w.engine.Group(t.Context(), g.ID); err != nil || now.ExternalID != "other" {
		t.Errorf("the group is %+v, %v", now, err)
	}
}

// TestImportRevokesNoNewerGrant holds that a member who was put into a group again
// after an import was planned stays in it, while the others are taken out.
func TestImportRevokesNoNewerGrant(t *testing.T) {
	w := newWorld(t)
	ann, ben, cid := w.user("ann"), w.user("ben"), w.user("cid")
	g := w.importedDevs(ann, ben, cid)
	i := w.planImport(groupsync.ImportOptions{RemoveMembers: true}, []groupsync.ImportGroup{told("g1", "Devs")}, "ann", "ben", "cid")
	w.change(g.ID, remove(ann, cid))
	w.change(g.ID, add(ann))
	r, err := w.engine.ApplyImport(t.Context(), i, groupsync.ImportApply{})
	if !errors.Is(err, groupsync.ErrStalePlan) || len(r.Stale) != 1 || r.Stale[0].User != "ann" || r.Applied != 2 {
		t.Errorf("applied %d, stale %v: %v", r.Applied, r.Stale, err)
	}
	w.wantMembers("Devs", "ann")
	if o := i.Outcomes[slices.IndexFunc(i.Outcomes, func(o groupsync.ImportOutcome) bool { return o.Kind == "group" })]; o.Done || o.Error == "" {
		t.Errorf("the outcome is %+v", o)
	}
}

// TestImportCountsWhatItDidNotPlan holds that the guard counts the memberships that
// an import ends for want of a grant, and that its plan does not have.
func TestImportCountsWhatItDidNotPlan(t *testing.T) {
	none := 0
	w := newWorld(t, keepingNobody, func(c *groupsync.Config) { c.Policy.Removals = groupsync.Limit{Count: &none, Percent: &none} })
	w.user("ann")
	w.importedDevs()
	w.srv.AddGroup(crowd.Group{Name: "chess", Active: true})
	w.srv.AddMember("chess", "ann")
	i := w.planImport(groupsync.ImportOptions{}, []groupsync.ImportGroup{told("g1", "Devs", "ann")}, "ann")
	_, err := w.engine.ApplyImport(t.Context(), i, groupsync.ImportApply{})
	refused, ok := errors.AsType[*groupsync.GuardError](err)
	if !ok || refused.Count != 1 {
		t.Fatalf("apply: %v, want a refusal of 1", err)
	}
	w.wantMembers("chess", "ann")
	w.wantMembers("Devs")
	w.engine.Approve(refused.Fingerprint)
	if _, err := w.engine.ApplyImport(t.Context(), i, groupsync.ImportApply{}); err != nil {
		t.Errorf("once approved: %v", err)
	}
	w.wantMembers("Devs", "ann")
	w.wantMembers("chess")
}

// TestImportCountsWhatItPlannedOnce holds that what the guard let pass with the plan
// of an import is not counted again group by group.
func TestImportCountsWhatItPlannedOnce(t *testing.T) {
	none := 0
	w := newWorld(t, func(c *groupsync.Config) { c.Policy.Removals = groupsync.Limit{Count: &none, Percent: &none} })
	w.importedDevs(w.user("ann"), w.user("ben"))
	i := w.planImport(groupsync.ImportOptions{RemoveMembers: true}, []groupsync.ImportGroup{told("g1", "Devs")}, "ann", "ben")
	if _, err := w.engine.ApplyImport(t.Context(), i, groupsync.ImportApply{Approve: i.Plan.Fingerprint()}); err != nil {
		t.Error(err)
	}
	w.wantMembers("Devs")
}
