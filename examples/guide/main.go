// Command guide goes through the whole set-up of a connection, one screen of an
// administrator's guide after the other, and prints what it does:
//
//	go run ./examples/guide
//
// Crowd, Jira, Okta's directory and Okta's provisioning are stand-ins in this
// process; everything between them is what a server in production runs. After
// each screen the program looks into Crowd and Jira itself, and ends with an
// error where they hold something else than the screen promises.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "guide:", err)
		os.Exit(1)
	}
}

// A screen is one page of the guide.
type screen struct {
	title string
	show  func(*guide, context.Context) error
}

// screens are in the order in which an administrator meets them. The page beside
// this program has a section for each.
var screens = []screen{
	{"App Name, base URL and bearer token", (*guide).appName},
	{"Create Directory and Directory Type", (*guide).createDirectory},
	{"Provider and Test API Credentials", (*guide).testCredentials},
	{"Import Users", (*guide).importUsers},
	{"Users enabled and disabled", (*guide).enableAndDisable},
	{"Attribute mapping", (*guide).mapAttributes},
	{"Default groups", (*guide).defaultGroups},
	{"Manual Group Mapping", (*guide).mapManually},
	{"On-the-Fly Group Mapping", (*guide).mapOnTheFly},
	{"Default Project Lead and Default Component Lead", (*guide).handOverLeads},
	{"Backup", (*guide).backUp},
	{"Restore", (*guide).restore},
}

func run(ctx context.Context, out io.Writer) error {
	g, err := newGuide(out)
	if err != nil {
		return err
	}
	defer g.servers.close()
	for i, s := range screens {
		fmt.Fprintf(out, "\n%d. %s\n%s\n", i+1, s.title, strings.Repeat("-", len(s.title)+3))
		if err := s.show(g, ctx); err != nil {
			return fmt.Errorf("%s: %w", s.title, err)
		}
	}
	fmt.Fprintln(out, "\nThe guide is at its end, and all of it held.")
	return nil
}
