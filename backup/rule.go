package backup

// A rule is what is known of a setting beyond its type.
type rule struct {
	about    string // what it is, a sentence
	required bool
	example  string   // its JSON form
	fallback string   // the JSON form of the default, if it is one value
	form     string   // a regular expression that a text must match
	formed   string   // that, in words
	words    []string // what a text may be, the default first; else its type tells
	least    int      // the least number, or length of a text or list
	most     int      // the greatest number, or length of a text or list; 0: the general limit
	private  bool     // no difference shows the value
	ordered  bool     // of a list: the order has a meaning
	effect   string   // what else a change brings
}

const (
	manyItems = 10_000 // in a list
	someItems = 1_000
	mostRules = 2_000 // each is held against each

	longestExpression = 2_000
	mostExtensions    = 100
	mostAttributes    = 500 // of an extension
	longestName       = 128 // of an attribute
)

// rules tells the rules of all settings, by Go type and JSON name; "[]" stands
// for the elements of a list.
func rules() map[string]rule {
	all := map[string]rule{}
	for _, part := range []map[string]rule{
		connectionRules(), issuerRules(), crowdRules(), leaverRules(), userRules(), extensionRules(), attributeRules(), groupRules(), onTheFlyRules(), limitRules(),
	} {
		for key, r := range part {
			all[key] = r
		}
	}
	return all
}

func connectionRules() map[string]rule {
	return map[string]rule{
		"backup.Config.format": {
			about: "The version of the document.", required: true, least: 1, example: `"` + Format + `"`,
		},
		"backup.Config.connections": {
			about: "The connections, served side by side.", required: true, least: 1, most: someItems,
			example: `[{"name": "okta", ...}]`,
		},
		"backup.Connection.name": {
			about: "The name of the connection. What is recorded in Crowd bears it.", required: true, example: `"okta"`,
			form: `^[a-z0-9-]{1,32}$`, formed: "1 to 32 lower-case letters, digits and hyphens",
		},
		"backup.Connection.provider": {about: "The identity provider's product.", fallback: `"generic"`},
		"backup.Connection.path": {
			about: "Where the connection is served.", required: true, example: `"/scim/okta/v2"`,
			form: `^/$|^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`, formed: "a path of letters, digits, dots, hyphens, underscores and tildes, with a slash in front and none at the end", most: 256,
			effect: "the identity provider must be given the new address",
		},
		"backup.Connection.tokens": {
			about: "The bearer tokens accepted. At least one is required, unless access names an issuer of tokens.", least: 1, most: someItems,
			example: `[{"id": "2026-11", "sha256": "..."}]`,
		},
		"backup.Connection.paused":  {about: "Answer every request 503 with Retry-After and call no Crowd.", fallback: "false", effect: "identity providers are asked to come back later"},
		"backup.Connection.crowd":   {about: "How to reach Crowd.", required: true, example: `{"url": ..., "application": ..., "password": ...}`},
		"backup.Connection.jira":    {about: "How to reach the Jira where leads are handed over."},
		"backup.Connection.webhook": {about: "Where leavers are told of."},
		"backup.Connection.users":   {about: "What happens to users."},
		"backup.Connection.groups":  {about: "What happens to groups and memberships."},
		"backup.Connection.limits":  {about: "What one request may ask for."},
		"backup.Connection.access":  {about: "How tokens are presented, whose else are accepted, and from where requests may come."},
		"scim.Access.raw":           {about: "Also take a token that stands alone in the header.", fallback: "false"},
		"scim.Access.scheme":        {about: "A word that is taken in front of the token as Bearer is.", least: 1, most: 64, form: `^[A-Za-z0-9_-]+$`, formed: "a word of letters, digits, hyphens and underscores", example: `"Token"`},
		"scim.Access.header":        {about: "The header that has the token.", fallback: `"Authorization"`, least: 1, most: 128, form: `^[A-Za-z0-9_-]+$`, formed: "the name of a header: letters, digits, hyphens and underscores", example: `"X-API-Key"`},
		"scim.Access.addresses":     {about: "The only client addresses and networks from which requests are taken.", least: 1, most: someItems, example: `["192.0.2.0/24"]`},
		"scim.Access.addresses[]":   {least: 1, most: 64, example: `"192.0.2.0/24"`},
		"scim.Access.issuers": {
			about: "Issuers whose JSON web tokens are accepted besides the tokens. The first that accepts one decides.", least: 1, most: 100,
			example: `[{"issuer": "https://auth.example.com", "audience": "https://bridge.example.com/scim"}]`,
		},
		"scim.Token.id": {
			about: "Names the token in logs and to administrators.", required: true, least: 1, example: `"2026-11"`,
		},
		"scim.Token.sha256": {
			about: "The hexadecimal SHA-256 of the token's text; never the token itself.", required: true, private: true,
			form: `^[0-9A-Fa-f]{64}$`, formed: "64 hexadecimal digits, the SHA-256 of the token", example: `"9f86d0..."`,
			effect: "requests with the token so far are refused",
		},
		"scim.Token.notAfter": {about: "The last instant at which the token is accepted.", example: `"2027-11-30T00:00:00Z"`},
		"scim.Token.user":     {about: "The userName that /Me stands for under this token."},
		"scim.Token.readOnly": {about: "Refuse requests with this token that would change anything."},
	}
}

