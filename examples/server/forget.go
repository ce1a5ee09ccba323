package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

func (a *app) forgetCommand() *cobra.Command {
	var name, memberships string
	var act acting
	c := &cobra.Command{
		Use:   "forget",
		Short: "Take everything that is kept for a connection out of Crowd",
		Long: `Take everything that is kept for a connection out of Crowd: its records of users and
SCIM groups, its marks on Crowd groups, its registry. Users stay as they are. With
--memberships keep those that the connection made stay, as if made by hand; with revoke
they go, and so do the Crowd groups that it made, once nobody else is in them.

The connection must be paused ("paused": true) wherever it is served, and stay so.
Once it is forgotten take it out of the configuration. A forgetting that was cut short
is simply begun again. --dry-run shows the steps and changes nothing.`,
		Example: `  server forget --config config.json --connection okta --memberships keep --dry-run
  server forget --config config.json --connection okta --memberships revoke --approve 3f9c...`,
		RunE: func(c *cobra.Command, _ []string) error {
			if name == "" {
				return usage("--connection NAME is required")
			}
			if memberships != "keep" && memberships != "revoke" {
				return usage("say what becomes of the memberships that the connection made: --memberships keep or revoke")
			}
			return act.run(a, func(o backup.BuildOptions) error {
				return a.forget(c.Context(), name, groupsync.ForgetOptions{Revoke: memberships == "revoke"}, act.dryRun, act.approve, o)
			})
		},
	}
	act.flags(c)
	c.Flags().StringVar(&name, "connection", "", "the `NAME` of the connection (required)")
	c.Flags().StringVar(&memberships, "memberships", "", "keep or revoke (required)")
	act.dryRunFlag(c)
	return c
}

func (a *app) forget(ctx context.Context, name string, f groupsync.ForgetOptions, dryRun bool, approve string, o backup.BuildOptions) error {
	s, err := a.site(ctx, name, o)
	if err != nil {
		return err
	}
	if err := mustBePaused(s); err != nil && !dryRun {
		return err
	}
	plan, err := s.Engine.PlanForget(ctx, f)
	if err != nil {
		return err
	}
	return a.applyShown(commandRequest(ctx, "forget"), s, plan, dryRun, approve, s.Engine.ApplyForget)
}

// mustBePaused refuses a connection that may be served.
func mustBePaused(s *site) error {
	if s.Connection.Paused {
		return nil
	}
	return fmt.Errorf("connection %s is not paused, and whatever serves it would write while its records are taken away. Set \"paused\": true for it in the configuration first", s.Running.Name)
}

// shown is a plan and what became of it.
type shown struct {
	planned
	Outcome *outcome `json:"outcome,omitempty"`
}

func (s shown) text(w io.Writer) {
	s.planned.text(w)
	if s.Outcome != nil {
		s.Outcome.text(w)
	}
}

type applier func(context.Context, *groupsync.Plan, groupsync.ReconcileOptions) (groupsync.Result, error)

// applyShown shows a plan and, unless nothing may change, applies it.
func (a *app) applyShown(ctx context.Context, s *site, plan *groupsync.Plan, dryRun bool, approve string, apply applier) error {
	told := shown{planned: planned{s.Running.Name, plan.Fingerprint(), plan}}
	if dryRun {
		return a.tell(told, told.text)
	}
	result, err := apply(ctx, plan, groupsync.ReconcileOptions{Approve: approve, Progress: a.progress(plan.Title)})
	if err != nil && !errors.Is(err, groupsync.ErrStalePlan) {
		return err
	}
	done := outcomeOf(s.Running.Name, result)
	told.Outcome = &done
	return errors.Join(a.tell(told, told.text), err)
}
