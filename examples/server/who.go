package main

import (
	"fmt"
	"io"

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
--group that is said of all groups of the user, with --json in a line for each.

With --json the kind of a reason is grant, default or by-hand. A user in no way in the
group has no reasons, and neither has a member for whom nobody asks any more and whom
the next reconcile takes out of the group.`,
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
				told := x
				told.Reasons = asked(x)
				if err := a.tell(told, func(w io.Writer) { fmt.Fprintln(w, why(x)) }); err != nil {
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
// reason for one. What a protected group keeps, and what is not kept where it was not
// granted, somebody put there by hand; what was granted once and is no longer has no
// reason left.
func asked(x groupsync.Explanation) []groupsync.Ground {
	reasons := []groupsync.Ground{}
	for _, g := range x.Reasons {
		switch g.Kind {
		case mapping.ReasonGrant, mapping.ReasonDefault:
			reasons = append(reasons, g)
		case mapping.ReasonByHand, mapping.ReasonProtected, mapping.ReasonNotKept:
			if x.Member {
				g.Kind = mapping.ReasonByHand
				reasons = append(reasons, g)
			}
		}
	}
	return reasons
}

// why says in words what asked tells programs, and of a member all that is known.
func why(x groupsync.Explanation) string {
	if !x.Member && len(asked(x)) == 0 {
		return fmt.Sprintf("%s is not in %s, and nothing asks for it", x.User, x.Group)
	}
	return x.String()
}
