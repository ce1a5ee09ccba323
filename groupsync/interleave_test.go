package groupsync_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A race is a state and operations that meet in it, each on a replica of its
// own.
type race struct {
	name   string
	change func(*groupsync.Config)
	setup  func(w *world) string // returns the id that the operations are about
	ops    []act
}

func races() []race {
	membersOp := func(op groupsync.MemberOp, names ...string) act {
		return func(ctx context.Context, e *groupsync.Engine, w *world, id string) error {
			c := groupsync.MemberChange{Op: op}
			for _, n := range names {
				c.IDs = append(c.IDs, w.idOf(n))
			}
			_, err := e.ChangeGroup(ctx, id, groupsync.GroupChange{Members: []groupsync.MemberChange{c}})
			return err
		}
	}
	adds, removes, replaces := func(n ...string) act { return membersOp(groupsync.AddMembers, n...) },
		func(n ...string) act { return membersOp(groupsync.RemoveMembers, n...) },
		func(n ...string) act { return membersOp(groupsync.ReplaceMembers, n...) }
	renames := func(name string) act {
		return func(ctx context.Context, e *groupsync.Engine, _ *world, id string) error {
			_, err := e.ChangeGroup(ctx, id, groupsync.GroupChange{Name: &name})
			return err
		}
	}
	deletes := func(ctx context.Context, e *groupsync.Engine, _ *world, id string) error {
		return e.DeleteGroup(ctx, id)
	}
	creates := func(name string) act {
		return func(ctx context.Context, e *groupsync.Engine, _ *world, _ string) error {
			_, err := e.CreateGroup(ctx, groupsync.NewGroup{Name: name})
			return err
		}
	}
	updates := func(change func(*groupsync.Profile)) act {
		return func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
			_, err := e.UpdateUser(ctx, w.idOf("ann"), func(*groupsync.User) (groupsync.Profile, error) {
				var p groupsync.Profile
				change(&p)
				return p, nil
			})
			return err
		}
	}
	said := func(active bool) act {
		return updates(func(p *groupsync.Profile) { p.Fields.Active, p.ActiveSaid = &active, true })
	}
	profiled := func(display string) act {
		return updates(func(p *groupsync.Profile) {
			*p = profile("ann")
			p.Fields.Active = nil
			p.Fields.DisplayName, p.Data = &display, []byte(strconv.Quote(display))
		})
	}
	deletesAnn := func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
		return e.DeleteUser(ctx, w.idOf("ann"), groupsync.Deactivate)
	}
	createsBob := func(ctx context.Context, e *groupsync.Engine, _ *world, _ string) error {
		_, err := e.CreateUser(ctx, profile("bob"), groupsync.Conflict)
		return err
	}
	empty := func(w *world) string { w.user("ann"); return w.group("Devs").ID }
	filled := func(w *world) string { return w.group("Devs", w.user("ann")).ID }
	two := func(w *world) string { w.user("ben"); return filled(w) }
	linked := func(w *world) string { w.byHand("Devs", "cid"); return two(w) }
	other := func(a act, name string) act { // a on the group of another name
		return func(ctx context.Context, e *groupsync.Engine, w *world, _ string) error {
			g, err := w.engine.GroupByName(context.Background(), name)
			if err != nil {
				return err
			}
			return a(ctx, e, w, g.ID)
		}
	}
	shared := func(c *groupsync.Config) { // both SCIM groups fill one Crowd group
		m, err := mapping.CompileGroups(mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: []mapping.Rule{
			{From: "Devs", To: []string{"target"}}, {From: "Ops", To: []string{"target"}},
		}}})
		if err != nil {
			panic(err)
		}
		c.Groups = m
	}
	hybrid := func(c *groupsync.Config) { // the Crowd group of one's name is filled by the other's too
		c.Groups = compiled(mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{
			ImportGroups: true, Rules: []mapping.Rule{{From: "Ops", To: []string{"Devs"}}},
		}})
	}
	sharedBy := func(holders ...string) func(w *world) string {
		return func(w *world) string {
			w.srv.AddGroup(crowd.Group{Name: "target", Active: true})
			ann := w.user("ann")
			var id string
			for _, name := range []string{"Ops", "Devs"} {
				if slices.Contains(holders, name) {
					id = w.group(name, ann).ID
				} else {
					id = w.group(name).ID
				}
			}
			return id // of Devs
		}
	}
	return []race{
		{"add against remove", nil, empty, []act{adds("ann"), removes("ann")}},
		{"remove against add", nil, filled, []act{removes("ann"), adds("ann")}},
		{"add against remove in a linked group", nil, linked, []act{adds("ann"), removes("ann")}},
		{"add against add", nil, empty, []act{adds("ann"), adds("ann")}},
		{"the two last grants of a target", shared, sharedBy("Devs", "Ops"), []act{removes("ann"), other(removes("ann"), "Ops")}},
		{"remove one grant, add the other", shared, sharedBy("Devs"), []act{removes("ann"), other(adds("ann"), "Ops")}},
		{"remove one grant, rename the other's group", shared, sharedBy("Devs", "Ops"), []act{removes("ann"), other(renames("Others"), "Ops")}},
		{"remove one grant, delete the other's group", shared, sharedBy("Devs", "Ops"), []act{removes("ann"), other(deletes, "Ops")}},
		{"remove one grant, rename the group of a rule", hybrid, sharedBy("Devs", "Ops"), []act{removes("ann"), other(renames("Others"), "Ops")}},
		{"rename against add", nil, two, []act{renames("Builders"), adds("ben")}},
		{"rename against remove", nil, filled, []act{renames("Builders"), removes("ann")}},
		{"rename against rename", nil, filled, []act{renames("Builders"), renames("Makers")}},
		{"rename against add in a linked group", nil, linked, []act{renames("Builders"), adds("ben")}},
		{"delete against add", nil, two, []act{deletes, adds("ben")}},
		{"delete against add in a linked group", nil, linked, []act{deletes, adds("ben")}},
		{"delete against create", nil, filled, []act{deletes, creates("Devs")}},
		{"delete against rename", nil, filled, []act{deletes, renames("Builders")}},
		{"create against create", nil, func(*world) string { return "" }, []act{creates("Devs"), creates("devs")}},
		{"replace against replace", nil, two, []act{replaces("ann"), replaces("ben")}},
		{"replace against remove", nil, two, []act{replaces("ann", "ben"), removes("ann")}},
		{"deactivate against profile", nil, filled, []act{said(false), profiled("Ann Other")}},
		{"deactivate against activate", nil, filled, []act{said(false), said(true)}},
		{"delete user against add", nil, empty, []act{deletesAnn, adds("ann")}},
		{"delete user against profile", nil, filled, []act{deletesAnn, profiled("Ann Other")}},
		{"create user against create", nil, func(*world) string { return "" }, []act{createsBob, createsBob}},
		{"three on one edge", nil, empty, []act{adds("ann"), removes("ann"), adds("ann")}},
	}
}

