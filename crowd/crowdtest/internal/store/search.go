package store

import (
	"iter"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/query"
)

// SearchUsers yields the users that n matches, in order.
func (d *Directory) SearchUsers(n query.Node) iter.Seq[*User] { return d.users.search(n) }

// SearchGroups yields the groups that n matches, in order.
func (d *Directory) SearchGroups(n query.Node) iter.Seq[*Group] { return d.groups.search(n) }

func (t *table[E]) search(n query.Node) iter.Seq[E] {
	from := t.candidates(n)
	return func(yield func(E) bool) {
		for e := range from.seq {
			if n.Match(e) && !yield(e) {
				return
			}
		}
	}
}

// candidates are entities in order, among which are all that a node matches.
type candidates[E entity] struct {
	size int
	seq  iter.Seq[E]
}

// candidates finds the fewest candidates that an index can tell.
func (t *table[E]) candidates(n query.Node) candidates[E] {
	everything := candidates[E]{t.order.Len(), t.order.All()}
	switch n := n.(type) {
	case query.Text:
		if n.Custom {
			return t.byAttribute(n, everything)
		}
		return t.byText(n, everything)
	case query.And:
		best := everything
		for _, part := range n {
			if c := t.candidates(part); c.size < best.size {
				best = c
			}
		}
		return best
	case query.Or:
		return t.union(n, everything)
	}
	return everything
}

func (t *table[E]) byText(n query.Text, everything candidates[E]) candidates[E] {
	_, indexed := t.texts[n.Property]
	switch {
	case n.Property == "name" && n.Mode == query.Exactly:
		return t.byExactName(n.Value)
	case n.Property == "name" && n.Mode == query.StartsWith && n.Value != "":
		return t.byPrefix(crowd.Fold(n.Value))
	case indexed && n.Mode == query.Exactly:
		return listed(t.textIndex(n.Property), n.Value)
	}
	return everything
}

func (t *table[E]) byExactName(name string) candidates[E] {
	e, found := t.byName[crowd.Fold(name)]
	if !found {
		return none[E]()
	}
	return candidates[E]{1, func(yield func(E) bool) { yield(e) }}
}

// byPrefix guesses at its size: a prefix is better than everything and worse
// than any exact value.
func (t *table[E]) byPrefix(prefix string) candidates[E] {
	return candidates[E]{t.order.Len() / 2, func(yield func(E) bool) {
		for e := range t.order.Seek(prefix) {
			if !strings.HasPrefix(e.Fold(), prefix) || !yield(e) {
				return
			}
		}
	}}
}

func (t *table[E]) byAttribute(n query.Text, everything candidates[E]) candidates[E] {
	c := t.customs[n.Property]
	switch {
	case n.Mode == query.Null:
		return everything
	case c == nil:
		return none[E]()
	case n.Mode == query.Exactly:
		return listed(t.valueIndex(n.Property, c), n.Value)
	}
	return candidates[E]{c.holders.Len(), c.holders.All()}
}

func listed[E entity](index values[E], value string) candidates[E] {
	l := index[crowd.Fold(value)]
	if l == nil {
		return none[E]()
	}
	return candidates[E]{l.Len(), l.All()}
}

func none[E entity]() candidates[E] { return candidates[E]{0, func(func(E) bool) {}} }

// union joins the candidates of all parts, unless going through everything is
// as cheap.
func (t *table[E]) union(parts query.Or, everything candidates[E]) candidates[E] {
	size := 0
	found := make([]candidates[E], len(parts))
	for i, part := range parts {
		found[i] = t.candidates(part)
		size += found[i].size
	}
	if size > 0 && size >= everything.size/2 {
		return everything
	}
	return candidates[E]{size, func(yield func(E) bool) {
		all := make([]E, 0, size)
		for _, c := range found {
			all = slices.AppendSeq(all, c.seq)
		}
		slices.SortFunc(all, func(a, b E) int { return strings.Compare(a.Fold(), b.Fold()) })
		for _, e := range slices.Compact(all) {
			if !yield(e) {
				return
			}
		}
	}}
}
