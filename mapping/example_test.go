package mapping_test

import (
	"encoding/json"
	"fmt"

	"github.com/scimcrowd/scimcrowd/mapping"
)

// must keeps the examples short: their settings are right.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// user is what an identity provider sends.
func user(text string) map[string]any {
	var u map[string]any
	if err := json.Unmarshal([]byte(text), &u); err != nil {
		panic(err)
	}
	return u
}

const ann = `{
	"userName": "ann.berg@harbour.example", "active": true, "title": "Captain",
	"name": {"givenName": "Ann", "familyName": "Berg"},
	"emails": [{"value": "ann@home.example", "type": "home"}, {"value": "ann@harbour.example", "type": "work"}]
}`

func Example() {
	attributes := must(mapping.CompileAttributes(nil, mapping.AttributeOptions{}))
	fields := must(attributes.ToCrowd(user(ann)))
	fmt.Println(*fields.Username, *fields.Email, *fields.DisplayName)

	groups := must(mapping.CompileGroups(mapping.Groups{}))
	fmt.Println(groups.Targets(mapping.SCIMGroup{Name: "Engineering"})[0].Group)
	// Output:
	// ann.berg@harbour.example ann@harbour.example Ann Berg
	// Engineering
}

// Attribute mapping: the user name without the domain, the department as a custom attribute of the Crowd user, and
// only people with a work address.
func Example_attributeMapping() {
	var rows mapping.Attributes
	settings := `[
		{"to": "username", "expr": "lower(localPart(userName))"},
		{"to": "email", "from": ["emails[type eq \"work\"].value"], "ifMissing": "reject"},
		{"to": "department", "from": ["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "title"]},
		{"to": "source", "const": "Okta"}
	]`
	if err := json.Unmarshal([]byte(settings), &rows); err != nil {
		panic(err)
	}
	attributes := must(mapping.CompileAttributes(rows, mapping.AttributeOptions{}))
	fmt.Print(attributes.Explain(user(ann)))

	_, err := attributes.ToCrowd(user(`{"userName": "bob"}`))
	fmt.Println(err)
	// Output:
	// user ann.berg
	//   username: ["ann.berg"], from lower(localPart(userName))
	//   email: ["ann@harbour.example"], from emails[type eq "work"].value
	//   firstName: ["Ann"], from name.givenName
	//   lastName: ["Berg"], from name.familyName
	//   displayName: ["Ann Berg"], from trim(name.givenName + " " + name.familyName)
	//     displayName has no value
	//     name.formatted has no value
	//   active: true, from active
	//   department: ["Captain"], from title
	//     urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department has no value
	//   source: ["Okta"], from constant
	// mapping: emails[type eq "work"].value: it is missing, and email in Crowd needs it. Assign a value in the identity provider, or give the row another source
}

// Manual group mapping: rules say which Crowd groups a group of the identity provider fills. Listing all groups
// shows which are not mapped yet.
func Example_manualMapping() {
	groups := must(mapping.CompileGroups(mapping.Groups{
		Mapping: mapping.ManualMapping,
		Manual: mapping.Manual{Rules: []mapping.Rule{
			{From: "Engineering", To: []string{"jira-developers", "bitbucket-users"}},
			{FromPattern: "Team (.*)", To: []string{"team-$1"}},
		}},
	}))
	for _, trace := range groups.List([]mapping.SCIMGroup{{Name: "engineering"}, {Name: "Team Blue"}, {Name: "Sales"}}) {
		fmt.Print(trace)
	}
	// Output:
	// group engineering
	//   jira-developers: filled by manual.rules[0] (from "Engineering"); other members are kept
	//   bitbucket-users: filled by manual.rules[0] (from "Engineering"); other members are kept
	// group Sales
	//   (none): no rule is about this group, and importGroups is off
	// group Team Blue
	//   team-Blue: filled by manual.rules[1] (fromPattern "Team (.*)"); other members are kept
}

