package crowdtest

import (
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// A legacy names a deleted user of a directory by the folded name.
type legacy struct {
	directory *directory
	name      string
}

// An estate is what a deleted user leaves to the next of that name.
type estate struct {
	attrs  store.Attributes
	groups []string
}

// bequeath keeps what a user who is about to be deleted has, where the options
// say so.
func (x *exchange) bequeath(u *store.User, m mapped) {
	if x.opts.KeepOnDelete {
		x.s.estates[legacy{m.directory, u.Folded}] = estate{slices.Clone(u.Attributes()), groupNames(u.Groups())}
	}
}

// inherit gives a new user what the last of that name has left. Attributes that
// the new one came with stay.
func (x *exchange) inherit(u *store.User, m mapped) {
	key := legacy{m.directory, u.Folded}
	left := x.s.estates[key]
	delete(x.s.estates, key)
	for _, a := range left.attrs {
		if u.Attribute(a.Name) == nil {
			m.contents.SetUserAttribute(u, a.Name, a.Values)
		}
	}
	for _, name := range left.groups {
		if g := m.contents.Group(name); g != nil {
			m.contents.AddMember(g, u)
		}
	}
}
