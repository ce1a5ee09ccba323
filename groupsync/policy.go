package groupsync

// Policy steers how far an [Engine] may go. Its zero value is the default.
type Policy struct {
	// Removals limits the memberships that one request, or one process within
	// an hour, takes away. By default more than 100 and more than 50 % of the
	// members of the groups it touches are refused.
	Removals Limit `json:"removals,omitzero"`
	// Deactivations limits the users that are deactivated or deleted in the same
	// way, of the connection's active users.
	Deactivations Limit `json:"deactivations,omitzero"`
	// GroupDeletions limits the groups that are deleted in the same way, of the
	// connection's groups.
	GroupDeletions Limit `json:"groupDeletions,omitzero"`
}

// A Limit refuses what exceeds both its numbers. A missing number is no limit
// of its own; a Limit without any has the defaults 100 and 50.
type Limit struct {
	// Count is a number of memberships or users.
	Count *int `json:"count,omitempty"`
	// Percent is a share of all there are, from 0 to 100.
	Percent *int `json:"percent,omitempty"`
}

const (
	defaultCount   = 100
	defaultPercent = 50
)

// numbers returns the limit's numbers, -1 for none, and whether there is a
// limit at all.
func (l Limit) numbers() (count, percent int) {
	if l.Count == nil && l.Percent == nil {
		return defaultCount, defaultPercent
	}
	count, percent = -1, -1
	if l.Count != nil {
		count = *l.Count
	}
	if l.Percent != nil {
		percent = *l.Percent
	}
	return count, percent
}

// exceeded reports whether taking n of total away is more than the limit allows.
func (l Limit) exceeded(n, total int) bool {
	count, percent := l.numbers()
	return n > count && n*100 > percent*total
}
