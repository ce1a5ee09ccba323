package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// sourceTokenEnv is the environment variable of the token for the source of an import.
const sourceTokenEnv = "SCIMCROWD_SOURCE_TOKEN"

type importFlags struct {
	acting
	connection, okta, scim, file string
	tokenFile                    string
	filter, group                string
	link                         []string
	cfg                          source.ImporterConfig
	compare                      bool
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import",
		Short: "Bring users and groups into Crowd from Okta's API, a SCIM server or a file",
		Long: `Read users and groups from Okta's API, from any SCIM 2.0 server or from a file of JSON
Lines, and bring them into Crowd the way that the identity provider's own requests go:
the same mapping, settings, guard and records. Provisioning goes on from where an
import ends; one that was cut short is simply made again.

It adds and updates, and takes nothing away unless told to. --dry-run shows who would
be created, linked or passed over, and why. --compare shows on what the identity
provider and Crowd do not agree.

The token for the source comes from the environment variable ` + sourceTokenEnv + `, or
from --token-file.`,
		Example: `  ` + sourceTokenEnv + `=... server import --config config.json --connection okta --okta https://example.okta.com --dry-run
  server import --config config.json --connection okta --file people.jsonl --users-only`,
		RunE: func(c *cobra.Command, _ []string) error {
			f.dryRun = f.dryRun || f.compare
			return f.run(a, func(o backup.BuildOptions) error { return a.importFrom(c.Context(), f, o) })
		},
	}
	f.flags(c)
	flags := c.Flags()
	flags.StringVar(&f.connection, "connection", "", "the `NAME` of the connection (default: the only one)")
	flags.StringVar(&f.okta, "okta", "", "the `URL` of an Okta organisation")
	flags.StringVar(&f.scim, "scim", "", "the base `URL` of a SCIM server")
	flags.StringVar(&f.file, "file", "", "a `FILE` of JSON Lines, - for standard input")
	flags.StringVar(&f.tokenFile, "token-file", "", "the `FILE` of the token for the source")
	flags.StringVar(&f.filter, "filter", "", "read only users that match this `EXPRESSION`: of Okta's search language, or a SCIM filter")
	flags.StringVar(&f.group, "group", "", "read only the members of this `GROUP` of Okta")
	flags.StringSliceVar(&f.link, "link", nil, "take Crowd's users for those of the source by userName or email; repeat it for both")
	flags.BoolVar(&f.cfg.UsersOnly, "users-only", false, "leave groups alone")
	flags.BoolVar(&f.cfg.Leavers, "leavers", false, "deactivate users of the connection whom the source does not have, or has as inactive")
	flags.BoolVar(&f.cfg.RemoveMembers, "remove-members", false, "take those out of groups who are not in them at the source")
	flags.Float64Var(&f.cfg.Rate, "rate", 0, "change no more than this `NUMBER` of users and groups a second")
	f.dryRunFlag(c)
	flags.BoolVar(&f.compare, "compare", false, "show what differs and change nothing")
	return c
}

// source returns what is read, and what closes it.
func (f importFlags) source(a *app) (source.Source, func() error, error) {
	keepOpen := func() error { return nil }
	given := 0
	for _, text := range []string{f.okta, f.scim, f.file} {
		if text != "" {
			given++
		}
	}
	if given != 1 {
		return nil, nil, usage("give one of --okta, --scim and --file")
	}
	switch f.file {
	case "":
	case "-":
		return source.NewJSONLines(a.in), keepOpen, nil
	default:
		file, err := os.Open(f.file)
		if err != nil {
			return nil, nil, err
		}
		return source.NewJSONLines(file), file.Close, nil
	}
	token, err := f.token()
	if err != nil {
		return nil, nil, err
	}
	if f.okta != "" {
		s, err := source.NewOkta(source.OktaConfig{URL: f.okta, Token: token, Search: f.filter, Group: f.group, NoGroups: f.cfg.UsersOnly})
		return s, keepOpen, err
	}
	s, err := source.NewSCIM(source.SCIMConfig{URL: f.scim, Token: token, Filter: f.filter, NoGroups: f.cfg.UsersOnly})
	return s, keepOpen, err
}

func (f importFlags) token() (crowd.Secret, error) {
	text := os.Getenv(sourceTokenEnv)
	if f.tokenFile != "" {
		data, err := os.ReadFile(f.tokenFile)
		if err != nil {
			return "", fmt.Errorf("the token cannot be read: %w", err)
		}
		text = strings.TrimSpace(string(data))
	}
	if text == "" {
		return "", fmt.Errorf("a token for the source is needed. Put it into a file and name that with --token-file, or set %s", sourceTokenEnv)
	}
	return crowd.Secret(text), nil
}

func (a *app) importFrom(ctx context.Context, f importFlags, o backup.BuildOptions) error {
	s, err := a.site(ctx, f.connection, o)
	if err != nil {
		return err
	}
	if err := s.noStrangers(ctx); err != nil {
		return err
	}
	from, closeSource, err := f.source(a)
	if err != nil {
		return err
	}
	defer closeSource()
	f.cfg.Engine, f.cfg.Handler, f.cfg.Progress = s.Engine, s.SCIM, a.progress("import into "+s.Running.Name)
	for _, rule := range f.link {
		f.cfg.Link = append(f.cfg.Link, source.Link(rule))
	}
	importer, err := source.NewImporter(f.cfg)
	if err != nil {
		return err
	}
	if f.compare {
		return a.tellDifferences(ctx, importer, from)
	}
	plan, err := importer.Plan(ctx, from)
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.tell(plan, func(w io.Writer) { fmt.Fprint(w, plan.Table()) })
	}
	result, err := importer.Apply(commandRequest(ctx, "import"), plan, f.approve)
	if err != nil && !errors.Is(err, groupsync.ErrStalePlan) {
		return err
	}
	done := outcomeOf(s.Running.Name, result)
	return errors.Join(a.tell(done, done.text), err, plan.EarlyError())
}

func (a *app) tellDifferences(ctx context.Context, importer *source.Importer, from source.Source) error {
	if a.json {
		_, err := source.WriteJSON(a.out, importer.Compare(ctx, from))
		return err
	}
	n, err := source.WriteTable(a.out, importer.Compare(ctx, from))
	if err == nil && n == 0 {
		fmt.Fprintln(a.out, "nothing is different")
	}
	return err
}
