// Package ordered keeps entities sorted by their folded names, so that a page
// of any directory costs what the page holds and not what the directory holds.
package ordered

import (
	"iter"
	"slices"
	"strings"
)

// Named is what a [List] holds: something that tells the folded name it is
// sorted by. The name must not change while the value is in a list.
type Named interface{ Fold() string }

// blockSize is the length at which a block is split in two. Blocks of this
// length make insertion a short copy and a search over blocks a short walk.
const blockSize = 512

// A List is a set of values in ascending order of their folded names. Its zero
// value is empty. Look-ups cost the logarithm of its length; positions cost one
// step per block.
type List[T Named] struct {
	blocks [][]T
	length int
}

// Len returns the number of values.
func (l *List[T]) Len() int { return l.length }

// Has tells whether a value of that folded name is in the list.
func (l *List[T]) Has(fold string) bool {
	_, _, found := l.find(fold)
	return found
}

// Insert adds v, unless a value of its name is there already.
func (l *List[T]) Insert(v T) (added bool) {
	if len(l.blocks) == 0 {
		l.blocks = [][]T{{v}}
		l.length = 1
		return true
	}
	b, i, found := l.find(v.Fold())
	if found {
		return false
	}
	l.blocks[b] = slices.Insert(l.blocks[b], i, v)
	l.length++
	if len(l.blocks[b]) > blockSize {
		l.split(b)
	}
	return true
}

// Delete removes the value of that folded name.
func (l *List[T]) Delete(fold string) (deleted bool) {
	b, i, found := l.find(fold)
	if !found {
		return false
	}
	l.blocks[b] = slices.Delete(l.blocks[b], i, i+1)
	l.length--
	if len(l.blocks[b]) == 0 {
		l.blocks = slices.Delete(l.blocks, b, b+1)
	}
	return true
}

// From yields the values at the given position and after, in order.
func (l *List[T]) From(position int) iter.Seq[T] {
	return func(yield func(T) bool) {
		b := 0
		for b < len(l.blocks) && position >= len(l.blocks[b]) {
			position -= len(l.blocks[b])
			b++
		}
		l.walk(b, max(position, 0), yield)
	}
}

// All yields every value in order.
func (l *List[T]) All() iter.Seq[T] { return l.From(0) }

// Seek yields, in order, the values whose folded names are not below fold.
func (l *List[T]) Seek(fold string) iter.Seq[T] {
	return func(yield func(T) bool) {
		b, i, _ := l.find(fold)
		l.walk(b, i, yield)
	}
}

func (l *List[T]) walk(b, i int, yield func(T) bool) {
	for ; b < len(l.blocks); b, i = b+1, 0 {
		for _, v := range l.blocks[b][min(i, len(l.blocks[b])):] {
			if !yield(v) {
				return
			}
		}
	}
}

// find returns the block and the place in it where the value of that name is
// or would be.
func (l *List[T]) find(fold string) (block, place int, found bool) {
	byFirst := func(b []T, fold string) int { return strings.Compare(b[0].Fold(), fold) }
	block, found = slices.BinarySearchFunc(l.blocks, fold, byFirst)
	if found {
		return block, 0, true
	}
	if block == 0 {
		return 0, 0, false
	}
	block--
	byName := func(v T, fold string) int { return strings.Compare(v.Fold(), fold) }
	place, found = slices.BinarySearchFunc(l.blocks[block], fold, byName)
	return block, place, found
}

func (l *List[T]) split(b int) {
	half := len(l.blocks[b]) / 2
	tail := slices.Clone(l.blocks[b][half:])
	clear(l.blocks[b][half:])
	l.blocks[b] = l.blocks[b][:half:half]
	l.blocks = slices.Insert(l.blocks, b+1, tail)
}
