package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// build builds all connections of a document.
func (a *app) build(ctx context.Context, c *backup.Config, o backup.BuildOptions) ([]*backup.Running, error) {
	all, err := backup.BuildAll(ctx, c, o)
	if err == nil {
		return all, nil
	}
	if faults := a.locked(c); len(faults) > 0 {
		return nil, faults
	}
	return nil, err
}

// locked returns the sealed passwords of a document that cannot be opened.
func (a *app) locked(c *backup.Config) (faults mapping.Faults) {
	for i, connection := range c.Connections {
		sealed := connection.Crowd.Password.Sealed
		if sealed == "" {
			continue
		}
		if _, err := (lazyOpener{a}).Open(sealed); err != nil {
			faults = append(faults, lockedFault(i, err))
		}
	}
	return faults
}

func lockedFault(index int, err error) mapping.Fault {
	f := mapping.Fault{
		Pointer: fmt.Sprintf("/connections/%d/crowd/password/sealed", index),
		Problem: "it cannot be opened: " + err.Error(),
		Remedy:  "Put the passphrase it was sealed with into a file and name that with --passphrase-file, or set " + passphraseEnv,
	}
	if errors.Is(err, errNoPassphrase) {
		f.Problem = "it is sealed, and no passphrase was given"
	}
	return f
}

// noStrangers refuses to work on a directory that serve refuses to serve: what
// connections that the document lacks have granted there would not count.
func (s *site) noStrangers(ctx context.Context) error {
	err := s.Engine.CheckStrangers(ctx)
	if stranger, ok := errors.AsType[*groupsync.StrangerError](err); ok {
		return mapping.Faults{strangerFault(s.index, stranger)}
	}
	return err
}

func strangerFault(index int, e *groupsync.StrangerError) mapping.Fault {
	return mapping.Fault{
		Pointer: fmt.Sprintf("/connections/%d/crowd/abandoned", index),
		Problem: "the Crowd directory holds records of the connections " + strings.Join(e.Connections, ", ") + ", which the configuration does not have",
		Remedy:  "Add them to it, so that what they granted counts, take what they hold out of Crowd with forget, or list them here",
	}
}

// refusal returns what keeps serve from starting, as faults of the document where it
// is the document's.
func (a *app) refusal(ctx context.Context, err error) error {
	c, failed := a.document(ctx)
	if failed != nil {
		return err
	}
	if _, ok := errors.AsType[*groupsync.StrangerError](err); !ok {
		if faults := a.locked(c); len(faults) > 0 {
			return faults
		}
		return err
	}
	all, failed := a.build(ctx, c, a.buildOptions())
	if failed != nil {
		return failed
	}
	var faults mapping.Faults
	for i, r := range all {
		if c.Connections[i].Paused {
			continue
		}
		if stranger, ok := errors.AsType[*groupsync.StrangerError](r.Engine.CheckStrangers(ctx)); ok {
			faults = append(faults, strangerFault(i, stranger))
		}
	}
	if len(faults) == 0 {
		return err
	}
	return faults
}
