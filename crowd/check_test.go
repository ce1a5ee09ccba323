package crowd_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// otherwise returns the probes that did not work, with their verdicts.
func otherwise(r crowd.Report) map[crowd.Probe]crowd.Verdict {
	found := map[crowd.Probe]crowd.Verdict{}
	for _, f := range r.Findings {
		if f.Verdict != crowd.Works {
			found[f.Probe] = f.Verdict
		}
	}
	return found
}

func TestCheck(t *testing.T) {
	type verdicts = map[crowd.Probe]crowd.Verdict
	for name, test := range map[string]struct {
		change func(*crowdtest.Server)
		want   verdicts
	}{
		"all well": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups, o.AllowEmailChange = true, true })
		}, verdicts{}},
		"as installed": {func(*crowdtest.Server) {}, verdicts{
			crowd.ProbeNestedGroups: crowd.Missing, crowd.ProbeEmailChange: crowd.Missing,
		}},
		"old": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.Version, o.NestedGroups = "2.8", true })
		}, verdicts{
			crowd.ProbeKey: crowd.Missing, crowd.ProbeAttributesOnCreate: crowd.Missing,
			crowd.ProbeDirectories: crowd.Unknown,
		}},
		"poor search": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) {
				o.NestedGroups, o.AllowEmailChange = true, true
				o.SearchOmitsAttributes, o.NoAttributeSearch = true, true
			})
		}, verdicts{
			crowd.ProbeAttributeSearch: crowd.Missing, crowd.ProbeSearchAttributes: crowd.Missing,
		}},
		"read only": {func(s *crowdtest.Server) {
			deny(s, crowdtest.AddUser, crowdtest.ModifyUser, crowdtest.RemoveUser, crowdtest.ModifyUserAttributes,
				crowdtest.AddGroup, crowdtest.ModifyGroup, crowdtest.RemoveGroup, crowdtest.ModifyGroupAttributes)
		}, verdicts{
			crowd.ProbeAddUser: crowd.Fails, crowd.ProbeKey: crowd.Unknown, crowd.ProbeAttributesOnCreate: crowd.Unknown,
			crowd.ProbeUserAttributes: crowd.Unknown, crowd.ProbeAtomicAttributes: crowd.Unknown,
			crowd.ProbeModifyUser: crowd.Unknown, crowd.ProbeEmailChange: crowd.Unknown,
			crowd.ProbeAttributeSearch: crowd.Unknown, crowd.ProbeSearchAttributes: crowd.Unknown,
			crowd.ProbeAddGroup: crowd.Fails, crowd.ProbeGroupAttributes: crowd.Unknown,
			crowd.ProbeModifyGroup: crowd.Unknown, crowd.ProbeNestedGroups: crowd.Unknown,
			crowd.ProbeEndSessions: crowd.Unknown, crowd.ProbeDirectories: crowd.Unknown,
		}},
		"attributes and groups denied": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = true })
			deny(s, crowdtest.ModifyUserAttributes, crowdtest.ModifyGroupAttributes, crowdtest.ModifyGroup)
		}, verdicts{
			crowd.ProbeUserAttributes: crowd.Fails, crowd.ProbeAtomicAttributes: crowd.Unknown,
			crowd.ProbeAttributeSearch: crowd.Unknown, crowd.ProbeGroupAttributes: crowd.Fails,
			crowd.ProbeModifyGroup: crowd.Fails, crowd.ProbeNestedGroups: crowd.Unknown,
		}},
		"wrong password": {func(s *crowdtest.Server) {
			s.SetApplication(crowdtest.Application{Name: crowdtest.DefaultApplication, Password: "other"})
		}, verdicts{crowd.ProbeCredentials: crowd.Fails, crowd.ProbeAddress: crowd.Unknown}},
		"other address": {func(s *crowdtest.Server) {
			s.SetApplication(crowdtest.Application{
				Name: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword, Addresses: []string{"192.0.2.9"},
			})
		}, verdicts{crowd.ProbeCredentials: crowd.Unknown, crowd.ProbeAddress: crowd.Fails}},
		"down": {func(s *crowdtest.Server) {
			s.Fail(crowdtest.Fault{Times: -1, Kind: crowdtest.AnswerHTML, Status: 502})
		}, verdicts{
			crowd.ProbeReachable: crowd.Fails, crowd.ProbeCredentials: crowd.Unknown, crowd.ProbeAddress: crowd.Unknown,
		}},
		"only groups": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
			deny(s, crowdtest.AddUser)
		}, verdicts{
			crowd.ProbeAddUser: crowd.Fails, crowd.ProbeKey: crowd.Unknown, crowd.ProbeAttributesOnCreate: crowd.Unknown,
			crowd.ProbeUserAttributes: crowd.Unknown, crowd.ProbeAtomicAttributes: crowd.Unknown,
			crowd.ProbeModifyUser: crowd.Unknown, crowd.ProbeEmailChange: crowd.Unknown,
			crowd.ProbeAttributeSearch: crowd.Unknown, crowd.ProbeSearchAttributes: crowd.Unknown,
			crowd.ProbeEndSessions: crowd.Unknown, crowd.ProbeDirectories: crowd.Unknown,
		}},
		"users as they are": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
			deny(s, crowdtest.ModifyUser)
		}, verdicts{crowd.ProbeModifyUser: crowd.Fails, crowd.ProbeEmailChange: crowd.Unknown}},
		"inactive users hidden": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups, o.AllowEmailChange, o.HideInactive = true, true, true })
		}, verdicts{crowd.ProbeAttributeSearch: crowd.Unknown, crowd.ProbeSearchAttributes: crowd.Unknown}},
		"sessions denied": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups, o.AllowEmailChange = true, true })
			s.Fail(crowdtest.Fault{
				Method: "DELETE", Resource: "session", Times: -1,
				Kind: crowdtest.Answer, Status: 403, Reason: "APPLICATION_PERMISSION_DENIED",
			})
		}, verdicts{crowd.ProbeEndSessions: crowd.Missing}},
		"sessions unknown": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups, o.AllowEmailChange = true, true })
			s.Fail(crowdtest.Fault{Method: "DELETE", Resource: "session", Times: -1, Kind: crowdtest.AnswerHTML, Status: 404})
		}, verdicts{crowd.ProbeEndSessions: crowd.Missing}},
		"busy": {func(s *crowdtest.Server) {
			s.Fail(crowdtest.Fault{Times: -1, Kind: crowdtest.Answer, Status: 429})
		}, verdicts{
			crowd.ProbeReachable: crowd.Fails, crowd.ProbeCredentials: crowd.Unknown, crowd.ProbeAddress: crowd.Unknown,
		}},
		"no Crowd": {func(s *crowdtest.Server) {
			s.Fail(crowdtest.Fault{Times: -1, Kind: crowdtest.AnswerHTML, Status: 404})
		}, verdicts{
			crowd.ProbeReachable: crowd.Fails, crowd.ProbeCredentials: crowd.Unknown, crowd.ProbeAddress: crowd.Unknown,
		}},
		"search broken": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups, o.AllowEmailChange = true, true })
			s.Fail(crowdtest.Fault{Resource: "search", Times: -1, Kind: crowdtest.AnswerHTML, Status: 502})
		}, verdicts{
			crowd.ProbeAttributeSearch: crowd.Fails, crowd.ProbeSearchAttributes: crowd.Fails, crowd.ProbeDirectories: crowd.Fails,
		}},
		"an earlier directory": {func(s *crowdtest.Server) {
			s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups, o.AllowEmailChange = true, true })
			s.AddDirectory(crowdtest.Directory{Name: "staff"})
			s.SetDirectory(crowdtest.DefaultDirectory, func(d *crowdtest.Directory) {
				d.Denied = []crowdtest.Operation{crowdtest.AddUser}
			})
		}, verdicts{crowd.ProbeDirectories: crowd.Missing}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c := serving(t)
				test.change(s)
				r := c.Check(t.Context())
				if diff := cmp.Diff(test.want, otherwise(r)); diff != "" {
					t.Errorf("findings mismatch (-want +got):\n%s\n%s", diff, r)
				}
				if want := !slices.Contains(values(test.want), crowd.Fails); r.OK() != want {
					t.Errorf("OK is %t, want %t", r.OK(), want)
				}
				for _, f := range r.Findings {
					if (f.Verdict == crowd.Fails || f.Verdict == crowd.Missing) && f.Remedy == "" {
						t.Errorf("%s has no remedy", f.Probe)
					}
				}
				if left := append(s.UserNames(), s.GroupNames()...); len(left) != 3 {
					t.Errorf("left behind: %v", left)
				}
			})
		})
	}
}

