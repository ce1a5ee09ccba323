package source_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// Who is created, linked, updated, passed over, and why; by the settings of the
// connection.
func TestImportDecides(t *testing.T) {
	no := new(false)
	ann := user("1", "ann", email("ann@example.com"), `"displayName": "Ann"`)
	has := func(users ...crowd.User) func(*site) {
		return func(s *site) { s.fake.AddUser(users...) }
	}
	there := has(crowd.User{Name: "Ann", Email: "a@example.com", Active: true})
	byEmail := func(s *site) { s.imports.Link = []source.Link{source.LinkUserName, source.LinkEmail} }
	for name, c := range map[string]struct {
		change []func(*site)
		first  []string // lines imported before
		lines  []string
		want   []string
	}{
		"nobody":           {},
		"new":              {lines: []string{ann}, want: []string{`create user "ann": Crowd has no such user`}},
		"new, create off":  {change: []func(*site){func(s *site) { s.users.Create = no }}, lines: []string{ann}, want: []string{`skip user "ann": Crowd has no such user, and the setting users.create does not let one be made`}},
		"there":            {change: []func(*site){there}, lines: []string{ann}, want: []string{`skip user "ann": the user "Ann" in Crowd has the same name. Let existing users be linked by it, or rename one of the two`}},
		"there, link":      {change: []func(*site){there, links}, lines: []string{ann}, want: []string{`link user "ann": has the same name`}},
		"there, link only": {change: []func(*site){there, links, func(s *site) { s.users.Create = no }}, lines: []string{ann}, want: []string{`link user "ann": has the same name`}},
		"there, no rule":   {change: []func(*site){there, links, func(s *site) { s.imports.Link = []source.Link{} }}, lines: []string{ann}, want: []string{`skip user "ann": the user "Ann" in Crowd has the same name. Let existing users be linked by it, or rename one of the two`}},
		"as it should be":  {first: []string{ann}, lines: []string{ann}},
		"changed":          {first: []string{ann}, lines: []string{user("1", "ann", email("ann@example.com"))}, want: []string{`update user "ann": has the identity provider's id on record`}},
		"renamed":          {first: []string{ann}, lines: []string{user("1", "anna")}, want: []string{`update user "anna": has the identity provider's id on record`}},
		"update off":       {change: []func(*site){func(s *site) { s.users.Update = no }}, first: []string{ann}, lines: []string{user("1", "ann")}},
		"by e-mail":        {change: []func(*site){has(crowd.User{Name: "al", Email: "ANN@example.com", Active: true}), links, byEmail}, lines: []string{ann}, want: []string{`link user "ann": has the same e-mail address`}},
		"e-mail, no rule":  {change: []func(*site){has(crowd.User{Name: "al", Email: "ann@example.com", Active: true}), links}, lines: []string{ann}, want: []string{`create user "ann": Crowd has no such user`}},
		"two with e-mail": {
			change: []func(*site){has(crowd.User{Name: "al", Email: "ann@example.com"}, crowd.User{Name: "bl", Email: "ann@example.com"}), links, byEmail},
			lines:  []string{ann}, want: []string{`skip user "ann": 2 users in Crowd have this e-mail address, such as "al" and "bl". Link by name, or change the address of all but one`},
		},
		"two want one": {
			change: []func(*site){has(crowd.User{Name: "al", Email: "ann@example.com", Active: true}), links, byEmail},
			lines:  []string{ann, user("2", "ann2", email("ann@example.com"))},
			want:   []string{`link user "ann": has the same e-mail address`, `skip user "ann2": the user "al" in Crowd was taken for "1" of the identity provider before`},
		},
		"twice":         {lines: []string{ann, ann}, want: []string{`create user "ann": Crowd has no such user`, `skip user "ann": the identity provider told of this id before`}},
		"one name":      {lines: []string{ann, user("2", "ANN")}, want: []string{`create user "ann": Crowd has no such user`, `skip user "ANN": the identity provider told of another user of this name before`}},
		"another's id":  {change: []func(*site){links}, first: []string{ann}, lines: []string{user("2", "ann")}, want: []string{`skip user "ann": the user "ann" in Crowd has the same name, and is on record as "1" of the identity provider`}},
		"protected":     {change: []func(*site){there, links, func(s *site) { s.engine.ProtectedUsers = []string{"ann"} }}, lines: []string{ann}, want: []string{`skip user "ann": the user "Ann" in Crowd has the same name, and the setting users.protected keeps it as it is`}},
		"not chosen":    {change: []func(*site){func(s *site) { s.filter = `userName == "bob"` }}, lines: []string{ann}, want: []string{`skip user "ann": the setting users.filter does not choose this user: change the filter, or do not assign the user in the identity provider`}},
		"not valid":     {lines: []string{user("1", "ann", `"active": "perhaps"`)}, want: []string{`skip user "ann": active is a string: send true or false`}},
		"no Crowd name": {lines: []string{user("1", " ann")}, want: []string{`skip user " ann": userName: it gives the user name " ann", which begins or ends with a blank. Correct it in the identity provider, or map another attribute to username`}},
		"not active":    {lines: []string{user("1", "ann", `"active": false`)}, want: []string{`skip user "ann": is not active at the identity provider`}},
		"not active any more": {first: []string{ann}, lines: []string{user("1", "ann", `"active": false`)}, want: []string{
			`skip user "ann": is not active at the identity provider, and is in Crowd. Let the import deactivate leavers, or deactivate the user by hand`,
		}},
		"a leaver who is told": {change: []func(*site){func(s *site) { s.imports.Leavers = true }}, first: []string{ann}, lines: []string{user("1", "ann", `"active": false`)}, want: []string{`update user "ann": has the identity provider's id on record`}},
		"a leaver":             {change: []func(*site){func(s *site) { s.imports.Leavers = true }}, first: []string{ann}, want: []string{`deactivate user "ann": the identity provider does not have the user`}},
		"a leaver who is back": {change: []func(*site){func(s *site) { s.imports.Leavers = true; s.gone = []string{ann} }}, lines: []string{ann}, want: []string{`update user "ann": has the identity provider's id on record`}},
		"leavers stay":         {first: []string{ann}},
		"deactivate off":       {change: []func(*site){func(s *site) { s.imports.Leavers, s.users.Deactivate = true, no }}, first: []string{ann}},
		"a leaver by hand, told": {change: []func(*site){there, links, func(s *site) { s.imports.Leavers = true }}, lines: []string{user("1", "ann", `"active": false`)}, want: []string{
			`skip user "ann": is not active at the identity provider, and the connection does not own the user "Ann" in Crowd`,
		}},
		"no leaver by hand": {change: []func(*site){there, func(s *site) { s.imports.Leavers = true }}},
		"no leaver for being passed over": {
			change: []func(*site){links, func(s *site) { s.imports.Leavers = true }}, first: []string{ann}, lines: []string{user("2", "ann")},
			want: []string{`skip user "ann": the user "ann" in Crowd has the same name, and is on record as "1" of the identity provider`},
		},
		"group":            {lines: []string{ann, group("7", "devs", "1")}, want: []string{`create user "ann": Crowd has no such user`, `create group "devs": the connection has no such group`}},
		"group that is":    {first: []string{ann, group("7", "devs", "1")}, lines: []string{ann, group("7", "devs", "1")}},
		"group in Crowd":   {change: []func(*site){func(s *site) { s.fake.AddGroup(crowd.Group{Name: "devs", Active: true}) }}, lines: []string{group("7", "devs")}, want: []string{`link group "devs": Crowd has a group of that name`}},
		"group renamed":    {first: []string{group("7", "devs")}, lines: []string{group("7", "developers")}, want: []string{`update group "developers": the connection has the group`}},
		"group taken":      {first: []string{group("7", "devs")}, lines: []string{group("8", "devs")}, want: []string{`skip group "devs": the group "devs" in Crowd is on record as "7" of the identity provider`}},
		"group twice":      {lines: []string{group("7", "devs"), group("8", "DEVS")}, want: []string{`create group "devs": the connection has no such group`, `skip group "DEVS": the identity provider told of another group of this name before`}},
		"group, two names": {first: []string{group("7", "a"), group("8", "b")}, lines: []string{group("7", "b")}, want: []string{`skip group "b": the group is "a" in Crowd, and another one has the name "b". Rename or delete that`}},
		"group protected":  {lines: []string{group("7", "crowd-administrators")}, want: []string{`skip group "crowd-administrators": group "crowd-administrators" is protected by the setting groups.protected and is not changed over SCIM. Take it off that list to let the identity provider manage it`}},
		"member unknown":   {lines: []string{group("7", "devs", "1")}, want: []string{`skip member "1" of "devs": it is not among the users that the identity provider told of`, `create group "devs": the connection has no such group`}},
		"member skipped":   {change: []func(*site){there}, lines: []string{ann, group("7", "devs", "1")}, want: []string{`skip user "ann": the user "Ann" in Crowd has the same name. Let existing users be linked by it, or rename one of the two`, `skip member "ann" of "devs": the user was passed over`, `create group "devs": the connection has no such group`}},
		"users only":       {change: []func(*site){func(s *site) { s.imports.UsersOnly = true }}, lines: []string{ann, group("7", "devs", "1")}, want: []string{`create user "ann": Crowd has no such user`}},
		"member left":      {first: []string{ann, group("7", "devs", "1")}, lines: []string{ann, group("7", "devs")}},
		"member removed":   {change: []func(*site){func(s *site) { s.imports.RemoveMembers = true }}, first: []string{ann, group("7", "devs", "1")}, lines: []string{ann, group("7", "devs")}, want: []string{`update group "devs": the connection has the group`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, c.change...)
			if len(c.first) > 0 {
				s.run(c.first...)
			}
			if len(s.gone) > 0 {
				s.run(s.gone...)
				s.run()
			}
			before := s.state()
			plan := s.plan(c.lines...)
			if diff := cmp.Diff(c.want, outcomes(plan)); diff != "" {
				t.Errorf("outcomes mismatch (-want +got):\n%s", diff)
			}
			if after := s.state(); after != before {
				t.Errorf("the plan changed something (-before +after):\n%s", cmp.Diff(before, after))
			}
			if _, err := s.importer().Apply(t.Context(), plan, ""); err != nil {
				t.Fatal(err)
			}
			if again := s.plan(c.lines...); left(again) > 0 {
				t.Errorf("applied, the same import has something to do:\n%s", again.Table())
			}
		})
	}
}

