package source

import (
	"fmt"
	"hash/maphash"
)

// mostEmpty is how many pages without anything may follow one another. A server that
// searches page by page may have many, but not without end.
const mostEmpty = 1000

// A trail is the pages of a list that were asked for, by which one that never ends
// is found out. It holds a hash of each.
type trail struct {
	seed  maphash.Seed
	seen  map[uint64]bool
	empty int // pages one after the other
}

func newTrail() *trail { return &trail{seed: maphash.MakeSeed(), seen: map[uint64]bool{}} }

// step notes the page that is asked for next, by its address or cursor, after one
// with so many items; the first page comes after none.
func (t *trail) step(next string, items int) error {
	h := maphash.String(t.seed, next)
	if t.seen[h] {
		return fmt.Errorf("%w: the list leads back to a page that came before", ErrIncomplete)
	}
	t.seen[h] = true
	if t.empty++; items > 0 {
		t.empty = 0
	}
	if t.empty > mostEmpty {
		return fmt.Errorf("%w: %d empty pages came, one after the other", ErrIncomplete, mostEmpty)
	}
	return nil
}
