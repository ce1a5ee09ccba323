package scim

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// A mark is something in a request that not every client sends. Marks of
// several requests are united, so that what is remembered is one number.
type mark uint64

// The marks, by what they are found in.
const (
	// User-Agent.
	agentOkta mark = 1 << iota
	agentJumpCloud
	agentGoogle
	agentPing
	agentSailPoint
	agentCyberArk
	agentRippling
	agentKeycloak
	agentAuthentik
	noAgent

	// Address and query.
	entraFlagInQuery  // aadOptscim062020, which belongs into the tenant URL
	bareQuestionMark  // an address that ends in "?"
	withoutMembers    // excludedAttributes=members
	lookupFromOne     // userName eq "…" with startIndex=1, but no count
	capitalFilterOp   // username Eq, email Co
	plainEmailsFilter // emails eq "…", without .value
	bareFilterValue   // userName eq jane
	userZero          // GET /Users/0
	oneSchema         // GET /Schemas/URN
	typeList          // GET /ResourceTypes
	oneType           // GET /ResourceTypes/User
	typeListAndOne    // both of them

	// Resources.
	oktaUserID         // externalId 00u…
	objectID           // externalId of 24 hexadecimal digits
	googleUserID       // externalId of 21 digits
	managerID          // manager.managerId
	emailsObject       // one e-mail, not in an array
	telephoneURI       // phoneNumbers with tel:
	twoPrimaries       // two primary e-mails
	plainEmailAndRoles // e-mails without type and primary, roles empty
	entraRoles         // meta.resourceType and empty roles in a new user
	entraGroupSchema   // ADSCIM/2.0/Group
	relativeRef        // $ref "Users/…"

	// PATCH.
	capitalOp        // Add, Replace, Remove
	lowerOp          // add, replace, remove
	nullRef          // "$ref": null
	enterprisePaths  // paths into the enterprise extension
	renameWithID     // a value without path that has the id
	schemasInValue   // one that has schemas
	nullPath         // "path": null
	nullRemove       // remove of members with "value": null
	addEach          // an operation for each member
	primaryEmailPath // emails[primary eq true].value
	groupsOfUser     // path groups, in a user

	// Wrong settings.
	putUser
	putInactive // a PUT that deactivates
	putGroup
	version1 // SCIM 1.1
)

const enterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// A sign is a mark by which a provider is recognised, and how much it weighs.
type sign struct {
	mark   mark
	weight int
}

const (
	weak    = 1 // others could send it
	strong  = 3 // nobody else is known to send it
	certain = 8 // the provider's name
)

// has reports whether all marks of other are among m.
func (m mark) has(other mark) bool { return m&other == other }

// set adds a mark if it is there.
func (m *mark) set(one mark, there bool) {
	if there {
		*m |= one
	}
}

// agents are the words in a User-Agent that give a provider away.
var agents = []struct {
	word string
	mark mark
}{
	{"okta", agentOkta},
	{"jumpcloud", agentJumpCloud},
	{"google", agentGoogle},
	{"pingfederate", agentPing},
	{"pingone", agentPing},
	{"sailpoint", agentSailPoint},
	{"cyberark", agentCyberArk},
	{"idaptive", agentCyberArk},
	{"rippling", agentRippling},
	{"keycloak", agentKeycloak},
	{"authentik", agentAuthentik},
}

var (
	capitalOps    = regexp.MustCompile(`^\w+ (Eq|Co|Sw|Ew|Ne) `)
	bareValue     = regexp.MustCompile(`^\w+ eq [^"\s]+$`)
	twentyFourHex = regexp.MustCompile(`^[0-9a-f]{24}$`)
	twentyOne     = regexp.MustCompile(`^[0-9]{21}$`)
)

// marksOfRequest looks at all of a request but its body. Path is what follows
// the base URL.
func marksOfRequest(r *http.Request, path string) mark {
	m := marksOfAgent(r.Header.Get("User-Agent"))
	m.set(bareQuestionMark, r.URL.ForceQuery)
	switch first, rest, _ := strings.Cut(path, "/"); first {
	case "Users":
		m.set(userZero, rest == "0")
		m.set(putUser, rest != "" && r.Method == http.MethodPut)
	case "Groups":
		m.set(putGroup, rest != "" && r.Method == http.MethodPut)
	case "Schemas":
		m.set(oneSchema, rest != "")
	case "ResourceTypes":
		m.set(typeList, rest == "")
		m.set(oneType, rest != "")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return m
	}
	return m | marksOfQuery(query)
}

func marksOfAgent(agent string) (m mark) {
	m.set(noAgent, agent == "")
	agent = strings.ToLower(agent)
	for _, a := range agents {
		if strings.Contains(agent, a.word) {
			m.set(a.mark, true)
		}
	}
	return m
}

