package groupsync

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A Past is what [Engine.State] once returned and was kept. *backup.Snapshot is
// one.
type Past interface {
	// Connection is whose it is, Taken when it was kept.
	Connection() string
	Taken() time.Time
	Groups() iter.Seq2[*GroupState, error]
	Users() iter.Seq2[*UserState, error]
	// User returns the user of an id, UserNamed that of a name in any case, nil if
	// there is none.
	User(id string) (*UserState, error)
	UserNamed(name string) (*UserState, error)
}

// RestoreOptions say what [Engine.PlanRestore] restores. The zero value means all
// that can be.
type RestoreOptions struct {
	// Groups names the SCIM groups to be restored, as they were called then. Others,
	// and the users' own fields, are left alone. Empty means all groups, and the
	// fields too.
	Groups []string
	// ByName finds users by name in place of id. It is for another Crowd, where
	// their ids are others. In the same one a name may have another owner by now.
	ByName bool
}

// A Restoration is how to bring back what was.
type Restoration struct {
	// Plan is what to do, to be looked at and handed to [Engine.ApplyRestore].
	Plan *Plan `json:"plan"`
	// Left is what stays as it is, and why.
	Left []LeftAlone `json:"left,omitempty"`

	users map[string]*UserState // what the steps OpUpdateUser bring back, by id of now
}

// A LeftAlone is a step that would bring something back, and is not taken.
type LeftAlone struct {
	Step Step `json:"step"`
	// Why says why not, and what an administrator can do.
	Why string `json:"why"`
}

// String returns the step and why it is not taken.
func (l LeftAlone) String() string { return l.Step.String() + ": " + l.Why }

// PlanRestore compares a past state with now and returns what would bring it back.
// It changes nothing. What was granted is granted again, what was not is revoked,
// through the same records, looks and guard as the identity provider's own word,
// so that the memberships follow; groups get their names, externalIds and inner
// groups back, deleted ones are created anew, and the fields and data of the
// connection's own users return.
//
// It leaves alone memberships by hand, made or ended since; SCIM groups that came
// since, and who is in them; users who are gone, or deleted for SCIM; and the
// active flag, since it cannot tell a mistake from a leaver. What of that stood in
// the way is told. The identity provider's next word replaces what was restored, so
// mend it there too.
func (e *Engine) PlanRestore(ctx context.Context, past Past, o RestoreOptions) (*Restoration, error) {
	if past.Connection() != e.connection {
		return nil, fmt.Errorf("groupsync: restore: what was kept is of the connection %q, not of %q", past.Connection(), e.connection)
	}
	v, err := e.survey(ctx, true, nil)
	if err != nil {
		return nil, err
	}
	r := &restoring{survey: v, past: past, options: o, then: map[string]bool{}, ids: map[string]string{}, scope: map[string]*Group{}, met: map[string]bool{}, astray: map[string]bool{}}
	r.why = "it was so at " + past.Taken().UTC().Format(time.RFC3339)
	r.Restoration = &Restoration{
		Plan:  &Plan{Title: fmt.Sprintf("restore the connection %q as of %s", e.connection, past.Taken().UTC().Format(time.RFC3339))},
		users: map[string]*UserState{},
	}
	for _, plan := range []func(context.Context) error{r.groups, r.everybody, r.missing, r.strays} {
		if err := plan(ctx); err != nil {
			return nil, err
		}
	}
	r.Plan.sort(restoreOrder)
	r.Plan.members = e.membersOfHeld(r.Plan)
	return r.Restoration, nil
}

type restoring struct {
	*survey
	*Restoration
	past    Past
	options RestoreOptions
	why     string
	then    map[string]bool   // ids of all SCIM groups of then
	ids     map[string]string // of SCIM groups now, by their ids of then
	scope   map[string]*Group // SCIM groups that are restored, by their ids of now
	fills   map[string]string // of these, by the folded Crowd groups that only they fill
	met     map[string]bool   // ids, of then, of users who are still there
	astray  map[string]bool   // ids of SCIM groups whose change a fault has cut short
}

// leave notes that a step is not taken.
func (r *Restoration) leave(s Step, why string) { r.Left = append(r.Left, LeftAlone{s, why}) }

