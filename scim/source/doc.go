// Package source reads the users and groups that an identity provider has, from
// Okta's management API, from any SCIM 2.0 server or from a file of JSON Lines, and
// imports them into Crowd or compares the two.
//
//	okta, err := source.NewOkta(source.OktaConfig{URL: "https://example.okta.com", Token: token})
//	...
//	importer, err := source.NewImporter(source.ImporterConfig{Engine: running.Engine, Handler: running.SCIM})
//	...
//	plan, err := importer.Plan(ctx, okta)
//	fmt.Println(plan.Table())                 // who would be created, linked, skipped and why
//	result, err := importer.Apply(ctx, plan)  // does just that
//
// An import goes the way of a request that the identity provider sends: the same
// schemas, settings, attribute mapping, guard and records. So provisioning over SCIM
// goes on from where it ends, and an import that was cut short is simply made again.
//
// It adds and updates. It takes nothing away unless told to: see
// [ImporterConfig].Leavers and RemoveMembers.
//
// # Early ends
//
// A [Source] that ends without an error has told all. One that meets an error, a page
// that falls short, a total that changes on the way, or a file without its last line,
// ends with that error; what it told before is used, and what it did not tell is
// never taken for gone.
//
// # What it does not do
//
// It holds one page of a source at a time, and changes nothing there.
package source
