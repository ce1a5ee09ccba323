package groupsync

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A Book is the list of a connection's SCIM groups at one moment.
type Book struct {
	// Reconciled is when the last whole reconcile that ended had begun.
	Reconciled time.Time
	// Crowd holds the Crowd groups that were asked for, by folded name.
	Crowd map[string]*crowd.Group

	entries map[string]*entry // by the hash of the id
	ids     map[string]*entry // by the id, of those whose id is known
	nests   []nest            // groups within groups
	others  []*Book           // those of the neighbours
	epoch   int64             // of [Locks], when it was read

	mu      sync.Mutex                  // guards what is worked out once and kept until a fact is added
	owners  map[string][]string         // live ids by folded name
	targets map[string][]mapping.Target // by id, see Engine.targets
}

// An entry is what is recorded of one SCIM group.
type entry struct {
	id           string
	issued       bool
	dead         bool
	renamed      bool
	name         string
	externalID   string
	externalised bool // externalID is of a later word than the group's issue
	made         bool
	created      time.Time
	createdWith  string // the members, see membersText
	modified     time.Time
}

func (n *entry) live() bool { return n.issued && !n.dead }

// NewBook returns an empty book, for ledgers to [Book.Add] to.
func NewBook() *Book {
	return &Book{entries: map[string]*entry{}, ids: map[string]*entry{}, Crowd: map[string]*crowd.Group{}}
}

// Add enters a fact.
func (b *Book) Add(f GroupFact) {
	if f.Kind == Nested {
		b.addNest(f)
		return
	}
	b.addHashed(hash(f.ID), f)
}

func (b *Book) addHashed(h string, f GroupFact) {
	n := b.entries[h]
	if n == nil {
		n = &entry{}
		b.entries[h] = n
	}
	if f.ID != "" {
		n.id = f.ID
		b.ids[f.ID] = n
	}
	b.forget()
	switch f.Kind {
	case Issued:
		n.issued, n.created, n.createdWith = true, f.At, f.Members
		if !n.renamed {
			n.name, n.made = f.Name, f.Made
		}
		if !n.externalised {
			n.externalID = f.ExternalID
		}
	case Renamed:
		n.renamed, n.name, n.made = true, f.Name, f.Made
	case Externalised:
		n.externalised, n.externalID = true, f.ExternalID
	case Dead:
		n.dead = true
	}
	if f.At.After(n.modified) {
		n.modified = f.At
	}
}

// reconciled returns when the last whole reconcile that ended had begun, of this
// connection or a neighbour: each looks at all that is recorded of memberships.
func (b *Book) reconciled() time.Time {
	last := b.Reconciled
	for _, other := range b.others {
		if other.Reconciled.After(last) {
			last = other.Reconciled
		}
	}
	return last
}

func (b *Book) entry(id string) *entry {
	if n := b.ids[id]; n != nil {
		return n
	}
	return b.entries[hash(id)]
}

// live returns the entry of a SCIM group that exists, or nil.
func (b *Book) live(id string) *entry {
	if n := b.entry(id); n != nil && n.live() {
		return n
	}
	return nil
}

// Group returns the SCIM group of an id if it was issued and is not dead, else nil.
func (b *Book) Group(id string) *Group {
	if n := b.live(id); n != nil {
		return n.group()
	}
	return nil
}

// Groups returns the SCIM groups that were issued and are not dead, by folded name
// and then by id.
func (b *Book) Groups() []*Group {
	var all []*Group
	for _, n := range b.all() {
		all = append(all, n.group())
	}
	return all
}

// Made reports whether the connection created the Crowd group of the name that a
// SCIM group has.
func (b *Book) Made(id string) bool {
	n := b.live(id)
	return n != nil && n.made
}

// CreatedWith returns the text that stands for whom a SCIM group was created with,
// see [GroupFact.Members].
func (b *Book) CreatedWith(id string) string {
	if n := b.live(id); n != nil {
		return n.createdWith
	}
	return ""
}

// Nested reports whether a SCIM group is recorded as a member of another, living or
// not, and whether its Crowd group was within the other's by hand before.
func (b *Book) Nested(parent, child string) (granted, found bool) {
	n := b.nest(parent, child)
	return n.granted, n.found
}

// owner returns the id of the SCIM group of that name, or "". Of two with one
// name it is the one with the smaller id.
func (b *Book) owner(name string) string {
	ids := b.ownersOf(name)
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}

// forget drops what was worked out of the facts.
func (b *Book) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owners, b.targets = nil, nil
}

func (b *Book) ownersOf(name string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.owners == nil {
		b.owners = map[string][]string{}
		for _, n := range b.entries {
			if n.live() {
				f := crowd.Fold(n.name)
				b.owners[f] = append(b.owners[f], n.id)
			}
		}
		for _, ids := range b.owners {
			slices.Sort(ids)
		}
	}
	return b.owners[crowd.Fold(name)]
}

// next returns the id that the next SCIM group of that name gets: the smallest
// generation that is neither dead nor issued and renamed since. All who ask the
// same book get the same.
func (b *Book) next(name string) string {
	for generation := 1; ; generation++ {
		id := groupID(name, generation)
		n := b.entry(id)
		if n == nil || !n.dead && (!n.issued || crowd.Fold(n.name) == crowd.Fold(name)) {
			return id
		}
	}
}

// all returns the live entries by folded name.
func (b *Book) all() []*entry {
	live := slices.DeleteFunc(slices.Collect(maps.Values(b.entries)), func(n *entry) bool { return !n.live() })
	slices.SortFunc(live, func(x, y *entry) int {
		if c := strings.Compare(crowd.Fold(x.name), crowd.Fold(y.name)); c != 0 {
			return c
		}
		return strings.Compare(x.id, y.id)
	})
	return live
}

// crowdGroup returns the Crowd group of that name if it was asked for and exists.
func (b *Book) crowdGroup(name string) *crowd.Group { return b.Crowd[crowd.Fold(name)] }

func (n *entry) scimGroup() mapping.SCIMGroup {
	return mapping.SCIMGroup{ID: n.id, Name: n.name, ExternalID: n.externalID}
}
