package groupsync_test

import (
	"encoding/json"
	"fmt"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

func yesterday() *groupsync.Plan {
	return &groupsync.Plan{Title: "reconcile", Steps: []groupsync.Step{
		{Op: groupsync.OpRemoveMember, User: "bob", UserID: "1.b", Group: "devs", Why: "the grant was revoked"},
		{Op: groupsync.OpAddMember, User: "ann", UserID: "1.a", Group: "devs", Why: "granted by Developers"},
		{
			Op: groupsync.OpUpdateUser, User: "ann", UserID: "1.a", Why: "Crowd has another value",
			Changes: []groupsync.Change{{Field: "displayName", Before: "Ann", After: "Ann Lee"}},
		},
	}}
}

// A plan is shown to people as a table.
func ExamplePlan_Table() {
	fmt.Print(yesterday().Table())
	// Output:
	// reconcile
	// #  STEP           MEMBER  GROUP  CHANGE                          WHY
	// 1  remove member  bob     devs   -                               the grant was revoked
	// 2  add member     ann     devs   -                               granted by Developers
	// 3  update user    ann     -      displayName "Ann" -> "Ann Lee"  Crowd has another value
}

// A plan that was kept as JSON is the same plan.
func ExamplePlan_json() {
	document, err := json.Marshal(yesterday())
	if err != nil {
		fmt.Println(err)
		return
	}
	var kept groupsync.Plan
	err = json.Unmarshal(document, &kept)
	fmt.Println(kept.Fingerprint() == yesterday().Fingerprint(), err)
	// Output: true <nil>
}

// What has changed between two previews.
func ExampleDiffPlans() {
	today := yesterday()
	today.Steps[0] = groupsync.Step{Op: groupsync.OpRemoveMember, User: "cem", UserID: "1.c", Group: "devs", Why: "the grant was revoked"}
	fmt.Println(groupsync.DiffPlans(yesterday(), today))
	// Output:
	// 1 removed, 1 added, 2 the same
	// - remove member "bob" in "devs"
	// + remove member "cem" in "devs"
}