func marksOfQuery(query url.Values) (m mark) {
	m.set(entraFlagInQuery, query.Has("aadOptscim062020"))
	m.set(withoutMembers, query.Get("excludedAttributes") == "members" && strings.HasPrefix(query.Get("filter"), "displayName "))
	text := query.Get("filter")
	m.set(lookupFromOne, strings.HasPrefix(text, "userName ") && query.Get("startIndex") == "1" && !query.Has("count"))
	m.set(capitalFilterOp, capitalOps.MatchString(text))
	m.set(plainEmailsFilter, strings.HasPrefix(strings.ToLower(text), "emails eq "))
	m.set(bareFilterValue, bareValue.MatchString(text))
	return m
}

// marksOfBody looks at a body as it came. It must not change it.
func marksOfBody(method string, doc map[string]any) (m mark) {
	schemas := list(doc["schemas"])
	for _, schema := range schemas {
		text, _ := schema.(string)
		m.set(entraGroupSchema, strings.HasPrefix(text, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/"))
		m.set(version1, strings.HasPrefix(text, "urn:scim:schemas:core:1.0"))
	}
	if method == http.MethodPatch {
		return m | marksOfPatch(doc)
	}
	m |= marksOfExternalID(doc["externalId"]) | marksOfEmails(doc)
	_, hasType := object(doc["meta"])["resourceType"]
	roles, hasRoles := doc["roles"].([]any)
	m.set(entraRoles, method == http.MethodPost && hasType && hasRoles && len(roles) == 0)
	_, old := object(object(doc[enterpriseSchema])["manager"])["managerId"]
	m.set(managerID, old)
	for _, phone := range list(doc["phoneNumbers"]) {
		number, _ := object(phone)["value"].(string)
		m.set(telephoneURI, strings.HasPrefix(number, "tel:"))
	}
	active, said := doc["active"].(bool)
	m.set(putInactive, method == http.MethodPut && said && !active)
	return m | marksOfMembers(doc["members"])
}

func marksOfExternalID(v any) (m mark) {
	id, _ := v.(string)
	m.set(oktaUserID, strings.HasPrefix(id, "00u"))
	m.set(objectID, twentyFourHex.MatchString(id))
	m.set(googleUserID, twentyOne.MatchString(id))
	return m
}

func marksOfEmails(doc map[string]any) (m mark) {
	_, single := doc["emails"].(map[string]any)
	m.set(emailsObject, single)
	emails := list(doc["emails"])
	primaries, bare := 0, len(emails) > 0
	for _, item := range emails {
		email := object(item)
		if email["primary"] == true {
			primaries++
		}
		bare = bare && len(email) == 1
	}
	m.set(twoPrimaries, primaries > 1)
	roles, hasRoles := doc["roles"].([]any)
	m.set(plainEmailAndRoles, bare && hasRoles && len(roles) == 0)
	return m
}

func marksOfMembers(v any) (m mark) {
	for i, item := range list(v) {
		if i == membersSeen {
			break
		}
		ref, has := object(item)["$ref"]
		text, _ := ref.(string)
		m.set(nullRef, has && ref == nil)
		m.set(relativeRef, strings.HasPrefix(text, "Users/"))
	}
	return m
}

func marksOfPatch(doc map[string]any) (m mark) {
	operations := list(doc["Operations"])
	single := 0
	for _, item := range operations {
		operation := object(item)
		op, _ := operation["op"].(string)
		path, _ := operation["path"].(string)
		m.set(capitalOp, op == "Add" || op == "Replace" || op == "Remove")
		m.set(lowerOp, op == "add" || op == "replace" || op == "remove")
		m |= marksOfPath(path) | marksOfMembers(operation["value"])
		m |= marksWithoutPath(operation)
		value, has := operation["value"]
		m.set(nullRemove, op == "remove" && path == "members" && has && value == nil)
		if op == "add" && path == "members" && len(list(value)) == 1 {
			single++
		}
	}
	m.set(addEach, single > 1 && single == len(operations))
	return m
}

func marksOfPath(path string) (m mark) {
	m.set(enterprisePaths, strings.HasPrefix(path, enterpriseSchema+":"))
	m.set(primaryEmailPath, path == "emails[primary eq true].value")
	m.set(groupsOfUser, path == "groups")
	return m
}

func marksWithoutPath(operation map[string]any) (m mark) {
	path, has := operation["path"]
	m.set(nullPath, has && path == nil)
	if path != nil {
		return m
	}
	value := object(operation["value"])
	_, id := value["id"]
	_, schemas := value["schemas"]
	m.set(renameWithID, id && !schemas)
	m.set(schemasInValue, schemas)
	return m
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}
