package jiraleads_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads/jiratest"
)

// A company has a Crowd and a Jira, and an engine that hands over.
type company struct {
	crowd *crowdtest.Server
	jira  *jiratest.Server
	cfg   groupsync.Config
	id    string // of ann
}

func newCompany(t *testing.T, jira *jiratest.Server) *company {
	c := &company{crowd: new(crowdtest.Server), jira: jira}
	client, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: c.crowd},
	})
	if err != nil {
		t.Fatal(err)
	}
	cfg := jira.Config()
	cfg.ProjectLead, cfg.ComponentLead = "bob", "cat"
	if cfg.Product == jiraleads.Cloud {
		cfg.ProjectLead, cfg.ComponentLead = "5b10-bob", "5b10-cat"
	}
	hook, err := jiraleads.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.cfg = groupsync.Config{Connection: "okta", Crowd: client, Hooks: []groupsync.Hook{hook}}
	name, mail, shown, active := "ann", "ann@example.com", "ANN", true
	u, err := c.engine(t).CreateUser(context.Background(), groupsync.Profile{
		Fields: mapping.Fields{Username: &name, Email: &mail, DisplayName: &shown, Active: &active},
	}, groupsync.Conflict)
	if err != nil {
		t.Fatal(err)
	}
	c.id = u.ID
	return c
}

// engine returns an engine as a fresh process would have it.
func (c *company) engine(t *testing.T) *groupsync.Engine {
	e, err := groupsync.New(c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// leave has ann leave in one of the three ways.
func (c *company) leave(ctx context.Context, e *groupsync.Engine, how string) error {
	switch how {
	case "deleted":
		return e.DeleteUser(ctx, c.id, groupsync.Deactivate)
	case "deleted for good":
		return e.DeleteUser(ctx, c.id, groupsync.Delete)
	}
	off := false
	_, err := e.UpdateUser(ctx, c.id, func(*groupsync.User) (groupsync.Profile, error) {
		return groupsync.Profile{Fields: mapping.Fields{Active: &off}, ActiveSaid: true}, nil
	})
	return err
}

func (c *company) in() bool {
	u, found := c.crowd.User("ann")
	return found && u.Active
}

// reconcile reconciles as a fresh process, an hour later.
func (c *company) reconcile(t *testing.T) (steps []string) {
	time.Sleep(time.Hour)
	result, err := c.engine(t).Reconcile(context.Background(), groupsync.ReconcileOptions{})
	if err != nil {
		t.Fatal("reconcile:", err)
	}
	for _, s := range result.Plan.Steps {
		steps = append(steps, s.String())
	}
	return steps
}

var ways = []string{"deactivated", "deleted", "deleted for good"}

// TestHandOverInterruptedAnywhere lets every request to Jira go wrong, one at a time, in
// every way, while ann leaves: in each case ann is out of Crowd at once, and after a
// reconcile, as a fresh process, everything is as if nothing had gone wrong.
func TestHandOverInterruptedAnywhere(t *testing.T) {
	faults := map[string]jiratest.Fault{
		"500 once":             {Status: 500},
		"500 for long":         {Status: 500, Times: 100},
		"503 with Retry-After": {Status: 503, RetryAfter: 2},
		"429 with Retry-After": {Status: 429, RetryAfter: 3},
		"429 for an hour":      {Status: 429, RetryAfter: 3000, Times: 100},
		"429 for long":         {Status: 429, Times: 100},
		"a proxy's page":       {Kind: jiratest.AnswerHTML, Status: 502, Times: 100},
		"401":                  {Status: 401},
		"403":                  {Status: 403},
		"a proxy's 404":        {Status: 404, Kind: jiratest.AnswerHTML},
		"request lost":         {Kind: jiratest.LoseRequest},
		"down":                 {Kind: jiratest.LoseRequest, Times: 100},
		"answer lost":          {Kind: jiratest.LoseResponse},
		"answers lost":         {Kind: jiratest.LoseResponse, Times: 100},
		"answer cut":           {Kind: jiratest.Garbage},
		"answers cut":          {Kind: jiratest.Garbage, Times: 100},
	}
	for _, product := range products {
		for i, how := range ways {
			t.Run(string(product)+"/"+how, func(t *testing.T) {
				t.Parallel()
				total := 0
				for nth := 1; nth <= requests(t, product); nth++ {
					for name, f := range faults {
						if total++; (total+i)%(2*len(ways)) != 0 && name != "answer lost" {
							continue // each way with a part of them
						}
						f.Nth = nth
						t.Run(fmt.Sprintf("request %d, %s", nth, name), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) { interrupted(t, product, how, f) })
						})
					}
				}
				if total < 200 {
					t.Errorf("only %d interruptions were tried", total)
				}
			})
		}
	}
}

