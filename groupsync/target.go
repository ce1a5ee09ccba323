package groupsync

import (
	"slices"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// quarantine is how long a membership whose last grant is gone stays ours to
// remove, at least: longer than any request may live, clock skew included.
const quarantine = 10 * time.Minute

// targets returns the Crowd groups that a SCIM group fills, none if it is not
// live.
func (e *Engine) targets(b *Book, groupID string) []mapping.Target {
	n := b.live(groupID)
	if n == nil {
		return nil
	}
	b.mu.Lock()
	known, met := b.targets[groupID]
	b.mu.Unlock()
	if met {
		return known
	}
	targets := slices.Clip(e.targetsAs(b, n.scimGroup())) // shared: an append makes a copy
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.targets == nil {
		b.targets = map[string][]mapping.Target{}
	}
	b.targets[groupID] = targets
	return targets
}

// targetsAs is targets for a group as it is about to be.
func (e *Engine) targetsAs(b *Book, g mapping.SCIMGroup) []mapping.Target {
	targets := e.groups.Targets(g)
	if !e.cfg.FlattenGroups {
		return targets
	}
	for _, id := range b.ancestors(g.ID) {
		targets = append(targets, e.groups.Targets(b.live(id).scimGroup())...)
	}
	return onceEach(targets)
}

// derive decides what a user's membership in a target should be.
func (e *Engine) derive(b *Book, u *User, h Holdings, t mapping.Target) (mapping.Action, []mapping.Reason) {
	edge := mapping.Edge{
		Target: t.Group, Keep: t.KeepExisting,
		Default:    e.isDefault(u, t.Group) && !u.gone || e.foreignDefault(u, t.Group),
		AddOnly:    t.ProtectedAdd || e.groups.Protected(t.Group),
		Provenance: provenance(b, h, t.Group),
		Grants:     e.foreignGrants(b, u, t.Group),
	}
	if u.gone { // for this connection, not for its neighbours
		edge.Gone = len(edge.Grants) == 0 && !edge.Default
		return mapping.Derive(edge)
	}
	for _, id := range h.Grants {
		for _, other := range e.targets(b, id) {
			if crowd.Fold(other.Group) == crowd.Fold(t.Group) {
				edge.Grants = append(edge.Grants, mapping.Grant{Group: b.live(id).scimGroup(), Live: true, Rule: other.Rule})
			}
		}
	}
	return mapping.Derive(edge)
}

// isDefault reports whether the target is a default group of all users that the
// connection owns.
func (e *Engine) isDefault(u *User, target string) bool {
	if u.Owner != e.connection {
		return false
	}
	return containsFolded(e.groups.DefaultForAllUsers(), target)
}

func provenance(b *Book, h Holdings, target string) mapping.Provenance {
	o, at := h.Origin(target)
	switch o {
	case Made:
		return mapping.Made
	case Found:
		return mapping.Found
	case Left:
		if b.reconciled().Before(at.Add(quarantine)) {
			return mapping.LeftOpen
		}
		return mapping.LeftClosed
	default:
		return mapping.Absent
	}
}

// touched returns the targets that changes concern.
func (e *Engine) touched(b *Book, u *User, changes []grantChange) []mapping.Target {
	all := e.targetsOfAll(b, changes)
	for _, g := range e.groups.DefaultForAllUsers() {
		if o, _ := u.holdings.Origin(g); o == Unknown && e.isDefault(u, g) {
			all = append(all, e.bare(g))
		}
	}
	return all
}

// bare returns a Crowd group as a target that no SCIM group need fill.
func (e *Engine) bare(group string) mapping.Target {
	return mapping.Target{Group: group, KeepExisting: e.groups.Keeps(group)}
}

// byName reports whether a SCIM group fills a target for having its name, so that
// the Crowd group comes and goes with it.
func (e *Engine) byName(t mapping.Target) bool {
	return t.Create || e.groups.Mode() == mapping.OnTheFlyMapping
}

// onceEach returns the targets without those named before; all stays as it is.
func onceEach(all []mapping.Target) []mapping.Target {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(all), func(t mapping.Target) bool {
		f := crowd.Fold(t.Group)
		again := seen[f]
		seen[f] = true
		return again
	})
}

// mustLookAtBook reports whether the second look must see the book again. A
// Crowd group that the connection made vanishes with the SCIM group, which the
// next write notices; others stay.
func (e *Engine) mustLookAtBook(b *Book, changes []grantChange) bool {
	return slices.ContainsFunc(changes, func(c grantChange) bool {
		n := b.live(c.groupID)
		return n != nil && !n.made && len(e.targets(b, c.groupID)) > 0
	})
}

// targetsOfAll returns the targets of the SCIM groups that changes speak of.
func (e *Engine) targetsOfAll(b *Book, changes []grantChange) []mapping.Target {
	var all []mapping.Target
	for _, c := range changes {
		all = append(all, e.targets(b, c.groupID)...)
	}
	return all
}

// without returns the targets that are not among others, each once.
func without(targets, others []mapping.Target) []mapping.Target {
	return slices.DeleteFunc(onceEach(targets), func(t mapping.Target) bool {
		return hasTarget(others, t.Group)
	})
}

// hasTarget reports whether a Crowd group is among targets.
func hasTarget(all []mapping.Target, group string) bool {
	for _, t := range all {
		if crowd.Fold(t.Group) == crowd.Fold(group) {
			return true
		}
	}
	return false
}

// sameTargets reports whether two lists hold the same Crowd groups.
func sameTargets(x, y []mapping.Target) bool {
	if len(x) != len(y) {
		return false
	}
	for _, t := range x {
		if !hasTarget(y, t.Group) {
			return false
		}
	}
	return true
}