// left counts the steps of a plan but for those that end the sessions of leavers
// again, as is done for an hour.
func left(i *groupsync.Import) (n int) {
	for _, step := range i.Plan.Steps {
		if step.Op != groupsync.OpEndSessions {
			n++
		}
	}
	return n
}

// The steps of a plan are those that are applied, one for one.
func TestImportPlanIsWhatIsApplied(t *testing.T) {
	s := newSite(t, links, func(s *site) {
		s.imports.Leavers, s.imports.RemoveMembers = true, true
		s.imports.Link = []source.Link{source.LinkUserName, source.LinkEmail}
		s.groups = mapping.Groups{DefaultForNewUsers: []string{"newcomers"}, DefaultForAllUsers: []string{"everybody"}}
		s.fake.AddGroup(crowd.Group{Name: "newcomers", Active: true}, crowd.Group{Name: "everybody", Active: true})
		s.fake.AddUser(crowd.User{Name: "Bob", DisplayName: "Robert", Active: true}, crowd.User{Name: "cl", Email: "cem@example.com", Active: false})
	})
	s.run(user("4", "dan"), user("5", "eve"), user("6", "fay"), group("7", "devs", "4", "5"), group("8", "ops", "4"))
	s.applied()
	lines := []string{
		user("1", "ann", email("ann@example.com")), user("2", "bob", `"displayName": "Bob"`), user("3", "cem", email("cem@example.com")),
		user("4", "daniel", `"displayName": "Daniel"`), user("6", "fay", `"active": false`),
		group("7", "developers", "1", "2", "4"), group("8", "ops", "4"), group("9", "new", "3"),
	}
	plan := s.plan(lines...)
	want := []string{}
	for _, step := range plan.Plan.Steps {
		want = append(want, step.String())
	}
	if len(want) < 20 {
		t.Fatalf("a plan of %d steps only:\n%s", len(want), plan.Table())
	}
	result, err := s.importer().Apply(t.Context(), plan, "")
	if err != nil {
		t.Fatal(err)
	}
	got := s.applied()
	// Users are worked on at the same time, so that only the steps of each are in order.
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("applied steps mismatch (-planned +applied):\n%s\n%s", diff, plan.Table())
	}
	if result.Applied != len(want) {
		t.Errorf("%d steps counted as applied, want %d", result.Applied, len(want))
	}
	for _, o := range plan.Outcomes {
		if o.Done != (o.Action != groupsync.ImportSkip) || o.Error != "" {
			t.Errorf("outcome %+v", o)
		}
	}
	if got := s.fake.Members("developers"); !slices.Equal(got, []string{"ann", "Bob", "daniel"}) && len(got) != 3 {
		t.Errorf("developers are %q", got)
	}
	if u, _ := s.fake.User("eve"); u.Active {
		t.Error("eve, a leaver, is active")
	}
}

