package scim_test

import (
	"encoding/json"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// The model of PATCH reads RFC 7644 section 3.5.2 as plainly as can be: no
// schema, no parser, no index. A resource is a map; an operation knows what it
// is about and is written as a client would write it.

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// An edit is one operation of a PATCH.
type edit struct {
	op  string
	ext string // URN of the extension the attribute belongs to, "" for the core
	// attr is the attribute, "" for an operation without path, whose value is an
	// object, or for an extension as a whole.
	attr, sub string
	// The values that a filter in brackets selects: those whose sub-attribute by
	// is is.
	by, is string
	value  any
	fails  string // the scimType the operation is refused with
}

// body writes the operation.
func (e edit) body() map[string]any {
	path := e.attr
	if e.by != "" {
		path += "[" + e.by + ` eq "` + e.is + `"]`
	}
	if e.sub != "" {
		path += "." + e.sub
	}
	switch {
	case e.ext != "" && path == "":
		path = e.ext
	case e.ext != "":
		path = e.ext + ":" + path
	}
	body := map[string]any{"op": e.op}
	if path != "" {
		body["path"] = path
	}
	if e.value != nil {
		body["value"] = e.value
	}
	return body
}

// apply changes a resource, or returns the scimType of the refusal.
func (e edit) apply(doc map[string]any) string {
	if e.fails != "" {
		return e.fails
	}
	if e.attr == "" {
		return e.applyEach(doc)
	}
	owner := doc
	if e.ext != "" {
		owner, _ = doc[e.ext].(map[string]any)
		if owner == nil {
			owner = map[string]any{}
		}
		doc[e.ext] = owner
	}
	failed := e.applyTo(owner)
	prune(owner)
	prune(doc)
	return failed
}

// applyEach takes an operation whose value is an object of attributes: each is
// an operation of its own.
func (e edit) applyEach(doc map[string]any) string {
	if e.op == "remove" {
		delete(doc, e.ext)
		return ""
	}
	value, _ := e.value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(value)) {
		one := edit{op: e.op, ext: e.ext, attr: name, value: value[name]}
		if name == enterprise {
			one = edit{op: e.op, ext: enterprise, value: value[name]}
		}
		if failed := one.apply(doc); failed != "" {
			return failed
		}
	}
	return ""
}

func (e edit) applyTo(owner map[string]any) string {
	list, multiple := owner[e.attr].([]any)
	if _, ok := e.value.([]any); ok || multiple || e.by != "" {
		changed, failed := e.applyList(list)
		owner[e.attr] = changed
		return failed
	}
	old, _ := owner[e.attr].(map[string]any)
	given, complex := e.value.(map[string]any)
	switch {
	case e.sub != "":
		if old == nil {
			old = map[string]any{}
		}
		set(old, e.sub, e.value)
		owner[e.attr] = old
	case complex && old != nil:
		maps.Copy(old, given)
	default:
		set(owner, e.attr, copied(e.value))
	}
	return ""
}

// applyList changes an attribute with several values.
func (e edit) applyList(list []any) ([]any, string) {
	switch {
	case e.by != "":
		return e.applySelected(list)
	case e.op == "remove":
		return nil, ""
	case e.op == "replace":
		list = nil
	}
	given, _ := e.value.([]any)
	for _, item := range given {
		value := copied(item).(map[string]any)
		i := slices.IndexFunc(list, func(v any) bool { return same(v.(map[string]any), value) })
		if i < 0 {
			i = len(list)
			list = append(list, map[string]any{})
		}
		maps.Copy(list[i].(map[string]any), value)
		onePrimary(list, i)
	}
	return list, ""
}

// applySelected changes the values that the filter selects.
func (e edit) applySelected(list []any) ([]any, string) {
	var kept []any
	hit := -1
	for _, v := range list {
		value := v.(map[string]any)
		if value[e.by] != e.is {
			kept = append(kept, value)
			continue
		}
		given, whole := e.value.(map[string]any)
		switch {
		case e.sub != "":
			set(value, e.sub, e.value)
		case e.op == "remove":
			continue
		case e.op == "replace" && whole:
			value = copied(given).(map[string]any)
		case whole:
			maps.Copy(value, given)
		}
		hit = len(kept)
		kept = append(kept, value)
	}
	if hit < 0 && e.op == "replace" {
		return list, "noTarget"
	}
	if hit >= 0 {
		onePrimary(kept, hit)
	}
	return kept, ""
}

