package mapping

import (
	"iter"
	"slices"
	"strings"
)

// UserState is what decides about all memberships of one user.
type UserState struct {
	Name   string
	Ours   bool // the connection owns or linked the user, so that default groups for all users are for it
	Gone   bool // the user is deleted for SCIM
	Grants []Grant

	// Provenance is what is on record of the user's memberships, by folded name of the Crowd group.
	Provenance map[string]Provenance

	// Memberships are Crowd groups the user is a direct member of. They matter only where memberships that others
	// made are not kept; nil where that is not known. Of a user who is not Ours and has no grants, of whom the
	// connection knows nothing, only those in groups count that a rule names and
	// fills without keeping existing users.
	Memberships []string
}

// Decision is what is to be done about one membership.
type Decision struct {
	User    string   `json:"user"`
	Target  Target   `json:"target"`
	Action  Action   `json:"action"`
	Reasons []Reason `json:"reasons"`
}

// DeriveUsers derives all memberships of each user, as [Derive] does one: those of groups that grants fill, of
// default groups, of groups that are on record, and of those the user is in. Users are read one at a time and
// nothing of them is kept; what is kept are the targets of the SCIM groups met. Decisions come user by user, within
// each by folded name of the target. After an error the sequence ends.
func (m *GroupMap) DeriveUsers(users iter.Seq2[UserState, error]) iter.Seq2[Decision, error] {
	return func(yield func(Decision, error) bool) {
		d := m.deriver()
		for u, err := range users {
			if err != nil {
				yield(Decision{}, err)
				return
			}
			for _, decision := range d.derive(u) {
				if !yield(decision, nil) {
					return
				}
			}
		}
	}
}

// DeriveUser derives all memberships of one user, as [GroupMap.DeriveUsers] does.
func (m *GroupMap) DeriveUser(u UserState) []Decision { return m.deriver().derive(u) }

// A deriver keeps what is the same for many users, and room to work in.
type deriver struct {
	m         *GroupMap
	defaults  []foldedTarget
	targets   map[SCIMGroup][]foldedTarget
	edges     []edge
	index     map[string]int // of edges, by folded target
	decisions []Decision
}

type foldedTarget struct {
	Target
	folded string
}

// An edge is an Edge in the making.
type edge struct {
	Edge
	foldedTarget
}

// mostTargets bounds the SCIM groups whose targets are remembered.
const mostTargets = 100_000

func (m *GroupMap) deriver() *deriver {
	d := &deriver{m: m, targets: make(map[SCIMGroup][]foldedTarget), index: make(map[string]int)}
	for _, name := range m.settings.DefaultForAllUsers {
		d.defaults = append(d.defaults, foldedTarget{Target{Group: name, KeepExisting: m.Keeps(name), Rule: "defaultForAllUsers"}, Fold(name)})
	}
	return d
}

// of returns the targets of a group.
func (d *deriver) of(g SCIMGroup) []foldedTarget {
	targets, ok := d.targets[g]
	if ok {
		return targets
	}
	if len(d.targets) == mostTargets {
		clear(d.targets)
	}
	for _, t := range d.m.Targets(g) {
		targets = append(targets, foldedTarget{t, Fold(t.Group)})
	}
	d.targets[g] = targets
	return targets
}

// at returns the edge to a target, made if need be.
func (d *deriver) at(t foldedTarget) *edge {
	i, ok := d.index[t.folded]
	if !ok {
		i = len(d.edges)
		d.index[t.folded] = i
		if i < cap(d.edges) {
			d.edges = d.edges[:i+1]
			d.edges[i] = edge{Edge: Edge{Grants: d.edges[i].Grants[:0]}}
		} else {
			d.edges = append(d.edges, edge{})
		}
		d.edges[i].foldedTarget = t
		d.edges[i].Edge.Target = t.Group
	}
	return &d.edges[i]
}

// derive returns the decisions for one user, which hold until the next call.
func (d *deriver) derive(u UserState) []Decision {
	d.collect(u)
	order := make([]int, len(d.edges))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(d.edges[a].folded, d.edges[b].folded) })
	d.decisions = d.decisions[:0]
	for _, i := range order {
		e := &d.edges[i]
		e.Gone, e.Provenance = u.Gone, u.Provenance[e.folded]
		e.Keep, e.AddOnly = e.KeepExisting, e.ProtectedAdd
		action, reasons := Derive(e.Edge)
		d.decisions = append(d.decisions, Decision{User: u.Name, Target: e.foldedTarget.Target, Action: action, Reasons: reasons})
	}
	return d.decisions
}

// collect makes the edges of one user.
func (d *deriver) collect(u UserState) {
	d.edges = d.edges[:0]
	clear(d.index)
	for _, g := range u.Grants {
		for _, t := range d.of(g.Group) {
			g.Rule = t.Rule
			e := d.at(t)
			e.Grants = append(e.Grants, g)
			e.KeepExisting = e.KeepExisting || t.KeepExisting
		}
	}
	if u.Ours {
		for _, t := range d.defaults {
			d.at(t).Default = true
		}
	}
	for name := range u.Provenance {
		d.other(name, name)
	}
	for _, name := range u.Memberships {
		folded := Fold(name)
		_, named := d.m.keeps[folded]
		known := u.Ours || len(u.Grants) > 0 || (named && d.m.mode == ManualMapping)
		if known && !d.m.Keeps(name) {
			d.other(name, folded)
		}
	}
}

// other adds an edge to a group that no grant fills, unless it is protected.
func (d *deriver) other(name, folded string) {
	if !d.m.Protected(name) {
		d.at(foldedTarget{Target{Group: name, KeepExisting: d.m.Keeps(name)}, folded})
	}
}
