package groupsync

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
)

// An ImportRecord is a user or a group that an identity provider was asked for:
// one of the fields is set.
type ImportRecord struct {
	User  *ImportUser
	Group *ImportGroup
}

// An ImportUser is what an identity provider says of one user.
type ImportUser struct {
	// ExternalID is the identity provider's own id of the user. Required.
	ExternalID string
	// Name is the user's name there, for reports.
	Name string
	// Profile is what a user is created with whom Crowd does not have.
	Profile Profile
	// Update returns what is wanted of a user whom Crowd has, as it is now.
	Update func(*User) (Profile, error)
	// Skip says why nothing is done for the user; nil means that something is.
	Skip error
}

// An ImportGroup is what an identity provider says of one group.
type ImportGroup struct {
	// ExternalID is the identity provider's own id of the group. Required.
	ExternalID string
	// Name is the group's display name.
	Name string
	// Members yields the members. It is gone through once, before the next record
	// is asked for. Nil means that nothing is known of them.
	Members iter.Seq2[ImportMember, error]
}

// An ImportMember is a member of an [ImportGroup].
type ImportMember struct {
	// ExternalID is the identity provider's own id of the member.
	ExternalID string
	// Group tells that it is a group.
	Group bool
}

// ImportOptions steer [Engine.PlanImport]. The zero value creates whom Crowd does
// not have, updates whom the identity provider's id is on record with, and takes
// nothing away.
type ImportOptions struct {
	// NoCreate passes over users whom Crowd does not have.
	NoCreate bool
	// LinkByName takes a user whom no connection owns, or whom this one has without
	// an id of the identity provider's, for the one of the same name there.
	LinkByName bool
	// LinkByEmail does so by the e-mail address, where exactly one user has it. It
	// is asked where no user has the name, and leads to nobody whose name is that of
	// another user of the records.
	LinkByEmail bool
	// DeactivateLeavers deactivates users of the connection's who are not active at the
	// identity provider any more, and those whom it does not have any more. The latter
	// only if the records ended whole. Without it nobody is deactivated.
	DeactivateLeavers bool
	// RemoveMembers takes those out of a group who are not in it at the identity
	// provider any more. It has no effect on a group whose members did not come
	// whole. Without it members are only added.
	RemoveMembers bool
	// Progress is told how many records have been read. Nil means nobody.
	Progress func(Progress)
}

// An ImportAction is what an import does with a user or group.
type ImportAction string

// The actions of an import.
const (
	ImportCreate     ImportAction = "create"     // Crowd does not have the user or group
	ImportLink       ImportAction = "link"       // Crowd has it, and no connection did
	ImportRevive     ImportAction = "revive"     // it was deleted, and is back
	ImportUpdate     ImportAction = "update"     // the connection has it, and it differs
	ImportDeactivate ImportAction = "deactivate" // the identity provider does not have the user any more
	ImportSkip       ImportAction = "skip"       // nothing is done; Why tells the reason
)

// An ImportOutcome is what an import does with one user or group, and what has
// come of it.
type ImportOutcome struct {
	// Kind is "user", "group" or, of one that is passed over, "member".
	Kind string `json:"kind"`
	// Name is the name at the identity provider, ExternalID its id there; of a
	// leaver, those that are on record. Group is the group of a member.
	Name       string `json:"name"`
	ExternalID string `json:"externalId,omitempty"`
	Group      string `json:"group,omitempty"`
	// Crowd is the name that Crowd has so far, where it has one.
	Crowd  string       `json:"crowd,omitempty"`
	Action ImportAction `json:"action"`
	// Why says what led to the action.
	Why string `json:"why,omitempty"`
	// Done tells that the action was taken whole, Error why it was not.
	Done  bool   `json:"done,omitempty"`
	Error string `json:"error,omitempty"`
}

