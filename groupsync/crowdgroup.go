package groupsync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// Creating a group of a given name is the one thing that Crowd lets only one of
// several win. So on the fly the Crowd group is created first, with a mark in
// its description that names the SCIM group, and recorded then.

const busyFor = 2 * time.Second

// description returns the description of a Crowd group made for a SCIM group.
func (e *Engine) description(id string) string {
	return fmt.Sprintf("Provisioned over SCIM by %s [%s]", e.connection, hash(id))
}

// markIn returns the hash of the id that a description marks, for this
// connection; "" where there is none.
func (e *Engine) markIn(description string) string {
	rest, found := strings.CutPrefix(description, fmt.Sprintf("Provisioned over SCIM by %s [", e.connection))
	mark, tail, closed := strings.Cut(rest, "]")
	if !found || !closed || tail != "" {
		return ""
	}
	return mark
}

// A claim is the outcome of taking a name in Crowd.
type claim struct {
	name string // the Crowd group, as spelled there
	made bool   // this connection created it for the id
}

// claim takes a Crowd group for a SCIM group: creates it, or finds it there, made
// for the same id before or made by others.
func (e *Engine) claim(ctx context.Context, b *Book, id string, t mapping.Target) (claim, error) {
	if g := b.crowdGroup(t.Group); g != nil {
		return e.claimed(b, id, g)
	}
	if !t.Create {
		return claim{name: t.Group}, nil
	}
	g, err := e.crowd.CreateGroup(ctx, crowd.Group{Name: t.Group, Description: e.description(id), Active: true})
	if errors.Is(err, crowd.ErrExists) && g != nil {
		return e.claimed(b, id, g)
	}
	if err != nil {
		return claim{}, err
	}
	return claim{name: g.Name, made: true}, nil
}

// claimed judges a Crowd group that is there already.
func (e *Engine) claimed(b *Book, id string, g *crowd.Group) (claim, error) {
	mark := e.markIn(g.Description)
	if mark == "" {
		return claim{name: g.Name}, nil
	}
	if mark == hash(id) {
		return claim{name: g.Name, made: true}, nil
	}
	n := b.entries[mark]
	if n != nil && n.live() && hasTarget(e.targets(b, n.id), g.Name) {
		return claim{name: g.Name}, nil // another SCIM group made it and fills it still
	}
	return claim{}, &BusyError{Name: g.Name, RetryAfter: busyFor, mark: mark}
}

// endStale ends the deletion or the rename of the SCIM group that keeps a name
// busy, if whoever began it has given up, and reports whether it has. Exclusive
// groups are left to a reconcile: a deletion that is still under way would take the
// members of the next one with it.
func (e *Engine) endStale(ctx context.Context, busy *BusyError) (bool, error) {
	b, err := e.books(ctx)
	if err != nil {
		return false, err
	}
	n := b.entries[busy.mark]
	if n == nil || e.now().Sub(n.modified) < longestRequest || e.groups.Exclusive() || e.cfg.DryRun {
		return false, nil
	}
	if n.live() {
		return true, e.deriveNames(ctx, n.id, n.name)
	}
	holders, err := e.holders(ctx, n.id)
	if err != nil {
		return false, err
	}
	return true, e.finishDead(ctx, n.id, n.name, holders, true)
}

// ensureCrowdGroup makes a Crowd group anew that a live SCIM group fills and that
// vanished, with its id.
func (e *Engine) ensureCrowdGroup(ctx context.Context, b *Book, id string, t mapping.Target) error {
	c, err := e.claim(ctx, b, id, t)
	if err != nil {
		return err
	}
	return e.writeID(ctx, c.name, id)
}

// writeID writes the id of a SCIM group to its Crowd group. A group that has
// vanished is left to the next look.
func (e *Engine) writeID(ctx context.Context, group, id string) error {
	err := e.crowd.SetGroupAttributes(ctx, group, crowd.Attributes{e.names.id: {id}})
	if errors.Is(err, crowd.ErrGroupNotFound) {
		return nil
	}
	return err
}

// idOn returns the id that a Crowd group carries.
func (e *Engine) idOn(g *crowd.Group) string {
	if id := g.Attributes.First(e.names.id); id != none {
		return id
	}
	return ""
}

// deletable reports whether a Crowd group goes with the last SCIM group that
// fills it, provided that nobody else is in it.
func (e *Engine) deletable(g *crowd.Group) bool {
	return g != nil && e.markIn(g.Description) != "" && !e.cfg.KeepEmptyGroups
}

func (e *Engine) deleteCrowdGroup(ctx context.Context, name string) error {
	err := e.crowd.DeleteGroup(ctx, name)
	if errors.Is(err, crowd.ErrGroupNotFound) {
		return nil
	}
	return err
}

// strip makes a Crowd group one by others: without our mark and our id.
func (e *Engine) strip(ctx context.Context, g *crowd.Group) error {
	if e.markIn(g.Description) != "" {
		bare := *g
		bare.Description = ""
		err := e.crowd.UpdateGroup(ctx, bare)
		if err != nil && !errors.Is(err, crowd.ErrGroupNotFound) {
			return err
		}
	}
	if e.idOn(g) == "" {
		return nil
	}
	return e.writeID(ctx, g.Name, none)
}