// A scheduler decides in which order the calls to Crowd of concurrent operations
// take effect.
type scheduler struct {
	mu      sync.Mutex
	waiting []waitingCall
	choose  func(options int) int
	trace   []string
}

type waitingCall struct {
	op   int
	call string
	next chan struct{}
}

type opKey struct{}

func (s *scheduler) gate(ctx context.Context, c crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
	op, scheduled := ctx.Value(opKey{}).(int)
	if !scheduled || at != crowdtest.BeforeEffect {
		return crowdtest.NoFault
	}
	next := make(chan struct{})
	s.mu.Lock()
	s.waiting = append(s.waiting, waitingCall{op, fmt.Sprint(c.Method, " ", c.Resource, "?", c.Params.Encode()), next})
	s.mu.Unlock()
	<-next
	return crowdtest.NoFault
}

// run lets one waiting call go on after the other until all is quiet.
func (s *scheduler) run() {
	for {
		synctest.Wait()
		s.mu.Lock()
		if len(s.waiting) == 0 {
			s.mu.Unlock()
			return
		}
		slices.SortStableFunc(s.waiting, func(x, y waitingCall) int {
			return cmp.Or(cmp.Compare(x.op, y.op), strings.Compare(x.call, y.call))
		})
		i := s.choose(len(s.waiting))
		w := s.waiting[i]
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.trace = append(s.trace, fmt.Sprint(w.op, " ", w.call))
		s.mu.Unlock()
		close(w.next)
	}
}

// A meeting is a race under a setting, with reconciles beside it. Where memberships
// made by hand are kept these mean nothing in the order of the operations: they
// write no grant.
type meeting struct {
	race
	setting
	beside int
	// healed lets a reconcile follow.
	healed bool
	// picture is what counts of the end; nil is what [world.state] says.
	picture func(w *world) string
	serials map[string]map[string]bool // by which operations failed
}

func (m *meeting) world(t *testing.T) *world {
	if m.change == nil {
		return m.setting.world(t)
	}
	return m.setting.world(t, m.change)
}

func (m *meeting) end(w *world) string {
	state := w.state
	if m.picture != nil {
		state = func() string { return m.picture(w) }
	}
	if m.beside == 0 || w.cfg.Groups.Targets(groupNamed("Devs"))[0].KeepExisting {
		return state()
	}
	return byHandMembers.ReplaceAllString(state(), "")
}

// byHandMembers are those who are members by hand on some stage. Where nobody is
// kept, a reconcile takes them out of whatever is filled at the moment.
var byHandMembers = regexp.MustCompile(` (cid|hal)\b|\b(cid|hal) ?`)