// String returns the outcome in words.
func (o ImportOutcome) String() string {
	text := fmt.Sprintf("%s %s %q", o.Action, o.Kind, o.Name)
	if o.Group != "" {
		text += fmt.Sprintf(" of %q", o.Group)
	}
	if o.Why != "" {
		text += ": " + o.Why
	}
	if o.Error != "" {
		text += ": " + o.Error
	}
	return text
}

// An Import is what an import is to do.
type Import struct {
	// Plan has the steps, user by user and then group by group. It is for looking at;
	// [Engine.ApplyImport] does what it says.
	Plan *Plan `json:"plan"`
	// Outcomes are the users and groups that anything is done with, and those that
	// are passed over.
	Outcomes []ImportOutcome `json:"outcomes,omitempty"`
	// Users and Groups count what the identity provider has, Unchanged those of them
	// that are in Crowd as they should be.
	Users     int `json:"users"`
	Groups    int `json:"groups"`
	Unchanged int `json:"unchanged"`
	// Early says why the records ended before the identity provider had told all;
	// "" means that they ended whole. Nobody counts as a leaver unless they did.
	Early string `json:"early,omitempty"`

	items    []*importItem
	people   map[string]person // by externalId
	groupIDs map[string]person // the same of groups
	early    error
}

// A person is a user of the records, or a group, as far as groups need it.
type person struct {
	name string
	id   string // the SCIM id, "" for one who is yet to be created
	out  bool   // passed over, and none of the connection's
}

// EarlyError returns the error behind Early.
func (i *Import) EarlyError() error { return i.early }

// PlanImport holds what an identity provider has against Crowd and returns what an
// import is to do. It changes nothing.
//
// Users must come before groups. A user is found by the identity provider's id,
// where that is on record; else by name or e-mail, as the options allow. Whom two
// records lead to, or who leads to two users, is passed over.
//
// Records that end with an error have told of some only. What they told is planned
// for; what they did not tell is not taken for gone.
//
// Users are looked up in chunks. Of each it keeps an id and a name; the plan itself
// grows with the difference.
func (e *Engine) PlanImport(ctx context.Context, records iter.Seq2[ImportRecord, error], o ImportOptions) (*Import, error) {
	r := newImporting(e, o)
	r.handlePassed, r.handleMatch, r.handleGroup = r.passed, r.matched, r.group
	if err := r.read(ctx, records); err != nil {
		return nil, err
	}
	if err := r.nests(ctx); err != nil {
		return nil, err
	}
	if err := r.leavers(ctx); err != nil {
		return nil, err
	}
	r.arrange()
	r.Plan.members = e.membersOfHeld(r.Plan)
	r.Plan.alsoCount(e.membersOfGroups(r.Plan))
	return r.Import, nil
}

// importing is the making of an [Import].
type importing struct {
	*Import
	e       *Engine
	options ImportOptions
	meter   *meter
	chunk   []*ImportUser
	claimed map[string]string // externalIds, by the keys of Crowd users they led to
	named   map[string]bool   // folded names that users so far were planned under
	spared  map[string]bool   // folded names of Crowd users who may be meant by a record, and so have not left; true of one that a record wants as its name
	grouped map[string]bool   // folded names of the groups so far
	nested  []nestItem
	late    []*ImportUser       // whom e-mail links, until the names of all users are known
	grants  map[string]UserFact // of the group at hand, by the SCIM ids of its members

	strangers   map[string][]person // of members whose records did not come or are passed over, the Crowd users, by externalId
	wholeGroups []string            // externalIds of groups whose members came whole and replace those there are

	handlePassed func(u *ImportUser, why string) error // who is passed over
	handleMatch  func(context.Context, *ImportUser, match) error
	handleGroup  func(context.Context, *ImportGroup) error
}

func newImporting(e *Engine, o ImportOptions) *importing {
	return &importing{
		Import: &Import{
			Plan:   &Plan{Title: fmt.Sprintf("import into the connection %q", e.connection)},
			people: map[string]person{}, groupIDs: map[string]person{},
		},
		e: e, options: o, meter: newMeter("read", 0, o.Progress, e.now),
		claimed: map[string]string{}, named: map[string]bool{}, spared: map[string]bool{}, grouped: map[string]bool{},
		strangers: map[string][]person{},
	}
}

