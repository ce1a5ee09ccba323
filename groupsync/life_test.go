package groupsync_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// TestLives lives random lives of a company: its identity provider, its Crowd
// administrators, changes of the settings, faults and time, in any order. After
// each deed Crowd holds what the model says, but for what was done by hand and
// waits for a reconcile; after a reconcile it holds exactly that.
//
// -rapid.checks sets the number of lives.
func TestLives(t *testing.T) {
	sameLives(t)
	rapid.Check(t, func(rt *rapid.T) {
		deeds := rapid.SliceOfN(rapid.Custom(drawDeed), 15, 60).Draw(rt, "deeds")
		if rapid.IntRange(0, 4).Draw(rt, "begin") > 0 {
			deeds = append(beginnings(), deeds...)
		}
		if problem := live(t, deeds); problem != "" {
			rt.Fatal(live(t, shortened(t, deeds)))
		}
	})
}

// shortened returns the shortest life, of those tried, that goes wrong as deeds do.
func shortened(t *testing.T, deeds []deed) []deed {
	for size := len(deeds) / 2; size > 0; size /= 2 {
		for i := 0; i+size <= len(deeds); {
			if shorter := slices.Delete(slices.Clone(deeds), i, i+size); live(t, shorter) != "" {
				deeds = shorter
			} else {
				i++
			}
		}
	}
	for i := range deeds {
		plain := slices.Clone(deeds)
		if plain[i].Fault = (mischance{}); live(t, plain) != "" {
			deeds = plain
		}
	}
	return deeds
}

// beginnings are the first deeds of most lives: users in teams, so that more is at
// stake.
func beginnings() []deed {
	return []deed{
		{Kind: "create user", A: 0},
		{Kind: "create user", A: 1},
		{Kind: "create user", A: 2},
		{Kind: "create user", A: 3},
		{Kind: "hand: make user", A: 4},
		{Kind: "hand: make group", B: 1},
		{Kind: "hand: add", A: 0, B: 1},
		{Kind: "create group", A: 0, Members: 0b0011},
		{Kind: "create group", A: 1, Members: 0b0101},
		{Kind: "hand: add", A: 3, B: 0},
		{Kind: "reconcile"},
	}
}

// live lives a life and returns what went wrong.
func live(t *testing.T, deeds []deed) (problem string) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife(t)
		defer func() {
			switch p := recover().(type) {
			case nil:
			case wrong:
				problem = string(p) + "\nLife:\n" + strings.Join(l.log, "\n")
			default:
				panic(p)
			}
		}()
		for _, d := range deeds {
			l.do(d)
		}
		l.reconcile()
		l.quiet()
	})
	return problem
}

// wrong is what a life panics with.
type wrong string

// A life is a company on one Crowd, told by what should be and by what is.
type life struct {
	tb      testing.TB
	srv     *crowdtest.Server
	cfg     groupsync.Config
	engine  *groupsync.Engine
	hand    *crowd.Client // an administrator's
	company *company
	settled bool // nothing was done by hand since the last reconcile
	log     []string
	guarded map[string]crowd.Group // protected groups as they were
}

func newLife(tb testing.TB) *life {
	l := &life{tb: tb, srv: new(crowdtest.Server), settled: true, guarded: map[string]crowd.Group{}}
	l.srv.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	l.hand = l.srv.Client(tb)
	l.cfg = groupsync.Config{Connection: "okta", ProtectedUsers: []string{"root"}, Groups: compiledRules(0)}
	l.company = newCompany(l.cfg.Groups)
	l.srv.AddGroup(crowd.Group{Name: "crowd-administrators", Active: true}, crowd.Group{Name: "Chess", Active: true})
	l.srv.AddUser(crowd.User{Name: "root", Active: true, DisplayName: "root"})
	l.srv.AddMember("crowd-administrators", "root")
	l.company.place("crowd-administrators").exists = true
	l.company.place("Chess").exists = true
	l.company.tie(l.join("root"), "crowd-administrators").member = true
	l.company.tie(l.join("root"), "crowd-administrators").hand = true
	l.guarded["crowd-administrators"], _ = l.srv.Group("crowd-administrators")
	l.restart()
	return l
}

// restart replaces the engine, as another replica or process would.
func (l *life) restart() {
	cfg := l.cfg
	cfg.Crowd = l.srv.Client(l.tb)
	e, err := groupsync.New(cfg)
	if err != nil {
		l.fail("new engine: %v", err)
	}
	l.engine = e
}

func (l *life) fail(format string, args ...any) {
	panic(wrong(fmt.Sprintf(format, args...)))
}

