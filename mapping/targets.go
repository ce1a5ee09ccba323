package mapping

import (
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// onTheFlyRule is how targets and reasons name mapping on the fly.
const onTheFlyRule = "on the fly"

// andRule stands between the rules that lead from one SCIM group to one target.
const andRule = " and "

// noTarget stands where a group fills nothing.
const noTarget = "(none)"

// Targets returns the Crowd groups that a SCIM group fills, each once, in the order of the rules. Protected groups
// are not among them unless a rule may add to them.
func (m *GroupMap) Targets(g SCIMGroup) []Target {
	var targets []Target
	for _, c := range m.candidates(g) {
		if c.problem != "" {
			continue
		}
		targets = merge(targets, c.Target)
	}
	return targets
}

// A candidate is a target, or would be one but for a problem.
type candidate struct {
	Target
	problem string
}

// merge adds a target to targets. Where two rules fill one group, both are named, and the careful reading of their
// settings counts.
func merge(targets []Target, t Target) []Target {
	i := slices.IndexFunc(targets, func(o Target) bool { return Fold(o.Group) == Fold(t.Group) })
	if i < 0 {
		return append(targets, t)
	}
	targets[i].KeepExisting = targets[i].KeepExisting || t.KeepExisting
	if all := targets[i].Rule; all != t.Rule && !strings.HasSuffix(all, andRule+t.Rule) {
		targets[i].Rule += andRule + t.Rule
	}
	return targets
}

// candidates returns all that the rules say of a group, or mapping on the fly.
func (m *GroupMap) candidates(g SCIMGroup) []candidate {
	if problem := m.excludes(g); problem != "" {
		return []candidate{{Target: Target{Group: noTarget, Rule: "filter"}, problem: problem}}
	}
	if m.mode == OnTheFlyMapping {
		return []candidate{m.onTheFly(g)}
	}
	var all []candidate
	for i := range m.rules {
		r := &m.rules[i]
		if !r.satisfied(g) {
			continue
		}
		for _, name := range r.targets(g) {
			c := candidate{Target: Target{Group: name, KeepExisting: m.ruleKeeps(r, name), Rule: r.text}}
			c.ProtectedAdd = m.Protected(name) && r.Protected == addToProtected
			c.problem = m.targetProblem(c.Target)
			all = append(all, c)
		}
	}
	if len(all) == 0 && m.settings.Manual.ImportGroups {
		return []candidate{m.onTheFly(g)}
	}
	return all
}

// excludes says why the filter keeps a group out, and nothing if it does not.
func (m *GroupMap) excludes(g SCIMGroup) string {
	if m.filter == nil {
		return ""
	}
	v, err := m.filter.evaluate(map[string]any{"displayName": g.Name, "externalId": g.ExternalID})
	switch {
	case err != nil:
		return "cannot be held against the filter: " + err.Error()
	case v != true:
		return "is not among those that the filter chooses: " + m.settings.Filter
	}
	return ""
}

// ruleKeeps reports whether existing members of a target stay: what a rule that names it says, or else this one.
func (m *GroupMap) ruleKeeps(r *rule, target string) bool {
	if keep, ok := m.keeps[Fold(target)]; ok {
		return keep
	}
	return r.keep
}

// onTheFly returns the target of a group by its name.
func (m *GroupMap) onTheFly(g SCIMGroup) candidate {
	c := candidate{Target: Target{Group: m.Rename(g.Name), Create: orTrue(m.settings.OnTheFly.Create), Rule: onTheFlyRule}}
	c.KeepExisting = m.Keeps(c.Group)
	name := Fold(g.Name)
	matches := func(pattern string) bool { return glob(pattern, name) }
	switch {
	case len(m.only) > 0 && !slices.ContainsFunc(m.only, matches):
		c.problem = "is not among those that onTheFly.only names"
	case slices.ContainsFunc(m.never, matches):
		c.problem = "is among those that onTheFly.never names"
	default:
		c.problem = m.targetProblem(c.Target)
	}
	return c
}

// targetProblem says why a target cannot be filled, and nothing if it can.
func (m *GroupMap) targetProblem(t Target) string {
	switch {
	case isRegistry(t.Group):
		return "would fill " + quote(t.Group) + ", in which a connection keeps its records"
	case m.Protected(t.Group) && !t.ProtectedAdd:
		return "would fill " + quote(t.Group) + ", which is protected"
	}
	if problem := nameProblem(t.Group); problem != "" {
		return "would fill " + quote(t.Group) + ", a name that " + problem
	}
	return ""
}

// satisfied reports whether the rule is about g.
func (r *rule) satisfied(g SCIMGroup) bool {
	switch {
	case r.From != "":
		return r.from == Fold(g.Name)
	case r.FromExternalID != "":
		return r.FromExternalID == g.ExternalID
	}
	return r.pattern != nil && len(g.Name) <= maxPatternText && r.pattern.MatchString(g.Name)
}

// targets returns the names that the rule gives for a group that satisfies it.
func (r *rule) targets(g SCIMGroup) []string {
	if r.pattern == nil {
		return r.To
	}
	match := r.pattern.FindStringSubmatchIndex(g.Name)
	if match == nil {
		return nil
	}
	names := make([]string, len(r.to))
	for i, t := range r.to {
		names[i] = string(r.pattern.ExpandString(nil, string(t), g.Name, match))
	}
	return names
}

// Rename returns the name of the Crowd group that a SCIM group of this name fills on the fly. A name of more than
// 1024 bytes, which no group can have, is returned as it is.
func (m *GroupMap) Rename(name string) string {
	if len(name) > maxPatternText {
		return name
	}
	for _, r := range m.replace {
		name = r.pattern.ReplaceAllString(name, string(r.with))
	}
	return m.settings.OnTheFly.Rename.Prefix + name + m.settings.OnTheFly.Rename.Suffix
}

// Mode returns how groups are mapped.
func (m *GroupMap) Mode() Mode { return m.mode }

// ByName reports whether SCIM groups may fill Crowd groups for having their names: on the fly, or where groups that
// no rule is about are imported.
func (m *GroupMap) ByName() bool { return m.mode == OnTheFlyMapping || m.settings.Manual.ImportGroups }

// Exclusive reports whether the members of groups that the connection creates are its own record.
func (m *GroupMap) Exclusive() bool { return m.settings.OnTheFly.Exclusive }

// KeepExistingGroups reports whether mapping on the fly leaves alone memberships that others made.
func (m *GroupMap) KeepExistingGroups() bool { return orTrue(m.settings.OnTheFly.KeepExistingGroups) }

// Protected reports whether no mapping may change the Crowd group, rules aside that may add to it.
func (m *GroupMap) Protected(crowdGroup string) bool {
	return m.protected[Fold(crowdGroup)] || isRegistry(crowdGroup)
}

// Keeps reports whether members of a Crowd group that the identity provider did not put there are left alone, also
// where no SCIM group fills it now.
func (m *GroupMap) Keeps(crowdGroup string) bool {
	name := Fold(crowdGroup)
	if m.Protected(crowdGroup) {
		return true
	}
	if m.mode == ManualMapping {
		if keep, ok := m.keeps[name]; ok {
			return keep
		}
		if !m.settings.Manual.ImportGroups {
			return true
		}
	}
	isDefault := func(s string) bool { return Fold(s) == name }
	return m.KeepExistingGroups() || slices.ContainsFunc(m.settings.DefaultForNewUsers, isDefault)
}

// SweepsMemberships reports whether a user of the connection is taken out of Crowd groups for no other reason than
// that nobody asks for the membership: [GroupMap.Swept] may then return some.
func (m *GroupMap) SweepsMemberships() bool {
	return !m.KeepExistingGroups() && (m.mode == OnTheFlyMapping || m.settings.Manual.ImportGroups)
}

// Swept returns, of the Crowd groups that a user of the connection is a direct member of, those where the membership
// goes unless a grant or a default asks for it. They are to be derived with the targets of the user's grants, at each
// change of these, so that the user ends in exactly what is desired. Protected groups, DefaultForNewUsers and the
// groups that rules name are not among them.
func (m *GroupMap) Swept(memberships []string) []Target {
	var swept []Target
	if !m.SweepsMemberships() {
		return nil
	}
	for _, name := range memberships {
		if _, named := m.keeps[Fold(name)]; !m.Keeps(name) && !(named && m.mode == ManualMapping) {
			swept = append(swept, Target{Group: name, Rule: "keepExistingGroups"})
		}
	}
	return swept
}

// DefaultForNewUsers returns the groups a user joins when it is created.
func (m *GroupMap) DefaultForNewUsers() []string { return slices.Clone(m.settings.DefaultForNewUsers) }

// DefaultForAllUsers returns the groups every user of the connection is a member of.
func (m *GroupMap) DefaultForAllUsers() []string { return slices.Clone(m.settings.DefaultForAllUsers) }

// A Collision is two SCIM groups that fill one Crowd group on the fly.
type Collision struct {
	Group string    `json:"group"` // the Crowd group
	First SCIMGroup `json:"first"`
	Then  SCIMGroup `json:"then"`
}

// Collision finds among others the first SCIM group that fills a Crowd group on the fly which g would fill too. It
// is refused where refused is true, and else both fill it.
func (m *GroupMap) Collision(g SCIMGroup, others []SCIMGroup) (c Collision, refused, found bool) {
	for _, t := range m.Targets(g) {
		if t.Rule != onTheFlyRule {
			continue
		}
		for _, other := range others {
			if other.ID != g.ID && m.fillsOnTheFly(other, t.Group) {
				return Collision{Group: t.Group, First: other, Then: g}, m.settings.OnTheFly.Collisions == Refuse, true
			}
		}
	}
	return Collision{}, false, false
}

func (m *GroupMap) fillsOnTheFly(g SCIMGroup, crowdGroup string) bool {
	return slices.ContainsFunc(m.Targets(g), func(t Target) bool {
		return t.Rule == onTheFlyRule && Fold(t.Group) == Fold(crowdGroup)
	})
}

// Explain says which Crowd groups a SCIM group fills, by which rule, and why it does not fill others.
func (m *GroupMap) Explain(g SCIMGroup) Trace {
	trace := Trace{Subject: "group " + g.Name}
	for _, c := range m.candidates(g) {
		s := Step{Target: c.Group, Source: c.Rule, Result: "filled by " + c.Rule}
		switch {
		case c.problem != "":
			s.Refused, s.Result = true, "not filled by "+c.Rule+": the group "+c.problem
		case c.ProtectedAdd:
			s.Result += "; protected: nobody is taken out"
		case c.KeepExisting:
			s.Result += "; other members are kept"
		default:
			s.Result += "; other members are taken out"
		}
		if c.Create && c.problem == "" {
			s.Result += "; made if missing"
		}
		trace.Steps = append(trace.Steps, s)
	}
	if len(trace.Steps) == 0 {
		trace.Steps = []Step{{Target: noTarget, Result: "no rule is about this group, and importGroups is off"}}
	}
	return trace
}

// List explains all groups, ordered by their names: what an administrator looks at before writing rules.
func (m *GroupMap) List(groups []SCIMGroup) []Trace {
	ordered := slices.SortedStableFunc(slices.Values(groups), func(a, b SCIMGroup) int {
		if c := strings.Compare(Fold(a.Name), Fold(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	traces := make([]Trace, len(ordered))
	for i, g := range ordered {
		traces[i] = m.Explain(g)
	}
	return traces
}

// groupSchema knows the attributes that choose groups.
type groupSchema struct{}

// Lookup implements [filter.Schema].
func (groupSchema) Lookup(urn, name string) (filter.AttrInfo, bool) {
	info, ok := fields("string displayName; string! externalId", nil)[Fold(name)]
	return info, ok && urn == ""
}

// Names returns the attributes.
func (groupSchema) Names() []string { return []string{"displayName", "externalId"} }