// Groups within groups are imported where the directory has such, after all groups,
// and taken out again where that is asked for.
func TestImportNestedGroups(t *testing.T) {
	s := newSite(t, func(s *site) {
		s.fake.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
	})
	inner := func(id string) string { return fmt.Sprintf(`{"value": %q, "type": "Group"}`, id) }
	lines := []string{
		user("1", "ann"), `{"id": "7", "displayName": "all", "members": [{"value": "1"}, ` + inner("8") + `, ` + inner("9") + `]}`, group("8", "devs", "1"),
	}
	plan := s.run(lines...)
	want := []string{
		`create user "ann": Crowd has no such user`, `create group "all": the connection has no such group`, `create group "devs": the connection has no such group`,
		`update member "devs" of "all": the identity provider has the group in the group`,
		`skip member "9" of "all": it is not among the groups that the identity provider told of, or was passed over`,
	}
	if diff := cmp.Diff(want, outcomes(plan)); diff != "" {
		t.Errorf("outcomes mismatch (-want +got):\n%s", diff)
	}
	if got := s.fake.ChildGroups("all"); !slices.Equal(got, []string{"devs"}) {
		t.Errorf("within all are %q", got)
	}
	if again := s.plan(lines...); left(again) > 0 {
		t.Errorf("something is left:\n%s", again.Table())
	}
	must[bool](t)(s.client.RemoveChildGroup(t.Context(), "all", "devs")) // what a fault would leave
	if again := s.run(lines...); left(again) != 1 || len(s.fake.ChildGroups("all")) != 1 {
		t.Errorf("not ended:\n%s", again.Table())
	}
	out := []string{user("1", "ann"), group("7", "all", "1"), group("8", "devs", "1")}
	if kept := s.plan(out...); left(kept) > 0 {
		t.Errorf("something is taken away unasked:\n%s", kept.Table())
	}
	s.imports.RemoveMembers = true
	if taken := s.run(out...); left(taken) != 1 || len(s.fake.ChildGroups("all")) != 0 {
		t.Errorf("not taken out:\n%s", taken.Table())
	}
	refusing := newSite(t)
	plan = refusing.plan(lines...)
	if _, err := refusing.importer().Apply(t.Context(), plan, ""); err == nil || plan.Outcomes[3].Done || plan.Outcomes[3].Error == "" {
		t.Errorf("where the directory has no groups within groups: %v, %+v", err, plan.Outcomes)
	}
	if got := refusing.fake.Members("all"); !slices.Equal(got, []string{"ann"}) {
		t.Errorf("all are %q", got)
	}
}

