// Package crowdtest is a Crowd in memory, for tests of programs that call the
// user management REST API (usermanagement/1) of Atlassian Crowd.
//
//	srv := crowdtest.NewServer(t)
//	srv.AddUser(crowd.User{Name: "ann", Active: true})
//	srv.AddGroup(crowd.Group{Name: "devs", Active: true})
//
//	changed, err := srv.Client(t).AddMember(t.Context(), "devs", "ann")
//
//	srv.Members("devs") // [ann]
//	srv.Calls()         // POST group/user/direct?groupname=devs 201
//
// It answers in JSON and in XML, with the statuses, reasons and habits of a
// real Crowd, so that clients in any language can be tested against it; the
// program examples/fakecrowd serves it to them.
//
// # Known differences from a real Crowd
//
//   - There is one kind of directory, that which Crowd calls internal. It reads
//     its own writes at once; nothing is synchronised.
//   - Changes are serialised: two writes never meet in the database. What a
//     meeting could look like is simulated by options.
//   - Identifiers and session tokens are predictable. This is no place for
//     real passwords.
//   - Mail is not sent, webhooks are not called, avatars do not exist.
//   - The texts of error messages are the fake's own; only their reasons are
//     Crowd's. So are the names in the event stream, which is documented nowhere.
//   - A Crowd that normalises Unicode, folds names by a locale, or takes the
//     names of attributes for the same in upper and lower case cannot be
//     simulated. The length of a text is counted in UTF-16 code units.
//   - Only usermanagement/1 is served; the administration APIs answer 404.
//
// # What it can do
//
// What differs between versions of Crowd, and what is not known for certain of
// any, is a switch in [Options]. What it does is written down, line by line, in
// testdata/behaviour.md, and [Conform] holds the fake and any real Crowd
// against that list.
//
// [Server.Fail] makes calls fail in all the ways in which networks and servers
// do, and [Server.SetGate] lets a test decide in which order concurrent
// requests take effect. A Server that was not started with [NewServer] is an
// [http.RoundTripper] as well, so that it works within testing/synctest.
//
// It holds 100,000 users in 10,000 groups with a million memberships: look-ups
// and changes cost the same in a small directory and a large one, and a page
// of a list costs what the page holds.
package crowdtest
