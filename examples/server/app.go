package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/backup/seal"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/examples/server/bridge"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/oidc"
)

// The statuses that the program ends with.
const (
	statusOK     = 0
	statusFailed = 1
	statusUsage  = 2
)

type streams struct {
	in       io.Reader
	out, err io.Writer
}

// An app is one run of the program.
type app struct {
	streams
	config     string
	json       bool
	passphrase string // path of the file
	entered    bool   // the arguments were right, and a command has begun
}

// usageError says that the program was called wrongly.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errFailed ends the program with statusFailed where all was said already.
var errFailed = errors.New("failed")

// run runs the command of the arguments and returns the status to end with.
func run(ctx context.Context, args []string, s streams) int {
	a := &app{streams: s}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	ran, err := root.ExecuteContextC(ctx)
	wrong, isUsage := errors.AsType[usageError](err)
	switch {
	case err == nil:
		return statusOK
	case isUsage:
		fmt.Fprintf(s.err, "%s. See: %s --help\n", strings.TrimRight(wrong.text, "."), ran.CommandPath())
		return statusUsage
	case !a.entered:
		fmt.Fprintf(s.err, "%s. See: %s --help\n", strings.TrimRight(firstLine(err.Error()), "."), ran.CommandPath())
		return statusUsage
	case errors.Is(err, errFailed):
		return statusFailed
	}
	a.tellError(err)
	return statusFailed
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// tellError writes an error: the faults of a document one a line, what the guard
// refuses with the way to let it pass.
func (a *app) tellError(err error) {
	if faults, ok := errors.AsType[mapping.Faults](err); ok {
		for _, f := range faults {
			fmt.Fprintln(a.err, plain(f.String()))
		}
		return
	}
	fmt.Fprintln(a.err, plain(err.Error()))
	if refused, ok := errors.AsType[*groupsync.GuardError](err); ok {
		fmt.Fprintf(a.err, "to let this plan pass once, repeat the command with --approve %s\n", refused.Fingerprint)
	}
}

// program returns the name that the program was called by, for lines to paste.
func program() string { return filepath.Base(os.Args[0]) }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           program(),
		Short:         "Provision Atlassian Crowd from identity providers",
		Long:          "Provision Atlassian Crowd from identity providers: a server that speaks SCIM 2.0 to them, and what its administrators need.",
		SilenceErrors: true, SilenceUsage: true,
		RunE: func(*cobra.Command, []string) error { return usage("name a command") },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVar(&a.config, "config", "", "the configuration `FILE`")
	flags.BoolVar(&a.json, "json", false, "write JSON for programs")
	flags.StringVar(&a.passphrase, "passphrase-file", "", "the `FILE` of the passphrase that seals passwords (default the environment variable "+passphraseEnv+")")
	for _, c := range a.commands() {
		c.Args = cobra.NoArgs
		a.wrap(c)
		root.AddCommand(c)
	}
	return root
}

func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.initCommand(), a.checkCommand(), a.serveCommand(), a.tokenCommand(),
		a.whoCommand(), a.explainCommand(), a.groupsCommand(),
		a.planCommand(), a.reconcileCommand(), a.importCommand(),
		a.exportCommand(), a.restoreCommand(), a.snapshotCommand(), a.undoCommand(),
		a.adoptCommand(), a.forgetCommand(),
	}
}

// wrap notes that a command has begun, so that what is wrong before counts as usage,
// and that it was given a configuration.
func (a *app) wrap(c *cobra.Command) {
	for _, sub := range c.Commands() {
		sub.Args = cobra.NoArgs
		a.wrap(sub)
	}
	c.Example = strings.ReplaceAll(c.Example, "server ", program()+" ")
	do := c.RunE
	if do == nil {
		c.RunE = func(*cobra.Command, []string) error { return usage("name what to do") }
		return
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if a.config == "" {
			return usage("--config FILE is required")
		}
		a.entered = true
		return do(c, args)
	}
}

// passphraseEnv is the environment variable of the passphrase.
const passphraseEnv = "SCIMCROWD_PASSPHRASE"

var errNoPassphrase = errors.New("a passphrase is needed")

// seal returns what seals and opens passwords.
func (a *app) seal() (*seal.Passphrase, error) {
	text := os.Getenv(passphraseEnv)
	if a.passphrase != "" {
		data, err := os.ReadFile(a.passphrase)
		if err != nil {
			return nil, fmt.Errorf("the passphrase cannot be read: %w", err)
		}
		text = strings.TrimRight(string(data), "\r\n")
	}
	if text == "" {
		return nil, fmt.Errorf("%w. Put it into a file and name that with --passphrase-file, or set %s", errNoPassphrase, passphraseEnv)
	}
	return seal.New(crowd.Secret(text))
}

// lazyOpener asks for the passphrase when something sealed is met.
type lazyOpener struct{ a *app }

// Open implements [backup.Opener].
func (o lazyOpener) Open(sealed string) ([]byte, error) {
	p, err := o.a.seal()
	if err != nil {
		return nil, err
	}
	return p.Open(sealed)
}

// resolver fetches passwords from the environment and from files.
func resolver() backup.Resolver { return backup.References(os.LookupEnv, os.ReadFile) }

// document reads the configuration, and whether its passwords are there.
func (a *app) document(ctx context.Context) (*backup.Config, error) {
	return bridge.ReadDocument(ctx, a.config, resolver())
}

// buildOptions returns how commands build connections. None of them serves, so the
// address does not matter.
func (a *app) buildOptions() backup.BuildOptions {
	return backup.BuildOptions{
		BaseURL: "http://localhost", Resolve: resolver(), Opener: lazyOpener{a}, Issuers: oidc.Accept,
		Logger: slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelError})),
	}
}

// chosen returns the connection of a name, or the only one there is.
func chosen(c *backup.Config, name string) (int, error) {
	if name == "" && len(c.Connections) == 1 {
		return 0, nil
	}
	i := slices.IndexFunc(c.Connections, func(x backup.Connection) bool { return x.Name == name })
	if i >= 0 {
		return i, nil
	}
	var names []string
	for _, x := range c.Connections {
		names = append(names, x.Name)
	}
	if name == "" {
		return 0, usage("say which connection with --connection: %s", strings.Join(names, ", "))
	}
	return 0, usage("the configuration has no connection %q, only %s", name, strings.Join(names, ", "))
}

// A site is a connection of the configuration, built.
type site struct {
	*backup.Running
	backup.Connection
	index int // in the document
}

// site builds the connection of a name, with those that share its directory.
func (a *app) site(ctx context.Context, name string, o backup.BuildOptions) (*site, error) {
	c, err := a.document(ctx)
	if err != nil {
		return nil, err
	}
	i, err := chosen(c, name)
	if err != nil {
		return nil, err
	}
	all, err := a.build(ctx, c, o)
	if err != nil {
		return nil, err
	}
	return &site{all[i], c.Connections[i], i}, nil
}

// tell writes what a command found out: as JSON, or as text writes it.
func (a *app) tell(value any, text func(w io.Writer)) error {
	if a.json {
		return json.NewEncoder(a.out).Encode(value)
	}
	var b strings.Builder
	text(&b)
	_, err := io.WriteString(a.out, plain(b.String()))
	return err
}

// plain returns a text without what could steer a terminal: names hold whatever a user
// typed.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
