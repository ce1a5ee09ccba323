package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
)

func (a *app) adoptCommand() *cobra.Command {
	var from, to string
	var act acting
	c := &cobra.Command{
		Use:   "adopt",
		Short: "Move users and grants from one connection to another of the same directory",
		Long: `Move users and grants from one connection to another of the same directory, such as
from the identity provider of before to the one of from now on: the SCIM groups become
groups of the other connection too, the users become the other's with all that is kept
of them, and what was granted the other grants. Nobody loses a membership on the way;
those that the other's mapping gives or takes are steps of their own, and the guard
counts those that it takes.

The connection that is adopted from must be paused ("paused": true) wherever it is
served; the other may go on. What is left of it is for forget. --dry-run shows the
steps and changes nothing.`,
		Example: `  server adopt --config config.json --from okta --to entra --dry-run
  server adopt --config config.json --from okta --to entra
  server forget --config config.json --connection okta --memberships keep`,
		RunE: func(c *cobra.Command, _ []string) error {
			if from == "" || to == "" || from == to {
				return usage("--from NAME and --to NAME are required, two connections")
			}
			return act.run(a, func(o backup.BuildOptions) error { return a.adopt(c.Context(), from, to, act.dryRun, act.approve, o) })
		},
	}
	act.flags(c)
	c.Flags().StringVar(&from, "from", "", "the `NAME` of the connection that has the users (required)")
	c.Flags().StringVar(&to, "to", "", "the `NAME` of the connection that gets them (required)")
	act.dryRunFlag(c)
	return c
}

func (a *app) adopt(ctx context.Context, from, to string, dryRun bool, approve string, o backup.BuildOptions) error {
	source, err := a.site(ctx, from, o)
	if err != nil {
		return err
	}
	if err := mustBePaused(source); err != nil && !dryRun {
		return err
	}
	s, err := a.site(ctx, to, o)
	if err != nil {
		return err
	}
	if !s.Connection.SharesDirectory(source.Connection) {
		return fmt.Errorf("connections %s and %s are not of one directory, as far as the configuration tells. Users are moved within a directory only", from, to)
	}
	plan, err := s.Engine.PlanAdopt(ctx, from)
	if err != nil {
		return err
	}
	return a.applyShown(commandRequest(ctx, "adopt"), s, plan, dryRun, approve, s.Engine.ApplyAdopt)
}
