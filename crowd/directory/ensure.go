package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/confapi"
)

const delegating = admin.Delegating

// Administration is what is asked of Crowd as an administrator; *[admin.Client]
// has it.
type Administration interface {
	Directories(ctx context.Context, search string) iter.Seq2[*admin.Directory, error]
	Applications(ctx context.Context, name string) iter.Seq2[*admin.Application, error]
	Mappings(ctx context.Context, application int64) iter.Seq2[*admin.Mapping, error]
	Map(ctx context.Context, application, directory int64) (changed bool, err error)
	Unmap(ctx context.Context, application, directory int64) (changed bool, err error)
	SetPermissions(ctx context.Context, application, directory int64, p []admin.Permission) error
	Groups(ctx context.Context, directory int64, search string) iter.Seq2[*admin.Group, error]
}

// A Creator creates directories and knows what can be done in them;
// *[confapi.Client] does. No version of Crowd is known that has calls of its own
// for that.
type Creator interface {
	Create(ctx context.Context, d confapi.Directory) (*confapi.Directory, error)
	Directory(ctx context.Context, id int64) (*confapi.Directory, error)
}

// Client is what is tried out as the application; *[crowd.Client] has it.
type Client interface {
	User(ctx context.Context, name string) (*crowd.User, error)
	CreateUser(ctx context.Context, u crowd.User, password crowd.Secret) (*crowd.User, error)
	UpdateUser(ctx context.Context, u crowd.User) error
	SetUserAttributes(ctx context.Context, name string, a crowd.Attributes) error
	DeleteUser(ctx context.Context, name string) error
}

// Means are what an administrator gives.
type Means struct {
	// Administration is required.
	Administration Administration
	// Creator is nil where no plugin is installed that creates directories.
	Creator Creator
}

// Connect returns the means that an administrator's credentials give: those of
// the administration API, and a plugin's where one is installed.
func Connect(ctx context.Context, cfg admin.Config) (Means, error) {
	client, err := admin.New(cfg)
	if err != nil {
		return Means{}, err
	}
	means := Means{Administration: client}
	plugin, err := confapi.Find(ctx, cfg)
	switch {
	case err == nil:
		means.Creator = plugin
	case !errors.Is(err, crowd.ErrUnsupported):
		return Means{}, err
	}
	return means, nil
}

// Config says what there is to be.
type Config struct {
	// Name is the name of the directory. Required.
	Name string
	// Type is its kind: [admin.Internal], the default, or [admin.Delegating].
	Type admin.DirectoryType
	// Create has it created where it is missing.
	Create bool
	// Template is what else a created one is to be like. A delegating one needs
	// its connector and configuration.
	Template confapi.Directory

	// Application is the name of the application that provisions it, an application
	// for nothing else: of all other directories that it sees it loses sight.
	// Required.
	Application string
	// InUse begins the names of groups that are kept where provisioning has begun.
	// A directory that has one is not taken out of the application's sight, which
	// would lose all users in it: it is reported. Empty means that none is kept.
	InUse string
	// Client calls Crowd as that application. Required.
	Client Client
}

// A Result is what [Ensure] found and did.
type Result struct {
	// Directory is the id of the directory.
	Directory int64
	// Created and Mapped tell that it was created, and made visible to the
	// application; Unmapped names the directories of which the application has
	// lost sight.
	Created, Mapped bool
	Unmapped        []string
	// Granted are the permissions that the application was given in addition.
	Granted []admin.Permission
}

// Changed reports whether anything was not as it is to be.
func (r *Result) Changed() bool {
	return r.Created || r.Mapped || len(r.Unmapped) > 0 || len(r.Granted) > 0
}

// Ensure finds the directory or creates it, lets the application see it alone
// and do in it all that provisioning needs, and proves that by creating, changing
// and deleting a user whose name is [ProbeName]. See the package comment for what
// it reports instead; nothing is written before all that a look can tell has been
// found in order.
//
// The proof comes after the other directories have gone out of sight, since before
// that the user could be created in one of them. Where it fails they stay so, as who of
// their users might log in could not be brought back; the result that comes with an
// error names what was done until then.
func Ensure(ctx context.Context, cfg Config, means Means) (*Result, error) {
	p := &plan{Config: cfg, means: means}
	p.Type = cmp.Or(p.Type, admin.Internal)
	if err := p.check(); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{
		p.findApplication, p.findDirectory, p.checkOthers, p.knock, p.create, p.checkPermissions, p.bind, p.permit, p.unbind, p.probe,
	} {
		err := step(ctx)
		if p.directory != nil {
			p.result.Directory = p.directory.ID
		}
		if err != nil {
			return &p.result, err
		}
	}
	return &p.result, nil
}

