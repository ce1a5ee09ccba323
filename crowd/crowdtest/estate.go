package crowdtest

import (
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// A legacy names a deleted user of a directory by the folded name.
type legacy struct {
	directory *directory
	name      string
}

func legacyOf(name string, m mapped) legacy { return legacy{m.directory, crowd.Fold(name)} }

// An estate is what a deleted user leaves to the next of that name.
type estate struct {
	key    string
	attrs  store.Attributes
	groups []string
}

// bequeath keeps what a user who is about to be deleted has, as far as the
// options say so.
func (x *exchange) bequeath(u *store.User, m mapped) {
	var left estate
	if x.opts.ReuseKeys {
		left.key = u.Key
	}
	if x.opts.KeepOnDelete {
		left.attrs, left.groups = slices.Clone(u.Attributes()), groupNames(u.Groups())
	}
	if x.opts.ReuseKeys || x.opts.KeepOnDelete {
		x.s.estates[legacyOf(u.Name, m)] = left
	}
}

// inherit gives a new user what the last of that name has left. Attributes that
// the new one came with stay.
func (x *exchange) inherit(u *store.User, m mapped) {
	key := legacyOf(u.Name, m)
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