func (l *life) note(format string, args ...any) {
	l.log = append(l.log, time.Now().Format("15:04:05 ")+fmt.Sprintf(format, args...))
}

// join enters a user of Crowd into the model.
func (l *life) join(name string) *employee {
	u, found := l.srv.User(name)
	if !found {
		l.fail("Crowd has no user %q", name)
	}
	if p := l.company.people[u.Key]; p != nil {
		return p
	}
	p := &employee{key: u.Key, id: strings.Replace(u.Key, ":", ".", 1), name: u.Name, display: u.DisplayName, active: u.Active, said: true}
	l.company.people[p.key] = p
	return p
}

// compiledRules returns one of several settings of group mapping.
func compiledRules(i int) *mapping.GroupMap {
	off := false
	manual := func(rules ...mapping.Rule) mapping.Groups {
		return mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: rules}}
	}
	imports := manual(mapping.Rule{From: "Devs", To: []string{"jira-devs"}})
	imports.Manual.ImportGroups = true
	all := []mapping.Groups{
		{},
		{OnTheFly: mapping.OnTheFly{KeepExistingGroups: &off}},
		manual(mapping.Rule{From: "Devs", To: []string{"jira-devs"}}, mapping.Rule{From: "Ops", To: []string{"jira-devs", "jira-ops"}}),
		manual(mapping.Rule{From: "Devs", To: []string{"jira-devs"}, KeepExistingUsers: &off}, mapping.Rule{FromPattern: "o(.*)", To: []string{"jira-o$1"}}),
		imports,
		{DefaultForAllUsers: []string{"staff"}, DefaultForNewUsers: []string{"newcomers"}},
		{OnTheFly: mapping.OnTheFly{Create: &off}},
		manual(mapping.Rule{From: "QA", To: []string{"crowd-administrators"}, Protected: "add"}, mapping.Rule{From: "Devs", To: []string{"Chess"}}),
		{OnTheFly: mapping.OnTheFly{Rename: mapping.Rename{Prefix: "scim-"}}},
	}
	m, err := mapping.CompileGroups(all[i%len(all)])
	if err != nil {
		panic(err)
	}
	return m
}

const ruleSettings = 9

// context bounds a request as a server would.
func (l *life) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(l.tb.Context(), 50*time.Second)
}

// reconcile reconciles, in the model too, and holds Crowd against it.
func (l *life) reconcile() {
	c := l.company
	for l.nearQuarantine() {
		time.Sleep(61 * time.Second)
	}
	began := time.Now()
	ctx, cancel := l.context()
	defer cancel()
	result, err := l.engine.Reconcile(ctx, groupsync.ReconcileOptions{})
	if err != nil || !result.Whole {
		l.fail("reconcile: %v", err)
	}
	l.note("reconcile: %d steps", len(result.Plan.Steps))
	for _, s := range result.Plan.Steps {
		l.note("    %s", s)
	}
	c.now = began
	c.heal(began)
	for _, p := range c.people {
		if time.Since(p.told) < 3*time.Minute {
			continue
		}
		if u, _ := l.srv.User(p.name); p.owned && !p.gone && u.DisplayName != p.display {
			l.fail("after a reconcile %s shows as %q, want %q", p.name, u.DisplayName, p.display)
		}
	}
	l.settled = true
	l.check("reconcile")
}

// quiet holds that a second reconcile has nothing to do.
func (l *life) quiet() {
	time.Sleep(3 * time.Minute) // nothing is on its way any more
	l.reconcile()
	ctx, cancel := l.context()
	defer cancel()
	plan, err := l.engine.Plan(ctx, groupsync.ReconcileOptions{})
	if err != nil {
		l.fail("plan: %v", err)
	}
	if len(plan.Steps) > 0 {
		l.fail("after a reconcile another finds\n%s", plan)
	}
}

// nearQuarantine reports whether a quarantine ends about now, so that nobody can
// say which side of it a deed is on.
func (l *life) nearQuarantine() bool {
	for _, t := range l.company.ties {
		if d := time.Since(t.left.Add(lifeQuarantine)); !t.left.IsZero() && d.Abs() < 30*time.Second {
			return true
		}
	}
	return false
}

// check holds Crowd, and what SCIM shows, against the model.
func (l *life) check(after string) {
	for _, at := range l.company.everywhere() {
		l.checkPlace(after, at)
	}
	for _, name := range l.srv.GroupNames() {
		if at := l.company.places[crowd.Fold(name)]; (at == nil || !at.exists) && !strings.HasPrefix(name, groupsync.RegistryPrefix) {
			l.fail("after %s: Crowd has a group %q that it should not have", after, name)
		}
	}
	l.checkPeople(after)
	l.checkTeams(after)
	for name, was := range l.guarded {
		if now, _ := l.srv.Group(name); cmp.Diff(was, now) != "" {
			l.fail("after %s: the protected group %q has changed:\n%s", after, name, cmp.Diff(was, now))
		}
	}
}

