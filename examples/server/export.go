package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
)

func (a *app) exportCommand() *cobra.Command {
	var out, secrets string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the configuration so that it may leave the machine",
		Long: `Write the configuration so that it may leave the machine, and tell what must be
supplied where it is restored. Of tokens it has the hashes, as the configuration does.

--secrets without (the default) names an environment variable for every password,
references keeps the names of variables and files, and sealed has the passwords
themselves under a passphrase, see --passphrase-file.`,
		Example: `  server export --config config.json --out backup.json
  server export --config config.json --out backup.json --secrets sealed --passphrase-file passphrase`,
		RunE: func(c *cobra.Command, _ []string) error { return a.export(c.Context(), out, secrets) },
	}
	c.Flags().StringVar(&out, "out", "", "the `FILE` to write, - for standard output (required)")
	c.Flags().StringVar(&secrets, "secrets", "without", "what becomes of passwords: without, references or sealed")
	return c
}

func (a *app) export(ctx context.Context, out, secrets string) error {
	if out == "" {
		return usage("--out FILE is required")
	}
	o := backup.ExportOptions{Resolve: resolver(), Opener: lazyOpener{a}}
	switch secrets {
	case "without":
	case "references":
		o.Secrets = backup.KeepReferences
	case "sealed":
		passphrase, err := a.seal()
		if err != nil {
			return err
		}
		o.Secrets, o.Sealer, o.Opener = backup.Sealed, passphrase, passphrase
	default:
		return usage("--secrets %s is none of without, references and sealed", secrets)
	}
	c, err := a.read(a.config)
	if err != nil {
		return err
	}
	exported, needs, err := backup.Export(ctx, c, o)
	if err != nil {
		return err
	}
	if err := a.output(out, func(w io.Writer) error { return backup.Write(w, exported) }); err != nil {
		return err
	}
	if out == "-" {
		return nil
	}
	if needs == nil {
		needs = []backup.Need{}
	}
	return a.tell(map[string]any{"out": out, "needs": needs}, func(w io.Writer) {
		fmt.Fprintf(w, "%d connections are in %s\n", len(exported.Connections), out)
		for _, n := range needs {
			fmt.Fprintln(w, "to be supplied where it is restored:", n)
		}
	})
}

// read reads a document, whether or not its passwords are at hand.
func (a *app) read(path string) (*backup.Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read. Name another file, or make one with init: %w", err)
	}
	defer file.Close()
	return backup.Read(file)
}
