// Package bridge serves the connections of a configuration document: SCIM at their
// paths, and /healthz, /readyz and /metrics for those who run it.
//
//	server, err := bridge.New(ctx, bridge.Config{
//		File:    "/etc/scimcrowd/config.json",
//		Listen:  ":8080",
//		BaseURL: "https://bridge.example.com",
//		Resolve: backup.References(os.LookupEnv, os.ReadFile),
//		Logger:  slog.Default(),
//	})
//	...
//	err = server.Run(ctx) // until ctx ends and the requests under way have
//
// It is composed of the library's public packages alone, so that a program with
// other needs can copy it. What such a program most often adds has a place here
// already: [Config.Transport] wraps the way to Crowd and [Config.Middleware] all
// requests, for tracing and the like, and [Config.Registry] takes the metrics of
// the program around it.
//
// # Several replicas
//
// A server keeps nothing on disk but its audit log, and nothing in memory that
// another could miss: any number of them may serve one Crowd. One that ends while it
// serves leaves what the identity provider repeats, or what the next reconcile of any
// of them mends.
//
// # Changes of the document
//
// The document, the files of passwords and the certificate are read again when they
// change and when [Server.Reload] is called. A document that is not valid is refused
// and the one in use stays; requests under way end as they began.
package bridge
