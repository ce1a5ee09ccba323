package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
)

func (a *app) snapshotCommand() *cobra.Command {
	var name, out, compare string
	c := &cobra.Command{
		Use:   "snapshot",
		Short: "Keep what stands on record of a connection, or compare it with now",
		Long: `Write what stands on record of a connection: SCIM groups, grants, memberships and how
each came to be, and what is kept of users. It holds personal data, and no passwords
or tokens. restore --snapshot brings it back; --compare tells what is different now.`,
		Example: `  server snapshot --config config.json --connection okta --out okta.snapshot
  server snapshot --config config.json --connection okta --compare okta.snapshot`,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case (out == "") == (compare == ""):
				return usage("give one of --out and --compare")
			case out != "":
				return a.takeSnapshot(c.Context(), name, out)
			}
			return a.compareSnapshot(c.Context(), name, compare)
		},
	}
	c.Flags().StringVar(&name, "connection", "", "the `NAME` of the connection (default: the only one)")
	c.Flags().StringVar(&out, "out", "", "the `FILE` to write")
	c.Flags().StringVar(&compare, "compare", "", "the `FILE` of a snapshot to compare with now")
	return c
}

func (a *app) takeSnapshot(ctx context.Context, name, out string) error {
	s, err := a.site(ctx, name, a.buildOptions())
	if err != nil {
		return err
	}
	taken := time.Now().UTC()
	if err := a.output(out, func(w io.Writer) error { return backup.WriteSnapshot(ctx, w, s.Engine, taken) }); err != nil || out == "-" {
		return err
	}
	file, snapshot, err := openSnapshot(out)
	if err != nil {
		return err
	}
	defer file.Close()
	groups, users := snapshot.Size()
	return a.tell(map[string]any{"out": out, "connection": s.Running.Name, "groups": groups, "users": users}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %s\n", out, snapshot)
	})
}

// openSnapshot opens a snapshot and verifies it. The file must stay open meanwhile.
func openSnapshot(path string) (*os.File, *backup.Snapshot, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	s, err := backup.OpenSnapshot(file, info.Size())
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return file, s, nil
}

func (a *app) compareSnapshot(ctx context.Context, name, path string) error {
	s, err := a.site(ctx, name, a.buildOptions())
	if err != nil {
		return err
	}
	file, snapshot, err := openSnapshot(path)
	if err != nil {
		return err
	}
	defer file.Close()
	n := 0
	for change, err := range snapshot.Compare(ctx, s.Engine) {
		if err != nil {
			return err
		}
		n++
		if err := a.tell(change, func(w io.Writer) { fmt.Fprintln(w, change) }); err != nil {
			return err
		}
	}
	if n == 0 && !a.json {
		fmt.Fprintln(a.out, "nothing is different")
	}
	return nil
}
