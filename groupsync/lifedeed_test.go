package groupsync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A deed is one thing that somebody does. Numbers choose among what there is at
// that time, so that any list of deeds is a life.
type deed struct {
	Kind    string
	A, B    int // who and what
	Members int // a set of people, a bit each
	Fault   mischance
}

// A mischance is a fault that a request meets.
type mischance struct {
	Kind    crowdtest.FaultKind
	Nth     int
	Times   int
	Abandon bool // the identity provider does not try again
}

func (d deed) String() string {
	s := fmt.Sprintf("%s a=%d b=%d members=%06b", d.Kind, d.A, d.B, d.Members)
	if d.Fault.Kind != crowdtest.NoFault {
		s += fmt.Sprintf(" fault=%+v", d.Fault)
	}
	return s
}

func drawDeed(t *rapid.T) deed {
	d := deed{
		Kind: rapid.SampledFrom([]string{
			"create user", "create user", "link user", "update user", "deactivate", "reactivate", "rename user", "delete user", "delete user for good",
			"create group", "create group", "create group", "rename group", "delete group", "adopt group",
			"add", "add", "add", "remove", "remove", "replace", "replace",
			"hand: add", "hand: add", "hand: remove", "hand: make group", "hand: drop group", "hand: make user", "hand: drop user",
			"hand: disable", "hand: enable", "hand: change profile",
			"rules", "wait", "wait", "reconcile", "restart",
		}).Draw(t, "kind"),
		A: rapid.IntRange(0, 7).Draw(t, "a"), B: rapid.IntRange(0, 7).Draw(t, "b"),
		Members: rapid.IntRange(0, 63).Draw(t, "members"),
	}
	if rapid.IntRange(0, 3).Draw(t, "trouble") == 3 {
		d.Fault = mischance{
			Kind: rapid.SampledFrom([]crowdtest.FaultKind{
				crowdtest.LoseRequest, crowdtest.LoseResponse, crowdtest.LandLate, crowdtest.ResetResponse, crowdtest.CutBody, crowdtest.Answer,
			}).Draw(t, "fault"),
			Nth: rapid.IntRange(1, 12).Draw(t, "nth"), Times: rapid.SampledFrom([]int{3, 1}).Draw(t, "times"),
			Abandon: rapid.Bool().Draw(t, "abandon"),
		}
	}
	return d
}

var (
	lifeUsers  = []string{"ann", "ben", "cid", "dan", "eve", "root"}
	lifeTeams  = []string{"Devs", "Ops", "QA"}
	lifePlaces = []string{"Devs", "Ops", "QA", "Chess", "staff", "newcomers", "jira-devs", "jira-ops"}
)

// do does a deed, in Crowd and in the model, and compares the two.
func (l *life) do(d deed) {
	time.Sleep(time.Second) // no two requests are of one moment
	l.note("%s", d)
	l.company.now = time.Now()
	if by, rest, _ := strings.Cut(d.Kind, ": "); by == "hand" {
		l.byHand(rest, d)
		l.check(d.Kind)
		return
	}
	switch d.Kind {
	case "rules":
		l.changeRules(d.A*8 + d.B)
	case "wait":
		time.Sleep([]time.Duration{47 * time.Second, 187 * time.Second, 673 * time.Second}[d.A%3])
	case "reconcile":
		l.reconcile()
	case "restart":
		l.restart()
	default:
		if s := l.says(d); s != nil {
			l.request(s, d.Fault)
			l.check(d.Kind)
		}
	}
}

// changeRules serves with other settings, and reconciles, which brings Crowd to
// them.
func (l *life) changeRules(i int) {
	l.reconcile()
	l.cfg.Groups = compiledRules(i % ruleSettings)
	l.company.rules = l.cfg.Groups
	for _, at := range l.company.places {
		at.lax = at.lax || at.ours
	}
	l.settled = false
	l.restart()
	l.reconcile()
}

// A saying is a request of the identity provider.
type saying struct {
	// send sends it; again tells that it was sent before and failed.
	send func(ctx context.Context, e *groupsync.Engine, again bool) error
	// model does in the model what was asked for.
	model func()
	// refused reports whether an error is right and means that nothing changed.
	refused func(error) bool
	// refusal must come.
	mustRefuse bool
	// part takes over what became of a request that was abandoned.
	part func()
	// calls is the most that it may take where nothing fails; 0 for any number.
	calls int
}