// A plan is one run of [Ensure].
type plan struct {
	Config
	means       Means
	application *admin.Application
	directory   *admin.Directory
	mappings    []*admin.Mapping
	result      Result
}

func (p *plan) check() error {
	switch {
	case p.Name == "" || p.Application == "":
		return errors.New("directory: Name and Application must not be empty")
	case p.means.Administration == nil || p.Client == nil:
		return errors.New("directory: Administration and Client are missing")
	case !p.Type.Writable():
		return p.readOnly(p.Type)
	}
	return nil
}

func (p *plan) readOnly(kind admin.DirectoryType) error {
	return &Error{
		Kind:    ErrReadOnly,
		Problem: fmt.Sprintf("a directory of the type %s, such as %s, is a copy of another, and what is written to it does not stay", kind, quote(p.Name)),
		Clicks:  []string{"Choose or create a directory of the type Internal or Delegated Authentication, and give its name and type."},
	}
}

// collect returns what a list has.
func collect[T any](list iter.Seq2[*T, error], keep func(*T) bool) ([]*T, error) {
	var kept []*T
	for entry, err := range list {
		if err != nil {
			return nil, err
		}
		if keep(entry) {
			kept = append(kept, entry)
		}
	}
	return kept, nil
}

func same(a, b string) bool { return crowd.Fold(a) == crowd.Fold(b) }

// checkOthers reports a directory that would be taken out of sight although
// provisioning has begun in it, as where its name was changed or the new one is a
// slip, and any that would be where the server does not tell whether that is so.
func (p *plan) checkOthers(ctx context.Context) error {
	if _, err := p.readMappings(ctx); err != nil {
		return err
	}
	for _, m := range p.mappings {
		if p.directory != nil && m.Directory == p.directory.ID {
			continue
		}
		if err := p.checkOther(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) checkOther(ctx context.Context, m *admin.Mapping) error {
	conflict := &Error{Kind: ErrConflict, Clicks: p.clicksToUnmap(m.Name)}
	if p.application.Type == "" {
		conflict.Problem = fmt.Sprintf("Crowd does not tell of what type the application %s is, which would lose sight of the directory %s",
			quote(p.Application), quote(m.Name))
		return conflict
	}
	if p.InUse == "" {
		return nil
	}
	kept, err := collect(p.means.Administration.Groups(ctx, m.Directory, p.InUse), func(g *admin.Group) bool {
		return strings.HasPrefix(crowd.Fold(g.Name), crowd.Fold(p.InUse))
	})
	switch {
	case errors.Is(err, crowd.ErrUnsupported):
		conflict.Err = err
		conflict.Problem = fmt.Sprintf("Crowd does not tell whether the application %s provisions the directory %s already, and would lose sight of its users",
			quote(p.Application), quote(m.Name))
		return conflict
	case err != nil:
		return err
	case len(kept) > 0:
		conflict.Problem = fmt.Sprintf("the application %s provisions the directory %s already, as the group %s in it shows, and would lose sight of its users",
			quote(p.Application), quote(m.Name), quote(kept[0].Name))
		return conflict
	}
	return nil
}

// findApplication finds the application, which must be one that nobody misses:
// the products' own are left alone.
func (p *plan) findApplication(ctx context.Context) error {
	found, err := collect(p.means.Administration.Applications(ctx, ""), func(a *admin.Application) bool { return same(a.Name, p.Application) })
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return &Error{Kind: ErrMissing, Problem: "there is no application " + quote(p.Application), Clicks: p.clicksToAddApplication()}
	}
	p.application = found[0]
	switch {
	case p.application.Type != "" && p.application.Type != admin.GenericApplication:
		return &Error{
			Kind:    ErrConflict,
			Problem: fmt.Sprintf("the application %s is of the type %s, which must not lose sight of its directories", quote(p.Application), p.application.Type),
			Clicks:  p.clicksToAddApplication(),
		}
	case !p.application.Active:
		return &Error{Kind: ErrUnfinished, Problem: fmt.Sprintf("the application %s is not active", quote(p.Application)), Clicks: p.clicksToActivateApplication()}
	}
	return nil
}

// findDirectory finds the directory, if it is there.
func (p *plan) findDirectory(ctx context.Context) error {
	found, err := collect(p.means.Administration.Directories(ctx, ""), func(d *admin.Directory) bool { return same(d.Name, p.Name) })
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return nil
	case len(found) > 1:
		return &Error{
			Kind: ErrConflict, Problem: fmt.Sprintf("there are %d directories of the name %s", len(found), quote(p.Name)),
			Clicks: []string{`Choose "Directories", and rename all but one of them.`},
		}
	}
	p.directory = found[0]
	return p.checkDirectory()
}

