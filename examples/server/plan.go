package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

func (a *app) planCommand() *cobra.Command {
	var name, next, out string
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what a reconcile would change, or what a new configuration would",
		Long: `Show what a reconcile would change in Crowd now, step by step with its reasons. With
--new show what it would mean to put another configuration in the place of this one:
how they differ, what Crowd lacks for it, and who would gain and lose what. Nothing is
changed.

A plan that is kept with --out can be looked at by others, and is applied as it is by
reconcile --plan; steps that have been overtaken since are left out then, and told.`,
		Example: `  server plan --config config.json --connection okta
  server plan --config config.json --new new.json
  server plan --config config.json --connection okta --out plan.json`,
		RunE: func(c *cobra.Command, _ []string) error {
			if next != "" {
				return a.review(c.Context(), next)
			}
			return a.plan(c.Context(), name, out)
		},
	}
	c.Flags().StringVar(&name, "connection", "", "the `NAME` of the connection (default: all of them)")
	c.Flags().StringVar(&next, "new", "", "the `FILE` of another configuration")
	c.Flags().StringVar(&out, "out", "", "the `FILE` to keep the plan of one connection in")
	return c
}

// planned is a plan and whose it is.
type planned struct {
	Connection  string          `json:"connection"`
	Fingerprint string          `json:"fingerprint"`
	Plan        *groupsync.Plan `json:"plan"`
}

func (p planned) text(w io.Writer) {
	fmt.Fprint(w, p.Plan.Table())
	fmt.Fprintf(w, "connection %s: %d steps, fingerprint %s\n", p.Connection, len(p.Plan.Steps), p.Fingerprint)
}

func (a *app) plan(ctx context.Context, name, out string) error {
	sites, err := a.sites(ctx, name, a.buildOptions())
	if err != nil {
		return err
	}
	if out != "" && len(sites) != 1 {
		return usage("--out keeps the plan of one connection: say which with --connection")
	}
	for _, s := range sites {
		p, err := s.Engine.Plan(ctx, groupsync.ReconcileOptions{Progress: a.progress("compare " + s.Running.Name)})
		if err != nil {
			return err
		}
		made := planned{s.Running.Name, p.Fingerprint(), p}
		if out != "" {
			if err := writeFile(out, func(w io.Writer) error { return json.NewEncoder(w).Encode(made) }); err != nil {
				return err
			}
		}
		if err := a.tell(made, made.text); err != nil {
			return err
		}
	}
	return nil
}

// sites builds the connection of a name, or all where there is none.
func (a *app) sites(ctx context.Context, name string, o backup.BuildOptions) ([]*site, error) {
	if name != "" {
		s, err := a.site(ctx, name, o)
		return []*site{s}, err
	}
	c, err := a.document(ctx)
	if err != nil {
		return nil, err
	}
	all, err := a.build(ctx, c, o)
	if err != nil {
		return nil, err
	}
	var sites []*site
	for i, r := range all {
		sites = append(sites, &site{r, c.Connections[i], i})
	}
	return sites, nil
}

// review shows what another configuration would mean.
func (a *app) review(ctx context.Context, path string) error {
	before, err := a.read(a.config)
	if err != nil {
		return err
	}
	after, err := a.read(path)
	if err != nil {
		return err
	}
	review, err := backup.ReviewChange(ctx, before, after, backup.ReviewOptions{Build: a.buildOptions()})
	if err != nil {
		return err
	}
	return a.tellReview(review)
}

// tellReview tells of a review, and fails where a problem stops it.
func (a *app) tellReview(r *backup.Review) error {
	for _, p := range r.Problems {
		if p.Stops {
			fmt.Fprintln(a.err, plain(p.String()))
		}
	}
	err := a.tell(r, func(w io.Writer) {
		for _, c := range r.Changes {
			fmt.Fprintln(w, "change:", c)
		}
		for _, p := range r.Problems {
			if !p.Stops {
				fmt.Fprintln(w, "note:", p)
			}
		}
		for _, e := range r.Effects {
			fmt.Fprintln(w, "effect:", e)
		}
		for _, x := range r.Attributes {
			fmt.Fprintln(w, "effect:", x)
		}
		if len(r.Changes)+len(r.Effects)+len(r.Attributes) == 0 {
			fmt.Fprintln(w, "nothing would change")
		}
	})
	if err == nil && r.Stops() {
		err = errFailed
	}
	return err
}

