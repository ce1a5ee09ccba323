// Package crowd is a client of Atlassian Crowd's user management REST API
// (usermanagement/1), as an application uses it: users, groups, memberships,
// searches, sessions and events.
//
//	client, err := crowd.New(crowd.Config{
//		BaseURL:     "https://crowd.example.com/crowd",
//		Application: "scim",
//		Password:    password,
//	})
//	...
//	u, err := client.CreateUser(ctx, crowd.User{Name: "ann", Email: "ann@example.com", Active: true}, secret)
//	changed, err := client.AddMember(ctx, "devs", "ann")
//	for member, err := range client.Members(ctx, "devs", crowd.List{}) {
//		...
//	}
//
// Lists are sequences that ask for their pages by themselves and hold none for
// longer than it takes to go through it. Names are compared ignoring case, and
// any text is data: in names, in searches, everywhere.
//
// The documentation of each call names the resource of the REST API below
// rest/usermanagement/1 that it asks, to be looked up in Atlassian's "Crowd REST
// resources". Servers from 2.8 on are understood, Data Center included; older
// ones as far as they go.
//
// # Errors
//
// Every error of a call is an *[Error] that says what was attempted, on what, and
// Crowd's reason; [errors.Is] ties it to the reasons that callers act on, such as
// [ErrUserNotFound]. A write that may or may not have taken effect matches
// [ErrAmbiguous] as well.
//
// # Repetition
//
// A call that met a fault is repeated where a repeat is safe, a few times within
// two seconds and never beyond the context's deadline: reads, and writes that
// come to the same when made twice. The creation of a user or group whose answer
// was lost is looked up before it is made again. What is left is for the caller,
// who knows whether to ask again.
//
// # Secrets
//
// The application's password goes with every request, so let BaseURL begin with
// https. Certificates, proxy and transport are those of [Config.HTTPClient]; no
// redirect is followed. Names travel in the query and in bodies, passwords in
// bodies alone. Errors and logs hold names and what the server said, on one line,
// but no URL, password or token. What is read into memory at a time is
// bounded, compressed or not.
//
// # What else there is
//
// [Client.Check] tells what works with a server and what does not, each with its
// remedy. Package crowdtest has a Crowd for tests.
//
// The client knows nothing of directories, applications and permissions as such:
// those are of Crowd's administration APIs, see packages admin, confapi and
// directory. It leaves out avatars and webhooks,
// whose representations no document tells.
package crowd