// checkDirectory refuses one that is there and not what was asked for.
func (p *plan) checkDirectory() error {
	d := p.directory
	switch {
	case !d.Type.Writable():
		return p.readOnly(d.Type)
	case d.Type != p.Type:
		return &Error{
			Kind:    ErrConflict,
			Problem: fmt.Sprintf("the directory %s is of the type %s, not %s", quote(p.Name), d.Type, p.Type),
			Clicks:  []string{"Choose another name, or give the type that it has."},
		}
	case !d.Active:
		return &Error{Kind: ErrUnfinished, Problem: fmt.Sprintf("the directory %s is not active", quote(p.Name)), Clicks: p.clicksToActivate()}
	}
	return nil
}

// create creates the directory where it is missing. An answer that is lost, or
// another who was faster, makes it look again.
func (p *plan) create(ctx context.Context) error {
	if p.directory != nil {
		return nil
	}
	if err := p.checkCreation(); err != nil {
		return err
	}
	wanted := p.Template
	wanted.Name, wanted.Type = p.Name, string(p.Type)
	_, err := p.means.Creator.Create(ctx, wanted)
	if err != nil && !errors.Is(err, crowd.ErrExists) && !errors.Is(err, crowd.ErrAmbiguous) {
		return err
	}
	p.result.Created = !errors.Is(err, crowd.ErrExists)
	if again := p.findDirectory(ctx); again != nil || p.directory == nil {
		return cmp.Or(again, err, errors.New("directory: "+quote(p.Name)+" was created and cannot be seen"))
	}
	return nil
}

// checkCreation reports where it may not or cannot be created.
func (p *plan) checkCreation() error {
	missing := &Error{Kind: ErrMissing, Clicks: p.clicksToCreate()}
	switch {
	case !p.Create:
		missing.Problem = fmt.Sprintf("there is no directory %s, and it is not to be created", quote(p.Name))
	case p.means.Creator == nil:
		missing.Problem = fmt.Sprintf("there is no directory %s, and neither Crowd nor a plugin in it can create one", quote(p.Name))
	case p.Type == delegating && (p.Template.Connector == nil || p.Template.Configuration == nil):
		missing.Problem = fmt.Sprintf("there is no directory %s, and to create one its connector and configuration are needed", quote(p.Name))
	default:
		return nil
	}
	return missing
}

// checkPermissions reports what cannot be done in the directory by anybody, as
// far as anything tells.
func (p *plan) checkPermissions(ctx context.Context) error {
	var denied []string
	if told := p.directory.Permissions; told != nil {
		denied = lacking(told)
	} else if p.means.Creator != nil {
		d, err := p.means.Creator.Directory(ctx, p.directory.ID)
		if err != nil {
			return err
		}
		denied = d.Permissions.Denied()
	}
	if len(denied) == 0 {
		return nil
	}
	return &Error{
		Kind: ErrUnfinished, Problem: fmt.Sprintf("the directory %s lets no application do some of what is needed", quote(p.Name)),
		Clicks: p.clicksToPermit(denied),
	}
}

// lacking returns the permissions that a list does not have.
func lacking(have []admin.Permission) []string {
	var names []string
	for _, one := range admin.Permissions() {
		if !slices.Contains(have, one) {
			names = append(names, string(one))
		}
	}
	return names
}