func issuerRules() map[string]rule {
	const effect = "tokens that do not fit it are refused"
	return map[string]rule{
		"scim.Issuer.issuer": {
			about: "The address of the issuer, as the claim iss of its tokens has it.", least: 1, most: 500,
			form: `^https?://[^@#\s]+$`, formed: "an https address without user and fragment", example: `"https://auth.example.com"`,
		},
		"scim.Issuer.audience": {
			about: "What the claim aud of a token must hold, and what stands for this server alone. Required with issuer.", least: 1, most: 500,
			example: `"https://bridge.example.com/scim"`, effect: effect,
		},
		"scim.Issuer.entraTenant": {
			about: "The ID of the tenant of Microsoft Entra ID whose tokens are accepted, where the secret token is left empty there.",
			form:  `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, formed: "the ID of a tenant, a GUID in lower case", example: `"3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1"`,
		},
		"scim.Issuer.clients":   {about: "The only clients whose tokens are accepted. Default: any client.", least: 1, most: someItems, example: `["pf-provisioner"]`, effect: effect},
		"scim.Issuer.clients[]": {least: 1, most: 500, example: `"pf-provisioner"`},
		"scim.Issuer.scopes":    {about: "Scopes that a token must have.", least: 1, most: someItems, example: `["scim.write"]`, effect: effect},
		"scim.Issuer.scopes[]":  {least: 1, most: 500, example: `"scim.write"`},
		"scim.Issuer.keys": {
			about: "The address of the issuer's keys. Default: the one that its /.well-known/openid-configuration names.", least: 1, most: 500,
			form: `^https?://[^@#\s]+$`, formed: "an https address without user and fragment", example: `"https://auth.example.com/keys"`,
		},
		"scim.Issuer.readOnly": {about: "Refuse requests with these tokens that would change anything.", fallback: "false"},
	}
}

func crowdRules() map[string]rule {
	return map[string]rule{
		"backup.Crowd.url": {
			about: "The address of Crowd with its context path.", required: true, example: `"https://crowd.example.com/crowd"`,
			form: `^https?://[^/?#@]+(/[^?#@]*)?$`, formed: "an http or https address without user, query and fragment",
			effect: "users and groups are looked for in that Crowd",
		},
		"backup.Crowd.application": {
			about: "The name of the application in Crowd.", required: true, example: `"scim"`,
			form: `^[^:]+$`, formed: "a name without colons",
			effect: "its directory in Crowd may be another one",
		},
		"backup.Crowd.password":    {about: "Where the application's password is.", required: true, example: `{"env": "CROWD_PASSWORD"}`},
		"backup.Crowd.directory":   {about: "The directory that the application manages, for restoring on another Crowd."},
		"backup.Crowd.maxInFlight": {about: "The requests to Crowd that may be in flight.", fallback: "8", most: 1000},
		"backup.Crowd.abandoned":   {about: "Connections whose records are left in the directory and count no more.", most: someItems},
		"backup.Crowd.abandoned[]": {
			least: 1, most: 32, form: `^[a-z0-9-]+$`, formed: "lower-case letters, digits and hyphens", example: `"old-okta"`,
		},
		"backup.Crowd.splitWrites": {
			about: "Write records of memberships one after the other, for a Crowd that does not apply several attributes together.", fallback: "false",
		},
		"backup.Crowd.replicas": {
			about:    "How many processes serve the connections of the directory at a time. One is a promise, which spares calls.",
			fallback: `"many"`,
		},
		"backup.Directory.name":   {about: "Its name in Crowd.", required: true, least: 1, example: `"Employees"`},
		"backup.Directory.type":   {about: "Its type.", fallback: `"internal"`},
		"backup.Directory.create": {about: "Create it where it is missing.", fallback: "false"},
		"backup.Password.env": {
			about: "The environment variable that holds the password.", example: `"CROWD_PASSWORD"`,
			form: `^[A-Za-z_][A-Za-z0-9_]*$`, formed: "the name of an environment variable: letters, digits and underscores",
		},
		"backup.Password.file":   {about: "The file that holds the password.", least: 1, example: `"/run/secrets/crowd"`},
		"backup.Password.value":  {about: "The password itself. For trials only: whoever reads the document has it.", private: true, least: 1, example: `"..."`},
		"backup.Password.sealed": {about: "The password under a passphrase, as an export seals it.", private: true, least: 1, most: 1 << 17, example: `"..."`},
	}
}

