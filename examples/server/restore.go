package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

type restoreFlags struct {
	acting
	admin                      administrator
	connection, from, snapshot string
	groups                     []string
	byName                     bool
}

func (a *app) restoreCommand() *cobra.Command {
	var f restoreFlags
	c := &cobra.Command{
		Use:   "restore",
		Short: "Bring back an exported configuration, or the state that a snapshot has",
		Long: `With --from put an exported configuration in the place of --config, whole or not at
all: it is checked, compared with the one that is there and held against Crowd first,
and what it would change is told. The passwords that it refers to must be supplied;
sealed ones need the passphrase whenever they are used. With --admin the directories
that it names are made ready in Crowd before, and created where it says so.

With --snapshot bring groups, grants and users of a connection back to what a snapshot
has, after a mistake at the identity provider for example. Memberships by hand are left
alone, and so is the active flag. The guard counts what that takes away. --by-name finds
users by name, for a Crowd that is not the one the snapshot is of.

--dry-run tells what would be done and changes nothing.`,
		Example: `  server restore --config config.json --from backup.json --dry-run
  server restore --config config.json --connection okta --snapshot okta.snapshot --group Engineering`,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case (f.from == "") == (f.snapshot == ""):
				return usage("give one of --from and --snapshot")
			case f.from != "":
				return a.restoreDocument(c.Context(), f)
			}
			return f.run(a, func(o backup.BuildOptions) error { return a.restoreSnapshot(c.Context(), f, o) })
		},
	}
	f.flags(c)
	f.admin.flags(c)
	c.Flags().StringVar(&f.from, "from", "", "the `FILE` of an exported configuration")
	c.Flags().StringVar(&f.snapshot, "snapshot", "", "the `FILE` of a snapshot")
	c.Flags().StringVar(&f.connection, "connection", "", "the `NAME` of the connection of the snapshot (default: the only one)")
	c.Flags().StringArrayVar(&f.groups, "group", nil, "restore this SCIM `GROUP` only; repeat it for more")
	c.Flags().BoolVar(&f.byName, "by-name", false, "find users by name, not by id")
	f.dryRunFlag(c)
	return c
}

// restoreDocument puts an exported configuration into the place of the one in use. A
// server that runs on it takes it up by itself.
func (a *app) restoreDocument(ctx context.Context, f restoreFlags) error {
	after, err := a.read(f.from)
	if err != nil {
		return err
	}
	before, err := a.read(a.config)
	if errors.Is(err, fs.ErrNotExist) {
		before, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("the configuration that is there is not valid, remove it first: %w", err)
	}
	if !f.dryRun {
		ensured, err := a.ensure(ctx, after, f.admin)
		if err != nil {
			return err
		}
		if !a.json {
			tellEnsured(a.out, ensured)
		}
	}
	review, err := backup.ReviewChange(ctx, before, after, backup.ReviewOptions{Build: a.buildOptions(), Administration: f.admin.administration()})
	if err != nil {
		return err
	}
	if err := a.tellReview(review); err != nil || f.dryRun {
		return err
	}
	if err := writeFile(a.config, func(w io.Writer) error { return backup.Write(w, after) }); err != nil {
		return err
	}
	if !a.json {
		fmt.Fprintf(a.out, "%s is in use in %s\n", f.from, a.config)
	}
	return nil
}

func (a *app) restoreSnapshot(ctx context.Context, f restoreFlags, o backup.BuildOptions) error {
	s, err := a.site(ctx, f.connection, o)
	if err != nil {
		return err
	}
	file, snapshot, err := openSnapshot(f.snapshot)
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := s.Engine.PlanRestore(ctx, snapshot, groupsync.RestoreOptions{Groups: f.groups, ByName: f.byName})
	if err != nil {
		return err
	}
	return a.applyRestoration(commandRequest(ctx, "restore"), s, r, f.approve, f.dryRun)
}

// restored is a restoration and what became of it.
type restored struct {
	Connection string                `json:"connection"`
	Plan       *groupsync.Plan       `json:"plan"`
	Left       []groupsync.LeftAlone `json:"left,omitempty"`
	Outcome    *outcome              `json:"outcome,omitempty"`
}

func (r restored) text(w io.Writer) {
	fmt.Fprint(w, r.Plan.Table())
	for _, l := range r.Left {
		fmt.Fprintln(w, "left alone:", l)
	}
	if r.Outcome != nil {
		r.Outcome.text(w)
	}
}

func (a *app) applyRestoration(ctx context.Context, s *site, r *groupsync.Restoration, approve string, dryRun bool) error {
	told := restored{Connection: s.Running.Name, Plan: r.Plan, Left: r.Left}
	if dryRun {
		return a.tell(told, told.text)
	}
	result, err := s.Engine.ApplyRestore(ctx, r, groupsync.ReconcileOptions{Approve: approve, Progress: a.progress("restore " + s.Running.Name)})
	if err != nil && !errors.Is(err, groupsync.ErrStalePlan) {
		return err
	}
	done := outcomeOf(s.Running.Name, result)
	told.Outcome = &done
	return errors.Join(a.tell(told, told.text), err)
}
