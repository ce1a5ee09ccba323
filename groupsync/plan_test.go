package groupsync_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// plans draws plans of any steps with any texts.
func plans() *rapid.Generator[*groupsync.Plan] {
	text := rapid.OneOf(rapid.StringN(0, 8, -1), rapid.SampledFrom([]string{"ann", "Ann", "devs", "", "-", "a\tb\nc", "\u202Eevil", "日本"}))
	change := rapid.Custom(func(t *rapid.T) groupsync.Change {
		return groupsync.Change{Field: text.Draw(t, "field"), Before: text.Draw(t, "before"), After: text.Draw(t, "after")}
	})
	reason := rapid.Custom(func(t *rapid.T) mapping.Reason {
		kind := rapid.SampledFrom([]string{mapping.ReasonGrant, mapping.ReasonDefault, mapping.ReasonRevoked}).Draw(t, "kind")
		return mapping.Reason{Kind: kind, Group: text.Draw(t, "group"), ID: text.Draw(t, "id"), Rule: text.Draw(t, "rule")}
	})
	step := rapid.Custom(func(t *rapid.T) groupsync.Step {
		return groupsync.Step{
			Op: rapid.SampledFrom([]groupsync.Op{
				groupsync.OpCreateUser, groupsync.OpAddMember, groupsync.OpRemoveMember, groupsync.OpUpdateUser, groupsync.OpDeleteGroup,
			}).Draw(t, "op"),
			Child: text.Draw(t, "child"), ChildID: text.Draw(t, "child id"),
			User: text.Draw(t, "user"), UserID: text.Draw(t, "user id"), Group: text.Draw(t, "group"), GroupID: text.Draw(t, "group id"),
			Changes: rapid.SliceOfN(change, 0, 3).Draw(t, "changes"), Why: text.Draw(t, "why"),
			Reasons: rapid.SliceOfN(reason, 0, 2).Draw(t, "reasons"),
		}
	})
	return rapid.Custom(func(t *rapid.T) *groupsync.Plan {
		return &groupsync.Plan{Title: text.Draw(t, "title"), Steps: rapid.SliceOfN(step, 0, 6).Draw(t, "steps")}
	})
}

var samePlan = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(groupsync.Plan{}, groupsync.Step{})}

func TestPlanSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plans().Draw(t, "plan")
		document, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back groupsync.Plan
		if err := json.Unmarshal(document, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, &back, samePlan); diff != "" {
			t.Fatalf("plan mismatch (-want +got):\n%s", diff)
		}
		if p.Fingerprint() != back.Fingerprint() || p.Table() != back.Table() {
			t.Fatalf("the plan reads differently:\n%s%s", p.Table(), back.Table())
		}
	})
}

// TestPlanTableIsALineForEachStep holds that no name breaks a line or column.
func TestPlanTableIsALineForEachStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := plans().Draw(t, "plan")
		table := p.Table()
		if lines := strings.Count(table, "\n"); lines != len(p.Steps)+2 {
			t.Fatalf("%d lines for %d steps:\n%s", lines, len(p.Steps), table)
		}
		if i := strings.IndexFunc(table, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
			t.Fatalf("not fit to print at %d: %q", i, table)
		}
		for _, line := range strings.Split(table, "\n") {
			if strings.TrimRight(line, " ") != line {
				t.Fatalf("blanks at the end of %q", line)
			}
		}
	})
}

func TestPlanTable(t *testing.T) {
	p := &groupsync.Plan{Title: `replace the members of "devs"`, Steps: []groupsync.Step{
		{Op: groupsync.OpUpdateUser, User: "ann", Changes: []groupsync.Change{{Field: "email", Before: "a@x", After: "b@x"}, {Field: "lastName", After: "A\nB"}}},
		{Op: groupsync.OpAddMember, User: "日本", Group: "devs", Why: "said so", Reasons: []mapping.Reason{{Kind: mapping.ReasonGrant, Group: "Devs"}}},
		{Op: groupsync.OpAddGroup, Child: "ops", Group: "devs"},
		{Op: groupsync.OpDeleteGroup, Group: " \u202Egroup"},
	}}
	want := `replace the members of "devs"
#  STEP          MEMBER  GROUP           CHANGE                                       WHY
1  update user   ann     -               email "a@x" -> "b@x", lastName "" -> "A\nB"  -
2  add member    日本      devs            -                                            said so; granted by Devs
3  add group     ops     devs            -                                            -
4  delete group  -       " \u202egroup"  -                                            -
`
	if diff := cmp.Diff(want, p.Table()); diff != "" {
		t.Errorf("table mismatch (-want +got):\n%s", diff)
	}
	if got := (&groupsync.Plan{Title: "reconcile"}).Table(); got != "reconcile\nnothing to do\n" {
		t.Errorf("table of an empty plan: %q", got)
	}
	full := errors.New("disk full")
	for left := range len(want) {
		if err := p.WriteTable(&brokenWriter{left: left, err: full}); !errors.Is(err, full) {
			t.Fatalf("after %d bytes: %v", left, err)
		}
	}
}

