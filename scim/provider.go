package scim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// A Provider names an identity provider, and with it the dialect it speaks.
// Every dialect that can be told apart from the standard is understood under
// each of them but [Strict]; the name decides where they contradict each other,
// how answers are shaped, and what [Handler.Findings] warns of. The zero value
// is [Generic].
//
// A page for each of them, in the folder idp beside this package, says what to
// set up on the other side.
type Provider string

// The providers. Other texts are refused by [New].
const (
	Generic   Provider = "generic"
	Okta      Provider = "okta"
	Entra     Provider = "entra"
	OneLogin  Provider = "onelogin"
	JumpCloud Provider = "jumpcloud"
	Google    Provider = "google"
	Ping      Provider = "ping"
	SailPoint Provider = "sailpoint"
	CyberArk  Provider = "cyberark"
	Rippling  Provider = "rippling"
	Keycloak  Provider = "keycloak"
	Authentik Provider = "authentik"
	// Strict refuses whatever RFC 7643 and RFC 7644 do not allow.
	Strict Provider = "strict"
)

// traits is all the package knows of a provider.
type traits struct {
	leniency resource.Leniency
	// bareValues takes filter values without quotation marks.
	bareValues bool
	// userPatchBody answers a PATCH of a user with the user. Where it is false
	// the answer is 204, which RFC 7644 section 3.5.2 allows as well.
	userPatchBody bool
	// groupPatchBody answers a PATCH of a group that says nothing of its members
	// with the group, though without them. All other answers are 204: RFC 7644
	// section 3.5.2 allows that or the whole resource, there may be many members
	// to read, and an answer that leaves out what was just changed would be
	// taken for a failure.
	groupPatchBody bool
	// memberDisplay shows the user name of a group's member as its display.
	// RFC 7643 section 8.7.1 leaves that out of the schema of Group, and there
	// are clients that refuse what the schema does not have.
	memberDisplay bool
	// page is the page where neither request nor [Limits] say one, for clients
	// that take the first page for all there is. 0 means the default.
	page int
	// patches is what the provider never does by PUT where it is set up well.
	patches mark
	// signs are what its requests are recognised by.
	signs []sign
}

// providers is the table: a provider is a row here, a folder of scenarios in
// testdata/idp and a page in idp.
func providers() map[Provider]traits {
	all := resource.Lenient()
	return map[Provider]traits{
		Generic: {leniency: all, bareValues: true, userPatchBody: true, groupPatchBody: true},
		Okta: {
			leniency: all, bareValues: true, userPatchBody: true, groupPatchBody: true, memberDisplay: true, patches: putGroup | putInactive,
			signs: []sign{{agentOkta, certain}, {oktaUserID, strong}, {renameWithID, weak}},
		},
		Entra: {
			leniency: all, bareValues: true, memberDisplay: true, patches: putUser | putGroup,
			signs: []sign{{entraGroupSchema, certain}, {entraFlagInQuery, certain}, {capitalOp, strong}, {nullRef, strong}, {withoutMembers, weak}, {enterprisePaths, weak}, {entraRoles, strong}},
		},
		OneLogin: {
			leniency: all, bareValues: true, userPatchBody: true, memberDisplay: true, patches: putGroup,
			signs: []sign{{managerID, strong}, {bareQuestionMark, strong}, {noAgent, weak}, {emailsObject, weak}},
		},
		JumpCloud: {
			leniency: all, bareValues: true, userPatchBody: true, memberDisplay: true,
			signs: []sign{{agentJumpCloud, certain}, {objectID, strong}, {telephoneURI, weak}},
		},
		Google: {
			leniency: all, bareValues: true, userPatchBody: true, memberDisplay: true,
			signs: []sign{{agentGoogle, certain}, {googleUserID, strong}, {lookupFromOne, strong}},
		},
		Ping: {
			leniency: all, bareValues: true, userPatchBody: true, memberDisplay: true,
			signs: []sign{{agentPing, certain}, {userZero, strong}, {capitalFilterOp, strong}, {plainEmailsFilter, weak}, {twoPrimaries, weak}, {bareFilterValue, weak}},
		},
		SailPoint: {
			leniency: all, bareValues: true, userPatchBody: true, memberDisplay: true,
			signs: []sign{{agentSailPoint, certain}, {groupsOfUser, strong}, {typeListAndOne, strong}},
		},
		CyberArk: {
			leniency: all, bareValues: true, userPatchBody: true, memberDisplay: true, patches: putGroup,
			signs: []sign{{agentCyberArk, certain}, {oneSchema, strong}},
		},
		Rippling: {
			leniency: all, bareValues: true, userPatchBody: true, memberDisplay: true, patches: putGroup,
			signs: []sign{{agentRippling, certain}},
		},
		Keycloak: {
			leniency: all, bareValues: true, userPatchBody: true, memberDisplay: true, page: 10000,
			signs: []sign{{agentKeycloak, certain}, {relativeRef, strong}, {nullRemove, strong}, {plainEmailAndRoles, strong}, {primaryEmailPath, strong}},
		},
		Authentik: {
			leniency: all, bareValues: true, userPatchBody: true, memberDisplay: true, patches: putGroup,
			signs: []sign{{agentAuthentik, certain}, {schemasInValue, strong}, {nullPath, weak}, {bareFilterValue, weak}, {addEach, weak}},
		},
		Strict: {leniency: resource.Strict(), userPatchBody: true},
	}
}

// Providers lists all providers by name.
func Providers() []Provider { return slices.Sorted(maps.Keys(providers())) }

func (p Provider) traits() (traits, error) {
	if p == "" {
		p = Generic
	}
	t, ok := providers()[p]
	if !ok {
		var names []string
		for _, known := range Providers() {
			names = append(names, string(known))
		}
		return traits{}, fmt.Errorf("scim: provider %q is not known; use one of %s", p, strings.Join(names, ", "))
	}
	return t, nil
}
