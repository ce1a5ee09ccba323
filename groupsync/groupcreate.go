package groupsync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// NewGroup is a SCIM group to be created.
type NewGroup struct {
	// Name is the display name. Required.
	Name string
	// ExternalID is the identity provider's own id, if it says one.
	ExternalID string
	// Members are the ids of the users in it.
	Members []string
}

// errAgain says that what was read has changed since.
var errAgain = errors.New("groupsync: changed meanwhile")

// CreateGroup creates a SCIM group and, on the fly, the Crowd group of its name,
// or links the one that is there. A *[ConflictError] says that the connection
// has a group of that name; a *[BusyError] that another is just giving it up.
func (e *Engine) CreateGroup(ctx context.Context, g NewGroup) (*Group, error) {
	if err := e.checkGroupName(g.Name); err != nil {
		return nil, err
	}
	ended := false
	for {
		made, err := e.createGroup(ctx, g)
		if errors.Is(err, errAgain) && ctx.Err() == nil {
			continue
		}
		if busy, ok := errors.AsType[*BusyError](err); ok && !ended {
			if ended, err = e.endStale(ctx, busy); err == nil && ended {
				continue
			} else if err == nil {
				err = busy
			}
		}
		return made, err
	}
}

// checkGroupName refuses names that no SCIM group may have.
func (e *Engine) checkGroupName(name string) error {
	if err := crowd.ValidateName(name); err != nil {
		return &RefusedError{
			Attribute: "displayName", Problem: fmt.Sprintf("Crowd does not accept the name %q", name),
			Remedy: "Use 1 to 255 characters without leading or trailing blanks", Err: err,
		}
	}
	if e.hidden(name) {
		return &ProtectedError{Kind: "group", Name: name, Setting: "groups.protected"}
	}
	return nil
}

func (e *Engine) createGroup(ctx context.Context, g NewGroup) (*Group, error) {
	b, err := e.book(ctx, "", e.crowdNames(g)...)
	if err != nil {
		return nil, err
	}
	id, now := b.next(g.Name), e.now().UTC()
	made := &Group{ID: id, Name: g.Name, ExternalID: g.ExternalID, Created: now, Modified: now, Adopted: true}
	if owner := b.owner(g.Name); owner != "" {
		return e.createAgain(ctx, b, owner, g)
	}
	if err := e.collision(b, mapping.SCIMGroup{ID: id, Name: g.Name, ExternalID: g.ExternalID}); err != nil {
		return nil, err
	}
	if err := e.apply(ctx, e.planCreateGroup(b, id, g, now)); err != nil {
		return nil, unwrapStep(err)
	}
	if len(g.Members) > 0 && !e.cfg.DryRun {
		if err := e.addMembers(ctx, made.ID, g.Members); err != nil {
			return made, err
		}
	}
	if e.groups.Exclusive() && !e.cfg.DryRun {
		return e.Group(ctx, made.ID)
	}
	return made, nil
}

// collision returns a *[ConflictError] where the settings refuse that two SCIM
// groups fill one Crowd group for having its name.
func (e *Engine) collision(b *Book, g mapping.SCIMGroup) error {
	var others []mapping.SCIMGroup
	for _, n := range b.all() {
		others = append(others, n.scimGroup())
	}
	c, refused, _ := e.groups.Collision(g, others)
	if !refused {
		return nil
	}
	return &ConflictError{
		Kind: "group", Name: g.Name, Problem: fmt.Sprintf("it would fill the Crowd group %q, as the group %q does", c.Group, c.First.Name),
		Remedy: `Rename one of the two, or set groups.onTheFly.collisions to "union"`,
	}
}

// crowdNames returns the names of the Crowd groups that a new SCIM group would
// fill.
func (e *Engine) crowdNames(g NewGroup) []string {
	var names []string
	for _, t := range e.groups.Targets(mapping.SCIMGroup{Name: g.Name, ExternalID: g.ExternalID}) {
		names = append(names, t.Group)
	}
	if !slices.ContainsFunc(names, func(s string) bool { return crowd.Fold(s) == crowd.Fold(g.Name) }) {
		names = append(names, g.Name)
	}
	return names
}

// createAgain answers a create whose name a SCIM group has. One that was cut short
// is completed, its members too; of a whole one it says that the name is taken.
func (e *Engine) createAgain(ctx context.Context, b *Book, owner string, g NewGroup) (*Group, error) {
	made := e.show(b, b.live(owner))
	taken := e.completeGroup(ctx, b, owner, g)
	if _, conflict := errors.AsType[*ConflictError](taken); taken != nil && (!conflict || !e.repeatsCreate(b.live(owner), g)) {
		return nil, taken
	}
	if len(g.Members) == 0 || e.cfg.DryRun {
		return made, nil
	}
	if taken != nil {
		same, whole, err := e.compareMembers(ctx, made, g.Members)
		if !same || err != nil {
			return nil, errors.Join(taken, err)
		}
		if !whole {
			taken = nil
		}
	}
	return made, errors.Join(e.addMembers(ctx, owner, g.Members), taken)
}

func (e *Engine) addMembers(ctx context.Context, id string, members []string) error {
	_, err := e.ChangeGroup(ctx, id, GroupChange{Members: []MemberChange{{AddMembers, members}}})
	return err
}

// repeatsCreate reports whether a create says what one before it has said lately.
func (e *Engine) repeatsCreate(n *entry, g NewGroup) bool {
	return len(g.Members) > 0 && !n.renamed && n.externalID == g.ExternalID && n.createdWith == membersText(g.Members) &&
		e.now().Sub(n.created) < lately && !e.cfg.DryRun
}