// same tells values that are one: no two have the same type and value (RFC 7643
// section 2.4). Addresses have no value and are one if all they say is the same.
func same(a, b map[string]any) bool {
	return a["type"] == b["type"] && a["value"] == b["value"] && a["locality"] == b["locality"] && a["country"] == b["country"]
}

// onePrimary takes primary from all values but the i-th, if that has it.
func onePrimary(list []any, i int) {
	if list[i].(map[string]any)["primary"] != true {
		return
	}
	for j, v := range list {
		if m := v.(map[string]any); j != i && m["primary"] == true {
			m["primary"] = false
		}
	}
}

func set(m map[string]any, name string, v any) {
	if v == nil {
		delete(m, name)
		return
	}
	m[name] = v
}

// prune drops what is empty: it is unassigned (RFC 7643 section 2.5).
func prune(m map[string]any) {
	maps.DeleteFunc(m, func(_ string, v any) bool {
		switch v := v.(type) {
		case nil:
			return true
		case []any:
			return len(v) == 0
		case map[string]any:
			return len(v) == 0
		}
		return false
	})
}

// copied returns a deep copy of a JSON value.
func copied(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var c any
	if err := json.Unmarshal(text, &c); err != nil {
		panic(err)
	}
	return c
}

var (
	anyOp   = rapid.SampledFrom([]string{"add", "replace", "remove"})
	anyWord = rapid.SampledFrom([]string{"x", "Y", "ünï", "a b", `q"q\`, "日本"})
	anyType = rapid.SampledFrom([]string{"work", "home", "other"})
)

// drawEdit draws an operation on any attribute of a user.
func drawEdit(t *rapid.T) edit {
	draws := []func(*rapid.T) edit{drawSingle, drawComplex, drawList, drawList, drawSelected, drawSelected, drawPathless, drawExtension, drawOdd}
	e := draws[rapid.IntRange(0, len(draws)-1).Draw(t, "kind")](t)
	if e.op == "remove" {
		e.value = nil
	}
	return e
}

func drawSingle(t *rapid.T) edit {
	attr := rapid.SampledFrom([]string{"externalId", "displayName", "nickName", "title", "userType", "preferredLanguage", "locale", "timezone", "profileUrl", "active"}).Draw(t, "attr")
	return edit{op: anyOp.Draw(t, "op"), attr: attr, value: drawValue(t, attr)}
}

func drawValue(t *rapid.T, attr string) any {
	switch attr {
	case "active":
		return rapid.Bool().Draw(t, "active")
	case "profileUrl":
		return "https://example.com/" + rapid.SampledFrom([]string{"a", "b"}).Draw(t, "url")
	}
	return anyWord.Draw(t, "value")
}

func drawComplex(t *rapid.T) edit {
	sub := rapid.SampledFrom([]string{"formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix"})
	e := edit{op: anyOp.Draw(t, "op"), attr: "name"}
	if rapid.Bool().Draw(t, "one") {
		e.sub, e.value = sub.Draw(t, "sub"), anyWord.Draw(t, "value")
		return e
	}
	object := map[string]any{}
	for range rapid.IntRange(1, 3).Draw(t, "subs") {
		object[sub.Draw(t, "sub")] = anyWord.Draw(t, "value")
	}
	e.value = object
	return e
}

var anyList = rapid.SampledFrom([]string{"emails", "phoneNumbers", "ims", "photos", "entitlements", "roles", "x509Certificates", "addresses"})

// drawElement draws a value of an attribute with several. But for addresses,
// which have no value to be told apart by, its type says which it is, so that no
// filter can make two values of one.
func drawElement(t *rapid.T, attr, kind string) map[string]any {
	e := map[string]any{"type": kind}
	switch attr {
	case "addresses":
		e["country"], e["locality"] = "US", anyWord.Draw(t, "locality")
	case "x509Certificates":
		e["value"] = map[string]string{"work": "AAAA", "home": "BBBB", "other": "CCCC"}[kind]
	case "photos":
		e["value"] = "https://example.com/" + kind
	default:
		e["value"] = kind + "@example.com"
		if rapid.Bool().Draw(t, "displayed") {
			e["display"] = anyWord.Draw(t, "display")
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "primary") == 0 {
		e["primary"] = true
	}
	return e
}

func drawElements(t *rapid.T, attr string) []any {
	list := []any{}
	primary := false
	for _, kind := range rapid.SliceOfNDistinct(anyType, 1, 3, rapid.ID[string]).Draw(t, "types") {
		e := drawElement(t, attr, kind)
		if primary {
			delete(e, "primary")
		}
		primary = primary || e["primary"] == true
		list = append(list, e)
	}
	return list
}

func drawList(t *rapid.T) edit {
	attr := anyList.Draw(t, "attr")
	return edit{op: anyOp.Draw(t, "op"), attr: attr, value: drawElements(t, attr)}
}

// drawSelected draws an operation on values that a filter selects.
func drawSelected(t *rapid.T) edit {
	attr := anyList.Draw(t, "attr")
	kind := anyType.Draw(t, "type")
	e := edit{op: rapid.SampledFrom([]string{"replace", "remove"}).Draw(t, "op"), attr: attr, by: "type", is: kind}
	what := rapid.IntRange(0, 3).Draw(t, "what")
	switch {
	case attr == "addresses" && what > 0:
		e.sub, e.value = "locality", anyWord.Draw(t, "value")
	case what == 0:
		e.op = "remove"
	case what == 1:
		e.value = drawElement(t, attr, kind)
	case what == 2:
		e.sub, e.value = "primary", true
	default:
		e.sub, e.value = "display", anyWord.Draw(t, "value")
	}
	return e
}

func drawPathless(t *rapid.T) edit {
	e := edit{op: rapid.SampledFrom([]string{"add", "replace"}).Draw(t, "op")}
	object := map[string]any{}
	for range rapid.IntRange(1, 3).Draw(t, "attributes") {
		one := []func(*rapid.T) edit{drawSingle, drawList, drawExtension}[rapid.IntRange(0, 2).Draw(t, "kind")](t)
		switch {
		case one.ext != "" && one.attr == "":
			object[enterprise] = one.value
		case one.sub == "" && one.ext == "":
			object[one.attr] = one.value
		}
	}
	if len(object) == 0 {
		object["title"] = "Dr"
	}
	e.value = object
	return e
}

func drawExtension(t *rapid.T) edit {
	attr := rapid.SampledFrom([]string{"employeeNumber", "costCenter", "organization", "division", "department"})
	e := edit{op: anyOp.Draw(t, "op"), ext: enterprise}
	switch rapid.IntRange(0, 2).Draw(t, "what") {
	case 0:
		e.attr, e.value = attr.Draw(t, "attr"), anyWord.Draw(t, "value")
	case 1:
		e.attr, e.sub, e.value = "manager", "value", anyWord.Draw(t, "value")
	default:
		e.value = map[string]any{attr.Draw(t, "attr"): anyWord.Draw(t, "value"), "manager": map[string]any{"value": anyWord.Draw(t, "manager")}}
	}
	return e
}

// drawOdd draws an operation that a server must refuse, one that changes
// nothing, or a new name.
func drawOdd(t *rapid.T) edit {
	return rapid.SampledFrom([]edit{
		{op: "replace", attr: "userName", value: "anna"},
		{op: "add", attr: "userName", value: "ANN"},
		{op: "replace", attr: "id", value: "x", fails: "mutability"},
		{op: "add", attr: "groups", value: []any{map[string]any{"value": "x"}}, fails: "mutability"},
		{op: "remove", attr: "userName", fails: "mutability"},
		{op: "add", attr: "shoeSize", value: "x", fails: "invalidPath"},
		{op: "replace", attr: "name", sub: "shoeSize", value: "x", fails: "invalidPath"},
		{op: "replace", attr: "active", value: map[string]any{"a": true}, fails: "invalidValue"},
		{op: "remove", fails: "noTarget"},
		{op: "remove", attr: "ims", by: "type", is: "nothing"},
		{op: "remove", attr: "nickName"},
		{op: "remove", ext: enterprise, attr: "division"},
	}).Draw(t, "odd")
}
