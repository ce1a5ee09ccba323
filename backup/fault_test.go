package backup_test

import "strings"

type faultTest struct {
	name, document string
	want           []string
}

// textFaults are those of documents that are no JSON.
func textFaults() []faultTest {
	good := document(connection("okta", ""))
	return []faultTest{
		{"empty", " \n", []string{`: the document is empty. Write for example {"format": "scimcrowd/v1", "connections": [...]}`}},
		{"byte order mark", "\ufeff" + good, []string{": the document begins with a byte order mark. Save it as UTF-8 without one"}},
		{"not UTF-8", strings.Replace(good, "scim/okta", "scim/\xff", 1), []string{": the document is not UTF-8 text. Save it as UTF-8"}},
		{"cut off", good[:len(good)-2], []string{": the document ends in the middle. Complete it; perhaps a brace, bracket or quotation mark is missing"}},
		{"comma too many", "{\n  \"format\": \"scimcrowd/v1\",\n}", []string{
			": the document is not JSON, at line 3, column 1: invalid character '}' looking for beginning of object key string. Correct it there; often a comma or quotation mark is missing or too many in front of that place",
		}},
		{"no comma", "{\"format\": \"scimcrowd/v1\"\n  \"connections\": []}", []string{
			`: the document is not JSON, at line 2, column 3: invalid character '"' after object key:value pair. Correct it there; often a comma or quotation mark is missing or too many in front of that place`,
		}},
		{"comment", "// mine\n" + good, []string{
			": the document is not JSON, at line 1, column 1: invalid character '/' looking for beginning of value. Correct it there; often a comma or quotation mark is missing or too many in front of that place",
		}},
		{"trailing data and a fault", good[:len(good)-1] + `, "port": 8080}` + "\n{}", []string{
			": more text follows the document, from line 3, column 1 on. Remove what stands behind the last brace",
			"/port: the field is not known. The fields known here are format, connections",
		}},
	}
}

