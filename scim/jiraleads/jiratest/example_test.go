package jiratest_test

import (
	"fmt"

	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads/jiratest"
)

// A Jira for a test: people, what they lead, and what goes wrong.
func Example() {
	jira := jiratest.New(jiraleads.DataCenter)
	jira.AddUser(jiratest.User{Name: "ann"})
	jira.AddProject("WEB", "ann")
	jira.AddComponent("WEB", "Search", "")
	jira.Fail(jiratest.Fault{Status: 503, RetryAfter: 2}) // the next request

	fmt.Println(jira.Leads())
	// Output: [WEB ann WEB/Search -]
}
