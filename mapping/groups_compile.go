package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// GroupMap decides which Crowd groups SCIM groups fill. It is made by [CompileGroups], immutable, and may be used
// by several goroutines.
type GroupMap struct {
	settings    Groups
	filter      *expression // nil for none
	mode        Mode
	rules       []rule
	replace     []replacement
	only, never []string        // folded
	protected   map[string]bool // by folded name
	keeps       map[string]bool // what rules with fixed targets say, by folded target
}

// A rule is a Rule ready for use.
type rule struct {
	Rule
	text    string         // for reasons
	from    string         // folded
	pattern *regexp.Regexp // of FromPattern, the whole name
	to      []template     // with pattern: what Rule.To expands to
	open    []ends         // of those that differ by what is matched
	keep    bool
}

type replacement struct {
	pattern *regexp.Regexp
	with    template
}

// CompileGroups checks the settings and makes them ready for use. Its error is of type [Faults], all of them, with
// pointers into g.
func CompileGroups(g Groups) (*GroupMap, error) {
	c := groupCompiler{m: &GroupMap{settings: g, mode: g.Mapping, keeps: make(map[string]bool)}}
	c.m.filter = condition(&c.faults, "/filter", g.Filter, groupSchema{}, `displayName startsWith "crowd-"`)
	c.protect()
	c.defaults("/defaultForNewUsers", g.DefaultForNewUsers)
	c.defaults("/defaultForAllUsers", g.DefaultForAllUsers)
	c.mode()
	for i, r := range g.Manual.Rules {
		c.rule(i, r)
	}
	c.welcome()
	c.shadows()
	c.keeps()
	c.onTheFly(g.OnTheFly)
	c.protected(g.Protected)
	if err := c.faults.err(); err != nil {
		return nil, err
	}
	return c.m, nil
}

type groupCompiler struct {
	m      *GroupMap
	faults Faults
	tried  int // names on patterns, see maxShadowWork
}

func (c *groupCompiler) mode() {
	switch c.m.mode {
	case "":
		c.m.mode = OnTheFlyMapping
	case OnTheFlyMapping, ManualMapping:
	default:
		c.faults.add("/mapping", quote(string(c.m.mode))+" is no way to map groups", `Write "on-the-fly" or "manual"`)
	}
}

// protect notes which groups are protected: all that follows asks for that.
func (c *groupCompiler) protect() {
	names := c.m.settings.Protected
	if names == nil {
		names = DefaultProtected()
	}
	c.m.protected = make(map[string]bool)
	for _, name := range names {
		c.m.protected[Fold(name)] = true
	}
}

// protected checks the names of protected groups.
func (c *groupCompiler) protected(names []string) {
	for i, name := range names {
		if problem := nameProblem(name); problem != "" {
			c.faults.add(fmt.Sprintf("/protected/%d", i), "the name "+problem, "Write the name of a Crowd group, such as \"crowd-administrators\"")
		}
	}
}

// defaults checks a list of default groups.
func (c *groupCompiler) defaults(pointer string, names []string) {
	seen := make(map[string]bool)
	for i, name := range names {
		p := fmt.Sprintf("%s/%d", pointer, i)
		switch {
		case nameProblem(name) != "":
			c.faults.add(p, "the name "+nameProblem(name), "Write the name of a Crowd group, such as \"employees\"")
		case c.m.Protected(name):
			c.faults.add(p, quote(name)+" is protected and cannot be a default group", `Choose another group, such as "employees", or take it out of "protected"`)
		case seen[Fold(name)]:
			c.faults.add(p, quote(name)+" stands there twice", `Leave one of the two out, as in ["employees"]; case does not matter`)
		}
		seen[Fold(name)] = true
	}
}

// welcome refuses default groups for new users that a rule takes them out of again.
func (c *groupCompiler) welcome() {
	for i, name := range c.m.settings.DefaultForNewUsers {
		if keep, named := c.m.keeps[Fold(name)]; named && !keep && c.m.mode == ManualMapping {
			c.faults.add(fmt.Sprintf("/defaultForNewUsers/%d", i), "a rule fills "+quote(name)+" and does not keep existing users, so new users would leave it again",
				`Choose another group, such as "employees", or write "keepExistingUsers": true on the rules that fill `+quote(name))
		}
	}
}

