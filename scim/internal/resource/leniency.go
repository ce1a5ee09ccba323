package resource

// Leniency says which departures from RFC 7643 and 7644 are understood. The zero value is [Strict]. Every trait is
// one that has a single sensible reading; what could be read in two ways is refused under each of them.
type Leniency struct {
	StringBooleans      bool // "True" and "0" where a boolean is due
	NumberStrings       bool // 4711 where a string is due that is not required, "4711" where a number is, 7.0 for an integer
	SingleObjectAsArray bool // one value where an array is due
	SingleArrayAsValue  bool // an array of one where a value is due
	ManagerString       bool // "ID" where a complex value such as manager is due: its "value"
	BareMemberStrings   bool // "ID" in an array of complex values such as members: its "value"
	NestedValues        bool // {"members": [...]} as the value of members
	Aliases             bool // managerId for manager.value, and the misspelt URN "...:enterprise:2.0User"
	FlatURNKeys         bool // "URN:department" and "name.givenName" as keys, and core attributes below their URN
	ShortNames          bool // an extension's attribute named without its URN, if only one extension has it
	MissingSchemas      bool // "schemas" missing, incomplete, or with URNs nobody knows
	UnknownAttributes   bool // attributes nobody knows are dropped; as an explicit PATCH path they stay an error
	RawPatchKeys        bool // paths as keys of a PATCH value without path, value filters included
	ReadOnlyKeys        bool // read-only attributes in a PATCH value without path are dropped
	CreateOnReplace     bool // replace at a value filter that matches nothing makes the value it describes
	AnyReference        bool // text that is no URI where a reference is due
	Blanks              bool // blanks around a path, and an empty path or filter where there is none
	FirstPrimary        bool // of several primary values in one array the first stays primary
}

// Strict returns the RFC's own rules and nothing else.
func Strict() Leniency { return Leniency{} }

// Lenient returns every trait.
func Lenient() Leniency {
	return Leniency{
		StringBooleans:      true,
		NumberStrings:       true,
		SingleObjectAsArray: true,
		SingleArrayAsValue:  true,
		ManagerString:       true,
		BareMemberStrings:   true,
		NestedValues:        true,
		Aliases:             true,
		FlatURNKeys:         true,
		ShortNames:          true,
		MissingSchemas:      true,
		UnknownAttributes:   true,
		RawPatchKeys:        true,
		ReadOnlyKeys:        true,
		CreateOnReplace:     true,
		AnyReference:        true,
		Blanks:              true,
		FirstPrimary:        true,
	}
}
