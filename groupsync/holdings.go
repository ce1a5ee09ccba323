package groupsync

import (
	"slices"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// Holdings is what a [Ledger] has recorded with one user. The zero value is
// nothing, for ledgers to [Holdings.Add] to.
type Holdings struct {
	// Grants are the ids of the SCIM groups granted and not revoked, sorted.
	Grants []string
	// grants are what was said of them, sorted by group.
	grants []UserFact
	// origins is by the hash of the Crowd group's folded name.
	origins map[string]UserFact
}

// Add enters a fact, in place of what was said of the same before.
func (h *Holdings) Add(f UserFact) {
	if f.GroupID == "" {
		h.addOrigin(targetHash(f.Target), f)
		return
	}
	i, granted := slices.BinarySearch(h.Grants, f.GroupID)
	k, known := h.find(f.GroupID)
	switch {
	case f.Granted && !granted:
		h.Grants = slices.Insert(h.Grants, i, f.GroupID)
	case !f.Granted && granted:
		h.Grants = slices.Delete(h.Grants, i, i+1)
	}
	switch {
	case f.Granted && known:
		h.grants[k] = f
	case f.Granted:
		h.grants = slices.Insert(h.grants, k, f)
	case known:
		h.grants = slices.Delete(h.grants, k, k+1)
	}
}

func (h *Holdings) addOrigin(target string, f UserFact) {
	if h.origins == nil {
		h.origins = map[string]UserFact{}
	}
	h.origins[target] = f
}

func (h Holdings) find(groupID string) (int, bool) {
	return slices.BinarySearchFunc(h.grants, groupID, func(f UserFact, id string) int {
		return strings.Compare(f.GroupID, id)
	})
}

// Granted reports whether the user holds a grant of the SCIM group.
func (h Holdings) Granted(groupID string) bool {
	return slices.Contains(h.Grants, groupID)
}

// Grant returns the grant of a SCIM group, which says since when it is held and
// by which request; ok is false where there is none.
func (h Holdings) Grant(groupID string) (f UserFact, ok bool) {
	i, ok := h.find(groupID)
	if !ok || !h.Granted(groupID) {
		return UserFact{}, false
	}
	return h.grants[i], true
}

// Origin returns how the user's membership in a Crowd group came to be, and when
// that was recorded.
func (h Holdings) Origin(target string) (Origin, time.Time) {
	f := h.origins[targetHash(target)]
	return f.Origin, f.At
}

// Membership returns what is recorded of the origin of the user's membership in a
// Crowd group, with the time and the request; ok is false where nothing is.
func (h Holdings) Membership(target string) (f UserFact, ok bool) {
	f, ok = h.origins[targetHash(target)]
	return f, ok && f.Origin != Unknown
}

// anyOurs reports whether any membership was ever ours.
func (h Holdings) anyOurs() bool {
	for _, f := range h.origins {
		if f.Origin == Made || f.Origin == Left {
			return true
		}
	}
	return false
}

// Targets returns the names of the Crowd groups with a recorded origin, sorted.
func (h Holdings) Targets() []string {
	var names []string
	for _, f := range h.origins {
		if f.Target != "" {
			names = append(names, f.Target)
		}
	}
	slices.Sort(names)
	return names
}

func targetHash(target string) string { return hash(crowd.Fold(target)) }
