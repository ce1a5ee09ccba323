package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A seenGroup is a SCIM group and what it fills.
type seenGroup struct {
	Connection string           `json:"connection"`
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	ExternalID string           `json:"externalId,omitempty"`
	Adopted    bool             `json:"adopted"`
	Targets    []mapping.Target `json:"targets"`
}

func (a *app) groupsCommand() *cobra.Command {
	var name string
	var unmapped bool
	c := &cobra.Command{
		Use:   "groups",
		Short: "List the SCIM groups seen, and the Crowd groups that they fill",
		Long: `List the SCIM groups of a connection, and the Crowd groups that each fills. A group that
no identity provider has written to yet is one of Crowd's that could be linked. With
--unmapped only those that fill nothing are listed: what is left to write rules for.`,
		Example: `  server groups --config config.json --connection okta
  server groups --config config.json --connection okta --unmapped --json`,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := a.site(c.Context(), name, a.buildOptions())
			if err != nil {
				return err
			}
			all, err := s.Engine.Groups(c.Context())
			if err != nil {
				return err
			}
			seen := []seenGroup{}
			for _, g := range all {
				targets := append([]mapping.Target{}, s.Running.Groups.Targets(scimGroup(&g))...)
				if !unmapped || len(targets) == 0 {
					seen = append(seen, seenGroup{s.Running.Name, g.ID, g.Name, g.ExternalID, g.Adopted, targets})
				}
			}
			return a.tell(seen, func(w io.Writer) { tellGroups(w, seen) })
		},
	}
	c.Flags().StringVar(&name, "connection", "", "the `NAME` of the connection (default: the only one)")
	c.Flags().BoolVar(&unmapped, "unmapped", false, "list only those that fill no Crowd group")
	return c
}

func scimGroup(g *groupsync.Group) mapping.SCIMGroup {
	return mapping.SCIMGroup{ID: g.ID, Name: g.Name, ExternalID: g.ExternalID}
}

func tellGroups(w io.Writer, all []seenGroup) {
	rows := [][]string{{"SCIM GROUP", "SEEN AT THE IDENTITY PROVIDER", "FILLS"}}
	for _, g := range all {
		seen := "not yet"
		if g.Adopted {
			seen = "yes"
		}
		var fills []string
		for _, t := range g.Targets {
			fills = append(fills, fmt.Sprintf("%s (%s)", t.Group, t.Rule))
		}
		if fills == nil {
			fills = []string{"nothing"}
		}
		rows = append(rows, []string{fmt.Sprintf("%q", g.Name), seen, strings.Join(fills, ", ")})
	}
	table(w, rows)
}
