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
// [EnsureDirectories] has Crowd provide the directories that the document names,
// with an administrator's password that no document holds.
//
// # Documents in version control
//
// [Write] has one form for each Config, so that documents differ only where
// their contents do, and what it writes [Read] gives back unchanged. [Diff] tells
// two configurations apart in words. [Schema] describes the document to editors.
//
// [ReviewChange] holds a document against Crowd and against the one in use: what
// differs, what Crowd lacks, who would gain and lose which group. A [Live] puts it into
// use, whole or not at all, and gives back the one it replaced, which undoes it.
//
// # State
//
// [WriteSnapshot] writes what stands on record of a connection: SCIM groups, grants,
// memberships and how each came to be, what is kept of users. A [Snapshot] is compared
// with now, and brought back as a plan that an administrator can look at first:
//
//	snapshot, err := backup.OpenSnapshot(file, size)
//	restoration, err := running.Engine.PlanRestore(ctx, snapshot, groupsync.RestoreOptions{})
//	fmt.Println(restoration.Plan.Table())
//	result, err := running.Engine.ApplyRestore(ctx, restoration, groupsync.ReconcileOptions{})
//
// Without a snapshot, [groupsync.Engine.PlanUndo] takes back what one request or one
// hour has changed, by the audit log.
//
// # Secrets
//
// A [Password] says where a secret is: in an environment variable, in a file,
// sealed with a passphrase, or, for trials, in the document itself. Bearer tokens
// are there as hashes only. [Export] makes the document that may leave the
// machine: without secrets, with the references kept, or with everything sealed
// by package seal. No fault, error or difference repeats a secret.
//
// The package never reads the environment or the disk, and checks no JSON web tokens:
// what it needs for that it is handed as functions. Only reviews, and what takes an engine, call Crowd.
package backup