func leaverRules() map[string]rule {
	const address = `^https?://[^/?#@]+(/[^?#@]*)?$`
	return map[string]rule{
		"backup.Jira.url": {
			about: "The address of Jira with its context path.", required: true, example: `"https://jira.example.com"`,
			form: address, formed: "an http or https address without user, query and fragment",
			effect: "leads are handed over in that Jira",
		},
		"backup.Jira.type": {about: "Which Jira it is.", fallback: `"dataCenter"`},
		"backup.Jira.user": {
			about: "The e-mail address of the account (cloud), or its user name where token is its password (dataCenter).", example: `"scim@example.com"`,
			least: 1, form: `^[^:]+$`, formed: "a name without colons",
		},
		"backup.Jira.token":            {about: "Where the API token, personal access token or password of the account is.", required: true, example: `{"env": "JIRA_TOKEN"}`},
		"backup.Jira.matchDisplayName": {about: "Take an account that hides its e-mail address for the leaver's where the display name is the same (cloud).", fallback: "false"},
		"backup.Webhook.url": {
			about: "Where events are sent.", required: true, example: `"https://hr.example.com/leavers"`,
			form: `^https?://[^/?#@]+(/[^#]*|\?[^#]*)?$`, formed: "an http or https address without user and fragment",
			effect: "leavers are told of there",
		},
		"backup.Webhook.secret":    {about: "Where the secret that signs events is: whsec_ and a text in base64.", required: true, example: `{"env": "WEBHOOK_SECRET"}`},
		"backup.Users.leads":       {about: "Who takes over what a leaver leads in Jira."},
		"backup.Leads.project":     {about: "The new lead of projects: a user name, or in Jira Cloud an e-mail address or account id."},
		"backup.Leads.component":   {about: "The new lead of components: a user name, or in Jira Cloud an e-mail address or account id."},
		"backup.Users.handOver":    {about: "What is done about a leaver in Jira and by webhook."},
		"backup.HandOver.seconds":  {about: "How many seconds it may put off that the leaver is locked out.", fallback: "10", most: 25},
		"backup.HandOver.required": {about: "Answer 503 where something of it failed, so that the identity provider sends the request again.", fallback: "false"},
	}
}

func userRules() map[string]rule {
	return map[string]rule{
		"scim.Users.create":       {about: "Let the identity provider make users in Crowd.", fallback: "true"},
		"scim.Users.update":       {about: "Let the identity provider change users.", fallback: "true"},
		"scim.Users.deactivate":   {about: "Let the identity provider deactivate users.", fallback: "true"},
		"scim.Users.reactivate":   {about: "Let the identity provider activate users again.", fallback: "true"},
		"scim.Users.delete":       {about: "What becomes of the Crowd user when the identity provider deletes one.", fallback: `"deactivate"`},
		"scim.Users.existing":     {about: "What happens where Crowd has a user of that name already.", fallback: `"conflict"`},
		"scim.Users.password":     {about: "What becomes of passwords that are sent.", fallback: `"ignore"`},
		"scim.Users.keep":         {about: "Which SCIM data without a Crowd field is kept in attributes of the Crowd user.", fallback: `"all"`},
		"scim.Users.attributes":   {about: "Where Crowd's fields come from; a row replaces the default one of the same target.", most: someItems},
		"scim.Users.protected":    {about: "Users whose name, password, e-mail, active flag and existence are never changed.", most: manyItems},
		"scim.Users.protected[]":  {least: 1, example: `"admin"`},
		"scim.Users.emailRefused": {about: "What happens where Crowd refuses a change of e-mail.", fallback: `"skip"`},
		"backup.Users.filter": {
			about: "An expression over the attributes of a user: only users of whom it is true are provisioned.",
			least: 1, most: longestExpression, example: `"userType == \"Employee\""`,
			effect: "users whom it leaves out become inactive when the identity provider next says something of them",
		},
		"backup.Users.extensions": {about: "Schema extensions of users beyond the enterprise one.", most: mostExtensions},
	}
}

