// Package backup reads and writes the whole configuration of a bridge between
// identity providers and Crowd as one JSON document, and builds running
// connections from it.
//
// A [Config] composes the settings of the other packages; each stays documented
// where it has its effect. [Read] is strict and tells all that is wrong at once,
// every fault with its place and a remedy:
//
//	config, err := backup.Read(file)
//	if faults, ok := errors.AsType[mapping.Faults](err); ok {
//		for _, f := range faults {
//			fmt.Println(f) // /connections/0/users/deletes: the field is not known. Did you mean "delete"?
//		}
//	}
//
// [Build] makes a connection that serves of one of the document's:
//
//	running, err := backup.Build(ctx, config.Connections[0], backup.BuildOptions{
//		BaseURL: "https://bridge.example.com",
//		Resolve: backup.References(os.LookupEnv, os.ReadFile),
//	})
//	running.Mount(mux)
//
// # Documents in version control
//
// [Write] has one form for each Config, so that documents differ only where
// their contents do, and what it writes [Read] gives back unchanged. [Diff] tells
// two configurations apart in words. [Schema] describes the document to editors.
//
// # Secrets
//
// A [Password] says where a secret is: in an environment variable, in a file,
// sealed with a passphrase, or, for trials, in the document itself. Bearer tokens
// are there as hashes only. [Export] makes the document that may leave the
// machine: without secrets, with the references kept, or with everything sealed
// by package seal. No fault, error or difference repeats a secret.
//
// The package never reads the environment or the disk and calls no Crowd: what
// it needs of them it is handed as functions.
package backup
