package backup

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
)

// Bounds of what a document holds in all, since each costs time and memory to
// make ready.
const (
	maxPaths    = 20_000
	maxCompiled = 1_000      // expressions and regular expressions
	maxPairs    = 16_000_000 // of rules, targets or filters of one connection, which are held against each other
)

// A checker finds the faults that settings have together, each of them being
// well formed.
type checker struct {
	faults   faults
	before   mapping.Faults    // of the form, found earlier
	unsaid   []string          // texts that problems hold which follow from others
	compiled int               // expressions and regular expressions so far
	sources  int               // attribute paths so far
	pairs    int               // of rules and filters so far
	names    map[string]string // pointers of connections
	paths    map[string]string // pointers of their paths
	below    map[string]string // paths above others: the pointer of one below
}

// check returns what is wrong with c beyond the form of its values, of which before
// tells.
func check(c *Config, before mapping.Faults) *faults {
	k := &checker{before: before, names: map[string]string{}, paths: map[string]string{}, below: map[string]string{}}
	for i := range c.Connections {
		k.connection(&c.Connections[i], fmt.Sprintf("/connections/%d", i))
	}
	k.exclusive(c.Connections)
	k.replicas(c.Connections)
	return &k.faults
}

// exclusive refuses exclusive groups in a directory that connections share.
func (k *checker) exclusive(all []Connection) {
	for i, c := range all {
		if !c.Groups.OnTheFly.Exclusive {
			continue
		}
		for j, other := range all {
			if i != j && c.SharesDirectory(other) {
				k.faults.add(fmt.Sprintf("/connections/%d/groups/onTheFly/exclusive", i),
					fmt.Sprintf("the connection %s provisions the same directory", quote(other.Name)),
					`Leave exclusive out, as in "onTheFly": {"keepExistingGroups": false}, or give each connection a directory of its own`)
				break
			}
		}
	}
}

// replicas refuses connections of one directory that do not say the same of who else
// serves it.
func (k *checker) replicas(all []Connection) {
	one := func(c Connection) bool { return c.Crowd.Replicas == groupsync.OneReplica }
	for i, c := range all {
		for _, other := range all {
			if one(c) && !one(other) && c.SharesDirectory(other) {
				k.faults.add(fmt.Sprintf("/connections/%d/crowd/replicas", i),
					fmt.Sprintf("the connection %s provisions the same directory, and many processes may serve it", quote(other.Name)),
					`Write "replicas": "one" in both, or in neither`)
				break
			}
		}
	}
}

func (k *checker) connection(c *Connection, pointer string) {
	k.name(c.Name, pointer)
	k.path(c.Path, pointer+"/path")
	k.tokens(c, pointer+"/tokens")
	k.access(c.Access, pointer+"/access")
	k.crowd(&c.Crowd, pointer+"/crowd")
	k.webhook(c.Webhook, pointer+"/webhook")
	k.users(&c.Users, pointer+"/users")
	k.jira(c, pointer)
	k.groups(&c.Groups, pointer+"/groups")
}

func (k *checker) name(name, pointer string) {
	if first, taken := k.names[name]; taken {
		k.faults.add(pointer+"/name", fmt.Sprintf("the name %s is that of %s already", quote(name), first), "Give each connection a name of its own")
		return
	}
	if name != "" {
		k.names[name] = pointer
	}
}

// path refuses a path that is another's, or below or above one.
func (k *checker) path(path, pointer string) {
	const remedy = `Give each connection a path of its own, such as "/scim/okta/v2"`
	if path == "" {
		return
	}
	if other, taken := k.paths[path]; taken {
		k.faults.add(pointer, fmt.Sprintf("the path %s is that of %s already", quote(path), strings.TrimSuffix(other, "/path")), remedy)
		return
	}
	if other, found := k.below[path]; found {
		k.faults.add(pointer, fmt.Sprintf("the path of %s lies below %s", strings.TrimSuffix(other, "/path"), quote(path)), remedy)
	}
	for above := path; above != "/"; {
		above = above[:strings.LastIndexByte(above, '/')]
		if above == "" {
			above = "/"
		}
		if other, taken := k.paths[above]; taken {
			k.faults.add(pointer, fmt.Sprintf("the path lies below %s, that of %s", quote(above), strings.TrimSuffix(other, "/path")), remedy)
		}
		if k.below[above] == "" {
			k.below[above] = pointer
		}
	}
	k.paths[path] = pointer
}

func (k *checker) access(a scim.Access, pointer string) {
	for i, text := range a.Addresses {
		if (scim.Access{Addresses: []string{text}}).Validate() != nil {
			k.faults.add(fmt.Sprintf("%s/addresses/%d", pointer, i), quote(text)+" is neither an address nor a network", `Write for example "192.0.2.17" or "192.0.2.0/24"`)
		}
	}
	k.issuers(a.Issuers, pointer+"/issuers")
	if (scim.Access{Scheme: a.Scheme}).Validate() != nil {
		k.faults.add(pointer+"/scheme", quote(a.Scheme)+" cannot be chosen", `Write another word, such as "OAuth"; Basic and Bearer are understood without it`)
	}
}

