// Package jiraleads hands what a leaver leads in Jira over to others: projects to a
// default project lead, components to a default component lead, in Jira Data Center
// and in Jira Cloud. It is a hook of package groupsync:
//
//	leads, err := jiraleads.New(jiraleads.Config{
//		URL: "https://jira.example.com", Token: token, // a personal access token
//		ProjectLead: "jdoe", ComponentLead: "jdoe",
//	})
//	engine, err := groupsync.New(groupsync.Config{..., Hooks: []groupsync.Hook{leads}})
//
// [Hook.Check] tells beforehand whether that will do: whether Jira can be reached, the
// account may do it, and the default leads exist, are active and can be assigned
// issues.
//
// # Who is who
//
// In Jira Data Center the leaver is the user of the same user name. In Jira Cloud,
// which tells no user names, it is the one account with the leaver's e-mail address;
// an account that hides its address counts only if its display name is the leaver's as
// well, and of several possible ones none is guessed at: the hand-over then fails and
// an event says so. See [Config.MatchDisplayName] for accounts that cannot be found by
// their address.
//
// # How it changes leads
//
// A lead is read again just before it is changed, and changed only if it is the leaver
// still: what somebody else was given meanwhile stays. Jira offers no way to make this
// one step, so two who change a lead within the same moment may overrule each other.
// Everything may be repeated. Projects that are archived or in the trash are left
// alone.
//
// Calls are bounded in number and in time, wait where Jira asks for it (429 with
// Retry-After), and are repeated where that is safe. To find the components that
// somebody leads, Jira has to be asked for those of each project: a large Jira takes
// longer than a request may, and then the hand-over is ended by the next reconcile.
//
// # What it does not do
//
// It does not reassign issues, nor touch filters, boards or permissions. It makes
// nobody a lead who cannot be assigned issues in the project, since Jira would then
// refuse new issues that go to the lead by default.
package jiraleads
