package scimtest

import (
	"maps"
	"slices"
	"time"
)

// An App is what an administrator chooses at the identity provider to have users
// provisioned over SCIM. It decides which requests are sent.
type App string

// The apps.
const (
	// Okta is an app made from the templates "SCIM 2.0 Test App" of Okta's
	// catalogue: users by PUT, active and groups by PATCH.
	Okta App = "okta"
	// OktaWizard is an app made with Okta's App Integration Wizard, SCIM
	// switched on: everything by PUT.
	OktaWizard App = "okta-wizard"
	// Entra is a non-gallery app of Entra ID: everything by PATCH, in the
	// dialect of old: "Replace", "False", members removed by a list.
	Entra App = "entra"
	// EntraFlag is the same with aadOptscim062020 in its tenant URL.
	EntraFlag App = "entra-flag"
	// OneLogin is the app "SCIM Provisioner with SAML (SCIM v2 Enterprise)".
	OneLogin App = "onelogin"
	// JumpCloud is a custom SCIM integration of JumpCloud.
	JumpCloud App = "jumpcloud"
	// JumpCloudPut is the same where the server offers no PATCH of groups.
	JumpCloudPut App = "jumpcloud-put"
	// Google is an app of Google Workspace that updates users by PUT. Google
	// pushes no groups: those of the [Directory] are passed over.
	Google App = "google"
	// GooglePatch is one that updates users by PATCH.
	GooglePatch App = "google-patch"
	// Ping is the SCIM provisioner of PingFederate, groups by PATCH.
	Ping App = "ping"
	// PingOne is an outbound connection of PingOne, groups by PUT.
	PingOne App = "pingone"
)

// Apps lists all apps by name.
func Apps() []App { return slices.Sorted(maps.Keys(apps())) }

// traits is all the package knows of an app.
type traits struct {
	header      map[string]string // of every request; "User-Agent": "" sends none
	contentType string
	// probes are what the connection test sends; "{random}" stands for a text
	// that nothing bears. A probe whose status is not the wanted one fails.
	probes []probe
	// selfTest has the test create and delete a user and a group.
	selfTest bool

	// userQuery looks a user up by the value that stands for %s, groupQuery a
	// group; without groupQuery all groups are read.
	userQuery, groupQuery string
	// plus spells a space of that value as +, not %20.
	plus bool
	// page is the count of a page in an import, 0 for one request without it.
	page int
	// blind adds page to startIndex however many resources came.
	blind bool

	// body is a user as it is created, and replaced where put.
	body func(User, bool) resource
	// put is the user as it is replaced.
	put func(had resource, u User, active bool) resource
	// operations are those that turn what is there into what is wanted. Apps
	// without it replace the user by put.
	operations func(had known, want known) []operation
	// activate, if not nil, sets active alone.
	activate func(active bool) []operation
	// withheld are attributes that the app does not send.
	withheld []string
	// cannotClear is said of apps that do not send that a value is gone.
	cannotClear bool

	// readUser reads a user before each update, readGroup a group.
	readUser, readGroup bool
	// rematch looks an object up again when its id is unknown to the server;
	// else the update fails until an administrator acts.
	rematch bool
	// relookup looks returning leavers up by name instead of by their id.
	relookup bool
	// skipsInactive creates no user who is suspended.
	skipsInactive bool
	// hidesSuspension tells the server nothing of suspended users.
	hidesSuspension bool
	// keepsLeavers leaves leavers in the groups that name them.
	keepsLeavers bool
	// softDelete deactivates a user before it is deleted.
	softDelete bool
	// neverDeletes is said of apps without a DELETE of users.
	neverDeletes bool
	// checksActive takes an answer for a failure that shows another active flag
	// than was sent.
	checksActive bool

	// groups is how groups are sent; nil where they are not.
	groups *groupTraits
	retry  retry
	// quarantine slows the job down when most of a cycle fails.
	quarantine bool
}

type probe struct {
	path string
	want int
}

