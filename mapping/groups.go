package mapping

import "strings"

// Groups are the settings of group mapping. The zero value maps every SCIM group to the Crowd group of its name.
type Groups struct {
	// Filter is an expression over displayName and externalId of a SCIM group, such as
	// `displayName startsWith "crowd-"`. Groups that it is not true of fill no Crowd group. Default: all count.
	Filter string `json:"filter,omitempty"`

	// DefaultForNewUsers are Crowd groups that a user joins when it is created, and never again.
	DefaultForNewUsers []string `json:"defaultForNewUsers,omitempty"`

	// DefaultForAllUsers are Crowd groups that every user of the connection is a member of, always.
	DefaultForAllUsers []string `json:"defaultForAllUsers,omitempty"`

	// Mapping is how SCIM groups find their Crowd groups. Default: OnTheFlyMapping.
	Mapping Mode `json:"mapping,omitempty"`

	Manual   Manual   `json:"manual,omitzero"`   // used by ManualMapping
	OnTheFly OnTheFly `json:"onTheFly,omitzero"` // used by OnTheFlyMapping, and for groups that Manual imports

	// Protected are Crowd groups that no mapping changes. Default, where nil: crowd-administrators and the groups
	// of administrators of the other products, as [DefaultProtected] lists them. The registry groups of
	// connections, whose names begin with "scim-registry-", are protected in any case.
	Protected []string `json:"protected,omitzero"`
}

// Mode is how SCIM groups find their Crowd groups.
type Mode string

// The modes.
const (
	OnTheFlyMapping Mode = "on-the-fly" // each SCIM group fills the Crowd group of its name
	ManualMapping   Mode = "manual"     // rules say which Crowd groups a SCIM group fills
)

// Manual are the settings of manual mapping.
type Manual struct {
	// Rules are all applied: a SCIM group fills the targets of every rule that it satisfies.
	Rules []Rule `json:"rules,omitempty"`

	// ImportGroups maps on the fly the SCIM groups that satisfy no rule. Default: they fill no Crowd group.
	ImportGroups bool `json:"importGroups,omitempty"`
}

// Rule says which Crowd groups some SCIM groups fill. It has exactly one of From, FromExternalID and FromPattern.
// The Crowd groups are never made: one that is missing is filled as soon as it is there.
type Rule struct {
	From           string `json:"from,omitempty"`           // the name of a SCIM group, ignoring case
	FromExternalID string `json:"fromExternalId,omitempty"` // the externalId of a SCIM group

	// FromPattern is a regular expression that must match the whole name, ignoring case.
	FromPattern string `json:"fromPattern,omitempty"`

	// To are the Crowd groups. After FromPattern, $1 or ${name} stand for what a group of the pattern matched.
	To []string `json:"to"`

	// KeepExistingUsers leaves alone the members that the identity provider did not put there. Rules that fill one
	// Crowd group must agree; of a group that one rule names, and to which the pattern of another leads, the rule
	// that names it decides. Default: true.
	KeepExistingUsers *bool `json:"keepExistingUsers,omitempty"`

	// Protected is "add" where the rule may add members to protected groups, which it then never takes out.
	Protected string `json:"protected,omitempty"`
}

// addToProtected is the value of Rule.Protected.
const addToProtected = "add"

// OnTheFly are the settings of mapping on the fly.
type OnTheFly struct {
	// Create makes Crowd groups that are missing. Default: true.
	Create *bool `json:"create,omitempty"`

	// KeepExistingGroups leaves alone the memberships that the identity provider did not make. False: a user's
	// Crowd groups become exactly what is desired, protected groups and DefaultForNewUsers aside. Default: true.
	KeepExistingGroups *bool `json:"keepExistingGroups,omitempty"`

	// Exclusive takes the members of groups that the connection created for its own record: nobody else may add
	// any. It needs KeepExistingGroups to be false.
	Exclusive bool `json:"exclusive,omitempty"`

	// Only and Never choose the SCIM groups that are mapped, by name ignoring case; "*" stands for any text.
	// Default: all.
	Only  []string `json:"only,omitempty"`
	Never []string `json:"never,omitempty"`

	// Rename makes the name of the Crowd group from that of the SCIM group.
	Rename Rename `json:"rename,omitzero"`

	// Collisions says what becomes of a second SCIM group that lands on the same Crowd group. Default: Union.
	Collisions Collisions `json:"collisions,omitempty"`
}

// Rename makes one name from another: the replacements in their order, then prefix and suffix.
type Rename struct {
	Replace []Replacement `json:"replace,omitempty"`
	Prefix  string        `json:"prefix,omitempty"`
	Suffix  string        `json:"suffix,omitempty"`
}

// Replacement exchanges every match of a regular expression, ignoring case.
type Replacement struct {
	Pattern string `json:"pattern"`
	With    string `json:"with"` // $1 or ${name} stand for what a group matched
}

// Collisions is what becomes of two SCIM groups that fill one Crowd group on the fly.
type Collisions string

// The ways to treat collisions.
const (
	Union  Collisions = "union"  // the Crowd group has the members of both
	Refuse Collisions = "refuse" // the second is a conflict
)

// SCIMGroup is a group as the identity provider knows it.
type SCIMGroup struct {
	ID         string `json:"id,omitempty"`
	Name       string `json:"name"`
	ExternalID string `json:"externalId,omitempty"`
}

// Target is a Crowd group that a SCIM group fills.
type Target struct {
	Group        string `json:"group"`                  // the name of the Crowd group
	KeepExisting bool   `json:"keepExisting"`           // leave alone members that the identity provider did not put there
	Create       bool   `json:"create,omitempty"`       // make the Crowd group if it is missing
	Rule         string `json:"rule"`                   // the rules it comes from, or "on the fly"
	ProtectedAdd bool   `json:"protectedAdd,omitempty"` // the group is protected: add to it, take nobody out
}

// registryPrefix begins the names of the groups in which connections keep their records.
const registryPrefix = "scim-registry-"

// isRegistry reports whether a Crowd group has the name of one of those. No rule may fill it, not even one that may
// add to protected groups: its attributes say which SCIM groups there are.
func isRegistry(name string) bool { return strings.HasPrefix(Fold(name), registryPrefix) }

// DefaultProtected returns the groups that are protected where settings do not say.
func DefaultProtected() []string {
	return []string{
		"crowd-administrators", "jira-administrators", "jira-system-administrators", "confluence-administrators",
		"bitbucket-administrators", "bamboo-administrators", "bamboo-admin", "fisheye-administrators", "system-administrators",
	}
}

// orTrue returns what a setting says that is true by default.
func orTrue(setting *bool) bool { return setting == nil || *setting }
