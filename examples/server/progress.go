package main

import (
	"context"
	"crypto/rand"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// progress shows how far long work is, where standard error is a terminal.
func (a *app) progress(title string) func(groupsync.Progress) {
	file, ok := a.err.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	phase := ""
	return func(p groupsync.Progress) {
		if p.Phase != phase {
			phase = p.Phase
			total := p.Total
			if total == 0 {
				total = -1 // a spinner: it is not known
			}
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(file), progressbar.OptionSetDescription(title+": "+phase),
				progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
		}
		_ = bar.Set(p.Done)
		if p.Total > 0 && p.Done >= p.Total {
			_ = bar.Finish()
		}
	}
}

// commandRequest names what a command does in events and records, so that undo can
// take it back.
func commandRequest(ctx context.Context, command string) context.Context {
	return groupsync.WithRequestID(ctx, command+"-"+rand.Text()[:12])
}
