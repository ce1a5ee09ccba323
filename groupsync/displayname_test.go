package groupsync_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// The display name that Crowd makes for a user of whom none is said stays: when it is
// reconciled, and when a creation is completed that a fault had cut short.
func TestDisplayNameOfCrowd(t *testing.T) {
	for name, fault := range map[string]crowdtest.Fault{
		"created":         {Method: "GET", Resource: "none"},
		"after the fault": {Method: "POST", Resource: "group/user/direct", Kind: crowdtest.Answer, Status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := worldOver(t, new(crowdtest.Server), func(c *groupsync.Config) {
					c.Groups = compiled(mapping.Groups{DefaultForNewUsers: []string{"welcome"}})
				})
				w.srv.AddGroup(crowd.Group{Name: "welcome", Active: true})
				w.srv.Fail(fault)
				p := named("ann")
				p.Fields.DisplayName, p.ExternalID, p.Data = new(""), "1", []byte("{}")
				_, err := w.engine.CreateUser(t.Context(), p, groupsync.Conflict)
				if faulty := fault.Kind != crowdtest.NoFault; faulty != (err != nil) {
					t.Fatalf("error is %v", err)
				} else if faulty {
					if _, err := w.engine.CreateUser(t.Context(), p, groupsync.Conflict); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Hour)
				if plan, err := w.engine.Plan(t.Context(), groupsync.ReconcileOptions{}); err != nil || len(plan.Steps) > 0 {
					t.Errorf("%v, %v", plan, err)
				}
				if u, _ := w.srv.User("ann"); u.DisplayName != "ann" {
					t.Errorf("the display name is %q", u.DisplayName)
				}
			})
		})
	}
}