// groupTraits is how an app sends groups.
type groupTraits struct {
	// create is a new group. Its members are sent with it where full.
	create func(g Group, members []member) resource
	full   bool
	// replace is the group as it is replaced by PUT; nil where it is patched.
	replace func(id, name string, members []member) resource
	// rename, add and remove are the operations of a PATCH. Set replaces the list.
	rename func(id, name string) []operation
	add    func([]member) []operation
	remove func([]member) []operation
	// set replaces all members, where an app pushes a group anew; nil where it
	// does not.
	set func([]member) []operation
	// renameFirst repeats the name in front of each change of members.
	renameFirst bool
	// mixed sends removals and additions in one PATCH.
	mixed bool
	// batch is the greatest number of members in one PATCH.
	batch int
	// repeats adds all members, those included that are in already.
	repeats bool
	// skipsEmpty creates no group that has no members.
	skipsEmpty bool
	// keeps is said of apps without a DELETE of groups: they are emptied.
	keeps bool
	// links takes over the group that Group.Link names.
	links bool
	// question ends the target of a PATCH with a question mark.
	question bool
	// externalID sends the ID.
	externalID bool
}

// retry is what an app does about 429.
type retry struct {
	attempts int           // in all
	first    time.Duration // without a Retry-After in whole seconds; doubles
}

func apps() map[App]traits {
	return map[App]traits{
		Okta: okta(), OktaWizard: oktaWizard(),
		Entra: entra(oldDialect()), EntraFlag: entra(newDialect()),
		OneLogin:  oneLogin(),
		JumpCloud: jumpCloud(patchedGroups()), JumpCloudPut: jumpCloud(replacedGroups()),
		Google: google(nil), GooglePatch: google(newDialect().eachReplaced),
		Ping: ping(), PingOne: pingOne(),
	}
}

// okta follows Okta's SCIM 2.0 protocol reference. A 429 without a whole number
// of seconds is waited out for five minutes, then twice as long, ten attempts
// in all.
func okta() traits {
	return traits{
		header: map[string]string{
			"User-Agent": "Okta SCIM Client 1.0.0", "Accept": "application/scim+json", "Accept-Charset": "utf-8",
		},
		contentType: "application/scim+json; charset=utf-8",
		probes:      []probe{{"/Users?startIndex=1&count=2", 200}, {"/Groups?startIndex=1&count=100", 200}},
		userQuery:   "filter=userName%%20eq%%20%%22%s%%22&startIndex=1&count=100",
		groupQuery:  "filter=displayName%%20eq%%20%%22%s%%22&startIndex=1&count=100",
		page:        100, blind: true,
		body: oktaUser, put: merged, readUser: true, relookup: true,
		activate:        func(active bool) []operation { return []operation{{Op: "replace", Value: resource{"active": active}}} },
		withheld:        []string{"name.formatted"},
		hidesSuspension: true, neverDeletes: true, checksActive: true,
		groups: &groupTraits{
			create: func(g Group, _ []member) resource { return group(g.Name, []member{}, nameAndID) },
			rename: func(id, name string) []operation {
				return []operation{{Op: "replace", Value: resource{"id": id, "displayName": name}}}
			},
			add:         func(m []member) []operation { return one("add", m, nameAndID) },
			remove:      func(m []member) []operation { return byFilter("remove", m) },
			set:         func(m []member) []operation { return one("replace", m, nameAndID) },
			renameFirst: true, mixed: true, batch: 100, links: true,
		},
		retry: retry{attempts: 10, first: 5 * time.Minute},
	}
}

func oktaWizard() traits {
	t := okta()
	t.activate = nil
	t.groups = &groupTraits{
		create: func(g Group, m []member) resource { return group(g.Name, m, nameAndID) }, full: true,
		replace: func(id, name string, m []member) resource {
			body := group(name, m, nameAndID)
			body["id"] = id
			return body
		},
		links: true,
	}
	return t
}

// entra follows "Develop and plan provisioning for a SCIM endpoint". How a 429
// is met is not documented: like any other failure, the object waits for a
// later cycle.
func entra(d dialect) traits {
	return traits{
		header:      map[string]string{"Accept": "application/scim+json"},
		contentType: "application/scim+json; charset=utf-8",
		probes: []probe{
			{"/Users?filter=userName+eq+%22{random}%22", 200},
			{"/Groups?excludedAttributes=members&filter=displayName+eq+%22{random}%22", 200},
		},
		userQuery:  "filter=userName+eq+%%22%s%%22",
		groupQuery: "excludedAttributes=members&filter=displayName+eq+%%22%s%%22",
		plus:       true, page: 100,
		body: entraUser, operations: d.differing, readUser: true, readGroup: true, rematch: true,
		skipsInactive: true, keepsLeavers: true, softDelete: true,
		groups: &groupTraits{
			create: entraGroup,
			rename: func(_, name string) []operation {
				return []operation{{Op: d.replace, Path: "displayName", Value: name}}
			},
			add:    func(m []member) []operation { return one(d.add, m, d.member) },
			remove: d.removeMembers, batch: 20, externalID: true,
		},
		retry: retry{attempts: 1}, quarantine: true,
	}
}