func extensionRules() map[string]rule {
	const attribute, named = "backup.ExtensionAttribute.", "a name of letters, digits, hyphens and underscores that begins with a letter"
	return map[string]rule{
		"backup.Extension.id": {
			about: "The URN of its schema.", required: true, most: 255, example: `"urn:example:params:scim:schemas:extension:badge:2.0:User"`,
			form: `^[Uu][Rr][Nn]:[A-Za-z0-9][A-Za-z0-9-]{0,31}(:[A-Za-z0-9._~-]+)+$`, formed: "a URN of letters, digits, dots, hyphens, underscores and tildes between colons",
		},
		"backup.Extension.name":        {about: "Its name, for people."},
		"backup.Extension.description": {about: "What it is, for people."},
		"backup.Extension.required":    {about: "Refuse users without it.", fallback: "false"},
		"backup.Extension.attributes": {
			about: "Its attributes.", required: true, least: 1, most: mostAttributes, example: `[{"name": "number"}]`,
		},
		attribute + "name": {
			about: "Its name.", required: true, most: longestName, example: `"number"`,
			form: `^([A-Za-z][A-Za-z0-9_-]*|\$ref)$`, formed: named,
		},
		attribute + "type": {
			about: "The type of its values. A sub-attribute cannot be complex.", fallback: `"string"`,
			words: []string{typeString, "boolean", "decimal", "integer", "dateTime", "binary", typeReference, typeComplex},
		},
		attribute + "multiValued":       {about: "It has several values, in a list.", fallback: "false"},
		attribute + "description":       {about: "What it is, for people."},
		attribute + "required":          {about: "Refuse users, or users with the extension, without it.", fallback: "false"},
		attribute + "canonicalValues":   {about: "Values that clients may choose from; others are taken too.", most: someItems},
		attribute + "canonicalValues[]": {least: 1, example: `"work"`},
		attribute + "caseExact":         {about: "Case matters when values are compared.", fallback: "false"},
		attribute + "mutability": {
			about: "How clients may change it.", fallback: `"readWrite"`, words: []string{"readWrite", readOnly, "immutable", writeOnly},
		},
		attribute + "returned": {
			about: "When it is in answers. Default: default; never for what is write-only.",
			words: []string{"default", "always", returnedNever, "request"},
		},
		attribute + "uniqueness": {
			about: "Told to clients; that values are unique is not checked.", fallback: `"none"`, words: []string{"none", "server", "global"},
		},
		attribute + "referenceTypes":   {about: "What values of type reference point to.", most: someItems},
		attribute + "referenceTypes[]": {least: 1, example: `"external"`},
		attribute + "subAttributes":    {about: "The sub-attributes of a complex attribute.", most: mostAttributes},
	}
}

func attributeRules() map[string]rule {
	return map[string]rule{
		"mapping.Row.to": {
			about:    "A field of the Crowd user (username, email, firstName, lastName, displayName, active) or the name of a custom attribute.",
			required: true, least: 1, example: `"email"`,
		},
		"mapping.Row.from":      {about: "SCIM attribute paths; the first that has a value wins.", most: someItems, ordered: true},
		"mapping.Row.from[]":    {least: 1, example: `"emails[type eq \"work\"].value"`},
		"mapping.Row.expr":      {about: "An expression over the attributes, tried after the paths."},
		"mapping.Row.const":     {about: "A constant, used where nothing else has a value."},
		"mapping.Row.ifMissing": {about: "What happens where no source has a value. Default: clear; reject for username, keep for active."},
	}
}

