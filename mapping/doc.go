// Package mapping decides what Crowd should hold from what identity providers said.
//
//	attributes, err := mapping.CompileAttributes(nil, mapping.AttributeOptions{}) // nil: the defaults
//	fields, err := attributes.ToCrowd(resource)                                   // a SCIM user, as JSON values
//
//	groups, err := mapping.CompileGroups(mapping.Groups{DefaultForAllUsers: []string{"employees"}})
//	for _, target := range groups.Targets(mapping.SCIMGroup{Name: "Engineering"}) { ... }
//
// Settings are plain structs with JSON tags; compiling them reports all faults at once, each with the place and a
// remedy. What is compiled is immutable and may be used by several goroutines. [Derive] is the one function that
// says whether a user is to be added to a Crowd group, taken from it or left alone there; Explain methods say why
// anything came out as it did.
//
// # Expressions
//
// Where settings take an expression, it is one of https://expr-lang.org over the attributes of the resource, spelled
// exactly as the schema spells them. An attribute without value is an empty text, list or object, false or 0.
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
