package mapping

import "slices"

// Attributes are the settings of attribute mapping: rows that replace those of [DefaultAttributes] with the same
// target, or add to them. Nil means the defaults.
type Attributes []Row

// Row says where one Crowd field or attribute comes from. The paths of From are tried in order and the first that
// is not empty wins; after them Expr, then Const. A row without any source, and IfMissing "keep", leaves the field
// to Crowd.
type Row struct {
	// To is username, email, firstName, lastName, displayName or active, or else the name of a custom attribute
	// of the Crowd user, which takes all values a path selects. Required.
	To string `json:"to"`

	// From are attribute paths of RFC 7644 figure 7, such as `emails[type eq "work"].value`.
	From []string `json:"from,omitempty"`

	// Expr is an expression of expr-lang.org over the attributes of the resource, such as `lower(userName)`. For a
	// custom attribute it may give a list, as `[title, nickName]` does. See the package comment for its helpers.
	Expr string `json:"expr,omitempty"`

	// Const is a string or boolean; for a custom attribute also a list of strings.
	Const any `json:"const,omitempty"`

	// IfMissing says what happens where no source has a value. Default: Clear; Reject for username, which can
	// have no other; Keep for active.
	IfMissing Missing `json:"ifMissing,omitempty"`
}

// Missing is what becomes of a Crowd field that the identity provider gives no value for.
type Missing string

// The ways to treat a missing value.
const (
	Keep   Missing = "keep"   // Crowd keeps what it has
	Clear  Missing = "clear"  // the field is emptied
	Reject Missing = "reject" // the request is refused
)

// The targets of rows that are fields of a Crowd user. All others are custom attributes.
const (
	toUsername    = "username"
	toEmail       = "email"
	toFirstName   = "firstName"
	toLastName    = "lastName"
	toDisplayName = "displayName"
	toActive      = "active"
)

// crowdFields lists the targets that are fields, in the order in which results name them.
func crowdFields() []string {
	return []string{toUsername, toEmail, toFirstName, toLastName, toDisplayName, toActive}
}

// DefaultAttributes returns the mapping that is used where settings say nothing else.
func DefaultAttributes() Attributes {
	return Attributes{
		{To: toUsername, From: []string{"userName"}, IfMissing: Reject},
		{To: toEmail, From: []string{"emails[primary eq true].value", `emails[type eq "work"].value`, "emails.value"}, IfMissing: Clear},
		{To: toFirstName, From: []string{"name.givenName"}, IfMissing: Clear},
		{To: toLastName, From: []string{"name.familyName"}, IfMissing: Clear},
		{
			To: toDisplayName, From: []string{"displayName", "name.formatted"},
			Expr: `trim(name.givenName + " " + name.familyName)`, IfMissing: Clear,
		},
		{To: toActive, From: []string{"active"}, IfMissing: Keep},
	}
}

// withDefaults returns the default rows, those that a replaces exchanged, and then the further rows of a. The
// position of each in a is -1 for a default.
func (a Attributes) withDefaults() (rows []Row, positions []int) {
	given := func(to string) int {
		return slices.IndexFunc(a, func(r Row) bool { return r.To == to })
	}
	for _, d := range DefaultAttributes() {
		i := given(d.To)
		if i >= 0 {
			d = a[i]
		}
		rows, positions = append(rows, d), append(positions, i)
	}
	for i, r := range a {
		if !slices.Contains(crowdFields(), r.To) {
			rows, positions = append(rows, r), append(positions, i)
		}
	}
	return rows, positions
}
