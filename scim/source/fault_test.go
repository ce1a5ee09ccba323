package source_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/source"
	"github.com/scimcrowd/scimcrowd/scim/source/oktatest"
)

// A company is an organisation at Okta and a Crowd before an import that has
// something of everything to do.
type company struct {
	*site
	okta *oktatest.Server
}

func newCompany(tb testing.TB) *company {
	tb.Helper()
	c := &company{okta: &oktatest.Server{MostPerPage: 2}}
	c.site = newSite(tb, links, func(s *site) {
		s.imports.Leavers, s.imports.RemoveMembers = true, true
		s.imports.Link = []source.Link{source.LinkUserName, source.LinkEmail}
		s.groups = mapping.Groups{DefaultForNewUsers: []string{"newcomers"}, DefaultForAllUsers: []string{"everybody"}}
		s.fake.AddGroup(crowd.Group{Name: "newcomers", Active: true}, crowd.Group{Name: "everybody", Active: true}, crowd.Group{Name: "ops", Active: true})
		s.fake.AddUser(crowd.User{Name: "Bob", DisplayName: "Robert", Active: true}, crowd.User{Name: "cl", Email: "cem@example.com", Active: true}, crowd.User{Name: "hand", Active: true})
		s.fake.AddMember("ops", "hand")
	})
	ids := map[string]string{}
	for _, name := range []string{"ann", "bob", "cem", "dan", "eve"} {
		ids[name] = c.okta.AddUser(oktatest.User{Profile: map[string]any{"login": name, "email": name + "@example.com"}})
	}
	devs := c.okta.AddGroup("devs", ids["dan"], ids["eve"])
	fay := c.okta.AddUser(oktatest.User{Profile: map[string]any{"login": "fay"}})
	later := []string{ids["ann"], ids["bob"], ids["cem"]}
	for _, id := range later {
		c.okta.SetStatus(id, "STAGED")
	}
	c.import1(tb.Context())
	c.okta.SetStatus(fay, "DEPROVISIONED")
	for _, id := range later {
		c.okta.SetStatus(id, "ACTIVE")
	}
	c.okta.SetProfile(ids["dan"], "login", "daniel")
	c.okta.SetProfile(ids["eve"], "displayName", "Eve")
	c.okta.SetMembers(devs, ids["ann"], ids["dan"])
	c.okta.AddGroup("ops", ids["cem"], ids["bob"])
	c.fake.ResetCalls()
	return c
}

// import1 imports once.
func (c *company) import1(ctx context.Context) (groupsync.Result, error) {
	okta, err := source.NewOkta(source.OktaConfig{URL: "https://example.okta.com", Token: oktatest.DefaultToken, HTTPClient: clientOver(c.okta)})
	if err != nil {
		return groupsync.Result{}, err
	}
	importer := c.importer()
	plan, err := importer.Plan(ctx, okta)
	if err != nil {
		return groupsync.Result{}, err
	}
	result, err := importer.Apply(ctx, plan, "")
	if err == nil {
		err = plan.EarlyError()
	}
	return result, err
}

var modified = regexp.MustCompile(`"m":"[^"]*",`)

// end is the state without the times.
func (c *company) end() string { return modified.ReplaceAllString(c.state(), "") }

// A trouble is something that goes wrong with one call to Crowd.
type trouble struct {
	name   string
	fault  crowdtest.Fault
	killed bool // the process ends at that moment
	at     crowdtest.Moment
}