// request sends a saying, again if it fails, and follows it in the model.
func (l *life) request(s *saying, f mischance) {
	l.srv.ResetCalls()
	if f.Kind != crowdtest.NoFault {
		l.srv.Fail(crowdtest.Fault{Kind: f.Kind, Nth: f.Nth, Times: f.Times})
	}
	err := l.send(s, false)
	l.srv.ClearFaults()
	l.srv.Land()
	calls := l.srv.Calls()
	if err != nil {
		l.note("    %v", err)
	}
	troubled := f.Kind != crowdtest.NoFault && (err != nil || f.Kind == crowdtest.LandLate)
	if s.refuses(err) && f.Kind == crowdtest.NoFault {
		l.adopt()
		return
	}
	if troubled && f.Abandon && s.part != nil {
		l.abandon(s)
		return
	}
	if troubled {
		l.restart()
		first := err
		if err = l.send(s, true); s.refuses(err) && first == nil {
			err = nil // it was done the first time
		}
		if s.refuses(err) {
			l.note("    again: %v", err)
			l.adopt()
			return
		}
	}
	if err != nil {
		l.fail("request: %v", err)
	}
	if s.mustRefuse {
		l.fail("a request that must be refused was not")
	}
	whole := l.complete()
	s.model()
	l.company.follow()
	if s.calls > 0 && l.settled && whole && l.complete() && f.Kind == crowdtest.NoFault && len(calls) > s.calls {
		l.fail("request took %d calls, want %d at most:\n%v", len(calls), s.calls, calls)
	}
}

// adopt notes whom the connection owns: a user of Crowd belongs to it with the
// first request that changes the user, a refused one included.
func (l *life) adopt() {
	for _, p := range l.company.people {
		u, _ := l.srv.User(p.name)
		p.owned = u.Attributes.First("scim.owner") == "okta"
	}
	l.company.follow()
}

// complete reports whether all Crowd groups are there that teams and settings
// fill, and whether memberships by hand are kept: to find that a group is missing,
// or who is in others, takes calls of its own.
func (l *life) complete() bool {
	c := l.company
	if c.rules.ByName() && !c.rules.KeepExistingGroups() {
		return false
	}
	for _, g := range c.teams {
		for _, t := range c.targets(g) {
			if !c.place(t.Group).exists {
				return false
			}
		}
	}
	return !slices.ContainsFunc(c.rules.DefaultForAllUsers(), func(group string) bool { return !c.place(group).exists })
}

func (s *saying) refuses(err error) bool {
	return err != nil && s.refused != nil && s.refused(err)
}

func (l *life) send(s *saying, again bool) error {
	ctx, cancel := l.context()
	defer cancel()
	return s.send(ctx, l.engine, again)
}

// abandon leaves a request as it is: what became of it is seen after a reconcile.
func (l *life) abandon(s *saying) {
	l.note("    abandoned")
	said := time.Now()
	l.restart()
	for l.nearQuarantine() {
		time.Sleep(61 * time.Second)
	}
	time.Sleep(3 * time.Minute)
	began := time.Now()
	ctx, cancel := l.context()
	defer cancel()
	if _, err := l.engine.Reconcile(ctx, groupsync.ReconcileOptions{}); err != nil {
		l.fail("reconcile: %v", err)
	}
	l.company.now = said
	s.part()
	l.company.follow()
	l.company.now = time.Now()
	l.company.heal(began)
	l.settled = true
}

// says returns the request that a deed is, nil where it makes no sense now.
func (l *life) says(d deed) *saying {
	switch d.Kind {
	case "create user", "link user":
		return l.createUser(d)
	case "create group":
		return l.createGroup(d)
	case "adopt group":
		return l.adoptGroup(d)
	case "rename group", "delete group", "add", "remove", "replace":
		teams := l.company.allTeams()
		if len(teams) == 0 {
			return nil
		}
		return l.onTeam(d, teams[d.A%len(teams)])
	}
	p := l.company.personNamed(lifeUsers[d.A%len(lifeUsers)])
	if p == nil || p.gone {
		return nil
	}
	return l.onPerson(d, p)
}

func lifeProfile(name, display string) groupsync.Profile {
	p := profile(name)
	p.Fields.DisplayName = &display
	p.Data = []byte(fmt.Sprintf("{\"userName\":%q,\"displayName\":%q}", name, display))
	return p
}

