package directory_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// faults are what can happen to a call.
func faults() []crowdtest.Fault {
	return []crowdtest.Fault{
		{Kind: crowdtest.LoseRequest},
		{Kind: crowdtest.LoseResponse},
		{Kind: crowdtest.LandLate},
		{Kind: crowdtest.CutBody},
		{Kind: crowdtest.AnswerHTML, Status: 500},
		{Kind: crowdtest.AnswerHTML, Status: 503},
		{Kind: crowdtest.Answer, Status: 429},
		{Kind: crowdtest.AnswerHTML, Status: 302},
	}
}

// starts are Crowds in different states.
func starts() map[string]func(*site) {
	return map[string]func(*site){
		"nothing is there": func(*site) {},
		"without a permission": func(s *site) {
			s.SetOptions(func(o *crowdtest.Options) { o.NewMappingsDenied = true })
		},
		"the directory is there": func(s *site) {
			s.AddDirectory(crowdtest.Directory{Name: "Employees"})
			s.AddDirectory(crowdtest.Directory{Name: "Others"})
			s.UpdateApplication("scim", func(a *crowdtest.Application) {
				a.Directories = []crowdtest.Mapping{{Directory: "Others"}, {Directory: "Employees"}, {Directory: "Crowd"}}
			})
		},
	}
}

// TestEnsureUnderFaults makes each call in turn fail in each way. What was
// interrupted and done again ends as if nothing had happened, and so does what
// met a fault and went on.
func TestEnsureUnderFaults(t *testing.T) {
	for name, start := range starts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calm := newSite(t)
			start(calm)
			if _, err := calm.ensure(t.Context()); err != nil {
				t.Fatal(err)
			}
			want, calls := calm.dump(t), len(calm.Calls())
			for _, fault := range faults() {
				for fault.Nth = 1; fault.Nth <= calls; fault.Nth++ {
					s := newSite(t)
					start(s)
					s.Fail(fault)
					_, err := s.ensure(t.Context())
					s.ClearFaults()
					s.Land()
					_, again := s.ensure(t.Context())
					if diff := cmp.Diff(want, s.dump(t)); diff != "" || again != nil {
						t.Errorf("call %d of %d, %v %d (first %v, then %v): state mismatch (-want +got):\n%s",
							fault.Nth, calls, fault.Kind, fault.Status, err, again, diff)
					}
				}
			}
		})
	}
}

// TestEnsureGoesOn has clients that repeat what is safe to repeat. Where that
// saves the first run, it ends as if nothing had happened too; only a creation of
// the user that lands after the end takes another.
func TestEnsureGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calm := siteOf(t, 0)
		if _, err := calm.ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		want, calls, saved := calm.dump(t), len(calm.Calls()), 0
		for _, fault := range faults() {
			for fault.Nth = 1; fault.Nth <= calls; fault.Nth++ {
				s := siteOf(t, 0)
				s.Fail(fault)
				if _, err := s.ensure(t.Context()); err != nil {
					continue
				}
				saved++
				if s.Land(); fault.Kind == crowdtest.LandLate { // the user may have been made after all
					_, _ = s.ensure(t.Context())
				}
				if diff := cmp.Diff(want, s.dump(t)); diff != "" {
					t.Errorf("call %d of %d, %v %d: state mismatch (-want +got):\n%s", fault.Nth, calls, fault.Kind, fault.Status, diff)
				}
			}
		}
		if all := calls * len(faults()); saved < all/2 {
			t.Errorf("%d of %d runs saved", saved, all)
		}
	})
}

// TestEnsureCancelled ends the context before each call in turn; the user that
// was made to try things out is deleted all the same.
func TestEnsureCancelled(t *testing.T) {
	calm := newSite(t)
	if _, err := calm.ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, calls := calm.dump(t), len(calm.Calls())
	for nth := 1; nth <= calls; nth++ {
		s := newSite(t)
		ctx, cancel := context.WithCancel(t.Context())
		s.SetGate(func(_ context.Context, c crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
			if c.Seq-calm.Calls()[0].Seq+1 == nth && at == crowdtest.BeforeEffect {
				cancel()
				return crowdtest.LoseRequest
			}
			return crowdtest.NoFault
		})
		_, err := s.ensure(ctx)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("call %d: %v", nth, err)
		}
		s.SetGate(nil)
		if slices.Contains(s.Directories(), "Employees") && len(s.In("Employees").UserNames()) > 0 {
			t.Errorf("call %d: left behind %v", nth, s.In("Employees").UserNames())
		}
		if _, err := s.ensure(t.Context()); err != nil {
			t.Errorf("call %d, afterwards: %v", nth, err)
		}
		if diff := cmp.Diff(want, s.dump(t)); diff != "" {
			t.Errorf("call %d: state mismatch (-want +got):\n%s", nth, diff)
		}
	}
}

// TestEnsureTogether has several do the same at the same time: one directory is
// created, nobody fails, and the end is that of one alone.
func TestEnsureTogether(t *testing.T) {
	calm := newSite(t)
	if _, err := calm.ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	const runs = 4
	errs, created := make([]error, runs), 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range runs {
		wg.Go(func() {
			result, err := s.ensure(t.Context())
			errs[i] = err
			mu.Lock()
			defer mu.Unlock()
			if err == nil && result.Created {
				created++
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil || created > 1 {
		t.Errorf("%d created, %v", created, err)
	}
	if _, err := s.ensure(t.Context()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(calm.dump(t), s.dump(t)); diff != "" {
		t.Errorf("state mismatch (-alone +together):\n%s", diff)
	}
}

// TestEnsureLeftover finds the user that an interrupted run has left behind.
func TestEnsureLeftover(t *testing.T) {
	s := newSite(t)
	s.Fail(crowdtest.Fault{Method: "DELETE", Resource: "user", Times: -1, Kind: crowdtest.LoseRequest})
	if _, err := s.ensure(t.Context()); err == nil || len(s.In("Employees").UserNames()) != 1 {
		t.Fatalf("users %v, %v", s.In("Employees").UserNames(), err)
	}
	s.ClearFaults()
	if _, err := s.ensure(t.Context()); err != nil || len(s.In("Employees").UserNames()) > 0 {
		t.Errorf("users %v, %v", s.In("Employees").UserNames(), err)
	}
}
