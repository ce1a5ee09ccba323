// Package jiratest is a Jira for tests: projects, components and users in memory, over
// the REST API of Jira Data Center (version 2) or Jira Cloud (version 3), as far as
// package jiraleads calls it.
//
//	jira := jiratest.New(jiraleads.Cloud)
//	jira.AddUser(jiratest.User{Name: "ann", Email: "ann@example.com"})
//	jira.AddProject("WEB", "ann")
//	cfg := jira.Config() // reaches it without a network
//
// It checks credentials, gives lists whole or in pages as the product does, limits the
// rate of requests, and does wrong what a test asks for. What it answers follows
// Atlassian's public reference of the two APIs.
//
// Known differences: projects have no more fields than are needed here; there are no
// permissions beyond those of the account that calls and who can be assigned issues;
// lists of assignable users are not cut.
package jiratest
