package source

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// A Link is a rule by which a Crowd user whom no identity provider has on record is
// taken for one of the source.
type Link string

// The rules of [ImporterConfig].Link.
const (
	LinkUserName Link = "userName" // the names are the same
	LinkEmail    Link = "email"    // exactly one user in Crowd has the e-mail address
)

// ImporterConfig says what an [Importer] imports into. A *backup.Running has both
// what is required.
type ImporterConfig struct {
	// Engine makes the changes, Handler has schemas, mapping and settings of the same
	// connection. Required.
	Engine  *groupsync.Engine
	Handler *scim.Handler

	// Link says how users are linked whom Crowd has and nobody has on record; a user
	// whom the source's id is on record with needs no rule. Default: by userName
	// where the setting users.existing is "link", and else not at all. To give any
	// needs that setting.
	Link []Link
	// UsersOnly leaves groups alone.
	UsersOnly bool
	// Leavers deactivates those whom the source has as inactive, and, if it ended
	// whole, those whom it does not have: of the users the connection owns. Where the
	// source was asked for some users only, all others are leavers.
	Leavers bool
	// RemoveMembers takes those out of a group of the source who are not in it there.
	RemoveMembers bool

	// Rate is the greatest number of users and groups changed in a second, 0 for as
	// many as Crowd takes.
	Rate float64
	// Progress is told how far the work is: phase "read" counts records, "apply"
	// users and groups with changes. Nil means nobody.
	Progress func(groupsync.Progress)
}

// An Importer brings the users and groups of a [Source] into Crowd. It is safe for
// concurrent use.
type Importer struct {
	cfg  ImporterConfig
	pace *pace
}

// NewImporter returns an importer, or an error that says what is wrong with cfg.
func NewImporter(cfg ImporterConfig) (*Importer, error) {
	if cfg.Engine == nil || cfg.Handler == nil {
		return nil, errors.New("source: ImporterConfig.Engine and Handler are required")
	}
	links := cfg.Handler.Settings().Existing == groupsync.Link
	switch {
	case len(cfg.Link) > 0 && !links:
		return nil, errors.New(`source: ImporterConfig.Link needs the setting users.existing to be "link", which lets existing users be linked at all`)
	case cfg.Link == nil && links:
		cfg.Link = []Link{LinkUserName}
	}
	for _, l := range cfg.Link {
		if l != LinkUserName && l != LinkEmail {
			return nil, errors.New(`source: ImporterConfig.Link holds "userName" and "email" only, not "` + string(l) + `"`)
		}
	}
	if cfg.Rate < 0 {
		return nil, errors.New("source: ImporterConfig.Rate is negative")
	}
	return &Importer{cfg: cfg, pace: newPace(cfg.Rate)}, nil
}

// Plan reads the source and returns what an import would do. It changes nothing. A
// source that ends early is planned for as far as it told, which Import.Early says.
func (i *Importer) Plan(ctx context.Context, s Source) (*groupsync.Import, error) {
	return i.cfg.Engine.PlanImport(ctx, i.records(ctx, s), i.options())
}

// Apply does what a plan of [Importer.Plan] says; see [groupsync.Engine.ApplyImport].
// Approve is "", or the fingerprint of a plan that the guard refused.
func (i *Importer) Apply(ctx context.Context, plan *groupsync.Import, approve string) (groupsync.Result, error) {
	return i.cfg.Engine.ApplyImport(ctx, plan, groupsync.ImportApply{
		Approve: approve, Progress: i.cfg.Progress, Pace: i.pace.wait,
	})
}

func (i *Importer) options() groupsync.ImportOptions {
	settings := i.cfg.Handler.Settings()
	return groupsync.ImportOptions{
		NoCreate:          !*settings.Create,
		LinkByName:        slices.Contains(i.cfg.Link, LinkUserName),
		LinkByEmail:       slices.Contains(i.cfg.Link, LinkEmail),
		DeactivateLeavers: i.cfg.Leavers && *settings.Deactivate,
		RemoveMembers:     i.cfg.RemoveMembers,
		Progress:          i.cfg.Progress,
	}
}

// records turns the records of a source into those of an import.
func (i *Importer) records(ctx context.Context, s Source) iter.Seq2[groupsync.ImportRecord, error] {
	return func(yield func(groupsync.ImportRecord, error) bool) {
		for record, err := range s.Records(ctx) {
			if err != nil {
				yield(groupsync.ImportRecord{}, err)
				return
			}
			if record.Group != nil && i.cfg.UsersOnly {
				continue // to its end, which tells whether it was whole
			}
			if !yield(i.record(record), nil) {
				return
			}
		}
	}
}

func (i *Importer) record(r Record) groupsync.ImportRecord {
	if r.Group == nil {
		return groupsync.ImportRecord{User: i.cfg.Handler.ImportUser(r.User)}
	}
	g := &groupsync.ImportGroup{ExternalID: r.ID, Name: r.Group.Name}
	if r.Group.Members != nil {
		g.Members = func(yield func(groupsync.ImportMember, error) bool) {
			for m, err := range r.Group.Members {
				if !yield(groupsync.ImportMember{ExternalID: m.ID, Group: m.Group}, err) || err != nil {
					return
				}
			}
		}
	}
	return groupsync.ImportRecord{Group: g}
}

// A pace lets so many pass in a second, evenly.
type pace struct {
	every time.Duration

	mu   sync.Mutex // guards next
	next time.Time
}

func newPace(rate float64) *pace {
	if rate == 0 {
		return &pace{}
	}
	return &pace{every: time.Duration(float64(time.Second) / rate)}
}

// wait waits for its turn.
func (p *pace) wait(ctx context.Context) error {
	if p.every == 0 {
		return nil
	}
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	turn := p.next
	p.next = turn.Add(p.every)
	p.mu.Unlock()
	return sleep(ctx, turn.Sub(now))
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
