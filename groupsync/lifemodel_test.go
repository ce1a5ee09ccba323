package groupsync_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A company is what Crowd should hold, told in the fewest words: who the identity
// provider has in which of its teams, and which memberships were made by hand.
type company struct {
	rules      *mapping.GroupMap
	people     map[string]*employee // by Crowd key
	teams      map[string]*team     // live SCIM groups by id
	places     map[string]*place    // Crowd groups by folded name
	ties       map[[2]string]*tie   // by key and folded name of the Crowd group
	reconciled time.Time            // when the last whole reconcile began
	now        time.Time
}

// An employee is a user of Crowd.
type employee struct {
	key, id, name string
	display       string
	told          time.Time // when the identity provider last told of the profile
	owned         bool      // by the connection
	granted       bool      // holds a grant, or did since the last reconcile
	gone          bool      // deleted for SCIM
	said          bool      // what the identity provider last said of the active flag
	active        bool
}

// A team is a SCIM group.
type team struct {
	id, name string
	members  map[string]bool // keys of people
	linked   bool            // its Crowd group was there before it
	half     bool            // its creation was cut short before all its members were in it
}

// A place is a Crowd group.
type place struct {
	name   string
	exists bool
	ours   bool // the engine made it
	lax    bool // the settings have changed since: whether it goes when it is empty is open
	gone   bool // by hand: it comes back with a reconcile, or before
}

// A tie is what there is between a person and a Crowd group.
type tie struct {
	member bool
	hand   bool      // an administrator made the membership, and nobody else wanted it then
	wanted bool      // as of the last look: by a grant or a default
	unsure bool      // made by hand while it was wanted too: either end is right
	first  bool      // was ever wanted: the engine knows how it began
	left   time.Time // when the last wish for it ended
}

const lifeQuarantine = 10 * time.Minute

func newCompany(rules *mapping.GroupMap) *company {
	return &company{
		rules: rules, people: map[string]*employee{}, teams: map[string]*team{},
		places: map[string]*place{}, ties: map[[2]string]*tie{},
	}
}

func (c *company) place(name string) *place {
	f := crowd.Fold(name)
	if c.places[f] == nil {
		c.places[f] = &place{name: name}
	}
	return c.places[f]
}

func (c *company) tie(p *employee, group string) *tie {
	k := [2]string{p.key, crowd.Fold(group)}
	if c.ties[k] == nil {
		c.ties[k] = &tie{}
	}
	return c.ties[k]
}

func (c *company) targets(g *team) []mapping.Target {
	return c.rules.Targets(mapping.SCIMGroup{ID: g.id, Name: g.name})
}

// filledBy returns the targets of all teams that are a Crowd group.
func (c *company) filledBy(group string) []mapping.Target {
	var all []mapping.Target
	for _, g := range c.teams {
		for _, t := range c.targets(g) {
			if crowd.Fold(t.Group) == crowd.Fold(group) {
				all = append(all, t)
			}
		}
	}
	return all
}

func (c *company) isDefault(group string) bool {
	return containsName(c.rules.DefaultForAllUsers(), group)
}

func containsName(names []string, name string) bool {
	return slices.ContainsFunc(names, func(s string) bool { return crowd.Fold(s) == crowd.Fold(name) })
}

// wants reports whether the identity provider or the settings put a person into a
// Crowd group.
func (c *company) wants(p *employee, group string) bool {
	if p.gone {
		return false
	}
	if p.owned && c.isDefault(group) {
		return true
	}
	for _, g := range c.teams {
		if g.members[p.key] && slices.ContainsFunc(c.targets(g), func(t mapping.Target) bool { return crowd.Fold(t.Group) == crowd.Fold(group) }) {
			return true
		}
	}
	return false
}

// holdsAny reports whether a person is in any team.
func (c *company) holdsAny(p *employee) bool {
	for _, g := range c.teams {
		if g.members[p.key] && !p.gone {
			return true
		}
	}
	return false
}

// keeps reports whether a membership by hand stays.
func (c *company) keeps(p *employee, group string) bool {
	if c.rules.Protected(group) {
		return true
	}
	filled := c.filledBy(group)
	if slices.ContainsFunc(filled, func(t mapping.Target) bool { return !t.KeepExisting }) {
		return false
	}
	clears := (p.owned || p.granted) && c.rules.ByName() && !c.rules.KeepExistingGroups() && !c.rules.Keeps(group)
	return !clears
}

