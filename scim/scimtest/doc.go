// Package scimtest plays identity providers: it drives any SCIM 2.0 server as
// Okta, Entra ID, OneLogin, JumpCloud, Google Workspace and Ping do, and tells
// where the server ends up with something else than was wanted. It is meant for
// tests of a server, or of what is composed around one.
//
//	idp := scimtest.New(scimtest.Okta, scimtest.Config{BaseURL: url, Token: token})
//	report, err := idp.Sync(ctx, scimtest.Directory{Users: users, Groups: groups})
//	if err != nil || report.Err() != nil { … }
//
// Each [IdP.Sync] is a provisioning cycle that brings the server to what the
// [Directory] says: users are looked up, created, updated, renamed, deactivated,
// activated again, deleted; groups are looked up or linked, created, renamed,
// filled, emptied, deleted. Change the Directory between cycles to play a life.
//
// What an [App] sends, in which order and form, and what it does when the server
// answers 404, 409, 429 or 5xx, follows the vendor's documents; where they are
// silent, what servers have logged. Two things are simpler than in life. Time
// does not pass: what a vendor does days later, such as deleting a user, is done
// at the end of the cycle. And the requests that look for differences, made
// after each cycle, are no identity provider's: they read each object by its id.
//
// The package imports nothing but the standard library.
package scimtest
