package groupsync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A mistake is one thing that an identity provider does to a group.
type mistake struct {
	Kind    string
	Group   int
	Members int // whom, one bit each
}

// A script is what happens between a snapshot and its restoration.
type script struct {
	Setting  int
	Undo     bool // by the audit log, not by the snapshot
	Mistakes []mistake
	Hand     []int // groups into which fay is put by hand since
	Out      bool  // dan, who was there by hand, is taken out by hand since
}

var (
	mistakenGroups  = []string{"Devs", "Ops", "Misc"}
	mistakenMembers = []string{"ann", "bob", "cat", "eve"}
)

func drawScript(t *rapid.T) script {
	kind := rapid.SampledFrom([]string{"empty", "add", "remove", "replace", "rename", "externalId", "delete", "delete and push", "take a name"})
	return script{
		Setting: rapid.IntRange(0, len(settings())-1).Draw(t, "setting"),
		Undo:    rapid.Bool().Draw(t, "undo"),
		Mistakes: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) mistake {
			return mistake{kind.Draw(t, "kind"), rapid.IntRange(0, 2).Draw(t, "group"), rapid.IntRange(1, 15).Draw(t, "members")}
		}), 1, 6).Draw(t, "mistakes"),
		Hand: rapid.SliceOfN(rapid.IntRange(0, 2), 0, 2).Draw(t, "hand"),
		Out:  rapid.Bool().Draw(t, "out"),
	}
}

// TestMistakesAreTakenBack lets the identity provider do anything to three groups, then
// brings them back from a snapshot or by undo: those in them are those of before, who
// was put there or taken out by hand since is still so, and nothing is left to do.
//
// -rapid.checks sets the number of scripts.
func TestMistakesAreTakenBack(t *testing.T) {
	sameLives(t)
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScript(rt)
		if problem := s.play(t); problem != "" {
			rt.Fatalf("%+v under %q: %s", s, settings()[s.Setting].name, problem)
		}
	})
}

// play plays a script and returns what went wrong.
func (s script) play(t *testing.T) (problem string) {
	synctest.Test(t, func(t *testing.T) {
		setting := settings()[s.Setting]
		p := &playing{world: setting.world(t), ids: map[string]string{}}
		log := p.audited()
		for _, name := range append([]string{"dan", "fay"}, mistakenMembers...) {
			p.user(name)
		}
		p.byHand("Devs", "dan")
		for i, name := range mistakenGroups {
			p.ids[name] = p.group(name, p.member(mistakenMembers[i]), p.member(mistakenMembers[i+1])).ID
		}
		time.Sleep(time.Hour)
		p.reconcile() // under "nobody kept" dan is out
		before, members := p.remember(), p.state()
		for _, m := range s.Mistakes {
			p.requested("mistake", func(ctx context.Context) error { return p.make(ctx, m) })
		}
		time.Sleep(time.Hour)
		for _, g := range s.Hand {
			p.byHand(mistakenGroups[g], "fay")
		}
		if s.Out {
			p.takeOut("Devs", "dan")
		}
		time.Sleep(time.Hour)
		plan := func() (*groupsync.Restoration, error) {
			if s.Undo {
				return planUndo(t.Context(), p.engine, log.Bytes(), groupsync.UndoQuery{Request: "mistake"})
			}
			return p.engine.PlanRestore(t.Context(), before, groupsync.RestoreOptions{})
		}
		for again := true; again && problem == ""; {
			problem, again = p.amend(t.Context(), plan)
		}
		if problem == "" {
			problem = p.differs(members, s, setting, "restored")
		}
		if r, err := plan(); problem == "" && (err != nil || len(r.Plan.Steps) > 0) {
			problem = fmt.Sprintf("planned again: %v, %v", r.Plan, err)
		}
		time.Sleep(time.Hour)
		p.reconcile()
		if problem == "" {
			problem = p.differs(members, s, setting, "reconciled")
		}
	})
	return problem
}