func (l *life) createUser(d deed) *saying {
	name := lifeUsers[d.A%len(lifeUsers)]
	existing := groupsync.Conflict
	if d.Kind == "link user" {
		existing = groupsync.Link
	}
	p := l.company.personNamed(name)
	revives := p != nil && p.owned && p.gone
	links := p != nil && !p.owned && existing == groupsync.Link && name != "root"
	return &saying{
		mustRefuse: p != nil && !revives && !links,
		refused: func(err error) bool {
			return p != nil && !revives && !links && isRefusal(err)
		},
		send: func(ctx context.Context, e *groupsync.Engine, again bool) error {
			_, err := e.CreateUser(ctx, lifeProfile(name, name), existing)
			if _, conflict := errors.AsType[*groupsync.ConflictError](err); !again || !conflict || p != nil && !revives && !links {
				return err
			}
			u, err := e.UserByName(ctx, name)
			if err != nil {
				return err
			}
			return updates(ctx, e, u.ID, lifeProfile(name, name))
		},
		model: func() {
			fresh := p == nil
			q := l.join(name)
			q.owned, q.gone, q.said, q.active, q.display, q.told = true, false, true, true, name, time.Now()
			if !fresh {
				return
			}
			for _, group := range l.company.rules.DefaultForNewUsers() {
				if t := l.company.tie(q, group); l.company.place(group).exists {
					t.member, t.hand = true, true
				}
			}
		},
		calls: l.withoutDefaults(map[bool]int{true: 1}[p == nil]),
	}
}

// withoutDefaults returns a number of calls where the settings know no default
// groups, which cost more.
func (l *life) withoutDefaults(n int) int {
	if len(l.company.rules.DefaultForAllUsers())+len(l.company.rules.DefaultForNewUsers()) > 0 {
		return 0
	}
	return n
}

func isRefusal(err error) bool {
	_, conflict := errors.AsType[*groupsync.ConflictError](err)
	_, protected := errors.AsType[*groupsync.ProtectedError](err)
	return conflict || protected
}

func updates(ctx context.Context, e *groupsync.Engine, id string, p groupsync.Profile) error {
	_, err := e.UpdateUser(ctx, id, func(*groupsync.User) (groupsync.Profile, error) { return p, nil })
	return err
}

func (l *life) onPerson(d deed, p *employee) *saying {
	protected := p.name == "root"
	s := &saying{refused: func(err error) bool { return protected && isRefusal(err) }}
	sayActive := func(on bool) *saying {
		s.send = func(ctx context.Context, e *groupsync.Engine, _ bool) error {
			return updates(ctx, e, p.id, groupsync.Profile{Fields: mapping.Fields{Active: &on}, ActiveSaid: true})
		}
		s.model = func() { p.said, p.active, p.owned = on, on, true }
		s.calls = l.withoutDefaults(map[bool]int{true: 4, false: 5}[on])
		s.mustRefuse = protected && on != p.active
		return s
	}
	switch d.Kind {
	case "deactivate":
		s = sayActive(false)
		s.part = func() {
			u, _ := l.srv.User(p.name)
			if !u.Active {
				s.model()
			}
		}
		return s
	case "reactivate":
		return sayActive(true)
	case "update user":
		display := fmt.Sprintf("%s %d", p.name, d.B)
		s.send = func(ctx context.Context, e *groupsync.Engine, _ bool) error {
			return updates(ctx, e, p.id, lifeProfile(p.name, display))
		}
		s.model = func() {
			if !p.said || !p.owned {
				p.active = true
			}
			p.said, p.owned, p.display, p.told = true, true, display, time.Now()
		}
		s.calls = l.withoutDefaults(4)
		s.mustRefuse = protected
		return s
	case "rename user":
		return l.renameUser(d, p, s)
	}
	if !p.owned && !protected {
		return nil
	}
	return l.deleteUser(d, p, s)
}

func (l *life) renameUser(d deed, p *employee, s *saying) *saying {
	name := lifeUsers[d.B%len(lifeUsers)]
	other := l.company.personNamed(name)
	if other == p {
		return nil
	}
	taken := other != nil || p.name == "root"
	s.mustRefuse = taken
	s.refused = func(err error) bool { return taken && isRefusal(err) }
	s.send = func(ctx context.Context, e *groupsync.Engine, _ bool) error {
		q := lifeProfile(name, p.display)
		q.Fields.Active = nil
		return updates(ctx, e, p.id, q)
	}
	s.model = func() {
		p.name, p.owned, p.told = name, true, time.Now()
	}
	s.calls = l.withoutDefaults(5)
	return s
}

