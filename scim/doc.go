// Package scim serves a Crowd directory as a SCIM 2.0 service provider: an
// [http.Handler] to which an identity provider pushes users and groups.
//
//	secret, token := scim.NewToken() // show the secret once, keep the token
//	auth, err := scim.Tokens(token)
//	…
//	engine, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: client})
//	…
//	h, err := scim.New(scim.Config{
//		Engine:   engine,
//		Auth:     auth,
//		Provider: scim.Okta,
//		BaseURL:  "https://bridge.example.com/scim/v2",
//	})
//	…
//	http.Handle("/scim/v2/", http.StripPrefix("/scim/v2", h))
//
// It speaks RFC 7643 and RFC 7644 whole, PATCH, filters, sorting, projection,
// versions, Bulk and .search included, and the cursors of RFC 9865; and it
// understands what the known identity providers send besides, see [Provider].
// [Users] steers what requests may do to users.
//
// [NewAuthenticator] makes of [AuthConfig] who may send requests: tokens of the
// connection, those that an [Issuer] signed, which package scim/oidc checks, or
// whatever an [Authenticator] knows, from certain addresses only if wanted. Failed
// attempts are slowed by the address they come from.
//
// [Handler.Findings] names settings, here or at the identity provider, that do
// not fit the requests that come. The folder idp has a page for each provider.
//
// A request passes authentication and limits before anything is called or
// read; what it says is brought into the standard's own form and checked
// against the schemas before Crowd is called. All changes in Crowd, and all
// that is known of groups, are the engine's, package groupsync; this package
// keeps nothing itself.
//
// Versions are weak (RFC 7644 section 3.14). If-Match is held against a read just
// before the write, and Crowd offers nothing stronger: a change that another
// server makes in between is not noticed. The version of a group says nothing of
// its members, so what shows them has none. A PATCH of a group is answered with
// the group where it said nothing of the members, under the providers that expect
// that, and else with 204.
//
// It does not encrypt: put a server or proxy that does in front of it.
package scim

// Of the library github.com/elimity-com/scim the schemas and their validation
// are used, in internal/resource and for Extension. Its Server is not: it
// validates without naming attributes, parses each filter and path with a
// parser that one long filter brings down, and knows neither 413, 429, 503 nor
// the headers of versions; once documents are brought into normal form,
// validated and rendered outside of it, nothing is left for it to do.