// amend plans and applies, and tells whether that is to be done again: groups that have
// taken each other's names get them back one by one, as the plan says.
func (p *playing) amend(ctx context.Context, plan func() (*groupsync.Restoration, error)) (problem string, again bool) {
	r, err := plan()
	if err != nil {
		return err.Error(), false
	}
	done, err := p.engine.ApplyRestore(groupsync.WithRequestID(ctx, "amends"), r, groupsync.ReconcileOptions{})
	if err != nil {
		return fmt.Sprintf("%v; left out: %v; planned: %v", err, done.Stale, r.Plan), false
	}
	return "", len(r.Plan.Steps) > 0 && slices.ContainsFunc(r.Left, func(l groupsync.LeftAlone) bool {
		return strings.Contains(l.Why, "then restore again") || strings.Contains(l.Why, "first")
	})
}

// A playing is a world and what became of its groups.
type playing struct {
	*world
	ids map[string]string // by the names they had first; none for deleted ones
}

func (p *playing) make(ctx context.Context, m mistake) error {
	first := mistakenGroups[m.Group]
	id := p.ids[first]
	if id == "" {
		return nil
	}
	var users []*groupsync.User
	for i, name := range mistakenMembers {
		if m.Members&(1<<i) != 0 {
			users = append(users, p.member(name))
		}
	}
	var c groupsync.GroupChange
	switch m.Kind {
	case "empty":
		c.Members = []groupsync.MemberChange{replace()}
	case "add":
		c.Members = []groupsync.MemberChange{add(users...)}
	case "remove":
		c.Members = []groupsync.MemberChange{remove(users...)}
	case "replace":
		c.Members = []groupsync.MemberChange{replace(users...)}
	case "rename":
		c.Name = new(fmt.Sprintf("%s %d", first, m.Members))
	case "take a name":
		c.Name = new(mistakenGroups[(m.Group+1)%len(mistakenGroups)])
	case "externalId":
		c.ExternalID = new("x1")
	default:
		delete(p.ids, first)
		if err := p.engine.DeleteGroup(ctx, id); err != nil || m.Kind == "delete" {
			return err
		}
		made, err := p.engine.CreateGroup(ctx, groupsync.NewGroup{Name: first + " anew", Members: []string{users[0].ID}})
		if err == nil {
			p.ids[first] = made.ID
		}
		return err
	}
	_, err := p.engine.ChangeGroup(ctx, id, c)
	if _, taken := errors.AsType[*groupsync.ConflictError](err); taken {
		return nil
	}
	return err
}

// state returns the members of the groups, by the names of these.
func (p *playing) state() map[string][]string {
	all := map[string][]string{}
	for _, name := range mistakenGroups {
		if g, err := p.engine.GroupByName(context.Background(), name); err == nil {
			all[name] = p.scimMembers(g.ID)
		}
	}
	return all
}

func (p *playing) takeOut(group, user string) {
	for _, t := range p.cfg.Groups.Targets(mapping.SCIMGroup{Name: group}) {
		if _, err := p.srv.Client(p.tb).RemoveMember(context.Background(), t.Group, user); err != nil && !errors.Is(err, crowd.ErrNotFound) {
			p.tb.Fatal(err)
		}
	}
}

// differs tells what is not as it should be.
func (p *playing) differs(members map[string][]string, s script, setting setting, when string) string {
	if diff := cmp.Diff(members, p.state()); diff != "" {
		return when + ", SCIM members (-want +got):\n" + diff
	}
	if !setting.keepsHands() {
		return ""
	}
	for _, g := range s.Hand {
		for _, target := range p.cfg.Groups.Targets(mapping.SCIMGroup{Name: mistakenGroups[g]}) {
			if !slices.Contains(p.srv.Members(target.Group), "fay") {
				return fmt.Sprintf("%s, fay, who was put there by hand, is not in %s", when, target.Group)
			}
		}
	}
	for _, target := range p.cfg.Groups.Targets(mapping.SCIMGroup{Name: "Devs"}) {
		if in := slices.Contains(p.srv.Members(target.Group), "dan"); in == s.Out {
			return fmt.Sprintf("%s, dan is in %s: %v; taken out by hand: %v; there are %s", when, target.Group, in, s.Out, strings.Join(p.srv.Members(target.Group), ", "))
		}
	}
	return ""
}
