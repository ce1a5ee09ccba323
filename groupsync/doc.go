// Package groupsync makes users, groups and memberships of a Crowd directory
// equal what an identity provider granted, and touches nothing else.
//
// An [Engine] serves one connection: one identity provider tied to one Crowd
// directory. Each of its calls reads what it needs, makes a [Plan] of single
// steps with their reasons, holds the plan against the [Policy] and applies it:
//
//	engine, err := groupsync.New(groupsync.Config{
//		Connection: "okta",
//		Crowd:      client, // a *crowd.Client
//	})
//	...
//	ann, err := engine.CreateUser(ctx, profile, groupsync.Conflict)
//	devs, err := engine.CreateGroup(ctx, groupsync.NewGroup{Name: "devs"})
//	_, err = engine.ChangeGroup(ctx, devs.ID, groupsync.GroupChange{
//		Members: []groupsync.MemberChange{{Op: groupsync.AddMembers, IDs: []string{ann.ID}}},
//	})
//
// # What is kept, and where
//
// Crowd is the system of record; the engine has no store of its own, so any
// number of them may serve one directory, and each may end at any moment. What
// Crowd has no field for is kept in Crowd attributes, as registers: single
// attributes that are written and never deleted, so that the last write counts.
//
//   - On a user: the connection that owns it (scim.owner), what the identity
//     provider last said of it (scim.NAME.active, .data, .gone, .pending and the
//     look-up values .externalId and .emails), whether hooks have ended for a leaver
//     (scim.NAME.hook.HOOK), one register for each SCIM group
//     it was granted (scim.NAME.grant.HASH, "granted" or "revoked"), and one for
//     each Crowd group a grant filled (scim.made.HASH: "made" where the
//     membership is the engine's doing, "found" where it was there by hand,
//     "left@TIME" once the last grant is gone).
//   - On the inactive group scim-registry-NAME: what SCIM groups there are, three
//     registers for each (issued, name, dead), one for its externalId and one for
//     each group within it, and when the last reconcile began.
//   - On a Crowd group that a SCIM group fills: the id of that (scim.NAME.id).
//
// NAME is the connection's, HASH the first half of a SHA-256 sum. Crowd's groups
// and memberships are derived from these: write the register, change the
// membership, look again, and repeat while the two differ. A call that fails at
// any point leaves a state from which the same call, made again, arrives at the
// same end.
//
// # Reconciling
//
// What no request will mend, [Engine.Reconcile] does: calls that failed and were
// not made again, changes by hand, changes of the settings. It compares all of
// Crowd with what is recorded and takes the steps of the same kinds, through the
// same guard; [Engine.Plan] shows them first. Run it at the start, and every few
// minutes or hours; [Engine.ReconcileEvery] does. [Engine.Why] tells why somebody
// is in a group, and since when.
//
// # Importing
//
// Whom an identity provider has, and who has not been pushed, Engine.PlanImport holds
// against Crowd, and Engine.ApplyImport brings in, by the same steps; Engine.Compare
// tells all that differs. Package scim/source reads identity providers for them.
//
// # How many calls
//
// Lists are read some pages ahead. With [Config.Batch] full pushes and reconciles
// change many memberships in one call. Where an administrator promises that there is
// one process, [Config.Replicas] spares the second look at each change: engines that
// share [Locks] then take turns with a user instead.
//
// # Several connections
//
// Engines of connections that share a directory must know each other, as
// [Config.Neighbours]: a membership then goes with the last grant of all of them.
// A user belongs to the connection that created or first linked it; others grant
// it memberships and change nothing else of it.
//
// A connection that takes the place of another adopts its users and grants,
// [Engine.PlanAdopt]; what is kept for one that is no longer served is taken out of
// Crowd by [Engine.PlanForget].
//
// # Leavers
//
// A [Hook] does what a leaver leaves to do outside of Crowd, such as to hand over the
// projects it leads in Jira. Its steps are those of the plan that locks the user out;
// it keeps nobody in, and what it did not end a reconcile ends.
//
// # What it tells
//
// Every change, and what an administrator should know, is an [Event] for
// [Config.Observer]; package audit keeps them in a log that shows whether it was
// touched. [Plan.Table] shows a plan to people, [DiffPlans] what two of them do
// not have in common. Package ledgertest holds a [Ledger] of one's own against
// what an engine needs.
//
// # What it does not do
//
// It knows nothing of HTTP or of SCIM's representation of a resource; see
// package scim. It never infers from a membership that it made it, never
// deletes a register on the strength of an earlier read, and never changes a
// protected group or user.
package groupsync