// oneLogin follows developers.onelogin.com/scim and the vendor's sample
// servers. How it writes a removal and a new name of a group is not published:
// the forms of RFC 7644 section 3.5.2 stand for them.
func oneLogin() traits {
	return traits{
		header: map[string]string{"User-Agent": ""}, contentType: "application/scim+json",
		probes:    []probe{{"/Users?filter=userName%20eq%20%22{random}%22", 200}, {"/Groups", 200}},
		userQuery: "filter=userName%%20eq%%20%%22%s%%22",
		body:      oneLoginUser, put: oneLoginPut, readUser: true, withheld: []string{"displayName", "externalId", "name.formatted"},
		groups: &groupTraits{
			create: func(g Group, _ []member) resource { return group(g.Name, []member{}, onlyID) },
			rename: renameByPath, add: func(m []member) []operation { return one("add", m, onlyID) },
			remove: func(m []member) []operation { return byFilter("remove", m) },
			batch:  100, keeps: true, question: true,
		},
		retry: retry{attempts: 3, first: time.Second},
	}
}

// jumpCloud follows "Identity Management using a Custom SCIM Integration".
func jumpCloud(g *groupTraits) traits {
	return traits{
		header: map[string]string{}, contentType: "application/scim+json",
		probes: []probe{{"/Users", 200}}, selfTest: true,
		userQuery: "filter=userName%%20eq%%20%%22%s%%22", groupQuery: "filter=displayName%%20eq%%20%%22%s%%22", page: 100,
		body: jumpCloudUser, put: jumpCloudPut, rematch: true, withheld: []string{"name.formatted"},
		groups: g, retry: retry{attempts: 3, first: time.Second},
	}
}

func patchedGroups() *groupTraits {
	return &groupTraits{
		create: func(g Group, m []member) resource { return group(g.Name, m, onlyID) }, full: true,
		rename: renameByPath, add: func(m []member) []operation { return one("add", m, onlyID) },
		remove: func(m []member) []operation { return one("remove", m, onlyID) },
		batch:  100, repeats: true, skipsEmpty: true,
	}
}

func replacedGroups() *groupTraits {
	g := patchedGroups()
	g.replace = func(id, name string, m []member) resource {
		body := group(name, m, onlyID)
		body["id"] = id
		return body
	}
	return g
}

// google follows what servers logged of it; its wire format is not published.
func google(operations func(had, want known) []operation) traits {
	return traits{
		header: map[string]string{}, contentType: "application/scim+json",
		probes:    []probe{{"/Users?count=1", 200}},
		userQuery: "filter=userName%%20eq%%20%%22%s%%22&startIndex=1", page: 100,
		body: googleUser, put: googlePut, operations: operations, rematch: true, withheld: []string{"name.formatted"},
		retry: retry{attempts: 3, first: time.Second},
	}
}

// ping follows the pages of PingFederate's SCIM connector.
func ping() traits {
	return traits{
		header: map[string]string{}, contentType: "application/scim+json",
		probes:    []probe{{"/Users/0", 404}},
		userQuery: "filter=userName+eq+%%22%s%%22", plus: true, page: 100,
		body: pingUser, put: pingPut, rematch: true, withheld: []string{"displayName", "externalId", "name.formatted"},
		skipsInactive: true, cannotClear: true,
		groups: &groupTraits{
			create: func(g Group, _ []member) resource { return group(g.Name, nil, onlyID) },
			rename: renameByPath, add: func(m []member) []operation { return one("add", m, onlyID) },
			remove: func(m []member) []operation { return byFilter("remove", m) }, batch: 100,
		},
		retry: retry{attempts: 3, first: time.Second},
	}
}

// pingOne prints its filters with the attribute in lower case and a capital
// operator.
func pingOne() traits {
	t := ping()
	t.userQuery = "filter=username+Eq+%%22%s%%22"
	t.skipsInactive = false
	t.groups = &groupTraits{
		create:  func(g Group, _ []member) resource { return group(g.Name, nil, onlyID) },
		replace: func(_, name string, m []member) resource { return group(name, m, onlyID) },
	}
	return t
}