// formFaults are those of single values.
func formFaults() []faultTest {
	return []faultTest{
		{"no object", `[]`, []string{": it is a list, not an object. Write an object in braces"}},
		{"nothing", `{}`, []string{
			`/format: it is missing. Add "format": "scimcrowd/v1"`,
			`/connections: it is missing. Add "connections": [{"name": "okta", ...}]`,
		}},
		{"no connections", `{"format": "scimcrowd/v1", "connections": []}`, []string{
			`/connections: the list is empty. Write at least one, as in [{"name": "okta", ...}]`,
		}},
		{"no version", replaced("scimcrowd/v1", ""), []string{`/format: the text is empty. Write for example "scimcrowd/v1"`}},
		{"other version", replaced("scimcrowd/v1", "scimcrowd/v2"), []string{
			`/format: "scimcrowd/v2" is a later version than is known here. Write "scimcrowd/v1", or use a program that knows that version`,
		}},
		{"connection without anything", document(`{}`), []string{
			`/connections/0/name: it is missing. Add "name": "okta"`,
			`/connections/0/path: it is missing. Add "path": "/scim/okta/v2"`,
			`/connections/0/crowd: it is missing. Add "crowd": {"url": ..., "application": ..., "password": ...}`,
			`/connections/0/tokens: it is missing, so nobody could authenticate. Add "tokens": [{"id": "2026-11", "sha256": "..."}], or name who issues tokens in access.issuers`,
		}},
		{"crowd without anything", replaced(`"url": "https://crowd.example.com/crowd", "application": "scim", "password": {"env": "CROWD_PASSWORD"}`, ""), []string{
			`/connections/0/crowd/url: it is missing. Add "url": "https://crowd.example.com/crowd"`,
			`/connections/0/crowd/application: it is missing. Add "application": "scim"`,
			`/connections/0/crowd/password: it is missing. Add "password": {"env": "CROWD_PASSWORD"}`,
		}},
		{"header of two words", document(connection("okta", `, "access": {"header": "X Key"}`)), []string{
			`/connections/0/access/header: it is not the name of a header: letters, digits, hyphens and underscores. Write for example "X-API-Key"`,
		}},
		{"nobody and everybody", document(connection("okta", `, "access": {"addresses": [], "issuers": [{"issuer": "auth.example.com", "audience": "", "clients": []}, {"entraTenant": "contoso.com", "keys": "https://u:p@example.com"}]}`)), []string{
			`/connections/0/access/addresses: the list is empty. Write at least one, as in ["192.0.2.0/24"]`,
			`/connections/0/access/issuers/0/issuer: it is not an https address without user and fragment. Write for example "https://auth.example.com"`,
			`/connections/0/access/issuers/0/audience: the text is empty. Write for example "https://bridge.example.com/scim"`,
			`/connections/0/access/issuers/0/clients: the list is empty. Write at least one, as in ["pf-provisioner"]`,
			`/connections/0/access/issuers/1/entraTenant: it is not the ID of a tenant, a GUID in lower case. Write for example "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1"`,
			`/connections/0/access/issuers/1/keys: it is not an https address without user and fragment. Write for example "https://auth.example.com/keys"`,
		}},
		{"unknown fields", document(connection("okta", `, "Users": {}, "usres": {}, "port": 80, "a/b~c": 1`)), []string{
			`/connections/0/Users: the field is not known. Did you mean "users"?`,
			`/connections/0/usres: the field is not known. Did you mean "users"?`,
			"/connections/0/port: the field is not known. The fields known here are name, provider, path, paused, tokens, access, crowd, jira, webhook, users, groups, limits",
			"/connections/0/a~1b~0c: the field is not known. The fields known here are name, provider, path, paused, tokens, access, crowd, jira, webhook, users, groups, limits",
		}},
		{"unknown field below", users(`"deletes": "keep"`), []string{
			`/connections/0/users/deletes: the field is not known. Did you mean "delete"?`,
		}},
		{"faults below unknown fields are left out", document(connection("okta", `, "port": {"a": 1, "a": 2}`)), []string{
			"/connections/0/port: the field is not known. The fields known here are name, provider, path, paused, tokens, access, crowd, jira, webhook, users, groups, limits",
		}},
		{"duplicate fields", document(connection("okta", `, "name": "okta", "name": "x", "path": "/x"`)), []string{
			"/connections/0/name: the field stands there 3 times. Keep one of them",
			"/connections/0/path: the field stands there 2 times. Keep one of them",
		}},
		{"duplicate unknown field", users(`"x": 1, "x": 2`), []string{
			"/connections/0/users/x: the field is not known. The fields known here are create, update, deactivate, reactivate, delete, existing, password, keep, attributes, protected, emailRefused, filter, extensions, leads, handOver",
			"/connections/0/users/x: the field stands there 2 times. Keep one of them",
		}},
		{"wrong types", document(connection("okta", `, "users": {"create": "yes", "delete": true, "protected": "admin", "attributes": {}},
			"groups": {"guard": {"removals": {"count": "100", "percent": 1.5}, "deactivations": []}, "protected": [1, null]}, "limits": "none"`)), []string{
			"/connections/0/users/create: it is a text, not true or false. Write true or false, without quotation marks",
			`/connections/0/users/delete: it is true or false, not a text. Write "deactivate", "delete" or "keep"`,
			"/connections/0/users/protected: it is a text, not a list. Write a list in brackets",
			"/connections/0/users/attributes: it is an object, not a list. Write a list in brackets",
			"/connections/0/groups/guard/removals/count: it is a text, not a number. Write a whole number, without quotation marks",
			"/connections/0/groups/guard/removals/percent: it is not a whole number. Write a whole number",
			"/connections/0/groups/guard/deactivations: it is a list, not an object. Write an object in braces",
			`/connections/0/groups/protected/0: it is a number, not a text. Write a text in quotation marks, such as "crowd-administrators"`,
			`/connections/0/groups/protected/1: it is null, not a text. Leave it out, or write a text in quotation marks, such as "crowd-administrators"`,
			"/connections/0/limits: it is a text, not an object. Write an object in braces",
		}},
		{"null alone", "null", []string{`: it is null. Write for example {"format": "scimcrowd/v1", "connections": [...]}`}},
		{"null where something is required", `{"format": null, "connections": [{"name": null, "path": null, "tokens": [{"id": null, "sha256": null}], "crowd": null}]}`, []string{
			`/format: it is null. Write for example "scimcrowd/v1"`,
			`/connections/0/name: it is null. Write for example "okta"`,
			`/connections/0/path: it is null. Write for example "/scim/okta/v2"`,
			`/connections/0/tokens/0/id: it is null. Write for example "2026-11"`,
			`/connections/0/tokens/0/sha256: it is null. Write for example "9f86d0..."`,
			`/connections/0/crowd: it is null. Write for example {"url": ..., "application": ..., "password": ...}`,
		}},
		{"null", users(`"create": null, "delete": null`), []string{
			"/connections/0/users/create: it is null, not true or false. Leave it out, or write true or false, without quotation marks",
			`/connections/0/users/delete: it is null, not a text. Leave it out, or write "deactivate", "delete" or "keep"`,
		}},
		{"unknown words", document(connection("okta", `, "provider": "oktaa", "users": {"delete": "erase", "existing": "Link", "keep": "some"}`)), []string{
			`/connections/0/provider: "oktaa" is not known. Did you mean "okta"?`,
			`/connections/0/users/delete: "erase" is not known. Write "deactivate", "delete" or "keep"`,
			`/connections/0/users/existing: "Link" is not known. Did you mean "link"?`,
			`/connections/0/users/keep: "some" is not known. Write "all", "mapped" or a list of attribute paths`,
		}},
		{"numbers out of range", groups(`"guard": {"removals": {"count": -1, "percent": 101}}`), []string{
			"/connections/0/groups/guard/removals/count: the number is not between 0 and 1000000000. Write one that is",
			"/connections/0/groups/guard/removals/percent: the number is not between 0 and 100. Write one that is",
		}},
		{"large numbers", document(connection("okta", `, "limits": {"body": 1e3, "depth": 2.0, "operations": 1e-1, "page": 99999999999999999999, "sort": 1e400}`)), []string{
			"/connections/0/limits/operations: it is not a whole number. Write a whole number, such as 1000",
			"/connections/0/limits/page: the number is not between 0 and 2147483647. Write one that is",
			"/connections/0/limits/sort: it is not a whole number. Write a whole number, such as 20000",
		}},
		{"name", replaced(`"name": "okta"`, `"name": "Okta"`), []string{
			`/connections/0/name: it is not 1 to 32 lower-case letters, digits and hyphens. Write for example "okta"`,
		}},
		{"empty texts", replaced(`"name": "okta", "path": "/scim/okta"`, `"name": "", "path": ""`), []string{
			`/connections/0/name: the text is empty. Write for example "okta"`,
			`/connections/0/path: the text is empty. Write for example "/scim/okta/v2"`,
		}},
		{"path", replaced(`"/scim/okta"`, `"/scim/../okta/"`), []string{
			`/connections/0/path: it is not a path of letters, digits, dots, hyphens, underscores and tildes, with a slash in front and none at the end. Write for example "/scim/okta/v2"`,
		}},
		{"long path", replaced(`"/scim/okta"`, `"/`+strings.Repeat("a", 256)+`"`), []string{
			"/connections/0/path: the text is longer than 256 characters. Make it shorter",
		}},
		{"long text", users(`"protected": ["` + strings.Repeat("a", 4097) + `"]`), []string{
			"/connections/0/users/protected/0: the text is longer than 4096 characters. Make it shorter",
		}},
		{"lost character", users(`"protected": ["a\ud800b"]`), []string{
			"/connections/0/users/protected/0: the text holds the character U+FFFD, which stands for one that was lost. Write the text anew",
		}},
		{"hash", replaced(sum, "scimcrowd_thetoken"), []string{
			`/connections/0/tokens/0/sha256: it is not 64 hexadecimal digits, the SHA-256 of the token. Write for example "9f86d0..."`,
		}},
		{"token itself", replaced(`"sha256": "`+sum+`"`, `"token": "scimcrowd_thetoken"`), []string{
			`/connections/0/tokens/0/sha256: it is missing. Add "sha256": "9f86d0..."`,
			"/connections/0/tokens/0/token: the field is not known. The fields known here are id, sha256, notAfter, user, readOnly",
		}},
		{"date", replaced(`"id": "a"`, `"id": "a", "notAfter": "2027-11-30"`), []string{
			`/connections/0/tokens/0/notAfter: it is not a date and time with time zone. Write for example "2027-11-30T00:00:00Z"`,
		}},
		{"date with a comma", replaced(`"id": "a"`, `"id": "a", "notAfter": "2027-11-30T00:00:00,5Z"`), []string{
			`/connections/0/tokens/0/notAfter: it is not a date and time with time zone. Write for example "2027-11-30T00:00:00Z"`,
		}},
		{"date and type", replaced(`"id": "a"`, `"id": "a", "notAfter": 20271130`), []string{
			`/connections/0/tokens/0/notAfter: it is a number, not a text. Write a date and time in quotation marks, such as "2027-11-30T00:00:00Z"`,
		}},
		{"password as text", replaced(`{"env": "CROWD_PASSWORD"}`, `"hunter2"`), []string{
			"/connections/0/crowd/password: it is a text, not an object. Write an object in braces",
		}},
		{"name of variable", replaced(`"env": "CROWD_PASSWORD"`, `"env": "$CROWD_PASSWORD"`), []string{
			`/connections/0/crowd/password/env: it is not the name of an environment variable: letters, digits and underscores. Write for example "CROWD_PASSWORD"`,
		}},
		{"url with credentials", replaced("https://crowd", "https://scim:hunter2@crowd"), []string{
			`/connections/0/crowd/url: it is not an http or https address without user, query and fragment. Write for example "https://crowd.example.com/crowd"`,
		}},
		{"no url", replaced("https://crowd.example.com/crowd", "crowd.example.com"), []string{
			`/connections/0/crowd/url: it is not an http or https address without user, query and fragment. Write for example "https://crowd.example.com/crowd"`,
		}},
		{"application", replaced(`"application": "scim"`, `"application": "a:b"`), []string{
			`/connections/0/crowd/application: it is not a name without colons. Write for example "scim"`,
		}},
		{"keep", users(`"keep": 1`), []string{
			`/connections/0/users/keep: it is a number, not a text or a list. Write "all", "mapped" or a list of attribute paths`,
		}},
		{"constant", users(`"attributes": [{"to": "x", "const": 1}, {"to": "y", "const": {"a": 1}}]`), []string{
			`/connections/0/users/attributes/0/const: it is a number, not a text, true or false, or a list of texts. Write for example "Employees"`,
			`/connections/0/users/attributes/1/const: it is an object, not a text, true or false, or a list of texts. Write for example "Employees"`,
		}},
	}
}

