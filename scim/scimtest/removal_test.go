package scimtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// For each form in which an app removes members: those that are named go, the
// others stay, and nobody else's group is touched. Every app removes one of
// three, two of three, and the last.
func TestRemoval(t *testing.T) {
	forms := map[scimtest.App]string{
		scimtest.Okta:         `PATCH {"op":"remove","path":"members[value eq `,
		scimtest.OktaWizard:   `PUT "members":[`,
		scimtest.Entra:        `PATCH {"op":"Remove","path":"members","value":[{"$ref":null,"value":`,
		scimtest.EntraFlag:    `PATCH {"op":"remove","path":"members[value eq `,
		scimtest.OneLogin:     `PATCH {"op":"remove","path":"members[value eq `,
		scimtest.JumpCloud:    `PATCH {"op":"remove","path":"members","value":[{"value":`,
		scimtest.JumpCloudPut: `PUT "members":[`,
		scimtest.Ping:         `PATCH {"op":"remove","path":"members[value eq `,
		scimtest.PingOne:      `PUT "members":[`,
	}
	eachApp(t, func(t *testing.T, app scimtest.App, provider scim.Provider) {
		if !pushesGroups(app) {
			return
		}
		for _, left := range []string{"", "ann", "bob", "cid", "ann bob", "bob cid", "ann cid"} {
			b := newBridge(t, newCrowd(), "test", provider)
			idp := b.idp(app)
			want := scimtest.Directory{
				Users: []scimtest.User{person("ann", "Ann", "Ash"), person("bob", "Bob", "Birch"), person("cid", "Cid", "Cedar")},
				Groups: []scimtest.Group{
					{ID: "crew", Name: "Crew", Members: []string{"ann", "bob", "cid"}},
					{ID: "rest", Name: "Rest", Members: []string{"ann", "bob", "cid"}},
				},
			}
			b.sync(idp, want)
			want.Groups[0].Members = strings.Fields(left)
			report := b.sync(idp, want)
			b.wantGroups(map[string][]string{"Crew": strings.Fields(left), "Rest": {"ann", "bob", "cid"}})
			method, text, _ := strings.Cut(forms[app], " ")
			if !slices.ContainsFunc(report.Steps, func(s scimtest.Step) bool {
				return s.Method == method && strings.Contains(s.Body, text)
			}) {
				t.Errorf("no %s with %s in\n%v", method, text, report)
			}
		}
	})
}

// Okta's "push now" replaces the list, after a push that failed.
func TestPushNow(t *testing.T) {
	for _, members := range [][]string{{}, {"bob"}, {"ann", "bob"}} {
		b := newBridge(t, newCrowd(), "test", scim.Okta)
		idp := b.idp(scimtest.Okta)
		want := scimtest.Directory{
			Users:  []scimtest.User{person("ann", "Ann", "Ash"), person("bob", "Bob", "Birch")},
			Groups: []scimtest.Group{{ID: "crew", Name: "Crew", Members: []string{"ann"}}},
		}
		b.sync(idp, want)
		want.Groups[0].Members = []string{"ann", "bob"}
		b.answer = refuse("PATCH", 500, "")
		failed, err := idp.Sync(t.Context(), want)
		if err != nil || len(failed.Failures) != 1 {
			t.Fatalf("%v\n%v", err, failed)
		}
		b.answer = nil
		want.Groups[0].Members = members
		report := b.sync(idp, want)
		b.wantGroups(map[string][]string{"Crew": members})
		last := report.Steps[len(report.Steps)-1]
		if !strings.Contains(last.Body, `{"op":"replace","path":"members","value":[`) {
			t.Errorf("last request is %v", last)
		}
	}
}
