// Package mapping decides what Crowd should hold from what identity providers said.
//
//	attributes, err := mapping.CompileAttributes(nil, mapping.AttributeOptions{}) // nil: the defaults
//	fields, err := attributes.ToCrowd(resource)                                   // a SCIM user, as JSON values
//
//	groups, err := mapping.CompileGroups(mapping.Groups{DefaultForAllUsers: []string{"employees"}})
//	for _, target := range groups.Targets(mapping.SCIMGroup{Name: "Engineering"}) { ... }
//
// Settings are plain structs with JSON tags; compiling them reports all faults at once, each with the place and a
// remedy. What is compiled is immutable and may be used by several goroutines.
//
// # Words
//
// A SCIM group is what the identity provider pushes. Its targets are the Crowd groups it fills: the one of its name,
// on the fly, or those that rules name, under manual mapping. A grant is the fact that the identity provider says a
// user is in a SCIM group. A Crowd group is desired to hold the union of those who have a grant for it and those for
// whom it is a default group; so a user leaves it with the last grant only.
//
// # Users
//
// A [Row] says where one Crowd field or custom attribute comes from. Without any, the rows of [DefaultAttributes] are
// used, which each row replaces for its own target:
//
//	username     userName
//	email        the primary address, else the one for work, else the first
//	firstName    name.givenName
//	lastName     name.familyName
//	displayName  displayName, else name.formatted, else given and family name
//	active       active
//
// Crowd's rules are checked before Crowd is asked, in characters as Crowd counts them, UTF-16 code units: names of
// users and groups have 1 to 255 without blanks around them and without control characters; names of persons are cut
// to 252 and "..." where they are longer than 255; other values that are longer are refused. The way back,
// [AttributeMap.ToSCIM], gives what was sent. A [UserFilter] chooses who is provisioned at all.
//
// # Memberships
//
// [Derive] is the one function that says whether a user is to be added to a Crowd group, taken from it or left alone
// there, and [GroupMap.DeriveUsers] does that for all groups of any number of users. A membership that nothing asks
// for is removed if the identity provider made it. If it did not, these settings decide:
//
//	protected group                           left alone, always
//	target that a rule names                  left alone, unless keepExistingUsers is false
//	target that only a pattern leads to       the same where a grant does; else as below
//	manual mapping without importGroups       left alone
//	default group for new users               left alone
//	anything else                             left alone, unless keepExistingGroups is false, and then
//	                                          only users of the connection are taken out
//
// Explain methods say why anything came out as it did, as values and as text; Changes methods say what other settings
// would change.
//
// # Expressions
//
// Where settings take an expression, it is one of https://expr-lang.org over the attributes of the resource, spelled
// exactly as the schema spells them. An attribute without value is an empty text, list or object, false or 0; a place
// beyond the end of a list, or an attribute of nothing, is nothing.
// Besides operators, conditions and the loops all, any, none, one, filter, map, find and count, it may use
//
//	lower(s) upper(s) trim(s)            letters and blanks; a + b joins texts
//	ascii(s)                             "Zoë Łuk" becomes "Zoe Luk"
//	localPart(s)                         what stands before the "@" of an email address
//	replace(s, "a", "b")                 every "a" by "b"
//	replaceRegex(s, "^dev-(.*)$", "$1")  every match of a regular expression
//	findRegex(s, "^([a-z]+)\\.")         the first group of the first match
//	s matches "^[a-z]+$"                 a condition
//	split(s, ",")  join(list, ", ")      a text to a list and back; empty texts are left out of join
//	substring(s, from, to)               characters counted from 0, to may be left out
//	default(a, b, "c")                   the first that is not empty, also written a ?? b
//	path("emails[type eq \"work\"].value")  the first value at a SCIM path, also one with a URN
//	paths("emails.value")                all of them
//	len(x) first(list) last(list)
//
// An expression reads no clock, file or network, and its size, memory and time are bounded: one that has too much
// to do for a user fails for that user.
//
// # What it does not do
//
// The package makes no calls, keeps no state and knows nothing of HTTP, of Crowd's API or of what is there now:
// package groupsync does.
package mapping
