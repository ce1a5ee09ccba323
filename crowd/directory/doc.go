// Package directory makes sure that Crowd has the directory that is to be
// provisioned, and that an application sees it, sees nothing else, and may do in
// it what provisioning needs.
//
//	means, err := directory.Connect(ctx, admin.Config{
//		BaseURL:       "https://crowd.example.com/crowd",
//		Administrator: "admin",
//		Password:      password,
//	})
//	...
//	result, err := directory.Ensure(ctx, directory.Config{
//		Name: "Employees", Create: true, Application: "scim", Client: client,
//	}, means)
//
// [Ensure] looks before it writes, writes only what is missing, and proves the
// end by creating and deleting a user as the application. Done twice it comes to
// the same as once; interrupted anywhere and done again it ends as if nothing had
// happened. It needs no lock: two that run at the same time do not harm each
// other.
//
// What it does not understand it leaves alone and reports, as an *[Error] that
// lists the clicks with which an administrator puts it right: a directory of the
// name that is of another kind or switched off, an application that is one of
// Atlassian's products, a directory that is missing where nothing can create it,
// another directory in the application's sight where Crowd does not tell what it holds.
package directory
