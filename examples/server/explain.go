package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

type explainFlags struct{ connection, user, group, resource string }

func (a *app) explainCommand() *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use:   "explain",
		Short: "Follow one user or group through the mapping rows and rules",
		Long: `Follow a user through the rows of the attribute mapping, or a SCIM group through the
rules of the group mapping, and say what each makes of it and why: of what Crowd and
the identity provider said of it last, or of a SCIM resource in a JSON file, whether or
not anybody has sent it.`,
		Example: `  server explain --config config.json --connection okta --user ada.quill
  server explain --config config.json --connection okta --group Engineering
  server explain --config config.json --connection okta --resource user.json`,
		RunE: func(c *cobra.Command, _ []string) error { return a.explain(c.Context(), f) },
	}
	c.Flags().StringVar(&f.connection, "connection", "", "the `NAME` of the connection (default: the only one)")
	c.Flags().StringVar(&f.user, "user", "", "the `USERNAME` of a user in Crowd")
	c.Flags().StringVar(&f.group, "group", "", "the display `NAME` of a SCIM group")
	c.Flags().StringVar(&f.resource, "resource", "", "the JSON `FILE` of a SCIM user or group, - for standard input")
	return c
}

// explained is what explain says.
type explained struct {
	Attributes  *mapping.Trace          `json:"attributes,omitempty"`
	Groups      *mapping.Trace          `json:"groups,omitempty"`
	Memberships []groupsync.Explanation `json:"memberships,omitempty"`
}

func (x explained) text(w io.Writer) {
	for _, t := range []*mapping.Trace{x.Attributes, x.Groups} {
		if t != nil {
			fmt.Fprintln(w, strings.TrimRight(t.String(), "\n"))
		}
	}
	for _, m := range x.Memberships {
		fmt.Fprintln(w, m)
	}
}

func (a *app) explain(ctx context.Context, f explainFlags) error {
	given := 0
	for _, text := range []string{f.user, f.group, f.resource} {
		if text != "" {
			given++
		}
	}
	if given != 1 {
		return usage("give one of --user, --group and --resource")
	}
	s, err := a.site(ctx, f.connection, a.buildOptions())
	if err != nil {
		return err
	}
	var x explained
	switch {
	case f.user != "":
		x, err = s.explainUser(ctx, f.user)
	case f.group != "":
		var g *groupsync.Group
		if g, err = s.Engine.GroupByName(ctx, f.group); err == nil {
			x = s.explainGroup(scimGroup(g))
		}
	default:
		x, err = a.explainResource(s, f.resource)
	}
	if err != nil {
		return err
	}
	return a.tell(x, x.text)
}

// explainUser explains a user by what the identity provider said of it last, or
// where nothing of that is kept, by what Crowd holds.
func (s *site) explainUser(ctx context.Context, name string) (x explained, err error) {
	u, err := s.Engine.UserByName(ctx, name)
	if err != nil {
		return x, err
	}
	var resource map[string]any
	if u.Data != nil {
		if err := json.Unmarshal(u.Data, &resource); err != nil {
			return x, fmt.Errorf("what is kept of %s cannot be read: %w", name, err)
		}
	}
	trace := s.Attributes.Explain(s.Attributes.ToSCIM(fields(u), resource))
	x.Attributes = &trace
	for m, err := range s.Engine.Why(ctx, groupsync.WhyQuery{User: name}) {
		if err != nil {
			return x, err
		}
		x.Memberships = append(x.Memberships, m)
	}
	return x, nil
}

func fields(u *groupsync.User) mapping.Fields {
	c := u.Crowd
	f := mapping.Fields{
		Username: &c.Name, Email: &c.Email, FirstName: &c.FirstName, LastName: &c.LastName, DisplayName: &c.DisplayName, Active: &c.Active,
		Custom: map[string][]string{},
	}
	for name, values := range c.Attributes {
		if !strings.HasPrefix(name, "scim.") {
			f.Custom[name] = values
		}
	}
	return f
}

func (s *site) explainGroup(g mapping.SCIMGroup) explained {
	trace := s.Running.Groups.Explain(g)
	return explained{Groups: &trace}
}

// explainResource explains what a file holds: a group where its schemas say so or it
// has a display name and no user name, else a user.
func (a *app) explainResource(s *site, path string) (x explained, err error) {
	data, err := a.input(path)
	if err != nil {
		return x, err
	}
	var resource map[string]any
	if err := json.Unmarshal(data, &resource); err != nil {
		return x, fmt.Errorf("%s is not the JSON of a SCIM resource: %w", path, err)
	}
	name, _ := resource["displayName"].(string)
	if _, user := resource["userName"]; !user && name != "" {
		id, _ := resource["id"].(string)
		externalID, _ := resource["externalId"].(string)
		return s.explainGroup(mapping.SCIMGroup{ID: id, Name: name, ExternalID: externalID}), nil
	}
	trace := s.Attributes.Explain(resource)
	x.Attributes = &trace
	return x, nil
}