// A brokenWriter takes so many bytes and fails then.
type brokenWriter struct {
	left int
	err  error
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	n := min(w.left, len(p))
	w.left -= n
	if n < len(p) {
		return n, w.err
	}
	return n, nil
}

func TestDiffPlans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := plans().Draw(t, "before"), plans().Draw(t, "after")
		common := plans().Draw(t, "common").Steps
		before.Steps = rapid.Permutation(append(before.Steps, common...)).Draw(t, "order")
		after.Steps = rapid.Permutation(append(after.Steps, common...)).Draw(t, "other order")

		d := groupsync.DiffPlans(before, after)
		if len(d.Removed)+d.Same != len(before.Steps) || len(d.Added)+d.Same != len(after.Steps) || d.Same < len(common) {
			t.Fatalf("%d and %d steps, %d in common: %s", len(before.Steps), len(after.Steps), len(common), d)
		}
		back := groupsync.DiffPlans(after, before)
		if len(back.Removed) != len(d.Added) || len(back.Added) != len(d.Removed) || back.Same != d.Same {
			t.Fatalf("there %s\nand back %s", d, back)
		}
		if left := groupsync.DiffPlans(&groupsync.Plan{Steps: d.Removed}, &groupsync.Plan{Steps: d.Added}); left.Same != 0 {
			t.Fatalf("steps both removed and added: %s", d)
		}
		if self := groupsync.DiffPlans(before, before); len(self.Removed)+len(self.Added) != 0 {
			t.Fatalf("a plan differs from itself: %s", self)
		}
	})
}

func TestDiffPlansCountsWhatIsDone(t *testing.T) {
	step := groupsync.Step{Op: groupsync.OpUpdateUser, User: "ann", UserID: "1.a", Group: "devs", Changes: []groupsync.Change{{Field: "email", After: "a"}}}
	for _, tt := range []struct {
		name   string
		change func(*groupsync.Step)
		same   int
	}{
		{"nothing", func(*groupsync.Step) {}, 1},
		{"why", func(s *groupsync.Step) { s.Why = "said so" }, 1},
		{"reasons", func(s *groupsync.Step) { s.Reasons = []mapping.Reason{{Kind: mapping.ReasonGrant}} }, 1},
		{"letter case", func(s *groupsync.Step) { s.User, s.Group = "Ann", "Devs" }, 1},
		{"op", func(s *groupsync.Step) { s.Op = groupsync.OpRecord }, 0},
		{"user", func(s *groupsync.Step) { s.User = "bob" }, 0},
		{"user id", func(s *groupsync.Step) { s.UserID = "1.b" }, 0},
		{"group", func(s *groupsync.Step) { s.Group = "ops" }, 0},
		{"group id", func(s *groupsync.Step) { s.GroupID = "n-1" }, 0},
		{"child", func(s *groupsync.Step) { s.Child = "ops" }, 0},
		{"child id", func(s *groupsync.Step) { s.ChildID = "n-2" }, 0},
		{"change", func(s *groupsync.Step) { s.Changes = []groupsync.Change{{Field: "email", After: "b"}} }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			other := step
			tt.change(&other)
			d := groupsync.DiffPlans(&groupsync.Plan{Steps: []groupsync.Step{step}}, &groupsync.Plan{Steps: []groupsync.Step{other}})
			if d.Same != tt.same || len(d.Removed) != 1-tt.same || len(d.Added) != 1-tt.same {
				t.Errorf("DiffPlans: %s", d)
			}
		})
	}
	twice := &groupsync.Plan{Steps: []groupsync.Step{step, step}}
	if d := groupsync.DiffPlans(twice, &groupsync.Plan{Steps: twice.Steps[:1]}); d.Same != 1 || len(d.Removed) != 1 {
		t.Errorf("a step that is there twice and once: %s", d)
	}
}
