// Package resource holds what can be said of SCIM resources without a server: their schemas, the normal form that
// the dialects of identity providers are brought into, PATCH, projection, sorting and equality.
//
//	doc, err := resource.Decode(body, resource.Limits{})
//	ops, err := resource.ParsePatch(doc, users, resource.Lenient(), resource.Limits{})
//	patched, err := users.Apply(stored, ops)
//
// A resource is what [Decode] makes of JSON: map[string]any, []any, string, bool and [json.Number]. Its normal
// form, which [Type.Normalise] returns and everything else takes, spells names and URNs as the schema does, has no
// null and no empty value, nests extension data below the URN of its schema, and lists in "schemas" those it uses.
//
// Errors are *[Error] with the status and scimType of RFC 7644 section 3.12 and a detail for the administrator.
// Everything here is pure; a [Type] is immutable and may be shared between goroutines, and no function changes a
// resource it was given.
//
// The package knows no identity provider by name, only their traits ([Leniency]); it does not speak HTTP and does
// not decide what may be stored.
package resource