func (c *groupCompiler) rule(i int, r Rule) {
	pointer := fmt.Sprintf("/manual/rules/%d", i)
	compiled := rule{Rule: r, from: Fold(r.From), keep: orTrue(r.KeepExistingUsers)}
	kind, value := c.source(pointer, r)
	compiled.text = fmt.Sprintf("manual.rules[%d] (%s %q)", i, kind, value)
	if problem := nameProblem(r.From); r.From != "" && problem != "" {
		c.faults.add(pointer+"/from", "no SCIM group can have this name: it "+problem, `Write the name of a SCIM group, such as "Engineering"`)
	}
	if r.FromPattern != "" {
		compiled.pattern = c.pattern(pointer+"/fromPattern", r.FromPattern, true)
	}
	if r.Protected != "" && r.Protected != addToProtected {
		c.faults.add(pointer+"/protected", quote(r.Protected)+" is not known", `Write "add", or leave it out`)
	}
	if len(r.To) == 0 {
		c.faults.add(pointer+"/to", "the rule has no Crowd group to fill", `Write for example "to": ["jira-developers"]`)
	}
	for j, to := range r.To {
		c.target(fmt.Sprintf("%s/to/%d", pointer, j), j, to, &compiled)
	}
	c.m.rules = append(c.m.rules, compiled)
}

// source returns which of the sources a rule has.
func (c *groupCompiler) source(pointer string, r Rule) (kind, value string) {
	n := 0
	for _, s := range []struct{ kind, value string }{
		{"from", r.From}, {"fromExternalId", r.FromExternalID}, {"fromPattern", r.FromPattern},
	} {
		if s.value != "" {
			kind, value = s.kind, s.value
			n++
		}
	}
	if n != 1 {
		c.faults.add(pointer, fmt.Sprintf("the rule has %d of from, fromExternalId and fromPattern", n),
			`Give it exactly one, as in {"from": "Engineering", "to": ["jira-developers"]}`)
	}
	return kind, value
}

// pattern compiles a regular expression that ignores case and, where whole is true, matches whole names.
func (c *groupCompiler) pattern(pointer, text string, whole bool) *regexp.Regexp {
	if _, problem := compilePattern(text); problem != "" {
		c.faults.add(pointer, "the pattern "+quote(text)+" "+problem, `Write a regular expression such as "dev-(.*)"`)
		return nil
	}
	full := "(?i:" + text + ")"
	if whole {
		full = "^" + full + "$"
	}
	re, problem := compilePattern(full)
	if problem != "" {
		c.faults.add(pointer, "the pattern "+quote(text)+" "+problem, `Write a regular expression that matches whole names, such as "dev-(.*)"`)
	}
	return re
}

// target checks one target of a rule and notes what it says of existing members.
func (c *groupCompiler) target(pointer string, index int, to string, r *rule) {
	if r.FromPattern != "" && r.pattern != nil && !c.template(pointer, index, to, r) {
		return
	}
	if r.FromPattern != "" && strings.Contains(to, "$") {
		return // what it expands to is looked at when it is known
	}
	switch problem := nameProblem(to); {
	case problem != "":
		c.faults.add(pointer, "the name "+problem, `Write the name of a Crowd group, such as "jira-developers"`)
	case isRegistry(to):
		c.faults.add(pointer, quote(to)+" is a group in which a connection keeps its records", `Choose another Crowd group, such as "jira-developers"`)
	case c.m.protected[Fold(to)] && r.Protected != addToProtected:
		c.faults.add(pointer, quote(to)+" is protected", "Choose another Crowd group, or write \"protected\": \"add\" on this rule so that it may add members and never takes any out")
	}
	if keep, ok := c.m.keeps[Fold(to)]; ok && keep != r.keep {
		c.faults.add(pointer, "another rule with the target "+quote(to)+" says otherwise of keepExistingUsers", "Give keepExistingUsers the same value on all rules that fill "+quote(to)+`, as in "keepExistingUsers": true`)
		return
	}
	c.m.keeps[Fold(to)] = r.keep
}

// template reads a target in which groups of the pattern may stand, and reports whether it could.
func (c *groupCompiler) template(pointer string, index int, to string, r *rule) bool {
	t, problem := parseTemplate(to, r.pattern)
	if problem != "" {
		c.faults.add(pointer, quote(to)+" "+problem, "Write as many groups in parentheses as \"to\" uses, as in \"fromPattern\": \"okta-(.*)\", \"to\": [\"$1\"]")
		return false
	}
	r.to = append(r.to, t)
	if t.open() {
		r.open = append(r.open, t.ends(index))
	}
	return true
}

// shadows refuses rules that add nothing to others, wherever these stand. Of two that do the same the later goes.
func (c *groupCompiler) shadows() {
	rules := c.m.rules
	for i := range rules {
		for j := range rules {
			if i != j && c.addsNothing(&rules[i], &rules[j]) && (j < i || !c.addsNothing(&rules[j], &rules[i])) {
				c.faults.add(fmt.Sprintf("/manual/rules/%d", i), fmt.Sprintf("the rule adds nothing to rule %d, which has the same groups and targets", j),
					`Remove it, or give it another target, as in "to": ["jira-developers"]`)
				break
			}
		}
	}
}

// maxShadowWork bounds the trying of names on patterns, in bytes of the one times bytes of the other. It is many times
// what thousands of rules need that people wrote; beyond it, what a pattern makes needless is not looked for.
const maxShadowWork = 20_000_000