// issuers refuses what would accept nobody's tokens, or those of too many.
func (k *checker) issuers(all []scim.Issuer, pointer string) {
	const address = `Write for example "https://auth.example.com"`
	for n, i := range all {
		at := fmt.Sprintf("%s/%d", pointer, n)
		switch {
		case (i.URL == "") == (i.EntraTenant == ""):
			k.faults.add(at, "it has not exactly one of issuer and entraTenant", `Give it one, as in {"issuer": "https://auth.example.com", "audience": "https://bridge.example.com/scim"}`)
			continue
		case i.EntraTenant == "" && i.Audience == "":
			k.faults.add(at+"/audience", "it is missing, so tokens that the issuer made for others would be accepted", `Add "audience": "https://bridge.example.com/scim", or whatever stands for this server in its tokens`)
		}
		if i.URL != "" && (scim.Issuer{URL: i.URL, Audience: "any"}).Validate() != nil {
			k.faults.add(at+"/issuer", "it is not an https address", address)
		}
		if i.Keys != "" && (scim.Issuer{URL: i.Keys, Audience: "any"}).Validate() != nil {
			k.faults.add(at+"/keys", "it is not an https address", `Write for example "https://auth.example.com/keys"`)
		}
	}
}

func (k *checker) tokens(c *Connection, pointer string) {
	if len(c.Tokens) == 0 && len(c.Access.Issuers) == 0 {
		k.faults.add(pointer, "it is missing, so nobody could authenticate", `Add "tokens": [{"id": "2026-11", "sha256": "..."}], or name who issues tokens in access.issuers`)
	}
	const hashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	ids, sums := map[string]int{}, map[string]int{}
	for i, t := range c.Tokens {
		at := fmt.Sprintf("%s/%d", pointer, i)
		sum := strings.ToLower(t.SHA256)
		if first, taken := ids[t.ID]; taken && t.ID != "" {
			k.faults.add(at+"/id", fmt.Sprintf("the id %s is that of token %d already", quote(t.ID), first), "Give each token an id of its own")
		} else {
			ids[t.ID] = i
		}
		if sum == hashOfNothing {
			k.faults.add(at+"/sha256", "it is the hash of an empty text", "Hash the token itself")
		}
		if first, taken := sums[sum]; taken && sum != "" {
			k.faults.add(at+"/sha256", fmt.Sprintf("the token is that of entry %d already", first), "Remove one of the two")
		} else {
			sums[sum] = i
		}
	}
}

func (k *checker) crowd(c *Crowd, pointer string) {
	k.address(c.URL, pointer+"/url", `Write for example "https://crowd.example.com/crowd"`)
	k.password(c.Password, pointer+"/password", "CROWD_PASSWORD")
	if d := c.Directory; d.Create && d.Type != "" && d.Type != Internal {
		k.faults.add(pointer+"/directory/create", fmt.Sprintf("a directory of type %s cannot be created here", quote(string(d.Type))),
			"Create it in Crowd and leave create out, or write \"type\": \"internal\"")
	}
}

// jira checks how Jira is reached, and who takes over there. One without the other is
// no fault: that is told when the connection is built.
func (k *checker) jira(c *Connection, pointer string) {
	j := c.Jira
	if j == (Jira{}) {
		k.userName(c.Users.Leads.Project, pointer+"/users/leads/project")
		k.userName(c.Users.Leads.Component, pointer+"/users/leads/component")
		return
	}
	k.address(j.URL, pointer+"/jira/url", `Write for example "https://jira.example.com"`)
	k.password(j.Token, pointer+"/jira/token", "JIRA_TOKEN")
	if j.Type == jiraleads.Cloud {
		if !strings.Contains(j.User, "@") {
			k.faults.add(pointer+"/jira/user", "Jira Cloud takes the e-mail address of the account with its token", `Write for example "scim@example.com"`)
		}
		return
	}
	k.userName(c.Users.Leads.Project, pointer+"/users/leads/project")
	k.userName(c.Users.Leads.Component, pointer+"/users/leads/component")
	if j.MatchDisplayName {
		k.faults.add(pointer+"/jira/matchDisplayName", "it is for Jira Cloud; Jira Data Center knows users by name", `Leave it out, or write "type": "cloud"`)
	}
}

func (k *checker) webhook(w Webhook, pointer string) {
	if w == (Webhook{}) {
		return
	}
	k.address(w.URL, pointer+"/url", `Write for example "https://hr.example.com/leavers"`)
	k.password(w.Secret, pointer+"/secret", "WEBHOOK_SECRET")
}

func (k *checker) address(text, pointer, remedy string) {
	if u, err := url.Parse(text); text != "" && (err != nil || u.Hostname() == "") {
		k.faults.add(pointer, "it is not an address", remedy)
	}
}

func (k *checker) password(p Password, pointer, variable string) {
	given := 0
	for _, s := range []string{p.Env, p.File, p.Value.Reveal(), p.Sealed} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		k.faults.add(pointer, fmt.Sprintf("it has %d of env, file, value and sealed", given), fmt.Sprintf(`Give it exactly one, as in {"env": "%s"}`, variable))
	}
}

