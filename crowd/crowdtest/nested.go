package crowdtest

import (
	"iter"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/ordered"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

func (x *exchange) nests(m mapped) bool { return m.NestedGroups || x.opts.NestedGroups }

// nested tells whether the exchange is about nested memberships.
func (x *exchange) nested() bool { return strings.HasSuffix(x.resource, "/nested") }

// checkNested refuses to list nested memberships where no directory has any
// and the options say so.
func (x *exchange) checkNested() error {
	if x.nested() && x.opts.RefuseNestedLists && !slices.ContainsFunc(x.dirs, x.nests) {
		return x.refuse(reasonNestedGroups, "The directory does not support nested groups")
	}
	return nil
}

// closure returns the groups and all that next leads to from them, each once,
// the given ones first.
func closure(groups []*store.Group, next func(*store.Group) *ordered.List[*store.Group]) []*store.Group {
	seen := map[*store.Group]bool{}
	for _, g := range groups {
		seen[g] = true
	}
	for i := 0; i < len(groups); i++ {
		for g := range next(groups[i]).All() {
			if !seen[g] {
				seen[g] = true
				groups = append(groups, g)
			}
		}
	}
	return groups
}

// groupsAround returns, in one directory, the groups to which groups lead
// directly or, where the exchange is about nested ones, in any number of
// steps.
func (x *exchange) groupsAround(m mapped, start *store.Group, next func(*store.Group) *ordered.List[*store.Group]) iter.Seq[*store.Group] {
	if !x.nested() || !x.nests(m) {
		return next(start).All()
	}
	all := closure([]*store.Group{start}, next)
	found := slices.Clone(all[1:])
	if x.opts.CyclesShowStart && slices.ContainsFunc(all, func(g *store.Group) bool { return next(g).Has(start.Folded) }) {
		found = append(found, start)
	}
	sortByFold(found)
	return slices.Values(found)
}

// groupsOf returns, in one directory, the groups that a user is in.
func (x *exchange) groupsOf(m mapped, u *store.User) iter.Seq[*store.Group] {
	if !x.nested() || !x.nests(m) {
		return u.Groups().All()
	}
	found := closure(slices.Collect(u.Groups().All()), (*store.Group).Parents)
	sortByFold(found)
	return slices.Values(found)
}

// membersOf returns, in one directory, the users that are in a group.
func (x *exchange) membersOf(m mapped, g *store.Group) iter.Seq[*store.User] {
	if !x.nested() || !x.nests(m) || g.Children().Len() == 0 {
		return g.Members().All()
	}
	var users []*store.User
	for _, below := range closure([]*store.Group{g}, (*store.Group).Children) {
		users = slices.AppendSeq(users, below.Members().All())
	}
	sortByFold(users)
	return slices.Values(slices.Compact(users))
}

func sortByFold[E ordered.Named](list []E) {
	slices.SortFunc(list, func(a, b E) int { return strings.Compare(a.Fold(), b.Fold()) })
}

// merge yields what several ordered sequences hold, in order, and of values of
// one name that of the first sequence.
func merge[E ordered.Named](seqs []iter.Seq[E]) iter.Seq[E] {
	if len(seqs) == 1 {
		return seqs[0]
	}
	return func(yield func(E) bool) {
		type source struct {
			value E
			more  bool
			next  func() (E, bool)
		}
		sources := make([]source, len(seqs))
		for i, seq := range seqs {
			next, stop := iter.Pull(seq)
			defer stop()
			value, more := next()
			sources[i] = source{value, more, next}
		}
		for {
			least := -1
			for i, s := range sources {
				if s.more && (least < 0 || s.value.Fold() < sources[least].value.Fold()) {
					least = i
				}
			}
			if least < 0 || !yield(sources[least].value) {
				return
			}
			fold := sources[least].value.Fold()
			for i := range sources {
				if s := &sources[i]; s.more && s.value.Fold() == fold {
					s.value, s.more = s.next()
				}
			}
		}
	}
}

// take returns the part of a list that a page names.
func take[E any](o *Options, list iter.Seq[E], p page) iter.Seq[E] {
	if o.ReverseLists {
		list = reversed(list)
	}
	return cutOut(list, p)
}

func reversed[E any](list iter.Seq[E]) iter.Seq[E] {
	all := slices.Collect(list)
	slices.Reverse(all)
	return slices.Values(all)
}

func cutOut[E any](seq iter.Seq[E], p page) iter.Seq[E] {
	return func(yield func(E) bool) {
		if p.max == 0 {
			return
		}
		at := 0
		for e := range seq {
			at++
			if at <= p.start {
				continue
			}
			if !yield(e) || p.max > 0 && at >= p.start+p.max {
				return
			}
		}
	}
}

// pageOf is take for a whole list, of which it skips the start without walking
// through it.
func pageOf[E ordered.Named](o *Options, l *ordered.List[E], p page) iter.Seq[E] {
	if o.ReverseLists {
		return take(o, l.All(), p)
	}
	return cutOut(l.From(p.start), page{max: p.max})
}
