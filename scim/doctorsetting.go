package scim

import (
	"fmt"
	"slices"
	"strings"
)

// settings holds what was seen so far against the settings.
func (d *doctor) settings() []Finding {
	var found []Finding
	recognised := d.recognise()
	if several := d.several(); several != "" {
		found = append(found, Finding{
			Code: "two-providers", Problem: "requests of several identity providers come: " + several,
			Remedy: "Give each identity provider a connection of its own, with a path and tokens of its own.",
		})
	}
	if d.marks.has(version1) {
		found = append(found, Finding{
			Code: "scim-1.1", Problem: "SCIM 1.1 is spoken, which is not understood here",
			Remedy: "Choose SCIM 2.0 in the app of the identity provider, or an app that speaks it.",
		})
	}
	effective := d.provider
	switch {
	case effective == Generic:
		effective = recognised
	case recognised != "" && recognised != effective:
		return append(found, Finding{
			Code: "wrong-provider", Problem: fmt.Sprintf("the requests are those of %s, but the provider is set to %s", recognised, d.provider),
			Remedy: fmt.Sprintf("Set the provider to %q, or to %q.", recognised, Generic),
		})
	}
	return append(found, d.dialect(effective)...)
}

// several names the providers that give their names, if there are more than one.
func (d *doctor) several() string {
	var names []string
	for p, t := range d.table {
		if t.score(d.marks) >= certain {
			names = append(names, string(p))
		}
	}
	if len(names) < 2 {
		return ""
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// enoughCapitals is how many PATCH requests of Entra must be in its default
// dialect before that counts: its provisioning on demand never heeds the flag.
const enoughCapitals = 3

// dialect looks for settings of a provider that make it speak another dialect
// than it could.
func (d *doctor) dialect(p Provider) []Finding {
	var found []Finding
	if p == Entra && d.capitals >= enoughCapitals && !d.marks.has(lowerOp) && !d.marks.has(entraFlagInQuery) {
		found = append(found, Finding{
			Code: "entra-flag", Problem: "Entra ID speaks its older dialect, which departs from the standard; it is understood here, but is not what Microsoft recommends",
			Remedy: "Add ?aadOptscim062020 to the tenant URL in Entra ID and restart provisioning.",
		})
	}
	if wrong := d.marks & d.table[p].patches; wrong != 0 {
		found = append(found, Finding{
			Code: "put-for-patch", Problem: fmt.Sprintf("%s are changed by PUT, where %s sends PATCH if it is set up well%s", changed(wrong), p, putHarm(wrong)),
			Remedy: putRemedy(p),
		})
	}
	if group := d.pushes.suspect(d.now()); group != "" && p == Okta {
		found = append(found, Finding{
			Code: "assigned-and-pushed", Problem: fmt.Sprintf("the group with the id %s seems to be both assigned to the app in Okta and pushed: its members come and go together with their accounts", group),
			Remedy: "Assign the app by one group and push another with the same members: Okta does not support both with one, and loses memberships where the push comes first.",
		})
	}
	return found
}

func changed(m mark) string {
	switch {
	case m.has(putUser | putGroup), m.has(putInactive | putGroup):
		return "users and groups"
	case m.has(putGroup):
		return "groups"
	}
	return "users"
}

func putHarm(m mark) string {
	if m.has(putGroup) {
		return "; each change of a membership sends the whole group, and what is missing in it is removed"
	}
	return ""
}

func putRemedy(p Provider) string {
	switch p {
	case Okta:
		return `Use the app "SCIM 2.0 Test App" of Okta's catalog instead of one made by the App Integration Wizard, which cannot PATCH.`
	case Rippling:
		return `Tick "Use PATCH to edit Groups" in the settings of the app in Rippling.`
	case Authentik:
		return "See in authentik's log why it could not read /ServiceProviderConfig; it falls back to PUT then."
	}
	return "Choose PATCH for updates in the app of the identity provider; if it has no such choice, see whether something else uses its token."
}