func groupRules() map[string]rule {
	return map[string]rule{
		"mapping.Groups.filter": {
			about: "An expression over displayName and externalId of a SCIM group: only groups of which it is true fill Crowd groups.",
			least: 1, most: longestExpression, example: `"displayName startsWith \"crowd-\""`,
			effect: "memberships change with the next reconcile",
		},
		"mapping.Groups.defaultForNewUsers":   {about: "Crowd groups that a user joins when it is created.", most: manyItems},
		"mapping.Groups.defaultForNewUsers[]": {least: 1, example: `"employees"`},
		"mapping.Groups.defaultForAllUsers":   {about: "Crowd groups that every user is a member of, always.", most: manyItems},
		"mapping.Groups.defaultForAllUsers[]": {least: 1, example: `"crowd-users"`},
		"mapping.Groups.mapping": {
			about: "How SCIM groups find their Crowd groups.", fallback: `"on-the-fly"`,
			effect: "memberships change with the next reconcile",
		},
		"mapping.Groups.manual":          {about: "The rules of manual mapping."},
		"mapping.Groups.onTheFly":        {about: "How groups are mapped on the fly."},
		"mapping.Groups.protected":       {about: "Crowd groups that nothing changes. Default: the administrators' groups of Crowd and the other products.", most: manyItems},
		"mapping.Groups.protected[]":     {least: 1, example: `"crowd-administrators"`},
		"mapping.Manual.rules":           {about: "All are applied.", most: mostRules},
		"mapping.Manual.importGroups":    {about: "Map on the fly what satisfies no rule.", fallback: "false"},
		"mapping.Rule.from":              {about: "The name of a SCIM group, ignoring case.", least: 1, most: 255, example: `"Engineering"`},
		"mapping.Rule.fromExternalId":    {about: "The externalId of a SCIM group.", least: 1, most: 255, example: `"00g1"`},
		"mapping.Rule.fromPattern":       {about: "A regular expression that matches whole names of SCIM groups.", least: 1, example: `"okta-(.*)"`},
		"mapping.Rule.to":                {about: "The Crowd groups to fill.", required: true, least: 1, most: someItems, example: `["jira-developers"]`},
		"mapping.Rule.to[]":              {least: 1, example: `"jira-developers"`},
		"mapping.Rule.keepExistingUsers": {about: "Leave alone members that the identity provider did not put there.", fallback: "true"},
		"mapping.Rule.protected": {
			about: `"add" lets the rule add to protected groups.`, form: `^add$`, formed: `"add"`, example: `"add"`,
		},
		"backup.Groups.unknownMembers":    {about: "What becomes of members whom Crowd does not have.", fallback: `"skip"`},
		"backup.Groups.keepEmptyGroups":   {about: "Keep the Crowd groups of deleted and renamed SCIM groups.", fallback: "false"},
		"backup.Groups.nested":            {about: "What becomes of groups within groups.", fallback: `"native"`},
		"backup.Groups.guard":             {about: "Refuses what would take away too much. Default: more than 100 and more than 50 %."},
		"groupsync.Policy.removals":       {about: "Of memberships, by one request or within an hour."},
		"groupsync.Policy.deactivations":  {about: "Of users deactivated or deleted."},
		"groupsync.Policy.groupDeletions": {about: "Of SCIM groups deleted."},
		"groupsync.Limit.count":           {about: "A number; without it there is no limit of that kind.", most: 1_000_000_000},
		"groupsync.Limit.percent":         {about: "A share of all there are; without it there is no limit of that kind.", most: 100},
	}
}

func onTheFlyRules() map[string]rule {
	return map[string]rule{
		"mapping.OnTheFly.create":             {about: "Make Crowd groups that are missing.", fallback: "true"},
		"mapping.OnTheFly.keepExistingGroups": {about: "Leave alone memberships that the identity provider did not make.", fallback: "true"},
		"mapping.OnTheFly.exclusive":          {about: "Take the members of groups that the connection created for its own record.", fallback: "false"},
		"mapping.OnTheFly.only":               {about: "Map these SCIM groups only; * stands for any text.", most: someItems},
		"mapping.OnTheFly.only[]":             {least: 1, example: `"dev-*"`},
		"mapping.OnTheFly.never":              {about: "Never map these SCIM groups; * stands for any text.", most: someItems},
		"mapping.OnTheFly.never[]":            {least: 1, example: `"test-*"`},
		"mapping.OnTheFly.rename":             {about: "Makes the name of the Crowd group from that of the SCIM group."},
		"mapping.OnTheFly.collisions":         {about: "What becomes of a second SCIM group that lands on the same Crowd group.", fallback: `"union"`},
		"mapping.Rename.replace":              {about: "Replacements, in order.", most: someItems, ordered: true},
		"mapping.Rename.prefix":               {about: "Put in front."},
		"mapping.Rename.suffix":               {about: "Put behind."},
		"mapping.Replacement.pattern":         {about: "A regular expression, ignoring case.", required: true, least: 1, example: `"^okta-"`},
		"mapping.Replacement.with":            {about: "What every match becomes; $1 stands for a group of the pattern.", required: true, example: `""`},
	}
}

func limitRules() map[string]rule {
	const large = 1<<31 - 1
	return map[string]rule{
		"scim.Limits.body":       {about: "Bytes of a request body.", fallback: "8388608", most: large},
		"scim.Limits.depth":      {about: "How deep a body may be nested.", fallback: "32", most: 1000},
		"scim.Limits.operations": {about: "Operations of a PATCH or Bulk request.", fallback: "1000", most: large},
		"scim.Limits.page":       {about: "Resources in one page; never less than 100.", fallback: "1000", most: large},
		"scim.Limits.sort":       {about: "Resources sorted for one request.", fallback: "20000", most: large},
	}
}