// requests is how many requests a hand-over makes when nothing goes wrong.
func requests(t *testing.T, product jiraleads.Product) (n int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(t, stage(jiratest.New(product)))
		if err := c.leave(t.Context(), c.engine(t), "deactivated"); err != nil {
			t.Fatal(err)
		}
		n = len(c.jira.Calls())
	})
	return n
}

func interrupted(t *testing.T, product jiraleads.Product, how string, f jiratest.Fault) {
	t.Helper()
	c := newCompany(t, stage(jiratest.New(product)))
	c.jira.Fail(f)
	began := time.Now()
	if err := c.leave(t.Context(), c.engine(t), how); err != nil {
		t.Errorf("leave: %v", err)
	}
	if took := time.Since(began); c.in() || took > 11*time.Second {
		t.Errorf("after %v the leaver is in: %v", took, c.in())
	}
	c.jira.ClearFaults()
	c.reconcile(t)
	wantLeads(t, c.jira, handedOver)
	if _, found := c.crowd.User("ann"); found == (how == "deleted for good") {
		t.Errorf("the user is in Crowd: %v", found)
	}
	if again := c.reconcile(t); len(again) > 0 {
		t.Errorf("a second reconcile takes %v", again)
	}
}

// TestHandOverOfAProcessThatDies kills the process at every request to Jira. Whoever
// repeats the request, or reconciles, arrives at the same end.
func TestHandOverOfAProcessThatDies(t *testing.T) {
	for _, product := range products {
		for _, how := range ways {
			for _, repeated := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/repeated %v", product, how, repeated), func(t *testing.T) {
					for nth := 1; nth <= requests(t, product); nth++ {
						synctest.Test(t, func(t *testing.T) { dies(t, product, how, nth, repeated) })
					}
				})
			}
		}
	}
}

// A killer ends a process at a request to Jira.
type killer struct {
	*jiratest.Server
	nth  int
	kill func()
}

func (k *killer) RoundTrip(r *http.Request) (*http.Response, error) {
	if k.nth--; k.nth == 0 {
		k.kill()
	}
	return k.Server.RoundTrip(r)
}

func dies(t *testing.T, product jiraleads.Product, how string, nth int, repeated bool) {
	t.Helper()
	c := newCompany(t, stage(jiratest.New(product)))
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	dying := c.cfg
	dying.Hooks = []groupsync.Hook{hookOf(t, c.jira, func(cfg *jiraleads.Config) {
		cfg.HTTPClient, cfg.MaxInFlight = &http.Client{Transport: &killer{c.jira, nth, kill}}, 1
	})}
	e, err := groupsync.New(dying)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.leave(ctx, e, how); err == nil {
		t.Fatalf("request %d: the process lives", nth)
	}
	if repeated {
		if err := c.leave(t.Context(), c.engine(t), how); err != nil && !errors.Is(err, groupsync.ErrNoUser) {
			t.Errorf("request %d: again: %v", nth, err)
		}
	}
	c.reconcile(t)
	switch in := c.in(); {
	case in && repeated:
		t.Errorf("request %d: the leaver is in", nth)
	case !in:
		wantLeads(t, c.jira, handedOver)
	}
	if again := c.reconcile(t); len(again) > 0 {
		t.Errorf("request %d: a second reconcile takes %v", nth, again)
	}
}