// membersText returns a text that is the same for the same ids.
func membersText(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return hash(strings.Join(slices.Compact(slices.Sorted(slices.Values(ids))), "\n"))
}

// compareMembers reports whether nobody has come into a SCIM group or left it since
// it was created with those of the ids, and whether all of them are in it.
func (e *Engine) compareMembers(ctx context.Context, g *Group, ids []string) (only, all bool, err error) {
	lacking := map[string]bool{}
	for _, id := range ids {
		lacking[id] = true
	}
	n := len(lacking)
	for m, err := range e.everMembers(ctx, g) {
		if err != nil || !lacking[m] {
			return false, false, err
		}
		n--
	}
	return true, n <= 0, nil
}

// everMembers yields the ids of the users in a SCIM group, and an empty one for each
// who was taken out, where that is known.
func (e *Engine) everMembers(ctx context.Context, g *Group) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if g.Direct != nil {
			for m, err := range e.Members(ctx, g) {
				if !yield(m.ID, err) {
					return
				}
			}
			return
		}
		for c, err := range e.ledger.Edges(ctx, g.ID, 0) {
			if err != nil {
				yield("", err)
				return
			}
			u, err := e.view(ctx, c)
			if err != nil || u.gone || !u.holdings.Granted(g.ID) {
				u = &User{}
			}
			if !yield(u.ID, err) {
				return
			}
		}
	}
}

// completeGroup ends a create that a fault left half done: the group is live,
// but its Crowd group lacks the id. Of a whole one it says that the name is
// taken.
func (e *Engine) completeGroup(ctx context.Context, b *Book, owner string, g NewGroup) error {
	taken := &ConflictError{
		Kind: "group", Name: g.Name, Problem: "this connection already has a group of that name, with id " + owner,
		Remedy: "Link that group in the identity provider, or delete it first",
	}
	if !e.unfinished(b, owner) {
		return taken
	}
	again, err := e.book(ctx, owner)
	if err != nil {
		return err
	}
	if again.owner(g.Name) != owner {
		return errAgain
	}
	if err := e.deriveNames(ctx, owner, e.carriers(again, owner)...); err != nil {
		return err
	}
	if again.live(owner).renamed {
		return taken
	}
	return nil
}

func (e *Engine) planCreateGroup(b *Book, id string, g NewGroup, at time.Time) *Plan {
	p := &Plan{Title: fmt.Sprintf("create the group %q", g.Name)}
	op := OpCreateGroup
	targets := e.groups.Targets(mapping.SCIMGroup{ID: id, Name: g.Name, ExternalID: g.ExternalID})
	if slices.ContainsFunc(targets, func(t mapping.Target) bool { return b.crowdGroup(t.Group) != nil }) {
		op = OpLinkGroup
	}
	p.add(Step{
		Op: op, Group: g.Name, GroupID: id, Why: "the identity provider created the group",
		run: func(ctx context.Context) error { return e.issue(ctx, b, id, g, targets, at) },
	})
	return p
}

// issue takes the Crowd groups that are to be created, records the SCIM group
// and writes its id to them.
func (e *Engine) issue(ctx context.Context, b *Book, id string, g NewGroup, targets []mapping.Target, at time.Time) error {
	claims, made, err := e.claimAll(ctx, b, id, targets)
	if err != nil {
		return err
	}
	if err := e.recordGroup(ctx, b, GroupFact{
		Kind: Issued, ID: id, Name: g.Name, ExternalID: g.ExternalID, Members: membersText(g.Members), Made: made,
		At: at, Request: requestID(ctx),
	}); err != nil {
		return err
	}
	for _, c := range claims {
		err := e.crowd.SetGroupAttributes(ctx, c.name, crowd.Attributes{e.names.id: {id}})
		if errors.Is(err, crowd.ErrGroupNotFound) {
			return e.deriveNames(ctx, id, g.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// claimAll claims the targets that are created on the fly.
func (e *Engine) claimAll(ctx context.Context, b *Book, id string, targets []mapping.Target) (claims []claim, made bool, err error) {
	for _, t := range targets {
		if !t.Create && b.crowdGroup(t.Group) == nil {
			continue
		}
		if !t.Create && e.groups.Mode() != mapping.OnTheFlyMapping {
			continue // a target named by a rule is never ours
		}
		c, err := e.claim(ctx, b, id, t)
		if err != nil {
			return nil, false, err
		}
		claims, made = append(claims, c), c.made
	}
	return claims, made, nil
}

// adopt records a Crowd group as a SCIM group at the first write to it.
func (e *Engine) adopt(ctx context.Context, b *Book, g *Group) (*Book, error) {
	p := e.planCreateGroup(b, g.ID, NewGroup{Name: g.Name}, e.now().UTC())
	if err := e.apply(ctx, p); err != nil {
		return nil, unwrapStep(err)
	}
	if e.cfg.DryRun {
		b.Add(GroupFact{Kind: Issued, ID: g.ID, Name: g.Name, At: e.now().UTC()})
		return b, nil
	}
	return e.book(ctx, g.ID)
}

// unwrapStep takes the errors that say what the caller did wrong out of the step
// that met them.
func unwrapStep(err error) error {
	step, ok := errors.AsType[*StepError](err)
	if !ok {
		return err
	}
	if _, ok := errors.AsType[*BusyError](err); ok {
		return step.Err
	}
	if _, ok := errors.AsType[*ConflictError](err); ok {
		return step.Err
	}
	return err
}