// contradictions are the faults that settings have together.
func contradictions() []faultTest {
	return []faultTest{
		{"access that nobody has", document(connection("okta", `, "access": {"scheme": "Basic", "addresses": ["192.0.2.0/24", "office", "fe80::1%eth0"]}`)), []string{
			`/connections/0/access/scheme: "Basic" cannot be chosen. Write another word, such as "OAuth"; Basic and Bearer are understood without it`,
			`/connections/0/access/addresses/1: "office" is neither an address nor a network. Write for example "192.0.2.17" or "192.0.2.0/24"`,
			`/connections/0/access/addresses/2: "fe80::1%eth0" is neither an address nor a network. Write for example "192.0.2.17" or "192.0.2.0/24"`,
		}},
		{"nobody could authenticate", replaced(`"tokens": [{"id": "a", "sha256": "`+sum+`"}],`, ""), []string{
			`/connections/0/tokens: it is missing, so nobody could authenticate. Add "tokens": [{"id": "2026-11", "sha256": "..."}], or name who issues tokens in access.issuers`,
		}},
		{"issuers", document(connection("okta", `, "access": {"issuers": [
			{"audience": "a"}, {"issuer": "https://auth.example.com", "entraTenant": "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1"},
			{"issuer": "https://auth.example.com"}, {"issuer": "http://auth.example.com", "audience": "a", "keys": "http://auth.example.com/keys"}, {"issuer": "http://localhost:9000", "audience": "a"}]}`)), []string{
			`/connections/0/access/issuers/0: it has not exactly one of issuer and entraTenant. Give it one, as in {"issuer": "https://auth.example.com", "audience": "https://bridge.example.com/scim"}`,
			`/connections/0/access/issuers/1: it has not exactly one of issuer and entraTenant. Give it one, as in {"issuer": "https://auth.example.com", "audience": "https://bridge.example.com/scim"}`,
			`/connections/0/access/issuers/2/audience: it is missing, so tokens that the issuer made for others would be accepted. Add "audience": "https://bridge.example.com/scim", or whatever stands for this server in its tokens`,
			`/connections/0/access/issuers/3/issuer: it is not an https address. Write for example "https://auth.example.com"`,
			`/connections/0/access/issuers/3/keys: it is not an https address. Write for example "https://auth.example.com/keys"`,
		}},
		{"name twice", document(connection("okta", ""), strings.Replace(connection("okta", ""), "/scim/okta", "/scim/b", 1)), []string{
			`/connections/1/name: the name "okta" is that of /connections/0 already. Give each connection a name of its own`,
		}},
		{"path twice", document(connection("okta", ""), strings.Replace(connection("entra", ""), "/scim/entra", "/scim/okta", 1)), []string{
			`/connections/1/path: the path "/scim/okta" is that of /connections/0 already. Give each connection a path of its own, such as "/scim/okta/v2"`,
		}},
		{"path below another", document(connection("okta", ""), strings.Replace(connection("entra", ""), "/scim/entra", "/scim/okta/v2", 1)), []string{
			`/connections/1/path: the path lies below "/scim/okta", that of /connections/0. Give each connection a path of its own, such as "/scim/okta/v2"`,
		}},
		{"path above another", document(connection("okta", ""), strings.Replace(connection("entra", ""), "/scim/entra", "/", 1)), []string{
			`/connections/1/path: the path of /connections/0 lies below "/". Give each connection a path of its own, such as "/scim/okta/v2"`,
		}},
		{"tokens twice", replaced(`[{"id": "a", "sha256": "`+sum+`"}]`,
			`[{"id": "a", "sha256": "`+sum+`"}, {"id": "a", "sha256": "`+otherSum+`"}, {"id": "b", "sha256": "`+strings.ToUpper(sum)+`"}]`), []string{
			`/connections/0/tokens/1/id: the id "a" is that of token 0 already. Give each token an id of its own`,
			"/connections/0/tokens/2/sha256: the token is that of entry 0 already. Remove one of the two",
		}},
		{"hash of nothing", replaced(sum, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), []string{
			"/connections/0/tokens/0/sha256: it is the hash of an empty text. Hash the token itself",
		}},
		{"no password", replaced(`{"env": "CROWD_PASSWORD"}`, `{}`), []string{
			`/connections/0/crowd/password: it has 0 of env, file, value and sealed. Give it exactly one, as in {"env": "CROWD_PASSWORD"}`,
		}},
		{"two passwords", replaced(`{"env": "CROWD_PASSWORD"}`, `{"env": "CROWD_PASSWORD", "value": "hunter2"}`), []string{
			`/connections/0/crowd/password: it has 2 of env, file, value and sealed. Give it exactly one, as in {"env": "CROWD_PASSWORD"}`,
		}},
		{"url", replaced("https://crowd.example.com/crowd", "https://:8095/crowd"), []string{
			`/connections/0/crowd/url: it is not an address. Write for example "https://crowd.example.com/crowd"`,
		}},
		{"directory", replaced(`"application": "scim"`, `"application": "scim", "directory": {"name": "AD", "type": "ldap", "create": true}`), []string{
			`/connections/0/crowd/directory/create: a directory of type "ldap" cannot be created here. Create it in Crowd and leave create out, or write "type": "internal"`,
		}},
		{"protected users", users(`"protected": ["admin", "Admin", " x"], "leads": {"project": "x "}`), []string{
			`/connections/0/users/protected/1: "Admin" stands there twice. Leave one of the two out, as in ["admin"]; case does not matter`,
			`/connections/0/users/protected/2: Crowd can have no user of that name. Write a user name such as "jdoe": without white space around it, and at most 255 characters`,
			`/connections/0/users/leads/project: Crowd can have no user of that name. Write a user name such as "jdoe": without white space around it, and at most 255 characters`,
		}},
		{"jira without anything", document(connection("okta", `, "jira": {}, "webhook": {}`)), []string{
			`/connections/0/jira/url: it is missing. Add "url": "https://jira.example.com"`,
			`/connections/0/jira/token: it is missing. Add "token": {"env": "JIRA_TOKEN"}`,
			`/connections/0/webhook/url: it is missing. Add "url": "https://hr.example.com/leavers"`,
			`/connections/0/webhook/secret: it is missing. Add "secret": {"env": "WEBHOOK_SECRET"}`,
		}},
		{"another jira", document(connection("okta", `, "jira": {"url": "https://u@jira.example.com", "type": "datacenter", "user": "a:b", "token": {"env": "T"}}, "users": {"leads": {"project": "x"}}`)), []string{
			`/connections/0/jira/url: it is not an http or https address without user, query and fragment. Write for example "https://jira.example.com"`,
			`/connections/0/jira/type: "datacenter" is not known. Did you mean "dataCenter"?`,
			`/connections/0/jira/user: it is not a name without colons. Write for example "scim@example.com"`,
		}},
		{"jira cloud", document(connection("okta", `, "jira": {"url": "https://:1/", "type": "cloud", "user": "scim", "token": {}}, "users": {"leads": {"project": " 5b10ac8d "}}`)), []string{
			`/connections/0/jira/url: it is not an address. Write for example "https://jira.example.com"`,
			`/connections/0/jira/user: Jira Cloud takes the e-mail address of the account with its token. Write for example "scim@example.com"`,
			`/connections/0/jira/token: it has 0 of env, file, value and sealed. Give it exactly one, as in {"env": "JIRA_TOKEN"}`,
		}},
		{"jira data center", document(connection("okta", `, "jira": {"url": "https://jira.example.com", "token": {"env": "T"}, "user": ""}, "users": {"leads": {"component": "x"}, "handOver": {"seconds": 60}}`)), []string{
			`/connections/0/jira/user: the text is empty. Write for example "scim@example.com"`,
			"/connections/0/users/handOver/seconds: the number is not between 0 and 25. Write one that is",
		}},
		{"jira data center, settings of the cloud", document(connection("okta", `, "jira": {"url": "https://jira.example.com", "token": {"env": "T"}, "matchDisplayName": true}, "users": {"leads": {"component": " x"}}`)), []string{
			`/connections/0/jira/matchDisplayName: it is for Jira Cloud; Jira Data Center knows users by name. Leave it out, or write "type": "cloud"`,
			`/connections/0/users/leads/component: Crowd can have no user of that name. Write a user name such as "jdoe": without white space around it, and at most 255 characters`,
		}},
		{"webhook", document(connection("okta", `, "webhook": {"url": "https://:1", "secret": {}}`)), []string{
			`/connections/0/webhook/url: it is not an address. Write for example "https://hr.example.com/leavers"`,
			`/connections/0/webhook/secret: it has 0 of env, file, value and sealed. Give it exactly one, as in {"env": "WEBHOOK_SECRET"}`,
		}},
		{"webhook with a password", document(connection("okta", `, "webhook": {"url": "https://hr:hunter2@hr.example.com/leavers", "secret": {"env": "W"}}`)), []string{
			`/connections/0/webhook/url: it is not an http or https address without user and fragment. Write for example "https://hr.example.com/leavers"`,
		}},
		{"webhook with a fragment", document(connection("okta", `, "webhook": {"url": "https://hr.example.com/leavers#hunter2", "secret": {"env": "W"}}`)), []string{
			`/connections/0/webhook/url: it is not an http or https address without user and fragment. Write for example "https://hr.example.com/leavers"`,
		}},
		{"kept paths", users(`"keep": ["phoneNumber", "name..x", "urn:example:User:badge", ""]`), []string{
			`/connections/0/users/keep/0: there is no attribute "phoneNumber". Did you mean "phoneNumbers"?`,
			`/connections/0/users/keep/1: it is not an attribute path: at character 1: at most one sub-attribute can follow an attribute: "name..x". Write for example "phoneNumbers" or "name.middleName"`,
			`/connections/0/users/keep/2: there is no attribute "urn:example:User:badge". Declare it, as in "extensions": [{"id": "urn:example:User", "attributes": [{"name": "badge"}]}]`,
			`/connections/0/users/keep/3: the text is empty. Write for example "phoneNumbers"`,
		}},
		{"exclusive", groups(`"onTheFly": {"exclusive": true, "keepExistingGroups": true}`), []string{
			`/connections/0/groups/onTheFly/exclusive: exclusive groups have no members of others, which keepExistingGroups would keep. Write "keepExistingGroups": false beside it, or leave exclusive out`,
		}},
	}
}

