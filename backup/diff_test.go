package backup_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
)

func lines(changes []backup.Change) []string {
	var all []string
	for _, c := range changes {
		all = append(all, c.Pointer+" "+c.String())
	}
	return all
}

func TestDiff(t *testing.T) {
	const rules = `"manual": {"rules": [{"from": "A", "to": ["x"]}, {"fromPattern": "b-(.*)", "to": ["$1"]}]}`
	tests := []struct {
		name, before, after string
		want                []string
	}{
		{"nothing", users(`"create": true`), users(`"create": true`), nil},
		{"a default that is said", users(``), users(`"create": true`), []string{
			"/connections/0/users/create connection okta: users.create: true, the default so far, is now said",
		}},
		{"a setting", users(`"delete": "keep"`), users(`"delete": "delete"`), []string{
			`/connections/0/users/delete connection okta: users.delete: "delete" instead of "keep"`,
		}},
		{"a setting from its default", users(``), users(`"delete": "delete"`), []string{
			`/connections/0/users/delete connection okta: users.delete: "delete" instead of the default "deactivate"`,
		}},
		{"a setting back to its default", users(`"delete": "delete"`), users(``), []string{
			`/connections/0/users/delete connection okta: users.delete: the default "deactivate" instead of "delete"`,
		}},
		{"a setting without a default", users(`"leads": {"project": "ann"}`), users(`"leads": {"component": "bob"}`), []string{
			`/connections/0/users/leads/project connection okta: users.leads.project: not set any more, was "ann"`,
			`/connections/0/users/leads/component connection okta: users.leads.component: "bob", not set before`,
		}},
		{
			"leavers", document(connection("okta", leaverSettings(`{"env": "T"}`, `{"env": "S"}`))),
			document(connection("okta", `, "jira": {"url": "https://example.atlassian.net", "type": "cloud", "user": "scim@example.com", "token": {"env": "U"}}, "users": {"leads": {"project": "bob", "component": "cat"}, "handOver": {"required": true}}`)),
			[]string{
				`/connections/0/jira/url connection okta: jira.url: "https://example.atlassian.net" instead of "https://jira.example.com"; leads are handed over in that Jira`,
				`/connections/0/jira/type connection okta: jira.type: "cloud" instead of the default "dataCenter"`,
				`/connections/0/jira/user connection okta: jira.user: "scim@example.com", not set before`,
				"/connections/0/jira/token connection okta: jira.token: environment variable U, environment variable T before",
				`/connections/0/webhook/url connection okta: webhook.url: not set any more, was "https://hr.example.com/leavers"; leavers are told of there`,
				"/connections/0/webhook/secret connection okta: webhook.secret: not given, environment variable S before",
				`/connections/0/users/handOver/required connection okta: users.handOver.required: true instead of the default false`,
			},
		},
		{"kept data", users(``), users(`"keep": ["phoneNumbers"]`), []string{
			`/connections/0/users/keep connection okta: users.keep: ["phoneNumbers"] instead of the default "all"`,
		}},
		{"filters", users(`"filter": "active"`), users(`"filter": "userType == \"Employee\""`), []string{
			`/connections/0/users/filter connection okta: users.filter: "userType == \"Employee\"" instead of "active"; users whom it leaves out become inactive when the identity provider next says something of them`,
		}},
		{"a filter that goes", groups(`"filter": "displayName == \"x\""`), groups(``), []string{
			`/connections/0/groups/filter connection okta: groups.filter: not set any more, was "displayName == \"x\""; memberships change with the next reconcile`,
		}},
		{"lists", groups(`"protected": ["a", "b"]`), groups(`"protected": ["b", "c"]`), []string{
			`/connections/0/groups/protected connection okta: groups.protected: "c" added, "a" removed`,
		}},
		{"lists from the default", groups(``), groups(`"protected": []`), []string{
			"/connections/0/groups/protected connection okta: groups.protected: none, not set before",
		}},
		{"lists in another order", groups(`"protected": ["a", "b"]`), groups(`"protected": ["b", "a"]`), []string{
			"/connections/0/groups/protected connection okta: groups.protected: in another order",
		}},
		{"path", document(connection("okta", "")), replaced("/scim/okta", "/scim/v2"), []string{
			`/connections/0/path connection okta: path: "/scim/v2" instead of "/scim/okta"; the identity provider must be given the new address`,
		}},
		{"crowd", document(connection("okta", "")), replaced("https://crowd.example.com/crowd", "https://other.example.com/crowd"), []string{
			`/connections/0/crowd/url connection okta: crowd.url: "https://other.example.com/crowd" instead of "https://crowd.example.com/crowd"; users and groups are looked for in that Crowd`,
		}},
		{"tokens", document(connection("okta", "")), replaced(
			`{"id": "a", "sha256": "`+sum+`"}`, `{"id": "b", "sha256": "`+otherSum+`", "notAfter": "2027-11-30T00:00:00Z"}`), []string{
			`/connections/0/tokens/0 connection okta: token "b" is new, accepted until 2027-11-30T00:00:00Z`,
			`/connections/0/tokens/0 connection okta: token "a" is gone; requests with it are refused`,
		}},
		{"another token", document(connection("okta", "")), replaced(sum, otherSum), []string{
			`/connections/0/tokens/0/sha256 connection okta: token "a" sha256 changes; requests with the token so far are refused`,
		}},
		{"password", document(connection("okta", "")), replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "hunter2"}`), []string{
			"/connections/0/crowd/password connection okta: crowd.password: written in the document, environment variable CROWD_PASSWORD before",
		}},
		{"another password", replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "hunter1"}`), replaced(`{"env": "CROWD_PASSWORD"}`, `{"value": "hunter2"}`), []string{
			"/connections/0/crowd/password connection okta: crowd.password: another one, written in the document as before",
		}},
		{
			"attributes", users(`"attributes": [{"to": "email", "from": ["emails.value"]}, {"to": "origin", "const": "okta"}]`),
			users(`"attributes": [{"to": "email", "from": ["emails[type eq \"work\"].value", "emails.value"], "ifMissing": "keep"},
				{"to": "displayName", "expr": "lower(userName)"}]`),
			[]string{
				`/connections/0/users/attributes/0/from connection okta: attribute "email" from: "emails[type eq \"work\"].value", "emails.value" instead of "emails.value"`,
				`/connections/0/users/attributes/0/ifMissing connection okta: attribute "email" ifMissing: "keep", not set before`,
				`/connections/0/users/attributes/1 connection okta: attribute "displayName": now by the expression "lower(userName)"`,
				`/connections/0/users/attributes/1 connection okta: attribute "origin": no row of its own any more, was with a constant`,
			},
		},
		{"attributes, none of their own", users(``), users(`"attributes": []`), []string{
			"/connections/0/users/attributes connection okta: users.attributes: an empty list, not set before",
		}},
		{"rules", groups(rules), groups(`"manual": {"rules": [{"fromPattern": "b-(.*)", "to": ["$1", "y"]}, {"from": "C", "to": ["z"]}]}`), []string{
			`/connections/0/groups/manual/rules/0/to connection okta: rule fromPattern "b-(.*)" to: "y" added`,
			`/connections/0/groups/manual/rules/1 connection okta: rule from "C" is new, to "z"`,
			`/connections/0/groups/manual/rules/0 connection okta: rule from "A" is gone, was to "x"`,
		}},
		{"rules in another order", groups(rules), groups(`"manual": {"rules": [{"fromPattern": "b-(.*)", "to": ["$1"]}, {"from": "A", "to": ["x"]}]}`), []string{
			"/connections/0/groups/manual/rules connection okta: groups.manual.rules: in another order",
		}},
		{"replacements", groups(`"onTheFly": {"rename": {"replace": [{"pattern": "a", "with": "b"}]}}`), groups(`"onTheFly": {"rename": {"replace": [{"pattern": "a", "with": "c"}]}}`), []string{
			`/connections/0/groups/onTheFly/rename/replace connection okta: groups.onTheFly.rename.replace: [{"pattern":"a","with":"c"}] instead of [{"pattern":"a","with":"b"}]`,
		}},
		{"guard", groups(`"guard": {"removals": {"count": 10}}`), groups(`"guard": {"removals": {"count": 0, "percent": 5}}`), []string{
			"/connections/0/groups/guard/removals/count connection okta: groups.guard.removals.count: 0 instead of 10",
			"/connections/0/groups/guard/removals/percent connection okta: groups.guard.removals.percent: 5, not set before",
		}},
		{"connections", document(connection("okta", ""), connection("entra", "")), document(connection("entra", ""), connection("ping", "")), []string{
			`/connections/1 connection ping: new, at "/scim/ping", for the application "scim" in Crowd at "https://crowd.example.com/crowd"`,
			`/connections/0 connection okta: gone; "/scim/okta" is served no more, and what it made in Crowd stays`,
		}},
		{"connections in another order", document(connection("okta", ""), connection("entra", "")), document(connection("entra", ""), connection("okta", "")), []string{
			"/connections connections: in another order",
		}},
		{"mapping", groups(``), groups(`"mapping": "manual"`), []string{
			`/connections/0/groups/mapping connection okta: groups.mapping: "manual" instead of the default "on-the-fly"; memberships change with the next reconcile`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before, after := mustRead(t, test.before), mustRead(t, test.after)
			if diff := cmp.Diff(test.want, lines(backup.Diff(before, after))); diff != "" {
				t.Errorf("Diff mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffShortensWhatIsLong(t *testing.T) {
	var many []string
	for range 100 {
		many = append(many, strings.Repeat("x", len(many)+1))
	}
	a, b := mustRead(t, users(`"protected": []`)), mustRead(t, users(`"protected": []`))
	b.Connections[0].Users.Protected = many
	changes := backup.Diff(a, b)
	if len(changes) != 1 || len(changes[0].Text) > 1000 || !strings.HasSuffix(changes[0].Text, " and 90 more added") {
		t.Errorf("Diff = %v", changes)
	}
}
