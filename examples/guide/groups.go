package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// mapAttributes adds a row to the default ones: e-mail from the primary address,
// displayName from the full name.
func (g *guide) mapAttributes(ctx context.Context) error {
	for _, row := range mapping.DefaultAttributes() {
		if row.To == "email" || row.To == "displayName" {
			g.say("default: %s from %q", row.To, row.From)
		}
	}
	u, _ := g.in().User("ann@example.com")
	if u.Email != "ann@example.com" || u.DisplayName != "Ann Berg" {
		return fmt.Errorf("e-mail and display name in Crowd are %q and %q", u.Email, u.DisplayName)
	}
	g.say("Crowd: ann@example.com has the e-mail %s and the display name %s", u.Email, u.DisplayName)
	department := "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
	if err := g.change(ctx, func(c *backup.Connection) {
		c.Users.Attributes = mapping.Attributes{{To: "department", From: []string{department}}}
	}); err != nil {
		return err
	}
	g.org.Users[0].Department = "Research" // from the next word of the identity provider on
	if err := g.push(ctx); err != nil {
		return err
	}
	if u, _ = g.in().User("ann@example.com"); u.Attributes.First("department") != "Research" {
		return fmt.Errorf("the department in Crowd is %q", u.Attributes.First("department"))
	}
	g.say("Crowd: ann@example.com has the attribute department: Research")
	return nil
}

// defaultGroups gives groups to new users once, and to all users always.
func (g *guide) defaultGroups(ctx context.Context) error {
	g.in().AddGroup(crowd.Group{Name: "welcome", Active: true}, crowd.Group{Name: "jira-users", Active: true})
	if err := g.change(ctx, func(c *backup.Connection) {
		c.Groups.DefaultForNewUsers, c.Groups.DefaultForAllUsers = []string{"welcome"}, []string{"jira-users"}
	}); err != nil {
		return err
	}
	g.org.Users = append(g.org.Users, scimtest.User{
		ID: "00u6", UserName: "finn@example.com", GivenName: "Finn", FamilyName: "Dale", DisplayName: "Finn Dale", Email: "finn@example.com",
	})
	return errors.Join(g.push(ctx), g.members("welcome", "finn@example.com"), g.members("jira-users", g.in().UserNames()...))
}

// mapManually pushes a group, finds it among those that came, and lets it fill a
// Crowd group in which Hal is by hand.
func (g *guide) mapManually(ctx context.Context) error {
	g.in().AddUser(crowd.User{Name: "hal", Active: true})
	g.in().AddGroup(crowd.Group{Name: "jira-developers", Active: true})
	g.in().AddMember("jira-developers", "hal")
	if err := g.change(ctx, func(c *backup.Connection) { c.Groups.Mapping = mapping.ManualMapping }); err != nil {
		return err
	}
	g.org.Groups = []scimtest.Group{{ID: "00g1", Name: "Engineering", Members: []string{"00u1", "00u2"}}}
	if err := g.push(ctx); err != nil {
		return err
	}
	pushed, err := g.connection().Engine.Groups(ctx)
	if err != nil {
		return err
	}
	for _, group := range pushed {
		if group.Adopted {
			g.say("imported from Okta: %s", g.connection().Groups.Explain(mapping.SCIMGroup{ID: group.ID, Name: group.Name, ExternalID: group.ExternalID}))
		}
	}
	rule := mapping.Rule{From: "Engineering", To: []string{"jira-developers"}, KeepExistingUsers: new(true)}
	g.say("with keep existing users:")
	if err := g.change(ctx, func(c *backup.Connection) { c.Groups.Manual.Rules = []mapping.Rule{rule} }); err != nil {
		return err
	}
	if err := g.members("jira-developers", "ann@example.com", "ben@example.com", "hal"); err != nil {
		return err
	}
	g.say("without:")
	rule.KeepExistingUsers = new(false)
	err = g.change(ctx, func(c *backup.Connection) { c.Groups.Manual.Rules = []mapping.Rule{rule} })
	if err := errors.Join(err, g.members("jira-developers", "ann@example.com", "ben@example.com")); err != nil {
		return err
	}
	g.say("with import of groups:")
	if err := g.change(ctx, func(c *backup.Connection) { c.Groups.Manual.ImportGroups = true }); err != nil {
		return err
	}
	g.org.Groups = append(g.org.Groups, scimtest.Group{ID: "00g4", Name: "Sales", Members: []string{"00u4"}})
	return errors.Join(g.push(ctx), g.members("Sales", "eve@example.com"))
}

// mapOnTheFly maps groups to those of the same name, creating what is missing.
// Cleo is in another group by hand.
func (g *guide) mapOnTheFly(ctx context.Context) error {
	g.in().AddGroup(crowd.Group{Name: "choir", Active: true}, crowd.Group{Name: "Marketing", Active: true})
	g.in().AddMember("choir", "cleo@example.com")
	if err := g.change(ctx, func(c *backup.Connection) {
		c.Groups.Mapping, c.Groups.Manual = mapping.OnTheFlyMapping, mapping.Manual{}
	}); err != nil {
		return err
	}
	g.org.Groups = append(g.org.Groups,
		scimtest.Group{ID: "00g2", Name: "Design", Members: []string{"00u3"}},
		scimtest.Group{ID: "00g3", Name: "Marketing", Members: []string{"00u4"}, Link: "Marketing"},
	)
	if err := errors.Join(
		g.push(ctx), g.members("Engineering", "ann@example.com", "ben@example.com"), g.members("Design", "cleo@example.com"),
		g.members("Marketing", "eve@example.com"), g.members("choir", "cleo@example.com"),
	); err != nil {
		return err
	}
	g.say("without keep existing groups:")
	if err := g.change(ctx, func(c *backup.Connection) { c.Groups.OnTheFly.KeepExistingGroups = new(false) }); err != nil {
		return err
	}
	if err := g.members("choir"); err != nil {
		return err
	}
	g.org.Groups[0].Members = []string{"00u2", "00u3"} // Ann moves, Cleo joins
	g.org.Groups[0].Name = "Platform"
	if err := errors.Join(g.push(ctx), g.members("Platform", "ben@example.com", "cleo@example.com")); err != nil {
		return err
	}
	if slices.Contains(g.in().GroupNames(), "Engineering") {
		return errors.New("the old name of the renamed group is there still")
	}
	return nil
}