func troubles() []trouble {
	return []trouble{
		{name: "request lost", fault: crowdtest.Fault{Kind: crowdtest.LoseRequest, Times: 9}},
		{name: "response lost", fault: crowdtest.Fault{Kind: crowdtest.LoseResponse, Times: 3}},
		{name: "response lost once", fault: crowdtest.Fault{Kind: crowdtest.LoseResponse}},
		{name: "lands late", fault: crowdtest.Fault{Kind: crowdtest.LandLate, Times: 3}},
		{name: "body cut", fault: crowdtest.Fault{Kind: crowdtest.CutBody, Times: 9}},
		{name: "500", fault: crowdtest.Fault{Kind: crowdtest.Answer, Status: 500, Times: 9}},
		{name: "429", fault: crowdtest.Fault{Kind: crowdtest.Answer, Status: 429, Times: 3}},
		{name: "killed before the call", killed: true, fault: crowdtest.Fault{Kind: crowdtest.LoseRequest}},
		{name: "killed after the call", killed: true, at: crowdtest.BeforeAnswer, fault: crowdtest.Fault{Kind: crowdtest.LoseResponse}},
		{name: "killed, and the call lands late", killed: true, fault: crowdtest.Fault{Kind: crowdtest.LandLate}},
	}
}

// meet imports once, and the n-th call to Crowd meets the trouble. Afterwards another
// process takes over.
func (c *company) meet(tr trouble, n int) {
	c.tb.Helper()
	ctx, kill := context.WithCancel(context.Background())
	defer kill()
	if tr.killed {
		first := 1
		if before := c.fake.Calls(); len(before) > 0 {
			first = before[len(before)-1].Seq + 1
		}
		c.fake.SetGate(func(_ context.Context, call crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
			if at != tr.at || call.Seq != first+n-1 {
				return crowdtest.NoFault
			}
			kill()
			return tr.fault.Kind
		})
	} else {
		f := tr.fault
		f.Nth = n
		c.fake.Fail(f)
	}
	_, _ = c.import1(ctx) // whatever came of it, it is made again
	c.fake.ClearFaults()
	c.fake.SetGate(nil)
	c.fake.Land()
	c.restart()
}

// stays checks what holds at any moment: who is at the identity provider is not locked
// out, and what was made by hand is untouched.
func (c *company) stays(t interface{ Errorf(string, ...any) }) {
	for _, name := range []string{"Bob", "cl", "dan", "daniel", "bob", "cem", "hand", "eve"} {
		if u, found := c.fake.User(name); found && !u.Active {
			t.Errorf("%s is not active", name)
		}
	}
	if got := c.fake.Members("ops"); !strings.Contains(fmt.Sprint(got), "hand") {
		t.Errorf("ops are %q", got)
	}
	if got := c.fake.Members("devs"); !strings.Contains(fmt.Sprint(got), "dan") { // who is daniel later
		t.Errorf("devs are %q, though dan is among them at the identity provider", got)
	}
}

// An import that any call to Crowd cuts short, in any way, and that is made again ends
// as one that nothing cut short. By default each call meets one of the troubles, in
// turn; FAULTS=all in the environment asks for all.
func TestImportInterruptedByCrowd(t *testing.T) {
	var want string
	var calls int
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t)
		if _, err := c.import1(t.Context()); err != nil {
			t.Fatal(err)
		}
		calls = len(c.fake.Calls())
		want = c.end()
	})
	for _, line := range []string{`user fay active=false`, `user daniel active=true`, `group devs [ann daniel]`, `group ops [bob cem hand]`, `group newcomers [ann`} {
		if !strings.Contains(want, line) {
			t.Fatalf("no %q in what an import ends as:\n%s", line, want)
		}
	}
	ran := 0
	for n := 1; n <= calls; n++ {
		for i, tr := range troubles() {
			if os.Getenv("FAULTS") != "all" && (i+n)%len(troubles()) != 0 {
				continue
			}
			ran++
			synctest.Test(t, func(t *testing.T) {
				c := newCompany(t)
				c.meet(tr, n)
				c.stays(t)
				if _, err := c.import1(t.Context()); err != nil {
					t.Errorf("call %d, %s: made again: %v", n, tr.name, err)
				}
				if diff := cmp.Diff(want, c.end()); diff != "" {
					t.Errorf("call %d, %s: state mismatch (-uninterrupted +interrupted):\n%s", n, tr.name, diff)
				}
			})
		}
	}
	t.Logf("%d interruptions of %d calls", ran, calls)
}

