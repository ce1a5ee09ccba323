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
// each of them but [Strict]; the name decides where they contradict each other.
// The zero value is [Generic].
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
}

func providers() map[Provider]traits {
	lenient := traits{leniency: resource.Lenient(), bareValues: true, memberDisplay: true}
	table := map[Provider]traits{
		Generic: {leniency: resource.Lenient(), bareValues: true, groupPatchBody: true},
		Strict:  {leniency: resource.Strict()},
	}
	for _, p := range []Provider{Entra, OneLogin, JumpCloud, Google, Ping, SailPoint, CyberArk, Rippling, Keycloak, Authentik} {
		table[p] = lenient
	}
	okta := lenient
	okta.groupPatchBody = true
	table[Okta] = okta
	return table
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