// What is imported is what a request of the identity provider makes, so that
// provisioning goes on from there.
func TestImportIsLikeAPush(t *testing.T) {
	doc := `"externalId": "1", "userName": "ann", "displayName": "Ann", "name": {"givenName": "Ann"}, "nickName": "A", ` + email("ann@example.com")
	pushed, imported := newSite(t), newSite(t)
	post(t, pushed.imports.Handler, "/Users", `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], `+doc+`}`)
	imported.run(`{"id": "1", "groups": [{"value": "x"}], "meta": {"version": "7"}, ` + doc + `}`)
	if diff := cmp.Diff(pushed.state(), imported.state()); diff != "" {
		t.Errorf("state mismatch (-pushed +imported):\n%s", diff)
	}
}

// A source that ends early, in any way, makes no leavers.
func TestImportOfHalfASource(t *testing.T) {
	everybody := []string{user("1", "ann"), user("2", "bob"), group("7", "devs", "1", "2")}
	for name, half := range map[string]string{
		"no last line":     everybody[0] + "\n",
		"other counts":     everybody[0] + "\n" + `{"end": {"users": 2, "groups": 0}}`,
		"a line cut off":   everybody[0] + "\n" + everybody[1][:10],
		"within the group": everybody[0] + "\n" + everybody[2][:30],
		"garbage":          everybody[0] + "\n<html>\n" + `{"end": {"users": 1, "groups": 0}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(s *site) { s.imports.Leavers, s.imports.RemoveMembers = true, true })
			s.run(everybody...)
			before := s.state()
			plan := must[*groupsync.Import](t)(s.importer().Plan(t.Context(), source.NewJSONLines(strings.NewReader(half))))
			if plan.Early == "" || plan.EarlyError() == nil || len(plan.Plan.Steps) > 0 {
				t.Errorf("early %q, plan:\n%s", plan.Early, plan.Table())
			}
			must[groupsync.Result](t)(s.importer().Apply(t.Context(), plan, ""))
			if after := s.state(); after != before {
				t.Errorf("state mismatch (-before +after):\n%s", cmp.Diff(before, after))
			}
			whole := s.plan(everybody[0])
			if got := outcomes(whole); len(got) != 1 || got[0] != `deactivate user "bob": the identity provider does not have the user` {
				t.Errorf("whole, it does %q", got)
			}
		})
	}
}

// Where groups are left alone, the source is gone through to its end all the same.
func TestImportOfUsersOfHalfASource(t *testing.T) {
	s := newSite(t, func(s *site) { s.imports.Leavers, s.imports.UsersOnly = true, true })
	s.run(user("1", "ann"), user("2", "bob"))
	half := source.NewJSONLines(strings.NewReader(user("1", "ann") + "\n" + group("7", "devs", "1")))
	plan := must[*groupsync.Import](t)(s.importer().Plan(t.Context(), half))
	if !errors.Is(plan.EarlyError(), source.ErrIncomplete) || len(plan.Plan.Steps) > 0 || plan.Groups > 0 {
		t.Errorf("early %v, plan:\n%s", plan.EarlyError(), plan.Table())
	}
}

// What a source told before it ended is imported all the same.
func TestImportOfTheFirstHalf(t *testing.T) {
	s := newSite(t)
	plan := must[*groupsync.Import](t)(s.importer().Plan(t.Context(), source.NewJSONLines(strings.NewReader(user("1", "ann")))))
	must[groupsync.Result](t)(s.importer().Apply(t.Context(), plan, ""))
	if _, found := s.fake.User("ann"); !found || !errors.Is(plan.EarlyError(), source.ErrIncomplete) {
		t.Errorf("ann is there: %t; early: %v", found, plan.EarlyError())
	}
}

// Leavers go through the guard: too many are refused whole, and pass once where an
// administrator says so.
func TestImportGuard(t *testing.T) {
	s := newSite(t, func(s *site) {
		s.imports.Leavers = true
		s.engine.Policy.Deactivations = groupsync.Limit{Count: new(2), Percent: new(10)}
	})
	var lines []string
	for i := range 6 {
		lines = append(lines, user(fmt.Sprint(i), fmt.Sprint("u", i)))
	}
	s.run(lines...)
	before := s.state()
	rest := append(lines[:2:2], user("new", "new"))
	plan := s.plan(rest...)
	_, err := s.importer().Apply(t.Context(), plan, "")
	refusal, refused := errors.AsType[*groupsync.GuardError](err)
	if !refused || refusal.Count != 4 || refusal.Total != 6 {
		t.Fatalf("error is %v", err)
	}
	if after := s.state(); after != before {
		t.Errorf("refused, it changed (-before +after):\n%s", cmp.Diff(before, after))
	}
	if _, err := s.importer().Apply(t.Context(), plan, "another plan"); err == nil {
		t.Error("approved by the fingerprint of another plan")
	}
	if _, err := s.importer().Apply(t.Context(), plan, refusal.Fingerprint); err != nil {
		t.Errorf("approved: %v", err)
	}
	if again := s.plan(rest...); left(again) > 0 {
		t.Errorf("still to do:\n%s", again.Table())
	}
}

// Memberships that would go are held against the guard as well.
func TestImportGuardsMemberships(t *testing.T) {
	s := newSite(t, func(s *site) {
		s.imports.RemoveMembers = true
		s.engine.Policy.Removals = groupsync.Limit{Count: new(1), Percent: new(10)}
	})
	lines := []string{user("1", "ann"), user("2", "bob"), user("3", "cem")}
	s.run(append(lines[:3:3], group("7", "devs", "1", "2", "3"))...)
	plan := s.plan(append(lines[:3:3], group("7", "devs", "1"))...)
	_, err := s.importer().Apply(t.Context(), plan, "")
	refusal, refused := errors.AsType[*groupsync.GuardError](err)
	if !refused || refusal.Count != 2 || refusal.Total != 3 || len(s.fake.Members("devs")) != 3 {
		t.Fatalf("error is %v, devs are %q", err, s.fake.Members("devs"))
	}
	if _, err := s.importer().Apply(t.Context(), plan, refusal.Fingerprint); err != nil || len(s.fake.Members("devs")) != 1 {
		t.Errorf("approved: %v, devs are %q", err, s.fake.Members("devs"))
	}
}

// A plan whose subject has changed since is not applied there.
func TestImportStale(t *testing.T) {
	s := newSite(t, links)
	s.run(user("1", "ann", `"displayName": "Ann"`))
	s.fake.AddUser(crowd.User{Name: "bob", Active: true})
	plan := s.plan(user("1", "ann", `"displayName": "Anna"`), user("2", "bob"), user("3", "cem"), user("4", "dan"))
	s.run(user("1", "ann", `"displayName": "Anne"`))
	s.run(user("5", "bob"))
	s.fake.AddUser(crowd.User{Name: "cem", Active: true})
	s.run(user("4", "dan"))
	result, err := s.importer().Apply(t.Context(), plan, "")
	if !errors.Is(err, groupsync.ErrStalePlan) {
		t.Errorf("error is %v", err)
	}
	var done []string
	for _, o := range plan.Outcomes {
		done = append(done, fmt.Sprintf("%s %t", o.Name, o.Done))
	}
	// dan was created meanwhile just as planned.
	if want := []string{"ann false", "bob false", "cem false", "dan true"}; !cmp.Equal(want, done) {
		t.Errorf("outcomes are %q, want %q", done, want)
	}
	if len(result.Stale) == 0 || result.Applied != 1 {
		t.Errorf("%d stale, %d applied", len(result.Stale), result.Applied)
	}
	if u, _ := s.fake.User("ann"); u.DisplayName != "Anne" {
		t.Errorf("ann is called %q", u.DisplayName)
	}
}

// A dry run plans and reports, and changes nothing.
func TestImportDryRun(t *testing.T) {
	s := newSite(t, links, func(s *site) {
		s.engine.DryRun = true
		s.fake.AddUser(crowd.User{Name: "bob", Active: true})
	})
	before := s.state()
	plan := s.run(user("1", "ann"), user("2", "bob"), group("7", "devs", "1", "2"))
	if after := s.state(); after != before {
		t.Errorf("state mismatch (-before +after):\n%s", cmp.Diff(before, after))
	}
	if len(plan.Plan.Steps) < 4 || plan.Outcomes[0].Done {
		t.Errorf("plan:\n%s", plan.Table())
	}
}

func TestImportRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(s *site) { s.imports.Rate = 2 })
		plan := s.plan(user("1", "ann"), user("2", "bob"), user("3", "cem"), group("7", "devs", "1"), group("8", "ops", "1"))
		began := time.Now()
		must[groupsync.Result](t)(s.importer().Apply(t.Context(), plan, ""))
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("five changes, two in a second, took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		plan = s.plan(user("4", "dan"), user("5", "eve"), user("6", "fay"), user("9", "gil"))
		if _, err := s.importer().Apply(ctx, plan, ""); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if n := len(s.fake.UserNames()); n == 7 {
			t.Error("all were created though the time was up")
		}
	})
}

func TestImportProgress(t *testing.T) {
	var told []string
	s := newSite(t, func(s *site) {
		s.imports.Progress = func(p groupsync.Progress) { told = append(told, fmt.Sprint(p.Phase, " ", p.Done, "/", p.Total)) }
	})
	var lines []string
	for i := range 1200 {
		lines = append(lines, user(fmt.Sprint(i), fmt.Sprint("u", i)))
	}
	s.run(lines...)
	if want := []string{"read 500/0", "read 1000/0", "apply 500/1200", "apply 1000/1200", "apply 1200/1200"}; !cmp.Equal(want, told) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// Looking users up costs one call for fifty of them, and nothing else.
func TestImportCalls(t *testing.T) {
	s := newSite(t)
	var lines []string
	for i := range 120 {
		lines = append(lines, user(fmt.Sprint(i), fmt.Sprint("u", i)))
	}
	s.run(lines...)
	s.fake.ResetCalls()
	if plan := s.plan(lines...); plan.Unchanged != 120 {
		t.Errorf("%d of 120 as they should be", plan.Unchanged)
	}
	if calls := s.fake.Calls(); len(calls) != 3 {
		t.Errorf("%d calls: %v", len(calls), calls)
	}
}

func TestImportTableAndJSON(t *testing.T) {
	s := newSite(t, func(s *site) { s.fake.AddUser(crowd.User{Name: "bob"}) })
	plan := s.run(user("1", "ann"), user("2", "bob"), group("7", "devs", "1"))
	want := `import into the connection "okta": 2 users, 1 groups, 0 as they should be
ACTION  KIND   NAME  ID  IN CROWD  WHY                                                                                                        RESULT
create  user   ann   1   -         Crowd has no such user                                                                                     done
skip    user   bob   2   bob       the user "bob" in Crowd has the same name. Let existing users be linked by it, or rename one of the two  -
create  group  devs  7   -         the connection has no such group                                                                           done
import into the connection "okta"
#  STEP          MEMBER  GROUP  CHANGE                                       WHY
1  create user   ann     -      username "" -> "ann", active "false" -> "true"  the identity provider has the user
2  create group  -       devs   -                                            the identity provider created the group
3  grant         ann     devs   -                                            the identity provider has the user in the group
`
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	if diff := cmp.Diff(squeeze(want), squeeze(plan.Table())); diff != "" {
		t.Errorf("table mismatch (-want +got):\n%s\n%s", diff, plan.Table())
	}
	data, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Plan     groupsync.Plan
		Outcomes []groupsync.ImportOutcome
		Users    int
	}
	if err := json.Unmarshal(data, &back); err != nil || back.Users != 2 || !cmp.Equal(back.Outcomes, plan.Outcomes) || len(back.Plan.Steps) != 3 {
		t.Errorf("%v from %s", err, data)
	}
	if got := plan.Counts(); !cmp.Equal(got, map[string]int{"create user": 1, "skip user": 1, "create group": 1}) {
		t.Errorf("counts are %v", got)
	}
}

func TestImporterConfig(t *testing.T) {
	for want, change := range map[string]func(*site){
		"source: ImporterConfig.Engine and Handler are required":                                                                func(s *site) { s.imports.Engine = nil },
		`source: ImporterConfig.Link needs the setting users.existing to be "link", which lets existing users be linked at all`: func(s *site) { s.imports.Link = []source.Link{source.LinkEmail} },
		"source: ImporterConfig.Rate is negative":                                                                               func(s *site) { s.imports.Rate = -1 },
	} {
		s := newSite(t)
		change(s)
		if _, err := source.NewImporter(s.imports); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	s := newSite(t, links)
	s.imports.Link = []source.Link{"name"}
	if _, err := source.NewImporter(s.imports); err == nil || !strings.HasSuffix(err.Error(), `holds "userName" and "email" only, not "name"`) {
		t.Errorf("error is %v", err)
	}
}