func (l *life) deleteUser(d deed, p *employee, s *saying) *saying {
	how := groupsync.Deactivate
	if d.Kind == "delete user for good" {
		how = groupsync.Delete
	}
	s.mustRefuse = p.name == "root"
	s.send = func(ctx context.Context, e *groupsync.Engine, again bool) error {
		err := e.DeleteUser(ctx, p.id, how)
		if again && errors.Is(err, groupsync.ErrNoUser) {
			return nil
		}
		return err
	}
	s.model = func() {
		if how == groupsync.Delete {
			l.company.leave(p)
			return
		}
		p.gone, p.said, p.active = true, false, false
		for _, g := range l.company.teams {
			delete(g.members, p.key)
		}
	}
	return s
}

// people returns those of the users that a set names and that SCIM shows.
func (l *life) people(set int) (people []*employee, ids []string) {
	for i, name := range lifeUsers {
		if p := l.company.personNamed(name); set>>i&1 == 1 && p != nil && !p.gone {
			people, ids = append(people, p), append(ids, p.id)
		}
	}
	return people, ids
}

func (l *life) createGroup(d deed) *saying {
	name := lifeTeams[d.A%len(lifeTeams)]
	people, ids := l.people(d.Members)
	taken := l.company.teamNamed(name) != nil
	c := l.company
	bound := 2
	if _, met := l.srv.Group(groupsync.RegistryPrefix + "okta"); !met {
		bound += 5 // the registry is looked for, and made, and groups read singly
	}
	linked := false
	for _, t := range c.targets(&team{name: name}) {
		linked = linked || c.place(t.Group).exists
		if t.Create {
			bound += 2
		} else if linked {
			bound++
		}
	}
	if len(ids) > 0 {
		bound += 1 + l.callsToChange(&team{name: name, linked: linked}, people)
	}
	return &saying{
		mustRefuse: taken && l.settled && !c.teamNamed(name).half, // of one half done it completes its members
		refused:    func(err error) bool { return taken && isRefusal(err) || l.isBusy(err) },
		send: func(ctx context.Context, e *groupsync.Engine, again bool) error {
			_, err := e.CreateGroup(ctx, groupsync.NewGroup{Name: name, Members: ids})
			if _, conflict := errors.AsType[*groupsync.ConflictError](err); !again || taken || !conflict {
				return err
			}
			g, err := e.GroupByName(ctx, name)
			if err != nil {
				return err
			}
			_, err = e.ChangeGroup(ctx, g.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{{Op: groupsync.ReplaceMembers, IDs: ids}}})
			return err
		},
		model: func() {
			g := c.teamNamed(name)
			if g == nil {
				g = l.newTeam(name, linked)
			}
			for _, p := range people {
				g.members[p.key] = true
			}
		},
		part: func() {
			g, err := l.engine.GroupByName(l.tb.Context(), name)
			for _, t := range c.targets(&team{name: name}) {
				at := c.place(t.Group)
				if _, exists := l.srv.Group(t.Group); exists && !at.exists {
					at.exists, at.ours = true, true
				}
				at.lax = true
			}
			if err != nil || !g.Adopted {
				return
			}
			made := c.teamNamed(name)
			if made == nil {
				made = l.newTeam(name, linked)
			}
			for _, p := range people {
				made.members[p.key] = l.holds(p, made)
				made.half = made.half || !made.members[p.key]
			}
		},
		calls: bound,
	}
}

// isBusy reports whether an error tells to try later, which is right only where
// something was left over.
func (l *life) isBusy(err error) bool {
	busy, ok := errors.AsType[*groupsync.BusyError](err)
	return ok && (!l.settled || l.leftOver(busy.Name))
}

// leftOver reports whether a Crowd group is one that a creation cut short has left,
// which no reconcile takes away before it has watched it for a while.
func (l *life) leftOver(name string) bool {
	g, exists := l.srv.Group(name)
	if !exists || !strings.HasPrefix(g.Description, "Provisioned over SCIM by ") {
		return false
	}
	for _, t := range l.company.teams {
		if slices.ContainsFunc(l.company.targets(t), func(t mapping.Target) bool { return crowd.Fold(t.Group) == crowd.Fold(name) }) {
			return false
		}
	}
	return true
}

func (l *life) newTeam(name string, linked bool) *team {
	g, err := l.engine.GroupByName(l.tb.Context(), name)
	if err != nil {
		l.fail("look up the group %q: %v", name, err)
	}
	if !g.Adopted || g.Name != name {
		l.fail("look up the group %q: %+v", name, g)
	}
	if l.company.teams[g.ID] != nil {
		l.fail("the id %s was given out twice", g.ID)
	}
	made := &team{id: g.ID, name: name, members: map[string]bool{}, linked: linked}
	l.company.teams[g.ID] = made
	return made
}