func (a *app) reconcileCommand() *cobra.Command {
	var name, kept string
	var act acting
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Compare Crowd with what was said, and mend the difference",
		Long: `Compare all of Crowd with what identity providers said and with the settings, and mend
the difference, as a running server does by itself every so often. It is safe beside
one. A plan that takes away more than the guard lets through is refused whole; look at
it with plan, and let it pass once with --approve.`,
		Example: `  server reconcile --config config.json
  server reconcile --config config.json --connection okta --approve 3f9c...
  server reconcile --config config.json --connection okta --plan plan.json`,
		RunE: func(c *cobra.Command, _ []string) error {
			return act.run(a, func(o backup.BuildOptions) error { return a.reconcile(c.Context(), name, kept, act.approve, o) })
		},
	}
	c.Flags().StringVar(&name, "connection", "", "the `NAME` of the connection (default: all of them)")
	c.Flags().StringVar(&kept, "plan", "", "apply the plan that plan kept in this `FILE`, and nothing else")
	act.flags(c)
	return c
}

// acting is what commands that change Crowd have in common.
type acting struct {
	approve, audit  string
	dryRun, offline bool
}

func (x *acting) flags(c *cobra.Command) {
	c.Flags().BoolVar(&x.offline, "offline", false, `promise that no server runs on the configuration; needed where its crowd.replicas is "one"`)
	c.Flags().StringVar(&x.approve, "approve", "", "let the plan of this `FINGERPRINT` pass the guard")
	c.Flags().StringVar(&x.audit, "audit", "", "append every change to this `FILE`; not one that a running server writes")
}

// run has a command change Crowd, with its events in the audit log.
func (x *acting) run(a *app, do func(backup.BuildOptions) error) error {
	if err := x.alone(a); err != nil {
		return err
	}
	o := a.buildOptions()
	if x.audit == "" {
		return do(o)
	}
	log, err := openAudit(x.audit, o.Logger)
	if err != nil {
		return err
	}
	o.Observer = log.Observe
	return errors.Join(do(o), log.Close())
}

// alone refuses to write beside a server where the configuration promises that one
// process does.
func (x *acting) alone(a *app) error {
	c, err := a.read(a.config)
	if err != nil || x.offline || x.dryRun {
		return nil // what is wrong with the configuration is told when it is used
	}
	for i, connection := range c.Connections {
		if connection.Crowd.Replicas == groupsync.OneReplica {
			return mapping.Faults{{
				Pointer: fmt.Sprintf("/connections/%d/crowd/replicas", i),
				Problem: "one process at a time is promised to write, and a running server is that",
				Remedy:  `End it and repeat the command with --offline, or leave the setting out`,
			}}
		}
	}
	return nil
}

// dryRunFlag is for commands that show first what they would do.
func (x *acting) dryRunFlag(c *cobra.Command) {
	c.Flags().BoolVar(&x.dryRun, "dry-run", false, "show what would be done and change nothing")
}

// outcome is what became of a plan.
type outcome struct {
	Connection string           `json:"connection"`
	Steps      int              `json:"steps"`
	Applied    int              `json:"applied"`
	Stale      []groupsync.Step `json:"stale,omitempty"`
}

func outcomeOf(connection string, r groupsync.Result) outcome {
	return outcome{connection, len(r.Plan.Steps), r.Applied, r.Stale}
}

func (o outcome) text(w io.Writer) {
	fmt.Fprintf(w, "connection %s: %d of %d steps applied\n", o.Connection, o.Applied, o.Steps)
	for _, s := range o.Stale {
		fmt.Fprintln(w, "left out, since it was overtaken:", s)
	}
}

func (a *app) reconcile(ctx context.Context, name, kept, approve string, o backup.BuildOptions) error {
	sites, err := a.sites(ctx, name, o)
	if err != nil {
		return err
	}
	ctx = commandRequest(ctx, "reconcile")
	if kept != "" {
		return a.applyKept(ctx, sites, kept, approve)
	}
	var errs []error
	for _, s := range sites {
		result, err := s.Engine.Reconcile(ctx, groupsync.ReconcileOptions{Approve: approve, Progress: a.progress("reconcile " + s.Running.Name)})
		if err != nil {
			a.tellError(fmt.Errorf("connection %s: %w", s.Running.Name, err))
			errs = append(errs, errFailed)
			continue
		}
		done := outcomeOf(s.Running.Name, result)
		errs = append(errs, a.tell(done, done.text))
	}
	return errors.Join(errs...)
}

// applyKept applies a plan that was kept in a file.
func (a *app) applyKept(ctx context.Context, sites []*site, path, approve string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var p planned
	if err := json.Unmarshal(data, &p); err != nil || p.Plan == nil {
		return fmt.Errorf("%s is no plan that plan --out has kept", path)
	}
	for _, s := range sites {
		if s.Running.Name != p.Connection {
			continue
		}
		result, err := s.Engine.Apply(ctx, p.Plan, groupsync.ReconcileOptions{Approve: approve, Progress: a.progress("apply " + p.Connection)})
		if err != nil && !errors.Is(err, groupsync.ErrStalePlan) {
			return err
		}
		done := outcomeOf(p.Connection, result)
		return errors.Join(a.tell(done, done.text), err)
	}
	return usage("the plan is of the connection %s", p.Connection)
}
