package scimtest

import (
	"slices"
	"strconv"
	"strings"
)

const patchOp = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// An operation is one of a PATCH, RFC 7644 section 3.5.2.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value,omitempty"`
}

func patch(operations []operation) resource {
	return resource{"schemas": []string{patchOp}, "Operations": operations}
}

// known is what is known of a user: the values of the mapped attributes in
// their order, and whether it is active.
type known struct {
	values []value
	active bool
}

type value struct{ path, text string }

// shown is what a resource shows.
func (t traits) shown(r resource) known {
	k := known{active: r["active"] == true}
	for _, a := range t.attributes() {
		k.values = append(k.values, value{a.path, a.have(r)})
	}
	return k
}

// wanted is what a user is to be.
func (t traits) wanted(u User, active bool) known {
	k := known{active: active}
	for _, a := range t.attributes() {
		k.values = append(k.values, value{a.path, a.want(u)})
	}
	return k
}

// A dialect is how a client that patches users attribute by attribute spells
// its operations.
type dialect struct {
	add, replace, remove string
	// textual sends Booleans as texts.
	textual bool
	// gathered puts all simple attributes into one operation without a path.
	gathered bool
	// member is how a member is written, removed by a filter or by a list.
	member   func(member) resource
	filtered bool
}

func oldDialect() dialect {
	return dialect{add: "Add", replace: "Replace", remove: "Remove", textual: true, member: nullRef}
}

func newDialect() dialect {
	return dialect{add: "add", replace: "replace", remove: "remove", gathered: true, member: onlyID, filtered: true}
}

// differing returns an operation for each attribute that differs.
func (d dialect) differing(had, want known) []operation {
	var list []operation
	simple := resource{}
	for i, v := range want.values {
		before := had.values[i].text
		switch {
		case before == v.text:
		case v.text == "":
			list = append(list, operation{Op: d.remove, Path: v.path})
		case d.gathered && !strings.Contains(v.path, "["):
			simple[v.path] = v.text
		case before == "":
			list = append(list, operation{Op: d.add, Path: v.path, Value: v.text})
		default:
			list = append(list, operation{Op: d.replace, Path: v.path, Value: v.text})
		}
	}
	if len(simple) > 0 {
		list = append(list, operation{Op: d.replace, Value: simple})
	}
	if had.active != want.active {
		list = append(list, operation{Op: d.replace, Path: "active", Value: d.boolean(want.active)})
	}
	return list
}

func (d dialect) boolean(b bool) any {
	if d.textual {
		return spelled(b, "True", "False")
	}
	return b
}

// eachReplaced replaces each attribute that differs under its path.
func (d dialect) eachReplaced(had, want known) []operation {
	d.gathered = false
	d.add = d.replace
	return d.differing(had, want)
}

func (d dialect) removeMembers(m []member) []operation {
	if d.filtered {
		return byFilter(d.remove, m)
	}
	return one(d.remove, m, d.member)
}

// A member is a user on the server.
type member struct{ id, userName string }

func onlyID(m member) resource    { return resource{"value": m.id} }
func nullRef(m member) resource   { return resource{"$ref": nil, "value": m.id} }
func nameAndID(m member) resource { return resource{"value": m.id, "display": m.userName} }

func written(members []member, write func(member) resource) []resource {
	list := []resource{}
	for _, m := range members {
		list = append(list, write(m))
	}
	return list
}

// one is a single operation on members with all of them in its value.
func one(op string, members []member, write func(member) resource) []operation {
	return []operation{{Op: op, Path: "members", Value: written(members, write)}}
}

// byFilter names each member in the path of an operation of its own.
func byFilter(op string, members []member) []operation {
	var list []operation
	for _, m := range members {
		list = append(list, operation{Op: op, Path: "members[value eq " + strconv.Quote(m.id) + "]"})
	}
	return list
}

func renameByPath(_, name string) []operation {
	return []operation{{Op: "replace", Path: "displayName", Value: name}}
}

// group is a group with these members; nil leaves them out.
func group(name string, members []member, write func(member) resource) resource {
	r := resource{"schemas": []string{coreGroup}, "displayName": name}
	if members != nil {
		r["members"] = written(members, write)
	}
	return r
}

func entraGroup(g Group, _ []member) resource {
	return resource{
		"schemas": []string{coreGroup, entraURN}, "externalId": g.ID, "displayName": g.Name,
		"meta": resource{"resourceType": "Group"},
	}
}

// batches cuts a list of members.
func batches(members []member, size int) [][]member {
	if size <= 0 {
		size = len(members) + 1
	}
	return slices.Collect(slices.Chunk(members, size))
}
