package groupsync

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Counts returns how many users and groups each action takes in, by kind and
// action, such as "create user".
func (i *Import) Counts() map[string]int {
	counts := map[string]int{}
	for _, o := range i.Outcomes {
		counts[string(o.Action)+" "+o.Kind]++
	}
	return counts
}

// WriteTable writes the import for people to read: a line for each user and group
// that anything is done with, or that is passed over, with the reason, and behind it
// the steps. Before [Engine.ApplyImport] it is a preview, after it a report.
func (i *Import) WriteTable(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s: %d users, %d groups, %d as they should be\n", cell(i.Plan.Title), i.Users, i.Groups, i.Unchanged); err != nil {
		return err
	}
	if i.Early != "" {
		if _, err := fmt.Fprintf(w, "the source ended early, so that nobody counts as gone: %s\n", cell(i.Early)); err != nil {
			return err
		}
	}
	if len(i.Outcomes) > 0 {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ACTION\tKIND\tNAME\tID\tIN CROWD\tWHY\tRESULT")
		for _, o := range i.Outcomes {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", o.Action, o.kind(), cell(o.Name), cell(o.ExternalID), cell(o.Crowd), cell(o.Why), o.result())
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return i.Plan.WriteTable(w)
}

func (o ImportOutcome) kind() string {
	if o.Group != "" {
		return o.Kind + " of " + cell(o.Group)
	}
	return o.Kind
}

func (o ImportOutcome) result() string {
	switch {
	case o.Error != "":
		return cell(o.Error)
	case o.Done:
		return "done"
	}
	return "-"
}

// Table returns what [Import.WriteTable] writes.
func (i *Import) Table() string {
	var b strings.Builder
	_ = i.WriteTable(&b) // a Builder takes everything
	return b.String()
}