// The names that hide others, or are hidden, are told.
func TestCheckNamesTheShadow(t *testing.T) {
	s, c := serving(t)
	s.AddDirectory(crowdtest.Directory{Name: "staff", ID: 77})
	s.In("staff").AddUser(crowd.User{Name: "zoe"})
	detail := c.Check(t.Context()).Finding(crowd.ProbeDirectories).Detail
	if want := `there are 1 in directory 77, such as "zoe"`; !strings.Contains(detail, want) {
		t.Errorf("got %q, want it to hold %q", detail, want)
	}
}

func values(m map[crowd.Probe]crowd.Verdict) []crowd.Verdict {
	var list []crowd.Verdict
	for _, v := range m {
		list = append(list, v)
	}
	return list
}

func TestCheckCannotCleanUp(t *testing.T) {
	s, c := serving(t)
	deny(s, crowdtest.RemoveUser, crowdtest.RemoveGroup)
	r := c.Check(t.Context())
	for _, p := range []crowd.Probe{crowd.ProbeRemoveUser, crowd.ProbeRemoveGroup} {
		f := r.Finding(p)
		if f.Verdict != crowd.Fails || !strings.Contains(f.Remedy, "scimcrowd-check-") {
			t.Errorf("%s: got %+v, want the name of what is left", p, f)
		}
	}
}

