package groupsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// bulkMin is the number of users beyond which they are read by pages of the
// directory, before a change and after it, instead of one by one.
const bulkMin = 1000

// walk reads all users of the directory page by page and calls f for each.
func (e *Engine) walk(ctx context.Context, f func(*User) error) error {
	return e.walkAbout(ctx, 0, f)
}

// walkAbout is walk where about so many users are expected.
func (e *Engine) walkAbout(ctx context.Context, about int, f func(*User) error) error {
	asOf := e.locks.clock.Load()
	for u, err := range e.crowd.Users(ctx, crowd.Query{Detail: crowd.WithAttributes, Ahead: pagesAhead, Expect: about}) {
		if err != nil {
			return fmt.Errorf("groupsync: list users: %w", err)
		}
		v, err := e.view(ctx, u)
		if err != nil {
			return err
		}
		v.asOf = asOf
		if err := f(v); err != nil {
			return err
		}
	}
	return nil
}

// slim returns the user without what only a change of its own fields needs, so
// that many can be kept.
func (u *User) slim() *User {
	s := *u
	s.Crowd.Attributes, s.Data, s.wanted = nil, nil, ""
	return &s
}

// many reads the users of many ids, in the order of the ids; nil for those there
// are not.
func (e *Engine) many(ctx context.Context, ids []string, about int) ([]*User, error) {
	at := make(map[string]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	users := make([]*User, len(ids))
	err := e.walkAbout(ctx, max(about, len(ids)), func(u *User) error {
		i, wanted := at[u.ID]
		if !wanted {
			return nil
		}
		if delete(at, u.ID); !u.gone {
			users[i] = u.slim()
		}
		if len(at) == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return users, err
}

// pagesAreFewer finds out whether the whole directory is few pages in comparison to
// so many users.
func (e *Engine) pagesAreFewer(ctx context.Context, users int) (bool, error) {
	const worth = 4 // users, for the page of a thousand
	if users < 2*worth {
		return false, nil
	}
	most := crowd.Query{Start: users / worth * (mostPerPage - 1), Max: 1, PageSize: 1}
	for _, err := range e.crowd.Users(ctx, most) {
		return false, err
	}
	return true, nil
}

// A crowdOf is who is in a Crowd group, by folded name.
type crowdOf map[string]bool

// crowdOf reads the direct members of a Crowd group, as one list of names.
func (e *Engine) crowdOf(ctx context.Context, group string) (crowdOf, error) {
	members := crowdOf{}
	for u, err := range e.crowd.Members(ctx, group, crowd.List{PageSize: allAtOnce}) {
		if errors.Is(err, crowd.ErrGroupNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		members[crowd.Fold(u.Name)] = true
	}
	return members, nil
}

// A bulk is the work on the grants of many users in one SCIM group: the same as
// on those of one, but that memberships are read as lists beforehand, and that
// all may be looked at again together, by pages.
type bulk struct {
	e       *Engine
	book    *Book
	groupID string
	members map[string]crowdOf // of each target, by folded name

	together bool        // the second looks are left to settle
	about    int         // how many that look may read
	met      func(*User) // told each of them
	looked   bool

	queue *queue // of changes to be made together; nil for none

	mu    sync.Mutex
	begun map[string]*edges // by the user's key
	fresh []*edges          // those of this chunk
}

// newBulk reads who is in the targets. The users must be read after that.
func (e *Engine) newBulk(ctx context.Context, b *Book, groupID string) (*bulk, error) {
	k := &bulk{e: e, book: b, groupID: groupID, members: map[string]crowdOf{}, begun: map[string]*edges{}, queue: e.queue()}
	for _, t := range e.targets(b, groupID) {
		members, err := e.crowdOf(ctx, t.Group)
		if err != nil {
			return nil, err
		}
		k.members[crowd.Fold(t.Group)] = members
	}
	return k, nil
}

// most returns how many there are in the fullest of the targets.
func (k *bulk) most() int {
	n := 0
	for _, members := range k.members {
		n = max(n, len(members))
	}
	return n
}

// step returns the step that grants or revokes.
func (k *bulk) step(g *Group, u *User, granted bool) Step {
	return k.e.memberStep(g, u, granted, func(ctx context.Context) error { return k.begin(ctx, u, granted) })
}

func (k *bulk) begin(ctx context.Context, u *User, granted bool) error {
	w := k.e.edgesOfChange(ctx, k.book, u, []grantChange{{k.groupID, granted}})
	w.members = k.members
	if !k.together || k.e.alone(ctx) && k.queue == nil {
		return w.run(ctx)
	}
	if k.queue != nil {
		w.collecting = true
		w.recorded = func(ctx context.Context) error { return k.e.afterOthers(ctx, u.Crowd.Key) }
	}
	k.mu.Lock()
	k.begun[u.Crowd.Key] = w
	k.fresh = append(k.fresh, w)
	k.mu.Unlock()
	return w.begin(ctx)
}

// settle looks again at all users whose work has begun: those who ever were
// granted the group or had it taken away are read by pages. One that differs, or
// does not show, is looked at by itself.
func (k *bulk) settle(ctx context.Context) error {
	for key, w := range k.begun {
		if !w.wrote {
			delete(k.begun, key)
		}
	}
	if len(k.begun) == 0 {
		return nil
	}
	if err := k.look(ctx); err != nil {
		return err
	}
	rest := make([]*edges, 0, len(k.begun))
	for _, w := range k.begun {
		rest = append(rest, w)
	}
	clear(k.begun)
	return k.e.each(ctx, len(rest), func(ctx context.Context, i int) error {
		rest[i].lookup = true
		err := rest[i].settle(ctx)
		if errors.Is(err, ErrNoUser) {
			return nil // deleted meanwhile
		}
		return err
	})
}

// look reads the book and the users again, and strikes off those who are settled.
func (k *bulk) look(ctx context.Context) error {
	var book *Book
	seen := map[string]*User{}
	if err := both(ctx, func(ctx context.Context) (err error) {
		book, err = k.e.books(ctx)
		return err
	}, func(ctx context.Context) error {
		return k.lookAtUsers(ctx, seen)
	}); err != nil {
		return err
	}
	for key, u := range seen {
		if k.begun[key].settled(book, u) {
			delete(k.begun, key)
		}
	}
	k.looked = true
	return nil
}

func (k *bulk) lookAtUsers(ctx context.Context, seen map[string]*User) error {
	for c, err := range k.e.ledger.Edges(ctx, k.groupID, k.about) {
		if err != nil {
			return err
		}
		u, err := k.e.view(ctx, c)
		if err != nil {
			return err
		}
		if k.met != nil {
			k.met(u)
		}
		if k.begun[c.Key] != nil {
			seen[c.Key] = u.slim()
		}
	}
	return nil
}

// settled reports whether what a user has on record, as read since, agrees with
// what was last done.
func (w *edges) settled(b *Book, u *User) bool {
	if crowd.Fold(u.Crowd.Name) != crowd.Fold(w.user.Crowd.Name) || u.gone {
		return false
	}
	for _, c := range w.changes {
		if b.live(c.groupID) == nil || u.holdings.Granted(c.groupID) != c.granted {
			return false
		}
	}
	for _, t := range onceEach(append(w.targets, w.e.targetsOfAll(b, w.changes)...)) {
		action, _ := w.e.derive(b, u, u.holdings, t)
		if last, known := w.last[crowd.Fold(t.Group)]; !known || last != action {
			return false
		}
	}
	return true
}

// applyMany applies a plan whose steps are a bulk's, and looks again also where
// one of them failed.
func (e *Engine) applyMany(ctx context.Context, p *Plan, k *bulk) error {
	if k == nil || !k.together || e.cfg.DryRun {
		return e.applyAll(ctx, p)
	}
	err := e.applyChunks(ctx, p, k)
	if _, refused := errors.AsType[*GuardError](err); refused {
		return err
	}
	if again := k.settle(ctx); err == nil {
		err = again
	}
	return err
}

// applyChunks is applyAll, with the changes of memberships made together where they
// are queued.
func (e *Engine) applyChunks(ctx context.Context, p *Plan, k *bulk) error {
	if k.queue == nil {
		return e.applyAll(ctx, p)
	}
	if err := e.check(ctx, p); err != nil {
		return err
	}
	for chunk := range slices.Chunk(p.Steps, batchChunk) {
		err := e.each(ctx, len(chunk), func(ctx context.Context, i int) error { return e.step(ctx, chunk[i]) })
		if queued := k.flush(ctx); err == nil {
			err = queued
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// flush makes the changes that the steps of a chunk have left to the queue.
func (k *bulk) flush(ctx context.Context) error {
	for _, w := range k.fresh {
		k.queue.take(w)
	}
	k.fresh = nil
	return errorOf(k.queue.flush(ctx))
}
