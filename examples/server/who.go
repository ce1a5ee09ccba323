package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

func (a *app) whoCommand() *cobra.Command {
	var name string
	var q groupsync.WhyQuery
	c := &cobra.Command{
		Use:   "who",
		Short: "Say why a user is in a group",
		Long: `Say why a user is in a Crowd group: by which grants of which connection, since when and
by which request; as a default; or because somebody put it there by hand. Without
--group that is said of all groups of the user, with --json in a line for each. A user
in no way in the group has no reasons.`,
		Example: `  server who --config config.json --connection okta --user ada.quill --group jira-developers`,
		RunE: func(c *cobra.Command, _ []string) error {
			if q.User == "" {
				return usage("--user USERNAME is required")
			}
			s, err := a.site(c.Context(), name, a.buildOptions())
			if err != nil {
				return err
			}
			for x, err := range s.Engine.Why(c.Context(), q) {
				if err != nil {
					return err
				}
				x.Reasons = asked(x)
				if err := a.tell(x, func(w io.Writer) { fmt.Fprintln(w, why(x)) }); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&name, "connection", "", "the `NAME` of the connection (default: the only one)")
	c.Flags().StringVar(&q.User, "user", "", "the `USERNAME` in Crowd (required)")
	c.Flags().StringVar(&q.Group, "group", "", "the `GROUP` in Crowd (default: all of the user's)")
	return c
}

// asked returns the reasons for which a user is in a group. Where it is not, and
// nobody asks for it, there are none: what would leave a membership alone is no
// reason for one.
func asked(x groupsync.Explanation) []groupsync.Ground {
	reasons := slices.DeleteFunc(slices.Clone(x.Reasons), func(g groupsync.Ground) bool {
		return !x.Member && g.Kind != mapping.ReasonGrant && g.Kind != mapping.ReasonDefault
	})
	if reasons == nil {
		reasons = []groupsync.Ground{}
	}
	return reasons
}

func why(x groupsync.Explanation) string {
	if len(x.Reasons) == 0 {
		return fmt.Sprintf("%s is not in %s, and nothing asks for it", x.User, x.Group)
	}
	return x.String()
}
