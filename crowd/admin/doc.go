// Package admin is a client of Crowd's administration REST API (admin/1.0, and
// appmanagement/1 for remote addresses), as an administrator uses it:
// directories, applications and what they may do in which directory, changes of
// many memberships at once, and information about the server.
//
//	client, err := admin.New(admin.Config{
//		BaseURL:       "https://crowd.example.com/crowd",
//		Administrator: "admin",
//		Password:      password,
//	})
//	...
//	for d, err := range client.Directories(ctx, "") {
//		fmt.Println(d.Name, d.Type, d.Synchronisation.Status)
//	}
//
// The credentials are those of a user who may administer Crowd, not those of an
// application, and this client is another type than [crowd.Client]: what needs
// one cannot be given the other. Errors are *[crowd.Error] and match the kinds
// of package crowd, [crowd.ErrUnauthenticated] and [crowd.ErrPermission] being
// about the administrator here. What is said there about repetition, limits and
// secrets holds here too.
//
// # What servers do not tell
//
// Of this API's representations only some are published; of what Crowd leaves
// open both spellings are read. A [Directory] says nothing about its permissions
// where the server does not. There is no call that creates a directory; see
// package confapi for a plugin that has one, and package directory for the whole
// way to a directory that can be used.
package admin