// addsNothing reports whether all that r maps, the other rule maps to the same targets, with the same settings.
func (c *groupCompiler) addsNothing(r, other *rule) bool {
	switch {
	case r.Protected != other.Protected || r.keep != other.keep || len(r.To) == 0:
		return false
	case r.FromPattern != "":
		return other.FromPattern == r.FromPattern && subset(r.To, other.To)
	case r.FromExternalID != "":
		return other.FromExternalID == r.FromExternalID && subset(r.To, other.To)
	case r.From == "":
		return false
	case other.From != "": // folded once, since there may be thousands of rules
		return other.from == r.from && subset(r.To, other.To)
	}
	g := SCIMGroup{Name: r.From}
	c.tried += len(r.From) * len(other.FromPattern)
	return c.tried <= maxShadowWork && other.satisfied(g) && subset(r.To, other.targets(g))
}

// keeps refuses two rules whose targets hold what their patterns matched, and may be one Crowd group, and that say
// different things of existing members.
func (c *groupCompiler) keeps() {
	for i := range c.m.rules {
		for j := range c.m.rules[:i] {
			if c.m.rules[i].keep != c.m.rules[j].keep && c.meet(i, j) {
				break
			}
		}
	}
}

// meet notes that two rules may fill one Crowd group, and reports whether.
func (c *groupCompiler) meet(i, j int) bool {
	for _, to := range c.m.rules[i].open {
		for _, other := range c.m.rules[j].open {
			if to.meets(other) {
				c.faults.add(fmt.Sprintf("/manual/rules/%d/to/%d", i, to.at),
					fmt.Sprintf("rule %d may fill the same Crowd group, by %s, and says otherwise of keepExistingUsers", j, quote(c.m.rules[j].To[other.at])),
					`Give keepExistingUsers the same value on both rules, or let their targets begin or end differently, as in "okta-$1" and "entra-$1"`)
				return true
			}
		}
	}
	return false
}

// subset reports whether all of a are in b, as names of groups.
func subset(a, b []string) bool {
	for _, name := range a {
		if !slices.ContainsFunc(b, func(s string) bool { return Fold(s) == Fold(name) }) {
			return false
		}
	}
	return true
}

func (c *groupCompiler) onTheFly(o OnTheFly) {
	if o.Exclusive && orTrue(o.KeepExistingGroups) {
		c.faults.add("/onTheFly/exclusive", "exclusive groups have no members of others, which keepExistingGroups would keep",
			`Write "keepExistingGroups": false beside it, or leave exclusive out`)
	}
	switch o.Collisions {
	case "", Union, Refuse:
	default:
		c.faults.add("/onTheFly/collisions", quote(string(o.Collisions))+" is no way to treat collisions", `Write "union" or "refuse"`)
	}
	c.m.only = c.globs("/onTheFly/only", o.Only)
	c.m.never = c.globs("/onTheFly/never", o.Never)
	for i, only := range c.m.only {
		if slices.ContainsFunc(c.m.never, func(never string) bool { return glob(never, only) }) {
			c.faults.add(fmt.Sprintf("/onTheFly/only/%d", i), quote(o.Only[i])+" is under \"never\" as well", `Leave it out of one of the two lists, as in "only": ["dev-*"], "never": ["dev-secret"]`)
		}
	}
	c.rename(o.Rename)
}

func (c *groupCompiler) globs(pointer string, names []string) []string {
	var folded []string
	for i, name := range names {
		if problem := nameProblem(name); problem != "" {
			c.faults.add(fmt.Sprintf("%s/%d", pointer, i), "the name "+problem, `Write the name of a SCIM group, or one with a star such as "dev-*"`)
		}
		folded = append(folded, Fold(name))
	}
	return folded
}

func (c *groupCompiler) rename(r Rename) {
	for i, replace := range r.Replace {
		pointer := fmt.Sprintf("/onTheFly/rename/replace/%d", i)
		if replace.Pattern == "" {
			c.faults.add(pointer+"/pattern", "there is nothing to replace", `Write a regular expression such as "^okta-"`)
			continue
		}
		re := c.pattern(pointer+"/pattern", replace.Pattern, false)
		if re == nil {
			continue
		}
		t, problem := parseTemplate(replace.With, re)
		if problem != "" {
			c.faults.add(pointer+"/with", quote(replace.With)+" "+problem, `Write as many groups in parentheses as "with" uses, as in "pattern": "^okta-(.*)$", "with": "$1"`)
		}
		c.m.replace = append(c.m.replace, replacement{re, t})
	}
	if nameProblem(r.Prefix+"x"+r.Suffix) != "" {
		c.faults.add("/onTheFly/rename", "prefix and suffix would make names that Crowd refuses", `Write for example "prefix": "okta-"`)
	}
	if isRegistry(r.Prefix) {
		c.faults.add("/onTheFly/rename/prefix", "names that begin so are those of groups in which connections keep their records", `Write for example "prefix": "okta-"`)
	}
}
