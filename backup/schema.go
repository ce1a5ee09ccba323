package backup

import (
	"encoding/json"
	"strings"
)

// Schema returns the JSON Schema (draft 2020-12) of the document, for editors.
// It is made from the same types and rules as what [Read] goes by. What Read
// checks beyond it are contradictions between settings, mappings and
// duplicate fields.
func Schema() []byte {
	root := configShape()
	g := schemaMaker{defs: map[string]any{}}
	top := g.object(root)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "Configuration of scimcrowd"
	top["properties"].(map[string]any)["format"] = map[string]any{
		"description": root.field("format").rule.about, "const": Format,
	}
	top["$defs"] = g.defs
	data, err := json.MarshalIndent(top, "", "  ")
	if err != nil {
		panic("backup: the schema cannot be encoded: " + err.Error())
	}
	return append(data, '\n')
}

// timestampForm is what is read of RFC 3339: without lower case and leap seconds, which
// [time.Time] does not know, and without the comma, which it does. In the schema it is
// for editors that pass over formats.
const timestampForm = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`

type schemaMaker struct {
	defs map[string]any
}

// value returns the schema of a value.
func (g schemaMaker) value(s *shape, r rule) map[string]any {
	m := map[string]any{}
	switch s.kind {
	case object:
		g.define(s)
		m["$ref"] = "#/$defs/" + defName(s)
	case list:
		m = g.list(g.value(s.elem, s.rule), r)
	case boolean:
		m["type"] = "boolean"
	case number:
		m["type"], m["minimum"], m["maximum"] = "integer", r.least, r.most
	case timestamp:
		m["type"], m["format"], m["pattern"] = "string", "date-time", timestampForm
	case keepPaths:
		kept := keptShape()
		m["anyOf"] = []any{map[string]any{"enum": []string{"all", "mapped"}}, g.list(g.value(kept.elem, kept.rule), rule{most: someItems})}
	case constant:
		constants := constantsShape()
		m["anyOf"] = []any{
			g.value(constants.elem, rule{}),
			map[string]any{"type": "boolean"},
			g.list(g.value(constants.elem, constants.rule), rule{most: someItems}),
		}
	default:
		m = textSchema(s, r)
	}
	describe(m, r)
	return m
}

func describe(m map[string]any, r rule) {
	if r.about != "" {
		m["description"] = r.about
	}
	if r.fallback != "" {
		m["default"] = json.RawMessage(r.fallback)
	}
}

func textSchema(s *shape, r rule) map[string]any {
	if len(s.words) > 0 {
		return map[string]any{"enum": s.words}
	}
	m := map[string]any{"type": "string", "maxLength": maxText}
	if r.most > 0 {
		m["maxLength"] = r.most
	}
	if r.least > 0 {
		m["minLength"] = r.least
	}
	if r.form != "" {
		m["pattern"] = r.form
	}
	return m
}

func (g schemaMaker) list(items map[string]any, r rule) map[string]any {
	m := map[string]any{"type": "array", "items": items}
	if r.least > 0 {
		m["minItems"] = r.least
	}
	if r.most > 0 {
		m["maxItems"] = r.most
	}
	return m
}

// define puts the schema of an object where references find it.
func (g schemaMaker) define(s *shape) {
	name := defName(s)
	if _, done := g.defs[name]; done {
		return
	}
	g.defs[name] = nil
	g.defs[name] = g.object(s)
}

func (g schemaMaker) object(s *shape) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range s.fields {
		properties[f.name] = g.value(f.shape, f.rule)
		if f.rule.required {
			required = append(required, f.name)
		}
	}
	m := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		m["required"] = required
	}
	if one := exactlyOne()[s.name]; one != nil {
		choices := make([]any, len(one))
		for i, name := range one {
			choices[i] = map[string]any{"required": []string{name}}
		}
		m["oneOf"] = choices
	}
	if s.name == "backup.Connection" {
		m["anyOf"] = someoneAuthenticates()
	}
	return m
}

// someoneAuthenticates asks for a token, or for somebody who issues them.
func someoneAuthenticates() []any {
	issuers := map[string]any{"required": []string{"issuers"}, "properties": map[string]any{"issuers": map[string]any{"minItems": 1}}}
	return []any{
		map[string]any{"required": []string{"tokens"}, "properties": map[string]any{"tokens": map[string]any{"minItems": 1}}},
		map[string]any{"required": []string{"access"}, "properties": map[string]any{"access": issuers}},
	}
}

// exactlyOne tells the fields of which an object has one, by Go type.
func exactlyOne() map[string][]string {
	return map[string][]string{
		"backup.Password": {"env", "file", "value", "sealed"},
		"mapping.Rule":    {"from", "fromExternalId", "fromPattern"},
		"scim.Issuer":     {"issuer", "entraTenant"},
	}
}

// defName makes of the name of a Go type one in the schema, such as scimToken.
func defName(s *shape) string {
	pkg, name, _ := strings.Cut(strings.TrimPrefix(s.name, "backup."), ".")
	if name == "" {
		return strings.ToLower(pkg[:1]) + pkg[1:]
	}
	return pkg + name
}
