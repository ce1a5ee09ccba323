package scimtest

// An index holds what is remembered of objects, by their IDs at the identity
// provider, in the order in which they were first met.
type index[T any] struct {
	ids   []string
	links map[string]*T
	tried int // objects that something was due for in this cycle
}

// link returns what is remembered of an object; nothing, at first.
func (x *index[T]) link(id string) *T {
	if x.links == nil {
		x.links = map[string]*T{}
	}
	if x.links[id] == nil {
		x.ids = append(x.ids, id)
		x.links[id] = new(T)
	}
	return x.links[id]
}

// others returns what is remembered of objects that are not wanted.
func (x *index[T]) others(wanted func(id string) bool) []*T {
	var list []*T
	for _, id := range x.ids {
		if !wanted(id) {
			list = append(list, x.links[id])
		}
	}
	return list
}

// A backOff is how long an object that failed waits for its next try.
type backOff struct {
	failures int // in a row
	rest     int // cycles to wait
}

// attempt works on an object, unless it waits. Only Entra lets objects wait.
func (c *cycle) attempt(b *backOff, tried *int, work func() error) error {
	if c.app.quarantine && b.rest > 0 {
		b.rest--
		c.report.Waiting++
		return nil
	}
	*tried++
	err := work()
	if err == nil {
		*b = backOff{}
		return nil
	}
	b.failures++
	b.rest = 1<<min(b.failures-1, longestBackOff) - 1
	return c.fail(err)
}

// A userLink is what is remembered of a user.
type userLink struct {
	backOff
	id     string // on the server; empty: none is known
	unsure bool   // a create that was not answered may have made one
	user   User   // as it was last wanted
	// sent is what the server has acknowledged, nil where that is not certain.
	sent *sent
	// left: the server knows that the user left; deleted: and deleted it.
	left, deleted bool
}

type sent struct {
	User
	active bool
}

// A groupLink is what is remembered of a group.
type groupLink struct {
	backOff
	id      string // on the server; empty: none is known
	wanted  string // the name as it was last wanted
	name    string // as the server has acknowledged it; empty: not certain
	unsure  bool   // a create that was not answered may have made one
	dirty   bool   // the members are not certain, and are pushed anew
	whole   bool   // the server has been told all members there are
	deleted bool
	// members holds who is in the group by the ids of the server: true for
	// certain; false, where it is not certain.
	members map[string]bool
}

// forget returns the link to what it was before the group was met.
func (l *groupLink) forget() { *l = groupLink{backOff: l.backOff, wanted: l.wanted} }
