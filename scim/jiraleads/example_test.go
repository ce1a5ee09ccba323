package jiraleads_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads/jiratest"
)

// Ann leads a project and a component in Jira. When the identity provider deactivates
// her, both go to others before she is locked out.
func Example() {
	jira := jiratest.New(jiraleads.DataCenter) // in production a Jira
	for _, name := range []string{"ann", "bob", "cat"} {
		jira.AddUser(jiratest.User{Name: name})
	}
	jira.AddProject("WEB", "ann")
	jira.AddComponent("WEB", "Search", "ann")

	cfg := jira.Config() // address and personal access token
	cfg.ProjectLead, cfg.ComponentLead = "bob", "cat"
	leads, err := jiraleads.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := crowd.New(crowd.Config{
		BaseURL: "https://crowd.test/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: new(crowdtest.Server)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: client, Hooks: []groupsync.Hook{leads}})
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	name, off := "ann", false
	ann, err := engine.CreateUser(ctx, groupsync.Profile{Fields: mapping.Fields{Username: &name}}, groupsync.Conflict)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = engine.UpdateUser(ctx, ann.ID, func(*groupsync.User) (groupsync.Profile, error) {
		return groupsync.Profile{Fields: mapping.Fields{Active: &off}, ActiveSaid: true}, nil
	})
	fmt.Println(jira.Leads(), err)
	// Output: [WEB bob WEB/Search cat] <nil>
}

// What would be handed over if somebody left, without doing it.
func ExampleHook_Plan() {
	jira := jiratest.New(jiraleads.Cloud)
	for _, name := range []string{"ann", "bob"} {
		jira.AddUser(jiratest.User{Name: name, Email: name + "@example.com"})
	}
	jira.AddProject("WEB", "ann")

	cfg := jira.Config() // address, account and API token
	cfg.ProjectLead = "bob@example.com"
	leads, err := jiraleads.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	steps, err := leads.Plan(context.Background(), groupsync.Leaver{Email: "ann@example.com"})
	for _, s := range steps {
		fmt.Println(s.Changes[0].Field+":", s.Changes[0].Before, "->", s.Changes[0].After)
	}
	fmt.Println(err)
	// Output:
	// lead of project WEB: ann (5b10-ann) -> bob (5b10-bob)
	// <nil>
}

// Before the settings are put into use: is whoever takes over fit to?
func ExampleHook_Check() {
	jira := jiratest.New(jiraleads.DataCenter)
	jira.AddUser(jiratest.User{Name: "bob", Inactive: true})

	cfg := jira.Config()
	cfg.ProjectLead, cfg.ComponentLead = "bob", "admin"
	leads, err := jiraleads.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, problem := range leads.Check(context.Background()) {
		fmt.Println(problem)
	}
	// Output:
	// project: the default project lead "bob" is not active in Jira. Activate the user there, or name another in the settings
}
