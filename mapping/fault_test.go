package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/mapping"
)

// faults returns the faults as lines.
func faults(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	f, ok := errors.AsType[mapping.Faults](err)
	if !ok {
		t.Fatalf("error = %v, want Faults", err)
	}
	return strings.Split(f.Error(), "\n")
}

const pathExample = `Name an attribute of the schema, such as userName, name.familyName or urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`

const secret = `the password is a secret, which is not mapped. Take another attribute, such as userName; whether Crowd gets the password is the setting "password" of users`

func TestCompileAttributesFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		row  mapping.Row
		want string
	}{
		{"no source", mapping.Row{To: "email"}, `/0: the row says not where "email" comes from. Give "from", "expr" or "const", as in {"to": "email", "from": ["emails.value"]}; a field that Crowd alone manages is {"to": "email", "ifMissing": "keep"}`},
		{"custom without source", mapping.Row{To: "x", IfMissing: mapping.Keep}, `/0: the row says not where "x" comes from. Give "from", "expr" or "const", as in {"to": "email", "from": ["emails.value"]}; a field that Crowd alone manages is {"to": "email", "ifMissing": "keep"}`},
		{"target misspelt", mapping.Row{To: "userName", From: []string{"userName"}}, `/0/to: "userName" is not how this Crowd field is spelled. Write "username"`},
		{"target misspelt with a dash", mapping.Row{To: "first-name", From: []string{"userName"}}, `/0/to: "first-name" is not how this Crowd field is spelled. Write "firstName"`},
		{"target misspelt with a blank", mapping.Row{To: "Last Name", From: []string{"userName"}}, `/0/to: "Last Name" is not how this Crowd field is spelled. Write "lastName"`},
		{"target misspelt with a line", mapping.Row{To: "display_name", From: []string{"userName"}}, `/0/to: "display_name" is not how this Crowd field is spelled. Write "displayName"`},
		{"boolean for text", mapping.Row{To: "email", Const: true}, `/0/const: the constant is no text. Write text in quotes, such as "Employees"`},
		{"target reserved", mapping.Row{To: "SCIM.x", From: []string{"userName"}}, `/0/to: "SCIM.x" begins with "scim.", which is reserved for what is kept of the identity provider's data. Choose another name, such as "department"`},
		{"target of Crowd", mapping.Row{To: "passwordLastChanged", From: []string{"userName"}}, `/0/to: "passwordLastChanged" is an attribute that Crowd keeps itself. Choose another name, such as "department"`},
		{"target reserved by option", mapping.Row{To: "badge", From: []string{"userName"}}, `/0/to: "badge" is an attribute that Crowd keeps itself. Choose another name, such as "department"`},
		{"target empty", mapping.Row{From: []string{"userName"}}, `/0/to: the name of the target is empty. Write a Crowd field (username, email, firstName, lastName, displayName, active) or the name of a custom attribute, such as "department"`},
		{"ifMissing unknown", mapping.Row{To: "x", From: []string{"title"}, IfMissing: "ignore"}, `/0/ifMissing: "ignore" is no way to treat a missing value. Write "keep", "clear" or "reject"`},
		{"user name kept", mapping.Row{To: "username", From: []string{"userName"}, IfMissing: mapping.Keep}, `/0/ifMissing: a user without user name cannot be. Leave ifMissing out, or write "reject"`},
		{"active cleared", mapping.Row{To: "active", From: []string{"active"}, IfMissing: mapping.Clear}, `/0/ifMissing: active is true or false and cannot be cleared. Write "keep" or "reject"`},
		{"path not well formed", mapping.Row{To: "email", From: []string{"title", `emails[type eq "work"`}}, `/0/from/1: the path "emails[type eq \"work\"" is not well formed: at character 7: the '[' is never closed. Write for example emails[type eq "work"].value`},
		{"attribute misspelt", mapping.Row{To: "x", From: []string{"nickname2"}}, `/0/from/0: the path "nickname2" does not fit the schema: nickname2: the schema has no such attribute. Did you mean nickName?`},
		{"two letters exchanged", mapping.Row{To: "x", From: []string{"titel"}}, `/0/from/0: the path "titel" does not fit the schema: titel: the schema has no such attribute. Did you mean title?`},
		{"sub-attribute misspelt", mapping.Row{To: "x", From: []string{"emails.vlaue"}}, `/0/from/0: the path "emails.vlaue" does not fit the schema: emails.vlaue: emails has no sub-attribute "vlaue". Did you mean emails.value?`},
		{"extension attribute without URN", mapping.Row{To: "x", From: []string{"departmnt"}}, `/0/from/0: the path "departmnt" does not fit the schema: departmnt: the schema has no such attribute. Did you mean urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department?`},
		{"nothing like it", mapping.Row{To: "x", From: []string{"qqqqqqqqqqqq"}}, `/0/from/0: the path "qqqqqqqqqqqq" does not fit the schema: qqqqqqqqqqqq: the schema has no such attribute. ` + pathExample},
		{"complex", mapping.Row{To: "x", From: []string{"name"}}, `/0/from/0: the path "name" selects an attribute with sub-attributes, not a value. Name one of them, as in name.givenName`},
		{"password", mapping.Row{To: "x", From: []string{"Password"}}, `/0/from/0: ` + secret},
		{"password by URN", mapping.Row{To: "x", From: []string{"urn:ietf:params:scim:schemas:core:2.0:User:password"}}, `/0/from/0: ` + secret},
		{"password in an expression", mapping.Row{To: "x", Expr: `len(password) > 3`}, `/0/expr: ` + secret},
		{"password in a path of an expression", mapping.Row{To: "x", Expr: `paths("PASSWORD")`}, `/0/expr: ` + secret},
		{"value of another type", mapping.Row{To: "x", From: []string{"emails[value sw 5].value"}}, `/0/from/0: the path "emails[value sw 5].value" does not fit the schema: value: it is compared with 5, but it is a string: text in double quotes is expected. Write for example emails[type eq "work"].value`},
		{"whole extension", mapping.Row{To: "x", From: []string{enterprise}}, `/0/from/0: the path "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User" selects an attribute with sub-attributes, not a value. Name one of them, as in name.givenName`},
		{"list constant", mapping.Row{To: "email", Const: []any{"a"}}, `/0/const: the constant is a list, but email has a single value. Write a single text, such as "Employees"`},
		{"number constant", mapping.Row{To: "x", Const: 5.0}, `/0/const: the constant is no text. Write text in quotes, such as "Employees"`},
		{"active constant", mapping.Row{To: "active", Const: "yes"}, `/0/const: active must be a boolean. Write true or false, without quotes`},
		{"one name for all", mapping.Row{To: "username", Const: "ann"}, `/0/const: one constant user name cannot serve all users. Write a source such as "from": ["userName"]`},
		{"long constant", mapping.Row{To: "x", Const: strings.Repeat("x", 256)}, `/0/const: its value has 256 characters, Crowd holds 255. Write a shorter text, such as "Employees"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := mapping.CompileAttributes(mapping.Attributes{tt.row}, mapping.AttributeOptions{Reserved: []string{"badge"}})
			if diff := cmp.Diff([]string{tt.want}, faults(t, err)); diff != "" {
				t.Errorf("faults mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// No row writes what Crowd keeps itself, or options reserve, however it is spelled; what only looks like it is free.
func TestReservedTargets(t *testing.T) {
	t.Parallel()
	o := mapping.AttributeOptions{Reserved: []string{"badge"}}
	for to, free := range map[string]bool{
		"requiresPasswordChange": false, "invalidPasswordAttempts": false, "passwordLastChanged": false, "lastActive": false, "lastAuthenticated": false,
		"LASTACTIVE": false, "Badge": false, "scim.": false, "Scim.okta.grant.x": false,
		"scim": true, "scimx.y": true, "lastActives": true, "x.scim.y": true,
	} {
		_, err := mapping.CompileAttributes(mapping.Attributes{{To: to, From: []string{"title"}}}, o)
		if (err == nil) != free {
			t.Errorf("%q: %v, want it accepted: %v", to, err, free)
		}
	}
}

func TestCompileExpressionFaults(t *testing.T) {
	t.Parallel()
	const compiles = `Write for example lower(userName), name.givenName + " " + name.familyName, or default(nickName, userName)`
	const functions = `There are all, any, ascii, count, default, filter, find, findRegex, first, join, last, len, localPart, lower, map, none, one, path, paths, replace, replaceRegex, split, substring, trim, upper`
	tests := []struct{ to, expr, want string }{
		{"email", `lower(`, `the expression does not compile: at character 6: unexpected token EOF. ` + compiles},
		{"email", `lower(usrName)`, `the expression names usrName, which is no attribute. Did you mean userName?`},
		{"email", `lower(username)`, `the expression names username, but attributes in expressions are spelled exactly. Write userName`},
		{"email", `lower(active)`, `the expression does not compile: at character 7: cannot use bool as argument (type string) to call lower. ` + compiles},
		{"email", `lower(emails)`, `the expression does not compile: at character 7: cannot use list as argument (type string) to call lower. ` + compiles},
		{"email", `last(name)`, `the expression does not compile: at character 1: cannot get last element from object. ` + compiles},
		{"email", `lower(userName, title)`, `the expression does not compile: at character 1: too many arguments to call lower. ` + compiles},
		{"email", `substring(title, 1, 2, 3)`, `substring takes at most 3 arguments. Write for example substring(userName, 0, 20)`},
		{"email", `name.surname`, `the expression does not compile: at character 6: unknown field surname. There are familyName, formatted, givenName, honorificPrefix, honorificSuffix, middleName`},
		{"email", `emails[0].vlaue`, `the expression does not compile: at character 11: unknown field vlaue. Did you mean value?`},
		{"email", `titel + "x"`, `the expression names titel, which is no attribute. Did you mean title?`},
		{"email", `lowr(userName)`, `the expression does not compile: at character 1: unknown name lowr. Did you mean lower?`},
		{"email", `$env`, `the expression uses the name $env, which begins with "$". Choose a name that begins with a letter, as in let given = name.givenName; lower(given)`},
		{"email", `let $env = title; $env`, `the expression uses the name $env, which begins with "$". Choose a name that begins with a letter, as in let given = name.givenName; lower(given)`},
		{"email", `now()`, `the expression does not compile: at character 1: unknown name now. ` + functions},
		{"email", `env("PATH")`, `the expression does not compile: at character 1: unknown name env. ` + functions},
		{"email", `_add(userName, userName)`, `the expression uses the name _add, which begins with "_". Choose a name that begins with a letter, as in let given = name.givenName; lower(given)`},
		{"email", `_run`, `the expression uses the name _run, which begins with "_". Choose a name that begins with a letter, as in let given = name.givenName; lower(given)`},
		{"email", `let _run = userName; lower(_run)`, `the expression uses the name _run, which begins with "_". Choose a name that begins with a letter, as in let given = name.givenName; lower(given)`},
		{"email", `map(1..9, #)`, `the expression makes a range of numbers, which is not allowed. Use substring or split to take a text apart, as in split(userName, ".")`},
		{"email", `map(emails, map(emails, #))`, `the expression has a loop inside a loop, which is not allowed. Use one after the other, as in filter(emails, .primary) | map(.value)`},
		{"email", `map(emails, .value)`, `the expression gives a list, but email has a single value. Take one value, as in first(paths("emails.value"))`},
		{"email", `name`, `the expression gives an attribute with sub-attributes, not a value. Name one of them, such as name.givenName`},
		{"email", `active`, `the expression gives a boolean, but email is text. Write for example active ? "yes" : "no"`},
		{"active", `len(userName)`, `the expression gives no boolean, as active needs. Write a condition, such as userType == "Employee"`},
		{"email", `path("emails.valu")`, `the path "emails.valu" does not fit the schema: emails.valu: emails has no sub-attribute "valu". Did you mean emails.value?`},
		{"email", `path(userName)`, `path needs a text in quotes there, not something computed. Write for example path("emails[type eq \"work\"].value")`},
		{"email", `userName matches title ? "a" : "b"`, `matches needs a text in quotes there, not something computed. Write for example userName matches "^a.*z$"`},
		{"email", `replaceRegex(userName, "(", "")`, `the regular expression "(" does not compile: missing closing ) at "(". Write one such as "^dev-(.*)$"`},
		{"email", `findRegex(userName, "a^")`, `the regular expression "a^" can never match anything. Write one such as "^dev-(.*)$"`},
		{"email", strings.Repeat("x", 2001), `the expression has 2001 bytes, at most 2000 are allowed. Split it over several attributes, such as "team" and "site", or prepare the value in the identity provider`},
	}
	for _, tt := range tests {
		t.Run(tt.expr[:min(40, len(tt.expr))], func(t *testing.T) {
			t.Parallel()
			_, err := mapping.CompileAttributes(mapping.Attributes{{To: tt.to, Expr: tt.expr}}, mapping.AttributeOptions{})
			if diff := cmp.Diff([]string{"/0/expr: " + tt.want}, faults(t, err)); diff != "" {
				t.Errorf("faults mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// All faults of all rows come at once, in the order of the rows.
func TestCompileAttributesAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := mapping.CompileAttributes(mapping.Attributes{
		{To: "dept", From: []string{"foo", "title", "bar"}},
		{To: "email", Expr: "(", IfMissing: "x"},
		{To: "dept", Const: "x"},
		{To: "username", From: []string{"a b"}, Const: "x"},
		{To: "email", From: []string{"emials"}, Expr: ")"},
		{To: "y", IfMissing: "z"},
	}, mapping.AttributeOptions{})
	var got []string
	for _, line := range faults(t, err) {
		pointer, _, _ := strings.Cut(line, ":")
		got = append(got, pointer)
	}
	want := []string{"/0/from/0", "/0/from/2", "/1/ifMissing", "/1/expr", "/2/to", "/3/from/0", "/3/const", "/4/to", "/4/from/0", "/4/expr", "/5/ifMissing", "/5"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pointers mismatch (-want +got):\n%s", diff)
	}
	f, _ := errors.AsType[mapping.Faults](err)
	if below := f.Below("/users/attributes"); below[0].Pointer != "/users/attributes/0/from/0" || f[0].Pointer != "/0/from/0" {
		t.Errorf("Below gives %v", below[0])
	}
}

// All faults of all settings come at once, those of one setting together, in the order of the settings.
func TestCompileGroupsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := mapping.CompileGroups(mapping.Groups{
		Filter: "titel", DefaultForNewUsers: []string{""}, DefaultForAllUsers: []string{"scim-registry-x", "a", "A"}, Mapping: "x",
		Manual: mapping.Manual{Rules: []mapping.Rule{
			{},
			{From: "a", FromExternalID: "b", FromPattern: "(", To: []string{"$1", "", "OK"}, Protected: "no"},
			{From: "q", To: []string{"y"}, KeepExistingUsers: new(false)},
			{From: "r", To: []string{"Y"}},
			{From: "t", To: []string{"z", "zz"}},
			{From: "T", To: []string{"z"}},
		}},
		OnTheFly: mapping.OnTheFly{
			Exclusive: true, Never: []string{"a", "\x01"}, Only: []string{"A"}, Collisions: "z",
			Rename: mapping.Rename{Replace: []mapping.Replacement{{}, {Pattern: "a", With: "$"}}, Prefix: "scim-registry-", Suffix: " "},
		},
		Protected: []string{"ok", " "},
	})
	f, _ := errors.AsType[mapping.Faults](err)
	var got []string
	for _, fault := range f {
		got = append(got, fault.Pointer)
		if fault.Problem == "" || fault.Remedy == "" {
			t.Errorf("%s has no problem or remedy: %v", fault.Pointer, fault)
		}
	}
	want := []string{
		"/filter", "/defaultForNewUsers/0", "/defaultForAllUsers/0", "/defaultForAllUsers/2", "/mapping", "/manual/rules/0", "/manual/rules/0/to",
		"/manual/rules/1", "/manual/rules/1/fromPattern", "/manual/rules/1/protected", "/manual/rules/1/to/1", "/manual/rules/1/to/2", "/manual/rules/3/to/0", "/manual/rules/5",
		"/onTheFly/exclusive", "/onTheFly/collisions", "/onTheFly/never/1", "/onTheFly/only/0", "/onTheFly/rename/replace/0/pattern", "/onTheFly/rename/replace/1/with",
		"/onTheFly/rename", "/onTheFly/rename/prefix", "/protected/1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pointers mismatch (-want +got):\n%s", diff)
	}
}

func TestCompileGroupsFaults(t *testing.T) {
	t.Parallel()
	to := []string{"x"}
	tests := []struct {
		name     string
		settings mapping.Groups
		want     []string
	}{
		{
			"filter",
			mapping.Groups{Filter: `displayname != "x"`},
			[]string{`/filter: the expression names displayname, but attributes in expressions are spelled exactly. Write displayName`},
		},
		{"filter without condition", mapping.Groups{Filter: `displayName`}, []string{`/filter: the expression is no condition. Write one that is true or false, such as displayName startsWith "crowd-"`}},
		{"filter on what a group has not", mapping.Groups{Filter: `id == "x"`}, []string{`/filter: the expression names id, which is no attribute. Name one of displayName, externalId`}},
		{
			"names that no group can have", manual(mapping.Rule{From: "a ", To: to}, mapping.Rule{From: strings.Repeat("x", 256), To: []string{"y"}}),
			[]string{
				`/manual/rules/0/from: no SCIM group can have this name: it begins or ends with a blank. Write the name of a SCIM group, such as "Engineering"`,
				`/manual/rules/1/from: no SCIM group can have this name: it has more than 255 characters. Write the name of a SCIM group, such as "Engineering"`,
			},
		},
		{
			"keep of what patterns make", manual(
				mapping.Rule{FromPattern: "okta-(.*)", To: []string{"all", "x-$1", "$1-users"}},
				mapping.Rule{FromPattern: "entra-(.*)", To: []string{"y-$1", "z$1-USERS"}, KeepExistingUsers: new(false)},
				mapping.Rule{FromPattern: "(?P<a>.)(.)", To: []string{"$$x-${a}$2-$$", "$$${a}"}, KeepExistingUsers: new(false)},
			),
			[]string{
				`/manual/rules/1/to/0: rule 0 may fill the same Crowd group, by "$1-users", and says otherwise of keepExistingUsers. Give keepExistingUsers the same value on both rules, or let their targets begin or end differently, as in "okta-$1" and "entra-$1"`,
				`/manual/rules/2/to/1: rule 0 may fill the same Crowd group, by "$1-users", and says otherwise of keepExistingUsers. Give keepExistingUsers the same value on both rules, or let their targets begin or end differently, as in "okta-$1" and "entra-$1"`,
			},
		},
		{
			"keep of what patterns make apart", manual(
				mapping.Rule{FromPattern: "okta-(.*)", To: []string{"okta-$1"}},
				mapping.Rule{FromPattern: "entra-(.*)", To: []string{"entra-$1"}, KeepExistingUsers: new(false)},
				mapping.Rule{FromPattern: "x(.*)", To: []string{"cost$$"}, KeepExistingUsers: new(false)},
			), nil,
		},
		{
			"not shadowed, for it may do more", manual(
				mapping.Rule{FromPattern: "(.*)", To: []string{"$1"}},
				mapping.Rule{From: "jira-administrators", To: []string{"jira-administrators"}, Protected: "add"},
			), nil,
		},
		{"mode", mapping.Groups{Mapping: "automatic"}, []string{`/mapping: "automatic" is no way to map groups. Write "on-the-fly" or "manual"`}},
		{"protected", mapping.Groups{Protected: []string{"a", ""}}, []string{`/protected/1: the name is empty. Write the name of a Crowd group, such as "crowd-administrators"`}},
		{
			"defaults",
			mapping.Groups{DefaultForNewUsers: []string{"a ", "b"}, DefaultForAllUsers: []string{"c", "C", "crowd-administrators"}},
			[]string{
				`/defaultForNewUsers/0: the name begins or ends with a blank. Write the name of a Crowd group, such as "employees"`,
				`/defaultForAllUsers/1: "C" stands there twice. Leave one of the two out, as in ["employees"]; case does not matter`,
				`/defaultForAllUsers/2: "crowd-administrators" is protected and cannot be a default group. Choose another group, such as "employees", or take it out of "protected"`,
			},
		},
		{
			"new users join what a rule takes them out of",
			mapping.Groups{
				Mapping: mapping.ManualMapping, DefaultForNewUsers: []string{"kept", "Devs"},
				Manual: mapping.Manual{Rules: []mapping.Rule{{From: "a", To: []string{"devs"}, KeepExistingUsers: new(false)}, {From: "a", To: []string{"kept"}}}},
			},
			[]string{`/defaultForNewUsers/1: a rule fills "Devs" and does not keep existing users, so new users would leave it again. Choose another group, such as "employees", or write "keepExistingUsers": true on the rules that fill "Devs"`},
		},
		{
			"sources", manual(mapping.Rule{To: to}, mapping.Rule{From: "a", FromPattern: "b", To: to}),
			[]string{
				`/manual/rules/0: the rule has 0 of from, fromExternalId and fromPattern. Give it exactly one, as in {"from": "Engineering", "to": ["jira-developers"]}`,
				`/manual/rules/1: the rule has 2 of from, fromExternalId and fromPattern. Give it exactly one, as in {"from": "Engineering", "to": ["jira-developers"]}`,
			},
		},
		{
			"targets", manual(mapping.Rule{From: "a"}, mapping.Rule{From: "b", To: []string{"", "crowd-administrators", "scim-registry-okta"}}),
			[]string{
				`/manual/rules/0/to: the rule has no Crowd group to fill. Write for example "to": ["jira-developers"]`,
				`/manual/rules/1/to/0: the name is empty. Write the name of a Crowd group, such as "jira-developers"`,
				`/manual/rules/1/to/1: "crowd-administrators" is protected. Choose another Crowd group, or write "protected": "add" on this rule so that it may add members and never takes any out`,
				`/manual/rules/1/to/2: "scim-registry-okta" is a group in which a connection keeps its records. Choose another Crowd group, such as "jira-developers"`,
			},
		},
		{"leave", manual(mapping.Rule{From: "a", To: to, Protected: "remove"}), []string{`/manual/rules/0/protected: "remove" is not known. Write "add", or leave it out`}},
		{
			"keep", manual(mapping.Rule{From: "a", To: []string{"devs"}}, mapping.Rule{FromPattern: "b.*", To: []string{"Devs"}, KeepExistingUsers: new(false)}),
			[]string{`/manual/rules/1/to/0: another rule with the target "Devs" says otherwise of keepExistingUsers. Give keepExistingUsers the same value on all rules that fill "Devs", as in "keepExistingUsers": true`},
		},
		{
			"patterns", manual(
				mapping.Rule{FromPattern: "(", To: to}, mapping.Rule{FromPattern: "a$b", To: to}, mapping.Rule{FromPattern: "x(.*)", To: []string{"$2", "$x", "${no}", "$1"}},
				mapping.Rule{FromPattern: strings.Repeat("x", 501), To: to}, mapping.Rule{FromPattern: strings.Repeat(".{900}", 9), To: to},
			),
			[]string{
				`/manual/rules/0/fromPattern: the pattern "(" does not compile: missing closing ) at "(". Write a regular expression such as "dev-(.*)"`,
				`/manual/rules/1/fromPattern: the pattern "a$b" can never match anything. Write a regular expression such as "dev-(.*)"`,
				`/manual/rules/2/to/0: "$2" uses $2, but the pattern has no such group: it has 1. Write as many groups in parentheses as "to" uses, as in "fromPattern": "okta-(.*)", "to": ["$1"]`,
				`/manual/rules/2/to/1: "$x" has a "$" that stands for nothing: write $$ for the sign itself. Write as many groups in parentheses as "to" uses, as in "fromPattern": "okta-(.*)", "to": ["$1"]`,
				`/manual/rules/2/to/2: "${no}" uses $no, but the pattern has no such group: it has 1. Write as many groups in parentheses as "to" uses, as in "fromPattern": "okta-(.*)", "to": ["$1"]`,
				`/manual/rules/3/fromPattern: the pattern "` + strings.Repeat("x", 60) + `"... has 501 bytes, at most 500 are allowed. Write a regular expression such as "dev-(.*)"`,
				`/manual/rules/4/fromPattern: the pattern "` + strings.Repeat(".{900}", 9) + `" is too large when its repetitions are written out. Write a regular expression such as "dev-(.*)"`,
			},
		},
		{
			"shadowed", manual(
				mapping.Rule{FromPattern: "dev-(.*)", To: []string{"$1", "devs"}},
				mapping.Rule{From: "DEV-web", To: []string{"Web"}},
				mapping.Rule{From: "dev-web", To: []string{"web", "more"}},
				mapping.Rule{FromPattern: "dev-(.*)", To: []string{"devs"}},
				mapping.Rule{FromExternalID: "e", To: []string{"a"}}, mapping.Rule{FromExternalID: "e", To: []string{"A"}},
			),
			[]string{
				`/manual/rules/1: the rule adds nothing to rule 0, which has the same groups and targets. Remove it, or give it another target, as in "to": ["jira-developers"]`,
				`/manual/rules/3: the rule adds nothing to rule 0, which has the same groups and targets. Remove it, or give it another target, as in "to": ["jira-developers"]`,
				`/manual/rules/5: the rule adds nothing to rule 4, which has the same groups and targets. Remove it, or give it another target, as in "to": ["jira-developers"]`,
			},
		},
		{
			"shadowed by a later rule", manual(
				mapping.Rule{From: "dev-web", To: []string{"web"}},
				mapping.Rule{FromPattern: "dev-(.*)", To: []string{"$1"}},
				mapping.Rule{From: "ops", To: []string{"a"}}, mapping.Rule{From: "OPS", To: []string{"a", "b"}},
			),
			[]string{
				`/manual/rules/0: the rule adds nothing to rule 1, which has the same groups and targets. Remove it, or give it another target, as in "to": ["jira-developers"]`,
				`/manual/rules/2: the rule adds nothing to rule 3, which has the same groups and targets. Remove it, or give it another target, as in "to": ["jira-developers"]`,
			},
		},
		{
			"not shadowed, for it says who stays in a group that the pattern does not name", manual(
				mapping.Rule{FromPattern: "dev-(.*)", To: []string{"$1"}},
				mapping.Rule{From: "dev-web", To: []string{"web"}, KeepExistingUsers: new(false)},
			), nil,
		},
		{
			"not shadowed, for the names differ", manual(
				mapping.Rule{FromPattern: "(dev-.*)?", To: []string{"devs"}},
				mapping.Rule{FromExternalID: "e", To: []string{"devs"}},
			), nil,
		},
		{
			"targets beside a broken pattern", manual(mapping.Rule{FromPattern: "(", To: []string{"", "$7", "jira-administrators"}}),
			[]string{
				`/manual/rules/0/fromPattern: the pattern "(" does not compile: missing closing ) at "(". Write a regular expression such as "dev-(.*)"`,
				`/manual/rules/0/to/0: the name is empty. Write the name of a Crowd group, such as "jira-developers"`,
				`/manual/rules/0/to/2: "jira-administrators" is protected. Choose another Crowd group, or write "protected": "add" on this rule so that it may add members and never takes any out`,
			},
		},
		{
			"on the fly",
			mapping.Groups{OnTheFly: mapping.OnTheFly{
				Exclusive: true, Collisions: "merge", Only: []string{"", "dev-web"}, Never: []string{"Dev-*"},
				Rename: mapping.Rename{Replace: []mapping.Replacement{{Pattern: "["}, {Pattern: "a", With: "$1"}, {With: "x"}}, Prefix: " x"},
			}},
			[]string{
				`/onTheFly/exclusive: exclusive groups have no members of others, which keepExistingGroups would keep. Write "keepExistingGroups": false beside it, or leave exclusive out`,
				`/onTheFly/collisions: "merge" is no way to treat collisions. Write "union" or "refuse"`,
				`/onTheFly/only/0: the name is empty. Write the name of a SCIM group, or one with a star such as "dev-*"`,
				`/onTheFly/only/1: "dev-web" is under "never" as well. Leave it out of one of the two lists, as in "only": ["dev-*"], "never": ["dev-secret"]`,
				`/onTheFly/rename/replace/0/pattern: the pattern "[" does not compile: missing closing ] at "[". Write a regular expression such as "dev-(.*)"`,
				`/onTheFly/rename/replace/1/with: "$1" uses $1, but the pattern has no such group: it has 0. Write as many groups in parentheses as "with" uses, as in "pattern": "^okta-(.*)$", "with": "$1"`,
				`/onTheFly/rename/replace/2/pattern: there is nothing to replace. Write a regular expression such as "^okta-"`,
				`/onTheFly/rename: prefix and suffix would make names that Crowd refuses. Write for example "prefix": "okta-"`,
			},
		},
		{
			"prefix of a registry",
			mapping.Groups{OnTheFly: mapping.OnTheFly{Rename: mapping.Rename{Prefix: "Scim-Registry-"}}},
			[]string{`/onTheFly/rename/prefix: names that begin so are those of groups in which connections keep their records. Write for example "prefix": "okta-"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := mapping.CompileGroups(tt.settings)
			if diff := cmp.Diff(tt.want, faults(t, err)); diff != "" {
				t.Errorf("faults mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// Prefix and suffix must leave room for a name of one character at least, and none may end in a blank of any kind.
func TestPrefixAndSuffix(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 127)
	for _, tt := range []struct {
		prefix, suffix string
		possible       bool
	}{
		{"", "", true},
		{"okta ", " x", true},
		{long, long, true},
		{long, long + "x", false},
		{"\u00a0x", "", false},
		{"", "x\u2003", false},
		{"a\x00", "", false},
		{"", "\xff", false},
	} {
		_, err := mapping.CompileGroups(mapping.Groups{OnTheFly: mapping.OnTheFly{Rename: mapping.Rename{Prefix: tt.prefix, Suffix: tt.suffix}}})
		if (err == nil) != tt.possible {
			t.Errorf("prefix %q, suffix %q: %v, want it accepted: %v", tt.prefix, tt.suffix, err, tt.possible)
		}
	}
}

// What stands for a group of the pattern is held against it: a number that package regexp reads as a name, or none,
// would silently give a name without it.
func TestGroupsOfPatterns(t *testing.T) {
	t.Parallel()
	for to, possible := range map[string]bool{
		"$0": true, "$1": true, "${1}": true, "${n}-$2": true, "$$": true,
		"$3": false, "$01": false, "${01}": false, "${-1}": false, "${+1}": false, "${ 1}": false, "${}": false, "${1": false, "$": false, "${N}": false,
		"$99999999999999999999": false,
	} {
		_, err := mapping.CompileGroups(manual(mapping.Rule{FromPattern: "(?P<n>a)(b)", To: []string{"x" + to}}))
		if (err == nil) != possible {
			t.Errorf("%q: %v, want it accepted: %v", to, err, possible)
		}
	}
}

// A replacement looks anywhere in a name, so that something may stand before what it matches.
func TestReplacementsThatCanNeverMatch(t *testing.T) {
	t.Parallel()
	for pattern, possible := range map[string]bool{`\Ba`: true, `\B-`: true, `(?m)^a`: true, `\ba`: true, `a^`: false, `a\bb`: false} {
		_, err := mapping.CompileGroups(mapping.Groups{OnTheFly: mapping.OnTheFly{Rename: mapping.Rename{Replace: []mapping.Replacement{{Pattern: pattern}}}}})
		if (err == nil) != possible {
			t.Errorf("%q: %v, want it accepted: %v", pattern, err, possible)
		}
	}
}

func TestPatternsThatCanNeverMatch(t *testing.T) {
	t.Parallel()
	for pattern, possible := range map[string]bool{
		"a^": false, "$a": false, "a$b": false, `a\bb`: false, `\Ba`: false, "[^\\x00-\\x{10FFFF}]": false, `(a|b)^`: false,
		`\b-\b`: false, "x*^y": true, "a|b^c": true, "": true, "dev-(.*)": true, "^dev$": true, `dev\b.*`: true,
		`(?m)a$\n^b`: true, "a{0}": true, `\Bé`: true, `(?s).`: true, "[^a]": true, `é`: true, `[\n]`: true,
	} {
		_, err := mapping.CompileGroups(manual(mapping.Rule{FromPattern: pattern + "()", To: []string{"x"}}))
		if (err == nil) != possible {
			t.Errorf("%q: %v, want it accepted: %v", pattern, err, possible)
		}
	}
}
