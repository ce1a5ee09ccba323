package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/directory"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// DirectoryOptions is what [EnsureDirectories] needs beyond the document.
type DirectoryOptions struct {
	// Build is how the connections will be built: of it the way to Crowd and to the
	// applications' passwords is used, and DryRun, under which nothing is done.
	Build BuildOptions
	// Means returns what an administrator gives for the Crowd of a connection, such as
	// [directory.Connect] does. Required.
	Means func(ctx context.Context, c Connection) (directory.Means, error)
}

// An EnsuredDirectory is what was found and done for one connection.
type EnsuredDirectory struct {
	Connection string
	directory.Result
}

// EnsureDirectories makes sure that every connection whose document names a
// directory has it: that it is there or, where the document says so, created, that
// the application sees it and no other, and may do in it what provisioning needs.
// See [directory.Ensure] for what is done and what is reported instead; a directory
// that holds records of this library is never taken from an application. Call it
// before [BuildAll], as often as you like.
//
// Connections are taken one after the other, and one that fails does not keep the
// others from what they need; the error names each that failed. Nothing is done
// where two connections want one application to see different directories.
func EnsureDirectories(ctx context.Context, c *Config, o DirectoryOptions) ([]EnsuredDirectory, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Means == nil {
		return nil, errors.New("backup: DirectoryOptions.Means is missing")
	}
	if err := c.oneDirectoryEach(); err != nil {
		return nil, err
	}
	var done []EnsuredDirectory
	var errs []error
	for _, connection := range c.Connections {
		if connection.Crowd.Directory.Name == "" || o.Build.DryRun {
			continue
		}
		result, err := connection.ensureDirectory(ctx, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("backup: connection %s: %w", connection.Name, err))
			continue
		}
		done = append(done, EnsuredDirectory{connection.Name, *result})
	}
	return done, errors.Join(errs...)
}

// oneDirectoryEach refuses a document whose connections would take an application
// from one another.
func (c *Config) oneDirectoryEach() error {
	for i, one := range c.Connections {
		for _, other := range c.Connections[:i] {
			mine, theirs := one.Crowd.Directory.Name, other.Crowd.Directory.Name
			if one.sameCrowd(other) && crowd.Fold(one.Crowd.Application) == crowd.Fold(other.Crowd.Application) &&
				mine != "" && theirs != "" && crowd.Fold(mine) != crowd.Fold(theirs) {
				return fmt.Errorf("backup: the connections %s and %s have the application %s see different directories; give each an application of its own",
					other.Name, one.Name, quote(one.Crowd.Application))
			}
		}
	}
	return nil
}

// ensureDirectory does it for one connection.
func (c Connection) ensureDirectory(ctx context.Context, o DirectoryOptions) (*directory.Result, error) {
	if o.Build.Logger == nil {
		o.Build.Logger = slog.New(slog.DiscardHandler)
	}
	client, err := c.client(ctx, o.Build)
	if err != nil {
		return nil, err
	}
	means, err := o.Means(ctx, c)
	if err != nil {
		return nil, err
	}
	return directory.Ensure(ctx, directory.Config{
		Name: c.Crowd.Directory.Name, Type: admin.DirectoryType(c.Crowd.Directory.Type), Create: c.Crowd.Directory.Create,
		Application: c.Crowd.Application, Client: client, InUse: groupsync.RegistryPrefix,
	}, means)
}