// TestSlowJira holds that a Jira which never answers puts the deactivation off for as
// long as the settings say, and no longer.
func TestSlowJira(t *testing.T) {
	for _, how := range ways {
		synctest.Test(t, func(t *testing.T) {
			c := newCompany(t, stage(jiratest.New(jiraleads.DataCenter)))
			c.cfg.Hooks = []groupsync.Hook{hookOf(t, c.jira, func(cfg *jiraleads.Config) {
				cfg.HTTPClient = &http.Client{Transport: silent{}}
			})}
			c.cfg.HookTimeout = 4 * time.Second
			began := time.Now()
			if err := c.leave(t.Context(), c.engine(t), how); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); c.in() || took != 4*time.Second {
				t.Errorf("%s: in %v after %v, want out after 4s", how, c.in(), took)
			}
		})
	}
}

// A silent transport answers nothing.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestAnyHandOver draws a Jira, and what goes wrong with it, and holds that the end is
// that of a hand-over without faults.
func TestAnyHandOver(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		jira, how := drawJira(r), rapid.SampledFrom(ways).Draw(r, "way")
		var faults []jiratest.Fault
		for range rapid.IntRange(0, 4).Draw(r, "faults") {
			faults = append(faults, jiratest.Fault{
				Kind:   rapid.SampledFrom([]jiratest.FaultKind{jiratest.Answer, jiratest.AnswerHTML, jiratest.LoseRequest, jiratest.LoseResponse, jiratest.Garbage}).Draw(r, "kind"),
				Status: rapid.SampledFrom([]int{401, 429, 500, 503}).Draw(r, "status"), RetryAfter: rapid.IntRange(0, 5).Draw(r, "after"),
				Nth: rapid.IntRange(1, 30).Draw(r, "nth"), Times: rapid.IntRange(1, 9).Draw(r, "times"),
			})
		}
		want := wanted(jira.Leads())
		var err error
		synctest.Test(t, func(t *testing.T) { err = troubled(t, jira, how, faults) }) // the time is the bubble's
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(want, jira.Leads()); diff != "" {
			r.Fatalf("leads mismatch (-want +got):\n%s", diff)
		}
	})
}

// troubled has ann leave while Jira is in trouble, and reconciles when that is over.
func troubled(t *testing.T, jira *jiratest.Server, how string, faults []jiratest.Fault) error {
	c := newCompany(t, jira)
	for _, f := range faults {
		jira.Fail(f)
	}
	if err := c.leave(t.Context(), c.engine(t), how); err != nil {
		return err
	}
	if c.in() {
		return errors.New("the leaver is in")
	}
	jira.ClearFaults()
	c.reconcile(t)
	if again := c.reconcile(t); len(again) > 0 {
		return fmt.Errorf("a second reconcile takes %v", again)
	}
	return nil
}

// drawJira draws projects, components and who leads them.
func drawJira(t *rapid.T) *jiratest.Server {
	jira := jiratest.New(rapid.SampledFrom(products).Draw(t, "product"))
	people := []string{"ann", "bob", "cat", "dan"}
	for _, name := range people {
		jira.AddUser(jiratest.User{Name: name, Email: name + "@example.com", DisplayName: strings.ToUpper(name)})
	}
	jira.Pages(rapid.IntRange(1, 4).Draw(t, "page"))
	for i := range rapid.IntRange(0, 6).Draw(t, "projects") {
		key := fmt.Sprintf("P%d", i)
		jira.AddProject(key, rapid.SampledFrom(people).Draw(t, "lead"))
		for j := range rapid.IntRange(0, 4).Draw(t, "components") {
			jira.AddComponent(key, fmt.Sprintf("C%d", j), rapid.SampledFrom(append(people, "")).Draw(t, "component lead"))
		}
	}
	return jira
}

// wanted returns the leads after ann has left, by the words of the settings.
func wanted(before []string) []string {
	after := slices.Clone(before)
	for i, line := range after {
		thing, lead, _ := strings.Cut(line, " ")
		switch {
		case lead == "ann" && strings.Contains(thing, "/"):
			after[i] = thing + " cat"
		case lead == "ann":
			after[i] = thing + " bob"
		}
	}
	return after
}
