package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/groupsync/audit"
)

type undoFlags struct {
	acting
	connection  string
	logs        []string
	from, until string
	query       groupsync.UndoQuery
}

func (a *app) undoCommand() *cobra.Command {
	var f undoFlags
	c := &cobra.Command{
		Use:   "undo",
		Short: "Take back what one request or one hour has changed, by the audit log",
		Long: `Read an audit log, as serve --audit writes it, and take back what a request or a time
has changed: grants, groups, fields of users. What anybody has said since stays, and so
do memberships by hand. Of several replicas give the logs of all.

Whoever was deactivated stays so unless --reactivate is given: a leaver looks the same
as a mistake. --dry-run tells what would be done and changes nothing.`,
		Example: `  server undo --config config.json --connection okta --log audit.jsonl --request 7QXW3K --dry-run
  server undo --config config.json --connection okta --log a.jsonl --log b.jsonl --from 2026-11-25T08:00:00Z --until 2026-11-25T09:00:00Z`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.complete(); err != nil {
				return err
			}
			return f.run(a, func(o backup.BuildOptions) error { return a.undo(c.Context(), f, o) })
		},
	}
	f.flags(c)
	c.Flags().StringVar(&f.connection, "connection", "", "the `NAME` of the connection (default: the only one)")
	c.Flags().StringArrayVar(&f.logs, "log", nil, "the `FILE` of an audit log, whole; repeat it for more (required)")
	c.Flags().StringVar(&f.query.Request, "request", "", "take back what the request of this `ID` has changed")
	c.Flags().StringVar(&f.from, "from", "", "take back changes from this `TIME` on, such as 2026-11-25T08:00:00Z")
	c.Flags().StringVar(&f.until, "until", "", "take back changes until this `TIME`")
	c.Flags().BoolVar(&f.query.Reactivate, "reactivate", false, "let those in again who were deactivated")
	f.dryRunFlag(c)
	return c
}

func (f *undoFlags) complete() error {
	if len(f.logs) == 0 {
		return usage("--log FILE is required")
	}
	if f.query.Request == "" && f.from == "" {
		return usage("say what to take back: --request ID, or --from TIME and --until TIME")
	}
	for _, at := range []struct {
		text, flag string
		into       *time.Time
	}{{f.from, "--from", &f.query.From}, {f.until, "--until", &f.query.Until}} {
		if at.text == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, at.text)
		if err != nil {
			return usage("%s %s is no time such as 2026-11-25T08:00:00Z", at.flag, at.text)
		}
		*at.into = t
	}
	return nil
}

func (a *app) undo(ctx context.Context, f undoFlags, o backup.BuildOptions) error {
	s, err := a.site(ctx, f.connection, o)
	if err != nil {
		return err
	}
	if err := s.noStrangers(ctx); err != nil {
		return err
	}
	r, err := s.Engine.PlanUndo(ctx, events(f.logs), f.query)
	if err != nil {
		return err
	}
	return a.applyRestoration(commandRequest(ctx, "undo"), s, r, f.approve, f.dryRun)
}

// events reads audit logs one after the other, each verified. That a log ends within
// a record is no reason not to read it: so it does while a server writes to it.
func events(paths []string) iter.Seq2[groupsync.Event, error] {
	return func(yield func(groupsync.Event, error) bool) {
		for _, path := range paths {
			if !eventsOf(path, yield) {
				return
			}
		}
	}
}

func eventsOf(path string, yield func(groupsync.Event, error) bool) (more bool) {
	file, err := os.Open(path)
	if err != nil {
		yield(groupsync.Event{}, err)
		return false
	}
	defer file.Close()
	for e, err := range audit.Events(io.Reader(file), audit.Check{}) {
		if torn, ok := errors.AsType[*audit.Error](err); ok && torn.Torn {
			return true
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		if !yield(e, err) || err != nil {
			return false
		}
	}
	return true
}
