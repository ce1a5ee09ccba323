package mapping

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change is one thing that other settings would make different.
type Change struct {
	Subject string `json:"subject"` // the user or SCIM group
	Target  string `json:"target"`  // the Crowd field, attribute or group
	Before  string `json:"before"`
	After   string `json:"after"`
}

// String returns "subject: target: before -> after".
func (c Change) String() string {
	return fmt.Sprintf("%s: %s: %s -> %s", c.Subject, c.Target, c.Before, c.After)
}

// Changes returns what would be different of a user if to took the place of m, in the order of the rows of m and
// then those that to has besides. Where a value comes from does not matter.
func (m *AttributeMap) Changes(to *AttributeMap, resource map[string]any) []Change {
	before, after := m.results(resource), to.results(resource)
	targets := make([]string, 0, len(before))
	for _, r := range append(slices.Clone(m.rows), to.rows...) {
		if !slices.Contains(targets, r.To) {
			targets = append(targets, r.To)
		}
	}
	subject := m.subject(resource)
	var changes []Change
	for _, target := range targets {
		c := Change{subject, target, cmp.Or(before[target], "not mapped"), cmp.Or(after[target], "not mapped")}
		if c.Before != c.After {
			changes = append(changes, c)
		}
	}
	return changes
}

// results returns what each row does, without where from.
func (m *AttributeMap) results(resource map[string]any) map[string]string {
	results := make(map[string]string)
	if step, excluded := m.excluded(resource); excluded {
		for _, r := range m.rows {
			results[r.To] = "left alone, not among the users that the filter chooses"
		}
		results[toActive] = step.Result
		return results
	}
	for _, r := range m.rows {
		o := m.outcome(r, resource)
		o.source = ""
		results[r.To] = strings.TrimSuffix(o.String(), ", from ")
	}
	return results
}

// Changes returns what would be different if to took the place of m: for each SCIM group and Crowd group whether
// and how the one fills the other.
func (m *GroupMap) Changes(to *GroupMap, groups []SCIMGroup) []Change {
	var changes []Change
	for _, g := range groups {
		changes = append(changes, diff("group "+g.Name, m.fills(g), to.fills(g), "not filled")...)
	}
	return changes
}

// fills says how a group fills its targets, by name.
func (m *GroupMap) fills(g SCIMGroup) map[string]string {
	fills := make(map[string]string)
	for _, t := range m.Targets(g) {
		switch {
		case t.ProtectedAdd:
			fills[t.Group] = "filled, nobody taken out"
		case t.KeepExisting:
			fills[t.Group] = "filled, others kept"
		default:
			fills[t.Group] = "filled, others taken out"
		}
	}
	return fills
}

// UserChanges returns what would be different of a user's memberships if to took the place of m.
func (m *GroupMap) UserChanges(to *GroupMap, u UserState) []Change {
	return diff("user "+u.Name, m.actions(u), to.actions(u), Leave.String())
}

func (m *GroupMap) actions(u UserState) map[string]string {
	actions := make(map[string]string)
	for _, d := range m.DeriveUser(u) {
		actions[d.Target.Group] = d.Action.String()
	}
	return actions
}

// diff compares what is said of targets; what is not said of one is none.
func diff(subject string, before, after map[string]string, none string) []Change {
	all := maps.Clone(before)
	maps.Copy(all, after)
	var changes []Change
	for _, target := range slices.Sorted(maps.Keys(all)) {
		c := Change{subject, target, cmp.Or(before[target], none), cmp.Or(after[target], none)}
		if c.Before != c.After {
			changes = append(changes, c)
		}
	}
	return changes
}
