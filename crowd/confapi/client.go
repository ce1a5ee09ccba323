package confapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/internal/console"
	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// A Plugin is one that can be installed in Crowd.
type Plugin string

// The plugins. BootstrAPI is the successor of ConfAPI.
const (
	ConfAPI    Plugin = "confapi"
	BootstrAPI Plugin = "bootstrapi"
)

// A Client calls one of the plugins. It is immutable and safe for concurrent use.
type Client struct {
	call   rest.Caller
	plugin Plugin
}

// New returns a Client of a plugin that is known to be installed. It checks the
// configuration, and calls nothing.
func New(cfg admin.Config, p Plugin) (*Client, error) {
	if p != ConfAPI && p != BootstrAPI {
		return nil, errors.New("confapi: there is no plugin " + strconv.Quote(string(p)))
	}
	call, err := cfg.Connect(rest.API{Path: "rest/" + string(p) + "/1", Refusal: console.Refusal})
	if err != nil {
		return nil, err
	}
	return &Client{call: call, plugin: p}, nil
}

// Find returns a Client of the plugin that is installed, the newer first. Where
// neither is, the error matches [crowd.ErrUnsupported].
//
// Resource: GET ping.
func Find(ctx context.Context, cfg admin.Config) (*Client, error) {
	var missing error
	for _, p := range []Plugin{BootstrAPI, ConfAPI} {
		c, err := New(cfg, p)
		if err != nil {
			return nil, err
		}
		missing = c.call(ctx, rest.Request{Op: "find plugin", Name: string(p), Method: http.MethodGet, Resource: "ping", Optional: true})
		if missing == nil {
			return c, nil
		}
		if !errors.Is(missing, crowd.ErrUnsupported) {
			return nil, missing
		}
	}
	return nil, missing
}

// Plugin returns which plugin is called.
func (c *Client) Plugin() Plugin { return c.plugin }

// Directories returns all directories, in the order of their ids.
//
// Resource: GET directories.
func (c *Client) Directories(ctx context.Context) ([]*Directory, error) { return c.list(ctx, nil) }

// list lists all directories, on behalf of a call with secrets.
func (c *Client) list(ctx context.Context, secrets []string) ([]*Directory, error) {
	var list directoryList
	err := c.call(ctx, rest.Request{
		Op: "list directories", Method: http.MethodGet, Resource: "directories", Optional: true, Into: &list,
		Secrets: secrets,
	})
	return list, err
}

// Directory returns the directory of an id.
//
// Resource: GET directories/{id}, or directory/{id} of the successor, whose map of
// all directories serves where it has no such resource.
func (c *Client) Directory(ctx context.Context, id int64) (*Directory, error) {
	r := rest.Request{
		Op: "read directory", Name: strconv.FormatInt(id, 10), Method: http.MethodGet, Resource: c.resource(id), Optional: true,
	}
	d, err := c.one(ctx, r)
	if errors.Is(err, crowd.ErrUnsupported) {
		return c.listed(ctx, r, id)
	}
	return d, err
}

// listed returns the directory of an id from the list of all.
func (c *Client) listed(ctx context.Context, r rest.Request, id int64) (*Directory, error) {
	all, err := c.list(ctx, r.Secrets)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		if d.ID == id {
			return d, nil
		}
	}
	return nil, &crowd.Error{Op: r.Op, Name: r.Name, Status: http.StatusNotFound}
}

// Create creates a directory, which may do everything and is active unless d says
// otherwise. A name that is taken is an error that matches [crowd.ErrExists]. The
// call is not repeated once it may have taken effect; the error matches
// [crowd.ErrAmbiguous] then, and a look at [Client.Directories] tells.
//
// Resource: POST directories, or directory of the successor.
func (c *Client) Create(ctx context.Context, d Directory) (*Directory, error) {
	const op = "create directory"
	if err := check(op, d); err != nil {
		return nil, err
	}
	if err := c.free(ctx, op, d.Name, d.secrets()); err != nil {
		return nil, err
	}
	if d.Active == nil {
		d.Active = new(true)
	}
	if d.Permissions == nil {
		d.Permissions = AllPermissions()
	}
	r := rest.Request{
		Op: op, Name: d.Name, Method: http.MethodPost, Resource: c.collection(),
		Body: d.sent(), Secrets: d.secrets(), Optional: true,
	}
	made, err := c.one(ctx, r)
	switch {
	case errors.Is(err, crowd.ErrUnsupported) && c.plugin == BootstrAPI:
		return c.put(ctx, r, d.Name)
	case errors.Is(err, crowd.ErrIllegalArgument):
		if taken := c.free(ctx, op, d.Name, d.secrets()); errors.Is(taken, crowd.ErrExists) {
			return nil, taken // by somebody who was faster
		}
	}
	return made, err
}

