package groupsync_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	linked := func(w *world) string {
		w.srv.AddUser(crowd.User{Name: "cid", Active: true})
		w.srv.AddGroup(crowd.Group{Name: "devs", Active: true})
		w.srv.AddMember("devs", "cid")
		return two(w)
	}
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

// meet runs the operations of a race at the same time under a schedule, and
// returns the end state, who failed, and what happened.
func (r race) meet(t *testing.T, choose func(int) int) (state string, errs []error, trace []string) {
	w := r.world(t)
	id := r.setup(w)
	s := &scheduler{choose: choose}
	w.srv.SetGate(s.gate)
	errs = make([]error, len(r.ops))
	var wg sync.WaitGroup
	for i, op := range r.ops {
		e := w.replica()
		wg.Go(func() {
			errs[i] = op(context.WithValue(t.Context(), opKey{}, i), e, w, id)
		})
	}
	s.run()
	wg.Wait()
	w.srv.SetGate(nil)
	return w.state(), errs, s.trace
}

func (r race) world(t *testing.T) *world {
	if r.change == nil {
		return worldOver(t, new(crowdtest.Server))
	}
	return worldOver(t, new(crowdtest.Server), r.change)
}

// serial returns the end states of the operations one after the other, in every
// order, with those that failed left out or in.
func (r race) serial(t *testing.T, failed []error) map[string]bool {
	states := map[string]bool{}
	for _, order := range orders(len(r.ops)) {
		for mask := range 1 << len(r.ops) {
			left := false
			for i := range r.ops {
				left = left || mask>>i&1 == 0 && failed[i] == nil
			}
			if left {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				w := r.world(t)
				id := r.setup(w)
				for _, i := range order {
					if mask>>i&1 == 1 {
						_ = r.ops[i](t.Context(), w.replica(), w, id)
					}
				}
				states[w.state()] = true
			})
		}
	}
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
	most := 15
	if s := os.Getenv("INTERLEAVINGS"); s != "" {
		most, _ = strconv.Atoi(s)
	}
	total := 0
	for _, r := range races() {
		t.Run(r.name, func(t *testing.T) {
			n := 0
			for choose := range schedules(most) {
				n++
				r.check(t, choose)
				if t.Failed() {
					break
				}
			}
			for seed := range most {
				n++
				random := rand.New(rand.NewPCG(uint64(seed), 7))
				r.check(t, random.IntN)
				if t.Failed() {
					break
				}
			}
			total += n
		})
	}
	t.Logf("%d interleavings of %d races", total, len(races()))
}

func (r race) check(t *testing.T, choose func(int) int) {
	var state string
	var errs []error
	var trace []string
	synctest.Test(t, func(t *testing.T) { state, errs, trace = r.meet(t, choose) })
	if states := r.serial(t, errs); !states[state] {
		var all []string
		for s := range states {
			all = append(all, s)
		}
		t.Errorf("no serial order ends so; errors %v\n%s\nbut\n%s\nafter\n%s", errs, state, strings.Join(all, "or\n"), strings.Join(trace, "\n"))
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