// mappingFaults are those that package mapping finds.
func mappingFaults() []faultTest {
	return []faultTest{
		{"rows", users(`"attributes": [{"to": "email", "from": ["email.value"]}, {"to": "email", "const": "x"}, {"to": "username", "from": ["userName"], "ifMissing": "clear"}]`), []string{
			`/connections/0/users/attributes/0/from/0: the path "email.value" does not fit the schema: email.value: the schema has no such attribute. Did you mean emails.value?`,
			`/connections/0/users/attributes/1/to: "email" is the target of row 0 already. Put all sources of one target into one row, in order of preference, as in "from": ["nickName", "userName"]`,
			`/connections/0/users/attributes/2/ifMissing: a user without user name cannot be. Leave ifMissing out, or write "reject"`,
		}},
		{"rules", groups(`"mapping": "manual", "manual": {"rules": [
			{"from": "a", "fromPattern": "b", "to": ["x"]}, {"fromPattern": "(", "to": ["x"]}, {"from": "c", "to": ["crowd-administrators"]}]}`), []string{
			`/connections/0/groups/manual/rules/0: the rule has 2 of from, fromExternalId and fromPattern. Give it exactly one, as in {"from": "Engineering", "to": ["jira-developers"]}`,
			`/connections/0/groups/manual/rules/1/fromPattern: the pattern "(" does not compile: missing closing ) at "(". Write a regular expression such as "dev-(.*)"`,
			`/connections/0/groups/manual/rules/2/to/0: "crowd-administrators" is protected. Choose another Crowd group, or write "protected": "add" on this rule so that it may add members and never takes any out`,
		}},
		{"what follows is left out", groups(`"manual": {"rules": [{"form": "a", "to": ["x"]}, {"from": "b", "to": "x"}]}`), []string{
			`/connections/0/groups/manual/rules/0/form: the field is not known. Did you mean "from"?`,
			"/connections/0/groups/manual/rules/1/to: it is a text, not a list. Write a list in brackets",
		}},
		{"several places", document(
			connection("okta", `, "provider": "okto", "users": {"attributes": [{"to": "email", "from": ["emial"]}]}`),
			connection("okta", `, "groups": {"defaultForAllUsers": ["jira-administrators"]}, "extra": 1`),
		), []string{
			`/connections/0/provider: "okto" is not known. Did you mean "okta"?`,
			`/connections/0/users/attributes/0/from/0: the path "emial" does not fit the schema: emial: the schema has no such attribute. Name an attribute of the schema, such as userName, name.familyName or urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`,
			`/connections/1/name: the name "okta" is that of /connections/0 already. Give each connection a name of its own`,
			`/connections/1/path: the path "/scim/okta" is that of /connections/0 already. Give each connection a path of its own, such as "/scim/okta/v2"`,
			`/connections/1/groups/defaultForAllUsers/0: "jira-administrators" is protected and cannot be a default group. Choose another group, such as "employees", or take it out of "protected"`,
			"/connections/1/extra: the field is not known. The fields known here are name, provider, path, paused, tokens, access, crowd, jira, webhook, users, groups, limits",
		}},
	}
}
