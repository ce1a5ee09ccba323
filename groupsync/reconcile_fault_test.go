package groupsync_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A picture is a state taken apart: what a fault may leave as it was, or as it
// was to be, each by itself.
type picture struct {
	people map[string]person // by key
	crowd  map[string]string // marks of Crowd groups, by folded name
	scim   map[string]string // names of SCIM groups, by id
}

// A person is a user, and the access it has.
type person struct {
	Fields   string
	Shown    string // over SCIM
	Groups   string // in Crowd
	Sessions int
}

func (w *world) picture() picture {
	w.tb.Helper()
	p := picture{map[string]person{}, map[string]string{}, map[string]string{}}
	for _, name := range w.srv.UserNames() {
		u, _ := w.srv.User(name)
		p.people[u.Key] = person{
			Fields: fmt.Sprintf("%s active=%v email=%s display=%s", u.Name, u.Active, u.Email, u.DisplayName),
			Shown:  w.shown(name), Groups: fmt.Sprint(sorted(w.srv.GroupsOf(name))), Sessions: w.srv.Sessions(name),
		}
	}
	for _, name := range w.srv.GroupNames() {
		g, _ := w.srv.Group(name)
		if !strings.HasPrefix(name, groupsync.RegistryPrefix) {
			p.crowd[crowd.Fold(name)] = fmt.Sprintf("%q %q", g.Description, strings.TrimPrefix(g.Attributes.First("scim.okta.id"), "-"))
		}
	}
	groups, err := w.engine.Groups(w.tb.Context())
	if err != nil {
		w.tb.Fatal(err)
	}
	for _, g := range groups {
		p.scim[g.ID] = g.Name + " " + g.ExternalID
	}
	return p
}

// grantRecords returns all that is recorded of grants with users, and of groups.
func (w *world) grantRecords() map[string][]string {
	all := map[string][]string{}
	enter := func(of string, a crowd.Attributes) {
		for name, values := range a {
			for _, kind := range []string{"grant.", "issued.", "name.", "dead.", "external."} {
				if strings.HasPrefix(name, "scim.okta."+kind) {
					all[of+" "+name] = sorted(values)
				}
			}
		}
	}
	for _, name := range w.srv.UserNames() {
		u, _ := w.srv.User(name)
		enter(u.Key, u.Attributes)
	}
	if g, found := w.srv.Group(groupsync.RegistryPrefix + "okta"); found {
		enter("registry", g.Attributes)
	}
	return all
}

// An aftermath is what a reconcile makes of a state: at once, or when nothing can
// be on its way any more.
type aftermath struct {
	before, after picture // of the operation that did not, and did, take place
	half          picture // of one that did the first of two things
	// repeated is the state of one that was reconciled and then repeated, begun that
	// of one that came after the reconcile: that one may have taken out who is kept
	// by no setting, before or after.
	repeated, begun string
}

const (
	// quiet is longer than any call is on its way.
	quiet = 11 * time.Minute
	// soon is when a reconcile looks at a word on a user's fields: a younger one may
	// be on its way, and is left to the next.
	soon = 3 * time.Minute
)

// settle reconciles as whoever runs the bridge does, once soon or twice with time
// in between.
func (w *world) settle(t *testing.T, later bool) {
	t.Helper()
	records := w.grantRecords()
	if later {
		time.Sleep(quiet)
		w.reconcile()
		time.Sleep(quiet)
	} else {
		time.Sleep(soon)
	}
	w.reconcile()
	if diff := cmp.Diff(records, w.grantRecords()); diff != "" {
		t.Errorf("reconcile wrote what only the identity provider says (-before +after):\n%s", diff)
	}
}