// holds reports whether SCIM shows a person in a team.
func (l *life) holds(p *employee, g *team) bool {
	v, err := l.engine.User(l.tb.Context(), p.id)
	if err != nil {
		l.fail("read %s: %v", p.name, err)
	}
	return slices.Contains(v.Grants, g.id)
}

// adoptGroup changes the members of a Crowd group that no team has the name of.
func (l *life) adoptGroup(d deed) *saying {
	name := lifePlaces[d.A%len(lifePlaces)]
	people, ids := l.people(d.Members)
	if l.company.teamNamed(name) != nil || len(ids) == 0 || !l.settled {
		return nil
	}
	g, err := l.engine.GroupByName(l.tb.Context(), name)
	if err != nil || g.Adopted {
		return nil
	}
	name = g.Name
	return &saying{
		send: func(ctx context.Context, e *groupsync.Engine, _ bool) error {
			_, err := e.ChangeGroup(ctx, g.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{{Op: groupsync.AddMembers, IDs: ids}}})
			return err
		},
		model: func() {
			made := l.newTeam(name, true)
			for _, p := range people {
				made.members[p.key] = true
			}
		},
	}
}

// callsToChange returns the most calls that a change of a team's members takes,
// beyond the look at the team.
func (l *life) callsToChange(g *team, people []*employee) int {
	n := 0
	for _, p := range people {
		n += 3 // the user, the record, the second look
		n += 2 * l.recorded(p)
		targets := l.company.targets(g)
		for _, t := range targets {
			tie := l.company.tie(p, t.Group)
			n += 2 // the membership, and the look at what it was before
			if tie.hand {
				n += 2
			}
		}
		if g.linked && len(targets) > 0 || len(targets) > 1 {
			n++
		}
		for _, group := range l.company.rules.DefaultForAllUsers() {
			if p.owned && !l.company.tie(p, group).first {
				n += 3
			}
		}
	}
	return n
}

func (l *life) onTeam(d deed, g *team) *saying {
	switch d.Kind {
	case "rename group":
		return l.renameGroup(d, g)
	case "delete group":
		return l.deleteGroup(g)
	}
	people, ids := l.people(d.Members)
	want := map[string]bool{}
	if d.Kind == "replace" {
		for key := range g.members {
			want[key] = false
		}
	}
	var changed []*employee
	for _, p := range people {
		want[p.key] = d.Kind != "remove"
	}
	for _, p := range l.company.everyone() {
		if in, met := want[p.key]; met && in != g.members[p.key] {
			changed = append(changed, p)
		}
	}
	op := map[string]groupsync.MemberOp{
		"add": groupsync.AddMembers, "remove": groupsync.RemoveMembers, "replace": groupsync.ReplaceMembers,
	}[d.Kind]
	s := &saying{
		send: func(ctx context.Context, e *groupsync.Engine, _ bool) error {
			_, err := e.ChangeGroup(ctx, g.id, groupsync.GroupChange{Members: []groupsync.MemberChange{{Op: op, IDs: ids}}})
			return err
		},
		model: func() {
			for key, in := range want {
				g.members[key] = in
			}
		},
		part: func() {
			for _, p := range l.company.everyone() {
				if in, met := want[p.key]; met && l.holds(p, g) == in {
					g.members[p.key] = in
				}
			}
		},
	}
	if d.Kind != "replace" {
		s.calls = 1 + len(people) - len(changed) + l.callsToChange(g, changed) + l.callsOfNothing(g, people, changed)
	}
	return s
}

// recorded counts the Crowd groups of which something is recorded with a person:
// who takes a grant away looks at those too, for a rename may be moving them.
func (l *life) recorded(p *employee) int {
	n := 0
	u, _ := l.srv.User(p.name)
	for name := range u.Attributes {
		if strings.HasPrefix(name, "scim.made.") {
			n++
		}
	}
	return n
}

// callsOfNothing is what it takes to see that nothing changes: for each target a
// look at the membership, since it might have been lost.
func (l *life) callsOfNothing(g *team, people, changed []*employee) int {
	n := 0
	for _, p := range people {
		if !slices.Contains(changed, p) {
			n += 4*len(l.company.targets(g)) + l.recorded(p)
			n += 5 * len(l.company.rules.DefaultForAllUsers())
		}
	}
	return n
}