// meet runs the operations of a race at the same time under a schedule, and
// returns the end state, who failed, and what happened.
func (m *meeting) meet(t *testing.T, choose func(int) int) (state string, errs []error, trace []string) {
	w := m.world(t)
	id := m.setup(w)
	s := &scheduler{choose: choose}
	ops := slices.Clone(m.ops)
	for range m.beside {
		ops = append(ops, reconciles)
	}
	w.srv.SetGate(s.gate)
	errs = make([]error, len(ops))
	var wg sync.WaitGroup
	for i, op := range ops {
		e := w.replica()
		wg.Go(func() {
			errs[i] = op(context.WithValue(t.Context(), opKey{}, i), e, w, id)
		})
	}
	s.run()
	wg.Wait()
	w.srv.SetGate(nil)
	for _, err := range errs[len(m.ops):] {
		if err != nil {
			t.Errorf("reconcile: %v", err)
		}
	}
	if m.healed {
		w.restart()
		w.reconcile()
	}
	return m.end(w), errs[:len(m.ops)], s.trace
}

// serial returns the end states of the operations and reconciles one after the
// other, in every order, with the operations that failed left out or in.
func (m *meeting) serial(t *testing.T, failed []error) map[string]bool {
	t.Helper()
	pattern := ""
	for _, err := range failed {
		pattern += strconv.FormatBool(err == nil)
	}
	if states := m.serials[pattern]; states != nil {
		return states
	}
	states := map[string]bool{}
	for _, order := range orders(len(m.ops) + m.beside) {
		for mask := range 1 << len(m.ops) {
			left := false
			for i := range m.ops {
				left = left || mask>>i&1 == 0 && failed[i] == nil
			}
			if left {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				w := m.world(t)
				id := m.setup(w)
				for _, i := range order {
					switch {
					case i >= len(m.ops):
						w.reconcile()
					case mask>>i&1 == 1:
						_ = m.ops[i](t.Context(), w.replica(), w, id)
					}
				}
				if m.healed {
					w.reconcile()
				}
				states[m.end(w)] = true
			})
		}
	}
	if m.serials == nil {
		m.serials = map[string]map[string]bool{}
	}
	m.serials[pattern] = states
	return states
}

func orders(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, o := range orders(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(o), at, n-1))
		}
	}
	return all
}

// TestEveryInterleaving lets operations meet in every order of their calls to
// Crowd, up to a number of orders for each race, and in as many random ones: the
// end is that of some order one after the other. INTERLEAVINGS sets the number.
func TestEveryInterleaving(t *testing.T) {
	var all []*meeting
	for i, s := range settings() {
		for _, r := range races() {
			if i == 0 || r.change == nil {
				all = append(all, &meeting{race: r, setting: s})
			}
		}
	}
	explore(t, 3, 1, all)
}

// explore lets one in so many meetings, or all where INTERLEAVINGS is set, take place
// in most orders, and in as many random ones.
func explore(t *testing.T, most, oneIn int, all []*meeting) {
	t.Helper()
	if s := os.Getenv("INTERLEAVINGS"); s != "" {
		most, _ = strconv.Atoi(s)
		oneIn = 1
	}
	var total atomic.Int64
	n := 0
	t.Run("all", func(t *testing.T) {
		for i, m := range all {
			if i%oneIn != 0 {
				continue
			}
			n++
			t.Run(m.setting.name+"/"+m.race.name, func(t *testing.T) {
				t.Parallel()
				total.Add(int64(m.explore(t, most)))
			})
		}
	})
	t.Logf("%d interleavings of %d races", total.Load(), n)
}

func (m *meeting) explore(t *testing.T, most int) (n int) {
	t.Helper()
	for choose := range schedules(most) {
		n++
		if m.check(t, choose); t.Failed() {
			return n
		}
	}
	for seed := range most {
		n++
		if m.check(t, rand.New(rand.NewPCG(uint64(seed), 7)).IntN); t.Failed() {
			return n
		}
	}
	return n
}

func (m *meeting) check(t *testing.T, choose func(int) int) {
	t.Helper()
	var state string
	var errs []error
	var trace []string
	synctest.Test(t, func(t *testing.T) { state, errs, trace = m.meet(t, choose) })
	if states := m.serial(t, errs); !states[state] {
		t.Errorf("no serial order ends so; errors %v\n%s\nbut\n%s\nafter\n%s", errs, state,
			strings.Join(slices.Sorted(maps.Keys(states)), "or\n"), strings.Join(trace, "\n"))
	}
}

// schedules yields choosers that together take every sequence of choices, depth
// first, at most so many.
func schedules(most int) func(yield func(func(int) int) bool) {
	return func(yield func(func(int) int) bool) {
		var path, options []int
		for range most {
			at := 0
			choose := func(n int) int {
				if at == len(path) {
					path, options = append(path, 0), append(options, n)
				}
				options[at] = n
				i := min(path[at], n-1)
				at++
				return i
			}
			if !yield(choose) {
				return
			}
			path, options = path[:at], options[:at]
			for len(path) > 0 && path[len(path)-1]+1 >= options[len(path)-1] {
				path, options = path[:len(path)-1], options[:len(options)-1]
			}
			if len(path) == 0 {
				return
			}
			path[len(path)-1]++
		}
	}
}
