package directory

import (
	"context"
	"errors"
	"fmt"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
)

// readMappings reads what the application sees, and returns the mapping of the
// directory, nil if there is none or no directory.
func (p *plan) readMappings(ctx context.Context) (*admin.Mapping, error) {
	all, err := collect(p.means.Administration.Mappings(ctx, p.application.ID), func(*admin.Mapping) bool { return true })
	if err != nil {
		return nil, err
	}
	p.mappings = all
	for _, m := range all {
		if p.directory != nil && m.Directory == p.directory.ID {
			return m, nil
		}
	}
	return nil, nil
}

// bind lets the application see the directory.
func (p *plan) bind(ctx context.Context) error {
	mapping, err := p.readMappings(ctx)
	if err != nil || mapping != nil {
		return err
	}
	p.result.Mapped, err = p.means.Administration.Map(ctx, p.application.ID, p.directory.ID)
	return err
}

// permit lets the application do all that is needed, as far as Crowd tells what
// it may do; where it does not, the probe shows it.
func (p *plan) permit(ctx context.Context) error {
	mapping, err := p.readMappings(ctx)
	switch {
	case err != nil:
		return err
	case mapping == nil:
		return fmt.Errorf("directory: the application %s does not see %s although it was mapped", quote(p.Application), quote(p.Name))
	case mapping.Permissions == nil:
		return nil
	}
	missing := lacking(mapping.Permissions)
	if len(missing) == 0 {
		return nil
	}
	err = p.means.Administration.SetPermissions(ctx, p.application.ID, p.directory.ID, admin.Permissions())
	if err != nil && !errors.Is(err, crowd.ErrUnsupported) && !errors.Is(err, crowd.ErrIllegalArgument) {
		return err
	}
	again, readErr := p.readMappings(ctx)
	switch {
	case readErr != nil:
		return readErr
	case again == nil || len(lacking(again.Permissions)) > 0:
		return &Error{
			Kind: ErrUnfinished, Problem: fmt.Sprintf("the application %s may not do all that is needed in %s, and Crowd does not let that be changed from here", quote(p.Application), quote(p.Name)),
			Clicks: p.clicksToPermitApplication(missing), Err: err,
		}
	}
	for _, name := range missing {
		p.result.Granted = append(p.result.Granted, admin.Permission(name))
	}
	return nil
}

// unbind hides all other directories from the application, so that no name is
// looked up in them and no user or group created there.
func (p *plan) unbind(ctx context.Context) error {
	for _, m := range p.mappings {
		if m.Directory == p.directory.ID {
			continue
		}
		changed, err := p.means.Administration.Unmap(ctx, p.application.ID, m.Directory)
		if err != nil {
			return err
		}
		if changed {
			p.result.Unmapped = append(p.result.Unmapped, m.Name)
		}
	}
	return nil
}
