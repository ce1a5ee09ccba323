package admin

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/scimcrowd/scimcrowd/crowd/internal/console"
	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// GenericApplication is the type of applications that are no product of
// Atlassian's.
const GenericApplication = "GENERIC_APPLICATION"

// An Application is what calls Crowd with a name and password of its own.
type Application struct {
	ID   int64
	Name string
	// Type is Crowd's word for it, such as [GenericApplication] or "JIRA"; empty
	// where the server does not tell.
	Type        string
	Description string
	Active      bool
}

// Applications lists the applications whose names hold a text, or all.
//
// Resource: GET application.
func (c *Client) Applications(ctx context.Context, name string) iter.Seq2[*Application, error] {
	r := rest.Request{Op: "list applications", Method: http.MethodGet, Resource: "application", Optional: true}
	if name != "" {
		r.Params = url.Values{"name": {name}}
	}
	return pages[applicationWire, Application](ctx, c.call, r)
}

// Application returns the application of an id.
//
// Resource: GET application/{id}.
func (c *Client) Application(ctx context.Context, id int64) (*Application, error) {
	var w applicationWire
	err := c.call(ctx, rest.Request{
		Op: "read application", Name: strconv.FormatInt(id, 10),
		Method: http.MethodGet, Resource: applicationPath(id), Into: &w, Check: w.check,
	})
	if err != nil {
		return nil, err
	}
	return w.entity(), nil
}

// ApplicationNamed returns the application of a name, in any letter case; it is
// an error if there are several.
//
// Resource: GET application.
func (c *Client) ApplicationNamed(ctx context.Context, name string) (*Application, error) {
	return onlyNamed(c.Applications(ctx, ""), "find application", name, func(a *Application) string { return a.Name })
}

func applicationPath(id int64) string { return "application/" + strconv.FormatInt(id, 10) }

type applicationWire struct {
	ID          int64  `json:"id"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description"`
	Active      bool   `json:"active"`
}

func (w *applicationWire) check() error {
	if w.ID == 0 || w.Name == "" {
		return errors.New("it is no application")
	}
	return nil
}

func (w *applicationWire) entity() *Application {
	return &Application{ID: w.ID, Name: w.Name, Type: w.Type, Description: w.Description, Active: w.Active}
}

// Addresses returns the addresses, networks and host names that an application
// may call from.
//
// Resource: GET application/{id}/remote_address of appmanagement/1.
func (c *Client) Addresses(ctx context.Context, application int64) ([]string, error) {
	var list console.List[addressWire]
	err := c.manage(ctx, rest.Request{
		Op: "list addresses", Name: "of application " + strconv.FormatInt(application, 10),
		Method: http.MethodGet, Resource: addressPath(application), Into: &list,
	})
	if err != nil {
		return nil, err
	}
	addresses := make([]string, len(list))
	for i, w := range list {
		addresses[i] = w.Value
	}
	return addresses, nil
}

// AllowAddress lets an application call from an address, network or host name
// as well.
//
// Resource: POST application/{id}/remote_address of appmanagement/1.
func (c *Client) AllowAddress(ctx context.Context, application int64, address string) error {
	return c.manage(ctx, rest.Request{
		Op: "allow address", Name: address, Method: http.MethodPost, Resource: addressPath(application),
		Body: addressWire{address}, Repeat: true,
	})
}

// ForbidAddress takes an address away again. One that is not there is no error.
//
// Resource: DELETE application/{id}/remote_address of appmanagement/1.
func (c *Client) ForbidAddress(ctx context.Context, application int64, address string) error {
	return c.manage(ctx, rest.Request{
		Op: "forbid address", Name: address, Method: http.MethodDelete, Resource: addressPath(application),
		Params: url.Values{"address": {address}}, Repeat: true,
	})
}

func addressPath(application int64) string { return applicationPath(application) + "/remote_address" }

// addressWire is an address, as Atlassian's article "How to Add a Remote Address
// to an Application Through API" has it.
type addressWire struct {
	Value string `json:"value"`
}
