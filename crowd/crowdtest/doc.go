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
// It serves the administration APIs as well (admin/1.0, and of appmanagement/1
// what is about remote addresses), and those of two plugins that create
// directories: see [Server.AddAdministrator] and [Options.Plugin].
//
// It answers in JSON and in XML, with the statuses, reasons and habits of a
// real Crowd, so that clients in any language can be tested against it; the
// program examples/fakecrowd serves it to them.
//
// # Known differences from a real Crowd
//
//   - There is one kind of directory, that which Crowd calls internal, whatever
//     its type says. It reads its own writes at once; a synchronisation that was
//     asked for changes nothing.
//   - Changes are serialised: two writes never meet in the database. What a
//     meeting could look like is simulated by options.
//   - Identifiers and session tokens are predictable. This is no place for
//     real passwords.
//   - Mail is not sent, webhooks are not called, avatars do not exist.
//   - The texts of error messages are the fake's own; only their reasons are
//     Crowd's. So are the names in the event stream, which is documented nowhere.
//   - The length of a text is counted in UTF-16 code units.
//   - Of the administration APIs the resources about directories, applications,
//     groups, users and the server are served; those about audit, backup,
//     licences, mail, sessions, appearance and group-level administrators answer
//     404. Who is in the group crowd-administrators may do everything.
//   - What the plugins are told of the users and groups in a directory is ignored.
//
// What no document tells of Crowd is an option, but for a few things:
//
//   - No names are equal but those that [crowd.Fold] makes equal: Unicode is not
//     normalised, and no locale has a say. Clients compare names by that rule
//     themselves, so that another one would have to be switched in them and in
//     the fake together.
//   - Each page of a list is cut from what is there when it is asked for. There
//     are no snapshots that outlive a request; see [Server.SetGate] for changes
//     between pages.
//   - Events name no attributes and are of no aliases: the fake has no aliases,
//     and no client is known to read attributes from events. Below an event the
//     names of elements are fixed; a client that does not find them has to read
//     everything anew, as after [Server.Restart].
//   - Passwords are set as they are; encrypted ones come by other interfaces.
//   - Avatars and webhooks are there as resources only: no client depends on
//     their bodies.
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
