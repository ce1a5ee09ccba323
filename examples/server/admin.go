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
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/directory"
)

// adminPasswordEnv is the environment variable of the password of an administrator.
const adminPasswordEnv = "SCIMCROWD_ADMIN_PASSWORD"

// An administrator is a user who may administer Crowd. It is for setting up and
// checking only; nothing of it is kept.
type administrator struct{ name, passwordFile string }

func (x *administrator) flags(c *cobra.Command) {
	c.Flags().StringVar(&x.name, "admin", "", "the `NAME` of a user who may administer Crowd; the password comes from the environment variable "+adminPasswordEnv+" or from --admin-password-file")
	c.Flags().StringVar(&x.passwordFile, "admin-password-file", "", "the `FILE` of that user's password")
}

func (x administrator) config(crowdURL string) (admin.Config, error) {
	text := os.Getenv(adminPasswordEnv)
	if x.passwordFile != "" {
		data, err := os.ReadFile(x.passwordFile)
		if err != nil {
			return admin.Config{}, fmt.Errorf("the administrator's password cannot be read: %w", err)
		}
		text = strings.TrimRight(string(data), "\r\n")
	}
	if text == "" {
		return admin.Config{}, fmt.Errorf("the password of the administrator %s is needed. Put it into a file and name that with --admin-password-file, or set %s", x.name, adminPasswordEnv)
	}
	return admin.Config{BaseURL: crowdURL, Administrator: x.name, Password: crowd.Secret(text)}, nil
}

// administration returns what asks Crowd as the administrator, nil where there is none.
func (x administrator) administration() func(backup.Connection) (backup.Administration, error) {
	if x.name == "" {
		return nil
	}
	return func(c backup.Connection) (backup.Administration, error) {
		cfg, err := x.config(c.Crowd.URL)
		if err != nil {
			return nil, err
		}
		return admin.New(cfg)
	}
}

// ensure has Crowd provide the directories that a document names, where there is an
// administrator to do it as. What is left to be done by hand is told click by click.
func (a *app) ensure(ctx context.Context, c *backup.Config, x administrator) ([]backup.EnsuredDirectory, error) {
	if x.name == "" {
		return nil, nil
	}
	done, err := backup.EnsureDirectories(ctx, c, backup.DirectoryOptions{
		Build: a.buildOptions(),
		Means: func(ctx context.Context, c backup.Connection) (directory.Means, error) {
			cfg, err := x.config(c.Crowd.URL)
			if err != nil {
				return directory.Means{}, err
			}
			return directory.Connect(ctx, cfg)
		},
	})
	if todo, ok := errors.AsType[*directory.Error](err); ok {
		fmt.Fprintln(a.err, plain(todo.Problem))
		for n, click := range todo.Clicks {
			fmt.Fprintf(a.err, "%d. %s\n", n+1, plain(click))
		}
		return done, errFailed
	}
	return done, err
}

func tellEnsured(w io.Writer, all []backup.EnsuredDirectory) {
	for _, d := range all {
		fmt.Fprintf(w, "The directory of connection %s is ready (created: %v, mapped: %v, permissions added: %d).\n",
			d.Connection, d.Created, d.Mapped, len(d.Granted))
	}
}