// A check that is called off still cleans up.
func TestCheckCalledOff(t *testing.T) {
	s, c := serving(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.SetGate(func(_ context.Context, call crowdtest.Call, _ crowdtest.Moment) crowdtest.FaultKind {
		if call.Resource == "group" {
			cancel()
		}
		return crowdtest.NoFault
	})
	r := c.Check(ctx)
	if r.OK() {
		t.Errorf("a check that was called off is well:\n%s", r)
	}
	if left := append(s.UserNames(), s.GroupNames()...); len(left) != 3 {
		t.Errorf("left behind: %v", left)
	}
}

func TestReport(t *testing.T) {
	_, c := serving(t)
	r := c.Check(t.Context())
	doc, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again crowd.Report
	if err := json.Unmarshal(doc, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Errorf("report mismatch (-want +got):\n%s", diff)
	}
	text := r.String()
	for _, want := range []string{
		"Crowd at " + testBase + " (Crowd/" + crowdtest.DefaultVersion + ")\n",
		"works    reachable\n", "missing  nested groups\n         -> switch nested groups on",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("report lacks %q:\n%s", want, text)
		}
	}
	if (crowd.Report{}).OK() || r.Finding("no probe").Verdict != crowd.Unknown {
		t.Error("what was not asked counts as an answer")
	}
}

// Attributes of one write that are stored one by one show when they are read
// meanwhile.
func TestCheckSeesTornWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := serving(t, func(o *crowdtest.Options) { o.AttributesOneByOne = true })
		reads := make(chan struct{})
		s.SetGate(func(_ context.Context, call crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
			switch {
			case call.Resource != "user/attribute" || at != crowdtest.BeforeEffect:
			case call.Method == "POST":
				select {
				case <-reads:
				case <-time.After(time.Second):
				}
			default:
				select {
				case reads <- struct{}{}:
				default:
				}
			}
			return crowdtest.NoFault
		})
		if f := c.Check(t.Context()).Finding(crowd.ProbeAtomicAttributes); f.Verdict != crowd.Missing {
			t.Errorf("got %+v, want it missing", f)
		}
	})
}

// What was never created needs no cleaning up.
func TestCheckLosesCreation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := serving(t)
		s.Fail(
			crowdtest.Fault{Method: "POST", Resource: "user", Times: -1, Kind: crowdtest.LoseRequest},
			crowdtest.Fault{Method: "POST", Resource: "group", Times: -1, Kind: crowdtest.LoseRequest},
		)
		r := c.Check(t.Context())
		if f := r.Finding(crowd.ProbeAddUser); f.Verdict != crowd.Fails {
			t.Errorf("got %+v, want it to fail", f)
		}
		for _, p := range []crowd.Probe{crowd.ProbeRemoveUser, crowd.ProbeRemoveGroup} {
			if f := r.Finding(p); f.Verdict != crowd.Unknown {
				t.Errorf("got %+v, want it unknown", f)
			}
		}
	})
}
