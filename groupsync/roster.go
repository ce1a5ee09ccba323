package groupsync

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A roster is who is in which Crowd group, as read once. It keeps a number for
// each membership, so that a million of them take a few megabytes.
type roster struct {
	groups []string // names
	sizes  map[string]int
	users  map[string]int32 // by folded name
	in     [][]int32        // of each user, indexes of groups

	nested map[[2]string]bool // folded names of a group and one within it
}

// readRoster reads the memberships of all groups but registries: in one dump, or
// group by group where the server has none.
func (e *Engine) readRoster(ctx context.Context, groups map[string]*crowd.Group, progress func(Progress)) (*roster, error) {
	r := &roster{sizes: map[string]int{}, users: map[string]int32{}, nested: map[[2]string]bool{}}
	meter := newMeter("memberships", 0, progress, e.now)
	err := r.fill(e.crowd.Memberships(ctx), meter)
	if !errors.Is(err, crowd.ErrUnsupported) {
		return r, err
	}
	r.nested = nil // not known
	for _, g := range groups {
		if err := r.fill(membershipsOf(ctx, e.crowd, g.Name), meter); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func membershipsOf(ctx context.Context, d Directory, group string) iter.Seq2[crowd.Membership, error] {
	return func(yield func(crowd.Membership, error) bool) {
		for u, err := range d.Members(ctx, group, crowd.List{}) {
			if errors.Is(err, crowd.ErrGroupNotFound) {
				return
			}
			if err != nil {
				yield(crowd.Membership{}, err)
				return
			}
			if !yield(crowd.Membership{Group: group, User: u.Name}, nil) {
				return
			}
		}
	}
}

func (r *roster) fill(all iter.Seq2[crowd.Membership, error], meter *meter) error {
	group, last := int32(-1), ""
	hidden := false
	for m, err := range all {
		if err != nil {
			return err
		}
		if group < 0 || m.Group != last {
			last = m.Group
			hidden = strings.HasPrefix(crowd.Fold(m.Group), RegistryPrefix)
			group = int32(len(r.groups))
			r.groups = append(r.groups, m.Group)
		}
		if m.ChildGroup != "" {
			r.nested[[2]string{crowd.Fold(m.Group), crowd.Fold(m.ChildGroup)}] = true
		}
		if m.User == "" || hidden {
			continue
		}
		f := crowd.Fold(m.User)
		i, met := r.users[f]
		if !met {
			i = int32(len(r.in))
			r.users[f] = i
			r.in = append(r.in, nil)
		}
		r.in[i] = append(r.in[i], group)
		r.sizes[crowd.Fold(m.Group)]++
		meter.count(1)
	}
	return nil
}

// of returns the names of the groups that a user is in.
func (r *roster) of(user string) []string {
	i, met := r.users[crowd.Fold(user)]
	if !met {
		return nil
	}
	all := make([]string, len(r.in[i]))
	for k, g := range r.in[i] {
		all[k] = r.groups[g]
	}
	return all
}

// size returns how many users are in a group.
func (r *roster) size(folded string) int { return r.sizes[folded] }

// A meter reports progress, not more often than every few hundred counts.
type meter struct {
	progress Progress
	tell     func(Progress)
	now      func() time.Time
	began    time.Time
	told     int
}

func newMeter(phase string, total int, tell func(Progress), now func() time.Time) *meter {
	return &meter{progress: Progress{Phase: phase, Total: total}, tell: tell, now: now, began: now()}
}

const meterStep = 500

func (m *meter) count(n int) {
	m.progress.Done += n
	if m.tell == nil || m.progress.Done-m.told < meterStep && m.progress.Done != m.progress.Total {
		return
	}
	m.told = m.progress.Done
	m.progress.Elapsed = m.now().Sub(m.began)
	if left := m.progress.Total - m.progress.Done; left >= 0 && m.progress.Total > 0 {
		m.progress.Remaining = m.progress.Elapsed / time.Duration(m.progress.Done) * time.Duration(left)
	}
	m.tell(m.progress)
}
