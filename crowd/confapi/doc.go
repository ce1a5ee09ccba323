// Package confapi creates, changes and deletes directories of Crowd, which no
// call of Crowd's own can, through a plugin that must be installed there: ConfAPI
// for Crowd or its successor BootstrAPI, both third parties' and free.
//
//	client, err := confapi.Find(ctx, admin.Config{
//		BaseURL:       "https://crowd.example.com/crowd",
//		Administrator: "admin",
//		Password:      password,
//	})
//	...
//	d, err := client.Create(ctx, confapi.Directory{Type: confapi.Internal, Name: "Employees"})
//
// The credentials are those of a system administrator. Errors are *[crowd.Error],
// as in package admin; where the plugin is missing they match
// [crowd.ErrUnsupported].
//
// Only directories of the kinds that hold their own users and groups can be
// written, [Internal] and [Delegating]; others are listed. What a plugin knows
// of the users and groups in a directory is left to package crowd.
package confapi