// The same where the source fails, for each of its pages.
func TestImportInterruptedBySource(t *testing.T) {
	var want string
	var calls int
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t)
		before := len(c.okta.Calls())
		if _, err := c.import1(t.Context()); err != nil {
			t.Fatal(err)
		}
		calls = len(c.okta.Calls()) - before
		want = c.end()
	})
	if calls < 6 {
		t.Fatalf("only %d pages", calls)
	}
	killed := oktatest.Fault{Kind: oktatest.Answer, Status: 599} // the process ends while it waits for the page
	for n := 1; n <= calls; n++ {
		for i, f := range []oktatest.Fault{
			{Kind: oktatest.Close, Times: 99},
			{Kind: oktatest.CutBody, Times: 99},
			{Kind: oktatest.Garbage},
			{Kind: oktatest.Answer, Status: 403},
			{Kind: oktatest.Answer, Status: 500, Times: 99},
		} {
			if os.Getenv("FAULTS") != "all" && (i+n)%3 != 0 {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				c := newCompany(t)
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				if f.Nth = n; f.Status == killed.Status {
					f.Before = kill
				}
				c.okta.Fail(f)
				if _, err := c.import1(ctx); err == nil {
					t.Errorf("page %d, fault %d: no error", n, i)
				}
				c.stays(t)
				if u, _ := c.fake.User("fay"); n <= 3 && !u.Active {
					t.Errorf("page %d, fault %d: fay counts as gone", n, i)
				}
				c.okta.ClearFaults()
				c.restart()
				if _, err := c.import1(t.Context()); err != nil {
					t.Errorf("page %d, fault %d: made again: %v", n, i, err)
				}
				if diff := cmp.Diff(want, c.end()); diff != "" {
					t.Errorf("page %d, fault %d: state mismatch (-uninterrupted +interrupted):\n%s", n, i, diff)
				}
			})
		}
	}
}

// Any number of interruptions, of any kind, anywhere, one after the other. By default
// there are a few of them; -rapid.checks says how many.
func TestImportInterruptedAgainAndAgain(t *testing.T) {
	var calls int
	var want string
	synctest.Test(t, func(t *testing.T) {
		whole := newCompany(t)
		if _, err := whole.import1(t.Context()); err != nil {
			t.Fatal(err)
		}
		calls, want = len(whole.fake.Calls()), whole.end()
	})
	few(t)
	rapid.Check(t, func(r *rapid.T) {
		type interruption struct {
			trouble
			call, page int
			kind       oktatest.FaultKind
		}
		var all []interruption
		for range rapid.IntRange(1, 4).Draw(r, "interruptions") {
			all = append(all, interruption{
				rapid.SampledFrom(troubles()).Draw(r, "trouble"), rapid.IntRange(1, calls).Draw(r, "call"), rapid.IntRange(0, 12).Draw(r, "page"),
				rapid.SampledFrom([]oktatest.FaultKind{oktatest.Close, oktatest.Garbage, oktatest.CutBody}).Draw(r, "fault"),
			})
		}
		synctest.Test(t, func(t *testing.T) {
			c := newCompany(t)
			for _, i := range all {
				if i.page > 0 {
					c.okta.Fail(oktatest.Fault{Kind: i.kind, Nth: i.page, Times: 9})
				}
				c.meet(i.trouble, i.call)
				c.okta.ClearFaults()
				c.stays(r)
			}
			if _, err := c.import1(t.Context()); err != nil {
				r.Errorf("made again: %v", err)
			}
			if diff := cmp.Diff(want, c.end()); diff != "" {
				r.Errorf("state mismatch (-uninterrupted +interrupted):\n%s", diff)
			}
		})
	})
}

// few sets the number of rapid's checks where no flag does.
func few(tb testing.TB) {
	tb.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if given {
		return
	}
	before := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", "20"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = flag.Set("rapid.checks", before) }) // it was valid before
}