// On-the-fly group mapping: each pushed group fills the Crowd group of its name, here without the prefix that the
// identity provider gives its groups, and only those that have it.
func Example_onTheFlyMapping() {
	groups := must(mapping.CompileGroups(mapping.Groups{OnTheFly: mapping.OnTheFly{
		Only:   []string{"okta-*"},
		Rename: mapping.Rename{Replace: []mapping.Replacement{{Pattern: "^okta-", With: ""}}},
	}}))
	fmt.Print(groups.Explain(mapping.SCIMGroup{Name: "okta-developers"}))
	fmt.Print(groups.Explain(mapping.SCIMGroup{Name: "Everyone"}))
	// Output:
	// group okta-developers
	//   developers: filled by on the fly; other members are kept; made if missing
	// group Everyone
	//   Everyone: not filled by on the fly: the group is not among those that onTheFly.only names
}

// Import groups: SCIM groups that no rule is about fill the Crowd group of their name. Before it is switched on,
// Changes tells what that would bring.
func Example_importGroups() {
	settings := mapping.Groups{
		Mapping: mapping.ManualMapping,
		Manual:  mapping.Manual{Rules: []mapping.Rule{{From: "Engineering", To: []string{"jira-developers"}}}},
	}
	before := must(mapping.CompileGroups(settings))
	settings.Manual.ImportGroups = true
	after := must(mapping.CompileGroups(settings))
	for _, change := range before.Changes(after, []mapping.SCIMGroup{{Name: "Engineering"}, {Name: "Sales"}}) {
		fmt.Println(change)
	}
	// Output:
	// group Sales: Sales: not filled -> filled, others kept
}

// Filters: only employees are provisioned, and only groups whose name begins with "crowd-" fill any.
func Example_filters() {
	employees := must(mapping.CompileUserFilter(`userType == "Employee"`, nil))
	attributes := must(mapping.CompileAttributes(nil, mapping.AttributeOptions{Filter: employees}))
	fmt.Print(attributes.Explain(user(`{"userName": "guest", "userType": "Guest"}`)))

	groups := must(mapping.CompileGroups(mapping.Groups{Filter: `displayName startsWith "crowd-"`}))
	fmt.Print(groups.Explain(mapping.SCIMGroup{Name: "All hands"}))
	// Output:
	// user guest
	//   active: false, since the filter does not choose this user: userType == "Employee"; nothing else is changed, and nobody new is created
	// group All hands
	//   (none): not filled by filter: the group is not among those that the filter chooses: displayName startsWith "crowd-"
}

// Default groups: those for all users are ensured for every user of the connection; those for new users are joined
// once, when a user is created.
func Example_defaultGroups() {
	groups := must(mapping.CompileGroups(mapping.Groups{
		DefaultForNewUsers: []string{"welcome"},
		DefaultForAllUsers: []string{"employees"},
	}))
	fmt.Println("joined once:", groups.DefaultForNewUsers())
	for _, d := range groups.DeriveUser(mapping.UserState{Name: "ann", Ours: true}) {
		fmt.Println(d.Action, d.Target.Group, d.Reasons)
	}
	// Output:
	// joined once: [welcome]
	// add employees [default group for all users]
}

// Keep existing groups: on, a group that ann joined by hand stays hers; off, she is in what the identity provider
// says and nothing else, protected groups aside.
func Example_keepExistingGroups() {
	ann := mapping.UserState{
		Name:        "ann",
		Grants:      []mapping.Grant{{Group: mapping.SCIMGroup{ID: "1", Name: "devs"}, Live: true}},
		Memberships: []string{"devs", "book-club", "crowd-administrators"},
	}
	for _, keep := range []bool{true, false} {
		groups := must(mapping.CompileGroups(mapping.Groups{OnTheFly: mapping.OnTheFly{KeepExistingGroups: &keep}}))
		fmt.Println("keep existing groups:", keep)
		for _, d := range groups.DeriveUser(ann) {
			fmt.Println(" ", d.Action, d.Target.Group, d.Reasons)
		}
	}
	// Output:
	// keep existing groups: true
	//   add devs [granted by devs, on the fly]
	// keep existing groups: false
	//   remove book-club [not granted, and memberships of others are not kept here]
	//   add devs [granted by devs, on the fly]
}