// checkPlace compares one Crowd group and its members. What was done by hand may
// have been undone already, and nothing else.
func (l *life) checkPlace(after string, at *place) {
	c := l.company
	_, exists := l.srv.Group(at.name)
	filled := c.filledBy(at.name)
	create := slices.ContainsFunc(filled, func(t mapping.Target) bool { return t.Create })
	if exists != at.exists {
		healed := exists && create || !exists && at.ours && len(filled) == 0
		open := at.lax && len(filled) == 0 && len(c.membersOf(at)) == 0
		if !open && (l.settled || !healed) {
			l.fail("after %s: there is a Crowd group %q: %v, want %v", after, at.name, exists, at.exists)
		}
		if exists {
			at.exists, at.ours, at.gone = true, true, false
		} else {
			c.vanish(at)
		}
	}
	members := l.srv.Members(at.name)
	for _, p := range c.everyone() {
		l.checkTie(after, p, at, containsName(members, p.name))
	}
	if known := len(c.membersOf(at)); known != len(members) {
		l.fail("after %s: %q has the members %v, want %v", after, at.name, members, c.membersOf(at))
	}
}

func (l *life) checkTie(after string, p *employee, at *place, member bool) {
	c := l.company
	t := c.tie(p, at.name)
	if t.unsure && !t.wanted {
		t.unsure = false
		if t.member != member {
			t.member, t.hand = member, member
			if !member {
				t.left = c.now
			}
		}
	}
	if t.member == member {
		return
	}
	healed := member && t.wanted || !member && !t.wanted && (!t.hand || !c.stays(p, at))
	swept := !member && !t.wanted && t.hand && !c.stays(p, at)
	if !swept && (l.settled || !healed) {
		l.fail("after %s: %s is in %q: %v, want %v (%+v)", after, p.name, at.name, member, t.member, *t)
	}
	t.member, t.hand = member, false
}

func (l *life) checkPeople(after string) {
	if got, want := len(l.srv.UserNames()), len(l.company.people); got != want {
		l.fail("after %s: Crowd has %d users, want %d", after, got, want)
	}
	for _, p := range l.company.everyone() {
		u, found := l.srv.User(p.name)
		if !found || u.Key != p.key {
			l.fail("after %s: Crowd has no user %q with key %s", after, p.name, p.key)
		}
		if u.Active != p.active && (l.settled || u.Active && !p.active && p.said) {
			l.fail("after %s: %s is active: %v, want %v", after, p.name, u.Active, p.active)
		}
		p.active = u.Active
		l.checkShown(after, p)
	}
}

// checkShown holds what SCIM shows of a user.
func (l *life) checkShown(after string, p *employee) {
	v, err := l.engine.User(l.tb.Context(), p.id)
	if errors.Is(err, groupsync.ErrNoUser) && p.gone {
		return
	}
	if err != nil || p.gone {
		l.fail("after %s: SCIM shows %s: %v, want it gone: %v", after, p.name, err, p.gone)
	}
	var want, got []string
	for _, g := range l.company.teams {
		if g.members[p.key] {
			want = append(want, g.id)
		}
		if slices.Contains(v.Grants, g.id) {
			got = append(got, g.id)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		l.fail("after %s: %s holds grants of %v, want %v", after, p.name, got, want)
	}
}

// checkTeams holds the SCIM groups.
func (l *life) checkTeams(after string) {
	groups, err := l.engine.Groups(l.tb.Context())
	if err != nil {
		l.fail("after %s: groups: %v", after, err)
	}
	shown := map[string]string{}
	for _, g := range groups {
		if g.Adopted {
			shown[g.ID] = g.Name
		}
	}
	want := map[string]string{}
	for id, g := range l.company.teams {
		want[id] = g.name
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		l.fail("after %s: SCIM groups mismatch (-want +got):\n%s", after, diff)
	}
}

// sameLives has the lives be the same in every run, and few enough for one, unless
// the flags -rapid.checks and -rapid.seed say otherwise.
func sameLives(t *testing.T) {
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": "40", "rapid.seed": "11"} {
		if given["rapid.checks"] || given["rapid.seed"] || given["rapid.failfile"] {
			continue
		}
		before := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, before) })
	}
}