// groups plans to bring back the SCIM groups themselves.
func (r *restoring) groups(ctx context.Context) error {
	var all []*GroupState
	for g, err := range r.past.Groups() {
		if err != nil {
			return err
		}
		r.then[g.ID] = true
		if len(r.options.Groups) == 0 || containsFolded(r.options.Groups, g.Name) {
			all = append(all, g)
		}
	}
	if err := r.named(all); err != nil {
		return err
	}
	for _, g := range all {
		r.group(g)
	}
	for _, g := range all {
		if err := r.nests(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// named refuses names of groups that there were not.
func (r *restoring) named(all []*GroupState) error {
	for _, name := range r.options.Groups {
		if !slices.ContainsFunc(all, func(g *GroupState) bool { return crowd.Fold(g.Name) == crowd.Fold(name) }) {
			return fmt.Errorf("%w: %q did not exist at %s", ErrNoGroup, name, r.past.Taken().UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// group plans for one: it is there under its id or, made anew since, under its name,
// or it is created.
func (r *restoring) group(g *GroupState) {
	n := r.book.live(g.ID)
	if n == nil {
		if id := r.book.owner(g.Name); id != "" && !r.then[id] {
			n = r.book.live(id)
		}
	}
	if n == nil {
		r.create(g)
		return
	}
	r.take(g, r.e.show(r.book, n))
	if r.e.unfinished(r.book, n.id) {
		r.astray[n.id] = true
	}
	if n.name != g.Name {
		s := Step{Op: OpRenameGroup, Group: n.name, GroupID: n.id, Changes: []Change{{"displayName", n.name, g.Name}}, Why: r.why}
		if owner := r.book.owner(g.Name); owner != "" && owner != n.id {
			r.leave(s, "another group has that name now. Rename or delete it, then restore again")
		} else {
			r.Plan.add(s)
		}
	}
	if n.externalID != g.ExternalID {
		r.Plan.add(Step{
			Op: OpUpdateGroup, Group: n.name, GroupID: n.id,
			Changes: []Change{{"externalId", n.externalID, g.ExternalID}}, Why: r.why,
		})
	}
}

func (r *restoring) take(g *GroupState, now *Group) {
	r.ids[g.ID], r.scope[now.ID] = now.ID, now
}

// create plans to create a group that was deleted. An id never comes back, so it
// gets another.
func (r *restoring) create(g *GroupState) {
	id := r.book.next(g.Name)
	s := createStep(id, g.Name, g.ExternalID, r.why)
	if r.book.owner(g.Name) != "" {
		r.leave(s, "another group has that name now. Rename or delete it, then restore again")
		return
	}
	if r.scope[id] != nil || r.e.checkGroupName(g.Name) != nil {
		r.leave(s, "another group gets that name, or the settings keep it from SCIM")
		return
	}
	r.take(g, &Group{ID: id, Name: g.Name})
	r.Plan.add(s)
}

func createStep(id, name, externalID, why string) Step {
	s := Step{Op: OpCreateGroup, Group: name, GroupID: id, Why: why}
	if externalID != "" {
		s.Changes = []Change{{"externalId", "", externalID}}
	}
	return s
}

// nests plans to bring back which groups are within a group.
func (r *restoring) nests(ctx context.Context, g *GroupState) error {
	outer := r.scope[r.ids[g.ID]]
	if outer == nil {
		return nil
	}
	want := map[string]bool{}
	for _, child := range g.Groups {
		id := cmp.Or(r.ids[child], child)
		want[id] = true
		s := Step{Op: OpAddGroup, Group: outer.Name, GroupID: outer.ID, ChildID: id, Child: r.nameOf(id), Why: r.why}
		switch {
		case s.Child == "":
			r.leave(s, "the inner group is gone. Restore it too")
		case !r.book.nested(r.book.nest(outer.ID, id)):
			r.Plan.add(s)
		default:
			parted, err := r.e.nestParted(ctx, r.book, r.book.nest(outer.ID, id))
			if err != nil {
				return err
			}
			if parted {
				r.Plan.add(s)
			}
		}
	}
	for _, m := range outer.Groups {
		if !want[m.ID] {
			r.Plan.add(Step{Op: OpRemoveGroup, Group: outer.Name, GroupID: outer.ID, ChildID: m.ID, Child: m.Name, Why: r.why})
		}
	}
	return nil
}

func (r *restoring) nameOf(id string) string {
	if g := r.scope[id]; g != nil {
		return g.Name
	}
	if n := r.book.live(id); n != nil {
		return n.name
	}
	return ""
}

// everybody plans for every user whom Crowd has.
func (r *restoring) everybody(ctx context.Context) error {
	r.fills = map[string]string{}
	for id := range r.scope {
		for _, t := range r.e.targets(r.book, id) {
			r.fills[crowd.Fold(t.Group)] = id
		}
	}
	return r.e.walk(ctx, func(u *User) error { return r.user(ctx, u) })
}

func (r *restoring) user(ctx context.Context, u *User) error {
	find, by := r.past.User, u.ID
	if r.options.ByName {
		find, by = r.past.UserNamed, u.Crowd.Name
	}
	then, err := find(by)
	if err != nil {
		return err
	}
	if then == nil {
		then = &UserState{}
	} else {
		r.met[then.ID] = true
	}
	if u.gone {
		r.leaveAll(then, u.Crowd.Name, "the user is deleted for the identity provider. Assign it there again, then restore again")
		return nil
	}
	if err := r.grants(ctx, u, then); err != nil {
		return err
	}
	if then.ID != "" && len(r.options.Groups) == 0 {
		r.fields(u, then)
	}
	return nil
}

// leaveAll notes that a user's grants do not come back.
func (r *restoring) leaveAll(then *UserState, name, why string) {
	for _, g := range then.Grants {
		if id := r.ids[g.Group]; id != "" && !then.Deleted {
			r.leave(Step{Op: OpGrant, User: name, UserID: then.ID, Group: r.scope[id].Name, GroupID: id}, why)
		}
	}
}

// grants plans to bring back what a user held, and what a fault has left half done
// of that.
func (r *restoring) grants(ctx context.Context, u *User, then *UserState) error {
	want, held := map[string]bool{}, map[string]bool{}
	for _, g := range then.Grants {
		if id := r.ids[g.Group]; id != "" && !then.Deleted {
			want[id] = true
		}
	}
	in := r.roster.of(u.Crowd.Name)
	for _, g := range r.survey.grants(u, in) {
		if r.scope[g.Group] != nil {
			held[g.Group] = true
		}
	}
	for _, id := range r.leftovers(u, in) {
		switch {
		case id == "":
			r.moved(slices.Collect(maps.Keys(held)))
		case !want[id]:
			held[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if !held[id] || r.outside(u, id, in) {
			if err := r.grant(ctx, u, id, true); err != nil {
				return err
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(held)) {
		if !want[id] {
			if err := r.grant(ctx, u, id, false); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *restoring) grant(ctx context.Context, u *User, id string, granted bool) error {
	s, err := r.e.wordStep(ctx, u, r.scope[id], granted, r.why)
	if err == nil {
		r.Plan.add(s)
	}
	return err
}

// wordStep returns the step that grants or revokes, with the last word that it
// replaces.
func (e *Engine) wordStep(ctx context.Context, u *User, g *Group, granted bool, why string) (Step, error) {
	f, known, err := e.lastWord(ctx, u, g.ID)
	if err != nil {
		return Step{}, err
	}
	s := Step{Op: OpRevoke, User: u.Crowd.Name, UserID: u.ID, Group: g.Name, GroupID: g.ID, Why: why}
	after := stateRevoked
	if granted {
		s.Op, after = OpGrant, stateGranted
	}
	s.Changes = []Change{{"grant", word(f, known), after}}
	return s, nil
}

// outside reports whether a holder is missing in a Crowd group that the grant should
// have put it into: a fault has parted the two.
func (r *restoring) outside(u *User, id string, in []string) bool {
	return slices.ContainsFunc(r.e.targets(r.book, id), func(t mapping.Target) bool {
		op, _ := r.e.memberDrift(r.book, u, t, containsFolded(in, t.Group))
		return op == OpAddMember
	})
}

// leftovers returns the SCIM groups whose Crowd groups a user is in though the grant
// that made the membership is revoked, "" for those that none of them fills: a fault
// has parted the two.
func (r *restoring) leftovers(u *User, in []string) []string {
	var ids []string
	for _, g := range in {
		id := r.fills[crowd.Fold(g)]
		p := provenance(r.book, u.holdings, g)
		if r.e.hidden(g) || r.exact.direct[crowd.Fold(g)] != nil || p != mapping.Made && p != mapping.LeftOpen {
			continue
		}
		if op, _ := r.e.memberDrift(r.book, u, r.e.bare(g), true); op == OpRemoveMember {
			ids = append(ids, id)
		}
	}
	return ids
}

// moved notes that a holder of SCIM groups is where it was left by one that got another
// name or externalId since the past.
func (r *restoring) moved(ids []string) {
	for _, id := range ids {
		if n := r.book.live(id); n != nil && n.modified.After(r.past.Taken()) {
			r.astray[id] = true
		}
	}
}

// strays plans to end changes of groups that a fault has cut short, unless their names
// are changed back anyway.
func (r *restoring) strays(context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(r.astray)) {
		if !slices.ContainsFunc(r.Plan.Steps, func(s Step) bool {
			return s.GroupID == id && (s.Op == OpCreateGroup || s.Op == OpRenameGroup)
		}) {
			r.Plan.add(Step{
				Op: OpUpdateGroup, Group: r.nameOf(id), GroupID: id, Why: "a change of it was cut short",
				Changes: []Change{{"Crowd groups", "half changed", "as recorded"}},
			})
		}
	}
	return nil
}

// fields plans to bring back what the connection keeps of its own users, and the
// fields that Crowd holds of them.
func (r *restoring) fields(u *User, then *UserState) {
	if u.Owner != r.e.connection || then.Owner != r.e.connection || then.Deleted || then.Data == nil {
		return
	}
	s := Step{Op: OpUpdateUser, User: u.Crowd.Name, UserID: u.ID, Why: r.why}
	now := r.e.stateOf(u)
	_, said := readFields(u.wanted)
	if !bytes.Equal(now.Data, then.Data) || said.After(r.past.Taken()) { // else whoever changed them did so by hand
		s.Changes = stateChanges(now, then)
	}
	if then.Active && !u.Crowd.Active {
		r.leave(
			Step{Op: OpReactivateUser, User: u.Crowd.Name, UserID: u.ID, Changes: []Change{{"active", "false", "true"}}},
			"a restore lets nobody in. Activate the user in the identity provider")
	}
	if len(s.Changes) == 0 {
		return
	}
	if r.e.protected[crowd.Fold(u.Crowd.Name)] {
		r.leave(s, "the setting users.protected protects the user")
		return
	}
	r.users[u.ID] = then
	r.Plan.add(s)
}

// stateChanges lists what differs between two states of a user's own fields. Of data,
// which may be long and is personal, it shows a hash.
func stateChanges(now, then *UserState) []Change {
	changes := []Change{
		{"username", now.Name, then.Name},
		{"firstName", now.FirstName, then.FirstName},
		{"lastName", now.LastName, then.LastName},
		{"displayName", now.DisplayName, then.DisplayName},
		{"email", now.Email, then.Email},
		{"externalId", now.ExternalID, then.ExternalID},
		{"data", brief(now.Data), brief(then.Data)},
	}
	names := maps.Clone(now.Custom)
	maps.Copy(names, then.Custom)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		changes = append(changes, Change{name, strings.Join(now.Custom[name], ", "), strings.Join(then.Custom[name], ", ")})
	}
	return differing(changes...)
}

func brief(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	sum := sha256.Sum256(data)
	return "sha256 " + hex.EncodeToString(sum[:6])
}

// missing tells of users who were there and are not.
func (r *restoring) missing(context.Context) error {
	for then, err := range r.past.Users() {
		if err != nil {
			return err
		}
		const why = "Crowd has no such user any more. Assign it in the identity provider again, then restore again"
		switch {
		case r.met[then.ID] || then.Deleted:
		case len(r.options.Groups) == 0:
			r.leave(Step{Op: OpCreateUser, User: then.Name, UserID: then.ID}, why)
		default:
			r.leaveAll(then, then.Name, why)
		}
	}
	return nil
}