// put creates or changes a directory by its name, in the map of all.
func (c *Client) put(ctx context.Context, r rest.Request, name string) (*Directory, error) {
	var list directoryList
	r.Method, r.Resource, r.Into, r.Check = http.MethodPut, "directories", &list, nil
	r.Body = map[string]any{name: r.Body}
	if err := c.call(ctx, r); err != nil {
		return nil, err
	}
	for _, d := range list {
		if crowd.Fold(d.Name) == crowd.Fold(name) {
			return d, nil
		}
	}
	return nil, &crowd.Error{Op: r.Op, Name: r.Name, Err: errors.New("the answer does not have it")}
}

// check refuses what no plugin would take.
func check(op string, d Directory) error {
	switch {
	case d.Type != Internal && d.Type != Delegating:
		err := fmt.Errorf("%w: only internal and delegating directories can be written", crowd.ErrIllegalArgument)
		return &crowd.Error{Op: op, Name: d.Name, Err: err}
	case d.Name == "":
		return &crowd.Error{Op: op, Err: fmt.Errorf("%w: the name is missing", crowd.ErrIllegalArgument)}
	}
	return nil
}

// free refuses a name that a directory has.
func (c *Client) free(ctx context.Context, op, name string, secrets []string) error {
	all, err := c.list(ctx, secrets)
	if err != nil {
		return err
	}
	for _, d := range all {
		if crowd.Fold(d.Name) == crowd.Fold(name) {
			return &crowd.Error{Op: op, Name: name, Err: crowd.ErrExists}
		}
	}
	return nil
}

// Change changes what d says of the directory of an id, and returns the whole.
//
// Resource: PUT directories/{id}, or directory/{id} of the successor.
func (c *Client) Change(ctx context.Context, id int64, d Directory) (*Directory, error) {
	r := rest.Request{
		Op: "change directory", Name: strconv.FormatInt(id, 10), Method: http.MethodPut, Resource: c.resource(id),
		Body: d.sent(), Secrets: d.secrets(), Repeat: true, Optional: true,
	}
	changed, err := c.one(ctx, r)
	if !errors.Is(err, crowd.ErrUnsupported) || c.plugin != BootstrAPI {
		return changed, err
	}
	old, err := c.listed(ctx, r, id)
	switch {
	case err != nil:
		return nil, err
	case d.Name != "" && d.Name != old.Name:
		return nil, &crowd.Error{Op: r.Op, Name: old.Name, Err: fmt.Errorf("%w: a renaming", crowd.ErrUnsupported)}
	}
	return c.put(ctx, r, old.Name)
}

// Delete deletes a directory with all users and groups in it. The last one cannot
// be deleted, nor one that is just being synchronised, whose error matches
// [crowd.ErrBusy]. One that is not there is no error.
//
// Resource: DELETE directories/{id}, or directory/{id} of the successor.
func (c *Client) Delete(ctx context.Context, id int64) error {
	err := c.call(ctx, rest.Request{
		Op: "delete directory", Name: strconv.FormatInt(id, 10), Method: http.MethodDelete, Resource: c.resource(id), Repeat: true, Optional: true,
	})
	if errors.Is(err, crowd.ErrNotFound) {
		return nil
	}
	return err
}

// one makes a call whose answer is one directory.
func (c *Client) one(ctx context.Context, r rest.Request) (*Directory, error) {
	var w directoryWire
	r.Into = &w
	r.Check = func() error {
		if w.ID == 0 || w.Name == "" {
			return errors.New("it is no directory")
		}
		return nil
	}
	if err := c.call(ctx, r); err != nil {
		return nil, err
	}
	return w.entity(), nil
}

func (c *Client) collection() string {
	if c.plugin == BootstrAPI {
		return "directory"
	}
	return "directories"
}

func (c *Client) resource(id int64) string { return c.collection() + "/" + strconv.FormatInt(id, 10) }

// directoryList reads a list of directories, or a map by their names.
type directoryList []*Directory

// UnmarshalJSON implements [json.Unmarshaler].
func (l *directoryList) UnmarshalJSON(b []byte) error {
	*l = directoryList{}
	var list console.List[directoryWire]
	if err := json.Unmarshal(b, &list); err == nil {
		for i := range list {
			*l = append(*l, list[i].entity())
		}
		return l.finish()
	}
	byName := map[string]*directoryWire{}
	if err := json.Unmarshal(b, &byName); err != nil {
		return err
	}
	for name, w := range byName {
		if w == nil {
			return errors.New("a directory is null")
		}
		d := w.entity()
		d.Name = cmp.Or(d.Name, name)
		*l = append(*l, d)
	}
	return l.finish()
}

// finish sorts the list, and refuses what is no directory.
func (l *directoryList) finish() error {
	slices.SortFunc(*l, func(a, b *Directory) int { return cmp.Compare(a.ID, b.ID) })
	for _, d := range *l {
		if d.Name == "" {
			return errors.New("a directory has no name")
		}
	}
	return nil
}