// Keep existing users, of a rule: members put there by hand stay, whatever the identity provider says; those it put
// there leave when it says so.
func Example_keepExistingUsers() {
	byHand := mapping.Edge{Target: "jira-developers", Keep: true, Provenance: mapping.Absent}
	byProvider := mapping.Edge{Target: "jira-developers", Keep: true, Provenance: mapping.Made}
	for _, e := range []mapping.Edge{byHand, byProvider} {
		action, reasons := mapping.Derive(e)
		fmt.Println(action, reasons)
	}
	// Output:
	// leave [not granted, and not made by the identity provider]
	// remove [made by the identity provider, which grants it no longer]
}

// A user leaves a Crowd group only with the last of the groups that fill it.
func ExampleDerive() {
	grant := func(name string) mapping.Grant {
		return mapping.Grant{Group: mapping.SCIMGroup{ID: name, Name: name}, Live: true}
	}
	e := mapping.Edge{Target: "devs", Provenance: mapping.Made, Keep: true, Grants: []mapping.Grant{grant("web"), grant("app")}}
	for range 3 {
		action, reasons := mapping.Derive(e)
		fmt.Println(action, reasons)
		e.Grants = e.Grants[:max(0, len(e.Grants)-1)]
	}
	// Output:
	// add [granted by app granted by web]
	// add [granted by web]
	// remove [made by the identity provider, which grants it no longer]
}

func ExampleGroupMap_ExplainUser() {
	groups := must(mapping.CompileGroups(mapping.Groups{
		Mapping: mapping.ManualMapping, DefaultForAllUsers: []string{"employees"},
		Manual: mapping.Manual{Rules: []mapping.Rule{{From: "Engineering", To: []string{"jira-developers"}}}},
	}))
	fmt.Print(groups.ExplainUser(mapping.UserState{
		Name: "ann", Ours: true,
		Grants:     []mapping.Grant{{Group: mapping.SCIMGroup{ID: "1", Name: "Engineering"}, Live: true}},
		Provenance: map[string]mapping.Provenance{"confluence-users": mapping.Made},
	}))
	// Output:
	// user ann
	//   confluence-users: remove: made by the identity provider, which grants it no longer
	//   employees: add: default group for all users
	//   jira-developers: add: granted by Engineering, manual.rules[0] (from "Engineering")
}

func ExampleCompileAttributes_faults() {
	_, err := mapping.CompileAttributes(mapping.Attributes{
		{To: "email", From: []string{"emails.valu"}},
		{To: "displayName", Expr: "lower(nickname)"},
	}, mapping.AttributeOptions{})
	fmt.Println(err)
	// Output:
	// /0/from/0: the path "emails.valu" does not fit the schema: emails.valu: emails has no sub-attribute "valu". Did you mean emails.value?
	// /1/expr: the expression names nickname, but attributes in expressions are spelled exactly. Write nickName
}

func ExampleAttributeMap_ToSCIM() {
	attributes := must(mapping.CompileAttributes(nil, mapping.AttributeOptions{}))
	held := mapping.Fields{Username: new("ann"), LastName: new("Berg-Sand"), Active: new(true)}
	kept := user(`{"userName": "ann", "name": {"familyName": "Berg"}, "title": "Captain", "active": true}`)
	shown := must(json.Marshal(attributes.ToSCIM(held, kept)))
	fmt.Println(string(shown))
	// Output: {"active":true,"name":{"familyName":"Berg-Sand"},"title":"Captain","userName":"ann"}
}

func ExampleAttributeMap_Changes() {
	before := must(mapping.CompileAttributes(nil, mapping.AttributeOptions{}))
	after := must(mapping.CompileAttributes(mapping.Attributes{{To: "username", Expr: "localPart(userName)"}}, mapping.AttributeOptions{}))
	for _, change := range before.Changes(after, user(ann)) {
		fmt.Println(change)
	}
	// Output: user ann.berg@harbour.example: username: ["ann.berg@harbour.example"] -> ["ann.berg"]
}

func ExampleCompileUserFilter() {
	employees := must(mapping.CompileUserFilter(`userType == "Employee"`, nil))
	fmt.Println(employees.Includes(user(`{"userName": "ann", "userType": "Employee"}`)))
	fmt.Println(employees.Includes(user(`{"userName": "guest", "userType": "Guest"}`)))
	// Output:
	// true <nil>
	// false <nil>
}
