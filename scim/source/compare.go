package source

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// Compare yields what differs between a source and Crowd: users, their fields and
// active flags, groups and memberships that one of the two lacks. It changes nothing.
// See [groupsync.Engine.Compare]. [WriteTable] and [WriteJSON] write it.
func (i *Importer) Compare(ctx context.Context, s Source) iter.Seq2[groupsync.Difference, error] {
	return i.cfg.Engine.Compare(ctx, i.records(ctx, s), i.options())
}

// tableRows is how many rows of a table are aligned together.
const tableRows = 500

// WriteTable writes differences for people to read, a line for each, and returns how
// many there are. Columns are aligned over 500 lines at a time, so that no more are
// held. The error is the one that the differences end with, if they do.
func WriteTable(w io.Writer, all iter.Seq2[groupsync.Difference, error]) (n int, err error) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "DIFFERENCE\tUSER\tGROUP\tFIELD\tWANTED\tIN CROWD\tNOTE")
	for d, err := range all {
		if err != nil {
			_ = t.Flush() // the first error counts
			return n, err
		}
		n++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Kind, cell(d.User), cell(d.Group), cell(d.Field), cell(d.Wanted), cell(d.Crowd), cell(d.Note))
		if n%tableRows == 0 {
			if err := t.Flush(); err != nil {
				return n, err
			}
		}
	}
	return n, t.Flush()
}

// cell returns a text as it stands in a table: a dash for none, quoted where it could
// pass for something else on a terminal.
func cell(s string) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if strings.HasPrefix(s, `"`) || s == "-" || strings.TrimSpace(s) != s || strings.ContainsFunc(s, odd) {
		return strconv.Quote(s)
	}
	return cmp.Or(s, "-")
}

// WriteJSON writes differences as JSON Lines, an object for each, and returns how
// many there are. The error is the one that they end with, if they do.
func WriteJSON(w io.Writer, all iter.Seq2[groupsync.Difference, error]) (n int, err error) {
	out := bufio.NewWriter(w)
	e := json.NewEncoder(out)
	for d, err := range all {
		if err != nil {
			_ = out.Flush() // the first error counts
			return n, err
		}
		n++
		if err := e.Encode(d); err != nil {
			return n, err
		}
	}
	return n, out.Flush()
}