// read goes through the records. That they end early is no error of the plan's.
func (r *importing) read(ctx context.Context, records iter.Seq2[ImportRecord, error]) error {
	for record, err := range records {
		if err != nil {
			r.endEarly(err)
			break
		}
		if err := r.record(ctx, record); err != nil {
			return err
		}
	}
	if err := r.endUsers(ctx); err != nil {
		return err
	}
	return ctx.Err()
}

func (r *importing) endEarly(err error) {
	r.early, r.Early = err, err.Error()
}

func (r *importing) record(ctx context.Context, record ImportRecord) error {
	r.meter.count(1)
	switch {
	case record.User != nil && len(r.grouped) > 0:
		return fmt.Errorf("groupsync: import: the user %q comes after a group; users must come first", record.User.Name)
	case record.User != nil:
		r.Users++
		r.chunk = append(r.chunk, record.User)
		if len(r.chunk) == importChunk {
			return r.flush(ctx)
		}
	case record.Group != nil:
		r.Groups++
		if err := r.endUsers(ctx); err != nil {
			return err
		}
		return r.handleGroup(ctx, record.Group)
	}
	return nil
}

// importChunk is how many users are looked up by one search.
const importChunk = 50

// flush plans for the users that have gathered.
func (r *importing) flush(ctx context.Context) error {
	chunk := r.chunk
	r.chunk = r.chunk[:0:0]
	if len(chunk) == 0 {
		return nil
	}
	found, err := r.lookUp(ctx, chunk)
	if err != nil {
		return err
	}
	for _, u := range chunk {
		if err := r.user(ctx, u, found); err != nil {
			return err
		}
	}
	return nil
}

// endUsers plans for those who are left when the last user has come: those of the last
// chunk, and whom e-mail links. The latter are looked up again rather than kept.
func (r *importing) endUsers(ctx context.Context) error {
	if err := r.flush(ctx); err != nil {
		return err
	}
	late := r.late
	r.late = nil
	for chunk := range slices.Chunk(late, importChunk) {
		found, err := r.lookUp(ctx, chunk)
		if err != nil {
			return err
		}
		for _, u := range chunk {
			if err := r.handleMatch(ctx, u, r.unnamed(r.match(u, found))); err != nil {
				return err
			}
		}
	}
	return nil
}

// skip notes that nothing is done with a user or group.
func (r *importing) skip(o ImportOutcome, why string) {
	o.Action, o.Why = ImportSkip, why
	r.Outcomes = append(r.Outcomes, o)
}

// add takes an item into the plan; one that has nothing to do only counts.
func (r *importing) add(it *importItem, o ImportOutcome) {
	if len(it.steps) == 0 {
		r.Unchanged++
		return
	}
	it.outcome = len(r.Outcomes)
	r.Outcomes = append(r.Outcomes, o)
	r.items = append(r.items, it)
}

// arrange puts the items into the order in which they are taken: users, leavers too,
// then groups, then groups within groups.
func (r *importing) arrange() {
	rank := func(it *importItem) int {
		switch {
		case it.nest != nil:
			return 2
		case it.group != nil:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(r.items, func(x, y *importItem) int { return cmp.Compare(rank(x), rank(y)) })
	for _, it := range r.items {
		r.Plan.Steps = append(r.Plan.Steps, it.steps...)
	}
}

// An importItem is one user or group with something to do: a user, unless group or
// nest is set.
type importItem struct {
	outcome int // its place in Outcomes
	steps   []Step
	stale   []Step // those that the group does not call for any more
	user    *ImportUser
	key     string // of the Crowd user, "" for none yet
	action  ImportAction
	group   *groupItem
	nest    *nestItem
}

// fieldsName returns the Crowd name that a profile wants.
func fieldsName(p Profile) string { return deref(p.Fields.Username) }