// stays reports whether a membership by hand that nobody wants stays. One that the
// engine knows of goes by the settings, even where no team fills the group now.
func (c *company) stays(p *employee, at *place) bool {
	return c.keeps(p, at.name) && (c.rules.Keeps(at.name) || !c.tie(p, at.name).first)
}

// open reports whether a membership that nobody wants counts as a left-over of the
// identity provider's.
func (c *company) open(t *tie) bool {
	return !t.left.IsZero() && c.reconciled.Before(t.left.Add(lifeQuarantine))
}

func (c *company) everyone() []*employee {
	return slices.SortedFunc(maps.Values(c.people), func(x, y *employee) int { return strings.Compare(x.name, y.name) })
}

func (c *company) everywhere() []*place {
	return slices.SortedFunc(maps.Values(c.places), func(x, y *place) int { return strings.Compare(x.name, y.name) })
}

func (c *company) allTeams() []*team {
	return slices.SortedFunc(maps.Values(c.teams), func(x, y *team) int { return strings.Compare(x.name, y.name) })
}

// follow makes memberships follow what has just been said.
func (c *company) follow() {
	for _, g := range c.teams {
		for _, t := range c.targets(g) {
			if p := c.place(t.Group); t.Create && !p.exists && !p.gone {
				p.exists, p.ours, p.lax = true, true, false
			}
		}
	}
	for _, p := range c.everyone() {
		p.granted = p.granted || c.holdsAny(p)
		for _, at := range c.everywhere() {
			c.followTie(p, at)
		}
	}
	for _, at := range c.places {
		if !at.exists || !at.ours || at.lax || len(c.filledBy(at.name)) > 0 {
			continue
		}
		at.ours = false // with others in it, it is theirs
		at.exists = len(c.membersOf(at)) > 0
	}
}

func (c *company) followTie(p *employee, at *place) {
	t := c.tie(p, at.name)
	wants := c.wants(p, at.name)
	switch {
	case wants && !t.wanted:
		if !t.member || c.open(t) {
			t.hand = false
		} else if t.hand && !c.rules.Keeps(at.name) {
			t.unsure = true
		}
		t.member = at.exists
		t.first = true
	case !wants && t.wanted:
		if c.rules.Protected(at.name) {
			t.hand = t.member
			break
		}
		if !t.hand { // what is by hand goes with the next reconcile, if it does not stay
			t.member, t.left = false, c.now
		}
	}
	t.wanted = wants
}

// heal is what a reconcile does beyond: it undoes what was done by hand against
// what is said.
func (c *company) heal(began time.Time) {
	for _, at := range c.places {
		at.gone = false
	}
	c.follow()
	for _, p := range c.everyone() {
		p.granted = c.holdsAny(p)
		for _, at := range c.everywhere() {
			t := c.tie(p, at.name)
			switch {
			case t.wanted && at.exists && !t.member:
				t.member, t.hand, t.unsure = true, false, false
			case !t.wanted && t.member && (!t.hand || !c.stays(p, at)):
				if !c.open(t) {
					t.left = c.now
				}
				t.member, t.hand = false, false
			}
		}
		if !p.said && p.owned {
			p.active = false
		}
	}
	c.follow()
	c.reconciled = began
}

func (c *company) membersOf(at *place) []string {
	var names []string
	for _, p := range c.everyone() {
		if c.tie(p, at.name).member {
			names = append(names, p.name)
		}
	}
	return names
}

// vanish makes a Crowd group go, and the memberships with it.
func (c *company) vanish(at *place) {
	at.exists, at.ours = false, false
	for _, p := range c.people {
		t := c.tie(p, at.name)
		t.member, t.hand, t.unsure = false, false, false
	}
}

// leave makes a user of Crowd go.
func (c *company) leave(p *employee) {
	delete(c.people, p.key)
	for k := range c.ties {
		if k[0] == p.key {
			delete(c.ties, k)
		}
	}
	for _, g := range c.teams {
		delete(g.members, p.key)
	}
}

func (c *company) personNamed(name string) *employee {
	for _, p := range c.people {
		if crowd.Fold(p.name) == crowd.Fold(name) {
			return p
		}
	}
	return nil
}

func (c *company) teamNamed(name string) *team {
	for _, g := range c.teams {
		if crowd.Fold(g.name) == crowd.Fold(name) {
			return g
		}
	}
	return nil
}
