package resource

import (
	"encoding/json"
	"maps"
	"slices"

	elimity "github.com/elimity-com/scim/schema"
)

// SchemasJSON returns the schemas of the type as /Schemas shows them (RFC 7643 section 7), the core schema first.
// They have no meta, which depends on where they are served. The caller may change what it gets.
func (t *Type) SchemasJSON() []map[string]any {
	docs := []map[string]any{cloneObject(t.core.document)}
	for _, ext := range t.extensions {
		docs = append(docs, cloneObject(ext.document))
	}
	return docs
}

// An ExtensionInfo tells which extension a type has, for /ResourceTypes.
type ExtensionInfo struct {
	URN      string
	Required bool
}

// Extensions returns the extensions in their order.
func (t *Type) Extensions() []ExtensionInfo {
	infos := make([]ExtensionInfo, len(t.extensions))
	for i, ext := range t.extensions {
		infos[i] = ExtensionInfo{URN: ext.urn, Required: ext.required}
	}
	return infos
}

// corrected returns the schema as this server means it, and as JSON. Identifiers of resources are compared exactly,
// which the library leaves open: two ids may differ in case only. Members without anything to say are left out.
func corrected(s elimity.Schema) (elimity.Schema, map[string]any, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return s, nil, err
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		return s, nil, err
	}
	for _, d := range objects(document["attributes"]) {
		correct(d)
	}
	drop(document)
	if text, err = json.Marshal(document); err != nil {
		return s, nil, err
	}
	var fixed elimity.Schema
	if err := json.Unmarshal(text, &fixed); err != nil {
		return s, nil, err
	}
	return fixed, document, nil
}

// correct makes the value of an attribute that refers to resources exact, and drops what is empty.
func correct(d map[string]any) {
	subs := objects(d["subAttributes"])
	refers := slices.ContainsFunc(subs, func(s map[string]any) bool { return s["name"] == "$ref" })
	for _, s := range subs {
		if refers && s["name"] == "value" {
			s["caseExact"] = true
		}
		drop(s)
	}
	drop(d)
}

// drop takes out members that are null or empty.
func drop(d map[string]any) {
	maps.DeleteFunc(d, func(_ string, v any) bool { return v == nil || v == "" })
}

// objects returns the objects in an array.
func objects(v any) []map[string]any {
	list, _ := v.([]any)
	var found []map[string]any
	for _, e := range list {
		if o, ok := e.(map[string]any); ok {
			found = append(found, o)
		}
	}
	return found
}
