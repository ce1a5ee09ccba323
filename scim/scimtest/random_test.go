package scimtest_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// A company is what an identity provider knows: whom it has, who has left, and
// the groups.
type company struct {
	app    scimtest.App
	prefix string // of users and groups of its own
	users  map[string]scimtest.User
	gone   map[string]scimtest.User
	groups map[string]scimtest.Group
	next   int
	// unsure says that the last cycle failed somewhere, and the next one will
	// send again what failed. Until then the company does not change its mind
	// about it: who never repeats a request leaves behind what it may have made.
	unsure bool
}

func newCompany(app scimtest.App, prefix string) *company {
	return &company{
		app: app, prefix: prefix,
		users: map[string]scimtest.User{}, gone: map[string]scimtest.User{}, groups: map[string]scimtest.Group{},
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// pick draws one of the keys; ok is false where there is none.
func pick[V any](t *rapid.T, m map[string]V) (key string, ok bool) {
	if len(m) == 0 {
		return "", false
	}
	return rapid.SampledFrom(sorted(m)).Draw(t, "which"), true
}

func (c *company) id(kind string) string {
	c.next++
	return fmt.Sprintf("%s%s%d", c.prefix, kind, c.next)
}

// event changes something.
func (c *company) event(t *rapid.T) {
	events := map[string]func(*rapid.T){
		"join": c.join, "leave": c.leave, "return": c.comeBack, "change": c.change, "suspend": c.suspend,
		"found": c.found, "dissolve": c.dissolve, "rename group": c.renameGroup,
		"move": c.move, "move more": c.move, "move yet more": c.move, "empty": c.empty,
	}
	events[rapid.SampledFrom(sorted(events)).Draw(t, "event")](t)
}

func (c *company) join(*rapid.T) {
	id := c.id("u")
	c.users[id] = person(id, "Given"+id, "Family")
}

// leave takes a user out of all groups, too: Entra would leave it there.
func (c *company) leave(t *rapid.T) {
	if id, ok := pick(t, c.users); ok {
		c.gone[id] = c.users[id]
		delete(c.users, id)
		for name, g := range c.groups {
			g.Members = slices.DeleteFunc(slices.Clone(g.Members), func(m string) bool { return m == id })
			c.groups[name] = g
		}
	}
}

func (c *company) comeBack(t *rapid.T) {
	if id, ok := pick(t, c.gone); ok {
		c.users[id] = c.gone[id]
		delete(c.gone, id)
	}
}

func (c *company) change(t *rapid.T) {
	id, ok := pick(t, c.users)
	if !ok {
		return
	}
	u := c.users[id]
	c.next++
	switch rapid.IntRange(0, 3).Draw(t, "attribute") {
	case 0:
		if c.unsure {
			return
		}
		u.UserName = fmt.Sprintf("%s-%d@example.com", id, c.next)
	case 1:
		u.GivenName = fmt.Sprintf("Given%d", c.next)
		u.DisplayName = u.GivenName + " " + u.FamilyName
	case 2:
		u.Email = fmt.Sprintf("%s-%d@mail.example.com", id, c.next)
	case 3:
		u.Title = rapid.SampledFrom([]string{"", "Editor", "Planner"}).Draw(t, "title")
	}
	c.users[id] = u
}

func (c *company) suspend(t *rapid.T) {
	if id, ok := pick(t, c.users); ok {
		u := c.users[id]
		u.Suspended = !u.Suspended
		c.users[id] = u
	}
}

// groupName draws a name that no group has now; it may have been one's before.
func (c *company) groupName(t *rapid.T) string {
	for {
		name := fmt.Sprintf("%sgroup %d", c.prefix, rapid.IntRange(1, 6).Draw(t, "name"))
		if !slices.ContainsFunc(slices.Collect(maps.Values(c.groups)), func(g scimtest.Group) bool { return g.Name == name }) {
			return name
		}
	}
}

func (c *company) found(t *rapid.T) {
	if len(c.groups) < 4 {
		id := c.id("g")
		c.groups[id] = scimtest.Group{ID: id, Name: c.groupName(t)}
		c.move(t)
	}
}

func (c *company) dissolve(t *rapid.T) {
	if id, ok := pick(t, c.groups); ok && c.app != scimtest.OneLogin && id != shared {
		delete(c.groups, id)
	}
}

func (c *company) renameGroup(t *rapid.T) {
	if id, ok := pick(t, c.groups); ok && id != shared && !c.unsure {
		g := c.groups[id]
		g.Name = c.groupName(t)
		c.groups[id] = g
	}
}

// move puts a user into a group, or takes it out.
func (c *company) move(t *rapid.T) {
	u, ok := pick(t, c.users)
	id, ok2 := pick(t, c.groups)
	if !ok || !ok2 {
		return
	}
	g := c.groups[id]
	if i := slices.Index(g.Members, u); i >= 0 {
		g.Members = slices.Delete(slices.Clone(g.Members), i, i+1)
	} else {
		g.Members = append(slices.Clone(g.Members), u)
	}
	c.groups[id] = g
}

func (c *company) empty(t *rapid.T) {
	if id, ok := pick(t, c.groups); ok {
		g := c.groups[id]
		g.Members = nil
		c.groups[id] = g
	}
}

func (c *company) directory() scimtest.Directory {
	var d scimtest.Directory
	for _, id := range sorted(c.users) {
		d.Users = append(d.Users, c.users[id])
	}
	for _, id := range sorted(c.groups) {
		d.Groups = append(d.Groups, c.groups[id])
	}
	return d
}

// active tells whether Crowd is to hold a user as active.
func (c *company) active(u scimtest.User) bool {
	return !u.Suspended || strings.HasPrefix(string(c.app), "okta")
}

// check compares Crowd with what the companies want: memberships, and what is
// shown of users, as soon as no identity provider has anything left to do; all
// of it once a reconcile, or two with a quarantine between, has finished or
// cleared away what requests left that failed and were never repeated. After
// that there is nothing to do for an identity provider.
func check(t *rapid.T, jobs ...*job) {
	compare(t, false, jobs)
	for range 2 {
		for _, j := range jobs {
			j.later += time.Hour
			if _, err := j.engine.Reconcile(j.tb.Context(), groupsync.ReconcileOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	compare(t, true, jobs)
	for _, j := range jobs {
		report, err := j.idp.Sync(j.tb.Context(), j.directory())
		if err != nil || report.Err() != nil || len(report.Steps) > 0 {
			t.Fatalf("with nothing to do: %v\n%v", err, report)
		}
	}
}

func compare(t *rapid.T, exactly bool, jobs []*job) {
	fake := jobs[0].crowd
	var companies []*company
	for _, j := range jobs {
		companies = append(companies, j.company)
	}
	got := accounts(fake)
	wantMembers := map[string][]string{}
	for _, c := range companies {
		for _, g := range c.groups {
			if !pushesGroups(c.app) {
				continue
			}
			wantMembers[g.Name] = append(wantMembers[g.Name], []string{}...)
			for _, m := range g.Members {
				// Who has never been created is in no group.
				if _, there := got[c.users[m].UserName]; there {
					wantMembers[g.Name] = append(wantMembers[g.Name], c.users[m].UserName)
				}
			}
		}
	}
	checkUsers(t, got, companies, exactly)
	checkGroups(t, fake, wantMembers, exactly)
}

// checkUsers compares users. Where an update failed midway the bridge shows the
// address that was asked for, though Crowd has an old one still; an app that
// reads before it writes takes that for done, and a reconcile does the rest. No
// such thing happens to the active flag: a leaver is out.
func checkUsers(t *rapid.T, got map[string]account, companies []*company, exactly bool) {
	wanted := map[string]bool{}
	for _, c := range companies {
		reads := !exactly && strings.HasPrefix(string(c.app), "entra")
		for _, u := range c.users {
			wanted[u.UserName] = true
			a, ok := got[u.UserName]
			if !ok {
				if c.active(u) {
					t.Fatalf("Crowd has no user %s", u.UserName)
				}
				continue // Entra and PingFederate never create suspended users
			}
			if reads {
				a.Email = u.Email
			}
			if want := accountOf(u, c.active(u), a.Groups...); fmt.Sprint(a) != fmt.Sprint(want) {
				t.Fatalf("Crowd has %+v\nwant %+v", a, want)
			}
		}
	}
	for name, a := range got {
		if !wanted[name] && (a.Active || len(a.Groups) > 0) {
			t.Fatalf("leaver %+v is active or in a group", a)
		}
	}
}

func checkGroups(t *rapid.T, fake *crowdtest.Server, want map[string][]string, exactly bool) {
	there := groups(fake)
	for name, members := range want {
		got, wanted := fake.Members(name), slices.Compact(slices.Sorted(slices.Values(members)))
		if !slices.Equal(got, wanted) {
			t.Fatalf("group %s has %v, want %v", name, got, wanted)
		}
		if !slices.Contains(there, name) && len(wanted) > 0 {
			t.Fatalf("there is no group %s", name)
		}
	}
	for _, name := range there {
		if _, ok := want[name]; !ok && (exactly || len(fake.Members(name)) > 0) {
			t.Fatalf("group %s with %v is there, and none is wanted", name, fake.Members(name))
		}
	}
}

// fault draws something that goes wrong with Crowd.
func fault(t *rapid.T) crowdtest.Fault {
	return crowdtest.Fault{
		Method: rapid.SampledFrom([]string{"", "GET", "POST", "PUT", "DELETE"}).Draw(t, "method"),
		Nth:    rapid.IntRange(1, 12).Draw(t, "nth"),
		Times:  rapid.SampledFrom([]int{1, 2, 3, 4, 12}).Draw(t, "times"),
		Kind: rapid.SampledFrom([]crowdtest.FaultKind{
			crowdtest.LoseRequest, crowdtest.LoseResponse, crowdtest.ResetResponse, crowdtest.Answer, crowdtest.AnswerHTML, crowdtest.CutBody,
		}).Draw(t, "kind"),
		Status: rapid.SampledFrom([]int{0, 500, 429}).Draw(t, "status"),
	}
}

// bubbled hides the deadline of a test, which may not be asked for in a bubble.
type bubbled struct{ testing.TB }

// A job is an identity provider at work.
type job struct {
	*company
	*bridge
	idp *scimtest.IdP
}

// cycle runs a cycle. Faults may meet it, and the bridge may be replaced before
// it or amidst.
func (j *job) cycle(t *rapid.T) {
	for range rapid.IntRange(0, 2).Draw(t, "faults") {
		j.crowd.Fail(fault(t))
	}
	if replaced := rapid.IntRange(0, 20).Draw(t, "replaced at"); replaced > 0 {
		n := 0
		j.answer = func(*http.Request) *http.Response {
			if n++; n == replaced {
				j.restart()
			}
			return nil
		}
	}
	report, err := j.idp.Sync(j.tb.Context(), j.directory())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(report)
	j.unsure = report.Err() != nil
	j.crowd.ClearFaults()
	j.answer = nil
}

// settle runs cycles until nothing fails, as many as Entra's back-off may take.
func (j *job) settle(t *rapid.T) {
	for n := 0; ; n++ {
		report, err := j.idp.Sync(j.tb.Context(), j.directory())
		switch {
		case err != nil:
			t.Fatal(err)
		case report.Err() == nil:
			return
		case n > 40:
			t.Fatalf("the identity provider does not get what it wants:\n%v", report)
		}
	}
}

// Whatever happens in the lives of users and groups, and whatever fails on the
// way: in the end Crowd holds what the identity provider wants.
func TestRandomLives(t *testing.T) {
	sameLives(t)
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbled{t}, func(r *rapid.T) {
			app := rapid.SampledFrom(scimtest.Apps()).Draw(r, "app")
			provider := rapid.SampledFrom([]scim.Provider{scim.Generic, providerOf(app)}).Draw(r, "provider")
			b := newBridge(t, newCrowd(), "test", provider)
			j := &job{newCompany(app, ""), b, b.idp(app)}
			for range rapid.IntRange(1, 5).Draw(r, "cycles") {
				for range rapid.IntRange(1, 8).Draw(r, "events") {
					j.event(r)
				}
				j.cycle(r)
			}
			j.settle(r)
			check(r, j)
		})
	})
}

// shared is the ID of a group that two identity providers push.
const shared = "shared"

// Two identity providers provision one directory at once, each its own users and
// groups, and one group of the same name.
func TestTwoIdentityProviders(t *testing.T) {
	sameLives(t)
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubbled{t}, func(r *rapid.T) {
			fake := newCrowd()
			var jobs []*job
			for _, names := range [][2]string{{"one", "two"}, {"two", "one"}} {
				app := rapid.SampledFrom(scimtest.Apps()).Draw(r, "app")
				b := newBridge(t, fake, names[0], providerOf(app), names[1])
				j := &job{newCompany(app, names[0]), b, b.idp(app)}
				j.company.groups[shared] = scimtest.Group{ID: shared, Name: "shared group"}
				jobs = append(jobs, j)
			}
			for range rapid.IntRange(1, 6).Draw(r, "cycles") {
				j := jobs[rapid.IntRange(0, 1).Draw(r, "whose turn")]
				for range rapid.IntRange(1, 6).Draw(r, "events") {
					j.event(r)
				}
				j.cycle(r)
			}
			for _, j := range jobs {
				j.settle(r)
			}
			check(r, jobs...)
		})
	})
}

// sameLives has the lives be the same in every run unless the flags -rapid.checks
// or -rapid.seed say otherwise.
func sameLives(t *testing.T) {
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if given["rapid.checks"] || given["rapid.seed"] || given["rapid.failfile"] {
		return
	}
	before := flag.Lookup("rapid.seed").Value.String()
	if err := flag.Set("rapid.seed", "11"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set("rapid.seed", before) })
}