func (l *life) renameGroup(d deed, g *team) *saying {
	name := lifeTeams[d.B%len(lifeTeams)]
	if name == g.name {
		return nil
	}
	old := g.name
	c := l.company
	taken := c.teamNamed(name) != nil
	atPlace := false
	for _, t := range c.targets(&team{name: name}) {
		_, exists := l.srv.Group(t.Group)
		atPlace = atPlace || exists
	}
	return &saying{
		mustRefuse: taken,
		refused:    func(err error) bool { return (taken || atPlace) && isRefusal(err) || l.isBusy(err) },
		send: func(ctx context.Context, e *groupsync.Engine, _ bool) error {
			_, err := e.ChangeGroup(ctx, g.id, groupsync.GroupChange{Name: &name})
			return err
		},
		model: func() { g.name, g.linked = name, atPlace },
		part: func() {
			now, err := l.engine.Group(l.tb.Context(), g.id)
			if err != nil {
				l.fail("read the group %s: %v", g.id, err)
			}
			for _, t := range c.targets(&team{name: name}) {
				if at := c.place(t.Group); !taken && !at.exists {
					at.lax = true
				}
			}
			if now.Name != old {
				g.name, g.linked = name, atPlace
			}
		},
	}
}

func (l *life) deleteGroup(g *team) *saying {
	return &saying{
		send: func(ctx context.Context, e *groupsync.Engine, again bool) error {
			err := e.DeleteGroup(ctx, g.id)
			if again && errors.Is(err, groupsync.ErrNoGroup) {
				return nil
			}
			return err
		},
		model: func() { delete(l.company.teams, g.id) },
		part: func() {
			if _, err := l.engine.Group(l.tb.Context(), g.id); errors.Is(err, groupsync.ErrNoGroup) {
				delete(l.company.teams, g.id)
			}
		},
	}
}

// byHand is what a Crowd administrator does.
func (l *life) byHand(what string, d deed) {
	c := l.company
	at := c.place(lifePlaces[d.B%len(lifePlaces)])
	p := c.personNamed(lifeUsers[d.A%len(lifeUsers)])
	ctx := l.tb.Context()
	var err error
	switch what {
	case "make group":
		if !at.exists {
			_, err = l.hand.CreateGroup(ctx, crowd.Group{Name: at.name, Description: "by hand", Active: true})
			at.exists, at.ours, at.lax, at.gone = true, false, false, false
			l.settled = false
		}
	case "drop group":
		if at.exists {
			err = l.hand.DeleteGroup(ctx, at.name)
			c.vanish(at)
			at.gone = true
			l.settled = false
		}
	case "make user":
		if p == nil && lifeUsers[d.A%len(lifeUsers)] != "root" {
			name := lifeUsers[d.A%len(lifeUsers)]
			_, err = l.hand.CreateUser(ctx, crowd.User{Name: name, DisplayName: name, LastName: name, Email: name + "@example.com", Active: true}, "secret")
			l.join(name)
		}
	default:
		if p != nil {
			err = l.byHandOn(ctx, what, p, at)
		}
	}
	if err != nil {
		l.fail("by hand: %v", err)
	}
}

func (l *life) byHandOn(ctx context.Context, what string, p *employee, at *place) (err error) {
	c := l.company
	t := c.tie(p, at.name)
	switch what {
	case "add":
		if !at.exists || t.member || l.nearQuarantine() {
			return nil
		}
		_, err = l.hand.AddMember(ctx, at.name, p.name)
		t.member = true
		if t.wanted {
			t.unsure = true
		}
		t.hand = !t.wanted && !c.open(t)
		l.settled = false
	case "remove":
		if !at.exists || !t.member {
			return nil
		}
		_, err = l.hand.RemoveMember(ctx, at.name, p.name)
		t.member, t.hand, t.unsure = false, false, false
		l.settled = false
	case "drop user":
		if p.name != "root" {
			err = l.hand.DeleteUser(ctx, p.name)
			c.leave(p)
		}
	case "disable", "enable", "change profile":
		time.Sleep(3 * time.Minute) // what was said is not on its way any more
		var u *crowd.User
		if u, err = l.hand.User(ctx, p.name); err != nil {
			return err
		}
		if what == "change profile" {
			u.DisplayName += " by hand"
			if p.told.IsZero() || p.name == "root" {
				p.display = u.DisplayName
			}
		} else {
			u.Active = what == "enable"
			p.active = u.Active
		}
		err = l.hand.UpdateUser(ctx, *u)
		l.settled = false
	}
	return err
}
