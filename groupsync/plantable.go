package groupsync

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// WriteTable writes the plan for people to read: its title, and a line for each
// step in aligned columns. Names hold whatever a user typed; what could pass for
// something else on a terminal is quoted.
func (p *Plan) WriteTable(w io.Writer) error {
	if _, err := fmt.Fprintln(w, cell(p.Title)); err != nil {
		return err
	}
	if len(p.Steps) == 0 {
		_, err := fmt.Fprintln(w, "nothing to do")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "#\tSTEP\tMEMBER\tGROUP\tCHANGE\tWHY")
	for i, s := range p.Steps {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", i+1, cell(string(s.Op)), cell(cmp.Or(s.User, s.Child)), cell(cmp.Or(s.Group, s.Hook)), s.changes(), s.why())
	}
	return t.Flush() // has the first error
}

// Table returns what [Plan.WriteTable] writes.
func (p *Plan) Table() string {
	var b strings.Builder
	_ = p.WriteTable(&b) // a Builder takes everything
	return b.String()
}

// cell returns a text as it stands in a table: a dash for none, in quotation marks
// where it is not plain.
func cell(s string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	switch {
	case s == "":
		return "-"
	case s == "-" || strings.HasPrefix(s, `"`) || strings.TrimSpace(s) != s || strings.ContainsFunc(s, odd):
		return strconv.Quote(s)
	}
	return s
}

// changes returns the fields that change.
func (s Step) changes() string {
	var all []string
	for _, c := range s.Changes {
		all = append(all, fmt.Sprintf("%s %q -> %q", cell(c.Field), c.Before, c.After))
	}
	if all == nil {
		return "-"
	}
	return strings.Join(all, ", ")
}

// why returns what asked for the step, and what that was derived from.
func (s Step) why() string {
	var all []string
	if s.Why != "" {
		all = append(all, cell(s.Why))
	}
	for _, r := range s.Reasons {
		all = append(all, cell(r.String()))
	}
	if all == nil {
		return "-"
	}
	return strings.Join(all, "; ")
}