func (k *checker) users(u *Users, pointer string) {
	protected := map[string]bool{}
	for i, name := range u.Protected {
		at := fmt.Sprintf("%s/protected/%d", pointer, i)
		k.userName(name, at)
		if protected[crowd.Fold(name)] {
			k.faults.add(at, quote(name)+" stands there twice", `Leave one of the two out, as in ["admin"]; case does not matter`)
		}
		protected[crowd.Fold(name)] = true
	}
	k.extensions(u.Extensions, pointer+"/extensions")
	k.unsaid = k.unclear(u.Extensions, pointer+"/extensions")
	defer func() { k.unsaid = nil }()
	schema := u.schema()
	for i, path := range u.Keep.Paths {
		k.keptPath(path, schema, fmt.Sprintf("%s/keep/%d", pointer, i))
	}
	for _, row := range u.Attributes {
		k.sources += len(row.From)
		if row.Expr != "" {
			k.compiled++
		}
	}
	if u.Filter != "" {
		k.compiled++
	}
	if k.tooMany(pointer + "/attributes") {
		return
	}
	_, err := mapping.CompileUserFilter(u.Filter, schema)
	k.mapped(err, pointer+"/filter")
	_, err = mapping.CompileAttributes(u.Attributes, mapping.AttributeOptions{Schema: schema})
	k.mapped(err, pointer+"/attributes")
}

func (k *checker) userName(name, pointer string) {
	if name == "" {
		return
	}
	if err := crowd.ValidateName(name); err != nil {
		k.faults.add(pointer, "Crowd can have no user of that name", `Write a user name such as "jdoe": without white space around it, and at most 255 characters`)
	}
}

// keptPath checks a path of users.keep. Of extensions that are not declared nothing is
// taken, so there is nothing to keep either.
func (k *checker) keptPath(text string, schema *mapping.Schema, pointer string) {
	remedy := "Write for example \"phoneNumbers\" or \"name.middleName\""
	path, err := filter.ParsePath(text)
	if err != nil {
		problem := "it is not an attribute path"
		if e, ok := errors.AsType[*filter.SyntaxError](err); ok {
			problem += fmt.Sprintf(": at character %d: %s", e.Offset+1, e.Problem)
		}
		k.faults.add(pointer, problem, remedy)
		return
	}
	if _, err := path.Check(schema); err == nil || k.faults.full() {
		return
	}
	if best := nearest(text, schema.Names()); best != "" {
		remedy = "Did you mean " + quote(best) + "?"
	} else if path.Attr.URN != "" {
		remedy = `Declare it, as in "extensions": [{"id": "urn:example:User", "attributes": [{"name": "badge"}]}]`
	}
	k.follow(mapping.Fault{Pointer: pointer, Problem: "there is no attribute " + quote(text), Remedy: remedy})
}

func (k *checker) groups(g *Groups, pointer string) {
	for _, r := range g.Manual.Rules {
		if r.FromPattern != "" {
			k.compiled++
		}
	}
	k.compiled += len(g.OnTheFly.Rename.Replace)
	if g.Filter != "" {
		k.compiled++
	}
	k.pairs += pairs(g)
	if k.tooMany(pointer) {
		return
	}
	_, err := mapping.CompileGroups(g.Groups)
	k.mapped(err, pointer)
}

// pairs counts what is held against each other: rules, their targets where these
// hold what a pattern matched, and filters.
func pairs(g *Groups) int {
	rules, targets, open := len(g.Manual.Rules), 0, 0
	for _, r := range g.Manual.Rules {
		targets += len(r.To)
		if r.FromPattern != "" {
			open += len(r.To)
		}
	}
	return rules*max(rules, targets) + open*open + len(g.OnTheFly.Only)*len(g.OnTheFly.Never)
}

// tooMany notes that there is too much to make ready, and reports whether.
func (k *checker) tooMany(pointer string) bool {
	problem := ""
	switch {
	case k.sources > maxPaths:
		problem = fmt.Sprintf("with these, the document has more than %d attribute paths", maxPaths)
	case k.compiled > maxCompiled:
		problem = fmt.Sprintf("with these, the document has more than %d expressions and regular expressions", maxCompiled)
	case k.pairs > maxPairs:
		problem = "with these, the document has too many rules to hold each against each"
	default:
		return false
	}
	k.faults.add(pointer, problem, "Split it into several documents")
	return true
}

// mapped notes the faults that package mapping has found.
func (k *checker) mapped(err error, pointer string) {
	if err == nil {
		return
	}
	list, ok := errors.AsType[mapping.Faults](err)
	if !ok {
		k.faults.add(pointer, err.Error(), "Correct it")
		return
	}
	for _, f := range list.Below(pointer) {
		k.follow(f)
	}
}

// follow notes a fault, unless it may follow from another.
func (k *checker) follow(f mapping.Fault) {
	problem := strings.ToLower(f.Problem)
	if !slices.ContainsFunc(k.unsaid, func(text string) bool { return strings.Contains(problem, text) }) {
		k.faults.add(f.Pointer, f.Problem, f.Remedy)
	}
}
