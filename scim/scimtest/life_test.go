package scimtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// person is a user with all attributes.
func person(id, given, family string) scimtest.User {
	return scimtest.User{
		ID: id, UserName: id + "@example.com", GivenName: given, FamilyName: family, DisplayName: given + " " + family,
		Email: id + "@example.com", Title: "Planner", Department: "Press",
	}
}

// account is what Crowd is to hold of a user.
type account struct {
	Name, First, Last, Display, Email string
	Active                            bool
	Groups                            []string
}

// accounts returns Crowd's users by name. Users that a connection test made and
// deleted are left out: under the bridge's default they stay, inactive.
func accounts(fake *crowdtest.Server) map[string]account {
	list := map[string]account{}
	for _, name := range fake.UserNames() {
		u, _ := fake.User(name)
		if strings.HasPrefix(name, "scimtest-") && !u.Active {
			continue
		}
		list[name] = account{u.Name, u.FirstName, u.LastName, u.DisplayName, u.Email, u.Active, fake.GroupsOf(name)}
	}
	return list
}

func accountOf(u scimtest.User, active bool, groups ...string) account {
	return account{u.UserName, u.GivenName, u.FamilyName, u.DisplayName, u.Email, active, groups}
}

func (b *bridge) wantAccounts(want ...account) {
	b.tb.Helper()
	all := map[string]account{}
	for _, a := range want {
		if a.Groups == nil {
			a.Groups = []string{}
		}
		slices.Sort(a.Groups)
		all[a.Name] = a
	}
	got := accounts(b.crowd)
	for name, a := range got {
		if a.Groups == nil {
			a.Groups = []string{}
			got[name] = a
		}
	}
	if diff := cmp.Diff(all, got); diff != "" {
		b.tb.Fatalf("Crowd's users mismatch (-want +got):\n%s", diff)
	}
}

func eachApp(t *testing.T, run func(t *testing.T, app scimtest.App, provider scim.Provider)) {
	for _, app := range scimtest.Apps() {
		for _, provider := range []scim.Provider{providerOf(app), scim.Generic} {
			t.Run(string(app)+" under "+string(provider), func(t *testing.T) {
				t.Parallel()
				run(t, app, provider)
			})
		}
	}
}

// A user's whole life.
func TestUserLife(t *testing.T) {
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		b := newBridge(t, newCrowd(), "test", provider)
		idp := b.idp(app)
		ann, bob := person("ann", "Ann", "Ash"), person("bob", "Bob", "Birch")
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann, bob}})
		b.wantAccounts(accountOf(ann, true), accountOf(bob, true))

		ann.GivenName, ann.DisplayName, ann.Email, ann.Title = "Anna", "Anna Ash", "anna@example.com", "Editor"
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann, bob}})
		b.wantAccounts(accountOf(ann, true), accountOf(bob, true))

		ann.UserName, ann.Title = "anna@example.com", ""
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann, bob}})
		b.wantAccounts(accountOf(ann, true), accountOf(bob, true))

		ann.Suspended = true
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann, bob}})
		hidden := app == scimtest.Okta || app == scimtest.OktaWizard
		b.wantAccounts(accountOf(ann, hidden), accountOf(bob, true))
		ann.Suspended = false
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann, bob}})
		b.wantAccounts(accountOf(ann, true), accountOf(bob, true))

		b.sync(idp, scimtest.Directory{Users: []scimtest.User{bob}})
		b.wantAccounts(accountOf(ann, false), accountOf(bob, true))
		ann.FamilyName, ann.DisplayName = "Aspen", "Anna Aspen"
		b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann, bob}})
		b.wantAccounts(accountOf(ann, true), accountOf(bob, true))

		if again := b.sync(idp, scimtest.Directory{Users: []scimtest.User{ann, bob}}); len(again.Steps) != 0 {
			t.Errorf("a cycle without changes sent\n%v", again)
		}
	})
}

// A group's whole life: members come and go, it is renamed, emptied, filled and
// deleted. What was made by hand stays.
func TestGroupLife(t *testing.T) {
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		if !pushesGroups(app) {
			return
		}
		b := newBridge(t, newCrowd(), "test", provider)
		b.crowd.AddUser(crowd.User{Name: "hand", Active: true})
		b.crowd.AddGroup(crowd.Group{Name: "by-hand", Active: true})
		b.crowd.AddMember("by-hand", "hand")
		idp := b.idp(app)
		users := []scimtest.User{person("ann", "Ann", "Ash"), person("bob", "Bob", "Birch"), person("cid", "Cid", "Cedar"), person("dee", "Dee", "Dogwood")}
		step := func(want map[string][]string) {
			t.Helper()
			d := scimtest.Directory{Users: users}
			for name, members := range want {
				id, _, _ := strings.Cut(name, " ")
				d.Groups = append(d.Groups, scimtest.Group{ID: id, Name: name, Members: members})
			}
			b.sync(idp, d)
			want["by-hand"] = []string{"hand"}
			b.wantGroups(want)
			b.restart()
		}
		step(map[string][]string{"Crew": {"ann", "bob", "cid"}, "Other": {"dee"}})
		step(map[string][]string{"Crew": {"ann", "cid"}, "Other": {"dee"}})
		step(map[string][]string{"Crew": {"cid", "dee"}, "Other": {"dee"}})
		step(map[string][]string{"Crew North": {"cid", "dee"}, "Other": {"dee"}})
		step(map[string][]string{"Crew South": {"ann"}, "Other": {"dee", "ann"}})
		step(map[string][]string{"Crew South": {}, "Other": {"dee"}})
		step(map[string][]string{"Crew South": {"bob", "ann"}, "Other": {"dee"}})
		if app == scimtest.OneLogin {
			return // it deletes no groups
		}
		step(map[string][]string{"Other": {"dee"}})
		step(map[string][]string{"Crew": {"bob"}, "Other": {"dee"}})
	})
}

// pushesGroups: Google sends users only.
func pushesGroups(app scimtest.App) bool { return !strings.HasPrefix(string(app), "google") }

// wantGroups checks Crowd's groups, registries aside. Members are given without
// the domain of their names.
func (b *bridge) wantGroups(want map[string][]string) {
	b.tb.Helper()
	got := map[string][]string{}
	for _, name := range groups(b.crowd) {
		got[name] = []string{}
		for _, m := range b.crowd.Members(name) {
			got[name] = append(got[name], strings.TrimSuffix(m, "@example.com"))
		}
	}
	all := map[string][]string{}
	for name, members := range want {
		all[name] = slices.Sorted(slices.Values(members))
	}
	if diff := cmp.Diff(all, got, cmpopts.EquateEmpty()); diff != "" {
		b.tb.Fatalf("Crowd's groups mismatch (-want +got):\n%s", diff)
	}
}