// TestEveryFaultThenReconcile lets every call to Crowd of every operation go
// wrong, one at a time, under every way to map groups. The identity provider does
// not repeat the operation, but a fresh replica reconciles: each user is as before
// the operation or as after it, and as after it where that was acknowledged. In
// the end the operation is repeated after all, and is done. See everyMishap for
// how many it tries.
func TestEveryFaultThenReconcile(t *testing.T) {
	total := everyMishap(t, 3, 67, func(s setting, op operation) func(*testing.T, mishap) {
		want := map[bool]*aftermath{false: {}, true: {}}
		for later, a := range want {
			synctest.Test(t, func(t *testing.T) {
				w := s.world(t)
				id := op.begin(w)
				w.settle(t, later)
				a.before = w.picture()
				if err := op.act(t.Context(), w.engine, w, id); err != nil {
					t.Fatal(err)
				}
				a.begun = w.state()
			})
			synctest.Test(t, func(t *testing.T) {
				w := s.world(t)
				id := op.begin(w)
				if err := op.act(t.Context(), w.engine, w, id); err != nil {
					t.Fatal(err)
				}
				w.settle(t, later)
				a.after = w.picture()
				if err := op.act(t.Context(), w.engine, w, id); err != nil && !repeated(err) {
					t.Fatal(err)
				}
				a.repeated = w.state()
			})
			a.half = a.before
			if op.half == nil {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				w := s.world(t)
				if err := op.half(t.Context(), w.engine, w, op.begin(w)); err != nil {
					t.Fatal(err)
				}
				w.settle(t, later)
				a.half = w.picture()
			})
		}
		return func(t *testing.T, m mishap) {
			faultThenReconcile(t, m, want[false], false)
			faultThenReconcile(t, m, want[true], true)
		}
	})
	t.Logf("%d faults, each reconciled at once and later", total)
	if total < 150 {
		t.Errorf("only %d faults were tried", total)
	}
}

func faultThenReconcile(t *testing.T, m mishap, want *aftermath, later bool) {
	t.Helper()
	w, id, first := m.meet(t)
	w.srv.Land()
	w.settle(t, later)
	got := w.picture()
	for _, key := range slices.Sorted(maps.Keys(got.people)) {
		want.judge(t, fmt.Sprintf("later %v, first error %v: %s", later, first, key), got, key, first == nil, later)
	}
	if later {
		want.judgeGroups(t, got, first == nil)
	}
	if err := m.act(t.Context(), w.engine, w, id); err != nil && !repeated(err) {
		t.Errorf("later %v: repeated: %v", later, err)
	}
	if diff := cmp.Diff(want.repeated, w.state()); diff != "" && w.state() != want.begun {
		t.Errorf("later %v: state once repeated mismatch (-want +got), first error %v:\n%s", later, first, diff)
	}
}

// judge holds a user against what it may be. What was said so recently that it
// may be on its way is left alone by a reconcile: the user's own fields may then
// be in between.
func (a *aftermath) judge(t *testing.T, what string, got picture, key string, acknowledged, later bool) {
	t.Helper()
	is, was, half, will := got.people[key], a.before.people[key], a.half.people[key], a.after.people[key]
	if is == will || !acknowledged && (is == was || is == half) {
		return
	}
	if !acknowledged && !later && between(is.Groups, was.Groups, half.Groups, will.Groups) {
		return
	}
	t.Errorf("%s\n is   %+v\n was  %+v\n half %+v\n will %+v", what, is, was, half, will)
}

// between reports whether each membership is one of several states, all of them
// sorted lists: none is missing that all have, and none there that none has.
func between(is string, states ...string) bool {
	count := map[string]int{}
	for _, s := range states {
		for g := range strings.FieldsSeq(strings.Trim(s, "[]")) {
			count[g]++
		}
	}
	has := strings.Fields(strings.Trim(is, "[]"))
	for g, n := range count {
		if n == len(states) && !slices.Contains(has, g) {
			return false
		}
	}
	return !slices.ContainsFunc(has, func(g string) bool { return count[g] == 0 })
}

// judgeGroups holds the groups against what they may be.
func (a *aftermath) judgeGroups(t *testing.T, got picture, acknowledged bool) {
	t.Helper()
	for _, kind := range []struct{ is, was, half, will map[string]string }{
		{got.crowd, a.before.crowd, a.half.crowd, a.after.crowd}, {got.scim, a.before.scim, a.half.scim, a.after.scim},
	} {
		if maps.Equal(kind.is, kind.will) || !acknowledged && (maps.Equal(kind.is, kind.was) || maps.Equal(kind.is, kind.half)) {
			continue
		}
		t.Errorf("groups\n is   %v\n was  %v\n half %v\n will %v", kind.is, kind.was, kind.half, kind.will)
	}
}
